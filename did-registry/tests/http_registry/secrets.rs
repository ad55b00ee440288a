//! TH73, P-19: what nobody may find in a log, however talkative it is.

use std::io;
use std::sync::{Arc, Mutex};

use handfast_registry::{Role, SharedRandom};
use handfast_testkit::{Agent, CountedRandom};
use http::Method;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::bench::{API, Bench, approval, keys, with};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn th73_the_whole_story_leaves_no_secret_in_the_log() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(log.clone())
        .with_max_level(tracing::Level::TRACE)
        .finish();
    // for all threads: what is enabled is remembered per place in the code, whichever test comes by first
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let bench = Bench::new().await;
    let mut secrets = Vec::new();

    let code = bench.registry.operator_code(Role::Owner).await.unwrap();
    secrets.push(code.expose().to_owned());
    let key = Agent::numbered(100);
    let statement = bench.owner_statement(&key, code.expose());
    secrets.push(statement.clone());
    let id = bench.post("/owners", "application/jwt", statement.clone()).await.is(201).str("id");
    bench.post("/owners", "application/jwt", statement).await.is(410);
    let owner = crate::bench::Owner { key, id };

    // a secret in the wrong place, and a line of one's own: neither gets anywhere
    let forged = "x\n2026-01-01T00:00:00Z  INFO request: answered status=200 forged";
    let mut junk = bench.agent_claims(&Agent::numbered(3));
    for (path, typ) in [("/agents", "agent-registration+jwt"), ("/owners", "owner-registration+jwt")] {
        for member in ["environment", "iat", "FORGED-MEMBER", forged] {
            junk = with(junk, json!({member: format!("MISPLACED-SECRET {forged}")}));
            let text = crate::bench::statement(typ, &junk, &Agent::numbered(3));
            bench.post(path, "application/jwt", text).await.is(400);
        }
    }
    secrets.extend(["MISPLACED-SECRET".to_owned(), "FORGED-MEMBER".to_owned(), "forged".to_owned()]);

    let agent = Agent::numbered(1);
    let claim = bench.register(&agent).await;
    secrets.push(claim.code.clone());
    let path = format!("/claims/{}/approve", claim.id);
    let wrong = with(approval(&claim), json!({"user_code": "ZZZZZZZZ"}));
    secrets.push("ZZZZZZZZ".to_owned());
    bench.manage(&owner.key, "owner:self", "POST", &path, Some(wrong)).await.is(403);
    bench.approve(&owner, &claim, &approval(&claim)).await.is(200);
    bench.prove(&agent, Method::GET, &format!("/claims/{}", claim.id), None).await.is(200);
    let proof = bench.bare_proof(&agent, "POST", "/oauth2/token");
    bench
        .post(&format!("/oauth2/token?proof={proof}"), crate::bench::FORM, format!("client_secret={proof}"))
        .await
        .is(400);
    secrets.push(proof);
    let token = bench.token(&agent, &[("resource", API)]).await;
    bench.call(&agent, &token, "GET", &format!("/agents?access_token={token}"), None).await.is(400);
    secrets.push(token);
    secrets.push(bench.nonce().unwrap());
    let body = json!({"kind": "agent", "id": agent.did().as_str()});
    bench.manage(&owner.key, "owner:self", "POST", "/revocations", Some(body)).await.is(200);
    bench.disk.fail_syncs();
    bench.post("/agents", "application/jwt", bench.agent_statement(&Agent::numbered(2))).await.is(503);

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for expected in [
        "event=\"agent_claimed\"",
        "reason=\"wrong_code\"",
        "a token was issued",
        "the store does not answer",
        "reason=\"invalid_registration\"",
    ] {
        assert!(text.contains(expected), "the log says `{expected}`:\n{text}");
    }
    // of a broken statement there is the reason, and no words about what stands in it
    assert!(!text.contains("the statement"), "{text}");
    for secret in secrets {
        assert!(!text.contains(&secret), "`{secret}` is in the log:\n{text}");
    }
}

#[tokio::test]
async fn th73_debug_shows_no_secret() {
    let bench = Bench::new().await;
    let code = bench.registry.operator_code(Role::Admin).await.unwrap();
    assert!(!format!("{code:?}").contains(code.expose()));
    assert_eq!(format!("{:?}", SharedRandom::new(CountedRandom::default())), "SharedRandom");
    let keys = format!("{:?}", keys());
    assert!(keys.starts_with("RegistryKeys(redacted, token "), "{keys}");
    let registry = format!("{:?}", bench.registry);
    assert!(registry.starts_with("Registry { issuer: ") && registry.len() < 80, "{registry}");
}
