//! What can be wrong with a key file.

use std::io;
use std::path::{Path, PathBuf};

use handfast_identity::KeyError;
use handfast_identity::json::JsonError;
use thiserror::Error;

use super::lock::{LockError, MAX_LANES, MAX_MEMORY_KIB, MAX_PASSES, MIN_MEMORY_KIB};
use super::os_keyring::KeyringError;

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
    /// It is encrypted, and no passphrase was given: [`KeyFile::load_with`](super::KeyFile::load_with) takes one.
    #[error("`{}` is encrypted: its passphrase is needed", path.display())]
    Encrypted {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase does not open it.
    #[error("the passphrase does not open `{}`, or the file was altered", path.display())]
    Passphrase {
        /// The file.
        path: PathBuf,
    },
    /// It asks for more memory or time than is spent on a passphrase, or less than is worth anything.
    #[error(
        "`{}` asks for another effort than {MIN_MEMORY_KIB} to {MAX_MEMORY_KIB} KiB, 1 to {MAX_PASSES} passes and 1 to {MAX_LANES} \
         lanes of argon2id",
        path.display()
    )]
    Effort {
        /// The file.
        path: PathBuf,
    },
    /// Its secret is not here, so it cannot be written into a file.
    #[error("the secret of this key is held elsewhere and cannot be written to `{}`", path.display())]
    SecretElsewhere {
        /// The file.
        path: PathBuf,
    },
    /// Its key is held elsewhere, and only another one there can follow it: name it.
    #[error("the key of `{}` is held by an ssh-agent, which makes no keys: name another one that it holds", path.display())]
    NoSuccessor {
        /// The file.
        path: PathBuf,
    },
    /// Its key is held in a way that this program was built without.
    #[error("the key of `{}` is held elsewhere, and this program was built without the feature `{feature}`", path.display())]
    Feature {
        /// The file.
        path: PathBuf,
        /// The feature of cargo that it takes.
        feature: &'static str,
    },
    /// The operating system's keyring does not give its secret, or take it.
    #[error("the keyring has no secret for `{}`: {cause}", path.display())]
    Keyring {
        /// The file.
        path: PathBuf,
        /// What the keyring said.
        cause: KeyringError,
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
    Encrypted,
    Lock(LockError),
    SecretElsewhere,
    /// One of the features is not built in, so a build with both never makes it.
    #[cfg(not(all(feature = "ssh-agent", feature = "os-keyring")))]
    Feature(&'static str),
    #[cfg(feature = "os-keyring")]
    Keyring(KeyringError),
}

impl ContentError {
    /// A text of another form.
    pub(super) fn shape(text: &str) -> Self {
        Self::Json(JsonError::Shape(text.to_owned()))
    }

    pub(super) fn at(self, path: &Path) -> KeyFileError {
        let path = path.to_owned();
        match self {
            Self::Json(cause) => KeyFileError::Json { path, cause },
            Self::Version(version) => KeyFileError::Version { path, version },
            Self::Key(cause) => KeyFileError::Key { path, cause },
            Self::Did => KeyFileError::Did { path },
            Self::Encrypted => KeyFileError::Encrypted { path },
            Self::Lock(LockError::Effort) => KeyFileError::Effort { path },
            Self::Lock(_) => KeyFileError::Passphrase { path },
            Self::SecretElsewhere => KeyFileError::SecretElsewhere { path },
            #[cfg(not(all(feature = "ssh-agent", feature = "os-keyring")))]
            Self::Feature(feature) => KeyFileError::Feature { path, feature },
            #[cfg(feature = "os-keyring")]
            Self::Keyring(cause) => KeyFileError::Keyring { path, cause },
        }
    }
}
