//! Declaring what a request of a route calls.

use core::fmt;

use handfast_delegation::{MAX_TOOL_ARGUMENTS, MAX_TOOL_NAME_BYTES, ToolCall};
use serde_json::Map;

use super::argument::{Argument, Place};
use super::pattern::Pattern;
use super::{Ambiguity, ArgumentKind, RequestContent, body, mcp, query};

/// Where a request of a route names its tool and the arguments. Given to [`RouteRule::tool`](crate::RouteRule::tool), which
/// refuses declarations that contradict themselves. The method is no part of it: methods that do different things are given
/// rules of their own.
///
/// ```
/// use handfast_delegation::Scope;
/// use handfast_verifier::RouteRule;
/// use handfast_verifier::tools::{ArgumentKind, ToolRoute, ToolRouteError};
///
/// let rule = || RouteRule::agents(Scope::default());
/// let read_file = ToolRoute::named("read_file").path("/files/{*path}").query("limit", ArgumentKind::Integer).optional();
/// assert!(rule().tool(read_file).is_ok());
/// assert!(rule().tool(ToolRoute::mcp()).is_ok());
///
/// let twice = ToolRoute::named("read_file").path("/files/{id}").body("id", ArgumentKind::Text);
/// assert_eq!(rule().tool(twice), Err(ToolRouteError::Repeated));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a declaration does nothing until it is given to a rule"]
pub struct ToolRoute {
    mapping: Mapping,
    fault: Option<ToolRouteError>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Mapping {
    Named { tool: String, path: Option<Pattern>, arguments: Vec<Argument> },
    Mcp,
}

/// What a request calls.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reading {
    /// One tool.
    Call(ToolCall),
    /// Nothing, and it needs scope alone.
    NoCall,
    /// Nothing that tools could allow.
    Other,
}

impl ToolRoute {
    /// A route that calls the tool of this name. Its [`path`](Self::path) has to be declared.
    pub fn named(tool: &str) -> Self {
        let mapping = Mapping::Named { tool: tool.to_owned(), path: None, arguments: Vec::new() };
        Self { mapping, fault: None }.with(|_| if is_name(tool) { Ok(()) } else { Err(ToolRouteError::Name) })
    }

    /// A route that takes the JSON-RPC messages of the Model Context Protocol: `tools/call` names tool and arguments itself.
    /// It has nothing else to declare. A request without content calls nothing.
    pub const fn mcp() -> Self {
        Self { mapping: Mapping::Mcp, fault: None }
    }

    /// The path below the public base: `{name}` is one segment and `{*name}`, at the end, `/` and the rest as one path, both
    /// required and decoded once. Other segments are compared byte by byte, in the case and escapes they have here.
    pub fn path(self, pattern: &str) -> Self {
        self.with(|mapping| {
            let Mapping::Named { path, .. } = mapping else { return Err(ToolRouteError::Mcp) };
            match path.replace(Pattern::parse(pattern)?) {
                None => Ok(()),
                Some(_) => Err(ToolRouteError::Path),
            }
        })
    }

    /// An argument that is the query parameter of this name, `name=value` in the encoding of HTML forms: `+` is a blank.
    pub fn query(self, name: &str, kind: ArgumentKind) -> Self {
        self.argument(name, Place::Query, kind)
    }

    /// An argument that is the member of this name of the one JSON object in the body.
    pub fn body(self, name: &str, kind: ArgumentKind) -> Self {
        self.argument(name, Place::Body, kind)
    }

    /// Lets the query or body argument declared last be missing.
    pub fn optional(self) -> Self {
        self.with(|mapping| match mapping {
            Mapping::Named { arguments, .. } => {
                arguments.last_mut().ok_or(ToolRouteError::Optional)?.is_optional = true;
                Ok(())
            }
            Mapping::Mcp => Err(ToolRouteError::Mcp),
        })
    }

    fn argument(self, name: &str, place: Place, kind: ArgumentKind) -> Self {
        self.with(|mapping| match mapping {
            Mapping::Named { arguments, .. } => {
                arguments.push(Argument { name: name.to_owned(), place, kind, is_optional: false });
                Ok(())
            }
            Mapping::Mcp => Err(ToolRouteError::Mcp),
        })
    }

    /// The first fault stays.
    fn with(mut self, change: impl FnOnce(&mut Mapping) -> Result<(), ToolRouteError>) -> Self {
        let fault = change(&mut self.mapping).err();
        self.fault = self.fault.or(fault);
        self
    }

    pub(crate) fn require_sound(&self) -> Result<(), ToolRouteError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let Mapping::Named { path, arguments, .. } = &self.mapping else { return Ok(()) };
        let path = path.as_ref().ok_or(ToolRouteError::Path)?;
        let mut names: Vec<_> = path.names().chain(arguments.iter().map(|argument| argument.name.as_str())).collect();
        if names.len() > MAX_TOOL_ARGUMENTS || !names.iter().all(|name| is_name(name)) {
            return Err(ToolRouteError::Name);
        }
        names.sort_unstable();
        if names.is_sorted_by(|one, next| one < next) { Ok(()) } else { Err(ToolRouteError::Repeated) }
    }

    /// Whether the body has to be read.
    pub(crate) fn needs_body(&self) -> bool {
        match &self.mapping {
            Mapping::Named { arguments, .. } => arguments.iter().any(|argument| argument.place == Place::Body),
            Mapping::Mcp => true,
        }
    }

    /// What the request calls.
    pub(crate) fn read(&self, content: &RequestContent<'_>) -> Result<Reading, Ambiguity> {
        let Mapping::Named { tool, path, arguments } = &self.mapping else { return mcp::read(content) };
        let declared = |place| arguments.iter().filter(move |argument| argument.place == place).collect::<Vec<_>>();
        let mut found = Map::new();
        path.as_ref().ok_or(Ambiguity::PathUnknown)?.read(content.path, &mut found)?;
        query::read(content.query.unwrap_or_default(), &declared(Place::Query), &mut found)?;
        if self.needs_body() {
            body::read(content, &declared(Place::Body), &mut found)?;
        }
        if arguments.iter().any(|argument| !argument.is_optional && !found.contains_key(&argument.name)) {
            return Err(Ambiguity::Missing);
        }
        Ok(Reading::Call(ToolCall { tool: tool.clone(), arguments: found }))
    }
}

fn is_name(text: &str) -> bool {
    (1..=MAX_TOOL_NAME_BYTES).contains(&text.len())
}

/// Why a declaration means nothing, or two things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolRouteError {
    /// The path is missing, declared twice, or no pattern.
    Path,
    /// A tool or argument without a name or with one of more than 256 bytes, or more than 64 arguments.
    Name,
    /// Two arguments have one name.
    Repeated,
    /// Nothing was declared that could be optional.
    Optional,
    /// A route for MCP has nothing else to declare.
    Mcp,
}

impl fmt::Display for ToolRouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "the route has no path, two of them, or one that is no pattern",
            Self::Name => "a name is empty or longer than 256 bytes, or there are more than 64 arguments",
            Self::Repeated => "two arguments have one name",
            Self::Optional => "only a query or body argument can be optional",
            Self::Mcp => "a route for mcp declares nothing else",
        })
    }
}

impl core::error::Error for ToolRouteError {}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn write_file() -> ToolRoute {
        ToolRoute::named("write_file")
            .path("/files/{*path}")
            .query("mode", ArgumentKind::Any)
            .query("limit", ArgumentKind::Integer)
            .optional()
            .body("text", ArgumentKind::Text)
            .body("lock", ArgumentKind::Boolean)
            .optional()
    }

    fn check(query: Option<&str>, body: &str, expected: Result<Value, Ambiguity>) {
        let (path, media_types, body) = ("/files/a", vec![&b"application/json"[..]], Some(body.as_bytes()));
        let answer = write_file().read(&RequestContent { path, query, media_types, body, ..RequestContent::default() });
        let expected = expected.map(|arguments| {
            let arguments = arguments.as_object().cloned().unwrap_or_default();
            Reading::Call(ToolCall { tool: "write_file".to_owned(), arguments })
        });
        assert_eq!(answer, expected, "{query:?}");
    }

    #[test]
    fn arguments_of_all_places_come_together() {
        check(Some("mode=w"), r#"{"text":"x"}"#, Ok(json!({"path": "/a", "mode": "w", "text": "x"})));
        let all = json!({"path": "/a", "mode": "w", "limit": 5, "text": "x", "lock": true});
        check(Some("limit=5&mode=w"), r#"{"lock":true,"text":"x"}"#, Ok(all));
    }

    #[test]
    fn required_ones_are_there_and_each_in_its_own_place() {
        check(None, r#"{"text":"x"}"#, Err(Ambiguity::Missing));
        check(Some("mode=w"), "{}", Err(Ambiguity::Missing));
        check(Some("mode=w&text=x"), "{}", Err(Ambiguity::Undeclared));
        check(Some("mode=w"), r#"{"text":"x","limit":5}"#, Err(Ambiguity::Undeclared));
        check(Some("mode=w&path=/b"), r#"{"text":"x"}"#, Err(Ambiguity::Undeclared));
        check(Some("mode=w"), r#"{"text":"x","path":"/b"}"#, Err(Ambiguity::Undeclared));
    }

    #[test]
    fn the_body_is_read_where_it_is_declared() {
        let path_only = ToolRoute::named("read_file").path("/files/{id}");
        assert!(write_file().needs_body() && ToolRoute::mcp().needs_body() && !path_only.needs_body());
        let content = RequestContent { path: "/files/a", ..RequestContent::default() };
        assert!(path_only.read(&content).is_ok());
        let unread = RequestContent { query: Some("mode=w"), media_types: vec![b"application/json"], ..content };
        assert_eq!(write_file().read(&unread), Err(Ambiguity::BodyUnread));
    }

    #[test]
    fn declarations_contradict_themselves_nowhere() {
        let named = || ToolRoute::named("t").path("/t/{a}");
        let any = ArgumentKind::Any;
        let many = |count: usize| (1..count).fold(named(), |route, n| route.query(&n.to_string(), any));
        for good in [named(), named().query("b", any).optional().body("c", any), write_file(), ToolRoute::mcp()] {
            assert_eq!(good.require_sound(), Ok(()), "{good:?}");
        }
        assert_eq!(many(MAX_TOOL_ARGUMENTS).require_sound(), Ok(()));
        for (bad, expected) in [
            (ToolRoute::named("t"), ToolRouteError::Path),
            (ToolRoute::named("t").path("t"), ToolRouteError::Path),
            (named().path("/other"), ToolRouteError::Path),
            (ToolRoute::named("").path("/"), ToolRouteError::Name),
            (ToolRoute::named(&"t".repeat(257)).path("/"), ToolRouteError::Name),
            (ToolRoute::named("t").path("/{}"), ToolRouteError::Name),
            (named().query("", any), ToolRouteError::Name),
            (many(MAX_TOOL_ARGUMENTS + 1), ToolRouteError::Name),
            (ToolRoute::named("t").path("/{a}/{*a}"), ToolRouteError::Repeated),
            (named().query("a", any), ToolRouteError::Repeated),
            (named().query("b", any).body("b", any), ToolRouteError::Repeated),
            (named().optional(), ToolRouteError::Optional),
            (ToolRoute::mcp().path("/mcp"), ToolRouteError::Mcp),
            (ToolRoute::mcp().query("a", any), ToolRouteError::Mcp),
            (ToolRoute::mcp().optional(), ToolRouteError::Mcp),
            (named().path("bad").query("a", any), ToolRouteError::Path),
        ] {
            assert_eq!(bad.require_sound(), Err(expected), "{bad:?}");
        }
    }
}
