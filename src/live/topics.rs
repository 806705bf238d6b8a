//! What a viewer can subscribe to, and who may.
use slurmdash_api::auth::Permission;
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
    /// `job-output:<id>`: what a job writes.
    JobOutput(JobId),
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
            other => Self::JobOutput(other.strip_prefix("job-output:")?.parse().ok()?),
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
            Self::Jobs | Self::Notifications | Self::JobOutput(_) => Permission::JobView,
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
        assert_eq!(Topic::parse("job-output:12_3"), Some(Topic::JobOutput(JobId { job: 12, task: Some(3) })));
        for nonsense in ["", "job", "job-output:", "job-output:x", "job-output:0", "job-output:1;2", "JOBS"] {
            assert_eq!(Topic::parse(nonsense), None, "{nonsense:?}");
        }
    }
}
