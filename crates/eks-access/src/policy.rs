//! The guardrails: who may be offered what, for how long, and who may say yes. One file, read as a whole.
//!
//! Nothing is offered unless a rule offers it; a `deny` wins over every rule; and some principals are never let in, whatever
//! the file says. Responder, approver and granter each ask here, with the same file, and the IAM policies of granter and
//! revoker are made from it ([`template()`]).

use std::collections::BTreeSet;
use std::fmt;

use crate::cluster::ClusterName;
use crate::principal::{AccountId, Principal};

mod approver;
mod cases;
mod file;
mod pattern;
mod template;
mod terms;

pub use approver::{Approver, Approvers, Door, Person};
pub use cases::{Case, CaseFailed};
pub use file::{Mistake, Mistakes};
pub use pattern::ArnPattern;
pub use template::{TemplateError, template};
pub use terms::{AccessPolicy, Namespace, Terms};

/// The longest that anything is granted for, in seconds: a working day. Whoever needs more needs an entry in code.
pub const LONGEST: u64 = 12 * 60 * 60;

/// The guardrails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guardrails {
    /// The first 16 hexadecimal digits of the file's SHA-256.
    pub version: String,
    /// The partition of everything in it.
    pub partition: String,
    /// How long a request waits for an answer, in seconds.
    pub request_expires: u64,
    rules: Vec<Rule>,
    denies: Vec<Deny>,
    protected: Vec<ArnPattern>,
    people: Vec<Person>,
    break_glass: Option<BreakGlass>,
    cases: Vec<Case>,
}

/// What may be offered to whom, and who may say yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name, for people and the audit.
    pub name: String,
    /// The reach.
    pub reach: Reach,
    /// For how long if nobody says otherwise, in seconds.
    pub usual_seconds: u64,
    /// Who may say yes.
    pub approvers: Approvers,
    /// How many of them must.
    pub needed: usize,
    /// By which ways.
    pub doors: BTreeSet<Door>,
}

/// Whom something is about, where, and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The clusters.
    pub clusters: Vec<ClusterName>,
    /// Whom.
    pub principals: Vec<ArnPattern>,
    /// Permission sets of IAM Identity Center, by account and name.
    pub permission_sets: Vec<(AccountId, String)>,
    /// The access policies.
    pub policies: Vec<AccessPolicy>,
    /// The namespaces.
    pub namespaces: BTreeSet<Namespace>,
    /// For how long at most, in seconds.
    pub most_seconds: u64,
}

/// What is never granted, whatever a rule says. What it does not mention it means all of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deny {
    /// Its name.
    pub name: String,
    /// Whom.
    pub principals: Vec<ArnPattern>,
    /// The clusters.
    pub clusters: Vec<ClusterName>,
    /// The access policies.
    pub policies: Vec<AccessPolicy>,
    /// The namespaces.
    pub namespaces: BTreeSet<Namespace>,
}

/// Who may let themselves or others in without anybody's yes, in an emergency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakGlass {
    /// Who: callers of AWS only.
    pub callers: Approvers,
    /// The reach.
    pub reach: Reach,
    /// Within how many seconds somebody else has to look at it.
    pub review_within: u64,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask<'a> {
    /// In which cluster.
    pub cluster: &'a ClusterName,
    /// The cluster's account.
    pub account: &'a AccountId,
    /// For whom: the ARN with its path.
    pub principal: &'a Principal,
    /// The name of the denied session, if it is known: whoever it is asks for themselves.
    pub session: Option<&'a str>,
}

/// What may be offered by one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The rule.
    pub rule: String,
    /// The access policies.
    pub policies: Vec<AccessPolicy>,
    /// The namespaces that one may choose from.
    pub namespaces: Vec<Namespace>,
    /// For how long at most, in seconds.
    pub most_seconds: u64,
    /// For how long if nobody says otherwise.
    pub usual_seconds: u64,
    /// How many must say yes.
    pub needed: usize,
}

/// Why something is not to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Such a principal is never let in by an access entry of ours: why.
    Never(&'static str),
    /// A `deny` of this name.
    Denied(String),
    /// No rule offers the principal anything in the cluster.
    NotOffered,
    /// No rule offers all of these terms together: what of them is too much.
    TooMuch(String),
    /// Whoever decides may not, of this.
    NotAnApprover,
    /// They may, but not by this way.
    WrongDoor(Door),
    /// They decide about themselves.
    OwnRequest,
    /// So many more must say yes.
    NeedsMore(usize),
}

impl Refused {
    /// Its stable name.
    #[must_use]
    pub fn slug(&self) -> &'static str {
        match self {
            Self::Never(_) => "never",
            Self::Denied(_) => "denied",
            Self::NotOffered => "not-offered",
            Self::TooMuch(_) => "too-much",
            Self::NotAnApprover => "not-an-approver",
            Self::WrongDoor(_) => "wrong-channel",
            Self::OwnRequest => "own-request",
            Self::NeedsMore(_) => "needs-more",
        }
    }

    /// Every stable name.
    pub const SLUGS: [&str; 8] = [
        "never",
        "denied",
        "not-offered",
        "too-much",
        "not-an-approver",
        "wrong-channel",
        "own-request",
        "needs-more",
    ];
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never(why) => write!(f, "{why}; no guardrails can change that"),
            Self::Denied(name) => write!(f, "the guardrails deny it (`{name}`)"),
            Self::NotOffered => f.write_str(
                "no rule of the guardrails offers this principal anything in this cluster; add one, or make an access \
                 entry in code",
            ),
            Self::TooMuch(what) => write!(f, "no rule of the guardrails offers {what}; ask for less"),
            Self::NotAnApprover => f.write_str(
                "the guardrails do not name you among those who may say yes to this; ask somebody whom they name",
            ),
            Self::WrongDoor(Door::Slack) => {
                f.write_str("the guardrails do not take a yes from Slack for this; use `eks-access approve`")
            }
            Self::WrongDoor(Door::Iam) => {
                f.write_str("the guardrails take a yes for this from Slack only; use the button there")
            }
            Self::OwnRequest => {
                f.write_str("this is about you, or was asked by you as far as anybody can tell, and nobody decides about themselves; ask \
                 another approver, or have the guardrails name your Slack id and your IAM caller in one `[[person]]`")
            }
            Self::NeedsMore(1) => f.write_str("one more approver must say yes"),
            Self::NeedsMore(many) => write!(f, "{many} more approvers must say yes"),
        }
    }
}

impl std::error::Error for Refused {}

impl Guardrails {
    /// Reads the file.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse(text: &str) -> Result<Self, Mistakes> {
        file::parse(text)
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The path for emergencies, if there is one.
    #[must_use]
    pub fn break_glass(&self) -> Option<&BreakGlass> {
        self.break_glass.as_ref()
    }

    /// The cases by which the file tests itself.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// Principals that are never let in, besides our own.
    #[must_use]
    pub fn protected(&self) -> &[ArnPattern] {
        &self.protected
    }

    /// What is never granted, whatever a rule says.
    #[must_use]
    pub fn denies(&self) -> &[Deny] {
        &self.denies
    }

    /// Those who are known by more than one thing.
    #[must_use]
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// Every cluster that is named.
    #[must_use]
    pub fn clusters(&self) -> BTreeSet<&ClusterName> {
        self.reaches().flat_map(|reach| &reach.clusters).collect()
    }

    /// Every user group of Slack that may say yes to this.
    #[must_use]
    pub fn slack_groups(&self, ask: &Ask<'_>) -> BTreeSet<&str> {
        let rules = self.rules.iter().filter(|rule| rule.reach.means(ask));
        let groups = rules.flat_map(|rule| &rule.approvers.slack_groups);
        groups.map(String::as_str).collect()
    }

    /// What may be offered, one offer for each rule that means the principal and the cluster.
    ///
    /// # Errors
    /// When it is nothing.
    pub fn offers(&self, ask: &Ask<'_>) -> Result<Vec<Offer>, Refused> {
        self.refuse_always(ask)?;
        let offers: Vec<Offer> = self
            .rules
            .iter()
            .filter(|rule| rule.reach.means(ask))
            .filter_map(|rule| self.offer(ask, rule))
            .collect();
        match offers.as_slice() {
            [] => Err(self.denied_wholly(ask).unwrap_or(Refused::NotOffered)),
            _ => Ok(offers),
        }
    }

    /// Whether these terms may be granted at all, to anybody's yes.
    ///
    /// # Errors
    /// When not.
    pub fn permits(&self, ask: &Ask<'_>, terms: &Terms) -> Result<(), Refused> {
        self.covering(ask, terms).map(drop)
    }

    /// Whether this approver's yes to these terms counts.
    ///
    /// # Errors
    /// When not.
    pub fn counts(&self, ask: &Ask<'_>, terms: &Terms, approver: &Approver) -> Result<(), Refused> {
        let rules = self.covering(ask, terms)?;
        self.counts_for_any(&rules, ask, approver)
    }

    /// Whether somebody may decide about this principal in some way, be it by a no.
    ///
    /// # Errors
    /// When not.
    pub fn may_decide(&self, ask: &Ask<'_>, approver: &Approver) -> Result<(), Refused> {
        self.refuse_always(ask)?;
        let rules: Vec<&Rule> = self
            .rules
            .iter()
            .filter(|rule| rule.reach.means(ask))
            .collect();
        if rules.is_empty() {
            return Err(Refused::NotOffered);
        }
        self.counts_for_any(&rules, ask, approver)
    }

    /// The rule by which these approvers' yes is enough for these terms.
    ///
    /// # Errors
    /// When there is none.
    pub fn decide(
        &self,
        ask: &Ask<'_>,
        terms: &Terms,
        approvers: &[Approver],
    ) -> Result<&Rule, Refused> {
        let rules = self.covering(ask, terms)?;
        for approver in approvers {
            self.counts_for_any(&rules, ask, approver)?;
        }
        let mut missing = usize::MAX;
        for rule in rules {
            let those = approvers
                .iter()
                .filter(|approver| self.counts_for(rule, ask, approver).is_ok());
            let missed = rule.needed.saturating_sub(self.people_among(those));
            if missed == 0 {
                return Ok(rule);
            }
            missing = missing.min(missed);
        }
        Err(Refused::NeedsMore(missing))
    }

    /// Whether a caller may break the glass for these terms.
    ///
    /// # Errors
    /// When not.
    pub fn may_break_glass(
        &self,
        ask: &Ask<'_>,
        terms: &Terms,
        caller: &Approver,
    ) -> Result<&BreakGlass, Refused> {
        self.refuse_always(ask)?;
        let glass = self
            .break_glass
            .as_ref()
            .filter(|glass| glass.callers.have(caller))
            .ok_or(Refused::NotAnApprover)?;
        if !glass.reach.means(ask) {
            return Err(Refused::NotOffered);
        }
        self.refuse_denied(ask, terms)?;
        match glass.reach.excess(terms) {
            None => Ok(glass),
            Some(what) => Err(Refused::TooMuch(what)),
        }
    }

    /// Whether what is asked for is this approver's own: the principal they call as, or one that is theirs, or a denial in
    /// a session that is known to be theirs.
    #[must_use]
    pub fn is_own(&self, ask: &Ask<'_>, approver: &Approver) -> bool {
        let is_same = matches!(approver, Approver::Iam { principal, .. }
            if *principal == ask.principal.canonical().to_string());
        // Identity Center names both sessions after whoever signed in.
        let is_same_person = ask.principal.permission_set().is_some()
            && approver
                .sso_name()
                .zip(ask.session)
                .is_some_and(|(one, other)| one.eq_ignore_ascii_case(other));
        is_same
            || is_same_person
            || self.people.iter().any(|person| {
                let is_theirs = person
                    .principals
                    .iter()
                    .any(|pattern| pattern.matches(ask.principal));
                let was_theirs = ask
                    .session
                    .is_some_and(|session| person.sessions.contains(session));
                person.is(approver) && (is_theirs || was_theirs)
            })
    }

    /// Whether two decided as different people, as far as anybody can tell.
    #[must_use]
    pub fn are_different_people(&self, one: &Approver, other: &Approver) -> bool {
        self.people_among([one, other].into_iter()) == 2
    }

    fn reaches(&self) -> impl Iterator<Item = &Reach> {
        let of_glass = self.break_glass.iter().map(|glass| &glass.reach);
        self.rules.iter().map(|rule| &rule.reach).chain(of_glass)
    }

    /// Those who are never let in: no rule is looked at.
    fn refuse_always(&self, ask: &Ask<'_>) -> Result<(), Refused> {
        if let Some(why) = never(ask) {
            return Err(Refused::Never(why));
        }
        if ask.principal.partition() != self.partition {
            return Err(Refused::Never("it is a principal of another partition"));
        }
        if self
            .protected
            .iter()
            .any(|pattern| pattern.matches(ask.principal))
        {
            return Err(Refused::Never("the guardrails protect this principal"));
        }
        Ok(())
    }

    fn refuse_denied(&self, ask: &Ask<'_>, terms: &Terms) -> Result<(), Refused> {
        let deny = self.denies.iter().find(|deny| {
            deny.means(ask)
                && (deny.policies.is_empty() || deny.policies.contains(&terms.policy))
                && (deny.namespaces.is_empty()
                    || terms
                        .namespaces
                        .iter()
                        .any(|name| deny.namespaces.contains(name)))
        });
        deny.map_or(Ok(()), |deny| Err(Refused::Denied(deny.name.clone())))
    }

    /// The rules that offer all of these terms.
    fn covering(&self, ask: &Ask<'_>, terms: &Terms) -> Result<Vec<&Rule>, Refused> {
        self.refuse_always(ask)?;
        self.refuse_denied(ask, terms)?;
        let meant: Vec<&Rule> = self
            .rules
            .iter()
            .filter(|rule| rule.reach.means(ask))
            .collect();
        let covering: Vec<&Rule> = meant
            .iter()
            .copied()
            .filter(|rule| rule.reach.excess(terms).is_none())
            .collect();
        match (meant.as_slice(), covering.as_slice()) {
            ([], _) => Err(Refused::NotOffered),
            ([rule, ..], []) => {
                let what = rule.reach.excess(terms).unwrap_or_default();
                Err(Refused::TooMuch(what))
            }
            _ => Ok(covering),
        }
    }

    fn counts_for_any(
        &self,
        rules: &[&Rule],
        ask: &Ask<'_>,
        approver: &Approver,
    ) -> Result<(), Refused> {
        let mut why = Refused::NotAnApprover;
        for rule in rules {
            match self.counts_for(rule, ask, approver) {
                Ok(()) => return Ok(()),
                // Who is named somewhere is told what they lack.
                Err(Refused::NotAnApprover) => {}
                Err(refused) => why = refused,
            }
        }
        Err(why)
    }

    fn counts_for(&self, rule: &Rule, ask: &Ask<'_>, approver: &Approver) -> Result<(), Refused> {
        if !rule.approvers.have(approver) {
            return Err(Refused::NotAnApprover);
        }
        if !rule.doors.contains(&approver.door()) {
            return Err(Refused::WrongDoor(approver.door()));
        }
        if self.is_own(ask, approver) {
            return Err(Refused::OwnRequest);
        }
        Ok(())
    }

    /// How many different people these are for sure. Whom the guardrails do not know as a person may be the same by both
    /// ways; and so may be whom they know by the one way only and somebody whom they do not know.
    fn people_among<'a>(&self, approvers: impl Iterator<Item = &'a Approver>) -> usize {
        let (mut whole, mut half, mut unknown) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for approver in approvers {
            let door = approver.door();
            match self.people.iter().find(|person| person.is(approver)) {
                Some(person) if person.is_known_by_both() => {
                    whole.insert(person.name.as_str());
                }
                Some(person) => {
                    half.insert((door, person.name.as_str()));
                }
                None => {
                    unknown.insert((door, approver.identity()));
                }
            }
        }
        let by = |door: Door| {
            let known = half.iter().filter(|(way, _)| *way == door).count();
            known + unknown.iter().filter(|(way, _)| *way == door).count()
        };
        let (slack, iam) = (by(Door::Slack), by(Door::Iam));
        // Two that are known by different names are two; any other pair by different ways may be one.
        let may_be_same = slack.min(iam).min(unknown.len());
        whole.len() + slack + iam - may_be_same
    }

    /// What a rule offers less what is denied; `None` if nothing is left.
    fn offer(&self, ask: &Ask<'_>, rule: &Rule) -> Option<Offer> {
        let is_free = |policy: AccessPolicy, namespace: &Namespace| {
            let terms = Terms::new(policy, vec![namespace.clone()], 1);
            terms.is_some_and(|terms| self.refuse_denied(ask, &terms).is_ok())
        };
        let namespaces: Vec<Namespace> = rule
            .reach
            .namespaces
            .iter()
            .filter(|name| {
                rule.reach
                    .policies
                    .iter()
                    .any(|policy| is_free(*policy, name))
            })
            .cloned()
            .collect();
        let policies: Vec<AccessPolicy> = rule
            .reach
            .policies
            .iter()
            .copied()
            .filter(|policy| namespaces.iter().any(|name| is_free(*policy, name)))
            .collect();
        (!policies.is_empty()).then(|| Offer {
            rule: rule.name.clone(),
            policies,
            namespaces,
            most_seconds: rule.reach.most_seconds,
            usual_seconds: rule.usual_seconds,
            needed: rule.needed,
        })
    }

    fn denied_wholly(&self, ask: &Ask<'_>) -> Option<Refused> {
        let is_meant = self.rules.iter().any(|rule| rule.reach.means(ask));
        let deny = self.denies.iter().find(|deny| deny.means(ask))?;
        is_meant.then(|| Refused::Denied(deny.name.clone()))
    }
}

impl Reach {
    /// Whether it is about this principal in this cluster.
    #[must_use]
    pub fn means(&self, ask: &Ask<'_>) -> bool {
        // Whoever may make roles can name one like those of a permission set, but not put it there.
        let is_of_identity_center = ask
            .principal
            .resource()
            .starts_with("role/aws-reserved/sso.amazonaws.com/");
        let of_set = ask.principal.permission_set().is_some_and(|set| {
            self.permission_sets
                .iter()
                .any(|(account, name)| account == ask.principal.account() && name == set.name)
        });
        self.clusters.contains(ask.cluster)
            && (of_set && is_of_identity_center
                || self
                    .principals
                    .iter()
                    .any(|pattern| pattern.matches(ask.principal)))
    }

    /// What of these terms goes beyond it.
    fn excess(&self, terms: &Terms) -> Option<String> {
        // Terms may come out of a row that somebody changed.
        if terms.namespaces.is_empty() || terms.seconds == 0 {
            return Some("access without a namespace or without a time".to_owned());
        }
        if !self.policies.contains(&terms.policy) {
            return Some(format!("{} here", terms.policy));
        }
        let beyond = terms
            .namespaces
            .iter()
            .find(|name| !self.namespaces.contains(name));
        if let Some(name) = beyond {
            return Some(format!("the namespace `{name}` here"));
        }
        (terms.seconds > self.most_seconds).then(|| {
            let most = i64::try_from(self.most_seconds)
                .unwrap_or(i64::MAX)
                .saturating_mul(1000);
            format!("more than {} here", crate::timestamp::duration(most))
        })
    }
}

impl Deny {
    fn means(&self, ask: &Ask<'_>) -> bool {
        (self.clusters.is_empty() || self.clusters.contains(ask.cluster))
            && (self.principals.is_empty()
                || self
                    .principals
                    .iter()
                    .any(|pattern| pattern.matches(ask.principal)))
    }
}

/// Why a principal is never let in, whatever the guardrails say.
fn never(ask: &Ask<'_>) -> Option<&'static str> {
    let principal = ask.principal;
    let reasons = [
        (principal.is_root(), "it is a root user"),
        (
            principal.is_federated_user(),
            "it is a federated user, for whom there is no access entry",
        ),
        (
            principal.is_service_linked(),
            "it is a service-linked role, for which there is no access entry",
        ),
        (
            principal.is_named_like_ours(),
            "it is a role of this product",
        ),
        (
            principal.is_named_like_aws_internal(),
            "it is a role of AWS itself",
        ),
        (
            principal.is_named_like_a_node_role() || principal.speaks_of_infrastructure(),
            "it is named like a role of nodes or of the cluster itself, which an entry of a person would put out",
        ),
        (
            principal.is_named_like_a_cluster_role(),
            "it is named like the role of the cluster itself",
        ),
        (
            principal.account() != ask.account,
            "it is a principal of another account than the cluster's",
        ),
    ];
    reasons
        .into_iter()
        .find_map(|(is_so, why)| is_so.then_some(why))
}
