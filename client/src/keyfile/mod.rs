//! The key file: one secret key and what its holder knows about itself, in one document for one user's eyes, as it is or encrypted
//! with a passphrase.

mod disk;
mod seal;
mod wire;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use handfast_identity::json::JsonError;
use handfast_identity::{DidKey, KeyError};
use thiserror::Error;

use crate::key::DpopKey;
use crate::owner::Owner;
use crate::secret::Secret;

use seal::{Cost, Seal};
pub use seal::{
    KDF_LANES, KDF_MEMORY_KIB, KDF_PASSES, MAX_KDF_LANES, MAX_KDF_MEMORY_KIB, MAX_KDF_PASSES, MIN_KDF_MEMORY_KIB,
};
use wire::Content;

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
    /// By what it is encrypted when it is written, and not at all without: [`KeyFile::encrypt`] sets it.
    pub seal: Option<KeySeal>,
}

/// What a passphrase came to: it opens nothing but the files that it is in.
#[derive(Clone, Debug)]
pub struct KeySeal(Arc<Seal>);

/// What a key file shows without its passphrase.
#[derive(Clone, Debug)]
pub struct KeyFileFace {
    /// Whose key it is.
    pub kind: KeyKind,
    /// The key's DID, as the file says; an encrypted one proves it when it is opened.
    pub did: DidKey,
    /// Whether a passphrase is needed.
    pub is_encrypted: bool,
}

impl KeyFile {
    /// A file for a key that is not registered yet.
    #[must_use]
    pub const fn new(kind: KeyKind, key: DpopKey) -> Self {
        Self { kind, key, issuer: None, handle: None, expected_owner: None, owner: None, claim: None, seal: None }
    }

    /// The same with another key, and encrypted as this one is.
    #[must_use]
    pub fn with_key(self, key: DpopKey) -> Self {
        Self { key, ..self }
    }

    /// Reads a key file.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`]; on Unix also for a file that anybody but its user may read or write. [`KeyFileError::Encrypted`] for one
    /// that needs a passphrase.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        let path = path.as_ref();
        match wire::read(&disk::read(path)?).map_err(|cause| cause.at(path))? {
            Content::Open(file) => Ok(*file),
            Content::Sealed(_) => Err(KeyFileError::Encrypted { path: path.to_owned() }),
        }
    }

    /// Reads a key file, and asks for its passphrase if it is encrypted. What is written of it later is encrypted with the same.
    ///
    /// Deriving the key takes a good part of a second and 64 MiB on purpose.
    ///
    /// # Errors
    ///
    /// As [`KeyFile::load`], whatever `ask` fails with, [`KeyFileError::Passphrase`] for a wrong one and [`KeyFileError::Damaged`]
    /// for a file that is not as it was written.
    pub fn load_with<E: From<KeyFileError>>(
        path: impl AsRef<Path>,
        ask: impl FnOnce(&KeyFileFace) -> Result<Secret, E>,
    ) -> Result<Self, E> {
        let path = path.as_ref();
        let wire = match wire::read(&disk::read(path)?).map_err(|cause| cause.at(path))? {
            Content::Open(file) => return Ok(*file),
            Content::Sealed(wire) => wire,
        };
        let face = wire.face().map_err(|cause| cause.at(path))?;
        let passphrase = ask(&face)?;
        let opened = Seal::of(&wire, &passphrase).and_then(|seal| wire.open(&KeySeal(Arc::new(seal))));
        Ok(opened.map_err(|cause| cause.at(path))?)
    }

    /// Reads another file of the same party: one that is encrypted too is opened by the same passphrase.
    ///
    /// # Errors
    ///
    /// As [`KeyFile::load`]; [`KeyFileError::Encrypted`] when the file's passphrase was set at another time than this one's.
    pub(crate) fn load_beside(&self, path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        let path = path.as_ref();
        let wire = match wire::read(&disk::read(path)?).map_err(|cause| cause.at(path))? {
            Content::Open(file) => return Ok(*file),
            Content::Sealed(wire) => wire,
        };
        let seal = self.seal.as_ref().filter(|seal| seal.0.is_of(&wire));
        let seal = seal.ok_or_else(|| KeyFileError::Encrypted { path: path.to_owned() })?;
        wire.open(seal).map_err(|cause| cause.at(path))
    }

    /// Whose key a file holds, without its passphrase.
    ///
    /// # Errors
    ///
    /// As [`KeyFile::load`], but for the passphrase.
    pub fn face(path: impl AsRef<Path>) -> Result<KeyFileFace, KeyFileError> {
        let path = path.as_ref();
        match wire::read(&disk::read(path)?).map_err(|cause| cause.at(path))? {
            Content::Open(file) => {
                Ok(KeyFileFace { kind: file.kind, did: file.key.did().clone(), is_encrypted: false })
            }
            Content::Sealed(wire) => wire.face().map_err(|cause| cause.at(path)),
        }
    }

    /// Whether it is encrypted when it is written.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.seal.is_some()
    }

    /// Has it encrypted with `passphrase` from now on: [`KeyFile::update`] writes it so.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::EmptyPassphrase`].
    pub fn encrypt(&mut self, passphrase: &Secret) -> Result<(), KeyFileError> {
        // whatever else there is cannot be with our own cost
        let seal = Seal::new(passphrase, Cost::DEFAULT).map_err(|_| KeyFileError::EmptyPassphrase)?;
        self.seal = Some(KeySeal(Arc::new(seal)));
        Ok(())
    }

    /// Has it written as it is from now on.
    pub fn decrypt(&mut self) {
        self.seal = None;
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
        if Self::face(path)?.did != *self.key.did() {
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
    #[error("`{}` has version {version}, expected 1 or 2: it was written by a newer program", path.display())]
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
    /// It is encrypted, and no passphrase was given.
    #[error("`{}` is encrypted: its passphrase is needed", path.display())]
    Encrypted {
        /// The file.
        path: PathBuf,
    },
    /// Not the passphrase it was encrypted with.
    #[error("`{}`: wrong passphrase", path.display())]
    Passphrase {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase is right, and the rest is not what was written.
    #[error("`{}` was changed or damaged after it was encrypted", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// It asks for more work than any passphrase is worth, or for hardly any.
    #[error("`{}` asks for a derivation outside the bounds of key files", path.display())]
    Cost {
        /// The file.
        path: PathBuf,
    },
    /// Nothing is no passphrase.
    #[error("a passphrase has to have a character")]
    EmptyPassphrase,
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
    Passphrase,
    Damaged,
    Cost,
    EmptyPassphrase,
}

impl ContentError {
    fn at(self, path: &Path) -> KeyFileError {
        let path = path.to_owned();
        match self {
            Self::Json(cause) => KeyFileError::Json { path, cause },
            Self::Version(version) => KeyFileError::Version { path, version },
            Self::Key(cause) => KeyFileError::Key { path, cause },
            Self::Did => KeyFileError::Did { path },
            Self::Passphrase => KeyFileError::Passphrase { path },
            Self::Damaged => KeyFileError::Damaged { path },
            Self::Cost => KeyFileError::Cost { path },
            Self::EmptyPassphrase => KeyFileError::EmptyPassphrase,
        }
    }
}
