//! `handfast explain`: what a reason means, and what to do. The words are those of the page that the protocol's lists are kept on.

use serde_json::{Value, json};

use crate::args::ExplainArgs;
use crate::exit::{Exit, Failure};
use crate::ui::Ui;

/// The page. Tests elsewhere keep its tables equal to the closed lists of resources and registry.
const PAGE: &str = include_str!("../../../spec/reasons.md");
/// How many reasons are named when one is not known.
const MAX_GUESSES: usize = 3;

/// One row of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry<'a> {
    place: &'static str,
    step: Option<&'a str>,
    reason: &'a str,
    status: &'a str,
    error: Option<&'a str>,
    means: &'a str,
    advice: &'a str,
}

pub(crate) fn run(args: &ExplainArgs, ui: Ui) -> Result<(), Failure> {
    let entries = entries();
    let wanted: Vec<_> = match args.reason.as_deref() {
        Some(reason) => entries.iter().filter(|entry| entry.reason == reason).collect(),
        None => entries.iter().collect(),
    };
    if let (true, Some(reason)) = (wanted.is_empty(), &args.reason) {
        return Err(unknown(reason, &entries));
    }
    if args.all && !ui.is_json() {
        let mut reasons: Vec<_> = wanted.iter().map(|entry| entry.reason).collect();
        reasons.sort_unstable();
        reasons.dedup();
        return ui.line(&reasons.join("\n"));
    }
    wanted.into_iter().try_for_each(|entry| ui.result(&entry.members(), |_| entry.lines()))
}

impl Entry<'_> {
    fn members(&self) -> Value {
        json!({
            "reason": self.reason, "where": self.place, "step": self.step, "status": self.status.parse::<u16>().ok(),
            "error": self.error, "means": bare(self.means), "do": bare(self.advice),
        })
    }

    fn lines(&self) -> String {
        let step = self.step.map(|step| format!(", step {step}")).unwrap_or_default();
        let error = self.error.map(|error| format!(" {error}")).unwrap_or_default();
        format!(
            "{} {}{step}: {}{error}\n  means  {}\n  do     {}",
            self.reason,
            self.place,
            self.status,
            bare(self.means),
            bare(self.advice)
        )
    }
}

/// Every row of the page's tables.
fn entries() -> Vec<Entry<'static>> {
    let mut place = None;
    let mut entries = Vec::new();
    for line in PAGE.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            place = match heading {
                "At a resource" => Some("at a resource"),
                "Around the check" => Some("at a resource, around the check"),
                "At the registry" => Some("at the registry"),
                _ => None,
            };
        }
        entries.extend(place.and_then(|place| row(place, line)));
    }
    entries
}

/// A row of a table whose cells are reason, status, error, meaning and advice, with or without the step before them.
fn row(place: &'static str, line: &'static str) -> Option<Entry<'static>> {
    let cells: Vec<_> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
    let (step, rest) = match cells.as_slice() {
        [step, rest @ ..] if rest.len() == 5 => (Some(*step), rest),
        rest => (None, rest),
    };
    let [reason, status, error, means, advice] = rest else { return None };
    // headings and rules have no reason in backticks
    let reason = reason.strip_prefix('`')?.strip_suffix('`')?;
    let error = error.strip_prefix('`').and_then(|error| error.strip_suffix('`'));
    Some(Entry { place, step, reason, status, error, means, advice })
}

/// Without the page's marks around names.
fn bare(words: &str) -> String {
    words.replace('`', "")
}

fn unknown(reason: &str, entries: &[Entry<'_>]) -> Failure {
    let shown: String = reason.chars().take(64).flat_map(char::escape_debug).collect();
    let mut near: Vec<_> = entries.iter().map(|entry| (distance(reason, entry.reason), entry.reason)).collect();
    near.sort_unstable();
    near.dedup();
    let near: Vec<_> = near.into_iter().filter(|(far, name)| *far * 3 <= name.len()).take(MAX_GUESSES).collect();
    let names: Vec<_> = near.into_iter().map(|(_, name)| name).collect();
    let help = if names.is_empty() {
        "`handfast explain --all` lists every reason".to_owned()
    } else {
        format!("did you mean {}?", names.join(" or "))
    };
    Failure::new(Exit::Usage, format!("`{shown}` is no reason of handfast")).with_help(help)
}

/// How many single changes lead from one text to the other (Levenshtein), of the first 64 characters.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (number, from) in one.chars().take(64).enumerate() {
        let mut next = vec![number + 1];
        for (to, pair) in other.iter().zip(row.windows(2)) {
            let (corner, above) = (pair.first().copied().unwrap_or(0), pair.last().copied().unwrap_or(0));
            let left = next.last().copied().unwrap_or(0);
            next.push((corner + usize::from(*to != from)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_page_is_an_entry() {
        let rows = PAGE.lines().filter(|line| line.starts_with('|') && line.contains("| `")).count();
        assert_eq!(entries().len(), rows);
        assert!(rows > 150, "{rows}");
        for entry in entries() {
            assert!(entry.status.parse::<u16>().is_ok_and(|status| (400..600).contains(&status)), "{entry:?}");
            assert!(!entry.means.is_empty() && !entry.advice.is_empty(), "{entry:?}");
        }
    }

    #[test]
    fn distances_are_single_changes() {
        for (one, other, expected) in
            [("", "", 0), ("a", "", 1), ("abc", "abd", 1), ("tool_refuse", "tool_refused", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!((distance(one, other), distance(other, one)), (expected, expected), "{one} {other}");
        }
    }
}
