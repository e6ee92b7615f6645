//! `aws-auth lint` and `aws-auth translate`, as people run them.

use crate::run::run;

const FILE: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: aws-auth
  namespace: kube-system
data:
  mapRoles: |
    - rolearn: arn:aws:iam::111122223333:role/Node
      username: system:node:{{EC2PrivateDNSName}}
      groups: [system:bootstrappers, system:nodes]
    - rolearn: arn:aws:iam::111122223333:role/Dev
      username: dev:{{SessionName}}
      groups: [devs]
";

const PROD: [&str; 4] = ["--cluster", "prod", "--region", "eu-west-1"];

fn lint(options: &[&str], file: &str) -> crate::run::Output {
    let arguments: Vec<&str> = ["aws-auth", "lint", "-"]
        .iter()
        .chain(options)
        .copied()
        .collect();
    run(&arguments, file.as_bytes())
}

fn translate(tool: &str, options: &[&str], file: &str) -> crate::run::Output {
    let arguments: Vec<&str> = ["aws-auth", "translate", "-", "--to", tool]
        .iter()
        .chain(&PROD)
        .chain(options)
        .copied()
        .collect();
    run(&arguments, file.as_bytes())
}

#[test]
fn a_sound_file_is_clean() {
    let output = lint(&[], FILE);
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "nothing is wrong\n")
    );
    assert_eq!(lint(&["--format", "json"], FILE).stdout, "");
}

#[test]
fn a_mistake_is_told_with_its_line_what_follows_and_what_to_do() {
    let broken = FILE.replace("username: dev:{{SessionName}}", "username: {{SessionName}}");
    let output = lint(&[], &broken);
    assert_eq!(output.code, 1);
    assert!(
        output.stdout.starts_with("line 12: error: "),
        "{}",
        output.stdout
    );
    assert!(output.stdout.contains("nodes too"), "{}", output.stdout);
    let output = lint(&["--format", "json"], &broken);
    assert_eq!(output.code, 1);
    assert_eq!(output.json()[0]["line"], 12);
    for member in ["rule", "level", "what", "consequence", "fix"] {
        assert!(output.json()[0][member].is_string(), "{member}");
    }
}

#[test]
fn what_is_only_worth_knowing_is_no_failure() {
    let output = lint(&["--format", "json"], "mapRoles: \"\"\n");
    assert_eq!(
        (output.code, output.column("level")),
        (0, vec!["info".to_owned()])
    );
}

#[test]
fn another_file_a_missing_file_and_wrong_usage_are_told_apart() {
    for (arguments, says) in [
        (vec!["aws-auth", "lint", "-"], "no mapRoles"),
        (vec!["aws-auth", "lint", "/no/such/file"], "can't be read"),
        (vec!["aws-auth", "lint"], "Usage"),
        (
            vec!["aws-auth", "translate", "-", "--to", "terraform"],
            "--cluster",
        ),
        (
            vec![
                "aws-auth",
                "translate",
                "-",
                "--to",
                "x",
                "--cluster",
                "a",
                "--region",
                "b",
            ],
            "--to",
        ),
    ] {
        let output = run(&arguments, b"x: y\n");
        assert_eq!(output.code, 2, "{arguments:?}");
        assert!(
            output.stderr.contains(says),
            "{arguments:?}: {}",
            output.stderr
        );
        assert_eq!(output.stdout, "", "{arguments:?}");
    }
}

#[test]
fn standard_output_is_the_file_and_standard_error_what_to_know() {
    for (tool, begins) in [
        ("aws-cli", "#!/bin/sh\n"),
        ("eksctl", "#!/bin/sh\n"),
        ("terraform", "# aws-auth of prod"),
        ("cloudformation", "# aws-auth of prod"),
    ] {
        let output = translate(tool, &[], FILE);
        assert_eq!(output.code, 0, "{tool}: {}", output.stderr);
        assert!(output.stdout.starts_with(begins), "{tool}");
        assert!(
            output.stderr.starts_with("2 rows move, 0 stay behind\n"),
            "{}",
            output.stderr
        );
    }
}

#[test]
fn what_stays_behind_is_in_the_exit_code() {
    let file = format!("{FILE}  mapAccounts: |\n    - \"111122223333\"\n");
    let output = translate("aws-cli", &[], &file);
    assert_eq!(output.code, 1);
    assert!(
        output
            .stderr
            .contains("stays   line 15: account 111122223333"),
        "{}",
        output.stderr
    );
    assert!(
        output.stdout.contains("# Stays behind: line 15"),
        "{}",
        output.stdout
    );
}

#[test]
fn a_file_whose_rows_are_lost_is_not_translated() {
    let output = translate("terraform", &[], &FILE.replace("[devs]", "[devs"));
    assert_eq!((output.code, output.stdout.as_str()), (2, ""));
    assert!(
        output.stderr.contains("mapRoles can't be read"),
        "{}",
        output.stderr
    );
}

#[test]
fn entries_that_exist_are_imported() {
    let path = std::env::temp_dir().join(format!("entries-{}.json", std::process::id()));
    std::fs::write(
        &path,
        r#"{"accessEntries": ["arn:aws:iam::111122223333:role/team/Dev"]}"#,
    )
    .unwrap();
    let existing = path.to_str().unwrap();
    let output = translate("terraform", &["--existing", existing], FILE);
    assert!(
        output
            .stdout
            .contains("id = \"prod:arn:aws:iam::111122223333:role/team/Dev\""),
        "{}",
        output.stdout
    );
    std::fs::write(&path, "words").unwrap();
    let broken = translate("terraform", &["--existing", existing], FILE);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(broken.code, 2);
    assert!(
        broken.stderr.contains("list-access-entries"),
        "{}",
        broken.stderr
    );
}

#[test]
fn a_hostile_file_costs_little_and_says_nothing_raw() {
    for file in [
        "[".repeat(1_000_000),
        "- ".repeat(500_000),
        format!("mapRoles: |\n{}", "  - a\n".repeat(200_000)),
        format!("mapRoles: |\n  {}", "[a, ".repeat(200_000)),
        "mapRoles: |\n  - rolearn: \"\u{1b}[31mx\u{202e}\"\n".to_owned(),
        "\0\u{1b}[31m: [".to_owned(),
    ] {
        let started = std::time::Instant::now();
        let output = lint(&[], &file);
        assert!(started.elapsed().as_secs() < 20);
        assert!((0..=2).contains(&output.code));
        for text in [&output.stdout, &output.stderr] {
            assert!(!text.contains(['\u{1b}', '\u{202e}', '\0']), "{text}");
        }
    }
}
