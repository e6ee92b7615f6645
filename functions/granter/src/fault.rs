//! Why an instruction was not carried out this time: Lambda keeps it, and tries again.

use std::fmt;

use eks_access_aws::entries::EntryError;
use eks_access_aws::store::StoreError;
use lambda_runtime::Diagnostic;

/// Why an invocation failed. Its name is Lambda's `errorType`; the runbook has a heading for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The table of requests could not be read or written.
    NotRecorded(StoreError),
    /// EKS or IAM did not answer as they should, and may the next time.
    NotGranted(String),
    /// The key of the seals could not be read.
    NoKey(String),
    /// Others change the same request all the time.
    Crowded,
    /// A bug of ours.
    Panicked,
}

impl Fault {
    fn name(&self) -> &'static str {
        match self {
            Self::NotRecorded(_) => "NotRecorded",
            Self::NotGranted(_) => "NotGranted",
            Self::NoKey(_) => "NoKey",
            Self::Crowded => "Crowded",
            Self::Panicked => "Panicked",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRecorded(error) => write!(
                f,
                "the table of requests did not answer as it should ({error}); Lambda tries again"
            ),
            Self::NotGranted(why) => write!(
                f,
                "it could not be granted this time ({why}); Lambda tries again"
            ),
            Self::NoKey(why) => write!(
                f,
                "the key of the seals could not be read ({why}); Lambda tries again"
            ),
            Self::Crowded => {
                f.write_str("others changed the request all the time; Lambda tries again")
            }
            Self::Panicked => {
                f.write_str("the function panicked; its log says where, report it as a bug")
            }
        }
    }
}

impl std::error::Error for Fault {}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::NotRecorded(error)
    }
}

impl From<EntryError> for Fault {
    fn from(error: EntryError) -> Self {
        Self::NotGranted(error.to_string())
    }
}

impl From<Fault> for Diagnostic {
    fn from(fault: Fault) -> Self {
        Self {
            error_type: fault.name().to_owned(),
            error_message: fault.to_string(),
        }
    }
}
