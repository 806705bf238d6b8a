//! The strip: an array's tasks in the order of their index, a run of one state as one piece. Pieces differ by colour and
//! by height, and the numbers beside them say it in glyphs and words.
use slurmdash_api::jobs::{ArrayStrip, JobState};
use sycamore::prelude::*;

use super::icon::icon;
use super::state_pill::{Mark, job_state_word};
use crate::i18n::format;

/// Where tasks of one state are shown.
pub type HrefOf = fn(&str, JobState) -> String;

/// Props of [`Strip`].
#[derive(Props)]
pub struct StripProps {
    /// The tasks.
    strip: ReadSignal<ArrayStrip>,
    /// The array's number, and where its tasks of one state are: makes links of the numbers.
    #[prop(default, setter(strip_option))]
    links: Option<(String, HrefOf)>,
    /// With the words of the states, not only their glyphs.
    #[prop(default)]
    wordy: bool,
}

/// A strip with its numbers.
#[component]
pub fn Strip(props: StripProps) -> View {
    let StripProps { strip, links, wordy } = props;
    let title = move || {
        let strip = strip.get_clone();
        let parts: Vec<String> =
            counts(&strip).into_iter().map(|(state, count)| format!("{count} {}", job_state_word(state))).collect();
        parts.join(", ")
    };
    let spoken = title;
    let legend = move || -> Vec<View> {
        let strip = strip.get_clone();
        counts(&strip).into_iter().map(|(state, count)| entry(state, &count, links.as_ref(), wordy)).collect()
    };
    view! {
        span(class="strip", data-wordy=wordy.then_some("")) {
            span(class="strip-picture", role="img", aria-label=spoken, title=title) {
                svg(class="strip-bar", viewBox="0 0 1000 10", preserveAspectRatio="none", aria-hidden="true") {
                    (pieces(&strip.get_clone()).into_iter().map(Piece::draw).collect::<Vec<View>>())
                }
            }
            span(class="strip-counts") { (legend()) }
        }
    }
}

/// How many tasks are in each state, written; those first that a person looks for.
fn counts(strip: &ArrayStrip) -> Vec<(JobState, String)> {
    let mut counts: Vec<(JobState, u32)> =
        strip.counts.iter().filter(|(_, count)| **count > 0).map(|(state, count)| (*state, *count)).collect();
    counts.sort_by_key(|(state, _)| match Mark::of_job(*state) {
        Mark::Failed | Mark::Timeout => 0,
        Mark::Running | Mark::Partial => 1,
        Mark::Done => 2,
        Mark::Pending => 3,
        _ => 4,
    });
    counts
        .into_iter()
        .map(|(state, count)| (state, format::count(usize::try_from(count).unwrap_or(usize::MAX))))
        .collect()
}

fn entry(state: JobState, count: &str, links: Option<&(String, HrefOf)>, wordy: bool) -> View {
    let mark = Mark::of_job(state);
    let word = move || job_state_word(state);
    let class = if wordy { "strip-word" } else { "visually-hidden" };
    let count = count.to_owned();
    let inside = view! {
        (icon(mark.glyph()))
        span { (count) }
        span(class=class) { (word()) }
    };
    match links {
        Some((id, href)) => {
            let href = href(id, state);
            view! { a(class="strip-count", data-mark=mark.name(), href=href, title=word) { (inside) } }
        }
        None => view! { span(class="strip-count", data-mark=mark.name(), title=word) { (inside) } },
    }
}

/// One run of tasks, in thousandths of the strip.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    state: JobState,
    x: u64,
    width: u64,
    first: u32,
    last: u32,
}

impl Piece {
    fn draw(self) -> View {
        let mark = Mark::of_job(self.state);
        // Of ten, the further a task has come the higher; what went wrong stands out above all.
        let (y, height) = match mark {
            Mark::Failed | Mark::Timeout => ("0", "10"),
            Mark::Done => ("2", "8"),
            Mark::Running | Mark::Partial => ("4", "6"),
            Mark::Pending | Mark::Suspended => ("6.5", "3.5"),
            _ => ("8.5", "1.5"),
        };
        let (first, last) = (self.first, self.last);
        let about = move || {
            let word = job_state_word(self.state);
            if first == last { format!("{first}: {word}") } else { format!("{first}–{last}: {word}") }
        };
        view! {
            rect(
                class="strip-piece",
                data-mark=mark.name(),
                x=self.x.to_string(),
                y=y,
                width=self.width.to_string(),
                height=height
            ) { title { (about()) } }
        }
    }
}

/// The runs as pieces; each is wide enough to be seen.
fn pieces(strip: &ArrayStrip) -> Vec<Piece> {
    let total: u64 = strip.runs.iter().map(|(first, last, _)| u64::from(last.saturating_sub(*first)) + 1).sum();
    let mut before = 0;
    strip
        .runs
        .iter()
        .map(|&(first, last, state)| {
            let tasks = u64::from(last.saturating_sub(first)) + 1;
            let x = before * 1000 / total.max(1);
            before += tasks;
            let end = before * 1000 / total.max(1);
            Piece { state, x, width: (end - x).max(4), first, last }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn runs_fill_the_strip_and_none_is_lost() {
        let strip = ArrayStrip {
            total: 1000,
            counts: BTreeMap::from([(JobState::Completed, 999), (JobState::Failed, 1)]),
            runs: vec![(0, 499, JobState::Completed), (500, 500, JobState::Failed), (501, 999, JobState::Completed)],
            cut: false,
        };
        let pieces = pieces(&strip);
        assert_eq!((pieces[0].x, pieces[0].width), (0, 500));
        assert_eq!((pieces[1].x, pieces[1].width), (500, 4), "a single one is still seen");
        assert_eq!(pieces[2].x + pieces[2].width, 1000);
        assert!(super::pieces(&ArrayStrip::default()).is_empty());
    }
}
