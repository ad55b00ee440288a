//! The names under which what a token says is revoked, taken once and looked up every time.

use handfast_delegation::{AccessToken, ActorChain};
use handfast_identity::{Thumbprint, UnixTime};

use crate::Rejection;
use crate::revocation::{ClearIn, RevocationKind, RevocationName, RevocationSet, Revoked};

/// Every revocable thing that one token names, as one issuer's feed calls it.
#[derive(Debug)]
pub(crate) struct TokenNames {
    issued_at: UnixTime,
    issuer_key: RevocationName,
    token: RevocationName,
    task: Option<RevocationName>,
    owner: RevocationName,
    /// The one that acts, and whoever else is named: mostly nobody.
    agent: Option<RevocationName>,
    other_agents: Vec<RevocationName>,
    key: Option<RevocationName>,
    /// Where all of it was looked up, and where only what any listing can revoke: what is clear of the one may not be of the other.
    clear_of_issuer: ClearIn,
    clear_of_agents: ClearIn,
}

impl TokenNames {
    /// The names in `claims`, signed under `kid`, as `listing` would revoke them.
    pub(crate) fn new(listing: &str, claims: &AccessToken, kid: &str) -> Self {
        let name = |kind, id: &str| RevocationName::of(listing, kind, id);
        let key = |jkt: &Thumbprint| RevocationName::of(listing, RevocationKind::Key, jkt.to_chars());
        // the client is the current actor but in tokens that are refused for it later, and there it counts as well
        let client = claims.client_id.as_str();
        let is_actor = claims.actors.as_ref().is_some_and(|actors| actors.current() == client);
        let client = (!is_actor).then_some(client);
        let actors = claims.actors.iter().flat_map(ActorChain::iter);
        let mut agents = client.into_iter().chain(actors).map(|agent| name(RevocationKind::Agent, agent));
        Self {
            issued_at: claims.issued_at,
            issuer_key: name(RevocationKind::IssuerKey, kid),
            token: name(RevocationKind::Token, &claims.token_id),
            task: claims.task.as_ref().map(|task| name(RevocationKind::Task, &task.id)),
            owner: name(RevocationKind::Owner, &claims.subject),
            agent: agents.next(),
            other_agents: agents.collect(),
            key: claims.confirmation.as_ref().map(key),
            clear_of_issuer: ClearIn::default(),
            clear_of_agents: ClearIn::default(),
        }
    }

    /// How many names there are, for stores with a bound.
    pub(crate) const fn len(&self) -> usize {
        self.other_agents.len() + 6
    }

    /// What only the token's own issuer can revoke, and then what any listing can.
    pub(crate) fn require_clear_of_issuer(&self, set: &RevocationSet) -> Result<(), Rejection> {
        self.clear_of_issuer.require(set, |set| self.look_up_all(set))
    }

    /// The client, every actor of the chain (ACT-10), and the key.
    pub(crate) fn require_clear_of_agents(&self, set: &RevocationSet) -> Result<(), Rejection> {
        self.clear_of_agents.require(set, |set| self.look_up_agents(set))
    }

    fn look_up_all(&self, set: &RevocationSet) -> Result<(), Rejection> {
        let covers = |name: RevocationName| set.covers(name, self.issued_at).is_some();
        if covers(self.issuer_key) {
            return Err(Rejection::IssuerKeyRevoked);
        }
        if covers(self.token) {
            return Err(Rejection::TokenRevoked);
        }
        if self.task.is_some_and(covers) {
            return Err(Rejection::TaskRevoked);
        }
        if covers(self.owner) {
            return Err(Rejection::PrincipalRevoked);
        }
        self.look_up_agents(set)
    }

    fn look_up_agents(&self, set: &RevocationSet) -> Result<(), Rejection> {
        if self.agent.iter().chain(&self.other_agents).any(|agent| set.covers(*agent, self.issued_at).is_some()) {
            return Err(Rejection::AgentRevoked);
        }
        match self.key.and_then(|key| set.covers(key, self.issued_at)) {
            Some(Revoked::Entirely) => Err(Rejection::KeyCompromised),
            Some(Revoked::ByCut) => Err(Rejection::KeyRotatedOut),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revocation::FeedEvent;

    const KINDS: [(RevocationKind, Rejection); 6] = [
        (RevocationKind::IssuerKey, Rejection::IssuerKeyRevoked),
        (RevocationKind::Token, Rejection::TokenRevoked),
        (RevocationKind::Task, Rejection::TaskRevoked),
        (RevocationKind::Owner, Rejection::PrincipalRevoked),
        (RevocationKind::Agent, Rejection::AgentRevoked),
        (RevocationKind::Key, Rejection::KeyCompromised),
    ];

    fn name(kind: RevocationKind, id: &str) -> RevocationName {
        RevocationName::of("https://registry.example", kind, id)
    }

    fn names() -> TokenNames {
        let other = name(RevocationKind::Agent, "y");
        let name = |kind| name(kind, "x");
        TokenNames {
            issued_at: UnixTime::from_secs(50),
            issuer_key: name(RevocationKind::IssuerKey),
            token: name(RevocationKind::Token),
            task: Some(name(RevocationKind::Task)),
            owner: name(RevocationKind::Owner),
            agent: Some(name(RevocationKind::Agent)),
            other_agents: vec![other],
            key: Some(name(RevocationKind::Key)),
            clear_of_issuer: ClearIn::default(),
            clear_of_agents: ClearIn::default(),
        }
    }

    fn revoke(set: &RevocationSet, kind: RevocationKind, id: &str) {
        set.insert(&FeedEvent { seq: 1, kind, name: name(kind, id), cut: None, until: None });
    }

    #[test]
    fn every_name_is_found_in_a_set_that_was_clear_of_all() {
        let others = KINDS.map(|(kind, _)| (kind, "x"));
        let second = (RevocationKind::Agent, "y");
        for (kind, id) in others.into_iter().chain([second]) {
            let (set, names) = (RevocationSet::default(), names());
            let expected = KINDS.into_iter().find(|(other, _)| *other == kind).map_or(Ok(()), |(_, found)| Err(found));
            for other in ["a", "b"] {
                assert_eq!(
                    (names.require_clear_of_issuer(&set), names.require_clear_of_agents(&set)),
                    (Ok(()), Ok(()))
                );
                revoke(&set, kind, other);
            }
            revoke(&set, kind, id);
            let is_of_agents = matches!(kind, RevocationKind::Agent | RevocationKind::Key);
            for _ in 0..2 {
                assert_eq!(names.require_clear_of_agents(&set), if is_of_agents { expected.clone() } else { Ok(()) });
                // clear of agents is not clear of all
                assert_eq!(names.require_clear_of_issuer(&set), expected);
            }
        }
    }
}
