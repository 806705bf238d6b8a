//! `/gallery`: every component in its states, in both themes at once. Part of the demo cluster only; its pictures are
//! the design's test.
use std::rc::Rc;

use slurmdash_api::cluster::{Node, NodeState};
use slurmdash_api::jobs::{ArrayStrip, JobState};
use sycamore::prelude::*;

use crate::client::use_client;
use crate::components::{
    Banner, Button, ButtonKind, Cell, Checkbox, Choice, CodeView, Column, Dialog, EmptyState, ExplanationBox, Glyph,
    HeatGrid, JobStatePill, Log, LogView, Menu, MenuItem, Meter, NodeStatePill, OnceShown, PageHeader, Pagination,
    PasswordInput, RadioGroup, Row, SearchInput, Select, Selection, Skeleton, Stepper, Strip, Tab, Table, Tabs,
    TextArea, TextInput, TickList, Tone, toast, toast_with_undo,
};
use crate::i18n::{format, t};

/// The page.
#[component]
pub fn Gallery() -> View {
    let cluster = use_client().data.watch_cluster().value();
    let simulated = create_selector(move || cluster.with(|c| c.as_ref().map(|c| c.simulated)));
    view! {
        PageHeader(title=move || t().gallery.title(), context=move || t().gallery.context())
        (match simulated.get() {
            None => view! { Skeleton(lines=6) },
            Some(false) => view! {
                EmptyState(
                    glyph=Glyph::Grip,
                    title=move || t().gallery.title(),
                    text=move || t().gallery.demo_only()
                )
            },
            Some(true) => view! {
                div(class="gallery") {
                    div(class="gallery-side", data-theme="light") { Samples {} }
                    div(class="gallery-side", data-theme="dark") { Samples {} }
                }
                Floating {}
            },
        })
    }
}

fn sample(title: fn() -> String, content: View) -> View {
    view! {
        section(class="gallery-sample") {
            h2 { (title()) }
            (content)
        }
    }
}

#[component]
fn Samples() -> View {
    let parts = vec![
        sample(|| t().gallery.type_scale(), type_scale()),
        sample(|| t().gallery.states(), states()),
        sample(|| t().gallery.buttons(), buttons()),
        sample(|| t().gallery.fields(), fields()),
        sample(|| t().gallery.meters(), meters()),
        sample(|| t().gallery.heat(), heat_grids()),
        sample(|| t().gallery.strips(), strips()),
        sample(|| t().gallery.tables(), table()),
        sample(|| t().gallery.logs(), logs()),
        sample(|| t().gallery.messages(), messages()),
        sample(|| t().gallery.navigation(), navigation()),
        sample(|| t().gallery.reading(), reading()),
        sample(|| t().gallery.waiting(), waiting()),
    ];
    parts.into()
}

fn type_scale() -> View {
    let sizes: Vec<View> = ["28", "20", "16", "14", "13", "12"]
        .into_iter()
        .map(|size| view! { p(class="gallery-type", data-size=size) { (|| t().gallery.sample()) } })
        .collect();
    view! { (sizes) p(class="mono") { "train.py --epochs 10 0O1lI" } }
}

fn states() -> View {
    let jobs: Vec<View> = JobState::ALL.into_iter().map(|state| view! { JobStatePill(state=state) }).collect();
    let nodes: Vec<View> = [
        NodeState::Idle,
        NodeState::Mixed,
        NodeState::Allocated,
        NodeState::Drain,
        NodeState::Down,
        NodeState::Maintenance,
        NodeState::Unknown,
    ]
    .into_iter()
    .map(|state| view! { NodeStatePill(state=state) })
    .collect();
    view! {
        div(class="tags") { (jobs) }
        div(class="tags") { (nodes) }
    }
}

fn buttons() -> View {
    view! {
        div(class="tags") {
            Button(kind=ButtonKind::Primary, glyph=Glyph::Play) { (|| t().gallery.submit()) }
            Button(glyph=Glyph::Download) { (|| t().gallery.secondary()) }
            Button(kind=ButtonKind::Danger, glyph=Glyph::Trash2) { (|| t().gallery.danger()) }
            Button(kind=ButtonKind::Ghost) { (|| t().gallery.ghost()) }
        }
        div(class="tags") {
            Button(kind=ButtonKind::Primary, busy=true) { (|| t().gallery.busy()) }
            Button(disabled=true) { (|| t().gallery.disabled()) }
            Menu(label=move || t().actions.more(), items=vec![
                MenuItem { glyph: Glyph::RotateCw, label: (|| t().actions.requeue()).into(), act: Box::new(|| {}) },
                MenuItem { glyph: Glyph::Timer, label: (|| t().actions.time_limit()).into(), act: Box::new(|| {}) },
            ])
        }
    }
}

fn fields() -> View {
    let name = create_signal("wing-sweep".to_owned());
    let empty = create_signal(String::new());
    let partition = create_signal("viz".to_owned());
    let notify = create_signal(true);
    let search = create_signal(String::new());
    let (password, note) = (create_signal(String::new()), create_signal(String::new()));
    let (theme, untied) = (create_signal("light".to_owned()), create_signal(false));
    let partitions = || vec![Choice::new("compute", "compute"), Choice::new("viz", "viz")];
    view! {
        div(class="form") {
            TextInput(
                name="gallery_name",
                label=move || t().gallery.job_name(),
                value=name,
                help=move || t().gallery.job_name_help(),
                optional=true
            )
            TextInput(
                name="gallery_wrong",
                label=move || t().gallery.job_name(),
                value=empty,
                error=move || t().gallery.job_name_error()
            )
            Select(name="gallery_partition", label=move || t().gallery.partition(), value=partition, choices=partitions)
            Checkbox(name="gallery_notify", label=move || t().gallery.notify(), value=notify)
            PasswordInput(
                name="gallery_password",
                label=move || t().profile.password_new(),
                value=password,
                help=move || t().access.password_help(),
                autocomplete="off"
            )
            RadioGroup(
                name="gallery_theme",
                label=move || t().profile.theme(),
                value=theme,
                choices=|| vec![
                    Choice::new("system", t().profile.theme_system()),
                    Choice::new("light", t().profile.theme_light()),
                    Choice::new("dark", t().profile.theme_dark()),
                ]
            )
            TickList(label=move || t().profile.key_may(), help=move || t().profile.key_may_help()) {
                Checkbox(name="gallery_tick", label=move || t().access.job_view(), value=notify, help="job:view")
                Checkbox(name="gallery_tick", label=move || t().access.job_submit(), value=untied, help="job:submit")
            }
            TextArea(name="gallery_note", label=move || t().events.note(), value=note, help=move || t().events.note_help())
            OnceShown(label=move || t().profile.key_label(), secret="sk_live_0O1lI", name="gallery_secret")
            SearchInput(name="gallery_search", label=move || t().common.search(), value=search)
        }
    }
}

fn meters() -> View {
    view! {
        div(class="meters") {
            Meter(label=move || t().nodes.cores(), used=104_u64, total=320_u64, write=write)
            Meter(label=move || t().nodes.memory(), used=311_296_u64, total=1_290_240_u64, write=format::memory)
            Meter(label=move || t().nodes.gpus(), used=4_u64, total=4_u64, write=write)
        }
    }
}

fn write(value: u64) -> String {
    format::count(usize::try_from(value).unwrap_or(usize::MAX))
}

fn sample_nodes(count: u32) -> Vec<Node> {
    let states = [
        NodeState::Allocated,
        NodeState::Mixed,
        NodeState::Idle,
        NodeState::Mixed,
        NodeState::Drain,
        NodeState::Allocated,
        NodeState::Down,
        NodeState::Maintenance,
    ];
    (0..count)
        .map(|number| {
            let state = states[number as usize * 5 / 3 % states.len()];
            let cpus_allocated = match state {
                NodeState::Allocated => 64,
                NodeState::Mixed => 8 + number * 13 % 48,
                _ => 0,
            };
            Node {
                name: format!("node{:03}", number + 1),
                state,
                state_text: String::new(),
                cpus: 64,
                cpus_allocated,
                memory: 262_144,
                memory_allocated: 0,
                gpus: 0,
                gpus_allocated: 0,
                load: None,
                reason: None,
                partitions: Vec::new(),
                features: Vec::new(),
                version: None,
            }
        })
        .collect()
}

fn heat_grids() -> View {
    let to_nodes = |_: &str| "/nodes".to_owned();
    view! {
        HeatGrid(nodes=sample_nodes(8), href=to_nodes)
        HeatGrid(nodes=sample_nodes(48), href=to_nodes)
        HeatGrid(nodes=sample_nodes(400), href=to_nodes)
    }
}

fn table() -> View {
    let rows = create_memo(|| {
        let row = |id: &str, name: &str, state: JobState, used: u64| Row {
            chosen_as: Some(t().jobs.select_job(id, name)),
            key: id.to_owned(),
            href: Some("/gallery".to_owned()),
            cells: vec![
                Cell::Text(name.to_owned()),
                Cell::Mono(id.to_owned()),
                Cell::Job(state),
                Cell::Share(used, 64, t().common.used_of(&used.to_string(), "64")),
                Cell::Number(format::duration(used * 977)),
            ],
            ..Row::default()
        };
        vec![
            row("1042", "wing-sweep-a12", JobState::Running, 48),
            row("1043", "resnet50-finetune", JobState::Pending, 0),
            row("1031", "crash-front-v7", JobState::Failed, 64),
        ]
    });
    let columns = || {
        vec![
            Column::new(|| t().dashboard.name()).sorted_as("name"),
            Column::new(|| t().dashboard.job()),
            Column::new(|| t().dashboard.state()),
            Column::new(|| t().nodes.cores()),
            Column::new(|| t().dashboard.time()).sorted_as("elapsed").numeric(),
        ]
    };
    let empty = || {
        view! {
            EmptyState(title=move || t().dashboard.no_jobs_title(), text=move || t().dashboard.no_jobs_text()) {
                Button(kind=ButtonKind::Primary) { (|| t().dashboard.new_job()) }
            }
        }
    };
    view! {
        Table(label=move || t().gallery.tables(), columns=columns(), rows=rows, selection=Selection::new())
        Table(label=move || t().gallery.tables(), columns=columns(), rows=Vec::<Row>::new(), empty=Rc::new(empty))
    }
}

/// Arrays from small to large.
fn strips() -> View {
    let strip = |runs: &[(u32, u32, JobState)]| {
        let mut strip = ArrayStrip { runs: runs.to_vec(), ..ArrayStrip::default() };
        for &(first, last, state) in runs {
            *strip.counts.entry(state).or_default() += last - first + 1;
            strip.total += last - first + 1;
        }
        *create_signal(strip)
    };
    let small = strip(&[(0, 2, JobState::Completed), (3, 3, JobState::Failed), (4, 7, JobState::Pending)]);
    let large = strip(&[
        (0, 411, JobState::Completed),
        (412, 418, JobState::OutOfMemory),
        (419, 440, JobState::Running),
        (441, 450, JobState::Cancelled),
        (451, 460, JobState::Timeout),
        (461, 999, JobState::Pending),
    ]);
    view! {
        Strip(strip=small)
        Strip(strip=large, wordy=true)
    }
}

/// Output with colours, and a progress line that overwrote itself.
fn logs() -> View {
    let log = Log::new();
    log.feed("\x1b[32mINFO\x1b[0m epoch 1: loss 2.31\n\x1b[33mWARN\x1b[0m learning rate is high\n");
    log.feed("progress 10%\rprogress 99%\n\x1b[1;31mERROR\x1b[0m CUDA out of memory\n");
    view! { LogView(label=move || t().gallery.logs(), log=log, placeholder=move || t().log.waiting()) }
}

fn messages() -> View {
    view! {
        Banner(tone=Tone::Info, title=move || t().login.ended()) { (|| t().login.ended_text()) }
        Banner(tone=Tone::Warning, title=move || t().shell.stale_title("10:42")) { (|| t().shell.stale_text()) }
        Banner(tone=Tone::Error, title=move || t().common.load_failed()) { (|| t().common.load_failed_safe()) }
        Banner(tone=Tone::Success, title=move || t().gallery.toast_text())
    }
}

fn navigation() -> View {
    let steps = || vec![t().shell.templates(), t().templates.files(), t().templates.settings(), t().gallery.submit()];
    let tabs = vec![Tab { value: "", label: || t().nodes.grid() }, Tab { value: "table", label: || t().nodes.table() }];
    view! {
        Stepper(steps=steps, current=2_usize, on_back=Box::new(|_| {}) as Box<dyn Fn(usize)>)
        Tabs(label=move || t().nodes.view(), name="tab", tabs=tabs)
        Pagination(page=2_usize, per_page=50, total=1_234_usize)
    }
}

fn reading() -> View {
    view! {
        CodeView(code="#!/bin/bash\n#SBATCH --job-name=train\n\nsrun python3 \"$FILE_TRAIN_SCRIPT\"\n", label="train.sh")
        ExplanationBox(
            what=move || t().gallery.explain_what(),
            why=move || t().gallery.explain_why(),
            todo=move || t().gallery.explain_todo()
        )
    }
}

fn waiting() -> View {
    view! {
        Skeleton(lines=4)
        EmptyState(title=move || t().nodes.none_match_title(), text=move || t().nodes.none_match_text()) {
            Button { (|| t().common.clear_filters()) }
        }
    }
}

/// What floats over the page, and so is in the page's own theme.
#[component]
fn Floating() -> View {
    let open = create_signal(false);
    view! {
        section(class="gallery-sample") {
            h2 { (|| t().gallery.floating()) }
            div(class="tags") {
                Button(on:click=move |_| open.set(true)) { (|| t().gallery.open_dialog()) }
                Button(on:click=|_| toast(Tone::Success, t().gallery.toast_text())) { (|| t().gallery.show_toast()) }
                Button(on:click=|_| toast_with_undo(Tone::Info, t().gallery.toast_text(), || {})) {
                    (t().common.undo())
                }
            }
            Dialog(
                open=open,
                title=move || t().gallery.dialog_title(),
                actions=Children::new(move || view! {
                    Button(on:click=move |_| open.set(false)) { (|| t().common.cancel()) }
                    Button(kind=ButtonKind::Danger, on:click=move |_| open.set(false)) { (|| t().gallery.danger()) }
                })
            ) { p { (|| t().gallery.dialog_text()) } }
        }
    }
}
