//! Step 8, its end: what the request calls, and whether the caller was given it.

use handfast_delegation::{ToolCall, Tools};

use crate::tools::{Reading, RequestContent};
use crate::{Rejection, RouteRule};

/// The call of the request, permitted. A caller without `tools` needs the route's scope alone, and has the same arguments read.
pub(super) fn permitted_call(
    route: &RouteRule,
    content: &RequestContent<'_>,
    tools: Option<&Tools>,
) -> Result<Option<ToolCall>, Rejection> {
    let Some(mapping) = route.tool_route() else {
        // RAR-09: a route that cannot tell which tool is called cannot apply the restriction
        return if tools.is_some() { Err(Rejection::ToolRefused) } else { Ok(None) };
    };
    match (mapping.read(content)?, tools) {
        (Reading::Call(call), None) => Ok(Some(call)),
        (Reading::Call(call), Some(tools)) => match tools.permits(&call) {
            Ok(()) => Ok(Some(call)),
            Err(_) => Err(Rejection::ToolRefused),
        },
        (Reading::NoCall, _) | (Reading::Other, None) => Ok(None),
        (Reading::Other, Some(_)) => Err(Rejection::ToolRefused),
    }
}
