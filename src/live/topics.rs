//! What a viewer can subscribe to, and who may.
use slurmdash_api::auth::Permission;
use slurmdash_api::jobs::OutputStream;
use slurmdash_api::live::ServerMessage;

use crate::slurm::JobId;

/// A topic of `/ws`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    /// `jobs`: jobs that changed.
    Jobs,
    /// `nodes`: nodes that changed.
    Nodes,
    /// `upload`: progress of own uploads.
    Upload,
    /// `templates`: the template folder was read again.
    Templates,
    /// `notifications`: own notifications.
    Notifications,
    /// `job-output:<id>` or `job-output:<id>:stderr`: what a job writes.
    JobOutput(JobId, OutputStream),
}

impl Topic {
    /// Reads a topic's name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "jobs" => Self::Jobs,
            "nodes" => Self::Nodes,
            "upload" => Self::Upload,
            "templates" => Self::Templates,
            "notifications" => Self::Notifications,
            other => {
                let job = other.strip_prefix("job-output:")?;
                let (id, stream) = match job.split_once(':') {
                    None | Some((_, "stdout")) => (job.trim_end_matches(":stdout"), OutputStream::Stdout),
                    Some((id, "stderr")) => (id, OutputStream::Stderr),
                    Some(_) => return None,
                };
                Self::JobOutput(id.parse().ok()?, stream)
            }
        })
    }

    /// The topic whose subscribers get this message; `None` for what answers one viewer only.
    pub fn of(message: &ServerMessage) -> Option<Self> {
        match message {
            ServerMessage::Jobs { .. } => Some(Self::Jobs),
            ServerMessage::Nodes { .. } => Some(Self::Nodes),
            ServerMessage::UploadProgress(_) => Some(Self::Upload),
            ServerMessage::Templates(_) => Some(Self::Templates),
            ServerMessage::Subscribed { .. }
            | ServerMessage::Unsubscribed { .. }
            | ServerMessage::JobOutput { .. }
            | ServerMessage::Error { .. } => None,
        }
    }

    /// What a viewer must be allowed to.
    pub fn permission(&self) -> Permission {
        match self {
            Self::Jobs | Self::Notifications | Self::JobOutput(..) => Permission::JobView,
            Self::Nodes => Permission::NodeView,
            Self::Upload => Permission::DataRead,
            Self::Templates => Permission::TemplateView,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_nonsense_is_not() {
        assert_eq!(Topic::parse("jobs"), Some(Topic::Jobs));
        let id = JobId { job: 12, task: Some(3) };
        assert_eq!(Topic::parse("job-output:12_3"), Some(Topic::JobOutput(id.clone(), OutputStream::Stdout)));
        assert_eq!(Topic::parse("job-output:12_3:stderr"), Some(Topic::JobOutput(id, OutputStream::Stderr)));
        for nonsense in [
            "",
            "job",
            "job-output:",
            "job-output:x",
            "job-output:0",
            "job-output:1;2",
            "job-output:1:",
            "job-output:1:x",
            "job-output:1:stderr:stderr",
            "JOBS",
        ] {
            assert_eq!(Topic::parse(nonsense), None, "{nonsense:?}");
        }
    }
}
