//! Who pays for a use: a task, the agent of a task of its own, or a hop.

use sha2::{Digest, Sha256};

/// First bytes of what a payer's key is taken over; a change of that form changes them.
const PAYER_LABEL: &[u8] = b"handfast budget 1";

/// What kind of thing pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PayerKind {
    /// The root's task, by id: its root token's budget.
    Task,
    /// The root's agent, by DID: the same budget again, when the task is of its own making.
    Agent,
    /// A hop, by name: its own budget, and that of tokens made from it.
    Hop,
    /// The owner, by id. It pays nothing: its tasks have one share of a store.
    Owner,
}

impl PayerKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Agent => "agent",
            Self::Hop => "hop",
            Self::Owner => "owner",
        }
    }
}

/// One payer at one enforcement point.
///
/// The key is SHA-256 over kind, enforcement point, issuer and id, each with its length in front: one id is another payer at
/// another issuer or resource, and one store may serve several services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Payer {
    kind: PayerKind,
    key: [u8; 32],
}

impl Payer {
    /// The `kind` of thing that `issuer` knows as `id`, at `enforcement_point`, which is the same text on every node of one
    /// service.
    #[must_use]
    pub fn of(kind: PayerKind, enforcement_point: &str, issuer: &str, id: &str) -> Self {
        let mut hash = Sha256::new_with_prefix(PAYER_LABEL);
        for part in [kind.as_str(), enforcement_point, issuer, id] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self { kind, key: hash.finalize().into() }
    }

    /// What kind of thing it is.
    #[must_use]
    pub const fn kind(&self) -> PayerKind {
        self.kind
    }

    /// What a store knows it by.
    #[must_use]
    pub const fn key(&self) -> &[u8; 32] {
        &self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_separate_kinds_points_issuers_and_ids() {
        let payers = [
            Payer::of(PayerKind::Task, "point", "issuer", "id"),
            Payer::of(PayerKind::Agent, "point", "issuer", "id"),
            Payer::of(PayerKind::Hop, "point", "issuer", "id"),
            Payer::of(PayerKind::Owner, "point", "issuer", "id"),
            Payer::of(PayerKind::Task, "points", "issuer", "id"),
            Payer::of(PayerKind::Task, "point", "issuers", "id"),
            Payer::of(PayerKind::Task, "point", "issue", "rid"),
            Payer::of(PayerKind::Task, "pointi", "ssuer", "id"),
            Payer::of(PayerKind::Task, "point", "issuer", "di"),
        ];
        for (place, one) in payers.iter().enumerate() {
            for (other_place, other) in payers.iter().enumerate() {
                assert_eq!(one.key() == other.key(), place == other_place, "{place} {other_place}");
            }
        }
        assert_eq!(payers.first(), Some(&Payer::of(PayerKind::Task, "point", "issuer", "id")));
    }
}
