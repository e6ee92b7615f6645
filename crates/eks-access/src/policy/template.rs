//! The IAM policies of granter and revoker, made from the guardrails: the outer wall, which holds even where code of ours
//! does not.
//!
//! Condition keys and resources are those of the service authorization reference for Amazon EKS (2026-09). Three traps in
//! it shape the statements: `ForAllValues` is true where a key is missing, so a `Null` goes with it; `StringLike` would let
//! the namespace `*` through, so names are compared whole; `UpdateAccessEntry` has no keys of its own, so it is denied.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};

use super::{ArnPattern, Deny, Guardrails, Reach};
use crate::access::{MANAGED_BY, TAGS};
use crate::cluster::ClusterName;

/// Characters of a managed policy, without white space (IAM quotas).
const MOST: usize = 6_144;
/// Managed policies of a role that may be made from a file, the walls included (IAM quotas: ten of a role).
const MOST_POLICIES: usize = 9;
/// What the ARNs of our own roles may come to: four, each with a name of 64 characters.
const OWN_ROLES: usize = 4 * 110;
/// What stands for Region and account while sizes are counted: the longest there are.
const REGION: &str = "ap-southeast-99";
const ACCOUNT: &str = "111122223333";

/// Why no template comes of the guardrails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateError {
    /// One rule is too long for a policy of IAM.
    RuleTooLong(String),
    /// What all rules together leave out is too long for a policy of IAM.
    WallsTooLong,
    /// All rules together are too long for a role.
    TooMany,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RuleTooLong(name) => write!(
                f,
                "the rule `{name}` needs an IAM policy of more than {MOST} characters; split it, or name fewer principals \
                 with a `*`"
            ),
            Self::WallsTooLong => write!(
                f,
                "the namespaces of all rules and what is protected need an IAM policy of more than {MOST} characters; name \
                 fewer"
            ),
            Self::TooMany => f.write_str(
                "the rules need more managed policies than a role may have; name fewer principals with a `*`",
            ),
        }
    }
}

impl std::error::Error for TemplateError {}

/// The CloudFormation template with the policies: JSON, which is YAML too.
///
/// # Errors
/// When the rules are too long for IAM.
pub fn template(guardrails: &Guardrails) -> Result<Value, TemplateError> {
    let mut resources = serde_json::Map::new();
    let mut add = |name: &str, role: &str, about: &str, statements: Vec<Value>| {
        resources.insert(name.to_owned(), managed_policy(role, about, &statements));
    };
    let packs = packs(guardrails)?;
    let walls = walls(guardrails);
    if size(&walls) + OWN_ROLES > MOST {
        return Err(TemplateError::WallsTooLong);
    }
    add(
        "GranterWalls",
        "GranterRole",
        "What the granter may never do.",
        walls,
    );
    for (number, pack) in packs.into_iter().enumerate() {
        let name = format!("GranterRules{}", number + 1);
        add(
            &name,
            "GranterRole",
            "What the granter may do, rule by rule of the guardrails.",
            pack,
        );
    }
    add(
        "RevokerPolicy",
        "RevokerRole",
        "What the revoker may take away, and what it may never do.",
        revoker(guardrails),
    );
    Ok(json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The permissions of granter and revoker in EKS, made from the guardrails by `eks-access policy template`.",
        "Metadata": {"GuardrailsVersion": guardrails.version},
        "Parameters": {
            "GranterRole": {"Type": "String", "Description": "The granter's role, by name."},
            "RevokerRole": {"Type": "String", "Description": "The revoker's role, by name."},
            "OwnRoles": {"Type": "CommaDelimitedList", "Description": "ARNs of this product's own roles: nobody lets them in."},
        },
        "Resources": resources,
        "Outputs": {"GuardrailsVersion": {"Value": guardrails.version}},
    }))
}

fn managed_policy(role: &str, about: &str, statements: &[Value]) -> Value {
    json!({
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "Description": about,
            "Roles": [{"Ref": role}],
            "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
        },
    })
}

/// The rules' statements, in as few policies as hold them.
fn packs(guardrails: &Guardrails) -> Result<Vec<Vec<Value>>, TemplateError> {
    let of_rules = guardrails
        .rules()
        .iter()
        .map(|rule| (rule.name.as_str(), &rule.reach));
    let of_glass = guardrails
        .break_glass()
        .map(|glass| ("break_glass", &glass.reach));
    let allowed = of_rules
        .chain(of_glass)
        .enumerate()
        .map(|(number, (name, reach))| (name, allows(guardrails, number + 1, reach)));
    let denied = guardrails
        .denies()
        .iter()
        .enumerate()
        .map(|(number, deny)| {
            (
                deny.name.as_str(),
                vec![denies(guardrails, number + 1, deny)],
            )
        });
    let mut packs: Vec<Vec<Value>> = Vec::new();
    for (name, statements) in allowed.chain(denied) {
        if size(&statements) > MOST {
            return Err(TemplateError::RuleTooLong(name.to_owned()));
        }
        match packs.last_mut() {
            Some(pack) if size(pack) + size(&statements) <= MOST => pack.extend(statements),
            _ => packs.push(statements),
        }
    }
    if packs.len() + 1 > MOST_POLICIES {
        return Err(TemplateError::TooMany);
    }
    Ok(packs)
}

fn size(statements: &[Value]) -> usize {
    let around = 50;
    let text: usize = statements
        .iter()
        .map(|statement| {
            let text = statement.to_string();
            let text = text
                .replace("{\"Fn::Sub\":", "")
                .replace("${AWS::Region}", REGION);
            text.replace("${AWS::AccountId}", ACCOUNT).len() + 1
        })
        .sum();
    text + around
}

/// The patterns of those whom a reach means, as IAM reads them. Roles of a permission set have 16 characters behind its
/// name, and a Region in their path everywhere but in the Region that was first.
fn patterns(guardrails: &Guardrails, reach: &Reach) -> Vec<String> {
    let of_sets = reach.permission_sets.iter().flat_map(|(account, set)| {
        let role = format!("AWSReservedSSO_{set}_{}", "?".repeat(16));
        ["", "*/"].map(|region| {
            let path = format!("aws-reserved/sso.amazonaws.com/{region}");
            format!(
                "arn:{}:iam::{account}:role/{path}{role}",
                guardrails.partition
            )
        })
    });
    let written = reach
        .principals
        .iter()
        .map(|pattern| pattern.as_str().to_owned());
    written.chain(of_sets).collect()
}

fn arns(guardrails: &Guardrails, clusters: &[ClusterName], kind: &str, end: &str) -> Vec<Value> {
    let partition = &guardrails.partition;
    let arn = |name: &ClusterName| json!({"Fn::Sub": format!("arn:{partition}:eks:${{AWS::Region}}:${{AWS::AccountId}}:{kind}/{name}{end}")});
    clusters.iter().map(arn).collect()
}

/// What one rule lets the granter do: create a bare entry with our tags, and associate what the rule offers.
fn allows(guardrails: &Guardrails, number: usize, reach: &Reach) -> Vec<Value> {
    let patterns = patterns(guardrails, reach);
    let entries = entries_of(guardrails, &reach.clusters);
    let tagged = json!({"aws:RequestTag/managed-by": MANAGED_BY});
    let policies: Vec<String> = reach
        .policies
        .iter()
        .map(|policy| policy.arn(&guardrails.partition))
        .collect();
    vec![
        json!({
            "Sid": format!("Create{number}"),
            "Effect": "Allow",
            "Action": "eks:CreateAccessEntry",
            "Resource": arns(guardrails, &reach.clusters, "cluster", ""),
            "Condition": {
                "ArnLike": {"eks:principalArn": patterns},
                "StringEquals": {"eks:accessEntryType": "STANDARD", "aws:RequestTag/managed-by": MANAGED_BY},
                "Null": {"eks:kubernetesGroups": "true", "eks:username": "true"},
                "ForAllValues:StringEquals": {"aws:TagKeys": TAGS},
            },
        }),
        json!({
            "Sid": format!("Tag{number}"),
            "Effect": "Allow",
            "Action": "eks:TagResource",
            "Resource": entries,
            "Condition": {"StringEquals": tagged, "ForAllValues:StringEquals": {"aws:TagKeys": TAGS}},
        }),
        json!({
            "Sid": format!("Associate{number}"),
            "Effect": "Allow",
            "Action": "eks:AssociateAccessPolicy",
            "Resource": entries,
            "Condition": {
                "ArnLike": {"eks:principalArn": patterns},
                "StringEquals": {
                    "eks:policyArn": policies,
                    "eks:accessScope": "namespace",
                    "aws:ResourceTag/managed-by": MANAGED_BY,
                },
                "Null": {"eks:namespaces": "false"},
                "ForAllValues:StringEquals": {"eks:namespaces": reach.namespaces},
            },
        }),
    ]
}

/// What a `deny` of the guardrails takes from every rule. What it does not mention it means all of.
fn denies(guardrails: &Guardrails, number: usize, deny: &Deny) -> Value {
    let partition = &guardrails.partition;
    let mut condition = serde_json::Map::new();
    if !deny.principals.is_empty() {
        let patterns: Vec<&str> = deny.principals.iter().map(ArnPattern::as_str).collect();
        condition.insert("ArnLike".to_owned(), json!({"eks:principalArn": patterns}));
    }
    if !deny.policies.is_empty() {
        let policies: Vec<String> = deny
            .policies
            .iter()
            .map(|policy| policy.arn(partition))
            .collect();
        condition.insert(
            "StringEquals".to_owned(),
            json!({"eks:policyArn": policies}),
        );
    }
    if !deny.namespaces.is_empty() {
        let names = json!({"eks:namespaces": deny.namespaces});
        condition.insert("ForAnyValue:StringEquals".to_owned(), names);
    }
    let resources: Vec<Value> = if deny.clusters.is_empty() {
        vec!["*".into()]
    } else {
        entries_of(guardrails, &deny.clusters)
    };
    let mut statement = json!({
        "Sid": format!("Denied{number}"),
        "Effect": "Deny",
        "Action": "eks:AssociateAccessPolicy",
        "Resource": resources,
    });
    if let Some(fields) = statement.as_object_mut().filter(|_| !condition.is_empty()) {
        fields.insert("Condition".to_owned(), Value::Object(condition));
    }
    statement
}

/// The access entries of clusters.
fn entries_of(guardrails: &Guardrails, clusters: &[ClusterName]) -> Vec<Value> {
    arns(guardrails, clusters, "access-entry", "/*")
}

fn deny(sid: &str, actions: &[&str], condition: &Value) -> Value {
    let mut statement = json!({"Sid": sid, "Effect": "Deny", "Action": actions, "Resource": "*"});
    if let (Some(fields), Some(_)) = (statement.as_object_mut(), condition.as_object()) {
        fields.insert("Condition".to_owned(), condition.clone());
    }
    statement
}

/// Whom nobody lets in, as patterns of IAM; our own roles are told by the stack.
fn never(protected: &[ArnPattern]) -> Value {
    let mut all = vec![
        "arn:*:iam::*:root".to_owned(),
        "arn:*:iam::*:role/aws-service-role/*".to_owned(),
        "arn:*:iam::*:role/eks-access-*".to_owned(),
    ];
    all.extend(protected.iter().map(ToString::to_string));
    // Names may have commas, and none has this.
    let own = json!({"Fn::Join": ["|", {"Ref": "OwnRoles"}]});
    let mut list: Vec<Value> = all.into_iter().map(Value::from).collect();
    list.push(own);
    json!({"Fn::Split": ["|", {"Fn::Join": ["|", list]}]})
}

fn walls(guardrails: &Guardrails) -> Vec<Value> {
    let reaches: Vec<&Reach> = guardrails.reaches().collect();
    let policies: BTreeSet<String> = reaches
        .iter()
        .flat_map(|reach| &reach.policies)
        .map(|policy| policy.arn(&guardrails.partition))
        .collect();
    let namespaces: BTreeSet<&str> = reaches
        .iter()
        .flat_map(|reach| &reach.namespaces)
        .map(super::Namespace::as_str)
        .collect();
    let associate = &["eks:AssociateAccessPolicy"][..];
    let create = &["eks:CreateAccessEntry"][..];
    let grants = &[
        "eks:CreateAccessEntry",
        "eks:AssociateAccessPolicy",
        "eks:TagResource",
    ][..];
    let home = home(&guardrails.partition);
    let mut all = vec![
        deny(
            "NeverByOtherWays",
            &[
                "eks:UpdateAccessEntry",
                "eks:DeleteAccessEntry",
                "eks:DisassociateAccessPolicy",
                "eks:UntagResource",
                "eks:UpdateClusterConfig",
                "eks:CreatePodIdentityAssociation",
                "eks:UpdatePodIdentityAssociation",
                "eks:AssociateIdentityProviderConfig",
            ],
            &Value::Null,
        ),
        deny(
            "NeverTheWholeCluster",
            associate,
            &json!({"StringNotEquals": {"eks:accessScope": "namespace"}}),
        ),
        deny(
            "NeverOnWhatIsNotOurs",
            associate,
            &json!({"StringNotEquals": {"aws:ResourceTag/managed-by": MANAGED_BY}}),
        ),
        deny(
            "NeverWithoutNamespaces",
            associate,
            &json!({"Null": {"eks:namespaces": "true"}}),
        ),
        deny(
            "NeverWithGroups",
            create,
            &json!({"Null": {"eks:kubernetesGroups": "false"}}),
        ),
        deny(
            "NeverWithAUserName",
            create,
            &json!({"Null": {"eks:username": "false"}}),
        ),
        deny(
            "NeverForNodes",
            create,
            &json!({"StringNotEquals": {"eks:accessEntryType": "STANDARD"}}),
        ),
        deny(
            "NeverWithoutOurTag",
            &["eks:CreateAccessEntry", "eks:TagResource"],
            &json!({"StringNotEquals": {"aws:RequestTag/managed-by": MANAGED_BY}}),
        ),
        deny(
            "NeverForAnotherAccount",
            &["eks:CreateAccessEntry", "eks:AssociateAccessPolicy"],
            &json!({"ArnNotLike": {"eks:principalArn": home}}),
        ),
        deny(
            "NeverForThese",
            grants,
            &json!({"ArnLike": {"eks:principalArn": never(guardrails.protected())}}),
        ),
    ];
    if reaches.is_empty() {
        all.push(deny("NothingIsOffered", grants, &Value::Null));
    } else {
        all.push(deny(
            "NeverAnotherPolicy",
            associate,
            &json!({"StringNotEquals": {"eks:policyArn": policies}}),
        ));
        all.push(deny(
            "NeverAnotherNamespace",
            associate,
            &json!({"ForAnyValue:StringNotEquals": {"eks:namespaces": namespaces}}),
        ));
    }
    all
}

/// Whoever is of this account.
fn home(partition: &str) -> Value {
    json!({"Fn::Sub": format!("arn:{partition}:iam::${{AWS::AccountId}}:*")})
}

/// The revoker is held to our tag, and to no rule: a rule that is taken back must not leave what it granted for ever.
fn revoker(guardrails: &Guardrails) -> Vec<Value> {
    let partition = &guardrails.partition;
    let home = home(partition);
    let entries = json!({"Fn::Sub": format!("arn:{partition}:eks:${{AWS::Region}}:${{AWS::AccountId}}:access-entry/*/*/${{AWS::AccountId}}/*")});
    vec![
        json!({
            "Sid": "EndOurOwn",
            "Effect": "Allow",
            "Action": "eks:DeleteAccessEntry",
            "Resource": entries,
            "Condition": {
                "StringEquals": {"aws:ResourceTag/managed-by": MANAGED_BY},
            },
        }),
        deny(
            "NeverWhatIsNotOurs",
            &["eks:DeleteAccessEntry"],
            &json!({"StringNotEquals": {"aws:ResourceTag/managed-by": MANAGED_BY}}),
        ),
        // Where EKS tells the type, it has to be the one that ours are of.
        deny(
            "NeverNodes",
            &["eks:DeleteAccessEntry"],
            &json!({
                "Null": {"eks:accessEntryType": "false"},
                "StringNotEquals": {"eks:accessEntryType": "STANDARD"},
            }),
        ),
        // The resource says so too, but its `*` also stands for `/`, and a role of another account may be named like our account.
        deny(
            "NeverOfAnotherAccount",
            &["eks:DeleteAccessEntry"],
            &json!({
                "Null": {"eks:principalArn": "false"},
                "ArnNotLike": {"eks:principalArn": home},
            }),
        ),
        deny(
            "NeverGrantOrTag",
            &[
                "eks:CreateAccessEntry",
                "eks:UpdateAccessEntry",
                "eks:AssociateAccessPolicy",
                "eks:DisassociateAccessPolicy",
                "eks:TagResource",
                "eks:UntagResource",
                "eks:UpdateClusterConfig",
            ],
            &Value::Null,
        ),
        deny(
            "NeverThese",
            &["eks:DeleteAccessEntry"],
            &json!({"ArnLike": {"eks:principalArn": never(&[])}}),
        ),
    ]
}
