//! The operating system's keyring, as far as key files need it: to keep a private JWK, give it back and forget it.

use thiserror::Error;

use super::ContentError;
use super::custody::KeyringEntry;
use crate::key::DpopKey;

/// What the keyring said.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// It has no such entry.
    #[error("there is no entry `{account}` of `{service}`")]
    Absent {
        /// The service's name.
        service: String,
        /// The account's name.
        account: String,
    },
    /// Its entry is no text.
    #[error("the entry `{account}` of `{service}` is not readable")]
    Unreadable {
        /// The service's name.
        service: String,
        /// The account's name.
        account: String,
    },
    /// It cannot be asked, or is locked.
    #[error("it cannot be asked: {0}")]
    Unavailable(String),
    /// This program was built without it.
    #[error("this program was built without the feature `os-keyring`")]
    NotBuilt,
}

#[cfg(not(feature = "os-keyring"))]
pub(super) use absent::{delete, read, store};
#[cfg(feature = "os-keyring")]
pub(super) use present::{delete, read, store};

#[cfg(not(feature = "os-keyring"))]
mod absent {
    use super::{ContentError, DpopKey, KeyringEntry, KeyringError};

    pub(in super::super) fn read(_: &KeyringEntry) -> Result<DpopKey, ContentError> {
        Err(ContentError::Feature("os-keyring"))
    }

    pub(in super::super) fn store(_: &KeyringEntry, _: &DpopKey) -> Result<(), ContentError> {
        Err(ContentError::Feature("os-keyring"))
    }

    pub(in super::super) fn delete(_: &KeyringEntry) -> Result<(), KeyringError> {
        Err(KeyringError::NotBuilt)
    }
}

#[cfg(feature = "os-keyring")]
mod present {
    use keyring::v1::Entry as Platform;
    use keyring_core::{Entry, Error, get_default_store};
    use zeroize::Zeroizing;

    use super::{ContentError, DpopKey, KeyringEntry, KeyringError};

    pub(in super::super) fn read(entry: &KeyringEntry) -> Result<DpopKey, ContentError> {
        let text = secret(entry).map_err(ContentError::Keyring)?;
        DpopKey::from_private_jwk(&text).map_err(ContentError::Key)
    }

    /// Stores the key's secret, if it is not there already: a desktop may ask its user about either.
    pub(in super::super) fn store(entry: &KeyringEntry, key: &DpopKey) -> Result<(), ContentError> {
        let jwk = key.expose_private_jwk().ok_or(ContentError::SecretElsewhere)?;
        match secret(entry) {
            Ok(there) if *there == *jwk => Ok(()),
            Ok(_) | Err(KeyringError::Absent { .. } | KeyringError::Unreadable { .. }) => {
                let stored = open(entry)
                    .and_then(|found| found.set_secret(jwk.as_bytes()).map_err(|error| translated(&error, entry)));
                stored.map_err(ContentError::Keyring)
            }
            Err(error) => Err(ContentError::Keyring(error)),
        }
    }

    pub(in super::super) fn delete(entry: &KeyringEntry) -> Result<(), KeyringError> {
        let deleted = open(entry)?.delete_credential();
        match deleted.map_err(|error| translated(&error, entry)) {
            Ok(()) | Err(KeyringError::Absent { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn secret(entry: &KeyringEntry) -> Result<Zeroizing<String>, KeyringError> {
        let bytes = open(entry)?.get_secret().map_err(|error| translated(&error, entry))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let _wiped = Zeroizing::new(error.into_bytes());
            unreadable(entry)
        })?;
        Ok(Zeroizing::new(text))
    }

    /// The entry, in the store that the process has chosen, or else in the platform's.
    fn open(entry: &KeyringEntry) -> Result<Entry, KeyringError> {
        if get_default_store().is_none()
            && let Err(error) = Platform::store_status()
        {
            return Err(KeyringError::Unavailable(error.to_string()));
        }
        Entry::new(&entry.service, &entry.account).map_err(|error| translated(&error, entry))
    }

    fn unreadable(entry: &KeyringEntry) -> KeyringError {
        KeyringError::Unreadable { service: entry.service.clone(), account: entry.account.clone() }
    }

    /// The words of the library are about the store, and name no secret; the two of its errors that hold one show none of it.
    fn translated(error: &Error, entry: &KeyringEntry) -> KeyringError {
        match error {
            Error::NoEntry => KeyringError::Absent { service: entry.service.clone(), account: entry.account.clone() },
            Error::BadEncoding(_) | Error::BadDataFormat(..) => unreadable(entry),
            other => KeyringError::Unavailable(other.to_string()),
        }
    }
}
