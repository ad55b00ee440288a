//! Others at the same work: root and three attenuations verified from bytes, one call authorised.
//!
//! Those verify with `ed25519-dalek` 2, which has no AVX-512 backend: `unit of peers` is what one check costs them. `jsonwebtoken` with
//! `dpop-verifier` checks token and proof of one request, which is what `whole` is of ours.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use biscuit_auth::builder::{Algorithm, AuthorizerBuilder, BlockBuilder};
use biscuit_auth::{AuthorizerLimits, Biscuit, KeyPair};
use handfast_identity::{UnixTime, base64url};
use old_dalek::{Signer, SigningKey, Verifier};
use tenuo::constraints::{ConstraintSet, ConstraintValue, Subpath};
use tenuo::planes::Authorizer;
use tenuo::{warrant::Warrant, wire};

use crate::material::{PATH, RESOURCE};
use crate::meter::Candidate;
use crate::ours::{UNIT_BYTES, UNITS, random_seed};
use crate::requests::Requests;

/// All of them.
pub fn all() -> Vec<Candidate> {
    vec![unit(), biscuit(), tenuo(), whole()]
}

fn unit() -> Candidate {
    let all = [0; UNITS].map(|_| random_seed()).map(|seed| {
        let (key, message) = (SigningKey::from_bytes(&seed), seed.repeat(12)[..UNIT_BYTES].to_vec());
        (key.verifying_key(), message.clone(), key.sign(&message))
    });
    let mut places = (0..UNITS).cycle();
    Candidate::new("unit of peers", move || {
        let (public, message, signature) = &all[places.next().expect("no end")];
        public.verify(black_box(message), black_box(signature)).is_ok()
    })
}

fn biscuit() -> Candidate {
    let root = KeyPair::new_with_algorithm(Algorithm::Ed25519);
    let limit = r#"check if tool("read_file"), path($path), $path.starts_with("/reports/")"#;
    let end = "check if time($now), $now < 2100-01-01T00:00:00Z";
    let block = || BlockBuilder::new().check(limit).and_then(|block| block.check(end)).expect("two checks");
    let mut token = Biscuit::builder()
        .check(limit)
        .and_then(|block| block.check(end))
        .expect("two checks")
        .build(&root)
        .expect("a token");
    for _ in 0..3 {
        token = token.append(block()).expect("a block");
    }
    let (bytes, key) = (token.to_vec().expect("bytes"), root.public());
    Candidate::new("biscuit-auth: root and 3 blocks, one call", move || {
        let token = Biscuit::from(black_box(&bytes), key).expect("a good token");
        let facts = format!(r#"tool("read_file"); path("{PATH}"); allow if true;"#);
        let mut authorizer =
            AuthorizerBuilder::new().code(facts).expect("facts").time().build(&token).expect("an authorizer");
        let limits = AuthorizerLimits { max_time: Duration::from_secs(10), ..AuthorizerLimits::default() };
        authorizer.authorize_with_limits(limits).is_ok()
    })
}

fn tenuo() -> Candidate {
    let keys: Vec<_> = (0..5).map(|_| tenuo::crypto::SigningKey::generate()).collect();
    let limits = ConstraintSet::from_iter([("path".to_owned(), Subpath::new("/reports").expect("a path").into())]);
    let root = Warrant::builder()
        .capability("read_file", limits)
        .ttl(Duration::from_secs(3600))
        .holder(keys[1].public_key())
        .build(&keys[0])
        .expect("a warrant");
    let mut chain = vec![root];
    for place in 1..4 {
        let parent = chain.last().expect("a parent");
        let child = parent.attenuate().inherit_all().holder(keys[place + 1].public_key()).build(&keys[place]);
        chain.push(child.expect("a warrant"));
    }
    let bytes = wire::encode_stack(&wire::WarrantStack::new(chain)).expect("bytes");
    let authorizer = Authorizer::new().with_trusted_root(keys[0].public_key());
    let arguments = HashMap::from([("path".to_owned(), ConstraintValue::String(PATH.to_owned()))]);
    Candidate::new("tenuo: root and 3 warrants, one call", move || {
        let chain = wire::decode_stack(black_box(&bytes)).expect("a stack").0;
        let leaf = chain.last().expect("a leaf");
        authorizer.verify_chain(&chain).is_ok() && leaf.check_constraints("read_file", &arguments).is_ok()
    })
}

#[derive(serde::Deserialize)]
struct Claims {
    jti: String,
    sub: String,
    scope: String,
    cnf: Confirmation,
}

#[derive(serde::Deserialize)]
struct Confirmation {
    jkt: String,
}

/// Ids of proofs, for ever.
#[derive(Default)]
struct Seen(HashSet<[u8; 32]>);

#[async_trait::async_trait]
impl dpop_verifier::ReplayStore for Seen {
    async fn insert_once(
        &mut self,
        id: [u8; 32],
        _: dpop_verifier::ReplayContext<'_>,
    ) -> Result<bool, dpop_verifier::DpopError> {
        Ok(self.0.insert(id))
    }
}

/// One request: token and proof verified and bound to each other, the scope looked at, the token looked up among revoked ones.
fn whole() -> Candidate {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation};
    let now = UnixTime::from_secs(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs());
    let requests = Requests::made_at(now);
    let x = base64url::encode(&requests.issuer.key().public().to_bytes());
    let key = DecodingKey::from_ed_components(&x).expect("a key");
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&[RESOURCE]);
    validation.set_issuer(&[requests.issuer.url()]);
    let revoked: HashSet<String> = (0..10_000).map(|number| number.to_string()).collect();
    let verifier = dpop_verifier::DpopVerifier::new().with_max_age_seconds(3_600);
    let (mut seen, mut places) = (Seen::default(), 0..requests.proofs.len());
    Candidate::new("jsonwebtoken and dpop-verifier, one request", move || {
        let place = places.next().unwrap_or_else(|| {
            seen = Seen::default();
            places = 1..requests.proofs.len();
            0
        });
        let token: jsonwebtoken::TokenData<Claims> =
            jsonwebtoken::decode(black_box(&requests.token), &key, &validation).expect("a good token");
        let (proof, uri) = (black_box(requests.proofs[place].as_str()), requests.target.as_str());
        let mut checking = pin!(verifier.verify(&mut seen, proof, uri, "GET", Some(&requests.token)));
        let Poll::Ready(Ok(proof)) = checking.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            return false;
        };
        let claims = token.claims;
        proof.jkt == claims.cnf.jkt
            && claims.scope.split(' ').any(|scope| scope == "files:read")
            && !revoked.contains(&claims.jti)
            && !revoked.contains(&claims.sub)
    })
}
