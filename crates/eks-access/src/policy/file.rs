//! The guardrails file: TOML, read as a whole, with every mistake at once and the line it is in.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::approver::names_its_sessions;
use super::{
    AccessPolicy, Approver, Approvers, ArnPattern, BreakGlass, Case, Deny, Door, Guardrails,
    LONGEST, Namespace, Person, Reach, Rule,
};
use crate::access::hex;
use crate::principal::AccountId;

/// The longest that a request waits, in seconds: a week.
const LONGEST_WAIT: u64 = 7 * 24 * 60 * 60;
/// How long one waits if the file does not say, in seconds.
const USUAL_WAIT: u64 = 8 * 60 * 60;
/// For how long something is granted if a rule does not say, in seconds.
const USUAL: u64 = 60 * 60;
/// The most that a rule grants if it does not say, in seconds.
const USUAL_MOST: u64 = 4 * 60 * 60;
/// A file of this many bytes is none that somebody wrote.
const MAX_FILE: usize = 256 * 1024;

/// Something that is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// Where in the file, and what is wrong.
    pub what: String,
}

/// Everything that is wrong with the file. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self
            .0
            .iter()
            .map(|mistake| format!("line {}: {}", mistake.line, mistake.what))
            .collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Mistakes {}

/// The file's version.
fn version(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    hex(digest.get(..8).unwrap_or_default())
}

pub(super) fn parse(text: &str) -> Result<Guardrails, Mistakes> {
    if text.len() > MAX_FILE {
        let what = format!("the file has more than {MAX_FILE} bytes");
        return Err(Mistakes(vec![Mistake { line: 1, what }]));
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut notes = Notes {
        text,
        partition: String::new(),
        all: Vec::new(),
    };
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        notes.add(at, error.message().to_owned());
    }
    if !notes.all.is_empty() {
        return Err(notes.mistakes());
    }
    let guardrails = whole(&document, &mut notes);
    if notes.all.is_empty() {
        Ok(guardrails)
    } else {
        Err(notes.mistakes())
    }
}

fn whole(document: &Spanned<DeTable<'_>>, notes: &mut Notes<'_>) -> Guardrails {
    let mut file = Section::new(document, String::new());
    let format = file.whole("version", notes);
    if format != Some(1) {
        let at = file.at_of("version");
        notes.add(
            at,
            "`version` is not 1; this release reads `version = 1`".to_owned(),
        );
    }
    let partition = partition(&mut file, notes);
    notes.partition.clone_from(&partition);
    let request_expires = file
        .seconds("request_expires", LONGEST_WAIT, notes)
        .unwrap_or(USUAL_WAIT);
    let protected = file.patterns("protected", notes);
    let rules: Vec<Rule> = file
        .sections("rule")
        .into_iter()
        .filter_map(|section| rule(section, notes))
        .collect();
    let denies: Vec<Deny> = file
        .sections("deny")
        .into_iter()
        .map(|section| deny(section, notes))
        .collect();
    let people: Vec<Person> = file
        .sections("person")
        .into_iter()
        .map(|section| person(section, notes))
        .collect();
    let cases: Vec<Case> = file
        .sections("case")
        .into_iter()
        .filter_map(|section| case(section, notes))
        .collect();
    let break_glass = file
        .section("break_glass", notes)
        .map(|section| glass(section, notes));
    unique(&file, "rule", notes);
    unique(&file, "person", notes);
    file.end(notes);
    Guardrails {
        version: version(notes.text),
        partition,
        request_expires,
        rules,
        denies,
        protected,
        people,
        break_glass,
        cases,
    }
}

fn partition(file: &mut Section<'_, '_>, notes: &mut Notes<'_>) -> String {
    let partition = file
        .text("partition", notes)
        .unwrap_or_else(|| "aws".to_owned());
    let is_partition = partition == "aws"
        || partition.strip_prefix("aws-").is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        });
    if !is_partition {
        file.note(
            "partition",
            "it is `aws`, `aws-cn`, `aws-us-gov` or another partition of AWS",
            notes,
        );
    }
    partition
}

/// Whether each section of this kind has a name of its own.
fn unique(file: &Section<'_, '_>, kind: &str, notes: &mut Notes<'_>) {
    let Some(DeValue::Array(sections)) = file.table.get(kind).map(Spanned::get_ref) else {
        return;
    };
    let mut seen = BTreeSet::new();
    for section in sections {
        let name = section
            .get_ref()
            .as_table()
            .and_then(|table| table.get("name"));
        let Some((name, at)) =
            name.and_then(|name| Some((name.get_ref().as_str()?, name.span().start)))
        else {
            continue;
        };
        if !seen.insert(name) {
            notes.add(
                at,
                format!("there are two of {kind} `{name}`; give each a name of its own"),
            );
        }
    }
}

fn rule(mut section: Section<'_, '_>, notes: &mut Notes<'_>) -> Option<Rule> {
    let name = section.name(notes);
    let reach = reach(&mut section, USUAL_MOST, notes);
    let usual = section.seconds("usual_duration", LONGEST, notes);
    let needed = section.whole("approvals", notes).unwrap_or(1);
    let doors = section.parsed_set("channels", notes, |text| match text {
        "slack" => Ok(Door::Slack),
        "iam" => Ok(Door::Iam),
        _ => Err("it is `slack` or `iam`"),
    });
    let approvers = if let Some(approvers) = section.section("approvers", notes) {
        approvers_of(approvers, notes)
    } else {
        section.note(
            "approvers",
            "nobody may say yes; add `[rule.approvers]`",
            notes,
        );
        Approvers::default()
    };
    if section.has("channels") && doors.is_empty() {
        section.note(
            "channels",
            "name `slack`, `iam` or both; leave it out for both",
            notes,
        );
    }
    let doors = if doors.is_empty() {
        BTreeSet::from([Door::Slack, Door::Iam])
    } else {
        doors
    };
    if !(1..=10).contains(&needed) {
        section.note("approvals", "it is a number from 1 to 10", notes);
    }
    if !doors.iter().any(|door| approvers.can_come_by(*door)) {
        section.note("approvers", "nobody can say yes by these `channels`", notes);
    }
    let most = reach.most_seconds;
    if usual.is_some_and(|usual| usual > most) {
        section.note("usual_duration", "it is more than `max_duration`", notes);
    }
    section.end(notes);
    Some(Rule {
        name,
        usual_seconds: usual.unwrap_or(USUAL).min(most),
        reach,
        approvers,
        needed: usize::try_from(needed).ok()?,
        doors,
    })
}

fn reach(section: &mut Section<'_, '_>, usual_most: u64, notes: &mut Notes<'_>) -> Reach {
    let clusters = section.parsed("clusters", notes);
    let principals = section.patterns("principals", notes);
    let sets = section.texts("permission_sets", notes);
    let accounts: Vec<AccountId> = section.parsed("accounts", notes);
    let users = section.flag("users", notes);
    let mut policies: Vec<AccessPolicy> = section.parsed("policies", notes);
    let knows_edit = section.flag("edit_reads_secrets_and_runs_commands", notes);
    let namespaces: BTreeSet<_> = section.parsed("namespaces", notes).into_iter().collect();
    let most = section
        .seconds("max_duration", LONGEST, notes)
        .unwrap_or(usual_most);
    let missing = [
        ("clusters", clusters.is_empty(), "name at least one cluster"),
        (
            "principals",
            principals.is_empty() && sets.is_empty(),
            "name `principals`, or `permission_sets` with `accounts`",
        ),
        (
            "namespaces",
            namespaces.is_empty(),
            "name at least one namespace",
        ),
        (
            "accounts",
            sets.is_empty() != accounts.is_empty(),
            "`permission_sets` and `accounts` go together",
        ),
        (
            "users",
            !users && principals.iter().any(ArnPattern::is_of_users),
            "IAM users have keys that last; say `users = true` if they are meant",
        ),
        (
            "policies",
            !knows_edit && policies.contains(&AccessPolicy::Edit),
            "AmazonEKSEditPolicy reads and writes secrets, runs commands in pods and acts as service accounts; say \
             `edit_reads_secrets_and_runs_commands = true` if that is meant",
        ),
    ];
    for (key, is_wrong, why) in missing {
        if is_wrong {
            section.note(key, why, notes);
        }
    }
    for set in sets.iter().filter(|set| !is_permission_set(set)) {
        section.note(
            "permission_sets",
            &format!("`{set}` is no name of a permission set"),
            notes,
        );
    }
    if policies.is_empty() {
        policies.push(AccessPolicy::View);
    }
    policies.sort_unstable();
    policies.dedup();
    let permission_sets = accounts
        .iter()
        .flat_map(|account| sets.iter().map(|set| (account.clone(), set.clone())))
        .collect();
    Reach {
        clusters,
        principals,
        permission_sets,
        policies,
        namespaces,
        most_seconds: most,
    }
}

/// IAM Identity Center API reference, `PermissionSetName`: `[\w+=,.@-]+`, at most 32.
fn is_permission_set(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
}

fn approvers_of(mut section: Section<'_, '_>, notes: &mut Notes<'_>) -> Approvers {
    let approvers = Approvers {
        slack_users: section.parsed_set("slack_users", notes, |text| slack_id(text, &['U', 'W'])),
        slack_groups: section.parsed_set("slack_groups", notes, |text| slack_id(text, &['S'])),
        iam: section.callers("iam", notes),
    };
    section.end(notes);
    approvers
}

fn slack_id(text: &str, kinds: &[char]) -> Result<String, &'static str> {
    let is_digit = |b: u8| b.is_ascii_digit() || b.is_ascii_uppercase();
    if text.starts_with(kinds) && (9..=24).contains(&text.len()) && text.bytes().all(is_digit) {
        Ok(text.to_owned())
    } else {
        Err(
            "it is Slack's id of a person (U0123456789) or of a user group (S0123456789), and no name",
        )
    }
}

fn deny(mut section: Section<'_, '_>, notes: &mut Notes<'_>) -> Deny {
    let deny = Deny {
        name: section.name(notes),
        principals: section.patterns("principals", notes),
        clusters: section.parsed("clusters", notes),
        policies: section.parsed("policies", notes),
        namespaces: section.parsed("namespaces", notes).into_iter().collect(),
    };
    section.end(notes);
    deny
}

fn person(mut section: Section<'_, '_>, notes: &mut Notes<'_>) -> Person {
    let person = Person {
        name: section.name(notes),
        slack: section.parsed_set("slack", notes, |text| slack_id(text, &['U', 'W'])),
        iam: section.callers("iam", notes),
        sessions: section.texts("sessions", notes).into_iter().collect(),
        principals: section.patterns("principals", notes),
    };
    section.end(notes);
    person
}

fn glass(mut section: Section<'_, '_>, notes: &mut Notes<'_>) -> BreakGlass {
    let reach = reach(&mut section, USUAL, notes);
    let callers = Approvers {
        iam: section.callers("callers", notes),
        ..Approvers::default()
    };
    if callers.iam.is_empty() {
        section.note(
            "callers",
            "nobody may break the glass; name `callers`, or leave `[break_glass]` out",
            notes,
        );
    }
    let review_within = section
        .seconds("review_within", LONGEST_WAIT, notes)
        .unwrap_or(24 * 60 * 60);
    section.end(notes);
    BreakGlass {
        callers,
        reach,
        review_within,
    }
}

fn case(mut section: Section<'_, '_>, notes: &mut Notes<'_>) -> Option<Case> {
    let name = section.name(notes);
    let line = notes.line(section.at);
    let cluster = section.one("cluster", notes);
    let principal = section.one("principal", notes);
    let account = section.optional("account", notes);
    let policy = section
        .optional("policy", notes)
        .unwrap_or(AccessPolicy::View);
    let namespaces: Vec<Namespace> = section.parsed("namespaces", notes);
    let seconds = section
        .seconds("duration", u64::MAX, notes)
        .unwrap_or(USUAL);
    let session = section.text("session", notes);
    let approvers: Vec<Approver> = section
        .sections("approver")
        .into_iter()
        .filter_map(|section| case_approver(section, notes))
        .collect();
    let is_glass = section.flag("break_glass", notes);
    if !approvers.is_empty() && namespaces.is_empty() {
        section.note(
            "approver",
            "name the `namespaces` that they say yes to",
            notes,
        );
    }
    if is_glass && approvers.len() != 1 {
        section.note("break_glass", "one `approver` breaks the glass", notes);
    }
    let expected = section.text("expect", notes).unwrap_or_default();
    if !Case::EXPECTATIONS.contains(&expected.as_str()) {
        let words = format!("it is one of {}", Case::EXPECTATIONS.join(", "));
        section.note("expect", &words, notes);
    }
    section.end(notes);
    Some(Case {
        line,
        name,
        cluster: cluster?,
        principal: principal?,
        account,
        terms: super::Terms::new(policy, namespaces, seconds),
        session,
        approvers,
        is_glass,
        expected,
    })
}

fn case_approver(mut section: Section<'_, '_>, notes: &mut Notes<'_>) -> Option<Approver> {
    let user = section.text("slack", notes);
    let groups = section.texts("groups", notes).into_iter().collect();
    let caller = section.text("iam", notes);
    let approver = match (user, caller) {
        (Some(user), None) => Some(Approver::Slack {
            team: "T".to_owned(),
            user,
            groups,
        }),
        (None, Some(arn)) => {
            let approver = Approver::from_caller_arn(&arn);
            if approver.is_none() {
                let words = "it is the caller's ARN: `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`, or a user's";
                section.note("iam", words, notes);
            }
            approver
        }
        _ => {
            section.note(
                "slack",
                "an approver is `{ slack = \"U…\", groups = [\"S…\"] }` or `{ iam = \"arn:…\" }`",
                notes,
            );
            None
        }
    };
    section.end(notes);
    approver
}

/// The mistakes so far.
struct Notes<'t> {
    text: &'t str,
    /// That of every ARN in the file.
    partition: String,
    all: Vec<Mistake>,
}

impl Notes<'_> {
    fn line(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or_default();
        before.bytes().filter(|b| *b == b'\n').count() + 1
    }

    fn add(&mut self, at: usize, what: String) {
        let line = self.line(at);
        self.all.push(Mistake { line, what });
    }

    fn mistakes(mut self) -> Mistakes {
        self.all.sort();
        Mistakes(self.all)
    }
}

/// One table of the file, whose keys are taken one by one: what is left in the end is a mistake.
struct Section<'d, 't> {
    table: &'d DeTable<'t>,
    at: usize,
    place: String,
    taken: BTreeSet<&'static str>,
}

impl<'d, 't> Section<'d, 't> {
    fn new(table: &'d Spanned<DeTable<'t>>, place: String) -> Self {
        Self {
            table: table.get_ref(),
            at: table.span().start,
            place,
            taken: BTreeSet::new(),
        }
    }

    fn get(&mut self, key: &'static str) -> Option<&'d Spanned<DeValue<'t>>> {
        self.taken.insert(key);
        self.table.get(key)
    }

    fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    fn at_of(&self, key: &str) -> usize {
        self.table
            .get(key)
            .map_or(self.at, |value| value.span().start)
    }

    fn note(&self, key: &str, why: &str, notes: &mut Notes<'_>) {
        notes.add(self.at_of(key), format!("{}`{key}`: {why}", self.place));
    }

    /// The `name`, which then stands for the section in what is said of it.
    fn name(&mut self, notes: &mut Notes<'_>) -> String {
        let name = self.text("name", notes).unwrap_or_default();
        let is_fit = |c: char| c.is_ascii_alphanumeric() || " -_.,'()/".contains(c);
        if name.is_empty() || name.len() > 80 || !name.chars().all(is_fit) {
            self.note(
                "name",
                "give it a name: letters, digits, spaces and `-_.,'()/`, at most 80",
                notes,
            );
        } else {
            self.place = format!(
                "{}`{name}`, ",
                self.place.trim_end_matches(", ").to_owned() + " "
            );
        }
        name
    }

    fn text(&mut self, key: &'static str, notes: &mut Notes<'_>) -> Option<String> {
        if let DeValue::String(text) = self.get(key)?.get_ref() {
            return Some(text.clone().into_owned());
        }
        self.note(key, "it is text in quotes", notes);
        None
    }

    fn whole(&mut self, key: &'static str, notes: &mut Notes<'_>) -> Option<u64> {
        let value = self.get(key)?.get_ref();
        let number = match value {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.note(key, "it is a whole number", notes);
        }
        number
    }

    fn flag(&mut self, key: &'static str, notes: &mut Notes<'_>) -> bool {
        match self.get(key).map(Spanned::get_ref) {
            None => false,
            Some(DeValue::Boolean(flag)) => *flag,
            Some(_) => {
                self.note(key, "it is `true` or `false`", notes);
                false
            }
        }
    }

    /// A time such as `30s`, `15m`, `4h` or `2d`, in seconds.
    fn seconds(&mut self, key: &'static str, most: u64, notes: &mut Notes<'_>) -> Option<u64> {
        let text = self.text(key, notes)?;
        let seconds = seconds(&text).filter(|seconds| (1..=most).contains(seconds));
        if seconds.is_none() {
            let most = if most == u64::MAX {
                String::new()
            } else {
                format!(", at most `{}h`", most / 3600)
            };
            self.note(key, &format!("it reads `30s`, `15m` or `4h`{most}"), notes);
        }
        seconds
    }

    fn texts(&mut self, key: &'static str, notes: &mut Notes<'_>) -> Vec<String> {
        self.parsed_set(key, notes, |text| Ok::<_, String>(text.to_owned()))
            .into_iter()
            .collect()
    }

    fn parsed<T: FromStr<Err: fmt::Display> + Ord>(
        &mut self,
        key: &'static str,
        notes: &mut Notes<'_>,
    ) -> Vec<T> {
        self.parsed_set(key, notes, str::parse::<T>)
            .into_iter()
            .collect()
    }

    fn parsed_set<T: Ord, E: fmt::Display>(
        &mut self,
        key: &'static str,
        notes: &mut Notes<'_>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> BTreeSet<T> {
        let Some(value) = self.get(key) else {
            return BTreeSet::new();
        };
        let DeValue::Array(items) = value.get_ref() else {
            self.note(key, "it is a list: `[\"…\", \"…\"]`", notes);
            return BTreeSet::new();
        };
        let mut all = BTreeSet::new();
        for item in items {
            let at = item.span().start;
            match item.get_ref() {
                DeValue::String(text) => match parse(text) {
                    Ok(value) => {
                        all.insert(value);
                    }
                    Err(why) => notes.add(at, format!("{}`{key}`: `{text}`: {why}", self.place)),
                },
                _ => notes.add(at, format!("{}`{key}`: each is text in quotes", self.place)),
            }
        }
        all
    }

    /// Patterns of principals, all of the file's partition.
    fn patterns(&mut self, key: &'static str, notes: &mut Notes<'_>) -> Vec<ArnPattern> {
        let partition = notes.partition.clone();
        let parse = |text: &str| {
            let pattern: ArnPattern = text.parse().map_err(str::to_owned)?;
            if text.split(':').nth(1) == Some(partition.as_str()) {
                Ok(pattern)
            } else {
                Err(format!(
                    "it is not of the partition `{partition}`; set `partition`"
                ))
            }
        };
        self.parsed_set(key, notes, parse).into_iter().collect()
    }

    /// Patterns of callers: as API Gateway names them, which is without paths.
    fn callers(&mut self, key: &'static str, notes: &mut Notes<'_>) -> Vec<ArnPattern> {
        let patterns = self.patterns(key, notes);
        for pattern in &patterns {
            let parts = pattern.resource().split('/').count();
            let role = pattern
                .as_str()
                .rsplit_once('/')
                .map_or("", |(role, _)| role);
            let is_of_set = names_its_sessions(&role.replace('*', "x").replace('?', "0"))
                || role.contains("/AWSReservedSSO_");
            if !pattern.is_of_users() && parts > 2 && !(parts == 3 && is_of_set) {
                let words = format!(
                    "`{pattern}`: AWS names callers without their role's path: `role/NAME`; a session behind it can be \
                     believed of roles of IAM Identity Center only: `role/AWSReservedSSO_SET_*/SESSION`"
                );
                self.note(key, &words, notes);
            }
        }
        patterns
    }

    fn one<T: FromStr<Err: fmt::Display>>(
        &mut self,
        key: &'static str,
        notes: &mut Notes<'_>,
    ) -> Option<T> {
        if self.table.get(key).is_none() {
            self.note(key, "it is missing", notes);
        }
        self.optional(key, notes)
    }

    fn optional<T: FromStr<Err: fmt::Display>>(
        &mut self,
        key: &'static str,
        notes: &mut Notes<'_>,
    ) -> Option<T> {
        let text = self.text(key, notes)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(why) => {
                self.note(key, &format!("`{text}`: {why}"), notes);
                None
            }
        }
    }

    /// The one table of this key.
    fn section(&mut self, key: &'static str, notes: &mut Notes<'_>) -> Option<Section<'d, 't>> {
        let mut sections = self.sections(key).into_iter();
        let first = sections.next();
        for more in sections {
            notes.add(more.at, format!("{}there can be only one", more.place));
        }
        first
    }

    /// The tables of this key: one, or a list of them.
    fn sections(&mut self, key: &'static str) -> Vec<Section<'d, 't>> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let place = format!("{}{key}, ", self.place);
        let of = |value: &'d Spanned<DeValue<'t>>| match value.get_ref() {
            DeValue::Table(table) => Some(Section {
                table,
                at: value.span().start,
                place: place.clone(),
                taken: BTreeSet::new(),
            }),
            _ => None,
        };
        let found: Vec<_> = match value.get_ref() {
            DeValue::Array(items) => items.iter().map(of).collect(),
            _ => vec![of(value)],
        };
        if found.iter().any(Option::is_none) {
            // Told as a key that is not known: `rule = 1` is no rule.
            self.taken.remove(key);
        }
        found.into_iter().flatten().collect()
    }

    /// Whatever was not taken is a mistake: a typing error in a guardrail must not open it.
    fn end(self, notes: &mut Notes<'_>) {
        for key in self.table.keys() {
            if !self.taken.contains(key.get_ref().as_ref()) {
                let what = format!(
                    "{}`{}`: nothing here is called so",
                    self.place,
                    key.get_ref()
                );
                notes.add(key.span().start, what);
            }
        }
    }
}

/// `90s`, `15m`, `4h`, `1d`, in seconds.
fn seconds(text: &str) -> Option<u64> {
    let unit = text.chars().last()?;
    let number = text.strip_suffix(unit)?;
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u64 = number.parse().ok()?;
    let of_unit = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    number.checked_mul(of_unit)
}
