//! The one guarded outbound fetcher, for URLs that somebody else chose: metadata, key sets, feeds, `did.json`; and the resolver of
//! DIDs that goes through it.
//!
//! In: where a request may go (address rule, scheme), how long it may take, how much may come back, and the TLS settings
//! shared by everything that connects out. Out: what the bytes mean; parsing and trust belong to the caller.
//!
//! | asked | production | development |
//! |---|---|---|
//! | `https`, public address | fetched | fetched |
//! | `https`, any other address, by name or literal | [`FetchError::Address`] | the same |
//! | `http`, loopback host | [`FetchError::Scheme`] | fetched |
//! | `http`, any other host | [`FetchError::Scheme`] | the same |
//! | a redirect | [`FetchError::Redirect`] | the same |
//!
//! The address rule is applied *after* the name was resolved, to every address of the answer, and only addresses that
//! passed are connected to: a name cannot point elsewhere between check and use. Proxy settings of the environment are
//! ignored, for a proxy would resolve the name again. No cookies, no credentials, no decompression.

mod address;
mod body;
mod did;
mod error;
mod fetcher;
mod limits;
mod mode;
mod resolver;
mod setup;
mod target;

pub use address::{AddressKind, require_public};
pub use body::{BodyError, read_capped};
pub use did::{DidResolver, ResolveError, ResolvedDocument};
pub use error::{FetchError, RefusedAddress, SetupError, TransportError};
pub use fetcher::{Fetched, Fetcher};
pub use limits::{FetchLimits, MediaTypes};
pub use mode::Mode;
#[cfg(feature = "testing")]
pub use resolver::{Lookup, Names};
pub use setup::connecting_client;
