//! Whole notices in every rendering, as people and machines get them. `INSTA_UPDATE=always cargo test --test snapshots`
//! writes them anew; read the difference before you commit it.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where it finds something missing"
)]

use eks_access::cluster::Cluster;
use eks_access::incident::{Digest, Place, Settings};
use eks_access::line::{Stream, read_delivered, read_pasted};
use eks_access::notice::{Notice, chat, email, machine, slack, terminal};

const TIME: &str = "time=\"2026-11-21T22:50:01Z\"";
const END: &str = "method=POST path=/authenticate";

fn denial(arn: &str, error: &str) -> String {
    let arn = if arn.is_empty() {
        String::new()
    } else {
        format!("arn=\"{arn}\" ")
    };
    format!(
        "{TIME} level=warning msg=\"access denied\" {arn}client=\"127.0.0.1:41000\" error=\"{error}\" {END}"
    )
}

fn identity(arn: &str, session: &str) -> String {
    format!(
        "{TIME} level=info msg=\"STS response\" accesskeyid=ASIAIOSFODNN7EXAMPLE accountid=111122223333 arn=\"{arn}/{session}\" \
         client=\"127.0.0.1:41000\" method=POST path=/authenticate session={session} userid=AROA1234567890EXAMPLE"
    )
}

fn cluster() -> Cluster {
    Cluster {
        name: "prod-eu".parse().ok(),
        region: "eu-west-1".parse().ok(),
        account: "111122223333".parse().ok(),
        mode: None,
    }
}

fn only_notice(lines: &[String]) -> Notice {
    let mut digest = Digest::new(Settings::default());
    let cluster = digest.cluster_id(cluster());
    let place = Place {
        log_group: "/aws/eks/prod-eu/cluster",
        log_stream: "authenticator-0123456789abcdef0123456789abcdef",
        event_id: "39300000000000000000000000000000000000000000000000000001",
        timestamp: None,
    };
    for line in lines {
        digest.line(read_delivered(line), cluster, place);
    }
    let mut notices = digest.finish().notices;
    assert_eq!(notices.len(), 1);
    notices.remove(0)
}

/// Everything that is sent for a notice, in one text.
fn all(notice: &Notice) -> String {
    let attributes: Vec<String> = notice
        .sns()
        .attributes
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!(
        "---- subject\n{}\n---- attributes\n{}\n---- email\n{}\n---- chat\n{}\n---- slack\n{}\n---- machine\n{}\n",
        email::subject(notice),
        attributes.join(" "),
        email::render(notice),
        serde_json::to_string_pretty(&chat::render(notice)).unwrap(),
        serde_json::to_string_pretty(&slack::card(notice, &[]).message()).unwrap(),
        serde_json::to_string_pretty(&machine::render(notice)).unwrap(),
    )
}

#[test]
fn a_person_of_a_permission_set_is_not_mapped() {
    let name = "AWSReservedSSO_Developers_0123456789abcdef";
    insta::assert_snapshot!(all(&only_notice(&[
        identity(
            &format!("arn:aws:sts::111122223333:assumed-role/{name}"),
            "jane.doe@example.com"
        ),
        denial(
            &format!("arn:aws:iam::111122223333:role/{name}"),
            "identity is not mapped"
        ),
        denial(
            &format!("arn:aws:iam::111122223333:role/{name}"),
            "identity is not mapped"
        ),
    ])));
}

#[test]
fn a_node_is_not_mapped() {
    insta::assert_snapshot!(all(&only_notice(&[
        identity(
            "arn:aws:sts::111122223333:assumed-role/workers",
            "i-0abc1234def567890"
        ),
        denial(
            "arn:aws:iam::111122223333:role/workers",
            "identity is not mapped"
        ),
    ])));
}

#[test]
fn other_accounts_knock() {
    insta::assert_snapshot!(all(&only_notice(&[
        denial(
            "arn:aws:iam::999988887777:role/ops",
            "identity is not mapped"
        ),
        denial(
            "arn:aws:iam::444455556666:user/jo",
            "identity is not mapped"
        ),
    ])));
}

#[test]
fn a_broken_aws_auth_locks_nodes_out() {
    let mut lines = vec![format!(
        "{TIME} level=warning msg=\"Errors parsing configmap: [yaml: line 13: did not find expected key]\""
    )];
    lines.extend((0..50).map(|number| {
        denial(
            &format!("arn:aws:iam::111122223333:role/node-{number}"),
            "identity is not mapped",
        )
    }));
    insta::assert_snapshot!(all(&only_notice(&lines)));
}

#[test]
fn a_forged_token_with_markup_is_refused() {
    insta::assert_snapshot!(all(&only_notice(&[denial(
        "",
        "input token was not properly formatted: duplicate query parameter found: \\\"<!channel> *approve* `x` <https://evil.example|here> \\u202e eyJhbGciOiJIUzI1NiJ9.e30.c2ln\\n arn=arn:aws:iam::111122223333:role/admin\\\"",
    )])));
}

#[test]
fn an_expired_session_is_refused() {
    insta::assert_snapshot!(all(&only_notice(&[denial(
        "",
        "sts getCallerIdentity failed: error from AWS (expected 200, got 403) on eu-west-1 endpoint. Body: {\\\"Error\\\":{\\\"Code\\\":\\\"ExpiredToken\\\",\\\"Message\\\":\\\"The security token included in the request is expired\\\",\\\"Type\\\":\\\"Sender\\\"},\\\"RequestId\\\":\\\"5c7d2f0a\\\"}",
    )])));
}

#[test]
fn a_terminal_says_unauthorized() {
    let mut digest = Digest::new(Settings::default());
    let unknown = digest.cluster_id(Cluster::default());
    let said = "error: You must be logged in to the server (Unauthorized)";
    digest.line(
        read_pasted(said, Some(Stream::Client)),
        unknown,
        Place::default(),
    );
    let notice = digest.finish().notices.remove(0);
    insta::assert_snapshot!(terminal::render(
        &notice,
        &terminal::Style {
            columns: 96,
            has_colour: true,
            is_complete: false
        }
    ));
}
