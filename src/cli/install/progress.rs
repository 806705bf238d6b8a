//! A run as it goes: at a terminal a line for each step under way and one for each that is done, elsewhere plain lines
//! with times. The run's log has the same, and more; the engine writes it.
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use slurmdash_installer::action::StepError;
use slurmdash_installer::plan::StepId;
use slurmdash_installer::run::{Event, Watch};

use super::voice::{Colour, Voice, plain};
use crate::cli::print_line;

/// How often a line under way moves.
const TICK: Duration = Duration::from_millis(120);

/// Shows a run.
pub struct Progress {
    voice: Voice,
    screen: MultiProgress,
    under_way: Mutex<HashMap<StepId, ProgressBar>>,
}

impl Progress {
    /// Shows on standard output.
    pub fn new(voice: Voice) -> Self {
        let target = if voice.is_terminal { ProgressDrawTarget::stdout() } else { ProgressDrawTarget::hidden() };
        Self { voice, screen: MultiProgress::with_draw_target(target), under_way: Mutex::default() }
    }

    /// Takes the lines of what is under way from the screen: a question comes, or the end.
    pub fn pause(&self) {
        self.under_way().clear();
        // A terminal that went away is no error.
        let _ = self.screen.clear();
    }

    /// A line that stays.
    pub fn say(&self, colour: Option<Colour>, text: &str) {
        let text = plain(text);
        match colour {
            Some(colour) => self.line(&self.voice.paint(colour, &text)),
            None => self.line(&text),
        }
    }

    /// A line whose colours are ours, above those of what is under way.
    fn line(&self, text: &str) {
        if self.voice.is_terminal {
            let _ = self.screen.println(text);
        } else {
            print_line(&format!("{} {text}", jiff::Zoned::now().strftime("%H:%M:%S")));
        }
    }

    fn begins(&self, step: &StepId, words: &str) {
        if !self.voice.is_terminal {
            return;
        }
        let line = self.screen.add(ProgressBar::new_spinner().with_message(plain(words)));
        // A template that can't be read would still leave a line.
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {wide_msg} {elapsed}") {
            line.set_style(style);
        }
        line.enable_steady_tick(TICK);
        self.under_way().insert(step.clone(), line);
    }

    fn ends(&self, step: &StepId) {
        if let Some(line) = self.under_way().remove(step) {
            line.finish_and_clear();
            self.screen.remove(&line);
        }
    }

    /// A step that came to an end, with how long it took when that was noticeable.
    fn ended(&self, step: &StepId, colour: Colour, word: &str, took: Duration) {
        self.ends(step);
        let took = if took.as_secs() > 0 { format!(" ({} s)", took.as_secs()) } else { String::new() };
        let text = format!("  {} {}{took}", self.voice.paint(colour, word), plain(&step.0));
        self.line(&text);
    }

    fn details<T: std::fmt::Display>(&self, word: &str, lines: &[T]) {
        for line in lines {
            self.say(None, &format!("      {word}{line}"));
        }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<StepId, ProgressBar>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch for Progress {
    fn saw(&self, event: &Event<'_>) {
        match *event {
            Event::StageBegan { .. } => self.say(Some(Colour::Bold), &event.to_string()),
            Event::StepBegan { step, summary, .. } => self.begins(step, &format!("{step}: {summary}")),
            Event::StepDone { step, took, .. } => self.ended(step, Colour::Green, "done", took),
            Event::StepSame { step, .. } => self.ends(step),
            Event::StepFailed { step, error, took, .. } => {
                self.ended(step, Colour::Red, "FAILED", took);
                self.say(Some(Colour::Red), &format!("      {error}"));
                if let StepError::NotReached { log, .. } = error {
                    self.details("| ", log);
                }
            }
            Event::Reverting { step, .. } => self.begins(step, &format!("undoing {step}")),
            Event::Reverted { step, outcome, took, .. } => {
                self.ended(step, Colour::Green, "undone", took);
                self.details("left: ", &outcome.left);
                let kept: Vec<_> = outcome.kept.iter().map(|kept| kept.display()).collect();
                self.details("kept: ", &kept);
            }
            Event::NotReverted { step, error, .. } => {
                self.ended(step, Colour::Red, "NOT UNDONE", Duration::ZERO);
                self.say(Some(Colour::Red), &format!("      {error}"));
            }
            Event::HostLeftOut { .. } | Event::Stopping => self.say(Some(Colour::Yellow), &event.to_string()),
            _ => self.say(None, &event.to_string()),
        }
    }
}
