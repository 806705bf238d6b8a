//! As the user this program runs as: commands, files and terminals on this host.
//!
//! [`command`] runs commands, [`terminal`] holds shells, [`place`] finds a place without following a link that must
//! not be followed, and [`files`] does there what is asked. Files are work for threads that may block.

pub(crate) mod command;
mod files;
mod place;
mod terminal;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use async_trait::async_trait;
use tokio::task::spawn_blocking;

use super::{Command, Hands, HandsError, Listing, OpenFile, OpenHow, Output, Place, Space, Stat};
use super::{Terminal, TerminalSize, UnixUser};
use crate::unix::{self, Account};

/// What commands are found on where the environment has no `PATH`.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The hands of the user this program runs as.
#[derive(Debug, Clone)]
pub struct Local {
    user: UnixUser,
    shell: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

impl Local {
    /// Our own. Of `environment`, this program's, commands get what [`Command::environment`] names and nothing else.
    /// It may block for some seconds where the host's list of users is slow.
    pub fn own(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self::new(unix::own(), environment)
    }

    fn new(account: Account, environment: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let given: Vec<(OsString, OsString)> = environment.into_iter().collect();
        let Account { user, shell } = account;
        let name = OsString::from(&user.name);
        let environment = [
            ("PATH", Some(OsString::from(PATH))),
            ("HOME", Some(user.home.clone().into_os_string())),
            ("USER", Some(name.clone())),
            ("LOGNAME", Some(name)),
            ("SHELL", Some(shell.clone().into_os_string())),
            ("LANG", None),
            ("TZ", None),
        ];
        let environment = environment.into_iter().filter_map(|(name, otherwise)| {
            let value = given.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone());
            Some((OsString::from(name), value.or(otherwise)?))
        });
        let environment = environment.collect();
        Self { user, shell, environment }
    }
}

#[async_trait]
impl Hands for Local {
    fn user(&self) -> &UnixUser {
        &self.user
    }

    async fn run(&self, command: &Command) -> Result<Output, HandsError> {
        command::run(&self.environment, &self.user.home, command.clone()).await
    }

    async fn terminal(&self, size: TerminalSize) -> Result<Box<dyn Terminal>, HandsError> {
        let (shell, home, environment) = (self.shell.clone(), self.user.home.clone(), self.environment.clone());
        blocking(move || terminal::open(&shell, &home, environment, size)).await
    }

    async fn stat(&self, place: &Place) -> Result<Option<Stat>, HandsError> {
        at(place, files::stat).await
    }

    async fn list(&self, folder: &Place, after: Option<&str>, limit: usize) -> Result<Listing, HandsError> {
        let after = after.map(str::to_owned);
        at(folder, move |folder| files::list(folder, after.as_deref(), limit)).await
    }

    async fn open(&self, place: &Place, how: OpenHow) -> Result<OpenFile, HandsError> {
        at(place, move |place| files::open(place, how)).await.map(OpenFile::here)
    }

    async fn make_folder(&self, place: &Place) -> Result<(), HandsError> {
        let uid = self.user.uid;
        at(place, move |place| place::make(place, uid)).await
    }

    async fn rename(&self, from: &Place, to: &Place, overwrite: bool) -> Result<(), HandsError> {
        let (from, to) = (from.clone(), to.clone());
        blocking(move || files::rename(&from, &to, overwrite)).await
    }

    async fn remove(&self, place: &Place) -> Result<(), HandsError> {
        at(place, files::remove).await
    }

    async fn space(&self, place: &Place) -> Result<Space, HandsError> {
        at(place, files::space).await
    }
}

/// Does something at a place on a thread that may block.
async fn at<T: Send + 'static>(
    place: &Place,
    work: impl FnOnce(&Place) -> io::Result<T> + Send + 'static,
) -> Result<T, HandsError> {
    let place = place.clone();
    blocking(move || work(&place).map_err(|error| HandsError::file(place.path(), &error))).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HandsError> + Send + 'static,
) -> Result<T, HandsError> {
    let stopping = |_| HandsError::Lost("this program is stopping".into());
    spawn_blocking(work).await.map_err(stopping)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_a_short_list() {
        let user = UnixUser { name: "ada".into(), uid: 1000, gid: 1000, home: "/home/ada".into() };
        let account = Account { user, shell: "/bin/zsh".into() };
        let given = [("HOME", "/elsewhere"), ("TZ", "UTC"), ("LD_PRELOAD", "x.so"), ("LC_ALL", "C"), ("PATHS", "y")];
        let local = Local::new(account, given.map(|(name, value)| (name.into(), value.into())));
        let expected = [
            ("PATH", PATH),
            ("HOME", "/elsewhere"),
            ("USER", "ada"),
            ("LOGNAME", "ada"),
            ("SHELL", "/bin/zsh"),
            ("TZ", "UTC"),
        ];
        assert_eq!(local.environment, expected.map(|(name, value)| (name.into(), value.into())));
    }
}
