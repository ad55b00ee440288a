//! What a reader of a feed holds after each message. Which messages it refuses is a table of spec/vectors/revocation.json.
#![allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]

mod support;

use handfast_identity::UnixTime;
use handfast_verifier::revocation::{
    FeedError, FeedEvent, FeedMessage, FeedState, Head, RevocationKind, RevocationName, Revoked, UnverifiedFeedMessage,
    VerifiedFeedMessage,
};
use support::*;

fn event(seq: u64, id: &str) -> FeedEvent {
    let name = RevocationName::of(ISSUER, RevocationKind::Agent, id);
    FeedEvent { seq, kind: RevocationKind::Agent, name, cut: None, until: None }
}

fn head(events: &[FeedEvent]) -> Head {
    events.iter().fold(Head::start(ISSUER, "e1"), |head, event| head.after(event).unwrap())
}

/// The message that brings a reader from `events[..from]` to all of them, signed at `time`.
fn message(events: &[FeedEvent], from: usize, is_snapshot: bool, time: UnixTime) -> VerifiedFeedMessage {
    let (before, new) = events.split_at(from);
    let message = FeedMessage {
        issuer: ISSUER.to_owned(),
        issued_at: time,
        epoch: "e1".to_owned(),
        from: from as u64,
        to: events.len() as u64,
        prev: (!is_snapshot).then(|| head(before)),
        head: head(events),
        events: new.to_vec(),
    };
    let text = message.sign(&feed()).unwrap();
    UnverifiedFeedMessage::parse(&text).unwrap().verify(&did(&feed())).unwrap()
}

fn is_revoked(state: &FeedState, id: &str) -> bool {
    let name = RevocationName::of(ISSUER, RevocationKind::Agent, id);
    state.set().covers(name, at(0)) == Some(Revoked::Entirely)
}

#[test]
fn a_reader_holds_what_it_was_told_and_since_when() {
    let events = [event(1, "a"), event(2, "b"), event(3, "c")];
    let mut state = FeedState::start(ISSUER, message(&events[..1], 0, true, at(-20)), at(0)).unwrap();
    assert_eq!((is_revoked(&state, "a"), is_revoked(&state, "b")), (true, false));
    assert_eq!((state.position().seq, state.as_of()), (1, at(-20)));

    state.apply(message(&events, 1, false, at(-10)), at(0)).unwrap();
    assert!(["a", "b", "c"].iter().all(|id| is_revoked(&state, id)));
    assert_eq!((state.position().seq, state.position().head, state.as_of()), (3, head(&events), at(-10)));

    state.apply(message(&events, 3, false, at(-1)), at(0)).unwrap();
    assert_eq!((state.position().seq, state.as_of(), state.set().len()), (3, at(-1), 3));
}

#[test]
fn an_old_heartbeat_takes_no_freshness_away_and_gives_none() {
    let events = [event(1, "a")];
    let mut state = FeedState::start(ISSUER, message(&events, 0, true, at(-5)), at(0)).unwrap();
    state.apply(message(&events, 1, false, at(-500)), at(0)).unwrap();
    assert_eq!(state.as_of(), at(-5));
}

#[test]
fn a_set_that_is_held_elsewhere_does_not_change_under_its_holder() {
    let events = [event(1, "a"), event(2, "b")];
    let mut state = FeedState::start(ISSUER, message(&events[..1], 0, true, at(-5)), at(0)).unwrap();
    let held = state.set().clone();
    state.apply(message(&events, 1, false, at(0)), at(0)).unwrap();
    assert_eq!((held.len(), state.set().len()), (1, 2));
}

#[test]
fn a_snapshot_that_left_events_out_only_adds() {
    let events = [event(1, "a"), event(2, "b")];
    let mut state = FeedState::start(ISSUER, message(&events, 0, true, at(-5)), at(0)).unwrap();
    // `a` is no longer kept
    let mut later = FeedMessage {
        issuer: ISSUER.to_owned(),
        issued_at: at(0),
        epoch: "e1".to_owned(),
        from: 0,
        to: 2,
        prev: None,
        head: head(&events),
        events: vec![event(2, "b")],
    };
    let signed = |message: &FeedMessage| {
        let text = message.sign(&feed()).unwrap();
        UnverifiedFeedMessage::parse(&text).unwrap().verify(&did(&feed())).unwrap()
    };
    state.apply(signed(&later), at(0)).unwrap();
    assert_eq!((is_revoked(&state, "a"), is_revoked(&state, "b")), (true, true));
    // without its link an increment must not pass for one
    later.from = 1;
    assert_eq!(state.apply(signed(&later), at(0)), Err(FeedError::Inconsistent));
    assert_eq!(state.set().len(), 2);
}

#[test]
fn a_whole_snapshot_has_to_pass_through_what_is_known() {
    let known = [event(1, "a"), event(2, "stolen")];
    let longer = [event(1, "a"), event(2, "stolen"), event(3, "y")];
    let mut state = FeedState::start(ISSUER, message(&known, 0, true, at(-5)), at(0)).unwrap();
    state.apply(message(&longer, 0, true, at(0)), at(0)).unwrap();
    assert_eq!((state.position().seq, is_revoked(&state, "stolen")), (3, true));

    // restored from a backup at 1, then gone past 2 by other events: the number is higher, the story is another
    let restored = [event(1, "a"), event(2, "x"), event(3, "y"), event(4, "z")];
    assert_eq!(state.apply(message(&restored, 0, true, at(0)), at(0)), Err(FeedError::RolledBack));
    assert!(is_revoked(&state, "stolen"));
}

#[test]
fn a_feed_that_was_rolled_back_does_not_heal_itself() {
    let known = [event(1, "a"), event(2, "b")];
    let mut state = FeedState::start(ISSUER, message(&known, 0, true, at(-5)), at(0)).unwrap();
    assert_eq!(state.apply(message(&known[..1], 0, true, at(0)), at(0)), Err(FeedError::RolledBack));
    // the true story again, and past it: no longer believed
    let longer = [event(1, "a"), event(2, "b"), event(3, "c")];
    for honest in
        [message(&known, 2, false, at(0)), message(&longer, 2, false, at(0)), message(&longer, 0, true, at(0))]
    {
        assert_eq!(state.apply(honest, at(0)), Err(FeedError::RolledBack));
    }
}

#[test]
fn a_snapshot_whose_chain_is_not_its_head_starts_nothing() {
    let events = [event(1, "a"), event(2, "b")];
    let claimed = FeedMessage {
        issuer: ISSUER.to_owned(),
        issued_at: at(0),
        epoch: "e1".to_owned(),
        from: 0,
        to: 2,
        prev: None,
        head: head(&events[..1]),
        events: events.to_vec(),
    };
    let text = claimed.sign(&feed()).unwrap();
    let signed = UnverifiedFeedMessage::parse(&text).unwrap().verify(&did(&feed())).unwrap();
    assert_eq!(FeedState::start(ISSUER, signed, at(0)).map(|_| ()), Err(FeedError::Inconsistent));
}
