//! The attack examples TH01 to TH30, TH49 and TH50 as far as this crate answers them, each next to a proof that passes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed set-up should stop the test")]
#![allow(clippy::needless_pass_by_value, reason = "tables read better without a reference at every row")]

use std::sync::{Arc, OnceLock};

use handfast_dpop::{
    ContentDigest, ContentHash, Expectation, Likely, MAX_PROOF_BYTES, MemoryReplay, NONCE_PERIOD, NonceKeys,
    NoncePolicy, NonceRole, NonceSecret, NonceSource, ProofClass, ProofError, ProofHeader, ProofRequest, ProofRoom,
    ProofWindow, PublicBase, ReplayError, ReplayLimits, ReplayStore, RestartRule, Target, UnverifiedProof,
    VerifiedProof,
};
use handfast_identity::{RandomSource, Seconds, SigningKey, UnixTime, base64url, jws};
use serde_json::{Value, json};

const NOW: u64 = 1_795_262_400;
const TOKEN: &str = "eyJ0.eyJp.c2ln";
const TARGET: &str = "https://api.example/v1";

struct Counter(u8);

impl RandomSource for Counter {
    fn fill(&mut self, out: &mut [u8]) {
        self.0 = self.0.wrapping_add(1);
        out.fill(self.0);
    }
}

fn key() -> SigningKey {
    SigningKey::from_ed25519_seed(&[7; 32])
}

fn at(offset: i64) -> UnixTime {
    UnixTime::from_secs(NOW.saturating_add_signed(offset))
}

fn header() -> Value {
    let jwk: Value = serde_json::from_str(&key().public().to_jwk()).unwrap();
    json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk})
}

fn claims() -> Value {
    json!({"jti": "a", "htm": "GET", "htu": TARGET, "iat": NOW, "ath": ContentHash::of(TOKEN.as_bytes()).to_string()})
}

/// `base` with the members of `changes` put in; `null` takes one out.
fn with(mut base: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            base.as_object_mut().unwrap().remove(name);
        } else {
            base[name] = value.clone();
        }
    }
    base
}

/// A proof of exactly these objects, with a good signature by [`key`].
fn signed(header: &Value, claims: &Value) -> String {
    jws::sign_with_header(header, claims, &key()).unwrap()
}

/// A proof of exactly these JSON texts, with a good signature by [`key`].
fn signed_texts(header: &str, claims: &str) -> String {
    let input = format!("{}.{}", base64url::encode(header.as_bytes()), base64url::encode(claims.as_bytes()));
    format!("{input}.{}", base64url::encode(&key().sign(input.as_bytes())))
}

/// Headers that proofs here have, read out of good proofs.
fn known_headers() -> &'static [Arc<ProofHeader>] {
    static KNOWN: OnceLock<Vec<Arc<ProofHeader>>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let target = Target::parse(TARGET).unwrap();
        let own = signed(&header(), &claims());
        let read = |proof: &str| {
            let expected = Expectation {
                method: "GET",
                target: &target,
                token_hash: Some(ContentHash::of(TOKEN.as_bytes()).into()),
                delegation_hash: None,
                window: ProofWindow::default(),
                nonces: NoncePolicy::Off,
            };
            let proof = UnverifiedProof::parse(proof).unwrap().check(&expected, at(0)).unwrap().verify().unwrap();
            Arc::clone(proof.new_header().unwrap())
        };
        let known = read(&own);
        assert_eq!(Some(known.text()), own.split('.').next());
        vec![known]
    })
}

fn check_with(proof: &str, target: &str, nonces: NoncePolicy<'_>, now: UnixTime) -> Result<VerifiedProof, ProofError> {
    let target = Target::parse(target).unwrap();
    let expected = Expectation {
        method: "GET",
        target: &target,
        token_hash: Some(ContentHash::of(TOKEN.as_bytes()).into()),
        delegation_hash: None,
        window: ProofWindow::default(),
        nonces,
    };
    let general = UnverifiedProof::parse(proof).and_then(|proof| proof.check(&expected, now)?.verify());
    // the same with a header that was read before, whatever the rest is
    let known = |text: &[u8]| known_headers().iter().find(|header| header.text().as_bytes() == text).cloned();
    let mut room = ProofRoom::new();
    let likely = Likely::of(&target, expected.token_hash.as_ref());
    let glanced = UnverifiedProof::parse_known(proof, &known, &likely, &mut room);
    let glanced = glanced.and_then(|proof| proof.check(&expected, now)?.verify());
    let seen = |found: &Result<VerifiedProof, ProofError>| {
        found
            .as_ref()
            .map(|proof| (proof.proof_id().to_owned(), proof.issued_at(), proof.thumbprint()))
            .map_err(Clone::clone)
    };
    assert_eq!(seen(&general), seen(&glanced), "{proof}");
    general
}

fn check(proof: &str, expected: &str) {
    let answer = check_with(proof, TARGET, NoncePolicy::Off, at(0));
    if let Err(error) = &answer {
        assert_eq!(error.class(), ProofClass::InvalidProof);
    }
    assert_eq!(answer.map_or_else(|error| error.reason(), |_| "accepted"), expected, "{proof}");
}

#[test]
fn the_plain_proof_is_the_twin_of_all_the_others() {
    check(&signed(&header(), &claims()), "accepted");
    check(&signed(&with(header(), json!({"alg": "Ed25519"})), &claims()), "accepted");
    check(&signed(&with(header(), json!({"kid": "x", "x5u": "https://evil.example"})), &claims()), "accepted");
}

#[test]
fn th01_th02_th08_algorithms_off_the_list() {
    for alg in ["none", "None", "HS256", "HS512", "ES384", "RS256", "PS256", "eddsa", "Ed448", "ES256K", ""] {
        check(&signed(&with(header(), json!({"alg": alg})), &claims()), "proof_algorithm");
    }
    let misfit = signed(&with(header(), json!({"alg": "ES256"})), &claims());
    assert_eq!(UnverifiedProof::parse(&misfit).map(drop), Err(ProofError::Algorithm)); // before any signature is paid for
    check(&signed(&with(header(), json!({"alg": null})), &claims()), "proof_malformed");
    check(&signed(&with(header(), json!({"alg": ["EdDSA"]})), &claims()), "proof_malformed");
}

#[test]
fn th03_types_other_than_the_exact_one() {
    for typ in ["application/dpop+jwt", "DPOP+JWT", "dpop+jwt ", "JWT", "at+jwt", ""] {
        check(&signed(&with(header(), json!({"typ": typ})), &claims()), "proof_type");
    }
    check(&signed(&with(header(), json!({"typ": null})), &claims()), "proof_type");
}

#[test]
fn th04_members_given_twice() {
    let (header, claims) = (header().to_string(), claims().to_string());
    check(&signed_texts(&header, &claims), "accepted");
    check(&signed_texts(&header.replacen('{', r#"{"alg":"EdDSA","#, 1), &claims), "proof_malformed");
    check(&signed_texts(&header.replacen('{', r#"{"\u0061lg":"EdDSA","#, 1), &claims), "proof_malformed");
    check(&signed_texts(&header, &claims.replacen('{', r#"{"jti":"a","#, 1)), "proof_claims");
    check(&signed_texts(&header, &claims.replacen('{', r#"{"x":1,"x":1,"#, 1)), "proof_claims");
}

#[test]
fn th05_critical_headers() {
    for changes in [r#""crit":["nonce"],"#, r#""crit":null,"#, r#""crit":[],"#, r#""b64":false,"#] {
        let header = header().to_string().replacen('{', &format!("{{{changes}"), 1);
        check(&signed_texts(&header, &claims().to_string()), "proof_critical_header");
    }
}

#[test]
fn th06_something_behind_the_claims() {
    let (header, claims) = (header().to_string(), claims().to_string());
    check(&signed_texts(&header, &format!(" {claims}\n")), "accepted");
    for text in [format!("{{}}\n{claims}"), format!("{claims}\n{{}}"), format!("{claims}x"), format!("[{claims}]")] {
        check(&signed_texts(&header, &text), "proof_claims");
    }
    check(&signed_texts(&format!("{header}{{}}"), &claims), "proof_malformed");
    check(&signed_texts(&format!("[{header}]"), &claims), "proof_malformed");
    check(&signed_texts(&header, "[\"a\",\"GET\",\"https://api.example/v1\",1795262400]"), "proof_claims");
    let members = serde_json::from_str::<Value>(&header).unwrap();
    let as_array = json!([members["typ"], members["alg"], null, members["jwk"]]).to_string();
    check(&signed_texts(&as_array, &claims), "proof_malformed");
    check(&signed_texts(&format!("\n {header}"), &claims), "accepted");
}

#[test]
fn th07_segments_missing() {
    let proof = signed(&header(), &claims());
    let parts: Vec<&str> = proof.split('.').collect();
    for empty in 0..3 {
        let mut parts = parts.clone();
        parts.splice(empty..=empty, [""]);
        check(&parts.join("."), "proof_malformed");
    }
    for text in ["", ".", "..", "...", "abc", &format!("{proof}.x"), &format!("{proof}, {proof}"), &format!("{proof} ")]
    {
        check(text, "proof_malformed");
    }
    for text in [format!("{proof}="), proof.replacen('.', "\n.", 1), format!("\u{feff}{proof}")] {
        check(&text, "proof_malformed");
    }
}

#[test]
fn th09_the_size_is_bounded_before_anything_is_read() {
    let of_length = |length: usize| {
        let spare = |padding: usize| signed(&header(), &with(claims(), json!({"x": "x".repeat(padding)})));
        (0..MAX_PROOF_BYTES).map(spare).find(|proof| proof.len() >= length).unwrap()
    };
    let fitting = of_length(MAX_PROOF_BYTES - 2);
    assert!(fitting.len() <= MAX_PROOF_BYTES, "{}", fitting.len());
    check(&fitting, "accepted");
    check(&of_length(MAX_PROOF_BYTES + 1), "proof_too_long");
    check(&signed(&header(), &with(claims(), json!({"htm": "x".repeat(4 << 20)}))), "proof_too_long");
    check(&signed(&header(), &with(claims(), json!({"htm": "x".repeat(65)}))), "proof_claims");
    check(&signed(&header(), &with(claims(), json!({"htm": "x".repeat(64)}))), "method_mismatch");
}

#[test]
fn th10_th11_claims_of_the_wrong_kind() {
    let wrong = [
        json!({"iat": "1.7e9"}),
        json!({"iat": true}),
        json!({"iat": -1}),
        json!({"iat": 1e300}),
        json!({"iat": null}),
        json!({"jti": " "}),
        json!({"jti": ""}),
        json!({"jti": "j".repeat(300)}),
        json!({"jti": null}),
        json!({"jti": 7}),
        json!({"htm": null}),
        json!({"htm": ["GET"]}),
        json!({"htu": null}),
        json!({"htu": {}}),
        json!({"ath": 7}),
    ];
    for changes in wrong {
        check(&signed(&header(), &with(claims(), changes)), "proof_claims");
    }
    let right =
        [json!({"jti": " a"}), json!({"jti": "j".repeat(256)}), json!({"iat": 1_795_262_400.5}), json!({"foo": null})];
    for changes in right {
        check(&signed(&header(), &with(claims(), changes)), "accepted");
    }
}

#[test]
fn th14_th16_token_hashes_of_something_else() {
    let hash = |text: &str| ContentHash::of(text.as_bytes());
    let hex: String = hash(TOKEN).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let padded = format!("{}=", hash(TOKEN));
    for ath in [hash("DPoP eyJ0.eyJp.c2ln").to_string(), hash("another").to_string(), hex, padded, String::new()] {
        check(&signed(&header(), &with(claims(), json!({"ath": ath}))), "token_hash_mismatch");
    }
    // TH16: a proof made for the token endpoint
    check(&signed(&header(), &with(claims(), json!({"ath": null}))), "token_hash_mismatch");
}

#[test]
fn a_proof_without_a_token_is_enough_where_none_belongs() {
    let target = Target::parse(TARGET).unwrap();
    let expected = Expectation {
        method: "GET",
        target: &target,
        token_hash: None,
        delegation_hash: None,
        window: ProofWindow::default(),
        nonces: NoncePolicy::Off,
    };
    for ath in [json!({"ath": null}), json!({})] {
        let proof = signed(&header(), &with(claims(), ath));
        assert!(UnverifiedProof::parse(&proof).unwrap().check(&expected, at(0)).is_ok()); // DPOP-08, DPOP-37
    }
}

#[test]
fn th17_to_th22_targets_seen_from_outside() {
    let base = PublicBase::parse("https://api.example/v1").unwrap();
    let seen = |raw: &str| Target::join(&base, raw).unwrap().to_string();
    let answer = |htu: &str, target: &str| {
        let proof = signed(&header(), &with(claims(), json!({"htu": htu})));
        check_with(&proof, target, NoncePolicy::Off, at(0)).map_or_else(|error| error.reason(), |_| "accepted")
    };
    let cases = [
        ("https://api.example/v1/x", "/x", "accepted"),
        ("http://10.0.0.5:8080/x", "/x", "target_mismatch"), // TH17
        ("https://evil.example/v1/x", "/x", "target_mismatch"), // TH18: headers have no way in
        ("https://api.example:443/v1/x", "/x", "accepted"),  // TH19
        ("https://api.example/v1/%7Euser", "/~user", "accepted"), // TH20
        ("https://api.example/v1/~user", "/%7euser", "accepted"),
        ("https://api.example:65536/v1/x", "/x", "target_mismatch"), // TH21
        ("https:///v1/x", "/x", "target_mismatch"),
        ("https://api.example/v1/ x", "/x", "target_mismatch"),
        ("", "/x", "target_mismatch"),
        ("https://api.example/x", "/x", "target_mismatch"), // TH22: what a nested router sees is not the target
        ("https://api.example/v1/x/", "/x", "target_mismatch"),
        ("https://api.example/v1/a%2Fb", "/a/b", "target_mismatch"),
        ("https://api.example/v1/a%2fb", "/a%2Fb?q", "accepted"),
        ("https://api.example/v1/x?y#z", "/x?other", "accepted"),
    ];
    for (htu, raw, expected) in cases {
        assert_eq!(answer(htu, &seen(raw)), expected, "{htu} {raw}");
    }
}

#[test]
fn methods_are_compared_exactly() {
    for (htm, expected) in
        [("GET", "accepted"), ("get", "method_mismatch"), ("HEAD", "method_mismatch"), ("POST", "method_mismatch")]
    {
        check(&signed(&header(), &with(claims(), json!({"htm": htm}))), expected);
    }
}

fn nonces(secret: u8, role: NonceRole) -> NonceKeys {
    NonceKeys::new(&NonceSecret::from_shared(&[secret; 32]), role, NONCE_PERIOD).unwrap()
}

/// The class of the answer to a proof made at `made` with `nonce`, checked at `now`.
fn answer_at(made: i64, nonce: Option<&str>, policy: NoncePolicy<'_>, now: i64) -> &'static str {
    let mut changes = json!({"iat": at(made).as_secs()});
    if let Some(nonce) = nonce {
        changes["nonce"] = json!(nonce);
    }
    let proof = signed(&header(), &with(claims(), changes));
    match check_with(&proof, TARGET, policy, at(now)).map_err(|error| error.class()) {
        Ok(_) => "accepted",
        Err(ProofClass::NonceRequired) => "use_dpop_nonce",
        Err(_) => "invalid_dpop_proof",
    }
}

#[test]
fn th23_the_edges_of_the_window() {
    let keys = nonces(1, NonceRole::ResourceServer);
    let good = keys.issue(at(0));
    for (made, inside) in [(-61, false), (-60, true), (30, true), (31, false)] {
        let answer = |nonce, policy| answer_at(made, nonce, policy, 0);
        let refused_with = |error| if inside { "accepted" } else { error };
        assert_eq!(answer(None, NoncePolicy::Off), refused_with("invalid_dpop_proof"), "{made}");
        assert_eq!(answer(None, NoncePolicy::adds(&keys)), refused_with("use_dpop_nonce"), "{made}");
        assert_eq!(answer(Some(good.as_str()), NoncePolicy::adds(&keys)), refused_with("invalid_dpop_proof"), "{made}");
        assert_eq!(
            answer(Some(good.as_str()), NoncePolicy::required(&keys)),
            refused_with("invalid_dpop_proof"),
            "{made}"
        );
        assert_eq!(answer(Some(good.as_str()), NoncePolicy::replaces_clock(&keys)), "accepted", "{made}");
        assert_eq!(answer(None, NoncePolicy::replaces_clock(&keys)), refused_with("use_dpop_nonce"), "{made}");
        assert_eq!(answer(Some("stale"), NoncePolicy::replaces_clock(&keys)), "use_dpop_nonce", "{made}");
        assert_eq!(answer(Some("stale"), NoncePolicy::Off), refused_with("invalid_dpop_proof"), "{made}");
    }
}

#[test]
fn th24_th25_nonces_of_another_time_or_place() {
    let keys = nonces(1, NonceRole::ResourceServer);
    let good = keys.issue(at(0));
    let of_the_issuer = nonces(1, NonceRole::AuthorizationServer).issue(at(0));
    let of_another_process = nonces(2, NonceRole::ResourceServer).issue(at(0));
    for policy in [NoncePolicy::adds(&keys), NoncePolicy::required(&keys), NoncePolicy::replaces_clock(&keys)] {
        assert_eq!(answer_at(0, Some(good.as_str()), policy, 0), "accepted");
        assert_eq!(answer_at(119, Some(good.as_str()), policy, 119), "accepted");
        assert_eq!(answer_at(120, Some(good.as_str()), policy, 120), "use_dpop_nonce"); // TH24
        assert_eq!(answer_at(0, Some(of_the_issuer.as_str()), policy, 0), "use_dpop_nonce"); // TH25
        assert_eq!(answer_at(0, Some(of_another_process.as_str()), policy, 0), "use_dpop_nonce");
        assert_eq!(answer_at(0, Some(""), policy, 0), "use_dpop_nonce");
    }
    assert_eq!(answer_at(0, None, NoncePolicy::adds(&keys), 0), "accepted");
    assert_eq!(answer_at(0, None, NoncePolicy::required(&keys), 0), "use_dpop_nonce"); // DPOP-60
}

#[test]
fn th27_after_a_restart_only_proofs_with_a_new_nonce_pass() {
    let (before, after) = (nonces(1, NonceRole::ResourceServer), nonces(2, NonceRole::ResourceServer));
    let rule = RestartRule::new(at(0), ProofWindow::default());
    let answer = |made, nonce, now| answer_at(made, nonce, NoncePolicy::adds(&after).after_start(rule, at(now)), now);
    let (old, new) = (before.issue(at(-1)), after.issue(at(0)));
    assert_eq!(answer(-1, None, 1), "use_dpop_nonce");
    assert_eq!(answer(30, None, 90), "use_dpop_nonce"); // the youngest proof that the old process could have accepted
    assert_eq!(answer(30, None, 91), "use_dpop_nonce"); // and then it is stale
    assert_eq!(answer(-1, Some(old.as_str()), 1), "use_dpop_nonce");
    assert_eq!(answer(1, Some(new.as_str()), 1), "accepted");
    assert_eq!(answer(91, None, 91), "accepted");
}

#[test]
fn th28_an_entry_outlives_its_proof() {
    let keys = nonces(1, NonceRole::ResourceServer);
    let good = keys.issue(at(0));
    let entry = |made: i64, nonce: Option<&str>, policy, now| {
        let nonce = nonce.map_or(Value::Null, |nonce| json!(nonce));
        let claims = with(with(claims(), json!({"iat": at(made).as_secs()})), json!({"nonce": nonce}));
        check_with(&signed(&header(), &claims), TARGET, policy, at(now)).unwrap().replay_entry("https://api.example")
    };
    // iat + past + future, whenever it was first seen
    assert_eq!(entry(-60, None, NoncePolicy::Off, 0).expires(), at(30));
    assert_eq!(entry(30, None, NoncePolicy::Off, 0).expires(), at(120));
    assert_eq!(entry(0, Some(good.as_str()), NoncePolicy::adds(&keys), 0).expires(), at(90));
    // the nonce's time where it replaces the clock, however far off `iat` is
    assert_eq!(entry(-9_000, Some(good.as_str()), NoncePolicy::replaces_clock(&keys), 0).expires(), at(119));
    assert_eq!(entry(9_000, Some(good.as_str()), NoncePolicy::replaces_clock(&keys), 0).expires(), at(119));
    assert_eq!(entry(10, None, NoncePolicy::replaces_clock(&keys), 0).expires(), at(100));

    let store = MemoryReplay::new(ReplayLimits::default());
    let proof = entry(30, None, NoncePolicy::Off, 0);
    assert!(store.insert(&proof, at(0)).is_ok_and(|receipt| receipt.covers(&proof)));
    for now in [1, 90, 120] {
        assert_eq!(store.insert(&proof, at(now)).map(drop), Err(ReplayError::Replayed), "{now}");
    }
}

#[test]
fn th29_a_busy_key_fills_only_its_share() {
    let store = MemoryReplay::new(ReplayLimits { total: 10, per_key: 2 });
    let mut random = Counter(0);
    let target = Target::parse(TARGET).unwrap();
    let mut admit = |key: &SigningKey| {
        let token_hash = Some(ContentHash::of(TOKEN.as_bytes()));
        let request = ProofRequest {
            method: "GET",
            target: &target,
            token_hash,
            nonce: None,
            delegation_hash: None,
            content_digest: None,
        };
        let proof = request.sign(key, at(0), &mut random).unwrap();
        let proof = check_with(&proof, TARGET, NoncePolicy::Off, at(0)).unwrap();
        store.insert(&proof.replay_entry("https://api.example"), at(0)).map(drop)
    };
    let other = SigningKey::from_p256_scalar(&[9; 32]).unwrap();
    assert_eq!([admit(&key()), admit(&key()), admit(&key())], [Ok(()), Ok(()), Err(ReplayError::KeyShareFull)]);
    assert_eq!(admit(&other), Ok(()));
    assert_eq!(ReplayError::KeyShareFull.class(), ProofClass::Unavailable);
}

#[test]
fn th49_keys_with_members_of_another_kind() {
    let key = |jwk: Value| signed(&with(header(), json!({"jwk": jwk})), &claims());
    let jwk = header()["jwk"].clone();
    check(&key(with(jwk.clone(), json!({"kid": "k", "use": "sig", "alg": "EdDSA"}))), "accepted");
    for changes in [
        json!({"kty": "EC", "y": "AA"}),
        json!({"kty": "EC"}),
        json!({"y": "AA"}),
        json!({"crv": "Ed448"}),
        json!({"crv": "X25519"}),
        json!({"crv": null}),
        json!({"x": null}),
        json!({"d": "AA"}),
        json!({"k": "AA"}),
        json!({"kty": "oct"}),
        json!({"kty": "RSA"}),
        json!({"x": "AA"}),
        json!({"x": base64url::encode(&[0xff; 32])}),
        json!({"x": base64url::encode(&[&[1][..], &[0; 31]].concat())}), // the identity point
    ] {
        check(&key(with(jwk.clone(), changes)), "proof_key");
    }
    check(&signed(&with(header(), json!({"jwk": null})), &claims()), "proof_key");
    check(&key(json!("text")), "proof_malformed");
}

#[test]
fn th50_signatures_have_one_spelling() {
    // L, little-endian (RFC 8032 5.1)
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let proof = signed(&header(), &claims());
    let (input, signature) = proof.rsplit_once('.').unwrap();
    let mut signature: [u8; 64] = base64url::decode_array(signature).unwrap();
    let mut carry = 0;
    for (byte, order) in signature.iter_mut().skip(32).zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    check(&format!("{input}.{}", base64url::encode(&signature)), "proof_signature");
    for wrong in [&[0; 64][..], &[0; 63], &[0; 65], &signature[..32]] {
        check(&format!("{input}.{}", base64url::encode(wrong)), "proof_signature");
    }
}

#[test]
fn the_signature_is_by_the_proofs_own_key_over_its_own_text() {
    let other = SigningKey::from_ed25519_seed(&[8; 32]);
    check(&jws::sign_with_header(&header(), &claims(), &other).unwrap(), "proof_signature");
    let (one, two) = (signed(&header(), &claims()), signed(&header(), &with(claims(), json!({"jti": "b"}))));
    let (_, foreign) = two.rsplit_once('.').unwrap();
    let (input, _) = one.rsplit_once('.').unwrap();
    check(&format!("{input}.{foreign}"), "proof_signature");
}

#[test]
fn chains_and_proofs_belong_together() {
    let target = Target::parse(TARGET).unwrap();
    let (chain, other) = (ContentHash::of(b"root,hop"), ContentHash::of(b"hop,root"));
    let answer = |dch: Value, delegation_hash| {
        let expected = Expectation {
            method: "GET",
            target: &target,
            token_hash: Some(ContentHash::of(TOKEN.as_bytes()).into()),
            delegation_hash,
            window: ProofWindow::default(),
            nonces: NoncePolicy::Off,
        };
        let proof = signed(&header(), &with(claims(), json!({"dch": dch})));
        UnverifiedProof::parse(&proof)
            .unwrap()
            .check(&expected, at(0))
            .map(drop)
            .map_err(|error| (error.reason(), error.class()))
    };
    let malformed = Err(("chain_malformed", ProofClass::InvalidChain));
    assert_eq!(answer(Value::Null, None), Ok(()));
    assert_eq!(answer(json!(chain.to_string()), Some(chain)), Ok(()));
    assert_eq!(answer(json!(chain.to_string()), None), malformed);
    assert_eq!(answer(Value::Null, Some(chain)), malformed);
    assert_eq!(answer(json!(other.to_string()), Some(chain)), malformed);
    assert_eq!(answer(json!(format!("{chain}=")), Some(chain)), malformed);
}

#[test]
fn other_windows_have_their_own_edges() {
    let target = Target::parse(TARGET).unwrap();
    let window = ProofWindow::new(Seconds::new(300), Seconds::new(60)).unwrap();
    let token_hash = Some(ContentHash::of(TOKEN.as_bytes()));
    let nonces = NoncePolicy::Off;
    let expected = Expectation {
        method: "GET",
        target: &target,
        token_hash: token_hash.map(Into::into),
        delegation_hash: None,
        window,
        nonces,
    };
    for (made, reason) in [(-301, "proof_stale"), (-300, "accepted"), (60, "accepted"), (61, "proof_from_future")] {
        let proof = signed(&header(), &with(claims(), json!({"iat": at(made).as_secs()})));
        let answer = UnverifiedProof::parse(&proof).unwrap().check(&expected, at(0));
        assert_eq!(answer.map_or_else(|error| error.reason(), |_| "accepted"), reason, "{made}");
    }
}

#[test]
fn a_proof_covers_the_content_or_not() {
    let digest = |content: &str| json!(ContentDigest::of(content.as_bytes()).as_str());
    let (own, other) = (digest("content"), digest("other"));
    let (required, mismatch) = (Err("content_digest_required"), Err("content_digest_mismatch"));
    let two_algorithms = json!(format!("{}, sha-512=:AAAA:", ContentDigest::of(b"content")));
    let in_base64url = json!(ContentDigest::of(b"content").as_str().replace('+', "-").replace('/', "_"));
    assert_ne!(own, in_base64url);
    let cases = [
        (&own, vec![&own], Ok(())),
        (&Value::Null, vec![], required),
        (&Value::Null, vec![&own], required),
        (&own, vec![], required),
        (&own, vec![&other], mismatch),
        (&other, vec![&own], mismatch),
        (&other, vec![&other], mismatch),
        (&own, vec![&own, &own], mismatch),
        (&two_algorithms, vec![&two_algorithms], mismatch),
        (&in_base64url, vec![&in_base64url], mismatch),
    ];
    for (claim, lines, expected) in cases {
        let proof = signed(&header(), &with(claims(), json!({"htd": claim})));
        let lines: Vec<_> = lines.iter().map(|line| line.as_str().unwrap().as_bytes()).collect();
        let verified = check_with(&proof, TARGET, NoncePolicy::Off, at(0)).unwrap();
        let answer = verified.require_content(&lines, b"content").map_err(|error| error.reason());
        assert_eq!(answer, expected, "{claim} {lines:?}");
    }
}

#[test]
fn a_header_is_known_by_its_very_text_and_once_its_key_has_signed() {
    let confused = |_: &[u8]| known_headers().first().cloned();
    let (own, other) = (signed(&header(), &claims()), SigningKey::from_ed25519_seed(&[8; 32]));
    let jwk: Value = serde_json::from_str(&other.public().to_jwk()).unwrap();
    let foreign = jws::sign_with_header(&with(header(), json!({"jwk": jwk})), &claims(), &other).unwrap();
    let target = Target::parse(TARGET).unwrap();
    let expected = Expectation {
        method: "GET",
        target: &target,
        token_hash: Some(ContentHash::of(TOKEN.as_bytes()).into()),
        delegation_hash: None,
        window: ProofWindow::default(),
        nonces: NoncePolicy::Off,
    };
    let read = |proof: &str| {
        let likely = Likely::of(&target, None);
        UnverifiedProof::parse_known(proof, &confused, &likely, &mut ProofRoom::new())?
            .check(&expected, at(0))?
            .verify()
    };
    // what is known is not told again
    let (own, foreign) = (read(&own).unwrap(), read(&foreign).unwrap());
    assert_eq!((own.thumbprint(), own.new_header().is_some()), (key().public().thumbprint(), false));
    assert_eq!((foreign.thumbprint(), foreign.new_header().is_some()), (other.public().thumbprint(), true));
}

#[test]
fn a_known_header_makes_no_proof_longer() {
    let padded = with(header(), json!({"x": "x".repeat(2_600)}));
    let proof = |id: usize| signed(&padded, &with(claims(), json!({"jti": "j".repeat(id)})));
    let target = Target::parse(TARGET).unwrap();
    let expected = Expectation {
        method: "GET",
        target: &target,
        token_hash: Some(ContentHash::of(TOKEN.as_bytes()).into()),
        delegation_hash: None,
        window: ProofWindow::default(),
        nonces: NoncePolicy::Off,
    };
    let good = UnverifiedProof::parse(&proof(1)).unwrap().check(&expected, at(0)).unwrap().verify().unwrap();
    let known = |_: &[u8]| good.new_header().cloned();
    let longest = (1..=256).rev().find(|id| proof(*id).len() <= MAX_PROOF_BYTES).unwrap();
    let likely = Likely::of(&target, None);
    let read = |proof: &str| UnverifiedProof::parse_known(proof, &known, &likely, &mut ProofRoom::new()).map(drop);
    assert!(longest < 256 && read(&proof(longest)).is_ok());
    assert_eq!(read(&proof(256)), Err(ProofError::TooLong));
}
