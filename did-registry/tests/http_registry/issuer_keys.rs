//! The registry's own token keys: a stolen one dies with its tokens, a replaced one does not.

use std::time::Duration;

use handfast_identity::UnixTime;
use handfast_middleware::{ResourceServer, TrustedIssuer};
use handfast_registry::{init, open, rotate_token_key};
use handfast_testkit::Agent;
use serde_json::{Value, json};

use crate::bench::{API, Answer, Bench, config};

fn kid_of(token: &str) -> String {
    let header = handfast_identity::base64url::decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

fn kids(answer: &Answer) -> Vec<String> {
    answer.json["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn jwks_06_tokens_of_a_stolen_key_die_at_once_and_the_registry_goes_on() {
    let bench = Bench::new().await;
    let (owner, admin) = (bench.owner(100).await, bench.admin(102).await);
    let agent = bench.claimed(1, &owner).await;
    let token = bench.token(&agent, &[("scope", "agent:self")]).await;
    let path = format!("/agents/{}", agent.did());
    bench.call(&agent, &token, "GET", &path, None).await.is(200);
    let stolen = kid_of(&token);
    let published = kids(&bench.get("/jwks.json").await);
    assert_eq!((published.len(), &published[0]), (2, &stolen));
    let body = json!({"kind": "issuer_key", "id": stolen, "reason": "host broken into"});
    let admins = |path: &'static str, body: Value| bench.manage(&admin.key, "registry:admin", "POST", path, Some(body));

    let by_owner = bench.manage(&owner.key, "owner:self", "POST", "/revocations", Some(body.clone())).await;
    assert_eq!(by_owner.problem(), (403, "forbidden"));
    let unknown = json!({"kind": "issuer_key", "id": "x"});
    assert_eq!(admins("/revocations", unknown.clone()).await.problem(), (400, "invalid_request"));
    assert_eq!(admins("/revocations/preview", unknown).await.problem(), (400, "invalid_request"));
    let shown = json!({"kind": "issuer_key", "id": stolen, "evidence": token});
    assert_eq!(admins("/revocations", shown).await.problem(), (400, "invalid_request"));
    let reach = admins("/revocations/preview", body.clone()).await.is(200).json;
    assert_eq!(reach, json!({"kind": "issuer_key", "id": stolen, "latest_expiry": bench.now() + 3600}));

    let answer = admins("/revocations", body.clone()).await.is(200).json;
    assert_eq!(answer["status"], "REVOKED");
    assert!(answer.get("until").is_none() && answer.get("cut").is_none(), "{answer}: for ever");
    // at once, wherever the token is shown; and nobody is told that the key is good
    assert_eq!(bench.call(&agent, &token, "GET", &path, None).await.problem(), (401, "issuer_key_revoked"));
    assert_eq!(kids(&bench.get("/jwks.json").await), published[1..]);
    let fresh = bench.token(&agent, &[("scope", "agent:self")]).await;
    assert_eq!(kid_of(&fresh), published[1], "the key that stood by");
    bench.call(&agent, &fresh, "GET", &path, None).await.is(200);
    assert_eq!(admins("/revocations", body).await.is(200).json, answer, "again is the first answer");
    // without any key no token is made that nobody would accept
    admins("/revocations", json!({"kind": "issuer_key", "id": published[1]})).await.is(200);
    let none = bench.token_answer(&agent, &[("scope", "agent:self")]).await;
    assert_eq!(none.status, 503, "{none:?}");
}

#[tokio::test]
async fn a_rotated_key_ends_no_token() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("registry");
    init(&directory, &config()).await.unwrap();
    let now = UnixTime::from_secs(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs());
    let published = || async {
        let registry = open(&directory).await.unwrap();
        let request = http::Request::get("/jwks.json").body(axum::body::Body::empty()).unwrap();
        let answer = tower::ServiceExt::oneshot(registry.router(), request).await.unwrap();
        kids(&Answer::read(answer).await.is(200))
    };
    let before = published().await;
    let rotated = rotate_token_key(&directory, now).unwrap();
    assert_eq!((Some(&before[0]), &before[1]), (rotated.replaced.as_ref(), &rotated.signs));
    let after = published().await;
    assert_eq!(after, [before[1].clone(), rotated.stands_by, before[0].clone()], "the one that signs first");
}

#[tokio::test]
async fn p11_a_resource_server_refuses_tokens_of_a_stolen_key() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut file = config();
    file.issuer = format!("http://{}", listener.local_addr().unwrap());
    let bench = Bench::with(&file).await;
    let serving = tokio::spawn(handfast_middleware::server::serve(
        listener,
        bench.router.clone(),
        handfast_middleware::server::ServerLimits::default(),
        std::future::pending(),
    ));
    let clock = bench.clock.clone();
    let trust = TrustedIssuer::single(&bench.issuer, bench.registry.feed_key());
    let server = ResourceServer::builder(API, API)
        .mode(handfast_middleware::Mode::Development)
        .trust(trust)
        .clock(move || clock.now())
        .start()
        .await
        .unwrap();
    server.ready().await;
    let (owner, admin) = (bench.owner(100).await, bench.admin(102).await);
    let agent: Agent = bench.claimed(1, &owner).await;
    let token = bench.token(&agent, &[("scope", "echo:read"), ("resource", API)]).await;
    let body = json!({"kind": "issuer_key", "id": kid_of(&token)});
    bench.manage(&admin.key, "registry:admin", "POST", "/revocations", Some(body)).await.is(200);
    let learned = async {
        while server.feed_lags().iter().all(|lag| lag.seq == 0) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(1), learned).await.unwrap();
    let facts = server.facts();
    let issuer = facts.issuer(&bench.issuer).unwrap();
    let handfast_verifier::trust::Status::Known { set, .. } = &issuer.status else { panic!("{:?}", issuer.status) };
    let name = handfast_verifier::revocation::RevocationName::of(
        &bench.issuer,
        handfast_verifier::revocation::RevocationKind::IssuerKey,
        kid_of(&token),
    );
    assert!(set.covers(name, bench.clock.now()).is_some());
    serving.abort();
}
