//! What to do, by whom, with the exact commands.

use crate::cluster::AuthenticationMode;
use crate::symptom::Actor;

/// The tool a step is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tool {
    /// The AWS CLI, version 2.
    AwsCli,
    /// eksctl.
    Eksctl,
    /// Terraform with the AWS provider.
    Terraform,
    /// CloudFormation.
    CloudFormation,
    /// kubectl.
    Kubectl,
    /// Any other command of a POSIX shell.
    Shell,
}

impl Tool {
    /// The stable name in machine output.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::AwsCli => "aws-cli",
            Self::Eksctl => "eksctl",
            Self::Terraform => "terraform",
            Self::CloudFormation => "cloudformation",
            Self::Kubectl => "kubectl",
            Self::Shell => "shell",
        }
    }
}

/// One command line, kept in pieces so that it can be quoted and wrapped safely: an option and its value stay together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pieces: Vec<String>,
}

impl Command {
    /// A command of constant words, such as `aws eks describe-cluster`. Write a word that needs quoting with
    /// [`Command::arg`].
    #[must_use]
    pub fn new(constant: &'static str) -> Self {
        Self {
            pieces: vec![constant.to_owned()],
        }
    }

    /// Adds one word, quoted for a POSIX shell where it has to be.
    #[must_use]
    pub fn arg(mut self, word: &str) -> Self {
        self.pieces.push(quoted(word));
        self
    }

    /// Adds an option and its value.
    #[must_use]
    pub fn option(mut self, name: &'static str, value: &str) -> Self {
        self.pieces.push(format!("{name} {}", quoted(value)));
        self
    }

    /// Adds constant shell text as it is, such as `| jq -r .status`.
    #[must_use]
    pub fn then(mut self, constant: &'static str) -> Self {
        self.pieces.push(constant.to_owned());
        self
    }

    /// The command on one line.
    #[must_use]
    pub fn line(&self) -> String {
        self.pieces.join(" ")
    }

    /// The command wrapped to `width` columns with backslashes; an option stays with its value, and only what can't
    /// be broken sticks out.
    #[must_use]
    pub fn wrapped(&self, width: usize) -> String {
        let mut lines: Vec<String> = Vec::new();
        let mut current = String::new();
        for piece in &self.pieces {
            let fits = current.chars().count() + 1 + piece.chars().count() + 2 <= width;
            if current.is_empty() {
                current.push_str(piece);
            } else if fits {
                current.push(' ');
                current.push_str(piece);
            } else {
                lines.push(std::mem::replace(&mut current, format!("  {piece}")));
            }
        }
        lines.push(current);
        lines.join(" \\\n")
    }
}

fn quoted(word: &str) -> String {
    // A NUL byte can't be in a shell word; `try_quote` refuses it.
    let clean = word.replace('\0', "");
    shlex::try_quote(&clean).map_or_else(|_| "''".to_owned(), std::borrow::Cow::into_owned)
}

/// One step of a remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A command to run.
    Command(Tool, Command),
    /// A piece of a file: HCL for Terraform, YAML for kubectl.
    Snippet(Tool, String),
}

impl Step {
    /// The tool it is written for.
    #[must_use]
    pub fn tool(&self) -> Tool {
        match self {
            Self::Command(tool, _) | Self::Snippet(tool, _) => *tool,
        }
    }

    /// The text to paste, a command on one line.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Command(_, command) => command.line(),
            Self::Snippet(_, text) => text.clone(),
        }
    }
}

/// The authentication modes in which a remedy can work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Modes {
    /// It does not depend on the mode.
    Any,
    /// It needs access entries: `API` or `API_AND_CONFIG_MAP`.
    AccessEntries,
    /// It edits `aws-auth`: `CONFIG_MAP`, or `API_AND_CONFIG_MAP` for principals without an entry.
    AwsAuth,
}

impl Modes {
    /// The modes by name; empty when any will do.
    #[must_use]
    pub fn list(self) -> &'static [AuthenticationMode] {
        match self {
            Self::Any => &[],
            Self::AccessEntries => &[AuthenticationMode::Api, AuthenticationMode::ApiAndConfigMap],
            Self::AwsAuth => &[AuthenticationMode::ConfigMap],
        }
    }

    /// Whether it can work in a cluster of this mode; everything can where the mode is not known.
    #[must_use]
    pub fn allow(self, mode: Option<AuthenticationMode>) -> bool {
        match mode {
            None => true,
            Some(mode) => self.list().is_empty() || self.list().contains(&mode),
        }
    }
}

/// One thing to do, by whom, with its commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// One imperative sentence of ours, without a full stop.
    pub title: String,
    /// Who can do it.
    pub actor: Actor,
    /// Where it can work.
    pub modes: Modes,
    /// The steps, in order. Alternatives in other tools are remedies of their own.
    pub steps: Vec<Step>,
}

impl Remedy {
    /// A remedy without steps, which depends on no mode.
    #[must_use]
    pub fn new(actor: Actor, title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            actor,
            modes: Modes::Any,
            steps: Vec::new(),
        }
    }

    /// Says in which modes it can work.
    #[must_use]
    pub fn modes(mut self, modes: Modes) -> Self {
        self.modes = modes;
        self
    }

    /// Adds a command.
    #[must_use]
    pub fn command(mut self, tool: Tool, command: Command) -> Self {
        self.steps.push(Step::Command(tool, command));
        self
    }

    /// Adds a command of the AWS CLI.
    #[must_use]
    pub fn aws(self, command: Command) -> Self {
        self.command(Tool::AwsCli, command)
    }

    /// Adds a piece of a file.
    #[must_use]
    pub fn snippet(mut self, tool: Tool, text: impl Into<String>) -> Self {
        self.steps.push(Step::Snippet(tool, text.into()));
        self
    }
}
