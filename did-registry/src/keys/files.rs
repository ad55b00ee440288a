//! Key files: mode 0600, written once and durably, read only if nobody else can.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use handfast_identity::{KeyError, SigningKey, base64url};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{RegistryKeys, TokenKey, TokenKeys, rotate};

/// Where the keys are, in the registry's directory.
pub const KEYS_DIRECTORY: &str = "keys";
pub(super) const TOKEN_FILE: &str = "token.jwk";
pub(super) const NEXT_FILE: &str = "token-next.jwk";
pub(super) const FORMER_FILE: &str = "token-former.json";
pub(super) const FEED_FILE: &str = "feed.jwk";
const CODE_FILE: &str = "code.secret";

/// The longest key file read: a private JWK has about 150 bytes.
const MAX_KEY_FILE_BYTES: u64 = 1024;
/// Permission bits of group and others.
const OTHERS: u32 = 0o077;

/// Why a key file cannot be used. The texts name the file and never its content.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It cannot be made, read or written.
    #[error("key file `{}`: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The operating system's words.
        source: io::Error,
    },
    /// Others than its user can read or write it.
    #[error("key file `{}` is open to others: `chmod 600` it, and replace the key if they may have read it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// Not what this program writes.
    #[error("key file `{}` does not hold a key of its kind{}", path.display(), why(*cause))]
    Content {
        /// The file.
        path: PathBuf,
        /// The rule the key breaks, where it is a key at all.
        cause: Option<KeyError>,
    },
}

fn why(cause: Option<KeyError>) -> String {
    cause.map(|cause| format!(": {cause}")).unwrap_or_default()
}

impl RegistryKeys {
    /// Writes the keys into `directory`/`keys`, which must not exist.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), KeyFileError> {
        let directory = directory.join(KEYS_DIRECTORY);
        DirBuilder::new().mode(0o700).create(&directory).map_err(|source| io_error(&directory, source))?;
        write(&directory.join(TOKEN_FILE), &self.token.current.key.expose_private_jwk())?;
        if let Some(standby) = &self.token.standby {
            write(&directory.join(NEXT_FILE), &standby.key.expose_private_jwk())?;
        }
        write(&directory.join(FEED_FILE), &self.feed.expose_private_jwk())?;
        write(&directory.join(CODE_FILE), &Zeroizing::new(base64url::encode(&*self.code)))?;
        sync_directory(&directory)
    }

    /// Reads the keys of `directory`/`keys`.
    pub(crate) fn read(directory: &Path) -> Result<Self, KeyFileError> {
        let directory = directory.join(KEYS_DIRECTORY);
        let (current, feed) = (signing(&directory, TOKEN_FILE)?, signing(&directory, FEED_FILE)?);
        let standby = match signing(&directory, NEXT_FILE) {
            Ok(key) => Some(TokenKey::new(key)),
            // of a registry made before there was one, or between two steps of a rotation
            Err(error) if error.is_missing() => None,
            Err(error) => return Err(error),
        };
        let token = TokenKeys { current: TokenKey::new(current), standby, former: rotate::former(&directory)? };
        let path = directory.join(CODE_FILE);
        let text = read(&path, MAX_KEY_FILE_BYTES)?;
        let code = base64url::decode_array(text.trim_end()).map(Zeroizing::new);
        Ok(Self::of(token, feed, code.map_err(|_| KeyFileError::Content { path, cause: None })?))
    }
}

impl KeyFileError {
    /// Whether there is no such file.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// The signing key in a file of the keys' directory.
pub(super) fn signing(directory: &Path, name: &str) -> Result<SigningKey, KeyFileError> {
    read_signing(&directory.join(name))
}

/// The signing key in any file.
pub(super) fn read_signing(path: &Path) -> Result<SigningKey, KeyFileError> {
    let text = read(path, MAX_KEY_FILE_BYTES)?;
    let refused = |cause| KeyFileError::Content { path: path.to_path_buf(), cause: Some(cause) };
    SigningKey::from_private_jwk(text.trim_end()).map_err(refused)
}

pub(super) fn write(path: &Path, secret: &str) -> Result<(), KeyFileError> {
    let told = |source| io_error(path, source);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(told)?;
    file.write_all(secret.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(told)?;
    file.sync_all().map_err(told)
}

pub(super) fn read(path: &Path, most: u64) -> Result<Zeroizing<String>, KeyFileError> {
    let told = |source| io_error(path, source);
    let file = File::open(path).map_err(told)?;
    let meta = file.metadata().map_err(told)?;
    if !meta.is_file() {
        return Err(KeyFileError::Content { path: path.to_path_buf(), cause: None });
    }
    if meta.mode() & OTHERS != 0 {
        return Err(KeyFileError::Open { path: path.to_path_buf() });
    }
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(most).unwrap_or(1024)));
    file.take(most).read_to_string(&mut text).map_err(told)?;
    Ok(text)
}

pub(crate) fn sync_directory(directory: &Path) -> Result<(), KeyFileError> {
    File::open(directory).and_then(|file| file.sync_all()).map_err(|source| io_error(directory, source))
}

pub(super) fn io_error(path: &Path, source: io::Error) -> KeyFileError {
    KeyFileError::Io { path: path.to_path_buf(), source }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use handfast_identity::OsRandom;

    use super::*;

    fn check(name: &str, damage: impl FnOnce(&Path), expected: fn(&KeyFileError) -> bool) {
        let directory = tempfile::tempdir().unwrap();
        RegistryKeys::generate(&mut OsRandom).write(directory.path()).unwrap();
        damage(&directory.path().join(KEYS_DIRECTORY).join(name));
        let error = RegistryKeys::read(directory.path()).err().unwrap();
        assert!(expected(&error), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }

    #[test]
    fn what_is_written_is_read_again_and_private() {
        let directory = tempfile::tempdir().unwrap();
        let keys = RegistryKeys::generate(&mut OsRandom);
        keys.write(directory.path()).unwrap();
        let again = RegistryKeys::read(directory.path()).unwrap();
        assert_eq!((again.token_public(), again.feed_did()), (keys.token_public(), keys.feed_did()));
        assert_eq!(again.code, keys.code);
        for name in [TOKEN_FILE, FEED_FILE, CODE_FILE] {
            let meta = std::fs::metadata(directory.path().join(KEYS_DIRECTORY).join(name)).unwrap();
            assert_eq!(meta.mode() & 0o777, 0o600, "{name}");
        }
        assert!(matches!(keys.write(directory.path()), Err(KeyFileError::Io { .. })), "keys are never written over");
    }

    #[test]
    fn files_open_to_others_are_refused() {
        for name in [TOKEN_FILE, FEED_FILE, CODE_FILE] {
            for mode in [0o640, 0o604, 0o622] {
                let open = |path: &Path| set_permissions(path, Permissions::from_mode(mode)).unwrap();
                check(name, open, |error| matches!(error, KeyFileError::Open { .. }));
            }
        }
    }

    #[test]
    fn missing_and_damaged_files_are_named() {
        for name in [TOKEN_FILE, FEED_FILE, CODE_FILE] {
            check(name, |path| std::fs::remove_file(path).unwrap(), |error| matches!(error, KeyFileError::Io { .. }));
            check(
                name,
                |path| std::fs::write(path, "junk").unwrap(),
                |error| matches!(error, KeyFileError::Content { .. }),
            );
        }
    }
}
