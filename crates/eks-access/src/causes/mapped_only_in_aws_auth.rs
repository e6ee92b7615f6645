use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::cluster::AuthenticationMode;
use crate::facts::{AwsAuthRow, Fact};
use crate::finding::{Finding, open};
use crate::remedy::{Command, Modes, Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "mapped-only-in-aws-auth",
    title: "mapped only in aws-auth, which is not read",
    summary: "A row of aws-auth would let you in, but this cluster works with access entries alone and does not read aws-auth.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped, Symptom::NotMappedNode],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
The authentication mode of the cluster is `API`. The ConfigMap `aws-auth` may still be there, with a row for you, and it counts
for nothing. The cluster has no access entry for you.",
        why: "\
1. The cluster was moved to the mode `API` before every row had an entry. eksctl leaves rows out that have no
   counterpart, such as those with groups that begin with `system:`.
2. Somebody added the row later, by hand or with a tool that does not know the mode.",
        how_to_be_sure: "\
`aws eks describe-cluster --query cluster.accessConfig.authenticationMode` says `API`, and `aws eks list-access-entries` does
not show you.",
        what_to_do: "\
Write the row as an access entry. `eks-access aws-auth translate` does so for every row of the file, says what does not move, and
puts the least that works first; it changes nothing by itself. Read what it writes before you run it.

There is no way back to a mode that reads `aws-auth`.",
        if_it_comes_back: "\
Take the ConfigMap out of your code in the mode `API`, so that nobody adds rows to it.",
    },
    perhaps: &["principal-never-mapped"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T18:39:27Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:43945" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }],
};

fn claim(case: &Case<'_>) -> Claim {
    let can_be_own = case.foreign_principal().is_none();
    let is_read = case.facts.aws_auth.known().is_some();
    match Finding::of(case) {
        Finding::OnlyInAwsAuth => Claim::Yes,
        _ if case.cluster.mode != Some(AuthenticationMode::Api) || !can_be_own => Claim::No,
        // Nothing that counts names it; what does not count was not read.
        Finding::NeverMapped if !is_read => Claim::Perhaps(open::ROWS),
        Finding::Open
            if matches!(case.facts.aws_auth, Fact::Known(AwsAuthRow::Fits | AwsAuthRow::FitsNodes)) =>
        {
            open::entries(case).map_or(Claim::No, Claim::Perhaps)
        }
        _ => Claim::No,
    }
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let translate = Command::new("eks-access aws-auth translate aws-auth.yaml --to aws-cli")
        .option("--cluster", case.cluster.name_or_placeholder())
        .option("--region", case.cluster.region_or_placeholder())
        .then("> entries.sh");
    let mut remedies = vec![
        steps::checks(case),
        Remedy::new(Actor::ClusterAdministrator, "See which rows have no entry, and write them as entries to read and to run")
            .modes(Modes::AccessEntries)
            .aws(steps::kubeconfig_aside(case))
            .command(Tool::Kubectl, Command::new("kubectl -n kube-system get configmap aws-auth -o yaml").then("> aws-auth.yaml"))
            .command(Tool::Shell, translate),
    ];
    remedies.extend(steps::lockout(case));
    remedies.extend(steps::create_instead("Or create the one entry, here with the view policy in one namespace", case));
    remedies.push(steps::try_again(case));
    remedies
}
