//! The fast path and the general path, side by side: the same verdict and reason for every request, whatever was remembered before.
//!
//! An episode is one server in two copies. The fast one remembers tokens, chains, headers and keys, and forgets some of them now
//! and then; the general one remembers nothing and reads every text from its beginning. Both get the same requests in the same
//! order: those of a vector, and then others made from it by a grammar of what is honest, odd and hostile. Between them the
//! server changes too: its clock, its keys, its trust, what is revoked, what it asks.
//!
//! ```text
//! seed --Dice--> vector --(servers, requests, texts)--> step --> fast: verdict ==? general: verdict
//! ```
//!
//! Everything follows from the seed. What differs is shrunk to the fewest steps of its episode that still differ.

mod corpus;
mod dice;
mod requests;
mod servers;
mod sides;
pub mod slow_json;
mod texts;

use std::collections::BTreeMap;
use std::fmt;

pub use corpus::Corpus;
pub use dice::Dice;
use sides::{Outcome, Sides};

use crate::vector::Step;

/// Requests of one episode after those of its vector.
pub const EPISODE: usize = 40;

/// A fault put into the fast side, to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// None.
    Nothing,
    /// It does not hear of revocations, keys and trust that change after the first request.
    OldFacts,
    /// It does not remember proofs.
    NoReplay,
}

/// What episodes met.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Requests answered by both sides.
    pub requests: usize,
    /// How often each verdict was given: a reason, or `accepted`.
    pub verdicts: BTreeMap<&'static str, usize>,
    /// The same, of requests for which the fast side found something that it remembered.
    pub warm: BTreeMap<&'static str, usize>,
}

impl Tally {
    /// Takes in what others met.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        for (mine, theirs) in [(&mut self.verdicts, &other.verdicts), (&mut self.warm, &other.warm)] {
            theirs.iter().for_each(|(verdict, count)| *mine.entry(verdict).or_default() += count);
        }
    }
}

/// A request that the two sides answered differently, and the steps that lead there.
#[derive(Clone, Debug)]
pub struct Difference {
    seed: u64,
    vector: String,
    steps: Vec<usize>,
    request: Step,
    server: String,
    fast: Outcome,
    general: Outcome,
}

impl Difference {
    /// How many steps of the episode it takes.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps.len()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, vector, steps, request, server, fast, general } = self;
        writeln!(f, "the paths differ: HANDFAST_SEED={seed}, vector `{vector}`, steps {steps:?}")?;
        writeln!(f, "fast:    {fast:?}\ngeneral: {general:?}\nserver:  {server}\nrequest: {request:?}")
    }
}

/// One step of an episode: a request, and what of the server changed before it.
fn step(corpus: &Corpus, dice: &mut Dice, sides: &mut Sides, last: &Step) -> Step {
    servers::change(corpus, dice, sides, last);
    requests::make(corpus, dice, sides, last)
}

/// Runs the episode of `seed`, and of its steps those that `keeps` names.
fn play(
    corpus: &Corpus,
    seed: u64,
    plant: Plant,
    keeps: &dyn Fn(usize) -> bool,
    tally: &mut Tally,
) -> Option<Box<Difference>> {
    let mut dice = Dice::of(seed);
    let (name, vector) = corpus.of_seed(seed, &mut dice);
    let mut sides = Sides::new(&vector.setting, plant, dice.next_u64());
    let mut last = vector.steps.last()?.clone();
    let own = vector.steps.len();
    for place in (0..own + EPISODE).filter(|place| keeps(*place)) {
        // each step throws dice of its own, so that it stays the same when others are left out
        let mut dice = Dice::of(seed ^ (place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let request = match vector.steps.get(place) {
            Some(step) => step.clone(),
            None => step(corpus, &mut dice, &mut sides, &last),
        };
        let (fast, general) = sides.answer(&request, tally);
        if fast != general {
            let steps = (0..=place).filter(|place| keeps(*place)).collect();
            let server = format!("{:?}", sides.setting());
            return Some(Box::new(Difference { seed, vector: name.to_owned(), steps, request, server, fast, general }));
        }
        if place < own {
            last = request;
        }
    }
    None
}

/// Runs one episode. What differs comes with as few steps as it takes.
#[must_use]
pub fn episode(corpus: &Corpus, seed: u64, plant: Plant, tally: &mut Tally) -> Option<Box<Difference>> {
    let mut found = play(corpus, seed, plant, &|_| true, tally)?;
    let mut unused = Tally::default();
    let mut place = 0;
    while let Some(left_out) = found.steps.get(place).copied() {
        let steps = found.steps.clone();
        let keeps = |step: usize| step != left_out && steps.contains(&step);
        match play(corpus, seed, plant, &keeps, &mut unused) {
            Some(smaller) => found = smaller,
            None => place += 1,
        }
    }
    Some(found)
}

/// Runs an episode whose choices are `bytes`, and then such as follow from them: for fuzzers.
#[must_use]
pub fn episode_of_bytes(corpus: &Corpus, bytes: &[u8]) -> Option<Box<Difference>> {
    let mut dice = Dice::of_bytes(bytes);
    let (name, vector) = corpus.pick(&mut dice);
    let mut sides = Sides::new(&vector.setting, Plant::Nothing, 0);
    let last = vector.steps.last()?.clone();
    let mut tally = Tally::default();
    let mut place = 0;
    loop {
        let request = match vector.steps.get(place) {
            Some(step) => step.clone(),
            None if dice.is_used_up() => return None,
            None => step(corpus, &mut dice, &mut sides, &last),
        };
        let (fast, general) = sides.answer(&request, &mut tally);
        if fast != general {
            let server = format!("{:?}", sides.setting());
            let steps = (0..=place).collect();
            let vector = name.to_owned();
            return Some(Box::new(Difference { seed: 0, vector, steps, request, server, fast, general }));
        }
        place += 1;
    }
}
