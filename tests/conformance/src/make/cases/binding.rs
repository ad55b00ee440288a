//! Proof, token and caller belong together: what the other files do not show.

use serde_json::json;

use crate::make::Case;
use crate::make::case::{invalid_proof, invalid_token, wrong};
use crate::make::draft::Draft;
use crate::make::keys::Who;

pub(super) fn cases() -> Vec<Case> {
    vec![
        wrong(
            "bound-to-p256-of-another",
            invalid_token("holder_mismatch"),
            "DPOP-35 TH12",
            "the token of the Ed25519 agent with a proof by the P-256 one",
            Draft::good().proof_by(Who::P256Agent).proof_header(json!({"alg": "ES256"})),
        )
        .twin("good-es256"),
        wrong(
            "bound-stolen-with-old-proof",
            invalid_proof("token_hash_mismatch"),
            "DPOP-34 P-01",
            "another token of the same agent with a proof for the first",
            {
                let first = Draft::good().step(crate::vector::Expected::Accepted);
                let proof = String::from_utf8(first.field("dpop").remove(0)).unwrap();
                Draft::good().claims(json!({"jti": "tok_2"})).field("DPoP", &[&proof])
            },
        ),
        wrong(
            "owner-of-another-key",
            invalid_token("actor_mismatch"),
            "DK-14 ACT-09",
            "an owner's token bound to a key that is not in its DID",
            Draft::good_owner().claims(json!({"client_id": Who::Stranger.did().as_str()})),
        )
        .twin("good-owner"),
        wrong(
            "proof-key-unsigned-mismatch",
            invalid_token("holder_mismatch"),
            "DPOP-35",
            "another key's proof is refused before its signature is looked at",
            Draft::good().proof_by(Who::OtherAgent).proof_signer(|_| vec![0; 64]),
        )
        .twin("other-agent"),
    ]
}
