//! Reading a stream of events (`text/event-stream`), as much of it as a feed uses: the data of each event.

use bytes::{Buf as _, BytesMut};
use handfast_verifier::revocation::MAX_FEED_BYTES;

/// What an event may hold besides its message: field names and a number.
const EVENT_OVERHEAD_BYTES: usize = 1024;

/// Events as they come in, in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Events {
    buffer: BytesMut,
    /// Up to here no line ends.
    searched: usize,
    data: String,
}

/// The stream holds what is no event of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotEvents;

impl Events {
    /// Takes in what arrived.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The data of the next event that is complete; `None` if more has to arrive.
    ///
    /// # Errors
    ///
    /// [`NotEvents`] for text that is not UTF-8, or an event longer than any feed message.
    pub(super) fn next(&mut self) -> Result<Option<String>, NotEvents> {
        while let Some(line) = self.line()? {
            if line.is_empty() {
                // an event without data is a comment, which keeps the connection alive
                if !self.data.is_empty() {
                    return Ok(Some(core::mem::take(&mut self.data)));
                }
            } else if let Some(data) = line.strip_prefix("data:") {
                self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
            }
            if self.data.len() > MAX_FEED_BYTES {
                return Err(NotEvents);
            }
        }
        Ok(None)
    }

    fn line(&mut self) -> Result<Option<String>, NotEvents> {
        let unread = self.buffer.get(self.searched..).unwrap_or_default();
        let Some(end) = unread.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.buffer.len();
            return if self.searched > MAX_FEED_BYTES + EVENT_OVERHEAD_BYTES { Err(NotEvents) } else { Ok(None) };
        };
        let line = self.buffer.split_to(self.searched + end);
        self.buffer.advance(1);
        self.searched = 0;
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        core::str::from_utf8(line).map(|line| Some(line.to_owned())).map_err(|_| NotEvents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &[u8], expected: Result<&[&str], NotEvents>) {
        for piece in [1, 2, 3, text.len().max(1)] {
            let mut events = Events::default();
            let mut found = Vec::new();
            let mut read = || {
                for bytes in text.chunks(piece) {
                    events.extend(bytes);
                    while let Some(data) = events.next()? {
                        found.push(data);
                    }
                }
                Ok(())
            };
            let read = read().map(|()| found.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(read, expected.map(<[&str]>::to_vec), "{:?} by {piece}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn events_are_found_however_they_arrive() {
        check(b"", Ok(&[]));
        check(b"id: 4\ndata: a.b.c\n\n", Ok(&["a.b.c"]));
        check(b"data:a.b.c\r\nid:4\r\n\r\n", Ok(&["a.b.c"]));
        check(b": hello\n\ndata: a\n\nid: 5\n\ndata: b\n\n", Ok(&["a", "b"]));
        check(b"data: a\ndata: b\n\n", Ok(&["ab"]));
        check(b"event: x\nretry: 5\nwhatever\ndata: a\n\n", Ok(&["a"]));
        // cut short: no event
        check(b"data: a\n\ndata: b\n", Ok(&["a"]));
        check(b"data: a", Ok(&[]));
        check(b"data: \xff\n\n", Err(NotEvents));
    }

    #[test]
    fn an_event_without_end_is_given_up() {
        let part = vec![b'a'; MAX_FEED_BYTES];
        let mut events = Events::default();
        events.extend(b"data: ");
        events.extend(&part);
        assert_eq!(events.next(), Ok(None), "as long as the longest message");
        events.extend(&part);
        assert_eq!(events.next(), Err(NotEvents));
        let mut events = Events::default();
        for _ in 0..2 {
            events.extend(b"data: ");
            events.extend(&part);
            events.extend(b"\n");
        }
        assert_eq!(events.next(), Err(NotEvents), "in several lines neither");
    }
}
