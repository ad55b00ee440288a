//! What a request calls, compared with what its caller was given, and handed to the handler (spec/delegation.md).
#![allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]

mod support;

use handfast_delegation::{Authority, Tools};
use handfast_dpop::{ContentDigest, ContentHash, ProofRequest, Target};
use handfast_verifier::tools::{ArgumentKind, RequestContent, ToolRoute};
use handfast_verifier::{Authorized, Rejection, RouteRule};
use serde_json::{Value, json};
use support::*;

/// Tools as a token has them; `null` is a token without.
fn tools(of: &Value) -> Option<Tools> {
    let details = json!([{"type": "attenuating_agent_token", "tools": of}]);
    (!of.is_null()).then(|| Tools::from_details(&details).unwrap())
}

fn request(given: &Value) -> Request {
    let mut claims = claims(&agent());
    claims.authority = Authority { tools: tools(given), ..claims.authority };
    Request::with(&claims, &agent())
}

fn server(route: Option<ToolRoute>) -> Server {
    let rule = RouteRule::agents(scope("files:read"));
    Server { route: route.map_or(rule.clone(), |route| rule.tool(route).unwrap()), ..Server::new() }
}

/// The call a handler sees, or the reason why it does not run.
fn outcome(answer: Result<Authorized, Rejection>) -> Result<Option<(String, Value)>, &'static str> {
    let call = |authorized: Authorized| {
        let call = authorized.tool_call()?;
        Some((call.tool.clone(), Value::Object(call.arguments.clone())))
    };
    answer.map(call).map_err(|rejection| rejection.reason())
}

fn read_file() -> ToolRoute {
    ToolRoute::named("read_file").path("/files/{*path}").query("limit", ArgumentKind::Integer).optional()
}

/// A request for `path` and `query` by a caller with these tools.
fn check(given: &Value, path: &str, query: Option<&str>, expected: Result<Value, &'static str>) {
    let content = RequestContent { path, query, ..RequestContent::default() };
    let found = outcome(server(Some(read_file())).answer_with(&request(given), &content));
    let expected = expected.map(|arguments| Some(("read_file".to_owned(), arguments)));
    assert_eq!(found, expected, "{given} {path} {query:?}");
}

#[test]
fn a_call_is_within_the_callers_tools() {
    let reports = json!({"read_file": {"path": {"constraint_type": "path_containment", "root": "/reports"}}});
    check(&reports, "/files/reports/q1.csv", None, Ok(json!({"path": "/reports/q1.csv"})));
    check(&reports, "/files/reports", None, Ok(json!({"path": "/reports"})));
    check(&reports, "/files/reports2/q1.csv", None, Err("tool_refused"));
    check(&reports, "/files/secret", None, Err("tool_refused"));
    check(&reports, "/files/reports/q1.csv", Some("limit=1"), Err("tool_refused"));
    check(&json!({"read_file": {}}), "/files/a", Some("limit=1"), Ok(json!({"path": "/a", "limit": 1})));
    check(&json!({"write_file": {}}), "/files/a", None, Err("tool_refused"));
    check(&json!({}), "/files/a", None, Err("tool_refused"));
    let both = json!({"read_file": {
        "path": {"constraint_type": "wildcard"},
        "limit": {"constraint_type": "range", "max": 10}
    }});
    check(&both, "/files/a", Some("limit=10"), Ok(json!({"path": "/a", "limit": 10})));
    check(&both, "/files/a", Some("limit=11"), Err("tool_refused"));
    check(&both, "/files/a", None, Err("tool_refused"));
}

#[test]
fn a_caller_without_tools_has_the_same_arguments_read() {
    check(&Value::Null, "/files/anything", Some("limit=9"), Ok(json!({"path": "/anything", "limit": 9})));
    for given in [Value::Null, json!({"read_file": {}})] {
        for path in ["/files/a/../b", "/files/%2e%2e/b", "/files/a%2fb", "/other"] {
            check(&given, path, None, Err("arguments_ambiguous"));
        }
        check(&given, "/files/a", Some("limit=1&limit=1"), Err("arguments_ambiguous"));
        check(&given, "/files/a", Some("other=1"), Err("arguments_ambiguous"));
    }
}

#[test]
fn a_route_that_declares_no_tool_takes_no_caller_with_tools() {
    // RAR-09
    let content = RequestContent { path: "/files/a", ..RequestContent::default() };
    let answer = |given: &Value| outcome(server(None).answer_with(&request(given), &content));
    assert_eq!(answer(&json!({"read_file": {}})), Err("tool_refused"));
    assert_eq!(answer(&json!({})), Err("tool_refused"));
    assert_eq!(answer(&Value::Null), Ok(None));
}

#[test]
fn messages_that_call_no_tool_need_scope_alone() {
    let answer = |given: &Value, message: &Value| {
        let body = message.to_string();
        let (media_types, body) = (vec![&b"application/json"[..]], Some(body.as_bytes()));
        let content = RequestContent { media_types, body, ..RequestContent::default() };
        outcome(server(Some(ToolRoute::mcp())).answer_with(&request(given), &content))
    };
    let message = |method: &str| json!({"jsonrpc": "2.0", "id": 1, "method": method});
    let call = |tool: &str| {
        let params = json!({"name": tool, "arguments": {"path": "/a"}});
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    };
    let called = |tool: &str| Ok(Some((tool.to_owned(), json!({"path": "/a"}))));
    let given = json!({"read_file": {}});
    for method in ["initialize", "ping", "tools/list", "notifications/cancelled"] {
        assert_eq!(answer(&given, &message(method)), Ok(None), "{method}");
    }
    assert_eq!(answer(&given, &message("resources/read")), Err("tool_refused"));
    assert_eq!(answer(&Value::Null, &message("resources/read")), Ok(None));
    assert_eq!(answer(&given, &call("read_file")), called("read_file"));
    assert_eq!(answer(&given, &call("write_file")), Err("tool_refused"));
    assert_eq!(answer(&Value::Null, &call("write_file")), called("write_file"));
    assert_eq!(answer(&given, &json!([call("read_file")])), Err("arguments_ambiguous"));
}

#[test]
fn a_proof_covers_the_content_where_the_rule_asks_for_it() {
    let content = b"the content";
    let (own, other) = (ContentDigest::of(content), ContentDigest::of(b"other"));
    let token = claims(&agent()).sign(&kid(&issuer()), &issuer()).unwrap();
    let answer = |claim: Option<&ContentDigest>, field: Option<&ContentDigest>, body: Option<&[u8]>| {
        let target = Target::parse(URI).unwrap();
        let request = ProofRequest {
            method: "GET",
            target: &target,
            token_hash: Some(ContentHash::of(token.as_bytes())),
            nonce: None,
            delegation_hash: None,
            content_digest: claim,
        };
        let proof = request.sign(&agent(), at(0), &mut Counter(1)).unwrap();
        let digests = field.map(|digest| digest.as_str().as_bytes()).into_iter().collect();
        let server = Server { route: RouteRule::agents(scope("files:read")).bind_content(), ..Server::new() };
        let content = RequestContent { digests, body, ..RequestContent::default() };
        outcome(server.answer_with(&Request::of(&token, proof), &content))
    };
    assert_eq!(answer(Some(&own), Some(&own), Some(content)), Ok(None));
    assert_eq!(answer(None, Some(&own), Some(content)), Err("content_digest_required"));
    assert_eq!(answer(Some(&own), None, Some(content)), Err("content_digest_required"));
    assert_eq!(answer(Some(&other), Some(&other), Some(content)), Err("content_digest_mismatch"));
    assert_eq!(answer(Some(&own), Some(&other), Some(content)), Err("content_digest_mismatch"));
    assert_eq!(answer(Some(&own), Some(&own), Some(b"")), Err("content_digest_mismatch"));
    assert_eq!(answer(Some(&own), Some(&own), None), Err("content_digest_mismatch"), "nobody read it");
    let empty = ContentDigest::of(b"");
    assert_eq!(answer(Some(&empty), Some(&empty), Some(b"")), Ok(None));
    assert_eq!(answer(Some(&empty), Some(&empty), None), Err("content_digest_mismatch"), "not read is not empty");
}
