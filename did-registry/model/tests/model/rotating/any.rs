//! Any sequence of rotations, recoveries, compromised keys and the rest of a life, against a reference of a few lines.

use proptest::prelude::*;

use super::*;
use crate::life_support::is_stopped;

const OWN: &str = "owner:self";

#[derive(Clone, Debug)]
enum Action {
    Rotate,
    /// By a former key, whichever it is.
    Steal(u8),
    /// After so many good keys, as far as there are so many.
    Recover(u8),
    Compromise(u8),
    Suspend,
    Resume,
    Lower,
    Token,
    Pass(u64),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => Just(Action::Rotate),
        1 => any::<u8>().prop_map(Action::Steal),
        3 => any::<u8>().prop_map(Action::Recover),
        1 => any::<u8>().prop_map(Action::Compromise),
        1 => Just(Action::Suspend),
        2 => Just(Action::Resume),
        1 => Just(Action::Lower),
        6 => Just(Action::Token),
        6 => prop_oneof![Just(1_u64), Just(6), Just(61)].prop_map(Action::Pass),
    ]
}

/// What must be so. Keys are called by their numbers, which are their seeds as well.
struct Reference {
    keys: u8,
    compromised: Vec<u8>,
    voided: Vec<u8>,
    is_suspended: bool,
    is_lowered: bool,
    /// When the last key took another's place.
    rotated_at: Option<u64>,
    /// What was issued up to then is dead, and nothing is issued.
    cut: Option<u64>,
    /// Each with its key, when it was issued, and whether it lives, apart from a suspension.
    tokens: Vec<(u8, u64, bool)>,
}

impl Reference {
    fn can_act(&self) -> bool {
        !self.is_suspended && !self.compromised.contains(&self.keys)
    }

    fn cut_all(&mut self, at: u64) {
        self.cut = self.cut.max(Some(at));
        self.tokens.iter_mut().for_each(|(.., lives)| *lives = false);
    }

    fn compromise(&mut self, numbers: impl Iterator<Item = u8>) {
        self.compromised.extend(numbers);
        let stopped = &self.compromised;
        self.tokens.iter_mut().for_each(|(key, _, lives)| *lives &= !stopped.contains(key));
    }
}

fn follow(actions: &[Action]) {
    let mut scene = Scene::new();
    let owner = scene.owner.clone();
    let mut known = Reference {
        keys: 1,
        compromised: Vec::new(),
        voided: Vec::new(),
        is_suspended: false,
        is_lowered: false,
        rotated_at: None,
        cut: None,
        tokens: Vec::new(),
    };
    for action in actions {
        let now = scene.world.now.as_secs();
        let next = known.keys + 1;
        match action {
            Action::Rotate => {
                let waits = known.rotated_at.is_some_and(|at| now < at + ROTATION_PAUSE.get());
                let result = scene.rotate(known.keys, next).map(|_| ());
                assert_eq!(result.is_ok(), known.can_act() && !waits, "{action:?}: {result:?}");
                if result.is_ok() {
                    (known.keys, known.rotated_at) = (next, Some(now));
                }
            }
            Action::Steal(place) => {
                let thief = place % known.keys + 1;
                if thief < known.keys {
                    let before = scene.world.snapshot();
                    // as if nothing had followed it
                    let place = scene.behind(thief.into());
                    let statement = scene.signed(&place, KeyChangeKind::Rotation, thief, next);
                    assert!(scene.decide(&statement).is_err(), "{action:?}");
                    assert_eq!(scene.world.snapshot(), before, "a refusal writes nothing");
                }
            }
            Action::Recover(place) => {
                let last_good = place % (known.keys + 1);
                let is_good =
                    last_good == 0 || !(known.compromised.contains(&last_good) || known.voided.contains(&last_good));
                let result = scene.recover(last_good.into(), next).map(|_| ());
                assert_eq!(result.is_ok(), is_good, "{action:?} behind {last_good}: {result:?}");
                if result.is_ok() {
                    known.voided.extend(last_good + 1..next);
                    known.compromise(last_good + 1..next);
                    (known.keys, known.rotated_at) = (next, Some(now));
                }
            }
            Action::Compromise(place) => {
                let number = place % known.keys + 1;
                scene.revoke_key(number).unwrap();
                known.compromise([number].into_iter());
            }
            Action::Suspend => {
                scene.world.suspend(&owner, OWN, &scene.current()).unwrap();
                known.is_suspended = true;
            }
            Action::Resume => {
                scene.world.resume(&owner, OWN, &scene.current()).unwrap();
                if core::mem::take(&mut known.is_suspended) {
                    known.cut_all(now);
                }
            }
            Action::Lower => {
                scene.world.set_ceiling(&owner, &scene.current(), &ceiling("", &[ECHO])).unwrap();
                if !core::mem::replace(&mut known.is_lowered, true) {
                    known.cut_all(now + 5);
                }
            }
            Action::Token => {
                for seed in 1..=known.keys {
                    let result = scene.token(seed).map(|_| ());
                    let is_past_cut = known.cut.is_none_or(|cut| now > cut);
                    let allowed = seed == known.keys && known.can_act() && is_past_cut;
                    assert_eq!(result.is_ok(), allowed, "{action:?} of key {seed}: {result:?}");
                    if allowed {
                        known.tokens.push((seed, now, true));
                    }
                }
            }
            Action::Pass(seconds) => scene.world.pass(*seconds),
        }
        check(&scene, &known);
    }
}

fn check(scene: &Scene, known: &Reference) {
    let feed = &scene.world.feed;
    let is_compromised = |seed: u8| feed.contains(&compromised(seed));
    for (key, issued, lives) in &known.tokens {
        let stopped = is_stopped(feed, FeedKind::Agent, did(*key).as_str(), *issued) || is_compromised(*key);
        assert_eq!(!stopped, *lives && !known.is_suspended, "a token of key {key}, issued at {issued}");
    }
    for seed in 1..=known.keys {
        assert_eq!(is_compromised(seed), known.compromised.contains(&seed), "key {seed}");
    }
    let agent = scene.agent().record;
    assert_eq!((agent.key_number(), agent.did().clone()), (known.keys.into(), did(known.keys)));
    assert_eq!((agent.handle().to_string(), agent.status()), (scene.handle.clone(), Status::Claimed));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_keys_follows_the_reference(actions in prop::collection::vec(action(), 1..50)) {
        follow(&actions);
    }
}
