//! The words, one file an area. A new area is a file with a `catalogue!` and one line below.

pub mod common;
pub mod dashboard;
pub mod gallery;
pub mod login;
pub mod nodes;
pub mod shell;
pub mod states;
pub mod templates;

use super::Language;

/// Every area's messages in one language.
macro_rules! messages {
    ($( $(#[$doc:meta])* $field:ident : $($area:ident)::+ ),* $(,)?) => {
        /// Every area's messages in one language.
        #[derive(Debug, Clone, Copy)]
        pub struct Messages {
            $( $(#[$doc])* pub $field: $($area)::+, )*
        }

        impl Messages {
            /// The messages in `language`.
            pub fn new(language: Language) -> Self {
                Self { $( $field: $($area)::+(language), )* }
            }
        }
    };
}

messages! {
    /// Words that every page uses.
    common: common::Common,
    /// States of jobs and nodes.
    states: states::States,
    /// The frame around the pages.
    shell: shell::Shell,
    /// `/login`.
    login: login::Login,
    /// `/dashboard`.
    dashboard: dashboard::Dashboard,
    /// `/nodes`.
    nodes: nodes::Nodes,
    /// `/templates`.
    templates: templates::Templates,
    /// `/gallery`.
    gallery: gallery::Gallery,
}
