//! Signed requests, and the nonces that servers want in them.

use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use handfast_fetch::{Mode, connecting_client};
use handfast_identity::UnixTime;
use handfast_testkit::Agent;
use reqwest::{Client, Method};
use serde_json::Value;

/// What came back.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, if it is JSON.
    pub json: Value,
}

impl Answer {
    /// The body, for who expects success.
    pub fn good(self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.json);
        self.json
    }
}

/// One server, as a client keeps it.
pub struct Peer {
    client: Client,
    origin: String,
    nonce: Mutex<Option<String>>,
}

/// The time, in whole seconds.
pub fn now() -> UnixTime {
    UnixTime::from_secs(SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock behind 1970").as_secs())
}

impl Peer {
    /// The server at `origin`.
    pub fn new(origin: &str) -> Self {
        // the builder with the TLS of the project: reqwest has none of its own here
        let client = connecting_client(Mode::Development).expect("settings").build().expect("a client");
        Self { client, origin: origin.to_owned(), nonce: Mutex::default() }
    }

    /// A request without proof.
    pub async fn post(&self, path: &str, media_type: &str, body: String) -> Answer {
        let request = self.client.post(format!("{}{path}", self.origin)).header("content-type", media_type).body(body);
        self.read(request.send().await.expect("the server answers")).await
    }

    /// A request with a proof of `who`, and a token if there is one; once more where the server wants a nonce.
    ///
    /// # Errors
    ///
    /// Whatever keeps the answer from coming.
    pub async fn signed(
        &self,
        who: &Agent,
        token: Option<&str>,
        (method, path): (Method, &str),
        body: Option<(&str, String)>,
    ) -> Result<Answer, reqwest::Error> {
        let url = format!("{}{path}", self.origin);
        let mut tries = 0;
        loop {
            let mut parts = who.proof_parts(method.as_str(), &url, token, now());
            if let Some(nonce) = self.nonce.lock().expect("no panic under it").clone() {
                parts.claims.insert("nonce".to_owned(), nonce.into());
            }
            let mut request = self.client.request(method.clone(), &url).header("dpop", who.sign(&parts));
            if let Some(token) = token {
                request = request.header("authorization", format!("DPoP {token}"));
            }
            if let Some((media_type, body)) = &body {
                request = request.header("content-type", *media_type).body(body.clone());
            }
            let answer = self.read(request.send().await?).await;
            tries += 1;
            if tries > 3 || answer.json["error"] != "use_dpop_nonce" {
                return Ok(answer);
            }
        }
    }

    async fn read(&self, response: reqwest::Response) -> Answer {
        if let Some(nonce) = response.headers().get("dpop-nonce").and_then(|nonce| nonce.to_str().ok()) {
            *self.nonce.lock().expect("no panic under it") = Some(nonce.to_owned());
        }
        let status = response.status().as_u16();
        let bytes = response.bytes().await.unwrap_or_default();
        Answer { status, json: serde_json::from_slice(&bytes).unwrap_or_default() }
    }
}
