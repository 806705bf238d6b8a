//! One of a few choices, all in sight; and any of several, ticked.
use std::borrow::Cow;

use sycamore::prelude::*;
use wasm_bindgen::JsValue;

use super::field::{Choice, unique_id};
use super::{Text, no_text};

/// Props of [`RadioGroup`].
#[derive(Props)]
pub struct RadioGroupProps {
    /// The inputs' `name`.
    #[prop(setter(into))]
    name: Cow<'static, str>,
    /// What is chosen.
    #[prop(setter(into))]
    label: Text,
    /// The chosen value.
    value: Signal<String>,
    /// What can be chosen; the values stay the same, the words follow the language.
    choices: fn() -> Vec<Choice>,
    /// Help under it.
    #[prop(default = no_text(), setter(into))]
    help: Text,
}

/// One of a few.
#[component]
pub fn RadioGroup(props: RadioGroupProps) -> View {
    let RadioGroupProps { name, label, value, choices, help } = props;
    // Two groups of one name on a page are still two.
    let group = unique_id(&name);
    let radios: Vec<View> = choices()
        .into_iter()
        .enumerate()
        .map(|(index, choice)| {
            let (own, set, group) = (choice.value.clone(), choice.value.clone(), group.clone());
            let words = move || choices().into_iter().nth(index).map(|choice| choice.label).unwrap_or_default();
            view! {
                label(class="radio") {
                    input(
                        r#type="radio",
                        name=group,
                        value=choice.value,
                        prop:checked=move || JsValue::from_bool(value.with(|value| *value == own)),
                        on:change=move |_: web_sys::Event| value.set(set.clone())
                    )
                    span { (words()) }
                }
            }
        })
        .collect();
    view! {
        fieldset(class="field radios", "data-field"=name) {
            legend(class="field-label") { (label.get_clone()) }
            div(class="radio-row") { (radios) }
            p(class="field-help") { (help.get_clone()) }
        }
    }
}

/// Props of [`TickList`].
#[derive(Props)]
pub struct TickListProps {
    /// What the boxes are about.
    #[prop(setter(into))]
    label: Text,
    /// Help under the label.
    #[prop(default = no_text(), setter(into))]
    help: Text,
    /// What is wrong with it; empty when nothing is.
    #[prop(default = no_text(), setter(into))]
    error: Text,
    /// The boxes.
    children: Children,
}

/// Several boxes that belong together.
#[component]
pub fn TickList(props: TickListProps) -> View {
    let TickListProps { label, help, error, children } = props;
    view! {
        fieldset(class="field ticks") {
            legend(class="field-label") { (label.get_clone()) }
            p(class="field-help") { (help.get_clone()) }
            div(class="tick-boxes") { (children) }
            p(class="field-error", role="alert") { (error.get_clone()) }
        }
    }
}
