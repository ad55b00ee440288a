//! The Model Context Protocol with every part real: registry, an `rmcp` server behind the layer, an `rmcp` client that signs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use handfast_client::reqwest::Client;
use handfast_client::{Agent, TokenRequest, mcp};
use handfast_dpop::{ContentHash, ProofRequest, ProofSigner, Target};
use handfast_fetch::connecting_client;
use handfast_identity::{DidKey, OsRandom, SigningKey, UnixTime};
use handfast_middleware::{
    Authorized, Clock, Mode, NonceUse, Profile, ResourceMetadata, ResourceServer, SystemClock, TrustedIssuer,
};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, ProtocolVersion,
    ServerCapabilities, ServerConfig,
};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt as _, RequestContext, RunningService, ServiceError};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleClient, RoleServer, ServerHandler, ServiceExt as _};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::site::{Site, get};

const SCOPE: &str = "files:read";
/// How long the server may take to learn keys and revocations from a registry on the same machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// What the agent is given: one tool, below one folder.
const REPORTS: &str = r#"{"read_file":{"path":{"constraint_type":"path_containment","root":"/reports"}}}"#;

/// Says which call was checked for it, and keeps the token it came with.
#[derive(Clone, Default)]
struct Files(Arc<Mutex<String>>);

impl ServerHandler for Files {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let parts = context.extensions.get::<http::request::Parts>().unwrap();
        let token = parts.headers["authorization"].to_str().unwrap().strip_prefix("DPoP ").unwrap();
        token.clone_into(&mut self.0.lock().unwrap());
        let call = parts.extensions.get::<Authorized>().unwrap().tool_call().unwrap();
        let told = format!("{} {}", call.tool, Value::Object(call.arguments.clone()));
        Ok(CallToolResult::success(vec![ContentBlock::text(told)]).into())
    }
}

/// A registry, a server of the protocol, and an agent with one tool.
struct World {
    site: Site,
    url: String,
    server: ResourceServer,
    files: Files,
}

impl World {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (base, url) = (format!("http://{address}"), format!("http://{address}/mcp"));
        let site = Site::start_for_tools(&url);
        site.claimed_agent_with(&url, &["--tool", REPORTS]);

        let trust = TrustedIssuer::single(&site.issuer, DidKey::parse(&site.feed_key).unwrap());
        let builder = ResourceServer::builder(&url, &base).trust(trust).mode(Mode::Development).profile(Profile::Mcp);
        let builder = builder.publish_metadata(ResourceMetadata::new().applies_tools());
        let server = builder.nonces(NonceUse::Off).start().await.unwrap();
        tokio::time::timeout(PATIENCE, server.ready()).await.unwrap();

        let config = StreamableHttpServerConfig::default().with_allowed_hosts([&address]).with_allowed_origins([&base]);
        let files = Files::default();
        let handler = files.clone();
        let service =
            StreamableHttpService::new(move || Ok(handler.clone()), LocalSessionManager::default().into(), config);
        let app = Router::new().route_service("/mcp", service).layer(server.mcp(SCOPE).unwrap());
        let app = app.merge(server.metadata_routes());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { site, url, server, files }
    }

    /// The token that the last call came with.
    fn last_token(&self) -> String {
        self.files.0.lock().unwrap().clone()
    }

    fn agent(&self) -> Agent {
        Agent::load(self.site.file("agent.json")).unwrap()
    }

    async fn session(&self) -> RunningService<RoleClient, ()> {
        ().serve(self.agent().mcp(&self.url, &[SCOPE]).unwrap()).await.unwrap()
    }
}

/// A client without any credentials.
fn plain() -> Client {
    connecting_client(Mode::Development).unwrap().build().unwrap()
}

fn call(tool: &'static str, arguments: &Value) -> CallToolRequestParams {
    CallToolRequestParams::new(tool).with_arguments(arguments.as_object().unwrap().clone())
}

/// What a call gave: the text, or status and reason of the refusal.
fn outcome(answer: Result<CallToolResult, ServiceError>) -> Result<String, (u16, String)> {
    answer
        .map(|answer| answer.content.iter().filter_map(|part| part.as_text()).map(|part| part.text.clone()).collect())
        .map_err(|error| {
            let refusal = mcp::refusal(&error).unwrap_or_else(|| panic!("{error}"));
            (refusal.status(), refusal.reason().unwrap().to_owned())
        })
}

fn refused(status: u16, reason: &str) -> Result<String, (u16, String)> {
    Err((status, reason.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_are_called_within_what_was_given_and_no_further() {
    let world = World::new().await;
    let session = world.session().await;
    let within = call("read_file", &json!({"path": "/reports/q1.csv"}));
    let good = || Ok(r#"read_file {"path":"/reports/q1.csv"}"#.to_owned());
    assert_eq!(outcome(session.call_tool(within.clone()).await), good());
    // a refusal is of one message: the session goes on
    let elsewhere = call("read_file", &json!({"path": "/secret"}));
    assert_eq!(outcome(session.call_tool(elsewhere).await), refused(403, "tool_refused"));
    let climbing = call("read_file", &json!({"path": "/reports/../secret"}));
    assert_eq!(outcome(session.call_tool(climbing).await), refused(403, "tool_refused"));
    let more = call("read_file", &json!({"path": "/reports/q1.csv", "as": "root"}));
    assert_eq!(outcome(session.call_tool(more).await), refused(403, "tool_refused"));
    let other = call("write_file", &json!({"path": "/reports/q1.csv"}));
    assert_eq!(outcome(session.call_tool(other).await), refused(403, "tool_refused"));
    assert!(session.list_all_tools().await.unwrap().is_empty(), "listing is no call");
    // what is no call at all is not among an agent's tools
    let resources = session.list_all_resources().await.unwrap_err();
    assert_eq!(mcp::refusal(&resources).and_then(mcp::Refusal::reason), Some("tool_refused"));
    assert_eq!(outcome(session.call_tool(within).await), good());
    session.cancel().await.unwrap();

    // who has no scope there does not get in
    let transport = world.agent().mcp(&world.url, &["files:write"]).unwrap();
    let error = ().serve(transport).await.unwrap_err();
    assert!(mcp::refusal_at_start(&error).is_none() && error.to_string().contains("invalid_scope"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_clients_discover_instead_of_beginning_a_session() {
    let world = World::new().await;
    let transport = world.agent().mcp(&world.url, &[SCOPE]).unwrap();
    let lifecycle = ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::LATEST] };
    let session = ().serve_with_lifecycle(transport, lifecycle).await.unwrap();
    let within = call("read_file", &json!({"path": "/reports/q1.csv"}));
    assert_eq!(outcome(session.call_tool(within).await), Ok(r#"read_file {"path":"/reports/q1.csv"}"#.to_owned()));
    let elsewhere = call("read_file", &json!({"path": "/secret"}));
    assert_eq!(outcome(session.call_tool(elsewhere).await), refused(403, "tool_refused"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_the_authority_it_began_with() {
    let world = World::new().await;
    let session = world.session().await;
    let within = call("read_file", &json!({"path": "/reports/q1.csv"}));
    assert!(outcome(session.call_tool(within.clone()).await).is_ok());
    world.site.ok(&["revoke", "agent", &world.agent().did().to_string(), "--yes"]);
    tokio::time::timeout(PATIENCE, async {
        while outcome(session.call_tool(within.clone()).await) != refused(401, "agent_revoked") {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    // and no other token is had for it
    let after = session.call_tool(within).await.unwrap_err();
    assert!(mcp::refusal(&after).is_none() && after.to_string().contains("agent_revoked"), "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_of_a_session_is_revoked_and_it_goes_on_with_another() {
    let world = World::new().await;
    let (session, sibling) = (world.session().await, world.session().await);
    let within = call("read_file", &json!({"path": "/reports/q1.csv"}));
    let token_of = async |session: &RunningService<RoleClient, ()>| {
        outcome(session.call_tool(within.clone()).await).map(|_| world.last_token())
    };
    let (revoked, others) = (token_of(&session).await.unwrap(), token_of(&sibling).await.unwrap());
    assert_ne!(revoked, others);
    std::fs::write(world.site.file("token.txt"), &revoked).unwrap();
    world.site.ok(&["revoke", "token", "token.txt", "--yes"]);
    // the call that meets the revocation is refused, and says why
    tokio::time::timeout(PATIENCE, async {
        loop {
            match token_of(&session).await {
                Ok(token) => assert_eq!(token, revoked, "another token before anybody refused this one"),
                Err(refusal) => break assert_eq!(refusal, (401, "token_revoked".to_owned())),
            }
        }
    })
    .await
    .unwrap();
    // the next comes with another token, in the same session
    let renewed = token_of(&session).await.unwrap();
    assert!(renewed != revoked && renewed != others);
    // nothing else was stopped
    assert_eq!(token_of(&sibling).await.unwrap(), others);
    let refused: Vec<_> = world.server.decisions().refused().iter().map(|count| count.reason).collect();
    assert_eq!(refused, ["token_revoked"]);
}

/// The beginning of a session, signed by hand: proofs are dated as asked for.
struct ByHand {
    url: String,
    token: String,
    signer: ProofSigner,
}

impl ByHand {
    async fn new(world: &World) -> Self {
        let agent = world.agent();
        let key = SigningKey::from_private_jwk(&agent.key_file().key.expose_private_jwk().unwrap()).unwrap();
        let tokens = agent.tokens(TokenRequest::new(&world.url, &[SCOPE]).unwrap()).unwrap();
        let token = tokens.token().await.unwrap().expose().to_owned();
        Self { url: world.url.clone(), token, signer: ProofSigner::new(key) }
    }

    /// What a proof made so many seconds from now gets: the status, and the reason of a refusal by the layer.
    async fn begins(&self, made: i64, field: (&str, &str)) -> (u16, Option<String>) {
        let request = ProofRequest {
            method: "POST",
            target: &Target::parse(&self.url).unwrap(),
            token_hash: Some(ContentHash::of(self.token.as_bytes())),
            nonce: None,
            delegation_hash: None,
            content_digest: None,
        };
        let made_at = UnixTime::from_secs(SystemClock.now().as_secs().saturating_add_signed(made));
        let proof = self.signer.sign(&request, made_at, &mut OsRandom).unwrap();
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "by hand", "version": "1"},
        }});
        let sent = plain().post(&self.url).json(&message).header("dpop", proof).header(field.0, field.1);
        let sent = sent.header("authorization", format!("DPoP {}", self.token));
        let answer = sent.header("accept", "application/json, text/event-stream").send().await.unwrap();
        let status = answer.status().as_u16();
        let is_problem = answer.headers().get("content-type").is_some_and(|is| is == "application/problem+json");
        let problem: Value = if is_problem { answer.json().await.unwrap() } else { Value::Null };
        (status, problem["reason"].as_str().map(str::to_owned))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_have_the_window_of_the_profile() {
    let world = World::new().await;
    let by_hand = ByHand::new(&world).await;
    // the second that may pass between proof and check is on the side where it changes nothing
    for (made, expected) in [
        (0, (200, None)),
        (-61, (200, None)),
        (-299, (200, None)),
        (-301, (401, Some("proof_stale"))),
        (60, (200, None)),
        (62, (401, Some("proof_from_future"))),
    ] {
        let (status, reason) = by_hand.begins(made, ("x-any", "field")).await;
        assert_eq!((status, reason.as_deref()), expected, "{made}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_origins_and_other_names_of_the_host_are_refused_behind_the_layer() {
    let world = World::new().await;
    let by_hand = ByHand::new(&world).await;
    let own = world.url.strip_suffix("/mcp").unwrap().to_owned();
    assert_eq!(by_hand.begins(0, ("origin", &own)).await.0, 200);
    // the layer let both pass: good token, good proof
    assert_eq!(by_hand.begins(0, ("origin", "https://evil.example")).await, (403, None));
    assert_eq!(by_hand.begins(0, ("host", "evil.example")).await, (403, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_is_at_the_path_of_the_server() {
    let world = World::new().await;
    let place = world.url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp");
    let document: Value = serde_json::from_str(&get(&place)).unwrap();
    assert_eq!(
        (document["resource"].as_str(), document["authorization_servers"][0].as_str()),
        (Some(&*world.url), Some(&*world.site.issuer))
    );
    let answer = plain().post(&world.url).body("{}").send().await.unwrap();
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
    assert!(challenge.contains(&format!("resource_metadata=\"{place}\"")), "{challenge}");
}
