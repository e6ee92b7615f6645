//! Whom a remedy may let in, and how commands write it.

use crate::catalogue::Case;
use crate::facts::{ClusterFacts, Trust};
use crate::principal::Principal;
use crate::remedy::{Command, Remedy};

use super::cluster::{account, partition};

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

/// Whether the principal is the role that the cluster's control plane works with, which nobody should call as.
fn is_the_clusters_own(case: &Case<'_>) -> bool {
    let facts = case.facts;
    let own = facts
        .cluster
        .known()
        .and_then(|cluster| cluster.role.as_ref());
    let is_own = own
        .zip(case.principal)
        .is_some_and(|(own, principal)| own.is_of_the_same_name(principal));
    is_own || facts.trust().is_some_and(Trust::is_of_eks)
}

/// The principal that a remedy may give a way in, as it is written in commands.
pub(crate) struct Grantee {
    /// The name without path, or a word to replace.
    pub(super) name: String,
    /// The ARN as the authenticator wrote it: of a role without its path.
    pub(super) arn: String,
    /// The ARN with its path: a user's always has it, a role's only where IAM told.
    pub(super) full_arn: Option<String>,
    /// How every ARN of its account begins, if the principal is known.
    pub(super) arn_beginning: Option<String>,
    pub(super) is_user: bool,
    pub(super) permission_set: Option<String>,
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
                full_arn: None,
                arn_beginning: None,
                is_user: false,
                permission_set: None,
            });
        };
        let is_possible = (principal.is_role() || principal.is_user())
            && !principal.is_service_linked()
            && !aws_called(case)
            && case.foreign_principal().is_none();
        let in_iam = case.facts.iam_principal();
        let full = in_iam
            .map(|known| &known.principal)
            .filter(|known| known.is_of_the_same_name(principal))
            .or(Some(principal).filter(|principal| principal.is_user()));
        is_possible.then(|| Self {
            name: principal.name().to_owned(),
            arn: principal.to_string(),
            full_arn: full.map(ToString::to_string),
            arn_beginning: Some(format!(
                "arn:{}:iam::{}:",
                principal.partition(),
                principal.account()
            )),
            is_user: principal.is_user(),
            permission_set: principal.permission_set().map(|set| set.name.to_owned()),
        })
    }

    /// The same, but never a role that nodes use or may use: a `STANDARD` entry would put the nodes out.
    pub(crate) fn person(case: &Case<'_>) -> Option<Self> {
        let is_hybrid = |cluster: &ClusterFacts| cluster.has_hybrid_nodes;
        let trust = case.facts.trust();
        // A name counts only where the trust policy does not say otherwise.
        let is_named_so = trust.is_none_or(Trust::may_be_of_nodes)
            && case
                .principal
                .is_some_and(Principal::is_named_like_a_node_role);
        let is_node = trust.is_some_and(|trust| {
            trust.is_of_ec2()
                || trust.is_of_fargate()
                || (trust.is_of_hybrid_nodes() && case.facts.cluster.known().is_some_and(is_hybrid))
        });
        Self::of(case).filter(|_| !is_named_so && !is_node && !is_the_clusters_own(case))
    }

    /// The same, but only a role.
    pub(crate) fn role(case: &Case<'_>) -> Option<Self> {
        Self::of(case).filter(|grantee| !grantee.is_user)
    }

    /// The permission set, if IAM Identity Center made the role.
    pub(crate) fn permission_set(&self) -> Option<&str> {
        self.permission_set.as_deref()
    }

    /// Shows its ARN with the path, its unique id and its age.
    pub(crate) fn in_iam(&self) -> Command {
        let query = if self.is_user {
            Command::new("aws iam get-user")
                .option("--user-name", &self.name)
                .option("--query", "User.[Arn,UserId,CreateDate]")
        } else {
            Command::new("aws iam get-role")
                .option("--role-name", &self.name)
                .option("--query", "Role.[Arn,RoleId,CreateDate]")
        };
        query.then("--output text")
    }

    /// Adds the command that finds the ARN with its path, unless it is known. STS leaves a role's path out, so no log has
    /// it. A role of
    /// the same name in another account, to which the reader's profile may point, leaves `ARN` empty.
    pub(crate) fn find_arn(&self, remedy: Remedy) -> Remedy {
        if self.full_arn.is_some() {
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
        match &self.full_arn {
            Some(arn) => command.option("--principal-arn", arn),
            None => {
                command.then("--principal-arn \"${ARN:?no role of that name in that account}\"")
            }
        }
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
}
