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
use eks_access::principal::AccountId;

use crate::emf::Namespace;
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
    /// [`METRICS_NAMESPACE`].
    pub namespace: Namespace,
    /// [`AWS_REGION`].
    pub region: Region,
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
        };
        let topic = reader.read(&TOPIC_ARN, str::parse::<TopicArn>);
        let own_accounts = reader.read(&OWN_ACCOUNTS, accounts);
        let facts = reader.read(&FACTS, on_or_off);
        let max_notices = reader.read(&MAX_NOTICES, |text| whole(text, 1..=1000));
        let max_decoded_bytes =
            reader.read(&MAX_DECODED_BYTES, |text| whole(text, 1 << 20..=1 << 30));
        let namespace = reader.read(&METRICS_NAMESPACE, str::parse::<Namespace>);
        let region = reader.read(&AWS_REGION, str::parse::<Region>);
        match (
            topic,
            facts,
            max_notices,
            max_decoded_bytes,
            namespace,
            region,
        ) {
            (
                Some(topic),
                Some(asks_for_facts),
                Some(max_notices),
                Some(max_decoded_bytes),
                Some(namespace),
                Some(region),
            ) if reader.mistakes.is_empty() => {
                let own_accounts = own_accounts.unwrap_or_default();
                Ok(Self {
                    topic,
                    own_accounts,
                    asks_for_facts,
                    max_notices,
                    max_decoded_bytes,
                    namespace,
                    region,
                })
            }
            _ => Err(Mistakes(reader.mistakes)),
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
}

impl<G: Fn(&str) -> Option<OsString>> Reader<G> {
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
                self.mistakes.push(format!("{name} is `{text}`; {why}"));
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::ffi::OsString;

    use super::{Need, RESPONDER, Responder, Variable};

    const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:eks-access";

    fn read(set: &[(&str, &str)]) -> Result<Responder, String> {
        let get = |name: &str| {
            set.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(value))
        };
        Responder::read(get).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn what_is_required_is_enough() {
        let read = read(&[("TOPIC_ARN", TOPIC), ("AWS_REGION", "eu-west-1")]).unwrap();
        assert_eq!(read.topic.to_string(), TOPIC);
        assert_eq!((read.max_notices, read.max_decoded_bytes), (50, 64 << 20));
        assert_eq!(read.namespace.as_str(), "EksAccessResponder");
        assert_eq!(read.own_accounts, BTreeSet::new());
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let set = [
            ("FACTS", "yes"),
            ("MAX_NOTICES", "0"),
            ("MAX_DECODED_BYTES", "64MB"),
            ("OWN_ACCOUNTS", "111122223333,12"),
            ("METRICS_NAMESPACE", "AWS/Lambda"),
            ("AWS_REGION", "Ireland"),
        ];
        let told = read(&set).unwrap_err();
        assert_eq!(told.lines().count(), 1 + RESPONDER.len(), "{told}");
        for variable in RESPONDER {
            assert!(
                told.contains(&format!("\n  {} is ", variable.name)),
                "{told}"
            );
        }
    }

    #[test]
    fn an_empty_variable_is_one_that_is_not_set() {
        let told = read(&[
            ("TOPIC_ARN", " "),
            ("MAX_NOTICES", ""),
            ("AWS_REGION", "eu-west-1"),
        ])
        .unwrap_err();
        assert!(
            told.starts_with("the configuration has a mistake:\n  TOPIC_ARN is not set; "),
            "{told}"
        );
    }

    #[test]
    fn accounts_may_have_spaces_between() {
        let set = [
            ("TOPIC_ARN", TOPIC),
            ("AWS_REGION", "eu-west-1"),
            ("OWN_ACCOUNTS", "111122223333, 444455556666,"),
        ];
        assert_eq!(read(&set).unwrap().own_accounts.len(), 2);
    }

    #[test]
    fn the_tables_hold_no_variable_twice_and_every_meaning_is_a_part_of_a_sentence() {
        let names: BTreeSet<_> = RESPONDER.iter().map(|variable| variable.name).collect();
        assert_eq!(names.len(), RESPONDER.len());
        for Variable {
            name,
            need,
            meaning,
        } in RESPONDER
        {
            assert!(!meaning.ends_with('.') && !meaning.contains('\n'), "{name}");
            assert!(*need != Need::Default(""), "{name}");
        }
    }
}
