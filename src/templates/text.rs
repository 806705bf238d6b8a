//! Rules for short texts that people type and that end up in scripts, file names and terminals.

/// Whether a character may not stand in a single line of text: control characters, line and paragraph separators, and
/// the characters that turn the writing direction round and so make a text look like another one.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Says what is wrong with one line of text of at most `longest` bytes.
pub fn line_problem(text: &str, longest: usize) -> Option<String> {
    if text.len() > longest {
        Some(format!("is {} bytes long; at most {longest} are allowed", text.len()))
    } else {
        text.chars().find(|&c| is_hostile(c)).map(|c| {
            let what = match c {
                '\n' | '\r' | '\u{2028}' | '\u{2029}' => "a line break".to_owned(),
                '\0' => "a NUL character".to_owned(),
                c if c.is_control() => format!("the control character U+{:04X}", u32::from(c)),
                c => format!("the invisible character U+{:04X}", u32::from(c)),
            };
            format!("holds {what}, which is not allowed here")
        })
    }
}

/// Whether the text is a word that Slurm uses for partitions, accounts and the like: 1 to 64 of `A-Z a-z 0-9 _ . -`.
pub fn is_slurm_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
        && !text.starts_with('-')
}
