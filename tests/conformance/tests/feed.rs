//! Revocation names, feed heads and runs of feed messages (spec/revocation-feed.md).
#![allow(clippy::unwrap_used, reason = "a table of another shape should stop the test")]

#[path = "feed/status_list.rs"]
mod status_list;

use handfast_conformance::make::tables::revocation::{KeyStep, KeyVerdict, Revocations, Verdict};
use handfast_conformance::vector::read_table;
use handfast_identity::{DidKey, UnixTime, base64url, json};
use handfast_verifier::revocation::{
    FeedError, FeedEvent, FeedKeyError, FeedKeys, FeedState, Head, RevocationKind, RevocationName,
    UnverifiedFeedMessage,
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
    for run in &table.runs {
        let (mut state, keys) = (None, pinned(&table));
        for (place, (text, expected)) in run.messages.iter().enumerate() {
            let before = state.as_ref().map(position);
            let verdict = apply(&mut state, text, &keys, &table.heads.issuer, run.now);
            assert_eq!(verdict, *expected, "{}, message {place}", run.about);
            if verdict != Verdict::Applied {
                assert_eq!(state.as_ref().map(position), before, "{}: a refused message changes nothing", run.about);
            }
        }
    }
}

#[test]
fn only_the_recovery_key_replaces_the_feed_key() {
    let table = table();
    let issuer = &table.heads.issuer;
    for run in &table.key_runs {
        let (mut state, mut keys) = (None, pinned(&table));
        for (place, step) in run.steps.iter().enumerate() {
            let told = format!("{}, step {place}", run.about);
            match step {
                KeyStep::Message(text, expected) => {
                    assert_eq!(apply(&mut state, text, &keys, issuer, run.now), *expected, "{told}");
                }
                KeyStep::Statement(text, expected) => {
                    let before = (keys.current().clone(), keys.statement().map(str::to_owned));
                    let verdict = take(&mut state, &mut keys, text, run.now);
                    assert_eq!(verdict, *expected, "{told}");
                    if verdict != KeyVerdict::Taken {
                        assert_eq!((keys.current().clone(), keys.statement().map(str::to_owned)), before, "{told}");
                    }
                    // a restart changes nothing about it
                    if let Some(kept) = keys.statement() {
                        assert_eq!(pinned(&table).resume(kept).unwrap().current(), keys.current(), "{told}");
                    }
                }
            }
        }
    }
}

fn pinned(table: &Revocations) -> FeedKeys {
    let did = |text: &str| DidKey::parse(text).unwrap();
    FeedKeys::pinned(&table.heads.issuer, did(&table.feed_key), Some(did(&table.recovery_key)))
}

fn take(state: &mut Option<FeedState>, keys: &mut FeedKeys, text: &str, now: u64) -> KeyVerdict {
    match keys.take(text, UnixTime::from_secs(now)) {
        Ok(true) => {
            if let (Some(state), Some((seq, epoch))) = (state, keys.replacement()) {
                state.replace_key(seq, epoch);
            }
            KeyVerdict::Taken
        }
        Ok(false) => KeyVerdict::Known,
        Err(FeedKeyError::Malformed) => KeyVerdict::Malformed,
        Err(FeedKeyError::Issuer) => KeyVerdict::Issuer,
        Err(FeedKeyError::Forged) => KeyVerdict::Forged,
        Err(FeedKeyError::FromTheFuture) => KeyVerdict::FromTheFuture,
        Err(FeedKeyError::Stale) => KeyVerdict::Stale,
        Err(FeedKeyError::OtherKey) => KeyVerdict::OtherKey,
    }
}

fn position(state: &FeedState) -> (u64, Head, UnixTime, usize) {
    (state.position().seq, state.position().head, state.as_of(), state.set().len())
}

fn apply(state: &mut Option<FeedState>, text: &str, keys: &FeedKeys, issuer: &str, now: u64) -> Verdict {
    let now = UnixTime::from_secs(now);
    let Ok(message) = UnverifiedFeedMessage::parse(text) else { return Verdict::Malformed };
    let Ok(message) = keys.verify_message(message) else { return Verdict::Forged };
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
        Err(FeedError::Full) => unreachable!("no vector has a million names"),
    }
}
