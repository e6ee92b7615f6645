//! What a role's trust policy says of its purpose.

use std::collections::BTreeSet;

use serde_json::Value;

/// Who may assume a role, as far as it tells what the role is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// AWS services, such as `ec2.amazonaws.com`.
    services: BTreeSet<String>,
    /// Identity providers: the part of their ARN behind `oidc-provider/` or `saml-provider/`.
    providers: BTreeSet<String>,
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
    /// CircleCI.
    CircleCi,
    /// Terraform Cloud.
    TerraformCloud,
    /// AWS CodeBuild.
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

    fn is_service(&self, name: &str) -> bool {
        // China's services end in `.amazonaws.com.cn` where the others end in `.amazonaws.com`.
        self.services
            .iter()
            .any(|service| service.strip_suffix(".cn").unwrap_or(service) == name)
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
        self.providers.iter().any(|provider| {
            let host = provider.split('/').next().unwrap_or_default();
            host.starts_with("oidc.eks.") || host.starts_with("oidc-eks.")
        })
    }

    /// The pipeline it is made for, if the policy names one.
    #[must_use]
    pub fn pipeline(&self) -> Option<Pipeline> {
        let is_argo = |subject: &String| {
            subject
                .strip_prefix("system:serviceaccount:")
                .is_some_and(|name| name.split(':').any(|word| word.starts_with("argocd")))
        };
        if self.is_service("codebuild.amazonaws.com") {
            return Some(Pipeline::CodeBuild);
        }
        if self.is_of_service_account() && self.subjects.iter().any(is_argo) {
            return Some(Pipeline::ArgoCd);
        }
        let known = |provider: &String| {
            let host = provider.split('/').next().unwrap_or_default();
            PROVIDERS
                .iter()
                .find(|(name, _)| host == *name)
                .map(|(_, pipeline)| *pipeline)
        };
        self.providers.iter().find_map(known)
    }
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
