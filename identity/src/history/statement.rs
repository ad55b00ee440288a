//! One statement: a new key accepts its place, and the key before it, or the owner, signs that.

use core::fmt;

use super::wire::{AcceptanceWire, ChangeWire};
use crate::json::Limits;
use crate::jws::{self, JwsError, UnsignedJws, UnverifiedJws};
use crate::{Algorithm, ContentHash, DidError, DidKey, SignatureValid, SigningKey, UnixTime};

/// The `typ` of what the new key signs.
pub const ACCEPTANCE_TYPE: &str = "agent-key+jwt";
/// The `typ` of what the key before it signs.
pub const ROTATION_TYPE: &str = "agent-rotation+jwt";
/// The `typ` of what the owner signs.
pub const RECOVERY_TYPE: &str = "agent-recovery+jwt";
/// Longest statement: with an issuer of 256 bytes and ids of 128 one has about 2900, and it is stored in one record.
pub const MAX_KEY_STATEMENT_BYTES: usize = 3072;
/// Longest `jti`.
const MAX_ID_BYTES: usize = 128;

/// Who may let a new key follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChangeKind {
    /// The key that is current.
    Rotation,
    /// The owner: every key after the one that is named is compromised.
    Recovery,
}

impl KeyChangeKind {
    /// The `typ` of its statements.
    #[must_use]
    pub const fn statement_type(self) -> &'static str {
        match self {
            Self::Rotation => ROTATION_TYPE,
            Self::Recovery => RECOVERY_TYPE,
        }
    }

    fn of_type(typ: Option<&str>) -> Option<Self> {
        [Self::Rotation, Self::Recovery].into_iter().find(|kind| typ == Some(kind.statement_type()))
    }
}

/// Where a new key stands, for signing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succession {
    /// The registry.
    pub audience: String,
    /// When it is said.
    pub issued_at: UnixTime,
    /// A fresh id: 1 to 128 visible characters.
    pub statement_id: String,
    /// The key it follows; where none is good any more, the first one.
    pub predecessor: DidKey,
    /// The number of the statement it follows, from 1; 0 where none is good any more.
    pub after: u16,
    /// The hash of that statement; none for 0.
    pub previous: Option<ContentHash>,
}

impl Succession {
    /// What the new key signs. Whoever holds the key before it, or the agent's owner, can make a statement of it.
    ///
    /// # Errors
    ///
    /// [`JwsError::Json`] if it cannot be written, which no value of this type causes.
    pub fn accept(&self, new: &SigningKey) -> Result<String, JwsError> {
        Ok(self.acceptance(&new.public().did(), new.algorithm())?.sign(new))
    }

    /// The same but for the signature of `new`, under `algorithm`.
    ///
    /// # Errors
    ///
    /// As [`Self::accept`].
    pub fn acceptance(&self, new: &DidKey, algorithm: Algorithm) -> Result<UnsignedJws, JwsError> {
        let claims = AcceptanceWire {
            iss: new.to_string(),
            aud: self.audience.clone(),
            iat: self.issued_at,
            jti: self.statement_id.clone(),
            sub: self.predecessor.to_string(),
            after: self.after,
            prev: self.previous.as_ref().map(ToString::to_string),
        };
        jws::unsigned(ACCEPTANCE_TYPE, Some(&new.key_id()), algorithm, &claims)
    }

    /// The whole statement, by the current key or the owner's, over what the new key signed.
    ///
    /// # Errors
    ///
    /// [`JwsError::Json`] if it cannot be written, which no value of this type causes.
    pub fn sign(&self, kind: KeyChangeKind, acceptance: String, signer: &SigningKey) -> Result<String, JwsError> {
        Ok(self.change(kind, acceptance, &signer.public().did(), signer.algorithm())?.sign(signer))
    }

    /// The same but for the signature of `signer`, under `algorithm`.
    ///
    /// # Errors
    ///
    /// As [`Self::sign`].
    pub fn change(
        &self,
        kind: KeyChangeKind,
        acceptance: String,
        signer: &DidKey,
        algorithm: Algorithm,
    ) -> Result<UnsignedJws, JwsError> {
        let claims = ChangeWire {
            iss: signer.to_string(),
            aud: self.audience.clone(),
            iat: self.issued_at,
            jti: self.statement_id.clone(),
            key: acceptance,
        };
        jws::unsigned(kind.statement_type(), Some(&signer.key_id()), algorithm, &claims)
    }
}

/// Why a statement about a key is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyChangeError {
    /// Longer than [`MAX_KEY_STATEMENT_BYTES`].
    TooLong,
    /// Not a signed compact JWS: nothing is proved.
    Unsigned(JwsError),
    /// A JWS whose header or claims are not what they should be.
    Malformed(JwsError),
    /// `typ` is another kind of statement.
    Type,
    /// A DID in it is not acceptable.
    Did(DidError),
    /// A claim whose value means nothing here; the name of the claim.
    Claim(&'static str),
    /// The two signed parts do not belong together.
    Mismatch,
    /// `kid` does not name the key of `iss`.
    KeyId,
    /// Not signed by the key of `iss`.
    Signature,
}

impl fmt::Display for KeyChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("the statement is longer than allowed"),
            Self::Unsigned(error) => write!(f, "the statement is not a signed jws: {error}"),
            Self::Malformed(error) => write!(f, "the statement is malformed: {error}"),
            Self::Type => f.write_str("the statement's `typ` is another kind of statement"),
            Self::Did(error) => write!(f, "a did of the statement is refused: {error}"),
            Self::Claim(name) => write!(f, "the statement's `{name}` is not acceptable"),
            Self::Mismatch => f.write_str("what the new key signed is for another registry or another key"),
            Self::KeyId => f.write_str("the statement's `kid` is not the key of its `iss`"),
            Self::Signature => f.write_str("the statement is not signed by the key of its `iss`"),
        }
    }
}

impl core::error::Error for KeyChangeError {}

/// A statement that was read and not believed.
#[derive(Debug)]
pub struct UnverifiedKeyChange {
    kind: KeyChangeKind,
    outer: UnverifiedJws,
    inner: UnverifiedJws,
    change: KeyChange,
}

/// What a statement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// Of which kind it is.
    pub kind: KeyChangeKind,
    /// The key before it, or the owner's.
    pub signer: DidKey,
    /// The new key.
    pub key: DidKey,
    /// For which registry.
    pub audience: String,
    /// When the signer said so.
    pub issued_at: UnixTime,
    /// When the new key said so.
    pub accepted_at: UnixTime,
    /// The key that it follows.
    pub predecessor: DidKey,
    /// The number of the statement that it follows; 0 for none.
    pub after: u16,
    /// The hash of that statement.
    pub previous: Option<ContentHash>,
    /// Its own hash, by which the next one names it: of all its characters.
    pub hash: ContentHash,
}

/// A statement signed by both parties. Made by [`UnverifiedKeyChange::verify`] only.
///
/// It says that the holder of its `key` and that of its `signer` wrote this, once. It does not say that the signer had a right to.
#[derive(Debug)]
pub struct SignedKeyChange {
    change: KeyChange,
    _signatures: [SignatureValid; 2],
}

impl SignedKeyChange {
    /// What it says.
    #[must_use]
    pub const fn change(&self) -> &KeyChange {
        &self.change
    }

    /// What it says, without the proof that it was signed.
    #[must_use]
    pub fn into_change(self) -> KeyChange {
        self.change
    }
}

impl UnverifiedKeyChange {
    /// Reads size, form, types and claims of both parts, and what has to be equal in them; unknown claims are refused.
    ///
    /// # Errors
    ///
    /// [`KeyChangeError`], never [`KeyChangeError::Signature`].
    pub fn parse(text: &str) -> Result<Self, KeyChangeError> {
        let outer = read(text)?;
        let kind = KeyChangeKind::of_type(outer.typ()).ok_or(KeyChangeError::Type)?;
        let wire: ChangeWire = outer.unverified_claims().map_err(KeyChangeError::Malformed)?;
        let inner = read(&wire.key)?;
        if inner.typ() != Some(ACCEPTANCE_TYPE) {
            return Err(KeyChangeError::Type);
        }
        let accepted: AcceptanceWire = inner.unverified_claims().map_err(KeyChangeError::Malformed)?;
        require_id(&wire.jti)?;
        require_id(&accepted.jti)?;
        let did = |text: &str| DidKey::parse(text).map_err(KeyChangeError::Did);
        let (signer, key, predecessor) = (did(&wire.iss)?, did(&accepted.iss)?, did(&accepted.sub)?);
        let previous = match accepted.prev.as_deref().map(ContentHash::from_claim) {
            Some(None) => return Err(KeyChangeError::Claim("prev")),
            Some(Some(hash)) => Some(hash),
            None => None,
        };
        // nothing is followed by its hash alone, and nothing without one
        if (accepted.after == 0) != previous.is_none() {
            return Err(KeyChangeError::Claim("prev"));
        }
        if kind == KeyChangeKind::Rotation && accepted.after == 0 {
            return Err(KeyChangeError::Claim("after"));
        }
        // the key before it signs a rotation, and never a recovery
        let follows_signer = (kind == KeyChangeKind::Rotation) == (predecessor == signer);
        if !follows_signer || wire.aud != accepted.aud || key == signer || key == predecessor {
            return Err(KeyChangeError::Mismatch);
        }
        let change = KeyChange {
            kind,
            signer,
            key,
            audience: wire.aud,
            issued_at: wire.iat,
            accepted_at: accepted.iat,
            predecessor,
            after: accepted.after,
            previous,
            hash: ContentHash::of(text.as_bytes()),
        };
        Ok(Self { kind, outer, inner, change })
    }

    /// What it says, unverified: for checks that cost no signature.
    #[must_use]
    pub const fn unverified(&self) -> &KeyChange {
        &self.change
    }

    /// Of which kind it says it is.
    #[must_use]
    pub const fn kind(&self) -> KeyChangeKind {
        self.kind
    }

    /// Verifies both signatures, each under the key of its own `iss`, and that others cannot sign for either key (P-06, DK-06).
    ///
    /// # Errors
    ///
    /// [`KeyChangeError`].
    pub fn verify(self) -> Result<SignedKeyChange, KeyChangeError> {
        let signatures = [signed(&self.inner, &self.change.key)?, signed(&self.outer, &self.change.signer)?];
        Ok(SignedKeyChange { change: self.change, _signatures: signatures })
    }
}

fn read(text: &str) -> Result<UnverifiedJws, KeyChangeError> {
    UnverifiedJws::parse(text, &Limits::plain(MAX_KEY_STATEMENT_BYTES)).map_err(|error| match error {
        JwsError::TooLong => KeyChangeError::TooLong,
        JwsError::Form | JwsError::Algorithm => KeyChangeError::Unsigned(error),
        other => KeyChangeError::Malformed(other),
    })
}

fn require_id(id: &str) -> Result<(), KeyChangeError> {
    let is_good = (1..=MAX_ID_BYTES).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    if is_good { Ok(()) } else { Err(KeyChangeError::Claim("jti")) }
}

fn signed(part: &UnverifiedJws, did: &DidKey) -> Result<SignatureValid, KeyChangeError> {
    let key = did.public_key();
    key.require_prime_order().map_err(|error| KeyChangeError::Did(DidError::Key(error)))?;
    let signature = part.verify(key).map_err(|_| KeyChangeError::Signature)?;
    if part.kid() == Some(&did.key_id()) { Ok(signature) } else { Err(KeyChangeError::KeyId) }
}
