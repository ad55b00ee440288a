//! Bodies of the calls that change an agent's life (spec/lifecycle.md).

use handfast_delegation::Environment;
use handfast_identity::json;
use serde::Deserialize;

use super::body;
use crate::ceiling::CeilingRequestWire;
use crate::limits::MAX_WHY_BYTES;
use crate::{Ceiling, OwnerId, Refusal, ShownText};

/// `POST /agents/{…}/suspend`, `/resume`, `/retire`, `/transfer/accept`, `/transfer/withdraw`: why, if somebody says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonRequest {
    /// Why, in the caller's words.
    pub reason: Option<ShownText<MAX_WHY_BYTES>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReasonWire {
    #[serde(default)]
    reason: Option<ShownText<MAX_WHY_BYTES>>,
}

impl ReasonRequest {
    /// Reads the body: an object that may be empty.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidRequest`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let ReasonWire { reason } = body(bytes)?;
        Ok(Self { reason })
    }
}

/// `POST /agents/{…}/transfer`: to whom, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferRequest {
    /// Who is to have it.
    pub to: OwnerId,
    /// Why, in the caller's words.
    pub reason: Option<ShownText<MAX_WHY_BYTES>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfferWire {
    to: OwnerId,
    #[serde(default)]
    reason: Option<ShownText<MAX_WHY_BYTES>>,
}

impl OfferRequest {
    /// Reads the body.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidRequest`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let OfferWire { to, reason } = body(bytes)?;
        Ok(Self { to, reason })
    }
}

/// `POST /agents/{…}/ceiling`: the new ceiling, whole, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CeilingRequest {
    /// The ceiling; what it leaves out is as in an approval.
    pub ceiling: Ceiling,
    /// Why, in the caller's words.
    pub reason: Option<ShownText<MAX_WHY_BYTES>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CeilingWire {
    #[serde(deserialize_with = "json::object")]
    ceiling: CeilingRequestWire,
    #[serde(default)]
    reason: Option<ShownText<MAX_WHY_BYTES>>,
}

impl CeilingRequest {
    /// Reads the body.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidRequest`]; for the ceiling [`Refusal::InvalidCeiling`], [`Refusal::InvalidScope`] or
    /// [`Refusal::InvalidAuthorizationDetails`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let CeilingWire { ceiling, reason } = body(bytes)?;
        Ok(Self { ceiling: ceiling.try_into()?, reason })
    }
}

/// `POST /agents/{…}/environment`: where it runs from now on, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentRequest {
    /// Where.
    pub environment: Environment,
    /// Why, in the caller's words.
    pub reason: Option<ShownText<MAX_WHY_BYTES>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvironmentWire {
    environment: Environment,
    #[serde(default)]
    reason: Option<ShownText<MAX_WHY_BYTES>>,
}

impl EnvironmentRequest {
    /// Reads the body.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidRequest`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let EnvironmentWire { environment, reason } = body(bytes)?;
        Ok(Self { environment, reason })
    }
}

/// `POST /owners/{id}/offboarding`: what becomes of the agents, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffboardingRequest {
    /// Who takes them over; they are retired if nobody is named.
    pub to: Option<OwnerId>,
    /// Why, in the caller's words.
    pub reason: Option<ShownText<MAX_WHY_BYTES>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OffboardingWire {
    agents: String,
    #[serde(default)]
    to: Option<OwnerId>,
    #[serde(default)]
    reason: Option<ShownText<MAX_WHY_BYTES>>,
}

impl OffboardingRequest {
    /// Reads the body: `agents` is `retire`, or `transfer` with `to`.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidRequest`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let OffboardingWire { agents, to, reason } = body(bytes)?;
        match (agents.as_str(), &to) {
            ("retire", None) | ("transfer", Some(_)) => Ok(Self { to, reason }),
            _ => Err(Refusal::InvalidRequest),
        }
    }
}
