//! `/admin/users`: the accounts, found by name, role, state and kind.
use std::rc::Rc;

use slurmdash_api::auth::{AccountSource, Permission};
use slurmdash_api::users::{Account, AccountPage, AccountQuery, RoleList};
use sycamore::prelude::*;

use super::made_password::{MadePassword, MadePasswordDialog};
use super::new_user::NewUserDialog;
use super::section_links;
use super::user_parts::{role_tags, state_pill};
use crate::client::jobs::with_query;
use crate::client::paged::Paged;
use crate::client::reading::Reading;
use crate::client::use_client;
use crate::components::{
    Button, ButtonKind, Cell, Choice, Column, EmptyState, Glyph, PageHeader, Row, SearchInput, Select, Table,
};
use crate::i18n::{format, t};
use crate::pages::access::source_words;
use crate::pages::filters::text_in_url;
use crate::pages::listing::{is_empty, list_problem, more_rows};
use crate::router::{Query, location, path_to, query_signal, set_query};

/// The filters, by their names in the URL.
const FILTERS: [&str; 4] = ["q", "role", "state", "source"];
/// The kinds of accounts, by their words in the URL.
const SOURCES: [(&str, AccountSource); 3] =
    [("local", AccountSource::Local), ("cluster", AccountSource::Cluster), ("oidc", AccountSource::Oidc)];

/// Where accounts are.
pub const PATH: &str = "/api/v2/users";

/// Reads the URL's query; what the server could not understand is left out.
fn read(query: &Query) -> AccountQuery {
    let text = |name: &str| Some(query.get(name).trim().to_owned()).filter(|value| !value.is_empty());
    AccountQuery {
        q: text("q"),
        role: text("role"),
        active: match query.get("state") {
            "active" => Some(true),
            "disabled" => Some(false),
            _ => None,
        },
        source: SOURCES.iter().find(|(word, _)| *word == query.get("source")).map(|(_, source)| *source),
        after: None,
        limit: None,
    }
}

/// The page.
#[component]
pub fn Users() -> View {
    let client = use_client();
    let query = create_selector(|| read(&Query::parse(&location().query)));
    let url = create_selector(move || with_query(PATH, &query.get_clone()));
    let list = Paged::<AccountPage>::new(client, url);
    let page = list.page.value();
    let roles = Reading::<RoleList>::new(client, "/api/v2/roles");
    let total = create_selector(move || page.with(|page| page.as_ref().map(|page| page.total)));
    let may_manage = create_selector(move || client.session.may(Permission::UserManage));
    let creating = create_signal(false);
    let made = create_signal(None::<MadePassword>);
    create_effect(move || {
        if made.with(Option::is_some) {
            list.reload();
        }
    });
    let context = move || {
        total.get().map_or_else(String::new, |total| {
            t().admin.users_total(&format::count(usize::try_from(total).unwrap_or(usize::MAX)))
        })
    };
    view! {
        PageHeader(title=move || t().admin.users(), context=context) {
            (if may_manage.get() {
                view! {
                    Button(kind=ButtonKind::Primary, glyph=Glyph::Plus, on:click=move |_| creating.set(true)) {
                        (|| t().admin.new_user())
                    }
                }
            } else {
                view! {}
            })
        }
        (section_links())
        Filters(roles=roles)
        (list_problem(list))
        (table(list, query))
        (more_rows(list, || t().common.load_more(), || t().admin.searched_text()))
        NewUserDialog(open=creating, made=made, roles=roles)
        MadePasswordDialog(made=made)
    }
}

#[component(inline_props)]
fn Filters(roles: Reading<RoleList>) -> View {
    let roles = roles.remote.value();
    let names = create_selector(move || {
        roles.with(|roles| {
            roles.iter().flat_map(|list| list.roles.iter().map(|role| role.name.clone())).collect::<Vec<_>>()
        })
    });
    let role_choices = move || {
        let mut choices = vec![Choice::new("", t().admin.any_role())];
        choices.extend(names.get_clone().into_iter().map(|name| Choice::new(name.clone(), name)));
        choices
    };
    let state_choices = || {
        vec![
            Choice::new("", t().admin.any_state()),
            Choice::new("active", t().admin.active()),
            Choice::new("disabled", t().admin.disabled()),
        ]
    };
    let source_choices = || {
        let mut choices = vec![Choice::new("", t().admin.any_source())];
        choices.extend(SOURCES.map(|(word, source)| Choice::new(word, source_words(source))));
        choices
    };
    view! {
        div(class="filters", role="search") {
            SearchInput(name="q", label=move || t().admin.search(), value=text_in_url("q"))
            Select(
                name="role",
                label=move || t().admin.role(),
                value=query_signal("role"),
                choices=create_memo(role_choices),
                bare=true
            )
            Select(
                name="state",
                label=move || t().admin.state(),
                value=query_signal("state"),
                choices=create_memo(state_choices),
                bare=true
            )
            Select(
                name="source",
                label=move || t().admin.source(),
                value=query_signal("source"),
                choices=create_memo(source_choices),
                bare=true
            )
        }
    }
}

fn table(list: Paged<AccountPage>, query: ReadSignal<AccountQuery>) -> View {
    let page = list.page.value();
    let loading = create_selector(move || {
        let (none, failed) = (page.with(Option::is_none), list.page.problem().with(Option::is_some));
        none && !failed
    });
    let rows = create_memo(move || {
        page.with(|page| page.as_ref().map(|page| page.users.iter().map(row).collect::<Vec<_>>()).unwrap_or_default())
    });
    let nothing = create_selector(move || is_empty(list));
    let empty: Rc<dyn Fn() -> View> = Rc::new(move || {
        if !nothing.get() {
            return View::new();
        }
        if query.with(|query| *query == AccountQuery::default()) {
            return view! {
                EmptyState(
                    glyph=Glyph::Users,
                    title=move || t().admin.none_title(),
                    text=move || t().admin.none_text()
                )
            };
        }
        view! {
            EmptyState(
                glyph=Glyph::Search,
                title=move || t().admin.none_match_title(),
                text=move || t().admin.none_match_text()
            ) {
                Button(on:click=|_| set_query(&FILTERS.map(|name| (name, "")))) { (|| t().common.clear_filters()) }
            }
        }
    });
    let columns = vec![
        Column::new(|| t().admin.name()),
        Column::new(|| t().admin.state()),
        Column::new(|| t().admin.roles()),
        Column::new(|| t().admin.source()),
        Column::new(|| t().admin.unix_user()),
        Column::new(|| t().admin.sessions()).numeric(),
        Column::new(|| t().admin.keys()).numeric(),
        Column::new(|| t().admin.last_login()),
    ];
    view! {
        div(class="users-list", aria-busy=move || list.busy.get().then_some("true")) {
            Table(label=move || t().admin.users(), columns=columns, rows=rows, loading=loading, empty=empty)
        }
    }
}

fn row(account: &Account) -> Row {
    let (is_active, roles, source) = (account.is_active, account.roles.clone(), account.source);
    let count = |count: u64| Cell::Number(format::count(usize::try_from(count).unwrap_or(usize::MAX)));
    Row {
        key: account.id.clone(),
        href: Some(path_to("/admin/users", &account.id)),
        cells: vec![
            Cell::Text(account.username.clone()),
            Cell::Custom(is_active.to_string(), Rc::new(move || state_pill(is_active))),
            Cell::Custom(roles.join(" "), Rc::new(move || role_tags(&roles))),
            Cell::Text(source_words(source)),
            Cell::Mono(account.unix_user.clone().unwrap_or_else(|| "–".to_owned())),
            count(account.sessions),
            count(account.api_keys),
            account.last_login_at.map_or_else(|| Cell::Text(t().admin.never()), |at| Cell::Time(Some(at))),
        ],
        ..Row::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_the_question() {
        let read = |text| read(&Query::parse(text));
        let query = read("q=%20ada&role=admin&state=disabled&source=cluster");
        assert_eq!((query.q.as_deref(), query.role.as_deref()), (Some("ada"), Some("admin")));
        assert_eq!((query.active, query.source), (Some(false), Some(AccountSource::Cluster)));
        for odd in ["", "state=odd", "source=x", "q=%20", "after=7"] {
            assert_eq!(read(odd), AccountQuery::default(), "{odd}");
        }
    }
}
