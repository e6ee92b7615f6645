//! Pieces that the remedies of several causes share.
//!
//! Everything from a case goes through [`Command::arg`] or the escapes of this module. Words in capitals, such as
//! `NAMESPACE`, are for the reader to replace.

use crate::catalogue::Case;
use crate::cluster::{AuthenticationMode, Region};
use crate::principal::Principal;
use crate::remedy::{Command, Modes, Remedy, Tool};
use crate::symptom::Actor;

/// The group that the mapping remedies give, and the `RoleBinding` binds.
const VIEWERS: &str = "NAMESPACE-viewers";

/// A command of `aws eks` that names the cluster with `--cluster-name`.
pub(crate) fn eks(constant: &'static str, case: &Case<'_>) -> Command {
    Command::new(constant)
        .option("--cluster-name", case.cluster.name_or_placeholder())
        .option("--region", case.cluster.region_or_placeholder())
}

/// A command of `aws eks` that names the cluster with `--name`.
pub(crate) fn eks_named(constant: &'static str, case: &Case<'_>) -> Command {
    Command::new(constant)
        .option("--name", case.cluster.name_or_placeholder())
        .option("--region", case.cluster.region_or_placeholder())
}

/// A command of eksctl.
pub(crate) fn eksctl(constant: &'static str, case: &Case<'_>) -> Command {
    Command::new(constant)
        .option("--cluster", case.cluster.name_or_placeholder())
        .option("--region", case.cluster.region_or_placeholder())
}

/// Points kubectl at the cluster of the case, so that what follows can't reach another one.
pub(crate) fn kubeconfig(case: &Case<'_>) -> Command {
    eks_named("aws eks update-kubeconfig", case)
}

/// The account and the authentication mode of the cluster.
pub(crate) fn describe_cluster(case: &Case<'_>) -> Command {
    eks_named("aws eks describe-cluster", case)
        .option("--query", "cluster.[arn,accessConfig.authenticationMode]")
        .then("--output text")
}

/// The partition of the case: the principal's, or the one the Region lies in.
pub(crate) fn partition<'a>(case: &Case<'a>) -> &'a str {
    match case.principal {
        Some(principal) => principal.partition(),
        None => case
            .cluster
            .region
            .as_ref()
            .map_or("aws", Region::partition),
    }
}

/// The public STS host of the cluster's Region (botocore, `partitions.json`).
pub(crate) fn sts_host(case: &Case<'_>) -> String {
    let suffix = match case.cluster.region.as_ref().map(Region::partition) {
        Some("aws-cn") => "amazonaws.com.cn",
        Some("aws-eusc") => "amazonaws.eu",
        Some("aws-iso") => "c2s.ic.gov",
        Some("aws-iso-b") => "sc2s.sgov.gov",
        Some("aws-iso-e") => "cloud.adc-e.uk",
        Some("aws-iso-f") => "csp.hci.ic.gov",
        _ => "amazonaws.com",
    };
    format!("sts.{}.{suffix}", case.cluster.region_or_placeholder())
}

/// The ARN of an access policy of EKS.
pub(crate) fn access_policy(case: &Case<'_>, name: &str) -> String {
    format!(
        "arn:{}:eks::aws:cluster-access-policy/{name}",
        partition(case)
    )
}

/// The account for an ARN in a command: the cluster's, or a word to replace.
pub(crate) fn account<'a>(case: &Case<'a>) -> &'a str {
    case.cluster
        .account
        .as_ref()
        .map_or("ACCOUNT_ID", |account| account.as_str())
}

/// Whether AWS itself called: believed only of a role of another account than the cluster's. The caller chooses the
/// session's name, so it counts only where the account is known to be another.
pub(crate) fn aws_called(case: &Case<'_>) -> bool {
    case.principal.is_some_and(|principal| {
        let is_named_so = principal.is_named_like_aws_internal();
        let is_believed = match &case.cluster.account {
            None => is_named_so,
            Some(own) => own != principal.account() && (is_named_so || case.aws_internal_session),
        };
        principal.is_role() && is_believed
    })
}

/// Whether the principal is a service-linked role of an account that is not AWS' own.
pub(crate) fn is_service_linked(case: &Case<'_>) -> bool {
    !aws_called(case) && case.principal.is_some_and(Principal::is_service_linked)
}

/// The principal that a remedy may give a way in, as it is written in commands.
pub(crate) struct Grantee {
    /// The name without path, or a word to replace.
    name: String,
    /// The ARN as the authenticator wrote it: of a role without its path.
    arn: String,
    /// How every ARN of its account begins, if the principal is known.
    arn_beginning: Option<String>,
    is_user: bool,
    permission_set: Option<String>,
}

impl Grantee {
    /// The principal of the case, if anybody may be told to let it in: never root, a federated user, a
    /// service-linked role, AWS itself or a principal of another account. Without a principal, words to replace.
    pub(crate) fn of(case: &Case<'_>) -> Option<Self> {
        let Some(principal) = case.principal else {
            let arn = format!(
                "arn:{}:iam::{}:role/ROLE_NAME",
                partition(case),
                account(case)
            );
            return Some(Self {
                name: "ROLE_NAME".to_owned(),
                arn,
                arn_beginning: None,
                is_user: false,
                permission_set: None,
            });
        };
        let is_possible = (principal.is_role() || principal.is_user())
            && !principal.is_service_linked()
            && !aws_called(case)
            && case.foreign_principal().is_none();
        is_possible.then(|| Self {
            name: principal.name().to_owned(),
            arn: principal.to_string(),
            arn_beginning: Some(format!(
                "arn:{}:iam::{}:",
                principal.partition(),
                principal.account()
            )),
            is_user: principal.is_user(),
            permission_set: principal.permission_set().map(|set| set.name.to_owned()),
        })
    }

    /// The same, but never a role that nodes use: a `STANDARD` entry would put the nodes out.
    pub(crate) fn person(case: &Case<'_>) -> Option<Self> {
        let is_node = case
            .principal
            .is_some_and(Principal::is_named_like_a_node_role);
        Self::of(case).filter(|_| !is_node)
    }

    /// The same, but only a role.
    pub(crate) fn role(case: &Case<'_>) -> Option<Self> {
        Self::of(case).filter(|grantee| !grantee.is_user)
    }

    /// The permission set, if IAM Identity Center made the role.
    pub(crate) fn permission_set(&self) -> Option<&str> {
        self.permission_set.as_deref()
    }

    /// Adds the command that finds the ARN with its path. STS leaves a role's path out, so no log has it. A role of
    /// the same name in another account, to which the reader's profile may point, leaves `ARN` empty.
    pub(crate) fn find_arn(&self, remedy: Remedy) -> Remedy {
        if self.is_user {
            return remedy;
        }
        let query = Command::new("ARN=$(aws iam get-role").option("--role-name", &self.name);
        remedy.aws(match &self.arn_beginning {
            Some(beginning) => query
                .then("--query Role.Arn --output text")
                .option("| grep", &format!("^{beginning}"))
                .then(")"),
            None => query.then("--query Role.Arn --output text)"),
        })
    }

    /// Adds `--principal-arn` with the ARN that [`Grantee::find_arn`] found. A shell refuses the command where it
    /// found none.
    pub(crate) fn principal_arn(&self, command: Command) -> Command {
        if self.is_user {
            command.option("--principal-arn", &self.arn)
        } else {
            command.then("--principal-arn \"${ARN:?no role of that name in that account}\"")
        }
    }

    /// Deletes an old entry. A shell refuses it where [`Grantee::find_arn`] found no ARN for the new one.
    pub(crate) fn delete_old_entry(&self, case: &Case<'_>, old: &str) -> Command {
        let delete = if self.is_user {
            "aws eks delete-access-entry"
        } else {
            ": \"${ARN:?no role of that name in that account}\" && aws eks delete-access-entry"
        };
        eks(delete, case).option("--principal-arn", old)
    }

    /// A Kubernetes user name that says who called, and has no reserved prefix.
    pub(crate) fn username(&self) -> String {
        let base = self.permission_set.as_deref().unwrap_or(&self.name);
        let is_reserved = ["system", "eks", "aws", "amazon", "iam"].contains(&base);
        let base = if is_reserved {
            format!("iam-{base}")
        } else {
            base.to_owned()
        };
        if self.is_user {
            base
        } else {
            format!("{base}:{{{{SessionName}}}}")
        }
    }

    /// A row of aws-auth with a group that may read one namespace.
    fn row(&self) -> String {
        let key = self.key();
        format!(
            "# one more row under `{key}: |`; leave every other row as it is\n{}\n  groups:\n  - {VIEWERS}",
            self.row_with_username(),
        )
    }

    /// The ARN and the user name of a row of aws-auth.
    pub(crate) fn row_with_username(&self) -> String {
        let field = if self.is_user { "userarn" } else { "rolearn" };
        format!(
            "- {field}: {}\n  username: {}",
            yaml(&self.arn),
            yaml(&self.username())
        )
    }

    fn key(&self) -> &'static str {
        if self.is_user { "mapUsers" } else { "mapRoles" }
    }

    fn entry_title(&self) -> String {
        let title = "Create an access entry that may view one namespace";
        match (&self.permission_set, self.arn.rsplit_once('/')) {
            (Some(_), Some((before, name))) => {
                format!(
                    "{title}; its ARN reads {before}/aws-reserved/sso.amazonaws.com/[REGION/]{name}"
                )
            }
            _ => title.to_owned(),
        }
    }

    /// How Terraform finds the ARN, and the expression that stands for it.
    fn terraform_arn(&self) -> (String, String) {
        if self.is_user {
            return (String::new(), hcl(&self.arn));
        }
        let condition = self
            .arn_beginning
            .as_ref()
            .map_or_else(String::new, |beginning| {
                format!(
                    "

  lifecycle {{
    postcondition {{
      condition     = startswith(self.arn, {})
      error_message = \"The role is not of the denied account.\"
    }}
  }}",
                    hcl(beginning)
                )
            });
        let data = format!(
            "data \"aws_iam_role\" \"denied\" {{\n  name = {}{condition}\n}}\n\n",
            hcl(&self.name)
        );
        (data, "data.aws_iam_role.denied.arn".to_owned())
    }
}

/// A string of HCL.
fn hcl(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace("${", "$${")
        .replace("%{", "%%{");
    format!("\"{escaped}\"")
}

/// A string of YAML, in double quotes.
fn yaml(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Compares the principal's account with the cluster's, where nobody told which that is.
pub(crate) fn compare_accounts(case: &Case<'_>) -> Option<Remedy> {
    let principal = case.principal.filter(|_| case.cluster.account.is_none())?;
    let title = format!(
        "Compare the accounts before you let anybody in: the principal is of account {}, which must be the cluster's or \
         one that you trust",
        principal.account()
    );
    let remedy = Remedy::new(Actor::ClusterAdministrator, title)
        .aws(Command::new(
            "aws sts get-caller-identity --query Account --output text",
        ))
        .aws(
            eks_named("aws eks describe-cluster", case)
                .option("--query", "cluster.arn")
                .then("--output text"),
        );
    Some(remedy)
}

/// All there is to do about `aws-auth` in a cluster that does not use it.
pub(crate) fn aws_auth_unused(case: &Case<'_>) -> Option<Remedy> {
    let is_unused = case.cluster.mode == Some(AuthenticationMode::Api);
    let title = "Check that the mode is API: such a cluster does not use aws-auth, and nothing is locked out by it";
    is_unused.then(|| Remedy::new(Actor::ClusterAdministrator, title).aws(describe_cluster(case)))
}

/// Reads what is there, and changes nothing.
pub(crate) fn checks(case: &Case<'_>) -> Remedy {
    let mut remedy = Remedy::new(
        Actor::ClusterAdministrator,
        "Look at what is there; these commands change nothing in the cluster",
    )
    .aws(describe_cluster(case));
    let reads_entries = case
        .cluster
        .mode
        .is_none_or(AuthenticationMode::has_access_entries);
    match Grantee::of(case) {
        Some(grantee) if grantee.is_user => {
            let query = Command::new("aws iam get-user").option("--user-name", &grantee.name);
            remedy = remedy.aws(
                query
                    .option("--query", "User.[Arn,UserId,CreateDate]")
                    .then("--output text"),
            );
            if reads_entries {
                remedy =
                    remedy.aws(grantee.principal_arn(eks("aws eks describe-access-entry", case)));
            }
        }
        Some(grantee) => {
            let query = Command::new("aws iam get-role").option("--role-name", &grantee.name);
            remedy = remedy.aws(
                query
                    .option("--query", "Role.[Arn,RoleId,CreateDate]")
                    .then("--output text"),
            );
            if reads_entries {
                remedy = grantee.find_arn(remedy);
                remedy =
                    remedy.aws(grantee.principal_arn(eks("aws eks describe-access-entry", case)));
            }
        }
        None if reads_entries => remedy = remedy.aws(eks("aws eks list-access-entries", case)),
        None => {}
    }
    if case.cluster.mode == Some(AuthenticationMode::Api) {
        return remedy;
    }
    remedy.aws(kubeconfig(case)).command(
        Tool::Kubectl,
        Command::new("kubectl -n kube-system get configmap aws-auth -o yaml"),
    )
}

/// The `RoleBinding` without which the group of a mapping means nothing.
fn bind_viewers(remedy: Remedy, case: &Case<'_>) -> Remedy {
    remedy.aws(kubeconfig(case)).command(
        Tool::Kubectl,
        Command::new("kubectl create rolebinding")
            .arg(VIEWERS)
            .option("--namespace", "NAMESPACE")
            .option("--clusterrole", "view")
            .option("--group", VIEWERS),
    )
}

/// Associates the view policy in one namespace with the entry that was just made.
pub(crate) fn associate_view(remedy: Remedy, grantee: &Grantee, case: &Case<'_>) -> Remedy {
    remedy.aws(
        grantee
            .principal_arn(eks("aws eks associate-access-policy", case))
            .option("--policy-arn", &access_policy(case, "AmazonEKSViewPolicy"))
            .option("--access-scope", "type=namespace,namespaces=NAMESPACE"),
    )
}

/// An access entry that may read one namespace, in each tool.
pub(crate) fn entry_remedies(grantee: &Grantee, case: &Case<'_>) -> Vec<Remedy> {
    let administrator = Actor::ClusterAdministrator;
    let aws = Remedy::new(administrator, grantee.entry_title()).modes(Modes::AccessEntries);
    let aws = grantee.find_arn(aws).aws(
        grantee
            .principal_arn(eks("aws eks create-access-entry", case))
            .option("--type", "STANDARD"),
    );

    let with_eksctl = Remedy::new(
        administrator,
        "Or do it with eksctl, with a group of the namespace in place of an access policy",
    )
    .modes(Modes::AccessEntries);
    let with_eksctl = grantee.find_arn(with_eksctl).command(
        Tool::Eksctl,
        grantee
            .principal_arn(eksctl("eksctl create accessentry", case))
            .option("--kubernetes-groups", VIEWERS),
    );

    let with_terraform = Remedy::new(
        administrator,
        "Or do it with Terraform, if that is where your access entries are kept",
    )
    .modes(Modes::AccessEntries)
    .snippet(Tool::Terraform, terraform_entry(grantee, case));

    vec![
        associate_view(aws, grantee, case),
        bind_viewers(with_eksctl, case),
        with_terraform,
    ]
}

fn terraform_entry(grantee: &Grantee, case: &Case<'_>) -> String {
    let (data, arn) = grantee.terraform_arn();
    let cluster = hcl(case.cluster.name_or_placeholder());
    let policy = hcl(&access_policy(case, "AmazonEKSViewPolicy"));
    format!(
        "{data}resource \"aws_eks_access_entry\" \"denied\" {{
  cluster_name  = {cluster}
  principal_arn = {arn}
  type          = \"STANDARD\"
}}

resource \"aws_eks_access_policy_association\" \"denied\" {{
  cluster_name  = aws_eks_access_entry.denied.cluster_name
  principal_arn = aws_eks_access_entry.denied.principal_arn
  policy_arn    = {policy}

  access_scope {{
    type       = \"namespace\"
    namespaces = [\"NAMESPACE\"]
  }}
}}"
    )
}

/// A row of aws-auth with a group that may read one namespace.
pub(crate) fn aws_auth_remedies(grantee: &Grantee, case: &Case<'_>) -> Vec<Remedy> {
    let with_eksctl = mapping(
        if grantee.is_user {
            "Map the user in aws-auth with eksctl, to a group that may view one namespace"
        } else {
            "Map the role in aws-auth with eksctl, without its path, to a group that may view one namespace"
        },
        case,
        &grantee.arn,
        &grantee.username(),
        &[VIEWERS],
    );
    let with_kubectl = edit_aws_auth(
        "Or add the row by hand, with a copy of the old text at hand",
        case,
    )
    .modes(Modes::AwsAuth)
    .snippet(Tool::Kubectl, grantee.row());
    vec![bind_viewers(with_eksctl, case), with_kubectl]
}

/// Adds one row to aws-auth with eksctl, which can neither drop nor shadow another.
pub(crate) fn mapping(
    title: &'static str,
    case: &Case<'_>,
    arn: &str,
    username: &str,
    groups: &[&str],
) -> Remedy {
    let command = eksctl("eksctl create iamidentitymapping", case)
        .option("--arn", arn)
        .option("--username", username);
    let command = groups
        .iter()
        .fold(command, |command, group| command.option("--group", group));
    Remedy::new(Actor::ClusterAdministrator, title)
        .modes(Modes::AwsAuth)
        .command(Tool::Eksctl, command.then("--no-duplicate-arns"))
}

/// Keeps a copy of aws-auth, opens it in an editor, and shows whether it still is YAML.
pub(crate) fn edit_aws_auth(title: &'static str, case: &Case<'_>) -> Remedy {
    Remedy::new(Actor::ClusterAdministrator, title)
        .aws(kubeconfig(case))
        .command(
            Tool::Kubectl,
            Command::new("kubectl -n kube-system get configmap aws-auth -o yaml")
                .then("> aws-auth-before.yaml"),
        )
        .command(
            Tool::Kubectl,
            Command::new("kubectl -n kube-system edit configmap aws-auth"),
        )
        .command(Tool::Kubectl, read_map_roles())
}

/// Shows whether `mapRoles` is YAML.
pub(crate) fn read_map_roles() -> Command {
    Command::new("kubectl -n kube-system get configmap aws-auth -o")
        .arg("jsonpath={.data.mapRoles}")
        .then("| yq .")
}

/// How the caller sees that it worked.
pub(crate) fn try_again(case: &Case<'_>) -> Remedy {
    Remedy::new(Actor::Caller, "Wait half a minute, then try again")
        .aws(kubeconfig(case))
        .command(Tool::Kubectl, Command::new("kubectl auth whoami"))
        .command(
            Tool::Kubectl,
            Command::new("kubectl get pods --namespace NAMESPACE"),
        )
}

/// What AWS makes of the caller's credentials.
pub(crate) fn who_am_i(case: &Case<'_>) -> Remedy {
    Remedy::new(
        Actor::Caller,
        "See which credentials you use, and whether AWS takes them",
    )
    .aws(Command::new("aws configure list"))
    .aws(
        Command::new("aws sts get-caller-identity")
            .option("--region", case.cluster.region_or_placeholder()),
    )
}

/// A kubeconfig that names the right cluster and makes a new token for every call.
pub(crate) fn fresh_kubeconfig(case: &Case<'_>) -> Remedy {
    Remedy::new(
        Actor::Caller,
        "Write the kubeconfig again, with the cluster's exact name and Region",
    )
    .aws(kubeconfig(case))
    .command(Tool::Kubectl, Command::new("kubectl auth whoami"))
}

/// When a new token ends, beside this machine's clock. Prints neither the token nor the signature.
pub(crate) fn token_and_clock(case: &Case<'_>) -> Remedy {
    Remedy::new(
        Actor::Caller,
        "Make a new token, and compare its end with the clock",
    )
    .aws(eks("aws eks get-token", case).then("| jq -r .status.expirationTimestamp"))
    .command(Tool::Shell, Command::new("date -u"))
}

/// Signs in again, whatever the credentials come from.
pub(crate) fn sign_in_again(case: &Case<'_>) -> Remedy {
    Remedy::new(
        Actor::Caller,
        "Sign in again, if your credentials come from IAM Identity Center",
    )
    .aws(Command::new("aws sso login --profile PROFILE"))
    .aws(
        Command::new("aws sts get-caller-identity --profile PROFILE")
            .option("--region", case.cluster.region_or_placeholder()),
    )
}

/// Reads the last hour of one kind of control-plane log.
pub(crate) fn read_log(case: &Case<'_>, streams: &'static str, pattern: &'static str) -> Command {
    Command::new("aws logs filter-log-events")
        .option(
            "--log-group-name",
            &format!("/aws/eks/{}/cluster", case.cluster.name_or_placeholder()),
        )
        .option("--region", case.cluster.region_or_placeholder())
        .option("--log-stream-name-prefix", streams)
        .option("--filter-pattern", pattern)
        .then("--start-time \"$(( $(date +%s) - 3600 ))000\"")
}

/// Who calls with a credential that the API server refuses. Only the audit log knows addresses and programs.
pub(crate) fn find_caller(case: &Case<'_>) -> Remedy {
    Remedy::new(
        Actor::ClusterAdministrator,
        "Find the caller's address and program in the audit log",
    )
    .aws(read_log(
        case,
        "kube-apiserver-audit",
        "{ $.responseStatus.code = 401 }",
    ))
}

/// Logins that failed in the last hour.
pub(crate) fn read_denials(case: &Case<'_>) -> Remedy {
    Remedy::new(
        Actor::ClusterAdministrator,
        "Read the denials of the last hour in the authenticator's log",
    )
    .aws(read_log(case, "authenticator", "\"access denied\""))
}

/// Turns the log on, which is off by default.
pub(crate) fn turn_logging_on(case: &Case<'_>) -> Remedy {
    let logging = r#"{"clusterLogging":[{"types":["authenticator"],"enabled":true}]}"#;
    Remedy::new(
        Actor::ClusterAdministrator,
        "Turn the authenticator's log on, if there is none",
    )
    .aws(eks_named("aws eks update-cluster-config", case).option("--logging", logging))
}

/// Nothing to do.
pub(crate) fn none(_: &Case<'_>) -> Vec<Remedy> {
    Vec::new()
}

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
    let (data, arn) = role.terraform_arn();
    let with_terraform = Remedy::new(administrator, "Or do it with Terraform").modes(Modes::AccessEntries).snippet(
        Tool::Terraform,
        format!(
            "{data}resource \"aws_eks_access_entry\" \"nodes\" {{\n  cluster_name  = {}\n  principal_arn = {arn}\n  type          = {}\n}}",
            hcl(case.cluster.name_or_placeholder()),
            hcl(kind.name()),
        ),
    );
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

/// Shows and unsets what can lead a token to another STS host than the Region's.
pub(crate) fn regional_sts(case: &Case<'_>) -> Remedy {
    Remedy::new(
        Actor::Caller,
        "Take settings away that lead to another STS endpoint, and use the regional one",
    )
    .aws(Command::new("aws configure list"))
    .command(
        Tool::Shell,
        Command::new("unset AWS_ENDPOINT_URL AWS_ENDPOINT_URL_STS"),
    )
    .command(
        Tool::Shell,
        Command::new("export AWS_STS_REGIONAL_ENDPOINTS=regional"),
    )
    .aws(eks("aws eks get-token", case).then("| jq -r .status.expirationTimestamp"))
}

/// A token is good for the cluster wherever it is signed.
pub(crate) fn token_in_another_region(case: &Case<'_>) -> Remedy {
    Remedy::new(
        Actor::Caller,
        "Until then, see whether a token of another Region can be made, and use that Region",
    )
    .aws(
        Command::new("aws eks get-token")
            .option("--cluster-name", case.cluster.name_or_placeholder())
            .option("--region", "OTHER_REGION")
            .then("| jq -r .status.expirationTimestamp"),
    )
}

/// Changes of aws-auth; EKS logs them in full.
pub(crate) fn read_aws_auth_changes(case: &Case<'_>) -> Command {
    let changes = r#"{ $.objectRef.name = "aws-auth" && $.verb != "get" && $.verb != "watch" }"#;
    read_log(case, "kube-apiserver-audit", changes)
}

/// Looks for what is left of the role that the permission set had before.
pub(crate) fn find_other_ending(set: &str, case: &Case<'_>) -> Remedy {
    let beginning = format!("AWSReservedSSO_{set}_");
    let title = "Look for an entry or row of the same permission set with another ending, and replace that one: \
                 the ending changes whenever the set is provisioned anew";
    Remedy::new(Actor::ClusterAdministrator, title)
        .aws(
            eks("aws eks list-access-entries", case)
                .then("--output text | tr '\\t' '\\n' | grep -F")
                .arg(&beginning),
        )
        .aws(kubeconfig(case))
        .command(
            Tool::Kubectl,
            Command::new("kubectl -n kube-system get configmap aws-auth -o yaml | grep -F")
                .arg(&beginning),
        )
}

/// What `CloudTrail` knows of one kind of call in the Region.
pub(crate) fn events(name: &str, case: &Case<'_>) -> Command {
    Command::new("aws cloudtrail lookup-events")
        .option("--region", case.cluster.region_or_placeholder())
        .option(
            "--lookup-attributes",
            &format!("AttributeKey=EventName,AttributeValue={name}"),
        )
}

/// Who made most of the last calls of one kind.
pub(crate) fn busiest_callers(title: &'static str, event: &str, case: &Case<'_>) -> Remedy {
    Remedy::new(Actor::ClusterAdministrator, title).aws(
        events(event, case)
            .option("--query", "Events[].Username")
            .then("--max-items 200 --output text")
            .then("| tr '\\t' '\\n' | sort | uniq -c | sort -rn"),
    )
}
