//! API keys as a table, each with its state and the button that revokes it.
use std::rc::Rc;

use slurmdash_api::UnixSeconds;
use slurmdash_api::api_keys::{ApiKey, ApiKeyList};
use sycamore::prelude::*;

use super::listed::Listed;
use super::{permission_tags, refusal};
use crate::client::reading::Reading;
use crate::client::use_client;
use crate::components::{Cell, Column, Confirm, Glyph, Mark, Question, Row, Tone, pill, time, toast};
use crate::i18n::{format, t};
use crate::router::path_to;

/// A key with no more than this left is worth a word, seconds.
const SOON: UnixSeconds = 7 * 24 * 3_600;

/// How a key is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyState {
    Active,
    Soon,
    Expired,
    Revoked,
}

impl KeyState {
    fn of(key: &ApiKey, now: UnixSeconds) -> Self {
        match key.expires_at {
            _ if key.revoked_at.is_some() => Self::Revoked,
            Some(until) if until <= now => Self::Expired,
            // Neither revoked nor expired as far as we know, and still not good: our clock is behind.
            _ if !key.is_active => Self::Expired,
            Some(until) if until - now <= SOON => Self::Soon,
            _ => Self::Active,
        }
    }

    fn pill(self) -> View {
        let (mark, glyph) = match self {
            Self::Active => (Mark::Done, Glyph::Check),
            Self::Soon => (Mark::Pending, Glyph::Clock),
            Self::Expired => (Mark::Timeout, Glyph::Timer),
            Self::Revoked => (Mark::Cancelled, Glyph::Ban),
        };
        pill(mark, glyph, move || match self {
            Self::Active => t().access.key_active(),
            Self::Soon => t().access.key_soon(),
            Self::Expired => t().access.key_expired(),
            Self::Revoked => t().access.key_revoked(),
        })
    }
}

/// The table. A key is revoked below `path`; without `can_revoke` they are only shown.
#[component(inline_props)]
pub fn KeyTable(
    list: Reading<ApiKeyList>,
    path: String,
    confirm: Confirm,
    can_revoke: ReadSignal<bool>,
    empty: Rc<dyn Fn() -> View>,
) -> View {
    let client = use_client();
    let value = list.remote.value();
    let revoke: Rc<dyn Fn(ApiKey)> = Rc::new(move |key| {
        let (path, name) = (path_to(&path, &key.id), key.name);
        let title = move || t().access.revoke_title(&name);
        confirm.ask(
            Question::new(
                title,
                || t().access.revoke_text(),
                || t().access.revoke_verb(),
                move || {
                    let path = path.clone();
                    async move {
                        client.command("DELETE", &path).await?;
                        toast(Tone::Success, t().access.key_is_revoked());
                        list.reload();
                        Ok(())
                    }
                },
            )
            .refused_as(refusal),
        );
    });
    let rows = create_memo(move || {
        let can_revoke = can_revoke.get();
        let keys = value.with(|list| list.as_ref().map(|list| list.api_keys.clone()).unwrap_or_default());
        keys.iter().map(|key| row(key, can_revoke, &revoke)).collect::<Vec<_>>()
    });
    let columns: Rc<dyn Fn() -> Vec<Column>> = Rc::new(move || columns(can_revoke.get()));
    view! {
        Listed(list=list, label=|| t().profile.keys(), columns=columns, rows=rows, empty=empty)
    }
}

fn columns(can_revoke: bool) -> Vec<Column> {
    let mut columns = vec![
        Column::new(|| t().access.key_name()),
        Column::new(|| t().access.key_state()),
        Column::new(|| t().access.key_scopes()),
        Column::new(|| t().access.last_used()),
        Column::new(|| t().access.key_expires()),
    ];
    if can_revoke {
        columns.push(Column::new(|| t().common.actions()));
    }
    columns
}

fn row(key: &ApiKey, can_revoke: bool, revoke: &Rc<dyn Fn(ApiKey)>) -> Row {
    let stated = key.clone();
    let (scopes, named) = (key.permissions.clone(), key.clone());
    let never = |time: Option<UnixSeconds>, words: fn() -> String| match time {
        Some(time) => Cell::Time(Some(time)),
        None => Cell::Text(words()),
    };
    let mut cells = vec![
        Cell::Custom(key.name.clone(), Rc::new(move || name_cell(&named))),
        Cell::Custom(
            format!("{:?} {:?} {}", key.revoked_at, key.expires_at, key.is_active),
            Rc::new(move || {
                let key = stated.clone();
                let state = create_selector(move || KeyState::of(&key, time::now()));
                view! { (state.get().pill()) }
            }),
        ),
        Cell::Custom(scopes.join(" "), Rc::new(move || permission_tags(&scopes))),
        never(key.last_used_at, || t().access.never_used()),
        never(key.expires_at, || t().access.key_never()),
    ];
    if can_revoke {
        cells.push(revoke_cell(key, revoke.clone()));
    }
    Row { key: key.id.clone(), cells, ..Row::default() }
}

/// Its name; when it was made on hover.
fn name_cell(key: &ApiKey) -> View {
    let (name, created_at) = (key.name.clone(), key.created_at);
    let title = move || format!("{}: {}", t().access.key_made(), format::exact_time(created_at));
    view! { span(class="key-name", title=title) { (name) } }
}

fn revoke_cell(key: &ApiKey, revoke: Rc<dyn Fn(ApiKey)>) -> Cell {
    if !key.is_active {
        return Cell::Text(String::new());
    }
    let key = key.clone();
    Cell::Custom(
        format!("revoke {}", key.name),
        Rc::new(move || {
            let (key, name, revoke) = (key.clone(), key.name.clone(), revoke.clone());
            view! {
                button(
                    class="button button-ghost row-action",
                    r#type="button",
                    aria-label=move || t().access.revoke_of(&name),
                    on:click=move |_| revoke(key.clone())
                ) { (t().access.revoke()) }
            }
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_of_its_end_before_it_comes() {
        let key = |expires_at, revoked_at, is_active| ApiKey {
            id: "k".into(),
            name: "n".into(),
            permissions: Vec::new(),
            created_at: 0,
            expires_at,
            last_used_at: None,
            is_active,
            revoked_at,
        };
        let now = 1_000_000;
        assert_eq!(KeyState::of(&key(None, None, true), now), KeyState::Active);
        assert_eq!(KeyState::of(&key(Some(now + SOON + 1), None, true), now), KeyState::Active);
        assert_eq!(KeyState::of(&key(Some(now + SOON), None, true), now), KeyState::Soon);
        assert_eq!(KeyState::of(&key(Some(now), None, true), now), KeyState::Expired);
        assert_eq!(KeyState::of(&key(Some(now + 5), None, false), now), KeyState::Expired);
        assert_eq!(KeyState::of(&key(Some(now - 5), Some(3), false), now), KeyState::Revoked);
    }
}
