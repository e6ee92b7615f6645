//! Whether a denial becomes a request: every condition under which an access entry may be offered at all.

use std::fmt;

use super::{Evidence, Kind, Nonce, Place, Request, RequestId, hex};
use crate::cluster::{ClusterName, Region};
use crate::facts::{Fact, Facts, IamPrincipal, Near, Status, Trust};
use crate::incident::Subject;
use crate::notice::Notice;
use crate::policy::{Ask, Guardrails, Refused};
use crate::principal::AccountId;
use crate::timestamp::{self, MINUTE};
use sha2::{Digest, Sha256};

/// While `aws-auth` was said to be broken so short a time before, a denial says nothing, in milliseconds.
pub const AFTER_BROKEN_AWS_AUTH: i64 = 15 * MINUTE;
/// Characters of a session's name that are kept to compare with.
const SESSION: usize = 64;

/// Why a denial becomes no request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Withheld {
    /// The line, or what EKS and IAM say, does not show that an entry is what is missing.
    NotMendedByAnEntry,
    /// Something that has to be known is not: what.
    NotKnown(&'static str),
    /// The cluster is not one that can be changed now.
    ClusterNotActive,
    /// There is an entry that looks as if it had been meant for the principal: a person has to look.
    SomethingNear,
    /// Anybody may assume the role.
    OpenToEverybody,
    /// `aws-auth` broke shortly before.
    AwsAuthBroke,
    /// The guardrails do not offer it.
    Guardrails(Refused),
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMendedByAnEntry => f.write_str("an access entry is not what is missing"),
            Self::NotKnown(what) => write!(f, "{what} is not known"),
            Self::ClusterNotActive => f.write_str("the cluster is not active"),
            Self::SomethingNear => {
                f.write_str("an entry looks as if it had been meant for the principal")
            }
            Self::OpenToEverybody => f.write_str("anybody may assume the role"),
            Self::AwsAuthBroke => f.write_str("aws-auth was broken a short time before"),
            Self::Guardrails(refused) => refused.fmt(f),
        }
    }
}

/// What nobody chose: for the id and for the button.
#[derive(Debug, Clone, Copy)]
pub struct Random(pub [u8; 24]);

impl Random {
    /// The id.
    #[must_use]
    pub fn id(self) -> RequestId {
        let (first, _) = self.0.split_at(8);
        let mut id = [0; 8];
        id.copy_from_slice(first);
        RequestId::of(id)
    }

    /// The nonce.
    #[must_use]
    pub fn nonce(self) -> Nonce {
        let (_, rest) = self.0.split_at(8);
        let mut nonce = [0; 16];
        nonce.copy_from_slice(rest);
        Nonce::of(nonce)
    }
}

/// The request that follows from a notice, if everything that has to hold does at this moment. `broke_at` is when
/// `aws-auth` was last said to be broken.
///
/// # Errors
/// When something does not.
pub fn offer(
    notice: &Notice,
    guardrails: &Guardrails,
    broke_at: Option<i64>,
    now: i64,
    random: Random,
) -> Result<Request, Withheld> {
    let Subject::Principal(_) = &notice.subject else {
        return Err(Withheld::NotMendedByAnEntry);
    };
    if !notice.is_grantable {
        return Err(Withheld::NotMendedByAnEntry);
    }
    let facts = notice.facts();
    let known = known(notice, facts)?;
    no_doubt(facts, known.iam)?;
    if broke_at.is_some_and(|at| now.saturating_sub(at) < AFTER_BROKEN_AWS_AUTH) {
        return Err(Withheld::AwsAuthBroke);
    }
    let session = session(notice);
    let ask = Ask {
        cluster: known.cluster,
        account: known.account,
        principal: &known.iam.principal,
        session: session.as_deref(),
    };
    let offers = guardrails.offers(&ask).map_err(Withheld::Guardrails)?;
    let needed = offers.iter().map(|offer| offer.needed).min().unwrap_or(1);
    let wait = i64::try_from(guardrails.request_expires).unwrap_or(i64::MAX);
    Ok(Request {
        unique_id: known.iam.unique_id.clone(),
        cause: notice.cause.id.to_owned(),
        incident: Some(notice.id().as_str().to_owned()),
        session,
        hints: hints(notice, known.iam),
        evidence: evidence(notice),
        nonce: Some(random.nonce().hash()),
        expires: now.saturating_add(wait.saturating_mul(1000)),
        needed,
        ..Request::new(
            random.id(),
            Kind::Access,
            &known.place(),
            known.iam.principal.clone(),
            now,
        )
    })
}

struct Known<'a> {
    cluster: &'a ClusterName,
    account: &'a AccountId,
    region: &'a Region,
    iam: &'a IamPrincipal,
}

impl Known<'_> {
    fn place(&self) -> Place {
        Place {
            cluster: self.cluster.clone(),
            account: self.account.clone(),
            region: self.region.clone(),
        }
    }
}

/// What has to be known, and is.
fn known<'a>(notice: &'a Notice, facts: &'a Facts) -> Result<Known<'a>, Withheld> {
    let cluster = notice
        .cluster
        .name
        .as_ref()
        .ok_or(Withheld::NotKnown("the cluster"))?;
    let account = notice
        .cluster
        .account
        .as_ref()
        .ok_or(Withheld::NotKnown("the cluster's account"))?;
    let region = notice
        .cluster
        .region
        .as_ref()
        .ok_or(Withheld::NotKnown("the cluster's Region"))?;
    let described = facts
        .cluster
        .known()
        .ok_or(Withheld::NotKnown("the cluster's mode"))?;
    if described.status != Status::Active {
        return Err(Withheld::ClusterNotActive);
    }
    if !described.mode.has_access_entries() {
        return Err(Withheld::NotMendedByAnEntry);
    }
    let iam = facts
        .iam_principal()
        .ok_or(Withheld::NotKnown("the principal in IAM"))?;
    if facts.entry != Fact::Known(None) {
        return Err(Withheld::NotKnown("that the principal has no access entry"));
    }
    Ok(Known {
        cluster,
        account,
        region,
        iam,
    })
}

/// Whether nothing that is known makes it doubtful that an entry is what is missing.
fn no_doubt(facts: &Facts, iam: &IamPrincipal) -> Result<(), Withheld> {
    let near = facts.near.known().ok_or(Withheld::NotKnown(
        "whether other entries look like the principal's",
    ))?;
    let is_meant = |near: &Near| {
        matches!(
            near,
            Near::OtherPath | Near::OtherSuffix | Near::OtherCase | Near::OtherKind
        )
    };
    if near.iter().any(|miss| is_meant(&miss.near)) {
        return Err(Withheld::SomethingNear);
    }
    let is_another = facts
        .caller_id
        .as_ref()
        .is_some_and(|id| *id != iam.unique_id);
    if is_another {
        return Err(Withheld::NotKnown(
            "that the caller is the principal that IAM has now",
        ));
    }
    match &iam.trust {
        None if iam.principal.is_role() => Err(Withheld::NotKnown("who may assume the role")),
        Some(trust) if trust.is_open_to_everybody() => Err(Withheld::OpenToEverybody),
        Some(trust) if trust.may_be_of_nodes() => Err(Withheld::NotMendedByAnEntry),
        _ => Ok(()),
    }
}

/// The one session that was denied.
fn session(notice: &Notice) -> Option<String> {
    match notice.sessions.as_slice() {
        [session] if session.raw().len() <= SESSION => Some(session.raw().to_owned()),
        _ => None,
    }
}

/// What those who decide should know: nobody can tell from a log who is behind a role.
fn hints(notice: &Notice, iam: &IamPrincipal) -> Vec<String> {
    let mut hints = vec![format!(
        "made {} ({})",
        timestamp::rfc3339(iam.created),
        iam.unique_id
    )];
    hints.extend(iam.trust.as_ref().map(Trust::in_words));
    if iam.principal.is_user() {
        hints.push("an IAM user: whoever has its access keys gets in".to_owned());
    }
    let aws_auth = if notice.facts().aws_auth.known().is_some() {
        "aws-auth was read: no row lets the principal in"
    } else {
        "aws-auth could not be read; that the login was refused shows that no row let the principal in then"
    };
    hints.push(aws_auth.to_owned());
    hints
}

fn evidence(notice: &Notice) -> Evidence {
    let evidence = &notice.evidence;
    Evidence {
        log_group: evidence.log_group.clone(),
        log_stream: evidence.log_stream.clone(),
        event_id: evidence.event_id.clone(),
        timestamp: evidence.timestamp,
        error_sha256: evidence
            .text
            .as_ref()
            .map(|text| hex(&Sha256::digest(text.raw().as_bytes()))),
    }
}
