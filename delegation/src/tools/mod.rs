//! Which tools may be called, and with what arguments: the part of authority `authorization_details` says.
//!
//! The rules are those of spec/delegation.md, "Tools", after draft-niyikiza-oauth-attenuating-agent-tokens-01. [`Tools`] is
//! read from a claim, asked about a [`ToolCall`], and compared: below every delegation stands the question whether the child
//! [narrows](Tools::narrows) its parent, and the answer is no wherever the table of pairs does not say yes, also where the
//! child would be narrower by meaning. Nothing is cut to fit; [`Tools::meet`] is for an issuer that is bound by two sides.
//!
//! What this does not do: compare scope (both must allow), find the call in a request, or count uses.
//!
//! ```
//! use handfast_delegation::{ToolCall, Tools};
//! use serde_json::json;
//!
//! let details = |root: &str| {
//!     let path = json!({"constraint_type": "path_containment", "root": root});
//!     json!([{"type": "attenuating_agent_token", "tools": {"read_file": {"path": path}}}])
//! };
//! let parent = Tools::from_details(&details("/reports")).unwrap();
//! let child = Tools::from_details(&details("/reports/2026")).unwrap();
//! assert!(child.narrows(&parent).is_ok() && parent.narrows(&child).is_err());
//!
//! let call = |path: &str| ToolCall {
//!     tool: "read_file".into(),
//!     arguments: [("path".to_owned(), json!(path))].into_iter().collect(),
//! };
//! assert!(child.permits(&call("/reports/2026/q1.csv")).is_ok());
//! let refusal = child.permits(&call("/reports/2025/q1.csv")).unwrap_err();
//! assert_eq!(refusal.to_string(), "argument `path` of tool `read_file` is outside its constraint");
//! ```

mod admit;
mod call;
mod constraint;
mod details;
mod form;
mod literal;
mod matching;
mod meet;
mod narrow;
mod node;
mod number;
mod path;
mod place;
mod range;
mod set;

pub use call::{CallFault, ToolCall, ToolRefusal};
pub use constraint::{Constraint, MAX_CONSTRAINT_ENTRIES, MAX_CONSTRAINT_NESTING};
pub(crate) use details::DetailsWire;
pub use details::{DETAILS_TYPE, DetailsError};
pub use narrow::{ToolWidening, WideningFault};
pub use set::{Arguments, MAX_TOOL_ARGUMENTS, MAX_TOOL_NAME_BYTES, MAX_TOOLS, Tools};
