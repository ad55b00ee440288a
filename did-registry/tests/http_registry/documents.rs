//! What the registry publishes, and its health.

use handfast_testkit::Agent;
use handfast_verifier::trust::KeySet;
use http::Request;
use serde_json::{Value, json};

use crate::bench::{API, Bench, FILES};

#[tokio::test]
async fn the_metadata_says_what_there_is() {
    let bench = Bench::new().await;
    let answer = bench.get("/.well-known/oauth-authorization-server").await.is(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let expected = json!({
        "issuer": bench.issuer,
        "token_endpoint": format!("{}/oauth2/token", bench.issuer),
        "revocation_endpoint": format!("{}/oauth2/revoke", bench.issuer),
        "revocation_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "revocation_endpoint_auth_signing_alg_values_supported": ["EdDSA", "Ed25519", "ES256"],
        "introspection_endpoint": format!("{}/oauth2/introspect", bench.issuer),
        "introspection_endpoint_auth_methods_supported": ["DPoP"],
        "jwks_uri": format!("{}/jwks.json", bench.issuer),
        "status_list_aggregation_endpoint": format!("{}/status-lists", bench.issuer),
        "response_types_supported": ["none"],
        "grant_types_supported": ["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"],
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["EdDSA", "Ed25519", "ES256"],
        "dpop_signing_alg_values_supported": ["EdDSA", "Ed25519", "ES256"],
        "scopes_supported": ["agent:self", "echo:hello", "echo:read", "echo:write", "files:read", "owner:self", "registry:admin", "registry:read"],
        "protected_resources": [bench.issuer, API, FILES],
    });
    assert_eq!(answer.json, expected);
    // MD-06
    let lists = answer.json.as_object().unwrap().values().filter_map(Value::as_array);
    assert!(lists.into_iter().all(|list| !list.is_empty()));
}

#[tokio::test]
async fn the_registry_is_a_resource_too() {
    let bench = Bench::new().await;
    let answer = bench.get("/.well-known/oauth-protected-resource").await.is(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let expected = json!({
        "resource": bench.issuer,
        "authorization_servers": [bench.issuer],
        "scopes_supported": ["agent:self", "owner:self", "registry:admin", "registry:read"],
        "dpop_signing_alg_values_supported": ["EdDSA", "Ed25519", "ES256"],
        "dpop_bound_access_tokens_required": true,
    });
    assert_eq!(answer.json, expected);
}

#[tokio::test]
async fn the_key_set_holds_the_token_keys_and_no_other() {
    let bench = Bench::new().await;
    let answer = bench.get("/jwks.json").await.is(200);
    let keys = answer.json["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2, "JWKS-05: the one that signs, and the one that stands by");
    assert_ne!(keys[0]["kid"], keys[1]["kid"]);
    let members: Vec<_> = keys[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x"]);
    let set = KeySet::parse(answer.text.as_bytes()).unwrap();
    let key = set.find(keys[0]["kid"].as_str().unwrap()).unwrap();
    assert_eq!(key.thumbprint().to_string(), keys[0]["kid"]);
    assert_ne!(*key, *bench.registry.feed_key().public_key());
    let age = answer.header("cache-control").unwrap().rsplit_once('=').unwrap().1.parse::<u32>().unwrap();
    assert!(age <= 300, "JWKS-06");
}

#[tokio::test]
async fn did_documents_are_public() {
    let bench = Bench::new().await;
    let own = bench.get("/.well-known/did.json").await.is(200);
    assert_eq!(own.header("content-type"), Some("application/did+json"));
    // DW-02: an address is no name, and `localhost` is one for this machine
    assert_eq!(own.json["id"], "did:web:localhost%3A4500");
    assert_eq!(own.json["alsoKnownAs"], json!([bench.issuer]));
    let method = &own.json["verificationMethod"][0];
    assert_eq!(method["publicKeyMultibase"], bench.registry.feed_key().fragment());
    let agent = Agent::numbered(1);
    let record = bench.post("/agents", "application/jwt", bench.agent_statement(&agent)).await.is(201);
    let by_did = bench.get(&format!("/agents/{}/did.json", agent.did())).await.is(200);
    assert_eq!(by_did.json["id"], agent.did().as_str());
    assert_eq!(by_did.json["capabilityDelegation"], json!([agent.did().key_id()]));
    let known_as = format!("acct:{}@127.0.0.1:4500", record.str("handle"));
    assert_eq!(by_did.json["alsoKnownAs"], json!([known_as]));
    let by_handle = bench.get(&format!("/agents/{}/did.json", record.str("handle"))).await.is(200);
    assert_eq!(by_handle.text, by_did.text, "the same both ways");
    let escaped = agent.did().to_string().replace(':', "%3A");
    bench.get(&format!("/agents/{escaped}/did.json")).await.is(200);
    for name in ["nobody-here", Agent::numbered(2).did().as_str(), "did:key:z6Mk", "%ff"] {
        assert_eq!(bench.get(&format!("/agents/{name}/did.json")).await.problem().0, 404, "{name}");
    }
}

#[tokio::test]
async fn any_did_key_is_resolved_by_the_binding_of_did_resolution() {
    let bench = Bench::new().await;
    let did = Agent::numbered(1).did().to_string();
    let path = format!("/1.0/identifiers/{did}");
    let ask = async |path: &str, accept: Option<&str>| {
        let request = Request::get(path);
        let request = if let Some(accept) = accept { request.header("accept", accept) } else { request };
        bench.send(request.body(axum::body::Body::empty()).unwrap()).await
    };
    let plain = ask(&path, None).await.is(200);
    assert_eq!(plain.header("content-type"), Some("application/did"));
    assert_eq!((&plain.json["id"], plain.header("access-control-allow-origin")), (&json!(did), Some("*")));
    for (accept, media_type) in [
        ("*/*", "application/did"),
        ("text/html, application/did+json;q=0.9", "application/did+json"),
        ("application/did+ld+json", "application/did+ld+json"),
        ("Application/JSON", "application/json"),
    ] {
        let answer = ask(&path, Some(accept)).await.is(200);
        assert_eq!((answer.header("content-type"), &answer.text), (Some(media_type), &plain.text), "{accept}");
    }
    let whole = ask(&path, Some("application/did-resolution")).await.is(200);
    assert_eq!(whole.header("content-type"), Some("application/did-resolution"));
    let metadata = json!({"contentType": "application/did"});
    let expected = json!({"didResolutionMetadata": metadata, "didDocument": plain.json, "didDocumentMetadata": {}});
    assert_eq!(whole.json, expected);
    assert_eq!(ask(&format!("{path}?noCache=true"), None).await.is(200).text, plain.text);
    ask(&path.replace(':', "%3A"), None).await.is(200);

    for (path, accept, status, code) in [
        ("/1.0/identifiers/did:key:z6Mk", None, 400, "INVALID_DID"),
        ("/1.0/identifiers/nobody", None, 400, "INVALID_DID"),
        ("/1.0/identifiers/did:example:1", None, 501, "METHOD_NOT_SUPPORTED"),
        (&format!("{path}?versionId=1"), None, 501, "FEATURE_NOT_SUPPORTED"),
        (&format!("{path}?noCache=x"), None, 400, "INVALID_OPTIONS"),
        (&path, Some("text/html"), 406, "REPRESENTATION_NOT_SUPPORTED"),
    ] {
        let answer = ask(path, accept).await.is(status);
        assert_eq!(answer.header("content-type"), Some("application/did-resolution"));
        let error = &answer.json["didResolutionMetadata"]["error"];
        assert_eq!(error["type"], format!("https://www.w3.org/ns/did#{code}"), "{path}");
        assert_eq!((&answer.json["didDocument"], &answer.json["didDocumentMetadata"]), (&Value::Null, &json!({})));
    }
}

#[tokio::test]
async fn health_and_counts() {
    let bench = Bench::new().await;
    let backend = handfast_identity::signature_backend();
    assert_eq!(bench.get("/livez").await.is(200).text, format!("ok\nsignatures {backend}\n"));
    assert_eq!(bench.get("/readyz").await.is(200).text, "ok\n");
    assert_eq!(bench.get("/").await.is(200).json["issuer"], bench.issuer.as_str());
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let body = json!({"kind": "agent", "id": agent.did().as_str()});
    bench.manage(&owner.key, "owner:self", "POST", "/revocations", Some(body)).await.is(200);
    bench.get("/nothing").await.is(404);
    bench.get("/agents").await.is(401);
    let text = bench.get("/metrics").await.is(200).text;
    let version = env!("CARGO_PKG_VERSION");
    let build = format!("handfast_registry_build_info{{version=\"{version}\",signatures=\"{backend}\"}} 1");
    for line in [
        "handfast_registry_requests_total{route=\"POST /agents\",status=\"201\"} 1",
        "handfast_registry_requests_total{route=\"GET unmatched\",status=\"404\"} 1",
        "handfast_registry_refusals_total{reason=\"not_found\"} 1",
        "handfast_registry_refusals_total{reason=\"credentials_missing\"} 1",
        "handfast_registry_tokens_issued_total{client=\"owner\"} 3",
        "handfast_registry_store_commit_seconds_count 7",
        "handfast_registry_feed_position 1",
        "handfast_registry_log_size 7",
        "handfast_registry_replay_held 6",
        "handfast_registry_held{what=\"tokens\"} 3",
        "handfast_registry_held{what=\"chains\"} 0",
        "handfast_registry_held{what=\"documents\"} 0",
        "handfast_registry_held{what=\"revoking_owners\"} 0",
        "handfast_registry_held_bytes{what=\"documents\"} 0",
        &build,
    ] {
        assert!(text.lines().any(|found| found == line), "no `{line}` in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
    assert!(!text.contains("did:key") && !text.contains("owner:"), "{text}");
}

#[tokio::test]
async fn every_answer_has_an_id_and_is_kept_by_nobody_unless_it_says_so() {
    let bench = Bench::new().await;
    let mut seen = std::collections::HashSet::new();
    for path in ["/", "/livez", "/nothing", "/agents", "/jwks.json", "/revocations/snapshot"] {
        let answer = bench.get(path).await;
        assert!(seen.insert(answer.header("x-request-id").unwrap().to_owned()));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control") == Some("no-store"), path != "/jwks.json", "{path}");
        assert_eq!(answer.header("set-cookie"), None);
    }
    let head = Request::head("/jwks.json").body(axum::body::Body::empty()).unwrap();
    assert_eq!(bench.send(head).await.is(200).text, "");
}
