//! The window of a proof, both sides of both edges.

use serde_json::json;

use crate::make::case::{invalid_proof, right, wrong};
use crate::make::draft::Draft;
use crate::make::{Case, NOW};
use crate::vector::Window;

pub(super) fn cases() -> Vec<Case> {
    let made = |at: u64| Draft::good().proof_claims(json!({"iat": at}));
    let wide = |at: u64| made(at).set(|setting| setting.window = Window { past: 300, future: 60 });
    let stale = invalid_proof("proof_stale");
    let early = invalid_proof("proof_from_future");
    vec![
        right("proof-oldest", "DPOP-46 DPOP-33", "made 60 seconds ago", made(NOW - 60)),
        wrong("proof-too-old", stale.clone(), "TH23 DPOP-46 DPOP-33", "made 61 seconds ago", made(NOW - 61))
            .twin("proof-oldest"),
        right("proof-earliest", "DPOP-46 DPOP-47", "made 30 seconds ahead of the server's clock", made(NOW + 30)),
        wrong(
            "proof-too-early",
            early.clone(),
            "TH23 DPOP-46",
            "made 31 seconds ahead of the server's clock",
            made(NOW + 31),
        )
        .twin("proof-earliest"),
        right("proof-oldest-wide", "DPOP-46", "made 300 seconds ago, where that is allowed", wide(NOW - 300)),
        wrong("proof-too-old-wide", stale.clone(), "DPOP-46", "made 301 seconds ago", wide(NOW - 301))
            .twin("proof-oldest-wide"),
        right("proof-earliest-wide", "DPOP-46", "made 60 seconds ahead, where that is allowed", wide(NOW + 60)),
        wrong("proof-too-early-wide", early.clone(), "DPOP-46", "made 61 seconds ahead", wide(NOW + 61))
            .twin("proof-earliest-wide"),
        wrong("proof-of-the-epoch", stale, "DPOP-53", "made in 1970", made(0)).twin("proof-oldest"),
        wrong("proof-of-the-last-second", early, "DPOP-53", "made at the last second a date can have", {
            made(9_007_199_254_740_991)
        })
        .twin("proof-earliest"),
    ]
}
