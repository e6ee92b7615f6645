//! Answers, as API Gateway wants them (HTTP API, payload format 2.0).

use serde_json::{Value, json};

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    status: u16,
    body: Option<Value>,
}

impl Answer {
    /// Nothing is said: to whoever could not prove that they are Slack, and to Slack where there is nothing to say.
    pub(crate) fn silent(status: u16) -> Self {
        Self { status, body: None }
    }

    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            body: Some(body),
        }
    }

    pub(crate) fn error(status: u16, slug: &str, message: &str) -> Self {
        Self::json(status, json!({"error": slug, "message": message}))
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// As the function returns it.
    pub(crate) fn event(&self) -> Value {
        let mut headers = json!({"cache-control": "no-store"});
        if let (Some(fields), Some(_)) = (headers.as_object_mut(), &self.body) {
            fields.insert("content-type".to_owned(), "application/json".into());
        }
        json!({
            "statusCode": self.status,
            "headers": headers,
            "body": self.body.as_ref().map_or_else(String::new, Value::to_string),
            "isBase64Encoded": false,
        })
    }
}
