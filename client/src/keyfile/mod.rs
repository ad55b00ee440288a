//! The key file: one key, where its secret is, and what its holder knows about itself, in one document for one user's eyes
//! (spec/key-file.md).

mod custody;
mod disk;
mod error;
mod lock;
mod os_keyring;
mod sealed;
mod wire;

use std::fmt;
use std::path::Path;

pub use custody::{Custody, KeyringEntry, SshAgentPlace};
pub(crate) use error::ContentError;
pub use error::KeyFileError;
pub use lock::{Effort, Lock, LockError, MAX_PASSPHRASE_BYTES};
pub use os_keyring::KeyringError;
use sealed::Opener;

use crate::key::DpopKey;
use crate::owner::Owner;
use crate::secret::Secret;

/// Bytes of a key file; one has about 500.
pub const MAX_KEY_FILE_BYTES: usize = 16 * 1024;

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// An agent's.
    Agent,
    /// An owner's or admin's: a person's.
    Owner,
}

impl KeyKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Owner => "owner",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Agent, Self::Owner].into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A key and what its holder knows about itself. Only the key matters for access; the rest saves asking.
#[derive(Clone, Debug)]
pub struct KeyFile {
    /// Whose key it is.
    pub kind: KeyKind,
    /// The key.
    pub key: DpopKey,
    /// Where its secret is.
    pub custody: Custody,
    /// The registry it is registered at.
    pub issuer: Option<String>,
    /// An agent's handle; an owner's id.
    pub handle: Option<String>,
    /// The owner named at registration: no token is used before this one has claimed the agent.
    pub expected_owner: Option<String>,
    /// The owner who claimed the agent, as last seen.
    pub owner: Option<Owner>,
    /// Id of the claim under way.
    pub claim: Option<String>,
}

impl KeyFile {
    /// A file for a key that is not registered yet, with its secret in the clear.
    #[must_use]
    pub const fn new(kind: KeyKind, key: DpopKey) -> Self {
        Self {
            kind,
            key,
            custody: Custody::Plain,
            issuer: None,
            handle: None,
            expected_owner: None,
            owner: None,
            claim: None,
        }
    }

    /// Reads a key file that takes no passphrase.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`]; on Unix also for a file that anybody but its user may read or write. [`KeyFileError::Encrypted`] for one that
    /// [`KeyFile::load_with`] reads.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        Self::read(path.as_ref(), &Opener::Nothing)
    }

    /// Reads a key file with its passphrase, which is not looked at where the file takes none. The work for it is bounded: at most
    /// 256 MiB of memory, whatever the file asks for.
    ///
    /// # Errors
    ///
    /// As [`KeyFile::load`]; [`KeyFileError::Passphrase`] for another passphrase.
    pub fn load_with(path: impl AsRef<Path>, passphrase: &Secret) -> Result<Self, KeyFileError> {
        Self::read(path.as_ref(), &Opener::Passphrase(passphrase))
    }

    /// Reads this file again, or another one that was written with the same lock: nobody is asked for a passphrase.
    ///
    /// # Errors
    ///
    /// As [`KeyFile::load`]; [`KeyFileError::Encrypted`] when it was locked anew since.
    pub fn load_again(&self, path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        let opener = match &self.custody {
            Custody::Sealed(lock) => Opener::Lock(lock),
            Custody::Plain | Custody::SshAgent(_) | Custody::Keyring(_) => Opener::Nothing,
        };
        Self::read(path.as_ref(), &opener)
    }

    fn read(path: &Path, opener: &Opener<'_>) -> Result<Self, KeyFileError> {
        wire::read(&disk::read(path)?, opener).map_err(|cause| cause.at(path))
    }

    /// Writes a new file, whole or not at all, for its user's eyes only (mode 0600).
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Exists`] when there is anything at `path`: a key is never written over by accident.
    pub fn create(&self, path: impl AsRef<Path>) -> Result<(), KeyFileError> {
        let path = path.as_ref();
        let mut is_written = false;
        let text = || {
            is_written = true;
            wire::write(self).map_err(|cause| cause.at(path))
        };
        disk::create(path, text).inspect_err(|_| {
            // the keyring has it for nothing then; that it cannot forget it is not the error to report
            if is_written {
                let _ = self.custody.forget();
            }
        })
    }

    /// Writes over the file of the *same key*, whole or not at all: for what was learned since, and for another custody of the key.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::OtherKey`] when the file holds another key, and whatever is wrong with it that is seen without opening it.
    pub fn update(&self, path: impl AsRef<Path>) -> Result<(), KeyFileError> {
        let path = path.as_ref();
        if wire::did(&disk::read(path)?).map_err(|cause| cause.at(path))? != self.key.did().as_str() {
            return Err(KeyFileError::OtherKey { path: path.to_owned() });
        }
        self.danger_overwrite(path)
    }

    /// Writes over whatever is at `path`, whole or not at all. A key that was there is lost.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Io`].
    pub fn danger_overwrite(&self, path: impl AsRef<Path>) -> Result<(), KeyFileError> {
        let path = path.as_ref();
        disk::replace(path, &wire::write(self).map_err(|cause| cause.at(path))?)
    }
}
