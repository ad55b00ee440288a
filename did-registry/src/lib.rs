//! The service: registry and authorization server.
//!
//! It says who owns an agent, what it may do and what has been revoked: agents register and are claimed, clients get tokens
//! bound to their keys, owners give tasks, and resource servers follow what was revoked.
//!
//! ```text
//! request -> http (form, proof or token) -> State::load -> the model decides -> State::commit -> answer
//!                                                                                 |
//!                    one batch: records, log leaf, statement, feed entries -------+--> store (sled)
//! ```
//!
//! | part | does |
//! |---|---|
//! | [`init`], [`open`] | a registry's directory: configuration, keys, store |
//! | [`Registry`] | the service; [`Registry::router`] has all routes, [`Registry::serve`] serves them |
//! | [`RegistryConfig`], [`ConfigFile`] | what the operator decided, checked before anything starts |
//! | [`store`] | the port behind which all state lives, and the embedded engine |
//!
//! What may happen is decided by `handfast-registry-model`; requests for the registry's own routes are checked by
//! `handfast-middleware`. This crate loads, asks, commits, signs and answers. It never fetches anything from anywhere.
//!
//! # In deployment
//!
//! - TLS is a proxy's, in front of it. `issuer` is the address outside that proxy, and the only one that proofs are compared
//!   with: `Host` and forwarding headers have no say.
//! - Registrations are counted by the address of the TCP connection. Behind a proxy that is one address for everybody: raise
//!   `limits.registrations_per_source` to the total there, `limits.connections_per_peer` to 900, and let the proxy count.
//! - Proofs are remembered by this process, and every proof needs a nonce of this process, so a restart lets none in twice.
//! - `/metrics` names nobody; keep it from the public all the same.

mod answers;
mod config;
mod epoch;
mod feed;
mod http;
mod keys;
mod lookup;
mod metrics;
mod random;
mod service;
mod setup;
mod state;
mod statuses;
pub mod store;
mod usage;

pub use config::{
    CONFIG_FILE, ConfigError, ConfigFile, LifetimesFile, Limits, LimitsFile, RegistryConfig, ResourceFile,
    RotationFile, Setting,
};
pub use epoch::{EpochBegun, FeedKeyReplaced, begin_epoch, replace_feed_key};
pub use handfast_registry_model::{OwnerCode, Refusal, Role};
pub use keys::{KEYS_DIRECTORY, KeyFileError, RecoveryKey, RegistryKeys, RotatedTokenKey, rotate_token_key};
pub use random::SharedRandom;
pub use service::{Parts, Registry, SharedClock, StartError};
pub use setup::{Initialised, STORE_DIRECTORY, SetupError, feed_link, init, open};
