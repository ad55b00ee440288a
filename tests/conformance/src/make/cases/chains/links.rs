//! Each hop is signed by the delegate before it, for the same owner and task, and continues exactly that parent.

use serde_json::json;

use super::{both, exchanged, offline};
use crate::make::Case;
use crate::make::case::{invalid_token, wrong};
use crate::make::draft::Draft;
use crate::make::keys::Who;

pub(super) fn cases() -> Vec<Case> {
    [signatures(), parents(), splices(), subjects()].into_iter().flatten().collect()
}

fn signatures() -> Vec<Case> {
    let invalid = |name: &str, rules, about: &str, mistake: &dyn Fn(Draft) -> Draft| {
        both(name, "hop_signature_invalid", rules, about, mistake).collect::<Vec<_>>()
    };
    [
        invalid("hop-by-a-stranger", "DEL-27", "a stranger signed the second hop", &|draft| {
            draft.hop(2, |hop| hop.signed_by(Who::Stranger))
        }),
        invalid("first-hop-by-a-stranger", "DEL-27", "a stranger signed the first hop", &|draft| {
            draft.hop(1, |hop| hop.signed_by(Who::Stranger))
        }),
        invalid(
            "hop-by-the-delegator-before",
            "TH37 DEL-27",
            "the second hop is by the first one's delegator",
            &|draft| draft.hop_by(2, Who::Agent),
        ),
        invalid("hop-by-the-delegate", "DEL-27", "the last delegate wrote the hop to itself", &|draft| {
            draft.hop_by(2, Who::Delegate(2))
        }),
        invalid("hop-by-the-issuer", "DEL-27 DEL-41", "the issuer's key signed the first hop", &|draft| {
            draft.hop(1, |hop| hop.signed_by(Who::Issuer))
        }),
        invalid(
            "hop-changed-after-signing",
            "DEL-27",
            "a signature of the same delegator over another hop",
            &|draft| {
                draft.hop(2, |hop| {
                    let other = hop.clone().claims(json!({"scope": "files:list", "par_hash": "A".repeat(43)})).text();
                    let signature = other.rsplit_once('.').unwrap().1.to_owned();
                    hop.edited(move |text| format!("{}.{signature}", text.rsplit_once('.').unwrap().0))
                })
            },
        ),
        invalid("hop-signature-zero", "DEL-44", "a signature of zeros", &|draft| {
            draft.hop(2, |hop| hop.signer(|_| vec![0; 64]))
        }),
        invalid(
            "hop-alg-of-another-key",
            "DEL-44",
            "the hop names `ES256`, the delegator's key is Ed25519",
            &|draft| draft.hop(2, |hop| hop.header(json!({"alg": "ES256"}))),
        ),
    ]
    .concat()
}

fn parents() -> Vec<Case> {
    let mismatch = |name: &str, rules, about: &str, mistake: &dyn Fn(Draft) -> Draft| {
        both(name, "parent_hash_mismatch", rules, about, mistake).collect::<Vec<_>>()
    };
    let mut cases: Vec<_> = both(
        "hop-of-another-issuer",
        "hop_issuer_mismatch",
        "DEL-27",
        "the second hop names another delegator than the one whose key signed it",
        |draft| {
            let stranger = Who::Stranger.did();
            let named = |hop: crate::make::jws::Jws| {
                hop.claims(json!({"iss": stranger.as_str()})).header(json!({"kid": stranger.key_id()}))
            };
            draft.hop(2, named)
        },
    )
    .collect();
    cases.extend(mismatch("parent-hash-of-the-whole-hop", "DEL-28", "`par_hash` covers the signature too", &|draft| {
        draft.hop_claims(2, json!({"par_hash": "{whole parent}"}))
    }));
    cases.extend(mismatch(
        "parent-hash-of-the-whole-root",
        "DEL-28",
        "the first `par_hash` covers the signature",
        &|draft| draft.hop_claims(1, json!({"par_hash": "{whole parent}"})),
    ));
    cases.extend(mismatch("parent-hash-of-nothing", "DEL-28", "`par_hash` of an empty text", &|draft| {
        draft.hop_claims(2, json!({"par_hash": handfast_dpop::ContentHash::of(b"").to_string()}))
    }));
    cases.push(exchanged(
        "parent-hash-of-the-token",
        "parent_hash_mismatch",
        "DEL-28 DEL-36",
        "the first hop continues another token of its delegator, which is not the root shown",
        |draft| {
            let own = Draft::exchanged(2).token_draft().clone().text();
            let name = handfast_dpop::ContentHash::of(own.rsplit_once('.').unwrap().0.as_bytes()).to_string();
            draft.hop_claims(1, json!({"par_hash": name}))
        },
    ));
    cases
}

/// Parts of two honest chains put together.
fn splices() -> Vec<Case> {
    let splice = |form: &str, name: &str, rules, about: &str, reason: &str, draft: Draft, other: Draft, from: usize| {
        let other = other.finished_members();
        let draft = draft.members(move |own| [&own[..from], &other[from..]].concat());
        wrong(format!("{form}-{name}"), invalid_token(reason), rules, format!("{form}: {about}"), draft)
            .twin(format!("{form}-2"))
    };
    let mismatch = "parent_hash_mismatch";
    let other_root = || json!({"jti": "tok_00000000000000000000000000"});
    let twin_hop = || json!({"jti": "hop_twin"});
    let hops = "hops below another root of the same agent, put below this one";
    let hop = "the second hop of another chain of the same parties, put behind this chain's first";
    vec![
        splice(
            "offline",
            "spliced-below-another-root",
            "TH38 DEL-28",
            hops,
            mismatch,
            Draft::offline(2),
            Draft::offline(2).root_claims(other_root()),
            0,
        ),
        splice(
            "exchanged",
            "spliced-below-another-root",
            "TH38 DEL-28",
            hops,
            mismatch,
            Draft::exchanged(2),
            Draft::exchanged(2).root_claims(other_root()),
            1,
        ),
        splice(
            "offline",
            "spliced-behind-another-hop",
            "TH38 DEL-28",
            hop,
            mismatch,
            Draft::offline(2),
            Draft::offline(2).hop_claims(1, twin_hop()),
            1,
        ),
        splice(
            "exchanged",
            "spliced-behind-another-hop",
            "TH38 DEL-28",
            hop,
            mismatch,
            Draft::exchanged(2),
            Draft::exchanged(2).hop_claims(1, twin_hop()),
            2,
        ),
        splice(
            "exchanged",
            "chain-swapped",
            "DEL-31 DEL-32",
            "another good chain of the same parties in the place of the one the token was made from",
            "chain_malformed",
            Draft::exchanged(2),
            Draft::exchanged(2).hop_claims(1, twin_hop()),
            1,
        ),
        splice(
            "exchanged",
            "chain-of-another-root",
            "DEL-31 DEL-32",
            "another good chain of the same parties, with its own root",
            "chain_malformed",
            Draft::exchanged(2),
            Draft::exchanged(2).root_claims(other_root()),
            0,
        ),
        exchanged("chain-truncated", "chain_malformed", "DEL-31", "the last hop was taken away", |draft| {
            draft.members(|members| members[..2].to_vec())
        }),
        offline("chain-truncated", "holder_mismatch", "DEL-33", "the last hop was taken away", |draft| {
            draft.members(|members| members[..1].to_vec())
        }),
    ]
}

fn subjects() -> Vec<Case> {
    let other = "owner:01JD7V3K8Q5XW2T9M4N6R0ABCF";
    let task = "task_01jd7v3k8q5xw2t9m4n6r0abcf";
    let mut cases = Vec::new();
    for place in [1, 2] {
        let name = |what: &str| format!("{what}-altered-in-hop-{place}");
        let (owner, work) = ("a hop for another owner", "a hop for another task");
        cases.extend(both(&name("principal"), "principal_altered", "DEL-29", owner, |draft| {
            draft.hop_claims(place, json!({"sub": other}))
        }));
        cases.extend(both(&name("task"), "task_altered", "DEL-29", work, |draft| {
            draft.hop_claims(place, json!({"task": task}))
        }));
    }
    let by = Who::Agent.did().to_string();
    cases.extend([
        exchanged(
            "token-for-another-owner",
            "principal_altered",
            "DEL-29",
            "the token is for another owner",
            |draft| draft.claims(json!({"sub": other})),
        ),
        exchanged("token-for-another-task", "task_altered", "DEL-29", "the token is for another task", |draft| {
            draft.claims(json!({"task": {"id": task, "intent": "", "leaf": 7, "trigger": {"type": "self", "by": by}}}))
        }),
    ]);
    cases
}
