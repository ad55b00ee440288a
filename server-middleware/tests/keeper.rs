//! Following a registry over the network: coming and going, keys, revocations, and messages that are none.

#![allow(clippy::unwrap_used)] // constants of the tests

mod common;
mod fake_registry;
mod feed_questions;
#[path = "keeper/full_feed.rs"]
mod full_feed;
#[path = "keeper/introspection.rs"]
mod introspection;
mod issuers;
#[path = "keeper/lists.rs"]
mod lists;
mod replaced_feed_key;

use std::sync::Arc;
use std::time::Duration;

use axum::response::IntoResponse;
use common::{refused, served};
use fake_registry::{BRISK, Follower, Registry, jwt};
use handfast_identity::Seconds;
use handfast_middleware::{Mode, Pace, ResourceServer, TrustedIssuer};
use handfast_testkit::{Issuer, keys};
use handfast_verifier::revocation::RevocationKind;
use handfast_verifier::trust::{MAX_LIFETIME_WITHOUT_STATUS, StatusSource};
use http::StatusCode;
use serde_json::json;
use tokio::sync::Barrier;

#[tokio::test]
async fn a_server_starts_without_its_registry_and_recovers_when_it_comes() {
    let mut registry = Registry::stopped().await;
    let api = Follower::of(&registry).await;
    let answer = api.ask(&api.token()).await;
    assert_eq!(answer.outcome(), refused(503, "status_unknown"));
    assert_eq!(answer.field("retry-after"), Some("5"));
    registry.start().await;
    api.server.ready().await;
    registry.heard().await;
    assert_eq!(api.ask(&api.token()).await.outcome(), served());
}

#[tokio::test]
async fn a_registry_that_goes_away_is_believed_until_it_is_too_long_ago() {
    let mut registry = Registry::running().await;
    let api = Follower::of(&registry).await;
    let clock = registry.change(|says| says.clock.clone());
    registry.stop().await;
    clock.advance(30); // P-11: both sides of the limit
    assert_eq!(api.ask(&api.token()).await.outcome(), served());
    clock.advance(1);
    assert_eq!(api.ask(&api.token()).await.outcome(), refused(503, "status_unknown"));
    registry.start().await;
    registry.heard().await;
    assert_eq!(api.ask(&api.token()).await.outcome(), served());
}

#[tokio::test]
async fn a_revocation_arrives_and_stays() {
    let mut registry = Registry::running().await;
    let api = Follower::of(&registry).await;
    let token = api.token();
    assert_eq!(api.ask(&token).await.outcome(), served());
    let did = api.agent().did().to_string();
    registry.change(|says| says.feed.revoke(RevocationKind::Agent, &did));
    registry.heard().await;
    assert_eq!(api.ask(&token).await.outcome(), refused(401, "agent_revoked"));
    // another event, a loss of the connection and a start of the server anew change nothing about it
    registry.change(|says| says.feed.revoke(RevocationKind::Task, "task_other"));
    registry.stop().await;
    registry.start().await;
    registry.heard().await;
    assert_eq!(api.ask(&token).await.outcome(), refused(401, "agent_revoked"));
    // the questions counted are those of one follower, so the other ends first
    drop(api);
    registry.stop().await;
    registry.start().await;
    let restarted = Follower::of(&registry).await;
    assert_eq!(restarted.ask(&restarted.token()).await.outcome(), refused(401, "agent_revoked"));
}

#[tokio::test]
async fn a_feed_that_goes_back_is_never_believed_again() {
    // TH64
    for name in ["fewer events", "other events", "another epoch", "other events under a new one"] {
        let registry = Registry::running().await;
        let ahead = registry.change(|says| {
            says.feed.revoke(RevocationKind::Token, "tok_1");
            says.feed.clone()
        });
        let api = Follower::of(&registry).await;
        assert_eq!(api.ask(&api.token()).await.outcome(), served(), "{name}");
        registry.change(|says| {
            let mut other = says.issuer.feed();
            other.revoke(RevocationKind::Token, "tok_2");
            says.feed = match name {
                "fewer events" => says.issuer.feed(),
                "other events" => other,
                "another epoch" => ahead.clone().in_epoch("2"),
                _ => {
                    other.revoke(RevocationKind::Token, "tok_1");
                    other
                }
            };
        });
        api.ask_until(refused(503, "feed_rolled_back")).await;
        // neither what was known nor more than that heals it
        registry.change(|says| {
            says.feed = ahead;
            says.feed.revoke(RevocationKind::Token, "tok_3");
        });
        let restarted = Follower::of(&registry).await;
        registry.heard().await;
        assert_eq!(api.ask(&api.token()).await.outcome(), refused(503, "feed_rolled_back"), "{name}");
        assert_eq!(restarted.ask(&restarted.token()).await.outcome(), served(), "the twin after {name}");
    }
}

#[tokio::test]
async fn messages_that_are_none_change_nothing() {
    let registry = Registry::running().await;
    registry.change(|says| says.feed.revoke(RevocationKind::Token, "tok_1"));
    let api = Follower::of(&registry).await;
    let did = api.agent().did().to_string();
    let (issuer, now, feed) = registry.change(|says| (says.issuer.clone(), says.clock.now(), says.feed.clone()));
    let mut lies = feed.clone();
    lies.revoke(RevocationKind::Agent, &did);
    let signed_by_stranger = lies.message(1, now).sign(&keys::ed25519(9)).unwrap();
    let signed_by_token_key = lies.message(1, now).sign(issuer.key()).unwrap();
    let foreign = {
        let other = Issuer::with_keys("https://other.example", keys::ed25519(200), keys::ed25519(201));
        let mut feed = other.feed();
        feed.revoke(RevocationKind::Token, "tok_1");
        feed.revoke(RevocationKind::Agent, &did);
        feed.since(1, now)
    };
    let mut broken_link = lies.message(1, now);
    broken_link.events.clear();
    let of_another_type = issuer.sign_parts(&json!({"typ": "at+jwt", "alg": "EdDSA"}), &lies.message(1, now));
    let ahead = lies.since(1, now.saturating_add(Seconds::new(31)));
    let heartbeat = feed.since(1, now);
    let messages = [
        ("a stranger's", jwt(&signed_by_stranger)),
        ("the token key's", jwt(&signed_by_token_key)),
        ("another issuer's", jwt(&foreign)),
        ("one that contradicts itself", jwt(&feed.sign(&broken_link))),
        ("of another type", jwt(&of_another_type)),
        ("signed ahead of the clock", jwt(&ahead)),
        ("nothing", jwt("")),
        ("junk", jwt("a.b.c")),
        ("of another media type", ([("content-type", "text/plain")], lies.since(1, now)).into_response()),
        ("a lost answer", StatusCode::BAD_GATEWAY.into_response()),
        ("a redirect", (StatusCode::FOUND, [("location", "/revocations/snapshot")]).into_response()),
        ("a heartbeat", jwt(&heartbeat)),
        ("the same once more", jwt(&heartbeat)),
        ("everything once more", jwt(&feed.snapshot(now))),
    ];
    for (name, message) in messages {
        registry.change(|says| says.script.push_back(message));
        registry.script_heard().await;
        assert_eq!(api.ask(&api.token()).await.outcome(), served(), "{name}");
    }
    // the twin: the same revocation, said by the feed itself
    registry.change(|says| says.feed = lies);
    registry.heard().await;
    assert_eq!(api.ask(&api.token()).await.outcome(), refused(401, "agent_revoked"));
}

#[tokio::test]
async fn a_gap_is_closed_by_a_snapshot() {
    let registry = Registry::running().await;
    let api = Follower::of(&registry).await;
    let did = api.agent().did().to_string();
    let gap = registry.change(|says| {
        says.feed.revoke(RevocationKind::Agent, &did);
        says.feed.revoke(RevocationKind::Token, "tok_1");
        jwt(&says.feed.since(1, says.clock.now()))
    });
    registry.change(|says| says.script.push_back(gap));
    registry.script_heard().await;
    assert_eq!(api.ask(&api.token()).await.outcome(), refused(401, "agent_revoked"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_with_unknown_keys_cause_one_fetch_for_each_cool_down() {
    // TH54
    let registry = Registry::running().await;
    let api = Arc::new(Follower::of(&registry).await);
    let asked_before = registry.change(|says| says.key_set_asked);
    let stranger = Issuer::with_keys(
        registry.change(|says| says.issuer.url().to_owned()).as_str(),
        keys::ed25519(9),
        keys::ed25519(9),
    );
    let tasks: Vec<_> = (0..500)
        .map(|_| {
            let (api, token) = (Arc::clone(&api), api.token_of(&stranger));
            tokio::spawn(async move { api.ask(&token).await.outcome() })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), refused(401, "token_key_unknown"));
    }
    assert_eq!(registry.change(|says| says.key_set_asked), asked_before + 1);
    assert_eq!(api.ask(&api.token()).await.outcome(), served());
}

#[tokio::test]
async fn keys_that_could_not_be_looked_for_are_not_the_callers_fault() {
    // P-17, and TH54 all the same
    for (cool_down, asked) in [(Duration::from_secs(60), 1), (Duration::ZERO, 4)] {
        let registry = Registry::running().await;
        let api = Follower::with(&registry, |builder| builder.pace(Pace { key_cool_down: cool_down, ..BRISK })).await;
        let (before, good) = registry.change(|says| (says.issuer.clone(), says.key_set.clone()));
        let rotated = Issuer::with_keys(before.url(), keys::ed25519(202), keys::ed25519(201));
        let asked_before = registry.change(|says| says.key_set_asked);
        registry.change(|says| says.key_set.clear());
        // a stranger spends the one fetch of this cool-down, and it fails
        let stranger = Issuer::with_keys(before.url(), keys::ed25519(9), keys::ed25519(9));
        for issuer in [&stranger, &rotated, &stranger, &rotated] {
            let answer = api.ask(&api.token_of(issuer)).await;
            assert_eq!(answer.outcome(), refused(503, "status_unknown"));
            assert_eq!(answer.field("retry-after"), Some("5"));
        }
        assert_eq!(registry.change(|says| says.key_set_asked), asked_before + asked);
        assert_eq!(api.ask(&api.token_of(&before)).await.outcome(), served(), "a key that is known");
        // the twin: the set is there again, but whether it may be asked for is up to the cool-down
        registry.change(|says| says.key_set = good);
        let outcome = if asked == 1 { refused(503, "status_unknown") } else { refused(401, "token_key_unknown") };
        assert_eq!(api.ask(&api.token_of(&stranger)).await.outcome(), outcome);
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_end_the_fetch_for_the_others() {
    // TH54: the fetch it caused is the only one for a while
    let registry = Registry::running().await;
    let api = Arc::new(Follower::of(&registry).await);
    let before = registry.change(|says| says.issuer.clone());
    let rotated = Issuer::with_keys(before.url(), keys::ed25519(202), keys::ed25519(201));
    let stranger = Issuer::with_keys(before.url(), keys::ed25519(9), keys::ed25519(9));
    let gate = Arc::new(Barrier::new(2));
    let asked_before = registry.change(|says| {
        says.key_set = rotated.jwks();
        says.key_set_gate = Some(Arc::clone(&gate));
        says.key_set_asked
    });
    let asking = {
        let (api, token) = (Arc::clone(&api), api.token_of(&stranger));
        tokio::spawn(async move { api.ask(&token).await.outcome() })
    };
    gate.wait().await;
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    gate.wait().await;
    assert_eq!(api.ask(&api.token_of(&rotated)).await.outcome(), served());
    assert_eq!(api.ask(&api.token_of(&stranger)).await.outcome(), refused(401, "token_key_unknown"));
    assert_eq!(registry.change(|says| says.key_set_asked), asked_before + 1);
}

#[tokio::test]
async fn keys_come_and_go_with_the_key_set() {
    let registry = Registry::running().await;
    let pace = Pace { key_cool_down: Duration::ZERO, ..BRISK };
    let api = Follower::with(&registry, |builder| builder.pace(pace)).await;
    let before = registry.change(|says| says.issuer.clone());
    let after = Issuer::with_keys(before.url(), keys::ed25519(202), keys::ed25519(201));
    assert_eq!(api.ask(&api.token_of(&after)).await.outcome(), refused(401, "token_key_unknown"));
    // sets that are none, or worse, take nothing away and add nothing; whose key it is cannot be said meanwhile
    let private = json!({"keys": [after.jwk(), {"kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA", "kid": "p"}]});
    let doubled = json!({"keys": [before.jwk(), before.jwk(), after.jwk()]});
    for set in ["".to_owned(), "[]".to_owned(), r#"{"keys":[]}"#.to_owned(), private.to_string(), doubled.to_string()] {
        registry.change(|says| says.key_set = set.clone());
        assert_eq!(api.ask(&api.token_of(&after)).await.outcome(), refused(503, "status_unknown"), "{set}");
        assert_eq!(api.ask(&api.token_of(&before)).await.outcome(), served(), "{set}");
    }
    registry.change(|says| says.key_set = json!({"keys": [before.jwk(), after.jwk()]}).to_string());
    assert_eq!(api.ask(&api.token_of(&after)).await.outcome(), served());
    assert_eq!(api.ask(&api.token_of(&before)).await.outcome(), served());
    // a key that was removed goes with the next fetch
    registry.change(|says| says.key_set = after.jwks());
    let unknown = Issuer::with_keys(before.url(), keys::ed25519(9), keys::ed25519(9));
    assert_eq!(api.ask(&api.token_of(&unknown)).await.outcome(), refused(401, "token_key_unknown"));
    assert_eq!(api.ask(&api.token_of(&before)).await.outcome(), refused(401, "token_key_unknown"));
}

#[tokio::test]
async fn metadata_of_another_issuer_is_not_used() {
    // MD-03, MD-08: identical text, nothing else
    for change in ["/", "x"] {
        let mut registry = Registry::stopped().await;
        registry.change(|says| {
            let other = json!({"issuer": format!("{}{change}", says.issuer.url())});
            says.metadata.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        });
        registry.start().await;
        let api = Follower::started(&registry, |builder| builder).await;
        registry.heard().await;
        assert_eq!(api.ask(&api.token()).await.outcome(), refused(503, "status_unknown"));
        assert_eq!(registry.change(|says| says.key_set_asked), 0);
        // the twin
        registry.change(|says| says.metadata = says.issuer.metadata());
        api.server.ready().await;
        assert_eq!(api.ask(&api.token()).await.outcome(), served());
    }
}

#[tokio::test]
async fn an_issuer_without_a_feed_is_not_asked_for_one() {
    let registry = Registry::running().await;
    let clock = registry.change(|says| says.clock.clone());
    let trust = TrustedIssuer {
        status: StatusSource::None,
        max_lifetime: MAX_LIFETIME_WITHOUT_STATUS,
        ..registry.change(|says| says.issuer.trust())
    };
    let builder = ResourceServer::builder(common::API, common::API).trust(trust).mode(Mode::Development);
    let server = builder.pace(BRISK).clock(move || clock.now()).start().await.unwrap();
    server.ready().await;
    assert_eq!(registry.change(|says| (says.key_set_asked, says.asked())), (1, 0));
}

/// Goes on as soon as it may.
const PUSHED: Pace = Pace { stream_retry: Duration::ZERO, ..BRISK };

#[tokio::test]
async fn news_that_are_pushed_count_at_once_and_lost_ones_are_asked_for() {
    let registry = Registry::running().await;
    registry.change(|says| says.feed.revoke(RevocationKind::Token, "tok_0"));
    let api = Follower::with(&registry, |builder| builder.pace(PUSHED)).await;
    registry.pushing(1).await;
    assert_eq!(registry.change(|says| says.streams.last().cloned()).as_deref(), Some("1"), "from where it stands");
    let did = api.agent().did().to_string();
    let news = registry.change(|says| {
        says.feed.revoke(RevocationKind::Agent, &did);
        says.feed.since(1, says.clock.now())
    });
    let asked = registry.change(|says| says.asked());
    registry.push(&news);
    api.ask_until(refused(401, "agent_revoked")).await;
    assert_eq!(registry.change(|says| says.asked()), asked, "nobody had to ask");
    let lag = api.server.feed_lags().remove(0);
    assert_eq!((lag.seq, lag.is_pushed, lag.is_rolled_back), (2, true, false));
    assert_eq!((lag.issuer, lag.age), (registry.change(|says| says.issuer.url().to_owned()), Some(Seconds::new(0))));
    // the stream ends: what comes meanwhile is asked for
    let other = registry.change(|says| {
        says.pushes = None;
        says.feed.revoke(RevocationKind::Token, "tok_1");
        says.feed.last()
    });
    registry.heard().await;
    let lag = api.server.feed_lags().remove(0);
    assert_eq!((lag.seq, lag.is_pushed, lag.reconnects), (other, false, 1));
    registry.pushing(1).await;
    assert_eq!(api.ask(&api.token()).await.outcome(), refused(401, "agent_revoked"));
}

#[tokio::test]
async fn what_is_pushed_is_judged_as_what_is_asked_for() {
    let registry = Registry::running().await;
    registry.change(|says| says.feed.revoke(RevocationKind::Token, "tok_0"));
    let api = Follower::with(&registry, |builder| builder.pace(PUSHED)).await;
    let did = api.agent().did().to_string();
    let (now, issuer, feed) = registry.change(|says| (says.clock.now(), says.issuer.clone(), says.feed.clone()));
    let mut lies = feed.clone();
    lies.revoke(RevocationKind::Agent, &did);
    let forged = lies.message(1, now).sign(&keys::ed25519(9)).unwrap();
    let by_token_key = lies.message(1, now).sign(issuer.key()).unwrap();
    for (name, message) in [("forged", forged), ("the token key's", by_token_key), ("junk", "a.b.c".to_owned())] {
        registry.pushing(1).await;
        let before = registry.change(|says| says.streams.len());
        registry.push(&message);
        while registry.change(|says| says.streams.len()) == before {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(api.ask(&api.token()).await.outcome(), served(), "{name}");
    }
    // the twin
    registry.pushing(1).await;
    registry.change(|says| says.feed = lies.clone());
    registry.push(&lies.since(1, now));
    api.ask_until(refused(401, "agent_revoked")).await;
    // TH64: and a feed that goes back does so here as well
    registry.pushing(1).await;
    registry.change(|says| says.feed = feed.clone());
    registry.push(&feed.since(1, now));
    api.ask_until(refused(503, "feed_rolled_back")).await;
    assert!(api.server.feed_lags().remove(0).is_rolled_back);
}

#[tokio::test]
async fn a_silent_stream_counts_as_broken() {
    let registry = Registry::running().await;
    let pace = Pace { stream_silence: Duration::from_millis(20), ..PUSHED };
    let api = Follower::with(&registry, |builder| builder.pace(pace)).await;
    registry.pushing(1).await;
    let did = api.agent().did().to_string();
    registry.change(|says| says.feed.revoke(RevocationKind::Agent, &did));
    api.ask_until(refused(401, "agent_revoked")).await;
    assert!(api.server.feed_lags().remove(0).reconnects > 0);
}

#[tokio::test]
async fn th64_a_feed_that_went_back_while_nobody_watched_is_noticed() {
    let state = tempfile::tempdir().unwrap();
    let registry = Registry::running().await;
    let started = |kept: bool| {
        let directory = state.path().to_path_buf();
        Follower::with(&registry, move |builder| if kept { builder.state_directory(directory) } else { builder })
    };
    registry.change(|says| says.feed.revoke(RevocationKind::Token, "tok_1"));
    drop(started(true).await);
    // the same, and further
    registry.change(|says| says.feed.revoke(RevocationKind::Token, "tok_2"));
    let api = started(true).await;
    assert_eq!(api.ask(&api.token()).await.outcome(), served());
    assert_eq!(api.server.feed_lags().remove(0).seq, 2);
    drop(api);
    // restored from a backup
    let ahead = registry.change(|says| {
        let ahead = says.feed.clone();
        let mut backup = says.issuer.feed();
        backup.revoke(RevocationKind::Token, "tok_1");
        says.feed = backup;
        ahead
    });
    let forgetful = started(false).await;
    assert_eq!(forgetful.ask(&forgetful.token()).await.outcome(), served(), "one without memory cannot know");
    drop(forgetful);
    let directory = state.path().to_path_buf();
    let api = Follower::started(&registry, move |builder| builder.state_directory(directory)).await;
    api.ask_until(refused(503, "feed_rolled_back")).await;
    // P-12: the operator vouches for it, and nobody has to be restarted
    registry.change(|says| {
        says.feed = ahead.restored(1, "2");
        says.feed.revoke(RevocationKind::Token, "tok_3");
    });
    api.ask_until(served()).await;
    assert_eq!(api.server.feed_lags().remove(0).seq, 2);
    drop(api);
    let api = started(true).await;
    assert_eq!(api.ask(&api.token()).await.outcome(), served());
    // an epoch that follows nothing known
    drop(api);
    registry.change(|says| says.feed = ahead.clone().in_epoch("3"));
    let directory = state.path().to_path_buf();
    let api = Follower::started(&registry, move |builder| builder.state_directory(directory)).await;
    api.ask_until(refused(503, "feed_rolled_back")).await;
}

#[tokio::test]
async fn what_cannot_be_kept_stops_the_start_or_grows_old() {
    let state = tempfile::tempdir().unwrap();
    let registry = Registry::running().await;
    let (issuer, clock) = registry.change(|says| (says.issuer.clone(), says.clock.clone()));
    let start = |directory: std::path::PathBuf| {
        let clock = clock.clone();
        let builder = ResourceServer::builder(common::API, common::API).trust(issuer.trust()).mode(Mode::Development);
        builder.pace(BRISK).clock(move || clock.now()).state_directory(directory).start()
    };
    let file_in_the_way = state.path().join("file");
    std::fs::write(&file_in_the_way, "").unwrap();
    let error = start(file_in_the_way).await.unwrap_err().to_string();
    assert!(error.starts_with("`state_directory`: `") && error.contains("file"), "{error}");
    let directory = state.path().join("state");
    let api = Follower::with(&registry, |builder| builder.state_directory(&directory)).await;
    let error = start(directory.clone()).await.unwrap_err().to_string();
    assert!(error.contains("in use by another server"), "{error}");
    // names count at once, and the word grows old until it can be kept
    let token = api.token();
    let kept = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let kept = kept.into_iter().find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
    std::fs::remove_file(&kept).unwrap();
    std::fs::create_dir_all(kept.join("in the way")).unwrap();
    let did = api.agent().did().to_string();
    registry.change(|says| says.feed.revoke(RevocationKind::Agent, &did));
    api.ask_until(refused(401, "agent_revoked")).await;
    clock.advance(31);
    registry.heard().await;
    assert_eq!(api.ask(&token).await.outcome(), refused(503, "status_unknown"));
    std::fs::remove_dir_all(&kept).unwrap();
    api.ask_until(refused(401, "agent_revoked")).await;
    drop(api);
    std::fs::write(&kept, "{}").unwrap();
    let error = start(directory).await.unwrap_err().to_string();
    assert!(error.contains(&kept.display().to_string()) && error.contains(issuer.url()), "{error}");
}
