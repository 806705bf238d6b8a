//! The files step: what the template wants, what is uploaded, and whether that is enough to go on.
use std::collections::BTreeMap;
use std::rc::Rc;

use slurmdash_api::templates::{Template, TemplateFile};
use slurmdash_api::uploads::FileType;
use sycamore::prelude::*;

use crate::client::use_client;
use crate::components::{Banner, Button, ButtonKind, DropZone, Glyph, Tone, UploadRow, icon};
use crate::i18n::{format, t};
use crate::upload::{Item, Phase, Uploads};

/// Where a file is, as far as going on depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Chosen,
    Running,
    Stuck,
    Done,
}

impl Standing {
    fn of(phase: &Phase) -> Self {
        match phase {
            Phase::Ready => Self::Chosen,
            Phase::Queued | Phase::Sending | Phase::Finishing => Self::Running,
            Phase::NeedsFile | Phase::Paused | Phase::Failed(_) => Self::Stuck,
            Phase::Done(_) => Self::Done,
        }
    }
}

/// One file of the list, without what isn't needed to judge it.
struct Have {
    name: String,
    kind: FileType,
    standing: Standing,
}

/// What keeps a person from going on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Hold {
    Running,
    NotStarted,
    Stuck,
    Missing(String),
}

/// How far a place of the template is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Empty,
    Coming,
    Filled,
}

fn hold(wanted: &[TemplateFile], have: &[Have]) -> Option<Hold> {
    let any = |standing| have.iter().any(|file| file.standing == standing);
    if any(Standing::Running) {
        return Some(Hold::Running);
    }
    if any(Standing::Chosen) {
        return Some(Hold::NotStarted);
    }
    if any(Standing::Stuck) {
        return Some(Hold::Stuck);
    }
    wanted
        .iter()
        .find(|file| file.required && place(file, have) != Place::Filled)
        .map(|file| Hold::Missing(file.label.clone()))
}

fn place(wanted: &TemplateFile, have: &[Have]) -> Place {
    let fitting = have.iter().filter(|file| wanted.accepts(&file.name, file.kind));
    fitting.fold(Place::Empty, |best, file| match (best, file.standing) {
        (_, Standing::Done) | (Place::Filled, _) => Place::Filled,
        _ => Place::Coming,
    })
}

/// The list as it is now; tracked.
fn have(uploads: Uploads) -> Vec<Have> {
    uploads.items().with(|items| {
        items
            .iter()
            .map(|item| Have {
                name: item.name.clone(),
                kind: item.info.r#type,
                standing: item.progress().with(|progress| Standing::of(&progress.phase)),
            })
            .collect()
    })
}

fn wanted(template: Signal<Option<Template>>) -> Vec<TemplateFile> {
    template.with(|template| template.as_ref().map(|template| template.files.clone()).unwrap_or_default())
}

/// Why the next step must wait, in words; empty when it needn't. Tracked.
pub fn hold_words(template: Signal<Option<Template>>, uploads: Uploads) -> String {
    let words = t().wizard;
    match hold(&wanted(template), &have(uploads)) {
        None => String::new(),
        Some(Hold::Running) => words.wait_running(),
        Some(Hold::NotStarted) => words.wait_start(),
        Some(Hold::Stuck) => words.wait_failed(),
        Some(Hold::Missing(label)) => words.wait_required(&label),
    }
}

/// The step.
#[component(inline_props)]
pub fn FilesStep(template: Signal<Option<Template>>, uploads: Uploads) -> View {
    let cluster = use_client().data.watch_cluster().value();
    let limit = create_selector(move || cluster.with(|cluster| cluster.as_ref().map(|cluster| cluster.max_file_size)));
    let note = move || match limit.get() {
        Some(limit) => t().uploads.limit(&format::bytes(limit)),
        None => String::new(),
    };
    view! {
        h2(class="step-title", tabindex="-1") { (|| t().wizard.add_files()) }
        Wanted(template=template, uploads=uploads)
        DropZone(on_files=Box::new(move |files| uploads.add(files)) as Box<dyn Fn(Vec<web_sys::File>)>, note=note)
        Chosen(uploads=uploads)
    }
}

/// What the template takes, ticked off as it arrives.
#[component(inline_props)]
fn Wanted(template: Signal<Option<Template>>, uploads: Uploads) -> View {
    let files = create_selector(move || wanted(template));
    let name = create_selector(move || template.with(|template| template.as_ref().map(|t| t.name.clone())));
    View::from_dynamic(move || {
        let (files, name) = (files.get_clone(), name.get_clone());
        if files.is_empty() {
            let custom = name.is_none();
            return view! {
                p(class="card-note") {
                    (if custom { t().wizard.custom_files() } else { t().wizard.takes_no_files() })
                }
            };
        }
        let rows: Vec<View> = files.into_iter().map(|file| wanted_row(file, uploads)).collect();
        view! {
            section(class="card") {
                h3(class="card-title") { (t().wizard.files_of(name.as_deref().unwrap_or_default())) }
                ul(class="wanted") { (rows) }
            }
        }
    })
}

fn wanted_row(file: TemplateFile, uploads: Uploads) -> View {
    let (label, help, pattern, required) = (
        file.label.clone(),
        file.help.clone().unwrap_or_default(),
        file.pattern.clone().unwrap_or_default(),
        file.required,
    );
    let state = create_selector(move || place(&file, &have(uploads)));
    let look = move || match state.get() {
        Place::Filled => "filled",
        Place::Coming => "coming",
        Place::Empty => "empty",
    };
    let words = move || match state.get() {
        Place::Filled => t().wizard.file_there(),
        Place::Coming => t().wizard.file_coming(),
        Place::Empty if required => t().wizard.file_missing(),
        Place::Empty => t().wizard.file_optional(),
    };
    let glyph = move || match state.get() {
        Place::Filled => Glyph::CircleCheck,
        Place::Coming => Glyph::CircleDot,
        Place::Empty => Glyph::Circle,
    };
    let about = move || {
        let pattern = if pattern.is_empty() { String::new() } else { t().wizard.matches(&pattern) };
        [help.as_str(), pattern.as_str()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
    };
    view! {
        li(class="wanted-file", data-place=look) {
            span(class="wanted-mark") { (icon(glyph())) }
            span(class="wanted-label") { (label) }
            span(class="wanted-about") { (about()) }
            span(class="wanted-state") { (words()) }
        }
    }
}

/// What was chosen, by kind, and the button that starts it.
#[component(inline_props)]
fn Chosen(uploads: Uploads) -> View {
    let items = uploads.items();
    let kinds = create_selector(move || {
        items.with(|items| {
            let mut kinds: Vec<FileType> = items.iter().map(|item| item.info.r#type).collect();
            kinds.sort_unstable();
            kinds.dedup();
            kinds
        })
    });
    // Counts and sizes by phase; what moves many times a second stays in the rows.
    let sums = create_selector(move || {
        items.with(|items| {
            let mut sums = BTreeMap::<bool, (usize, u64)>::new();
            let mut done = 0;
            for item in items {
                let ready = item.progress().with(|progress| {
                    done += usize::from(progress.is_done());
                    progress.phase == Phase::Ready
                });
                let sum = sums.entry(ready).or_default();
                sum.0 += 1;
                sum.1 += item.info.size;
            }
            (sums.get(&true).copied().unwrap_or_default(), done, items.len())
        })
    });
    let all_done = create_selector(move || sums.with(|(_, done, all)| *all > 0 && done == all));
    let waiting = create_selector(move || sums.with(|((count, size), ..)| (*count, *size)));
    view! {
        (if waiting.get().0 > 0 {
            let (count, size) = waiting.get();
            view! {
                div(class="upload-start") {
                    span { (t().uploads.chosen(&format::count(count), &format::bytes(size))) }
                    Button(kind=ButtonKind::Primary, glyph=Glyph::Upload, on:click=move |_| uploads.start_all()) {
                        (t().uploads.start())
                    }
                }
            }
        } else {
            view! {}
        })
        (if all_done.get() {
            view! { Banner(tone=Tone::Success, title=move || t().uploads.completed()) }
        } else {
            view! {}
        })
        Keyed(list=kinds, key=|kind| *kind, view=move |kind| group(kind, uploads))
    }
}

fn group(kind: FileType, uploads: Uploads) -> View {
    let items = create_selector(move || {
        uploads
            .items()
            .with(|items| items.iter().filter(|item| item.info.r#type == kind).cloned().collect::<Vec<Rc<Item>>>())
    });
    let title = move || t().uploads.group(&kind.as_str().to_uppercase(), &format::count(items.with(Vec::len)));
    view! {
        section(class="upload-group") {
            h3(class="upload-group-title") { (title()) }
            ul(class="uploads") {
                Keyed(list=items, key=|item| item.id, view=move |item| view! { UploadRow(item=item, uploads=uploads) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(pattern: &str, required: bool) -> TemplateFile {
        TemplateFile {
            name: "f".into(),
            label: format!("the {pattern}"),
            pattern: Some(pattern.into()),
            kind: None,
            required,
            help: None,
        }
    }

    fn file(name: &str, standing: Standing) -> Have {
        Have { name: name.into(), kind: FileType::Script, standing }
    }

    #[test]
    fn required_files_hold_the_next_step() {
        let files = [wanted("*.py", true), wanted("*.yaml", false)];
        assert_eq!(hold(&files, &[]), Some(Hold::Missing("the *.py".into())));
        assert_eq!(hold(&files, &[file("a.py", Standing::Chosen)]), Some(Hold::NotStarted));
        assert_eq!(hold(&files, &[file("a.py", Standing::Running)]), Some(Hold::Running));
        assert_eq!(hold(&files, &[file("a.py", Standing::Stuck)]), Some(Hold::Stuck));
        assert_eq!(hold(&files, &[file("a.py", Standing::Done)]), None);
        let other = [file("a.txt", Standing::Done)];
        assert_eq!(hold(&files, &other), Some(Hold::Missing("the *.py".into())));
        assert_eq!(hold(&[], &[]), None);
        assert_eq!(hold(&[], &[file("x", Standing::Running)]), Some(Hold::Running));
    }

    #[test]
    fn places_are_filled_by_the_best_file() {
        let script = wanted("*.py", true);
        assert_eq!(place(&script, &[]), Place::Empty);
        assert_eq!(place(&script, &[file("a.py", Standing::Stuck)]), Place::Coming);
        let both = [file("a.py", Standing::Done), file("b.py", Standing::Running)];
        assert_eq!(place(&script, &both), Place::Filled);
    }
}
