//! What happened: the salted commitment of an event, and the log leaf that holds it.
//!
//! Every state change of the registry is a statement. The log keeps a [`Leaf`] of it: kind, time, DID and a
//! [`Commitment`], which is SHA-256(salt ‖ statement). Salt and statement are kept apart, as an [`Opening`], and served to
//! the parties; once they are erased the leaf says nothing more about them and the log stays whole.
//!
//! ```text
//! statement --Opening::new(random)--> Opening --commitment()--> Leaf --to_bytes--> log
//!                                        |                       |
//!                                        +------- opens ---------+--> OpenedLeaf: this statement is the logged one
//! ```
//!
//! Out: the Merkle tree over the leaves, checkpoints and witnesses; who signed a statement; where anything is kept.

mod commitment;
mod leaf;
mod opening;

pub use commitment::Commitment;
pub use leaf::{Leaf, LeafError, MAX_KIND_CHARS, MAX_LEAF_BYTES};
pub use opening::{MAX_STATEMENT_BYTES, OpenedLeaf, Opening, OpeningError, SALT_BYTES};
