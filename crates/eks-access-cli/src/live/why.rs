//! `why`: whether a principal would get in, and why not.

use std::io::{self, Write};

use eks_access::cluster::{Cluster, Region};
use eks_access::facts::Facts;
use eks_access::incident::Question;
use eks_access::notice::{learned, machine, terminal};
use eks_access::whoami::Verdict;
use eks_access::why;
use serde_json::json;

use super::Live;
use crate::args::{ListFormat, Why};
use crate::inquiry::Inquiry;
use crate::output::{Error, Found, columns, has_colour};

/// Runs the command.
pub(crate) fn run(options: &Why) -> Result<Found, Error> {
    let region = options.account.region.as_ref().map(Region::as_str);
    let live = Live::start(options.account.profile.as_deref(), region)?;
    let cluster = Cluster {
        name: Some(options.cluster.clone()),
        region: live.region().parse().ok(),
        ..Cluster::default()
    };
    let inquiry = Inquiry::new(Some(live), options.aws_auth.as_deref())?;
    let question = Question {
        cluster: cluster.clone(),
        symptom: why::symptom(&options.principal, &Facts::none()),
        principal: Some(options.principal.canonical()),
    };
    let answers = inquiry.answers(vec![question]);
    let facts = answers.into_values().next().unwrap_or_default();
    let verdict = why::verdict(&options.principal, &facts);
    let text = match options.format {
        ListFormat::Text => text(options, &cluster, &verdict, facts),
        ListFormat::Json => json(options, &cluster, &verdict, facts),
    };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).map_err(Error::Output)?;
    match verdict {
        Verdict::Unknown(why) if why != eks_access::facts::Unknown::NotAsked => {
            Err(Error::Ask(format!("nobody can tell: {}", why.reason())))
        }
        verdict if verdict.is_refused() => Ok(Found::Denials),
        _ => Ok(Found::Nothing),
    }
}

fn text(options: &Why, cluster: &Cluster, verdict: &Verdict, facts: Facts) -> String {
    let style = terminal::Style {
        columns: columns(),
        has_colour: has_colour(options.color),
        is_complete: options.all,
    };
    let sentence = verdict.sentence(&facts);
    if verdict.is_let_in() == Some(true) {
        let learned: Vec<String> = learned::learned(&facts)
            .into_iter()
            .map(|(label, text)| format!("  {label:<10}{text}\n"))
            .collect();
        return format!("{sentence}.\n\n{}", learned.concat());
    }
    let notice = why::notice(&options.principal, cluster, facts);
    let why = notice.map_or_else(String::new, |notice| terminal::render(&notice, &style));
    format!("{sentence}.\n\n{why}")
}

fn json(options: &Why, cluster: &Cluster, verdict: &Verdict, facts: Facts) -> String {
    let learned = learned::machine(&facts);
    let let_in = verdict.is_let_in();
    let notice = why::notice(&options.principal, cluster, facts).filter(|_| let_in != Some(true));
    let object = json!({
        "principal": options.principal.to_string(),
        "cluster": cluster.name.as_ref().map(ToString::to_string),
        "region": cluster.region.as_ref().map(ToString::to_string),
        "verdict": verdict.slug(),
        "let_in": let_in,
        "cause": notice.as_ref().map(|notice| notice.cause.id),
        "perhaps": notice.as_ref().map_or_else(|| json!([]), |notice| machine::perhaps(&notice.perhaps)),
        "remedies": notice.as_ref().map_or_else(|| json!([]), |notice| machine::remedies(&notice.remedies())),
        "facts": learned,
    });
    format!("{object}\n")
}
