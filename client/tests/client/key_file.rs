//! Key files on a real file system.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use handfast_client::{Agent, ClientError, DpopKey, KeyFile, KeyFileError, KeyKind, MAX_KEY_FILE_BYTES};

fn agent() -> KeyFile {
    KeyFile { issuer: Some("https://reg.example".into()), ..KeyFile::new(KeyKind::Agent, DpopKey::generate()) }
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.json");
    (folder, path)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_new_file_is_for_its_user_only_and_alone_in_its_folder() {
    let (folder, path) = folder();
    let file = agent();
    file.create(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(names(folder.path()), ["agent.json"]);
    assert_eq!(KeyFile::load(&path).unwrap().key.did(), file.key.did());
}

#[test]
fn a_file_that_others_can_open_is_refused_with_the_remedy() {
    // P-19: whoever could read it may know the key
    let (_folder, path) = folder();
    agent().create(&path).unwrap();
    for (mode, loads) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o620, false), (0o601, false)]
    {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let loaded = KeyFile::load(&path);
        assert_eq!(loaded.is_ok(), loads, "{mode:o}");
        if let Err(error) = loaded {
            assert!(matches!(error, KeyFileError::Exposed { .. }), "{error}");
            assert!(error.to_string().contains(&format!("chmod 600 {}", path.display())));
        }
    }
}

#[test]
fn nothing_is_written_over_unless_asked() {
    let (folder, path) = folder();
    let first = agent();
    first.create(&path).unwrap();
    assert!(matches!(agent().create(&path), Err(KeyFileError::Exists { .. })));
    assert!(matches!(agent().update(&path), Err(KeyFileError::OtherKey { .. })));
    assert_eq!(KeyFile::load(&path).unwrap().key.did(), first.key.did());

    let learned = KeyFile { handle: Some("amber-otter-00017".into()), ..first };
    learned.update(&path).unwrap();
    assert_eq!(KeyFile::load(&path).unwrap().handle, learned.handle);

    let second = agent();
    second.danger_overwrite(&path).unwrap();
    assert_eq!(KeyFile::load(&path).unwrap().key.did(), second.key.did());
    assert_eq!((mode(&path), names(folder.path())), (0o600, vec!["agent.json".to_owned()]));
}

#[test]
fn a_link_at_the_name_is_not_written_through() {
    let (folder, path) = folder();
    let elsewhere = folder.path().join("elsewhere");
    symlink(&elsewhere, &path).unwrap();
    assert!(matches!(agent().create(&path), Err(KeyFileError::Exists { .. })));
    assert!(!elsewhere.exists());
}

#[test]
fn a_failed_creation_leaves_nothing_behind() {
    let (folder, _) = folder();
    let missing = folder.path().join("missing").join("agent.json");
    assert!(matches!(agent().create(missing), Err(KeyFileError::Io { .. })));
    assert!(names(folder.path()).is_empty());
}

#[test]
fn what_is_no_key_file_is_refused() {
    let (folder, path) = folder();
    assert!(matches!(KeyFile::load(&path), Err(KeyFileError::Io { .. })));
    assert!(matches!(KeyFile::load(folder.path()), Err(KeyFileError::NotAKeyFile { .. })));
    for (content, is_json) in
        [(String::new(), true), ("x".repeat(MAX_KEY_FILE_BYTES), true), ("x".repeat(MAX_KEY_FILE_BYTES + 1), false)]
    {
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        match KeyFile::load(&path) {
            Err(KeyFileError::Json { .. }) => assert!(is_json),
            Err(KeyFileError::NotAKeyFile { .. }) => assert!(!is_json),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_agent_is_made_of_an_agents_file_with_an_issuer() {
    let file = agent();
    assert!(Agent::from_key_file(file.clone()).is_ok());
    let owner = KeyFile { kind: KeyKind::Owner, ..file.clone() };
    let unregistered = KeyFile { issuer: None, ..file.clone() };
    let plain_http = KeyFile { issuer: Some("http://reg.example".into()), ..file };
    for file in [owner, unregistered, plain_http] {
        assert!(matches!(Agent::from_key_file(file), Err(ClientError::Argument(_))));
    }
}
