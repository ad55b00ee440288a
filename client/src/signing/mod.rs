//! Signing: where a request may go, what is known of the server there, the proof, and what its answer asks for.

mod challenge;
mod destination;
mod prover;
mod servers;
mod signer;

pub(crate) use challenge::DpopChallenge;
pub(crate) use destination::{Destinations, Issuer};
pub(crate) use prover::{Answered, Covered, Prover};
pub(crate) use signer::{Credentials, Signer};
