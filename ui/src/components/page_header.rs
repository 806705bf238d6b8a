//! The head of every page: title, one line of context, actions at the right. Also sets the tab's title.
use sycamore::prelude::*;

use super::{Text, no_text};

use crate::browser;

/// A link to the page above, and its text in the current language.
pub type Parent = (&'static str, fn() -> String);

/// Props of [`PageHeader`].
#[derive(Props)]
pub struct PageHeaderProps {
    /// The page's name: the only `<h1>`.
    #[prop(setter(into))]
    title: Text,
    /// One line that says where we are or how things stand.
    #[prop(default = no_text(), setter(into))]
    context: Text,
    /// Where this page belongs to: link and text, above the title.
    #[prop(default, setter(strip_option))]
    parent: Option<Parent>,
    /// Actions at the right.
    #[prop(default)]
    children: Children,
}

/// The head of a page.
#[component]
pub fn PageHeader(props: PageHeaderProps) -> View {
    let PageHeaderProps { title, context, parent, children } = props;
    let heading = title.clone();
    create_effect(move || browser::document().set_title(&format!("{} · slurmdash", heading.get_clone())));
    view! {
        header(class="page-header") {
            div(class="page-header-words") {
                (match parent {
                    Some((href, name)) => view! { a(class="page-parent", href=href) { (name()) } },
                    None => view! {},
                })
                h1(tabindex="-1") { (title.get_clone()) }
                p(class="page-context") { (context.get_clone()) }
            }
            div(class="page-actions") { (children) }
        }
    }
}
