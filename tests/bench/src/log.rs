//! The least that a durable store can do: bytes at the end of one file, a data sync, and the answer to all who waited.

use std::fs::{File, OpenOptions};
use std::io::{Seek, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{JoinHandle, spawn};

use tokio::sync::oneshot;

/// What is laid out: more than a run writes.
const LAID_OUT_BYTES: usize = 512 << 20;

/// How a log's file grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// With each write, so that each data sync has to keep a new length too.
    Growing,
    /// Not at all: its blocks were written before.
    LaidOut,
}

type Entry = (Vec<u8>, oneshot::Sender<()>);

/// A log with one writing thread, which takes all that waits at once.
pub struct BareLog {
    queue: Option<SyncSender<Entry>>,
    thread: Option<JoinHandle<()>>,
    syncs: Arc<AtomicU64>,
}

impl BareLog {
    /// A new log in `directory`.
    pub fn create(directory: &Path, kind: Kind) -> Self {
        let path = directory.join(format!("{kind:?}"));
        let mut file = OpenOptions::new().create_new(true).write(true).open(path).expect("a file");
        if kind == Kind::LaidOut {
            file.write_all(&vec![0; LAID_OUT_BYTES]).expect("the disk takes it");
            file.sync_all().expect("the disk keeps it");
            file.rewind().expect("a file has a beginning");
        }
        let (queue, entries) = sync_channel(256);
        let syncs = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&syncs);
        let thread = spawn(move || run(file, &entries, &counted));
        Self { queue: Some(queue), thread: Some(thread), syncs }
    }

    /// Appends `bytes`; they are durable when it answers.
    pub async fn append(&self, bytes: Vec<u8>) {
        let (answer, answered) = oneshot::channel();
        self.queue.as_ref().expect("it is open").send((bytes, answer)).expect("the thread runs");
        answered.await.expect("the thread runs");
    }

    /// How many data syncs there were.
    pub fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }
}

impl Drop for BareLog {
    fn drop(&mut self) {
        self.queue = None;
        let _ = self.thread.take().expect("it was started").join();
    }
}

fn run(mut file: File, entries: &Receiver<Entry>, syncs: &AtomicU64) {
    let mut bytes = Vec::new();
    let mut waiting = Vec::new();
    while let Ok(first) = entries.recv() {
        bytes.clear();
        for (entry, answer) in std::iter::once(first).chain(entries.try_iter()) {
            bytes.extend_from_slice(&entry);
            waiting.push(answer);
        }
        file.write_all(&bytes).expect("the disk takes it");
        file.sync_data().expect("the disk keeps it");
        syncs.fetch_add(1, Ordering::Relaxed);
        for answer in waiting.drain(..) {
            let _ = answer.send(());
        }
    }
}
