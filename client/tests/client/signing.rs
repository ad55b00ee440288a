//! The signing client against resource servers (P-25, C17, DPOP-01 to DPOP-18).

use std::collections::HashSet;

use crate::support::{FakeRegistry, HandClock, NOW, Reply, Seen, Server, agent, date};
use handfast_client::reqwest::{self, Body};
use handfast_client::reqwest_middleware::{self, ClientWithMiddleware, Error, Middleware, Next};
use handfast_client::{Agent, ClientError, SignError, TokenRequest};
use handfast_dpop::ContentHash;
use http::Extensions;
use serde_json::json;

/// An agent with its registry, a resource server that answers as told, and a client for it.
pub(crate) struct Setting {
    registry: FakeRegistry,
    pub(crate) agent: Agent,
    pub(crate) resource: Server,
    pub(crate) http: ClientWithMiddleware,
}

pub(crate) async fn setting(answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Setting {
    let registry = FakeRegistry::start().await;
    let agent = agent(&registry, &HandClock::new());
    let resource = Server::start(answer).await;
    let http = agent.http(&resource.url, &["echo:read"]).unwrap();
    Setting { registry, agent, resource, http }
}

impl Setting {
    async fn get(&self) -> Result<u16, Error> {
        Ok(self.http.get(format!("{}/echo", self.resource.url)).send().await?.status().as_u16())
    }

    /// Sends one request and gives this crate's refusal of it.
    async fn refused(&self) -> SignError {
        refusal(self.get().await.err().unwrap())
    }
}

pub(crate) fn refusal(error: Error) -> SignError {
    match ClientError::from(error) {
        ClientError::Sign(error) => error,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn every_request_carries_a_fresh_proof_of_its_own() {
    // DPOP-01 to DPOP-07, DPOP-13
    let here = setting(|_, _| Reply::status(200)).await;
    for _ in 0..3 {
        assert_eq!(here.get().await.unwrap(), 200);
    }
    let url = format!("{}/echo?x=1&y=%2F", here.resource.url);
    here.http.post(url).body("{}").send().await.unwrap();
    let seen = here.resource.seen();
    let ids: HashSet<_> = seen.iter().map(Seen::proof_id).collect();
    assert_eq!(ids.len(), 4);
    for (request, method) in seen.iter().zip(["GET", "GET", "GET", "POST"]) {
        let (header, claims) = request.proof.as_ref().unwrap();
        assert_eq!(request.authorization.as_deref(), Some("DPoP token-0"));
        assert_eq!((header["typ"].as_str(), header["alg"].as_str()), (Some("dpop+jwt"), Some("EdDSA")));
        let names: Vec<_> = header["jwk"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["crv", "kty", "x"]);
        assert_eq!((claims["htm"].as_str(), claims["iat"].as_u64()), (Some(method), Some(NOW)));
        assert_eq!(claims["htu"], json!(format!("{}/echo", here.resource.url)));
        assert_eq!(claims["ath"], json!(ContentHash::of(b"token-0").to_string()));
        assert!(claims["jti"].as_str().unwrap().len() >= 16);
    }
    assert_eq!(here.registry.asked().len(), 1);
}

#[tokio::test]
async fn a_nonce_challenge_is_answered_once_and_the_nonce_kept() {
    // DPOP-09, DPOP-12
    let here = setting(|n, _| match n {
        0 => Reply::challenge("use_dpop_nonce").with("dpop-nonce", "first"),
        _ => Reply::status(200),
    })
    .await;
    assert_eq!(here.get().await.unwrap(), 200);
    assert_eq!(here.get().await.unwrap(), 200);
    let seen = here.resource.seen();
    let nonces: Vec<_> = seen.iter().map(Seen::nonce).collect();
    assert_eq!(nonces, [None, Some("first"), Some("first")]);
    assert_ne!(seen[0].proof_id(), seen[1].proof_id());
}

#[tokio::test]
async fn a_server_that_keeps_asking_for_a_nonce_is_given_up() {
    // DPOP-12
    let here = setting(|n, _| match n {
        0..5 => Reply::challenge("use_dpop_nonce").with("dpop-nonce", &format!("nonce-{n}")),
        _ => Reply::status(200),
    })
    .await;
    assert!(matches!(here.refused().await, SignError::NonceRepeated { origin } if origin == here.resource.url));
    assert_eq!(here.resource.count(), 2);
}

#[tokio::test]
async fn a_challenge_that_is_no_nonce_challenge_of_dpop_is_an_answer() {
    // DPOP-110: the error of another scheme, no nonce to use, another status, no error
    for reply in [
        Reply::status(401)
            .with("www-authenticate", r#"Bearer error="use_dpop_nonce", DPoP algs="EdDSA""#)
            .with("dpop-nonce", "n"),
        Reply::challenge("use_dpop_nonce"),
        Reply::challenge("use_dpop_nonce").with("dpop-nonce", "not one"),
        Reply { status: 403, ..Reply::challenge("use_dpop_nonce").with("dpop-nonce", "n") },
        Reply::challenge("insufficient_scope").with("dpop-nonce", "n"),
    ] {
        let expected = reply.status;
        let here = setting(move |_, _| reply.clone()).await;
        assert_eq!(here.get().await.unwrap(), expected);
        assert_eq!(here.resource.count(), 1);
    }
}

#[tokio::test]
async fn a_nonce_of_a_success_is_used_for_the_next_request() {
    // DPOP-11, DPOP-66
    let here = setting(|n, _| Reply::status(204).with("dpop-nonce", &format!("nonce-{n}"))).await;
    for _ in 0..3 {
        assert_eq!(here.get().await.unwrap(), 204);
    }
    let seen = here.resource.seen();
    assert_eq!(seen.iter().map(Seen::nonce).collect::<Vec<_>>(), [None, Some("nonce-0"), Some("nonce-1")]);
}

#[tokio::test]
async fn a_nonce_of_one_host_is_not_offered_to_another() {
    // TH78, DPOP-10
    let here = setting(|_, _| Reply::status(200).with("dpop-nonce", "of-the-first")).await;
    let other = Server::start(|_, _| Reply::status(200)).await;
    let request = TokenRequest::new(&here.resource.url, &["echo:read"]).unwrap();
    let http = here.agent.http_for(request).unwrap().also_to(&other.url).build().unwrap();
    for url in [&here.resource.url, &other.url, &here.resource.url] {
        http.get(url).send().await.unwrap();
    }
    assert_eq!(other.seen()[0].nonce(), None);
    assert_eq!(here.resource.seen()[1].nonce(), Some("of-the-first"));
    // nor is the resource's nonce offered to the registry, or the reverse
    assert!(here.registry.asked().iter().all(|asked| asked.nonce().is_none()));
}

#[tokio::test]
async fn a_redirect_stops_and_nothing_follows_it() {
    // TH79, DPOP-18
    let other = Server::start(|_, _| Reply::status(200)).await;
    for status in [301, 302, 303, 307, 308] {
        for to in [other.url.clone(), "/elsewhere".to_owned()] {
            let here = setting(move |_, _| Reply::status(status).with("location", &to)).await;
            assert!(matches!(here.refused().await, SignError::Redirect { status: found, .. } if found == status));
            assert_eq!(here.resource.count(), 1);
        }
    }
    assert_eq!(other.count(), 0);
    // the twin: not every 3xx leads elsewhere
    let here = setting(|_, _| Reply::status(304)).await;
    assert_eq!(here.get().await.unwrap(), 304);
}

#[tokio::test]
async fn nothing_is_sent_to_another_origin_or_over_plain_http() {
    // P-25, DPOP-16
    let here = setting(|_, _| Reply::status(200)).await;
    let other = Server::start(|_, _| Reply::status(200)).await;
    let port = here.resource.url.rsplit(':').next().unwrap();
    for (url, plain) in [
        (other.url.clone(), false),
        (format!("http://localhost:{port}/"), false),
        (format!("https://127.0.0.1:{port}/"), false),
        ("http://api.example/".to_owned(), true),
    ] {
        let error = refusal(here.http.get(&url).send().await.err().unwrap());
        let expected = if plain {
            matches!(error, SignError::PlainHttp { .. })
        } else {
            matches!(error, SignError::ForeignOrigin { .. })
        };
        assert!(expected, "{url}: {error}");
    }
    assert_eq!((other.count(), here.resource.count(), here.registry.asked().len()), (0, 0, 0));
}

#[tokio::test]
async fn credentials_of_the_callers_own_are_refused() {
    // DPOP-13, DPOP-14: there is no way to send a bearer token along
    let here = setting(|_, _| Reply::status(200)).await;
    let url = format!("{}/echo", here.resource.url);
    let with_user = url.replace("http://", "http://user:password@");
    for (request, expected) in [
        (here.http.get(&url).bearer_auth("token"), "authorization"),
        (here.http.get(&url).header("Authorization", "DPoP other"), "authorization"),
        (here.http.get(&url).header("dpop", "proof"), "dpop"),
        (here.http.get(with_user), "authorization"),
    ] {
        let error = refusal(request.send().await.err().unwrap());
        assert_eq!(error, SignError::FieldPresent { field: expected });
    }
    assert_eq!(here.resource.count(), 0);
}

#[tokio::test]
async fn a_body_is_repeated_if_it_can_be_and_else_said_to_be_gone() {
    let here = setting(|n, _| match n % 2 {
        0 => Reply::challenge("use_dpop_nonce").with("dpop-nonce", &format!("nonce-{n}")),
        _ => Reply::status(200),
    })
    .await;
    let url = format!("{}/echo", here.resource.url);
    assert_eq!(here.http.post(&url).body("kept").send().await.unwrap().status(), 200);
    let bodies: Vec<_> = here.resource.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies, ["kept", "kept"]);

    let stream = || Body::wrap(http_body_util::Full::new(bytes::Bytes::from_static(b"once")));
    let error = refusal(here.http.post(&url).body(stream()).send().await.err().unwrap());
    assert_eq!(error, SignError::BodyNotRepeatable { origin: here.resource.url.clone() });
    assert_eq!(here.resource.count(), 3);
    // the nonce was learned all the same, so the caller's own second try passes
    assert_eq!(here.http.post(&url).body(stream()).send().await.unwrap().status(), 200);
    assert_eq!(here.resource.seen()[3].nonce(), Some("nonce-2"));
}

#[tokio::test]
async fn the_servers_clock_is_believed_after_a_complaint() {
    // DPOP-17
    let ahead = NOW + 3600;
    let here = setting(move |_, request| match request.claim("iat").unwrap().as_u64() {
        Some(iat) if iat == ahead => Reply::status(200).with("date", &date(ahead)),
        _ => Reply::challenge("invalid_dpop_proof").with("date", &date(ahead)),
    })
    .await;
    assert_eq!(here.get().await.unwrap(), 200);
    assert_eq!(here.get().await.unwrap(), 200);
    assert_eq!(here.resource.count(), 3);
    // the twin: with equal clocks the complaint is about something else, and repeating would not help
    let here = setting(|_, _| Reply::challenge("invalid_dpop_proof")).await;
    assert_eq!(here.get().await.unwrap(), 401);
    assert_eq!(here.resource.count(), 1);
}

#[tokio::test]
async fn a_clock_that_never_settles_is_corrected_once() {
    let here = setting(|n, _| {
        let later = NOW + 3600 * (u64::try_from(n).unwrap() + 1);
        Reply::challenge("invalid_dpop_proof").with("date", &date(later))
    })
    .await;
    assert_eq!(here.get().await.unwrap(), 401);
    assert_eq!(here.resource.count(), 2);
}

#[tokio::test]
async fn the_only_algorithm_name_a_server_lists_is_used() {
    // DPOP-122
    let only = r#"DPoP error="invalid_dpop_proof", algs="Ed25519""#;
    let here = setting(move |_, request| match request.proof.as_ref().unwrap().0["alg"].as_str() {
        Some("Ed25519") => Reply::status(200),
        _ => Reply::status(401).with("www-authenticate", only),
    })
    .await;
    assert_eq!(here.get().await.unwrap(), 200);
    assert_eq!(here.get().await.unwrap(), 200);
    assert_eq!(here.resource.count(), 3);
    // the twin: a list without a name of this key cannot be followed
    let foreign = r#"DPoP error="invalid_dpop_proof", algs="ES256""#;
    let here = setting(move |_, _| Reply::status(401).with("www-authenticate", foreign)).await;
    assert_eq!(here.get().await.unwrap(), 401);
    assert_eq!(here.resource.count(), 1);
}

#[tokio::test]
async fn a_refused_token_is_not_used_again() {
    let here = setting(|n, _| if n == 0 { Reply::challenge("invalid_token") } else { Reply::status(200) }).await;
    assert_eq!(here.get().await.unwrap(), 401);
    assert_eq!(here.get().await.unwrap(), 200);
    let seen = here.resource.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].authorization.as_deref(), Some("DPoP token-0"));
    assert_eq!(seen[1].authorization.as_deref(), Some("DPoP token-1"));
}

/// A retry layer as a caller would put around the signer.
struct OnceMore;

#[async_trait::async_trait]
impl Middleware for OnceMore {
    async fn handle(
        &self,
        request: reqwest::Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        let again = request.try_clone().unwrap();
        let response = next.clone().run(request, extensions).await?;
        if response.status() == 503 { next.run(again, extensions).await } else { Ok(response) }
    }
}

#[tokio::test]
async fn what_a_middleware_around_repeats_is_signed_anew() {
    // DPOP-01: the signer is inside every retry
    let here = setting(|n, _| Reply::status(if n == 0 { 503 } else { 200 })).await;
    let request = TokenRequest::new(&here.resource.url, &["echo:read"]).unwrap();
    let http = here.agent.http_for(request).unwrap().around(OnceMore).build().unwrap();
    assert_eq!(http.get(&here.resource.url).send().await.unwrap().status(), 200);
    let seen = here.resource.seen();
    assert_eq!(seen.len(), 2);
    assert_ne!(seen[0].proof_id(), seen[1].proof_id());
}
