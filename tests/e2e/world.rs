//! The responder's world: its real binary, SNS on loopback, an environment with nothing in it but what is named.

use std::collections::BTreeMap;
use std::time::Duration;

use fakes::lambda::Answer as Ending;
use fakes::process::Function;
use fakes::sns::{Answer, Published, Sns};

pub(crate) const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:eks-access";
/// What must never leave the function.
pub(crate) const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
pub(crate) const SESSION_TOKEN: &str = "IQoJb3JpZ2luX2VjEXAMPLETOKEN";

/// The binary under test.
pub(crate) const RESPONDER: &str = env!("CARGO_BIN_EXE_responder");

pub(crate) struct World {
    sns: Sns,
    function: Function,
}

/// What is left when the world has ended.
pub(crate) struct Aftermath {
    /// What SNS accepted, in the order of arrival.
    pub(crate) published: Vec<Published>,
    /// What SNS was asked for, accepted or not.
    pub(crate) asked: Vec<Published>,
    /// Every metric, summed over the invocations, with its dimensions: `Lines{FunctionName=responder}`.
    metrics: BTreeMap<String, f64>,
    /// The function's log.
    pub(crate) log: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&[], |_| Answer::Accept)
    }

    /// With these variables besides the usual ones, and SNS that answers so.
    pub(crate) fn with(
        variables: &[(&str, &str)],
        plan: impl Fn(&Published) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let sns = Sns::with(TOPIC, plan);
        let endpoint = sns.endpoint();
        let mut all = vec![
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
            ("AWS_SESSION_TOKEN", SESSION_TOKEN),
            ("TOPIC_ARN", TOPIC),
            ("FACTS", "off"),
        ];
        all.extend(variables);
        let function = Function::start(RESPONDER, &all);
        Self { sns, function }
    }

    /// Gives the function an event that it must acknowledge.
    pub(crate) fn handles(&self, event: &[u8]) -> &Self {
        assert_eq!(
            self.function.invoke(event),
            Ending::Response("null".to_owned())
        );
        self
    }

    /// Gives the function an event that it must fail: the error's type and message.
    pub(crate) fn fails(&self, event: &[u8]) -> (String, String) {
        self.function.invoke(event).error()
    }

    /// The same, with so much time left to the function; also says how long it took.
    pub(crate) fn fails_within(
        &self,
        event: &[u8],
        timeout: Duration,
    ) -> (String, String, Duration) {
        let (answer, took) = self.function.invoke_within(event, timeout);
        let (kind, message) = answer.error();
        (kind, message, took)
    }

    /// The most memory the function ever held, in MiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        self.function.peak_memory() / 1024
    }

    /// Ends the function and asserts the silence: nothing was asked of anybody that nobody expected, SNS' rules were
    /// kept, every line of the log is JSON, every metric is one, no secret is anywhere.
    pub(crate) fn end(self) -> Aftermath {
        let ended = self.function.stop();
        assert_eq!(ended.unasked, Vec::<String>::new());
        assert_eq!(self.sns.unasked(), Vec::<String>::new());
        assert_eq!(self.sns.broken_rules(), Vec::<String>::new());
        assert_eq!(ended.init_error, None);
        assert_eq!(ended.stderr, "");
        let metrics = match fakes::emf::totals(&ended.stdout) {
            Ok(metrics) => metrics,
            Err(rule) => panic!("{rule}"),
        };
        let asked = self.sns.asked();
        for text in asked
            .iter()
            .map(Published::everything)
            .chain([ended.stdout.clone()])
        {
            for secret in [SECRET_KEY, SESSION_TOKEN, "ASIAIOSFODNN7EXAMPLE"] {
                assert!(!text.contains(secret), "{secret} in {text}");
            }
        }
        Aftermath {
            published: self.sns.published(),
            asked,
            metrics,
            log: ended.stdout,
        }
    }
}

impl Aftermath {
    /// The sum of a metric; zero if it was never written.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let series = format!("{name}{{FunctionName=responder}}");
        self.count(&series)
    }

    fn count(&self, series: &str) -> u64 {
        let value = self.metrics.get(series).copied().unwrap_or_default();
        // Counts of some tests' lines: exact in a double.
        format!("{value}")
            .parse()
            .unwrap_or_else(|_| panic!("{series} is {value}"))
    }

    /// The symptoms that have a metric of their own, with their counts.
    pub(crate) fn symptoms(&self) -> Vec<(&str, u64)> {
        self.metrics
            .keys()
            .filter_map(|series| {
                let symptom = series
                    .strip_prefix("Denials{FunctionName=responder,Symptom=")?
                    .strip_suffix('}')?;
                Some((symptom, self.count(series)))
            })
            .collect()
    }

    /// The one notice; stops the test if there are none or several.
    pub(crate) fn notice(&self) -> &Published {
        let [notice] = self.published.as_slice() else {
            let subjects: Vec<_> = self
                .published
                .iter()
                .map(|notice| notice.subject.as_str())
                .collect();
            panic!("one notice was to be published, and not {subjects:?}");
        };
        notice
    }

    /// The causes of all notices, in order of arrival.
    pub(crate) fn causes(&self) -> Vec<&str> {
        self.published
            .iter()
            .map(|notice| notice.attributes["cause"].as_str())
            .collect()
    }
}
