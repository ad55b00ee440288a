//! The enforcement point: which resource this is, and how strict its clock rules are.

use handfast_delegation::{Environment, ResourceId};
use handfast_dpop::{NoncePolicy, ProofWindow};
use handfast_identity::Seconds;

use crate::{ChainPolicy, Stops, Verdicts};

/// Tolerance for differing clocks in token times: a token is good while `now <= exp + leeway` (AT-16, spec/limits.md).
pub const CLOCK_LEEWAY: Seconds = Seconds::new(30);
/// How old an issuer's last word on revocations may be (spec/limits.md, P-11); older: 503 `status_unknown`.
pub const DEFAULT_STALENESS: Seconds = Seconds::new(30);

/// What a check has to know about the place it guards. One value for all requests of a resource.
#[derive(Clone, Debug)]
pub struct EnforcementPoint<'a> {
    /// The resource identifier: the audience tokens must name, and the name replay entries are kept under.
    pub resource: &'a ResourceId,
    /// How old a proof may be.
    pub window: ProofWindow,
    /// What is done with nonces now, the rule for the time after a start included.
    pub nonces: NoncePolicy<'a>,
    /// Tolerance in token times.
    pub leeway: Seconds,
    /// Oldest acceptable revocation snapshot.
    pub staleness: Seconds,
    /// The environment of this server; tokens that name another are refused.
    pub environment: Option<Environment>,
    /// What is asked of delegation evidence.
    pub chain: ChainPolicy,
    /// Where chains found good are remembered.
    pub verdicts: &'a dyn Verdicts,
    /// What this server stopped by itself.
    pub stops: &'a dyn Stops,
}
