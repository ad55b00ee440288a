//! The whole life of an agent, through the router and over sockets.

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use handfast_delegation::{ChainText, MAX_CHAIN_BYTES};
use handfast_identity::UnixTime;
use handfast_middleware::server::{ServerLimits, serve};
use handfast_middleware::{Caller, Mode, ResourceServer, TrustedIssuer};
use handfast_testkit::Agent;
use http::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::bench::{API, Bench, ISSUER, Owner, approval, claims_of, config, with};

#[tokio::test]
async fn an_agent_is_registered_claimed_used_and_revoked() {
    let bench = Bench::new().await;
    // an admin lets an owner in
    let admin = bench.admin(100).await;
    let code = json!({"role": "owner", "name": "Ada"});
    let code = bench.manage(&admin.key, "registry:admin", "POST", "/owners/codes", Some(code)).await.is(201);
    assert_eq!((&code.json["role"], &code.json["expires_in"]), (&json!("owner"), &json!(86_400)));
    let key = Agent::p256(101);
    let statement = bench.owner_statement(&key, &code.str("code"));
    let owner = bench.post("/owners", "application/jwt", statement).await.is(201);
    assert_eq!(owner.json["did"], key.did().as_str());
    let owner = Owner { key, id: owner.str("id") };

    // an agent registers, and greets before anybody has claimed it
    let agent = Agent::numbered(1);
    let claim = bench.register(&agent).await;
    let hello = bench.token_answer(&agent, &[("scope", "echo:hello"), ("resource", API)]).await.is(200);
    let claims = claims_of(&hello.str("access_token"));
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!(agent.did().as_str()), &json!(agent.did().as_str())));
    assert_eq!(claims["act"], json!({"sub": agent.did().as_str()}));
    let poll = format!("/claims/{}", claim.id);
    assert_eq!(bench.prove(&agent, Method::GET, &poll, None).await.is(200).json, json!({"status": "pending"}));

    // the owner claims it, in two steps
    let body = with(approval(&claim), json!({"handle": "billing-bot"}));
    let record = bench.approve(&owner, &claim, &body).await.is(200);
    assert_eq!((&record.json["status"], &record.json["handle"]), (&json!("CLAIMED"), &json!("billing-bot")));
    let polled = bench.prove(&agent, Method::GET, &poll, None).await.is(200);
    let expected = json!({"status": "claimed", "owner": {"id": owner.id, "name": "Ada"}, "handle": "billing-bot"});
    assert_eq!(polled.json, expected);

    // it gets a token inside its own task
    let answer = bench.token_answer(&agent, &[("scope", "echo:read"), ("resource", API)]).await.is(200);
    assert_eq!((&answer.json["token_type"], &answer.json["scope"]), (&json!("DPoP"), &json!("echo:read")));
    assert_eq!(answer.json["expires_in"], 300);
    let claims = claims_of(&answer.str("access_token"));
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!(ISSUER), &json!(owner.id)));
    assert_eq!(claims["cnf"], json!({"jkt": agent.thumbprint().to_string()}));
    assert_eq!(claims["task"], answer.json["task"]);
    assert_eq!(claims["task"]["trigger"], json!({"type": "self", "by": agent.did().as_str()}));

    // the owner ends it: known on the feed, and no more tokens
    let before = bench.positions();
    let body = json!({"kind": "agent", "id": "billing-bot", "reason": "done"});
    let revoked = bench.manage(&owner.key, "owner:self", "POST", "/revocations", Some(body)).await.is(200);
    assert_eq!(revoked.json["status"], "REVOKED");
    assert_eq!(bench.positions().feed_to, before.feed_to + 1);
    let refused = bench.token_answer(&agent, &[("scope", "echo:read"), ("resource", API)]).await;
    assert_eq!(refused.oauth(), (400, "invalid_grant", "agent_revoked"));
}

/// Over sockets, with the middleware following the feed. Time stands still, and both servers read the same clock.
#[tokio::test]
async fn a_resource_server_accepts_the_agent_until_it_is_revoked() {
    let registry = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut file = config();
    file.issuer = format!("http://{}", registry.local_addr().unwrap());
    let bench = Bench::with(&file).await;
    let served = bench.registry.clone();
    tokio::spawn(async move { served.serve(registry, pending()).await });
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let api = Api { address: serve_api(&bench).await, agent: agent.clone(), now: bench.clock.now() };
    let token = bench.token(&agent, &[("scope", "echo:read"), ("resource", API)]).await;
    let narrower = bench.token(&agent, &[("scope", "echo:hello"), ("resource", API)]).await;

    let nonce = api.ask(&token, None).await.nonce.expect("the rule after a start asks for a nonce");
    assert_eq!(api.ask(&token, Some(&nonce)).await.status, 200);
    assert_eq!(api.ask(&narrower, Some(&nonce)).await.status, 403);

    let body = json!({"kind": "agent", "id": agent.did().as_str()});
    bench.manage(&owner.key, "owner:self", "POST", "/revocations", Some(body)).await.is(200);
    // P-11: within a second; its poll hangs at the registry, so it is a matter of milliseconds
    assert_eq!(api.refuses(&token, &nonce).await, 401);
}

pub(crate) async fn serve_api(bench: &Bench) -> SocketAddr {
    let clock = bench.clock.clone();
    let server = ResourceServer::builder(API, API)
        .mode(Mode::Development)
        .trust(TrustedIssuer::single(&bench.issuer, bench.registry.feed_key()))
        .clock(move || clock.now())
        .start()
        .await
        .unwrap();
    server.ready().await;
    let echo = |caller: Caller| async move { caller.subject().to_owned() };
    let app = Router::new().route("/echo", get(echo)).layer(server.scope("echo:read").unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, app, ServerLimits::default(), pending()));
    address
}

/// A protected API and the agent that calls it.
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    pub(crate) agent: Agent,
    pub(crate) now: UnixTime,
}

pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) nonce: Option<String>,
}

impl Api {
    pub(crate) async fn ask(&self, token: &str, nonce: Option<&str>) -> Said {
        self.ask_with(token, nonce, None).await
    }

    /// The same, with delegation evidence beside the token.
    pub(crate) async fn ask_with(&self, token: &str, nonce: Option<&str>, evidence: Option<&str>) -> Said {
        let mut parts = self.agent.proof_parts("GET", &format!("{API}/echo"), Some(token), self.now);
        if let Some(nonce) = nonce {
            parts.claims.insert("nonce".to_owned(), nonce.into());
        }
        let mut fields = String::new();
        if let Some(evidence) = evidence {
            let hash = ChainText::parse(evidence, MAX_CHAIN_BYTES).unwrap().hash();
            parts.claims.insert("dch".to_owned(), hash.to_string().into());
            fields = format!("delegation: {evidence}\r\n");
        }
        let proof = self.agent.sign(&parts);
        let request = format!(
            "GET /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: DPoP {token}\r\ndpop: {proof}\r\n{fields}\r\n"
        );
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let nonce = answer.lines().find_map(|line| line.strip_prefix("dpop-nonce: ")).map(str::to_owned);
        Said { status: answer.split(' ').nth(1).unwrap().parse().unwrap(), nonce }
    }

    /// The status with which `token` is refused, within a second.
    pub(crate) async fn refuses(&self, token: &str, nonce: &str) -> u16 {
        self.refuses_with(token, nonce, None).await
    }

    /// The same, with delegation evidence beside the token.
    pub(crate) async fn refuses_with(&self, token: &str, nonce: &str, evidence: Option<&str>) -> u16 {
        let refused = async {
            while self.ask_with(token, Some(nonce), evidence).await.status == 200 {
                tokio::task::yield_now().await;
            }
            self.ask_with(token, Some(nonce), evidence).await.status
        };
        tokio::time::timeout(Duration::from_secs(1), refused).await.unwrap()
    }
}
