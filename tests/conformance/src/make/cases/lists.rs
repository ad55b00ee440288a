//! Tokens whose status stands in a list (spec/status-lists.md).

use handfast_delegation::StatusReference;
use serde_json::json;

use crate::make::case::{invalid_token, right, unavailable, wrong};
use crate::make::draft::{Draft, ISSUER};
use crate::make::keys::Who;
use crate::make::tables::status_list::{TWELVE, signed};
use crate::make::{Case, NOW};
use crate::vector::{List, StatusSetting};

/// Places of the twelve values by what they say.
const VALID: u64 = 2;
const INVALID: u64 = 0;
const SUSPENDED: u64 = 1;
const UNKNOWN: u64 = 3;

fn uri() -> String {
    format!("{ISSUER}/status-lists/0")
}

fn reference(index: u64) -> serde_json::Value {
    let StatusReference { index, uri } = StatusReference { index, uri: uri().into() };
    json!({"status": {"status_list": {"idx": index, "uri": uri}}})
}

/// A server that holds these lists, fetched at these times.
fn holding(draft: Draft, lists: Vec<List>) -> Draft {
    draft.set(|setting| {
        let issuer = &mut setting.issuers[0];
        issuer.trust.status = "status_list".to_owned();
        issuer.trust.status_key = issuer.trust.feed_key.take();
        issuer.status = StatusSetting::Listed { lists };
    })
}

fn list(fetched_at: u64, claims: &serde_json::Value) -> List {
    let mut all = json!({
        "sub": uri(), "iat": NOW - 20, "exp": NOW + 280, "ttl": 60, "status_list": {"bits": 2, "lst": TWELVE}
    });
    if let (Some(all), Some(claims)) = (all.as_object_mut(), claims.as_object()) {
        all.extend(claims.clone());
    }
    List { uri: uri(), fetched_at, text: signed(Who::Feed, &all) }
}

fn listed(draft: Draft, index: u64) -> Draft {
    holding(draft, vec![list(NOW - 20, &json!({}))]).claims(reference(index))
}

pub(super) fn cases() -> Vec<Case> {
    [values(), references(), ages(), chains()].into_iter().flatten().collect()
}

fn values() -> Vec<Case> {
    let good = |index| listed(Draft::good(), index);
    let refused = |name, reason: &str, about, index| {
        wrong(name, invalid_token(reason), "TSL-24", about, good(index)).twin("list-valid")
    };
    vec![
        right("list-valid", "TSL-13 TSL-20 TSL-24", "the list says VALID", good(VALID)),
        refused("list-invalid", "token_revoked", "the list says INVALID", INVALID),
        refused("list-suspended", "token_suspended", "the list says SUSPENDED", SUSPENDED),
        refused("list-unknown-value", "status_reference_invalid", "the list says 3", UNKNOWN),
        wrong(
            "list-outside",
            invalid_token("status_reference_invalid"),
            "TSL-22",
            "the list has no such place",
            good(12),
        )
        .twin("list-valid"),
        wrong(
            "list-valid-but-expired",
            invalid_token("token_expired"),
            "TSL-20 TSL-25",
            "the list says VALID, but the token is past its end",
            good(VALID).claims(json!({"exp": NOW - 31})),
        )
        .twin("list-valid"),
        wrong(
            "list-invalid-and-forged",
            invalid_token("token_signature_invalid"),
            "TSL-20",
            "the list says INVALID, but the token is a stranger's: he learns nothing of it",
            good(INVALID).token_signed_by(Who::Stranger),
        )
        .twin("list-valid"),
    ]
}

fn references() -> Vec<Case> {
    let named = |status: serde_json::Value| listed(Draft::good(), VALID).claims(json!({ "status": status }));
    let refused = |name, rules, about, status| {
        wrong(name, invalid_token("status_reference_invalid"), rules, about, named(status)).twin("list-valid")
    };
    let at = |uri: &str| json!({"status_list": {"idx": VALID, "uri": uri}});
    let elsewhere = "https://lists.example/0";
    vec![
        wrong(
            "list-no-reference",
            invalid_token("status_reference_invalid"),
            "TSL-13 TSL-23",
            "the token has no `status`",
            listed(Draft::good(), VALID).without_claims(&["status"]),
        )
        .twin("list-valid"),
        refused("list-negative-index", "TSL-13", "`idx` is negative", {
            json!({"status_list": {"idx": -1, "uri": uri()}})
        }),
        refused("list-other-mechanism", "TSL-13", "`status` has another mechanism only", json!({"other": {}})),
        refused("list-elsewhere", "TSL-30", "the list is at an origin that the issuer may not name", at(elsewhere)),
        wrong(
            "list-not-held",
            unavailable("status_unknown"),
            "TSL-23",
            "the list is not held",
            named(at(&format!("{ISSUER}/status-lists/1"))),
        )
        .twin("list-valid"),
        right("list-at-a-named-origin", "TSL-30", "the list is at an origin that the record names", {
            let list = List { uri: elsewhere.to_owned(), ..list(NOW - 20, &json!({"sub": elsewhere})) };
            holding(Draft::good(), vec![list])
                .set(|setting| setting.issuers[0].trust.status_origins = vec!["https://lists.example".to_owned()])
                .claims(json!({"status": at(elsewhere)}))
        }),
    ]
}

fn ages() -> Vec<Case> {
    let held = |lists| holding(Draft::good(), lists).claims(reference(VALID));
    let unknown = |name, rules, about, lists, twin: &str| {
        wrong(name, unavailable("status_unknown"), rules, about, held(lists)).twin(twin)
    };
    let fetched = |ago: u64| vec![list(NOW - ago, &json!({"iat": NOW - ago}))];
    let ending = |end: u64| vec![list(NOW - 50, &json!({"iat": NOW - 300, "exp": end}))];
    let older = || list(NOW - 5, &json!({"iat": NOW - 21}));
    vec![
        right("list-oldest", "TSL-27 TSL-32", "fetched as long ago as its `ttl` and the staleness", held(fetched(90))),
        unknown("list-stale", "TSL-27 TSL-32", "fetched a second longer ago", fetched(91), "list-oldest"),
        right("list-ending", "TSL-27", "in the last second of the leeway behind its `exp`", held(ending(NOW - 30))),
        unknown("list-ended", "TSL-21 TSL-27", "a second later", ending(NOW - 31), "list-ending"),
        unknown(
            "list-went-back",
            "TH64 TSL-23",
            "an older list came after it",
            vec![list(NOW - 20, &json!({})), older()],
            "list-valid",
        ),
        right("list-went-back-and-on", "TH64", "an older list came after it, and then it came again", {
            held(vec![list(NOW - 20, &json!({})), older(), list(NOW - 1, &json!({}))])
        }),
    ]
}

fn chains() -> Vec<Case> {
    let chain = |index| listed(Draft::exchanged(2), VALID).root_claims(reference(index));
    vec![
        right("list-exchanged", "TSL-31", "exchanged: the list says VALID of the token and of its root", chain(VALID)),
        wrong(
            "list-exchanged-root",
            invalid_token("token_revoked"),
            "TSL-31",
            "exchanged: the list says VALID of the token and INVALID of its root",
            chain(INVALID),
        )
        .twin("list-exchanged"),
        wrong(
            "list-exchanged-root-without",
            invalid_token("status_reference_invalid"),
            "TSL-31",
            "exchanged: the root has no `status`",
            chain(VALID).root(|root| root.without(&["status"])),
        )
        .twin("list-exchanged"),
        wrong(
            "list-offline",
            invalid_token("offline_not_permitted"),
            "TSL-31",
            "offline: hops that were never exchanged are on no list",
            listed(Draft::offline(2), VALID),
        )
        .twin("list-exchanged"),
    ]
}
