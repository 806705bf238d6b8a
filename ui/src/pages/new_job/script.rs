//! The editor for a custom job's script.
use sycamore::prelude::*;
use wasm_bindgen::JsCast;

use super::form::{Form, Wrong};
use crate::components::field::{input_value, unique_id};
use crate::i18n::t;

/// A field for the script. Tab indents; Esc first gives the key back to moving the focus.
pub fn script_editor(form: Form, wrong: ReadSignal<Wrong>) -> View {
    let value = form.field("script");
    let id = unique_id("script");
    let label_for = id.clone();
    let (help_id, error_id) = (format!("{id}-help"), format!("{id}-error"));
    let described_by = format!("{help_id} {error_id}");
    let error = create_selector(move || wrong.with(|wrong| form.error("script", wrong)));
    // Tab writes a tab; Esc first gives the key back to moving the focus.
    let leave = create_signal(false);
    let keys = move |event: web_sys::KeyboardEvent| match event.key().as_str() {
        "Escape" => leave.set(true),
        "Tab" if !leave.get_untracked() && !event.shift_key() => {
            let Some(area) = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlTextAreaElement>().ok())
            else {
                return;
            };
            event.prevent_default();
            if area.set_range_text("    ").is_ok() {
                let end = area.selection_start().ok().flatten().unwrap_or_default() + 4;
                let _ = area.set_selection_range(end, end);
                value.set(area.value());
            }
        }
        _ => leave.set(false),
    };
    view! {
        fieldset(class="form-group") {
            legend { (|| t().wizard.script()) }
            div(class=move || if error.with(String::is_empty) { "field" } else { "field field-wrong" }) {
                label(class="field-label", r#for=label_for) { (|| t().wizard.script()) }
                textarea(
                    class="input input-mono script-editor",
                    id=id,
                    name="script",
                    rows="14",
                    wrap="off",
                    "spellcheck"="false",
                    autocapitalize="off",
                    aria-describedby=described_by,
                    aria-invalid=move || (!error.with(String::is_empty)).then_some("true"),
                    prop:value=move || wasm_bindgen::JsValue::from_str(&value.get_clone()),
                    on:input=move |event: web_sys::Event| value.set(input_value(&event)),
                    on:keydown=keys
                )
                p(class="field-error", id=error_id, role="alert") { (error.get_clone()) }
                p(class="field-help", id=help_id) { (|| t().wizard.script_help()) }
            }
        }
    }
}
