//! Every step in the life of a request. Each checks whether it may be, changes the request, and gives the record of it.
//!
//! ```text
//! pending ─► granting ─► active ─► revoking ─► revoked
//!    │           └──► failed, or cleanup ─► failed        any of them ─► drifted
//!    └──► denied, expired
//! ```

use std::fmt;

use super::order::{Approval, Instruction, Order, SealKey};
use super::{Action, Actor, Kind, News, Nonce, Post, Random, Record, Request, State};
use crate::policy::{Approver, BreakGlass, Guardrails, Refused, Terms};
use crate::principal::Principal;
use crate::timestamp::{self, DAY, HOUR, MINUTE};

/// After so long a granter that has begun is not at work any more, in milliseconds: its event is five minutes old at most
/// when Lambda gives it out last, and it runs for a minute.
pub const GRANT_PATIENCE: i64 = 8 * MINUTE;
/// The actor that grants.
const GRANTER: &str = "granter";
/// A granter runs no longer, in milliseconds: its time-out, and some seconds for clocks that differ.
const GRANTER_RUNS: i64 = 65 * 1000;
/// An approval that is older when the granter hears of it is stale, in milliseconds.
pub const STALE: i64 = 6 * MINUTE;
/// What is to go is tried to be taken away with every tick, however long it takes: less than the minute between them.
const REVOKE_PAUSE: i64 = 30 * 1000;
/// After so long somebody else may tell people the news, in milliseconds.
const NEWS_LEASE: i64 = 45 * 1000;
/// How long before its end people are told that a grant ends, in milliseconds; of a short one, a quarter of its time.
const WARNING: i64 = 15 * MINUTE;
/// A shorter grant is not warned of, in milliseconds.
const TOO_SHORT_TO_WARN: i64 = 5 * MINUTE;
/// How often it is tried to tell people something; pauses grow to half an hour, so that it is about a day.
const MOST_ATTEMPTS: u32 = 50;
/// Nonces of a message whose change was tried in vain.
const MOST_NONCES: usize = 8;
/// Characters of a reason.
pub const REASON: std::ops::RangeInclusive<usize> = 3..=500;

/// Why somebody's decision is not taken, for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum No {
    /// The guardrails say so.
    Refused(Refused),
    /// It was decided already: how.
    AlreadyDecided(String),
    /// It waited too long.
    Expired,
    /// Other terms were asked for, or another approver said yes to them: those.
    OtherTerms(String),
    /// It is not what they saw any more.
    NotWhatWasSeen,
    /// They said yes already, and more must.
    AlreadyApproved(usize),
    /// There is no reason, or one that is too long.
    Reason,
    /// There is no grant that could be ended or given more time.
    NotActive,
    /// Neither an approver nor whose grant it is.
    NotTheirs,
    /// There is nothing to review.
    NothingToReview,
}

impl No {
    /// Its stable name.
    #[must_use]
    pub fn slug(&self) -> &'static str {
        match self {
            Self::Refused(Refused::NotAnApprover | Refused::WrongDoor(_)) | Self::NotTheirs => {
                "not-an-approver"
            }
            Self::Refused(Refused::OwnRequest) => "own-request",
            Self::Refused(_) => "denied-by-guardrails",
            Self::AlreadyDecided(_)
            | Self::AlreadyApproved(_)
            | Self::OtherTerms(_)
            | Self::NotWhatWasSeen => "already-decided",
            Self::Expired => "expired",
            Self::Reason => "bad-request",
            Self::NotActive | Self::NothingToReview => "not-active",
        }
    }
}

impl fmt::Display for No {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::AlreadyDecided(how) => write!(f, "nothing is left to decide: {how}"),
            Self::Expired => f.write_str(
                "the request waited too long and has expired; to be refused again makes a new one, and more time can be asked for \
                 again",
            ),
            Self::OtherTerms(terms) => write!(
                f,
                "other terms were asked for, or agreed on by another approver: {terms}; say yes to the same, or deny the request"
            ),
            Self::NotWhatWasSeen => f.write_str(
                "the request is not what you saw any more, and somebody may have said yes to it meanwhile; look at it again",
            ),
            Self::AlreadyApproved(1) => f.write_str("you said yes already; one more approver must"),
            Self::AlreadyApproved(more) => write!(f, "you said yes already; {more} more approvers must"),
            Self::Reason => write!(
                f,
                "give a reason of {} to {} characters; it is kept in the audit",
                REASON.start(),
                REASON.end()
            ),
            Self::NotActive => f.write_str("there is no active grant; `eks-access grants` lists those there are"),
            Self::NotTheirs => f.write_str("only whose grant it is and those who may approve it can do that"),
            Self::NothingToReview => f.write_str("there is nothing to review about this"),
        }
    }
}

impl std::error::Error for No {}

impl From<Refused> for No {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// What a yes came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Yes {
    /// It was enough: the granter is to be told this.
    Enough(Box<Instruction>),
    /// So many more must say yes.
    More(usize),
}

/// What the granter is to do when it hears of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Begin: the request is changed, and is to be stored together with the lock.
    Begin(Box<Record>),
    /// Go on: it began before.
    Resume,
    /// Nothing: it was done before.
    Done,
}

/// Why the granter does not do what it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The request is not one that can be granted: in which state it is.
    State(State),
    /// The row does not say what was approved.
    Differs,
    /// The approval is too old.
    Stale,
    /// The guardrails refuse it.
    Refused(Refused),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(state) => write!(f, "the request is {}", state.slug()),
            Self::Differs => {
                f.write_str("the request in the table is not the one that was approved")
            }
            Self::Stale => f.write_str("the approval is too old"),
            Self::Refused(refused) => write!(f, "the guardrails refuse it: {refused}"),
        }
    }
}

/// What became of telling people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// So much of the news SNS knows, from the oldest.
    pub published: usize,
    /// So much Slack does.
    pub posted: usize,
    /// So many records of the audit SNS has.
    pub audits: usize,
    /// Where the message stands by now.
    pub post: Option<Post>,
}

/// What the revoker is to do about a request now, besides telling news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing yet.
    Wait,
    /// Note that nobody answered.
    Expire,
    /// Remind people that it waits.
    Remind,
    /// Tell people that it ends soon.
    Warn,
    /// Take the entry away: its time is over.
    End,
    /// Take away what may be left of trying to grant.
    Clean,
    /// Remind people to review a break-glass.
    RemindOfReview,
}

impl Request {
    /// Notes that somebody was refused and may be let in.
    pub fn requested(&mut self, now: i64) -> Record {
        self.step(Some(News::Requested), now);
        Record::new(
            Action::Requested,
            self,
            Actor::product("responder"),
            "a denial",
            now,
        )
    }

    /// Somebody says yes to these terms.
    ///
    /// # Errors
    /// When theirs does not count, or comes too late.
    pub fn approve(
        &mut self,
        guardrails: &Guardrails,
        key: &SealKey,
        by: &Approver,
        (terms, reason): (&Terms, &str),
        now: i64,
    ) -> Result<(Yes, Option<Record>), No> {
        let reason = checked(reason)?;
        self.still_open(now)?;
        if self.kind == Kind::BreakGlass {
            return Err(No::AlreadyDecided(
                "nobody is asked about a break-glass; it is reviewed afterwards".to_owned(),
            ));
        }
        guardrails.counts(&self.ask(), terms, by)?;
        self.not_by_whoever_asked(guardrails, by)?;
        self.keep_what_counts(guardrails, key);
        if let Some(agreed) = self.terms.as_ref().filter(|agreed| *agreed != terms) {
            return Err(No::OtherTerms(agreed.words()));
        }
        let order = Order::of(self, terms);
        let before: Vec<Approver> = self
            .approvals
            .iter()
            .map(|approval| approval.by.clone())
            .collect();
        let was_enough = guardrails.decide(&self.ask(), terms, &before).is_ok();
        let is_again = before.iter().any(|other| other.identity() == by.identity());
        if !was_enough && is_again {
            return Err(No::AlreadyApproved(self.missing(guardrails, terms)));
        }
        let latest = self.approvals.iter().map(|approval| approval.at).max();
        let is_fresh = latest.is_some_and(|at| now.saturating_sub(at) < MINUTE);
        if was_enough && is_fresh {
            // The granter was told, or somebody died before telling it. To tell it twice does no harm.
            let instruction = Instruction::new(order, self.approvals.clone());
            return Ok((Yes::Enough(Box::new(instruction)), None));
        }
        // It was not told, as it seems: a new yes, for an old one goes stale.
        self.approvals
            .retain(|approval| approval.by.identity() != by.identity());
        self.approvals
            .push(Approval::sealed(key, &order, by.clone(), now, &reason));
        self.terms = Some(terms.clone());
        let missing = self.missing(guardrails, terms);
        let news = (missing > 0).then_some(News::Approved);
        self.needed = self.approvals.len() + missing;
        self.step(news, now);
        let record = Record::new(
            Action::Approved,
            self,
            Actor::Approver(by.clone()),
            &reason,
            now,
        );
        let yes = if missing == 0 {
            Yes::Enough(Box::new(Instruction::new(order, self.approvals.clone())))
        } else {
            Yes::More(missing)
        };
        Ok((yes, Some(record)))
    }

    /// Approvals that somebody wrote into the table are none, and neither are those of people who may not approve any more.
    /// Without any, terms that nobody asked for are not agreed on.
    fn keep_what_counts(&mut self, guardrails: &Guardrails, key: &SealKey) {
        let Some(terms) = self.terms.clone() else {
            self.approvals.clear();
            return;
        };
        let order = Order::of(self, &terms);
        let counts = |approval: &Approval| {
            approval.is_sealed(key, &order)
                && guardrails
                    .counts(&order.ask(), &terms, &approval.by)
                    .is_ok()
        };
        self.approvals.retain(counts);
        if self.approvals.is_empty() && self.kind != Kind::Extension {
            self.terms = None;
        }
    }

    fn missing(&self, guardrails: &Guardrails, terms: &Terms) -> usize {
        let approvers: Vec<Approver> = self
            .approvals
            .iter()
            .map(|approval| approval.by.clone())
            .collect();
        match guardrails.decide(&self.ask(), terms, &approvers) {
            Err(Refused::NeedsMore(more)) => more,
            Ok(_) => 0,
            Err(_) => 1,
        }
    }

    fn still_open(&self, now: i64) -> Result<(), No> {
        match self.state {
            State::Pending if now < self.expires => Ok(()),
            State::Pending | State::Expired => Err(No::Expired),
            _ => Err(No::AlreadyDecided(self.standing())),
        }
    }

    fn not_by_whoever_asked(&self, guardrails: &Guardrails, by: &Approver) -> Result<(), No> {
        let is_same = self
            .requested_by
            .as_ref()
            .is_some_and(|asker| !guardrails.are_different_people(asker, by));
        if is_same || guardrails.is_own(&self.ask(), by) {
            return Err(Refused::OwnRequest.into());
        }
        Ok(())
    }

    /// Where it stands, in words.
    #[must_use]
    pub fn standing(&self) -> String {
        let until = self.ends.map(timestamp::rfc3339).unwrap_or_default();
        let who = self
            .approvals
            .iter()
            .map(|approval| approval.by.to_string())
            .collect::<Vec<_>>()
            .join(", ");
        match self.state {
            State::Pending => "it waits for an answer".to_owned(),
            State::Granting => format!("{who} said yes, and it is being granted"),
            State::Active => format!("{who} said yes, and it is granted until {until}"),
            State::Revoking => "its time is over, and it is being taken away".to_owned(),
            _ => self
                .outcome
                .clone()
                .unwrap_or_else(|| format!("it is {}", self.state.slug())),
        }
    }

    /// Somebody says no. One is enough.
    ///
    /// # Errors
    /// When theirs does not count, or comes too late.
    pub fn deny(
        &mut self,
        guardrails: &Guardrails,
        by: &Approver,
        reason: &str,
        now: i64,
    ) -> Result<Record, No> {
        let reason = checked(reason)?;
        self.still_open(now)?;
        // To give up what one asked for oneself does no harm.
        let is_theirs = self.is_asked_by(by) || guardrails.is_own(&self.ask(), by);
        if !is_theirs {
            guardrails.may_decide(&self.ask(), by)?;
        }
        self.state = State::Denied;
        self.outcome = Some(format!("{by} said no: {reason}"));
        self.step(Some(News::Denied), now);
        Ok(Record::new(
            Action::Denied,
            self,
            Actor::Approver(by.clone()),
            &reason,
            now,
        ))
    }

    /// Nobody answered in time.
    pub fn expire(&mut self, now: i64) -> Record {
        self.state = State::Expired;
        self.review_by = None;
        self.outcome = Some(if self.approvals.is_empty() {
            "nobody answered in time".to_owned()
        } else {
            "it was not granted in time".to_owned()
        });
        self.step(Some(News::Expired), now);
        Record::new(
            Action::Expired,
            self,
            Actor::product("revoker"),
            "nobody answered in time",
            now,
        )
    }

    /// A request for more time for this grant, which remembers it.
    ///
    /// # Errors
    /// When there is no grant, or who asks has nothing to do with it.
    pub fn extension(
        &mut self,
        guardrails: &Guardrails,
        by: &Approver,
        (seconds, reason): (u64, &str),
        random: Random,
        now: i64,
    ) -> Result<(Self, Record), No> {
        let reason = checked(reason)?;
        let terms = self
            .terms
            .as_ref()
            .filter(|_| self.state == State::Active && self.is_before_its_end(now));
        let terms = terms.ok_or(No::NotActive)?;
        self.theirs(guardrails, by)?;
        let terms = Terms {
            seconds,
            ..terms.clone()
        };
        guardrails.permits(&self.ask(), &terms)?;
        let mut request = Self {
            unique_id: self.unique_id.clone(),
            cause: self.cause.clone(),
            incident: self.incident.clone(),
            session: self.session.clone(),
            hints: self.hints.clone(),
            evidence: self.evidence.clone(),
            nonce: Some(random.nonce().hash()),
            requested_by: Some(by.clone()),
            reason: Some(reason.clone()),
            extends: Some(self.id.clone()),
            // A yes after the grant's end would come to nothing.
            expires: self.ends.unwrap_or(now),
            needed: self.needed,
            terms: Some(terms),
            post: None,
            ..Self::new(
                random.id(),
                Kind::Extension,
                &self.place(),
                self.principal.clone(),
                now,
            )
        };
        if let Some(post) = &self.post {
            request = request.posted_in(
                Some(post.channel.clone()),
                post.thread.clone().or(post.ts.clone()),
            );
        }
        request.step(Some(News::Requested), now);
        self.extension = Some(request.id.clone());
        self.step(None, now);
        let record = Record::new(
            Action::ExtensionRequested,
            &request,
            Actor::Approver(by.clone()),
            &reason,
            now,
        );
        Ok((request, record))
    }

    /// Whether more time, and nothing else, is ordered for this grant.
    fn is_extended_by(&self, order: &Order) -> bool {
        let wanted = self.terms.as_ref().map(|terms| Terms {
            seconds: order.terms.seconds,
            ..terms.clone()
        });
        order.extends.as_ref() == Some(&self.id)
            && wanted.as_ref() == Some(&order.terms)
            && (
                &order.cluster,
                &order.account,
                &order.region,
                &order.principal,
            ) == (&self.cluster, &self.account, &self.region, &self.principal)
    }

    fn is_before_its_end(&self, now: i64) -> bool {
        self.ends.is_some_and(|ends| now < ends)
    }

    fn is_asked_by(&self, by: &Approver) -> bool {
        let asker = self.requested_by.as_ref();
        asker.is_some_and(|asker| asker.identity() == by.identity())
    }

    /// Whether somebody may end the grant or ask for more time: those who may approve it, and those whose it is.
    fn theirs(&self, guardrails: &Guardrails, by: &Approver) -> Result<(), No> {
        if self.is_asked_by(by) || guardrails.is_own(&self.ask(), by) {
            return Ok(());
        }
        guardrails
            .may_decide(&self.ask(), by)
            .map_err(|_| No::NotTheirs)
    }

    /// A request that nobody has to say yes to.
    ///
    /// # Errors
    /// When the guardrails do not let this caller break the glass for this.
    pub fn break_glass(
        guardrails: &Guardrails,
        key: &SealKey,
        by: &Approver,
        (request, terms, reason): (Self, &Terms, &str),
        now: i64,
    ) -> Result<(Self, Instruction, Record), No> {
        let reason = checked(reason)?;
        let mut request = request;
        let BreakGlass { review_within, .. } =
            guardrails.may_break_glass(&request.ask(), terms, by)?;
        let within = i64::try_from(*review_within)
            .unwrap_or(i64::MAX)
            .saturating_mul(1000);
        request.kind = Kind::BreakGlass;
        request.terms = Some(terms.clone());
        request.requested_by = Some(by.clone());
        request.reason = Some(reason.clone());
        request.expires = now.saturating_add(STALE);
        request.review_by = Some(now.saturating_add(within));
        let order = Order::of(&request, terms);
        request.approvals = vec![Approval::sealed(key, &order, by.clone(), now, &reason)];
        request.step(Some(News::BreakGlass), now);
        let record = Record::new(
            Action::Requested,
            &request,
            Actor::Approver(by.clone()),
            &reason,
            now,
        );
        let instruction = Instruction::new(order, request.approvals.clone());
        Ok((request, instruction, record))
    }

    /// Somebody other than who broke the glass looked at it.
    ///
    /// # Errors
    /// When there is nothing to review, or it was them, or they may not approve such things.
    pub fn review(
        &mut self,
        guardrails: &Guardrails,
        by: &Approver,
        reason: &str,
        now: i64,
    ) -> Result<Record, No> {
        let reason = checked(reason)?;
        if self.kind != Kind::BreakGlass || self.review_by.is_none() {
            return Err(No::NothingToReview);
        }
        self.not_by_whoever_asked(guardrails, by)?;
        let may = guardrails.may_decide(&self.ask(), by).is_ok()
            || guardrails
                .break_glass()
                .is_some_and(|glass| glass.callers.have(by));
        if !may {
            return Err(Refused::NotAnApprover.into());
        }
        self.review_by = None;
        self.step(Some(News::Reviewed), now);
        Ok(Record::new(
            Action::Reviewed,
            self,
            Actor::Approver(by.clone()),
            &reason,
            now,
        ))
    }

    /// The granter heard of an instruction whose seals are good.
    ///
    /// # Errors
    /// When it is not to be done.
    pub fn begin(
        &mut self,
        guardrails: &Guardrails,
        instruction: &Instruction,
        invocation: &str,
        now: i64,
    ) -> Result<Begun, Stop> {
        let order = &instruction.order;
        let rule = self.accepts(guardrails, instruction)?;
        match self.state {
            State::Pending => self.is_fresh(instruction, now)?,
            State::Granting if self.granter.as_deref() == Some(invocation) => {
                return Ok(Begun::Resume);
            }
            // Somebody else is at it, or was; what they leave behind is the revoker's.
            State::Granting | State::Active => return Ok(Begun::Done),
            state => return Err(Stop::State(state)),
        }
        let time = i64::try_from(order.terms.seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(1000);
        self.state = State::Granting;
        self.terms = Some(order.terms.clone());
        self.approvals.clone_from(&instruction.approvals);
        self.rule = Some(rule);
        self.granter = Some(invocation.to_owned());
        self.starts = Some(now);
        self.ends = Some(now.saturating_add(time));
        self.attempts = 0;
        self.reminders = 0;
        self.step(None, now);
        let record = Record::new(
            Action::Granting,
            self,
            Actor::product("granter"),
            "approved",
            now,
        );
        Ok(Begun::Begin(Box::new(record)))
    }

    /// The rule by which an instruction may be done, if it is about this request as it is in the table.
    ///
    /// # Errors
    /// When it is not.
    pub fn accepts(
        &self,
        guardrails: &Guardrails,
        instruction: &Instruction,
    ) -> Result<String, Stop> {
        if Order::of(self, &instruction.order.terms) != instruction.order {
            return Err(Stop::Differs);
        }
        allowed(guardrails, instruction)
    }

    /// Whether it was decided in time, and lately.
    ///
    /// # Errors
    /// When not.
    pub fn is_fresh(&self, instruction: &Instruction, now: i64) -> Result<(), Stop> {
        let decided = instruction.decided_at();
        let is_late = decided > self.expires || now.saturating_sub(decided) > STALE;
        if is_late { Err(Stop::Stale) } else { Ok(()) }
    }

    /// There is an access entry, as approved.
    pub fn granted(&mut self, note: &str, now: i64) -> Record {
        self.state = State::Active;
        self.outcome = None;
        self.step(Some(News::Granted), now);
        Record::new(
            Action::Granted,
            self,
            Actor::product("granter"),
            "approved",
            now,
        )
        .with_result(note)
    }

    /// It could not be granted. `is_left` where something may be there that is to go.
    pub fn fail(&mut self, why: &str, is_left: bool, function: &str, now: i64) -> Record {
        self.outcome = Some(why.to_owned());
        self.attempts = 0;
        self.retry_at = is_left.then_some(now);
        if function == GRANTER {
            // It is not at it any more.
            self.granter = None;
        }
        if is_left {
            self.state = State::Cleanup;
        } else {
            self.state = State::Failed;
            // There was nothing that anybody could review.
            self.review_by = None;
        }
        self.step((!is_left).then_some(News::Failed), now);
        Record::new(
            Action::Failed,
            self,
            Actor::product(function),
            "approved",
            now,
        )
        .with_result(why)
    }

    /// The grant has more time by this extension, which is done with.
    ///
    /// # Errors
    /// When the grant is over.
    pub fn extend(
        &mut self,
        extension: &mut Self,
        instruction: &Instruction,
        now: i64,
    ) -> Result<Record, Stop> {
        if self.state != State::Active || !self.is_before_its_end(now) {
            return Err(Stop::State(self.state));
        }
        if !self.is_extended_by(&instruction.order) {
            return Err(Stop::Differs);
        }
        let time = i64::try_from(instruction.order.terms.seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(1000);
        let ends = self.ends.unwrap_or(now).max(now.saturating_add(time));
        self.ends = Some(ends);
        self.reminders = 0;
        self.step(Some(News::Extended), now);
        extension.state = State::Done;
        extension.ends = Some(ends);
        extension.outcome = Some(format!(
            "the grant {} has time until {}",
            self.id,
            timestamp::rfc3339(ends)
        ));
        extension.step(Some(News::Extended), now);
        let who: Vec<String> = instruction
            .approvals
            .iter()
            .map(|approval| approval.by.to_string())
            .collect();
        let why = format!("request {}, approved by {}", extension.id, who.join(", "));
        Ok(Record::new(
            Action::Extended,
            self,
            Actor::product("granter"),
            &why,
            now,
        ))
    }

    /// Somebody ends the grant early.
    ///
    /// # Errors
    /// When there is none, or they may not.
    pub fn end(
        &mut self,
        guardrails: &Guardrails,
        by: &Approver,
        reason: &str,
        now: i64,
    ) -> Result<Record, No> {
        let reason = checked(reason)?;
        if self.state != State::Active {
            return Err(No::NotActive);
        }
        self.theirs(guardrails, by)?;
        let actor = Actor::Approver(by.clone());
        self.ended_by = Some((actor.clone(), reason.clone()));
        self.ends = Some(self.ends.unwrap_or(now).min(now));
        self.step(Some(News::EndRequested), now);
        Ok(Record::new(Action::EndRequested, self, actor, &reason, now))
    }

    /// The revoker takes the entry away.
    pub fn revoking(&mut self, now: i64) {
        if self.state == State::Active {
            self.state = State::Revoking;
            self.attempts = 0;
            self.step(None, now);
        }
    }

    /// The entry is gone, or never was. `how` in words, such as that somebody else removed it.
    pub fn gone(&mut self, how: &str, now: i64) -> Record {
        let (state, news, action) = if self.state == State::Cleanup {
            (State::Failed, News::Failed, Action::Failed)
        } else {
            (State::Revoked, News::Revoked, Action::Revoked)
        };
        let why = match (&self.ended_by, state) {
            (_, State::Failed) => self.outcome.clone().unwrap_or_default(),
            (Some((actor, reason)), _) => format!("{} ended it: {reason}", actor.words()),
            (None, _) => "its time was over".to_owned(),
        };
        self.state = state;
        self.outcome = Some(match how {
            "" => why.clone(),
            how => format!("{why}; {how}"),
        });
        self.retry_at = None;
        self.step(Some(news), now);
        Record::new(action, self, Actor::product("revoker"), &why, now)
            .with_result(if how.is_empty() { "ok" } else { how })
    }

    /// The entry should be gone, and could not be taken away. There is a record of the first time, and whenever people are
    /// told.
    pub fn not_gone(&mut self, why: &str, now: i64) -> Option<Record> {
        self.attempts = self.attempts.saturating_add(1);
        self.retry_at = Some(now.saturating_add(REVOKE_PAUSE));
        let is_told = is_told(self.attempts);
        self.step(is_told.then_some(News::RevokeFailed), now);
        (is_told || self.attempts == 1).then(|| {
            Record::new(
                Action::RevokeFailed,
                self,
                Actor::product("revoker"),
                "its time was over",
                now,
            )
            .with_result(why)
        })
    }

    /// The entry is not ours any more: it is left alone.
    pub fn drifted(&mut self, how: &str, now: i64) -> Record {
        self.state = State::Drifted;
        self.outcome = Some(how.to_owned());
        self.retry_at = None;
        self.step(Some(News::Drift), now);
        self.compared(how, now)
    }

    /// The entry is ours, and its tags end it; the row said otherwise, or nothing came of what it said.
    pub fn ends_by_its_tags(&mut self, ends: i64, now: i64) -> Record {
        const HOW: &str = "the row said otherwise than the entry's tags, which count";
        self.ends = Some(self.ends.unwrap_or(ends).min(ends));
        self.must_go(now);
        self.outcome = Some(HOW.to_owned());
        self.step(Some(News::Drift), now);
        self.compared(HOW, now)
    }

    /// Nothing was to be left of it, and its entry is there: it is to go.
    pub fn still_there(&mut self, now: i64) -> Record {
        const HOW: &str = "its entry was still there";
        self.must_go(now);
        self.outcome = Some(HOW.to_owned());
        self.step(Some(News::Drift), now);
        self.compared(HOW, now)
    }

    /// The record of what a comparison with EKS came to.
    fn compared(&self, how: &str, now: i64) -> Record {
        let actor = Actor::product("revoker");
        Record::new(Action::Drifted, self, actor, "compared with EKS", now).with_result(how)
    }

    /// What was granted is taken away, and what never was is cleaned up.
    fn must_go(&mut self, now: i64) {
        self.retry_at = Some(now);
        self.state = match self.state {
            State::Active => State::Active,
            State::Revoking | State::Revoked | State::Drifted => State::Revoking,
            _ => State::Cleanup,
        };
    }

    /// The entry is ours, and somebody changed what it gives. That is told and left alone until its end.
    pub fn changed(&mut self, how: &str, now: i64) -> Option<Record> {
        if self.outcome.as_deref() == Some(how) {
            return None;
        }
        self.outcome = Some(how.to_owned());
        self.step(Some(News::Drift), now);
        Some(self.compared(how, now))
    }

    /// People are reminded of something.
    pub fn reminded(&mut self, news: News, now: i64) {
        if news == News::ReviewDue {
            self.review_by = Some(now.saturating_add(DAY));
        } else {
            self.reminders = self.reminders.saturating_add(1);
        }
        self.step(Some(news), now);
    }

    /// Whether people, or SNS, are owed something.
    #[must_use]
    pub fn owes_news(&self) -> bool {
        !self.news.is_empty() || !self.audits.is_empty()
    }

    /// Somebody is about to tell people, and nobody else should for a while. The message's buttons get this nonce.
    pub fn telling(&mut self, nonce: Option<&Nonce>, now: i64) {
        if let Some(nonce) = nonce {
            // Whoever has the message as it was may still press its buttons, until they get the next one.
            if let Some(before) = self.nonce.replace(nonce.hash()) {
                self.nonces_before.insert(0, before);
                self.nonces_before.truncate(MOST_NONCES);
            }
        }
        self.version += 1;
        self.news_at = Some(now.saturating_add(NEWS_LEASE));
    }

    /// What became of telling people. What is left is tried again, for about a day.
    pub fn told(&mut self, told: &Told, now: i64) {
        if told.posted > self.news_posted {
            // The message is changed; whoever is looking at it as it was may still press.
            self.nonces_before.truncate(1);
        }
        let known = told.published.min(told.posted).min(self.news.len());
        self.news.drain(..known);
        self.audits.drain(..told.audits.min(self.audits.len()));
        self.news_published = told.published.saturating_sub(known);
        self.news_posted = told.posted.saturating_sub(known);
        if told.post.is_some() {
            self.post.clone_from(&told.post);
        }
        self.version += 1;
        self.news_attempts = self.news_attempts.saturating_add(1);
        if self.news_attempts > MOST_ATTEMPTS {
            self.news.clear();
            self.audits.clear();
        }
        if self.owes_news() {
            self.news_at = Some(now.saturating_add(pause(self.news_attempts)));
        } else {
            self.news_at = None;
            self.news_attempts = 0;
        }
    }

    /// What is to be done now.
    #[must_use]
    pub fn next(&self, now: i64) -> Next {
        let is_review_due = self.review_by.is_some_and(|by| now >= by);
        match self.state {
            State::Pending if now >= self.expires => Next::Expire,
            State::Pending if self.remind_at() <= now => Next::Remind,
            State::Granting if now >= self.patience_ends() => Next::Clean,
            State::Active if !self.is_before_its_end(now) => Next::End,
            State::Active if self.warn_at().is_some_and(|at| now >= at) => Next::Warn,
            State::Revoking if self.is_retry_due(now) => Next::End,
            State::Cleanup if self.is_retry_due(now) => Next::Clean,
            State::Granting | State::Revoking | State::Cleanup => Next::Wait,
            _ if is_review_due => Next::RemindOfReview,
            _ => Next::Wait,
        }
    }

    /// When somebody has to look at it next; `None` when nothing more comes of it.
    #[must_use]
    pub fn due(&self) -> Option<i64> {
        let of_state = match self.state {
            State::Pending => Some(self.expires.min(self.remind_at())),
            State::Granting => Some(self.patience_ends()),
            State::Active => self
                .ends
                .map(|ends| ends.min(self.warn_at().unwrap_or(ends))),
            State::Revoking | State::Cleanup => Some(self.retry_at.unwrap_or(0)),
            _ => None,
        };
        let is_waiting = matches!(
            self.state,
            State::Granting | State::Revoking | State::Cleanup
        );
        let of_review = self.review_by.filter(|_| !is_waiting);
        let of_news = self.owes_news().then_some(self.news_at.unwrap_or(0));
        [of_state, of_review, of_news].into_iter().flatten().min()
    }

    /// By how much the grant is past its end, in milliseconds, while there may be an entry.
    #[must_use]
    pub fn overdue(&self, now: i64) -> i64 {
        match (self.state, self.ends) {
            (State::Cleanup, _) => now.saturating_sub(self.starts.unwrap_or(now)).max(0),
            (state, Some(ends)) if state.has_entry() => now.saturating_sub(ends).max(0),
            _ => 0,
        }
    }

    /// A pause that is longer than any of ours is none of ours.
    fn is_retry_due(&self, now: i64) -> bool {
        self.retry_at
            .is_none_or(|at| now >= at || at > now.saturating_add(REVOKE_PAUSE))
    }

    /// When a granter that has begun is taken to be dead. Not long after the end, whatever it is: what it may have made is to
    /// go by then.
    fn patience_ends(&self) -> i64 {
        let starts = self.starts.unwrap_or(0);
        let ends = self
            .ends
            .unwrap_or(starts)
            .max(starts.saturating_add(MINUTE));
        ends.min(starts.saturating_add(GRANT_PATIENCE))
    }

    /// Whether a granter may still be at work, so that an entry that is not there may come yet.
    #[must_use]
    pub fn may_come_yet(&self, now: i64) -> bool {
        let last = match self.granter {
            Some(_) => self.latest_grant(),
            None => self.starts.unwrap_or(0),
        };
        self.state == State::Cleanup && now < last.saturating_add(GRANTER_RUNS)
    }

    /// When the granter may begin to make the entry at the latest.
    fn latest_grant(&self) -> i64 {
        let starts = self.starts.unwrap_or(0);
        let patient = starts.saturating_add(GRANT_PATIENCE - MINUTE);
        self.ends.unwrap_or(starts).min(patient)
    }

    /// A granter may still be making the entry: it is looked at again with the next tick.
    pub fn wait_for_granter(&mut self, now: i64) {
        self.retry_at = Some(now.saturating_add(REVOKE_PAUSE));
        self.step(None, now);
    }

    /// Whether the granter should not make an entry any more.
    #[must_use]
    pub fn is_too_late_to_grant(&self, now: i64) -> bool {
        !self.is_before_its_end(now) || now > self.latest_grant()
    }

    /// After one hour, four, sixteen.
    fn remind_at(&self) -> i64 {
        let pause = HOUR.saturating_mul(4_i64.saturating_pow(self.reminders.min(8)));
        self.created.saturating_add(pause)
    }

    fn warn_at(&self) -> Option<i64> {
        let (starts, ends) = (self.starts?, self.ends?);
        let whole = ends.saturating_sub(starts);
        let is_to_be = self.reminders == 0 && whole >= TOO_SHORT_TO_WARN && self.ended_by.is_none();
        is_to_be.then(|| ends.saturating_sub(WARNING.min(whole / 4)))
    }

    fn step(&mut self, news: Option<News>, now: i64) {
        self.version += 1;
        if let Some(news) = news {
            self.news.push(news);
            self.news_at = Some(now.saturating_add(NEWS_LEASE));
        }
    }
}

/// The rule by which the guardrails allow what an instruction says.
fn allowed(guardrails: &Guardrails, instruction: &Instruction) -> Result<String, Stop> {
    let (ask, terms) = (instruction.order.ask(), &instruction.order.terms);
    let approvers = instruction.approvers();
    let rule = match (instruction.order.kind, approvers.as_slice()) {
        (Kind::BreakGlass, [caller]) => guardrails
            .may_break_glass(&ask, terms, caller)
            .map(|_| "break_glass".to_owned()),
        (Kind::BreakGlass, _) => Err(Refused::NotAnApprover),
        (Kind::Access | Kind::Extension, approvers) => guardrails
            .decide(&ask, terms, approvers)
            .map(|rule| rule.name.clone()),
    };
    rule.map_err(Stop::Refused)
}

/// A reason that can be kept: one line, and nothing in it that turns text around.
fn checked(reason: &str) -> Result<String, No> {
    let is_turning = |c: char| matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let one_line: String = reason
        .chars()
        .filter(|c| !is_turning(*c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let reason = one_line.trim();
    if REASON.contains(&reason.chars().count()) {
        Ok(reason.to_owned())
    } else {
        Err(No::Reason)
    }
}

/// 1, 2, 4, … minutes, at most half an hour.
fn pause(attempts: u32) -> i64 {
    MINUTE
        .saturating_mul(2_i64.saturating_pow(attempts.saturating_sub(1).min(6)))
        .min(30 * MINUTE)
}

/// Whether people are told that a grant does not end: at the third attempt, at the tenth, and then about once a day. There is
/// one a minute.
fn is_told(attempts: u32) -> bool {
    attempts == 3 || attempts == 10 || (attempts > 10 && (attempts - 10).is_multiple_of(24 * 60))
}

/// Whether a request that was answered stands in the way of another one for the same principal.
#[must_use]
pub fn stands_in_the_way(earlier: &Request, now: i64) -> bool {
    match earlier.state {
        State::Denied => now < earlier.expires,
        state => !state.is_final(),
    }
}

/// The principal that somebody wants to let in, if its ARN has the form of one that can be.
#[must_use]
pub fn grantee(text: &str) -> Option<Principal> {
    text.parse::<Principal>().ok().filter(|principal| {
        (principal.is_role() || principal.is_user()) && principal.to_string() == text
    })
}
