//! What tests of every crate need: fixed keys, a clock turned by hand, counted random bytes, and makers of good messages.
//!
//! A test starts from something good and breaks one part of it. So every maker here makes what has to be accepted, gives its
//! parts out as plain values to alter, and signs whatever it is then given:
//!
//! ```
//! use handfast_identity::Seconds;
//! use handfast_testkit::{Agent, Issuer, START};
//! let (issuer, agent) = (Issuer::example(), Agent::numbered(1));
//! let good = issuer.token_for(&agent, "https://api.example", "files:read", START);
//! let mut expired = good.clone();
//! expired.authority.expires_at = START.saturating_add(Seconds::new(1));
//! let (good, expired) = (issuer.sign(&good), issuer.sign(&expired));
//! let proof = agent.proof("GET", "https://api.example/files", &good, START);
//! assert_ne!(good, expired);
//! assert_eq!(proof.split('.').count(), 3);
//! ```
//!
//! | module | makes |
//! |---|---|
//! | [`keys`] | keys of fixed seeds |
//! | [`time`] | [`HandClock`], and [`START`], the time at which tests begin |
//! | [`random`] | [`CountedRandom`]: as many different bytes as asked for, the same in every run |
//! | [`agents`] | [`Agent`]: a key, its DID, its proofs |
//! | [`issuers`] | [`Issuer`]: tokens, key set, trust record |
//! | [`chains`] | [`Chain`]: hops below a root token, as they are presented |
//! | [`feeds`] | [`Feed`]: events, snapshots, increments and heartbeats |
//! | [`facts`] | what a resource server knows once it has heard from an issuer |
//!
//! Nothing here reads a clock, a file or the network. The keys are public: programs refuse them in production (TH68).

#![allow(clippy::expect_used, clippy::panic)] // a test that cannot make its material should stop

pub mod agents;
pub mod chains;
pub mod facts;
pub mod feeds;
pub mod issuers;
pub mod keys;
pub mod random;
pub mod time;

pub use agents::{Agent, ProofParts};
pub use chains::{Chain, Evidence};
pub use facts::{facts_of, known};
pub use feeds::Feed;
pub use issuers::{Issuer, TOKEN_LIFETIME};
pub use random::CountedRandom;
pub use time::{HandClock, START};
