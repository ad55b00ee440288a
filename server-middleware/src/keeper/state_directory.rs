//! The state directory: what is kept of each issuer across restarts, a file each.
//!
//! A file is replaced as a whole and synced before anybody relies on it. Content and meaning are `memory`'s, of feeds, and
//! `list_memory`'s, of status lists.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use handfast_identity::json::{self, Limits};
use handfast_identity::{ContentHash, base64url};
use handfast_verifier::revocation::FeedKeyError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Bytes of an issuer's hash in the name of its file.
const NAME_BYTES: usize = 16;
const LOCK_FILE: &str = "lock";

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

/// A file of one issuer's in it, which may not be there yet.
#[derive(Clone, Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    issuer: String,
    /// Whoever has the directory no more writes nothing there.
    lock: Weak<File>,
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

    /// The file in which `what` is kept of `issuer`.
    pub(super) fn file(&self, what: &str, issuer: &str) -> StateFile {
        let hash = ContentHash::of(issuer.as_bytes());
        let name = hash.as_bytes().get(..NAME_BYTES).map(base64url::encode).unwrap_or_default();
        let path = self.path.join(format!("{what}-{name}.json"));
        StateFile { path, issuer: issuer.to_owned(), lock: Arc::downgrade(&self.lock) }
    }
}

impl StateFile {
    /// Whose it is.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The file beside it with another extension.
    pub(super) fn beside(&self, extension: &str) -> Self {
        Self { path: self.path.with_extension(extension), ..self.clone() }
    }

    /// What it holds, if it is there; one byte more than `most` tells that there are too many.
    pub(super) fn bytes(&self, most: usize) -> Result<Option<Vec<u8>>, StateError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.io(error)),
        };
        let mut bytes = Vec::new();
        let limit = u64::try_from(most).unwrap_or(u64::MAX);
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| self.io(error))?;
        Ok(Some(bytes))
    }

    /// The object that it holds, if it is there.
    pub(super) fn object<T: DeserializeOwned>(&self, limits: &Limits) -> Result<Option<T>, StateError> {
        let Some(bytes) = self.bytes(limits.max_bytes)? else { return Ok(None) };
        json::read_object(&bytes, limits).map(Some).map_err(|_| self.content())
    }

    /// Puts `bytes` in its place, durably: after a crash it holds them or what it held before. Blocks for as long as the disk takes.
    pub(super) fn replace(&self, bytes: &[u8]) -> Result<(), StateError> {
        // held while it is written
        let Some(_directory) = self.lock.upgrade() else { return Err(StateError::Locked(self.path.clone())) };
        replace(&self.path, bytes).map_err(|error| self.io(error))
    }

    /// The same with an object.
    pub(super) fn replace_object<T: Serialize>(&self, object: &T) -> Result<(), StateError> {
        self.replace(&json::to_jcs(object).map_err(|error| self.io(io::Error::other(error.to_string())))?)
    }

    /// It is not what this program writes for its issuer.
    pub(super) fn content(&self) -> StateError {
        StateError::Content { path: self.path.clone(), issuer: self.issuer.clone() }
    }

    /// The statement in it does not count.
    pub(super) fn not_the_recovery_keys(&self, why: FeedKeyError) -> StateError {
        StateError::Statement { path: self.path.clone(), issuer: self.issuer.clone(), why }
    }

    fn io(&self, source: io::Error) -> StateError {
        StateError::Io { path: self.path.clone(), source }
    }

    #[cfg(test)]
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
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

    #[test]
    fn a_directory_is_one_servers() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDirectory::open(&directory.path().join("new")).unwrap();
        let file = state.file("feed", "https://registry.example");
        assert!(matches!(StateDirectory::open(&directory.path().join("new")), Err(StateError::Locked(_))));
        file.replace(b"1").unwrap();
        drop(state);
        let again = StateDirectory::open(&directory.path().join("new")).unwrap();
        assert!(matches!(file.replace(b"2"), Err(StateError::Locked(_))), "its time is over");
        let file = again.file("feed", "https://registry.example");
        // what a crash between writing and renaming leaves behind
        std::fs::write(file.path().with_extension("next"), "cut sh").unwrap();
        assert_eq!(file.bytes(1).unwrap(), Some(b"1".to_vec()));
        assert_eq!(again.file("feed", "https://other.example").bytes(1).unwrap(), None);
        assert_eq!(again.file("lists", "https://registry.example").bytes(1).unwrap(), None);
    }
}
