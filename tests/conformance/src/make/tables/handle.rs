//! Handles: their syntax, and which of them look alike (spec/identity.md, handles).

use serde::{Deserialize, Serialize};

/// The table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handles {
    /// Handles somebody may choose.
    pub accepted: Vec<String>,
    /// Texts that are none: the rule they break.
    pub refused: Vec<(String, Rule)>,
    /// Two handles and whether they look alike.
    pub alike: Vec<(String, String, bool)>,
}

/// Why a text is not a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Alphabet, hyphens or length.
    Syntax,
    /// A reserved word, or like one.
    Reserved,
}

const ACCEPTED: [&str; 9] =
    ["abc", "a-b", "007", "billing-bot", "amber-falcon-00042", "a-1-b-2", "admins", "root-cause", "x0x"];

const REFUSED: [&str; 23] = [
    "",
    "ab",
    "-ab",
    "ab-",
    "a--b",
    "Abc",
    "ABC",
    "a_b",
    "a.b",
    "a b",
    " abc",
    "abc ",
    "abc\n",
    "agent one",
    "agent_\u{43e}ne",
    "agent-\u{43e}ne",
    "agent\u{200b}one",
    "caf\u{e9}",
    "a\u{2010}b",
    "abc@registry",
    "abc/def",
    "abc\u{0}",
    "\u{ff41}bc",
];

const RESERVED: [&str; 6] = ["admin", "root", "r00t", "nu11", "he1p", "registry"];

const ALIKE: [(&str, &str, bool); 10] = [
    ("billing", "bi11ing", true),
    ("billing", "bil1ing", true),
    ("google", "g00gle", true),
    ("modern", "rnodern", true),
    ("clone", "c1one", true),
    ("billing", "filling", false),
    ("billing", "billing-1", false),
    ("ab-c", "a-bc", false),
    ("bot-1", "bot-2", false),
    ("abc", "acb", false),
];

pub(super) fn table() -> Handles {
    let longest = "a".repeat(63);
    let too_long = "a".repeat(64);
    let refused = REFUSED.into_iter().chain([too_long.as_str()]).map(|text| (text.to_owned(), Rule::Syntax));
    let reserved = RESERVED.into_iter().map(|text| (text.to_owned(), Rule::Reserved));
    Handles {
        accepted: ACCEPTED.into_iter().chain([longest.as_str()]).map(str::to_owned).collect(),
        refused: refused.chain(reserved).collect(),
        alike: ALIKE.into_iter().map(|(a, b, alike)| (a.to_owned(), b.to_owned(), alike)).collect(),
    }
}
