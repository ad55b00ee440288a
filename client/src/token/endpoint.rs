//! The token endpoint: `client_credentials` or a token exchange, with a proof and no other credentials (RFC 6749 4.4, RFC 8693,
//! RFC 9449 5).

use std::time::Duration;

use handfast_dpop::Target;
use handfast_identity::Seconds;
use http::header::CONTENT_TYPE;
use reqwest::Url;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{BoundToken, ExchangeRequest, TaskChoice, TokenRequest, exchange};
use crate::delegation::{Bundle, Evidence};
use crate::error::{AnswerError, ClientError, SignError};
use crate::key::DpopKey;
use crate::registry::{Answer, RegistryClient};
use crate::signing::Answered;

/// Where this stands in messages.
const ENDPOINT: &str = "the token endpoint";
/// A token endpoint that needs longer is down; an old token is good for a quarter of its life by then.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest token accepted; servers refuse longer ones (spec/limits.md).
const MAX_TOKEN_BYTES: usize = 8192;

/// Asks one registry for tokens of one key.
#[derive(Debug)]
pub(crate) struct TokenEndpoint {
    registry: RegistryClient,
}

#[derive(Deserialize)]
struct TokenWire {
    access_token: Zeroizing<String>,
    token_type: String,
    #[serde(default)]
    issued_token_type: Option<String>,
    expires_in: u64,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    task: Option<TaskWire>,
}

#[derive(Deserialize)]
struct TaskWire {
    id: String,
}

impl TokenEndpoint {
    pub(crate) const fn new(registry: RegistryClient) -> Self {
        Self { registry }
    }

    pub(crate) const fn registry(&self) -> &RegistryClient {
        &self.registry
    }

    /// Asks for a token; `task` overrides the request's own choice when it is renewed.
    pub(crate) async fn ask(&self, request: &TokenRequest, task: Option<&str>) -> Result<BoundToken, ClientError> {
        let _key_stays = self.registry.keys().stays().await;
        let key = self.registry.key();
        let body = body(key.did().as_str(), request, task);
        let answer = self.send(&body, None, &key).await?;
        let (token, _) = read(&answer.ok()?, key)?;
        let wanted = task.or(match &request.task {
            TaskChoice::Known(id) => Some(id),
            TaskChoice::Own | TaskChoice::New { .. } => None,
        });
        if wanted.is_some() && token.task() != wanted {
            return Err(AnswerError::OtherTask.into());
        }
        Ok(token)
    }

    /// Exchanges `bundle` for a token of this key, which the whole bundle is the evidence of.
    pub(crate) async fn exchange(&self, bundle: &Bundle, request: &ExchangeRequest) -> Result<BoundToken, ClientError> {
        let _key_stays = self.registry.keys().stays().await;
        // the key it is for; the registry says so if that is none of ours, or a former one
        let key = self.registry.keys().of(bundle.delegate()).unwrap_or_else(|| self.registry.key());
        let body = exchange::body(key.did().as_str(), bundle, request);
        let (_, earlier) = bundle.split_last();
        let (token, issued) = read(&self.send(&body, earlier.as_ref(), &key).await?.ok()?, key)?;
        // RFC 8693 2.2.1: anything else is no access token, whatever it looks like
        if issued.as_deref() != Some(exchange::ACCESS_TOKEN) {
            return Err(AnswerError::Member { endpoint: ENDPOINT, member: "issued_token_type" }.into());
        }
        if token.task() != Some(bundle.task()) {
            return Err(AnswerError::OtherTask.into());
        }
        Ok(BoundToken { evidence: Some(bundle.evidence()), ..token })
    }

    /// Posts until there is nothing more to answer; each attempt is signed anew below.
    async fn send(&self, body: &str, evidence: Option<&Evidence>, key: &DpopKey) -> Result<Answer, ClientError> {
        let url = self.registry.token_endpoint().await?;
        let target = Target::parse(url.as_str()).map_err(SignError::from)?;
        let mut answered = Answered::default();
        loop {
            let answer = self.post(&url, body, evidence, key).await?;
            // here the `error` is in the body (DPOP-56)
            let error = answer.oauth_error();
            let prover = self.registry.token_prover();
            let remedy = error.and_then(|error| prover.learn_error(&target, &error, answer.headers()));
            if !answered.again(remedy, &target)? {
                return Ok(answer);
            }
        }
    }

    async fn post(
        &self,
        url: &Url,
        body: &str,
        evidence: Option<&Evidence>,
        key: &DpopKey,
    ) -> Result<Answer, ClientError> {
        let http = self.registry.token_http();
        let form = "application/x-www-form-urlencoded";
        let mut request = http.post(url.clone()).header(CONTENT_TYPE, form).timeout(TIMEOUT).body(body.to_owned());
        request = request.with_extension(key.clone());
        if let Some(evidence) = evidence {
            request = request.with_extension(evidence.clone());
        }
        Ok(Answer::of(request.send().await?).await?)
    }
}

fn body(client_id: &str, request: &TokenRequest, task: Option<&str>) -> String {
    let scope = request.scope.to_string();
    let mut pairs = vec![("grant_type", "client_credentials"), ("client_id", client_id), ("scope", scope.as_str())];
    pairs.extend(request.resources.iter().map(|resource| ("resource", resource.as_str())));
    let (length, depth, details);
    match (task, &request.task) {
        (Some(id), _) => pairs.push(("task", id)),
        (None, TaskChoice::Own) => {}
        (None, TaskChoice::Known(id)) => pairs.push(("task", id)),
        (None, TaskChoice::New { intent, reference, seconds }) => {
            pairs.push(("task_intent", intent));
            pairs.extend(reference.as_deref().map(|reference| ("task_ref", reference)));
            if let Some(seconds) = seconds {
                length = seconds.get().to_string();
                pairs.push(("task_seconds", &length));
            }
        }
    }
    if let Some(max_depth) = request.max_depth {
        depth = max_depth.to_string();
        pairs.push(("del_max_depth", &depth));
    }
    if let Some(tools) = &request.tools {
        details = tools.to_details().to_string();
        pairs.push(("authorization_details", &details));
    }
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The token, and the type of token it is said to be.
fn read(answer: &Answer, key: DpopKey) -> Result<(BoundToken, Option<String>), ClientError> {
    let wire: TokenWire = answer.read(ENDPOINT)?;
    // DPOP-15: anything else is a token anybody could use
    if !wire.token_type.eq_ignore_ascii_case("DPoP") {
        return Err(AnswerError::TokenType.into());
    }
    let is_token68 = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    let text = &wire.access_token;
    if text.is_empty() || text.len() > MAX_TOKEN_BYTES || !text.bytes().all(is_token68) {
        return Err(AnswerError::Member { endpoint: ENDPOINT, member: "access_token" }.into());
    }
    let token = BoundToken {
        text: wire.access_token,
        scope: wire.scope,
        expires_in: Seconds::new(wire.expires_in),
        task: wire.task.map(|task| task.id),
        evidence: None,
        key: Some(key),
    };
    Ok((token, wire.issued_token_type))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot make its request should stop
mod tests {
    use handfast_delegation::{Arguments, Tools};

    use super::*;

    fn check(choice: TaskChoice, renewed: Option<&str>, expected: &str) {
        let request = TokenRequest::new("https://a.example", &["x:y", "b"]).unwrap().in_task(choice);
        let start =
            "grant_type=client_credentials&client_id=did%3Akey%3Az6&scope=b+x%3Ay&resource=https%3A%2F%2Fa.example";
        assert_eq!(body("did:key:z6", &request, renewed), format!("{start}{expected}"));
    }

    #[test]
    fn a_task_is_new_known_or_the_agents_own() {
        let new = |reference: Option<&str>, seconds| TaskChoice::New {
            intent: "pay & go".into(),
            reference: reference.map(Into::into),
            seconds,
        };
        check(TaskChoice::Own, None, "");
        check(TaskChoice::Known("task_1".into()), None, "&task=task_1");
        check(new(None, None), None, "&task_intent=pay+%26+go");
        check(new(Some("T-1"), Some(Seconds::new(60))), None, "&task_intent=pay+%26+go&task_ref=T-1&task_seconds=60");
        // renewing is the same call with the task's id
        check(new(Some("T-1"), None), Some("task_2"), "&task=task_2");
        check(TaskChoice::Own, Some("task_2"), "&task=task_2");
    }

    #[test]
    fn what_bounds_delegation_is_said_when_it_was_said() {
        let tools = Tools::new([("search".to_owned(), Arguments::Any)]).unwrap();
        let request = TokenRequest::new("https://a.example", &["b"]).unwrap().also_at("https://c.example").unwrap();
        let start = "grant_type=client_credentials&client_id=did%3Akey%3Az6&scope=b&resource=https%3A%2F%2Fa.example\
                     &resource=https%3A%2F%2Fc.example";
        let details = "&authorization_details=%5B%7B%22tools%22%3A%7B%22search%22%3A%7B%7D%7D%2C%22type%22%3A%22attenuating_agent_token%22%7D%5D";
        assert_eq!(body("did:key:z6", &request, None), start);
        assert_eq!(
            body("did:key:z6", &request.with_max_depth(0).with_tools(tools), None),
            format!("{start}&del_max_depth=0{details}")
        );
    }
}
