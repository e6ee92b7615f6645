//! What the granter is told to do, with the approvals that allow it, each sealed.
//!
//! The seal is an HMAC-SHA256 with a key that approver and granter read from Secrets Manager. So neither who can write the
//! table nor who can only invoke the granter can make an approval.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::{Kind, Request, RequestId, as_text, hex};
use crate::cluster::{ClusterName, Region};
use crate::policy::{Approver, Ask, Terms};
use crate::principal::{AccountId, Principal};

/// The name and release of the granter's event.
pub const SCHEMA: &str = "eks-access-responder/grant/1";
/// Characters of a key, at least.
const SHORTEST_KEY: usize = 32;

/// The key of the seals.
#[derive(Clone)]
pub struct SealKey(Vec<u8>);

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey(…)")
    }
}

impl SealKey {
    /// The key that this text is; `None` if it is too short to be one.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (text.len() >= SHORTEST_KEY).then(|| Self(text.as_bytes().to_vec()))
    }

    fn mac(&self, bytes: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(bytes);
        Some(mac)
    }
}

/// What is to be granted, to whom, where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The request.
    pub request: RequestId,
    /// What was asked for.
    pub kind: Kind,
    /// The grant that is to have more time.
    pub extends: Option<RequestId>,
    /// The cluster.
    #[serde(with = "as_text")]
    pub cluster: ClusterName,
    /// Its account.
    #[serde(with = "as_text")]
    pub account: AccountId,
    /// Its Region.
    #[serde(with = "as_text")]
    pub region: Region,
    /// Who is let in: the ARN with its path.
    #[serde(with = "as_text")]
    pub principal: Principal,
    /// IAM's unique id of the principal when it was asked.
    pub unique_id: String,
    /// The denied session.
    pub session: Option<String>,
    /// What, where and for how long.
    pub terms: Terms,
}

impl Order {
    /// The order that follows from a request with these terms.
    #[must_use]
    pub fn of(request: &Request, terms: &Terms) -> Self {
        Self {
            request: request.id.clone(),
            kind: request.kind,
            extends: request.extends.clone(),
            cluster: request.cluster.clone(),
            account: request.account.clone(),
            region: request.region.clone(),
            principal: request.principal.clone(),
            unique_id: request.unique_id.clone(),
            session: request.session.clone(),
            terms: terms.clone(),
        }
    }

    /// What the guardrails are asked.
    #[must_use]
    pub fn ask(&self) -> Ask<'_> {
        Ask {
            cluster: &self.cluster,
            account: &self.account,
            principal: &self.principal,
            session: self.session.as_deref(),
        }
    }
}

/// Somebody's yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: Approver,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// Why, in their words.
    pub reason: String,
    /// What proves that the approver (the function) saw it.
    seal: String,
}

impl Approval {
    /// An approval of exactly this order.
    #[must_use]
    pub fn sealed(key: &SealKey, order: &Order, by: Approver, at: i64, reason: &str) -> Self {
        let mut approval = Self {
            by,
            at,
            reason: reason.to_owned(),
            seal: String::new(),
        };
        let mac = key.mac(&approval.content(order));
        approval.seal = mac.map_or_else(String::new, |mac| hex(&mac.finalize().into_bytes()));
        approval
    }

    /// Whether it is one of this order, made with the key.
    #[must_use]
    pub fn is_sealed(&self, key: &SealKey, order: &Order) -> bool {
        let Some(bytes) = unhex(&self.seal) else {
            return false;
        };
        key.mac(&self.content(order))
            .is_some_and(|mac| mac.verify_slice(&bytes).is_ok())
    }

    fn content(&self, order: &Order) -> Vec<u8> {
        serde_json::to_vec(&(SCHEMA, order, &self.by, self.at, &self.reason)).unwrap_or_default()
    }
}

/// The granter's event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instruction {
    /// [`SCHEMA`].
    pub schema: String,
    /// What is to be done.
    pub order: Order,
    /// By whose yes.
    pub approvals: Vec<Approval>,
}

impl Instruction {
    /// The instruction to do this.
    #[must_use]
    pub fn new(order: Order, approvals: Vec<Approval>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            order,
            approvals,
        }
    }

    /// Whether every approval is one of this order, and there is one.
    #[must_use]
    pub fn is_sealed(&self, key: &SealKey) -> bool {
        self.schema == SCHEMA
            && !self.approvals.is_empty()
            && self
                .approvals
                .iter()
                .all(|approval| approval.is_sealed(key, &self.order))
    }

    /// Who said yes.
    #[must_use]
    pub fn approvers(&self) -> Vec<Approver> {
        self.approvals
            .iter()
            .map(|approval| approval.by.clone())
            .collect()
    }

    /// When the last one did.
    #[must_use]
    pub fn decided_at(&self) -> i64 {
        self.approvals
            .iter()
            .map(|approval| approval.at)
            .max()
            .unwrap_or(0)
    }
}

/// Bytes from lower-case hexadecimal digits.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Approval, Instruction, Order, SealKey};
    use crate::access::Kind;
    use crate::policy::{AccessPolicy, Approver, Terms};

    fn order() -> Order {
        Order {
            request: "0123456789abcdef".parse().unwrap(),
            kind: Kind::Access,
            extends: None,
            cluster: "prod-eu".parse().unwrap(),
            account: "111122223333".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            principal: "arn:aws:iam::111122223333:role/dev/jane".parse().unwrap(),
            unique_id: "AROAEXAMPLE".to_owned(),
            session: None,
            terms: Terms::new(AccessPolicy::View, vec!["shop".parse().unwrap()], 3600).unwrap(),
        }
    }

    #[test]
    fn a_seal_is_of_one_order_one_person_and_one_key() {
        let key = SealKey::new(&"k".repeat(32)).unwrap();
        let by = Approver::from_caller_arn("arn:aws:iam::111122223333:user/alice").unwrap();
        let approval = Approval::sealed(&key, &order(), by, 7, "incident 12");
        assert!(approval.is_sealed(&key, &order()));
        let other_key = SealKey::new(&"l".repeat(32)).unwrap();
        assert!(!approval.is_sealed(&other_key, &order()));
        let mut more = order();
        more.terms.seconds += 1;
        assert!(!approval.is_sealed(&key, &more));
        for change in [
            |a: &mut Approval| a.at += 1,
            |a: &mut Approval| a.reason.push('x'),
            |a: &mut Approval| a.seal.clear(),
            |a: &mut Approval| a.seal = a.seal.to_uppercase(),
            |a: &mut Approval| {
                a.by = Approver::from_caller_arn("arn:aws:iam::111122223333:user/bob").unwrap();
            },
        ] {
            let mut changed = approval.clone();
            change(&mut changed);
            assert!(!changed.is_sealed(&key, &order()));
        }
        let back: Approval =
            serde_json::from_str(&serde_json::to_string(&approval).unwrap()).unwrap();
        assert!(Instruction::new(order(), vec![back]).is_sealed(&key));
        assert!(!Instruction::new(order(), Vec::new()).is_sealed(&key));
        assert!(SealKey::new("short").is_none());
    }
}
