//! `GET /1.0/identifiers/{did}`: the HTTP binding of DID Resolution, for `did:key`, `did:jwk` and `did:web`.
//!
//! It says what the method says, for any DID. What the registry knows of an agent is not a part of it: a key that was revoked here
//! still resolves, for the method has no deactivation (DK-11, DR-25).
//!
//! A `did:web` has somebody asked. For anybody that is this registry itself and the hosts that its operator lists; for owners and
//! readers, who show a token, any other. So the registry is nobody's way to hosts of a stranger's choice.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use handfast_fetch::ResolveError;
use handfast_identity::{AnyDidError, Did, DidDocument, DidWeb, did_method};
use handfast_middleware::Clock as _;
use http::header::{ACCEPT, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::json;
use tower_service::Service as _;

use super::agents::source;
use super::answer::NO_STORE;
use super::documents::{ANYBODY, FOR_FIVE_MINUTES, own_document};
use super::form::Form;
use super::rates::Source;
use super::{App, Failure, Name};

/// The type of a whole result.
const RESULT: &str = "application/did-resolution";
/// The types of a document alone, the one of the newest text first (DR-21).
const DOCUMENTS: [&str; 4] = ["application/did", "application/did+json", "application/did+ld+json", "application/json"];
/// Options that change nothing where nobody is asked: nothing is cached, and no URL is relative.
const WITHOUT_EFFECT: [&str; 2] = [NO_CACHE, "expandRelativeUrls"];
/// The option that would let a caller choose how often a host is asked: refused where one is (DR-11).
const NO_CACHE: &str = "noCache";
/// When to come again to a resolver that is busy.
const RETRY_AFTER_BUSY: HeaderValue = HeaderValue::from_static("5");

/// Why nothing is resolved: the codes of DID Resolution, with their statuses (DR-22).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    InvalidDid,
    MethodNotSupported,
    FeatureNotSupported,
    InvalidOptions,
    RepresentationNotSupported,
    NotFound,
    InvalidDocument,
    Busy,
}

impl Fault {
    const fn words(self) -> (StatusCode, &'static str, &'static str, &'static str) {
        match self {
            Self::InvalidDid => {
                (StatusCode::BAD_REQUEST, "INVALID_DID", "invalid DID", "the text is no DID of its method")
            }
            Self::MethodNotSupported => {
                let detail = "only did:key, did:jwk and did:web are resolved here";
                (StatusCode::NOT_IMPLEMENTED, "METHOD_NOT_SUPPORTED", "method not supported", detail)
            }
            Self::FeatureNotSupported => {
                let detail = "an option has no meaning for this method, or is not offered for it";
                (StatusCode::NOT_IMPLEMENTED, "FEATURE_NOT_SUPPORTED", "feature not supported", detail)
            }
            Self::InvalidOptions => (
                StatusCode::BAD_REQUEST,
                "INVALID_OPTIONS",
                "invalid options",
                "an option has no such value, or stands twice",
            ),
            Self::RepresentationNotSupported => {
                let detail = "none of the media types asked for is offered";
                (StatusCode::NOT_ACCEPTABLE, "REPRESENTATION_NOT_SUPPORTED", "representation not supported", detail)
            }
            // which of the reasons it was is for the log: to a caller it would tell what else can be reached from here
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "NOT_FOUND",
                "not found",
                "there is no document where the DID says, or none to be had",
            ),
            Self::InvalidDocument => {
                let detail = "what is found where the DID says is no document of this DID";
                (StatusCode::INTERNAL_SERVER_ERROR, "INVALID_DID_DOCUMENT", "invalid DID document", detail)
            }
            Self::Busy => {
                let detail = "too many documents are being fetched at once, or none can be";
                (StatusCode::SERVICE_UNAVAILABLE, "INTERNAL_ERROR", "internal error", detail)
            }
        }
    }
}

/// A fault is told as a whole result, whatever was asked for (DR-07).
impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (status, code, title, detail) = self.words();
        let error = json!({"type": format!("https://www.w3.org/ns/did#{code}"), "title": title, "detail": detail});
        let metadata = json!({"error": error});
        let result = json!({"didResolutionMetadata": metadata, "didDocument": null, "didDocumentMetadata": {}});
        let mut response = typed(status, RESULT, Json(result));
        if self == Self::Busy {
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_BUSY);
        }
        response
    }
}

/// What is asked for, understood.
#[derive(Debug)]
struct Question {
    did: Did,
    media_type: &'static str,
}

/// The route: open to anybody, with what it will do for callers with a token behind it.
pub(super) fn route(app: &App, for_readers: MethodRouter<App>) -> MethodRouter<App> {
    let for_readers: MethodRouter = for_readers.with_state(App::clone(app));
    get(move |State(app): State<App>, name: Name, request: Request| resolve(app, name, request, for_readers))
}

async fn resolve(app: App, Name(text): Name, request: Request, mut for_readers: MethodRouter) -> Response {
    let question = match understood(&text, request.uri().query(), request.headers()) {
        Ok(question) => question,
        Err(fault) => return fault.into_response(),
    };
    let Question { did, media_type } = question;
    match did {
        Did::Key(did) => told(&DidDocument::of_key(&did), media_type, FOR_FIVE_MINUTES),
        Did::Jwk(did) => told(&DidDocument::of_jwk(&did), media_type, FOR_FIVE_MINUTES),
        Did::Web(did) if app.config.did().is_some_and(|own| own == did) => match own_document(&app) {
            Some(document) => told(&document, media_type, FOR_FIVE_MINUTES),
            None => Fault::NotFound.into_response(),
        },
        Did::Web(did) if app.config.resolves_for_anybody(&did) => {
            fetched(&app, &did, media_type, source(&request)).await
        }
        Did::Web(_) => match for_readers.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        },
    }
}

/// The same for a caller who was let in.
pub(super) async fn resolve_any_host(State(app): State<App>, Name(text): Name, request: Request) -> Response {
    match understood(&text, request.uri().query(), request.headers()) {
        Ok(Question { did: Did::Web(did), media_type }) => fetched(&app, &did, media_type, source(&request)).await,
        // the others were answered before anybody had to show anything
        Ok(_) => Fault::InvalidDid.into_response(),
        Err(fault) => fault.into_response(),
    }
}

async fn fetched(app: &App, did: &DidWeb, media_type: &'static str, from: Source) -> Response {
    let now = app.clock.now();
    if let Err(refusal) = app.lookups.take_try(from, now).and_then(|()| app.lookups.take_place(now)) {
        return Failure::from(refusal).into_response();
    }
    let Some(resolver) = &app.resolver else { return Fault::Busy.into_response() };
    match resolver.web(did).await {
        // kept here for a while already (DW-11)
        Ok(document) => told(document.json(), media_type, NO_STORE),
        Err(error) => {
            tracing::info!(host = did.authority(), %error, "a did:web was not resolved");
            match error {
                ResolveError::NotFound(_) | ResolveError::HostPaused => Fault::NotFound,
                ResolveError::Document(_) => Fault::InvalidDocument,
                ResolveError::Busy => Fault::Busy,
            }
            .into_response()
        }
    }
}

fn told(document: &impl Serialize, media_type: &'static str, keep: HeaderValue) -> Response {
    let mut response = if media_type == RESULT {
        let metadata = json!({"contentType": DOCUMENTS[0]});
        let result = json!({"didResolutionMetadata": metadata, "didDocument": document, "didDocumentMetadata": {}});
        typed(StatusCode::OK, RESULT, Json(result))
    } else {
        typed(StatusCode::OK, media_type, Json(document))
    };
    response.headers_mut().insert(CACHE_CONTROL, keep);
    response
}

fn typed(status: StatusCode, media_type: &'static str, body: impl IntoResponse) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY);
    response
}

/// The steps of the algorithm that need nobody, in its order: DID, method, options, the method's own rules (DR-01 to DR-03); then
/// what the answer has to be.
fn understood(text: &str, query: Option<&str>, headers: &HeaderMap) -> Result<Question, Fault> {
    let did = resolved(text, query)?;
    let media_type = wanted(headers).ok_or(Fault::RepresentationNotSupported)?;
    Ok(Question { did, media_type })
}

fn resolved(text: &str, query: Option<&str>) -> Result<Did, Fault> {
    let method = did_method(text).ok_or(Fault::InvalidDid)?;
    let parsed = Did::parse(text);
    if parsed.as_ref().is_err_and(|error| *error == AnyDidError::Method) {
        return Err(Fault::MethodNotSupported);
    }
    let options = Form::parse(query.unwrap_or_default().as_bytes()).map_err(|_| Fault::InvalidOptions)?;
    if options.pairs().any(|(name, _)| !WITHOUT_EFFECT.contains(&name)) {
        return Err(Fault::FeatureNotSupported);
    }
    for name in WITHOUT_EFFECT {
        match options.one(name).map_err(|_| Fault::InvalidOptions)? {
            Some("true") if name == NO_CACHE && method == "web" => return Err(Fault::FeatureNotSupported),
            None | Some("true" | "false") => {}
            Some(_) => return Err(Fault::InvalidOptions),
        }
    }
    parsed.map_err(|_| Fault::InvalidDid)
}

/// The first media type of the `Accept` fields that is offered; a document if there is none of the fields.
fn wanted(headers: &HeaderMap) -> Option<&'static str> {
    let mut lines = headers.get_all(ACCEPT).iter().peekable();
    if lines.peek().is_none() {
        return Some(DOCUMENTS[0]);
    }
    let ranges = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    ranges.filter_map(|range| offered(range.split(';').next().unwrap_or_default().trim())).next()
}

fn offered(range: &str) -> Option<&'static str> {
    let is = |known: &&&str| range.eq_ignore_ascii_case(known);
    match range {
        "*/*" | "application/*" => Some(DOCUMENTS[0]),
        _ => DOCUMENTS.iter().chain([&RESULT]).find(is).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DID: &str = "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw";
    const JWK: &str = "did:jwk:eyJjcnYiOiJFZDI1NTE5Iiwia3R5IjoiT0tQIiwieCI6IjExcVlBWUt4Q3JmVlNfN1R5V1FIT2c3aGN2UGFwaU1scndJYWFQY0hVUm8ifQ";

    fn check(did: &str, query: Option<&str>, expected: Result<(), Fault>) {
        assert_eq!(resolved(did, query).map(|_| ()), expected, "{did} {query:?}");
    }

    #[test]
    fn what_is_no_did_is_told_before_what_is_of_another_method() {
        for did in [DID, JWK, "did:web:api.example", "did:web:localhost%3A8443:a"] {
            check(did, None, Ok(()));
        }
        for text in ["", "did:key:", "DID:key:z6Mk", "did:web:a/b", "did:web:a#b", "did:jwk:e30#0", " did:web:a"] {
            check(text, None, Err(Fault::InvalidDid));
        }
        for text in ["did:0:a:b", "did:example:1", "did:webs:a"] {
            check(text, None, Err(Fault::MethodNotSupported));
        }
        for text in ["did:key:z6Mk", "did:key:1.1:z6Mk", "did:jwk:e30", "did:web:127.0.0.1", "did:web:a:.."] {
            check(text, None, Err(Fault::InvalidDid));
        }
    }

    #[test]
    fn options_change_nothing_or_are_refused() {
        for query in ["", "noCache=true", "noCache=false&expandRelativeUrls=true"] {
            check(DID, Some(query), Ok(()));
            check(JWK, Some(query), Ok(()));
        }
        for query in ["versionId=1", "versionTime=2026-01-01T00:00:00Z", "x=y", "noCache=true&x="] {
            check(DID, Some(query), Err(Fault::FeatureNotSupported));
        }
        for query in ["noCache=1", "noCache=true&noCache=true", "noCache=%zz"] {
            check(DID, Some(query), Err(Fault::InvalidOptions));
        }
        // DR-11: how often a host is asked is not the caller's choice
        check("did:web:api.example", Some("noCache=true"), Err(Fault::FeatureNotSupported));
        check("did:web:api.example", Some("noCache=false&expandRelativeUrls=true"), Ok(()));
        check("did:example:1", Some("noCache=1"), Err(Fault::MethodNotSupported));
        check("did:web:127.0.0.1", Some("noCache=1"), Err(Fault::InvalidOptions));
    }
}
