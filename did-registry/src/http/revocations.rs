//! The feed of revocations, as resource servers read it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use handfast_registry_model::Refusal;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use super::answer::NO_STORE;
use super::form::Form;
use super::{App, Failure};
use crate::feed::{FeedError, WAIT_MAX_SECONDS};
use crate::state::unavailable;

const JWT_MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/jwt");

/// `GET /revocations/snapshot`
pub(super) async fn snapshot(State(app): State<App>) -> Result<Response, Failure> {
    Ok(message(&app.feed.snapshot().await.map_err(|error| refusal(&error))?))
}

/// `GET /revocations?after=&wait=`
pub(super) async fn follow(State(app): State<App>, request: Request) -> Result<Response, Failure> {
    let (after, wait) = asked(request.uri().query().unwrap_or_default())?;
    Ok(message(&app.feed.after(after, wait).await.map_err(|error| refusal(&error))?))
}

fn asked(query: &str) -> Result<(u64, Duration), Refusal> {
    let form = Form::parse(query.as_bytes())?.only(&["after", "wait"])?;
    let number = |name: &str| {
        let digits = |text: &str| text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        form.one(name)?.map(|text| digits(text).ok_or(Refusal::InvalidRequest)).transpose()
    };
    let after = number("after")?.ok_or(Refusal::InvalidRequest)?;
    let wait: u64 = number("wait")?.unwrap_or(0);
    Ok((after, Duration::from_secs(wait.min(WAIT_MAX_SECONDS))))
}

fn message(text: &Arc<str>) -> Response {
    let headers = [(CONTENT_TYPE, JWT_MEDIA_TYPE), (CACHE_CONTROL, NO_STORE)];
    (headers, text.to_string()).into_response()
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
