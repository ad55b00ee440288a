//! From the presented members to a chain whose every hop is signed by the delegate before it.

use handfast_identity::json::Limits;
use handfast_identity::jws::{self, UnverifiedJws};
use handfast_identity::{ContentHash, DidKey, SignatureValid, UnixTime};

use super::ChainError;
use super::hop::{HOP_TYPE, Hop, MAX_HOP_BYTES};
use super::verified::{Link, UnrootedChain, VerifiedChain};
use super::wire::HopWire;
use crate::{AccessToken, Authority, UnverifiedAccessToken, VerifiedAccessToken};

/// Most hops any reader may be configured to follow (DEL-26, spec/limits.md).
pub const MAX_HOPS: usize = 8;
/// Most hops followed where nothing else is configured (DEL-26, spec/limits.md).
pub const DEFAULT_HOPS: usize = 5;

/// Keys that were decoded before, by DID. Whatever it gives, only a key with exactly this DID is taken, so nothing depends on it but
/// time.
pub type KnownKeys<'a> = dyn Fn(&str) -> Option<DidKey> + 'a;

/// A hop that was read and not believed.
#[derive(Debug)]
pub struct UnverifiedHop {
    pub(super) jws: UnverifiedJws,
    pub(super) hop: Hop,
}

impl UnverifiedHop {
    /// Reads size, form, `typ`, `kid` and the claims' shape.
    ///
    /// # Errors
    ///
    /// [`ChainError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, ChainError> {
        Self::parse_known(text, &|_| None)
    }

    fn parse_known(text: &str, known: &KnownKeys<'_>) -> Result<Self, ChainError> {
        let jws = UnverifiedJws::parse(text, &Limits::token(MAX_HOP_BYTES)).map_err(|_| ChainError::Malformed)?;
        let wire: HopWire<'_> = jws.unverified_claims().map_err(|_| ChainError::Malformed)?;
        let hop = Hop::of_wire(wire, &|text| jws.share(text), known)?;
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
        Self::parse_known(members, &|_| None)
    }

    /// The same, where the delegates' keys may be `known`.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`].
    pub fn parse_known(members: &[&str], known: &KnownKeys<'_>) -> Result<Self, ChainError> {
        if members.len() > MAX_HOPS {
            return Err(ChainError::TooLong);
        }
        let (first, rest) = members.split_first().ok_or(ChainError::Malformed)?;
        let first = UnverifiedHop::parse_known(first, known)?;
        let rest: Result<Vec<_>, _> = rest.iter().map(|member| UnverifiedHop::parse_known(member, known)).collect();
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
        self.verify_known(root, max_hops, &|_| None)
    }

    /// The same, where the key of the root's agent may be `known`.
    ///
    /// # Errors
    ///
    /// As [`Self::verify`].
    pub fn verify_known(
        self,
        root: &VerifiedAccessToken,
        max_hops: usize,
        known: &KnownKeys<'_>,
    ) -> Result<VerifiedChain, ChainError> {
        self.verify_below(root.claims(), root.name(), max_hops, known)
    }

    /// The same below a root token that nobody vouches for: what a delegate without the issuer's keys can tell.
    ///
    /// # Errors
    ///
    /// As [`Self::verify`].
    pub fn verify_unrooted(self, root: &UnverifiedAccessToken, max_hops: usize) -> Result<UnrootedChain, ChainError> {
        self.verify_below(root.unverified_claims(), root.name(), max_hops, &|_| None).map(UnrootedChain::new)
    }

    fn verify_below(
        self,
        claims: &AccessToken,
        name: ContentHash,
        max_hops: usize,
        known: &KnownKeys<'_>,
    ) -> Result<VerifiedChain, ChainError> {
        self.require_shape(claims, max_hops)?;
        let first_delegate = root_delegate(claims, known)?;
        let parent =
            Parent { delegate: &first_delegate, name, authority: &claims.authority, issued_at: claims.issued_at };
        // DEL-27: the one key that the parent names, whatever the hop says about itself
        let keys = core::iter::once(&first_delegate).chain(self.hops().map(|hop| &hop.delegate));
        let hops = core::iter::once(&self.first).chain(&self.rest).map(|hop| &hop.jws);
        let signed: Vec<_> = hops.zip(keys.map(DidKey::public_key)).collect();
        let mut signatures = jws::verify_each(&signed).into_iter();
        let mut next = || signatures.next().and_then(Result::ok).ok_or(ChainError::SignatureInvalid);
        let mut last = verify_hop(self.first, next()?, &parent, claims)?;
        let mut earlier = Vec::with_capacity(self.rest.len());
        for hop in self.rest {
            let parent = Parent {
                delegate: &last.hop.delegate,
                name: last.name,
                authority: &last.hop.authority,
                issued_at: last.hop.issued_at,
            };
            let link = verify_hop(hop, next()?, &parent, claims)?;
            earlier.push(core::mem::replace(&mut last, link));
        }
        Ok(VerifiedChain::new(first_delegate.plain(), earlier, last))
    }
}

/// The agent whose key signs the first hop. The root is bound to that key, or it is no root of a chain (DEL-33).
fn root_delegate(root: &AccessToken, known: &KnownKeys<'_>) -> Result<DidKey, ChainError> {
    let did = DidKey::parse_known(&root.client_id, known).map_err(|_| ChainError::UntrustedRoot)?;
    let is_bound = root.confirmation.is_some_and(|jkt| jkt.is_same_key(&did.thumbprint()));
    let is_root = root.delegability.is_some_and(|delegability| delegability.depth == 0) && root.chain.is_none();
    if is_bound && is_root { Ok(did) } else { Err(ChainError::UntrustedRoot) }
}

fn verify_hop(
    unverified: UnverifiedHop,
    signature: SignatureValid,
    parent: &Parent<'_>,
    root: &AccessToken,
) -> Result<Link, ChainError> {
    let name = unverified.name();
    let UnverifiedHop { mut hop, .. } = unverified;
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
    // whose signature it is was asked by now
    hop.delegate = hop.delegate.plain();
    Ok(Link { hop, name, _signature: signature })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::needless_pass_by_value)] // a failed set-up should stop the test
mod tests {
    use super::super::sample::{BEGIN, did, hop, issued, key, parts, root_claims, signed, signed_chain};
    use super::*;
    use crate::{Delegability, Scope, Widening};

    fn hops(count: u8) -> Vec<Hop> {
        (1..=count).map(|depth| hop(depth, ContentHash::of(b""))).collect()
    }

    fn verify(root: &VerifiedAccessToken, texts: &[String], max_hops: usize) -> Result<VerifiedChain, ChainError> {
        let members: Vec<_> = texts.iter().map(String::as_str).collect();
        UnverifiedChain::parse(&members)?.verify(root, max_hops)
    }

    fn check(what: &str, alter: impl FnOnce(&mut Vec<Hop>), expected: Result<(), ChainError>) {
        let root = issued(&root_claims());
        let mut hops = hops(3);
        alter(&mut hops);
        assert_eq!(verify(&root, &signed_chain(&root, hops), MAX_HOPS).map(drop), expected, "{what}");
    }

    #[test]
    fn a_good_chain_leads_to_its_leaf() {
        let root = issued(&root_claims());
        for count in [1, 2, 8] {
            let texts = signed_chain(&root, hops(count));
            let chain = verify(&root, &texts, MAX_HOPS).unwrap();
            assert_eq!(chain.depth(), usize::from(count));
            assert_eq!(chain.leaf().hop.delegate, did(count));
            let names: Vec<_> = chain.links().map(|link| link.name).collect();
            let expected: Vec<_> = texts.iter().map(|text| UnverifiedHop::parse(text).unwrap().name()).collect();
            assert_eq!(names, expected);
        }
    }

    #[test]
    fn prepared_keys_check_as_plain_ones_and_are_not_kept() {
        let root = issued(&root_claims());
        let mut texts = signed_chain(&root, hops(3));
        let prepared = |text: &str| DidKey::parse(text).ok().map(|did| did.prepared());
        let verify = |texts: &[String]| {
            let members: Vec<_> = texts.iter().map(String::as_str).collect();
            UnverifiedChain::parse_known(&members, &prepared)?.verify_known(&root, MAX_HOPS, &prepared)
        };
        let chain = verify(&texts).unwrap();
        assert_eq!(chain.root_delegate().as_str(), root.claims().client_id);
        let keys = core::iter::once(chain.root_delegate()).chain(chain.links().map(|link| &link.hop.delegate));
        assert!(keys.into_iter().all(|key| !key.public_key().is_prepared()));
        let (signed, _) = texts[1].rsplit_once('.').unwrap();
        texts[1] = format!("{signed}.{}", texts[2].rsplit_once('.').unwrap().1);
        assert_eq!(verify(&texts).map(drop), Err(ChainError::SignatureInvalid));
    }

    #[test]
    fn the_number_of_hops_is_bounded_on_both_sides() {
        let root = issued(&root_claims());
        let texts = signed_chain(&root, hops(8));
        assert_eq!(verify(&root, &[], MAX_HOPS).map(drop), Err(ChainError::Malformed));
        assert_eq!(verify(&root, &texts[..DEFAULT_HOPS], DEFAULT_HOPS).map(drop), Ok(()));
        assert_eq!(verify(&root, &texts[..=DEFAULT_HOPS], DEFAULT_HOPS).map(drop), Err(ChainError::DepthInvalid));
        assert_eq!(verify(&root, &texts[..1], 0).map(drop), Err(ChainError::DepthInvalid));
        assert_eq!(verify(&root, &texts, usize::MAX).map(drop), Ok(()));
        let nine: Vec<_> = texts.iter().chain(&texts[..1]).cloned().collect();
        assert_eq!(verify(&root, &nine, usize::MAX).map(drop), Err(ChainError::TooLong));
    }

    #[test]
    fn depths_are_counted_and_ceilings_do_not_grow() {
        let wrong = || Err(ChainError::DepthInvalid);
        check("a place left out", |hops| hops[1].depth = 3, wrong());
        check("a place twice", |hops| hops[2].depth = 2, wrong());
        check("too deep for its ceiling", |hops| hops.iter_mut().for_each(|hop| hop.authority.max_depth = 2), wrong());
        check("a ceiling that grows", |hops| hops[0].authority.max_depth = 7, wrong());
        check("deep enough", |hops| hops.iter_mut().for_each(|hop| hop.authority.max_depth = 3), Ok(()));
        check("something behind an instance", |hops| hops[1].is_instance = true, wrong());
        check("an instance at the end", |hops| hops[2].is_instance = true, Ok(()));
        let mut root = root_claims();
        root.authority.max_depth = 0;
        let root = issued(&root);
        let mut first = hop(1, root.name());
        first.authority.max_depth = 0;
        assert_eq!(verify(&root, &signed_chain(&root, [first]), MAX_HOPS).map(drop), wrong(), "not to be passed on");
    }

    #[test]
    fn nobody_and_nothing_stands_twice() {
        let twice = || Err(ChainError::Duplicate);
        check("an id", |hops| hops[2].hop_id = hops[0].hop_id.clone(), twice());
        check("a delegate", |hops| hops[2].delegate = did(1), twice());
        check("the agent of the root", |hops| hops[2].delegate = did(0), twice());
    }

    #[test]
    fn each_link_holds() {
        check("another delegator", |hops| hops[1].delegator = did(2).text(), Err(ChainError::Malformed));
        check("another owner", |hops| hops[2].subject = "owner:X".into(), Err(ChainError::PrincipalAltered));
        check("another task", |hops| hops[2].task = "task_x".into(), Err(ChainError::TaskAltered));
        let earlier = UnixTime::from_secs(BEGIN.as_secs() - 1);
        check("older than its parent", |hops| hops[1].issued_at = earlier, Err(ChainError::BeforeParent));
        let later = UnixTime::from_secs(BEGIN.as_secs() + 5);
        check("younger than its child", |hops| hops[1].issued_at = later, Err(ChainError::BeforeParent));
        let wider = Scope::parse("files:read admin").unwrap();
        let excess = Widening::Scope(Scope::parse("admin").unwrap());
        check("wider", |hops| hops[1].authority.scope = wider, Err(ChainError::Widened(excess)));

        let root = issued(&root_claims());
        let other = issued(&AccessToken { token_id: "tok_2".into(), ..root_claims() });
        let texts = signed_chain(&root, hops(3));
        assert_eq!(verify(&other, &texts, MAX_HOPS).map(drop), Err(ChainError::ParentHashMismatch));
        let without_task = issued(&AccessToken { task: None, ..root_claims() });
        let texts = signed_chain(&without_task, hops(1));
        assert_eq!(verify(&without_task, &texts, MAX_HOPS).map(drop), Err(ChainError::TaskAltered));
    }

    /// DEL-27: neither `kid` nor `iss` chooses the key.
    #[test]
    fn only_the_delegate_before_signs() {
        let root = issued(&root_claims());
        let other = Hop { delegator: did(5).text(), ..hop(1, root.name()) };
        let text = other.sign(&key(5)).unwrap();
        assert_eq!(verify(&root, &[text], MAX_HOPS).map(drop), Err(ChainError::SignatureInvalid));
        // well signed by the one before, in the name of another: its `kid` is that other's too
        let mut parts = parts();
        parts.0.insert("kid".to_owned(), did(5).key_id().into());
        parts.1.insert("iss".to_owned(), did(5).as_str().into());
        parts.1.insert("par_hash".to_owned(), root.name().to_string().into());
        assert_eq!(verify(&root, &[signed(&parts)], MAX_HOPS).map(drop), Err(ChainError::IssuerMismatch));
    }

    #[test]
    fn only_a_bound_root_begins_a_chain() {
        let check = |root: AccessToken| {
            let root = issued(&root);
            let texts = signed_chain(&root, hops(1));
            assert_eq!(verify(&root, &texts, MAX_HOPS).map(drop), Err(ChainError::UntrustedRoot));
        };
        check(AccessToken { confirmation: None, ..root_claims() });
        check(AccessToken { confirmation: Some(did(9).thumbprint()), ..root_claims() });
        check(AccessToken { client_id: "owner-portal".into(), ..root_claims() });
        check(AccessToken { delegability: Some(Delegability { depth: 1, offline: true }), ..root_claims() });
    }

    /// Whatever can be seen without a signature is refused before one is looked at.
    #[test]
    fn shape_comes_before_signatures() {
        let root = issued(&root_claims());
        let forged = |mut hops: Vec<Hop>, alter: fn(&mut Vec<Hop>)| {
            alter(&mut hops);
            let mut texts = signed_chain(&root, hops);
            // hop 1 with the signature of nobody
            let (input, _) = texts[0].rsplit_once('.').unwrap();
            texts[0] = format!("{input}.{}", "A".repeat(86));
            verify(&root, &texts, MAX_HOPS).map(drop)
        };
        assert_eq!(forged(hops(3), |_| {}), Err(ChainError::SignatureInvalid));
        assert_eq!(forged(hops(3), |hops| hops[2].depth = 2), Err(ChainError::DepthInvalid));
        assert_eq!(forged(hops(3), |hops| hops[2].authority.max_depth = 9), Err(ChainError::DepthInvalid));
        assert_eq!(forged(hops(3), |hops| hops[1].is_instance = true), Err(ChainError::DepthInvalid));
        assert_eq!(forged(hops(3), |hops| hops[2].hop_id = "hop_1".into()), Err(ChainError::Duplicate));
        assert_eq!(forged(hops(3), |hops| hops[2].delegate = did(0)), Err(ChainError::Duplicate));
        assert_eq!(forged(hops(3), |hops| hops[2].hop_id = "".into()), Err(ChainError::Malformed));
        // and the first hop's own signature before what the second says
        assert_eq!(forged(hops(3), |hops| hops[1].subject = "owner:X".into()), Err(ChainError::SignatureInvalid));
    }
}
