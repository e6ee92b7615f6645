//! The command against the real approver: a request from its list to the end of its grant, without Slack.

use std::path::PathBuf;

use fakes::process::{Ran, run};
use fakes::sts::Sts;
use serde_json::Value;

use crate::world::{ALICE, BOB, CLUSTER, HOUR, MINUTE, REGION, World, binary};

const DEV: &str = "arn:aws:iam::111122223333:role/dev/jane";

/// Somebody's shell.
struct Shell {
    variables: Vec<(String, String)>,
    command: PathBuf,
    _sts: Sts,
}

impl Shell {
    fn of(world: &World, key: &str) -> Self {
        let (sts, sts_url) = Sts::start(REGION, &world.directory);
        let mut variables = vec![
            ("EKS_ACCESS_API", world.gateway.endpoint()),
            ("AWS_ENDPOINT_URL_STS", sts_url),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", key.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ];
        if key.starts_with("ASIA") {
            variables.push(("AWS_SESSION_TOKEN", fakes::gateway::TOKEN.to_owned()));
        }
        Self {
            variables: variables
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            command: binary("eks-access"),
            _sts: sts,
        }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        run(&self.command, arguments, self.variables.clone(), b"")
    }

    /// What it printed, if it did what it was told.
    fn done(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code(), 0, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        ran.stdout
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let arguments = [arguments, &["--format", "json"]].concat();
        serde_json::from_str(&self.done(&arguments)).unwrap()
    }
}

#[test]
fn the_command_decides_from_the_list_to_the_end() {
    let world = World::without_slack();
    let (alice, bob) = (Shell::of(&world, ALICE), Shell::of(&world, BOB));
    world.denied("jane", 0);
    let id = world.id();
    assert!(alice.done(&["requests"]).contains(DEV));
    assert!(alice.done(&["show", &id]).contains("developers look"));
    let refused = alice.run(&[
        "approve",
        &id,
        "--namespaces",
        "payments",
        "--for",
        "1h",
        "--reason",
        "too much",
        "--yes",
    ]);
    assert_eq!(refused.code(), 1);
    assert!(
        refused.stderr.contains("no rule of the guardrails offers"),
        "{}",
        refused.stderr
    );
    alice.done(&[
        "approve",
        &id,
        "--namespaces",
        "shop",
        "--for",
        "1h",
        "--reason",
        "incident 4711",
        "--yes",
    ]);
    world.lambda.wait_until_idle();
    assert_eq!(world.state(), "active");
    assert_eq!(alice.json(&["grants"])["grants"][0]["id"], id.as_str());
    let again = alice.run(&[
        "approve",
        &id,
        "--namespaces",
        "shop",
        "--for",
        "1h",
        "--reason",
        "once more",
        "--yes",
    ]);
    assert_eq!(again.code(), 1, "{}", again.stderr);
    bob.done(&["extend", &id, "--for", "2h", "--reason", "not done yet"]);
    let extension = bob.json(&["requests"])["requests"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        bob.run(&["approve", &extension, "--reason", "for myself", "--yes"])
            .code(),
        1
    );
    alice.done(&["approve", &extension, "--reason", "go on", "--yes"]);
    world.lambda.wait_until_idle();
    world.ticks(HOUR + MINUTE);
    assert!(world.entry(DEV).is_some());
    bob.done(&["revoke", &id, "--reason", "done"]);
    world.ticks(HOUR + 2 * MINUTE);
    assert_eq!(world.entry(DEV), None);
    let history = alice.done(&["history", &id]);
    for action in [
        "requested",
        "approved",
        "granted",
        "extended",
        "end_requested",
        "revoked",
    ] {
        assert!(history.contains(action), "{action} in {history}");
    }
    world.end();
}

#[test]
fn the_command_breaks_the_glass_and_another_reviews_it() {
    let world = World::without_slack();
    let (alice, bob) = (Shell::of(&world, ALICE), Shell::of(&world, BOB));
    let glass = [
        "break-glass",
        "--cluster",
        CLUSTER,
        "--principal",
        DEV,
        "--namespaces",
        "shop",
        "--for",
        "10m",
        "--reason",
        "the pager",
        "--yes",
    ];
    assert_eq!(alice.run(&glass).code(), 1);
    bob.done(&glass);
    world.lambda.wait_until_idle();
    assert_eq!(world.state(), "active");
    let id = world.id();
    assert_eq!(bob.run(&["review", &id, "--reason", "it was me"]).code(), 1);
    alice.done(&["review", &id, "--reason", "was right"]);
    world.end();
}
