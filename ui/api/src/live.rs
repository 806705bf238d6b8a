//! What travels over `/ws`.
use serde::{Deserialize, Serialize};

use crate::cluster::{Controller, Freshness, Node};
use crate::jobs::{Job, OutputChunk};
use crate::templates::TemplateList;
use crate::uploads::UploadProgress;

/// Client to server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientMessage {
    /// What to do.
    pub action: ClientAction,
    /// `jobs`, `nodes`, `upload`, `templates`, `notifications`, `job-output:<job id>` or `job-output:<job id>:stderr`.
    pub topic: String,
    /// For a job's output: the first byte that is wanted; its last 64 KiB when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
}

/// What a client may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientAction {
    /// Start sending this topic.
    Subscribe,
    /// Stop sending it.
    Unsubscribe,
}

/// Server to client: `{"type": …, "data": {…}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The subscription holds; from here on nothing is missed.
    Subscribed {
        /// The topic.
        topic: String,
    },
    /// The subscription ended.
    Unsubscribed {
        /// The topic.
        topic: String,
    },
    /// Jobs that changed and jobs that are gone, since the last message.
    Jobs {
        /// New and changed ones.
        changed: Vec<Job>,
        /// `id`s of those that are gone.
        gone: Vec<String>,
        /// How fresh the list is now.
        freshness: Freshness,
    },
    /// Nodes that changed and nodes that are gone, since the last message.
    Nodes {
        /// New and changed ones.
        changed: Vec<Node>,
        /// Names of those that are gone.
        gone: Vec<String>,
        /// All controllers, when one of them or who is in charge has changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        controllers: Option<Vec<Controller>>,
        /// With controllers: the one that is in charge, if one is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        in_charge: Option<String>,
        /// How fresh the list is now.
        freshness: Freshness,
    },
    /// An upload moved on.
    UploadProgress(UploadProgress),
    /// The template folder was read again.
    Templates(TemplateList),
    /// More of a job's output.
    JobOutput {
        /// The job's id as subscribed.
        job_id: String,
        /// What was added.
        output: OutputChunk,
    },
    /// The last message could not be followed.
    Error {
        /// A stable word for programs.
        code: String,
        /// What is wrong.
        detail: String,
    },
}
