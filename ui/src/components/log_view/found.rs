//! Where a log says what was searched for: every occurrence, kept up to date while lines come and go. Pure.
use super::terminal::Terminal;

/// Occurrences that are kept; more say nothing to a person.
const MOST: usize = 10_000;

/// One occurrence, in characters of its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// The line's number.
    pub line: usize,
    /// First character.
    pub start: usize,
    /// Character after the last one.
    pub end: usize,
}

/// The occurrences of a text.
#[derive(Debug, Default)]
pub struct Found {
    query: Vec<char>,
    hits: Vec<Hit>,
    /// Number after the last line that was searched.
    searched: usize,
}

impl Found {
    /// The occurrences, in order.
    pub fn hits(&self) -> &[Hit] {
        &self.hits
    }

    /// Whether there may be more of them than are kept.
    pub fn is_cut(&self) -> bool {
        self.hits.len() >= MOST
    }

    /// The occurrences in one line, each with its place in [`Found::hits`].
    pub fn in_line(&self, line: usize) -> impl Iterator<Item = (usize, &Hit)> {
        let first = self.hits.partition_point(|hit| hit.line < line);
        self.hits.iter().enumerate().skip(first).take_while(move |(_, hit)| hit.line == line)
    }

    /// Begins with another text; an empty one is nowhere.
    pub fn search(&mut self, query: &str) {
        *self = Self { query: query.chars().map(lower).collect(), ..Self::default() };
    }

    /// Looks through the lines that are new, up to the one with the number `end`; forgets those that are gone. Answers
    /// how many occurrences went at the front.
    pub fn update(&mut self, terminal: &Terminal, end: usize) -> usize {
        if self.query.is_empty() {
            return 0;
        }
        let gone = self.hits.partition_point(|hit| hit.line < terminal.first());
        self.hits.drain(..gone);
        // The line that was last may have grown since.
        let from = self.searched.saturating_sub(1).max(terminal.first());
        self.hits.truncate(self.hits.partition_point(|hit| hit.line < from));
        for line in from..end {
            if self.is_cut() {
                break;
            }
            self.look_at(line, &terminal.text(line));
        }
        self.searched = end;
        gone
    }

    fn look_at(&mut self, line: usize, text: &str) {
        let letters: Vec<char> = text.chars().map(lower).collect();
        let length = self.query.len();
        let mut at = 0;
        while at + length <= letters.len() && self.hits.len() < MOST {
            if letters[at..at + length] == self.query[..] {
                self.hits.push(Hit { line, start: at, end: at + length });
                at += length;
            } else {
                at += 1;
            }
        }
    }
}

/// A letter in lower case, one for one: places must stay.
fn lower(letter: char) -> char {
    letter.to_lowercase().next().unwrap_or(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(found: &Found, terminal: &Terminal) -> Vec<(usize, usize)> {
        found.hits().iter().map(|hit| (hit.line - terminal.first(), hit.start)).collect()
    }

    #[test]
    fn every_occurrence_is_found_whatever_its_case() {
        let mut terminal = Terminal::default();
        terminal.feed("Epoch 1, epoch 2\nnothing\nEPO");
        let mut found = Found::default();
        found.search("epoch");
        found.update(&terminal, terminal.end());
        assert_eq!(places(&found, &terminal), [(0, 0), (0, 9)]);
        terminal.feed("CH 3\nüber İstanbul epoch");
        found.update(&terminal, terminal.end());
        assert_eq!(places(&found, &terminal), [(0, 0), (0, 9), (2, 0), (3, 14)]);
        assert_eq!(found.in_line(terminal.first()).map(|(place, _)| place).collect::<Vec<_>>(), [0, 1]);
        found.search("");
        found.update(&terminal, terminal.end());
        assert!(found.hits().is_empty());
    }

    #[test]
    fn lines_that_go_take_their_occurrences_along() {
        let mut terminal = Terminal::default();
        let mut found = Found::default();
        found.search("x");
        terminal.feed("x\nx\n");
        assert_eq!(found.update(&terminal, terminal.end()), 0);
        terminal.feed(&"y\n".repeat(super::super::terminal::MOST_LINES));
        assert_eq!(found.update(&terminal, terminal.end()), 2);
        assert!(found.hits().is_empty());
        terminal.feed(&"x".repeat(30_000));
        found.update(&terminal, terminal.end());
        assert!(found.is_cut());
    }
}
