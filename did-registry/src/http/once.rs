//! `Idempotency-Key`: a call that creates something is done once, however often it is sent (spec/registry.md, idempotency).
//!
//! Caller, route and key name the call, and a hash of what was asked says whether it is the same. The answer is written in the batch
//! of what was created, so that after a crash either both are there or neither is (TH75). Secrets are not kept.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::extract::FromRequestParts;
use axum::response::Response;
use handfast_identity::{ContentHash, UnixTime};
use handfast_registry_model::limits::MAX_IDEMPOTENCY_KEY_BYTES;
use handfast_registry_model::{Change, Expect, IdempotencyRecord, Loaded, Organisation, Record, Refusal, Write};
use http::header::{CONTENT_TYPE, HeaderName, LOCATION};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{App, Failure};
use crate::state::Commit;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The key that a request carries, if it carries one.
#[derive(Debug, Default)]
pub(super) struct Key(Option<String>);

impl Key {
    /// Reads the field: a string of draft-ietf-httpapi-idempotency-key-header, or its content without quotes.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidIdempotencyKey`].
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut lines = headers.get_all(IDEMPOTENCY_KEY).iter();
        match (lines.next(), lines.next()) {
            (None, _) => Ok(Self(None)),
            (Some(line), None) => read(line).map(|key| Self(Some(key))).ok_or(Refusal::InvalidIdempotencyKey),
            (Some(_), Some(_)) => Err(Refusal::InvalidIdempotencyKey),
        }
    }
}

fn read(line: &HeaderValue) -> Option<String> {
    let text = line.to_str().ok()?.trim();
    let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let key = quoted.unwrap_or(text);
    // without quotes, escapes and lists: one text has one reading
    let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b',');
    ((1..=MAX_IDEMPOTENCY_KEY_BYTES).contains(&key.len()) && key.bytes().all(fits)).then(|| key.to_owned())
}

impl FromRequestParts<App> for Key {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        Ok(Self::of(&parts.headers)?)
    }
}

/// Calls with a key that are being answered: at most one for each connection.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<HashSet<ContentHash>>);

impl Running {
    fn enter(&self, key: ContentHash) -> Result<Turn<'_>, Refusal> {
        if self.keys().insert(key) { Ok(Turn { running: self, key }) } else { Err(Refusal::IdempotencyInProgress) }
    }

    fn keys(&self) -> MutexGuard<'_, HashSet<ContentHash>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one call with a key that is being answered.
#[derive(Debug)]
struct Turn<'a> {
    running: &'a Running,
    key: ContentHash,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.running.keys().remove(&self.key);
    }
}

/// A call that is done once, where it carries a key.
pub(super) struct Once<'a> {
    app: &'a App,
    named: Option<Named<'a>>,
    now: UnixTime,
}

struct Named<'a> {
    key: ContentHash,
    request: ContentHash,
    /// What is known under the key, past its time or not.
    before: Option<Loaded<IdempotencyRecord>>,
    leaf: Option<u64>,
    _turn: Turn<'a>,
}

impl<'a> Once<'a> {
    /// Begins a call of `caller` at `route`, who was authenticated before. `request` is the hash of what is asked.
    ///
    /// # Errors
    ///
    /// [`Refusal::IdempotencyInProgress`] while another with the same key is being answered;
    /// [`Refusal::IdempotencyKeyReused`] where something else was asked with it.
    pub(super) async fn begin(
        app: &'a App,
        Key(key): Key,
        route: &'static str,
        caller: &str,
        request: ContentHash,
        now: UnixTime,
    ) -> Result<Self, Refusal> {
        let Some(key) = key else { return Ok(Self { app, named: None, now }) };
        // none of the three holds the byte between them
        let key = ContentHash::of([caller, route, &key].join("\0").as_bytes());
        let turn = app.running.enter(key)?;
        let (before, leaf) =
            app.state.answered(&key).await?.map_or((None, None), |(before, leaf)| (Some(before), leaf));
        let named = Named { key, request, before, leaf, _turn: turn };
        if named.known(now).is_some_and(|known| known.record.request() != request) {
            return Err(Refusal::IdempotencyKeyReused);
        }
        Ok(Self { app, named: Some(named), now })
    }

    /// What is known of the first call with this key, unless this is the first.
    pub(super) fn known(&self) -> Option<&Loaded<IdempotencyRecord>> {
        self.named.as_ref().and_then(|named| named.known(self.now))
    }

    /// The answer to the first call with this key, without its secret; `None` if this is the first.
    ///
    /// # Errors
    ///
    /// [`Refusal::StoreUnavailable`].
    pub(super) async fn first(&self) -> Result<Option<Response>, Refusal> {
        let Some(named) = self.named.as_ref().filter(|named| named.known(self.now).is_some()) else { return Ok(None) };
        let kept = self.app.state.answer(&named.key).await?;
        let answer: Answer = serde_json::from_slice(&kept).map_err(|error| {
            tracing::error!(%error, "a kept answer cannot be read");
            Refusal::StoreUnavailable
        })?;
        Ok(Some(answer.response(named.leaf, None)))
    }

    /// Commits what the call creates, with the answer to it; `None` if somebody was faster.
    ///
    /// # Errors
    ///
    /// As for any commit.
    pub(super) async fn commit(
        &self,
        change: Change,
        organisation: &Organisation,
        answer: Answer,
    ) -> Result<Option<Response>, Refusal> {
        self.commit_with(change, organisation, answer, None, |record| record).await
    }

    /// The same for an answer with a secret, which is told and not kept. `note` says of what it is, where a repetition makes another.
    pub(super) async fn commit_with(
        &self,
        change: Change,
        organisation: &Organisation,
        answer: Answer,
        secret: Option<(&str, Value)>,
        note: impl FnOnce(IdempotencyRecord) -> IdempotencyRecord,
    ) -> Result<Option<Response>, Refusal> {
        let committed = match &self.named {
            None => self.app.state.commit(&change).await?,
            Some(named) => {
                let record = IdempotencyRecord::new(named.key, organisation.clone(), named.request, self.now);
                let bytes = serde_json::to_vec(&answer).map_err(|_| Refusal::StoreUnavailable)?;
                self.app.state.commit_answered(change, note(record), named.before.as_ref(), &bytes).await?
            }
        };
        match committed {
            Commit::Done { leaf } => Ok(Some(answer.response(leaf, secret))),
            Commit::Conflict => self.require_unanswered().await.map(|()| None),
        }
    }

    /// Whether nothing was written under the key since this call began: one whose caller went away may have been on its way.
    async fn require_unanswered(&self) -> Result<(), Refusal> {
        let Some(named) = &self.named else { return Ok(()) };
        let found = self.app.state.answered(&named.key).await?.map(|(found, _)| found.version);
        let is_same = found == named.before.as_ref().map(|before| before.version);
        if is_same { Ok(()) } else { Err(Refusal::IdempotencyInProgress) }
    }

    /// Commits the secret that takes the place of the one in the first answer, which `record` names from then on.
    ///
    /// # Errors
    ///
    /// As for any commit.
    pub(super) async fn renew(
        &self,
        mut change: Change,
        known: &Loaded<IdempotencyRecord>,
        record: IdempotencyRecord,
    ) -> Result<Commit, Refusal> {
        let expect = Expect::Version(known.version);
        change.writes.push(Write::Put { expect, record: Box::new(Record::from(record)) });
        self.app.state.commit(&change).await
    }
}

impl Named<'_> {
    fn known(&self, now: UnixTime) -> Option<&Loaded<IdempotencyRecord>> {
        self.before.as_ref().filter(|before| now < before.record.expires())
    }
}

/// An answer to a call that created something, as it is kept: without its secret.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    /// The format.
    v: u8,
    body: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    /// Whether the body says at which leaf of the log it is, which is not known before it is there.
    shows_leaf: bool,
}

impl Answer {
    /// 201 with this body.
    ///
    /// # Errors
    ///
    /// [`Refusal::StoreUnavailable`] for a body that is no object, which no view is.
    pub(super) fn created(view: &impl Serialize) -> Result<Self, Refusal> {
        match serde_json::to_value(view) {
            Ok(Value::Object(body)) => Ok(Self { v: 1, body, location: None, shows_leaf: false }),
            Ok(_) | Err(_) => Err(Refusal::StoreUnavailable),
        }
    }

    /// The same with `Location`.
    pub(super) fn at(self, location: String) -> Self {
        Self { location: Some(location), ..self }
    }

    /// The same with the leaf of the log.
    pub(super) fn with_leaf(self) -> Self {
        Self { shows_leaf: true, ..self }
    }

    /// The answer, with the secret that is not kept.
    pub(super) fn response(self, leaf: Option<u64>, secret: Option<(&str, Value)>) -> Response {
        let Self { mut body, location, shows_leaf, v: _ } = self;
        if let Some(leaf) = leaf.filter(|_| shows_leaf) {
            body.insert("leaf".to_owned(), leaf.into());
        }
        body.extend(secret.map(|(name, value)| (name.to_owned(), value)));
        let mut response = Response::new(Value::Object(body).to_string().into());
        *response.status_mut() = StatusCode::CREATED;
        response.headers_mut().insert(CONTENT_TYPE, JSON);
        if let Some(location) = location.and_then(|location| HeaderValue::try_from(location).ok()) {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "constants of the test")]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_string_with_quotes_or_without() {
        let check = |lines: &[&[u8]], expected: Result<Option<&str>, Refusal>| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(IDEMPOTENCY_KEY, HeaderValue::from_bytes(line).unwrap());
            }
            let found = Key::of(&headers).map(|Key(key)| key);
            assert_eq!(found, expected.map(|key| key.map(str::to_owned)), "{lines:?}");
        };
        let uuid = "8e03978e-40d5-43dd-bc93-6894a57f9324";
        check(&[], Ok(None));
        check(&[uuid.as_bytes()], Ok(Some(uuid)));
        check(&[format!("\"{uuid}\"").as_bytes()], Ok(Some(uuid)));
        check(&["k".repeat(128).as_bytes()], Ok(Some(&"k".repeat(128))));
        for wrong in [&b""[..], b"\"\"", b"a b", b"\"a", b"a\\b", b"a, b", b"\"a\";q=1", b"\xc3\xa4"] {
            check(&[wrong], Err(Refusal::InvalidIdempotencyKey));
        }
        check(&["k".repeat(129).as_bytes()], Err(Refusal::InvalidIdempotencyKey));
        check(&[b"a", b"a"], Err(Refusal::InvalidIdempotencyKey));
    }

    #[test]
    fn one_call_with_a_key_is_answered_at_a_time() {
        let (running, key) = (Running::default(), ContentHash::of(b"key"));
        let first = running.enter(key).unwrap();
        assert_eq!(running.enter(key).map(drop), Err(Refusal::IdempotencyInProgress));
        assert!(running.enter(ContentHash::of(b"other")).is_ok());
        drop(first);
        assert!(running.enter(key).is_ok());
    }
}
