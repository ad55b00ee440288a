//! The decoded parameters of a form at the token endpoint, and those that every grant reads alike.

use handfast_delegation::{ResourceId, Scope, Tools};
use handfast_identity::json::{self, Limits};
use handfast_identity::{DidKey, Seconds};
use serde_json::Value;

use super::UnverifiedClientAssertion;
use crate::authority::details_fit;
use crate::limits::MAX_BODY_BYTES;
use crate::{Refusal, ShownText};

/// What is wanted, in each dimension of authority; left out: as much as there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) scope: Option<Scope>,
    pub(crate) resources: Vec<ResourceId>,
    pub(crate) tools: Option<Tools>,
    pub(crate) max_depth: Option<u8>,
}

/// Parameters in order, without the empty ones, which count as left out (RFC 6749 3.2).
pub(super) struct Form<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Form<'a> {
    pub(super) fn new(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(parameters.into_iter().filter(|(_, value)| !value.is_empty()).collect())
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| *key == name).map(|(_, value)| *value)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// TX-15: a parameter twice is refused, whatever its values.
    pub(super) fn one(&self, name: &str) -> Result<Option<&'a str>, Refusal> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(Refusal::InvalidRequest),
        }
    }

    pub(super) fn text<const MAX: usize>(&self, name: &str) -> Result<Option<ShownText<MAX>>, Refusal> {
        self.one(name)?.map(ShownText::parse).transpose().map_err(|_| Refusal::InvalidRequest)
    }

    pub(super) fn seconds(&self, name: &str) -> Result<Option<Seconds>, Refusal> {
        Ok(self.one(name)?.map(number).transpose()?.map(Seconds::new))
    }

    /// The client, which the proof has to be by: named, or by an assertion alone (RFC 7521 4.2). There are no secrets here.
    pub(super) fn client(&self) -> Result<DidKey, Refusal> {
        if self.has("client_secret") {
            return Err(Refusal::InvalidClient);
        }
        let assertion = self.assertion()?;
        let named = self.one("client_id")?.map(DidKey::parse).transpose().map_err(|_| Refusal::InvalidClient)?;
        match (named, assertion.as_ref().map(UnverifiedClientAssertion::client)) {
            (Some(named), Some(asserted)) if named != *asserted => Err(Refusal::InvalidClient),
            (Some(client), _) => Ok(client),
            (None, Some(asserted)) => Ok(asserted.clone()),
            (None, None) => Err(Refusal::InvalidClient),
        }
    }

    /// The client's assertion, if it sent one.
    pub(super) fn assertion(&self) -> Result<Option<UnverifiedClientAssertion>, Refusal> {
        UnverifiedClientAssertion::read(self.one("client_assertion")?, self.one("client_assertion_type")?)
    }

    pub(super) fn wish(&self) -> Result<Wish, Refusal> {
        let scope = self.one("scope")?.map(Scope::parse).transpose();
        let resources: Result<_, _> = self.all("resource").map(ResourceId::parse).collect();
        let max_depth = self.one("del_max_depth")?.map(number).transpose()?;
        Ok(Wish {
            scope: scope.map_err(|_| Refusal::InvalidScope { excess: Scope::default() })?,
            resources: resources.map_err(|_| Refusal::InvalidTarget)?,
            tools: self.one("authorization_details")?.map(details).transpose()?,
            // whatever does not fit is more than any ceiling has
            max_depth: max_depth.map(|depth| u8::try_from(depth).unwrap_or(u8::MAX)),
        })
    }
}

/// Which client a form at an OAuth endpoint is of, by `client_id` or assertion. Whose proof it comes with, is not known here.
///
/// # Errors
///
/// [`Refusal::InvalidClient`]; [`Refusal::InvalidRequest`] for a parameter twice.
pub fn client_of<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<DidKey, Refusal> {
    Form::new(parameters).client()
}

fn number(text: &str) -> Result<u64, Refusal> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::InvalidRequest);
    }
    text.parse().map_err(|_| Refusal::InvalidRequest)
}

/// RAR-01, RAR-02: an array in JSON, of the one type, and no longer than a token has room for.
fn details(text: &str) -> Result<Tools, Refusal> {
    // a claim of a token, where they will stand, is one level down
    let limits = Limits { max_depth: Limits::MAX_DEPTH_TOKEN - 1, ..Limits::token(MAX_BODY_BYTES) };
    let value: Value = json::read(text.as_bytes(), &limits).map_err(|_| Refusal::InvalidAuthorizationDetails)?;
    let tools = Tools::from_details(&value).map_err(|_| Refusal::InvalidAuthorizationDetails)?;
    if details_fit(&tools) { Ok(tools) } else { Err(Refusal::InvalidAuthorizationDetails) }
}
