//! Telling the steps: one JSON object a line, or readable lines with timings.

use std::future::Future;
use std::time::Instant;

use serde::Serialize;

use super::Seen;
use crate::exit::{Exit, Failure};
use crate::local::Local;
use crate::ui::Ui;

/// How a step has to end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expect {
    Accepted,
    /// Refused with exactly this reason.
    Refused(&'static str),
}

/// The story so far.
pub(crate) struct Story {
    ui: Ui,
    steps: usize,
    surprises: Vec<&'static str>,
}

/// One line of `demo --json`.
#[derive(Serialize)]
struct Line<'a> {
    step: &'a str,
    expect: &'a str,
    outcome: &'a str,
    status: Option<u16>,
    reason: Option<&'a str>,
    ms: f64,
}

impl Story {
    pub(crate) const fn new(ui: Ui) -> Self {
        Self { ui, steps: 0, surprises: Vec::new() }
    }

    pub(crate) fn opening(&self, local: &Local) -> Result<(), Failure> {
        if self.ui.is_json() {
            return Ok(());
        }
        self.ui.line(&format!(
            "A registry at {} and an API at {}, which knows the registry's URL and feed key and nothing else.\n",
            local.issuer(),
            local.api_origin()
        ))
    }

    /// Runs one step, tells it, and remembers whether it went as it should.
    pub(crate) async fn step(
        &mut self,
        name: &'static str,
        expect: Expect,
        act: impl Future<Output = Result<Seen, Failure>>,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        let seen = act.await?;
        let ms = (began.elapsed().as_secs_f64() * 10_000.0).round() / 10.0;
        let outcome = if seen.reason.is_none() { "accepted" } else { "refused" };
        let (expected, reason) = match expect {
            Expect::Accepted => ("accepted", None),
            Expect::Refused(reason) => ("refused", Some(reason)),
        };
        let is_as_told = seen.reason.as_deref() == reason;
        self.steps += 1;
        if !is_as_told {
            self.surprises.push(name);
        }
        if self.ui.is_json() {
            let (status, reason) = (seen.status, seen.reason.as_deref());
            return self.ui.json_line(&Line { step: name, expect: expected, outcome, status, reason, ms });
        }
        let status = seen.status.map_or_else(|| "   ".to_owned(), |status| status.to_string());
        let outcome = match (is_as_told, seen.reason.as_deref()) {
            (true, None) => self.ui.good("accepted"),
            (true, Some(reason)) => format!("{}  {}", self.ui.good("refused "), self.ui.dim(reason)),
            (false, found) => self.ui.bad(&format!("expected {expected}, found {outcome} {}", found.unwrap_or(""))),
        };
        self.ui.line(&format!(
            "  {:<26} {status}  {outcome:<40} {}",
            name.replace('_', " "),
            self.ui.dim(&format!("{ms} ms"))
        ))
    }

    /// Says whether everything went as it should; the exit code says the same.
    pub(crate) fn ending(self) -> Result<(), Failure> {
        if self.surprises.is_empty() {
            if !self.ui.is_json() {
                self.ui.line(&format!("\n{} steps, all as they should be.", self.steps))?;
            }
            return Ok(());
        }
        Err(Failure::new(Exit::Failed, format!("not as it should be: {}", self.surprises.join(", "))))
    }
}
