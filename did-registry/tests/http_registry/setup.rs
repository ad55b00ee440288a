//! Making a registry's directory, and opening it again.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use handfast_identity::UnixTime;
use handfast_registry::store::StoreError;
use handfast_registry::store::memory::{MemoryDisk, open_memory};
use handfast_registry::{
    CONFIG_FILE, ConfigError, ConfigFile, KEYS_DIRECTORY, Parts, Registry, RegistryConfig, ResourceFile,
    STORE_DIRECTORY, Setting, SetupError, SharedClock, SharedRandom, StartError, begin_epoch, feed_link, init, open,
};
use handfast_testkit::{Agent, CountedRandom, HandClock, START};
use http::Request;
use serde_json::json;
use tower::ServiceExt as _;

use crate::bench::{Answer, config, keys, statement};

fn production() -> ConfigFile {
    let mut file = ConfigFile::new("https://id.example", "127.0.0.1:4500".parse().unwrap());
    file.resources = vec![ResourceFile::new("https://api.example", &["echo:read"])];
    file
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// Registers `key` as an owner's over the router, by the system's clock.
async fn enrol(registry: &Registry, key: &Agent, code: &str) -> Answer {
    let issuer = registry.config().issuer();
    let claims = json!({"iss": key.did().as_str(), "aud": issuer, "iat": now(), "jti": "j", "enrolment": code});
    let body = Body::from(statement("owner-registration+jwt", &claims, key));
    let request = Request::post("/owners").header("content-type", "application/jwt").body(body).unwrap();
    Answer::read(registry.router().oneshot(request).await.unwrap()).await
}

#[tokio::test]
async fn the_first_admin_comes_in_by_the_code_that_init_gave() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("registry");
    let made = init(&directory, &production()).await.unwrap();
    assert!(!format!("{made:?}").contains(made.admin_code.expose()));
    assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(directory.join(CONFIG_FILE)).unwrap().mode() & 0o777, 0o600);
    let registry = open(&directory).await.unwrap();
    assert_eq!((registry.feed_key(), registry.config().issuer()), (made.feed_key, "https://id.example"));
    let admin = enrol(&registry, &Agent::numbered(100), made.admin_code.expose()).await.is(201);
    assert_eq!(admin.json["role"], "admin");
    let again = enrol(&registry, &Agent::numbered(101), made.admin_code.expose()).await;
    assert_eq!(again.problem(), (410, "code_used"));
    // what was committed is there at the next start
    drop(registry);
    let registry = open(&directory).await.unwrap();
    let again = enrol(&registry, &Agent::numbered(101), made.admin_code.expose()).await;
    assert_eq!(again.problem(), (410, "code_used"));
}

#[tokio::test]
async fn nothing_is_made_over_what_is_there() {
    let parent = tempfile::tempdir().unwrap();
    let made = init(parent.path(), &production()).await.unwrap();
    let again = init(parent.path(), &production()).await;
    assert!(matches!(again, Err(SetupError::NotEmpty(_))), "{again:?}");
    assert_eq!(open(parent.path()).await.unwrap().feed_key(), made.feed_key);
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("notes"), "mine").unwrap();
    assert!(matches!(init(other.path(), &production()).await, Err(SetupError::NotEmpty(_))));
    assert_eq!(fs::read_dir(other.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_configuration_that_cannot_stand_makes_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("registry");
    let file = ConfigFile { issuer: "http://id.example".to_owned(), ..production() };
    assert!(matches!(
        init(&directory, &file).await,
        Err(SetupError::Config(ConfigError::Setting { setting: Setting::Issuer, .. }))
    ));
    assert!(!directory.exists());
}

#[tokio::test]
async fn what_keeps_a_registry_from_opening_is_named() {
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(open(empty.path()).await, Err(SetupError::NotARegistry(_))));
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path();
    init(directory, &production()).await.unwrap();
    let text = |error: SetupError| error.to_string();

    let running = open(directory).await.unwrap();
    let second = open(directory).await.err().unwrap();
    assert!(matches!(second, SetupError::Store(StoreError::Locked { .. })), "{second}");
    drop(running);

    let key = directory.join(KEYS_DIRECTORY).join("token.jwk");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let error = text(open(directory).await.err().unwrap());
    assert!(error.contains("token.jwk") && error.contains("chmod 600"), "{error}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();

    let path = directory.join(CONFIG_FILE);
    let good = fs::read_to_string(&path).unwrap();
    for (from, to, expected) in [
        ("https://id.example", "http://id.example", "setting `issuer`"),
        ("mode = \"production\"", "mode = \"testing\"", "setting `mode`"),
        ("token_seconds = 300", "token_seconds = 3600", "token lifetime"),
        ("listen =", "listens =", "unknown field `listens`"),
    ] {
        fs::write(&path, good.replace(from, to)).unwrap();
        let error = text(open(directory).await.err().unwrap());
        assert!(error.contains(expected), "{error}");
    }
    fs::write(&path, good).unwrap();
    open(directory).await.unwrap();
}

#[tokio::test]
async fn a_store_of_another_issuer_is_noticed() {
    // its feed is chained under the issuer's name: under another one every reader would call it forged
    let parent = tempfile::tempdir().unwrap();
    init(parent.path(), &production()).await.unwrap();
    let path = parent.path().join(CONFIG_FILE);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("https://id.example", "https://other.example")).unwrap();
    let error = open(parent.path()).await.err().unwrap();
    assert!(matches!(error, SetupError::Store(StoreError::Corrupt { .. })), "{error}");
    assert!(Path::new(&parent.path().join(STORE_DIRECTORY)).exists());
}

#[tokio::test]
async fn th68_published_keys_start_in_development_only() {
    let start = |file: ConfigFile, published: bool| async move {
        let config = RegistryConfig::new(&file).unwrap();
        let store = Arc::new(open_memory(&MemoryDisk::default(), feed_link(config.issuer()), "e").unwrap());
        let keys = if published { handfast_registry::RegistryKeys::generate(&mut Fixed(7)) } else { keys() };
        let clock = HandClock::at(START);
        let (clock, random) = (SharedClock::new(move || clock.now()), SharedRandom::new(CountedRandom::unshared()));
        Registry::start(Parts { config, store, keys, clock, random }).await.map(drop)
    };
    start(production(), false).await.unwrap();
    start(config(), false).await.unwrap();
    let refused = start(production(), true).await.err().unwrap();
    assert!(matches!(refused, StartError::Config(_)), "{refused}");
    assert!(refused.to_string().contains("keys/token.jwk"), "{refused}");
    start(config(), true).await.unwrap();
}

/// Seeds of one repeated byte, a new one for each key.
struct Fixed(u8);

impl handfast_identity::RandomSource for Fixed {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(self.0);
        self.0 += 1;
    }
}

#[tokio::test]
async fn a_restored_registry_begins_a_new_epoch_that_names_the_old_one() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("registry");
    assert!(matches!(begin_epoch(&directory, None, UnixTime::EPOCH), Err(SetupError::NotARegistry(_))));
    init(&directory, &production()).await.unwrap();
    let registry = open(&directory).await.unwrap();
    let running = begin_epoch(&directory, None, UnixTime::EPOCH).err().unwrap();
    assert!(matches!(running, SetupError::Store(StoreError::Locked { .. })), "{running}");
    let told = |registry: &Registry| {
        let router = registry.router();
        async move {
            let request = Request::get("/revocations/snapshot").body(Body::empty()).unwrap();
            crate::bench::claims_of(&Answer::read(router.oneshot(request).await.unwrap()).await.is(200).text)
        }
    };
    let before = told(&registry).await;
    assert!(before["follows"].is_null());
    drop(registry);
    let begun = begin_epoch(&directory, Some("the disk broke"), UnixTime::EPOCH).unwrap();
    let registry = open(&directory).await.unwrap();
    let after = told(&registry).await;
    assert_eq!(after["epoch"], json!(begun.epoch));
    assert_eq!(after["follows"], json!([{"epoch": before["epoch"], "seq": before["to"], "head": before["head"]}]));
    assert_eq!(after["follows"], json!([begun.follows]));
}
