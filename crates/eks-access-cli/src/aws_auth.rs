//! `aws-auth`: checks the `ConfigMap`, and writes it as access entries.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use eks_access::aws_auth::lint::{self, Finding, Level};
use eks_access::aws_auth::translate::{self, Target};
use eks_access::aws_auth::{AwsAuth, AwsAuthError, MAX_LENGTH};
use eks_access::cluster::{ClusterName, Region};
use eks_access::principal::{AccountId, Principal};
use eks_access::text::lossy;
use serde_json::json;

use crate::output::{Error, Found};

/// Options of `aws-auth`.
#[derive(Debug, Args)]
pub(crate) struct AwsAuthCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Say what is wrong with it, line by line
    #[command(after_help = LINT_HELP)]
    Lint(Lint),
    /// Write it as access entries, in the tool of your choice
    #[command(after_help = TRANSLATE_HELP)]
    Translate(Translate),
}

const LINT_HELP: &str = "\
Reads what kubectl prints (-o yaml or -o json), a manifest, its data, or mapRoles and mapUsers alone, by the
authenticator's own rules. --format json prints one object per finding.

Exit codes: 0 nothing is wrong, 1 errors or warnings were found, 2 wrong usage, or a file that is missing or is no
aws-auth.

Examples:
  kubectl -n kube-system get configmap aws-auth -o yaml | eks-access aws-auth lint -
  eks-access aws-auth lint --format json aws-auth.yaml";

const TRANSLATE_HELP: &str = "\
Prints the entries, and on standard error what moves, what stays behind and why. Nothing is changed: read it, then run
or apply it. Least privilege comes first; what system:masters would be is written as a comment.

--existing takes the output of: aws eks list-access-entries --cluster-name C --output json
Principals with an entry are not made anew; for Terraform they get an import block.

Exit codes: 0 everything moves, 1 something stays behind, 2 wrong usage, or a file that is missing or broken.

Examples:
  kubectl -n kube-system get configmap aws-auth -o yaml |
    eks-access aws-auth translate - --to aws-cli --cluster prod --region eu-west-1 > entries.sh
  eks-access aws-auth translate aws-auth.yaml --to terraform --cluster prod --region eu-west-1 --account 111122223333";

/// Options of `aws-auth lint`.
#[derive(Debug, Args)]
struct Lint {
    /// The file; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Options of `aws-auth translate`.
#[derive(Debug, Args)]
struct Translate {
    /// The file; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The tool to write for
    #[arg(long, value_enum, value_name = "TOOL")]
    to: Tool,
    /// The cluster's name
    #[arg(long, value_name = "NAME")]
    cluster: ClusterName,
    /// The cluster's Region
    #[arg(long, value_name = "REGION")]
    region: Region,
    /// The cluster's account: principals of other accounts are then told apart
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,
    /// The entries that exist, as `aws eks list-access-entries --output json` prints them
    #[arg(long, value_name = "FILE")]
    existing: Option<PathBuf>,
}

/// What `lint` prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// One object per finding
    Json,
}

/// What `translate` writes for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Tool {
    /// A script for the AWS CLI
    AwsCli,
    /// HCL for Terraform's AWS provider
    Terraform,
    /// A script for eksctl
    Eksctl,
    /// A CloudFormation template
    #[value(name = "cloudformation")]
    CloudFormation,
}

impl From<Tool> for translate::Format {
    fn from(tool: Tool) -> Self {
        match tool {
            Tool::AwsCli => Self::AwsCli,
            Tool::Terraform => Self::Terraform,
            Tool::Eksctl => Self::Eksctl,
            Tool::CloudFormation => Self::CloudFormation,
        }
    }
}

/// Runs `aws-auth`.
pub(crate) fn run(options: &AwsAuthCommand) -> Result<Found, Error> {
    match &options.what {
        What::Lint(options) => lint(options),
        What::Translate(options) => translate(options),
    }
}

fn lint(options: &Lint) -> Result<Found, Error> {
    let text = read(&options.file)?;
    let findings = match AwsAuth::parse(&text) {
        Ok(auth) => lint::lint(&auth),
        Err(error) => match lint::unreadable(&error) {
            Some(finding) => vec![finding],
            None => return Err(broken(&options.file, &error)),
        },
    };
    let mut out = io::stdout().lock();
    let written = match options.format {
        Format::Text => write_text(&mut out, &findings),
        Format::Json => findings
            .iter()
            .try_for_each(|finding| writeln!(out, "{}", object(finding))),
    };
    written.map_err(Error::Output)?;
    let is_clean = findings.iter().all(|finding| finding.level == Level::Info);
    Ok(if is_clean {
        Found::Nothing
    } else {
        Found::Denials
    })
}

fn object(finding: &Finding) -> serde_json::Value {
    json!({
        "line": finding.line,
        "level": finding.level.slug(),
        "rule": finding.rule,
        "what": finding.what,
        "consequence": finding.consequence,
        "fix": finding.fix,
    })
}

fn write_text(out: &mut impl Write, findings: &[Finding]) -> io::Result<()> {
    for finding in findings {
        writeln!(
            out,
            "line {}: {}: {} ({})",
            finding.line,
            finding.level.slug(),
            finding.what,
            finding.rule
        )?;
        writeln!(out, "  so   {}", finding.consequence)?;
        writeln!(out, "  fix  {}\n", finding.fix)?;
    }
    let count = |level| findings.iter().filter(|f| f.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    let infos = count(Level::Info);
    if findings.is_empty() {
        writeln!(out, "nothing is wrong")
    } else {
        writeln!(out, "errors {errors}, warnings {warnings}, infos {infos}")
    }
}

fn translate(options: &Translate) -> Result<Found, Error> {
    if options.file.as_os_str() == "-" && options.existing.as_deref() == Some(Path::new("-")) {
        let what = "standard input can't be both files; name one of them";
        return Err(Error::Format(stdin_name(), what.to_owned()));
    }
    let text = read(&options.file)?;
    let auth = AwsAuth::parse(&text).map_err(|error| broken(&options.file, &error))?;
    let lost = translate::lost_sections(&auth);
    if !lost.is_empty() {
        let what = format!(
            "{} can't be read, and its rows would be missing; mend it first: eks-access aws-auth lint",
            lost.join(" and ")
        );
        return Err(Error::Format(named(&options.file), what));
    }
    let existing = match &options.existing {
        Some(path) => read_existing(path)?,
        None => Vec::new(),
    };
    let target = Target {
        cluster: options.cluster.clone(),
        region: options.region.clone(),
        account: options.account.clone(),
    };
    let plan = translate::plan(&auth, &target, &existing);
    let rendered = translate::render(&plan, &target, options.to.into());
    let _ = io::stderr().write_all(translate::summary(&plan).as_bytes());
    io::stdout()
        .lock()
        .write_all(rendered.as_bytes())
        .map_err(Error::Output)?;
    Ok(if plan.stays.is_empty() {
        Found::Nothing
    } else {
        Found::Denials
    })
}

fn read_existing(path: &Path) -> Result<Vec<Principal>, Error> {
    translate::existing_entries(&read(path)?).ok_or_else(|| {
        let what = "it is no list of access entries; \
                    save one with: aws eks list-access-entries --cluster-name NAME --output json";
        Error::Format(named(path), what.to_owned())
    })
}

/// The `ConfigMap` in a file or on standard input.
pub(crate) fn parsed(path: &Path) -> Result<AwsAuth, Error> {
    AwsAuth::parse(&read(path)?).map_err(|error| broken(path, &error))
}

fn broken(path: &Path, error: &AwsAuthError) -> Error {
    Error::Format(named(path), error.to_string())
}

fn stdin_name() -> PathBuf {
    PathBuf::from("standard input")
}

fn named(path: &Path) -> PathBuf {
    if path.as_os_str() == "-" {
        stdin_name()
    } else {
        path.to_owned()
    }
}

/// Reads a file or standard input, and no more of it than a `ConfigMap` can be.
fn read(path: &Path) -> Result<String, Error> {
    let limit = MAX_LENGTH as u64 + 1;
    let mut bytes = Vec::new();
    let result = if path.as_os_str() == "-" {
        if io::stdin().is_terminal() {
            let what = "it is a terminal; pipe the file in: \
                        kubectl -n kube-system get configmap aws-auth -o yaml | eks-access aws-auth lint -";
            return Err(Error::Format(stdin_name(), what.to_owned()));
        }
        io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    result.map_err(|error| Error::Input(named(path), error))?;
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let what = "it is UTF-16, as PowerShell writes it; convert it: iconv -f UTF-16 -t UTF-8";
        return Err(Error::Format(named(path), what.to_owned()));
    }
    Ok(lossy(&bytes).into_owned())
}
