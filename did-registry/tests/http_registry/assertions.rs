//! `private_key_jwt` (RFC 7523): an assertion beside the proof, for clients that know no other authentication.

use handfast_testkit::Agent;
use http::Method;
use serde_json::{Value, json};

use crate::bench::{API, Answer, Bench, encode, signed, with};

const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const DENIED: (u16, &str, &str) = (401, "invalid_client", "invalid_client");

struct Scene {
    bench: Bench,
    agent: Agent,
    sister: Agent,
}

async fn scene() -> Scene {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let (agent, sister) = (bench.claimed(1, &owner).await, bench.claimed(2, &owner).await);
    Scene { bench, agent, sister }
}

impl Scene {
    /// An assertion of the agent with these changes to its claims, as OAuth clients make it.
    fn assertion(&self, id: &str, changes: Value) -> String {
        let (did, now) = (self.agent.did().to_string(), self.bench.now());
        let claims = json!({"iss": did, "sub": did, "aud": self.bench.issuer, "jti": id, "iat": now, "exp": now + 60});
        let header = json!({"alg": self.agent.key().algorithm().as_str()});
        signed(&header, &with(claims, changes), self.agent.key())
    }

    async fn ask(&self, who: &Agent, assertion: &str, more: &[(&str, &str)]) -> Answer {
        let base = [("grant_type", "client_credentials"), ("scope", "echo:read"), ("resource", API)];
        let authentication = [("client_assertion", assertion), ("client_assertion_type", KIND)];
        let form = encode(base.iter().chain(&authentication).chain(more));
        self.bench.prove(who, Method::POST, "/oauth2/token", Some(&form)).await
    }
}

#[tokio::test]
async fn a_client_asserts_itself_once() {
    let scene = scene().await;
    let did = scene.agent.did().to_string();
    let good = scene.assertion("a", json!({}));
    scene.ask(&scene.agent, &good, &[]).await.is(200);
    let before = scene.bench.positions();
    assert_eq!(scene.ask(&scene.agent, &good, &[]).await.oauth(), DENIED, "JB-05");
    let named = scene.assertion("b", json!({}));
    scene.ask(&scene.agent, &named, &[("client_id", did.as_str())]).await.is(200);
    assert_eq!(scene.bench.positions(), before, "the default task is there already, and nothing is written");
}

#[tokio::test]
async fn an_assertion_is_nothing_without_its_key_and_changes_nothing_with_it() {
    let scene = scene().await;
    let sister = scene.sister.did().to_string();
    let before = scene.bench.positions();
    let good = scene.assertion("a", json!({}));
    assert_eq!(scene.ask(&scene.sister, &good, &[]).await.oauth(), DENIED, "DPOP-136");
    for named in [sister.as_str(), "x"] {
        assert_eq!(scene.ask(&scene.agent, &good, &[("client_id", named)]).await.oauth(), DENIED);
    }
    let beside = [("client_id", sister.as_str())];
    assert_eq!(
        scene.ask(&scene.sister, &good, &beside).await.oauth(),
        DENIED,
        "somebody else's, beside one's own proof"
    );
    // what the model's own tests have in full
    for changes in [json!({"aud": "https://other.example"}), json!({"exp": 1}), json!({"sub": sister})] {
        assert_eq!(scene.ask(&scene.agent, &scene.assertion("b", changes), &[]).await.oauth(), DENIED);
    }
    let unsigned = format!("{}.{}", good.rsplit_once('.').unwrap().0, "A".repeat(86));
    assert_eq!(scene.ask(&scene.agent, &unsigned, &[]).await.oauth(), DENIED);
    assert_eq!(scene.ask(&scene.agent, &good, &[("client_secret", "x")]).await.oauth(), DENIED);
    assert_eq!(scene.bench.positions(), before);
    // none of that used it up
    scene.ask(&scene.agent, &good, &[]).await.is(200);
}

#[tokio::test]
async fn a_client_that_gives_a_token_up_may_assert_itself_too() {
    let scene = scene().await;
    let token = scene.ask(&scene.agent, &scene.assertion("a", json!({})), &[]).await.is(200).str("access_token");
    let give_up = async |assertion: &str| {
        let form = [("token", token.as_str()), ("client_assertion", assertion), ("client_assertion_type", KIND)];
        scene.bench.prove(&scene.agent, Method::POST, "/oauth2/revoke", Some(&encode(&form))).await
    };
    assert_eq!(give_up(&scene.assertion("b", json!({"aud": "x"}))).await.oauth(), DENIED);
    let before = scene.bench.positions();
    give_up(&scene.assertion("c", json!({}))).await.is(200);
    assert_ne!(scene.bench.positions(), before);
}

#[tokio::test]
async fn dpop50_a_stranger_leaves_no_assertion_behind() {
    for path in ["/oauth2/token", "/oauth2/revoke"] {
        let scene = scene().await;
        let stranger = Agent::numbered(3);
        let (bench, did) = (&scene.bench, stranger.did().to_string());
        let now = bench.now();
        let claims = json!({"iss": did, "sub": did, "aud": bench.issuer, "jti": "a", "iat": now, "exp": now + 60});
        let header = json!({"alg": stranger.key().algorithm().as_str()});
        let assertion = signed(&header, &claims, stranger.key());
        let form = [("grant_type", "client_credentials"), ("scope", "echo:read"), ("resource", API), ("token", "x")];
        let shown = [("client_assertion", assertion.as_str()), ("client_assertion_type", KIND)];
        let more = if path == "/oauth2/token" { &form[..3] } else { &form[3..] };
        let form = encode(more.iter().chain(&shown));
        let answer = bench.prove(&stranger, Method::POST, path, Some(&form)).await;
        assert_eq!(answer.oauth(), DENIED, "{path}");
        // had it been remembered, it would be refused now
        let owner = bench.owner(101).await;
        bench.claimed(3, &owner).await;
        bench.prove(&stranger, Method::POST, path, Some(&form)).await.is(200);
        assert_eq!(bench.prove(&stranger, Method::POST, path, Some(&form)).await.oauth(), DENIED, "{path}: good once");
    }
}
