//! What the registry notes about itself.

use handfast_identity::UnixTime;

use crate::change::Write;
use crate::event::OperatorFact;
use crate::{Change, Event, Expect, IssuerKeysRecord, Loaded};

/// Notes the keys that the registry signs with from now on; nothing where they are those it noted last. A key file that was replaced
/// counts from a start, so that the start is the act: its log says so before anything is signed.
#[must_use]
pub fn note_issuer_keys(
    before: Option<&Loaded<IssuerKeysRecord>>,
    keys: IssuerKeysRecord,
    now: UnixTime,
) -> Option<Change> {
    if before.is_some_and(|before| before.record == keys) {
        return None;
    }
    let fact = OperatorFact::IssuerKeys { token: keys.token.clone(), feed: keys.feed.clone() };
    let expect = before.map_or(Expect::Absent, |before| Expect::Version(before.version));
    Some(Change::new(vec![Write::put(expect, keys)], Event::by_operator(fact, None, now)))
}
