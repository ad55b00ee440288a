//! The signed list: a JWS of `typ` `statuslist+jwt` (TSL-10, TSL-12).

use handfast_identity::json::{self, Limits};
use handfast_identity::jws::{self, JwsError, UnverifiedJws};
use handfast_identity::{PublicKey, Seconds, SignatureValid, SigningKey, UnixTime, base64url};
use serde::{Deserialize, Serialize};

use super::{EntryBits, StatusList, StatusListError};

/// The `typ` of a signed list (TSL-10).
pub const STATUS_LIST_TYPE: &str = "statuslist+jwt";
/// Longest signed list read (spec/limits.md): a mebibyte that does not compress, in base64url twice.
pub const MAX_STATUS_TOKEN_BYTES: usize = 2 * 1024 * 1024;

/// What a signed list says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusListToken {
    /// The address of this very list (`sub`): what references name as `uri`.
    pub uri: String,
    /// When it was signed.
    pub issued_at: UnixTime,
    /// From when on it says nothing more.
    pub expires_at: Option<UnixTime>,
    /// How long it may be kept before the next is asked for; never 0.
    pub ttl: Option<Seconds>,
    /// The values.
    pub list: StatusList,
}

#[derive(Deserialize, Serialize)]
struct ClaimsWire {
    sub: String,
    iat: UnixTime,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    exp: Option<UnixTime>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    ttl: Option<Seconds>,
    #[serde(deserialize_with = "json::object")]
    status_list: ListWire,
}

#[derive(Deserialize, Serialize)]
struct ListWire {
    bits: u64,
    lst: String,
}

impl StatusListToken {
    /// Signs the list with `key`, under the id of the key's DID.
    ///
    /// # Errors
    ///
    /// [`JwsError::Json`] if it cannot be written, which no value of this type causes.
    pub fn sign(&self, key: &SigningKey) -> Result<String, JwsError> {
        self.sign_as(&key.public().did().key_id(), key)
    }

    /// The same, under the `kid` by which the key is found in a key set.
    ///
    /// # Errors
    ///
    /// As [`Self::sign`].
    pub fn sign_as(&self, kid: &str, key: &SigningKey) -> Result<String, JwsError> {
        let wire = ClaimsWire {
            sub: self.uri.clone(),
            iat: self.issued_at,
            exp: self.expires_at,
            ttl: self.ttl,
            status_list: ListWire {
                bits: self.list.bits().get().into(),
                lst: base64url::encode(&self.list.compress()),
            },
        };
        jws::sign(STATUS_LIST_TYPE, Some(kid), &wire, key)
    }
}

/// A signed list that was read and not believed. It is not inflated either: that is for lists of the right key.
#[derive(Debug)]
pub struct UnverifiedStatusList {
    jws: UnverifiedJws,
    claims: ClaimsWire,
}

// `lst` may be a mebibyte, and says nothing yet
impl core::fmt::Debug for ClaimsWire {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ClaimsWire").field("sub", &self.sub).field("iat", &self.iat).finish_non_exhaustive()
    }
}

impl UnverifiedStatusList {
    /// Reads the form of a signed list.
    ///
    /// # Errors
    ///
    /// [`JwsError`], by rule broken; another `typ` is [`JwsError::Form`], and so is a `ttl` of 0.
    pub fn parse(text: &str) -> Result<Self, JwsError> {
        let jws = UnverifiedJws::parse(text, &Limits::plain(MAX_STATUS_TOKEN_BYTES))?;
        if !jws.typ().is_some_and(is_status_list_type) {
            return Err(JwsError::Form);
        }
        let claims: ClaimsWire = jws.unverified_claims()?;
        if claims.ttl == Some(Seconds::new(0)) {
            return Err(JwsError::Form);
        }
        Ok(Self { claims, jws })
    }

    /// The key id of the header, for exact look-up.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.jws.kid()
    }

    /// Verifies that the holder of `key` signed it.
    ///
    /// # Errors
    ///
    /// [`JwsError::Algorithm`] or [`JwsError::Signature`].
    pub fn verify(self, key: &PublicKey) -> Result<VerifiedStatusList, JwsError> {
        let signature = self.jws.verify(key)?;
        Ok(VerifiedStatusList { claims: self.claims, _signature: signature })
    }
}

/// `statuslist+jwt` or `application/statuslist+jwt`, as media types compare.
fn is_status_list_type(typ: &str) -> bool {
    let (top, sub) = typ.split_once('/').unwrap_or(("application", typ));
    top.eq_ignore_ascii_case("application") && sub.eq_ignore_ascii_case(STATUS_LIST_TYPE)
}

/// A list by the right key. Whether it is the one asked for, and of now, is [`StatusLists`](super::StatusLists)' to say.
#[derive(Debug)]
pub struct VerifiedStatusList {
    claims: ClaimsWire,
    _signature: SignatureValid,
}

impl VerifiedStatusList {
    /// The address of the list, as its signer says.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.claims.sub
    }

    /// When it was signed.
    #[must_use]
    pub const fn issued_at(&self) -> UnixTime {
        self.claims.iat
    }

    /// From when on it says nothing more.
    #[must_use]
    pub const fn expires_at(&self) -> Option<UnixTime> {
        self.claims.exp
    }

    /// How long it may be kept before the next is asked for.
    #[must_use]
    pub const fn ttl(&self) -> Option<Seconds> {
        self.claims.ttl
    }

    /// Inflates the values, never beyond the bound.
    ///
    /// # Errors
    ///
    /// [`StatusListError`].
    pub fn list(&self) -> Result<StatusList, StatusListError> {
        let bits = EntryBits::parse(self.claims.status_list.bits).ok_or(StatusListError::Bits)?;
        let compressed = base64url::decode(&self.claims.status_list.lst).map_err(|_| StatusListError::Zlib)?;
        StatusList::inflate(bits, &compressed)
    }
}
