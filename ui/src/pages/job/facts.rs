//! What a job asks for and where things are: the facts beside its output.
use slurmdash_api::jobs::{JobDetail, Source, signal_name};
use sycamore::prelude::*;

use crate::components::CodeView;
use crate::i18n::{format, t};

/// One line of a list of facts.
#[derive(Clone, PartialEq)]
struct Fact {
    label: String,
    value: String,
    /// Set in monospace: ids and paths.
    mono: bool,
}

impl Fact {
    fn words(label: String, value: impl Into<String>) -> Self {
        Self { label, value: value.into(), mono: false }
    }

    fn mono(label: String, value: impl Into<String>) -> Self {
        Self { mono: true, ..Self::words(label, value) }
    }
}

fn number(value: u32) -> String {
    format::count(usize::try_from(value).unwrap_or(usize::MAX))
}

fn resources(detail: &JobDetail) -> Vec<Fact> {
    let words = t().job;
    let job = &detail.job;
    let mut facts = vec![Fact::words(words.nodes(), number(job.nodes))];
    if let Some(tasks) = job.tasks {
        facts.push(Fact::words(words.tasks(), number(tasks)));
    }
    facts.push(Fact::words(words.cpus(), number(job.cpus)));
    if let Some(memory) = job.memory {
        facts.push(Fact::words(words.memory(), format::memory(memory)));
    }
    if let Some(memory) = detail.more.memory_per_cpu {
        facts.push(Fact::words(words.memory_per_cpu(), format::memory(memory)));
    }
    if job.gpus > 0 {
        facts.push(Fact::words(words.gpus(), number(job.gpus)));
    }
    let limit = job.time_limit.map_or_else(|| words.no_limit(), format::duration);
    facts.push(Fact::words(words.time_limit(), limit));
    if let Some(nodes) = &job.node_list {
        let label = if job.state.is_final() { words.ran_on() } else { words.node_list() };
        facts.push(Fact::mono(label, nodes.clone()));
    }
    let more = &detail.more;
    let texts = [
        (words.requested_nodes(), &more.requested_nodes),
        (words.excluded_nodes(), &more.excluded_nodes),
        (words.scheduled_nodes(), &more.scheduled_nodes),
        (words.constraint(), &more.constraint),
        (words.licenses(), &more.licenses),
        (words.allocated(), &more.allocated_tres),
    ];
    facts.extend(mono_facts(texts));
    facts
}

/// The facts that are there, in monospace.
fn mono_facts<'a>(texts: impl IntoIterator<Item = (String, &'a Option<String>)>) -> impl Iterator<Item = Fact> {
    texts.into_iter().filter_map(|(label, text)| {
        let text = text.as_ref().filter(|text| !text.is_empty())?;
        Some(Fact::mono(label, text.clone()))
    })
}

/// What it waits for, and how it was started.
fn scheduling(detail: &JobDetail) -> Vec<Fact> {
    let words = t().job;
    let more = &detail.more;
    // Our own mark, by which a submission is found again, says nothing to a person.
    let comment = more.comment.clone().filter(|comment| !comment.starts_with("slurmdash:"));
    let mut facts: Vec<Fact> = mono_facts([
        (words.dependency(), &more.dependency),
        (words.reservation(), &more.reservation),
        (words.comment(), &comment),
        (words.command(), &more.command),
    ])
    .collect();
    if let Some(begin) = more.begin {
        facts.push(Fact::words(words.begin(), format::exact_time(begin)));
    }
    if let Some(nice) = more.nice.filter(|nice| *nice != 0) {
        facts.push(Fact::words(words.nice(), nice.to_string()));
    }
    if let Some(restarts) = more.restarts.filter(|restarts| *restarts > 0) {
        facts.push(Fact::words(words.restarts(), number(restarts)));
    }
    let source = match detail.source {
        Source::Controller => words.source_controller(),
        Source::Accounting => words.source_accounting(),
        Source::History => words.source_history(),
    };
    facts.push(Fact::words(words.source(), source));
    facts
}

fn details(detail: &JobDetail) -> Vec<Fact> {
    let words = t().job;
    let job = &detail.job;
    let mut facts =
        vec![Fact::words(words.partition(), job.partition.clone()), Fact::words(words.user(), job.user.clone())];
    let texts = [(words.account(), &job.account), (words.qos(), &job.qos)];
    for (label, value) in texts {
        if let Some(value) = value {
            facts.push(Fact::words(label, value.clone()));
        }
    }
    if let Some(priority) = job.priority {
        facts.push(Fact::words(words.priority(), priority.to_string()));
    }
    if let Some(template) = &job.template {
        facts.push(Fact::words(words.template(), template.clone()));
    }
    if let Some(code) = detail.exit_code.filter(|_| job.state.is_final()) {
        facts.push(Fact::mono(words.exit_code(), code.to_string()));
    }
    if let Some(signal) = detail.signal.filter(|signal| *signal > 0) {
        facts.push(Fact::mono(words.signal(), signal_name(signal)));
    }
    let separate = detail.stderr.as_ref().filter(|stderr| Some(*stderr) != detail.stdout.as_ref());
    let paths = [
        (words.work_dir(), detail.work_dir.as_ref()),
        (words.output_file(), detail.stdout.as_ref()),
        (words.error_file(), separate),
    ];
    for (label, path) in paths {
        if let Some(path) = path {
            facts.push(Fact::mono(label, path.clone()));
        }
    }
    facts.extend(scheduling(detail));
    facts
}

fn list(facts: Vec<Fact>) -> View {
    let rows: Vec<View> = facts
        .into_iter()
        .map(|fact| {
            let class = if fact.mono { "mono" } else { "" };
            view! {
                dt { (fact.label) }
                dd(class=class) { (fact.value) }
            }
        })
        .collect();
    view! { dl(class="facts") { (rows) } }
}

/// Resources and details.
#[component(inline_props)]
pub fn Facts(detail: ReadSignal<Option<JobDetail>>) -> View {
    let section = move |title: fn() -> String, facts: fn(&JobDetail) -> Vec<Fact>| {
        let facts = create_selector(move || detail.with(|detail| detail.as_ref().map(facts).unwrap_or_default()));
        view! {
            section(class="card") {
                h2(class="card-title") { (title()) }
                (list(facts.get_clone()))
            }
        }
    };
    view! {
        (section(|| t().job.resources(), resources))
        (section(|| t().job.details(), details))
    }
}

/// The script, and the files the job was given.
#[component(inline_props)]
pub fn Sources(detail: ReadSignal<Option<JobDetail>>) -> View {
    let script = create_selector(move || detail.with(|detail| detail.as_ref().and_then(|d| d.script.clone())));
    let files =
        create_selector(move || detail.with(|detail| detail.as_ref().map(|d| d.files.clone()).unwrap_or_default()));
    let known = create_selector(move || detail.with(Option::is_some));
    view! {
        (match files.get_clone() {
            files if files.is_empty() => view! {},
            files => {
                let rows: Vec<View> = files.into_iter().map(|path| view! { li(class="mono") { (path) } }).collect();
                view! {
                    section(class="card") {
                        h2(class="card-title") { (|| t().job.files()) }
                        ul(class="file-list") { (rows) }
                    }
                }
            }
        })
        (match script.get_clone() {
            Some(script) => view! { CodeView(code=script, label=move || t().job.script()) },
            None if known.get() => view! { p(class="card-note") { (|| t().job.no_script()) } },
            None => view! {},
        })
    }
}
