//! What an issuer answers when it is asked about one token (RFC 7662), and for how long an answer counts (spec/introspection.md).
//!
//! ```text
//! bytes --IntrospectionAnswer::parse(token)--> IntrospectionAnswer --take_in--> Introspections <--require_active-- the check
//! ```
//!
//! Here is what an answer means. Asking is the shell's.

mod answer;
mod held;

pub use answer::{AnswerError, IntrospectionAnswer, MAX_INTROSPECTION_BYTES};
pub use held::{INTROSPECTION_TTL, Introspections, MAX_INTROSPECTIONS};
