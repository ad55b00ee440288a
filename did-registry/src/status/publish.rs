//! The signed lists, as they are handed out.

use std::collections::HashMap;
use std::sync::Arc;

use handfast_identity::{ContentHash, Seconds, UnixTime};
use handfast_middleware::Clock;
use handfast_registry_model::limits::{STATUS_LIST_LIFETIME, STATUS_LIST_TTL};
use handfast_registry_model::{Refusal, StatusPlace};
use handfast_verifier::status_list::StatusListToken;
use tokio::sync::Mutex;

use super::StatusBook;
use crate::keys::RegistryKeys;

/// The age at which a list is signed anew though nothing changed: half its time to live, so that what is handed out is never old.
const SIGNED_ANEW: Seconds = Seconds::new(30);

/// Signs lists: each once for everybody, until something in it changes or it gets old.
pub(crate) struct Publisher {
    issuer: String,
    book: Arc<StatusBook>,
    keys: Arc<RegistryKeys>,
    clock: Arc<dyn Clock>,
    /// Strangers may ask at will: one is signed at a time.
    signed: Mutex<HashMap<u32, Signed>>,
}

struct Signed {
    version: u64,
    at: UnixTime,
    published: Published,
}

/// A signed list.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    /// The compact JWS.
    pub(crate) text: Arc<str>,
    /// Its entity tag, in quotes.
    pub(crate) tag: Arc<str>,
}

impl Publisher {
    pub(crate) fn new(issuer: &str, book: Arc<StatusBook>, keys: Arc<RegistryKeys>, clock: Arc<dyn Clock>) -> Self {
        Self { issuer: issuer.to_owned(), book, keys, clock, signed: Mutex::default() }
    }

    /// The list with this number, with everything that was revoked before this call; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Refusal::StoreUnavailable`].
    pub(crate) async fn list(&self, number: u32) -> Result<Option<Published>, Refusal> {
        let mut signed = self.signed.lock().await;
        // read before the store is: nothing that is missing can be younger than the list says
        let now = self.clock.now();
        self.book.sync().await?;
        let Some(version) = self.book.version(number) else { return Ok(None) };
        let kept = signed.get(&number);
        // a clock that was set back makes no list that looks older than the last
        let at = kept.map_or(now, |kept| kept.at.max(now));
        if let Some(kept) = kept.filter(|kept| kept.version == version && at.since(kept.at) < SIGNED_ANEW) {
            return Ok(Some(kept.published.clone()));
        }
        let Some((list, version)) = self.book.values(number) else { return Ok(None) };
        let token = StatusListToken {
            uri: self.uri(number),
            issued_at: at,
            expires_at: Some(at.saturating_add(STATUS_LIST_LIFETIME)),
            ttl: Some(STATUS_LIST_TTL),
            list,
        };
        let keys = Arc::clone(&self.keys);
        // compressing takes milliseconds: not on a thread that serves requests
        let text = tokio::task::spawn_blocking(move || token.sign(keys.feed())).await;
        let text = text.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        let tag = format!("\"{}\"", ContentHash::of(text.as_bytes()));
        let published = Published { text: text.into(), tag: tag.into() };
        signed.insert(number, Signed { version, at, published: published.clone() });
        Ok(Some(published))
    }

    /// The addresses of all lists.
    pub(crate) fn uris(&self) -> Vec<String> {
        (0..self.book.lists()).map(|number| self.uri(number)).collect()
    }

    fn uri(&self, number: u32) -> String {
        let first = StatusPlace::new(number, 0).unwrap_or(StatusPlace::FIRST);
        first.reference(&self.issuer).uri.to_string()
    }
}

fn failed(error: &dyn std::fmt::Display) -> Refusal {
    tracing::error!(%error, "a status list cannot be signed");
    Refusal::StoreUnavailable
}
