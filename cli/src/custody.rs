//! Where the secret of a key is put.

use std::path::Path;

#[cfg(feature = "os-keyring")]
use handfast_client::KeyringEntry;
use handfast_client::{Custody, DpopKey, KeyFile, KeyKind, Lock};
#[cfg(all(unix, feature = "ssh-agent"))]
use handfast_client::{DedicatedError, SSH_KEY_MARK, SshAgent, SshAgentPlace};

use crate::args::NewKey;
#[cfg(all(unix, feature = "ssh-agent"))]
use crate::args::SshKeyChoice;
use crate::exit::{Exit, Failure};
use crate::{keyfiles, passphrase};

/// A new key file, not written yet, with its secret where `how` says; `path` is what its passphrase is asked for.
pub(crate) async fn new_key(kind: KeyKind, p256: bool, how: &NewKey, path: &Path) -> Result<KeyFile, Failure> {
    #[cfg(all(unix, feature = "ssh-agent"))]
    if let Some((key, custody)) = held(&how.ssh).await? {
        if p256 {
            return Err(Failure::new(Exit::Usage, "an ssh-agent signs with ed25519 keys only: leave `--p256` out"));
        }
        return Ok(KeyFile { custody, ..KeyFile::new(kind, key) });
    }
    let key = if p256 { keyfiles::p256_key()? } else { DpopKey::generate() };
    let custody = of_new(how, &key, path).await?;
    Ok(KeyFile { custody, ..KeyFile::new(kind, key) })
}

async fn of_new(how: &NewKey, key: &DpopKey, path: &Path) -> Result<Custody, Failure> {
    #[cfg(feature = "os-keyring")]
    if how.keyring {
        return Ok(Custody::Keyring(KeyringEntry::of(key.did())));
    }
    let _ = key;
    if how.encrypt { sealed(path, None).await } else { Ok(Custody::Plain) }
}

/// A lock of a new passphrase for `path`, out of `file` or as passphrases come.
pub(crate) async fn sealed(path: &Path, file: Option<&Path>) -> Result<Custody, Failure> {
    let passphrase = passphrase::new_for(path, file)?;
    let lock = tokio::task::spawn_blocking(move || Lock::new(&passphrase)).await;
    match lock {
        Ok(Ok(lock)) => Ok(Custody::Sealed(lock)),
        Ok(Err(error)) => Err(Failure::new(Exit::Usage, error.to_string())),
        Err(error) => Err(Failure::new(Exit::Failed, error.to_string())),
    }
}

/// The key of an ssh-agent that was chosen, if one was.
#[cfg(all(unix, feature = "ssh-agent"))]
pub(crate) async fn held(choice: &SshKeyChoice) -> Result<Option<(DpopKey, Custody)>, Failure> {
    let Some(wanted) = &choice.ssh_agent else { return Ok(None) };
    let place = SshAgentPlace { socket: choice.ssh_socket.clone() };
    let agent = SshAgent::new(place.clone());
    let folder = std::env::var_os("HOME").map(|home| Path::new(&home).join(".ssh"));
    let found = agent.dedicated(wanted.as_deref(), folder.as_deref()).await.map_err(|error| of_dedicated(&error))?;
    let key = agent.key(found.public()).map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    Ok(Some((key, Custody::SshAgent(place))))
}

#[cfg(all(unix, feature = "ssh-agent"))]
fn of_dedicated(error: &DedicatedError) -> Failure {
    let make = format!(
        "make a key for this and nothing else: `ssh-keygen -t ed25519 -C {SSH_KEY_MARK} -f ~/.ssh/{SSH_KEY_MARK}`, then \
         `ssh-add -c ~/.ssh/{SSH_KEY_MARK}`"
    );
    match error {
        DedicatedError::Holder(error) => keyfiles::of_holder(error),
        DedicatedError::Several(_) => Failure::new(Exit::Usage, error.to_string()),
        _ => Failure::new(Exit::File, error.to_string()).with_help(make),
    }
}
