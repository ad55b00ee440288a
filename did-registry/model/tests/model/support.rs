//! A registry shell in miniature: loads records, lets the model decide, commits or meets a conflict. All in memory.

use std::collections::{BTreeMap, BTreeSet};

use handfast_audit_log::{Leaf, MAX_STATEMENT_BYTES, Opening};
use handfast_delegation::{Authority, Environment, ResourceId, Scope};
use handfast_identity::{DidKey, Handle, RandomSource, Seconds, SigningKey, UnixTime};
use handfast_registry_model::*;

pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const ECHO: &str = "https://echo.example";
pub(crate) const FILES: &str = "https://files.example";
pub(crate) const START: u64 = 1_790_000_000;

pub(crate) fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

pub(crate) fn resource(text: &str) -> ResourceId {
    ResourceId::parse(text).unwrap()
}

pub(crate) fn handle(text: &str) -> Handle {
    Handle::parse(text).unwrap()
}

pub(crate) fn at(seconds: u64) -> UnixTime {
    UnixTime::from_secs(START + seconds)
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_ed25519_seed(&[seed; 32])
}

pub(crate) fn policy() -> RegistryPolicy {
    let known = |id, scopes| KnownResource { id: resource(id), scopes: scope(scopes), applies_details: id == FILES };
    let resources = vec![known(ECHO, "echo:hello echo:read"), known(FILES, "files:read files:write")];
    RegistryPolicy::new(ISSUER, resource(ISSUER), resources, &scope("echo:hello")).unwrap()
}

pub(crate) fn ceiling(scopes: &str, resources: &[&str]) -> Ceiling {
    let authority = plain_authority(scope(scopes), resources.iter().map(|id| resource(id)).collect()).unwrap();
    ceiling_of(authority, DelegationMode::Exchange, vec![])
}

pub(crate) fn ceiling_of(authority: Authority, delegation: DelegationMode, delegates: Vec<DidKey>) -> Ceiling {
    Ceiling::new(authority, Seconds::new(7200), delegation, delegates).unwrap()
}

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }
}

impl RandomSource for Random {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            *byte = self.0.to_be_bytes()[3];
        }
    }
}

/// Somebody was faster: the commit changed nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Conflict(pub(crate) Slot);

struct Kept {
    version: u64,
    bytes: Vec<u8>,
    leaf: u64,
}

pub(crate) struct World {
    records: BTreeMap<Slot, Kept>,
    pub(crate) log: Vec<(Leaf, Opening)>,
    pub(crate) feed: Vec<FeedEntry>,
    pub(crate) policy: RegistryPolicy,
    pub(crate) code_key: CodeKey,
    pub(crate) random: Random,
    pub(crate) now: UnixTime,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            records: BTreeMap::new(),
            log: Vec::new(),
            feed: Vec::new(),
            policy: policy(),
            code_key: CodeKey::from_bytes(&[9; 32]),
            random: Random::new(seed),
            now: at(0),
        }
    }

    pub(crate) fn pass(&mut self, seconds: u64) {
        self.now = self.now.saturating_add(Seconds::new(seconds));
    }

    pub(crate) fn load<T: Stored>(&self, slot: &Slot) -> Option<Loaded<T>> {
        assert_eq!(slot.kind(), T::KIND);
        let stored = self.records.get(slot)?;
        Some(Loaded { record: T::from_bytes(&stored.bytes).unwrap(), version: stored.version })
    }

    pub(crate) fn count(&self) -> usize {
        self.records.len()
    }

    /// Everything the store holds, to see that a refusal wrote nothing.
    pub(crate) fn snapshot(&self) -> (Vec<(Slot, u64)>, usize, usize) {
        let records = self.records.iter().map(|(slot, stored)| (slot.clone(), stored.version)).collect();
        (records, self.log.len(), self.feed.len())
    }

    fn version(&self, slot: &Slot) -> Option<u64> {
        self.records.get(slot).map(|stored| stored.version)
    }

    pub(crate) fn commit(&mut self, change: &Change) -> Result<u64, Conflict> {
        let mut written = BTreeSet::new();
        for write in &change.writes {
            let (slot, expected, writes) = match write {
                Write::Put { expect: Expect::Absent, record } => (record.slot(), None, true),
                Write::Put { expect: Expect::Version(version), record } => (record.slot(), Some(*version), true),
                Write::Delete { slot, version } => (slot.clone(), Some(*version), true),
                Write::Keep { slot, version } => (slot.clone(), Some(*version), false),
            };
            assert!(slot.key().len() <= 256, "{slot:?}");
            assert!(!writes || written.insert(slot.clone()), "{slot:?} is written twice");
            if self.version(&slot) != expected {
                return Err(Conflict(slot));
            }
        }
        let leaf = u64::try_from(self.log.len()).unwrap();
        for write in &change.writes {
            match write {
                Write::Put { record, .. } => {
                    let version = self.version(&record.slot()).map_or(1, |version| version + 1);
                    let bytes = record.to_bytes().unwrap();
                    self.records.insert(record.slot(), Kept { version, bytes, leaf });
                }
                Write::Delete { slot, .. } => drop(self.records.remove(slot)),
                Write::Keep { .. } => {}
            }
        }
        let event = &change.event;
        let statement = event.statement().unwrap();
        assert!(statement.len() <= MAX_STATEMENT_BYTES);
        let opening = Opening::new(statement, &mut self.random).unwrap();
        let entry = Leaf::new(event.fact.kind(), event.when, event.did.clone(), opening.commitment()).unwrap();
        self.log.push((entry, opening));
        self.feed.extend(change.feed.iter().cloned());
        Ok(leaf)
    }

    // ---- what a shell does around each decision ----

    pub(crate) fn agent_of(&self, did: &DidKey) -> Option<Loaded<AgentRecord>> {
        match self.load::<DidRecord>(&Slot::did(did))?.record.holder() {
            DidHolder::Agent(id) => {
                let Loaded { record, version } = self.load::<AgentRecord>(&Slot::agent(id))?;
                let keys: Vec<_> = self.keys_of(id).into_iter().map(|key| key.record).collect();
                Some(Loaded { record: record.with_history(&keys), version })
            }
            DidHolder::Owner(_) => None,
        }
    }

    /// The records of an agent's keys, in their order.
    pub(crate) fn keys_of(&self, agent: &AgentId) -> Vec<Loaded<KeyRecord>> {
        (1..).map_while(|number| self.load(&Slot::key_of(agent, number))).collect()
    }

    pub(crate) fn did_slot(&self, did: &DidKey) -> DidSlot {
        let entry = self.load::<DidRecord>(&Slot::did(did));
        let agent = self.agent_of(did);
        let handle = agent.as_ref().and_then(|agent| self.load(&Slot::handle(agent.record.handle())));
        let revocation = self.load::<RevocationRecord>(&Slot::revocation(FeedKind::Key, did.as_str()));
        DidSlot { entry, agent, handle, is_compromised: revocation.is_some() }
    }

    pub(crate) fn handle_slot(&self, handle: &Handle) -> HandleSlot {
        let entry = self.load::<HandleRecord>(&Slot::handle(handle));
        let holder = entry.as_ref().and_then(|entry| self.load(&Slot::agent(entry.record.agent())));
        HandleSlot { handle: handle.clone(), entry, holder }
    }

    pub(crate) fn statement(&self, key: &SigningKey) -> AgentRegistration {
        let did = key.public().did();
        let text = |text: &str| ShownText::parse(text).unwrap();
        AgentRegistration {
            audience: ISSUER.into(),
            issued_at: self.now,
            proof_id: format!("{}-{}", did.fragment(), self.now),
            profile: Profile {
                name: ShownText::parse("invoice bot").unwrap(),
                version: ShownText::parse("1.2.3").unwrap(),
                purpose: text("pays invoices"),
                environment: Environment::Test,
            },
            requested: plain_authority(scope("echo:read"), vec![resource(ECHO)]).unwrap(),
            expected_owner: None,
            enrolment: None,
        }
    }

    pub(crate) fn verified(&self, registration: &AgentRegistration, key: &SigningKey) -> VerifiedAgentRegistration {
        let text = registration.sign(key).unwrap();
        UnverifiedAgentRegistration::parse(&text).unwrap().verify(&self.policy, self.now).unwrap()
    }

    pub(crate) fn register_as(&mut self, key: &SigningKey, name: &Handle) -> Result<RegisteredAgent, Refusal> {
        let statement = self.verified(&self.statement(key), key);
        self.register(&statement, name)
    }

    pub(crate) fn register(
        &mut self,
        statement: &VerifiedAgentRegistration,
        name: &Handle,
    ) -> Result<RegisteredAgent, Refusal> {
        let (did, name) = (self.did_slot(statement.did()), self.handle_slot(name));
        let done = register_agent(statement, &did, &name, &self.code_key, self.now, &mut self.random)?;
        self.commit(&done.change).unwrap();
        Ok(done)
    }

    pub(crate) fn agent(&mut self, seed: u8) -> RegisteredAgent {
        let name = Handle::generate(&mut self.random);
        self.register_as(&key(seed), &name).unwrap()
    }

    pub(crate) fn owner_as(&mut self, seed: u8, role: Role) -> OwnerRecord {
        let request = OwnerCodeRequest { role, name: Some(ShownText::parse("Ada").unwrap()) };
        let (change, code) = make_owner_code(CodeMaker::Operator, request, self.now, &mut self.random).unwrap();
        self.commit(&change).unwrap();
        self.enrol(seed, code).unwrap()
    }

    pub(crate) fn owner_statement(&self, seed: u8, code: OwnerCode) -> VerifiedOwnerRegistration {
        let statement =
            OwnerRegistration { audience: ISSUER.into(), issued_at: self.now, proof_id: format!("o{seed}"), code };
        let text = statement.sign(&key(seed)).unwrap();
        UnverifiedOwnerRegistration::parse(&text).unwrap().verify(&self.policy, self.now).unwrap()
    }

    pub(crate) fn enrol(&mut self, seed: u8, code: OwnerCode) -> Result<OwnerRecord, Refusal> {
        let statement = self.owner_statement(seed, code);
        let code = self.load(&statement.code_slot());
        let did = self.did_slot(statement.did());
        let (change, owner) = register_owner(&statement, code.as_ref(), &did, self.now, &mut self.random)?;
        self.commit(&change).unwrap();
        Ok(owner)
    }

    pub(crate) fn owner(&mut self, seed: u8) -> OwnerRecord {
        self.owner_as(seed, Role::Owner)
    }

    /// Decides an approval without committing it.
    pub(crate) fn decide_approval(
        &self,
        claim: &ClaimId,
        owner: &OwnerRecord,
        request: &ApproveRequest,
    ) -> Result<Attempt<Approval>, Refusal> {
        let claim = self.load::<ClaimRecord>(&Slot::claim(claim));
        let agent = claim.as_ref().and_then(|claim| self.load::<AgentRecord>(&Slot::agent(claim.record.agent())));
        let own = agent.as_ref().and_then(|agent| self.load(&Slot::handle(agent.record.handle())));
        let chosen = request.handle.as_ref().map(|handle| self.handle_slot(handle));
        let case = ClaimCase { claim: claim.as_ref(), agent: agent.as_ref() };
        let handles = ApprovalHandles { chosen: chosen.as_ref(), own: own.as_ref() };
        approve(case, owner, request, handles, &self.policy, &self.code_key, self.now)
    }

    /// Decides and commits: `Ok(None)` for the confirm stage, `Ok(Some)` once CLAIMED.
    pub(crate) fn approve(
        &mut self,
        claim: &ClaimId,
        owner: &OwnerRecord,
        request: &ApproveRequest,
    ) -> Result<Option<ConfirmView>, Refusal> {
        match self.decide_approval(claim, owner, request)? {
            Attempt::Wrong { change, refusal } => {
                self.commit(&change).unwrap();
                Err(refusal)
            }
            Attempt::Right(Approval::Confirm { change, view }) => {
                self.commit(&change).unwrap();
                Ok(Some(*view))
            }
            Attempt::Right(Approval::Stale) => panic!("nobody commits between two loads here"),
            Attempt::Right(Approval::Claimed { change, .. }) => {
                self.commit(&change).unwrap();
                Ok(None)
            }
        }
    }

    /// Both steps, with the echo ceiling and the generated handle.
    pub(crate) fn claim(&mut self, agent: &RegisteredAgent, owner: &OwnerRecord) {
        self.claim_with(agent, owner, &ceiling("echo:read", &[ECHO]), None);
    }

    pub(crate) fn claim_with(
        &mut self,
        agent: &RegisteredAgent,
        owner: &OwnerRecord,
        ceiling: &Ceiling,
        handle: Option<Handle>,
    ) {
        let code = agent.claim.code.expose();
        let first = approval(code, ceiling, handle.clone(), None);
        let view = self.approve(&agent.claim.id, owner, &first).unwrap().unwrap();
        let second = approval(code, ceiling, handle, Some(view.fingerprint));
        assert_eq!(self.approve(&agent.claim.id, owner, &second), Ok(None));
    }

    pub(crate) fn refuse(&mut self, claim: &ClaimId, owner: &OwnerRecord, code: &str) -> Result<(), Refusal> {
        let claim = self.load::<ClaimRecord>(&Slot::claim(claim));
        let agent = claim.as_ref().and_then(|claim| self.load::<AgentRecord>(&Slot::agent(claim.record.agent())));
        let case = ClaimCase { claim: claim.as_ref(), agent: agent.as_ref() };
        let request = RefuseRequest { code: PresentedCode::new(code) };
        match refuse_claim(case, owner, &request, &self.code_key, self.now)? {
            Attempt::Right(change) => self.commit(&change).map(|_| ()).map_err(|_| Refusal::Overloaded),
            Attempt::Wrong { change, refusal } => {
                self.commit(&change).unwrap();
                Err(refusal)
            }
        }
    }

    pub(crate) fn new_code(&mut self, did: &DidKey) -> Result<IssuedClaim, Refusal> {
        let agent = self.agent_of(did);
        let present = agent.as_ref().and_then(|agent| agent.record.claim()).map(Slot::claim);
        let present = present.and_then(|slot| self.load::<ClaimRecord>(&slot));
        let (change, claim) =
            new_claim_code(agent.as_ref(), present.as_ref(), &self.code_key, self.now, &mut self.random)?;
        self.commit(&change).unwrap();
        Ok(claim)
    }

    pub(crate) fn poll(&self, claim: &ClaimId, key: &SigningKey) -> Result<ClaimView, Refusal> {
        let claim = self.load::<ClaimRecord>(&Slot::claim(claim));
        let agent = claim.as_ref().and_then(|claim| self.load::<AgentRecord>(&Slot::agent(claim.record.agent())));
        let owner = agent.as_ref().and_then(|agent| agent.record.owner()).map(Slot::owner);
        let owner = owner.and_then(|slot| self.load::<OwnerRecord>(&slot)).map(|owner| owner.record);
        let case = ClaimCase { claim: claim.as_ref(), agent: agent.as_ref() };
        poll_claim(case, owner.as_ref(), &key.public().thumbprint(), self.now)
    }

    pub(crate) fn revoke(&mut self, owner: &OwnerRecord, scopes: &str, did: &DidKey) -> Result<bool, Refusal> {
        let agent = self.agent_of(did);
        let scopes = scope(scopes);
        match revoke_agent(
            caller(owner, &scopes),
            agent.as_ref(),
            self.pending(agent.as_ref()).as_ref(),
            None,
            self.now,
        )? {
            Outcome::Changed(change) => self.commit(&change).map(|_| true).map_err(|_| Refusal::Overloaded),
            Outcome::Unchanged => Ok(false),
        }
    }

    /// Revokes a task; whether it was news, and the answer.
    pub(crate) fn revoke_task(
        &mut self,
        who: Caller<'_>,
        id: &TaskId,
        why: Option<&str>,
    ) -> Result<(bool, RevocationRecord), Refusal> {
        let task = self.task(id);
        let agent = task.as_ref().and_then(|task| self.load::<AgentRecord>(&Slot::agent(task.record.agent())));
        let self_tasks = agent.as_ref().and_then(|agent| self.load(&Slot::self_tasks(agent.record.id())));
        let before = self.load::<RevocationRecord>(&Slot::revocation(FeedKind::Task, id.as_str()));
        let case = TaskToStop {
            task: task.as_ref(),
            agent: agent.as_ref().map(|agent| &agent.record),
            self_tasks: self_tasks.as_ref(),
            before: before.as_ref().map(|before| &before.record),
        };
        let stopped = revoke_task(who, case, why.map(|why| ShownText::parse(why).unwrap()), self.now)?;
        Ok(self.stop(stopped))
    }

    pub(crate) fn stop(&mut self, stopped: Stopped) -> (bool, RevocationRecord) {
        match stopped {
            Stopped::Now { change, record } => {
                self.commit(&change).unwrap();
                (true, record)
            }
            Stopped::Before(record) => (false, record),
        }
    }

    pub(crate) fn task(&self, id: &TaskId) -> Option<Loaded<TaskRecord>> {
        let leaf = self.records.get(&Slot::task(id))?.leaf;
        self.load::<TaskRecord>(&Slot::task(id))
            .map(|task| Loaded { record: task.record.with_leaf(Some(leaf)), version: task.version })
    }

    /// A token request by `key` for its own DID, decided; a new task is committed.
    pub(crate) fn token(&mut self, key: &SigningKey, form: &[(&str, &str)]) -> Result<TokenGrant, Refusal> {
        match self.decide_token(key, form)? {
            TokenDecision::Ready(grant) => Ok(*grant),
            TokenDecision::NewTask { change, pending } => {
                let leaf = self.commit(&change).unwrap();
                Ok(pending.with_leaf(leaf))
            }
        }
    }

    pub(crate) fn decide_token(&mut self, key: &SigningKey, form: &[(&str, &str)]) -> Result<TokenDecision, Refusal> {
        let did = key.public().did();
        let base = [("grant_type", "client_credentials"), ("client_id", did.as_str())];
        let request = TokenRequest::from_form(base.into_iter().chain(form.iter().copied()))?;
        let agent = self.agent_of(request.client()).ok_or(Refusal::InvalidClient)?;
        let self_tasks = self.load::<SelfTasks>(&Slot::self_tasks(agent.record.id()));
        let wanted = request.wanted_task(self_tasks.as_ref().map(|list| &list.record)).cloned();
        let task = wanted.and_then(|id| self.task(&id)).map(|task| task.record);
        let client = AgentClient { agent: &agent, self_tasks: self_tasks.as_ref(), task: task.as_ref() };
        agent_token(client, &did.thumbprint(), &request, &self.policy, self.now, &mut self.random)
    }
}

pub(crate) fn caller<'a>(owner: &'a OwnerRecord, scopes: &'a Scope) -> Caller<'a> {
    Caller::owner(Some(owner), owner.id().as_str(), owner.did().as_str(), scopes).unwrap()
}

pub(crate) fn approval(
    code: &str,
    ceiling: &Ceiling,
    handle: Option<Handle>,
    confirm: Option<String>,
) -> ApproveRequest {
    ApproveRequest { code: PresentedCode::new(code), handle, ceiling: ceiling.clone(), confirm }
}

/// A code that is well-formed and not `code`.
pub(crate) fn wrong(code: &str) -> String {
    code.chars().map(|c| if c == 'B' { 'C' } else { 'B' }).collect()
}
