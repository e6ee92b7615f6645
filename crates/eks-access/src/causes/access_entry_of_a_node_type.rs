use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::cluster::AuthenticationMode;
use crate::facts::{Fact, Trust};
use crate::remedy::{Modes, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "access-entry-of-a-node-type",
    title: "access entry is of a node type",
    summary: "A person or program called with a role whose access entry is for EC2 nodes, and only instances can log in with that.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NodeSessionNotInstance],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
The role has an access entry of a type for EC2 nodes (`EC2_LINUX`, `EC2_WINDOWS` or `EC2`). EKS builds the user name of such an
entry from the instance that calls. The session that called is not named after an instance (`i-...`), so it was refused.",
        why: "\
1. A person or program assumed the nodes' role to reach the cluster.
2. The entry was meant for people and was made with the wrong type, by hand or in code.",
        how_to_be_sure: "\
- `aws sts get-caller-identity` shows the role and, after the last `/`, the session.
- `aws eks describe-access-entry` shows the type.
- The role's trust policy tells which it is: if it names `ec2.amazonaws.com`, nodes may have the role (reason 1); if not, no
  node can (reason 2).",
        what_to_do: "\
Nodes have the role: leave its entry as it is, and call with a role of your own that is let in by itself; see
[principal not mapped](principal-not-mapped.md).

No node can have the role: delete the entry and create it again for people. The type of an entry cannot be changed.

Never delete or replace the entry of a role that nodes have: every node of that role drops out.",
        if_it_comes_back: "\
Let only `ec2.amazonaws.com` assume the nodes' role. In code, write the type of each entry out.",
    },
    perhaps: &["node-not-mapped", "principal-not-mapped"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-04T10:43:11Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:44883" error="mapper DynamicFile renderTemplates error: error rendering username template \"system:node:{{EC2PrivateDNSName}}\": SessionName did not contain an instance id" method=POST path=/authenticate"#, symptom: Symptom::NodeSessionNotInstance }],
};

fn claim(case: &Case<'_>) -> Claim {
    let Some(role) = case.principal.filter(|principal| principal.is_role()) else { return Claim::No };
    if role.is_service_linked() || case.foreign_principal().is_some() {
        return Claim::No;
    }
    // Fargate's and hybrid nodes' sessions are no instances either, and their role needs a node's entry of another type.
    let is_of_other_nodes = case
        .facts
        .trust()
        .is_some_and(|trust| trust.is_of_fargate() || trust.is_of_hybrid_nodes());
    match &case.facts.entry {
        _ if is_of_other_nodes => Claim::No,
        Fact::Known(Some(entry)) if entry.kind.is_of_ec2_nodes() => Claim::Yes,
        Fact::Known(_) => Claim::No,
        Fact::Unknown(_) if case.cluster.mode == Some(AuthenticationMode::ConfigMap) => Claim::No,
        Fact::Unknown(_) => Claim::Perhaps("the access entry of the role"),
    }
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = vec![
        steps::checks(case),
        steps::who_may_assume("See whether EC2 may assume the role, and who else", case),
    ];
    let can_be_a_nodes = case.facts.trust().is_none_or(Trust::is_of_ec2);
    let grantee = steps::Grantee::person(case).filter(|_| !can_be_a_nodes);
    let (Some(grantee), Some(entry)) = (grantee, case.facts.own_entry()) else {
        remedies.push(steps::call_with_own_role(
            "Call with a role of your own, and leave the entry of the nodes' role as it is",
            case,
        ));
        return remedies;
    };
    remedies.push(steps::note_entry_down(case, entry));
    let title = "Delete the entry and create it for people, with the view of one namespace: EC2 may not assume the role, \
                 so no node has it";
    let replace = Remedy::new(Actor::ClusterAdministrator, title)
        .modes(Modes::AccessEntries)
        .aws(grantee.delete_old_entry(case, &entry.principal.to_string()))
        .aws(grantee.principal_arn(steps::eks("aws eks create-access-entry", case)).option("--type", "STANDARD"));
    remedies.push(steps::associate_view(replace, &grantee, case));
    remedies.push(steps::try_again(case));
    remedies
}
