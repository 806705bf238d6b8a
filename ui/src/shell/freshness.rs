//! How fresh what we show is: in the top bar always, in a banner when Slurm does not answer.
use slurmdash_api::cluster::{Controllers, Freshness, Standing};
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
    /// Changes arrive, through this controller in the primary's place.
    Backup(String),
    /// This primary controller does not answer, and nobody does its work yet.
    Leaderless(String),
}

fn judge(freshness: Option<&Freshness>, controllers: &Controllers, live: LiveState, now: i64) -> State {
    match freshness {
        None => State::Connecting,
        Some(freshness) if freshness.stale => State::Stale(freshness.taken_at),
        Some(_) if live == LiveState::Live => match controllers.standing() {
            // When none answers a ping and Slurm does all the same, one of them is on its way.
            Standing::Unknown | Standing::Usual | Standing::Silent => State::Live,
            Standing::TakenOver { in_charge, .. } => State::Backup(in_charge.to_owned()),
            Standing::TakingOver { silent, .. } => State::Leaderless(silent.to_owned()),
        },
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
    let controllers = client.data.controllers();
    let live = client.live.state();
    let state = create_selector(move || {
        freshness.with(|f| controllers.with(|controllers| judge(f.as_ref(), controllers, live.get(), time::now())))
    });
    let (name, words) = (
        move || match state.get_clone() {
            State::Connecting => "connecting",
            State::Live => "live",
            State::Aged(_) => "aged",
            State::Stale(_) => "stale",
            State::Backup(_) | State::Leaderless(_) => "backup",
        },
        move || match state.get_clone() {
            State::Connecting => t().shell.connecting(),
            State::Live => t().shell.live(),
            State::Aged(seconds) => t().shell.age(&age_words(seconds)),
            State::Stale(Some(since)) => t().shell.not_answering(&format::clock_time(since)),
            State::Stale(None) => t().shell.never_answered(),
            State::Backup(in_charge) => t().shell.backup_in_charge(&in_charge),
            State::Leaderless(silent) => t().shell.controller_silent(&silent),
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
                State::Backup(_) | State::Leaderless(_) => Glyph::TriangleAlert,
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
    let data = use_client().data;
    let (freshness, controllers) = (data.freshness(), data.controllers());
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
                view! {
                    Banner(tone=Tone::Warning, title=title) {
                        (controllers.with(why_silent).map(|why| view! { p { (why) } }))
                        (text())
                    }
                }
            }
        })
    }
}

/// Which controllers are the reason that Slurm does not answer.
fn why_silent(controllers: &Controllers) -> Option<String> {
    match controllers.standing() {
        Standing::Silent => {
            let hosts: Vec<&str> = controllers.all.iter().map(|one| one.host.as_str()).collect();
            Some(t().shell.no_controller_answers(&hosts.join(", ")))
        }
        Standing::TakingOver { silent, next } => Some(t().shell.not_taken_over(silent, next)),
        Standing::Unknown | Standing::Usual | Standing::TakenOver { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use slurmdash_api::cluster::{Controller, ControllerRole};

    use super::*;

    #[test]
    fn silence_of_slurm_outweighs_the_connection() {
        let fresh = Freshness { taken_at: Some(100), stale: false, problem: None };
        let stale = Freshness { stale: true, ..fresh.clone() };
        let judge = |freshness, live, now| judge(freshness, &Controllers::default(), live, now);
        assert_eq!(judge(None, LiveState::Live, 0), State::Connecting);
        assert_eq!(judge(Some(&fresh), LiveState::Live, 500), State::Live);
        assert_eq!(judge(Some(&fresh), LiveState::Reconnecting, 112), State::Aged(10));
        assert_eq!(judge(Some(&fresh), LiveState::Reconnecting, 90), State::Aged(0));
        assert_eq!(judge(Some(&stale), LiveState::Live, 500), State::Stale(Some(100)));
    }

    #[test]
    fn a_backup_in_charge_is_told_unless_something_worse_is() {
        let fresh = Freshness { taken_at: Some(100), stale: false, problem: None };
        let stale = Freshness { stale: true, ..fresh.clone() };
        let controllers = |answers: [bool; 2], in_charge: Option<&str>| Controllers {
            all: ["head1", "head2"]
                .into_iter()
                .zip([ControllerRole::Primary, ControllerRole::Backup])
                .zip(answers)
                .map(|((host, role), answers)| Controller { host: host.to_owned(), role, answers })
                .collect(),
            in_charge: in_charge.map(str::to_owned),
        };
        let (taken_over, waiting) = (controllers([false, true], Some("head2")), controllers([false, true], None));
        let usual = controllers([true, false], Some("head1"));
        let shown = |controllers, freshness, live| judge(Some(freshness), controllers, live, 100);
        assert_eq!(shown(&taken_over, &fresh, LiveState::Live), State::Backup("head2".to_owned()));
        assert_eq!(shown(&waiting, &fresh, LiveState::Live), State::Leaderless("head1".to_owned()));
        assert_eq!(shown(&usual, &fresh, LiveState::Live), State::Live);
        assert_eq!(shown(&taken_over, &stale, LiveState::Live), State::Stale(Some(100)));
        assert_eq!(shown(&taken_over, &fresh, LiveState::Reconnecting), State::Aged(0));
    }
}
