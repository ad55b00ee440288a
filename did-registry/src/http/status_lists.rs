//! Status lists, for whoever does not follow the feed (spec/status-lists.md). Anybody may read them.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use handfast_registry_model::Refusal;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;

use super::documents::{ANYBODY, published};
use super::form::Form;
use super::{App, Failure, Name};

const LIST_MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/statuslist+jwt");
/// A cache asks each time: it would add to how long a revocation takes (TSL-26, TSL-32).
const ASK_EACH_TIME: HeaderValue = HeaderValue::from_static("no-cache");

/// `GET /status-lists`: the addresses of all lists (TSL-15).
pub(super) async fn all(State(app): State<App>) -> Response {
    published(Json(json!({ "status_lists": app.status_lists.uris() })).into_response())
}

/// `GET /status-lists/{n}` (TSL-14)
pub(super) async fn show(State(app): State<App>, Name(name): Name, request: Request) -> Result<Response, Failure> {
    let number = number(&name).ok_or(Refusal::NotFound)?;
    let query = Form::parse(request.uri().query().unwrap_or_default().as_bytes())?;
    if query.pairs().any(|(name, _)| name == "time") {
        return Err(Refusal::NoStatusHistory.into());
    }
    query.only(&[])?;
    let list = app.status_lists.list(number).await?.ok_or(Refusal::NotFound)?;
    let tag = HeaderValue::from_str(&list.tag).map_err(|_| Refusal::StoreUnavailable)?;
    let headers = [(CACHE_CONTROL, ASK_EACH_TIME), (ETAG, tag), (ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY)];
    if is_known(request.headers(), &list.tag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok((headers, [(CONTENT_TYPE, LIST_MEDIA_TYPE)], list.text.to_string()).into_response())
}

/// One spelling of each number.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number: &u32| number.to_string() == text)
}

/// RFC 9110 13.1.2: compared weakly, `*` is any.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let fields = headers.get_all(IF_NONE_MATCH).iter().filter_map(|field| field.to_str().ok());
    let mut tags = fields.flat_map(|field| field.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}
