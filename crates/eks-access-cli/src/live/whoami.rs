//! `whoami`: whose credentials kubectl's plugin really uses, and whether the cluster lets them in.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use eks_access::cluster::{Cluster, Region};
use eks_access::facts::{Facts, Unknown};
use eks_access::incident::Question;
use eks_access::kubeconfig::{Context, Exec, Kubeconfig, Login, Plugin, Program};
use eks_access::principal::Principal;
use eks_access::symptom::Symptom;
use eks_access::whoami::{Candidate, Environment, Profiles, Situation, Source, verdict};
use eks_access_aws::facts::Gatherer;
use eks_access_aws::laptop::Refused;
use eks_access_aws::laptop::identity::{self, Caller, From};

use self::report::Report;
use super::{shown, wait};
use crate::args::{ListFormat, Whoami};
use crate::environment;
use crate::output::{Error, Found, columns};

mod files;
mod report;

/// How long the cluster is asked at most.
const BUDGET: Duration = Duration::from_secs(45);

/// Runs the command.
pub(crate) fn run(options: &Whoami) -> Result<Found, Error> {
    let shell = environment::about_aws();
    let kubeconfig = files::kubeconfig(options.kubeconfig.as_deref(), &shell)?;
    let context = context(options, &kubeconfig)?;
    let exec = exec(&context)?;
    let plugin = Plugin::of(exec);
    let its = Environment::new(&shell, &exec.env);
    let plain = Environment::new(&shell, &[]);
    let profiles = files::profiles(&its);
    let situation = Situation {
        program: plugin.program,
        named: plugin.profile.as_deref(),
        environment: &its,
        profiles: &profiles,
    };
    let plain_profiles = files::profiles(&plain);
    let plain_situation = Situation {
        program: Program::AwsCli,
        named: options.account.profile.as_deref(),
        environment: &plain,
        profiles: &plain_profiles,
    };
    let cluster = cluster(options, &context, &plain_profiles, &plain);
    let mut report = Report {
        is_current: kubeconfig.current.as_deref() == Some(context.name),
        current: kubeconfig.current.clone(),
        context: &context,
        cluster,
        exec,
        plugin: &plugin,
        candidates: situation.candidates(),
        kubectl: None,
        plain: None,
        plain_candidates: plain_situation.candidates(),
        facts: Facts::none(),
        verdict: None,
    };
    wait(ask(&mut report, &its, &plain, &shell))?;
    print(&report, options.format)?;
    match &report.kubectl {
        Some(Ok(_)) if report.names_wrong_cluster() => Err(report.wrong_cluster()),
        Some(Ok(_)) if report.is_refused() => Ok(Found::Denials),
        Some(Ok(_)) => Ok(Found::Nothing),
        _ => Err(Error::Ask(
            "nobody can tell whom kubectl calls as; see above for what was tried".to_owned(),
        )),
    }
}

/// The context that leads to the cluster that was asked for, or the one that was named, or the current one.
fn context<'a>(options: &Whoami, kubeconfig: &'a Kubeconfig) -> Result<Context<'a>, Error> {
    let named = |name: &str| {
        let names: Vec<String> = kubeconfig.contexts().map(|one| shown(one.name)).collect();
        kubeconfig.context(name).ok_or_else(|| {
            Error::Ask(format!(
                "the kubeconfig has no context `{}`; it has: {}",
                shown(name),
                if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                }
            ))
        })
    };
    if let Some(name) = &options.context {
        return named(name);
    }
    let Some(cluster) = &options.cluster else {
        let current = kubeconfig.current.as_deref().ok_or_else(|| {
            Error::Ask("the kubeconfig has no current context; name one with --context, or a cluster with --cluster".to_owned())
        })?;
        return named(current);
    };
    let region = options.account.region.as_ref();
    let leading = kubeconfig.leading_to(cluster, region);
    let current = kubeconfig
        .current
        .as_deref()
        .and_then(|name| kubeconfig.context(name))
        .filter(|context| context.cluster.is_none());
    leading.into_iter().next().or(current).ok_or_else(|| {
        let region = region.map_or("REGION", Region::as_str);
        Error::Ask(format!(
            "no context of the kubeconfig leads to the cluster `{cluster}`; make one: \
             aws eks update-kubeconfig --name {cluster} --region {region}"
        ))
    })
}

fn exec<'a>(context: &Context<'a>) -> Result<&'a Exec, Error> {
    let why = match context.login {
        Some(Login::Exec(exec)) => return Ok(exec),
        Some(Login::Other(what)) => {
            format!("logs in with {what}, and not with a program that IAM knows")
        }
        None => "has a user that the kubeconfig does not have".to_owned(),
    };
    Err(Error::Ask(format!(
        "the context `{}` {why}; make a new one: aws eks update-kubeconfig --name NAME --region REGION",
        shown(context.name)
    )))
}

/// The cluster, with the Region that its calls go to.
fn cluster(
    options: &Whoami,
    context: &Context<'_>,
    profiles: &Profiles,
    plain: &Environment,
) -> Cluster {
    let by_profile = options
        .account
        .profile
        .as_deref()
        .or_else(|| plain.get("AWS_PROFILE"));
    let of_profile = profiles
        .get(by_profile.unwrap_or("default"))
        .and_then(|profile| profile.region()?.parse().ok());
    let variable = |name| plain.get(name).and_then(|region| region.parse().ok());
    Cluster {
        name: options.cluster.clone().or_else(|| context.cluster.clone()),
        region: options
            .account
            .region
            .clone()
            .or_else(|| context.region.clone())
            .or_else(|| variable("AWS_REGION"))
            .or_else(|| variable("AWS_DEFAULT_REGION"))
            .or(of_profile),
        account: context.account.clone(),
        mode: None,
    }
}

/// Finds out who both are, and what the cluster makes of kubectl's.
async fn ask(
    report: &mut Report<'_>,
    its: &Environment,
    plain: &Environment,
    shell: &BTreeMap<String, String>,
) {
    let region = report.cluster.region.clone();
    let region = region.as_ref().map(Region::as_str);
    // A plugin's own Region counts for its calls of STS.
    let its_region = report.plugin.region.as_deref().or(region);
    let _ = shell;
    let mut kubectl = resolved(&report.candidates, its, its_region).await;
    if let (Some(Ok(caller)), Some(role)) = (&kubectl, &report.plugin.role) {
        kubectl = Some(assumed(caller, role, report.plugin).await);
    }
    report.plain = resolved(&report.plain_candidates, plain, region).await;
    if let Some(Ok(caller)) = &kubectl
        && let Some(principal) = caller.principal.clone()
    {
        // A session goes on for a while after its role was deleted and made again.
        let facts = Facts {
            caller_id: Some(caller.unique_id().to_owned()),
            ..compare(report, caller, &principal).await
        };
        report.verdict = Some(verdict(&principal, &facts));
        report.facts = facts;
    }
    report.kubectl = kubectl;
}

/// Whom the source that wins belongs to; `None` if there is none.
async fn resolved(
    candidates: &[Candidate],
    environment: &Environment,
    region: Option<&str>,
) -> Option<Result<Caller, Refused>> {
    let winner = candidates
        .iter()
        .find(|candidate| candidate.ignored.is_none())?;
    let get = |name: &str| environment.get(name).map(str::to_owned);
    let from = match &winner.source {
        Source::Profile(_) if files::names_a_program(environment) => {
            return Some(Err(Refused::unread(
                "the kubeconfig's `env` names files of the AWS CLI that name a program (credential_process), and whoami \
                 runs no program that a kubeconfig leads to",
            )));
        }
        Source::Profile(name) => From::Profile {
            name: name.clone(),
            config: get("AWS_CONFIG_FILE"),
            credentials: get("AWS_SHARED_CREDENTIALS_FILE"),
        },
        Source::Keys => From::Keys {
            id: get("AWS_ACCESS_KEY_ID")?,
            secret: get("AWS_SECRET_ACCESS_KEY").unwrap_or_default(),
            token: get("AWS_SESSION_TOKEN"),
        },
        Source::WebIdentity => From::WebIdentity {
            role: get("AWS_ROLE_ARN")?,
            token_file: get("AWS_WEB_IDENTITY_TOKEN_FILE")?,
        },
        Source::Container => From::Container,
        Source::Instance => From::Instance,
    };
    Some(identity::of(&from, region).await)
}

/// The role that the plugin assumes, as it does it.
async fn assumed(caller: &Caller, role: &str, plugin: &Plugin) -> Result<Caller, Refused> {
    let external_id = plugin.external_id.as_deref();
    identity::assumed(caller, role, plugin.session_name(), external_id).await
}

/// What the cluster has for the principal: asked with the caller's own credentials, and with kubectl's where those may
/// not ask or are of another account.
async fn compare(report: &Report<'_>, kubectl: &Caller, principal: &Principal) -> Facts {
    if report.cluster.name.is_none() || report.cluster.region.is_none() {
        return Facts::none();
    }
    let question = Question {
        cluster: report.cluster.clone(),
        symptom: Symptom::NotMapped,
        principal: Some(principal.clone()),
    };
    let plain = report.plain.as_ref().and_then(|plain| plain.as_ref().ok());
    let is_of_its_account = |caller: &&Caller| {
        let account = caller.principal.as_ref().map(Principal::account);
        report
            .cluster
            .account
            .as_ref()
            .is_none_or(|its| account == Some(its))
    };
    let mut facts = Facts::none();
    for caller in plain.filter(is_of_its_account).into_iter().chain([kubectl]) {
        let config = caller.in_region(report.cluster.region.as_ref().map_or("", Region::as_str));
        let answers = Gatherer::new(&config)
            .gather(vec![question.clone()], BUDGET)
            .await;
        facts = answers.into_values().next().unwrap_or_default();
        match facts.cluster.unknown() {
            Some(Unknown::Denied(_) | Unknown::NoSuchCluster | Unknown::AnotherAnswered) => {}
            _ => break,
        }
    }
    facts
}

fn print(report: &Report<'_>, format: ListFormat) -> Result<(), Error> {
    let text = match format {
        ListFormat::Text => report.text(columns()),
        ListFormat::Json => format!("{}\n", report.json()),
    };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).map_err(Error::Output)
}
