//! Slurm's configuration files as they are written, by whomever: read line by line, in order, nothing thrown away. The
//! same grammar holds for slurm.conf(5), cgroup.conf(5), gres.conf(5) and slurmdbd.conf(5).
//!
//! As Slurm's own parser does: names have no case, `#` begins a comment unless a backslash is before it, a backslash at
//! the end of a line joins the next, values with spaces stand in double quotes.
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

#[cfg(test)]
mod tests;

/// Names that begin a line of its own kind, of which there may be many.
const RECORDS: [&str; 6] = ["NodeName", "PartitionName", "DownNodes", "NodeSet", "FrontendName", "SwitchName"];

/// Pairs in a line; Slurm knows not half as many for any.
const MAX_PAIRS: usize = 128;

/// An option and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The name, as it is spelled there.
    pub name: String,
    /// The value, without quotes.
    pub value: String,
}

impl Pair {
    /// Whether it is this option.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value.replace('\\', "\\\\").replace('#', "\\#");
        let quote = if value.is_empty() || value.contains(char::is_whitespace) { "\"" } else { "" };
        write!(f, "{}={quote}{value}{quote}", self.name)
    }
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Options: most lines have one.
    Options(Vec<Pair>),
    /// A node, a partition, …: the first pair says which, the others are its options.
    Record(Vec<Pair>),
    /// Another file is read in its place.
    Include(String),
    /// Nothing that Slurm would understand.
    Malformed(String),
}

/// A line that says something; comments and empty lines don't.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file, from 1; of the first when several are joined.
    pub number: usize,
    /// What it says.
    pub said: Said,
}

/// A whole file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conf {
    /// In order.
    pub lines: Vec<Line>,
}

impl Conf {
    /// Reads a file. Nothing is refused: what can't be understood is [`Said::Malformed`].
    pub fn parse(text: &str) -> Self {
        let mut lines = Vec::new();
        let mut joined: Option<(usize, String)> = None;
        for (at, physical) in text.lines().enumerate() {
            let physical = without_comment(physical);
            let (text, goes_on) = without_continuation(physical);
            let (number, mut line) = joined.take().unwrap_or((at + 1, String::new()));
            line.push_str(text);
            if goes_on {
                joined = Some((number, line));
            } else {
                lines.extend(said(&line).map(|said| Line { number, said }));
            }
        }
        if let Some((number, line)) = joined {
            lines.extend(said(&line).map(|said| Line { number, said }));
        }
        Self { lines }
    }

    /// All options, in order, records left out.
    pub fn options(&self) -> impl Iterator<Item = &Pair> {
        self.lines.iter().flat_map(|line| match &line.said {
            Said::Options(pairs) => pairs.as_slice(),
            _ => &[],
        })
    }

    /// The value of an option: the last one holds, as in Slurm.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.options().filter(|pair| pair.is(name)).last().map(|pair| pair.value.as_str())
    }

    /// All values of an option that may be there more than once, such as `SlurmctldHost`.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.options().filter(move |pair| pair.is(name)).map(|pair| pair.value.as_str())
    }

    /// Records of a kind, each complete: what lines with the name `DEFAULT` before it say holds where it says nothing.
    pub fn records(&self, kind: &str) -> Vec<Record> {
        let mut defaults: Vec<Pair> = Vec::new();
        let mut records = Vec::new();
        for line in &self.lines {
            let Said::Record(pairs) = &line.said else { continue };
            let Some((first, options)) = pairs.split_first().filter(|(first, _)| first.is(kind)) else { continue };
            if first.value.eq_ignore_ascii_case("DEFAULT") {
                defaults = merged(&defaults, options);
            } else {
                let options = merged(&defaults, options);
                records.push(Record { number: line.number, name: first.value.clone(), options });
            }
        }
        records
    }
}

/// A node, a partition, …, or several in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its line.
    pub number: usize,
    /// Its name, or a list of them.
    pub name: String,
    /// Its options, each once.
    pub options: Vec<Pair>,
}

impl Record {
    /// The value of an option.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|pair| pair.is(name)).map(|pair| pair.value.as_str())
    }
}

/// Options that hold when one line comes after another, each once.
fn merged(before: &[Pair], after: &[Pair]) -> Vec<Pair> {
    let mut all: Vec<Pair> = Vec::new();
    let mut places = HashMap::new();
    for pair in before.iter().chain(after) {
        match places.entry(pair.name.to_ascii_lowercase()) {
            Entry::Occupied(place) => all[*place.get()] = pair.clone(),
            Entry::Vacant(place) => {
                place.insert(all.len());
                all.push(pair.clone());
            }
        }
    }
    all
}

/// A line up to its comment.
fn without_comment(line: &str) -> &str {
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match c {
            '#' if !escaped => return &line[..at],
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    line
}

/// A line without the backslash that joins the next to it, and whether it has one.
fn without_continuation(line: &str) -> (&str, bool) {
    let end = line.trim_end();
    let text = end.trim_end_matches('\\');
    let backslashes = end.len() - text.len();
    if backslashes % 2 == 1 { (&end[..end.len() - 1], true) } else { (line, false) }
}

fn said(line: &str) -> Option<Said> {
    let line = unescaped(line);
    let line = line.trim();
    if line.is_empty() {
        return None;
    }
    let malformed = || Some(Said::Malformed(line.to_owned()));
    if let Some((word, file)) = line.split_once(char::is_whitespace)
        && word.eq_ignore_ascii_case("include")
    {
        return Some(Said::Include(file.trim().to_owned()));
    }
    let Some(pairs) = pairs(line) else { return malformed() };
    let is_record = pairs.first().is_some_and(|first| RECORDS.iter().any(|record| first.is(record)));
    Some(if is_record { Said::Record(pairs) } else { Said::Options(pairs) })
}

/// `name=value name="value with spaces"`; spaces around = are taken, as Slurm does. `None` for anything else.
fn pairs(line: &str) -> Option<Vec<Pair>> {
    let mut pairs = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        if pairs.len() == MAX_PAIRS {
            return None;
        }
        let (name, value) = rest.split_once('=')?;
        let name = name.trim_end();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        if name.is_empty() || !name.chars().all(plain) {
            return None;
        }
        let value = value.trim_start();
        let (value, behind) = match value.strip_prefix('"') {
            Some(quoted) => {
                let (value, behind) = quoted.split_once('"')?;
                if !behind.is_empty() && !behind.starts_with(char::is_whitespace) {
                    return None;
                }
                (value, behind)
            }
            None if value.is_empty() => return None,
            None => value.split_once(char::is_whitespace).unwrap_or((value, "")),
        };
        pairs.push(Pair { name: name.to_owned(), value: value.to_owned() });
        rest = behind.trim_start();
    }
    Some(pairs)
}

/// A line without the backslashes that kept a character from its meaning.
fn unescaped(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        text.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    text
}
