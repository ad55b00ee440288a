//! What is logged of a decision, and what never is (DPOP-138, P-19).

#![allow(clippy::unwrap_used)] // a test that cannot set itself up should stop

mod common;

use std::io::Write;
use std::sync::{Arc, Mutex};

use common::{API, Api, with_credentials};
use handfast_dpop::ContentHash;
use handfast_middleware::NonceUse;
use tracing_subscriber::fmt::MakeWriter;

/// Everything logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
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
async fn decisions_are_logged_without_tokens_proofs_and_nonces() {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(log.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let api = Api::with(|builder| builder.nonces(NonceUse::Always)).await;

    let claims = api.claims();
    let token = api.issuer.sign(&claims);
    let answer = api.send(api.request_with_token(&token)).await;
    let nonce = answer.field("dpop-nonce").unwrap();
    let url = format!("{API}/files");
    let mut parts = api.agent.proof_parts("GET", &url, Some(&token), api.clock.now());
    parts.claims.insert("nonce".into(), nonce.into());
    let proof = api.agent.sign(&parts);
    let ask = || api.send(with_credentials("GET", "/files", &token, &proof));
    assert_eq!((ask().await.status.as_u16(), ask().await.status.as_u16()), (200, 401));

    let text = log.take();
    let proof_id = parts.claims.get("jti").and_then(serde_json::Value::as_str).unwrap();
    let jkt = format!("jkt={}", api.agent.thumbprint());
    let hash = ContentHash::of(proof_id.as_bytes()).to_string();
    let lines: Vec<_> = text.lines().collect();
    let [no_nonce, accepted, replayed] = lines.as_slice() else { unreachable!("three decisions: {text}") };
    assert!(no_nonce.contains(r#"decision="refused" reason="nonce_required""#), "{no_nonce}");
    for part in [r#"decision="accepted""#, jkt.as_str(), claims.token_id.as_str(), hash.as_str(), api.issuer.url()] {
        assert!(accepted.contains(part), "{part} in {accepted}");
    }
    assert!(replayed.contains(r#"decision="refused" reason="proof_replayed" jkt="#), "{replayed}");
    for secret in [token.as_str(), proof.as_str(), nonce, proof_id] {
        for piece in secret.split('.') {
            assert!(!text.contains(piece), "{piece} in {text}");
        }
    }
}
