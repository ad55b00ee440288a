//! The feed of revocations, as resource servers read it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use handfast_registry_model::Refusal;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue};
use http_body::Frame;

use super::answer::NO_STORE;
use super::form::Form;
use super::{App, Failure};
use crate::feed::{FeedError, Messages, Told, WAIT_MAX_SECONDS};
use crate::state::unavailable;

const EVENT_STREAM_MEDIA_TYPE: HeaderValue = HeaderValue::from_static("text/event-stream");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// nginx would keep events back until a page of them is full.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const NO: HeaderValue = HeaderValue::from_static("no");
const JWT_MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/jwt");

/// `GET /revocations/snapshot`
pub(super) async fn snapshot(State(app): State<App>) -> Result<Response, Failure> {
    Ok(message(&app.feed.whole().await.map_err(|error| refusal(&error))?))
}

/// `GET /revocations?after=&wait=`
pub(super) async fn follow(State(app): State<App>, request: Request) -> Result<Response, Failure> {
    let (after, wait) = asked(request.uri().query().unwrap_or_default())?;
    Ok(message(&app.feed.after(after, wait).await.map_err(|error| refusal(&error))?))
}

/// `GET /revocations/stream`, server-sent events: the same messages as they come, from `Last-Event-ID` on or with the snapshot.
pub(super) async fn stream(State(app): State<App>, headers: HeaderMap) -> Result<Response, Failure> {
    let after = headers.get(LAST_EVENT_ID).map(|value| number(value.to_str().unwrap_or_default())).transpose()?;
    let feed = Arc::clone(&app.feed);
    let messages = feed.stream(after).await.map_err(|error| refusal(&error))?.ok_or(Refusal::Overloaded)?;
    let headers = [(CONTENT_TYPE, EVENT_STREAM_MEDIA_TYPE), (CACHE_CONTROL, NO_STORE), (ACCEL_BUFFERING, NO)];
    Ok((headers, Body::new(EventBody(messages))).into_response())
}

/// `GET /revocations/key`: what the recovery key said about the feed key, if it ever said anything.
pub(super) async fn feed_key(State(app): State<App>) -> Result<Response, Failure> {
    let statement = app.feed_key.as_ref().ok_or(Refusal::NotFound)?;
    Ok(([(CONTENT_TYPE, JWT_MEDIA_TYPE), (CACHE_CONTROL, NO_STORE)], statement.to_string()).into_response())
}

/// Messages as events: the number in `id`, the JWS in `data`.
struct EventBody(Messages);

impl http_body::Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let event = |Told { to, text }| Ok(Frame::data(Bytes::from(format!("id: {to}\ndata: {text}\n\n"))));
        self.0.poll_recv(cx).map(|message| message.map(event))
    }
}

fn number(text: &str) -> Result<u64, Refusal> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain).ok_or(Refusal::InvalidRequest)
}

fn asked(query: &str) -> Result<(u64, Duration), Refusal> {
    let form = Form::parse(query.as_bytes())?.only(&["after", "wait"])?;
    let read = |name: &str| form.one(name)?.map(number).transpose();
    let after = read("after")?.ok_or(Refusal::InvalidRequest)?;
    let wait: u64 = read("wait")?.unwrap_or(0);
    Ok((after, Duration::from_secs(wait.min(WAIT_MAX_SECONDS))))
}

fn message(told: &Told) -> Response {
    let headers = [(CONTENT_TYPE, JWT_MEDIA_TYPE), (CACHE_CONTROL, NO_STORE)];
    (headers, told.text.to_string()).into_response()
}

fn refusal(error: &FeedError) -> Refusal {
    match error {
        // a number this feed never gave out is nothing one can ask it to go on from
        FeedError::Ahead => Refusal::InvalidRequest,
        FeedError::Store(error) => unavailable(error),
        FeedError::Sign(error) => {
            tracing::error!(%error, "a feed message cannot be signed");
            Refusal::StoreUnavailable
        }
    }
}
