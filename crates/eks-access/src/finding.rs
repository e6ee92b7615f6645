//! What the facts say of a principal that the cluster does not let in.
//!
//! One value of a closed list, so that no two causes can claim the same case: each cause of a "not mapped" denial claims
//! one finding.

use crate::catalogue::{Case, Claim};
use crate::cluster::AuthenticationMode;
use crate::facts::{
    AccessEntry, AwsAuthRow, EntryType, Fact, Facts, IamPrincipal, Near, NearMiss, Pipeline,
    RowFault, Trust,
};
use crate::principal::Principal;
use crate::symptom::Symptom;
use crate::text::LogText;

/// An entry takes "several seconds" to work (EKS user guide, "Create access entries"); within this time of its making
/// a denial is no news, in milliseconds.
pub const PROPAGATION: i64 = 60_000;

/// An entry that was made so long after a denial was not on its way then, in milliseconds.
pub const SINCE: i64 = 600_000;

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
        let case = &case.as_the_facts_have_it();
        let Some(principal) = mappable(case) else {
            return Self::Open;
        };
        let (facts, mode) = (case.facts, case.cluster.mode);
        let sure = by_entry(case)
            .or_else(|| gone(facts))
            .or_else(|| by_likeness(facts, principal))
            .or_else(|| by_aws_auth(mode, facts, principal));
        if let Some(finding) = sure {
            return finding;
        }
        if !is_without_mapping(case) {
            return Self::Open;
        }
        if case.foreign_principal().is_none() {
            return by_purpose(case, principal);
        }
        // While rows may say more, a name says nothing.
        let is_read = mode == Some(AuthenticationMode::Api) || facts.aws_auth.known().is_some();
        by_name(case, principal)
            .filter(|_| is_read)
            .unwrap_or(Self::Open)
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

/// The principal of a case that is about its mapping, if it is one that can have any.
fn mappable<'a>(case: &Case<'a>) -> Option<&'a Principal> {
    let is_asked = matches!(case.symptom, Symptom::NotMapped | Symptom::NotMappedNode);
    case.principal.filter(|principal| {
        is_asked
            && (principal.is_role() || principal.is_user())
            && !principal.is_service_linked()
            && !crate::steps::aws_called(case)
    })
}

/// What the principal's own entry says.
fn by_entry<'a>(case: &Case<'a>) -> Option<Finding<'a>> {
    let facts = case.facts;
    let entry = facts.own_entry()?;
    match facts.iam.known() {
        Some(None) => return Some(Finding::Gone),
        Some(Some(iam)) if iam.created > entry.created => {
            return Some(Finding::EntryOutlived(entry, iam));
        }
        _ => {}
    }
    let age = facts
        .last_denied
        .map(|denied| denied.saturating_sub(entry.created));
    if age.is_some_and(|age| (-SINCE..=PROPAGATION).contains(&age)) {
        return Some(Finding::EntryTooNew(entry));
    }
    if let Some(gone) = gone(facts) {
        return Some(gone);
    }
    // An entry that was made long after says nothing of why, and neither does one that no node can join with.
    let is_since = age.is_some_and(|age| age < -SINCE);
    let is_no_nodes = case.symptom == Symptom::NotMappedNode && entry.kind == EntryType::Standard;
    Some(if is_since || is_no_nodes {
        Finding::Open
    } else {
        Finding::EntryFits(entry)
    })
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

/// What the entries say that can only have been meant for the principal.
fn by_likeness<'a>(facts: &'a Facts, principal: &Principal) -> Option<Finding<'a>> {
    // No log has a role's path: only IAM tells whether the entry's is another one, or the role's own.
    let has_path = principal.is_user() || facts.iam_principal().is_some();
    facts.near.known()?.iter().find_map(|miss| match miss.near {
        Near::OtherPath if !has_path => Some(Finding::Open),
        Near::OtherPath => Some(Finding::EntryOtherPath(&miss.entry)),
        // Two roles of one permission set in one account: then neither is the other's successor.
        Near::OtherSuffix if miss.exists == Fact::Known(false) => {
            Some(Finding::EntryOtherSuffix(&miss.entry))
        }
        Near::OtherCase => Some(Finding::EntryLookalike(miss)),
        Near::OtherSuffix | Near::OtherKind | Near::OtherAccount | Near::Former => None,
    })
}

/// What the rows say that can only have been meant for the principal.
fn by_aws_auth<'a>(
    mode: Option<AuthenticationMode>,
    facts: &'a Facts,
    principal: &Principal,
) -> Option<Finding<'a>> {
    let row = facts.aws_auth.known()?;
    match (mode?, row) {
        // Whether it is mapped nowhere else, only the entries show.
        (AuthenticationMode::Api, AwsAuthRow::Fits | AwsAuthRow::FitsNodes) => {
            (facts.entry == Fact::Known(None)).then_some(Finding::OnlyInAwsAuth)
        }
        // Such a cluster does not read its rows.
        (AuthenticationMode::Api, _) | (_, AwsAuthRow::None) => None,
        (_, AwsAuthRow::Fits | AwsAuthRow::FitsNodes) => Some(Finding::RowFits),
        (_, AwsAuthRow::Broken) => Some(Finding::AwsAuthBroken),
        (_, AwsAuthRow::Near(fault, row)) => match fault {
            RowFault::KeepsPath => Some(Finding::RowKeepsPath(row)),
            RowFault::MatchesNobody => Some(Finding::RowMatchesNobody(row)),
            RowFault::OtherSuffix => Some(Finding::RowOtherSuffix(row)),
            // Its own ARN, under the key of the other section.
            RowFault::OtherKind if names(row, principal) => Some(Finding::RowLookalike(row)),
            RowFault::OtherKind | RowFault::OtherAccount => None,
        },
    }
}

fn names(row: &LogText, principal: &Principal) -> bool {
    let canonical = principal.canonical().to_string();
    row.raw().trim().eq_ignore_ascii_case(&canonical)
}

/// What entries and rows say that share no more than the name: the last resort, for many accounts have the same names.
fn by_name<'a>(case: &Case<'a>, principal: &Principal) -> Option<Finding<'a>> {
    if principal.has_a_common_name() {
        return None;
    }
    let facts = case.facts;
    let near = facts.near.known().map_or(&[][..], Vec::as_slice);
    let by_entry = near.iter().find_map(|miss| match miss.near {
        Near::OtherKind => Some(Finding::EntryLookalike(miss)),
        Near::OtherAccount => Some(Finding::EntryOtherAccount(&miss.entry)),
        _ => None,
    });
    let reads_rows = case.cluster.mode != Some(AuthenticationMode::Api);
    let row = facts.aws_auth.known().filter(|_| reads_rows);
    by_entry.or_else(|| match row? {
        AwsAuthRow::Near(RowFault::OtherKind, row) => Some(Finding::RowLookalike(row)),
        AwsAuthRow::Near(RowFault::OtherAccount, row) => Some(Finding::RowOtherAccount(row)),
        _ => None,
    })
}

/// The claim of a cause about an entry or row that shares the principal's name. Perhaps, where there is one and something
/// else says more, or where the name is one of many.
pub(crate) fn claim_name(
    case: &Case<'_>,
    is_mine: impl Fn(&Finding<'_>) -> bool,
    near: Near,
    fault: RowFault,
) -> Claim {
    let finding = Finding::of(case);
    if is_mine(&finding) {
        return Claim::Yes;
    }
    let facts = case.facts;
    let is_explained = matches!(
        finding,
        Finding::Gone | Finding::EntryTooNew(_) | Finding::RowFits | Finding::OnlyInAwsAuth
    );
    if mappable(case).is_none() || facts.own_entry().is_some() || is_explained {
        return Claim::No;
    }
    let all = facts.near.known().map_or(&[][..], Vec::as_slice);
    let reads_rows = case.cluster.mode != Some(AuthenticationMode::Api);
    let is_row = matches!(facts.aws_auth.known(), Some(AwsAuthRow::Near(is, _)) if *is == fault);
    if all.iter().any(|miss| miss.near == near) || (reads_rows && is_row) {
        Claim::Perhaps(open::MEANT)
    } else {
        Claim::No
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
    let is_node = case.symptom == Symptom::NotMappedNode;
    match purpose(case, principal) {
        Purpose::Known(finding) => return finding,
        // What such a role needs is told by the symptom's general cause, with its proofs.
        Purpose::Mixed(_) => return Finding::Open,
        Purpose::Maybe(_) | Purpose::None if is_node => return Finding::Open,
        Purpose::Maybe(_) | Purpose::None => {}
    }
    let facts = case.facts;
    let is_read = facts.aws_auth.known().is_some();
    // Without IAM it may be a node's role, or be gone.
    let is_known = facts.iam_principal().is_some() && open::suffix(case).is_none();
    let finding = match case.cluster.mode {
        Some(AuthenticationMode::ConfigMap) => Finding::NotInAwsAuth,
        Some(AuthenticationMode::Api) if is_known => {
            if facts.is_without_administrator() {
                return Finding::NoAdministrator;
            }
            Finding::NeverMapped
        }
        Some(AuthenticationMode::ApiAndConfigMap) if is_known && is_read => Finding::NeverMapped,
        // A row may still be there, with the path or with a typing error.
        _ => return Finding::Open,
    };
    by_name(case, principal).unwrap_or(finding)
}

/// What a role is for, as far as its trust policy and the cluster tell.
enum Purpose<'a> {
    /// Only this.
    Known(Finding<'a>),
    /// Nodes may have it, and something else as well: a person's entry could put nodes out, and a node's let a person
    /// act as one.
    Mixed(Finding<'a>),
    /// No node has it; this may, and something else as well.
    Maybe(Finding<'a>),
    /// Nothing that is known.
    None,
}

const EC2: &[&str] = &["ec2.amazonaws.com", "ssm.amazonaws.com"];
const FARGATE: &[&str] = &[
    "eks-fargate-pods.amazonaws.com",
    "eks-fargate.amazonaws.com",
];
const PODS: &[&str] = &["pods.eks.amazonaws.com"];
const CODE_BUILD: &[&str] = &["codebuild.amazonaws.com", "codepipeline.amazonaws.com"];

fn purpose<'a>(case: &Case<'a>, principal: &Principal) -> Purpose<'a> {
    if !principal.is_role() {
        return Purpose::None;
    }
    let cluster = case.facts.cluster.known();
    let trust = case.facts.trust();
    let is_open = trust.is_some_and(|trust| trust.is_open_to_others(principal));
    let is_auto_mode_role = cluster
        .and_then(|cluster| cluster.auto_mode_node_role.as_ref())
        .is_some_and(|role| role.is_of_the_same_name(principal));
    if is_auto_mode_role {
        return if is_open {
            Purpose::Mixed(Finding::AutoModeNodes)
        } else {
            Purpose::Known(Finding::AutoModeNodes)
        };
    }
    let Some(trust) = trust else {
        return Purpose::None;
    };
    if let Some(nodes) = purpose_of_nodes(case, principal, trust) {
        return match nodes {
            Purpose::Known(finding) if is_open => Purpose::Mixed(finding),
            nodes => nodes,
        };
    }
    let of_pods = trust.is_of_service_account();
    let (finding, own) = if let Some(pipeline) = trust.pipeline() {
        let own = match pipeline {
            Pipeline::CodeBuild => CODE_BUILD,
            Pipeline::ArgoCd => PODS,
            _ => &[],
        };
        (Finding::Pipeline(pipeline), own)
    } else if trust.has_pipelines() {
        return Purpose::None;
    } else if of_pods {
        (Finding::ServiceAccount, PODS)
    } else if trust.is_of_pod_identity() {
        (Finding::PodIdentity, PODS)
    } else {
        return Purpose::None;
    };
    let is_of_pods_too =
        of_pods && matches!(finding, Finding::Pipeline(pipeline) if pipeline != Pipeline::ArgoCd);
    if is_open || is_of_pods_too || trust.is_of_services_besides(own) {
        return Purpose::Maybe(finding);
    }
    Purpose::Known(finding)
}

/// What the nodes are whose role it is, if nodes may have it.
fn purpose_of_nodes<'a>(
    case: &Case<'a>,
    principal: &Principal,
    trust: &Trust,
) -> Option<Purpose<'a>> {
    let is_node = case.symptom == Symptom::NotMappedNode;
    let is_of_programs =
        trust.has_pipelines() || trust.is_of_service_account() || trust.is_of_pod_identity();
    if trust.is_of_fargate() {
        // Older tools gave the cluster's role this trust too, and that one is nobody's to map.
        let is_mixed = is_of_programs || trust.is_of_services_besides(FARGATE);
        return Some(if is_mixed {
            Purpose::Mixed(Finding::Fargate)
        } else {
            Purpose::Known(Finding::Fargate)
        });
    }
    if trust.is_of_ec2() {
        let is_mixed = is_of_programs || trust.is_of_services_besides(EC2);
        let finding = of_instances(case, principal);
        return Some(if is_mixed && !is_node {
            Purpose::Mixed(finding)
        } else {
            Purpose::Known(finding)
        });
    }
    let has_hybrid_nodes = case
        .facts
        .cluster
        .known()
        .is_some_and(|cluster| cluster.has_hybrid_nodes);
    match trust.is_of_hybrid_nodes() {
        true if is_node => Some(Purpose::Known(Finding::HybridNodes)),
        // Sessions of IAM Roles Anywhere are named by whoever set them up: a node or a program.
        true if has_hybrid_nodes => Some(Purpose::Mixed(Finding::HybridNodes)),
        _ => None,
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
            Purpose::Mixed(finding) | Purpose::Maybe(finding) if is_mine(&finding) => {
                Some(open::CALLER)
            }
            Purpose::None => open::trust(case).filter(|_| {
                let name = principal.name().to_ascii_lowercase();
                names.iter().any(|part| name.contains(part))
                    // Of a role that nothing names and IAM does not tell of, the likeliest is open too.
                    || (is_mine(&Finding::Ec2Instances) && open::existence(case).is_some())
            }),
            _ => None,
        }
    })
}

/// A fact that is still open, in the words of [`Claim::Perhaps`].
pub(crate) mod open {
    use crate::catalogue::Case;
    use crate::cluster::AuthenticationMode;
    use crate::facts::{EntryType, Fact, Near};
    use crate::symptom::Symptom;

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

    /// Whom an entry or row is meant for that shares a name.
    pub(crate) const MEANT: &str = "whom the entry or row of the same name is meant for";

    /// Who called, of those who may.
    pub(crate) const CALLER: &str = "which of those that may assume the role called";

    /// Whether IAM has the principal, where nothing names it and nobody could ask.
    #[must_use]
    pub(crate) fn existence(case: &Case<'_>) -> Option<&'static str> {
        let facts = case.facts;
        let is_open = facts.iam.known().is_none()
            && facts.entry == Fact::Known(None)
            && facts.near.known().is_some();
        is_open.then_some("whether IAM has the role or user")
    }

    /// Whether the role that an entry names for the same permission set is still there.
    #[must_use]
    pub(crate) fn suffix(case: &Case<'_>) -> Option<&'static str> {
        let near = case.facts.near.known()?;
        let is_open = near
            .iter()
            .any(|miss| miss.near == Near::OtherSuffix && miss.exists.known().is_none());
        is_open.then_some("whether IAM has the other role of the permission set")
    }

    /// Whether it is refused still, where its entry was made long after the denial.
    #[must_use]
    pub(crate) fn since(case: &Case<'_>) -> Option<&'static str> {
        let entry = case.facts.own_entry()?;
        let denied = case.facts.last_denied?;
        let is_since = denied.saturating_add(super::SINCE) < entry.created;
        is_since.then_some("whether it is refused still, now that it has an entry")
    }

    /// Whether a node called, where the role has an entry that no node can join with.
    #[must_use]
    pub(crate) fn kind(case: &Case<'_>) -> Option<&'static str> {
        let is_node = case.as_the_facts_have_it().symptom == Symptom::NotMappedNode;
        let entry = case.facts.own_entry().filter(|_| is_node)?;
        (entry.kind == EntryType::Standard).then_some("whether a node or a program called")
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
