//! Status lists and pushed revocations at the size of ten million delegations (P10): what a look-up, a refresh and one more name cost.

use std::time::Instant;

use handfast_identity::{Seconds, SigningKey, UnixTime};
use handfast_verifier::revocation::{FeedEvent, RevocationKind, RevocationName, RevocationSet};
use handfast_verifier::status_list::{EntryBits, EntryStatus, StatusList, StatusListToken, UnverifiedStatusList};

use crate::meter::quantile;
use crate::ours;

/// Places of a list, the most that any holds.
const PLACES: u64 = 1 << 22;
/// Three lists hold ten million and more.
const LISTS: u64 = 3;
/// One in so many is stopped.
const STOPPED: u64 = 1000;
/// Look-ups or names between two looks at the clock.
const A_TURN: u64 = 100_000;
const TURNS: usize = 100;
const REFRESHES: usize = 50;
const NOW: u64 = 1_795_262_400;
const NAMES: u64 = 1_000_000;

/// Measures all three.
pub fn measure() {
    let mut unit = ours::unit();
    let units: Vec<_> = (0..TURNS).map(|_| unit.turn()).collect();
    let unit = quantile(units, 0.5);
    let told = |what: &str, nanoseconds: Vec<f64>| {
        let (median, low) = (quantile(nanoseconds.clone(), 0.5), quantile(nanoseconds, 0.1));
        println!("{what}: {median:.1} ns median, {low:.1} ns low, {:.5} U", median / unit);
    };
    println!("U: {unit:.0} ns");
    let key = SigningKey::from_ed25519_seed(&[7; 32]);
    let mut seed = 1;
    let texts: Vec<_> = (0..LISTS).map(|number| signed(number, &key, &mut seed)).collect();
    println!("{} places in {LISTS} lists, one in {STOPPED} stopped", PLACES * LISTS);
    println!("signed lists: {} bytes together", texts.iter().map(String::len).sum::<usize>());
    let start = Instant::now();
    let again = signed(0, &key, &mut seed);
    println!("making one list ({} bytes): {:.1} ms", again.len(), start.elapsed().as_secs_f64() * 1000.0);
    told("full refresh, verify and inflate, of all lists", refreshes(&texts, &key));
    told("one look-up, any place", look_ups(&texts, &key));
    told("applying one pushed revocation, behind a million", pushed());
}

/// Numbers that look random, the same in each run.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

fn signed(number: u64, key: &SigningKey, seed: &mut u64) -> String {
    let mut list = StatusList::new(EntryBits::Two, PLACES);
    for _ in 0..PLACES / STOPPED {
        list.set(next(seed) % PLACES, EntryStatus::Invalid);
    }
    let token = StatusListToken {
        uri: format!("https://registry.example/status-lists/{number}"),
        issued_at: UnixTime::from_secs(NOW),
        expires_at: Some(UnixTime::from_secs(NOW + 300)),
        ttl: Some(Seconds::new(60)),
        list,
    };
    token.sign(key).expect("a list can be written")
}

fn read(text: &str, key: &SigningKey) -> StatusList {
    let list = UnverifiedStatusList::parse(text).expect("a list").verify(key.public()).expect("of this key");
    list.list().expect("it inflates")
}

fn refreshes(texts: &[String], key: &SigningKey) -> Vec<f64> {
    let once = |_| {
        let start = Instant::now();
        let lists: Vec<_> = texts.iter().map(|text| read(text, key)).collect();
        let taken = start.elapsed().as_nanos() as f64;
        assert!(lists.iter().all(|list| list.len() == PLACES));
        taken
    };
    (0..REFRESHES).map(once).collect()
}

fn look_ups(texts: &[String], key: &SigningKey) -> Vec<f64> {
    let lists: Vec<_> = texts.iter().map(|text| read(text, key)).collect();
    let mut seed = 7;
    let mut turn = |_| {
        let places: Vec<_> =
            (0..A_TURN).map(|_| (next(&mut seed) as usize % lists.len(), next(&mut seed) % PLACES)).collect();
        let start = Instant::now();
        let stopped =
            places.iter().filter(|(list, index)| lists[*list].status(*index) == Some(EntryStatus::Invalid)).count();
        let taken = start.elapsed().as_nanos() as f64 / A_TURN as f64;
        assert!(stopped < places.len() / 100, "one in {STOPPED} is stopped");
        taken
    };
    (0..TURNS).map(&mut turn).collect()
}

fn event(seq: u64) -> FeedEvent {
    let name = RevocationName::of("https://registry.example", RevocationKind::Task, seq.to_string());
    FeedEvent { seq, kind: RevocationKind::Task, name, cut: None, until: None }
}

fn pushed() -> Vec<f64> {
    let set = RevocationSet::default();
    (0..NAMES).for_each(|seq| set.insert(&event(seq)));
    let turn = |turn: usize| {
        let begin = NAMES + turn as u64 * 1000;
        let events: Vec<_> = (begin..begin + 1000).map(event).collect();
        let start = Instant::now();
        events.iter().for_each(|event| set.insert(event));
        start.elapsed().as_nanos() as f64 / events.len() as f64
    };
    let taken = (0..TURNS).map(turn).collect();
    assert_eq!(set.len() as u64, NAMES + TURNS as u64 * 1000);
    taken
}
