//! `owner-registration+jwt`: an owner registers, with an enrolment code.

use core::fmt;

use handfast_identity::jws::{self, JwsError};
use handfast_identity::{ContentHash, DidKey, SigningKey, UnixTime};
use serde::{Deserialize, Serialize};

use super::{CommonClaims, Envelope, Proven, ReceivedStatement, StatementError, open};
use crate::limits::MAX_CODE_BYTES;
use crate::{OwnerCode, RegistryPolicy, Slot};

/// The `typ` of the statement.
pub const OWNER_STATEMENT_TYPE: &str = "owner-registration+jwt";

/// What an owner says when registering.
#[derive(Debug)]
pub struct OwnerRegistration {
    /// The issuer to register with.
    pub audience: String,
    /// When it was said.
    pub issued_at: UnixTime,
    /// A fresh id; the registry takes it once.
    pub proof_id: String,
    /// The code an admin gave out.
    pub code: OwnerCode,
}

impl OwnerRegistration {
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
            enrolment: self.code.expose().to_owned(),
        };
        jws::sign(OWNER_STATEMENT_TYPE, Some(&did.key_id()), &claims, key)
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ClaimsWire {
    iss: String,
    aud: String,
    iat: UnixTime,
    jti: String,
    enrolment: String,
}

/// A registration that was read and not believed.
pub struct UnverifiedOwnerRegistration {
    envelope: Envelope,
    code: OwnerCode,
}

impl fmt::Debug for UnverifiedOwnerRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedOwnerRegistration").field("did", &self.envelope.did).finish_non_exhaustive()
    }
}

impl UnverifiedOwnerRegistration {
    /// Reads size, form, `typ` and claims; unknown claims are refused.
    ///
    /// # Errors
    ///
    /// [`StatementError`], never [`StatementError::Signature`].
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        let (jws, wire) = open::<ClaimsWire>(text, OWNER_STATEMENT_TYPE)?;
        if wire.enrolment.len() > MAX_CODE_BYTES {
            return Err(StatementError::Claim("enrolment"));
        }
        let common = CommonClaims { iss: wire.iss, aud: wire.aud, iat: wire.iat, jti: wire.jti };
        Ok(Self { envelope: Envelope::new(text, jws, common)?, code: OwnerCode::new(&wire.enrolment) })
    }

    /// Verifies audience, time, key and signature; the code is a matter of its record.
    ///
    /// # Errors
    ///
    /// [`StatementError`].
    pub fn verify(self, policy: &RegistryPolicy, now: UnixTime) -> Result<VerifiedOwnerRegistration, StatementError> {
        Ok(VerifiedOwnerRegistration { proven: self.envelope.verify(policy, now)?, code: self.code })
    }
}

/// A registration whose DID is proved. Made by [`UnverifiedOwnerRegistration::verify`] only.
#[derive(Debug)]
pub struct VerifiedOwnerRegistration {
    proven: Proven,
    code: OwnerCode,
}

impl VerifiedOwnerRegistration {
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

    /// Where the record of the presented code would be.
    #[must_use]
    pub fn code_slot(&self) -> Slot {
        Slot::owner_code(&self.code)
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
