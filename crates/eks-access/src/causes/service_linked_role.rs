use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::principal::Principal;
use crate::remedy::{Command, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "service-linked-role",
    title: "service-linked role not mapped",
    summary: "An AWS service called the cluster with its service-linked role, and the cluster does not know that role.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped, Symptom::NotMappedNode],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Low,
    page: Page {
        what_happened: "\
The role's name begins with `AWSServiceRoleFor`: it belongs to an AWS service, which called the cluster by itself. The
cluster does not map it. EKS makes no access entries for service-linked roles, so none can be created.",
        why: "\
Most likely first:

1. The service was connected to the cluster, but its set-up inside the cluster was not finished or was undone.
2. The service is no longer in use, and goes on asking.",
        how_to_be_sure: "\
`aws iam get-role --role-name ROLE_NAME` shows the path `/aws-service-role/...` and thereby the service.",
        what_to_do: "\
Follow the set-up guide of that service. Some, such as AWS Batch and Amazon EMR on EKS, describe a row of `aws-auth`
or an access entry for another role of yours. If you do not use the service with this cluster, disconnect it there.

Never try to get around this with an access entry for the role, or with a wider group than the guide names.",
        if_it_comes_back: "\
Keep the service's set-up in the same code as the cluster, and remove both together.",
    },
    perhaps: &["aws-internal-principal", "principal-not-mapped"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-06T13:12:36Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/AWSServiceRoleForBatch" client="127.0.0.1:62054" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }, Example { line: r#"time="2026-03-06T09:25:05Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/AWSServiceRoleForAmazonEMRContainers" client="127.0.0.1:62372" error="ARN is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped },],
};

fn claim(case: &Case<'_>) -> Claim {
    if steps::is_service_linked(case) { Claim::Yes } else { Claim::No }
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        Remedy::new(Actor::ClusterAdministrator, "See which service the role belongs to; these commands change nothing in the cluster")
            .aws(
                Command::new("aws iam get-role")
                    .option("--role-name", case.principal.map_or("ROLE_NAME", Principal::name))
                    .option("--query", "Role.[Arn,RoleLastUsed.LastUsedDate]")
                    .then("--output text"),
            )
            .aws(steps::describe_cluster(case)),
    ]
}
