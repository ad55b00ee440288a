//! A feed with more names than a server holds: nothing passes until there is room.

use handfast_identity::Seconds;
use handfast_middleware::FeedLag;
use handfast_verifier::revocation::RevocationKind;

use crate::common::{refused, served};
use crate::fake_registry::{Follower, Registry};

const NAMES: usize = 3;

fn told(api: &Follower, metric: &str) -> String {
    let text = api.server.metrics();
    let value = text.lines().find_map(|line| line.strip_prefix(&format!("handfast_resource_{metric} ")));
    value.unwrap().to_owned()
}

#[tokio::test]
async fn p18_a_feed_that_is_too_large_lets_nothing_pass_until_names_have_expired() {
    let registry = Registry::running().await;
    let (clock, url) = registry.change(|says| (says.clock.clone(), says.issuer.url().to_owned()));
    let until = clock.now().saturating_add(Seconds::new(600));
    registry.change(|says| {
        says.feed.revoke_until(RevocationKind::Token, "tok_1", until);
        says.feed.revoke(RevocationKind::Token, "tok_2");
    });
    let api = Follower::with(&registry, |builder| builder.revoked_names(NAMES)).await;
    registry.change(|says| says.feed.revoke(RevocationKind::Token, "tok_3"));
    registry.heard().await;
    assert_eq!(api.ask(&api.token()).await.outcome(), served());
    let lag = || api.server.feed_lags().remove(0);
    assert!(matches!(lag(), FeedLag { names: NAMES, most_names: NAMES, is_full: false, .. }), "{:?}", lag());
    let full = format!("feed_full{{issuer=\"{url}\"}}");
    assert_eq!((told(&api, &full).as_str(), told(&api, "held_limit{what=\"revocations\"}").as_str()), ("0", "3"));

    // P-17: the agent was stopped, and here is no room to know it
    let did = api.agent().did().to_string();
    registry.change(|says| says.feed.revoke(RevocationKind::Agent, &did));
    api.ask_until(refused(503, "status_unknown")).await;
    registry.heard().await;
    assert_eq!(api.ask(&api.token()).await.outcome(), refused(503, "status_unknown"), "and stays so");
    assert!(matches!(lag(), FeedLag { names: NAMES, is_full: true, seq: 3, .. }), "{:?}", lag());
    assert_eq!((told(&api, &full).as_str(), told(&api, "held{what=\"revocations\"}").as_str()), ("1", "3"));

    // by itself, once there is
    clock.advance(601);
    api.ask_until(refused(401, "agent_revoked")).await;
    assert!(matches!(lag(), FeedLag { names: NAMES, is_full: false, seq: 4, .. }), "{:?}", lag());
    assert_eq!(told(&api, &full), "0");
}

#[tokio::test]
async fn a_server_that_has_no_room_from_the_start_lets_nothing_pass_either() {
    let registry = Registry::running().await;
    registry.change(|says| ["1", "2", "3", "4"].map(|id| says.feed.revoke(RevocationKind::Token, id)));
    let api = Follower::started(&registry, |builder| builder.revoked_names(NAMES)).await;
    registry.heard().await;
    assert_eq!(api.ask(&api.token()).await.outcome(), refused(503, "status_unknown"));
    assert!(api.server.feed_lags().remove(0).is_full);
    // the twin
    let larger = Follower::with(&registry, |builder| builder.revoked_names(NAMES + 1)).await;
    assert_eq!(larger.ask(&larger.token()).await.outcome(), served());
}
