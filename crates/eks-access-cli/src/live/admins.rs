//! `admins`: who created a cluster, who logged in as administrator, and who has an entry that makes one.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use eks_access::admins::{self, Creator, Login};
use eks_access::cluster::{ClusterName, Region};
use eks_access::facts::{AccessEntry, ClusterFacts, Fact, Unknown};
use eks_access::principal::Principal;
use eks_access_aws::laptop::clusters::Clusters;
use eks_access_aws::laptop::logs::{Group, Logs, Look};
use eks_access_aws::laptop::{Refused, SdkConfig, trail};
use futures_util::{StreamExt, stream};

use self::report::Report;
use super::{Session, wait};
use crate::args::{Admins, ListFormat};
use crate::output::{Error, Found, columns};

mod report;

/// `CloudTrail`'s event history (user guide, "Viewing recent management events").
const HISTORY: Duration = Duration::from_hours(90 * 24);
/// A query that takes longer is stopped.
const PATIENCE: Duration = Duration::from_mins(15);
/// Between two looks at a query: soon at first, then every two seconds.
const LOOKS: [Duration; 4] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];
/// Principals that are asked for at a time.
const AT_ONCE: usize = 8;

/// Somebody with an entry that makes an administrator.
pub(super) struct Holder {
    pub(super) principal: Principal,
    pub(super) policy: &'static str,
    pub(super) entry: Fact<Option<AccessEntry>>,
    /// Whether IAM has the principal, and has had it since before the entry was made.
    pub(super) works: Fact<bool>,
}

/// What a query found.
pub(super) struct Queried {
    pub(super) logins: Vec<Login>,
    pub(super) left_out: usize,
    pub(super) bytes_scanned: f64,
}

/// Runs the command.
pub(crate) fn run(options: &Admins) -> Result<Found, Error> {
    wait(ask(options))?
}

async fn ask(options: &Admins) -> Result<Found, Error> {
    let session = Session::start(&options.account).await?;
    let clusters = Clusters::new(&session.config);
    let cluster = match clusters.cluster(&options.cluster).await {
        Fact::Unknown(Unknown::NoSuchCluster) => return Err(session.no_cluster(&options.cluster)),
        cluster => cluster,
    };
    let now = SystemTime::now();
    let since = now.checked_sub(options.since.0).unwrap_or(UNIX_EPOCH);
    let holders = holders(&clusters, options, &cluster, &session).await;
    let creator = creator(&session.config, &options.cluster, since.max(now - HISTORY)).await;
    let logins = if options.no_logs {
        None
    } else {
        Some(logins(&session.config, options, since, now).await?)
    };
    let report = Report {
        name: &options.cluster,
        region: &session.region,
        since: options.since.0,
        cluster,
        creator,
        holders,
        logins,
    };
    let text = match options.format {
        ListFormat::Text => report.text(columns()),
        ListFormat::Json => format!("{}\n", report.json()),
    };
    io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .map_err(Error::Output)?;
    if report.is_nothing_known() {
        return Err(Error::Ask(
            "nothing could be found out; see above for what AWS did not allow".to_owned(),
        ));
    }
    Ok(if report.has_anybody() {
        Found::Nothing
    } else {
        Found::Denials
    })
}

/// Who has an administrator's policy, and whether each still works.
async fn holders(
    clusters: &Clusters,
    options: &Admins,
    cluster: &Fact<ClusterFacts>,
    session: &Session,
) -> Fact<Vec<Holder>> {
    let account = match cluster {
        Fact::Unknown(why) => return Fact::Unknown(*why),
        Fact::Known(cluster) if !cluster.mode.has_access_entries() => {
            return Fact::Known(Vec::new());
        }
        Fact::Known(cluster) => cluster.account.clone(),
    };
    let mut all = Vec::new();
    for policy in admins::POLICIES {
        let partition = session.region.partition();
        let arn = format!("arn:{partition}:eks::aws:cluster-access-policy/{policy}");
        match clusters.entries(&options.cluster, Some(&arn)).await {
            Fact::Known(principals) => all.extend(principals.into_iter().map(|one| (one, policy))),
            Fact::Unknown(why) => return Fact::Unknown(why),
        }
    }
    let account = &account;
    let holders = stream::iter(all).map(|(principal, policy)| async move {
        let entry = clusters.entry(&options.cluster, &principal).await;
        let is_own = account.as_ref() == Some(principal.account());
        let works = if is_own {
            works(&clusters.principal(&principal).await, &principal, &entry)
        } else {
            Fact::Unknown(Unknown::OtherAccount)
        };
        Holder {
            principal,
            policy,
            entry,
            works,
        }
    });
    Fact::Known(holders.buffered(AT_ONCE).collect().await)
}

fn works(
    found: &Fact<Option<eks_access::facts::IamPrincipal>>,
    principal: &Principal,
    entry: &Fact<Option<AccessEntry>>,
) -> Fact<bool> {
    match found {
        Fact::Unknown(why) => Fact::Unknown(*why),
        Fact::Known(None) => Fact::Known(false),
        Fact::Known(Some(found)) => {
            let entry = entry.known().and_then(Option::as_ref);
            let is_older = entry.is_none_or(|entry| found.created <= entry.created);
            Fact::Known(is_older && found.principal == *principal)
        }
    }
}

/// The creator, if the event history reaches back to them; and whether all of it was looked through.
async fn creator(
    config: &SdkConfig,
    cluster: &ClusterName,
    since: SystemTime,
) -> Result<(Option<Creator>, bool), Refused> {
    let (documents, is_all) = trail::events(config, "CreateCluster", since).await?;
    Ok((admins::creator(&documents, cluster), is_all))
}

/// Asks Logs Insights. What AWS refuses is part of the answer; Ctrl-C stops the query.
async fn logins(
    config: &SdkConfig,
    options: &Admins,
    since: SystemTime,
    now: SystemTime,
) -> Result<Result<Queried, Refused>, Error> {
    let logs = Logs::new(config);
    let usual = format!("/aws/eks/{}/cluster", options.cluster);
    let group = options.log_group.as_deref().unwrap_or(&usual);
    // A hint only: whoever may query may not always describe.
    let about = logs.group(group).await.ok().flatten();
    say_start(group, about.as_ref());
    let seconds = |time: SystemTime| {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    };
    let id = match logs
        .start(group, admins::QUERY, seconds(since), seconds(now))
        .await
    {
        Ok(id) => id,
        Err(refused) => return Ok(Err(refused)),
    };
    tokio::select! {
        looked = until_over(&logs, &id) => Ok(looked),
        _ = tokio::signal::ctrl_c() => {
            logs.stop(&id).await;
            Err(Error::Ask("stopped, and the query with it".to_owned()))
        }
    }
}

async fn until_over(logs: &Logs, id: &str) -> Result<Queried, Refused> {
    let started = Instant::now();
    for turn in 0_usize.. {
        let pause = LOOKS
            .get(turn)
            .or(LOOKS.last())
            .copied()
            .unwrap_or_default();
        tokio::time::sleep(pause).await;
        let look = match logs.look(id).await {
            Ok(look) => look,
            Err(refused) => {
                logs.stop(id).await;
                return Err(refused);
            }
        };
        say_progress(&look);
        if look.is_complete {
            let (logins, left_out) = admins::logins(&look.rows);
            return Ok(Queried {
                logins,
                left_out,
                bytes_scanned: look.bytes_scanned,
            });
        }
        if look.is_over {
            return Err(Refused::failed(
                "logs:GetQueryResults",
                &format!("the query ended as {}", look.status),
            ));
        }
        if started.elapsed() > PATIENCE {
            break;
        }
    }
    logs.stop(id).await;
    Err(Refused::failed(
        "logs:GetQueryResults",
        "the query took too long and was stopped; try a shorter --since",
    ))
}

/// What it is about to cost, for CloudWatch Logs charges for what a query reads.
fn say_start(group: &str, about: Option<&Group>) {
    let size = about.map_or_else(String::new, |group| {
        let kept = group
            .retention_days
            .map_or_else(|| "for ever".to_owned(), |days| format!("{days} days"));
        format!(
            " ({} stored, kept {kept})",
            report::bytes(group.stored_bytes)
        )
    });
    let _ = writeln!(
        io::stderr(),
        "querying {}{size}; CloudWatch Logs charges for the bytes that a query reads, Ctrl-C stops it",
        super::shown(group)
    );
}

fn say_progress(look: &Look) {
    if io::stderr().is_terminal() {
        let end = if look.is_over { "\n" } else { "" };
        let _ = write!(
            io::stderr(),
            "\r\u{1b}[K{}: {} read{end}",
            super::shown(&look.status),
            report::scanned(look.bytes_scanned)
        );
    }
}

/// The Region of a session, for people.
fn place(region: &Region, cluster: &Fact<ClusterFacts>) -> String {
    let known = cluster.known();
    let account = known.and_then(|cluster| cluster.account.as_ref());
    let account = account.map_or_else(String::new, |account| format!(", account {account}"));
    let mode = known.map_or("unknown", |cluster| cluster.mode.as_str());
    format!("{region}{account}, authentication mode {mode}")
}
