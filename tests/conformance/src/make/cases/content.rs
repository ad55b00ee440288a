//! Content that the proof has to cover.

use handfast_dpop::ContentDigest;
use serde_json::json;

use crate::make::Case;
use crate::make::case::{invalid_proof, right, wrong};
use crate::make::draft::Draft;

const CONTENT: &str = r#"{"amount":10}"#;

/// A request with `body` to a route that binds content.
fn sent(body: &str) -> Draft {
    let mut draft = Draft::good().set(|setting| setting.route.bind_content = true);
    draft.body = Some(body.to_owned());
    draft
}

fn covered(claim: &str, field: &str, body: &str) -> Draft {
    sent(body).field("Content-Digest", &[field]).proof_claims(json!({"htd": claim}))
}

pub(super) fn cases() -> Vec<Case> {
    let digest = |content: &str| ContentDigest::of(content.as_bytes()).to_string();
    let (own, other) = (digest(CONTENT), digest("{}"));
    let required = |name, about, draft| {
        wrong(name, invalid_proof("content_digest_required"), "DPOP-131", about, draft).twin("content-covered")
    };
    let mismatch = |name, about, draft| {
        wrong(name, invalid_proof("content_digest_mismatch"), "DPOP-131", about, draft).twin("content-covered")
    };
    let with_sha512 = format!("{own}, sha-512=:AAAA:");
    vec![
        right("content-covered", "DPOP-131", "the proof covers the content", covered(&own, &own, CONTENT)),
        right(
            "content-empty",
            "DPOP-131",
            "the proof covers that there is none",
            covered(&digest(""), &digest(""), ""),
        ),
        right("content-not-asked", "DPOP-131", "a route that does not ask for it looks at neither", {
            covered(&other, &own, CONTENT).set(|setting| setting.route.bind_content = false)
        }),
        required("content-uncovered", "neither claim nor field", sent(CONTENT)),
        required("content-no-claim", "a field that the proof does not cover", {
            sent(CONTENT).field("Content-Digest", &[&own])
        }),
        required("content-no-field", "a claim without the field", sent(CONTENT).proof_claims(json!({"htd": own}))),
        mismatch("content-changed", "other content than the one covered", covered(&own, &own, r#"{"amount":99}"#)),
        mismatch("content-removed", "no content where some was covered", covered(&own, &own, "")),
        mismatch("content-other-claim", "the claim of other content", covered(&other, &own, CONTENT)),
        mismatch("content-other-field", "the field of other content", covered(&own, &other, CONTENT)),
        mismatch(
            "content-field-twice",
            "the field twice",
            covered(&own, &own, CONTENT).field("Content-Digest", &[&own, &own]),
        ),
        mismatch("content-two-algorithms", "another algorithm beside it", covered(&with_sha512, &with_sha512, CONTENT)),
    ]
}
