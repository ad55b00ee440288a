//! A transport for clients of the Model Context Protocol that are built with `rmcp` (feature `mcp`): every message is a request of
//! the signing client, with a token and a proof of its own.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use handfast_client::{Agent, mcp};
//! use rmcp::ServiceExt;
//! use rmcp::model::CallToolRequestParams;
//!
//! let agent = Agent::load("agent.json")?;
//! let session = ().serve(agent.mcp("https://api.example/mcp", &["files:read"])?).await?;
//! let refused = session.call_tool(CallToolRequestParams::new("delete_everything")).await.err();
//! assert_eq!(refused.as_ref().and_then(mcp::refusal).and_then(|refusal| refusal.reason()), Some("tool_refused"));
//! # Ok(())
//! # }
//! ```
//!
//! The transport adds nothing to what the signing client allows: credentials go to the origin of the server's identifier alone,
//! redirects stop, and a token that a caller of `rmcp` sets is refused, for there would be two.

mod error;
mod events;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use futures_util::stream::BoxStream;
use http::header::{ACCEPT, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use reqwest::Response;
use reqwest_middleware::{ClientWithMiddleware, RequestBuilder};
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, ErrorData, ServerJsonRpcMessage};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::{
    InsufficientScopeError, SseError, StreamableHttpClient, StreamableHttpClientTransportConfig, StreamableHttpError,
    StreamableHttpPostResponse, StreamableHttpResponseLimits,
};
use sse_stream::Sse;

pub use error::{McpError, Refusal, refusal, refusal_at_start};

use crate::agent::Agent;
use crate::error::{ClientError, SignError};

const SESSION_FIELD: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT_FIELD: HeaderName = HeaderName::from_static("last-event-id");
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
const EITHER: HeaderValue = HeaderValue::from_static("text/event-stream, application/json");
/// What `rmcp` sets in every message of its own accord, among fields that callers may not.
const OF_THE_TRANSPORT: [HeaderName; 3] = [ACCEPT, SESSION_FIELD, LAST_EVENT_FIELD];

type Failure = StreamableHttpError<McpError>;

/// The signing client, as `rmcp` sends messages. Made by [`Agent::mcp`], or of any other signing client.
#[derive(Clone)]
pub struct SignedMcp(ClientWithMiddleware);

impl SignedMcp {
    /// Messages go through `http`: what [`AgentHttp::build`](crate::AgentHttp::build) gives, whatever its tokens are.
    #[must_use]
    pub const fn new(http: ClientWithMiddleware) -> Self {
        Self(http)
    }

    /// A transport to the server at `url`, started on the current tokio runtime.
    #[must_use]
    pub fn to(self, url: &str) -> StreamableHttpClientTransport<Self> {
        StreamableHttpClientTransport::with_client(self, StreamableHttpClientTransportConfig::with_uri(url))
    }
}

impl Agent {
    /// A transport to the server whose identifier and URL is `resource`, with tokens for `scopes` there. Runs on the current tokio
    /// runtime; nothing is sent before it is served.
    ///
    /// # Errors
    ///
    /// As [`Agent::http`].
    pub fn mcp(
        &self,
        resource: &str,
        scopes: &[&str],
    ) -> Result<StreamableHttpClientTransport<SignedMcp>, ClientError> {
        Ok(SignedMcp::new(self.http(resource, scopes)?).to(resource))
    }
}

impl fmt::Debug for SignedMcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedMcp")
    }
}

impl StreamableHttpClient for SignedMcp {
    type Error = McpError;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        fields: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, Failure> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(uri, message, session, token, fields, limits).await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        fields: HashMap<HeaderName, HeaderValue>,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, Failure> {
        let body = serde_json::to_vec(&message)?;
        let request = self.0.post(&*uri).header(ACCEPT, EITHER).header(CONTENT_TYPE, JSON).body(body);
        let answer = send(request, session.as_deref(), token.as_deref(), fields).await?;
        let status = answer.status();
        if matches!(status, StatusCode::ACCEPTED | StatusCode::NO_CONTENT) {
            return Ok(StreamableHttpPostResponse::Accepted);
        }
        if status == StatusCode::NOT_FOUND && session.is_some() {
            return Err(StreamableHttpError::SessionExpired);
        }
        if !status.is_success() {
            return refused(answer, &message, session.is_some(), &limits).await;
        }
        let session = text_of(&answer, &SESSION_FIELD);
        let wants_answer = matches!(message, ClientJsonRpcMessage::Request(_));
        match media_type(&answer) {
            Some(found) if found == EVENTS => {
                Ok(StreamableHttpPostResponse::Sse(events::of(answer, limits.max_sse_event_size), session))
            }
            Some(found) if found == JSON => {
                let body = whole(answer, limits.max_json_response_size).await?;
                match serde_json::from_slice::<ServerJsonRpcMessage>(&body) {
                    Ok(message) => Ok(StreamableHttpPostResponse::Json(message, session)),
                    // nobody waits for what came back
                    Err(_) if !wants_answer => Ok(StreamableHttpPostResponse::Accepted),
                    Err(error) => Err(error.into()),
                }
            }
            _ if !wants_answer => Ok(StreamableHttpPostResponse::Accepted),
            found => Err(StreamableHttpError::UnexpectedContentType(found)),
        }
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        token: Option<String>,
        fields: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), Failure> {
        let answer = send(self.0.delete(&*uri), Some(&session), token.as_deref(), fields).await?;
        match answer.status() {
            // the server ends sessions by itself
            StatusCode::METHOD_NOT_ALLOWED => Ok(()),
            status if status.is_success() => Ok(()),
            _ => Err(StreamableHttpError::Client(refusal_of(answer, &StreamableHttpResponseLimits::default()).await?)),
        }
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        token: Option<String>,
        fields: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, Failure> {
        let limit = StreamableHttpResponseLimits::default().max_sse_event_size;
        self.get_stream_with_max_sse_event_size(uri, session, last_event, token, fields, limit).await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        token: Option<String>,
        fields: HashMap<HeaderName, HeaderValue>,
        max_event_bytes: usize,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, Failure> {
        let mut request = self.0.get(&*uri).header(ACCEPT, EITHER);
        if let Some(last) = last_event {
            request = request.header(LAST_EVENT_FIELD, last);
        }
        let answer = send(request, session.as_deref(), token.as_deref(), fields).await?;
        match (answer.status(), text_of(&answer, &WWW_AUTHENTICATE)) {
            (StatusCode::METHOD_NOT_ALLOWED, _) => Err(StreamableHttpError::ServerDoesNotSupportSse),
            // the same again would be refused again; a 401 may pass with the next token
            (StatusCode::FORBIDDEN, Some(challenge)) => {
                Err(StreamableHttpError::InsufficientScope(InsufficientScopeError::new(challenge, None)))
            }
            (status, _) if !status.is_success() => {
                Err(StreamableHttpError::Client(refusal_of(answer, &StreamableHttpResponseLimits::default()).await?))
            }
            _ => match media_type(&answer) {
                Some(found) if found == EVENTS => Ok(events::of(answer, max_event_bytes)),
                found => Err(StreamableHttpError::UnexpectedContentType(found)),
            },
        }
    }
}

/// Sends a request with the fields of the transport and those of its caller.
async fn send(
    request: RequestBuilder,
    session: Option<&str>,
    token: Option<&str>,
    fields: HashMap<HeaderName, HeaderValue>,
) -> Result<Response, Failure> {
    if token.is_some() {
        let error = SignError::FieldPresent { field: "authorization" };
        return Err(StreamableHttpError::Client(ClientError::from(error).into()));
    }
    let mut request = request;
    for (name, value) in fields {
        if OF_THE_TRANSPORT.contains(&name) {
            return Err(StreamableHttpError::ReservedHeaderConflict(name.to_string()));
        }
        request = request.header(name, value);
    }
    if let Some(session) = session {
        request = request.header(SESSION_FIELD, session);
    }
    request.send().await.map_err(|error| StreamableHttpError::Client(ClientError::from(error).into()))
}

/// What a refused message comes to: the JSON-RPC error that the server sent, or the refusal of whoever stands before it.
async fn refused(
    answer: Response,
    message: &ClientJsonRpcMessage,
    has_session: bool,
    limits: &StreamableHttpResponseLimits,
) -> Result<StreamableHttpPostResponse, Failure> {
    let status = answer.status();
    let is_about_credentials = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    if media_type(&answer).as_deref() == Some(JSON) && !is_about_credentials {
        let body = whole(answer, limits.max_json_response_size).await?;
        return match serde_json::from_slice(&body) {
            Ok(ServerJsonRpcMessage::Error(error)) => {
                let error = as_legacy(message, has_session, status).map_or_else(
                    || ServerJsonRpcMessage::Error(error.clone()),
                    |id| ServerJsonRpcMessage::error(error.error.clone(), Some(id)),
                );
                Ok(StreamableHttpPostResponse::Json(error, None))
            }
            _ => Err(StreamableHttpError::Client(Refusal::of_body(status, &body).into())),
        };
    }
    if let Some(id) = as_legacy(message, has_session, status) {
        let error = ErrorData::invalid_request(format!("server/discover was answered with status {status}"), None);
        return Ok(StreamableHttpPostResponse::Json(ServerJsonRpcMessage::error(error, Some(id)), None));
    }
    Err(StreamableHttpError::Client(refusal_of(answer, limits).await?))
}

/// The id of a discovery that a server of an older protocol did not understand: `rmcp` then begins the older way. What is refused
/// for its credentials, or by a server in trouble, is no such sign.
fn as_legacy(message: &ClientJsonRpcMessage, has_session: bool, status: StatusCode) -> Option<rmcp::model::RequestId> {
    let is_sign = !has_session
        && status.is_client_error()
        && !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS);
    match message {
        ClientJsonRpcMessage::Request(request) if is_sign => {
            matches!(request.request, ClientRequest::DiscoverRequest(_)).then(|| request.id.clone())
        }
        _ => None,
    }
}

async fn refusal_of(answer: Response, limits: &StreamableHttpResponseLimits) -> Result<McpError, Failure> {
    let status = answer.status();
    let retry_after = text_of(&answer, &http::header::RETRY_AFTER).and_then(|text| text.parse().ok());
    // a longer body is no problem document
    let body = whole(answer, limits.max_error_response_size).await.unwrap_or_default();
    Ok(Refusal::of_body(status, &body).with_retry_after(retry_after).into())
}

/// The whole body, if it has at most `limit` bytes.
async fn whole(mut answer: Response, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(broken)? {
        if part.len() > limit.saturating_sub(body.len()) {
            return Err(StreamableHttpError::ResponseBodyTooLarge { max_size: limit });
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

fn broken(error: reqwest::Error) -> Failure {
    StreamableHttpError::Client(ClientError::Transport(error.into()).into())
}

/// The media type without its parameters, in small letters.
fn media_type(answer: &Response) -> Option<String> {
    let text = text_of(answer, &CONTENT_TYPE)?;
    Some(text.split(';').next().unwrap_or_default().trim_matches([' ', '\t']).to_ascii_lowercase())
}

fn text_of(answer: &Response, name: &HeaderName) -> Option<String> {
    answer.headers().get(name)?.to_str().ok().map(str::to_owned)
}
