//! Whatever is sent to whatever route: a documented refusal, never a fault of ours, and nothing written (P-23).

use axum::body::Body;
use http::Request;
use serde_json::json;

use crate::bench::{Bench, FORM, Owner};

const POSTS: [&str; 28] = [
    "/agents",
    "/agents/did:key:z6Mk/rotate",
    "/agents/x/rotate/approve",
    "/agents/x/rotate/refuse",
    "/agents/x/recover",
    "/oauth2/token",
    "/oauth2/revoke",
    "/oauth2/introspect",
    "/claims",
    "/claims/claim_0123456789abcdefghjkmnpqrs/approve",
    "/claims/x/refuse",
    "/owners",
    "/owners/codes",
    "/owners/owner:0123456789abcdefghjkmnpqrs/offboarding",
    "/agents/did:key:z6Mk/suspend",
    "/agents/x/resume",
    "/agents/x/retire",
    "/agents/x/ceiling",
    "/agents/x/environment",
    "/agents/x/version",
    "/agents/x/transfer",
    "/agents/x/transfer/accept",
    "/agents/x/transfer/withdraw",
    "/tasks",
    "/tasks/task_0123456789abcdefghjkmnpqrs/complete",
    "/revocations",
    "/revocations/preview",
    "/nothing/here",
];
const GETS: [&str; 13] = [
    "/agents/x/keys",
    "/agents",
    "/agents/did:key:z6Mk",
    "/agents/%2e%2e/did.json",
    "/agents/x/versions",
    "/owners/x/offboarding",
    "/review",
    "/claims/x",
    "/tasks/x",
    "/revocations",
    "/revocations/snapshot",
    "/revocations/key",
    "/.well-known/did.json",
];

#[tokio::test]
async fn th72_a_body_over_the_limit_is_413_on_every_route() {
    let bench = Bench::new().await;
    for path in POSTS {
        for media_type in ["application/json", "application/jwt", FORM] {
            let over = bench.post(path, media_type, vec![b'a'; 65_537]).await;
            assert_eq!((over.status, &over.json["reason"]), (413, &json!("body_too_large")), "{path} {media_type}");
            let at_limit = bench.post(path, media_type, vec![b'a'; 65_536]).await;
            assert_ne!(at_limit.status, 413, "{path} {media_type}");
        }
    }
    assert_eq!(bench.positions().log_size, 1, "the entry of the start");
}

#[tokio::test]
async fn only_post_has_a_body() {
    let bench = Bench::new().await;
    for path in GETS.into_iter().chain(["/livez", "/nothing/here"]) {
        for method in ["GET", "HEAD", "DELETE"] {
            let send = |body: &'static str| {
                bench.send(Request::builder().method(method).uri(path).body(Body::from(body)).unwrap())
            };
            assert_eq!(send("x").await.status, 413, "{method} {path}");
            assert_ne!(send("").await.status, 413, "{method} {path}");
        }
    }
}

fn bodies() -> Vec<Vec<u8>> {
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let wide = format!("[{}1]", "1,".repeat(100));
    let mut bodies: Vec<Vec<u8>> = [
        "",
        " ",
        "{",
        "}",
        "{}",
        "[]",
        "null",
        "true",
        "0",
        "-1e999",
        "\"\"",
        "{\"a\":1}",
        "{\"a\":1,\"a\":1}",
        "{} {}",
        "{}\n{}",
        "{\"kind\":\"agent\"}",
        "{\"kind\":\"agent\",\"id\":\"\"}",
        "{\"kind\":\"agent\",\"id\":null}",
        "{\"user_code\":\"x\"}",
        "{\"user_code\":\"x\",\"ceiling\":{}}",
        "{\"user_code\":\"x\",\"ceiling\":{\"scope\":\"\",\"resource\":[]}}",
        "{\"agent\":\"\",\"intent\":\"x\",\"scope\":\"a\"}",
        "[\"x\",\"y\"]",
        "a",
        "a.b",
        "a.b.c",
        "..",
        "....",
        "e30.e30.",
        "e30.e30.AA",
        "a=b",
        "=",
        "&&&",
        "%",
        "%00",
        "grant_type=client_credentials",
        "grant_type=client_credentials&client_id=did:key:z",
        "grant_type=%00&client_id=%00",
        "\u{feff}{}",
        "\u{0}",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    bodies.extend([deep.into_bytes(), wide.into_bytes(), vec![0xff; 64], vec![0; 64], b"{\"a\":\"\xff\"}".to_vec()]);
    bodies
}

/// One request of a caller with every credential the route could ask for.
async fn send(
    bench: &Bench,
    owner: &Owner,
    token: &str,
    method: &str,
    path: &str,
    media_type: &str,
    body: Vec<u8>,
) -> u16 {
    let target = path.split('?').next().unwrap();
    let url = format!("{}{target}", bench.issuer);
    let is_managed = !["/oauth2/token", "/oauth2/revoke", "/claims"].contains(&target);
    let mut parts = owner.key.proof_parts(method, &url, is_managed.then_some(token), bench.clock.now());
    parts.claims.insert("nonce".to_owned(), bench.nonce().unwrap().into());
    let mut request = Request::builder().method(method).uri(path).header("content-type", media_type);
    request = request.header("dpop", owner.key.sign(&parts));
    if is_managed {
        request = request.header("authorization", format!("DPoP {token}"));
    }
    let answer = bench.send(request.body(Body::from(body)).unwrap()).await;
    if answer.status >= 400 {
        assert!(answer.json["reason"].is_string(), "{method} {path}: {answer:?}");
        let is_oauth = target.starts_with("/oauth2/");
        let expected = if is_oauth { "application/json" } else { "application/problem+json" };
        assert_eq!(answer.header("content-type"), Some(expected), "{method} {path}");
    }
    answer.status
}

#[tokio::test]
async fn no_body_makes_a_route_fail_or_write() {
    let mut file = crate::bench::config();
    file.limits.registrations_per_source = 10_000;
    let bench = Bench::with(&file).await;
    let admin = bench.admin(100).await;
    let token = bench.token(&admin.key, &[("scope", "owner:self registry:read registry:admin")]).await;
    let before = bench.positions();
    for path in POSTS {
        for media_type in ["application/json", "application/jwt", FORM, "text/plain", ""] {
            for body in bodies() {
                let shown = String::from_utf8_lossy(&body).into_owned();
                let status = send(&bench, &admin, &token, "POST", path, media_type, body).await;
                assert!((400..500).contains(&status), "{path} {media_type} {shown:?}: {status}");
            }
        }
    }
    assert_eq!(bench.positions(), before);
}

#[tokio::test]
async fn no_query_makes_a_route_fail() {
    let bench = Bench::new().await;
    let admin = bench.admin(100).await;
    let token = bench.token(&admin.key, &[("scope", "owner:self registry:read registry:admin")]).await;
    for path in GETS {
        for query in [
            "",
            "?",
            "?=",
            "?a",
            "?a=%",
            "?%ff",
            "?after=",
            "?limit=",
            "?after=%00&limit=9",
            "?after=0&wait=0",
            "?x=".repeat(99).as_str(),
        ] {
            let status = send(&bench, &admin, &token, "GET", &format!("{path}{query}"), "", Vec::new()).await;
            assert!(status < 500, "{path}{query}: {status}");
        }
    }
}

#[tokio::test]
async fn a_route_that_is_not_there_is_404_and_a_method_that_is_not_405() {
    let bench = Bench::new().await;
    for path in [
        "/nothing",
        "/agents/",
        "/agents/x/turn",
        "/agents/x/y/z",
        "/claims/x/y",
        "/enrolments/x",
        "/oauth2",
        "/revocations/later",
        "/status-lists/1",
        "/1.0/identifiers",
        "/log/checkpoint",
        "/openapi.yaml",
        "//agents",
        "/Agents",
        "/agents%2Fx",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            assert_eq!(bench.send(request).await.problem(), (404, "not_found"), "{method} {path}");
        }
    }
    for (method, path, allow) in [
        ("DELETE", "/agents", "GET,HEAD,POST"),
        ("PUT", "/agents/x", "GET,HEAD"),
        ("POST", "/jwks.json", "GET,HEAD"),
        ("PATCH", "/revocations", "GET,HEAD,POST"),
        ("BREW", "/tasks", "POST"),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let answer = bench.send(request).await;
        assert_eq!(answer.problem(), (405, "method_not_allowed"), "{method} {path}");
        let mut allowed: Vec<_> = answer.header("allow").expect("an Allow field").split(',').collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(","), allow, "{method} {path}");
    }
    // ERR-15
    let answer = bench.get("/oauth2/token").await;
    assert_eq!(answer.oauth(), (405, "invalid_request", "method_not_allowed"));
    assert_eq!(answer.header("allow"), Some("POST"));
}
