//! Every class of refusal through a real router: status, fields and body, and nothing beside them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // constants of the tests

mod common;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use common::{API, Answer, Api, CHALLENGE, refused, send, served, with_credentials};
use handfast_delegation::{AccessToken, Environment, Scope};
use handfast_dpop::RefuseAll;
use handfast_identity::{Seconds, Thumbprint, UnixTime};
use handfast_middleware::{PROBLEM_TYPE_BASE, ResourceMetadata, RouteRule};
use handfast_testkit::{Agent, Issuer};
use handfast_verifier::revocation::{FeedEvent, RevocationKind, RevocationName, RevocationSet};
use handfast_verifier::trust::Status;
use http::HeaderValue;
use serde_json::json;

/// The whole of a refusal follows from status, error and reason.
fn check(name: &str, answer: &Answer, status: u16, error: Option<&str>, reason: &str) {
    let body = answer.json();
    let detail = body["detail"].as_str().unwrap_or_default();
    let mut expected = json!({
        "type": format!("{PROBLEM_TYPE_BASE}{reason}"),
        "title": reason.replace('_', " "),
        "status": status,
        "reason": reason,
        "detail": detail,
    });
    if let (Some(error), Some(members)) = (error, expected.as_object_mut()) {
        members.insert("error".into(), error.into());
    }
    assert_eq!((answer.status.as_u16(), &body), (status, &expected), "{name}");
    assert!(!detail.is_empty(), "{name}");
    assert_eq!(answer.field("content-type"), Some("application/problem+json"), "{name}");
    assert_eq!(answer.field("cache-control"), Some("no-store"), "{name}");
    assert_eq!(answer.field("retry-after"), (status == 503).then_some("5"), "{name}");
    let challenge = match (status, error) {
        (401, None) => Some(CHALLENGE.to_owned()),
        (401, Some(error)) => {
            Some(format!(r#"DPoP error="{error}", error_description="{detail}", algs="EdDSA Ed25519 ES256""#))
        }
        (403, _) => Some(format!(
            r#"DPoP error="insufficient_scope", error_description="{detail}", scope="files:read", algs="EdDSA Ed25519 ES256""#
        )),
        _ => None,
    };
    assert_eq!(answer.field("www-authenticate").map(str::to_owned), challenge, "{name}");
    assert_eq!(answer.field("dpop-nonce").is_some(), error == Some("use_dpop_nonce"), "{name}");
    assert_eq!(answer.rejection.as_ref().map(handfast_middleware::Rejection::reason), Some(reason), "{name}");
}

fn header(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap()
}

#[tokio::test]
async fn faults_of_form() {
    let api = Api::new().await;
    let altered = |alter: &dyn Fn(&mut Request)| {
        let mut request = api.request("GET", "/files");
        alter(&mut request);
        request
    };
    let token = api.token();
    let proof = || header(&api.proof("GET", "/files", &token));
    let (request, proof_error) = (Some("invalid_request"), Some("invalid_dpop_proof"));
    type Alter<'a> = Box<dyn Fn(&mut Request) + 'a>;
    let cases: Vec<(&str, u16, Option<&str>, &str, Alter<'_>)> = vec![
        ("nothing sent", 401, None, "credentials_missing", Box::new(|r| r.headers_mut().clear())),
        ("no token", 401, None, "credentials_missing", Box::new(|r| drop(r.headers_mut().remove("authorization")))),
        (
            "basic",
            401,
            None,
            "scheme_unsupported",
            Box::new(|r| drop(r.headers_mut().insert("authorization", header("Basic YTpi")))),
        ),
        (
            "two tokens",
            400,
            request,
            "credentials_repeated",
            Box::new(|r| {
                r.headers_mut().append("authorization", header(&format!("DPoP {token}")));
            }),
        ),
        (
            "both schemes",
            400,
            request,
            "credentials_repeated",
            Box::new(|r| {
                r.headers_mut().append("authorization", header(&format!("Bearer {token}")));
            }),
        ),
        (
            "no token behind the scheme",
            400,
            request,
            "credentials_malformed",
            Box::new(|r| {
                r.headers_mut().insert("authorization", header("DPoP "));
            }),
        ),
        (
            "bearer",
            401,
            Some("invalid_token"),
            "bearer_downgrade",
            Box::new(|r| {
                r.headers_mut().insert("authorization", header(&format!("Bearer {token}")));
            }),
        ),
        (
            "token in the query",
            400,
            request,
            "token_misplaced",
            Box::new(|r| {
                *r.uri_mut() = "/files?a=1&access%5Ftoken=x".parse().unwrap();
            }),
        ),
        (
            "a token in the query and nowhere else", // DPOP-105
            401,
            None,
            "credentials_missing",
            Box::new(|r| {
                *r.uri_mut() = "/files?access_token=x".parse().unwrap();
                r.headers_mut().clear();
            }),
        ),
        ("no proof", 401, proof_error, "proof_missing", Box::new(|r| drop(r.headers_mut().remove("dpop")))),
        (
            "two proofs",
            401,
            proof_error,
            "proof_repeated",
            Box::new(|r| {
                r.headers_mut().append("dpop", proof());
            }),
        ),
        (
            "two proofs in one line",
            401,
            proof_error,
            "proof_repeated",
            Box::new(|r| {
                let both = [proof().as_bytes(), b",", proof().as_bytes()].concat();
                r.headers_mut().insert("dpop", HeaderValue::from_bytes(&both).unwrap());
            }),
        ),
        (
            "no proof at all",
            401,
            proof_error,
            "proof_malformed",
            Box::new(|r| {
                r.headers_mut().insert("dpop", header("proof"));
            }),
        ),
        (
            "evidence the proof does not cover",
            401,
            Some("invalid_token"),
            "chain_malformed",
            Box::new(|r| {
                r.headers_mut().insert("delegation", header("a.b.c"));
            }),
        ),
        (
            "evidence of 33 KiB",
            431,
            request,
            "chain_too_long",
            Box::new(|r| {
                r.headers_mut().insert("delegation", header(&"a".repeat(33 * 1024)));
            }),
        ),
    ];
    for (name, status, error, reason, alter) in cases {
        check(name, &api.send(altered(&*alter)).await, status, error, reason);
    }
    assert_eq!(api.send(altered(&|_| ())).await.outcome(), served(), "the twin");
}

#[tokio::test]
async fn spelling_that_means_the_same_passes() {
    let api = Api::new().await;
    let lines = |authorization: &str, dpop: &str, scheme: &str| {
        let token = api.token();
        let proof = api.proof("GET", "/files", &token);
        let builder = Request::get("/files").header(authorization, format!("{scheme}{token}")).header(dpop, proof);
        builder.body(Body::empty()).unwrap()
    };
    for (authorization, dpop, scheme) in
        [("Authorization", "DPoP", "DPoP "), ("AUTHORIZATION", "dpop", "dpop "), ("authorization", "dPOP", "DPOP   ")]
    {
        assert_eq!(api.send(lines(authorization, dpop, scheme)).await.outcome(), served(), "{scheme}");
    }
}

#[tokio::test]
async fn faults_of_the_proof() {
    let api = Api::new().await;
    let token = api.token();
    let other = api.token();
    let parts = || api.agent.proof_parts("GET", &format!("{API}/files"), Some(&token), api.clock.now());
    let signed_by = |agent: &Agent, name: &str, value: serde_json::Value| {
        let mut parts = parts();
        parts.claims.insert(name.into(), value);
        agent.sign(&parts)
    };
    let altered = |name: &str, value: serde_json::Value| signed_by(&api.agent, name, value);
    let ath = handfast_dpop::ContentHash::of(other.as_bytes()).to_string();
    let (proof, now) = (Some("invalid_dpop_proof"), api.clock.now().as_secs());
    let cases = [
        ("another method", proof, "method_mismatch", altered("htm", json!("POST"))),
        ("the method in lower case", proof, "method_mismatch", altered("htm", json!("get"))),
        ("another path", proof, "target_mismatch", altered("htu", json!(format!("{API}/files/1")))),
        ("another host", proof, "target_mismatch", altered("htu", json!("https://evil.example/files"))),
        ("no target", proof, "target_mismatch", altered("htu", json!("https:///files"))),
        ("another token of the same key", proof, "token_hash_mismatch", altered("ath", json!(ath))),
        ("a blank id", proof, "proof_claims", altered("jti", json!(" "))),
        ("a signature of another key", proof, "proof_signature", signed_by(&Agent::numbered(2), "jti", json!("x"))),
        ("61 s old", Some("use_dpop_nonce"), "proof_stale", altered("iat", json!(now - 61))), // TH23
        ("31 s ahead", Some("use_dpop_nonce"), "proof_from_future", altered("iat", json!(now + 31))),
        ("a nonce of nobody", Some("use_dpop_nonce"), "nonce_unknown", altered("nonce", json!("eyJ7S_zG.eyJH0-Z"))),
    ];
    for (name, error, reason, proof) in cases {
        let answer = api.send(with_credentials("GET", "/files", &token, &proof)).await;
        check(name, &answer, 401, error, reason);
    }
    for iat in [now - 60, now + 30] {
        let answer = api.send(with_credentials("GET", "/files", &token, &altered("iat", json!(iat)))).await;
        assert_eq!(answer.outcome(), served(), "the twin at {iat}");
    }
}

#[tokio::test]
async fn faults_of_the_token() {
    let api = Api::with(|builder| builder.environment(Environment::Prod)).await;
    let now = api.clock.now();
    let good = AccessToken { environment: Some(Environment::Prod), ..api.claims() };
    let sign = |alter: &dyn Fn(&mut AccessToken)| {
        let mut claims = good.clone();
        alter(&mut claims);
        api.issuer.sign(&claims)
    };
    let with_member = |name: &str, value: serde_json::Value| {
        let (header, mut claims) = api.issuer.token_parts(&good);
        claims.insert(name.into(), value);
        api.issuer.sign_parts(&header, &claims)
    };
    let with_header = |name: &str, value: &str| {
        let (mut header, claims) = api.issuer.token_parts(&good);
        header.insert(name.into(), value.into());
        api.issuer.sign_parts(&header, &claims)
    };
    let impostor =
        Issuer::with_keys(api.issuer.url(), handfast_testkit::keys::ed25519(9), handfast_testkit::keys::ed25519(9));
    let forged = {
        let (header, claims) = api.issuer.token_parts(&good);
        impostor.sign_parts(&header, &claims)
    };
    let cases = [
        ("no token", "token_malformed", "abc".to_owned()),
        ("typ JWT", "token_type_mismatch", with_header("typ", "JWT")), // TH32
        ("alg of another curve", "token_algorithm_refused", with_header("alg", "ES256")),
        ("nbf as text", "token_malformed", with_member("nbf", json!("0"))), // TH33
        ("another issuer", "issuer_not_trusted", sign(&|c| c.issuer = "https://other.example".into())),
        ("the issuer with a slash", "issuer_not_trusted", sign(&|c| c.issuer = format!("{}/", c.issuer).into())),
        ("another kid", "token_key_unknown", with_header("kid", "other")),
        (
            "a prefix of our name",
            "audience_mismatch",
            sign(&|c| c.authority.resources = ["https://api.exam".parse_id()].into()),
        ), // TH31
        (
            "expired with leeway",
            "token_expired",
            sign(&|c| {
                c.issued_at = now.saturating_sub(Seconds::new(331));
                c.authority.expires_at = now.saturating_sub(Seconds::new(31));
            }),
        ),
        ("from the future", "token_not_yet_valid", sign(&|c| c.issued_at = now.saturating_add(Seconds::new(31)))),
        (
            "a life of 2 h",
            "token_lifetime_exceeded",
            sign(&|c| c.authority.expires_at = now.saturating_add(Seconds::new(7200))),
        ),
        ("signed by somebody else", "token_signature_invalid", forged),
        ("no task", "token_claims_incomplete", sign(&|c| c.task = None)),
        ("authorization details", "restriction_unsupported", with_member("authorization_details", json!([]))),
        ("another environment", "environment_mismatch", sign(&|c| c.environment = Some(Environment::Dev))),
        ("hops alone", "token_malformed", with_member("hops", json!(["x"]))),
        ("no confirmation", "token_unbound", sign(&|c| c.confirmation = None)), // TH13
        ("another key", "holder_mismatch", sign(&|c| c.confirmation = Some(Agent::numbered(2).thumbprint()))), // TH12
        ("another actor", "actor_mismatch", sign(&|c| c.client_id = Agent::numbered(2).did().text())),
    ];
    for (name, reason, token) in cases {
        check(name, &api.send(api.request_with_token(&token)).await, 401, Some("invalid_token"), reason);
    }
    assert_eq!(api.send(api.request_with_token(&sign(&|_| ()))).await.outcome(), served(), "the twin");
}

trait ParseId {
    fn parse_id(&self) -> handfast_delegation::ResourceId;
}

impl ParseId for str {
    fn parse_id(&self) -> handfast_delegation::ResourceId {
        handfast_delegation::ResourceId::parse(self).unwrap()
    }
}

#[tokio::test]
async fn revoked_things() {
    let api = Api::new().await;
    let claims = api.claims();
    let token = api.issuer.sign(&claims);
    let now = api.clock.now();
    let earlier = now.saturating_sub(Seconds::new(1));
    let task = claims.task.as_ref().map(|task| task.id.clone()).unwrap();
    let jkt = claims.confirmation.as_ref().map(Thumbprint::to_string).unwrap();
    let kid = api.issuer.kid();
    use RevocationKind::{Agent, IssuerKey, Key, Owner, Task, Token};
    let cases: [(RevocationKind, &str, Option<UnixTime>, Option<&str>); 10] = [
        (Token, &claims.token_id, None, Some("token_revoked")),
        (Task, &task, None, Some("task_revoked")),
        (Agent, &claims.client_id, None, Some("agent_revoked")),
        (Agent, &claims.client_id, Some(now), Some("agent_revoked")),
        (Agent, &claims.client_id, Some(earlier), None),
        (Owner, &claims.subject, None, Some("principal_revoked")),
        (Key, &jkt, None, Some("key_compromised")),
        (Key, &jkt, Some(earlier), Some("key_rotated_out")),
        (IssuerKey, &kid, None, Some("issuer_key_revoked")),
        (Token, "tok_another", None, None),
    ];
    for (kind, id, cut, reason) in cases {
        let set = RevocationSet::default();
        let name = RevocationName::of(api.issuer.url(), kind, id);
        set.insert(&FeedEvent { seq: 1, kind, name, cut, until: None });
        api.facts.set_status(&api.issuer, Status::Known { set: Arc::new(set), as_of: now });
        let answer = api.send(api.request_with_token(&token)).await;
        match reason {
            Some(reason) => check(id, &answer, 401, Some("invalid_token"), reason),
            None => assert_eq!(answer.outcome(), served(), "{kind:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_not_known_is_ours_and_says_nothing_to_strangers() {
    let api = Api::new().await;
    let unavailable = Some("temporarily_unavailable");
    let now = api.clock.now();
    let old = |age: u64| handfast_testkit::known(now.saturating_sub(Seconds::new(age)));
    for (status, reason) in
        [(Status::Unknown, "status_unknown"), (old(31), "status_unknown"), (Status::RolledBack, "feed_rolled_back")]
    {
        api.facts.set_status(&api.issuer, status);
        check(reason, &api.send(api.request("GET", "/files")).await, 503, unavailable, reason);
        // a token that is not the issuer's learns nothing about revocations
        let mut stranger = api.token();
        stranger.replace_range(stranger.len() - 4.., "AAAA");
        assert_eq!(
            api.send(api.request_with_token(&stranger)).await.outcome(),
            refused(401, "token_signature_invalid")
        );
    }
    api.facts.set_status(&api.issuer, old(30));
    assert_eq!(api.send(api.request("GET", "/files")).await.outcome(), served(), "the twin");
}

#[tokio::test]
async fn a_store_that_cannot_be_asked_admits_nothing() {
    let api = Api::with(|builder| builder.replay_store(Arc::new(RefuseAll))).await; // TH30
    let answer = api.send(api.request("GET", "/files")).await;
    check("out of reach", &answer, 503, Some("temporarily_unavailable"), "replay_store_unavailable");
}

#[tokio::test]
async fn a_scope_that_is_too_small_names_what_would_do() {
    let api = Api::new().await;
    let mut small = api.claims();
    small.authority.scope = Scope::parse("files").unwrap();
    let answer = api.send(api.request_with_token(&api.issuer.sign(&small))).await;
    check("too small", &answer, 403, Some("insufficient_scope"), "insufficient_scope");
    let owner = api.issuer.owner_token(&api.agent, API, "files:read", api.clock.now());
    let answer = api.send(api.request_with_token(&api.issuer.sign(&owner))).await;
    check("an owner at a route for agents", &answer, 403, Some("insufficient_scope"), "caller_not_permitted");
}

#[tokio::test]
async fn owners_have_their_own_routes() {
    let api = Api::new().await;
    let rule = RouteRule::owners(Scope::parse("files:read").unwrap());
    let app =
        axum::Router::new().route("/files", axum::routing::get(|| async { "ok" })).layer(api.server.protect(rule));
    let owner = api.issuer.sign(&api.issuer.owner_token(&api.agent, API, "files:read", api.clock.now()));
    assert_eq!(send(&app, api.request_with_token(&owner)).await.outcome(), served());
    assert_eq!(send(&app, api.request("GET", "/files")).await.outcome(), refused(403, "caller_not_permitted"));
}

#[tokio::test]
async fn the_challenge_names_the_metadata_when_configured() {
    let url = "https://api.example/.well-known/oauth-protected-resource";
    let api = Api::with(|builder| builder.resource_metadata(url)).await;
    let answer = api.send(Request::get("/files").body(Body::empty()).unwrap()).await;
    let expected = format!(r#"DPoP algs="EdDSA Ed25519 ES256", resource_metadata="{url}""#);
    assert_eq!(answer.field("www-authenticate"), Some(expected.as_str()));
}

#[tokio::test]
async fn a_resource_publishes_its_metadata_where_its_challenges_say() {
    let scopes = Scope::parse("files:read files:write").unwrap();
    let metadata = ResourceMetadata::new().scopes(&scopes).name("Files").documentation("https://docs.example/");
    let api = Api::with(|builder| builder.publish_metadata(metadata.applies_tools())).await;
    let app = api.app().merge(api.server.metadata_routes());
    let refused = send(&app, Request::get("/files").body(Body::empty()).unwrap()).await;
    let challenge = refused.field("www-authenticate").unwrap();
    let (_, named) = challenge.split_once("resource_metadata=\"").unwrap();
    let path = named.trim_end_matches('"').strip_prefix(API).unwrap();
    assert_eq!(path, "/.well-known/oauth-protected-resource");
    let answer = send(&app, Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(answer.field("content-type"), Some("application/json"));
    assert_eq!(answer.field("cache-control"), Some("public, max-age=300"));
    let expected = json!({
        "resource": API,
        "authorization_servers": [api.issuer.url()],
        "scopes_supported": ["files:read", "files:write"],
        "resource_name": "Files",
        "resource_documentation": "https://docs.example/",
        "authorization_details_types_supported": ["attenuating_agent_token"],
        "dpop_signing_alg_values_supported": ["EdDSA", "Ed25519", "ES256"],
        "dpop_bound_access_tokens_required": true,
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn metadata_has_no_empty_lists_and_is_served_where_it_was_asked_for() {
    let api = Api::with(|builder| builder.publish_metadata(ResourceMetadata::new().scopes(&Scope::default()))).await;
    let app: axum::Router = api.server.metadata_routes();
    let ask = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let members = send(&app, ask("/.well-known/oauth-protected-resource")).await.json();
    assert!(!members.as_object().unwrap().contains_key("scopes_supported"), "{members}");
    let silent: axum::Router = Api::new().await.server.metadata_routes();
    assert_eq!(send(&silent, ask("/.well-known/oauth-protected-resource")).await.status.as_u16(), 404);
}

#[tokio::test]
async fn decisions_are_counted_by_reason() {
    let api = Api::new().await;
    for _ in 0..3 {
        api.send(api.request("GET", "/files")).await;
        api.send(Request::get("/files").body(Body::empty()).unwrap()).await;
    }
    api.send(api.request_with_token("abc")).await;
    assert_eq!(api.server.decisions().accepted(), 3);
    let refused: Vec<_> = api.server.decisions().refused().iter().map(|count| (count.reason, count.requests)).collect();
    assert_eq!(refused, [("credentials_missing", 3), ("token_malformed", 1)]);
}
