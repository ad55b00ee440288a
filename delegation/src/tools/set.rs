//! The tools a caller may use, each with its arguments.

use std::collections::BTreeMap;

use super::constraint::Constraint;
use super::details::DetailsError;

/// Most tools of one authority (spec/limits.md), as many as one JSON object may hold.
pub const MAX_TOOLS: usize = 64;
/// Most arguments of one tool (spec/limits.md).
pub const MAX_TOOL_ARGUMENTS: usize = 64;
/// Longest name of a tool or an argument (spec/limits.md); none is empty.
pub const MAX_TOOL_NAME_BYTES: usize = 256;

/// Tools by name, each with what its arguments may be. Without any, nothing may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tools(BTreeMap<String, Arguments>);

/// The arguments one tool may be called with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arguments {
    /// An open tool: any arguments.
    Any,
    /// A closed tool: exactly these arguments, each within its constraint. Never none of them: JSON has no form for that.
    Exactly(BTreeMap<String, Constraint>),
}

impl Tools {
    /// The tools of `entries`.
    ///
    /// # Errors
    ///
    /// [`DetailsError::Malformed`] for an empty name, a tool named twice, or a closed tool without arguments;
    /// [`DetailsError::TooLarge`] over [`MAX_TOOLS`], [`MAX_TOOL_ARGUMENTS`] or [`MAX_TOOL_NAME_BYTES`].
    ///
    /// ```
    /// use handfast_delegation::{Arguments, DetailsError, Tools};
    /// let tools = Tools::new([("search".to_owned(), Arguments::Any)]).unwrap();
    /// assert_eq!(tools.names().collect::<Vec<_>>(), ["search"]);
    /// let closed = Arguments::Exactly([].into());
    /// assert_eq!(Tools::new([("search".to_owned(), closed)]), Err(DetailsError::Malformed));
    /// ```
    pub fn new(entries: impl IntoIterator<Item = (String, Arguments)>) -> Result<Self, DetailsError> {
        let mut tools = BTreeMap::new();
        for (name, arguments) in entries {
            if tools.len() >= MAX_TOOLS {
                return Err(DetailsError::TooLarge);
            }
            check_name(&name)?;
            check_arguments(&arguments)?;
            if tools.insert(name, arguments).is_some() {
                return Err(DetailsError::Malformed);
            }
        }
        Ok(Self(tools))
    }

    /// Whether no tool may be called.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the tools in byte order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What the tool called `name` may be called with; nothing if it may not be called.
    #[must_use]
    pub fn arguments(&self, name: &str) -> Option<&Arguments> {
        self.0.get(name)
    }

    /// INVARIANT: names, arguments and their number are good.
    pub(super) fn of_good(tools: BTreeMap<String, Arguments>) -> Self {
        Self(tools)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Arguments)> {
        self.0.iter().map(|(name, arguments)| (name.as_str(), arguments))
    }
}

fn check_arguments(arguments: &Arguments) -> Result<(), DetailsError> {
    match arguments {
        Arguments::Any => Ok(()),
        // it would be written `{}`, and that is an open tool
        Arguments::Exactly(arguments) if arguments.is_empty() => Err(DetailsError::Malformed),
        Arguments::Exactly(arguments) if arguments.len() > MAX_TOOL_ARGUMENTS => Err(DetailsError::TooLarge),
        Arguments::Exactly(arguments) => arguments.keys().try_for_each(|name| check_name(name)),
    }
}

fn check_name(name: &str) -> Result<(), DetailsError> {
    match name.len() {
        0 => Err(DetailsError::Malformed),
        1..=MAX_TOOL_NAME_BYTES => Ok(()),
        _ => Err(DetailsError::TooLarge),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(entries: Vec<(String, Arguments)>, expected: Result<(), DetailsError>) {
        assert_eq!(Tools::new(entries).map(drop), expected);
    }

    fn closed(names: impl IntoIterator<Item = String>) -> Arguments {
        Arguments::Exactly(names.into_iter().map(|name| (name, Constraint::wildcard())).collect())
    }

    #[test]
    fn tools_and_arguments_are_bounded() {
        let tools = |count: usize| (0..count).map(|n| (format!("t{n}"), Arguments::Any)).collect();
        check(tools(0), Ok(()));
        check(tools(MAX_TOOLS), Ok(()));
        check(tools(MAX_TOOLS + 1), Err(DetailsError::TooLarge));
        let arguments = |count: usize| vec![("t".to_owned(), closed((0..count).map(|n| format!("a{n}"))))];
        check(arguments(0), Err(DetailsError::Malformed));
        check(arguments(MAX_TOOL_ARGUMENTS), Ok(()));
        check(arguments(MAX_TOOL_ARGUMENTS + 1), Err(DetailsError::TooLarge));
    }

    #[test]
    fn names_are_bounded_and_stand_once() {
        for (bytes, expected) in [
            (0, Err(DetailsError::Malformed)),
            (1, Ok(())),
            (MAX_TOOL_NAME_BYTES, Ok(())),
            (MAX_TOOL_NAME_BYTES + 1, Err(DetailsError::TooLarge)),
        ] {
            check(vec![("x".repeat(bytes), Arguments::Any)], expected);
            check(vec![("t".to_owned(), closed(["x".repeat(bytes)]))], expected);
        }
        let twice = vec![("t".to_owned(), Arguments::Any), ("t".to_owned(), closed(["a".to_owned()]))];
        check(twice, Err(DetailsError::Malformed));
    }
}
