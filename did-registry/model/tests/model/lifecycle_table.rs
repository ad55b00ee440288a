//! The table of spec/lifecycle.md: every event in every state, and the exact answer. Read by the tests of model and routes alike.

const PAGE: &str = include_str!("../../../../spec/lifecycle.md");

/// What an agent is, in the order of the columns.
pub(crate) const STATES: [&str; 7] = ["none", "UNCLAIMED", "CLAIMED", "offered", "suspended", "retired", "REVOKED"];

/// One event in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) event: String,
    pub(crate) state: &'static str,
    pub(crate) status: u16,
    /// Where it is a refusal.
    pub(crate) reason: Option<String>,
    /// What the agent is afterwards.
    pub(crate) after: String,
}

/// Every cell, read from the page itself.
pub(crate) fn cells() -> Vec<Cell> {
    let table = PAGE.split("## Every event in every state").nth(1).unwrap().split("\n## ").next().unwrap();
    let lines: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert_eq!(lines[0][2..], STATES, "the columns are the states");
    let cells: Vec<_> = lines[2..]
        .iter()
        .flat_map(|line| {
            assert_eq!(line.len(), STATES.len() + 2, "{line:?}");
            let event = line[0].trim_matches('`');
            line[2..].iter().zip(STATES).map(move |(text, state)| cell(event, state, text))
        })
        .collect();
    assert_eq!(cells.len() % STATES.len(), 0);
    assert!(cells.len() >= 20 * STATES.len(), "the table has lost rows");
    cells
}

fn cell(event: &str, state: &'static str, text: &str) -> Cell {
    let words: Vec<_> = text.split(' ').collect();
    let status = words[0].parse().unwrap_or_else(|_| panic!("`{text}` names no status"));
    let (reason, after) = match words[1..] {
        ["="] => (None, state),
        ["→", after] => (None, after),
        [reason] if reason.starts_with('`') => (Some(reason.trim_matches('`').to_owned()), state),
        _ => panic!("`{text}` is no cell"),
    };
    assert!(STATES.contains(&after), "`{text}` leads nowhere");
    Cell { event: event.to_owned(), state, status, reason, after: after.to_owned() }
}
