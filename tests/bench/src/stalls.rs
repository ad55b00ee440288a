//! Turns that took long: how long, and whether the system did something for them meanwhile.

use std::fs::read_to_string;
use std::hint::black_box;

use rustix::time::{ClockId, clock_gettime};

use crate::meter::quantile;

/// A turn above this is written down.
const LONG_MICROSECONDS: f64 = 900.0;
/// Steps of arithmetic that take about as long as a turn.
const STEPS: u64 = 50_000;

/// Microseconds of processor time that turns took.
#[derive(Default)]
pub struct Turns {
    microseconds: Vec<f64>,
    long: Vec<Long>,
}

struct Long {
    /// How many there were before.
    turn: usize,
    microseconds: f64,
    faults: u64,
    switches: u64,
}

impl Turns {
    /// Does `work`, and writes down how long it took.
    pub fn turn<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (faults, switches, before) = (page_faults(), switches(), processor_time());
        let done = work();
        let microseconds = (processor_time() - before) / 1e3;
        self.microseconds.push(microseconds);
        if microseconds > LONG_MICROSECONDS {
            let (faults, switches) = (page_faults() - faults, self::switches() - switches);
            self.long.push(Long { turn: self.microseconds.len() - 1, microseconds, faults, switches });
        }
        done
    }

    /// The same with arithmetic that looks at no memory: what the machine does to anybody.
    pub fn arithmetic(&mut self) {
        self.turn(|| (0..STEPS).fold(1_u64, |state, step| black_box(state.rotate_left(7) ^ step)));
    }

    /// Prints what 999 of 1000 stayed below, the worst, and what there was about the long ones.
    pub fn print(&self, what: &str) {
        let [most, longest] = [0.999, 1.0 - f64::EPSILON].map(|share| quantile(self.microseconds.clone(), share));
        println!("{what}: {most:.0} us of processor at most in 999 of 1000, {longest:.0} us in the worst");
        let quiet = self.long.iter().filter(|long| long.faults == 0).count();
        if !self.long.is_empty() {
            println!(
                "  {} took longer than {LONG_MICROSECONDS} us, {quiet} of them without a page fault",
                self.long.len()
            );
        }
        for Long { turn, microseconds, faults, switches } in self.long.iter().take(20) {
            println!(
                "  {microseconds:.0} us after {turn} turns: {faults} page faults, {switches} times another had the processor"
            );
        }
    }
}

/// Nanoseconds of processor time that this thread has had.
fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Page faults of this thread.
fn page_faults() -> u64 {
    let told = read_to_string("/proc/thread-self/stat").expect("Linux");
    let (_, fields) = told.rsplit_once(") ").expect("a name in brackets");
    let [minor, major] = [7, 9].map(|field| fields.split(' ').nth(field).and_then(|field| field.parse::<u64>().ok()));
    minor.expect("a number") + major.expect("a number")
}

/// How often another had the processor, which was not asked for.
fn switches() -> u64 {
    let told = read_to_string("/proc/thread-self/status").expect("Linux");
    let line = told.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:")).expect("Linux");
    line.trim().parse().expect("a number")
}
