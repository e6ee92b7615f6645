//! The rows of a section, by the authenticator's rules.

use std::collections::BTreeMap;

use super::document::{Body, Text, Written};
use super::tabs::with_spaces;
use super::yaml::{Meaning, Node, Trouble, Value, What, documents};
use super::{Account, AwsAuth, Breakage, Flaw, FlawKind, Row, Section, SectionError, Standing};
use crate::text::LogText;

/// How much of a broken section is looked through for ARNs.
const MAX_SALVAGED: usize = 10_000;

/// Adds the rows or accounts of a section, and the error if it is lost.
pub(super) fn load(written: &Written, found: &mut AwsAuth) {
    let section = written.section;
    let is_read = written.wrong_key.is_none();
    let spelt = if is_read {
        Standing::Counts
    } else {
        Standing::WrongSectionKey
    };
    let error = |line, inner_line, breakage| SectionError {
        section,
        line,
        inner_line,
        breakage,
    };
    match &written.body {
        Body::Node(node) => {
            found.add_items(section, node, |line| line, Standing::BrokenSection);
            if is_read {
                found.errors.push(error(written.line, 1, Breakage::NotText));
            }
        }
        Body::Text(text) => {
            let line = |inner| text.line(inner);
            let read = root(text);
            if let Ok((_, Some(next))) = &read {
                found.unread.push((section, line(*next)));
            }
            match read.map(|(root, _)| root) {
                Ok(None) => {}
                Ok(Some(root)) if is_list(&root) => found.add_items(section, &root, line, spelt),
                Ok(Some(root)) => {
                    let at = root.line;
                    if is_read {
                        found.errors.push(error(line(at), at, Breakage::NotAList));
                    }
                    found.salvage(section, text);
                }
                Err(trouble) => {
                    if is_read {
                        // What is never closed is noticed behind the end.
                        let last = text.text.trim_end().lines().count().max(1);
                        let at = trouble.line.min(last);
                        let breakage = breakage(&trouble.what);
                        found.errors.push(error(line(at), at, breakage));
                    }
                    found.salvage(section, text);
                }
            }
        }
    }
}

/// The first document of a section, and the line in which another begins; the authenticator reads no other. An empty one is
/// no mistake.
fn root(text: &Text) -> Result<(Option<Node>, Option<usize>), Trouble> {
    let spaced = with_spaces(&text.text).map_err(|line| {
        let what = What::Syntax("a tab where a key may begin".to_owned());
        Trouble { line, what }
    })?;
    let (documents, trouble) = documents(&spaced);
    let mut documents = documents.into_iter();
    match (documents.next(), trouble) {
        (None, Some(trouble)) => Err(trouble),
        (root, trouble) => {
            let others = documents.filter(|other| !other.is_nothing());
            let next = others.map(|other| other.line).next();
            let root = root.filter(|root| !root.is_nothing());
            Ok((root, next.or(trouble.map(|trouble| trouble.line))))
        }
    }
}

fn breakage(what: &What) -> Breakage {
    match what {
        What::Syntax(_) => Breakage::Yaml(super::words(what)),
        What::Key => Breakage::UnquotedBraces,
        What::Size => Breakage::TooLarge,
    }
}

fn is_list(node: &Node) -> bool {
    matches!(node.value, Value::List(_))
}

impl AwsAuth {
    fn add_items(
        &mut self,
        section: Section,
        list: &Node,
        line: impl Fn(usize) -> usize,
        standing: Standing,
    ) {
        let Value::List(items) = &list.value else {
            return;
        };
        for (index, item) in items.iter().enumerate() {
            if section == Section::Accounts {
                self.accounts.push(account(item, &line, standing));
            } else {
                let row = Reader {
                    section,
                    line: &line,
                };
                self.rows.push(row.read(item, index + 1, standing));
            }
        }
    }

    /// Finds the ARNs of a section that is lost, line by line, so that it can be said whom it locks out.
    fn salvage(&mut self, section: Section, text: &Text) {
        let mut index = 0;
        for (at, line) in text.text.lines().enumerate().take(MAX_SALVAGED) {
            let Some(arn) = salvaged_arn(line) else {
                continue;
            };
            index += 1;
            self.rows.push(Row {
                section,
                index,
                line: text.line(at + 1),
                arn: LogText::new(arn),
                username: None,
                groups: Vec::new(),
                standing: Standing::BrokenSection,
                flaws: Vec::new(),
            });
        }
    }
}

/// The value of `rolearn:` or `userarn:` in a line.
fn salvaged_arn(line: &str) -> Option<&str> {
    let (key, value) = line.split_once(':')?;
    let key = key.trim_matches([' ', '\t', '-', '"', '\'', '{', '[', ',']);
    let is_arn = key.eq_ignore_ascii_case("rolearn") || key.eq_ignore_ascii_case("userarn");
    let value = value.split(" #").next().unwrap_or(value);
    let value = value.trim_matches([' ', '\t', '"', '\'', ',', '}', ']', '\r']);
    (is_arn && !value.is_empty()).then_some(value)
}

fn account(item: &Node, line: &impl Fn(usize) -> usize, standing: Standing) -> Account {
    // This section is read into text directly, and takes numbers as they are written.
    let text = item.scalar().map_or("", |scalar| scalar.text.as_str());
    Account {
        id: LogText::new(text),
        line: line(item.line),
        counts: standing == Standing::Counts && item.scalar().is_some(),
    }
}

/// Reads the rows of one section.
struct Reader<'a, F> {
    section: Section,
    line: &'a F,
}

impl<F: Fn(usize) -> usize> Reader<'_, F> {
    fn read(&self, item: &Node, index: usize, standing: Standing) -> Row {
        let mut row = Row {
            section: self.section,
            index,
            line: (self.line)(item.line),
            arn: LogText::new(""),
            username: None,
            groups: Vec::new(),
            standing,
            flaws: Vec::new(),
        };
        if !item.is_map() {
            self.flaw(&mut row, item, FlawKind::NotAMapping);
            return without_arn(row);
        }
        let mut has_permission_set = false;
        let mut other_arn = None;
        for (name, key, value) in in_order(item) {
            match name.to_ascii_lowercase().as_str() {
                "username" => self.username(&mut row, value),
                "groups" => self.groups(&mut row, value),
                "sso" if self.section == Section::Roles => has_permission_set = true,
                lower if Some(lower) == self.section.arn_key() => self.arn(&mut row, value),
                "rolearn" | "userarn" => {
                    other_arn = value.text();
                    self.flaw(&mut row, key, FlawKind::OtherArnKey);
                }
                _ => self.flaw(&mut row, key, FlawKind::UnknownKey(LogText::new(name))),
            }
        }
        for (name, key, counts) in overridden(item) {
            let by = (self.line)(counts.line);
            self.flaw(&mut row, key, FlawKind::KeyTwice(LogText::new(name), by));
        }
        let has_arn = !row.arn.raw().is_empty();
        if has_permission_set && row.standing == Standing::Counts {
            row.standing = Standing::PermissionSet;
        } else if !has_arn {
            row.arn = LogText::new(other_arn.unwrap_or(""));
            return without_arn(row);
        }
        row
    }

    fn flaw(&self, row: &mut Row, at: &Node, kind: FlawKind) {
        let line = (self.line)(at.line);
        row.flaws.push(Flaw { line, kind });
    }

    fn arn(&self, row: &mut Row, value: &Node) {
        match value.text() {
            Some(text) => row.arn = LogText::new(text),
            None if value.is_nothing() => {}
            None => self.flaw(row, value, FlawKind::ArnNotText),
        }
    }

    fn username(&self, row: &mut Row, value: &Node) {
        match value.text() {
            Some(text) => row.username = Some(LogText::new(text)),
            None if value.is_nothing() => {}
            None => self.flaw(row, value, FlawKind::UsernameNotText),
        }
    }

    fn groups(&self, row: &mut Row, value: &Node) {
        let Value::List(items) = &value.value else {
            if !value.is_nothing() {
                self.flaw(row, value, FlawKind::GroupsNotAList);
            }
            return;
        };
        row.groups.clear();
        for item in items {
            let group = match item.scalar().map(super::yaml::Scalar::meaning) {
                Some(Meaning::Text(text)) => text,
                Some(Meaning::Nothing) => "",
                _ => {
                    self.flaw(row, item, FlawKind::GroupNotText);
                    ""
                }
            };
            row.groups.push(LogText::new(group));
        }
    }
}

/// The entries of a row whose key stands there again, with the key that counts.
fn overridden(item: &Node) -> impl Iterator<Item = (&str, &Node, &Node)> {
    let last: BTreeMap<&str, &Node> = item.entries().map(|(name, key, _)| (name, key)).collect();
    item.entries().filter_map(move |(name, key, _)| {
        let counts = last.get(name).copied()?;
        (!std::ptr::eq(key, counts)).then_some((name, key, counts))
    })
}

/// The entries of a row in the order in which the authenticator's JSON has them: by key, and of several alike the last.
fn in_order(item: &Node) -> impl Iterator<Item = (&str, &Node, &Node)> {
    let entries: BTreeMap<&str, (&Node, &Node)> = item
        .entries()
        .map(|(name, key, value)| (name, (key, value)))
        .collect();
    entries
        .into_iter()
        .map(|(name, (key, value))| (name, key, value))
}

fn without_arn(mut row: Row) -> Row {
    if row.standing == Standing::Counts {
        row.standing = Standing::NoArn;
    }
    row
}

/// Of several rows with one ARN the last counts; a row of users that a row of roles precedes is never reached.
pub(super) fn find_overridden(rows: &mut [Row]) {
    let mut last: BTreeMap<(Section, String), usize> = BTreeMap::new();
    let counting = |row: &&Row| row.standing == Standing::Counts;
    for row in rows.iter().filter(counting) {
        last.insert((row.section, row.arn.raw().to_lowercase()), row.line);
    }
    let mut seen: BTreeMap<(Section, String), usize> = BTreeMap::new();
    for row in rows.iter_mut().rev() {
        if row.standing != Standing::Counts {
            continue;
        }
        let arn = row.arn.raw().to_lowercase();
        let role = last.get(&(Section::Roles, arn.clone()));
        let by = match (row.section, role) {
            (Section::Users, Some(line)) => Some(*line),
            _ => seen.get(&(row.section, arn.clone())).copied(),
        };
        match by {
            Some(by) => row.standing = Standing::Overridden { by },
            None => {
                seen.insert((row.section, arn), row.line);
            }
        }
    }
}
