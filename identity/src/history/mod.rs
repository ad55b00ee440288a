//! The history of an agent's keys: statements by which one key follows another, and the check of a whole history offline
//! (spec/rotation.md).
//!
//! ```text
//! 1 registered --rotation, by key 1 and key 2--> 2 --rotation, by key 2 and key 3--> 3
//!       |
//!       +------------- recovery, by the owner and key 4: 2 and 3 were never good ------------> 4
//! ```
//!
//! In: form, signatures and what the statements say of each other. Out: whether a registry took them, when that was
//! (`handfast-registry-model`), and whose key an owner's is.

mod chain;
mod statement;
#[cfg(test)]
mod tests;
mod wire;

pub use chain::{
    Ground, HistoryError, KeyLink, MAX_HISTORY_BYTES, MAX_KEYS_PER_AGENT, UnverifiedHistory, VerifiedHistory,
};
pub use statement::{
    ACCEPTANCE_TYPE, KeyChange, KeyChangeError, KeyChangeKind, MAX_KEY_STATEMENT_BYTES, RECOVERY_TYPE, ROTATION_TYPE,
    SignedKeyChange, Succession, UnverifiedKeyChange,
};
