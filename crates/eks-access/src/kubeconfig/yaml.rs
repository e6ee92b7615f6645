//! As much of YAML as a kubeconfig has: mappings, lists and text. JSON is YAML too.
//!
//! Aliases are refused: no tool writes them into a kubeconfig, and what refers to nothing can't grow.

use saphyr_parser::{Event, Parser};

use super::Broken;

/// A document deeper than this is none that tools write.
const DEEPEST: usize = 32;

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The value of a key; the last one if it is there twice, as kubectl has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(pairs) = self else { return None };
        let mut found = pairs.iter().filter(|(name, _)| name == key);
        found.next_back().map(|(_, value)| value)
    }

    /// The text under a key.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.scalar()
    }

    /// The list under a key; none is an empty one.
    pub(super) fn list(&self, key: &str) -> &[Self] {
        match self.get(key) {
            Some(Self::List(items)) => items,
            _ => &[],
        }
    }

    pub(super) fn scalar(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self, Self::Map(_))
    }
}

/// Something that is open, and the key that waits for a value.
enum Open {
    List(Vec<Node>),
    Map(Vec<(String, Node)>, Option<String>),
}

/// Reads the first document; `None` if there is none.
pub(super) fn read(text: &str) -> Result<Option<Node>, Broken> {
    let mut stack: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Broken {
            line: error.marker().line(),
            what: "it is no YAML from here on",
        })?;
        let broken = |what| Broken {
            line: span.start.line(),
            what,
        };
        let done = match event {
            Event::SequenceStart(..) | Event::MappingStart(..) if stack.len() >= DEEPEST => {
                return Err(broken("it is deeper than any kubeconfig"));
            }
            Event::SequenceStart(..) => {
                stack.push(Open::List(Vec::new()));
                None
            }
            Event::MappingStart(..) => {
                stack.push(Open::Map(Vec::new(), None));
                None
            }
            Event::Scalar(text, ..) => Some(Node::Text(text.into_owned())),
            Event::Alias(_) => return Err(broken("it has an alias, which is not read here")),
            Event::SequenceEnd | Event::MappingEnd => stack.pop().map(|open| match open {
                Open::List(items) => Node::List(items),
                Open::Map(pairs, _) => Node::Map(pairs),
            }),
            _ => None,
        };
        let Some(node) = done else { continue };
        match stack.last_mut() {
            None if node.is_map() => return Ok(Some(node)),
            None if node == Node::Text(String::new()) => return Ok(None),
            None => return Err(broken("it is no mapping of keys and values")),
            Some(Open::List(items)) => items.push(node),
            Some(Open::Map(pairs, waiting)) => match (waiting.take(), node) {
                (Some(key), value) => pairs.push((key, value)),
                (None, Node::Text(key)) => *waiting = Some(key),
                (None, _) => return Err(broken("a key is no text")),
            },
        }
    }
    Ok(None)
}
