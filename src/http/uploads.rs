//! `/api/v2/files`: chunked, resumable uploads.
use std::sync::Arc;
use std::time::Duration;

use axum::extract::multipart::{Field, MultipartError, MultipartRejection};
use axum::extract::{Multipart, State};
use axum::http::StatusCode;
use slurmdash_api::Problem;
use slurmdash_api::auth::Message;
use slurmdash_api::problem::FieldProblem;
use slurmdash_api::uploads::{
    ChunkStored, CompleteUpload, InitUpload, Upload, UploadFinished, UploadList, UploadQuery, UploadStarted,
};
use tokio::time::timeout;

use super::ApiError;
use super::extract::{Json, Path, Query, too_slow};
use crate::app::App;
use crate::auth::Principal;
use crate::uploads::chunk::{ChunkWriter, Digest, StoredChunk, Turn, parse_checksum};
use crate::uploads::{CHUNK_SIZES, UploadError, Uploads};

/// Largest body of a chunk, bytes: the largest chunk, and room for the other parts.
#[expect(clippy::cast_possible_truncation, reason = "64 MiB fits everywhere")]
pub const MAX_BODY: usize = *CHUNK_SIZES.end() as usize + 64 * 1024;
/// Longest text of a form's part, bytes.
const MAX_TEXT: usize = 256;
/// A sender that is silent for so long is given up, so that another may send the same chunk.
const MAX_SILENCE: Duration = Duration::from_secs(30);
/// How long a refused chunk is read on, so that its sender gets to see the answer.
const MAX_DRAIN: Duration = Duration::from_secs(10);

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        use UploadError as E;
        let detail = error.to_string();
        let new = |status, code| Self::new(status, code, detail.clone());
        match error {
            E::Invalid(fields) => Self::invalid_fields(fields),
            E::NotYours | E::FolderTaken(_) => new(StatusCode::FORBIDDEN, "forbidden"),
            E::TooLarge { .. } => new(StatusCode::PAYLOAD_TOO_LARGE, "file_too_large"),
            E::NoSpace { .. } | E::DiskFull => new(StatusCode::INSUFFICIENT_STORAGE, "no_space"),
            E::TooManyOpen => new(StatusCode::CONFLICT, "too_many_uploads"),
            E::NameTaken(_) => new(StatusCode::CONFLICT, "name_taken"),
            E::NotFound(_) => new(StatusCode::NOT_FOUND, "not_found"),
            E::NoSuchChunk { .. } => new(StatusCode::BAD_REQUEST, "no_such_chunk"),
            E::WrongLength { .. } => new(StatusCode::BAD_REQUEST, "wrong_length"),
            E::WrongChecksum { .. } => new(StatusCode::UNPROCESSABLE_ENTITY, "wrong_checksum"),
            E::Missing { chunks, .. } => new(StatusCode::CONFLICT, "missing_chunks").with_missing_chunks(chunks),
            E::NotFinished(_) => new(StatusCode::CONFLICT, "upload_unfinished"),
            E::BytesGone(_) => new(StatusCode::CONFLICT, "upload_gone"),
            E::Interrupted => new(StatusCode::SERVICE_UNAVAILABLE, "interrupted").with_retry_after(1),
            E::Denied { .. } => new(StatusCode::FORBIDDEN, "permission_denied"),
            E::InTheWay { .. } => new(StatusCode::FORBIDDEN, "path_in_the_way"),
            E::NoHome(_) => new(StatusCode::FORBIDDEN, "no_home"),
            E::NoFolder(_) => new(StatusCode::SERVICE_UNAVAILABLE, "no_upload_folder"),
            E::Stopping => new(StatusCode::SERVICE_UNAVAILABLE, "stopping").with_retry_after(1),
            E::Hands(error) => error.into(),
            E::Disk { .. } | E::Random(_) => Self::internal(detail),
            E::Store(error) => error.into(),
        }
    }
}

/// Begins an upload.
#[utoipa::path(
    post, path = "/api/v2/files/upload/init", tag = "uploads", request_body = InitUpload,
    responses(
        (status = 201, body = UploadStarted),
        (status = 400, body = Problem, description = "a field is wrong; `fields` says which"),
        (status = 403, body = Problem, description = "`user_id`, the job folder or the folder is somebody else's"),
        (status = 409, body = Problem, description = "a file of that name is there, or too many uploads are open"),
        (status = 413, body = Problem, description = "the file is larger than the configured limit"),
        (status = 503, body = Problem, description = "the login host is away"),
        (status = 507, body = Problem, description = "the disk or the quota can't hold it"),
    )
)]
pub async fn init(
    State(app): State<Arc<App>>,
    who: Principal,
    Json(request): Json<InitUpload>,
) -> Result<(StatusCode, Json<UploadStarted>), ApiError> {
    Ok((StatusCode::CREATED, Json(app.uploads.begin(&who, request).await?)))
}

/// Completes an upload: the file gets its name. Doing it again gives the same answer.
#[utoipa::path(
    post, path = "/api/v2/files/upload/complete", tag = "uploads", request_body = CompleteUpload,
    responses(
        (status = 200, body = UploadFinished),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "chunks are missing (`missing_chunks`), or the name is taken"),
        (status = 503, body = Problem, description = "the login host is away; ask again"),
    )
)]
pub async fn complete(
    State(app): State<Arc<App>>,
    who: Principal,
    Json(request): Json<CompleteUpload>,
) -> Result<Json<UploadFinished>, ApiError> {
    Ok(Json(app.uploads.complete(&who, &request.upload_id, request.verify_checksum).await?))
}

/// Own uploads, newest first.
#[utoipa::path(
    get, path = "/api/v2/files/uploads", tag = "uploads", params(UploadQuery),
    responses((status = 200, body = UploadList), (status = 400, body = Problem))
)]
pub async fn list(
    State(app): State<Arc<App>>,
    who: Principal,
    Query(query): Query<UploadQuery>,
) -> Result<Json<UploadList>, ApiError> {
    Ok(Json(app.uploads.list(&who.user_id, &query).await?))
}

/// One own upload, with the chunks that are still to be sent (the first 100,000 of them).
#[utoipa::path(
    get, path = "/api/v2/files/uploads/{id}", tag = "uploads", params(("id" = String, Path)),
    responses((status = 200, body = Upload), (status = 404, body = Problem))
)]
pub async fn detail(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<Upload>, ApiError> {
    Ok(Json(app.uploads.get(&who.user_id, &id).await?))
}

/// Stops an upload and removes its bytes; the file of a completed one as well.
#[utoipa::path(
    delete, path = "/api/v2/files/uploads/{id}", tag = "uploads", params(("id" = String, Path)),
    responses(
        (status = 200, body = Message),
        (status = 404, body = Problem),
        (status = 503, body = Problem, description = "the login host is away; nothing was removed, or not all; ask again"),
    )
)]
pub async fn delete(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<Message>, ApiError> {
    app.uploads.delete(&who, &id).await?;
    Ok(Json(Message { message: "Upload removed".into() }))
}

/// The parts of a chunk's form, for the description of the API.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "the form is read part by part; this only describes it")]
struct ChunkForm {
    /// The upload.
    upload_id: String,
    /// The chunk, from 0.
    chunk_index: u32,
    /// SHA-256 of the chunk, 64 hex digits.
    checksum: Option<String>,
    /// The chunk's bytes. Best sent last: what comes before `upload_id` and `chunk_index` is held in memory.
    #[schema(value_type = String, format = Binary)]
    chunk: Vec<u8>,
}

/// Stores one chunk. Chunks may come in any order, several at once, and twice.
#[utoipa::path(
    post, path = "/api/v2/files/upload/chunk", tag = "uploads",
    request_body(content = inline(ChunkForm), content_type = "multipart/form-data"),
    responses(
        (status = 200, body = ChunkStored),
        (status = 400, body = Problem, description = "a part is missing or wrong, or the chunk has not its length"),
        (status = 404, body = Problem),
        (status = 408, body = Problem, description = "the sender was silent or slow for too long"),
        (status = 422, body = Problem, description = "the checksum is wrong; the chunk was not counted"),
        (status = 503, body = Problem, description = "the login host is away; the chunk was not counted, send it again"),
        (status = 507, body = Problem, description = "the disk or the quota is full"),
    )
)]
pub async fn chunk(
    State(app): State<Arc<App>>,
    who: Principal,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Json<ChunkStored>, ApiError> {
    let mut form = form.map_err(|_| {
        ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "send the chunk as multipart/form-data with a boundary",
        )
    })?;
    let mut parts = Parts {
        uploads: &app.uploads,
        owner_id: &who.user_id,
        id: None,
        index: None,
        checksum: None,
        body: Body::None,
    };
    let stored = match parts.read(&mut form).await {
        Ok(()) => parts.finish().await,
        Err(error) => Err(error),
    };
    if stored.is_err() {
        // A sender that is still busy sending would see a broken connection instead of the reason.
        let _ = timeout(MAX_DRAIN, async { while let Ok(Some(_)) = form.next_field().await {} }).await;
    }
    stored.map(Json)
}

/// What has come of a chunk's form.
struct Parts<'a> {
    uploads: &'a Uploads,
    owner_id: &'a str,
    id: Option<String>,
    index: Option<u32>,
    checksum: Option<Digest>,
    body: Body,
}

/// The chunk itself.
enum Body {
    /// It has not come.
    None,
    /// It came before we knew where it belongs.
    Early(Vec<u8>),
    /// It is on disk since an earlier time.
    Stored(StoredChunk),
    /// It has been written.
    Written(ChunkWriter),
}

impl Parts<'_> {
    async fn read(&mut self, form: &mut Multipart) -> Result<(), ApiError> {
        while let Some(mut field) = in_time(form.next_field()).await? {
            match field.name().unwrap_or_default() {
                "upload_id" if self.id.is_none() => self.id = Some(text(&mut field, "upload_id").await?),
                "chunk_index" if self.index.is_none() => {
                    let digits = text(&mut field, "chunk_index").await?;
                    // `parse` alone would take a plus sign.
                    let index = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
                    self.index = Some(index.ok_or_else(|| refused("chunk_index", "must be a whole number from 0"))?);
                }
                "checksum" if self.checksum.is_none() => {
                    let digest = parse_checksum(&text(&mut field, "checksum").await?);
                    let wrong = || refused("checksum", "must be the chunk's SHA-256 in 64 hex digits");
                    self.checksum = Some(digest.ok_or_else(wrong)?);
                }
                "chunk" if matches!(self.body, Body::None) => self.body = self.take(&mut field).await?,
                twice @ ("upload_id" | "chunk_index" | "checksum" | "chunk") => {
                    return Err(refused(twice, "is there twice"));
                }
                _ => return Err(ApiError::invalid("only upload_id, chunk_index, checksum and chunk are taken")),
            }
        }
        Ok(())
    }

    /// Reads the chunk's bytes: to their place if we know it, else into memory.
    async fn take(&self, field: &mut Field<'_>) -> Result<Body, ApiError> {
        let (Some(id), Some(index)) = (&self.id, self.index) else {
            let mut early = Vec::new();
            while let Some(bytes) = in_time(field.chunk()).await? {
                // The body's own limit is a chunk's largest size.
                early.extend_from_slice(&bytes);
            }
            return Ok(Body::Early(early));
        };
        match self.uploads.chunk(self.owner_id, id, index).await? {
            Turn::Stored { chunk } => {
                while in_time(field.chunk()).await?.is_some() {}
                Ok(Body::Stored(chunk))
            }
            Turn::Write(mut writer) => {
                while let Some(bytes) = in_time(field.chunk()).await? {
                    writer.write(&bytes).await?;
                }
                Ok(Body::Written(writer))
            }
        }
    }

    async fn finish(&mut self) -> Result<ChunkStored, ApiError> {
        let Some(id) = &self.id else { return Err(refused("upload_id", "is missing")) };
        let Some(index) = self.index else { return Err(refused("chunk_index", "is missing")) };
        let body = match std::mem::replace(&mut self.body, Body::None) {
            Body::None => return Err(refused("chunk", "is missing")),
            Body::Early(bytes) => match self.uploads.chunk(self.owner_id, id, index).await? {
                Turn::Stored { chunk } => Body::Stored(chunk),
                Turn::Write(mut writer) => {
                    writer.write(&bytes).await?;
                    Body::Written(writer)
                }
            },
            body => body,
        };
        Ok(match body {
            Body::Stored(chunk) => chunk.finish(self.checksum)?,
            Body::Written(writer) => writer.finish(self.checksum).await?,
            Body::None | Body::Early(_) => return Err(refused("chunk", "is missing")),
        })
    }
}

pub(super) fn refused(field: &str, message: &str) -> ApiError {
    ApiError::invalid_fields(vec![FieldProblem { field: field.into(), message: message.into() }])
}

/// A short part of the form as text.
pub(super) async fn text(field: &mut Field<'_>, name: &str) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(more) = in_time(field.chunk()).await? {
        if bytes.len() + more.len() > MAX_TEXT {
            return Err(refused(name, "is too long"));
        }
        bytes.extend_from_slice(&more);
    }
    String::from_utf8(bytes).map_err(|_| refused(name, "is not UTF-8"))
}

/// Waits for the sender, but not for ever.
pub(super) async fn in_time<T>(more: impl Future<Output = Result<T, MultipartError>>) -> Result<T, ApiError> {
    match timeout(MAX_SILENCE, more).await {
        Ok(Ok(more)) => Ok(more),
        Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the chunk is larger than 64 MiB"))
        }
        Ok(Err(error)) => Err(too_slow(&error)
            .unwrap_or_else(|| ApiError::invalid("the body is no multipart/form-data, or it ended early"))),
        Err(_) => Err(ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "sender_silent",
            "nothing came for 30 seconds; send the chunk again",
        )),
    }
}
