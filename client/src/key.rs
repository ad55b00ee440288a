//! The key that is the agent: proofs, statements and its names.

use std::fmt;
use std::sync::Arc;

use handfast_delegation::Hop;
use handfast_dpop::{MakeError, ProofRequest, ProofSigner};
use handfast_identity::history::{KeyChangeKind, Succession};
use handfast_identity::jws::{self, JwsError};
use handfast_identity::{Algorithm, Curve, DidKey, KeyError, OsRandom, SigningKey, Thumbprint, UnixTime};
use serde::Serialize;
use zeroize::Zeroizing;

/// A signing key and its DID. Cloning shares the one secret, which is wiped with the last of them.
#[derive(Clone)]
pub struct DpopKey(Arc<Keys>);

struct Keys {
    signer: ProofSigner,
    /// The same key under Ed25519's newer name, for servers that list no other (DPOP-122); P-256 keys have one name.
    renamed: Option<ProofSigner>,
    did: DidKey,
}

impl Keys {
    const fn key(&self) -> &SigningKey {
        self.signer.key()
    }
}

impl DpopKey {
    /// A fresh Ed25519 key from the operating system's random source.
    #[must_use]
    pub fn generate() -> Self {
        Self::from_signing_key(SigningKey::generate_ed25519(&mut OsRandom))
    }

    /// A fresh key of the same kind as `other`.
    #[must_use]
    pub fn generate_like(other: &Self) -> Self {
        // one scalar in 2^32 is none
        let made = match other.0.key().public().curve() {
            Curve::Ed25519 => None,
            Curve::P256 => (0..4).find_map(|_| SigningKey::generate_p256(&mut OsRandom).ok()),
        };
        made.map_or_else(Self::generate, Self::from_signing_key)
    }

    /// The key `key`, Ed25519 or P-256.
    #[must_use]
    pub fn from_signing_key(key: SigningKey) -> Self {
        let did = key.public().did();
        let renamed = renamed(&key).map(ProofSigner::new);
        Self(Arc::new(Keys { signer: ProofSigner::new(key), renamed, did }))
    }

    /// Reads a private JWK.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for a text that is no private JWK of a known kind.
    pub fn from_private_jwk(text: &str) -> Result<Self, KeyError> {
        SigningKey::from_private_jwk(text).map(Self::from_signing_key)
    }

    /// Its DID: the agent's or owner's identity.
    #[must_use]
    pub fn did(&self) -> &DidKey {
        &self.0.did
    }

    /// Its thumbprint: what tokens for it are bound to.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        self.0.did.thumbprint()
    }

    /// The secret as private JWK, wiped when dropped. For key files only.
    #[must_use]
    pub fn expose_private_jwk(&self) -> Zeroizing<String> {
        self.0.key().expose_private_jwk()
    }

    /// The first of its algorithm names that `names` lists, when they list one (DPOP-122).
    pub(crate) fn algorithm_among<'a>(&self, names: impl Iterator<Item = &'a str>) -> Option<Algorithm> {
        let listed: Vec<_> = names.filter_map(Algorithm::parse).collect();
        let own = std::iter::once(&self.0.signer).chain(&self.0.renamed).map(|signer| signer.key().algorithm());
        own.into_iter().find(|algorithm| listed.contains(algorithm))
    }

    pub(crate) fn default_algorithm(&self) -> Algorithm {
        self.0.key().algorithm()
    }

    /// A proof for `request`, under `algorithm` where the key has that name.
    pub(crate) fn prove(
        &self,
        request: &ProofRequest<'_>,
        algorithm: Option<Algorithm>,
        now: UnixTime,
    ) -> Result<String, MakeError> {
        let renamed = self.0.renamed.as_ref().filter(|signer| Some(signer.key().algorithm()) == algorithm);
        renamed.unwrap_or(&self.0.signer).sign(request, now, &mut OsRandom)
    }

    /// A statement of this key: header `typ`, `alg` and `kid` = the DID URL of its verification method (DK-15).
    pub(crate) fn state(&self, typ: &str, claims: &impl Serialize) -> Result<String, JwsError> {
        jws::sign(typ, Some(&self.0.did.key_id()), claims, self.0.key())
    }

    /// What this key says when it takes a place in an agent's history (spec/rotation.md).
    pub(crate) fn accept(&self, place: &Succession) -> Result<String, JwsError> {
        place.accept(self.0.key())
    }

    /// The statement of a change, by this key, over what the new one said.
    pub(crate) fn sign_change(
        &self,
        kind: KeyChangeKind,
        place: &Succession,
        acceptance: String,
    ) -> Result<String, JwsError> {
        place.sign(kind, acceptance, self.0.key())
    }

    /// A hop by this key.
    pub(crate) fn sign_hop(&self, hop: &Hop) -> Result<String, JwsError> {
        hop.sign(self.0.key())
    }
}

impl fmt::Debug for DpopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DpopKey(redacted, {})", self.0.did)
    }
}

fn renamed(key: &SigningKey) -> Option<SigningKey> {
    if key.public().curve() != Curve::Ed25519 {
        return None;
    }
    let copy = SigningKey::from_private_jwk(&key.expose_private_jwk()).ok()?;
    Some(copy.with_ed25519_name(Algorithm::Ed25519))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot make its key should stop
mod tests {
    use super::*;

    #[test]
    fn the_algorithm_name_follows_what_the_server_lists() {
        // DPOP-122
        let key = DpopKey::generate();
        let p256 = DpopKey::from_signing_key(SigningKey::from_p256_scalar(&[7; 32]).unwrap());
        for (key, names, expected) in [
            (&key, &["EdDSA", "Ed25519", "ES256"][..], Some(Algorithm::EdDsa)),
            (&key, &["ES256", "Ed25519"], Some(Algorithm::Ed25519)),
            (&key, &["RS256", "EdDSA"], Some(Algorithm::EdDsa)),
            (&key, &["ES256"], None),
            (&key, &["eddsa", "none"], None),
            (&key, &[], None),
            (&p256, &["EdDSA", "ES256"], Some(Algorithm::Es256)),
            (&p256, &["EdDSA"], None),
        ] {
            assert_eq!(key.algorithm_among(names.iter().copied()), expected, "{names:?}");
        }
    }

    #[test]
    fn debug_shows_the_did_and_no_secret() {
        // TH73, P-19
        let key = DpopKey::generate();
        let shown = format!("{key:?}");
        assert!(shown.contains(key.did().as_str()));
        let jwk: serde_json::Value = serde_json::from_str(&key.expose_private_jwk()).unwrap();
        let secret = jwk.get("d").unwrap().as_str().unwrap();
        assert!(!shown.contains(secret));
    }
}
