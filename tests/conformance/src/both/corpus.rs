//! What requests are made from: the vectors, every value that stands in them under some name, and the keys of all parties.

use std::collections::{BTreeMap, HashMap};

use handfast_identity::SigningKey;
use serde_json::Value;

use super::Dice;
use super::texts::{Kind, Text};
use crate::make::keys::Who;
use crate::vector::{Expected, Step, Vector, read_folder};
use crate::vectors_folder;

/// Longest value that goes into the pools; a few vectors have huge ones.
const POOLED_BYTES: usize = 2048;

/// The vectors, taken apart.
#[derive(Debug)]
pub struct Corpus {
    names: Vec<String>,
    vectors: Vec<Vector>,
    /// Places of those whose last request is accepted.
    accepted: Vec<usize>,
    /// Values by kind of text and name of member.
    pools: HashMap<(Kind, String), Vec<Value>>,
    /// Names of members by kind of text.
    members: HashMap<Kind, Vec<String>>,
    /// Whole texts by kind.
    texts: HashMap<Kind, Vec<String>>,
    signers: Vec<Signer>,
}

#[derive(Debug)]
struct Signer {
    key: SigningKey,
    /// What a text says of who signed it: `x` of a key, an id of one, a DID.
    marks: [String; 3],
}

impl Corpus {
    /// Reads `spec/vectors`.
    ///
    /// # Panics
    ///
    /// When a file is no vector.
    #[must_use]
    pub fn read() -> Self {
        let all: BTreeMap<String, Vector> = read_folder(&vectors_folder().join("request"));
        let signers = Who::all().map(|who| {
            let key = who.key();
            let jwk: Value = serde_json::from_str(&key.public().to_jwk()).unwrap();
            let marks = [jwk["x"].as_str().unwrap_or_default().to_owned(), who.jkt(), who.did().to_string()];
            Signer { key, marks }
        });
        let (names, vectors): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        let is_accepted = |place: &usize| {
            let last: Option<&Step> = vectors.get(*place).and_then(|vector: &Vector| vector.steps.last());
            last.is_some_and(|step| step.expect == Expected::Accepted)
        };
        let mut corpus = Self {
            accepted: (0..vectors.len()).filter(is_accepted).collect(),
            names,
            vectors,
            pools: HashMap::new(),
            members: HashMap::new(),
            texts: HashMap::new(),
            signers: signers.collect(),
        };
        let steps: Vec<Step> = corpus.vectors.iter().flat_map(|vector| vector.steps.clone()).collect();
        steps.iter().for_each(|step| corpus.take_in(step));
        corpus
    }

    fn take_in(&mut self, step: &Step) {
        for (name, value) in &step.headers {
            let texts: Vec<(Kind, &str)> = match name.to_ascii_lowercase().as_str() {
                "authorization" => vec![(Kind::Token, value.split_once(' ').map_or("", |(_, token)| token))],
                "dpop" => vec![(Kind::Proof, value)],
                "delegation" => value.split(',').map(|member| (Kind::Hop, member)).collect(),
                _ => Vec::new(),
            };
            for (kind, text) in texts.into_iter().filter(|(_, text)| text.len() <= POOLED_BYTES) {
                let whole = self.texts.entry(kind).or_default();
                if whole.iter().any(|known| known == text) {
                    continue;
                }
                whole.push(text.to_owned());
                let Some(text) = Text::read(text) else { continue };
                for (place, list) in [(kind.header(), &text.header), (kind, &text.claims)] {
                    for (name, value) in list {
                        let names = self.members.entry(place).or_default();
                        if !names.contains(name) {
                            names.push(name.clone());
                        }
                        let pool = self.pools.entry((place, name.clone())).or_default();
                        if !pool.contains(value) {
                            pool.push(value.clone());
                        }
                    }
                }
            }
        }
    }

    /// The vector of a seed: every other time the next of all, so that each has its turn, else one that is accepted.
    pub(super) fn of_seed(&self, seed: u64, dice: &mut Dice) -> (&str, &Vector) {
        let turn = usize::try_from(seed / 2).unwrap_or_default() % self.vectors.len();
        let place = if seed.is_multiple_of(2) { turn } else { *dice.pick(&self.accepted) };
        (&self.names[place], &self.vectors[place])
    }

    /// A vector, by its name.
    pub(super) fn pick(&self, dice: &mut Dice) -> (&str, &Vector) {
        let place = dice.below(self.vectors.len());
        (&self.names[place], &self.vectors[place])
    }

    /// A request of any vector.
    pub(super) fn any_step(&self, dice: &mut Dice) -> &Step {
        let (_, vector) = self.pick(dice);
        dice.pick(&vector.steps)
    }

    /// A whole text of a kind.
    pub(super) fn any_text(&self, dice: &mut Dice, kind: Kind) -> &str {
        dice.pick::<String>(&self.texts[&kind])
    }

    /// A name that members have in texts of a kind.
    pub(super) fn any_name(&self, dice: &mut Dice, kind: Kind) -> &str {
        dice.pick::<String>(&self.members[&kind])
    }

    /// A value that stands somewhere under this name.
    pub(super) fn any_value(&self, dice: &mut Dice, kind: Kind, name: &str) -> Option<&Value> {
        self.pools.get(&(kind, name.to_owned())).map(|pool| dice.pick(pool))
    }

    /// The key that a text says it is signed with, if it is one of ours.
    pub(super) fn signer(&self, text: &Text) -> Option<&SigningKey> {
        let of = |name: &str| text.header.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let x = of("jwk").and_then(|jwk| jwk["x"].as_str());
        let kid = of("kid").and_then(Value::as_str).map(|kid| kid.split('#').next().unwrap_or_default());
        let named = x.or(kid)?;
        self.signers.iter().find(|signer| signer.marks.iter().any(|mark| mark == named)).map(|signer| &signer.key)
    }

    /// Anybody's key.
    pub(super) fn any_signer(&self, dice: &mut Dice) -> &SigningKey {
        &dice.pick(&self.signers).key
    }
}
