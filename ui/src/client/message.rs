//! Reads what the server sends over the live connection.
//!
//! Not with the derived reader of [`ServerMessage`]: that one may meet the data before it knows their type, so it can
//! read every type in two ways, and both are compiled into the page. Here the data stay text until the type is known.
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use slurmdash_api::cluster::{Controller, Freshness, Node};
use slurmdash_api::jobs::{Job, OutputChunk};
use slurmdash_api::live::ServerMessage;

#[derive(Deserialize)]
struct Envelope<'a> {
    r#type: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Topic {
    topic: String,
}

#[derive(Deserialize)]
struct JobChanges {
    changed: Vec<Job>,
    gone: Vec<String>,
    freshness: Freshness,
}

#[derive(Deserialize)]
struct NodeChanges {
    changed: Vec<Node>,
    gone: Vec<String>,
    #[serde(default)]
    controllers: Option<Vec<Controller>>,
    #[serde(default)]
    in_charge: Option<String>,
    freshness: Freshness,
}

#[derive(Deserialize)]
struct Output {
    job_id: String,
    output: OutputChunk,
}

#[derive(Deserialize)]
struct Refusal {
    code: String,
    detail: String,
}

/// The message in `text`; `None` for one that we don't know: a newer server may say more than we understand.
pub fn read(text: &str) -> Option<ServerMessage> {
    let envelope: Envelope = serde_json::from_str(text).ok()?;
    let data = envelope.data.get();
    Some(match envelope.r#type {
        "subscribed" => ServerMessage::Subscribed { topic: parse::<Topic>(data)?.topic },
        "unsubscribed" => ServerMessage::Unsubscribed { topic: parse::<Topic>(data)?.topic },
        "jobs" => {
            let JobChanges { changed, gone, freshness } = parse(data)?;
            ServerMessage::Jobs { changed, gone, freshness }
        }
        "nodes" => {
            let NodeChanges { changed, gone, controllers, in_charge, freshness } = parse(data)?;
            ServerMessage::Nodes { changed, gone, controllers, in_charge, freshness }
        }
        "upload_progress" => ServerMessage::UploadProgress(parse(data)?),
        "templates" => ServerMessage::Templates(parse(data)?),
        "job_output" => {
            let Output { job_id, output } = parse(data)?;
            ServerMessage::JobOutput { job_id, output }
        }
        "error" => {
            let Refusal { code, detail } = parse(data)?;
            ServerMessage::Error { code, detail }
        }
        _ => return None,
    })
}

fn parse<T: DeserializeOwned>(data: &str) -> Option<T> {
    serde_json::from_str(data).ok()
}

#[cfg(test)]
mod tests {
    use slurmdash_api::cluster::ControllerRole;
    use slurmdash_api::jobs::OutputStream;
    use slurmdash_api::templates::TemplateList;
    use slurmdash_api::uploads::{UploadProgress, UploadStatus};

    use super::*;

    #[test]
    fn every_message_is_read_back_as_it_was_written() {
        let topic = || "jobs".to_owned();
        let freshness = || Freshness { taken_at: Some(1), stale: true, problem: Some("away".into()) };
        let nodes = |controllers, in_charge: Option<&str>| ServerMessage::Nodes {
            changed: Vec::new(),
            gone: vec!["n".into()],
            controllers,
            in_charge: in_charge.map(str::to_owned),
            freshness: freshness(),
        };
        let messages = [
            ServerMessage::Subscribed { topic: topic() },
            ServerMessage::Unsubscribed { topic: topic() },
            ServerMessage::Jobs { changed: Vec::new(), gone: vec!["1".into()], freshness: freshness() },
            nodes(None, None),
            nodes(Some(vec![Controller { host: "h".into(), role: ControllerRole::Backup, answers: true }]), Some("h")),
            ServerMessage::UploadProgress(UploadProgress {
                upload_id: "u".into(),
                uploaded_chunks: 1,
                total_chunks: 2,
                progress: 50.0,
                status: UploadStatus::Uploading,
            }),
            ServerMessage::Templates(TemplateList { templates: Vec::new(), problems: Vec::new() }),
            ServerMessage::JobOutput {
                job_id: "7".into(),
                output: OutputChunk {
                    stream: OutputStream::Stderr,
                    path: "/a".into(),
                    exists: true,
                    size: 3,
                    offset: 0,
                    end: 3,
                    text: "a\nb".into(),
                },
            },
            ServerMessage::Error { code: "c".into(), detail: "d".into() },
        ];
        for message in messages {
            let text = serde_json::to_string(&message).expect("JSON");
            assert_eq!(read(&text), Some(message), "{text}");
        }
        assert_eq!(
            read(r#"{"data":{"topic":"x"},"type":"subscribed"}"#),
            Some(ServerMessage::Subscribed { topic: "x".into() })
        );
        assert_eq!(read(r#"{"type":"newer","data":{}}"#), None);
        assert_eq!(read("nonsense"), None);
    }
}
