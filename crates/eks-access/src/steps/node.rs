//! Roles of nodes: what proves one, and what lets it in.

use crate::catalogue::Case;
use crate::remedy::{Command, Modes, Remedy, Tool};
use crate::symptom::Actor;

use super::aws_auth::mapping;
use super::cluster::{access_policy, eks, eksctl};
use super::grantee::Grantee;
use super::terraform::node_entry;

/// The types of access entries that nodes have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NodeType {
    Ec2Linux,
    FargateLinux,
    HybridLinux,
    AutoMode,
}

impl NodeType {
    /// By the role names of the EKS user guide; what is not named so is a Linux instance.
    fn of(role: &str) -> Self {
        let lower = role.to_ascii_lowercase();
        if lower.contains("fargate") {
            Self::FargateLinux
        } else if lower.contains("hybrid") {
            Self::HybridLinux
        } else if lower.contains("eksautonode") {
            Self::AutoMode
        } else {
            Self::Ec2Linux
        }
    }

    fn name(self) -> &'static str {
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

    /// Hybrid nodes and Auto Mode need access entries.
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

/// A mapping for a node's role, in each tool.
pub(crate) fn node_remedies(role: &Grantee, case: &Case<'_>) -> Vec<Remedy> {
    let administrator = Actor::ClusterAdministrator;
    let kind = NodeType::of(&role.name);
    let hint = if kind == NodeType::Ec2Linux {
        " (EC2_WINDOWS for Windows nodes)"
    } else {
        ""
    };
    let title = format!(
        "Once it is proved to be the nodes' role, create an access entry of type {}{hint}",
        kind.name()
    );
    let create = role
        .principal_arn(eks("aws eks create-access-entry", case))
        .option("--type", kind.name());
    let mut aws = role
        .find_arn(Remedy::new(administrator, title).modes(Modes::AccessEntries))
        .aws(create);
    if kind == NodeType::AutoMode {
        aws = aws.aws(
            role.principal_arn(eks("aws eks associate-access-policy", case))
                .option(
                    "--policy-arn",
                    &access_policy(case, "AmazonEKSAutoNodePolicy"),
                )
                .option("--access-scope", "type=cluster"),
        );
    }
    let with_eksctl = role
        .find_arn(Remedy::new(administrator, "Or do it with eksctl").modes(Modes::AccessEntries))
        .command(
            Tool::Eksctl,
            role.principal_arn(eksctl("eksctl create accessentry", case))
                .option("--type", kind.name()),
        );
    let with_terraform = Remedy::new(administrator, "Or do it with Terraform")
        .modes(Modes::AccessEntries)
        .snippet(Tool::Terraform, node_entry(role, case, kind.name()));
    let mut remedies = vec![aws, with_eksctl, with_terraform];
    if kind.works_with_aws_auth() {
        remedies.push(mapping(
            "Once it is proved to be the nodes' role, map it in aws-auth with eksctl (Windows nodes need the group eks:kube-proxy-windows too)",
            case,
            &role.arn,
            kind.username(),
            kind.groups(),
        ));
    }
    remedies
}

/// A row of aws-auth for a role of Linux nodes.
pub(crate) fn node_mapping(title: &'static str, case: &Case<'_>, arn: &str) -> Remedy {
    let kind = NodeType::Ec2Linux;
    mapping(title, case, arn, kind.username(), kind.groups())
}
