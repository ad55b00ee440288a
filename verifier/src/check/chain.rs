//! Step 5: the chain leads from a root of the issuer to who acts, and the token says no more than its chain (DEL-20 to DEL-40).

use std::sync::Arc;

use handfast_delegation::{
    AccessToken, ActorChain, ChainClaims, ChainError, ChainText, UnverifiedChain, VerifiedChain,
};
use handfast_identity::{ContentHash, UnixTime};

use super::credentials::Standing;
use super::evidence::{Evidence, verify_evidence_known};
use crate::budget::RootBudget;
use crate::chain::{ChainNames, ChainVerdict, EvidencePolicy, RootKey, VerdictKey};
use crate::token::KnownToken;
use crate::trust::{IssuerFacts, Profile, StatusSource};
use crate::{EnforcementPoint, Rejection};

/// The presented token and what came with it.
pub(super) struct Presented<'a> {
    pub(super) token: &'a KnownToken,
    pub(super) chain: Option<&'a ChainText<'a>>,
}

impl Presented<'_> {
    /// How the token stands: alone, on evidence, or on the issuer's word.
    pub(super) fn standing(
        &self,
        issuer: &IssuerFacts,
        point: &EnforcementPoint<'_>,
        now: UnixTime,
    ) -> Result<Standing, Rejection> {
        let claims = self.token.claims();
        let depth = claims.delegability.map_or(0, |delegability| delegability.depth);
        let stands_for_chain = depth > 0 || claims.chain.is_some();
        let Some(text) = self.chain else {
            if !stands_for_chain {
                require_one_actor(claims)?;
                return Ok(Standing::Alone);
            }
            return stands_on_word(claims, depth, issuer.trust.profile, point.chain.evidence);
        };
        if issuer.trust.profile == Profile::Rfc9068 || claims.delegability.is_none() {
            return Err(Rejection::DelegationNotPermitted);
        }
        let verdict = self.verdict(depth, text, issuer, point)?;
        verdict.chain.require_current(now, point.leeway)?;
        let standing = if stands_for_chain { Standing::Exchanged(verdict) } else { Standing::Offline(verdict) };
        // the leaf's resources are the effective ones offline, so this resource has to be among them (AT-14)
        if standing.authority(claims).resources.contains(point.resource) {
            Ok(standing)
        } else {
            Err(Rejection::AudienceMismatch)
        }
    }

    /// What may be remembered: everything about these bytes that does not change with time.
    fn verdict(
        &self,
        depth: u8,
        text: &ChainText<'_>,
        issuer: &IssuerFacts,
        point: &EnforcementPoint<'_>,
    ) -> Result<Arc<ChainVerdict>, Rejection> {
        let token = self.token.claims();
        let is_offline = depth == 0 && token.chain.is_none();
        if is_offline {
            require_offline(token)?;
            // a hop that was never exchanged is on no list, and its issuer knows nothing of it
            if matches!(issuer.trust.status, StatusSource::StatusList { .. } | StatusSource::Introspection { .. }) {
                return Err(Rejection::OfflineNotPermitted);
            }
            require_own_actor(token)?;
        }
        let key = VerdictKey { token: self.token.hash(), chain: text.hash() };
        let (max_hops, evidence_bytes) = (point.chain.max_hops, text.bytes());
        if let Some(kept) = point.verdicts.find(&key).filter(|kept| kept.stands(&key, issuer, max_hops)) {
            return Ok(kept);
        }
        let names = |root: &AccessToken, kid: &str, chain: &VerifiedChain| {
            let listings =
                core::iter::once(token.issuer.as_str()).chain(issuer.trust.agent_status.iter().map(String::as_str));
            listings.map(|listing| ChainNames::new(listing, (root, kid), chain)).collect()
        };
        let known = |did: &str| point.verdicts.find_key(did);
        let verdict = if is_offline {
            let chain = UnverifiedChain::parse_known(text.members(), &known)?;
            let chain = chain.verify_known(self.token.token(), max_hops, &known)?;
            let names = names(token, self.token.kid(), &chain);
            let root_budget = RootBudget::of(token);
            ChainVerdict {
                key,
                max_hops,
                trust: Arc::clone(&issuer.trust),
                evidence_bytes,
                root_key: root_key(self.token.kid(), issuer)?,
                names,
                root_status: token.status.clone(),
                root_budget,
                chain,
            }
        } else {
            let evidence = verify_evidence_known(text, issuer, max_hops, &known)?;
            let Some(claimed) = &token.chain else { return Err(ChainError::Malformed.into()) };
            require_agreement(token, claimed, &evidence, text.hash())?;
            let names = names(evidence.root.claims(), &evidence.root_kid, &evidence.chain);
            ChainVerdict {
                key,
                max_hops,
                trust: Arc::clone(&issuer.trust),
                evidence_bytes,
                root_key: root_key(&evidence.root_kid, issuer)?,
                names,
                root_status: evidence.root.claims().status.clone(),
                root_budget: RootBudget::of(evidence.root.claims()),
                chain: evidence.chain,
            }
        };
        let verdict = Arc::new(verdict);
        let delegates = verdict.chain.links().map(|link| &link.hop.delegate);
        let signers = core::iter::once(verdict.chain.root_delegate()).chain(delegates);
        signers.for_each(|key| point.verdicts.keep_key(key));
        point.verdicts.keep(key, Arc::clone(&verdict));
        Ok(verdict)
    }
}

fn root_key(kid: &str, issuer: &IssuerFacts) -> Result<RootKey, Rejection> {
    let key = issuer.keys.find(kid).ok_or(Rejection::TokenKeyUnknown)?;
    Ok(RootKey { kid: kid.to_owned(), key: key.plain() })
}

/// A root that nobody else acts through names one actor; who presents it is a matter of binding.
fn require_one_actor(claims: &AccessToken) -> Result<(), Rejection> {
    let is_one = claims.actors.as_ref().is_none_or(|actors| actors.iter().count() == 1);
    let needs_one = claims.delegability.is_some();
    if is_one || !needs_one { Ok(()) } else { Err(Rejection::ActorMismatch) }
}

/// The actors of an offline chain are its delegates and the root's client, so the root may name nobody else.
fn require_own_actor(root: &AccessToken) -> Result<(), Rejection> {
    require_one_actor(root)?;
    let is_own = root.actors.as_ref().is_some_and(|actors| actors.current() == root.client_id);
    if is_own { Ok(()) } else { Err(Rejection::ActorMismatch) }
}

/// Without evidence: the issuer's own list of hops and actors, where the server was told to believe it.
fn stands_on_word(
    claims: &AccessToken,
    depth: u8,
    profile: Profile,
    evidence: EvidencePolicy,
) -> Result<Standing, Rejection> {
    if evidence == EvidencePolicy::Required || profile == Profile::Rfc9068 {
        return Err(Rejection::EvidenceRequired);
    }
    let Some(chain) = &claims.chain else { return Err(Rejection::EvidenceRequired) };
    // DEL-45: the hops that pay are known from evidence only
    if claims.authority.budget.is_some() {
        return Err(Rejection::EvidenceRequired);
    }
    let actors = claims.actors.as_ref().map_or(0, |actors| actors.iter().count());
    if chain.hops.len() != usize::from(depth) {
        return Err(ChainError::Malformed.into());
    }
    if actors == chain.hops.len() + 1 { Ok(Standing::OnWord) } else { Err(Rejection::ActorMismatch) }
}

/// What a root has to say before chains below it are read without the registry.
fn require_offline(root: &AccessToken) -> Result<(), Rejection> {
    if root.authority.max_depth == 0 {
        return Err(Rejection::DelegationNotPermitted);
    }
    if root.delegability.is_some_and(|delegability| delegability.offline) {
        Ok(())
    } else {
        Err(Rejection::OfflineNotPermitted)
    }
}

/// The exchanged token says exactly what its evidence does, and no more (DEL-31 to DEL-34).
fn require_agreement(
    token: &AccessToken,
    claimed: &ChainClaims,
    evidence: &Evidence,
    chain_hash: ContentHash,
) -> Result<(), Rejection> {
    let (root, chain) = (evidence.root.claims(), &evidence.chain);
    let names_agree = claimed.hops.iter().eq(chain.links().map(|link| &link.name));
    let depth_agrees = token.delegability.is_some_and(|delegability| usize::from(delegability.depth) == chain.depth());
    if !names_agree || !depth_agrees || claimed.root_token_id != root.token_id || claimed.hash != chain_hash {
        return Err(ChainError::Malformed.into());
    }
    if token.subject != root.subject {
        return Err(ChainError::PrincipalAltered.into());
    }
    // the task whole: who asked for it decides whose budgets and halts count
    if token.task != root.task {
        return Err(ChainError::TaskAltered.into());
    }
    if token.environment != root.environment {
        return Err(Rejection::EnvironmentMismatch);
    }
    // DEL-31: from the outside in, the delegates last first, then the agent of the root
    let expected = chain.links().rev().map(|link| link.hop.delegate.as_str()).chain([root.client_id.as_str()]);
    if !token.actors.as_ref().is_some_and(|actors| actors.iter().eq(expected)) {
        return Err(Rejection::ActorMismatch);
    }
    // DEL-33: the token's key is the last hop's
    let leaf = &chain.leaf().hop;
    let is_leafs = token.confirmation.is_some_and(|jkt| jkt.is_same_key(&leaf.delegate.thumbprint()));
    if token.confirmation.is_some() && !is_leafs {
        return Err(Rejection::HolderMismatch);
    }
    // DEL-34: whoever signed it
    token.authority.narrows(&leaf.authority).map_err(|_| Rejection::TokenExceedsChain)
}

/// The actors of an offline chain: the last delegate first, the root's agent last.
pub(super) fn actors_of(root: &AccessToken, chain: &VerifiedChain) -> Result<ActorChain, Rejection> {
    let delegates = chain.links().rev().map(|link| link.hop.delegate.text());
    ActorChain::from_names(delegates.chain([root.client_id.clone()]).collect())
        .map_err(|_| ChainError::Malformed.into())
}
