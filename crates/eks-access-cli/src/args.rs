//! The command line.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use eks_access::cluster::{AuthenticationMode, Cluster, ClusterName, Region};
use eks_access::line::Stream;
use eks_access::principal::{AccountId, Principal};

pub(crate) mod approvals;

pub(crate) use approvals::Approvals;

/// Why an EKS login was refused, and what to do about it.
///
/// Reads control-plane logs of Amazon EKS (the authenticator stream), or what kubectl said, and tells who was refused,
/// why, and the commands that help. `explain` needs no AWS account and sends nothing anywhere, unless you say `--live`.
#[derive(Debug, Parser)]
#[command(name = "eks-access", version, max_term_width = 100)]
#[command(after_help = "\
Exit codes: 0 nothing was refused, 1 denials were found, 2 wrong usage, or a file that is missing or broken;
what they mean for commands that ask AWS is in their own help.

Examples:
  aws logs tail /aws/eks/prod/cluster --since 1h | eks-access explain --cluster prod --region eu-west-1
  kubectl get pods 2>&1 | eks-access explain
  eks-access explain --live --cluster prod --region eu-west-1 denied.log
  eks-access cause principal-not-mapped")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Explain log lines, or what a terminal said
    #[command(after_help = EXPLAIN_HELP)]
    Explain(Explain),
    /// Show the page of one cause
    Cause(Cause),
    /// List every cause
    Causes(Causes),
    /// Check aws-auth, or write it as access entries
    AwsAuth(crate::aws_auth::AwsAuthCommand),
    /// Tell why a role or user would get in or not, without waiting for a denial
    #[command(after_help = WHY_HELP)]
    #[cfg_attr(not(feature = "live"), command(hide = true))]
    Why(Why),
    /// Tell which identity kubectl really uses, and whether the cluster lets it in
    #[command(after_help = WHOAMI_HELP)]
    #[cfg_attr(not(feature = "live"), command(hide = true))]
    Whoami(Whoami),
    /// Find who administers a cluster: its creator, administrators' entries and logins
    #[command(after_help = ADMINS_HELP)]
    #[cfg_attr(not(feature = "live"), command(hide = true))]
    Admins(Admins),
    /// Check that refused logins are seen, and that nobody is about to be locked out
    #[command(after_help = DOCTOR_HELP)]
    #[cfg_attr(not(feature = "live"), command(hide = true))]
    Doctor(Doctor),
    /// List the incidents that the responder remembers
    #[command(after_help = INCIDENTS_HELP)]
    #[cfg_attr(not(feature = "live"), command(hide = true))]
    Incidents(Incidents),
    /// Silence an incident for a while
    #[command(after_help = MUTE_HELP)]
    #[cfg_attr(not(feature = "live"), command(hide = true))]
    Mute(Mute),
    /// Send a marked denial through the deployed function, to see that its notice goes out
    #[command(after_help = SELF_TEST_HELP)]
    #[cfg_attr(not(feature = "live"), command(hide = true))]
    SelfTest(SelfTest),
    #[command(flatten)]
    Approvals(Approvals),
    /// Check and test the guardrails: who may be offered access, and who may say yes
    Policy(crate::policy::PolicyCommand),
    /// Pack log lines into the event that a log subscription sends to Lambda
    Pack(Pack),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

const EXPLAIN_HELP: &str = "\
Formats, found by looking at the input (gzip around any of them):
  lines of the authenticator, also as Docker, CRI, syslog, stern, kail or `aws logs tail` wrap them
  what kubectl, the AWS CLI or the console said
  aws logs filter-log-events, get-log-events, get-query-results (JSON); Logs Insights exports (JSON, CSV)
  subscription payloads, as sent or decoded, of Lambda, Kinesis or Firehose; exports to S3
  JSON Lines with `message` or `line`, and `stream` or `logStream` where there are several

--format json prints one object per line of input, in order; `--format schema` prints its JSON Schema.
Exit codes: 0 nothing was refused, 1 denials were found, 2 wrong usage, or a file that is missing or broken.";

const WHY_HELP: &str = "\
It asks EKS about the cluster and its access entries, and IAM about the principal, and changes nothing.

Permissions: eks:DescribeCluster, eks:DescribeAccessEntry, eks:ListAccessEntries, eks:ListAssociatedAccessPolicies,
iam:GetRole and iam:GetUser; what is not allowed is said and left out.

Exit codes: 0 the cluster lets it in, or that could not be told; 1 it does not; 2 wrong usage, or AWS can't be asked.

Examples:
  eks-access why arn:aws:iam::111122223333:role/DevRole --cluster prod --region eu-west-1
  kubectl -n kube-system get configmap aws-auth -o yaml | eks-access why ARN --cluster prod --aws-auth -";

/// Options of `why`.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The ARN of a role, user or session, with or without a role's path
    #[arg(value_name = "PRINCIPAL")]
    pub(crate) principal: Principal,
    /// The cluster
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: ClusterName,
    #[command(flatten)]
    pub(crate) account: Account,
    /// What kubectl prints of aws-auth, in a file or on standard input (`-`)
    #[arg(long, value_name = "FILE")]
    pub(crate) aws_auth: Option<PathBuf>,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ListFormat,
    /// Show every remedy, not only the first three
    #[arg(long)]
    pub(crate) all: bool,
    /// When to use colours
    #[arg(long, value_enum, default_value_t)]
    pub(crate) color: Color,
}

const DOCTOR_HELP: &str = "\
For each cluster: status, the authenticator's log, its group and subscription, authentication mode, endpoint, and access
entries (how many; of principals that are gone or were made anew; without rights; of nodes' roles; of administrators).
With --topic, whether anybody gets the notices; with --function or --stack, whether the responder failed. Each finding
comes with the commands that mend it; none is run.

Permissions: eks:DescribeCluster, eks:ListAccessEntries, eks:DescribeAccessEntry, eks:ListAssociatedAccessPolicies,
iam:GetRole, iam:GetUser, logs:DescribeLogGroups, logs:DescribeSubscriptionFilters, sns:GetTopicAttributes,
cloudwatch:GetMetricData. What is not allowed is told as unknown.

--format json prints one object; `--format schema` prints its JSON Schema.
Exit codes: 0 all is well, or not known; 1 warnings or errors, with --strict also what is not known; 2 wrong usage, a
cluster that does not exist, or no credentials.

Examples:
  eks-access doctor --cluster prod
  eks-access doctor --cluster prod --cluster staging --stack eks-access-responder --strict
  eks-access doctor --cluster prod --topic arn:aws:sns:eu-west-1:111122223333:eks-access --format json";

/// Options of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// A cluster; may be given several times, or with commas
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) cluster: Vec<ClusterName>,
    /// The responder's function, to which the log must lead
    #[arg(long, value_name = "NAME")]
    pub(crate) function: Option<String>,
    /// The responder's stack, whose subscription must be there
    #[arg(long, value_name = "NAME")]
    pub(crate) stack: Option<String>,
    /// The topic of the notices
    #[arg(long, value_name = "ARN")]
    pub(crate) topic: Option<String>,
    /// Fail on what is not known, too
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) account: Account,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

const ADMINS_HELP: &str = "\
It looks for the cluster's creator in CloudTrail (which keeps 90 days), lists the access entries with an administrator's
policy and whether IAM still has their principals, and asks CloudWatch Logs Insights who logged in as kubernetes-admin or
in the group system:masters. CloudWatch Logs charges for the bytes that the query reads; --no-logs leaves it out.

Permissions: eks:DescribeCluster, eks:ListAccessEntries, eks:DescribeAccessEntry, eks:ListAssociatedAccessPolicies,
iam:GetRole, iam:GetUser, cloudtrail:LookupEvents, logs:StartQuery, logs:GetQueryResults, logs:StopQuery,
logs:DescribeLogGroups. What is not allowed is said and left out.

Exit codes: 0 somebody administers the cluster, or that could not be told; 1 nobody is known to; 2 wrong usage, or nothing
could be found out.

Examples:
  eks-access admins --cluster prod
  eks-access admins --cluster prod --since 30d --region eu-west-1 --format json
  eks-access admins --cluster prod --no-logs";

/// Options of `admins`.
#[derive(Debug, Args)]
pub(crate) struct Admins {
    /// The cluster
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: ClusterName,
    /// How far to look back: a number and `h`, `d` or `w`
    #[arg(long, value_name = "TIME", default_value = "90d")]
    pub(crate) since: Span,
    /// The log group, if it is not /aws/eks/NAME/cluster
    #[arg(long, value_name = "NAME", conflicts_with = "no_logs")]
    pub(crate) log_group: Option<String>,
    /// Do not query the log, which costs money
    #[arg(long)]
    pub(crate) no_logs: bool,
    #[command(flatten)]
    pub(crate) account: Account,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ListFormat,
}

/// A span of time, as `90d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const RULE: &str =
            "it is a whole number and `h`, `d` or `w`, such as `90d`, of at most ten years";
        let hours = [('h', 1), ('d', 24), ('w', 24 * 7)]
            .iter()
            .find_map(|(unit, hours)| {
                let number: u64 = text.strip_suffix(*unit)?.parse().ok()?;
                number.checked_mul(*hours)
            });
        let hours = hours.filter(|hours| (1..=10 * 366 * 24).contains(hours));
        hours
            .map(|hours| Self(Duration::from_hours(hours)))
            .ok_or(RULE)
    }
}

const INCIDENTS_HELP: &str = "\
The first digits of an incident stand on its card in Slack; the machine form of a notice has all of them.
The stack's output `TableName` names the table.

Permissions: dynamodb:Scan on the table.

Exit codes: 0 none is open, 1 some are, 2 wrong usage, or the table does not answer.

Examples:
  eks-access incidents --table TABLE
  eks-access incidents --table TABLE --all --format json";

/// Options of `incidents`.
#[derive(Debug, Args)]
pub(crate) struct Incidents {
    /// The table of the stack
    #[arg(long, value_name = "NAME")]
    pub(crate) table: String,
    /// Also those that nobody was refused of for a day
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) account: Account,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ListFormat,
}

const MUTE_HELP: &str = "\
A muted incident is counted and told nobody of. Who muted it, and until when, is kept with it. It ends by itself.

Permissions: dynamodb:Scan and dynamodb:UpdateItem on the table.

Exit codes: 0 done, 2 wrong usage, no such incident, or the table does not answer.

Examples:
  eks-access mute 1a2b3c4d --table TABLE --for 8h
  eks-access mute 1a2b3c4d --table TABLE --off";

/// Options of `mute`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("how").required(true).args(["time", "off"]))]
pub(crate) struct Mute {
    /// The incident: its first digits, at least four
    #[arg(value_name = "INCIDENT", value_parser = incident)]
    pub(crate) incident: String,
    /// The table of the stack
    #[arg(long, value_name = "NAME")]
    pub(crate) table: String,
    /// For how long: a number and `h`, `d` or `w`
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) time: Option<Span>,
    /// End it now
    #[arg(long)]
    pub(crate) off: bool,
    #[command(flatten)]
    pub(crate) account: Account,
}

fn incident(text: &str) -> Result<String, &'static str> {
    let is_digit = |b: u8| b.is_ascii_digit() || matches!(b, b'a'..=b'f');
    if (4..=32).contains(&text.len()) && text.bytes().all(is_digit) {
        Ok(text.to_owned())
    } else {
        Err("it is an incident's id or at least four of its first digits, such as 1a2b3c4d")
    }
}

const SELF_TEST_HELP: &str = "\
It invokes the function with one denial of a role that nobody has, in a cluster `eks-access-self-test` that does not
exist, and reads in the function's own log whether SNS, and Slack if it is set up, took the notice. People who are
subscribed get that notice.

Permissions: lambda:InvokeFunction on the function.

Exit codes: 0 the notice went out, 1 it did not, 2 wrong usage, or the function can't be invoked.

Example:
  eks-access self-test --function \"$(aws cloudformation describe-stacks --stack-name eks-access-responder \\
    --query \"Stacks[0].Outputs[?OutputKey=='FunctionName'].OutputValue\" --output text)\"";

/// Options of `self-test`.
#[derive(Debug, Args)]
pub(crate) struct SelfTest {
    /// The function's name or ARN
    #[arg(long, value_name = "NAME")]
    pub(crate) function: String,
    #[command(flatten)]
    pub(crate) account: Account,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ListFormat,
}

const WHOAMI_HELP: &str = "\
It reads the kubeconfig and the AWS CLI's files, works out whose credentials kubectl's plugin takes, asks STS who they
are, and compares that with the cluster's access entries. It does not run the plugin and shows no key and no token.

Permissions: none for the identity (sts:AssumeRole if the plugin assumes a role); eks:DescribeCluster,
eks:DescribeAccessEntry, eks:ListAccessEntries, eks:ListAssociatedAccessPolicies, iam:GetRole and iam:GetUser for the
comparison; what is not allowed is said and left out.

Exit codes: 0 the cluster lets it in, or that could not be told; 1 it does not; 2 wrong usage, or no identity.

Examples:
  eks-access whoami --cluster prod
  eks-access whoami --cluster prod --region eu-west-1 --profile admin    # ask the cluster with these credentials
  eks-access whoami --context staging --format json";

/// Options of `whoami`.
#[derive(Debug, Args)]
pub(crate) struct Whoami {
    /// The cluster; without it, that of the context
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<ClusterName>,
    /// The context of the kubeconfig; without it, the one that leads to the cluster, or the current one
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// The kubeconfig, in place of KUBECONFIG and ~/.kube/config
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) account: Account,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ListFormat,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Files to read; `-` is standard input, which is also read when no file is named
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Take every line to be of this stream
    #[arg(long, value_enum)]
    pub(crate) stream: Option<StreamName>,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Print the notices instead, as one of their renderings
    #[arg(long, value_enum, conflicts_with = "format")]
    pub(crate) render: Option<Render>,
    /// Show every remedy, not only the first three
    #[arg(long)]
    pub(crate) all: bool,
    /// When to use colours
    #[arg(long, value_enum, default_value_t)]
    pub(crate) color: Color,
    /// Ask EKS and IAM, with your own credentials, why each principal is not let in; nothing is changed
    #[cfg_attr(not(feature = "live"), arg(hide = true))]
    #[arg(long)]
    pub(crate) live: bool,
    /// The profile whose credentials are used with `--live`, as with the AWS CLI
    #[cfg_attr(not(feature = "live"), arg(hide = true))]
    #[arg(long, value_name = "NAME", requires = "live")]
    pub(crate) profile: Option<String>,
    /// What kubectl prints of aws-auth, in a file: its rows are facts too
    #[arg(long, value_name = "FILE")]
    pub(crate) aws_auth: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) about: About,
}

/// What is known of the cluster.
#[derive(Debug, Args)]
pub(crate) struct About {
    /// The cluster's name, where the input does not tell it
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<ClusterName>,
    /// The cluster's Region
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<Region>,
    /// The cluster's account: principals of other accounts are then told apart
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<AccountId>,
    /// The cluster's authentication mode: CONFIG_MAP, API_AND_CONFIG_MAP or API
    #[arg(long, value_name = "MODE")]
    pub(crate) mode: Option<AuthenticationMode>,
}

impl About {
    /// The same as a cluster.
    pub(crate) fn cluster(&self) -> Cluster {
        Cluster {
            name: self.cluster.clone(),
            region: self.region.clone(),
            account: self.account.clone(),
            mode: self.mode,
        }
    }
}

/// With whose credentials, and where, AWS is asked.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Account {
    /// The profile whose credentials are used, as with the AWS CLI
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The cluster's Region, where the environment or the profile does not tell it
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<Region>,
}

/// Options of `cause`.
#[derive(Debug, Args)]
pub(crate) struct Cause {
    /// A cause, or a symptom, whose general cause is shown
    pub(crate) id: String,
}

/// Options of `causes`.
#[derive(Debug, Args)]
pub(crate) struct Causes {
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ListFormat,
}

/// Options of `pack`.
#[derive(Debug, Args)]
pub(crate) struct Pack {
    /// Files with one line each; `-` is standard input, which is also read when no file is named
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The cluster the lines are of
    #[arg(long, value_name = "NAME", default_value = "demo")]
    pub(crate) cluster: ClusterName,
    /// The cluster's account
    #[arg(long, value_name = "ID", default_value = "111122223333")]
    pub(crate) account: AccountId,
    /// The name of the log stream
    #[arg(
        long,
        value_name = "NAME",
        default_value = "authenticator-0123456789abcdef0123456789abcdef"
    )]
    pub(crate) log_stream: String,
}

/// A stream by name.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum StreamName {
    /// The authenticator's
    Authenticator,
    /// The Kubernetes audit log (lines are counted as other)
    Audit,
    /// The API server's (lines are counted as other)
    Apiserver,
    /// A terminal
    Client,
}

impl From<StreamName> for Stream {
    fn from(name: StreamName) -> Self {
        match name {
            StreamName::Authenticator => Self::Authenticator,
            StreamName::Audit => Self::Audit,
            StreamName::Apiserver => Self::ApiServer,
            StreamName::Client => Self::Client,
        }
    }
}

/// What `explain` prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// JSON: of `explain` one object per line of input, of others one in all
    Json,
    /// The JSON Schema of that
    Schema,
}

/// A rendering of notices.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Render {
    /// As in a terminal
    Text,
    /// The e-mail
    Email,
    /// The whole SNS publish
    Sns,
    /// The custom notification for Amazon Q Developer in chat applications
    Chat,
    /// The card in Slack: arguments of `chat.postMessage`, without a channel
    Slack,
}

/// What `causes` prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// For people
    #[default]
    Text,
    /// JSON
    Json,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Prints a completion script.
pub(crate) fn completions(shell: Shell) {
    clap_complete::generate(
        shell,
        &mut Arguments::command(),
        "eks-access",
        &mut std::io::stdout(),
    );
}
