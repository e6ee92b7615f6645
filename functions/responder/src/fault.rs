//! What we did wrong: why an invocation fails, so that Lambda keeps the event and tries again.

use std::fmt;

use eks_access_aws::sns::PublishError;
use eks_access_aws::store::StoreError;
use lambda_runtime::Diagnostic;

/// Why an invocation failed. Its name is Lambda's `errorType`; the runbook has a heading for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// SNS did not take some notices; the others were published.
    NotPublished {
        failed: usize,
        published: usize,
        last: PublishError,
    },
    /// The time of the invocation ran out before SNS had answered for every notice.
    OutOfTime { unsent: usize, published: usize },
    /// The table of incidents could not be read or written.
    NotRemembered { last: StoreError },
    /// A bug of ours.
    Panicked,
}

impl Fault {
    fn name(&self) -> &'static str {
        match self {
            Self::NotPublished { .. } => "NotPublished",
            Self::OutOfTime { .. } => "OutOfTime",
            Self::NotRemembered { .. } => "NotRemembered",
            Self::Panicked => "Panicked",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPublished {
                failed,
                published,
                last,
            } => write!(
                f,
                "{failed} of {} notices were not published (last: {last}); Lambda tries the delivery again, and what was \
                 published comes twice",
                failed + published
            ),
            Self::OutOfTime { unsent, published } => write!(
                f,
                "time ran out with {unsent} of {} notices unsent; Lambda tries the delivery again, raise the function's \
                 time-out if this stays",
                unsent + published
            ),
            Self::NotRemembered { last } => write!(
                f,
                "the table of incidents did not answer as it should ({last}); Lambda tries again, and what people were \
                 told is not told twice"
            ),
            Self::Panicked => {
                f.write_str("the function panicked; its log says where, report it as a bug")
            }
        }
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for Diagnostic {
    fn from(fault: Fault) -> Self {
        Self {
            error_type: fault.name().to_owned(),
            error_message: fault.to_string(),
        }
    }
}
