//! Buttons, and links that look like them. The verb on a button says what happens.
use sycamore::prelude::*;

use super::Text;

use super::icon::{Glyph, icon};

/// How much a button asks for attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ButtonKind {
    /// The one thing to do here; at most one in view.
    Primary,
    /// Anything else worth a border.
    #[default]
    Secondary,
    /// Takes something away.
    Danger,
    /// Among other things: no border until pointed at.
    Ghost,
}

impl ButtonKind {
    fn class(self) -> &'static str {
        match self {
            Self::Primary => "button button-primary",
            Self::Secondary => "button button-secondary",
            Self::Danger => "button button-danger",
            Self::Ghost => "button button-ghost",
        }
    }
}

/// Props of [`Button`]. Other attributes and handlers (`on:click`) go onto the `<button>`.
#[derive(Props)]
pub struct ButtonProps {
    /// How much it asks for attention.
    #[prop(default)]
    kind: ButtonKind,
    /// Icon before the label.
    #[prop(default, setter(strip_option))]
    glyph: Option<Glyph>,
    /// Its work is under way: it turns, and can't be pressed again.
    #[prop(default = MaybeDyn::Static(false), setter(into))]
    busy: MaybeDyn<bool>,
    /// It can't be pressed now.
    #[prop(default = MaybeDyn::Static(false), setter(into))]
    disabled: MaybeDyn<bool>,
    /// It sends the form that it is in.
    #[prop(default)]
    submit: bool,
    #[prop(attributes(html, button))]
    attributes: Attributes,
    children: Children,
}

/// A button.
#[component]
pub fn Button(props: ButtonProps) -> View {
    let (busy, announced, spinning) = (props.busy.clone(), props.busy.clone(), props.busy);
    let (glyph, disabled) = (props.glyph, props.disabled);
    let label = props.children.call();
    let class = props.kind.class();
    view! {
        button(
            class=class,
            r#type=if props.submit { "submit" } else { "button" },
            disabled=move || disabled.get() | busy.get(),
            aria-busy=move || announced.get().then_some("true"),
            ..props.attributes
        ) {
            (if spinning.get() {
                view! { span(class="spinner", aria-hidden="true") }
            } else {
                glyph.map(icon).unwrap_or_default()
            })
            span(class="button-label") { (label) }
        }
    }
}

/// Props of [`LinkButton`].
#[derive(Props)]
pub struct LinkButtonProps {
    /// Where it leads.
    #[prop(setter(into))]
    href: Text,
    /// How much it asks for attention.
    #[prop(default)]
    kind: ButtonKind,
    /// Icon before the label.
    #[prop(default, setter(strip_option))]
    glyph: Option<Glyph>,
    children: Children,
}

/// A link that looks like a button: it leads to another page and does nothing else.
#[component]
pub fn LinkButton(props: LinkButtonProps) -> View {
    let (href, class) = (props.href, props.kind.class());
    let picture = props.glyph.map(icon).unwrap_or_default();
    let label = props.children.call();
    view! {
        a(class=class, href=move || href.get_clone()) {
            (picture)
            span(class="button-label") { (label) }
        }
    }
}

/// Props of [`IconButton`]. Other attributes and handlers go onto the `<button>`.
#[derive(Props)]
pub struct IconButtonProps {
    /// The icon.
    #[prop(setter(into))]
    glyph: MaybeDyn<Glyph>,
    /// What it does, for screen readers and on hover.
    #[prop(setter(into))]
    label: Text,
    #[prop(attributes(html, button))]
    attributes: Attributes,
}

/// A button that is only an icon.
#[component]
pub fn IconButton(props: IconButtonProps) -> View {
    let (glyph, label, title) = (props.glyph, props.label.clone(), props.label);
    view! {
        button(
            class="icon-button",
            r#type="button",
            aria-label=move || label.get_clone(),
            title=move || title.get_clone(),
            ..props.attributes
        ) {
            (icon(glyph.get()))
        }
    }
}
