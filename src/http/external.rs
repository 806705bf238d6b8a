//! `/api/v2/upload/external`: a whole file in one call, from another front end with an API key of its user's.
use std::sync::Arc;

use aws_lc_rs::digest::{self, SHA256};
use axum::extract::multipart::{Field, MultipartRejection};
use axum::extract::{Multipart, State};
use axum::http::StatusCode;
use slurmdash_api::Problem;
use slurmdash_api::uploads::{InitUpload, UploadFinished, UploadStarted};

use super::ApiError;
use super::extract::Json;
use super::uploads::{in_time, refused, text};
use crate::app::App;
use crate::auth::Principal;
use crate::uploads::chunk::{ChunkWriter, Digest, Turn, parse_checksum};

/// A file whose size is not named is held in memory up to this, bytes.
const MAX_UNNAMED: usize = 16 << 20;
/// Bytes of a chunk on its way to the disk.
const CHUNK: u64 = 16 << 20;

/// The parts of the form, for the description of the API.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "the form is read part by part; this only describes it")]
struct ExternalForm {
    /// Size of the file, bytes. Must come before `file` when that is larger than 16 MiB.
    file_size: Option<u64>,
    /// Job folder to put it into: letters, digits, `-` and `_`.
    job_id: Option<String>,
    /// `true` replaces a file of the same name.
    overwrite: Option<bool>,
    /// SHA-256 of the file, 64 hex digits; a file that has another is not kept.
    checksum: Option<String>,
    /// The file, as the last part, with its name.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Takes a whole file. It is there as a whole afterwards, or not at all.
#[utoipa::path(
    post, path = "/api/v2/upload/external", tag = "uploads", security(("api_key" = [])),
    request_body(content = inline(ExternalForm), content_type = "multipart/form-data"),
    responses(
        (status = 201, body = UploadFinished),
        (status = 400, body = Problem, description = "a part is missing or wrong, or the file has not its size"),
        (status = 401, body = Problem, description = "`API Key required`, or `Invalid or expired API Key`"),
        (status = 403, body = Problem, description = "the key lacks job:submit"),
        (status = 409, body = Problem, description = "a file of that name is there"),
        (status = 411, body = Problem, description = "the file is larger than 16 MiB and its size was not named"),
        (status = 413, body = Problem), (status = 422, body = Problem, description = "the checksum is wrong"),
        (status = 507, body = Problem, description = "the disk or the quota is full"),
    )
)]
pub async fn upload(
    State(app): State<Arc<App>>,
    who: Principal,
    form: Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<UploadFinished>), ApiError> {
    let mut form = form.map_err(|_| {
        ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "send the file as multipart/form-data with a boundary",
        )
    })?;
    let mut wanted = Wanted::default();
    while let Some(mut field) = in_time(form.next_field()).await? {
        match field.name().unwrap_or_default() {
            "file" => {
                let finished = wanted.take(&app, &who, &mut field).await?;
                return Ok((StatusCode::CREATED, Json(finished)));
            }
            _ => wanted.read(&mut field).await?,
        }
    }
    Err(refused("file", "is missing"))
}

/// What is said about the file before it comes.
#[derive(Default)]
struct Wanted {
    file_size: Option<u64>,
    job_id: Option<String>,
    overwrite: bool,
    checksum: Option<Digest>,
}

impl Wanted {
    async fn read(&mut self, field: &mut Field<'_>) -> Result<(), ApiError> {
        let name = field.name().unwrap_or_default().to_owned();
        let value = text(field, &name).await?;
        match name.as_str() {
            "file_size" => {
                // `parse` alone would take a plus sign.
                let size = value.bytes().all(|b| b.is_ascii_digit()).then(|| value.parse().ok()).flatten();
                self.file_size = Some(size.ok_or_else(|| refused("file_size", "must be a whole number of bytes"))?);
            }
            "job_id" => self.job_id = Some(value),
            "overwrite" => {
                self.overwrite = value.parse().map_err(|_| refused("overwrite", "must be true or false"))?;
            }
            "checksum" => {
                let wrong = || refused("checksum", "must be the file's SHA-256 in 64 hex digits");
                self.checksum = Some(parse_checksum(&value).ok_or_else(wrong)?);
            }
            _ => return Err(ApiError::invalid("only file_size, job_id, overwrite, checksum and file are taken")),
        }
        Ok(())
    }

    async fn take(self, app: &App, who: &Principal, field: &mut Field<'_>) -> Result<UploadFinished, ApiError> {
        let filename = field.file_name().ok_or_else(|| refused("file", "has no name"))?.to_owned();
        let (file_size, early) = if let Some(size) = self.file_size {
            (size, Vec::new())
        } else {
            let whole = small(field).await?;
            (u64::try_from(whole.len()).unwrap_or(u64::MAX), whole)
        };
        let request = InitUpload {
            filename,
            file_size,
            user_id: who.user_id.clone(),
            job_id: self.job_id,
            chunk_size: Some(CHUNK),
            overwrite: self.overwrite,
        };
        let begun = app.uploads.begin(who, request).await?;
        match fill(app, who, &begun, file_size, &early, field, self.checksum).await {
            Ok(finished) => Ok(finished),
            Err(error) => {
                if let Err(left) = app.uploads.delete(who, &begun.upload_id).await {
                    // It goes with the dead ones, later.
                    tracing::warn!(error = %left, upload = begun.upload_id, "what came of a file can't be removed yet");
                }
                Err(error)
            }
        }
    }
}

/// A file whose size is not known before it is there.
async fn small(field: &mut Field<'_>) -> Result<Vec<u8>, ApiError> {
    let mut whole = Vec::new();
    while let Some(bytes) = in_time(field.chunk()).await? {
        if whole.len() + bytes.len() > MAX_UNNAMED {
            return Err(ApiError::new(
                StatusCode::LENGTH_REQUIRED,
                "size_needed",
                "send the part file_size (bytes) before the file when it is larger than 16 MiB",
            ));
        }
        whole.extend_from_slice(&bytes);
    }
    Ok(whole)
}

async fn fill(
    app: &App,
    who: &Principal,
    begun: &UploadStarted,
    file_size: u64,
    early: &[u8],
    field: &mut Field<'_>,
    checksum: Option<Digest>,
) -> Result<UploadFinished, ApiError> {
    let mut filling = Filling { app, who, id: &begun.upload_id, left: file_size, place: None, next: 0 };
    let mut digest = digest::Context::new(&SHA256);
    digest.update(early);
    filling.write(early).await?;
    while let Some(bytes) = in_time(field.chunk()).await? {
        digest.update(&bytes);
        filling.write(&bytes).await?;
    }
    filling.end()?;
    if checksum.is_some_and(|wanted| digest.finish().as_ref() != wanted.as_slice()) {
        return Err(ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "wrong_checksum",
            "the file's SHA-256 is another; nothing was kept, send it again",
        ));
    }
    Ok(app.uploads.complete(who, &begun.upload_id, false).await?)
}

/// A file that is being written, chunk after chunk.
struct Filling<'a> {
    app: &'a App,
    who: &'a Principal,
    id: &'a str,
    /// Bytes of the file that have not come.
    left: u64,
    /// The chunk that is being written, and its bytes that have not come.
    place: Option<(ChunkWriter, u64)>,
    next: u32,
}

impl Filling<'_> {
    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), ApiError> {
        while !bytes.is_empty() {
            if self.place.is_none() {
                if self.left == 0 {
                    return Err(refused("file_size", "is smaller than the file"));
                }
                match self.app.uploads.chunk(&self.who.user_id, self.id, self.next).await? {
                    Turn::Write(writer) => self.place = Some((writer, self.left.min(CHUNK))),
                    // Nobody else knows of this upload.
                    Turn::Stored { .. } => return Err(ApiError::internal("a chunk of a new upload is there already")),
                }
                self.next += 1;
            }
            let Some((writer, room)) = &mut self.place else { continue };
            let now = usize::try_from(*room).unwrap_or(usize::MAX).min(bytes.len());
            writer.write(&bytes[..now]).await?;
            bytes = &bytes[now..];
            let written = u64::try_from(now).unwrap_or_default();
            (*room, self.left) = (*room - written, self.left - written);
            if *room == 0
                && let Some((writer, _)) = self.place.take()
            {
                writer.finish(None).await?;
            }
        }
        Ok(())
    }

    fn end(&self) -> Result<(), ApiError> {
        if self.left == 0 { Ok(()) } else { Err(refused("file_size", "is larger than the file")) }
    }
}
