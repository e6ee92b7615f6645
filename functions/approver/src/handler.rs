//! One request: in by one of two doors, each with its own proof of who it is.

use std::panic::AssertUnwindSafe;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use eks_access_aws::emf::Metric;
use eks_access_aws::log::{Entry, Level};
use eks_access_aws::tally::Tally;
use eks_access_aws::vars;
use futures_util::FutureExt;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;

use crate::answer::Answer;
use crate::api;
use crate::desk::{Call, Desk};
use crate::slack;

/// Everything that outlives a request.
pub(crate) struct Approver {
    desk: Desk,
    slack: Option<slack::Door>,
    vars: vars::Approver,
}

impl Approver {
    pub(crate) async fn new(vars: vars::Approver) -> Self {
        let desk = Desk::new(&vars).await;
        let slack = slack::Door::new(&vars);
        Self { desk, slack, vars }
    }

    /// Answers whatever comes: API Gateway tells nobody more of a failure than that there was one.
    pub(crate) async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        let LambdaEvent { payload, context } = event;
        let tally = Tally::default();
        let call = Call {
            invocation: &context.request_id,
            tally: &tally,
        };
        let answer = AssertUnwindSafe(self.route(payload, call))
            .catch_unwind()
            .await;
        let answer = answer.unwrap_or_else(|_| {
            Answer::error(500, "try-again", "something went wrong here; try again")
        });
        if answer.status() >= 500 {
            tally.add(Metric::ApproverFaults, 1);
        }
        let function = &context.env_config.function_name;
        tally.write(
            Metric::OF_THE_APPROVER,
            &self.vars.common.namespace,
            function,
            &context.request_id,
        );
        Ok(answer.event())
    }

    async fn route(&self, payload: Value, call: Call<'_>) -> Answer {
        let Ok(request) = serde_json::from_value::<ApiGatewayV2httpRequest>(payload) else {
            Entry::new(Level::Warn, "an event was no request of an HTTP API")
                .with("request_id", call.invocation)
                .write();
            return Answer::silent(400);
        };
        let path = request.raw_path.as_deref().unwrap_or_default();
        match (&self.slack, path) {
            (Some(door), "/slack") => door.answer(&self.desk, &request, call).await,
            (_, path) if path.starts_with("/v1/") => {
                api::answer(&self.desk, &request, path, call).await
            }
            _ => Answer::silent(404),
        }
    }
}
