//! Reading code and the pages of `spec/`, for the tests that keep them in step.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::repository;

/// The text of a file of the repository.
///
/// # Panics
///
/// When it cannot be read.
#[must_use]
pub fn text(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The reasons a resource server can give: every text that the `reason` functions of proof, replay, budget, chain,
/// authority and rejection return.
#[must_use]
pub fn request_reasons() -> BTreeSet<String> {
    let sources = [
        "verifier/src/rejection.rs",
        "verifier/src/budget/mod.rs",
        "dpop/src/proof/error.rs",
        "dpop/src/replay/mod.rs",
        "delegation/src/chain/error.rs",
        "delegation/src/authority/order.rs",
    ];
    sources.iter().flat_map(|path| reasons_in(&text(path))).collect()
}

/// The texts that the function `reason` of a source returns.
#[must_use]
pub fn reasons_in(source: &str) -> BTreeSet<String> {
    let body = source.split("fn reason(").nth(1).expect("a function `reason`");
    let body = body.split("\n    }\n").next().unwrap_or(body);
    body.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

/// The part of a page below one heading, up to the next of the same or a higher level.
///
/// # Panics
///
/// When there is no such heading.
#[must_use]
pub fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let start = page.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no heading `{heading}`"));
    let rest = &page[start + heading.len() + 2..];
    let level = heading.split(' ').next().unwrap().len();
    let ends = (1..=level).filter_map(|hashes| rest.find(&format!("\n{} ", "#".repeat(hashes))));
    ends.min().map_or(rest, |end| &rest[..end])
}

/// The rows of all tables of a text, cell by cell, header and rule left out; backticks around a whole cell are dropped.
#[must_use]
pub fn rows(text: &str) -> Vec<Vec<String>> {
    let lines: Vec<_> = text.lines().collect();
    let is_rule = |line: &str| line.starts_with("|---");
    let is_header = |place: usize| lines.get(place + 1).is_some_and(|next| is_rule(next));
    let data =
        lines.iter().enumerate().filter(|(place, line)| line.starts_with('|') && !is_rule(line) && !is_header(*place));
    data.map(|(_, line)| cells(line)).collect()
}

fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches('|').trim_end_matches('|');
    line.split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// A cell that is one word in backticks, without them.
#[must_use]
pub fn plain(cell: &str) -> &str {
    let inner = cell.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    inner.filter(|inner| !inner.contains('`')).unwrap_or(cell)
}

/// Every file below `folder` with this extension, build results and version control left out.
#[must_use]
pub fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let is_foreign = name.starts_with('.') || name == "node_modules" || path.join("CACHEDIR.TAG").exists();
        if path.is_dir() && !is_foreign {
            found.extend(files_below(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A constant as the page on limits writes it.
#[derive(Debug)]
pub struct Shown {
    /// Its value, with its unit.
    pub value: String,
    /// Whether its name says that it bounds something, so that it has to be on the page.
    pub is_bound: bool,
}

/// The numbers, times and bounds of a crate by name.
#[must_use]
pub fn constants_shown(folder: &str, all: &BTreeMap<String, String>) -> BTreeMap<String, Shown> {
    constants_of(folder).filter(Constant::is_number).map(|constant| constant.shown(all)).collect()
}

/// Every constant of every crate by name, as written. Names that stand twice keep one of their texts.
#[must_use]
pub fn all_constants(folders: &[&str]) -> BTreeMap<String, String> {
    folders.iter().flat_map(|folder| constants_of(folder)).map(|constant| (constant.name, constant.value)).collect()
}

struct Constant {
    name: String,
    kind: String,
    value: String,
}

impl Constant {
    /// Reads `pub const NAME: Type = value;`.
    fn parse(line: &str) -> Option<Self> {
        let line =
            line.trim().trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ").trim_start_matches("pub ");
        let (name, rest) = line.strip_prefix("const ")?.split_once(": ")?;
        let (kind, value) = rest.split_once(" = ")?;
        let (value, _) = value.split_once(';')?;
        Some(Self { name: name.to_owned(), kind: kind.to_owned(), value: value.to_owned() })
    }

    fn is_number(&self) -> bool {
        const KINDS: [&str; 8] = ["usize", "u8", "u16", "u32", "u64", "Seconds", "Duration", "(Seconds, Seconds)"];
        // parts of a second, file modes, patterns of bits and sizes of types are no bounds anywhere
        let is_other = ["millis", "size_of"].iter().any(|word| self.value.contains(word))
            || ["0o", "0x"].iter().any(|base| self.value.starts_with(base));
        KINDS.contains(&self.kind.as_str()) && !is_other
    }

    fn is_bound(&self) -> bool {
        const WORDS: [&str; 5] = ["MAX", "MIN", "DEFAULT", "LEEWAY", "STALENESS"];
        const ENDS: [&str; 6] = ["BOUNDS", "LIFETIME", "DEADLINE", "TIMEOUT", "PERIOD", "INTERVAL"];
        let ends_as_bound = self.name.contains('_') && ENDS.iter().any(|end| self.name.ends_with(&format!("_{end}")));
        ends_as_bound || self.name.split('_').any(|word| WORDS.contains(&word))
    }

    fn shown(self, all: &BTreeMap<String, String>) -> (String, Shown) {
        let unit = if self.kind.starts_with('u') { "" } else { " s" };
        let number = |text: &str| Evaluation { all, text }.value();
        let pair = self.value.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')?.split_once(", "));
        let value = match pair {
            Some((least, most)) if self.kind.starts_with('(') => format!("{} to {}", number(least), number(most)),
            _ => number(&self.value).to_string(),
        };
        let shown = Shown { value: format!("{value}{unit}"), is_bound: self.is_bound() };
        (self.name, shown)
    }
}

fn constants_of(folder: &str) -> impl Iterator<Item = Constant> {
    files_below(&repository().join(folder), "rs").into_iter().flat_map(|path| {
        let source = std::fs::read_to_string(path).unwrap();
        let code = source.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
        code.lines().filter_map(Constant::parse).collect::<Vec<_>>()
    })
}

/// The little arithmetic that constants are written in: sums, products and shifts of numbers and other constants.
struct Evaluation<'a> {
    all: &'a BTreeMap<String, String>,
    text: &'a str,
}

impl Evaluation<'_> {
    fn value(&self) -> u64 {
        self.sum(self.text.trim())
    }

    fn sum(&self, text: &str) -> u64 {
        if let Some((left, right)) = split_outside(text, " + ") {
            return self.sum(left) + self.sum(right);
        }
        match split_outside(text, " - ") {
            Some((left, right)) => self.sum(left) - self.sum(right),
            None => self.product(text),
        }
    }

    fn product(&self, text: &str) -> u64 {
        if let Some((left, right)) = split_outside(text, " << ") {
            return self.product(left) << self.product(right);
        }
        match split_outside(text, " * ") {
            Some((left, right)) => self.product(left) * self.product(right),
            None => self.atom(text.trim()),
        }
    }

    fn atom(&self, text: &str) -> u64 {
        let wrapped = ["Seconds::new(", "Duration::from_secs(", "("].iter().find_map(|open| text.strip_prefix(open));
        if let Some(inner) = wrapped.and_then(|rest| rest.strip_suffix(')')) {
            return self.sum(inner);
        }
        if let Ok(number) = text.replace('_', "").parse() {
            return number;
        }
        let name = text.rsplit("::").next().unwrap_or(text);
        let value = self.all.get(name).unwrap_or_else(|| panic!("`{text}` is no number and no constant"));
        Evaluation { all: self.all, text: value }.value()
    }
}

/// The two sides of the last `operator` that stands in no parentheses.
fn split_outside<'a>(text: &'a str, operator: &str) -> Option<(&'a str, &'a str)> {
    let depth_at = |place: usize| {
        let before = &text[..place];
        before.matches('(').count() == before.matches(')').count()
    };
    let place = text.rmatch_indices(operator).map(|(place, _)| place).find(|place| depth_at(*place))?;
    Some((&text[..place], &text[place + operator.len()..]))
}
