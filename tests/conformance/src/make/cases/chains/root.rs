//! The root: a token of the issuer, of depth 0, bound to the agent that signs the first hop.

use serde_json::json;

use super::{both, exchanged, offline};
use crate::make::Case;
use crate::make::case::{invalid_token, right, wrong};
use crate::make::chain::{EXCHANGED_ID, with_old_key};
use crate::make::draft::{Draft, SECOND_ISSUER};
use crate::make::jws::Jws;
use crate::make::keys::Who;
use crate::vector::{Revocation, StatusSetting};

const UNTRUSTED: &str = "untrusted_root";

fn refused(name: &str, rules: &'static str, about: &str, change: impl FnOnce(Jws) -> Jws) -> Case {
    exchanged(name, UNTRUSTED, rules, about, |draft| draft.root(change))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        refused("root-of-another-issuer", "DEL-41 P-10", "the root is of another issuer", |root| {
            root.claims(json!({"iss": SECOND_ISSUER}))
                .header(json!({"kid": Who::SecondIssuer.jkt()}))
                .signed_by(Who::SecondIssuer)
        }),
        refused(
            "root-in-another-name",
            "DEL-41 P-10",
            "the root names another issuer, the key is this one's",
            |root| root.claims(json!({"iss": SECOND_ISSUER})),
        ),
        refused("root-by-a-stranger", "DEL-41", "the root is a stranger's under the issuer's `kid`", |root| {
            root.signed_by(Who::Stranger)
        }),
        refused("root-by-an-agent", "DEL-41 TH37", "an agent wrote the root itself, with its own key", |root| {
            root.header(json!({"kid": Who::Agent.jkt()})).signed_by(Who::Agent)
        }),
        refused("root-kid-missing", "DEL-41", "the root names no key", |root| root.without_header("kid")),
        refused("root-of-depth-1", "DEL-41", "the root says depth 1", |root| root.claims(json!({"del_depth": 1}))),
        refused("root-without-depth", "DEL-41", "a token that knows nothing of delegation is the root", |root| {
            root.without(&["del_depth", "del_max_depth"])
        }),
        refused(
            "root-with-unknown-details",
            "RAR-09",
            "the root is restricted in a way nobody here can read",
            |root| root.claims(json!({"authorization_details": [{"type": "payment_initiation"}]})),
        ),
        exchanged("root-is-the-token", UNTRUSTED, "DEL-41", "the presented token stands in the place of the root", {
            |draft| {
                let made = draft.token_draft().clone().claims(json!({"jti": EXCHANGED_ID}));
                let hash = handfast_dpop::ContentHash::of(b"x").to_string();
                draft.root(move |_| made.claims(json!({"hops": [hash, hash], "chain_hash": hash})))
            }
        }),
        exchanged("root-dropped", "chain_malformed", "DEL-41", "the root was taken out of the evidence", |draft| {
            draft.members(|mut members| {
                members.remove(0);
                members
            })
        }),
        exchanged("root-alone", "chain_malformed", "DEL-41", "the evidence is a root and no hop", |draft| {
            draft.members(|members| members[..1].to_vec())
        }),
        exchanged("root-signature-cut", "chain_malformed", "DEL-43", "the root lacks its signature", |draft| {
            draft.root(|root| root.edited(|text| text.rsplit_once('.').unwrap().0.to_owned()))
        }),
        offline("root-unbound", UNTRUSTED, "DEL-33 DPOP-103", "the root is bound to no key", |draft| {
            draft.root(|root| root.without(&["cnf"]))
        }),
    ];
    cases.extend(both(
        "root-of-another-key",
        UNTRUSTED,
        "DEL-33",
        "the root is bound to another key than its agent's",
        |draft| draft.root_claims(json!({"cnf": {"jkt": Who::OtherAgent.jkt()}})),
    ));
    cases.extend(both("root-of-no-did", UNTRUSTED, "DEL-33 DK-14", "the root's client is no DID", |draft| {
        draft.root_claims(json!({"client_id": "client-7", "act": {"sub": "client-7"}}))
    }));
    cases.extend(old_keys());
    cases
}

fn old_keys() -> Vec<Case> {
    let old = || {
        with_old_key(Draft::exchanged(2))
            .root(|root| root.header(json!({"kid": Who::OldIssuer.jkt()})).signed_by(Who::OldIssuer))
    };
    let entry = Revocation { kind: "issuer_key".into(), id: Who::OldIssuer.jkt(), cut: None };
    vec![
        right(
            "exchanged-root-by-another-key",
            "DEL-41",
            "exchanged: the issuer signed the root with its other key",
            old(),
        ),
        wrong(
            "exchanged-root-by-a-revoked-key",
            invalid_token("issuer_key_revoked"),
            "DEL-39 JWKS-06",
            "exchanged: the issuer's key that signed the root is revoked",
            old().set(|setting| {
                setting.issuers[0].status = StatusSetting::Known { as_of: crate::make::NOW - 5, revoked: vec![entry] };
            }),
        )
        .twin("exchanged-root-by-another-key"),
    ]
}
