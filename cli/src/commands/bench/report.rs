//! What was measured, for people and for programs.

use std::time::Duration;

use serde::Serialize;

use super::server::Place;
use crate::args::BenchServeArgs;

/// One round: each place once, by turns.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Round {
    plain: Cost,
    one_signature: Cost,
    protected: Cost,
}

/// Of one request, in microseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    cpu: f64,
    wall: f64,
}

impl Round {
    pub(super) fn note(&mut self, place: Place, requests: u32, cpu: Duration, wall: Duration) {
        let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(requests);
        let cost = Cost { cpu: each(cpu), wall: each(wall) };
        match place {
            Place::Plain => self.plain = cost,
            Place::OneSignature => self.one_signature = cost,
            Place::Protected => self.protected = cost,
        }
    }

    pub(super) fn line(&self) -> String {
        let Self { plain, one_signature, protected } = self;
        format!("{:.1}, {:.1} and {:.1} µs of processor time a request", plain.cpu, one_signature.cpu, protected.cpu)
    }

    fn unit(&self) -> f64 {
        self.one_signature.cpu - self.plain.cpu
    }

    fn check(&self) -> f64 {
        self.protected.cpu - self.plain.cpu
    }
}

/// The medians of all rounds.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: &'static str,
    backend: &'static str,
    requests: u32,
    rounds: u32,
    connections: u32,
    plain: Line,
    one_signature: Line,
    protected: Line,
    /// What one signature check takes, in microseconds.
    unit_us: f64,
    /// What the whole check takes, in microseconds.
    check_us: f64,
    /// The same in signature checks, the median of the rounds' own ratios.
    check_units: f64,
}

#[derive(Debug, Serialize)]
struct Line {
    /// Processor time of one request in the server, in microseconds.
    cpu_us: f64,
    /// What one core carries of them in a second.
    one_core_per_second: f64,
    /// What was sent and answered in a second, by a sender on the same machine.
    answered_per_second: f64,
}

pub(super) fn report(args: &BenchServeArgs, rounds: &[Round]) -> Report {
    let line = |of: fn(&Round) -> Cost| {
        let cpu = median(rounds.iter().map(|round| of(round).cpu));
        let wall = median(rounds.iter().map(|round| of(round).wall));
        Line { cpu_us: cpu, one_core_per_second: 1e6 / cpu, answered_per_second: 1e6 / wall }
    };
    Report {
        version: env!("CARGO_PKG_VERSION"),
        backend: handfast_identity::signature_backend(),
        requests: args.requests,
        rounds: args.rounds,
        connections: args.connections,
        plain: line(|round| round.plain),
        one_signature: line(|round| round.one_signature),
        protected: line(|round| round.protected),
        unit_us: median(rounds.iter().map(Round::unit)),
        check_us: median(rounds.iter().map(Round::check)),
        check_units: median(rounds.iter().map(|round| round.check() / round.unit())),
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Report {
    pub(super) fn text(&self) -> String {
        let row = |name: &str, line: &Line| {
            let Line { cpu_us, one_core_per_second, answered_per_second } = line;
            format!("{name:<28}{cpu_us:>16.1}{one_core_per_second:>18.0}{answered_per_second:>18.0}\n")
        };
        format!(
            "\n{:<28}{:>16}{:>18}{:>18}\n{}{}{}\n\
             The check takes {:.1} µs, which is {:.2} of one signature check ({:.1} µs, backend {}).\n",
            "HTTP/1.1 over loopback",
            "CPU µs/request",
            "one core carries",
            "answered here/s",
            row("a plain answer", &self.plain),
            row("behind one signature check", &self.one_signature),
            row("behind the whole check", &self.protected),
            self.check_us,
            self.check_units,
            self.unit_us,
            self.backend,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_told_in_signature_checks_of_its_own_round() {
        let args = BenchServeArgs { requests: 1000, rounds: 3, connections: 1 };
        let round = |speed: u64| {
            let mut round = Round::default();
            for (place, micros) in [(Place::Plain, 20), (Place::OneSignature, 50), (Place::Protected, 56)] {
                round.note(place, args.requests, Duration::from_millis(micros * speed), Duration::from_secs(1));
            }
            round
        };
        // the machine was busy in one round and half as fast in another
        let report = report(&args, &[round(1), round(9), round(2)]);
        assert!((report.check_units - 1.2).abs() < 1e-9, "{}", report.check_units);
        assert!((report.unit_us - 60.0).abs() < 1e-9 && (report.check_us - 72.0).abs() < 1e-9);
        assert!((report.plain.one_core_per_second - 25_000.0).abs() < 1e-6);
        assert!((report.plain.answered_per_second - 1000.0).abs() < 1e-6);
        assert!(report.text().contains("1.20 of one signature check (60.0 µs"), "{}", report.text());
    }
}
