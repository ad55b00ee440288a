//! A chain that was found good before: what is remembered of it answers for the same bytes and nothing else.

use serde_json::json;

use super::ACCEPTED;
use crate::make::case::{invalid_proof, invalid_token, right, wrong};
use crate::make::draft::Draft;
use crate::make::keys::Who;
use crate::make::{Case, NOW};
use crate::vector::StatusSetting;

/// The same request with a proof of its own.
fn again(draft: Draft) -> Draft {
    draft.proof_claims(json!({"jti": "proof-2"}))
}

pub(super) fn cases() -> Vec<Case> {
    let swapped = || {
        let other = Draft::exchanged(2).hop_claims(1, json!({"jti": "hop_twin"})).finished_members();
        again(Draft::exchanged(2)).members(move |_| other.clone())
    };
    let lasting = |draft: Draft| {
        draft.set(|setting| {
            setting.issuers[0].status = StatusSetting::Known { as_of: NOW + 560, revoked: Vec::new() };
        })
    };
    let later =
        |seconds: u64| lasting(again(Draft::offline(2))).proof_claims(json!({"iat": NOW + seconds})).at(NOW + seconds);
    let refused = |name: &str, reason: &str, rules, about: &str, last: Draft, before: Draft, twin: &str| {
        wrong(name, invalid_token(reason), rules, about, last).after(before, ACCEPTED).twin(twin)
    };
    vec![
        right("remembered-offline", "AT-22", "offline: the same chain a second time", again(Draft::offline(2)))
            .after(Draft::offline(2), ACCEPTED),
        right("remembered-exchanged", "AT-22", "exchanged: the same chain a second time", again(Draft::exchanged(2)))
            .after(Draft::exchanged(2), ACCEPTED),
        right("remembered-until-the-end", "AT-22 DEL-25", "offline: again in the last second of the hops", later(570))
            .after(lasting(Draft::offline(2)), ACCEPTED),
        refused(
            "remembered-and-expired",
            "hop_expired",
            "AT-22 DEL-25",
            "offline: again a second later",
            later(571),
            lasting(Draft::offline(2)),
            "remembered-until-the-end",
        ),
        refused(
            "remembered-and-swapped",
            "chain_malformed",
            "AT-22 DEL-32 TH35",
            "exchanged: the same token with another good chain of the same parties",
            swapped(),
            Draft::exchanged(2),
            "remembered-exchanged",
        ),
        refused(
            "remembered-and-forged",
            "hop_signature_invalid",
            "AT-22 TH35",
            "offline: the same chain with another signature on its last hop",
            again(Draft::offline(2)).hop(2, |hop| hop.signed_by(Who::Stranger)),
            Draft::offline(2),
            "remembered-offline",
        ),
        refused(
            "remembered-and-rerooted",
            "parent_hash_mismatch",
            "AT-22 TH35",
            "offline: the same chain under another root of the same agent",
            {
                let hops = Draft::offline(2).finished_members();
                again(Draft::offline(2)).root_claims(json!({"jti": "tok_other"})).members(move |_| hops.clone())
            },
            Draft::offline(2),
            "remembered-offline",
        ),
        refused(
            "remembered-for-another-key",
            "holder_mismatch",
            "AT-22 DEL-33 TH35",
            "offline: the same chain with a proof by the delegator",
            again(Draft::offline(2)).proof_by(Who::Delegate(1)),
            Draft::offline(2),
            "remembered-offline",
        ),
        wrong(
            "remembered-and-replayed",
            invalid_proof("proof_replayed"),
            "AT-22 P-02",
            "offline: the same request a second time",
            Draft::offline(2),
        )
        .after(Draft::offline(2), ACCEPTED)
        .twin("remembered-offline"),
    ]
}
