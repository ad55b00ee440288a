//! `handfast key`: where the secret of a key is.

use std::path::Path;

use handfast_client::{Custody, KeyFile, KeyringEntry, next_key_path};
use serde_json::json;

use crate::args::{AnyKey, KeyCommand};
use crate::exit::{Exit, Failure};
use crate::ui::Ui;
use crate::{custody, keyfiles, rehearsal};

pub(crate) async fn run(command: KeyCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        KeyCommand::Encrypt { key } => {
            let file = keyfiles::load(&key.key)?;
            if matches!(file.custody, Custody::Sealed(_)) {
                return Err(usage(&key, "is encrypted already: `handfast key passphrase` gives it another passphrase"));
            }
            require_a_secret(&file, &key)?;
            let sealed = custody::sealed(&key.key, None).await?;
            put(&file, sealed, &key, ui)
        }
        KeyCommand::Decrypt { key } => {
            let file = keyfiles::load(&key.key)?;
            if matches!(file.custody, Custody::Plain) {
                return Err(usage(&key, "is not encrypted"));
            }
            require_a_secret(&file, &key)?;
            put(&file, Custody::Plain, &key, ui)
        }
        KeyCommand::Passphrase { new_passphrase_file, key } => {
            let file = keyfiles::load(&key.key)?;
            if !matches!(file.custody, Custody::Sealed(_)) {
                return Err(usage(&key, "is not encrypted: `handfast key encrypt` does that"));
            }
            let sealed = custody::sealed(&key.key, new_passphrase_file.as_deref()).await?;
            put(&file, sealed, &key, ui)
        }
        #[cfg(feature = "os-keyring")]
        KeyCommand::Keyring { key } => {
            let file = keyfiles::load(&key.key)?;
            if matches!(file.custody, Custody::Keyring(_)) {
                return Err(usage(&key, "is in the keyring already"));
            }
            require_a_secret(&file, &key)?;
            let entry = KeyringEntry::of(file.key.did());
            put(&file, Custody::Keyring(entry), &key, ui)
        }
        KeyCommand::Delete { yes, key } => delete(&key, yes, ui),
    }
}

/// Writes the file with its secret in the new place, and forgets it in the old one.
fn put(file: &KeyFile, custody: Custody, key: &AnyKey, ui: Ui) -> Result<(), Failure> {
    require_no_rotation(&key.key)?;
    let moved = KeyFile { custody, ..file.clone() };
    if ui.rehearses() {
        let what = format!("the key is then {}", words_of(&moved.custody));
        return ui.rehearsed(&[rehearsal::write(&key.key, &what)]);
    }
    moved.update(&key.key)?;
    if keyring_entry(file) != keyring_entry(&moved) {
        file.custody.forget().map_err(|cause| keyfiles::of_keyring(&key.key, &cause))?;
    }
    let (did, place) = (moved.key.did().as_str(), place_of(&moved.custody));
    ui.result(&json!({"did": did, "key_file": key.key, "custody": place}), |_| {
        format!("{}: the key is {}", key.key.display(), words_of(&moved.custody))
    })
}

fn delete(key: &AnyKey, yes: bool, ui: Ui) -> Result<(), Failure> {
    let path = &key.key;
    require_no_rotation(path)?;
    // opened, so that nobody deletes a key who could not use it, and it is known what the keyring has
    let file = keyfiles::load(path)?;
    let did = file.key.did().as_str();
    if ui.rehearses() {
        return ui.rehearsed(&[rehearsal::delete(path)]);
    }
    let question = format!("{} will be gone, and the key {did} with it.", path.display());
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or(did);
    ui.confirm(&question, name, yes)?;
    file.custody.forget().map_err(|cause| keyfiles::of_keyring(path, &cause))?;
    std::fs::remove_file(path).map_err(|error| Failure::new(Exit::File, format!("`{}`: {error}", path.display())))?;
    ui.result(&json!({"did": did, "status": "deleted"}), |_| format!("Deleted {}", path.display()))
}

/// While a rotation is under way there are two files, which have to be opened in the same way after a crash.
fn require_no_rotation(path: &Path) -> Result<(), Failure> {
    let next = next_key_path(path);
    if !next.exists() {
        return Ok(());
    }
    let message = format!("a rotation of this key is under way: `{}` is its next one", next.display());
    Err(Failure::new(Exit::File, message).with_help("finish it with `handfast agent rotate`, then run this again"))
}

fn require_a_secret(file: &KeyFile, key: &AnyKey) -> Result<(), Failure> {
    match file.custody {
        Custody::SshAgent(_) => Err(usage(key, "names a key that an ssh-agent holds, whose secret is not here")),
        Custody::Plain | Custody::Sealed(_) | Custody::Keyring(_) => Ok(()),
    }
}

fn keyring_entry(file: &KeyFile) -> Option<&KeyringEntry> {
    match &file.custody {
        Custody::Keyring(entry) => Some(entry),
        Custody::Plain | Custody::Sealed(_) | Custody::SshAgent(_) => None,
    }
}

const fn place_of(custody: &Custody) -> &'static str {
    match custody {
        Custody::Plain => "plain",
        Custody::Sealed(_) => "encrypted",
        Custody::SshAgent(_) => "ssh-agent",
        Custody::Keyring(_) => "keyring",
    }
}

const fn words_of(custody: &Custody) -> &'static str {
    match custody {
        Custody::Plain => "in the file, in the clear",
        Custody::Sealed(_) => "in the file, encrypted",
        Custody::SshAgent(_) => "with the ssh-agent",
        Custody::Keyring(_) => "in the keyring",
    }
}

fn usage(key: &AnyKey, what: &str) -> Failure {
    Failure::new(Exit::Usage, format!("`{}` {what}", key.key.display()))
}
