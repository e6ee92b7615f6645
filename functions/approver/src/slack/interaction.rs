//! What Slack sends when somebody presses a button or sends a form (docs.slack.dev, "Interaction payloads").

use serde::Deserialize;
use serde_json::Value;

/// An interaction, as far as it decides anything.
#[derive(Debug, Deserialize)]
pub(super) struct Interaction {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    pub(super) api_app_id: String,
    pub(super) user: User,
    #[serde(default)]
    team: Option<Named>,
    #[serde(default)]
    enterprise: Option<Named>,
    #[serde(default)]
    channel: Option<Named>,
    #[serde(default)]
    container: Option<Container>,
    #[serde(default)]
    pub(super) trigger_id: Option<String>,
    #[serde(default)]
    actions: Vec<Action>,
    #[serde(default)]
    view: Option<View>,
}

#[derive(Debug, Deserialize)]
pub(super) struct User {
    pub(super) id: String,
    #[serde(default)]
    pub(super) team_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Named {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Container {
    #[serde(default)]
    channel_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Action {
    #[serde(default)]
    action_id: String,
    #[serde(default)]
    value: Option<String>,
}

#[derive(Debug, Deserialize)]
struct View {
    #[serde(default)]
    callback_id: String,
    #[serde(default)]
    private_metadata: String,
    #[serde(default)]
    state: Values,
}

#[derive(Debug, Default, Deserialize)]
struct Values {
    #[serde(default)]
    values: Value,
}

/// A button that was pressed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Press<'a> {
    pub(super) action: &'a str,
    pub(super) value: &'a str,
}

impl Interaction {
    /// Reads the body: a form whose one field is JSON.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut fields = form_urlencoded::parse(body).filter(|(name, _)| name == "payload");
        let (_, payload) = fields.next()?;
        fields.next().is_none().then_some(())?;
        serde_json::from_str(&payload).ok()
    }

    /// The one button that was pressed.
    pub(super) fn press(&self) -> Option<Press<'_>> {
        match (self.kind.as_str(), self.actions.as_slice()) {
            ("block_actions", [action]) => Some(Press {
                action: &action.action_id,
                value: action.value.as_deref()?,
            }),
            _ => None,
        }
    }

    /// The form that was sent: which, what it carries, and what was filled in.
    pub(super) fn sent(&self) -> Option<(&str, &str, &Value)> {
        let view = self
            .view
            .as_ref()
            .filter(|_| self.kind == "view_submission")?;
        Some((
            &view.callback_id,
            &view.private_metadata,
            &view.state.values,
        ))
    }

    pub(super) fn team_id(&self) -> Option<&str> {
        self.team.as_ref().map(|team| team.id.as_str())
    }

    pub(super) fn enterprise_id(&self) -> Option<&str> {
        self.enterprise
            .as_ref()
            .map(|enterprise| enterprise.id.as_str())
    }

    pub(super) fn channel_id(&self) -> Option<&str> {
        let of_container = self
            .container
            .as_ref()
            .and_then(|container| container.channel_id.as_deref());
        self.channel
            .as_ref()
            .map(|channel| channel.id.as_str())
            .or(of_container)
    }
}

#[cfg(test)]
mod tests {
    use super::Interaction;

    fn read(payload: &str) -> Option<Interaction> {
        let body: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("payload", payload)
            .finish();
        Interaction::read(body.as_bytes())
    }

    #[test]
    fn a_button_is_read_and_two_at_once_are_none() {
        let one = r#"{"type":"block_actions","user":{"id":"U1"},"actions":[{"action_id":"a","value":"v"}]}"#;
        let interaction = read(one).unwrap();
        assert_eq!(interaction.press().unwrap().value, "v");
        let two = one.replace("}]}", "},{\"action_id\":\"a\",\"value\":\"v\"}]}");
        assert!(read(&two).unwrap().press().is_none());
    }

    #[test]
    fn nothing_that_is_sent_stops_us() {
        for body in [
            &b""[..],
            b"payload=",
            b"payload=%7B",
            b"payload={}&payload={}",
            b"\xff\xfe=1",
            b"payload=[1]",
        ] {
            assert!(Interaction::read(body).is_none());
        }
        assert!(read(r#"{"type":"block_actions","user":{"id":5}}"#).is_none());
        assert!(read(r#"{"type":"block_actions","user":{"id":"U"},"actions":"x"}"#).is_none());
        assert!(
            read(r#"{"type":"view_submission","user":{"id":"U"},"team":null}"#)
                .unwrap()
                .sent()
                .is_none()
        );
    }
}
