//! Uploaded files.
use slurmdash_api::uploads::UploadProgress;
use tokio::sync::broadcast;

use crate::clock::Clock;
use crate::config::Config;
use crate::store::Store;
use crate::templates::ProvidedFile;

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// There is no such upload.
    #[error("there is no upload {0}")]
    NotFound(String),
}

impl From<UploadError> for crate::http::ApiError {
    fn from(error: UploadError) -> Self {
        Self::not_found(error)
    }
}

/// Uploaded files.
pub struct Uploads {
    progress: broadcast::Sender<(String, UploadProgress)>,
}

impl Uploads {
    /// Opens them.
    pub async fn open(_: &Config, _: Store, _: Clock) -> Result<Self, UploadError> {
        Ok(Self { progress: broadcast::Sender::new(16) })
    }

    /// Finished files.
    pub async fn finished_files(&self, _: &str, ids: &[String]) -> Result<Vec<ProvidedFile>, UploadError> {
        ids.first().map_or(Ok(Vec::new()), |id| Err(UploadError::NotFound(id.clone())))
    }

    /// Removes dead ones.
    pub async fn expire(&self) -> Result<usize, UploadError> {
        Ok(0)
    }

    /// Progress.
    pub fn progress(&self) -> broadcast::Receiver<(String, UploadProgress)> {
        self.progress.subscribe()
    }
}
