//! What is wrong with one row.

use super::{Finding, Level, shown};
use crate::aws_auth::lookup::instance_profile;
use crate::aws_auth::{Flaw, FlawKind, Row, Section, Standing};
use crate::principal::Principal;
use crate::text::LogText;

/// The templates that the authenticator fills in (its `server.go`, `renderTemplate`), spelt as it reads them.
const TEMPLATES: [&str; 5] = [
    "{{AccountID}}",
    "{{AccessKeyID}}",
    "{{EC2PrivateDNSName}}",
    "{{SessionName}}",
    "{{SessionNameRaw}}",
];

/// Everything that is wrong with a row.
pub(super) fn findings(row: &Row) -> Vec<Finding> {
    let mut findings: Vec<Finding> = row.flaws.iter().map(flaw).collect();
    findings.extend(standing(row));
    let is_read = matches!(
        row.standing,
        Standing::Counts | Standing::Overridden { .. } | Standing::WrongSectionKey
    );
    if is_read {
        findings.extend(arn(row));
        findings.extend(username(row));
        findings.extend(groups(row));
        findings.extend(nodes(row));
    }
    findings
}

fn flaw(flaw: &Flaw) -> Finding {
    let (level, rule, what, consequence, fix) = match &flaw.kind {
        FlawKind::NotAMapping => (
            Level::Error,
            "row-not-a-mapping",
            "the row has no keys".to_owned(),
            "it is skipped",
            "write it as rolearn (or userarn), username and groups",
        ),
        FlawKind::ArnNotText => (
            Level::Error,
            "arn-not-text",
            "the ARN is no text".to_owned(),
            "the row is skipped",
            "write the whole ARN",
        ),
        FlawKind::UsernameNotText => (
            Level::Error,
            "username-not-text",
            "the user name is no text for YAML".to_owned(),
            "it is left out, and the user name is empty",
            "put it in quotes",
        ),
        FlawKind::GroupsNotAList => (
            Level::Error,
            "groups-not-a-list",
            "groups is no list".to_owned(),
            "the row has no groups: who it lets in may do nothing",
            "write each group in a line of its own, after a dash",
        ),
        FlawKind::GroupNotText => (
            Level::Warning,
            "group-not-text",
            "a group is no text for YAML".to_owned(),
            "it counts as a group without a name, and binds to nothing",
            "put it in quotes",
        ),
        FlawKind::OtherArnKey => (
            Level::Error,
            "arn-under-other-key",
            "the ARN stands under the key of the other section".to_owned(),
            "the authenticator does not read it here",
            "rolearn belongs into mapRoles, userarn into mapUsers",
        ),
        FlawKind::KeyTwice(key, by) => {
            return Finding::new(
                (Level::Error, "key-twice"),
                flaw.line,
                format!("the row has `{}` again in line {by}", shown(key)),
                format!("line {by} counts, and this one is dropped without a word"),
                "begin every row with a dash, or take out the key that is not meant",
            );
        }
        FlawKind::UnknownKey(key) => (
            Level::Warning,
            "unknown-row-key",
            format!("the key `{}` means nothing in a row", shown(key)),
            "the authenticator ignores it",
            "a row has rolearn (or userarn), username and groups",
        ),
    };
    Finding::new((level, rule), flaw.line, what, consequence, fix)
}

fn standing(row: &Row) -> Option<Finding> {
    let arn = shown(&row.arn);
    match row.standing {
        Standing::Overridden { by } => Some(Finding::new(
            (Level::Warning, "duplicate"),
            row.line,
            format!("`{arn}` is mapped again in line {by}"),
            format!("line {by} counts, and this row does nothing"),
            "keep one row with everything that both should give",
        )),
        Standing::NoArn if row.flaws.is_empty() => Some(Finding::new(
            (Level::Error, "arn-missing"),
            row.line,
            "the row has no ARN",
            "it is skipped",
            format!("add {}", row.section.arn_key().unwrap_or("rolearn")),
        )),
        Standing::PermissionSet => Some(Finding::new(
            (Level::Error, "sso-row"),
            row.line,
            "the row names a permission set (sso), not a role",
            "that is a feature of the authenticator which EKS does not turn on; the row lets nobody in",
            "map the role that the permission set made, AWSReservedSSO_NAME_0123456789abcdef, without its path",
        )),
        _ => None,
    }
}

/// What is wrong with the ARN: the first mistake of these.
fn arn(row: &Row) -> Option<Finding> {
    let raw = row.arn.raw();
    let lower = raw.to_lowercase();
    let shown_arn = shown(&row.arn);
    let nobody = "it is compared as it is written, and lets nobody in";
    let error = |rule, what: String, fix: String| {
        Some(Finding::new(
            (Level::Error, rule),
            row.line,
            what,
            nobody,
            fix,
        ))
    };
    if raw.contains(|c: char| c.is_whitespace() || !c.is_ascii()) {
        let what = format!("`{shown_arn}` has white space or a sign that no ARN has");
        return error("arn-whitespace", what, "type the ARN again".to_owned());
    }
    if raw.contains(['*', '?']) {
        let what = format!("`{shown_arn}` has a wildcard");
        let fix = "list every role by its name; nothing is a wildcard here".to_owned();
        return error("arn-wildcard", what, fix);
    }
    if let Some((_, profile)) = instance_profile(&lower) {
        let what = format!("`{shown_arn}` is an instance profile");
        let fix = format!(
            "map its role: aws iam get-instance-profile --instance-profile-name {} --query \
             InstanceProfile.Roles[].RoleName",
            word(profile)
        );
        return error("arn-instance-profile", what, fix);
    }
    if lower.contains(":group/") {
        let what = format!("`{shown_arn}` is an IAM group");
        let fix = "groups can't be mapped; map a role that its members may assume".to_owned();
        return error("arn-group", what, fix);
    }
    match raw.parse::<Principal>() {
        Ok(principal) => principal_arn(row, &principal),
        Err(why) => {
            let what = format!("`{shown_arn}` names nobody who can log in: {why}");
            let fix = "write arn:aws:iam::ACCOUNT:role/NAME, or user/NAME in mapUsers".to_owned();
            error("arn-unknown", what, fix)
        }
    }
}

/// The partitions that there are (AWS General Reference; botocore, `partitions.json`).
const PARTITIONS: [&str; 8] = [
    "aws",
    "aws-cn",
    "aws-us-gov",
    "aws-iso",
    "aws-iso-b",
    "aws-iso-e",
    "aws-iso-f",
    "aws-eusc",
];

fn principal_arn(row: &Row, principal: &Principal) -> Option<Finding> {
    let shown_arn = shown(&row.arn);
    if !PARTITIONS.contains(&principal.partition()) {
        return Some(Finding::new(
            (Level::Warning, "arn-partition"),
            row.line,
            format!(
                "`{shown_arn}` is of a partition `{}` that is not known here",
                principal.partition()
            ),
            "unless AWS has made it since, the row lets nobody in",
            "write aws, aws-cn for China or aws-us-gov for GovCloud",
        ));
    }
    let canonical = crate::aws_auth::lookup::canonical(principal);
    let lower = row.arn.raw().to_lowercase();
    let finding = |level, rule, what: String, consequence, fix: String| {
        Some(Finding::new(
            (level, rule),
            row.line,
            what,
            consequence,
            fix,
        ))
    };
    let never =
        "the authenticator knows the role without path and session, and the row lets nobody in";
    let role = LogText::new(canonical.as_str());
    let fix = format!("write {}", shown(&role));
    if lower.contains(":assumed-role/") {
        let what = format!("`{shown_arn}` is a session, not a role");
        return finding(Level::Error, "arn-assumed-role", what, never, fix);
    }
    if principal.is_role() && lower != canonical.to_lowercase() {
        let what = format!("`{shown_arn}` keeps the role's path");
        return finding(Level::Error, "arn-path", what, never, fix);
    }
    let consequence =
        "whoever holds it can do everything in its account, and here what the row gives";
    if principal.is_root() {
        let what = format!("`{shown_arn}` is the root user of an account");
        let fix = "map a role that people assume, and leave the root user out".to_owned();
        return finding(Level::Warning, "arn-root", what, consequence, fix);
    }
    if principal.is_federated_user() {
        let what = format!("`{shown_arn}` is a federated user of STS");
        let consequence = "its name is chosen by whoever calls GetFederationToken, and it can't have an access entry";
        let fix = "map a role in its place".to_owned();
        return finding(Level::Info, "arn-federated", what, consequence, fix);
    }
    let is_misplaced = match row.section {
        Section::Roles => principal.is_user(),
        _ => principal.is_role(),
    };
    if is_misplaced {
        let what = format!("`{shown_arn}` stands in {}", row.section.key());
        let consequence =
            "the authenticator lets it in nevertheless; other tools that read the file may not";
        let fix = "roles belong into mapRoles, users into mapUsers".to_owned();
        return finding(Level::Info, "arn-other-section", what, consequence, fix);
    }
    None
}

/// A name as a word of a command, if it is plainly one.
fn word(name: &str) -> &str {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if !name.is_empty() && name.len() <= 128 && name.bytes().all(is_plain) {
        name
    } else {
        "NAME"
    }
}

fn username(row: &Row) -> Vec<Finding> {
    let raw = row.username.as_ref().map_or("", LogText::raw);
    let is_unknown = row
        .flaws
        .iter()
        .any(|flaw| flaw.kind == FlawKind::UsernameNotText);
    if raw.is_empty() && !is_unknown {
        return vec![Finding::new(
            (Level::Warning, "username-missing"),
            row.line,
            "the row has no user name",
            "the user name is empty: aggregated APIs, such as kubectl top, refuse it, and the audit log can't tell who \
             it was",
            "add username, for a role best with {{SessionName}} in quotes, so that the audit log tells people apart",
        )];
    }
    let mut findings = Vec::new();
    for template in templates(raw) {
        if !TEMPLATES.contains(&template) {
            findings.push(Finding::new(
                (Level::Warning, "unknown-template"),
                row.line,
                format!(
                    "{} is no template of the authenticator",
                    shown(&LogText::new(template))
                ),
                "it stands in the user name as it is",
                format!("use one of {}, spelt so", TEMPLATES.join(", ")),
            ));
        }
    }
    let is_session = raw.contains("{{SessionName");
    if is_session && row.arn.raw().to_lowercase().contains(":user/") {
        findings.push(Finding::new(
            (Level::Info, "user-without-session"),
            row.line,
            "a user has no session, and {{SessionName}} stays empty",
            "the user name lacks its last part",
            "write the user's name",
        ));
    }
    findings
}

/// What stands in double braces.
fn templates(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("{{").filter_map(|(at, _)| {
        let rest = text.get(at..)?;
        rest.get(..rest.find("}}")? + 2)
    })
}

fn groups(row: &Row) -> Vec<Finding> {
    let mut findings = Vec::new();
    for group in &row.groups {
        let raw = group.raw();
        let is_glued = raw.contains("- ") || raw.contains(['\n', ',', ';']);
        if !is_glued && raw.contains(char::is_whitespace) {
            findings.push(Finding::new(
                (Level::Warning, "group-whitespace"),
                row.line,
                format!("the group `{}` has white space in it", shown(group)),
                "it is one group; a binding has to name it just so",
                "write one group in each line, after a dash, if more are meant",
            ));
        }
        if is_glued {
            findings.push(Finding::new(
                (Level::Error, "groups-glued"),
                row.line,
                format!("`{}` is one group for YAML", shown(group)),
                "it binds to nothing, and who the row lets in lacks both groups",
                "indent every dash alike, and write one group in each line",
            ));
        }
    }
    if row.has_group("system:masters") {
        findings.push(masters(row));
    }
    let is_silent = row.groups.is_empty() && row.flaws.is_empty();
    if is_silent && !row.is_for_nodes() {
        findings.push(Finding::new(
            (Level::Info, "no-groups"),
            row.line,
            "the row gives no groups",
            "who it lets in may do only what is bound to the user name",
            "add the group of a RoleBinding, or bind the user name",
        ));
    }
    findings
}

fn masters(row: &Row) -> Finding {
    if row.is_for_nodes() {
        return Finding::new(
            (Level::Error, "masters-on-nodes"),
            row.line,
            "the nodes' row gives system:masters",
            "every pod that reaches its node's credentials can do everything, and no RBAC rule can take it away",
            "give nodes system:bootstrappers and system:nodes alone",
        );
    }
    Finding::new(
        (Level::Warning, "masters"),
        row.line,
        "the row gives system:masters",
        "who it lets in can do everything, past RBAC and admission, and no rule can take it away",
        "give the group of a RoleBinding with what they need",
    )
}

/// What a row for nodes lacks, and what one for people should not have.
fn nodes(row: &Row) -> Vec<Finding> {
    let raw = row.username.as_ref().map_or("", LogText::raw);
    let mut findings = Vec::new();
    if raw.contains("{{EC2PrivateDNSName}}") && !row.is_for_nodes() {
        findings.push(Finding::new(
            (Level::Warning, "node-template"),
            row.line,
            "the user name has {{EC2PrivateDNSName}}, and the row lacks system:nodes",
            "the authenticator asks EC2 for an instance by the session's name: people are refused, and nodes may do \
             nothing",
            "use {{SessionName}} for people; give nodes system:bootstrappers and system:nodes",
        ));
    } else if row.is_for_nodes() {
        findings.extend(node_groups(row, raw));
    } else if raw.starts_with("system:") {
        findings.push(Finding::new(
            (Level::Warning, "system-username"),
            row.line,
            format!("the user name `{}` is one of Kubernetes' own", shown(&LogText::new(raw))),
            "who it lets in may do what Kubernetes binds to that name, and an access entry can't have it",
            "use a user name without system:",
        ));
    }
    findings
}

fn node_groups(row: &Row, username: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for group in ["system:bootstrappers", "system:nodes"] {
        if !row.has_group(group) {
            findings.push(Finding::new(
                (Level::Error, "node-groups"),
                row.line,
                format!("the nodes' row lacks {group}"),
                "nodes can't join",
                format!("add {group} to its groups"),
            ));
        }
    }
    if !username.starts_with("system:node:") {
        findings.push(Finding::new(
            (Level::Error, "node-username"),
            row.line,
            "the nodes' row has no user name that begins with system:node:",
            "the node authorizer does not know the nodes, and they can't join",
            "write username: system:node:{{EC2PrivateDNSName}}, or system:node:{{SessionName}} for Fargate",
        ));
    }
    findings
}
