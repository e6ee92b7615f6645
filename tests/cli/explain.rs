//! `explain`: answers, order, exit codes.

use crate::run::{EXPIRED, GRANTED, IDENTITY, NOT_MAPPED, lines, run};

#[test]
fn a_person_sees_who_why_and_what_to_do_first() {
    let output = run(
        &["explain", "--cluster", "prod-eu", "--region", "eu-west-1"],
        &lines(&[IDENTITY, NOT_MAPPED, GRANTED]),
    );
    assert_eq!(output.code, 1);
    let first = output.stdout.lines().next().unwrap();
    assert_eq!(first, "MEDIUM  prod-eu: principal not mapped");
    for part in [
        "arn:aws:iam::111122223333:role/Dev",
        "jo@example.com",
        "identity is not mapped",
        "eks-access cause principal-not-mapped",
        "3 lines, 1 denied, 1 granted, 1 identity; 1 incident.",
    ] {
        assert!(
            output.stdout.contains(part),
            "no `{part}` in\n{}",
            output.stdout
        );
    }
    assert!(
        !output.stdout.contains("127.0.0.1"),
        "the client field is not the caller"
    );
    assert!(!output.stdout.contains("ASIA"), "an access key id is shown");
    assert!(
        !output.stdout.contains('\u{1b}'),
        "colours without a terminal"
    );
    assert_eq!(output.stderr, "");
}

#[test]
fn json_has_one_object_per_line_in_order_and_follows_its_schema() {
    let schema = run(&["explain", "--format", "schema"], b"");
    assert_eq!(schema.code, 0);
    let schema: serde_json::Value = serde_json::from_str(&schema.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    // Facts are there only when they were asked for.
    let members: Vec<&String> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| *name != "facts")
        .collect();
    let input = lines(&[
        GRANTED,
        IDENTITY,
        NOT_MAPPED,
        "",
        "garbage",
        EXPIRED,
        "Received nothing",
    ]);
    let output = run(&["explain", "--format", "json"], &input);
    assert_eq!(output.code, 1);
    for (number, line) in output.json().iter().enumerate() {
        assert_eq!(line["n"], number + 1);
        assert_eq!(
            line.as_object().unwrap().keys().collect::<Vec<_>>(),
            members
        );
        let errors: Vec<String> = validator
            .iter_errors(line)
            .map(|error| error.to_string())
            .collect();
        assert_eq!(errors, Vec::<String>::new());
    }
    assert_eq!(
        output.column("kind"),
        [
            "granted",
            "identity",
            "denial",
            "other",
            "unreadable",
            "denial",
            "unreadable"
        ]
    );
    assert_eq!(
        output.column("symptom"),
        [
            "access-granted",
            "sts-identity",
            "not-mapped",
            "info-other",
            "truncated",
            "token-expired",
            "truncated"
        ]
    );
    assert_eq!(output.column("cause")[2], "principal-not-mapped");
    assert_eq!(output.column("session")[2], "jo@example.com");
    assert_eq!(output.column("account")[2], "111122223333");
    assert_eq!(output.column("principal")[5], "null");
    let grantable: Vec<bool> = output
        .json()
        .iter()
        .map(|line| line["grantable"].as_bool().unwrap())
        .collect();
    assert_eq!(grantable, [false, false, true, false, false, false, false]);
}

#[test]
fn a_principal_of_another_account_is_never_grantable() {
    let output = run(
        &["explain", "--format", "json", "--account", "999988887777"],
        &lines(&[NOT_MAPPED]),
    );
    assert_eq!(output.column("cause"), ["foreign-account-principal"]);
    assert_eq!(output.json()[0]["grantable"], false);
}

#[test]
fn remedies_fit_the_authentication_mode() {
    let texts = |mode: &str| {
        let output = run(
            &["explain", "--format", "json", "--mode", mode],
            &lines(&[NOT_MAPPED]),
        );
        output.json()[0]["remedies"].to_string()
    };
    assert!(
        texts("CONFIG_MAP").contains("iamidentitymapping")
            && !texts("CONFIG_MAP").contains("create-access-entry")
    );
    assert!(
        texts("API").contains("create-access-entry")
            && !texts("API").contains("iamidentitymapping")
    );
}

#[test]
fn the_exit_code_tells_what_was_found() {
    assert_eq!(run(&["explain"], &lines(&[GRANTED])).code, 0);
    assert_eq!(run(&["explain"], b"").code, 0);
    assert_eq!(run(&["explain"], &lines(&[EXPIRED])).code, 1);
    for wrong in [
        &["explain", "--cluster", "a b"][..],
        &["explain", "--account", "12"],
        &["explain", "--mode", "BOTH"],
        &["explain", "--region", "moon"],
        &["explain", "--format", "xml"],
        &["explain", "no-such-file"],
        &["cause", "no-such-cause"],
        &["explode"],
        &[],
    ] {
        let output = run(wrong, b"");
        assert_eq!(output.code, 2, "{wrong:?}");
        assert!(!output.stderr.is_empty(), "{wrong:?} says nothing");
        assert_eq!(output.stdout, "", "{wrong:?} answers all the same");
    }
}

#[test]
fn what_was_read_is_told_even_when_a_later_file_is_missing() {
    let directory = std::env::temp_dir().join(format!("eks-access-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("a.log");
    std::fs::write(&file, lines(&[NOT_MAPPED])).unwrap();
    let output = run(&["explain", file.to_str().unwrap(), "no-such-file"], b"");
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!(output.code, 2);
    assert!(
        output.stdout.contains("principal not mapped") && output.stderr.contains("no-such-file")
    );
}

#[test]
fn notices_are_printed_in_every_rendering() {
    let input = lines(&[IDENTITY, NOT_MAPPED]);
    let render = |name: &str| {
        run(
            &["explain", "--cluster", "prod-eu", "--render", name],
            &input,
        )
        .stdout
    };
    assert!(
        render("email").starts_with("Subject: [EKS] prod-eu: principal not mapped (role/Dev)\n")
    );
    let chat: serde_json::Value = serde_json::from_str(&render("chat")).unwrap();
    assert_eq!(chat["source"], "custom");
    assert!(
        !chat.to_string().contains("jo@example.com"),
        "log text in chat"
    );
    let sns: serde_json::Value = serde_json::from_str(&render("sns")).unwrap();
    assert_eq!(sns["MessageStructure"], "json");
    assert!(sns["Message"]["default"].is_string());
    assert_eq!(
        sns["MessageAttributes"]["cause"]["StringValue"],
        "principal-not-mapped"
    );
    let card: serde_json::Value = serde_json::from_str(&render("slack")).unwrap();
    assert_eq!(card["blocks"][0]["type"], "header");
    assert_eq!(
        (&card["parse"], &card["unfurl_links"]),
        (&"none".into(), &false.into())
    );
    assert!(render("text").contains("What to do"));
}

#[test]
fn a_burst_right_after_a_broken_aws_auth_is_one_incident_about_aws_auth() {
    let broken = r#"time="2026-11-21T22:50:00Z" level=warning msg="Errors parsing configmap: [yaml: line 13: did not find expected key]""#;
    let mut input = lines(&[broken]);
    for number in 0..50 {
        let denial = NOT_MAPPED.replace("role/Dev", &format!("role/Node{number}"));
        input.extend(lines(&[&denial]));
    }
    let output = run(&["explain", "--cluster", "prod-eu"], &input);
    assert!(
        output.stdout.starts_with("CRITICAL  prod-eu: "),
        "{}",
        output.stdout
    );
    assert!(output.stdout.contains("at least 51 lines") && output.stdout.contains("; 1 incident."));
}

#[test]
fn a_terminals_words_lead_to_possible_causes() {
    let output = run(
        &["explain"],
        b"error: You must be logged in to the server (Unauthorized)\n",
    );
    assert_eq!(output.code, 1);
    assert!(
        output.stdout.contains("It could also be")
            && output.stdout.contains("principal-not-mapped")
    );
    let json = run(
        &["explain", "--format", "json"],
        b"error: You must be logged in to the server (Unauthorized)\n",
    );
    assert_eq!(
        (json.column("stream"), json.column("cause")),
        (
            vec!["client".to_owned()],
            vec!["client-unauthorized".to_owned()]
        )
    );
}

#[test]
fn audit_and_api_server_lines_are_counted_as_other() {
    let denied = lines(&[NOT_MAPPED]);
    for stream in ["audit", "apiserver"] {
        let output = run(
            &["explain", "--format", "json", "--stream", stream],
            &denied,
        );
        assert_eq!(
            (output.code, output.column("kind")),
            (0, vec!["other".to_owned()])
        );
        assert_eq!(output.column("stream"), [stream]);
    }
}

/// Forged lines: text a caller wrote inside `error` (the strings of threat T2).
#[test]
fn forged_lines_name_nobody() {
    let forged = [
        r#"time="2026-11-21T22:50:01Z" level=warning msg="access denied" client="127.0.0.1:1" error="input token was not properly formatted: error parsing X-Amz-Date parameter x msg=\"access denied\" arn=arn:aws:iam::111122223333:role/admin client=\"127.0.0.1:1\" error=\"ARN is not mapped\" into format 20060102T150405Z" method=POST path=/authenticate"#,
        r#"time="2026-11-21T22:50:01Z" level=warning msg="access denied" client="127.0.0.1:1" error="input token was not properly formatted: non-whitelisted query parameter \"arn=arn:aws:iam::111122223333:role/admin\"" method=POST path=/authenticate"#,
        r#"time="2026-11-21T22:50:01Z" level=warning msg="access denied" client="127.0.0.1:1" error="input token was not properly formatted: unexpected hostname \"identity is not mapped\\n arn=\\\"arn:aws:iam::111122223333:role/admin\\\"\" in pre-signed URL" method=POST path=/authenticate"#,
        r#"time="2026-11-21T22:50:01Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/a" arn="arn:aws:iam::111122223333:role/admin" client="127.0.0.1:1" error="identity is not mapped" method=POST path=/authenticate"#,
        r#"E1121 22:50:01.000001       1 authentication.go:70] Unable to authenticate the request due to an error: [invalid bearer token, time="2026-11-21T22:50:01Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/admin" error="identity is not mapped" method=POST path=/authenticate]"#,
    ];
    let output = run(&["explain", "--format", "json"], &lines(&forged));
    for line in output.json() {
        assert_eq!(
            (&line["principal"], &line["grantable"]),
            (&serde_json::Value::Null, &false.into()),
            "{line}"
        );
    }
}
