//! Request bodies: bounded before anything else is asked, typed exactly.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use handfast_identity::ContentHash;
use handfast_registry_model::Refusal;
use handfast_registry_model::limits::MAX_BODY_BYTES;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::form::Form;
use super::{App, Failure, refused_at};

/// The longest a body may take to arrive whole, as a request's header section (TH71).
const BODY_DEADLINE: Duration = Duration::from_secs(10);

const JSON: &str = "application/json";
const JWT: &str = "application/jwt";
const FORM: &str = "application/x-www-form-urlencoded";

/// Bytes of all bodies held at once: a thousand of the longest, and so many that strangers can make us keep (P-18).
pub(crate) const MAX_BODIES_BYTES: usize = 64 * 1024 * 1024;

/// Room for bodies, which is taken as their bytes arrive: announcing some takes none.
#[derive(Debug)]
pub(crate) struct BodyRoom(Semaphore);

impl BodyRoom {
    pub(crate) const fn new(bytes: usize) -> Self {
        Self(Semaphore::const_new(bytes))
    }
}

/// Reads every body whole before anybody is asked who sent it: one that is too long is 413 whoever sends it (TH72). Only POST
/// takes one here. Its room is held until the answer is made.
pub(super) async fn bounded(State(app): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let most = if parts.method == Method::POST { MAX_BODY_BYTES } else { 0 };
    match read(body, most, &app.bodies).await {
        Ok((bytes, _held)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(refusal) => refused_at(&parts.uri, refusal),
    }
}

async fn read(body: Body, most: usize, room: &BodyRoom) -> Result<(Bytes, SemaphorePermit<'_>), Refusal> {
    // announced over the limit: refused unread
    if usize::try_from(body.size_hint().lower()).map_or(true, |length| length > most) {
        return Err(Refusal::BodyTooLarge);
    }
    // broken off or too slow: there is no whole request to answer
    tokio::time::timeout(BODY_DEADLINE, arrived(body, most, room)).await.map_err(|_| Refusal::InvalidRequest)?
}

async fn arrived(mut body: Body, most: usize, room: &BodyRoom) -> Result<(Bytes, SemaphorePermit<'_>), Refusal> {
    let take = |bytes: usize| {
        let bytes = u32::try_from(bytes).map_err(|_| Refusal::BodyTooLarge)?;
        room.0.try_acquire_many(bytes).map_err(|_| Refusal::Overloaded)
    };
    let mut held = take(0)?;
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::InvalidRequest)?.into_data() else { continue };
        if data.len() > most - bytes.len() {
            return Err(Refusal::BodyTooLarge);
        }
        held.merge(take(data.len())?);
        bytes.extend_from_slice(&data);
    }
    Ok((bytes.into(), held))
}

/// The body that [`bounded`] read.
async fn taken(body: Body) -> Result<Bytes, Refusal> {
    to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| Refusal::BodyTooLarge)
}

macro_rules! typed_bodies {
    ($($(#[$doc:meta])* $name:ident = $media_type:expr;)*) => {$(
        $(#[$doc])*
        pub(super) struct $name(Bytes);

        impl $name {
            /// Takes the body of a request whose `Content-Type` is the right one.
            pub(super) async fn read(request: Request) -> Result<Self, Refusal> {
                require_type(request.headers(), $media_type)?;
                Ok(Self(taken(request.into_body()).await?))
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
    /// The text.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The hash of what is asked.
    pub(super) fn wish(&self) -> ContentHash {
        ContentHash::of(&self.0)
    }
}

impl JwtBody {
    /// The bytes, for statements whose refusals are their own.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

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
    match taken(body).await?.trim_ascii() {
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

    async fn check(body: Body, most: usize, room: &BodyRoom, expected: Result<usize, Refusal>) {
        assert_eq!(read(body, most, room).await.map(|(bytes, _)| bytes.len()), expected);
    }

    fn unannounced(bytes: &Bytes) -> Body {
        Body::new(Unannounced(bytes.chunks(1000).rev().map(Bytes::copy_from_slice).collect()))
    }

    #[tokio::test]
    async fn th72_the_limit_holds_at_its_edge_announced_or_not() {
        let room = BodyRoom::new(MAX_BODIES_BYTES);
        for (length, expected) in
            [(MAX_BODY_BYTES, Ok(MAX_BODY_BYTES)), (MAX_BODY_BYTES + 1, Err(Refusal::BodyTooLarge))]
        {
            let bytes = Bytes::from(vec![b'a'; length]);
            check(Body::from(bytes.clone()), MAX_BODY_BYTES, &room, expected.clone()).await;
            check(unannounced(&bytes), MAX_BODY_BYTES, &room, expected).await;
        }
        check(Body::empty(), 0, &room, Ok(0)).await;
        for one in [Body::from("x"), unannounced(&Bytes::from_static(b"x"))] {
            check(one, 0, &room, Err(Refusal::BodyTooLarge)).await;
        }
    }

    #[tokio::test]
    async fn what_is_announced_over_the_limit_is_not_read() {
        let never = || Body::new(Never(u64::try_from(MAX_BODY_BYTES).unwrap() + 1));
        let room = BodyRoom::new(MAX_BODIES_BYTES);
        let answer = tokio::time::timeout(Duration::ZERO, read(never(), MAX_BODY_BYTES, &room)).await;
        assert_eq!(answer.unwrap().err(), Some(Refusal::BodyTooLarge));
    }

    #[tokio::test]
    async fn p18_all_bodies_together_have_so_much_room() {
        let room = BodyRoom::new(3000);
        let bytes = Bytes::from(vec![b'a'; 2000]);
        let (_, held) = read(unannounced(&bytes), MAX_BODY_BYTES, &room).await.unwrap();
        check(Body::from(vec![b'a'; 1000]), MAX_BODY_BYTES, &room, Ok(1000)).await;
        for body in [Body::from(vec![b'a'; 1001]), unannounced(&bytes)] {
            check(body, MAX_BODY_BYTES, &room, Err(Refusal::Overloaded)).await;
        }
        // nothing is what most requests send, and it needs no room
        let (_, rest) = read(Body::from(vec![b'a'; 1000]), MAX_BODY_BYTES, &room).await.unwrap();
        check(Body::empty(), 0, &room, Ok(0)).await;
        drop((held, rest));
        check(Body::from(vec![b'a'; 3000]), MAX_BODY_BYTES, &room, Ok(3000)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_takes_no_room() {
        let room = BodyRoom::new(1000);
        let (slow, meanwhile) = tokio::join!(read(Body::new(Never(1000)), MAX_BODY_BYTES, &room), async {
            read(Body::from(vec![b'a'; 1000]), MAX_BODY_BYTES, &room).await.map(|(bytes, _)| bytes.len())
        });
        assert_eq!((slow.err(), meanwhile), (Some(Refusal::InvalidRequest), Ok(1000)));
    }

    /// A body of some length that never comes.
    struct Never(u64);

    impl http_body::Body for Never {
        type Data = Bytes;
        type Error = core::convert::Infallible;

        fn poll_frame(
            self: core::pin::Pin<&mut Self>,
            _: &mut core::task::Context<'_>,
        ) -> core::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
            core::task::Poll::Pending
        }

        fn size_hint(&self) -> http_body::SizeHint {
            http_body::SizeHint::with_exact(self.0)
        }
    }

    /// A body that does not tell its length, its last part first.
    struct Unannounced(Vec<Bytes>);

    impl http_body::Body for Unannounced {
        type Data = Bytes;
        type Error = core::convert::Infallible;

        fn poll_frame(
            mut self: core::pin::Pin<&mut Self>,
            _: &mut core::task::Context<'_>,
        ) -> core::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
            core::task::Poll::Ready(self.0.pop().map(|bytes| Ok(http_body::Frame::data(bytes))))
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
