//! An access entry that has to be made again.

use crate::aws_auth::translate::names::{why_no_group, why_no_username};
use crate::catalogue::Case;
use crate::facts::{AccessEntry, AssociatedPolicy, EntryType};
use crate::remedy::{Command, Modes, Remedy};
use crate::symptom::Actor;

use super::access_entry::associate_view;
use super::cluster::eks;
use super::grantee::Grantee;

/// Characters of a group, a namespace or a policy's ARN in a command.
const SHOWN: usize = 256;

/// Policies that reach so far that nobody gets them back without being asked.
const FAR_REACHING: [&str; 2] = ["AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy"];

/// Shows all there is of an entry; nothing is changed.
pub(crate) fn note_entry_down(case: &Case<'_>, entry: &AccessEntry) -> Remedy {
    let arn = entry.principal.to_string();
    Remedy::new(
        Actor::ClusterAdministrator,
        "Note down the entry's groups, its user name and its access policies, which go when it is deleted",
    )
    .modes(Modes::AccessEntries)
    .aws(eks("aws eks describe-access-entry", case).option("--principal-arn", &arn))
    .aws(eks("aws eks list-associated-access-policies", case).option("--principal-arn", &arn))
}

/// Deletes the entry and makes it again for the same principal, with the groups and policies that it had.
pub(crate) fn replace_entry(grantee: &Grantee, case: &Case<'_>, entry: &AccessEntry) -> Remedy {
    let kept = kept_policies(entry);
    let title = match (entry.kind, &kept) {
        (
            EntryType::Standard,
            Some(Kept {
                is_complete: true,
                policies,
            }),
        ) if !policies.is_empty() => {
            "Delete the entry and create it again, with the groups and policies that it had"
        }
        (
            EntryType::Standard,
            Some(Kept {
                is_complete: false, ..
            }),
        ) => {
            "Delete the entry and create it again, without the far-reaching policy that it had; who should have that is \
             for the security team to agree"
        }
        (EntryType::Standard, _) if entry.groups.is_empty() => {
            "Delete the entry and create it again, and give back what you noted down, here the view policy in one \
             namespace"
        }
        _ => "Delete the entry and create it again, with the type that it had",
    };
    let remedy = Remedy::new(Actor::ClusterAdministrator, title).modes(Modes::AccessEntries);
    if let Some(why) = why_unwritable(entry, kept.as_ref()) {
        let title = format!(
            "Delete the entry and create it again by hand, with what you noted down: no command for it is given here, for \
             {why}"
        );
        return Remedy::new(Actor::ClusterAdministrator, title).modes(Modes::AccessEntries);
    }
    let old = entry.principal.to_string();
    let mut create = grantee
        .principal_arn(eks("aws eks create-access-entry", case))
        .option("--type", entry.kind.as_str());
    // EKS gives nodes their groups and their user name, and takes none.
    let is_standard = entry.kind == EntryType::Standard;
    let groups = entry.groups.iter().filter(|_| is_standard);
    for (at, group) in groups.enumerate() {
        let group = group.shown(SHOWN);
        create = if at == 0 {
            create.option("--kubernetes-groups", &group)
        } else {
            create.arg(&group)
        };
    }
    // Without one EKS makes it from the ARN.
    let username = entry.username.raw();
    if is_standard && !username.is_empty() && !username.starts_with("arn:") {
        create = create.option("--username", &entry.username.shown(SHOWN));
    }
    let remedy = grantee
        .find_arn(remedy)
        .aws(grantee.delete_old_entry(case, &old))
        .aws(create);
    let policies = kept.map(|kept| kept.policies).unwrap_or_default();
    if policies.is_empty() && entry.groups.is_empty() && entry.kind == EntryType::Standard {
        return associate_view(remedy, grantee, case);
    }
    policies.into_iter().fold(remedy, |remedy, policy| {
        remedy.aws(associate(grantee, case, policy))
    })
}

/// Why no command can make the entry again: a name in it is one that the tools would read as something else, or that can't be
/// shown as it is. Whoever made the entry chose the names.
fn why_unwritable(entry: &AccessEntry, kept: Option<&Kept<'_>>) -> Option<&'static str> {
    let is_standard = entry.kind == EntryType::Standard;
    let is_role = entry.principal.is_role();
    let username = entry.username.raw();
    let is_own = username.is_empty() || username.starts_with("arn:");
    let policies = kept.map_or(&[][..], |kept| kept.policies.as_slice());
    let has_odd_group = is_standard
        && entry
            .groups
            .iter()
            .any(|group| why_no_group(group.raw()).is_some());
    let has_odd_username = is_standard && !is_own && why_no_username(username, is_role).is_some();
    if has_odd_group {
        Some("a group of it is one that the tools would not take as it is")
    } else if has_odd_username {
        Some("its user name is one that the tools would not take as it is")
    } else if policies.iter().any(|policy| !is_plain(policy)) {
        Some("a policy or namespace of it is one that the tools would not take as it is")
    } else {
        None
    }
}

/// Whether a policy's ARN and namespaces have only what such names have; a namespace may have wildcards (EKS API reference,
/// `AccessScope`).
fn is_plain(policy: &AssociatedPolicy) -> bool {
    let is_policy = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'/' | b'-');
    let is_namespace =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'*');
    let arn = policy.arn.raw();
    arn.starts_with("arn:")
        && arn.len() <= SHOWN
        && arn.bytes().all(is_policy)
        && policy.namespaces.iter().all(|namespace| {
            let raw = namespace.raw();
            (1..=63).contains(&raw.len()) && !raw.starts_with('-') && raw.bytes().all(is_namespace)
        })
}

/// The policies that an entry gets back.
struct Kept<'a> {
    policies: Vec<&'a AssociatedPolicy>,
    /// Whether that is all it had.
    is_complete: bool,
}

fn kept_policies(entry: &AccessEntry) -> Option<Kept<'_>> {
    let all = entry.policies.known()?;
    let is_far = |policy: &&AssociatedPolicy| FAR_REACHING.contains(&policy.name().raw());
    let policies: Vec<_> = all.iter().filter(|policy| !is_far(policy)).collect();
    let is_complete = policies.len() == all.len();
    Some(Kept {
        policies,
        is_complete,
    })
}

fn associate(grantee: &Grantee, case: &Case<'_>, policy: &AssociatedPolicy) -> Command {
    let namespaces: Vec<String> = policy
        .namespaces
        .iter()
        .map(|namespace| namespace.shown(SHOWN))
        .collect();
    let scope = if namespaces.is_empty() {
        "type=cluster".to_owned()
    } else {
        format!("type=namespace,namespaces={}", namespaces.join(","))
    };
    grantee
        .principal_arn(eks("aws eks associate-access-policy", case))
        .option("--policy-arn", &policy.arn.shown(SHOWN))
        .option("--access-scope", &scope)
}

/// Has Terraform make an entry of its state again.
pub(crate) fn terraform_replace() -> Command {
    Command::new("terraform apply").option("-replace", "ADDRESS_OF_THE_ENTRY")
}
