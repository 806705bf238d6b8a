//! Code to read: line numbers, a copy button, no wrapping surprises.
use sycamore::futures::spawn_local_scoped;
use sycamore::prelude::*;

use super::Text;
use super::icon::{Glyph, icon};
use crate::browser;
use crate::i18n::t;

/// Props of [`CodeView`].
#[derive(Props)]
pub struct CodeViewProps {
    /// The text.
    #[prop(setter(into))]
    code: Text,
    /// What it is, such as a file's name.
    #[prop(setter(into))]
    label: Text,
}

/// A read-only text in monospace.
#[component]
pub fn CodeView(props: CodeViewProps) -> View {
    let CodeViewProps { code, label } = props;
    let copied = create_signal(false);
    let (to_copy, numbered, shown, title) = (code.clone(), code.clone(), code, label.clone());
    let copy = move |_| {
        let text = to_copy.get_clone();
        spawn_local_scoped(async move {
            if browser::copy(&text).await {
                copied.set(true);
                browser::after(1_500, move || {
                    if copied.is_alive() {
                        copied.set(false);
                    }
                });
            }
        });
    };
    view! {
        figure(class="code") {
            figcaption(class="code-head") {
                span { (label.get_clone()) }
                button(class="button button-ghost", r#type="button", on:click=copy) {
                    (icon(if copied.get() { Glyph::Check } else { Glyph::Copy }))
                    span(aria-live="polite") {
                        (if copied.get() { t().common.copied() } else { t().common.copy() })
                    }
                }
            }
            div(class="code-body", tabindex="0", role="region", aria-label=move || title.get_clone()) {
                pre(class="code-numbers", aria-hidden="true") { (line_numbers(&numbered.get_clone())) }
                pre(class="code-text") { code { (shown.get_clone()) } }
            }
        }
    }
}

/// `1\n2\n3` for as many lines as `text` has; a line break at the end begins no line.
fn line_numbers(text: &str) -> String {
    let lines: Vec<String> = (1..=text.lines().count().max(1)).map(|number| number.to_string()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_its_number() {
        assert_eq!(line_numbers(""), "1");
        assert_eq!(line_numbers("a\nb\n"), "1\n2");
        assert_eq!(line_numbers("a\n\nb"), "1\n2\n3");
    }
}
