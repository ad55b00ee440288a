//! Token Status Lists: values and bytes, and runs of signed lists (spec/status-lists.md).

use handfast_conformance::make::tables::status_list::{Fetched, ListVerdict, StatusLists as Table};
use handfast_conformance::vector::read_table;
use handfast_identity::jws::JwsError;
use handfast_identity::{DidKey, UnixTime, base64url};
use handfast_verifier::status_list::{
    EntryBits, EntryStatus, ListError, StatusList, StatusLists, UnverifiedStatusList,
};

fn table() -> Table {
    read_table("status_list.json")
}

fn inflated(bits: u64, lst: &str) -> Option<StatusList> {
    StatusList::inflate(EntryBits::parse(bits)?, &base64url::decode(lst).ok()?).ok()
}

#[test]
fn values_are_read_from_the_lowest_bit_up() {
    for row in table().packed {
        let list = inflated(row.bits, &row.lst).unwrap();
        let hex: String = list.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let values: Vec<_> = (0..list.len()).filter_map(|index| list.status(index)).map(EntryStatus::value).collect();
        assert_eq!((hex, values), (row.bytes, row.values));
        let again = StatusList::inflate(list.bits(), &list.compress());
        assert_eq!(again, Ok(list));
    }
}

#[test]
fn what_is_no_list_is_refused() {
    for (what, bits, lst) in table().refused {
        assert_eq!(inflated(bits, &lst), None, "{what}");
    }
}

#[test]
fn a_reader_takes_what_is_newer_and_of_the_right_key() {
    let table = table();
    let key = DidKey::parse(&table.status_key).unwrap();
    for run in &table.runs {
        let mut held = StatusLists::default();
        for (place, fetched) in run.lists.iter().enumerate() {
            let before = held.states().next();
            assert_eq!(verdict(&mut held, fetched, &key), fetched.verdict, "{}, list {place}", run.about);
            let after = held.states().next();
            match fetched.verdict {
                ListVerdict::Applied => assert!(after.is_some_and(|state| !state.is_doubted), "{}", run.about),
                ListVerdict::Older => assert!(after.is_some_and(|state| state.is_doubted), "{}", run.about),
                _ => assert_eq!(after, before, "{}: a refused list changes nothing", run.about),
            }
        }
    }
}

fn verdict(held: &mut StatusLists, fetched: &Fetched, key: &DidKey) -> ListVerdict {
    let Ok(list) = UnverifiedStatusList::parse(&fetched.text) else { return ListVerdict::Malformed };
    let list = match list.verify(key.public_key()) {
        Ok(list) => list,
        Err(JwsError::Signature) => return ListVerdict::Forged,
        Err(_) => return ListVerdict::Malformed,
    };
    match held.apply(&fetched.uri, &list, UnixTime::from_secs(fetched.at)) {
        Ok(()) => ListVerdict::Applied,
        Err(ListError::OtherList) => ListVerdict::OtherList,
        Err(ListError::Ahead) => ListVerdict::FromTheFuture,
        Err(ListError::Expired) => ListVerdict::Expired,
        Err(ListError::Older) => ListVerdict::Older,
        Err(ListError::List(_)) => ListVerdict::NotInflated,
    }
}
