//! What IAM tells of a role or user of its own account. Reads only.

use aws_sdk_iam::Client;
use aws_sdk_iam::primitives::DateTime;
use eks_access::facts::{Fact, IamPrincipal, Permission, Trust, Unknown};
use eks_access::principal::Principal;
use percent_encoding::percent_decode_str;

use super::unknown::{code, unknown};

/// The code of what is not there.
const NO_SUCH_ENTITY: &str = "NoSuchEntity";

/// `iam:GetRole` or `iam:GetUser`: names are unique in an account, whatever their path. `None` when there is no such
/// role or user.
pub async fn principal(client: &Client, principal: &Principal) -> Fact<Option<IamPrincipal>> {
    if principal.is_role() {
        role(client, principal.name()).await
    } else if principal.is_user() {
        user(client, principal.name()).await
    } else {
        Fact::default()
    }
}

async fn role(client: &Client, name: &str) -> Fact<Option<IamPrincipal>> {
    let answer = client.get_role().role_name(name).send().await;
    let role = match answer {
        Ok(answer) => answer.role,
        Err(error) if code(&error) == NO_SUCH_ENTITY => return Fact::Known(None),
        Err(error) => return Fact::Unknown(unknown(&error, Permission::GetRole)),
    };
    let trust = role
        .as_ref()
        .and_then(aws_sdk_iam::types::Role::assume_role_policy_document)
        .and_then(trust);
    known(
        role.map(|role| {
            (
                role.arn().to_owned(),
                role.role_id().to_owned(),
                *role.create_date(),
            )
        }),
        trust,
    )
}

async fn user(client: &Client, name: &str) -> Fact<Option<IamPrincipal>> {
    let answer = client.get_user().user_name(name).send().await;
    let user = match answer {
        Ok(answer) => answer.user,
        Err(error) if code(&error) == NO_SUCH_ENTITY => return Fact::Known(None),
        Err(error) => return Fact::Unknown(unknown(&error, Permission::GetUser)),
    };
    known(
        user.map(|user| {
            (
                user.arn().to_owned(),
                user.user_id().to_owned(),
                *user.create_date(),
            )
        }),
        None,
    )
}

fn known(
    described: Option<(String, String, DateTime)>,
    trust: Option<Trust>,
) -> Fact<Option<IamPrincipal>> {
    let read = described.and_then(|(arn, unique_id, created)| {
        Some(IamPrincipal {
            principal: arn.parse().ok()?,
            unique_id,
            created: created.to_millis().ok()?,
            trust,
        })
    });
    read.map_or(Fact::Unknown(Unknown::Failed), |principal| {
        Fact::Known(Some(principal))
    })
}

/// The policy is percent-encoded (IAM API reference, `Role`; RFC 3986).
fn trust(document: &str) -> Option<Trust> {
    Trust::parse(&percent_decode_str(document).decode_utf8().ok()?)
}
