//! The catalogue: what a cause is, and which cause claims a case.

use crate::cluster::{AuthenticationMode, Cluster};
use crate::facts::Facts;
use crate::principal::Principal;
use crate::remedy::Remedy;
use crate::symptom::{Actor, Severity, Symptom};

pub use crate::causes::CAUSES;

/// What a cause decides on: the denial's parsed fields, what is known of the cluster, and the facts. No log text.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// What the line said.
    pub symptom: Symptom,
    /// The refused principal, if STS vouched for one.
    pub principal: Option<&'a Principal>,
    /// Whether the joined session says that AWS itself called.
    pub aws_internal_session: bool,
    /// What within the symptom the line showed beyond doubt.
    pub detail: Detail,
    /// The cluster.
    pub cluster: &'a Cluster,
    /// What was learned besides the line.
    pub facts: &'a Facts,
}

impl<'a> Case<'a> {
    /// The case as the facts have it. A line takes a role for a node's by names alone; a role of IAM Identity Center is
    /// none, and neither is one whose trust policy lets nothing assume it that gives roles to nodes.
    #[must_use]
    pub fn as_the_facts_have_it(&self) -> Self {
        let is_no_nodes = self.principal.is_some_and(|principal| {
            let trust = self.facts.trust();
            principal.permission_set().is_some()
                || trust.is_some_and(|trust| !trust.may_be_of_nodes())
        });
        let symptom = match self.symptom {
            Symptom::NotMappedNode if is_no_nodes => Symptom::NotMapped,
            symptom => symptom,
        };
        Self { symptom, ..*self }
    }

    /// The principal, if the account is known not to be the cluster's.
    #[must_use]
    pub fn foreign_principal(&self) -> Option<&'a Principal> {
        let own = self.cluster.account.as_ref()?;
        self.principal
            .filter(|principal| principal.account() != own)
    }
}

/// What a line shows beyond its symptom, from a closed list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Detail {
    /// Nothing more.
    #[default]
    None,
    /// `aws-auth` was deleted, rather than broken.
    AwsAuthDeleted,
    /// A login was granted with an empty user name.
    EmptyUsername,
    /// STS said that the credential is scoped to another Region.
    RegionScope,
    /// A watch was closed: routine, unless it happens again at once.
    WatchClosed,
}

/// A cause's answer to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// This is why.
    Yes,
    /// This is not why.
    No,
    /// It could be; the text names the fact that would settle it.
    Perhaps(&'static str),
}

/// Two tiers, and no other order among causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// Claims only what the facts of the case show.
    Specific,
    /// The one cause that stands for its symptoms when no specific one claims the case.
    General,
}

/// The page of a cause. Every part is Markdown of ours, written for the person who was refused.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Under "What happened".
    pub what_happened: &'static str,
    /// Under "Why".
    pub why: &'static str,
    /// Under "How to be sure".
    pub how_to_be_sure: &'static str,
    /// Under "What to do".
    pub what_to_do: &'static str,
    /// Under "If it comes back".
    pub if_it_comes_back: &'static str,
}

/// A line that shows a cause, for its page and for the tests.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// The line as it stands in the log (or in the terminal), with invented names.
    pub line: &'static str,
    /// The symptom it shows.
    pub symptom: Symptom,
}

/// Why something was refused, and what to do about it. One file each, in `causes/`.
#[derive(Debug)]
pub struct Cause {
    /// Kebab-case, unique, and for ever.
    pub id: &'static str,
    /// A few words, for headings and subject lines.
    pub title: &'static str,
    /// One sentence for the person who was refused: what is wrong.
    pub summary: &'static str,
    /// Specific or general.
    pub tier: Tier,
    /// The symptoms it can explain.
    pub symptoms: &'static [Symptom],
    /// Who can mend it.
    pub actor: Actor,
    /// How much it matters.
    pub severity: Severity,
    /// The page.
    pub page: Page,
    /// Ids of other causes that look the same from outside, most likely first.
    pub perhaps: &'static [&'static str],
    /// Asked only for its symptoms.
    pub claim: fn(&Case<'_>) -> Claim,
    /// What to do in this case, the least first.
    pub remedies: fn(&Case<'_>) -> Vec<Remedy>,
    /// At least one.
    pub examples: &'static [Example],
}

impl Cause {
    /// What to do in this case, the least first. Only what can work in the cluster's authentication mode.
    #[must_use]
    pub fn remedies_for(&self, case: &Case<'_>) -> Vec<Remedy> {
        let case = &case.as_the_facts_have_it();
        let mut remedies = (self.remedies)(case);
        remedies.retain(|remedy| remedy.modes.allow(case.cluster.mode));
        remedies
    }
}

/// The claim of every general cause: its symptoms are enough.
#[must_use]
pub fn by_symptom(_: &Case<'_>) -> Claim {
    Claim::Yes
}

/// The cause with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Cause> {
    CAUSES.iter().copied().find(|cause| cause.id == id)
}

/// Another cause that a case could have.
#[derive(Debug, Clone, Copy)]
pub struct Possibility {
    /// The cause.
    pub cause: &'static Cause,
    /// The fact that would settle it, where one would.
    pub fact: Option<&'static str>,
}

/// What the catalogue says to a case.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The one cause that claims the case; `None` is an unrecognised case.
    pub cause: Option<&'static Cause>,
    /// Causes that could be it too, with the fact that would settle it where one would.
    pub perhaps: Vec<Possibility>,
}

/// Asks every cause. A specific Yes wins over the symptom's general cause; the tests hold that no two of a tier
/// say Yes to the same case.
#[must_use]
pub fn judge(case: &Case<'_>) -> Judgement {
    let case = &case.as_the_facts_have_it();
    let mut cause = None;
    let mut perhaps: Vec<Possibility> = Vec::new();
    // Whoever was asked has answered for itself.
    let mut asked = Vec::new();
    for candidate in CAUSES
        .iter()
        .copied()
        .filter(|cause| cause.symptoms.contains(&case.symptom))
    {
        match (candidate.claim)(case) {
            Claim::Yes if candidate.tier == Tier::Specific || cause.is_none() => {
                cause = Some(candidate);
            }
            Claim::Yes => {}
            Claim::No => asked.push(candidate.id),
            Claim::Perhaps(fact) => {
                asked.push(candidate.id);
                perhaps.push(Possibility {
                    cause: candidate,
                    fact: Some(fact),
                });
            }
        }
    }
    let is_without_aws_auth = case.cluster.mode == Some(AuthenticationMode::Api);
    let related = cause.map_or(&[][..], |cause: &Cause| cause.perhaps);
    perhaps.extend(
        related
            .iter()
            .filter(|id| !asked.contains(id))
            .filter(|id| !(is_without_aws_auth && id.starts_with("aws-auth-")))
            .filter_map(|id| find(id))
            .map(|cause| Possibility { cause, fact: None }),
    );
    Judgement { cause, perhaps }
}
