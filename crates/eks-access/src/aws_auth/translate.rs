//! What becomes of aws-auth as access entries: what moves, what stays behind and why.
//!
//! The rules follow `eksctl utils migrate-to-access-entry` (eksctl, `pkg/actions/accessentry/migrator.go`), and differ
//! where that would let in more, or somebody else, than the rows do today:
//!
//! - only rows that count move, as the authenticator has them;
//! - `system:masters` becomes the least that is useful; its literal translation is written as a comment beside it;
//! - a row for Fargate or hybrid nodes becomes an entry of that type, not of `EC2_LINUX`;
//! - root, federated users and service-linked roles stay behind.

use crate::cluster::{ClusterName, Region};
use crate::principal::{AccountId, Principal};
use crate::text::LogText;

use super::{AwsAuth, Row, Section, Standing};

mod aws_cli;
mod cloudformation;
pub(crate) mod names;
mod render;
mod terraform;

pub use render::{Format, render, summary};

/// The groups that make a row one for nodes, and that its entry's type stands for.
const NODE_GROUPS: [&str; 4] = [
    "system:bootstrappers",
    "system:nodes",
    "system:node-proxier",
    "eks:kube-proxy-windows",
];

/// The cluster that the entries are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub cluster: ClusterName,
    /// Its Region.
    pub region: Region,
    /// Its account, if it is known: roles of other accounts are then told apart.
    pub account: Option<AccountId>,
}

impl Target {
    /// The ARN of an access policy in the Region's partition.
    fn policy(&self, name: &str) -> String {
        let partition = self.region.partition();
        format!("arn:{partition}:eks::aws:cluster-access-policy/{name}")
    }
}

/// The type of an access entry (EKS user guide, "Create access entries").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryType {
    /// For people and programs.
    Standard,
    /// For Linux instances.
    Ec2Linux,
    /// For Windows instances.
    Ec2Windows,
    /// For pods on Fargate.
    FargateLinux,
    /// For hybrid nodes.
    HybridLinux,
}

impl EntryType {
    /// As the EKS API spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::Ec2Linux => "EC2_LINUX",
            Self::Ec2Windows => "EC2_WINDOWS",
            Self::FargateLinux => "FARGATE_LINUX",
            Self::HybridLinux => "HYBRID_LINUX",
        }
    }

    /// The type of a row for nodes.
    fn of_nodes(row: &Row, principal: &Principal) -> Self {
        let username = row.username.as_ref().map_or("", LogText::raw);
        if row.has_group("eks:kube-proxy-windows") {
            Self::Ec2Windows
        } else if row.has_group("system:node-proxier") {
            Self::FargateLinux
        } else if !username.contains("{{SessionName}}") {
            Self::Ec2Linux
        } else if principal.name().to_ascii_lowercase().contains("hybrid") {
            Self::HybridLinux
        } else {
            Self::FargateLinux
        }
    }
}

/// A row that becomes an access entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The line of the row.
    pub line: usize,
    /// Whom it is for; a role without its path, which has to be looked up.
    pub principal: Principal,
    /// The type of the entry.
    pub entry_type: EntryType,
    /// The groups that move.
    pub groups: Vec<String>,
    /// The user name, if it may move.
    pub username: Option<String>,
    /// Whether the row gave `system:masters`.
    pub was_master: bool,
    /// Whether the principal is of another account than the cluster.
    pub is_foreign: bool,
    /// The ARN of its entry, if it has one already.
    pub existing: Option<Principal>,
    /// What of the row stays behind, and what to know, in sentences fit to be shown.
    pub notes: Vec<String>,
}

/// A row or account that stays behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    /// Its line.
    pub line: usize,
    /// Its ARN or account, fit to be shown.
    pub who: String,
    /// Why, fit to be shown.
    pub why: String,
}

/// What moves, and what stays behind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// What moves, in the order of the lines.
    pub moves: Vec<Move>,
    /// What stays behind, in the order of the lines.
    pub stays: Vec<Stay>,
}

/// Decides for every row and account.
#[must_use]
pub fn plan(auth: &AwsAuth, target: &Target, existing: &[Principal]) -> Plan {
    let mut plan = Plan::default();
    for row in auth.rows() {
        match entry(row, target, existing) {
            Ok(entry) => plan.moves.push(entry),
            Err(why) => plan.stays.push(Stay {
                line: row.line,
                who: row.arn.shown(200),
                why,
            }),
        }
    }
    plan.stays.extend(auth.accounts().iter().map(|account| Stay {
        line: account.line,
        who: format!("account {}", account.id.shown(40)),
        why: "an access entry is for one role or user; list those that need access, and make entries for them"
            .to_owned(),
    }));
    plan.moves.sort_by_key(|entry| entry.line);
    plan.stays.sort_by_key(|stay| stay.line);
    plan
}

/// The principals that have access entries, from the output of `aws eks list-access-entries --output json`.
#[must_use]
pub fn existing_entries(json: &str) -> Option<Vec<Principal>> {
    #[derive(serde::Deserialize)]
    struct Listed {
        #[serde(rename = "accessEntries")]
        entries: Vec<String>,
    }
    let entries = serde_json::from_str::<Listed>(json).map(|listed| listed.entries);
    let entries = entries.or_else(|_| serde_json::from_str::<Vec<String>>(json));
    let principals = entries.ok()?.into_iter();
    Some(principals.filter_map(|arn| arn.parse().ok()).collect())
}

/// The entry for a row, or why there is none.
fn entry(row: &Row, target: &Target, existing: &[Principal]) -> Result<Move, String> {
    let principal = principal(row)?;
    let (own, partition) = (target.region.partition(), principal.partition());
    if partition != own {
        return Err(format!(
            "it is of the partition {partition}, and the cluster's Region is in {own}, where no such principal can call"
        ));
    }
    let is_foreign = target
        .account
        .as_ref()
        .is_some_and(|own| own != principal.account());
    let mut entry = Move {
        line: row.line,
        entry_type: EntryType::Standard,
        groups: Vec::new(),
        username: None,
        was_master: false,
        is_foreign,
        existing: existing
            .iter()
            .find(|other| is_same(other, &principal))
            .cloned(),
        notes: Vec::new(),
        principal,
    };
    if row.is_for_nodes() {
        entry.take_nodes(row)?;
    } else {
        entry.take_person(row)?;
    }
    Ok(entry)
}

/// Whether an entry is for the principal of a row. A role's name is unique in its account whatever its path.
fn is_same(entry: &Principal, principal: &Principal) -> bool {
    let same_place =
        entry.partition() == principal.partition() && entry.account() == principal.account();
    let same_name = entry.name().eq_ignore_ascii_case(principal.name());
    match (entry.is_role(), principal.is_role()) {
        (true, true) => same_place && same_name,
        _ => entry
            .to_string()
            .eq_ignore_ascii_case(&principal.to_string()),
    }
}

/// Whom a row lets in, if an entry may do so too.
fn principal(row: &Row) -> Result<Principal, String> {
    let never = "it lets nobody in today, and an entry would; mend the row if that is wanted (eks-access aws-auth lint)";
    match row.standing {
        Standing::Counts => {}
        Standing::Overridden { by } => {
            return Err(format!(
                "line {by} has the same ARN and counts in its place"
            ));
        }
        Standing::NoArn => return Err("it has no ARN, and the authenticator skips it".to_owned()),
        Standing::PermissionSet => {
            return Err(format!("EKS does not match permission sets: {never}"));
        }
        Standing::WrongSectionKey => {
            return Err(format!("the key of its section is not read: {never}"));
        }
        Standing::BrokenSection => return Err("its section can't be read".to_owned()),
    }
    let raw = row.arn.raw();
    let principal: Principal = raw.parse().map_err(|why| format!("{why}: {never}"))?;
    let canonical = super::lookup::canonical(&principal);
    if !canonical.eq_ignore_ascii_case(raw) {
        return Err(format!(
            "the authenticator knows it as {canonical}: {never}"
        ));
    }
    let refused = if principal.is_root() {
        "the root user should not have an entry; make one for a role that people assume"
    } else if principal.is_federated_user() {
        "a federated user can't have an access entry; make one for a role"
    } else if principal.is_service_linked() {
        "a service-linked role can't have an access entry"
    } else {
        return Ok(principal);
    };
    Err(refused.to_owned())
}

impl Move {
    /// An entry for nodes has a type in place of groups and user name.
    fn take_nodes(&mut self, row: &Row) -> Result<(), String> {
        if !self.principal.is_role() {
            return Err("an entry for nodes is for a role".to_owned());
        }
        if self.is_foreign {
            return Err("an entry for nodes is for a role of the cluster's account".to_owned());
        }
        self.entry_type = EntryType::of_nodes(row, &self.principal);
        self.notes.push(
            "managed node groups and Fargate profiles: EKS makes these entries itself; leave this one out if it is for \
             them, and keep the row until the entry exists"
                .to_owned(),
        );
        if self.entry_type == EntryType::FargateLinux && !row.has_group("system:node-proxier") {
            self.notes
                .push("if these are hybrid nodes, the type is HYBRID_LINUX".to_owned());
        }
        let others = row
            .groups
            .iter()
            .filter(|group| !NODE_GROUPS.contains(&group.raw()));
        for group in others {
            self.notes.push(format!(
                "the group {} stays behind: entries for nodes have none",
                group.shown(80)
            ));
        }
        Ok(())
    }

    /// An entry for people and programs.
    fn take_person(&mut self, row: &Row) -> Result<(), String> {
        self.was_master = row.has_group("system:masters");
        for group in &row.groups {
            let raw = group.raw();
            match names::why_no_group(raw) {
                None if self.groups.iter().any(|own| own == raw) => {}
                None => self.groups.push(raw.to_owned()),
                Some(_) if raw == "system:masters" => {}
                // system:masters needs no other group.
                Some(why) if self.was_master => self
                    .notes
                    .push(format!("the group {} stays behind: {why}", group.shown(80))),
                Some(why) => return Err(format!("its group {}: {why}", group.shown(80))),
            }
        }
        if let Some(username) = &row.username {
            match names::why_no_username(username.raw(), self.principal.is_role()) {
                None => self.username = Some(username.raw().to_owned()),
                Some(why) => self.notes.push(format!(
                    "the user name {} stays behind, and EKS gives its own: {why}; bindings to that name need another subject",
                    username.shown(80)
                )),
            }
        }
        if self.was_master {
            self.notes.push(
                "the row gave system:masters; the entry may view some namespaces, and counts more than the row as soon as \
                 it exists: see first that another administrator is left"
                    .to_owned(),
            );
        } else if self.groups.is_empty() {
            self.notes.push(
                "the row gave no groups; without a binding to its user name, who it lets in may do nothing".to_owned(),
            );
        }
        if self.is_foreign {
            self.notes.push(format!(
                "account {} is another one; its owner knows whether the role has a path, which the ARN then needs",
                self.principal.account()
            ));
        }
        Ok(())
    }

    /// Whether the entry's ARN has to be looked up, because rows of aws-auth have no path.
    fn is_looked_up(&self) -> bool {
        self.principal.is_role() && !self.is_foreign && self.existing.is_none()
    }

    /// The ARN where it needs no looking up.
    fn arn(&self) -> String {
        self.existing
            .as_ref()
            .unwrap_or(&self.principal)
            .to_string()
    }

    /// How the ARNs of its account begin.
    fn arn_beginning(&self) -> String {
        format!(
            "arn:{}:iam::{}:",
            self.principal.partition(),
            self.principal.account()
        )
    }

    /// Whether the entry is for people and gets a view of some namespaces.
    fn is_viewer(&self) -> bool {
        self.was_master
    }

    fn is_standard(&self) -> bool {
        self.entry_type == EntryType::Standard
    }
}

/// The sections that are lost, in whose place nothing can be translated.
#[must_use]
pub fn lost_sections(auth: &AwsAuth) -> Vec<&'static str> {
    let lost = |section: &Section| auth.error_in(*section).is_some();
    Section::ALL
        .into_iter()
        .filter(lost)
        .map(Section::key)
        .collect()
}
