//! A file with its content, owner and mode.
use std::path::{Path, PathBuf};

use crate::bytes::{Bytes, sha256};
use crate::host::Attributes;
use serde::{Deserialize, Serialize};

use super::place::{self, OPEN};
use super::{Act, Change, Content, Diff, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::{Command, Entry, Host, HostError, Kind, MAX_FILE, unfinished};

/// A file is there with its content, owner and mode. Folders that are missing above it are made, root's and 0755.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteFile {
    /// Where.
    pub path: PathBuf,
    /// What it holds.
    pub content: super::Content,
    /// Login of its owner, who may come with an earlier step.
    pub owner: String,
    /// Its group.
    pub group: String,
    /// Permission bits.
    pub mode: u32,
    /// A command that judges it before it takes its place: an argument vector in which `{}` is the candidate's path.
    pub check: Option<Vec<String>>,
}

/// A file as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileBefore {
    /// Its bytes.
    pub content: Bytes,
    /// Owner, group and mode.
    pub attributes: Attributes,
    /// Time of its last change.
    pub modified: (i64, u32),
}

/// How it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileUndo {
    /// The file; `None` where there was none.
    pub before: Option<FileBefore>,
    /// Folders above it that were missing, outermost first.
    pub missing: Vec<PathBuf>,
}

/// Owner, group and mode of what is there.
pub(super) fn attributes_of(entry: &Entry) -> Attributes {
    Attributes { mode: entry.mode, uid: entry.uid, gid: entry.gid }
}

/// A file that may be read and written over: none, or a regular one that is not too large.
fn regular(host: &dyn Host, path: &Path) -> Result<Option<Entry>, StepError> {
    let entry = host.entry(path)?;
    let what = match &entry {
        Some(entry) if entry.kind == Kind::Link => "a symbolic link; put a file in its place, or remove it",
        Some(entry) if entry.kind == Kind::Directory => "a folder; move it away",
        Some(entry) if entry.kind == Kind::Other => "no regular file; remove it",
        Some(entry) if entry.size > MAX_FILE => "larger than 16 MiB, so it is not what belongs there; move it away",
        _ => return Ok(entry),
    };
    Err(StepError::Refused(format!("{} is {what}", path.display())))
}

impl WriteFile {
    fn sha256(&self) -> String {
        match &self.content {
            Content::Text(text) => sha256(text.as_bytes()),
            Content::Material { sha256, .. } => sha256.clone(),
        }
    }

    /// What there is now, judged.
    fn state(&self, host: &dyn Host, setting: &Setting) -> Result<State, StepError> {
        let Some(entry) = regular(host, &self.path)? else { return Ok(State::default()) };
        let content = host.read(&self.path)?;
        let digest = sha256(&content);
        let is_right = digest == self.sha256();
        let written = setting.written.get(&self.path);
        let drift = !is_right && written.is_some_and(|written| *written != digest);
        Ok(State { before: Some((entry, content)), is_right, drift })
    }

    fn diff(&self, state: &State) -> Option<Diff> {
        let Content::Text(after) = &self.content else { return None };
        let before = match &state.before {
            None => String::new(),
            // What not everybody may read, not everybody may be shown.
            Some((entry, _)) if entry.mode & 0o004 == 0 => return None,
            Some((_, content)) => String::from_utf8(content.clone()).ok()?,
        };
        (before != **after).then(|| Diff { before, after: after.clone() })
    }

    fn summary(&self, host: &dyn Host, state: &State) -> Result<String, HostError> {
        let owner = format!("{}:{} {:04o}", self.owner, self.group, self.mode);
        let size = match &self.content {
            Content::Text(text) => format!("{} bytes", text.len()),
            Content::Material { .. } => "secret".to_owned(),
        };
        let Some((entry, _)) = &state.before else { return Ok(format!("new, {size}, {owner}")) };
        let mut parts = Vec::new();
        if !state.is_right {
            parts.push(format!("other content, {size}"));
        }
        let was = place::named(host, attributes_of(entry))?;
        if was != owner {
            parts.push(format!("{owner} (was {was})"));
        }
        if state.drift {
            parts.push("changed by hand since it was written, a copy is kept".to_owned());
        }
        Ok(parts.join(", "))
    }

    /// Where the candidate is, while it is judged. Programs that read whole folders pass over it.
    fn candidate(&self) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path.with_file_name(format!(".{name}.slurmdash"))
    }

    /// Has the candidate judged.
    fn judge(&self, host: &dyn Host, content: &[u8], attributes: Attributes) -> Result<(), StepError> {
        let Some((program, arguments)) = self.check.as_deref().and_then(<[String]>::split_first) else { return Ok(()) };
        let candidate = self.candidate();
        let name = candidate.to_string_lossy().into_owned();
        host.write(&candidate, content, attributes, None)?;
        let arguments = arguments.iter().map(|argument| argument.replace("{}", &name));
        let judged = host.run(&Command::new(program).args(arguments));
        host.remove(&candidate)?;
        let output = judged?;
        if output.is_ok() {
            return Ok(());
        }
        let said = output.complaint().replace(&name, &self.path.to_string_lossy());
        Err(StepError::Refused(format!("{program} does not take the new {}: {said}", self.path.display())))
    }
}

/// A file as it is, and what is to be said of it.
#[derive(Default)]
struct State {
    before: Option<(Entry, Vec<u8>)>,
    is_right: bool,
    drift: bool,
}

impl Act for WriteFile {
    fn subject(&self) -> String {
        format!("file {}", self.path.display())
    }

    fn look(&self, host: &dyn Host, setting: &Setting) -> Result<Look, StepError> {
        let state = self.state(host, setting)?;
        let wanted = place::ids(host, &self.owner, &self.group)?;
        let wanted = wanted.map(|(uid, gid)| Attributes { mode: self.mode, uid, gid });
        let is_owned = state.before.as_ref().is_some_and(|(entry, _)| Some(attributes_of(entry)) == wanted);
        if state.is_right && is_owned {
            return Ok(Look::Same);
        }
        let summary = self.summary(host, &state)?;
        let diff = self.diff(&state);
        let drift = state.drift;
        let before = state.before.map(|(entry, content)| FileBefore {
            content: Bytes(content),
            attributes: attributes_of(&entry),
            modified: entry.modified,
        });
        let undo = Undo::File(FileUndo { before, missing: place::missing_above(host, &self.path)? });
        Ok(Look::Change(Change { diff, drift, ..Change::new(summary, undo) }))
    }

    fn execute(&self, host: &dyn Host, setting: &Setting, materials: &Materials) -> Result<(), StepError> {
        let state = self.state(host, setting)?;
        let attributes = place::attributes(host, &self.owner, &self.group, self.mode)?;
        let content = match &self.content {
            Content::Text(text) => text.as_bytes(),
            Content::Material { name, sha256: wanted } => {
                let content = materials.get(name)?;
                if sha256(content) != *wanted {
                    return Err(StepError::Refused(format!("the secret {name} is not the one that was planned")));
                }
                content
            }
        };
        place::make_above(host, &self.path, OPEN)?;
        if state.is_right {
            // Its time of change stays.
            return Ok(host.set_attributes(&self.path, attributes)?);
        }
        self.judge(host, content, attributes)?;
        if state.drift {
            place::keep_copy(host, setting, &self.path)?;
        }
        Ok(host.write(&self.path, content, attributes, None)?)
    }

    fn revert(&self, host: &dyn Host, setting: &Setting, undo: &Undo) -> Result<Reverted, StepError> {
        let Undo::File(FileUndo { before, missing }) = undo else { return Ok(Reverted::wholly()) };
        if self.check.is_some() {
            host.remove(&self.candidate())?;
        }
        let wrote = self.sha256();
        let kept = bring_back(host, setting, &self.path, before.as_ref(), |digest| digest == wrote)?;
        place::remove_empty(host, missing)?;
        Ok(Reverted { left: Vec::new(), kept: kept.into_iter().collect() })
    }
}

/// Brings a file back to what it was. What is there and neither that nor `ours` is kept.
fn bring_back(
    host: &dyn Host,
    setting: &Setting,
    path: &Path,
    before: Option<&FileBefore>,
    is_ours: impl Fn(&str) -> bool,
) -> Result<Option<PathBuf>, StepError> {
    // A power cut may have left it.
    host.remove(&unfinished(path))?;
    let mut kept = None;
    let mut now = host.entry(path)?;
    let was = before.map(|before| sha256(&before.content.0));
    if let Some(entry) = &now {
        if entry.kind == Kind::File {
            let digest = host.digest(path)?;
            if Some(&digest) == was.as_ref() {
                // The time tells whether it was written anew with the same content.
                if before.is_some_and(|before| before.modified == entry.modified) {
                    if let Some(before) = before.filter(|before| before.attributes != attributes_of(entry)) {
                        host.set_attributes(path, before.attributes)?;
                    }
                    return Ok(None);
                }
            } else if !is_ours(&digest) {
                kept = Some(place::keep_copy(host, setting, path)?);
            }
        } else {
            kept = Some(place::keep(host, setting, path)?);
            now = None;
        }
    }
    match before {
        Some(before) => {
            place::make_above(host, path, OPEN)?;
            host.write(path, &before.content.0, before.attributes, Some(before.modified))?;
        }
        None if now.is_some() => host.remove(path)?,
        None => {}
    }
    Ok(kept)
}
