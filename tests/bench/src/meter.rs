//! Candidates measured in turn, round by round: what else the machine does falls on all of them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::count::allocations;

/// How long one candidate runs within a round: short, so that the ones next to each other see the same machine.
const TURN: Duration = Duration::from_micros(400);

/// Runs that callgrind counts, as often as the unit has signatures.
const CALLGRIND_RUNS: usize = crate::ours::UNITS;

/// Something to measure. It says whether its verdict was the right one.
pub struct Candidate {
    /// What it is called.
    pub name: String,
    run: Box<dyn FnMut() -> bool>,
    times_per_turn: u32,
    nanoseconds: Vec<f64>,
}

/// What was measured of one candidate.
pub struct Measured {
    /// What it is called.
    pub name: String,
    /// Median of all rounds, in nanoseconds a run.
    pub median: f64,
    /// What a tenth of the rounds stayed below, in nanoseconds a run: undisturbed, and no single stroke of luck.
    pub low: f64,
    /// Median of its ratios to the first candidate of the same round.
    pub ratio: f64,
    /// Ratio of its low time to that of the first candidate.
    pub low_ratio: f64,
    /// Calls for memory of one run.
    pub allocations: u64,
}

impl Candidate {
    /// A candidate.
    pub fn new(name: impl Into<String>, run: impl FnMut() -> bool + 'static) -> Self {
        Self { name: name.into(), run: Box::new(run), times_per_turn: 1, nanoseconds: Vec::new() }
    }

    /// Runs once, and stops the program when the verdict is wrong.
    pub fn run_once(&mut self) {
        assert!(black_box((self.run)()), "{}: another verdict than expected", self.name);
    }

    /// The same some times, under a name that callgrind is told to collect below: signatures differ by a few hundredths.
    #[inline(never)]
    pub fn run_for_callgrind(&mut self) {
        for _ in 0..CALLGRIND_RUNS {
            self.run_once();
        }
    }

    /// Runs a turn, and gives the nanoseconds of one run.
    pub fn turn(&mut self) -> f64 {
        let start = Instant::now();
        for _ in 0..self.times_per_turn {
            black_box((self.run)());
        }
        start.elapsed().as_nanos() as f64 / f64::from(self.times_per_turn)
    }

    fn fit_turn(&mut self) {
        let quickest = (0..20).map(|_| self.turn()).fold(f64::MAX, f64::min);
        self.times_per_turn = ((TURN.as_nanos() as f64 / quickest) as u32).max(1);
    }
}

/// Measures all in turn, `rounds` times; the first is what the others are told in.
pub fn measure(mut candidates: Vec<Candidate>, rounds: u32) -> Vec<Measured> {
    for candidate in &mut candidates {
        candidate.run_once();
        candidate.fit_turn();
    }
    for _ in 0..rounds {
        for candidate in &mut candidates {
            // the other candidates have pushed its code and tables out of the processor's caches: as many runs as fit a turn would
            // share that among them, which is one of a long candidate and ten of a short one
            candidate.run_once();
            let nanoseconds = candidate.turn();
            candidate.nanoseconds.push(nanoseconds);
        }
    }
    let unit = candidates.first().map(|first| first.nanoseconds.clone()).unwrap_or_default();
    candidates.iter_mut().map(|candidate| summary(candidate, &unit)).collect()
}

fn summary(candidate: &mut Candidate, unit: &[f64]) -> Measured {
    let allocations = allocations(|| candidate.run_once());
    let times = &candidate.nanoseconds;
    Measured {
        name: candidate.name.clone(),
        median: quantile(times.clone(), 0.5),
        low: quantile(times.clone(), 0.1),
        ratio: quantile(times.iter().zip(unit).map(|(time, unit)| time / unit).collect(), 0.5),
        low_ratio: quantile(times.clone(), 0.1) / quantile(unit.to_vec(), 0.1),
        allocations,
    }
}

/// What a share of the values stays below.
pub fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get((values.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN)
}

/// The slope of the line closest to these points.
pub fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x_mean, y_mean) = (mean(|point| point.0), mean(|point| point.1));
    let rise: f64 = points.iter().map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
    let run: f64 = points.iter().map(|(x, _)| (x - x_mean).powi(2)).sum();
    rise / run
}
