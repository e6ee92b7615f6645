//! YAML as trees whose every node knows its line, within bounds.
//!
//! The parser has no recursion; the bounds below keep what is built from it small, whatever a file refers to.

use std::collections::{BTreeMap, BTreeSet};

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// A document deeper than this is none that people write.
const MAX_DEPTH: usize = 32;
/// Aliases are copied; this bounds what they may grow to.
const MAX_NODES: usize = 100_000;

/// One node of a document.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    /// The line it begins in, from 1.
    pub(super) line: usize,
    /// The characters of the text that it was written with.
    pub(super) place: (usize, usize),
}

/// What a node holds.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// A scalar and how it was written.
#[derive(Debug, Clone)]
pub(super) struct Scalar {
    pub(super) text: String,
    pub(super) style: ScalarStyle,
    /// A tag says what it is: `!!str 1` is text.
    is_tagged: bool,
}

/// What a scalar means to a program that expects text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning<'a> {
    Text(&'a str),
    Nothing,
    /// A number or a truth value.
    Other,
}

/// Why a text can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) line: usize,
    pub(super) what: What,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// It is no YAML, in the parser's words.
    Syntax(String),
    /// The key of a mapping is no plain text: `{{…}}` without quotes reads as that.
    Key,
    /// It is deeper or grows larger than anything people write.
    Size,
}

impl Scalar {
    /// What it means by the rules of YAML 1.1, which the authenticator's parser follows.
    pub(super) fn meaning(&self) -> Meaning<'_> {
        let text = self.text.as_str();
        if self.is_tagged || self.style != ScalarStyle::Plain {
            return Meaning::Text(text);
        }
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Meaning::Nothing,
            _ if is_truth_value(text) || is_number(text) => Meaning::Other,
            _ => Meaning::Text(text),
        }
    }
}

fn is_truth_value(text: &str) -> bool {
    const VALUES: [&str; 6] = ["true", "false", "yes", "no", "on", "off"];
    let is_one_case = text == text.to_lowercase()
        || text == text.to_uppercase()
        || text.chars().skip(1).all(char::is_lowercase);
    is_one_case && VALUES.contains(&text.to_lowercase().as_str())
}

fn is_number(text: &str) -> bool {
    let digits = text.replace('_', "");
    let unsigned = digits.strip_prefix(['+', '-']).unwrap_or(&digits);
    let has_radix = [("0x", 16), ("0o", 8), ("0b", 2)]
        .iter()
        .any(|(prefix, radix)| {
            unsigned
                .strip_prefix(prefix)
                .is_some_and(|rest| u128::from_str_radix(rest, *radix).is_ok())
        });
    let is_decimal = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.contains(|c: char| c.is_ascii_digit())
        && unsigned.parse::<f64>().is_ok();
    let is_special = matches!(unsigned.to_lowercase().as_str(), ".inf" | ".nan");
    has_radix || is_decimal || is_special
}

impl Node {
    /// The values of a mapping by their keys; no mapping has none.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Node, &Node)> {
        let pairs: &[(Node, Node)] = match &self.value {
            Value::Map(pairs) => pairs,
            _ => &[],
        };
        pairs
            .iter()
            .filter_map(|(key, value)| Some((key.scalar()?.text.as_str(), key, value)))
    }

    /// The value of this key; of several, the last counts.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .filter(|(name, _, _)| *name == key)
            .map(|(_, _, value)| value)
            .last()
    }

    pub(super) fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The text, if it is text.
    pub(super) fn text(&self) -> Option<&str> {
        match self.scalar()?.meaning() {
            Meaning::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.value, Value::Map(_))
    }

    /// Whether it is there, but empty.
    pub(super) fn is_nothing(&self) -> bool {
        self.scalar()
            .is_some_and(|scalar| scalar.meaning() == Meaning::Nothing)
    }

    fn count(&self) -> usize {
        let below = match &self.value {
            Value::Scalar(_) => 0,
            Value::List(items) => items.iter().map(Self::count).sum(),
            Value::Map(pairs) => pairs.iter().map(|(k, v)| k.count() + v.count()).sum(),
        };
        below + 1
    }
}

/// The documents of a text, and why it can't be read any further.
pub(super) fn documents(text: &str) -> (Vec<Node>, Option<Trouble>) {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let done = match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => Err(Trouble {
                line: error.marker().line(),
                what: What::Syntax(error.info().to_owned()),
            }),
        };
        if let Err(trouble) = done {
            return (builder.documents, Some(trouble));
        }
    }
    (builder.documents, None)
}

/// A list or mapping whose end has not come.
struct Open {
    is_map: bool,
    anchor: usize,
    line: usize,
    start: usize,
    items: Vec<Node>,
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Trouble> {
        let line = span.start.line();
        let place = (span.start.index(), span.end.index());
        match event {
            Event::DocumentStart(_) => self.anchors.clear(),
            Event::Scalar(text, style, anchor, tag) => {
                let scalar = Scalar {
                    text: text.into_owned(),
                    style,
                    is_tagged: tag.is_some(),
                };
                let value = Value::Scalar(scalar);
                return self.add(Node { value, line, place }, anchor, 1);
            }
            Event::Alias(anchor) => {
                let what = What::Syntax("a reference to itself".to_owned());
                let copied = self.anchors.get(&anchor).cloned();
                let copied = copied.ok_or(Trouble { line, what })?;
                let size = copied.count();
                return self.add(copied, 0, size);
            }
            Event::SequenceStart(anchor, _) => return self.begin(false, anchor, &span),
            Event::MappingStart(anchor, _) => return self.begin(true, anchor, &span),
            Event::SequenceEnd | Event::MappingEnd => return self.end(place.1),
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, is_map: bool, anchor: usize, span: &Span) -> Result<(), Trouble> {
        let line = span.start.line();
        if self.open.len() >= MAX_DEPTH {
            let what = What::Size;
            return Err(Trouble { line, what });
        }
        self.open.push(Open {
            is_map,
            anchor,
            line,
            start: span.start.index(),
            items: Vec::new(),
        });
        Ok(())
    }

    fn end(&mut self, end: usize) -> Result<(), Trouble> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let value = if open.is_map {
            Value::Map(merged(pairs(open.items)))
        } else {
            Value::List(open.items)
        };
        let place = (open.start, end);
        let line = open.line;
        self.add(Node { value, line, place }, open.anchor, 1)
    }

    /// Adds a node to what is open. Only a copy brings more nodes than itself.
    fn add(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), Trouble> {
        let line = node.line;
        self.nodes += size;
        if self.nodes > MAX_NODES {
            let what = What::Size;
            return Err(Trouble { line, what });
        }
        let is_key = self
            .open
            .last()
            .is_some_and(|open| open.is_map && open.items.len().is_multiple_of(2));
        if is_key && node.scalar().is_none() {
            let what = What::Key;
            return Err(Trouble { line, what });
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(open) => open.items.push(node),
            None => self.documents.push(node),
        }
        Ok(())
    }
}

fn pairs(items: Vec<Node>) -> Vec<(Node, Node)> {
    let mut pairs = Vec::with_capacity(items.len() / 2);
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        pairs.push((key, value));
    }
    pairs
}

/// Takes over what `<<` names, as YAML 1.1 has it: a key that stands there itself counts more.
fn merged(pairs: Vec<(Node, Node)>) -> Vec<(Node, Node)> {
    let is_merge = |key: &Node| {
        key.scalar()
            .is_some_and(|s| s.text == "<<" && s.style == ScalarStyle::Plain)
    };
    let (merges, own): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(key, _)| is_merge(key));
    let mut all: Vec<(Node, Node)> = Vec::new();
    for (_, value) in merges {
        match value.value {
            Value::Map(pairs) => all.extend(pairs),
            Value::List(items) => all.extend(items.into_iter().rev().flat_map(|item| {
                let Value::Map(pairs) = item.value else {
                    return Vec::new();
                };
                pairs
            })),
            Value::Scalar(_) => {}
        }
    }
    // What gives way is gone, so that a key that is there twice was written twice.
    let mut seen: BTreeSet<String> = own.iter().filter_map(|(key, _)| name(key)).collect();
    let mut kept: Vec<(Node, Node)> = all
        .into_iter()
        .rev()
        .filter(|(key, _)| name(key).is_none_or(|name| seen.insert(name)))
        .collect();
    kept.reverse();
    kept.extend(own);
    kept
}

fn name(key: &Node) -> Option<String> {
    Some(key.scalar()?.text.clone())
}

#[cfg(test)]
mod tests {
    use super::{Trouble, What, documents};

    fn trouble(text: &str) -> Option<Trouble> {
        documents(text).1
    }

    #[test]
    fn a_value_knows_its_line_and_the_last_of_a_key_counts() {
        let (documents, trouble) = documents("# x\na: 1\nb:\n  - c\na: 2\n");
        assert_eq!(trouble, None);
        let document = documents.first().unwrap();
        assert_eq!(document.get("a").unwrap().line, 5);
        assert_eq!(document.get("b").unwrap().line, 4);
    }

    #[test]
    fn what_merges_gives_way_to_what_stands_there() {
        let (documents, _) = documents("x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: three\n");
        let y = documents.first().unwrap().get("y").unwrap();
        assert_eq!(y.get("b").unwrap().text(), Some("three"));
        assert!(y.get("a").is_some());
    }

    #[test]
    fn what_grows_without_end_is_refused() {
        assert_eq!(trouble(&"- ".repeat(50)).unwrap().what, What::Size);
        let bomb = (1..12).fold("a0: &a0 x\n".to_owned(), |bomb, i| {
            let nine = vec![format!("*a{}", i - 1); 9].join(",");
            bomb + &format!("a{i}: &a{i} [{nine}]\n")
        });
        assert_eq!(trouble(&bomb).unwrap().what, What::Size);
        assert!(trouble("a: &a [*a]").is_some());
        assert_eq!(trouble("- a: {{X}}\n").unwrap().what, What::Key);
    }
}
