//! Chains that are accepted, twins of the refusals.

use serde_json::json;

use super::{asking, wide};
use crate::make::case::right;
use crate::make::draft::Draft;
use crate::make::keys::Who;
use crate::make::{Case, NOW};
use crate::vector::Evidence;

pub(super) fn cases() -> Vec<Case> {
    [lengths(), kinds(), spellings()].into_iter().flatten().collect()
}

fn lengths() -> Vec<Case> {
    let offline = |hops: u8| {
        right(
            format!("offline-{hops}"),
            "P-09 DEL-33",
            format!("offline: {hops} hops below a root"),
            Draft::offline(hops),
        )
    };
    let exchanged = |hops: u8| {
        let about = format!("exchanged: a token made from {hops} hops, with its evidence");
        right(format!("exchanged-{hops}"), "P-09 DEL-31 DEL-34", about, Draft::exchanged(hops))
    };
    vec![
        offline(1),
        offline(2),
        offline(3),
        offline(5),
        exchanged(1),
        exchanged(2),
        exchanged(3),
        right("offline-8-where-allowed", "DEL-26 DEL-42", "offline: 8 hops at a server that reads so many", {
            wide(Draft::offline(8))
        }),
        right("exchanged-8-where-allowed", "DEL-26 DEL-42", "exchanged: 8 hops at a server that reads so many", {
            wide(Draft::exchanged(8))
        }),
    ]
}

fn kinds() -> Vec<Case> {
    let instance = |draft: Draft| draft.hop_claims(2, json!({"inst": true}));
    let p256 = |draft: Draft| draft.hop_for(1, Who::P256Agent).hop_by(2, Who::P256Agent);
    let middle = json!({"sub": Who::P256Agent.did().as_str(), "act": {"sub": Who::Agent.did().as_str()}});
    let started = |draft: Draft| draft.hop_claims(1, json!({"nbf": NOW - 40})).hop_claims(2, json!({"nbf": NOW + 30}));
    let narrow = |draft: Draft| {
        draft
            .hop_claims(1, json!({"scope": "files:write files:read", "resource": ["https://other.example", "https://api.example"]}))
            .hop_claims(2, json!({"del_max_depth": 2, "exp": NOW + 300, "iat": NOW - 49}))
    };
    vec![
        right("offline-instance", "P-09", "offline: the last hop is to an instance key", instance(Draft::offline(2))),
        right("exchanged-instance", "P-09", "exchanged: the same", instance(Draft::exchanged(2))),
        right("offline-es256-delegator", "DEL-44", "offline: a delegator whose key is P-256", p256(Draft::offline(2))),
        right(
            "exchanged-es256-delegator",
            "DEL-44",
            "exchanged: a delegator whose key is P-256",
            p256(Draft::exchanged(2)).claims(json!({"act": {"sub": Who::Delegate(2).did().as_str(), "act": middle}})),
        ),
        right("offline-nbf", "DEL-24", "offline: hops with `nbf`, one in the last second of the leeway", {
            started(Draft::offline(2))
        }),
        right("exchanged-nbf", "DEL-24", "exchanged: the same", started(Draft::exchanged(2))),
        right(
            "offline-narrowing-step-by-step",
            "DEL-20 DEL-21 DEL-24 DEL-26",
            "offline: each hop narrows the one before, in scope, resources, end and depth",
            narrow(Draft::offline(2)),
        ),
        right("exchanged-narrowing-step-by-step", "DEL-20 DEL-21 DEL-24 DEL-26", "exchanged: the same", {
            narrow(Draft::exchanged(2)).claims(json!({"del_max_depth": 2}))
        }),
        right(
            "exchanged-without-evidence",
            "DEL-38",
            "exchanged: no evidence, at a server that takes the issuer's word",
            bare(Draft::exchanged(2), Evidence::Optional),
        ),
        right(
            "exchanged-with-evidence-nobody-asked-for",
            "DEL-31",
            "exchanged: evidence, at a server that does not need it",
            asking(Draft::exchanged(2), Evidence::Optional, 8192, 5),
        ),
    ]
}

/// The request without its evidence.
pub(super) fn bare(draft: Draft, evidence: Evidence) -> Draft {
    asking(draft.field("Delegation", &[]).without_proof_claim("dch"), evidence, 8192, 5)
}

fn spellings() -> Vec<Case> {
    let loose = Draft::offline(2).finished_members().join(" ,\t ");
    vec![
        right(
            "offline-blanks-around-commas",
            "DEL-32",
            "offline: blanks around the comma, which the hash does not cover",
            Draft::offline(2).field("Delegation", &[&loose]),
        ),
        right("offline-member-order", "DEL-28", "offline: members of a hop in another order, with blanks between", {
            Draft::offline(2).hop(1, |hop| {
                hop.claims_text(|text| {
                    let (first, rest) = text.trim_matches(['{', '}']).split_once(',').unwrap();
                    format!("\n {{ {rest} ,\t{first} }} ")
                })
            })
        }),
        right("offline-ed25519-name", "DEL-44", "offline: a hop that names its algorithm `Ed25519`", {
            Draft::offline(2).hop(2, |hop| hop.header(json!({"alg": "Ed25519"})))
        }),
    ]
}
