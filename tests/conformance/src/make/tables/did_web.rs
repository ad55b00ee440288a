//! `did:web`: where documents are, and which are believed (spec/identity.md).

use handfast_identity::{DidDocument, UnixTime};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::did_key::Refused;
use crate::make::keys::Who;

/// When the documents of the table are looked at: 2026-11-21T12:00:00Z.
pub const NOW: UnixTime = UnixTime::from_secs(1_795_262_400);

/// The table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DidWebs {
    /// DIDs that are read.
    pub accepted: Vec<Place>,
    /// Texts that are refused.
    pub refused: Vec<Refused>,
    /// Documents found under [`DID`], at 1795262400.
    pub documents: Vec<Document>,
}

/// A DID and the place of its document.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The DID.
    pub did: String,
    /// Where its document is.
    pub url: String,
}

/// A document and what is made of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// What is special about it.
    pub about: String,
    /// Its bytes.
    pub document: String,
    /// Why it is refused: the name of the error; absent if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Thumbprints of the keys that may sign statements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signing_keys: Vec<String>,
}

/// The DID of the documents.
pub const DID: &str = "did:web:party.example";

pub(super) fn table() -> DidWebs {
    DidWebs { accepted: accepted(), refused: refused_texts(), documents: [good(), bad()].concat() }
}

fn accepted() -> Vec<Place> {
    [
        ("did:web:w3c-ccg.github.io", "https://w3c-ccg.github.io/.well-known/did.json"),
        ("did:web:w3c-ccg.github.io:user:alice", "https://w3c-ccg.github.io/user/alice/did.json"),
        ("did:web:example.com%3A3000:user:alice", "https://example.com:3000/user/alice/did.json"),
        ("did:web:example.com%3A3000", "https://example.com:3000/.well-known/did.json"),
        ("did:web:example.com%3a3000", "https://example.com:3000/.well-known/did.json"),
        ("did:web:example.com:a%2Fb", "https://example.com/a%2Fb/did.json"),
        ("did:web:xn--bcher-kva.example", "https://xn--bcher-kva.example/.well-known/did.json"),
        ("did:web:localhost%3A4500", "https://localhost:4500/.well-known/did.json"),
        ("did:web:1.example", "https://1.example/.well-known/did.json"),
        ("did:web:example.com:...", "https://example.com/.../did.json"),
    ]
    .map(|(did, url)| Place { did: did.to_owned(), url: url.to_owned() })
    .into()
}

fn refused_texts() -> Vec<Refused> {
    let long_label = format!("did:web:{}.example", "a".repeat(64));
    let long_host = format!("did:web:{}example", "a.".repeat(124));
    [
        ("no host", "did:web:"),
        ("an empty last segment", "did:web:example.com:"),
        ("an empty segment", "did:web:example.com::a"),
        ("a path", "did:web:example.com/path"),
        ("a query", "did:web:example.com?x"),
        ("a fragment", "did:web:example.com#key"),
        ("the method in capitals", "did:WEB:example.com"),
        ("a blank behind it", "did:web:example.com "),
        ("an IPv4 address", "did:web:127.0.0.1"),
        ("an IPv4 address with a port", "did:web:127.0.0.1%3A4500"),
        ("an IPv4 address as one number", "did:web:2130706433"),
        ("an IPv4 address in hexadecimal", "did:web:0x7f.1"),
        ("an IPv4 address with a hexadecimal end", "did:web:127.0.0.0x1"),
        ("an IPv6 address", "did:web:%5B%3A%3A1%5D"),
        ("dots as segments", "did:web:example.com:..:..:etc"),
        ("a dot as segment", "did:web:example.com:.:a"),
        ("escaped dots as segment", "did:web:example.com:%2e%2E"),
        ("a dot and an escaped dot", "did:web:example.com:.%2e:a"),
        ("an escaped slash in the host", "did:web:example.com%2Fadmin"),
        ("an escaped backslash in the host", "did:web:example.com%5Cadmin"),
        ("an escaped `@` in the host", "did:web:user%40example.com"),
        ("an escaped letter in the host", "did:web:%65xample.com"),
        ("a port and something escaped", "did:web:example.com%3A3000%2Fx"),
        ("two ports", "did:web:example.com%3A1%3A2"),
        ("an empty port", "did:web:example.com%3A"),
        ("port 0", "did:web:example.com%3A0"),
        ("a port with a zero in front", "did:web:example.com%3A080"),
        ("a port that is none", "did:web:example.com%3A65536"),
        ("a signed port", "did:web:example.com%3A-1"),
        ("an empty label", "did:web:example..com"),
        ("a dot behind the host", "did:web:example.com."),
        ("a hyphen before a label", "did:web:-a.example"),
        ("a hyphen behind a label", "did:web:a-.example"),
        ("an underscore", "did:web:a_b.example"),
        ("letters outside ASCII", "did:web:b\u{fc}cher.example"),
        ("a label of 64 characters", &long_label),
        ("a host of 255 characters", &long_host),
    ]
    .map(|(about, did)| Refused { about: about.to_owned(), did: did.to_owned(), reason: "invalid_did".to_owned() })
    .into()
}

fn method(id: &str, who: Who) -> Value {
    let key = who.did().fragment().to_owned();
    json!({"id": format!("{DID}#{id}"), "type": "Multikey", "controller": DID, "publicKeyMultibase": key})
}

/// A document with these methods, the first of them listed for statements.
fn with_methods(methods: &[Value]) -> Value {
    let first = methods.first().map(|method| method["id"].clone());
    json!({"@context": ["https://www.w3.org/ns/did/v1.1"], "id": DID, "verificationMethod": methods, "assertionMethod": [first]})
}

fn changed(mut value: Value, change: impl FnOnce(&mut Value)) -> Value {
    change(&mut value);
    value
}

fn good() -> Vec<Document> {
    let row = |about: &str, document: String, keys: &[Who]| Document {
        about: about.to_owned(),
        document,
        refused: None,
        signing_keys: keys.iter().map(|who| who.jkt()).collect(),
    };
    let one = || with_methods(&[method("k", Who::Agent)]);
    let of = |about: &str, value: Value, keys: &[Who]| row(about, value.to_string(), keys);
    let set = |path: &'static str, to: Value| changed(one(), |value| *value.pointer_mut(path).unwrap() = to);
    let in_method = |name: &'static str, to: Value| changed(one(), |value| value["verificationMethod"][0][name] = to);
    let jwk: Value = serde_json::from_str(&Who::P256Agent.key().public().to_jwk()).unwrap();
    let as_jwk = json!({"id": format!("{DID}#j"), "type": "JsonWebKey2020", "controller": DID, "publicKeyJwk": jwk});
    let ours = serde_json::to_string(&DidDocument::of_signer(DID, &Who::Feed.did())).unwrap();
    vec![
        row("a registry's own", ours, &[Who::Feed]),
        row("nothing but the subject", format!(r#"{{"id":"{DID}"}}"#), &[]),
        of("a Multikey", one(), &[Who::Agent]),
        of(
            "a JWK, in the context of DID 1.0",
            changed(with_methods(&[as_jwk]), |value| value["@context"] = json!("https://www.w3.org/ns/did/v1")),
            &[Who::P256Agent],
        ),
        of(
            "no context",
            changed(one(), |value| drop(value.as_object_mut().unwrap().remove("@context"))),
            &[Who::Agent],
        ),
        of(
            "further contexts, which nobody fetches",
            set("/@context", json!(["https://www.w3.org/ns/did/v1", "https://evil.example", {"id": "x"}])),
            &[Who::Agent],
        ),
        of(
            "embedded where it is listed",
            json!({"id": DID, "assertionMethod": [method("k", Who::Agent)]}),
            &[Who::Agent],
        ),
        of("listed for nothing", set("/assertionMethod", json!([])), &[]),
        of(
            "listed for another purpose",
            changed(one(), |value| {
                value["authentication"] = value["assertionMethod"].take();
                value["assertionMethod"] = json!([]);
            }),
            &[],
        ),
        of("listed by a name that is not there", set("/assertionMethod/0", json!(format!("{DID}#other"))), &[]),
        of("named in another document", set("/assertionMethod/0", json!("did:web:other.example#k")), &[]),
        of("controlled by another (DID-19)", in_method("controller", json!("did:web:other.example")), &[]),
        of("expires later", in_method("expires", json!("2026-11-21T12:00:01Z")), &[Who::Agent]),
        of("expires now", in_method("expires", json!("2026-11-21T12:00:00Z")), &[]),
        of("revoked", in_method("revoked", json!("2026-11-21T11:59:59Z")), &[]),
        of(
            "a key of another kind",
            in_method("publicKeyMultibase", json!("z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc")),
            &[],
        ),
        of(
            "a suite nobody here knows",
            changed(one(), |value| value["verificationMethod"][0]["type"] = json!("Bls12381G2Key2020")),
            &[],
        ),
        of(
            "members nobody here knows",
            changed(one(), |value| value["verificationMethod"][0]["x"] = json!({"y": 1})),
            &[Who::Agent],
        ),
        of(
            "a service",
            changed(one(), |value| {
                value["service"] =
                    json!([{"id": format!("{DID}#s"), "type": "X", "serviceEndpoint": "https://s.example"}]);
            }),
            &[Who::Agent],
        ),
    ]
}

fn bad() -> Vec<Document> {
    let row = |about: &str, document: String, error: &str| Document {
        about: about.to_owned(),
        document,
        refused: Some(error.to_owned()),
        signing_keys: Vec::new(),
    };
    let one = || with_methods(&[method("k", Who::Agent)]);
    let set = |about: &str, path: &'static str, to: Value, error: &str| {
        row(about, changed(one(), |value| *value.pointer_mut(path).unwrap() = to).to_string(), error)
    };
    let add = |about: &str, name: &'static str, to: Value, error: &str| {
        row(about, changed(one(), |value| value["verificationMethod"][0][name] = to).to_string(), error)
    };
    let jwk: Value = serde_json::from_str(&Who::Agent.key().public().to_jwk()).unwrap();
    let with_jwk = |jwk: Value| {
        with_methods(&[json!({"id": format!("{DID}#k"), "type": "JsonWebKey", "controller": DID, "publicKeyJwk": jwk})])
    };
    vec![
        row("nothing", String::new(), "Json"),
        row("no JSON", "<html>".to_owned(), "Json"),
        row("an array", "[]".to_owned(), "Json"),
        row("no subject", "{}".to_owned(), "Json"),
        row("a member twice", format!(r#"{{"id":"{DID}","id":"{DID}"}}"#), "Json"),
        row("something behind it", format!(r#"{{"id":"{DID}"}} x"#), "Json"),
        row("deeper than allowed", format!(r#"{{"id":"{DID}","x":{}{}}}"#, "[".repeat(16), "]".repeat(16)), "Json"),
        set("another subject (DW-05)", "/id", json!("did:web:other.example"), "OtherSubject"),
        set("the subject in another case", "/id", json!("did:web:Party.example"), "OtherSubject"),
        set("the subject with its port", "/id", json!("did:web:party.example%3A443"), "OtherSubject"),
        set("another context", "/@context", json!(["https://evil.example"]), "Context"),
        set("a context of its own", "/@context", json!([{"id": "@id"}]), "Context"),
        set("an empty context", "/@context", json!([]), "Context"),
        set("a method that is named only", "/verificationMethod/0", json!(format!("{DID}#k")), "Method"),
        set("a relative name (DW-06)", "/verificationMethod/0/id", json!("#k"), "Method"),
        set("a name without fragment", "/verificationMethod/0/id", json!(DID), "Method"),
        set("no controller's DID", "/verificationMethod/0/controller", json!("party.example"), "Method"),
        set("no type", "/verificationMethod/0/type", json!(""), "Method"),
        add("its key twice (DID-12)", "publicKeyJwk", jwk.clone(), "Method"),
        add("a secret beside it", "secretKeyMultibase", json!("z1"), "Method"),
        add("no time", "expires", json!("tomorrow"), "Method"),
        row(
            "a Multikey without key",
            changed(one(), |value| {
                drop(value["verificationMethod"][0].as_object_mut().unwrap().remove("publicKeyMultibase"));
            })
            .to_string(),
            "Method",
        ),
        row(
            "a JWK under another type",
            changed(with_jwk(jwk.clone()), |value| value["verificationMethod"][0]["type"] = json!("Multikey"))
                .to_string(),
            "Method",
        ),
        row("a private JWK", with_jwk(changed(jwk.clone(), |jwk| jwk["d"] = json!("AA"))).to_string(), "Method"),
        row(
            "a private JWK of a suite nobody here knows",
            changed(with_jwk(changed(jwk, |jwk| jwk["d"] = json!("AA"))), |value| {
                value["verificationMethod"][0]["type"] = json!("X");
            })
            .to_string(),
            "Method",
        ),
        row(
            "two methods of one name (DR-35)",
            with_methods(&[method("k", Who::Agent), method("k", Who::OtherAgent)]).to_string(),
            "Repeated",
        ),
        set("a relative relationship (DW-06)", "/assertionMethod/0", json!("#k"), "Relationship"),
        set("a relationship that is a number", "/assertionMethod/0", json!(1), "Json"),
        row(
            "a relative service",
            changed(one(), |value| value["service"] = json!([{"id": "#s"}])).to_string(),
            "Service",
        ),
    ]
}
