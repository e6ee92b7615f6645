//! Finds the sections of aws-auth in what people have: a manifest, a list of them, its `data`, or the sections alone.

use saphyr_parser::ScalarStyle;

use super::tabs::with_spaces;
use super::yaml::{Node, Trouble, Value, documents};
use super::{AwsAuthError, MAX_LENGTH, Section};

/// The sections of one `ConfigMap` as they are written.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) sections: Vec<Written>,
    /// Keys beside the three, with their lines.
    pub(super) others: Vec<(String, usize)>,
    /// Another name or namespace than the authenticator reads, with its line.
    pub(super) elsewhere: Option<(String, usize)>,
    /// Whether it is a manifest that has no data.
    pub(super) is_without_data: bool,
}

/// One section as it is written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) section: Section,
    /// The key, if it is not spelt as the authenticator reads it.
    pub(super) wrong_key: Option<String>,
    /// The line of the key.
    pub(super) line: usize,
    pub(super) body: Body,
}

/// What stands after a section's key.
#[derive(Debug)]
pub(super) enum Body {
    /// Text, as it has to be.
    Text(Text),
    /// A list, as it is without `|`.
    Node(Node),
}

/// Text in a file, whose lines are known.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) text: String,
    /// The line of the file for each line of the text.
    lines: Vec<usize>,
}

impl Text {
    /// The line of the file for this line of the text, from 1.
    pub(super) fn line(&self, inner: usize) -> usize {
        let known = self.lines.get(inner.saturating_sub(1));
        known.or(self.lines.last()).copied().unwrap_or(inner)
    }

    /// The text of a scalar; a literal block is written line by line.
    fn of(node: &Node, source: &str) -> Self {
        let Some(scalar) = node.scalar() else {
            return Self {
                text: String::new(),
                lines: vec![node.line],
            };
        };
        let text = scalar.text.clone();
        let count = text.matches('\n').count() + 1;
        let lines = match scalar.style {
            ScalarStyle::Literal | ScalarStyle::Folded => {
                // The parser's mark is at the first line that is not blank.
                let blank = text.len() - text.trim_start_matches('\n').len();
                let first = node.line.saturating_sub(blank).max(1);
                (first..first + count).collect()
            }
            _ => quoted_lines(node, source),
        };
        Self { text, lines }
    }
}

/// The line of the file for each line of a quoted or plain scalar: `\n` begins a line of the text, and so does every
/// blank line of the file (YAML 1.2, "Line Folding").
fn quoted_lines(node: &Node, source: &str) -> Vec<usize> {
    let (start, end) = node.place;
    let mut written = source
        .chars()
        .skip(start)
        .take(end.saturating_sub(start))
        .peekable();
    let (mut line, mut breaks) = (node.line, 0);
    let mut lines = vec![line];
    while let Some(c) = written.next() {
        match c {
            '\\' => match written.next() {
                Some('n') => lines.push(line),
                Some('\n') => line += 1,
                _ => {}
            },
            '\n' => {
                line += 1;
                breaks += 1;
                if breaks > 1 {
                    lines.push(line);
                }
            }
            _ if c.is_whitespace() => {}
            _ => breaks = 0,
        }
    }
    lines
}

impl Document {
    /// Finds the `ConfigMap` in a text.
    pub(super) fn find(text: &str) -> Result<Self, AwsAuthError> {
        if text.len() > MAX_LENGTH {
            return Err(AwsAuthError::TooLarge);
        }
        // Where a tab is wrong, the parser says more of it.
        let spaced = with_spaces(text);
        let text = spaced.as_deref().unwrap_or(text);
        let (roots, trouble) = documents(text);
        let maps: Vec<&Node> = roots.iter().flat_map(manifests).collect();
        let is_named = |map: &&&Node| metadata(map, "name").is_some_and(|(n, _)| n == "aws-auth");
        let best = maps.iter().find(is_named).or_else(|| maps.first());
        match (best, trouble) {
            (Some(map), _) => Ok(Self::of(map, text)),
            (None, Some(trouble)) => Err(AwsAuthError::from(trouble)),
            (None, None) => Err(AwsAuthError::NotAwsAuth),
        }
    }

    fn of(map: &Node, source: &str) -> Self {
        let data = map.get("data").filter(|data| data.is_map());
        // A manifest has its keys around the data, of which there may be none.
        let is_whole = data.is_some() || map.get("metadata").is_some();
        let mut document = Self {
            elsewhere: is_whole.then(|| elsewhere(map)).flatten(),
            is_without_data: is_whole && data.is_none_or(|data| data.entries().next().is_none()),
            ..Self::default()
        };
        if document.is_without_data {
            return document;
        }
        for (key, node, value) in data.unwrap_or(map).entries() {
            match Section::like(key) {
                Some(section) => document.sections.push(Written {
                    section,
                    wrong_key: (key != section.key()).then(|| key.to_owned()),
                    line: node.line,
                    body: body(value, source),
                }),
                None => document.others.push((key.to_owned(), node.line)),
            }
        }
        document
    }
}

fn body(value: &Node, source: &str) -> Body {
    if value.text().is_some() || value.is_nothing() {
        Body::Text(Text::of(value, source))
    } else {
        Body::Node(value.clone())
    }
}

/// The mappings of a document that hold sections: itself, or the items of a list.
fn manifests(root: &Node) -> Vec<&Node> {
    let items = match root.get("items").map(|items| &items.value) {
        Some(Value::List(items)) => items.as_slice(),
        _ => std::slice::from_ref(root),
    };
    items.iter().filter(|item| has_sections(item)).collect()
}

fn has_sections(map: &Node) -> bool {
    let is_named = metadata(map, "name").is_some_and(|(name, _)| name == "aws-auth");
    let data = map.get("data");
    let holder = data.filter(|data| data.is_map()).unwrap_or(map);
    is_named
        || holder
            .entries()
            .any(|(key, _, _)| Section::like(key).is_some())
}

fn metadata<'a>(map: &'a Node, key: &str) -> Option<(&'a str, usize)> {
    let value = map.get("metadata")?.get(key)?;
    Some((value.text()?, value.line))
}

/// The name or namespace, if it is another than `kube-system/aws-auth`.
fn elsewhere(map: &Node) -> Option<(String, usize)> {
    let differs = |key, expected: &str| {
        let (value, line) = metadata(map, key)?;
        (value != expected).then(|| (format!("{key} {value}"), line))
    };
    differs("name", "aws-auth").or_else(|| differs("namespace", "kube-system"))
}

impl From<Trouble> for AwsAuthError {
    fn from(trouble: Trouble) -> Self {
        Self::Yaml {
            line: trouble.line,
            what: super::words(&trouble.what),
        }
    }
}
