//! What the end of a job's output tells of its failure.
//!
//! A table of signs, one file a topic: words that programs write when something particular goes wrong. The text is
//! hostile and may be anything; each sign looks at each line once, so the work is linear in its length.
mod ends;
mod gpu;
mod mpi;
mod programs;
mod python;
mod shell;
mod subject;
mod system;

use super::signals;
use super::text;
use super::words::{Both, Pair, name};

/// Bytes of the output's end that are looked at.
const MOST: usize = 64 * 1024;

/// Characters of a line that are quoted.
const QUOTED: usize = 200;

/// How much a sign says of the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rank {
    /// Whatever else went wrong came of this.
    Sure,
    /// This may have ended the job; of several, the last one did.
    Likely,
    /// That something failed, not what.
    Vague,
}

/// Words in the output, and what they mean.
struct Sign {
    rank: Rank,
    /// A line is meant when it has all parts of one of these, in lower case. `\n` stands for its beginning and end.
    any: &'static [&'static [&'static str]],
    /// What the line names: a file, a command, …
    subject: fn(&str) -> Option<String>,
    says: Says,
}

/// What is said of a sign.
enum Says {
    /// Our word; what is so with the subject's name in it; a few words, what is so, why, what to do.
    Texts(&'static str, Pair, [Pair; 4]),
    /// The same as of this signal.
    Signal(i32),
    /// The same as of a job that ran out of memory.
    OutOfMemory,
}

/// A sign that was found.
#[derive(Clone)]
pub(super) struct Found {
    sign: &'static Sign,
    /// Where its line begins.
    at: usize,
    /// The line, fit to be quoted.
    pub quote: String,
    subject: Option<String>,
}

/// What is to be said of a sign that was found.
pub(super) enum Meaning {
    /// Our word; a few words, what is so, why, what to do.
    Texts(&'static str, Box<[Both; 4]>),
    /// A signal ended it.
    Signal(i32),
    /// Memory ran out.
    OutOfMemory,
}

impl Found {
    /// What it means.
    pub(super) fn meaning(&self) -> Meaning {
        match self.sign.says {
            Says::Signal(signal) => Meaning::Signal(signal),
            Says::OutOfMemory => Meaning::OutOfMemory,
            Says::Texts(code, named, [short, what, why, todo]) => {
                let what = match &self.subject {
                    Some(subject) if !named.0.is_empty() => named.with(&name(subject)),
                    _ => what.into(),
                };
                Meaning::Texts(code, Box::new([short.into(), what, why.into(), todo.into()]))
            }
        }
    }

    fn code(&self) -> &'static str {
        match self.sign.says {
            Says::Texts(code, ..) => code,
            Says::Signal(signal) => signals::meaning(signal).code,
            Says::OutOfMemory => "out_of_memory",
        }
    }
}

/// What was found, the best of each rank.
#[derive(Clone, Default)]
pub(super) struct Findings {
    pub sure: Option<Found>,
    pub likely: Option<Found>,
    pub vague: Option<Found>,
    /// The last line that says anything.
    pub last_line: Option<String>,
    /// Whether nothing at all was written.
    pub empty: bool,
}

/// Looks for signs in the end of the output. An exit code helps to choose among those that are only likely.
pub(super) fn read(output: &str, exit_code: Option<i32>) -> Findings {
    let mut cleaned = String::from("\n");
    cleaned.push_str(&text::clean(text::tail(output, MOST)));
    cleaned.push('\n');
    // ASCII only: every byte stays at its place.
    let lower = cleaned.to_ascii_lowercase();
    let mut findings = Findings { last_line: last_line(&cleaned), ..Findings::default() };
    findings.empty = findings.last_line.is_none();
    let table = [
        shell::FIRST,
        gpu::SIGNS,
        mpi::SIGNS,
        programs::SIGNS,
        system::SIGNS,
        python::SIGNS,
        shell::SIGNS,
        ends::SIGNS,
    ];
    for sign in table.into_iter().flatten() {
        let place = match sign.rank {
            Rank::Sure => &mut findings.sure,
            Rank::Likely => &mut findings.likely,
            Rank::Vague => &mut findings.vague,
        };
        let may_replace = place.is_none() || sign.rank == Rank::Likely;
        let Some(found) = may_replace.then(|| look(sign, &cleaned, &lower)).flatten() else { continue };
        let better = |old: &Found| (suits(&found, exit_code), found.at) > (suits(old, exit_code), old.at);
        if place.as_ref().is_none_or(better) {
            *place = Some(found);
        }
    }
    if let Some(found) = python::traceback(&cleaned, &lower)
        && findings.likely.as_ref().is_none_or(|old| !suits(old, exit_code) && found.at > old.at)
    {
        findings.likely = Some(found);
    }
    findings
}

/// Whether a sign is what this exit code means.
fn suits(found: &Found, exit_code: Option<i32>) -> bool {
    match exit_code {
        Some(127) => found.code() == "command_not_found",
        Some(126) => matches!(found.code(), "not_executable" | "permission_denied"),
        _ => false,
    }
}

/// The last line with a sign, if there is one.
fn look(sign: &'static Sign, cleaned: &str, lower: &str) -> Option<Found> {
    let (at, line) = sign.any.iter().filter_map(|parts| last_with(lower, parts)).max_by_key(|(at, _)| *at)?;
    let (from, to) = line;
    let whole = cleaned.get(from..to)?;
    let hit = at.saturating_sub(from);
    Some(Found { sign, at: from, quote: text::window(whole, hit, QUOTED), subject: (sign.subject)(whole) })
}

/// The last line that has all parts: where the first part is, and the line's bounds. Each line is looked at once.
fn last_with(lower: &str, parts: &[&str]) -> Option<(usize, (usize, usize))> {
    let (first, rest) = parts.split_first()?;
    let mut end = lower.len();
    loop {
        let hit = lower.get(..end)?.rfind(first)?;
        let content = hit + usize::from(first.starts_with('\n'));
        let before = lower.get(..content)?.rfind('\n')?;
        let after = content + lower.get(content..)?.find('\n')?;
        let line = lower.get(before..=after)?;
        if rest.iter().all(|part| line.contains(part)) {
            return Some((content, (before + 1, after)));
        }
        if before + 1 >= end {
            return None;
        }
        end = before + 1;
    }
}

/// The last line that the job itself wrote; Slurm's own only when there is no other.
fn last_line(cleaned: &str) -> Option<String> {
    let mut lines = cleaned.rsplit('\n').map(str::trim).filter(|line| line.chars().any(char::is_alphanumeric));
    let last = lines.next()?;
    let is_slurms = |line: &str| line.starts_with("slurmstepd") || line.starts_with("srun: ");
    let own = if is_slurms(last) { lines.find(|line| !is_slurms(line)) } else { None };
    Some(text::cut(own.unwrap_or(last), QUOTED))
}

/// A table of signs.
macro_rules! signs {
    ($(#[$doc:meta])* $table:ident; $($rank:ident $code:literal [$([$($part:literal),+]),+] $subject:expr;
        $named:expr; $short:expr, $what:expr, $why:expr, $todo:expr;)+) => {
        $(#[$doc])*
        pub(super) const $table: &[super::Sign] = &[$(super::Sign {
            rank: super::Rank::$rank,
            any: &[$(&[$($part),+]),+],
            subject: $subject,
            says: super::Says::Texts($code, $named, [$short, $what, $why, $todo]),
        }),+];
    };
}
use signs;
