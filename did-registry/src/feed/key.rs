//! What the recovery key said about this registry's feed key: kept in the store, and told to whoever asks.

use handfast_identity::DidKey;
use handfast_verifier::revocation::FeedKeyStatement;

use crate::config::{ConfigError, Setting};
use crate::store::{Record, Store, StoreError, Table};

/// The statement that counts, as it was signed.
pub(crate) const FEED_KEY: Table = Table::new(49, "feed_key");
/// Its key: there is one.
pub(crate) const NEWEST: &[u8] = b"newest";

/// The newest statement about the feed key of one registry.
#[derive(Debug)]
pub(crate) struct NamedFeedKey {
    /// The compact JWS.
    pub(crate) text: String,
    /// What it says.
    pub(crate) statement: FeedKeyStatement,
}

impl NamedFeedKey {
    /// The statement that `store` keeps.
    ///
    /// # Errors
    ///
    /// [`StoreError`], also for one that cannot be read.
    pub(crate) async fn load(store: &dyn Store) -> Result<Option<Self>, StoreError> {
        Self::read(store.get(FEED_KEY, NEWEST).await?)
    }

    /// The statement in a record of [`FEED_KEY`].
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`].
    pub(crate) fn read(record: Option<Record>) -> Result<Option<Self>, StoreError> {
        let Some(record) = record else { return Ok(None) };
        let damaged = || StoreError::Corrupt { what: "the statement about the feed key cannot be read".to_owned() };
        let text = String::from_utf8(record.value).map_err(|_| damaged())?;
        let statement = FeedKeyStatement::read_unverified(&text).map_err(|_| damaged())?;
        Ok(Some(Self { text, statement }))
    }

    /// Refuses any other feed key: what it signed would count nowhere.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub(crate) fn require(&self, feed: &DidKey) -> Result<(), ConfigError> {
        if self.statement.key == *feed {
            return Ok(());
        }
        Err(Setting::FeedKey
            .because(format!("expected `{}`, which the recovery key named, found `{feed}`", self.statement.key)))
    }
}
