//! Publishing to SNS.

use std::fmt;
use std::str::FromStr;

use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::interceptors::InterceptorContext;
use aws_sdk_sns::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::operation::publish::PublishError as SdkPublishError;
use aws_sdk_sns::types::MessageAttributeValue;
use eks_access::cluster::Region;
use eks_access::notice::sns::SnsMessage;
use eks_access::principal::AccountId;

/// The ARN of a standard topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicArn {
    text: String,
    region: Region,
}

impl TopicArn {
    /// The ARN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The topic's Region, which is where it has to be published to.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }
}

impl fmt::Display for TopicArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for TopicArn {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "it reads `arn:aws:sns:REGION:ACCOUNT:NAME`";
        let parts: Vec<&str> = text.split(':').collect();
        let ["arn", partition, "sns", region, account, name] = parts.as_slice() else {
            return Err(FORM);
        };
        if name.strip_suffix(".fifo").is_some() {
            return Err("a FIFO topic takes no e-mail subscriptions; use a standard topic");
        }
        let is_name_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        let is_name = (1..=256).contains(&name.len()) && name.bytes().all(is_name_byte);
        let is_partition = partition.starts_with("aws") && partition.bytes().all(is_name_byte);
        match region.parse() {
            Ok(region) if is_name && is_partition && account.parse::<AccountId>().is_ok() => {
                Ok(Self {
                    text: text.to_owned(),
                    region,
                })
            }
            _ => Err(FORM),
        }
    }
}

/// A topic that can be published to.
#[derive(Debug, Clone)]
pub struct Topic {
    client: Client,
    arn: TopicArn,
}

/// Why a message was not published, after all attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishError {
    /// AWS' error code, or `Timeout` or `Unreachable`.
    pub code: String,
    /// What AWS or the connection said.
    pub message: String,
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for PublishError {}

impl From<SdkError<SdkPublishError>> for PublishError {
    fn from(error: SdkError<SdkPublishError>) -> Self {
        let (code, message) = crate::aws::told(&error, "SNS");
        Self { code, message }
    }
}

impl Topic {
    /// The topic, with a client of its own. `config` is for the topic's Region.
    #[must_use]
    pub fn new(config: &SdkConfig, arn: TopicArn) -> Self {
        let config = aws_sdk_sns::config::Builder::from(config)
            .retry_classifier(AlsoThrottled)
            .build();
        Self {
            client: Client::from_conf(config),
            arn,
        }
    }

    /// Publishes one message for all protocols.
    ///
    /// # Errors
    /// When SNS refused it or could not be reached, after all attempts.
    pub async fn publish(&self, message: SnsMessage) -> Result<(), PublishError> {
        let mut request = self
            .client
            .publish()
            .topic_arn(self.arn.as_str())
            .subject(message.subject)
            .message(message.message)
            .message_structure("json");
        for (name, value) in message.attributes {
            // Only `data_type` is required, and it is given; without it the attribute would be left out.
            if let Ok(value) = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value)
                .build()
            {
                request = request.message_attributes(name, value);
            }
        }
        request.send().await?;
        Ok(())
    }
}

/// Codes with which SNS asks for patience and that the SDK (aws-runtime 1.10) does not know as such.
#[derive(Debug)]
struct AlsoThrottled;

impl ClassifyRetry for AlsoThrottled {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let code = context
            .output_or_error()
            .and_then(Result::err)
            .and_then(|error| error.as_operation_error())
            .and_then(|error| error.downcast_ref::<SdkPublishError>())
            .and_then(|error| error.code());
        match code {
            Some("Throttled" | "KMSThrottling") => RetryAction::throttling_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "also throttled"
    }
}

#[cfg(test)]
mod tests {
    use super::TopicArn;

    #[test]
    fn a_topic_s_arn_is_read_back() {
        for text in [
            "arn:aws:sns:eu-west-1:111122223333:eks-access",
            "arn:aws-cn:sns:cn-north-1:111122223333:a_B-1",
        ] {
            assert_eq!(text.parse::<TopicArn>().unwrap().to_string(), text);
        }
        assert_eq!(
            "arn:aws:sns:eu-west-1:111122223333:x"
                .parse::<TopicArn>()
                .unwrap()
                .region()
                .as_str(),
            "eu-west-1"
        );
    }

    #[test]
    fn what_is_no_standard_topic_is_refused() {
        for text in [
            "",
            "eks-access",
            "arn:aws:sqs:eu-west-1:111122223333:eks-access",
            "arn:aws:sns:eu-west-1:1111:eks-access",
            "arn:aws:sns:eu-west-1:111122223333:eks-access:0b2f",
            "arn:aws:sns:eu-west-1:111122223333:eks access",
            "arn:aws:sns:eu-west-1:111122223333:eks-access.fifo",
            "arn:aws:sns::111122223333:eks-access",
        ] {
            assert!(text.parse::<TopicArn>().is_err(), "{text}");
        }
    }
}
