//! Whose credentials a program takes, of all that lie about; and whether a cluster lets that identity in.
//!
//! The rules are those of the programs themselves: the AWS CLI version 2 (user guide, "Configuration and credentials
//! precedence"; awscli, `botocore/credentials.py`, `create_credential_resolver()`, and `botocore/configprovider.py`), and
//! the AWS SDK for Go that aws-iam-authenticator uses (`aws/session`, `resolveCredentials()`).

use std::collections::BTreeMap;

use crate::kubeconfig::Program;

mod profiles;
mod verdict;

pub use profiles::{Kind, Profile, Profiles};
pub use verdict::{Verdict, verdict};

/// Who set a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The shell that kubectl is started from.
    Shell,
    /// The kubeconfig, for the program only.
    Kubeconfig,
}

impl Origin {
    fn words(self) -> &'static str {
        match self {
            Self::Shell => "the shell's environment",
            Self::Kubeconfig => "the kubeconfig's `env`",
        }
    }
}

/// The variables that a program sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    seen: BTreeMap<String, (String, Origin)>,
    /// Variables of the shell that the kubeconfig sets anew.
    hidden: BTreeMap<String, String>,
}

impl Environment {
    /// What the shell has, and what the kubeconfig sets for the program: that wins, and where it is empty, the program
    /// sees nothing.
    pub fn new<'a>(
        shell: &BTreeMap<String, String>,
        kubeconfig: impl IntoIterator<Item = &'a (String, String)>,
    ) -> Self {
        let mut environment = Self::default();
        for (name, value) in shell.iter().filter(|(_, value)| !value.is_empty()) {
            let value = (value.clone(), Origin::Shell);
            environment.seen.insert(name.clone(), value);
        }
        for (name, value) in kubeconfig {
            let before = if value.is_empty() {
                environment.seen.remove(name)
            } else {
                let value = (value.clone(), Origin::Kubeconfig);
                environment.seen.insert(name.clone(), value)
            };
            if let Some((value, Origin::Shell)) = before {
                environment.hidden.insert(name.clone(), value);
            }
        }
        environment
    }

    /// A variable's value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.seen.get(name).map(|(value, _)| value.as_str())
    }

    /// Whether the kubeconfig sets a variable, and not the shell.
    #[must_use]
    pub fn is_of_kubeconfig(&self, name: &str) -> bool {
        matches!(self.seen.get(name), Some((_, Origin::Kubeconfig)))
    }

    fn origin(&self, name: &str) -> &'static str {
        self.seen
            .get(name)
            .map_or("nowhere", |(_, origin)| origin.words())
    }
}

/// Where credentials come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A profile of the AWS CLI's files.
    Profile(String),
    /// `AWS_ACCESS_KEY_ID` and its secret.
    Keys,
    /// `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`.
    WebIdentity,
    /// The container's role (ECS, EKS Pod Identity).
    Container,
    /// The instance's role, from the instance's metadata.
    Instance,
}

impl Source {
    /// The stable name in machine output.
    #[must_use]
    pub fn slug(&self) -> &'static str {
        match self {
            Self::Profile(_) => "profile",
            Self::Keys => "environment-keys",
            Self::WebIdentity => "web-identity",
            Self::Container => "container",
            Self::Instance => "instance",
        }
    }
}

/// A place that has, or seems to have, credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What it is, for people. Names of profiles and paths in it are text of others.
    pub what: String,
    /// Where the credentials are.
    pub source: Source,
    /// Why the program does not take them; `None` for the one that wins.
    pub ignored: Option<&'static str>,
}

/// What decides whose credentials a program takes.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The program.
    pub program: Program,
    /// The profile that its arguments name.
    pub named: Option<&'a str>,
    /// Its variables.
    pub environment: &'a Environment,
    /// The AWS CLI's files.
    pub profiles: &'a Profiles,
}

const BY_NAMED: &str = "a profile that is named on the command line counts more";
const BY_KEYS: &str = "keys in the environment count more";
const BY_ROLE: &str = "a profile that assumes a role counts more";
const BY_TOKEN: &str = "a web identity token in the environment counts more";
const BY_PROFILE: &str = "the profile has credentials and counts more";
const BY_CONTAINER: &str = "the container's credentials count more";
const BY_KUBECONFIG: &str = "the kubeconfig sets the same variable for the program";
const BY_AWS_PROFILE: &str = "AWS_PROFILE counts more";
const BY_DEFAULT_PROFILE: &str = "AWS_DEFAULT_PROFILE counts more in version 1 of the AWS CLI only";

/// The variables that name a profile, the one that counts more first (awscli 2, `botocore/configprovider.py`; version 1
/// turns them round).
const PROFILE_VARIABLES: [&str; 2] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];
/// Variables of the container's credentials.
const CONTAINER_VARIABLES: [&str; 2] = [
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

impl Situation<'_> {
    /// Every place with credentials, the one that wins first. Empty if there is none.
    #[must_use]
    pub fn candidates(&self) -> Vec<Candidate> {
        let mut found = match self.named {
            Some(name) => self.with_named(name),
            None => self.in_order(),
        };
        found.extend(self.unheard());
        found
    }

    fn with_named(&self, name: &str) -> Vec<Candidate> {
        let what = format!("profile `{name}`, from `--profile`{}", self.about(name));
        let mut found = vec![Candidate {
            what,
            source: Source::Profile(name.to_owned()),
            ignored: None,
        }];
        let others = self.in_order().into_iter().map(|other| Candidate {
            ignored: Some(BY_NAMED),
            ..other
        });
        let is_the_same = |other: &Candidate| other.source == Source::Profile(name.to_owned());
        found
            .extend(others.filter(|other| !is_the_same(other) && other.source != Source::Instance));
        found
    }

    /// The profile that the variables name, and which of them does.
    fn profile_variable(&self) -> Option<(&'static str, &str)> {
        PROFILE_VARIABLES
            .into_iter()
            .find_map(|name| Some((name, self.environment.get(name)?)))
    }

    /// The order without a profile on the command line.
    fn in_order(&self) -> Vec<Candidate> {
        let by_variable = self.profile_variable();
        let name = by_variable.map_or("default", |(_, name)| name);
        let kind = self.profiles.get(name).map(Profile::kind);
        let profile = || {
            let from = by_variable.map_or_else(
                || ", because nothing names another".to_owned(),
                |(variable, _)| {
                    format!(", from {variable} in {}", self.environment.origin(variable))
                },
            );
            let what = format!("profile `{name}`{from}{}", self.about(name));
            (
                Source::Profile(name.to_owned()),
                what,
                profile_reason(kind.as_ref()),
            )
        };
        // The AWS CLI does not start with a profile that is in none of its files, whatever else there is.
        let is_missing = kind.is_none() && by_variable.is_some();
        let assumes = matches!(kind, Some(Kind::AssumeRole { .. }));
        let is_go = self.program == Program::Authenticator;
        let mut order: Vec<(Source, String, &'static str)> = Vec::new();
        if is_missing && !is_go {
            order.push(profile());
        }
        order.extend(self.keys());
        if assumes && !is_go {
            order.push(profile());
        }
        order.extend(self.web_identity());
        let has_credentials = kind.as_ref().is_some_and(|kind| *kind != Kind::Nothing);
        let is_listed = order
            .iter()
            .any(|(source, ..)| matches!(source, Source::Profile(_)));
        if (has_credentials || is_missing) && !is_listed {
            order.push(profile());
        }
        order.extend(self.container());
        if order.is_empty() && self.environment.get("AWS_EC2_METADATA_DISABLED") != Some("true") {
            let what = "the instance's role, for nothing else has credentials".to_owned();
            order.push((Source::Instance, what, ""));
        }
        ranked(order)
    }

    fn about(&self, name: &str) -> String {
        let known = self.profiles.get(name).map(Profile::kind);
        known.map_or_else(
            || " (there is no such profile in the AWS CLI's files)".to_owned(),
            |kind| format!(" ({})", kind.words()),
        )
    }

    fn keys(&self) -> Option<(Source, String, &'static str)> {
        const NAME: &str = "AWS_ACCESS_KEY_ID";
        self.environment.get(NAME)?;
        let lacks = match self.environment.get("AWS_SECRET_ACCESS_KEY") {
            Some(_) => "",
            None => " (AWS_SECRET_ACCESS_KEY is not set, so the program stops here)",
        };
        let from = self.environment.origin(NAME);
        Some((Source::Keys, format!("{NAME} in {from}{lacks}"), BY_KEYS))
    }

    fn web_identity(&self) -> Option<(Source, String, &'static str)> {
        const NAME: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
        self.environment.get(NAME)?;
        let role = self.environment.get("AWS_ROLE_ARN")?;
        let from = self.environment.origin(NAME);
        let what = format!("{NAME} in {from}, for the role {role}");
        Some((Source::WebIdentity, what, BY_TOKEN))
    }

    fn container(&self) -> Option<(Source, String, &'static str)> {
        let name = CONTAINER_VARIABLES
            .into_iter()
            .find(|name| self.environment.get(name).is_some())?;
        let from = self.environment.origin(name);
        Some((Source::Container, format!("{name} in {from}"), BY_CONTAINER))
    }

    /// What looks as if it counted, and does not: variables that others hide.
    fn unheard(&self) -> Vec<Candidate> {
        let profile = |variable: &str, name: &str, from: Origin, why| Candidate {
            what: format!("profile `{name}`, from {variable} in {}", from.words()),
            source: Source::Profile(name.to_owned()),
            ignored: Some(why),
        };
        let mut unheard = Vec::new();
        for variable in PROFILE_VARIABLES {
            if let Some(name) = self.environment.hidden.get(variable) {
                unheard.push(profile(variable, name, Origin::Shell, BY_KUBECONFIG));
            }
        }
        if self.environment.hidden.contains_key("AWS_ACCESS_KEY_ID") {
            unheard.push(Candidate {
                what: format!("AWS_ACCESS_KEY_ID in {}", Origin::Shell.words()),
                source: Source::Keys,
                ignored: Some(BY_KUBECONFIG),
            });
        }
        let [first, second] = PROFILE_VARIABLES;
        let both = (
            self.environment.get(first),
            self.environment.seen.get(second),
        );
        if let (Some(winner), Some((name, from))) = both
            && winner != name
        {
            let why = if self.program == Program::AwsCli {
                BY_DEFAULT_PROFILE
            } else {
                BY_AWS_PROFILE
            };
            unheard.push(profile(second, name, *from, why));
        }
        unheard
    }
}

/// Why what comes after a profile is not taken.
fn profile_reason(kind: Option<&Kind>) -> &'static str {
    match kind {
        Some(Kind::AssumeRole { .. }) => BY_ROLE,
        Some(_) => BY_PROFILE,
        None => "the program stops at a profile that does not exist",
    }
}

/// The first wins; each other one is ignored because of the first.
fn ranked(order: Vec<(Source, String, &'static str)>) -> Vec<Candidate> {
    let winner = order.first().map(|(_, _, reason)| *reason);
    order
        .into_iter()
        .enumerate()
        .map(|(index, (source, what, _))| Candidate {
            what,
            source,
            ignored: if index == 0 { None } else { winner },
        })
        .collect()
}

#[cfg(test)]
mod tests;
