//! The protected API: it knows the registry's URL and feed key, and nothing else about anybody.

use std::future::Future;
use std::time::Duration;

use axum::extract::{OriginalUri, State};
use axum::http::Method;
use axum::routing::get;
use axum::{Json, Router};
use handfast_delegation::{ActorChain, Scope, Task};
use handfast_identity::DidKey;
use handfast_middleware::server::{ServerLimits, serve};
use handfast_middleware::{
    Caller, Mode, ResourceMetadata, ResourceServer, RouteRule, ToolArguments, ToolRoute, TrustedIssuer,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{OTHER_SCOPE, READ_FILE, READ_SCOPE, failed};
use crate::exit::Failure;

/// How long the API may take to learn keys and revocations from a registry on the same machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts the API and waits until it can decide.
pub(crate) async fn start(
    listener: TcpListener,
    origin: &str,
    issuer: &str,
    feed_key: DidKey,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> Result<JoinHandle<()>, Failure> {
    let scopes = Scope::parse(&format!("{READ_SCOPE} {OTHER_SCOPE}")).map_err(|error| failed("no api", error))?;
    let metadata = ResourceMetadata::new().scopes(&scopes).name("handfast, an API to try").applies_tools();
    let server = ResourceServer::builder(origin, origin)
        .publish_metadata(metadata)
        .trust(TrustedIssuer::single(issuer, feed_key))
        .mode(Mode::Development)
        .start()
        .await
        .map_err(|error| failed("no api", error))?;
    let scope = |scope| server.scope(scope).map_err(|error| failed("no api", error));
    let read_file = Scope::parse(READ_SCOPE).map(RouteRule::agents).map_err(|error| failed("no api", error))?;
    let read_file = read_file.tool(ToolRoute::named(READ_FILE).path("/files/{*path}"));
    let read_file = read_file.map_err(|error| failed("no api", error))?;
    let app = Router::new()
        .route("/files/{*path}", get(file).layer(server.protect(read_file)))
        .route("/echo", get(echo).post(echo).layer(scope(READ_SCOPE)?))
        .route("/other", get(echo).post(echo).layer(scope(OTHER_SCOPE)?))
        .merge(server.metadata_routes())
        .with_state(origin.to_owned());
    let ready = tokio::time::timeout(PATIENCE, server.ready()).await;
    ready.map_err(|_| failed("no api", "it heard nothing usable from the registry"))?;
    Ok(tokio::spawn(serve(listener, app, ServerLimits::default(), stopped)))
}

/// What the check found out about the caller.
#[derive(Serialize)]
struct Echo {
    iss: String,
    sub: String,
    client_id: String,
    handle: Option<String>,
    actors: Vec<String>,
    task: Option<Task>,
    scope: Vec<String>,
    proof_id: String,
    token_id: String,
    method: String,
    target: String,
}

async fn echo(
    caller: Caller,
    State(origin): State<String>,
    OriginalUri(uri): OriginalUri,
    method: Method,
) -> Json<Echo> {
    Json(Echo {
        iss: caller.issuer().to_owned(),
        sub: caller.subject().to_owned(),
        client_id: caller.client_id().to_owned(),
        handle: caller.handle().map(str::to_owned),
        actors: caller.actors().into_iter().flat_map(ActorChain::iter).map(str::to_owned).collect(),
        task: caller.task().cloned(),
        scope: caller.scope().tokens().map(str::to_owned).collect(),
        proof_id: caller.proof_id().to_owned(),
        token_id: caller.token_id().to_owned(),
        method: method.to_string(),
        target: format!("{origin}{}", uri.path()),
    })
}

#[derive(Deserialize)]
struct ReadFile {
    path: String,
}

/// The path is the one that was compared with the caller's tools, not the one in the request line.
async fn file(ToolArguments(ReadFile { path }): ToolArguments<ReadFile>) -> String {
    format!("{path} as it might be\n")
}
