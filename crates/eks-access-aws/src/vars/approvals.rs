//! The variables of approver, granter and revoker.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use eks_access::cluster::Region;
use eks_access::policy::Guardrails;
use eks_access::principal::{NotAPrincipal, Principal};

use super::{
    ACCOUNT_LABELS, APPROVAL_KEY, AWS_REGION, Asking, GRANTER_FUNCTION, GUARDRAILS_FILE,
    GUARDRAILS_VERSION, METRICS_NAMESPACE, Mistakes, NEWS_CHANNEL, OWN_REQUESTS_TABLE, OWN_ROLES,
    REQUESTS_TABLE, Reader, SLACK_API_URL, SLACK_APP, SLACK_SECRET, SLACK_TEAMS, TOPIC_ARN,
    Variable, secret_name, table_name,
};
use crate::emf::Namespace;
use crate::log::{Entry, Level};
use crate::slack::SlackUrl;
use crate::sns::TopicArn;

/// The approver's variables, in the order of its documentation.
pub const APPROVER: &[Variable] = &[
    OWN_REQUESTS_TABLE,
    GUARDRAILS_FILE,
    GUARDRAILS_VERSION,
    GRANTER_FUNCTION,
    APPROVAL_KEY,
    TOPIC_ARN,
    SLACK_SECRET,
    NEWS_CHANNEL,
    SLACK_TEAMS,
    SLACK_APP,
    ACCOUNT_LABELS,
    SLACK_API_URL,
    METRICS_NAMESPACE,
    AWS_REGION,
];

/// The granter's variables, in the order of its documentation.
pub const GRANTER: &[Variable] = &[
    OWN_REQUESTS_TABLE,
    GUARDRAILS_FILE,
    GUARDRAILS_VERSION,
    APPROVAL_KEY,
    OWN_ROLES,
    TOPIC_ARN,
    SLACK_SECRET,
    SLACK_API_URL,
    METRICS_NAMESPACE,
    AWS_REGION,
];

/// The revoker's variables, in the order of its documentation.
pub const REVOKER: &[Variable] = &[
    OWN_REQUESTS_TABLE,
    GUARDRAILS_FILE,
    GUARDRAILS_VERSION,
    TOPIC_ARN,
    SLACK_SECRET,
    SLACK_API_URL,
    METRICS_NAMESPACE,
    AWS_REGION,
];

/// What approver, granter and revoker have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Common {
    /// Where requests are kept, and what may be granted.
    pub requests: Asking,
    /// [`TOPIC_ARN`].
    pub topic: TopicArn,
    /// [`SLACK_SECRET`] and [`SLACK_API_URL`]; `None` without a secret.
    pub slack: Option<(String, SlackUrl)>,
    /// [`METRICS_NAMESPACE`].
    pub namespace: Namespace,
    /// [`AWS_REGION`].
    pub region: Region,
}

/// The approver's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    /// What it has in common with the others.
    pub common: Common,
    /// [`GRANTER_FUNCTION`].
    pub granter: String,
    /// [`APPROVAL_KEY`].
    pub key: String,
    /// [`NEWS_CHANNEL`].
    pub channel: Option<String>,
    /// [`SLACK_TEAMS`].
    pub teams: BTreeSet<String>,
    /// [`SLACK_APP`].
    pub app: Option<String>,
    /// [`ACCOUNT_LABELS`].
    pub labels: BTreeMap<String, String>,
}

/// The granter's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granter {
    /// What it has in common with the others.
    pub common: Common,
    /// [`APPROVAL_KEY`].
    pub key: String,
    /// [`OWN_ROLES`].
    pub own_roles: Vec<Principal>,
}

/// The revoker's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoker {
    /// What it has in common with the others.
    pub common: Common,
}

fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

impl Approver {
    /// Reads it from the process' environment.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn from_environment() -> Result<Self, Mistakes> {
        let mut reader = Reader::new(environment);
        let common = reader.common();
        let granter = reader.read(&GRANTER_FUNCTION, function_name);
        let key = reader.read(&APPROVAL_KEY, secret_name);
        let channel = reader.read(&NEWS_CHANNEL, |text| id(text, &['C', 'G']));
        let teams = reader.read(&SLACK_TEAMS, teams).unwrap_or_default();
        let app = reader.read(&SLACK_APP, |text| id(text, &['A']));
        let labels = reader.read(&ACCOUNT_LABELS, labels).unwrap_or_default();
        let has_slack = common.as_ref().is_some_and(|common| common.slack.is_some());
        if has_slack && (teams.is_empty() || app.is_none()) {
            let why = "SLACK_SECRET is set; set SLACK_TEAMS and SLACK_APP, or anybody's Slack could decide";
            reader.mistakes.push(why.to_owned());
        }
        let approver = move || {
            Some(Self {
                common: common?,
                granter: granter?,
                key: key?,
                channel,
                teams,
                app,
                labels,
            })
        };
        reader.finish(approver())
    }
}

impl Granter {
    /// Reads it from the process' environment.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn from_environment() -> Result<Self, Mistakes> {
        let mut reader = Reader::new(environment);
        let common = reader.common();
        let key = reader.read(&APPROVAL_KEY, secret_name);
        let own_roles = reader.read(&OWN_ROLES, roles).unwrap_or_default();
        let granter = move || {
            Some(Self {
                common: common?,
                key: key?,
                own_roles,
            })
        };
        reader.finish(granter())
    }
}

impl Revoker {
    /// Reads it from the process' environment.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn from_environment() -> Result<Self, Mistakes> {
        let mut reader = Reader::new(environment);
        reader.is_lenient = true;
        let common = reader.common();
        reader.finish(common.map(|common| Self { common }))
    }
}

impl<G: Fn(&str) -> Option<OsString>> Reader<G> {
    fn new(get: G) -> Self {
        Self {
            get,
            mistakes: Vec::new(),
            is_lenient: false,
        }
    }

    fn finish<T>(self, whole: Option<T>) -> Result<T, Mistakes> {
        match whole {
            Some(whole) if self.mistakes.is_empty() => Ok(whole),
            _ => Err(Mistakes(self.mistakes)),
        }
    }

    fn common(&mut self) -> Option<Common> {
        let table = self.read(&OWN_REQUESTS_TABLE, table_name);
        let guardrails = self.guardrails();
        let topic = self.read(&TOPIC_ARN, str::parse::<TopicArn>);
        let secret = self.read(&SLACK_SECRET, secret_name);
        let url = self.read(&SLACK_API_URL, str::parse::<SlackUrl>);
        let namespace = self.read(&METRICS_NAMESPACE, str::parse::<Namespace>);
        let region = self.read(&AWS_REGION, str::parse::<Region>);
        Some(Common {
            requests: Asking {
                table: table?,
                guardrails: guardrails?,
            },
            topic: topic?,
            slack: secret.zip(url),
            namespace: namespace?,
            region: region?,
        })
    }

    /// The responder's: without a table the guardrails are not even looked for.
    pub(super) fn requests(&mut self) -> Option<Asking> {
        let table = self.read(&REQUESTS_TABLE, table_name)?;
        // People are to hear of denials, whatever may be granted; the granter does not start with other guardrails.
        self.is_lenient = true;
        let guardrails = self.guardrails()?;
        Some(Asking { table, guardrails })
    }

    fn guardrails(&mut self) -> Option<Guardrails> {
        let version = self.read(&GUARDRAILS_VERSION, |text| Ok::<_, String>(text.to_owned()));
        let read = |path: &str| match std::fs::read_to_string(path) {
            Ok(text) => {
                Guardrails::parse(&text).map_err(|mistakes| format!("it has mistakes:\n{mistakes}"))
            }
            Err(error) => Err(format!("it can't be read: {error}")),
        };
        let before = self.mistakes.len();
        let Some(guardrails) = self.read(&GUARDRAILS_FILE, read) else {
            if self.is_lenient {
                // Nothing is granted by them here; what is there is to end all the same, and people are to hear of denials.
                for mistake in self.mistakes.drain(before..) {
                    Entry::new(
                        Level::Error,
                        "the guardrails can't be read; nothing is offered",
                    )
                    .with("detail", mistake)
                    .write();
                }
                return Guardrails::parse("version = 1").ok();
            }
            return None;
        };
        let is_another = version
            .as_ref()
            .is_some_and(|version| *version != guardrails.version);
        // Who only takes away must not stop because of what may be given.
        if is_another && !self.is_lenient {
            self.mistakes.push(format!(
                "GUARDRAILS_FILE has the version {}, and the IAM policies were made from {}; run `make guardrails build`, \
                 and deploy both",
                guardrails.version,
                version.unwrap_or_default()
            ));
            return None;
        }
        Some(guardrails)
    }
}

fn function_name(text: &str) -> Result<String, &'static str> {
    let is_fit = |b: u8| b.is_ascii_alphanumeric() || b":_-".contains(&b);
    if (1..=170).contains(&text.len()) && text.bytes().all(is_fit) {
        Ok(text.to_owned())
    } else {
        Err("it is the name or the ARN of a function")
    }
}

fn id(text: &str, kinds: &[char]) -> Result<String, &'static str> {
    let is_fit = |b: u8| b.is_ascii_digit() || b.is_ascii_uppercase();
    if text.starts_with(kinds) && (9..=24).contains(&text.len()) && text.bytes().all(is_fit) {
        Ok(text.to_owned())
    } else {
        Err("it is an id of Slack, such as A0123456789")
    }
}

fn teams(text: &str) -> Result<BTreeSet<String>, &'static str> {
    words(text).map(|word| id(word, &['T', 'E'])).collect()
}

fn roles(text: &str) -> Result<Vec<Principal>, NotAPrincipal> {
    words(text).map(str::parse::<Principal>).collect()
}

fn labels(text: &str) -> Result<BTreeMap<String, String>, &'static str> {
    const FORM: &str = "it reads `111122223333=production`, with commas between";
    words(text)
        .map(|word| {
            let (account, label) = word.split_once('=').ok_or(FORM)?;
            let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
            let is_label = (1..=60).contains(&label.len()) && !label.chars().any(char::is_control);
            (is_account && is_label)
                .then(|| (account.to_owned(), label.to_owned()))
                .ok_or(FORM)
        })
        .collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}
