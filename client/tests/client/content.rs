//! Body binding: the proof covers the content where a server asks for that, or the client is set up so (DPOP-131).

use handfast_client::reqwest::Body;
use handfast_client::reqwest_middleware::ClientWithMiddleware;
use handfast_client::{SignError, TokenRequest};
use handfast_dpop::ContentDigest;

use crate::signing::{Setting, refusal, setting};
use crate::support::{Reply, Seen, Server};

/// What a server says on a route that asks for covered content.
fn challenge(error: &str) -> Reply {
    let challenge = format!(r#"DPoP error="{error}", algs="EdDSA Ed25519 ES256", content_digest="sha-256""#);
    Reply::status(401).with("www-authenticate", &challenge)
}

/// A server that asks for it below `/bound` and takes everything else.
fn asking(_: usize, seen: &Seen) -> Reply {
    let is_refused = seen.path.starts_with("/bound") && (seen.claim("htd").is_none() || seen.content_digest.is_none());
    if is_refused { challenge("invalid_dpop_proof") } else { Reply::status(200) }
}

fn stream() -> Body {
    Body::wrap(http_body_util::Full::new(bytes::Bytes::from_static(b"once")))
}

/// The digest that field and claim have in common, if there is one.
fn digest_of(seen: &Seen) -> Option<String> {
    let claim = seen.claim("htd").map(|claim| claim.as_str().unwrap().to_owned());
    assert_eq!(claim, seen.content_digest, "field and claim");
    claim
}

fn digests(server: &Server) -> Vec<Option<String>> {
    server.seen().iter().map(digest_of).collect()
}

fn digest(content: &str) -> Option<String> {
    Some(ContentDigest::of(content.as_bytes()).to_string())
}

impl Setting {
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.resource.url)
    }

    /// A client that covers the content of every request.
    fn binding(&self) -> ClientWithMiddleware {
        let request = TokenRequest::new(&self.resource.url, &["echo:read"]).unwrap();
        self.agent.http_for(request).unwrap().bind_content().build().unwrap()
    }
}

#[tokio::test]
async fn a_request_is_repeated_once_with_its_digest_and_later_ones_have_theirs_at_once() {
    let here = setting(asking).await;
    assert_eq!(here.http.post(here.url("/bound")).body("kept").send().await.unwrap().status(), 200);
    assert_eq!(here.http.get(here.url("/bound/x?y=1")).send().await.unwrap().status(), 200);
    assert_eq!(here.http.put(here.url("/plain")).body("more").send().await.unwrap().status(), 200);
    // of nothing without content (RFC 9530)
    let nothing = Some("sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:".to_owned());
    assert_eq!(digests(&here.resource), [None, digest("kept"), nothing, digest("more")]);
    let seen = here.resource.seen();
    assert_eq!((seen[0].body.as_str(), seen[1].body.as_str()), ("kept", "kept"));
    assert_ne!(seen[0].proof_id(), seen[1].proof_id());
}

#[tokio::test]
async fn a_nonce_and_the_digest_are_asked_for_together_or_in_turn() {
    let together = |n: usize, _: &Seen| match n {
        0 => challenge("use_dpop_nonce").with("dpop-nonce", "first"),
        _ => Reply::status(200),
    };
    let here = setting(together).await;
    assert_eq!(here.http.post(here.url("/bound")).body("kept").send().await.unwrap().status(), 200);
    assert_eq!(digests(&here.resource), [None, digest("kept")]);
    assert_eq!(here.resource.seen()[1].nonce(), Some("first"));

    let in_turn = |n: usize, _: &Seen| match n {
        0 => challenge("invalid_dpop_proof"),
        1 => challenge("use_dpop_nonce").with("dpop-nonce", "first"),
        _ => Reply::status(200),
    };
    let here = setting(in_turn).await;
    assert_eq!(here.http.post(here.url("/bound")).body("kept").send().await.unwrap().status(), 200);
    assert_eq!(digests(&here.resource), [None, digest("kept"), digest("kept")]);
    assert_eq!(here.resource.seen()[2].nonce(), Some("first"));
}

#[tokio::test]
async fn a_digest_that_is_refused_is_an_answer() {
    let here = setting(|_, _| challenge("invalid_dpop_proof")).await;
    assert_eq!(here.http.post(here.url("/bound")).body("kept").send().await.unwrap().status(), 401);
    assert_eq!(digests(&here.resource), [None, digest("kept")]);
    // it had one from the start, so there is nothing to repeat
    assert_eq!(here.http.post(here.url("/bound")).body("kept").send().await.unwrap().status(), 401);
    assert_eq!(here.binding().post(here.url("/bound")).body("kept").send().await.unwrap().status(), 401);
    assert_eq!(here.resource.count(), 4);
}

#[tokio::test]
async fn what_is_not_asked_by_dpop_in_this_way_changes_nothing() {
    for field in [
        r#"Bearer content_digest="sha-256", DPoP error="invalid_dpop_proof""#,
        r#"DPoP error="invalid_dpop_proof", content_digest="sha-512""#,
        r#"DPoP error="invalid_dpop_proof", algs="EdDSA""#,
    ] {
        let here = setting(move |_, _| Reply::status(401).with("www-authenticate", field)).await;
        for _ in 0..2 {
            assert_eq!(here.http.post(here.url("/")).body("kept").send().await.unwrap().status(), 401);
        }
        assert_eq!(digests(&here.resource), [None, None], "{field}");
    }
}

#[tokio::test]
async fn a_refusal_that_a_digest_would_not_change_is_not_repeated() {
    for (reply, status) in
        [(challenge("invalid_token"), 401), (Reply { status: 403, ..challenge("insufficient_scope") }, 403)]
    {
        let here = setting(move |n, _| if n == 0 { reply.clone() } else { Reply::status(200) }).await;
        assert_eq!(here.http.get(here.url("/bound")).send().await.unwrap().status(), status);
        assert_eq!(here.resource.count(), 1);
        // the server's wish is known all the same
        assert_eq!(here.http.get(here.url("/bound")).send().await.unwrap().status(), 200);
        assert_eq!(digests(&here.resource), [None, digest("")]);
    }
}

#[tokio::test]
async fn one_origins_wish_is_not_anothers() {
    let here = setting(asking).await;
    let other = Server::start(|_, _| Reply::status(200)).await;
    let request = TokenRequest::new(&here.resource.url, &["echo:read"]).unwrap();
    let http = here.agent.http_for(request).unwrap().also_to(&other.url).build().unwrap();
    for url in [&here.url("/bound"), &other.url] {
        assert_eq!(http.post(url).body("kept").send().await.unwrap().status(), 200);
    }
    assert_eq!(digests(&other), [None]);
}

#[tokio::test]
async fn a_client_set_up_so_covers_everything() {
    let here = setting(asking).await;
    let http = here.binding();
    assert_eq!(http.post(here.url("/bound")).body("kept").send().await.unwrap().status(), 200);
    assert_eq!(http.get(here.url("/plain")).send().await.unwrap().status(), 200);
    assert_eq!(digests(&here.resource), [digest("kept"), digest("")]);
}

#[tokio::test]
async fn a_stream_cannot_be_covered() {
    let here = setting(asking).await;
    let refused = SignError::BodyNotReadable { origin: here.resource.url.clone() };
    for sent in 1..=2 {
        let error = here.http.post(here.url("/bound")).body(stream()).send().await.err().unwrap();
        assert_eq!(refusal(error), refused);
        assert_eq!(here.resource.count(), sent);
    }
    // where nobody asks for it, it goes without, although this origin is known to ask elsewhere
    assert_eq!(here.http.post(here.url("/plain")).body(stream()).send().await.unwrap().status(), 200);
    assert_eq!(digests(&here.resource), [None, None, None]);
    // and by a client set up so it goes nowhere
    let error = here.binding().post(here.url("/plain")).body(stream()).send().await.err().unwrap();
    assert_eq!(refusal(error), refused);
    assert_eq!(here.resource.count(), 3);
}

#[tokio::test]
async fn a_nonce_that_comes_with_the_wish_leaves_a_stream_the_same_advice() {
    let here = setting(|_, _| challenge("use_dpop_nonce").with("dpop-nonce", "first")).await;
    let error = here.http.post(here.url("/bound")).body(stream()).send().await.err().unwrap();
    assert_eq!(refusal(error), SignError::BodyNotReadable { origin: here.resource.url.clone() });
}

#[tokio::test]
async fn a_digest_of_the_callers_own_is_replaced_only_where_the_content_is_covered() {
    let own = "sha-512=:AA==:";
    let here = setting(asking).await;
    let plain = here.http.post(here.url("/plain")).header("Content-Digest", own);
    assert_eq!(plain.body("kept").send().await.unwrap().status(), 200);
    let binding = here.binding();
    let bound = binding.post(here.url("/plain")).header("Content-Digest", own).header("content-digest", own);
    assert_eq!(bound.body("kept").send().await.unwrap().status(), 200);
    let seen = here.resource.seen();
    assert_eq!((seen[0].content_digest.as_deref(), seen[0].claim("htd")), (Some(own), None));
    assert_eq!(digest_of(&seen[1]), digest("kept"));
}
