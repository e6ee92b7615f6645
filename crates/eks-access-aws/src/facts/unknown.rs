//! Why AWS did not answer a question.

use aws_sdk_eks::error::{ProvideErrorMetadata, SdkError};
use eks_access::facts::{Permission, Unknown};

/// The reason behind an error. Codes of throttling are in no operation's model (EKS and IAM API references, "Common
/// errors"), so they are told by name.
pub(super) fn unknown<E, R>(error: &SdkError<E, R>, permission: Permission) -> Unknown
where
    E: ProvideErrorMetadata,
{
    match error {
        SdkError::TimeoutError(_) => Unknown::OutOfTime,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => Unknown::OutOfTime,
        SdkError::ServiceError(context) => match context.err().code().unwrap_or_default() {
            "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
                Unknown::Denied(permission)
            }
            "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded" => Unknown::Throttled,
            _ => Unknown::Failed,
        },
        _ => Unknown::Failed,
    }
}

/// The error's code, if AWS gave one.
pub(super) fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> &str {
    match error {
        SdkError::ServiceError(context) => context.err().code().unwrap_or_default(),
        _ => "",
    }
}
