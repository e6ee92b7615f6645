//! What looks like the principal's own: names that many accounts have say less than anything else that is known.

use eks_access::aws_auth::AwsAuth;
use eks_access::catalogue::{Judgement, judge};
use eks_access::cluster::AuthenticationMode;
use eks_access::example::{World, worlds};
use eks_access::facts::{AwsAuthRow, Fact, Near, NearMiss, Permission, RowFault, Trust, Unknown};
use eks_access::symptom::Symptom;
use eks_access::text::LogText;

use crate::worlds::cluster_of;

fn world(cause: &str) -> World {
    let world = worlds().into_iter().find(|world| world.cause == cause);
    world.unwrap()
}

fn judged(world: &World) -> Judgement {
    let cluster = cluster_of(world);
    judge(&world.case(&cluster))
}

fn cause(world: &World) -> &'static str {
    judged(world).cause.unwrap().id
}

fn may_be(world: &World, cause: &str) -> bool {
    let perhaps = judged(world).perhaps;
    perhaps
        .iter()
        .any(|possibility| possibility.cause.id == cause && possibility.fact.is_some())
}

/// A world in which an entry of another account has the role's name.
fn named_elsewhere(name: &str, mode: AuthenticationMode) -> World {
    let mut world = world("mapped-in-another-account");
    if let Fact::Known(cluster) = &mut world.facts.cluster {
        cluster.mode = mode;
    }
    let arn = format!("arn:aws:iam::111122223333:role/{name}");
    world.principal = arn.parse().ok();
    if let Fact::Known(Some(iam)) = &mut world.facts.iam {
        iam.principal = arn.parse().unwrap();
    }
    world.facts.near = Fact::Known(vec![near(
        &arn.replace("111122223333", "999988887777"),
        Near::OtherAccount,
        Fact::default(),
    )]);
    world
}

fn near(entry: &str, near: Near, exists: Fact<bool>) -> NearMiss {
    NearMiss {
        entry: entry.parse().unwrap(),
        near,
        exists,
    }
}

fn trusting(world: &mut World, principal: &str) {
    if let Fact::Known(Some(iam)) = &mut world.facts.iam {
        let policy = format!(r#"{{"Statement":{{"Effect":"Allow","Principal":{principal}}}}}"#);
        iam.trust = Trust::parse(&policy);
    }
}

#[test]
fn the_fault_of_ones_own_row_says_more_than_an_entry_of_the_same_name() {
    use AuthenticationMode::{Api, ApiAndConfigMap};
    let row = |fault, arn: &str| AwsAuthRow::Near(fault, LogText::new(arn));
    let path = "arn:aws:iam::111122223333:role/ci/Release";
    for (mode, found, expected) in [
        (
            ApiAndConfigMap,
            row(RowFault::KeepsPath, path),
            "aws-auth-row-keeps-path",
        ),
        (
            ApiAndConfigMap,
            AwsAuthRow::Broken,
            "mapping-lost-in-broken-aws-auth",
        ),
        (ApiAndConfigMap, AwsAuthRow::Fits, "mapping-without-effect"),
        (Api, AwsAuthRow::Fits, "mapped-only-in-aws-auth"),
    ] {
        let mut world = named_elsewhere("Release", mode);
        world.facts.aws_auth = Fact::Known(found.clone());
        assert_eq!(cause(&world), expected, "{found:?}");
        // A user of the same name is let in for reasons of its own.
        let user = "arn:aws:iam::111122223333:user/Release";
        world.facts.near = Fact::Known(vec![near(user, Near::OtherKind, Fact::default())]);
        assert_eq!(cause(&world), expected, "{found:?}");
        // And nodes are nodes.
        trusting(&mut world, r#"{"Service":"ec2.amazonaws.com"}"#);
        assert_eq!(cause(&world), expected, "{found:?}");
    }
    assert_eq!(
        cause(&named_elsewhere("Release", Api)),
        "mapped-in-another-account"
    );
}

#[test]
fn what_a_role_is_for_says_more_than_an_entry_of_the_same_name() {
    for (trust, expected) in [
        (
            r#"{"Service":"codebuild.amazonaws.com"}"#,
            "pipeline-role-not-mapped",
        ),
        (
            r#"{"Service":"ec2.amazonaws.com"}"#,
            "ec2-instance-role-not-mapped",
        ),
    ] {
        for near in [Near::OtherAccount, Near::OtherKind] {
            let mut world = named_elsewhere("shipper", AuthenticationMode::Api);
            if let Fact::Known(all) = &mut world.facts.near {
                all[0].near = near;
            }
            trusting(&mut world, trust);
            assert_eq!(cause(&world), expected, "{near:?}");
        }
    }
}

#[test]
fn a_name_that_many_accounts_have_is_no_evidence() {
    for name in [
        "OrganizationAccountAccessRole",
        "AWSControlTowerExecution",
        "AWSReservedSSO_AdministratorAccess_0123456789abcdef",
        "deploy",
        "Deployer",
        "AdminRole",
        "cdk-hnb659fds-deploy-role-111122223333-eu-west-1",
    ] {
        let world = named_elsewhere(name, AuthenticationMode::Api);
        assert_eq!(cause(&world), "principal-never-mapped", "{name}");
        assert!(may_be(&world, "mapped-in-another-account"), "{name}");
        let mut stranger = world.clone();
        stranger.principal = format!("arn:aws:iam::444455556666:role/{name}")
            .parse()
            .ok();
        stranger.facts.iam = Fact::Unknown(Unknown::OtherAccount);
        assert_eq!(cause(&stranger), "foreign-account-principal", "{name}");
    }
}

#[test]
fn while_a_row_may_say_more_the_same_name_is_only_a_possibility() {
    let mut world = named_elsewhere("Release", AuthenticationMode::ApiAndConfigMap);
    world.facts.aws_auth = Fact::default();
    assert_eq!(cause(&world), "principal-not-mapped");
    assert!(may_be(&world, "mapped-in-another-account"));
    world.facts.aws_auth = Fact::Known(AwsAuthRow::None);
    assert_eq!(cause(&world), "mapped-in-another-account");
}

#[test]
fn a_permission_set_has_a_new_role_only_where_the_old_one_is_gone() {
    let old = |number: u8| {
        format!(
            "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/\
             AWSReservedSSO_Developer_fedcba987654321{number}"
        )
    };
    let of = |all: &[Fact<bool>]| {
        let mut world = world("sso-role-reprovisioned");
        world.facts.aws_auth = Fact::Known(AwsAuthRow::None);
        let misses = all.iter().zip(0..);
        world.facts.near = Fact::Known(
            misses
                .map(|(exists, number)| near(&old(number), Near::OtherSuffix, exists.clone()))
                .collect(),
        );
        (cause(&world), may_be(&world, "sso-role-reprovisioned"))
    };
    let denied = || Fact::Unknown(Unknown::Denied(Permission::GetRole));
    let (there, gone) = (Fact::Known(true), Fact::Known(false));
    assert_eq!(of(&[there.clone(), gone]).0, "sso-role-reprovisioned");
    assert_eq!(of(&[denied()]), ("principal-not-mapped", true));
    assert_eq!(
        of(&[there.clone(), denied()]),
        ("principal-not-mapped", true)
    );
    assert_eq!(
        of(&[there.clone(), there]),
        ("principal-never-mapped", false)
    );
}

#[test]
fn a_broken_section_locks_out_whom_it_names() {
    let broken = "data:\n  mapRoles: |\n    - rolearn: arn:aws:iam::111122223333:role/Other\n     username: x\n";
    let of = |text: &str, name: &str| {
        let auth = AwsAuth::parse(text).unwrap();
        assert!(auth.is_broken());
        AwsAuthRow::of(
            &auth,
            &format!("arn:aws:iam::111122223333:role/{name}")
                .parse()
                .unwrap(),
        )
    };
    assert_eq!(of(broken, "Other"), AwsAuthRow::Broken);
    assert_eq!(of(broken, "DevRole"), AwsAuthRow::None);
    // Where nothing can be told in what is lost, anybody may have been in it.
    let lost = "data:\n  mapRoles: |\n    {{{\n";
    assert_eq!(of(lost, "DevRole"), AwsAuthRow::Broken);
}

#[test]
fn an_entry_with_a_group_may_be_an_administrators() {
    let with = |groups_left| {
        let mut world = world("no-administrator-left");
        world.facts.groups_left = groups_left;
        (cause(&world), may_be(&world, "no-administrator-left"))
    };
    assert_eq!(with(Fact::Known(false)).0, "no-administrator-left");
    let never = ("principal-never-mapped", true);
    assert_eq!(with(Fact::Known(true)), never);
    assert_eq!(with(Fact::Unknown(Unknown::TooMany)), never);
}

#[test]
fn an_entry_that_was_made_long_after_the_denial_does_not_explain_it() {
    const DAY: i64 = 86_400_000;
    let with = |after: i64| {
        let mut world = world("access-entry-not-yet-effective");
        let created = world.facts.own_entry().unwrap().created;
        world.facts.last_denied = Some(created - after);
        (
            cause(&world),
            may_be(&world, "access-entry-not-yet-effective"),
        )
    };
    assert_eq!(with(30_000).0, "access-entry-not-yet-effective");
    assert_eq!(with(4 * DAY), ("principal-not-mapped", true));
}

#[test]
fn an_entry_of_the_standard_type_does_not_look_right_for_a_node() {
    let mut world = world("mapping-without-effect");
    trusting(&mut world, r#"{"Service":"ec2.amazonaws.com"}"#);
    assert_eq!(cause(&world), "mapping-without-effect");
    world.symptom = Symptom::NotMappedNode;
    assert_eq!(cause(&world), "node-not-mapped");
    assert!(may_be(&world, "mapping-without-effect"));
}
