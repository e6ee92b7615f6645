//! A cause's page, and the index of all, as Markdown.

use std::fmt::Write as _;

use crate::catalogue::{CAUSES, Case, Cause, Claim, Detail, Tier, find};
use crate::cluster::Cluster;
use crate::example::worlds;
use crate::facts::NO_FACTS;
use crate::principal::Principal;
use crate::remedy::{Modes, Remedy, Step, Tool};
use crate::symptom::Symptom;

/// How wide commands are written.
const WIDTH: usize = 100;

/// The page of a cause, as it stands in `docs/causes/ID.md`.
#[must_use]
pub fn markdown(cause: &Cause) -> String {
    let mut page = String::new();
    let symptoms: Vec<String> = cause
        .symptoms
        .iter()
        .map(|symptom| format!("`{symptom}`"))
        .collect();
    let page_of = cause.page;
    let place = if cause.symptoms.iter().all(|symptom| symptom.is_client()) {
        "What you see"
    } else {
        "In the log"
    };
    let example = cause.examples.first().map_or("", |example| example.line);
    let _ = write!(
        page,
        "# {}\n\n{}\n\n| | |\n|---|---|\n| Cause | `{}` |\n| Who can act | {} |\n| Severity | {} |\n| Symptoms | {} |\n\n{place}:\n\n```text\n{example}\n```\n",
        capitalised(cause.title),
        cause.summary,
        cause.id,
        cause.actor.title(),
        cause.severity.slug(),
        symptoms.join(", "),
    );
    let _ = write!(page, "\n## What happened\n\n{}\n", page_of.what_happened);
    let _ = write!(page, "\n## Why\n\n{}\n", page_of.why);
    let _ = write!(page, "\n## How to be sure\n\n{}\n", page_of.how_to_be_sure);
    let _ = write!(page, "\n## What to do\n\n{}\n", page_of.what_to_do);
    page.push_str(&commands(cause));
    let _ = write!(
        page,
        "\n## If it comes back\n\n{}\n",
        page_of.if_it_comes_back
    );
    let others: Vec<&Cause> = cause.perhaps.iter().filter_map(|id| find(id)).collect();
    if !others.is_empty() {
        page.push_str("\n## See also\n\n");
        for other in others {
            let _ = writeln!(
                page,
                "- [{}]({}.md): {}",
                other.title, other.id, other.summary
            );
        }
    }
    page
}

/// The index of all causes, as it stands in `docs/causes/README.md`.
#[must_use]
pub fn index() -> String {
    let mut page = "# Causes\n\nWhy a login or a request was refused, one page for each cause. The pages are generated from the catalogue\nin `crates/eks-access/src/causes`; a test compares them.\n".to_owned();
    let (client, logged): (Vec<&Cause>, Vec<&Cause>) = CAUSES
        .iter()
        .copied()
        .partition(|cause| cause.symptoms.iter().all(|symptom| symptom.is_client()));
    for (title, causes) in [
        ("What the control-plane log shows", logged),
        ("What a person sees in the terminal or the console", client),
    ] {
        let _ = write!(
            page,
            "\n## {title}\n\n| Cause | What is wrong | Who can act | Severity |\n|---|---|---|---|\n"
        );
        for cause in causes {
            let _ = writeln!(
                page,
                "| [{}]({id}.md) | {} | {} | {} |",
                cause.id,
                cause.summary,
                cause.actor.title(),
                cause.severity.slug(),
                id = cause.id,
            );
        }
    }
    page
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// The remedies of an example case, by mode and tool.
fn commands(cause: &Cause) -> String {
    let remedies = example_remedies(cause);
    let mut text = String::new();
    for (modes, title) in [
        (Modes::Any, "In every authentication mode"),
        (
            Modes::AccessEntries,
            "With access entries (`API`, `API_AND_CONFIG_MAP`)",
        ),
        (Modes::AwsAuth, "With aws-auth (`CONFIG_MAP`)"),
    ] {
        let of_mode: Vec<&Remedy> = remedies
            .iter()
            .filter(|remedy| remedy.modes == modes)
            .collect();
        if of_mode.is_empty() {
            continue;
        }
        let _ = write!(text, "\n### {title}\n");
        for remedy in of_mode {
            let _ = write!(
                text,
                "\n{} ({}){}\n",
                remedy.title,
                remedy.actor.title(),
                if remedy.steps.is_empty() { "." } else { ":" }
            );
            text.push_str(&steps(&remedy.steps));
        }
    }
    text
}

/// Steps that follow one another in the same kind of block stand in one block.
fn steps(steps: &[Step]) -> String {
    let mut text = String::new();
    let mut open: Option<&'static str> = None;
    for step in steps {
        let fence = match step {
            Step::Command(..) => "sh",
            Step::Snippet(Tool::Terraform, _) => "hcl",
            Step::Snippet(..) => "yaml",
        };
        if open != Some(fence) {
            text.push_str(if open.is_some() { "```\n\n" } else { "\n" });
            let _ = writeln!(text, "```{fence}");
            open = Some(fence);
        }
        match step {
            Step::Command(_, command) => text.push_str(&command.wrapped(WIDTH)),
            Step::Snippet(_, snippet) => text.push_str(snippet),
        }
        text.push('\n');
    }
    if open.is_some() {
        text.push_str("```\n");
    }
    text
}

/// The remedies of the world that shows the cause, or of a plain case where it needs no facts.
fn example_remedies(cause: &Cause) -> Vec<Remedy> {
    let cluster = example_cluster();
    let world = worlds().into_iter().find(|world| world.cause == cause.id);
    if let Some(world) = world {
        let cluster = world.facts.cluster_as_known(&cluster);
        return (cause.remedies)(&world.case(&cluster));
    }
    let principals = example_principals(cause);
    let example = example_case(cause, &cluster, &principals);
    example.map_or_else(Vec::new, |case| (cause.remedies)(&case))
}

fn example_cluster() -> Cluster {
    Cluster {
        name: "prod-eu".parse().ok(),
        region: "eu-west-1".parse().ok(),
        account: "111122223333".parse().ok(),
        mode: None,
    }
}

fn example_principals(cause: &Cause) -> Vec<Principal> {
    let arns: &[&str] = match cause.symptoms.first() {
        Some(Symptom::NotMappedRoot) => &["arn:aws:iam::111122223333:root"],
        Some(Symptom::NotMappedFederated) => &["arn:aws:sts::111122223333:federated-user/dana"],
        Some(Symptom::NotMappedNode) => {
            &["arn:aws:iam::111122223333:role/KarpenterNodeRole-prod-eu"]
        }
        Some(Symptom::PrincipalIdMismatch) => &["arn:aws:iam::111122223333:user/dana"],
        _ => &[
            "arn:aws:iam::111122223333:role/DevRole",
            "arn:aws:iam::111122223333:role/AWSServiceRoleForBatch",
            "arn:aws:iam::444455556666:role/DevRole",
            "arn:aws:iam::444455556666:role/AWSWesleyClusterManagerLambda-NewApi",
        ],
    };
    arns.iter().filter_map(|arn| arn.parse().ok()).collect()
}

/// The first of a few plain cases that the cause claims.
fn example_case<'a>(
    cause: &Cause,
    cluster: &'a Cluster,
    principals: &'a [Principal],
) -> Option<Case<'a>> {
    let symptom = *cause.symptoms.first()?;
    let named = names_a_principal(symptom);
    let principals = principals
        .iter()
        .map(Some)
        .filter(|_| named)
        .chain(std::iter::once(None));
    let mut cases = principals.flat_map(|principal| {
        [Detail::None, Detail::AwsAuthDeleted, Detail::RegionScope].map(|detail| Case {
            symptom,
            principal,
            aws_internal_session: false,
            detail,
            cluster,
            facts: &NO_FACTS,
        })
    });
    cases.find(|case| cause.tier == Tier::General || (cause.claim)(case) == Claim::Yes)
}

/// Whether STS had vouched for somebody when the line was written.
fn names_a_principal(symptom: Symptom) -> bool {
    matches!(
        symptom,
        Symptom::NotMapped
            | Symptom::NotMappedNode
            | Symptom::NotMappedRoot
            | Symptom::NotMappedFederated
            | Symptom::PrincipalIdMismatch
            | Symptom::ReservedUsername
            | Symptom::NodeSessionNotInstance
            | Symptom::NodeDnsLookupDenied
            | Symptom::NodeDnsLookupThrottled
            | Symptom::NodeDnsLookupNotFound
            | Symptom::EmptyUsernameAggregatedApi
    )
}
