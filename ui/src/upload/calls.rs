//! The calls a transfer makes, and what their failures mean for it.
use js_sys::{ArrayBuffer, Promise, Reflect, Uint8Array};
use slurmdash_api::uploads::{
    ChunkStored, CompleteUpload, InitUpload, Upload, UploadFinished, UploadList, UploadStarted,
};
use sycamore::web::window;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File, FormData};

use super::transfer::{Failure, Trouble};
use crate::client::http::escape;
use crate::client::{Client, ClientError};

/// Time limit of a chunk, milliseconds: 5 MiB on a line of 0.25 Mbit/s.
const CHUNK_LIMIT_MS: i32 = 180_000;

/// Why a call gave nothing.
pub enum CallFailed {
    /// The server has no such session.
    Forgotten,
    /// It still wants these chunks.
    Missing(Vec<u32>),
    /// Anything else.
    Trouble(Trouble),
}

impl From<ClientError> for CallFailed {
    fn from(error: ClientError) -> Self {
        let status = error.status();
        let passing = error.is_passing();
        match error {
            ClientError::Offline | ClientError::TimedOut | ClientError::Aborted => Self::Trouble(Trouble::Line),
            ClientError::Unauthorized => Self::Trouble(Trouble::Final(Failure::SignedOut)),
            ClientError::Problem(problem) => match problem.status {
                404 => Self::Forgotten,
                409 if !problem.missing_chunks.is_empty() => Self::Missing(problem.missing_chunks),
                409 => Self::Trouble(Trouble::Final(Failure::Exists)),
                // A wrong checksum: the chunk was damaged on its way.
                422 => Self::Trouble(Trouble::Server),
                507 => Self::Trouble(Trouble::Final(Failure::NoRoom(problem.detail))),
                _ if passing => Self::Trouble(Trouble::Server),
                _ => Self::Trouble(Trouble::Final(Failure::Refused(problem.detail))),
            },
            ClientError::Unreadable(_) if passing || status.is_none() => Self::Trouble(Trouble::Server),
            ClientError::Unreadable(_) => Self::Trouble(Trouble::Final(Failure::ServerTrouble)),
        }
    }
}

/// Opens a session for a file in the folder of one job.
pub async fn init(
    client: Client,
    folder: String,
    name: &str,
    size: u64,
    replace: bool,
) -> Result<UploadStarted, CallFailed> {
    let user = client.session.user().map(|user| user.username).unwrap_or_default();
    let body = InitUpload {
        filename: name.to_owned(),
        file_size: size,
        user_id: user,
        job_id: Some(folder),
        chunk_size: None,
        overwrite: replace,
    };
    match client.post("/api/v2/files/upload/init", &body).await {
        Err(error) if error.status() == Some(413) => {
            Err(CallFailed::Trouble(Trouble::Final(Failure::TooLarge(client.data.max_file_size().unwrap_or_default()))))
        }
        answer => Ok(answer?),
    }
}

/// The caller's sessions.
pub async fn list(client: Client) -> Result<UploadList, ClientError> {
    client.get("/api/v2/files/uploads").await
}

/// One session, with its missing chunks.
pub async fn look(client: Client, upload_id: &str) -> Result<Upload, CallFailed> {
    Ok(client.get(&format!("/api/v2/files/uploads/{}", escape(upload_id))).await?)
}

/// Sends one chunk, with its digest where the browser lets us compute one.
pub async fn send_chunk(
    client: Client,
    file: &File,
    upload_id: &str,
    chunk: u32,
    (start, end): (u64, u64),
) -> Result<ChunkStored, CallFailed> {
    let unreadable = || CallFailed::Trouble(Trouble::Final(Failure::Unreadable));
    let piece = slice(file, start, end).ok_or_else(unreadable)?;
    // Read here and not by `fetch`, which can't tell an unreadable file from a dead line.
    let bytes = JsFuture::from(piece.array_buffer()).await.map_err(|_| unreadable())?;
    let digest = sha256(bytes.unchecked_ref()).await;
    let form = FormData::new().map_err(|_| unreadable())?;
    let filled = form
        .append_with_str("upload_id", upload_id)
        .and_then(|()| form.append_with_str("chunk_index", &chunk.to_string()))
        .and_then(|()| match &digest {
            Some(digest) => form.append_with_str("checksum", digest),
            None => Ok(()),
        })
        .and_then(|()| form.append_with_blob_and_filename("chunk", &piece, "chunk"));
    filled.map_err(|_| unreadable())?;
    Ok(client.post_form("/api/v2/files/upload/chunk", &form, CHUNK_LIMIT_MS).await?)
}

/// Says that all chunks are there.
pub async fn complete(client: Client, upload_id: &str) -> Result<UploadFinished, CallFailed> {
    let body = CompleteUpload { upload_id: upload_id.to_owned(), verify_checksum: false };
    Ok(client.post("/api/v2/files/upload/complete", &body).await?)
}

/// Stops a session and removes its bytes. Best effort: the server removes dead sessions by itself.
pub async fn discard(client: Client, upload_id: &str) {
    let path = format!("/api/v2/files/uploads/{}", escape(upload_id));
    let _ = client.delete::<serde_json::Value>(&path).await;
}

#[expect(clippy::cast_precision_loss, reason = "JavaScript's file offsets are doubles: exact up to 8 PiB")]
fn slice(file: &File, start: u64, end: u64) -> Option<Blob> {
    file.slice_with_f64_and_f64(start as f64, end as f64).ok()
}

/// SHA-256 in lower-case hex. Browsers offer it to secure pages only: `None` elsewhere.
async fn sha256(bytes: &ArrayBuffer) -> Option<String> {
    let crypto = Reflect::get(&window(), &"crypto".into()).ok()?;
    let subtle = Reflect::get(&crypto, &"subtle".into()).ok()?;
    if subtle.is_undefined() {
        return None;
    }
    let digest: js_sys::Function = Reflect::get(&subtle, &"digest".into()).ok()?.dyn_into().ok()?;
    let promise: Promise = digest.call2(&subtle, &"SHA-256".into(), bytes).ok()?.dyn_into().ok()?;
    let digest: ArrayBuffer = JsFuture::from(promise).await.ok()?.dyn_into().ok()?;
    Some(hex(&Uint8Array::new(&digest).to_vec()))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|nibble| char::from(DIGITS[usize::from(nibble)])).collect()
}

#[cfg(test)]
mod tests {
    use super::hex;

    #[test]
    fn digests_are_lower_case_hex() {
        assert_eq!(hex(&[0, 0xaf, 0x10, 0xff]), "00af10ff");
    }
}
