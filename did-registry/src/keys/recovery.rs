//! Replacing the feed key: the recovery key, which is kept elsewhere, and the files of the key that takes over.
//!
//! ```text
//!   feed-next.jwk (made) --> the store says so, in one write --> feed.jwk (renamed)
//! ```
//!
//! A crash after the write leaves the file to be renamed by the next start.

use core::fmt;
use std::io;
use std::path::Path;

use handfast_identity::{DidKey, OsRandom, SigningKey};

use super::files::{FEED_FILE, KEYS_DIRECTORY, KeyFileError, io_error, read_signing, signing, sync_directory, write};

const NEXT_FEED_FILE: &str = "feed-next.jwk";

/// The key that alone can put another feed key in the place of the one that resource servers pin.
pub struct RecoveryKey(SigningKey);

impl RecoveryKey {
    /// A fresh one.
    #[must_use]
    pub fn generate() -> Self {
        Self(SigningKey::generate_ed25519(&mut OsRandom))
    }

    /// Reads the file that [`Self::write`] wrote.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`], also for a file that others can read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        read_signing(path.as_ref()).map(Self)
    }

    /// Writes it to a file that must not exist, for its user only, durably.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), KeyFileError> {
        let path = path.as_ref();
        write(path, &self.0.expose_private_jwk())?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        sync_directory(folder)
    }

    /// The half that registry and resource servers know it by.
    #[must_use]
    pub fn did(&self) -> DidKey {
        self.0.public().did()
    }

    pub(crate) const fn signing(&self) -> &SigningKey {
        &self.0
    }
}

impl fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecoveryKey(redacted, {})", self.0.public().thumbprint())
    }
}

/// The feed key of the registry in `directory`.
pub(crate) fn feed_key(directory: &Path) -> Result<DidKey, KeyFileError> {
    signing(&directory.join(KEYS_DIRECTORY), FEED_FILE).map(|key| key.public().did())
}

/// A fresh key that is to follow it. One that an attempt before this left behind is not used: whoever was here since may have it.
pub(crate) fn next_feed_key(directory: &Path) -> Result<DidKey, KeyFileError> {
    let directory = directory.join(KEYS_DIRECTORY);
    let path = directory.join(NEXT_FEED_FILE);
    match std::fs::remove_file(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io_error(&path, error)),
    }
    let key = SigningKey::generate_ed25519(&mut OsRandom);
    write(&path, &key.expose_private_jwk())?;
    sync_directory(&directory)?;
    Ok(key.public().did())
}

/// Puts the key that follows in its place, if it is the one that was `named` and is not there yet.
pub(crate) fn settle_feed_key(directory: &Path, named: &DidKey) -> Result<(), KeyFileError> {
    if feed_key(directory)? == *named {
        return Ok(());
    }
    let directory = directory.join(KEYS_DIRECTORY);
    match signing(&directory, NEXT_FEED_FILE) {
        Ok(next) if next.public().did() == *named => {
            let path = directory.join(FEED_FILE);
            std::fs::rename(directory.join(NEXT_FEED_FILE), &path).map_err(|error| io_error(&path, error))?;
            sync_directory(&directory)
        }
        // the start says what is wrong
        Ok(_) => Ok(()),
        Err(error) if error.is_missing() => Ok(()),
        Err(error) => Err(error),
    }
}
