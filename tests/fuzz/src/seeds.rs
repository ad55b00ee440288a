//! What each target begins with, made from `spec/vectors`.

use std::collections::BTreeSet;

use handfast_conformance::both::Dice;
use handfast_conformance::make::tables::did_jwk::DidJwks;
use handfast_conformance::make::tables::did_key::DidKeys;
use handfast_conformance::make::tables::did_web::{DID, DidWebs};
use handfast_conformance::make::tables::target::Targets;
use handfast_conformance::vector::{Vector, read_folder, read_table};
use handfast_conformance::vectors_folder;
use handfast_identity::base64url;
use serde_json::Value;

use crate::form;

/// Episodes to begin with, and choices in each.
const EPISODES: u64 = 256;
const CHOICES: usize = 96;

/// The values of a header field in all requests, each once.
fn fields(name: &str) -> BTreeSet<String> {
    let vectors = read_folder(&vectors_folder().join("request"));
    let steps = vectors.into_values().flat_map(|Vector { steps, .. }| steps);
    let fields = steps.flat_map(|step| step.headers);
    fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}

fn token_fields() -> BTreeSet<String> {
    let values = fields("authorization").into_iter();
    values.filter_map(|value| value.split_once(' ').map(|(_, token)| token.to_owned())).collect()
}

/// Each text as it is, and as the JSON that it is made of.
fn both_forms(texts: impl IntoIterator<Item = String>) -> Vec<Vec<u8>> {
    let mut seeds = BTreeSet::new();
    for text in texts {
        seeds.extend(form::lines(&text));
        seeds.insert(text.into_bytes());
    }
    seeds.into_iter().collect()
}

pub fn episodes() -> Vec<Vec<u8>> {
    let mut dice = Dice::of(1);
    (0..EPISODES).map(|_| (0..CHOICES).map(|_| dice.next_u64().to_le_bytes()[0]).collect()).collect()
}

pub fn json() -> Vec<Vec<u8>> {
    let texts = token_fields().into_iter().chain(fields("dpop")).chain(fields("delegation"));
    let mut seeds = BTreeSet::new();
    for text in texts {
        for segment in text.split(['.', ',']) {
            seeds.extend(base64url::decode(segment).ok().filter(|bytes| bytes.contains(&b'{')));
        }
    }
    // by the widest limits, and by the narrowest that most break
    let plain = [
        "[1,-2.5e3,0.1E-1,true,null]",
        "\"\\u00e9\\ud83e\\udd80\\n\"",
        "{\"a\":{\"\\u0061\":[]}}",
        "18446744073709551616",
    ];
    seeds.extend(plain.map(|text| text.as_bytes().to_vec()));
    seeds.into_iter().map(|text| [&[u8::from(text.len() < 4096)], text.as_slice()].concat()).collect()
}

pub fn proofs() -> Vec<Vec<u8>> {
    both_forms(fields("dpop"))
}

pub fn tokens() -> Vec<Vec<u8>> {
    let roots = fields("delegation").into_iter().filter_map(|field| field.split(',').next().map(str::to_owned));
    both_forms(token_fields().into_iter().chain(roots))
}

pub fn chains() -> Vec<Vec<u8>> {
    let mut fields = fields("delegation");
    // hops of an offline chain have their root elsewhere: beside it
    for Vector { steps, .. } in read_folder(&vectors_folder().join("request")).into_values() {
        for step in steps {
            let of = |name: &str| {
                step.headers.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
            };
            if let (Some(authorization), Some(chain)) = (of("authorization"), of("delegation"))
                && let Some((_, token)) = authorization.split_once(' ')
            {
                fields.insert(format!("{token},{chain}"));
            }
        }
    }
    both_forms(fields)
}

pub fn dids() -> Vec<Vec<u8>> {
    let (keys, jwks, webs): (DidKeys, DidJwks, DidWebs) =
        (read_table("did-key.json"), read_table("did-jwk.json"), read_table("did-web.json"));
    let accepted = keys.accepted.into_iter().map(|row| row.did);
    let accepted = accepted.chain(jwks.accepted.into_iter().map(|row| row.did));
    let accepted = accepted.chain(webs.accepted.into_iter().map(|row| row.did));
    let refused = [keys.refused, jwks.refused, webs.refused].into_iter().flatten().map(|row| row.did);
    let documents = webs.documents.into_iter().map(|row| format!("{DID}\n{}", row.document));
    let all: BTreeSet<_> = accepted.chain(refused).chain(documents).map(String::into_bytes).collect();
    all.into_iter().collect()
}

pub fn targets() -> Vec<Vec<u8>> {
    let Targets { normal, equal, joined } = read_table("target.json");
    let normal = normal.into_iter().map(|(text, _)| text);
    let equal = equal.into_iter().flat_map(|(one, other, _)| [one, other]);
    let joined = joined.into_iter().map(|(base, path, _)| format!("{base}\n{path}"));
    let all: BTreeSet<_> = normal.chain(equal).chain(joined).map(String::into_bytes).collect();
    all.into_iter().collect()
}

pub fn words() -> Vec<String> {
    let mut words: BTreeSet<String> = [
        "%2e",
        "%2F",
        "%3A",
        "/../",
        "/./",
        "://",
        "did:web:",
        "did:jwk:",
        "did:key:z",
        "\\u00",
        "null",
        "[::1]",
        ":443",
        "e-1",
        "\"^\"",
    ]
    .map(str::to_owned)
    .into();
    for seed in json() {
        if let Ok(value) = serde_json::from_slice::<Value>(&seed[1..]) {
            names(&value, &mut words);
        }
    }
    // others stand in some vector because nobody knows them
    words.into_iter().filter(|word| word.len() <= 64 && word.bytes().all(|byte| byte.is_ascii_graphic())).collect()
}

fn names(value: &Value, words: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            words.extend(members.keys().map(|name| format!("\"{name}\":")));
            members.values().for_each(|value| names(value, words));
        }
        Value::Array(items) => items.iter().for_each(|value| names(value, words)),
        _ => {}
    }
}
