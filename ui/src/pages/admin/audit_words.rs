//! Rows of the audit log in words.
use slurmdash_api::audit::{AuditResult, AuditRow};
use sycamore::prelude::*;

use super::severity::KINDS;
use crate::components::{Choice, Glyph, Mark, pill, time_ago};
use crate::i18n::t;
use crate::i18n::words::audit::Audit;

/// The actions that we have words for, by their noun; each noun stands for all of its own.
type Group = (&'static str, fn(Audit) -> String, &'static [(&'static str, fn(Audit) -> String)]);

const GROUPS: [Group; 10] = [
    (
        "session.",
        Audit::group_session,
        &[
            ("session.begin", Audit::session_begin),
            ("session.end", Audit::session_end),
            ("session.end_all", Audit::session_end_all),
            ("session.refresh", Audit::session_refresh),
        ],
    ),
    (
        "user.",
        Audit::group_user,
        &[
            ("user.create", Audit::user_create),
            ("user.disable", Audit::user_disable),
            ("user.enable", Audit::user_enable),
            ("user.unlock", Audit::user_unlock),
            ("user.set_roles", Audit::user_set_roles),
            ("user.set_password", Audit::user_set_password),
            ("user.set_unix", Audit::user_set_unix),
            ("user.set_email", Audit::user_set_email),
            ("user.delete", Audit::user_delete),
        ],
    ),
    (
        "api_key.",
        Audit::group_api_key,
        &[
            ("api_key.create", Audit::api_key_create),
            ("api_key.use", Audit::api_key_use),
            ("api_key.revoke", Audit::api_key_revoke),
        ],
    ),
    (
        "job.",
        Audit::group_job,
        &[
            ("job.submit", Audit::job_submit),
            ("job.cancel", Audit::job_cancel),
            ("job.hold", Audit::job_hold),
            ("job.release", Audit::job_release),
            ("job.requeue", Audit::job_requeue),
            ("job.suspend", Audit::job_suspend),
            ("job.resume", Audit::job_resume),
            ("job.time_limit", Audit::job_time_limit),
            ("job.nice", Audit::job_nice),
        ],
    ),
    (
        "upload.",
        Audit::group_upload,
        &[
            ("upload.begin", Audit::upload_begin),
            ("upload.finish", Audit::upload_finish),
            ("upload.cancel", Audit::upload_cancel),
            ("upload.delete", Audit::upload_delete),
            ("upload.expire", Audit::upload_expire),
        ],
    ),
    ("output.", Audit::group_output, &[("output.download", Audit::output_download)]),
    ("ssh.", Audit::group_ssh, &[("ssh.sign_in", Audit::ssh_sign_in)]),
    ("event.", Audit::group_event, &[("event.resolve", Audit::event_resolve)]),
    ("audit.", Audit::group_audit, &[("audit.export", Audit::audit_export)]),
    (
        "store.",
        Audit::group_store,
        &[
            ("store.backup", Audit::store_backup),
            ("store.restore", Audit::store_restore),
            ("store.import", Audit::store_import),
            ("store.retention", Audit::store_retention),
            ("store.compact", Audit::store_compact),
        ],
    ),
];

/// The noun of what may be an attack; its verbs are the kinds of security events.
const SECURITY: &str = "security.";

/// Shortest text of hexadecimal digits that is taken for an id, and how much of it is shown.
const ID_LENGTH: usize = 24;
const ID_SHOWN: usize = 10;

/// What was done; nothing for an action that we have no words for.
pub fn action_words(action: &str) -> Option<String> {
    if let Some(kind) = action.strip_prefix(SECURITY) {
        return KINDS.iter().find(|(word, _)| *word == kind).map(|(_, words)| words(t().events));
    }
    let known = GROUPS.iter().flat_map(|(_, _, actions)| actions.iter());
    known.into_iter().find(|(word, _)| *word == action).map(|(_, words)| words(t().audit))
}

/// What the list can be filtered by: every noun, with its actions after it.
pub fn action_choices() -> Vec<Choice> {
    let words = t().audit;
    let mut choices = vec![Choice::new("", words.any_action())];
    for (noun, name, actions) in GROUPS {
        choices.push(Choice::new(noun, format!("{} ({noun}*)", name(words))));
        choices.extend(actions.iter().map(|(word, name)| Choice::new(*word, format!("\u{2003}{}", name(words)))));
    }
    choices.push(Choice::new(SECURITY, format!("{} ({SECURITY}*)", t().admin.events())));
    let events = KINDS.iter();
    choices.extend(
        events.map(|(word, name)| Choice::new(format!("{SECURITY}{word}"), format!("\u{2003}{}", name(t().events)))),
    );
    choices
}

/// What it was done to. An id says nothing to a person: its beginning is enough to tell it from others.
pub fn resource_view(resource: Option<&str>) -> View {
    let Some(resource) = resource else {
        return view! { span(class="absent") { "–" } };
    };
    let (full, short) = (resource.to_owned(), shortened(resource));
    view! { span(class="mono", title=full) { (short) } }
}

/// Every long id in a text cut short.
fn shortened(text: &str) -> String {
    let words = text.split(' ').map(|word| match word.get(..ID_SHOWN) {
        Some(start) if word.len() >= ID_LENGTH && word.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            format!("{start}…")
        }
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether it was done.
pub fn result_pill(result: AuditResult) -> View {
    match result {
        AuditResult::Done => pill(Mark::Done, Glyph::Check, || t().audit.done()),
        AuditResult::Refused => pill(Mark::Failed, Glyph::X, || t().audit.refused()),
    }
}

/// The action in words, with the word that programs know it by.
pub fn action_view(action: &str) -> View {
    let raw = action.to_owned();
    let words = action_words(action).map_or_else(View::new, |words| view! { span { (words) } });
    view! {
        span(class="audit-action") {
            (words)
            span(class="mono audit-raw") { (raw) }
        }
    }
}

/// A row in one line, for a short list.
pub fn audit_line(row: &AuditRow) -> View {
    let resource = resource_view(row.resource.as_deref());
    let (time, action) = (time_ago(Some(row.at)), action_view(&row.action));
    let refused = match row.result {
        AuditResult::Done => View::new(),
        AuditResult::Refused => {
            let error = row.error.clone().unwrap_or_default();
            view! { span(title=error) { (result_pill(AuditResult::Refused)) } }
        }
    };
    view! {
        li(class="audit-line") {
            span(class="audit-line-time") { (time) }
            (action)
            (resource)
            (refused)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_cut_short_and_nothing_else() {
        assert_eq!(shortened("e680c1d98c725387312a4bfc1b6f53af"), "e680c1d98c…");
        assert_eq!(shortened("1042 stdout"), "1042 stdout");
        assert_eq!(shortened("a-name-that-is-rather-long-indeed"), "a-name-that-is-rather-long-indeed");
        assert_eq!(shortened(""), "");
    }

    #[test]
    fn every_action_stands_under_its_noun() {
        for (noun, _, actions) in GROUPS {
            for (word, _) in actions {
                assert!(word.starts_with(noun), "{word} under {noun}");
            }
        }
    }
}
