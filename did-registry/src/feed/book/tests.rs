//! The feed's book against readers of it.
#![allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]

use handfast_identity::SigningKey;
use handfast_registry_model::{FeedEntry, FeedKind};
use handfast_verifier::revocation::{FeedError, FeedState, UnverifiedFeedMessage, VerifiedFeedMessage};

use super::*;
use crate::feed::{FeedChain, body};
use crate::store::memory::{MemoryDisk, begin_epoch_memory, open_memory};
use crate::store::{Batch, CommitFuture, EmbeddedStore, Page, StoreFuture};

const ISSUER: &str = "https://id.example";
const NOW: UnixTime = UnixTime::from_secs(1_795_262_400);

fn empty() -> EmbeddedStore {
    open_memory(&MemoryDisk::default(), Arc::new(FeedChain::new(ISSUER)), "e1").unwrap()
}

async fn revoke(store: &dyn Store, name: &str) {
    let entry = FeedEntry { kind: FeedKind::Agent, id: name.to_owned(), cut: None, until: None };
    let mut batch = Batch::new();
    batch.feed(&body(ISSUER, &entry).unwrap()).unwrap();
    store.commit(batch).await.unwrap();
}

async fn book_of(events: usize) -> FeedBook {
    let store = Arc::new(empty());
    for number in 0..events {
        revoke(&*store, &number.to_string()).await;
    }
    FeedBook::open(store, ISSUER).await.unwrap()
}

/// A store whose feed reads otherwise than it was written: entry 2 names somebody else.
#[derive(Debug)]
struct Altered(EmbeddedStore);

impl Store for Altered {
    fn get<'a>(&'a self, table: Table, key: &'a [u8]) -> StoreFuture<'a, Option<crate::store::Record>> {
        self.0.get(table, key)
    }

    fn page<'a>(
        &'a self,
        table: Table,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
        limit: usize,
    ) -> StoreFuture<'a, Page> {
        Box::pin(async move {
            let mut page = self.0.page(table, prefix, after, limit).await?;
            for (_, record) in &mut page.records {
                let mut event = stored(&record.value).unwrap();
                if event.seq == 2 {
                    event.cut = Some(NOW);
                    record.value = handfast_identity::json::to_jcs(&event).unwrap();
                }
            }
            Ok(page)
        })
    }

    fn commit(&self, batch: Batch) -> CommitFuture<'_> {
        self.0.commit(batch)
    }

    fn positions(&self) -> watch::Receiver<Positions> {
        self.0.positions()
    }

    fn epoch(&self) -> &str {
        self.0.epoch()
    }

    fn former_epochs(&self) -> &[crate::store::FormerEpoch] {
        self.0.former_epochs()
    }

    fn health(&self) -> StoreFuture<'_, ()> {
        self.0.health()
    }
}

#[tokio::test]
async fn damage_is_said_each_time_and_never_told() {
    let store = Arc::new(Altered(empty()));
    let book = FeedBook::open(store.clone(), ISSUER).await.unwrap();
    revoke(&*store, "1").await;
    book.sync().await.unwrap();
    for name in ["2", "3"] {
        revoke(&*store, name).await;
        for _ in 0..2 {
            assert!(matches!(book.sync().await, Err(StoreError::Corrupt { .. })));
            assert_eq!((book.known(), book.set().len()), (1, 1), "what was known stays, and nothing else");
        }
    }
    assert!(matches!(FeedBook::open(store, ISSUER).await, Err(StoreError::Corrupt { .. })));
}

fn signed(message: &FeedMessage) -> VerifiedFeedMessage {
    let key = SigningKey::from_ed25519_seed(&[7; 32]);
    let text = message.sign(&key).unwrap();
    UnverifiedFeedMessage::parse(&text).unwrap().verify(&key.public().did()).unwrap()
}

#[tokio::test]
async fn a_reader_gets_everything_from_wherever_it_stands() {
    let book = book_of(5).await;
    let all = FeedState::start(ISSUER, signed(&book.message(Reading::Snapshot, 9, NOW).unwrap()), NOW).unwrap();
    assert_eq!((all.position().seq, all.set().len(), all.as_of()), (5, 5, NOW));
    for known in 0..=5 {
        let message = book.message(Reading::After(known), 9, NOW).unwrap();
        assert_eq!((message.from, message.to, message.issued_at), (known, 5, NOW));
        assert_eq!(message.head, all.position().head);
    }
    assert_eq!(book.message(Reading::After(6), 9, NOW), None);
    assert_eq!(book.message(Reading::After(u64::MAX), 9, NOW), None);
}

#[tokio::test]
async fn a_message_that_does_not_reach_the_end_promises_no_freshness() {
    let book = book_of(5).await;
    let first = book.message(Reading::Snapshot, 2, NOW).unwrap();
    assert_eq!((first.to, first.issued_at), (2, UnixTime::EPOCH));
    let mut state = FeedState::start(ISSUER, signed(&first), NOW).unwrap();
    for (to, fresh) in [(4, UnixTime::EPOCH), (5, NOW), (5, NOW)] {
        let next = book.message(Reading::After(state.position().seq), 2, NOW).unwrap();
        state.apply(signed(&next), NOW).unwrap();
        assert_eq!((state.position().seq, state.as_of()), (to, fresh));
    }
    assert_eq!(state.set().len(), 5);
    let repeated = book.message(Reading::After(2), 2, NOW).unwrap();
    assert_eq!(state.apply(signed(&repeated), NOW), Err(FeedError::RolledBack));
}

#[tokio::test]
async fn more_entries_than_a_page_are_read_and_news_are_caught_up_with() {
    let book = book_of(PAGE_MAX_RECORDS + 3).await;
    let known = book.known();
    assert_eq!(usize::try_from(known), Ok(PAGE_MAX_RECORDS + 3));
    revoke(&*book.store, "new").await;
    assert_eq!(book.known(), known);
    book.sync().await.unwrap();
    assert_eq!(book.known(), known + 1);
}

/// Entry `n` is a state for 0, else an act that ends at that second.
async fn book_with(store: &Arc<EmbeddedStore>, untils: &[u64]) -> FeedBook {
    for (number, until) in untils.iter().enumerate() {
        let until = (*until > 0).then(|| UnixTime::from_secs(*until));
        let entry = FeedEntry { kind: FeedKind::Task, id: number.to_string(), cut: None, until };
        let mut batch = Batch::new();
        batch.feed(&body(ISSUER, &entry).unwrap()).unwrap();
        store.commit(batch).await.unwrap();
    }
    FeedBook::open(store.clone(), ISSUER).await.unwrap()
}

fn told(message: &FeedMessage) -> (Vec<u64>, Option<u64>, u64) {
    (message.events.iter().map(|event| event.seq).collect(), message.base.map(|base| base.seq), message.to)
}

#[tokio::test]
async fn acts_go_when_they_are_over_and_states_stay() {
    let store = Arc::new(empty());
    let book = book_with(&store, &[0, 10, 30, 0, 20, 40]).await;
    let whole = book.message(Reading::Snapshot, 9, NOW).unwrap();
    let mut reader = FeedState::start(ISSUER, signed(&whole), NOW).unwrap();
    let newcomer = |book: &FeedBook| {
        let snapshot = signed(&book.message(Reading::Snapshot, 9, NOW).unwrap());
        FeedState::start(ISSUER, snapshot, NOW).unwrap()
    };
    let cases: [(u64, usize, &[u64], Option<u64>); 5] = [
        (10, 0, &[1, 2, 3, 4, 5, 6], None),
        (11, 1, &[1, 3, 4, 5, 6], Some(2)),
        (21, 1, &[1, 3, 4, 6], Some(5)),
        (31, 1, &[1, 4, 6], Some(5)),
        (41, 1, &[1, 4], Some(6)),
    ];
    for (now, gone, left, base) in cases {
        let now = UnixTime::from_secs(now);
        assert_eq!(book.forget_expired(now).await, Ok(gone), "{now:?}");
        assert_eq!(book.set().len(), left.len());
        // the same after a restart, and what was forgotten does not come back
        let reopened = FeedBook::open(store.clone(), ISSUER).await.unwrap();
        for book in [&book, &reopened] {
            let snapshot = book.message(Reading::Snapshot, 9, NOW).unwrap();
            assert_eq!(told(&snapshot), (left.to_vec(), base, 6), "{now:?}");
            assert_eq!(newcomer(book).position(), reader.position(), "the chain goes on from the same head");
            assert_eq!(newcomer(book).set().len(), left.len());
            reader.apply(signed(&snapshot), NOW).unwrap();
        }
    }
    // who stands at the end gets increments, who stands before the base gets what is left
    assert_eq!(told(&book.message(Reading::After(6), 9, NOW).unwrap()), (vec![], None, 6));
    assert_eq!(told(&book.message(Reading::After(5), 9, NOW).unwrap()), (vec![1, 4], Some(6), 6));
    revoke(&*store, "new").await;
    book.sync().await.unwrap();
    reader.apply(signed(&book.message(Reading::After(6), 9, NOW).unwrap()), NOW).unwrap();
    assert_eq!(reader.position().seq, 7);
    assert_eq!(newcomer(&book).position(), reader.position());
    assert_eq!(FeedBook::open(store, ISSUER).await.unwrap().known(), 7);
}

#[tokio::test]
async fn a_suspension_that_is_over_goes_no_later_than_the_cut_off_that_ended_it() {
    let store = Arc::new(empty());
    let at = UnixTime::from_secs;
    for (id, cut) in [("resumed", None), ("suspended", None), ("resumed", Some(at(5)))] {
        let entry = FeedEntry { kind: FeedKind::Agent, id: id.to_owned(), cut, until: cut.map(|_| at(10)) };
        let mut batch = Batch::new();
        batch.feed(&body(ISSUER, &entry).unwrap()).unwrap();
        store.commit(batch).await.unwrap();
    }
    let book = FeedBook::open(store, ISSUER).await.unwrap();
    for (now, gone, left) in [(1, 1, &[2, 3][..]), (10, 0, &[2, 3]), (11, 1, &[2])] {
        assert_eq!(book.forget_expired(at(now)).await, Ok(gone), "{now}");
        let snapshot = book.message(Reading::Snapshot, 9, NOW).unwrap();
        assert_eq!(told(&snapshot).0, left, "{now}");
        let newcomer = FeedState::start(ISSUER, signed(&snapshot), NOW).unwrap();
        for set in [newcomer.set(), &book.set()] {
            let stops = |id| set.covers(RevocationName::of(ISSUER, RevocationKind::Agent, id), at(6)).is_some();
            assert_eq!((stops("resumed"), stops("suspended")), (false, true), "{now}");
        }
    }
}

#[tokio::test]
async fn suspending_and_resuming_again_and_again_leaves_one_entry() {
    let store = Arc::new(empty());
    let at = UnixTime::from_secs;
    for (id, cut) in [("a", None), ("a", Some(5)), ("b", Some(9)), ("a", None), ("a", Some(7)), ("b", Some(8))] {
        let entry = FeedEntry { kind: FeedKind::Agent, id: id.to_owned(), cut: cut.map(at), until: None };
        let mut batch = Batch::new();
        batch.feed(&body(ISSUER, &entry).unwrap()).unwrap();
        store.commit(batch).await.unwrap();
    }
    let book = FeedBook::open(store, ISSUER).await.unwrap();
    assert_eq!(book.forget_expired(at(1)).await, Ok(3));
    let snapshot = book.message(Reading::Snapshot, 9, NOW).unwrap();
    assert_eq!(told(&snapshot).0, [3, 5, 6], "what reaches further than the newest stays");
    let newcomer = FeedState::start(ISSUER, signed(&snapshot), NOW).unwrap();
    for set in [newcomer.set(), &book.set()] {
        let stops = |id, when| set.covers(RevocationName::of(ISSUER, RevocationKind::Agent, id), at(when)).is_some();
        assert_eq!((stops("a", 7), stops("a", 8), stops("b", 9), stops("b", 10)), (true, false, true, false));
    }
}

#[tokio::test]
async fn what_stays_before_the_base_always_fits_one_message() {
    let book = book_with(&Arc::new(empty()), &[0, 0, 10, 0, 10]).await;
    let now = UnixTime::from_secs(11);
    let expired = |most, room| {
        let (entries, base) = book.pages().expired(now, most, room);
        (entries, base.seq)
    };
    assert_eq!(expired(9, 3), (vec![3, 5], 5));
    assert_eq!(expired(9, 2), (vec![3], 3));
    assert_eq!(expired(9, 1), (vec![], 0));
    assert_eq!(expired(1, 9), (vec![3], 3), "the rest the next time");
    book.forget_expired(now).await.unwrap();
    // even where a message should be shorter
    assert_eq!(told(&book.message(Reading::Snapshot, 1, NOW).unwrap()), (vec![1, 2, 4], Some(5), 5));
}

#[tokio::test]
async fn what_cannot_be_forgotten_stays_everywhere() {
    let disk = MemoryDisk::default();
    let store = Arc::new(open_memory(&disk, Arc::new(FeedChain::new(ISSUER)), "e1").unwrap());
    let book = book_with(&store, &[10, 0]).await;
    disk.fail_syncs();
    assert!(book.forget_expired(UnixTime::from_secs(11)).await.is_err());
    assert_eq!(told(&book.message(Reading::Snapshot, 9, NOW).unwrap()), (vec![1, 2], None, 2));
    assert_eq!(book.set().len(), 2);
}

#[tokio::test]
async fn a_new_epoch_tells_what_it_follows() {
    let disk = MemoryDisk::default();
    let chain = FeedChain::new(ISSUER);
    let open = || Arc::new(open_memory(&disk, Arc::new(chain.clone()), "e1").unwrap());
    let store = open();
    let book = book_with(&store, &[0, 0]).await;
    let snapshot = |book: &FeedBook| signed(&book.message(Reading::Snapshot, 9, NOW).unwrap());
    let mut reader = FeedState::start(ISSUER, snapshot(&book), NOW).unwrap();
    let before = reader.position().clone();
    drop((book, store));
    begin_epoch_memory(&disk, &chain, "e2", |_| Ok::<_, StoreError>(Batch::new())).unwrap();
    let book = FeedBook::open(open(), ISSUER).await.unwrap();
    let message = book.message(Reading::Snapshot, 9, NOW).unwrap();
    assert_eq!((message.follows.as_slice(), message.epoch.as_str()), (&[before][..], "e2"));
    reader.apply(signed(&message), NOW).unwrap();
    assert_eq!((reader.position().epoch.as_str(), reader.position().seq, reader.set().len()), ("e2", 2, 2));
    let heartbeat = book.message(Reading::After(2), 9, NOW).unwrap();
    assert!(heartbeat.follows.is_empty());
    reader.apply(signed(&heartbeat), NOW).unwrap();
}
