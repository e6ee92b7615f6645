//! `doctor`: what is right and wrong with clusters' logins and with what watches them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::time::SystemTime;

use eks_access::cluster::ClusterName;
use eks_access::doctor::{
    Around, Described, Examined, Expected, Filter, Finding, FunctionDay, Gap, Level, LogGroup,
    Topic, around, examine,
};
use eks_access::facts::{AccessEntry, ClusterFacts, Fact, IamPrincipal, Unknown};
use eks_access::principal::Principal;
use eks_access::text::LogText;
use eks_access_aws::laptop::clusters::Clusters;
use eks_access_aws::laptop::logs::Logs;
use eks_access_aws::laptop::{Kind, Refused, watch};
use eks_access_aws::sns::TopicArn;
use futures_util::{StreamExt, stream};

use self::progress::Progress;
use super::{Session, wait};
use crate::args::{Doctor, Format};
use crate::output::{Error, Found, columns};

mod progress;
mod report;

/// Clusters, and questions about one, that are asked at a time: far below EKS' and IAM's rates, which AWS does not publish.
const AT_ONCE: usize = 8;

/// One cluster as far as EKS and CloudWatch Logs tell.
struct Read {
    name: ClusterName,
    cluster: Fact<ClusterFacts>,
    group: Result<Option<LogGroup>, Gap>,
    filters: Result<Option<Vec<Filter>>, Gap>,
    /// Whom it has entries for.
    entries: Fact<Vec<Principal>>,
}

/// Entries by cluster and principal.
type Entries = BTreeMap<(ClusterName, Principal), Fact<Option<AccessEntry>>>;
/// Principals in IAM.
type Principals = BTreeMap<Principal, Fact<Option<IamPrincipal>>>;

/// Runs the command.
pub(crate) fn run(options: &Doctor) -> Result<Found, Error> {
    if options.format == Format::Schema {
        let written = io::stdout().lock().write_all(report::SCHEMA.as_bytes());
        return written.map_err(Error::Output).map(|()| Found::Nothing);
    }
    if options.cluster.is_empty() {
        return Err(Error::Ask(
            "nothing to look at; name a cluster with --cluster".to_owned(),
        ));
    }
    let topic = options.topic.as_deref().map(str::parse).transpose();
    let topic =
        topic.map_err(|rule: &str| Error::Ask(format!("--topic is no ARN of a topic; {rule}")))?;
    wait(ask(options, topic))?
}

async fn ask(options: &Doctor, topic: Option<TopicArn>) -> Result<Found, Error> {
    let session = Session::start(&options.account).await?;
    let expected = Expected {
        function: options.function.clone(),
        stack: options.stack.clone(),
    };
    let names: BTreeSet<&ClusterName> = options.cluster.iter().collect();
    let clusters = Clusters::new(&session.config);
    let logs = Logs::new(&session.config);
    let progress = Progress::default();
    let read: Vec<Read> = stream::iter(names)
        .map(|name| read(&clusters, &logs, name))
        .buffered(AT_ONCE)
        .collect()
        .await;
    let is_none_known = |one: &Read| one.cluster == Fact::Unknown(Unknown::NoSuchCluster);
    if let Some(first) = read.first()
        && read.iter().all(is_none_known)
    {
        progress.done();
        return Err(session.no_cluster(&first.name));
    }
    let entries = entries(&clusters, &read, &progress).await;
    let principals = principals(&clusters, &read, &progress).await;
    let learned = watchers(&session, options, topic, &read).await;
    progress.done();
    let examined: Vec<(Examined, Vec<Finding>)> = read
        .into_iter()
        .map(|one| {
            let one = joined(one, &session, &entries, &principals);
            let findings = examine(&one, &expected);
            (one, findings)
        })
        .collect();
    let around = around(&learned, &expected);
    let text = match options.format {
        Format::Json => format!("{}\n", report::json(&examined, &around)),
        Format::Text | Format::Schema => report::text(&examined, &around, columns()),
    };
    io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .map_err(Error::Output)?;
    let worst = worst(&examined, &around);
    let is_bad = worst >= Level::Warn || (options.strict && worst == Level::Unknown);
    Ok(if is_bad {
        Found::Denials
    } else {
        Found::Nothing
    })
}

fn worst(examined: &[(Examined, Vec<Finding>)], around: &[Finding]) -> Level {
    let of_clusters = examined.iter().flat_map(|(_, findings)| findings);
    let levels = of_clusters.chain(around).map(|finding| finding.level);
    levels.max().unwrap_or(Level::Ok)
}

fn gap(refused: &Refused) -> Gap {
    let why = match refused.kind {
        Kind::Denied => format!("AWS did not allow {}", refused.action),
        Kind::Throttled => "AWS had too many questions at once".to_owned(),
        _ => format!(
            "AWS could not answer {}: {}",
            refused.action,
            refused.message.shown(160)
        ),
    };
    Gap {
        why,
        permission: (refused.kind == Kind::Denied).then_some(refused.action),
    }
}

async fn read(clusters: &Clusters, logs: &Logs, name: &ClusterName) -> Read {
    let cluster = clusters.cluster(name).await;
    let group_name = format!("/aws/eks/{name}/cluster");
    let group = logs.group(&group_name).await.map(|group| {
        group.map(|group| LogGroup {
            class: LogText::new(group.class),
        })
    });
    let filters = logs.filters(&group_name).await.map(|filters| {
        let read = |filter: eks_access_aws::laptop::logs::Filter| Filter {
            name: LogText::new(filter.name),
            destination: LogText::new(filter.destination),
        };
        filters.map(|filters| filters.into_iter().map(read).collect())
    });
    let entries = match &cluster {
        Fact::Unknown(why) => Fact::Unknown(*why),
        Fact::Known(known) if !known.mode.has_access_entries() => Fact::Known(Vec::new()),
        Fact::Known(_) => clusters.entries(name, None).await,
    };
    Read {
        name: name.clone(),
        cluster,
        group: group.map_err(|refused| gap(&refused)),
        filters: filters.map_err(|refused| gap(&refused)),
        entries,
    }
}

/// The entries of all clusters.
async fn entries(clusters: &Clusters, read: &[Read], progress: &Progress) -> Entries {
    let of = |one: &Read| -> Vec<(ClusterName, Principal)> {
        let principals = one.entries.known().into_iter().flatten().cloned();
        principals
            .map(|principal| (one.name.clone(), principal))
            .collect()
    };
    let wanted: Vec<_> = read.iter().flat_map(of).collect();
    progress.more(wanted.len());
    let found = stream::iter(wanted).map(|(name, principal)| async move {
        let entry = clusters.entry(&name, &principal).await;
        progress.one();
        ((name, principal), entry)
    });
    found.buffer_unordered(AT_ONCE).collect().await
}

/// What IAM has of the principals of all clusters' entries, each asked for once.
async fn principals(clusters: &Clusters, read: &[Read], progress: &Progress) -> Principals {
    let of = |one: &Read| {
        let account = one
            .cluster
            .known()
            .and_then(|cluster| cluster.account.clone());
        let entries = one.entries.known().into_iter().flatten();
        let own = entries.filter(|principal| Some(principal.account()) == account.as_ref());
        own.cloned().collect::<Vec<_>>()
    };
    let wanted: BTreeSet<Principal> = read.iter().flat_map(of).collect();
    progress.more(wanted.len());
    let found = stream::iter(wanted).map(|principal| async move {
        let found = clusters.principal(&principal).await;
        progress.one();
        (principal, found)
    });
    found.buffer_unordered(AT_ONCE).collect().await
}

/// The topic and the function, if somebody named them or a subscription leads to it.
async fn watchers(
    session: &Session,
    options: &Doctor,
    topic: Option<TopicArn>,
    read: &[Read],
) -> Around {
    let topic = match topic {
        None => None,
        Some(arn) => {
            let config = session.caller.in_region(arn.region().as_str());
            let answer = watch::subscriptions(&config, arn.as_str()).await;
            let of = |(confirmed, pending)| Topic {
                arn: LogText::new(arn.as_str()),
                confirmed,
                pending,
            };
            Some(
                answer
                    .map(|found| found.map(of))
                    .map_err(|refused| gap(&refused)),
            )
        }
    };
    let function = match function(options, read) {
        None => None,
        Some(name) => {
            let answer = watch::day(&session.config, &name, SystemTime::now()).await;
            let of = |day: watch::Day| FunctionDay {
                name: LogText::new(name.as_str()),
                invocations: day.invocations,
                errors: day.errors,
                throttles: day.throttles,
            };
            Some(answer.map(of).map_err(|refused| gap(&refused)))
        }
    };
    Around { topic, function }
}

/// The named function, or the one that the named stack's subscription leads to.
fn function(options: &Doctor, read: &[Read]) -> Option<String> {
    let stack = options.stack.as_deref();
    options.function.clone().or_else(|| {
        let filters = read
            .iter()
            .filter_map(|one| one.filters.as_ref().ok()?.as_ref())
            .flatten();
        let mut of_stack = filters.filter(|filter| stack == Some(filter.name.raw()));
        of_stack.find_map(|filter| filter.function().map(str::to_owned))
    })
}

fn joined(read: Read, session: &Session, entries: &Entries, principals: &Principals) -> Examined {
    let name = read.name.clone();
    let described = |principal: Principal| {
        let entry = entries.get(&(name.clone(), principal.clone()));
        let other = Fact::Unknown(Unknown::OtherAccount);
        Described {
            entry: entry.cloned().unwrap_or_default(),
            iam: principals.get(&principal).cloned().unwrap_or(other),
            principal,
        }
    };
    Examined {
        entries: read
            .entries
            .map(|all| all.into_iter().map(described).collect()),
        name: read.name,
        region: session.region.clone(),
        cluster: read.cluster,
        group: read.group,
        filters: read.filters,
    }
}
