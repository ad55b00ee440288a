//! Settings that would weaken a server stop its start, and the message names them (P-24, TH68).

#![allow(clippy::unwrap_used)] // constants of the tests

mod common;

use std::sync::Arc;

use common::API;
use handfast_identity::{DidKey, Seconds, SigningKey, base64url};
use handfast_middleware::{Builder, FixedFacts, Mode, NonceUse, ResourceMetadata, ResourceServer, TrustedIssuer};
use handfast_testkit::Issuer;
use handfast_verifier::trust::StatusSource;

fn with_facts(resource: &str, base: &str) -> Builder {
    ResourceServer::builder(resource, base).facts(Arc::new(FixedFacts::default()))
}

fn trusting(issuer: &str, feed_key: DidKey) -> Builder {
    ResourceServer::builder(API, API).trust(TrustedIssuer::single(issuer, feed_key))
}

/// A key whose secret half nobody has published.
fn secret_key() -> DidKey {
    SigningKey::from_ed25519_seed(&std::array::from_fn(|place| u8::try_from(place).unwrap() * 7 + 3)).public().did()
}

/// The key of RFC 8032 7.1 test 1.
fn rfc_8032_key() -> DidKey {
    let bytes = base64url::decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
    DidKey::from_public_key(handfast_identity::PublicKey::from_ed25519_bytes(&bytes).unwrap())
}

async fn check(builder: Builder, expected: Result<(), &str>) {
    let found = builder.start().await.map(drop).map_err(|error| error.to_string());
    assert_eq!(found.err().as_deref(), expected.err());
}

#[tokio::test]
async fn addresses_are_https_in_production() {
    check(with_facts(API, API), Ok(())).await;
    check(with_facts(API, ""), Err("`public_base` is missing")).await;
    check(
        with_facts("api", API),
        Err("`resource`: a resource is an absolute uri without fragment, at most 512 characters"),
    )
    .await;
    let plain = "http://127.0.0.1:4600";
    let refused =
        "`public_base` `http://127.0.0.1:4600` cannot be used in production: the scheme is not an allowed one";
    check(with_facts(plain, plain), Err(refused)).await;
    check(with_facts(plain, plain).mode(Mode::Development), Ok(())).await;
    check(with_facts(API, API).mode(Mode::Development), Ok(())).await;
    let outside = "`public_base` `http://api.example` cannot be used in development: an empty or malformed host";
    check(with_facts(API, "http://api.example").mode(Mode::Development), Err(outside)).await;
    let query = "`public_base` `https://api.example/?x` cannot be used in production: a base url has neither query nor fragment";
    check(with_facts(API, "https://api.example/?x"), Err(query)).await;
}

#[tokio::test]
async fn the_metadata_url_stays_inside_its_quotes() {
    let with = |url: &str| with_facts(API, API).resource_metadata(url);
    check(with("https://api.example/.well-known/oauth-protected-resource?x=1"), Ok(())).await;
    for url in [
        "https://api.example/\", error=\"x",
        "https://api.example/\r\nx",
        "/relative",
        "http://api.example/",
        "http://127.0.0.1/",
    ] {
        let found = with(url).start().await.map(drop).map_err(|error| error.to_string());
        assert!(found.as_ref().is_err_and(|text| text.starts_with("`resource_metadata` ")), "{url}: {found:?}");
    }
    check(with("http://127.0.0.1:4600/x").mode(Mode::Development), Ok(())).await;
}

#[tokio::test]
async fn metadata_is_published_below_the_servers_own_origin() {
    let with = |resource: &str| with_facts(resource, API).publish_metadata(ResourceMetadata::new());
    check(with("https://api.example/v1"), Ok(())).await;
    for resource in ["https://other.example", "https://api.example/v1?x", "urn:example:api"] {
        let refused =
            format!("`publish_metadata`: `{resource}` is not below the origin of `public_base`, or has a query");
        check(with(resource), Err(&refused)).await;
    }
}

#[tokio::test]
async fn nonces_and_staleness_have_bounds() {
    let off = "`nonces` cannot be off in production: after a restart used proofs would be accepted again";
    check(with_facts(API, API).nonces(NonceUse::Off), Err(off)).await;
    check(with_facts(API, API).nonces(NonceUse::Off).mode(Mode::Development), Ok(())).await;
    for (seconds, good) in [(9, false), (10, true), (300, true), (301, false)] {
        let expected = if good { Ok(()) } else { Err("`staleness` is 10 to 300 seconds") };
        check(with_facts(API, API).staleness(Seconds::new(seconds)), expected).await;
    }
}

#[tokio::test]
async fn trust_is_explicit_and_sound() {
    let issuer = "https://registry.example";
    check(ResourceServer::builder(API, API), Err("`trusted_issuers`: no trusted issuer is configured")).await;
    let both = trusting(issuer, secret_key()).facts(Arc::new(FixedFacts::default()));
    check(both, Err("`facts` and `trusted_issuers` are both set: a facts source says itself whom it trusts")).await;
    let implied = trusting(issuer, secret_key()).trust(TrustedIssuer::single("https://b.example", secret_key()));
    check(implied, Err("`trusted_issuers`: with several issuers each needs its resources, scopes and subjects: `https://registry.example` leaves one open")).await;
    let here = TrustedIssuer { status: StatusSource::InProcess, ..Issuer::example().trust() };
    let needs_facts = "`trusted_issuers`: the status of `https://registry.example` is in this process, so its `facts` have to be given";
    check(ResourceServer::builder(API, API).trust(here), Err(needs_facts)).await;
    let plain =
        "`trusted_issuers.issuer` `http://127.0.0.1:1` cannot be used in production: the scheme is not an allowed one";
    check(trusting("http://127.0.0.1:1", secret_key()), Err(plain)).await;
    let outside =
        "`trusted_issuers.issuer` `http://registry.example` cannot be used in development: an empty or malformed host";
    check(trusting("http://registry.example", secret_key()).mode(Mode::Development), Err(outside)).await;
}

#[tokio::test]
async fn production_refuses_published_feed_keys() {
    let issuer = "https://registry.example";
    let refused =
        |origin: &str| format!("`feed_key` of `{issuer}` is a published test key ({origin}): production refuses it");
    check(trusting(issuer, rfc_8032_key()), Err(&refused("RFC 8032 7.1 test 1"))).await;
    check(trusting(issuer, Issuer::example().feed_did()), Err(&refused("a seed of one repeated byte"))).await;
    // the recovery key as well, here and in the record itself
    let fresh = SigningKey::generate_ed25519(&mut handfast_identity::OsRandom).public().did();
    let recovered = |key: DidKey| {
        ResourceServer::builder(API, API).trust(TrustedIssuer::single(issuer, fresh.clone()).recovered_by(key))
    };
    let text = refused("RFC 8032 7.1 test 1").replace("`feed_key`", "`feed_recovery_key`");
    check(recovered(rfc_8032_key()), Err(&text)).await;
    let same =
        format!("`trusted_issuers`: `feed_recovery_key` of `{issuer}` is its feed key: whoever steals one has both");
    check(recovered(fresh.clone()), Err(&same)).await;
    let brief = handfast_middleware::Pace { patience: std::time::Duration::ZERO, ..Default::default() };
    check(trusting("http://127.0.0.1:1", rfc_8032_key()).mode(Mode::Development).pace(brief), Ok(())).await;
}
