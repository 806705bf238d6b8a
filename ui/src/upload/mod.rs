//! Uploads in the browser: files are cut into chunks that go out several at a time, are checked, retried, paused, and
//! taken up again after a reload. The list lives above the router, so uploads go on while pages change.
//!
//! What must happen next is decided in `transfer` (pure); `calls` does it; this file keeps the list and the pace. How
//! rows look is not decided here.

mod calls;
mod item;
mod memory;
mod rate;
mod transfer;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use slurmdash_api::uploads::{Upload, UploadStatus};
use sycamore::prelude::*;
use sycamore::web::window;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::spawn_local;
use web_sys::{BeforeUnloadEvent, File};

use self::calls::CallFailed;
pub use self::item::{Item, Progress};
pub use self::transfer::{Failure, Phase};
use self::transfer::{Step, Trouble};
use crate::client::clock::{Timeout, now_ms};
use crate::client::session::SessionState;
use crate::client::{Client, ClientError};

/// Calls under way at once, over all files.
const PARALLEL_CALLS: usize = 4;

struct Inner {
    client: Client,
    items: Signal<Vec<Rc<Item>>>,
    next_id: Cell<u64>,
    wake: RefCell<Option<Timeout>>,
    owner: RefCell<Option<String>>,
    /// Folder on the server that the files of one job go to, so that those of another never stand in their way.
    folder: RefCell<String>,
}

/// The upload list of this page; copies are the same list.
#[derive(Clone, Copy)]
pub struct Uploads(&'static Inner);

/// All transfers under way, as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Overall {
    /// Files under way or waiting for their turn.
    pub active: usize,
    /// Their bytes that are stored.
    pub done: u64,
    /// Their bytes.
    pub size: u64,
}

impl Uploads {
    /// Makes the list and puts it into the context. Call once, in the page's outermost scope, after the client.
    pub fn provide(client: Client) -> Self {
        let uploads = Self(Box::leak(Box::new(Inner {
            client,
            items: create_signal(Vec::new()),
            next_id: Cell::default(),
            wake: RefCell::default(),
            owner: RefCell::default(),
            folder: RefCell::new(new_folder()),
        })));
        provide_context(uploads);
        create_effect(move || {
            if let SessionState::SignedIn(user) = client.session.state().get_clone() {
                let before = uploads.0.owner.replace(Some(user.id.clone()));
                if before.is_some_and(|before| before != user.id) {
                    uploads.0.items.set(Vec::new());
                }
            }
        });
        uploads.ask_before_leaving();
        uploads
    }

    /// The files, in the order they were chosen.
    pub fn items(self) -> ReadSignal<Vec<Rc<Item>>> {
        *self.0.items
    }

    /// All transfers under way, as one; tracked.
    pub fn overall(self) -> Overall {
        self.0.items.with(|items| {
            items.iter().fold(Overall::default(), |sum, item| {
                item.progress().with(|progress| {
                    if progress.is_active() {
                        Overall {
                            active: sum.active + 1,
                            done: sum.done + progress.done,
                            size: sum.size + progress.size,
                        }
                    } else {
                        sum
                    }
                })
            })
        })
    }

    /// Adds files that a person chose. The file of an earlier session takes that session up at once; one that is in the
    /// list already isn't added twice.
    pub fn add(self, files: Vec<File>) {
        let limit = self.0.client.data.max_file_size();
        let mut items = self.0.items.get_clone_untracked();
        for file in files {
            let size = file_size(&file);
            let same = |item: &&Rc<Item>| item.name == file.name() && item.info.size == size;
            match items.iter().find(same) {
                Some(item) => {
                    item.work.borrow_mut().file = Some(file);
                    item.change(transfer::Transfer::file_is_back);
                }
                None => items.push(Rc::new(Item::chosen(self.new_id(), file, size, limit))),
            }
        }
        self.0.items.set(items);
        self.pump();
    }

    /// Starts every file that waits to be started.
    pub fn start_all(self) {
        for item in self.0.items.get_clone_untracked() {
            if item.progress().with_untracked(|progress| progress.phase == Phase::Ready) {
                item.change(transfer::Transfer::start);
            }
        }
        self.pump();
    }

    /// Starts, resumes or tries again.
    pub fn start(self, item: &Item) {
        item.change(transfer::Transfer::start);
        self.pump();
    }

    /// Pauses: chunks under way end, no more are sent.
    pub fn pause(self, item: &Item) {
        item.change(transfer::Transfer::pause);
        self.pump();
    }

    /// Sends the file in place of the one of the same name.
    pub fn replace(self, item: &Item) {
        item.work.borrow_mut().replace = true;
        item.change(transfer::Transfer::start_replacing);
        self.pump();
    }

    /// Takes a file off the list. What was sent of an unfinished one is removed from the server; a finished file stays
    /// where it is.
    pub fn remove(self, item: &Item) {
        item.change(transfer::Transfer::pause);
        let unfinished = item.progress().with_untracked(|progress| !progress.is_done());
        if let Some(upload_id) = item.upload_id().filter(|_| unfinished) {
            memory::forget(&upload_id);
            let client = self.0.client;
            spawn_local(async move { calls::discard(client, &upload_id).await });
        }
        self.0.items.update(|items| items.retain(|known| known.id != item.id));
        self.pump();
    }

    /// Takes finished files off the list; they stay where they are.
    pub fn clear_done(self) {
        self.0.items.update(|items| items.retain(|item| !item.progress().with_untracked(Progress::is_done)));
        self.0.folder.replace(new_folder());
    }

    /// Puts the uploads of an earlier visit back on the list, those of `wanted` that the server still knows.
    pub async fn recall(self, wanted: &[String]) -> Result<(), ClientError> {
        let known = calls::list(self.0.client).await?;
        let wanted = |upload: &&Upload| wanted.contains(&upload.upload_id) && upload.status != UploadStatus::Cancelled;
        let mut items = self.0.items.get_clone_untracked();
        for upload in known.uploads.iter().filter(wanted) {
            let listed = items.iter().any(|item| item.upload_id().as_ref() == Some(&upload.upload_id));
            if !listed && let Some(item) = Item::known(self.new_id(), upload) {
                items.push(Rc::new(item));
            }
        }
        self.0.items.set(items);
        Ok(())
    }

    fn new_id(self) -> u64 {
        self.0.next_id.replace(self.0.next_id.get() + 1)
    }

    /// Starts as many steps as may be under way, first come first served, and sets the alarm for those that wait.
    fn pump(self) {
        let now = now_ms();
        let items = self.0.items.get_clone_untracked();
        let mut calls: usize = items.iter().map(|item| item.work.borrow().transfer.calls()).sum();
        let mut alarm: Option<f64> = None;
        for item in &items {
            while calls < PARALLEL_CALLS
                && let Some(step) = item.change(|transfer| transfer.next(now))
            {
                calls += 1;
                let item = item.clone();
                spawn_local(async move {
                    self.run(&item, step).await;
                    self.pump();
                });
            }
            if let Some(at) = item.work.borrow().transfer.wakes_at(now) {
                alarm = Some(alarm.map_or(at, |earlier| earlier.min(at)));
            }
        }
        *self.0.wake.borrow_mut() = alarm.map(|at| {
            #[expect(clippy::cast_possible_truncation, reason = "half a minute at most")]
            let wait = (at - now) as i32;
            Timeout::new(wait + 1, move || self.pump())
        });
    }

    async fn run(self, item: &Rc<Item>, step: Step) {
        let result = match &step {
            Step::Begin => self.begin(item).await,
            Step::Send(chunk) => self.send(item, *chunk).await,
            Step::Complete => self.complete(item).await,
        };
        match result {
            Ok(()) => {}
            Err(CallFailed::Forgotten) => item.change(transfer::Transfer::forgotten),
            Err(CallFailed::Missing(chunks)) => item.change(|transfer| transfer.still_missing(chunks)),
            Err(CallFailed::Trouble(trouble)) => {
                item.change(|transfer| transfer.failed(&step, trouble, now_ms(), js_sys::Math::random()));
            }
        }
    }

    async fn begin(self, item: &Rc<Item>) -> Result<(), CallFailed> {
        let Inner { client, .. } = *self.0;
        let fingerprint = self.fingerprint(item);
        let earlier = item.upload_id().or_else(|| fingerprint.as_deref().and_then(memory::recall));
        if let Some(upload_id) = earlier {
            match calls::look(client, &upload_id).await {
                Ok(upload) if upload.status == UploadStatus::Completed => {
                    item.change(|transfer| transfer.resumed_complete(upload_id, upload.file_path.unwrap_or_default()));
                    return Ok(());
                }
                Ok(upload) if upload.status == UploadStatus::Uploading && upload.file_info.size == item.info.size => {
                    item.change(|transfer| {
                        transfer.began(
                            upload_id,
                            upload.chunk_size,
                            upload.total_chunks,
                            Some(upload.missing_chunks.unwrap_or_default()),
                            now_ms(),
                        );
                    });
                    return Ok(());
                }
                Ok(_) | Err(CallFailed::Forgotten) => memory::forget(&upload_id),
                Err(other) => return Err(other),
            }
        }
        let replace = item.work.borrow().replace;
        let folder = self.0.folder.borrow().clone();
        let started = calls::init(client, folder, &item.name, item.info.size, replace).await?;
        if let Some(fingerprint) = fingerprint {
            memory::remember(&fingerprint, &started.upload_id);
        }
        item.change(|transfer| {
            transfer.began(started.upload_id, started.chunk_size, started.total_chunks, None, now_ms());
        });
        Ok(())
    }

    async fn send(self, item: &Rc<Item>, chunk: u32) -> Result<(), CallFailed> {
        let (file, upload_id, range) = {
            let work = item.work.borrow();
            let upload_id = work.transfer.upload_id().map(str::to_owned);
            (work.file.clone(), upload_id, work.transfer.range(chunk))
        };
        let (Some(file), Some(upload_id)) = (file, upload_id) else {
            return Err(CallFailed::Trouble(Trouble::Final(Failure::Unreadable)));
        };
        calls::send_chunk(self.0.client, &file, &upload_id, chunk, range).await?;
        item.change(|transfer| transfer.sent(chunk, now_ms()));
        Ok(())
    }

    async fn complete(self, item: &Rc<Item>) -> Result<(), CallFailed> {
        let upload_id = item.upload_id().ok_or(CallFailed::Forgotten)?;
        let finished = calls::complete(self.0.client, &upload_id).await?;
        memory::forget(&upload_id);
        item.change(|transfer| transfer.completed(finished.file_path));
        Ok(())
    }

    fn fingerprint(self, item: &Item) -> Option<String> {
        let user = self.0.client.session.user()?;
        let work = item.work.borrow();
        let file = work.file.as_ref()?;
        Some(memory::fingerprint(&user.username, &item.name, item.info.size, file.last_modified()))
    }

    /// Closing the tab stops uploads: the browser asks first.
    fn ask_before_leaving(self) {
        let ask = Closure::<dyn FnMut(BeforeUnloadEvent)>::new(move |event: BeforeUnloadEvent| {
            let active = self
                .0
                .items
                .with_untracked(|items| items.iter().any(|item| item.progress().with_untracked(Progress::is_active)));
            if active {
                event.prevent_default();
            }
        });
        let _ = window().add_event_listener_with_callback("beforeunload", ask.as_ref().unchecked_ref());
        // Asks for as long as the page lives.
        ask.forget();
    }
}

/// A folder's name that no other job's files have. Not a secret: the server lets nobody into somebody else's folder.
fn new_folder() -> String {
    format!("{:013x}{:013x}", random_bits(), random_bits())
}

/// 52 random bits.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 2^52")]
fn random_bits() -> u64 {
    const TWO_TO_THE_52ND: f64 = 4_503_599_627_370_496.0;
    (js_sys::Math::random() * TWO_TO_THE_52ND) as u64
}

/// The upload list of this page.
pub fn use_uploads() -> Uploads {
    use_context()
}

fn file_size(file: &File) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a file's size is a whole number, not negative, below 2^53"
    )]
    let size = file.size() as u64;
    size
}
