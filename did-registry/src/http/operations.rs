//! Health, metrics, and what a browser sees at the root.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use handfast_fetch::DidResolver;
use handfast_identity::signature_backend;
use handfast_registry_model::Refusal;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde_json::json;

use super::{App, Failure};
use crate::metrics::Readings;
use crate::state::unavailable;

const METRICS_MEDIA_TYPE: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// `GET /`
pub(super) async fn landing(State(app): State<App>) -> Response {
    Json(json!({
        "service": "handfast registry",
        "version": env!("CARGO_PKG_VERSION"),
        "issuer": app.config.issuer(),
        "metadata": app.config.url("/.well-known/oauth-authorization-server"),
        "openapi": app.config.url("/openapi.json"),
    }))
    .into_response()
}

/// `GET /livez`: the process answers. It says how its signatures are checked too: a build without the fast arithmetic works, slowly.
pub(super) async fn livez() -> String {
    format!("ok\nsignatures {}\n", signature_backend())
}

/// `GET /readyz`: the store can be read and written.
pub(super) async fn readyz(State(app): State<App>) -> Result<&'static str, Failure> {
    app.state.health().await.map_err(|error| unavailable(&error))?;
    Ok("ok\n")
}

/// `GET /metrics`: the Prometheus text format. It names no agent and no owner; keep it from the public all the same.
pub(super) async fn metrics(State(app): State<App>) -> Result<Response, Failure> {
    let positions = *app.book.positions().borrow();
    let remembered = app.guard.remembered();
    let (documents, document_bytes) = app.resolver.as_ref().map(DidResolver::held).unwrap_or_default();
    let readings = Readings {
        feed_position: positions.feed_to,
        log_size: positions.log_size,
        replay_held: u64::try_from(app.replay.held()).unwrap_or(u64::MAX),
        held: vec![
            ("tokens", remembered.tokens),
            ("chains", remembered.chains),
            ("headers", remembered.headers),
            ("keys", remembered.keys),
            ("introspections", app.introspections.held().unwrap_or_default()),
            ("documents", documents),
            ("uses", app.usage.held()),
            ("sources", app.rates.held() + app.lookups.held()),
            ("revoking_owners", app.stop_pace.held()),
        ],
        held_bytes: vec![
            ("tokens", remembered.token_bytes),
            ("chains", remembered.chain_bytes),
            ("headers", remembered.header_bytes),
            ("keys", remembered.key_bytes),
            ("documents", u64::try_from(document_bytes).unwrap_or(u64::MAX)),
        ],
    };
    let text = app.metrics.text(&readings).map_err(|_| Refusal::StoreUnavailable)?;
    Ok(([(CONTENT_TYPE, METRICS_MEDIA_TYPE)], text).into_response())
}
