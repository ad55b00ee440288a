//! `agent-registration+jwt`: an agent introduces itself.

use core::fmt;

use handfast_delegation::{Authority, Environment, ResourceId, Scope};
use handfast_identity::jws::{self, JwsError};
use handfast_identity::{ContentHash, DidKey, SigningKey, UnixTime, json};
use serde::{Deserialize, Serialize};

use super::{CommonClaims, Envelope, Proven, ReceivedStatement, StatementError, open};
use crate::authority::plain_authority;
use crate::{EnrolmentToken, OwnerId, Profile, RegistryPolicy, ShownText};

/// The `typ` of the statement.
pub const AGENT_STATEMENT_TYPE: &str = "agent-registration+jwt";

/// What an agent says when it registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentRegistration {
    /// The issuer it registers with.
    pub audience: String,
    /// When it says so.
    pub issued_at: UnixTime,
    /// A fresh id; the registry takes it once.
    pub proof_id: String,
    /// Who it says it is.
    pub profile: Profile,
    /// What it would like to be allowed. A wish: the owner decides.
    pub requested: Authority,
    /// The only owner it is to be claimed by, if it knows one.
    pub expected_owner: Option<OwnerId>,
    /// The enrolment token that an owner gave it, if one did: then it is that owner's at once.
    pub enrolment: Option<EnrolmentToken>,
}

impl AgentRegistration {
    /// Signs the statement with the key that is to be registered.
    ///
    /// # Errors
    ///
    /// [`JwsError::Json`] if it cannot be written, which no value of this type causes.
    pub fn sign(&self, key: &SigningKey) -> Result<String, JwsError> {
        let did = key.public().did();
        let claims = ClaimsWire {
            iss: did.to_string(),
            aud: self.audience.clone(),
            iat: self.issued_at,
            jti: self.proof_id.clone(),
            expected_owner: self.expected_owner.as_ref().map(ToString::to_string),
            name: self.profile.name.to_string(),
            version: self.profile.version.to_string(),
            purpose: self.profile.purpose.to_string(),
            environment: self.profile.environment,
            scope: self.requested.scope.clone(),
            resource: self.requested.resources.iter().cloned().collect(),
            enrolment: self.enrolment.as_ref().map(|token| token.expose().to_owned()),
        };
        jws::sign(AGENT_STATEMENT_TYPE, Some(&did.key_id()), &claims, key)
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ClaimsWire {
    iss: String,
    aud: String,
    iat: UnixTime,
    jti: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expected_owner: Option<String>,
    name: String,
    version: String,
    purpose: String,
    environment: Environment,
    #[serde(default)]
    scope: Scope,
    #[serde(default)]
    resource: Vec<ResourceId>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    enrolment: Option<String>,
}

/// A registration that was read and not believed.
pub struct UnverifiedAgentRegistration {
    envelope: Envelope,
    registration: AgentRegistration,
}

impl fmt::Debug for UnverifiedAgentRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedAgentRegistration").field("did", &self.envelope.did).finish_non_exhaustive()
    }
}

impl UnverifiedAgentRegistration {
    /// Reads size, form, `typ` and claims; unknown claims are refused.
    ///
    /// # Errors
    ///
    /// [`StatementError`], never [`StatementError::Signature`].
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        let (jws, wire) = open::<ClaimsWire>(text, AGENT_STATEMENT_TYPE)?;
        let claim = StatementError::Claim;
        let profile = Profile {
            name: ShownText::parse(&wire.name).map_err(|_| claim("name"))?,
            version: ShownText::parse(&wire.version).map_err(|_| claim("version"))?,
            purpose: ShownText::parse(&wire.purpose).map_err(|_| claim("purpose"))?,
            environment: wire.environment,
        };
        if profile.name.is_empty() {
            return Err(claim("name"));
        }
        let common = CommonClaims { iss: wire.iss, aud: wire.aud, iat: wire.iat, jti: wire.jti };
        let envelope = Envelope::new(text, jws, common)?;
        let enrolment = wire.enrolment.map(|text| EnrolmentToken::new(&text).ok_or(claim("enrolment"))).transpose()?;
        let expected = wire.expected_owner.map(|id| OwnerId::parse(&id)).transpose();
        let registration = AgentRegistration {
            audience: envelope.audience.clone(),
            issued_at: envelope.issued_at,
            proof_id: envelope.proof_id.clone(),
            profile,
            requested: plain_authority(wire.scope, wire.resource).map_err(|_| claim("scope"))?,
            expected_owner: expected.map_err(|_| claim("expected_owner"))?,
            enrolment,
        };
        Ok(Self { envelope, registration })
    }

    /// Verifies audience, time, key and signature (TH57).
    ///
    /// Success says that the holder of the DID's key wrote this for this registry within the window. It does not say that
    /// the statement is new: take its [`proof_id`](VerifiedAgentRegistration::proof_id) to the replay store.
    ///
    /// # Errors
    ///
    /// [`StatementError`].
    pub fn verify(self, policy: &RegistryPolicy, now: UnixTime) -> Result<VerifiedAgentRegistration, StatementError> {
        let proven = self.envelope.verify(policy, now)?;
        Ok(VerifiedAgentRegistration { proven, registration: self.registration })
    }
}

/// A registration whose DID is proved. Made by [`UnverifiedAgentRegistration::verify`] only.
#[derive(Debug)]
pub struct VerifiedAgentRegistration {
    proven: Proven,
    registration: AgentRegistration,
}

impl VerifiedAgentRegistration {
    /// The DID, whose key signed.
    #[must_use]
    pub const fn did(&self) -> &DidKey {
        &self.proven.did
    }

    /// The statement's id, to be taken once.
    #[must_use]
    pub fn proof_id(&self) -> &str {
        &self.proven.proof_id
    }

    /// What the agent says. Signed, and still only its own word.
    #[must_use]
    pub const fn registration(&self) -> &AgentRegistration {
        &self.registration
    }

    /// The hash of what it asks for, whenever it was signed.
    #[must_use]
    pub const fn wish(&self) -> ContentHash {
        self.proven.wish
    }

    /// The statement as received.
    #[must_use]
    pub const fn text(&self) -> &ReceivedStatement {
        &self.proven.text
    }
}
