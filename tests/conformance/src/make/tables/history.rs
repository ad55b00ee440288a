//! Histories of an agent's keys: those that hold, and those with one thing wrong.

use handfast_identity::history::{KeyChangeKind, Succession};
use handfast_identity::{ContentHash, UnixTime};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::in_order;
use crate::make::keys::Who;

const ISSUER: &str = "https://registry.example";
const MADE: UnixTime = UnixTime::from_secs(1_795_262_400);
/// What stands for the registration, of which a history has the hash only.
const REGISTRATION: &str = "registration";

/// The table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Histories {
    /// They hold.
    pub accepted: Vec<Accepted>,
    /// They do not.
    pub refused: Vec<Refused>,
}

/// A history that holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// What it is.
    pub about: String,
    /// As it is published.
    pub history: Value,
    /// The key it begins with.
    pub first: String,
    /// The key it ends with.
    pub current: String,
    /// The numbers that a recovery says were never good.
    pub void: Vec<u16>,
    /// The owners' keys that the current one rests on.
    pub owners: Vec<String>,
}

/// A history that does not hold.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// The one thing wrong with it.
    pub about: String,
    /// As it might be published.
    pub history: Value,
    /// The number of the first key that does not follow.
    pub number: u16,
}

/// A history that is being told.
#[derive(Clone)]
struct Told {
    keys: Vec<(Who, Option<String>)>,
}

impl Told {
    fn registered(who: Who) -> Self {
        Self { keys: vec![(who, None)] }
    }

    /// The place behind number `after`.
    fn behind(&self, after: u16) -> Succession {
        let index = usize::from(after.max(1)) - 1;
        let (who, statement) = self.keys.get(index).unwrap_or(&(Who::Stranger, None));
        let hash = ContentHash::of(statement.as_deref().unwrap_or(REGISTRATION).as_bytes());
        Succession {
            audience: ISSUER.to_owned(),
            issued_at: MADE,
            statement_id: format!("statement-{}", self.keys.len() + 1),
            predecessor: who.did(),
            after,
            previous: (after > 0).then_some(hash),
        }
    }

    fn newest(&self) -> Succession {
        self.behind(u16::try_from(self.keys.len()).unwrap_or(u16::MAX))
    }

    fn with(&self, new: Who, statement: String) -> Self {
        Self { keys: self.keys.iter().cloned().chain([(new, Some(statement))]).collect() }
    }

    fn rotated(&self, old: Who, new: Who) -> Self {
        self.with(new, signed(&self.newest(), KeyChangeKind::Rotation, old, new))
    }

    fn recovered(&self, last_good: u16, new: Who) -> Self {
        self.with(new, signed(&self.behind(last_good), KeyChangeKind::Recovery, Who::Owner, new))
    }

    fn published(&self) -> Value {
        let entry = |((who, statement), seq): (&(Who, Option<String>), usize)| match statement {
            None => json!({"seq": seq, "did": who.did().to_string(),
                           "statement_hash": ContentHash::of(REGISTRATION.as_bytes()).to_string()}),
            Some(text) => json!({"seq": seq, "did": who.did().to_string(), "statement": text}),
        };
        in_order(json!({"issuer": ISSUER, "keys": self.keys.iter().zip(1..).map(entry).collect::<Vec<_>>()}))
    }

    fn accepted(&self, about: &str, void: &[u16], owners: &[Who]) -> Accepted {
        let did =
            |place: Option<&(Who, Option<String>)>| place.map(|(who, _)| who.did().to_string()).unwrap_or_default();
        Accepted {
            about: about.to_owned(),
            history: self.published(),
            first: did(self.keys.first()),
            current: did(self.keys.last()),
            void: void.to_vec(),
            owners: owners.iter().map(|who| who.did().to_string()).collect(),
        }
    }

    fn refused(&self, about: &str, number: u16) -> Refused {
        Refused { about: about.to_owned(), history: self.published(), number }
    }
}

fn signed(place: &Succession, kind: KeyChangeKind, signer: Who, new: Who) -> String {
    let accepted = place.accept(&new.key()).unwrap_or_default();
    place.sign(kind, accepted, &signer.key()).unwrap_or_default()
}

/// The rows.
#[must_use]
pub fn table() -> Histories {
    use Who::{Agent, Delegate, OtherAgent, P256Agent, Stranger};
    let one = Told::registered(Agent);
    let two = one.rotated(Agent, OtherAgent);
    let three = two.rotated(OtherAgent, P256Agent);
    let taken_back = three.recovered(1, Delegate(1));
    let rotation = |place: &Succession, signer, new| signed(place, KeyChangeKind::Rotation, signer, new);
    let elsewhere = Succession { audience: "https://other.example".to_owned(), ..one.newest() };
    let other_hash = Succession { previous: Some(ContentHash::of(b"another")), ..one.newest() };
    let (start, _) = rotation(&two.newest(), OtherAgent, P256Agent)
        .rsplit_once('.')
        .map(|(start, end)| (start.to_owned(), end.to_owned()))
        .unwrap_or_default();
    let foreign = rotation(&two.newest(), Stranger, P256Agent);
    let foreign = foreign.rsplit_once('.').map(|(_, end)| end.to_owned()).unwrap_or_default();
    let by_old_alone = {
        let place = one.newest();
        let accepted = place.accept(&Agent.key()).unwrap_or_default();
        place.sign(KeyChangeKind::Rotation, accepted, &Agent.key()).unwrap_or_default()
    };
    Histories {
        accepted: vec![
            one.accepted("an agent that never had another key", &[], &[]),
            two.accepted("one rotation", &[], &[]),
            three.accepted("a second one, to a P-256 key", &[], &[]),
            taken_back.accepted("the owner says that 1 was the last good one", &[2, 3], &[Who::Owner]),
            taken_back.rotated(Delegate(1), Delegate(2)).accepted("and the agent goes on", &[2, 3], &[Who::Owner]),
            one.recovered(0, Delegate(1)).accepted("the owner says that none was good", &[1], &[Who::Owner]),
            taken_back.recovered(1, Delegate(2)).accepted(
                "a recovery behind the same key again",
                &[2, 3, 4],
                &[Who::Owner],
            ),
        ],
        refused: vec![
            one.with(OtherAgent, rotation(&one.newest(), Stranger, OtherAgent)).refused("not by the key before it", 2),
            one.with(OtherAgent, by_old_alone).refused("the new key did not sign", 2),
            two.with(P256Agent, format!("{start}.{foreign}")).refused("the signature is of another statement", 3),
            one.with(OtherAgent, rotation(&elsewhere, Agent, OtherAgent)).refused("for another registry", 2),
            one.with(OtherAgent, rotation(&other_hash, Agent, OtherAgent)).refused("behind another registration", 2),
            one.with(Delegate(1), rotation(&one.newest(), Agent, OtherAgent)).refused("it names another key", 2),
            two.with(P256Agent, rotation(&one.newest(), Agent, P256Agent))
                .refused("by the key before the last, in its place", 3),
            two.rotated(OtherAgent, Agent).refused("a key comes back", 3),
            taken_back
                .with(Delegate(2), signed(&three.behind(3), KeyChangeKind::Recovery, Who::Owner, Delegate(2)))
                .refused("a recovery behind a key that was never good", 5),
            taken_back
                .with(Delegate(2), rotation(&three.newest(), P256Agent, Delegate(2)))
                .refused("the thief rotates on", 5),
            one.with(OtherAgent, signed(&one.newest(), KeyChangeKind::Recovery, Agent, OtherAgent))
                .refused("a recovery by the agent's own key", 2),
        ],
    }
}
