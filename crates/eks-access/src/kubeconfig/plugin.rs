//! What an `exec` block runs, and whom it makes the caller.

use super::Exec;

/// A program that makes tokens for EKS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `aws eks get-token`.
    AwsCli,
    /// `aws-iam-authenticator token`, with the AWS SDK for Go.
    Authenticator,
    /// Another one, whose rules are not known here.
    Other,
}

/// An `exec` block, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// The program.
    pub program: Program,
    /// The cluster it makes tokens for.
    pub cluster: Option<String>,
    /// The Region it asks STS in.
    pub region: Option<String>,
    /// The role it assumes before it signs.
    pub role: Option<String>,
    /// The name of that role's session.
    pub session: Option<String>,
    /// The external id that it assumes the role with.
    pub external_id: Option<String>,
    /// The profile that its arguments name, which only the AWS CLI can be told so.
    pub profile: Option<String>,
    /// Whether the block is of `v1alpha1`, which kubectl 1.24 and later refuse (Kubernetes changelog, 1.24).
    pub is_alpha: bool,
}

impl Plugin {
    /// Reads an `exec` block. Options are those of `aws eks get-token` (awscli, `customizations/eks/get_token.py`) and
    /// of `aws-iam-authenticator token` (`cmd/aws-iam-authenticator/token.go`).
    #[must_use]
    pub fn of(exec: &Exec) -> Self {
        let program = program(exec);
        let option = |names: &[&str]| option(&exec.args, names);
        let (cluster, role): (&[&str], &[&str]) = match program {
            Program::AwsCli => (&["--cluster-name", "--cluster-id"], &["--role-arn"]),
            Program::Authenticator => (&["--cluster-id", "-i"], &["--role", "-r"]),
            Program::Other => (
                &["--cluster-name", "--cluster-id", "-i"],
                &["--role-arn", "--role", "-r"],
            ),
        };
        Self {
            program,
            cluster: option(cluster),
            region: option(&["--region"]),
            role: option(role),
            session: option(&["--session-name", "-s"]),
            external_id: option(&["--external-id", "-e"]),
            profile: option(&["--profile"]),
            is_alpha: exec.api_version.ends_with("/v1alpha1"),
        }
    }
}

impl Plugin {
    /// The name of the session in which it assumes the role (awscli, `get_token.py`; the authenticator's SDK makes one up
    /// of the time).
    #[must_use]
    pub fn session_name(&self) -> &str {
        self.session.as_deref().unwrap_or("EKSGetTokenAuth")
    }
}

fn program(exec: &Exec) -> Program {
    let file = exec.command.rsplit(['/', '\\']).next().unwrap_or_default();
    let has = |word: &str| exec.args.iter().any(|arg| arg == word);
    match file.strip_suffix(".exe").unwrap_or(file) {
        "aws" if has("eks") && has("get-token") => Program::AwsCli,
        "aws-iam-authenticator" | "heptio-authenticator-aws" if has("token") => {
            Program::Authenticator
        }
        _ => Program::Other,
    }
}

/// The value of an option, as a word of its own or behind `=`; of several the last, as both programs have it.
fn option(args: &[String], names: &[&str]) -> Option<String> {
    let mut value = None;
    for (index, arg) in args.iter().enumerate() {
        let found = names.iter().find_map(|name| {
            if arg == name {
                return args.get(index + 1).map(String::as_str);
            }
            arg.strip_prefix(name)?.strip_prefix('=')
        });
        value = found.or(value);
    }
    value.filter(|value| !value.is_empty()).map(str::to_owned)
}
