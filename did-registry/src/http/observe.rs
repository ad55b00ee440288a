//! Around every request: an id, a span, a line in the log, the counts, and fields that every answer has.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use handfast_identity::{base64url, random_bytes};
use handfast_middleware::Rejection;
use http::header::{CACHE_CONTROL, HeaderName, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method};
use tracing::Instrument as _;

use super::answer::NO_STORE;
use super::{App, Reason};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
/// Random bytes of a request's id: enough that two do not meet in one log.
const REQUEST_ID_BYTES: usize = 9;

pub(super) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = base64url::encode(&random_bytes::<REQUEST_ID_BYTES>(&mut app.random.clone()));
    let route = label(request.method(), request.extensions().get::<MatchedPath>());
    // neither path nor query: both may hold what somebody should not have put there (P-19)
    let span = tracing::info_span!("request", id, route);
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    let extensions = response.extensions();
    let reason = extensions.get::<Reason>().map(|reason| reason.0);
    let reason = reason.or_else(|| extensions.get::<Rejection>().map(Rejection::reason));
    app.metrics.note_answer(&route, status, reason);
    span.in_scope(|| tracing::info!(status, reason, "answered"));
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
    response
}

/// Method and route as they are counted: of the routes there are, so that nobody can invent more (P-18).
fn label(method: &Method, path: Option<&MatchedPath>) -> String {
    let method = match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        _ => "other",
    };
    format!("{method} {}", path.map_or("unmatched", MatchedPath::as_str))
}
