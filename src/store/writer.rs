//! The one thread that writes. Changes that wait together are committed together: one sync for all of them.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::StoreError;
use super::engine::Engine;
use super::tx::{Tx, Written};

/// Most changes in one commit.
const MAX_BATCH: usize = 512;
/// Pause between two attempts to open the file again after its disk failed.
const REOPEN_EVERY: Duration = Duration::from_secs(1);

/// What the thread is asked to do.
pub enum Task {
    /// Make a change.
    Change(Box<dyn Change>),
    /// Open the file again: a read found that the disk had failed.
    Reopen,
    /// Do something while nothing writes.
    Alone(Box<dyn FnOnce(&Engine) + Send>),
}

/// A change that waits for its commit. It may run more than once, each time in a fresh transaction.
pub trait Change: Send {
    /// Makes it.
    fn run(&mut self, tx: &Tx<'_>) -> Result<(), StoreError>;
    /// Says what came of it.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// A closure as a [`Change`].
pub struct Waiting<T, W, A> {
    /// Makes the change.
    pub work: W,
    /// What it came to.
    pub value: Option<T>,
    /// Takes the outcome.
    pub answer: A,
}

impl<T, W, A> Change for Waiting<T, W, A>
where
    T: Send,
    W: Fn(&Tx<'_>) -> Result<Written<T>, StoreError> + Send,
    A: FnOnce(Result<T, StoreError>) + Send,
{
    fn run(&mut self, tx: &Tx<'_>) -> Result<(), StoreError> {
        self.value = Some((self.work)(tx)?.into_value());
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { value, answer, .. } = *self;
        answer(committed.and_then(|()| value.ok_or(StoreError::Closed)));
    }
}

/// Works until nobody can ask any more.
pub fn run(engine: &Arc<Engine>, tasks: &Receiver<Task>) {
    loop {
        let task = if engine.is_open() {
            tasks.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            tasks.recv_timeout(REOPEN_EVERY)
        };
        let mut next = match task {
            Ok(task) => Some(task),
            Err(RecvTimeoutError::Timeout) => Some(Task::Reopen),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        while let Some(task) = next.take() {
            match task {
                Task::Reopen => engine.reopen_if_failed(),
                Task::Alone(work) => work(engine),
                Task::Change(first) => {
                    let mut batch = vec![first];
                    while batch.len() < MAX_BATCH {
                        match tasks.try_recv() {
                            Ok(Task::Change(change)) => batch.push(change),
                            Ok(other) => {
                                next = Some(other);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                    commit(engine, batch);
                }
            }
        }
    }
}

/// Commits a batch. A change that fails is taken out and the others are made again without it.
fn commit(engine: &Engine, mut batch: Vec<Box<dyn Change>>) {
    while !batch.is_empty() {
        match attempt(engine, &mut batch) {
            Ok(()) => return batch.into_iter().for_each(|change| change.answer(Ok(()))),
            Err(Failure::Of(index, error)) => batch.swap_remove(index).answer(Err(error)),
            Err(Failure::All(error)) => {
                // First, so that whoever hears of it and tries again finds the file open.
                engine.reopen_if_failed();
                return batch.into_iter().for_each(|change| change.answer(Err(error.clone())));
            }
        }
    }
}

enum Failure {
    /// One change failed by itself.
    Of(usize, StoreError),
    /// The store failed.
    All(StoreError),
}

fn attempt(engine: &Engine, batch: &mut [Box<dyn Change>]) -> Result<(), Failure> {
    engine.check_room().map_err(Failure::All)?;
    let database = engine.database().map_err(Failure::All)?;
    let transaction = database.begin_write().map_err(|error| Failure::All(error.into()))?;
    let mut has_changed = false;
    for (index, change) in batch.iter_mut().enumerate() {
        let tx = Tx::new(&transaction);
        let made = catch_unwind(AssertUnwindSafe(|| change.run(&tx))).unwrap_or(Err(StoreError::Panicked));
        match made {
            Ok(()) => has_changed |= tx.has_changed(),
            Err(error) if error.is_disk() => return Err(Failure::All(error)),
            Err(error) => return Err(Failure::Of(index, error)),
        }
    }
    let ended = if has_changed {
        transaction.commit().map_err(StoreError::from)
    } else {
        transaction.abort().map_err(StoreError::from)
    };
    ended.map_err(Failure::All)
}
