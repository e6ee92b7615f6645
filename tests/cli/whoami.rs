//! `whoami`: whom kubectl calls as, and whether the cluster lets it in.

use fakes::directory::Principal;
use fakes::eks::{Cluster, Entry};
use fakes::record::Answer;

use crate::world::{ACCOUNT, World, flat};

fn arn(resource: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{resource}")
}

/// A kubeconfig whose context leads to `prod`.
fn kubeconfig(arguments: &str, env: &str) -> String {
    format!(
        "current-context: prod
contexts:
- name: prod
  context: {{cluster: 'arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/prod', user: u}}
users:
- name: u
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: aws
      args: [--region, eu-west-1, eks, get-token, --cluster-name, prod{arguments}]
      env: [{env}]
"
    )
}

/// A world where the shell's keys are of the role `Admin` and the profile `work` is the user `jo`.
fn world(arguments: &str, env: &str) -> World {
    let mut world = World::new();
    world.directory.role("/team/", "Admin");
    world.directory.user("/", "jo");
    world.sign_in("AKIASHELLADMIN000000", &arn("role/team/Admin"));
    world.profile("work", "AKIAWORKJO0000000000", &arn("user/jo"));
    world.file(".kube/config", &kubeconfig(arguments, env));
    world.eks.cluster(Cluster::new("prod").mode("API"));
    world.eks.entry(
        "prod",
        Entry::new(&arn("role/team/Admin"))
            .policy("AmazonEKSClusterAdminPolicy")
            .created_at("2026-03-01T10:00:00Z"),
    );
    world
}

#[test]
fn keys_of_the_shell_win_over_the_profile_of_the_kubeconfig_and_the_cluster_lets_them_in() {
    let world = world("", "{name: AWS_PROFILE, value: work}");
    let output = world.run(&["whoami", "--cluster", "prod"]);
    for part in [
        "prod: kubectl calls as arn:aws:iam::111122223333:role/Admin\n",
        "takes     AWS_ACCESS_KEY_ID in the shell's environment",
        "profile `work`, from AWS_PROFILE in the kubeconfig's `env`",
        "because keys in the environment count more",
        "the same identity without kubectl",
        "The cluster lets it in: access entry; AmazonEKSClusterAdminPolicy in the whole cluster.",
    ] {
        let joined = flat(&output.stdout);
        let part = flat(part);
        assert!(joined.contains(&part), "no `{part}` in\n{}", output.stdout);
    }
    assert_eq!(output.code(), 0);
    assert_eq!(output.stderr, "");
}

#[test]
fn the_aws_cli_is_right_and_kubectl_is_refused() {
    let world = world(", --profile, work", "");
    let (code, report) = world.json(&["whoami", "--cluster", "prod"]);
    assert_eq!(report["kubectl"]["principal"], arn("user/jo"));
    assert_eq!(report["aws_cli"]["principal"], arn("role/Admin"));
    assert_eq!(report["same"], false);
    assert_eq!(
        (report["verdict"].as_str(), &report["let_in"]),
        (Some("not-mapped"), &false.into())
    );
    assert_eq!(code, 1);
    let text = world.run(&["whoami", "--cluster", "prod"]);
    assert!(text.stdout.contains("somebody else"), "{}", text.stdout);
    assert!(
        text.stdout
            .contains("eks-access why arn:aws:iam::111122223333:user/jo"),
        "{}",
        text.stdout
    );
}

#[test]
fn a_role_of_the_arguments_is_assumed_as_the_plugin_does() {
    let world = world(", --role-arn, 'arn:aws:iam::111122223333:role/Ops'", "");
    world.directory.role("/", "Ops");
    let (code, report) = world.json(&["whoami", "--cluster", "prod"]);
    assert_eq!(
        report["kubectl"]["arn"],
        "arn:aws:sts::111122223333:assumed-role/Ops/EKSGetTokenAuth"
    );
    assert_eq!(report["aws_cli"]["principal"], arn("role/Admin"));
    assert_eq!(code, 1);
    assert_eq!(world.sts.record().count("AssumeRole"), 1);
}

#[test]
fn a_role_that_does_not_let_the_caller_in_is_an_error_of_the_identity() {
    let world = world(", --role-arn, 'arn:aws:iam::111122223333:role/Nobody'", "");
    let output = world.run(&["whoami", "--cluster", "prod"]);
    assert_eq!(output.code(), 2);
    assert!(
        output.stdout.contains("AWS did not allow sts:AssumeRole"),
        "{}",
        output.stdout
    );
}

#[test]
fn an_entry_that_outlived_its_role_does_not_count() {
    let world = world("", "");
    world
        .directory
        .recreate(&arn("role/team/Admin"), "2026-04-01T10:00:00Z");
    let (code, report) = world.json(&["whoami"]);
    assert_eq!(report["verdict"], "entry-outlived-its-principal");
    assert_eq!(code, 1);
}

#[test]
fn entries_that_look_like_it_are_named() {
    let world = world(", --profile, sso", "");
    let set = |suffix: &str| format!("AWSReservedSSO_Dev_{suffix}");
    let path = "/aws-reserved/sso.amazonaws.com/eu-west-1/";
    let (old, new) = (set("0123456789abcdef"), set("fedcba9876543210"));
    let before = world.directory.add(Principal::role(path, &old));
    world.eks.entry(
        "prod",
        Entry::new(&before.arn).policy("AmazonEKSViewPolicy"),
    );
    world.directory.delete(&before.arn);
    let now = world.directory.add(Principal::role(path, &new));
    world.profile("sso", "AKIASSO0000000000000", &now.arn);
    let output = world.run(&["whoami", "--cluster", "prod"]);
    assert_eq!(output.code(), 1);
    let told = flat(&output.stdout);
    assert!(
        told.contains(&format!(
            "{}, which IAM has no more: the same permission set with another ending.",
            before.arn
        )),
        "{}",
        output.stdout
    );
}

#[test]
fn in_config_map_mode_only_aws_auth_decides() {
    let world = world("", "");
    world
        .eks
        .change("prod", |cluster| cluster.mode("CONFIG_MAP"));
    let (code, report) = world.json(&["whoami", "--cluster", "prod"]);
    assert_eq!(
        (code, report["verdict"].as_str()),
        (0, Some("aws-auth-decides"))
    );
    assert_eq!(world.eks.record().count("DescribeAccessEntry"), 0);
}

#[test]
fn what_the_caller_may_not_ask_is_said_with_the_permission() {
    for (operation, permission) in [
        ("DescribeCluster", "eks:DescribeCluster"),
        ("DescribeAccessEntry", "eks:DescribeAccessEntry"),
    ] {
        let world = world("", "");
        world.eks.plan(move |asked| {
            if asked.operation == operation {
                Answer::Denied
            } else {
                Answer::Normal
            }
        });
        let output = world.run(&["whoami", "--cluster", "prod"]);
        assert_eq!(output.code(), 0, "{}", output.stderr);
        assert!(output.stdout.contains(permission), "{}", output.stdout);
        assert!(
            output.stdout.contains("kubectl calls as arn:aws:iam"),
            "{}",
            output.stdout
        );
    }
}

#[test]
fn without_credentials_it_is_said_what_was_looked_for() {
    let mut world = world("", "{name: AWS_PROFILE, value: nosuch}");
    world
        .set("AWS_ACCESS_KEY_ID", "")
        .set("AWS_SECRET_ACCESS_KEY", "");
    let output = world.run(&["whoami", "--cluster", "prod"]);
    assert_eq!(output.code(), 2);
    let told = flat(&output.stdout);
    assert!(
        told.contains("there is no such profile in the AWS CLI's files"),
        "{}",
        output.stdout
    );
    let mut none = World::new();
    none.set("KUBECONFIG", "/nonexistent:/nonexistent2");
    let output = none.run(&["whoami", "--cluster", "prod"]);
    assert_eq!(output.code(), 2);
    assert!(
        output.stderr.contains("aws eks update-kubeconfig"),
        "{}",
        output.stderr
    );
}

#[test]
fn a_cluster_that_eks_does_not_know_is_wrong_usage() {
    let world = world("", "");
    let output = world.run(&["whoami", "--context", "prod", "--cluster", "typo"]);
    assert_eq!(output.code(), 2);
    assert!(
        output.stderr.contains("no cluster `typo`"),
        "{}",
        output.stderr
    );
    let output = world.run(&["whoami", "--cluster", "typo"]);
    assert_eq!(output.code(), 2);
    assert!(output.stderr.contains("no context"), "{}", output.stderr);
}

#[test]
fn a_kubeconfig_can_t_write_to_the_terminal() {
    let world = world(", --profile, \"a\\e[2J\\u202Eb\"", "");
    let output = world.run(&["whoami", "--cluster", "prod"]);
    assert!(
        !output.stdout.contains(['\u{1b}', '\u{202e}']),
        "{:?}",
        output.stdout
    );
    assert_eq!(output.code(), 2);
}

#[test]
fn the_plugin_is_never_run() {
    let world = world("", "");
    let plugin = world.path("aws");
    let text = kubeconfig("", "");
    let text = text.replace("command: aws", &format!("command: '{}'", plugin.display()));
    world.file(".kube/config", &text);
    world.file(
        "aws",
        &format!("#!/bin/sh\ntouch {}\n", world.path("ran").display()),
    );
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&plugin, mode).unwrap();
    let output = world.run(&["whoami", "--cluster", "prod"]);
    assert_eq!(output.code(), 0);
    assert!(!world.path("ran").exists());
    for action in world.record.actions() {
        let verb = action.split(':').next_back().unwrap();
        let reads = ["Get", "Describe", "List"]
            .iter()
            .any(|begin| verb.starts_with(begin));
        assert!(reads, "{action}");
    }
}

#[test]
fn no_program_runs_that_a_file_of_the_kubeconfig_names() {
    for variable in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        for source in [
            "",
            "role_arn = arn:aws:iam::111122223333:role/R\nsource_profile = other\n",
        ] {
            let mut world = world("", "");
            world.set("AWS_ACCESS_KEY_ID", "");
            let ran = world.path("ran");
            let evil = world.path("evil");
            let env = format!(
                "{{name: {variable}, value: '{}'}}, {{name: AWS_PROFILE, value: p}}",
                evil.display()
            );
            world.file(".kube/config", &kubeconfig("", &env));
            let heading = if variable == "AWS_CONFIG_FILE" {
                "profile "
            } else {
                ""
            };
            let program = format!("credential_process = touch {}\n", ran.display());
            let text = if source.is_empty() {
                format!("[{heading}p]\n{program}")
            } else {
                format!("[{heading}p]\n{source}[{heading}other]\n{program}")
            };
            world.file("evil", &text);
            let output = world.run(&["whoami", "--cluster", "prod"]);
            assert!(!ran.exists(), "{variable} {source}");
            assert_eq!(output.code(), 2);
            let said = flat(&output.stdout);
            assert!(
                said.contains("runs no program that a kubeconfig leads to"),
                "{said}"
            );
        }
    }
}

#[test]
fn a_session_of_a_role_that_was_made_again_is_not_let_in() {
    let world = world("", "");
    let (code, report) = world.json(&["whoami"]);
    assert_eq!((code, report["verdict"].as_str()), (0, Some("let-in")));
    // The keys go on working for a while. The entry was made after the new role.
    world
        .directory
        .recreate(&arn("role/team/Admin"), "2026-02-01T10:00:00Z");
    let (code, report) = world.json(&["whoami"]);
    assert_eq!((code, report["verdict"].as_str()), (1, Some("gone")));
    let text = world.run(&["whoami"]).stdout;
    assert!(
        flat(&text).contains("IAM has another one of the same name since"),
        "{text}"
    );
}
