//! Answers that go on: they end with the authority they were given under (spec/delegation.md, streams).

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot set itself up should stop

mod common;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::routing::get;
use common::{API, Api, SCOPE, with_credentials};
use handfast_identity::Seconds;
use handfast_middleware::server::{ServerLimits, serve};
use handfast_testkit::{Agent, Chain, Evidence};
use handfast_verifier::revocation::{FeedEvent, RevocationKind, RevocationName, RevocationSet};
use handfast_verifier::trust::Status;
use http_body::Frame;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Interval, interval};
use tower::ServiceExt;

const SECOND: Duration = Duration::from_secs(1);
/// How long tokens of the test kit live, as a whole number of frames.
const LIFETIME: usize = 300;

/// A body that goes on for ever.
enum Endless {
    /// One frame a second.
    Ticks(Interval),
    /// A frame whenever one is asked for.
    Flood,
    /// No frame.
    Silence,
}

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = || Some(Ok(Frame::data(Bytes::from_static(b"tick"))));
        match self.get_mut() {
            Self::Ticks(interval) => interval.poll_tick(cx).map(|_| frame()),
            Self::Flood => Poll::Ready(frame()),
            Self::Silence => Poll::Pending,
        }
    }
}

fn app(api: &Api) -> Router {
    Router::new()
        .route("/ticks", get(async || Body::new(Endless::Ticks(interval(SECOND)))))
        .route("/flood", get(async || Body::new(Endless::Flood)))
        .route("/silence", get(async || Body::new(Endless::Silence)))
        .route("/short", get(async || "short"))
        .layer(api.server.scope(SCOPE).unwrap())
}

async fn body_of(api: &Api, request: Request) -> Body {
    let response = app(api).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    response.into_body()
}

/// How many frames come before the body is broken off.
async fn frames(mut body: Body, pause: Duration) -> usize {
    let mut count = 0;
    while body.frame().await.unwrap().is_ok() {
        count += 1;
        tokio::time::advance(pause).await;
    }
    count
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_broken_off_when_the_token_ends() {
    let api = Api::new().await;
    // the first tick comes at once, and the second of the end is a whole one
    assert_eq!(frames(body_of(&api, api.request("GET", "/ticks")).await, Duration::ZERO).await, LIFETIME + 1);
    assert_eq!(frames(body_of(&api, api.request("GET", "/flood")).await, SECOND).await, LIFETIME + 1);
    let begun = Instant::now();
    assert_eq!(frames(body_of(&api, api.request("GET", "/silence")).await, Duration::ZERO).await, 0);
    assert_eq!(begun.elapsed().as_secs(), 301);
}

#[tokio::test(start_paused = true)]
async fn it_is_what_is_left_that_counts() {
    let api = Api::new().await;
    let token = api.token();
    let ticks = |api: &Api| with_credentials("GET", "/ticks", &token, &api.proof("GET", "/ticks", &token));
    api.clock.advance(290);
    assert_eq!(frames(body_of(&api, ticks(&api)).await, Duration::ZERO).await, 11);
    // within the leeway a request is good, and so is its answer until the leeway is over
    api.clock.advance(20);
    assert_eq!(frames(body_of(&api, ticks(&api)).await, Duration::ZERO).await, 21);
}

#[tokio::test(start_paused = true)]
async fn what_is_there_is_sent_whole() {
    let api = Api::new().await;
    let body = body_of(&api, api.request("GET", "/short")).await;
    assert_eq!(http_body::Body::size_hint(&body).exact(), Some(5));
    assert_eq!(body.collect().await.unwrap().to_bytes(), "short");
}

#[tokio::test(start_paused = true)]
async fn a_chain_ends_with_its_last_hop_and_so_do_answers() {
    // DEL-24, DEL-34: the leaf's end is the earliest, offline and exchanged
    let api = Api::new().await;
    let (now, delegate) = (api.clock.now(), Agent::numbered(2));
    let chain = Chain::below(&api.issuer, &api.agent, api.claims());
    let mut authority = chain.authority().clone();
    authority.expires_at = now.saturating_add(Seconds::new(60));
    let chain = chain.passing(&delegate, authority);
    for evidence in [chain.offline(), chain.exchanged(&api.issuer, now)] {
        let Evidence { token, field } = &evidence;
        let proof = delegate.proof_with_chain("GET", &format!("{API}/ticks"), &evidence, now);
        let mut request = with_credentials("GET", "/ticks", token, &proof);
        request.headers_mut().insert("delegation", field.parse().unwrap());
        assert_eq!(frames(body_of(&api, request).await, Duration::ZERO).await, 61);
    }
}

/// Seconds until an answer is broken off that is asked for now, counted from when `change` happens, ten seconds later.
async fn seconds_after(api: &Api, path: &str, change: impl FnOnce()) -> f64 {
    let mut body = body_of(api, api.request("GET", path)).await;
    let begun = Instant::now();
    let mut change = Some(change);
    loop {
        let frame = tokio::time::timeout(Duration::from_millis(100), body.frame()).await;
        if begun.elapsed() >= 10 * SECOND
            && let Some(change) = change.take()
        {
            change();
        }
        assert!(begun.elapsed() < 100 * SECOND, "it goes on");
        match frame {
            Ok(Some(Ok(_))) => tokio::time::advance(Duration::from_millis(100)).await,
            Ok(Some(Err(_))) => return begun.elapsed().as_secs_f64() - 10.0,
            Ok(None) => panic!("it never ends by itself"),
            Err(_) => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_broken_off_within_a_second_of_a_revocation() {
    for path in ["/ticks", "/flood", "/silence"] {
        let api = Api::new().await;
        let (agent, now) = (api.agent.did().to_string(), api.clock.now());
        let after = seconds_after(&api, path, || {
            let name = RevocationName::of(api.issuer.url(), RevocationKind::Agent, &agent);
            let set = RevocationSet::default();
            set.insert(&FeedEvent { seq: 1, kind: RevocationKind::Agent, name, cut: None, until: None });
            api.facts.set_status(&api.issuer, Status::Known { set: Arc::new(set), as_of: now });
        })
        .await;
        assert!((0.0..=1.0).contains(&after), "{path}: {after}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_broken_off_within_a_second_of_a_halt_or_when_nothing_is_known() {
    let api = Api::new().await;
    let claims = api.claims();
    let token = api.issuer.sign(&claims);
    let mut body =
        body_of(&api, with_credentials("GET", "/silence", &token, &api.proof("GET", "/silence", &token))).await;
    assert!(tokio::time::timeout(10 * SECOND, body.frame()).await.is_err(), "it goes on");
    assert!(api.server.drift().halt(&claims.issuer, &claims.task.unwrap().id));
    assert!(tokio::time::timeout(SECOND, body.frame()).await.unwrap().unwrap().is_err());

    // P-17: what cannot be known is no pass
    let api = Api::new().await;
    let after = seconds_after(&api, "/silence", || api.facts.set_status(&api.issuer, Status::Unknown)).await;
    assert!((0.0..=1.0).contains(&after), "{after}");
}

#[tokio::test]
async fn a_client_can_tell_that_an_answer_is_not_whole() {
    let api = Api::new().await;
    let mut claims = api.claims();
    claims.authority.expires_at = api.clock.now().saturating_add(Seconds::new(1));
    let token = api.issuer.sign(&claims);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    tokio::spawn(serve(listener, app(&api), ServerLimits::default(), std::future::pending()));
    let proof = api.proof("GET", "/silence", &token);
    let request =
        format!("GET /silence HTTP/1.1\r\nHost: api.example\r\nAuthorization: DPoP {token}\r\nDPoP: {proof}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("transfer-encoding: chunked"), "{answer}");
    // the last chunk, which says that nothing is missing, never came
    assert!(!answer.ends_with("0\r\n\r\n"), "{answer}");
}
