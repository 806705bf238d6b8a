//! What is wrong with a file, and where.
use std::fmt;

/// Problems that are told one by one; of what is beyond, the number.
const MAX_PROBLEMS: usize = 50;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Column, in characters, from 1.
    pub column: usize,
    /// The key it is about: `hosts[2].roles`; empty for the file as a whole.
    pub key_path: String,
    /// What is wrong, to be read after the key.
    pub message: String,
    /// What would be right, as an own sentence part: `did you mean hosts?`.
    pub suggestion: Option<String>,
}

impl Problem {
    pub(super) fn at(mark: Mark, path: &KeyPath, message: String) -> Self {
        let key_path = path.to_string();
        Self { line: mark.line, column: mark.column, key_path, message, suggestion: None }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: ", self.line, self.column)?;
        if !self.key_path.is_empty() {
            write!(f, "{} ", self.key_path)?;
        }
        f.write_str(&self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; {suggestion}"),
            None => Ok(()),
        }
    }
}

/// A place in the file, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub line: usize,
    pub column: usize,
}

impl Default for Mark {
    fn default() -> Self {
        Self { line: 1, column: 1 }
    }
}

/// A step into the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PathStep {
    Key(String),
    Item(usize),
}

/// Where in the file, by keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct KeyPath(pub Vec<PathStep>);

impl KeyPath {
    /// A key of it.
    pub fn key(&self, key: impl Into<String>) -> Self {
        let mut path = self.clone();
        path.0.push(PathStep::Key(key.into()));
        path
    }

    /// An item of it.
    pub fn item(&self, at: usize) -> Self {
        let mut path = self.clone();
        path.0.push(PathStep::Item(at));
        path
    }
}

/// Keys joined by dots: `ssh.port`.
impl From<&str> for KeyPath {
    fn from(keys: &str) -> Self {
        Self(keys.split('.').filter(|key| !key.is_empty()).map(|key| PathStep::Key(key.to_owned())).collect())
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                PathStep::Item(item) => write!(f, "[{item}]")?,
                PathStep::Key(key) => {
                    if at > 0 {
                        f.write_str(".")?;
                    }
                    f.write_str(&shortened(key))?;
                }
            }
        }
        Ok(())
    }
}

/// Problems as they are found.
#[derive(Debug, Default)]
pub(super) struct Report {
    found: Vec<(KeyPath, Option<Mark>, String, Option<String>)>,
    more: usize,
}

impl Report {
    /// Something is wrong.
    pub fn refuse(&mut self, path: &KeyPath, message: impl Into<String>) {
        self.push(path, None, message.into(), None);
    }

    /// Something is wrong, and this would be right.
    pub fn advise(&mut self, path: &KeyPath, message: impl Into<String>, suggestion: impl Into<String>) {
        self.push(path, None, message.into(), Some(suggestion.into()));
    }

    /// Something is wrong at a place that is known.
    pub fn refuse_at(&mut self, mark: Mark, path: &KeyPath, message: String, suggestion: Option<String>) {
        self.push(path, Some(mark), message, suggestion);
    }

    fn push(&mut self, path: &KeyPath, mark: Option<Mark>, message: String, suggestion: Option<String>) {
        if self.found.len() < MAX_PROBLEMS {
            self.found.push((path.clone(), mark, message, suggestion));
        } else {
            self.more += 1;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All that was found, in the order of the file.
    pub fn into_problems(self, find: impl Fn(&KeyPath) -> Mark) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self
            .found
            .into_iter()
            .map(|(path, mark, message, suggestion)| {
                let mark = mark.unwrap_or_else(|| find(&path));
                Problem { suggestion, ..Problem::at(mark, &path, message) }
            })
            .collect();
        problems.sort_by_key(|problem| (problem.line, problem.column));
        if self.more > 0 {
            let message = format!("{} more things are wrong", self.more);
            problems.push(Problem::at(Mark::default(), &KeyPath::default(), message));
        }
        problems
    }
}

/// A text for a message, in quotes and with what isn't printable escaped; its beginning when it is long.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", shortened(text))
}

fn shortened(text: &str) -> String {
    let begin: String = text.chars().take(60).collect();
    let more = if begin.len() < text.len() { "…" } else { "" };
    format!("{}{more}", begin.escape_debug())
}

/// Which of these was probably meant.
pub(super) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    if word.len() > 64 {
        return None;
    }
    let word = word.to_lowercase().replace('-', "_");
    let near = |known: &&str| strsim::damerau_levenshtein(&word, &known.to_lowercase().replace('-', "_"));
    let found = known.into_iter().map(|known| (near(&known), known)).min()?;
    (found.0 <= (word.chars().count() / 3).clamp(1, 3)).then(|| format!("did you mean {}?", found.1))
}
