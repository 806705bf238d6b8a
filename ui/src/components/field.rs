//! Form fields: a label above, help below, the error in its place. Each is tied to its input by id, so that screen
//! readers say all three.
use std::borrow::Cow;
use std::cell::Cell;

use sycamore::prelude::*;

use super::{Text, no_text};

use super::icon::{Glyph, icon};
use crate::i18n::t;

thread_local! {
    static NEXT_ID: Cell<u32> = const { Cell::new(0) };
}

/// An id that no other element has.
pub fn unique_id(prefix: &str) -> String {
    let number = NEXT_ID.replace(NEXT_ID.get() + 1);
    format!("{prefix}-{number}")
}

/// A value of a [`Select`] and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is stored.
    pub value: String,
    /// What is shown.
    pub label: String,
}

impl Choice {
    /// A value with its text.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// What every field has around its input.
struct Frame {
    id: String,
    label: Text,
    help: Text,
    error: Text,
    optional: bool,
}

impl Frame {
    /// Ids of help and error, for `aria-describedby`.
    fn described_by(&self) -> String {
        format!("{0}-help {0}-error", self.id)
    }

    fn around(self, input: View) -> View {
        let Self { id, label, help, error, optional } = self;
        let (help_id, error_id) = (format!("{id}-help"), format!("{id}-error"));
        let has_error = error.clone();
        view! {
            div(class=move || if has_error.get_clone().is_empty() { "field" } else { "field field-wrong" }) {
                label(class="field-label", r#for=id) {
                    (label.get_clone())
                    (if optional {
                        view! { span(class="field-optional") { (|| t().common.optional()) } }
                    } else {
                        view! {}
                    })
                }
                (input)
                p(class="field-error", id=error_id, role="alert") { (error.get_clone()) }
                p(class="field-help", id=help_id) { (help.get_clone()) }
            }
        }
    }
}

/// Props of [`TextInput`]. Other attributes and handlers go onto the `<input>`.
#[derive(Props)]
pub struct TextInputProps {
    /// Its `name`, by which forms and tests find it.
    #[prop(setter(into))]
    name: Cow<'static, str>,
    /// The label.
    #[prop(setter(into))]
    label: Text,
    /// What is in it.
    value: Signal<String>,
    /// `text`, `password`, `number`, …
    #[prop(default = MaybeDyn::Static("text".into()), setter(into))]
    kind: Text,
    /// Help under it.
    #[prop(default = no_text(), setter(into))]
    help: Text,
    /// What is wrong with it; empty when nothing is.
    #[prop(default = no_text(), setter(into))]
    error: Text,
    /// Says beside the label that it may stay empty.
    #[prop(default)]
    optional: bool,
    /// Ids, paths and code are set in monospace.
    #[prop(default)]
    monospace: bool,
    #[prop(attributes(html, input))]
    attributes: Attributes,
}

/// One line of text.
#[component]
pub fn TextInput(props: TextInputProps) -> View {
    let frame = Frame {
        id: unique_id(&props.name),
        label: props.label,
        help: props.help,
        error: props.error.clone(),
        optional: props.optional,
    };
    let (id, described_by, error) = (frame.id.clone(), frame.described_by(), props.error);
    let kind = props.kind;
    let class = if props.monospace { "input input-mono" } else { "input" };
    frame.around(view! {
        input(
            class=class,
            id=id,
            name=props.name,
            r#type=move || kind.get_clone(),
            bind:value=props.value,
            aria-describedby=described_by,
            aria-invalid=move || (!error.get_clone().is_empty()).then_some("true"),
            ..props.attributes
        )
    })
}

/// Props of [`TextArea`].
#[derive(Props)]
pub struct TextAreaProps {
    /// Its `name`.
    #[prop(setter(into))]
    name: Cow<'static, str>,
    /// The label.
    #[prop(setter(into))]
    label: Text,
    /// What is in it.
    value: Signal<String>,
    /// Help under it.
    #[prop(default = no_text(), setter(into))]
    help: Text,
    /// What is wrong with it; empty when nothing is.
    #[prop(default = no_text(), setter(into))]
    error: Text,
}

/// Several lines of text.
#[component]
pub fn TextArea(props: TextAreaProps) -> View {
    let TextAreaProps { name, label, value, help, error } = props;
    let frame = Frame { id: unique_id(&name), label, help, error: error.clone(), optional: true };
    let (id, described_by) = (frame.id.clone(), frame.described_by());
    frame.around(view! {
        textarea(
            class="input",
            id=id,
            name=name,
            rows="4",
            bind:value=value,
            aria-describedby=described_by,
            aria-invalid=move || (!error.get_clone().is_empty()).then_some("true")
        )
    })
}

/// Props of [`Select`]. Other attributes and handlers go onto the `<select>`.
#[derive(Props)]
pub struct SelectProps {
    /// Its `name`.
    #[prop(setter(into))]
    name: Cow<'static, str>,
    /// The label.
    #[prop(setter(into))]
    label: Text,
    /// The chosen value.
    value: Signal<String>,
    /// What can be chosen.
    #[prop(setter(into))]
    choices: MaybeDyn<Vec<Choice>>,
    /// Help under it.
    #[prop(default = no_text(), setter(into))]
    help: Text,
    /// What is wrong with it; empty when nothing is.
    #[prop(default = no_text(), setter(into))]
    error: Text,
    /// Says beside the label that it may stay empty.
    #[prop(default)]
    optional: bool,
    /// The label is for screen readers only: for filters, whose choices speak for themselves.
    #[prop(default)]
    bare: bool,
    #[prop(attributes(html, select))]
    attributes: Attributes,
}

/// One of several choices.
#[component]
pub fn Select(props: SelectProps) -> View {
    let SelectProps { name, label, value, choices, help, error, optional, bare, attributes } = props;
    let id = unique_id(&name);
    let described_by = (!bare).then(|| format!("{id}-help {id}-error"));
    let own_label = bare.then(|| label.clone());
    let (options, shown) = (choices.clone(), choices);
    let own_id = id.clone();
    let input = view! {
        div(class="select") {
            select(
                class="input",
                id=own_id,
                name=name,
                aria-describedby=described_by,
                aria-label=move || own_label.as_ref().map(Text::get_clone),
                // Options come and go with the language and the data; the chosen one must survive that.
                prop:value=move || { shown.track(); wasm_bindgen::JsValue::from_str(&value.get_clone()) },
                on:change=move |event: web_sys::Event| value.set(input_value(&event)),
                ..attributes
            ) {
                (options
                    .get_clone()
                    .into_iter()
                    .map(|choice| {
                        let selected = value.with_untracked(|value| *value == choice.value);
                        view! { option(value=choice.value, selected=selected) { (choice.label) } }
                    })
                    .collect::<Vec<_>>())
            }
            (icon(Glyph::ChevronDown))
        }
    };
    if bare {
        return input;
    }
    Frame { id, label, help, error, optional }.around(input)
}

/// The value of the input or select that an event comes from.
pub fn input_value(event: &web_sys::Event) -> String {
    event
        .target()
        .and_then(|target| js_sys::Reflect::get(&target, &"value".into()).ok())
        .and_then(|value| value.as_string())
        .unwrap_or_default()
}

/// Props of [`Checkbox`].
#[derive(Props)]
pub struct CheckboxProps {
    /// Its `name`.
    #[prop(setter(into))]
    name: Cow<'static, str>,
    /// The label, beside the box.
    #[prop(setter(into))]
    label: Text,
    /// Whether it is ticked.
    value: Signal<bool>,
    /// Help under it.
    #[prop(default = no_text(), setter(into))]
    help: Text,
}

/// Yes or no.
#[component]
pub fn Checkbox(props: CheckboxProps) -> View {
    let CheckboxProps { name, label, value, help } = props;
    let id = unique_id(&name);
    let help_id = format!("{id}-help");
    let (label_for, described_by) = (id.clone(), help_id.clone());
    view! {
        div(class="field checkbox") {
            input(r#type="checkbox", id=id, name=name, bind:checked=value, aria-describedby=described_by)
            label(class="field-label", r#for=label_for) { (label.get_clone()) }
            p(class="field-help", id=help_id) { (help.get_clone()) }
        }
    }
}

/// Props of [`SearchInput`].
#[derive(Props)]
pub struct SearchInputProps {
    /// Its `name`.
    name: &'static str,
    /// What is searched; label and placeholder in one.
    #[prop(setter(into))]
    label: Text,
    /// What is in it.
    value: Signal<String>,
}

/// The search field over a list; `/` puts the cursor here.
#[component]
pub fn SearchInput(props: SearchInputProps) -> View {
    let SearchInputProps { name, label, value } = props;
    let placeholder = label.clone();
    view! {
        div(class="search") {
            (icon(Glyph::Search))
            input(
                class="input",
                r#type="search",
                name=name,
                bind:value=value,
                aria-label=move || label.get_clone(),
                placeholder=move || placeholder.get_clone(),
                data-search="page",
                autocomplete="off"
            )
        }
    }
}
