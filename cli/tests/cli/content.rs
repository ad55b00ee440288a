//! Body binding with every part real: registry, layer, signing client and command line.

use std::time::Duration;

use axum::Router;
use axum::routing::any;
use handfast_client::{Agent, TokenRequest};
use handfast_delegation::Scope;
use handfast_identity::DidKey;
use handfast_middleware::{Mode, ResourceServer, RouteRule, TrustedIssuer};
use tokio::net::TcpListener;

use crate::site::Site;

const SCOPE: &str = "files:read";
/// How long the API may take to learn keys and revocations from a registry on the same machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// An API that echoes content: below `/bound` only what the proof covers, below `/plain` any.
async fn api(listener: TcpListener, site: &Site) -> ResourceServer {
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let trust = TrustedIssuer::single(&site.issuer, DidKey::parse(&site.feed_key).unwrap());
    let builder = ResourceServer::builder(&origin, &origin).trust(trust).mode(Mode::Development);
    let server = builder.start().await.unwrap();
    let rule = RouteRule::agents(Scope::parse(SCOPE).unwrap());
    let echo = |path: &str, rule| Router::new().route(path, any(async |body: String| body)).layer(server.protect(rule));
    let app = echo("/bound", rule.clone().bind_content()).merge(echo("/plain", rule));
    tokio::time::timeout(PATIENCE, server.ready()).await.unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    server
}

/// How many requests were refused so far because their content was not covered.
fn uncovered(server: &ResourceServer) -> u64 {
    let refused = server.decisions().refused();
    // nobody here sends a wrong one
    assert!(!refused.iter().any(|count| count.reason == "content_digest_mismatch"));
    refused.iter().find(|count| count.reason == "content_digest_required").map_or(0, |count| count.requests)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_asks_for_covered_content_gets_it() {
    // DPOP-131
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (bound, plain) = (format!("{origin}/bound"), format!("{origin}/plain"));
    let site = Site::start_for(&origin);
    site.claimed_agent(&origin);
    let server = api(listener, &site).await;

    // what the server of a first request says about nonce and content comes together
    let told = site.ok(&["curl", &bound, "--data", "hello", "--scope", SCOPE]);
    assert_eq!((told["status"].as_u64(), told["body"].as_str()), (Some(200), Some("hello")));
    let told = site.ok(&["curl", &bound, "--scope", SCOPE]);
    assert_eq!((told["status"].as_u64(), told["body"].as_str()), (Some(200), Some("")));
    assert_eq!(uncovered(&server), 0);

    // one that has a nonce already is told about the content alone, and once
    let agent = Agent::load(site.file("agent.json")).unwrap();
    let http = agent.http(&origin, &[SCOPE]).unwrap();
    for (url, sent) in [(&plain, "a"), (&bound, "b"), (&bound, "c"), (&plain, "d")] {
        let answer = http.post(url).body(sent).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, sent));
    }
    assert_eq!(uncovered(&server), 1);

    // and one that is set up so needs not be told
    let request = TokenRequest::new(&origin, &[SCOPE]).unwrap();
    let http = agent.http_for(request).unwrap().bind_content().build().unwrap();
    for url in [&plain, &bound] {
        assert_eq!(http.put(url).body("e").send().await.unwrap().status(), 200);
    }
    assert_eq!(uncovered(&server), 1);
}
