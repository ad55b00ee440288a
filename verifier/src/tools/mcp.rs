//! Calls that come as JSON-RPC messages of the Model Context Protocol.

use handfast_delegation::ToolCall;
use serde_json::{Map, Value};

use super::{Ambiguity, Reading, RequestContent, body};

/// Methods that call no tool and need scope alone, besides notifications.
const FREE_METHODS: [&str; 4] = ["initialize", "ping", "server/discover", "tools/list"];
const NOTIFICATIONS: &str = "notifications/";
/// The members of messages that have a method, and of those that answer one.
const REQUEST_MEMBERS: [&str; 4] = ["jsonrpc", "id", "method", "params"];
const ANSWER_MEMBERS: [&str; 4] = ["jsonrpc", "id", "result", "error"];
/// The members of the `params` of a call.
const CALL_MEMBERS: [&str; 3] = ["name", "arguments", "_meta"];

/// Reads the one message in the body. A request without content, which opens a stream or ends a session, has none.
pub(super) fn read(content: &RequestContent<'_>) -> Result<Reading, Ambiguity> {
    if content.query.is_some_and(|query| !query.is_empty()) {
        return Err(Ambiguity::Undeclared);
    }
    if content.media_types.is_empty() && content.body.ok_or(Ambiguity::BodyUnread)?.is_empty() {
        return Ok(Reading::NoCall);
    }
    let mut message = body::object(content)?;
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(Ambiguity::Message);
    }
    match message.get("method") {
        None => require_members(&message, &ANSWER_MEMBERS).map(|()| Reading::Other),
        Some(Value::String(method)) => {
            // a reader that does not mind case would take another member for the method
            require_members(&message, &REQUEST_MEMBERS)?;
            match method.as_str() {
                "tools/call" => call(message.remove("params")).map(Reading::Call),
                free if FREE_METHODS.contains(&free) || free.starts_with(NOTIFICATIONS) => Ok(Reading::NoCall),
                _ => Ok(Reading::Other),
            }
        }
        Some(_) => Err(Ambiguity::Message),
    }
}

fn call(params: Option<Value>) -> Result<ToolCall, Ambiguity> {
    let Some(Value::Object(mut params)) = params else { return Err(Ambiguity::Message) };
    require_members(&params, &CALL_MEMBERS)?;
    let Some(Value::String(tool)) = params.remove("name") else { return Err(Ambiguity::Message) };
    match params.remove("arguments") {
        None => Ok(ToolCall { tool, arguments: Map::new() }),
        Some(Value::Object(arguments)) => Ok(ToolCall { tool, arguments }),
        Some(_) => Err(Ambiguity::Message),
    }
}

fn require_members(object: &Map<String, Value>, known: &[&str]) -> Result<(), Ambiguity> {
    if object.keys().all(|name| known.contains(&name.as_str())) { Ok(()) } else { Err(Ambiguity::Undeclared) }
}

#[cfg(test)]
mod tests {
    use handfast_identity::json::JsonError;
    use serde_json::json;

    use super::*;

    fn read_text(text: &str) -> Result<Reading, Ambiguity> {
        let (media_types, body) = (vec![&b"application/json"[..]], Some(text.as_bytes()));
        read(&RequestContent { media_types, body, ..RequestContent::default() })
    }

    #[allow(clippy::needless_pass_by_value)] // the expected value reads better without a reference
    fn check(message: &Value, expected: Result<Reading, Ambiguity>) {
        assert_eq!(read_text(&message.to_string()), expected, "{message}");
    }

    fn method(name: &str) -> Value {
        json!({"jsonrpc": "2.0", "id": 1, "method": name, "params": {"any": "thing"}})
    }

    fn calling(params: &Value) -> Value {
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    }

    #[test]
    fn a_call_is_its_name_and_arguments() {
        let called = |arguments: Value| {
            let arguments = arguments.as_object().cloned().unwrap_or_default();
            Ok(Reading::Call(ToolCall { tool: "read_file".to_owned(), arguments }))
        };
        check(&calling(&json!({"name": "read_file", "arguments": {"path": "/a"}})), called(json!({"path": "/a"})));
        check(&calling(&json!({"name": "read_file"})), called(json!({})));
        let with_progress = json!({"name": "read_file", "arguments": {}, "_meta": {"progressToken": 1}});
        check(&calling(&with_progress), called(json!({})));
    }

    #[test]
    fn methods_that_are_no_calls_are_told_apart() {
        for name in
            ["initialize", "ping", "server/discover", "tools/list", "notifications/initialized", "notifications/"]
        {
            check(&method(name), Ok(Reading::NoCall));
        }
        let others = [
            "resources/read",
            "prompts/get",
            "tools/call2",
            "Tools/Call",
            "tools/list ",
            "notifications",
            "",
            "completion/complete",
            "server/discovery",
        ];
        for name in others {
            check(&method(name), Ok(Reading::Other));
        }
        check(&json!({"jsonrpc": "2.0", "id": 1, "result": {}}), Ok(Reading::Other));
        check(&json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": ""}}), Ok(Reading::Other));
    }

    #[test]
    fn other_shapes_have_two_readings() {
        let undeclared = [
            json!({"jsonrpc": "2.0", "id": 1, "method": "ping", "Method": "tools/call"}),
            json!({"jsonrpc": "2.0", "id": 1, "method": "ping", "result": {}}),
            json!({"jsonrpc": "2.0", "id": 1, "Method": "tools/call", "params": {"name": "read_file"}}),
            calling(&json!({"name": "read_file", "Name": "write_file"})),
            calling(&json!({"name": "read_file", "arguments": {}, "task": {}})),
        ];
        for message in undeclared {
            check(&message, Err(Ambiguity::Undeclared));
        }
        let no_messages = [
            json!({"id": 1, "method": "ping"}),
            json!({"jsonrpc": "1.0", "id": 1, "method": "ping"}),
            json!({"jsonrpc": 2.0, "id": 1, "method": "ping"}),
            json!({"jsonrpc": "2.0", "id": 1, "method": ["tools/call"]}),
            json!({"jsonrpc": "2.0", "id": 1, "method": null}),
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call"}),
            calling(&json!(["read_file", {}])),
            calling(&json!({"arguments": {}})),
            calling(&json!({"name": 7, "arguments": {}})),
            calling(&json!({"name": "read_file", "arguments": null})),
            calling(&json!({"name": "read_file", "arguments": ["/a"]})),
            calling(&json!({"name": "read_file", "arguments": "{}"})),
        ];
        for message in no_messages {
            check(&message, Err(Ambiguity::Message));
        }
        let batch = format!("[{}]", calling(&json!({"name": "read_file"})));
        assert!(matches!(read_text(&batch), Err(Ambiguity::Json(JsonError::Shape(_)))));
        for twice in [
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"a"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":1,"x":2}}}"#,
        ] {
            assert_eq!(read_text(twice), Err(Ambiguity::Json(JsonError::DuplicateMember)), "{twice}");
        }
    }

    #[test]
    fn no_content_is_no_call_if_it_was_looked_at() {
        let with =
            |media_types, query, body| read(&RequestContent { media_types, query, body, ..RequestContent::default() });
        assert_eq!(with(vec![], None, Some(&b""[..])), Ok(Reading::NoCall));
        assert_eq!(with(vec![], None, None), Err(Ambiguity::BodyUnread));
        assert_eq!(with(vec![], None, Some(&b"{}"[..])), Err(Ambiguity::MediaType));
        let syntax = Err(Ambiguity::Json(JsonError::Syntax));
        assert_eq!(with(vec![&b"application/json"[..]], None, Some(&b""[..])), syntax);
        assert_eq!(with(vec![], Some("a=1"), Some(&b""[..])), Err(Ambiguity::Undeclared));
        assert_eq!(with(vec![], Some(""), Some(&b""[..])), Ok(Reading::NoCall));
    }
}
