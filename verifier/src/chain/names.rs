//! The names under which parts of a chain are revoked, taken once and looked up every time.

use handfast_delegation::{AccessToken, Link, VerifiedChain};
use handfast_identity::{Thumbprint, UnixTime};

use crate::Rejection;
use crate::revocation::{ClearIn, RevocationKind, RevocationName, RevocationSet, Revoked};

/// Every revocable thing of one chain that the presented token alone does not name, as one issuer's feed calls it.
#[derive(Debug)]
pub(crate) struct ChainNames {
    listing: String,
    /// When the root was made: cuts of tasks, owners and agents count by it.
    root_issued_at: UnixTime,
    root_key: RevocationName,
    root_token: RevocationName,
    task: Option<RevocationName>,
    owner: RevocationName,
    agents: Vec<RevocationName>,
    hops: Vec<RevocationName>,
    keys: Vec<(RevocationName, UnixTime)>,
    /// Where all of it was looked up, and where only what any listing can revoke: what is clear of the one may not be of the other.
    clear_of_issuer: ClearIn,
    clear_of_agents: ClearIn,
}

impl ChainNames {
    /// The names of `chain` below `root`, which was signed under `root_kid`, as `listing` would revoke them.
    pub(crate) fn new(listing: &str, (root, root_kid): (&AccessToken, &str), chain: &VerifiedChain) -> Self {
        let name = |kind, id: &str| RevocationName::of(listing, kind, id);
        let key = |jkt: &Thumbprint| RevocationName::of(listing, RevocationKind::Key, jkt.to_chars());
        let hop = |link: &Link| RevocationName::of(listing, RevocationKind::Hop, link.name.to_chars());
        let delegates = chain.links().map(|link| link.hop.delegate.as_str());
        // DEL-40: each delegator's key at the time it signed, and the last delegate's at the time it was named
        let mut signer = root.confirmation;
        let mut keys = Vec::with_capacity(chain.depth() + 1);
        for link in chain.links() {
            keys.extend(signer.as_ref().map(|jkt| (key(jkt), link.hop.issued_at)));
            signer = Some(link.hop.delegate.thumbprint());
        }
        keys.extend(signer.as_ref().map(|jkt| (key(jkt), chain.leaf().hop.issued_at)));
        Self {
            listing: listing.to_owned(),
            root_issued_at: root.issued_at,
            root_key: name(RevocationKind::IssuerKey, root_kid),
            root_token: name(RevocationKind::Token, &root.token_id),
            task: root.task.as_ref().map(|task| name(RevocationKind::Task, &task.id)),
            owner: name(RevocationKind::Owner, &root.subject),
            agents: core::iter::once(root.client_id.as_str())
                .chain(delegates)
                .map(|agent| name(RevocationKind::Agent, agent))
                .collect(),
            hops: chain.links().map(hop).collect(),
            keys,
            clear_of_issuer: ClearIn::default(),
            clear_of_agents: ClearIn::default(),
        }
    }

    pub(crate) fn listing(&self) -> &str {
        &self.listing
    }

    /// What only the chain's own issuer can revoke: its key, token, task, owner and hops (DEL-38, DEL-39).
    pub(crate) fn require_clear_of_issuer(&self, set: &RevocationSet) -> Result<(), Rejection> {
        self.clear_of_issuer.require(set, |set| self.look_up_all(set))
    }

    /// Every agent of the chain and every key that signed in it (DEL-39, DEL-40).
    pub(crate) fn require_clear_of_agents(&self, set: &RevocationSet) -> Result<(), Rejection> {
        self.clear_of_agents.require(set, |set| self.look_up_agents(set))
    }

    fn look_up_all(&self, set: &RevocationSet) -> Result<(), Rejection> {
        if set.covers(self.root_key, self.root_issued_at).is_some() {
            return Err(Rejection::IssuerKeyRevoked);
        }
        if set.covers(self.root_token, self.root_issued_at).is_some() {
            return Err(Rejection::TokenRevoked);
        }
        if self.task.is_some_and(|task| set.covers(task, self.root_issued_at).is_some()) {
            return Err(Rejection::TaskRevoked);
        }
        if set.covers(self.owner, self.root_issued_at).is_some() {
            return Err(Rejection::PrincipalRevoked);
        }
        if self.hops.iter().any(|hop| set.covers(*hop, self.root_issued_at).is_some()) {
            return Err(Rejection::HopRevoked);
        }
        self.look_up_agents(set)
    }

    fn look_up_agents(&self, set: &RevocationSet) -> Result<(), Rejection> {
        if self.agents.iter().any(|agent| set.covers(*agent, self.root_issued_at).is_some()) {
            return Err(Rejection::AgentRevoked);
        }
        for (key, signed_at) in &self.keys {
            match set.covers(*key, *signed_at) {
                Some(Revoked::Entirely) => return Err(Rejection::KeyCompromised),
                Some(Revoked::ByCut) => return Err(Rejection::KeyRotatedOut),
                None => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revocation::FeedEvent;

    const LISTING: &str = "https://registry.example";
    const ISSUED_AT: UnixTime = UnixTime::from_secs(50);
    /// What is named, and what it is refused with; the last two are what any listing can revoke.
    const NAMED: [(RevocationKind, &str, Rejection); 8] = [
        (RevocationKind::IssuerKey, "root", Rejection::IssuerKeyRevoked),
        (RevocationKind::Token, "root", Rejection::TokenRevoked),
        (RevocationKind::Task, "root", Rejection::TaskRevoked),
        (RevocationKind::Owner, "root", Rejection::PrincipalRevoked),
        (RevocationKind::Hop, "first", Rejection::HopRevoked),
        (RevocationKind::Hop, "last", Rejection::HopRevoked),
        (RevocationKind::Agent, "last", Rejection::AgentRevoked),
        (RevocationKind::Key, "last", Rejection::KeyCompromised),
    ];

    fn name(kind: RevocationKind, id: &str) -> RevocationName {
        RevocationName::of(LISTING, kind, id)
    }

    fn names() -> ChainNames {
        ChainNames {
            listing: LISTING.to_owned(),
            root_issued_at: ISSUED_AT,
            root_key: name(RevocationKind::IssuerKey, "root"),
            root_token: name(RevocationKind::Token, "root"),
            task: Some(name(RevocationKind::Task, "root")),
            owner: name(RevocationKind::Owner, "root"),
            agents: ["first", "last"].map(|id| name(RevocationKind::Agent, id)).into(),
            hops: ["first", "last"].map(|id| name(RevocationKind::Hop, id)).into(),
            keys: ["first", "last"].map(|id| (name(RevocationKind::Key, id), ISSUED_AT)).into(),
            clear_of_issuer: ClearIn::default(),
            clear_of_agents: ClearIn::default(),
        }
    }

    #[test]
    fn every_name_is_found_in_a_set_that_was_clear_of_all() {
        for (kind, id, found) in NAMED {
            let (set, names) = (RevocationSet::default(), names());
            let revoke = |id| set.insert(&FeedEvent { seq: 1, kind, name: name(kind, id), cut: None, until: None });
            for other in ["a", "b"] {
                assert_eq!(
                    (names.require_clear_of_issuer(&set), names.require_clear_of_agents(&set)),
                    (Ok(()), Ok(()))
                );
                revoke(other);
            }
            revoke(id);
            let is_of_agents = matches!(kind, RevocationKind::Agent | RevocationKind::Key);
            for _ in 0..2 {
                let expected = if is_of_agents { Err(found.clone()) } else { Ok(()) };
                assert_eq!(names.require_clear_of_agents(&set), expected, "{kind:?} {id}");
                // clear of agents is not clear of all
                assert_eq!(names.require_clear_of_issuer(&set), Err(found.clone()), "{kind:?} {id}");
            }
        }
    }
}
