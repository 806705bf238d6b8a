//! Chunked uploads, and the rules both sides share: chunk arithmetic and file classification.
use serde::{Deserialize, Serialize};

use crate::UnixSeconds;

/// Chunk size when the client names none, bytes (5 MiB).
pub const DEFAULT_CHUNK_SIZE: u64 = 5 * 1024 * 1024;

/// Number of chunks of a file: `ceil(size / chunk_size)`, 0 for an empty file.
///
/// `None` when `chunk_size` is 0 or there would be more chunks than a `u32` counts.
pub fn total_chunks(file_size: u64, chunk_size: u64) -> Option<u32> {
    if chunk_size == 0 {
        return None;
    }
    u32::try_from(file_size.div_ceil(chunk_size)).ok()
}

/// `POST /api/v2/files/upload/init`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct InitUpload {
    /// The file's name, without any folder.
    pub filename: String,
    /// Its size, bytes.
    pub file_size: u64,
    /// Whose upload it is; the caller's own id or account name.
    pub user_id: String,
    /// Job folder to put it into: letters, digits, `-` and `_`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// Bytes in every chunk but the last; 5 MiB when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk_size: Option<u64>,
    /// Replace a file of the same name when complete; refused with 409 otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overwrite: bool,
}

/// Answer to `init`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadStarted {
    /// The session's id.
    pub upload_id: String,
    /// Bytes in every chunk but the last.
    pub chunk_size: u64,
    /// Chunks to send, numbered from 0.
    pub total_chunks: u32,
    /// Folder the file will be in.
    pub storage_path: String,
    /// What kind of file it is.
    pub file_info: FileInfo,
}

/// Answer to `chunk`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChunkStored {
    /// What was done.
    pub message: String,
    /// Chunks that are safe on disk.
    pub uploaded_chunks: u32,
    /// Chunks there are.
    pub total_chunks: u32,
    /// Per cent, 0 to 100.
    pub progress: f64,
}

/// `POST /api/v2/files/upload/complete`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CompleteUpload {
    /// The session's id.
    pub upload_id: String,
    /// Read the file back and check it against the chunks' digests before saying that it is complete.
    #[serde(default)]
    pub verify_checksum: bool,
}

/// Answer to `complete`, and to `/api/v2/upload/external`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadFinished {
    /// What was done.
    pub message: String,
    /// The upload's id, by which a job names the file.
    pub upload_id: String,
    /// The file's path.
    pub file_path: String,
    /// What kind of file it is.
    pub file_info: FileInfo,
}

/// Where an upload session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum UploadStatus {
    /// Takes chunks.
    Uploading,
    /// The file is in its place.
    Completed,
    /// Stopped by its owner; its bytes are gone.
    Cancelled,
}

/// One upload session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Upload {
    /// The session's id.
    pub upload_id: String,
    /// The file's name.
    pub filename: String,
    /// Whose it is: account name.
    pub username: String,
    /// Job folder it goes into.
    pub job_id: Option<String>,
    /// Where it is.
    pub status: UploadStatus,
    /// Bytes in every chunk but the last.
    pub chunk_size: u64,
    /// Chunks that are safe on disk.
    pub uploaded_chunks: u32,
    /// Chunks there are.
    pub total_chunks: u32,
    /// Per cent, 0 to 100.
    pub progress: f64,
    /// Folder of the file.
    pub storage_path: String,
    /// The file's path, once completed.
    pub file_path: Option<String>,
    /// What kind of file it is.
    pub file_info: FileInfo,
    /// When it began.
    pub created_at: UnixSeconds,
    /// When its last chunk came.
    pub updated_at: UnixSeconds,
    /// Chunks still to be sent; only in `GET /api/v2/files/uploads/{id}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_chunks: Option<Vec<u32>>,
}

/// Query of `GET /api/v2/files/uploads`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[serde(deny_unknown_fields, default)]
pub struct UploadQuery {
    /// Only those with this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<UploadStatus>,
    /// `next_cursor` of the page before; the first page when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Rows on a page, 1 to 500; 100 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_page: Option<usize>,
}

/// `GET /api/v2/files/uploads`: own sessions, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadList {
    /// The sessions.
    pub uploads: Vec<Upload>,
    /// How many there are on all pages.
    pub total: u64,
    /// Where the next page goes on; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Live progress of an upload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadProgress {
    /// The session's id.
    pub upload_id: String,
    /// Chunks that are safe on disk.
    pub uploaded_chunks: u32,
    /// Chunks there are.
    pub total_chunks: u32,
    /// Per cent, 0 to 100.
    pub progress: f64,
    /// Where it is.
    pub status: UploadStatus,
}

/// What kind of file it is, judged by its name alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileInfo {
    /// Type.
    pub r#type: FileType,
    /// Extension in lower case with its dot, both parts of a double one: `.tar.gz`; empty when there is none.
    pub extension: String,
    /// MIME type.
    pub mime_type: String,
    /// Size, bytes.
    pub size: u64,
    /// Whether it is no text.
    pub is_binary: bool,
    /// Whether it is compressed.
    pub is_compressed: bool,
}

/// Groups that uploaded files fall into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum FileType {
    /// Input data and archives.
    Data,
    /// Configuration.
    Config,
    /// Scripts and source code.
    Script,
    /// Trained or numerical models.
    Model,
    /// Meshes and geometry.
    Mesh,
    /// Results and logs.
    Result,
    /// Documents and pictures.
    Document,
    /// Anything else.
    Other,
}

impl FileType {
    /// Every type.
    pub const ALL: [FileType; 8] =
        [Self::Data, Self::Config, Self::Script, Self::Model, Self::Mesh, Self::Result, Self::Document, Self::Other];

    /// The type's word, as it appears in paths and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Config => "config",
            Self::Script => "script",
            Self::Model => "model",
            Self::Mesh => "mesh",
            Self::Result => "result",
            Self::Document => "document",
            Self::Other => "other",
        }
    }
}

/// Extensions we know: `(extension, type, MIME type, is it binary)`.
const EXTENSIONS: &[(&str, FileType, &str, bool)] = {
    use FileType::{Config, Data, Document, Mesh, Model, Other, Result, Script};
    &[
        ("csv", Data, "text/csv", false),
        ("tsv", Data, "text/tab-separated-values", false),
        ("json", Data, "application/json", false),
        ("jsonl", Data, "application/jsonl", false),
        ("xml", Data, "application/xml", false),
        ("dat", Data, "application/octet-stream", true),
        ("bin", Data, "application/octet-stream", true),
        ("h5", Data, "application/x-hdf5", true),
        ("hdf5", Data, "application/x-hdf5", true),
        ("nc", Data, "application/x-netcdf", true),
        ("npy", Data, "application/octet-stream", true),
        ("npz", Data, "application/octet-stream", true),
        ("parquet", Data, "application/vnd.apache.parquet", true),
        ("tar", Data, "application/x-tar", true),
        ("zip", Data, "application/zip", true),
        ("7z", Data, "application/x-7z-compressed", true),
        ("k", Data, "text/plain", false),
        ("key", Data, "text/plain", false),
        ("inp", Data, "text/plain", false),
        ("yaml", Config, "application/yaml", false),
        ("yml", Config, "application/yaml", false),
        ("toml", Config, "application/toml", false),
        ("ini", Config, "text/plain", false),
        ("cfg", Config, "text/plain", false),
        ("conf", Config, "text/plain", false),
        ("properties", Config, "text/plain", false),
        ("env", Config, "text/plain", false),
        ("sh", Script, "application/x-sh", false),
        ("bash", Script, "application/x-sh", false),
        ("sbatch", Script, "application/x-sh", false),
        ("slurm", Script, "application/x-sh", false),
        ("py", Script, "text/x-python", false),
        ("r", Script, "text/plain", false),
        ("jl", Script, "text/plain", false),
        ("m", Script, "text/plain", false),
        ("pl", Script, "text/plain", false),
        ("lua", Script, "text/plain", false),
        ("js", Script, "text/javascript", false),
        ("c", Script, "text/x-c", false),
        ("cpp", Script, "text/x-c", false),
        ("h", Script, "text/x-c", false),
        ("f90", Script, "text/x-fortran", false),
        ("rs", Script, "text/x-rust", false),
        ("pth", Model, "application/octet-stream", true),
        ("pt", Model, "application/octet-stream", true),
        ("ckpt", Model, "application/octet-stream", true),
        ("safetensors", Model, "application/octet-stream", true),
        ("onnx", Model, "application/octet-stream", true),
        ("pb", Model, "application/octet-stream", true),
        ("pkl", Model, "application/octet-stream", true),
        ("joblib", Model, "application/octet-stream", true),
        ("gguf", Model, "application/octet-stream", true),
        ("msh", Mesh, "model/mesh", false),
        ("stl", Mesh, "model/stl", true),
        ("vtk", Mesh, "model/vtk", false),
        ("vtu", Mesh, "model/vtk", false),
        ("obj", Mesh, "model/obj", false),
        ("step", Mesh, "model/step", false),
        ("stp", Mesh, "model/step", false),
        ("iges", Mesh, "model/iges", false),
        ("igs", Mesh, "model/iges", false),
        ("cgns", Mesh, "application/octet-stream", true),
        ("out", Result, "text/plain", false),
        ("log", Result, "text/plain", false),
        ("err", Result, "text/plain", false),
        ("frd", Result, "text/plain", false),
        ("d3plot", Result, "application/octet-stream", true),
        ("odb", Result, "application/octet-stream", true),
        ("txt", Document, "text/plain", false),
        ("md", Document, "text/markdown", false),
        ("pdf", Document, "application/pdf", true),
        ("html", Document, "text/html", false),
        ("doc", Document, "application/msword", true),
        ("docx", Document, "application/vnd.openxmlformats-officedocument.wordprocessingml.document", true),
        ("xlsx", Document, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", true),
        ("pptx", Document, "application/vnd.openxmlformats-officedocument.presentationml.presentation", true),
        ("png", Document, "image/png", true),
        ("jpg", Document, "image/jpeg", true),
        ("jpeg", Document, "image/jpeg", true),
        ("svg", Document, "image/svg+xml", false),
        ("sif", Other, "application/vnd.sylabs.sif", true),
    ]
};

/// Extensions of compressed files: `(extension, MIME type)`.
const COMPRESSED: &[(&str, &str)] = &[
    ("gz", "application/gzip"),
    ("tgz", "application/gzip"),
    ("bz2", "application/x-bzip2"),
    ("tbz2", "application/x-bzip2"),
    ("xz", "application/x-xz"),
    ("txz", "application/x-xz"),
    ("zst", "application/zstd"),
    ("lz4", "application/x-lz4"),
];

/// Judges a file by its name: `dataset.tar.gz` is compressed data, `config.yaml` text configuration.
///
/// A compressed file has the type of what is inside (`run.sh.gz` is a script); an unknown inside is data.
pub fn classify(filename: &str, size: u64) -> FileInfo {
    let lower = filename.to_lowercase();
    let (stem, last) = match lower.rsplit_once('.') {
        Some((stem, last)) if !last.is_empty() && !stem.is_empty() => (stem, last),
        _ => ("", ""),
    };
    let known = |extension: &str| EXTENSIONS.iter().find(|(known, ..)| *known == extension);
    if let Some((_, mime)) = COMPRESSED.iter().find(|(known, _)| *known == last) {
        let inner = stem.rsplit_once('.').map(|(_, inner)| inner).and_then(known);
        return FileInfo {
            r#type: inner.map_or(FileType::Data, |(_, kind, ..)| *kind),
            extension: inner.map_or_else(|| format!(".{last}"), |(inner, ..)| format!(".{inner}.{last}")),
            mime_type: (*mime).to_owned(),
            size,
            is_binary: true,
            is_compressed: true,
        };
    }
    let found = known(last);
    FileInfo {
        r#type: found.map_or(FileType::Other, |(_, kind, ..)| *kind),
        extension: if last.is_empty() { String::new() } else { format!(".{last}") },
        mime_type: found.map_or("application/octet-stream", |(_, _, mime, _)| mime).to_owned(),
        size,
        is_binary: found.is_none_or(|(.., binary)| *binary),
        is_compressed: matches!(last, "zip" | "7z" | "npz"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_classified_as_the_contract_says() {
        let judged = |name: &str| {
            let info = classify(name, 1);
            (info.r#type, info.is_binary, info.is_compressed)
        };
        assert_eq!(judged("dataset.tar.gz"), (FileType::Data, true, true));
        assert_eq!(judged("config.yaml"), (FileType::Config, false, false));
        assert_eq!(judged("model_weights.pth"), (FileType::Model, true, false));
        for script in ["run.sh", "x.sbatch", "train.py", "TRAIN.PY"] {
            assert_eq!(judged(script), (FileType::Script, false, false), "{script}");
        }
        for mesh in ["a.msh", "a.stl", "a.vtk"] {
            assert_eq!(judged(mesh).0, FileType::Mesh, "{mesh}");
        }
        assert_eq!(judged("run.sh.gz").0, FileType::Script);
        assert_eq!(classify("dataset.tar.gz", 1).extension, ".tar.gz");
        for odd in ["", ".", "..", ".bashrc", "noext", "trailing.", "한글.미지"] {
            assert_eq!(judged(odd).0, FileType::Other, "{odd}");
        }
    }

    #[test]
    fn chunks_are_counted_as_the_contract_says() {
        assert_eq!(total_chunks(10 << 30, 5 << 20), Some(2048));
        assert_eq!(total_chunks(0, 5), Some(0));
        assert_eq!(total_chunks(1, 5), Some(1));
        assert_eq!(total_chunks(5, 5), Some(1));
        assert_eq!(total_chunks(6, 5), Some(2));
        assert_eq!(total_chunks(6, 0), None);
        assert_eq!(total_chunks(u64::MAX, 1), None);
    }
}
