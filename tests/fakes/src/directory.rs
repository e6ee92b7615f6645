//! The people and roles of an AWS organisation, shared by the fakes of IAM, STS and EKS, so that a role can be deleted
//! and created again behind the back of whoever refers to it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::wire::{iso, now};

/// What kind of principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An IAM role.
    Role,
    /// An IAM user.
    User,
}

impl Kind {
    /// As ARNs spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::User => "user",
        }
    }
}

/// An IAM role or user.
#[derive(Debug, Clone, PartialEq)]
pub struct Principal {
    /// Role or user.
    pub kind: Kind,
    /// The account; the directory's own when it was left empty.
    pub account: String,
    /// `/`, or `/team/dev/`.
    pub path: String,
    /// The name without its path.
    pub name: String,
    /// `AROA…` or `AIDA…`; made up when it was left empty. Never the same again after a recreation.
    pub id: String,
    /// Like `2026-03-01T10:00:00Z`.
    pub created_at: String,
    /// Who may assume the role.
    pub trust: Value,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// ARNs of the managed policies attached.
    pub policies: Vec<String>,
    /// The full ARN, with the path; filled in by [`Directory::add`].
    pub arn: String,
}

impl Principal {
    /// A role that its own account may assume, created with the year 2026.
    pub fn role(path: &str, name: &str) -> Self {
        Self::new(Kind::Role, path, name)
    }

    /// A user, created with the year 2026.
    pub fn user(path: &str, name: &str) -> Self {
        Self::new(Kind::User, path, name)
    }

    fn new(kind: Kind, path: &str, name: &str) -> Self {
        assert!(
            path.starts_with('/') && path.ends_with('/'),
            "a path like /team/, not `{path}`"
        );
        Self {
            kind,
            account: String::new(),
            path: path.to_owned(),
            name: name.to_owned(),
            id: String::new(),
            created_at: "2026-01-01T00:00:00Z".to_owned(),
            trust: Value::Null,
            tags: BTreeMap::new(),
            policies: Vec::new(),
            arn: String::new(),
        }
    }

    /// In another account than the directory's own.
    #[must_use]
    pub fn in_account(mut self, account: &str) -> Self {
        account.clone_into(&mut self.account);
        self
    }

    /// With this unique id.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    /// Created at a time like `2026-03-01T10:00:00Z`.
    #[must_use]
    pub fn created_at(mut self, time: &str) -> Self {
        time.clone_into(&mut self.created_at);
        self
    }

    /// With this trust policy.
    #[must_use]
    pub fn trust(mut self, policy: Value) -> Self {
        self.trust = policy;
        self
    }

    /// Trusting a service: `ec2.amazonaws.com`.
    #[must_use]
    pub fn trusting_service(self, service: &str) -> Self {
        self.trust(json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        ]}))
    }

    /// Trusting an OIDC provider's ARN, under a condition on the token's subject.
    #[must_use]
    pub fn trusting_provider(self, provider: &str, subject: &str) -> Self {
        let issuer = provider
            .split_once("oidc-provider/")
            .map_or("", |(_, issuer)| issuer);
        self.trust(json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {format!("{issuer}:sub"): subject}},
        }]}))
    }

    /// With a tag.
    #[must_use]
    pub fn tagged(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    /// With a managed policy attached.
    #[must_use]
    pub fn with_policy(mut self, arn: &str) -> Self {
        self.policies.push(arn.to_owned());
        self
    }
}

/// Who signs with an access key, as STS says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// `arn:aws:sts::…:assumed-role/NAME/SESSION` without the role's path, or the ARN of a user with it.
    pub arn: String,
    /// `AROA…:SESSION` or `AIDA…`.
    pub user_id: String,
    /// The account.
    pub account: String,
}

#[derive(Default)]
struct State {
    principals: Vec<Principal>,
    keys: BTreeMap<String, Caller>,
    secrets: BTreeMap<String, String>,
    given: u64,
}

/// All principals of all accounts, and who signs with which access key.
#[derive(Clone)]
pub struct Directory {
    partition: String,
    account: String,
    shared: Arc<Mutex<State>>,
}

impl Directory {
    /// An empty directory of this partition, whose own account this is.
    pub fn new(partition: &str, account: &str) -> Self {
        Self {
            partition: partition.to_owned(),
            account: account.to_owned(),
            shared: Arc::default(),
        }
    }

    /// `aws`, `aws-cn`, `aws-us-gov`, ….
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// The own account.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Creates a role of the own account.
    pub fn role(&self, path: &str, name: &str) -> Principal {
        self.add(Principal::role(path, name))
    }

    /// Creates a user of the own account.
    pub fn user(&self, path: &str, name: &str) -> Principal {
        self.add(Principal::user(path, name))
    }

    /// Creates a principal. Names are unique in an account whatever the path, and "not distinguished by case" (API
    /// reference of `CreateRole` and `CreateUser`).
    pub fn add(&self, mut principal: Principal) -> Principal {
        let mut state = self.shared.lock().unwrap();
        if principal.account.is_empty() {
            self.account.clone_into(&mut principal.account);
        }
        if principal.id.is_empty() {
            principal.id = state.fresh_id(principal.kind);
        }
        if principal.trust.is_null() && principal.kind == Kind::Role {
            let root = format!("arn:{}:iam::{}:root", self.partition, principal.account);
            principal.trust = json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "sts:AssumeRole"}
            ]});
        }
        principal.arn = format!(
            "arn:{}:iam::{}:{}{}{}",
            self.partition,
            principal.account,
            principal.kind.word(),
            principal.path,
            principal.name
        );
        let twice = state.principals.iter().any(|other| {
            other.kind == principal.kind
                && other.account == principal.account
                && other.name.eq_ignore_ascii_case(&principal.name)
        });
        assert!(!twice, "{} exists already", principal.arn);
        state.principals.push(principal.clone());
        principal
    }

    /// Deletes the principal with this ARN.
    pub fn delete(&self, arn: &str) -> Principal {
        let mut state = self.shared.lock().unwrap();
        let index = state.principals.iter().position(|p| p.arn == arn);
        let index = index.unwrap_or_else(|| panic!("no principal {arn}"));
        state.principals.remove(index)
    }

    /// Deletes the principal and creates it again under the same ARN at this time: with another unique id.
    pub fn recreate(&self, arn: &str, at: &str) -> Principal {
        let mut principal = self.delete(arn);
        principal.id.clear();
        at.clone_into(&mut principal.created_at);
        self.add(principal)
    }

    /// The same, now.
    pub fn recreate_now(&self, arn: &str) -> Principal {
        self.recreate(arn, &iso(now()))
    }

    /// The principal with exactly this ARN.
    pub fn find(&self, arn: &str) -> Option<Principal> {
        let state = self.shared.lock().unwrap();
        state.principals.iter().find(|p| p.arn == arn).cloned()
    }

    /// The principal of this kind and name in the own account, whatever its path and the case of the name.
    pub fn by_name(&self, kind: Kind, name: &str) -> Option<Principal> {
        let state = self.shared.lock().unwrap();
        state
            .principals
            .iter()
            .find(|p| {
                p.kind == kind && p.account == self.account && p.name.eq_ignore_ascii_case(name)
            })
            .cloned()
    }

    /// Lets an access key sign for a user, or for a session of a role. Stops the test if there is no such principal.
    pub fn signs_with(&self, access_key: &str, arn: &str, session: &str) -> Caller {
        let principal = self
            .find(arn)
            .unwrap_or_else(|| panic!("no principal {arn}"));
        let caller = match principal.kind {
            Kind::User => Caller {
                arn: principal.arn,
                user_id: principal.id,
                account: principal.account,
            },
            Kind::Role => Caller {
                arn: format!(
                    "arn:{}:sts::{}:assumed-role/{}/{session}",
                    self.partition, principal.account, principal.name
                ),
                user_id: format!("{}:{session}", principal.id),
                account: principal.account,
            },
        };
        let mut state = self.shared.lock().unwrap();
        state.keys.insert(access_key.to_owned(), caller.clone());
        caller
    }

    /// Gives an access key its secret; without, it is `secret`.
    pub fn secret(&self, access_key: &str, secret: &str) {
        let mut state = self.shared.lock().unwrap();
        state
            .secrets
            .insert(access_key.to_owned(), secret.to_owned());
    }

    /// The secret of an access key that signs for somebody.
    pub fn secret_of(&self, access_key: &str) -> Option<String> {
        let state = self.shared.lock().unwrap();
        state.keys.get(access_key)?;
        let secret = state
            .secrets
            .get(access_key)
            .map_or("secret", |secret| secret);
        Some(secret.to_owned())
    }

    /// Who signs with this access key, if it is known.
    pub fn signer(&self, access_key: &str) -> Option<Caller> {
        self.shared.lock().unwrap().keys.get(access_key).cloned()
    }

    /// Who signs with this access key; a session of the role `eks-access-responder` for a key nobody knows.
    pub fn caller(&self, access_key: &str) -> Caller {
        self.signer(access_key).unwrap_or_else(|| Caller {
            arn: format!(
                "arn:{}:sts::{}:assumed-role/eks-access-responder/eks-access-responder",
                self.partition, self.account
            ),
            user_id: "AROAEKSACCESSRESPONDE:eks-access-responder".to_owned(),
            account: self.account.clone(),
        })
    }

    /// What IAM says of a caller without permission (user guide, "Access denied error message examples").
    pub(crate) fn not_authorized(&self, access_key: &str, action: &str, resource: &str) -> String {
        format!(
            "User: {} is not authorized to perform: {action} on resource: {resource} because no identity-based policy \
             allows the {action} action",
            self.caller(access_key).arn
        )
    }
}

impl State {
    /// Twenty-one characters, as IAM makes them.
    fn fresh_id(&mut self, kind: Kind) -> String {
        const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        self.given += 1;
        let mut x = self.given.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut id = match kind {
            Kind::Role => "AROA",
            Kind::User => "AIDA",
        }
        .to_owned();
        for _ in 0..17 {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            id.push(char::from(DIGITS[usize::try_from(x % 32).unwrap()]));
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use super::{Directory, Kind, Principal};

    #[test]
    fn a_recreated_role_has_the_same_arn_and_another_id() {
        let directory = Directory::new("aws", "111122223333");
        let before = directory.role("/team/dev/", "DevRole");
        let after = directory.recreate(&before.arn, "2026-03-01T10:00:00Z");
        assert_eq!(
            before.arn,
            "arn:aws:iam::111122223333:role/team/dev/DevRole"
        );
        assert_eq!(after.arn, before.arn);
        assert_ne!(after.id, before.id);
        assert_eq!(after.id.len(), 21);
        assert_eq!(after.created_at, "2026-03-01T10:00:00Z");
        directory.delete(&before.arn);
        assert_eq!(directory.by_name(Kind::Role, "DevRole"), None);
    }

    #[test]
    fn a_session_has_no_path_and_a_user_keeps_it() {
        let directory = Directory::new("aws-cn", "111122223333");
        let role = directory.role("/team/", "DevRole");
        let user = directory.add(Principal::user("/people/", "alice").in_account("444455556666"));
        let session = directory.signs_with("ASIA1", &role.arn, "alice@example.com");
        assert_eq!(
            session.arn,
            "arn:aws-cn:sts::111122223333:assumed-role/DevRole/alice@example.com"
        );
        assert_eq!(session.user_id, format!("{}:alice@example.com", role.id));
        assert_eq!(directory.signs_with("AKIA1", &user.arn, "").arn, user.arn);
    }
}
