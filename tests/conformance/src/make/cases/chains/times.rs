//! Every hop is in its time, every time. Exchanged, an expired hop cannot show: the token ends with it, or exceeds it.

use serde_json::json;

use super::{both, offline};
use crate::make::case::right;
use crate::make::draft::{Draft, OTHER_RESOURCE};
use crate::make::{Case, NOW};

pub(super) fn cases() -> Vec<Case> {
    let ending = |seconds: u64| move |draft: Draft| draft.hop_claims(2, json!({"exp": NOW - seconds}));
    let mut cases = vec![
        right("offline-hop-in-leeway", "DEL-24 DEL-25", "offline: the last hop ended 30 seconds ago", {
            ending(30)(Draft::offline(2))
        }),
        offline("hop-expired", "hop_expired", "DEL-24 DEL-25", "the last hop ended 31 seconds ago", ending(31))
            .twin("offline-hop-in-leeway"),
        offline("first-hop-expired", "hop_expired", "DEL-24", "both hops ended long ago, the root did not", |draft| {
            draft.hop_claims(1, json!({"exp": NOW - 35})).hop_claims(2, json!({"exp": NOW - 35}))
        }),
        offline(
            "leaf-for-another-resource",
            "audience_mismatch",
            "DEL-34 AT-14",
            "the last hop does not name this resource, the root does",
            |draft| {
                let both = json!({"resource": ["https://api.example", OTHER_RESOURCE]});
                draft.hop_claims(1, both).hop_claims(2, json!({"resource": [OTHER_RESOURCE]}))
            },
        ),
    ];
    cases.extend(both("hop-from-the-future", "hop_not_yet_valid", "DEL-24", "a hop made 31 seconds ahead", |draft| {
        draft.hop_claims(2, json!({"iat": NOW + 31}))
    }));
    cases.extend(both("hop-not-yet-valid", "hop_not_yet_valid", "DEL-24", "a hop whose `nbf` is 31 seconds ahead", {
        |draft| draft.hop_claims(1, json!({"nbf": NOW + 31}))
    }));
    cases
}
