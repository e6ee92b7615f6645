use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::facts::{Pipeline, Trust};
use crate::finding::{Finding, claim_purpose};
use crate::remedy::{Command, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "pipeline-role-not-mapped",
    title: "pipeline's role not mapped",
    summary: "A pipeline or deployment tool called with its IAM role, and nothing in this cluster lets that role in.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped, Symptom::NotMappedNode],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
The role's trust policy names a pipeline: GitHub Actions, GitLab, Bitbucket, CircleCI, Terraform Cloud, AWS CodeBuild, or Argo
CD by its service account. A job assumed it and AWS vouched for it, but the cluster maps it nowhere, so the job got
`Unauthorized`.",
        why: "\
1. The role was never let in: rights in AWS, even `AdministratorAccess`, give none in Kubernetes.
2. The job used another role than the one that is let in: the step that assumes it is missing or comes later, a self-hosted
   runner's variables or instance role won, or `aws eks update-kubeconfig --role-arn` names a second one.
3. The pipeline created the cluster with one role and deploys with another; only the creator got in.
4. CodeBuild: the role's path `/service-role/` was kept in `aws-auth` or left out of the access entry.
5. Terraform Cloud: plan and apply have roles of their own (`TFC_AWS_PLAN_ROLE_ARN`, `TFC_AWS_APPLY_ROLE_ARN`), and only one
   is let in.",
        how_to_be_sure: "\
Run `aws sts get-caller-identity` in the job, as the step before kubectl, and compare the role with the one you meant.

GitHub Actions: `configure-aws-credentials` needs `permissions: id-token: write`. Without `role-to-assume` it hands on whatever
keys the job has, and its role holds for the steps after it in the same job only.

Argo CD: the cluster's secret names the role (`awsAuthConfig.roleARN`); without it, Argo CD calls with the role of its own
service account.",
        what_to_do: "\
If the job used the wrong role, mend the job; nothing is needed in the cluster.

Otherwise let the pipeline's role in for the namespaces that it deploys to. The commands below give the view; to deploy, a cluster
administrator chooses AmazonEKSEditPolicy in these namespaces, or a Kubernetes group with just the rights that the job needs.
EditPolicy reads Secrets.

An access entry has the role's path, such as `/service-role/`; a row of `aws-auth` must not have it.

Never give a pipeline AmazonEKSClusterAdminPolicy because it is quicker: whoever can change the repository has it then.",
        if_it_comes_back: "\
- Give each pipeline a role of its own, and trust one repository and branch in it (`:sub`), not the whole organisation.
- Keep the entry in the code of the cluster, not in that of the pipeline that needs it.",
    },
    perhaps: &["principal-not-mapped", "irsa-role-not-mapped", "aws-auth-malformed"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-06T18:53:11Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/deploy" client="127.0.0.1:43005" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }, Example { line: r#"time="2026-03-08T20:55:11Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/codebuild-shop-service-role" client="127.0.0.1:43007" error="Identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }],
};

fn claim(case: &Case<'_>) -> Claim {
    claim_purpose(case, |finding| matches!(finding, Finding::Pipeline(_)), &["github", "gitlab", "bitbucket", "circleci", "codebuild", "argocd", "terraform-cloud", "pipeline"])
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let pipeline = case.facts.trust().and_then(Trust::pipeline);
    let (name, look) = pipeline.map_or(("the pipeline", "the step before kubectl"), |pipeline| {
        (pipeline.name(), where_to_look(pipeline))
    });
    let title = format!("See in the job which role {name} really calls with; look at {look}");
    let mut remedies = vec![
        Remedy::new(Actor::Caller, title).aws(Command::new("aws sts get-caller-identity")),
        steps::who_may_assume("See which repository, project or service account the role trusts", case),
        steps::checks(case),
    ];
    let Some(grantee) = steps::Grantee::person(case) else { return remedies };
    remedies.extend(steps::entry_remedies(&grantee, case));
    remedies.extend(steps::aws_auth_remedies(&grantee, case));
    remedies
}

/// What of the product's own settings chooses the role.
fn where_to_look(pipeline: Pipeline) -> &'static str {
    match pipeline {
        Pipeline::GitHub => "role-to-assume of configure-aws-credentials, and at id-token: write among the permissions",
        Pipeline::GitLab => "AWS_ROLE_ARN and at the runner's own role",
        Pipeline::Bitbucket => "AWS_ROLE_ARN of a step with oidc: true",
        Pipeline::CircleCi => "role_arn of the orb's step that sets the AWS CLI up",
        Pipeline::TerraformCloud => "TFC_AWS_RUN_ROLE_ARN and at the roles for plan and apply",
        Pipeline::CodeBuild => "the project's service role, whose path an access entry keeps and aws-auth drops",
        Pipeline::ArgoCd => "awsAuthConfig.roleARN in the secret of the cluster",
    }
}
