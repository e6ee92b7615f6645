//! What the facts say of a principal that the cluster does not let in.
//!
//! One value of a closed list, so that no two causes can claim the same case: each cause of a "not mapped" denial claims
//! one finding.

use crate::catalogue::{Case, Claim};
use crate::cluster::AuthenticationMode;
use crate::facts::{
    AccessEntry, AwsAuthRow, Fact, Facts, IamPrincipal, Near, NearMiss, Pipeline, RowFault,
};
use crate::principal::Principal;
use crate::symptom::Symptom;
use crate::text::LogText;

/// An entry takes "several seconds" to work (EKS user guide, "Create access entries"); within this time of its making
/// a denial is no news, in milliseconds.
pub const PROPAGATION: i64 = 60_000;

/// What the facts say of why a principal is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding<'a> {
    /// They say nothing that would settle it.
    Open,
    /// IAM has the principal no more, or the caller's session is of one that was deleted.
    Gone,
    /// Its entry is for a role or user of the same name that was deleted since.
    EntryOutlived(&'a AccessEntry, &'a IamPrincipal),
    /// Its entry was made so shortly before the last denial, or after it, that it says nothing.
    EntryTooNew(&'a AccessEntry),
    /// Its entry fits, as far as anybody can see.
    EntryFits(&'a AccessEntry),
    /// Its row of `aws-auth` fits, as far as anybody can see.
    RowFits,
    /// An entry names the role with another path.
    EntryOtherPath(&'a Principal),
    /// An entry names the role that the permission set had before.
    EntryOtherSuffix(&'a Principal),
    /// A row does.
    RowOtherSuffix(&'a LogText),
    /// An entry names another kind of principal, or the name in other letters.
    EntryLookalike(&'a NearMiss),
    /// A row names another kind of principal.
    RowLookalike(&'a LogText),
    /// An entry names the same name in another account.
    EntryOtherAccount(&'a Principal),
    /// A row does.
    RowOtherAccount(&'a LogText),
    /// A row has the role's path.
    RowKeepsPath(&'a LogText),
    /// A row seems to mean it, and can match nobody.
    RowMatchesNobody(&'a LogText),
    /// `aws-auth` can't be read.
    AwsAuthBroken,
    /// `aws-auth` has a row for it, and the cluster does not use `aws-auth`.
    OnlyInAwsAuth,
    /// Nothing names it, and it is the role that pods on Fargate start with.
    Fargate,
    /// Nothing names it, and it is a role of hybrid nodes.
    HybridNodes,
    /// Nothing names it, and it is the role of Auto Mode's nodes.
    AutoModeNodes,
    /// Nothing names it, and it is a role that Karpenter's nodes have.
    KarpenterNodes,
    /// Nothing names it, and EC2 instances have it.
    Ec2Instances,
    /// Nothing names it, and pods get it by their service account.
    ServiceAccount,
    /// Nothing names it, and pods get it by EKS Pod Identity.
    PodIdentity,
    /// Nothing names it, and a pipeline has it.
    Pipeline(Pipeline),
    /// Nothing names it, and no administrator is left who could let it in.
    NoAdministrator,
    /// Nothing names it, in a cluster that knows `aws-auth` only.
    NotInAwsAuth,
    /// Nothing names it.
    NeverMapped,
}

impl<'a> Finding<'a> {
    /// What the facts of a case say; [`Finding::Open`] for any case but a role or user that is not mapped.
    #[must_use]
    pub fn of(case: &Case<'a>) -> Self {
        let is_asked = matches!(case.symptom, Symptom::NotMapped | Symptom::NotMappedNode);
        let Some(principal) = case.principal.filter(|_| is_asked) else {
            return Self::Open;
        };
        let can_be_mapped = (principal.is_role() || principal.is_user())
            && !principal.is_service_linked()
            && !crate::steps::aws_called(case);
        if !can_be_mapped {
            return Self::Open;
        }
        let facts = case.facts;
        by_entry(facts)
            .or_else(|| gone(facts))
            .or_else(|| by_likeness(facts, principal))
            .or_else(|| by_aws_auth(case.cluster.mode, facts))
            .unwrap_or_else(|| {
                if case.foreign_principal().is_some() || !is_without_mapping(case) {
                    Self::Open
                } else {
                    by_purpose(case, principal)
                }
            })
    }

    /// A cause's claim to the case: Yes to its finding; Perhaps, with the fact that would settle it, while nothing is
    /// settled and the principal may be the cluster's own.
    #[must_use]
    pub fn claim(
        case: &Case<'a>,
        is_mine: impl Fn(&Self) -> bool,
        open: impl Fn(&Case<'a>) -> Option<&'static str>,
    ) -> Claim {
        let can_be_own = case.principal.is_some() && case.foreign_principal().is_none();
        match Self::of(case) {
            finding if is_mine(&finding) => Claim::Yes,
            _ if !can_be_own => Claim::No,
            // The last two are true whatever else turns out, and do not say why nothing lets the principal in.
            Self::Open | Self::EntryFits(_) | Self::NotInAwsAuth | Self::NeverMapped => {
                open(case).map_or(Claim::No, Claim::Perhaps)
            }
            _ => Claim::No,
        }
    }
}

/// What the principal's own entry says.
fn by_entry(facts: &Facts) -> Option<Finding<'_>> {
    let entry = facts.own_entry()?;
    match facts.iam.known() {
        Some(None) => return Some(Finding::Gone),
        Some(Some(iam)) if iam.created > entry.created => {
            return Some(Finding::EntryOutlived(entry, iam));
        }
        _ => {}
    }
    let is_new = facts
        .last_denied
        .is_some_and(|denied| denied <= entry.created.saturating_add(PROPAGATION));
    if is_new {
        return Some(Finding::EntryTooNew(entry));
    }
    Some(gone(facts).unwrap_or(Finding::EntryFits(entry)))
}

/// Whether whoever called is no more.
fn gone(facts: &Facts) -> Option<Finding<'_>> {
    let iam = facts.iam.known()?;
    let is_another = match (iam, &facts.caller_id) {
        (None, _) => true,
        (Some(iam), Some(caller)) => iam.unique_id != *caller,
        (Some(_), None) => false,
    };
    is_another.then_some(Finding::Gone)
}

/// What the entries that look like the principal's say.
fn by_likeness<'a>(facts: &'a Facts, principal: &Principal) -> Option<Finding<'a>> {
    // No log has a role's path: only IAM tells whether the entry's is another one, or the role's own.
    let has_path = principal.is_user() || facts.iam_principal().is_some();
    facts.near.known()?.iter().find_map(|miss| match miss.near {
        Near::OtherPath if !has_path => Some(Finding::Open),
        Near::OtherPath => Some(Finding::EntryOtherPath(&miss.entry)),
        // Two roles of one permission set in one account: then neither is the other's successor.
        Near::OtherSuffix if miss.exists == Fact::Known(true) => None,
        Near::OtherSuffix => Some(Finding::EntryOtherSuffix(&miss.entry)),
        Near::OtherCase | Near::OtherKind => Some(Finding::EntryLookalike(miss)),
        Near::OtherAccount => Some(Finding::EntryOtherAccount(&miss.entry)),
        Near::Former => None,
    })
}

fn by_aws_auth(mode: Option<AuthenticationMode>, facts: &Facts) -> Option<Finding<'_>> {
    let row = facts.aws_auth.known()?;
    match (mode?, row) {
        // Whether it is mapped nowhere else, only the entries show.
        (AuthenticationMode::Api, AwsAuthRow::Fits) => {
            (facts.entry == Fact::Known(None)).then_some(Finding::OnlyInAwsAuth)
        }
        // Such a cluster does not read its rows.
        (AuthenticationMode::Api, _) | (_, AwsAuthRow::None) => None,
        (_, AwsAuthRow::Fits) => Some(Finding::RowFits),
        (_, AwsAuthRow::Broken) => Some(Finding::AwsAuthBroken),
        (_, AwsAuthRow::Near(fault, row)) => Some(match fault {
            RowFault::KeepsPath => Finding::RowKeepsPath(row),
            RowFault::MatchesNobody => Finding::RowMatchesNobody(row),
            RowFault::OtherSuffix => Finding::RowOtherSuffix(row),
            RowFault::OtherAccount => Finding::RowOtherAccount(row),
            RowFault::OtherKind => Finding::RowLookalike(row),
        }),
    }
}

/// Whether the facts show that nothing names the principal. A denial shows by itself that no row of `aws-auth` matches;
/// whether one nearly does is another question, and only the rows answer it.
fn is_without_mapping(case: &Case<'_>) -> bool {
    match case.cluster.mode {
        None => false,
        Some(AuthenticationMode::ConfigMap) => true,
        Some(_) => case.facts.entry == Fact::Known(None) && case.facts.near.known().is_some(),
    }
}

/// What a principal that nothing names is for.
fn by_purpose<'a>(case: &Case<'a>, principal: &Principal) -> Finding<'a> {
    match purpose(case, principal) {
        Purpose::Known(finding) => return finding,
        // What such a role needs is told by the symptom's general cause, with its proofs.
        Purpose::Mixed => return Finding::Open,
        Purpose::None if case.symptom == Symptom::NotMappedNode => return Finding::Open,
        Purpose::None => {}
    }
    let is_read = case.facts.aws_auth.known().is_some();
    match case.cluster.mode {
        Some(AuthenticationMode::ConfigMap) => Finding::NotInAwsAuth,
        Some(AuthenticationMode::Api) if case.facts.is_without_administrator() => {
            Finding::NoAdministrator
        }
        Some(AuthenticationMode::Api) => Finding::NeverMapped,
        Some(AuthenticationMode::ApiAndConfigMap) if is_read => Finding::NeverMapped,
        // A row may still be there, with the path or with a typing error.
        _ => Finding::Open,
    }
}

/// What a role is for, as far as its trust policy and the cluster tell.
enum Purpose<'a> {
    /// Only this.
    Known(Finding<'a>),
    /// Nodes may have it, and something else as well: a person's entry could put nodes out, and a node's let a person
    /// act as one.
    Mixed,
    /// Nothing that is known.
    None,
}

fn purpose<'a>(case: &Case<'a>, principal: &Principal) -> Purpose<'a> {
    if !principal.is_role() {
        return Purpose::None;
    }
    let is_node = case.symptom == Symptom::NotMappedNode;
    let cluster = case.facts.cluster.known();
    let trust = case.facts.trust();
    let is_open = trust.is_some_and(|trust| trust.is_open_to_others(principal));
    let is_auto_mode_role = cluster
        .and_then(|cluster| cluster.auto_mode_node_role.as_ref())
        .is_some_and(|role| {
            role.account() == principal.account() && role.name() == principal.name()
        });
    if is_auto_mode_role {
        return if is_open {
            Purpose::Mixed
        } else {
            Purpose::Known(Finding::AutoModeNodes)
        };
    }
    let Some(trust) = trust else {
        return Purpose::None;
    };
    let finding = if trust.is_of_fargate() {
        // Older tools gave the cluster's role this trust too, and that one is nobody's to map.
        if trust.is_of_ec2() || trust.is_of_eks() {
            return Purpose::Mixed;
        }
        Finding::Fargate
    } else if trust.is_of_ec2() {
        let is_of_something_else = trust.pipeline().is_some()
            || trust.is_of_service_account()
            || trust.is_of_pod_identity();
        if is_of_something_else && !is_node {
            return Purpose::Mixed;
        }
        of_instances(case, principal)
    } else if trust.is_of_hybrid_nodes() && is_node {
        Finding::HybridNodes
    } else if trust.is_of_hybrid_nodes() && cluster.is_some_and(|cluster| cluster.has_hybrid_nodes)
    {
        // Sessions of IAM Roles Anywhere are named by whoever set them up: a node or a program.
        return Purpose::Mixed;
    } else if is_open {
        return Purpose::None;
    } else if let Some(pipeline) = trust.pipeline() {
        Finding::Pipeline(pipeline)
    } else if trust.has_pipelines() {
        return Purpose::None;
    } else if trust.is_of_service_account() {
        Finding::ServiceAccount
    } else if trust.is_of_pod_identity() {
        Finding::PodIdentity
    } else {
        return Purpose::None;
    };
    if is_open {
        Purpose::Mixed
    } else {
        Purpose::Known(finding)
    }
}

/// Whose instances have the role: names only tell kinds of nodes apart, for all of which EC2 is trusted.
fn of_instances<'a>(case: &Case<'a>, principal: &Principal) -> Finding<'a> {
    let cluster = case.facts.cluster.known();
    if cluster.is_some_and(|cluster| cluster.has_auto_mode)
        && is_named_like_auto_modes_nodes(principal)
    {
        Finding::AutoModeNodes
    } else if principal.is_named_like_karpenters() {
        Finding::KarpenterNodes
    } else {
        Finding::Ec2Instances
    }
}

/// Whether the role's name is one that EKS' documentation and eksctl give to the role of Auto Mode's nodes.
fn is_named_like_auto_modes_nodes(role: &Principal) -> bool {
    let name = role.name().to_ascii_lowercase();
    name.contains("eksautonode") || name.contains("-autonoderole-")
}

/// The claim of a cause about what a role is for. Perhaps, where the role has that purpose and nobody could look whether
/// something names it; or where its name is like one of `names`, and nobody could ask IAM.
pub(crate) fn claim_purpose(
    case: &Case<'_>,
    is_mine: impl Fn(&Finding<'_>) -> bool,
    names: &[&str],
) -> Claim {
    Finding::claim(case, &is_mine, |case| {
        let principal = case
            .principal
            .filter(|_| case.facts.own_entry().is_none())?;
        if principal.is_service_linked() || crate::steps::aws_called(case) {
            return None;
        }
        match purpose(case, principal) {
            Purpose::Known(finding) if is_mine(&finding) => open::entries(case),
            Purpose::None => open::trust(case).filter(|_| {
                let name = principal.name().to_ascii_lowercase();
                names.iter().any(|part| name.contains(part))
            }),
            _ => None,
        }
    })
}

/// A fact that is still open, in the words of [`Claim::Perhaps`].
pub(crate) mod open {
    use crate::catalogue::Case;
    use crate::cluster::AuthenticationMode;
    use crate::facts::Near;

    /// The cluster's access entries, where it has any and nobody could look.
    #[must_use]
    pub(crate) fn entries(case: &Case<'_>) -> Option<&'static str> {
        let can_have = case
            .cluster
            .mode
            .is_none_or(AuthenticationMode::has_access_entries);
        let facts = case.facts;
        let is_open = facts.own_entry().is_none()
            && (facts.entry.known().is_none() || facts.near.known().is_none());
        (can_have && is_open).then_some("the access entries of the cluster")
    }

    /// The path of the role, where an entry has its name and a path.
    #[must_use]
    pub(crate) fn path(case: &Case<'_>) -> Option<&'static str> {
        let near = case.facts.near.known()?;
        let is_like = near.iter().any(|miss| miss.near == Near::OtherPath);
        let is_open = is_like && case.facts.iam.known().is_none();
        is_open.then_some("the path of the role, in IAM")
    }

    /// The rows of `aws-auth`.
    pub(crate) const ROWS: &str = "the rows of aws-auth";

    /// The rows of `aws-auth`, where they play a part and nobody has read them.
    #[must_use]
    pub(crate) fn rows(case: &Case<'_>) -> Option<&'static str> {
        let plays = case.cluster.mode != Some(AuthenticationMode::Api);
        let is_open = plays && case.facts.aws_auth.known().is_none();
        is_open.then_some(ROWS)
    }

    /// Entries, else rows.
    #[must_use]
    pub(crate) fn entries_or_rows(case: &Case<'_>) -> Option<&'static str> {
        entries(case).or_else(|| rows(case))
    }

    /// When the role or user was made.
    #[must_use]
    pub(crate) fn age(case: &Case<'_>) -> Option<&'static str> {
        let is_open = case.facts.iam.known().is_none() && case.facts.own_entry().is_some();
        is_open.then_some("when the role or user was made, in IAM")
    }

    /// Who may assume the role.
    #[must_use]
    pub(crate) fn trust(case: &Case<'_>) -> Option<&'static str> {
        let is_role = case
            .principal
            .is_some_and(crate::principal::Principal::is_role);
        let is_open = is_role && case.facts.iam.known().is_none();
        is_open.then_some("the trust policy of the role, in IAM")
    }
}
