//! The smallest Rust function: what there is to compare a start-up with.

use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    Runtime::new(service_fn(|_: LambdaEvent<Value>| async {
        Ok::<_, Error>("hello")
    }))
    .run()
    .await
}
