//! Who decides: a person of Slack or a caller that IAM vouches for, and which of them are the same person.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::pattern::ArnPattern;
use crate::principal::Principal;

/// How somebody's decision came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Door {
    /// Signed by Slack.
    Slack,
    /// Signed with credentials of IAM.
    Iam,
}

impl Door {
    /// Its stable name.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Iam => "iam",
        }
    }
}

/// Whoever decides, as it was proven.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Approver {
    /// A person of Slack.
    Slack {
        /// The workspace or organisation.
        team: String,
        /// The person's id.
        user: String,
        /// Those of the guardrails' user groups that Slack said they are in, at that moment.
        groups: BTreeSet<String>,
    },
    /// A caller of AWS.
    Iam {
        /// The ARN of the role without its path, or of the user.
        principal: String,
        /// The name of the role's session, which its caller chose, unless IAM Identity Center did.
        session: Option<String>,
    },
}

impl Approver {
    /// The caller that API Gateway names by this ARN: a session of a role, or a user. `None` for root, federated users and
    /// what else there may be.
    #[must_use]
    pub fn from_caller_arn(arn: &str) -> Option<Self> {
        let principal: Principal = arn.parse().ok()?;
        let session = arn
            .split_once(":assumed-role/")
            .and_then(|(_, rest)| rest.split_once('/'))
            .map(|(_, session)| session.to_owned());
        (principal.is_user() || (principal.is_role() && session.is_some())).then(|| Self::Iam {
            principal: principal.canonical().to_string(),
            session,
        })
    }

    /// By which way it came.
    #[must_use]
    pub fn door(&self) -> Door {
        match self {
            Self::Slack { .. } => Door::Slack,
            Self::Iam { .. } => Door::Iam,
        }
    }

    /// Two with the same identity are one person; of two with different ones that is not known for sure. Whoever may assume a role
    /// chooses the session's name, so that sessions are told apart only of roles that IAM Identity Center made.
    #[must_use]
    pub fn identity(&self) -> String {
        match self {
            // An id is of one person, whichever workspace of an organisation they come from.
            Self::Slack { user, .. } => format!("slack:{user}"),
            Self::Iam { principal, session } => match session {
                // One person may have several permission sets.
                Some(session) if names_its_sessions(principal) => {
                    format!("iam-sso:{}", session.to_ascii_lowercase())
                }
                _ => format!("iam:{principal}"),
            },
        }
    }

    /// The name under which IAM Identity Center knows them, if it vouches for them.
    pub(super) fn sso_name(&self) -> Option<&str> {
        match self {
            Self::Iam {
                principal,
                session: Some(session),
            } if names_its_sessions(principal) => Some(session),
            _ => None,
        }
    }

    /// Whether an IAM pattern means this caller: its ARN, or its ARN and its session where that can be believed.
    fn is_meant_by(&self, pattern: &ArnPattern) -> bool {
        let Self::Iam { principal, session } = self else {
            return false;
        };
        let of_session = session
            .as_ref()
            .filter(|_| names_its_sessions(principal))
            .map(|session| format!("{principal}/{session}"));
        pattern.matches_text(principal) || of_session.is_some_and(|arn| pattern.matches_text(&arn))
    }
}

/// For people, literal.
impl fmt::Display for Approver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slack { user, .. } => write!(f, "{user} (Slack)"),
            Self::Iam { principal, session } => match session {
                Some(session) => write!(f, "{principal}/{session}"),
                None => f.write_str(principal),
            },
        }
    }
}

/// Whether a role's sessions are named by IAM Identity Center after whoever signed in.
pub(super) fn names_its_sessions(arn: &str) -> bool {
    arn.parse::<Principal>()
        .is_ok_and(|role| role.permission_set().is_some())
}

/// A list of those who may do something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Approvers {
    /// Ids of people of Slack.
    pub slack_users: BTreeSet<String>,
    /// Ids of user groups of Slack.
    pub slack_groups: BTreeSet<String>,
    /// Callers of AWS, without paths; for roles of IAM Identity Center also with `/SESSION`.
    pub iam: Vec<ArnPattern>,
}

impl Approvers {
    /// Whether somebody is among them.
    #[must_use]
    pub fn have(&self, approver: &Approver) -> bool {
        match approver {
            Approver::Slack { user, groups, .. } => {
                self.slack_users.contains(user) || !self.slack_groups.is_disjoint(groups)
            }
            Approver::Iam { .. } => self.iam.iter().any(|pattern| approver.is_meant_by(pattern)),
        }
    }

    /// Whether anybody can be among them who comes by this way.
    #[must_use]
    pub fn can_come_by(&self, door: Door) -> bool {
        match door {
            Door::Slack => !self.slack_users.is_empty() || !self.slack_groups.is_empty(),
            Door::Iam => !self.iam.is_empty(),
        }
    }
}

/// A person with all that they are known by, so that nobody counts twice or decides about themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// What the guardrails call them.
    pub name: String,
    /// Ids of Slack.
    pub slack: BTreeSet<String>,
    /// As callers of AWS.
    pub iam: Vec<ArnPattern>,
    /// Names of sessions by which denials show that it was them.
    pub sessions: BTreeSet<String>,
    /// Principals that are theirs.
    pub principals: Vec<ArnPattern>,
}

impl Person {
    /// Whether the guardrails know how they come by either way.
    pub(super) fn is_known_by_both(&self) -> bool {
        !self.slack.is_empty() && !self.iam.is_empty()
    }

    /// Whether the approver is this person.
    #[must_use]
    pub fn is(&self, approver: &Approver) -> bool {
        match approver {
            Approver::Slack { user, .. } => self.slack.contains(user),
            Approver::Iam { .. } => self.iam.iter().any(|pattern| approver.is_meant_by(pattern)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Approver, Approvers};

    const SSO: &str =
        "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Platform_0123456789abcdef/jane";

    fn caller(arn: &str) -> Approver {
        Approver::from_caller_arn(arn).unwrap()
    }

    #[test]
    fn sessions_of_one_role_are_one_approver_unless_identity_center_names_them() {
        let role = |session: &str| {
            caller(&format!(
                "arn:aws:sts::111122223333:assumed-role/Admin/{session}"
            ))
        };
        assert_eq!(role("a").identity(), role("b").identity());
        assert_ne!(
            caller(SSO).identity(),
            caller(&SSO.replace("jane", "joe")).identity()
        );
    }

    #[test]
    fn a_session_s_name_is_believed_only_of_identity_center() {
        let approvers = |pattern: &str| Approvers {
            iam: vec![pattern.parse().unwrap()],
            ..Approvers::default()
        };
        let jane = "arn:aws:iam::111122223333:role/*/jane";
        assert!(approvers(jane).have(&caller(SSO)));
        assert!(
            !approvers(jane).have(&caller("arn:aws:sts::111122223333:assumed-role/Admin/jane"))
        );
        assert!(
            approvers("arn:aws:iam::111122223333:role/Admin")
                .have(&caller("arn:aws:sts::111122223333:assumed-role/Admin/x"))
        );
    }

    #[test]
    fn root_and_federated_users_decide_nothing() {
        for arn in [
            "arn:aws:iam::111122223333:root",
            "arn:aws:sts::111122223333:federated-user/jane",
            "arn:aws:iam::111122223333:role/Admin",
            "AROAEXAMPLE:jane",
            "",
        ] {
            assert_eq!(Approver::from_caller_arn(arn), None, "{arn}");
        }
    }
}
