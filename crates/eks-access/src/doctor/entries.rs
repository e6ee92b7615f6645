//! Access entries: what became of their principals, what they give, and who could mend the rest.

use super::{Check, Described, Examined, Finding, Gap, Level, found, unknown};
use crate::admins;
use crate::cluster::AuthenticationMode;
use crate::facts::{AccessEntry, AssociatedPolicy, ClusterFacts, EntryType, Fact, Unknown};
use crate::remedy::Command;

/// Access entries that a cluster may have (EKS user guide, "Amazon EKS service quotas"; L-C56B9FC3, not adjustable).
const QUOTA: usize = 3000;
/// From here on somebody should know.
const NEARLY: usize = 2400;
/// Principals that a finding names, and gives commands for.
const NAMED: usize = 5;

pub(super) fn findings(cluster: &Examined, facts: &ClusterFacts) -> Vec<Finding> {
    if facts.mode == AuthenticationMode::ConfigMap {
        return vec![found(
            Check::Administrators,
            Level::Unknown,
            "who administers the cluster stands in aws-auth, which is not read here; whoever created it always gets in \
             (`eks-access admins` looks for both)",
        )];
    }
    let entries = match &cluster.entries {
        Fact::Unknown(why) => {
            return vec![unknown(
                Check::EntryQuota,
                &(*why).into(),
                "the access entries",
            )];
        }
        Fact::Known(entries) => entries,
    };
    vec![
        quota(entries.len()),
        gone(cluster, entries),
        recreated(cluster, entries),
        without_rights(cluster, entries),
        nodes(entries),
        administrators(cluster, facts, entries),
    ]
}

impl Described {
    fn entry(&self) -> Option<&AccessEntry> {
        self.entry.known()?.as_ref()
    }

    /// IAM looks principals up by name: one of another path is another principal.
    fn is_gone(&self) -> bool {
        self.iam.known().is_some_and(|iam| {
            iam.as_ref()
                .is_none_or(|iam| iam.principal != self.principal)
        })
    }

    fn is_recreated(&self) -> bool {
        let iam = self.iam.known().and_then(Option::as_ref);
        match (iam, self.entry()) {
            (Some(iam), Some(entry)) => {
                iam.principal == self.principal && iam.created > entry.created
            }
            _ => false,
        }
    }

    /// Whether a command may touch its entry: never one that EKS makes for nodes or for itself.
    fn is_of_people(&self) -> bool {
        self.entry()
            .is_some_and(|entry| entry.kind == EntryType::Standard)
            && !self.principal.is_service_linked()
    }

    /// Whether instances or Fargate assume the role.
    fn is_assumed_by_nodes(&self) -> bool {
        let iam = self.iam.known().and_then(Option::as_ref);
        let trust = iam.and_then(|iam| iam.trust.as_ref());
        trust.is_some_and(|trust| trust.is_of_ec2() || trust.is_of_fargate())
    }

    fn policies(&self) -> &[AssociatedPolicy] {
        let policies = self.entry().and_then(|entry| entry.policies.known());
        policies.map_or(&[], Vec::as_slice)
    }

    fn is_administrator(&self) -> bool {
        self.policies().iter().any(|policy| {
            policy.name().raw() == admins::POLICIES[0] && policy.namespaces.is_empty()
        })
    }
}

/// `a, b and 3 more`.
fn names(of: &[&Described]) -> String {
    let mut names: Vec<String> = of
        .iter()
        .take(NAMED)
        .map(|one| one.principal.to_string())
        .collect();
    if of.len() > NAMED {
        names.push(format!("{} more", of.len() - NAMED));
    }
    names.join(", ")
}

/// Why some answers are missing; what other accounts have is nobody's fault.
fn gap(missing: impl Iterator<Item = Option<Unknown>>) -> Option<(usize, Gap)> {
    let missing: Vec<Unknown> = missing
        .flatten()
        .filter(|why| !matches!(why, Unknown::OtherAccount | Unknown::NotAsked))
        .collect();
    let first = missing.iter().max().copied()?;
    Some((missing.len(), first.into()))
}

/// A finding for the entries that something is wrong with. Where there is none, but not all could be looked at, it is not
/// known.
fn judged(
    check: Check,
    level: Level,
    bad: &[&Described],
    words: (&str, &str),
    missing: Option<(usize, Gap)>,
) -> Finding {
    if !bad.is_empty() {
        return found(check, level, format!("{}: {}", words.1, names(bad)));
    }
    match missing {
        Some((count, gap)) => unknown(
            check,
            &gap,
            &format!("{} ({count} could not be looked at)", words.0),
        ),
        None => found(check, Level::Ok, words.0),
    }
}

fn quota(count: usize) -> Finding {
    let level = match count {
        0..NEARLY => Level::Ok,
        NEARLY..QUOTA => Level::Warn,
        _ => Level::Error,
    };
    let what = format!("{count} of {QUOTA} access entries are used; there can't be more");
    found(Check::EntryQuota, level, what)
}

fn in_iam(entries: &[Described]) -> Option<(usize, Gap)> {
    gap(entries.iter().map(|one| one.iam.unknown()))
}

fn described(entries: &[Described]) -> Option<(usize, Gap)> {
    let unread = entries.iter().map(|one| one.entry.unknown());
    let policies = entries
        .iter()
        .map(|one| one.entry().and_then(|entry| entry.policies.unknown()));
    gap(unread.chain(policies))
}

fn gone(cluster: &Examined, entries: &[Described]) -> Finding {
    let bad: Vec<&Described> = entries.iter().filter(|one| one.is_gone()).collect();
    let words = (
        "every entry's principal is in IAM, as far as it is of this account",
        "entries whose role or user IAM has no more",
    );
    let mut finding = judged(
        Check::PrincipalsGone,
        Level::Warn,
        &bad,
        words,
        in_iam(entries),
    );
    for one in bad.iter().filter(|one| one.is_of_people()).take(NAMED) {
        finding = finding.mended_by(cluster.eks("aws eks delete-access-entry", &one.principal));
    }
    finding
}

fn recreated(cluster: &Examined, entries: &[Described]) -> Finding {
    let bad: Vec<&Described> = entries.iter().filter(|one| one.is_recreated()).collect();
    let words = (
        "no principal was made anew since its entry",
        "entries that do not count, for their role or user was made anew since; once you know by whom, make the entry anew \
         too (administrators' policies are left out of these commands on purpose)",
    );
    let missing = in_iam(entries).or_else(|| described(entries));
    let mut finding = judged(
        Check::PrincipalsRecreated,
        Level::Error,
        &bad,
        words,
        missing,
    );
    for one in bad.iter().filter(|one| one.is_of_people()).take(NAMED) {
        for command in made_anew(cluster, one) {
            finding = finding.mended_by(command);
        }
    }
    finding
}

/// Deletes an entry, and makes one with the same groups and policies.
fn made_anew(cluster: &Examined, one: &Described) -> Vec<Command> {
    let principal = &one.principal;
    let mut create = cluster.eks("aws eks create-access-entry", principal);
    if let Some(entry) = one.entry() {
        create = create.option("--type", entry.kind.as_str());
        if !entry.groups.is_empty() && entry.kind == EntryType::Standard {
            create = create.then("--kubernetes-groups");
            for group in &entry.groups {
                create = create.arg(&group.shown(253));
            }
        }
    }
    let mut commands = vec![
        cluster.eks("aws eks delete-access-entry", principal),
        create,
    ];
    let policies = one.policies().iter();
    for policy in policies.filter(|policy| !admins::POLICIES.contains(&policy.name().raw())) {
        let spaces: Vec<String> = policy.namespaces.iter().map(|one| one.shown(63)).collect();
        let scope = if spaces.is_empty() {
            "type=cluster".to_owned()
        } else {
            format!("type=namespace,namespaces={}", spaces.join(","))
        };
        commands.push(
            cluster
                .eks("aws eks associate-access-policy", principal)
                .option("--policy-arn", &policy.arn.shown(200))
                .option("--access-scope", &scope),
        );
    }
    commands
}

fn without_rights(cluster: &Examined, entries: &[Described]) -> Finding {
    let is_bad = |one: &&Described| {
        one.entry().is_some_and(|entry| {
            entry.kind == EntryType::Standard
                && entry.groups.is_empty()
                && entry.policies.known().is_some_and(Vec::is_empty)
        })
    };
    let bad: Vec<&Described> = entries.iter().filter(is_bad).collect();
    let words = (
        "every entry of people has a policy or a group",
        "entries with neither access policy nor group, which let in and allow nothing",
    );
    let mut finding = judged(
        Check::EntriesWithoutRights,
        Level::Warn,
        &bad,
        words,
        described(entries),
    );
    let policy = format!(
        "arn:{}:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
        cluster.region.partition()
    );
    // A role of nodes is no role of people; see the finding about those.
    let of_people = |one: &&&Described| one.is_of_people() && !one.is_assumed_by_nodes();
    for one in bad.iter().filter(of_people).take(NAMED) {
        finding = finding.mended_by(
            cluster
                .eks("aws eks associate-access-policy", &one.principal)
                .option("--policy-arn", &policy)
                .option("--access-scope", "type=namespace,namespaces=NAMESPACE"),
        );
    }
    finding
}

/// An instance's role may well be for people who work on that instance, so this is a warning, and its commands only look.
fn nodes(entries: &[Described]) -> Finding {
    let is_bad = |one: &&Described| {
        one.entry()
            .is_some_and(|entry| entry.kind == EntryType::Standard)
            && one.is_assumed_by_nodes()
    };
    let bad: Vec<&Described> = entries.iter().filter(is_bad).collect();
    let words = (
        "no role of instances has an entry of type STANDARD",
        "roles that EC2 or Fargate assumes have an entry of type STANDARD: nodes with such a role can't join (their entry is \
         of type EC2_LINUX, EC2_WINDOWS or FARGATE_LINUX); an instance that people work on is fine",
    );
    let mut finding = judged(
        Check::NodesAsPeople,
        Level::Warn,
        &bad,
        words,
        in_iam(entries),
    );
    for one in bad.iter().take(NAMED) {
        finding = finding.mended_by(
            Command::new("aws iam list-instance-profiles-for-role")
                .option("--role-name", one.principal.name()),
        );
    }
    finding
}

fn administrators(cluster: &Examined, facts: &ClusterFacts, entries: &[Described]) -> Finding {
    let check = Check::Administrators;
    let all: Vec<&Described> = entries
        .iter()
        .filter(|one| one.is_administrator())
        .collect();
    let working: Vec<&Described> = all
        .iter()
        .copied()
        .filter(|one| !one.is_gone() && !one.is_recreated())
        .collect();
    let has_groups = entries
        .iter()
        .filter_map(Described::entry)
        .any(|entry| entry.kind == EntryType::Standard && !entry.groups.is_empty());
    let others = match facts.mode {
        AuthenticationMode::ApiAndConfigMap => "unless aws-auth has one",
        _ if has_groups => "unless one of the entries' Kubernetes groups does",
        _ => "",
    };
    match working.as_slice() {
        [] => {
            if let Some((_, gap)) = described(entries) {
                return unknown(check, &gap, "who administers the cluster");
            }
            let level = if others.is_empty() || !all.is_empty() {
                Level::Error
            } else {
                Level::Warn
            };
            let why = if all.is_empty() {
                "no entry has AmazonEKSClusterAdminPolicy for the whole cluster".to_owned()
            } else {
                format!(
                    "everybody with AmazonEKSClusterAdminPolicy is gone: {}",
                    names(&all)
                )
            };
            let what = format!(
                "nobody administers the cluster {others}; {why}; a role that may call eks:CreateAccessEntry can still mend it"
            );
            let create = Command::new("aws eks create-access-entry")
                .option("--cluster-name", cluster.name.as_str())
                .option("--region", cluster.region.as_str())
                .option("--principal-arn", "ADMINISTRATORS_ROLE_ARN");
            found(check, level, what.replace("cluster ;", "cluster;")).mended_by(create)
        }
        [one] => found(
            check,
            Level::Warn,
            format!(
                "only {} administers the cluster by an access entry; if it goes, nobody does {others}",
                one.principal
            ),
        ),
        many => match many.iter().filter(|one| one.iam.known().is_none()).count() {
            unsure if unsure == many.len() => {
                let missing = in_iam(entries).map_or_else(
                    || Gap {
                        why: "IAM tells of its own account only".to_owned(),
                        permission: None,
                    },
                    |(_, gap)| gap,
                );
                unknown(
                    check,
                    &missing,
                    &format!("whether the {} administrators still exist", many.len()),
                )
            }
            _ => found(
                check,
                Level::Ok,
                format!("{} administrators: {}", many.len(), names(many)),
            ),
        },
    }
}
