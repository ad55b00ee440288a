//! The shelf, kept up to date with store and feed.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use handfast_delegation::StatusReference;
use handfast_identity::{DidKey, RandomSource, UnixTime};
use handfast_registry_model::{DidHolder, Loaded, PlaceRecord, Refusal, Slot, StatusPlace, Write};
use handfast_verifier::revocation::{FeedEvent, RevocationKind, RevocationName, RevocationSet, Revoked};
use handfast_verifier::status_list::{EntryStatus, StatusList};

use super::shelf::{Held, Shelf};
use crate::feed::{FeedBook, kind_of};
use crate::state::{Commit, State, unavailable};
use crate::store::PAGE_MAX_RECORDS;

/// How often a free place is drawn: three of four are taken at most, so that it fails once in a hundred million times.
const DRAWS: usize = 64;
/// Places released in one commit: they fit a batch.
const RELEASED_AT_ONCE: usize = 256;

/// Places in status lists, as far as they are somebody's, and what they say.
pub(crate) struct StatusBook {
    issuer: String,
    state: State,
    feed: Arc<FeedBook>,
    shelf: Mutex<Shelf>,
    /// One takes revocations in at a time.
    catching_up: tokio::sync::Mutex<()>,
}

impl StatusBook {
    /// Reads every entry that is kept, and works out what it says.
    ///
    /// # Errors
    ///
    /// [`Refusal::StoreUnavailable`].
    pub(crate) async fn open(issuer: &str, state: State, feed: Arc<FeedBook>) -> Result<Self, Refusal> {
        let mut shelf = Shelf::new();
        shelf.seen = feed.known();
        let shelf = Mutex::new(shelf);
        let book = Self { issuer: issuer.to_owned(), state, feed, shelf, catching_up: tokio::sync::Mutex::default() };
        let mut after: Option<String> = None;
        let mut suspended = HashMap::new();
        loop {
            let page = book.state.page::<PlaceRecord>("", after.as_deref(), PAGE_MAX_RECORDS).await?;
            for entry in &page.records {
                let held = book.held(entry, &mut suspended).await?;
                book.shelf().hold(held);
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(book),
            }
        }
    }

    /// Takes in what was revoked since the last time: afterwards the lists say everything that was committed before this call.
    ///
    /// # Errors
    ///
    /// [`Refusal::StoreUnavailable`]; what was taken in stays.
    pub(crate) async fn sync(&self) -> Result<(), Refusal> {
        self.feed.sync().await.map_err(|error| unavailable(&error))?;
        if self.shelf().seen >= self.feed.known() {
            return Ok(());
        }
        let _alone = self.catching_up.lock().await;
        let seen = self.shelf().seen;
        for event in self.feed.events_after(seen) {
            let status = self.status_by(&event).await?;
            self.shelf().take_in(&event, status);
        }
        Ok(())
    }

    /// A place that nobody has.
    ///
    /// # Errors
    ///
    /// [`Refusal::Overloaded`] if none is found: as many delegations are alive as lists can hold.
    pub(crate) fn free(&self, random: &mut dyn RandomSource) -> Result<StatusPlace, Refusal> {
        let shelf = self.shelf();
        let list = shelf.open_list().ok_or(Refusal::Overloaded)?;
        let mut draws = (0..DRAWS).filter_map(|_| StatusPlace::random(list, random));
        draws.find(|place| shelf.status(*place).is_none()).ok_or(Refusal::Overloaded)
    }

    /// Whether `place` is somebody's and VALID, by everything that is revoked by now.
    ///
    /// # Errors
    ///
    /// [`Refusal::StoreUnavailable`].
    pub(crate) async fn is_good(&self, place: StatusPlace) -> Result<bool, Refusal> {
        self.sync().await?;
        Ok(self.is_held(place).await? && self.shelf().status(place) == Some(EntryStatus::Valid))
    }

    /// Has the place of a token that is about to be handed out on the shelf: whoever wrote it may have gone away before he put it there.
    ///
    /// # Errors
    ///
    /// [`Refusal::StoreUnavailable`], also for a reference that leads to no entry: it could not be stopped.
    pub(crate) async fn require_held(&self, reference: &StatusReference) -> Result<(), Refusal> {
        let place = StatusPlace::of_reference(reference, &self.issuer);
        match place {
            Some(place) if self.is_held(place).await? => Ok(()),
            _ => {
                tracing::error!(
                    uri = reference.uri.as_str(),
                    index = reference.index,
                    "a token's place in a status list is nobody's"
                );
                Err(Refusal::StoreUnavailable)
            }
        }
    }

    async fn is_held(&self, place: StatusPlace) -> Result<bool, Refusal> {
        if self.shelf().status(place).is_some() {
            return Ok(true);
        }
        let entry: Option<Loaded<PlaceRecord>> = self.state.load(&Slot::place(place)).await?;
        let Some(entry) = entry else { return Ok(false) };
        loop {
            let seen = self.shelf().seen;
            let held = self.held(&entry.record, &mut HashMap::new()).await?;
            let mut shelf = self.shelf();
            // INVARIANT: what is taken in from here on finds it on the shelf, and what was taken in before is in `held`
            if shelf.seen == seen {
                shelf.hold(held);
                return Ok(true);
            }
        }
    }

    /// Releases places whose delegation has been over for long enough by `now`, in the store too. Says how many.
    ///
    /// # Errors
    ///
    /// [`Refusal::StoreUnavailable`]; what was not released stays somebody's.
    pub(crate) async fn release_ended(&self, now: UnixTime) -> Result<usize, Refusal> {
        let mut released = 0;
        loop {
            let ended = self.shelf().ended(now, RELEASED_AT_ONCE);
            let (mut writes, mut gone) = (Vec::new(), Vec::new());
            for (until, place) in &ended {
                let slot = Slot::place(*place);
                let Some(Loaded { record, version }) = self.state.load::<PlaceRecord>(&slot).await? else { continue };
                writes.push(Write::Delete { slot, version });
                gone.push((*place, self.names(&record), *until));
            }
            // an entry is written once and deleted here only, so that a conflict is damage: it stays
            if writes.is_empty() || self.state.note(&writes).await? == Commit::Conflict {
                return Ok(released);
            }
            let mut shelf = self.shelf();
            for (place, names, until) in &gone {
                shelf.release(*place, names, *until);
            }
            released += gone.len();
        }
    }

    /// How many lists there are.
    pub(crate) fn lists(&self) -> u32 {
        self.shelf().lists()
    }

    /// The number of the last change of a list.
    pub(crate) fn version(&self, list: u32) -> Option<u64> {
        self.shelf().values(list).map(|(_, version)| version)
    }

    /// A copy of a list, and the number of its last change.
    pub(crate) fn values(&self, list: u32) -> Option<(StatusList, u64)> {
        self.shelf().values(list).map(|(values, version)| (values.clone(), version))
    }

    /// An entry with what it says by everything that is revoked by now.
    async fn held(&self, entry: &PlaceRecord, known: &mut HashMap<DidKey, bool>) -> Result<Held, Refusal> {
        let names = self.names(entry);
        let set = self.feed.set();
        let status = match stop(entry, &self.issuer, &set) {
            Stop::None => EntryStatus::Valid,
            Stop::ForGood => EntryStatus::Invalid,
            Stop::Agents(dids) => {
                let mut status = EntryStatus::Suspended;
                for did in dids {
                    let is_suspended = match known.get(did) {
                        Some(known) => *known,
                        None => self.is_suspended(did).await?,
                    };
                    known.insert(did.clone(), is_suspended);
                    if !is_suspended {
                        status = EntryStatus::Invalid;
                    }
                }
                status
            }
        };
        Ok(Held { place: entry.place(), names, begun: entry.begun(), until: entry.until(), status })
    }

    /// What an entry of the feed without cut-off makes of what bears its name: the feed has one word for everything that stops an
    /// agent, our records tell it apart.
    async fn status_by(&self, event: &FeedEvent) -> Result<EntryStatus, Refusal> {
        if event.kind != RevocationKind::Agent || event.cut.is_some() {
            return Ok(EntryStatus::Invalid);
        }
        let Some(place) = self.shelf().bearer_of(event.name) else { return Ok(EntryStatus::Invalid) };
        let entry: Option<Loaded<PlaceRecord>> = self.state.load(&Slot::place(place)).await?;
        let is_named =
            |did: &&DidKey| RevocationName::of(&self.issuer, RevocationKind::Agent, did.as_str()) == event.name;
        let did = entry.as_ref().and_then(|entry| entry.record.agents().iter().find(is_named));
        match did {
            Some(did) if self.is_suspended(did).await? => Ok(EntryStatus::Suspended),
            _ => Ok(EntryStatus::Invalid),
        }
    }

    /// Whether an agent is stopped for now, and not for good.
    async fn is_suspended(&self, did: &DidKey) -> Result<bool, Refusal> {
        let Some(DidHolder::Agent(id)) = self.state.holder(did).await? else { return Ok(false) };
        let agent = self.state.agent(&id).await?;
        Ok(agent.is_some_and(|agent| agent.record.suspended_at().is_some() && agent.record.retired_at().is_none()))
    }

    fn names(&self, entry: &PlaceRecord) -> Vec<RevocationName> {
        entry.names().map(|(kind, id)| RevocationName::of(&self.issuer, kind_of(kind), &id)).collect()
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // changed in steps that leave a place taken rather than free, so a panic elsewhere gives nothing away
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stops a delegation.
enum Stop<'a> {
    None,
    ForGood,
    /// These agents, in whatever way.
    Agents(Vec<&'a DidKey>),
}

fn stop<'a>(entry: &'a PlaceRecord, issuer: &str, set: &RevocationSet) -> Stop<'a> {
    let covers = |kind, id: &str| set.covers(RevocationName::of(issuer, kind, id), entry.begun());
    let is_over = entry.names().any(|(kind, id)| match kind_of(kind) {
        // a suspension may end, what lies before a cut-off does not come back
        RevocationKind::Agent => set.is_cut_off(RevocationName::of(issuer, RevocationKind::Agent, &id), entry.begun()),
        // tokens by a key that was replaced live on until they end
        RevocationKind::Key => covers(RevocationKind::Key, &id) == Some(Revoked::Entirely),
        kind => covers(kind, &id).is_some(),
    });
    if is_over {
        return Stop::ForGood;
    }
    let is_stopped = |did: &&DidKey| covers(RevocationKind::Agent, did.as_str()) == Some(Revoked::Entirely);
    let agents: Vec<_> = entry.agents().iter().filter(is_stopped).collect();
    if agents.is_empty() { Stop::None } else { Stop::Agents(agents) }
}

impl fmt::Debug for StatusBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusBook").field("lists", &self.lists()).finish_non_exhaustive()
    }
}
