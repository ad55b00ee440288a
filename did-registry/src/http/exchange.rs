//! Token exchange at `POST /oauth2/token`: from hops to a delegate's own token, from a root to a narrower one (RFC 8693).
//!
//! The evidence is checked as at any resource server; then the model asks what our own records say of everybody in it.

use handfast_delegation::{AccessToken, ChainError, ChainText, MAX_CHAIN_BYTES, MAX_HOPS, VerifiedChain};
use handfast_identity::{ContentHash, DidKey, UnixTime};
use handfast_middleware::Rejection;
use handfast_registry_model::{
    DelegationFault, DidHolder, Exchange, ExchangeCase, ExchangeDecision, ExchangeRequest, Holder, HopRecord, Loaded,
    Refusal, Slot, TaskId, TokenGrant, exchange, narrower_root,
};
use handfast_verifier::{CLOCK_LEEWAY, require_root_not_revoked, verify_evidence, verify_root};
use http::{HeaderMap, HeaderName};

use super::assertion::Authenticated;
use super::token::places;
use super::{App, Failure};
use crate::state::{ATTEMPTS, Commit, unavailable};

const DELEGATION: HeaderName = HeaderName::from_static("delegation");

/// The members of the one `Delegation` field, if there is one (DEL-42, DEL-46).
pub(super) fn presented(headers: &HeaderMap) -> Result<Option<ChainText<'_>>, Refusal> {
    let mut lines = headers.get_all(DELEGATION).iter();
    let line = match (lines.next(), lines.next()) {
        (None, _) => return Ok(None),
        (Some(line), None) => line,
        (Some(_), Some(_)) => return Err(ChainError::Malformed.into()),
    };
    let text = core::str::from_utf8(line.as_bytes()).map_err(|_| ChainError::Malformed)?;
    Ok(Some(ChainText::parse(text, MAX_CHAIN_BYTES)?))
}

/// One client's exchange.
pub(super) struct Exchanging<'a> {
    pub(super) app: &'a App,
    pub(super) wanted: &'a ExchangeRequest,
    pub(super) client: &'a Authenticated,
    pub(super) now: UnixTime,
}

impl Exchanging<'_> {
    /// The token for the hops of `chain` and the last one of the form, or the narrower root where the form has none.
    pub(super) async fn grant(&self, chain: Option<&ChainText<'_>>) -> Result<TokenGrant, Failure> {
        // what was revoked just now counts just now (P-11)
        self.app.book.sync().await.map_err(|error| unavailable(&error))?;
        let grant = match self.wanted.expose_actor_token() {
            Some(hop) => self.delegate(chain, hop).await?,
            None if chain.is_some() => return Err(Refusal::from(ChainError::Malformed).into()),
            None => self.holder().await?,
        };
        self.app.metrics.note_token("exchange");
        Ok(grant)
    }

    async fn delegate(&self, chain: Option<&ChainText<'_>>, last: &str) -> Result<TokenGrant, Failure> {
        let text = joined(self.wanted.expose_subject_token(), chain, last).map_err(Refusal::from)?;
        let text = ChainText::parse(&text, MAX_CHAIN_BYTES).map_err(Refusal::from)?;
        let issuer = self.app.facts.issuer(self.now);
        let evidence = verify_evidence(&text, &issuer, MAX_HOPS).map_err(Refusal::from)?;
        evidence.chain().require_current(self.now, CLOCK_LEEWAY).map_err(Refusal::from)?;
        let set = self.app.book.set();
        if let Err(rejection) = evidence.require_not_revoked(self.app.config.issuer(), &set) {
            let case = self.case(evidence.root().claims(), Some(evidence.chain())).await?;
            return Err(self.told_apart(&rejection, &case).into());
        }
        let prover = self.client.thumbprint();
        let wanted = Exchange { request: self.wanted, prover: &prover, root: evidence.root() };
        let mut is_spent = false;
        for _ in 0..ATTEMPTS {
            let case = self.case(evidence.root().claims(), Some(evidence.chain())).await?;
            let decision = self.decide(wanted, evidence.chain(), text.hash(), &case)?;
            if !is_spent {
                self.client.spend(self.app, self.now)?;
                is_spent = true;
            }
            match decision {
                ExchangeDecision::Ready(grant) => return Ok(self.noted(*grant, case.delegates.last())),
                ExchangeDecision::NewPlace { writes, grant } => {
                    if let Commit::Done { .. } = self.app.state.note(&writes).await? {
                        return Ok(self.noted(*grant, case.delegates.last()));
                    }
                }
                ExchangeDecision::NewHops { change, grant } => {
                    if let Commit::Done { .. } = self.app.state.commit(&change).await? {
                        return Ok(self.noted(*grant, case.delegates.last()));
                    }
                }
            }
        }
        Err(Refusal::Overloaded.into())
    }

    fn decide(
        &self,
        wanted: Exchange<'_>,
        chain: &VerifiedChain,
        hash: ContentHash,
        case: &ExchangeCase,
    ) -> Result<ExchangeDecision, Refusal> {
        let (policy, random) = (self.app.config.policy(), &mut self.app.random.clone());
        exchange(wanted, chain, hash, case, policy, self.now, random)
    }

    async fn holder(&self) -> Result<TokenGrant, Failure> {
        let issuer = self.app.facts.issuer(self.now);
        let text = one_member(self.wanted.expose_subject_token()).map_err(Refusal::from)?;
        let (root, kid) = verify_root(text, &issuer).map_err(Refusal::from)?;
        let set = self.app.book.set();
        let case = self.case(root.claims(), None).await?;
        require_root_not_revoked(root.claims(), &kid, self.app.config.issuer(), &set)
            .map_err(|rejection| self.told_apart(&rejection, &case))?;
        let prover = self.client.thumbprint();
        let wanted = Exchange { request: self.wanted, prover: &prover, root: &root };
        let (policy, random) = (self.app.config.policy(), &mut self.app.random.clone());
        let grant = narrower_root(wanted, &case, policy, self.now, random)?;
        self.client.spend(self.app, self.now)?;
        Ok(self.noted(grant, Some(&case.agent)))
    }

    /// The grant, once it is noted as a use of whoever gets it.
    fn noted(&self, grant: TokenGrant, holder: Option<&Holder>) -> TokenGrant {
        if let Some(Holder::Agent(agent)) = holder {
            let (id, organisation) = (agent.record.id(), agent.record.organisation());
            self.app.usage.note(id, organisation, &grant.token().authority.scope, self.now);
        }
        grant
    }

    /// What the feed says of evidence. It names a suspended or retired agent as it does a REVOKED one: our records tell them apart.
    fn told_apart(&self, rejection: &Rejection, case: &ExchangeCase) -> Refusal {
        match rejection {
            Rejection::AgentRevoked => case.stopped(self.now).unwrap_or(DelegationFault::AgentRevoked).into(),
            other => revoked(other),
        }
    }

    /// What our records say of everybody in the evidence.
    async fn case(&self, root: &AccessToken, chain: Option<&VerifiedChain>) -> Result<ExchangeCase, Refusal> {
        let state = &self.app.state;
        let task = root.task.as_ref().and_then(|task| TaskId::parse(&task.id).ok());
        let (mut delegates, mut known) = (Vec::new(), Vec::new());
        for link in chain.into_iter().flat_map(VerifiedChain::links) {
            delegates.push(self.holder_of(link.hop.delegate.as_str()).await?);
            let hop: Option<Loaded<HopRecord>> = state.load(&Slot::hop(&link.name)).await?;
            known.push(hop);
        }
        let last = known.last().and_then(Option::as_ref).and_then(|hop: &Loaded<HopRecord>| hop.record.place());
        Ok(ExchangeCase {
            agent: self.holder_of(&root.client_id).await?,
            tree: match &task {
                Some(task) => state.load(&Slot::tree(task)).await?,
                None => None,
            },
            task: match &task {
                Some(task) => state.task(task).await?,
                None => None,
            },
            delegates,
            known,
            places: places(self.app, last).await?,
        })
    }

    async fn holder_of(&self, did: &str) -> Result<Holder, Refusal> {
        let Ok(did) = DidKey::parse(did) else { return Ok(Holder::Nobody) };
        Ok(match self.app.state.holder(&did).await? {
            Some(DidHolder::Agent(id)) => {
                // an entry without its record is damage, not absence
                let state = &self.app.state;
                let agent = state.agent(&id).await?.ok_or(Refusal::StoreUnavailable)?;
                let agent = if *agent.record.did() == did {
                    agent
                } else {
                    // a former DID: whether it is one, its history says
                    state.agent_with_history(&id).await?.ok_or(Refusal::StoreUnavailable)?
                };
                Holder::Agent(Box::new(agent))
            }
            Some(DidHolder::Owner(_)) => Holder::Owner,
            None => Holder::Nobody,
        })
    }
}

/// The evidence as it will travel: the root token, the hops of the field, and the last hop.
fn joined(root: &str, chain: Option<&ChainText<'_>>, last: &str) -> Result<String, ChainError> {
    let between = chain.map_or(&[][..], ChainText::members);
    let members: Vec<&str> =
        [one_member(root)?].into_iter().chain(between.iter().copied()).chain([one_member(last)?]).collect();
    Ok(members.join(","))
}

/// One compact JWS and nothing beside it: what a comma would add, no proof covers (DEL-32).
fn one_member(token: &str) -> Result<&str, ChainError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if token.bytes().all(is_plain) { Ok(token) } else { Err(ChainError::Malformed) }
}

/// What the feed says of evidence, as a refusal of this endpoint.
fn revoked(rejection: &Rejection) -> Refusal {
    match rejection {
        Rejection::TokenRevoked => DelegationFault::TokenRevoked,
        Rejection::TaskRevoked => DelegationFault::TaskRevoked,
        Rejection::PrincipalRevoked => DelegationFault::PrincipalRevoked,
        Rejection::HopRevoked => DelegationFault::HopRevoked,
        Rejection::AgentRevoked => DelegationFault::AgentRevoked,
        Rejection::KeyCompromised => DelegationFault::KeyCompromised,
        Rejection::KeyRotatedOut => DelegationFault::KeyRotatedOut,
        Rejection::IssuerKeyRevoked => DelegationFault::IssuerKeyRevoked,
        // nothing else is asked of a set
        _ => return Refusal::StoreUnavailable,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_put_together_in_order_and_each_part_is_one() {
        let field = ChainText::parse("h.1.s, h.2.s", MAX_CHAIN_BYTES).ok();
        assert_eq!(joined("r.o.t", field.as_ref(), "h.3.s"), Ok("r.o.t,h.1.s,h.2.s,h.3.s".to_owned()));
        assert_eq!(joined("r.o.t", None, "h.1.s"), Ok("r.o.t,h.1.s".to_owned()));
        for two in ["r.o.t,h.1.s", "r.o.t ", "r.o.t\t", " r.o.t", "r.o.t\u{e4}"] {
            assert_eq!(joined(two, None, "h.1.s"), Err(ChainError::Malformed), "{two:?}");
            assert_eq!(joined("r.o.t", None, two), Err(ChainError::Malformed), "{two:?}");
        }
    }

    #[test]
    fn what_was_revoked_keeps_its_reason() {
        for rejection in [
            Rejection::TokenRevoked,
            Rejection::TaskRevoked,
            Rejection::PrincipalRevoked,
            Rejection::HopRevoked,
            Rejection::AgentRevoked,
            Rejection::KeyCompromised,
            Rejection::KeyRotatedOut,
            Rejection::IssuerKeyRevoked,
        ] {
            let answer = revoked(&rejection).answer();
            assert_eq!((answer.reason, answer.status), (rejection.reason(), 400));
        }
        assert_eq!(revoked(&Rejection::StatusUnknown), Refusal::StoreUnavailable);
    }
}
