//! `agent-version+jwt`: an agent says which version of its software it is.

use core::fmt;

use handfast_identity::jws::{self, JwsError};
use handfast_identity::{DidKey, SigningKey, UnixTime};
use serde::{Deserialize, Serialize};

use super::{CommonClaims, Envelope, Proven, ReceivedStatement, StatementError, open};
use crate::limits::MAX_VERSION_BYTES;
use crate::{Refusal, RegistryPolicy, ShownText};

/// The `typ` of the statement.
pub const VERSION_STATEMENT_TYPE: &str = "agent-version+jwt";

/// What an agent says of its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionStatement {
    /// The issuer it is registered with.
    pub audience: String,
    /// When it says so.
    pub issued_at: UnixTime,
    /// A fresh id.
    pub proof_id: String,
    /// The version, in its own words.
    pub version: ShownText<MAX_VERSION_BYTES>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ClaimsWire {
    iss: String,
    aud: String,
    iat: UnixTime,
    jti: String,
    version: String,
}

impl VersionStatement {
    /// Signs the statement with the agent's key.
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
            version: self.version.to_string(),
        };
        jws::sign(VERSION_STATEMENT_TYPE, Some(&did.key_id()), &claims, key)
    }
}

/// A version statement that was read and not believed.
pub struct UnverifiedVersion {
    envelope: Envelope,
    version: ShownText<MAX_VERSION_BYTES>,
}

impl fmt::Debug for UnverifiedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedVersion").field("did", &self.envelope.did).finish_non_exhaustive()
    }
}

impl UnverifiedVersion {
    /// Reads size, form, `typ` and claims; unknown claims are refused.
    ///
    /// # Errors
    ///
    /// [`StatementError`], never [`StatementError::Signature`].
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        let (jws, wire) = open::<ClaimsWire>(text, VERSION_STATEMENT_TYPE)?;
        let version = ShownText::parse(&wire.version).map_err(|_| StatementError::Claim("version"))?;
        if version.is_empty() {
            return Err(StatementError::Claim("version"));
        }
        let common = CommonClaims { iss: wire.iss, aud: wire.aud, iat: wire.iat, jti: wire.jti };
        Ok(Self { envelope: Envelope::new(text, jws, common)?, version })
    }

    /// Verifies audience, time, key and signature.
    ///
    /// Success says that the holder of the DID's key wrote this for this registry within the window. That it is later than the last
    /// one is for [`state_version`](crate::state_version) to say.
    ///
    /// # Errors
    ///
    /// [`StatementError`].
    pub fn verify(self, policy: &RegistryPolicy, now: UnixTime) -> Result<VerifiedVersion, StatementError> {
        let issued_at = self.envelope.issued_at;
        Ok(VerifiedVersion { proven: self.envelope.verify(policy, now)?, issued_at, version: self.version })
    }
}

/// A version statement whose DID is proved. Made by [`UnverifiedVersion::verify`] only.
#[derive(Debug)]
pub struct VerifiedVersion {
    proven: Proven,
    issued_at: UnixTime,
    version: ShownText<MAX_VERSION_BYTES>,
}

impl VerifiedVersion {
    /// The DID, whose key signed.
    #[must_use]
    pub const fn did(&self) -> &DidKey {
        &self.proven.did
    }

    /// The version. Signed, and still only the agent's own word.
    #[must_use]
    pub const fn version(&self) -> &ShownText<MAX_VERSION_BYTES> {
        &self.version
    }

    /// When it was signed.
    #[must_use]
    pub const fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    /// The statement as received.
    #[must_use]
    pub const fn text(&self) -> &ReceivedStatement {
        &self.proven.text
    }

    /// The refusal for a statement that does not hold: not registered with, but told a version.
    #[must_use]
    pub fn refusal(error: StatementError) -> Refusal {
        match Refusal::from(error) {
            Refusal::InvalidRegistration => Refusal::InvalidVersion,
            other => other,
        }
    }
}
