//! The form of a token exchange (RFC 8693 2.1).

use core::fmt;

use handfast_identity::DidKey;

use super::form::{Form, Wish};
use super::request::GrantRequest;
use crate::Refusal;

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// A token exchange, read and not yet judged. Its tokens are credentials and have no `Debug` text.
#[derive(Clone, PartialEq, Eq)]
pub struct ExchangeRequest {
    client: DidKey,
    subject_token: String,
    actor_token: Option<String>,
    pub(super) wish: Wish,
}

impl fmt::Debug for ExchangeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeRequest")
            .field("client", &self.client)
            .field("wish", &self.wish)
            .finish_non_exhaustive()
    }
}

impl ExchangeRequest {
    /// The `issued_token_type` of every answer (TX-07, TX-08).
    pub const ISSUED_TYPE: &str = ACCESS_TOKEN;

    /// Reads the decoded parameters of the form, in any order.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidClient`]; [`Refusal::InvalidTarget`] for `audience`, which has no meaning here;
    /// [`Refusal::InvalidRequest`] for `act` and `may_act`, which nobody says of himself (ACT-07), and for token types; those
    /// of scope, resources and tools as in a [`TokenRequest`](crate::TokenRequest).
    pub fn from_form<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Refusal> {
        match GrantRequest::from_form(parameters)? {
            GrantRequest::Exchange(request) => Ok(request),
            GrantRequest::Credentials(_) => Err(Refusal::UnsupportedGrantType),
        }
    }

    pub(super) fn read(form: &Form<'_>) -> Result<Self, Refusal> {
        let client = form.client()?;
        if form.has("audience") {
            return Err(Refusal::InvalidTarget);
        }
        if form.has("act") || form.has("may_act") {
            return Err(Refusal::InvalidRequest);
        }
        let subject_token = form.one("subject_token")?.ok_or(Refusal::InvalidRequest)?.to_owned();
        // TX-01, TX-16
        require_type(form.one("subject_token_type")?.ok_or(Refusal::InvalidRequest)?, &[ACCESS_TOKEN, JWT])?;
        let actor_token = form.one("actor_token")?.map(str::to_owned);
        // TX-02
        match (&actor_token, form.one("actor_token_type")?) {
            (Some(_), Some(kind)) => require_type(kind, &[JWT])?,
            (None, None) => {}
            (Some(_), None) | (None, Some(_)) => return Err(Refusal::InvalidRequest),
        }
        // TX-14
        require_type(form.one("requested_token_type")?.unwrap_or(ACCESS_TOKEN), &[ACCESS_TOKEN])?;
        Ok(Self { client, subject_token, actor_token, wish: form.wish()? })
    }

    /// The client, which the proof has to be by.
    #[must_use]
    pub const fn client(&self) -> &DidKey {
        &self.client
    }

    /// The root token, unread.
    #[must_use]
    pub fn expose_subject_token(&self) -> &str {
        &self.subject_token
    }

    /// The last hop, unread; without it the client wants a narrower root.
    #[must_use]
    pub fn expose_actor_token(&self) -> Option<&str> {
        self.actor_token.as_deref()
    }
}

fn require_type(kind: &str, known: &[&str]) -> Result<(), Refusal> {
    if known.contains(&kind) { Ok(()) } else { Err(Refusal::InvalidRequest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DID: &str = "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw";

    /// A good form without the parameters named `without`, and with `more`.
    #[allow(clippy::needless_pass_by_value)] // the expected value reads better without a reference
    fn check(without: &[&str], more: &[(&'static str, &'static str)], expected: Result<(), Refusal>) {
        let base = [
            ("grant_type", crate::TOKEN_EXCHANGE),
            ("client_id", DID),
            ("subject_token", "a.b.c"),
            ("subject_token_type", ACCESS_TOKEN),
            ("actor_token", "d.e.f"),
            ("actor_token_type", JWT),
        ];
        let form = base.into_iter().filter(|(name, _)| !without.contains(name)).chain(more.iter().copied());
        assert_eq!(ExchangeRequest::from_form(form).map(|_| ()), expected, "{without:?} {more:?}");
    }

    #[test]
    fn the_parameters_are_those_of_the_table() {
        check(&[], &[], Ok(()));
        check(&["actor_token", "actor_token_type"], &[], Ok(()));
        check(&["subject_token_type"], &[("subject_token_type", JWT)], Ok(()));
        check(&[], &[("requested_token_type", ACCESS_TOKEN)], Ok(()));
        check(&[], &[("unknown", "x"), ("unknown", "y"), ("audience", ""), ("act", "")], Ok(()));
    }

    #[test]
    fn anything_else_is_refused() {
        let invalid = || Err(Refusal::InvalidRequest);
        for without in ["subject_token", "subject_token_type", "actor_token", "actor_token_type"] {
            check(&[without], &[], invalid()); // TX-01, TX-02
        }
        for kind in ["refresh_token", "id_token", "saml2", "access_token"] {
            let urn: &'static str = match kind {
                "refresh_token" => "urn:ietf:params:oauth:token-type:refresh_token",
                "id_token" => "urn:ietf:params:oauth:token-type:id_token",
                "saml2" => "urn:ietf:params:oauth:token-type:saml2",
                _ => "access_token",
            };
            check(&["subject_token_type"], &[("subject_token_type", urn)], invalid()); // TX-16
            check(&["actor_token_type"], &[("actor_token_type", urn)], invalid());
            check(&[], &[("requested_token_type", urn)], invalid()); // TX-14
        }
        check(&["actor_token_type"], &[("actor_token_type", ACCESS_TOKEN)], invalid());
        check(&[], &[("requested_token_type", JWT)], invalid());
        for name in ["subject_token", "subject_token_type", "actor_token", "actor_token_type", "client_id", "scope"] {
            check(&[], &[(name, "x"), (name, "x")], invalid()); // TX-15
        }
        check(&[], &[("audience", "https://api.example")], Err(Refusal::InvalidTarget));
        for name in ["act", "may_act"] {
            check(&[], &[(name, "{\"sub\":\"x\"}")], invalid()); // ACT-07
        }
        check(&["client_id"], &[], Err(Refusal::InvalidClient));
        check(&[], &[("client_secret", "x")], Err(Refusal::InvalidClient));
    }

    #[test]
    fn th73_tokens_have_no_debug_text() {
        let form = [
            ("grant_type", crate::TOKEN_EXCHANGE),
            ("client_id", DID),
            ("subject_token", "secret.root.token"),
            ("subject_token_type", ACCESS_TOKEN),
        ];
        assert!(!format!("{:?}", ExchangeRequest::from_form(form)).contains("secret"));
    }
}
