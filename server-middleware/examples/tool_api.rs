//! An axum service whose route is one tool: `cargo run --example tool_api ISSUER FEED_KEY URL`.

use std::num::NonZeroU32;

use axum::{Router, routing::get};
use handfast_delegation::Scope;
use handfast_identity::DidKey;
use handfast_middleware::server::{ServerLimits, serve};
use handfast_middleware::{DriftPolicy, Mode, ResourceServer, RouteRule, ToolArguments, ToolRoute, TrustedIssuer};

#[derive(serde::Deserialize)]
struct ReadFile {
    path: String,
}

async fn file(ToolArguments(ReadFile { path }): ToolArguments<ReadFile>) -> String {
    format!("{path} as it might be\n")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (issuer, feed_key) = (arguments.next().ok_or("which issuer?")?, arguments.next().ok_or("which feed key?")?);
    let url = arguments.next().ok_or("under which URL?")?;
    let trust = TrustedIssuer::single(&issuer, DidKey::parse(&feed_key)?);

    let drift = DriftPolicy { suspend_after: NonZeroU32::new(3), halt_after: NonZeroU32::new(10) };
    let server = ResourceServer::builder(&url, &url).trust(trust).mode(Mode::Development).drift(drift).start().await?;
    let read_file = ToolRoute::named("read_file").path("/files/{*path}");
    let rule = RouteRule::agents(Scope::parse("files:read")?).tool(read_file)?;
    let app = Router::new().route("/files/{*path}", get(file)).layer(server.protect(rule));

    let address = url.strip_prefix("http://").ok_or("for trying out: `http://` and an address")?;
    let listener = tokio::net::TcpListener::bind(address).await?;
    serve(listener, app, ServerLimits::default(), std::future::pending()).await;
    Ok(())
}
