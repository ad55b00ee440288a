//! Looking for a token where none belongs: the query, and form bodies (DPOP-104, DPOP-105, TH15).

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Limited};

use crate::Problem;

/// Longest form body on a protected route: it has to be read before the request is served (spec/limits.md).
pub const MAX_FORM_BYTES: usize = 64 * 1024;
/// Longest wait for a form body; as for a request's header section.
const FORM_DEADLINE: Duration = Duration::from_secs(10);
const FORM_TYPE: &str = "application/x-www-form-urlencoded";
const TOKEN_MEMBER: &[u8] = b"access_token";

/// Whether any `Content-Type` line says that the body is a form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let essence = |value: &http::HeaderValue| {
        let text = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        text.trim_ascii().eq_ignore_ascii_case(FORM_TYPE.as_bytes())
    };
    headers.get_all(CONTENT_TYPE).iter().any(essence)
}

/// Whether a query or form has a member `access_token`, however its name is escaped.
pub(crate) fn names_token(encoded: &[u8]) -> bool {
    encoded.split(|byte| *byte == b'&').any(|pair| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        decoded(name).eq(TOKEN_MEMBER.iter().copied())
    })
}

/// The bytes that a `application/x-www-form-urlencoded` name stands for; a stray `%` is itself (WHATWG URL 1.3).
fn decoded(name: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut rest = name;
    std::iter::from_fn(move || {
        let (byte, after) = match rest {
            [b'%', high, low, after @ ..] if hex(*high).is_some() && hex(*low).is_some() => {
                (hex(*high)? * 16 + hex(*low)?, after)
            }
            [b'+', after @ ..] => (b' ', after),
            [byte, after @ ..] => (*byte, after),
            [] => return None,
        };
        rest = after;
        Some(byte)
    })
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Why a form body could not be read, and so not be looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormError {
    TooLarge,
    TooSlow,
    Broken,
}

impl FormError {
    pub(crate) const fn problem(self) -> Problem {
        let (status, reason, detail) = match self {
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the form is longer than accepted here")
            }
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "body_too_slow", "the form did not arrive in time"),
            Self::Broken => (StatusCode::BAD_REQUEST, "body_unreadable", "the form could not be read"),
        };
        Problem { status, error: Some("invalid_request"), reason, detail }
    }
}

/// Reads a form whole. A length announced over the limit is refused unread.
pub(crate) async fn read_form<B>(body: B) -> Result<Bytes, FormError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<axum::BoxError>,
{
    if usize::try_from(body.size_hint().lower()).map_or(true, |length| length > MAX_FORM_BYTES) {
        return Err(FormError::TooLarge);
    }
    let read = tokio::time::timeout(FORM_DEADLINE, Limited::new(body, MAX_FORM_BYTES).collect()).await;
    match read.map_err(|_| FormError::TooSlow)? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(FormError::TooLarge),
        Err(_) => Err(FormError::Broken),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // constants of the test

    use super::*;

    #[test]
    fn a_token_is_found_however_its_name_is_written() {
        for text in ["access_token=x", "a=1&access_token=x", "access_token", "access%5Ftoken=", "%61ccess_%74oken=x&b"]
        {
            assert!(names_token(text.as_bytes()), "{text}");
        }
        for text in [
            "",
            "a=access_token",
            "access_tokens=x",
            "access+token=x",
            "access_token%00=x",
            "Access_Token=x",
            "access%5token",
        ] {
            assert!(!names_token(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn forms_are_known_by_their_media_type() {
        let is_form = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, value.parse().unwrap());
            is_form(&headers)
        };
        for text in [FORM_TYPE, "Application/X-WWW-Form-Urlencoded ; charset=utf-8"] {
            assert!(is_form(text), "{text}");
        }
        for text in ["application/json", "multipart/form-data; boundary=x", "text/plain", ""] {
            assert!(!is_form(text), "{text}");
        }
    }

    #[tokio::test]
    async fn the_limit_holds_at_its_edge_announced_or_not() {
        for (length, expected) in [(MAX_FORM_BYTES, Ok(MAX_FORM_BYTES)), (MAX_FORM_BYTES + 1, Err(FormError::TooLarge))]
        {
            let bytes = Bytes::from(vec![b'a'; length]);
            let announced = read_form(http_body_util::Full::new(bytes.clone())).await;
            assert_eq!(announced.map(|bytes| bytes.len()), expected);
            let unannounced = Unannounced(Some(bytes));
            assert_eq!(read_form(unannounced).await.map(|bytes| bytes.len()), expected);
        }
    }

    /// A body that does not tell its length.
    struct Unannounced(Option<Bytes>);

    impl Body for Unannounced {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
            std::task::Poll::Ready(self.0.take().map(|bytes| Ok(http_body::Frame::data(bytes))))
        }
    }
}
