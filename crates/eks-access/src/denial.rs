//! Lines seen in order: a denial is joined with the `STS response` line of the same request.

use std::collections::HashMap;

use crate::catalogue::{Case, Detail};
use crate::cluster::Cluster;
use crate::facts::Facts;
use crate::line::{Line, Stream};
use crate::principal::{AccountId, Principal};
use crate::symptom::Symptom;
use crate::text::LogText;

/// An `STS response` line this long before a denial is another request's, in milliseconds. (`client` is a connection
/// the API server keeps: two roles were seen on one port 11 s apart.)
const JOIN_WITHIN: i64 = 10_000;
/// Watches close as a matter of course; twice within this time is a fault, in milliseconds.
const WATCH_AGAIN_WITHIN: i64 = 60_000;
/// `STS response` lines that are remembered at once.
const MAX_IDENTITIES: usize = 4096;

/// Who STS said was calling. The access key id of the line is not even read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The session's name, chosen by whoever assumed the role.
    pub session: Option<LogText>,
    /// `AROA…`, `AIDA…`: the unique id that access entries are bound to.
    pub unique_id: Option<LogText>,
    /// The account.
    pub account: Option<AccountId>,
}

impl Identity {
    /// The session, if its name may tell who called: not a tool's default.
    #[must_use]
    pub fn telling_session(&self) -> Option<&LogText> {
        self.session
            .as_ref()
            .filter(|session| !is_anonymous_session(session.raw()))
    }

    /// The unique id without what STS puts behind it for a session: `AROA…` of `AROA…:jane`.
    #[must_use]
    pub fn bare_id(&self) -> Option<&str> {
        let id = self.unique_id.as_ref()?.raw();
        let bare = id.split(':').next().unwrap_or_default();
        let is_id = (16..=128).contains(&bare.len())
            && bare
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        is_id.then_some(bare)
    }

    fn is_node(&self) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| is_node_session(session.raw()))
    }

    fn is_aws_internal(&self) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| AWS_INTERNAL_SESSIONS.contains(&session.raw()))
    }
}

/// Sessions of AWS' own callers (public EKS lines).
const AWS_INTERNAL_SESSIONS: [&str; 2] = ["EKSClusterInsightsAuth", "EKSAuthTokenSession"];

/// `i-…` (EC2; 8 or 17 letters and digits), `mi-…` (hybrid) or `fargate-…`.
fn is_node_session(session: &str) -> bool {
    // The authenticator's own rule: `^i-(\w{8}|\w{17})$`.
    let is_instance = |id: &str| {
        matches!(id.len(), 8 | 17) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    session.strip_prefix("i-").is_some_and(is_instance)
        || session.strip_prefix("mi-").is_some_and(is_instance)
        || session.starts_with("fargate-")
}

/// Names that tools give: `aws eks get-token --role-arn`, the authenticator's nanosecond number, SDK defaults.
fn is_anonymous_session(session: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    session == "EKSGetTokenAuth"
        || (session.len() == 19 && is_number(session))
        || [
            "botocore-session-",
            "aws-go-sdk-",
            "aws-sdk-js-session-",
            "aws-sdk-java-",
            "AWSCLI-Session",
        ]
        .iter()
        .any(|start| {
            session
                .strip_prefix(start)
                .is_some_and(|rest| rest.is_empty() || is_number(rest))
        })
        || AWS_INTERNAL_SESSIONS.contains(&session)
        || is_node_session(session)
}

/// A line, read and joined.
#[derive(Debug, Clone)]
pub struct Seen {
    /// What the line and its request say.
    pub symptom: Symptom,
    /// What they show beyond that.
    pub detail: Detail,
    /// Which log it comes from.
    pub stream: Stream,
    /// The field `arn` as logged, if it reads like an ARN.
    pub arn: Option<String>,
    /// The principal STS vouched for; not looked at where a login was simply granted.
    pub principal: Option<Principal>,
    /// Who called, from the `STS response` line.
    pub identity: Option<Identity>,
    /// When, in milliseconds since 1970.
    pub at: Option<i64>,
    /// The error or message.
    pub error: Option<LogText>,
    /// Whether it says "not mapped" in exactly a release's words.
    pub is_exact: bool,
}

impl Seen {
    /// The symptom whose causes are asked. A login granted to an empty user name is a granted line, with a cause.
    #[must_use]
    pub fn case_symptom(&self) -> Symptom {
        if self.detail == Detail::EmptyUsername {
            Symptom::EmptyUsernameAggregatedApi
        } else {
            self.symptom
        }
    }

    /// Whether there is something to explain.
    #[must_use]
    pub fn needs_explaining(&self) -> bool {
        self.symptom.kind().is_problem()
            || self.detail == Detail::EmptyUsername
            || self.symptom == Symptom::ClientKubeconfigReadable
    }

    /// The case to be judged.
    #[must_use]
    pub fn case<'a>(&'a self, cluster: &'a Cluster, facts: &'a Facts) -> Case<'a> {
        Case {
            symptom: self.case_symptom(),
            principal: self.principal.as_ref(),
            aws_internal_session: self.is_aws_internal_session(),
            detail: self.detail,
            cluster,
            facts,
        }
    }

    /// Whether the session is one of AWS' own callers.
    #[must_use]
    pub fn is_aws_internal_session(&self) -> bool {
        self.identity
            .as_ref()
            .is_some_and(Identity::is_aws_internal)
    }

    /// Whether an access entry could be offered, as far as a line alone can show (rules 1 and 3 of automatic access
    /// entries): exactly "not mapped", a role or user that is no node's, not service-linked, not AWS-internal, and in
    /// the cluster's account where that is known.
    #[must_use]
    pub fn is_grantable(&self, cluster: &Cluster) -> bool {
        let Some(principal) = self
            .principal
            .as_ref()
            .filter(|_| self.symptom == Symptom::NotMapped && self.is_exact)
        else {
            return false;
        };
        (principal.is_role() || principal.is_user())
            && !principal.is_service_linked()
            && !principal.is_named_like_a_node_role()
            && !principal.is_named_like_a_cluster_role()
            && !principal.speaks_of_infrastructure()
            && !principal.is_named_like_aws_internal()
            && !principal.is_named_like_ours()
            && !self.is_aws_internal_session()
            // A denial has the canonical ARN; an assumed role's is none of a release.
            && self.arn.as_deref() == Some(principal.to_string().as_str())
            && cluster.account.as_ref().is_none_or(|own| own == principal.account())
            && cluster.region.as_ref().is_none_or(|region| region.partition() == principal.partition())
    }

    /// A node by its session, or, where no session is known, by its role's name.
    fn is_node(&self) -> bool {
        match self
            .identity
            .as_ref()
            .filter(|identity| identity.session.is_some())
        {
            Some(identity) => identity.is_node(),
            None => self
                .principal
                .as_ref()
                .is_some_and(Principal::is_named_like_a_node_role),
        }
    }
}

/// Reads lines in the order of their streams. Holds only what joining needs, under a bound.
#[derive(Debug, Default)]
pub struct Joiner {
    /// Who was vouched for, per stream and connection: several requests share a connection.
    identities: HashMap<(u64, String), Vec<Remembered>>,
    /// Lines in `identities`.
    remembered: usize,
    watches_closed: HashMap<u64, i64>,
}

#[derive(Debug)]
struct Remembered {
    principal: Principal,
    identity: Identity,
    at: Option<i64>,
}

/// How far a line's own time may be from that of its event.
const CLOCKS_DIFFER: i64 = 15 * 60 * 1000;

/// When a line was written. Its own time is to the second what happened; that of the event is bounded by `CloudWatch` (two
/// hours ahead, fourteen days back), and counts where the two are far apart: who may write lines may write any time.
pub(crate) fn believed(own: Option<i64>, of_event: Option<i64>) -> Option<i64> {
    match (own, of_event) {
        (Some(own), Some(event)) if own.abs_diff(event) > CLOCKS_DIFFER.unsigned_abs() => {
            Some(event)
        }
        _ => own.or(of_event),
    }
}

impl Joiner {
    /// Joins a line. `stream` tells streams apart; `at` is `CloudWatch`'s time of the event, which is preferred to
    /// none in the line.
    pub fn join(&mut self, line: Line, stream: u64, at: Option<i64>) -> Seen {
        let at = believed(line.time, at);
        let arn = line.arn.filter(|arn| reads_like_an_arn(arn));
        // Of a login that was granted nothing is asked; there are thousands.
        let is_asked = line.symptom != Symptom::AccessGranted || line.detail != Detail::None;
        let principal: Option<Principal> = arn
            .as_deref()
            .filter(|_| is_asked)
            .and_then(|arn| arn.parse().ok());
        let mut seen = Seen {
            symptom: line.symptom,
            detail: line.detail,
            stream: line.stream,
            arn,
            principal,
            identity: None,
            at,
            error: line.error.map(LogText::new),
            is_exact: line.is_exact,
        };
        match seen.symptom {
            Symptom::StsIdentity => {
                let identity = Identity {
                    session: line.session.map(LogText::new),
                    unique_id: line.unique_id.map(LogText::new),
                    account: line.account.and_then(|account| account.parse().ok()),
                };
                seen.identity = Some(identity);
                self.remember(&seen, stream, line.client);
            }
            Symptom::InfoOther if seen.detail == Detail::WatchClosed => {
                self.watch_closed(&mut seen, stream);
            }
            _ => {
                if let Some(client) = line.client {
                    seen.identity = self.recall(&seen, stream, client);
                }
            }
        }
        if seen.symptom == Symptom::NotMapped && seen.is_node() {
            seen.symptom = Symptom::NotMappedNode;
        }
        seen
    }

    fn remember(&mut self, seen: &Seen, stream: u64, client: Option<String>) {
        let (Some(principal), Some(identity), Some(client)) =
            (&seen.principal, &seen.identity, client)
        else {
            return;
        };
        if self.remembered >= MAX_IDENTITIES {
            self.forget_old(seen.at);
        }
        let new = Remembered {
            principal: principal.clone(),
            identity: identity.clone(),
            at: seen.at,
        };
        let of_connection = self.identities.entry((stream, client)).or_default();
        let known = of_connection
            .iter_mut()
            .find(|known| known.principal == new.principal);
        if let Some(known) = known {
            *known = new;
        } else {
            of_connection.push(new);
            self.remembered += 1;
        }
    }

    /// Makes room: drops what is too old to be joined, and of what is not the older half.
    fn forget_old(&mut self, now: Option<i64>) {
        self.retain(|known| is_within(known.at, now, JOIN_WITHIN));
        if self.remembered >= MAX_IDENTITIES {
            let mut times: Vec<_> = self
                .identities
                .values()
                .flatten()
                .map(|known| known.at)
                .collect();
            times.sort_unstable();
            let middle = times.get(times.len() / 2).copied().flatten();
            self.retain(|known| known.at > middle);
        }
    }

    fn retain(&mut self, is_kept: impl Fn(&Remembered) -> bool) {
        self.identities.retain(|_, known| {
            known.retain(&is_kept);
            !known.is_empty()
        });
        self.remembered = self.identities.values().map(Vec::len).sum();
    }

    fn recall(&self, seen: &Seen, stream: u64, client: String) -> Option<Identity> {
        let principal = seen.principal.as_ref()?;
        let of_connection = self.identities.get(&(stream, client))?;
        let known = of_connection
            .iter()
            .find(|known| known.principal == *principal)?;
        is_within(known.at, seen.at, JOIN_WITHIN).then(|| known.identity.clone())
    }

    fn watch_closed(&mut self, seen: &mut Seen, stream: u64) {
        let now = seen.at.unwrap_or_default();
        let before = self.watches_closed.insert(stream, now);
        if before.is_some_and(|before| is_within(Some(before), Some(now), WATCH_AGAIN_WITHIN)) {
            seen.symptom = Symptom::MappingWatchLost;
        }
    }
}

fn is_within(earlier: Option<i64>, later: Option<i64>, limit: i64) -> bool {
    match (earlier, later) {
        (Some(earlier), Some(later)) => (0..=limit).contains(&later.saturating_sub(earlier)),
        // Without times, the order of the lines has to do.
        _ => true,
    }
}

/// Masked samples have accounts like `XXXXXXXXXXXX`: such a text is repeated, but it is no principal.
fn reads_like_an_arn(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_iam_or_sts = text
        .strip_prefix("arn:aws")
        .and_then(|rest| rest.get(rest.bytes().position(|b| b == b':')?..))
        .is_some_and(|rest| rest.starts_with(":iam::") || rest.starts_with(":sts::"));
    is_iam_or_sts
        && text.len() <= 2048
        && memchr::memchr_iter(b':', bytes).count() >= 5
        && bytes.iter().filter(|b| !b.is_ascii_graphic()).count() == 0
}
