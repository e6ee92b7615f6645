//! Why AWS did not answer, for the person who asked.

use std::error::Error;
use std::fmt;

use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use eks_access::text::LogText;

/// What kind of refusal it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The caller may not ask.
    Denied,
    /// AWS had too many questions at once.
    Throttled,
    /// The answer did not come in time, or nobody could be reached.
    Unreachable,
    /// There is no such thing.
    NotFound,
    /// The credentials are not good, or there are none.
    Credentials,
    /// Nothing says which Region to ask.
    NoRegion,
    /// The credentials were left alone.
    Unread,
    /// Another error.
    Other,
}

/// A question that AWS did not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The action that would have to be allowed, such as `logs:StartQuery`.
    pub action: &'static str,
    /// What kind of refusal it was.
    pub kind: Kind,
    /// AWS' error code; empty where AWS did not answer.
    pub code: String,
    /// What AWS or the connection said: text of others.
    pub message: LogText,
}

impl Refused {
    /// Credentials that were left alone, and why.
    #[must_use]
    pub fn unread(why: &'static str) -> Self {
        Self {
            action: "sts:GetCallerIdentity",
            kind: Kind::Unread,
            code: String::new(),
            message: LogText::new(why),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = self.action;
        let said = self.message.shown(240);
        match self.kind {
            Kind::Denied => write!(f, "AWS did not allow {action}; ask for that permission"),
            Kind::Throttled => write!(
                f,
                "AWS had too many questions at once ({action}); try again later"
            ),
            Kind::Unreachable => write!(f, "AWS could not be reached for {action}: {said}"),
            Kind::Credentials if self.code.is_empty() => {
                let said = match said.as_str() {
                    "" => said,
                    // What the SDK looked at, one by one.
                    said if said.contains("no credentials found in chain") => String::new(),
                    said => format!(" ({said})"),
                };
                write!(
                    f,
                    "no good AWS credentials were found{said}; name a profile with --profile, run `aws sso login`, or set \
                     AWS_ACCESS_KEY_ID"
                )
            }
            Kind::Credentials => write!(
                f,
                "the credentials are not good for {action}: {said}; without good credentials nothing can be asked of AWS"
            ),
            Kind::Unread => write!(f, "the credentials were left alone: {said}"),
            Kind::NoRegion => f.write_str(
                "no Region is known; name the cluster's with --region, or set AWS_REGION",
            ),
            Kind::NotFound | Kind::Other => {
                write!(
                    f,
                    "{action}: {}: {said}",
                    LogText::new(self.code.as_str()).shown(60)
                )
            }
        }
    }
}

impl Error for Refused {}

/// The codes by which AWS says the same in many services. None of them is in an operation's model (each API's "Common
/// errors").
fn kind(code: &str) -> Kind {
    match code {
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "AuthorizationError"
        | "AuthorizationErrorException" => Kind::Denied,
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "Throttled"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "LimitExceededException" => Kind::Throttled,
        "ResourceNotFoundException" | "NotFound" | "NotFoundException" => Kind::NotFound,
        "InvalidClientTokenId"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature" => Kind::Credentials,
        _ => Kind::Other,
    }
}

impl Refused {
    /// Reads an error of the SDK.
    pub fn new<E, R>(action: &'static str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
        R: fmt::Debug + 'static,
    {
        match error {
            SdkError::ServiceError(context) => {
                let code = context.err().code().unwrap_or_default();
                Self {
                    action,
                    kind: kind(code),
                    code: code.to_owned(),
                    message: LogText::new(context.err().message().unwrap_or("AWS gave no reason")),
                }
            }
            _ => Self::unanswered(action, error),
        }
    }

    /// An answer that is none.
    #[must_use]
    pub fn failed(action: &'static str, said: &str) -> Self {
        Self {
            action,
            kind: Kind::Other,
            code: "failed".to_owned(),
            message: LogText::new(said),
        }
    }

    /// There is nowhere to ask.
    pub(super) fn without_region() -> Self {
        Self {
            action: "sts:GetCallerIdentity",
            kind: Kind::NoRegion,
            code: String::new(),
            message: LogText::new(""),
        }
    }

    /// There is nobody to ask as.
    pub(super) fn without_credentials(said: String) -> Self {
        Self {
            action: "sts:GetCallerIdentity",
            kind: Kind::Credentials,
            code: String::new(),
            message: LogText::new(said),
        }
    }

    /// A question that did not get as far as AWS.
    pub(super) fn unanswered(action: &'static str, error: &dyn Error) -> Self {
        Self {
            action,
            kind: Kind::Unreachable,
            code: String::new(),
            message: LogText::new(chain(error)),
        }
    }
}

/// An error and what is behind it, each once.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let more = error.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        next = error.source();
    }
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}
