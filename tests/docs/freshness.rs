//! The documents say what the code says. `UPDATE_DOCS=1` (`make docs`) writes the generated parts anew.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails where it finds something missing"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use eks_access::access::State;
use eks_access::catalogue::CAUSES;
use eks_access::incident::{Digest, Place, Settings};
use eks_access::line::read_pasted;
use eks_access::notice::terminal::{self, Style};
use eks_access::policy::{Guardrails, template};
use eks_access::symptom::{Kind, Symptom};
use eks_access_aws::emf::Metric;
use eks_access_aws::start::CONFIGURATION;
use eks_access_aws::vars::{APPROVER, GRANTER, Need, RESPONDER, REVOKER, Variable};

mod architecture;
mod source;

use source::{
    APPROVALS, TEMPLATE, actions, documents, fenced, first_column, headings, headings_under,
    literals_in, marked, prose, quoted, read, resources, root, section,
};

/// How wide the command writes where there is no terminal.
const COLUMNS: usize = 96;

fn set<T: Into<String>>(items: impl IntoIterator<Item = T>) -> BTreeSet<String> {
    items.into_iter().map(Into::into).collect()
}

// ---- what is generated ----

fn variables(table_of: &[Variable]) -> String {
    let mut table = "| Variable | Default | Meaning |\n|---|---|---|\n".to_owned();
    for variable in table_of {
        let default = match variable.need {
            Need::Required => "required".to_owned(),
            Need::Default(value) => format!("`{value}`"),
            Need::Optional => "none".to_owned(),
            Need::ByLambda => "set by Lambda".to_owned(),
        };
        let _ = writeln!(
            table,
            "| `{}` | {default} | {} |",
            variable.name, variable.meaning
        );
    }
    table
}

/// A family of what is told: its title, examples, and which symptoms are in it.
type Family = (&'static str, &'static str, fn(Symptom) -> bool);

/// In the order of the README. Every symptom that needs explaining is in one.
const FAMILIES: [Family; 7] = [
    (
        "The cluster does not let the principal in",
        "nothing maps the role or user, an entry names another principal, root or federated users",
        |symptom| {
            matches!(
                symptom,
                Symptom::NotMapped
                    | Symptom::NotMappedRoot
                    | Symptom::NotMappedFederated
                    | Symptom::PrincipalIdMismatch
                    | Symptom::ReservedUsername
                    | Symptom::IdentityUnsupported
                    | Symptom::EmptyUsernameAggregatedApi
            )
        },
    ),
    (
        "Nodes",
        "a node's role is not mapped, EC2 does not know the node or throttles",
        |symptom| {
            symptom == Symptom::NotMappedNode
                || matches!(
                    symptom,
                    Symptom::NodeSessionNotInstance
                        | Symptom::NodeDnsLookupDenied
                        | Symptom::NodeDnsLookupThrottled
                        | Symptom::NodeDnsLookupNotFound
                )
        },
    ),
    (
        "STS said no",
        "expired or wrong credentials, clock, Region, throttling, outages",
        |symptom| symptom.slug().starts_with("sts-") && symptom.kind() == Kind::Denial,
    ),
    (
        "The token is wrong",
        "too old, no IAM token, for another endpoint or cluster, forged",
        |symptom| symptom.slug().starts_with("token-"),
    ),
    (
        "The login path itself is broken",
        "aws-auth cannot be read or was deleted, the authenticator lost its watch or fails",
        |symptom| symptom.kind() == Kind::Fault && !symptom.is_client(),
    ),
    (
        "Words of no release we know",
        "counted, told as not recognised, never guessed at",
        |symptom| symptom == Symptom::UnknownDenial,
    ),
    (
        "What a terminal or the console said (CLI only)",
        "`Unauthorized`, `Forbidden`, missing credentials or kubeconfig, x509, timeouts, token programs",
        Symptom::is_client,
    ),
];

fn needs_explaining(symptom: Symptom) -> bool {
    symptom.is_client() || matches!(symptom.kind(), Kind::Denial | Kind::Fault | Kind::Refusal)
}

fn recognises() -> String {
    let mut table =
        "| Family | For instance | Symptoms | Causes |\n|---|---|---:|---:|\n".to_owned();
    let mut totals = (0, 0);
    for (title, examples, is_in) in FAMILIES {
        let symptoms = Symptom::ALL
            .iter()
            .filter(|symptom| is_in(**symptom))
            .count();
        let causes = CAUSES
            .iter()
            .filter(|cause| {
                cause
                    .symptoms
                    .first()
                    .is_some_and(|symptom| is_in(*symptom))
            })
            .count();
        totals = (totals.0 + symptoms, totals.1 + causes);
        let _ = writeln!(table, "| {title} | {examples} | {symptoms} | {causes} |");
    }
    let _ = writeln!(table, "| All | | {} | {} |", totals.0, totals.1);
    table
}

/// Compares the marked part of a document with what it has to be, or writes it.
fn compare(path: &str, name: &str, expected: &str) {
    let document = read(path);
    let part = marked(&document, name);
    if part == expected {
        return;
    }
    assert!(
        std::env::var_os("UPDATE_DOCS").is_some(),
        "the part `{name}` of {path} is not what the code says; run `make docs` and commit it"
    );
    let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let document = document.replacen(
        &format!("{start}{part}{end}"),
        &format!("{start}{expected}{end}"),
        1,
    );
    std::fs::write(root().join(path), document).unwrap();
}

/// One test, because several parts are in one file.
#[test]
fn generated_parts_of_the_documents_are_what_the_code_says() {
    compare("README.md", "recognises", &recognises());
    for (function, table) in [
        ("responder", RESPONDER),
        ("approver", APPROVER),
        ("granter", GRANTER),
        ("revoker", REVOKER),
    ] {
        compare("docs/variables.md", function, &variables(table));
    }
}

#[test]
fn every_symptom_that_needs_explaining_is_in_one_family_of_the_readme() {
    for &symptom in Symptom::ALL {
        let families = FAMILIES
            .iter()
            .filter(|(_, _, is_in)| is_in(symptom))
            .count();
        assert_eq!(
            families,
            usize::from(needs_explaining(symptom)),
            "{symptom}"
        );
    }
}

// ---- what is written by hand, and compared ----

#[test]
fn the_example_of_the_readme_is_a_real_answer() {
    let readme = read("README.md");
    let line = fenced(marked(&readme, "line")).next().unwrap();
    let answer: Vec<&str> = fenced(marked(&readme, "answer")).collect();

    let mut settings = Settings::default();
    settings.cluster.region = "eu-west-1".parse().ok();
    settings.cluster.name = "prod-eu".parse().ok();
    settings.cluster.account = "111122223333".parse().ok();
    let mut digest = Digest::new(settings.clone());
    let cluster = digest.cluster_id(settings.cluster);
    digest.line(read_pasted(line, None), cluster, Place::default());
    let style = Style {
        is_complete: false,
        ..Style::plain(COLUMNS)
    };
    let real = terminal::render(&digest.finish().notices[0], &style);

    assert!(answer.len() > 10);
    let mut rest = real.lines();
    for said in answer.iter().filter(|said| **said != "[...]") {
        assert!(
            rest.any(|line| line == *said),
            "`{said}` is not in the answer, or not in this order:\n{real}"
        );
    }
}

#[test]
fn the_permissions_in_the_readme_are_those_of_the_role() {
    let readme = read("README.md");
    let table = first_column(marked(&readme, "permissions"));
    assert_eq!(set(table.iter().copied()).len(), table.len(), "{table:?}");
    let actions = |effect| {
        actions(
            TEMPLATE,
            "ResponderRole",
            &["LookForLogins", "MakeRequests"],
            effect,
        )
    };
    assert_eq!(set(table), actions("Allow"));
    let quoted = set(quoted(&readme));
    for denied in actions("Deny") {
        assert!(quoted.contains(&denied), "{denied} is denied");
    }
}

/// Every action that the policies made from guardrails allow one of the two roles.
fn allowed_by_guardrails(role: &str) -> BTreeSet<String> {
    let guardrails = Guardrails::parse(
        r#"
        version = 1
        [[rule]]
        name = "any"
        clusters = ["prod"]
        principals = ["arn:aws:iam::111122223333:role/dev/*"]
        namespaces = ["shop"]
        [rule.approvers]
        slack_users = ["U0123456789"]
        "#,
    )
    .unwrap();
    let template = template(&guardrails).unwrap();
    let of_role = template["Resources"]
        .as_object()
        .unwrap()
        .values()
        .map(|resource| &resource["Properties"])
        .filter(|policy| policy["Roles"][0]["Ref"] == role);
    of_role
        .flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap())
        .filter(|statement| statement["Effect"] == "Allow")
        .map(|statement| statement["Action"].as_str().unwrap().to_owned())
        .collect()
}

/// The table has a column for each function, and `yes` in it.
#[test]
fn the_permissions_in_security_md_are_those_of_the_roles_that_approvals_add() {
    let security = read("SECURITY.md");
    let table = marked(&security, "approvals");
    for (at, function, attached) in [
        (1, "Approver", &["HaveItGranted"][..]),
        (2, "Granter", &[]),
        (3, "Revoker", &[]),
    ] {
        let role = format!("{function}Role");
        let rows = table.lines().filter(|row| {
            let cells: Vec<&str> = row.split(" | ").collect();
            row.starts_with("| `") && cells[at] == "yes"
        });
        let said = set(rows.flat_map(|row| {
            let (actions, _) = row.split_once(" | ").unwrap();
            actions.split('`').skip(1).step_by(2)
        }));
        let mut allowed = actions(APPROVALS, &role, attached, "Allow");
        allowed.extend(allowed_by_guardrails(&role));
        assert_eq!(said, allowed, "{function}");
    }
}

#[test]
fn every_parameter_of_the_stack_is_in_the_readme() {
    let readme = read("README.md");
    for (mark, name) in [("parameters", "Parameters"), ("outputs", "Outputs")] {
        assert_eq!(
            first_column(marked(&readme, mark)),
            section(name),
            "in the order of the template"
        );
    }
}

#[test]
fn the_runbook_has_a_heading_for_everything_that_can_go_wrong_and_no_other() {
    let runbook = read("docs/runbook.md");
    for (heading, template) in [("Alarms", TEMPLATE), ("Alarms of approvals", APPROVALS)] {
        let alarms = resources(template, "AWS::CloudWatch::Alarm");
        assert!(!alarms.is_empty());
        assert_eq!(headings_under(&runbook, heading), alarms);
    }

    let mut faults = literals_in("functions/responder/src/fault.rs", "fn name(&self)");
    faults.extend(literals_in(
        "functions/granter/src/fault.rs",
        "fn name(&self)",
    ));
    faults.insert(CONFIGURATION.to_owned());
    assert_eq!(headings_under(&runbook, "Failed invocations"), faults);

    let rejections = literals_in("crates/eks-access/src/delivery.rs", "pub fn slug(&self)");
    assert_eq!(headings_under(&runbook, "Rejected payloads"), rejections);
}

#[test]
fn the_runbook_lists_every_metric() {
    let runbook = read("docs/runbook.md");
    assert_eq!(
        first_column(marked(&runbook, "metrics")),
        Metric::ALL
            .iter()
            .map(|metric| metric.name())
            .collect::<Vec<_>>()
    );
}

/// A table of docs/approvals.md, and where its words come from.
#[test]
fn the_tables_about_approvals_have_every_word_of_the_code_and_no_other() {
    let document = read("docs/approvals.md");
    let table = |name: &str| {
        let listed = first_column(marked(&document, name));
        let listed_once = set(listed.iter().copied());
        assert_eq!(listed_once.len(), listed.len(), "{name}: {listed:?}");
        listed_once
    };
    assert_eq!(
        table("states"),
        set(State::ALL.iter().map(|state| state.slug()))
    );
    let mut kinds = literals_in("crates/eks-access/src/access.rs", "impl News {");
    kinds.insert("audit".to_owned());
    assert_eq!(table("kinds"), kinds);
    let record = "crates/eks-access/src/access/record.rs";
    assert_eq!(table("actions"), literals_in(record, "impl Action {"));
    let fields = table("record").into_iter();
    let fields = set(fields.map(|field| field.trim_start_matches("evidence.").to_owned()));
    assert_eq!(fields, literals_in(record, "pub fn json("));
    let mut refusals = literals_in("crates/eks-access/src/access/life.rs", "impl No {");
    refusals.extend(["not-found", "not-allowed", "try-again"].map(str::to_owned));
    assert_eq!(table("answers"), refusals);
}

/// Each threat has a row, and what shows that it is met is a test that exists, or is said to be words only.
#[test]
fn every_threat_has_a_test_or_is_said_to_have_none() {
    let security = read("SECURITY.md");
    let mut tests = String::new();
    for folder in ["crates", "functions", "tests"] {
        for ending in [".rs", ".py"] {
            for path in source::files(folder, ending) {
                tests.push_str(&read(&path));
            }
        }
    }
    let rows: Vec<&str> = marked(&security, "threats")
        .lines()
        .filter(|row| row.starts_with("| T"))
        .collect();
    for (row, number) in rows.iter().zip(1..) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        assert_eq!(cells[0].trim(), format!("T{number}"));
        let shown = cells[3].split('`').skip(1).step_by(2);
        let mut is_shown = cells[3].contains("documented only");
        for name in shown {
            let forms = [format!("fn {name}("), format!("def {name}(")];
            assert!(
                forms.iter().any(|form| tests.contains(form)),
                "T{number} names the test {name}"
            );
            is_shown = true;
        }
        assert!(is_shown, "T{number} has no test");
    }
    assert_eq!(rows.len(), 22);
}

// ---- links, paths and commands ----

/// A heading's anchor, as GitHub makes it.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// The targets of a document's links that stay in the repository.
fn links(document: &str) -> Vec<&str> {
    prose(document)
        .flat_map(|line| line.split("](").skip(1))
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    for path in documents() {
        let document = read(&path);
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for link in links(&document) {
            let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                path.clone()
            } else {
                format!("{folder}/{file}")
                    .trim_start_matches('/')
                    .to_owned()
            };
            assert!(root().join(&target).exists(), "{path} links to {link}");
            if !fragment.is_empty() {
                let anchors = set(headings(&read(&target))
                    .iter()
                    .map(|(_, text)| anchor(text)));
                assert!(anchors.contains(fragment), "{path} links to {link}");
            }
        }
    }
}

/// Words that are paths of this repository.
fn paths(document: &str) -> Vec<&str> {
    const FOLDERS: [&str; 6] = [
        "crates/",
        "functions/",
        "tests/",
        "infra/",
        "docs/",
        "tools/",
    ];
    quoted(document)
        .into_iter()
        .chain(fenced(document))
        .flat_map(|text| text.split([' ', '=', '"', '\'', '(', ')', ',']))
        .map(|word| word.trim_end_matches(['.', ':', ';']))
        .filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)))
        .filter(|word| !word.contains(['*', '<', '{', '$']))
        .collect()
}

#[test]
fn every_path_that_is_named_exists() {
    for document in documents() {
        let text = read(&document);
        for path in paths(&text) {
            assert!(root().join(path).exists(), "{document} names {path}");
        }
    }
}

/// `thing::name()` or `name()`: the name.
fn functions_named(document: &str) -> impl Iterator<Item = &str> {
    quoted(document)
        .into_iter()
        .filter_map(|text| text.strip_suffix("()"))
        .map(|text| text.rsplit("::").next().unwrap_or(text))
}

#[test]
fn every_function_that_is_named_exists() {
    let mut code = String::new();
    for folder in ["crates", "functions", "tests"] {
        for path in source::files(folder, ".rs") {
            code.push_str(&read(&path));
        }
    }
    for document in documents() {
        for name in functions_named(&read(&document)) {
            let exists = [
                format!("fn {name}("),
                format!("fn {name}<"),
                format!("{name}:"),
            ]
            .iter()
            .any(|text| code.contains(text));
            assert!(exists, "{document} names {name}()");
        }
    }
}

#[test]
fn every_target_of_make_that_is_named_exists() {
    let makefile = read("Makefile");
    let targets = set(makefile
        .lines()
        .filter_map(|line| line.split_once(": ").map(|(target, _)| target))
        .filter(|target| !target.contains([' ', '\t'])));
    for document in documents() {
        let text = read(&document);
        let commands = quoted(&text).into_iter().chain(fenced(&text));
        for target in
            commands.filter_map(|text| text.strip_prefix("make ")?.split([' ', ';']).next())
        {
            assert!(targets.contains(target), "{document}: make {target}");
        }
    }
}

#[test]
fn every_decision_is_in_the_index() {
    let index = read("docs/decisions/README.md");
    for path in source::files("docs/decisions", ".md") {
        let name = path.rsplit('/').next().unwrap();
        assert!(
            name == "README.md" || links(&index).contains(&name),
            "{name}"
        );
    }
}

#[test]
fn nothing_personal_is_in_the_documents() {
    for document in documents() {
        let text = read(&document);
        for word in text.split(|c: char| !c.is_ascii_digit()) {
            let is_account = word.len() == 12 && word.chars().any(|c| c != '0');
            assert!(
                !is_account || ["111122223333", "444455556666"].contains(&word),
                "{document}: {word}"
            );
        }
        for machine in ["/home/", "/root/", "/work/"] {
            assert!(!text.contains(machine), "{document}: {machine}");
        }
    }
}
