//! An agent's key file through a rotation: the new key is on the disk before the registry hears of it, the old one until it is known
//! what became of that.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::agent::Agent;
use crate::error::ClientError;
use crate::key::DpopKey;
use crate::keyfile::{Custody, KeyFile, KeyFileError};
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
        self.rotate_in(path.as_ref(), None).await
    }

    /// The same, to a key that is there already: one that an ssh-agent or another [`KeyHolder`](crate::KeyHolder) has. Called again, it
    /// has to be the same.
    ///
    /// # Errors
    ///
    /// As [`Agent::rotate`]; [`KeyFileError::OtherKey`] while a rotation to another key is under way.
    pub async fn rotate_to(
        &self,
        path: impl AsRef<Path>,
        key: DpopKey,
        custody: Custody,
    ) -> Result<Rotated, ClientError> {
        self.rotate_in(path.as_ref(), Some((key, custody))).await
    }

    async fn rotate_in(&self, path: &Path, wanted: Option<(DpopKey, Custody)>) -> Result<Rotated, ClientError> {
        let next = next_key_path(path);
        let kept = self.key_file().load_again(path)?;
        let new = prepared(&kept, path, &next, wanted)?;
        if kept.key.did() == new.key.did() {
            self.registry().adopt(&new.key).await?;
            self.keeps(kept.custody);
            clear(&next)?;
            return Ok(Rotated::Done);
        }
        let rotated = self.registry().rotate(&new.key).await?;
        if rotated == Rotated::Done {
            let old = kept.custody.clone();
            // whole or not at all, and the file beside it stays until that is on the disk
            KeyFile { key: new.key, custody: new.custody.clone(), ..kept }.danger_overwrite(path)?;
            self.keeps(new.custody);
            // a keyring that keeps the old secret keeps one that is good for nothing any more
            let _ = old.forget();
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
        let found = self.key_file().load_again(path)?;
        let is_ours = self.registry().adopt(&found.key).await?;
        if is_ours {
            self.keeps(found.custody);
        }
        Ok(is_ours)
    }
}

/// The new key, from the file beside the old one; made and written there if there is none.
fn prepared(
    kept: &KeyFile,
    path: &Path,
    next: &Path,
    wanted: Option<(DpopKey, Custody)>,
) -> Result<KeyFile, KeyFileError> {
    match kept.load_again(next) {
        Ok(begun) => {
            let is_other = |(key, _): (DpopKey, Custody)| key.did() != begun.key.did();
            if wanted.is_some_and(is_other) {
                return Err(KeyFileError::OtherKey { path: next.to_owned() });
            }
            return Ok(begun);
        }
        Err(KeyFileError::Io { cause, .. }) if cause.kind() == std::io::ErrorKind::NotFound => {}
        // its name was taken and nothing written yet: no registry heard of what was to come
        Err(_) if std::fs::metadata(next).is_ok_and(|file| file.is_file() && file.len() == 0) => clear(next)?,
        Err(error) => return Err(error),
    }
    let (key, custody) = match wanted {
        Some(wanted) => wanted,
        None => {
            let key = DpopKey::generate_like(&kept.key);
            let custody = kept.custody.for_successor(key.did());
            (key, custody.ok_or_else(|| KeyFileError::NoSuccessor { path: path.to_owned() })?)
        }
    };
    let fresh = KeyFile { key, custody, ..kept.clone() };
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
