//! What a resource says about itself (RFC 9728): which issuers clients ask for tokens, and for what scopes.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use handfast_delegation::{DETAILS_TYPE, ResourceId, Scope};
use handfast_dpop::PublicBase;
use handfast_verifier::CHALLENGE_ALGORITHMS;
use http::HeaderValue;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use serde_json::{Map, Value, json};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// As an issuer's documents: what changes is known everywhere within five minutes.
const FOR_FIVE_MINUTES: HeaderValue = HeaderValue::from_static("public, max-age=300");
const ANYBODY: HeaderValue = HeaderValue::from_static("*");

/// The optional members of a resource's metadata. What the server knows by itself, its identifier, its issuers, and that tokens
/// have to be bound by DPoP, is always there.
///
/// ```
/// # use handfast_delegation::Scope;
/// # use handfast_middleware::ResourceMetadata;
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let metadata = ResourceMetadata::new().scopes(&Scope::parse("files:read files:write")?).name("Files of Example");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ResourceMetadata(Map<String, Value>);

/// A resource whose metadata nobody could find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotHere;

impl ResourceMetadata {
    /// Without optional members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The scopes that clients may ask for (`scopes_supported`); an empty one leaves them out (MD-23).
    #[must_use]
    pub fn scopes(self, scopes: &Scope) -> Self {
        let tokens: Vec<_> = scopes.tokens().collect();
        if tokens.is_empty() { self } else { self.with("scopes_supported", json!(tokens)) }
    }

    /// A name for people (`resource_name`).
    #[must_use]
    pub fn name(self, name: &str) -> Self {
        self.with("resource_name", name.into())
    }

    /// Where developers read on (`resource_documentation`).
    #[must_use]
    pub fn documentation(self, url: &str) -> Self {
        self.with("resource_documentation", url.into())
    }

    /// Tools are applied here: tokens may carry `authorization_details` of the type that says them.
    #[must_use]
    pub fn applies_tools(self) -> Self {
        self.with("authorization_details_types_supported", json!([DETAILS_TYPE]))
    }

    fn with(mut self, member: &str, value: Value) -> Self {
        self.0.insert(member.to_owned(), value);
        self
    }

    /// The document of `resource`, and where it is.
    pub(crate) fn publish(
        self,
        resource: &ResourceId,
        base: &PublicBase,
        issuers: Vec<String>,
    ) -> Result<Published, NotHere> {
        let path = place(resource, base).ok_or(NotHere)?;
        let mut document = self.0;
        document.insert("resource".to_owned(), resource.as_str().into());
        if !issuers.is_empty() {
            document.insert("authorization_servers".to_owned(), issuers.into());
        }
        let algorithms: Vec<_> = CHALLENGE_ALGORITHMS.split(' ').collect();
        document.insert("dpop_signing_alg_values_supported".to_owned(), algorithms.into());
        document.insert("dpop_bound_access_tokens_required".to_owned(), true.into());
        Ok(Published { url: format!("{}{path}", base.origin()), path, document: Value::from(document).to_string() })
    }
}

/// A resource's metadata as it is served.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    /// Its address, for challenges (MD-24).
    pub(crate) url: String,
    path: String,
    document: String,
}

impl Published {
    pub(crate) fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let fields = [(CONTENT_TYPE, JSON), (CACHE_CONTROL, FOR_FIVE_MINUTES), (ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY)];
        let answer = (fields, self.document.clone());
        let answer = get(move || std::future::ready(answer.clone().into_response()));
        // an identifier's path may begin its parts with what older routers took for a pattern
        Router::new().without_v07_checks().route(&self.path, answer)
    }
}

/// The path of the metadata: the well-known part between host and path of the identifier, a lone slash behind the host taken off
/// first (MD-20). An identifier with a query, or at another origin, has none here.
fn place(resource: &ResourceId, base: &PublicBase) -> Option<String> {
    let rest = resource.as_str().strip_prefix(base.origin())?;
    let is_here = (rest.is_empty() || rest.starts_with('/')) && !rest.contains('?');
    is_here.then(|| format!("{WELL_KNOWN}{}", if rest == "/" { "" } else { rest }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // constants of the test

    use super::*;

    fn check(resource: &str, base: &str, expected: Option<&str>) {
        let base = PublicBase::parse(base).unwrap();
        assert_eq!(place(&ResourceId::parse(resource).unwrap(), &base).as_deref(), expected, "{resource}");
    }

    #[test]
    fn the_well_known_part_stands_between_host_and_path() {
        const BASE: &str = "https://api.example";
        check("https://api.example", BASE, Some(WELL_KNOWN));
        check("https://api.example/", BASE, Some(WELL_KNOWN));
        check("https://api.example/a", BASE, Some("/.well-known/oauth-protected-resource/a"));
        check("https://api.example/a/", BASE, Some("/.well-known/oauth-protected-resource/a/"));
        check("https://api.example/a", "https://api.example/a", Some("/.well-known/oauth-protected-resource/a"));
        check(
            "https://api.example:8443/a",
            "https://api.example:8443",
            Some("/.well-known/oauth-protected-resource/a"),
        );
    }

    #[test]
    fn what_is_elsewhere_is_not_published() {
        const BASE: &str = "https://api.example";
        check("https://api.example/a?b", BASE, None);
        check("https://api.example?b", BASE, None);
        check("https://api.example.org/a", BASE, None);
        check("https://api.example:8443/a", BASE, None);
        check("http://api.example", BASE, None);
        check("urn:example:api", BASE, None);
    }
}
