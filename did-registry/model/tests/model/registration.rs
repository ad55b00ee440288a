//! Registration statements and registration (TH45 to TH48, TH57), of agents and owners.

use crate::support::*;
use handfast_identity::{Handle, Seconds, SigningKey, jws};
use handfast_registry_model::*;
use serde_json::{Value, json};

/// A good statement's claims by the key of seed 1, at time 0.
fn claims() -> Value {
    json!({
        "iss": key(1).public().did().as_str(), "aud": ISSUER, "iat": START, "jti": "id-1", "name": "invoice bot",
        "version": "1", "purpose": "pays", "environment": "prod", "scope": "echo:read", "resource": [ECHO]
    })
}

fn kid(key: &SigningKey) -> String {
    key.public().did().key_id()
}

fn judge(text: &str) -> Result<VerifiedAgentRegistration, Refusal> {
    let unverified = UnverifiedAgentRegistration::parse(text)?;
    Ok(unverified.verify(&policy(), at(0))?)
}

fn reason(text: &str) -> &'static str {
    judge(text).map_or_else(|refusal| refusal.answer().reason, |_| "accepted")
}

/// Signs with seed 1 after changing one claim.
fn with(member: &str, value: Value) -> String {
    let mut claims = claims();
    claims[member] = value;
    jws::sign(AGENT_STATEMENT_TYPE, Some(&kid(&key(1))), &claims, &key(1)).unwrap()
}

fn without(member: &str) -> String {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(member);
    jws::sign(AGENT_STATEMENT_TYPE, Some(&kid(&key(1))), &claims, &key(1)).unwrap()
}

#[test]
fn a_good_statement_is_accepted() {
    let text = with("expected_owner", json!("owner:0123456789abcdefghjkmnpqrs"));
    let verified = judge(&text).unwrap();
    assert_eq!(verified.did(), &key(1).public().did());
    assert_eq!((verified.proof_id(), verified.text().as_str()), ("id-1", text.as_str()));
    assert_eq!(verified.registration().profile.name.as_str(), "invoice bot");
    for optional in ["scope", "resource"] {
        assert_eq!(reason(&without(optional)), "accepted", "{optional}");
    }
    let p256 = SigningKey::from_p256_scalar(&[3; 32]).unwrap();
    let mut claims = claims();
    claims["iss"] = json!(p256.public().did().as_str());
    let text = jws::sign(AGENT_STATEMENT_TYPE, Some(&kid(&p256)), &claims, &p256).unwrap();
    assert_eq!(reason(&text), "accepted");
}

#[test]
fn what_signs_is_what_is_read() {
    let world = World::new(1);
    let registration = world.statement(&key(1));
    assert_eq!(world.verified(&registration, &key(1)).registration(), &registration);
}

#[test]
fn a_did_whose_key_is_not_proved_is_refused() {
    // TH57
    let victim = kid(&key(1));
    let good = with("jti", json!("id-2"));
    let (input, signature) = good.rsplit_once('.').unwrap();
    let other = with("jti", json!("id-3"));
    let (_, other_signature) = other.rsplit_once('.').unwrap();
    let by_thief = |kid: &str| jws::sign(AGENT_STATEMENT_TYPE, Some(kid), &claims(), &key(2)).unwrap();
    for (text, what) in [
        (String::new(), "nothing"),
        (r#"{"did":"did:key:z6Mk"}"#.to_owned(), "no jws"),
        (format!("{input}."), "no signature"),
        (input.to_owned(), "two segments"),
        (format!("{input}.{other_signature}"), "the signature of another statement"),
        (by_thief(&victim), "the victim's kid, a thief's key"),
        (by_thief(&kid(&key(2))), "the victim's iss, a thief's kid and key"),
    ] {
        assert_eq!(reason(&text), "proof_required", "{what}");
    }
    assert_eq!(Refusal::ProofRequired.answer().status, 401);
    assert_eq!(reason(&format!("{input}.{signature}")), "accepted");
    // a signer who names another key is not a stranger, but not well-formed either
    let signed = jws::sign(AGENT_STATEMENT_TYPE, Some(&kid(&key(2))), &claims(), &key(1)).unwrap();
    assert_eq!(reason(&signed), "invalid_registration");
    let unnamed = jws::sign(AGENT_STATEMENT_TYPE, None, &claims(), &key(1)).unwrap();
    assert_eq!(reason(&unnamed), "invalid_registration");
    let none = jws::sign_with_header(&json!({"typ": AGENT_STATEMENT_TYPE, "alg": "none"}), &claims(), &key(1)).unwrap();
    assert_eq!(reason(&none), "proof_required");
}

#[test]
fn unsound_keys_are_refused_before_any_signature() {
    for (did, expected) in [
        ("did:key:z2DQYbYV2grCzH2d1ZJ4e5VC7yWCbcH2u6LZb8zqVByvAEB", "invalid_did"), // TH45: 31 bytes
        ("did:key:zQecrwozuwEwA5KUTN9Cj7qwi7MzvTtvsmPkZrTFes18m7Htb", "invalid_did"), // TH45: 33 bytes
        ("did:key:zDnaehfHR8Q5U7ckmLQfuZ3eGEypooJ46zzjRQ1AR9asDvdnv", "invalid_did"), // TH45: not on the curve
        ("did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMM0w", "invalid_did"), // TH46
        ("did:key:z6MktwupdmLXVVqTzCw4i46r4uGyos\nGXRnR3XjN4Zq7oMMsw", "invalid_did"), // TH46
        ("did:key:z6MkvUK5T7wX3YKPL8TakfM6vdwQQtkJSzV8fTKGdgosTh6E", "invalid_did"), // TH47: y = p
        ("did:key:z6MkvQQfodDS9hpfvSLcFA5f2iCB9tBXk3PE5b1P8VVsjtRt", "weak_key"),   // TH48: order 2
        ("did:key:z6MkwbSuyFpcZBRjvuoGhueRskRECMomRFnFLBjwGq55jw5o", "weak_key"),   // mixed order, P-06
        ("did:web:agent.example", "invalid_did"),
    ] {
        assert_eq!(reason(&with("iss", json!(did))), expected, "{did}");
    }
}

#[test]
fn claims_are_read_strictly() {
    let long = |length: usize| json!("x".repeat(length));
    for (member, good, bad) in [
        ("aud", json!(ISSUER), json!("https://id.example/")),
        ("aud", json!(ISSUER), json!([ISSUER])),
        ("iat", json!(START - 60), json!(START - 61)),
        ("iat", json!(START + 30), json!(START + 31)),
        ("iat", json!(START), json!(START.to_string())),
        ("iat", json!(START), json!(1.5)),
        ("jti", long(128), long(129)),
        ("jti", json!("x"), json!("")),
        ("jti", json!("x"), json!("a b")),
        ("name", long(64), long(65)),
        ("name", json!("x"), json!("")),
        ("name", json!("bot ä"), json!("bot\u{202e}")),
        ("version", long(32), long(33)),
        ("version", json!(""), json!("1\n2")),
        ("purpose", long(256), long(257)),
        ("environment", json!("dev"), json!("PROD")),
        ("scope", json!(""), json!("a  b")),
        ("scope", long(768), long(769)),
        ("resource", json!([]), json!(["relative"])),
        ("resource", json!(["urn:a"]), json!(["urn:a", "urn:a"])),
        ("expected_owner", json!("owner:0123456789abcdefghjkmnpqrs"), json!("owner:me")),
    ] {
        assert_eq!(reason(&with(member, good)), "accepted", "{member}");
        assert_eq!(reason(&with(member, bad.clone())), "invalid_registration", "{member} {bad}");
    }
    for member in ["iss", "aud", "iat", "jti", "name", "version", "purpose", "environment"] {
        assert_eq!(reason(&without(member)), "invalid_registration", "{member}");
    }
    // TH67
    assert_eq!(reason(&with("owner", json!("owner:0123456789abcdefghjkmnpqrs"))), "invalid_registration");
}

#[test]
fn other_kinds_of_statement_are_refused() {
    // P-10
    for typ in [
        "JWT",
        "dpop+jwt",
        "at+jwt",
        OWNER_STATEMENT_TYPE,
        "AGENT-REGISTRATION+JWT",
        "application/agent-registration+jwt",
    ] {
        let text = jws::sign(typ, Some(&kid(&key(1))), &claims(), &key(1)).unwrap();
        assert_eq!(reason(&text), "invalid_registration", "{typ}");
    }
    let header = json!({"typ": AGENT_STATEMENT_TYPE, "alg": "EdDSA", "kid": kid(&key(1)), "crit": ["x"]});
    assert_eq!(reason(&jws::sign_with_header(&header, &claims(), &key(1)).unwrap()), "invalid_registration");
    assert_eq!(reason(&"x".repeat(limits::MAX_STATEMENT_BYTES + 1)), "invalid_registration");
}

#[test]
fn an_enrolment_is_a_text_or_not_there() {
    for value in [json!(null), json!(7), json!("x".repeat(65)), json!(["token"])] {
        assert_eq!(judge(&with("enrolment", value)).map(|_| ()), Err(Refusal::InvalidRegistration));
    }
    // whether it is good is a matter of its record
    let read = judge(&with("enrolment", json!("token"))).unwrap();
    assert_eq!(read.registration().enrolment.as_ref().map(EnrolmentToken::expose), Some("token"));
}

#[test]
fn a_statement_signed_again_asks_for_the_same() {
    let wish = |text: &str| judge(text).unwrap().wish();
    let first = wish(&with("jti", json!("one")));
    assert_eq!(wish(&with("jti", json!("two"))), first);
    assert_eq!(wish(&with("iat", json!(START - 1))), first);
    for (member, value) in [("name", json!("other")), ("enrolment", json!("token")), ("scope", json!(""))] {
        assert_ne!(wish(&with(member, value)), first, "{member}");
    }
}

#[test]
fn the_largest_statement_fits_the_log() {
    let mut world = World::new(1);
    let mut claims = claims();
    // every text of the greatest length, of characters that JSON writes in two bytes
    for (member, length) in [("name", 64), ("version", 32), ("purpose", 256)] {
        claims[member] = json!("\"".repeat(length));
    }
    claims["jti"] = json!("x".repeat(128));
    claims["expected_owner"] = json!("owner:0123456789abcdefghjkmnpqrs");
    claims["scope"] = json!("x".repeat(768));
    claims["resource"] = json!([format!("urn:{}", "x".repeat(508)), format!("urn:{}", "x".repeat(124))]);
    claims["enrolment"] = json!("\"".repeat(64));
    let text = jws::sign(AGENT_STATEMENT_TYPE, Some(&kid(&key(1))), &claims, &key(1)).unwrap();
    let verified = judge(&text).unwrap();
    assert!(world.register(&verified, &handle("plain-bot")).is_ok());
}

#[test]
fn a_new_agent_is_unclaimed_and_has_one_code() {
    let mut world = World::new(2);
    let done = world.agent(1);
    let agent = world.agent_of(&key(1).public().did()).unwrap().record;
    assert_eq!(agent, done.agent);
    assert_eq!((agent.status(), agent.owner(), agent.ceiling()), (Status::Unclaimed, None, None));
    assert_eq!(agent.organisation().as_str(), "default");
    assert_eq!(agent.claim(), Some(&done.claim.id));
    assert_eq!((done.claim.expires_in, done.claim.interval), (Seconds::new(900), Seconds::new(5)));
    assert_eq!(done.change.event.fact.kind(), "agent_registered");
    assert_eq!(world.log.len(), 1);
    assert!(world.feed.is_empty());
}

#[test]
fn a_did_has_one_record() {
    let mut world = World::new(3);
    world.agent(1);
    let owner = world.owner(2);
    let before = world.snapshot();
    for seed in [1, 2] {
        let refused = world.register_as(&key(seed), &handle("second-name"));
        assert_eq!(refused.map(|_| ()), Err(Refusal::DidRegistered), "{seed}");
    }
    assert_eq!(world.snapshot(), before);
    // the twin: another key
    assert!(world.register_as(&key(3), &handle("second-name")).is_ok());
    // and an agent's key does not become an owner's
    let request = OwnerCodeRequest { role: Role::Owner, name: None };
    let (change, code) = make_owner_code(CodeMaker::Operator, request, world.now, &mut world.random).unwrap();
    world.commit(&change).unwrap();
    let text = code.expose().to_owned();
    assert_eq!(world.enrol(1, code), Err(Refusal::DidRegistered));
    assert_eq!(world.enrol(owner_seed(&owner), OwnerCode::new(&text)), Err(Refusal::DidRegistered));
    assert!(world.enrol(4, OwnerCode::new(&text)).is_ok());
}

fn owner_seed(owner: &OwnerRecord) -> u8 {
    (0..=255).find(|seed| key(*seed).public().did() == *owner.did()).unwrap()
}

#[test]
fn a_did_once_claimed_or_revoked_is_never_free_again() {
    let mut world = World::new(4);
    let (owner, admin) = (world.owner(10), world.owner_as(11, Role::Admin));
    let (claimed, revoked) = (world.agent(1), world.agent(2));
    world.agent(3);
    world.claim(&claimed, &owner);
    assert_eq!(world.revoke(&admin, "registry:admin", revoked.agent.did()), Ok(true));
    world.pass(30 * 24 * 3600);
    for (seed, expected) in [(1, Err(Refusal::DidRegistered)), (2, Err(Refusal::DidRegistered)), (3, Ok(()))] {
        let name = Handle::generate(&mut world.random);
        assert_eq!(world.register_as(&key(seed), &name).map(|_| ()), expected, "{seed}");
    }
}

#[test]
fn an_unused_unclaimed_agent_expires_and_leaves_did_and_handle() {
    let mut world = World::new(5);
    let name = handle("lonely-bot");
    let first = world.register_as(&key(1), &name).unwrap();
    world.pass(30 * 24 * 3600 - 1);
    assert_eq!(world.register_as(&key(1), &handle("other-bot")).map(|_| ()), Err(Refusal::DidRegistered));
    assert_eq!(world.register_as(&key(2), &name).map(|_| ()), Err(Refusal::HandleTaken));
    world.pass(1);
    let count = world.count();
    // the same key comes back: a new record in place of the old one, even under the same handle
    let second = world.register_as(&key(1), &name).unwrap();
    assert_ne!(first.agent.id(), second.agent.id());
    assert_eq!(world.load::<AgentRecord>(&Slot::agent(first.agent.id())), None);
    assert_eq!(world.count(), count + 1, "only the new claim is more");
    world.pass(30 * 24 * 3600);
    // another key takes the handle of an expired agent
    assert!(world.register_as(&key(2), &name).is_ok());
    assert_eq!(world.new_code(second.agent.did()).map(|_| ()), Err(Refusal::UnknownAgent));
    // which then comes back under another one, without touching the handle it lost
    assert!(world.register_as(&key(1), &handle("other-bot")).is_ok());
    let holder = world.load::<HandleRecord>(&Slot::handle(&name)).unwrap().record;
    assert_eq!(holder.agent(), world.agent_of(&key(2).public().did()).unwrap().record.id());
}

#[test]
fn an_expired_agent_that_comes_back_lets_its_old_handle_go() {
    let mut world = World::new(12);
    let name = handle("lonely-bot");
    world.register_as(&key(1), &name).unwrap();
    world.pass(30 * 24 * 3600);
    world.register_as(&key(1), &handle("other-bot")).unwrap();
    assert_eq!(world.load::<HandleRecord>(&Slot::handle(&name)), None);
    assert!(world.register_as(&key(2), &name).is_ok());
}

#[test]
fn a_handle_marked_as_claimed_is_taken_whatever_its_holder_says() {
    let mut world = World::new(13);
    let name = handle("lonely-bot");
    world.register_as(&key(1), &name).unwrap();
    world.pass(30 * 24 * 3600);
    let statement = world.verified(&world.statement(&key(2)), &key(2));
    let slot = world.handle_slot(&name);
    let mut decide = |slot: &HandleSlot| {
        let did = DidSlot::default();
        register_agent(&statement, &did, slot, &world.code_key, world.now, &mut world.random).map(|_| ())
    };
    assert_eq!(decide(&slot), Ok(()));
    let mut marked = slot;
    let entry = marked.entry.as_mut().unwrap();
    let bytes = String::from_utf8(entry.record.to_bytes().unwrap()).unwrap().replace("false", "true");
    entry.record = HandleRecord::from_bytes(bytes.as_bytes()).unwrap();
    assert_eq!(decide(&marked), Err(Refusal::HandleTaken));
}

#[test]
fn use_keeps_an_unclaimed_agent_alive() {
    let mut world = World::new(6);
    world.agent(1);
    world.agent(2);
    world.pass(20 * 24 * 3600);
    let did = key(1).public().did();
    world.new_code(&did).unwrap();
    world.token(&key(2), &[]).unwrap();
    world.pass(20 * 24 * 3600);
    assert!(world.token(&key(1), &[]).is_ok() && world.token(&key(2), &[]).is_ok());
    world.pass(30 * 24 * 3600);
    assert_eq!(world.token(&key(1), &[]), Err(Refusal::InvalidClient));
}

#[test]
fn a_generated_handle_must_be_free() {
    let mut world = World::new(7);
    world.register_as(&key(1), &handle("billing")).unwrap();
    // TH56 and its twin
    let refused = world.register_as(&key(2), &handle("bi11ing")).map(|_| ());
    assert_eq!(refused, Err(Refusal::HandleConfusable));
    assert_eq!(world.register_as(&key(2), &handle("billing")).map(|_| ()), Err(Refusal::HandleTaken));
    assert!(world.register_as(&key(2), &handle("filling")).is_ok());
}

#[test]
fn owner_codes_are_for_one_owner_and_one_day() {
    let mut world = World::new(8);
    let made = |world: &mut World, role| {
        let request = OwnerCodeRequest { role, name: Some(ShownText::parse("Ada").unwrap()) };
        let (change, code) = make_owner_code(CodeMaker::Operator, request, world.now, &mut world.random).unwrap();
        world.commit(&change).unwrap();
        code.expose().to_owned()
    };
    let code = made(&mut world, Role::Admin);
    assert_eq!(world.enrol(1, OwnerCode::new("enrol_0123456789abcdefghjkmnpqrs")), Err(Refusal::WrongCode));
    let admin = world.enrol(1, OwnerCode::new(&code)).unwrap();
    assert_eq!((admin.role(), admin.name().map(ShownText::as_str)), (Role::Admin, Some("Ada")));
    assert_eq!(world.enrol(2, OwnerCode::new(&code)), Err(Refusal::CodeUsed));
    let (early, late) = (made(&mut world, Role::Owner), made(&mut world, Role::Owner));
    world.pass(24 * 3600 - 1);
    assert!(world.enrol(3, OwnerCode::new(&early)).is_ok());
    world.pass(1);
    assert_eq!(world.enrol(4, OwnerCode::new(&late)), Err(Refusal::CodeExpired));
}

#[test]
fn owner_statements_are_their_own_kind() {
    let world = World::new(9);
    let claims =
        json!({"iss": key(1).public().did().as_str(), "aud": ISSUER, "iat": START, "jti": "x", "enrolment": "c"});
    let check = |typ: &str, claims: &Value, signer: u8, expected: Result<(), Refusal>| {
        let text = jws::sign(typ, Some(&kid(&key(1))), claims, &key(signer)).unwrap();
        let result = UnverifiedOwnerRegistration::parse(&text).and_then(|it| it.verify(&world.policy, world.now));
        assert_eq!(result.map(|_| ()).map_err(Refusal::from), expected);
    };
    check(OWNER_STATEMENT_TYPE, &claims, 1, Ok(()));
    check(AGENT_STATEMENT_TYPE, &claims, 1, Err(Refusal::InvalidRegistration));
    check(OWNER_STATEMENT_TYPE, &claims, 2, Err(Refusal::ProofRequired));
    let mut more = claims.clone();
    more["role"] = json!("admin");
    check(OWNER_STATEMENT_TYPE, &more, 1, Err(Refusal::InvalidRegistration));
    let mut long = claims.clone();
    long["enrolment"] = json!("x".repeat(65));
    check(OWNER_STATEMENT_TYPE, &long, 1, Err(Refusal::InvalidRegistration));
}

#[test]
fn only_admins_make_owner_codes() {
    let mut world = World::new(10);
    let (owner, admin) = (world.owner(1), world.owner_as(2, Role::Admin));
    let request = || OwnerCodeRequest { role: Role::Owner, name: None };
    let mut make = |who: &OwnerRecord, scopes: &str| {
        let scopes = scope(scopes);
        make_owner_code(CodeMaker::Admin(caller(who, &scopes)), request(), at(0), &mut world.random).map(|_| ())
    };
    assert_eq!(make(&admin, "registry:admin"), Ok(()));
    for (who, scopes) in [(&admin, "owner:self registry:read"), (&owner, "registry:admin"), (&owner, "owner:self")] {
        assert_eq!(make(who, scopes), Err(Refusal::Forbidden), "{scopes}");
    }
}

#[test]
fn secrets_of_statements_have_no_debug_text() {
    // TH73, P-19: the statement of an owner holds the code
    let world = World::new(11);
    let verified = world.owner_statement(1, OwnerCode::new("enrol_0123456789abcdefghjkmnpqrs"));
    let shown = format!("{verified:?} {:?}", verified.text());
    let payload = verified.text().as_str().split('.').nth(1).unwrap();
    assert!(!shown.contains("enrol_") && !shown.contains(payload), "{shown}");
}
