//! Looking for a token where none belongs: the query, and form bodies (DPOP-104, DPOP-105, TH15).

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// Longest form body on a protected route: it has to be read before the request is served (spec/limits.md).
pub const MAX_FORM_BYTES: usize = 64 * 1024;
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
}
