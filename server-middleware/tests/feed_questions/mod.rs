//! What a follower asks for next, and by whose clock it forgets.

use axum::response::IntoResponse;
use handfast_identity::Seconds;
use handfast_verifier::revocation::RevocationKind;
use handfast_verifier::trust::Status;
use http::StatusCode;

use crate::common::{refused, served};
use crate::fake_registry::{Follower, Registry, jwt};

/// The answer to a question for news from a number that the feed never came to.
fn never_came_so_far() -> axum::response::Response {
    StatusCode::BAD_REQUEST.into_response()
}

#[tokio::test]
async fn a_feed_that_never_came_so_far_is_asked_for_the_whole() {
    let registry = Registry::running().await;
    registry.change(|says| says.feed.revoke(RevocationKind::Token, "tok_1"));
    let api = Follower::of(&registry).await;
    let snapshots = || registry.change(|says| says.snapshots);
    for (answer, asks_for_all) in [
        (never_came_so_far(), true),
        (StatusCode::BAD_GATEWAY.into_response(), false),
        (StatusCode::NOT_FOUND.into_response(), false),
        (StatusCode::TOO_MANY_REQUESTS.into_response(), false),
    ] {
        let (before, status) = (snapshots(), answer.status());
        registry.change(|says| says.script.push_back(answer));
        registry.script_heard().await;
        assert_eq!(snapshots() - before, u64::from(asks_for_all), "{status}");
        assert_eq!(api.ask(&api.token()).await.outcome(), served(), "{status}");
    }
    // TH64: and so a registry that was restored is found out, which answers nothing else to who knows more than it
    registry.change(|says| {
        says.feed = says.issuer.feed();
        says.script.extend((0..1000).map(|_| never_came_so_far()));
    });
    api.ask_until(refused(503, "feed_rolled_back")).await;
}

#[tokio::test]
async fn names_are_forgotten_by_the_issuers_time_and_not_by_a_clock_that_runs_ahead() {
    let registry = Registry::running().await;
    let (clock, start) = registry.change(|says| (says.clock.clone(), says.clock.now()));
    let until = start.saturating_add(Seconds::new(300));
    let api = Follower::of(&registry).await;
    let did = api.agent().did().to_string();
    registry.change(|says| says.feed.revoke_until(RevocationKind::Agent, &did, until));
    api.ask_until(refused(401, "agent_revoked")).await;
    let token = api.token();
    // our clock jumps past the end of the entry; the issuer's word is of before
    let signed = clock.now();
    let heartbeat = registry.change(|says| says.feed.since(1, signed));
    clock.set(until.saturating_add(Seconds::new(1)));
    registry.change(|says| says.script.extend((0..20).map(|_| jwt(&heartbeat))));
    let scripted = async {
        while registry.change(|says| says.script.len() > 5) {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), scripted).await.unwrap();
    clock.set(signed);
    registry.script_heard().await;
    assert_eq!(api.ask(&token).await.outcome(), refused(401, "agent_revoked"), "the clock came back");
    // the twin: the issuer's own time is past it
    clock.set(until.saturating_add(Seconds::new(300)));
    registry.heard().await;
    clock.advance(61);
    registry.heard().await;
    let issuer = registry.change(|says| says.issuer.clone());
    let status = api.server.facts().issuer(issuer.url()).unwrap().status.clone();
    assert!(matches!(&status, Status::Known { set, .. } if set.is_empty()), "{status:?}");
    assert_eq!(api.ask(&api.token()).await.outcome(), served());
}
