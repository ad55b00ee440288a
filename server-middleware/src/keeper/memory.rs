//! Where each issuer's feed stood, kept across restarts: without it a restart would forget that a feed once was further (P-12).
//!
//! One file an issuer, replaced as a whole and synced before anybody relies on it (spec/revocation-feed.md, across restarts); another
//! one where the recovery key has named a new feed key. How new status lists were is kept beside them, by `list_memory`.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use handfast_identity::json::{self, Limits};
use handfast_identity::{ContentHash, base64url};
use handfast_verifier::revocation::{
    FeedKeyError, FeedMemory, FeedPosition, Head, MAX_EPOCH_BYTES, MAX_FEED_KEY_BYTES,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Longest file read: the longest has some 700 bytes.
const MAX_STATE_BYTES: usize = 4096;
/// Bytes of an issuer's hash in the name of its file.
const NAME_BYTES: usize = 16;
const LOCK_FILE: &str = "lock";
const FORMAT: u8 = 1;

/// Why what is kept across restarts cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StateError {
    /// The directory or a file in it cannot be made, read or written.
    #[error("`{}`: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The operating system's words.
        #[source]
        source: io::Error,
    },
    /// Another server has the directory.
    #[error("`{}` is in use by another server: each needs its own", .0.display())]
    Locked(PathBuf),
    /// Not what this program writes for this issuer.
    #[error(
        "`{}` does not say what was last heard of `{issuer}`: restore the file; only if the registry's operator vouches for \
         what it says now, remove it",
        path.display()
    )]
    Content {
        /// The file.
        path: PathBuf,
        /// The issuer it should be about.
        issuer: String,
    },
    /// What is kept about the feed key is not what the pinned recovery key says.
    #[error(
        "`{}` holds a statement about the feed key of `{issuer}` that does not count with the keys that are pinned ({why}): restore \
         `feed_recovery_key`; only if the registry has another recovery key by now, pin that and today's feed key, and remove \
         the file",
        path.display()
    )]
    Statement {
        /// The file.
        path: PathBuf,
        /// The issuer it should be about.
        issuer: String,
        /// What is wrong with it.
        #[source]
        why: FeedKeyError,
    },
}

/// The directory, this process's alone as long as it is held.
#[derive(Debug)]
pub(super) struct StateDirectory {
    path: PathBuf,
    lock: Arc<File>,
}

/// The file of one issuer.
#[derive(Clone, Debug)]
pub(super) struct PositionFile {
    path: PathBuf,
    issuer: String,
    /// Whoever has the directory no more writes nothing there.
    lock: Weak<File>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    v: u8,
    iss: String,
    epoch: String,
    seq: u64,
    head: Head,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    rolled_back: bool,
    #[serde(default, skip_serializing_if = "is_zero")]
    key_seq: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl StateDirectory {
    /// Takes the directory for this process, and makes it if it is missing. One that cannot be written is refused now, not when
    /// the first revocation arrives.
    pub(super) fn open(path: &Path) -> Result<Self, StateError> {
        let told = |path: &Path, source| StateError::Io { path: path.to_path_buf(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| told(path, error))?;
        let lock_path = path.join(LOCK_FILE);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let lock = options.open(&lock_path).map_err(|error| told(&lock_path, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_path_buf(), lock: Arc::new(lock) }),
            Err(TryLockError::WouldBlock) => Err(StateError::Locked(path.to_path_buf())),
            Err(TryLockError::Error(error)) => Err(told(&lock_path, error)),
        }
    }

    /// The file of the feed of `issuer`.
    pub(super) fn file(&self, issuer: &str) -> PositionFile {
        let path = self.path_of("feed", issuer);
        PositionFile { path, issuer: issuer.to_owned(), lock: self.lease() }
    }

    /// What can be held as long as the directory is this process's.
    pub(super) fn lease(&self) -> Weak<File> {
        Arc::downgrade(&self.lock)
    }

    /// Where `what` is kept of `issuer`.
    pub(super) fn path_of(&self, what: &str, issuer: &str) -> PathBuf {
        let hash = ContentHash::of(issuer.as_bytes());
        let name = hash.as_bytes().get(..NAME_BYTES).map(base64url::encode).unwrap_or_default();
        self.path.join(format!("{what}-{name}.json"))
    }
}

impl PositionFile {
    /// Where the feed stood, and whether it was rolled back since; `None` if nothing was ever kept of it.
    pub(super) fn load(&self) -> Result<Option<FeedMemory>, StateError> {
        let Some(bytes) = read(&self.path, MAX_STATE_BYTES)? else { return Ok(None) };
        let content = || StateError::Content { path: self.path.clone(), issuer: self.issuer.clone() };
        let wire: Wire = json::read_object(&bytes, &Limits::plain(MAX_STATE_BYTES)).map_err(|_| content())?;
        let Wire { v, iss, epoch, seq, head, rolled_back, key_seq } = wire;
        let is_ours = v == FORMAT && iss == self.issuer && (1..=MAX_EPOCH_BYTES).contains(&epoch.len());
        let position = FeedPosition { epoch, seq, head };
        let memory = FeedMemory { position, is_rolled_back: rolled_back, key_seq };
        if is_ours { Ok(Some(memory)) } else { Err(content()) }
    }

    /// Keeps `memory`, durably: after a crash the file holds it or what it held before. Blocks for as long as the disk takes.
    pub(super) fn save(&self, memory: &FeedMemory) -> Result<(), StateError> {
        // held while it is written
        let Some(_directory) = self.lock.upgrade() else { return Err(StateError::Locked(self.path.clone())) };
        let FeedMemory { position: FeedPosition { epoch, seq, head }, is_rolled_back, key_seq } = memory.clone();
        let iss = self.issuer.clone();
        let wire = Wire { v: FORMAT, iss, epoch, seq, head, rolled_back: is_rolled_back, key_seq };
        let bytes = json::to_jcs(&wire).map_err(|error| self.io(io::Error::other(error.to_string())))?;
        replace(&self.path, &bytes).map_err(|error| self.io(error))
    }

    /// What the recovery key last said about the feed key; `None` if nothing was ever kept of it.
    pub(super) fn load_statement(&self) -> Result<Option<String>, StateError> {
        let path = self.statement_path();
        let Some(bytes) = read(&path, MAX_FEED_KEY_BYTES)? else { return Ok(None) };
        String::from_utf8(bytes).map(Some).map_err(|_| self.not_the_recovery_keys(FeedKeyError::Malformed))
    }

    /// Keeps a statement, as durably as [`Self::save`].
    pub(super) fn save_statement(&self, statement: &str) -> Result<(), StateError> {
        let Some(_directory) = self.lock.upgrade() else { return Err(StateError::Locked(self.path.clone())) };
        let path = self.statement_path();
        replace(&path, statement.as_bytes()).map_err(|source| StateError::Io { path, source })
    }

    /// The kept statement does not count.
    pub(super) fn not_the_recovery_keys(&self, why: FeedKeyError) -> StateError {
        StateError::Statement { path: self.statement_path(), issuer: self.issuer.clone(), why }
    }

    fn statement_path(&self) -> PathBuf {
        self.path.with_extension("jwt")
    }

    fn io(&self, source: io::Error) -> StateError {
        StateError::Io { path: self.path.clone(), source }
    }
}

/// The bytes of a file that may not be there; one more than `most` tells that there are too many.
pub(super) fn read(path: &Path, most: usize) -> Result<Option<Vec<u8>>, StateError> {
    let told = |source| StateError::Io { path: path.to_path_buf(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(told(error)),
    };
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(told)?;
    Ok(Some(bytes))
}

/// Puts `bytes` in the place of the file, durably: after a crash it holds them or what it held before.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let next = path.with_extension("next");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&next)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&next, path)?;
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use super::*;

    const ISSUER: &str = "https://registry.example";

    fn position(seq: u64) -> FeedMemory {
        let position = FeedPosition { epoch: "e1".to_owned(), seq, head: Head::start(ISSUER, "e1") };
        FeedMemory { position, is_rolled_back: seq == 4, key_seq: seq / 2 }
    }

    #[test]
    fn what_is_kept_is_there_again_for_its_issuer_alone() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDirectory::open(&directory.path().join("new")).unwrap();
        assert_eq!(state.file(ISSUER).load().unwrap(), None);
        for seq in [3, 4] {
            state.file(ISSUER).save(&position(seq)).unwrap();
            assert_eq!(state.file(ISSUER).load().unwrap(), Some(position(seq)));
        }
        assert_eq!(state.file("https://other.example").load().unwrap(), None);
        drop(state);
        let again = StateDirectory::open(&directory.path().join("new")).unwrap();
        assert_eq!(again.file(ISSUER).load().unwrap(), Some(position(4)));
        // what a crash between writing and renaming leaves behind
        std::fs::write(again.file(ISSUER).path.with_extension("next"), "cut sh").unwrap();
        assert_eq!(again.file(ISSUER).load().unwrap(), Some(position(4)));
    }

    #[test]
    fn a_directory_is_one_servers() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDirectory::open(directory.path()).unwrap();
        let file = state.file(ISSUER);
        assert!(matches!(StateDirectory::open(directory.path()), Err(StateError::Locked(_))));
        drop(state);
        let again = StateDirectory::open(directory.path()).unwrap();
        assert!(matches!(file.save(&position(1)), Err(StateError::Locked(_))), "its time is over");
        assert_eq!(again.file(ISSUER).load().unwrap(), None);
    }

    #[test]
    fn damage_is_told_with_the_files_name() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDirectory::open(directory.path()).unwrap();
        let file = state.file(ISSUER);
        file.save(&position(1)).unwrap();
        let good = std::fs::read_to_string(&file.path).unwrap();
        let long = format!("{good}{}", " ".repeat(MAX_STATE_BYTES));
        let damaged = [
            String::new(),
            good[..good.len() - 1].to_owned(),
            good.replace(ISSUER, "https://other.example"),
            good.replace("\"v\":1", "\"v\":2"),
            good.replace("\"seq\":1", "\"seq\":-1"),
            good.replace("\"e1\"", "\"\""),
            good.replace('{', "{\"x\":1,"),
            long,
        ];
        for text in damaged {
            std::fs::write(&file.path, &text).unwrap();
            let error = file.load().unwrap_err();
            assert!(matches!(error, StateError::Content { .. }), "{text}");
            assert!(error.to_string().contains("feed-") && error.to_string().contains(ISSUER), "{error}");
        }
        std::fs::write(&file.path, good).unwrap();
        assert_eq!(file.load().unwrap(), Some(position(1)));
    }
}
