//! What a role's trust policy says of its purpose.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::principal::Principal;
use crate::text::LogText;

/// Callers that are named in a sentence.
const SHOWN_CALLERS: usize = 4;
/// Characters of that sentence.
const SHOWN_WORDS: usize = 400;

/// Who may assume a role, as far as it tells what the role is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// AWS services, such as `ec2.amazonaws.com`.
    services: BTreeSet<String>,
    /// Identity providers: the part of their ARN behind `oidc-provider/` or `saml-provider/`.
    providers: BTreeSet<String>,
    /// Accounts, roles, users and `*`, as the policy writes them. A bare unique id is of somebody who was deleted.
    callers: BTreeSet<String>,
    /// Subjects that a condition names (`…:sub`), such as `system:serviceaccount:argocd:argocd-server`.
    subjects: BTreeSet<String>,
}

/// Where a pipeline's role is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pipeline {
    /// GitHub Actions.
    GitHub,
    /// GitLab.
    GitLab,
    /// Bitbucket Pipelines.
    Bitbucket,
    /// `CircleCI`.
    CircleCi,
    /// Terraform Cloud.
    TerraformCloud,
    /// AWS `CodeBuild`.
    CodeBuild,
    /// Argo CD, by a service account of its own.
    ArgoCd,
}

impl Pipeline {
    /// The name of the product.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub Actions",
            Self::GitLab => "GitLab",
            Self::Bitbucket => "Bitbucket Pipelines",
            Self::CircleCi => "CircleCI",
            Self::TerraformCloud => "Terraform Cloud",
            Self::CodeBuild => "AWS CodeBuild",
            Self::ArgoCd => "Argo CD",
        }
    }
}

/// Hosts of pipelines' identity providers, as their own documentation gives them. A GitLab of one's own has a host of its
/// own, which is not known here.
const PROVIDERS: [(&str, Pipeline); 5] = [
    ("token.actions.githubusercontent.com", Pipeline::GitHub),
    ("gitlab.com", Pipeline::GitLab),
    ("api.bitbucket.org", Pipeline::Bitbucket),
    ("oidc.circleci.com", Pipeline::CircleCi),
    ("app.terraform.io", Pipeline::TerraformCloud),
];

impl Trust {
    /// Reads a trust policy (`AssumeRolePolicyDocument`, percent-decoded). `None` if it is no policy.
    #[must_use]
    pub fn parse(document: &str) -> Option<Self> {
        let policy: Value = serde_json::from_str(document).ok()?;
        let mut trust = Self::default();
        for statement in several(policy.get("Statement")?) {
            if statement.get("Effect").and_then(Value::as_str) == Some("Allow") {
                trust.add(statement);
            }
        }
        Some(trust)
    }

    fn add(&mut self, statement: &Value) {
        let principals =
            |kind: &str| texts(statement.get("Principal").and_then(|all| all.get(kind)));
        self.services.extend(principals("Service"));
        let anybody = texts(statement.get("Principal").filter(|all| all.is_string()));
        let is_alive = |caller: &String| {
            caller == "*"
                || caller.starts_with("arn:")
                || caller.bytes().all(|b| b.is_ascii_digit())
        };
        self.callers.extend(
            principals("AWS")
                .into_iter()
                .chain(anybody)
                .filter(is_alive),
        );
        for arn in principals("Federated") {
            let provider = arn
                .split_once("oidc-provider/")
                .or_else(|| arn.split_once("saml-provider/"));
            self.providers
                .insert(provider.map_or(arn.clone(), |(_, provider)| provider.to_owned()));
        }
        let conditions = statement.get("Condition").and_then(Value::as_object);
        for (key, value) in conditions
            .into_iter()
            .flat_map(|operators| operators.values())
            .filter_map(Value::as_object)
            .flatten()
        {
            if key.ends_with(":sub") {
                self.subjects.extend(texts(Some(value)));
            }
        }
    }

    /// Whether anybody at all may assume it, as far as the policy's principals say. A condition may narrow that; it is not
    /// looked at.
    #[must_use]
    pub fn is_open_to_everybody(&self) -> bool {
        self.callers.contains("*")
    }

    /// Who may assume it, in a sentence for those who decide about it.
    #[must_use]
    pub fn in_words(&self) -> String {
        let providers = self
            .providers
            .iter()
            .map(|provider| format!("whoever {provider} vouches for"));
        let callers = self.callers.iter().map(|caller| match caller.as_str() {
            "*" => "ANYBODY".to_owned(),
            caller => match caller.parse::<Principal>() {
                Ok(principal) if principal.is_root() => {
                    format!("whoever the account {} lets assume it", principal.account())
                }
                _ => caller.to_owned(),
            },
        });
        let services = self
            .services
            .iter()
            .map(|service| format!("the service {service}"));
        let mut all: Vec<String> = callers.chain(providers).chain(services).collect();
        let more = all.len().saturating_sub(SHOWN_CALLERS);
        all.truncate(SHOWN_CALLERS);
        if more > 0 {
            all.push(format!("{more} more"));
        }
        if all.is_empty() {
            return "nobody may assume it".to_owned();
        }
        // Text of a policy that others may write.
        LogText::new(format!("may be assumed by {}", all.join(", "))).shown(SHOWN_WORDS)
    }

    fn is_service(&self, name: &str) -> bool {
        // China's services end in `.amazonaws.com.cn` where the others end in `.amazonaws.com`.
        self.services
            .iter()
            .any(|service| service.strip_suffix(".cn").unwrap_or(service) == name)
    }

    /// Whether people or other roles may assume it too: an account, a role, a user, or an identity provider that is
    /// neither a pipeline's nor a cluster's. Then its purpose is not known. A role that may assume itself is no other.
    #[must_use]
    pub fn is_open_to_others(&self, itself: &Principal) -> bool {
        let is_itself = |caller: &String| {
            caller.parse::<Principal>().is_ok_and(|caller| {
                caller.is_role()
                    && caller.account() == itself.account()
                    && caller.name() == itself.name()
            })
        };
        self.callers.iter().any(|caller| !is_itself(caller))
            || self
                .providers
                .iter()
                .any(|provider| pipeline_of(provider).is_none() && !is_a_clusters(provider))
    }

    /// Whether a service may assume it that is none of `own`.
    #[must_use]
    pub(crate) fn is_of_services_besides(&self, own: &[&str]) -> bool {
        self.services
            .iter()
            .map(|service| service.strip_suffix(".cn").unwrap_or(service))
            .any(|service| !own.contains(&service))
    }

    /// Whether nodes of any kind may have it.
    #[must_use]
    pub fn may_be_of_nodes(&self) -> bool {
        self.is_of_ec2()
            || self.is_of_fargate()
            || self.is_of_hybrid_nodes()
            || self.is_service("sagemaker.amazonaws.com")
    }

    /// Whether EC2 instances have it.
    #[must_use]
    pub fn is_of_ec2(&self) -> bool {
        self.is_service("ec2.amazonaws.com")
    }

    /// Whether pods on Fargate are started with it (EKS user guide, "Amazon EKS Pod execution IAM role").
    #[must_use]
    pub fn is_of_fargate(&self) -> bool {
        self.is_service("eks-fargate-pods.amazonaws.com")
    }

    /// Whether hybrid nodes have it: by Systems Manager or IAM Roles Anywhere (EKS user guide, "Prepare credentials for
    /// hybrid nodes").
    #[must_use]
    pub fn is_of_hybrid_nodes(&self) -> bool {
        self.is_service("ssm.amazonaws.com") || self.is_service("rolesanywhere.amazonaws.com")
    }

    /// Whether a control plane of EKS may work with it.
    #[must_use]
    pub fn is_of_eks(&self) -> bool {
        self.is_service("eks.amazonaws.com")
    }

    /// Whether pods get it by EKS Pod Identity.
    #[must_use]
    pub fn is_of_pod_identity(&self) -> bool {
        self.is_service("pods.eks.amazonaws.com")
    }

    /// Whether pods get it by a service account's token (IRSA): the provider is a cluster's.
    #[must_use]
    pub fn is_of_service_account(&self) -> bool {
        self.providers
            .iter()
            .any(|provider| is_a_clusters(provider))
    }

    /// Whether any pipeline may assume it, one or several.
    #[must_use]
    pub fn has_pipelines(&self) -> bool {
        self.is_service("codebuild.amazonaws.com")
            || self
                .providers
                .iter()
                .any(|provider| pipeline_of(provider).is_some())
    }

    /// The pipeline it is made for, if the policy names one, and no other.
    #[must_use]
    pub fn pipeline(&self) -> Option<Pipeline> {
        let is_argo = |subject: &String| {
            let account = subject.strip_prefix("system:serviceaccount:");
            account
                .and_then(|account| account.split_once(':'))
                .is_some_and(|(_, name)| name.starts_with("argocd-"))
        };
        let code_build = self
            .is_service("codebuild.amazonaws.com")
            .then_some(Pipeline::CodeBuild);
        let is_of_argo = self.is_of_service_account()
            && !self.subjects.is_empty()
            && self.subjects.iter().all(is_argo);
        let argo = is_of_argo.then_some(Pipeline::ArgoCd);
        let mut all = self
            .providers
            .iter()
            .filter_map(|provider| pipeline_of(provider))
            .chain(code_build)
            .chain(argo);
        let first = all.next()?;
        all.all(|other| other == first).then_some(first)
    }
}

/// The pipeline whose identity provider it is. A provider may have a path, such as an organisation's.
fn pipeline_of(provider: &str) -> Option<Pipeline> {
    let host = provider.split('/').next().unwrap_or_default();
    let known = PROVIDERS.iter().find(|(name, _)| host == *name);
    known.map(|(_, pipeline)| *pipeline)
}

/// Whether the identity provider is that of an EKS cluster.
fn is_a_clusters(provider: &str) -> bool {
    let host = provider.split('/').next().unwrap_or_default();
    host.starts_with("oidc.eks.") || host.starts_with("oidc-eks.")
}

/// One or several values: a policy may write either.
fn several(value: &Value) -> &[Value] {
    value
        .as_array()
        .map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn texts(value: Option<&Value>) -> Vec<String> {
    value
        .map_or(&[][..], several)
        .iter()
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Pipeline, Trust};

    fn trust(principal: &str, condition: &str) -> Trust {
        Trust::parse(&format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole",
            "Condition":{condition}}}]}}"#
        ))
        .unwrap()
    }

    #[test]
    fn services_tell_what_a_role_is_for() {
        assert!(trust(r#"{"Service":"ec2.amazonaws.com"}"#, "{}").is_of_ec2());
        assert!(
            trust(
                r#"{"Service":["x.amazonaws.com","ec2.amazonaws.com.cn"]}"#,
                "{}"
            )
            .is_of_ec2()
        );
        assert!(trust(r#"{"Service":"eks-fargate-pods.amazonaws.com"}"#, "{}").is_of_fargate());
        assert!(trust(r#"{"Service":"rolesanywhere.amazonaws.com"}"#, "{}").is_of_hybrid_nodes());
        assert!(trust(r#"{"Service":"pods.eks.amazonaws.com"}"#, "{}").is_of_pod_identity());
        assert!(!trust(r#"{"Service":"pods.eks.amazonaws.com"}"#, "{}").is_of_eks());
        assert!(!trust(r#"{"AWS":"ec2.amazonaws.com"}"#, "{}").is_of_ec2());
        assert!(!trust(r#""*""#, "{}").is_of_ec2());
    }

    #[test]
    fn providers_tell_pipelines_from_service_accounts() {
        let of = |provider: &str, subject: &str| {
            let principal =
                format!(r#"{{"Federated":"arn:aws:iam::111122223333:oidc-provider/{provider}"}}"#);
            let condition = format!(r#"{{"StringEquals":{{"{provider}:sub":"{subject}"}}}}"#);
            let trust = trust(&principal, &condition);
            (trust.is_of_service_account(), trust.pipeline())
        };
        let cluster = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E";
        assert_eq!(
            of("token.actions.githubusercontent.com", "repo:o/r:*"),
            (false, Some(Pipeline::GitHub))
        );
        assert_eq!(
            of("gitlab.com", "project_path:g/p"),
            (false, Some(Pipeline::GitLab))
        );
        assert_eq!(of(cluster, "system:serviceaccount:shop:web"), (true, None));
        assert_eq!(
            of(
                cluster,
                "system:serviceaccount:argocd:argocd-application-controller"
            ),
            (true, Some(Pipeline::ArgoCd))
        );
        assert_eq!(of("gitlab.com.example.org", "x"), (false, None));
    }

    #[test]
    fn whoever_else_may_assume_a_role_makes_its_purpose_uncertain() {
        let itself = "arn:aws:iam::111122223333:role/deploy".parse().unwrap();
        for (principal, expected) in [
            (r#"{"Service":"ec2.amazonaws.com"}"#, false),
            (r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, true),
            (r#"{"AWS":"444455556666"}"#, true),
            (r#"{"AWS":"*"}"#, true),
            (r#""*""#, true),
            (
                r#"{"AWS":"arn:aws:iam::111122223333:role/ci/deploy"}"#,
                false,
            ),
            (r#"{"AWS":"arn:aws:iam::444455556666:role/deploy"}"#, true),
            (r#"{"AWS":["AROAIOSFODNN7EXAMPLE"]}"#, false),
            (
                r#"{"Federated":"arn:aws:iam::111122223333:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE"}"#,
                true,
            ),
            (
                r#"{"Federated":"arn:aws:iam::111122223333:oidc-provider/gitlab.example.com"}"#,
                true,
            ),
            (
                r#"{"Federated":"arn:aws:iam::111122223333:oidc-provider/gitlab.com"}"#,
                false,
            ),
            (r#"{"Federated":"cognito-identity.amazonaws.com"}"#, true),
        ] {
            assert_eq!(
                trust(principal, "{}").is_open_to_others(&itself),
                expected,
                "{principal}"
            );
        }
    }

    #[test]
    fn a_role_of_two_pipelines_is_of_neither() {
        let of = |hosts: [&str; 2]| {
            let arns = hosts.map(|host| format!("arn:aws:iam::111122223333:oidc-provider/{host}"));
            let principal = serde_json::json!({ "Federated": arns }).to_string();
            trust(&principal, "{}").pipeline()
        };
        let github = "token.actions.githubusercontent.com";
        assert_eq!(of([github, "gitlab.com"]), None);
        // An organisation's own path is still GitHub.
        let own = format!("{github}/example");
        assert_eq!(of([github, &own]), Some(Pipeline::GitHub));
    }

    #[test]
    fn argo_cd_is_known_by_its_service_accounts_and_not_by_a_namespace() {
        let of = |subjects: &str| {
            let provider = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E";
            let principal =
                format!(r#"{{"Federated":"arn:aws:iam::111122223333:oidc-provider/{provider}"}}"#);
            let condition = format!(r#"{{"StringEquals":{{"{provider}:sub":{subjects}}}}}"#);
            trust(&principal, &condition).pipeline()
        };
        let server = r#""system:serviceaccount:argocd:argocd-server""#;
        assert_eq!(of(server), Some(Pipeline::ArgoCd));
        assert_eq!(of(r#""system:serviceaccount:argocd-demo:web""#), None);
        let both = format!(r#"[{server},"system:serviceaccount:shop:web"]"#);
        assert_eq!(of(&both), None);
    }

    #[test]
    fn what_is_denied_is_not_trusted_and_what_is_no_policy_is_none() {
        let denied =
            r#"{"Statement":{"Effect":"Deny","Principal":{"Service":"ec2.amazonaws.com"}}}"#;
        assert!(!Trust::parse(denied).unwrap().is_of_ec2());
        for text in ["", "[]", "{}", "null", "{\"Statement\""] {
            assert_eq!(Trust::parse(text), None, "{text}");
        }
        assert_eq!(
            Trust::parse(r#"{"Statement":[1,null,{"Effect":"Allow"}]}"#),
            Some(Trust::default())
        );
    }
}
