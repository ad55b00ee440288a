//! The decision about one request: evidence, trust, snapshots and a time in; [`Authorized`] or a [`Rejection`] out.
//!
//! Every way into a protected handler runs these four steps, in every surface of the project, and each consumes the value of
//! the one before. A later step cannot be reached without the earlier, and only the last makes an [`Authorized`]:
//!
//! ```text
//! RequestParts --UnverifiedRequest::parse--> UnverifiedRequest   one of each field, within size
//!              --verify(point, facts, now)-->  VerifiedRequest   proof fits, token is the issuer's, nothing revoked, chain holds
//!              --bind(route, content)------>   BoundRequest      proof key = token key = current actor, route allows it
//!              --admit(receipt, spent)----->   Authorized        the proof was never used before, and every budget allows it
//! ```
//!
//! The first failure in that order is the one reported, as a [`Rejection`]; [`Rejection::answer`] is the only map to the wire.
//! Nothing here reads a clock, a store or the network: the shells (`handfast-middleware`, the registry) do.

mod answer;
mod attribution;
mod authorized;
pub mod budget;
mod chain;
mod check;
mod drift;
mod fields;
pub mod introspection;
mod point;
mod rejection;
pub mod revocation;
mod route;
pub mod status_list;
mod token;
pub mod tools;
pub mod trust;

pub use answer::{Answer, CHALLENGE_ALGORITHMS, ChallengeTerms};
pub use attribution::Attribution;
pub use authorized::Authorized;
pub use chain::{ChainPolicy, ChainVerdict, EvidencePolicy, NoVerdicts, VerdictKey, Verdicts};
pub use check::{
    BoundRequest, Credentials, Evidence, MAX_AUTHORIZATION_BYTES, RequestParts, UnverifiedRequest, VerifiedRequest,
    require_root_not_revoked, verify_evidence, verify_root,
};
pub use drift::{Denial, Drift, NoStops, ProvenDrift, Stop, Stops, Wish, Work};
pub use fields::FieldLines;
pub use point::{CLOCK_LEEWAY, DEFAULT_STALENESS, EnforcementPoint};
pub use rejection::Rejection;
pub use route::{Callers, RouteRule};
pub use token::KnownToken;
