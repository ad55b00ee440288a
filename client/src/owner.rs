//! Whose agent it is: no token is used before the owner is the expected one.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{ClientError, OwnerError};
use crate::registry::{ClaimStatus, RegistryClient};

/// The party that an agent belongs to, as the registry names it. The pair of issuer and id is the identity, never the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// `owner:` and 26 characters.
    pub id: String,
    /// What the registry shows; never in tokens.
    pub name: String,
}

/// Lets tokens be used once the claimed owner is the one that was named at registration: somebody else may have typed the
/// code first.
pub(crate) struct OwnerGate {
    expected: String,
    claim: Option<String>,
    registry: RegistryClient,
    passed: AtomicBool,
}

impl OwnerGate {
    /// A gate for the owner `expected`; `known` is the owner that was seen before, if any.
    pub(crate) fn new(
        expected: &str,
        known: Option<&Owner>,
        claim: Option<&str>,
        registry: RegistryClient,
    ) -> Result<Self, OwnerError> {
        if let Some(owner) = known {
            require_same(expected, owner)?;
        }
        let passed = AtomicBool::new(known.is_some());
        Ok(Self { expected: expected.to_owned(), claim: claim.map(str::to_owned), registry, passed })
    }

    /// Passes once the owner is the expected one; asks the registry until then.
    pub(crate) async fn pass(&self) -> Result<(), ClientError> {
        if self.passed.load(Ordering::Acquire) {
            return Ok(());
        }
        let claim = self.claim.as_deref().ok_or(OwnerError::Unknown)?;
        match self.registry.claim_status(claim).await? {
            ClaimStatus::Claimed { owner, .. } => require_same(&self.expected, &owner)?,
            ClaimStatus::Pending => return Err(OwnerError::NotYet.into()),
            ClaimStatus::Refused | ClaimStatus::Expired => return Err(OwnerError::Unknown.into()),
        }
        self.passed.store(true, Ordering::Release);
        Ok(())
    }
}

fn require_same(expected: &str, found: &Owner) -> Result<(), OwnerError> {
    if expected == found.id {
        return Ok(());
    }
    Err(OwnerError::Other { expected: expected.to_owned(), found: found.id.clone() })
}

impl fmt::Debug for OwnerGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnerGate").field("expected", &self.expected).finish_non_exhaustive()
    }
}
