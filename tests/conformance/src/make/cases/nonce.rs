//! Nonces, and the rule for the time after a start.

use handfast_dpop::{NonceKeys, NonceRole, NonceSecret, NonceSource};
use handfast_identity::{Seconds, UnixTime, base64url};
use serde_json::json;

use crate::make::case::{invalid_proof, right, use_nonce, wrong};
use crate::make::draft::Draft;
use crate::make::{Case, NOW};
use crate::vector::{Keys, NonceSetting};

pub(super) fn cases() -> Vec<Case> {
    [demanded(), known(), clock(), restart()].into_iter().flatten().collect()
}

fn keys(started: Option<u64>) -> Keys {
    Keys { secret: base64url::encode(&[7; 32]), period: 60, started }
}

/// The nonce that a server with secret bytes `secret` hands out at `now`.
fn nonce_of(secret: u8, role: NonceRole, now: u64) -> String {
    let secret = NonceSecret::from_shared(&[secret; 32]);
    let keys = NonceKeys::new(&secret, role, Seconds::new(60)).unwrap();
    keys.issue(UnixTime::from_secs(now)).as_str().to_owned()
}

fn ours(now: u64) -> String {
    nonce_of(7, NonceRole::ResourceServer, now)
}

fn policy(draft: Draft, nonces: fn(Keys) -> NonceSetting) -> Draft {
    draft.set(|setting| setting.nonces = nonces(keys(None)))
}

fn with(nonce: &str) -> Draft {
    Draft::good().proof_claims(json!({"nonce": nonce}))
}

/// `with`, where nonces are demanded.
fn required(nonce: &str) -> Draft {
    policy(with(nonce), NonceSetting::Required)
}

fn demanded() -> Vec<Case> {
    vec![
        right("nonce", "DPOP-32 DPOP-57", "a nonce where one is demanded", required(&ours(NOW))),
        wrong(
            "nonce-missing",
            use_nonce("nonce_required"),
            "DPOP-32 DPOP-57 DPOP-60",
            "no nonce where one is demanded",
            policy(Draft::good(), NonceSetting::Required),
        )
        .twin("nonce"),
        right("nonce-optional", "DPOP-55", "no nonce where one is checked only when sent", {
            policy(Draft::good(), NonceSetting::Adds)
        }),
        right("nonce-where-none-is-known", "DPOP-37", "a nonce where none is handed out", with("anything")),
    ]
}

fn known() -> Vec<Case> {
    let unknown = |name, rules, about, nonce: &str| {
        wrong(name, use_nonce("nonce_unknown"), rules, about, required(nonce)).twin("nonce")
    };
    let altered = |nonce: String| {
        let last = if nonce.ends_with('A') { "B" } else { "A" };
        format!("{}{last}", &nonce[..nonce.len() - 1])
    };
    let of_the_issuer = nonce_of(7, NonceRole::AuthorizationServer, NOW);
    let of_another = nonce_of(8, NonceRole::ResourceServer, NOW);
    vec![
        right("nonce-of-previous-step", "DPOP-62", "the nonce of the step before", required(&ours(NOW - 60))),
        right("nonce-of-next-step", "DPOP-62 DPOP-66", "the nonce of the step to come", required(&ours(NOW + 60))),
        right(
            "nonce-reused",
            "DPOP-63",
            "one nonce in two proofs",
            required(&ours(NOW)).proof_claims(json!({"jti": "2"})),
        )
        .after(required(&ours(NOW)), crate::vector::Expected::Accepted),
        unknown("nonce-after-two-rotations", "TH24 DPOP-61", "a nonce two steps old", &ours(NOW - 120)),
        unknown("nonce-of-yesterday", "TH24 DPOP-61", "a nonce a day old", &ours(NOW - 86_400)),
        unknown("nonce-of-issuer", "TH25 DPOP-10", "a nonce of the token endpoint", &of_the_issuer),
        unknown("nonce-of-another-server", "DPOP-61 DPOP-10", "a nonce made with another secret", &of_another),
        unknown("nonce-altered", "DPOP-61", "the last character of a nonce changed", &altered(ours(NOW))),
        unknown("nonce-padded", "DPOP-61 DPOP-09", "a good nonce with padding", &format!("{}=", ours(NOW))),
        unknown("nonce-empty", "DPOP-61", "an empty nonce", ""),
        wrong(
            "nonce-unknown-where-optional",
            use_nonce("nonce_unknown"),
            "DPOP-61",
            "an unknown nonce where none is demanded",
            policy(with("unknown"), NonceSetting::Adds),
        )
        .twin("nonce-optional"),
    ]
}

fn clock() -> Vec<Case> {
    let old = |draft: Draft| draft.proof_claims(json!({"iat": NOW - 61}));
    let early = |draft: Draft| draft.proof_claims(json!({"iat": NOW + 31}));
    vec![
        wrong(
            "nonce-could-help-old",
            use_nonce("proof_stale"),
            "TH23 DPOP-33",
            "too old, without the nonce the route knows",
            policy(old(Draft::good()), NonceSetting::Adds),
        )
        .twin("nonce-optional"),
        wrong(
            "nonce-could-help-early",
            use_nonce("proof_from_future"),
            "TH23 DPOP-33",
            "too early, without the nonce the route knows",
            policy(early(Draft::good()), NonceSetting::Adds),
        )
        .twin("nonce-optional"),
        wrong(
            "nonce-does-not-help-old",
            invalid_proof("proof_stale"),
            "TH23",
            "too old, with a good nonce that adds to the clock",
            policy(old(with(&ours(NOW))), NonceSetting::Adds),
        )
        .twin("nonce"),
        wrong(
            "nonce-does-not-help-early",
            invalid_proof("proof_from_future"),
            "TH23",
            "too early, with a good nonce",
            policy(early(with(&ours(NOW))), NonceSetting::Required),
        )
        .twin("nonce"),
        right("nonce-instead-of-clock", "DPOP-54", "an `iat` of years ago where the nonce replaces the clock", {
            policy(with(&ours(NOW)).proof_claims(json!({"iat": 1})), NonceSetting::ReplacesClock)
        }),
        wrong("nonce-instead-of-clock-missing", use_nonce("proof_stale"), "DPOP-54", "the same without the nonce", {
            policy(Draft::good().proof_claims(json!({"iat": 1})), NonceSetting::ReplacesClock)
        })
        .twin("nonce-instead-of-clock"),
    ]
}

fn restart() -> Vec<Case> {
    let started = |draft: Draft, at: u64| draft.set(|setting| setting.nonces = NonceSetting::Adds(keys(Some(at))));
    vec![
        wrong(
            "nonce-missing-after-start",
            use_nonce("nonce_required"),
            "TH27 P-02",
            "90 seconds after a start: proofs from before may still be fresh",
            started(Draft::good(), NOW - 90),
        )
        .twin("nonce-optional-again"),
        right("nonce-optional-again", "TH27 P-02", "91 seconds after a start", started(Draft::good(), NOW - 91)),
        right("nonce-after-start", "TH27 P-02", "a second after a start, with a nonce of this process", {
            started(with(&ours(NOW)), NOW - 1)
        }),
        wrong(
            "nonce-of-the-process-before",
            use_nonce("nonce_unknown"),
            "TH27 P-02",
            "a second after a start, with a nonce of the process before",
            started(with(&nonce_of(8, NonceRole::ResourceServer, NOW - 2)), NOW - 1),
        )
        .twin("nonce-after-start"),
    ]
}
