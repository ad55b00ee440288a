//! `GET /1.0/identifiers/{did}`: the HTTP binding of DID Resolution, for the method that needs nobody to be asked, `did:key`.
//!
//! It says what the method says, for any `did:key` and always the same (DK-12). What the registry knows of an agent is not a part
//! of it: a key that was revoked here still resolves, for the method has no deactivation (DK-11, DR-25).

use axum::Json;
use axum::response::{IntoResponse, Response};
use handfast_identity::{DidDocument, DidKey, MAX_DID_BYTES};
use http::header::{ACCEPT, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use serde_json::json;

use super::Name;
use super::answer::NO_STORE;
use super::documents::{ANYBODY, FOR_FIVE_MINUTES};
use super::form::Form;

/// The type of a whole result.
const RESULT: &str = "application/did-resolution";
/// The types of a document alone, the one of the newest text first (DR-21).
const DOCUMENTS: [&str; 4] = ["application/did", "application/did+json", "application/did+ld+json", "application/json"];
/// Options that change nothing here: nothing is cached, and no URL is relative.
const WITHOUT_EFFECT: [&str; 2] = ["noCache", "expandRelativeUrls"];

/// Why nothing is resolved: the codes of DID Resolution, with their statuses (DR-22).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    InvalidDid,
    MethodNotSupported,
    FeatureNotSupported,
    InvalidOptions,
    RepresentationNotSupported,
}

impl Fault {
    const fn words(self) -> (StatusCode, &'static str, &'static str, &'static str) {
        match self {
            Self::InvalidDid => {
                (StatusCode::BAD_REQUEST, "INVALID_DID", "invalid DID", "the text is no DID of its method")
            }
            Self::MethodNotSupported => {
                let detail = "only did:key is resolved here";
                (StatusCode::NOT_IMPLEMENTED, "METHOD_NOT_SUPPORTED", "method not supported", detail)
            }
            Self::FeatureNotSupported => {
                let detail = "an option has no meaning for this method";
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
        }
    }
}

/// A fault is told as a whole result, whatever was asked for (DR-07).
pub(super) async fn resolve(Name(did): Name, uri: Uri, headers: HeaderMap) -> Response {
    let resolved = resolved(&did, uri.query()).and_then(|did| {
        let media_type = wanted(&headers).ok_or(Fault::RepresentationNotSupported)?;
        Ok((DidDocument::of_key(&did), media_type))
    });
    let mut response = match resolved {
        Ok((document, RESULT)) => {
            let metadata = json!({"contentType": DOCUMENTS[0]});
            let result = json!({"didResolutionMetadata": metadata, "didDocument": document, "didDocumentMetadata": {}});
            typed(StatusCode::OK, RESULT, Json(result))
        }
        Ok((document, media_type)) => typed(StatusCode::OK, media_type, Json(document)),
        Err(fault) => {
            let (status, code, title, detail) = fault.words();
            let error = json!({"type": format!("https://www.w3.org/ns/did#{code}"), "title": title, "detail": detail});
            let metadata = json!({"error": error});
            let result = json!({"didResolutionMetadata": metadata, "didDocument": null, "didDocumentMetadata": {}});
            typed(status, RESULT, Json(result))
        }
    };
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY);
    response
}

fn typed(status: StatusCode, media_type: &'static str, body: impl IntoResponse) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, if status == StatusCode::OK { FOR_FIVE_MINUTES } else { NO_STORE });
    response
}

/// The steps of the algorithm, in its order: DID, method, options (DR-01 to DR-04). No `did:key` is absent.
fn resolved(did: &str, query: Option<&str>) -> Result<DidKey, Fault> {
    let method = method_of(did).ok_or(Fault::InvalidDid)?;
    if method != "key" {
        return Err(Fault::MethodNotSupported);
    }
    let options = Form::parse(query.unwrap_or_default().as_bytes()).map_err(|_| Fault::InvalidOptions)?;
    if options.pairs().any(|(name, _)| !WITHOUT_EFFECT.contains(&name)) {
        return Err(Fault::FeatureNotSupported);
    }
    for name in WITHOUT_EFFECT {
        let value = options.one(name).map_err(|_| Fault::InvalidOptions)?;
        if value.is_some_and(|value| value != "true" && value != "false") {
            return Err(Fault::InvalidOptions);
        }
    }
    DidKey::parse(did).map_err(|_| Fault::InvalidDid)
}

/// The method of a text that is a DID (DID-01 to DID-04), path, query and fragment being none.
fn method_of(text: &str) -> Option<&str> {
    let (method, id) = text.strip_prefix("did:")?.split_once(':')?;
    let is_name = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let is_id = !id.is_empty() && !id.ends_with(':') && id_characters(id.as_bytes());
    (text.len() <= MAX_DID_BYTES && is_name && is_id).then_some(method)
}

fn id_characters(mut rest: &[u8]) -> bool {
    loop {
        rest = match rest {
            [] => return true,
            [b'%', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => after,
            [byte, after @ ..] if byte.is_ascii_alphanumeric() || b".-_:".contains(byte) => after,
            _ => return false,
        };
    }
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

    fn check(did: &str, query: Option<&str>, expected: Result<(), Fault>) {
        assert_eq!(resolved(did, query).map(|_| ()), expected, "{did} {query:?}");
    }

    #[test]
    fn what_is_no_did_is_told_before_what_is_of_another_method() {
        check(DID, None, Ok(()));
        for text in [
            "",
            "did",
            "did:key",
            "did:key:",
            "did:Key:z6Mk",
            "DID:key:z6Mk",
            "did:key:z6Mk:",
            "did::x",
            "did:web:a/b",
            "did:web:a?b",
            "did:web:a#b",
            "did:web:a%2",
            "did:web:a b",
            " did:web:a",
            "did:web:ä",
        ] {
            check(text, None, Err(Fault::InvalidDid));
        }
        check(&format!("did:web:{}", "a".repeat(MAX_DID_BYTES - 8)), None, Err(Fault::MethodNotSupported));
        check(&format!("did:web:{}", "a".repeat(MAX_DID_BYTES - 7)), None, Err(Fault::InvalidDid));
        for text in ["did:web:api.example", "did:web:localhost%3A8443:a", "did:jwk:e30", "did:0:a:b"] {
            check(text, None, Err(Fault::MethodNotSupported));
        }
        for text in [
            "did:key:z6Mk",
            "did:key:1.1:z6Mk",
            "did:key:uZm9v",
            "did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc",
        ] {
            check(text, None, Err(Fault::InvalidDid));
        }
    }

    #[test]
    fn options_change_nothing_or_are_refused() {
        for query in ["", "noCache=true", "noCache=false&expandRelativeUrls=true", "noCache="] {
            check(DID, Some(query), Ok(()));
        }
        for query in ["versionId=1", "versionTime=2026-01-01T00:00:00Z", "x=y", "noCache=true&x="] {
            check(DID, Some(query), Err(Fault::FeatureNotSupported));
        }
        for query in ["noCache=1", "noCache=true&noCache=true", "noCache=%zz"] {
            check(DID, Some(query), Err(Fault::InvalidOptions));
        }
        check("did:web:api.example", Some("noCache=1"), Err(Fault::MethodNotSupported));
    }
}
