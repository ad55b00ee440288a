//! Request bodies: bounded before anything else is asked, typed exactly.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use handfast_registry_model::Refusal;
use handfast_registry_model::limits::MAX_BODY_BYTES;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body::Body as _;
use http_body_util::{BodyExt as _, Limited};

use super::form::Form;
use super::{Failure, TOKEN_PATH};

/// The longest a body may take to arrive whole, as a request's header section (TH71).
const BODY_DEADLINE: Duration = Duration::from_secs(10);

const JSON: &str = "application/json";
const JWT: &str = "application/jwt";
const FORM: &str = "application/x-www-form-urlencoded";

/// Reads every body whole before anybody is asked who sent it: one that is too long is 413 whoever sends it (TH72).
pub(super) async fn bounded(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match read(body).await {
        Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(refusal) if parts.uri.path() == TOKEN_PATH => Failure::from(refusal).oauth(),
        Err(refusal) => Failure::from(refusal).into_response(),
    }
}

async fn read(body: Body) -> Result<Bytes, Refusal> {
    // announced over the limit: refused unread
    if usize::try_from(body.size_hint().lower()).map_or(true, |length| length > MAX_BODY_BYTES) {
        return Err(Refusal::BodyTooLarge);
    }
    let collected = tokio::time::timeout(BODY_DEADLINE, Limited::new(body, MAX_BODY_BYTES).collect()).await;
    match collected {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(Refusal::BodyTooLarge),
        // broken off or too slow: there is no whole request to answer
        Ok(Err(_)) | Err(_) => Err(Refusal::InvalidRequest),
    }
}

macro_rules! typed_bodies {
    ($($(#[$doc:meta])* $name:ident = $media_type:expr;)*) => {$(
        $(#[$doc])*
        pub(super) struct $name(Bytes);

        impl $name {
            /// Takes the body of a request whose `Content-Type` is the right one.
            pub(super) async fn read(request: Request) -> Result<Self, Refusal> {
                require_type(request.headers(), $media_type)?;
                Ok(Self(read(request.into_body()).await?))
            }
        }

        impl<S: Sync> FromRequest<S> for $name {
            type Rejection = Failure;

            async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
                Ok(Self::read(request).await?)
            }
        }
    )*};
}

typed_bodies! {
    /// A body of `application/json`, unread.
    JsonBody = JSON;
    /// A body of `application/jwt`, unread.
    JwtBody = JWT;
    /// A body of `application/x-www-form-urlencoded`, unread.
    FormBody = FORM;
}

impl JsonBody {
    /// The text, if it begins as an object: a derived reader alone would take an array of its members as well.
    pub(super) fn object(&self) -> Result<&[u8], Refusal> {
        if self.0.trim_ascii_start().starts_with(b"{") { Ok(&self.0) } else { Err(Refusal::InvalidRequest) }
    }
}

impl JwtBody {
    /// The statement.
    pub(super) fn text(&self) -> Result<&str, Refusal> {
        core::str::from_utf8(&self.0).map_err(|_| Refusal::InvalidRegistration)
    }
}

impl FormBody {
    /// The form.
    pub(super) fn form(&self) -> Result<Form, Refusal> {
        Form::parse(&self.0)
    }
}

/// For calls that take no members: no body, or an object without any.
pub(super) async fn require_empty(body: Body) -> Result<(), Refusal> {
    match read(body).await?.trim_ascii() {
        b"" | b"{}" => Ok(()),
        _ => Err(Refusal::InvalidRequest),
    }
}

/// One `Content-Type`, this one, with no parameter but `charset=utf-8`.
fn require_type(headers: &HeaderMap, expected: &str) -> Result<(), Refusal> {
    let mut lines = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (lines.next(), lines.next()) else { return Err(Refusal::UnsupportedMediaType) };
    let mut parts = value.to_str().unwrap_or_default().split(';').map(str::trim);
    let essence_fits = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case(expected));
    let is_utf8 = |parameter: &str| {
        parameter.is_empty()
            || ["charset=utf-8", "charset=\"utf-8\""].iter().any(|known| parameter.eq_ignore_ascii_case(known))
    };
    if essence_fits && parts.all(is_utf8) { Ok(()) } else { Err(Refusal::UnsupportedMediaType) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "constants of the test")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn th72_the_limit_holds_at_its_edge_announced_or_not() {
        for (length, expected) in
            [(MAX_BODY_BYTES, Ok(MAX_BODY_BYTES)), (MAX_BODY_BYTES + 1, Err(Refusal::BodyTooLarge))]
        {
            let bytes = Bytes::from(vec![b'a'; length]);
            assert_eq!(read(Body::from(bytes.clone())).await.map(|bytes| bytes.len()), expected);
            let unannounced = Body::new(Unannounced(Some(bytes)));
            assert_eq!(read(unannounced).await.map(|bytes| bytes.len()), expected);
        }
    }

    /// A body that does not tell its length.
    struct Unannounced(Option<Bytes>);

    impl http_body::Body for Unannounced {
        type Data = Bytes;
        type Error = core::convert::Infallible;

        fn poll_frame(
            mut self: core::pin::Pin<&mut Self>,
            _: &mut core::task::Context<'_>,
        ) -> core::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
            core::task::Poll::Ready(self.0.take().map(|bytes| Ok(http_body::Frame::data(bytes))))
        }
    }

    #[test]
    fn one_content_type_and_it_is_exact() {
        let check = |lines: &[&str], expected: bool| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(CONTENT_TYPE, line.parse().unwrap());
            }
            assert_eq!(require_type(&headers, JSON).is_ok(), expected, "{lines:?}");
        };
        for good in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;Charset=\"UTF-8\"",
        ] {
            check(&[good], true);
        }
        for bad in
            ["", "text/plain", "application/jsonp", "application/json; charset=latin1", "application/problem+json"]
        {
            check(&[bad], false);
        }
        check(&[], false);
        check(&["application/json", "application/json"], false);
    }
}
