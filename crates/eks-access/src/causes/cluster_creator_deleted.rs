use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Modes, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "cluster-creator-deleted",
    title: "creator of the cluster was deleted",
    summary: "The IAM user or role that created the cluster is gone, and with it the only way in that some clusters have.",
    tier: Tier::General,
    symptoms: &[Symptom::ClientCreatorDeleted],
    actor: Actor::IamAdministrator,
    severity: Severity::High,
    page: Page {
        what_happened: "\
Whoever creates a cluster can log in to it. In the mode `CONFIG_MAP` this is hidden and listed nowhere; if nobody else
was ever let in, deleting that user or role locks everybody out. What runs in the cluster goes on running.",
        why: "\
Most likely first:

1. The creator was a person who left, or a pipeline role that was replaced, and no second way in was made.
2. The role was recreated by Terraform under the same name; an access entry remembers the old unique id.",
        how_to_be_sure: "\
- CloudTrail's event `CreateCluster` names the creator; `aws iam get-role` or `get-user` says whether it still exists.
- In the access-entry modes, `aws eks list-access-entries` shows who else has a way in.",
        what_to_do: "\
In the modes `API` and `API_AND_CONFIG_MAP`, an IAM administrator who may call `eks:CreateAccessEntry` lets the
administrators' role in; which access policy it gets is for the security team to agree.

In the mode `CONFIG_MAP`, either create the IAM user or role again under the same name, as AWS re:Post advises, and log
in with it; or turn on access entries beside `aws-auth`. Changing the authentication mode is one-way: it can never be taken back.",
        if_it_comes_back: "\
Create clusters with a role that is kept for it, and keep at least two ways in that do not depend on one person.",
    },
    perhaps: &["principal-not-mapped", "access-key-not-valid"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: "Your cluster is inaccessible due to the cluster creator IAM user being deleted", symptom: Symptom::ClientCreatorDeleted },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        Remedy::new(Actor::IamAdministrator, "Find the creator and the authentication mode; these commands change nothing")
            .aws(steps::describe_cluster(case))
            .aws(steps::events("CreateCluster", case).option("--query", "Events[].[EventTime,Username]").then("--output text")),
        Remedy::new(Actor::IamAdministrator, "Let the administrators' role in; agree its access policy with the security team")
            .modes(Modes::AccessEntries)
            .aws(steps::eks("aws eks list-access-entries", case))
            .aws(steps::eks("aws eks create-access-entry", case).option("--principal-arn", "ADMINISTRATORS_ROLE_ARN")),
        Remedy::new(
            Actor::IamAdministrator,
            "If the creator cannot be made again, turn on access entries beside aws-auth, which is one-way",
        )
        .modes(Modes::AwsAuth)
        .aws(
            steps::eks_named("aws eks update-cluster-config", case)
                .option("--access-config", "authenticationMode=API_AND_CONFIG_MAP"),
        ),
    ]
}
