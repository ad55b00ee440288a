//! The one writer: takes the batches that wait, makes them one durable write, then answers all of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::embedded::Shared;
use super::engine::EngineError;
use super::plan::{Group, Refused};
use super::{Batch, CommitError, Committed, FeedLink, StoreError};

/// The most batches that wait; the next one gets [`StoreError::Overloaded`]. With batches of at most 256 KiB that
/// bounds the queue at 64 MiB (P-18).
pub const QUEUE_MAX_BATCHES: usize = 256;

/// A group stops growing at this size, so that one write fits a few engine segments of 512 KiB.
const GROUP_MAX_BYTES: usize = 1024 * 1024;

/// A group waits for more batches for this part of the time that the last one took, and never longer than [`PATIENCE_MAX`].
const PATIENCE_PART: u32 = 4;
const PATIENCE_MAX: Duration = Duration::from_millis(1);

type Answer = Result<Committed, CommitError>;

/// A batch and where its answer goes.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) batch: Batch,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// Starts the writer. It ends when the queue's sender is dropped, or with the first failure.
pub(super) fn start(
    shared: Arc<Shared>,
    link: Arc<dyn FeedLink>,
) -> Result<(SyncSender<Job>, JoinHandle<()>), StoreError> {
    let (queue, jobs) = sync_channel(QUEUE_MAX_BATCHES);
    let thread = Builder::new()
        .name("store-committer".to_owned())
        .spawn(move || run(&shared, &*link, &jobs))
        .map_err(|error| StoreError::Unavailable { reason: format!("no thread for the committer: {error}") })?;
    Ok((queue, thread))
}

/// Serves groups until the queue closes. After a failure whatever is queued is dropped with the receiver, and its callers
/// get [`StoreError::Unavailable`].
fn run(shared: &Shared, link: &dyn FeedLink, jobs: &Receiver<Job>) {
    let mut last = Last::default();
    while let Ok(first) = jobs.recv() {
        let group = gather(first, jobs, last).into_iter().map(|job| (job.batch, job.answer));
        let (batches, callers): (Vec<_>, Vec<_>) = group.unzip();
        // INVARIANT: `callers` outlive `fail`, so nobody is answered before the failure is known.
        let start = Instant::now();
        let results = match catch_unwind(AssertUnwindSafe(|| serve(shared, link, &batches))) {
            Ok(Ok(results)) => results,
            Ok(Err(error)) => return shared.fail(&error.to_string()),
            Err(_) => return shared.fail("the committer panicked"),
        };
        last = Last { batches: callers.len(), took: start.elapsed() };
        for (caller, result) in callers.into_iter().zip(results) {
            // A caller that has gone away does not take its batch back.
            let _ = caller.send(result);
        }
    }
}

/// The group before this one.
#[derive(Debug, Clone, Copy, Default)]
struct Last {
    batches: usize,
    took: Duration,
}

/// Takes what waits. Whoever was answered just now is likely to come again at once: so it waits for as many as the last group had,
/// but for a small part of what that one took. Without it a group of one goes first and all others wait for it.
fn gather(first: Job, jobs: &Receiver<Job>, last: Last) -> Vec<Job> {
    let until = Instant::now() + (last.took / PATIENCE_PART).min(PATIENCE_MAX);
    let mut bytes = first.batch.bytes();
    let mut group = vec![first];
    while bytes < GROUP_MAX_BYTES {
        let job = match jobs.try_recv() {
            Ok(job) => job,
            Err(_) if group.len() >= last.batches => break,
            Err(_) => match jobs.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(job) => job,
                Err(_) => break,
            },
        };
        bytes += job.batch.bytes();
        group.push(job);
    }
    group
}

/// Commits one group and gives its results, in order. An error is the end of the store.
///
/// Even refusals wait for the write: they may rest on a batch of the same group, and if that one does not become
/// durable, the conflict never was.
fn serve(shared: &Shared, link: &dyn FeedLink, batches: &[Batch]) -> Result<Vec<Answer>, EngineError> {
    let mut group = Group::new(shared.positions(), batches.len());
    let mut results = Vec::with_capacity(batches.len());
    for batch in batches {
        match group.admit(batch, shared.engine(), link) {
            Ok(committed) => results.push(Ok(committed)),
            Err(Refused::Batch(error)) => results.push(Err(error)),
            Err(Refused::Engine(error)) => return Err(error),
        }
    }
    if !group.is_empty() {
        let positions = *group.positions();
        let (before, changes) = group.split();
        shared.hide(before);
        shared.engine().write(changes)?;
        shared.reveal(positions);
    }
    Ok(results)
}
