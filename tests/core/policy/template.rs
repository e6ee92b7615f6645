//! What IAM makes of the guardrails.

use std::collections::BTreeSet;

use eks_access::policy::{AccessPolicy, Guardrails, Namespace, Refused, TemplateError, template};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::files::{asked, file};
use crate::world::{Asked, guardrails, user};

const REGION: &str = "ap-southeast-99";
const ACCOUNT: &str = "111122223333";
/// Four roles of ours, with the longest names there are.
const OWN: [&str; 4] = ["granter", "revoker", "approver", "responder"];

fn own_roles() -> Vec<Value> {
    let arn = |name: &&str| format!("arn:aws:iam::{ACCOUNT}:role/{name:0<64}").into();
    OWN.iter().map(arn).collect()
}

/// A value as CloudFormation resolves it.
fn resolved(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(resolved).collect(),
        Value::Object(fields) if fields.len() == 1 => {
            let (name, argument) = fields.iter().next().unwrap();
            match (name.as_str(), argument) {
                ("Fn::Sub", Value::String(text)) => text
                    .replace("${AWS::Region}", REGION)
                    .replace("${AWS::AccountId}", ACCOUNT)
                    .into(),
                ("Fn::Join", _) => {
                    let items = resolved(&argument[1]);
                    let items: Vec<&str> = items
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|item| item.as_str().unwrap())
                        .collect();
                    items.join(argument[0].as_str().unwrap()).into()
                }
                ("Fn::Split", _) => {
                    let text = resolved(&argument[1]);
                    text.as_str()
                        .unwrap()
                        .split(argument[0].as_str().unwrap())
                        .map(Value::from)
                        .collect()
                }
                ("Ref", Value::String(name)) if name == "OwnRoles" => own_roles().into(),
                _ => all_of(fields),
            }
        }
        Value::Object(fields) => all_of(fields),
        _ => value.clone(),
    }
}

fn all_of(fields: &Map<String, Value>) -> Value {
    let fields = fields
        .iter()
        .map(|(name, value)| (name.clone(), resolved(value)));
    Value::Object(fields.collect())
}

/// The policies of one role, resolved.
fn policies(template: &Value, role: &str) -> Vec<Value> {
    let resources = template["Resources"].as_object().unwrap().values();
    resources
        .filter(|resource| resource["Properties"]["Roles"] == serde_json::json!([{"Ref": role}]))
        .inspect(|resource| assert_eq!(resource["Type"], "AWS::IAM::ManagedPolicy"))
        .map(|resource| resolved(&resource["Properties"]["PolicyDocument"]))
        .collect()
}

fn statements(template: &Value, role: &str) -> Vec<Value> {
    let policies = policies(template, role);
    policies
        .iter()
        .flat_map(|policy| policy["Statement"].as_array().unwrap().clone())
        .collect()
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().map(|item| item.as_str().unwrap()).collect(),
        _ => panic!("{value}"),
    }
}

/// What a request to EKS has in its context.
struct Request<'a> {
    action: &'static str,
    resource: String,
    keys: Vec<(&'static str, Vec<&'a str>)>,
}

impl Request<'_> {
    fn key(&self, name: &str) -> Option<&[&str]> {
        let found = self.keys.iter().find(|(key, _)| *key == name);
        found.map(|(_, values)| values.as_slice())
    }

    /// Whether IAM would allow it (IAM user guide, "Policy evaluation logic").
    fn is_allowed(&self, statements: &[Value]) -> bool {
        let of = |effect: &str| {
            let mut all = statements
                .iter()
                .filter(|statement| statement["Effect"] == effect);
            all.any(|statement| self.is_meant(statement))
        };
        of("Allow") && !of("Deny")
    }

    /// The `Sid`s of the statements that deny it.
    fn denied_by<'s>(&self, statements: &'s [Value]) -> Vec<&'s str> {
        let denies = statements
            .iter()
            .filter(|statement| statement["Effect"] == "Deny" && self.is_meant(statement));
        denies
            .map(|statement| statement["Sid"].as_str().unwrap())
            .collect()
    }

    fn is_meant(&self, statement: &Value) -> bool {
        let is_resource = |pattern: &&str| like(pattern, &self.resource);
        texts(&statement["Action"]).contains(&self.action)
            && texts(&statement["Resource"]).iter().any(is_resource)
            && statement["Condition"]
                .as_object()
                .into_iter()
                .flatten()
                .all(|(operator, keys)| {
                    let mut keys = keys.as_object().unwrap().iter();
                    keys.all(|(key, values)| self.holds(operator, key, &texts(values)))
                })
    }

    fn holds(&self, operator: &str, key: &str, values: &[&str]) -> bool {
        let have = self.key(key);
        let one = || have.and_then(|have| have.first().copied());
        match operator {
            "Null" => have.is_none() == (values == ["true"]),
            "StringEquals" => one().is_some_and(|text| values.contains(&text)),
            // A negated operator holds where the key is missing.
            "StringNotEquals" => one().is_none_or(|text| !values.contains(&text)),
            "ArnLike" => one().is_some_and(|arn| values.iter().any(|pattern| like(pattern, arn))),
            "ArnNotLike" => {
                one().is_none_or(|arn| !values.iter().any(|pattern| like(pattern, arn)))
            }
            "ForAllValues:StringEquals" => have
                .unwrap_or_default()
                .iter()
                .all(|text| values.contains(text)),
            "ForAnyValue:StringEquals" => have
                .unwrap_or_default()
                .iter()
                .any(|text| values.contains(text)),
            "ForAnyValue:StringNotEquals" => have
                .unwrap_or_default()
                .iter()
                .any(|text| !values.contains(text)),
            _ => panic!("no such operator: {operator}"),
        }
    }
}

/// As `ArnLike` compares: part by part.
fn like(pattern: &str, arn: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let (pattern, arn): (Vec<_>, Vec<_>) = (
        pattern.splitn(6, ':').collect(),
        arn.splitn(6, ':').collect(),
    );
    pattern.len() == arn.len()
        && pattern
            .iter()
            .zip(arn)
            .all(|(one, other)| glob(one.as_bytes(), other.as_bytes()))
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => glob(rest, text),
        (Some((b'*', rest)), Some((_, after))) => glob(rest, text) || glob(pattern, after),
        (Some((b'?', rest)), Some((_, after))) => glob(rest, after),
        (Some((one, rest)), Some((other, after))) => one == other && glob(rest, after),
        _ => false,
    }
}

/// The granter's three calls for a grant.
fn calls<'a>(asked: &'a Asked, principal: &'a str, policy: &'a str) -> [Request<'a>; 3] {
    let ask = asked.ask();
    let of = |kind: &str, end: &str| {
        format!("arn:aws:eks:{REGION}:{ACCOUNT}:{kind}/{}{end}", ask.cluster)
    };
    let entry = of("access-entry", "/role/111122223333/x/01234567");
    let tags = vec![
        ("aws:RequestTag/managed-by", vec!["eks-access-responder"]),
        (
            "aws:TagKeys",
            vec!["managed-by", "request-id", "expires-at"],
        ),
    ];
    let namespaces = asked
        .terms()
        .namespaces
        .iter()
        .map(Namespace::as_str)
        .collect();
    let create = vec![
        ("eks:principalArn", vec![principal]),
        ("eks:accessEntryType", vec!["STANDARD"]),
    ];
    [
        Request {
            action: "eks:CreateAccessEntry",
            resource: of("cluster", ""),
            keys: create.into_iter().chain(tags.clone()).collect(),
        },
        Request {
            action: "eks:TagResource",
            resource: entry.clone(),
            keys: tags
                .into_iter()
                .chain([("eks:principalArn", vec![principal])])
                .collect(),
        },
        Request {
            action: "eks:AssociateAccessPolicy",
            resource: entry,
            keys: vec![
                ("eks:principalArn", vec![principal]),
                ("eks:policyArn", vec![policy]),
                ("eks:accessScope", vec!["namespace"]),
                ("eks:namespaces", namespaces),
                ("aws:ResourceTag/managed-by", vec!["eks-access-responder"]),
            ],
        },
    ]
}

/// What denies the last of the granter's calls.
fn associating_is_denied_by(template: &Value, asked: &Asked) -> Vec<String> {
    let (principal, policy) = (
        asked.ask().principal.to_string(),
        asked.terms().policy.arn("aws"),
    );
    let statements = statements(template, "GranterRole");
    let [.., associate] = calls(asked, &principal, &policy);
    let sids = associate.denied_by(&statements);
    sids.into_iter().map(ToOwned::to_owned).collect()
}

/// Which of the granter's three calls IAM would allow.
fn allowed(template: &Value, asked: &Asked) -> [bool; 3] {
    let (principal, policy) = (
        asked.ask().principal.to_string(),
        asked.terms().policy.arn("aws"),
    );
    let statements = statements(template, "GranterRole");
    calls(asked, &principal, &policy).map(|call| call.is_allowed(&statements))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_policies_allow_what_granter_and_revoker_do_and_nothing_else(text in file(4, 3)) {
        let template = template(&guardrails(&text)).unwrap();
        for (role, allowed) in [
            ("GranterRole", &["eks:CreateAccessEntry", "eks:TagResource", "eks:AssociateAccessPolicy"][..]),
            ("RevokerRole", &["eks:DeleteAccessEntry"]),
        ] {
            for statement in statements(&template, role) {
                let is_allow = statement["Effect"] == "Allow";
                prop_assert!(is_allow || statement["Effect"] == "Deny");
                for action in texts(&statement["Action"]) {
                    prop_assert!(!is_allow || allowed.contains(&action), "{}", statement);
                    prop_assert!(!action.contains('*'));
                }
                prop_assert!(!is_allow || statement["Resource"] != "*", "{}", statement);
                prop_assert!(!is_allow || statement["Condition"].is_object(), "{}", statement);
            }
        }
    }

    #[test]
    fn policies_are_as_long_and_as_many_as_iam_takes_them(text in file(9, 60)) {
        match template(&guardrails(&text)) {
            Ok(template) => {
                let all = policies(&template, "GranterRole");
                prop_assert!(all.len() <= 9, "{}", all.len());
                for policy in all.iter().chain(&policies(&template, "RevokerRole")) {
                    let text = policy.to_string();
                    prop_assert!(text.len() <= 6_144, "{}", text.len());
                    let statements = policy["Statement"].as_array().unwrap();
                    let sids: BTreeSet<&str> = statements.iter().map(|one| one["Sid"].as_str().unwrap()).collect();
                    prop_assert_eq!(sids.len(), statements.len());
                    prop_assert!(sids.iter().all(|sid| sid.bytes().all(|b| b.is_ascii_alphanumeric())));
                }
            }
            Err(error) => prop_assert!(text.len() > 2_500, "{}", error),
        }
    }

    #[test]
    fn iam_allows_what_the_guardrails_permit(text in file(3, 0), asked in asked()) {
        let guardrails = guardrails(&text);
        let is_glass = asked.glass(&guardrails, &user("people/ann")).is_ok();
        if asked.is_permitted(&guardrails).is_ok() || is_glass {
            prop_assert_eq!(allowed(&template(&guardrails).unwrap(), &asked), [true; 3], "{}", text);
        }
    }

    #[test]
    fn iam_denies_what_a_deny_denies_and_no_deny_more(text in file(3, 0), asked in asked()) {
        let guardrails = guardrails(&text);
        let refused = asked.is_permitted(&guardrails);
        let denied_by = associating_is_denied_by(&template(&guardrails).unwrap(), &asked);
        // Of whom nobody ever lets in no deny is asked.
        if !matches!(refused, Err(Refused::Never(_))) {
            let is_denied = denied_by.iter().any(|sid| sid.starts_with("Denied"));
            prop_assert_eq!(is_denied, matches!(refused, Err(Refused::Denied(_))), "{:?}\n{}", denied_by, text);
            let numbers = 1..=guardrails.denies().len();
            let first = numbers.map(|number| format!("Denied{number}")).find(|sid| denied_by.contains(sid));
            let first = first.map(|sid| sid.replace("Denied", "").parse::<usize>().unwrap() - 1);
            let name = first.map(|at| guardrails.denies()[at].name.clone());
            prop_assert_eq!(name.map_or(Ok(()), |name| Err(Refused::Denied(name))), refused.or_else(|refused| match refused {
                Refused::Denied(_) => Err(refused),
                _ => Ok(()),
            }));
        }
    }

    #[test]
    fn iam_allows_no_namespace_policy_or_cluster_that_no_rule_names(text in file(3, 0), asked in asked()) {
        let guardrails = guardrails(&text);
        let template = template(&guardrails).unwrap();
        let strange = asked.clone().namespaces(&["strange", "shop"]);
        prop_assert!(!allowed(&template, &strange)[2]);
        let elsewhere = asked.clone().in_cluster("elsewhere");
        prop_assert_eq!(allowed(&template, &elsewhere), [false; 3]);
        let foreign = Asked::by("arn:aws:iam::444455556666:role/dev/joe");
        let [create, _, associate] = allowed(&template, &foreign);
        prop_assert!(!create && !associate);
    }
}

#[test]
fn without_a_rule_the_granter_is_denied_everything() {
    let template = template(&guardrails("version = 1")).unwrap();
    let statements = statements(&template, "GranterRole");
    assert!(
        statements
            .iter()
            .all(|statement| statement["Effect"] == "Deny")
    );
    assert_eq!(allowed(&template, &Asked::role("dev/joe")), [false; 3]);
}

const LOOK: &str = r#"
version = 1
protected = ["arn:aws:iam::111122223333:role/dev/boss", "arn:aws:iam::111122223333:role/dev/a,b"]
[[rule]]
name = "look"
clusters = ["prod"]
principals = ["arn:aws:iam::111122223333:role/*"]
permission_sets = ["Dev"]
accounts = ["111122223333"]
namespaces = ["shop"]
approvers.slack_users = ["U0123456789"]
"#;

#[test]
fn iam_holds_back_whom_code_holds_back_where_it_can() {
    let template = template(&guardrails(LOOK)).unwrap();
    assert_eq!(allowed(&template, &Asked::role("dev/joe")), [true; 3]);
    for role in [
        "dev/boss",
        "dev/a,b",
        "eks-access-granter",
        "aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS",
        &format!("{:0<64}", "granter"),
    ] {
        assert_eq!(allowed(&template, &Asked::role(role)), [false; 3], "{role}");
    }
}

#[test]
fn a_role_that_is_named_like_those_of_nodes_is_held_back_by_code_and_as_nodes_by_iam() {
    let guardrails = guardrails(LOOK);
    let template = template(&guardrails).unwrap();
    let statements = statements(&template, "GranterRole");
    let asked = Asked::role("KarpenterNodeRole-prod");
    assert!(matches!(
        asked.is_permitted(&guardrails),
        Err(Refused::Never(_))
    ));
    // IAM is told no more than a name, and that a rule means.
    assert_eq!(allowed(&template, &asked), [true; 3]);
    let principal = asked.ask().principal.to_string();
    for kind in [
        "EC2",
        "EC2_LINUX",
        "EC2_WINDOWS",
        "FARGATE_LINUX",
        "HYBRID_LINUX",
    ] {
        let [mut create, ..] = calls(&asked, &principal, "");
        create
            .keys
            .retain(|(name, _)| *name != "eks:accessEntryType");
        create.keys.push(("eks:accessEntryType", vec![kind]));
        assert_eq!(create.denied_by(&statements), ["NeverForNodes"], "{kind}");
    }
}

const CHANGE: &str = r#"
version = 1
[[rule]]
name = "change"
clusters = ["prod", "demo"]
principals = ["arn:aws:iam::111122223333:role/*"]
policies = ["AmazonEKSViewPolicy", "AmazonEKSEditPolicy"]
edit_reads_secrets_and_runs_commands = true
namespaces = ["shop", "web"]
approvers.slack_users = ["U0123456789"]
[break_glass]
callers = ["arn:aws:iam::111122223333:user/*"]
clusters = ["prod", "demo"]
principals = ["arn:aws:iam::111122223333:role/*"]
policies = ["AmazonEKSViewPolicy", "AmazonEKSEditPolicy"]
edit_reads_secrets_and_runs_commands = true
namespaces = ["shop", "web"]
"#;

#[test]
fn a_deny_is_one_of_iam_too_and_takes_what_it_says_and_no_more() {
    let joe = || Asked::role("dev/joe");
    let max = || Asked::role("contractors/max");
    let contractors = "principals = [\"arn:aws:iam::111122223333:role/contractors/*\"]";
    let everything = format!(
        "{contractors}\nclusters = [\"demo\"]\npolicies = [\"AmazonEKSEditPolicy\"]\nnamespaces = [\"web\"]"
    );
    let all_of_it = || {
        max()
            .in_cluster("demo")
            .policy(AccessPolicy::Edit)
            .namespaces(&["web"])
    };
    for (deny, denied, rest) in [
        ("", vec![joe(), max().in_cluster("demo")], vec![]),
        (
            contractors,
            vec![max(), max().in_cluster("demo")],
            vec![joe()],
        ),
        (
            "clusters = [\"demo\"]",
            vec![joe().in_cluster("demo")],
            vec![joe(), max()],
        ),
        (
            "policies = [\"AmazonEKSEditPolicy\"]",
            vec![joe().policy(AccessPolicy::Edit)],
            vec![joe(), joe().in_cluster("demo")],
        ),
        (
            "namespaces = [\"web\"]",
            vec![
                joe().namespaces(&["web"]),
                joe().namespaces(&["shop", "web"]),
            ],
            vec![joe(), joe().policy(AccessPolicy::Edit)],
        ),
        (
            &everything,
            vec![all_of_it(), all_of_it().namespaces(&["shop", "web"])],
            vec![
                all_of_it().in_cluster("prod"),
                all_of_it().policy(AccessPolicy::View),
                all_of_it().namespaces(&["shop"]),
                joe()
                    .in_cluster("demo")
                    .policy(AccessPolicy::Edit)
                    .namespaces(&["web"]),
            ],
        ),
    ] {
        let without = guardrails(CHANGE);
        let with = guardrails(&format!("{CHANGE}[[deny]]\nname = \"no\"\n{deny}\n"));
        let (before, after) = (template(&without).unwrap(), template(&with).unwrap());
        for asked in denied {
            // It is needed: a rule, and the glass, would give it.
            assert_eq!(allowed(&before, &asked), [true; 3], "{deny}: {asked:?}");
            assert_eq!(
                associating_is_denied_by(&after, &asked),
                ["Denied1"],
                "{deny}: {asked:?}"
            );
            // An entry that gives nothing is made at most.
            assert_eq!(
                allowed(&after, &asked),
                [true, true, false],
                "{deny}: {asked:?}"
            );
            let no = Refused::Denied("no".to_owned());
            assert_eq!(
                asked.is_permitted(&with),
                Err(no.clone()),
                "{deny}: {asked:?}"
            );
            let ann = user("ann");
            assert!(asked.glass(&without, &ann).is_ok(), "{deny}: {asked:?}");
            assert_eq!(asked.glass(&with, &ann), Err(no), "{deny}: {asked:?}");
        }
        for asked in rest {
            assert_eq!(allowed(&after, &asked), [true; 3], "{deny}: {asked:?}");
            assert_eq!(asked.is_permitted(&with), Ok(()), "{deny}: {asked:?}");
        }
    }
}

#[test]
fn every_deny_is_a_statement_of_its_own_with_nothing_in_it_that_it_does_not_mention() {
    let denies =
        "[[deny]]\nname = \"a\"\n[[deny]]\nname = \"b\"\nclusters = [\"demo\", \"prod\"]\n";
    let template = template(&guardrails(&format!("version = 1\n{denies}"))).unwrap();
    let statements = statements(&template, "GranterRole");
    let found: Vec<&Value> = statements
        .iter()
        .filter(|one| one["Sid"].as_str().unwrap().starts_with("Denied"))
        .collect();
    let entries = |name: &str| format!("arn:aws:eks:{REGION}:{ACCOUNT}:access-entry/{name}/*");
    let action = "eks:AssociateAccessPolicy";
    assert_eq!(
        serde_json::json!(found),
        serde_json::json!([
            {"Sid": "Denied1", "Effect": "Deny", "Action": action, "Resource": ["*"]},
            {"Sid": "Denied2", "Effect": "Deny", "Action": action, "Resource": [entries("demo"), entries("prod")]},
        ])
    );
}

#[test]
fn iam_means_a_permission_set_by_its_whole_name_and_place() {
    let only_set = LOOK.replace("principals = [\"arn:aws:iam::111122223333:role/*\"]\n", "");
    let template = template(&guardrails(&only_set)).unwrap();
    let home = "aws-reserved/sso.amazonaws.com";
    for (role, is_meant) in [
        (format!("{home}/AWSReservedSSO_Dev_0123456789abcdef"), true),
        (
            format!("{home}/eu-west-1/AWSReservedSSO_Dev_0123456789abcdef"),
            true,
        ),
        (
            format!("{home}/AWSReservedSSO_Dev_Admin_0123456789abcdef"),
            false,
        ),
        ("AWSReservedSSO_Dev_0123456789abcdef".to_owned(), false),
    ] {
        let [create, _, associate] = allowed(&template, &Asked::role(&role));
        assert_eq!((create, associate), (is_meant, is_meant), "{role}");
    }
}

#[test]
fn the_granter_can_make_bare_standard_entries_with_our_tags_only() {
    let template = template(&guardrails(LOOK)).unwrap();
    let statements = statements(&template, "GranterRole");
    let asked = Asked::role("dev/joe");
    let (principal, policy) = (
        asked.ask().principal.to_string(),
        asked.terms().policy.arn("aws"),
    );
    let changed = |number: usize, key: &'static str, values: Option<Vec<&'static str>>| {
        let mut call = calls(&asked, &principal, &policy)
            .into_iter()
            .nth(number)
            .unwrap();
        call.keys.retain(|(name, _)| *name != key);
        call.keys.extend(values.map(|values| (key, values)));
        call.is_allowed(&statements)
    };
    let (create, tag, associate) = (0, 1, 2);
    for (call, key, values) in [
        (create, "eks:kubernetesGroups", Some(vec!["system:masters"])),
        (create, "eks:username", Some(vec!["admin"])),
        (create, "eks:accessEntryType", Some(vec!["EC2_LINUX"])),
        (create, "eks:accessEntryType", None),
        (create, "aws:RequestTag/managed-by", None),
        (create, "aws:RequestTag/managed-by", Some(vec!["terraform"])),
        (create, "aws:TagKeys", Some(vec!["managed-by", "owner"])),
        (create, "eks:principalArn", None),
        (tag, "aws:RequestTag/managed-by", None),
        (tag, "aws:TagKeys", Some(vec!["managed-by", "owner"])),
        (associate, "eks:accessScope", Some(vec!["cluster"])),
        (associate, "eks:accessScope", None),
        (associate, "eks:namespaces", None),
        (associate, "eks:namespaces", Some(vec!["*"])),
        (
            associate,
            "eks:namespaces",
            Some(vec!["shop", "kube-system"]),
        ),
        (
            associate,
            "eks:policyArn",
            Some(vec![
                "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
            ]),
        ),
        (
            associate,
            "eks:policyArn",
            Some(vec![
                "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy",
            ]),
        ),
        (associate, "eks:principalArn", None),
        (
            associate,
            "aws:ResourceTag/managed-by",
            Some(vec!["terraform"]),
        ),
        (associate, "aws:ResourceTag/managed-by", None),
    ] {
        assert!(!changed(call, key, values.clone()), "{key} {values:?}");
    }
    assert!(
        changed(create, "nothing", None)
            && changed(tag, "nothing", None)
            && changed(associate, "nothing", None)
    );
}

#[test]
fn nothing_is_associated_with_an_entry_that_is_not_ours_whatever_is_allowed_besides() {
    let template = template(&guardrails(LOOK)).unwrap();
    let statements = statements(&template, "GranterRole");
    let asked = Asked::role("dev/joe");
    let (principal, policy) = (
        asked.ask().principal.to_string(),
        asked.terms().policy.arn("aws"),
    );
    let tagged = "aws:ResourceTag/managed-by";
    for (tag, denied) in [
        (Some("eks-access-responder"), vec![]),
        (Some("terraform"), vec!["NeverOnWhatIsNotOurs"]),
        (Some("Eks-Access-Responder"), vec!["NeverOnWhatIsNotOurs"]),
        (None, vec!["NeverOnWhatIsNotOurs"]),
    ] {
        let [.., mut associate] = calls(&asked, &principal, &policy);
        associate.keys.retain(|(name, _)| *name != tagged);
        associate.keys.extend(tag.map(|tag| (tagged, vec![tag])));
        assert_eq!(associate.denied_by(&statements), denied, "{tag:?}");
        assert_eq!(
            associate.is_allowed(&statements),
            denied.is_empty(),
            "{tag:?}"
        );
    }
}

/// A deletion of an entry with our tag: of which type, if EKS tells it, and of whose.
fn deletion<'a>(kind: Option<&'a str>, of: &str, principal: &'a str) -> Request<'a> {
    let kind = kind.map(|kind| ("eks:accessEntryType", vec![kind]));
    let keys = [
        ("aws:ResourceTag/managed-by", vec!["eks-access-responder"]),
        ("eks:principalArn", vec![principal]),
    ];
    Request {
        action: "eks:DeleteAccessEntry",
        resource: format!("arn:aws:eks:{REGION}:{ACCOUNT}:access-entry/any/{of}/x/0123"),
        keys: keys.into_iter().chain(kind).collect(),
    }
}

#[test]
fn the_revoker_deletes_no_entry_of_nodes_even_with_our_tag() {
    let template = template(&guardrails(LOOK)).unwrap();
    let statements = statements(&template, "RevokerRole");
    let without: Vec<Value> = statements
        .iter()
        .filter(|one| one["Sid"] != "NeverNodes")
        .cloned()
        .collect();
    assert_eq!(without.len() + 1, statements.len());
    let (of, nodes) = (
        format!("role/{ACCOUNT}"),
        "arn:aws:iam::111122223333:role/KarpenterNodeRole-prod",
    );
    for kind in [
        "EC2",
        "EC2_LINUX",
        "EC2_WINDOWS",
        "FARGATE_LINUX",
        "HYBRID_LINUX",
        "standard",
    ] {
        let delete = deletion(Some(kind), &of, nodes);
        assert_eq!(delete.denied_by(&statements), ["NeverNodes"], "{kind}");
        assert!(delete.is_allowed(&without), "{kind}");
    }
    // Where EKS does not tell the type, the tag is enough: or else nothing would end.
    assert!(deletion(None, &of, nodes).is_allowed(&statements));
    assert!(deletion(Some("STANDARD"), &of, nodes).is_allowed(&statements));
}

#[test]
fn the_revoker_deletes_entries_of_this_account_s_principals_only() {
    let template = template(&guardrails(LOOK)).unwrap();
    let statements = statements(&template, "RevokerRole");
    let kind = Some("STANDARD");
    for (account, is_allowed) in [(ACCOUNT, true), ("444455556666", false)] {
        for of in ["role", "user"] {
            let principal = format!("arn:aws:iam::{account}:{of}/x");
            let delete = deletion(kind, &format!("{of}/{account}"), &principal);
            assert_eq!(delete.is_allowed(&statements), is_allowed, "{principal}");
        }
    }
    // `*` stands for `/` too: a role of another account that is named like ours.
    let named = "arn:aws:iam::444455556666:role/111122223333";
    let delete = deletion(kind, "role/444455556666/111122223333", named);
    assert_eq!(delete.denied_by(&statements), ["NeverOfAnotherAccount"]);
    for resource in [
        "arn:aws:eks:us-east-1:111122223333:access-entry/any/role/111122223333/x/0123",
        "arn:aws:eks:ap-southeast-99:444455556666:access-entry/any/role/111122223333/x/0123",
        "arn:aws:eks:ap-southeast-99:111122223333:nodegroup/any/x/0123",
        "arn:aws:eks:ap-southeast-99:111122223333:podidentityassociation/any/0123",
        "arn:aws:iam:ap-southeast-99:111122223333:access-entry/any/role/111122223333/x/0123",
    ] {
        let mut delete = deletion(kind, "", "arn:aws:iam::111122223333:role/x");
        delete.resource = resource.to_owned();
        assert!(!delete.is_allowed(&statements), "{resource}");
    }
    let linked = "arn:aws:iam::111122223333:role/aws-service-role/backup.amazonaws.com/AWSServiceRoleForBackup";
    let delete = deletion(kind, "role/111122223333", linked);
    assert_eq!(delete.denied_by(&statements), ["NeverThese"]);
}

#[test]
fn the_revoker_deletes_what_bears_our_tag_whatever_the_rules_say() {
    for text in ["version = 1", LOOK] {
        let template = template(&guardrails(text)).unwrap();
        let statements = statements(&template, "RevokerRole");
        let delete = |tag: Option<&'static str>, principal: &'static str| {
            let tag = tag.map(|tag| ("aws:ResourceTag/managed-by", vec![tag]));
            let keys = [
                ("eks:accessEntryType", vec!["STANDARD"]),
                ("eks:principalArn", vec![principal]),
            ];
            let call = Request {
                action: "eks:DeleteAccessEntry",
                resource: format!(
                    "arn:aws:eks:{REGION}:{ACCOUNT}:access-entry/any/role/{ACCOUNT}/x/0123"
                ),
                keys: keys.into_iter().chain(tag).collect(),
            };
            call.is_allowed(&statements)
        };
        let (ours, joe) = (
            Some("eks-access-responder"),
            "arn:aws:iam::111122223333:role/dev/joe",
        );
        assert!(delete(ours, joe));
        // What the guardrails protect since then was ours to grant before.
        assert!(delete(ours, "arn:aws:iam::111122223333:role/dev/boss"));
        assert!(!delete(Some("terraform"), joe));
        assert!(!delete(None, joe));
        assert!(!delete(
            ours,
            "arn:aws:iam::111122223333:role/eks-access-granter"
        ));
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("\"{number:060}\""))
        .collect()
}

fn many(rules: usize, namespaces: usize) -> Guardrails {
    let rule = |number: usize| {
        LOOK.split_once("[[rule]]")
            .unwrap()
            .1
            .replace("\"look\"", &format!("\"look {number}\""))
            .replace("\"shop\"", &names(namespaces).join(", "))
    };
    let rules: Vec<String> = (0..rules)
        .map(|number| format!("[[rule]]{}", rule(number)))
        .collect();
    guardrails(&format!("version = 1\n{}", rules.concat()))
}

#[test]
fn rules_that_are_too_long_for_iam_are_refused() {
    assert_eq!(
        template(&many(1, 100)),
        Err(TemplateError::RuleTooLong("look 0".to_owned()))
    );
    assert_eq!(template(&many(9, 60)), Err(TemplateError::TooMany));
    assert!(template(&many(8, 50)).is_ok());
    // Denies count like rules.
    let deny = |name: &str, namespaces: usize| {
        let names = names(namespaces).join(", ");
        format!("[[deny]]\nname = \"{name}\"\nnamespaces = [{names}]\n")
    };
    let one = guardrails(&format!("{LOOK}{}{}", deny("a", 1), deny("long", 100)));
    assert_eq!(
        template(&one),
        Err(TemplateError::RuleTooLong("long".to_owned()))
    );
    let denies = |count: usize| -> String {
        let denies: Vec<String> = (0..count)
            .map(|number| deny(&number.to_string(), 80))
            .collect();
        denies.concat()
    };
    assert_eq!(
        template(&guardrails(&format!("version = 1\n{}", denies(9)))),
        Err(TemplateError::TooMany)
    );
    let most = template(&guardrails(&format!("version = 1\n{}", denies(8)))).unwrap();
    let policies = policies(&most, "GranterRole");
    assert_eq!(policies.len(), 9);
    assert!(
        policies
            .iter()
            .all(|policy| policy.to_string().len() <= 6_144)
    );
    let protected: Vec<String> = (0..60)
        .map(|number| format!("\"arn:aws:iam::111122223333:role/{number:060}\""))
        .collect();
    let walled = guardrails(&format!(
        "version = 1\nprotected = [{}]",
        protected.join(", ")
    ));
    assert_eq!(template(&walled), Err(TemplateError::WallsTooLong));
    for error in [
        TemplateError::RuleTooLong("x".to_owned()),
        TemplateError::TooMany,
        TemplateError::WallsTooLong,
    ] {
        assert!(error.to_string().contains("name fewer"), "{error}");
    }
}

#[test]
fn the_template_bears_the_version_of_its_guardrails() {
    let guardrails = guardrails(LOOK);
    let template = template(&guardrails).unwrap();
    assert_eq!(
        template["Metadata"]["GuardrailsVersion"],
        guardrails.version
    );
    assert_eq!(
        template["Outputs"]["GuardrailsVersion"]["Value"],
        guardrails.version
    );
    let parameters: Vec<&String> = template["Parameters"].as_object().unwrap().keys().collect();
    assert_eq!(parameters, ["GranterRole", "OwnRoles", "RevokerRole"]);
}
