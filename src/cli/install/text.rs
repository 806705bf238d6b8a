//! A plan, findings and what is left, as lines for people.
use super::shown::{Found, LeftOut, Severity, Shown, hosts, stages};
use super::voice::{Colour, Voice, plain, unified_diff};
use crate::cli::print_line;

/// Prints lines; nothing where there are none.
pub fn print(lines: &[String]) {
    if !lines.is_empty() {
        print_line(&lines.join("\n"));
    }
}

/// Findings, each with what mends it, the worst first.
pub fn findings(voice: Voice, findings: &[Found]) -> Vec<String> {
    let mut lines = Vec::new();
    for found in findings {
        let (word, colour) = match found.severity {
            Severity::Error => ("error", Colour::Red),
            Severity::Warning => ("warning", Colour::Yellow),
        };
        let place = if found.hosts.is_empty() { String::new() } else { format!("{}: ", hosts(&found.hosts)) };
        lines.push(format!(
            "{} {}",
            voice.paint(colour, &format!("{word}:")),
            plain(&format!("{place}{}", found.what))
        ));
        if !found.fix.is_empty() {
            lines.push(plain(&format!("    fix: {}", found.fix)));
        }
    }
    lines
}

/// The whole plan: findings, changes stage by stage, hosts that take no part, counts.
pub fn plan(voice: Voice, shown: &Shown, with_diff: bool) -> Vec<String> {
    let mut lines = findings(voice, &shown.findings);
    for (phase, title, rows) in stages(&shown.changes) {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(voice.paint(Colour::Bold, &plain(&format!("{}: {title}", phase.name()))));
        for folded in rows {
            let colour = match folded.lines().first().and_then(|line| line.trim_start().chars().next()) {
                Some('+') => Colour::Green,
                Some('!') => Colour::Red,
                Some('~') => Colour::Yellow,
                _ => Colour::Faint,
            };
            for line in folded.lines() {
                let line = plain(&line);
                // The sign alone has the colour.
                lines.push(match line.split_at_checked(3) {
                    Some((sign, rest)) if !sign.trim().is_empty() => format!("{}{rest}", voice.paint(colour, sign)),
                    _ => line,
                });
            }
            if let Some(diff) = folded.row.diff.as_ref().filter(|_| with_diff) {
                let path = folded.row.subject.rsplit(' ').next().unwrap_or_default();
                let text = unified_diff(path, &diff.before, &diff.after);
                lines.extend(text.lines().map(|line| format!("      {}", paint_diff(voice, line))));
            }
        }
    }
    lines.extend(left_out(voice, &shown.left_out));
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines.push(shown.counts());
    lines
}

fn paint_diff(voice: Voice, line: &str) -> String {
    match line.as_bytes().first() {
        Some(b'+') => voice.paint(Colour::Green, line),
        Some(b'-') => voice.paint(Colour::Red, line),
        _ => line.to_owned(),
    }
}

/// Hosts that take no part, those with the same reason together.
pub fn left_out(voice: Voice, left_out: &[LeftOut]) -> Vec<String> {
    let mut by_reason: Vec<(String, Vec<&str>)> = Vec::new();
    for left in left_out {
        let reason = left.why.replace(&left.host, "it");
        match by_reason.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, hosts)) => hosts.push(&left.host),
            None => by_reason.push((reason, vec![&left.host])),
        }
    }
    let line = |(reason, names): (String, Vec<&str>)| {
        format!("{} {}", voice.paint(Colour::Yellow, "left out:"), plain(&format!("{}: {reason}", hosts(&names))))
    };
    by_reason.into_iter().map(line).collect()
}
