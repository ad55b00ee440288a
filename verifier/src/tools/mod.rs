//! Which tool a request calls, and with what: one reading, or none (spec/delegation.md, tools on the route).
//!
//! A [`ToolRoute`] declares where the name and the arguments of a call stand in a request. The check reads them from the request
//! as it came in, compares them with what the caller was given, and hands exactly what it compared to the handler, in
//! [`Authorized::tool_call`](crate::Authorized::tool_call). The world is closed: what is not declared, stands twice, or could
//! be read in two ways is refused as an [`Ambiguity`].
//!
//! What this does not do: look at a body that is not declared, at the method, or at fields. A rule is for one route: give each
//! method and path that means another tool a rule of its own.

mod ambiguity;
mod argument;
mod body;
mod content;
mod escape;
mod mcp;
mod pattern;
mod query;
mod route;

pub use ambiguity::Ambiguity;
pub use argument::ArgumentKind;
pub use body::{MAX_TOOL_BODY_BYTES, MAX_TOOL_BODY_DEPTH, MAX_TOOL_BODY_MEMBERS};
pub use content::RequestContent;
pub(crate) use route::Reading;
pub use route::{ToolRoute, ToolRouteError};
