//! `requests`, `show`, `approve`, `deny`, `grants`, `extend`, `revoke`, `history`, `break-glass` and `review`: the approver,
//! asked as oneself.

use std::io::{self, IsTerminal, Write};

use eks_access_aws::laptop::approvals::{Answer, ApiUrl, Approvals as Client};
use serde_json::{Value, json};

use super::{Session, shown, wait};
use crate::args::approvals::{Api, Approve, BreakGlass, Decide, Extend, Why};
use crate::args::{Account, Approvals, ListFormat};
use crate::environment;
use crate::output::{Error, Found, columns};

mod report;
mod terms;

/// Runs one of the commands.
pub(crate) fn run(command: &Approvals) -> Result<Found, Error> {
    match command {
        Approvals::Requests(options) => ask(&options.api, "/v1/requests", report::requests),
        Approvals::Grants(options) => ask(&options.api, "/v1/grants", report::grants),
        Approvals::Show(options) => {
            let path = format!("/v1/requests/{}", options.id);
            ask(&options.api, &path, |body| report::request(body, columns()))
        }
        Approvals::History(options) => {
            let path = format!("/v1/requests/{}/history", options.id);
            ask(&options.api, &path, report::history)
        }
        Approvals::Approve(options) => approve(options),
        Approvals::Deny(options) => decide(options, "deny"),
        Approvals::Revoke(options) => decide(options, "revoke"),
        Approvals::Review(options) => decide(options, "review"),
        Approvals::Extend(options) => extend(options),
        Approvals::BreakGlass(options) => break_glass(options),
    }
}

fn ask(api: &Api, path: &str, text: impl Fn(&Value) -> String) -> Result<Found, Error> {
    let answer = wait(async { Ok::<_, Error>(client(api).await?.get(path).await?) })??;
    finish(api, &answer, text)
}

fn decide(options: &Decide, verb: &str) -> Result<Found, Error> {
    let reason = reason(&options.why)?;
    let path = format!("/v1/requests/{}/{verb}", options.id);
    send(&options.api, &path, &json!({"reason": reason}))
}

fn extend(options: &Extend) -> Result<Found, Error> {
    let reason = reason(&options.why)?;
    let path = format!("/v1/requests/{}/extend", options.id);
    let body = json!({"seconds": options.time.0, "reason": reason});
    send(&options.api, &path, &body)
}

fn send(api: &Api, path: &str, body: &Value) -> Result<Found, Error> {
    let answer = wait(async { Ok::<_, Error>(client(api).await?.post(path, body).await?) })??;
    finish(api, &answer, report::done)
}

/// Shows what is asked for, works out what is said yes to, has it confirmed, and sends exactly that.
fn approve(options: &Approve) -> Result<Found, Error> {
    let path = format!("/v1/requests/{}", options.id);
    let (client, answer) = wait(async {
        let client = client(&options.api).await?;
        let answer = client.get(&path).await?;
        Ok::<_, Error>((client, answer))
    })??;
    if !is_done(&answer) {
        return finish(&options.api, &answer, report::done);
    }
    let request = answer.body.get("request").unwrap_or(&Value::Null);
    let terms = terms::of(request, options).map_err(Error::Ask)?;
    let mut preview = report::request(&answer.body, columns());
    preview.push_str(&report::about_to("say yes to", &terms, columns()));
    say(&options.api, &preview)?;
    let reason = reason(&options.why)?;
    confirm(options.yes, "say yes to this")?;
    let body = json!({
        "policy": terms.policy.name(),
        "namespaces": terms.namespaces,
        "seconds": terms.seconds,
        "reason": reason,
        "seen": request.get("seen"),
    });
    let path = format!("{path}/approve");
    let answer = wait(client.post(&path, &body))??;
    finish(&options.api, &answer, report::done)
}

fn break_glass(options: &BreakGlass) -> Result<Found, Error> {
    let terms = terms::new(options.policy, options.namespaces.clone(), options.time.0);
    let terms = terms.map_err(Error::Ask)?;
    let mut preview = report::glass(options, columns());
    preview.push_str(&report::about_to("grant", &terms, columns()));
    say(&options.api, &preview)?;
    let reason = reason(&options.why)?;
    confirm(options.yes, "do this at once")?;
    let body = json!({
        "cluster": options.cluster.as_str(),
        "principal": options.principal,
        "policy": terms.policy.name(),
        "namespaces": terms.namespaces,
        "seconds": terms.seconds,
        "reason": reason,
    });
    send(&options.api, "/v1/break-glass", &body)
}

/// What is shown before something is done: it must not get between the JSON.
fn say(api: &Api, text: &str) -> Result<(), Error> {
    let written = match api.format {
        ListFormat::Text => io::stdout().lock().write_all(text.as_bytes()),
        ListFormat::Json => io::stderr().lock().write_all(text.as_bytes()),
    };
    written.map_err(Error::Output)
}

fn reason(why: &Why) -> Result<String, Error> {
    match &why.reason {
        Some(reason) => Ok(reason.clone()),
        None if io::stdin().is_terminal() => asked("Why? It is kept in the audit: "),
        None => Err(Error::Ask(
            "say why with --reason; it is kept in the audit".to_owned(),
        )),
    }
}

fn confirm(is_said: bool, what: &str) -> Result<(), Error> {
    if is_said {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        let words = format!("nothing was done; without a terminal, --yes says that you {what}");
        return Err(Error::Ask(words));
    }
    match asked(&format!("Type `yes` to {what}: "))?.as_str() {
        "yes" => Ok(()),
        _ => Err(Error::Ask("nothing was done".to_owned())),
    }
}

/// One line from the terminal.
fn asked(question: &str) -> Result<String, Error> {
    let _ = write!(io::stderr(), "{question}");
    let _ = io::stderr().flush();
    let mut line = String::new();
    io::stdin()
        .read_line(&mut line)
        .map_err(|error| Error::Input("standard input".into(), error))?;
    Ok(line.trim().to_owned())
}

async fn client(api: &Api) -> Result<Client, Error> {
    let text = api.url.clone().or_else(environment::approvals);
    let text = text.ok_or_else(|| {
        Error::Ask(
            "no address is known; give the stack's output `ApprovalsUrl` with --api, or set EKS_ACCESS_API"
                .to_owned(),
        )
    })?;
    let url: ApiUrl = text.parse().map_err(|why| {
        Error::Ask(format!(
            "`{}` is no address of the approver: {why}",
            shown(text)
        ))
    })?;
    let account = Account {
        profile: api.account.profile.clone(),
        region: api.account.region.clone().or_else(|| url.region().cloned()),
    };
    let session = Session::start(&account).await?;
    Ok(Client::new(&session.config, url, &session.region).await?)
}

fn is_done(answer: &Answer) -> bool {
    (200..300).contains(&answer.status) && answer.body.is_object()
}

/// Prints an answer, and says how it went.
fn finish(api: &Api, answer: &Answer, text: impl Fn(&Value) -> String) -> Result<Found, Error> {
    let slug = answer.body.get("error").and_then(Value::as_str);
    let is_refused = (400..500).contains(&answer.status) && slug.is_some();
    if api.format == ListFormat::Json && (is_done(answer) || is_refused) {
        print(&format!("{}\n", report::ascii(&answer.body)))?;
    } else if is_done(answer) {
        print(&text(&answer.body))?;
    }
    if is_refused {
        let _ = writeln!(io::stderr(), "refused: {}", report::refusal(&answer.body));
        return Ok(Found::Denials);
    }
    if is_done(answer) {
        Ok(Found::Nothing)
    } else {
        Err(Error::Ask(unanswered(answer)))
    }
}

fn print(text: &str) -> Result<(), Error> {
    io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .map_err(Error::Output)
}

/// Why API Gateway, or the approver, had no answer.
fn unanswered(answer: &Answer) -> String {
    let said = answer.body.get("message").and_then(Value::as_str);
    let said = said.map_or_else(String::new, |said| format!(" ({})", shown(said)));
    match answer.status {
        403 => format!(
            "API Gateway did not let you in{said}; ask for execute-api:Invoke on the stack's output `ApproversMay`, and see \
             --profile and --region"
        ),
        404 => format!(
            "nothing is at this address{said}; the stack's output `ApprovalsUrl` is the one"
        ),
        429 => format!("the approver is asked too much{said}; try again"),
        status => format!("the approver gave no answer: status {status}{said}; try again"),
    }
}
