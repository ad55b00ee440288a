//! The `act` claim: who acts, and through whom (RFC 8693 4.1).

use core::fmt;

use handfast_identity::{Text, json};
use serde::{Deserialize, Serialize};

use crate::text::{Keep, TextWire};

/// Most actors in one token: the hard limit of eight hops, and the agent at the root (spec/limits.md, ACT-08).
pub const MAX_ACTORS: usize = 9;
/// Longest identifier of one actor, as for any DID.
const MAX_ACTOR_BYTES: usize = 2048;

/// Actors from the outside in: the first is the current one, the last the agent at the root (ACT-02).
///
/// Earlier actors are information. No right ever follows from them (ACT-03); a revoked one still stops the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorChain {
    current: Text,
    earlier: Vec<Text>,
}

/// Why an `act` claim is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorError {
    /// Nested deeper than [`MAX_ACTORS`].
    TooDeep,
    /// An empty or overlong `sub`.
    Subject,
    /// One actor twice (DEL-30).
    Duplicate,
}

impl fmt::Display for ActorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooDeep => "the `act` claim is nested too deep",
            Self::Subject => "an actor in `act` has no usable `sub`",
            Self::Duplicate => "an actor stands twice in `act`",
        })
    }
}

impl core::error::Error for ActorError {}

impl ActorChain {
    /// The chain of a root token: one agent.
    ///
    /// # Errors
    ///
    /// [`ActorError::Subject`] for an empty or overlong name.
    pub fn root(agent: &str) -> Result<Self, ActorError> {
        Self::from_names(vec![agent.into()])
    }

    /// A chain of these names, the current actor first.
    ///
    /// # Errors
    ///
    /// [`ActorError`], by rule broken; [`ActorError::Subject`] for no name at all.
    pub fn from_names(names: Vec<Text>) -> Result<Self, ActorError> {
        let mut names = names.into_iter();
        let current = names.next().ok_or(ActorError::Subject)?;
        Self { current, earlier: names.collect() }.bounded()
    }

    fn bounded(self) -> Result<Self, ActorError> {
        if self.earlier.len() >= MAX_ACTORS {
            return Err(ActorError::TooDeep);
        }
        if self.iter().any(|name| name.is_empty() || name.len() > MAX_ACTOR_BYTES) {
            return Err(ActorError::Subject);
        }
        let is_repeated =
            self.iter().enumerate().any(|(place, name)| self.iter().skip(place + 1).any(|other| other == name));
        if is_repeated { Err(ActorError::Duplicate) } else { Ok(self) }
    }

    /// Who acts now: the one whose key signs the proof (ACT-09).
    #[must_use]
    pub fn current(&self) -> &str {
        &self.current
    }

    /// All actors, outermost first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        core::iter::once(&self.current).chain(&self.earlier).map(Text::as_str)
    }

    /// The agent at the root of the chain.
    #[must_use]
    pub fn root_agent(&self) -> &str {
        self.earlier.last().unwrap_or(&self.current)
    }
}

/// `{"sub": …, "act": {…}}`; other members are ignored (ACT-04).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ActWire<'a> {
    #[serde(borrow)]
    sub: TextWire<'a>,
    #[serde(borrow, default, deserialize_with = "json::optional_object", skip_serializing_if = "Option::is_none")]
    act: Option<Box<Self>>,
}

impl ActWire<'_> {
    /// The chain that it says.
    pub(crate) fn chain(&self, keep: &Keep<'_>) -> Result<ActorChain, ActorError> {
        let inner = core::iter::successors(self.act.as_deref(), |level| level.act.as_deref());
        // most chains are of one agent, and ask for no list
        ActorChain { current: keep(&self.sub), earlier: inner.map(|level| keep(&level.sub)).collect() }.bounded()
    }
}

impl<'a> From<&'a ActorChain> for ActWire<'a> {
    fn from(chain: &'a ActorChain) -> Self {
        let innermost = chain.earlier.iter().rev().fold(None, |inner: Option<Box<Self>>, name| {
            Some(Box::new(Self { sub: name.as_str().into(), act: inner }))
        });
        Self { sub: chain.current.as_str().into(), act: innermost }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(count: usize) -> Result<ActorChain, ActorError> {
        ActorChain::from_names((0..count).map(|n| format!("did:key:z{n}").into()).collect())
    }

    #[test]
    fn the_outermost_actor_is_the_current_one() {
        let chain = chain(3);
        let names = chain.as_ref().map(|chain| (chain.current(), chain.root_agent(), chain.iter().count()));
        assert_eq!(names, Ok(("did:key:z0", "did:key:z2", 3)));
    }

    #[test]
    fn print_and_parse_agree() {
        for count in [1, 2, MAX_ACTORS] {
            let before = chain(count);
            let after = before.clone().and_then(|chain| ActWire::from(&chain).chain(&|text| text.into()));
            assert_eq!(before, after);
        }
    }

    #[test]
    fn depth_repetition_and_empty_names_are_refused() {
        assert_eq!(chain(MAX_ACTORS + 1), Err(ActorError::TooDeep));
        assert_eq!(ActorChain::from_names(vec!["a".into(), "b".into(), "a".into()]), Err(ActorError::Duplicate));
        assert_eq!(ActorChain::root(""), Err(ActorError::Subject));
    }
}
