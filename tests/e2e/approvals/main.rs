//! Access that is asked for, approved, granted and ended by the real functions, and everything that must not come of it.
#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that finds something wrong stops"
)]

mod asking;
mod command;
mod deciding;
mod ending;
mod granting;
mod world;

use serde_json::Value;

use crate::world::{APPROVER, HOUR, World, buttons};

const DEV: &str = "arn:aws:iam::111122223333:role/dev/jane";

#[test]
fn a_denial_becomes_a_request_a_grant_and_nothing_again() {
    let world = World::new();
    world.denied("jane", 0);
    assert_eq!(world.state(), "pending");
    assert_eq!(buttons(&world.card()), ["req:review", "req:dismiss"]);
    assert_eq!(world.approves_in_slack(APPROVER), Value::Null);
    world.lambda.wait_until_idle();
    assert_eq!(world.state(), "active");
    let entry = world.entry(DEV).unwrap();
    assert_eq!(
        entry["policies"][0]["accessScope"]["namespaces"],
        serde_json::json!(["shop"])
    );
    assert_eq!(buttons(&world.card()), ["req:end", "req:extend"]);
    world.ticks(HOUR + 60_000);
    assert_eq!(world.entry(DEV), None);
    assert_eq!(world.state(), "revoked");
    assert_eq!(buttons(&world.card()), Vec::<String>::new());
    assert_eq!(
        world.audit(),
        ["requested", "approved", "granting", "granted", "revoked"]
    );
    let kinds = world.kinds();
    for kind in ["first", "requested", "granted", "revoked", "audit"] {
        assert!(kinds.contains(&kind.to_owned()), "{kind} in {kinds:?}");
    }
    for record in world.records() {
        let changes_eks = ["granted", "revoked"].contains(&record["action"].as_str().unwrap());
        assert_eq!(
            record["eks_request_id"].is_string(),
            changes_eks,
            "{record}"
        );
    }
    world.end();
}
