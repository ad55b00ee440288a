//! `did:key`: one key, one spelling (P-05).

use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;
use std::sync::Arc;

use multibase::Base;
use serde::{Serialize, Serializer};

use super::base58;
use crate::key::KeyError;
use crate::{Curve, PublicKey, Text, Thumbprint};

/// Longest DID read at all (DID-06). A did:key here has 56 or 57 characters.
pub const MAX_DID_BYTES: usize = 2048;

const PREFIX: &str = "did:key:";
/// The varint of multicodec 0xed, `ed25519-pub`.
const ED25519_CODEC: [u8; 2] = [0xed, 0x01];
/// The varint of multicodec 0x1200, `p256-pub`.
const P256_CODEC: [u8; 2] = [0x80, 0x24];

/// The `did:key` of an Ed25519 or P-256 key. Equality and hash are those of the key.
#[derive(Clone)]
pub struct DidKey {
    /// Shared by clones.
    text: Arc<str>,
    key: PublicKey,
    thumbprint: Thumbprint,
}

/// Why a text is not an acceptable `did:key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DidError {
    /// Not the one spelling: scheme, method, multibase, alphabet, blanks, a path, query, fragment or version.
    Syntax,
    /// A DID of another method.
    Method,
    /// A multicodec other than Ed25519 or P-256 public keys, or not in its minimal form.
    Codec,
    /// The key inside is refused.
    Key(KeyError),
}

impl DidError {
    /// The stable reason: `weak_key` for a key others could sign for, `invalid_did` for everything else.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Key(KeyError::Weak) => "weak_key",
            Self::Syntax | Self::Method | Self::Codec | Self::Key(_) => "invalid_did",
        }
    }
}

impl fmt::Display for DidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax => f.write_str("not a `did:key:z…` in its one spelling"),
            Self::Method => f.write_str("not a did of method `key`"),
            Self::Codec => f.write_str("not the multicodec of an ed25519 or p-256 public key"),
            Self::Key(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for DidError {}

impl DidKey {
    /// Reads a DID: the whole text, no trimming, no folding.
    ///
    /// Success says that the key is sound and that this is its only spelling. It does not say that the key is of prime
    /// order, which costs as much as half a signature: see [`PublicKey::require_prime_order`].
    ///
    /// # Errors
    ///
    /// [`DidError`], by rule broken.
    ///
    /// ```
    /// use handfast_identity::DidKey;
    /// let did = DidKey::parse("did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw").unwrap();
    /// assert_eq!(did.thumbprint().to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    /// assert!(DidKey::parse("did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw ").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, DidError> {
        if text.len() > MAX_DID_BYTES {
            return Err(DidError::Syntax);
        }
        let Some(value) = text.strip_prefix(PREFIX) else {
            return Err(if text.starts_with("did:") { DidError::Method } else { DidError::Syntax });
        };
        // DK-02, DK-03: base58btc only, and the alphabet has neither `#`, `?`, `/`, `:` nor blanks
        let Some(base58) = value.strip_prefix('z') else { return Err(DidError::Syntax) };
        if let Some([0xed, 0x01, raw @ ..]) = base58::decode(base58) {
            let key = PublicKey::from_ed25519_bytes(&raw).map_err(DidError::Key)?;
            // one size and no leading zero: this text is the only one of its bytes
            return Ok(Self { text: text.into(), thumbprint: key.thumbprint(), key });
        }
        let bytes = Base::Base58Btc.decode(base58).map_err(|_| DidError::Syntax)?;
        // DK-04: compared as minimal varint, so 0xed in one byte or in three is another codec
        let key = match bytes.split_first_chunk() {
            Some((&ED25519_CODEC, raw)) => PublicKey::from_ed25519_bytes(raw),
            Some((&P256_CODEC, raw)) => PublicKey::from_p256_compressed(raw),
            _ => return Err(DidError::Codec),
        };
        let did = Self::from_public_key(key.map_err(DidError::Key)?);
        // whatever else the decoder tolerates, only the text we would write ourselves is accepted
        if *did.text == *text { Ok(did) } else { Err(DidError::Syntax) }
    }

    /// As [`Self::parse`], unless `known` has it: decoding a key costs a tenth of a signature check.
    ///
    /// Whatever `known` gives is some sound key under its one spelling, so only one with exactly this text is taken.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`].
    ///
    /// ```
    /// # use handfast_identity::DidKey;
    /// let text = "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw";
    /// let other = DidKey::parse("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp").unwrap();
    /// assert_eq!(DidKey::parse_known(text, |_| Some(other)), DidKey::parse(text));
    /// ```
    pub fn parse_known(text: &str, known: impl FnOnce(&str) -> Option<Self>) -> Result<Self, DidError> {
        match known(text) {
            Some(did) if *did.text == *text => Ok(did),
            Some(_) | None => Self::parse(text),
        }
    }

    /// The thumbprint of the key that `text` names, without decoding that key where it is Ed25519: a tenth of a signature check.
    ///
    /// The key need not be sound, so this is for comparing with the thumbprint of one that was decoded, and for nothing else: equal
    /// thumbprints are those of one key, written in one way. None for what is no `did:key` of ours.
    ///
    /// ```
    /// # use handfast_identity::DidKey;
    /// let text = "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw";
    /// assert_eq!(DidKey::thumbprint_of(text), DidKey::parse(text).ok().map(|did| did.thumbprint()));
    /// assert_eq!(DidKey::thumbprint_of("did:web:example.com"), None);
    /// ```
    #[must_use]
    pub fn thumbprint_of(text: &str) -> Option<Thumbprint> {
        let base58 = text.strip_prefix(PREFIX)?.strip_prefix('z')?;
        match base58::decode(base58) {
            Some([0xed, 0x01, raw @ ..]) => Some(crate::key::ed25519_thumbprint(&raw)),
            _ => Self::parse(text).ok().map(|did| did.thumbprint),
        }
    }

    /// The DID of `key`.
    #[must_use]
    pub fn from_public_key(key: PublicKey) -> Self {
        let codec = match key.curve() {
            Curve::Ed25519 => ED25519_CODEC,
            Curve::P256 => P256_CODEC,
        };
        let value = multibase::encode(Base::Base58Btc, [&codec[..], &key.to_bytes()].concat());
        Self { text: format!("{PREFIX}{value}").into(), thumbprint: key.thumbprint(), key }
    }

    /// The whole DID.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same, to be shared.
    #[must_use]
    pub fn text(&self) -> Text {
        Arc::clone(&self.text).into()
    }

    /// The multibase value behind `did:key:`, also the fragment of its one verification method (DK-07).
    #[must_use]
    pub fn fragment(&self) -> &str {
        self.text.strip_prefix(PREFIX).unwrap_or(&self.text)
    }

    /// The DID URL of its one verification method, used as `kid` in statements (DK-15).
    #[must_use]
    pub fn key_id(&self) -> String {
        format!("{}#{}", self.text, self.fragment())
    }

    /// The key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// The same DID with its key [prepared](PublicKey::prepared).
    #[must_use]
    pub fn prepared(&self) -> Self {
        Self { key: self.key.prepared(), ..self.clone() }
    }

    /// The same DID with its key [plain](PublicKey::plain).
    #[must_use]
    pub fn plain(&self) -> Self {
        Self { key: self.key.plain(), ..self.clone() }
    }

    /// Roughly how many bytes it holds, for stores with a bound.
    #[must_use]
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.text.len() + self.key.weight_of_prepared()
    }

    /// The thumbprint that a token for this agent is bound to (DK-14): a function of the DID, never stored input.
    #[must_use]
    pub const fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }
}

impl PartialEq for DidKey {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for DidKey {}

impl Hash for DidKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl FromStr for DidKey {
    type Err = DidError;

    fn from_str(text: &str) -> Result<Self, DidError> {
        Self::parse(text)
    }
}

impl fmt::Display for DidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for DidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for DidKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
