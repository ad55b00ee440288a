//! The service: reads the evidence, has it decided, and lets the request through or answers it.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use handfast_dpop::Nonce;
use handfast_verifier::{Authorized, ChallengeTerms};
use http::header::AUTHORIZATION;
use http::{Request, StatusCode};
use tower_service::Service;

use super::Protect;
use super::ending::{Watch, ending, time_left};
use crate::Problem;
use crate::answer::{hand_out, refuse};
use crate::request::{Presented, body_limit, read_body};

/// A service behind a check. Every request that reaches `inner` has an [`Authorized`] and its public
/// [`Target`](handfast_dpop::Target) in its extensions.
#[derive(Clone, Debug)]
pub struct Guard<S> {
    pub(super) inner: S,
    pub(super) protect: Protect,
}

impl<S, B, R> Service<Request<B>> for Guard<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let protect = self.protect.clone();
        // the service that was polled ready is the one to call
        let spare = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, spare);
        Box::pin(async move {
            match admit(&protect, request).await {
                Ok(Admitted { request, nonce, left, watch }) => {
                    let response = inner.call(request).await?;
                    Ok(served(response, nonce.as_ref(), left, watch))
                }
                Err(response) => Ok(response),
            }
        })
    }
}

/// What goes on to the service, and what its answer needs.
struct Admitted {
    /// The request with its [`Authorized`].
    request: Request<Body>,
    /// The nonce its answer should carry.
    nonce: Option<Nonce>,
    /// How long its answer may go on.
    left: Duration,
    /// What it may go on as long as.
    watch: Watch,
}

async fn admit<B>(protect: &Protect, request: Request<B>) -> Result<Admitted, Response>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let Protect { server, rule } = protect;
    let (mut parts, body) = request.into_parts();
    if parts.extensions.get::<Authorized>().is_some() {
        return Err(guarded_twice());
    }
    // a request without credentials is refused whatever its body holds: it is not worth reading
    let has_credentials = parts.headers.contains_key(AUTHORIZATION);
    let limit = body_limit(&parts.headers, rule, server.shared.content_limit).filter(|_| has_credentials);
    let (body, bytes) = if let Some(limit) = limit {
        let bytes = read_body(body, limit).await.map_err(|error| {
            let problem = error.problem();
            server.shared.decisions.count_refused(problem.reason);
            problem.into_response()
        })?;
        (Body::from(bytes.clone()), Some(bytes))
    } else {
        (Body::new(body), None)
    };
    let presented = Presented::of(&parts, bytes.as_ref());
    match server.shared.examine(&presented, rule).await {
        Ok(admission) => {
            let left = time_left(admission.authorized.expires_at(), server.shared.clock.now());
            let watch =
                Watch { server: server.clone(), authorized: admission.authorized.clone(), token: admission.token };
            parts.extensions.insert(admission.authorized);
            parts.extensions.insert(admission.target);
            Ok(Admitted { request: Request::from_parts(parts, body), nonce: admission.nonce, left, watch })
        }
        Err(refusal) => {
            let terms = ChallengeTerms {
                resource_metadata: server.shared.resource_metadata.as_deref(),
                wants_content_digest: rule.binds_content(),
            };
            Err(refuse(refusal.rejection, refusal.nonce.as_ref(), &terms))
        }
    }
}

fn served<R>(response: Response<R>, nonce: Option<&Nonce>, left: Duration, watch: Watch) -> Response
where
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    let mut response = response.map(|body| ending(Body::new(body), left, watch));
    if let Some(nonce) = nonce {
        hand_out(nonce, response.headers_mut());
    }
    response
}

/// The proof was used up by the layer further out; checking it again would call an honest caller a replay.
fn guarded_twice() -> Response {
    tracing::error!(reason = "route_guarded_twice", "two `Protect` layers are around one route");
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let detail = "this route is not set up to be served";
    Problem { status, error: Some("temporarily_unavailable"), reason: "route_guarded_twice", detail }.into_response()
}
