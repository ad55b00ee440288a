//! One key after the other: rotation, the owner's answer, recovery, and keys that somebody else has.

mod any;
mod life;

use crate::support::*;
use handfast_delegation::Environment;
use handfast_identity::history::{KeyChangeKind, MAX_KEYS_PER_AGENT, Succession};
use handfast_identity::{ContentHash, DidKey};
use handfast_registry_model::limits::{
    ACCEPTANCE_LIFETIME, KEY_CUT_AHEAD, MAX_ROTATED_KEYS, ROTATION_APPROVAL_LIFETIME, ROTATION_PAUSE,
};
use handfast_registry_model::*;

const OWNER: u8 = 100;
const THIEF: u8 = 66;

fn did(seed: u8) -> DidKey {
    key(seed).public().did()
}

/// A world with an owner (seed 100) and their agent (seed 1) of `test`; what an agent of `prod` would be is up to policy.
struct Scene {
    world: World,
    owner: OwnerRecord,
    registration: ContentHash,
    id: AgentId,
    handle: String,
}

impl Scene {
    fn new() -> Self {
        Self::where_rotations_wait(vec![Environment::Prod])
    }

    fn where_rotations_wait(environments: Vec<Environment>) -> Self {
        let mut world = World::new(23);
        world.policy = policy().with_approved_rotations(environments);
        let statement = world.statement(&key(1));
        let registration = ContentHash::of(statement.sign(&key(1)).unwrap().as_bytes());
        let (agent, owner) = (world.agent(1), world.owner(OWNER));
        world.claim(&agent, &owner);
        let (id, handle) = (agent.agent.id().clone(), agent.agent.handle().to_string());
        Self { world, owner, registration, id, handle }
    }

    fn agent(&self) -> Loaded<AgentRecord> {
        let loaded: Loaded<AgentRecord> = self.world.load(&Slot::agent(&self.id)).unwrap();
        let keys: Vec<_> = self.keys().into_iter().map(|key| key.record).collect();
        Loaded { record: loaded.record.with_history(&keys), version: loaded.version }
    }

    fn keys(&self) -> Vec<Loaded<KeyRecord>> {
        (1..=MAX_KEYS_PER_AGENT).map_while(|number| self.world.load(&Slot::key_of(&self.id, number))).collect()
    }

    fn newest(&self) -> NewestKey {
        match self.keys().pop() {
            Some(last) => NewestKey::known(last),
            None => NewestKey::first(&self.agent().record, self.registration),
        }
    }

    fn pending(&self) -> Option<Loaded<PendingRotation>> {
        self.world.load(&Slot::rotation(&self.id))
    }

    fn place(&self) -> Succession {
        let (agent, newest) = (self.agent(), self.newest());
        Succession {
            audience: ISSUER.into(),
            issued_at: self.world.now,
            statement_id: "j".into(),
            predecessor: agent.record.did().clone(),
            after: agent.record.key_number(),
            previous: Some(*newest.record.hash()),
        }
    }

    fn read(&self, text: &str, kind: KeyChangeKind) -> Result<VerifiedKeyChange, Refusal> {
        VerifiedKeyChange::read(text, kind, &self.world.policy, self.world.now)
    }

    fn signed(&self, place: &Succession, kind: KeyChangeKind, signer: u8, new: u8) -> VerifiedKeyChange {
        let text = place.sign(kind, place.accept(&key(new)).unwrap(), &key(signer)).unwrap();
        self.read(&text, kind).unwrap()
    }

    fn decide(&self, statement: &VerifiedKeyChange) -> Result<Rotation, Refusal> {
        let (agent, newest, pending) = (self.agent(), self.newest(), self.pending());
        let did = self.world.did_slot(&statement.change().key);
        let case = RotationCase { agent: Some(&agent), newest: Some(&newest), pending: pending.as_ref(), did: &did };
        rotate(statement, case, &self.world.policy, self.world.now)
    }

    fn take(&mut self, decided: Rotation) -> Rotation {
        if let Rotation::Done { change, .. } | Rotation::Waits { change, .. } = &decided {
            self.world.commit(change).unwrap();
        }
        decided
    }

    /// A rotation by `old` to `new` that does everything right.
    fn rotate(&mut self, old: u8, new: u8) -> Result<Rotation, Refusal> {
        let statement = self.signed(&self.place(), KeyChangeKind::Rotation, old, new);
        let decided = self.decide(&statement)?;
        Ok(self.take(decided))
    }

    fn answer(&mut self, new: u8, approves: bool) -> Result<(), Refusal> {
        let own = scope("owner:self");
        let (agent, newest, pending, did) = (self.agent(), self.newest(), self.pending(), did(new));
        let slot = self.world.did_slot(&did);
        let case = RotationCase { agent: Some(&agent), newest: Some(&newest), pending: pending.as_ref(), did: &slot };
        let owner = self.owner.clone();
        let caller = caller(&owner, &own);
        if approves {
            let decided = approve_rotation(caller, case, &did, None, self.world.now)?;
            self.take(decided);
        } else {
            let change = refuse_rotation(caller, case, &did, None, self.world.now)?;
            self.world.commit(&change).unwrap();
        }
        Ok(())
    }

    /// A place behind the statement with number `last_good`.
    fn behind(&self, last_good: u16) -> Succession {
        let keys = self.keys();
        let newest = self.newest();
        let known = |number: u16| keys.iter().find(|key| key.record.number() == number).map(|key| &key.record);
        let key = known(last_good.max(1)).unwrap_or(&newest.record);
        let previous = (last_good > 0).then(|| *key.hash());
        Succession { predecessor: key.did().clone(), after: last_good, previous, ..self.place() }
    }

    fn decide_recovery(&self, owner: &OwnerRecord, statement: &VerifiedKeyChange) -> Result<Recovery, Refusal> {
        let own = scope("owner:self");
        let (agent, keys, pending) = (self.agent(), self.keys(), self.pending());
        let did = self.world.did_slot(&statement.change().key);
        let case = RecoveryCase {
            agent: Some(&agent),
            keys: &keys,
            registration: self.registration,
            pending: pending.as_ref(),
            did: &did,
        };
        recover(caller(owner, &own), statement, &case, None, self.world.now)
    }

    fn recover(&mut self, last_good: u16, new: u8) -> Result<Recovery, Refusal> {
        let statement = self.signed(&self.behind(last_good), KeyChangeKind::Recovery, OWNER, new);
        let decided = self.decide_recovery(&self.owner.clone(), &statement)?;
        if let Recovery::Done { change, .. } = &decided {
            self.world.commit(change).unwrap();
        }
        Ok(decided)
    }

    fn revoke_key(&mut self, seed: u8) -> Result<(bool, RevocationRecord), Refusal> {
        let own = scope("owner:self");
        let (agent, did) = (self.agent(), did(seed));
        let keys = self.keys();
        let before = self.world.load::<RevocationRecord>(&Slot::revocation(FeedKind::Key, did.as_str()));
        let case = KeyToStop {
            did: &did,
            agent: Some(&agent),
            key: keys.iter().find(|key| *key.record.did() == did),
            before: before.as_ref().map(|before| &before.record),
        };
        let owner = self.owner.clone();
        let stopped = revoke_key(caller(&owner, &own), case, None, self.world.now)?;
        Ok(self.world.stop(stopped))
    }

    fn token(&mut self, seed: u8) -> Result<TokenGrant, Refusal> {
        self.world.token(&key(seed), &[])
    }

    fn current(&self) -> DidKey {
        self.agent().record.did().clone()
    }
}

fn rotated_out(seed: u8, scene: &Scene) -> FeedEntry {
    let cut = Some(scene.world.now.saturating_add(KEY_CUT_AHEAD));
    FeedEntry { kind: FeedKind::Key, id: did(seed).thumbprint().to_string(), cut, until: None }
}

fn compromised(seed: u8) -> FeedEntry {
    FeedEntry { kind: FeedKind::Key, id: did(seed).thumbprint().to_string(), cut: None, until: None }
}

#[test]
fn a_rotation_changes_the_key_and_nothing_else() {
    let mut scene = Scene::new();
    let task = scene.token(1).unwrap().token().task.clone().unwrap();
    let before = scene.agent().record;
    scene.world.pass(10);
    assert!(matches!(scene.rotate(1, 2), Ok(Rotation::Done { .. })));
    let after = scene.agent().record;
    assert_eq!((after.did(), after.key_number(), after.id()), (&did(2), 2, before.id()));
    assert_eq!((after.handle(), after.owner(), after.ceiling()), (before.handle(), before.owner(), before.ceiling()));
    assert_eq!(after.did_history().unwrap().collect::<Vec<_>>(), [&did(2), &did(1)]);
    assert_eq!(scene.world.feed, [rotated_out(1, &scene)], "in the same commit");
    assert_eq!(scene.world.log.last().unwrap().0.kind(), "key_rotated");
    // the task goes on, under the new key alone
    let token = scene.token(2).unwrap();
    assert_eq!(token.token().task.as_ref().map(|task| &task.id), Some(&task.id));
    assert_eq!(
        (token.token().client_id.as_str(), token.token().confirmation),
        (did(2).as_str(), Some(did(2).thumbprint()))
    );
    assert_eq!(scene.token(1), Err(Refusal::InvalidClient));
    assert_eq!(scene.agent().record.handle().to_string(), scene.handle);
}

#[test]
fn th61_a_statement_follows_the_newest_one() {
    let mut scene = Scene::new();
    let first = scene.place();
    scene.rotate(1, 2).unwrap();
    scene.world.pass(ROTATION_PAUSE.get());
    let place = Succession { issued_at: scene.world.now, ..scene.place() };
    let stale = [
        // the former key's, with the number that was next then and with the one that is next now
        (Succession { issued_at: scene.world.now, ..first.clone() }, 1),
        (Succession { predecessor: did(1), ..place.clone() }, 1),
        // the current key's, with the number before, the one after, and behind another statement
        (Succession { after: 1, ..place.clone() }, 2),
        (Succession { after: 3, ..place.clone() }, 2),
        (Succession { previous: first.previous, ..place.clone() }, 2),
    ];
    for (place, signer) in stale {
        let statement = scene.signed(&place, KeyChangeKind::Rotation, signer, 3);
        assert_eq!(scene.decide(&statement), Err(Refusal::StaleSequence), "{place:?}");
    }
    assert_eq!(Refusal::StaleSequence.answer().status, 409);
    assert!(scene.decide(&scene.signed(&place, KeyChangeKind::Rotation, 2, 3)).is_ok());
}

#[test]
fn th62_only_a_key_of_the_agents_own_can_be_followed() {
    let mut scene = Scene::new();
    let other = scene.world.agent(7);
    scene.world.claim(&other, &scene.owner.clone());
    let place = Succession { predecessor: did(7), ..scene.place() };
    let before = scene.world.snapshot();
    for signer in [7, 9] {
        let place = Succession { predecessor: did(signer), ..place.clone() };
        let statement = scene.signed(&place, KeyChangeKind::Rotation, signer, 8);
        assert_eq!(scene.decide(&statement), Err(Refusal::Forbidden), "{signer}");
    }
    assert_eq!(Refusal::Forbidden.answer().status, 403);
    assert_eq!(scene.world.snapshot(), before);
}

#[test]
fn the_same_statement_again_changes_nothing() {
    let mut scene = Scene::new();
    let statement = scene.signed(&scene.place(), KeyChangeKind::Rotation, 1, 2);
    let decided = scene.decide(&statement).unwrap();
    scene.take(decided);
    assert_eq!(scene.decide(&statement), Ok(Rotation::DoneBefore));
}

#[test]
fn a_did_that_was_ever_somebodys_is_nobodys_next_key() {
    let mut scene = Scene::new();
    let other = scene.world.agent(7);
    scene.world.claim(&other, &scene.owner.clone());
    for taken in [7, OWNER] {
        assert_eq!(scene.rotate(1, taken).map(|_| ()), Err(Refusal::DidRegistered), "{taken}");
    }
    scene.rotate(1, 2).unwrap();
    scene.world.pass(ROTATION_PAUSE.get());
    assert_eq!(scene.rotate(2, 1).map(|_| ()), Err(Refusal::DidRegistered), "a key does not come back");
    let statement = scene.world.verified(&scene.world.statement(&key(1)), &key(1));
    let name = handle("another-name");
    assert_eq!(scene.world.register(&statement, &name).map(|_| ()), Err(Refusal::DidRegistered));
}

#[test]
fn who_has_no_owner_or_is_at_the_end_gets_no_other_key() {
    let mut world = World::new(5);
    let agent = world.agent(1);
    let id = agent.agent.id().clone();
    let mut scene = Scene::new();
    let statement = scene.signed(&scene.place(), KeyChangeKind::Rotation, 1, 2);
    let loaded: Loaded<AgentRecord> = world.load(&Slot::agent(&id)).unwrap();
    let newest = NewestKey::first(&loaded.record, scene.registration);
    let did_slot = DidSlot::default();
    let case = RotationCase { agent: Some(&loaded), newest: Some(&newest), pending: None, did: &did_slot };
    assert_eq!(rotate(&statement, case, &world.policy, world.now), Err(Refusal::NotClaimed));
    assert_eq!(
        rotate(&statement, RotationCase { agent: None, ..case }, &world.policy, world.now),
        Err(Refusal::UnknownAgent)
    );
    scene.world.revoke(&scene.owner.clone(), "owner:self", &did(1)).unwrap();
    assert_eq!(scene.decide(&statement), Err(Refusal::AgentRevoked));
    assert_eq!(scene.recover(1, 3), Err(Refusal::AgentRevoked));
    // records of another key, or a history cut short, are no ground for anything
    let mut scene = Scene::new();
    scene.rotate(1, 2).unwrap();
    scene.world.pass(ROTATION_PAUSE.get());
    let statement = scene.signed(&scene.place(), KeyChangeKind::Rotation, 2, 3);
    let (agent, newest) = (scene.agent(), scene.newest());
    let bare: Loaded<AgentRecord> = scene.world.load(&Slot::agent(&scene.id)).unwrap();
    let old = NewestKey::known(scene.keys().remove(0));
    let cases = [(&bare, &newest), (&agent, &old)];
    for (agent, newest) in cases {
        let case = RotationCase { agent: Some(agent), newest: Some(newest), pending: None, did: &did_slot };
        assert_eq!(rotate(&statement, case, &scene.world.policy, scene.world.now), Err(Refusal::StoreUnavailable));
    }
    assert!(bare.record.did_history().is_err() && agent.record.did_history().is_ok());
}

#[test]
fn statements_are_for_this_registry_now_and_of_the_kind_asked_for() {
    let scene = Scene::new();
    let place = scene.place();
    let text = |place: &Succession, kind| place.sign(kind, place.accept(&key(2)).unwrap(), &key(1)).unwrap();
    let good = text(&place, KeyChangeKind::Rotation);
    assert!(scene.read(&good, KeyChangeKind::Rotation).is_ok());
    assert_eq!(scene.read(&good, KeyChangeKind::Recovery).err(), Some(Refusal::InvalidRotation));
    let now = scene.world.now.as_secs();
    let at = |seconds| handfast_identity::UnixTime::from_secs(seconds);
    for (seconds, good) in [(now - 60, true), (now - 61, false), (now + 30, true), (now + 31, false)] {
        let text = text(&Succession { issued_at: at(seconds), ..place.clone() }, KeyChangeKind::Rotation);
        assert_eq!(scene.read(&text, KeyChangeKind::Rotation).is_ok(), good, "{seconds}");
    }
    let foreign =
        text(&Succession { audience: "https://other.example".into(), ..place.clone() }, KeyChangeKind::Rotation);
    assert_eq!(scene.read(&foreign, KeyChangeKind::Rotation).err(), Some(Refusal::InvalidRotation));
    // a recovery's new key may have signed a day before
    let owners = |accepted: u64| {
        let early = Succession { issued_at: at(accepted), ..place.clone() };
        let text = place.sign(KeyChangeKind::Recovery, early.accept(&key(2)).unwrap(), &key(OWNER)).unwrap();
        scene.read(&text, KeyChangeKind::Recovery).is_ok()
    };
    assert!(owners(now - ACCEPTANCE_LIFETIME.get()) && !owners(now - ACCEPTANCE_LIFETIME.get() - 1));
    // signed by one of two
    let by_one = place.sign(KeyChangeKind::Rotation, place.accept(&key(2)).unwrap(), &key(3)).unwrap();
    assert_eq!(scene.read(&by_one, KeyChangeKind::Rotation).err(), Some(Refusal::InvalidRotation));
    let (start, _) = good.rsplit_once('.').unwrap();
    let forged = format!("{start}.{}", by_one.rsplit_once('.').unwrap().1);
    assert_eq!(scene.read(&forged, KeyChangeKind::Rotation).err(), Some(Refusal::ProofRequired));
    assert_eq!(scene.read("a.b", KeyChangeKind::Rotation).err(), Some(Refusal::ProofRequired));
}

#[test]
fn p18_rotations_have_a_pause_and_an_end() {
    let mut scene = Scene::new();
    scene.rotate(1, 2).unwrap();
    scene.world.pass(ROTATION_PAUSE.get() - 1);
    let wait = handfast_identity::Seconds::new(1);
    assert_eq!(scene.rotate(2, 3).map(|_| ()), Err(Refusal::SlowDown { retry_after: wait }));
    scene.world.pass(1);
    scene.rotate(2, 3).unwrap();
    let seeds: Vec<u8> = (3..=u8::MAX).filter(|seed| ![OWNER, THIEF].contains(seed)).collect();
    for pair in seeds.windows(2) {
        scene.world.pass(ROTATION_PAUSE.get());
        let (old, new) = (pair[0], pair[1]);
        if scene.agent().record.key_number() < MAX_ROTATED_KEYS {
            scene.rotate(old, new).unwrap();
        } else {
            assert_eq!(scene.rotate(old, new).map(|_| ()), Err(Refusal::TooManyKeys));
            break;
        }
    }
    assert_eq!(scene.agent().record.key_number(), MAX_ROTATED_KEYS);
    // the owner still can, and takes back all of it in one commit
    let before = scene.world.feed.len();
    scene.recover(1, THIEF).unwrap();
    assert_eq!(scene.world.feed.len() - before, usize::from(MAX_ROTATED_KEYS) - 1);
    // and the end of an agent names every key it ever had
    let before = scene.world.feed.len();
    let (agent, own) = (scene.agent(), scope("owner:self"));
    let ended = revoke_agent(caller(&scene.owner, &own), Some(&agent), None, None, scene.world.now).unwrap();
    let Outcome::Changed(change) = ended else { panic!("it was CLAIMED") };
    scene.world.commit(&change).unwrap();
    let named: std::collections::BTreeSet<_> =
        scene.world.feed[before..].iter().map(|entry| (entry.kind.as_str(), entry.id.clone())).collect();
    let expected = scene.keys().iter().map(|key| ("agent", key.record.did().to_string())).collect();
    assert_eq!(named, expected);
}

#[test]
fn a_rotation_in_prod_waits_for_the_owner() {
    let mut scene = Scene::where_rotations_wait(vec![Environment::Test]);
    assert!(matches!(scene.rotate(1, 2), Ok(Rotation::Waits { .. })));
    assert_eq!(scene.world.log.last().unwrap().0.kind(), "rotation_requested");
    assert!(scene.world.feed.is_empty() && scene.current() == did(1));
    assert_eq!(scene.token(2).map(|_| ()), Err(Refusal::InvalidClient));
    assert!(scene.token(1).is_ok());
    // the same key again waits as before; another one takes its place, after a pause
    let requested = scene.pending().unwrap().record;
    scene.world.pass(1);
    assert_eq!(scene.rotate(1, 2), Ok(Rotation::WaitsBefore(requested)));
    assert!(matches!(scene.rotate(1, 3), Err(Refusal::SlowDown { .. })));
    scene.world.pass(ROTATION_PAUSE.get());
    assert!(matches!(scene.rotate(1, 3), Ok(Rotation::Waits { .. })));
    // what waits is approved, by its key
    assert_eq!(scene.answer(2, true), Err(Refusal::UnknownRotation));
    scene.answer(3, true).unwrap();
    assert_eq!((scene.current(), scene.pending()), (did(3), None));
    assert_eq!(scene.world.feed, [rotated_out(1, &scene)]);
    let before = scene.world.snapshot();
    scene.answer(3, true).unwrap();
    assert_eq!(scene.world.snapshot(), before, "again is no error");
}

#[test]
fn what_waits_can_be_refused_and_runs_out() {
    let mut scene = Scene::where_rotations_wait(vec![Environment::Test]);
    scene.rotate(1, 2).unwrap();
    scene.answer(2, false).unwrap();
    assert_eq!((scene.current(), scene.pending()), (did(1), None));
    assert_eq!(scene.world.log.last().unwrap().0.kind(), "rotation_refused");
    assert_eq!(scene.answer(2, true), Err(Refusal::UnknownRotation));
    scene.rotate(1, 2).unwrap();
    scene.world.pass(ROTATION_APPROVAL_LIFETIME.get() - 1);
    let late = scene.world.now.saturating_add(handfast_identity::Seconds::new(1));
    let soon = scene.world.now;
    scene.world.now = late;
    assert_eq!(scene.answer(2, true), Err(Refusal::UnknownRotation));
    assert!(matches!(scene.rotate(1, 3), Ok(Rotation::Waits { .. })), "what ran out is in nobody's way");
    let mut scene = Scene::where_rotations_wait(vec![Environment::Test]);
    scene.rotate(1, 2).unwrap();
    scene.world.now = soon;
    scene.answer(2, true).unwrap();
    assert_eq!(scene.current(), did(2));
}

#[test]
fn only_its_owner_answers_to_what_waits() {
    let mut scene = Scene::where_rotations_wait(vec![Environment::Test]);
    scene.rotate(1, 2).unwrap();
    let stranger = scene.world.owner(101);
    let own = scope("owner:self");
    let (agent, newest, pending) = (scene.agent(), scene.newest(), scene.pending());
    let slot = scene.world.did_slot(&did(2));
    let case = RotationCase { agent: Some(&agent), newest: Some(&newest), pending: pending.as_ref(), did: &slot };
    for who in [
        caller(&stranger, &own),
        Caller::agent(Some(&agent.record), did(1).as_str(), &scope("agent:self"), scene.world.now).unwrap(),
    ] {
        assert_eq!(approve_rotation(who, case, &did(2), None, scene.world.now), Err(Refusal::Forbidden));
        assert_eq!(refuse_rotation(who, case, &did(2), None, scene.world.now), Err(Refusal::Forbidden));
    }
}

#[test]
fn what_happened_since_counts_when_the_owner_agrees() {
    // a recovery forgets what waits
    let mut scene = Scene::where_rotations_wait(vec![Environment::Test]);
    scene.rotate(1, 2).unwrap();
    let pending = scene.pending();
    scene.recover(1, 3).unwrap();
    assert_eq!(scene.pending(), None);
    assert_eq!(scene.answer(2, true), Err(Refusal::UnknownRotation));
    // were it still there, it would be stale
    let (agent, newest, slot) = (scene.agent(), scene.newest(), scene.world.did_slot(&did(2)));
    let case = RotationCase { agent: Some(&agent), newest: Some(&newest), pending: pending.as_ref(), did: &slot };
    let own = scope("owner:self");
    let approved = approve_rotation(caller(&scene.owner, &own), case, &did(2), None, scene.world.now);
    assert_eq!(approved, Err(Refusal::StaleSequence));
    // somebody else has the key now
    let mut scene = Scene::where_rotations_wait(vec![Environment::Test]);
    scene.rotate(1, 2).unwrap();
    scene.world.agent(2);
    assert_eq!(scene.answer(2, true), Err(Refusal::DidRegistered));
    // the current key was declared compromised
    let mut scene = Scene::where_rotations_wait(vec![Environment::Test]);
    scene.rotate(1, 2).unwrap();
    scene.revoke_key(1).unwrap();
    assert_eq!(scene.answer(2, true), Err(Refusal::KeyCompromised));
}

#[test]
fn recovery_beats_the_thief() {
    let mut scene = Scene::new();
    let before = scene.agent().record;
    // with the stolen key 1 he puts his own in its place, and then another
    scene.rotate(1, THIEF).unwrap();
    scene.world.pass(ROTATION_PAUSE.get());
    scene.rotate(THIEF, 67).unwrap();
    let told = scene.world.feed.len();
    // the owner signs, and meanwhile he rotates once more
    let statement = scene.signed(&scene.behind(0), KeyChangeKind::Recovery, OWNER, 2);
    let early = scene.decide_recovery(&scene.owner.clone(), &statement).unwrap();
    scene.world.pass(ROTATION_PAUSE.get());
    scene.rotate(67, 68).unwrap();
    let Recovery::Done { change, .. } = early else { panic!("it is news") };
    assert_eq!(scene.world.commit(&change), Err(Conflict(Slot::agent(&scene.id))), "decide again");
    let told = told + 1;
    let again = scene.decide_recovery(&scene.owner.clone(), &statement).unwrap();
    let Recovery::Done { change, .. } = again else { panic!("it is news") };
    scene.world.commit(&change).unwrap();
    // every key he had is dead, and so is the stolen one
    assert_eq!(scene.world.feed[told..], [1, THIEF, 67, 68].map(compromised));
    let after = scene.agent().record;
    assert_eq!((after.did(), after.key_number()), (&did(2), 5));
    assert_eq!((after.id(), after.handle(), after.owner()), (before.id(), before.handle(), before.owner()));
    for dead in [1, THIEF, 67, 68] {
        assert_eq!(scene.token(dead).map(|_| ()), Err(Refusal::InvalidClient), "{dead}");
    }
    assert!(scene.token(2).is_ok());
    // the thief's newest key signs in vain
    scene.world.pass(ROTATION_PAUSE.get());
    let place = Succession { predecessor: did(68), ..scene.place() };
    let statement = scene.signed(&place, KeyChangeKind::Rotation, 68, 69);
    assert_eq!(scene.decide(&statement), Err(Refusal::StaleSequence));
    // and the agent goes on
    assert!(matches!(scene.rotate(2, 3), Ok(Rotation::Done { .. })));
}

#[test]
fn a_recovery_keeps_what_was_good() {
    let mut scene = Scene::new();
    scene.rotate(1, 2).unwrap();
    scene.world.pass(ROTATION_PAUSE.get());
    scene.rotate(2, 3).unwrap();
    let told = scene.world.feed.len();
    scene.recover(2, 4).unwrap();
    assert_eq!(scene.world.feed[told..], [compromised(3)], "1 and 2 were rotated out before, and stay so");
    // the last good one is the current one: it is rotated out, and nothing is compromised
    let told = scene.world.feed.len();
    scene.world.pass(5);
    scene.recover(4, 5).unwrap();
    assert_eq!(scene.world.feed[told..], [rotated_out(4, &scene)]);
    // what a recovery left behind cannot be the last good one, whatever came later
    assert_eq!(scene.recover(3, 6), Err(Refusal::KeyCompromised));
    let told = scene.world.feed.len();
    scene.recover(1, 6).unwrap();
    assert_eq!(scene.world.feed[told..], [2, 4, 5].map(compromised), "3 was told already");
}

#[test]
fn only_the_owner_recovers_and_only_behind_a_good_statement() {
    let mut scene = Scene::new();
    scene.rotate(1, 2).unwrap();
    let (stranger, admin) = (scene.world.owner(101), scene.world.owner_as(102, Role::Admin));
    let place = scene.behind(1);
    for (who, signer) in [(stranger.clone(), 101), (admin, 102), (stranger, OWNER), (scene.owner.clone(), 101)] {
        let statement = scene.signed(&place, KeyChangeKind::Recovery, signer, 3);
        assert_eq!(scene.decide_recovery(&who, &statement), Err(Refusal::Forbidden), "{signer}");
    }
    let wrong = [
        Succession { after: 3, ..place.clone() },
        Succession { after: 2, ..place.clone() },
        Succession { predecessor: did(2), ..place.clone() },
        Succession { previous: scene.behind(2).previous, ..place.clone() },
        Succession { predecessor: did(2), after: 0, previous: None, ..place.clone() },
    ];
    for place in wrong {
        let statement = scene.signed(&place, KeyChangeKind::Recovery, OWNER, 3);
        let decided = scene.decide_recovery(&scene.owner.clone(), &statement);
        assert_eq!(decided, Err(Refusal::StaleSequence), "{place:?}");
    }
    assert_eq!(scene.recover(1, 2), Err(Refusal::DidRegistered), "a key does not come back");
    let statement = scene.signed(&place, KeyChangeKind::Recovery, OWNER, 3);
    let owner = scene.owner.clone();
    let Recovery::Done { change, .. } = scene.decide_recovery(&owner, &statement).unwrap() else { panic!("news") };
    scene.world.commit(&change).unwrap();
    assert_eq!(scene.decide_recovery(&owner, &statement), Ok(Recovery::DoneBefore));
}

#[test]
fn a_compromised_key_is_over_and_only_the_owner_helps() {
    let mut scene = Scene::new();
    scene.rotate(1, 2).unwrap();
    scene.world.pass(ROTATION_PAUSE.get());
    let told = scene.world.feed.len();
    // a former one: the agent goes on
    let (is_news, record) = scene.revoke_key(1).unwrap();
    assert_eq!((is_news, record.id(), record.until(), record.cut()), (true, did(1).as_str(), None, None));
    assert!(scene.token(2).is_ok());
    assert_eq!(scene.recover(1, 3), Err(Refusal::KeyCompromised), "it cannot be the last good one");
    // the current one
    assert!(scene.revoke_key(2).unwrap().0);
    assert_eq!(scene.world.feed[told..], [1, 2].map(compromised));
    assert_eq!(scene.world.log.last().unwrap().0.kind(), "key_revoked");
    assert_eq!(scene.token(2).map(|_| ()), Err(Refusal::InvalidGrant(GrantFault::KeyCompromised)));
    assert_eq!(scene.rotate(2, 3).map(|_| ()), Err(Refusal::KeyCompromised));
    let (is_news, again) = scene.revoke_key(2).unwrap();
    assert_eq!((is_news, again.at()), (false, scene.world.now));
    assert_eq!(scene.recover(2, 3), Err(Refusal::KeyCompromised));
    scene.recover(0, 3).unwrap();
    assert!(scene.token(3).is_ok() && !scene.agent().record.is_key_compromised());
}

#[test]
fn a_key_is_declared_compromised_by_whoever_answers_for_it() {
    let mut scene = Scene::new();
    let (stranger, admin) = (scene.world.owner(101), scene.world.owner_as(102, Role::Admin));
    let (own, all) = (scope("owner:self"), scope("registry:admin"));
    let (agent, one, unknown) = (scene.agent(), did(1), did(9));
    let case = KeyToStop { did: &one, agent: Some(&agent), key: None, before: None };
    let nobodys = KeyToStop { did: &unknown, agent: None, ..case };
    let now = scene.world.now;
    let itself = scope("agent:self");
    let agent_itself = Caller::agent(Some(&agent.record), one.as_str(), &itself, now).unwrap();
    for (who, case, expected) in [
        (caller(&stranger, &own), case, false),
        (agent_itself, case, false),
        (caller(&scene.owner, &own), case, true),
        (caller(&admin, &all), case, true),
        (caller(&scene.owner, &own), nobodys, false),
        (caller(&admin, &all), nobodys, true),
    ] {
        let decided = revoke_key(who, case, None, now).map(|_| ());
        assert_eq!(decided, if expected { Ok(()) } else { Err(Refusal::Forbidden) }, "{case:?}");
    }
    // a DID that is not one of the agent's was not loaded as it should have been
    let astray = KeyToStop { did: &unknown, ..case };
    assert_eq!(revoke_key(caller(&admin, &all), astray, None, now).map(|_| ()), Err(Refusal::StoreUnavailable));
}

#[test]
fn a_compromised_key_is_nobodys_next_one() {
    let mut scene = Scene::new();
    // one that no agent has, an instance's: an admin stops it
    let (admin, all) = (scene.world.owner_as(102, Role::Admin), scope("registry:admin"));
    let leaked = did(9);
    let case = KeyToStop { did: &leaked, agent: None, key: None, before: None };
    let stopped = revoke_key(caller(&admin, &all), case, None, scene.world.now).unwrap();
    scene.world.stop(stopped);
    assert_eq!(scene.rotate(1, 9).map(|_| ()), Err(Refusal::KeyCompromised));
    assert_eq!(scene.recover(1, 9), Err(Refusal::KeyCompromised));
    let name = handle("leaked-key");
    assert_eq!(scene.world.register_as(&key(9), &name).map(|_| ()), Err(Refusal::KeyCompromised));
}

#[test]
fn of_rotations_at_once_one_is_taken() {
    let mut scene = Scene::new();
    let changes: Vec<_> = (2..50)
        .map(|new| match scene.decide(&scene.signed(&scene.place(), KeyChangeKind::Rotation, 1, new)) {
            Ok(Rotation::Done { change, .. }) => change,
            other => panic!("{other:?}"),
        })
        .collect();
    let taken = changes.iter().filter(|change| scene.world.commit(change).is_ok()).count();
    assert_eq!((taken, scene.world.feed.len(), scene.agent().record.key_number()), (1, 1, 2));
}

#[test]
fn a_former_did_is_still_the_agents_in_its_own_affairs() {
    let mut scene = Scene::new();
    scene.rotate(1, 2).unwrap();
    let (agent, itself) = (scene.agent(), scope("agent:self"));
    let now = scene.world.now;
    // a token lives to its end behind a rotation, here as anywhere
    assert!(Caller::agent(Some(&agent.record), did(1).as_str(), &itself, now).is_ok());
    assert!(Caller::agent(Some(&agent.record), did(2).as_str(), &itself, now).is_ok());
    let stranger = Caller::agent(Some(&agent.record), did(3).as_str(), &itself, now);
    assert_eq!(stranger.err(), Some(Refusal::UnknownAgent));
}
