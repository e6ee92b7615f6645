//! What goes wrong on the way, before something is done and after.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{DEV, World, entry, world};
use crate::http::{Request, ask};
use crate::record::{Answer, nth};

const PATIENCE: Duration = Duration::from_secs(10);

/// For an answer that does not come.
const SHORT: Duration = Duration::from_millis(200);

fn create(world: &World, patience: Duration) -> std::io::Result<u16> {
    let request = Request {
        method: "POST".to_owned(),
        path: "/clusters/prod/access-entries".to_owned(),
        headers: vec![(
            "authorization".to_owned(),
            "AWS4-HMAC-SHA256 Credential=AKID/20260301/eu-west-1/eks/aws4_request, SignedHeaders=host, Signature=0"
                .to_owned(),
        )],
        body: json!({"principalArn": DEV}).to_string().into_bytes(),
    };
    Ok(ask(&world.address, &request, patience)?.status)
}

fn exists(world: &World) -> bool {
    world.eks.entry_now("prod", DEV).is_some()
}

/// Waits until the last request has this outcome.
fn until_outcome(world: &World, outcome: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        let asked = world.eks.record().asked();
        let last = asked.last().map_or("none", |asked| &asked.outcome);
        if last == outcome {
            return;
        }
        assert!(Instant::now() < until, "{last}");
        thread::yield_now();
    }
}

#[test]
fn what_is_dropped_or_stalls_was_not_done() {
    let world = world();
    for (answer, patience, outcome) in [
        (Answer::Dropped, PATIENCE, "dropped"),
        (Answer::Silence, SHORT, "silence"),
    ] {
        world.eks.plan(move |_| answer.clone());
        assert!(create(&world, patience).is_err());
        until_outcome(&world, outcome);
        assert!(!exists(&world));
    }
}

#[test]
fn what_is_lost_or_unanswered_was_done() {
    let world = world();
    for (answer, patience) in [(Answer::Lost, PATIENCE), (Answer::Unanswered, SHORT)] {
        world.eks.plan(move |_| answer.clone());
        assert!(create(&world, patience).is_err());
        until_outcome(&world, "ok");
        assert!(exists(&world));
        world.eks.remove_entry("prod", DEV);
    }
}

#[test]
fn a_dropped_connection_ends_and_a_silent_one_stays_open() {
    let world = world();
    for (answer, ended) in [(Answer::Dropped, true), (Answer::Silence, false)] {
        world.eks.plan(move |_| answer.clone());
        let mut stream = TcpStream::connect(&world.address).unwrap();
        let patience = if ended { PATIENCE } else { SHORT };
        stream.set_read_timeout(Some(patience)).unwrap();
        let head = "GET /clusters HTTP/1.1\r\nauthorization: AWS4-HMAC-SHA256 \
                    Credential=AKID/20260301/eu-west-1/eks/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        match stream.read(&mut [0; 1]) {
            Ok(0) => assert!(ended),
            Err(error) => assert!(!ended && error.kind() == ErrorKind::WouldBlock, "{error}"),
            Ok(_) => panic!("an answer came"),
        }
    }
}

#[test]
fn what_comes_after_a_request_comes_when_it_is_done_and_before_it_is_answered() {
    let world = world();
    let seen: Arc<Mutex<Vec<(String, String, bool)>>> = Arc::default();
    let (kept, eks) = (Arc::clone(&seen), world.eks.clone());
    world.eks.after(move |asked| {
        let done = eks.entry_now("prod", DEV).is_some();
        kept.lock()
            .unwrap()
            .push((asked.operation.clone(), asked.outcome.clone(), done));
    });
    assert_eq!(world.get(&entry(DEV)).0, 404);
    assert_eq!(create(&world, PATIENCE).unwrap(), 200);
    let text = |text: &str| text.to_owned();
    assert_eq!(
        *seen.lock().unwrap(),
        [
            (
                text("DescribeAccessEntry"),
                text("ResourceNotFoundException"),
                false
            ),
            (text("CreateAccessEntry"), text("ok"), true),
        ]
    );
}

#[test]
fn the_nth_is_called_once() {
    let world = world();
    let calls: Arc<Mutex<usize>> = Arc::default();
    let kept = Arc::clone(&calls);
    world.eks.after(nth(2, move || *kept.lock().unwrap() += 1));
    for called in [0, 1, 1] {
        world.get("/clusters");
        assert_eq!(*calls.lock().unwrap(), called);
    }
}
