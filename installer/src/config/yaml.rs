//! YAML as a tree that knows where each thing stands. No more of YAML than a configuration needs: one document, mappings,
//! lists and scalars. Anchors and aliases, by which a short file becomes a huge one, are refused, and so are tags and
//! keys that are there twice.
use std::collections::HashSet;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};

use super::problem::{KeyPath, Mark, PathStep, Problem, quoted};

/// Largest file, bytes.
pub(super) const MAX_FILE: usize = 1 << 20;
/// Deepest nesting.
const MAX_DEPTH: usize = 16;

/// Something in the file and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub mark: Mark,
    pub content: Content,
}

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// Text as it is written, without its quotes; `plain` had none.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub key: String,
    pub mark: Mark,
    pub value: Node,
}

impl Node {
    /// Whether nothing stands there: an empty value, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// What kind of thing it is, in words.
    pub fn kind(&self) -> &'static str {
        match &self.content {
            _ if self.is_null() => "nothing",
            Content::Scalar { .. } => "a single value",
            Content::List(_) => "a list",
            Content::Map(_) => "a mapping",
        }
    }

    /// Where something stands; where it isn't there, what it would be in. A value is said to be where its key is.
    pub fn find(&self, path: &KeyPath) -> Mark {
        let (mut node, mut mark) = (self, self.mark);
        for step in &path.0 {
            let next = match (&node.content, step) {
                (Content::Map(entries), PathStep::Key(key)) => {
                    entries.iter().find(|entry| entry.key == *key).map(|entry| (&entry.value, entry.mark))
                }
                (Content::List(items), PathStep::Item(at)) => items.get(*at).map(|item| (item, item.mark)),
                _ => None,
            };
            let Some(next) = next else { break };
            (node, mark) = next;
        }
        mark
    }
}

/// Reads a file. What can't be read at all is one problem, for nothing behind it can be trusted.
pub(super) fn read(text: &str) -> Result<Node, Problem> {
    if text.len() > MAX_FILE {
        let message = format!("the file has {} bytes; there may be at most {MAX_FILE}", text.len());
        return Err(Problem::at(Mark::default(), &KeyPath::default(), message));
    }
    let mut reader = Reader { parser: Parser::new_from_str(text), path: KeyPath::default() };
    let mut root = None;
    loop {
        let (event, mark) = reader.next()?;
        match event {
            Event::StreamEnd => break,
            Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
            Event::DocumentStart(_) if root.is_some() => return Err(reader.refuse(mark, "is a second document")),
            Event::DocumentStart(_) => {
                let (event, mark) = reader.next()?;
                root = Some(reader.node(event, mark, 0)?);
            }
            _ => return Err(reader.refuse(mark, "is nothing that belongs here")),
        }
    }
    let nothing = Content::Scalar { text: String::new(), plain: true };
    Ok(root.unwrap_or(Node { mark: Mark::default(), content: nothing }))
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    path: KeyPath,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Mark), Problem> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, mark(&span))),
            Some(Err(error)) => {
                let place = Mark { line: error.marker().line(), column: error.marker().col() + 1 };
                Err(self.refuse(place, &format!("is no valid YAML: {}", error.info())))
            }
            None => Ok((Event::StreamEnd, Mark::default())),
        }
    }

    fn refuse(&self, mark: Mark, message: &str) -> Problem {
        Problem::at(mark, &self.path, message.to_owned())
    }

    fn node(&mut self, event: Event<'a>, mark: Mark, depth: usize) -> Result<Node, Problem> {
        if depth > MAX_DEPTH {
            return Err(self.refuse(mark, &format!("is nested deeper than {MAX_DEPTH}")));
        }
        let content = match event {
            Event::Alias(_) => return Err(self.refuse(mark, "is an alias (*); write the value out")),
            Event::Scalar(_, _, anchor, ref tag)
            | Event::SequenceStart(anchor, ref tag)
            | Event::MappingStart(anchor, ref tag)
                if anchor != 0 || tag.is_some() =>
            {
                let what = if tag.is_some() { "has a tag (!)" } else { "has an anchor (&)" };
                return Err(self.refuse(mark, &format!("{what}, which isn't taken here")));
            }
            Event::Scalar(text, style, ..) => {
                Content::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain }
            }
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            _ => return Err(self.refuse(mark, "ends where a value should be")),
        };
        Ok(Node { mark, content })
    }

    fn list(&mut self, depth: usize) -> Result<Content, Problem> {
        let mut items = Vec::new();
        loop {
            let (event, mark) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Content::List(items));
            }
            self.path.0.push(PathStep::Item(items.len()));
            items.push(self.node(event, mark, depth + 1)?);
            self.path.0.pop();
        }
    }

    fn map(&mut self, depth: usize) -> Result<Content, Problem> {
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        loop {
            let (event, mark) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Content::Map(entries));
            }
            let Content::Scalar { text: key, .. } = self.node(event, mark, depth + 1)?.content else {
                return Err(self.refuse(mark, "has a key that is no single word"));
            };
            if !seen.insert(key.clone()) {
                return Err(self.refuse(mark, &format!("has the key {} twice", quoted(&key))));
            }
            self.path.0.push(PathStep::Key(key.clone()));
            let (event, begin) = self.next()?;
            let value = self.node(event, begin, depth + 1)?;
            self.path.0.pop();
            entries.push(Entry { key, mark, value });
        }
    }
}

fn mark(span: &Span) -> Mark {
    Mark { line: span.start.line(), column: span.start.col() + 1 }
}
