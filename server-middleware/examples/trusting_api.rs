//! An axum service that takes the tokens of every issuer in a file: `cargo run --example trusting_api TRUST_FILE URL`.

use std::io::Write;

use axum::{Router, routing::get};
use handfast_middleware::server::{ServerLimits, serve};
use handfast_middleware::{Caller, Mode, ResourceServer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (file, url) = (arguments.next().ok_or("which file?")?, arguments.next().ok_or("under which URL?")?);
    let server = ResourceServer::builder(&url, &url).trust_file(file).mode(Mode::Development).start().await?;
    let app = Router::new().route("/files", get(files)).layer(server.scope("files:read")?);

    let address = url.strip_prefix("http://").ok_or("for trying out: `http://` and an address")?;
    let listener = tokio::net::TcpListener::bind(address).await?;
    writeln!(std::io::stdout(), "serving {url}")?;
    serve(listener, app, ServerLimits::default(), std::future::pending()).await;
    Ok(())
}

/// A subject means something only beside the issuer that named it.
async fn files(caller: Caller) -> String {
    format!("files of {} at {}\n", caller.subject(), caller.issuer())
}
