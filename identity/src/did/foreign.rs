//! DID documents that somebody else wrote: read as plain JSON, with what they say about keys checked (DW-05 to DW-07).

use core::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::DidWeb;
use super::method::{Entry, Method, MethodError, Relationship};
use super::syntax::did_and_fragment;
use crate::json::{self, JsonError, Limits, optional};
use crate::{PublicKey, UnixTime};

/// Longest document read (spec/limits.md, DW-09).
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;
/// Elements of one list or members of one object of a document.
const MAX_DOCUMENT_MEMBERS: usize = 128;

/// Contexts whose terms mean what this reader takes them for. They are known by name and never fetched (DID-17).
const CONTEXTS: [&str; 2] = ["https://www.w3.org/ns/did/v1.1", "https://www.w3.org/ns/did/v1"];

/// A document found under a `did:web`.
///
/// That it was read says that it is well-formed and about this DID. What it says of keys is worth as much as the place it came from.
#[derive(Clone, Debug)]
pub struct ForeignDocument {
    did: DidWeb,
    value: Value,
    bytes: usize,
    methods: Vec<Method>,
    /// Names of methods by relationship, in the order of [`Relationship::ALL`].
    listed: [Vec<String>; 5],
    also_known_as: Vec<String>,
}

/// Why bytes are not the document of a DID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentError {
    /// Not one strict JSON object with members of the right types.
    Json(JsonError),
    /// It is about another DID (DW-05).
    OtherSubject,
    /// `@context` does not begin with one of DID 1.0 or 1.1.
    Context,
    /// A verification method is malformed, carries its key in the wrong member or twice, or shows a secret (DID-11, DID-12).
    Method,
    /// Two verification methods have one name (DR-35).
    Repeated,
    /// A relationship names a method by no absolute DID URL (DID-15, DW-06).
    Relationship,
    /// A service is named by no absolute URI (DW-06).
    Service,
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "the document is not well-formed: {error}"),
            Self::OtherSubject => f.write_str("the document is about another did"),
            Self::Context => f.write_str("the context of the document is not that of DID 1.0 or 1.1"),
            Self::Method => f.write_str("a verification method of the document is malformed or shows a secret"),
            Self::Repeated => f.write_str("two verification methods of the document have one name"),
            Self::Relationship => f.write_str("the document names a verification method by no absolute did url"),
            Self::Service => f.write_str("the document names a service by no absolute uri"),
        }
    }
}

impl core::error::Error for DocumentError {}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: String,
    #[serde(rename = "@context", default, deserialize_with = "optional")]
    context: Option<Context>,
    #[serde(default)]
    also_known_as: Vec<String>,
    #[serde(default)]
    verification_method: Vec<Entry>,
    #[serde(default)]
    authentication: Vec<Entry>,
    #[serde(default)]
    assertion_method: Vec<Entry>,
    #[serde(default)]
    capability_invocation: Vec<Entry>,
    #[serde(default)]
    capability_delegation: Vec<Entry>,
    #[serde(default)]
    key_agreement: Vec<Entry>,
    #[serde(default)]
    service: Vec<Service>,
}

#[derive(Deserialize)]
struct Service {
    id: String,
}

/// Whether a scheme comes first: a path, query or fragment alone means something only beside the document's own name.
fn is_absolute(uri: &str) -> bool {
    let scheme = uri.split([':', '/', '?', '#']).next().unwrap_or_default();
    scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !scheme.is_empty()
        && uri.strip_prefix(scheme).is_some_and(|rest| rest.starts_with(':'))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Context {
    One(String),
    Several(Vec<Value>),
}

impl Context {
    fn is_known(&self) -> bool {
        let first = match self {
            Self::One(one) => Some(one.as_str()),
            Self::Several(several) => several.first().and_then(Value::as_str),
        };
        first.is_some_and(|first| CONTEXTS.contains(&first))
    }
}

impl ForeignDocument {
    /// Reads the document of `did`.
    ///
    /// # Errors
    ///
    /// [`DocumentError`], by rule broken.
    ///
    /// ```
    /// use handfast_identity::{DidWeb, DocumentError, ForeignDocument};
    /// let did = DidWeb::parse("did:web:example.com").unwrap();
    /// assert!(ForeignDocument::parse(&did, br#"{"id":"did:web:example.com"}"#).is_ok());
    /// let other = ForeignDocument::parse(&did, br#"{"id":"did:web:example.org"}"#);
    /// assert_eq!(other.map(|_| ()), Err(DocumentError::OtherSubject));
    /// ```
    pub fn parse(did: &DidWeb, bytes: &[u8]) -> Result<Self, DocumentError> {
        let limits = Limits { max_members: MAX_DOCUMENT_MEMBERS, ..Limits::token(MAX_DOCUMENT_BYTES) };
        let wire: Wire = json::read_object(bytes, &limits).map_err(DocumentError::Json)?;
        if wire.id != did.as_str() {
            return Err(DocumentError::OtherSubject);
        }
        if wire.context.is_some_and(|context| !context.is_known()) {
            return Err(DocumentError::Context);
        }
        if !wire.service.iter().all(|service| is_absolute(&service.id)) {
            return Err(DocumentError::Service);
        }
        let mut methods = Methods::default();
        for entry in wire.verification_method {
            let Entry::Embedded(method) = entry else { return Err(DocumentError::Method) };
            methods.add(Method::read(method))?;
        }
        let listed = [
            methods.listed(wire.authentication)?,
            methods.listed(wire.assertion_method)?,
            methods.listed(wire.capability_invocation)?,
            methods.listed(wire.capability_delegation)?,
            methods.listed(wire.key_agreement)?,
        ];
        let value = json::read(bytes, &limits).map_err(DocumentError::Json)?;
        let also_known_as = wire.also_known_as;
        Ok(Self { did: did.clone(), value, bytes: bytes.len(), methods: methods.0, listed, also_known_as })
    }

    /// The DID it is about.
    #[must_use]
    pub const fn did(&self) -> &DidWeb {
        &self.did
    }

    /// The whole document as it stands, members nobody here knows included.
    #[must_use]
    pub const fn json(&self) -> &Value {
        &self.value
    }

    /// How many bytes it had.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes
    }

    /// Whether it had none; no document is read from nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// By what else its subject says to be known. A claim of one side.
    #[must_use]
    pub fn also_known_as(&self) -> &[String] {
        &self.also_known_as
    }

    /// The key under `url`, for this purpose, at this time (DID-18): of this document, its subject's own, and listed.
    ///
    /// # Errors
    ///
    /// The first [`MethodError`] of the steps. That a method's name begins with the DID is not enough: a document of somebody else
    /// can name anybody's key (DID-19).
    pub fn key(&self, url: &str, purpose: Relationship, now: UnixTime) -> Result<&PublicKey, MethodError> {
        let (did, _) = did_and_fragment(url).ok_or(MethodError::Url)?;
        if did != self.did.as_str() {
            return Err(MethodError::OtherDocument);
        }
        let method = self.methods.iter().find(|method| method.id == url).ok_or(MethodError::Method)?;
        if method.controller != self.did.as_str() {
            return Err(MethodError::Method);
        }
        if !self.names(purpose).any(|name| name == url) {
            return Err(MethodError::Relationship);
        }
        method.usable_key(now).ok_or(MethodError::Method)
    }

    /// Every key that [`Self::key`] gives for this purpose at this time.
    pub fn keys(&self, purpose: Relationship, now: UnixTime) -> impl Iterator<Item = &PublicKey> {
        self.names(purpose).filter_map(move |name| self.key(name, purpose, now).ok())
    }

    fn names(&self, purpose: Relationship) -> impl Iterator<Item = &str> {
        let listed = Relationship::ALL.iter().zip(&self.listed).filter(move |(known, _)| **known == purpose);
        listed.flat_map(|(_, names)| names.iter().map(String::as_str))
    }
}

#[derive(Default)]
struct Methods(Vec<Method>);

impl Methods {
    fn add(&mut self, method: Option<Method>) -> Result<&Method, DocumentError> {
        let method = method.ok_or(DocumentError::Method)?;
        if self.0.iter().any(|known| known.id == method.id) {
            return Err(DocumentError::Repeated);
        }
        self.0.push(method);
        self.0.last().ok_or(DocumentError::Method)
    }

    /// The names of a relationship's entries; methods that are embedded there are added.
    fn listed(&mut self, entries: Vec<Entry>) -> Result<Vec<String>, DocumentError> {
        let name = |entry| match entry {
            Entry::Named(name) => match did_and_fragment(&name) {
                Some(_) => Ok(name),
                None => Err(DocumentError::Relationship),
            },
            Entry::Embedded(method) => self.add(Method::read(method)).map(|method| method.id.clone()),
        };
        entries.into_iter().map(name).collect()
    }
}
