//! Trust records: which sets of them can stand, and what each issuer's word is worth.
#![allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
#![allow(clippy::needless_pass_by_value, reason = "tables read better without a reference at every row")]

mod support;

use handfast_delegation::ResourceId;
use handfast_identity::Seconds;
use handfast_verifier::trust::{
    DEFAULT_MAX_LIFETIME, Facts, IntrospectionCaller, IssuerFacts, KeySet, MAX_LIFETIME_WITHOUT_STATUS, Profile,
    SpeaksFor, Status, StatusSource, TrustError, TrustedIssuer,
};
use support::*;

fn limited(issuer: &str) -> TrustedIssuer {
    TrustedIssuer {
        issuer: issuer.to_owned(),
        resources: SpeaksFor::Only(vec![ResourceId::parse(RESOURCE).unwrap()]),
        scopes: SpeaksFor::Only(scope("files:read")),
        subjects: SpeaksFor::Only(vec!["owner:".to_owned()]),
        ..trust()
    }
}

fn check(records: &[TrustedIssuer], expected: Result<(), TrustError>) {
    assert_eq!(TrustedIssuer::require_sound(records), expected);
}

#[test]
fn one_issuer_may_speak_for_everything_and_several_may_not() {
    let (a, b) = (limited("https://a.example"), limited("https://b.example"));
    check(&[trust()], Ok(()));
    check(&[a.clone(), b.clone()], Ok(()));
    let open = [
        TrustedIssuer { resources: SpeaksFor::Everything, ..b.clone() },
        TrustedIssuer { scopes: SpeaksFor::Everything, ..b.clone() },
        TrustedIssuer { subjects: SpeaksFor::Everything, ..b.clone() },
    ];
    for open in open {
        check(&[a.clone(), open.clone()], Err(TrustError::Implied("https://b.example".to_owned())));
        check(&[open, a.clone()], Err(TrustError::Implied("https://b.example".to_owned())));
    }
}

#[test]
fn sets_that_mean_nothing_are_refused() {
    check(&[], Err(TrustError::Empty));
    let twice = [limited(ISSUER), limited("https://b.example"), limited(ISSUER)];
    check(&twice, Err(TrustError::Repeated(ISSUER.to_owned())));
}

#[test]
fn agent_status_names_issuers_whose_status_is_followed() {
    let listing =
        |issuer: &str| TrustedIssuer { agent_status: vec![issuer.to_owned()], ..limited("https://a.example") };
    let followed = limited("https://b.example");
    let unfollowed = TrustedIssuer {
        status: StatusSource::None,
        max_lifetime: MAX_LIFETIME_WITHOUT_STATUS,
        ..limited("https://b.example")
    };
    check(&[listing("https://b.example"), followed.clone()], Ok(()));
    check(&[listing("https://c.example"), followed], Err(TrustError::AgentStatus("https://c.example".to_owned())));
    check(&[listing("https://b.example"), unfollowed], Err(TrustError::AgentStatus("https://b.example".to_owned())));
}

#[test]
fn a_foreign_issuer_is_trusted_for_five_minutes() {
    let foreign = TrustedIssuer::rfc9068(ISSUER);
    assert_eq!((foreign.profile, &foreign.status), (Profile::Rfc9068, &StatusSource::None));
    check(std::slice::from_ref(&foreign), Ok(()));
    let longer = Seconds::new(foreign.max_lifetime.get() + 1);
    check(&[TrustedIssuer { max_lifetime: longer, ..foreign }], Err(TrustError::Lifetime(ISSUER.to_owned())));
}

#[test]
fn words_of_a_foreign_issuer_mean_what_its_record_says() {
    let map = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(theirs, ours)| ((*theirs).to_owned(), (*ours).to_owned())).collect()
    };
    let foreign = |pairs: &[(&str, &str)]| TrustedIssuer {
        scope_map: map(pairs),
        scopes: SpeaksFor::Only(scope("files:read files:list")),
        ..TrustedIssuer::rfc9068(ISSUER)
    };
    let asked = |trust: TrustedIssuer, words: &str| {
        let server = Server { facts: Facts::new([facts_of(trust, &issuer(), Status::NotFollowed)]), ..Server::new() };
        let mut claims = claims(&agent());
        claims.authority.scope = scope(words);
        server.answer(&Request::with(&claims, &agent())).map_or_else(
            |rejection| rejection.reason().to_owned(),
            |authorized| authorized.scope().tokens().collect::<Vec<_>>().join(" "),
        )
    };
    let read = [("read", "files:read"), ("browse", "files:list"), ("view", "files:read"), ("write", "files:write")];
    assert_eq!(asked(foreign(&read), "read"), "files:read");
    assert_eq!(asked(foreign(&read), "browse openid view read"), "files:list files:read", "others mean nothing here");
    assert_eq!(asked(foreign(&read), "files:read"), "insufficient_scope", "a word that sounds like ours is not ours");
    assert_eq!(asked(foreign(&read), "read write"), "issuer_not_trusted", "what it may not speak for stays so");
    assert_eq!(asked(foreign(&[]), "files:read"), "files:read", "without a map its words are ours");

    let unsound = Err(TrustError::ScopeMap(ISSUER.to_owned()));
    check(&[foreign(&read)], Ok(()));
    for pair in [("read", "files:read files:list"), ("read", ""), ("", "files:read"), ("a b", "files:read")] {
        check(&[foreign(&[pair])], unsound.clone());
    }
    check(&[TrustedIssuer { scope_map: map(&read), ..trust() }], unsound);
}

#[test]
fn tokens_that_cannot_be_revoked_live_five_minutes() {
    let without = |lifetime: Seconds| TrustedIssuer { status: StatusSource::None, max_lifetime: lifetime, ..trust() };
    check(&[without(MAX_LIFETIME_WITHOUT_STATUS)], Ok(()));
    check(&[without(Seconds::new(301))], Err(TrustError::Lifetime(ISSUER.to_owned())));
    check(&[TrustedIssuer { max_lifetime: Seconds::new(301), ..trust() }], Ok(()));
    assert_eq!((MAX_LIFETIME_WITHOUT_STATUS.get(), DEFAULT_MAX_LIFETIME.get()), (300, 3600));
}

#[test]
fn the_same_names_at_two_issuers_are_two_things() {
    // the same DID, subject, token id and even `kid` at two issuers: only the one that signed may be named
    let (first, second) = (issuer(), other_agent());
    let kid = kid(&first);
    let keys_of_second = KeySet::parse(
        format!(r#"{{"keys":[{}]}}"#, second.public().to_jwk().replacen('{', &format!(r#"{{"kid":"{kid}","#), 1))
            .as_bytes(),
    );
    let mut second_facts = facts_of(limited("https://second.example"), &second, nothing_revoked());
    second_facts.keys = keys_of_second.unwrap().into();
    let mut server = Server::new();
    server.facts = Facts::new([facts_of(limited(ISSUER), &first, nothing_revoked()), second_facts]);
    let reason = |iss: &str, signer| {
        let mut claims = claims(&agent());
        claims.issuer = iss.into();
        let token = claims.sign(&kid, signer).unwrap();
        server.answer(&Request::of(&token, proof(&agent(), &token, iss.len() as u64))).map_or_else(
            |rejection| rejection.reason().to_owned(),
            |authorized| format!("{} {}", authorized.issuer(), authorized.subject()),
        )
    };
    assert_eq!(reason(ISSUER, &first), format!("{ISSUER} {OWNER}"));
    assert_eq!(reason("https://second.example", &second), format!("https://second.example {OWNER}"));
    assert_eq!(reason(ISSUER, &second), "token_signature_invalid");
    assert_eq!(reason("https://second.example", &first), "token_signature_invalid");
    assert_eq!(reason("https://third.example", &first), "issuer_not_trusted");
}

#[test]
fn facts_are_found_by_the_exact_name() {
    let facts = Facts::new([facts_of(trust(), &issuer(), nothing_revoked())]);
    assert!(facts.issuer(ISSUER).is_some_and(|found| found.trust.profile == Profile::Handfast));
    for other in ["https://registry.example/", "https://Registry.example", "registry.example", ""] {
        assert!(facts.issuer(other).is_none(), "{other}");
    }
    assert_eq!(facts.issuers().count(), 1);
}

/// P-17: an issuer whose word on agents counts and of whom nothing is known is unknown, not clear.
#[test]
fn a_listing_that_nobody_follows_clears_nobody() {
    let second = "https://second.example";
    let listing = TrustedIssuer { agent_status: vec![second.to_owned()], ..limited(ISSUER) };
    let followed = facts_of(limited(second), &other_agent(), nothing_revoked());
    let reason = |others: Vec<IssuerFacts>| {
        let ours = facts_of(listing.clone(), &issuer(), nothing_revoked());
        let server = Server { facts: Facts::new([ours].into_iter().chain(others)), ..Server::new() };
        server.reason(&Request::with(&claims(&agent()), &agent()))
    };
    assert_eq!(reason(vec![followed]), "accepted");
    assert_eq!(reason(vec![]), "status_unknown");
}

fn by_lists(key: Option<handfast_identity::DidKey>, origins: &[&str]) -> TrustedIssuer {
    let origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
    TrustedIssuer { status: StatusSource::StatusList { key, origins }, ..limited("https://b.example/tenant") }
}

#[test]
fn a_record_by_lists_names_origins_and_for_a_registry_the_key() {
    let issuer = || "https://b.example/tenant".to_owned();
    let key = || Some(did(&feed()));
    check(&[by_lists(key(), &["https://lists.example", "https://lists.example:8443"])], Ok(()));
    for wrong in ["lists.example", "https://lists.example/", "https://lists.example:443", "https://Lists.example", ""] {
        check(
            &[by_lists(key(), &["https://lists.example", wrong])],
            Err(TrustError::StatusOrigin { issuer: issuer(), origin: wrong.to_owned() }),
        );
    }
    check(&[by_lists(None, &[])], Err(TrustError::StatusKey(issuer())));
    check(&[TrustedIssuer { profile: Profile::Rfc9068, ..by_lists(None, &[]) }], Ok(()));
    // lists say nothing of names
    let listing = TrustedIssuer { agent_status: vec![issuer()], ..limited("https://a.example") };
    check(&[listing, by_lists(key(), &[])], Err(TrustError::AgentStatus(issuer())));
}

#[test]
fn a_registry_is_asked_about_tokens_by_an_agent_and_any_other_issuer_by_a_client() {
    let issuer = || "https://b.example/tenant".to_owned();
    let record = |profile, caller| TrustedIssuer {
        profile,
        status: StatusSource::Introspection { caller, endpoint: None },
        ..limited("https://b.example/tenant")
    };
    let agent = || IntrospectionCaller::Agent { key_file: "key".into() };
    let client = || IntrospectionCaller::Client { id: "api".to_owned(), secret_file: "secret".into() };
    let signing = || IntrospectionCaller::SigningClient { id: "api".to_owned(), key_file: "key".into() };
    check(&[record(Profile::Handfast, agent())], Ok(()));
    for client in [client(), signing()] {
        check(&[record(Profile::Rfc9068, client.clone())], Ok(()));
        check(&[record(Profile::Handfast, client)], Err(TrustError::IntrospectionCaller(issuer())));
    }
    check(&[record(Profile::Rfc9068, agent())], Err(TrustError::IntrospectionCaller(issuer())));
    // what is said of one token says nothing of names
    let listing = TrustedIssuer { agent_status: vec![issuer()], ..limited("https://a.example") };
    check(&[listing, record(Profile::Handfast, agent())], Err(TrustError::AgentStatus(issuer())));
    // and a record of one that is asked may list a feed
    let by_feed = limited("https://a.example");
    let listed =
        TrustedIssuer { agent_status: vec!["https://a.example".to_owned()], ..record(Profile::Handfast, agent()) };
    check(&[by_feed, listed], Ok(()));
}

/// TSL-30
#[test]
fn lists_live_at_the_issuers_origin_or_one_that_is_named() {
    let record = by_lists(Some(did(&feed())), &["https://lists.example"]);
    for uri in ["https://b.example/status-lists/0", "https://b.example:443/x?y", "https://lists.example/0"] {
        assert!(record.may_list_at(uri), "{uri}");
    }
    for uri in [
        "https://c.example/status-lists/0",
        "https://b.example.c.example/0",
        "https://b.example@c.example/0",
        "https://b.example:8443/0",
        "http://b.example/0",
        "https://lists.example:8443/0",
        "file:///etc/passwd",
        "/status-lists/0",
        "",
    ] {
        assert!(!record.may_list_at(uri), "{uri}");
    }
    assert!(!trust().may_list_at("https://registry.example/status-lists/0"), "who follows a feed fetches no list");
}

/// A facts' source that has lists, or answers about tokens, where names are asked for knows nothing of them.
#[test]
fn a_listing_by_lists_clears_nobody() {
    let second = "https://second.example";
    let listing = TrustedIssuer { agent_status: vec![second.to_owned()], ..limited(ISSUER) };
    for status in [Status::Lists(Default::default()), Status::Introspected(Default::default())] {
        let second = facts_of(limited(second), &other_agent(), status);
        let ours = facts_of(listing.clone(), &issuer(), nothing_revoked());
        let server = Server { facts: Facts::new([ours, second]), ..Server::new() };
        assert_eq!(server.reason(&Request::with(&claims(&agent()), &agent())), "status_unknown");
    }
}
