//! When a job was submitted, started and ended, or is expected to.
use slurmdash_api::jobs::{Job, JobDetail, JobState};
use sycamore::prelude::*;

use crate::components::state_pill::Mark;
use crate::components::{Glyph, Meter, icon, time, time_ago};
use crate::i18n::{format, t};
use crate::pages::jobs::elapsed_now;

/// One point of the timeline.
struct Point {
    glyph: Glyph,
    look: &'static str,
    label: fn() -> String,
    time: Option<i64>,
    /// What lies between this point and the one before it.
    between: String,
}

fn points(job: &Job, eligible: Option<i64>) -> Vec<Point> {
    let pending = matches!(job.state, JobState::Pending | JobState::Configuring);
    let over = job.state.is_final();
    let has_run = job.elapsed > 0 || job.node_list.is_some();
    let waited = match (job.submit_time, job.start_time) {
        (Some(submit), Some(start)) if !pending && has_run => {
            u64::try_from(start - submit).ok().filter(|waited| *waited > 0)
        }
        _ => None,
    };
    let started: fn() -> String = match (pending, over && !has_run) {
        (true, _) if job.start_time.is_some() => || t().job.expected_start(),
        (true, _) => || t().job.not_started(),
        (_, true) => || t().job.never_started(),
        _ => || t().job.started(),
    };
    let ended: fn() -> String = if over {
        || t().job.ended()
    } else if pending || job.end_time.is_none() {
        || t().job.not_ended()
    } else {
        || t().job.must_end()
    };
    let mut points = vec![
        Point {
            glyph: Glyph::ArrowUp,
            look: "done",
            label: || t().job.submitted(),
            time: job.submit_time,
            between: String::new(),
        },
        Point {
            glyph: Glyph::Play,
            look: if pending { "ahead" } else { "done" },
            label: started,
            time: job.start_time.filter(|_| has_run || pending),
            between: waited.map(|waited| t().job.waited(&format::duration(waited))).unwrap_or_default(),
        },
        Point {
            glyph: if over { Mark::of_job(job.state).glyph() } else { Glyph::Check },
            look: if over { "done" } else { "ahead" },
            label: ended,
            time: job.end_time.filter(|_| !pending),
            between: if over && has_run { t().job.ran(&format::duration(job.elapsed)) } else { String::new() },
        },
    ];
    // Only where something kept it from starting at once: a dependency, a hold, a start time.
    if let (Some(submit), Some(eligible)) = (job.submit_time, eligible)
        && eligible > submit + 1
    {
        let ahead = eligible > time::now();
        points.insert(
            1,
            Point {
                glyph: Glyph::Clock,
                look: if ahead { "ahead" } else { "done" },
                label: || t().job.eligible(),
                time: Some(eligible),
                between: u64::try_from(eligible - submit)
                    .map(|after| t().job.could_start_after(&format::duration(after)))
                    .unwrap_or_default(),
            },
        );
    }
    points
}

/// The timeline.
#[component(inline_props)]
pub fn Timeline(detail: ReadSignal<Option<JobDetail>>) -> View {
    let job = create_selector(move || detail.with(|detail| detail.as_ref().map(|detail| detail.job.clone())));
    let eligible = create_selector(move || detail.with(|detail| detail.as_ref().and_then(|d| d.more.eligible_time)));
    let measured = create_selector(move || detail.with(|detail| detail.as_ref().is_some_and(|d| d.usage.is_some())));
    let list = move || {
        let (job, eligible) = (job.get_clone(), eligible.get());
        let Some(job) = job else {
            return Vec::new();
        };
        points(&job, eligible)
            .into_iter()
            .map(|point| {
                let Point { glyph, look, label, time, between } = point;
                let when = time.map_or_else(View::new, |time| {
                    view! {
                        span(class="timeline-when") { (time_ago(Some(time))) }
                        span(class="timeline-exact") { (format::exact_time(time)) }
                    }
                });
                view! {
                    li(class="timeline-point", data-look=look) {
                        span(class="timeline-mark") { (icon(glyph)) }
                        div(class="timeline-words") {
                            span(class="timeline-label") { (label()) }
                            (when)
                            span(class="timeline-between") { (between) }
                        }
                    }
                }
            })
            .collect()
    };
    // What was measured has a bar for it of its own.
    let limit = create_selector(move || {
        let measured = measured.get();
        job.with(|job| {
            let job = job.as_ref().filter(|job| job.elapsed > 0 || job.state == JobState::Running)?;
            job.time_limit.filter(|_| !measured)
        })
    });
    let used = create_selector(move || {
        job.with(|job| {
            job.as_ref().map_or(0, |job| {
                let now = if job.state == JobState::Running { time::now() } else { 0 };
                elapsed_now(job, now)
            })
        })
    });
    view! {
        section(class="card", aria-label=move || t().job.timeline()) {
            h2(class="card-title") { (|| t().job.timeline()) }
            ol(class="timeline") { (View::from(list())) }
            (match limit.get() {
                Some(limit) => view! {
                    Meter(label=move || t().job.used_time(), used=used, total=limit, write=format::duration)
                },
                None => view! {},
            })
        }
    }
}
