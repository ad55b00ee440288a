//! Chains at a resource server: what is asked of them, and what may be remembered about them.

mod names;
mod policy;
mod verdict;

pub(crate) use names::ChainNames;
pub use policy::{ChainPolicy, EvidencePolicy};
pub(crate) use verdict::RootKey;
pub use verdict::{ChainVerdict, NoVerdicts, VerdictKey, Verdicts};
