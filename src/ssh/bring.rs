//! The agent on the login host: started where slurmdash is installed, else from a copy in the person's cache, which is
//! made once for each version.
//!
//! SSH has no argument vectors: a command is a line for the person's login shell, whichever that is. So the lines here
//! are made of words that mean the same to every shell, and everything else travels in the agent's own protocol.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use russh::client::Msg;
use russh::{Channel, ChannelStream};
use tokio::sync::OnceCell;

use super::connection::Connection;
use crate::hands::HandsError;
use crate::random;

/// A copy over a slow line takes its time.
const COPY_WITHIN: Duration = Duration::from_mins(5);

/// Takes the program from standard input into the person's cache under the name that its content has. Its words stand
/// in single quotes, which all shells read alike.
const COPY: &str = "sh -c 'umask 077; d=.cache/slurmdash; n=$d/.new.$$; mkdir -p $d && cat > $n && chmod 700 $n && \
                    s=$(sha256sum $n | cut -c 1-16) && for f in $d/slurmdash-*; do rm -f $f; done && \
                    mv -f $n $d/slurmdash-$s || { rm -f $n; exit 1; }'";

/// The program, to be copied.
pub struct Program {
    path: PathBuf,
    bytes: OnceCell<Arc<Vec<u8>>>,
}

impl Program {
    /// Nothing is read yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path, bytes: OnceCell::new() }
    }

    async fn bytes(&self) -> Result<Arc<Vec<u8>>, std::io::Error> {
        let read = || async { tokio::fs::read(&self.path).await.map(Arc::new) };
        self.bytes.get_or_try_init(read).await.cloned()
    }

    /// Where the copy is, from the home folder: named after the first half of its SHA-256, so that it can be no other.
    async fn cached(&self) -> Result<String, std::io::Error> {
        let bytes = self.bytes().await?;
        let digest = tokio::task::spawn_blocking(move || digest::digest(&digest::SHA256, &bytes)).await?;
        Ok(format!(".cache/slurmdash/slurmdash-{}", random::hex(&digest.as_ref()[..8])))
    }
}

/// Whether a path is the same to every shell.
pub fn is_plain(path: &Path) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._+-".contains(&byte);
    path.to_str().is_some_and(|path| path.starts_with('/') && path.bytes().all(plain))
}

/// Starts an agent and answers what `greet` makes of its stream: from `installed`, else from the copy, which is made
/// when it is not there.
pub async fn start<T, F: Future<Output = Result<T, HandsError>>>(
    connection: &Connection,
    installed: Option<&Path>,
    program: &Program,
    user: &str,
    greet: impl Fn(ChannelStream<Msg>) -> F,
) -> Result<T, HandsError> {
    if let Some(path) = installed.filter(|path| is_plain(path)) {
        match try_start(connection, &path.display().to_string(), &greet).await {
            Err(error) if may_help(&error) => tracing::debug!(%error, user, "no agent where slurmdash is installed"),
            started => return started,
        }
    }
    let no_agent = |reason: String| HandsError::NoAgent { user: user.to_owned(), reason };
    let unreadable = |error: std::io::Error| no_agent(format!("the program can't be read to be copied: {error}"));
    let cached = program.cached().await.map_err(unreadable)?;
    match try_start(connection, &cached, &greet).await {
        Err(error) if may_help(&error) => {}
        started => return started,
    }
    tracing::info!(user, "copying the agent to the login host");
    let bytes = program.bytes().await.map_err(unreadable)?;
    let said = connection.run(COPY, &bytes, COPY_WITHIN).await?;
    if said.code != Some(0) {
        return Err(no_agent(format!(
            "its program can't be copied to ~/.cache/slurmdash there ({}); there must be a home folder with room, or \
             slurmdash installed on the login host",
            words(&said.words)
        )));
    }
    try_start(connection, &cached, &greet).await.map_err(|error| match error {
        error if may_help(&error) => no_agent(format!(
            "the program in ~/.cache/slurmdash was copied and does not start ({error}): where the home folder may not \
             hold programs (noexec), install slurmdash on the login host and set ssh.agent_path"
        )),
        error => error,
    })
}

/// Whether another copy of the program may do better.
fn may_help(error: &HandsError) -> bool {
    matches!(error, HandsError::NoAgent { .. } | HandsError::Lost(_) | HandsError::NotSent(_) | HandsError::Protocol(_))
}

async fn try_start<T, F: Future<Output = Result<T, HandsError>>>(
    connection: &Connection,
    path: &str,
    greet: impl Fn(ChannelStream<Msg>) -> F,
) -> Result<T, HandsError> {
    let channel: Channel<Msg> = connection.channel().await?;
    let started = channel.exec(false, format!("{path} agent")).await;
    started.map_err(|error| HandsError::NotSent(error.to_string()))?;
    greet(channel.into_stream()).await
}

fn words(said: &str) -> String {
    let said: String = said.chars().filter(|c| !c.is_control()).take(300).collect();
    if said.is_empty() { "it failed without a word".into() } else { said }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_without_meaning_to_a_shell_are_started() {
        assert!(is_plain(Path::new("/usr/bin/slurmdash")) && is_plain(Path::new("/opt/slurmdash-1.0+x_y/bin/s.d")));
        for odd in ["slurmdash", "/a b", "/a;b", "/$HOME/x", "/a'b", "/a\nb", "/é", "/*", "/a\\b", "~/x"] {
            assert!(!is_plain(Path::new(odd)), "{odd:?}");
        }
    }
}
