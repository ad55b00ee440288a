//! A server of the Model Context Protocol with one tool: `cargo run --example mcp_server ISSUER FEED_KEY URL`, the URL with its path.

use axum::Router;
use handfast_identity::DidKey;
use handfast_middleware::server::{ServerLimits, serve};
use handfast_middleware::{Authorized, Mode, Profile, ResourceMetadata, ResourceServer, TrustedIssuer};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler};
use serde_json::{Value, json};

struct Files;

impl ServerHandler for Files {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let Value::Object(schema) = json!({"type": "object", "properties": {"path": {"type": "string"}}}) else {
            return Err(ErrorData::internal_error("no schema", None));
        };
        Ok(ListToolsResult::with_all_items(vec![Tool::new("read_file", "reads a file", schema)]))
    }

    /// Tool and arguments are those that were checked, and not read a second time.
    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let parts = context.extensions.get::<http::request::Parts>();
        let authorized = parts.and_then(|parts| parts.extensions.get::<Authorized>());
        let call = authorized.and_then(Authorized::tool_call);
        let call = call.ok_or_else(|| ErrorData::internal_error("this route is not protected", None))?;
        match (call.tool.as_str(), call.arguments.get("path").and_then(Value::as_str)) {
            ("read_file", Some(path)) => {
                let text = ContentBlock::text(format!("{path} as it might be"));
                Ok(CallToolResult::success(vec![text]).into())
            }
            ("read_file", None) => Err(ErrorData::invalid_params("`path` is missing", None)),
            _ => Err(ErrorData::invalid_params("no such tool", None)),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (issuer, feed_key) = (arguments.next().ok_or("which issuer?")?, arguments.next().ok_or("which feed key?")?);
    let url = arguments.next().ok_or("under which URL?")?;
    let address = url.strip_prefix("http://").ok_or("for trying out: `http://`, an address and a path")?;
    let (address, path) = address.split_once('/').ok_or("for trying out: `http://`, an address and a path")?;
    let (base, path) = (format!("http://{address}"), format!("/{path}"));

    let trust = TrustedIssuer::single(&issuer, DidKey::parse(&feed_key)?);
    let server = ResourceServer::builder(&url, &base).trust(trust).mode(Mode::Development).profile(Profile::Mcp);
    let metadata = ResourceMetadata::new().applies_tools().name("Files, for trying out");
    let server = server.publish_metadata(metadata).start().await?;

    let config = StreamableHttpServerConfig::default().with_allowed_hosts([address]).with_allowed_origins([&base]);
    let mcp = StreamableHttpService::new(|| Ok(Files), LocalSessionManager::default().into(), config);
    let app = Router::new().route_service(&path, mcp).layer(server.mcp("files:read")?).merge(server.metadata_routes());

    let listener = tokio::net::TcpListener::bind(address).await?;
    serve(listener, app, ServerLimits::default(), std::future::pending()).await;
    Ok(())
}
