use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "mapping-watch-lost",
    title: "authenticator lost sight of mappings",
    summary: "The cluster no longer hears of changes to who may log in; existing access goes on as it was.",
    tier: Tier::General,
    symptoms: &[Symptom::MappingWatchLost],
    actor: Actor::Aws,
    severity: Severity::High,
    page: Page {
        what_happened: "\
The authenticator watches `aws-auth` or the access entries, and it lost that watch. It goes on with what it knew last:
people who had access keep it, and new rows or removals do not count until the watch is back. One such line is normal
when the API server restarts, and so is a single `Watch channel closed`.",
        why: "\
Most likely first:

1. The API server restarted: an update of the cluster or the platform version.
2. The API server is overloaded, or refuses the authenticator.",
        how_to_be_sure: "\
- Does the line come back for more than five minutes?
- Does a mapping that you just added stay without effect?",
        what_to_do: "\
Wait five minutes. If it goes on, open a case with AWS Support with the cluster's ARN and the times in UTC. On your own
control plane, restart the authenticator and look at its permissions on the ConfigMap.",
        if_it_comes_back: "\
Watch the API server's load, and plan updates of the cluster outside the hours in which access is changed.",
    },
    perhaps: &["authenticator-broken"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-05T16:15:15Z" level=error msg="received a watch error: &Status{Code:410,Reason:Expired}""#, symptom: Symptom::MappingWatchLost }, Example { line: r#"time="2026-03-05T12:28:44Z" level=error msg="recieved a watch error: too old resource version""#, symptom: Symptom::MappingWatchLost }, Example { line: r#"time="2026-03-05T08:41:13Z" level=error msg="Unable to re-establish watch: Get \"https://127.0.0.1:443/api/v1/namespaces/kube-system/configmaps\": dial tcp 127.0.0.1:443: connect: connection refused, sleeping for 5 seconds.""#, symptom: Symptom::MappingWatchLost },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        Remedy::new(Actor::ClusterAdministrator, "See whether the cluster is being updated").aws(
            steps::eks_named("aws eks list-updates", case),
        ),
        Remedy::new(Actor::ClusterAdministrator, "See whether the line comes back for more than five minutes")
            .aws(steps::read_log(case, "authenticator", "\"watch\"")),
    ]
}
