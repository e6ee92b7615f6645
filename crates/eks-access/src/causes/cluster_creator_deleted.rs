use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::Remedy;
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
- CloudTrail's event `CreateCluster`, of the last 90 days, names the creator; `aws iam get-role` or `get-user` says whether it
  still exists.
- In the access-entry modes, `aws eks list-access-entries` shows who else has a way in. With facts, the notice names those whose
  entry has the administrator's access policy, and says whose role or user is gone.
- Whoever logged in as `kubernetes-admin` is in the authenticator's log; `eks-access admins --cluster NAME` finds them.",
        what_to_do: "\
If somebody else has administrator access, ask them: nothing is locked.

In the modes `API` and `API_AND_CONFIG_MAP` nothing in the cluster is needed to get back in. An IAM administrator who may call
`eks:CreateAccessEntry` and `eks:AssociateAccessPolicy` creates an entry for a role of the administrators, with the
administrator's access policy, once the security team agrees. Making the creator again does not help there: an entry belongs to the
old unique id.

In the mode `CONFIG_MAP`, create the IAM user or role again under the same name, as AWS re:Post advises, and log in with it;
another answer of AWS there says that the unique id counts, so be ready for it not to work. Nobody can bring back the ending of a
removed role of IAM Identity Center: open a case with AWS Support. Otherwise turn on access entries beside `aws-auth`.
Changing the authentication mode is one-way: it can never be taken back.",
        if_it_comes_back: "\
Create clusters with a role that is kept for it, and keep at least two ways in that do not depend on one person. Run
`eks-access doctor --cluster NAME` in CI: it warns while the last administrator is still there.",
    },
    perhaps: &["no-administrator-left", "principal-not-mapped", "access-key-not-valid"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: "Your cluster is inaccessible due to the cluster creator IAM user being deleted", symptom: Symptom::ClientCreatorDeleted },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = Vec::from_iter(steps::ask_administrators(case));
    remedies.extend(steps::recover(case));
    remedies
}
