//! Many lines make few notices: denials of the same cluster, subject and cause are one incident with counts.

use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{BTreeMap, HashMap, btree_map};
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use crate::catalogue::{Case, Cause, Detail, Judgement, judge};
use crate::cluster::{AuthenticationMode, Cluster, ClusterName};
use crate::delivery::{Event, Header};
use crate::denial::{Joiner, Seen};
use crate::diagnosis::{diagnose, facts_allow_a_grant};
use crate::facts::{Facts, NO_FACTS};
use crate::line::{Line, Stream, is_plainly_granted, read_delivered};
use crate::notice::{Evidence, Notice, Standing};
use crate::principal::{NotAPrincipal, Principal};
use crate::symptom::Symptom;
use crate::text::LogText;

mod counts;
mod questions;
mod settings;

pub use counts::Counts;
pub use questions::{Answers, Question};
pub use settings::Settings;

/// Denials this long after `aws-auth` broke are its doing, in milliseconds.
pub(crate) const AWS_AUTH_SHADOW: i64 = 10 * 60 * 1000;
/// The same where lines have no times.
const AWS_AUTH_SHADOW_LINES: u64 = 10_000;
/// Different principals that one incident remembers; more are only counted as "at least".
const MAX_PRINCIPALS: usize = 1000;
/// Session names that one incident remembers.
const MAX_SESSIONS: usize = 5;
/// Incidents that one digest holds, so that memory stays flat; further ones are only counted.
const MAX_INCIDENTS: usize = 4096;

/// The cause of a denial of AWS' own callers.
const AWS_INTERNAL: &str = "aws-internal-principal";
/// The cause of a denial of another account's principal.
const FOREIGN: &str = "foreign-account-principal";
/// The cause of a denial that an access entry has overtaken.
const TOO_NEW: &str = "access-entry-not-yet-effective";

/// Whom an incident is about: a closed set of values, never free text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// One principal of an account of ours.
    Principal(Principal),
    /// Every principal of every other account.
    ForeignAccounts,
    /// The line names nobody.
    Nobody,
}

impl FromStr for Subject {
    type Err = NotAPrincipal;

    /// Reads what [`Subject::slug`] wrote.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "foreign" => Ok(Self::ForeignAccounts),
            "-" => Ok(Self::Nobody),
            arn => arn.parse().map(Self::Principal),
        }
    }
}

impl Subject {
    /// The stable text in a fingerprint.
    #[must_use]
    pub fn slug(&self) -> String {
        match self {
            Self::Principal(principal) => principal.to_string(),
            Self::ForeignAccounts => "foreign".to_owned(),
            Self::Nobody => "-".to_owned(),
        }
    }
}

/// What a digest made of its lines.
#[derive(Debug)]
pub struct Outcome {
    /// The gravest first, then the most frequent.
    pub notices: Vec<Notice>,
    /// What was counted.
    pub counts: Counts,
}

/// Where a line was found.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place<'a> {
    /// The log group, if known.
    pub log_group: &'a str,
    /// The log stream, if known.
    pub log_stream: &'a str,
    /// `CloudWatch`'s id of the event, if known.
    pub event_id: &'a str,
    /// `CloudWatch`'s time of the event, in milliseconds since 1970.
    pub timestamp: Option<i64>,
}

/// A cluster that a digest met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClusterId(usize);

/// Folds lines into incidents, as they come.
#[derive(Debug, Default)]
pub struct Digest {
    settings: Settings,
    counts: Counts,
    joiner: Joiner,
    clusters: Vec<Cluster>,
    cluster_ids: HashMap<Cluster, ClusterId>,
    /// When each cluster's `aws-auth` was last said to be broken.
    broken: HashMap<ClusterId, (Moment, Key)>,
    delivery: Option<(Header, Option<ClusterId>)>,
    incidents: HashMap<Key, Incident>,
    /// What became of a case, so that the catalogue is asked once per case and not once per line.
    known: HashMap<CaseKey, Fate>,
    sequence: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    cluster: ClusterId,
    subject: Subject,
    cause: &'static str,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CaseKey {
    cluster: ClusterId,
    symptom: Symptom,
    detail: Detail,
    principal: Option<Principal>,
    is_aws_internal_session: bool,
    is_exact: bool,
}

/// What becomes of a case.
#[derive(Debug, Clone)]
enum Fate {
    /// It is part of an incident.
    Told(Key),
    /// AWS itself called: it is only counted.
    AwsInternal,
    /// There are too many incidents to tell.
    Untold,
}

#[derive(Debug, Clone)]
struct Incident {
    symptom: Symptom,
    detail: Detail,
    cause: &'static Cause,
    is_aws_internal_session: bool,
    /// Whether an access entry could be offered, as far as its first line shows.
    is_grantable: bool,
    count: u64,
    /// The principals that were refused, with how often; up to a bound.
    principals: BTreeMap<Principal, u64>,
    /// The unique id that STS gave for the last caller that could be joined.
    caller_id: Option<String>,
    sessions: Vec<LogText>,
    first: Moment,
    last: Moment,
    evidence: Evidence,
}

/// When, as well as is known: a time, and the place in the order of lines.
#[derive(Debug, Clone, Copy, Default)]
struct Moment {
    at: Option<i64>,
    sequence: u64,
}

impl Moment {
    /// Whether this came right after a fault. Times in lines are whole seconds, so the same second counts.
    fn is_right_after(self, fault: Self) -> bool {
        match (self.at, fault.at) {
            (Some(at), Some(fault)) => (0..=AWS_AUTH_SHADOW).contains(&at.saturating_sub(fault)),
            _ => self.sequence - fault.sequence <= AWS_AUTH_SHADOW_LINES,
        }
    }
}

impl Digest {
    /// An empty digest.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// Takes one event of a delivery. Only the authenticator's streams of an EKS control plane are read; the log group
    /// has other streams, whose text cluster users choose.
    pub fn event(&mut self, header: &Header, event: &Event<'_>) {
        let Some(cluster) = self.delivery_cluster(header) else {
            self.counts.lines += 1;
            self.counts.ignored += 1;
            return;
        };
        if !event.is_cut && is_plainly_granted(event.message.as_bytes()) {
            return self.granted();
        }
        let place = Place {
            log_group: &header.log_group,
            log_stream: &header.log_stream,
            event_id: event.id,
            timestamp: event.timestamp,
        };
        let line = if event.is_cut {
            Line::truncated()
        } else {
            read_delivered(event.message)
        };
        self.line(line, cluster, place);
    }

    /// Counts a login that was plainly granted.
    pub fn granted(&mut self) {
        self.counts.lines += 1;
        *self
            .counts
            .by_symptom
            .entry(Symptom::AccessGranted)
            .or_default() += 1;
    }

    /// The cluster a delivery is about; `None` for one that is not ours to read.
    fn delivery_cluster(&mut self, header: &Header) -> Option<ClusterId> {
        if let Some((known, cluster)) = &self.delivery
            && known == header
        {
            return *cluster;
        }
        let is_ours = ClusterName::from_log_group(&header.log_group).is_some()
            && Stream::from_log_stream(&header.log_stream) == Stream::Authenticator;
        let cluster = is_ours.then(|| {
            let cluster = self.settings.cluster_of(&header.log_group, &header.owner);
            self.cluster_id(cluster)
        });
        self.delivery = Some((header.clone(), cluster));
        cluster
    }

    /// The id under which a digest knows a cluster.
    pub fn cluster_id(&mut self, cluster: Cluster) -> ClusterId {
        let next = ClusterId(self.clusters.len());
        match self.cluster_ids.entry(cluster) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(slot) => {
                self.clusters.push(slot.key().clone());
                *slot.insert(next)
            }
        }
    }

    /// The cluster with this id.
    #[must_use]
    pub fn cluster(&self, id: ClusterId) -> Cluster {
        self.clusters.get(id.0).cloned().unwrap_or_default()
    }

    /// Takes one line that was read, and gives it back joined with its request.
    pub fn line(&mut self, line: Line, cluster: ClusterId, place: Place<'_>) -> Seen {
        self.counts.lines += 1;
        self.sequence += 1;
        let needs_join = line.client.is_some() || line.detail != Detail::None;
        let stream = if needs_join { hash(&place) } else { 0 };
        let seen = self.joiner.join(line, stream, place.timestamp);
        *self.counts.by_symptom.entry(seen.symptom).or_default() += 1;
        if seen.needs_explaining() {
            self.fold(&seen, cluster, place);
        }
        seen
    }

    /// The cluster as a line is judged by: a principal of any account of ours counts as the cluster's own.
    #[must_use]
    pub fn judged_cluster(&self, seen: &Seen, cluster: ClusterId) -> Cluster {
        self.settings
            .judged_cluster(&self.cluster(cluster), seen.principal.as_ref())
    }

    /// What was counted so far.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn fold(&mut self, seen: &Seen, cluster: ClusterId, place: Place<'_>) {
        let case = CaseKey {
            cluster,
            symptom: seen.case_symptom(),
            detail: seen.detail,
            principal: seen.principal.clone(),
            is_aws_internal_session: seen.is_aws_internal_session(),
            is_exact: seen.is_exact,
        };
        let moment = Moment {
            at: seen.at,
            sequence: self.sequence,
        };
        let fate = match self.known.get(&case) {
            Some(fate) => fate.clone(),
            None => self.decide(case, seen, place, moment),
        };
        let key = match fate {
            Fate::Told(key) => key,
            Fate::AwsInternal => return self.counts.aws_internal += 1,
            Fate::Untold => return self.counts.untold += 1,
        };
        if seen.symptom == Symptom::AwsAuthMalformed {
            self.broken.insert(cluster, (moment, key.clone()));
        }
        let key = self.in_shadow(seen, &key, moment).unwrap_or(key);
        if let Some(incident) = self.incidents.get_mut(&key) {
            incident.add(seen, moment);
        }
    }

    /// The incident of the broken `aws-auth` that this denial came right after. A principal of another account was in no
    /// mapping to lose, and a cluster in mode `API` has none.
    fn in_shadow(&self, seen: &Seen, key: &Key, moment: Moment) -> Option<Key> {
        let can_be = matches!(seen.symptom, Symptom::NotMapped | Symptom::NotMappedNode)
            && key.subject != Subject::ForeignAccounts
            && self.clusters.get(key.cluster.0)?.mode != Some(AuthenticationMode::Api);
        let (broken, fault) = self.broken.get(&key.cluster).filter(|_| can_be)?;
        moment.is_right_after(*broken).then(|| fault.clone())
    }

    /// Asks the catalogue once for a new case; opens its incident, if it is to have one.
    fn decide(&mut self, case: CaseKey, seen: &Seen, place: Place<'_>, moment: Moment) -> Fate {
        let diagnosis = diagnose(seen, &self.judged_cluster(seen, case.cluster), &NO_FACTS);
        let fate = match diagnosis.cause {
            Some(cause) if cause.id == AWS_INTERNAL => Fate::AwsInternal,
            Some(cause) => {
                let key = Key {
                    cluster: case.cluster,
                    subject: subject(seen, cause),
                    cause: cause.id,
                };
                // Faults and buckets are few; only principals can be many.
                let is_bounded = !matches!(key.subject, Subject::Principal(_));
                let has_room = is_bounded || self.incidents.len() < MAX_INCIDENTS;
                match self.incidents.entry(key.clone()) {
                    Entry::Occupied(_) => Fate::Told(key),
                    Entry::Vacant(slot) if has_room => {
                        let is_grantable = diagnosis.is_grantable;
                        slot.insert(Incident::new(seen, is_grantable, cause, place, moment));
                        Fate::Told(key)
                    }
                    Entry::Vacant(_) => Fate::Untold,
                }
            }
            None => Fate::Untold,
        };
        if self.known.len() < MAX_INCIDENTS {
            self.known.insert(case, fate.clone());
        }
        fate
    }

    /// Ends the digest without facts: every incident becomes a notice.
    #[must_use]
    pub fn finish(self) -> Outcome {
        self.finish_with(&Answers::new())
    }

    /// Ends the digest: every incident is judged once more, by what was answered to [`Digest::questions`], and becomes a
    /// notice. A denial that an access entry has overtaken is counted, and is none unless the settings want it told.
    #[must_use]
    pub fn finish_with(mut self, answers: &Answers) -> Outcome {
        let incidents = self.settle(answers);
        let mut told: BTreeMap<Key, Notice> = BTreeMap::new();
        for (key, incident) in incidents {
            let (key, notice) = self.judged(key, incident, answers);
            if notice.cause.id == TOO_NEW && !self.settings.tells_overtaken {
                self.counts.overtaken += notice.count;
                continue;
            }
            match told.entry(key) {
                btree_map::Entry::Vacant(slot) => {
                    slot.insert(notice);
                }
                btree_map::Entry::Occupied(mut slot) => slot.get_mut().merge(notice),
            }
        }
        let mut notices: Vec<Notice> = told.into_values().collect();
        notices.sort_by_key(|notice| std::cmp::Reverse((notice.severity, notice.count)));
        Outcome {
            notices,
            counts: self.counts,
        }
    }

    /// The incidents that are to be told, in a stable order.
    fn settle(&mut self, answers: &Answers) -> Vec<(Key, Incident)> {
        let mut incidents: Vec<(Key, Incident)> =
            std::mem::take(&mut self.incidents).into_iter().collect();
        incidents.retain(|(_, incident)| incident.is_told());
        let strangers = incidents
            .iter_mut()
            .flat_map(|(key, incident)| {
                let cluster = self.clusters.get(key.cluster.0).cloned();
                incident.acquaintances(key, &cluster.unwrap_or_default(), answers)
            })
            .collect::<Vec<_>>();
        incidents.extend(strangers);
        incidents.retain(|(_, incident)| incident.count > 0);
        incidents.sort_by(|(one, _), (other, _)| one.cmp(other));
        incidents
    }

    /// An incident with its cause as the facts have it.
    fn judged(&self, key: Key, incident: Incident, answers: &Answers) -> (Key, Notice) {
        let cluster = self.cluster(key.cluster);
        let question = incident.question(&key, &cluster);
        let learned = answers.get(&question).map(|facts| {
            Box::new(Facts {
                caller_id: incident.caller_id.clone(),
                last_denied: incident.last.at,
                ..facts.clone()
            })
        });
        let known = learned.as_deref().unwrap_or(&NO_FACTS);
        let cluster = known.cluster_as_known(&cluster);
        let notice = incident.into_notice(cluster, key.subject, learned, &self.settings);
        let key = Key {
            cluster: key.cluster,
            subject: notice.subject.clone(),
            cause: notice.cause.id,
        };
        (key, notice)
    }
}

fn subject(seen: &Seen, cause: &Cause) -> Subject {
    match &seen.principal {
        Some(_) if cause.id == FOREIGN => Subject::ForeignAccounts,
        Some(principal) => Subject::Principal(principal.clone()),
        None => Subject::Nobody,
    }
}

impl Incident {
    fn new(
        seen: &Seen,
        is_grantable: bool,
        cause: &'static Cause,
        place: Place<'_>,
        moment: Moment,
    ) -> Self {
        Self {
            symptom: seen.case_symptom(),
            detail: seen.detail,
            cause,
            is_aws_internal_session: seen.is_aws_internal_session(),
            is_grantable,
            count: 0,
            principals: BTreeMap::new(),
            caller_id: None,
            sessions: Vec::new(),
            first: moment,
            last: moment,
            evidence: Evidence {
                log_group: place.log_group.to_owned(),
                log_stream: place.log_stream.to_owned(),
                event_id: place.event_id.to_owned(),
                timestamp: seen.at,
                text: seen.error.clone(),
            },
        }
    }

    fn add(&mut self, seen: &Seen, moment: Moment) {
        self.count += 1;
        self.first.at = self.first.at.into_iter().chain(moment.at).min();
        self.last.at = self.last.at.into_iter().chain(moment.at).max();
        self.last.sequence = moment.sequence;
        if let Some(principal) = &seen.principal {
            if let Some(count) = self.principals.get_mut(principal) {
                *count += 1;
            } else if self.principals.len() < MAX_PRINCIPALS {
                self.principals.insert(principal.clone(), 1);
            }
        }
        let identity = seen.identity.as_ref();
        if let Some(id) = identity.and_then(|identity| identity.bare_id()) {
            self.caller_id = Some(id.to_owned());
        }
        let session = identity.and_then(|identity| identity.telling_session());
        if let Some(session) = session.filter(|session| !self.sessions.contains(session))
            && self.sessions.len() < MAX_SESSIONS
        {
            self.sessions.push(session.clone());
        }
    }

    /// Whether there is something to tell: something that was not all said in the shadow of a broken `aws-auth`, and not
    /// one lost watch, which is routine; the authenticator takes it up again by itself.
    fn is_told(&self) -> bool {
        let least = u64::from(self.symptom == Symptom::MappingWatchLost) + 1;
        self.count >= least
    }

    fn into_notice(
        self,
        cluster: Cluster,
        subject: Subject,
        learned: Option<Box<Facts>>,
        settings: &Settings,
    ) -> Notice {
        let is_strangers = subject == Subject::ForeignAccounts;
        let principal = match &subject {
            Subject::Principal(principal) => Some(principal),
            // They share their cause: each is judged as the first.
            Subject::ForeignAccounts => self.principals.keys().next(),
            Subject::Nobody => None,
        };
        let judged = settings.judged_cluster(&cluster, principal);
        let case = Case {
            symptom: self.symptom,
            principal,
            aws_internal_session: self.is_aws_internal_session,
            detail: self.detail,
            cluster: &judged,
            facts: learned.as_deref().unwrap_or(&NO_FACTS),
        };
        let Judgement { cause, perhaps } = judge(&case);
        let cause = cause.filter(|_| !is_strangers).unwrap_or(self.cause);
        let is_grantable = self.is_grantable && facts_allow_a_grant(&case, cause);
        Notice {
            severity: cause.severity,
            cause,
            perhaps,
            is_grantable,
            cluster,
            subject,
            symptom: self.symptom,
            detail: self.detail,
            count: self.count,
            principals: self.principals.into_keys().collect(),
            sessions: self.sessions,
            first_seen: self.first.at,
            last_seen: self.last.at,
            evidence: self.evidence,
            learned,
            standing: Standing::First,
        }
    }
}

fn hash(place: &Place<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (place.log_group, place.log_stream).hash(&mut hasher);
    hasher.finish()
}
