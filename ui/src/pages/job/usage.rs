//! What the job used of what it asked for: a bar for each, and what that means for the next time, in a sentence.
use slurmdash_api::jobs::{Job, JobDetail, JobState, Usage};
use sycamore::prelude::*;

use crate::components::{Glyph, icon, time};
use crate::i18n::{format, t};
use crate::pages::jobs::elapsed_now;

/// Runs shorter than this say nothing about how well they used anything, seconds.
const SHORTEST: u64 = 30;

/// What a figure means for the next time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// It fits.
    Good,
    /// Less would have done.
    Low,
    /// It nearly was not enough.
    Tight,
    /// Too early to say, or nothing to compare with.
    Open,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Low => "low",
            Self::Tight => "tight",
            Self::Open => "open",
        }
    }

    fn glyph(self) -> Glyph {
        match self {
            Self::Good => Glyph::CircleCheck,
            Self::Low => Glyph::Lightbulb,
            Self::Tight => Glyph::TriangleAlert,
            Self::Open => Glyph::Info,
        }
    }
}

/// One bar.
#[derive(Debug, Clone, PartialEq)]
struct Bar {
    label: String,
    amount: String,
    /// Per cent; absent when there is nothing to compare with.
    share: Option<u64>,
    level: Level,
    /// What it means; empty when it is too early to say.
    verdict: String,
}

/// Per cent of two figures, 0 to 100.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0 to 100")]
fn percent(part: f64, whole: f64) -> u64 {
    if whole > 0.0 { (part / whole * 100.0).clamp(0.0, 100.0) as u64 } else { 0 }
}

#[expect(clippy::cast_precision_loss, reason = "seconds and MiB are far below 2^52")]
fn float(value: u64) -> f64 {
    value as f64
}

/// `elapsed` is now's; a verdict is given when the job is `over`.
fn bars(usage: &Usage, job: &Job, elapsed: u64, over: bool) -> Vec<Bar> {
    let judged = over && elapsed >= SHORTEST;
    let bars = [cpu(usage, judged), memory(usage, judged), run_time(usage, job, elapsed, judged), gpu(usage, judged)];
    let gpu_memory = usage.gpu_memory_peak.map(|peak| Bar {
        label: t().usage.gpu_memory(),
        amount: t().usage.peak(&format::memory(peak)),
        share: None,
        level: Level::Open,
        verdict: String::new(),
    });
    bars.into_iter().chain([gpu_memory]).flatten().collect()
}

fn cpu(usage: &Usage, judged: bool) -> Option<Bar> {
    let words = t().usage;
    let (used, available) = (usage.cpu_seconds?, usage.cpu_seconds_available.filter(|seconds| *seconds > 0.0)?);
    let elapsed = float(usage.elapsed.max(1));
    let (cores, total) = ((used / elapsed).max(0.0), (available / elapsed).round().max(1.0));
    let share = percent(used, available);
    let (level, verdict) = match share {
        _ if !judged => (Level::Open, String::new()),
        0..50 if total > 1.0 && cores.ceil() < total => {
            let needed = cores.ceil().max(1.0);
            (Level::Low, words.cpu_low(&format::decimal(needed), &format::decimal(total)))
        }
        0..80 => (Level::Open, words.cpu_fair()),
        _ => (Level::Good, words.cpu_good()),
    };
    let amount = words.cores_of(&format::decimal(cores), &format::decimal(total));
    Some(Bar { label: words.cpu(), amount, share: Some(share), level, verdict })
}

fn memory(usage: &Usage, judged: bool) -> Option<Bar> {
    let words = t().usage;
    let peak = usage.memory_peak?;
    let place = usage.memory_peak_at.as_ref().map(|place| format!(" {}", words.at(place))).unwrap_or_default();
    let Some(available) = usage.memory_available.filter(|available| *available > 0) else {
        let amount = words.peak(&format::memory(peak)) + &place;
        return Some(Bar { label: words.memory(), amount, share: None, level: Level::Open, verdict: String::new() });
    };
    let share = percent(float(peak), float(available));
    let enough = plenty(peak);
    let (level, verdict) = match share {
        90.. if judged => (Level::Tight, words.memory_tight()),
        0..50 if judged && enough < available => {
            (Level::Low, words.memory_low(&format::memory(peak), &format::memory(enough)))
        }
        _ if judged => (Level::Good, words.memory_good()),
        _ => (Level::Open, String::new()),
    };
    let amount = words.peak_of(&format::memory(peak), &format::memory(available)) + &place;
    Some(Bar { label: words.memory(), amount, share: Some(share), level, verdict })
}

/// A quarter more than a peak, in a figure that people would type, MiB.
fn plenty(peak: u64) -> u64 {
    let wanted = (peak + peak / 4).max(64);
    let step = match wanted {
        0..1024 => 64,
        1024..16_384 => 1024,
        _ => 4096,
    };
    wanted.div_ceil(step) * step
}

fn run_time(usage: &Usage, job: &Job, elapsed: u64, judged: bool) -> Option<Bar> {
    let words = t().usage;
    let limit = usage.time_limit.or(job.time_limit).filter(|limit| *limit > 0)?;
    let share = percent(float(elapsed), float(limit));
    let judged = judged && job.state == JobState::Completed;
    let enough = (elapsed + elapsed / 2).div_ceil(600) * 600;
    let (level, verdict) = match share {
        90.. if judged => (Level::Tight, words.time_tight()),
        0..25 if judged && enough < limit => (Level::Low, words.time_low(&format::duration(enough))),
        _ if judged => (Level::Good, words.time_good()),
        _ => (Level::Open, String::new()),
    };
    let amount = words.time_of(&format::duration(elapsed), &format::duration(limit));
    Some(Bar { label: words.time(), amount, share: Some(share), level, verdict })
}

fn gpu(usage: &Usage, judged: bool) -> Option<Bar> {
    let words = t().usage;
    let busy = usage.gpu_percent?;
    let share = percent(busy, 100.0);
    let (level, verdict) = match share {
        _ if !judged => (Level::Open, String::new()),
        0..40 => (Level::Low, words.gpu_low()),
        _ => (Level::Good, words.gpu_good()),
    };
    let amount = words.gpu_busy(&share.to_string());
    Some(Bar { label: words.gpu(), amount, share: Some(share), level, verdict })
}

/// The bars; nothing before there is something to say.
#[component(inline_props)]
pub fn Efficiency(detail: ReadSignal<Option<JobDetail>>) -> View {
    let bars = create_selector(move || {
        let now = time::now();
        detail.with(|detail| {
            let detail = detail.as_ref()?;
            let usage = detail.usage.as_ref()?;
            let running = detail.job.state == JobState::Running;
            let elapsed = if running { elapsed_now(&detail.job, now) } else { usage.elapsed.max(detail.job.elapsed) };
            Some(bars(usage, &detail.job, elapsed, detail.job.state.is_final()))
        })
    });
    let count = create_selector(move || bars.with(|bars| bars.as_ref().map_or(0, Vec::len)));
    let one = move |place: usize| {
        let bar = create_selector(move || bars.with(|bars| bars.as_ref().and_then(|bars| bars.get(place).cloned())));
        view! { (bar.get_clone().map(draw).unwrap_or_default()) }
    };
    view! {
        (match count.get() {
            0 => view! {},
            count => {
                let list: Vec<View> = (0..count).map(one).collect();
                view! {
                    section(class="card usage") {
                        h2(class="card-title") { (|| t().usage.title()) }
                        div(class="usage-bars") { (list) }
                    }
                }
            }
        })
    }
}

fn draw(bar: Bar) -> View {
    let Bar { label, amount, share, level, verdict } = bar;
    let meter = match share {
        None => view! {
            div(class="meter") {
                span(class="meter-label") { (label) }
                span(class="meter-amount") { (amount) }
            }
        },
        Some(share) => {
            let (name, spoken) = (label.clone(), amount.clone());
            view! {
                div(
                    class="meter",
                    role="meter",
                    aria-label=name,
                    aria-valuemin="0",
                    aria-valuemax="100",
                    aria-valuenow=share.to_string(),
                    aria-valuetext=spoken
                ) {
                    span(class="meter-label") { (label) }
                    span(class="meter-amount") { (amount) }
                    span(class="meter-share") { (format!("{share}%")) }
                    svg(class="meter-bar", aria-hidden="true", preserveAspectRatio="none") {
                        rect(class="meter-track", width="100%", height="100%", rx="3")
                        rect(class="meter-fill", width=format!("{share}%"), height="100%", rx="3")
                    }
                }
            }
        }
    };
    let verdict = if verdict.is_empty() {
        View::new()
    } else {
        view! { p(class="usage-verdict") { (icon(level.glyph())) span { (verdict) } } }
    };
    view! { div(class="usage-bar", data-level=level.name()) { (meter) (verdict) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_judged_by_what_was_used() {
        assert_eq!(percent(3.0, 8.0), 37);
        assert_eq!((percent(9.0, 8.0), percent(1.0, 0.0)), (100, 0));
        assert_eq!((plenty(700), plenty(3_000), plenty(10)), (896, 4_096, 64));
        let level = |bar: Option<Bar>| bar.map(|bar| bar.level);
        // Formatting needs a browser; a figure that is unknown does not.
        assert_eq!(level(cpu(&Usage::default(), true)), None);
        assert_eq!(level(memory(&Usage::default(), true)), None);
        assert_eq!(level(gpu(&Usage::default(), true)), None);
    }
}
