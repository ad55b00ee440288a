//! Depths, ceilings and repetitions: looked at before any signature.

use serde_json::json;

use super::{asking, both, exchanged, offline};
use crate::make::Case;
use crate::make::case::{invalid_token, wrong};
use crate::make::draft::Draft;
use crate::make::keys::Who;
use crate::vector::Evidence;

pub(super) fn cases() -> Vec<Case> {
    [depths(), limits(), orders(), repetitions()].into_iter().flatten().collect()
}

const INVALID: &str = "depth_invalid";

fn depths() -> Vec<Case> {
    let deep = |name: &str, about: &str, mistake: &dyn Fn(Draft) -> Draft| {
        both(name, INVALID, "DEL-26", about, mistake).collect::<Vec<_>>()
    };
    [
        deep("depth-skipped", "the second hop says depth 3", &|draft| draft.hop_claims(2, json!({"del_depth": 3}))),
        deep("depth-repeated", "the second hop says depth 1", &|draft| draft.hop_claims(2, json!({"del_depth": 1}))),
        deep("max-depth-raised", "a hop raises the ceiling of the hop before", &|draft| {
            draft.hop_claims(1, json!({"del_max_depth": 2})).claims(json!({"del_max_depth": 2}))
        }),
        deep("max-depth-above-the-root", "the first hop raises the root's ceiling", &|draft| {
            draft.hop_claims(1, json!({"del_max_depth": 4}))
        }),
        deep("depth-over-the-root", "two hops below a root for one", &|draft| {
            let one = || json!({"del_max_depth": 1});
            draft.root_claims(one()).hop_claims(1, one()).hop_claims(2, one())
        }),
        deep("depth-over-a-hop", "a hop behind one that may not be passed on", &|draft| {
            let one = || json!({"del_max_depth": 1});
            draft.hop_claims(1, one()).hop_claims(2, one())
        }),
        deep("behind-an-instance", "a hop behind one to an instance key", &|draft| {
            draft.hop_claims(1, json!({"inst": true}))
        }),
    ]
    .concat()
}

fn limits() -> Vec<Case> {
    let sixth = |draft: Draft| asking(draft, Evidence::Required, 32 * 1024, 5);
    let refused = |name: &str, about: &str, draft: Draft, twin: &str| {
        wrong(name, invalid_token(INVALID), "TH41 DEL-26", about, draft).twin(twin)
    };
    vec![
        refused(
            "offline-sixth-hop",
            "offline: a sixth hop, where the server follows five",
            Draft::offline(6),
            "offline-5",
        ),
        refused(
            "exchanged-sixth-hop",
            "exchanged: a sixth hop, where the server follows five",
            sixth(Draft::exchanged(6)),
            "exchanged-8-where-allowed",
        ),
        refused(
            "offline-second-hop-of-one",
            "offline: two hops, where the server follows one",
            asking(Draft::offline(2), Evidence::Required, 8192, 1),
            "offline-2",
        ),
        exchanged("below-a-root-of-depth-0", INVALID, "DEL-26", "a root that may not be passed on at all", |draft| {
            draft.root_claims(json!({"del_max_depth": 0}))
        }),
    ]
}

/// Members taken away or moved on the way.
fn orders() -> Vec<Case> {
    let moved = |name: &str, about: &str, edit: fn(Vec<String>, usize) -> Vec<String>| {
        let refused = |form: &str, draft: Draft, first| {
            let draft = draft.members(move |members| edit(members, first));
            wrong(format!("{form}-{name}"), invalid_token(INVALID), "DEL-26 DEL-28", format!("{form}: {about}"), draft)
                .twin(format!("{form}-3"))
        };
        vec![refused("offline", Draft::offline(3), 0), refused("exchanged", Draft::exchanged(3), 1)]
    };
    [
        moved("first-hop-dropped", "the first hop was taken out", |mut members, first| {
            members.remove(first);
            members
        }),
        moved("middle-hop-dropped", "the middle hop was taken out", |mut members, first| {
            members.remove(first + 1);
            members
        }),
        moved("hops-reordered", "two hops have changed places", |mut members, first| {
            members.swap(first, first + 1);
            members
        }),
        moved("hop-presented-twice", "a hop stands twice", |mut members, first| {
            members.insert(first, members[first].clone());
            members
        }),
    ]
    .concat()
}

fn repetitions() -> Vec<Case> {
    let twice = "duplicate_hop";
    let of_three = |name: &str, about: &str, mistake: fn(Draft) -> Draft| {
        let refused = |form: &str, draft: Draft| {
            wrong(format!("{form}-{name}"), invalid_token(twice), "DEL-30", format!("{form}: {about}"), mistake(draft))
                .twin(format!("{form}-3"))
        };
        vec![refused("offline", Draft::offline(3)), refused("exchanged", Draft::exchanged(3))]
    };
    let mut cases: Vec<_> = both("jti-twice", twice, "DEL-30", "two hops have one `jti`", |draft| {
        draft.hop_claims(2, json!({"jti": "hop_1"}))
    })
    .collect();
    cases.extend(of_three("delegate-twice", "the third hop is for the first delegate", |draft| {
        draft.hop_for(3, Who::Delegate(1)).proof_by(Who::Delegate(1))
    }));
    cases.extend(both("back-to-the-root", twice, "DEL-30", "the second hop is for the root's agent", |draft| {
        draft.hop_for(2, Who::Agent).proof_by(Who::Agent)
    }));
    cases.push(offline("for-oneself", twice, "DEL-30", "the first hop is for the root's agent itself", |draft| {
        draft.hop_for(1, Who::Agent).hop_by(2, Who::Agent)
    }));
    cases.push(
        wrong(
            "offline-nothing-before-depth",
            invalid_token(INVALID),
            "DEL-26 P-18",
            "offline: six hops and none of them signed by anybody: depth comes before signatures",
            (1..=6).fold(Draft::offline(6), |draft, place| draft.hop(place, |hop| hop.signer(|_| vec![0; 64]))),
        )
        .twin("offline-5"),
    );
    cases.push(
        wrong(
            "exchanged-nothing-before-depth",
            invalid_token(INVALID),
            "DEL-26 P-18",
            "exchanged: six hops below a root that nobody signed: depth comes before signatures",
            Draft::exchanged(6).root(|root| root.signer(|_| vec![0; 64])),
        )
        .twin("exchanged-3"),
    );
    cases
}
