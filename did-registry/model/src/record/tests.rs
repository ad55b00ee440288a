//! Every record at its largest: it round-trips, fits, and is read strictly.
#![allow(clippy::unwrap_used, clippy::panic)] // a failed set-up step is a failed test

use core::fmt::Debug;

use handfast_delegation::{
    Authority, Budget, Environment, MAX_HOPS, MAX_RATE_SECONDS, MAX_USES, Rate as UseRate, ResourceId, Scope, Tools,
    Trigger, TriggerKind,
};
use handfast_identity::{ContentHash, DidKey, Handle, MAX_UNIX_SECONDS, RandomSource, Seconds, SigningKey, UnixTime};

use handfast_identity::history::{MAX_KEY_STATEMENT_BYTES, MAX_KEYS_PER_AGENT};

use super::*;
use crate::authority::bounded;
use crate::code::{CodeHash, OwnerCodeDigest};
use crate::limits::*;
use crate::{
    AgentId, Ceiling, ClaimId, DelegatedHop, DelegationMode, EnrolmentId, EpochEnd, Event, Fact, FeedKind, KeyChanged,
    LifeChange, LifeFact, OperatorFact, OwnerId, Party, ReceivedStatement, ShownText, TaskId, plain_authority,
};

struct Steps(u8);

impl RandomSource for Steps {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 = self.0.wrapping_mul(5).wrapping_add(17);
            *byte = self.0;
        }
    }
}

const LATE: UnixTime = UnixTime::from_secs(MAX_UNIX_SECONDS);

fn did(seed: u8) -> DidKey {
    SigningKey::from_ed25519_seed(&[seed; 32]).public().did()
}

fn owner_id(seed: u8) -> OwnerId {
    OwnerId::generate(&mut Steps(seed))
}

fn agent_id() -> AgentId {
    AgentId::generate(&mut Steps(1))
}

/// The longest text, of characters that JSON writes in two bytes.
fn longest<const MAX: usize>() -> ShownText<MAX> {
    ShownText::parse(&"\"".repeat(MAX)).unwrap()
}

fn longest_handle() -> Handle {
    // `m` looks like `rn`, so its key is twice as long
    Handle::parse(&"m".repeat(63)).unwrap()
}

fn tools(bytes: usize) -> Tools {
    let long = |letter: &str| letter.repeat(200);
    let frame = serde_json::json!([{"type": "attenuating_agent_token", "tools": {long("a"): {}, "": {}}}]);
    let left = bytes - frame.to_string().len();
    assert!((1..=256).contains(&left), "{left}");
    let tools = serde_json::json!({long("a"): {}, "b".repeat(left): {}});
    Tools::from_details(&serde_json::json!([{"type": "attenuating_agent_token", "tools": tools}])).unwrap()
}

/// As much scope and resources as there may be, the rest in tools.
fn widest_authority() -> Authority {
    let scope = Scope::parse(&(0..64).map(|n| format!("{n:011}")).collect::<Vec<_>>().join(" ")).unwrap();
    let resource = |n: usize| ResourceId::parse(&format!("urn:{n}:{}", "x".repeat(80 - 6))).unwrap();
    let plain = plain_authority(scope, (0..MAX_AUTHORITY_RESOURCES).map(resource).collect()).unwrap();
    let scope = plain.scope.to_string().len();
    let resources = plain.resources.iter().map(|id| id.as_str().len()).sum::<usize>();
    assert_eq!((scope, resources), (MAX_AUTHORITY_SCOPE_BYTES - 1, MAX_AUTHORITY_RESOURCE_BYTES));
    let rate = UseRate { uses: MAX_USES, seconds: MAX_RATE_SECONDS };
    bounded(Authority {
        tools: Some(tools(MAX_AUTHORITY_BYTES - scope - resources)),
        budget: Some(Budget::new(Some(MAX_USES), Some(rate)).unwrap()),
        max_depth: u8::try_from(MAX_HOPS).unwrap(),
        ..plain
    })
    .unwrap()
}

fn widest_ceiling() -> Ceiling {
    let delegates = (100..).take(MAX_DELEGATES).map(did).collect();
    Ceiling::new(widest_authority(), MAX_TASK_LIFETIME, DelegationMode::Exchange, delegates)
        .unwrap()
        .with_instances(true)
}

fn agent(life: Life) -> AgentRecord {
    AgentRecord {
        id: agent_id(),
        organisation: serde_json::from_value(serde_json::json!("x".repeat(63))).unwrap(),
        did: did(1),
        key_number: MAX_KEYS_PER_AGENT,
        is_key_compromised: true,
        former: Vec::new(),
        handle: longest_handle(),
        profile: Profile { name: longest(), version: longest(), purpose: longest(), environment: Environment::Prod },
        created: LATE,
        life,
    }
}

fn epoch_end() -> EpochEnd {
    EpochEnd { epoch: "x".repeat(64), seq: MAX_UNIX_SECONDS, head: "x".repeat(43) }
}

fn fullest_rate() -> Rate {
    Rate { from: LATE, last: LATE, count: u8::MAX }
}

fn fullest_tenure() -> Tenure {
    Tenure {
        suspended: Some(Suspension { at: LATE, by_admin: true }),
        retired: None,
        cut: Some(LATE),
        era: u32::MAX,
        offer: Some(Offer { to: owner_id(2), expires: LATE }),
    }
}

fn retired() -> AgentRecord {
    let tenure = Tenure { suspended: None, retired: Some(LATE), offer: None, ..fullest_tenure() };
    let (owner, ceiling) = (owner_id(1), widest_ceiling());
    agent(Life::Claimed(Claimed { owner, ceiling, at: LATE, tenure }))
}

fn versions() -> VersionsRecord {
    let known = vec![KnownVersion { version: longest(), since: LATE }; MAX_VERSIONS];
    VersionsRecord {
        agent: agent_id(),
        organisation: Organisation::default(),
        stated: LATE,
        made: fullest_rate(),
        known,
    }
}

fn offboarding() -> OffboardingRecord {
    OffboardingRecord {
        owner: owner_id(1),
        organisation: Organisation::default(),
        to: Some(owner_id(2)),
        by: owner_id(3),
        why: Some(longest()),
        at: LATE,
        agents: u32::MAX,
        after: Some(agent_id()),
        found: true,
        done: Some(LATE),
    }
}

fn usage() -> UsageRecord {
    let scope = Scope::parse(&(0..64).map(|n| format!("{n:023}")).collect::<Vec<_>>().join(" ")).unwrap();
    let other = Scope::parse("later").unwrap();
    let of = |scope, at| UsageRecord::new(agent_id(), Organisation::default(), scope, at);
    of(&scope, LATE.saturating_sub(Seconds::new(1))).merged(of(&other, LATE))
}

fn agents() -> [AgentRecord; 3] {
    let unclaimed = Unclaimed {
        claim: ClaimId::generate(&mut Steps(1)),
        expected_owner: Some(owner_id(1)),
        requested: widest_authority(),
        last_used: LATE,
        codes: Some(fullest_rate()),
    };
    [
        agent(Life::Unclaimed(unclaimed)),
        agent(Life::Claimed(Claimed {
            owner: owner_id(1),
            ceiling: widest_ceiling(),
            at: LATE,
            tenure: fullest_tenure(),
        })),
        agent(Life::Revoked(Revoked { owner: Some(owner_id(1)), claimed_at: Some(LATE), at: LATE })),
    ]
}

fn claim(state: ClaimState) -> ClaimRecord {
    ClaimRecord {
        id: ClaimId::generate(&mut Steps(1)),
        organisation: Organisation::default(),
        agent: agent_id(),
        code: CodeHash([7; 32]),
        expires: LATE,
        state,
    }
}

/// 50 owners with one wrong code each, eight more at the confirm stage.
fn fullest_tries() -> Vec<OwnerTries> {
    let tries = |seed: u8| OwnerTries {
        owner: owner_id(seed),
        wrong: u8::from(seed < MAX_WRONG_CODES),
        terms: (seed >= MAX_WRONG_CODES).then_some([7; 32]),
    };
    (0..MAX_WRONG_CODES + 8).map(tries).collect()
}

fn task() -> TaskRecord {
    TaskRecord {
        id: TaskId::generate(&mut Steps(1)),
        organisation: Organisation::default(),
        agent: agent_id(),
        subject: Subject::Agent(did(1)),
        intent: longest(),
        trigger: Trigger {
            kind: TriggerKind::OnItsOwn,
            by: did(1).text(),
            reference: Some("\"".repeat(handfast_delegation::MAX_REFERENCE_BYTES).into()),
        },
        authority: widest_authority(),
        created: LATE,
        deadline: LATE,
        leaf: Some(u64::MAX),
        completed: Some(LATE),
        revoked: Some(LATE),
        era: u32::MAX,
        place: Some(TaskPlace { place: StatusPlace::LAST, key_number: MAX_KEYS_PER_AGENT }),
    }
}

fn place_record() -> PlaceRecord {
    PlaceRecord {
        place: StatusPlace::LAST,
        organisation: serde_json::from_value(serde_json::json!("x".repeat(63))).unwrap(),
        task: TaskId::generate(&mut Steps(1)),
        owner: Some(owner_id(1)),
        agents: (1..).take(handfast_delegation::MAX_ACTORS).map(did).collect(),
        hops: (1..).take(MAX_HOPS).map(name).collect(),
        root_token: Some(format!("tok_{}", "0".repeat(26))),
        begun: LATE,
        ends: LATE,
    }
}

fn self_tasks() -> SelfTasks {
    let open = |seed: u8| OpenTask { id: TaskId::generate(&mut Steps(seed)), deadline: LATE };
    SelfTasks {
        agent: agent_id(),
        organisation: Organisation::default(),
        subject: Subject::Owner(owner_id(1)),
        default: Some(TaskId::generate(&mut Steps(1))),
        open: (1..=10).map(open).collect(),
        begun: Some(fullest_rate()),
        era: u32::MAX,
    }
}

fn owner() -> OwnerRecord {
    OwnerRecord {
        id: owner_id(1),
        organisation: Organisation::default(),
        did: did(1),
        name: Some(longest()),
        role: Role::Admin,
        created: LATE,
    }
}

fn owner_code() -> OwnerCodeRecord {
    OwnerCodeRecord {
        digest: OwnerCodeDigest([7; 32]),
        organisation: Organisation::default(),
        role: Role::Owner,
        name: Some(longest()),
        expires: LATE,
        used_by: Some(owner_id(1)),
    }
}

fn enrolments() -> [EnrolmentRecord; 3] {
    let ends = [
        None,
        Some(EnrolmentEnd::Revoked { at: LATE }),
        Some(EnrolmentEnd::Used { agent: agent_id(), did: did(1), at: LATE }),
    ];
    ends.map(|end| EnrolmentRecord {
        id: EnrolmentId::generate(&mut Steps(1)),
        organisation: serde_json::from_value(serde_json::json!("x".repeat(63))).unwrap(),
        owner: owner_id(1),
        token: CodeHash([7; 32]),
        ceiling: widest_ceiling(),
        environment: Some(Environment::Prod),
        label: Some(longest()),
        created: LATE,
        expires: LATE,
        end,
    })
}

fn owned_enrolment() -> OwnedEnrolment {
    let enrolment = EnrolmentId::generate(&mut Steps(1));
    OwnedEnrolment { owner: owner_id(1), enrolment, organisation: Organisation::default() }
}

fn status_entry() -> StatusEntry {
    StatusEntry { status: Status::Unclaimed, agent: agent_id(), organisation: Organisation::default() }
}

fn idempotency() -> [IdempotencyRecord; 3] {
    let secrets = [
        None,
        Some(SecretOf::OwnerCode(OwnerCodeDigest([7; 32]))),
        Some(SecretOf::Enrolment(EnrolmentId::generate(&mut Steps(1)))),
    ];
    let organisation = || serde_json::from_value(serde_json::json!("x".repeat(63))).unwrap();
    secrets.map(|secret| IdempotencyRecord {
        key: name(1),
        organisation: organisation(),
        request: name(2),
        expires: LATE,
        secret,
    })
}

fn handle() -> HandleRecord {
    HandleRecord { handle: longest_handle(), organisation: Organisation::default(), agent: agent_id(), claimed: true }
}

fn dids() -> [DidRecord; 2] {
    let with = |holder| DidRecord { did: did(1), organisation: Organisation::default(), holder };
    [with(DidHolder::Agent(agent_id())), with(DidHolder::Owner(owner_id(1)))]
}

fn owned() -> OwnedAgent {
    OwnedAgent { owner: owner_id(1), agent: agent_id(), organisation: Organisation::default(), since: LATE }
}

fn name(seed: u8) -> ContentHash {
    ContentHash::from_bytes([seed; 32])
}

fn hop() -> HopRecord {
    HopRecord {
        name: name(1),
        organisation: serde_json::from_value(serde_json::json!("x".repeat(63))).unwrap(),
        task: TaskId::generate(&mut Steps(1)),
        root_token: format!("tok_{}", "0".repeat(26)),
        parent: Some(name(2)),
        delegator: did(1),
        delegate: did(2),
        depth: 8,
        is_instance: false,
        authority: Authority { expires_at: UnixTime::from_secs(MAX_UNIX_SECONDS - 1), ..widest_authority() },
        created: LATE,
        place: Some(StatusPlace::LAST),
    }
}

fn tree() -> TreeRecord {
    TreeRecord { task: TaskId::generate(&mut Steps(1)), organisation: Organisation::default(), hops: MAX_HOPS_PER_TASK }
}

fn tree_entry() -> TreeEntry {
    TreeEntry {
        task: TaskId::generate(&mut Steps(1)),
        organisation: Organisation::default(),
        place: u16::MAX,
        hop: name(1),
    }
}

fn revocations() -> impl Iterator<Item = RevocationRecord> {
    [Party::Owner(owner_id(1)), Party::Agent(did(1)), Party::Operator].into_iter().map(|by| RevocationRecord {
        organisation: Organisation::default(),
        kind: FeedKind::Task,
        id: "x".repeat(MAX_REVOCATION_ID_BYTES),
        by,
        why: Some(longest()),
        at: LATE,
        cut: Some(LATE),
        until: Some(LATE),
    })
}

/// One that never ends.
fn issuer_key_revocation() -> RevocationRecord {
    let record = revocations().next().unwrap();
    let id = "x".repeat(43); // a thumbprint
    RevocationRecord { kind: FeedKind::IssuerKey, id, cut: None, until: None, ..record }
}

#[test]
fn revocations_of_keys_have_no_end_and_others_have_one() {
    let records = [issuer_key_revocation(), revocations().next().unwrap()];
    check(&records[0]);
    for record in records {
        let until = record.until.is_none().then_some(LATE);
        let bytes = RevocationRecord { until, ..record }.to_bytes().unwrap();
        assert!(matches!(RevocationRecord::from_bytes(&bytes), Err(RecordError::Corrupt { .. })));
    }
}

fn longest_text() -> ReceivedStatement {
    ReceivedStatement::kept("x".repeat(MAX_KEY_STATEMENT_BYTES))
}

fn longest_change(agent: AgentId) -> KeyChanged {
    KeyChanged { agent, number: u16::MAX, last_good: Some(u16::MAX), statement: longest_text() }
}

fn keys() -> [KeyRecord; 3] {
    let key = |number, ground| KeyRecord {
        agent: agent_id(),
        organisation: serde_json::from_value(serde_json::json!("x".repeat(63))).unwrap(),
        number,
        did: did(1),
        ground,
        hash: name(1),
        since: LATE,
        replaced: Some(LATE),
        compromised: Some(LATE),
    };
    [
        key(1, KeyGround::Registered),
        key(MAX_KEYS_PER_AGENT, KeyGround::Rotated(longest_text())),
        key(MAX_KEYS_PER_AGENT, KeyGround::Recovered { statement: longest_text(), last_good: MAX_KEYS_PER_AGENT - 1 }),
    ]
}

fn pending() -> PendingRotation {
    PendingRotation {
        agent: agent_id(),
        organisation: Organisation::default(),
        did: did(1),
        statement: longest_text(),
        requested: LATE,
        expires: LATE,
    }
}

/// Round trip, size, and every way a stored record can be unreadable.
fn check<R: Stored + Clone + PartialEq + Debug>(record: &R)
where
    Record: From<R>,
{
    let bytes = record.to_bytes().unwrap();
    assert!(bytes.len() <= MAX_RECORD_BYTES, "{} bytes", bytes.len());
    assert_eq!(R::from_bytes(&bytes).as_ref(), Ok(record));
    assert_eq!(record.slot().kind(), R::KIND);
    assert!(record.slot().key().len() <= 136, "{:?}", record.slot());
    assert_eq!(Record::from(record.clone()).to_bytes().as_ref(), Ok(&bytes));

    let text = String::from_utf8(bytes).unwrap();
    let corrupt = |text: &str| match R::from_bytes(text.as_bytes()) {
        Err(RecordError::Corrupt { kind, .. }) => assert_eq!(kind, R::KIND),
        other => panic!("{other:?} from {text}"),
    };
    let with = |v: &str| text.replacen(r#","v":5"#, v, 1);
    for (v, found) in [(r#","v":0"#, 0), (r#","v":6"#, 6), (r#","v":6,"w":[]"#, 6)] {
        let unknown = Err(RecordError::UnknownFormat { kind: R::KIND, found });
        assert_eq!(R::from_bytes(with(v).as_bytes()), unknown);
    }
    for v in ["", r#","v":"5""#, r#","v":5,"v":5"#, r#","v":5,"w":1"#] {
        corrupt(&with(v));
    }
    corrupt(&format!("{text}{{}}"));
    corrupt(r#"{"v":5}"#);
    // what formats 1 to 4 had is read as it was
    for format in 1..=4 {
        let before = serde_json::from_slice::<serde_json::Value>(&record.to_bytes().unwrap()).map(|mut value| {
            value.as_object_mut().unwrap().insert("v".to_owned(), format.into());
            value.to_string()
        });
        assert_eq!(R::from_bytes(before.unwrap().as_bytes()).as_ref(), Ok(record));
    }
    corrupt("");
    corrupt(&text.replacen("\"organisation\":\"", "\"organisation\":\"A", 1));
    for (place, _) in text.char_indices().step_by(97) {
        corrupt(text.get(..place).unwrap());
    }
}

#[test]
fn every_record_round_trips_fits_and_is_read_strictly() {
    agents().iter().for_each(check);
    for state in
        [ClaimState::Pending(fullest_tries()), ClaimState::Claimed(owner_id(1)), ClaimState::Refused(owner_id(1))]
    {
        check(&claim(state));
    }
    dids().iter().for_each(check);
    check(&task());
    check(&self_tasks());
    check(&owner());
    check(&owner_code());
    check(&handle());
    check(&owned());
    check(&hop());
    check(&tree());
    check(&tree_entry());
    check(&place_record());
    revocations().for_each(|record| check(&record));
    keys().iter().for_each(check);
    check(&pending());
    check(&retired());
    check(&versions());
    check(&offboarding());
    check(&usage());
    enrolments().iter().for_each(check);
    check(&owned_enrolment());
    check(&status_entry());
    idempotency().iter().for_each(check);
    check(&idempotency()[0].end());
    check(&AgentTask::of(&task()));
    check(&AgentHop::of(&agents()[1], &hop()));
    check(&IssuerKeysRecord::new(vec!["x".repeat(43); MAX_SIGNING_KEYS], did(1)));
    check(&StopsRecord { agent: agent_id(), organisation: Organisation::default(), made: fullest_rate() });
}

#[test]
fn an_authority_of_format_1_has_neither_tools_nor_budget_nor_depth() {
    let text = r#"{"agent":"AGENT","authority":{"resource":["urn:a"],"scope":"a"},"created":1,"deadline":2,"id":"TASK","intent":"",
        "organisation":"default","subject":{"agent":"DID"},"trigger":{"by":"DID","type":"self"},"v":1}"#;
    let text = text.replace("AGENT", agent_id().as_str()).replace("TASK", TaskId::generate(&mut Steps(1)).as_str());
    let read = TaskRecord::from_bytes(text.replace("DID", did(1).as_str()).as_bytes()).unwrap();
    let plain = plain_authority(Scope::parse("a").unwrap(), vec![ResourceId::parse("urn:a").unwrap()]).unwrap();
    assert_eq!(read.authority, plain);
}

#[test]
fn a_ceiling_from_before_there_was_leave_for_instances_gives_none() {
    let [_, claimed, _] = agents();
    let instances = |text: &str| {
        AgentRecord::from_bytes(text.as_bytes()).map(|agent| agent.ceiling().map(Ceiling::instances)).ok().flatten()
    };
    let text = String::from_utf8(claimed.to_bytes().unwrap()).unwrap();
    let member = ",\"instances\":true";
    assert!(text.contains(member), "{text}");
    assert_eq!(instances(&text), Some(true));
    assert_eq!(instances(&text.replace(member, "")), Some(false));
    assert_eq!(instances(&text.replace(member, "").replace("\"v\":5", "\"v\":1")), Some(false));
    assert_eq!(instances(&text.replace(member, ",\"instances\":1")), None);
}

#[test]
fn an_agent_or_task_from_before_format_4_is_neither_stopped_nor_of_another_era() {
    let [_, claimed, _] = agents();
    let plain = |record: &AgentRecord| match &record.life {
        Life::Claimed(claimed) => AgentRecord {
            life: Life::Claimed(Claimed { tenure: Tenure::default(), ..claimed.clone() }),
            ..record.clone()
        },
        _ => panic!("{record:?}"),
    };
    let before = String::from_utf8(plain(&claimed).to_bytes().unwrap()).unwrap();
    assert!(!before.contains("\"held\""), "{before}");
    let read = AgentRecord::from_bytes(before.replace("\"v\":5", "\"v\":3").as_bytes()).unwrap();
    assert_eq!((read.suspended_at(), read.retired_at(), read.era()), (None, None, 0));
    let first = TaskRecord { era: 0, ..task() };
    let before = String::from_utf8(first.to_bytes().unwrap()).unwrap();
    assert!(!before.contains("\"era\""), "{before}");
    assert_eq!(TaskRecord::from_bytes(before.replace("\"v\":5", "\"v\":3").as_bytes()), Ok(first));
}

#[test]
fn a_task_or_hop_from_before_format_5_has_no_place_in_a_list() {
    let (task, hop) = (TaskRecord { place: None, ..task() }, HopRecord { place: None, ..hop() });
    for text in [task.to_bytes(), hop.to_bytes()].map(|bytes| String::from_utf8(bytes.unwrap()).unwrap()) {
        assert!(!text.contains("\"status\""), "{text}");
    }
    let before = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace("\"v\":5", "\"v\":4");
    assert_eq!(TaskRecord::from_bytes(before(task.to_bytes().unwrap()).as_bytes()), Ok(task));
    assert_eq!(HopRecord::from_bytes(before(hop.to_bytes().unwrap()).as_bytes()), Ok(hop));
}

#[test]
fn of_last_uses_the_latest_are_kept_and_no_more_than_fit() {
    let used = usage();
    assert_eq!(used.last_use("later"), Some(LATE));
    assert_eq!((used.scopes.len(), used.seen()), (64, LATE), "one made room");
    assert_eq!(used.last_use(&format!("{:023}", 63)), None);
    let long = Scope::parse(&format!("{} {}", "x".repeat(1000), "y".repeat(1000))).unwrap();
    let bounded = UsageRecord::new(agent_id(), Organisation::default(), &long, LATE);
    assert_eq!((bounded.last_use(&"x".repeat(1000)), bounded.last_use(&"y".repeat(1000))), (Some(LATE), None));
}

#[test]
fn what_breaks_a_bound_is_damage() {
    let damaged = |record: Record, from: &str, to: &str| {
        let text = String::from_utf8(record.to_bytes().unwrap()).unwrap();
        let changed = text.replacen(from, to, 1);
        assert_ne!(text, changed, "`{from}` is in no {text}");
        let bytes = changed.as_bytes();
        let error = match record {
            Record::Agent(_) => AgentRecord::from_bytes(bytes).err(),
            Record::Claim(_) => ClaimRecord::from_bytes(bytes).err(),
            Record::SelfTasks(_) => SelfTasks::from_bytes(bytes).err(),
            Record::Hop(_) => HopRecord::from_bytes(bytes).err(),
            Record::Task(_) => TaskRecord::from_bytes(bytes).err(),
            Record::Place(_) => PlaceRecord::from_bytes(bytes).err(),
            Record::Tree(_) => TreeRecord::from_bytes(bytes).err(),
            Record::Key(_) => KeyRecord::from_bytes(bytes).err(),
            Record::Rotation(_) => PendingRotation::from_bytes(bytes).err(),
            Record::Versions(_) => VersionsRecord::from_bytes(bytes).err(),
            Record::Usage(_) => UsageRecord::from_bytes(bytes).err(),
            Record::Revocation(_) => RevocationRecord::from_bytes(bytes).err(),
            Record::Enrolment(_) => EnrolmentRecord::from_bytes(bytes).err(),
            Record::StatusEntry(_) => StatusEntry::from_bytes(bytes).err(),
            Record::Idempotency(_) => IdempotencyRecord::from_bytes(bytes).err(),
            _ => None,
        };
        assert!(matches!(error, Some(RecordError::Corrupt { .. })), "{changed}");
    };
    let [unclaimed, claimed, revoked] = agents();
    let did = did(2);
    damaged(unclaimed.into(), "UNCLAIMED", "REVOKED");
    damaged(claimed.clone().into(), "\"handle\"", &format!("\"former\":[\"{did}\"],\"handle\""));
    damaged(claimed.clone().into(), "\"key_number\":256", "\"key_number\":257");
    damaged(claimed.clone().into(), "\"key_number\":256", "\"key_number\":0");
    damaged(claimed.clone().into(), "86400", "86401");
    damaged(claimed.clone().into(), "exchange", "anything");
    damaged(claimed.clone().into(), "00000000000 ", "agent:self ");
    damaged(claimed.clone().into(), "\"del_max_depth\":8", "\"del_max_depth\":9");
    damaged(claimed.clone().into(), "attenuating", "other");
    damaged(claimed.clone().into(), "bbb", "bbbb");
    damaged(claimed.into(), "\"handle\":\"m", "\"handle\":\"M");
    let [_, claimed, _] = agents();
    damaged(claimed.into(), "\"stop\":[", "\"retired\":1,\"stop\":[");
    damaged(versions().into(), "\"known\":[", "\"known\":[{\"since\":1,\"version\":\"x\"},");
    damaged(usage().into(), "\"later\"", "\"late r\"");
    damaged(usage().into(), "\"later\"", "\"\"");
    damaged(hop().into(), &format!(",\"parent\":\"{}\"", name(2)), "");
    damaged(hop().into(), "\"depth\":8", "\"depth\":1");
    damaged(hop().into(), &format!("\"name\":\"{}", name(1)), "\"name\":\"x");
    damaged(tree().into(), "4096", "4097");
    damaged(hop().into(), "\"index\":4194303", "\"index\":4194304");
    damaged(task().into(), "\"list\":255", "\"list\":256");
    damaged(place_record().into(), "\"index\":4194303", "\"index\":4194304");
    damaged(
        place_record().into(),
        &format!("[\"{}\"", self::did(1)),
        &format!("[\"{}\",\"{}\"", self::did(1), self::did(99)),
    );
    damaged(place_record().into(), &format!("[\"{}\"", name(1)), &format!("[\"{}\",\"{}\"", name(1), name(99)));
    damaged(revoked.into(), &format!("\"claimed_at\":{MAX_UNIX_SECONDS},"), "");
    let [first, second, third] = keys();
    damaged(first.clone().into(), "\"number\":1", "\"number\":2");
    damaged(second.clone().into(), "\"number\":256", "\"number\":1");
    damaged(second.clone().into(), "\"number\":256", "\"number\":257");
    damaged(second.into(), "\"xxx", "\"xxxx");
    damaged(third.into(), "\"last_good\":255", "\"last_good\":256");
    damaged(first.into(), "\"number\":1", "\"last_good\":0,\"number\":1");
    damaged(pending().into(), "\"xxx", "\"xxxx");
    let [open, _, used] = enrolments();
    damaged(open.into(), "86400", "86401");
    damaged(used.into(), "\"how\":\"used\"", "\"how\":\"revoked\"");
    damaged(status_entry().into(), "UNCLAIMED", "CLOSED");
    let [_, coded, _] = idempotency();
    damaged(coded.into(), "owner_code", "owner");
    let task = revocations().next().unwrap();
    damaged(task.into(), &format!("\"until\":{MAX_UNIX_SECONDS},"), "");
    let tried = claim(ClaimState::Pending(fullest_tries()));
    damaged(tried.clone().into(), "\"w\":1", "\"w\":2");
    damaged(tried.clone().into(), "\"w\":0", "\"w\":6");
    let (first, second) = (owner_id(0), owner_id(1));
    damaged(tried.into(), first.as_str(), second.as_str());
    let open = TaskId::generate(&mut Steps(77));
    damaged(self_tasks().into(), "\"open\":[", &format!("\"open\":[{{\"deadline\":1,\"id\":\"{open}\"}},"));
}

/// `value` with every object at `path`, a member name or `0` for the first element each, turned into the list of its values.
fn with_list_at(mut value: serde_json::Value, path: &[&str]) -> serde_json::Value {
    let place = path.iter().fold(&mut value, |value, step| match value {
        serde_json::Value::Array(items) => items.first_mut().unwrap(),
        value => value.get_mut(step).unwrap(),
    });
    let members = place.as_object().unwrap().values().cloned().collect();
    *place = serde_json::Value::Array(members);
    value
}

#[test]
fn p07_an_object_has_no_second_spelling_as_a_list() {
    fn listed<R: Stored>(record: &R, path: &[&str]) {
        let value: serde_json::Value = serde_json::from_slice(&record.to_bytes().unwrap()).unwrap();
        let changed = with_list_at(value, path).to_string();
        assert!(matches!(R::from_bytes(changed.as_bytes()), Err(RecordError::Corrupt { .. })), "{changed}");
    }
    let [unclaimed, claimed, revoked] = agents();
    for path in [&[][..], &["life"], &["life", "requested"], &["life", "codes"]] {
        listed(&unclaimed, path);
    }
    for path in [&["life"][..], &["life", "held"], &["life", "ceiling"], &["life", "ceiling", "authority"]] {
        listed(&claimed, path);
    }
    listed(&revoked, &["life"]);
    let pending = claim(ClaimState::Pending(fullest_tries()));
    for path in [&[][..], &["state"], &["state", "tries", "0"]] {
        listed(&pending, path);
    }
    listed(&claim(ClaimState::Refused(owner_id(1))), &["state"]);
    for path in [&[][..], &["subject"], &["trigger"], &["authority"], &["status"]] {
        listed(&task(), path);
    }
    for path in [&[][..], &["subject"], &["open", "0"], &["begun"]] {
        listed(&self_tasks(), path);
    }
    let [held, _] = dids();
    listed(&held, &[]);
    listed(&held, &["holder"]);
    listed(&owner(), &[]);
    listed(&owner_code(), &[]);
    listed(&handle(), &[]);
    listed(&owned(), &[]);
    for path in [&[][..], &["place"]] {
        listed(&place_record(), path);
    }
    for path in [&[][..], &["authority"], &["authority", "budget"], &["status"]] {
        listed(&hop(), path);
    }
    listed(&tree(), &[]);
    for path in [&[][..], &["made"], &["known", "0"]] {
        listed(&versions(), path);
    }
    listed(&offboarding(), &[]);
    for path in [&[][..], &["scopes", "0"]] {
        listed(&usage(), path);
    }
    listed(&tree_entry(), &[]);
    let [.., used] = enrolments();
    for path in [&[][..], &["end"], &["ceiling"]] {
        listed(&used, path);
    }
    listed(&owned_enrolment(), &[]);
    listed(&status_entry(), &[]);
    let [plain, ..] = idempotency();
    listed(&plain, &[]);
    listed(&plain.end(), &[]);
}

#[test]
fn every_statement_fits_the_log_at_its_largest() {
    let (agent, claim) = (agent_id(), ClaimId::generate(&mut Steps(1)));
    let task_id = TaskId::generate(&mut Steps(1));
    let facts = [
        Fact::OwnerCodeMade { role: Role::Owner },
        Fact::EnrolmentMade {
            enrolment: EnrolmentId::generate(&mut Steps(1)),
            ceiling: Box::new(widest_ceiling()),
            environment: Some(Environment::Prod),
            until: LATE,
        },
        Fact::EnrolmentRenewed { enrolment: EnrolmentId::generate(&mut Steps(1)) },
        Fact::EnrolmentRevoked { enrolment: EnrolmentId::generate(&mut Steps(1)) },
        Fact::ClaimCodeIssued { agent: agent.clone(), claim: claim.clone() },
        Fact::ClaimCodeWrong { claim: claim.clone() },
        Fact::ClaimConfirming { claim: claim.clone() },
        Fact::ClaimRefused { claim: claim.clone() },
        Fact::AgentClaimed {
            agent: agent.clone(),
            claim,
            handle: longest_handle(),
            ceiling: Box::new(widest_ceiling()),
        },
        Fact::TaskCreated {
            task: task_id.clone(),
            agent: agent.clone(),
            intent: task().intent.to_string(),
            trigger: task().trigger,
            authority: widest_authority(),
            deadline: LATE,
        },
        Fact::TaskCompleted { task: task_id.clone(), agent: agent.clone() },
        Fact::Delegated {
            task: task_id,
            root_token: hop().root_token,
            hops: (1..).take(MAX_HOPS).map(|n| DelegatedHop { hop: name(n), delegate: did(n), depth: n }).collect(),
        },
        Fact::Revoked {
            grain: FeedKind::Task,
            id: "x".repeat(MAX_REVOCATION_ID_BYTES),
            cut: Some(LATE),
            until: Some(LATE),
        },
        Fact::OwnerOffboarding { owner: owner_id(1), to: Some(owner_id(2)), done: false },
        Fact::Operator(OperatorFact::IssuerKeys { token: vec!["x".repeat(43); MAX_SIGNING_KEYS], feed: did(1) }),
        Fact::Operator(OperatorFact::EpochBegun { epoch: "x".repeat(64), follows: epoch_end() }),
        Fact::Operator(OperatorFact::FeedKeyReplaced {
            statement: "x".repeat(MAX_KEY_STATEMENT_BYTES),
            follows: epoch_end(),
        }),
        Fact::OwnerOffboarding { owner: owner_id(1), to: None, done: true },
        Fact::AgentRevoked { agent: agent.clone(), dids: (0..=u8::MAX).map(did).collect() },
        Fact::RotationRequested(longest_change(agent.clone())),
        Fact::RotationRefused(longest_change(agent.clone())),
        Fact::KeyRotated(longest_change(agent.clone())),
        Fact::KeyRecovered(longest_change(agent.clone())),
    ];
    let life = |change: LifeChange| {
        // a change of the ceiling names no DIDs
        let names_dids = !matches!(change, LifeChange::CeilingChanged { .. });
        let dids = if names_dids { (0..=u8::MAX).map(did).collect() } else { Vec::new() };
        Fact::Life(LifeFact { agent: agent.clone(), change, dids, cut: Some(LATE) })
    };
    let changes = [
        LifeChange::Suspended,
        LifeChange::Resumed,
        LifeChange::Retired,
        LifeChange::CutAgain,
        LifeChange::TransferOffered { to: owner_id(1), until: LATE },
        LifeChange::TransferWithdrawn { to: owner_id(1) },
        LifeChange::Transferred { from: owner_id(1), to: owner_id(2) },
        LifeChange::CeilingChanged { ceiling: Box::new(widest_ceiling()) },
        LifeChange::EnvironmentChanged { environment: Environment::Prod },
    ];
    for fact in facts.into_iter().chain(changes.map(life)) {
        let kind = fact.kind();
        // of these only what stops or changes something takes a reason, and owners' answers
        let takes_why = |fact: &Fact| {
            use Fact::{
                AgentRevoked, EnrolmentRevoked, KeyRecovered, KeyRotated, Life, Operator, OwnerOffboarding, Revoked,
                RotationRefused,
            };
            matches!(
                fact,
                AgentRevoked { .. }
                    | EnrolmentRevoked { .. }
                    | Revoked { .. }
                    | Life(_)
                    | OwnerOffboarding { .. }
                    | Operator(_)
                    | RotationRefused(_)
                    | KeyRotated(_)
                    | KeyRecovered(_)
            )
        };
        let why = takes_why(&fact).then(longest);
        let event = Event { fact, who: Party::Agent(did(1)), why, when: LATE, did: Some(did(1)) };
        let statement = event.statement().unwrap();
        let start = String::from_utf8_lossy(&statement).into_owned();
        assert!(start.contains(&format!("\"kind\":\"{kind}\"")) && start.ends_with("\"}"), "{start}");
    }
    assert_eq!(MAX_STATEMENT_BYTES, handfast_audit_log::MAX_STATEMENT_BYTES);
    assert!(Seconds::new(1) < MIN_TASK_LIFETIME);
}
