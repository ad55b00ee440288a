//! The tables of `tests/data`: RFC 9449's own proofs, the computed ones, and the spellings of targets.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a table of another shape should stop the test")]

use std::fmt;

use handfast_dpop::{
    ContentHash, Expectation, Nonce, NonceError, NoncePolicy, NonceSource, NonceTime, ProofClass, ProofError,
    ProofWindow, Target, UnverifiedProof, VerifiedProof,
};
use handfast_identity::{Seconds, UnixTime};
use serde_json::Value;

const DPOP: &str = include_str!("data/dpop.json");
const HTU: &str = include_str!("data/htu.json");

/// A server that has handed out one nonce, whatever the table says it was.
#[derive(Clone, Copy)]
struct OneNonce<'a>(&'a str);

impl NonceSource for OneNonce<'_> {
    fn issue(&self, _: UnixTime) -> Nonce {
        Nonce::parse(self.0).unwrap()
    }

    fn check(&self, nonce: &str, now: UnixTime) -> Result<NonceTime, NonceError> {
        if nonce == self.0 { Ok(NonceTime { step_start: now, good_until: now }) } else { Err(NonceError::Unknown) }
    }
}

impl fmt::Debug for OneNonce<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneNonce")
    }
}

fn table(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap()
}

fn rows<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().unwrap()
}

/// The request and the rules that the computed vectors were made for.
struct Setting {
    method: String,
    target: Target,
    access_token: String,
    window: ProofWindow,
    now: UnixTime,
}

impl Setting {
    fn read(computed: &Value) -> Self {
        let seconds = |member: &str| computed[member].as_u64().unwrap();
        Self {
            method: text(computed, "method").to_owned(),
            target: Target::parse(text(computed, "request_uri")).unwrap(),
            access_token: text(computed, "access_token").to_owned(),
            window: ProofWindow::new(Seconds::new(seconds("max_age_s")), Seconds::new(seconds("max_future_s")))
                .unwrap(),
            now: UnixTime::from_secs(seconds("now")),
        }
    }

    fn run(&self, row: &Value) -> Result<VerifiedProof, ProofError> {
        let nonce = row["server_nonce"].as_str().map(OneNonce);
        let nonces = nonce.as_ref().map_or(NoncePolicy::Off, |nonce| NoncePolicy::required(nonce));
        let token = row["access_token"].as_str().unwrap_or(&self.access_token);
        let expected = Expectation {
            method: &self.method,
            target: &self.target,
            token_hash: Some(ContentHash::of(token.as_bytes()).into()),
            delegation_hash: None,
            window: self.window,
            nonces,
        };
        UnverifiedProof::parse(text(row, "proof"))?.check(&expected, self.now)?.verify()
    }
}

#[test]
fn the_proofs_of_the_rfc_verify_at_their_own_time() {
    let table = table(DPOP);
    for row in rows(&table, "rfc9449").iter().filter(|row| row["proof"].is_string()) {
        let target = Target::parse(text(row, "uri")).unwrap();
        let expected = Expectation {
            method: text(row, "method"),
            target: &target,
            token_hash: row["access_token"].as_str().map(|token| ContentHash::of(token.as_bytes()).into()),
            delegation_hash: None,
            window: ProofWindow::default(),
            nonces: NoncePolicy::Off,
        };
        let now = UnixTime::from_secs(row["iat"].as_u64().unwrap());
        let proof =
            UnverifiedProof::parse(text(row, "proof")).unwrap().check(&expected, now).unwrap().verify().unwrap();
        assert_eq!(proof.thumbprint().to_string(), text(&row["expect"], "jkt"), "{}", row["id"]);
        assert_eq!(proof.proof_id(), text(&row["expect"], "jti"), "{}", row["id"]);
        if let Some(ath) = row["expect"]["ath"].as_str() {
            assert_eq!(proof.token_hash().unwrap().to_string(), ath);
        }
    }
}

#[test]
fn every_positive_proof_is_accepted() {
    let table = table(DPOP);
    let computed = &table["computed"];
    let setting = Setting::read(computed);
    assert_eq!(setting.target.as_str(), text(computed, "expected_htu"));
    assert_eq!(ContentHash::of(setting.access_token.as_bytes()).to_string(), text(computed, "expected_ath"));
    for row in rows(computed, "positive") {
        let thumbprint = setting.run(row).map(|proof| proof.thumbprint().to_string());
        let jkt = row["jkt"].as_str().unwrap_or(text(computed, "expected_jkt"));
        assert_eq!(thumbprint, Ok(jkt.to_owned()), "{}", row["id"]);
    }
}

#[test]
fn every_negative_proof_is_refused_with_its_error() {
    let table = table(DPOP);
    let setting = Setting::read(&table["computed"]);
    let bound_to = text(&table["computed"], "expected_jkt");
    for row in rows(&table["computed"], "negative") {
        let error = match setting.run(row) {
            Err(error) if error.class() == ProofClass::NonceRequired => "use_dpop_nonce",
            Err(error) => {
                assert_eq!(error.class(), ProofClass::InvalidProof, "{}", row["id"]);
                "invalid_dpop_proof"
            }
            // a good proof by another key is for whoever compares it with the token
            Ok(proof) if proof.thumbprint().to_string() != bound_to => "invalid_token",
            Ok(_) => "none",
        };
        assert_eq!(error, text(row, "error"), "{}", row["id"]);
    }
}

#[test]
fn each_check_gives_its_own_reason() {
    let table = table(DPOP);
    let setting = Setting::read(&table["computed"]);
    let reasons_of_check = |check: u64| match check {
        1 | 2 => &["proof_malformed", "proof_claims", "proof_critical_header"][..],
        3 => &["proof_claims", "proof_key"],
        4 => &["proof_type"],
        5 => &["proof_algorithm", "proof_malformed", "proof_key"],
        6 => &["proof_signature", "proof_key"],
        7 => &["proof_key"],
        8 => &["method_mismatch"],
        9 => &["target_mismatch"],
        10 => &["nonce_required", "nonce_unknown"],
        11 => &["proof_stale", "proof_from_future", "proof_claims"],
        _ => &["token_hash_mismatch"],
    };
    for row in rows(&table["computed"], "negative") {
        let Err(error) = setting.run(row) else { continue };
        let allowed = reasons_of_check(row["check"].as_u64().unwrap());
        assert!(allowed.contains(&error.reason()), "{}: {}", row["id"], error.reason());
    }
}

#[test]
fn targets_have_one_spelling() {
    let table = table(HTU);
    for row in rows(&table, "normalise") {
        let normal = Target::parse(text(row, "input")).ok();
        assert_eq!(normal.as_ref().map(Target::as_str), row["canonical"].as_str(), "{}", row["input"]);
    }
    for row in rows(&table, "compare") {
        let equal = Target::parse(text(row, "a")).unwrap() == Target::parse(text(row, "b")).unwrap();
        assert_eq!(equal, row["equal"].as_bool().unwrap(), "{row}");
    }
}
