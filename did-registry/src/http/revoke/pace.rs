//! How many single things an owner may stop in an hour (P-18): each is an entry of the feed, which everybody reads.
//!
//! An owner with more to stop has bigger words, which are not counted: an agent, or everything on the owner's behalf. Neither are
//! admins. Kept in memory, so that those who stop many things at once do not wait for each other's count.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use handfast_identity::{Seconds, UnixTime};
use handfast_registry_model::{OwnerId, Refusal};

const WINDOW_SECONDS: u64 = 3600;
/// Windows a clock may be set back without opening a new one.
const MAX_WINDOWS_BACK: u64 = 1;
/// Owners remembered at once, some 60 bytes each. Beyond them new ones are not counted: nobody is kept from stopping something.
const MAX_OWNERS: usize = 100_000;

/// The counts of the current hour.
#[derive(Debug)]
pub(crate) struct StopPace {
    most: u32,
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    number: u64,
    stopped: HashMap<OwnerId, u32>,
}

impl StopPace {
    pub(crate) fn new(most: u32) -> Self {
        Self { most, window: Mutex::default() }
    }

    /// Owners of the current hour, or of the last one in which any stopped something. For metrics.
    pub(in crate::http) fn held(&self) -> usize {
        self.window.lock().unwrap_or_else(PoisonError::into_inner).stopped.len()
    }

    /// Counts one more of `owner`.
    ///
    /// # Errors
    ///
    /// [`Refusal::SlowDown`] until the next hour.
    pub(super) fn take(&self, owner: &OwnerId, now: UnixTime) -> Result<(), Refusal> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now.as_secs() / WINDOW_SECONDS;
        if number > window.number || window.number - number > MAX_WINDOWS_BACK {
            *window = Window { number, ..Window::default() };
        }
        let has_room = window.stopped.len() < MAX_OWNERS;
        match window.stopped.get_mut(owner) {
            Some(count) if *count >= self.most => {
                let retry_after = Seconds::new(WINDOW_SECONDS - now.as_secs() % WINDOW_SECONDS);
                return Err(Refusal::SlowDown { retry_after });
            }
            Some(count) => *count += 1,
            None if has_room => {
                window.stopped.insert(owner.clone(), 1);
            }
            None => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use handfast_testkit::CountedRandom;

    use super::*;

    const START: u64 = 1_795_262_400; // the first second of an hour

    fn at(offset: u64) -> UnixTime {
        UnixTime::from_secs(START + offset)
    }

    #[test]
    fn each_owner_has_a_share_of_each_hour() {
        let pace = StopPace::new(2);
        let mut random = CountedRandom::default();
        let [one, other] = [OwnerId::generate(&mut random), OwnerId::generate(&mut random)];
        assert_eq!((pace.take(&one, at(0)), pace.take(&one, at(3000))), (Ok(()), Ok(())));
        assert_eq!(pace.take(&one, at(3000)), Err(Refusal::SlowDown { retry_after: Seconds::new(600) }));
        assert_eq!(pace.take(&other, at(3000)), Ok(()));
        assert_eq!(pace.take(&one, at(3600)), Ok(()));
        // a clock corrected by seconds opens nothing, and one that was far ahead closes nothing for ever
        assert_eq!((pace.take(&one, at(3599)), pace.take(&one, at(3599)).is_err()), (Ok(()), true));
        assert_eq!((pace.take(&one, at(999_999)), pace.take(&one, at(0))), (Ok(()), Ok(())));
    }
}
