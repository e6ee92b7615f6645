//! Where Slack is. A free address would let whoever sets a variable take the token, so there are few.

use std::fmt;
use std::str::FromStr;

/// Slack's own addresses: commercial, and for the US government (docs.slack.dev, "`GovSlack`").
const HOSTS: [(&str, &str); 2] = [
    ("https://slack.com/api/", "https://hooks.slack.com/"),
    ("https://slack-gov.com/api/", "https://hooks.slack-gov.com/"),
];

/// The address of Slack's Web API: Slack's own, or a stand-in on this very machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackUrl(String);

impl SlackUrl {
    /// The address of a method.
    #[must_use]
    pub fn method(&self, method: &str) -> String {
        format!("{}{method}", self.0)
    }

    /// An incoming webhook, if it belongs to the same Slack.
    ///
    /// # Errors
    /// When it does not, in words.
    pub fn webhook(&self, url: &str) -> Result<String, &'static str> {
        let hooks = HOSTS
            .iter()
            .find(|(api, _)| *api == self.0)
            .map_or_else(|| self.0.trim_end_matches("api/"), |(_, hooks)| *hooks);
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'/';
        match url.strip_prefix(hooks) {
            Some(rest) if rest.starts_with("services/") && rest.bytes().all(is_plain) => {
                Ok(url.to_owned())
            }
            _ => Err("the secret's `webhook_url` is no address of Slack's incoming webhooks"),
        }
    }
}

impl fmt::Display for SlackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SlackUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let port = text
            .strip_prefix("http://127.0.0.1:")
            .and_then(|rest| rest.strip_suffix("/api/"));
        let is_here = port.is_some_and(|port| port.parse::<u16>().is_ok());
        if is_here || HOSTS.iter().any(|(api, _)| *api == text) {
            Ok(Self(text.to_owned()))
        } else {
            Err("it is `https://slack.com/api/` or `https://slack-gov.com/api/`")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SlackUrl;

    #[test]
    fn the_token_goes_to_slack_or_to_this_machine_only() {
        for text in [
            "https://slack.com/api/",
            "https://slack-gov.com/api/",
            "http://127.0.0.1:8080/api/",
        ] {
            assert!(text.parse::<SlackUrl>().is_ok(), "{text}");
        }
        for text in [
            "http://slack.com/api/",
            "https://slack.com.evil.example/api/",
            "https://slack.com/api/../",
            "http://127.0.0.1:8080@evil.example/api/",
            "http://127.0.0.1.evil.example/api/",
            "http://127.0.0.1:/api/",
            "http://169.254.169.254/api/",
        ] {
            assert!(text.parse::<SlackUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_webhook_belongs_to_the_same_slack() {
        let slack: SlackUrl = "https://slack.com/api/".parse().unwrap();
        assert!(
            slack
                .webhook("https://hooks.slack.com/services/T0/B0/x")
                .is_ok()
        );
        for url in [
            "https://hooks.slack-gov.com/services/T0/B0/x",
            "https://hooks.slack.com/services/../x",
            "https://hooks.slack.com/workflows/T0",
            "https://hooks.slack.com.evil.example/services/T0/B0/x",
        ] {
            assert!(slack.webhook(url).is_err(), "{url}");
        }
    }
}
