//! The two copies of one server, and what is compared of their answers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use handfast_dpop::{MAX_PROOF_BYTES, ProofHeader};
use handfast_identity::json::{self, Limits};
use handfast_identity::{DidKey, UnixTime, base64url};
use handfast_verifier::{Authorized, ChainVerdict, Denial, KnownToken, NoVerdicts, Rejection, VerdictKey, Verdicts};
use serde::de::IgnoredAny;

use super::slow_json::is_strict;
use super::{Dice, Plant, Tally};
use crate::core_surface::{Memory, World};
use crate::vector::{Setting, Step};

/// One of so many look-ups finds that what was remembered was forgotten meanwhile.
const FORGETS: usize = 16;

/// A server that remembers and one that does not.
pub(super) struct Sides {
    world: World,
    /// What the fast side knows instead, where a fault is planted.
    old_world: Option<World>,
    plant: Plant,
    fast: (Memory, Remembering),
    general: Memory,
    first: Setting,
}

/// Everything that a handler or a log is told.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    Accepted(Box<Told>),
    Refused(Rejection, Option<Box<Told>>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    /// Issuer, subject, client, token and proof ids, key.
    names: [String; 6],
    actors: Option<Vec<String>>,
    hops: Vec<String>,
    /// Of an accepted request only: what it may do, and the tool it calls.
    authority: String,
    is_drift: bool,
}

impl Outcome {
    fn of(answer: Result<Authorized, Denial>) -> Self {
        match answer {
            Ok(found) => {
                let authority = format!("{:?} {:?} {:?}", found.authority(), found.tool_call(), found.is_owner());
                Self::Accepted(Box::new(Told {
                    names: [
                        found.issuer().to_owned(),
                        found.subject().to_owned(),
                        found.client_id().to_owned(),
                        found.token_id().to_owned(),
                        found.proof_id().to_owned(),
                        found.key().to_string(),
                    ],
                    actors: found.actors().map(|actors| actors.iter().map(str::to_owned).collect()),
                    hops: found
                        .chain()
                        .into_iter()
                        .flat_map(|chain| chain.links().map(|link| link.name.to_string()))
                        .collect(),
                    authority,
                    is_drift: false,
                }))
            }
            Err(Denial { rejection, by, drift }) => {
                let told = by.map(|by| {
                    Box::new(Told {
                        names: [
                            by.issuer().to_owned(),
                            by.subject().to_owned(),
                            by.client_id().to_owned(),
                            by.token_id().to_owned(),
                            by.proof_id().to_owned(),
                            by.key().to_string(),
                        ],
                        actors: by.actors().map(|actors| actors.iter().map(str::to_owned).collect()),
                        hops: by.hops().iter().map(ToString::to_string).collect(),
                        authority: String::new(),
                        is_drift: drift.is_some(),
                    })
                });
                Self::Refused(rejection, told)
            }
        }
    }

    fn verdict(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Refused(rejection, _) => rejection.reason(),
        }
    }
}

impl Sides {
    pub(super) fn new(setting: &Setting, plant: Plant, seed: u64) -> Self {
        Self {
            world: World::new(setting.clone()),
            old_world: (plant == Plant::OldFacts).then(|| World::new(setting.clone())),
            plant,
            fast: (Memory::new(setting), Remembering::new(seed)),
            general: Memory::new(setting),
            first: setting.clone(),
        }
    }

    pub(super) const fn world(&self) -> &World {
        &self.world
    }

    pub(super) const fn setting(&self) -> &Setting {
        &self.world.setting
    }

    /// How the server was set up in the beginning.
    pub(super) const fn first(&self) -> &Setting {
        &self.first
    }

    /// Sets both copies up anew; what they remember stays.
    pub(super) fn set(&mut self, setting: Setting) {
        self.world = World::new(setting);
    }

    /// What the fast and the general copy answer.
    pub(super) fn answer(&mut self, step: &Step, tally: &mut Tally) -> (Outcome, Outcome) {
        if self.plant == Plant::NoReplay {
            self.fast.0 = Memory::new(&self.first);
        }
        let (memory, verdicts) = &self.fast;
        verdicts.found.store(false, Ordering::Relaxed);
        let fast = Outcome::of(self.old_world.as_ref().unwrap_or(&self.world).decide(step, memory, verdicts));
        let general = Outcome::of(self.world.decide(step, &self.general, &NoVerdicts));
        step.field("dpop").iter().for_each(|proof| require_one_reading(proof));
        tally.requests += 1;
        *tally.verdicts.entry(general.verdict()).or_default() += 1;
        if verdicts.found.load(Ordering::Relaxed) {
            *tally.warm.entry(general.verdict()).or_default() += 1;
        }
        (fast, general)
    }
}

/// Both readers of JSON say the same of the texts in a proof: the product's, which may be satisfied at a glance, and the slow one.
fn require_one_reading(proof: &[u8]) {
    let limits = Limits::plain(MAX_PROOF_BYTES);
    for segment in proof.split(|byte| *byte == b'.').take(2) {
        let Some(text) = core::str::from_utf8(segment).ok().and_then(|text| base64url::decode(text).ok()) else {
            continue;
        };
        let is_read = json::read::<IgnoredAny>(&text, &limits).is_ok();
        assert_eq!(is_read, is_strict(&text, &limits), "{}", String::from_utf8_lossy(&text));
    }
}

/// Everything that may be remembered, and now and then forgotten.
#[derive(Debug)]
struct Remembering {
    kept: Mutex<Kept>,
    found: AtomicBool,
}

#[derive(Debug)]
struct Kept {
    dice: Dice,
    chains: HashMap<VerdictKey, Arc<ChainVerdict>>,
    tokens: HashMap<Vec<u8>, Arc<KnownToken>>,
    headers: HashMap<Vec<u8>, Arc<ProofHeader>>,
    keys: HashMap<String, DidKey>,
}

impl Remembering {
    fn new(seed: u64) -> Self {
        let kept = Kept {
            dice: Dice::of(seed),
            chains: HashMap::new(),
            tokens: HashMap::new(),
            headers: HashMap::new(),
            keys: HashMap::new(),
        };
        Self { kept: Mutex::new(kept), found: AtomicBool::new(false) }
    }

    fn find<T: Clone>(&self, of: impl FnOnce(&Kept) -> Option<&T>) -> Option<T> {
        let mut kept = self.kept.lock().unwrap();
        let found = of(&kept).cloned()?;
        if kept.dice.one_in(FORGETS) {
            return None;
        }
        self.found.store(true, Ordering::Relaxed);
        Some(found)
    }
}

impl Verdicts for Remembering {
    fn find(&self, key: &VerdictKey) -> Option<Arc<ChainVerdict>> {
        self.find(|kept| kept.chains.get(key))
    }

    fn keep(&self, key: VerdictKey, verdict: Arc<ChainVerdict>) {
        self.kept.lock().unwrap().chains.insert(key, verdict);
    }

    fn find_key(&self, did: &str) -> Option<DidKey> {
        self.find(|kept| kept.keys.get(did))
    }

    fn keep_key(&self, key: &DidKey) {
        self.kept.lock().unwrap().keys.insert(key.as_str().to_owned(), key.clone());
    }

    fn find_header(&self, text: &[u8]) -> Option<Arc<ProofHeader>> {
        self.find(|kept| kept.headers.get(text))
    }

    fn keep_header(&self, header: &Arc<ProofHeader>) {
        self.kept.lock().unwrap().headers.insert(header.text().as_bytes().into(), Arc::clone(header));
    }

    fn find_token(&self, text: &[u8], _: UnixTime) -> Option<Arc<KnownToken>> {
        // by its end, as the middleware does
        self.find(|kept| kept.tokens.get(end_of(text)))
    }

    fn keep_token(&self, token: &Arc<KnownToken>) {
        self.kept.lock().unwrap().tokens.insert(end_of(token.text().as_bytes()).to_owned(), Arc::clone(token));
    }
}

fn end_of(text: &[u8]) -> &[u8] {
    text.get(text.len().saturating_sub(43)..).unwrap_or(text)
}
