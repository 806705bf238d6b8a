//! `/templates`: what can be run, as cards by category, and the template files that could not be read.
use slurmdash_api::live::ServerMessage;
use slurmdash_api::templates::{Template, TemplateList, TemplateProblem};
use sycamore::prelude::*;

use crate::client::data::Remote;
use crate::client::refetch::{Keeper, Refetch};
use crate::client::use_client;
use crate::components::{
    Banner, Button, ButtonKind, Choice, EmptyState, Glyph, LinkButton, LoadProblem, PageHeader, SearchInput, Select,
    Skeleton, Tone, icon,
};
use crate::i18n::{format, t};
use crate::pages::{Phase, may_submit, phase};
use crate::router::{path_to, path_with, query_signal, set_query};

/// Shortest time between two reads of the list, milliseconds.
const GAP_MS: f64 = 2_000.0;

/// The templates, kept up to date while the current scope lives.
pub fn watch_templates() -> Remote<TemplateList> {
    let client = use_client();
    let list = Remote::new();
    let read = Refetch::new(GAP_MS, move || async move {
        list.put(client.get::<TemplateList>("/api/v2/templates").await);
    });
    let keeper = Keeper::new(client.live, &["templates"], &read, move |message| {
        if let ServerMessage::Templates(new) = message {
            list.put(Ok(new.clone()));
        }
    });
    on_cleanup(move || drop(keeper));
    list
}

/// A category as it is read: `machine-learning` → `Machine learning`.
pub fn category_name(category: &str) -> String {
    let mut letters = category.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let rest: String = letters.map(|c| if c == '-' { ' ' } else { c }).collect();
    match category {
        "cfd" | "mpi" => category.to_uppercase(),
        _ => format!("{first}{rest}"),
    }
}

/// A picture for a category.
fn category_glyph(category: &str) -> Glyph {
    match category {
        "machine-learning" => Glyph::ChartNoAxesColumn,
        "cfd" | "structural" => Glyph::Box,
        "general" => Glyph::Terminal,
        _ => Glyph::FileText,
    }
}

/// The page.
#[component]
pub fn Templates() -> View {
    let list = watch_templates();
    let value = list.value();
    let text = query_signal("q");
    let category = query_signal("category");
    let shown = create_memo(move || {
        let (text, category) = (text.get_clone(), category.get_clone());
        value.with(|list| {
            let all = list.iter().flat_map(|list| &list.templates);
            all.filter(|template| matches(template, &text, &category)).cloned().collect::<Vec<_>>()
        })
    });
    let categories = create_selector(move || value.with(|list| categories(list.as_ref())));
    let choices = move || {
        let mut choices = vec![Choice::new("", t().templates.any_category())];
        choices.extend(
            categories.get_clone().into_iter().map(|category| Choice::new(category.clone(), category_name(&category))),
        );
        choices
    };
    let context = move || {
        value.with(|list| {
            list.as_ref().map_or_else(String::new, |list| t().templates.context(&format::count(list.templates.len())))
        })
    };
    let all = create_memo(move || value.with(|list| list.as_ref().map(|l| l.templates.clone()).unwrap_or_default()));
    let phase = phase(value, all);
    let body = move || match phase.get() {
        Phase::Loading => view! { Skeleton(lines=3, shape="card") },
        Phase::Empty => no_templates(),
        Phase::Ready => view! {
            div(class="filters", role="search") {
                SearchInput(name="q", label=move || t().templates.search(), value=text)
                Select(
                    name="category",
                    label=move || t().templates.category(),
                    value=category,
                    choices=choices,
                    bare=true
                )
            }
            Cards(templates=shown)
        },
    };
    view! {
        PageHeader(title=move || t().templates.title(), context=context)
        LoadProblem(problem=list.problem())
        Problems(list=value)
        (body())
    }
}

fn no_templates() -> View {
    let may_submit = may_submit();
    view! {
        EmptyState(
            glyph=Glyph::LayoutTemplate,
            title=move || t().templates.empty_title(),
            text=move || t().templates.empty_text()
        ) {
            (if may_submit.get() {
                view! { LinkButton(href="/jobs/new", kind=ButtonKind::Primary) { (|| t().templates.custom_job()) } }
            } else {
                view! {}
            })
        }
    }
}

fn matches(template: &Template, text: &str, category: &str) -> bool {
    let text = text.trim().to_lowercase();
    let has = |words: &str| words.to_lowercase().contains(&text);
    (category.is_empty() || template.category == category)
        && (text.is_empty() || has(&template.name) || has(&template.description) || has(&template.id))
}

fn categories(list: Option<&TemplateList>) -> Vec<String> {
    let mut categories: Vec<String> =
        list.iter().flat_map(|list| &list.templates).map(|template| template.category.clone()).collect();
    categories.sort_unstable();
    categories.dedup();
    categories
}

/// The cards, those of one category side by side.
#[component(inline_props)]
fn Cards(templates: ReadSignal<Vec<Template>>) -> View {
    let cards = move || match templates.get_clone() {
        templates if templates.is_empty() => view! {
            EmptyState(
                glyph=Glyph::Search,
                title=move || t().templates.none_match_title(),
                text=move || t().templates.none_match_text()
            ) {
                Button(on:click=|_| set_query(&[("q", ""), ("category", "")])) { (|| t().common.clear_filters()) }
            }
        },
        mut templates => {
            templates.sort_unstable_by(|a, b| (&a.category, &a.name).cmp(&(&b.category, &b.name)));
            let cards: Vec<View> = templates.iter().map(card).collect();
            view! { ul(class="template-cards") { (cards) } }
        }
    };
    view! { (cards()) }
}

fn card(template: &Template) -> View {
    let href = path_to("/templates", &template.id);
    let use_href = path_with("/jobs/new", &[("template", &template.id)]);
    let picture = icon(category_glyph(&template.category));
    let (name, description) = (template.name.clone(), template.description.clone());
    let (files, parameters) = (template.files.len(), template.parameters.len());
    let private = !template.is_public;
    let may_submit = may_submit();
    let category = category_name(&template.category);
    view! {
        li(class="card template-card") {
            span(class="template-picture") { (picture) }
            div(class="template-names") {
                h2 { a(class="template-link", href=href) { (name) } }
                p(class="template-category") { (category) }
            }
            p(class="template-words") { (description) }
            div(class="template-foot") {
                div(class="tags") {
                    (if private { view! { span(class="tag") { (|| t().templates.private()) } } } else { view! {} })
                    (counted(files, t().templates.one_file(), t().templates.needs_files(&format::count(files))))
                    (counted(
                        parameters,
                        t().templates.one_parameter(),
                        t().templates.needs_parameters(&format::count(parameters)),
                    ))
                }
                (if may_submit.get() {
                    let use_href = use_href.clone();
                    view! { a(class="template-use", href=use_href) { (|| t().templates.use_it()) } }
                } else {
                    view! {}
                })
            }
        }
    }
}

/// A tag for how many there are; nothing for none.
fn counted(count: usize, one: String, many: String) -> View {
    match count {
        0 => View::new(),
        1 => view! { span(class="tag") { (one) } },
        _ => view! { span(class="tag") { (many) } },
    }
}

/// The files that could not be read, for those who may fix them.
#[component(inline_props)]
fn Problems(list: ReadSignal<Option<TemplateList>>) -> View {
    let problems =
        create_selector(move || list.with(|list| list.as_ref().map(|list| list.problems.clone()).unwrap_or_default()));
    view! {
        (if problems.with(Vec::is_empty) {
            view! {}
        } else {
            let count = problems.with(Vec::len);
            view! {
                Banner(tone=Tone::Warning, title=move || t().templates.problems_title(&format::count(count))) {
                    p { (|| t().templates.problems_text()) }
                    ul(class="template-problems") {
                        (problems.get_clone().into_iter().map(problem).collect::<Vec<_>>())
                    }
                }
            }
        })
    }
}

fn problem(problem: TemplateProblem) -> View {
    let TemplateProblem { file, line, column, message } = problem;
    let place = move || match (line, column) {
        (Some(line), Some(column)) => t().templates.line_column(&line.to_string(), &column.to_string()),
        (Some(line), None) => t().templates.line(&line.to_string()),
        _ => String::new(),
    };
    view! {
        li {
            span(class="mono") { (file) }
            " "
            span(class="template-problem-place") { (place()) }
            p { (message) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_read_as_words() {
        assert_eq!(category_name("machine-learning"), "Machine learning");
        assert_eq!(category_name("cfd"), "CFD");
        assert_eq!(category_name(""), "");
        assert_eq!(category_name("구조-해석"), "구조 해석");
    }
}
