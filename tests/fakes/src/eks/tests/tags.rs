//! Tags, and who may not have them.

use serde_json::{Value, json};

use super::{DEV, entry, refused, world};
use crate::eks::Entry;
use crate::record::Answer;
use crate::wire::encoded;

#[test]
fn an_entry_is_tagged_untagged_and_asked_for_its_tags_by_its_arn() {
    let world = world();
    world
        .eks
        .entry("prod", Entry::new(DEV).tagged("owner", "team"));
    let described = world.get(&entry(DEV)).2;
    let arn = described["accessEntry"]["accessEntryArn"].as_str().unwrap();
    let path = format!("/tags/{}", encoded(arn));
    assert_eq!(world.get(&path).2, json!({"tags": {"owner": "team"}}));
    let more = json!({"tags": {"owner": "me", "request id/+": "é"}});
    assert_eq!(world.ask("POST", &path, &more).2, json!({}));
    assert_eq!(
        world.get(&entry(DEV)).2["accessEntry"]["tags"],
        more["tags"]
    );
    let both = format!("{path}?tagKeys={}&tagKeys=owner", encoded("request id/+"));
    assert_eq!(world.ask("DELETE", &both, &Value::Null).2, json!({}));
    assert_eq!(world.get(&path).2, json!({"tags": {}}));
    assert_eq!(world.broken(), 0);
    let actions: Vec<_> = world.eks.record().actions().into_iter().collect();
    assert_eq!(
        actions,
        [
            "eks:DescribeAccessEntry",
            "eks:ListTagsForResource",
            "eks:TagResource",
            "eks:UntagResource"
        ]
    );
}

#[test]
fn an_entry_that_is_gone_has_no_tags() {
    let world = world();
    let arn = "arn:aws:eks:eu-west-1:111122223333:access-entry/prod/role/111122223333/DevRole/0";
    let path = format!("/tags/{}", encoded(arn));
    let gone = (404, "NotFoundException", "The access entry was not found.");
    assert_eq!(refused(&world.get(&path)), gone);
    let tags = json!({"tags": {"a": "b"}});
    assert_eq!(refused(&world.ask("POST", &path, &tags)), gone);
    assert_eq!(world.broken(), 0);
}

#[test]
fn what_is_no_tag_is_a_bad_request() {
    let world = world();
    world.eks.entry("prod", Entry::new(DEV));
    let described = world.get(&entry(DEV)).2;
    let arn = described["accessEntry"]["accessEntryArn"].as_str().unwrap();
    let path = format!("/tags/{}", encoded(arn));
    for tags in [
        json!({}),
        json!({"tags": {}}),
        json!({"tags": {"aws:a": "b"}}),
        json!({"tags": {"a": "b".repeat(257)}}),
        json!({"tags": {"a": 1}}),
    ] {
        assert_eq!(world.ask("POST", &path, &tags).1, "BadRequestException");
    }
    assert_eq!(
        world.ask("DELETE", &path, &Value::Null).1,
        "BadRequestException"
    );
    let cluster = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
    let path_of_cluster = format!("/tags/{}", encoded(cluster));
    assert_eq!(world.get(&path_of_cluster).1, "BadRequestException");
    assert_eq!(world.broken(), 7);
    let many: serde_json::Map<_, _> = (0..50).map(|n| (n.to_string(), json!(""))).collect();
    assert_eq!(world.ask("POST", &path, &json!({"tags": many})).0, 200);
    let one_more = json!({"tags": {"one": "more"}});
    assert_eq!(world.ask("POST", &path, &one_more).0, 400);
    assert_eq!(world.broken(), 7);
}

#[test]
fn who_may_not_tag_is_told_the_entrys_arn() {
    let world = world();
    world.eks.entry("prod", Entry::new(DEV));
    world.eks.plan(|_| Answer::Denied);
    let arn = "arn:aws:eks:eu-west-1:111122223333:access-entry/prod/role/111122223333/DevRole/0";
    let denied = world.ask(
        "POST",
        &format!("/tags/{}", encoded(arn)),
        &json!({"tags": {"a": "b"}}),
    );
    let wanted = format!("perform: eks:TagResource on resource: {arn} because");
    assert!(refused(&denied).2.contains(&wanted), "{denied:?}");
}

#[test]
fn tags_on_create_need_the_permission_to_tag() {
    let world = world();
    let body = json!({"principalArn": DEV, "tags": {"a": "b"}});
    assert_eq!(world.create("prod", &body).0, 200);
    let actions: Vec<_> = world.eks.record().actions().into_iter().collect();
    assert_eq!(actions, ["eks:CreateAccessEntry", "eks:TagResource"]);
}
