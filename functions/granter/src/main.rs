//! The granter: an approval in, an access entry out. Nobody but the approver can call it.

mod extend;
mod fault;
mod grant;
mod handler;

use std::process::ExitCode;

use eks_access_aws::{start, vars};
use lambda_runtime::{LambdaEvent, Runtime, service_fn};

use crate::handler::Granter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    start::log_panics();
    let granter = match vars::Granter::from_environment() {
        Ok(vars) => &Granter::new(vars).await,
        Err(mistakes) => {
            start::refuse(&mistakes).await;
            return ExitCode::FAILURE;
        }
    };
    let answer = service_fn(|event: LambdaEvent<_>| granter.handle(event));
    let ended = Box::pin(Runtime::new(answer).run()).await;
    ended.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}
