//! What the granter does, whatever it is told and wherever it is stopped.

use fakes::eks::Entry;
use fakes::lambda::Answer as Ending;
use fakes::ministack::Relayed;
use fakes::record::{Answer, nth};
use serde_json::{Value, json};

use crate::world::{ALICE, APPROVER, CLUSTER, HOUR, MINUTE, REQUESTS, World};

const DEV: &str = "arn:aws:iam::111122223333:role/dev/jane";

/// Changes the world between asking and granting.
type Change = fn(&World);
/// Changes a request's row.
type Edit = fn(&mut Value);

/// A role of its own, denied and approved, with this done just before.
fn round(world: &World, number: usize, before: impl FnOnce()) -> String {
    let name = format!("round-{number}");
    let arn = world.directory.role("/dev/", &name).arn;
    world.denied(&name, 0);
    let id = world.request_of(&arn)["id"].as_str().unwrap().to_owned();
    before();
    let (status, answer) = world.approves(ALICE, &id);
    assert_eq!(status, 202, "{answer}");
    world.lambda.wait_until_idle();
    arn
}

fn is_as_approved(world: &World, arn: &str) {
    let request = world.request_of(arn);
    assert_eq!(request["state"], "active", "{request:#}");
    let entry = world.entry(arn).unwrap();
    assert_eq!(entry["tags"]["managed-by"], "eks-access-responder");
    assert_eq!(entry["tags"]["request-id"], request["id"]);
    assert_eq!(entry["type"], "STANDARD");
    assert_eq!(entry["kubernetesGroups"], json!([]));
    assert_eq!(entry["policies"].as_array().unwrap().len(), 1);
    assert_eq!(
        entry["policies"][0]["accessScope"]["namespaces"],
        json!(["shop"])
    );
}

/// Kills the granter right after the n-th call of something was done and before it was answered, for every n there is.
fn killed_after_each(
    world: &World,
    first: usize,
    hook: impl Fn(&World, usize, Box<dyn FnOnce() + Send>),
) -> usize {
    for number in 1.. {
        let (granter, killed) = (
            world.granter.clone(),
            std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)),
        );
        let flag = std::sync::Arc::clone(&killed);
        let kill = Box::new(move || {
            flag.store(true, std::sync::atomic::Ordering::SeqCst);
            granter.kill();
        });
        let arn = round(world, first + number, || hook(world, number, kill));
        is_as_approved(world, &arn);
        if !killed.load(std::sync::atomic::Ordering::SeqCst) {
            return number - 1;
        }
    }
    unreachable!("there is always a next number")
}

#[test]
fn killed_after_any_call_of_eks_or_iam_it_comes_to_the_same_end() {
    let world = World::new();
    let eks = killed_after_each(&world, 0, |world, number, kill| {
        world.eks.after(nth(number, kill));
    });
    world.eks.after(|_| {});
    assert!(
        eks >= 5,
        "{eks}: describe the cluster, find, create, associate, find, list"
    );
    let iam = killed_after_each(&world, 100, |world, number, kill| {
        world.iam.after(nth(number, kill));
    });
    assert!(iam >= 1);
    assert_eq!(world.did("DeleteAccessEntry"), 0);
    world.end();
}

#[test]
fn killed_after_any_call_of_the_table_it_comes_to_the_same_end() {
    let world = World::new();
    // The approver writes as well; only what comes after the granter was told counts.
    let calls = killed_after_each(&world, 0, |world, number, kill| {
        let granter = world.granter.clone();
        let counted = std::sync::atomic::AtomicUsize::new(0);
        let kill = std::sync::Mutex::new(Some(kill));
        world.stack.after(move |_| {
            if granter.busy() == 0
                || counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1 != number
            {
                return;
            }
            if let Some(kill) = kill.lock().unwrap().take() {
                kill();
            }
        });
    });
    assert!(calls >= 6, "{calls}");
    world.end();
}

#[test]
fn killed_while_it_tells_people_it_has_granted_and_they_hear_of_it_later() {
    let world = World::new();
    let arn = round(&world, 1, || {
        let granter = world.granter.clone();
        world.sns.after(nth(1, move || granter.kill()));
    });
    is_as_approved(&world, &arn);
    world.ticks(MINUTE);
    world.ticks(2 * MINUTE);
    let kinds = world.kinds();
    assert!(kinds.contains(&"granted".to_owned()), "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "granted").count(), 1);
    world.end();
}

#[test]
fn answers_that_get_lost_make_no_second_entry() {
    let world = World::new();
    for (number, operation) in [
        "CreateAccessEntry",
        "AssociateAccessPolicy",
        "DescribeAccessEntry",
    ]
    .iter()
    .enumerate()
    {
        let lost = std::sync::atomic::AtomicBool::new(false);
        let arn = round(&world, number, || {
            world.eks.plan(move |asked| {
                if asked.operation == *operation
                    && !lost.swap(true, std::sync::atomic::Ordering::SeqCst)
                {
                    Answer::Lost
                } else {
                    Answer::Normal
                }
            });
        });
        is_as_approved(&world, &arn);
    }
    world.end();
}

#[test]
fn the_end_is_written_down_before_eks_is_asked_for_anything() {
    let world = World::new();
    world.denied("jane", 0);
    let id = world.id();
    world.eks.plan(|asked| {
        if asked.operation == "CreateAccessEntry" {
            Answer::Failure
        } else {
            Answer::Normal
        }
    });
    world.approves(ALICE, &id);
    world.lambda.wait_until_idle();
    let request = world.request();
    assert_eq!(request["state"], "granting");
    assert!(request["ends"].is_i64());
    let rows = world.stack.rows(REQUESTS);
    let row = rows
        .iter()
        .find(|row| row["sk"]["S"] == "state" && row["state"]["S"] == "granting")
        .unwrap();
    assert!(row["due_at"]["N"].is_string(), "somebody looks at it");
    assert_eq!(world.lambda.dead_letters().len(), 1);
    // The revoker gives the granter up, and finds that there is nothing to take away.
    world.eks.plan(|_| Answer::Normal);
    world.ticks(9 * MINUTE);
    world.ticks(10 * MINUTE);
    assert_eq!(world.state(), "failed");
    assert!(world.kinds().contains(&"failed".to_owned()));
    world.end();
}

#[test]
fn an_entry_without_its_policy_is_taken_away_again() {
    let world = World::new();
    world.denied("jane", 0);
    world.eks.plan(|asked| {
        if asked.operation == "AssociateAccessPolicy" {
            Answer::Error(
                400,
                "InvalidParameterException",
                "no such policy".to_owned(),
            )
        } else {
            Answer::Normal
        }
    });
    world.approves(ALICE, &world.id());
    world.lambda.wait_until_idle();
    assert_eq!(world.state(), "cleanup");
    assert_eq!(world.did("DeleteAccessEntry"), 0, "the granter can't");
    world.ticks(MINUTE);
    assert_eq!(world.entry(DEV), None);
    assert_eq!(world.state(), "failed");
    assert!(
        world.request()["outcome"]
            .as_str()
            .unwrap()
            .contains("no such policy")
    );
    world.end();
}

#[test]
fn the_world_is_looked_at_again_at_the_last_moment() {
    let cases: Vec<(&str, Change, &str)> = vec![
        (
            "the role was made anew",
            |world| {
                world.directory.recreate_now(DEV);
            },
            "made anew",
        ),
        (
            "the role is gone",
            |world| {
                world.directory.delete(DEV);
            },
            "gone from IAM",
        ),
        (
            "somebody made an entry",
            |world| {
                world
                    .eks
                    .entry(CLUSTER, Entry::new(DEV).policy("AmazonEKSAdminPolicy"));
            },
            "not ours",
        ),
        (
            "the mode is another",
            |world| {
                world
                    .eks
                    .change(CLUSTER, |cluster| cluster.mode("CONFIG_MAP"));
            },
            "CONFIG_MAP",
        ),
        (
            "the cluster is being deleted",
            |world| {
                world
                    .eks
                    .change(CLUSTER, |cluster| cluster.status("DELETING"));
            },
            "not active",
        ),
    ];
    for (name, change, words) in cases {
        let world = World::new();
        world.denied("jane", 0);
        let id = world.id();
        change(&world);
        let before = world.entry(DEV);
        world.approves(ALICE, &id);
        world.lambda.wait_until_idle();
        let request = world.request();
        assert_eq!(request["state"], "failed", "{name}");
        assert!(
            request["outcome"].as_str().unwrap().contains(words),
            "{request:#}"
        );
        assert_eq!(world.entry(DEV), before);
        assert_eq!(world.did("CreateAccessEntry"), 0);
        assert_eq!(world.did("AssociateAccessPolicy"), 0);
        world.end();
    }
}

#[test]
fn a_table_that_somebody_edited_grants_nothing() {
    let edits: Vec<(&str, Edit)> = vec![
        ("approved", |request| request["state"] = json!("granting")),
        ("active", |request| request["state"] = json!("active")),
        ("somebody else", |request| {
            request["principal"] = json!("arn:aws:iam::111122223333:role/dev/other");
        }),
        ("an approval", |request| {
            request["terms"] =
                json!({"policy": "AmazonEKSViewPolicy", "namespaces": ["shop"], "seconds": 60});
            request["approvals"] = json!([{
                "by": {"kind": "iam", "principal": "arn:aws:iam::111122223333:user/alice", "session": null},
                "at": 1_790_000_000_000_i64, "reason": "forged", "seal": "00".repeat(32),
            }]);
        }),
    ];
    for (name, edit) in edits {
        let world = World::new();
        world.directory.role("/dev/", "other");
        world.denied("jane", 0);
        world.edit_row(edit);
        world.ticks(0);
        world.lambda.wait_until_idle();
        assert_eq!(world.did("CreateAccessEntry"), 0, "{name}");
        assert_eq!(world.did("AssociateAccessPolicy"), 0);
        world.end();
    }
}

#[test]
fn one_of_two_approvals_can_t_be_written_into_the_table() {
    let world = World::new();
    world.denied("joe", 0);
    let id = world.id();
    world.edit_row(|request| {
        request["terms"] =
            json!({"policy": "AmazonEKSEditPolicy", "namespaces": ["shop"], "seconds": 1800});
        request["approvals"] = json!([{
            "by": {"kind": "slack", "team": "T0000000001", "user": "U0000000011", "groups": []},
            "at": 1_790_000_000_000_i64, "reason": "forged", "seal": "ab".repeat(32),
        }]);
    });
    let body = json!({"policy": "AmazonEKSEditPolicy", "namespaces": ["shop"], "seconds": 1800, "reason": "a release"});
    let (status, answer) = world.call(ALICE, "POST", &format!("/v1/requests/{id}/approve"), &body);
    assert_eq!(
        (status, answer["request"]["state"].as_str()),
        (200, Some("pending")),
        "{answer}"
    );
    assert_eq!(
        answer["request"]["approvals"].as_array().unwrap().len(),
        1,
        "the forged one is gone"
    );
    world.lambda.wait_until_idle();
    assert_eq!(world.did("CreateAccessEntry"), 0);
    world.end();
}

#[test]
fn whoever_can_only_invoke_the_granter_can_grant_nothing() {
    let world = World::new();
    world.denied("jane", 0);
    let request = world.request();
    let order = json!({
        "request": request["id"], "kind": "access", "extends": null, "cluster": CLUSTER, "account": "111122223333",
        "region": "eu-west-1", "principal": DEV, "unique_id": request["unique_id"], "session": null,
        "terms": {"policy": "AmazonEKSViewPolicy", "namespaces": ["shop"], "seconds": 3600},
    });
    let approval = json!({
        "by": {"kind": "iam", "principal": "arn:aws:iam::111122223333:user/alice", "session": null},
        "at": world.start, "reason": "forged", "seal": "00".repeat(32),
    });
    for event in [
        json!({"schema": "eks-access-responder/grant/1", "order": order, "approvals": [approval]}),
        json!({"schema": "eks-access-responder/grant/1", "order": order, "approvals": []}),
        json!({"schema": "eks-access-responder/grant/2", "order": order, "approvals": [approval]}),
        json!({}),
        json!([1, 2]),
        json!("grant"),
    ] {
        world.lambda.send("granter", event.to_string().as_bytes());
    }
    world.lambda.wait_until_idle();
    assert_eq!(world.state(), "pending");
    assert_eq!(world.did("CreateAccessEntry"), 0);
    assert_eq!(world.lambda.dead_letters(), Vec::<Value>::new());
    let written = world.end();
    assert!(written.has("an instruction was not believed"));
}

#[test]
fn an_instruction_that_is_delivered_again_does_nothing_again() {
    let world = World::new();
    world.denied("jane", 0);
    world.approves_in_slack(APPROVER);
    world.lambda.wait_until_idle();
    let event = world.lambda.events("granter").remove(0);
    world.lambda.deliver_again(&event.id);
    world.lambda.wait_until_idle();
    world.ticks(HOUR + MINUTE);
    assert_eq!(world.entry(DEV), None);
    // Not even after its grant has ended, nor under another id.
    world.lambda.deliver_again(&event.id);
    world.lambda.send("granter", &event.payload);
    world.lambda.wait_until_idle();
    assert_eq!(world.entry(DEV), None);
    assert_eq!(world.did("CreateAccessEntry"), 1);
    assert_eq!(world.state(), "revoked");
    world.end();
}

#[test]
fn a_principal_has_one_grant_at_a_time() {
    let world = World::new();
    world.denied("jane", 0);
    world.approves(ALICE, &world.id());
    world.lambda.wait_until_idle();
    let body = json!({"cluster": CLUSTER, "principal": DEV, "namespaces": ["shop"], "seconds": 600, "reason": "the pager"});
    let (status, answer) = world.call(crate::world::BOB, "POST", "/v1/break-glass", &body);
    assert_eq!(status, 202, "{answer}");
    world.lambda.wait_until_idle();
    let all = world.all_requests();
    let glass = all
        .iter()
        .find(|request| request["kind"] == "break-glass")
        .unwrap();
    assert_eq!(glass["state"], "failed");
    assert!(
        glass["outcome"]
            .as_str()
            .unwrap()
            .contains("has a grant in this cluster already"),
        "{glass:#}"
    );
    assert_eq!(world.did("CreateAccessEntry"), 1);
    world.end();
}

#[test]
fn a_table_that_does_not_answer_grants_nothing_and_loses_nothing() {
    let world = World::new();
    world.denied("jane", 0);
    let id = world.id();
    world.lambda.retry_when_told();
    world.lambda.hold();
    world.approves(ALICE, &id);
    world.stack.plan(|call| {
        if call.service == "dynamodb" {
            Relayed::Failure
        } else {
            Relayed::Pass
        }
    });
    world.lambda.release();
    world.lambda.wait_until_idle();
    assert_eq!(world.did("CreateAccessEntry"), 0);
    world.stack.plan(|_| Relayed::Pass);
    assert_eq!(world.lambda.retry(), 1);
    world.lambda.wait_until_idle();
    assert_eq!(world.state(), "active");
    world.end();
}

#[test]
fn other_guardrails_than_the_policies_were_made_from_are_refused() {
    let world = World::new();
    world.granter.set("GUARDRAILS_VERSION", "0000000000000000");
    let Ending::Error { message, .. } = world.granter.run(b"{}") else {
        panic!("it should not have started");
    };
    assert!(!message.is_empty());
    world.granter.end();
}
