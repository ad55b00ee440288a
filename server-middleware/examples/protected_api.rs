//! An axum service that lets nobody in but agents of one registry: `cargo run --example protected_api ISSUER FEED_KEY`.

use axum::{Router, routing::get};
use handfast_identity::DidKey;
use handfast_middleware::server::{ServerLimits, serve};
use handfast_middleware::{Caller, Mode, ResourceServer, TrustedIssuer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (issuer, feed_key) = (arguments.next().ok_or("which issuer?")?, arguments.next().ok_or("which feed key?")?);
    let trust = TrustedIssuer::single(&issuer, DidKey::parse(&feed_key)?);
    let url = "http://127.0.0.1:4700";
    let server = ResourceServer::builder(url, url).trust(trust).mode(Mode::Development).start().await?;
    let app = Router::new().route("/files", get(files)).layer(server.scope("files:read")?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:4700").await?;
    serve(listener, app, ServerLimits::default(), std::future::pending()).await;
    Ok(())
}

async fn files(caller: Caller) -> String {
    format!("files of {}, read by {}\n", caller.subject(), caller.client_id())
}
