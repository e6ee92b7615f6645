//! Guardrails as somebody might write them, and what might be asked of them.

use std::fmt::Write as _;

use eks_access::policy::{AccessPolicy, Approver};
use proptest::prelude::*;

use crate::world::{Asked, in_groups, platform, session, slack, user};

const CLUSTERS: [&str; 3] = ["prod", "staging", "demo"];
const NAMESPACES: [&str; 5] = ["shop", "web", "lab", "pay", "default"];
const PRINCIPALS: [&str; 8] = [
    "role/dev/*",
    "role/dev/j?e",
    "role/ops/joe",
    "role/*",
    "user/people/*",
    "user/a,b=c",
    "role/x+y@z/*",
    "role/AWSReservedSSO_*",
];
const SETS: [&str; 3] = ["Dev", "Dev_Admin", "Ops=1"];
const CALLERS: [&str; 4] = [
    "role/Ops",
    "role/AWSReservedSSO_Platform_????????????????",
    "role/AWSReservedSSO_Platform_*/sam",
    "user/*",
];
const USERS: [&str; 3] = ["U0123456789", "U0000000001", "U0000000002"];
const GROUPS: [&str; 2] = ["S0123456789", "S0000000001"];

fn some(of: &'static [&'static str], least: usize) -> impl Strategy<Value = Vec<String>> {
    prop::sample::subsequence(of, least..=of.len())
        .prop_map(|items| items.iter().map(ToString::to_string).collect())
}

/// A list of TOML.
fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| format!("\"{item}\"")).collect();
    format!("[{}]", items.join(", "))
}

fn arns(resources: &[String]) -> Vec<String> {
    let arn = |resource: &String| format!("arn:aws:iam::111122223333:{resource}");
    resources.iter().map(arn).collect()
}

/// The keys of a reach, with this many more names of principals and namespaces.
fn reach(more: usize) -> impl Strategy<Value = String> {
    let parts = (
        some(&CLUSTERS, 1),
        some(&PRINCIPALS, 0),
        some(&SETS, 0),
        any::<bool>(),
        some(&NAMESPACES, 1),
        1_u64..=720,
        prop::collection::btree_set("[a-z0-9]{30,60}", 0..=more),
    );
    parts.prop_map(
        |(clusters, mut principals, sets, has_edit, mut namespaces, minutes, names)| {
            principals.extend(names.iter().map(|name| format!("role/{name}")));
            namespaces.extend(names);
            if principals.is_empty() && sets.is_empty() {
                principals.push("role/dev/*".to_owned());
            }
            let mut keys = format!(
                "clusters = {}\nnamespaces = {}\nmax_duration = \"{minutes}m\"\nusers = true\n",
                list(&clusters),
                list(&namespaces)
            );
            if !principals.is_empty() {
                let _ = writeln!(keys, "principals = {}", list(&arns(&principals)));
            }
            if !sets.is_empty() {
                let _ = writeln!(
                    keys,
                    "permission_sets = {}\naccounts = [\"111122223333\"]",
                    list(&sets)
                );
            }
            if has_edit {
                keys.push_str("policies = [\"AmazonEKSViewPolicy\", \"AmazonEKSEditPolicy\"]\n");
                keys.push_str("edit_reads_secrets_and_runs_commands = true\n");
            }
            keys
        },
    )
}

fn rule(more: usize) -> impl Strategy<Value = String> {
    let approvers = (some(&USERS, 1), some(&GROUPS, 0), some(&CALLERS, 1));
    (reach(more), 1_u8..=3, some(&["slack", "iam"], 1), approvers).prop_map(
        |(reach, needed, doors, (users, groups, callers))| {
            format!(
                "{reach}approvals = {needed}\nchannels = {}\napprovers.slack_users = {}\napprovers.slack_groups = {}\n\
                 approvers.iam = {}\n",
                list(&doors),
                list(&users),
                list(&groups),
                list(&arns(&callers))
            )
        },
    )
}

fn deny() -> impl Strategy<Value = String> {
    let keys = (
        some(&PRINCIPALS, 0),
        some(&CLUSTERS, 0),
        some(&NAMESPACES, 0),
        any::<bool>(),
    );
    keys.prop_map(|(principals, clusters, namespaces, is_of_edit)| {
        format!(
            "principals = {}\nclusters = {}\nnamespaces = {}\npolicies = {}\n",
            list(&arns(&principals)),
            list(&clusters),
            list(&namespaces),
            if is_of_edit {
                "[\"AmazonEKSEditPolicy\"]"
            } else {
                "[]"
            }
        )
    })
}

/// A sound file, with up to so many long names in each rule besides.
pub(crate) fn file(rules: usize, more: usize) -> impl Strategy<Value = String> {
    let parts = (
        prop::collection::vec(rule(more), 0..=rules),
        prop::collection::vec(deny(), 0..=2),
        prop::option::of(reach(more)),
        some(&PRINCIPALS, 0),
        some(&USERS, 0),
        some(&CALLERS, 0),
    );
    parts.prop_map(|(rules, denies, glass, protected, slack, callers)| {
        let mut text = format!(
            "version = 1\nprotected = {}\n",
            list(&arns(&protected[..protected.len() / 3]))
        );
        for (number, rule) in rules.iter().enumerate() {
            let _ = writeln!(text, "[[rule]]\nname = \"rule {number}\"\n{rule}");
        }
        for (number, deny) in denies.iter().enumerate() {
            let _ = writeln!(text, "[[deny]]\nname = \"deny {number}\"\n{deny}");
        }
        let _ = writeln!(
            text,
            "[[person]]\nname = \"jane\"\nslack = {}\niam = {}\nsessions = [\"jane\"]",
            list(&slack),
            list(&arns(&callers))
        );
        if let Some(reach) = glass {
            let _ = writeln!(
                text,
                "[break_glass]\ncallers = [\"arn:aws:iam::111122223333:user/*\"]\n{reach}"
            );
        }
        text
    })
}

/// Somebody asks for something.
pub(crate) fn asked() -> impl Strategy<Value = Asked> {
    let home = "role/aws-reserved/sso.amazonaws.com";
    let principals = prop::sample::select(vec![
        "arn:aws:iam::111122223333:role/dev/joe".to_owned(),
        "arn:aws:iam::111122223333:role/ops/joe".to_owned(),
        "arn:aws:iam::111122223333:role/other".to_owned(),
        "arn:aws:iam::111122223333:user/people/ann".to_owned(),
        "arn:aws:iam::111122223333:user/a,b=c".to_owned(),
        "arn:aws:iam::111122223333:root".to_owned(),
        "arn:aws:iam::444455556666:role/dev/joe".to_owned(),
        "arn:aws:iam::111122223333:role/dev/eks-access-granter".to_owned(),
        format!("arn:aws:iam::111122223333:{home}/AWSReservedSSO_Dev_0123456789abcdef"),
        format!(
            "arn:aws:iam::111122223333:{home}/eu-west-1/AWSReservedSSO_Dev_Admin_0123456789abcdef"
        ),
        "arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0123456789abcdef".to_owned(),
    ]);
    let terms = (any::<bool>(), some(&NAMESPACES, 1), 1_u64..=50_000);
    (
        principals,
        prop::sample::select(&CLUSTERS[..]),
        any::<bool>(),
        terms,
    )
        .prop_map(
            |(principal, cluster, is_of_jane, (is_edit, namespaces, seconds))| {
                let names: Vec<&str> = namespaces.iter().map(String::as_str).collect();
                let policy = if is_edit {
                    AccessPolicy::Edit
                } else {
                    AccessPolicy::View
                };
                let asked = Asked::by(&principal)
                    .in_cluster(cluster)
                    .policy(policy)
                    .namespaces(&names)
                    .seconds(seconds);
                if is_of_jane {
                    asked.in_session("jane")
                } else {
                    asked
                }
            },
        )
}

/// Some who say yes.
pub(crate) fn approvers() -> impl Strategy<Value = Vec<Approver>> {
    let all = vec![
        slack("U0123456789"),
        slack("U0000000001"),
        in_groups("U0000000002", &["S0123456789"]),
        in_groups("U0000000003", &["S0000000001"]),
        session("Ops", "a"),
        platform("sam"),
        platform("jane"),
        user("ann"),
        user("people/ann"),
    ];
    prop::sample::subsequence(all, 0..=5)
}
