//! Several issuers: told by a file, found under their names, and never mixed up (design: everything is keyed by issuer first).

#![allow(clippy::indexing_slicing)] // members of documents that the test made

mod mix_up;

use std::path::PathBuf;

use handfast_delegation::ResourceId;
use handfast_identity::{DidDocument, DidKey};
use handfast_middleware::{Mode, ResourceServer, SpeaksFor, TrustedIssuer};
use handfast_testkit::keys;
use handfast_verifier::revocation::RevocationKind;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{API, refused, served};
use crate::fake_registry::{BRISK, Follower, Registry};

/// What each record of these tests may speak for.
const LIMITS: &str = r#"resources = ["https://api.example"]
scopes = ["files:read"]
subjects = ["owner:"]
"#;

fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trust.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn record(registry: &Registry, rest: &str) -> String {
    let (issuer, key) = registry.change(|says| (says.issuer.url().to_owned(), says.issuer.feed_did()));
    format!("[[issuers]]\nissuer = \"{issuer}\"\nstatus = \"feed\"\nfeed_key = \"{key}\"\n{LIMITS}{rest}\n")
}

async fn error(text: &str) -> String {
    let (_folder, path) = file(text);
    let builder = ResourceServer::builder(API, API).mode(Mode::Development).pace(BRISK).trust_file(path);
    builder.start().await.map(drop).unwrap_err().to_string()
}

#[tokio::test]
async fn a_file_names_issuers_whose_words_stay_apart() {
    let (first, second) = (Registry::running().await, Registry::running().await);
    let (_folder, path) = file(&format!("{}{}", record(&first, ""), record(&second, "")));
    let (issuer, clock) = first.change(|says| (says.issuer.clone(), says.clock.clone()));
    second.change(|says| says.clock = clock.clone());
    let api = Follower::by_file(path, issuer, clock).await;
    first.heard().await;
    second.heard().await;
    let (of_first, of_second) = (api.token(), api.token_of(&second.change(|says| says.issuer.clone())));
    assert_eq!(api.ask(&of_first).await.outcome(), served());
    assert_eq!(api.ask(&of_second).await.outcome(), served());
    let did = api.agent().did().to_string();
    second.change(|says| says.feed.revoke(RevocationKind::Agent, &did));
    second.heard().await;
    assert_eq!(api.ask(&of_first).await.outcome(), served());
    assert_eq!(api.ask(&of_second).await.outcome(), refused(401, "agent_revoked"));
}

#[tokio::test]
async fn a_file_that_says_too_little_stops_the_start() {
    let registry = Registry::stopped().await;
    let good = record(&registry, "");
    assert!(error("").await.contains("trust.toml`: TOML parse error"));
    assert!(error(&good.replace("subjects", "subject")).await.contains("unknown field `subject`"));
    let open = good.replace(r#"subjects = ["owner:"]"#, "");
    let two = format!("{open}[[issuers]]\nissuer = \"https://b.example\"\nstatus = \"none\"\n{LIMITS}");
    assert!(error(&two).await.contains("leaves one open"), "{}", error(&two).await);
    assert!(error(&format!("{good}{good}")).await.contains("is configured twice"));
    let listing = record(&registry, "agent_status = [\"https://nobody.example\"]");
    assert!(error(&listing).await.contains("`agent_status` names `https://nobody.example`"));
    let missing = ResourceServer::builder(API, API).trust_file("/nowhere/trust.toml").start().await;
    assert!(missing.map(drop).unwrap_err().to_string().starts_with("`/nowhere/trust.toml`: "));
}

#[tokio::test]
async fn who_lists_agents_is_heard_by_those_that_name_it_only() {
    for (listed, expected) in [(true, refused(401, "agent_revoked")), (false, served())] {
        let (first, second) = (Registry::running().await, Registry::running().await);
        let listing = second.change(|says| says.issuer.url().to_owned());
        let rest = if listed { format!("agent_status = [\"{listing}\"]") } else { String::new() };
        let (_folder, path) = file(&format!("{}{}", record(&first, &rest), record(&second, "")));
        let (issuer, clock) = first.change(|says| (says.issuer.clone(), says.clock.clone()));
        second.change(|says| says.clock = clock.clone());
        let api = Follower::by_file(path, issuer, clock).await;
        let did = api.agent().did().to_string();
        second.change(|says| says.feed.revoke(RevocationKind::Agent, &did));
        first.heard().await;
        second.heard().await;
        assert_eq!(api.ask(&api.token()).await.outcome(), expected, "listed: {listed}");
    }
}

/// The document of a registry at `localhost`, as a registry writes it.
fn document(did: &str, feed_key: &DidKey, issuer: &str) -> Value {
    serde_json::to_value(DidDocument::of_signer(did, feed_key).also_known_as(issuer.to_owned())).unwrap()
}

#[tokio::test]
async fn an_issuer_named_by_its_did_is_asked_whether_it_is_the_one() {
    let registry = Registry::at_localhost().await;
    let (url, key) = registry.change(|says| (says.issuer.url().to_owned(), says.issuer.feed_did()));
    let did = format!("did:web:localhost%3A{}", url.rsplit_once(':').unwrap().1);
    let other_key = keys::ed25519(77).public().did();
    let own = document(&did, &key, &url);
    let listed_for_another_purpose = {
        let mut document = own.clone();
        document["authentication"] = document["assertionMethod"].take();
        document["assertionMethod"] = json!([]);
        document
    };
    for (about, document, expected) in [
        ("the twin", own, served()),
        ("another subject", document("did:web:localhost", &key, &url), refused(503, "status_unknown")),
        ("another issuer", document(&did, &key, "https://other.example"), refused(503, "status_unknown")),
        ("another feed key", document(&did, &other_key, &url), refused(503, "status_unknown")),
        ("not for statements", listed_for_another_purpose, refused(503, "status_unknown")),
        ("none", Value::Null, refused(503, "status_unknown")),
    ] {
        registry.change(|says| says.did_document = document);
        let text = record(&registry, "").replace(&url, &did);
        let (_folder, path) = file(&text);
        let (issuer, clock) = registry.change(|says| (says.issuer.clone(), says.clock.clone()));
        let api = Follower::by_file(path, issuer, clock).await;
        registry.heard().await;
        assert_eq!(api.ask(&api.token()).await.outcome(), expected, "{about}");
    }
}

#[tokio::test]
async fn a_did_that_names_no_host_names_no_issuer() {
    let with = |did: &str| format!("[[issuers]]\nissuer = \"{did}\"\nstatus = \"none\"\n{LIMITS}");
    assert!(error(&with("did:web:a.example:agents")).await.contains("a path there"), "DW-12");
    assert!(error(&with("did:web:127.0.0.1")).await.contains("no domain name"));
    assert!(error(&with("did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw")).await.contains("did:web:"));
    let twice = format!("{}{}", with("did:web:a.example"), with("https://a.example"));
    assert!(error(&twice).await.contains("issuer `https://a.example` is configured twice"), "two names, one issuer");
}

#[tokio::test]
async fn keys_are_taken_from_the_issuers_own_host_or_one_its_record_names() {
    // P-22: metadata sends nobody to a host of its choice
    for is_named in [true, false] {
        let (registry, elsewhere) = (Registry::running().await, Registry::running().await);
        let host = elsewhere.change(|says| says.issuer.url().strip_prefix("http://").unwrap().to_owned());
        registry.change(|says| says.metadata["jwks_uri"] = format!("http://{host}/jwks.json").into());
        let issuer = registry.change(|says| says.issuer.clone());
        let trust = TrustedIssuer {
            key_hosts: if is_named { vec![host] } else { vec!["other.example".to_owned()] },
            resources: SpeaksFor::Only(vec![ResourceId::parse(API).unwrap()]),
            ..issuer.trust()
        };
        let api = Follower::trusting(&registry, trust, |builder| builder).await;
        registry.heard().await;
        let expected = if is_named { served() } else { refused(503, "status_unknown") };
        assert_eq!(api.ask(&api.token()).await.outcome(), expected);
        assert_eq!(elsewhere.change(|says| says.key_set_asked), u64::from(is_named));
    }
}
