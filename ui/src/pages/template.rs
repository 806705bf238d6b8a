//! `/templates/<id>`: what a template asks for, what it suggests, and its script.
use slurmdash_api::jobs::ParameterValue;
use slurmdash_api::templates::{ParameterKind, Template, TemplateFile, TemplateParameter};
use sycamore::futures::spawn_local_scoped;
use sycamore::prelude::*;

use crate::client::data::Remote;
use crate::client::{ClientError, use_client};
use crate::components::{
    ButtonKind, Cell, CodeView, Column, EmptyState, Glyph, LinkButton, LoadProblem, PageHeader, Row, Skeleton, Table,
};
use crate::i18n::{format, t};
use crate::pages::may_submit;
use crate::pages::templates::category_name;
use crate::router::{path_to, path_with};

/// The page.
#[component(inline_props)]
pub fn TemplatePage(id: String) -> View {
    let client = use_client();
    let remote = Remote::new();
    let path = path_to("/api/v2/templates", &id);
    spawn_local_scoped(async move { remote.put(client.get::<Template>(&path).await) });

    let template = remote.value();
    let problem = remote.problem();
    let missing =
        create_selector(move || problem.with(|problem| problem.as_ref().and_then(ClientError::status) == Some(404)));
    let other_problem = create_memo(move || problem.get_clone().filter(|error| error.status() != Some(404)));
    let heading = id.clone();
    let title = move || template.with(|template| template.as_ref().map_or(heading.clone(), |t| t.name.clone()));
    let context = move || template.with(|template| template.as_ref().map_or(String::new(), |t| t.description.clone()));
    let use_href = path_with("/jobs/new", &[("template", &id)]);
    let may_submit = may_submit();
    let action = move || {
        if missing.get() | !may_submit.get() {
            return View::new();
        }
        let href = use_href.clone();
        view! {
            LinkButton(href=move || href.clone(), kind=ButtonKind::Primary, glyph=Glyph::Plus) {
                (t().templates.use_it())
            }
        }
    };
    let parent = ("/templates", (|| t().templates.back()) as fn() -> String);
    view! {
        PageHeader(title=title, context=context, parent=parent) { (action()) }
        LoadProblem(problem=other_problem)
        (if missing.get() {
            view! {
                EmptyState(
                    glyph=Glyph::LayoutTemplate,
                    title=move || t().templates.missing_title(),
                    text=move || t().templates.missing_text()
                )
            }
        } else {
            template.get_clone().map_or_else(|| view! { Skeleton(lines=6) }, body)
        })
    }
}

fn body(template: Template) -> View {
    let Template { id, category, is_public, resources, parameters, files, script, .. } = template;
    let visibility = move || if is_public { t().templates.public() } else { t().templates.private() };
    let settings = move || {
        let words = t().templates;
        let number = |value: Option<u32>| value.map(|value| format::count(value as usize));
        let facts = [
            (words.category(), Some(category_name(&category))),
            (words.partition(), resources.partition.clone()),
            (words.nodes(), number(resources.nodes)),
            (words.tasks(), number(resources.tasks)),
            (words.cpus_per_task(), number(resources.cpus_per_task)),
            (words.memory(), resources.memory.map(format::memory)),
            (words.gpus(), number(resources.gpus)),
            (words.time(), resources.time.clone()),
        ];
        facts
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| view! { dt { (name) } dd { (value) } }))
            .collect::<Vec<_>>()
    };
    let file = format!("{id}.yaml");
    view! {
        div(class="template-page") {
            section(class="card template-settings") {
                header(class="card-head") {
                    h2 { (|| t().templates.settings()) }
                    span(class="tag") { (visibility()) }
                }
                dl(class="facts") { (settings()) }
            }
            div(class="template-asks") {
                section {
                    header(class="section-head") { h2 { (|| t().templates.parameters()) } }
                    (parameter_table(&parameters))
                }
                section {
                    header(class="section-head") { h2 { (|| t().templates.files()) } }
                    (file_table(&files))
                }
                section {
                    header(class="section-head") {
                        h2 { (|| t().templates.script()) }
                        span(class="card-note") { (|| t().templates.script_help()) }
                    }
                    CodeView(code=script, label=file)
                }
            }
        }
    }
}

fn kind_word(kind: ParameterKind) -> String {
    let words = t().templates;
    match kind {
        ParameterKind::Text => words.text(),
        ParameterKind::Integer => words.integer(),
        ParameterKind::Number => words.number(),
        ParameterKind::Boolean => words.boolean(),
        ParameterKind::Choice => words.choice(),
    }
}

fn value_word(value: &ParameterValue) -> String {
    match value {
        ParameterValue::Bool(true) => t().common.yes(),
        ParameterValue::Bool(false) => t().common.no(),
        ParameterValue::Integer(value) => value.to_string(),
        ParameterValue::Number(value) => value.to_string(),
        ParameterValue::Text(value) => value.clone(),
    }
}

fn allowed_words(parameter: &TemplateParameter) -> String {
    let words = t().templates;
    match (parameter.min, parameter.max) {
        _ if !parameter.choices.is_empty() => parameter.choices.join(", "),
        (Some(low), Some(high)) => words.between(&low.to_string(), &high.to_string()),
        (Some(low), None) => words.from(&low.to_string()),
        (None, Some(high)) => words.up_to(&high.to_string()),
        (None, None) => "–".to_owned(),
    }
}

/// A name with its help under it.
fn explained(label: &str, help: Option<&String>) -> Cell {
    let (label, help) = (label.to_owned(), help.cloned());
    let version = format!("{label}\n{}", help.as_deref().unwrap_or_default());
    let draw = move || {
        let label = label.clone();
        let help = help.clone().map_or_else(View::new, |help| view! { p(class="field-help") { (help) } });
        view! { strong { (label) } (help) }
    };
    Cell::Custom(version, std::rc::Rc::new(draw))
}

fn parameter_table(parameters: &[TemplateParameter]) -> View {
    if parameters.is_empty() {
        return view! { p(class="card-note") { (|| t().templates.no_parameters()) } };
    }
    let parameters = parameters.to_vec();
    let rows = create_memo(move || {
        let row = |parameter: &TemplateParameter| Row {
            key: parameter.name.clone(),
            href: None,
            cells: vec![
                explained(&parameter.label, parameter.help.as_ref()),
                Cell::Text(kind_word(parameter.kind)),
                Cell::Text(parameter.default.as_ref().map_or_else(|| t().common.required(), value_word)),
                Cell::Text(allowed_words(parameter)),
                Cell::Mono(parameter.name.to_uppercase()),
            ],
            ..Row::default()
        };
        parameters.iter().map(row).collect::<Vec<_>>()
    });
    let columns = vec![
        Column::new(|| t().templates.name()),
        Column::new(|| t().templates.kind()),
        Column::new(|| t().templates.default()),
        Column::new(|| t().templates.allowed()),
        Column::new(|| t().templates.variable()),
    ];
    view! { Table(label=move || t().templates.parameters(), columns=columns, rows=rows) }
}

fn file_table(files: &[TemplateFile]) -> View {
    if files.is_empty() {
        return view! { p(class="card-note") { (|| t().templates.no_files()) } };
    }
    let files = files.to_vec();
    let rows = create_memo(move || {
        let row = |file: &TemplateFile| Row {
            key: file.name.clone(),
            href: None,
            cells: vec![
                explained(&file.label, file.help.as_ref()),
                Cell::Text(if file.required { t().common.required() } else { t().common.optional() }),
                Cell::Mono(file.pattern.clone().unwrap_or_else(|| t().templates.any_name())),
                Cell::Text(file.kind.map_or_else(|| "–".into(), |kind| kind.as_str().to_owned())),
                Cell::Mono(format!("FILE_{}", file.name.to_uppercase())),
            ],
            ..Row::default()
        };
        files.iter().map(row).collect::<Vec<_>>()
    });
    let columns = vec![
        Column::new(|| t().templates.name()),
        Column::new(|| t().templates.needed()),
        Column::new(|| t().templates.pattern()),
        Column::new(|| t().templates.kind()),
        Column::new(|| t().templates.variable()),
    ];
    view! { Table(label=move || t().templates.files(), columns=columns, rows=rows) }
}
