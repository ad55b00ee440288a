//! A bundle: what a delegator hands to its delegate, looked at before anything is done with it.

use std::fmt;
use std::sync::Arc;

use handfast_delegation::{
    AccessToken, Authority, ChainError, ChainText, Hop, MAX_CHAIN_BYTES, MAX_HOPS, UnrootedChain,
    UnverifiedAccessToken, UnverifiedChain,
};
use handfast_identity::{ContentHash, DidKey, PublicKey, UnixTime};
use zeroize::Zeroizing;

use super::{DelegationError, Evidence};
use crate::token::BoundToken;

/// A root token and the hops below it, sound among themselves: each signed by the delegate before it, none wider than its
/// parent. Cloning shares it.
///
/// Who signed the root token is not known without the issuer's key ([`Self::require_signed_by`]), and nothing here says what is
/// revoked: servers decide both. A bundle is useless without the key of its delegate (DEL-49), but says what was planned, so it
/// is not for logs.
#[derive(Clone)]
pub struct Bundle(Arc<Inner>);

struct Inner {
    /// Members joined by one `,` without blanks.
    text: Zeroizing<String>,
    root: UnverifiedAccessToken,
    chain: UnrootedChain,
}

impl Bundle {
    /// Reads a bundle and verifies its hops against each other; blanks around it do not count.
    ///
    /// # Errors
    ///
    /// [`DelegationError::Chain`] with what is wrong.
    pub fn parse(text: &str) -> Result<Self, DelegationError> {
        let text = ChainText::parse(text.trim(), MAX_CHAIN_BYTES)?;
        let (root, hops) = text.split_root().ok_or(ChainError::Malformed)?;
        let root = UnverifiedAccessToken::parse(root).map_err(|_| ChainError::UntrustedRoot)?;
        // what cannot be read cannot be compared
        if root.unverified_claims().has_unreadable_restriction {
            return Err(ChainError::UntrustedRoot.into());
        }
        let chain = UnverifiedChain::parse(hops)?.verify_unrooted(&root, MAX_HOPS)?;
        Ok(Self(Arc::new(Inner { text: Zeroizing::new(text.to_field()), root, chain })))
    }

    /// The text to hand to the delegate and to nobody else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0.text
    }

    /// The registry that the root token says it is of.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.root().issuer
    }

    /// The `kid` under which that registry publishes the key of the root token.
    #[must_use]
    pub fn root_key_id(&self) -> Option<&str> {
        self.0.root.kid()
    }

    /// Whom it is for: the only key that can use it.
    #[must_use]
    pub fn delegate(&self) -> &DidKey {
        &self.leaf().delegate
    }

    /// What its delegate may do.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.leaf().authority
    }

    /// The owner it comes from.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.leaf().subject
    }

    /// Id of the task it is for.
    #[must_use]
    pub fn task(&self) -> &str {
        &self.leaf().task
    }

    /// When it ends; nothing before the last hop ends earlier.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.authority().expires_at
    }

    /// Whether it may be presented without being exchanged.
    #[must_use]
    pub fn is_for_offline(&self) -> bool {
        self.root().delegability.is_some_and(|delegability| delegability.offline)
    }

    /// The hops, from the root on.
    pub fn hops(&self) -> impl DoubleEndedIterator<Item = &Hop> {
        self.0.chain.links().map(|link| &link.hop)
    }

    /// Whether the root token was signed by `key`, the one its issuer has under [`Self::root_key_id`].
    ///
    /// # Errors
    ///
    /// [`ChainError::UntrustedRoot`].
    pub fn require_signed_by(&self, key: &PublicKey) -> Result<(), DelegationError> {
        let root = UnverifiedAccessToken::parse(self.root_text()).map_err(|_| ChainError::UntrustedRoot)?;
        root.verify(key).map_err(|_| ChainError::UntrustedRoot)?;
        Ok(())
    }

    /// Whether it is for the key of `own`.
    ///
    /// # Errors
    ///
    /// [`DelegationError::NotForUs`].
    pub fn require_for(&self, own: &DidKey) -> Result<(), DelegationError> {
        if self.delegate() == own {
            return Ok(());
        }
        Err(DelegationError::NotForUs { own: own.to_string(), found: self.delegate().to_string() })
    }

    pub(crate) fn require_running(&self, now: UnixTime) -> Result<(), DelegationError> {
        if now < self.expires_at() { Ok(()) } else { Err(DelegationError::Ended) }
    }

    pub(super) fn root(&self) -> &AccessToken {
        self.0.root.unverified_claims()
    }

    pub(super) fn leaf(&self) -> &Hop {
        &self.0.chain.leaf().hop
    }

    /// What children and revocations call the last hop by.
    pub(crate) fn leaf_name(&self) -> ContentHash {
        self.0.chain.leaf().name
    }

    pub(crate) fn root_text(&self) -> &str {
        self.split().0
    }

    /// Everything: what goes beside an exchanged token.
    pub(crate) fn evidence(&self) -> Evidence {
        Evidence::of_joined(self.expose())
    }

    /// The last hop, and those before it as evidence: what an exchange sends.
    pub(crate) fn split_last(&self) -> (&str, Option<Evidence>) {
        let (_, hops) = self.split();
        hops.rsplit_once(',').map_or((hops, None), |(earlier, last)| (last, Some(Evidence::of_joined(earlier))))
    }

    /// The root token with the hops beside it, for presenting both without the registry.
    pub(crate) fn offline_token(&self, now: UnixTime) -> Result<BoundToken, DelegationError> {
        self.require_running(now)?;
        let (root, hops) = self.split();
        Ok(BoundToken {
            text: Zeroizing::new(root.to_owned()),
            scope: Some(self.authority().scope.to_string()),
            expires_in: self.expires_at().since(now),
            task: Some(self.task().to_owned()),
            evidence: Some(Evidence::of_joined(hops)),
            key: None,
        })
    }

    fn split(&self) -> (&str, &str) {
        // a bundle has a hop, or it was not read
        self.0.text.split_once(',').unwrap_or((&self.0.text, ""))
    }
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // P-19, TH73: names and no texts
        f.debug_struct("Bundle")
            .field("delegate", self.delegate())
            .field("task", &self.task())
            .field("hops", &self.hops().count())
            .finish_non_exhaustive()
    }
}
