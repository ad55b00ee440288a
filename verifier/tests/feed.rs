//! What a reader of a feed holds after each message. Which messages it refuses is a table of spec/vectors/revocation.json.
#![allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]

mod support;

use handfast_identity::UnixTime;
use handfast_verifier::revocation::{
    FeedBase, FeedError, FeedEvent, FeedMessage, FeedPosition, FeedState, Head, MAX_EPOCH_BYTES, MAX_FORMER_EPOCHS,
    RevocationKind, RevocationName, Revoked, UnverifiedFeedMessage, VerifiedFeedMessage,
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
        base: None,
        follows: Vec::new(),
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

/// A reader of four names at most, which knows the first two of `events`.
fn nearly_full(events: &[FeedEvent]) -> FeedState {
    FeedState::start_within(4, ISSUER, message(events.get(..2).unwrap(), 0, true, at(-5)), at(0)).unwrap()
}

#[test]
fn p18_more_names_than_there_is_room_for_are_not_taken_and_nothing_is_fresh_until_they_are() {
    let events = [event(1, "a"), event(2, "b"), event(3, "c"), event(4, "d"), event(5, "e")];
    let mut state = nearly_full(&events);
    state.apply(message(&events[..4], 2, false, at(-4)), at(0)).unwrap();
    // P-17: one more is a revocation that this reader does not know of
    assert_eq!(state.apply(message(&events, 4, false, at(-3)), at(0)), Err(FeedError::Full));
    assert_eq!((state.set().len(), state.position().seq, state.as_of()), (4, 4, UnixTime::EPOCH));
    assert!(["a", "b", "c", "d"].iter().all(|id| is_revoked(&state, id)) && !is_revoked(&state, "e"));
    // whichever way it comes
    assert_eq!(state.apply(message(&events, 0, true, at(-3)), at(0)), Err(FeedError::Full));
    let part = message(&events, 0, true, UnixTime::EPOCH);
    assert_eq!(state.apply(part, at(0)), Err(FeedError::Full));
    let follows = FeedPosition { epoch: "e1".to_owned(), seq: 4, head: head(&events[..4]) };
    let next = snapshot("e2", &[event(1, "e")], 0, &[follows]);
    assert_eq!(state.apply(signed(&next), at(0)), Err(FeedError::Full));
    assert_eq!((state.set().len(), state.position().epoch.as_str(), state.as_of()), (4, "e1", UnixTime::EPOCH));
    // nor at the beginning, with a memory or without
    let all = || message(&events, 0, true, at(-3));
    assert_eq!(FeedState::start_within(4, ISSUER, all(), at(0)).map(|_| ()), Err(FeedError::Full));
    let mut resumed = FeedState::resume(ISSUER, state.memory()).within(4);
    assert_eq!(resumed.apply(all(), at(0)), Err(FeedError::Full));
    assert!(resumed.set().is_empty());
    // the twin: there is room for one name more
    assert!(FeedState::start_within(5, ISSUER, all(), at(0)).is_ok());
    assert_eq!(FeedState::resume(ISSUER, state.memory()).within(5).apply(all(), at(0)), Ok(()));
}

#[test]
fn a_name_that_is_known_takes_no_more_room() {
    let events = [event(1, "a"), event(2, "b"), event(3, "c"), event(4, "d"), event(5, "a"), event(6, "d")];
    let mut state = nearly_full(&events);
    state.apply(message(&events, 2, false, at(-4)), at(0)).unwrap();
    assert_eq!((state.set().len(), state.as_of()), (4, at(-4)));
    // and a word that there is nothing new is as fresh as ever
    state.apply(message(&events, 6, false, at(-1)), at(0)).unwrap();
    assert_eq!(state.as_of(), at(-1));
}

#[test]
fn names_that_stop_nothing_any_more_make_room_and_no_others() {
    let act = |seq, id| FeedEvent { until: Some(at(100)), ..event(seq, id) };
    let events = [act(1, "a"), event(2, "b"), event(3, "c"), act(4, "d"), event(5, "e"), event(6, "f"), event(7, "g")];
    let mut state = nearly_full(&events);
    state.apply(message(&events[..4], 2, false, at(0)), at(0)).unwrap();
    let full = |state: &mut FeedState, to, time, now| {
        let applied = state.apply(message(events.get(..to).unwrap(), 4, false, at(time)), at(now));
        assert_eq!((applied, state.set().len()), (Err(FeedError::Full), 4), "{time} {now}");
    };
    // their last second, by the issuer's time and by ours
    full(&mut state, 6, 100, 101);
    full(&mut state, 6, 101, 100);
    state.apply(message(&events[..6], 4, false, at(101)), at(101)).unwrap();
    assert_eq!((state.set().len(), state.as_of(), state.position().seq), (4, at(101), 6));
    assert!(["b", "c", "e", "f"].iter().all(|id| is_revoked(&state, id)));
    assert_eq!(state.apply(message(&events, 6, false, at(9999)), at(9999)), Err(FeedError::Full));
    assert!(["b", "c", "e", "f"].iter().all(|id| is_revoked(&state, id)));
}

#[test]
fn an_old_heartbeat_takes_no_freshness_away_and_gives_none() {
    let events = [event(1, "a")];
    let mut state = FeedState::start(ISSUER, message(&events, 0, true, at(-5)), at(0)).unwrap();
    state.apply(message(&events, 1, false, at(-500)), at(0)).unwrap();
    assert_eq!(state.as_of(), at(-5));
}

#[test]
fn a_set_that_is_held_elsewhere_learns_too() {
    let events = [event(1, "a"), event(2, "b")];
    let mut state = FeedState::start(ISSUER, message(&events[..1], 0, true, at(-5)), at(0)).unwrap();
    let held = state.set().clone();
    state.apply(message(&events, 1, false, at(0)), at(0)).unwrap();
    assert_eq!((held.len(), state.set().len()), (2, 2));
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
        base: None,
        follows: Vec::new(),
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
        base: None,
        follows: Vec::new(),
        events: events.to_vec(),
    };
    let text = claimed.sign(&feed()).unwrap();
    let signed = UnverifiedFeedMessage::parse(&text).unwrap().verify(&did(&feed())).unwrap();
    assert_eq!(FeedState::start(ISSUER, signed, at(0)).map(|_| ()), Err(FeedError::Inconsistent));
}

/// A snapshot of `events`, of which those up to `base` are left out, in an epoch of its own that follows others.
fn snapshot(epoch: &str, events: &[FeedEvent], base: usize, follows: &[FeedPosition]) -> FeedMessage {
    let head = |count: usize| {
        events.iter().take(count).fold(Head::start(ISSUER, epoch), |head, event| head.after(event).unwrap())
    };
    FeedMessage {
        issuer: ISSUER.to_owned(),
        issued_at: at(0),
        epoch: epoch.to_owned(),
        from: 0,
        to: events.len() as u64,
        prev: None,
        head: head(events.len()),
        base: (base > 0).then(|| FeedBase { seq: base as u64, head: head(base) }),
        follows: follows.to_vec(),
        events: events.iter().skip(base).copied().collect(),
    }
}

fn signed(message: &FeedMessage) -> VerifiedFeedMessage {
    let text = message.sign(&feed()).unwrap();
    UnverifiedFeedMessage::parse(&text).unwrap().verify(&did(&feed())).unwrap()
}

#[test]
fn a_snapshot_shows_the_chain_from_its_base_on() {
    let events = [event(1, "a"), event(2, "b"), event(3, "c"), event(4, "d")];
    let other = [event(1, "a"), event(2, "x"), event(3, "c"), event(4, "d")];
    let sparse = snapshot("e1", &events, 2, &[]);
    let changed = |change: fn(&mut FeedMessage)| {
        let mut message = sparse.clone();
        change(&mut message);
        message
    };
    let cases = [
        ("as it is", sparse.clone(), Ok(())),
        ("another past", snapshot("e1", &other, 2, &[]), Err(FeedError::RolledBack)),
        (
            "an event behind the base left out",
            changed(|message| message.events.retain(|event| event.seq != 3)),
            Err(FeedError::Inconsistent),
        ),
        (
            "a base beyond its end",
            changed(|message| message.base.as_mut().unwrap().seq = 5),
            Err(FeedError::Inconsistent),
        ),
        (
            "a head that is not its events'",
            changed(|message| message.head = Head::start("x", "y")),
            Err(FeedError::Inconsistent),
        ),
    ];
    for (what, message, expected) in cases {
        let mut state = FeedState::start(ISSUER, signed(&snapshot("e1", &events[..3], 0, &[])), at(0)).unwrap();
        assert_eq!(state.apply(signed(&message), at(0)), expected, "{what}");
        assert!(is_revoked(&state, "a"), "{what}: what it leaves out is not taken away");
        assert_eq!(is_revoked(&state, "d"), expected.is_ok(), "{what}");
        let started = FeedState::start(ISSUER, signed(&message), at(0)).map(|_| ());
        let is_told = !matches!(expected, Err(FeedError::Inconsistent));
        assert_eq!(started.is_ok(), is_told, "{what}, to somebody who knows nothing");
    }
    // what only a snapshot can say
    let mut state = FeedState::start(ISSUER, signed(&snapshot("e1", &events, 0, &[])), at(0)).unwrap();
    let heartbeat = FeedMessage { from: 4, prev: Some(sparse.head), events: Vec::new(), ..sparse };
    assert_eq!(state.apply(signed(&heartbeat), at(0)), Err(FeedError::Inconsistent));
}

#[test]
fn th64_a_restart_forgets_no_roll_back() {
    let events = [event(1, "a"), event(2, "b"), event(3, "c")];
    let other = [event(1, "a"), event(2, "x"), event(3, "y")];
    let stood = || FeedState::start(ISSUER, signed(&snapshot("e1", &events[..2], 0, &[])), at(0)).unwrap().memory();
    let cases = [
        ("where it stood", snapshot("e1", &events[..2], 0, &[]), Ok(())),
        ("further", snapshot("e1", &events, 0, &[]), Ok(())),
        ("further, the past left out", snapshot("e1", &events, 2, &[]), Ok(())),
        ("behind", snapshot("e1", &events[..1], 0, &[]), Err(FeedError::RolledBack)),
        ("beside", snapshot("e1", &other[..2], 0, &[]), Err(FeedError::RolledBack)),
        ("beside and further", snapshot("e1", &other, 0, &[]), Err(FeedError::RolledBack)),
        ("beside and further, the past left out", snapshot("e1", &other, 2, &[]), Err(FeedError::RolledBack)),
        ("another epoch", snapshot("e2", &events, 0, &[]), Err(FeedError::RolledBack)),
    ];
    for (what, message, expected) in cases {
        let mut state = FeedState::resume(ISSUER, stood());
        assert_eq!(state.as_of(), UnixTime::EPOCH, "{what}: nothing is known yet");
        assert_eq!(state.apply(signed(&message), at(0)), expected, "{what}");
        assert_eq!(is_revoked(&state, "a"), expected.is_ok() && message.base.is_none(), "{what}");
    }
    // not even a good heartbeat says what is revoked
    let mut state = FeedState::resume(ISSUER, stood());
    assert_eq!(state.apply(message(&events, 2, false, at(0)), at(0)), Err(FeedError::NotSnapshot));
    assert_eq!(state.as_of(), UnixTime::EPOCH);
}

#[test]
fn p12_a_restored_backup_counts_from_the_operators_word_on() {
    let events = [event(1, "a"), event(2, "b"), event(3, "lost")];
    let vouched = |epoch: &str, count: usize| {
        let head = events.iter().take(count).fold(Head::start(ISSUER, epoch), |head, event| head.after(event).unwrap());
        FeedPosition { epoch: epoch.to_owned(), seq: count as u64, head }
    };
    let restored = [event(1, "a"), event(2, "b"), event(3, "new")];
    let reader = || FeedState::start(ISSUER, signed(&snapshot("e1", &events, 0, &[])), at(0)).unwrap();
    let follows = |former: &[FeedPosition]| signed(&snapshot("e2", &restored, 0, former));
    let fork = FeedPosition { head: Head::start("x", "y"), ..vouched("e1", 3) };
    let cases: [(&str, &[FeedPosition], Result<(), FeedError>); 6] = [
        ("vouched for up to before it was lost", &[vouched("e1", 2)], Ok(())),
        ("vouched for as it was", &[vouched("e1", 3)], Ok(())),
        ("two restores later", &[vouched("e1.5", 1), vouched("e1", 2)], Ok(())),
        ("nothing vouched for", &[], Err(FeedError::RolledBack)),
        ("something else vouched for", &[vouched("e0", 3)], Err(FeedError::RolledBack)),
        ("another story vouched for", &[fork], Err(FeedError::RolledBack)),
    ];
    for (what, former, expected) in cases {
        // noticed first, or not
        for was_noticed in [false, true] {
            let mut state = reader();
            if was_noticed {
                let behind = signed(&snapshot("e1", &events[..2], 0, &[]));
                assert_eq!(state.apply(behind, at(0)), Err(FeedError::RolledBack));
            }
            assert_eq!(state.apply(follows(former), at(0)), expected, "{what}, noticed: {was_noticed}");
            assert!(is_revoked(&state, "lost"), "{what}: what was revoked stays so");
            assert_eq!(is_revoked(&state, "new"), expected.is_ok(), "{what}");
            let epoch = if expected.is_ok() { "e2" } else { "e1" };
            assert_eq!(state.position().epoch, epoch, "{what}");
        }
    }
    // an increment does not say what it follows: the snapshot has to be asked for
    let mut state = reader();
    let next =
        FeedMessage { from: 3, prev: Some(head(&events)), events: Vec::new(), ..snapshot("e2", &events, 0, &[]) };
    assert_eq!(state.apply(signed(&next), at(0)), Err(FeedError::Gap));
}

/// A roll-back that was noticed outlives the process that noticed it; only a new epoch ends it.
#[test]
fn th64_a_restart_does_not_heal_a_roll_back() {
    let events = [event(1, "a"), event(2, "b"), event(3, "c")];
    let mut state = FeedState::start(ISSUER, signed(&snapshot("e1", &events[..2], 0, &[])), at(0)).unwrap();
    assert_eq!(state.apply(signed(&snapshot("e1", &events[..1], 0, &[])), at(0)), Err(FeedError::RolledBack));
    let memory = state.memory();
    assert_eq!((memory.position.seq, memory.is_rolled_back), (2, true));
    let mut again = FeedState::resume(ISSUER, memory);
    assert_eq!(again.apply(signed(&snapshot("e1", &events, 0, &[])), at(0)), Err(FeedError::RolledBack));
    let former = [again.position().clone()];
    again.apply(signed(&snapshot("e2", &events, 0, &former)), at(0)).unwrap();
    assert!(!again.memory().is_rolled_back);
}

/// A snapshot that is too long for one message comes in parts. That is no roll-back, and hides none.
#[test]
fn a_part_of_a_snapshot_says_nothing_of_how_far_the_feed_came() {
    let part = |events: &[FeedEvent]| FeedMessage { issued_at: UnixTime::EPOCH, ..snapshot("e1", events, 0, &[]) };
    let more = |events: &[FeedEvent], from: usize| {
        let (before, new) = events.split_at(from);
        let prev = Some(head(before));
        FeedMessage { from: from as u64, prev, events: new.to_vec(), ..snapshot("e1", events, 0, &[]) }
    };
    let events = [event(1, "a"), event(2, "b"), event(3, "c"), event(4, "d")];
    let other = [event(1, "a"), event(2, "b"), event(3, "x"), event(4, "y")];
    let known = || FeedState::start(ISSUER, signed(&snapshot("e1", &events[..3], 0, &[])), at(-9)).unwrap();

    // who knows names learns and stays where it was
    let mut state = known();
    state.apply(signed(&part(&events[..1])), at(0)).unwrap();
    assert_eq!((state.position().seq, state.as_of()), (3, snapshot("e1", &[], 0, &[]).issued_at));
    state.apply(signed(&more(&events, 3)), at(0)).unwrap();
    assert!(is_revoked(&state, "d"));

    // who knows none goes on from its end, through what it remembers
    let resumed = || {
        let mut state = FeedState::resume(ISSUER, known().memory());
        state.apply(signed(&part(&events[..1])), at(0)).unwrap();
        assert_eq!((state.position().seq, state.as_of()), (1, UnixTime::EPOCH), "nothing is fresh yet");
        assert_eq!(state.memory(), known().memory(), "the furthest is remembered meanwhile");
        state
    };
    let cases: [(&str, Vec<FeedMessage>, Result<(), FeedError>); 4] = [
        ("all at once", vec![more(&events, 1)], Ok(())),
        (
            "bit by bit",
            vec![FeedMessage { issued_at: UnixTime::EPOCH, ..more(&events[..2], 1) }, more(&events, 2)],
            Ok(()),
        ),
        ("another story", vec![more(&other, 1)], Err(FeedError::RolledBack)),
        ("said to end before it", vec![more(&events[..2], 1)], Err(FeedError::RolledBack)),
    ];
    for (what, messages, expected) in cases {
        let mut state = resumed();
        let applied = messages.iter().try_for_each(|message| state.apply(signed(message), at(0)));
        assert_eq!((applied, state.memory().is_rolled_back), (expected, expected.is_err()), "{what}");
        assert_eq!(is_revoked(&state, "d"), expected.is_ok(), "{what}");
    }
}

/// A restored registry lets an agent go on that it knows as suspended, and revoked after its memory ends.
#[test]
fn p12_a_new_epoch_brings_nobody_back_that_a_reader_knows_as_stopped() {
    let agent = |seq, cut: Option<i64>| FeedEvent { cut: cut.map(at), ..event(seq, "a") };
    let (suspended, resumed) = (agent(1, None), agent(2, Some(-3)));
    let vouched =
        |events: &[FeedEvent]| FeedPosition { epoch: "e1".to_owned(), seq: events.len() as u64, head: head(events) };
    let again = |seq| agent(seq, Some(-2));
    type Events<'a> = &'a [FeedEvent];
    let cases: [(&str, Events<'_>, Events<'_>, Events<'_>, bool); 5] = [
        (
            "revoked beyond it",
            &[suspended, resumed, agent(3, None)],
            &[suspended, resumed],
            &[suspended, resumed],
            true,
        ),
        (
            "suspended, then revoked beyond it",
            &[suspended, event(2, "b"), agent(3, None)],
            &[suspended],
            &[suspended, again(2)],
            true,
        ),
        ("resumed before the reader heard of it", &[suspended], &[suspended], &[suspended, again(2)], true),
        ("nothing forgotten, and still suspended", &[suspended], &[suspended], &[suspended], true),
        ("resumed before, which stays so", &[suspended, resumed], &[suspended, resumed], &[suspended, resumed], false),
    ];
    for (what, told, kept, now, expected) in cases {
        let mut state = FeedState::start(ISSUER, signed(&snapshot("e1", told, 0, &[])), at(0)).unwrap();
        state.apply(signed(&snapshot("e2", now, 0, &[vouched(kept)])), at(0)).unwrap();
        assert_eq!(is_revoked(&state, "a"), expected, "{what}");
    }
    // known to both as suspended: it goes on once that is over
    let mut state = FeedState::start(ISSUER, signed(&snapshot("e1", &[suspended], 0, &[])), at(0)).unwrap();
    let follows = [vouched(&[suspended])];
    for (now, expected) in [(&[suspended][..], true), (&[suspended, again(2)], false)] {
        state.apply(signed(&snapshot("e2", now, 0, &follows)), at(0)).unwrap();
        assert_eq!(is_revoked(&state, "a"), expected, "{now:?}");
    }
}

#[test]
fn what_has_expired_is_forgotten_and_does_not_come_back() {
    let ended = FeedEvent { until: Some(at(10)), ..event(1, "a") };
    let events = [ended, event(2, "b")];
    let mut state = FeedState::start(ISSUER, signed(&snapshot("e1", &events, 0, &[])), at(0)).unwrap();
    state.forget(at(10));
    assert_eq!((is_revoked(&state, "a"), state.set().len()), (true, 2), "its last second");
    state.forget(at(11));
    assert_eq!((is_revoked(&state, "a"), state.set().len()), (false, 1));
    assert_eq!(state.position().head, snapshot("e1", &events, 0, &[]).head, "the chain goes on from where it was");
    state.apply(signed(&snapshot("e1", &events, 1, &[])), at(11)).unwrap();
    assert_eq!(state.set().len(), 1);
}

/// An epoch that the recovery key named is vouched for once: after that it is an epoch like any other, over a restart too.
#[test]
fn p12_the_epoch_of_a_new_feed_key_is_awaited_once() {
    let events = [event(1, "a"), event(2, "b")];
    let vouched = |epoch: &str, events: &[FeedEvent]| {
        let snapshot = snapshot(epoch, events, 0, &[]);
        FeedPosition { epoch: epoch.to_owned(), seq: snapshot.to, head: snapshot.head }
    };
    let second = || signed(&snapshot("e2", &events[..1], 0, &[]));
    let started = || FeedState::start(ISSUER, signed(&snapshot("e1", &events, 0, &[])), at(0)).unwrap();
    let mut state = started();
    state.replace_key(1, "e2");
    assert_eq!(state.memory().key_seq, 0, "until it is there");
    // a restart before it is there changes nothing
    state = FeedState::resume(ISSUER, state.memory());
    state.replace_key(1, "e2");
    assert_eq!(state.apply(signed(&snapshot("e1", &events, 0, &[])), at(0)), Err(FeedError::RolledBack));
    assert_eq!(state.apply(second(), at(0)), Ok(()));
    assert_eq!(state.memory().key_seq, 1);
    let follows = [vouched("e2", &events[..1]), vouched("e1", &events)];
    state.apply(signed(&snapshot("e3", &events, 0, &follows)), at(0)).unwrap();
    for restarts in [false, true] {
        if restarts {
            state = FeedState::resume(ISSUER, state.memory());
        }
        state.replace_key(1, "e2");
        assert_eq!(state.apply(second(), at(0)), Err(FeedError::RolledBack), "restarts: {restarts}");
    }
    // who is in the epoch already awaits none, and one that began with the new key neither
    let mut there = started();
    there.replace_key(1, "e1");
    assert_eq!((there.apply(message(&events, 2, false, at(0)), at(0)), there.memory().key_seq), (Ok(()), 1));
    let mut new = started().under_key(1);
    new.replace_key(1, "e2");
    assert_eq!(new.apply(message(&events, 2, false, at(0)), at(0)), Ok(()));
}

#[test]
fn a_past_longer_than_any_is_none() {
    let past = |count: usize| {
        let former = FeedPosition { epoch: "e0".to_owned(), seq: 0, head: Head::start(ISSUER, "e0") };
        FeedState::start(ISSUER, signed(&snapshot("e1", &[], 0, &vec![former; count])), at(0)).map(|_| ())
    };
    assert_eq!(past(MAX_FORMER_EPOCHS), Ok(()));
    assert_eq!(past(MAX_FORMER_EPOCHS + 1), Err(FeedError::Inconsistent));
    let long = FeedPosition { epoch: "e".repeat(MAX_EPOCH_BYTES + 1), seq: 0, head: Head::start(ISSUER, "e0") };
    let started = FeedState::start(ISSUER, signed(&snapshot("e1", &[], 0, &[long])), at(0)).map(|_| ());
    assert_eq!(started, Err(FeedError::Inconsistent));
}
