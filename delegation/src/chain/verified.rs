//! A chain that leads from a root token to a delegate, every hop signed and none wider than the one before.

use handfast_identity::{ContentHash, Seconds, SignatureValid, UnixTime};

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

/// Made by [`UnverifiedChain::verify`](crate::UnverifiedChain::verify) only; never empty.
#[derive(Debug)]
pub struct VerifiedChain {
    earlier: Vec<Link>,
    last: Link,
}

impl VerifiedChain {
    pub(super) const fn new(earlier: Vec<Link>, last: Link) -> Self {
        Self { earlier, last }
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
