//! Access that is asked for, approved, and ends by itself: a request, its approvals, the grant that comes of it.
//!
//! A [`Request`] is one row of a table and goes through the states of [`State`]; [`life`] has every step of it. The row is
//! the lock and the record, and never the authority: the granter acts on an [`Order`] whose approvals are sealed with a
//! key that whoever can write the table does not have.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cluster::{ClusterName, Region};
use crate::policy::{Approver, Ask, Terms};
use crate::principal::{AccountId, Principal};

pub mod life;
pub mod offer;
pub mod order;
pub mod ours;
pub mod record;
pub mod signature;

pub use offer::Random;
pub use order::{Approval, Order, SealKey};
pub use record::{Action, Actor, Record};

/// The value of the tag by which an access entry is ours.
pub const MANAGED_BY: &str = "eks-access-responder";
/// The keys of an entry's tags, and there are no others.
pub const TAGS: [&str; 3] = ["managed-by", "request-id", "expires-at"];

/// Names a request, and the grant that comes of it: 16 hexadecimal digits that nobody chose.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestId(String);

impl RequestId {
    /// The id of these random bytes.
    #[must_use]
    pub fn of(random: [u8; 8]) -> Self {
        Self(hex(&random))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RequestId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |b: u8| b.is_ascii_digit() || matches!(b, b'a'..=b'f');
        if text.len() == 16 && text.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err("a request's id has 16 hexadecimal digits")
        }
    }
}

impl TryFrom<String> for RequestId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> Self {
        id.0
    }
}

/// What a button carries besides the request's id, so that only whoever has seen the message can press it. 32 hexadecimal
/// digits; the row has its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// The nonce of these random bytes.
    #[must_use]
    pub fn of(random: [u8; 16]) -> Self {
        Self(hex(&random))
    }

    /// What is stored of it.
    #[must_use]
    pub fn hash(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(…)")
    }
}

/// What a button's value says: `v1.ID.NONCE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The request.
    pub id: RequestId,
    /// What proves that the message was seen.
    pub nonce: Nonce,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1.{}.{}", self.id, self.nonce.0)
    }
}

impl FromStr for Token {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "not the value of one of our buttons";
        let rest = text.strip_prefix("v1.").ok_or(FORM)?;
        let (id, nonce) = rest.split_once('.').ok_or(FORM)?;
        let is_nonce = nonce.len() == 32
            && nonce
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
        is_nonce.then_some(()).ok_or(FORM)?;
        Ok(Self {
            id: id.parse()?,
            nonce: Nonce(nonce.to_owned()),
        })
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// To be let in.
    Access,
    /// More time for a grant that is there.
    Extension,
    /// To be let in at once, in an emergency.
    BreakGlass,
}

impl Kind {
    /// Its stable name.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Extension => "extension",
            Self::BreakGlass => "break-glass",
        }
    }
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It waits for an answer.
    Pending,
    /// The granter is at work; the end is written down already.
    Granting,
    /// There is an access entry.
    Active,
    /// The entry is to go.
    Revoking,
    /// The entry is gone.
    Revoked,
    /// Somebody said no.
    Denied,
    /// Nobody answered in time.
    Expired,
    /// More time was asked for, and the grant has it.
    Done,
    /// It could not be granted, and nothing is left of trying.
    Failed,
    /// It could not be granted, and something may be left of trying, which is to go.
    Cleanup,
    /// The entry is not ours any more: somebody changed its tags or made another one. It is left alone.
    Drifted,
}

impl State {
    /// Every state.
    pub const ALL: &'static [Self] = &[
        Self::Pending,
        Self::Granting,
        Self::Active,
        Self::Revoking,
        Self::Revoked,
        Self::Denied,
        Self::Expired,
        Self::Done,
        Self::Failed,
        Self::Cleanup,
        Self::Drifted,
    ];

    /// Its stable name.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Granting => "granting",
            Self::Active => "active",
            Self::Revoking => "revoking",
            Self::Revoked => "revoked",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cleanup => "cleanup",
            Self::Drifted => "drifted",
        }
    }

    /// Whether nothing more comes of it.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Revoked
                | Self::Denied
                | Self::Expired
                | Self::Done
                | Self::Failed
                | Self::Drifted
        )
    }

    /// Whether there may be an access entry of ours.
    #[must_use]
    pub fn has_entry(self) -> bool {
        matches!(
            self,
            Self::Granting | Self::Active | Self::Revoking | Self::Cleanup
        )
    }
}

/// Where the line stands that the request is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The log group.
    pub log_group: String,
    /// The log stream.
    pub log_stream: String,
    /// `CloudWatch`'s id of the event.
    pub event_id: String,
    /// When, in milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// SHA-256 of the error as it was logged.
    pub error_sha256: Option<String>,
}

/// Where a request's message stands in Slack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// The channel.
    pub channel: String,
    /// The message in whose thread it stands: the incident's card.
    pub thread: Option<String>,
    /// The message itself, once it was posted.
    pub ts: Option<String>,
    /// How often it was edited, so that its blocks get new ids.
    pub revision: u32,
}

/// The cluster that a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub cluster: ClusterName,
    /// Its account.
    pub account: AccountId,
    /// Its Region.
    pub region: Region,
}

/// What people are to be told of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// It waits for an answer.
    Requested,
    /// It still does.
    Reminder,
    /// One of several approvers said yes.
    Approved,
    /// There is an access entry.
    Granted,
    /// Somebody said no.
    Denied,
    /// Nobody answered in time.
    Expired,
    /// It could not be granted.
    Failed,
    /// The grant ends soon.
    Ending,
    /// Somebody ends it early.
    EndRequested,
    /// It has more time.
    Extended,
    /// The entry is gone.
    Revoked,
    /// The entry should be gone, and is not.
    RevokeFailed,
    /// Somebody changed the entry.
    Drift,
    /// Somebody let themselves or others in without anybody's yes.
    BreakGlass,
    /// Somebody else has to look at that.
    ReviewDue,
    /// Somebody did.
    Reviewed,
}

impl News {
    /// The `kind` of its SNS message.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Reminder | Self::Ending | Self::ReviewDue => "reminder",
            Self::Approved => "approved",
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::EndRequested => "end_requested",
            Self::Extended => "extended",
            Self::Revoked => "revoked",
            Self::RevokeFailed => "revoke_failed",
            Self::Drift => "drift",
            Self::BreakGlass => "break_glass",
            Self::Reviewed => "reviewed",
        }
    }
}

/// A request, with all that became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// What is asked for.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// How often it was changed: whoever changes it says which it was.
    pub version: u64,
    /// The cluster.
    #[serde(with = "as_text")]
    pub cluster: ClusterName,
    /// The cluster's account.
    #[serde(with = "as_text")]
    pub account: AccountId,
    /// The cluster's Region.
    #[serde(with = "as_text")]
    pub region: Region,
    /// Who is to be let in: the ARN with its path.
    #[serde(with = "as_text")]
    pub principal: Principal,
    /// IAM's unique id of the principal when this was asked.
    #[serde(default)]
    pub unique_id: String,
    /// The cause of the denial.
    #[serde(default)]
    pub cause: String,
    /// The incident.
    #[serde(default)]
    pub incident: Option<String>,
    /// The one session that was denied, as it was logged. Its caller chose it.
    #[serde(default)]
    pub session: Option<String>,
    /// What those who decide should know of the principal.
    #[serde(default)]
    pub hints: Vec<String>,
    /// Where the line stands.
    #[serde(default)]
    pub evidence: Evidence,
    /// SHA-256 of what the button carries; none where there is no button.
    #[serde(default)]
    pub nonce: Option<String>,
    /// The same of the message as it may be still, the latest first: until it is known to be changed.
    #[serde(default)]
    pub nonces_before: Vec<String>,
    /// Who asks, if it is known for sure.
    #[serde(default)]
    pub requested_by: Option<Approver>,
    /// Why, in their words.
    #[serde(default)]
    pub reason: Option<String>,
    /// The grant that is to have more time.
    #[serde(default)]
    pub extends: Option<RequestId>,
    /// The last request for more time for this grant.
    #[serde(default)]
    pub extension: Option<RequestId>,
    /// When it was asked, in milliseconds since 1970.
    pub created: i64,
    /// Until when somebody may answer.
    pub expires: i64,
    /// The terms, once somebody said yes to them, or asked for them.
    #[serde(default)]
    pub terms: Option<Terms>,
    /// How many must say yes.
    #[serde(default = "one")]
    pub needed: usize,
    /// Who did.
    #[serde(default)]
    pub approvals: Vec<Approval>,
    /// The rule by which they were enough.
    #[serde(default)]
    pub rule: Option<String>,
    /// The invocation of the granter that is at it. Lambda's further tries are the same one.
    #[serde(default)]
    pub granter: Option<String>,
    /// When the granter began.
    #[serde(default)]
    pub starts: Option<i64>,
    /// When it ends. Written down before EKS is asked for anything.
    #[serde(default)]
    pub ends: Option<i64>,
    /// Who ended it early, and why.
    #[serde(default)]
    pub ended_by: Option<(Actor, String)>,
    /// Until when somebody else has to look at a break-glass.
    #[serde(default)]
    pub review_by: Option<i64>,
    /// How often the present step was tried in vain.
    #[serde(default)]
    pub attempts: u32,
    /// When to try again.
    #[serde(default)]
    pub retry_at: Option<i64>,
    /// How many reminders were sent.
    #[serde(default)]
    pub reminders: u32,
    /// What became of it, in one sentence.
    #[serde(default)]
    pub outcome: Option<String>,
    /// What people are to be told still, the oldest first.
    #[serde(default)]
    pub news: Vec<News>,
    /// How many of those SNS took already.
    #[serde(default)]
    pub news_published: usize,
    /// How many of those Slack took already.
    #[serde(default)]
    pub news_posted: usize,
    /// How often it was tried to tell them.
    #[serde(default)]
    pub news_attempts: u32,
    /// When to try next, should whoever made the news not do it.
    #[serde(default)]
    pub news_at: Option<i64>,
    /// Records of the audit that SNS is owed still, as JSON.
    #[serde(default)]
    pub audits: Vec<String>,
    /// Where its message stands.
    #[serde(default)]
    pub post: Option<Post>,
}

impl Request {
    /// A request of which nothing more is known, and that waits for an answer.
    #[must_use]
    pub fn new(id: RequestId, kind: Kind, place: &Place, principal: Principal, now: i64) -> Self {
        Self {
            id,
            kind,
            state: State::Pending,
            version: 0,
            cluster: place.cluster.clone(),
            account: place.account.clone(),
            region: place.region.clone(),
            principal,
            unique_id: String::new(),
            cause: String::new(),
            incident: None,
            session: None,
            hints: Vec::new(),
            evidence: Evidence::default(),
            nonce: None,
            nonces_before: Vec::new(),
            requested_by: None,
            reason: None,
            extends: None,
            extension: None,
            created: now,
            expires: now,
            terms: None,
            needed: 1,
            approvals: Vec::new(),
            rule: None,
            granter: None,
            starts: None,
            ends: None,
            ended_by: None,
            review_by: None,
            attempts: 0,
            retry_at: None,
            reminders: 0,
            outcome: None,
            news: Vec::new(),
            news_published: 0,
            news_posted: 0,
            news_attempts: 0,
            news_at: None,
            audits: Vec::new(),
            post: None,
        }
    }

    /// With its message to be posted there.
    #[must_use]
    pub fn posted_in(mut self, channel: Option<String>, thread: Option<String>) -> Self {
        self.post = channel.map(|channel| Post {
            channel,
            thread,
            ts: None,
            revision: 0,
        });
        self
    }

    /// Where the cluster is.
    #[must_use]
    pub fn place(&self) -> Place {
        Place {
            cluster: self.cluster.clone(),
            account: self.account.clone(),
            region: self.region.clone(),
        }
    }

    /// What the guardrails are asked.
    #[must_use]
    pub fn ask(&self) -> Ask<'_> {
        Ask {
            cluster: &self.cluster,
            account: &self.account,
            principal: &self.principal,
            session: self.session.as_deref(),
        }
    }

    /// Whether a button's nonce is this request's.
    #[must_use]
    pub fn has_nonce(&self, nonce: &Nonce) -> bool {
        let hash = nonce.hash();
        let mut known = self.nonce.iter().chain(&self.nonces_before);
        known.any(|known| *known == hash)
    }

    /// Stands for everything of the request that whoever decides has to have seen: 16 hexadecimal digits.
    #[must_use]
    pub fn seen(&self) -> String {
        let all = (
            self.id.as_str(),
            self.kind,
            self.cluster.as_str(),
            self.account.as_str(),
            self.region.as_str(),
            self.principal.to_string(),
            &self.unique_id,
            &self.extends,
            &self.terms,
        );
        let digest = Sha256::digest(serde_json::to_vec(&all).unwrap_or_default());
        hex(digest.get(..8).unwrap_or_default())
    }

    /// Stands for the one grant that a principal may have in a cluster.
    #[must_use]
    pub fn lock(&self) -> String {
        format!(
            "{}/{}/{}#{}",
            self.account,
            self.region,
            self.cluster,
            self.principal.canonical()
        )
    }
}

/// How many must say yes where nothing is said of it.
fn one() -> usize {
    1
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(digit.into(), 16));
        }
        text
    })
}

/// Values that are their text.
pub(crate) mod as_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}
