//! Access policies, and who gets none.

use serde_json::{Value, json};

use super::{DEV, VIEW, entry, refused, world};
use crate::eks::Entry;
use crate::wire::encoded;

#[test]
fn a_node_entry_takes_no_policy_and_only_a_role_of_this_account() {
    let world = world();
    let there =
        json!({"principalArn": "arn:aws:iam::444455556666:role/There", "type": "EC2_LINUX"});
    assert_eq!(world.create("prod", &there).0, 400);
    let node = json!({"principalArn": DEV, "type": "EC2_LINUX"});
    let made = world.create("prod", &node).2;
    assert_eq!(
        made["accessEntry"]["username"],
        "system:node:{{EC2PrivateDNSName}}"
    );
    let only =
        "This operation can only be performed on Access Entries with a type of \"STANDARD\".";
    assert_eq!(
        refused(&world.associate(DEV, VIEW, &json!({"type": "cluster"}))),
        (400, "InvalidParameterException", only)
    );
    let update = world.ask("POST", &entry(DEV), &json!({"kubernetesGroups": ["a"]}));
    assert_eq!(refused(&update).2, only);
}

#[test]
fn associating_again_replaces_the_scope() {
    let world = world();
    world.eks.entry(
        "prod",
        Entry::new(DEV).policy_in("AmazonEKSViewPolicy", &["dev-a"]),
    );
    let path = entry(DEV) + "/access-policies";
    let (status, _, _) = world.associate(
        DEV,
        VIEW,
        &json!({"type": "namespace", "namespaces": ["dev-*"]}),
    );
    assert_eq!(status, 200);
    let listed = world.get(&path).2;
    let policies = listed["associatedAccessPolicies"].as_array().unwrap();
    assert_eq!(policies.len(), 1);
    assert_eq!(
        policies[0]["accessScope"],
        json!({"type": "namespace", "namespaces": ["dev-*"]})
    );
    assert_eq!(policies[0]["associatedAt"], 1_768_435_200);
    let one = format!("{path}/{}", encoded(VIEW));
    assert_eq!(world.ask("DELETE", &one, &Value::Null).0, 200);
    assert_eq!(world.ask("DELETE", &one, &Value::Null).0, 404);
    assert_eq!(world.broken(), 0);
    let cluster = json!({"type": "cluster"});
    for (policy, scope) in [
        ("arn:aws:iam::aws:policy/AdministratorAccess", &cluster),
        (
            "arn:aws:eks::aws:cluster-access-policy/AmazonEKSComputePolicy",
            &cluster,
        ),
        (VIEW, &json!({"type": "namespace"})),
        (VIEW, &json!({"type": "namespace", "namespaces": ["Dev"]})),
        (VIEW, &json!({"type": "cluster", "namespaces": ["dev"]})),
        (VIEW, &json!({"type": "clusters"})),
    ] {
        assert_eq!(
            world.associate(DEV, policy, scope).1,
            "InvalidParameterException"
        );
    }
    assert_eq!(world.broken(), 6);
}
