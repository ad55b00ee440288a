//! Issuers whose status lists are read (spec/status-lists.md).

use std::time::Duration;

use handfast_delegation::StatusReference;
use handfast_identity::{Seconds, UnixTime};
use handfast_middleware::{Mode, ResourceServer, TrustedIssuer};
use handfast_testkit::keys;
use handfast_verifier::status_list::{EntryBits, EntryStatus, StatusList, StatusListToken};
use handfast_verifier::trust::{Profile, StatusSource};

use crate::common::{API, Answer, refused, served};
use crate::fake_registry::{BRISK, Follower, Registry};

const LIST: &str = "application/statuslist+jwt";
const SOON: Duration = Duration::from_secs(10);
const TOKEN_KEY: u8 = 200;
const FEED_KEY: u8 = 201;
/// Where the tokens of these tests stand.
const PLACE: u64 = 5;

/// A list in the making.
struct Draft {
    uri: String,
    issued_at: UnixTime,
    ttl: Option<u64>,
    places: u64,
    status: EntryStatus,
    /// Which of the keys of the tests: 200 is the issuer's token key, 201 its feed key.
    key: u8,
    kid: String,
}

impl Draft {
    /// A good one, of now.
    fn of(registry: &Registry) -> Self {
        registry.change(|says| Self {
            uri: format!("{}/status-lists/0", says.issuer.url()),
            issued_at: says.clock.now(),
            ttl: Some(60),
            places: 16,
            status: EntryStatus::Valid,
            key: FEED_KEY,
            kid: says.issuer.feed_did().key_id(),
        })
    }

    fn saying(self, status: EntryStatus) -> Self {
        Self { status, ..self }
    }

    fn text(&self) -> String {
        let mut list = StatusList::new(EntryBits::Two, self.places);
        list.set(PLACE, self.status);
        let token = StatusListToken {
            uri: self.uri.clone(),
            issued_at: self.issued_at,
            expires_at: Some(self.issued_at.saturating_add(Seconds::new(300))),
            ttl: self.ttl.map(Seconds::new),
            list,
        };
        token.sign_as(&self.kid, &keys::ed25519(self.key)).unwrap()
    }

    fn publish(&self, registry: &Registry) {
        registry.change(|says| says.lists.insert(0, (LIST, self.text())));
    }
}

/// An API that reads the lists of the registry.
struct Reader {
    registry: Registry,
    api: Follower,
}

fn by_lists(registry: &Registry) -> TrustedIssuer {
    registry.change(|says| TrustedIssuer {
        status: StatusSource::StatusList { key: Some(says.issuer.feed_did()), origins: Vec::new() },
        ..says.issuer.trust()
    })
}

impl Reader {
    async fn new() -> Self {
        let registry = Registry::running().await;
        let trust = by_lists(&registry);
        Self::with(registry, trust).await
    }

    async fn with(registry: Registry, trust: TrustedIssuer) -> Self {
        let api = Follower::trusting(&registry, trust, |builder| builder).await;
        api.server.ready().await;
        Self { registry, api }
    }

    fn uri(&self) -> String {
        self.registry.change(|says| format!("{}/status-lists/0", says.issuer.url()))
    }

    async fn ask_at(&self, index: u64, uri: &str) -> Answer {
        let (issuer, now) = self.registry.change(|says| (says.issuer.clone(), says.clock.now()));
        let mut token = issuer.token_for(self.api.agent(), API, "files:read", now);
        token.status = Some(StatusReference { index, uri: uri.into() });
        self.api.ask(&issuer.sign(&token)).await
    }

    async fn ask(&self) -> Answer {
        self.ask_at(PLACE, &self.uri()).await
    }

    /// Asks until this is the outcome.
    async fn ask_until(&self, outcome: (u16, String)) {
        let asking = async {
            while self.ask().await.outcome() != outcome {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(SOON, asking).await.unwrap();
    }

    /// Waits until lists were asked for so often more.
    async fn asked_again(&self, times: u64) {
        let asked = || self.registry.change(|says| says.lists_asked);
        let goal = asked() + times;
        let waiting = async {
            while asked() < goal {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(SOON, waiting).await.unwrap();
    }

    fn advance(&self, seconds: u64) {
        self.registry.change(|says| says.clock.advance(seconds));
    }
}

#[tokio::test]
async fn tsl_21_a_list_is_fetched_when_a_token_names_it_and_again_when_it_is_due() {
    let reader = Reader::new().await;
    Draft::of(&reader.registry).publish(&reader.registry);
    let asked = || reader.registry.change(|says| says.lists_asked);
    assert_eq!(asked(), 0, "nobody named it");
    for _ in 0..3 {
        assert_eq!(reader.ask().await.outcome(), served());
    }
    assert_eq!(asked(), 1);
    // TSL-27: not before its time to live is over
    Draft::of(&reader.registry).saying(EntryStatus::Invalid).publish(&reader.registry);
    reader.advance(59);
    assert_eq!((reader.ask().await.outcome(), asked()), (served(), 1));
    reader.advance(1);
    Draft::of(&reader.registry).saying(EntryStatus::Invalid).publish(&reader.registry);
    reader.ask_until(refused(401, "token_revoked")).await;
    reader.advance(60);
    Draft::of(&reader.registry).saying(EntryStatus::Suspended).publish(&reader.registry);
    reader.ask_until(refused(401, "token_suspended")).await;
    let lag = reader.api.server.list_lags().remove(0);
    assert_eq!((lag.held, lag.doubted, lag.applied, lag.failed, lag.age), (1, 0, 3, 0, Some(Seconds::new(0))));
}

#[tokio::test]
async fn tsl_22_30_what_a_reference_may_not_be_is_refused_and_nothing_fetched() {
    let reader = Reader::new().await;
    Draft::of(&reader.registry).publish(&reader.registry);
    assert_eq!(reader.ask().await.outcome(), served());
    let invalid = || refused(401, "status_reference_invalid");
    assert_eq!(reader.ask_at(16, &reader.uri()).await.outcome(), invalid());
    // another registry, with a list that would say VALID
    let stranger = Registry::running().await;
    let elsewhere = Draft::of(&stranger);
    elsewhere.publish(&stranger);
    for uri in [elsewhere.uri.as_str(), "http://169.254.169.254/status-lists/0", "file:///etc/passwd", "x"] {
        assert_eq!(reader.ask_at(PLACE, uri).await.outcome(), invalid(), "{uri}");
    }
    assert_eq!(stranger.change(|says| says.lists_asked), 0);
    let (issuer, now) = reader.registry.change(|says| (says.issuer.clone(), says.clock.now()));
    let without = issuer.sign(&issuer.token_for(reader.api.agent(), API, "files:read", now));
    assert_eq!(reader.api.ask(&without).await.outcome(), invalid());
}

/// TSL-20: whoever nobody trusts has nothing fetched.
#[tokio::test]
async fn a_forged_token_has_no_list_fetched() {
    let reader = Reader::new().await;
    Draft::of(&reader.registry).publish(&reader.registry);
    let (issuer, now) = reader.registry.change(|says| (says.issuer.clone(), says.clock.now()));
    let forger = handfast_testkit::Issuer::with_keys(issuer.url(), keys::ed25519(77), keys::ed25519(78));
    let mut token = forger.token_for(reader.api.agent(), API, "files:read", now);
    token.status = Some(StatusReference { index: PLACE, uri: reader.uri().into() });
    let forged = token.sign(&issuer.kid(), forger.key()).unwrap();
    assert_eq!(reader.api.ask(&forged).await.outcome(), refused(401, "token_signature_invalid"));
    assert_eq!(reader.registry.change(|says| says.lists_asked), 0);
}

/// TSL-12, TSL-21, TSL-23, TSL-28, TSL-29: what cannot be relied on is never a pass, and takes no good list away.
#[tokio::test]
async fn a_list_that_is_none_says_nothing() {
    type Wrong = fn(&Registry) -> (&'static str, String);
    fn of(registry: &Registry, change: impl FnOnce(Draft) -> Draft) -> (&'static str, String) {
        (LIST, change(Draft::of(registry)).text())
    }
    let wrong: [(&str, Wrong); 9] = [
        ("forged", |registry| of(registry, |draft| Draft { key: 99, ..draft })),
        ("by the token key", |registry| {
            let issuer = registry.change(|says| says.issuer.clone());
            of(registry, |draft| Draft { key: TOKEN_KEY, kid: issuer.kid(), ..draft })
        }),
        ("another list", |registry| of(registry, |draft| Draft { uri: format!("{}/1", draft.uri), ..draft })),
        ("truncated", |registry| {
            let (media_type, text) = of(registry, |draft| draft);
            (media_type, text.get(..text.len() / 2).unwrap().to_owned())
        }),
        ("expired", |registry| {
            of(registry, |draft| Draft { issued_at: draft.issued_at.saturating_sub(Seconds::new(331)), ..draft })
        }),
        ("ahead", |registry| {
            of(registry, |draft| Draft { issued_at: draft.issued_at.saturating_add(Seconds::new(31)), ..draft })
        }),
        ("another media type", |registry| ("application/jwt", Draft::of(registry).text())),
        ("too long", |_| (LIST, "x".repeat(2 * 1024 * 1024 + 1))),
        ("a bomb", |registry| (LIST, bomb(registry))),
    ];
    for (what, make) in wrong {
        let reader = Reader::new().await;
        let (media_type, text) = make(&reader.registry);
        reader.registry.change(|says| says.lists.insert(0, (media_type, text)));
        assert_eq!(reader.ask().await.outcome(), refused(503, "status_unknown"), "{what}");
        // it recovers by itself
        Draft::of(&reader.registry).publish(&reader.registry);
        reader.ask_until(served()).await;
        // and a good one stays until it is too old: `ttl` and the staleness
        reader.advance(60);
        let (media_type, text) = make(&reader.registry);
        reader.registry.change(|says| says.lists.insert(0, (media_type, text)));
        reader.asked_again(2).await;
        assert_eq!(reader.ask().await.outcome(), served(), "{what}");
        reader.advance(31);
        assert_eq!(reader.ask().await.outcome(), refused(503, "status_unknown"), "{what}");
        assert!(reader.api.server.list_lags().remove(0).failed >= 2, "{what}");
    }
}

/// A signed list of the right key that is longer than any may be once inflated: 17 stored blocks of 64 KiB.
fn bomb(registry: &Registry) -> String {
    let mut bytes = vec![0x78, 0x9c];
    for _ in 0..17 {
        bytes.extend([0x00, 0xff, 0xff, 0x00, 0x00]);
        bytes.extend([0; 0xffff]);
    }
    let lst = handfast_identity::base64url::encode(&bytes);
    let draft = Draft::of(registry);
    let claims = serde_json::json!({
        "sub": draft.uri, "iat": draft.issued_at, "ttl": 60, "status_list": {"bits": 2, "lst": lst}
    });
    handfast_identity::jws::sign("statuslist+jwt", Some(&draft.kid), &claims, &keys::ed25519(draft.key)).unwrap()
}

/// TH64
#[tokio::test]
async fn th64_an_older_list_after_a_newer_one_is_refused_until_a_newer_one_comes() {
    let reader = Reader::new().await;
    let older = Draft::of(&reader.registry);
    reader.advance(10);
    Draft::of(&reader.registry).saying(EntryStatus::Invalid).publish(&reader.registry);
    assert_eq!(reader.ask().await.outcome(), refused(401, "token_revoked"));
    older.publish(&reader.registry);
    reader.advance(60);
    reader.ask_until(refused(503, "status_unknown")).await;
    assert_eq!(reader.api.server.list_lags().remove(0).doubted, 1);
    reader.asked_again(2).await;
    assert_eq!(reader.ask().await.outcome(), refused(503, "status_unknown"), "asked again, and still the older");
    Draft::of(&reader.registry).saying(EntryStatus::Invalid).publish(&reader.registry);
    reader.ask_until(refused(401, "token_revoked")).await;
}

/// TH64
#[tokio::test]
async fn th64_an_older_list_is_refused_behind_a_restart_too() {
    let state = tempfile::tempdir().unwrap();
    let registry = Registry::running().await;
    let started = async |registry| {
        let directory = state.path().to_path_buf();
        let trust = by_lists(&registry);
        let api = Follower::trusting(&registry, trust, move |builder| builder.state_directory(directory)).await;
        api.server.ready().await;
        Reader { registry, api }
    };
    let reader = started(registry).await;
    let older = Draft::of(&reader.registry);
    reader.advance(10);
    Draft::of(&reader.registry).saying(EntryStatus::Invalid).publish(&reader.registry);
    assert_eq!(reader.ask().await.outcome(), refused(401, "token_revoked"));
    let Reader { registry, api } = reader;
    drop(api);
    older.publish(&registry);
    let reader = started(registry).await;
    assert_eq!(reader.ask().await.outcome(), refused(503, "status_unknown"));
    Draft::of(&reader.registry).saying(EntryStatus::Invalid).publish(&reader.registry);
    reader.ask_until(refused(401, "token_revoked")).await;
}

/// What cannot be kept is taken for no fresher than what was kept; what it says counts all the same.
#[tokio::test]
async fn a_list_that_cannot_be_kept_is_believed_until_the_one_before_is_too_old() {
    let state = tempfile::tempdir().unwrap();
    let directory = state.path().join("kept");
    let registry = Registry::running().await;
    let (trust, place) = (by_lists(&registry), directory.clone());
    let api = Follower::trusting(&registry, trust, move |builder| builder.state_directory(place)).await;
    api.server.ready().await;
    let reader = Reader { registry, api };
    Draft::of(&reader.registry).publish(&reader.registry);
    assert_eq!(reader.ask().await.outcome(), served());
    // root may write wherever there is a directory
    std::fs::rename(&directory, state.path().join("away")).unwrap();
    reader.advance(60);
    Draft::of(&reader.registry).saying(EntryStatus::Invalid).publish(&reader.registry);
    reader.ask_until(refused(401, "token_revoked")).await;
    reader.advance(31);
    assert_eq!(reader.ask().await.outcome(), refused(503, "status_unknown"));
    std::fs::rename(state.path().join("away"), &directory).unwrap();
    reader.ask_until(refused(401, "token_revoked")).await;
}

#[tokio::test]
async fn a_source_that_is_down_is_ours_and_comes_back_by_itself() {
    let mut reader = Reader::new().await;
    Draft::of(&reader.registry).publish(&reader.registry);
    assert_eq!(reader.ask().await.outcome(), served());
    reader.registry.stop().await;
    reader.advance(90);
    assert_eq!(reader.ask().await.outcome(), served(), "as long as its time to live and the staleness");
    reader.advance(1);
    let answer = reader.ask().await;
    assert_eq!(answer.outcome(), refused(503, "status_unknown"));
    assert_eq!(answer.field("retry-after"), Some("5"));
    Draft::of(&reader.registry).publish(&reader.registry);
    reader.registry.start().await;
    reader.ask_until(served()).await;
}

/// TSL-28: an issuer that never heard of handfast signs its lists with the keys of its set.
#[tokio::test]
async fn a_foreign_issuers_lists_are_by_its_token_keys() {
    let registry = Registry::running().await;
    let trust = registry.change(|says| TrustedIssuer {
        profile: Profile::Rfc9068,
        status: StatusSource::StatusList { key: None, origins: Vec::new() },
        ..says.issuer.trust()
    });
    let reader = Reader::with(registry, trust).await;
    let issuer = reader.registry.change(|says| says.issuer.clone());
    let by = |key, kid: String, status| {
        Draft { key, kid, ..Draft::of(&reader.registry) }.saying(status).publish(&reader.registry);
    };
    by(FEED_KEY, issuer.kid(), EntryStatus::Valid);
    assert_eq!(reader.ask().await.outcome(), refused(503, "status_unknown"), "signed by another key");
    by(TOKEN_KEY, "unknown".to_owned(), EntryStatus::Valid);
    let failed = || reader.api.server.list_lags().remove(0).failed;
    let before = failed();
    while failed() == before {
        assert_eq!(reader.ask().await.outcome(), refused(503, "status_unknown"), "a key nobody knows");
    }
    by(TOKEN_KEY, issuer.kid(), EntryStatus::Invalid);
    reader.ask_until(refused(401, "token_revoked")).await;
}

#[tokio::test]
async fn lists_of_a_registry_need_its_pinned_key() {
    let registry = Registry::running().await;
    let trust = registry.change(|says| TrustedIssuer {
        status: StatusSource::StatusList { key: None, origins: Vec::new() },
        ..says.issuer.trust()
    });
    let started = ResourceServer::builder(API, API).mode(Mode::Development).pace(BRISK).trust(trust).start().await;
    assert!(started.unwrap_err().to_string().contains("`status_key`"));
}
