//! A plan, findings and what is left, as lines for people.
use super::shown::{Found, LeftOut, PLACE, Severity, Shown, hosts, placed, stages};
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
        let reason = placed(&left.why, &left.host);
        match by_reason.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, hosts)) => hosts.push(&left.host),
            None => by_reason.push((reason, vec![&left.host])),
        }
    }
    let line = |(reason, names): (String, Vec<&str>)| {
        let names = hosts(&names);
        let words = format!("{names}: {}", reason.replace(PLACE, &names));
        format!("{} {}", voice.paint(Colour::Yellow, "left out:"), plain(&words))
    };
    by_reason.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use slurmdash_installer::action::Diff;
    use slurmdash_installer::plan::Phase;

    use super::super::shown::{Kind, Row};
    use super::*;

    const FILE: Voice = Voice { is_terminal: false, can_ask: false, colours: false };

    fn row(host: &str, subject: &str, summary: &str, kind: Kind) -> Row {
        Row {
            phase: Phase::Configuration,
            stage: "slurm.conf".into(),
            step: format!("configuration/{host}/{subject}"),
            host: host.into(),
            subject: subject.into(),
            summary: summary.into(),
            kind,
            disrupts: None,
            drift: false,
            diff: None,
        }
    }

    fn shown() -> Shown {
        let conf = "file /etc/slurm/slurm.conf";
        let mut shown = Shown {
            changes: vec![
                Row {
                    drift: true,
                    diff: Some(Diff { before: "A=1\nB=2\n".into(), after: "A=1\nB=3\n".into() }),
                    ..row("head1", conf, "other content, 8 bytes", Kind::Changed)
                },
                Row {
                    phase: Phase::Nodes,
                    stage: "slurmd".into(),
                    disrupts: Some("kills running jobs on node1".into()),
                    ..row("node1", "slurmd.service", "is started anew", Kind::Restarted)
                },
                Row {
                    phase: Phase::Nodes,
                    stage: "slurmd".into(),
                    disrupts: Some("kills running jobs on node2".into()),
                    ..row("node2", "slurmd.service", "is started anew", Kind::Restarted)
                },
            ],
            same: 41,
            hosts: 0,
            findings: vec![Found {
                severity: Severity::Warning,
                hosts: vec!["node1".into(), "node2".into()],
                what: "the clock is 7 s off\u{1b}[2J".into(),
                fix: "chronyc makestep".into(),
            }],
            left_out: vec![
                LeftOut { host: "node3".into(), why: "ssh: node3 does not answer".into() },
                LeftOut { host: "node4".into(), why: "ssh: node4 does not answer".into() },
            ],
        };
        shown.count();
        shown
    }

    #[test]
    fn a_whole_plan_as_text() {
        let text = plan(FILE, &shown(), true).join("\n");
        let expected = r"warning: node[1-2]: the clock is 7 s off\u{1b}[2J
    fix: chronyc makestep

configuration: slurm.conf
  ~ head1: file /etc/slurm/slurm.conf: other content, 8 bytes (drift)
      --- /etc/slurm/slurm.conf
      +++ /etc/slurm/slurm.conf
      @@ -1,2 +1,2 @@
       A=1
      -B=2
      +B=3

nodes: slurmd
  ! node[1-2]: slurmd.service: is started anew
      disrupts: kills running jobs on node[1-2]
left out: node[3-4]: ssh: node[3-4] does not answer

3 changes on 3 hosts, 41 things are as they should be.";
        assert_eq!(text, expected);
        assert!(!plan(FILE, &shown(), false).join("\n").contains("@@"));
    }

    #[test]
    fn colours_change_no_word() {
        let coloured = plan(Voice { colours: true, ..FILE }, &shown(), true).join("\n");
        assert!(coloured.contains("\u{1b}[32m"));
        let mut plain = coloured;
        for code in ["0", "1", "2", "31", "32", "33"] {
            plain = plain.replace(&format!("\u{1b}[{code}m"), "");
        }
        assert_eq!(plain, plan(FILE, &shown(), true).join("\n"));
    }

    #[test]
    fn json_has_what_programs_need_and_the_text_of_files_when_it_is_there() {
        let json: serde_json::Value = serde_json::from_str(&shown().json()).unwrap();
        assert_eq!((&json["same"], &json["hosts"]), (&41.into(), &3.into()));
        let change = &json["changes"][0];
        assert_eq!((change["kind"].as_str(), change["drift"].as_bool()), (Some("changed"), Some(true)));
        assert_eq!((change["phase"].as_str(), change["after"].as_str()), (Some("configuration"), Some("A=1\nB=3\n")));
        assert!(json["changes"][1].get("after").is_none());
        assert_eq!(json["left_out"][0]["host"], "node3");
        assert_eq!(json["findings"][0]["severity"], "warning");
    }

    #[test]
    fn a_plan_that_can_not_be_made_does_not_say_that_nothing_is_to_be_done() {
        let error = Found { severity: Severity::Error, hosts: Vec::new(), what: "no".into(), fix: String::new() };
        let shown = Shown { findings: vec![error], ..Shown::default() };
        assert!(!plan(FILE, &shown, false).join("\n").contains("Nothing to do"));
    }
}
