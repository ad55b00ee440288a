//! From the presented members to a chain whose every hop is signed by the delegate before it.

use handfast_identity::json::Limits;
use handfast_identity::jws::UnverifiedJws;
use handfast_identity::{ContentHash, DidKey, UnixTime};

use super::ChainError;
use super::hop::{HOP_TYPE, Hop, MAX_HOP_BYTES};
use super::verified::{Link, VerifiedChain};
use super::wire::HopWire;
use crate::{AccessToken, Authority, VerifiedAccessToken};

/// Most hops any reader may be configured to follow (DEL-26, spec/limits.md).
pub const MAX_HOPS: usize = 8;
/// Most hops followed where nothing else is configured (DEL-26, spec/limits.md).
pub const DEFAULT_HOPS: usize = 5;

/// A hop that was read and not believed.
#[derive(Debug)]
pub struct UnverifiedHop {
    jws: UnverifiedJws,
    hop: Hop,
}

impl UnverifiedHop {
    /// Reads size, form, `typ`, `kid` and the claims' shape.
    ///
    /// # Errors
    ///
    /// [`ChainError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, ChainError> {
        let jws = UnverifiedJws::parse(text, &Limits::token(MAX_HOP_BYTES)).map_err(|_| ChainError::Malformed)?;
        let wire: HopWire = jws.unverified_claims().map_err(|_| ChainError::Malformed)?;
        let hop = Hop::try_from(wire)?;
        let names_own_key = jws
            .kid()
            .and_then(|kid| kid.split_once('#'))
            .is_some_and(|(did, fragment)| did == hop.delegator && did.strip_prefix("did:key:") == Some(fragment));
        if jws.typ() != Some(HOP_TYPE) || jws.jwk().is_some() || !names_own_key {
            return Err(ChainError::Malformed);
        }
        Ok(Self { jws, hop })
    }

    /// What it says, as whoever wrote it wishes.
    #[must_use]
    pub const fn unverified_hop(&self) -> &Hop {
        &self.hop
    }

    /// Its name: the hash of its signing input, which children and revocations call it by.
    #[must_use]
    pub fn name(&self) -> ContentHash {
        ContentHash::of(self.jws.signing_input().as_bytes())
    }
}

/// Hops that were read and not believed; at least one, at most [`MAX_HOPS`].
#[derive(Debug)]
pub struct UnverifiedChain {
    first: UnverifiedHop,
    rest: Vec<UnverifiedHop>,
}

/// What a hop is compared with: the hop or root token before it.
struct Parent<'a> {
    delegate: &'a DidKey,
    name: ContentHash,
    authority: &'a Authority,
    issued_at: UnixTime,
}

impl UnverifiedChain {
    /// Reads each of `members` as a hop.
    ///
    /// # Errors
    ///
    /// [`ChainError::Malformed`] for none or one that is no hop, [`ChainError::TooLong`] for more than [`MAX_HOPS`].
    pub fn parse(members: &[&str]) -> Result<Self, ChainError> {
        if members.len() > MAX_HOPS {
            return Err(ChainError::TooLong);
        }
        let (first, rest) = members.split_first().ok_or(ChainError::Malformed)?;
        let first = UnverifiedHop::parse(first)?;
        let rest: Result<Vec<_>, _> = rest.iter().map(|member| UnverifiedHop::parse(member)).collect();
        Ok(Self { first, rest: rest? })
    }

    fn hops(&self) -> impl Iterator<Item = &Hop> {
        core::iter::once(&self.first).chain(&self.rest).map(UnverifiedHop::unverified_hop)
    }

    /// What costs no signature: depths, ceilings, repetitions, nothing behind an instance.
    ///
    /// # Errors
    ///
    /// [`ChainError::DepthInvalid`] or [`ChainError::Duplicate`].
    pub fn require_shape(&self, root: &AccessToken, max_hops: usize) -> Result<(), ChainError> {
        if self.rest.len() >= max_hops.min(MAX_HOPS) {
            return Err(ChainError::DepthInvalid);
        }
        let mut ceiling = root.authority.max_depth;
        let mut is_closed = false;
        for (hop, depth) in self.hops().zip(1_u8..) {
            // DEL-26: an absolute ceiling that never grows, and each place filled
            if is_closed || hop.depth != depth || depth > ceiling || hop.authority.max_depth > ceiling {
                return Err(ChainError::DepthInvalid);
            }
            ceiling = hop.authority.max_depth;
            is_closed = hop.is_instance;
        }
        // DEL-30
        let delegates = || self.hops().map(|hop| hop.delegate.as_str());
        let is_repeated = self.hops().enumerate().any(|(place, hop)| {
            let did = hop.delegate.as_str();
            did == root.client_id
                || delegates().skip(place + 1).any(|other| other == did)
                || self.hops().skip(place + 1).any(|other| other.hop_id == hop.hop_id)
        });
        if is_repeated { Err(ChainError::Duplicate) } else { Ok(()) }
    }

    /// Verifies every hop against the one before it, beginning at `root` (DEL-20 to DEL-30).
    ///
    /// Success says that each delegate's own key signed the next hop and that none widens its parent. Whether the times of the
    /// hops hold now, who is revoked, and whether the chain is the presented token's, are other questions.
    ///
    /// # Errors
    ///
    /// The first [`ChainError`], hop by hop.
    pub fn verify(self, root: &VerifiedAccessToken, max_hops: usize) -> Result<VerifiedChain, ChainError> {
        let claims = root.claims();
        self.require_shape(claims, max_hops)?;
        let first_delegate = root_delegate(claims)?;
        let parent = Parent {
            delegate: &first_delegate,
            name: root.name(),
            authority: &claims.authority,
            issued_at: claims.issued_at,
        };
        let mut last = verify_hop(self.first, &parent, claims)?;
        let mut earlier = Vec::with_capacity(self.rest.len());
        for hop in self.rest {
            let parent = Parent {
                delegate: &last.hop.delegate,
                name: last.name,
                authority: &last.hop.authority,
                issued_at: last.hop.issued_at,
            };
            let link = verify_hop(hop, &parent, claims)?;
            earlier.push(core::mem::replace(&mut last, link));
        }
        Ok(VerifiedChain::new(earlier, last))
    }
}

/// The agent whose key signs the first hop. The root is bound to that key, or it is no root of a chain (DEL-33).
fn root_delegate(root: &AccessToken) -> Result<DidKey, ChainError> {
    let did = DidKey::parse(&root.client_id).map_err(|_| ChainError::UntrustedRoot)?;
    let is_bound = root.confirmation.is_some_and(|jkt| jkt.is_same_key(&did.thumbprint()));
    let is_root = root.delegability.is_some_and(|delegability| delegability.depth == 0) && root.chain.is_none();
    if is_bound && is_root { Ok(did) } else { Err(ChainError::UntrustedRoot) }
}

fn verify_hop(unverified: UnverifiedHop, parent: &Parent<'_>, root: &AccessToken) -> Result<Link, ChainError> {
    let name = unverified.name();
    let UnverifiedHop { jws, hop } = unverified;
    // DEL-27: the one key that the parent names, whatever the hop says about itself
    let signature = jws.verify(parent.delegate.public_key()).map_err(|_| ChainError::SignatureInvalid)?;
    if hop.delegator != parent.delegate.as_str() {
        return Err(ChainError::IssuerMismatch);
    }
    // DEL-28
    if hop.parent != parent.name {
        return Err(ChainError::ParentHashMismatch);
    }
    // DEL-29
    if hop.subject != root.subject {
        return Err(ChainError::PrincipalAltered);
    }
    if root.task.as_ref().is_none_or(|task| task.id != hop.task) {
        return Err(ChainError::TaskAltered);
    }
    // DEL-24: leeway is for clocks, never for making a child older than its parent
    if hop.issued_at < parent.issued_at {
        return Err(ChainError::BeforeParent);
    }
    hop.authority.narrows(parent.authority).map_err(ChainError::Widened)?;
    Ok(Link { hop, name, _signature: signature })
}
