//! Tabs whose choice is in the URL: each is a real link, so a tab can be sent to a colleague, and Back works.
use sycamore::prelude::*;

use super::Text;
use crate::router::{Query, here_with, location};

/// One tab.
#[derive(Debug, Clone, Copy)]
pub struct Tab {
    /// Value in the query; empty for the first one, which needs none.
    pub value: &'static str,
    /// Its text in the current language.
    pub label: fn() -> String,
}

/// Props of [`Tabs`].
#[derive(Props)]
pub struct TabsProps {
    /// What the tabs choose.
    #[prop(setter(into))]
    label: Text,
    /// Name in the query that holds the choice.
    name: &'static str,
    /// The tabs.
    tabs: Vec<Tab>,
}

/// A row of tabs. As they are links, they are marked with `aria-current`.
#[component]
pub fn Tabs(props: TabsProps) -> View {
    let TabsProps { label, name, tabs } = props;
    let links: Vec<View> = tabs
        .into_iter()
        .map(|tab| {
            let here = create_selector(move || Query::parse(&location().query).get(name) == tab.value);
            let href = move || here_with(&[(name, tab.value), ("page", "")]);
            view! {
                a(class="tab", href=href, aria-current=move || here.get().then_some("page")) { ((tab.label)()) }
            }
        })
        .collect();
    view! {
        nav(class="tabs", aria-label=move || label.get_clone()) { (links) }
    }
}
