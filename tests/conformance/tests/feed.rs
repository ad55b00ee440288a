//! Revocation names, feed heads and runs of feed messages (spec/revocation-feed.md).
#![allow(clippy::unwrap_used, reason = "a table of another shape should stop the test")]

#[path = "feed/status_list.rs"]
mod status_list;

use handfast_conformance::make::tables::revocation::{Revocations, Run, Verdict};
use handfast_conformance::vector::read_table;
use handfast_identity::{DidKey, UnixTime, base64url, json};
use handfast_verifier::revocation::{
    FeedError, FeedEvent, FeedState, Head, RevocationKind, RevocationName, UnverifiedFeedMessage,
};

fn table() -> Revocations {
    read_table("revocation.json")
}

#[test]
fn names_are_hashes_of_issuer_kind_and_id() {
    for (issuer, kind, id, name) in table().names {
        let parsed: RevocationKind = serde_json::from_value(kind.as_str().into()).unwrap();
        assert_eq!(parsed.as_str(), kind);
        assert_eq!(RevocationName::of(&issuer, parsed, &id).to_string(), name, "{kind} {id}");
        assert_eq!(RevocationName::parse(&name), Ok(RevocationName::of(&issuer, parsed, &id)));
    }
}

#[test]
fn heads_follow_from_the_canonical_events() {
    let heads = table().heads;
    let mut head = Head::start(&heads.issuer, &heads.epoch);
    assert_eq!(base64url::encode(head.as_bytes()), heads.start);
    for (text, after) in heads.after {
        let event: FeedEvent = serde_json::from_str(&text).unwrap();
        assert_eq!(json::to_jcs(&event).unwrap(), text.as_bytes());
        head = head.after(&event).unwrap();
        assert_eq!(base64url::encode(head.as_bytes()), after, "{text}");
    }
}

#[test]
fn a_reader_takes_in_what_continues_and_nothing_else() {
    let table = table();
    let key = DidKey::parse(&table.feed_key).unwrap();
    for run in &table.runs {
        let mut state = None;
        for (place, (text, expected)) in run.messages.iter().enumerate() {
            let before = state.as_ref().map(position);
            let verdict = apply(&mut state, text, &key, &table.heads.issuer, run);
            assert_eq!(verdict, *expected, "{}, message {place}", run.about);
            if verdict != Verdict::Applied {
                assert_eq!(state.as_ref().map(position), before, "{}: a refused message changes nothing", run.about);
            }
        }
    }
}

fn position(state: &FeedState) -> (u64, Head, UnixTime, usize) {
    (state.position().seq, state.position().head, state.as_of(), state.set().len())
}

fn apply(state: &mut Option<FeedState>, text: &str, key: &DidKey, issuer: &str, run: &Run) -> Verdict {
    let now = UnixTime::from_secs(run.now);
    let Ok(message) = UnverifiedFeedMessage::parse(text) else { return Verdict::Malformed };
    let Ok(message) = message.verify(key) else { return Verdict::Forged };
    let applied = match state {
        Some(state) => state.apply(message, now),
        None => FeedState::start(issuer, message, now).map(|started| *state = Some(started)),
    };
    match applied {
        Ok(()) => Verdict::Applied,
        Err(FeedError::Issuer) => Verdict::Issuer,
        Err(FeedError::FromTheFuture) => Verdict::FromTheFuture,
        Err(FeedError::Inconsistent) => Verdict::Inconsistent,
        Err(FeedError::Gap) => Verdict::Gap,
        Err(FeedError::NotSnapshot) => Verdict::NotSnapshot,
        Err(FeedError::RolledBack) => Verdict::RolledBack,
    }
}
