//! The granter, called so that nobody waits for it: Lambda keeps what it was told, and tries again.

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use eks_access::access::order::Instruction;

/// The granter.
#[derive(Debug, Clone)]
pub struct Granter {
    client: Client,
    function: String,
}

impl Granter {
    /// The function of this name or ARN.
    #[must_use]
    pub fn new(config: &SdkConfig, function: &str) -> Self {
        Self {
            client: Client::new(config),
            function: function.to_owned(),
        }
    }

    /// Tells it to grant.
    ///
    /// # Errors
    /// When Lambda did not take it, in words.
    pub async fn tell(&self, instruction: &Instruction) -> Result<(), String> {
        let payload = serde_json::to_vec(instruction).map_err(|error| error.to_string())?;
        let invoked = self
            .client
            .invoke()
            .function_name(&self.function)
            .invocation_type(InvocationType::Event)
            .payload(Blob::new(payload))
            .send()
            .await;
        match invoked {
            Ok(answer) if answer.status_code() == 202 => Ok(()),
            Ok(answer) => Err(format!(
                "Lambda answered with status {}",
                answer.status_code()
            )),
            Err(SdkError::ServiceError(context)) => {
                Err(context.err().code().unwrap_or("Unknown").to_owned())
            }
            Err(error) => Err(DisplayErrorContext(&error).to_string()),
        }
    }
}
