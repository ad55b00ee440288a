//! The key that is the agent: proofs, statements and its names.

use std::fmt;
use std::sync::Arc;

use handfast_delegation::Hop;
use handfast_dpop::{ProofForm, ProofRequest};
use handfast_identity::history::{KeyChangeKind, Succession};
use handfast_identity::jws::{self, UnsignedJws};
use handfast_identity::{Algorithm, Curve, DidKey, KeyError, OsRandom, PublicKey, SigningKey, Thumbprint, UnixTime};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::delegation::DelegationError;
use crate::error::{ArgumentError, ClientError, SignError};
use crate::holder::{HolderError, KeyHolder};

/// A key that signs, and its DID. Its secret is in this process, or with a [`KeyHolder`]. Cloning shares it; a secret in this process
/// is wiped with the last clone.
#[derive(Clone)]
pub struct DpopKey(Arc<Inner>);

struct Inner {
    secret: Secret,
    did: DidKey,
    algorithm: Algorithm,
    proofs: ProofForm,
    /// The same under Ed25519's newer name, for servers that list no other (DPOP-122); P-256 keys have one name.
    renamed: Option<ProofForm>,
}

#[allow(clippy::large_enum_variant)] // each is behind an `Arc` already, and there are few
enum Secret {
    Here(SigningKey),
    Elsewhere(Arc<dyn KeyHolder>),
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
        let made = match other.0.did.public_key().curve() {
            Curve::Ed25519 => None,
            Curve::P256 => (0..4).find_map(|_| SigningKey::generate_p256(&mut OsRandom).ok()),
        };
        made.map_or_else(Self::generate, Self::from_signing_key)
    }

    /// The key `key`, Ed25519 or P-256.
    #[must_use]
    pub fn from_signing_key(key: SigningKey) -> Self {
        let (public, algorithm) = (key.public().clone(), key.algorithm());
        Self::new(Secret::Here(key), &public, algorithm)
    }

    /// A key whose secret `holder` has: it is asked for every signature, and whatever it gives is verified before it is used.
    #[must_use]
    pub fn held_by(holder: Arc<dyn KeyHolder>) -> Self {
        let public = holder.public().clone();
        let algorithm = match public.curve() {
            Curve::Ed25519 => Algorithm::EdDsa,
            Curve::P256 => Algorithm::Es256,
        };
        Self::new(Secret::Elsewhere(holder), &public, algorithm)
    }

    fn new(secret: Secret, public: &PublicKey, algorithm: Algorithm) -> Self {
        let renamed = (public.curve() == Curve::Ed25519).then(|| ProofForm::new(public, Algorithm::Ed25519));
        Self(Arc::new(Inner {
            secret,
            did: public.did(),
            algorithm,
            proofs: ProofForm::new(public, algorithm),
            renamed,
        }))
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

    /// The secret as private JWK, wiped when dropped; `None` where a [`KeyHolder`] has it. For key files only.
    #[must_use]
    pub fn expose_private_jwk(&self) -> Option<Zeroizing<String>> {
        match &self.0.secret {
            Secret::Here(key) => Some(key.expose_private_jwk()),
            Secret::Elsewhere(_) => None,
        }
    }

    /// The first of its algorithm names that `names` lists, when they list one (DPOP-122).
    pub(crate) fn algorithm_among<'a>(&self, names: impl Iterator<Item = &'a str>) -> Option<Algorithm> {
        let listed: Vec<_> = names.filter_map(Algorithm::parse).collect();
        let newer = self.0.renamed.as_ref().map(|_| Algorithm::Ed25519);
        std::iter::once(self.0.algorithm).chain(newer).find(|algorithm| listed.contains(algorithm))
    }

    pub(crate) fn default_algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// A proof for `request`, under `algorithm` where the key has that name.
    pub(crate) async fn prove(
        &self,
        request: &ProofRequest<'_>,
        algorithm: Option<Algorithm>,
        now: UnixTime,
    ) -> Result<String, SignError> {
        let renamed = self.0.renamed.as_ref().filter(|_| algorithm == Some(Algorithm::Ed25519));
        let proof = renamed.unwrap_or(&self.0.proofs).fill(request, now, &mut OsRandom)?;
        self.signed(proof).await
    }

    /// A statement of this key: header `typ`, `alg` and `kid` = the DID URL of its verification method (DK-15).
    pub(crate) async fn state(&self, typ: &str, claims: &impl Serialize) -> Result<String, ClientError> {
        let statement = jws::unsigned(typ, Some(&self.0.did.key_id()), self.0.algorithm, claims);
        Ok(self.signed(statement.map_err(ArgumentError::Statement)?).await?)
    }

    /// What this key says when it takes a place in an agent's history (spec/rotation.md).
    pub(crate) async fn accept(&self, place: &Succession) -> Result<String, ClientError> {
        let statement = place.acceptance(&self.0.did, self.0.algorithm);
        Ok(self.signed(statement.map_err(ArgumentError::Statement)?).await?)
    }

    /// The statement of a change, by this key, over what the new one said.
    pub(crate) async fn sign_change(
        &self,
        kind: KeyChangeKind,
        place: &Succession,
        acceptance: String,
    ) -> Result<String, ClientError> {
        let statement = place.change(kind, acceptance, &self.0.did, self.0.algorithm);
        Ok(self.signed(statement.map_err(ArgumentError::Statement)?).await?)
    }

    /// A hop by this key.
    pub(crate) async fn sign_hop(&self, hop: &Hop) -> Result<String, ClientError> {
        let hop = hop.unsigned(&self.0.did, self.0.algorithm).map_err(DelegationError::Unwritable)?;
        Ok(self.signed(hop).await?)
    }

    /// The one place where a key signs.
    async fn signed(&self, jws: UnsignedJws) -> Result<String, SignError> {
        match &self.0.secret {
            Secret::Here(key) => Ok(jws.sign(key)),
            Secret::Elsewhere(holder) => {
                let signature = holder.sign(jws.signing_input()).await?;
                let by = self.0.did.public_key();
                let _valid =
                    by.verify(self.0.algorithm, jws.signing_input(), &signature).map_err(|_| HolderError::Signature)?;
                Ok(jws.with_signature(&signature))
            }
        }
    }
}

impl fmt::Debug for DpopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.secret {
            Secret::Here(_) => write!(f, "DpopKey(redacted, {})", self.0.did),
            Secret::Elsewhere(holder) => write!(f, "DpopKey({holder:?}, {})", self.0.did),
        }
    }
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

    /// A holder that gives one answer.
    #[derive(Debug)]
    struct Fixed(PublicKey, Result<[u8; 64], HolderError>);

    #[async_trait::async_trait]
    impl KeyHolder for Fixed {
        fn public(&self) -> &PublicKey {
            &self.0
        }

        async fn sign(&self, _: &[u8]) -> Result<[u8; 64], HolderError> {
            self.1.clone()
        }
    }

    #[tokio::test]
    async fn what_a_holder_gives_is_verified_before_it_is_used() {
        let key = SigningKey::from_ed25519_seed(&[7; 32]);
        let unsigned = || jws::unsigned("t+jwt", None, Algorithm::EdDsa, &1).unwrap();
        let by = |key: &SigningKey| key.sign(unsigned().signing_input());
        let mut flipped = by(&key);
        flipped.reverse();
        for (answer, expected) in [
            (Ok(by(&key)), Ok(unsigned().sign(&key))),
            (Ok(by(&SigningKey::from_ed25519_seed(&[8; 32]))), Err(HolderError::Signature)),
            (Ok(flipped), Err(HolderError::Signature)),
            (Ok([0; 64]), Err(HolderError::Signature)),
            (Err(HolderError::Refused), Err(HolderError::Refused)),
        ] {
            let held = DpopKey::held_by(Arc::new(Fixed(key.public().clone(), answer)));
            assert_eq!(held.did(), &key.public().did());
            assert!(held.expose_private_jwk().is_none());
            assert_eq!(held.signed(unsigned()).await, expected.map_err(SignError::Holder));
        }
    }

    #[test]
    fn debug_shows_the_did_and_no_secret() {
        // TH73, P-19
        let key = DpopKey::generate();
        let shown = format!("{key:?}");
        assert!(shown.contains(key.did().as_str()));
        let jwk: serde_json::Value = serde_json::from_str(&key.expose_private_jwk().unwrap()).unwrap();
        let secret = jwk.get("d").unwrap().as_str().unwrap();
        assert!(!shown.contains(secret));
    }
}
