//! The rules of ARCHITECTURE.md that a compiler does not hold.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{files, read};

/// The packages of this workspace, with where they are.
const OURS: [(&str, &str); 9] = [
    ("eks-access", "crates/eks-access"),
    ("eks-access-aws", "crates/eks-access-aws"),
    ("eks-access-cli", "crates/eks-access-cli"),
    ("approver", "functions/approver"),
    ("granter", "functions/granter"),
    ("responder", "functions/responder"),
    ("revoker", "functions/revoker"),
    ("fakes", "tests/fakes"),
    ("bench", "tests/bench"),
];

/// The names in these tables of a package's manifest, such as `dependencies`.
fn dependencies(folder: &str, tables: &[&str]) -> BTreeSet<String> {
    let manifest = read(&format!("{folder}/Cargo.toml"));
    let mut is_asked = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if let Some(table) = line.strip_prefix('[') {
            is_asked = tables.contains(&table.trim_end_matches(']'));
        } else if is_asked && let Some((key, _)) = line.split_once('=') {
            let name = key.trim().split('.').next().unwrap_or(key);
            names.insert(name.to_owned());
        }
    }
    names
}

fn ours_in(folder: &str, tables: &[&str]) -> BTreeSet<String> {
    let mut names = dependencies(folder, tables);
    names.retain(|name| OURS.iter().any(|(ours, _)| ours == name));
    names
}

#[test]
fn every_package_of_the_workspace_is_held_to_the_rules() {
    let workspace = read("Cargo.toml");
    let (_, members) = workspace.split_once("\nmembers = [").unwrap();
    let (members, _) = members.split_once(']').unwrap();
    let listed: BTreeSet<&str> = members.split('"').skip(1).step_by(2).collect();
    assert_eq!(listed, OURS.iter().map(|(_, folder)| *folder).collect());
}

#[test]
fn functions_use_the_shell_the_shell_uses_the_core_and_never_back() {
    let linked = ["dependencies", "build-dependencies"];
    for (name, folder) in OURS {
        let allowed: &[&str] = match name {
            "eks-access" | "fakes" => &[],
            "eks-access-aws" => &["eks-access"],
            "bench" => &["fakes"],
            _ => &["eks-access", "eks-access-aws"],
        };
        for used in ours_in(folder, &linked) {
            assert!(allowed.contains(&used.as_str()), "{name} uses {used}");
        }
    }
}

#[test]
fn a_fake_that_shared_our_types_would_share_our_mistakes() {
    let all = ["dependencies", "dev-dependencies", "build-dependencies"];
    assert_eq!(ours_in("tests/fakes", &all), BTreeSet::new());
}

/// The packages that `Cargo.lock` has, with what each needs.
fn lock() -> BTreeMap<String, BTreeSet<String>> {
    let mut packages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in read("Cargo.lock").split("[[package]]").skip(1) {
        let name = package.split('"').nth(1).unwrap().to_owned();
        let needs = package
            .split_once("dependencies = [")
            .map_or("", |(_, rest)| rest);
        let needs = needs
            .split('"')
            .skip(1)
            .step_by(2)
            .filter_map(|need| need.split(' ').next());
        packages
            .entry(name)
            .or_default()
            .extend(needs.map(str::to_owned));
    }
    packages
}

#[test]
fn nothing_that_the_core_links_waits_or_speaks_to_a_network() {
    const NEVER: [&str; 16] = [
        "async", "aws", "futures", "h2", "http", "hyper", "lambda", "mio", "openssl", "reqwest",
        "ring", "rustls", "smol", "socket2", "tokio", "ureq",
    ];
    let lock = lock();
    let mut linked = dependencies("crates/eks-access", &["dependencies"]);
    assert!(!linked.is_empty());
    let mut todo: Vec<String> = linked.iter().cloned().collect();
    while let Some(name) = todo.pop() {
        for need in lock.get(&name).into_iter().flatten() {
            if linked.insert(need.clone()) {
                todo.push(need.clone());
            }
        }
    }
    for name in linked {
        let family = name.split(['-', '_']).next().unwrap_or(&name);
        assert!(!NEVER.contains(&family), "the core links {name}");
    }
}

#[test]
fn the_core_does_no_input_or_output_and_asks_no_clock() {
    const NEVER: [&str; 10] = [
        "std::env",
        "std::fs",
        "std::net",
        "std::process",
        "std::thread",
        "SystemTime",
        "Instant::now",
        "println!",
        "print!(",
        "dbg!",
    ];
    const MODULES: [&str; 5] = ["env", "fs", "net", "process", "thread"];
    for path in files("crates/eks-access/src", ".rs") {
        let source = read(&path);
        for word in NEVER {
            assert!(!source.contains(word), "{path}: {word}");
        }
        for group in source.split("use std::{").skip(1) {
            let names = group.split('}').next().unwrap_or("");
            for name in names.split(',').map(str::trim) {
                assert!(!MODULES.contains(&name), "{path}: std::{name}");
            }
        }
    }
}

/// The files in these folders that read the environment.
fn readers_of_the_environment(folders: &[&str]) -> Vec<String> {
    folders
        .iter()
        .flat_map(|folder| files(folder, ".rs"))
        .filter(|path| read(path).contains("env::var"))
        .collect()
}

#[test]
fn one_module_reads_the_environment_of_the_functions_and_one_file_that_of_the_command() {
    for reader in readers_of_the_environment(&["crates/eks-access-aws/src", "functions"]) {
        let module = reader.trim_end_matches(".rs");
        let is_in_vars = module == "crates/eks-access-aws/src/vars"
            || module.starts_with("crates/eks-access-aws/src/vars/");
        assert!(is_in_vars, "{reader} reads the environment");
    }
    assert_eq!(
        readers_of_the_environment(&["crates/eks-access-cli/src"]),
        ["crates/eks-access-cli/src/environment.rs"]
    );
}

/// The dependencies of a package that only a feature brings.
fn optional(folder: &str) -> BTreeSet<String> {
    let manifest = read(&format!("{folder}/Cargo.toml"));
    let optional = manifest
        .lines()
        .filter(|line| line.contains("optional = true"));
    optional
        .filter_map(|line| line.split([' ', '.', '=']).next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_public_door_has_no_client_of_eks_and_only_it_calls_the_granter() {
    for path in files("functions", ".rs") {
        let uses = |module: &str| read(&path).contains(&format!("eks_access_aws::{module}::"));
        let is_of = |function: &str| path.starts_with(&format!("functions/{function}/"));
        assert!(!uses("granter") || is_of("approver"), "{path}");
        assert!(
            !uses("entries") || is_of("granter") || is_of("revoker"),
            "{path}"
        );
    }
    for (name, folder) in OURS {
        let manifest = read(&format!("{folder}/Cargo.toml"));
        assert_eq!(
            manifest.contains("[\"door\"]"),
            name == "approver",
            "{name}"
        );
    }
}

/// The granter makes and never takes away, the revoker takes away and never makes: what went wrong halfway through is
/// ended by the one whose whole work that is.
#[test]
fn the_granter_takes_nothing_away_and_the_revoker_makes_nothing() {
    let never = |folder: &str, calls: &[&str]| {
        for path in files(&format!("{folder}/src"), ".rs") {
            for call in calls {
                assert!(!read(&path).contains(call), "{path}: {call}");
            }
        }
    };
    never("functions/granter", &["entries.delete("]);
    never(
        "functions/revoker",
        &["entries.create(", "entries.associate(", "entries.retag("],
    );
}

/// What only a person's machine needs would make every cold start of a function longer.
#[test]
fn functions_link_nothing_that_only_the_command_needs() {
    // What the core links is in every function anyway.
    let by_the_core = dependencies("crates/eks-access", &["dependencies"]);
    let laptop: BTreeSet<String> = optional("crates/eks-access-aws")
        .difference(&by_the_core)
        .cloned()
        .collect();
    assert!(laptop.contains("aws-sdk-cloudtrail"), "{laptop:?}");
    for (name, folder) in OURS {
        if !folder.starts_with("functions/") {
            continue;
        }
        let manifest = read(&format!("{folder}/Cargo.toml"));
        assert!(!manifest.contains("\"laptop\""), "{name}");
        for used in dependencies(folder, &["dependencies"]) {
            assert!(!laptop.contains(&used), "{name} uses {used}");
        }
    }
}

/// A second HTTP or TLS stack doubles the size of the function and the time that it takes to start.
#[test]
fn there_is_one_http_stack_and_one_tls_stack() {
    let lock = read("Cargo.lock");
    // `http` and `http-body` are types and no stack; the SDK of CloudWatch Logs, which the command alone links, has the old
    // ones besides.
    for name in ["hyper", "h2", "rustls"] {
        let versions = lock.matches(&format!("\nname = \"{name}\"\n")).count();
        assert_eq!(
            versions, 1,
            "versions of {name}; see `cargo tree -i {name}`"
        );
    }
    for name in ["openssl", "native-tls", "reqwest"] {
        assert!(!lock.contains(&format!("\nname = \"{name}\"\n")), "{name}");
    }
}
