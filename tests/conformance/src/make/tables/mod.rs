//! Tables for small pure functions: rows with an input and the one right output.

pub mod authority;
pub mod chain;
pub mod did_jwk;
pub mod did_key;
pub mod did_web;
pub mod ed25519;
pub mod handle;
pub mod history;
pub mod revocation;
pub mod rfc;
pub mod status_list;
pub mod target;
pub mod tools;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::keys::Who;
use crate::vector::{written, written_in_rows};

/// One party of the vectors.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Who it is.
    pub name: String,
    /// Its DID.
    pub did: String,
    /// Its key's thumbprint.
    pub jkt: String,
    /// Its key, private part included: known to everybody.
    pub private_jwk: String,
}

fn parties() -> Vec<Party> {
    let party = |who: Who| Party {
        name: who.name(),
        did: who.did().to_string(),
        jkt: who.jkt(),
        private_jwk: who.key().expose_private_jwk().to_string(),
    };
    Who::all().map(party).collect()
}

/// Every table by path.
pub(super) fn files() -> BTreeMap<String, String> {
    [
        ("keys.json", written(&parties())),
        ("target.json", written(&target::table())),
        ("did-key.json", written(&did_key::table())),
        ("did-jwk.json", written(&did_jwk::table())),
        ("did-web.json", written(&did_web::table())),
        ("ed25519.json", written(&ed25519::table())),
        ("handle.json", written(&handle::table())),
        ("revocation.json", written(&revocation::table())),
        ("status_list.json", written_in_rows(&status_list::table())),
        ("rfc.json", written(&rfc::table())),
        ("authority.json", written_in_rows(&authority::table())),
        ("tools.json", written_in_rows(&tools::table())),
        ("chain.json", written_in_rows(&chain::table())),
        ("history.json", written_in_rows(&history::table())),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), text))
    .collect()
}

/// The same value with the members of its objects in one order, whatever order maps have in this build.
fn in_order(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(in_order).collect(),
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> = members.into_iter().collect();
            sorted.into_iter().map(|(name, value)| (name, in_order(value))).collect()
        }
        plain => plain,
    }
}
