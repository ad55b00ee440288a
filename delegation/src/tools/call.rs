//! One call of a tool, and whether it is permitted.

use core::fmt;

use serde_json::{Map, Value};

use super::place::Place;
use super::set::{Arguments, Tools};

/// A tool and what it is called with, taken from a request by somebody who saw no two readings in it.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    /// Name of the tool.
    pub tool: String,
    /// Its arguments by name.
    pub arguments: Map<String, Value>,
}

/// Why a call is not permitted, and where. Its text may be logged: it is short and holds names only, escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolRefusal {
    place: Place,
    fault: CallFault,
}

/// What is wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFault {
    /// The tool is not among those permitted.
    Tool,
    /// A closed tool has an argument that the call lacks.
    ArgumentMissing,
    /// The call has an argument that the closed tool lacks.
    ArgumentUnknown,
    /// The argument's value lies outside its constraint.
    Value,
}

impl ToolRefusal {
    fn new(tool: &str, argument: Option<&str>, fault: CallFault) -> Self {
        Self { place: Place::new(tool, argument), fault }
    }

    /// The tool that was called. A name longer than tools have is cut.
    #[must_use]
    pub fn tool(&self) -> &str {
        self.place.tool()
    }

    /// The argument it is about, if not the tool itself.
    #[must_use]
    pub fn argument(&self) -> Option<&str> {
        self.place.argument()
    }

    /// What is wrong.
    #[must_use]
    pub fn fault(&self) -> CallFault {
        self.fault
    }
}

impl fmt::Display for ToolRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, fault } = self;
        match fault {
            CallFault::Tool => write!(f, "{place} is not permitted"),
            CallFault::ArgumentMissing => write!(f, "{place} is missing"),
            CallFault::ArgumentUnknown => write!(f, "{place} is not permitted"),
            CallFault::Value => write!(f, "{place} is outside its constraint"),
        }
    }
}

impl core::error::Error for ToolRefusal {}

impl Tools {
    /// Whether `call` is within these tools. Scope has to allow it too, and that is not looked at here.
    ///
    /// # Errors
    ///
    /// [`ToolRefusal`], the first fault: the tool, then missing arguments, then the others in byte order of their names.
    pub fn permits(&self, call: &ToolCall) -> Result<(), ToolRefusal> {
        let refusal = |argument, fault| Err(ToolRefusal::new(&call.tool, argument, fault));
        let constraints = match self.arguments(&call.tool) {
            None => return refusal(None, CallFault::Tool),
            Some(Arguments::Any) => return Ok(()),
            Some(Arguments::Exactly(constraints)) => constraints,
        };
        if let Some(missing) = constraints.keys().find(|name| !call.arguments.contains_key(*name)) {
            return refusal(Some(missing), CallFault::ArgumentMissing);
        }
        for (name, value) in &call.arguments {
            match constraints.get(name) {
                None => return refusal(Some(name), CallFault::ArgumentUnknown),
                Some(constraint) if !constraint.admits(value) => return refusal(Some(name), CallFault::Value),
                Some(_) => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::details::{DETAILS_TYPE, DetailsError};
    use super::*;

    /// Calls `tool` with `arguments` where `read` is closed and `search` open; gives the place and kind of the fault.
    fn check(tool: &str, arguments: &Value, expected: Result<(), (Option<&str>, CallFault)>) {
        let closed = json!({"path": {"constraint_type": "path_containment", "root": "/a"}, "tail": {"constraint_type": "wildcard"}});
        let details = json!([{"type": DETAILS_TYPE, "tools": {"read": closed, "search": {}}}]);
        let call = ToolCall { tool: tool.to_owned(), arguments: arguments.as_object().cloned().unwrap_or_default() };
        let answer = Tools::from_details(&details).map(|tools| tools.permits(&call));
        let expected = expected.map_err(|(argument, fault)| ToolRefusal::new(tool, argument, fault));
        assert_eq!(answer, Ok::<_, DetailsError>(expected), "{tool} {arguments}");
    }

    #[test]
    fn open_tools_take_any_arguments() {
        check("search", &json!({}), Ok(()));
        check("search", &json!({"q": [1e300, {"deep": u64::MAX}]}), Ok(()));
    }

    #[test]
    fn closed_tools_take_their_arguments_only() {
        check("read", &json!({"path": "/a/b", "tail": null}), Ok(()));
        check("read", &json!({"path": "/a/b", "tail": u64::MAX}), Ok(()));
        check("read", &json!({}), Err((Some("path"), CallFault::ArgumentMissing)));
        check("read", &json!({"path": "/a"}), Err((Some("tail"), CallFault::ArgumentMissing)));
        check("read", &json!({"path": "/a", "tail": 1, "as": "root"}), Err((Some("as"), CallFault::ArgumentUnknown)));
        check("read", &json!({"Path": "/a", "path": "/a", "tail": 1}), Err((Some("Path"), CallFault::ArgumentUnknown)));
        check("read", &json!({"path": "/b", "tail": 1}), Err((Some("path"), CallFault::Value)));
    }

    #[test]
    fn other_tools_are_refused() {
        for tool in ["write", "", "Read", "rea", "read "] {
            check(tool, &json!({}), Err((None, CallFault::Tool)));
        }
    }

    #[test]
    fn refusals_say_where() {
        for (argument, fault, expected) in [
            (None, CallFault::Tool, "tool `read` is not permitted"),
            (Some("a"), CallFault::ArgumentMissing, "argument `a` of tool `read` is missing"),
            (Some("a\n"), CallFault::ArgumentUnknown, "argument `a\\n` of tool `read` is not permitted"),
            (Some("a"), CallFault::Value, "argument `a` of tool `read` is outside its constraint"),
        ] {
            assert_eq!(ToolRefusal::new("read", argument, fault).to_string(), expected);
        }
    }
}
