//! The drill: the feed key was stolen, and the recovery key puts another in its place.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use handfast_audit_log::{Leaf, Opening};
use handfast_identity::{DidKey, SigningKey, UnixTime};
use handfast_middleware::{Mode, Pace, ResourceServer, TrustedIssuer};
use handfast_registry::store::{SledOptions, Store as _, Table, open_sled};
use handfast_registry::{
    CONFIG_FILE, ConfigFile, FeedKeyReplaced, KEYS_DIRECTORY, RecoveryKey, Registry, STORE_DIRECTORY, SetupError,
    begin_epoch, feed_link, init, open, replace_feed_key, rotate_token_key,
};
use handfast_verifier::revocation::{FeedKeyError, FeedKeys, RevocationKind, RevocationName, UnverifiedFeedMessage};
use handfast_verifier::trust::Status;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::bench::{API, Answer, Bench, config};

/// Long enough for whatever is waited for, on a busy machine too.
const SOON: Duration = Duration::from_secs(20);

fn now() -> UnixTime {
    UnixTime::from_secs(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs())
}

/// A registry's directory, and the key that is kept elsewhere.
struct Site {
    _parent: tempfile::TempDir,
    directory: PathBuf,
    recovery: RecoveryKey,
    file: ConfigFile,
    feed_key: DidKey,
}

impl Site {
    async fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("registry");
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let recovery = RecoveryKey::generate();
        let mut file = config();
        (file.issuer, file.listen) = (format!("http://{address}"), address);
        file.feed_recovery_key = Some(recovery.did().to_string());
        let feed_key = init(&directory, &file).await.unwrap().feed_key;
        Self { _parent: parent, directory, recovery, file, feed_key }
    }

    fn replace(&self, former: &[DidKey]) -> Result<FeedKeyReplaced, SetupError> {
        replace_feed_key(&self.directory, &self.recovery, former, Some("the host was broken into"), now())
    }

    fn key(&self, name: &str) -> PathBuf {
        self.directory.join(KEYS_DIRECTORY).join(name)
    }

    fn pinned(&self) -> FeedKeys {
        FeedKeys::pinned(&self.file.issuer, self.feed_key.clone(), Some(self.recovery.did()))
    }

    /// What the registry, opened anew, answers at `path`.
    async fn get(&self, path: &str) -> Answer {
        asked(&open(&self.directory).await.unwrap(), path).await
    }

    async fn serve(&self) -> Running {
        let registry = open(&self.directory).await.unwrap();
        let listener = TcpListener::bind(self.file.listen).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = registry.clone();
        let task = tokio::spawn(async move { served.serve(listener, async { drop(stopped.await) }).await });
        Running { registry, stop, task }
    }

    /// Kinds and statements of the log, in order.
    async fn log(&self) -> Vec<(String, String)> {
        let options = SledOptions { directory: self.directory.join(STORE_DIRECTORY), new_epoch: "unused".to_owned() };
        let store = open_sled(&options, feed_link(&self.file.issuer)).unwrap();
        let mut entries = Vec::new();
        for index in 0..store.positions().borrow().log_size {
            let leaf = store.get(Table::LOG, &index.to_be_bytes()).await.unwrap().unwrap();
            let leaf = Leaf::parse(&leaf.value).unwrap();
            let opening = store.get(Table::DETAILS, &index.to_be_bytes()).await.unwrap().unwrap();
            let opening = Opening::parse(&opening.value).unwrap();
            opening.opens(&leaf).unwrap();
            let statement = String::from_utf8(opening.statement().to_vec()).unwrap();
            entries.push((leaf.kind().to_owned(), statement));
        }
        entries
    }
}

async fn asked(registry: &Registry, path: &str) -> Answer {
    let request = http::Request::get(path).body(axum::body::Body::empty()).unwrap();
    Answer::read(tower::ServiceExt::oneshot(registry.router(), request).await.unwrap()).await
}

struct Running {
    registry: Registry,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
        drop(self.registry);
    }
}

/// Whether the server knows all revocations at this moment.
fn knows(server: &ResourceServer, issuer: &str) -> bool {
    matches!(server.facts().issuer(issuer).unwrap().status, Status::Known { .. })
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copied(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[tokio::test]
async fn p12_the_drill_a_stolen_feed_key_is_replaced_and_resource_servers_go_on() {
    let site = Site::new().await;
    let running = site.serve().await;
    let state = tempfile::tempdir().unwrap();
    let quick = Duration::from_millis(20);
    let pace = Pace { first_retry: quick, last_retry: quick, feed_pause: quick, ..Pace::default() };
    let trust = TrustedIssuer::single(&site.file.issuer, site.feed_key.clone()).recovered_by(site.recovery.did());
    let server = ResourceServer::builder(API, API).mode(Mode::Development).pace(pace).trust(trust);
    let server = server.state_directory(state.path()).start().await.unwrap();
    server.ready().await;
    assert!(knows(&server, &site.file.issuer));
    assert_eq!(asked(&running.registry, "/revocations/key").await.problem(), (404, "not_found"));

    // the thief has a copy of the key
    let stolen = std::fs::read_to_string(site.key("feed.jwk")).unwrap();
    let stolen = SigningKey::from_private_jwk(stolen.trim_end()).unwrap();
    let refused = site.replace(&[]).unwrap_err().to_string();
    assert!(refused.contains("in use") || refused.contains("open"), "not while it runs: {refused}");
    running.stop().await;
    let replaced = site.replace(&[]).unwrap();
    assert_eq!((replaced.seq, &replaced.replaces[..]), (1, &[stolen.public().did()][..]));
    let running = site.serve().await;
    assert_eq!(running.registry.feed_key(), replaced.key);

    let followed = async {
        while server.feed_lags().remove(0).key_seq == 0 || !knows(&server, &site.file.issuer) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, followed).await.unwrap();
    assert!(!server.feed_lags().remove(0).is_rolled_back);
    // what is revoked from now on bites there, without a restart
    let bench = Bench::of(&running.registry);
    let (owner, admin) = (bench.owner(100).await, bench.admin(102).await);
    let body = json!({"kind": "owner", "id": owner.id});
    bench.manage(&admin.key, "registry:admin", "POST", "/revocations", Some(body)).await.is(200);
    let name = RevocationName::of(&site.file.issuer, RevocationKind::Owner, &owner.id);
    let bites = || match &server.facts().issuer(&site.file.issuer).unwrap().status {
        Status::Known { set, .. } => set.covers(name, UnixTime::EPOCH).is_some(),
        other => panic!("{other:?}"),
    };
    let bitten = async {
        while !bites() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(1), bitten).await.unwrap();
    let snapshot = asked(&running.registry, "/revocations/snapshot").await.is(200).text;
    let mut keys = site.pinned();
    assert!(keys.verify_message(UnverifiedFeedMessage::parse(&snapshot).unwrap()).is_err());
    let statement = asked(&running.registry, "/revocations/key").await.is(200).text;
    assert_eq!(keys.take(&statement, now()), Ok(true));
    assert_eq!(*keys.current(), replaced.key);
    keys.verify_message(UnverifiedFeedMessage::parse(&snapshot).unwrap()).unwrap();
    // and what the thief signs counts nowhere
    let payload = handfast_identity::base64url::decode(snapshot.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    let forged = handfast_identity::jws::sign("revocation-feed+jwt", Some("x"), &claims, &stolen).unwrap();
    assert!(keys.verify_message(UnverifiedFeedMessage::parse(&forged).unwrap()).is_err());
    running.stop().await;
}

#[tokio::test]
async fn p16_what_the_operator_does_is_in_the_log_in_the_same_act() {
    let site = Site::new().await;
    let feed = |key: &DidKey| format!("\"did\":\"{key}\"");
    let rotated = rotate_token_key(&site.directory, now()).unwrap();
    drop(open(&site.directory).await.unwrap());
    // a start without a change says nothing
    drop(open(&site.directory).await.unwrap());
    let begun = begin_epoch(&site.directory, Some("restored"), now()).unwrap();
    let replaced = site.replace(&[]).unwrap();
    drop(open(&site.directory).await.unwrap());
    let log = site.log().await;
    let kinds: Vec<_> = log.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["issuer_keys", "owner_code_made", "issuer_keys", "epoch_begun", "feed_key_replaced", "issuer_keys"],
        "the keys before anything else"
    );
    let says = |index: usize, texts: &[&str]| {
        let (_, statement): &(String, String) = &log[index];
        for text in texts.iter().chain(&["\"who\":\"operator\""]) {
            assert!(statement.contains(text), "{text} in {statement}");
        }
    };
    says(0, &[&feed(&site.feed_key)]);
    says(2, &[&format!("\"kids\":[\"{}\",\"{}\"]", rotated.signs, rotated.stands_by)]);
    let end = |ended: &handfast_verifier::revocation::FeedPosition| {
        format!("\"follows\":{{\"epoch\":\"{}\",\"head\":\"{}\",\"seq\":{}}}", ended.epoch, ended.head, ended.seq)
    };
    says(3, &[&format!("\"id\":\"{}\"", begun.epoch), &end(&begun.follows), "\"why\":\"restored\""]);
    says(4, &[&end(&replaced.begun.follows), "\"statement\":\"ey", "\"why\":\"the host was broken into\""]);
    says(5, &[&feed(&replaced.key)]);
}

#[tokio::test]
async fn only_its_recovery_key_replaces_a_feed_key_and_no_other_key_starts() {
    let site = Site::new().await;
    let stranger = RecoveryKey::generate();
    let refused = replace_feed_key(&site.directory, &stranger, &[], None, now()).unwrap_err();
    assert!(
        matches!(&refused, SetupError::OtherRecoveryKey { found, .. } if *found == stranger.did().to_string()),
        "{refused}"
    );
    assert!(!site.key("feed-next.jwk").exists());
    let long = "x".repeat(10_000);
    let refused = replace_feed_key(&site.directory, &site.recovery, &[], Some(&long), now()).unwrap_err();
    assert!(matches!(refused, SetupError::Reason(_)), "{refused}");
    let path = site.directory.join(CONFIG_FILE);
    let good = std::fs::read_to_string(&path).unwrap();
    let without: Vec<_> = good.lines().filter(|line| !line.starts_with("feed_recovery_key")).collect();
    std::fs::write(&path, without.join("\n")).unwrap();
    assert!(matches!(site.replace(&[]), Err(SetupError::NoRecoveryKey)));
    std::fs::write(&path, good).unwrap();
    assert_eq!(open(&site.directory).await.unwrap().feed_key(), site.feed_key, "nothing was changed");

    let before = std::fs::read(site.key("feed.jwk")).unwrap();
    let replaced = site.replace(&[]).unwrap();
    // a crash before the last step is made good at the next start
    std::fs::rename(site.key("feed.jwk"), site.key("feed-next.jwk")).unwrap();
    let private = std::os::unix::fs::OpenOptionsExt::mode(std::fs::OpenOptions::new().write(true).create(true), 0o600)
        .open(site.key("feed.jwk"));
    std::io::Write::write_all(&mut private.unwrap(), &before).unwrap();
    assert_eq!(open(&site.directory).await.unwrap().feed_key(), replaced.key);
    assert!(!site.key("feed-next.jwk").exists());
    // the former key, put back, signs nothing
    std::fs::write(site.key("feed.jwk"), &before).unwrap();
    let error = open(&site.directory).await.unwrap_err().to_string();
    assert!(error.contains("keys/feed.jwk") && error.contains(replaced.key.as_str()), "{error}");
}

#[tokio::test]
async fn p12_a_directory_from_before_a_replacement_has_to_name_the_keys_it_forgot() {
    let site = Site::new().await;
    let backup = tempfile::tempdir().unwrap();
    copied(&site.directory, backup.path());
    let first = site.replace(&[]).unwrap();
    let mut keys = site.pinned();
    assert_eq!(keys.take(&site.get("/revocations/key").await.is(200).text, now()), Ok(true));
    // restored: it knows neither the statement nor the key
    std::fs::remove_dir_all(&site.directory).unwrap();
    copied(backup.path(), &site.directory);
    let lost = site.replace(&[]).unwrap();
    assert_eq!(lost.seq, first.seq);
    let statement = site.get("/revocations/key").await.is(200).text;
    assert_eq!(keys.take(&statement, now()), Err(FeedKeyError::Stale));
    let named = site.replace(std::slice::from_ref(&first.key)).unwrap();
    assert_eq!((named.seq, &named.replaces[..]), (3, &[site.feed_key.clone(), first.key, lost.key][..]));
    let statement = site.get("/revocations/key").await.is(200).text;
    assert_eq!(keys.take(&statement, now()), Ok(true));
    assert_eq!(*keys.current(), named.key);
}
