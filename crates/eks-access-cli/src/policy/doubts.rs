//! What in sound guardrails may be meant otherwise.

use std::fmt;

use eks_access::policy::{Approvers, ArnPattern, Door, Guardrails, Person, Rule};

/// One such thing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    /// The rule, or another part of the file.
    pub(super) place: String,
    /// What it comes to, and what to do.
    pub(super) what: String,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// All of them, in the order of the file.
pub(super) fn of(guardrails: &Guardrails) -> Vec<Doubt> {
    let mut all = Vec::new();
    for rule in guardrails.rules() {
        let words = [
            everybody_let_in(&rule.reach.principals),
            other_sets(&rule.reach.principals),
            if rule.doors.contains(&Door::Iam) {
                of_callers(&rule.approvers)
            } else {
                Vec::new()
            },
            too_few(rule).into_iter().collect(),
            same_by_both_ways(guardrails, rule).into_iter().collect(),
        ];
        all.extend(placed(&format!("rule `{}`", rule.name), words));
    }
    if let Some(glass) = guardrails.break_glass() {
        let principals = &glass.reach.principals;
        let words = [
            everybody_let_in(principals),
            other_sets(principals),
            of_callers(&glass.callers),
        ];
        all.extend(placed("break_glass", words));
    }
    all
}

fn placed(place: &str, words: impl IntoIterator<Item = Vec<String>>) -> Vec<Doubt> {
    let doubt = |what| Doubt {
        place: place.to_owned(),
        what,
    };
    words.into_iter().flatten().map(doubt).collect()
}

fn everybody_let_in(patterns: &[ArnPattern]) -> Vec<String> {
    let all = patterns.iter().filter(|pattern| pattern.is_of_everybody());
    all.map(|pattern| {
        format!(
            "`{pattern}` lets in every {} of the account; name a path or names",
            kind(pattern)
        )
    })
    .collect()
}

fn of_callers(approvers: &Approvers) -> Vec<String> {
    let words = |pattern: &ArnPattern| {
        if pattern.is_of_everybody() {
            return Some(format!(
                "`{pattern}` lets every {} of the account say yes; name them",
                kind(pattern)
            ));
        }
        (!pattern.is_of_users() && !is_of_identity_center(pattern)).then(|| {
            format!(
                "`{pattern}` is a role whose sessions are not told apart: whoever may assume it counts as the one same \
                 person; use roles of IAM Identity Center"
            )
        })
    };
    let words = approvers.iam.iter().filter_map(words);
    words.chain(other_sets(&approvers.iam)).collect()
}

/// The name of a permission set's role goes on behind the set's name, and so does the name of a longer set.
fn other_sets(patterns: &[ArnPattern]) -> Vec<String> {
    let words = |pattern: &ArnPattern| {
        let (_, rest) = pattern.resource().split_once("AWSReservedSSO_")?;
        let (set, _) = rest.split('/').next()?.split_once('*')?;
        Some(format!(
            "`{pattern}` means every permission set whose name begins with `{set}`; where one is meant, write 16 `?` for \
             what stands behind its name and `_`"
        ))
    };
    patterns.iter().filter_map(words).collect()
}

fn kind(pattern: &ArnPattern) -> &'static str {
    if pattern.is_of_users() {
        "user"
    } else {
        "role"
    }
}

fn is_of_identity_center(pattern: &ArnPattern) -> bool {
    pattern.resource().starts_with("role/AWSReservedSSO_")
}

/// A rule that asks for more people than can be among its approvers.
fn too_few(rule: &Rule) -> Option<String> {
    let is_one = |pattern: &ArnPattern| {
        let names_one = !pattern.as_str().contains(['*', '?']);
        names_one
            && (pattern.is_of_users()
                || !is_of_identity_center(pattern)
                || pattern.resource().matches('/').count() > 1)
    };
    let mut most = 0;
    if rule.doors.contains(&Door::Slack) {
        most += rule.approvers.slack_users.len();
        if !rule.approvers.slack_groups.is_empty() {
            return None;
        }
    }
    if rule.doors.contains(&Door::Iam) {
        most += rule.approvers.iam.len();
        if !rule.approvers.iam.iter().all(is_one) {
            return None;
        }
    }
    (most < rule.needed).then(|| {
        format!(
            "{} must say yes, and there can't be more than {most}: it can never be granted; name more approvers",
            rule.needed
        )
    })
}

/// Whom the file does not know as a person may be one and the same in Slack and in AWS, and then counts once.
fn same_by_both_ways(guardrails: &Guardrails, rule: &Rule) -> Option<String> {
    let is_by_both = [Door::Slack, Door::Iam]
        .iter()
        .all(|door| rule.doors.contains(door) && rule.approvers.can_come_by(*door));
    if rule.needed < 2 || !is_by_both {
        return None;
    }
    let user = |user: &String| {
        (
            user.clone(),
            known(guardrails, |person| person.slack.contains(user)),
        )
    };
    let group = |group: &String| (format!("members of {group}"), Known::No);
    let caller = |pattern: &ArnPattern| {
        let known = known(guardrails, |person| person.iam.contains(pattern));
        (pattern.to_string(), known)
    };
    let approvers = &rule.approvers;
    let in_slack = approvers.slack_users.iter().map(user);
    let in_slack: Vec<_> = in_slack
        .chain(approvers.slack_groups.iter().map(group))
        .collect();
    let through_aws: Vec<_> = approvers.iam.iter().map(caller).collect();
    let is_open =
        |side: &[(String, Known)]| side.iter().any(|(_, known)| *known != Known::ByBothWays);
    if !is_open(&in_slack) || !is_open(&through_aws) {
        return None;
    }
    let unknown: Vec<String> = in_slack
        .into_iter()
        .chain(through_aws)
        .filter(|(_, known)| *known == Known::No)
        .map(|(name, _)| name)
        .collect();
    (!unknown.is_empty()).then(|| {
        format!(
            "{} must say yes, in Slack or through AWS, and who is in no [[person]] may be the same by both ways, so that two \
             of them count as one: {}; add a [[person]] for each, or set `channels` to one",
            rule.needed,
            unknown.join(", ")
        )
    })
}

/// How well the file knows an approver.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    No,
    ByOneWay,
    ByBothWays,
}

fn known(guardrails: &Guardrails, is_theirs: impl Fn(&Person) -> bool) -> Known {
    match guardrails.people().iter().find(|person| is_theirs(person)) {
        None => Known::No,
        Some(person) if person.slack.is_empty() || person.iam.is_empty() => Known::ByOneWay,
        Some(_) => Known::ByBothWays,
    }
}
