//! What holds for every target and every proof.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed set-up should stop the test")]

use handfast_dpop::{
    ContentHash, Expectation, MakeError, Nonce, NoncePolicy, ProofError, ProofRequest, ProofSigner, ProofWindow,
    PublicBase, Target, UnverifiedProof, VerifiedProof,
};
use handfast_identity::{Algorithm, RandomSource, SigningKey, UnixTime, WrittenHash};
use proptest::prelude::*;

struct Fixed(u8);

impl RandomSource for Fixed {
    fn fill(&mut self, out: &mut [u8]) {
        self.0 = self.0.wrapping_add(1);
        out.fill(self.0);
    }
}

fn keys() -> [SigningKey; 3] {
    [
        SigningKey::from_ed25519_seed(&[7; 32]),
        SigningKey::from_ed25519_seed(&[7; 32]).with_ed25519_name(Algorithm::Ed25519),
        SigningKey::from_p256_scalar(&[7; 32]).unwrap(),
    ]
}

fn expectation<'a>(method: &'a str, target: &'a Target, token_hash: Option<ContentHash>) -> Expectation<'a> {
    let (window, nonces) = (ProofWindow::default(), NoncePolicy::Off);
    let token_hash = token_hash.map(WrittenHash::from);
    Expectation { method, target, token_hash, delegation_hash: None, window, nonces }
}

fn verified(proof: &str, expected: &Expectation<'_>, now: UnixTime) -> Result<VerifiedProof, ProofError> {
    UnverifiedProof::parse(proof)?.check(expected, now)?.verify()
}

const URI: &str = "(https?|HTTPS?)://[a-zA-Z0-9.~-]{1,12}(:[0-9]{0,4})?(/[a-zA-Z0-9._~!$&'()*+,;=:@-]{0,4}|/%[0-9a-fA-F]{2}|/\\.\\.?){0,5}(\\?[!-~]{0,6})?";

proptest! {
    #[test]
    fn printing_and_parsing_a_target_agree(uri in URI) {
        let target = Target::parse(&uri).unwrap();
        prop_assert_eq!(Target::parse(target.as_str()), Ok(target.clone()));
        prop_assert_eq!(format!("{}{}", target.origin(), target.path()), target.as_str());
        prop_assert!(!target.as_str().contains(['?', '#']));
        prop_assert!(!target.path().split('/').any(|segment| matches!(segment, "." | "..")));
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in any::<String>()) {
        let _ = Target::parse(&text).map(drop);
        let _ = Target::parse(&format!("https://{text}")).map(drop);
        let _ = Target::join(&PublicBase::parse("https://api.example/v1").unwrap(), &format!("/{text}")).map(drop);
        let _ = Nonce::parse(&text).map(drop);
        prop_assert!(UnverifiedProof::parse(&text).is_err());
    }

    #[test]
    fn no_request_path_leaves_its_base(raw in "(/|\\.|%2[eEfF]|[a-z]|\\\\|@|:){1,12}") {
        let base = PublicBase::parse("https://api.example/v1").unwrap();
        if let Ok(target) = Target::join(&base, &raw) {
            prop_assert_eq!(target.origin(), "https://api.example");
            prop_assert!(target.path().starts_with("/v1/"));
            // a claim with this very text is taken without being read
            prop_assert_eq!(Target::parse(target.as_str()), Ok(target.clone()));
        }
    }

    #[test]
    fn a_made_proof_is_accepted_for_its_own_request_only(
        uri in URI, method in "[A-Z]{1,8}", other in "[A-Z]{1,8}", token in "[!-~]{1,40}", seconds in 0_u64..1 << 40, which in 0_usize..3,
    ) {
        let target = Target::parse(&uri).unwrap();
        let now = UnixTime::from_secs(seconds);
        let token_hash = Some(ContentHash::of(token.as_bytes()));
        let request = ProofRequest { method: &method, target: &target, token_hash, nonce: None, delegation_hash: None, content_digest: None };
        let made = request.sign(&keys()[which], now, &mut Fixed(0));
        if !target.is_protected() {
            prop_assert_eq!(made, Err(MakeError::PlainHttp));
            return Ok(());
        }
        let proof = made.unwrap();
        let good = verified(&proof, &expectation(&method, &target, token_hash), now).unwrap();
        prop_assert_eq!(good.thumbprint(), keys()[which].public().thumbprint());
        prop_assert_eq!(good.issued_at(), now);
        prop_assert_eq!(good.proof_id().len(), 22);
        let elsewhere = Target::parse("https://else.example/where").unwrap();
        let another_token = Some(ContentHash::of(format!("{token}x").as_bytes()));
        prop_assert_eq!(verified(&proof, &expectation(&other, &target, token_hash), now).is_ok(), other == method);
        prop_assert!(verified(&proof, &expectation(&method, &elsewhere, token_hash), now).is_err());
        prop_assert!(verified(&proof, &expectation(&method, &target, another_token), now).is_err());
    }
}

/// Every single bit of a good proof counts, whatever the key.
#[test]
fn any_flipped_bit_is_refused() {
    let target = Target::parse("https://api.example/v1/files/42").unwrap();
    let token_hash = Some(ContentHash::of(b"the.access.token"));
    let now = UnixTime::from_secs(1_795_262_400);
    let expected = expectation("POST", &target, token_hash);
    let request = ProofRequest {
        method: "POST",
        target: &target,
        token_hash,
        nonce: None,
        delegation_hash: None,
        content_digest: None,
    };
    for key in keys() {
        let proof = request.sign(&key, now, &mut Fixed(0)).unwrap();
        assert!(verified(&proof, &expected, now).is_ok());
        for place in 0..proof.len() {
            for bit in 0..7 {
                let mut altered = proof.clone().into_bytes();
                altered[place] ^= 1 << bit;
                let altered = String::from_utf8(altered).unwrap();
                assert!(verified(&altered, &expected, now).is_err(), "bit {bit} of byte {place}");
            }
        }
    }
}

/// A header written once is the header written each time, under each name of the key.
#[test]
fn a_signer_writes_what_each_request_would() {
    let target = Target::parse("https://api.example/v1/files/42").unwrap();
    let now = UnixTime::from_secs(1_795_262_400);
    let request = ProofRequest {
        method: "GET",
        target: &target,
        token_hash: None,
        nonce: None,
        delegation_hash: None,
        content_digest: None,
    };
    for (signer, key) in keys().map(ProofSigner::new).into_iter().zip(keys()) {
        let (mut ours, mut theirs) = (Fixed(0), Fixed(0));
        for _ in 0..2 {
            let proof = signer.sign(&request, now, &mut ours).unwrap();
            assert_eq!(proof, request.sign(&key, now, &mut theirs).unwrap());
            assert!(verified(&proof, &expectation("GET", &target, None), now).is_ok());
        }
        let plain = Target::parse("http://api.example/v1/files/42").unwrap();
        let refused = signer.sign(&ProofRequest { target: &plain, ..request }, now, &mut ours);
        assert_eq!(refused, Err(MakeError::PlainHttp));
    }
}

#[test]
fn proofs_are_made_anew_each_time() {
    let target = Target::parse("https://as.example/token").unwrap();
    let nonce = Nonce::parse("n0nce-AS-1").unwrap();
    let request = ProofRequest {
        method: "POST",
        target: &target,
        token_hash: None,
        nonce: Some(&nonce),
        delegation_hash: None,
        content_digest: None,
    };
    let mut random = Fixed(0);
    let mut make = || request.sign(&keys()[0], UnixTime::from_secs(1), &mut random).unwrap();
    assert_ne!(make(), make()); // DPOP-01, DPOP-05
}

#[test]
fn what_no_server_would_accept_is_not_made() {
    let sign = |uri: &str, method: &str, nonce: Option<&Nonce>| {
        let target = Target::parse(uri).unwrap();
        let request = ProofRequest {
            method,
            target: &target,
            token_hash: None,
            nonce,
            delegation_hash: None,
            content_digest: None,
        };
        request.sign(&keys()[0], UnixTime::from_secs(1), &mut Fixed(0)).map(drop)
    };
    let long = format!("https://api.example/{}", "x".repeat(2_000));
    let nonce = Nonce::parse(&"n".repeat(1_024)).unwrap();
    assert_eq!(sign("https://api.example/", "GET", None), Ok(()));
    assert_eq!(sign("http://127.0.0.1:4600/", "GET", None), Ok(()));
    assert_eq!(sign("http://api.example/", "GET", None), Err(MakeError::PlainHttp));
    for method in ["", "GE T", "GET\n", "GÉT", "G/T"] {
        assert_eq!(sign("https://api.example/", method, None), Err(MakeError::Method), "{method}");
    }
    assert_eq!(sign(&long, "GET", None), Ok(()));
    assert_eq!(sign(&long, "GET", Some(&nonce)), Err(MakeError::TooLong));
}

#[test]
fn debug_shows_no_proof() {
    let target = Target::parse("https://as.example/token").unwrap();
    let request = ProofRequest {
        method: "POST",
        target: &target,
        token_hash: None,
        nonce: None,
        delegation_hash: None,
        content_digest: None,
    };
    let proof = request.sign(&keys()[0], UnixTime::from_secs(1), &mut Fixed(0)).unwrap();
    let unverified = UnverifiedProof::parse(&proof).unwrap();
    let shown = format!("{unverified:?}");
    assert_eq!(shown, format!("UnverifiedProof(key {})", keys()[0].public().thumbprint())); // TH73
}
