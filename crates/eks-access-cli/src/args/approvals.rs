//! The commands that ask the approver: who wants in, and yes or no.

use std::str::FromStr;

use clap::{Args, Subcommand};
use eks_access::access::RequestId;
use eks_access::cluster::ClusterName;
use eks_access::policy::{AccessPolicy, Namespace};

use super::{Account, ListFormat};

/// What to ask of the approver.
#[derive(Debug, Subcommand)]
pub(crate) enum Approvals {
    /// List the requests for access that wait for an answer
    #[command(after_help = REQUESTS_HELP)]
    #[cfg_attr(not(feature = "live"), command(hide = true))]
    Requests(List),
    /// Show a request, and what became of it
    #[command(after_help = SHOW_HELP)]
    #[cfg_attr(not(feature = "live"), command(hide = true))]
    Show(One),
    /// Say yes to a request
    #[command(after_help = APPROVE_HELP)]
    #[cfg_attr(not(feature = "live"), command(hide = true))]
    Approve(Approve),
    /// Say no to a request
    #[command(after_help = DENY_HELP)]
    #[cfg_attr(not(feature = "live"), command(hide = true))]
    Deny(Decide),
    /// List the access that was granted and is there still
    #[command(after_help = GRANTS_HELP)]
    #[cfg_attr(not(feature = "live"), command(hide = true))]
    Grants(List),
    /// Ask for more time for a grant; somebody else approves it
    #[command(after_help = EXTEND_HELP)]
    #[cfg_attr(not(feature = "live"), command(hide = true))]
    Extend(Extend),
    /// End a grant early
    #[command(after_help = REVOKE_HELP)]
    #[cfg_attr(not(feature = "live"), command(hide = true))]
    Revoke(Decide),
    /// Show the whole story of a request or grant, from the audit
    #[command(after_help = HISTORY_HELP)]
    #[cfg_attr(not(feature = "live"), command(hide = true))]
    History(One),
    /// Let somebody in at once, in an emergency; everybody is told, and it is reviewed
    #[command(after_help = BREAK_GLASS_HELP)]
    #[cfg_attr(not(feature = "live"), command(hide = true))]
    BreakGlass(BreakGlass),
    /// Say that you looked at a break-glass of somebody else
    #[command(after_help = REVIEW_HELP)]
    #[cfg_attr(not(feature = "live"), command(hide = true))]
    Review(Decide),
}

/// The same end of every help text.
macro_rules! help {
    ($text:literal) => {
        concat!(
            $text,
            "\n\n",
            "Requests are signed with your own AWS credentials, and go to the stack's output `ApprovalsUrl`: give it \
             with --api, or set EKS_ACCESS_API. --format json prints what the approver answers.\n\n",
            "Permissions: execute-api:Invoke on the stack's output `ApproversMay`; who may do what is in the \
             guardrails.\n\n",
            "Exit codes: 0 done; 1 the approver refused it, and says why; 2 wrong usage, or the approver can't be \
             asked."
        )
    };
}

const REQUESTS_HELP: &str = help!(
    "\
Examples:
  eks-access requests
  eks-access requests --api https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com --format json"
);

const SHOW_HELP: &str = help!(
    "\
Example:
  eks-access show 0123456789abcdef"
);

const APPROVE_HELP: &str = help!(
    "\
It shows the request and what you are about to say yes to, and asks for a typed `yes`; without a terminal, say \
--yes. What the options leave open is what others said yes to already, or else the least that the guardrails offer: \
AmazonEKSViewPolicy, and the namespace if there is one only.

Examples:
  eks-access approve 0123456789abcdef
  eks-access approve 0123456789abcdef --namespaces shop,web --for 2h --reason 'incident 4711'
  eks-access approve 0123456789abcdef --policy AmazonEKSEditPolicy --reason 'see 4711' --yes"
);

const DENY_HELP: &str = help!(
    "\
One no is enough. Whoever asked reads the reason.

Example:
  eks-access deny 0123456789abcdef --reason 'nobody on the team knows this role'"
);

const GRANTS_HELP: &str = help!(
    "\
Examples:
  eks-access grants
  eks-access grants --format json"
);

const EXTEND_HELP: &str = help!(
    "\
The time counts from when somebody says yes. Until then the grant keeps its end.

Example:
  eks-access extend 0123456789abcdef --for 1h --reason 'the migration takes longer'"
);

const REVOKE_HELP: &str = help!(
    "\
Whose grant it is may end it, and whoever may approve it. The access entry goes within a minute; a connection that \
is open, such as that of `kubectl exec`, is not cut.

Example:
  eks-access revoke 0123456789abcdef --reason 'done'"
);

const HISTORY_HELP: &str = help!(
    "\
Example:
  eks-access history 0123456789abcdef --format json"
);

const BREAK_GLASS_HELP: &str = help!(
    "\
Only whom the guardrails name under [break_glass] can do this, and only within its limits. Nobody has to say yes. \
Everybody is told, and somebody else has to say `eks-access review` afterwards.

Example:
  eks-access break-glass --cluster prod --principal arn:aws:iam::111122223333:role/on-call \\
    --policy AmazonEKSEditPolicy --namespaces shop --for 30m --reason 'checkout is down (4711)'"
);

const REVIEW_HELP: &str = help!(
    "\
Example:
  eks-access review 0123456789abcdef --reason 'read the audit log: all of it belongs to 4711'"
);

/// Where the approver is, and as whom it is asked.
#[derive(Debug, Args)]
pub(crate) struct Api {
    #[arg(
        long = "api",
        value_name = "URL",
        help = "The address of the approver's API, in place of EKS_ACCESS_API"
    )]
    pub(crate) url: Option<String>,
    #[command(flatten)]
    pub(crate) account: Account,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ListFormat,
}

/// Options of `requests` and `grants`.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) api: Api,
}

/// Options of `show` and `history`.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// The request: 16 hexadecimal digits
    #[arg(value_name = "ID")]
    pub(crate) id: RequestId,
    #[command(flatten)]
    pub(crate) api: Api,
}

/// Options of `deny`, `revoke` and `review`.
#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// The request: 16 hexadecimal digits
    #[arg(value_name = "ID")]
    pub(crate) id: RequestId,
    #[command(flatten)]
    pub(crate) why: Why,
    #[command(flatten)]
    pub(crate) api: Api,
}

/// Why.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// Why, for those who read the audit; on a terminal it is asked for
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// Options of `approve`.
#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The request: 16 hexadecimal digits
    #[arg(value_name = "ID")]
    pub(crate) id: RequestId,
    #[arg(
        long,
        value_name = "NAME",
        help = "AmazonEKSViewPolicy or AmazonEKSEditPolicy"
    )]
    pub(crate) policy: Option<AccessPolicy>,
    /// The namespaces, with commas between them
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) namespaces: Vec<Namespace>,
    /// For how long: a number and `m`, `h` or `d`
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) time: Option<Time>,
    #[command(flatten)]
    pub(crate) why: Why,
    /// Do not ask whether it is meant
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) api: Api,
}

/// Options of `extend`.
#[derive(Debug, Args)]
pub(crate) struct Extend {
    /// The grant: 16 hexadecimal digits
    #[arg(value_name = "ID")]
    pub(crate) id: RequestId,
    /// For how long: a number and `m`, `h` or `d`
    #[arg(long = "for", value_name = "TIME", default_value = "1h")]
    pub(crate) time: Time,
    #[command(flatten)]
    pub(crate) why: Why,
    #[command(flatten)]
    pub(crate) api: Api,
}

/// Options of `break-glass`.
#[derive(Debug, Args)]
pub(crate) struct BreakGlass {
    /// The cluster
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: ClusterName,
    /// Who is to be let in: the ARN of a role, with its path, or of a user
    #[arg(long, value_name = "ARN")]
    pub(crate) principal: String,
    #[arg(
        long,
        value_name = "NAME",
        default_value = "AmazonEKSViewPolicy",
        help = "AmazonEKSViewPolicy or AmazonEKSEditPolicy"
    )]
    pub(crate) policy: AccessPolicy,
    /// The namespaces, with commas between them
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true)]
    pub(crate) namespaces: Vec<Namespace>,
    /// For how long: a number and `m`, `h` or `d`
    #[arg(long = "for", value_name = "TIME", default_value = "1h")]
    pub(crate) time: Time,
    #[command(flatten)]
    pub(crate) why: Why,
    /// Do not ask whether it is meant
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) api: Api,
}

/// A time as `30m`, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) u64);

impl FromStr for Time {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)]
            .iter()
            .find_map(|(unit, seconds)| {
                let number = text.strip_suffix(unit)?;
                let is_number = number.bytes().all(|b| b.is_ascii_digit());
                let number: u64 = number.parse().ok().filter(|_| is_number)?;
                number.checked_mul(*seconds)
            });
        let seconds = seconds.filter(|seconds| (1..=366 * 86_400).contains(seconds));
        seconds
            .map(Self)
            .ok_or("it is a whole number and `m`, `h` or `d`, such as `90m`")
    }
}
