//! The settings that most jobs leave alone: folded away, and open at once when one of them is set or wrong.
use sycamore::prelude::*;

use super::form::{Form, Variable, Wrong};
use crate::browser;
use crate::components::{Button, Choice, Glyph, IconButton, Select, TextInput};
use crate::i18n::{format, t};

/// The fields in here, by their names in the form.
const NAMES: [&str; 16] = [
    "account",
    "qos",
    "tasks_per_node",
    "memory_kind",
    "constraint",
    "reservation",
    "array",
    "array_limit",
    "dependency",
    "begin",
    "mail_type",
    "mail_user",
    "work_dir",
    "image",
    "output",
    "error",
];

/// The groups.
#[component(inline_props)]
pub fn MoreSettings(form: Form, wrong: ReadSignal<Wrong>) -> View {
    let set = create_selector(move || {
        let fields = NAMES.iter().filter(|name| form.field(name).with(|text| !text.trim().is_empty())).count();
        fields + form.environment.with(Vec::len)
    });
    let trouble =
        create_selector(move || wrong.with(|wrong| NAMES.iter().any(|name| !form.error(name, wrong).is_empty())));
    // What was open stays open; what is set or wrong must be seen.
    let open = create_signal(set.get_untracked() > 0);
    create_effect(move || {
        if trouble.get() {
            open.set(true);
        }
    });
    let count = move || match set.get() {
        0 => String::new(),
        set => t().wizard.more_set(&format::count(set)),
    };
    view! {
        button(
            class="more-toggle",
            r#type="button",
            aria-expanded=move || if open.get() { "true" } else { "false" },
            aria-controls="more-settings",
            on:click=move |_| open.set(!open.get_untracked())
        ) {
            (crate::components::icon(if open.get() { Glyph::ChevronDown } else { Glyph::ChevronRight }))
            span { (t().wizard.more()) }
            span(class="more-count") { (count()) }
        }
        div(class="more-settings", id="more-settings", hidden=move || !open.get()) {
            (layout(form, wrong))
            (order(form, wrong))
            (mail(form, wrong))
            (paths(form, wrong))
            (environment(form, wrong))
        }
    }
}

/// One line of text of the form.
fn line(form: Form, wrong: ReadSignal<Wrong>, name: &'static str, label: fn() -> String, help: fn() -> String) -> View {
    let error = move || wrong.with(|wrong| form.error(name, wrong));
    view! {
        TextInput(name=name, label=label, value=form.field(name), help=help, error=error, optional=true,
            autocomplete="off", "spellcheck"="false")
    }
}

fn no_help() -> String {
    String::new()
}

fn layout(form: Form, wrong: ReadSignal<Wrong>) -> View {
    let kinds = create_memo(|| {
        vec![Choice::new("", t().wizard.memory_per_node()), Choice::new("cpu", t().wizard.memory_per_cpu())]
    });
    view! {
        fieldset(class="form-group form-grid") {
            legend { (|| t().wizard.layout()) }
            (line(form, wrong, "account", || t().wizard.account(), || t().wizard.account_help()))
            (line(form, wrong, "qos", || t().wizard.qos(), no_help))
            (line(form, wrong, "tasks_per_node", || t().wizard.tasks_per_node(), no_help))
            Select(name="memory_kind", label=move || t().wizard.memory_kind(), value=form.field("memory_kind"), choices=kinds)
            (line(form, wrong, "constraint", || t().wizard.constraint(), || t().wizard.constraint_help()))
            (line(form, wrong, "reservation", || t().wizard.reservation(), no_help))
        }
    }
}

fn order(form: Form, wrong: ReadSignal<Wrong>) -> View {
    view! {
        fieldset(class="form-group form-grid") {
            legend { (|| t().wizard.order()) }
            (line(form, wrong, "array", || t().wizard.array(), || t().wizard.array_help()))
            (line(form, wrong, "array_limit", || t().wizard.array_limit(), || t().wizard.array_limit_help()))
            (line(form, wrong, "dependency", || t().wizard.dependency(), || t().wizard.dependency_help()))
            (line(form, wrong, "begin", || t().wizard.begin(), || t().wizard.begin_help()))
        }
    }
}

fn mail(form: Form, wrong: ReadSignal<Wrong>) -> View {
    let chosen = form.field("mail_type");
    let choices = create_memo(move || {
        let words = t().wizard;
        let mut choices = vec![
            Choice::new("", words.mail_none()),
            Choice::new("END,FAIL", words.mail_end()),
            Choice::new("FAIL", words.mail_fail()),
            Choice::new("BEGIN,END,FAIL", words.mail_all()),
        ];
        // An earlier job may have asked for something else.
        let chosen = chosen.get_clone();
        if !choices.iter().any(|choice| choice.value == chosen) {
            choices.push(Choice::new(chosen.clone(), chosen));
        }
        choices
    });
    let error = move || wrong.with(|wrong| form.error("mail_type", wrong));
    view! {
        fieldset(class="form-group form-grid") {
            legend { (|| t().wizard.mail()) }
            Select(name="mail_type", label=move || t().wizard.mail_type(), value=chosen, choices=choices, error=error)
            (line(form, wrong, "mail_user", || t().wizard.mail_user(), || t().wizard.mail_user_help()))
        }
    }
}

fn paths(form: Form, wrong: ReadSignal<Wrong>) -> View {
    view! {
        fieldset(class="form-group form-grid") {
            legend { (|| t().wizard.paths()) }
            (line(form, wrong, "work_dir", || t().wizard.work_dir(), || t().wizard.work_dir_help()))
            (line(form, wrong, "image", || t().wizard.image(), || t().wizard.image_help()))
            (line(form, wrong, "output", || t().wizard.output(), || t().wizard.output_help()))
            (line(form, wrong, "error", || t().wizard.error_file(), || t().wizard.error_file_help()))
        }
    }
}

fn environment(form: Form, wrong: ReadSignal<Wrong>) -> View {
    let variables = form.environment;
    let add = move |_| {
        form.add_variable(String::new(), String::new());
        browser::after(0, || browser::focus(".variable:last-of-type input"));
    };
    view! {
        fieldset(class="form-group") {
            legend { (|| t().wizard.environment()) }
            div(class="variables") {
                Keyed(list=variables, key=|variable| variable.id, view=move |variable| variable_row(form, wrong, variable))
            }
            div {
                Button(glyph=Glyph::Plus, on:click=add) { (|| t().wizard.add_variable()) }
            }
        }
    }
}

fn variable_row(form: Form, wrong: ReadSignal<Wrong>, variable: Variable) -> View {
    let Variable { id, name, value } = variable;
    let number = format::count(id + 1);
    let (name_label, value_label) = (number.clone(), number);
    let error = create_selector(move || wrong.with(|wrong| form.error(&variable.key(), wrong)));
    view! {
        div(class="variable") {
            input(
                class="input input-mono",
                name="variable_name",
                bind:value=name,
                aria-label=move || t().wizard.variable_of(&name_label),
                aria-invalid=move || (!error.with(String::is_empty)).then_some("true"),
                placeholder=move || t().wizard.variable(),
                autocomplete="off",
                autocapitalize="off",
                "spellcheck"="false"
            )
            input(
                class="input input-mono",
                name="variable_value",
                bind:value=value,
                aria-label=move || t().wizard.value_of(&value_label),
                placeholder=move || t().wizard.value(),
                autocomplete="off",
                "spellcheck"="false"
            )
            IconButton(
                glyph=Glyph::Trash2,
                label=move || t().wizard.remove_variable(&name.get_clone()),
                on:click=move |_| form.remove_variable(id)
            )
            p(class="field-error", role="alert") { (error.get_clone()) }
        }
    }
}
