//! The check of a proof in typed stages (RFC 9449 4.3), cheap before dear.

mod claims;
mod error;
mod expectation;
mod foreseen;
mod header;
mod id;
mod make;
mod wire;

use core::{fmt, str};
use std::sync::Arc;

use handfast_identity::json::Limits;
use handfast_identity::jws::{JwsError, UnverifiedJws};
use handfast_identity::{PublicKey, SIGNATURE_BYTES, SignatureValid, Thumbprint, UnixTime, base64url};

use claims::{Claims, Glanced};
pub use claims::{Likely, ProofRoom};
pub use error::{ProofClass, ProofError, Remedy};
pub use expectation::Expectation;
pub use foreseen::ForeseenProof;
pub use header::{KnownHeaders, ProofHeader};
pub use id::ProofId;
pub use make::{MakeError, ProofForm, ProofRequest, ProofSigner};

use crate::{ContentDigest, ContentHash, ReplayEntry};

/// Bytes of a proof (DPOP-39, spec/limits.md); those of an Ed25519 key with `ath` have about 450.
pub const MAX_PROOF_BYTES: usize = 4096;
/// Bytes of a `jti` (DPOP-39).
pub const MAX_PROOF_ID_BYTES: usize = 256;
/// Bytes of a method: the longest registered one has 18 (TH09).
pub const MAX_METHOD_BYTES: usize = 64;
/// The `typ` of a proof: this text and no other spelling of it (DPOP-26, TH03).
pub const PROOF_TYPE: &str = "dpop+jwt";

/// A proof whose form was read. None of its claims is true yet.
pub struct UnverifiedProof<'a> {
    header: Arc<ProofHeader>,
    is_header_known: bool,
    signing_input: &'a [u8],
    /// In canonical base64url, of whatever length: it is decoded when it is asked about.
    signature: &'a [u8],
    claims: Claims<'a>,
}

impl<'a> UnverifiedProof<'a> {
    /// Reads one proof: size, form, `typ`, `alg`, `jwk`, and that all claims are there (checks 2 to 5 and 7).
    ///
    /// `field` is the value of the request's only `DPoP` field; two values joined by a comma are malformed (DPOP-21).
    ///
    /// # Errors
    ///
    /// The first of these that is broken. None of them may succeed on retry.
    pub fn parse(field: &'a str) -> Result<Self, ProofError> {
        let jws = UnverifiedJws::parse(field, &Limits::plain(MAX_PROOF_BYTES))?;
        if jws.typ() != Some(PROOF_TYPE) {
            return Err(ProofError::Type); // DPOP-134: no other signed text works as a proof
        }
        let key = PublicKey::try_from(jws.jwk().ok_or(ProofError::KeyMissing)?).map_err(ProofError::Key)?;
        if jws.algorithm().curve() != key.curve() {
            return Err(ProofError::Algorithm);
        }
        let claims = jws.unverified_claims().map_err(|error| match error {
            JwsError::Json(cause) => ProofError::Claims(cause),
            other => other.into(),
        })?;
        let Segments { header, signing_input, signature, .. } = Segments::of(field.as_bytes()).ok_or(JwsError::Form)?;
        let header = str::from_utf8(header).map_err(|_| JwsError::Form)?;
        let (algorithm, thumbprint) = (jws.algorithm(), key.thumbprint());
        Ok(Self {
            header: Arc::new(ProofHeader { text: header.into(), key, algorithm, thumbprint }),
            is_header_known: false,
            signing_input,
            signature,
            claims: Claims::Read(Box::new(claims)),
        })
    }

    /// As [`Self::parse`], unless `known` has the header: then neither its JSON is read nor its key decoded again, and the claims lie
    /// in `room`.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`], for the same proofs.
    pub fn parse_known(
        field: &'a str,
        known: &KnownHeaders<'_>,
        likely: &Likely<'_>,
        room: &'a mut ProofRoom,
    ) -> Result<Self, ProofError> {
        match Self::glance(field.as_bytes(), known, likely, room) {
            Some(proof) => Ok(proof),
            None => Self::parse(field),
        }
    }

    /// A proof with a known header, as programs write it: one that [`Self::parse`] accepts too, with nothing in it but the characters of
    /// base64url and two dots. Whatever is wrong or unusual gives `None`, and is for [`Self::parse`], whose verdict counts.
    #[must_use]
    pub fn glance(
        field: &'a [u8],
        known: &KnownHeaders<'_>,
        likely: &Likely<'_>,
        room: &'a mut ProofRoom,
    ) -> Option<Self> {
        if field.len() > MAX_PROOF_BYTES {
            return None;
        }
        let Segments { header, payload, signature, signing_input } = Segments::of_signed(field)?;
        let header = known(header).filter(|known| known.text.as_bytes() == header)?;
        if !base64url::is_of_64_bytes(signature) {
            return None;
        }
        let claims = Claims::Glanced(Glanced::read(payload, likely, room)?);
        Some(Self { claims, header, is_header_known: true, signing_input, signature })
    }

    /// Checks what needs no signature: chain hash, method, target, token hash, nonce and freshness, in this order.
    ///
    /// A proof is fresh from `now - past` to `now + future`, both seconds included. Success says nothing about who made the
    /// claims.
    ///
    /// # Errors
    ///
    /// The first mismatch. Those of [`ProofClass::NonceRequired`] may succeed with a new proof and the server's nonce.
    pub fn check(self, expected: &Expectation<'_>, now: UnixTime) -> Result<CheckedProof<'a>, ProofError> {
        let claims = &self.claims;
        expected.check_chain(claims)?;
        expected.check_request(claims)?;
        let remember_until = expected.check_time(claims, now)?;
        Ok(CheckedProof { proof: self, token_hash: expected.token_hash.map(|written| written.hash()), remember_until })
    }
}

impl fmt::Debug for UnverifiedProof<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnverifiedProof(key {})", self.header.thumbprint) // DPOP-138
    }
}

/// The segments of a compact JWS, not looked into.
struct Segments<'a> {
    header: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8],
    /// Header and payload with the dot between them.
    signing_input: &'a [u8],
}

impl<'a> Segments<'a> {
    fn of(text: &'a [u8]) -> Option<Self> {
        Self::ending(text, memchr::memrchr(b'.', text)?)
    }

    /// The same where the last one is as long as a signature: one with a dot in it is none, and refused for that.
    fn of_signed(text: &'a [u8]) -> Option<Self> {
        let dot = text.len().checked_sub(base64url::CHARS_OF_64_BYTES + 1)?;
        if text.get(dot) == Some(&b'.') { Self::ending(text, dot) } else { None }
    }

    fn ending(text: &'a [u8], last_dot: usize) -> Option<Self> {
        let (signing_input, signature) = around(text, last_dot)?;
        let (header, payload) = around(signing_input, memchr::memchr(b'.', signing_input)?)?;
        Some(Self { header, payload, signature, signing_input })
    }
}

/// What stands before and behind the byte at `place`.
fn around(text: &[u8], place: usize) -> Option<(&[u8], &[u8])> {
    Some((text.get(..place)?, text.get(place + 1..)?))
}

/// A proof whose claims fit the request, if its signature is good.
pub struct CheckedProof<'a> {
    proof: UnverifiedProof<'a>,
    token_hash: Option<ContentHash>,
    remember_until: UnixTime,
}

impl CheckedProof<'_> {
    /// The thumbprint of the key that the proof claims: for comparing with a token's `cnf.jkt` before the signature is paid.
    #[must_use]
    pub fn claimed_thumbprint(&self) -> Thumbprint {
        self.proof.header.thumbprint
    }

    /// The key that the proof claims.
    #[must_use]
    pub fn claimed_key(&self) -> &PublicKey {
        &self.proof.header.key
    }

    /// Verifies the signature with the proof's own `jwk` and nothing else (check 6).
    ///
    /// # Errors
    ///
    /// [`ProofError::Signature`].
    pub fn verify(self) -> Result<VerifiedProof, ProofError> {
        let UnverifiedProof { header, is_header_known, signing_input, signature, claims } = self.proof;
        // one that has not the length of any signature is none
        let signature: [u8; SIGNATURE_BYTES] = base64url::decode_array(signature).map_err(|_| ProofError::Signature)?;
        let verdict = header.key.verify(header.algorithm, signing_input, &signature);
        Ok(VerifiedProof {
            _signature: verdict.map_err(|_| ProofError::Signature)?,
            header,
            is_header_known,
            proof_id: ProofId::new(claims.proof_id()),
            issued_at: claims.issued_at(),
            content_digest: claims.content_digest().map(str::to_owned),
            token_hash: self.token_hash,
            remember_until: self.remember_until,
        })
    }
}

impl fmt::Debug for CheckedProof<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckedProof(key {})", self.proof.header.thumbprint)
    }
}

/// A proof that passed every check but the one for replay; only [`CheckedProof::verify`] makes one.
///
/// It says that the holder of [`Self::key`] signed the expected method and target, freshly. It is no access decision
/// (DPOP-130): whose key this is, what the access token allows, and whether the proof was used before are other questions.
/// Query and other fields of the request are not covered, nor the body unless [`Self::require_content`] says so (DPOP-131).
///
/// ```compile_fail,E0451
/// # use handfast_dpop::VerifiedProof;
/// # use handfast_identity::UnixTime;
/// fn forged(proof: VerifiedProof, issued_at: UnixTime) -> VerifiedProof {
///     VerifiedProof { issued_at, ..proof }
/// }
/// ```
pub struct VerifiedProof {
    _signature: SignatureValid,
    header: Arc<ProofHeader>,
    is_header_known: bool,
    proof_id: ProofId,
    issued_at: UnixTime,
    content_digest: Option<String>,
    token_hash: Option<ContentHash>,
    remember_until: UnixTime,
}

impl VerifiedProof {
    /// The key whose possession was proved.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.header.key
    }

    /// Its thumbprint: what `cnf.jkt` of the token has to equal (DPOP-35).
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        self.header.thumbprint
    }

    /// Its header, where it was not known before: for those who remember headers, now that somebody was seen to hold the key.
    #[must_use]
    pub fn new_header(&self) -> Option<&Arc<ProofHeader>> {
        (!self.is_header_known).then_some(&self.header)
    }

    /// The `jti`, chosen by the proof's maker.
    #[must_use]
    pub fn proof_id(&self) -> &str {
        self.proof_id.as_str()
    }

    /// The same, to keep.
    #[must_use]
    pub const fn id(&self) -> &ProofId {
        &self.proof_id
    }

    /// When it was made, by its maker's clock; not to be trusted where a nonce replaced the clock.
    #[must_use]
    pub const fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    /// The hash of the access token that the proof covers, if one was expected.
    #[must_use]
    pub const fn token_hash(&self) -> Option<ContentHash> {
        self.token_hash
    }

    /// Requires that the proof covers `content`, the bytes as they came in, through the request's `Content-Digest` field.
    ///
    /// `lines` are the values of every line of that field: one, and the text of the claim `htd`. What proofs do not have to
    /// cover is not asked about, and then neither field nor claim means anything.
    ///
    /// # Errors
    ///
    /// [`ProofError::ContentDigestMissing`] without the claim or the field, [`ProofError::ContentDigest`] if either is not that
    /// of `content`.
    pub fn require_content(&self, lines: &[&[u8]], content: &[u8]) -> Result<(), ProofError> {
        let claim = self.content_digest.as_deref().filter(|_| !lines.is_empty());
        let claim = claim.ok_or(ProofError::ContentDigestMissing)?;
        let digest = ContentDigest::of(content);
        let is_covered = claim == digest.as_str() && lines == [digest.as_str().as_bytes()];
        if is_covered { Ok(()) } else { Err(ProofError::ContentDigest) }
    }

    /// What a replay store has to remember of it. Insert it last, when the request was found good in every other way.
    #[must_use]
    pub fn replay_entry(&self, enforcement_point: &str) -> ReplayEntry {
        ReplayEntry::new(enforcement_point, self.header.thumbprint, self.proof_id.as_str(), self.remember_until)
    }
}

impl fmt::Debug for VerifiedProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifiedProof(key {})", self.header.thumbprint)
    }
}
