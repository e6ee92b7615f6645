//! Roles of nodes: what proves one, and what lets it in.

use crate::catalogue::Case;
use crate::cluster::AuthenticationMode;
use crate::facts::Trust;
use crate::principal::Principal;
use crate::remedy::{Command, Modes, Remedy, Tool};
use crate::symptom::Actor;

use super::aws_auth::mapping;
use super::cloudformation::node_resource;
use super::cluster::{access_policy, eks, eks_named, eksctl};
use super::grantee::Grantee;
use super::terraform::node_entry;

/// The types of access entries that nodes have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeType {
    /// Instances with Linux; others have `EC2_WINDOWS`.
    Ec2Linux,
    FargateLinux,
    HybridLinux,
    AutoMode,
}

impl NodeType {
    /// By the trust policy, where it can be read. Else by the role names of the EKS user guide; what is not named so is a
    /// Linux instance.
    fn of(role: &str, trust: Option<&Trust>) -> Self {
        let lower = role.to_ascii_lowercase();
        let is_of_ec2 = trust.is_some_and(Trust::is_of_ec2);
        if trust.is_some_and(Trust::is_of_fargate) && !is_of_ec2 {
            Self::FargateLinux
        } else if trust.is_some_and(Trust::is_of_hybrid_nodes) && !is_of_ec2 {
            Self::HybridLinux
        } else if is_of_ec2 && !lower.contains("eksautonode") {
            Self::Ec2Linux
        } else if lower.contains("fargate") {
            Self::FargateLinux
        } else if lower.contains("hybrid") {
            Self::HybridLinux
        } else if lower.contains("eksautonode") {
            Self::AutoMode
        } else {
            Self::Ec2Linux
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ec2Linux => "EC2_LINUX",
            Self::FargateLinux => "FARGATE_LINUX",
            Self::HybridLinux => "HYBRID_LINUX",
            Self::AutoMode => "EC2",
        }
    }

    fn username(self) -> &'static str {
        match self {
            Self::Ec2Linux | Self::AutoMode => "system:node:{{EC2PrivateDNSName}}",
            Self::FargateLinux | Self::HybridLinux => "system:node:{{SessionName}}",
        }
    }

    fn groups(self) -> &'static [&'static str] {
        match self {
            Self::FargateLinux => &[
                "system:bootstrappers",
                "system:nodes",
                "system:node-proxier",
            ],
            Self::Ec2Linux | Self::HybridLinux | Self::AutoMode => {
                &["system:bootstrappers", "system:nodes"]
            }
        }
    }

    /// The access policy that the entry needs. Only Auto Mode's takes one (EKS user guide, "Create node class access
    /// entry").
    pub(super) fn policy(self) -> Option<&'static str> {
        (self == Self::AutoMode).then_some("AmazonEKSAutoNodePolicy")
    }

    /// Hybrid nodes and Auto Mode do not work in the mode that has only `aws-auth`.
    fn works_with_aws_auth(self) -> bool {
        matches!(self, Self::Ec2Linux | Self::FargateLinux)
    }
}

/// Shows what the role is for. The caller chooses a session's name, and whoever made the role chose its name.
pub(crate) fn prove_node_role(role: &Grantee) -> Remedy {
    Remedy::new(
        Actor::ClusterAdministrator,
        "Prove that it is a node's role, for names prove nothing: EC2 nodes' roles have an instance profile, others a \
         trust policy that names Fargate, Systems Manager or Roles Anywhere",
    )
    .aws(
        Command::new("aws iam list-instance-profiles-for-role")
            .option("--role-name", &role.name)
            .option("--query", "InstanceProfiles[].Arn")
            .then("--output text"),
    )
    .aws(
        Command::new("aws iam get-role")
            .option("--role-name", &role.name)
            .option("--query", "Role.[Arn,AssumeRolePolicyDocument]"),
    )
}

/// A mapping for a role of which only its name is known, in each tool.
pub(crate) fn node_remedies(role: &Grantee, case: &Case<'_>) -> Vec<Remedy> {
    let kind = NodeType::of(&role.name, case.facts.trust());
    node_entries(
        kind,
        "Once it is proved to be the nodes' role, ",
        role,
        case,
    )
}

/// A mapping for a role of nodes, in each tool. `lead` begins the sentences, and says on what they depend.
pub(crate) fn node_entries(
    kind: NodeType,
    lead: &str,
    role: &Grantee,
    case: &Case<'_>,
) -> Vec<Remedy> {
    let administrator = Actor::ClusterAdministrator;
    let (of_type, hint) = (kind.name(), windows_hint(kind));
    let title = sentence(&format!(
        "{lead}create an access entry of type {of_type}{hint}"
    ));
    let create = role
        .principal_arn(eks("aws eks create-access-entry", case))
        .option("--type", of_type);
    let aws = role
        .find_arn(Remedy::new(administrator, title).modes(Modes::AccessEntries))
        .aws(create);
    let with_eksctl = role
        .find_arn(Remedy::new(administrator, "Or do it with eksctl").modes(Modes::AccessEntries))
        .command(
            Tool::Eksctl,
            role.principal_arn(eksctl("eksctl create accessentry", case))
                .option("--type", of_type),
        );
    let with_terraform = Remedy::new(administrator, "Or do it with Terraform")
        .modes(Modes::AccessEntries)
        .snippet(Tool::Terraform, node_entry(role, case, kind));
    let mut remedies = vec![
        with_policy(aws, kind, role, case),
        with_policy(with_eksctl, kind, role, case),
        with_terraform,
    ];
    remedies.extend(node_resource(role, case, kind).map(|resource| {
        Remedy::new(administrator, "Or do it with CloudFormation")
            .modes(Modes::AccessEntries)
            .snippet(Tool::CloudFormation, resource)
    }));
    if kind.works_with_aws_auth() {
        let windows = match kind {
            NodeType::Ec2Linux => " (Windows nodes need the group eks:kube-proxy-windows too)",
            _ => "",
        };
        let title = sentence(&format!(
            "{lead}map it in aws-auth with eksctl, without its path{windows}"
        ));
        remedies.push(mapping(
            title,
            case,
            &role.arn,
            kind.username(),
            kind.groups(),
        ));
    }
    remedies
}

fn windows_hint(kind: NodeType) -> &'static str {
    if kind == NodeType::Ec2Linux {
        " (EC2_WINDOWS for Windows nodes)"
    } else {
        ""
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn with_policy(remedy: Remedy, kind: NodeType, role: &Grantee, case: &Case<'_>) -> Remedy {
    let Some(policy) = kind.policy() else {
        return remedy;
    };
    remedy.aws(
        role.principal_arn(eks("aws eks associate-access-policy", case))
            .option("--policy-arn", &access_policy(case, policy))
            .option("--access-scope", "type=cluster"),
    )
}

/// Shows which instances are the cluster's, and with which profile; whichever role is in none of those profiles is no
/// node's.
pub(crate) fn find_nodes(role: &Grantee, case: &Case<'_>) -> Remedy {
    let tag = format!(
        "Name=tag-key,Values=kubernetes.io/cluster/{}",
        case.cluster.name_or_placeholder()
    );
    prove_node_role(role)
        .aws(
            Command::new("aws ec2 describe-instances")
                .option("--region", case.cluster.region_or_placeholder())
                .option("--filters", &tag)
                .option(
                    "--query",
                    "Reservations[].Instances[].[InstanceId,State.Name,IamInstanceProfile.Arn]",
                )
                .then("--output text"),
        )
        .aws(eks("aws eks list-nodegroups", case))
}

/// What a cluster without access entries has to do first, where they are the only way.
pub(crate) fn add_access_entries(what: &str, case: &Case<'_>) -> Option<Remedy> {
    let title = format!(
        "First let the cluster have access entries beside aws-auth, for {what}; this is one-way, and the rows of \
         aws-auth go on working"
    );
    let is_needed = case
        .cluster
        .mode
        .is_none_or(|mode| mode == AuthenticationMode::ConfigMap);
    is_needed.then(|| {
        Remedy::new(Actor::ClusterAdministrator, title)
            .modes(Modes::AwsAuth)
            .aws(
                eks_named("aws eks update-cluster-config", case)
                    .option("--access-config", "authenticationMode=API_AND_CONFIG_MAP"),
            )
    })
}

/// Gives a program that runs on nodes, pods or instances a role of its own to call with.
pub(crate) fn call_with_own_role(title: &'static str, case: &Case<'_>) -> Remedy {
    Remedy::new(Actor::Caller, title)
        .aws(super::kubeconfig(case).option("--role-arn", "ROLE_ARN"))
        .command(Tool::Kubectl, Command::new("kubectl auth whoami"))
}

/// Shows who may assume the role of the case.
pub(crate) fn who_may_assume(title: &'static str, case: &Case<'_>) -> Remedy {
    let name = case.principal.map_or("ROLE_NAME", Principal::name);
    Remedy::new(Actor::IamAdministrator, title).aws(
        Command::new("aws iam get-role")
            .option("--role-name", name)
            .then("--query Role.AssumeRolePolicyDocument"),
    )
}

/// A row of aws-auth for a role of Linux nodes.
pub(crate) fn node_mapping(title: &'static str, case: &Case<'_>, arn: &str) -> Remedy {
    let kind = NodeType::Ec2Linux;
    mapping(title, case, arn, kind.username(), kind.groups())
}
