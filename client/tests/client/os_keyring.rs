//! Keys in the keyring, with the store that its library has for tests. It is one for the process, so this is one test.

use std::fs;

use handfast_client::{Custody, DpopKey, KeyFile, KeyFileError, KeyKind, KeyringEntry, KeyringError};
use keyring_core::{Entry, Error, mock, set_default_store};

fn entry_of(key: &DpopKey) -> Entry {
    Entry::new("handfast", key.did().as_str()).unwrap()
}

#[test]
fn a_key_is_kept_used_and_forgotten() {
    set_default_store(mock::Store::new().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.json");
    let key = DpopKey::generate();
    let secret = key.expose_private_jwk().unwrap();
    let in_keyring = || Custody::Keyring(KeyringEntry::of(key.did()));
    let file = KeyFile { custody: in_keyring(), ..KeyFile::new(KeyKind::Agent, key.clone()) };
    file.create(&path).unwrap();
    assert_eq!(entry_of(&key).get_secret().unwrap(), secret.as_bytes());
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(r#""keyring":{"service":"handfast""#) && !text.contains(r#""d":"#), "{text}");
    let loaded = KeyFile::load(&path).unwrap();
    assert_eq!(loaded.key.expose_private_jwk(), Some(secret));

    // what is learned goes into the file, and the secret stays where it is
    KeyFile { handle: Some("amber-otter-00017".into()), ..loaded.clone() }.update(&path).unwrap();
    assert_eq!(KeyFile::load(&path).unwrap().handle.as_deref(), Some("amber-otter-00017"));

    // another key under its name is not the file's
    let other = DpopKey::generate();
    entry_of(&key).set_secret(other.expose_private_jwk().unwrap().as_bytes()).unwrap();
    assert!(matches!(KeyFile::load(&path), Err(KeyFileError::Did { .. })));
    entry_of(&key).set_secret(b"no key").unwrap();
    assert!(matches!(KeyFile::load(&path), Err(KeyFileError::Key { .. })));
    entry_of(&key).set_secret(b"\xff\xfe").unwrap();
    assert!(matches!(KeyFile::load(&path), Err(KeyFileError::Keyring { cause: KeyringError::Unreadable { .. }, .. })));

    // a file that finds its place taken leaves the entry as it was
    let second = KeyFile { custody: in_keyring(), ..file };
    assert!(matches!(second.create(&path), Err(KeyFileError::Exists { .. })));
    second.update(&path).unwrap();
    assert!(KeyFile::load(&path).is_ok(), "the secret is put right by writing the file again");
    // one that could not be written leaves none
    let orphan = KeyFile {
        custody: Custody::Keyring(KeyringEntry::of(other.did())),
        ..KeyFile::new(KeyKind::Agent, other.clone())
    };
    let blocked = folder.path().join("blocked");
    fs::create_dir(&blocked).unwrap();
    assert!(orphan.create(blocked.join("missing").join("agent.json")).is_err());
    assert!(matches!(entry_of(&other).get_secret(), Err(Error::NoEntry)));

    loaded.custody.forget().unwrap();
    assert!(matches!(entry_of(&key).get_secret(), Err(Error::NoEntry)));
    assert!(matches!(KeyFile::load(&path), Err(KeyFileError::Keyring { cause: KeyringError::Absent { .. }, .. })));
    // that it is gone already is no error
    loaded.custody.forget().unwrap();
}
