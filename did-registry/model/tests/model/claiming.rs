//! Claiming and the agent's life: every state against every event, and each refusal beside its benign twin.

use crate::support::*;
use handfast_identity::{Seconds, fingerprint};
use handfast_registry_model::*;

/// A world with one agent (seed 1), two owners and an admin.
struct Scene {
    world: World,
    agent: RegisteredAgent,
    me: OwnerRecord,
    other: OwnerRecord,
    admin: OwnerRecord,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new(42);
        let agent = world.agent(1);
        let (me, other) = (world.owner(10), world.owner(11));
        let admin = world.owner_as(12, Role::Admin);
        Self { world, agent, me, other, admin }
    }

    fn code(&self) -> String {
        self.agent.claim.code.expose().to_owned()
    }

    fn words(&self) -> String {
        fingerprint(self.agent.agent.did())
    }

    fn first(&mut self, owner: &OwnerRecord, code: &str) -> Result<Option<ConfirmView>, Refusal> {
        let request = approval(code, &ceiling("echo:read", &[ECHO]), None, None);
        self.world.approve(&self.agent.claim.id, owner, &request)
    }

    fn second(&mut self, owner: &OwnerRecord) -> Result<Option<ConfirmView>, Refusal> {
        let request = approval(&self.code(), &ceiling("echo:read", &[ECHO]), None, Some(self.words()));
        self.world.approve(&self.agent.claim.id, owner, &request)
    }

    fn claim_by(&mut self, owner: &OwnerRecord) {
        let code = self.code();
        self.first(owner, &code).unwrap();
        assert_eq!(self.second(owner), Ok(None));
    }

    fn wrong_tries(&mut self, owner: &OwnerRecord, count: usize) {
        let code = wrong(&self.code());
        for _ in 0..count {
            assert_eq!(self.first(owner, &code), Err(Refusal::WrongCode));
        }
    }

    fn record(&self) -> AgentRecord {
        self.world.agent_of(self.agent.agent.did()).unwrap().record
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Fresh,
    IConfirm,
    OtherConfirms,
    CodeExpired,
    CodeVoid,
    ILocked,
    Replaced,
    Refused,
    Mine,
    Others,
    RevokedUnclaimed,
    RevokedClaimed,
    AgentExpired,
}

fn scene(state: State) -> Scene {
    let mut s = Scene::new();
    let (me, other, admin, code) = (s.me.clone(), s.other.clone(), s.admin.clone(), s.code());
    let did = s.agent.agent.did().clone();
    match state {
        State::Fresh => {}
        State::IConfirm => drop(s.first(&me, &code).unwrap()),
        State::OtherConfirms => drop(s.first(&other, &code).unwrap()),
        State::CodeExpired => s.world.pass(900),
        State::CodeVoid => {
            for seed in 20..30 {
                let owner = s.world.owner(seed);
                s.wrong_tries(&owner, 5);
            }
        }
        State::ILocked => s.wrong_tries(&me, 5),
        State::Replaced => drop(s.world.new_code(&did).unwrap()),
        State::Refused => s.world.refuse(&s.agent.claim.id.clone(), &other, &code).unwrap(),
        State::Mine => s.claim_by(&me),
        State::Others => s.claim_by(&other),
        State::RevokedUnclaimed => assert_eq!(s.world.revoke(&admin, "registry:admin", &did), Ok(true)),
        State::RevokedClaimed => {
            s.claim_by(&me);
            assert_eq!(s.world.revoke(&me, "owner:self", &did), Ok(true));
        }
        State::AgentExpired => s.world.pass(30 * 24 * 3600),
    }
    s
}

fn said<T>(result: Result<T, Refusal>, good: impl Fn(T) -> &'static str) -> &'static str {
    result.map_or_else(|refusal| refusal.answer().reason, good)
}

fn step(view: Option<ConfirmView>) -> &'static str {
    view.map_or("CLAIMED", |_| "confirm")
}

/// What each event answers in `state`: code, wrong code, words, refusing, new code, poll, token, revoke by me, by admin.
fn answers(state: State) -> [&'static str; 9] {
    let s = || scene(state);
    let run = |event: &dyn Fn(&mut Scene) -> &'static str| event(&mut s());
    [
        run(&|s| said(s.first(&s.me.clone(), &s.code()), step)),
        run(&|s| said(s.first(&s.me.clone(), &wrong(&s.code())), step)),
        run(&|s| said(s.second(&s.me.clone()), step)),
        run(&|s| said(s.world.refuse(&s.agent.claim.id.clone(), &s.me.clone(), &s.code()), |()| "refused")),
        run(&|s| said(s.world.new_code(&s.agent.agent.did().clone()), |_| "new")),
        run(&|s| said(s.world.poll(&s.agent.claim.id, &key(1)), |view| view.status.as_str())),
        run(&|s| said(s.world.token(&key(1), &[]), |_| "token")),
        run(&|s| said(s.world.revoke(&s.me.clone(), "owner:self", &s.agent.agent.did().clone()), revoked)),
        run(&|s| said(s.world.revoke(&s.admin.clone(), "registry:admin", &s.agent.agent.did().clone()), revoked)),
    ]
}

fn revoked(changed: bool) -> &'static str {
    if changed { "REVOKED" } else { "unchanged" }
}

#[test]
#[rustfmt::skip] // a table
fn every_state_answers_every_event() {
    use State as S;
    //                          code             wrong code       words              refuse           new code           poll             token             revoke: owner    admin
    let table = [
        (S::Fresh,            ["confirm",        "wrong_code",    "confirm",         "refused",       "new",             "pending",       "token",          "forbidden",     "REVOKED"]),
        (S::IConfirm,         ["confirm",        "wrong_code",    "CLAIMED",         "refused",       "new",             "pending",       "token",          "forbidden",     "REVOKED"]),
        (S::OtherConfirms,    ["confirm",        "wrong_code",    "confirm",         "refused",       "new",             "pending",       "token",          "forbidden",     "REVOKED"]),
        (S::CodeExpired,      ["code_expired",   "code_expired",  "code_expired",    "code_expired",  "new",             "expired",       "token",          "forbidden",     "REVOKED"]),
        (S::CodeVoid,         ["code_void",      "code_void",     "code_void",       "code_void",     "new",             "expired",       "token",          "forbidden",     "REVOKED"]),
        (S::ILocked,          ["slow_down",      "slow_down",     "slow_down",       "slow_down",     "new",             "pending",       "token",          "forbidden",     "REVOKED"]),
        (S::Replaced,         ["unknown_claim",  "unknown_claim", "unknown_claim",   "unknown_claim", "slow_down",       "unknown_claim",     "token",          "forbidden",     "REVOKED"]),
        (S::Refused,          ["code_used",      "code_used",     "code_used",       "code_used",     "new",             "refused",       "token",          "forbidden",     "REVOKED"]),
        (S::Mine,             ["code_used",      "code_used",     "code_used",       "code_used",     "already_claimed", "claimed",       "token",          "REVOKED",       "REVOKED"]),
        (S::Others,           ["code_used",      "code_used",     "already_claimed", "code_used",     "already_claimed", "claimed",       "token",          "forbidden",     "REVOKED"]),
        (S::RevokedUnclaimed, ["agent_revoked",  "agent_revoked", "agent_revoked",   "agent_revoked", "agent_revoked",   "agent_revoked", "agent_revoked",  "forbidden",     "unchanged"]),
        (S::RevokedClaimed,   ["agent_revoked",  "agent_revoked", "agent_revoked",   "agent_revoked", "agent_revoked",   "agent_revoked", "agent_revoked",  "unchanged",     "unchanged"]),
        (S::AgentExpired,     ["unknown_claim",  "unknown_claim", "unknown_claim",   "unknown_claim", "unknown_agent",   "unknown_claim", "invalid_client", "unknown_agent", "unknown_agent"]),
    ];
    for (state, expected) in table {
        assert_eq!(answers(state), expected, "{state:?}");
    }
}

#[test]
fn a_refusal_writes_nothing_but_the_count_of_a_wrong_code() {
    for state in
        [State::CodeExpired, State::CodeVoid, State::ILocked, State::Refused, State::Mine, State::RevokedClaimed]
    {
        let mut s = scene(state);
        let before = s.world.snapshot();
        let _ = (s.first(&s.me.clone(), &s.code()), s.second(&s.me.clone()));
        assert_eq!(s.world.snapshot(), before, "{state:?}");
    }
    let mut s = scene(State::Fresh);
    let log = s.world.log.len();
    s.wrong_tries(&s.me.clone(), 1);
    assert_eq!(s.world.log.len(), log + 1);
    assert_eq!(s.world.log.last().unwrap().0.kind(), "claim_code_wrong");
}

#[test]
fn the_owner_is_shown_whom_he_answers_for() {
    let mut s = scene(State::Fresh);
    let view = s.first(&s.me.clone(), &s.code()).unwrap().unwrap();
    assert_eq!(view.did, *s.agent.agent.did());
    assert_eq!(view.fingerprint, s.words());
    assert_eq!((view.profile.name.as_str(), view.profile.purpose.as_str()), ("invoice bot", "pays invoices"));
    assert_eq!(view.requested.scope, scope("echo:read"));
    assert_eq!(s.record().status(), Status::Unclaimed);
}

#[test]
fn claiming_sets_owner_ceiling_and_handle() {
    let mut s = scene(State::Mine);
    let record = s.record();
    assert_eq!((record.status(), record.owner()), (Status::Claimed, Some(s.me.id())));
    assert_eq!(record.ceiling(), Some(&ceiling("echo:read", &[ECHO])));
    assert_eq!(record.claimed_at(), Some(s.world.now));
    assert_eq!(record.handle(), s.agent.agent.handle());
    assert!(s.world.load::<HandleRecord>(&Slot::handle(record.handle())).unwrap().record.is_claimed());
    let owned = s.world.load::<OwnedAgent>(&Slot::owned_agent(s.me.id(), record.id())).unwrap();
    assert_eq!(owned.record.agent(), record.id());
    let view = s.world.poll(&s.agent.claim.id, &key(1)).unwrap();
    let (id, name) = view.owner.unwrap();
    assert_eq!((&id, name.unwrap().as_str()), (s.me.id(), "Ada"));
    assert_eq!(view.handle.as_ref(), Some(record.handle()));
    assert!(s.world.feed.is_empty());
    s.world.pass(1);
}

#[test]
fn only_the_agent_polls() {
    let s = scene(State::Mine);
    assert_eq!(s.world.poll(&s.agent.claim.id, &key(2)), Err(Refusal::Forbidden));
    let unknown = ClaimId::parse("claim_0123456789abcdefghjkmnpqrs").unwrap();
    assert_eq!(s.world.poll(&unknown, &key(1)), Err(Refusal::UnknownClaim));
    assert!(s.world.poll(&s.agent.claim.id, &key(1)).is_ok());
}

#[test]
fn the_sixth_wrong_code_of_one_owner_is_slowed_down() {
    // TH58
    let mut s = scene(State::Fresh);
    s.wrong_tries(&s.me.clone(), 5);
    s.world.pass(100);
    let slow = Refusal::SlowDown { retry_after: Seconds::new(800) };
    assert_eq!(s.first(&s.me.clone(), &wrong(&s.code())), Err(slow.clone()));
    assert_eq!(s.first(&s.me.clone(), &s.code()), Err(slow));
    // the code stays good for others
    s.claim_by(&s.other.clone());
}

#[test]
fn four_wrong_codes_do_no_harm() {
    let mut s = scene(State::Fresh);
    s.wrong_tries(&s.me.clone(), 4);
    s.claim_by(&s.me.clone());
}

#[test]
fn wrong_codes_before_and_after_the_confirm_stage_add_up() {
    let mut s = scene(State::Fresh);
    s.wrong_tries(&s.me.clone(), 3);
    s.first(&s.me.clone(), &s.code()).unwrap();
    s.wrong_tries(&s.me.clone(), 2);
    assert!(matches!(s.second(&s.me.clone()), Err(Refusal::SlowDown { .. })));
}

#[test]
fn fifty_wrong_codes_in_all_void_the_code() {
    let mut s = scene(State::Fresh);
    for seed in 20..29 {
        let owner = s.world.owner(seed);
        s.wrong_tries(&owner, 5);
    }
    s.wrong_tries(&s.other.clone(), 4);
    // 49: still good
    s.first(&s.me.clone(), &s.code()).unwrap();
    s.wrong_tries(&s.other.clone(), 1);
    assert_eq!(s.second(&s.me.clone()), Err(Refusal::CodeVoid));
    // a new code is a new claim, and the old one is gone
    let issued = s.world.new_code(&s.agent.agent.did().clone()).unwrap();
    let request = approval(issued.code.expose(), &ceiling("echo:read", &[ECHO]), None, None);
    assert!(matches!(s.world.approve(&issued.id, &s.me.clone(), &request), Ok(Some(_))));
    assert_eq!(s.first(&s.me.clone(), &s.code()), Err(Refusal::UnknownClaim));
}

#[test]
fn p18_an_agent_asks_for_so_many_codes_and_leaves_one_claim() {
    let mut s = scene(State::Fresh);
    let did = s.agent.agent.did().clone();
    let records = s.world.count();
    for number in 0..20 {
        s.world.new_code(&did).unwrap();
        let before = s.world.snapshot();
        let wait = if number == 19 { 3600 - 19 * 5 } else { 5 };
        let slow_down = Refusal::SlowDown { retry_after: Seconds::new(wait) };
        assert_eq!(s.world.new_code(&did).map(|_| ()), Err(slow_down), "after {number}");
        assert_eq!(s.world.snapshot(), before);
        assert_eq!(s.world.count(), records, "the replaced claim is gone");
        s.world.pass(5);
    }
    s.world.pass(3600 - 20 * 5 - 1);
    assert_eq!(s.world.new_code(&did).map(|_| ()), Err(Refusal::SlowDown { retry_after: Seconds::new(1) }));
    s.world.pass(1);
    let issued = s.world.new_code(&did).unwrap();
    let request = approval(issued.code.expose(), &ceiling("echo:read", &[ECHO]), None, None);
    assert!(matches!(s.world.approve(&issued.id, &s.me.clone(), &request), Ok(Some(_))));
}

#[test]
fn a_code_replaced_while_it_is_looked_at_is_void() {
    let mut s = scene(State::Fresh);
    let claim = s.world.load::<ClaimRecord>(&Slot::claim(&s.agent.claim.id)).unwrap();
    s.world.new_code(&s.agent.agent.did().clone()).unwrap();
    let agent = s.world.agent_of(s.agent.agent.did()).unwrap();
    let case = ClaimCase { claim: Some(&claim), agent: Some(&agent) };
    let request = RefuseRequest { code: PresentedCode::new(&s.code()) };
    let refused = refuse_claim(case, &s.me, &request, &s.world.code_key, s.world.now);
    assert_eq!(refused.map(|_| ()).err(), Some(Refusal::CodeVoid));
}

#[test]
fn a_code_is_good_for_its_own_claim_only() {
    let mut s = scene(State::Fresh);
    let second = s.world.agent(2);
    let code = s.code();
    let request = approval(&code, &ceiling("echo:read", &[ECHO]), None, None);
    assert_eq!(s.world.approve(&second.claim.id, &s.me.clone(), &request), Err(Refusal::WrongCode));
    let unknown = ClaimId::parse("claim_0123456789abcdefghjkmnpqrs").unwrap();
    assert_eq!(s.world.approve(&unknown, &s.me.clone(), &request), Err(Refusal::UnknownClaim));
    assert!(s.first(&s.me.clone(), &code).is_ok());
}

#[test]
fn a_code_lives_fifteen_minutes() {
    let mut s = scene(State::Fresh);
    s.world.pass(899);
    s.first(&s.me.clone(), &s.code()).unwrap();
    s.world.pass(1);
    assert_eq!(s.second(&s.me.clone()), Err(Refusal::CodeExpired));
}

#[test]
fn two_owners_confirm_at_once_and_one_gets_through() {
    // TH59, P-13
    let mut s = scene(State::Fresh);
    let (me, other, id) = (s.me.clone(), s.other.clone(), s.agent.claim.id.clone());
    s.first(&me, &s.code()).unwrap();
    s.first(&other, &s.code()).unwrap();
    let request = approval(&s.code(), &ceiling("echo:read", &[ECHO]), None, Some(s.words()));
    // both are decided on the same records; the store lets one through
    let mine = s.world.decide_approval(&id, &me, &request).unwrap();
    let theirs = s.world.decide_approval(&id, &other, &request).unwrap();
    let (
        Attempt::Right(Approval::Claimed { change: mine, .. }),
        Attempt::Right(Approval::Claimed { change: theirs, .. }),
    ) = (mine, theirs)
    else {
        panic!("both were about to claim");
    };
    assert!(s.world.commit(&mine).is_ok());
    assert!(s.world.commit(&theirs).is_err());
    // the other starts over from the load
    assert_eq!(s.world.approve(&id, &other, &request), Err(Refusal::AlreadyClaimed));
    assert_eq!(s.record().owner(), Some(me.id()));
    assert_eq!(Refusal::AlreadyClaimed.answer().status, 409);
}

#[test]
fn claiming_and_revoking_at_once_ends_revoked_or_loses() {
    let mut s = scene(State::IConfirm);
    let request = approval(&s.code(), &ceiling("echo:read", &[ECHO]), None, Some(s.words()));
    let Ok(Attempt::Right(Approval::Claimed { change, .. })) =
        s.world.decide_approval(&s.agent.claim.id, &s.me, &request)
    else {
        panic!("the claim was about to succeed");
    };
    assert_eq!(s.world.revoke(&s.admin.clone(), "registry:admin", &s.agent.agent.did().clone()), Ok(true));
    assert!(s.world.commit(&change).is_err());
    assert_eq!(s.second(&s.me.clone()), Err(Refusal::AgentRevoked));
}

#[test]
fn a_revoked_agent_is_never_claimed() {
    // TH63, P-12
    let mut s = scene(State::RevokedClaimed);
    let before = s.record();
    assert_eq!(s.first(&s.other.clone(), &s.code()), Err(Refusal::AgentRevoked));
    assert_eq!(s.world.new_code(&s.agent.agent.did().clone()).map(|_| ()), Err(Refusal::AgentRevoked));
    assert_eq!(s.record(), before);
    assert_eq!((before.status(), before.owner()), (Status::Revoked, Some(s.me.id())));
}

#[test]
fn revoking_puts_the_did_on_the_feed_once() {
    let mut s = scene(State::RevokedClaimed);
    let did = s.agent.agent.did().clone();
    let entry = FeedEntry { kind: FeedKind::Agent, id: did.to_string(), cut: None, until: None };
    assert_eq!(s.world.feed, core::slice::from_ref(&entry));
    let log = s.world.log.len();
    assert_eq!(s.world.revoke(&s.admin.clone(), "registry:admin", &did), Ok(false));
    assert_eq!((&s.world.feed[..], s.world.log.len()), (&[entry][..], log));
    let event = s.world.log.last().unwrap();
    assert_eq!((event.0.kind(), event.0.did()), ("agent_revoked", Some(&did)));
}

#[test]
fn revoking_is_for_the_owner_and_admins() {
    for (state, by_me, scopes, expected) in [
        (State::Mine, true, "owner:self", Ok(true)),
        (State::Mine, true, "registry:admin", Err(Refusal::Forbidden)),
        (State::Others, true, "owner:self", Err(Refusal::Forbidden)),
        (State::Mine, false, "owner:self registry:read", Err(Refusal::Forbidden)),
        (State::Mine, false, "registry:admin", Ok(true)),
    ] {
        let mut s = scene(state);
        let who = if by_me { s.me.clone() } else { s.admin.clone() };
        assert_eq!(s.world.revoke(&who, scopes, &s.agent.agent.did().clone()), expected, "{state:?} {scopes}");
    }
    let mut s = scene(State::Fresh);
    let unknown = key(99).public().did();
    assert_eq!(s.world.revoke(&s.admin.clone(), "registry:admin", &unknown), Err(Refusal::UnknownAgent));
}

#[test]
fn the_words_must_be_the_fingerprint_and_the_terms_those_shown() {
    let mut s = scene(State::IConfirm);
    let (me, id, code, words) = (s.me.clone(), s.agent.claim.id.clone(), s.code(), s.words());
    let shown = ceiling("echo:read", &[ECHO]);
    let other_words = fingerprint(&key(2).public().did());
    let wrong_words = approval(&code, &shown, None, Some(other_words));
    assert_eq!(s.world.approve(&id, &me, &wrong_words), Err(Refusal::WrongConfirmation));
    // another ceiling or handle than was shown: shown anew instead of claimed
    let wider = approval(&code, &ceiling("echo:read echo:hello", &[ECHO]), None, Some(words.clone()));
    assert!(matches!(s.world.approve(&id, &me, &wider), Ok(Some(_))));
    let renamed = approval(&code, &shown, Some(handle("billing-bot")), Some(words.clone()));
    assert!(matches!(s.world.approve(&id, &me, &renamed), Ok(Some(_))));
    assert_eq!(s.record().status(), Status::Unclaimed);
    assert_eq!(s.world.approve(&id, &me, &renamed), Ok(None));
    assert_eq!(s.record().handle(), &handle("billing-bot"));
}

#[test]
fn nine_owners_at_the_confirm_stage_are_one_too_many() {
    let mut s = scene(State::IConfirm);
    for seed in 20..27 {
        let owner = s.world.owner(seed);
        s.first(&owner, &s.code()).unwrap();
    }
    // I am one of eight; the ninth sends me back to the code, and no further
    let ninth = s.other.clone();
    s.first(&ninth, &s.code()).unwrap();
    assert!(matches!(s.second(&s.me.clone()), Ok(Some(_))));
    assert_eq!(s.second(&s.me.clone()), Ok(None));
}

#[test]
fn an_expected_owner_is_the_only_one() {
    let mut s = scene(State::Fresh);
    let mut registration = s.world.statement(&key(5));
    registration.expected_owner = Some(s.other.id().clone());
    let verified = s.world.verified(&registration, &key(5));
    let agent = s.world.register(&verified, &handle("careful-bot")).unwrap();
    let request = approval(agent.claim.code.expose(), &ceiling("", &[]), None, None);
    assert_eq!(s.world.approve(&agent.claim.id, &s.me.clone(), &request), Err(Refusal::OtherOwnerExpected));
    // without the code nothing is learnt about whom it expects
    let guess = approval(&wrong(agent.claim.code.expose()), &ceiling("", &[]), None, None);
    assert_eq!(s.world.approve(&agent.claim.id, &s.me.clone(), &guess), Err(Refusal::WrongCode));
    s.world.claim(&agent, &s.other.clone());
}

#[test]
fn a_ceiling_is_over_known_resources_and_scopes() {
    let excess = |text: &str| Err(Refusal::InvalidScope { excess: scope(text) });
    for (scopes, resources, expected) in [
        ("echo:read files:read", &[ECHO, FILES][..], Ok(())),
        ("", &[], Ok(())),
        ("echo:read", &[ECHO, "https://foreign.example"], Err(Refusal::InvalidTarget)),
        ("echo:read files:read", &[ECHO], excess("files:read")),
        ("echo:read", &[], excess("echo:read")),
        ("echo:raed", &[ECHO], excess("echo:raed")),
    ] {
        let mut s = scene(State::Fresh);
        let request = approval(&s.code(), &ceiling(scopes, resources), None, None);
        let result = s.world.approve(&s.agent.claim.id.clone(), &s.me.clone(), &request).map(|_| ());
        assert_eq!(result, expected, "{scopes} {resources:?}");
    }
}

#[test]
fn chosen_handles_are_unique_under_their_look() {
    // TH56, P-14
    let mut s = scene(State::Fresh);
    let neighbour = s.world.agent(2);
    s.world.claim_with(&neighbour, &s.other.clone(), &ceiling("", &[]), Some(handle("billing")));
    for (name, expected) in [
        ("billing", Err(Refusal::HandleTaken)),
        ("bi11ing", Err(Refusal::HandleConfusable)),
        ("filling", Ok(())),
        (s.agent.agent.handle().clone().as_str(), Ok(())),
    ] {
        let request = approval(&s.code(), &ceiling("", &[]), Some(handle(name)), None);
        let result = s.world.approve(&s.agent.claim.id.clone(), &s.me.clone(), &request).map(|_| ());
        assert_eq!(result, expected, "{name}");
    }
}

#[test]
fn a_generated_handle_given_up_is_free_and_a_claimed_one_never_again() {
    let mut s = scene(State::Fresh);
    let (me, generated) = (s.me.clone(), s.agent.agent.handle().clone());
    let agent = s.agent.agent.clone();
    let code = s.code();
    let claimed = approval(&code, &ceiling("", &[]), Some(handle("billing-bot")), None);
    s.world.approve(&s.agent.claim.id.clone(), &me, &claimed).unwrap();
    let second = approval(&code, &ceiling("", &[]), Some(handle("billing-bot")), Some(s.words()));
    assert_eq!(s.world.approve(&s.agent.claim.id.clone(), &me, &second), Ok(None));
    assert_eq!(s.world.load::<HandleRecord>(&Slot::handle(&generated)), None);
    assert!(s.world.register_as(&key(2), &generated).is_ok());
    // revoked, and a year later: still nobody else's
    assert_eq!(s.world.revoke(&me, "owner:self", agent.did()), Ok(true));
    s.world.pass(365 * 24 * 3600);
    let refused = s.world.register_as(&key(3), &handle("billing-bot")).map(|_| ());
    assert_eq!(refused, Err(Refusal::HandleTaken));
}

#[test]
fn an_expired_agents_handle_can_be_chosen() {
    let mut s = scene(State::Fresh);
    let wanted = handle("billing-bot");
    s.world.register_as(&key(2), &wanted).unwrap();
    s.world.pass(30 * 24 * 3600);
    let agent = s.world.agent(3);
    s.world.claim_with(&agent, &s.me.clone(), &ceiling("", &[]), Some(wanted.clone()));
    let holder = s.world.load::<HandleRecord>(&Slot::handle(&wanted)).unwrap().record;
    assert_eq!(holder.agent(), agent.agent.id());
}

#[test]
fn a_look_alike_of_ones_own_handle_may_be_chosen() {
    let mut s = scene(State::Fresh);
    let agent = s.world.register_as(&key(2), &handle("billing")).unwrap();
    s.world.claim_with(&agent, &s.me.clone(), &ceiling("", &[]), Some(handle("bi11ing")));
    let holder = s.world.load::<HandleRecord>(&Slot::handle(&handle("billing"))).unwrap().record;
    assert_eq!((holder.handle(), holder.agent()), (&handle("bi11ing"), agent.agent.id()));
}

#[test]
fn handles_of_another_slot_are_not_decided_upon() {
    let mut s = scene(State::Fresh);
    let second = s.world.agent(2);
    let claim = s.world.load::<ClaimRecord>(&Slot::claim(&s.agent.claim.id)).unwrap();
    let agent = s.world.agent_of(s.agent.agent.did()).unwrap();
    let own = s.world.load(&Slot::handle(s.agent.agent.handle())).unwrap();
    let case = ClaimCase { claim: Some(&claim), agent: Some(&agent) };
    let other = s.world.handle_slot(&handle("other-bot"));
    let request = approval(&s.code(), &ceiling("", &[]), Some(handle("billing-bot")), None);
    let decide = |handles| approve(case, &s.me, &request, handles, &s.world.policy, &s.world.code_key, s.world.now);
    let right = s.world.handle_slot(&handle("billing-bot"));
    let decided = decide(ApprovalHandles { chosen: Some(&right), own: Some(&own) });
    assert!(matches!(decided, Ok(Attempt::Right(Approval::Confirm { .. }))), "{decided:?}");
    for handles in
        [ApprovalHandles { chosen: Some(&other), own: Some(&own) }, ApprovalHandles { chosen: None, own: Some(&own) }]
    {
        assert_eq!(decide(handles).map(|_| ()), Err(Refusal::StoreUnavailable));
    }
    // not the agent's any more, or not yet: loaded while somebody else's approval was committed
    let foreign = s.world.load(&Slot::handle(second.agent.handle())).unwrap();
    for own in [None, Some(&foreign)] {
        let decided = decide(ApprovalHandles { chosen: Some(&right), own });
        assert!(matches!(decided, Ok(Attempt::Right(Approval::Stale))), "{decided:?}");
    }
}
