//! Agents by status: made once for a store from before there were such lists; from then on each decision keeps them.

use handfast_registry_model::{AgentRecord, Expect, Loaded, Record, Refusal, StatusEntry, Stored as _};

use crate::state::{State, put, unreadable};
use crate::store::{Batch, PAGE_MAX_RECORDS, Table};

/// What the store notes about itself beside its records.
const NOTES: Table = Table::new(86, "notes");
const INDEXED: &[u8] = b"agents by status";

impl State {
    /// Enters every agent of a store from before there were lists by status. Stopped halfway, it goes on at the next start.
    ///
    /// Nobody else writes meanwhile: the routes are not served yet.
    ///
    /// # Errors
    ///
    /// [`Refusal::StoreUnavailable`] or [`Refusal::Overloaded`].
    pub(crate) async fn index_statuses(&self) -> Result<(), Refusal> {
        if self.kept(NOTES, INDEXED).await?.is_some() {
            return Ok(());
        }
        let mut after = None;
        loop {
            let page = self.page::<AgentRecord>("", after.as_deref(), PAGE_MAX_RECORDS).await?;
            let mut batch = Batch::new();
            for agent in &page.records {
                let entry = StatusEntry::of(agent);
                let known: Option<Loaded<StatusEntry>> = self.load(&entry.slot()).await?;
                if known.is_none() {
                    put(&mut batch, Expect::Absent, &Record::from(entry)).map_err(|error| unreadable(&error))?;
                }
            }
            after = page.next;
            if after.is_none() {
                batch.put(NOTES, INDEXED, b"1").map_err(|error| unreadable(&error))?;
            }
            self.write(batch).await?;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}
