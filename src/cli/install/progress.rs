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
/// From here on it is said how long something took.
const NOTICED: Duration = Duration::from_millis(50);

/// A step under way.
struct UnderWay {
    /// `head1: munge.service is started`.
    text: String,
    /// Its line, at a terminal.
    line: Option<ProgressBar>,
}

/// Shows a run.
pub struct Progress {
    voice: Voice,
    screen: MultiProgress,
    under_way: Mutex<HashMap<StepId, UnderWay>>,
    /// The title of a stage of which nothing was shown yet: many have nothing to do.
    title: Mutex<Option<String>>,
}

impl Progress {
    /// Shows on standard output.
    pub fn new(voice: Voice) -> Self {
        let target = if voice.is_terminal { ProgressDrawTarget::stdout() } else { ProgressDrawTarget::hidden() };
        Self {
            voice,
            screen: MultiProgress::with_draw_target(target),
            under_way: Mutex::default(),
            title: Mutex::default(),
        }
    }

    /// Shows the stage's title, before what comes first in it.
    fn show_title(&self) {
        let title = self.title.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(title) = title {
            self.say(Some(Colour::Bold), &title);
        }
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

    fn begins(&self, step: &StepId, text: String, prefix: &str) {
        let line = self.voice.is_terminal.then(|| {
            let message = plain(&format!("{prefix}{text}"));
            let line = self.screen.add(ProgressBar::new_spinner().with_message(message));
            // A template that can't be read would still leave a line.
            if let Ok(style) = ProgressStyle::with_template("  {spinner} {wide_msg} {elapsed}") {
                line.set_style(style);
            }
            line.enable_steady_tick(TICK);
            line
        });
        self.under_way().insert(step.clone(), UnderWay { text, line });
    }

    /// Takes a step's line from the screen. Gives its words.
    fn ends(&self, step: &StepId) -> Option<String> {
        let UnderWay { text, line } = self.under_way().remove(step)?;
        if let Some(line) = line {
            line.finish_and_clear();
            self.screen.remove(&line);
        }
        Some(text)
    }

    /// A step that came to an end. One that was never begun has its name alone.
    fn ended(&self, step: &StepId, colour: Colour, word: &str, took: Duration) {
        let text = self.ends(step).unwrap_or_else(|| step.0.clone());
        self.line(&ended_line(&self.voice.paint(colour, word), &text, took));
    }

    fn details<T: std::fmt::Display>(&self, word: &str, lines: &[T]) {
        for line in lines {
            self.say(None, &format!("      {word}{line}"));
        }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<StepId, UnderWay>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `  done  head1: munge.service is started (0.4 s)`, with how long it took when that was noticeable.
fn ended_line(word: &str, text: &str, took: Duration) -> String {
    let took = if took < NOTICED { String::new() } else { format!(" ({:.1} s)", took.as_secs_f64()) };
    format!("  {word}  {}{took}", plain(text))
}

impl Watch for Progress {
    fn saw(&self, event: &Event<'_>) {
        match *event {
            Event::StageBegan { .. } => {
                *self.title.lock().unwrap_or_else(PoisonError::into_inner) = Some(event.to_string());
            }
            Event::StepBegan { step, host, what, .. } => {
                self.show_title();
                self.begins(step, format!("{host}: {what}"), "");
            }
            Event::StepDone { step, took, .. } => self.ended(step, Colour::Green, "done", took),
            Event::StepSame { step, .. } => drop(self.ends(step)),
            Event::StepFailed { step, error, took, .. } => {
                self.show_title();
                self.ended(step, Colour::Red, "FAILED", took);
                self.say(Some(Colour::Red), &format!("      {error}"));
                if let StepError::NotReached { log, .. } = error {
                    self.details("| ", log);
                }
            }
            Event::Reverting { step, host, what } => self.begins(step, format!("{host}: {what}"), "undoing "),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_a_sentence_with_its_host_and_time() {
        let line = |took| ended_line("done", "head1: munge.service is started", Duration::from_millis(took));
        assert_eq!(line(420), "  done  head1: munge.service is started (0.4 s)");
        assert_eq!(line(9), "  done  head1: munge.service is started");
        assert!(!ended_line("done", "a\u{1b}[2J", Duration::ZERO).contains('\u{1b}'));
    }

    #[test]
    fn a_step_is_told_by_what_it_does() {
        let progress = Progress::new(Voice { is_terminal: false, can_ask: false, colours: false });
        let step = StepId("munge/head1/restart of munge.service".into());
        progress.saw(&Event::StepBegan {
            step: &step,
            host: "head1",
            summary: "is started",
            what: "munge.service is started",
        });
        assert_eq!(progress.ends(&step).as_deref(), Some("head1: munge.service is started"));
    }
}
