//! What the token permits: whether a chain may, or has to, stand beside it.

use handfast_dpop::ContentHash;
use serde_json::json;

use super::good::bare;
use super::revocation::listed;
use super::{asking, exchanged, offline};
use crate::make::Case;
use crate::make::case::{invalid_token, wrong};
use crate::make::draft::{Draft, ISSUER, TOKEN_ID};
use crate::make::keys::Who;
use crate::vector::{Evidence, Revocation, StatusSetting};

pub(super) fn cases() -> Vec<Case> {
    [permission(), required(), on_word()].into_iter().flatten().collect()
}

fn permission() -> Vec<Case> {
    let chain = Draft::offline(2).finished_members().join(",");
    let beside = |draft: Draft| {
        let hash = ContentHash::of(chain.as_bytes()).to_string();
        draft.field("Delegation", &[&chain]).proof_claims(json!({"dch": hash}))
    };
    let foreign = |draft: Draft| draft.set(|setting| setting.issuers[0].trust.profile = "rfc9068".into());
    let denied = "delegation_not_permitted";
    vec![
        offline("not-permitted", "offline_not_permitted", "DEL-41 P-08", "a root that does not say `del_offline`", {
            |draft| draft.root(|root| root.without(&["del_offline"]))
        }),
        offline("refused-by-the-root", "offline_not_permitted", "DEL-41", "`del_offline` is false", |draft| {
            draft.root_claims(json!({"del_offline": false}))
        }),
        offline(
            "below-a-root-of-depth-0",
            denied,
            "DEL-26 DEL-41",
            "a root that may not be passed on at all",
            |draft| draft.root_claims(json!({"del_max_depth": 0})),
        ),
        wrong(
            "owner-with-a-chain",
            invalid_token(denied),
            "DEL-41",
            "an owner's own token with a chain beside it",
            beside(Draft::good_owner()),
        )
        .twin("good-owner"),
        offline("of-a-foreign-issuer", denied, "DEL-41 P-10", "the issuer is of profile `rfc9068`", foreign),
        exchanged("of-a-foreign-issuer", denied, "DEL-41 P-10", "the issuer is of profile `rfc9068`", foreign),
        offline(
            "root-of-several-actors",
            "actor_mismatch",
            "DEL-31 ACT-09",
            "the root names an actor before its agent",
            {
                |draft| {
                    let act = json!({"sub": Who::Agent.did().as_str(), "act": {"sub": Who::OtherAgent.did().as_str()}});
                    draft.root_claims(json!({"act": act}))
                }
            },
        ),
        offline(
            "root-of-another-actor",
            "actor_mismatch",
            "DEL-31 ACT-09",
            "the root's actor is not its client",
            |draft| draft.root_claims(json!({"act": {"sub": Who::OtherAgent.did().as_str()}})),
        ),
    ]
}

fn required() -> Vec<Case> {
    let required = "evidence_required";
    let foreign = |draft: Draft| draft.set(|setting| setting.issuers[0].trust.profile = "rfc9068".into());
    vec![
        exchanged("stripped", required, "DEL-31 P-08", "the chain was taken away", |draft| {
            bare(draft, Evidence::Required)
        }),
        exchanged(
            "stripped-in-a-roots-form",
            required,
            "DEL-31 P-08",
            "the chain was taken away; the token says depth 0 and one actor, and names hops",
            |draft| {
                let alone = json!({"del_depth": 0, "act": {"sub": Who::Delegate(2).did().as_str()}});
                bare(draft, Evidence::Required).claims(alone)
            },
        ),
        exchanged(
            "stripped-nameless",
            required,
            "DEL-38",
            "no evidence and no list of hops, on the issuer's word",
            |draft| bare(draft, Evidence::Optional).without_claims(&["hops", "root_jti", "chain_hash"]),
        )
        .twin("exchanged-without-evidence"),
        exchanged(
            "stripped-of-a-foreign-issuer",
            required,
            "P-10",
            "no evidence, from an issuer of profile `rfc9068`",
            |draft| foreign(bare(draft, Evidence::Optional)),
        )
        .twin("exchanged-without-evidence"),
        offline("stripped", "holder_mismatch", "DEL-33 TH12", "a delegate with the root token alone", |draft| {
            draft.field("Delegation", &[]).without_proof_claim("dch")
        }),
    ]
}

/// Without evidence the token's own list of hops and actors counts.
fn on_word() -> Vec<Case> {
    let refused = |name: &str, reason: &str, rules, about: &str, change: &dyn Fn(Draft) -> Draft| {
        exchanged(name, reason, rules, about, |draft| change(bare(draft, Evidence::Optional)))
            .twin("exchanged-without-evidence")
    };
    let revoked = |draft: Draft, kind: &str, id: &str| {
        let entry = Revocation { kind: kind.into(), id: id.into(), cut: None };
        draft.set(|setting| {
            assert_eq!(setting.issuers[0].trust.issuer, ISSUER);
            let as_of = crate::make::NOW - 5;
            setting.issuers[0].status = StatusSetting::Known { as_of, revoked: vec![entry] };
        })
    };
    let [first, last] = [1, 2].map(|place| super::revocation::hop_name(&Draft::exchanged(2), place));
    vec![
        refused("on-word-hop-revoked", "hop_revoked", "DEL-38 DEL-39", "no evidence; a hop of the list is revoked", &{
            move |draft| revoked(draft, "hop", &first)
        }),
        refused("on-word-last-hop-revoked", "hop_revoked", "DEL-38 DEL-39", "no evidence; the last hop is revoked", &{
            move |draft| revoked(draft, "hop", &last)
        }),
        refused(
            "on-word-root-revoked",
            "token_revoked",
            "DEL-38 DEL-39",
            "no evidence; the root is revoked",
            &|draft| revoked(draft, "token", TOKEN_ID),
        ),
        refused(
            "on-word-agent-revoked",
            "agent_revoked",
            "DEL-39 TH44",
            "no evidence; an earlier actor is revoked",
            &{ |draft| revoked(draft, "agent", Who::Delegate(1).did().as_str()) },
        ),
        refused(
            "on-word-key-of-a-delegator-compromised",
            "key_compromised",
            "DEL-40",
            "no evidence; the key of an earlier actor is compromised",
            &|draft| revoked(draft, "key", &Who::Delegate(1).jkt()),
        ),
        refused(
            "on-word-key-of-a-delegator-compromised-where-listed",
            "key_compromised",
            "DEL-40 P-11",
            "no evidence; the key of an earlier actor is compromised at an issuer whose word on keys counts",
            &|draft| listed(draft, "key", &Who::Delegate(1).jkt()),
        ),
        refused(
            "on-word-hops-short",
            "chain_malformed",
            "DEL-38",
            "no evidence; fewer hops than the depth says",
            &|draft| draft.claims(json!({"hops": ["{hop 1}"]})),
        ),
        refused(
            "on-word-act-short",
            "actor_mismatch",
            "DEL-31 DEL-37",
            "no evidence; fewer actors than hops",
            &|draft| draft.claims(json!({"act": {"sub": Who::Delegate(2).did().as_str()}})),
        ),
        exchanged(
            "evidence-optional-and-bad",
            "hop_signature_invalid",
            "DEL-27",
            "evidence nobody asked for is checked",
            |draft| asking(draft, Evidence::Optional, 8192, 5).hop(2, |hop| hop.signed_by(Who::Stranger)),
        )
        .twin("exchanged-with-evidence-nobody-asked-for"),
    ]
}
