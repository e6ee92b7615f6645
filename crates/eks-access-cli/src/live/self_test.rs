//! `self-test`: a marked delivery through the deployed function, to see that its notice goes out.

use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use eks_access::cluster::SELF_TEST as MARK;
use eks_access::text::LogText;
use eks_access::timestamp;
use eks_access_aws::laptop::invoke::{Invoked, invoke};
use serde_json::{Map, Value, json};

use super::{Session, wait};
use crate::args::{ListFormat, SelfTest};
use crate::output::{Error, Found};
use crate::pack::{Delivery, packed};

/// Runs the command.
pub(crate) fn run(options: &SelfTest) -> Result<Found, Error> {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let (role, invoked) = wait(async {
        let session = Session::start(&options.account).await?;
        let account = session
            .caller
            .principal
            .as_ref()
            .map(|caller| caller.account().to_string());
        let partition = session.region.partition();
        let account =
            account.ok_or_else(|| Error::Ask("STS named no account to test with".to_owned()))?;
        // Each test is an incident of its own, so that none is silent because of the one before.
        let role = format!(
            "arn:{partition}:iam::{account}:role/{MARK}-{}",
            since.as_secs()
        );
        let event = event(&role, &account, since.as_millis())?;
        let invoked = invoke(&session.config, &options.function, event.into_bytes()).await;
        let invoked = invoked.map_err(|refused| {
            Error::Ask(format!(
                "{refused}; the stack's output `FunctionName` has the function's name, see --region and --profile too"
            ))
        })?;
        Ok::<_, Error>((role, invoked))
    })??;
    let seen = Seen::of(&invoked);
    let text = match options.format {
        ListFormat::Text => seen.text(&role),
        ListFormat::Json => format!("{}\n", seen.object(&role)),
    };
    io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .map_err(Error::Output)?;
    Ok(if seen.is_well() {
        Found::Nothing
    } else {
        Found::Denials
    })
}

/// A delivery with one denial of a role that nobody has.
fn event(role: &str, account: &str, now: u128) -> Result<String, Error> {
    let at = timestamp::rfc3339(i64::try_from(now).unwrap_or(0));
    let line = format!(
        "time=\"{at}\" level=warning msg=\"access denied\" arn=\"{role}\" client=\"127.0.0.1:1\" \
         error=\"identity is not mapped\" method=POST path=/authenticate"
    );
    packed(&Delivery {
        owner: account,
        log_group: format!("/aws/eks/{MARK}/cluster"),
        log_stream: "authenticator-0123456789abcdef0123456789abcdef",
        lines: &[(now, line)],
    })
    .map_err(Error::Output)
}

/// What the function's own log says of the delivery.
struct Seen {
    failure: Option<String>,
    metrics: Map<String, Value>,
}

impl Seen {
    fn of(invoked: &Invoked) -> Self {
        let documents = invoked.log.lines().filter_map(|line| {
            // Lambda may put its own prefix before a line.
            let object = line.get(line.find('{')?..)?;
            let document: Value = serde_json::from_str(object.trim_end()).ok()?;
            document
                .get("_aws")
                .is_some()
                .then(|| document.as_object().cloned())?
        });
        let mut metrics = Map::new();
        for document in documents {
            metrics.extend(document.into_iter().filter(|(_, value)| value.is_u64()));
        }
        let failure = invoked.has_failed.then(|| {
            let error: Value = serde_json::from_str(&invoked.answer).unwrap_or_default();
            let message = error.get("errorMessage").and_then(Value::as_str);
            LogText::new(message.unwrap_or(&invoked.answer)).shown(500)
        });
        Self { failure, metrics }
    }

    fn count(&self, metric: &str) -> Option<u64> {
        self.metrics.get(metric)?.as_u64()
    }

    fn is_published(&self) -> bool {
        self.count("Notices").is_some_and(|count| count > 0)
    }

    /// `None` if the function does not speak to Slack.
    fn is_in_slack(&self) -> Option<bool> {
        let count = |metric| self.count(metric).unwrap_or(0);
        if count("SlackFailures") + count("SlackRefused") > 0 {
            return Some(false);
        }
        (count("Cards") > 0).then_some(true)
    }

    fn is_well(&self) -> bool {
        self.failure.is_none() && self.is_published() && self.is_in_slack() != Some(false)
    }

    fn text(&self, role: &str) -> String {
        let mut lines = vec![format!(
            "sent a denial of {role}, in a cluster `{MARK}` that does not exist"
        )];
        match &self.failure {
            Some(failure) => lines.push(format!("the function failed: {failure}")),
            None if self.is_published() => {
                lines.push("SNS took the notice: whoever is subscribed gets it now".to_owned());
            }
            None if self.metrics.is_empty() => {
                lines.push(
                    "the function answered, but its log does not say what became of the notice"
                        .to_owned(),
                );
            }
            None => lines.push("no notice was published; the function's log says why".to_owned()),
        }
        match self.is_in_slack() {
            Some(true) if self.is_published() => lines.push("Slack took the card".to_owned()),
            Some(false) => {
                lines.push("Slack did not take the card; the function's log says why".to_owned());
            }
            _ => {}
        }
        let verdict = if self.is_well() {
            "all is well"
        } else {
            "something is wrong; see docs/runbook.md"
        };
        lines.push(verdict.to_owned());
        lines.join("\n") + "\n"
    }

    fn object(&self, role: &str) -> Value {
        json!({
            "principal": role,
            "cluster": MARK,
            "ok": self.is_well(),
            "failure": self.failure,
            "published": self.is_published(),
            "slack": self.is_in_slack(),
        })
    }
}
