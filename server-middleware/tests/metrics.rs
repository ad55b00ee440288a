//! What operators see: every memory with its bound, what was decided, and nothing that a caller chose.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up should stop

mod common;

use common::{Api, served};
use handfast_identity::signature_backend;

/// The number of a sample.
fn sample(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test]
async fn every_memory_is_told_with_its_bound() {
    let api = Api::new().await;
    assert_eq!(api.send(api.request("GET", "/files")).await.outcome(), served());
    let text = api.server.metrics();
    let held = |what: &str| sample(&text, &format!("handfast_resource_held{{what=\"{what}\"}}"));
    for (what, expected) in [
        ("tokens", 1),
        ("chains", 0),
        ("headers", 1),
        ("keys", 0),
        ("proofs", 1),
        ("budgets", 0),
        ("revocations", 0),
        ("status_lists", 0),
        ("introspections", 0),
        ("drift_tasks", 0),
    ] {
        assert_eq!(held(what), Some(expected), "{what}\n{text}");
    }
    // each is bounded by number or by bytes
    for what in ["revocations", "proofs", "budgets", "status_lists", "introspections", "drift_tasks"] {
        assert!(sample(&text, &format!("handfast_resource_held_limit{{what=\"{what}\"}}")).is_some(), "{what}\n{text}");
    }
    for what in ["tokens", "chains", "headers", "keys"] {
        let bytes = sample(&text, &format!("handfast_resource_held_bytes{{what=\"{what}\"}}")).unwrap();
        let most = sample(&text, &format!("handfast_resource_held_bytes_limit{{what=\"{what}\"}}")).unwrap();
        assert!(bytes < most && (bytes > 0) == (held(what) == Some(1)), "{what}\n{text}");
    }
}

#[tokio::test]
async fn decisions_are_told_and_no_word_of_a_caller() {
    let api = Api::new().await;
    let request = || api.request("GET", "/files");
    assert_eq!(api.send(request()).await.outcome(), served());
    assert_eq!(api.send(request()).await.outcome(), served());
    let bare = axum::extract::Request::builder().uri("/files").body(axum::body::Body::empty()).unwrap();
    assert_eq!(api.send(bare).await.status, 401);
    let text = api.server.metrics();
    assert_eq!(sample(&text, "handfast_resource_accepted_total"), Some(2));
    assert_eq!(sample(&text, "handfast_resource_refused_total{reason=\"credentials_missing\"}"), Some(1));
    let (version, backend) = (env!("CARGO_PKG_VERSION"), signature_backend());
    let build = format!("handfast_resource_build_info{{version=\"{version}\",signatures=\"{backend}\"}}");
    assert_eq!(sample(&text, &build), Some(1));
    assert!(text.ends_with("\n# EOF\n"));
    assert!(!text.contains("did:key") && !text.contains("owner:") && !text.contains("files"), "{text}");
    // every line of OpenMetrics: a comment, or a name with its labels and a number
    for line in text.lines().filter(|line| !line.starts_with("# ")) {
        let (name, number) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("handfast_resource_") && number.parse::<u64>().is_ok(), "{line}");
    }
}
