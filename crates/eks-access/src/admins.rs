//! Who administers a cluster: who created it, who logged in as administrator, and who has an entry that makes one.

use serde_json::Value;

use crate::cluster::ClusterName;
use crate::line::{granted_arn, read_pasted};
use crate::principal::Principal;
use crate::symptom::Symptom;
use crate::text::LogText;
use crate::timestamp;

/// The access policies that make an administrator (EKS user guide, "Access policy permissions").
pub const POLICIES: [&str; 2] = ["AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy"];

/// The query of Logs Insights for logins as administrator.
///
/// It parses whole records of the authenticator's grammar, from the first character to the last, and compares parsed fields
/// only: a caller can choose words inside a quoted field, but not end it. What it finds is read again by [`logins`].
pub const QUERY: &str = r#"fields @timestamp, @message
| filter @logStream like /^authenticator-/
| filter @message like /^time="[^"]*" level=info msg="access granted" arn="/
| parse @message /^time="[^"]*" level=info msg="access granted" arn="(?<arn>[^" ]+)" client="[^"]*" groups="\[(?<groups>[^"]*)\]" method=POST path=\/authenticate (stsendpoint=[^ "]+ )?uid="[^"]*" username="?(?<username>[^" ]*)"?\s*$/
| filter username = "kubernetes-admin" or groups like /(^| )system:masters( |$)/
| stats count(*) as logins, min(@timestamp) as first, max(@timestamp) as last, latest(@message) as line by arn, username
| sort logins desc
| limit 1000"#;

/// Somebody who logged in as administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Who, as the log has it: a role without its path.
    pub principal: Principal,
    /// The Kubernetes user.
    pub username: LogText,
    /// How often.
    pub count: u64,
    /// The first time, as Logs Insights writes it.
    pub first: LogText,
    /// The last time.
    pub last: LogText,
}

/// Reads the rows of [`QUERY`]; also says how many were left out, for their line is no granted login of that principal.
#[must_use]
pub fn logins(rows: &[Vec<(String, String)>]) -> (Vec<Login>, usize) {
    let mut logins: Vec<Login> = rows.iter().filter_map(|row| login(row)).collect();
    let left_out = rows.len() - logins.len();
    logins.sort_by(|one, other| {
        (other.count, &one.principal, &one.username).cmp(&(
            one.count,
            &other.principal,
            &other.username,
        ))
    });
    (logins, left_out)
}

fn login(row: &[(String, String)]) -> Option<Login> {
    let get = |name: &str| {
        let field = row.iter().find(|(field, _)| field == name);
        field.map(|(_, value)| value.as_str())
    };
    let line = get("line")?;
    let arn = get("arn")?;
    let is_granted = read_pasted(line, None).symptom == Symptom::AccessGranted;
    if !is_granted || granted_arn(line).is_none_or(|granted| granted != arn) {
        return None;
    }
    let time = |name| LogText::new(get(name).map(when).unwrap_or_default());
    Some(Login {
        principal: arn.parse().ok()?,
        username: LogText::new(get("username")?),
        count: get("logins")?.parse().ok()?,
        first: time("first"),
        last: time("last"),
    })
}

/// `min(@timestamp)` comes as milliseconds since 1970 or as `2026-03-01 10:00:00.000`, in UTC.
fn when(text: &str) -> String {
    text.split('.')
        .next()
        .and_then(|whole| whole.parse().ok())
        .map_or_else(|| text.to_owned(), timestamp::rfc3339)
}

/// Who created a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creator {
    /// Whose identity counts: a role's, not its session's.
    pub principal: Option<Principal>,
    /// The ARN as `CloudTrail` has it, with the session.
    pub arn: LogText,
    /// When, in RFC 3339.
    pub at: LogText,
}

/// The creator, by the documents of `CreateCluster` events of `CloudTrail`, the newest first: the event of this cluster that
/// did not fail. A cluster of the same name may have been deleted before; the newest counts.
#[must_use]
pub fn creator(documents: &[String], cluster: &ClusterName) -> Option<Creator> {
    documents.iter().find_map(|document| {
        let event: Value = serde_json::from_str(document).ok()?;
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
        let is_it = text("/eventSource") == Some("eks.amazonaws.com")
            && text("/eventName") == Some("CreateCluster")
            && text("/requestParameters/name") == Some(cluster.as_str())
            && text("/errorCode").is_none();
        if !is_it {
            return None;
        }
        let arn = text("/userIdentity/arn")?;
        // A role's own ARN has its path; the session's has not.
        let issuer = text("/userIdentity/sessionContext/sessionIssuer/arn").unwrap_or(arn);
        Some(Creator {
            principal: issuer.parse().or_else(|_| arn.parse()).ok(),
            arn: LogText::new(arn),
            at: LogText::new(text("/eventTime").unwrap_or_default()),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{creator, logins};

    const LINE: &str = r#"time="2026-03-01T10:00:00Z" level=info msg="access granted" arn="arn:aws:iam::111122223333:role/Ops" client="127.0.0.1:41003" groups="[system:masters]" method=POST path=/authenticate stsendpoint=sts.eu-west-1.amazonaws.com uid="aws-iam-authenticator:111122223333:AROA1" username=kubernetes-admin"#;

    fn row(arn: &str, line: &str) -> Vec<(String, String)> {
        [
            ("arn", arn),
            ("username", "kubernetes-admin"),
            ("logins", "12"),
            ("first", "1772359200000"),
            ("last", "2026-03-02 10:00:00.000"),
            ("line", line),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    #[test]
    fn only_a_row_whose_line_says_so_is_a_login() {
        let ops = "arn:aws:iam::111122223333:role/Ops";
        let rows = [
            row(ops, LINE),
            row("arn:aws:iam::111122223333:role/Other", LINE),
            row(ops, &LINE.replace("access granted", "access denied")),
            row(ops, ""),
        ];
        let (found, left_out) = logins(&rows);
        assert_eq!((found.len(), left_out), (1, 3));
        assert_eq!(found[0].principal.to_string(), ops);
        assert_eq!(
            (found[0].count, found[0].first.raw()),
            (12, "2026-03-01T10:00:00Z")
        );
        assert_eq!(found[0].last.raw(), "2026-03-02 10:00:00.000");
    }

    #[test]
    fn the_creator_is_the_role_and_not_its_session() {
        let event = |name: &str, error: &str| {
            format!(
                r#"{{"eventSource":"eks.amazonaws.com","eventName":"CreateCluster","eventTime":"2026-03-01T10:00:00Z",
                "requestParameters":{{"name":"{name}"}}{error},"userIdentity":{{
                "arn":"arn:aws:sts::111122223333:assumed-role/Maker/jo",
                "sessionContext":{{"sessionIssuer":{{"arn":"arn:aws:iam::111122223333:role/ci/Maker"}}}}}}}}"#
            )
        };
        let cluster = "prod".parse().unwrap();
        let documents = [
            "no json".to_owned(),
            event("prod", r#","errorCode":"ResourceInUseException""#),
            event("other", ""),
            event("prod", ""),
        ];
        let found = creator(&documents, &cluster).unwrap();
        let role = "arn:aws:iam::111122223333:role/ci/Maker";
        assert_eq!(found.principal.unwrap().to_string(), role);
        assert_eq!(creator(&documents[..3], &cluster), None);
    }
}
