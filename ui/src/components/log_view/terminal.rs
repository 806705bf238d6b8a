//! What a terminal would show of a program's output, line by line: carriage returns overwrite, colours become styles,
//! and every other escape sequence is dropped, so that hostile output can do nothing but look odd.
//!
//! Pure and incremental: text comes in pieces of any length, even cut in the middle of a sequence, and what came before
//! it may follow later. Memory is bounded by lines, by their length, and by bytes in all.
use std::collections::VecDeque;

/// Lines kept; older ones are dropped.
pub const MOST_LINES: usize = 10_000;
/// Lines kept when earlier ones were asked for.
const MOST_WITH_EARLIER: usize = 40_000;
/// Bytes of text kept, whatever its lines: rubbish has few and long ones.
const MOST_BYTES: usize = 12 << 20;
/// Number of the first line: earlier ones, asked for later, get smaller numbers.
const BASE: usize = 1 << 30;
/// Characters of a line; a longer one goes on in the next line.
const LONGEST_LINE: usize = 8_000;
/// Parameters of a sequence are read up to here; longer ones are nonsense.
const LONGEST_SEQUENCE: usize = 64;
/// Columns between tab stops.
const TAB: usize = 8;

/// How a piece of text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Colour 1 to 16 of the terminal's sixteen; 0 is the text's own.
    pub colour: u8,
    /// Bold.
    pub bold: bool,
    /// Dimmed.
    pub dim: bool,
    /// Underlined.
    pub underline: bool,
}

/// Text of one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The text.
    pub text: String,
    /// How it looks.
    pub style: Style,
}

/// One line.
pub type Line = Vec<Span>;

#[derive(Debug, Default)]
enum Reading {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After `ESC [`, with what came since.
    Control(String),
    /// In a title or link, which end with BEL or `ESC \`.
    Command { escape: bool },
    /// One more character belongs to the sequence.
    One,
}

/// The output so far.
#[derive(Debug)]
pub struct Terminal {
    finished: VecDeque<Line>,
    /// Number of the first line that is kept.
    first: usize,
    /// Bytes of the finished lines.
    bytes: usize,
    /// Lines that may be kept.
    room: usize,
    /// Whether lines were dropped at the front.
    cut: bool,
    current: Vec<(char, Style)>,
    cursor: usize,
    style: Style,
    reading: Reading,
}

impl Default for Terminal {
    fn default() -> Self {
        Self {
            finished: VecDeque::new(),
            first: BASE,
            bytes: 0,
            room: MOST_LINES,
            cut: false,
            current: Vec::new(),
            cursor: 0,
            style: Style::default(),
            reading: Reading::default(),
        }
    }
}

impl Terminal {
    /// Takes in more output.
    pub fn feed(&mut self, text: &str) {
        for c in text.chars() {
            self.take(c);
        }
    }

    /// Takes in what was written before everything that is here.
    pub fn feed_before(&mut self, text: &str) {
        let mut before = Self { room: MOST_WITH_EARLIER, ..Self::default() };
        before.feed(text);
        // The piece may end within a line: what is here goes on with it.
        if let Some(first) = self.finished.front_mut() {
            let mut joint = spans(&before.current);
            self.bytes += size(&joint);
            joint.append(first);
            *first = joint;
        } else {
            self.cursor += before.current.len();
            before.current.append(&mut self.current);
            self.current = before.current;
        }
        self.room = (self.room + before.finished.len()).min(MOST_WITH_EARLIER);
        self.first -= before.finished.len();
        self.bytes += before.bytes;
        before.finished.append(&mut self.finished);
        self.finished = before.finished;
    }

    /// Whether there is room for lines from before those that are here.
    pub fn has_room_before(&self) -> bool {
        !self.cut && self.finished.len() < MOST_WITH_EARLIER / 2 && self.bytes < MOST_BYTES / 2
    }

    /// Whether lines were dropped at the front to keep the rest.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// How many lines are here.
    pub fn count(&self) -> usize {
        self.finished.len() + 1
    }

    /// Number of the first line that is still there.
    pub fn first(&self) -> usize {
        self.first
    }

    /// Number after the last line; the last one is the one being written.
    pub fn end(&self) -> usize {
        self.first + self.finished.len() + 1
    }

    /// A line by its number; nothing for one that was dropped or isn't there yet.
    pub fn line(&self, number: usize) -> Line {
        match number.checked_sub(self.first) {
            Some(place) if place < self.finished.len() => self.finished[place].clone(),
            Some(place) if place == self.finished.len() => spans(&self.current),
            _ => Line::new(),
        }
    }

    /// A line's text by its number.
    pub fn text(&self, number: usize) -> String {
        self.line(number).into_iter().map(|span| span.text).collect()
    }

    /// Everything that is kept, as plain text.
    pub fn plain(&self) -> String {
        let lines: Vec<String> = (self.first()..self.end()).map(|number| self.text(number)).collect();
        lines.join("\n")
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.finished.is_empty() && self.current.is_empty()
    }

    fn take(&mut self, c: char) {
        match &mut self.reading {
            Reading::Text => self.take_text(c),
            Reading::Escape => {
                self.reading = match c {
                    '[' => Reading::Control(String::new()),
                    ']' | 'P' | '^' | '_' | 'X' => Reading::Command { escape: false },
                    '(' | ')' | '*' | '+' | '#' | ' ' | '%' => Reading::One,
                    _ => Reading::Text,
                }
            }
            Reading::One => self.reading = Reading::Text,
            Reading::Control(parameters) => match c {
                '\x40'..='\x7e' => {
                    let parameters = std::mem::take(parameters);
                    self.reading = Reading::Text;
                    self.control(c, &parameters);
                }
                _ if parameters.len() < LONGEST_SEQUENCE && !c.is_control() => parameters.push(c),
                _ => self.reading = Reading::Text,
            },
            Reading::Command { escape } => match c {
                '\x07' => self.reading = Reading::Text,
                '\\' if *escape => self.reading = Reading::Text,
                // A sequence that is never ended must not swallow the rest.
                '\n' => {
                    self.reading = Reading::Text;
                    self.take_text(c);
                }
                _ => *escape = c == '\x1b',
            },
        }
    }

    fn take_text(&mut self, c: char) {
        match c {
            '\n' => self.line_feed(),
            '\r' => self.cursor = 0,
            '\x08' => self.cursor = self.cursor.saturating_sub(1),
            '\t' => {
                let to = (self.cursor / TAB + 1) * TAB;
                while self.cursor < to {
                    self.put(' ');
                }
            }
            '\x1b' => self.reading = Reading::Escape,
            '\u{9b}' => self.reading = Reading::Control(String::new()),
            c if c.is_control() => {}
            // Characters that turn the direction of what follows could make a line read as another.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c => self.put(c),
        }
    }

    fn put(&mut self, c: char) {
        if self.cursor >= LONGEST_LINE {
            self.line_feed();
        }
        while self.current.len() < self.cursor {
            self.current.push((' ', Style::default()));
        }
        let cell = (c, self.style);
        match self.current.get_mut(self.cursor) {
            Some(place) => *place = cell,
            None => self.current.push(cell),
        }
        self.cursor += 1;
    }

    fn line_feed(&mut self) {
        let line = spans(&self.current);
        self.bytes += size(&line);
        self.finished.push_back(line);
        self.current.clear();
        self.cursor = 0;
        while self.finished.len() >= self.room || self.bytes > MOST_BYTES {
            let Some(line) = self.finished.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(size(&line));
            self.first += 1;
            self.cut = true;
        }
    }

    fn control(&mut self, kind: char, parameters: &str) {
        let number = |default: usize| parameters.parse::<usize>().unwrap_or(default);
        match kind {
            'm' => self.style = restyle(self.style, parameters),
            'K' => match number(0) {
                0 => self.current.truncate(self.cursor),
                1 => {
                    let end = self.cursor.min(self.current.len());
                    self.current[..end].fill((' ', Style::default()));
                }
                _ => self.current.clear(),
            },
            'G' => self.cursor = number(1).clamp(1, LONGEST_LINE) - 1,
            'C' => self.cursor = (self.cursor + number(1).min(LONGEST_LINE)).min(LONGEST_LINE - 1),
            'D' => self.cursor = self.cursor.saturating_sub(number(1)),
            _ => {}
        }
    }
}

/// Bytes that a line takes, about.
fn size(line: &Line) -> usize {
    line.iter().map(|span| span.text.len() + size_of::<Span>()).sum()
}

/// Joins characters of one style; spaces that only fill up the end are left out.
fn spans(cells: &[(char, Style)]) -> Line {
    let end = cells.iter().rposition(|(c, style)| *c != ' ' || style.underline).map_or(0, |last| last + 1);
    let mut line = Line::new();
    for (c, style) in &cells[..end] {
        match line.last_mut() {
            Some(span) if span.style == *style => span.text.push(*c),
            _ => line.push(Span { text: c.to_string(), style: *style }),
        }
    }
    line
}

/// Applies the parameters of a `m` sequence.
fn restyle(mut style: Style, parameters: &str) -> Style {
    let mut codes = parameters.split([';', ':']).map(|code| code.parse::<u16>().unwrap_or(0));
    while let Some(code) = codes.next() {
        match code {
            0 => style = Style::default(),
            1 => style.bold = true,
            2 => style.dim = true,
            4 => style.underline = true,
            22 => (style.bold, style.dim) = (false, false),
            24 => style.underline = false,
            30..=37 => style.colour = sixteenth(code - 30),
            90..=97 => style.colour = sixteenth(code - 90 + 8),
            39 => style.colour = 0,
            38 | 48 => {
                let colour = extended(&mut codes);
                if code == 38 {
                    style.colour = colour;
                }
            }
            _ => {}
        }
    }
    style
}

/// Reads the rest of an extended colour (`5;n` or `2;r;g;b`), as the one of the sixteen that is nearest to it.
fn extended(codes: &mut impl Iterator<Item = u16>) -> u8 {
    match codes.next() {
        Some(5) => match codes.next().unwrap_or(0) {
            basic @ 0..=15 => sixteenth(basic),
            cube @ 16..=231 => {
                let cube = cube - 16;
                nearest([cube / 36 * 51, cube / 6 % 6 * 51, cube % 6 * 51])
            }
            // The grey ramp says "less important" at most.
            _ => 0,
        },
        Some(2) => nearest([0; 3].map(|_: u16| codes.next().unwrap_or(0).min(255))),
        _ => 0,
    }
}

fn nearest(rgb: [u16; 3]) -> u8 {
    let strongest = rgb.into_iter().max().unwrap_or(0);
    let weakest = rgb.into_iter().min().unwrap_or(0);
    if strongest - weakest < 48 {
        return 0;
    }
    let bits = rgb
        .iter()
        .enumerate()
        .filter(|(_, part)| **part > weakest + (strongest - weakest) / 2)
        .fold(0, |bits, (place, _)| bits | 1 << place);
    sixteenth(bits)
}

fn sixteenth(index: u16) -> u8 {
    u8::try_from(index + 1).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let mut terminal = Terminal::default();
        terminal.feed(text);
        (terminal.first()..terminal.end()).map(|number| terminal.text(number)).collect()
    }

    #[test]
    fn carriage_returns_overwrite() {
        assert_eq!(shown("10%\r 20%\r100%\ndone"), ["100%", "done"]);
        assert_eq!(shown("abcdef\rxy"), ["xycdef"]);
        assert_eq!(shown("a\r\nb\r\n"), ["a", "b", ""]);
        assert_eq!(shown("long text\r\x1b[Kshort"), ["short"]);
        assert_eq!(shown("ab\x08c\tz"), ["ac      z"]);
    }

    #[test]
    fn colours_become_styles() {
        let mut terminal = Terminal::default();
        terminal.feed("\x1b[1;31merror\x1b[0m: \x1b[38;5;46mgreen\x1b[39m \x1b[38;2;10;20;250mblue\x1b[m.");
        let line = terminal.line(BASE);
        let look: Vec<(&str, u8, bool)> =
            line.iter().map(|span| (span.text.as_str(), span.style.colour, span.style.bold)).collect();
        assert_eq!(
            look,
            [
                ("error", 2, true),
                (": ", 0, false),
                ("green", 3, false),
                (" ", 0, false),
                ("blue", 5, false),
                (".", 0, false)
            ]
        );
    }

    #[test]
    fn sequences_may_be_cut_anywhere() {
        let whole = "\x1b]0;title\x07a\x1b[32mb\x1b[0m\x1b(Bc\x1b[?25ld\x1b]8;;http://x\x1b\\e";
        let mut terminal = Terminal::default();
        for c in whole.chars() {
            terminal.feed(&c.to_string());
        }
        assert_eq!(terminal.plain(), "abcde");
        assert_eq!(terminal.line(BASE)[1].style.colour, 3);
    }

    #[test]
    fn hostile_sequences_stay_harmless() {
        assert_eq!(shown("\x1b[999999999999C!").len(), 1);
        assert_eq!(shown("a\x1b[2J\x1b[Hb"), ["ab"]);
        assert_eq!(shown("\x1b]0;never ended\nnext"), ["", "next"]);
        assert_eq!(shown("safe\u{202e}txt.exe\u{0}\u{7f}"), ["safetxt.exe"]);
        assert_eq!(shown(&format!("\x1b[{}mx", "1;".repeat(100))).len(), 1);
        assert_eq!(shown("\x1b[38;5m\x1b[38;2;1mx"), ["x"]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut terminal = Terminal::default();
        for number in 0..MOST_LINES * 2 {
            terminal.feed(&format!("{number}\n"));
        }
        assert_eq!(terminal.end() - terminal.first(), MOST_LINES);
        assert_eq!(terminal.end() - BASE, MOST_LINES * 2 + 1);
        assert_eq!(terminal.text(terminal.first()), (MOST_LINES + 1).to_string());
        assert_eq!(terminal.text(BASE), "", "dropped");
        assert!(terminal.is_cut() && !terminal.has_room_before());
        let mut wide = Terminal::default();
        wide.feed(&"x".repeat(LONGEST_LINE * 3));
        assert_eq!(wide.count(), 3);
        let mut rubbish = Terminal::default();
        let long = "\u{fffd}".repeat(LONGEST_LINE);
        for _ in 0..1_000 {
            rubbish.feed(&long);
        }
        assert!(rubbish.count() < 600 && rubbish.is_cut(), "{} lines", rubbish.count());
    }

    #[test]
    fn earlier_output_goes_before_the_rest() {
        let mut terminal = Terminal::default();
        terminal.feed("e 3\nline 4\nli");
        assert!(terminal.has_room_before());
        terminal.feed_before("line 1\nline 2\nlin");
        assert_eq!(terminal.first(), BASE - 2);
        terminal.feed("ne 5");
        assert_eq!(terminal.plain(), "line 1\nline 2\nline 3\nline 4\nline 5");
        let mut short = Terminal::default();
        short.feed("ld");
        short.feed_before("hel\nwor");
        short.feed("!");
        assert_eq!(short.plain(), "hel\nworld!");
    }
}
