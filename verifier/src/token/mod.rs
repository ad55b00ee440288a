//! Access tokens whose signature is known good, and what follows from their bytes alone.

mod known;
mod names;

pub use known::KnownToken;
pub(crate) use names::TokenNames;
