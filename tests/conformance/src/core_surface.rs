//! The core itself: `parse`, `verify`, `bind`, `admit`, with replay store, budget store and chain verdicts in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use handfast_delegation::{Environment, ResourceId};
use handfast_dpop::{
    NonceKeys, NoncePolicy, NonceSource, ProofHeader, ProofRoom, PublicBase, ReplayStore, RestartRule, Target,
};
use handfast_identity::UnixTime;
use handfast_verifier::budget::BudgetStore;
use handfast_verifier::tools::RequestContent;
use handfast_verifier::trust::Facts;
use handfast_verifier::{
    Authorized, CLOCK_LEEWAY, ChainVerdict, DEFAULT_STALENESS, Denial, EnforcementPoint, KnownToken, Rejection,
    RequestParts, RouteRule, UnverifiedRequest, VerdictKey, Verdicts,
};

use crate::surface::Surface;
use crate::vector::{Expected, Keys, NonceSetting, Setting, Step, Vector};

/// `handfast-verifier` with everything it asks its shell for.
#[derive(Clone, Copy, Debug)]
pub struct Core;

impl Surface for Core {
    fn name(&self) -> &'static str {
        "core"
    }

    fn check(&self, vector: &Vector) -> Vec<Expected> {
        let server = Server::new(&vector.setting);
        vector.steps.iter().map(|step| expected_of(&server.answer(step))).collect()
    }
}

/// What a core answer looks like in a vector.
fn expected_of(answer: &Result<Authorized, Rejection>) -> Expected {
    let Err(rejection) = answer else { return Expected::Accepted };
    let answer = rejection.answer();
    assert_eq!(
        answer.needs_nonce,
        answer.error == Some("use_dpop_nonce"),
        "a nonce comes with its error and only then"
    );
    match answer.status {
        503 => assert!(answer.retry_after.is_some(), "what is ours can be tried again"),
        429 => {} // only a rate allows more later
        _ => assert!(answer.retry_after.is_none(), "nothing here gets better by waiting"),
    }
    Expected::Refused {
        reason: answer.reason.to_owned(),
        status: answer.status,
        error: answer.error.map(str::to_owned),
        scope: answer.scope.map(|scope| scope.to_string()),
    }
}

/// What decides about a request: a setting, read.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) setting: Setting,
    nonces: Option<NonceKeys>,
    facts: Facts,
    base: PublicBase,
    resource: ResourceId,
    route: RouteRule,
}

/// What a server remembers of requests, beside verdicts.
pub(crate) struct Memory {
    replay: Arc<dyn ReplayStore>,
    budgets: Arc<dyn BudgetStore>,
}

impl Memory {
    pub(crate) fn new(setting: &Setting) -> Self {
        Self { replay: setting.replay_store(), budgets: setting.budget_store() }
    }
}

/// The server of one vector.
struct Server {
    world: World,
    memory: Memory,
    verdicts: Remembered,
}

/// Every chain and token found good, and headers of proofs: the steps of a vector meet a server that has seen the ones before.
#[derive(Debug, Default)]
struct Remembered {
    chains: Mutex<HashMap<VerdictKey, Arc<ChainVerdict>>>,
    tokens: Mutex<HashMap<Vec<u8>, Arc<KnownToken>>>,
    headers: Mutex<HashMap<Vec<u8>, Arc<ProofHeader>>>,
}

impl Verdicts for Remembered {
    fn find(&self, key: &VerdictKey) -> Option<Arc<ChainVerdict>> {
        self.chains.lock().unwrap().get(key).cloned()
    }

    fn keep(&self, key: VerdictKey, verdict: Arc<ChainVerdict>) {
        self.chains.lock().unwrap().insert(key, verdict);
    }

    fn find_header(&self, text: &[u8]) -> Option<Arc<ProofHeader>> {
        self.headers.lock().unwrap().get(text).cloned()
    }

    fn keep_header(&self, header: &Arc<ProofHeader>) {
        self.headers.lock().unwrap().insert(header.text().into(), Arc::clone(header));
    }

    fn find_token(&self, text: &[u8], _: UnixTime) -> Option<Arc<KnownToken>> {
        self.tokens.lock().unwrap().get(text).cloned()
    }

    fn keep_token(&self, token: &Arc<KnownToken>) {
        self.tokens.lock().unwrap().insert(token.text().into(), Arc::clone(token));
    }
}

impl Server {
    fn new(setting: &Setting) -> Self {
        let (world, memory) = (World::new(setting.clone()), Memory::new(setting));
        Self { world, memory, verdicts: Remembered::default() }
    }

    fn answer(&self, step: &Step) -> Result<Authorized, Rejection> {
        self.world.decide(step, &self.memory, &self.verdicts).map_err(|denial| denial.rejection)
    }
}

impl World {
    pub(crate) fn new(setting: Setting) -> Self {
        Self {
            nonces: setting.nonces.keys().map(Keys::source),
            facts: setting.facts(),
            base: setting.base(),
            resource: setting.resource_id(),
            route: setting.route_rule(),
            setting,
        }
    }

    /// The public URI of a path, if it has one.
    pub(crate) fn target(&self, path: &str) -> Option<Target> {
        Target::join(&self.base, path).ok()
    }

    /// The nonce handed out at a time.
    pub(crate) fn nonce(&self, now: UnixTime) -> Option<String> {
        self.nonces.as_ref().map(|source| source.issue(now).as_str().to_owned())
    }

    /// The answer to one request, with what was remembered so far.
    pub(crate) fn decide(&self, step: &Step, memory: &Memory, verdicts: &dyn Verdicts) -> Result<Authorized, Denial> {
        let now = UnixTime::from_secs(step.now);
        let target = self.target(&step.path).expect("the path of a vector is inside its base");
        let (authorization, proofs) = (step.field("authorization"), step.field("dpop"));
        let delegation = step.field("delegation");
        let parts = RequestParts {
            method: &step.method,
            target: &target,
            authorization: authorization.iter().map(Vec::as_slice).collect(),
            proofs: proofs.iter().map(Vec::as_slice).collect(),
            delegation: delegation.iter().map(Vec::as_slice).collect(),
            has_misplaced_token: step.has_misplaced_token(),
        };
        let point = EnforcementPoint {
            resource: &self.resource,
            window: self.setting.proof_window(),
            nonces: self.policy(now),
            leeway: CLOCK_LEEWAY,
            staleness: DEFAULT_STALENESS,
            environment: self.setting.environment::<Environment>(),
            chain: self.setting.chain_policy(),
            verdicts,
            stops: &self.setting,
        };
        let (media_types, digests) = (step.field("content-type"), step.field("content-digest"));
        let (path, query) = step.path.split_once('?').map_or((&*step.path, None), |(path, query)| (path, Some(query)));
        let content = RequestContent {
            path,
            query,
            media_types: media_types.iter().map(Vec::as_slice).collect(),
            digests: digests.iter().map(Vec::as_slice).collect(),
            body: Some(step.body.as_deref().unwrap_or_default().as_bytes()),
        };
        let mut room = ProofRoom::new();
        let request = UnverifiedRequest::parse_known(&parts, &point.chain, point.verdicts, now, &mut room)?;
        let bound = request.verify(&point, &self.facts, now)?.bind(&self.route, &content);
        let bound = bound.inspect_err(|Denial { drift, .. }| {
            // a wish that counts as drift uses its proof up
            drift.as_ref().map(|drift| memory.replay.insert(drift.replay_entry(), now));
        })?;
        let receipt = memory.replay.insert(bound.replay_entry(), now).map_err(Rejection::from)?;
        let spent = bound.charges().spend(&*memory.budgets, now).map_err(Rejection::from)?;
        Ok(bound.admit(receipt, spent)?)
    }

    fn policy(&self, now: UnixTime) -> NoncePolicy<'_> {
        let Some(source) = &self.nonces else { return NoncePolicy::Off };
        let policy = match &self.setting.nonces {
            NonceSetting::Off => NoncePolicy::Off,
            NonceSetting::Adds(_) => NoncePolicy::adds(source),
            NonceSetting::Required(_) => NoncePolicy::required(source),
            NonceSetting::ReplacesClock(_) => NoncePolicy::replaces_clock(source),
        };
        match self.setting.nonces.keys().and_then(|keys| keys.started) {
            Some(started) => {
                let rule = RestartRule::new(UnixTime::from_secs(started), self.setting.proof_window());
                policy.after_start(rule, now)
            }
            None => policy,
        }
    }
}
