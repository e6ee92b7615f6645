//! The revoker: ends every grant of ours that is over, and tells what people are owed of requests.

mod end;
mod handler;
mod reconcile;

use std::process::ExitCode;

use eks_access_aws::{start, vars};
use lambda_runtime::{LambdaEvent, Runtime, service_fn};

use crate::handler::Revoker;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    start::log_panics();
    let revoker = match vars::Revoker::from_environment() {
        Ok(vars) => &Revoker::new(vars).await,
        Err(mistakes) => {
            start::refuse(&mistakes).await;
            return ExitCode::FAILURE;
        }
    };
    let answer = service_fn(|event: LambdaEvent<_>| revoker.handle(event));
    let ended = Box::pin(Runtime::new(answer).run()).await;
    ended.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}
