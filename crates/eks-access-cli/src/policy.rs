//! `policy`: checks the guardrails, tests them, and makes the IAM policies of granter and revoker from them.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use eks_access::policy::{Guardrails, Mistakes, template};
use serde_json::{Value, json};

use crate::args::ListFormat;
use crate::output::{Error, Found, columns, shown};

mod cases;
mod doubts;
mod summary;

/// More than the guardrails may have, so that a longer file is told as one.
const MAX_FILE: u64 = 1024 * 1024;

/// Options of `policy`.
#[derive(Debug, Args)]
pub(crate) struct PolicyCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Say what is wrong with the guardrails, or else what they allow
    #[command(after_help = CHECK_HELP)]
    Check(Check),
    /// Run the cases by which the guardrails test themselves
    #[command(after_help = TEST_HELP)]
    Test(Test),
    /// Print the CloudFormation template with the IAM policies that follow from the guardrails
    #[command(after_help = TEMPLATE_HELP)]
    Template(Template),
    /// Print the version of the guardrails, as requests and the audit name it
    #[command(after_help = VERSION_HELP)]
    Version(Version),
}

const CHECK_HELP: &str = "\
Mistakes are told all at once, each as FILE:LINE: WHAT. Of guardrails without a mistake it prints what a reviewer \
wants to know: for each rule whom it lets in, where, with what power, for how long, and whose yes it takes. What may \
be meant otherwise is told as a warning on standard error: patterns that mean everybody, approvers who cannot be told \
apart, rules for which nobody's yes is enough.

--format json prints one object, mistakes and warnings included.

Exit codes: 0 there is no mistake; 1 with --strict, there are warnings; 2 wrong usage, or a file that is missing or \
has mistakes.

Examples:
  eks-access policy check infra/guardrails.toml
  eks-access policy check --strict infra/guardrails.toml    # in CI
  git show main:infra/guardrails.toml | eks-access policy check -";

const TEST_HELP: &str = "\
Each [[case]] of the file says who asks for what, who says yes, and what is to come of it; docs/guardrails.md has \
examples. --format json prints one object.

Exit codes: 0 every case came out as it says, or there is none; 1 a case came out otherwise; 2 wrong usage, or a file \
that is missing or has mistakes.

Examples:
  eks-access policy test infra/guardrails.toml
  eks-access policy test --format json infra/guardrails.toml";

const TEMPLATE_HELP: &str = "\
The policies let the granter make what some rule offers and nothing else, and the revoker take away what bears our \
tag. The template is JSON, which is YAML too. Make it anew whenever the guardrails change, commit it beside them, and \
deploy both.

Exit codes: 0 done; 2 wrong usage, a file that is missing or has mistakes, or rules that are too long for IAM.

Examples:
  eks-access policy template infra/guardrails.toml --output infra/sam/guardrails.yaml
  eks-access policy template infra/guardrails.toml | diff - infra/sam/guardrails.yaml    # fresh?";

const VERSION_HELP: &str = "\
It is the first 16 hexadecimal digits of the SHA-256 of the file. The functions refuse to start with another version \
than the one that the IAM policies were made from.

Exit codes: 0 done; 2 wrong usage, or a file that is missing or has mistakes.

Example:
  eks-access policy version infra/guardrails.toml";

/// Options of `policy check`.
#[derive(Debug, Args)]
struct Check {
    /// The guardrails; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Fail on warnings, too
    #[arg(long)]
    strict: bool,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

/// Options of `policy test`.
#[derive(Debug, Args)]
struct Test {
    /// The guardrails; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

/// Options of `policy template`.
#[derive(Debug, Args)]
struct Template {
    /// The guardrails; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where to write it, in place of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Options of `policy version`.
#[derive(Debug, Args)]
struct Version {
    /// The guardrails; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Runs `policy`.
pub(crate) fn run(options: &PolicyCommand) -> Result<Found, Error> {
    match &options.what {
        What::Check(options) => check(options),
        What::Test(options) => test(options),
        What::Template(options) => write_template(options),
        What::Version(options) => {
            print(&format!("{}\n", guardrails(&options.file)?.version))?;
            Ok(Found::Nothing)
        }
    }
}

fn check(options: &Check) -> Result<Found, Error> {
    let text = read(&options.file)?;
    let guardrails = match (Guardrails::parse(&text), options.format) {
        (Ok(guardrails), _) => guardrails,
        (Err(mistakes), ListFormat::Text) => return Err(broken(&options.file, &mistakes)),
        (Err(mistakes), ListFormat::Json) => {
            print(&format!("{}\n", mistakes_object(&mistakes)))?;
            return Err(Error::Mistakes(named(&options.file), mistakes.0.len()));
        }
    };
    let doubts = doubts::of(&guardrails);
    match options.format {
        ListFormat::Json => print(&format!("{}\n", summary::object(&guardrails, &doubts)))?,
        ListFormat::Text => {
            print(&summary::text(&guardrails, columns()))?;
            for doubt in &doubts {
                let _ = writeln!(io::stderr(), "warning: {doubt}");
            }
        }
    }
    Ok(if options.strict && !doubts.is_empty() {
        Found::Denials
    } else {
        Found::Nothing
    })
}

fn mistakes_object(mistakes: &Mistakes) -> Value {
    let mistakes = mistakes.0.iter();
    let mistakes: Vec<Value> = mistakes
        .map(|mistake| json!({"line": mistake.line, "what": shown(mistake.what.as_str())}))
        .collect();
    json!({"ok": false, "mistakes": mistakes})
}

fn test(options: &Test) -> Result<Found, Error> {
    let guardrails = guardrails(&options.file)?;
    let results = cases::run(&guardrails);
    print(&match options.format {
        ListFormat::Text => cases::text(&results),
        ListFormat::Json => format!("{}\n", cases::object(&guardrails, &results)),
    })?;
    Ok(if cases::failed(&results) == 0 {
        Found::Nothing
    } else {
        Found::Denials
    })
}

fn write_template(options: &Template) -> Result<Found, Error> {
    let guardrails = guardrails(&options.file)?;
    let template = template(&guardrails)
        .map_err(|error| Error::Format(named(&options.file), error.to_string()))?;
    let text = format!(
        "# Made by `eks-access policy template` from version {} of the guardrails.\n\
         # Do not edit it: change the guardrails, and make it anew. It is JSON, which is YAML too.\n{template:#}\n",
        guardrails.version
    );
    match &options.output {
        None => print(&text)?,
        Some(path) => fs::write(path, text).map_err(Error::Output)?,
    }
    Ok(Found::Nothing)
}

fn print(text: &str) -> Result<(), Error> {
    io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .map_err(Error::Output)
}

fn guardrails(path: &Path) -> Result<Guardrails, Error> {
    Guardrails::parse(&read(path)?).map_err(|mistakes| broken(path, &mistakes))
}

/// Tells the mistakes, as compilers do.
fn broken(path: &Path, mistakes: &Mistakes) -> Error {
    let name = named(path);
    for mistake in &mistakes.0 {
        let what = shown(mistake.what.as_str());
        let _ = writeln!(io::stderr(), "{}:{}: {what}", name.display(), mistake.line);
    }
    Error::Mistakes(name, mistakes.0.len())
}

fn named(path: &Path) -> PathBuf {
    if path.as_os_str() == "-" {
        PathBuf::from("standard input")
    } else {
        path.to_owned()
    }
}

fn read(path: &Path) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let result = if path.as_os_str() == "-" {
        if io::stdin().is_terminal() {
            let what = "it is a terminal; name a file, or pipe one in".to_owned();
            return Err(Error::Format(named(path), what));
        }
        io::stdin().lock().take(MAX_FILE).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes))
    };
    result.map_err(|error| Error::Input(named(path), error))?;
    String::from_utf8(bytes)
        .map_err(|_| Error::Format(named(path), "it is not UTF-8, which TOML is".to_owned()))
}
