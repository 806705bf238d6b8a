//! One file of the upload list: what it is, and how far it has come.
use std::cell::RefCell;

use slurmdash_api::uploads::{FileInfo, Upload, UploadStatus, classify};
use sycamore::prelude::*;
use sycamore::reactive::use_global_scope;
use web_sys::File;

use super::transfer::{Phase, Transfer};

/// What a row shows of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Where it is.
    pub phase: Phase,
    /// Bytes that are safe on the server.
    pub done: u64,
    /// Bytes of the file.
    pub size: u64,
    /// Bytes in a second.
    pub rate: Option<u64>,
    /// Seconds left.
    pub seconds_left: Option<u64>,
    /// Whether it waits to try again after something went wrong.
    pub retrying: bool,
}

impl Progress {
    fn of(transfer: &Transfer) -> Self {
        Self {
            phase: transfer.phase().clone(),
            done: transfer.done(),
            size: transfer.size(),
            rate: transfer.rate(),
            seconds_left: transfer.seconds_left(),
            retrying: transfer.is_retrying(),
        }
    }

    /// Whether it is under way, or will be without anybody doing anything.
    pub fn is_active(&self) -> bool {
        matches!(self.phase, Phase::Queued | Phase::Sending | Phase::Finishing)
    }

    /// Whether the file is in its place.
    pub fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Done(_))
    }
}

pub(super) struct Work {
    pub transfer: Transfer,
    pub file: Option<File>,
    /// Replace a file of the same name.
    pub replace: bool,
}

/// One file of the list.
pub struct Item {
    /// Identity within this page.
    pub id: u64,
    /// The file's name.
    pub name: String,
    /// What kind of file it is, by its name.
    pub info: FileInfo,
    progress: Signal<Progress>,
    pub(super) work: RefCell<Work>,
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Item {
    fn new(id: u64, name: String, transfer: Transfer, file: Option<File>) -> Self {
        let first = Progress::of(&transfer);
        let mut progress = None;
        // Rows come and go with pages; the list outlives them.
        use_global_scope().run_in(|| progress = Some(create_signal(first.clone())));
        Self {
            id,
            info: classify(&name, transfer.size()),
            name,
            progress: progress.unwrap_or_else(|| create_signal(first)),
            work: RefCell::new(Work { transfer, file, replace: false }),
        }
    }

    /// A file that was just chosen.
    pub(super) fn chosen(id: u64, file: File, size: u64, limit: Option<u64>) -> Self {
        Self::new(id, file.name(), Transfer::new(size, limit), Some(file))
    }

    /// A session that the server knows from an earlier visit; `None` when nothing of it is left.
    pub(super) fn known(id: u64, upload: &Upload) -> Option<Self> {
        let size = upload.file_info.size;
        let upload_id = upload.upload_id.clone();
        let transfer = match upload.status {
            UploadStatus::Completed => {
                Transfer::finished(size, upload_id, upload.file_path.clone().unwrap_or_default())
            }
            UploadStatus::Uploading => Transfer::earlier(size, upload_id, upload.chunk_size, upload.uploaded_chunks),
            UploadStatus::Cancelled => return None,
        };
        Some(Self::new(id, upload.filename.clone(), transfer, None))
    }

    /// How far it is.
    pub fn progress(&self) -> ReadSignal<Progress> {
        *self.progress
    }

    /// The server's id for it, once it has one.
    pub fn upload_id(&self) -> Option<String> {
        self.work.borrow().transfer.upload_id().map(str::to_owned)
    }

    /// Changes the transfer and tells whoever shows it, if that changed anything to see.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut Transfer) -> R) -> R {
        let (result, now) = {
            let mut work = self.work.borrow_mut();
            let result = change(&mut work.transfer);
            (result, Progress::of(&work.transfer))
        };
        if self.progress.with_untracked(|before| *before != now) {
            self.progress.set(now);
        }
        result
    }
}
