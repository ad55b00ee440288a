//! Opening the embedded store: directory, lock, sled, and syncs of what sled creates without syncing.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::sled_engine::{SledEngine, guarded};
use super::{Batch, BetweenEpochs, EmbeddedStore, FeedLink, FormerEpoch, StoreError, epoch};

/// The memory sled may use for pages. Registries whose data is much larger belong on a database server.
pub const CACHE_BYTES: u64 = 256 * 1024 * 1024;

/// How long to wait for the sled of a store this process has just closed: its background threads hold the data file a
/// little longer than the database itself lives.
const RELEASE_WAIT: Duration = Duration::from_secs(5);
/// How long to wait for the directory itself: a program that is being started holds a copy of the handles of whoever starts it,
/// closed ones too, until it runs.
const LOCK_WAIT: Duration = Duration::from_millis(250);
const LOCK_POLL: Duration = Duration::from_millis(5);

const LOCK_FILE: &str = "lock";
const DATA_FILE: &str = "db";
const CONFIG_FILE: &str = "conf";
const BLOBS_DIRECTORY: &str = "blobs";
const UNFINISHED_SNAPSHOT: &str = ".generating";

/// Where an embedded store is, and what a new one starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SledOptions {
    /// The store's own directory. It is made with mode 0700 if it is missing.
    pub directory: PathBuf,
    /// The epoch of the feed in a *new* store, or the one to begin: fresh and random, 1 to [`EPOCH_MAX_BYTES`](super::EPOCH_MAX_BYTES)
    /// printable ASCII characters. An existing store keeps its own.
    pub new_epoch: String,
}

/// Opens the embedded store in a directory, or makes a new one there.
///
/// # Errors
///
/// [`StoreError::Locked`] if it is open elsewhere, [`StoreError::NewerFormat`] if a newer version wrote it,
/// [`StoreError::Directory`] if the path cannot be used (rights, read-only, full), [`StoreError::Epoch`],
/// [`StoreError::Corrupt`], or [`StoreError::Unavailable`] with sled's words. Nothing acknowledged is lost by a refusal.
pub fn open_sled(options: &SledOptions, link: Arc<dyn FeedLink>) -> Result<EmbeddedStore, StoreError> {
    EmbeddedStore::start(Box::new(engine(&options.directory)?), link, &options.new_epoch)
}

/// Begins a new epoch of the feed in the store of a directory, which nothing may have open: what a restored backup needs before
/// it is served. Every kept entry is in the new epoch too, and what `act` makes is written in the same act.
///
/// # Errors
///
/// As [`open_sled`]; [`StoreError::Corrupt`] where there is no store yet; whatever `act` says.
pub fn begin_epoch_sled<E: From<StoreError>>(
    options: &SledOptions,
    link: &dyn FeedLink,
    act: impl FnOnce(&BetweenEpochs<'_>) -> Result<Batch, E>,
) -> Result<FormerEpoch, E> {
    epoch::begin(&engine(&options.directory)?, link, &options.new_epoch, act)
}

fn engine(directory: &Path) -> Result<SledEngine, StoreError> {
    let directory = &std::path::absolute(directory).map_err(|error| unusable(directory, &error))?;
    let first_existing = make_directory(directory)?;
    let lock = lock(directory)?;
    await_release(directory)?;
    remove_unfinished_snapshots(directory)?;
    let config = sled::Config::new().path(directory).cache_capacity(CACHE_BYTES);
    let database = guarded("open", || config.open()).map_err(|error| StoreError::Unavailable { reason: error.0 })?;
    sync_created(directory, &first_existing)?;
    let data_file = open_file(OpenOptions::new().read(true), &directory.join(DATA_FILE))?;
    Ok(SledEngine::new(database, data_file, lock))
}

/// Makes the directory with its missing parents and gives the nearest ancestor that was there before.
fn make_directory(directory: &Path) -> Result<PathBuf, StoreError> {
    let existing = directory.ancestors().find(|path| path.exists()).unwrap_or(directory).to_path_buf();
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|error| unusable(directory, &error))?;
    Ok(existing)
}

/// Takes the directory for this process. The lock goes with the file handle, and so with the process.
fn lock(directory: &Path) -> Result<File, StoreError> {
    let path = directory.join(LOCK_FILE);
    let file = open_file(OpenOptions::new().create(true).truncate(false).write(true).mode(0o600), &path)?;
    await_lock(&file, LOCK_WAIT, directory)?;
    Ok(file)
}

/// Locks a file of `directory`, waiting so long at most.
fn await_lock(file: &File, wait: Duration, directory: &Path) -> Result<(), StoreError> {
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if start.elapsed() < wait => thread::sleep(LOCK_POLL),
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked { directory: directory.to_path_buf() }),
            Err(TryLockError::Error(error)) => return Err(unusable(directory, &error)),
        }
    }
}

/// Waits until no earlier sled holds the data file. Our own lock is held by now, so it can only be on its way out.
fn await_release(directory: &Path) -> Result<(), StoreError> {
    let path = directory.join(DATA_FILE);
    if !path.exists() {
        return Ok(());
    }
    let file = open_file(OpenOptions::new().read(true).write(true), &path)?;
    await_lock(&file, RELEASE_WAIT, directory)
}

/// sled writes a snapshot of its page table under a name of its own while opening, then renames it; when it is killed
/// in between, it takes the unfinished file for the newest snapshot ever after and refuses to open.
fn remove_unfinished_snapshots(directory: &Path) -> Result<(), StoreError> {
    let told = |error: io::Error| unusable(directory, &error);
    for entry in directory.read_dir().map_err(told)? {
        let path = entry.map_err(told)?.path();
        if path.to_string_lossy().ends_with(UNFINISHED_SNAPSHOT) {
            std::fs::remove_file(&path).map_err(|error| unusable(&path, &error))?;
        }
    }
    Ok(())
}

/// Makes durable what opening created: sled's files, their names, and the names of new directories above.
fn sync_created(directory: &Path, first_existing: &Path) -> Result<(), StoreError> {
    for name in [CONFIG_FILE, DATA_FILE, BLOBS_DIRECTORY] {
        sync(&directory.join(name))?;
    }
    for path in directory.ancestors().take_while(|path| path.starts_with(first_existing)) {
        sync(path)?;
    }
    // Made by an earlier start that did not come this far, its name may still be missing on the disk. A parent that was
    // there before us need not be readable, though.
    match directory.parent().map(|parent| (parent, File::open(parent))) {
        Some((_, Err(error))) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Some((parent, _)) => sync(parent),
        None => Ok(()),
    }
}

fn sync(path: &Path) -> Result<(), StoreError> {
    let file = open_file(OpenOptions::new().read(true), path)?;
    file.sync_all().map_err(|error| unusable(path, &error))
}

fn open_file(options: &OpenOptions, path: &Path) -> Result<File, StoreError> {
    options.open(path).map_err(|error| unusable(path, &error))
}

fn unusable(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Directory { path: path.to_path_buf(), reason: error.to_string() }
}
