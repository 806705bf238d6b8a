//! The words, one file an area. A new area is a file with a `catalogue!` and one line below.

pub mod access;
pub mod actions;
pub mod admin;
pub mod audit;
pub mod common;
pub mod dashboard;
pub mod events;
pub mod gallery;
pub mod job;
pub mod jobs;
pub mod log;
pub mod login;
pub mod nodes;
pub mod profile;
pub mod reasons;
pub mod shell;
pub mod states;
pub mod templates;
pub mod uploads;
pub mod usage;
pub mod wizard;

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
    /// `/jobs`.
    jobs: jobs::Jobs,
    /// `/jobs/<id>`.
    job: job::Job,
    /// Why a job waits, in a few words.
    reasons: reasons::Reasons,
    /// What can be done with jobs.
    actions: actions::Actions,
    /// How well a job used what it asked for.
    usage: usage::Usage,
    /// The log view.
    log: log::Log,
    /// Uploads.
    uploads: uploads::Uploads,
    /// `/jobs/new`.
    wizard: wizard::Wizard,
    /// Permissions, sessions and keys.
    access: access::Access,
    /// `/profile`.
    profile: profile::Profile,
    /// `/admin`: accounts and roles.
    admin: admin::Admin,
    /// `/admin/audit`.
    audit: audit::Audit,
    /// `/admin/events`.
    events: events::Events,
    /// `/gallery`.
    gallery: gallery::Gallery,
}
