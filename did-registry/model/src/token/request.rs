//! The form of a token request (RFC 6749 4.4.2, RFC 8707).

use handfast_delegation::{MAX_INTENT_BYTES, MAX_REFERENCE_BYTES, ResourceId, Scope};
use handfast_identity::{DidKey, Seconds};

use crate::{GrantFault, Refusal, SelfTasks, ShownText, TaskId};

const CLIENT_CREDENTIALS: &str = "client_credentials";
/// Parameters of client authentication that this registry does not take: the proof is the authentication.
const FOREIGN_AUTHENTICATION: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// A `client_credentials` request, read and not yet judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    pub(crate) client: DidKey,
    pub(crate) scope: Option<Scope>,
    pub(crate) resources: Vec<ResourceId>,
    pub(crate) task: TaskChoice,
    pub(crate) has_details: bool,
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
    /// [`Refusal::InvalidTarget`], [`Refusal::InvalidGrant`] for a task id that cannot be one, else
    /// [`Refusal::InvalidRequest`].
    pub fn from_form<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Refusal> {
        let form = Form(parameters.into_iter().filter(|(_, value)| !value.is_empty()).collect());
        match form.one("grant_type")? {
            Some(CLIENT_CREDENTIALS) => {}
            Some(_) => return Err(Refusal::UnsupportedGrantType),
            None => return Err(Refusal::InvalidRequest),
        }
        if FOREIGN_AUTHENTICATION.iter().any(|name| form.all(name).next().is_some()) {
            return Err(Refusal::InvalidClient);
        }
        let client = form.one("client_id")?.ok_or(Refusal::InvalidClient)?;
        let scope = form.one("scope")?.map(Scope::parse).transpose();
        let resources: Result<_, _> = form.all("resource").map(ResourceId::parse).collect();
        Ok(Self {
            client: DidKey::parse(client).map_err(|_| Refusal::InvalidClient)?,
            scope: scope.map_err(|_| Refusal::InvalidScope { excess: Scope::default() })?,
            resources: resources.map_err(|_| Refusal::InvalidTarget)?,
            task: form.task()?,
            has_details: form.one("authorization_details")?.is_some(),
        })
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

struct Form<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Form<'a> {
    fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| *key == name).map(|(_, value)| *value)
    }

    fn one(&self, name: &str) -> Result<Option<&'a str>, Refusal> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(Refusal::InvalidRequest),
        }
    }

    fn text<const MAX: usize>(&self, name: &str) -> Result<Option<ShownText<MAX>>, Refusal> {
        self.one(name)?.map(ShownText::parse).transpose().map_err(|_| Refusal::InvalidRequest)
    }

    fn task(&self) -> Result<TaskChoice, Refusal> {
        let (intent, reference) = (self.text("task_intent")?, self.text("task_ref")?);
        let lifetime = self.one("task_seconds")?.map(seconds).transpose()?;
        let is_new = intent.is_some() || reference.is_some() || lifetime.is_some();
        match self.one("task")? {
            Some(_) if is_new => Err(Refusal::InvalidRequest),
            Some(id) => {
                TaskId::parse(id).map(TaskChoice::Known).map_err(|_| Refusal::InvalidGrant(GrantFault::UnknownTask))
            }
            None if is_new => Ok(TaskChoice::New { intent: intent.unwrap_or_default(), reference, lifetime }),
            None => Ok(TaskChoice::Default),
        }
    }
}

fn seconds(text: &str) -> Result<Seconds, Refusal> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::InvalidRequest);
    }
    text.parse().map(Seconds::new).map_err(|_| Refusal::InvalidRequest)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed set-up step is a failed test

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
        assert_eq!(read(&[("resource", "urn:a"), ("resource", "urn:b")]).unwrap().resources.len(), 2);
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
        for name in FOREIGN_AUTHENTICATION {
            check(&[(name, "x")], Err(Refusal::InvalidClient));
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
}
