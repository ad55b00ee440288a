//! The feed key was stolen: the recovery key puts another in its place, and nobody is restarted.

use std::path::Path;

use handfast_middleware::{Mode, ResourceServer};
use handfast_testkit::{Issuer, keys};
use handfast_verifier::revocation::RevocationKind;

use crate::common::{API, refused, served};
use crate::fake_registry::{BRISK, Follower, Registry, jwt};

/// A follower that pins the recovery key, and keeps what it knows in `state`.
async fn follower(registry: &Registry, state: &Path) -> Follower {
    let trust = registry.change(|says| says.issuer.trust().recovered_by(says.issuer.recovery_key().public().did()));
    Follower::trusting(registry, trust, |builder| builder.state_directory(state)).await
}

/// Has the registry replace its feed key: from now on it signs with key `number`, in `epoch`.
fn replace(registry: &Registry, seq: u64, number: u8, epoch: &str) -> Issuer {
    registry.change(|says| {
        says.replaced.push(says.feed.key());
        let new = says.issuer.with_feed_key(keys::ed25519(number));
        says.statement = Some(new.feed_key_statement(seq, &says.replaced, epoch, says.clock.now()));
        says.feed = says.feed.restored(says.feed.last(), epoch).signed_by(&new);
        new
    })
}

#[tokio::test]
async fn p12_a_stolen_feed_key_is_replaced_without_a_restart() {
    let state = tempfile::tempdir().unwrap();
    let registry = Registry::running().await;
    registry.change(|says| says.feed.revoke(RevocationKind::Token, "tok_1"));
    let api = follower(&registry, state.path()).await;
    api.ask_until(served()).await;
    // the thief leads the reader on, to a story of its own
    let mut honest = registry.change(|says| says.feed.clone());
    honest.revoke(RevocationKind::Token, "tok_2");
    let did = api.agent().did().to_string();
    registry.change(|says| says.feed.revoke(RevocationKind::Task, "task_of_the_thief"));
    while api.server.feed_lags().remove(0).seq < 2 {
        registry.heard().await;
    }
    let thief = registry.change(|says| core::mem::replace(&mut says.feed, honest));
    api.ask_until(refused(503, "feed_rolled_back")).await;

    replace(&registry, 1, 203, "2");
    api.ask_until(served()).await;
    assert_eq!(api.server.feed_lags().remove(0).key_seq, 1);
    // what is revoked under the new key counts, and nothing that the old one signs, old or new
    let (now, lies) = registry.change(|says| {
        let mut lies = thief.clone();
        lies.revoke(RevocationKind::Agent, &did);
        (says.clock.now(), lies)
    });
    for message in
        [lies.snapshot(now), lies.since(2, now), thief.since(2, now), lies.clone().in_epoch("2").snapshot(now)]
    {
        registry.change(|says| says.script.push_back(jwt(&message)));
        registry.script_heard().await;
        assert_eq!(api.ask(&api.token()).await.outcome(), served());
    }
    drop(api);
    // nor after a restart, when the registry is the thief's and says nothing of a new key
    let (feed, statement) =
        registry.change(|says| (core::mem::replace(&mut says.feed, lies.clone()), says.statement.take()));
    let api = follower(&registry, state.path()).await;
    api.ask_until(refused(503, "status_unknown")).await;
    registry.heard().await;
    assert_eq!(api.ask(&api.token()).await.outcome(), refused(503, "status_unknown"));
    registry.change(|says| (says.feed, says.statement) = (feed, statement));
    registry.change(|says| says.feed.revoke(RevocationKind::Agent, &did));
    api.ask_until(refused(401, "agent_revoked")).await;
    // a second one, in the same way
    replace(&registry, 2, 204, "3");
    while api.server.feed_lags().remove(0).key_seq < 2 {
        registry.heard().await;
    }
    api.ask_until(refused(401, "agent_revoked")).await;
    registry.heard().await;
    assert!(!api.server.feed_lags().remove(0).is_rolled_back);
}

#[tokio::test]
async fn what_is_no_word_of_the_recovery_key_changes_nothing() {
    let state = tempfile::tempdir().unwrap();
    let registry = Registry::running().await;
    let api = follower(&registry, state.path()).await;
    api.ask_until(served()).await;
    let clock = registry.change(|says| says.clock.clone());
    let issuer = registry.change(|says| says.issuer.clone());
    let new = issuer.with_feed_key(keys::ed25519(203));
    let foreign = Issuer::at("https://other.example").with_feed_key(keys::ed25519(203));
    let now = clock.now();
    let good = new.feed_key_statement(1, &[issuer.feed_did()], "2", now);
    let forged = good.rsplit_once('.').map(|(signed, _)| format!("{signed}.{}", "A".repeat(86))).unwrap();
    registry.change(|says| says.feed = says.feed.restored(0, "2").signed_by(&new));
    // nor one that cannot be kept: a restart would bring the former key back
    let kept = std::fs::read_dir(state.path()).unwrap().map(|entry| entry.unwrap().path());
    let kept = kept.into_iter().find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
    let kept = kept.with_extension("jwt");
    std::fs::create_dir_all(kept.join("in the way")).unwrap();
    for (name, statement) in [
        ("that cannot be kept", Some(good.clone())),
        ("none", None),
        ("of a foreign issuer", Some(foreign.feed_key_statement(1, &[issuer.feed_did()], "2", now))),
        ("forged", Some(forged)),
        ("about another feed key", Some(new.feed_key_statement(1, &[keys::ed25519(9).public().did()], "2", now))),
        ("junk", Some("a.b.c".to_owned())),
    ] {
        registry.change(|says| says.statement = statement);
        registry.heard().await;
        assert_eq!(api.server.feed_lags().remove(0).key_seq, 0, "{name}");
    }
    std::fs::remove_dir_all(&kept).unwrap();
    clock.advance(31); // P-11: nobody is believed meanwhile
    assert_eq!(api.ask(&api.token()).await.outcome(), refused(503, "status_unknown"));
    // the twin
    registry.change(|says| says.statement = Some(good.clone()));
    api.ask_until(served()).await;
    drop(api);

    // one that does not pin the recovery key has to be told the new key
    let trust = issuer.trust();
    let unpinned = Follower::trusting(&registry, trust, |builder| builder).await;
    registry.heard().await;
    assert_eq!(unpinned.ask(&unpinned.token()).await.outcome(), refused(503, "status_unknown"));
    drop(unpinned);
    let told = Follower::trusting(&registry, new.trust(), |builder| builder).await;
    told.ask_until(served()).await;
    drop(told);

    // what was kept counts with the recovery key it was signed by, and stops the start with another, or with none
    let start = |trust| {
        let clock = clock.clone();
        let builder = ResourceServer::builder(API, API).trust(trust).mode(Mode::Development).pace(BRISK);
        builder.clock(move || clock.now()).state_directory(state.path()).start()
    };
    for trust in [issuer.trust(), issuer.trust().recovered_by(keys::ed25519(9).public().did())] {
        let error = start(trust).await.unwrap_err().to_string();
        assert!(error.contains(".jwt") && error.contains("not signed by the pinned recovery key"), "{error}");
    }
    start(issuer.trust().recovered_by(issuer.recovery_key().public().did())).await.unwrap();
}

/// A thief led it on, and its operator told it the new key by hand: what it remembers is no roll-back either.
#[tokio::test]
async fn p12_a_server_that_was_told_the_new_key_asks_where_the_feed_goes_on() {
    let state = tempfile::tempdir().unwrap();
    let registry = Registry::running().await;
    let started = |trust| Follower::trusting(&registry, trust, |builder| builder.state_directory(state.path()));
    let (issuer, mut honest) = registry.change(|says| (says.issuer.clone(), says.feed.clone()));
    registry.change(|says| says.feed.revoke(RevocationKind::Task, "task_of_the_thief"));
    let misled = started(issuer.trust()).await;
    misled.ask_until(served()).await;
    drop(misled);
    honest.revoke(RevocationKind::Token, "tok_1");
    registry.change(|says| says.feed = honest);
    let new = replace(&registry, 1, 203, "2");
    let told = started(new.trust()).await;
    told.ask_until(refused(503, "feed_rolled_back")).await;
    drop(told);
    let told = started(new.trust().recovered_by(issuer.recovery_key().public().did())).await;
    told.ask_until(served()).await;
    assert_eq!(told.server.feed_lags().remove(0).key_seq, 1);
}

#[tokio::test]
async fn a_server_that_begins_under_the_new_key_awaits_nothing() {
    let state = tempfile::tempdir().unwrap();
    let registry = Registry::running().await;
    replace(&registry, 1, 203, "2");
    let api = follower(&registry, state.path()).await;
    api.ask_until(served()).await;
    // restored, and vouched for: an epoch that the recovery key knows nothing of
    registry.change(|says| says.feed = says.feed.restored(0, "3"));
    registry.heard().await;
    api.ask_until(served()).await;
    drop(api);
    let api = follower(&registry, state.path()).await;
    api.ask_until(served()).await;
}
