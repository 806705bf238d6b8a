//! The first step: which template, or a script of one's own.
use slurmdash_api::templates::{Template, TemplateList};
use sycamore::prelude::*;

use super::draft::Pick;
use super::form::Form;
use crate::client::data::Remote;
use crate::components::{Banner, Glyph, Skeleton, Tone, icon, problem_words};
use crate::i18n::{format, t};

/// The step. `gone` names a template of a link or draft that there isn't.
#[component(inline_props)]
pub fn TemplateStep(form: Form, list: Remote<TemplateList>, gone: ReadSignal<String>) -> View {
    let value = list.value();
    let problem = list.problem();
    let loading = create_selector(move || value.with(Option::is_none) && problem.with(Option::is_none));
    let templates = create_selector(move || {
        value.with(|list| list.as_ref().map(|list| list.templates.clone()).unwrap_or_default())
    });
    view! {
        h2(class="step-title", tabindex="-1") { (|| t().wizard.choose_template()) }
        (match gone.get_clone() {
            name if name.is_empty() => view! {},
            name => view! { Banner(tone=Tone::Warning, title=move || t().wizard.template_gone(&name)) },
        })
        (match problem.get_clone() {
            Some(error) => view! {
                Banner(tone=Tone::Warning, title=move || t().wizard.templates_not_loaded()) { (problem_words(&error)) }
            },
            None => view! {},
        })
        (if loading.get() { view! { Skeleton(lines=4, shape="card") } } else { view! {} })
        div(class="pick-cards", role="group", aria-label=move || t().wizard.templates()) {
            Keyed(
                list=templates,
                key=|template| template.id.clone(),
                view=move |template| template_card(form, template)
            )
            (custom_card(form))
        }
    }
}

fn is_picked(form: Form, pick: Pick) -> ReadSignal<bool> {
    create_selector(move || form.pick.with(|picked| *picked == Some(pick.clone())))
}

fn template_card(form: Form, template: Template) -> View {
    let pick = Pick::Template(template.id.clone());
    let picked = is_picked(form, pick.clone());
    let required = template.files.iter().filter(|file| file.required).count();
    let (name, description, category) =
        (template.name.clone(), template.description.clone(), template.category.clone());
    let choose = move |_| {
        // Picking the same card again must not throw away what was filled in.
        if !picked.get_untracked() {
            form.choose(pick.clone(), Some(template.clone()));
        }
    };
    let files = move || match required {
        0 => t().wizard.no_files_needed(),
        1 => t().wizard.file_needed(),
        more => t().wizard.files_needed(&format::count(more)),
    };
    view! {
        button(
            class="pick-card",
            r#type="button",
            aria-pressed=move || if picked.get() { "true" } else { "false" },
            on:click=choose
        ) {
            span(class="pick-card-head") {
                span(class="pick-card-name") { (name) }
                span(class="pick-card-tick") { (icon(Glyph::CircleCheck)) }
            }
            span(class="pick-card-text") { (description) }
            span(class="pick-card-foot") {
                span(class="tag") { (category) }
                span { (files()) }
            }
        }
    }
}

fn custom_card(form: Form) -> View {
    let picked = is_picked(form, Pick::Custom);
    let choose = move |_| {
        if !picked.get_untracked() {
            form.choose(Pick::Custom, None);
        }
    };
    view! {
        button(
            class="pick-card",
            r#type="button",
            aria-pressed=move || if picked.get() { "true" } else { "false" },
            on:click=choose
        ) {
            span(class="pick-card-head") {
                span(class="pick-card-name") { (|| t().wizard.custom()) }
                span(class="pick-card-tick") { (icon(Glyph::CircleCheck)) }
            }
            span(class="pick-card-text") { (|| t().wizard.custom_text()) }
            span(class="pick-card-foot") { (icon(Glyph::Terminal)) }
        }
    }
}
