//! Proof of possession: RFC 9449 proofs made and checked, target URIs, nonces and the replay port.
//!
//! A proof says that the holder of a key asked for one method on one target at one time. The stages of a check are types,
//! and each can only be had from the one before:
//!
//! ```text
//! field --parse--> UnverifiedProof --check(expectation, now)--> CheckedProof --verify--> VerifiedProof
//!                                                 | foresee(point)                          | replay_entry(point)
//!                  ReplayStore::foresee(entry) <--ForeseenProof --verify--> VerifiedProof, ReplayEntry
//!                                                              Receipt <--ReplayStore::insert(entry, now)
//! ```
//!
//! The way by [`ForeseenProof`] comes to the same answers, and lets a store fetch its memory while the signature is verified.
//!
//! Out: counting the `DPoP` fields of a request (DPOP-21: whoever reads the header hands over one), comparing the proof's key
//! with the token's `cnf.jkt` (`handfast-verifier`), and the answers on the wire. No clock, environment, disk, network or
//! random source is read: time and randomness are arguments, and nothing here is asynchronous. [`MemoryReplay`] is no part of that
//! rule: it draws a secret of its own, and a thread of its own clears its memory.
//!
//! In deployment: the compared URI comes from the configured [`PublicBase`], not from the request; nodes of one service that
//! do not share a replay store each accept a proof once; a store in memory needs the [`RestartRule`].

mod digest;
mod nonce;
mod proof;
mod replay;
mod target;
mod window;

pub use digest::ContentDigest;
pub use handfast_identity::ContentHash;
pub use nonce::{
    MAX_NONCE_BYTES, NONCE_PERIOD, Nonce, NonceDemand, NonceEffect, NonceError, NonceKeys, NoncePolicy, NonceRole,
    NonceSecret, NonceSource, NonceTextError, NonceTime, PeriodError, RestartRule,
};
pub use proof::{
    CheckedProof, Expectation, ForeseenProof, KnownHeaders, Likely, MAX_METHOD_BYTES, MAX_PROOF_BYTES,
    MAX_PROOF_ID_BYTES, MakeError, PROOF_TYPE, ProofClass, ProofError, ProofForm, ProofHeader, ProofId, ProofRequest,
    ProofRoom, ProofSigner, Remedy, UnverifiedProof, VerifiedProof,
};
pub use replay::{
    ForeseenEntry, MemoryReplay, Receipt, RefuseAll, ReplayEntry, ReplayError, ReplayLimits, ReplayStore, StoreFill,
};
pub use target::{MAX_TARGET_BYTES, PublicBase, Target, TargetError};
pub use window::{
    DEFAULT_FUTURE, DEFAULT_PAST, FUTURE_BOUNDS, MCP_FUTURE, MCP_PAST, PAST_BOUNDS, ProofWindow, WindowError,
};
