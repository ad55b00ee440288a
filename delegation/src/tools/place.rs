//! Where in the tools something was wrong, in words that may be logged.

use core::fmt::{self, Write as _};

use super::set::MAX_TOOL_NAME_BYTES;

/// Most characters of a name in a message (spec/limits.md); names come from callers and may be long.
const MAX_SHOWN_CHARS: usize = 64;

/// A tool and perhaps one of its arguments. Names longer than any tool may have are kept only as far as that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    tool: String,
    argument: Option<String>,
}

impl Place {
    pub(super) fn new(tool: &str, argument: Option<&str>) -> Self {
        Self { tool: shortened(tool), argument: argument.map(shortened) }
    }

    pub(super) fn tool(&self) -> &str {
        &self.tool
    }

    pub(super) fn argument(&self) -> Option<&str> {
        self.argument.as_deref()
    }
}

fn shortened(name: &str) -> String {
    name.get(..name.floor_char_boundary(MAX_TOOL_NAME_BYTES)).unwrap_or_default().to_owned()
}

/// `tool …` or `argument … of tool …`, in printable ASCII of bounded length (P-19).
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(argument) = &self.argument {
            f.write_str("argument ")?;
            name(argument, f)?;
            f.write_str(" of ")?;
        }
        f.write_str("tool ")?;
        name(&self.tool, f)
    }
}

fn name(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('`')?;
    text.chars().take(MAX_SHOWN_CHARS).try_for_each(|c| write!(f, "{}", c.escape_default()))?;
    f.write_str(if text.chars().nth(MAX_SHOWN_CHARS).is_some() { "...`" } else { "`" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tool: &str, argument: Option<&str>, expected: &str) {
        assert_eq!(Place::new(tool, argument).to_string(), expected);
    }

    #[test]
    fn names_are_shown_short_and_plain() {
        check("read_file", None, "tool `read_file`");
        check("read_file", Some("path"), "argument `path` of tool `read_file`");
        check("a\nb\u{202e}", None, "tool `a\\nb\\u{202e}`");
        check(&"x".repeat(MAX_SHOWN_CHARS), None, &format!("tool `{}`", "x".repeat(MAX_SHOWN_CHARS)));
        check(&"x".repeat(100_000), None, &format!("tool `{}...`", "x".repeat(MAX_SHOWN_CHARS)));
    }

    #[test]
    fn no_more_is_kept_than_the_longest_name() {
        let place = Place::new(&"\u{20ac}".repeat(100), Some(&"x".repeat(1000)));
        assert_eq!(place.tool().len(), 255);
        assert_eq!(place.argument().map(str::len), Some(MAX_TOOL_NAME_BYTES));
    }
}
