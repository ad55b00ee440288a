//! Root tokens that may be passed on, exchanges, and what the records say of everybody in a chain.

use crate::support::*;
use handfast_delegation::{
    AccessToken, Authority, Budget, ChainError, Hop, Tools, UnverifiedAccessToken, UnverifiedChain,
    VerifiedAccessToken, VerifiedChain, Widening,
};
use handfast_identity::{ContentHash, DidKey, Seconds, SigningKey, UnixTime};
use handfast_registry_model::*;
use serde_json::json;

const ROOT: u8 = 1;
const PLANNER: u8 = 2;
const BROWSER: u8 = 3;
const OWNER: u8 = 10;

fn did(seed: u8) -> DidKey {
    key(seed).public().did()
}

fn tools(root: &str) -> Tools {
    let path = json!({"constraint_type": "path_containment", "root": root});
    Tools::from_details(&json!([{"type": "attenuating_agent_token", "tools": {"read": {"path": path}}}])).unwrap()
}

fn details(root: &str) -> String {
    tools(root).to_details().to_string()
}

/// Everything of both resources, to be passed on over two hops.
fn wide() -> Authority {
    let resources = vec![resource(ECHO), resource(FILES)];
    Authority { max_depth: 2, ..plain_authority(scope("echo:read files:read files:write"), resources).unwrap() }
}

/// A world with an owner and three of their agents, the first of which has this ceiling.
struct Scene {
    world: World,
    owner: OwnerRecord,
}

impl Scene {
    fn new() -> Self {
        Self::with(wide(), DelegationMode::Exchange, vec![])
    }

    fn with(authority: Authority, mode: DelegationMode, delegates: Vec<DidKey>) -> Self {
        Self::under(&ceiling_of(authority, mode, delegates))
    }

    fn under(ceiling: &Ceiling) -> Self {
        let mut world = World::new(77);
        let owner = world.owner(OWNER);
        let agent = world.agent(ROOT);
        world.claim_with(&agent, &owner, ceiling, None);
        for seed in [PLANNER, BROWSER] {
            let agent = world.agent(seed);
            world.claim(&agent, &owner);
        }
        Self { world, owner }
    }

    fn token(&mut self, form: &[(&str, &str)]) -> Result<AccessToken, Refusal> {
        self.world.token(&key(ROOT), form).map(|grant| grant.token().clone())
    }

    fn root(&mut self) -> VerifiedAccessToken {
        signed(&self.token(&[("resource", FILES)]).unwrap())
    }

    /// The evidence of a chain from the root's agent through these keys, each hop passing everything on.
    fn chain(&self, root: &VerifiedAccessToken, seeds: &[u8], change: impl Fn(&mut Hop)) -> VerifiedChain {
        let (mut parent, mut authority, mut from) = (root.name(), root.claims().authority.clone(), ROOT);
        let mut texts = Vec::new();
        for (depth, seed) in (1..).zip(seeds) {
            let mut hop = Hop {
                delegator: did(from).text(),
                delegate: did(*seed),
                subject: root.claims().subject.clone(),
                task: root.claims().task.as_ref().unwrap().id.clone(),
                authority,
                issued_at: root.claims().issued_at,
                not_before: None,
                hop_id: format!("hop-{depth}").into(),
                depth,
                is_instance: false,
                parent,
            };
            change(&mut hop);
            let text = hop.sign(&key(from)).unwrap();
            parent = ContentHash::of(text.rsplit_once('.').unwrap().0.as_bytes());
            (authority, from) = (hop.authority, *seed);
            texts.push(text);
        }
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        UnverifiedChain::parse(&texts).unwrap().verify(root, 8).unwrap()
    }

    fn holder(&self, did: &str) -> Holder {
        match DidKey::parse(did).ok().and_then(|did| self.world.load::<DidRecord>(&Slot::did(&did))) {
            None => Holder::Nobody,
            Some(entry) => match entry.record.holder() {
                DidHolder::Agent(id) => Holder::Agent(Box::new(self.world.load(&Slot::agent(id)).unwrap())),
                DidHolder::Owner(_) => Holder::Owner,
            },
        }
    }

    fn case(&self, root: &VerifiedAccessToken, chain: Option<&VerifiedChain>) -> ExchangeCase {
        let task = TaskId::parse(&root.claims().task.as_ref().unwrap().id).unwrap();
        let links = || chain.into_iter().flat_map(VerifiedChain::links);
        let last = chain.and_then(|chain| self.world.load::<HopRecord>(&Slot::hop(&chain.leaf().name)));
        let places = self.world.places(last.and_then(|hop| hop.record.place()));
        ExchangeCase {
            agent: self.holder(&root.claims().client_id),
            task: self.world.task(&task),
            delegates: links().map(|link| self.holder(link.hop.delegate.as_str())).collect(),
            known: links().map(|link| self.world.load(&Slot::hop(&link.name))).collect(),
            tree: self.world.load(&Slot::tree(&task)),
            places,
        }
    }

    fn decide(
        &mut self,
        root: &VerifiedAccessToken,
        chain: &VerifiedChain,
        seed: u8,
        form: &[(&str, &str)],
    ) -> Result<ExchangeDecision, Refusal> {
        let case = self.case(root, Some(chain));
        self.judge(root, chain, &case, seed, form)
    }

    fn judge(
        &mut self,
        root: &VerifiedAccessToken,
        chain: &VerifiedChain,
        case: &ExchangeCase,
        seed: u8,
        form: &[(&str, &str)],
    ) -> Result<ExchangeDecision, Refusal> {
        let request = request(seed, true, form)?;
        let wanted = Exchange { request: &request, prover: &key(seed).public().thumbprint(), root };
        let World { policy, now, random, .. } = &mut self.world;
        exchange(wanted, chain, ContentHash::of(b"evidence"), case, policy, *now, random)
    }

    /// Decides and commits.
    fn exchange(
        &mut self,
        root: &VerifiedAccessToken,
        chain: &VerifiedChain,
        seed: u8,
    ) -> Result<AccessToken, Refusal> {
        match self.decide(root, chain, seed, &[])? {
            ExchangeDecision::Ready(grant) => Ok(grant.token().clone()),
            ExchangeDecision::NewPlace { writes, grant } => {
                self.world.write(&writes).unwrap();
                Ok(grant.token().clone())
            }
            ExchangeDecision::NewHops { change, grant } => {
                self.world.commit(&change).unwrap();
                Ok(grant.token().clone())
            }
        }
    }

    /// Whatever is refused writes nothing; it is not even a change.
    fn refused(&mut self, root: &VerifiedAccessToken, seeds: &[u8], seed: u8, expected: impl Into<Refusal>) {
        let chain = self.chain(root, seeds, |_| {});
        assert_eq!(self.decide(root, &chain, seed, &[]), Err(expected.into()), "{seeds:?} by {seed}");
    }

    fn narrower(
        &mut self,
        root: &VerifiedAccessToken,
        seed: u8,
        form: &[(&str, &str)],
    ) -> Result<AccessToken, Refusal> {
        let case = self.case(root, None);
        self.narrower_in(&case, root, seed, form)
    }

    fn narrower_in(
        &mut self,
        case: &ExchangeCase,
        root: &VerifiedAccessToken,
        seed: u8,
        form: &[(&str, &str)],
    ) -> Result<AccessToken, Refusal> {
        let request = request(seed, false, form)?;
        let wanted = Exchange { request: &request, prover: &key(seed).public().thumbprint(), root };
        let World { policy, now, random, .. } = &mut self.world;
        narrower_root(wanted, case, policy, *now, random).map(|grant| grant.token().clone())
    }

    fn revoke(&mut self, seed: u8) {
        let owner = self.owner.clone();
        assert_eq!(self.world.revoke(&owner, "owner:self", &did(seed)), Ok(true));
    }
}

fn issuer() -> SigningKey {
    key(200)
}

fn signed(token: &AccessToken) -> VerifiedAccessToken {
    let text = token.sign("kid", &issuer()).unwrap();
    UnverifiedAccessToken::parse(&text).unwrap().verify(issuer().public()).unwrap()
}

fn request(seed: u8, has_hop: bool, form: &[(&str, &str)]) -> Result<ExchangeRequest, Refusal> {
    let (client, prefix) = (did(seed), "urn:ietf:params:oauth:token-type:");
    let (access_token, jwt) = (format!("{prefix}access_token"), format!("{prefix}jwt"));
    let mut base = vec![
        ("grant_type", TOKEN_EXCHANGE),
        ("client_id", client.as_str()),
        ("subject_token", "x"),
        ("subject_token_type", &access_token),
    ];
    if has_hop {
        base.extend([("actor_token", "x"), ("actor_token_type", &jwt)]);
    }
    ExchangeRequest::from_form(base.into_iter().chain(form.iter().copied()))
}

fn ends(token: &AccessToken, issued_at: UnixTime) -> Seconds {
    token.authority.expires_at.since(issued_at)
}

// ---- root tokens ----

#[test]
fn a_root_is_passed_on_as_far_as_the_ceiling_says() {
    use DelegationMode as M;
    for (mode, ceiling, asked, expected) in [
        (M::Exchange, 0, None, Ok((0, false))),
        (M::Exchange, 2, None, Ok((2, false))),
        (M::Exchange, 8, None, Ok((8, false))),
        (M::Offline, 2, None, Ok((2, true))),
        (M::Offline, 0, None, Ok((0, false))),
        (M::None, 2, None, Ok((0, false))),
        (M::Offline, 2, Some("1"), Ok((1, true))),
        (M::Offline, 2, Some("0"), Ok((0, false))),
        (M::Exchange, 2, Some("2"), Ok((2, false))),
        (M::Exchange, 2, Some("3"), Err(Refusal::Widened(Widening::Depth))),
        (M::None, 2, Some("1"), Err(Refusal::Widened(Widening::Depth))),
    ] {
        let mut scene = Scene::with(Authority { max_depth: ceiling, ..wide() }, mode, vec![]);
        let mut form = vec![("resource", FILES)];
        form.extend(asked.map(|depth| ("del_max_depth", depth)));
        let token = scene.token(&form);
        let said = token.as_ref().map(|token| (token.authority.max_depth, token.delegability.unwrap().offline));
        assert_eq!(said, expected.as_ref().map(|said| *said), "{mode:?} {ceiling} {asked:?}");
        // delegable ones live longer
        let lives = |(depth, _)| Seconds::new(if depth > 0 { 900 } else { 300 });
        let now = scene.world.now;
        assert_eq!(token.ok().map(|token| ends(&token, now)), expected.ok().map(lives));
    }
}

#[test]
fn a_delegable_root_never_outlives_its_task() {
    let mut scene = Scene::new();
    let now = scene.world.now;
    for (seconds, expected) in [("600", 600), ("900", 900), ("901", 900)] {
        let token = scene.token(&[("resource", FILES), ("task_seconds", seconds)]).unwrap();
        assert_eq!(ends(&token, now), Seconds::new(expected));
    }
    scene.world.policy = policy().with_delegable_lifetime(Seconds::new(3600)).unwrap();
    assert_eq!(ends(&scene.token(&[("resource", FILES)]).unwrap(), now), Seconds::new(3600));
}

#[test]
fn several_resources_are_for_passing_on_and_each_scope_is_for_one() {
    let both = [("resource", ECHO), ("resource", FILES)];
    let mut scene = Scene::new();
    let token = scene.token(&both).unwrap();
    assert_eq!(token.authority.resources, [resource(ECHO), resource(FILES)].into());
    assert_eq!(token.authority.scope, scope("echo:read files:read files:write"));
    let with = |more: &'static [(&str, &str)]| [&both[..], more].concat();
    assert!(scene.token(&with(&[("scope", "echo:read files:read")])).is_ok());
    let too_much = scene.token(&with(&[("scope", "echo:read echo:hello")]));
    assert_eq!(too_much, Err(Refusal::InvalidScope { excess: scope("echo:hello") }));
    assert_eq!(scene.token(&with(&[("del_max_depth", "0")])), Err(Refusal::InvalidTarget));
    for wrong in [[("resource", ECHO), ("resource", ECHO)], [("resource", ECHO), ("resource", ISSUER)]] {
        assert_eq!(scene.token(&wrong), Err(Refusal::InvalidTarget));
    }
    let mut plain = Scene::with(Authority { max_depth: 0, ..wide() }, DelegationMode::Exchange, vec![]);
    assert_eq!(plain.token(&both), Err(Refusal::InvalidTarget));
    // RES-08: a scope that both know could be meant for either
    let known = |id: &str, scopes| KnownResource { id: resource(id), scopes: scope(scopes), applies_details: false };
    let resources = vec![known(ECHO, "echo:read both"), known(FILES, "files:read both")];
    let authority = plain_authority(scope("echo:read files:read both"), vec![resource(ECHO), resource(FILES)]).unwrap();
    let mut scene = Scene::new();
    scene.world.policy = RegistryPolicy::new(ISSUER, resource(ISSUER), resources, &scope("")).unwrap();
    let agent = scene.world.agent(4);
    let ceiling = ceiling_of(Authority { max_depth: 1, ..authority }, DelegationMode::Exchange, vec![]);
    scene.world.claim_with(&agent, &scene.owner.clone(), &ceiling, None);
    let ambiguous = scene.world.token(&key(4), &both).map(|_| ());
    assert_eq!(ambiguous, Err(Refusal::InvalidScope { excess: scope("both") }));
    assert!(scene.world.token(&key(4), &with(&[("scope", "echo:read files:read")])).is_ok());
    assert!(scene.world.token(&key(4), &[("resource", ECHO), ("scope", "both")]).is_ok());
}

#[test]
fn tools_and_budgets_are_given_where_they_are_applied() {
    let budget = Budget::new(Some(9), None).unwrap();
    let limited = Authority { tools: Some(tools("/a")), budget: Some(budget), ..wide() };
    let mut scene = Scene::with(limited, DelegationMode::Exchange, vec![]);
    let token = scene.token(&[("resource", FILES)]).unwrap();
    assert_eq!((token.authority.tools, token.authority.budget), (Some(tools("/a")), Some(budget)));
    assert_eq!(scene.token(&[("resource", ECHO)]), Err(Refusal::InvalidTarget));
    assert_eq!(scene.token(&[("resource", ECHO), ("resource", FILES)]), Err(Refusal::InvalidTarget));
    // at the registry nothing of it counts, and nothing is passed on
    let own = scene.token(&[("scope", "agent:self")]).unwrap();
    assert_eq!((own.authority.tools, own.authority.budget, own.authority.max_depth), (None, None, 0));
    assert_eq!(scene.token(&[("scope", "agent:self"), ("del_max_depth", "1")]), Err(Refusal::Widened(Widening::Depth)));
    let narrow = details("/a/b");
    assert_eq!(
        scene.token(&[("scope", "agent:self"), ("authorization_details", &narrow)]),
        Err(Refusal::InvalidTarget)
    );
    let token = scene.token(&[("resource", FILES), ("authorization_details", &narrow)]).unwrap();
    assert_eq!(token.authority.tools, Some(tools("/a/b")));
    let wider = scene.token(&[("resource", FILES), ("authorization_details", &details("/"))]).unwrap_err();
    assert!(matches!(&wider, Refusal::Widened(Widening::Tools(Some(_)))), "{wider:?}");
    assert_eq!(
        wider.answer().excess.as_deref(),
        Some("argument `path` of tool `read` has a constraint that does not narrow the parent's")
    );
    let only_budget = Authority { budget: Some(budget), ..wide() };
    let mut scene = Scene::with(only_budget, DelegationMode::Exchange, vec![]);
    assert_eq!(scene.token(&[("resource", ECHO)]), Err(Refusal::InvalidTarget));
    // an agent may bind itself where its ceiling does not
    let mut scene = Scene::new();
    assert!(scene.token(&[("resource", FILES), ("authorization_details", &details("/"))]).is_ok());
    assert_eq!(
        scene.token(&[("resource", ECHO), ("authorization_details", &details("/"))]),
        Err(Refusal::InvalidTarget)
    );
}

#[test]
fn what_the_owner_confirms_includes_tools_budget_and_depth() {
    let mut world = World::new(5);
    let (agent, owner) = (world.agent(1), world.owner(OWNER));
    let code = agent.claim.code.expose().to_owned();
    let mut step = |ceiling: &Ceiling, confirm: Option<String>| {
        world.approve(&agent.claim.id, &owner, &approval(&code, ceiling, None, confirm)).unwrap()
    };
    let of = |authority| ceiling_of(authority, DelegationMode::Exchange, vec![]);
    let uses = |count| Some(Budget::new(Some(count), None).unwrap());
    let shown = Authority { tools: Some(tools("/a")), budget: uses(5), ..wide() };
    let words = step(&of(shown.clone()), None).unwrap().fingerprint;
    for other in [
        of(Authority { tools: Some(tools("/")), ..shown.clone() }),
        of(Authority { tools: None, ..shown.clone() }),
        of(Authority { budget: uses(6), ..shown.clone() }),
        of(Authority { budget: None, ..shown.clone() }),
        of(Authority { max_depth: 3, ..shown.clone() }),
        of(shown.clone()).with_instances(true),
    ] {
        assert!(step(&other, Some(words.clone())).is_some(), "it is shown anew");
        step(&of(shown.clone()), None);
    }
    assert_eq!(step(&of(shown), Some(words)), None);
}

// ---- exchange ----

#[test]
fn an_exchanged_token_says_what_the_chain_does() {
    let mut scene = Scene::new();
    let root = scene.root();
    let chain = scene.chain(&root, &[PLANNER, BROWSER], |hop| hop.authority.max_depth = 2);
    let token = scene.exchange(&root, &chain, BROWSER).unwrap();
    let actors: Vec<_> = token.actors.as_ref().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(actors, [BROWSER, PLANNER, ROOT].map(|seed| did(seed).to_string()));
    assert_eq!((token.client_id.as_str(), &token.subject), (did(BROWSER).as_str(), &root.claims().subject));
    assert_eq!(token.confirmation, Some(did(BROWSER).thumbprint()));
    assert_eq!((&token.task, token.environment), (&root.claims().task, root.claims().environment));
    let claimed = token.chain.as_ref().unwrap();
    assert!(claimed.hops.iter().eq(chain.links().map(|link| &link.name)));
    assert_eq!((&claimed.root_token_id, claimed.hash), (&root.claims().token_id, ContentHash::of(b"evidence")));
    let delegability = token.delegability.unwrap();
    assert_eq!((delegability.depth, delegability.offline, token.authority.max_depth), (2, false, 2));
    assert_eq!(token.authority.narrows(&chain.leaf().hop.authority), Ok(()));
    assert_eq!(ends(&token, scene.world.now), Seconds::new(300));
    let (leaf, _) = scene.world.log.last().unwrap();
    assert_eq!(leaf.kind(), "delegated");
    // once known, nothing is written
    assert!(matches!(scene.decide(&root, &chain, BROWSER, &[]), Ok(ExchangeDecision::Ready(_))));
    let first = scene.chain(&root, &[PLANNER], |hop| hop.authority.max_depth = 2);
    assert!(matches!(scene.decide(&root, &first, PLANNER, &[]), Ok(ExchangeDecision::NewPlace { .. })));
}

#[test]
fn tokens_of_chains_end_with_the_first_of_root_hop_and_registry() {
    // TX-12
    let mut scene = Scene::new();
    let root = scene.root();
    let short = scene.chain(&root, &[PLANNER], |hop| {
        hop.authority.expires_at = hop.issued_at.saturating_add(Seconds::new(100));
    });
    let whole = scene.chain(&root, &[PLANNER], |_| {});
    assert_eq!(ends(&scene.exchange(&root, &short, PLANNER).unwrap(), scene.world.now), Seconds::new(100));
    scene.world.pass(100);
    assert_eq!(scene.decide(&root, &short, PLANNER, &[]), Err(ChainError::Expired.into()));
    assert_eq!(ends(&scene.exchange(&root, &whole, PLANNER).unwrap(), scene.world.now), Seconds::new(300));
    scene.world.pass(799);
    assert_eq!(ends(&scene.exchange(&root, &whole, PLANNER).unwrap(), scene.world.now), Seconds::new(1));
    scene.world.pass(1);
    assert_eq!(scene.decide(&root, &whole, PLANNER, &[]), Err(ChainError::Expired.into()));
}

#[test]
fn the_client_is_the_last_delegate_and_nobody_else() {
    // DEL-36
    let mut scene = Scene::new();
    let root = scene.root();
    for seed in [ROOT, BROWSER, OWNER, 99] {
        scene.refused(&root, &[PLANNER], seed, DelegationFault::HolderMismatch);
    }
    scene.refused(&root, &[PLANNER, BROWSER], PLANNER, DelegationFault::HolderMismatch);
    // the name of one and the key of another
    let chain = scene.chain(&root, &[PLANNER], |_| {});
    let case = scene.case(&root, Some(&chain));
    for (name, prover) in [(PLANNER, BROWSER), (BROWSER, PLANNER)] {
        let request = request(name, true, &[]).unwrap();
        let wanted = Exchange { request: &request, prover: &key(prover).public().thumbprint(), root: &root };
        let World { policy, now, random, .. } = &mut scene.world;
        let decided = exchange(wanted, &chain, ContentHash::of(b""), &case, policy, *now, random);
        assert_eq!(decided, Err(DelegationFault::HolderMismatch.into()));
    }
}

#[test]
fn delegates_are_the_owners_listed_or_instances() {
    let listed = 5;
    let ceiling = ceiling_of(wide(), DelegationMode::Exchange, vec![did(listed), did(7), did(OWNER)]);
    let mut scene = Scene::under(&ceiling.with_instances(true));
    let stranger_owner = scene.world.owner(11);
    for seed in [4, listed] {
        let agent = scene.world.agent(seed);
        scene.world.claim(&agent, &stranger_owner);
    }
    scene.world.agent(6);
    let root = scene.root();
    let not_permitted = || Err(Refusal::from(DelegationFault::DelegateNotPermitted));
    for (seeds, is_instance, expected) in [
        (&[PLANNER][..], false, Ok(())),
        (&[listed], false, Ok(())),
        (&[4], false, not_permitted()),
        (&[4], true, not_permitted()),  // has a record, so it is no instance
        (&[6], false, not_permitted()), // UNCLAIMED, and nobody's
        (&[OWNER], false, not_permitted()),
        (&[OWNER], true, not_permitted()),
        (&[99], true, Ok(())),
        (&[7], true, Ok(())),
        (&[99], false, Err(Refusal::InvalidClient)),
        (&[7], false, Err(Refusal::InvalidClient)), // listed, and unknown as a client
        (&[7, PLANNER], false, Ok(())),
        (&[99, PLANNER], false, not_permitted()),
        (&[4, PLANNER], false, not_permitted()),
        (&[PLANNER, 4], false, not_permitted()),
    ] {
        let chain = scene.chain(&root, seeds, |hop| hop.is_instance = is_instance);
        let decided = scene.decide(&root, &chain, *seeds.last().unwrap(), &[]).map(|_| ());
        assert_eq!(decided, expected, "{seeds:?} {is_instance}");
    }
    // an UNCLAIMED agent nobody used is as if it were not there
    scene.world.pass(30 * 24 * 3600);
    let root = scene.root();
    scene.refused(&root, &[6], 6, Refusal::InvalidClient);
}

#[test]
fn instances_take_the_ceilings_leave() {
    for (instances, expected) in [(true, Ok(())), (false, Err(Refusal::from(DelegationFault::DelegateNotPermitted)))] {
        let ceiling = ceiling_of(wide(), DelegationMode::Exchange, vec![did(7)]).with_instances(instances);
        let mut scene = Scene::under(&ceiling);
        let root = scene.root();
        // unknown, listed and unknown, of the same owner, and below one of the same owner
        for seeds in [&[99][..], &[7], &[PLANNER], &[PLANNER, 99]] {
            let last = *seeds.last().unwrap();
            let chain = scene.chain(&root, seeds, |hop| hop.is_instance = hop.delegate == did(last));
            let decided = scene.decide(&root, &chain, last, &[]).map(|_| ());
            assert_eq!(decided, expected, "{seeds:?} {instances}");
        }
        // nothing else changes by it
        let chain = scene.chain(&root, &[PLANNER, BROWSER], |_| {});
        assert!(scene.decide(&root, &chain, BROWSER, &[]).is_ok());
    }
}

#[test]
fn nobody_in_the_chain_is_revoked_or_under_another_key() {
    for seed in [ROOT, PLANNER, BROWSER] {
        let mut scene = Scene::new();
        let root = scene.root();
        let chain = scene.chain(&root, &[PLANNER, BROWSER], |_| {});
        let Ok(ExchangeDecision::NewHops { change, .. }) = scene.decide(&root, &chain, BROWSER, &[]) else {
            panic!("the hops are new");
        };
        scene.revoke(seed);
        scene.refused(&root, &[PLANNER, BROWSER], BROWSER, DelegationFault::AgentRevoked);
        // at once: what was decided before is not committed after
        let id = match scene.holder(did(seed).as_str()) {
            Holder::Agent(agent) => agent.record.id().clone(),
            _ => panic!("no agent"),
        };
        assert_eq!(scene.world.commit(&change), Err(Conflict(Slot::agent(&id))));
    }
    // a DID that is not one of the agent's
    for (seed, place) in [(ROOT, 0), (PLANNER, 1)] {
        let mut scene = Scene::new();
        let root = scene.root();
        let chain = scene.chain(&root, &[PLANNER], |_| {});
        let mut case = scene.case(&root, Some(&chain));
        let holder = if place == 0 { &mut case.agent } else { &mut case.delegates[0] };
        let Holder::Agent(agent) = holder else { panic!("no agent") };
        let text = String::from_utf8(agent.record.to_bytes().unwrap()).unwrap();
        let rotated = text.replace(did(seed).as_str(), did(80).as_str());
        agent.record = AgentRecord::from_bytes(rotated.as_bytes()).unwrap();
        let decided = scene.judge(&root, &chain, &case, PLANNER, &[]);
        assert_eq!(decided, Err(DelegationFault::KeyRotatedOut.into()), "{seed}");
    }
}

#[test]
fn a_former_key_passed_on_what_it_had_and_gets_nothing() {
    // DEL-40: what it signed before it was replaced is good; when that was, the feed says
    for (seed, expected) in [(ROOT, Ok(())), (PLANNER, Ok(())), (BROWSER, Err(DelegationFault::KeyRotatedOut.into()))] {
        let mut scene = Scene::new();
        let root = scene.root();
        let chain = scene.chain(&root, &[PLANNER, BROWSER], |_| {});
        let mut case = scene.case(&root, Some(&chain));
        let holder = match seed {
            ROOT => &mut case.agent,
            PLANNER => &mut case.delegates[0],
            _ => &mut case.delegates[1],
        };
        let Holder::Agent(agent) = holder else { panic!("no agent") };
        let keys = [KeyRecord::registered(&agent.record, ContentHash::of(b"registration"))];
        let text = String::from_utf8(agent.record.to_bytes().unwrap()).unwrap();
        let rotated = text.replace(did(seed).as_str(), did(80).as_str());
        let rotated = rotated.replace("\"life\"", "\"key_number\":2,\"life\"");
        let bare = AgentRecord::from_bytes(rotated.as_bytes()).unwrap();
        agent.record = bare.clone().with_history(&keys);
        let decided = scene.judge(&root, &chain, &case, BROWSER, &[]).map(|_| ());
        assert_eq!(decided, expected, "{seed}");
        // a record without its history says nothing about a former DID
        if let Holder::Agent(agent) = match seed {
            ROOT => &mut case.agent,
            PLANNER => &mut case.delegates[0],
            _ => &mut case.delegates[1],
        } {
            agent.record = bare;
        }
        let decided = scene.judge(&root, &chain, &case, BROWSER, &[]).map(|_| ());
        assert_eq!(decided, Err(Refusal::StoreUnavailable), "{seed}");
    }
}

#[test]
fn the_root_stands_on_its_agent_and_its_task() {
    let mut scene = Scene::new();
    let root = scene.root();
    let chain = scene.chain(&root, &[PLANNER], |_| {});
    let good = scene.case(&root, Some(&chain));
    let other_task = scene.token(&[("resource", FILES), ("task_intent", "x")]).unwrap().task.unwrap().id;
    let other_task = scene.world.task(&TaskId::parse(&other_task).unwrap());
    let ended = || Refusal::from(DelegationFault::TaskEnded);
    let untrusted = || Refusal::from(ChainError::UntrustedRoot);
    let unclaimed = scene.world.agent(4);
    let claimed_by_another = scene.holder(did(PLANNER).as_str());
    for (case, expected) in [
        (ExchangeCase { task: None, ..good.clone() }, ended()),
        (ExchangeCase { task: other_task, ..good.clone() }, ended()),
        (ExchangeCase { agent: Holder::Nobody, ..good.clone() }, untrusted()),
        (ExchangeCase { agent: Holder::Owner, ..good.clone() }, untrusted()),
        (
            ExchangeCase { agent: scene.holder(unclaimed.agent.did().as_str()), ..good.clone() },
            DelegationFault::KeyRotatedOut.into(),
        ),
        (ExchangeCase { agent: claimed_by_another, ..good.clone() }, DelegationFault::KeyRotatedOut.into()),
        // records loaded for another chain
        (ExchangeCase { delegates: vec![], ..good.clone() }, Refusal::StoreUnavailable),
        (ExchangeCase { known: vec![], ..good.clone() }, Refusal::StoreUnavailable),
    ] {
        assert_eq!(scene.judge(&root, &chain, &case, PLANNER, &[]), Err(expected));
    }
    assert!(scene.judge(&root, &chain, &good, PLANNER, &[]).is_ok());
    // of another owner than the record says
    let mut foreign = good.clone();
    let Holder::Agent(agent) = &mut foreign.agent else { panic!("no agent") };
    let text = String::from_utf8(agent.record.to_bytes().unwrap()).unwrap();
    let other = scene.world.owner(11);
    agent.record =
        AgentRecord::from_bytes(text.replace(scene.owner.id().as_str(), other.id().as_str()).as_bytes()).unwrap();
    assert_eq!(scene.judge(&root, &chain, &foreign, PLANNER, &[]), Err(untrusted()));
    // a task of the same id that is another agent's, or another owner's
    let task = good.task.clone().unwrap();
    let text = String::from_utf8(task.record.to_bytes().unwrap()).unwrap();
    let Holder::Agent(agent) = &good.agent else { panic!("no agent") };
    let Holder::Agent(planner) = scene.holder(did(PLANNER).as_str()) else { panic!("no agent") };
    let owner = scene.owner.id().as_str().to_owned();
    for (from, to) in
        [(agent.record.id().as_str(), planner.record.id().as_str()), (owner.as_str(), other.id().as_str())]
    {
        assert!(text.contains(from), "{text}");
        let record = TaskRecord::from_bytes(text.replace(from, to).as_bytes()).unwrap();
        let case = ExchangeCase { task: Some(Loaded { record, ..task.clone() }), ..good.clone() };
        assert_eq!(scene.judge(&root, &chain, &case, PLANNER, &[]), Err(ended()));
    }
    // lowered since
    let mut lowered = good.clone();
    let Holder::Agent(agent) = &mut lowered.agent else { panic!("no agent") };
    let text = String::from_utf8(agent.record.to_bytes().unwrap()).unwrap();
    for (from, to) in [("\"del_max_depth\":2,", ""), ("\"exchange\"", "\"none\"")] {
        let mut changed = lowered.clone();
        let Holder::Agent(agent) = &mut changed.agent else { panic!("no agent") };
        assert!(text.contains(from), "{text}");
        agent.record = AgentRecord::from_bytes(text.replace(from, to).as_bytes()).unwrap();
        assert_eq!(
            scene.judge(&root, &chain, &changed, PLANNER, &[]),
            Err(DelegationFault::NotPermitted.into()),
            "{from}"
        );
    }
    // past the task's end
    scene.world.pass(3600);
    assert_eq!(scene.judge(&root, &chain, &good, PLANNER, &[]), Err(ended()));
}

#[test]
fn a_chain_is_decided_below_its_own_root_alone() {
    let mut scene = Scene::new();
    // of the same agent, owner, task and resources, by name another
    let (root, other) = (scene.root(), scene.root());
    assert_eq!(root.claims().task, other.claims().task);
    let chain = scene.chain(&root, &[PLANNER, BROWSER], |_| {});
    assert_eq!(scene.decide(&other, &chain, BROWSER, &[]), Err(Refusal::StoreUnavailable));
    assert!(scene.decide(&root, &chain, BROWSER, &[]).is_ok());
}

#[test]
fn delegates_are_of_the_roots_environment() {
    let mut scene = Scene::new();
    let root = scene.root();
    let chain = scene.chain(&root, &[PLANNER, BROWSER], |_| {});
    for place in [0, 1] {
        let mut case = scene.case(&root, Some(&chain));
        let Holder::Agent(agent) = &mut case.delegates[place] else { panic!("no agent") };
        let text = String::from_utf8(agent.record.to_bytes().unwrap()).unwrap();
        agent.record = AgentRecord::from_bytes(text.replace("\"test\"", "\"prod\"").as_bytes()).unwrap();
        let decided = scene.judge(&root, &chain, &case, BROWSER, &[]);
        assert_eq!(decided, Err(DelegationFault::EnvironmentMismatch.into()));
    }
}

#[test]
fn less_may_be_asked_for_and_more_is_refused() {
    let mut scene = Scene::new();
    let root = signed(&scene.token(&[("resource", ECHO), ("resource", FILES)]).unwrap());
    let chain = scene.chain(&root, &[PLANNER], |hop| hop.authority.scope = scope("echo:read files:read"));
    let mut ask = |form: &[(&str, &str)]| {
        scene.decide(&root, &chain, PLANNER, form).map(|decision| match decision {
            ExchangeDecision::Ready(grant)
            | ExchangeDecision::NewPlace { grant, .. }
            | ExchangeDecision::NewHops { grant, .. } => {
                (grant.token().authority.resources.len(), grant.token().authority.scope.to_string())
            }
        })
    };
    assert_eq!(ask(&[]), Ok((2, "echo:read files:read".into())));
    assert_eq!(ask(&[("resource", FILES), ("scope", "files:read")]), Ok((1, "files:read".into())));
    let too_much = Refusal::InvalidScope { excess: scope("files:write") };
    assert_eq!(ask(&[("scope", "files:read files:write")]), Err(too_much));
    assert_eq!(ask(&[("resource", ISSUER)]), Err(Refusal::InvalidTarget));
    assert_eq!(ask(&[("resource", FILES), ("resource", FILES)]), Err(Refusal::InvalidTarget));
    assert_eq!(ask(&[("del_max_depth", "3")]), Err(Refusal::Widened(Widening::Depth)));
    assert_eq!(ask(&[("authorization_details", &details("/"))]), Err(Refusal::InvalidTarget));
    assert!(ask(&[("resource", FILES), ("authorization_details", &details("/"))]).is_ok());
}

#[test]
fn a_task_holds_so_many_hops() {
    let mut scene = Scene::new();
    let root = scene.root();
    let chain = scene.chain(&root, &[PLANNER, BROWSER], |_| {});
    let first = scene.chain(&root, &[PLANNER], |_| {});
    scene.exchange(&root, &first, PLANNER).unwrap();
    let full = |scene: &Scene, hops: u16| {
        let mut case = scene.case(&root, Some(&chain));
        let tree = case.tree.as_mut().unwrap();
        let text = String::from_utf8(tree.record.to_bytes().unwrap()).unwrap();
        let more = text.replace("\"hops\":1", &format!("\"hops\":{hops}"));
        tree.record = TreeRecord::from_bytes(more.as_bytes()).unwrap();
        case
    };
    // one of the two is known
    let case = full(&scene, 4095);
    assert!(scene.judge(&root, &chain, &case, BROWSER, &[]).is_ok());
    let case = full(&scene, 4096);
    assert_eq!(scene.judge(&root, &chain, &case, BROWSER, &[]), Err(DelegationFault::TooMany.into()));
    let case = ExchangeCase { known: vec![None, None], ..full(&scene, 4095) };
    assert_eq!(scene.judge(&root, &chain, &case, BROWSER, &[]), Err(DelegationFault::TooMany.into()));
    let case = ExchangeCase { tree: full(&scene, 4096).tree, ..scene.case(&root, Some(&first)) };
    assert!(matches!(scene.judge(&root, &first, &case, PLANNER, &[]), Ok(ExchangeDecision::Ready(_))));
}

#[test]
fn a_hop_that_no_record_holds_is_too_long() {
    let mut scene = Scene::new();
    let root = scene.root();
    let long = |count: usize| {
        let tools: serde_json::Map<_, _> = (0..count).map(|n| (format!("{n}{}", "x".repeat(200)), json!({}))).collect();
        Tools::from_details(&json!([{"type": "attenuating_agent_token", "tools": tools}])).unwrap()
    };
    for (count, expected) in [(7, Ok(())), (8, Err(Refusal::from(ChainError::TooLong)))] {
        let chain = scene.chain(&root, &[PLANNER], |hop| hop.authority.tools = Some(long(count)));
        assert_eq!(scene.decide(&root, &chain, PLANNER, &[]).map(|_| ()), expected, "{count}");
    }
}

#[test]
fn the_end_of_a_task_and_an_exchange_at_once_do_not_both_happen() {
    let mut scene = Scene::new();
    let root = scene.root();
    let chain = scene.chain(&root, &[PLANNER], |_| {});
    let Ok(ExchangeDecision::NewHops { change, .. }) = scene.decide(&root, &chain, PLANNER, &[]) else {
        panic!("the hop is new");
    };
    let task = TaskId::parse(&root.claims().task.as_ref().unwrap().id).unwrap();
    let (owner, scopes) = (scene.owner.clone(), scope("owner:self"));
    let (loaded, Holder::Agent(agent)) = (scene.world.task(&task), scene.holder(did(ROOT).as_str())) else {
        panic!("no agent");
    };
    let done = complete_task(caller(&owner, &scopes), loaded.as_ref(), Some(&agent.record), None, scene.world.now);
    let Ok(Outcome::Changed(done)) = done else { panic!("it was open") };
    scene.world.commit(&done).unwrap();
    assert_eq!(scene.world.commit(&change), Err(Conflict(Slot::task(&task))));
}

#[test]
fn nothing_is_exchanged_in_a_revoked_task_and_not_at_the_same_time() {
    let mut scene = Scene::new();
    let root = scene.root();
    let chain = scene.chain(&root, &[PLANNER], |_| {});
    let Ok(ExchangeDecision::NewHops { change, .. }) = scene.decide(&root, &chain, PLANNER, &[]) else {
        panic!("the hop is new");
    };
    let task = TaskId::parse(&root.claims().task.as_ref().unwrap().id).unwrap();
    let (owner, scopes) = (scene.owner.clone(), scope("owner:self"));
    scene.world.revoke_task(caller(&owner, &scopes), &task, None).unwrap();
    assert_eq!(scene.world.commit(&change), Err(Conflict(Slot::task(&task))));
    let revoked = Refusal::from(DelegationFault::TaskRevoked);
    assert_eq!(scene.decide(&root, &chain, PLANNER, &[]), Err(revoked.clone()));
    assert_eq!(scene.narrower(&root, ROOT, &[]), Err(revoked));
}

// ---- narrower roots ----

#[test]
fn a_narrower_root_is_the_holders_and_less() {
    let mut scene = Scene::with(wide(), DelegationMode::Offline, vec![]);
    let root = signed(&scene.token(&[("resource", ECHO), ("resource", FILES)]).unwrap());
    let token = scene.narrower(&root, ROOT, &[("resource", FILES), ("scope", "files:read")]).unwrap();
    let (before, now) = (root.claims(), scene.world.now);
    assert_eq!((&token.client_id, &token.actors, &token.task), (&before.client_id, &before.actors, &before.task));
    assert_eq!((&token.subject, token.confirmation, &token.chain), (&before.subject, before.confirmation, &None));
    assert_ne!(token.token_id, before.token_id);
    assert_eq!(token.authority.narrows(&before.authority), Ok(()));
    assert!(token.delegability.unwrap().offline);
    for seed in [PLANNER, OWNER, 99] {
        assert_eq!(scene.narrower(&root, seed, &[]), Err(DelegationFault::HolderMismatch.into()));
    }
    assert_eq!(scene.narrower(&root, ROOT, &[("del_max_depth", "0")]), Err(Refusal::InvalidTarget)); // RES-08
    let plain = scene.narrower(&root, ROOT, &[("del_max_depth", "0"), ("resource", FILES)]).unwrap();
    assert_eq!((plain.delegability.unwrap().offline, ends(&plain, now)), (false, Seconds::new(300)));
    assert_eq!(
        scene.narrower(&root, ROOT, &[("scope", "echo:hello")]),
        Err(Refusal::InvalidScope { excess: scope("echo:hello") })
    );
    // an UNCLAIMED agent holds its own
    scene.world.agent(4);
    let own = signed(scene.world.token(&key(4), &[("resource", ECHO)]).unwrap().token());
    assert!(scene.narrower(&own, 4, &[]).is_ok());
    scene.revoke(ROOT);
    assert_eq!(scene.narrower(&root, ROOT, &[]), Err(DelegationFault::AgentRevoked.into()));
}

/// The record as it would be had this been said of its ceiling.
fn with_ceiling(case: &ExchangeCase, from: &str, to: &str) -> ExchangeCase {
    let mut changed = case.clone();
    let Holder::Agent(agent) = &mut changed.agent else { panic!("no agent") };
    let text = String::from_utf8(agent.record.to_bytes().unwrap()).unwrap();
    assert!(text.contains(from), "{text}");
    agent.record = AgentRecord::from_bytes(text.replace(from, to).as_bytes()).unwrap();
    changed
}

#[test]
fn a_narrower_root_is_within_the_ceiling_of_now_and_the_root_of_then() {
    for (mode, from, to, expected) in [
        (DelegationMode::Offline, "\"offline\"", "\"offline\"", (2, true)),
        // lowered since
        (DelegationMode::Offline, "\"del_max_depth\":2", "\"del_max_depth\":1", (1, true)),
        (DelegationMode::Offline, "\"offline\"", "\"exchange\"", (2, false)),
        (DelegationMode::Offline, "\"offline\"", "\"none\"", (0, false)),
        // raised since
        (DelegationMode::Exchange, "\"exchange\"", "\"offline\"", (2, false)),
        (DelegationMode::Exchange, "\"del_max_depth\":2", "\"del_max_depth\":4", (2, false)),
    ] {
        let mut scene = Scene::with(wide(), mode, vec![]);
        let root = scene.root();
        let case = with_ceiling(&scene.case(&root, None), from, to);
        let token = scene.narrower_in(&case, &root, ROOT, &[]).unwrap();
        assert_eq!((token.authority.max_depth, token.delegability.unwrap().offline), expected, "{from} {to}");
    }
}

#[test]
fn a_narrower_root_has_tools_where_they_are_applied() {
    let mut scene = Scene::new();
    let root = signed(&scene.token(&[("resource", ECHO), ("resource", FILES)]).unwrap());
    let mut ask = |resource, scope, details: &str| {
        let form = [("resource", resource), ("scope", scope), ("authorization_details", details)];
        scene.narrower(&root, ROOT, &form).map(|token| token.authority.tools)
    };
    assert_eq!(ask(FILES, "files:read", &details("/")), Ok(Some(tools("/"))));
    assert_eq!(ask(ECHO, "echo:read", &details("/")), Err(Refusal::InvalidTarget));
    assert_eq!(ask(ECHO, "echo:read", ""), Ok(None));
}

#[test]
fn every_delegation_has_a_place_that_all_behind_it_stop() {
    let mut scene = Scene::new();
    let root = scene.root();
    let place = |token: &AccessToken| StatusPlace::of_reference(token.status.as_ref().unwrap(), ISSUER).unwrap();
    let entry = |scene: &Scene, place| scene.world.load::<PlaceRecord>(&Slot::place(place)).unwrap().record;
    let chain = scene.chain(&root, &[PLANNER, BROWSER], |_| {});
    let browser = place(&scene.exchange(&root, &chain, BROWSER).unwrap());
    assert_ne!(browser, place(root.claims()));
    let stops = entry(&scene, browser);
    let names: Vec<_> = chain.links().map(|link| (FeedKind::Hop, link.name.to_string())).collect();
    let all: Vec<_> = stops.names().collect();
    assert!(names.iter().all(|name| all.contains(name)));
    assert!(all.contains(&(FeedKind::Token, root.claims().token_id.to_string())));
    let dids = [ROOT, PLANNER, BROWSER].map(did);
    assert_eq!((stops.agents(), stops.begun()), (&dids[..], root.claims().issued_at));
    // again is the same place, and writes nothing
    let before = scene.world.snapshot();
    assert_eq!(place(&scene.exchange(&root, &chain, BROWSER).unwrap()), browser);
    assert_eq!(scene.world.snapshot(), before);
    // the hop on the way has a place from its own first exchange on
    let first = scene.chain(&root, &[PLANNER], |_| {});
    let log = scene.world.log.len();
    let planner = place(&scene.exchange(&root, &first, PLANNER).unwrap());
    assert_ne!(planner, browser);
    assert_eq!((entry(&scene, planner).agents().len(), scene.world.log.len()), (2, log), "no event");
    assert_eq!(place(&scene.exchange(&root, &first, PLANNER).unwrap()), planner);
    // one that is no good any more is left
    scene.world.bad_places = true;
    assert!(![planner, browser].contains(&place(&scene.exchange(&root, &chain, BROWSER).unwrap())));
}
