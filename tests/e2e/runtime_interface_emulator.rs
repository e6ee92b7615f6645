//! The responder under AWS' own Runtime Interface Emulator, which is what Lambda runs a function with.
#![expect(
    clippy::expect_used,
    reason = "a test that finds something wrong stops"
)]

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fakes::delivery::Delivery;
use fakes::http::post;
use fakes::lines;
use fakes::sns::Sns;

const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:eks-access";
const PATIENCE: Duration = Duration::from_secs(20);

/// The emulator: `$RIE`, or where `make tools` puts it.
fn emulator() -> PathBuf {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let path =
        std::env::var_os("RIE").map_or_else(|| root.join(".tools/aws-lambda-rie"), PathBuf::from);
    assert!(
        path.is_file(),
        "there is no Runtime Interface Emulator at {}; run `make tools`",
        path.display()
    );
    path
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener
        .local_addr()
        .expect("the port that was bound")
        .port()
}

#[test]
fn the_responder_answers_under_aws_own_emulator() {
    let sns = Sns::start(TOPIC);
    let (address, runtime_api) = (
        format!("127.0.0.1:{}", free_port()),
        format!("127.0.0.1:{}", free_port()),
    );
    let child = Command::new(emulator())
        .args([
            "--runtime-interface-emulator-address",
            &address,
            "--runtime-api-address",
            &runtime_api,
        ])
        .arg(env!("CARGO_BIN_EXE_responder"))
        .env_clear()
        .envs([
            ("AWS_LAMBDA_FUNCTION_NAME", "responder"),
            ("AWS_LAMBDA_FUNCTION_TIMEOUT", "20"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL", &sns.endpoint()),
            ("TOPIC_ARN", TOPIC),
            ("FACTS", "off"),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("start the emulator");
    let _child = Killed(child);
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(&address).is_err() {
        assert!(
            Instant::now() < until,
            "the emulator does not listen on {address}"
        );
        std::thread::yield_now();
    }
    let invoke = |event: &[u8]| {
        let (status, body) = post(
            &address,
            "/2015-03-31/functions/function/invocations",
            event,
            PATIENCE,
        )
        .unwrap_or_else(|error| panic!("the emulator did not answer: {error}"));
        (status, String::from_utf8_lossy(&body).into_owned())
    };
    let delivery = Delivery::of("prod-eu").line(lines::not_mapped(
        "arn:aws:iam::111122223333:role/dev",
        4000,
    ));
    assert_eq!(invoke(&delivery.event()), (200, "null".to_owned()));
    assert_eq!(invoke(b"\"no delivery\""), (200, "null".to_owned()));
    assert_eq!(
        invoke(&Delivery::control().event()),
        (200, "null".to_owned())
    );
    let published = sns.published();
    assert_eq!(published.len(), 1);
    assert_eq!(
        published
            .first()
            .map(|notice| notice.attributes["cause"].as_str()),
        Some("principal-not-mapped")
    );
    assert_eq!(
        (sns.broken_rules(), sns.unasked()),
        (Vec::new(), Vec::new())
    );
}
