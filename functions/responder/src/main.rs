//! The responder: `CloudWatch` Logs deliveries in, notices out.

mod asker;
mod event;
mod fault;
mod handler;
mod run;
mod tally;
mod teller;
mod tick;

use std::process::ExitCode;

use eks_access_aws::{start, vars};
use lambda_runtime::{LambdaEvent, Runtime, service_fn};

use crate::handler::Responder;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    start::log_panics();
    let responder = match vars::Responder::from_environment() {
        Ok(vars) => &Responder::new(vars).await,
        Err(mistakes) => {
            start::refuse(&mistakes).await;
            return ExitCode::FAILURE;
        }
    };
    let answer = service_fn(|event: LambdaEvent<_>| responder.handle(event));
    let ended = Runtime::new(answer).run().await;
    ended.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}
