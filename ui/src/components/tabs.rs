//! Tabs whose choice is in the URL: each is a real link, so a tab can be sent to a colleague, and Back works.
use std::rc::Rc;

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

/// Which tab a value of the query chooses: the first one when it is none of them.
fn current(value: &str, values: &[&str]) -> usize {
    values.iter().position(|known| *known == value).unwrap_or(0)
}

/// A row of tabs. As they are links, they are marked with `aria-current`.
#[component]
pub fn Tabs(props: TabsProps) -> View {
    let TabsProps { label, name, tabs } = props;
    let values: Rc<[&str]> = tabs.iter().map(|tab| tab.value).collect();
    let links: Vec<View> = tabs
        .into_iter()
        .enumerate()
        .map(|(index, tab)| {
            let values = values.clone();
            let here = create_selector(move || current(Query::parse(&location().query).get(name), &values) == index);
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

#[cfg(test)]
mod tests {
    use super::current;

    #[test]
    fn a_value_that_is_no_tab_chooses_the_first_one() {
        assert_eq!(current("", &["", "table"]), 0);
        assert_eq!(current("table", &["", "table"]), 1);
        assert_eq!(current("odd", &["", "table"]), 0);
    }
}
