//! Which tool is called, and with what.

use serde_json::{Value, json};

use crate::make::Case;
use crate::make::case::{forbidden, invalid_request, right, wrong};
use crate::make::draft::Draft;
use crate::vector::{Argument, Kind, Place, Tool};

pub(super) fn cases() -> Vec<Case> {
    [paths(), queries(), bodies(), messages(), restricted()].into_iter().flatten().collect()
}

/// A route that reads a file: `path` is the rest, `limit` an optional integer in the query.
fn read_file() -> Tool {
    let limit = Argument { name: "limit".into(), place: Place::Query, kind: Kind::Integer, optional: true };
    Tool::Named { name: "read_file".into(), path: "/files/{*path}".into(), arguments: vec![limit] }
}

/// A route that sends mail: `to` and `text` in the body.
fn send_mail() -> Tool {
    let argument =
        |name: &str, optional| Argument { name: name.into(), place: Place::Body, kind: Kind::Text, optional };
    let arguments = vec![argument("to", false), argument("text", true)];
    Tool::Named { name: "send_mail".into(), path: "/mail".into(), arguments }
}

/// A good request by a caller with these tools.
#[allow(clippy::needless_pass_by_value)] // literals read better without a reference
fn given(tools: Value) -> Draft {
    let details = json!([{"type": "attenuating_agent_token", "tools": tools}]);
    Draft::good().claims(json!({"authorization_details": details}))
}

fn at(draft: Draft, tool: Tool, path: &str) -> Draft {
    let htu = format!("https://api.example{}", path.split('?').next().unwrap());
    draft.target("https://api.example", path, &htu).set(|setting| setting.route.tool = Some(tool))
}

fn posted(draft: Draft, media_type: &str, body: &str) -> Draft {
    let mut draft = draft.field("Content-Type", &[media_type]);
    draft.body = Some(body.to_owned());
    draft
}

fn below(root: &str) -> Value {
    json!({"read_file": {"path": {"constraint_type": "path_containment", "root": root}}})
}

fn ambiguous(name: &'static str, about: &'static str, draft: Draft, twin: &'static str) -> Case {
    wrong(name, invalid_request("arguments_ambiguous"), "RAR-09 P-07", about, draft).twin(twin)
}

fn refused(name: &'static str, about: &'static str, draft: Draft, twin: &'static str) -> Case {
    wrong(name, forbidden("tool_refused", ""), "RAR-09 P-08", about, draft).twin(twin)
}

fn paths() -> Vec<Case> {
    let reading = |path: &str| at(given(below("/reports")), read_file(), path);
    let odd = |name, about, path: &str| ambiguous(name, about, reading(path), "tool-path");
    vec![
        right("tool-path", "RAR-09", "a file below the root that was given", reading("/files/reports/q1.csv")),
        refused("tool-path-outside", "a file outside of it", reading("/files/secret/q1.csv"), "tool-path"),
        refused(
            "tool-path-sibling",
            "a folder whose name begins like it",
            reading("/files/reports2/q1.csv"),
            "tool-path",
        ),
        odd("tool-path-dots", "a `..` segment", "/files/reports/../secret"),
        odd("tool-path-dots-escaped", "a `..` segment, escaped", "/files/reports/%2e%2e/secret"),
        odd("tool-path-dots-escaped-twice", "a `..` segment, escaped twice", "/files/reports/%252e%252e/secret"),
        odd("tool-path-slash-escaped", "an escaped slash", "/files/reports%2fq1.csv"),
        odd("tool-path-backslash", "an escaped backslash", "/files/reports%5cq1.csv"),
        odd("tool-path-nul", "an escaped NUL", "/files/reports/q1.csv%00.txt"),
        odd("tool-path-empty-segment", "an empty segment", "/files/reports//q1.csv"),
        odd("tool-path-not-utf8", "bytes that are no UTF-8", "/files/reports/%ff"),
        odd("tool-path-unknown", "another path than the one declared", "/other/reports/q1.csv"),
    ]
}

fn queries() -> Vec<Case> {
    let reading = |query: &str| {
        let tools = json!({"read_file": {
            "path": {"constraint_type": "wildcard"},
            "limit": {"constraint_type": "range", "min": 1, "max": 10}
        }});
        at(given(tools), read_file(), &format!("/files/a?{query}"))
    };
    let odd = |name, about, query: &str| ambiguous(name, about, reading(query), "tool-query");
    vec![
        right("tool-query", "RAR-09", "an integer in the query, within its range", reading("limit=10")),
        refused("tool-query-outside", "an integer outside of its range", reading("limit=11"), "tool-query"),
        refused("tool-argument-missing", "an argument that the caller has to give", reading(""), "tool-query"),
        odd("tool-query-twice", "a parameter twice", "limit=10&limit=10"),
        odd("tool-query-twice-escaped", "a parameter twice, once escaped", "limit=10&l%69mit=10"),
        odd("tool-query-undeclared", "a parameter that is not declared", "limit=10&as=root"),
        odd("tool-query-kind", "a number where an integer is declared", "limit=10.0"),
        odd("tool-query-no-value", "a parameter without `=`", "limit"),
    ]
}

fn bodies() -> Vec<Case> {
    let tools = json!({"send_mail": {"to": {"constraint_type": "exact", "value": "a@example.com"}}});
    let mailing = |body: &str| posted(at(given(tools.clone()), send_mail(), "/mail"), "application/json", body);
    let odd = |name, about, body: &str| ambiguous(name, about, mailing(body), "tool-body");
    let good = r#"{"to":"a@example.com"}"#;
    vec![
        right("tool-body", "RAR-09", "an argument in the body", mailing(good)),
        refused("tool-body-outside", "another value", mailing(r#"{"to":"b@example.com"}"#), "tool-body"),
        refused(
            "tool-argument-unknown",
            "an argument that the route declares and the caller was not given",
            mailing(r#"{"text":"hello","to":"a@example.com"}"#),
            "tool-body",
        ),
        odd("tool-body-member-twice", "a member twice", r#"{"to":"b@example.com","to":"a@example.com"}"#),
        odd("tool-body-undeclared", "a member that is not declared", r#"{"bcc":"b@example.com","to":"a@example.com"}"#),
        odd("tool-body-missing", "a required argument is missing", "{}"),
        odd("tool-body-array", "an array of one object", r#"[{"to":"a@example.com"}]"#),
        ambiguous(
            "tool-body-media-type",
            "JSON that is called a text",
            posted(mailing(good), "text/plain", good),
            "tool-body",
        ),
        ambiguous(
            "tool-body-no-media-type",
            "JSON without a media type",
            mailing(good).field("Content-Type", &[]),
            "tool-body",
        ),
    ]
}

fn messages() -> Vec<Case> {
    let at_mcp = |message: &str| posted(at(given(below("/reports")), Tool::Mcp, "/mcp"), "application/json", message);
    let call = |path: &str| {
        format!(
            r#"{{"id":1,"jsonrpc":"2.0","method":"tools/call","params":{{"arguments":{{"path":"{path}"}},"name":"read_file"}}}}"#
        )
    };
    let good = call("/reports/q1.csv");
    let twice = good.replace(r#""name":"read_file""#, r#""name":"write_file","name":"read_file""#);
    vec![
        right("tool-mcp", "RAR-09", "a `tools/call` within what was given", at_mcp(&good)),
        right(
            "tool-mcp-list",
            "RAR-09",
            "`tools/list` is no call",
            at_mcp(r#"{"id":1,"jsonrpc":"2.0","method":"tools/list"}"#),
        ),
        right(
            "tool-mcp-discover",
            "RAR-09",
            "`server/discover` is no call",
            at_mcp(r#"{"id":1,"jsonrpc":"2.0","method":"server/discover"}"#),
        ),
        refused("tool-mcp-outside", "a `tools/call` outside of it", at_mcp(&call("/secret")), "tool-mcp"),
        refused(
            "tool-mcp-method",
            "a method that tools do not allow",
            at_mcp(r#"{"id":1,"jsonrpc":"2.0","method":"resources/read"}"#),
            "tool-mcp-list",
        ),
        ambiguous("tool-mcp-batch", "a batch of one call", at_mcp(&format!("[{good}]")), "tool-mcp"),
        ambiguous("tool-mcp-name-twice", "two names", at_mcp(&twice), "tool-mcp"),
        ambiguous(
            "tool-mcp-method-in-capitals",
            "a second method, for readers that do not mind case",
            at_mcp(&good.replace(r#""params""#, r#""Method":"ping","params""#)),
            "tool-mcp",
        ),
    ]
}

fn restricted() -> Vec<Case> {
    let plain = || at(Draft::good(), read_file(), "/files/anything");
    vec![
        right("tool-without-tools", "RAR-09", "a caller without tools at a route with one", plain()),
        ambiguous(
            "tool-without-tools-undeclared",
            "a caller without tools has its arguments read too",
            at(Draft::good(), read_file(), "/files/anything?as=root"),
            "tool-without-tools",
        ),
        refused(
            "tool-other",
            "another tool",
            at(given(json!({"write_file": {}})), read_file(), "/files/a"),
            "tool-open",
        ),
        right(
            "tool-open",
            "RAR-09",
            "a tool without constraints",
            at(given(json!({"read_file": {}})), read_file(), "/files/a"),
        ),
        refused("tool-none", "no tool at all", at(given(json!({})), read_file(), "/files/a"), "tool-open"),
        refused("tool-route-without", "a route that cannot tell tools", given(json!({"read_file": {}})), "good"),
    ]
}
