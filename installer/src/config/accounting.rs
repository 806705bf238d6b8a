//! Accounts, QOS and who is in which.
use std::collections::{HashMap, HashSet};

use super::problem::{KeyPath, Report, did_you_mean, quoted};
use super::{Account, Accounting, Member, Qos, file, judge_options, names};

/// Accounts that Slurm makes by itself.
const ROOT: &str = "root";
/// The QOS that Slurm makes by itself.
const NORMAL: &str = "normal";

/// Judges all of it, and puts accounts above before those below.
pub(super) fn resolve(written: &file::Accounting, cluster: &str, report: &mut Report) -> Accounting {
    let section = KeyPath::from("accounting");
    let has_content = !written.accounts.is_empty() || !written.qos.is_empty() || !written.users.is_empty();
    if !written.enabled && has_content {
        let message = "is false, but there are accounts, QOS or users";
        report.advise(&section.key("enabled"), message, "remove them, or set it to true");
    }
    let accounts = accounts(&written.accounts, cluster, &section.key("accounts"), report);
    let qos = qos(&written.qos, &section.key("qos"), report);
    let users = members(written, &section.key("users"), report);
    let &file::Accounting { enabled, database_on_controller, .. } = written;
    Accounting { enabled, database_on_controller, accounts, qos, users }
}

fn judge_name(what: &str, name: &str, path: &KeyPath, report: &mut Report) {
    if !names::is_account_name(name) {
        let message = format!("is no name for {what}: {}", quoted(name));
        report.advise(path, message, "lower-case letters, digits, _, . and - make one");
    }
}

fn accounts(written: &[file::Account], cluster: &str, path: &KeyPath, report: &mut Report) -> Vec<Account> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (at, account) in written.iter().enumerate() {
        let path = path.item(at);
        judge_name("an account", &account.name, &path.key("name"), report);
        if account.name == ROOT {
            report.refuse(&path.key("name"), "must not be root, which Slurm makes by itself");
        }
        if let Some(first) = places.insert(&account.name, at) {
            report.refuse(&path.key("name"), format!("has the name of accounting.accounts[{first}]"));
        }
        for (key, text) in [("description", &account.description), ("organization", &account.organization)] {
            if text.as_ref().is_some_and(|text| !names::is_description(text)) {
                report.refuse(&path.key(key), "must be one line without quotes, commas, = and \\");
            }
        }
    }
    for (at, account) in written.iter().enumerate() {
        if account.parent != ROOT && !places.contains_key(account.parent.as_str()) {
            let message = format!("is no account of this file: {}", quoted(&account.parent));
            let path = path.item(at).key("parent");
            match did_you_mean(&account.parent, places.keys().copied()) {
                Some(suggestion) => report.advise(&path, message, suggestion),
                None => report.refuse(&path, message),
            }
        }
    }
    in_order(written, &places, path, report).into_iter().map(|account| complete(account, cluster)).collect()
}

fn complete(account: &file::Account, cluster: &str) -> Account {
    Account {
        name: account.name.clone(),
        parent: account.parent.clone(),
        description: account.description.clone().unwrap_or_else(|| account.name.clone()),
        organization: account.organization.clone().unwrap_or_else(|| cluster.to_owned()),
    }
}

/// Accounts with those above first, else in the order of the file. A round one is refused.
fn in_order<'a>(
    written: &'a [file::Account],
    places: &HashMap<&str, usize>,
    path: &KeyPath,
    report: &mut Report,
) -> Vec<&'a file::Account> {
    let mut done = vec![false; written.len()];
    let mut order = Vec::with_capacity(written.len());
    for start in 0..written.len() {
        // Upwards to one that is done, then down again.
        let mut chain = Vec::new();
        let mut in_chain = HashSet::new();
        let mut at = Some(start);
        while let Some(place) = at.filter(|place| !done[*place]) {
            if !in_chain.insert(place) {
                let message = format!("makes {} stand above itself", quoted(&written[place].name));
                report.refuse(&path.item(place).key("parent"), message);
                break;
            }
            chain.push(place);
            at = places.get(written[place].parent.as_str()).copied();
        }
        for place in chain.into_iter().rev() {
            done[place] = true;
            order.push(&written[place]);
        }
    }
    order
}

fn qos(written: &[file::Qos], path: &KeyPath, report: &mut Report) -> Vec<Qos> {
    let mut places = HashMap::new();
    for (at, qos) in written.iter().enumerate() {
        let path = path.item(at);
        judge_name("a QOS", &qos.name, &path.key("name"), report);
        if let Some(first) = places.insert(&qos.name, at) {
            report.refuse(&path.key("name"), format!("has the name of accounting.qos[{first}]"));
        }
        let name = |option: &str| option.eq_ignore_ascii_case("name").then_some("use name");
        judge_options(&qos.options, &path.key("options"), name, report);
        for (option, value) in &qos.options {
            if value.contains(char::is_whitespace) {
                report.refuse(&path.key("options").key(option), "must have no spaces, as sacctmgr wants it");
            }
        }
    }
    written.iter().map(|qos| Qos { name: qos.name.clone(), options: qos.options.clone() }).collect()
}

fn members(written: &file::Accounting, path: &KeyPath, report: &mut Report) -> Vec<Member> {
    let accounts: HashSet<&str> = written.accounts.iter().map(|account| account.name.as_str()).collect();
    let qos: HashSet<&str> = written.qos.iter().map(|qos| qos.name.as_str()).collect();
    let mut places = HashMap::new();
    for (at, member) in written.users.iter().enumerate() {
        let path = path.item(at);
        if !names::is_login(&member.user) {
            report.refuse(&path.key("user"), format!("is no login: {}", quoted(&member.user)));
        }
        if let Some(first) = places.insert((&member.user, &member.account), at) {
            report.refuse(&path, format!("is the same as accounting.users[{first}]"));
        }
        let known = |name: &str, known: &HashSet<&str>, own: &str| name == own || known.contains(name);
        if !known(&member.account, &accounts, ROOT) {
            let message = format!("is no account of this file: {}", quoted(&member.account));
            let suggestion = did_you_mean(&member.account, accounts.iter().copied()).unwrap_or_else(|| {
                "add it to accounting.accounts; one that Slurm has already stays as it is".to_owned()
            });
            report.advise(&path.key("account"), message, suggestion);
        }
        for (item, name) in member.qos.iter().enumerate() {
            if !known(name, &qos, NORMAL) {
                let message = format!("is no QOS of this file: {}", quoted(name));
                let suggestion = did_you_mean(name, qos.iter().copied()).unwrap_or_else(|| {
                    "add it to accounting.qos; one that Slurm has already stays as it is".to_owned()
                });
                report.advise(&path.key("qos").item(item), message, suggestion);
            }
        }
    }
    let copy = |member: &file::Member| Member {
        user: member.user.clone(),
        account: member.account.clone(),
        qos: member.qos.clone(),
    };
    written.users.iter().map(copy).collect()
}
