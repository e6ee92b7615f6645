//! Reading this repository: its documents, its sources, its template.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files below a folder with this ending, as paths from the root, in order.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The documents that people wrote. The pages of the causes have tests of their own.
pub(crate) fn documents() -> Vec<String> {
    let at_the_root = [
        "README",
        "ARCHITECTURE",
        "SECURITY",
        "CONTRIBUTING",
        "CHANGELOG",
    ];
    let below = files("docs", ".md");
    at_the_root
        .iter()
        .map(|name| format!("{name}.md"))
        .chain(
            below
                .into_iter()
                .filter(|path| !path.starts_with("docs/causes/")),
        )
        .collect()
}

/// What stands between `<!-- name -->` and `<!-- /name -->`.
pub(crate) fn marked<'a>(document: &'a str, name: &str) -> &'a str {
    document
        .split_once(&format!("<!-- {name} -->\n"))
        .and_then(|(_, rest)| rest.split_once(&format!("<!-- /{name} -->")))
        .map_or_else(
            || panic!("there is no part marked `{name}`"),
            |(part, _)| part,
        )
}

/// The headings of a Markdown document with their depth; what stands in fences is none.
pub(crate) fn headings(document: &str) -> Vec<(usize, String)> {
    prose(document)
        .filter_map(|line| {
            let text = line.trim_start_matches('#');
            let depth = line.len() - text.len();
            let text = text.strip_prefix(' ').filter(|_| depth > 0)?;
            Some((depth, text.replace('`', "")))
        })
        .collect()
}

/// The headings under one heading, one level deeper.
pub(crate) fn headings_under(document: &str, title: &str) -> BTreeSet<String> {
    let all = headings(document);
    let at = all
        .iter()
        .position(|(_, text)| text == title)
        .unwrap_or_else(|| panic!("there is no heading `{title}`"));
    let depth = all[at].0;
    all[at + 1..]
        .iter()
        .take_while(|(other, _)| *other > depth)
        .filter(|(other, _)| *other == depth + 1)
        .map(|(_, text)| text.clone())
        .collect()
}

/// The lines outside fences.
pub(crate) fn prose(document: &str) -> impl Iterator<Item = &str> {
    let mut is_fenced = false;
    document.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        !is_fenced && !is_fence
    })
}

/// The lines inside fences.
pub(crate) fn fenced(document: &str) -> impl Iterator<Item = &str> {
    let mut is_fenced = false;
    document.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        is_fenced && !is_fence
    })
}

/// What stands in back-quotes in the prose.
pub(crate) fn quoted(document: &str) -> Vec<&str> {
    prose(document)
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect()
}

/// The first column of the Markdown table in this text, without its heading, one item per back-quoted word.
pub(crate) fn first_column(table: &str) -> Vec<&str> {
    table
        .lines()
        .filter_map(|line| line.strip_prefix("| "))
        .skip(1)
        .filter_map(|line| line.split(" | ").next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect()
}

/// The string literals in the body of a function, from its signature to the brace that ends it.
pub(crate) fn literals_in(path: &str, signature: &str) -> BTreeSet<String> {
    let source = read(path);
    let body = source
        .split_once(signature)
        .and_then(|(_, rest)| rest.split_once("\n    }\n"))
        .unwrap_or_else(|| panic!("{path} has no `{signature}`"))
        .0;
    body.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The stack's template.
pub(crate) const TEMPLATE: &str = "infra/sam/template.yaml";
/// The one of what `Approvals=on` adds.
pub(crate) const APPROVALS: &str = "infra/sam/approvals.yaml";

/// The names of a template's resources of this type.
pub(crate) fn resources(template: &str, kind: &str) -> BTreeSet<String> {
    let template = read(template);
    let lines: Vec<&str> = template.lines().collect();
    lines
        .windows(2)
        .filter(|pair| pair[1].trim() == format!("Type: {kind}"))
        .map(|pair| {
            let name = pair[0].trim().trim_end_matches(':');
            // Of a loop over the clusters there is one for each.
            name.split('&').next().unwrap().to_owned()
        })
        .collect()
}

/// The names in a section of the stack's template, such as `Parameters`.
pub(crate) fn section(name: &str) -> Vec<String> {
    let template = read(TEMPLATE);
    let (_, rest) = template.split_once(&format!("\n{name}:\n")).unwrap();
    rest.lines()
        .take_while(|line| line.is_empty() || line.starts_with(' '))
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'))
        .filter(|name| !name.starts_with(' '))
        .map(str::to_owned)
        .collect()
}

/// The actions that a role has with this effect by its own policies and by those that a template attaches to it.
pub(crate) fn actions(
    template: &str,
    role: &str,
    attached: &[&str],
    effect: &str,
) -> BTreeSet<String> {
    let template = read(template);
    let policies = |resource: &str, key: &str| {
        let (_, rest) = template.split_once(&format!("\n  {resource}:\n")).unwrap();
        let (_, policies) = rest.split_once(&format!("      {key}:\n")).unwrap();
        actions_in(policies, effect)
    };
    let mut found = policies(role, "Policies");
    for resource in attached {
        found.extend(policies(resource, "PolicyDocument"));
    }
    found
}

/// The actions with this effect in a piece of YAML, up to where its indentation ends.
fn actions_in(policies: &str, effect: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut of = "";
    let mut is_list = false;
    for line in policies
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with("   "))
    {
        let text = line.trim();
        if let Some(value) = text.strip_prefix("Effect: ") {
            of = value;
        }
        let action = match text.strip_prefix("Action:") {
            Some("") => {
                is_list = true;
                continue;
            }
            Some(one) => Some(one.trim()),
            None => text.strip_prefix("- ").filter(|_| is_list),
        };
        is_list &= action.is_some();
        found.extend(action.filter(|_| of == effect).map(str::to_owned));
    }
    found
}
