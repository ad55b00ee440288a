//! Encrypted key files, through everything that writes one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use handfast_client::{
    Agent, Custody, DpopKey, Effort, KeyFile, KeyFileError, KeyKind, Lock, Rotated, Secret, next_key_path,
};
use serde_json::{Value, json};

use crate::support::{FakeRegistry, Reply, Seen, key_file, token};

const PHRASE: &str = "correct horse battery staple";

fn phrase() -> Secret {
    Secret::new(PHRASE)
}

/// The least effort, for tests: what it costs is not what they are about.
fn lock() -> Custody {
    Custody::Sealed(Lock::with_effort(&phrase(), Effort::new(8 * 1024, 1, 1).unwrap()).unwrap())
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.json");
    (folder, path)
}

fn is_encrypted(path: &Path) -> bool {
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o7777, 0o600);
    let document: Value = serde_json::from_str(&text).unwrap();
    document.get("sealed").is_some() && !text.contains(r#""d":"#)
}

#[test]
fn an_encrypted_file_is_opened_by_its_passphrase_only() {
    let (_folder, path) = folder();
    let file = KeyFile { custody: lock(), ..KeyFile::new(KeyKind::Agent, DpopKey::generate()) };
    file.create(&path).unwrap();
    assert!(is_encrypted(&path));
    assert!(matches!(KeyFile::load(&path), Err(KeyFileError::Encrypted { .. })));
    assert!(matches!(Agent::load(&path).unwrap_err(), handfast_client::ClientError::KeyFile(_)));
    let wrong = KeyFile::load_with(&path, &Secret::new("correct horse")).unwrap_err();
    assert!(matches!(wrong, KeyFileError::Passphrase { .. }));
    assert!(!wrong.to_string().contains("correct horse"));
    assert_eq!(KeyFile::load_with(&path, &phrase()).unwrap().key.did(), file.key.did());
    // a file in the clear takes any
    let plain = KeyFile { custody: Custody::Plain, ..file };
    plain.update(&path).unwrap();
    assert!(!is_encrypted(&path));
    assert!(KeyFile::load(&path).is_ok() && KeyFile::load_with(&path, &Secret::new("any")).is_ok());
}

#[test]
fn the_example_of_the_page_opens() {
    let page = include_str!("../../../spec/key-file.md");
    let example = page.split("```").nth(1).unwrap().strip_prefix("json\n").unwrap();
    let (_folder, path) = folder();
    let file = KeyFile { custody: lock(), ..KeyFile::new(KeyKind::Agent, DpopKey::generate()) };
    file.create(&path).unwrap();
    fs::write(&path, example).unwrap();
    let opened = KeyFile::load_with(&path, &phrase()).unwrap();
    assert_eq!(opened.key.did().as_str(), "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw");
    assert_eq!(opened.issuer.as_deref(), Some("https://registry.example"));
}

#[test]
fn what_is_learned_is_written_without_the_passphrase() {
    let (_folder, path) = folder();
    let file = KeyFile { custody: lock(), ..KeyFile::new(KeyKind::Agent, DpopKey::generate()) };
    file.create(&path).unwrap();
    let before = fs::read(&path).unwrap();
    let mut file = KeyFile::load_with(&path, &phrase()).unwrap();
    file.handle = Some("amber-otter-00017".into());
    file.update(&path).unwrap();
    assert!(is_encrypted(&path));
    assert_ne!(fs::read(&path).unwrap(), before);
    assert_eq!(KeyFile::load_with(&path, &phrase()).unwrap().handle, file.handle);
    assert_eq!(file.load_again(&path).unwrap().handle, file.handle);
    // the file of another key is not written over, and need not be opened to see that
    let other = KeyFile { custody: lock(), ..KeyFile::new(KeyKind::Agent, DpopKey::generate()) };
    assert!(matches!(other.update(&path), Err(KeyFileError::OtherKey { .. })));
    // one that was locked anew is not opened by the old lock
    KeyFile { custody: lock(), ..file.clone() }.update(&path).unwrap();
    assert!(matches!(file.load_again(&path), Err(KeyFileError::Encrypted { .. })));
}

/// A registry that takes one rotation, after saying as often as told that it waits.
async fn registry(waiting: usize) -> FakeRegistry {
    let own: Arc<Mutex<String>> = Arc::default();
    let (issuer, asked, taken) = (Arc::clone(&own), AtomicUsize::new(0), Mutex::new(None::<(String, String)>));
    let other = move |_, request: &Seen| {
        let name = request.path.split('/').nth(2).unwrap().to_owned();
        let mut taken = taken.lock().unwrap();
        if request.path.ends_with("/keys") {
            return Reply::json(200, &history(&issuer.lock().unwrap(), &name, taken.as_ref()));
        }
        let new = new_key(&request.body);
        if asked.fetch_add(1, Ordering::SeqCst) < waiting {
            return Reply::json(202, &json!({"status": "waiting", "did": new, "expires_at": 1_795_300_000}));
        }
        *taken = Some((name, request.body.clone()));
        Reply::json(200, &json!({"status": "rotated", "did": new}))
    };
    let registry = FakeRegistry::answering(|n, _| token(n, "DPoP", "task_1"), other).await;
    *own.lock().unwrap() = registry.server.url.clone();
    registry
}

/// The keys of the agent `name`, or of the one whose rotation was taken.
fn history(issuer: &str, name: &str, taken: Option<&(String, String)>) -> Value {
    let first = taken.map_or(name, |(first, _)| first);
    let mut keys = vec![json!({"seq": 1, "did": first, "statement_hash": "A".repeat(43)})];
    keys.extend(taken.map(|(_, statement)| json!({"seq": 2, "did": new_key(statement), "statement": statement})));
    json!({"issuer": issuer, "keys": keys})
}

fn claims(jws: &str) -> Value {
    let payload = handfast_identity::base64url::decode(jws.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

/// The key that a statement is about.
fn new_key(statement: &str) -> String {
    claims(claims(statement)["key"].as_str().unwrap())["iss"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_rotation_keeps_the_encryption_through_all_its_files() {
    let registry = registry(1).await;
    let (_folder, path) = folder();
    let file = KeyFile { custody: lock(), ..key_file(&registry) };
    file.create(&path).unwrap();
    let agent = Agent::load_with(&path, &phrase()).unwrap();
    assert!(matches!(agent.rotate(&path).await.unwrap(), Rotated::Waiting { .. }));
    let next = next_key_path(&path);
    assert!(is_encrypted(&next) && is_encrypted(&path));
    let begun = KeyFile::load_with(&next, &phrase()).unwrap();
    // another process goes on with it, by the passphrase alone
    let agent = Agent::load_with(&path, &phrase()).unwrap();
    assert_eq!(agent.rotate(&path).await.unwrap(), Rotated::Done);
    assert!(is_encrypted(&path) && !next.exists());
    assert_eq!(KeyFile::load_with(&path, &phrase()).unwrap().key.did(), begun.key.did());
    assert_eq!(agent.key_file().key.did(), begun.key.did());
    // and what it learns later is encrypted too
    agent.key_file().update(&path).unwrap();
    assert!(is_encrypted(&path));
    assert!(agent.reload(&path).await.unwrap());
}
