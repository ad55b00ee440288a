//! Keys and the rest of an agent's life: what stops the one, stops or outlives the other (spec/lifecycle.md).

use super::*;
use crate::life_support::is_stopped;

const HEIR: u8 = 101;

/// An agent with a second key, at a time when a third may follow.
fn rotated() -> Scene {
    let mut scene = Scene::new();
    scene.rotate(1, 2).unwrap();
    scene.world.pass(ROTATION_PAUSE.get());
    scene
}

/// Which of these keys' DIDs the feed stops, of what was issued now and a day later.
fn stopped(scene: &Scene, seeds: &[u8]) -> Vec<(bool, bool)> {
    let now = scene.world.now.as_secs();
    let is = |seed: u8, when| is_stopped(&scene.world.feed, FeedKind::Agent, did(seed).as_str(), when);
    seeds.iter().map(|seed| (is(*seed, now), is(*seed, now + 86_400))).collect()
}

/// The reason of a refusal.
fn reason<T>(answer: Result<T, Refusal>) -> Option<&'static str> {
    answer.err().map(|refusal| refusal.answer().reason)
}

#[test]
fn a_suspension_names_every_key_and_outlives_a_recovery() {
    let mut scene = rotated();
    let owner = scene.owner.clone();
    scene.world.suspend(&owner, "owner:self", &did(1)).unwrap();
    assert_eq!(stopped(&scene, &[1, 2]), [(true, true); 2]);
    let before = scene.world.snapshot();
    assert_eq!(reason(scene.rotate(2, 3)), Some("agent_suspended"));
    assert_eq!(scene.world.snapshot(), before, "a refusal writes nothing");
    scene.recover(2, 3).unwrap();
    assert_eq!(scene.world.state(&did(1)), "suspended");
    assert_eq!(stopped(&scene, &[1, 2, 3]), [(true, true); 3], "the key it got meanwhile too");
    assert_eq!(scene.token(3), Err(Refusal::InvalidGrant(GrantFault::AgentSuspended)));
    scene.world.resume(&owner, "owner:self", &did(1)).unwrap();
    assert_eq!(stopped(&scene, &[1, 2, 3]), [(true, false); 3]);
    scene.world.pass(1);
    assert!(scene.token(3).is_ok());
}

#[test]
fn a_retired_agent_has_no_other_key() {
    let mut scene = rotated();
    scene.world.retire(&scene.owner.clone(), "owner:self", &did(2)).unwrap();
    assert_eq!(stopped(&scene, &[1, 2]), [(true, true); 2]);
    assert_eq!(reason(scene.rotate(2, 3)), Some("agent_retired"));
    assert_eq!(reason(scene.recover(2, 3)), Some("agent_retired"));
}

#[test]
fn only_who_has_the_agent_now_recovers_it() {
    let mut scene = rotated();
    let (owner, heir) = (scene.owner.clone(), scene.world.owner(HEIR));
    scene.world.offer(&owner, &did(2), &heir).unwrap();
    scene.world.accept(&heir, &did(2)).unwrap();
    assert_eq!(stopped(&scene, &[1, 2]), [(true, false); 2], "the cut-off is that of every key");
    assert_eq!((scene.agent().record.key_number(), scene.keys().len()), (2, 2), "the history goes on");
    assert_eq!(scene.recover(2, 3), Err(Refusal::Forbidden), "whose it was");
    let statement = scene.signed(&scene.behind(2), KeyChangeKind::Recovery, HEIR, 3);
    let Ok(Recovery::Done { change, .. }) = scene.decide_recovery(&heir, &statement) else { panic!("refused") };
    scene.world.commit(&change).unwrap();
    assert_eq!(stopped(&scene, &[1, 2, 3]), [(true, false); 3], "and while it lies ahead that of the next one");
}

#[test]
fn a_cut_off_that_lies_ahead_holds_for_the_key_that_follows() {
    let mut scene = rotated();
    scene.world.set_ceiling(&scene.owner.clone(), &did(2), &ceiling("", &[ECHO])).unwrap();
    scene.rotate(2, 3).unwrap();
    assert_eq!(stopped(&scene, &[1, 2, 3]), [(true, false); 3]);
    // one that is past has nothing to stop
    scene.world.pass(ROTATION_PAUSE.get());
    scene.rotate(3, 4).unwrap();
    let named = |seed| scene.world.feed.iter().any(|entry| entry.id == did(seed).as_str());
    assert!(named(3) && !named(4));
}

#[test]
fn what_ends_or_hands_over_an_agent_forgets_the_rotation_that_waits() {
    type Step = fn(&mut Scene, &OwnerRecord);
    let steps: [(&str, Step, Option<&str>); 4] = [
        (
            "suspend",
            |scene, _| drop(scene.world.suspend(&scene.owner.clone(), "owner:self", &did(1))),
            Some("agent_suspended"),
        ),
        (
            "retire",
            |scene, _| drop(scene.world.retire(&scene.owner.clone(), "owner:self", &did(1))),
            Some("agent_retired"),
        ),
        (
            "revoke",
            |scene, _| drop(scene.world.revoke(&scene.owner.clone(), "owner:self", &did(1))),
            Some("agent_revoked"),
        ),
        (
            "accept",
            |scene, heir| {
                scene.world.offer(&scene.owner.clone(), &did(1), heir).unwrap();
                assert!(scene.pending().is_some(), "an offer changes nothing yet");
                scene.world.accept(heir, &did(1)).unwrap();
                scene.owner = heir.clone();
            },
            Some("unknown_rotation"),
        ),
    ];
    for (name, step, expected) in steps {
        let mut scene = Scene::where_rotations_wait(vec![Environment::Test]);
        let heir = scene.world.owner(HEIR);
        scene.rotate(1, 2).unwrap();
        step(&mut scene, &heir);
        assert_eq!(scene.pending(), None, "{name}");
        for approves in [true, false] {
            assert_eq!(reason(scene.answer(2, approves)), expected, "{name}");
        }
        if name == "suspend" {
            scene.world.resume(&scene.owner.clone(), "owner:self", &did(1)).unwrap();
            assert_eq!(scene.answer(2, true), Err(Refusal::UnknownRotation), "resuming does not bring it back");
        }
    }
}

#[test]
fn a_rotation_that_was_asked_for_at_the_same_moment_is_forgotten_too() {
    let mut scene = Scene::where_rotations_wait(vec![Environment::Test]);
    let own = scope("owner:self");
    let (owner, agent, now) = (scene.owner.clone(), scene.agent(), scene.world.now);
    // decided before the rotation is there, committed behind it
    let Ok(Outcome::Changed(change)) = suspend_agent(caller(&owner, &own), Some(&agent), None, None, now) else {
        panic!("refused")
    };
    scene.rotate(1, 2).unwrap();
    assert!(scene.world.commit(&change).is_err(), "it has to be decided again");
    scene.world.suspend(&owner, "owner:self", &did(1)).unwrap();
    assert_eq!(scene.pending(), None);
}
