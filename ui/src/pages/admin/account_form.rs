//! The fields of an account that making and changing one have in common: roles, Unix user, mail.
use std::collections::BTreeMap;

use slurmdash_api::users::RoleList;
use sycamore::prelude::*;

use crate::client::ClientError;
use crate::client::reading::Reading;
use crate::components::{Checkbox, Skeleton, TextInput, TickList};
use crate::i18n::t;
use crate::pages::access::areas;

/// What is in the fields; copies are the same.
#[derive(Clone, Copy)]
pub struct AccountFields {
    /// The ticked roles.
    pub roles: Signal<BTreeMap<String, Signal<bool>>>,
    /// The Unix user; empty for none.
    pub unix_user: Signal<String>,
    /// The mail address; empty for none.
    pub email: Signal<String>,
    /// What the server did not like.
    pub problem: Signal<Option<ClientError>>,
}

impl AccountFields {
    /// Fields that hold this.
    pub fn new(roles: &[String], unix_user: Option<&str>, email: Option<&str>) -> Self {
        let ticked = roles.iter().map(|role| (role.clone(), create_signal(true))).collect();
        Self {
            roles: create_signal(ticked),
            unix_user: create_signal(unix_user.unwrap_or_default().to_owned()),
            email: create_signal(email.unwrap_or_default().to_owned()),
            problem: create_signal(None),
        }
    }

    /// The ticked roles, by name.
    pub fn chosen_roles(self) -> Vec<String> {
        let roles = self.roles.get_clone_untracked();
        roles.into_iter().filter(|(_, ticked)| ticked.get_untracked()).map(|(name, _)| name).collect()
    }

    /// What the server said of a field.
    pub fn refused(self, field: &'static str) -> impl Fn() -> String + Copy {
        move || {
            self.problem.with(|problem| problem.as_ref().and_then(|error| error.of_field(field)).unwrap_or_default())
        }
    }

    /// A text without the spaces around it; nothing when it is empty.
    pub fn text(value: Signal<String>) -> Option<String> {
        value.with_untracked(|value| Some(value.trim().to_owned()).filter(|value| !value.is_empty()))
    }
}

/// The fields.
#[component(inline_props)]
pub fn AccountInputs(fields: AccountFields, roles: Reading<RoleList>) -> View {
    let known = roles.remote.value();
    let scope = use_current_scope();
    let boxes = move || -> View {
        let Some(list) = known.get_clone() else {
            return view! { Skeleton(lines=3) };
        };
        let mut ticked = fields.roles.get_clone_untracked();
        // A box that was ticked stays so while the list of roles is read again.
        for role in &list.roles {
            ticked.entry(role.name.clone()).or_insert_with(|| scope.run_in(|| create_signal(false)));
        }
        fields.roles.set_silent(ticked.clone());
        if ticked.is_empty() {
            return view! { p(class="card-note") { (t().admin.no_roles()) } };
        }
        let rows: Vec<View> = ticked
            .into_iter()
            .map(|(name, ticked)| {
                let role = list.roles.iter().find(|role| role.name == name).cloned();
                let help = move || match &role {
                    Some(role) => {
                        let areas: Vec<String> = areas(&role.permissions).into_iter().map(|(area, _)| area).collect();
                        areas.join(" · ")
                    }
                    None => t().admin.unknown_role(),
                };
                view! { Checkbox(name=format!("role_{name}"), label=name, value=ticked, help=help) }
            })
            .collect();
        rows.into()
    };
    view! {
        TickList(
            label=move || t().admin.roles(),
            help=move || t().admin.roles_help(),
            error=fields.refused("roles")
        ) { (boxes()) }
        TextInput(
            name="unix_user",
            label=move || t().admin.unix_user(),
            value=fields.unix_user,
            help=move || t().admin.unix_help(),
            error=fields.refused("unix_user"),
            optional=true,
            monospace=true,
            autocomplete="off",
            autocapitalize="none",
            "spellcheck"="false"
        )
        TextInput(
            name="email",
            kind="email",
            label=move || t().admin.email(),
            value=fields.email,
            error=fields.refused("email"),
            optional=true,
            autocomplete="off"
        )
    }
}
