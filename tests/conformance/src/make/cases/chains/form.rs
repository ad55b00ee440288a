//! The field and the form of hops: strict, and bounded before anything is read.

use handfast_dpop::ContentHash;
use serde_json::{Value, json};

use super::{asking, both, exchanged, offline, wide};
use crate::make::case::{chain_too_long, wrong};
use crate::make::draft::{Draft, RESOURCE};
use crate::make::jws::jwk;
use crate::make::keys::{Who, to_hex};
use crate::make::{Case, NOW};
use crate::vector::Evidence;

pub(super) fn cases() -> Vec<Case> {
    [fields(), sizes(), claims(), depths_and_times(), keys(), headers(), texts()].into_iter().flatten().collect()
}

const MALFORMED: &str = "chain_malformed";

/// Another second hop, offline: most shapes are read in one place for both forms.
fn shape(name: &str, rules: &'static str, about: &str, claims: Value) -> Case {
    offline(name, MALFORMED, rules, about, |draft| draft.hop_claims(2, claims))
}

fn fields() -> Vec<Case> {
    let members = Draft::offline(2).finished_members();
    let (loose, first) = (members.join(" , "), members[0].clone());
    let field = |text: String| move |draft: Draft| draft.field("Delegation", &[&text]);
    let mut cases = vec![
        offline("field-empty", MALFORMED, "DEL-32", "an empty field", field(String::new())),
        offline("field-comma-behind", MALFORMED, "DEL-32", "a comma behind the last hop", field("{chain},".into())),
        offline("field-two-commas", MALFORMED, "DEL-32", "an empty member", field(members.join(",,"))),
        offline("field-not-utf8", MALFORMED, "DEL-43", "a byte of no character", field("\u{ff}{chain}".into())),
        offline("field-twice", MALFORMED, "DEL-46", "each hop in a field line of its own", {
            |draft: Draft| draft.field("Delegation", &[&members[0], &members[1]])
        }),
        offline("two-chains", MALFORMED, "DEL-46", "two chains in two field lines", |draft: Draft| {
            draft.field("Delegation", &["{chain}", &first])
        }),
        offline("dch-missing", MALFORMED, "DEL-32", "a chain that the proof does not cover", |draft| {
            draft.without_proof_claim("dch")
        }),
        offline("dch-of-the-blanks", MALFORMED, "DEL-32", "the proof covers the field with its blanks", {
            |draft: Draft| {
                let hash = ContentHash::of(loose.as_bytes()).to_string();
                draft.field("Delegation", &[&loose]).proof_claims(json!({"dch": hash}))
            }
        }),
        offline("root-in-the-field", "chain_malformed", "DEL-31", "the root token stands in the field too", |draft| {
            let root = draft.token_draft().text();
            draft.members(move |hops| [vec![root.clone()], hops].concat())
        }),
    ];
    cases.extend(both("dch-of-a-part", MALFORMED, "DEL-32", "the proof covers the first member only", |draft| {
        let hash = ContentHash::of(draft.finished_members()[0].as_bytes()).to_string();
        draft.proof_claims(json!({"dch": hash}))
    }));
    cases
}

fn sizes() -> Vec<Case> {
    let too_long = |name: &str, about: &str, draft: Draft, twin: &str| {
        wrong(name, chain_too_long(), "DEL-42 P-18", about, draft).twin(twin)
    };
    let length = Draft::offline(2).finished_members().join(",").len();
    let limited = |bytes| asking(Draft::offline(2), Evidence::Required, bytes, 5);
    let blanks = Draft::offline(2).finished_members().join(&format!(",{}", " ".repeat(8192)));
    let many = ["a"; 10].join(",");
    vec![
        crate::make::case::right(
            "offline-at-the-byte-limit",
            "DEL-42",
            "offline: as many bytes as the server reads",
            limited(length),
        ),
        too_long("offline-a-byte-too-long", "offline: one byte more", limited(length - 1), "offline-at-the-byte-limit"),
        too_long(
            "offline-over-8-kib",
            "offline: two hops with 8 KiB of blanks between them",
            Draft::offline(2).field("Delegation", &[&blanks]),
            "offline-2",
        ),
        too_long(
            "exchanged-over-8-kib",
            "exchanged: 8 hops at a server with the usual limit of 8 KiB",
            Draft::exchanged(8),
            "exchanged-8-where-allowed",
        ),
        too_long(
            "offline-ten-members",
            "offline: ten members, each of one letter",
            Draft::offline(2).field("Delegation", &[&many]),
            "offline-2",
        ),
        too_long("offline-nine-hops", "offline: nine hops", wide(Draft::offline(9)), "offline-8-where-allowed"),
        too_long("exchanged-nine-hops", "exchanged: nine hops", wide(Draft::exchanged(9)), "exchanged-8-where-allowed"),
        offline("hop-over-8-kib", MALFORMED, "DEL-42", "one hop of more than 8 KiB", |draft| {
            // of blanks, so that nothing else is wrong with it
            wide(draft.hop(2, |hop| hop.claims_text(|text| text.replacen('{', &format!("{{{}", " ".repeat(6200)), 1))))
        }),
    ]
}

fn claims() -> Vec<Case> {
    let missing = |name: &'static str| {
        offline(&format!("hop-{name}-missing"), MALFORMED, "DEL-23", &format!("a hop without `{name}`"), |draft| {
            draft.hop(2, |hop| hop.without(&[name]))
        })
    };
    let required = ["iss", "aud", "sub", "cnf", "task", "scope", "resource", "iat", "exp", "jti", "par_hash"];
    let mut cases: Vec<_> = required.into_iter().map(missing).collect();
    let many: Vec<_> = (0..65).map(|n| format!("https://r{n}.example")).collect();
    cases.extend(both("hop-member-unknown", MALFORMED, "P-08", "a member nobody knows, which may restrict", |draft| {
        draft.hop_claims(2, json!({"only_on_sundays": true}))
    }));
    cases.extend([
        shape("hop-scope-empty", "DEL-23", "an empty scope", json!({"scope": ""})),
        shape("hop-scope-array", "DEL-23", "`scope` is an array", json!({"scope": ["files:read"]})),
        shape("hop-scope-two-blanks", "DEL-20", "two blanks between scopes", json!({"scope": "a  files:read"})),
        shape("hop-scope-twice", "DEL-20", "one scope twice", json!({"scope": "files:read files:read"})),
        shape("hop-resource-empty", "DEL-23", "no resource", json!({"resource": []})),
        shape("hop-resource-text", "DEL-21", "`resource` is a text", json!({"resource": RESOURCE})),
        shape("hop-resource-twice", "DEL-21", "one resource twice", json!({"resource": [RESOURCE, RESOURCE]})),
        shape("hop-resource-relative", "DEL-21", "a resource that is no URI", json!({"resource": ["api.example"]})),
        shape("hop-resource-65", "DEL-42", "65 resources", json!({"resource": many})),
        shape("hop-aud-array", "DEL-27", "`aud` is an array", json!({"aud": [Who::Delegate(2).did().as_str()]})),
        shape("hop-aud-no-did", "DEL-27", "`aud` is no DID", json!({"aud": "client-7"})),
        shape("hop-sub-empty", "DEL-29", "`sub` is empty", json!({"sub": ""})),
        shape("hop-task-empty", "DEL-29", "`task` is empty", json!({"task": ""})),
        shape("hop-jti-empty", "DEL-30", "`jti` is empty", json!({"jti": ""})),
        shape("hop-jti-65", "DEL-42", "`jti` of 65 characters", json!({"jti": "j".repeat(65)})),
        shape("hop-inst-false", "P-08", "`inst` is false", json!({"inst": false})),
        shape("hop-inst-null", "P-07", "`inst` is null", json!({"inst": null})),
        shape("hop-par-hash-hex", "DEL-28", "`par_hash` in hexadecimal", json!({"par_hash": to_hex(&[7; 32])})),
        shape("hop-par-hash-padded", "DEL-43", "`par_hash` with padding", json!({"par_hash": "{parent}="})),
        shape("hop-budget-empty", "P-08", "a budget of nothing", json!({"budget": {}})),
        shape("hop-budget-zero", "P-08", "a budget of no uses", json!({"budget": {"max_uses": 0}})),
        shape("hop-budget-null", "P-07", "`budget` is null", json!({"budget": null})),
        shape("hop-budget-unknown", "P-08", "a member of the budget that nobody knows", {
            json!({"budget": {"max_uses": 5, "per_day": 1}})
        }),
    ]);
    cases
}

fn depths_and_times() -> Vec<Case> {
    let (made, end) = (NOW - 48, NOW + 540);
    let mut cases = vec![
        shape("hop-depth-negative", "DEL-26 DEL-43", "a negative depth", json!({"del_depth": -1})),
        shape("hop-depth-zero", "DEL-26", "depth 0, which is the root's", json!({"del_depth": 0})),
        shape("hop-depth-256", "DEL-26", "depth 256", json!({"del_depth": 256})),
        shape("hop-depth-text", "DEL-43", "the depth is a text", json!({"del_depth": "2"})),
        shape("hop-max-depth-fraction", "DEL-43", "the ceiling is a fraction", json!({"del_max_depth": 2.5})),
        shape("hop-exp-at-iat", "DEL-24", "a hop that ends when it begins", json!({"exp": made})),
        shape("hop-life-too-long", "DEL-24", "a hop of an hour and a second", json!({"exp": made + 3601})),
        shape("hop-exp-text", "DEL-43", "`exp` is a text", json!({"exp": end.to_string()})),
        shape("hop-iat-fraction", "DEL-43", "`iat` is a fraction", json!({"iat": 1_795_262_352.5})),
        shape("hop-exp-huge", "DEL-43", "`exp` beyond 2^53", json!({"exp": 9_007_199_254_740_993_u64})),
        shape("hop-nbf-null", "P-07", "`nbf` is null", json!({"nbf": null})),
    ];
    cases.extend(both("hop-depth-fraction", MALFORMED, "DEL-43", "a depth of one and a half", |draft| {
        draft.hop_claims(2, json!({"del_depth": 1.5}))
    }));
    cases
}

fn keys() -> Vec<Case> {
    let jkt = Who::Delegate(2).jkt();
    vec![
        shape("hop-cnf-of-another-key", "DEL-33", "`cnf` is not the key of `aud`", {
            json!({"cnf": {"jkt": Who::OtherAgent.jkt()}})
        }),
        shape("hop-cnf-empty", "DEL-33", "`cnf` without `jkt`", json!({"cnf": {}})),
        shape("hop-cnf-text", "DEL-33 P-07", "`cnf` is a text", json!({"cnf": jkt})),
        shape("hop-cnf-other-members", "P-08", "another confirmation beside `jkt`", {
            json!({"cnf": {"jkt": jkt, "x5t#S256": "AA"}})
        }),
    ]
}

fn headers() -> Vec<Case> {
    let header = |name: &str, rules, about: &str, changes: Value| {
        offline(name, MALFORMED, rules, about, |draft| draft.hop(2, |hop| hop.header(changes)))
    };
    let (own, other) = (Who::Delegate(1).did(), Who::OtherAgent.did());
    let fragment = other.key_id().split_once('#').unwrap().1.to_owned();
    let mut cases = vec![
        header("hop-typ-application", "BCP-10", "`typ` with `application/` before it", {
            json!({"typ": "application/delegation+jwt"})
        }),
        header("hop-typ-access-token", "BCP-10", "`typ` of an access token", json!({"typ": "at+jwt"})),
        header("hop-alg-none", "DEL-44", "`alg` is `none`", json!({"alg": "none"})),
        header("hop-alg-hs256", "DEL-44", "`alg` is `HS256`", json!({"alg": "HS256"})),
        header("hop-crit", "DEL-43", "`crit` in the header", json!({"crit": ["x"], "x": 1})),
        header("hop-jwk", "P-04", "a key in the header", json!({"jwk": jwk(Who::Delegate(1))})),
        header("hop-kid-of-another", "DEL-27", "`kid` of another DID than `iss`", json!({"kid": other.key_id()})),
        header("hop-kid-plain-did", "DEL-27", "`kid` is the DID without the key", json!({"kid": own.as_str()})),
        header("hop-kid-other-fragment", "DEL-27", "`kid` names another key of the DID", {
            json!({"kid": format!("{own}#{fragment}")})
        }),
    ];
    for name in ["typ", "kid"] {
        let about = format!("a hop without `{name}` in its header");
        cases.push(offline(&format!("hop-{name}-missing"), MALFORMED, "DEL-27", &about, |draft| {
            draft.hop(2, |hop| hop.without_header(name))
        }));
    }
    cases
}

fn texts() -> Vec<Case> {
    let edited = |name: &str, about: &str, edit: fn(&str) -> String| {
        offline(name, MALFORMED, "DEL-43", about, |draft| draft.hop(2, |hop| hop.edited(edit)))
    };
    vec![
        offline("hop-member-twice", MALFORMED, "DEL-43 P-07", "a member twice in a hop", |draft| {
            draft.hop(2, |hop| hop.claims_text(|text| text.replacen('{', "{\"scope\":\"files:write\",", 1)))
        }),
        offline("hop-claims-trailing", MALFORMED, "DEL-43", "something behind the claims", |draft| {
            draft.hop(2, |hop| hop.claims_text(|text| format!("{text}{{}}")))
        }),
        edited("hop-two-parts", "a hop without signature", |text| text.rsplit_once('.').unwrap().0.to_owned()),
        edited("hop-four-parts", "a hop with a fourth part", |text| format!("{text}.AA")),
        edited("hop-padded", "a signature with padding", |text| format!("{text}==")),
        edited("hop-is-no-jws", "a word in the place of a hop", |_| "hop".into()),
        exchanged("root-is-no-jws", MALFORMED, "DEL-43", "a word in the place of the root token", |draft| {
            draft.members(|mut members| {
                members[0] = "root".into();
                members
            })
        }),
    ]
}
