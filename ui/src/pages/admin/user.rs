//! `/admin/users/<id>`: one account with its sessions, keys and what it did last, and what can be done with it.
use std::rc::Rc;

use slurmdash_api::api_keys::ApiKeyList;
use slurmdash_api::audit::{AuditPage, AuditQuery};
use slurmdash_api::auth::{Permission, SessionList, SessionsEnded};
use slurmdash_api::users::Account;
use sycamore::prelude::*;

use super::audit_words::audit_line;
use super::made_password::{MadePassword, MadePasswordDialog};
use super::section_links;
use super::user_actions::UserActions;
use super::user_parts::{role_tags, state_pill};
use super::users::PATH;
use crate::client::jobs::with_query;
use crate::client::reading::Reading;
use crate::client::{ClientError, use_client};
use crate::components::{
    Button, Confirm, ConfirmDialog, EmptyState, Glyph, LoadProblem, PageHeader, Question, Skeleton, Tone, time_ago,
    toast,
};
use crate::i18n::{format, t};
use crate::pages::access::{KeyTable, SessionTable, may_list, refusal, source_words};
use crate::router::{path_to, path_with};

/// Rows of the audit log that are shown; the others are one link away.
const RECENT: usize = 8;

/// The page.
#[component(inline_props)]
pub fn UserPage(id: String) -> View {
    let client = use_client();
    let path = path_to(PATH, &id);
    let account = Reading::<Account>::new(client, path.clone());
    let value = account.remote.value();
    let problem = account.remote.problem();
    let missing =
        create_selector(move || problem.with(|problem| problem.as_ref().and_then(ClientError::status) == Some(404)));
    let other_problem = create_memo(move || problem.get_clone().filter(|error| error.status() != Some(404)));
    let heading = id.clone();
    let title = move || value.with(|account| account.as_ref().map_or(heading.clone(), |a| a.username.clone()));
    let confirm = Confirm::new();
    // Here and not with the buttons, which are drawn anew when the account is read again.
    let made = create_signal(None::<MadePassword>);
    let arrived = create_selector(move || value.with(Option::is_some));
    let parent = ("/admin/users", (|| t().admin.back()) as fn() -> String);
    let actions_path = path.clone();
    let parts_path = path.clone();
    let retry: Rc<dyn Fn()> = Rc::new(move || account.reload());
    let actions = move || {
        let gone = missing.get();
        match value.get_clone().filter(|_| !gone) {
            Some(known) => {
                let path = actions_path.clone();
                view! { UserActions(account=known, path=path, reading=account, confirm=confirm, made=made) }
            }
            None => View::new(),
        }
    };
    let body = move || {
        if missing.get() {
            return view! {
                EmptyState(
                    glyph=Glyph::User,
                    title=move || t().admin.missing_title(),
                    text=move || t().admin.missing_text()
                )
            };
        }
        if !arrived.get() {
            return view! { Skeleton(lines=6) };
        }
        let (sessions, keys) = (format!("{parts_path}/sessions"), format!("{parts_path}/api-keys"));
        let recent = recent(&id);
        view! {
            div(class="user-page") {
                Facts(account=value)
                div(class="user-parts") {
                    UserSessions(path=sessions, account=account, confirm=confirm)
                    UserKeys(path=keys, confirm=confirm)
                    (recent)
                }
            }
        }
    };
    view! {
        PageHeader(title=title, parent=parent) { (actions()) }
        (section_links())
        LoadProblem(problem=other_problem, retry=retry)
        (body())
        ConfirmDialog(confirm=confirm)
        MadePasswordDialog(made=made)
    }
}

#[component(inline_props)]
fn Facts(account: ReadSignal<Option<Account>>) -> View {
    view! {
        aside(class="card user-facts") {
            h2(class="card-title") { (|| t().admin.facts()) }
            (account.get_clone().map_or_else(View::new, facts))
        }
    }
}

fn facts(account: Account) -> View {
    let own = use_client().session.user().is_some_and(|user| user.id == account.id);
    let Account { id, roles, permissions, source, unix_user, email, is_active, created_at, last_login_at, .. } =
        account;
    let may = may_list(&permissions);
    let dash = || "–".to_owned();
    let (roles, unix_user, email) = (role_tags(&roles), unix_user.unwrap_or_else(dash), email.unwrap_or_else(dash));
    let last_login: View = last_login_at.map_or_else(|| t().admin.never().into(), |at| time_ago(Some(at)));
    view! {
        dl(class="facts") {
            dt { (t().admin.state()) }
            dd {
                span(class="tags") {
                    (state_pill(is_active))
                    (if own { view! { span(class="tag tag-here") { (t().admin.this_is_you()) } } } else { view! {} })
                }
            }
            dt { (t().admin.roles()) }
            dd { (roles) }
            dt { (t().admin.source()) }
            dd { (source_words(source)) }
            dt { (t().admin.unix_user()) }
            dd(class="mono") { (unix_user) }
            dt { (t().admin.email()) }
            dd { (email) }
            dt { (t().admin.made()) }
            dd { (time_ago(Some(created_at))) }
            dt { (t().admin.last_login()) }
            dd { (last_login) }
            dt { (t().admin.id()) }
            dd(class="mono") { (id) }
        }
        h3 { (t().admin.permissions()) }
        (may)
    }
}

#[component(inline_props)]
fn UserSessions(path: String, account: Reading<Account>, confirm: Confirm) -> View {
    let client = use_client();
    let list = Reading::<SessionList>::new(client, path.clone());
    let value = list.remote.value();
    let may_manage = create_selector(move || client.session.may(Permission::UserManage));
    let some = create_selector(move || value.with(|list| list.as_ref().is_some_and(|list| !list.sessions.is_empty())));
    // Disabling, a new password and the like end sessions too.
    let known = account.remote.value();
    let mut first = true;
    create_effect(move || {
        known.track();
        if !std::mem::take(&mut first) {
            list.reload();
        }
    });
    let end_path = path.clone();
    let end_all = move || {
        let (path, name) = (end_path.clone(), known.with_untracked(|a| a.as_ref().map(|a| a.username.clone())));
        let name = name.unwrap_or_default();
        let title = move || t().admin.end_all_title(&name);
        confirm.ask(
            Question::new(
                title,
                || t().admin.end_all_text(),
                || t().admin.end_all(),
                move || {
                    let path = path.clone();
                    async move {
                        let done: SessionsEnded = client.delete(&path).await?;
                        toast(Tone::Success, t().access.sessions_ended(&format::count(done.ended)));
                        account.reload();
                        Ok(())
                    }
                },
            )
            .refused_as(refusal),
        );
    };
    let end_all = Rc::new(end_all);
    let button = move || {
        let (may, some, end_all) = (may_manage.get(), some.get(), end_all.clone());
        if !may || !some {
            return View::new();
        }
        view! { Button(on:click=move |_| end_all()) { (|| t().admin.end_all()) } }
    };
    let ended: Rc<dyn Fn()> = Rc::new(move || account.reload());
    view! {
        section {
            header(class="section-head") {
                h2 { (|| t().admin.sessions()) }
                (button())
            }
            SessionTable(list=list, path=path, confirm=confirm, can_end=may_manage, ended=ended)
        }
    }
}

#[component(inline_props)]
fn UserKeys(path: String, confirm: Confirm) -> View {
    let client = use_client();
    let list = Reading::<ApiKeyList>::new(client, path.clone());
    let may_manage = create_selector(move || client.session.may(Permission::UserManage));
    let empty: Rc<dyn Fn() -> View> = Rc::new(|| {
        view! {
            EmptyState(
                glyph=Glyph::Key,
                title=move || t().admin.no_keys_title(),
                text=move || t().admin.no_keys_text()
            )
        }
    });
    view! {
        section {
            header(class="section-head") { h2 { (|| t().admin.keys()) } }
            KeyTable(list=list, path=path, confirm=confirm, can_revoke=may_manage, empty=empty)
        }
    }
}

/// What the account did last, for those who may read the audit log.
fn recent(id: &str) -> View {
    let id = id.to_owned();
    let session = use_client().session;
    let may_read = create_selector(move || session.may(Permission::AuditView));
    view! {
        (if may_read.get() {
            let id = id.clone();
            view! { Recent(id=id) }
        } else {
            view! {}
        })
    }
}

#[component(inline_props)]
fn Recent(id: String) -> View {
    let query = AuditQuery { user: Some(id.clone()), limit: Some(RECENT), ..AuditQuery::default() };
    let page = Reading::<AuditPage>::new(use_client(), with_query("/api/v2/audit", &query));
    let value = page.remote.value();
    let all = path_with("/admin/audit", &[("user", &id)]);
    let retry: Rc<dyn Fn()> = Rc::new(move || page.reload());
    let lines = move || match value.get_clone() {
        None => view! { Skeleton(lines=3) },
        Some(page) if page.rows.is_empty() => view! { p(class="card-note") { (t().admin.no_recent()) } },
        Some(page) => {
            let lines: Vec<View> = page.rows.iter().take(RECENT).map(audit_line).collect();
            view! { ul(class="audit-lines card") { (lines) } }
        }
    };
    view! {
        section {
            header(class="section-head") {
                h2 { (|| t().admin.recent()) }
                a(href=all) { (|| t().admin.all_actions()) }
            }
            LoadProblem(problem=page.remote.problem(), retry=retry)
            (lines())
        }
    }
}
