//! The form of a token request (RFC 6749 4.4.2, RFC 8707).

use handfast_delegation::{MAX_INTENT_BYTES, MAX_REFERENCE_BYTES};
use handfast_identity::{DidKey, Seconds};

use super::ExchangeRequest;
use super::form::{Form, Wish};
use crate::{GrantFault, Refusal, SelfTasks, ShownText, TaskId};

/// The grant by which a client gets a token for itself (RFC 6749 4.4).
pub const CLIENT_CREDENTIALS: &str = "client_credentials";
/// The grant by which a delegate gets a token for what was passed on to it (RFC 8693).
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// A request of either grant, read and not yet judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantRequest {
    /// `client_credentials`.
    Credentials(TokenRequest),
    /// Token exchange.
    Exchange(ExchangeRequest),
}

impl GrantRequest {
    /// Reads the decoded parameters of the form, in any order.
    ///
    /// Unknown ones are ignored and empty ones count as left out (RFC 6749 3.2); only `resource` may stand twice.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnsupportedGrantType`]; else those of [`TokenRequest::from_form`] or [`ExchangeRequest::from_form`].
    pub fn from_form<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Refusal> {
        let form = Form::new(parameters);
        match form.one("grant_type")? {
            Some(CLIENT_CREDENTIALS) => TokenRequest::read(&form).map(Self::Credentials),
            Some(TOKEN_EXCHANGE) => ExchangeRequest::read(&form).map(Self::Exchange),
            Some(_) => Err(Refusal::UnsupportedGrantType),
            None => Err(Refusal::InvalidRequest),
        }
    }

    /// The client, which the proof has to be by.
    #[must_use]
    pub const fn client(&self) -> &DidKey {
        match self {
            Self::Credentials(request) => &request.client,
            Self::Exchange(request) => request.client(),
        }
    }
}

/// A `client_credentials` request, read and not yet judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    pub(crate) client: DidKey,
    pub(crate) wish: Wish,
    pub(crate) task: TaskChoice,
}

/// Which task the token is to be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskChoice {
    /// The agent's default one.
    Default,
    /// A known one.
    Known(TaskId),
    /// A new one, of the agent's own accord.
    New {
        /// What it is for.
        intent: ShownText<MAX_INTENT_BYTES>,
        /// A reference to something outside.
        reference: Option<ShownText<MAX_REFERENCE_BYTES>>,
        /// How long.
        lifetime: Option<Seconds>,
    },
}

impl TokenRequest {
    /// Reads the decoded parameters of the form, in any order.
    ///
    /// Unknown ones are ignored and empty ones count as left out (RFC 6749 3.2); only `resource` may stand twice.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnsupportedGrantType`], [`Refusal::InvalidClient`], [`Refusal::InvalidScope`],
    /// [`Refusal::InvalidTarget`], [`Refusal::InvalidAuthorizationDetails`], [`Refusal::InvalidGrant`] for a task id that
    /// cannot be one, else [`Refusal::InvalidRequest`].
    pub fn from_form<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Refusal> {
        match GrantRequest::from_form(parameters)? {
            GrantRequest::Credentials(request) => Ok(request),
            GrantRequest::Exchange(_) => Err(Refusal::UnsupportedGrantType),
        }
    }

    fn read(form: &Form<'_>) -> Result<Self, Refusal> {
        Ok(Self { client: form.client()?, wish: form.wish()?, task: task(form)? })
    }

    /// The client: whose record to load.
    #[must_use]
    pub const fn client(&self) -> &DidKey {
        &self.client
    }

    /// Which task is asked for.
    #[must_use]
    pub const fn task(&self) -> &TaskChoice {
        &self.task
    }

    /// The task whose record to load, given the agent's list.
    #[must_use]
    pub fn wanted_task<'a>(&'a self, self_tasks: Option<&'a SelfTasks>) -> Option<&'a TaskId> {
        match &self.task {
            TaskChoice::Known(id) => Some(id),
            TaskChoice::Default => self_tasks.and_then(SelfTasks::default_task),
            TaskChoice::New { .. } => None,
        }
    }
}

fn task(form: &Form<'_>) -> Result<TaskChoice, Refusal> {
    let (intent, reference) = (form.text("task_intent")?, form.text("task_ref")?);
    let lifetime = form.seconds("task_seconds")?;
    let is_new = intent.is_some() || reference.is_some() || lifetime.is_some();
    match form.one("task")? {
        Some(_) if is_new => Err(Refusal::InvalidRequest),
        Some(id) => {
            TaskId::parse(id).map(TaskChoice::Known).map_err(|_| Refusal::InvalidGrant(GrantFault::UnknownTask))
        }
        None if is_new => Ok(TaskChoice::New { intent: intent.unwrap_or_default(), reference, lifetime }),
        None => Ok(TaskChoice::Default),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed set-up step is a failed test

    use handfast_delegation::Scope;

    use super::*;

    const DID: &str = "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw";
    const TASK: &str = "task_0123456789abcdefghjkmnpqrs";

    fn read(more: &[(&'static str, &'static str)]) -> Result<TokenRequest, Refusal> {
        let base = [("grant_type", "client_credentials"), ("client_id", DID)];
        TokenRequest::from_form(base.into_iter().chain(more.iter().copied()))
    }

    #[allow(clippy::needless_pass_by_value)] // the expected value reads better without a reference
    fn check(more: &[(&'static str, &'static str)], expected: Result<(), Refusal>) {
        assert_eq!(read(more).map(|_| ()), expected, "{more:?}");
    }

    #[test]
    fn parameters_stand_once_and_unknown_ones_are_ignored() {
        check(&[], Ok(()));
        check(&[("scope", "a b"), ("resource", "urn:a"), ("unknown", "x"), ("unknown", "y")], Ok(()));
        for name in ["grant_type", "client_id", "scope", "task", "task_intent", "task_ref", "task_seconds"] {
            check(&[(name, "1"), (name, "1")], Err(Refusal::InvalidRequest));
        }
        assert_eq!(read(&[("resource", "urn:a"), ("resource", "urn:b")]).unwrap().wish.resources.len(), 2);
        check(&[("scope", "a  b")], Err(Refusal::InvalidScope { excess: Scope::default() }));
        check(&[("resource", "/relative")], Err(Refusal::InvalidTarget));
        check(&[("resource", "https://a/#f")], Err(Refusal::InvalidTarget));
    }

    #[test]
    fn grant_and_client_are_judged() {
        let form = |pairs: &[(&'static str, &'static str)]| TokenRequest::from_form(pairs.iter().copied()).map(|_| ());
        let credentials = ("grant_type", "client_credentials");
        assert_eq!(form(&[credentials, ("client_id", DID)]), Ok(()));
        assert_eq!(form(&[("client_id", DID)]), Err(Refusal::InvalidRequest));
        assert_eq!(form(&[("grant_type", "refresh_token")]), Err(Refusal::UnsupportedGrantType));
        assert_eq!(form(&[credentials]), Err(Refusal::InvalidClient));
        assert_eq!(form(&[credentials, ("client_id", "")]), Err(Refusal::InvalidClient));
        assert_eq!(form(&[credentials, ("client_id", "did:web:a.example")]), Err(Refusal::InvalidClient));
        for name in ["client_secret", "client_assertion", "client_assertion_type"] {
            check(&[(name, "x")], Err(Refusal::InvalidClient));
        }
        for name in ["client_assertion", "client_assertion_type"] {
            check(&[(name, "x"), (name, "x")], Err(Refusal::InvalidRequest));
        }
    }

    #[test]
    fn the_task_is_known_new_or_the_default() {
        let choice = |more| read(more).map(|request| request.task);
        assert_eq!(choice(&[]), Ok(TaskChoice::Default));
        assert_eq!(choice(&[("task_intent", "")]), Ok(TaskChoice::Default));
        assert_eq!(choice(&[("task", TASK)]), Ok(TaskChoice::Known(TaskId::parse(TASK).unwrap())));
        assert!(matches!(choice(&[("task_intent", "x"), ("task_seconds", "60")]), Ok(TaskChoice::New { .. })));
        assert!(matches!(choice(&[("task_seconds", "60")]), Ok(TaskChoice::New { .. })));
        let unknown = Refusal::InvalidGrant(GrantFault::UnknownTask);
        check(&[("task", "task_1")], Err(unknown));
        check(&[("task", TASK), ("task_intent", "x")], Err(Refusal::InvalidRequest));
        for seconds in ["-1", "+1", "1.5", "x", "99999999999999999999"] {
            check(&[("task_seconds", seconds)], Err(Refusal::InvalidRequest));
        }
        check(&[("task_intent", "a\nb")], Err(Refusal::InvalidRequest));
    }

    #[test]
    fn tools_and_depth_are_read_strictly() {
        let details =
            |text: &'static str| read(&[("authorization_details", text)]).map(|request| request.wish.tools.is_some());
        assert_eq!(details(r#"[{"type":"attenuating_agent_token","tools":{"read":{}}}]"#), Ok(true));
        for text in [
            "[]",
            "x",
            "{}",
            r#"[{"type":"x","tools":{}}]"#,
            r#"[{"type":"attenuating_agent_token","tools":{"a":{},"a":{}}}]"#,
            r#"[{"type":"attenuating_agent_token","tools":{}}] "x""#,
        ] {
            assert_eq!(details(text), Err(Refusal::InvalidAuthorizationDetails), "{text}");
        }
        let depth = |text: &'static str| read(&[("del_max_depth", text)]).map(|request| request.wish.max_depth);
        assert_eq!(depth("0"), Ok(Some(0)));
        assert_eq!((depth("255"), depth("256")), (Ok(Some(255)), Ok(Some(255))));
        for text in ["-1", "+1", "1.0", "x", "99999999999999999999"] {
            assert_eq!(depth(text), Err(Refusal::InvalidRequest), "{text}");
        }
        check(&[("del_max_depth", "1"), ("del_max_depth", "1")], Err(Refusal::InvalidRequest));
    }
}
