//! Reading a body whole, where the check has to look at it before the handler does.

use std::time::Duration;

use bytes::Bytes;
use handfast_verifier::RouteRule;
use handfast_verifier::tools::MAX_TOOL_BODY_BYTES;
use http::{HeaderMap, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Limited};

use super::form::{MAX_FORM_BYTES, is_form};
use crate::Problem;

/// Longest wait for a body that the check looks at; as for a request's header section.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// How much of the body the check looks at, if it has to: forms may hold a token, a rule may have arguments in the body, and
/// content that proofs cover is hashed, `content_limit` bytes of it at most. The least that is asked for counts.
pub(crate) fn body_limit(headers: &HeaderMap, rule: &RouteRule, content_limit: usize) -> Option<usize> {
    let form = is_form(headers).then_some(MAX_FORM_BYTES);
    let arguments = rule.has_arguments_in_body().then_some(MAX_TOOL_BODY_BYTES);
    let content = rule.binds_content().then_some(content_limit);
    [form, arguments, content].into_iter().flatten().min()
}

/// Why a body could not be read, and so not be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    TooSlow,
    Broken,
}

impl BodyError {
    pub(crate) const fn problem(self) -> Problem {
        let (status, reason, detail) = match self {
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the body is longer than accepted here")
            }
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "body_too_slow", "the body did not arrive in time"),
            Self::Broken => (StatusCode::BAD_REQUEST, "body_unreadable", "the body could not be read"),
        };
        Problem { status, error: Some("invalid_request"), reason, detail }
    }
}

/// Reads a body of at most `limit` bytes whole. A length announced over the limit is refused unread.
pub(crate) async fn read_body<B>(body: B, limit: usize) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<axum::BoxError>,
{
    if usize::try_from(body.size_hint().lower()).map_or(true, |length| length > limit) {
        return Err(BodyError::TooLarge);
    }
    let read = tokio::time::timeout(BODY_DEADLINE, Limited::new(body, limit).collect()).await;
    match read.map_err(|_| BodyError::TooSlow)? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(BodyError::TooLarge),
        Err(_) => Err(BodyError::Broken),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // constants of the test

    use handfast_delegation::Scope;
    use handfast_verifier::tools::ToolRoute;
    use http::header::CONTENT_TYPE;

    use super::*;

    #[tokio::test]
    async fn the_limit_holds_at_its_edge_announced_or_not() {
        const LIMIT: usize = 1000;
        for (length, expected) in [(LIMIT, Ok(LIMIT)), (LIMIT + 1, Err(BodyError::TooLarge))] {
            let bytes = Bytes::from(vec![b'a'; length]);
            let announced = read_body(http_body_util::Full::new(bytes.clone()), LIMIT).await;
            assert_eq!(announced.map(|bytes| bytes.len()), expected);
            let unannounced = Unannounced(Some(bytes));
            assert_eq!(read_body(unannounced, LIMIT).await.map(|bytes| bytes.len()), expected);
        }
    }

    #[test]
    fn a_body_is_looked_at_where_something_asks_for_it() {
        let rule = || RouteRule::agents(Scope::default());
        let (mcp, bound) = (rule().tool(ToolRoute::mcp()).unwrap(), rule().bind_content());
        let path_only = rule().tool(ToolRoute::named("t").path("/{a}")).unwrap();
        for (form, rule, expected) in [
            (false, rule(), None),
            (false, path_only, None),
            (true, rule(), Some(MAX_FORM_BYTES)),
            (false, mcp.clone(), Some(MAX_TOOL_BODY_BYTES)),
            (false, bound.clone(), Some(1 << 20)),
            (true, bound, Some(MAX_FORM_BYTES)),
            (false, mcp.bind_content(), Some(MAX_TOOL_BODY_BYTES)),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(
                CONTENT_TYPE,
                if form { "application/x-www-form-urlencoded" } else { "text/plain" }.parse().unwrap(),
            );
            assert_eq!(body_limit(&headers, &rule, 1 << 20), expected, "{form} {rule:?}");
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
