//! What a new hop is signed below: a root token of one's own, or the bundle one was given.

use handfast_delegation::{Authority, UnverifiedAccessToken};
use handfast_identity::{ContentHash, UnixTime};
use zeroize::Zeroizing;

use super::{Bundle, DelegationError};

/// The end of a chain, as its next hop is compared with it.
pub(super) struct Parent {
    /// Root token and hops so far, joined by `,`.
    pub(super) text: Zeroizing<String>,
    pub(super) name: ContentHash,
    /// Whose key signs the next hop.
    pub(super) delegate: String,
    pub(super) subject: String,
    pub(super) task: String,
    pub(super) authority: Authority,
    pub(super) issued_at: UnixTime,
    pub(super) depth: u8,
    pub(super) is_instance: bool,
}

impl Parent {
    /// A root token, read without its issuer's key: it came from the registry that was asked.
    pub(super) fn of_root(text: &str) -> Result<Self, DelegationError> {
        let root = UnverifiedAccessToken::parse(text)
            .map_err(|_| DelegationError::Root("the registry's access token is of a kind that cannot be passed on"))?;
        let claims = root.unverified_claims();
        let is_root = claims.delegability.is_some_and(|delegability| delegability.depth == 0) && claims.chain.is_none();
        let (true, Some(task)) = (is_root, &claims.task) else {
            return Err(DelegationError::Root("only an agent's own root token for a task can be passed on"));
        };
        // what cannot be read cannot be compared
        if claims.has_unreadable_restriction {
            return Err(DelegationError::Root("the token has restrictions this version cannot read, nor pass on"));
        }
        Ok(Self {
            text: Zeroizing::new(text.to_owned()),
            name: root.name(),
            delegate: claims.client_id.to_string(),
            subject: claims.subject.to_string(),
            task: task.id.to_string(),
            authority: claims.authority.clone(),
            issued_at: claims.issued_at,
            depth: 0,
            is_instance: false,
        })
    }

    pub(super) fn of_bundle(bundle: &Bundle) -> Self {
        let leaf = bundle.leaf();
        Self {
            text: Zeroizing::new(bundle.expose().to_owned()),
            name: bundle.leaf_name(),
            delegate: leaf.delegate.as_str().to_owned(),
            subject: leaf.subject.to_string(),
            task: leaf.task.to_string(),
            authority: leaf.authority.clone(),
            issued_at: leaf.issued_at,
            depth: leaf.depth,
            is_instance: leaf.is_instance,
        }
    }
}
