//! `/openapi.json` says what there is: compared with the routes, and with every answer that any test here gets.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Body;
use http::Request;
use serde_json::{Map, Value};
use tokio::sync::OnceCell;
use tower::ServiceExt as _;

use crate::bench::{Answer, Bench};

static DOCUMENT: OnceCell<Value> = OnceCell::const_new();

async fn document(router: &Router) -> &'static Value {
    DOCUMENT
        .get_or_init(|| async {
            let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
            Answer::read(router.clone().oneshot(request).await.unwrap()).await.json
        })
        .await
}

/// The operations at a path: those of the template with the most words of it.
fn operations<'d>(document: &'d Value, path: &str) -> Option<&'d Map<String, Value>> {
    let parts: Vec<_> = path.split('/').collect();
    let fits = |template: &str| -> Option<usize> {
        let words: Vec<_> = template.split('/').collect();
        let is_variable = |word: &str| word.starts_with('{');
        let all = words.len() == parts.len()
            && words.iter().zip(&parts).all(|(word, part)| word == part || (is_variable(word) && !part.is_empty()));
        all.then(|| words.iter().filter(|word| !is_variable(word)).count())
    };
    let paths = document["paths"].as_object().unwrap();
    let found = paths.iter().filter_map(|(template, operations)| Some((fits(template)?, operations)));
    found.max_by_key(|(words, _)| *words).and_then(|(_, operations)| operations.as_object())
}

/// Whether the document has this answer: its status, its media type, and its body by its schema.
pub(crate) async fn check(router: &Router, method: &str, path: &str, answer: &Answer) {
    let document = document(router).await;
    let has_no_body = method == "HEAD";
    let method = if has_no_body { "GET" } else { method };
    let Some(operation) = operations(document, path).and_then(|found| found.get(&method.to_lowercase())) else {
        // not there, or not so: of a request to nothing, and a body that is too long whatever it was for
        assert!(matches!(answer.status, 404 | 405 | 413 | 503), "{method} {path} is not documented: {answer:?}");
        return;
    };
    let what = format!("{method} {path}");
    let Some(response) = operation["responses"].get(answer.status.to_string()) else {
        panic!("{what}: status {} is not documented: {answer:?}", answer.status)
    };
    let content = response["content"].as_object().unwrap();
    let essence = answer.header("content-type").and_then(|field| field.split(';').next());
    match essence {
        None => assert!(content.is_empty(), "{what}: no body, and one is documented"),
        Some(essence) => {
            let media =
                content.get(essence).unwrap_or_else(|| panic!("{what}: `{essence}` is not documented: {answer:?}"));
            let is_json = essence.contains("json") || essence.starts_with("application/did");
            if is_json && !has_no_body {
                let faults = faults(document, &media["schema"], &answer.json, "");
                assert!(faults.is_empty(), "{what} {}: {faults:?} in {}", answer.status, answer.text);
            }
        }
    }
    let fields = response.get("headers").and_then(Value::as_object);
    for (name, _) in fields.into_iter().flatten().filter(|(_, field)| field["required"] == true) {
        assert!(answer.header(&name.to_lowercase()).is_some(), "{what}: no `{name}`");
    }
}

/// What of `value` is not as the schema says: of the keywords that the document uses.
fn faults(document: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = document.pointer(reference.trim_start_matches('#')).unwrap();
        return faults(document, schema, value, place);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fitting = choices.iter().filter(|choice| faults(document, choice, value, place).is_empty()).count();
        return if fitting == 1 { Vec::new() } else { vec![format!("{place}: {fitting} of the choices fit")] };
    }
    let mut found = Vec::new();
    let mut require = |is_so: bool, what: String| {
        if !is_so {
            found.push(format!("{place}: {what}"));
        }
    };
    if let Some(words) = schema["enum"].as_array() {
        require(words.contains(value), format!("{value} is none of {words:?}"));
    }
    if let Some(word) = schema.get("const") {
        require(word == value, format!("{value} is not {word}"));
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(some) => some.iter().map(|one| one.as_str().unwrap()).collect(),
        _ => Vec::new(),
    };
    require(types.is_empty() || types.iter().any(|name| is_a(value, name)), format!("{value} is no {types:?}"));
    if let (Some(least), Some(number)) = (schema["minimum"].as_u64(), value.as_u64()) {
        require(number >= least, format!("{number} is below {least}"));
    }
    let members = value.as_object();
    let properties = schema["properties"].as_object();
    for name in schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap()) {
        require(members.is_some_and(|members| members.contains_key(name)), format!("no `{name}`"));
    }
    for (name, value) in members.into_iter().flatten() {
        match properties.and_then(|properties| properties.get(name)) {
            Some(schema) => found.extend(faults(document, schema, value, &format!("{place}/{name}"))),
            None if schema["additionalProperties"] == false => found.push(format!("{place}: `{name}` is not known")),
            None => {}
        }
    }
    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
        if let Some(schema) = schema.get("items") {
            found.extend(faults(document, schema, item, &format!("{place}/{number}")));
        }
    }
    found
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "null" => value.is_null(),
        other => panic!("`{other}` is no type of the document"),
    }
}

#[tokio::test]
async fn the_document_has_every_route_and_no_other() {
    let bench = Bench::new().await;
    let answer = bench.get("/openapi.json").await.is(200);
    assert_eq!(
        (&answer.json["openapi"], answer.header("cache-control")),
        (&"3.1.0".into(), Some("public, max-age=300"))
    );
    assert_eq!(answer.json["servers"][0]["url"], bench.issuer.as_str());
    let mut documented = BTreeSet::new();
    for (path, operations) in answer.json["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            documented.insert((method.to_uppercase(), path.clone()));
        }
    }
    let routes = bench.registry.routes();
    let there: BTreeSet<_> = routes.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(there.len(), routes.len(), "a route twice");
    assert_eq!(documented, there);
    // and what is documented is there: nothing of it is answered as a path or a method that is not
    for (method, path) in &documented {
        let path = path.replace("{did}", "x").replace("{name}", "x").replace("{id}", "x");
        let request = Request::builder().method(method.as_str()).uri(&path).body(Body::empty()).unwrap();
        // the one goes on for ever, of the other there is nothing before the feed's key was replaced
        if !matches!(path.as_str(), "/revocations/stream" | "/revocations/key") {
            let answer = bench.send(request).await;
            let reason = answer.json["reason"].as_str().unwrap_or_default();
            assert!(!matches!(reason, "not_found" | "method_not_allowed"), "{method} {path}: {answer:?}");
        }
    }
}

#[test]
fn what_is_not_as_a_schema_says_is_found() {
    let document = serde_json::json!({"components": {"schemas": {"Word": {"type": "string", "enum": ["a", "b"]}}}});
    let schema = serde_json::json!({
        "type": "object", "additionalProperties": false, "required": ["word"],
        "properties": {"word": {"$ref": "#/components/schemas/Word"}, "counts": {"type": "array", "items": {"type": "integer", "minimum": 1}},
                       "one": {"oneOf": [{"type": "string"}, {"type": ["integer", "null"]}]}},
    });
    let check = |text: &str, expected: usize| {
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(faults(&document, &schema, &value, "").len(), expected, "{text}");
    };
    check(r#"{"word":"a","counts":[1,2],"one":null}"#, 0);
    check(r#"{"word":"c"}"#, 1);
    check(r#"{"word":7}"#, 2);
    check(r#"{"counts":[0,"x"]}"#, 3);
    check(r#"{"word":"a","more":1}"#, 1);
    check(r#"{"word":"a","one":[]}"#, 1);
    check("[]", 2);
}
