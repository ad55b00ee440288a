//! `/revocations`: ending agents, and what followers hear.

use std::sync::Arc;
use std::time::Duration;

use handfast_identity::UnixTime;
use handfast_registry::store::memory::MemoryDisk;
use handfast_testkit::{Agent, HandClock};
use handfast_verifier::revocation::{
    FeedError, FeedState, RevocationKind, RevocationName, Revoked, UnverifiedFeedMessage, VerifiedFeedMessage,
};
use serde_json::{Value, json};

use crate::bench::{API, Answer, Bench, Owner, config};

fn body(agent: &Agent) -> Value {
    json!({"kind": "agent", "id": agent.did().as_str()})
}

async fn revoke(bench: &Bench, owner: &Owner, body: Value) -> Answer {
    bench.manage(&owner.key, "owner:self", "POST", "/revocations", Some(body)).await
}

fn read(bench: &Bench, answer: &Answer) -> VerifiedFeedMessage {
    assert_eq!(answer.header("content-type"), Some("application/jwt"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    UnverifiedFeedMessage::parse(&answer.text).unwrap().verify(&bench.registry.feed_key()).unwrap()
}

async fn follow(bench: &Bench) -> FeedState {
    let answer = bench.get("/revocations/snapshot").await.is(200);
    FeedState::start(&bench.issuer, read(bench, &answer), bench.clock.now()).unwrap()
}

async fn catch_up(bench: &Bench, state: &mut FeedState) -> Result<(), FeedError> {
    let path = format!("/revocations?after={}", state.position().seq);
    let answer = bench.get(&path).await.is(200);
    state.apply(read(bench, &answer), bench.clock.now())
}

fn covers(bench: &Bench, state: &FeedState, agent: &Agent) -> Option<Revoked> {
    let name = RevocationName::of(&bench.issuer, RevocationKind::Agent, agent.did().as_str());
    state.set().covers(name, UnixTime::from_secs(u64::MAX))
}

#[tokio::test]
async fn followers_hear_what_was_revoked_and_nothing_else() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let (one, two, three) =
        (bench.claimed(1, &owner).await, bench.claimed(2, &owner).await, bench.claimed(3, &owner).await);
    let mut state = follow(&bench).await;
    assert!(state.set().is_empty());
    bench.clock.advance(10);
    catch_up(&bench, &mut state).await.unwrap();
    assert_eq!((state.position().seq, state.as_of()), (0, bench.clock.now()), "a heartbeat keeps the reader fresh");

    revoke(&bench, &owner, body(&one)).await.is(200);
    revoke(&bench, &owner, body(&two)).await.is(200);
    catch_up(&bench, &mut state).await.unwrap();
    assert_eq!(state.position().seq, 2);
    for (agent, expected) in [(&one, Some(Revoked::Entirely)), (&two, Some(Revoked::Entirely)), (&three, None)] {
        assert_eq!(covers(&bench, &state, agent), expected);
    }
    // a new reader gets the same from the snapshot, with the same head
    let snapshot = follow(&bench).await;
    assert_eq!(snapshot.position(), state.position());
    assert_eq!(covers(&bench, &snapshot, &one), Some(Revoked::Entirely));
    let text = bench.get("/revocations/snapshot").await.text;
    let message = crate::bench::claims_of(&text);
    assert!(!message.to_string().contains("did:key"), "names are hashed");
    let members: Vec<_> = message["events"][0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["kind", "name", "seq"], "an agent's end has neither cut-off nor end");
}

#[tokio::test]
async fn a_snapshot_is_kept_for_its_second_and_no_longer_than_it_is_true() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let told = || async {
        let message = crate::bench::claims_of(&bench.get("/revocations/snapshot").await.is(200).text);
        (message["iat"].as_u64().unwrap(), message["to"].as_u64().unwrap())
    };
    assert_eq!((told().await, told().await), ((bench.now(), 0), (bench.now(), 0)));
    revoke(&bench, &owner, body(&agent)).await.is(200);
    assert_eq!(told().await, (bench.now(), 1));
    bench.clock.advance(1);
    assert_eq!(told().await, (bench.now(), 1));
}

#[tokio::test]
async fn revoking_twice_is_once() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let first =
        revoke(&bench, &owner, json!({"kind": "agent", "id": agent.did().as_str(), "reason": "lost"})).await.is(200);
    assert_eq!((&first.json["status"], &first.json["revoked_at"]), (&json!("REVOKED"), &json!(bench.now())));
    let before = bench.positions();
    bench.clock.advance(5);
    let second = revoke(&bench, &owner, body(&agent)).await.is(200);
    assert_eq!(second.json, first.json);
    assert_eq!(bench.positions(), before);
}

#[tokio::test]
async fn tokens_end_with_their_agent_at_the_registry_too() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let token = bench.token(&agent, &[("scope", "agent:self")]).await;
    let path = format!("/agents/{}", agent.did());
    bench.call(&agent, &token, "GET", &path, None).await.is(200);
    revoke(&bench, &owner, body(&agent)).await.is(200);
    let refused = bench.call(&agent, &token, "GET", &path, None).await;
    assert_eq!(refused.problem(), (401, "agent_revoked"));
    let again = bench.token_answer(&agent, &[("resource", API)]).await;
    assert_eq!(again.oauth(), (400, "invalid_grant", "agent_revoked"));
    assert_eq!(bench.get(&format!("{path}/did.json")).await.problem(), (404, "unknown_agent"));
}

#[tokio::test]
async fn only_its_owner_or_an_admin_ends_an_agent() {
    let bench = Bench::new().await;
    let (owner, other, admin) = (bench.owner(100).await, bench.owner(101).await, bench.admin(102).await);
    let agent = bench.claimed(1, &owner).await;
    bench.token(&agent, &[("scope", "agent:self")]).await; // its default task, which is a write of its own
    let before = bench.positions();
    assert_eq!(revoke(&bench, &other, body(&agent)).await.problem(), (403, "forbidden"));
    let own = bench.manage(&agent, "agent:self", "POST", "/revocations", Some(body(&agent))).await;
    assert_eq!(own.problem(), (403, "forbidden"));
    let reading = bench.manage(&admin.key, "registry:read", "POST", "/revocations", Some(body(&agent))).await;
    assert_eq!(reading.problem(), (403, "insufficient_scope"));
    assert_eq!(
        revoke(&bench, &admin, body(&agent)).await.problem(),
        (403, "forbidden"),
        "in his own affairs he is nobody's admin"
    );
    assert_eq!(revoke(&bench, &owner, body(&Agent::numbered(9))).await.problem(), (404, "unknown_agent"));
    for wrong in [
        json!({"kind": "agent"}),
        json!({"kind": "agent", "id": agent.did().as_str(), "cut": 5}), // TH67
        json!({"kind": "agent", "id": 5}),
        json!({"kind": "agent", "id": "x".repeat(129)}),
        json!({"kind": "agent", "id": "x", "reason": "a\u{202e}b"}),
        json!(["agent", agent.did().as_str()]), // the members without their names
    ] {
        assert_eq!(revoke(&bench, &owner, wrong).await.problem(), (400, "invalid_request"));
    }
    assert_eq!(bench.positions(), before);
    bench.manage(&admin.key, "registry:admin", "POST", "/revocations", Some(body(&agent))).await.is(200);
}

#[tokio::test]
async fn th65_nothing_says_revoked_unless_it_is() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let token = bench.token(&owner.key, &[("scope", "owner:self")]).await;
    let snapshot = bench.get("/revocations/snapshot").await.is(200).text;
    bench.disk.fail_syncs();
    let answer = bench.call(&owner.key, &token, "POST", "/revocations", Some(body(&agent))).await;
    assert_eq!((answer.problem(), answer.header("retry-after")), ((503, "store_unavailable"), Some("5")));
    assert!(!answer.text.to_lowercase().contains("revoked"), "{}", answer.text);
    assert_eq!(bench.positions().feed_to, 0);
    // the feed tells what was durable when the store failed, or nothing
    let told = bench.get("/revocations/snapshot").await;
    assert!(told.status == 503 || told.text == snapshot, "{}", told.text);
}

#[tokio::test]
async fn a_restart_goes_on_where_the_feed_was() {
    let (disk, clock) = (MemoryDisk::default(), HandClock::default());
    let first = Bench::on(disk.clone(), clock.clone(), &config()).await;
    let owner = first.owner(100).await;
    let (one, two) = (first.claimed(1, &owner).await, first.claimed(2, &owner).await);
    revoke(&first, &owner, body(&one)).await.is(200);
    let mut state = follow(&first).await;
    drop(first);
    let second = Bench::on(disk, clock, &config()).await;
    revoke(&second, &owner, body(&two)).await.is(200);
    catch_up(&second, &mut state).await.unwrap();
    assert_eq!(state.position().seq, 2);
    assert_eq!(covers(&second, &state, &two), Some(Revoked::Entirely));
}

#[tokio::test]
async fn a_poll_waits_for_news() {
    let bench = Arc::new(Bench::new().await);
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let token = bench.token(&owner.key, &[("scope", "owner:self")]).await;
    let polling = bench.clone();
    let poll = tokio::spawn(async move { polling.get("/revocations?after=0&wait=30").await.is(200) });
    tokio::task::yield_now().await;
    assert!(!poll.is_finished());
    bench.call(&owner.key, &token, "POST", "/revocations", Some(body(&agent))).await.is(200);
    let answer = tokio::time::timeout(Duration::from_secs(1), poll).await.unwrap().unwrap();
    assert_eq!(crate::bench::claims_of(&answer.text)["to"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_poll_ends_with_a_heartbeat() {
    let bench = Bench::new().await;
    for (query, seconds) in [("after=0", 0), ("after=0&wait=0", 0), ("after=0&wait=10", 10), ("after=0&wait=3600", 30)]
    {
        let started = tokio::time::Instant::now();
        let answer = bench.get(&format!("/revocations?{query}")).await.is(200);
        assert_eq!(started.elapsed().as_secs(), seconds, "{query}");
        let message = crate::bench::claims_of(&answer.text);
        assert_eq!((&message["from"], &message["to"], &message["events"]), (&json!(0), &json!(0), &json!([])));
    }
}

#[tokio::test(start_paused = true)]
async fn more_polls_than_may_wait_are_answered_at_once() {
    let mut file = config();
    file.limits.waiting_polls = 1;
    let bench = Arc::new(Bench::with(&file).await);
    let (one, other) = (bench.clone(), bench.clone());
    let started = tokio::time::Instant::now();
    let waiting = tokio::spawn(async move { one.get("/revocations?after=0&wait=10").await.is(200) });
    tokio::task::yield_now().await;
    other.get("/revocations?after=0&wait=10").await.is(200);
    assert_eq!(started.elapsed().as_secs(), 0);
    waiting.await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_reader_ahead_of_the_feed_waits_for_nothing() {
    let bench = Bench::new().await;
    let started = tokio::time::Instant::now();
    let answer = bench.get("/revocations?after=1&wait=10").await;
    assert_eq!((answer.problem(), started.elapsed().as_secs()), ((400, "invalid_request"), 0));
}

#[tokio::test]
async fn questions_are_read_strictly() {
    let bench = Bench::new().await;
    for query in [
        "",
        "?wait=1",
        "?after=x",
        "?after=-1",
        "?after=%2B1",
        "?after=1",
        "?after=0&after=0",
        "?after=0&wait=x",
        "?after=0&until=1",
        "?after=0&",
    ] {
        let answer = bench.get(&format!("/revocations{query}")).await;
        assert_eq!(answer.problem(), (400, "invalid_request"), "{query}");
    }
}

#[tokio::test]
async fn what_can_stop_nothing_any_more_leaves_the_feed_for_good() {
    let (disk, clock) = (MemoryDisk::default(), HandClock::default());
    let bench = Bench::on(disk.clone(), clock.clone(), &config()).await;
    let owner = bench.owner(100).await;
    let (one, two) = (bench.claimed(1, &owner).await, bench.claimed(2, &owner).await);
    let task = bench.token_answer(&one, &[("scope", "agent:self")]).await.is(200).json["task"]["id"].clone();
    revoke(&bench, &owner, json!({"kind": "task", "id": task})).await.is(200);
    revoke(&bench, &owner, body(&two)).await.is(200);
    let mut reader = follow(&bench).await;
    let until = revoke(&bench, &owner, json!({"kind": "task", "id": task})).await.json["until"].as_u64().unwrap();
    bench.clock.advance(until - bench.now());
    assert_eq!(bench.registry.forget_expired().await, 0, "its last second");
    bench.clock.advance(1);
    assert_eq!(bench.registry.forget_expired().await, 1);
    assert_eq!(bench.registry.forget_expired().await, 0);
    let snapshot = follow(&bench).await;
    assert_eq!((snapshot.set().len(), covers(&bench, &snapshot, &two)), (1, Some(Revoked::Entirely)));
    catch_up(&bench, &mut reader).await.unwrap();
    assert_eq!(reader.position(), snapshot.position());
    // the same after a restart; whoever stands where nothing is left hears what is left
    drop(bench);
    let again = Bench::on(disk, clock, &config()).await;
    let message = crate::bench::claims_of(&again.get("/revocations?after=0").await.is(200).text);
    let told = (&message["from"], &message["to"], &message["base"]["seq"], message["events"].as_array().unwrap().len());
    assert_eq!(told, (&json!(0), &json!(2), &json!(1), 1));
    assert_eq!(follow(&again).await.position(), reader.position());
    let answer = revoke(&again, &owner, json!({"kind": "task", "id": task})).await.is(200);
    assert_eq!(answer.json["status"], "REVOKED", "the record of it stays");
    assert_eq!(again.positions().feed_to, 2, "and it is not told again");
}

/// What a stream sends next: the number and the message.
async fn pushed(body: &mut axum::body::Body) -> Option<(String, Value)> {
    use http_body_util::BodyExt as _;
    let frame = tokio::time::timeout(Duration::from_secs(60), body.frame()).await.unwrap()?;
    let bytes = frame.unwrap().into_data().unwrap();
    let text = std::str::from_utf8(&bytes).unwrap();
    let (id, data) = text.strip_suffix("\n\n").unwrap().split_once('\n').unwrap();
    let message = crate::bench::claims_of(data.strip_prefix("data: ").unwrap());
    Some((id.strip_prefix("id: ").unwrap().to_owned(), message))
}

async fn stream(bench: &Bench, last: Option<&str>) -> http::Response<axum::body::Body> {
    use tower::ServiceExt as _;
    let mut request = http::Request::get("/revocations/stream");
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    bench.router.clone().oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap()
}

/// From, to, and whether it is an increment.
fn told(message: &Value) -> (u64, u64, bool) {
    (message["from"].as_u64().unwrap(), message["to"].as_u64().unwrap(), message["prev"].is_string())
}

#[tokio::test]
async fn news_are_pushed_as_they_come() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let (one, two) = (bench.claimed(1, &owner).await, bench.claimed(2, &owner).await);
    revoke(&bench, &owner, body(&one)).await.is(200);
    let response = stream(&bench, None).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let mut events = response.into_body();
    let (id, message) = pushed(&mut events).await.unwrap();
    assert_eq!((id.as_str(), told(&message)), ("1", (0, 1, false)), "the snapshot first");
    revoke(&bench, &owner, body(&two)).await.is(200);
    let next = tokio::time::timeout(Duration::from_secs(1), pushed(&mut events)).await.unwrap();
    let (id, message) = next.unwrap();
    assert_eq!((id.as_str(), told(&message)), ("2", (1, 2, true)));
    // whoever was here before goes on from there
    for (last, expected) in [("1", (1, 2, true)), ("2", (2, 2, true)), ("0", (0, 2, true))] {
        let mut events = stream(&bench, Some(last)).await.into_body();
        assert_eq!(told(&pushed(&mut events).await.unwrap().1), expected, "{last}");
    }
    for wrong in ["3", "-1", "+1", "x", ""] {
        let answer = Answer::read(stream(&bench, Some(wrong)).await).await;
        assert_eq!(answer.problem(), (400, "invalid_request"), "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_news_has_heartbeats() {
    let bench = Bench::new().await;
    let mut events = stream(&bench, Some("0")).await.into_body();
    let started = tokio::time::Instant::now();
    for seconds in [0, 10, 20] {
        let (id, message) = pushed(&mut events).await.unwrap();
        assert_eq!((id.as_str(), told(&message)), ("0", (0, 0, true)));
        assert_eq!(started.elapsed().as_secs(), seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn streams_are_counted_and_end_with_their_readers() {
    let mut file = config();
    file.limits.waiting_polls = 1;
    let bench = Bench::with(&file).await;
    let mut first = stream(&bench, None).await.into_body();
    pushed(&mut first).await.unwrap();
    let answer = Answer::read(stream(&bench, None).await).await;
    assert_eq!((answer.problem(), answer.header("retry-after")), ((503, "overloaded"), Some("5")));
    // one that does not read is dropped, and its place is free again
    tokio::time::sleep(Duration::from_secs(60)).await;
    let mut second = stream(&bench, None).await.into_body();
    pushed(&mut second).await.unwrap();
    while let Some((_, message)) = pushed(&mut first).await {
        assert_eq!(message["to"], 0, "what was under way");
    }
    // one that goes away at once
    drop(second);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stream(&bench, None).await.status(), 200);
}
