//! Each proof once, and nothing forgotten too early.

use serde_json::{Value, json};

use crate::make::case::{invalid_proof, invalid_token, right, unavailable, wrong};
use crate::make::draft::{Draft, OTHER_RESOURCE};
use crate::make::keys::Who;
use crate::make::{Case, NOW};
use crate::vector::{Expected, ReplaySetting, StatusSetting};

pub(super) fn cases() -> Vec<Case> {
    [repeated(), last_second(), junk(), bounded()].into_iter().flatten().collect()
}

const ACCEPTED: Expected = Expected::Accepted;

fn with(claims: Value) -> Draft {
    Draft::good().proof_claims(claims)
}

fn other_path(draft: Draft) -> Draft {
    draft.target("https://api.example", "/files/43", "https://api.example/files/43")
}

fn repeated() -> Vec<Case> {
    let replayed = invalid_proof("proof_replayed");
    vec![
        wrong("replay", replayed.clone(), "DPOP-48 P-02 TH26", "one proof twice", Draft::good())
            .after(Draft::good(), ACCEPTED)
            .twin("replay-new-id"),
        right(
            "replay-new-id",
            "DPOP-01 DPOP-48",
            "a second proof for the same request",
            with(json!({"jti": "proof-2"})),
        )
        .after(Draft::good(), ACCEPTED),
        wrong(
            "replay-other-target",
            replayed.clone(),
            "DPOP-49 P-02",
            "the id of a proof in another proof by the same key, for another target",
            other_path(Draft::good()),
        )
        .after(Draft::good(), ACCEPTED)
        .twin("replay-new-id"),
        wrong("replay-other-time", replayed, "P-02", "the id of a proof in a younger proof by the same key", {
            with(json!({"iat": NOW + 1}))
        })
        .after(Draft::good(), ACCEPTED)
        .twin("replay-new-id"),
        right(
            "replay-other-key",
            "DPOP-49 P-18",
            "the id of another agent's proof: nobody can use up another's ids",
            Draft::good().of(Who::OtherAgent),
        )
        .after(Draft::good(), ACCEPTED),
    ]
}

fn last_second() -> Vec<Case> {
    let early = || {
        with(json!({"iat": NOW + 30})).set(|setting| {
            setting.issuers[0].status = StatusSetting::Known { as_of: NOW + 80, revoked: Vec::new() };
        })
    };
    vec![
        wrong(
            "replay-last-second",
            invalid_proof("proof_replayed"),
            "TH28 P-02",
            "a proof made 30 seconds ahead, again in the last second in which it is fresh",
            early().at(NOW + 90),
        )
        .after(early(), ACCEPTED)
        .twin("proof-last-second"),
        right("proof-last-second", "TH28", "the same proof for the first time in that second", early().at(NOW + 90)),
        wrong(
            "replay-too-old",
            invalid_proof("proof_stale"),
            "TH28 P-02",
            "a second later: too old now",
            early().at(NOW + 91),
        )
        .after(early(), ACCEPTED)
        .twin("proof-last-second"),
    ]
}

fn junk() -> Vec<Case> {
    let unsigned = Draft::good().proof_signer(|_| vec![0; 64]);
    vec![
        right(
            "replay-after-forgery",
            "DPOP-50",
            "a forged proof with the same id came first: it used up nothing",
            Draft::good(),
        )
        .after(unsigned, invalid_proof("proof_signature")),
        right("replay-after-refusal", "DPOP-50", "the same proof was refused with another token first", Draft::good())
            .after(Draft::good().claims(json!({"aud": [OTHER_RESOURCE]})), invalid_token("audience_mismatch")),
    ]
}

fn bounded() -> Vec<Case> {
    let held = |draft: Draft, total: usize, per_key: usize| {
        draft.set(|setting| setting.replay = Some(ReplaySetting::Bounded { total, per_key }))
    };
    let second = || with(json!({"jti": "proof-2"}));
    let later = Draft::good()
        .proof_claims(json!({"iat": NOW + 7200, "jti": "later"}))
        .claims(json!({"iat": NOW + 7100, "exp": NOW + 7300}))
        .at(NOW + 7200);
    let fresh_then = |draft: Draft| {
        draft.set(|setting| {
            setting.issuers[0].status = StatusSetting::Known { as_of: NOW + 7200, revoked: Vec::new() };
        })
    };
    vec![
        wrong(
            "replay-share-full",
            unavailable("replay_share_full"),
            "TH29 DPOP-51 P-18",
            "a busy key has used up its share",
            held(second(), 8, 1),
        )
        .after(Draft::good(), ACCEPTED)
        .twin("replay-share-of-another"),
        right(
            "replay-share-of-another",
            "TH29 P-18",
            "another key has its own share",
            held(Draft::good().of(Who::OtherAgent), 8, 1),
        )
        .after(Draft::good(), ACCEPTED),
        wrong("replay-full", unavailable("replay_store_full"), "TH29 DPOP-51 P-17", "the store holds all it may", {
            held(Draft::good().of(Who::OtherAgent), 1, 1)
        })
        .after(Draft::good(), ACCEPTED)
        .twin("replay-share-of-another"),
        wrong(
            "replay-full-remembers",
            invalid_proof("proof_replayed"),
            "TH29 P-02",
            "the store is full and knows the proof still",
            held(Draft::good(), 1, 1),
        )
        .after(Draft::good(), ACCEPTED)
        .twin("replay-share-of-another"),
        wrong(
            "replay-unavailable",
            unavailable("replay_store_unavailable"),
            "TH30 P-17",
            "the store cannot be asked",
            Draft::good().set(|setting| setting.replay = Some(ReplaySetting::Unavailable)),
        ),
        wrong(
            "replay-clock-set-back",
            unavailable("clock_went_back"),
            "TH77 P-02",
            "the clock was set back two hours, and a proof of then comes again",
            fresh_then(Draft::good()),
        )
        .after(Draft::good(), ACCEPTED)
        .after(later, ACCEPTED)
        .twin("replay-new-id"),
    ]
}
