//! One request vector, as it stands in its file (spec/vectors/README.md). An unknown member is an error.

mod read;
mod setting;
mod tool;

use serde::{Deserialize, Serialize};

pub use read::{read_folder, read_table, written, written_in_rows};
pub use setting::{
    BudgetSetting, Callers, ChainSetting, Evidence, IssuerSetting, Jwks, Keys, List, NonceSetting, ReplaySetting,
    Revocation, Route, Setting, StatusSetting, Stopped, TrustRecord, Window,
};
pub use tool::{Argument, Kind, Place, Tool};

/// One way to be right or wrong, and the answer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// What is sent, and for a refusal the one thing wrong with it.
    pub about: String,
    /// Ids of the rules it is about (spec/conformance.md).
    pub rules: Vec<String>,
    /// The nearly equal vector that is accepted. Every refusal has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twin: Option<String>,
    /// The resource server.
    pub setting: Setting,
    /// Requests in order, each with its answer; the last is what the vector is about.
    pub steps: Vec<Step>,
}

/// One request and the answer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The server's clock when it arrives.
    pub now: u64,
    /// The method.
    pub method: String,
    /// Path and query as in the request line.
    pub path: String,
    /// Header field lines in order. Each character of a value is one byte (ISO 8859-1).
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The one right answer.
    pub expect: Expected,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "outcome", rename_all = "snake_case")]
pub enum Expected {
    /// The request reaches the handler.
    Accepted,
    /// It does not.
    Refused {
        /// The stable reason (spec/reasons.md).
        reason: String,
        /// The HTTP status.
        status: u16,
        /// The RFC error code; none when no credentials were read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        /// The scope that would do, where the answer names one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<String>,
    },
}
