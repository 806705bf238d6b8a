//! How the installer talks: to a person at a terminal, or into a file. What hosts say is shown without their control
//! characters, so that a log line can't repaint the admin's terminal.
use std::fmt::Write as _;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

/// What can be done with the terminal.
#[derive(Debug, Clone, Copy)]
pub struct Voice {
    /// Somebody reads standard output as it comes.
    pub is_terminal: bool,
    /// Somebody can answer.
    pub can_ask: bool,
    /// Colours are welcome (`NO_COLOR`, no-color.org).
    pub(super) colours: bool,
}

/// Colours, as SGR parameters (ECMA-48).
#[derive(Debug, Clone, Copy)]
pub enum Colour {
    /// Something comes, or is well.
    Green,
    /// Something changes, or wants a look.
    Yellow,
    /// Something is lost, or wrong.
    Red,
    /// A title.
    Bold,
    /// Beside the point.
    Faint,
}

impl Voice {
    /// As the program was started.
    pub fn new() -> Self {
        let is_terminal = io::stdout().is_terminal();
        let can_ask = is_terminal && io::stdin().is_terminal();
        let wants = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { is_terminal, can_ask, colours: is_terminal && !wants("NO_COLOR") && !dumb }
    }

    /// A text in a colour, where colours are welcome.
    pub fn paint(self, colour: Colour, text: &str) -> String {
        if !self.colours {
            return text.to_owned();
        }
        let code = match colour {
            Colour::Green => "32",
            Colour::Yellow => "33",
            Colour::Red => "31",
            Colour::Bold => "1",
            Colour::Faint => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// Asks, and gives what was typed, trimmed. Nothing when nobody can answer (any more).
    pub fn ask(self, question: &str) -> Option<String> {
        if !self.can_ask {
            return None;
        }
        let mut stdout = io::stdout().lock();
        write!(stdout, "{question} ").and_then(|()| stdout.flush()).ok()?;
        let mut answer = String::new();
        match io::stdin().lock().read_line(&mut answer) {
            Ok(length) if length > 0 => Some(answer.trim().to_owned()),
            _ => None,
        }
    }
}

/// A text without control characters but line ends and tabs; those that were there are shown as `\u{1b}`.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for char in text.chars() {
        if char == '\n' || char == '\t' || !is_control(char) {
            plain.push(char);
        } else {
            // Writing to a string can't fail.
            let _ = write!(plain, "{}", char.escape_unicode());
        }
    }
    plain
}

/// Control characters, and those that turn the direction of what follows (Unicode TR 36, bidirectional spoofing).
fn is_control(char: char) -> bool {
    char.is_control() || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A unified diff of two texts; nothing when they are the same.
pub fn unified_diff(path: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    let diff = similar::TextDiff::from_lines(before, after);
    let old = if before.is_empty() { "/dev/null" } else { path };
    plain(&diff.unified_diff().context_radius(3).header(old, path).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hosts_say_can_not_repaint_the_terminal() {
        assert_eq!(plain("error: \x1b[2Jgone\r\n\tnext"), "error: \\u{1b}[2Jgone\\u{d}\n\tnext");
        assert_eq!(plain("a\u{202e}b \u{9b}31m"), "a\\u{202e}b \\u{9b}31m");
        assert_eq!(plain("노드 node001"), "노드 node001");
    }

    #[test]
    fn a_diff_is_unified() {
        let diff = unified_diff("/etc/slurm/slurm.conf", "a\nb\nc\n", "a\nB\nc\n");
        assert_eq!(diff, "--- /etc/slurm/slurm.conf\n+++ /etc/slurm/slurm.conf\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
        assert!(unified_diff("/f", "", "x\n").starts_with("--- /dev/null\n+++ /f\n"));
        assert_eq!(unified_diff("/f", "x\n", "x\n"), "");
    }
}
