//! Every request vector through every surface, and the rules the folder itself has to keep.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a vector that cannot be read should stop the test")]

use std::collections::{BTreeMap, BTreeSet};

use handfast_conformance::core_surface::Core;
use handfast_conformance::surface::{Surface, run};
use handfast_conformance::vector::{Expected, Vector, read_folder};
use handfast_conformance::{make, page, vectors_folder};

fn vectors() -> BTreeMap<String, Vector> {
    read_folder(&vectors_folder().join("request"))
}

fn check(surface: &dyn Surface) {
    let wrong: Vec<_> = vectors().iter().filter_map(|(name, vector)| run(surface, name, vector).err()).collect();
    assert!(wrong.is_empty(), "{} vectors differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_core_gives_every_answer() {
    check(&Core);
}

#[test]
fn committed_files_are_what_the_generator_makes() {
    let made = make::files();
    let folder = vectors_folder();
    for (path, text) in &made {
        let committed = std::fs::read_to_string(folder.join(path)).unwrap_or_default();
        assert!(committed == *text, "{path} differs: run `cargo run -p handfast-conformance --bin make-vectors`");
    }
    let listed: BTreeSet<_> = vectors().into_keys().map(|name| format!("request/{name}.json")).collect();
    let unknown: Vec<_> = listed.iter().filter(|path| !made.contains_key(*path)).collect();
    assert!(unknown.is_empty(), "nobody makes {unknown:?}");
}

#[test]
fn every_refusal_has_a_twin_that_is_accepted() {
    let vectors = vectors();
    let accepted = |vector: &Vector| vector.steps.last().is_some_and(|step| step.expect == Expected::Accepted);
    for (name, vector) in &vectors {
        match &vector.twin {
            None => assert!(accepted(vector), "{name} is refused and has no twin"),
            Some(twin) => {
                assert!(!accepted(vector), "{name} is accepted and needs no twin");
                let twin_vector = vectors.get(twin).unwrap_or_else(|| panic!("{name}: no vector is called {twin}"));
                assert!(accepted(twin_vector), "{name}: its twin {twin} is refused");
            }
        }
    }
}

/// Reasons the core cannot give for any request: where they are tested, spec/reasons.md says.
const BEYOND_VECTORS: [&str; 1] = ["receipt_mismatch"];

#[test]
fn every_reason_has_a_vector() {
    let reasons = page::request_reasons();
    let vectors = vectors();
    let shown: BTreeSet<_> = vectors
        .values()
        .filter_map(|vector| match &vector.steps.last()?.expect {
            Expected::Refused { reason, .. } => Some(reason.clone()),
            Expected::Accepted => None,
        })
        .collect();
    let missing: Vec<_> = reasons.iter().filter(|reason| !shown.contains(*reason)).collect();
    assert_eq!(missing, BEYOND_VECTORS.iter().collect::<Vec<_>>());
    let unknown: Vec<_> = shown.iter().filter(|reason| !reasons.contains(*reason)).collect();
    assert!(unknown.is_empty(), "no code gives {unknown:?}");
}

#[test]
fn the_method_may_be_far_too_long() {
    // TH09: too large for a file of its own
    let mut vector = vectors().remove("good").unwrap();
    let last = vector.steps.last_mut().unwrap();
    for (name, value) in &mut last.headers {
        if name == "DPoP" {
            *value = format!("{value}{}", "A".repeat(4 << 20));
        }
    }
    last.expect = Expected::Refused {
        reason: "proof_too_long".into(),
        status: 401,
        error: Some("invalid_dpop_proof".into()),
        scope: None,
    };
    assert_eq!(run(&Core, "TH09", &vector), Ok(()));
}
