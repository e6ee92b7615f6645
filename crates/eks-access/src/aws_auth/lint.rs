//! What is wrong with an aws-auth `ConfigMap`: the line, what follows from it, and what to do.

use super::{Account, AwsAuth, AwsAuthError, Breakage, OtherKey, Section, SectionError, Standing};
use crate::text::LogText;

mod row;

/// How much of a file's text is shown.
const SHOWN: usize = 120;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Somebody is, or will be, locked out, or let in further than anybody wants.
    Error,
    /// It does something else than it seems to.
    Warning,
    /// Worth knowing.
    Info,
}

impl Level {
    /// The stable name in machine output.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// One thing that is wrong. Its texts are fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The stable name of the rule.
    pub rule: &'static str,
    /// How bad it is.
    pub level: Level,
    /// The line of the file, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What follows from it.
    pub consequence: String,
    /// What to do.
    pub fix: String,
}

impl Finding {
    fn new(
        (level, rule): (Level, &'static str),
        line: usize,
        what: impl Into<String>,
        consequence: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            level,
            line,
            what: what.into(),
            consequence: consequence.into(),
            fix: fix.into(),
        }
    }
}

fn shown(text: &LogText) -> String {
    text.shown(SHOWN)
}

/// Everything that is wrong, in the order of the lines.
#[must_use]
pub fn lint(auth: &AwsAuth) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(auth.elsewhere().map(elsewhere));
    findings.extend(auth.errors().iter().map(broken));
    findings.extend(auth.unread().iter().map(unread));
    findings.extend(without_data(auth));
    findings.extend(auth.other_keys().iter().map(other_key));
    findings.extend(auth.rows().iter().flat_map(row::findings));
    findings.extend(auth.accounts().iter().flat_map(account));
    findings.extend(without_nodes(auth));
    findings.sort_by_key(|finding| (finding.line, finding.level));
    findings
}

/// What is wrong with a file that can't be read at all; `None` if it is no aws-auth `ConfigMap`.
#[must_use]
pub fn unreadable(error: &AwsAuthError) -> Option<Finding> {
    let AwsAuthError::Yaml { line, what } = error else {
        return None;
    };
    Some(Finding::new(
        (Level::Error, "yaml"),
        *line,
        format!("the file is not YAML: {}", shown(what)),
        "kubectl refuses it; what is in the cluster stays as it is",
        "mend the line: spaces for tabs, one depth for the keys of one mapping, every line of a section deeper than \
         its key",
    ))
}

fn elsewhere((what, line): (&LogText, usize)) -> Finding {
    Finding::new(
        (Level::Error, "other-configmap"),
        line,
        format!("it is the ConfigMap of {}", shown(what)),
        "the authenticator reads aws-auth in kube-system and no other; nothing in this file lets anybody in",
        "name it aws-auth, in the namespace kube-system",
    )
}

/// Who is out when a section is lost.
fn lost(section: Section) -> &'static str {
    match section {
        Section::Roles => {
            "every role of mapRoles is locked out, nodes too: they turn NotReady; mapUsers and access entries go on working"
        }
        Section::Users => {
            "every user of mapUsers is locked out; mapRoles and access entries go on working"
        }
        Section::Accounts => "mapAccounts lets nobody in; the other sections go on working",
    }
}

fn broken(error: &SectionError) -> Finding {
    let key = error.section.key();
    let (rule, what, fix) = match &error.breakage {
        Breakage::Yaml(words) => (
            "section-yaml",
            format!(
                "{key} is not YAML in its line {}: {}",
                error.inner_line,
                shown(words)
            ),
            "mend the line: spaces for tabs, a dash before every row, quotes around a value with `: ` or one that begins \
             with a sign",
        ),
        Breakage::UnquotedBraces => (
            "unquoted-template",
            format!(
                "{key} has a value in braces without quotes in its line {}",
                error.inner_line
            ),
            "put quotes around it: username: \"{{SessionName}}\"",
        ),
        Breakage::NotText => (
            "section-not-text",
            format!("{key} is a list, not text: the `|` after the key is missing"),
            "write the key with a bar, and indent what follows: the API server takes nothing but text here",
        ),
        Breakage::NotAList => (
            "section-not-a-list",
            format!("{key} is no list of rows"),
            "begin every row with a dash",
        ),
        Breakage::TooLarge => (
            "section-too-large",
            format!("{key} is nested deeper, or is larger, than anything people write"),
            "write it without aliases",
        ),
    };
    let consequence = if error.breakage == Breakage::NotText {
        "the API server refuses the file; what is in the cluster stays as it is"
    } else {
        lost(error.section)
    };
    Finding::new((Level::Error, rule), error.line, what, consequence, fix)
}

fn unread((section, line): &(Section, usize)) -> Finding {
    let key = section.key();
    Finding::new(
        (Level::Error, "section-second-document"),
        *line,
        format!("a line `---` begins another document within {key}"),
        "the authenticator reads the first and no other, without a word; the rows behind the line let nobody in",
        "take the line with the three dashes out",
    )
}

fn without_data(auth: &AwsAuth) -> Option<Finding> {
    auth.is_without_data().then(|| {
        Finding::new(
            (Level::Warning, "no-data"),
            1,
            "the ConfigMap has no data",
            "it lets nobody in; whoever had a row loses it as soon as this is applied",
            "put mapRoles under `data:`, or delete the ConfigMap if only access entries are to count",
        )
    })
}

fn other_key(other: &OtherKey) -> Finding {
    let key = shown(&other.key);
    match other.like {
        Some(section) => Finding::new(
            (Level::Error, "section-key-case"),
            other.line,
            format!("the key is `{key}`"),
            format!(
                "the authenticator reads `{}` and no other spelling, and ignores this silently; {}",
                section.key(),
                lost(section)
            ),
            format!("call it `{}`", section.key()),
        ),
        None => Finding::new(
            (Level::Info, "unknown-key"),
            other.line,
            format!("the key `{key}` means nothing here"),
            "the authenticator ignores it",
            "take it out, or call it mapRoles, mapUsers or mapAccounts if it was meant as one",
        ),
    }
}

fn account(account: &Account) -> Vec<Finding> {
    let id = shown(&account.id);
    let digits = account.id.raw();
    if digits.len() != 12 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return vec![Finding::new(
            (Level::Warning, "account-form"),
            account.line,
            format!("`{id}` is no account"),
            "it matches nobody",
            "write the 12 digits of the account, in quotes",
        )];
    }
    vec![Finding::new(
        (Level::Warning, "account-mapped"),
        account.line,
        format!("every principal of account {id} may log in"),
        "each gets its ARN as user name and no groups; whoever can make a role there gets a name of their choice here",
        "list the roles that need access in mapRoles, or give them access entries, and take the account out",
    )]
}

/// Where no row lets nodes in, they need access entries.
fn without_nodes(auth: &AwsAuth) -> Option<Finding> {
    let is_node = |row: &super::Row| {
        row.is_for_nodes() && matches!(row.standing, Standing::Counts | Standing::BrokenSection)
    };
    let is_unknown = auth.error_in(Section::Roles).is_some();
    (!is_unknown && !auth.rows().iter().any(is_node)).then(|| {
        Finding::new(
            (Level::Info, "no-node-rows"),
            1,
            "no row lets nodes in",
            "nodes join only if access entries let them: EKS makes those itself for managed node groups and Fargate \
             profiles, unless the authentication mode is CONFIG_MAP",
            "in the mode CONFIG_MAP, or with self-managed nodes that have no access entry, add the row of the nodes' \
             role with system:bootstrappers and system:nodes",
        )
    })
}
