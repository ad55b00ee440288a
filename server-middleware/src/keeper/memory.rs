//! Where each issuer's feed stood, kept across restarts: without it a restart would forget that a feed once was further (P-12).
//!
//! One file an issuer, replaced as a whole and synced before anybody relies on it (spec/revocation-feed.md, across restarts).

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use handfast_identity::json::{self, Limits};
use handfast_identity::{ContentHash, base64url};
use handfast_verifier::revocation::{FeedMemory, FeedPosition, Head, MAX_EPOCH_BYTES};
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
        "`{}` does not say where the feed of `{issuer}` stood: restore the file; only if the registry's operator vouches for \
         the feed as it is now, remove it",
        path.display()
    )]
    Content {
        /// The file.
        path: PathBuf,
        /// The issuer it should be about.
        issuer: String,
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

    /// The file of `issuer`.
    pub(super) fn file(&self, issuer: &str) -> PositionFile {
        let hash = ContentHash::of(issuer.as_bytes());
        let name = hash.as_bytes().get(..NAME_BYTES).map(base64url::encode).unwrap_or_default();
        let path = self.path.join(format!("feed-{name}.json"));
        PositionFile { path, issuer: issuer.to_owned(), lock: Arc::downgrade(&self.lock) }
    }
}

impl PositionFile {
    /// Where the feed stood, and whether it was rolled back since; `None` if nothing was ever kept of it.
    pub(super) fn load(&self) -> Result<Option<FeedMemory>, StateError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.io(error)),
        };
        let mut bytes = Vec::new();
        let limit = u64::try_from(MAX_STATE_BYTES).unwrap_or(u64::MAX);
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| self.io(error))?;
        let content = || StateError::Content { path: self.path.clone(), issuer: self.issuer.clone() };
        let wire: Wire = json::read_object(&bytes, &Limits::plain(MAX_STATE_BYTES)).map_err(|_| content())?;
        let Wire { v, iss, epoch, seq, head, rolled_back } = wire;
        let is_ours = v == FORMAT && iss == self.issuer && (1..=MAX_EPOCH_BYTES).contains(&epoch.len());
        let position = FeedPosition { epoch, seq, head };
        if is_ours { Ok(Some(FeedMemory { position, is_rolled_back: rolled_back })) } else { Err(content()) }
    }

    /// Keeps `memory`, durably: after a crash the file holds it or what it held before. Blocks for as long as the disk takes.
    pub(super) fn save(&self, memory: &FeedMemory) -> Result<(), StateError> {
        // held while it is written
        let Some(_directory) = self.lock.upgrade() else { return Err(StateError::Locked(self.path.clone())) };
        let FeedMemory { position: FeedPosition { epoch, seq, head }, is_rolled_back } = memory.clone();
        let wire = Wire { v: FORMAT, iss: self.issuer.clone(), epoch, seq, head, rolled_back: is_rolled_back };
        let bytes = json::to_jcs(&wire).map_err(|error| self.io(io::Error::other(error.to_string())))?;
        self.replace(&bytes).map_err(|error| self.io(error))
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let next = self.path.with_extension("next");
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&next)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&next, &self.path)?;
        self.path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    }

    fn io(&self, source: io::Error) -> StateError {
        StateError::Io { path: self.path.clone(), source }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use super::*;

    const ISSUER: &str = "https://registry.example";

    fn position(seq: u64) -> FeedMemory {
        let position = FeedPosition { epoch: "e1".to_owned(), seq, head: Head::start(ISSUER, "e1") };
        FeedMemory { position, is_rolled_back: seq == 4 }
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
