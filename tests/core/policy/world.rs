//! Guardrails, what is asked of them, and who says yes, in short words.

use eks_access::policy::{AccessPolicy, Approver, Ask, Guardrails, Refused, Terms};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const HOUR: u64 = 3600;

/// Reads a sound file.
pub(crate) fn guardrails(text: &str) -> Guardrails {
    Guardrails::parse(text).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"))
}

/// Who asks for what, where.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    cluster: eks_access::cluster::ClusterName,
    account: eks_access::principal::AccountId,
    principal: eks_access::principal::Principal,
    session: Option<String>,
    terms: Terms,
}

impl Asked {
    /// `AmazonEKSViewPolicy` in the namespace `shop` of `prod` for an hour.
    pub(crate) fn by(arn: &str) -> Self {
        Self {
            cluster: "prod".parse().unwrap(),
            account: ACCOUNT.parse().unwrap(),
            principal: arn.parse().unwrap(),
            session: None,
            terms: Terms::new(AccessPolicy::View, vec!["shop".parse().unwrap()], HOUR).unwrap(),
        }
    }

    pub(crate) fn role(path: &str) -> Self {
        Self::by(&format!("arn:aws:iam::{ACCOUNT}:role/{path}"))
    }

    pub(crate) fn in_cluster(mut self, name: &str) -> Self {
        self.cluster = name.parse().unwrap();
        self
    }

    pub(crate) fn of_account(mut self, id: &str) -> Self {
        self.account = id.parse().unwrap();
        self
    }

    pub(crate) fn in_session(mut self, name: &str) -> Self {
        self.session = Some(name.to_owned());
        self
    }

    pub(crate) fn policy(mut self, policy: AccessPolicy) -> Self {
        self.terms.policy = policy;
        self
    }

    pub(crate) fn namespaces(mut self, names: &[&str]) -> Self {
        let names = names.iter().map(|name| name.parse().unwrap()).collect();
        self.terms = Terms::new(self.terms.policy, names, self.terms.seconds).unwrap();
        self
    }

    pub(crate) fn seconds(mut self, seconds: u64) -> Self {
        self.terms.seconds = seconds;
        self
    }

    pub(crate) fn ask(&self) -> Ask<'_> {
        Ask {
            cluster: &self.cluster,
            account: &self.account,
            principal: &self.principal,
            session: self.session.as_deref(),
        }
    }

    pub(crate) fn terms(&self) -> &Terms {
        &self.terms
    }

    pub(crate) fn is_permitted(&self, guardrails: &Guardrails) -> Result<(), Refused> {
        guardrails.permits(&self.ask(), &self.terms)
    }

    /// The rule by which it is granted.
    pub(crate) fn decided(
        &self,
        guardrails: &Guardrails,
        approvers: &[Approver],
    ) -> Result<String, Refused> {
        let rule = guardrails.decide(&self.ask(), &self.terms, approvers);
        rule.map(|rule| rule.name.clone())
    }

    pub(crate) fn glass(&self, guardrails: &Guardrails, caller: &Approver) -> Result<u64, Refused> {
        let glass = guardrails.may_break_glass(&self.ask(), &self.terms, caller);
        glass.map(|glass| glass.review_within)
    }
}

/// Somebody of Slack.
pub(crate) fn slack(user: &str) -> Approver {
    in_groups(user, &[])
}

pub(crate) fn in_groups(user: &str, groups: &[&str]) -> Approver {
    Approver::Slack {
        team: "T0123456789".to_owned(),
        user: user.to_owned(),
        groups: groups.iter().map(ToString::to_string).collect(),
    }
}

/// A session of a role.
pub(crate) fn session(role: &str, name: &str) -> Approver {
    Approver::from_caller_arn(&format!(
        "arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}"
    ))
    .unwrap()
}

/// A session of the permission set `Platform`, named by IAM Identity Center.
pub(crate) fn platform(name: &str) -> Approver {
    session("AWSReservedSSO_Platform_0123456789abcdef", name)
}

pub(crate) fn user(name: &str) -> Approver {
    Approver::from_caller_arn(&format!("arn:aws:iam::{ACCOUNT}:user/{name}")).unwrap()
}
