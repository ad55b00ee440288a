//! A chain that leads from a root token to a delegate, every hop signed and none wider than the one before.

use handfast_identity::{ContentHash, DidKey, Seconds, SignatureValid, UnixTime};

use super::{ChainError, Hop};

/// One hop of a verified chain, with its name.
#[derive(Debug)]
pub struct Link {
    /// What it says.
    pub hop: Hop,
    /// The hash of its signing input: how children, revocations and budgets call it.
    pub name: ContentHash,
    pub(super) _signature: SignatureValid,
}

/// Made by [`UnverifiedChain::verify`](crate::UnverifiedChain::verify), and without its root inside an [`UnrootedChain`], only;
/// never empty. Its keys are [plain](DidKey::plain), whatever they were verified with.
#[derive(Debug)]
pub struct VerifiedChain {
    root_delegate: DidKey,
    earlier: Vec<Link>,
    last: Link,
}

impl VerifiedChain {
    pub(super) const fn new(root_delegate: DidKey, earlier: Vec<Link>, last: Link) -> Self {
        Self { root_delegate, earlier, last }
    }

    /// The agent of the root, whose key signed the first hop.
    #[must_use]
    pub const fn root_delegate(&self) -> &DidKey {
        &self.root_delegate
    }

    /// The hops, from the root on.
    pub fn links(&self) -> impl DoubleEndedIterator<Item = &Link> {
        self.earlier.iter().chain(core::iter::once(&self.last))
    }

    /// The last hop: whose delegate acts, and whose authority is the effective one offline.
    #[must_use]
    pub const fn leaf(&self) -> &Link {
        &self.last
    }

    /// How many hops there are: from 1 to 8.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.earlier.len() + 1
    }

    /// Whether every hop is in its time at `now` (DEL-24, DEL-25). Asked every time: a remembered verdict says nothing of it.
    ///
    /// # Errors
    ///
    /// [`ChainError::NotYetValid`] or [`ChainError::Expired`], of the first hop that is.
    pub fn require_current(&self, now: UnixTime, leeway: Seconds) -> Result<(), ChainError> {
        let latest_start = now.saturating_add(leeway);
        for Link { hop, .. } in self.links() {
            if hop.issued_at > latest_start || hop.not_before.is_some_and(|start| start > latest_start) {
                return Err(ChainError::NotYetValid);
            }
            if now > hop.authority.expires_at.saturating_add(leeway) {
                return Err(ChainError::Expired);
            }
        }
        Ok(())
    }
}

/// Hops that are sound among themselves, below a root token whose issuer is not known to have signed it.
///
/// For a delegate that looks at what it was handed: it opens nothing, and no [`VerifiedChain`] comes out of it.
#[derive(Debug)]
pub struct UnrootedChain(VerifiedChain);

impl UnrootedChain {
    pub(super) const fn new(chain: VerifiedChain) -> Self {
        Self(chain)
    }

    /// The hops, from the root on.
    pub fn links(&self) -> impl DoubleEndedIterator<Item = &Link> {
        self.0.links()
    }

    /// The last hop.
    #[must_use]
    pub const fn leaf(&self) -> &Link {
        self.0.leaf()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::needless_pass_by_value)] // a failed set-up should stop the test
mod tests {
    use super::super::UnverifiedChain;
    use super::super::sample::{BEGIN, hop, issued, root_claims, signed_chain};
    use super::*;

    const LEEWAY: Seconds = Seconds::new(30);

    fn check(alter: impl Fn(&mut Hop), now: u64, expected: Result<(), ChainError>) {
        let root = issued(&root_claims());
        let mut hops: Vec<_> = (1..=2).map(|depth| hop(depth, ContentHash::of(b""))).collect();
        alter(&mut hops[1]);
        let texts = signed_chain(&root, hops);
        let chain = UnverifiedChain::parse(&[&texts[0], &texts[1]]).unwrap().verify(&root, 2).unwrap();
        let now = UnixTime::from_secs(BEGIN.as_secs() + now);
        assert_eq!(chain.require_current(now, LEEWAY), expected, "{now}");
    }

    #[test]
    fn every_hop_is_in_its_time() {
        let at = |second: u64| UnixTime::from_secs(BEGIN.as_secs() + second);
        check(|_| {}, 0, Ok(()));
        check(|hop| hop.authority.expires_at = at(100), 130, Ok(()));
        check(|hop| hop.authority.expires_at = at(100), 131, Err(ChainError::Expired));
        check(|hop| hop.issued_at = at(50), 20, Ok(()));
        check(|hop| hop.issued_at = at(50), 19, Err(ChainError::NotYetValid));
        check(|hop| hop.not_before = Some(at(50)), 20, Ok(()));
        check(|hop| hop.not_before = Some(at(50)), 19, Err(ChainError::NotYetValid));
    }
}
