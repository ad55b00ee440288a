//! A proof that is not one compact JWS of two strict JSON objects.

use handfast_identity::base64url;

use crate::make::Case;
use crate::make::case::{invalid_proof, right, wrong};
use crate::make::draft::Draft;

pub(super) fn cases() -> Vec<Case> {
    [segments(), json_texts(), sizes()].into_iter().flatten().collect()
}

fn malformed(name: &'static str, rules: &'static str, about: &'static str, draft: Draft) -> Case {
    wrong(name, invalid_proof("proof_malformed"), rules, about, draft)
}

fn text(edit: impl Fn(&str) -> String + 'static) -> Draft {
    Draft::good().proof_text(edit)
}

fn parts(text: &str) -> [String; 3] {
    text.split('.').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()
}

fn segments() -> Vec<Case> {
    vec![
        malformed("proof-one-part", "DPOP-22", "text without dots", text(|_| "abc".into())),
        malformed("proof-two-parts", "DPOP-22", "the signature is missing with its dot", {
            text(|proof| proof.rsplit_once('.').unwrap().0.to_owned())
        }),
        malformed("proof-four-parts", "DPOP-22", "a fourth part", text(|proof| format!("{proof}.x"))),
        malformed("proof-five-parts", "BCP-15", "five parts, as in JWE", text(|proof| format!("{proof}.AA.AA"))),
        malformed("proof-dots-only", "TH07", "nothing but dots", text(|_| "..".into())),
        malformed("proof-empty-header", "TH07", "the header is empty", {
            text(|proof| parts(proof).map(|part| part).splice_at(0))
        }),
        malformed("proof-empty-claims", "TH07", "the claims are empty", text(|proof| parts(proof).splice_at(1))),
        malformed("proof-empty-signature", "TH07", "the signature is empty", text(|proof| parts(proof).splice_at(2))),
        malformed("proof-padded", "DPOP-22", "base64url with padding", text(|proof| format!("{proof}=="))),
        malformed("proof-standard-alphabet", "DPOP-22", "base64 with `+` and `/` instead of `-` and `_`", {
            text(|proof| {
                let [header, claims, _] = parts(proof);
                format!("{header}.{claims}.{}", "+/".repeat(43))
            })
        }),
        malformed(
            "proof-blank-inside",
            "DPOP-22",
            "a blank between two parts",
            text(|proof| proof.replacen('.', ". ", 1)),
        ),
        malformed("proof-loose-bits", "DPOP-22", "bits set behind the last byte: a second spelling", {
            text(|proof| {
                // 64 bytes leave four bits in the last character
                let (rest, last) = proof.split_at(proof.len() - 1);
                let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
                let place = alphabet.find(last).unwrap();
                format!("{rest}{}", &alphabet[place + 1..place + 2])
            })
        }),
        malformed(
            "proof-not-utf8",
            "DPOP-22 BCP-11",
            "a byte of no character in the field",
            text(|proof| format!("{proof}\u{ff}")),
        ),
    ]
}

trait SpliceAt {
    fn splice_at(self, empty: usize) -> String;
}

impl SpliceAt for [String; 3] {
    /// The parts joined again, one of them empty.
    fn splice_at(mut self, empty: usize) -> String {
        self[empty].clear();
        self.join(".")
    }
}

fn json_texts() -> Vec<Case> {
    let header = |edit: fn(&str) -> String| Draft::good().proof_header_text(edit);
    let claims = |edit: fn(&str) -> String| Draft::good().proof_claims_text(edit);
    let refused_claims = |name, rules, about, draft| wrong(name, invalid_proof("proof_claims"), rules, about, draft);
    vec![
        malformed("proof-header-array", "DPOP-22", "the header is an array", {
            header(|_| r#"["dpop+jwt","EdDSA"]"#.into())
        }),
        malformed(
            "proof-header-trailing",
            "DPOP-22 BCP-16",
            "a second value behind the header",
            header(|text| format!("{text} {{}}")),
        ),
        malformed("proof-header-bom", "DPOP-22 BCP-11", "a byte order mark before the header", {
            header(|text| format!("\u{ef}\u{bb}\u{bf}{text}"))
        }),
        malformed("proof-header-not-utf8", "DPOP-22 BCP-11", "a byte of no character in the header", {
            header(|text| text.replacen('{', "{\"x\":\"\u{ff}\",", 1))
        }),
        malformed("proof-header-member-twice", "TH04 DPOP-23", "`alg` twice, with one and the same value", {
            header(|text| text.replacen('{', r#"{"alg":"EdDSA","#, 1))
        }),
        malformed("proof-header-member-twice-escaped", "TH04 DPOP-23", "`alg` twice, once written with an escape", {
            header(|text| text.replacen('{', r#"{"\u0061lg":"none","#, 1))
        }),
        malformed("proof-header-member-twice-inside", "DPOP-23", "a member twice inside `jwk`", {
            header(|text| text.replacen(r#""jwk":{"#, r#""jwk":{"crv":"Ed25519","#, 1))
        }),
        malformed("proof-header-too-deep", "DPOP-39 P-07", "nine levels in an unknown member", {
            header(|text| text.replacen('{', r#"{"x":[[[[[[[[]]]]]]]],"#, 1))
        })
        .twin("proof-header-deep-enough"),
        right("proof-header-deep-enough", "DPOP-39", "eight levels in an unknown member", {
            header(|text| text.replacen('{', r#"{"x":[[[[[[[]]]]]]],"#, 1))
        }),
        refused_claims("proof-claims-array", "DPOP-22", "the claims are an array", claims(|_| "[]".into())),
        refused_claims(
            "proof-claims-text",
            "DPOP-22",
            "the claims are a text",
            claims(|text| serde_json::json!(text).to_string()),
        ),
        refused_claims("proof-claims-trailing", "TH06 BCP-16", "a line feed and a second object behind the claims", {
            claims(|text| format!("{text}\n{text}"))
        }),
        refused_claims("proof-claims-line-feed-first", "TH06", "an empty object and a line feed before the claims", {
            claims(|text| format!("{{}}\n{text}"))
        }),
        refused_claims("proof-claims-member-twice", "DPOP-23 BCP-16", "`htm` twice, the right one last", {
            claims(|text| text.replacen('{', r#"{"htm":"POST","#, 1))
        }),
        refused_claims("proof-claims-unknown-member-twice", "DPOP-23", "a member nobody knows twice", {
            claims(|text| text.replacen('{', r#"{"x":1,"x":1,"#, 1))
        })
        .twin("good-unknown-members"),
        refused_claims("proof-claims-not-utf8", "DPOP-22 BCP-11", "a byte of no character in the claims", {
            claims(|text| text.replacen("proof-1", "proof-\u{ff}", 1))
        }),
        refused_claims(
            "proof-claims-not-json",
            "DPOP-22",
            "a comma too many",
            claims(|text| text.replacen('}', ",}", 1)),
        ),
        refused_claims("proof-claims-too-deep", "DPOP-39 P-07", "nine levels in an unknown claim", {
            claims(|text| text.replacen('{', r#"{"x":[[[[[[[[]]]]]]]],"#, 1))
        })
        .twin("good-unknown-members"),
        refused_claims("proof-claims-too-many", "DPOP-39 P-07", "65 claims", {
            claims(|text| format!("{{{}{}", many(60), &text[1..]))
        })
        .twin("proof-claims-many"),
        right("proof-claims-many", "DPOP-39", "64 claims", claims(|text| format!("{{{}{}", many(59), &text[1..]))),
    ]
}

fn many(count: usize) -> String {
    (0..count).map(|n| format!("\"x{n}\":{n},")).collect()
}

fn sizes() -> Vec<Case> {
    vec![
        wrong(
            "proof-too-long",
            invalid_proof("proof_too_long"),
            "DPOP-39 TH09",
            "4097 bytes, one more than is read",
            Draft::good().proof_text(|proof| filled(proof, 4097)),
        )
        .twin("proof-long"),
        right("proof-long", "DPOP-39", "4096 bytes", long()),
        wrong(
            "proof-method-too-long",
            invalid_proof("proof_claims"),
            "TH09",
            "an `htm` of 65 characters",
            Draft::good().proof_claims(serde_json::json!({"htm": "G".repeat(65)})),
        ),
    ]
}

/// The proof with its signature made longer, to `length` bytes in all.
fn filled(proof: &str, length: usize) -> String {
    format!("{proof}{}", "A".repeat(length - proof.len()))
}

/// A good proof of exactly 4096 bytes: an unknown claim fills it, and one of the header the odd bytes.
fn long() -> Draft {
    let of = |header: usize, claims: usize| {
        Draft::good()
            .proof_header(serde_json::json!({"x": "h".repeat(header)}))
            .proof_claims(serde_json::json!({"x": "c".repeat(claims)}))
    };
    let length = |draft: Draft| draft.step(crate::vector::Expected::Accepted).field("dpop")[0].len();
    let base = length(of(0, 0));
    let bytes = (4096 - base) / 4 * 3;
    let candidates = (0..3).flat_map(|header| (bytes - 6..bytes + 3).map(move |claims| (header, claims)));
    let (header, claims) =
        candidates.into_iter().find(|(header, claims)| length(of(*header, *claims)) == 4096).unwrap();
    assert!(base64url::encode(&[0; 3]).len() == 4, "three bytes make four characters");
    of(header, claims)
}
