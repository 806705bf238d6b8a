//! How fresh what we show is: in the top bar always, in a banner when Slurm does not answer.
use slurmdash_api::cluster::Freshness;
use sycamore::prelude::*;

use crate::client::live::LiveState;
use crate::client::use_client;
use crate::components::icon::{Glyph, icon};
use crate::components::{Banner, Tone, time};
use crate::i18n::{format, t};

/// What there is to say about freshness.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Nothing is known yet.
    Connecting,
    /// Changes arrive by themselves.
    Live,
    /// The live connection is down; the data is this many seconds old.
    Aged(u64),
    /// Slurm last answered then.
    Stale(Option<i64>),
}

fn judge(freshness: Option<&Freshness>, live: LiveState, now: i64) -> State {
    match freshness {
        None => State::Connecting,
        Some(freshness) if freshness.stale => State::Stale(freshness.taken_at),
        Some(_) if live == LiveState::Live => State::Live,
        Some(freshness) => {
            let age = now - freshness.taken_at.unwrap_or(now);
            // In steps, so that the words don't flicker every second.
            State::Aged(u64::try_from(age).unwrap_or(0) / 5 * 5)
        }
    }
}

fn age_words(seconds: u64) -> String {
    let words = t().shell;
    let count = |value: u64| value.to_string();
    match seconds {
        0..60 => words.seconds(&count(seconds)),
        60..3_600 => words.minutes(&count(seconds / 60)),
        _ => words.hours(&count(seconds / 3_600)),
    }
}

/// The freshness indicator of the top bar.
#[component]
pub fn FreshnessIndicator() -> View {
    let client = use_client();
    let freshness = client.data.freshness();
    let live = client.live.state();
    let state = create_selector(move || freshness.with(|f| judge(f.as_ref(), live.get(), time::now())));
    let (name, words) = (
        move || match state.get_clone() {
            State::Connecting => "connecting",
            State::Live => "live",
            State::Aged(_) => "aged",
            State::Stale(_) => "stale",
        },
        move || match state.get_clone() {
            State::Connecting => t().shell.connecting(),
            State::Live => t().shell.live(),
            State::Aged(seconds) => t().shell.age(&age_words(seconds)),
            State::Stale(Some(since)) => t().shell.not_answering(&format::clock_time(since)),
            State::Stale(None) => t().shell.never_answered(),
        },
    );
    let hint = move || match state.get_clone() {
        State::Live => Some(t().shell.live_hint()),
        _ => freshness.with(|f| f.as_ref().and_then(|f| f.taken_at)).map(format::exact_time),
    };
    view! {
        span(class="freshness", data-state=name, role="status", title=hint) {
            (icon(match state.get_clone() {
                State::Stale(_) => Glyph::WifiOff,
                State::Live => Glyph::CircleDot,
                _ => Glyph::Clock,
            }))
            span(class="freshness-words") { (words()) }
        }
    }
}

/// The banner over the page while Slurm does not answer.
#[component]
pub fn StaleBanner() -> View {
    let freshness = use_client().data.freshness();
    let stale = create_selector(move || freshness.get_clone().filter(|freshness| freshness.stale));
    view! {
        (match stale.get_clone() {
            None => view! {},
            Some(freshness) => {
                let since = freshness.taken_at;
                let problem = freshness.problem;
                let title = move || match since {
                    Some(since) => t().shell.stale_title(&format::clock_time(since)),
                    None => t().shell.never_answered(),
                };
                let text = move || match &problem {
                    Some(problem) => t().shell.stale_text_because(problem),
                    None => t().shell.stale_text(),
                };
                view! { Banner(tone=Tone::Warning, title=title) { (text()) } }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_of_slurm_outweighs_the_connection() {
        let fresh = Freshness { taken_at: Some(100), stale: false, problem: None };
        let stale = Freshness { stale: true, ..fresh.clone() };
        assert_eq!(judge(None, LiveState::Live, 0), State::Connecting);
        assert_eq!(judge(Some(&fresh), LiveState::Live, 500), State::Live);
        assert_eq!(judge(Some(&fresh), LiveState::Reconnecting, 112), State::Aged(10));
        assert_eq!(judge(Some(&fresh), LiveState::Reconnecting, 90), State::Aged(0));
        assert_eq!(judge(Some(&stale), LiveState::Live, 500), State::Stale(Some(100)));
    }
}
