//! Where the secret of a key file is.

use std::path::PathBuf;

use handfast_identity::DidKey;

use super::ContentError;
use super::lock::Lock;
use super::os_keyring;
use crate::key::DpopKey;

/// Where the secret of a key file is.
#[derive(Clone, Debug)]
pub enum Custody {
    /// In the file, in the clear: whoever reads the file has the key.
    Plain,
    /// In the file, encrypted under a passphrase, together with everything else but the DID.
    Sealed(Lock),
    /// With a running ssh-agent (cargo feature `ssh-agent`), which signs and never shows it.
    SshAgent(SshAgentPlace),
    /// In the operating system's keyring (cargo feature `os-keyring`), which gives it to this user's programs.
    Keyring(KeyringEntry),
}

/// Which ssh-agent holds a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SshAgentPlace {
    /// Its socket; without one, that of the variable `SSH_AUTH_SOCK` whenever it is asked.
    pub socket: Option<PathBuf>,
}

/// Which entry of the keyring holds a key: a private JWK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyringEntry {
    /// The service's name.
    pub service: String,
    /// The account's name.
    pub account: String,
}

/// The service of entries that this program makes.
const SERVICE: &str = "handfast";

impl KeyringEntry {
    /// The entry for a key: service `handfast`, and the DID as account.
    #[must_use]
    pub fn of(key: &DidKey) -> Self {
        Self { service: SERVICE.to_owned(), account: key.to_string() }
    }
}

impl Custody {
    /// The same custody for a key that follows; `None` where that key has to be named.
    #[must_use]
    pub fn for_successor(&self, key: &DidKey) -> Option<Self> {
        match self {
            Self::Plain => Some(Self::Plain),
            Self::Sealed(lock) => Some(Self::Sealed(lock.clone())),
            Self::SshAgent(_) => None,
            Self::Keyring(_) => Some(Self::Keyring(KeyringEntry::of(key))),
        }
    }

    /// Forgets the secret where it is kept outside the file: for a key that is out of use, or kept elsewhere from now on. Stands still
    /// for other custodies.
    ///
    /// # Errors
    ///
    /// [`KeyringError`](super::KeyringError) when the keyring keeps it. That it has none any more is no error.
    pub fn forget(&self) -> Result<(), super::KeyringError> {
        match self {
            Self::Keyring(entry) => os_keyring::delete(entry),
            Self::Plain | Self::Sealed(_) | Self::SshAgent(_) => Ok(()),
        }
    }
}

/// The key of a file whose secret is outside it.
pub(super) fn find(custody: &Custody, did: &DidKey) -> Result<DpopKey, ContentError> {
    match custody {
        Custody::SshAgent(place) => held(place, did),
        Custody::Keyring(entry) => os_keyring::read(entry),
        Custody::Plain | Custody::Sealed(_) => Err(ContentError::SecretElsewhere),
    }
}

#[cfg(all(unix, feature = "ssh-agent"))]
fn held(place: &SshAgentPlace, did: &DidKey) -> Result<DpopKey, ContentError> {
    let agent = crate::ssh_agent::SshAgent::new(place.clone());
    agent.key(did.public_key()).map_err(|_| ContentError::shape("an ssh-agent holds ed25519 keys only"))
}

#[cfg(not(all(unix, feature = "ssh-agent")))]
fn held(_: &SshAgentPlace, _: &DidKey) -> Result<DpopKey, ContentError> {
    Err(ContentError::Feature("ssh-agent"))
}
