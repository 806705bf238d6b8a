//! Cluster, accounts, QOS and users in Slurm's accounting, by sacctmgr(1).
use std::collections::{BTreeMap, BTreeSet};

use super::{Associations, DatabaseUndo};
use crate::action::{Act, Change, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::{Command, Host, HostError, run_well};

/// Longest time of one call, seconds.
const WITHIN: u64 = 30;

/// What the accounting has, as far as it matters. Names are in small letters, as Slurm keeps them.
#[derive(Default)]
struct There {
    clusters: BTreeSet<String>,
    accounts: BTreeSet<String>,
    qos: BTreeSet<String>,
    users: BTreeSet<String>,
    /// Accounts in the cluster, with those above them.
    placed: BTreeMap<String, String>,
    /// QOS that somebody in the cluster may use.
    used: BTreeSet<String>,
    /// Users in the cluster, as `(user, account)`, with their QOS.
    members: BTreeMap<(String, String), BTreeSet<String>>,
}

fn sacctmgr(words: &[&str]) -> Command {
    Command::new("sacctmgr").args(words.iter().copied()).within(WITHIN)
}

fn lines(host: &dyn Host, words: &[&str]) -> Result<Vec<String>, HostError> {
    let output = run_well(host, &sacctmgr(&[&["-n", "-P", "list"], words].concat()))?;
    Ok(output.text().lines().map(|line| line.trim().to_lowercase()).filter(|line| !line.is_empty()).collect())
}

/// Asks for several lists at the same time: sacctmgr spends most of its time on its connection.
fn lists<const N: usize>(host: &dyn Host, questions: [&[&str]; N]) -> [Result<Vec<String>, HostError>; N] {
    std::thread::scope(|scope| {
        let asked = questions.map(|words| scope.spawn(move || lines(host, words)));
        let broke = || HostError::Malformed(String::from("asking sacctmgr broke off: this is a fault of slurmdash"));
        asked.map(|asked| asked.join().unwrap_or_else(|_| Err(broke())))
    })
}

/// Whether a text can be a word of a sacctmgr command, after a `=`.
fn is_name(name: &str) -> bool {
    let is_char = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(is_char) && !name.starts_with('-')
}

/// Whether a text can be a description or an option's value.
fn is_text(text: &str) -> bool {
    text.len() <= 200 && !text.chars().any(|c| c.is_control() || "\"'`\\|".contains(c))
}

impl Associations {
    fn judge(&self) -> Result<(), StepError> {
        let accounts = self.accounts.iter().flat_map(|account| [&account.name, &account.parent]);
        let qos = self.qos.iter().flat_map(|qos| std::iter::once(&qos.name).chain(qos.options.keys()));
        let members = self.members.iter().flat_map(|it| [&it.user, &it.account].into_iter().chain(&it.qos));
        if let Some(name) =
            std::iter::once(&self.cluster).chain(accounts).chain(qos).chain(members).find(|n| !is_name(n))
        {
            let said = "can't be a name in Slurm's accounting: letters, digits, _ . and - are taken, 64 at most";
            return Err(StepError::Refused(format!("{name:?} {said}")));
        }
        let words = self.accounts.iter().flat_map(|account| [&account.description, &account.organization]);
        let words = words.chain(self.qos.iter().flat_map(|qos| qos.options.values()));
        match words.into_iter().find(|text| !is_text(text)) {
            None => Ok(()),
            Some(text) => Err(StepError::Refused(format!(
                "{text:?} can't be given to Slurm's accounting: no quotes, backslashes and control characters, 200 bytes at most"
            ))),
        }
    }

    fn there(&self, host: &dyn Host) -> Result<There, HostError> {
        let cluster = format!("cluster={}", self.cluster);
        let [clusters, accounts, qos, users, associations] = lists(
            host,
            [
                &["cluster", "format=cluster"],
                &["account", "format=account"],
                &["qos", "format=name"],
                &["user", "format=user"],
                &["associations", &cluster, "format=account,user,parentname,qos"],
            ],
        );
        let set = |list: Result<Vec<String>, HostError>| Ok::<_, HostError>(list?.into_iter().collect::<BTreeSet<_>>());
        let mut there = There {
            clusters: set(clusters)?,
            accounts: set(accounts)?,
            qos: set(qos)?,
            users: set(users)?,
            ..There::default()
        };
        for line in associations? {
            let mut fields = line.split('|').map(str::to_owned);
            let mut next = || fields.next().unwrap_or_default();
            let (account, user, parent, qos) = (next(), next(), next(), next());
            let qos: Vec<String> = qos.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            there.used.extend(qos.iter().cloned());
            if user.is_empty() {
                there.placed.insert(account, parent);
            } else {
                // One user's place in a partition is another association of the same.
                there.members.entry((user, account)).or_default().extend(qos);
            }
        }
        Ok(there)
    }

    /// All of it, in words.
    fn named(&self) -> String {
        let count = |number: usize, one: &str, many: &str| match number {
            0 => String::new(),
            1 => format!(", 1 {one}"),
            _ => format!(", {number} {many}"),
        };
        let accounts = count(self.accounts.len(), "account", "accounts");
        let qos = count(self.qos.len(), "QOS", "QOS");
        let members = count(self.members.len(), "user in an account", "users in accounts");
        format!("the cluster{accounts}{qos}{members}")
    }

    /// What is missing, in the order in which it is added.
    fn missing(&self, there: &There) -> Vec<Missing> {
        let small = |name: &str| name.to_lowercase();
        let mut missing = Vec::new();
        if !there.clusters.contains(&small(&self.cluster)) {
            missing.push(Missing::Cluster(small(&self.cluster)));
        }
        for qos in self.qos.iter().filter(|qos| !there.qos.contains(&small(&qos.name))) {
            missing.push(Missing::Qos(small(&qos.name)));
        }
        for account in self.accounts.iter().filter(|account| !there.placed.contains_key(&small(&account.name))) {
            let name = small(&account.name);
            let is_known = there.accounts.contains(&name);
            missing.push(if is_known { Missing::Place(name) } else { Missing::Account(name) });
        }
        for member in &self.members {
            let (user, account) = (small(&member.user), small(&member.account));
            let person = Missing::Person(user.clone());
            if !there.users.contains(&user) && !missing.contains(&person) {
                missing.push(person);
            }
            let of = there.members.get(&(user.clone(), account.clone()));
            if of.is_none() {
                missing.push(Missing::Member(user.clone(), account.clone()));
            }
            let lacks = member.qos.iter().filter(|qos| !of.is_some_and(|of| of.contains(&small(qos))));
            missing.extend(lacks.map(|qos| Missing::MayUse(small(qos), user.clone(), account.clone())));
        }
        missing
    }

    fn add(&self, host: &dyn Host, missing: &Missing) -> Result<(), HostError> {
        let cluster = format!("Cluster={}", self.cluster);
        let command = match missing {
            Missing::Cluster(name) => sacctmgr(&["-i", "add", "cluster", name]),
            Missing::Qos(name) => {
                let qos = self.qos.iter().find(|qos| qos.name.eq_ignore_ascii_case(name));
                let options = qos.into_iter().flat_map(|qos| &qos.options);
                sacctmgr(&["-i", "add", "qos", name]).args(options.map(|(key, value)| format!("{key}={value}")))
            }
            Missing::Account(name) | Missing::Place(name) => {
                let Some(account) = self.accounts.iter().find(|account| account.name.eq_ignore_ascii_case(name)) else {
                    return Ok(());
                };
                let mut words = vec![cluster, format!("Parent={}", account.parent)];
                let texts = [("Description", &account.description), ("Organization", &account.organization)];
                let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
                words.extend(texts.map(|(key, text)| format!("{key}={text}")));
                sacctmgr(&["-i", "add", "account", name]).args(words)
            }
            // A user comes with their first place.
            Missing::Person(_) => return Ok(()),
            Missing::Member(user, account) => {
                sacctmgr(&["-i", "add", "user", user, &format!("Account={account}"), &cluster])
            }
            Missing::MayUse(qos, user, account) => self.may_use(user, account, &format!("qos+={qos}")),
        };
        run_well(host, &command).map(drop)
    }

    fn may_use(&self, user: &str, account: &str, change: &str) -> Command {
        let (name, account) = (format!("name={user}"), format!("account={account}"));
        let cluster = format!("cluster={}", self.cluster);
        sacctmgr(&["-i", "modify", "user", "where", &name, &account, &cluster, "set", change])
    }

    /// Removes what was added. Gives why not, where somebody has built on it since.
    fn take(&self, host: &dyn Host, added: &Missing, there: &There) -> Result<Option<String>, HostError> {
        let cluster = format!("cluster={}", self.cluster);
        let command = match added {
            Missing::Cluster(name) => {
                if !there.clusters.contains(name) {
                    return Ok(None);
                }
                if there.placed.keys().any(|account| account != "root") {
                    return Ok(Some(format!(
                        "the cluster {name} stays in the accounting: others have added to it since"
                    )));
                }
                sacctmgr(&["-i", "delete", "cluster", "where", &format!("name={name}")])
            }
            Missing::Qos(name) => {
                if !there.qos.contains(name) {
                    return Ok(None);
                }
                if there.used.contains(name) {
                    return Ok(Some(format!("the QOS {name} stays in the accounting: others use it since")));
                }
                sacctmgr(&["-i", "delete", "qos", "where", &format!("name={name}")])
            }
            Missing::Account(name) | Missing::Place(name) => {
                if !there.placed.contains_key(name) {
                    return Ok(None);
                }
                let is_used = there.placed.values().any(|parent| parent == name)
                    || there.members.keys().any(|(_, account)| account == name);
                if is_used {
                    return Ok(Some(format!("the account {name} stays in the accounting: others are in it since")));
                }
                let name = format!("name={name}");
                let command = sacctmgr(&["-i", "delete", "account", "where", &name]);
                if matches!(added, Missing::Place(_)) { command.args([cluster]) } else { command }
            }
            Missing::Person(name) => {
                if !there.users.contains(name) || there.members.keys().any(|(user, _)| user == name) {
                    return Ok(None);
                }
                sacctmgr(&["-i", "delete", "user", "where", &format!("name={name}")])
            }
            Missing::Member(user, account) => {
                if !there.members.contains_key(&(user.clone(), account.clone())) {
                    return Ok(None);
                }
                let (name, account) = (format!("name={user}"), format!("account={account}"));
                sacctmgr(&["-i", "delete", "user", "where", &name, &account, &cluster])
            }
            Missing::MayUse(qos, user, account) => {
                let of = there.members.get(&(user.clone(), account.clone()));
                if !of.is_some_and(|of| of.contains(qos)) {
                    return Ok(None);
                }
                self.may_use(user, account, &format!("qos-={qos}"))
            }
        };
        run_well(host, &command).map(|_| None)
    }
}

/// Something that is not in the accounting.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Missing {
    Cluster(String),
    Qos(String),
    Account(String),
    /// An account that other clusters have.
    Place(String),
    Person(String),
    Member(String, String),
    MayUse(String, String, String),
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cluster(name) => write!(f, "cluster {name}"),
            Self::Qos(name) => write!(f, "qos {name}"),
            Self::Account(name) => write!(f, "account {name}"),
            Self::Place(name) => write!(f, "place of account {name}"),
            Self::Person(name) => write!(f, "person {name}"),
            Self::Member(user, account) => write!(f, "user {user}@{account}"),
            Self::MayUse(qos, user, account) => write!(f, "qos {qos} of {user}@{account}"),
        }
    }
}

impl Missing {
    /// The reverse of its text.
    fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        let member = |text: &str| text.split_once('@').map(|(user, account)| (user.to_owned(), account.to_owned()));
        match words.as_slice() {
            ["cluster", name] => Some(Self::Cluster((*name).to_owned())),
            ["qos", name] => Some(Self::Qos((*name).to_owned())),
            ["account", name] => Some(Self::Account((*name).to_owned())),
            ["place", "of", "account", name] => Some(Self::Place((*name).to_owned())),
            ["person", name] => Some(Self::Person((*name).to_owned())),
            ["user", name] => member(name).map(|(user, account)| Self::Member(user, account)),
            ["qos", qos, "of", name] => {
                member(name).map(|(user, account)| Self::MayUse((*qos).to_owned(), user, account))
            }
            _ => None,
        }
    }
}

impl Act for Associations {
    fn subject(&self) -> String {
        format!("accounting of {}", self.cluster)
    }

    fn look(&self, host: &dyn Host, _setting: &Setting) -> Result<Look, StepError> {
        self.judge()?;
        let (missing, summary) = match self.there(host) {
            Ok(there) => {
                let missing: Vec<String> = self.missing(&there).iter().map(Missing::to_string).collect();
                if missing.is_empty() {
                    return Ok(Look::Same);
                }
                let shown: Vec<&str> =
                    missing.iter().filter(|m| !m.starts_with("person ")).map(String::as_str).collect();
                let summary = format!("adds {}", shown.join(", "));
                (missing, summary)
            }
            // slurmdbd comes with an earlier step. What can't be asked for now must not be removed later.
            Err(HostError::Away(why)) => return Err(HostError::Away(why).into()),
            Err(_) => (Vec::new(), format!("adds {}", self.named())),
        };
        Ok(Look::Change(Change { summary, diff: None, undo: Undo::Database(DatabaseUndo { missing }), drift: false }))
    }

    fn execute(&self, host: &dyn Host, _setting: &Setting, _materials: &Materials) -> Result<(), StepError> {
        self.judge()?;
        let missing = self.missing(&self.there(host)?);
        Ok(missing.iter().try_for_each(|missing| self.add(host, missing))?)
    }

    fn revert(&self, host: &dyn Host, _setting: &Setting, undo: &Undo) -> Result<Reverted, StepError> {
        let Undo::Database(DatabaseUndo { missing }) = undo else { return Ok(Reverted::wholly()) };
        let mut reverted = Reverted::wholly();
        for added in missing.iter().rev().filter_map(|text| Missing::parse(text)) {
            let there = match self.there(host) {
                // Without slurmdbd's client there is no accounting here.
                Err(HostError::NotStarted { .. }) => return Ok(Reverted::wholly()),
                there => there?,
            };
            reverted.left.extend(self.take(host, &added, &there)?);
        }
        Ok(reverted)
    }
}
