//! Principals: ARNs as the authenticator logs them and as IAM knows them.

use std::fmt;
use std::str::FromStr;

/// The 12 digits of an AWS account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(String);

impl AccountId {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AccountId {
    type Err = NotAPrincipal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAPrincipal::Account)
        }
    }
}

/// Why a text is no principal's ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAPrincipal {
    /// It is not `arn:partition:service:region:account:resource`.
    Form,
    /// The partition is not `aws` or `aws-…`.
    Partition,
    /// The account is not 12 digits.
    Account,
    /// The service or resource is none that can call the Kubernetes API.
    Resource,
    /// A name has characters IAM does not allow.
    Name,
}

impl fmt::Display for NotAPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "not an ARN; it reads `arn:aws:iam::ACCOUNT:role/NAME`",
            Self::Partition => {
                "unknown partition; it is `aws`, `aws-cn`, `aws-us-gov` or another `aws-…`"
            }
            Self::Account => "the account is not 12 digits",
            Self::Resource => "not a role, user, federated user, assumed role or root",
            Self::Name => "the name has characters that IAM does not allow",
        })
    }
}

impl std::error::Error for NotAPrincipal {}

/// What kind of principal an ARN names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Resource {
    /// `path` begins and ends with `/`; from a log it is always `/`, for STS leaves it out.
    Role {
        path: String,
        name: String,
    },
    User {
        path: String,
        name: String,
    },
    FederatedUser {
        name: String,
    },
    Root,
}

/// How node roles begin, in lower case: EKS user guide, eksctl, Karpenter.
const NODE_ROLE_BEGINNINGS: [&str; 8] = [
    "amazoneksnoderole",
    "amazoneksautonoderole",
    "amazonekshybridnodesrole",
    "amazoneksfargatepodexecutionrole",
    "eksnoderole",
    "karpenternoderole",
    "eksctl-karpenternoderole",
    "nodeinstancerole",
];

/// What stands between the dashes of a node role made by a tool, in lower case.
const NODE_ROLE_PARTS: [&str; 5] = [
    "nodeinstancerole",
    "noderole",
    "karpenternoderole",
    "fargatepodexecutionrole",
    "ekshybridnodesrole",
];

/// How cluster roles begin, in lower case: EKS user guide.
const CLUSTER_ROLE_BEGINNINGS: [&str; 5] = [
    "amazoneksclusterrole",
    "amazoneksautoclusterrole",
    "eksclusterrole",
    "eks-cluster-role",
    "eksservicerole",
];

/// What stands between the dashes of a cluster role made by eksctl, in lower case.
const CLUSTER_ROLE_PARTS: [&str; 3] = ["eksclusterrole", "clusterservicerole", "servicerole"];

/// How names begin that AWS' own services and tools give to roles of every account (AWS Organizations, AWS Control Tower,
/// `CloudFormation` `StackSets`, CDK).
const COMMON_BEGINNINGS: [&str; 6] = [
    "OrganizationAccountAccessRole",
    "AWSControlTower",
    "aws-controltower-",
    "AWSCloudFormationStackSet",
    "stacksets-exec-",
    "cdk-",
];

/// AWS' predefined permission sets (IAM Identity Center user guide).
const COMMON_SETS: [&str; 11] = [
    "AdministratorAccess",
    "AWSAdministratorAccess",
    "AWSOrganizationsFullAccess",
    "AWSPowerUserAccess",
    "AWSReadOnlyAccess",
    "AWSServiceCatalogEndUserAccess",
    "Billing",
    "PowerUserAccess",
    "ReadOnlyAccess",
    "SecurityAudit",
    "ViewOnlyAccess",
];

/// Words that roles and users of many accounts are called by, in lower case and without a closing `role`.
const COMMON_WORDS: [&str; 22] = [
    "admin",
    "administrator",
    "ci",
    "cicd",
    "deploy",
    "deployer",
    "deployment",
    "devops",
    "eksadmin",
    "githubactions",
    "gitlab",
    "jenkins",
    "ops",
    "pipeline",
    "poweruser",
    "readonly",
    "runner",
    "support",
    "terraform",
    "terraformrunner",
    "viewer",
    "viewonly",
];

/// An IAM role, user, federated user or root user: what the authenticator maps.
///
/// `FromStr` reads the IAM forms (`role/…`, `user/…`, `root`), STS' `federated-user/…` and, as the authenticator
/// does (`pkg/arn`, v0.7.18), turns `assumed-role/NAME/SESSION` into `role/NAME`. `Display` writes the canonical
/// ARN.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Principal {
    partition: String,
    account: AccountId,
    resource: Resource,
}

impl Principal {
    /// The partition: `aws`, `aws-cn`, `aws-us-gov`, ….
    #[must_use]
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// The account the principal lives in.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The last part of the name, without path; `root` for the root user.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.resource {
            Resource::Role { name, .. }
            | Resource::User { name, .. }
            | Resource::FederatedUser { name } => name,
            Resource::Root => "root",
        }
    }

    /// Whether it is a role.
    #[must_use]
    pub fn is_role(&self) -> bool {
        matches!(self.resource, Resource::Role { .. })
    }

    /// Whether it is an IAM user.
    #[must_use]
    pub fn is_user(&self) -> bool {
        matches!(self.resource, Resource::User { .. })
    }

    /// Whether it is an STS federated user (`GetFederationToken`).
    #[must_use]
    pub fn is_federated_user(&self) -> bool {
        matches!(self.resource, Resource::FederatedUser { .. })
    }

    /// Whether it is an account's root user.
    #[must_use]
    pub fn is_root(&self) -> bool {
        matches!(self.resource, Resource::Root)
    }

    /// Whether there is a path before the name; from a log no role has one.
    #[must_use]
    pub fn has_path(&self) -> bool {
        matches!(&self.resource, Resource::Role { path, .. } | Resource::User { path, .. } if path != "/")
    }

    /// `role/NAME`, `user/PATH/NAME`, `federated-user/NAME` or `root`: the ARN's last part.
    #[must_use]
    pub fn resource(&self) -> String {
        match &self.resource {
            Resource::Role { path, name } => format!("role{path}{name}"),
            Resource::User { path, name } => format!("user{path}{name}"),
            Resource::FederatedUser { name } => format!("federated-user/{name}"),
            Resource::Root => "root".to_owned(),
        }
    }

    /// As the authenticator knows it: a role without its path, for STS leaves that out; anybody else as they are.
    #[must_use]
    pub fn canonical(&self) -> Self {
        let mut canonical = self.clone();
        if let Resource::Role { path, .. } = &mut canonical.resource {
            "/".clone_into(path);
        }
        canonical
    }

    /// Whether both are the same role or user, or would be but for their paths: a name is unique in its account, in upper
    /// and lower case together, whatever the path.
    #[must_use]
    pub fn is_of_the_same_name(&self, other: &Self) -> bool {
        self.partition == other.partition
            && self.account == other.account
            && self.is_role() == other.is_role()
            && self.is_user() == other.is_user()
            && self.name().eq_ignore_ascii_case(other.name())
    }

    /// The permission set, if this is a role that IAM Identity Center made.
    #[must_use]
    pub fn permission_set(&self) -> Option<PermissionSet<'_>> {
        let Resource::Role { name, .. } = &self.resource else {
            return None;
        };
        let (set, suffix) = name.strip_prefix("AWSReservedSSO_")?.rsplit_once('_')?;
        let is_suffix = suffix.len() == 16
            && suffix
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (is_suffix && !set.is_empty()).then_some(PermissionSet { name: set, suffix })
    }

    /// Whether the name is one that only service-linked roles have. EKS makes no access entries for them.
    #[must_use]
    pub fn is_service_linked(&self) -> bool {
        matches!(&self.resource, Resource::Role { path, name }
            if name.starts_with("AWSServiceRoleFor") || path.starts_with("/aws-service-role/"))
    }

    /// Whether the role's name is one that EKS' own documentation or the common node tools give to node roles
    /// (EKS user guide, eksctl, Karpenter, terraform-aws-eks). A hint, never a proof: it only ever withholds.
    #[must_use]
    pub fn is_named_like_a_node_role(&self) -> bool {
        let Resource::Role { name, .. } = &self.resource else {
            return false;
        };
        if self.permission_set().is_some() {
            return false;
        }
        let lower = name.to_ascii_lowercase();
        NODE_ROLE_BEGINNINGS
            .iter()
            .any(|beginning| lower.starts_with(beginning))
            || lower.split('-').any(|part| NODE_ROLE_PARTS.contains(&part))
            || lower.contains("-eks-node-group-")
    }

    /// Whether the role's name is one that Karpenter's guide gives to its nodes' role (`KarpenterNodeRole-CLUSTER`).
    #[must_use]
    pub fn is_named_like_karpenters(&self) -> bool {
        let lower = self.name().to_ascii_lowercase();
        self.is_role() && lower.split('-').any(|part| part == "karpenternoderole")
    }

    /// Whether the role's name is one that EKS' documentation or the common tools give to the cluster's own role.
    #[must_use]
    pub fn is_named_like_a_cluster_role(&self) -> bool {
        let lower = self.name().to_ascii_lowercase();
        self.is_role()
            && (CLUSTER_ROLE_BEGINNINGS
                .iter()
                .any(|beginning| lower.starts_with(beginning))
                || (lower.starts_with("eksctl-")
                    && lower
                        .split('-')
                        .any(|part| CLUSTER_ROLE_PARTS.contains(&part))))
    }

    /// Whether the role's name speaks of nodes or of the cluster itself, however it is spelt. Wider than the lists of
    /// documented names, and only ever a reason to withhold.
    #[must_use]
    pub fn speaks_of_infrastructure(&self) -> bool {
        const WORDS: [&str; 7] = [
            "noderole",
            "nodegroup",
            "nodeinstance",
            "nodesrole",
            "clusterrole",
            "podexecutionrole",
            "workerrole",
        ];
        let letters: String = self
            .name()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        let letters = letters.to_ascii_lowercase();
        self.is_role() && WORDS.iter().any(|word| letters.contains(word))
    }

    /// Whether many accounts have a role or user of this name, so that the name says nothing of who is meant: those that
    /// AWS' own services and tools give, AWS' predefined permission sets, and words that everybody uses.
    #[must_use]
    pub fn has_a_common_name(&self) -> bool {
        if let Some(set) = self.permission_set() {
            return COMMON_SETS.contains(&set.name);
        }
        let name = self.name();
        let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let letters = letters.to_ascii_lowercase();
        let word = letters.strip_suffix("role").unwrap_or(&letters);
        COMMON_BEGINNINGS
            .iter()
            .any(|beginning| name.starts_with(beginning))
            || COMMON_WORDS.contains(&word)
    }

    /// Whether the role's name is one of this product's own functions.
    #[must_use]
    pub fn is_named_like_ours(&self) -> bool {
        self.is_role() && self.name().starts_with("eks-access-")
    }

    /// Whether the role's name is one of AWS' own service principals that knock on every cluster
    /// (terraform-aws-eks#2415). Only believed when the account is not the cluster's own.
    #[must_use]
    pub fn is_named_like_aws_internal(&self) -> bool {
        matches!(&self.resource, Resource::Role { name, .. }
            if name.starts_with("AWSWesleyClusterManagerLambda")
                || name.starts_with("AmazonEKSClusterInsights"))
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = if self.is_federated_user() {
            "sts"
        } else {
            "iam"
        };
        write!(
            f,
            "arn:{}:{service}::{}:{}",
            self.partition,
            self.account,
            self.resource()
        )
    }
}

/// An IAM Identity Center permission set, as the name of the role it made shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PermissionSet<'a> {
    /// The permission set's name.
    pub name: &'a str,
    /// 16 hexadecimal digits that change whenever the set is provisioned anew.
    pub suffix: &'a str,
}

impl FromStr for Principal {
    type Err = NotAPrincipal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().ok_or(NotAPrincipal::Form);
        let (arn, partition, service, region, account, resource) =
            (next()?, next()?, next()?, next()?, next()?, next()?);
        if arn != "arn" || !region.is_empty() {
            return Err(NotAPrincipal::Form);
        }
        if !is_partition(partition) {
            return Err(NotAPrincipal::Partition);
        }
        let account = account.parse()?;
        let resource = match service {
            "iam" => iam_resource(resource)?,
            "sts" => sts_resource(resource)?,
            _ => return Err(NotAPrincipal::Resource),
        };
        Ok(Self {
            partition: partition.to_owned(),
            account,
            resource,
        })
    }
}

fn is_partition(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    text == "aws"
        || text
            .strip_prefix("aws-")
            .is_some_and(|rest| rest.split('-').all(is_word))
}

fn iam_resource(text: &str) -> Result<Resource, NotAPrincipal> {
    if text == "root" {
        return Ok(Resource::Root);
    }
    let (kind, path_and_name) = text.split_once('/').ok_or(NotAPrincipal::Resource)?;
    let (path, name) = match path_and_name.rsplit_once('/') {
        Some((path, name)) => (format!("/{path}/"), name),
        None => ("/".to_owned(), path_and_name),
    };
    // IAM API reference: a path has the characters `!` to `~`, and at most 512 of them.
    if path.len() > 512 || !path.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(NotAPrincipal::Name);
    }
    let name = checked_name(name)?;
    match kind {
        "role" => Ok(Resource::Role { path, name }),
        "user" => Ok(Resource::User { path, name }),
        _ => Err(NotAPrincipal::Resource),
    }
}

fn sts_resource(text: &str) -> Result<Resource, NotAPrincipal> {
    let (kind, rest) = text.split_once('/').ok_or(NotAPrincipal::Resource)?;
    match kind {
        "assumed-role" => {
            let (name, session) = rest.split_once('/').ok_or(NotAPrincipal::Resource)?;
            checked_name(session)?;
            Ok(Resource::Role {
                path: "/".to_owned(),
                name: checked_name(name)?,
            })
        }
        "federated-user" => Ok(Resource::FederatedUser {
            name: checked_name(rest)?,
        }),
        _ => Err(NotAPrincipal::Resource),
    }
}

/// IAM's names: `[\w+=,.@-]`, at most 64 characters (IAM API reference).
fn checked_name(text: &str) -> Result<String, NotAPrincipal> {
    if text.is_empty() || text.len() > 64 || !text.bytes().all(is_name_byte) {
        return Err(NotAPrincipal::Name);
    }
    Ok(text.to_owned())
}

fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'=' | b',' | b'.' | b'@' | b'-')
}
