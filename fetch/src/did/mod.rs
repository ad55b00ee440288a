//! Resolving DIDs, `did:web` with a fetch: what the method says about any DID, kept for a while and never for long.
//!
//! | method | asks |
//! |---|---|
//! | `did:key`, `did:jwk` | nobody |
//! | `did:web` | the host, through a [`Fetcher`](crate::Fetcher): public addresses after DNS, no redirect, 64 KiB, 5 s |
//!
//! Whoever may choose the DIDs may choose the hosts, and hosts may be hostile. So lookups of one DID share one fetch, a host has few at
//! a time, so many wrong answers a second, and a pause after it let a fetch wait or broke it off; all together are bounded, and nobody queues:
//! what is too much is [`ResolveError::Busy`] at once. Documents and failures are kept, by number, bytes and time bounded; what is over is fetched
//! again and never served in its place (DW-11).

mod cache;
mod freshness;
mod hosts;
mod resolver;

pub use resolver::{DidResolver, ResolveError, ResolvedDocument};
