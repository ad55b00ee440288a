//! The events of a streamed answer, none longer than allowed.

use std::fmt;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use reqwest::Response;
use rmcp::transport::streamable_http_client::SseError;
use sse_stream::{Sse, SseStream};

/// The events of `answer`. One of more than `limit` bytes ends the stream with an error.
pub(super) fn of(answer: Response, limit: usize) -> BoxStream<'static, Result<Sse, SseError>> {
    let parts = stream::unfold(Some((answer, Measure::new(limit))), move |state| async move {
        let (mut answer, mut measure) = state?;
        match answer.chunk().await {
            Ok(Some(part)) if measure.admits(&part) => Some((Ok(part), Some((answer, measure)))),
            Ok(Some(_)) => Some((Err(StreamError::TooLong(limit)), None)),
            Ok(None) => None,
            Err(error) => Some((Err(StreamError::Broken(error)), None)),
        }
    });
    events(parts)
}

fn events<S>(parts: S) -> BoxStream<'static, Result<Sse, SseError>>
where
    S: stream::Stream<Item = Result<Bytes, StreamError>> + Send + 'static,
{
    SseStream::from_bytes_stream(parts).boxed()
}

#[derive(Debug)]
enum StreamError {
    TooLong(usize),
    Broken(reqwest::Error),
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(limit) => write!(f, "an event is longer than {limit} bytes"),
            Self::Broken(error) => write!(f, "the stream broke: {error}"),
        }
    }
}

impl std::error::Error for StreamError {}

/// How long the present event is so far. An empty line ends one; a comment before that counts with it.
struct Measure {
    limit: usize,
    length: usize,
    line_is_empty: bool,
}

impl Measure {
    const fn new(limit: usize) -> Self {
        Self { limit, length: 0, line_is_empty: true }
    }

    fn admits(&mut self, part: &[u8]) -> bool {
        part.iter().all(|byte| {
            match byte {
                b'\n' if self.line_is_empty => self.length = 0,
                // in `\r\n` it is a part of the line's end; alone it would end a line, which then counts as a longer one
                b'\r' => {}
                other => {
                    self.line_is_empty = *other == b'\n';
                    self.length = self.length.saturating_add(1);
                }
            }
            self.length <= self.limit
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(limit: usize, parts: &[&str], expected: bool) {
        let mut measure = Measure::new(limit);
        assert_eq!(parts.iter().all(|part| measure.admits(part.as_bytes())), expected, "{limit} {parts:?}");
    }

    #[test]
    fn an_event_is_measured_from_one_empty_line_to_the_next() {
        check(9, &["data: ab\n", "\n"], true);
        check(8, &["data: ab\n", "\n"], false);
        check(12, &["data: ab\n\n", "data: cd\n\n", "data: ef\n\n"], true);
        check(12, &["data: ab\r\n\r\n", "data: cd\r\n\r\n"], true);
        check(12, &["data: ab\n", "data: cd\n\n"], false);
        check(12, &["data: aaaaaaaaaaaa"], false);
        check(12, &[": ping\n\n", ": ping\n\n", ": ping\n\n"], true);
    }

    #[tokio::test]
    async fn a_stream_that_breaks_says_so_and_ends() {
        let parts = [Ok(Bytes::from_static(b"data: one\n\n")), Err(StreamError::TooLong(7))];
        let mut found = events(stream::iter(parts));
        assert_eq!(found.next().await.and_then(Result::ok).and_then(|event| event.data).as_deref(), Some("one"));
        assert!(found.next().await.is_some_and(|event| event.is_err_and(|e| e.to_string().contains("7 bytes"))));
    }
}
