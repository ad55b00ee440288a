//! The key file: one secret key and what its holder knows about itself, in one document for one user's eyes.

mod disk;
mod wire;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use handfast_identity::KeyError;
use handfast_identity::json::JsonError;
use thiserror::Error;

use crate::key::DpopKey;
use crate::owner::Owner;

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
    /// A file for a key that is not registered yet.
    #[must_use]
    pub const fn new(kind: KeyKind, key: DpopKey) -> Self {
        Self { kind, key, issuer: None, handle: None, expected_owner: None, owner: None, claim: None }
    }

    /// Reads a key file.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`]; on Unix also for a file that anybody but its user may read or write.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        let path = path.as_ref();
        wire::read(&disk::read(path)?).map_err(|cause| cause.at(path))
    }

    /// Writes a new file, whole or not at all, for its user's eyes only (mode 0600).
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Exists`] when there is anything at `path`: a key is never written over by accident.
    pub fn create(&self, path: impl AsRef<Path>) -> Result<(), KeyFileError> {
        let path = path.as_ref();
        disk::create(path, &wire::write(self).map_err(|cause| cause.at(path))?)
    }

    /// Writes over the file of the *same key*, whole or not at all: for what was learned since.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::OtherKey`] when the file holds another key, and whatever [`KeyFile::load`] finds wrong with it.
    pub fn update(&self, path: impl AsRef<Path>) -> Result<(), KeyFileError> {
        let path = path.as_ref();
        if Self::load(path)?.key.did() != self.key.did() {
            return Err(KeyFileError::OtherKey { path: path.to_owned() });
        }
        disk::replace(path, &wire::write(self).map_err(|cause| cause.at(path))?)
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

/// What is wrong with a key file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// Others than its user may read or write it: the key may be known to them already.
    #[error("`{}` can be read or written by others: run `chmod 600 {}`", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// There is a file already.
    #[error("`{}` exists already and is not written over", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// It holds another key than the one to be updated.
    #[error("`{}` holds another key", path.display())]
    OtherKey {
        /// The file.
        path: PathBuf,
    },
    /// Not a plain file, or longer than a key file can be.
    #[error("`{}` is no key file", path.display())]
    NotAKeyFile {
        /// The file.
        path: PathBuf,
    },
    /// A version that this program does not know.
    #[error("`{}` has version {version}, expected 1: it was written by a newer program", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
    /// Its text is not a key file's.
    #[error("`{}` is no key file: {cause}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: JsonError,
    },
    /// Its key is unusable.
    #[error("`{}` holds an unusable key: {cause}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: KeyError,
    },
    /// Its DID is not that of its key.
    #[error("`{}` names another did than that of its key", path.display())]
    Did {
        /// The file.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("`{}`: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        cause: io::Error,
    },
}

/// What is wrong with the content, before it is known of which file.
#[derive(Debug)]
pub(crate) enum ContentError {
    Json(JsonError),
    Version(u64),
    Key(KeyError),
    Did,
}

impl ContentError {
    fn at(self, path: &Path) -> KeyFileError {
        let path = path.to_owned();
        match self {
            Self::Json(cause) => KeyFileError::Json { path, cause },
            Self::Version(version) => KeyFileError::Version { path, version },
            Self::Key(cause) => KeyFileError::Key { path, cause },
            Self::Did => KeyFileError::Did { path },
        }
    }
}
