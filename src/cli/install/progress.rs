//! A run as it goes: at a terminal a line for each step under way and one for each that is done, elsewhere plain lines
//! with times. All of it goes into the run's log as well.
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use slurmdash_installer::plan::Step;

use super::voice::{Colour, Voice, plain};
use crate::cli::print_line;

/// Where lines go besides the screen.
pub type Log = Box<dyn Fn(&str) + Send + Sync>;

/// Shows a run.
pub struct Progress {
    voice: Voice,
    log: Log,
    screen: MultiProgress,
    under_way: Mutex<HashMap<String, UnderWay>>,
}

struct UnderWay {
    begun: Instant,
    line: Option<ProgressBar>,
}

/// How a step came out.
#[derive(Debug, Clone, Copy)]
enum Mark {
    Done,
    Failed,
}

impl Progress {
    /// Shows on standard output, and writes into a log.
    pub fn new(voice: Voice, log: Log) -> Self {
        let target = if voice.is_terminal { ProgressDrawTarget::stdout() } else { ProgressDrawTarget::hidden() };
        Self { voice, log, screen: MultiProgress::with_draw_target(target), under_way: Mutex::default() }
    }

    /// A stage begins.
    pub fn stage(&self, phase: &str, title: &str) {
        self.line(&self.voice.paint(Colour::Bold, &format!("{phase}: {title}")), &format!("{phase}: {title}"));
    }

    /// A step begins.
    pub fn begins(&self, step: &Step, subject: &str) {
        let words = format!("{}: {}", step.host, plain(subject));
        (self.log)(&format!("begins {words}"));
        let line = self.voice.is_terminal.then(|| {
            let bar = self.screen.add(ProgressBar::new_spinner().with_message(words));
            // A template of ours that can't be read would still be a line.
            if let Ok(style) = ProgressStyle::with_template("  {spinner} {wide_msg} {elapsed}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        self.under_way().insert(step.id.0.clone(), UnderWay { begun: Instant::now(), line });
    }

    /// A step is done.
    pub fn is_done(&self, step: &Step, subject: &str) {
        self.ends(step, subject, Mark::Done, "");
    }

    /// A step failed.
    pub fn failed(&self, step: &Step, subject: &str, why: &str) {
        self.ends(step, subject, Mark::Failed, why);
    }

    fn ends(&self, step: &Step, subject: &str, mark: Mark, why: &str) {
        let was = self.under_way().remove(&step.id.0);
        let took = was.as_ref().map(|was| was.begun.elapsed()).unwrap_or_default();
        if let Some(line) = was.and_then(|was| was.line) {
            line.finish_and_clear();
            self.screen.remove(&line);
        }
        let (sign, colour) = match mark {
            Mark::Done => ("done", Colour::Green),
            Mark::Failed => ("FAILED", Colour::Red),
        };
        let seconds = if took >= Duration::from_secs(1) { format!(" ({} s)", took.as_secs()) } else { String::new() };
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        let rest = format!("{}: {subject}{seconds}{why}", step.host);
        self.line(&format!("  {} {}", self.voice.paint(colour, sign), plain(&rest)), &format!("{sign} {rest}"));
    }

    /// A line of its own.
    pub fn say(&self, text: &str) {
        let text = plain(text);
        self.line(&text, &text);
    }

    /// A line of its own that wants to be seen.
    pub fn warn(&self, text: &str) {
        let text = plain(text);
        self.line(&self.voice.paint(Colour::Yellow, &text), &text);
    }

    fn line(&self, shown: &str, logged: &str) {
        (self.log)(logged);
        if self.voice.is_terminal {
            // Above the lines of what is under way; a terminal that went away is no error.
            let _ = self.screen.println(shown);
        } else {
            print_line(&format!("{} {shown}", jiff::Zoned::now().strftime("%H:%M:%S")));
        }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<String, UnderWay>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
