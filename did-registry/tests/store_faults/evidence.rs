//! What an opened store must show: everything acknowledged, everything whole, everything dense.

use std::collections::BTreeMap;
use std::path::Path;

use handfast_registry::store::{FeedLink, PAGE_MAX_RECORDS, Record, Store, Table};

use crate::child::{Acknowledged, name_of, value_of};
use crate::store_support::{Chain, OTHERS, THINGS, block_on, open, positions};

/// Opens the store and checks all of it. Gives the acknowledged writes that are missing; anything else that is wrong
/// fails the test.
pub(crate) fn missing(directory: &Path, acknowledged: &[Acknowledged]) -> Vec<Acknowledged> {
    let store = open(directory).expect("the store opens");
    let (things, log, feed) = (all(&store, THINGS), all(&store, Table::LOG), all(&store, Table::FEED));
    is_dense(&store, &log, &feed);
    is_whole(&things, &all(&store, OTHERS), &log, &feed);
    let details = all(&store, Table::DETAILS);
    let detail_of = |name: &[u8]| things.get(name).map(|thing| &thing.value);
    assert!(log.iter().all(|(index, leaf)| details.get(index).map(|detail| &detail.value) == detail_of(&leaf.value)));
    assert_eq!(std::fs::read_dir(directory.join("blobs")).unwrap().count(), 0, "a value outside the synced file");
    let is_there = |ack: &&Acknowledged| {
        let name = name_of(ack.writer, ack.number);
        let leaf = log.get(&ack.leaf.to_be_bytes()[..]).is_some_and(|leaf| leaf.value == name);
        let entry = feed.get(&ack.feed_to.to_be_bytes()[..]).is_some_and(|entry| entry.value[8..] == name);
        leaf && entry && things.contains_key(&name)
    };
    acknowledged.iter().filter(|ack| !is_there(ack)).copied().collect()
}

/// Nothing acknowledged is missing.
pub(crate) fn is_intact(directory: &Path, acknowledged: &[Acknowledged]) {
    assert_eq!(missing(directory, acknowledged), []);
}

/// Log and feed have no gaps, end where the positions say, and the chain of the feed leads to its head.
fn is_dense(store: &dyn Store, log: &BTreeMap<Vec<u8>, Record>, feed: &BTreeMap<Vec<u8>, Record>) {
    let now = positions(store);
    assert!(log.keys().eq((0..now.log_size).map(|index| index.to_be_bytes().to_vec()).collect::<Vec<_>>().iter()));
    assert!(feed.keys().eq((1..=now.feed_to).map(|seq| seq.to_be_bytes().to_vec()).collect::<Vec<_>>().iter()));
    let link = |head, (seq, entry): (u64, &Record)| {
        let linked = Chain.link(seq, &head, &entry.value[8..]).unwrap();
        assert_eq!(linked.stored, entry.value);
        linked.head
    };
    assert_eq!((1..).zip(feed.values()).fold(Chain.origin(store.epoch()), link), now.feed_head);
}

/// Each write is there in all its parts: record, counter, leaf and entry.
fn is_whole(
    things: &BTreeMap<Vec<u8>, Record>,
    counters: &BTreeMap<Vec<u8>, Record>,
    log: &BTreeMap<Vec<u8>, Record>,
    feed: &BTreeMap<Vec<u8>, Record>,
) {
    assert_eq!((things.len(), feed.len()), (log.len(), log.len()), "one record and one entry for each leaf");
    assert_eq!(counters.values().map(|counter| counter.version).sum::<u64>(), u64::try_from(log.len()).unwrap());
    for (writer, counter) in counters {
        let writer = u32::from_be_bytes(writer[..].try_into().unwrap());
        for number in 0..counter.version {
            let name = name_of(writer, number);
            let thing = things.get(&name).unwrap_or_else(|| panic!("{writer} {number} is counted and missing"));
            assert_eq!(thing.value, value_of(writer, number));
            assert_eq!(log[&thing.leaf.unwrap().to_be_bytes()[..]].value, name);
        }
    }
}

fn all(store: &dyn Store, table: Table) -> BTreeMap<Vec<u8>, Record> {
    let (mut records, mut after) = (BTreeMap::new(), None);
    loop {
        let page = block_on(store.page(table, b"", after.as_deref(), PAGE_MAX_RECORDS)).unwrap();
        records.extend(page.records);
        after = page.next;
        if after.is_none() {
            return records;
        }
    }
}
