//! The rules, over HTTP, without an SDK.

mod faults;
mod policies;
mod tags;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Cluster, Eks, Entry, Login};
use crate::directory::{Directory, Principal};
use crate::http::{Request, ask};
use crate::record::Answer;
use crate::wire::encoded;

const DEV: &str = "arn:aws:iam::111122223333:role/team/dev/DevRole";
const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
const NOT_IN_CONFIG_MAP: &str = "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to \
                                 perform this operation.";

struct World {
    directory: Directory,
    eks: Eks,
    address: String,
}

fn world() -> World {
    let directory = Directory::new("aws", "111122223333");
    directory.role("/team/dev/", "DevRole");
    directory.user("/", "alice");
    directory.add(Principal::role("/", "There").in_account("444455556666"));
    let (eks, endpoint) = Eks::start("eu-west-1", &directory);
    eks.cluster(Cluster::new("prod"));
    eks.cluster(Cluster::new("legacy").mode("CONFIG_MAP"));
    World {
        directory,
        eks,
        address: endpoint.replace("http://", ""),
    }
}

impl World {
    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, String, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: vec![(
                "authorization".to_owned(),
                "AWS4-HMAC-SHA256 Credential=AKID/20260301/eu-west-1/eks/aws4_request, SignedHeaders=host, Signature=0"
                    .to_owned(),
            )],
            body: body.into_bytes(),
        };
        let answer = ask(&self.address, &request, Duration::from_secs(10)).unwrap();
        let code = answer
            .headers
            .iter()
            .find(|(name, _)| name == "x-amzn-errortype");
        let code = code.map_or(String::new(), |(_, code)| code.clone());
        let body = serde_json::from_slice(&answer.body).unwrap();
        (answer.status, code, body)
    }

    fn get(&self, path: &str) -> (u16, String, Value) {
        self.ask("GET", path, &Value::Null)
    }

    fn create(&self, cluster: &str, body: &Value) -> (u16, String, Value) {
        self.ask("POST", &format!("/clusters/{cluster}/access-entries"), body)
    }

    fn associate(&self, principal: &str, policy: &str, scope: &Value) -> (u16, String, Value) {
        let path = format!(
            "/clusters/prod/access-entries/{}/access-policies",
            encoded(principal)
        );
        self.ask(
            "POST",
            &path,
            &json!({"policyArn": policy, "accessScope": scope}),
        )
    }

    fn broken(&self) -> usize {
        self.eks.record().broken_rules().len()
    }
}

fn entry(principal: &str) -> String {
    format!("/clusters/prod/access-entries/{}", encoded(principal))
}

fn refused(answer: &(u16, String, Value)) -> (u16, &str, &str) {
    (answer.0, &answer.1, answer.2["message"].as_str().unwrap())
}

#[test]
fn a_cluster_is_described() {
    let world = world();
    world.eks.cluster(
        Cluster::new("auto")
            .without_access_config()
            .auto_mode(&["system"], "arn:aws:iam::111122223333:role/node"),
    );
    let (status, _, body) = world.get("/clusters/prod");
    assert_eq!(status, 200);
    let cluster = &body["cluster"];
    assert_eq!(
        cluster["accessConfig"]["authenticationMode"],
        "API_AND_CONFIG_MAP"
    );
    assert_eq!(cluster["createdAt"], 1_767_225_600);
    assert_eq!(
        cluster["arn"],
        "arn:aws:eks:eu-west-1:111122223333:cluster/prod"
    );
    assert_eq!(
        cluster["logging"]["clusterLogging"][0]["types"],
        json!(["authenticator"])
    );
    let (_, _, body) = world.get("/clusters/auto");
    assert_eq!(body["cluster"].get("accessConfig"), None);
    assert_eq!(body["cluster"]["computeConfig"]["enabled"], true);
    assert_eq!(
        refused(&world.get("/clusters/none")),
        (
            404,
            "ResourceNotFoundException",
            "No cluster found for name: none."
        )
    );
    assert_eq!(world.broken(), 0);
}

#[test]
fn a_config_map_cluster_refuses_even_reads() {
    let world = world();
    let path = format!("/clusters/legacy/access-entries/{}", encoded(DEV));
    let expected = (400, "InvalidRequestException", NOT_IN_CONFIG_MAP);
    assert_eq!(refused(&world.get(&path)), expected);
    assert_eq!(
        refused(&world.get("/clusters/legacy/access-entries")),
        expected
    );
    assert_eq!(
        refused(&world.create("legacy", &json!({"principalArn": DEV}))),
        expected
    );
    assert_eq!(world.broken(), 0);
}

#[test]
fn a_cluster_that_is_not_active_is_read_but_not_written() {
    let world = world();
    world
        .eks
        .change("prod", |cluster| cluster.status("UPDATING"));
    assert_eq!(world.get("/clusters/prod/access-entries").0, 200);
    assert_eq!(
        world.create("prod", &json!({"principalArn": DEV})).1,
        "InvalidRequestException"
    );
}

#[test]
fn an_entry_is_created_once_and_described_with_its_defaults() {
    let world = world();
    world.eks.clock("2026-03-01T10:00:00Z");
    let body = json!({"principalArn": DEV, "type": "STANDARD", "tags": {"a": "b"}, "clientRequestToken": "1"});
    let (status, _, first) = world.create("prod", &body);
    assert_eq!(status, 200);
    let made = &first["accessEntry"];
    assert_eq!(made["createdAt"], 1_772_359_200);
    assert_eq!(
        made["username"],
        "arn:aws:sts::111122223333:assumed-role/DevRole/{{SessionName}}"
    );
    assert_eq!(made["kubernetesGroups"], json!([]));
    let arn = made["accessEntryArn"].as_str().unwrap();
    assert!(arn.starts_with(
        "arn:aws:eks:eu-west-1:111122223333:access-entry/prod/role/111122223333/DevRole/"
    ));
    assert_eq!(world.create("prod", &body).2, first);
    assert_eq!(
        refused(&world.create(
            "prod",
            &json!({"principalArn": DEV, "clientRequestToken": "2"})
        )),
        (
            409,
            "ResourceInUseException",
            "The specified access entry resource is already in use on this cluster."
        )
    );
    // A token whose request failed replays nothing.
    assert_eq!(
        world
            .create(
                "prod",
                &json!({"principalArn": DEV, "clientRequestToken": "2"})
            )
            .0,
        409
    );
    assert_eq!(world.get(&entry(DEV)).2, first);
    assert_eq!(world.ask("DELETE", &entry(DEV), &Value::Null).0, 200);
    assert_eq!(
        refused(&world.get(&entry(DEV))).2,
        "The specified principalArn could not be found. You can view your available access entries with \
         'list-access-entries'."
    );
    assert_eq!(world.broken(), 0);
    let reused = json!({"principalArn": DEV, "clientRequestToken": "1", "type": "EC2_LINUX"});
    assert_eq!(world.create("prod", &reused).0, 400);
    assert_eq!(world.broken(), 1);
}

#[test]
fn a_principal_must_exist_under_exactly_this_arn() {
    let world = world();
    let create = |arn: &str| world.create("prod", &json!({"principalArn": arn}));
    let invalid = "The specified principalArn is invalid: invalid principal.";
    for arn in [
        "arn:aws:iam::111122223333:role/DevRole",
        "arn:aws:iam::111122223333:role/Nobody",
        "arn:aws:iam::444455556666:role/Nobody",
    ] {
        assert_eq!(
            refused(&create(arn)),
            (400, "InvalidParameterException", invalid)
        );
    }
    assert_eq!(world.broken(), 0);
    for arn in [
        "arn:aws:sts::111122223333:assumed-role/DevRole/alice",
        "arn:aws:iam::111122223333:group/devs",
        "arn:aws:iam::111122223333:root",
        "arn:aws-cn:iam::111122223333:role/DevRole",
        "DevRole",
    ] {
        assert_eq!(refused(&create(arn)).2, invalid);
    }
    let linked = "arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS";
    assert_eq!(
        refused(&create(linked)).2,
        "The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role"
    );
    assert_eq!(world.broken(), 6);
    assert_eq!(create("arn:aws:iam::444455556666:role/There").0, 200);
    assert_eq!(create("arn:aws:iam::111122223333:user/alice").0, 200);
    assert_eq!(
        world
            .get(&entry("arn:aws:sts::111122223333:assumed-role/a/b"))
            .0,
        404
    );
    assert_eq!(world.broken(), 7);
}

#[test]
fn reserved_names_are_refused() {
    let world = world();
    let with = |rest: &Value| {
        let mut body = json!({"principalArn": DEV});
        body.as_object_mut()
            .unwrap()
            .extend(rest.as_object().unwrap().clone());
        world.create("prod", &body)
    };
    assert_eq!(
        refused(&with(&json!({"kubernetesGroups": ["system:masters"]}))).2,
        "The kubernetes group name system:masters is invalid, it cannot start with system:"
    );
    assert_eq!(
        refused(&with(&json!({"username": "system:admin"}))).2,
        "The username must not begin with system:"
    );
    for bad in [
        json!({"username": "{{SessionName}}"}),
        json!({"username": "iam:me"}),
        json!({"tags": {"aws:a": "b"}}),
        json!({"type": "LINUX"}),
        json!({"type": "EC2_LINUX", "kubernetesGroups": ["a"]}),
        json!({"kubernetesGroup": ["a"]}),
    ] {
        assert_eq!(with(&bad).0, 400, "{bad}");
    }
    assert_eq!(world.broken(), 8);
    assert_eq!(
        with(&json!({"username": "dev:{{SessionName}}", "kubernetesGroups": ["devs"]})).0,
        200
    );
}

#[test]
fn lists_come_in_pages_whose_tokens_are_good_for_one_question() {
    let world = world();
    for number in 0..5 {
        let arn = format!("arn:aws:iam::111122223333:role/r{number}");
        let plain = Entry::new(&arn);
        let viewer = Entry::new(&arn).policy("AmazonEKSViewPolicy");
        world
            .eks
            .entry("prod", if number < 2 { viewer } else { plain });
    }
    let path = "/clusters/prod/access-entries";
    let mut found = Vec::new();
    let mut token = String::new();
    loop {
        let body = world.get(&format!("{path}?maxResults=2{token}")).2;
        found.extend(body["accessEntries"].as_array().unwrap().clone());
        match body["nextToken"].as_str() {
            Some(next) => token = format!("&nextToken={}", encoded(next)),
            None => break,
        }
    }
    assert_eq!(found.len(), 5);
    assert_eq!(world.eks.record().count("ListAccessEntries"), 3);
    let filtered = world
        .get(&format!("{path}?associatedPolicyArn={}", encoded(VIEW)))
        .2;
    assert_eq!(filtered["accessEntries"].as_array().unwrap().len(), 2);
    assert_eq!(world.broken(), 0);
    for query in [
        "maxResults=0".to_owned(),
        "maxResults=101".to_owned(),
        token.replace('&', "") + "x",
    ] {
        assert_eq!(world.get(&format!("{path}?{query}")).0, 400);
    }
    assert_eq!(
        world
            .get(&format!("/clusters?{}", token.replace('&', "")))
            .0,
        400
    );
    assert_eq!(world.broken(), 4);
    world.eks.page(1);
    assert!(world.get(path).2["nextToken"].is_string());
}

#[test]
fn there_are_at_most_three_thousand_entries() {
    let world = world();
    for number in 0..3_000 {
        let arn = format!("arn:aws:iam::111122223333:role/r{number}");
        world.eks.entry("prod", Entry::new(&arn));
    }
    assert_eq!(
        world.create("prod", &json!({"principalArn": DEV})).1,
        "ResourceLimitExceededException"
    );
    assert_eq!(world.broken(), 0);
}

#[test]
fn a_new_entry_is_invisible_until_it_has_propagated() {
    let world = world();
    world.eks.clock("2026-03-01T10:00:00Z");
    world.eks.propagation(Duration::from_secs(10));
    assert_eq!(world.create("prod", &json!({"principalArn": DEV})).0, 200);
    assert_eq!(world.get(&entry(DEV)).0, 404);
    assert_eq!(world.create("prod", &json!({"principalArn": DEV})).0, 409);
    world.eks.clock("2026-03-01T10:00:10Z");
    assert_eq!(world.get(&entry(DEV)).0, 200);
}

#[test]
fn a_recreated_role_does_not_log_in_though_its_entry_stays() {
    let world = world();
    world.eks.entry("prod", Entry::new(DEV).groups(&["devs"]));
    let at = "2026-03-01T10:00:00Z";
    let before = world.directory.find(DEV).unwrap();
    let logged = "arn:aws:iam::111122223333:role/DevRole";
    assert!(matches!(
        world.eks.would_log_in("prod", logged, &before.id, at),
        Login::Granted { groups, .. } if groups == ["devs"]
    ));
    let after = world.directory.recreate(DEV, at);
    assert_eq!(
        world.eks.would_log_in("prod", logged, &after.id, at),
        Login::NotMapped
    );
    let renamed = "arn:aws:iam::111122223333:role/Renamed";
    assert_eq!(
        world.eks.would_log_in("prod", renamed, &before.id, at),
        Login::OtherArn
    );
    assert_eq!(world.get(&entry(DEV)).0, 200);
}

#[test]
fn a_plan_can_deny_throttle_fail_and_dawdle() {
    let world = world();
    world.eks.entry("prod", Entry::new(DEV));
    world.eks.plan(|asked| match asked.number {
        1 => Answer::Denied,
        2 => Answer::Throttled,
        3 => Answer::Failure,
        _ => Answer::Slow(Duration::from_millis(30)),
    });
    let denied = world.get(&entry(DEV));
    let (status, code, message) = refused(&denied);
    assert_eq!((status, code), (403, "AccessDeniedException"));
    assert!(message.contains(
        "is not authorized to perform: eks:DescribeAccessEntry on resource: \
         arn:aws:eks:eu-west-1:111122223333:access-entry/prod/role/111122223333/DevRole/"
    ));
    assert_eq!(
        refused(&world.get("/clusters/prod")),
        (429, "ThrottlingException", "Rate exceeded")
    );
    assert_eq!(world.get("/clusters/prod").0, 500);
    let started = Instant::now();
    assert_eq!(world.get("/clusters/prod").0, 200);
    assert!(started.elapsed() >= Duration::from_millis(30));
    let outcomes: Vec<_> = world
        .eks
        .record()
        .asked()
        .into_iter()
        .map(|asked| asked.outcome)
        .collect();
    assert_eq!(
        outcomes,
        [
            "AccessDeniedException",
            "ThrottlingException",
            "ServerException",
            "ok"
        ]
    );
}

#[test]
fn what_is_no_request_to_eks_is_kept() {
    let world = world();
    let unencoded = format!("/clusters/prod/access-entries/{DEV}");
    assert_eq!(world.get(&unencoded).0, 404);
    assert_eq!(world.eks.record().unasked().len(), 1);
    let unsigned = Request {
        method: "GET".to_owned(),
        path: "/clusters".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    assert_eq!(
        ask(&world.address, &unsigned, Duration::from_secs(10))
            .unwrap()
            .status,
        403
    );
    assert_eq!(world.broken(), 1);
    assert_eq!(world.eks.record().asked(), []);
}
