//! The table of chains as texts against what takes them apart, names them and verifies them.
#![allow(clippy::unwrap_used, reason = "a table of another shape should stop the test")]

use std::collections::BTreeSet;

use handfast_conformance::make::tables::chain::{Chain, ChainTexts, FieldVerdict};
use handfast_conformance::vector::read_table;
use handfast_delegation::{
    ChainClaims, ChainError, ChainText, MAX_CHAIN_BYTES, MAX_HOPS, UnverifiedAccessToken, UnverifiedChain,
    UnverifiedHop, VerifiedAccessToken,
};
use handfast_identity::{ContentHash, DidKey, base64url};
use sha2::{Digest, Sha256};

fn table() -> ChainTexts {
    read_table("chain.json")
}

/// The hash of a text, taken without the code under test.
fn hash(text: &str) -> String {
    base64url::encode(&Sha256::digest(text.as_bytes()))
}

fn signing_input(jws: &str) -> &str {
    jws.rsplit_once('.').unwrap().0
}

#[test]
fn fields_are_taken_apart_as_the_table_says() {
    for row in table().fields {
        let found = ChainText::parse(&row.field, row.max_bytes);
        match &row.verdict {
            FieldVerdict::Read { members, hash: expected } => {
                let found = found.unwrap_or_else(|error| unreachable!("{}: {error}", row.about));
                assert_eq!(found.members(), members, "{}", row.about);
                assert_eq!(found.to_field(), members.join(","), "{}", row.about);
                assert_eq!((found.hash().to_string(), hash(&members.join(","))), (expected.clone(), expected.clone()));
            }
            FieldVerdict::ChainMalformed => assert_eq!(found, Err(ChainError::Malformed), "{}", row.about),
            FieldVerdict::ChainTooLong => assert_eq!(found, Err(ChainError::TooLong), "{}", row.about),
        }
    }
}

#[test]
fn hops_have_the_names_the_table_says() {
    let rows = table().names;
    for row in &rows {
        let name = UnverifiedHop::parse(&row.hop).unwrap().name().to_string();
        assert_eq!((name, hash(signing_input(&row.hop))), (row.name.clone(), row.name.clone()), "{}", row.about);
    }
    // all but the one with another signature differ
    let names: BTreeSet<_> = rows.iter().map(|row| &row.name).collect();
    assert_eq!(names.len(), rows.len() - 1);
}

fn issued(text: &str, issuer: &DidKey) -> VerifiedAccessToken {
    UnverifiedAccessToken::parse(text).unwrap().verify(issuer.public_key()).unwrap()
}

fn hashes(texts: &[String]) -> Vec<ContentHash> {
    texts.iter().map(|text| ContentHash::from_claim(text).unwrap()).collect()
}

#[test]
fn chains_hang_together_as_the_table_says() {
    let rows = table().chains;
    for row in &rows {
        let issuer = DidKey::parse(&row.issuer_key).unwrap();
        let root = issued(&row.root, &issuer);
        let hops: Vec<_> = row.hops.iter().map(String::as_str).collect();
        let chain = UnverifiedChain::parse(&hops).unwrap().verify(&root, MAX_HOPS).unwrap();
        let names: Vec<_> = chain.links().map(|link| link.name).collect();
        let parents: Vec<_> = chain.links().map(|link| link.hop.parent).collect();
        assert_eq!((names, parents), (hashes(&row.names), hashes(&row.par_hash)), "{}", row.about);
        assert_eq!(root.name().to_string(), row.par_hash.first().cloned().unwrap(), "{}", row.about);

        let token = issued(&row.token, &issuer);
        let claimed = ChainClaims {
            hops: hashes(&row.names),
            root_token_id: row.root_jti.clone().into(),
            hash: ContentHash::from_claim(&row.exchanged_dch).unwrap(),
        };
        assert_eq!(token.claims().chain.as_ref(), Some(&claimed), "{}", row.about);
        assert_eq!(root.claims().token_id, row.root_jti, "{}", row.about);
    }
    let depths: Vec<_> = rows.iter().map(|row| row.hops.len()).collect();
    assert_eq!(depths, [1, 2, 3, MAX_HOPS]);
}

/// DEL-32: over the hops offline, over the bundle exchanged; the bundle without its first member is the offline field.
#[test]
fn both_forms_are_covered_as_the_table_says() {
    for Chain { about, root, hops, offline_dch, exchanged_dch, .. } in table().chains {
        let bundle = format!("{root}, {}", hops.join(", "));
        let bundle = ChainText::parse(&bundle, MAX_CHAIN_BYTES).unwrap();
        assert_eq!((bundle.hash().to_string(), hash(&bundle.to_field())), (exchanged_dch.clone(), exchanged_dch));
        let (first, rest) = bundle.split_root().unwrap();
        assert_eq!((first, rest), (root.as_str(), hops.iter().map(String::as_str).collect::<Vec<_>>().as_slice()));
        let offline = hops.join(",");
        let offline = ChainText::parse(&offline, MAX_CHAIN_BYTES).unwrap();
        assert_eq!(
            (offline.hash().to_string(), hash(&offline.to_field())),
            (offline_dch.clone(), offline_dch),
            "{about}"
        );
    }
}
