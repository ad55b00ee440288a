//! What travels beside a token: the `Delegation` field, and the hash that the proof names it by.

use std::fmt;
use std::sync::Arc;

use handfast_identity::ContentHash;

/// The value of one `Delegation` field and its hash: together in a request, or neither of them (DEL-32).
#[derive(Clone)]
pub(crate) struct Evidence {
    field: Arc<str>,
    hash: ContentHash,
}

impl Evidence {
    /// Of members joined by one `,` without blanks.
    pub(crate) fn of_joined(members: &str) -> Self {
        Self { field: members.into(), hash: ContentHash::of(members.as_bytes()) }
    }

    pub(crate) fn field(&self) -> &str {
        &self.field
    }

    pub(crate) const fn hash(&self) -> ContentHash {
        self.hash
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // P-19: a root token may stand in it
        write!(f, "Evidence(redacted, {})", self.hash)
    }
}
