//! What making proofs and tokens costs, in bare signatures of the library used: W2 and W3.

use std::hint::black_box;

use ed25519_dalek::Signer;
use handfast_dpop::{ContentHash, ProofRequest, ProofSigner, Target};
use handfast_identity::SigningKey;
use handfast_testkit::CountedRandom;

use crate::material::{self, PATH, RESOURCE, now};
use crate::meter::Candidate;
use crate::ours::{UNIT_BYTES, random_seed};

fn bare(name: &str, bytes: usize) -> Candidate {
    let key = ed25519_dalek::SigningKey::from_bytes(&random_seed());
    let message = random_seed().repeat(bytes / 32 + 1)[..bytes].to_vec();
    Candidate::new(name, move || black_box(key.sign(black_box(&message))).to_bytes() != [0; 64])
}

/// A proof and a token, each after a bare signature over as many bytes.
pub fn all() -> Vec<Candidate> {
    let signer = ProofSigner::new(SigningKey::from_ed25519_seed(&random_seed()));
    let target = Target::parse(&format!("{RESOURCE}{PATH}")).expect("a target");
    let token_hash = Some(ContentHash::of(b"a token"));
    let mut random = CountedRandom::unshared();
    let proof = Candidate::new("sign-proof", move || {
        let request = ProofRequest {
            method: "GET",
            target: black_box(&target),
            token_hash,
            nonce: None,
            delegation_hash: None,
            content_digest: None,
        };
        signer.sign(&request, now(), &mut random).is_ok()
    });
    let issue = material::issuing();
    let token_bytes = signing_input(&issue());
    let token = Candidate::new("sign-token", move || signing_input(&issue()) == token_bytes);
    vec![bare("sign-proof-bare", UNIT_BYTES), proof, bare("sign-token-bare", token_bytes), token]
}

fn signing_input(jws: &str) -> usize {
    jws.rfind('.').expect("a signature")
}
