//! Tools on the route over HTTP: a handler gets exactly what was checked, or does not run.

#![allow(clippy::unwrap_used, clippy::panic)] // constants of the tests, and what must not happen

mod common;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::routing::any;
use common::{Api, SCOPE, refused, send, with_credentials};
use handfast_delegation::{Scope, Tools};
use handfast_middleware::{ArgumentKind, Caller, RouteRule, ToolArguments, ToolRoute};
use serde_json::{Value, json};

/// What came of a request: status, and what the handler saw or the reason.
type Outcome = (u16, String);

fn rule(tool: ToolRoute) -> RouteRule {
    RouteRule::agents(Scope::parse(SCOPE).unwrap()).tool(tool).unwrap()
}

/// The call as the layer handed it over, then the body as it is left for the handler.
async fn shown(caller: Caller, body: Bytes) -> String {
    let call = caller.tool_call().map(|call| format!("{} {}", call.tool, Value::Object(call.arguments.clone())));
    format!("{} {}", call.unwrap_or_else(|| "nothing".to_owned()), String::from_utf8_lossy(&body))
}

/// A request by a caller with these tools (`null`: without any) to a route of `tool`.
struct Sent<'a> {
    tool: ToolRoute,
    given: Value,
    path: &'a str,
    media_types: &'a [&'a str],
    body: Body,
}

impl Sent<'_> {
    fn to(tool: ToolRoute, path: &str) -> Sent<'_> {
        Sent { tool, given: Value::Null, path, media_types: &[], body: Body::empty() }
    }

    async fn outcome(self) -> Outcome {
        let api = Api::new().await;
        let app = Router::new().fallback(any(shown)).layer(api.server.protect(rule(self.tool)));
        let mut claims = api.claims();
        if !self.given.is_null() {
            let details = json!([{"type": "attenuating_agent_token", "tools": self.given}]);
            claims.authority.tools = Some(Tools::from_details(&details).unwrap());
        }
        let token = api.issuer.sign(&claims);
        let proof = api.proof("POST", self.path, &token);
        let mut request = with_credentials("POST", self.path, &token, &proof).map(|_| self.body);
        for media_type in self.media_types {
            request.headers_mut().append("content-type", media_type.parse().unwrap());
        }
        let answer = send(&app, request).await;
        let seen = if answer.status == 200 { answer.body.trim_end().to_owned() } else { answer.reason() };
        (answer.status.as_u16(), seen)
    }
}

fn seen(text: &str) -> Outcome {
    (200, text.to_owned())
}

fn ambiguous() -> Outcome {
    refused(400, "arguments_ambiguous")
}

fn tool_refused() -> Outcome {
    refused(403, "tool_refused")
}

#[tokio::test]
async fn segments_rests_and_queries_are_arguments() {
    let given = json!({"read_file": {"path": {"constraint_type": "path_containment", "root": "/reports"}}});
    let limited = json!({"read_file": {
        "path": {"constraint_type": "path_containment", "root": "/reports"},
        "limit": {"constraint_type": "range", "min": 1, "max": 10}
    }});
    let route =
        || ToolRoute::named("read_file").path("/files/{*path}").query("limit", ArgumentKind::Integer).optional();
    for (given, path, expected) in [
        (&given, "/files/reports/q%201.csv", seen(r#"read_file {"path":"/reports/q 1.csv"}"#)),
        (&given, "/files/reports2/q1.csv", tool_refused()),
        (&given, "/files/etc/passwd", tool_refused()),
        (&limited, "/files/reports?limit=10", seen(r#"read_file {"limit":10,"path":"/reports"}"#)),
        (&limited, "/files/reports?limit=11", tool_refused()),
        (&limited, "/files/reports?limit=10&limit=10", ambiguous()),
        (&limited, "/files/reports?limit=10&l%69mit=1", ambiguous()),
        (&limited, "/files/reports?limit=ten", ambiguous()),
        (&limited, "/files/reports?limit=10&other=1", ambiguous()),
        (&limited, "/files/reports?", tool_refused()),
        (&Value::Null, "/files/anything?limit=99", seen(r#"read_file {"limit":99,"path":"/anything"}"#)),
        (&Value::Null, "/files/anything?other=1", ambiguous()),
    ] {
        let sent = Sent { given: given.clone(), ..Sent::to(route(), path) };
        assert_eq!(sent.outcome().await, expected, "{given} {path}");
    }
    let part = ToolRoute::named("part").path("/files/{id}/parts/{n}");
    let expected = seen(r#"part {"id":"a b","n":"é"}"#);
    assert_eq!(Sent::to(part, "/files/a%20b/parts/%C3%A9").outcome().await, expected);
}

#[tokio::test]
async fn no_path_leads_elsewhere() {
    // whatever the constraint says, and also where there is none
    let open = json!({"read_file": {}});
    for path in [
        "/files/reports/../secret",
        "/files/reports/%2e%2e/secret",
        "/files/reports/.%2E/secret",
        "/files/reports/%252e%252e/secret",
        "/files/reports%2f..%2fsecret",
        "/files/reports%252fsecret",
        "/files/reports/./a",
        "/files/reports//a",
        "/files//etc/passwd",
        "/files/reports/",
        "/files/reports/..%5csecret",
        "/files/reports/%5c%5chost",
        "/files/reports/a%00.csv",
        "/files/reports/a%0a",
        "/files/reports/%c0%ae%c0%ae",
        "/files/../files/reports/a",
        "/fil%65s/reports/a",
        "/FILES/reports/a",
        "//files/reports/a",
        "/files",
    ] {
        for given in [&open, &Value::Null] {
            let route = ToolRoute::named("read_file").path("/files/{*path}");
            let sent = Sent { given: given.clone(), ..Sent::to(route, path) };
            assert_eq!(sent.outcome().await, ambiguous(), "{given} {path}");
        }
    }
}

#[tokio::test]
async fn a_router_that_nests_changes_nothing() {
    let api = Api::new().await;
    let tool = ToolRoute::named("read_file").path("/v1/files/{id}");
    let files = Router::new().route("/files/{id}", any(shown)).layer(api.server.protect(rule(tool)));
    let app = Router::new().nest("/v1", files);
    let answer = send(&app, api.request("GET", "/v1/files/a%20b")).await;
    assert_eq!(answer.body.trim_end(), r#"read_file {"id":"a b"}"#);
    let refused_answer = send(&app, api.request("GET", "/v1/files/a%2Fb")).await;
    assert_eq!(refused_answer.outcome(), ambiguous());
}

#[tokio::test]
async fn members_of_a_json_body_are_arguments_and_the_body_stays() {
    const JSON: &[&str] = &["application/json"];
    let given = json!({"send_mail": {
        "to": {"constraint_type": "one_of", "values": ["a@example.com"]},
        "text": {"constraint_type": "wildcard"}
    }});
    let good = r#"{"to":"a@example.com", "text":"hello"}"#;
    let called = seen(&format!(r#"send_mail {{"text":"hello","to":"a@example.com"}} {good}"#));
    for (media_types, body, expected) in [
        (JSON, good, called.clone()),
        (&["Application/JSON; charset=utf-8"], good, called),
        (JSON, r#"{"to":"b@example.com","text":"hello"}"#, tool_refused()),
        (JSON, r#"{"to":"a@example.com","to":"b@example.com","text":""}"#, ambiguous()),
        (JSON, r#"{"to":"a@example.com","t\u006f":"b@example.com","text":""}"#, ambiguous()),
        (JSON, r#"{"to":"a@example.com","text":"","bcc":"b@example.com"}"#, ambiguous()),
        (JSON, r#"{"to":"a@example.com"}"#, ambiguous()),
        (JSON, r#"{"to":"a@example.com","text":7}"#, ambiguous()),
        (JSON, r#"[{"to":"a@example.com","text":""}]"#, ambiguous()),
        (JSON, "", ambiguous()),
        (&[], good, ambiguous()),
        (&["text/plain"], good, ambiguous()),
        (&["application/json; charset=utf-16"], good, ambiguous()),
        (&["application/json", "application/json"], good, ambiguous()),
        (&["application/x-www-form-urlencoded"], "to=a@example.com&text=", ambiguous()),
    ] {
        let tool = ToolRoute::named("send_mail").path("/mail");
        let tool = tool.body("to", ArgumentKind::Any).body("text", ArgumentKind::Text);
        let given = given.clone();
        let sent = Sent { given, media_types, body: Body::from(body.to_owned()), ..Sent::to(tool, "/mail") };
        assert_eq!(sent.outcome().await, expected, "{media_types:?} {body}");
    }
}

#[tokio::test]
async fn bodies_with_arguments_are_bounded() {
    let tool = || ToolRoute::named("note").path("/notes").body("text", ArgumentKind::Text);
    let text = |bytes: usize| format!(r#"{{"text":"{}"}}"#, "x".repeat(bytes - 11));
    let media_types = &["application/json"];
    let sent = |bytes| Sent { media_types, body: Body::from(text(bytes)), ..Sent::to(tool(), "/notes") };
    assert_eq!(sent(64 * 1024).outcome().await.0, 200);
    assert_eq!(sent(64 * 1024 + 1).outcome().await, refused(413, "body_too_large"));
    // what is no argument is not read, and not bounded here
    let raw = ToolRoute::named("put").path("/files/{id}");
    let upload = Sent { body: Body::from("x".repeat(64 * 1024 + 1)), ..Sent::to(raw, "/files/a") };
    assert_eq!(upload.outcome().await.0, 200);
}

#[tokio::test]
async fn a_body_without_credentials_is_not_read() {
    let api = Api::new().await;
    let app = Router::new().fallback(any(shown)).layer(api.server.protect(rule(ToolRoute::mcp())));
    let never = Body::new(Never);
    let request = Request::post("/mcp").header("content-type", "application/json").body(never).unwrap();
    assert_eq!(send(&app, request).await.outcome(), refused(401, "credentials_missing"));
}

/// A body that is not to be asked for.
struct Never;

impl http_body::Body for Never {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        panic!("the body was asked for")
    }
}

#[tokio::test]
async fn messages_of_mcp_name_their_tool_themselves() {
    let given = json!({"read_file": {"path": {"constraint_type": "path_containment", "root": "/reports"}}});
    let call = |path: &str| {
        let params = json!({"name": "read_file", "arguments": {"path": path}});
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    };
    let message = |method: &str| json!({"jsonrpc": "2.0", "id": 1, "method": method});
    let good = call("/reports/a");
    for (given, message, expected) in [
        (&given, &good, seen(&format!(r#"read_file {{"path":"/reports/a"}} {good}"#))),
        (&given, &call("/secret"), tool_refused()),
        (&given, &call("/reports/../secret"), tool_refused()),
        (&given, &json!([good]), ambiguous()),
        (&given, &message("tools/list"), seen(&format!("nothing {}", message("tools/list")))),
        (&given, &message("resources/read"), tool_refused()),
        (&Value::Null, &message("resources/read"), seen(&format!("nothing {}", message("resources/read")))),
    ] {
        let (given, body) = (given.clone(), Body::from(message.to_string()));
        let sent = Sent { given, media_types: &["application/json"], body, ..Sent::to(ToolRoute::mcp(), "/mcp") };
        assert_eq!(sent.outcome().await, expected, "{message}");
    }
}

#[derive(serde::Deserialize)]
struct ReadFile {
    path: String,
    limit: Option<u8>,
}

async fn read_file(ToolArguments(ReadFile { path, limit }): ToolArguments<ReadFile>) -> String {
    format!("{path} {limit:?}")
}

#[tokio::test]
async fn a_handler_takes_its_arguments_typed() {
    let api = Api::new().await;
    let tool = ToolRoute::named("read_file").path("/files/{*path}").query("limit", ArgumentKind::Integer).optional();
    let protected = Router::new().route("/files/{*path}", any(read_file)).layer(api.server.protect(rule(tool)));
    let toolless = Router::new().route("/other", any(read_file)).layer(api.server.scope(SCOPE).unwrap());
    let app = protected.merge(toolless).route("/open", any(read_file));
    let answer = async |path: &str| {
        let answer = send(&app, api.request("GET", path)).await;
        let seen = if answer.status == 200 { answer.body } else { answer.reason() };
        (answer.status.as_u16(), seen)
    };
    assert_eq!(answer("/files/a/b?limit=5").await, seen("/a/b Some(5)"));
    assert_eq!(answer("/files/a").await, seen("/a None"));
    assert_eq!(answer("/files/a?limit=256").await, refused(400, "arguments_unfit"));
    assert_eq!(answer("/other").await, refused(503, "route_without_tool"));
    assert_eq!(answer("/open").await, refused(503, "route_not_protected"));
}
