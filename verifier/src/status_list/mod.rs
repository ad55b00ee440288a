//! Token Status Lists: values packed and compressed, the signed list, and what a reader holds of one issuer's
//! (spec/status-lists.md, draft-ietf-oauth-status-list-20).
//!
//! ```text
//! StatusList --compress, sign--> text --parse--> UnverifiedStatusList --verify(key)--> VerifiedStatusList --apply--> StatusLists
//! ```
//!
//! What is compressed is read and written with the feature `zlib` only: looking a token up needs none of it, and so the decision's own
//! tree of crates does without.
//!
//! Here and not in `delegation`: a list is what a server knows about its issuers, like a revocation feed, and the registry, which
//! writes lists, stands on this crate anyway.

mod held;
mod list;
#[cfg(feature = "zlib")]
mod token;

pub use held::{
    DEFAULT_LIST_TTL, LIST_TTL_BOUNDS, ListError, ListState, MAX_HELD_LISTS, MAX_LIST_LIFETIME, MAX_REMEMBERED_LISTS,
    StatusLists,
};
pub use list::{EntryBits, EntryStatus, MAX_LIST_BYTES, StatusList, StatusListError};
#[cfg(feature = "zlib")]
pub use token::{MAX_STATUS_TOKEN_BYTES, STATUS_LIST_TYPE, StatusListToken, UnverifiedStatusList, VerifiedStatusList};
