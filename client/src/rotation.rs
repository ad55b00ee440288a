//! An agent's key file through a rotation: the new key is on the disk before the registry hears of it, the old one until it is known
//! what became of that.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::agent::Agent;
use crate::error::ClientError;
use crate::key::DpopKey;
use crate::keyfile::{KeyFile, KeyFileError};
use crate::registry::Rotated;

/// What the new key's file is called until it takes the old one's place.
const SUFFIX: &str = ".next";

/// Where the new key of a rotation of `path` is kept until it is current.
#[must_use]
pub fn next_key_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(SUFFIX);
    PathBuf::from(name)
}

impl Agent {
    /// Rotates the key of `path`, this agent's file, to a fresh one of the same kind. Every client, token manager and delegation made
    /// of this agent goes on: what it holds is good to its end, and what it asks for next is by the new key.
    ///
    /// | | on the disk | after a crash here, called again |
    /// |---|---|---|
    /// | 1 | old key | begins |
    /// | 2 | old key, and the new one beside it (`path` and `.next`) | sends that one |
    /// | 3 | the same; the registry has taken it | sees that, and goes on |
    /// | 4 | the new key under `path`, and beside it | clears away |
    ///
    /// Where the owner has to approve, the answer is [`Rotated::Waiting`]: call it again later, and steps 3 and 4 follow.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; both keys stay on the disk then.
    pub async fn rotate(&self, path: impl AsRef<Path>) -> Result<Rotated, ClientError> {
        let (path, next) = (path.as_ref(), next_key_path(path.as_ref()));
        let kept = self.key_file().load_beside(path)?;
        let new = prepared(&kept, &next)?;
        if kept.key.did() == new.key.did() {
            self.registry().adopt(&new.key).await?;
            clear(&next)?;
            return Ok(Rotated::Done);
        }
        let rotated = self.registry().rotate(&new.key).await?;
        if rotated == Rotated::Done {
            // whole or not at all, and the file beside it stays until that is on the disk
            kept.with_key(new.key).danger_overwrite(path)?;
            clear(&next)?;
        }
        Ok(rotated)
    }

    /// Goes on with the key in `path`, if the registry says that it is this agent's by now: another process rotated it.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn reload(&self, path: impl AsRef<Path>) -> Result<bool, ClientError> {
        self.registry().adopt(&self.key_file().load_beside(path)?.key).await
    }
}

/// The new key, from the file beside the old one; made and written there if there is none.
fn prepared(kept: &KeyFile, next: &Path) -> Result<KeyFile, KeyFileError> {
    match kept.load_beside(next) {
        Ok(begun) => return Ok(begun),
        Err(KeyFileError::Io { cause, .. }) if cause.kind() == std::io::ErrorKind::NotFound => {}
        // its name was taken and nothing written yet: no registry heard of what was to come
        Err(_) if std::fs::metadata(next).is_ok_and(|file| file.is_file() && file.len() == 0) => clear(next)?,
        Err(error) => return Err(error),
    }
    let fresh = kept.clone().with_key(DpopKey::generate_like(&kept.key));
    fresh.create(next)?;
    Ok(fresh)
}

fn clear(next: &Path) -> Result<(), KeyFileError> {
    match std::fs::remove_file(next) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(KeyFileError::Io { path: next.to_owned(), cause })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
