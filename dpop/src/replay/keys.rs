//! What keys hold, in a table whose slots can be fetched before they are looked for.

use std::sync::Arc;

use super::fetch::Whereabouts;
use super::shares::Share;

/// Slots of the first table.
const FIRST_SLOTS: usize = 16;
/// So many keys for so many slots at most: then a key stands in its own slot or close behind.
const MOST_KEYS: usize = 5;
const SLOTS_FOR_THEM: usize = 8;

/// Bytes of a slot.
pub(super) const SLOT_BYTES: usize = size_of::<Slot>();

/// Half a line of memory: a key with its share.
#[derive(Debug)]
#[repr(align(32))]
struct Slot {
    /// Zero where there is none.
    key: u64,
    share: Share,
}

/// Shares by keyed hashes of keys, each in the slot that its high bits choose, or in the next that was free.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// A power of two of them, or none yet.
    slots: Vec<Slot>,
    held: usize,
    whereabouts: Arc<Whereabouts>,
}

impl Keys {
    /// Where the slots stand.
    pub(super) const fn whereabouts(&self) -> &Arc<Whereabouts> {
        &self.whereabouts
    }

    /// The slot that a key chooses of so many, which are a power of two: by other bits than those that choose a shard.
    #[inline]
    pub(super) fn first_of(key: u64, slots: usize) -> usize {
        usize::try_from(key >> 32).unwrap_or(0) & slots.wrapping_sub(1)
    }

    /// What a key holds.
    #[inline]
    pub(super) fn share(&mut self, key: u64) -> Option<&mut Share> {
        let key = some(key);
        let mut place = self.first(key);
        loop {
            let found = self.slots.get(place)?.key;
            if found == key {
                return self.slots.get_mut(place).map(|slot| &mut slot.share);
            }
            if found == 0 {
                return None;
            }
            place = self.next(place);
        }
    }

    /// Adds a key that is not there.
    pub(super) fn insert(&mut self, key: u64, share: Share) {
        if self.held * SLOTS_FOR_THEM >= self.slots.len() * MOST_KEYS {
            self.grow();
        }
        self.put(Slot { key: some(key), share });
        self.held += 1;
    }

    /// Forgets the key at `place` if `is_over` says so of its share, and gives the place to look at next.
    pub(super) fn tidy(&mut self, place: usize, is_over: impl FnOnce(&Share) -> bool) -> usize {
        let place = if place < self.slots.len() { place } else { 0 };
        if self.slots.get(place).is_some_and(|slot| slot.key != 0 && is_over(&slot.share)) {
            self.remove(place);
            // another may stand there now
            return place;
        }
        place + 1
    }

    /// Empties a slot. Those behind it that would not be found any more move up.
    fn remove(&mut self, mut hole: usize) {
        self.held -= 1;
        let mut place = hole;
        loop {
            place = self.next(place);
            let Some(key) = self.slots.get(place).map(|slot| slot.key).filter(|key| *key != 0) else { break };
            // how far each lies behind the slot that the key chose
            let from = self.first(key);
            if self.distance(from, hole) < self.distance(from, place) {
                self.slots.swap(hole, place);
                hole = place;
            }
        }
        if let Some(slot) = self.slots.get_mut(hole) {
            *slot = Slot::empty();
        }
    }

    /// Into the first free slot.
    fn put(&mut self, slot: Slot) {
        let mut place = self.first(slot.key);
        while self.slots.get(place).is_some_and(|slot| slot.key != 0) {
            place = self.next(place);
        }
        if let Some(free) = self.slots.get_mut(place) {
            *free = slot;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let slots = (self.slots.len() * 2).max(FIRST_SLOTS);
        let before = std::mem::replace(&mut self.slots, (0..slots).map(|_| Slot::empty()).collect());
        before.into_iter().filter(|slot| slot.key != 0).for_each(|slot| self.put(slot));
        self.whereabouts.tell(&self.slots);
    }

    /// The slot that a key chooses.
    #[inline]
    fn first(&self, key: u64) -> usize {
        Self::first_of(key, self.slots.len())
    }

    #[inline]
    fn next(&self, place: usize) -> usize {
        (place + 1) & self.mask()
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & self.mask()
    }

    #[inline]
    fn mask(&self) -> usize {
        self.slots.len().wrapping_sub(1)
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = &Share> {
        self.slots.iter().filter(|slot| slot.key != 0).map(|slot| &slot.share)
    }
}

impl Slot {
    const fn empty() -> Self {
        Self { key: 0, share: Share::NOTHING }
    }
}

/// Zero stands for no key. That one takes the place of another is no less likely than for any two.
#[inline]
const fn some(key: u64) -> u64 {
    if key == 0 { 1 } else { key }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn keys_come_and_go_as_in_a_map() {
        // of few, whose high bits are alike, so that many stand behind one another and around the end
        let (mut keys, mut model) = (Keys::default(), HashMap::new());
        let mut random = 7_u64;
        let (mut place, mut removed) = (0, 0);
        for step in 0..20_000_usize {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let key = ((random >> 40) % 7) << 32 | ((random >> 20) % 40);
            let key = if step.is_multiple_of(3) { key | 0x00ff_ffff_0000_0000 } else { key };
            let is_known = keys.share(key).is_some();
            assert_eq!(is_known, model.contains_key(&some(key)), "{step}");
            if is_known {
                place = keys.tidy(place, |share| {
                    removed += 1;
                    model.retain(|_, number| *number != share.held());
                    true
                });
            } else {
                keys.insert(key, Share::holding(step));
                model.insert(some(key), step);
            }
            assert_eq!((keys.all().count(), keys.held), (model.len(), model.len()), "{step}");
            assert!(
                step % 50 > 0
                    || model.iter().all(|(key, number)| keys.share(*key).is_some_and(|share| share.held() == *number))
            );
            assert!(keys.held * SLOTS_FOR_THEM <= keys.slots.len() * MOST_KEYS);
        }
        assert!(removed > 5_000 && keys.slots.len() > 64, "{removed}, {}", keys.slots.len());
    }

    #[test]
    fn a_slot_is_half_a_line() {
        assert_eq!(size_of::<Slot>(), super::super::line::LINE_BYTES / 2);
    }
}
