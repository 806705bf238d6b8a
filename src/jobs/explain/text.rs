//! Text from outside, such as a program's output, made fit to be read and quoted: no control characters, no escape
//! sequences, bounded length. One pass, whatever it is.

/// Takes out terminal escape sequences, control characters and marks that change the direction of what follows. A
/// lone carriage return begins a line, as a progress bar means it.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => skip_escape(&mut rest),
            '\r' if rest.peek() == Some(&'\n') => {}
            '\n' | '\r' => out.push('\n'),
            '\t' => out.push(' '),
            c if c.is_control() || is_mark(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// Invisible marks: zero width, byte order, and those that turn the direction of writing.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fffd}')
}

/// What follows an escape character: a sequence of ECMA-48, ended at the latest where the line ends.
fn skip_escape(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match rest.peek() {
        Some('[') => {
            rest.next();
            while rest.next_if(|c| matches!(c, ' '..='?')).is_some() {}
            rest.next_if(|c| matches!(c, '@'..='~'));
        }
        // A string such as a window's title, up to BEL or the next escape sequence.
        Some(']' | 'P' | '_' | '^' | 'X') => {
            while rest.next_if(|c| !matches!(c, '\u{7}' | '\u{1b}' | '\n' | '\r')).is_some() {}
            rest.next_if(|c| *c == '\u{7}');
        }
        Some('(' | ')' | '#') => {
            rest.next();
            rest.next_if(|c| !c.is_control());
        }
        Some(' '..='~') => {
            rest.next();
        }
        _ => {}
    }
}

/// The last `most` bytes at least, from a character's beginning on.
pub(super) fn tail(text: &str, most: usize) -> &str {
    let mut from = text.len().saturating_sub(most);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}

/// The first `most` characters, with `…` for what was cut off.
pub(super) fn cut(text: &str, most: usize) -> String {
    let text = text.trim();
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// At most `most` characters of a line around the byte `at`.
pub(super) fn window(line: &str, at: usize, most: usize) -> String {
    if line.chars().nth(most).is_none() {
        return line.trim().to_owned();
    }
    let before: usize =
        line.get(..at).map_or(0, |before| before.chars().rev().take(most / 4).map(char::len_utf8).sum());
    let from = at.saturating_sub(before);
    let part = line.get(from..).unwrap_or(line);
    if from == 0 { cut(part, most) } else { cut(&format!("…{}", part.trim_start()), most) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_control_characters_go() {
        assert_eq!(clean("\u{1b}[1;31merror\u{1b}[0m: x"), "error: x");
        assert_eq!(clean("\u{1b}]0;title\u{7}a\u{1b}(Bb\u{1b}"), "ab");
        assert_eq!(clean("\u{1b}]0;title\nnext"), "\nnext");
        assert_eq!(clean("10%\r20%\r\nend\u{0}\u{202e}x"), "10%\n20%\nendx");
    }

    #[test]
    fn long_text_is_cut_at_characters() {
        assert_eq!(tail("가나다", 4), "다");
        assert_eq!(cut("가나다라", 3), "가나…");
        assert_eq!(cut(" 가나 ", 3), "가나");
        let line = format!("{}error here{}", "가".repeat(500), "나".repeat(500));
        let part = window(&line, 1500, 40);
        assert!(part.starts_with("…가") && part.contains("error here") && part.ends_with('…'), "{part}");
        assert!(part.chars().count() <= 40);
        assert_eq!(window("short", 99, 40), "short");
    }
}
