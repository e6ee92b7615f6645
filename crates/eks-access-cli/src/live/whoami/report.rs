//! What `whoami` says.

use std::fmt::Write as _;

use eks_access::cluster::{Cluster, Region};
use eks_access::facts::{Facts, Unknown};
use eks_access::kubeconfig::{Context, Exec, Plugin, Program};
use eks_access::principal::Principal;
use eks_access::remedy::Command;
use eks_access::whoami::{Candidate, Source, Verdict};
use eks_access_aws::laptop::Refused;
use eks_access_aws::laptop::identity::Caller;
use serde_json::{Value, json};

use crate::live::{fact, shown};
use crate::output::Error;

/// Everything that was found out.
pub(super) struct Report<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) is_current: bool,
    pub(super) current: Option<String>,
    pub(super) cluster: Cluster,
    pub(super) exec: &'a Exec,
    pub(super) plugin: &'a Plugin,
    pub(super) candidates: Vec<Candidate>,
    pub(super) kubectl: Option<Result<Caller, Refused>>,
    pub(super) plain_candidates: Vec<Candidate>,
    pub(super) plain: Option<Result<Caller, Refused>>,
    pub(super) facts: Facts,
    pub(super) verdict: Option<Verdict>,
}

/// The principal of a caller, or its ARN if EKS can map nothing of the kind.
fn name(caller: &Caller) -> String {
    let principal = caller.principal.as_ref().map(ToString::to_string);
    principal.unwrap_or_else(|| caller.arn.shown(300))
}

fn outcome(of: Option<&Result<Caller, Refused>>) -> String {
    match of {
        None => "nobody: there are no credentials".to_owned(),
        Some(Ok(caller)) => name(caller),
        Some(Err(refused)) => format!("unknown: {refused}"),
    }
}

impl Report<'_> {
    pub(super) fn is_refused(&self) -> bool {
        self.verdict.as_ref().is_some_and(Verdict::is_refused)
    }

    /// Whether EKS knows no cluster of this name.
    pub(super) fn names_wrong_cluster(&self) -> bool {
        self.verdict == Some(Verdict::Unknown(Unknown::NoSuchCluster))
    }

    pub(super) fn wrong_cluster(&self) -> Error {
        Error::Ask(format!(
            "EKS has no cluster `{}` in {} of that account; see --cluster, --region and --profile",
            self.cluster.title(),
            self.cluster.region_or_placeholder()
        ))
    }

    fn principal(&self) -> Option<&Principal> {
        self.kubectl.as_ref()?.as_ref().ok()?.principal.as_ref()
    }

    /// Whether the plain AWS CLI is somebody else than kubectl. A session of the same role is the same to EKS.
    fn is_plain_another(&self) -> Option<bool> {
        let plain = self.plain.as_ref()?.as_ref().ok()?;
        let kubectl = self.kubectl.as_ref()?.as_ref().ok()?;
        Some(name(plain) != name(kubectl))
    }

    fn program(&self) -> String {
        let alpha = if self.plugin.is_alpha {
            "; its apiVersion is v1alpha1, which kubectl 1.24 and later refuse"
        } else {
            ""
        };
        let program = match self.plugin.program {
            Program::AwsCli => "aws eks get-token".to_owned(),
            Program::Authenticator => "aws-iam-authenticator token".to_owned(),
            Program::Other => format!(
                "{}, whose rules are not known here; what follows holds if it does as the AWS CLI does",
                shown(&self.exec.command)
            ),
        };
        format!("{program}{alpha}")
    }

    /// The report for people.
    pub(super) fn text(&self, columns: usize) -> String {
        let mut out = format!(
            "{}: kubectl calls as {}\n\n",
            self.cluster.title(),
            outcome(self.kubectl.as_ref())
        );
        let mut line = |name: &str, value: &str| fact(&mut out, name, value, columns);
        line("context", &self.context_line());
        line("plugin", &self.program());
        let winner = self.candidates.iter().find(|one| one.ignored.is_none());
        let takes = winner.map_or_else(
            || "nothing: no source has credentials".to_owned(),
            |one| shown(&one.what),
        );
        line("takes", &takes);
        if let Some(role) = &self.plugin.role {
            let session = self.plugin.session_name();
            line(
                "then",
                &format!("assumes {} (session {})", shown(role), shown(session)),
            );
        }
        if let Some(Ok(caller)) = &self.kubectl {
            line("STS says", &caller.arn.shown(300));
        }
        for one in &self.candidates {
            if let Some(why) = one.ignored {
                line("ignored", &format!("{}; because {why}", shown(&one.what)));
            }
        }
        line("AWS CLI", &self.plain_line());
        let sentences = self.sentences();
        if !sentences.is_empty() {
            out.push('\n');
        }
        for sentence in sentences {
            out.push_str(&crate::live::wrapped(&sentence, columns, ""));
        }
        let next = self.next();
        if !next.is_empty() {
            out.push_str("\nNext\n");
            for (title, command) in next {
                let _ = write!(out, "\n{}", crate::live::wrapped(&title, columns, "  "));
                if let Some(command) = command {
                    for line in command.wrapped(columns.saturating_sub(6)).lines() {
                        let _ = writeln!(out, "      {line}");
                    }
                }
            }
        }
        out
    }

    fn context_line(&self) -> String {
        let name = shown(self.context.name);
        match &self.current {
            _ if self.is_current => format!("{name}, the current one"),
            Some(current) => format!(
                "{name}; but the current one is {}, so kubectl calls another cluster or user without --context",
                shown(current)
            ),
            None => format!("{name}; none is current"),
        }
    }

    fn plain_line(&self) -> String {
        let who = outcome(self.plain.as_ref());
        match self.is_plain_another() {
            Some(true) => format!(
                "without kubectl you are {who}: somebody else, so what the AWS CLI may do says nothing of kubectl"
            ),
            Some(false) => "the same identity without kubectl".to_owned(),
            None => format!("without kubectl you are {who}"),
        }
    }

    /// What the cluster makes of it.
    fn sentences(&self) -> Vec<String> {
        let Some(verdict) = &self.verdict else {
            return Vec::new();
        };
        let mut sentences = vec![format!("{}.", verdict.sentence(&self.facts))];
        for miss in verdict.near() {
            let gone = if miss.exists.known() == Some(&false) {
                ", which IAM has no more"
            } else {
                ""
            };
            sentences.push(format!(
                "There is an entry for {}{gone}: {}.",
                miss.entry,
                miss.near.words()
            ));
        }
        for (what, why) in self.facts.unanswered() {
            sentences.push(format!("Not known: {what}; {}.", why.reason()));
        }
        sentences
    }

    fn next(&self) -> Vec<(String, Option<Command>)> {
        let mut next = Vec::new();
        if matches!(&self.kubectl, Some(Err(_)) | None) {
            let winner = self.candidates.iter().find(|one| one.ignored.is_none());
            if let Some(Source::Profile(name)) = winner.map(|one| &one.source) {
                // A name that would not be shown as it is stands in no command either.
                let name = Some(name.as_str()).filter(|name| shown(*name) == **name);
                let command = Command::new("aws sts get-caller-identity")
                    .option("--profile", name.unwrap_or("PROFILE"));
                next.push(("See what is wrong with the profile; if it is of IAM Identity Center, sign in with `aws sso login`".to_owned(), Some(command)));
            }
        }
        if self.is_plain_another() == Some(true) {
            next.push((
                "To let kubectl call as your AWS CLI does, write the context anew, without role or profile, in the shell \
                 that has those credentials".to_owned(),
                Some(
                    Command::new("aws eks update-kubeconfig")
                        .option("--name", self.cluster.name_or_placeholder())
                        .option("--region", self.cluster.region_or_placeholder()),
                ),
            ));
        }
        if self.plugin.is_alpha {
            next.push(("The plugin's apiVersion is too old: update the AWS CLI and write the context anew with `aws eks \
                update-kubeconfig`".to_owned(), None));
        }
        if let (Some(verdict), Some(principal)) = (&self.verdict, self.principal())
            && !matches!(verdict, Verdict::LetIn | Verdict::Unknown(_))
        {
            let command = Command::new("eks-access why")
                .arg(&principal.to_string())
                .option("--cluster", self.cluster.name_or_placeholder())
                .option("--region", self.cluster.region_or_placeholder());
            next.push((
                "See why, and the commands that help".to_owned(),
                Some(command),
            ));
        }
        next
    }

    /// The report for machines: one object.
    pub(super) fn json(&self) -> Value {
        let side = |of: &Option<Result<Caller, Refused>>, candidates: &[Candidate]| {
            let sources: Vec<Value> = candidates.iter().map(source).collect();
            match of {
                Some(Ok(caller)) => json!({
                    "principal": caller.principal.as_ref().map(ToString::to_string),
                    "arn": caller.arn.shown(2048),
                    "sources": sources,
                }),
                Some(Err(refused)) => {
                    json!({"principal": null, "error": refused.to_string(), "sources": sources})
                }
                None => json!({"principal": null, "error": "no credentials", "sources": sources}),
            }
        };
        json!({
            "cluster": self.cluster.name.as_ref().map(ToString::to_string),
            "region": self.cluster.region.as_ref().map(Region::as_str),
            "context": {"name": shown(self.context.name), "current": self.is_current},
            "plugin": {
                "program": match self.plugin.program {
                    Program::AwsCli => "aws",
                    Program::Authenticator => "aws-iam-authenticator",
                    Program::Other => "other",
                },
                "role": self.plugin.role.as_deref().map(shown),
                "v1alpha1": self.plugin.is_alpha,
            },
            "kubectl": side(&self.kubectl, &self.candidates),
            "aws_cli": side(&self.plain, &self.plain_candidates),
            "same": self.is_plain_another().map(|is_another| !is_another),
            "verdict": self.verdict.as_ref().map(Verdict::slug),
            "let_in": self.verdict.as_ref().and_then(Verdict::is_let_in),
            "near": self.verdict.iter().flat_map(Verdict::near).map(|miss| json!({
                "principal": miss.entry.to_string(),
                "difference": miss.near.words(),
            })).collect::<Vec<_>>(),
            "unknown": self.facts.unanswered().into_iter().map(|(what, why)| json!({
                "what": what,
                "why": why.slug(),
                "permission": why.permission().map(eks_access::facts::Permission::action),
            })).collect::<Vec<_>>(),
        })
    }
}

fn source(candidate: &Candidate) -> Value {
    json!({
        "kind": candidate.source.slug(),
        "what": shown(&candidate.what),
        "wins": candidate.ignored.is_none(),
        "ignored_because": candidate.ignored,
    })
}
