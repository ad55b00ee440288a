//! An axum service for the DPoP-bound tokens of an issuer that never heard of handfast: `cargo run --example rfc9068_api ISSUER URL`.
//! With a file of trust records behind that, those count, and the issuer may be asked about each token (spec/introspection.md).

use std::io::Write;

use axum::{Json, Router, routing::get};
use handfast_delegation::{ResourceId, Scope};
use handfast_middleware::server::{ServerLimits, serve};
use handfast_middleware::{Caller, Mode, ResourceServer, SpeaksFor, TrustedIssuer};
use serde_json::{Value, json};

async fn file(caller: Caller) -> Json<Value> {
    let scope: Vec<_> = caller.scope().tokens().collect();
    Json(json!({"iss": caller.issuer(), "sub": caller.subject(), "client_id": caller.client_id(), "scope": scope}))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (issuer, url) = (arguments.next().ok_or("which issuer?")?, arguments.next().ok_or("under which URL?")?);
    let builder = ResourceServer::builder(&url, &url).mode(Mode::Development);
    let few = TrustedIssuer {
        resources: SpeaksFor::Only(vec![ResourceId::parse(&url)?]),
        scopes: SpeaksFor::Only(Scope::parse("files:read files:list")?),
        ..TrustedIssuer::rfc9068(&issuer)
    };
    let trusting = match arguments.next() {
        Some(file) => builder.trust_file(file),
        None => builder.trust(few),
    };
    let server = trusting.start().await?;
    let app = Router::new().route("/files/{name}", get(file)).layer(server.scope("files:read")?);

    let address = url.strip_prefix("http://").ok_or("for trying out: `http://` and an address")?;
    let listener = tokio::net::TcpListener::bind(address).await?;
    server.ready().await;
    writeln!(std::io::stdout(), "serving {url}")?;
    serve(listener, app, ServerLimits::default(), std::future::pending()).await;
    Ok(())
}
