//! An issuer's token keys, as its `jwks_uri` publishes them (RFC 7517).

use core::fmt;
use std::collections::HashMap;

use handfast_identity::json::{self, Limits};
use handfast_identity::{Algorithm, JwkError, JwkWire, PublicKey};
use serde::Deserialize;

/// Longest key set read (spec/limits.md, MD-07).
pub const MAX_KEY_SET_BYTES: usize = 64 * 1024;

/// How many keys of a set are prepared for many signatures (spec/limits.md): issuers have two or three, and a long set should not
/// cost much time and memory.
pub const PREPARED_KEYS: usize = 8;

/// Token keys by `kid`.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: HashMap<String, PublicKey>,
    generation: u64,
}

/// Why a key set was refused whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySetError {
    /// Not a JWK set.
    Form,
    /// Two usable keys under one `kid` (JWKS-07).
    RepeatedKid,
    /// A key with private members: whoever published it has leaked it.
    Private,
    /// No usable key at all.
    Empty,
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "not a jwk set",
            Self::RepeatedKid => "two keys of the set have one `kid`",
            Self::Private => "a key of the set has private members",
            Self::Empty => "no usable key in the set",
        })
    }
}

impl core::error::Error for KeySetError {}

#[derive(Deserialize)]
struct SetWire {
    keys: Vec<KeyWire>,
}

#[derive(Deserialize)]
struct KeyWire {
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    r#use: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(flatten)]
    jwk: JwkWire,
}

impl KeySet {
    /// Reads a JWK set. Keys of other types or uses, or without `kid`, are passed over (JWKS-01).
    ///
    /// # Errors
    ///
    /// [`KeySetError`], by rule broken.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        let wire: SetWire =
            json::read_object(bytes, &Limits::plain(MAX_KEY_SET_BYTES)).map_err(|_| KeySetError::Form)?;
        let mut keys = HashMap::new();
        for entry in wire.keys {
            let Some((kid, key)) = usable(entry)? else { continue };
            let key = if keys.len() < PREPARED_KEYS { key.prepared() } else { key };
            if keys.insert(kid, key).is_some() {
                return Err(KeySetError::RepeatedKid);
            }
        }
        if keys.is_empty() { Err(KeySetError::Empty) } else { Ok(Self { keys, generation: 0 }) }
    }

    /// The set of one key, under its thumbprint: how an issuer names its own (JWKS-02).
    #[must_use]
    pub fn of_key(key: &PublicKey) -> Self {
        Self::of_keys(core::slice::from_ref(key))
    }

    /// The set of several keys, each under its thumbprint.
    #[must_use]
    pub fn of_keys(keys: &[PublicKey]) -> Self {
        let (often, rest) = keys.split_at(keys.len().min(PREPARED_KEYS));
        let keys = often.iter().map(PublicKey::prepared).chain(rest.iter().cloned());
        Self { keys: keys.map(|key| (key.thumbprint().to_string(), key)).collect(), generation: 0 }
    }

    /// The same keys as a later generation: verdicts cached under an earlier one no longer count.
    #[must_use]
    pub fn with_generation(mut self, generation: u64) -> Self {
        self.generation = generation;
        self
    }

    /// The generation.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// The key under exactly this `kid` (JWKS-03).
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&PublicKey> {
        self.keys.get(kid)
    }
}

/// The key of one entry, if this project can use it for signatures.
fn usable(entry: KeyWire) -> Result<Option<(String, PublicKey)>, KeySetError> {
    let is_for_signatures = entry.r#use.as_deref().is_none_or(|purpose| purpose == "sig");
    let (Some(kid), true) = (entry.kid, is_for_signatures) else { return Ok(None) };
    let key = match PublicKey::try_from(&entry.jwk) {
        Ok(key) => key,
        Err(JwkError::Private) => return Err(KeySetError::Private),
        Err(_) => return Ok(None),
    };
    // BCP-02: a named algorithm has to be one for the key
    let fits =
        entry.alg.as_deref().is_none_or(|name| Algorithm::parse(name).is_some_and(|alg| alg.curve() == key.curve()));
    Ok(fits.then_some((kid, key)))
}

#[cfg(test)]
mod tests {
    use handfast_identity::SigningKey;

    use super::*;

    const ED: &str = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

    fn check(entries: &str, expected: Result<&[&str], KeySetError>) {
        let found = KeySet::parse(format!(r#"{{"keys":[{entries}]}}"#).as_bytes()).map(|set| {
            let mut kids: Vec<_> = set.keys.into_keys().collect();
            kids.sort();
            kids
        });
        assert_eq!(found, expected.map(|kids| kids.iter().map(ToString::to_string).collect()), "{entries}");
    }

    #[test]
    fn usable_keys_are_found_and_others_passed_over() {
        check(&format!(r#"{{"kid":"a",{ED}}}"#), Ok(&["a"]));
        check(&format!(r#"{{"kid":"a",{ED},"use":"sig","alg":"Ed25519","x5t":"?"}}"#), Ok(&["a"]));
        let unusable = [
            format!(r#"{{{ED}}}"#),
            format!(r#"{{"kid":"b",{ED},"use":"enc"}}"#),
            format!(r#"{{"kid":"b",{ED},"alg":"ES256"}}"#),
            format!(r#"{{"kid":"b",{ED},"alg":"HS256"}}"#),
            r#"{"kid":"b","kty":"RSA","n":"AQ","e":"AQAB"}"#.to_owned(),
        ];
        for other in unusable {
            check(&other, Err(KeySetError::Empty));
            check(&format!(r#"{{"kid":"a",{ED}}},{other}"#), Ok(&["a"]));
        }
    }

    #[test]
    fn the_first_keys_of_a_set_are_prepared_and_no_more() {
        let keys: Vec<_> = (1..=12).map(|seed| SigningKey::from_ed25519_seed(&[seed; 32]).public().clone()).collect();
        let entry =
            |(place, key): (usize, &PublicKey)| key.to_jwk().replacen('{', &format!(r#"{{"kid":"{place}","#), 1);
        let entries: Vec<_> = keys.iter().enumerate().map(entry).collect();
        let read = KeySet::parse(format!(r#"{{"keys":[{}]}}"#, entries.join(",")).as_bytes()).map(|set| set.keys);
        for set in [read.unwrap_or_default(), KeySet::of_keys(&keys).keys] {
            let prepared = set.values().filter(|key| key.is_prepared()).count();
            assert_eq!((set.len(), prepared), (keys.len(), PREPARED_KEYS));
        }
    }

    #[test]
    fn a_set_that_leaks_or_contradicts_itself_is_refused_whole() {
        check(&format!(r#"{{"kid":"a",{ED}}},{{"kid":"a",{ED}}}"#), Err(KeySetError::RepeatedKid));
        check(&format!(r#"{{"kid":"a",{ED},"d":"AA"}}"#), Err(KeySetError::Private));
        check("", Err(KeySetError::Empty));
        assert_eq!(KeySet::parse(b"[]").map(|_| ()), Err(KeySetError::Form));
    }
}
