//! Instances of a function: real processes that answer, fail, die and dawdle.

use std::thread;
use std::time::{Duration, Instant};

use fakes::lambda::Answer;
use fakes::pool::Pool;
use serde_json::{Value, json};

const SCRIPTED: &str = env!("CARGO_BIN_EXE_scripted");

fn pool() -> Pool {
    Pool::new("granter", SCRIPTED, &[])
}

fn event(script: &Value) -> Vec<u8> {
    json!({"script": script}).to_string().into_bytes()
}

/// Waits until the pool handles so many events.
fn until_busy(pool: &Pool, events: usize) {
    let until = Instant::now() + Duration::from_secs(10);
    while pool.busy() != events {
        assert!(Instant::now() < until, "{} are busy", pool.busy());
        thread::yield_now();
    }
}

#[test]
fn one_instance_does_for_events_that_come_one_by_one() {
    let pool = pool();
    let answer = pool.run(&event(&json!({"answer": {"a": 1}})));
    assert_eq!(answer.response(), r#"{"a":1}"#);
    let error = pool.run_as("one", &event(&json!({"fail": "Sad"}))).error();
    assert_eq!(error, ("Sad".to_owned(), "told so".to_owned()));
    pool.run_as("two", b"{}");
    let remains = pool.end();
    assert_eq!(remains.instances, 1);
    let arn = "arn:aws:lambda:eu-west-1:111122223333:function:granter";
    assert!(remains.stdout.ends_with(&format!("one {arn}\ntwo {arn}\n")));
    assert_eq!((remains.stderr.as_str(), remains.unasked), ("", Vec::new()));
}

#[test]
fn events_that_come_at_once_have_an_instance_each_and_the_rest_wait() {
    let pool = pool().at_most(3);
    pool.warm(3);
    let started = Instant::now();
    let slow = event(&json!({"sleep": 200, "answer": 1}));
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| assert_eq!(pool.run(&slow).response(), "1"));
        }
        until_busy(&pool, 3);
    });
    assert!(started.elapsed() >= Duration::from_millis(400));
    assert_eq!(pool.end().instances, 3);
}

#[test]
fn an_instance_that_dies_is_an_error_and_the_next_event_gets_a_new_one() {
    let pool = pool();
    for (script, how) in [
        (json!({"exit": 3}), "with error: exit status 3"),
        (json!({"exit": 0}), "without providing a reason"),
    ] {
        let (kind, message) = pool.run_as("one", &event(&script)).error();
        assert_eq!(kind, "Runtime.ExitError");
        assert_eq!(
            message,
            format!("RequestId: one Error: Runtime exited {how}")
        );
    }
    assert_eq!(pool.run(&event(&json!({"answer": 1}))).response(), "1");
    assert_eq!(pool.end().instances, 3);
}

#[test]
fn an_instance_can_be_killed_in_the_middle() {
    let pool = pool();
    let slow = event(&json!({"sleep": 60_000}));
    thread::scope(|scope| {
        let running = scope.spawn(|| pool.run(&slow));
        until_busy(&pool, 1);
        pool.kill();
        let (kind, message) = running.join().unwrap().error();
        assert_eq!(kind, "Runtime.ExitError");
        assert!(message.ends_with("signal: killed"), "{message}");
    });
    assert_eq!(pool.run(b"1").response(), "1");
    pool.kill();
    assert_eq!(pool.run(b"2").response(), "2");
    assert_eq!(pool.end().instances, 3);
}

#[test]
fn an_event_that_takes_too_long_is_cut_off() {
    let pool = pool().timeout(Duration::from_millis(300));
    let (kind, message) = pool
        .run_as("one", &event(&json!({"sleep": 60_000})))
        .error();
    assert_eq!(kind, "Sandbox.Timedout");
    assert_eq!(
        message,
        "RequestId: one Error: Task timed out after 0.30 seconds"
    );
    assert_eq!(pool.run(b"1").response(), "1");
}

#[test]
fn a_function_that_cannot_start_fails_every_event() {
    let pool = Pool::new("granter", SCRIPTED, &[("FAIL_INIT", "Mistakes")]);
    for _ in 0..2 {
        let error = pool.run(b"1").error();
        assert_eq!(error, ("Mistakes".to_owned(), "told so".to_owned()));
    }
    pool.set("FAIL_INIT", "Others");
    assert_eq!(pool.run(b"1").error().0, "Others");
    let remains = pool.end();
    assert_eq!((remains.instances, remains.init_errors.len()), (3, 3));
}

#[test]
fn an_instance_at_rest_can_go() {
    let pool = pool();
    pool.run(b"1");
    pool.rest();
    pool.run(b"1");
    assert_eq!(pool.end().instances, 2);
}

#[test]
fn a_pool_that_has_ended_takes_no_event() {
    let pool = pool();
    assert_eq!(pool.end().instances, 0);
    assert!(
        matches!(pool.run(b"1"), Answer::Error { kind, .. } if kind == "TooManyRequestsException")
    );
}
