//! Proofs: a text as it is, or a header and claims that are signed as the header says.

use std::sync::Arc;

use handfast_conformance::both::slow_json::Json;
use handfast_dpop::{
    ContentHash, Expectation, Likely, MAX_METHOD_BYTES, MAX_PROOF_BYTES, MAX_PROOF_ID_BYTES, NoncePolicy, PROOF_TYPE,
    ProofError, ProofHeader, ProofRoom, ProofWindow, Target, UnverifiedProof,
};
use handfast_identity::json::Limits;
use handfast_identity::{MAX_UNIX_SECONDS, UnixTime, WrittenHash, base64url};

use crate::form::{self, SlowJws, word};

const LIMITS: Limits = Limits::plain(MAX_PROOF_BYTES);
const NOW: UnixTime = UnixTime::from_secs(1_795_262_400);

pub fn run(data: &[u8]) {
    let Some(text) = form::text(data) else { return };
    let claims = slow_claims(&text);
    let read = UnverifiedProof::parse(&text);
    assert_eq!(read.is_ok(), claims.is_some(), "{:?}: {text}", read.err());
    let header = text.split('.').next().unwrap_or_default();
    let known = remembered(header);
    // the one that is remembered, and one of another text
    for known in [known.clone(), remembered(&form::signed(b"{}", b""))] {
        require_one_verdict(&text, known.as_ref(), claims.as_ref());
    }
}

/// The header, as somebody remembers it who has seen a good proof with it.
fn remembered(header: &str) -> Option<Arc<ProofHeader>> {
    let decoded = base64url::decode(header).ok()?;
    let claims = format!(r#"{{"jti":"a","htm":"GET","htu":"https://api.example/","iat":{NOW}}}"#);
    let proof = {
        let input = format!("{header}.{}", base64url::encode(claims.as_bytes()));
        let signature = form::signer(&decoded).sign(input.as_bytes());
        format!("{input}.{}", base64url::encode(&signature))
    };
    let target = Target::parse("https://api.example/").expect("a target");
    let expected = expectation("GET", &target, None, None);
    let proof = UnverifiedProof::parse(&proof).ok()?.check(&expected, NOW).ok()?.verify().ok()?;
    proof.new_header().cloned()
}

fn expectation<'a>(
    method: &'a str,
    target: &'a Target,
    token_hash: Option<ContentHash>,
    delegation_hash: Option<ContentHash>,
) -> Expectation<'a> {
    let (window, nonces) = (ProofWindow::default(), NoncePolicy::Off);
    let token_hash = token_hash.map(WrittenHash::from);
    Expectation { method, target, token_hash, delegation_hash, window, nonces }
}

/// Everything that becomes of a proof.
type Outcome = Result<(String, u64, Option<ContentHash>, [u8; 32]), ProofError>;

fn outcome(text: &str, known: Option<&Arc<ProofHeader>>, expected: &Expectation<'_>, now: UnixTime) -> Outcome {
    let mut room = ProofRoom::new();
    let proof = match known {
        Some(known) => UnverifiedProof::parse_known(
            text,
            &|_| Some(Arc::clone(known)),
            &Likely::of(expected.target, expected.token_hash.as_ref()),
            &mut room,
        )?,
        None => UnverifiedProof::parse(text)?,
    };
    let proof = proof.check(expected, now)?.verify()?;
    let entry = proof.replay_entry("https://api.example");
    assert_eq!(proof.thumbprint(), proof.key().thumbprint());
    Ok((proof.proof_id().to_owned(), proof.issued_at().as_secs(), proof.token_hash(), *entry.fingerprint()))
}

/// What is remembered changes nothing: for the request that the proof says it is for, and for another.
fn require_one_verdict(text: &str, known: Option<&Arc<ProofHeader>>, claims: Option<&Json>) {
    let elsewhere = Target::parse("https://api.example/files/42").expect("a target");
    let other = expectation("POST", &elsewhere, Some(ContentHash::of(b"token")), None);
    assert_eq!(outcome(text, None, &other, NOW), outcome(text, known, &other, NOW), "{text}");
    let Some(claims) = claims else { return };
    let hash = |name| word(claims, name).and_then(ContentHash::from_claim);
    let target = word(claims, "htu").and_then(|htu| Target::parse(htu).ok()).unwrap_or(elsewhere);
    let own = expectation(word(claims, "htm").unwrap_or_default(), &target, hash("ath"), hash("dch"));
    let now = issued_at(claims).map_or(NOW, UnixTime::from_secs);
    assert_eq!(outcome(text, None, &own, now), outcome(text, known, &own, now), "{text}");
}

/// The claims, if the second reader takes the text for a proof (spec/dpop-profile.md, checks 2 to 5).
fn slow_claims(text: &str) -> Option<Json> {
    let jws = SlowJws::read(text, &LIMITS)?;
    let is_proof = word(&jws.header, "typ") == Some(PROOF_TYPE) && jws.key()?.curve() == jws.algorithm.curve();
    let claims = jws.claims;
    let (id, method) = (word(&claims, "jti")?, word(&claims, "htm")?);
    let is_sound = id.chars().any(|letter| !letter.is_whitespace())
        && id.len() <= MAX_PROOF_ID_BYTES
        && (1..=MAX_METHOD_BYTES).contains(&method.len())
        && word(&claims, "htu").is_some()
        && issued_at(&claims).is_some();
    let are_texts = ["ath", "nonce", "dch", "htd"]
        .into_iter()
        .all(|name| matches!(claims.member(name), None | Some(Json::Text(_))));
    (is_proof && is_sound && are_texts).then_some(claims)
}

/// `iat` in any form of a number, from 0 to 2^53 - 1, without a minus sign; a fraction is cut off.
fn issued_at(claims: &Json) -> Option<u64> {
    let Json::Number(digits) = claims.member("iat")? else { return None };
    let seconds = match digits.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let seconds: f64 = digits.parse().ok()?;
            (seconds <= MAX_UNIX_SECONDS as f64).then_some(seconds as u64)?
        }
    };
    (seconds <= MAX_UNIX_SECONDS && !digits.starts_with('-')).then_some(seconds)
}
