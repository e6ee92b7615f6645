//! Whom rules mean, and whom none can.

use eks_access::cluster::ClusterName;
use eks_access::policy::{AccessPolicy, Approver, ArnPattern, Refused, Terms};

use crate::world::{ACCOUNT, Asked, HOUR, guardrails, slack, user};

/// Rules and a break-glass that offer as much as any can, to everybody.
const EVERYTHING: &str = r#"
version = 1
protected = ["arn:aws:iam::111122223333:role/root-like/*", "arn:aws:iam::111122223333:user/root-like"]

[[rule]]
name = "everything"
clusters = ["prod"]
principals = ["arn:aws:iam::111122223333:role/*", "arn:aws:iam::111122223333:user/*", "arn:aws:iam::444455556666:role/*"]
users = true
permission_sets = ["Dev"]
accounts = ["111122223333", "444455556666"]
policies = ["AmazonEKSViewPolicy", "AmazonEKSEditPolicy"]
edit_reads_secrets_and_runs_commands = true
namespaces = ["shop", "web"]
max_duration = "12h"
[rule.approvers]
slack_users = ["U0123456789"]

[break_glass]
callers = ["arn:aws:iam::111122223333:user/*"]
clusters = ["prod"]
principals = ["arn:aws:iam::111122223333:role/*", "arn:aws:iam::111122223333:user/*", "arn:aws:iam::444455556666:role/*"]
users = true
namespaces = ["shop"]
"#;

/// What every question about it comes to.
fn answers(asked: &Asked, text: &str) -> Vec<Option<Refused>> {
    let guardrails = guardrails(text);
    let (ask, approver, caller) = (asked.ask(), slack("U0123456789"), user("on-call"));
    vec![
        guardrails.offers(&ask).err(),
        asked.is_permitted(&guardrails).err(),
        guardrails.counts(&ask, asked.terms(), &approver).err(),
        guardrails.may_decide(&ask, &approver).err(),
        asked.decided(&guardrails, &[approver]).err(),
        asked.glass(&guardrails, &caller).err(),
    ]
}

#[test]
fn by_default_nothing_is_offered_to_anybody() {
    let asked = Asked::role("dev/joe");
    let none = Some(Refused::NotOffered);
    let glass = Some(Refused::NotAnApprover);
    let expected = [&none, &none, &none, &none, &none, &glass].map(Clone::clone);
    assert_eq!(answers(&asked, "version = 1\n"), expected);
    assert!(guardrails("version = 1").clusters().is_empty());
}

#[test]
fn some_principals_are_never_let_in_whatever_the_file_says() {
    let own = |arn: &str| Asked::by(&arn.replace("ACCOUNT", ACCOUNT));
    for (asked, why) in [
        (own("arn:aws:iam::ACCOUNT:root"), "root user"),
        (
            own("arn:aws:sts::ACCOUNT:federated-user/jane"),
            "federated user",
        ),
        (
            own("arn:aws:iam::ACCOUNT:role/aws-service-role/eks.amazonaws.com/Own"),
            "service-linked",
        ),
        (
            own("arn:aws:iam::ACCOUNT:role/AWSServiceRoleForAmazonEKS"),
            "service-linked",
        ),
        (
            own("arn:aws:iam::ACCOUNT:role/AWSWesleyClusterManagerLambda-Add-1ABC"),
            "AWS itself",
        ),
        (
            own("arn:aws:iam::ACCOUNT:role/AmazonEKSClusterInsightsX"),
            "AWS itself",
        ),
        (
            own("arn:aws:iam::ACCOUNT:role/eks-access-responder-granter"),
            "this product",
        ),
        (
            own("arn:aws:iam::ACCOUNT:role/some/path/eks-access-x"),
            "this product",
        ),
        (own("arn:aws:iam::ACCOUNT:role/AmazonEKSNodeRole"), "nodes"),
        (
            own("arn:aws:iam::ACCOUNT:role/eksctl-prod-nodegroup-ng-NodeInstanceRole-1ABC"),
            "nodes",
        ),
        (
            own("arn:aws:iam::ACCOUNT:role/KarpenterNodeRole-prod"),
            "nodes",
        ),
        (own("arn:aws:iam::ACCOUNT:role/my-worker_role"), "nodes"),
        (
            own("arn:aws:iam::ACCOUNT:role/prod.ClusterRole"),
            "nodes or of the cluster itself",
        ),
        (
            own("arn:aws:iam::ACCOUNT:role/eksClusterRole"),
            "cluster itself",
        ),
        (
            own("arn:aws:iam::444455556666:role/dev/joe"),
            "another account",
        ),
        (
            own("arn:aws:iam::ACCOUNT:role/dev/joe").of_account("444455556666"),
            "another account",
        ),
        (
            own("arn:aws-cn:iam::ACCOUNT:role/dev/joe"),
            "another partition",
        ),
        (
            own("arn:aws:iam::ACCOUNT:role/root-like/deep/er"),
            "protect this principal",
        ),
        (
            own("arn:aws:iam::ACCOUNT:user/root-like"),
            "protect this principal",
        ),
    ] {
        for answer in answers(&asked, EVERYTHING) {
            let Some(Refused::Never(said)) = &answer else {
                panic!("{answer:?} for {asked:?}");
            };
            assert!(said.contains(why), "{said}: {asked:?}");
        }
    }
    let expected = vec![None; 6];
    assert_eq!(answers(&Asked::role("dev/joe"), EVERYTHING), expected);
    assert_eq!(
        answers(&own("arn:aws:iam::ACCOUNT:user/joe"), EVERYTHING),
        expected
    );
}

#[test]
fn a_deny_wins_over_every_rule_and_what_it_leaves_out_it_means_all_of() {
    let denied = Some(Refused::Denied("no".to_owned()));
    let edit = || Asked::role("dev/joe").policy(AccessPolicy::Edit);
    for (deny, asked, is_denied) in [
        ("", Asked::role("dev/joe"), true),
        (
            "principals = [\"arn:aws:iam::111122223333:role/dev/*\"]",
            Asked::role("dev/joe"),
            true,
        ),
        (
            "principals = [\"arn:aws:iam::111122223333:role/dev/*\"]",
            Asked::role("ops/joe"),
            false,
        ),
        ("clusters = [\"prod\"]", Asked::role("dev/joe"), true),
        ("clusters = [\"staging\"]", Asked::role("dev/joe"), false),
        ("policies = [\"AmazonEKSEditPolicy\"]", edit(), true),
        (
            "policies = [\"AmazonEKSEditPolicy\"]",
            Asked::role("dev/joe"),
            false,
        ),
        ("namespaces = [\"web\"]", Asked::role("dev/joe"), false),
        (
            "namespaces = [\"web\"]",
            Asked::role("dev/joe").namespaces(&["shop", "web"]),
            true,
        ),
        (
            "namespaces = [\"web\"]\npolicies = [\"AmazonEKSEditPolicy\"]",
            edit(),
            false,
        ),
        (
            "namespaces = [\"web\"]\npolicies = [\"AmazonEKSEditPolicy\"]",
            edit().namespaces(&["web"]),
            true,
        ),
        (
            "clusters = [\"prod\"]\nprincipals = [\"arn:aws:iam::111122223333:role/ops/*\"]",
            Asked::role("dev/joe"),
            false,
        ),
    ] {
        let guardrails = guardrails(&format!("{EVERYTHING}\n[[deny]]\nname = \"no\"\n{deny}\n"));
        let expected = denied.clone().filter(|_| is_denied);
        assert_eq!(
            asked.is_permitted(&guardrails).err(),
            expected,
            "{deny}: {asked:?}"
        );
        assert_eq!(
            asked.decided(&guardrails, &[slack("U0123456789")]).err(),
            expected,
            "{deny}: {asked:?}"
        );
        let glass = asked.namespaces(&["shop"]).policy(AccessPolicy::View);
        let is_glass_denied = glass.is_permitted(&guardrails).is_err();
        assert_eq!(
            glass.glass(&guardrails, &user("on-call")).is_err(),
            is_glass_denied,
            "{deny}"
        );
    }
}

#[test]
fn what_is_offered_leaves_out_what_is_denied() {
    let offers = |deny: &str| {
        let guardrails = guardrails(&format!("{EVERYTHING}\n[[deny]]\nname = \"no\"\n{deny}\n"));
        let offers = guardrails.offers(&Asked::role("dev/joe").ask())?;
        let [offer] = offers.as_slice() else {
            panic!("{offers:?}");
        };
        let namespaces: Vec<String> = offer.namespaces.iter().map(ToString::to_string).collect();
        assert_eq!(
            (offer.most_seconds, offer.usual_seconds, offer.needed),
            (12 * HOUR, HOUR, 1)
        );
        Ok::<_, Refused>((offer.policies.clone(), namespaces.join(" ")))
    };
    let all = vec![AccessPolicy::View, AccessPolicy::Edit];
    let view = vec![AccessPolicy::View];
    assert_eq!(
        offers("clusters = [\"staging\"]"),
        Ok((all.clone(), "shop web".to_owned()))
    );
    assert_eq!(
        offers("namespaces = [\"web\"]"),
        Ok((all.clone(), "shop".to_owned()))
    );
    assert_eq!(
        offers("policies = [\"AmazonEKSEditPolicy\"]"),
        Ok((view, "shop web".to_owned()))
    );
    // Each is offered in one namespace still.
    let edit_in_web = "policies = [\"AmazonEKSEditPolicy\"]\nnamespaces = [\"web\"]";
    assert_eq!(offers(edit_in_web), Ok((all, "shop web".to_owned())));
    for whole in ["", "namespaces = [\"shop\", \"web\"]"] {
        assert_eq!(
            offers(whole),
            Err(Refused::Denied("no".to_owned())),
            "{whole}"
        );
    }
}

#[test]
fn what_goes_beyond_a_rule_is_refused_and_named() {
    let guardrails = guardrails(
        r#"
version = 1
[[rule]]
name = "look"
clusters = ["prod"]
principals = ["arn:aws:iam::111122223333:role/dev/*"]
namespaces = ["shop", "web"]
max_duration = "2h"
approvers.slack_users = ["U0123456789"]

[[rule]]
name = "change"
clusters = ["prod"]
principals = ["arn:aws:iam::111122223333:role/dev/*"]
policies = ["AmazonEKSEditPolicy"]
edit_reads_secrets_and_runs_commands = true
namespaces = ["web", "lab"]
max_duration = "1h"
approvers.slack_users = ["U0123456780"]
"#,
    );
    let joe = || Asked::role("dev/joe");
    for (asked, words) in [
        (
            joe().namespaces(&["shop", "lab"]),
            Some("the namespace `lab` here"),
        ),
        (
            joe().policy(AccessPolicy::Edit),
            Some("AmazonEKSEditPolicy here"),
        ),
        (
            joe()
                .policy(AccessPolicy::Edit)
                .namespaces(&["shop", "web"]),
            Some("AmazonEKSEditPolicy here"),
        ),
        (
            joe().seconds(2 * HOUR + 1),
            Some("more than 2 h 0 min here"),
        ),
        (joe().seconds(2 * HOUR), None),
        (
            joe().policy(AccessPolicy::Edit).namespaces(&["lab", "web"]),
            None,
        ),
    ] {
        let expected = words.map(|words| Refused::TooMuch(words.to_owned()));
        assert_eq!(asked.is_permitted(&guardrails).err(), expected, "{asked:?}");
    }
    for asked in [
        joe().in_cluster("staging"),
        Asked::role("ops/joe"),
        Asked::role("dev"),
        Asked::role("Dev/joe"),
    ] {
        assert_eq!(
            asked.is_permitted(&guardrails),
            Err(Refused::NotOffered),
            "{asked:?}"
        );
    }
    // Each rule has its own approvers.
    let (first, second) = (slack("U0123456789"), slack("U0123456780"));
    assert_eq!(
        joe().decided(&guardrails, std::slice::from_ref(&first)),
        Ok("look".to_owned())
    );
    assert_eq!(
        joe().decided(&guardrails, std::slice::from_ref(&second)),
        Err(Refused::NotAnApprover)
    );
    let edit = joe().policy(AccessPolicy::Edit).namespaces(&["web"]);
    assert_eq!(
        edit.decided(&guardrails, &[second]),
        Ok("change".to_owned())
    );
    assert_eq!(
        edit.decided(&guardrails, &[first]),
        Err(Refused::NotAnApprover)
    );
}

#[test]
fn terms_that_nobody_could_have_said_are_refused() {
    let guardrails = guardrails(EVERYTHING);
    let text = |namespaces: &str, seconds: u64| {
        format!(
            r#"{{"policy": "AmazonEKSViewPolicy", "namespaces": {namespaces}, "seconds": {seconds}}}"#
        )
    };
    let asked = Asked::role("dev/joe");
    for (text, is_sound) in [
        (text("[\"shop\"]", 60), true),
        (text("[]", 60), false),
        (text("[\"shop\"]", 0), false),
    ] {
        let terms: Terms = serde_json::from_str(&text).unwrap();
        let caller = user("on-call");
        assert_eq!(
            guardrails.permits(&asked.ask(), &terms).is_ok(),
            is_sound,
            "{text}"
        );
        assert_eq!(
            guardrails
                .may_break_glass(&asked.ask(), &terms, &caller)
                .is_ok(),
            is_sound,
            "{text}"
        );
    }
    for text in [text("[\"*\"]", 60), text("[\"kube-system\"]", 60)] {
        assert!(serde_json::from_str::<Terms>(&text).is_err(), "{text}");
    }
}

#[test]
fn patterns_of_everybody_are_known_however_they_are_written() {
    for (resource, is_everybody) in [
        ("role/*", true),
        ("user/*", true),
        ("role/**", true),
        ("role/?*", true),
        ("role/*/*", true),
        ("role/????", false),
        ("role/dev/*", false),
        ("role/*a", false),
    ] {
        let pattern: ArnPattern = format!("arn:aws:iam::111122223333:{resource}")
            .parse()
            .unwrap();
        assert_eq!(pattern.is_of_everybody(), is_everybody, "{resource}");
    }
}

#[test]
fn a_permission_set_is_meant_by_its_whole_name_in_its_account_and_place() {
    let text = r#"
version = 1
[[rule]]
name = "developers"
clusters = ["prod"]
permission_sets = ["Dev"]
accounts = ["111122223333"]
namespaces = ["shop"]
approvers.slack_users = ["U0123456789"]
"#;
    let guardrails = guardrails(text);
    let home = "aws-reserved/sso.amazonaws.com";
    for (role, is_meant) in [
        (format!("{home}/AWSReservedSSO_Dev_0123456789abcdef"), true),
        (
            format!("{home}/eu-west-1/AWSReservedSSO_Dev_fedcba9876543210"),
            true,
        ),
        (
            format!("{home}/AWSReservedSSO_Dev_Admin_0123456789abcdef"),
            false,
        ),
        (format!("{home}/AWSReservedSSO_dev_0123456789abcdef"), false),
        (format!("{home}/AWSReservedSSO_Dev_0123456789abcde"), false),
        (format!("{home}/AWSReservedSSO_Dev_0123456789ABCDEF"), false),
        (format!("{home}/Dev"), false),
        // Anybody who may make roles can make these.
        ("AWSReservedSSO_Dev_0123456789abcdef".to_owned(), false),
        (
            "x/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0123456789abcdef".to_owned(),
            false,
        ),
    ] {
        let expected = if is_meant {
            Ok(())
        } else {
            Err(Refused::NotOffered)
        };
        assert_eq!(
            Asked::role(&role).is_permitted(&guardrails),
            expected,
            "{role}"
        );
    }
    let elsewhere =
        format!("arn:aws:iam::444455556666:role/{home}/AWSReservedSSO_Dev_0123456789abcdef");
    let elsewhere = Asked::by(&elsewhere).of_account("444455556666");
    assert_eq!(
        elsewhere.is_permitted(&guardrails),
        Err(Refused::NotOffered)
    );
}

#[test]
fn what_is_known_of_the_file_is_what_is_in_it() {
    let guardrails = guardrails(EVERYTHING);
    let clusters: Vec<&str> = guardrails
        .clusters()
        .into_iter()
        .map(ClusterName::as_str)
        .collect();
    assert_eq!(clusters, ["prod"]);
    assert!(
        guardrails
            .slack_groups(&Asked::role("dev/jane").ask())
            .is_empty()
    );
    assert_eq!(guardrails.request_expires, 8 * HOUR);
    assert_eq!(guardrails.rules()[0].usual_seconds, HOUR);
    assert_eq!(guardrails.rules()[0].doors.len(), 2);
    assert_eq!(guardrails.protected().len(), 2);
    let glass = guardrails.break_glass().unwrap();
    assert_eq!(
        (glass.reach.most_seconds, glass.review_within),
        (HOUR, 24 * HOUR)
    );
    assert_eq!(glass.reach.policies, [AccessPolicy::View]);
    assert!(matches!(user("x"), Approver::Iam { session: None, .. }));
}
