//! What a shell does around the decisions about an agent's keys, whatever the agent is.

use handfast_delegation::Environment;
use handfast_identity::history::{KeyChangeKind, Succession};
use handfast_identity::{ContentHash, DidKey, SigningKey};
use handfast_registry_model::*;

use crate::support::*;

/// The environments of agents here: rotations wait in all of them, or in none.
const PLACES: [Environment; 3] = [Environment::Dev, Environment::Test, Environment::Prod];

/// An agent and what belongs to its keys, as loaded; of a DID that is not registered nothing.
struct Keys {
    agent: Option<Loaded<AgentRecord>>,
    known: Vec<Loaded<KeyRecord>>,
    newest: Option<NewestKey>,
    pending: Option<Loaded<PendingRotation>>,
    registration: ContentHash,
    slot: DidSlot,
}

impl Keys {
    /// Of the agent that registered with `first` just now.
    fn load(world: &World, first: &SigningKey, new: &DidKey) -> Self {
        let agent = world.agent_of(&first.public().did());
        let registration = ContentHash::of(world.statement(first).sign(first).unwrap().as_bytes());
        let known = agent.as_ref().map(|agent| world.keys_of(agent.record.id())).unwrap_or_default();
        let newest = agent.as_ref().map(|agent| match known.last() {
            Some(last) => NewestKey::known(last.clone()),
            None => NewestKey::first(&agent.record, registration),
        });
        let pending = world.pending(agent.as_ref());
        Self { agent, known, newest, pending, registration, slot: world.did_slot(new) }
    }

    fn case(&self) -> RotationCase<'_> {
        let (agent, newest) = (self.agent.as_ref(), self.newest.as_ref());
        RotationCase { agent, newest, pending: self.pending.as_ref(), did: &self.slot }
    }

    /// The place behind the newest key.
    fn place(&self, world: &World, first: &SigningKey) -> Succession {
        Succession {
            audience: ISSUER.into(),
            issued_at: world.now,
            statement_id: "j".into(),
            predecessor: self.agent.as_ref().map_or_else(|| first.public().did(), |agent| agent.record.did().clone()),
            after: self.agent.as_ref().map_or(1, |agent| agent.record.key_number()),
            previous: Some(self.newest.as_ref().map_or(self.registration, |newest| *newest.record.hash())),
        }
    }

    fn signed(&self, world: &World, kind: KeyChangeKind, first: &SigningKey, signer: u8, new: u8) -> VerifiedKeyChange {
        let place = self.place(world, first);
        let text = place.sign(kind, place.accept(&key(new)).unwrap(), &key(signer)).unwrap();
        VerifiedKeyChange::read(&text, kind, &world.policy, world.now).unwrap()
    }
}

impl World {
    /// The agent of the key `old` puts `new` in its place, where `waits` once its owner agrees.
    pub(crate) fn rotate_key(&mut self, old: u8, new: u8, waits: bool) -> Result<(), Refusal> {
        let keys = Keys::load(self, &key(old), &key(new).public().did());
        let statement = keys.signed(self, KeyChangeKind::Rotation, &key(old), old, new);
        let policy = self.policy.clone().with_approved_rotations(if waits { PLACES.to_vec() } else { Vec::new() });
        match rotate(&statement, keys.case(), &policy, self.now)? {
            Rotation::Done { change, .. } | Rotation::Waits { change, .. } => drop(self.commit(&change).unwrap()),
            Rotation::DoneBefore | Rotation::WaitsBefore(_) => {}
        }
        Ok(())
    }

    /// Somebody answers to the rotation from `old` to `new`.
    pub(crate) fn answer_rotation(
        &mut self,
        (who, scopes): (&OwnerRecord, &str),
        (old, new): (u8, u8),
        approves: bool,
    ) -> Result<(), Refusal> {
        let (did, scopes) = (key(new).public().did(), scope(scopes));
        let keys = Keys::load(self, &key(old), &did);
        let by = caller(who, &scopes);
        let change = if approves {
            match approve_rotation(by, keys.case(), &did, None, self.now)? {
                Rotation::Done { change, .. } => change,
                other => panic!("{other:?}"),
            }
        } else {
            refuse_rotation(by, keys.case(), &did, None, self.now)?
        };
        self.commit(&change).unwrap();
        Ok(())
    }

    /// The owner with this key puts `new` behind the key `old` of an agent.
    pub(crate) fn recover_key(&mut self, owner: (&OwnerRecord, u8), old: u8, new: u8) -> Result<(), Refusal> {
        let keys = Keys::load(self, &key(old), &key(new).public().did());
        let statement = keys.signed(self, KeyChangeKind::Recovery, &key(old), owner.1, new);
        let case = RecoveryCase {
            agent: keys.agent.as_ref(),
            keys: &keys.known,
            registration: keys.registration,
            pending: keys.pending.as_ref(),
            did: &keys.slot,
        };
        let scopes = scope("owner:self");
        if let Recovery::Done { change, .. } = recover(caller(owner.0, &scopes), &statement, &case, None, self.now)? {
            self.commit(&change).unwrap();
        }
        Ok(())
    }

    /// Somebody declares the key of the agent compromised.
    pub(crate) fn stop_key(&mut self, who: &OwnerRecord, scopes: &str, seed: u8) -> Result<bool, Refusal> {
        let did = key(seed).public().did();
        let keys = Keys::load(self, &key(seed), &did);
        let before = self.load::<RevocationRecord>(&Slot::revocation(FeedKind::Key, did.as_str()));
        let case = KeyToStop {
            did: &did,
            agent: keys.agent.as_ref(),
            key: keys.known.iter().find(|key| *key.record.did() == did),
            before: before.as_ref().map(|before| &before.record),
        };
        let scopes = scope(scopes);
        let stopped = revoke_key(caller(who, &scopes), case, None, self.now)?;
        Ok(self.stop(stopped).0)
    }
}
