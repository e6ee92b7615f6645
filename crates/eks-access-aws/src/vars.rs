//! The environment variables of every function: one table each, read once, at start, with all mistakes at once.
//!
//! Nothing else reads the environment, except the AWS SDK (`AWS_REGION`, credentials, `AWS_ENDPOINT_URL`) and the
//! Lambda runtime (`AWS_LAMBDA_*`). README and templates are compared with the tables.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use eks_access::cluster::Region;
use eks_access::policy::Guardrails;
use eks_access::principal::AccountId;
use eks_access::route::{Channel, Routes};

use crate::emf::Namespace;
use crate::slack::SlackUrl;
use crate::sns::TopicArn;

/// One variable of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What happens without it.
    pub need: Need,
    /// What it says, for people: a sentence without a full stop.
    pub meaning: &'static str,
}

/// Whether a variable must be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The function does not start without it.
    Required,
    /// Stands for it when it is not set, or empty.
    Default(&'static str),
    /// May be missing or empty.
    Optional,
    /// Lambda sets it; nobody configures it.
    ByLambda,
}

/// Where notices go.
pub const TOPIC_ARN: Variable = Variable {
    name: "TOPIC_ARN",
    need: Need::Required,
    meaning: "ARN of the SNS topic that gets the notices; a standard topic, of any Region",
};
/// How much one payload may unfold to.
pub const MAX_DECODED_BYTES: Variable = Variable {
    name: "MAX_DECODED_BYTES",
    need: Need::Default("67108864"),
    meaning: "bytes that one log payload may unfold to, from 1048576 to 1073741824; a larger one is rejected and counted",
};
/// Which accounts are ours.
pub const OWN_ACCOUNTS: Variable = Variable {
    name: "OWN_ACCOUNTS",
    need: Need::Optional,
    meaning: "account ids, with commas between, whose principals are ours besides those of the cluster's own account; \
              everyone else's are folded into one notice per cluster",
};
/// Whether EKS and IAM are asked.
pub const FACTS: Variable = Variable {
    name: "FACTS",
    need: Need::Default("on"),
    meaning: "`on` to ask EKS and IAM why a principal is not let in, `off` to tell only what the line says",
};
/// How many notices one invocation sends.
pub const MAX_NOTICES: Variable = Variable {
    name: "MAX_NOTICES",
    need: Need::Default("50"),
    meaning: "notices that one invocation sends at most, from 1 to 1000, the gravest first; the rest are counted",
};
/// Where incidents are remembered.
pub const TABLE_NAME: Variable = Variable {
    name: "TABLE_NAME",
    need: Need::Optional,
    meaning: "name of the DynamoDB table in which incidents are remembered; without it every delivery is told by itself",
};
/// How many new incidents of a cluster are told one by one.
pub const MAX_NEW_PER_HOUR: Variable = Variable {
    name: "MAX_NEW_PER_HOUR",
    need: Need::Default("10"),
    meaning: "new incidents of a cluster that are told one by one in an hour, from 1 to 1000; the rest comes as a digest \
              (needs `TABLE_NAME`)",
};
/// Whether it is looked for granted logins.
pub const WATCH_LOGINS: Variable = Variable {
    name: "WATCH_LOGINS",
    need: Need::Default("on"),
    meaning: "`on` to look into the clusters' logs whether who was refused gets in by now, `off` to leave incidents \
              open (needs `TABLE_NAME`)",
};
/// What lets us into Slack.
pub const SLACK_SECRET: Variable = Variable {
    name: "SLACK_SECRET",
    need: Need::Optional,
    meaning: "ARN or name of the secret in Secrets Manager with `bot_token` or `webhook_url`; without it Slack hears nothing",
};
/// Where cards go.
pub const SLACK_CHANNEL: Variable = Variable {
    name: "SLACK_CHANNEL",
    need: Need::Optional,
    meaning: "id of the Slack channel that hears of what no route decides, or `webhook` for the channel of the secret's \
              incoming webhook",
};
/// Which channel hears of what.
pub const SLACK_ROUTES: Variable = Variable {
    name: "SLACK_ROUTES",
    need: Need::Optional,
    meaning: "routes: a JSON list of objects with `channel` (an id or `none`) and any of `cluster`, `account`, `severity` \
              (at least), `cause`, `mention`; the first that fits decides",
};
/// Whose people are told themselves.
pub const SLACK_PEOPLE: Variable = Variable {
    name: "SLACK_PEOPLE",
    need: Need::Optional,
    meaning: "mail domains, with commas between, whose people Slack tells themselves when their session's name is their \
              address",
};
/// Where Slack is.
pub const SLACK_API_URL: Variable = Variable {
    name: "SLACK_API_URL",
    need: Need::Default("https://slack.com/api/"),
    meaning: "address of Slack's API: `https://slack.com/api/` or `https://slack-gov.com/api/`",
};
/// Where requests for access are kept.
pub const REQUESTS_TABLE: Variable = Variable {
    name: "REQUESTS_TABLE",
    need: Need::Optional,
    meaning: "name of the DynamoDB table of requests and grants; without it nothing is offered (needs `TABLE_NAME` and \
              `FACTS`)",
};
/// The same, where nothing goes without it.
pub const OWN_REQUESTS_TABLE: Variable = Variable {
    name: "REQUESTS_TABLE",
    need: Need::Required,
    meaning: "name of the DynamoDB table of requests and grants",
};
/// The guardrails.
pub const GUARDRAILS_FILE: Variable = Variable {
    name: "GUARDRAILS_FILE",
    need: Need::Default("guardrails.toml"),
    meaning: "the guardrails file, which is packed beside the function",
};
/// Which guardrails the IAM policies were made from.
pub const GUARDRAILS_VERSION: Variable = Variable {
    name: "GUARDRAILS_VERSION",
    need: Need::Optional,
    meaning: "version of the guardrails that the IAM policies were made from (`eks-access policy version`); a file of \
              another version is refused",
};
/// Who grants.
pub const GRANTER_FUNCTION: Variable = Variable {
    name: "GRANTER",
    need: Need::Required,
    meaning: "name or ARN of the granter",
};
/// The key of the seals.
pub const APPROVAL_KEY: Variable = Variable {
    name: "APPROVAL_KEY",
    need: Need::Required,
    meaning: "ARN or name of the secret whose whole text is the key with which approvals are sealed, of at least 32 \
              characters",
};
/// Where Slack hears of what has no card.
pub const NEWS_CHANNEL: Variable = Variable {
    name: "SLACK_CHANNEL",
    need: Need::Optional,
    meaning: "id of the Slack channel that hears when somebody breaks the glass",
};
/// Whose Slack it is.
pub const SLACK_TEAMS: Variable = Variable {
    name: "SLACK_TEAMS",
    need: Need::Optional,
    meaning: "ids of the workspaces (`T…`) and organisations (`E…`) whose people may decide, with commas between (needs \
              `SLACK_SECRET`)",
};
/// Our app.
pub const SLACK_APP: Variable = Variable {
    name: "SLACK_APP",
    need: Need::Optional,
    meaning: "id of the Slack app (`A…`) whose buttons are ours (needs `SLACK_SECRET`)",
};
/// Names of accounts.
pub const ACCOUNT_LABELS: Variable = Variable {
    name: "ACCOUNT_LABELS",
    need: Need::Optional,
    meaning: "names of accounts for those who decide: `111122223333=production`, with commas between",
};
/// Our own roles.
pub const OWN_ROLES: Variable = Variable {
    name: "OWN_ROLES",
    need: Need::Optional,
    meaning: "ARNs of this product's own roles, with commas between, which are never let in",
};
/// Where metrics go.
pub const METRICS_NAMESPACE: Variable = Variable {
    name: "METRICS_NAMESPACE",
    need: Need::Default("EksAccessResponder"),
    meaning: "CloudWatch namespace of the metrics",
};
/// Where the function runs, which is where the clusters are.
pub const AWS_REGION: Variable = Variable {
    name: "AWS_REGION",
    need: Need::ByLambda,
    meaning: "Region of the function, which is that of its log groups and clusters",
};

/// The responder's variables, in the order of its documentation.
pub const RESPONDER: &[Variable] = &[
    TOPIC_ARN,
    OWN_ACCOUNTS,
    FACTS,
    MAX_NOTICES,
    MAX_DECODED_BYTES,
    TABLE_NAME,
    MAX_NEW_PER_HOUR,
    WATCH_LOGINS,
    SLACK_SECRET,
    SLACK_CHANNEL,
    SLACK_ROUTES,
    SLACK_PEOPLE,
    SLACK_API_URL,
    REQUESTS_TABLE,
    GUARDRAILS_FILE,
    GUARDRAILS_VERSION,
    METRICS_NAMESPACE,
    AWS_REGION,
];

/// The responder's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Responder {
    /// [`TOPIC_ARN`].
    pub topic: TopicArn,
    /// [`OWN_ACCOUNTS`].
    pub own_accounts: BTreeSet<AccountId>,
    /// [`FACTS`].
    pub asks_for_facts: bool,
    /// [`MAX_NOTICES`].
    pub max_notices: usize,
    /// [`MAX_DECODED_BYTES`].
    pub max_decoded_bytes: u64,
    /// What needs [`TABLE_NAME`]; `None` without it.
    pub memory: Option<Memory>,
    /// What needs [`SLACK_SECRET`]; `None` without it.
    pub slack: Option<ToSlack>,
    /// What needs [`REQUESTS_TABLE`]; `None` without it.
    pub requests: Option<Asking>,
    /// [`METRICS_NAMESPACE`].
    pub namespace: Namespace,
    /// [`AWS_REGION`].
    pub region: Region,
}

/// Where requests are kept, and what may be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// [`REQUESTS_TABLE`].
    pub table: String,
    /// What [`GUARDRAILS_FILE`] says.
    pub guardrails: Guardrails,
}

/// How incidents are remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// [`TABLE_NAME`].
    pub table: String,
    /// [`MAX_NEW_PER_HOUR`].
    pub max_new_per_hour: u64,
    /// [`WATCH_LOGINS`].
    pub watches_logins: bool,
}

/// How Slack is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToSlack {
    /// [`SLACK_SECRET`].
    pub secret: String,
    /// [`SLACK_CHANNEL`] and [`SLACK_ROUTES`]; `None` is the incoming webhook.
    pub routes: Option<Routes>,
    /// [`SLACK_PEOPLE`], in lower case.
    pub people: BTreeSet<String>,
    /// [`SLACK_API_URL`].
    pub url: SlackUrl,
}

impl Responder {
    /// Reads it from the process' environment.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn from_environment() -> Result<Self, Mistakes> {
        Self::read(|name| std::env::var_os(name))
    }

    /// Reads it from wherever `get` finds a variable.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn read(get: impl Fn(&str) -> Option<OsString>) -> Result<Self, Mistakes> {
        let mut reader = Reader {
            get,
            mistakes: Vec::new(),
            is_lenient: false,
        };
        let topic = reader.read(&TOPIC_ARN, str::parse::<TopicArn>);
        let own_accounts = reader.read(&OWN_ACCOUNTS, accounts);
        let asks_for_facts = reader.read(&FACTS, on_or_off);
        let max_notices = reader.read(&MAX_NOTICES, |text| whole(text, 1..=1000));
        let max_decoded_bytes =
            reader.read(&MAX_DECODED_BYTES, |text| whole(text, 1 << 20..=1 << 30));
        let memory = reader.memory();
        let slack = reader.slack();
        let requests = reader.requests();
        if requests.is_some() && (memory.is_none() || asks_for_facts == Some(false)) {
            let why = "REQUESTS_TABLE is set; requests need TABLE_NAME, and FACTS must be `on`";
            reader.mistakes.push(why.to_owned());
        }
        let namespace = reader.read(&METRICS_NAMESPACE, str::parse::<Namespace>);
        let region = reader.read(&AWS_REGION, str::parse::<Region>);
        let mistakes = std::mem::take(&mut reader.mistakes);
        let whole = move || {
            Some(Self {
                topic: topic?,
                own_accounts: own_accounts.unwrap_or_default(),
                asks_for_facts: asks_for_facts?,
                max_notices: max_notices?,
                max_decoded_bytes: max_decoded_bytes?,
                memory,
                slack,
                requests,
                namespace: namespace?,
                region: region?,
            })
        };
        match whole() {
            Some(whole) if mistakes.is_empty() => Ok(whole),
            _ => Err(Mistakes(mistakes)),
        }
    }
}

/// Whether Lambda started this process, rather than a person.
#[must_use]
pub fn is_in_lambda() -> bool {
    std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some()
}

/// Everything that is wrong with a function's configuration. Never empty, one line each when shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(Vec<String>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => write!(f, "the configuration has a mistake:\n  {one}"),
            many => {
                write!(f, "the configuration has {} mistakes:", many.len())?;
                many.iter()
                    .try_for_each(|mistake| write!(f, "\n  {mistake}"))
            }
        }
    }
}

impl std::error::Error for Mistakes {}

struct Reader<G> {
    get: G,
    mistakes: Vec<String>,
    /// Whether guardrails of another version are taken.
    is_lenient: bool,
}

impl<G: Fn(&str) -> Option<OsString>> Reader<G> {
    fn memory(&mut self) -> Option<Memory> {
        let table = self.read(&TABLE_NAME, table_name);
        let max_new_per_hour = self.read(&MAX_NEW_PER_HOUR, |text| whole(text, 1..=1000));
        let watches_logins = self.read(&WATCH_LOGINS, on_or_off);
        Some(Memory {
            table: table?,
            max_new_per_hour: max_new_per_hour?,
            watches_logins: watches_logins?,
        })
    }

    fn slack(&mut self) -> Option<ToSlack> {
        let secret = self.read(&SLACK_SECRET, secret_name);
        let usual = self.read(&SLACK_CHANNEL, usual_channel);
        let routes = self.read(&SLACK_ROUTES, str::parse::<Routes>);
        let people = self.read(&SLACK_PEOPLE, domains);
        let url = self.read(&SLACK_API_URL, str::parse::<SlackUrl>);
        let secret = secret?;
        let routes = match (usual, routes) {
            (Some(Usual::Webhook), None) => None,
            (Some(Usual::Webhook), Some(_)) => {
                let why = "SLACK_ROUTES is set and SLACK_CHANNEL is `webhook`; an incoming webhook has one channel only";
                self.mistakes.push(why.to_owned());
                None
            }
            (Some(Usual::Channel(channel)), None) => Some(Routes::all_to(Some(channel))),
            (Some(Usual::Channel(channel)), Some(routes)) => Some(routes.usually(Some(channel))),
            (None, Some(routes)) => Some(routes),
            (None, None) => {
                let why = format!(
                    "SLACK_CHANNEL is not set and SLACK_SECRET is; set it to the {}",
                    SLACK_CHANNEL.meaning
                );
                self.mistakes.push(why);
                None
            }
        };
        Some(ToSlack {
            secret,
            routes,
            people: people.unwrap_or_default(),
            url: url?,
        })
    }

    /// The variable's value; `None` if it has none, or if that is a mistake, which is then noted.
    fn read<T, E: fmt::Display>(
        &mut self,
        variable: &Variable,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let name = variable.name;
        let given = match (self.get)(name).map(OsString::into_string) {
            Some(Err(_)) => {
                self.mistakes.push(format!(
                    "{name} is not UTF-8; it is the {}",
                    variable.meaning
                ));
                return None;
            }
            Some(Ok(text)) => text,
            None => String::new(),
        };
        let text = match (given.trim(), variable.need) {
            ("", Need::Default(default)) => default,
            ("", Need::Optional) => return None,
            ("", Need::Required) => {
                self.mistakes.push(format!(
                    "{name} is not set; set it to the {}",
                    variable.meaning
                ));
                return None;
            }
            ("", Need::ByLambda) => {
                self.mistakes.push(format!(
                    "{name} is not set; Lambda sets it, set it yourself elsewhere"
                ));
                return None;
            }
            (text, _) => text,
        };
        match parse(text) {
            Ok(value) => Some(value),
            Err(why) => {
                let shown = if *variable == SLACK_SECRET || *variable == APPROVAL_KEY {
                    "wrong"
                } else {
                    text
                };
                self.mistakes.push(format!("{name} is `{shown}`; {why}"));
                None
            }
        }
    }
}

fn whole<T: FromStr + PartialOrd + fmt::Display>(
    text: &str,
    range: RangeInclusive<T>,
) -> Result<T, String> {
    let within = text.parse().ok().filter(|number| range.contains(number));
    within.ok_or_else(|| {
        format!(
            "it is a whole number from {} to {}",
            range.start(),
            range.end()
        )
    })
}

/// What [`SLACK_CHANNEL`] can be.
enum Usual {
    Channel(Channel),
    Webhook,
}

fn usual_channel(text: &str) -> Result<Usual, String> {
    match text {
        "webhook" => Ok(Usual::Webhook),
        id => id
            .parse()
            .map(Usual::Channel)
            .map_err(|why| format!("{why}, or `webhook`")),
    }
}

fn table_name(text: &str) -> Result<String, &'static str> {
    let is_fit = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    if (3..=255).contains(&text.len()) && text.bytes().all(is_fit) {
        Ok(text.to_owned())
    } else {
        Err("it has 3 to 255 of letters, digits and `.-_`")
    }
}

fn secret_name(text: &str) -> Result<String, &'static str> {
    let is_fit = |b: u8| b.is_ascii_alphanumeric() || b"/_+=.@-:!".contains(&b);
    if text.starts_with("xox") || text.starts_with("http") {
        // Whoever set it so has put the secret itself where anybody can read it; at least it is not repeated.
        return Err(
            "it is the name of a secret, and not the secret; take it out of the variable and replace it in Slack",
        );
    }
    if (1..=2048).contains(&text.len()) && text.bytes().all(is_fit) {
        Ok(text.to_owned())
    } else {
        Err("it is the ARN or the name of a secret")
    }
}

fn domains(text: &str) -> Result<BTreeSet<String>, &'static str> {
    let is_fit = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(|word| {
            if word.contains('.') && word.bytes().all(is_fit) {
                Ok(word.to_ascii_lowercase())
            } else {
                Err("it is a list of mail domains, such as example.com, with commas between")
            }
        })
        .collect()
}

fn on_or_off(text: &str) -> Result<bool, &'static str> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("it is `on` or `off`"),
    }
}

fn accounts(text: &str) -> Result<BTreeSet<AccountId>, &'static str> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(|word| {
            word.parse()
                .map_err(|_| "it is a list of 12-digit account ids with commas between")
        })
        .collect()
}

mod approvals;

pub use approvals::{APPROVER, Approver, Common, GRANTER, Granter, REVOKER, Revoker};

#[cfg(test)]
mod tests;
