//! The approver: proves who decided, and takes their decision. It has no rights in EKS.

mod answer;
mod api;
mod desk;
mod handler;
mod slack;

use std::process::ExitCode;

use eks_access_aws::{start, vars};
use lambda_runtime::{LambdaEvent, Runtime, service_fn};

use crate::handler::Approver;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    start::log_panics();
    let approver = match vars::Approver::from_environment() {
        Ok(vars) => &Approver::new(vars).await,
        Err(mistakes) => {
            start::refuse(&mistakes).await;
            return ExitCode::FAILURE;
        }
    };
    let answer = service_fn(|event: LambdaEvent<_>| approver.handle(event));
    let ended = Box::pin(Runtime::new(answer).run()).await;
    ended.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}
