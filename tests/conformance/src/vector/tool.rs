//! The tool of a route, as a vector declares it.

use handfast_verifier::tools::{ArgumentKind, ToolRoute};
use serde::{Deserialize, Serialize};

/// What the requests of the route call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "mapping", rename_all = "snake_case")]
pub enum Tool {
    /// One tool, its arguments in path, query and body.
    Named {
        /// Its name.
        name: String,
        /// The path below the public base.
        path: String,
        /// Arguments in query and body.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        arguments: Vec<Argument>,
    },
    /// What JSON-RPC messages say.
    Mcp,
}

/// An argument in query or body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// Where it stands.
    #[serde(rename = "in")]
    pub place: Place,
    /// What it may be.
    pub kind: Kind,
    /// Whether it may be missing.
    pub optional: bool,
}

/// Where an argument stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The query.
    Query,
    /// The JSON body.
    Body,
}

/// What an argument may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Anything.
    Any,
    /// A text.
    Text,
    /// An integer.
    Integer,
    /// A number.
    Number,
    /// A boolean.
    Boolean,
}

impl Tool {
    /// The declaration.
    pub fn route(&self) -> ToolRoute {
        match self {
            Self::Mcp => ToolRoute::mcp(),
            Self::Named { name, path, arguments } => arguments.iter().fold(ToolRoute::named(name).path(path), declared),
        }
    }
}

fn declared(route: ToolRoute, argument: &Argument) -> ToolRoute {
    let kind = match argument.kind {
        Kind::Any => ArgumentKind::Any,
        Kind::Text => ArgumentKind::Text,
        Kind::Integer => ArgumentKind::Integer,
        Kind::Number => ArgumentKind::Number,
        Kind::Boolean => ArgumentKind::Boolean,
    };
    let route = match argument.place {
        Place::Query => route.query(&argument.name, kind),
        Place::Body => route.body(&argument.name, kind),
    };
    if argument.optional { route.optional() } else { route }
}
