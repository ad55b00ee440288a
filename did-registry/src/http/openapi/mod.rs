//! `GET /openapi.json`: the routes in OpenAPI 3.1, for programs that read about programs.
//!
//! The document is made of one table ([`table`]) and one list of schemas ([`schemas`]), which stand beside the code and not on it: what
//! is derived from the types of the code cannot disagree with it, and a document is there to say what was promised. So the tests
//! compare it with the routes that there are, and with every answer that any test of this crate gets.

mod operation;
mod schemas;
mod table;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use serde_json::{Map, Value, json};

use super::App;
use super::documents::{ANYBODY, FOR_FIVE_MINUTES};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// `GET /openapi.json`
pub(super) async fn openapi(State(app): State<App>) -> Response {
    let headers = [(CONTENT_TYPE, JSON), (CACHE_CONTROL, FOR_FIVE_MINUTES), (ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY)];
    (headers, app.openapi.clone()).into_response()
}

/// The document of the registry `issuer`.
pub(crate) fn document(issuer: &str) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in table::operations() {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(members) = path.as_object_mut() {
            members.insert(operation.method.to_ascii_lowercase(), operation.to_json());
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "handfast registry",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Registry and authorization server for AI agents whose key is their identity.",
            "description": "Refusals are problem+json (RFC 9457), at the OAuth endpoints OAuth JSON; `reason` is stable, and an open list. \
                Every answer has `X-Request-Id`. Bodies are strict JSON of at most 64 KiB without unknown members.",
            "license": {"name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": issuer}],
        "tags": table::TAGS.map(|(name, description)| json!({"name": name, "description": description})),
        "paths": paths,
        "components": {
            "schemas": schemas::schemas(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "DPoP",
                    "description": "`Authorization: DPoP <access token>` (RFC 9449): a token of this registry for itself, bound to the key \
                        of the proof beside it. The scopes listed are alternatives.",
                },
                "proof": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "DPoP",
                    "description": "A DPoP proof (RFC 9449) for this method and URL, with the newest `DPoP-Nonce` of this registry, and with \
                        `ath` where there is a token. Each is good once.",
                },
            },
        },
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "constants of the test")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn each<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    found.push(reference);
                }
                members.values().for_each(|value| each(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| each(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_schema_is_referred_to_and_every_reference_leads_to_one() {
        let document = document("https://registry.example");
        let mut found = Vec::new();
        each(&document, &mut found);
        let named: BTreeSet<_> =
            found.iter().map(|reference| reference.strip_prefix("#/components/schemas/").unwrap()).collect();
        let schemas = document.pointer("/components/schemas").unwrap().as_object().unwrap();
        let known: BTreeSet<_> = schemas.keys().map(String::as_str).collect();
        assert_eq!(named, known);
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_says_its_parameters() {
        let document = document("https://registry.example");
        let mut names = BTreeSet::new();
        for (path, operations) in document.pointer("/paths").unwrap().as_object().unwrap() {
            for operation in operations.as_object().unwrap().values() {
                let name = operation.pointer("/operationId").unwrap().as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{name}");
                let parameters = operation.pointer("/parameters").unwrap().as_array().unwrap();
                let in_path = parameters.iter().filter(|parameter| parameter.pointer("/in").unwrap() == "path").count();
                assert_eq!(in_path, path.matches('{').count(), "{path}");
                assert!(operation.pointer("/responses").unwrap().as_object().unwrap().len() > 1, "{path}");
            }
        }
    }
}
