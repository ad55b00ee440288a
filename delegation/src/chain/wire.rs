//! The JSON of a hop. Unlike in tokens, an unknown member is refused: it may be a restriction.

use handfast_identity::{DidKey, json};
use serde::{Deserialize, Serialize};

use super::ChainError;
use super::hop::{Hop, MAX_HOP_LIFETIME};
use super::unverified::KnownKeys;
use crate::hash::{HashWire, ThumbprintWire};
use crate::numeric::Numeric;
use crate::resource::ResourcesWire;
use crate::text::{Keep, TextWire};
use crate::tools::DetailsWire;
use crate::{Authority, Budget, Scope};

/// Longest `jti` of a hop (spec/limits.md).
const MAX_HOP_ID_BYTES: usize = 64;
/// Longest `sub` or `task` read (spec/limits.md).
const MAX_NAME_BYTES: usize = 2048;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HopWire<'a> {
    #[serde(borrow)]
    iss: TextWire<'a>,
    #[serde(borrow)]
    aud: TextWire<'a>,
    #[serde(borrow)]
    sub: TextWire<'a>,
    #[serde(deserialize_with = "json::object")]
    cnf: ConfirmationWire,
    #[serde(borrow)]
    task: TextWire<'a>,
    #[serde(borrow)]
    scope: TextWire<'a>,
    #[serde(borrow)]
    resource: ResourcesWire<'a>,
    #[serde(borrow, default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    authorization_details: Option<DetailsWire<'a>>,
    #[serde(default, deserialize_with = "json::optional_object", skip_serializing_if = "Option::is_none")]
    budget: Option<Budget>,
    del_depth: u8,
    del_max_depth: u8,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    inst: Option<bool>,
    iat: Numeric,
    exp: Numeric,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    nbf: Option<Numeric>,
    #[serde(borrow)]
    jti: TextWire<'a>,
    par_hash: HashWire,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ConfirmationWire {
    jkt: ThumbprintWire,
}

impl Hop {
    /// What `wire` says, its texts kept by `keep`; the delegate's key may be `known`.
    pub(super) fn of_wire(wire: HopWire<'_>, keep: &Keep<'_>, known: &KnownKeys<'_>) -> Result<Self, ChainError> {
        let is_named = |text: &str, most: usize| !text.is_empty() && text.len() <= most;
        let issued_at = wire.iat.time().ok_or(ChainError::Malformed)?;
        let expires_at = wire.exp.time().ok_or(ChainError::Malformed)?;
        let not_before = wire.nbf.map(|nbf| nbf.time().ok_or(ChainError::Malformed)).transpose()?;
        let scope = Scope::read(&wire.scope, keep).map_err(|_| ChainError::Malformed)?;
        let resources = wire.resource.each_once(keep).ok_or(ChainError::Malformed)?;
        let is_sound = is_named(&wire.sub, MAX_NAME_BYTES)
            && is_named(&wire.task, MAX_NAME_BYTES)
            && is_named(&wire.jti, MAX_HOP_ID_BYTES)
            && wire.inst != Some(false)
            && wire.del_depth >= 1
            // DEL-23: absent never means everything
            && !scope.is_empty()
            && !resources.is_empty()
            // DEL-24
            && expires_at > issued_at
            && expires_at.since(issued_at) <= MAX_HOP_LIFETIME;
        if !is_sound {
            return Err(ChainError::Malformed);
        }
        let delegate = DidKey::parse_known(&wire.aud, known).map_err(|_| ChainError::Malformed)?;
        // DEL-33: the key is a function of the DID
        if !delegate.thumbprint().is_same_key(&wire.cnf.jkt.0) {
            return Err(ChainError::Malformed);
        }
        // unknown denies: a type or constraint that is not read here cannot be compared
        let tools = wire.authorization_details.map(|details| details.tools()).transpose();
        Ok(Self {
            delegator: keep(&wire.iss),
            delegate,
            subject: keep(&wire.sub),
            task: keep(&wire.task),
            authority: Authority {
                scope,
                resources,
                tools: tools.map_err(|_| ChainError::Malformed)?,
                budget: wire.budget,
                expires_at,
                max_depth: wire.del_max_depth,
            },
            issued_at,
            not_before,
            hop_id: keep(&wire.jti),
            depth: wire.del_depth,
            is_instance: wire.inst.is_some(),
            parent: wire.par_hash.0,
        })
    }
}

impl<'a> From<&'a Hop> for HopWire<'a> {
    fn from(hop: &'a Hop) -> Self {
        let authority = &hop.authority;
        Self {
            iss: hop.delegator.as_str().into(),
            aud: hop.delegate.as_str().into(),
            sub: hop.subject.as_str().into(),
            cnf: ConfirmationWire { jkt: ThumbprintWire(hop.delegate.thumbprint()) },
            task: hop.task.as_str().into(),
            scope: authority.scope.as_str().into(),
            resource: ResourcesWire::Written(&authority.resources),
            authorization_details: authority.tools.as_ref().map(DetailsWire::Written),
            budget: authority.budget,
            del_depth: hop.depth,
            del_max_depth: authority.max_depth,
            inst: hop.is_instance.then_some(true),
            iat: Numeric::from(hop.issued_at),
            exp: Numeric::from(authority.expires_at),
            nbf: hop.not_before.map(Numeric::from),
            jti: hop.hop_id.as_str().into(),
            par_hash: HashWire(hop.parent),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::needless_pass_by_value)] // a failed set-up should stop the test
mod tests {
    use handfast_identity::{ContentHash, SigningKey, UnixTime};
    use serde_json::{Map, Value, json};

    use super::super::sample::{BEGIN, did, hop, parts, signed};
    use super::super::{MAX_HOP_BYTES, UnverifiedHop};
    use super::*;
    use crate::{DETAILS_TYPE, Rate, Tools};

    type Parts = (Map<String, Value>, Map<String, Value>);

    fn check(what: &str, alter: impl FnOnce(&mut Parts), expected: Result<(), ChainError>) {
        let mut parts = parts();
        alter(&mut parts);
        assert_eq!(UnverifiedHop::parse(&signed(&parts)).map(drop), expected, "{what}");
    }

    fn refuse_claim(name: &str, value: Value) {
        let what = format!("{name}: {value}");
        check(&what, |parts| drop(parts.1.insert(name.to_owned(), value)), Err(ChainError::Malformed));
    }

    fn take_claim(name: &str, value: Value) {
        let what = format!("{name}: {value}");
        check(&what, |parts| drop(parts.1.insert(name.to_owned(), value)), Ok(()));
    }

    fn full() -> Hop {
        let parent = hop(1, ContentHash::of(b"the root"));
        let tools = json!([{"type": DETAILS_TYPE, "tools": {"read": {"at": {"constraint_type": "range", "min": 0}}}}]);
        Hop {
            authority: Authority {
                tools: Some(Tools::from_details(&tools).unwrap()),
                budget: Some(Budget::new(Some(50), Some(Rate { uses: 10, seconds: 60 })).unwrap()),
                ..parent.authority.clone()
            },
            not_before: Some(UnixTime::from_secs(BEGIN.as_secs() + 1)),
            is_instance: true,
            ..parent
        }
    }

    #[test]
    fn print_and_parse_agree() {
        for hop in [hop(1, ContentHash::of(b"the root")), full()] {
            let text = hop.sign(&super::super::sample::key(0)).unwrap();
            let read = UnverifiedHop::parse(&text).map(|read| read.unverified_hop().clone());
            assert_eq!(read, Ok(hop));
        }
    }

    #[test]
    fn what_is_absent_is_not_written() {
        let (_, claims) = parts();
        for name in ["authorization_details", "budget", "inst", "nbf"] {
            assert!(!claims.contains_key(name), "{name}");
        }
        check("as it is", |_| {}, Ok(()));
    }

    #[test]
    fn every_member_that_has_to_be_there_is() {
        for name in [
            "iss",
            "aud",
            "sub",
            "cnf",
            "task",
            "scope",
            "resource",
            "del_depth",
            "del_max_depth",
            "iat",
            "exp",
            "jti",
            "par_hash",
        ] {
            check(name, |parts| drop(parts.1.remove(name).unwrap()), Err(ChainError::Malformed));
            refuse_claim(name, Value::Null);
        }
    }

    #[test]
    fn no_other_member_is_read() {
        for name in ["note", "act", "may_act", "del_offline", "client_id", "env"] {
            refuse_claim(name, json!({"sub": "x"}));
        }
        refuse_claim("cnf", json!({"jkt": did(1).thumbprint().to_string(), "x5t#S256": "x"}));
        refuse_claim("budget", json!({"max_uses": 1, "note": 1}));
        let other = [json!({"type": "payment"}), json!({"type": DETAILS_TYPE, "tools": {}, "actions": []})];
        for details in other.map(|one| json!([one])).into_iter().chain([json!([]), json!({})]) {
            refuse_claim("authorization_details", details);
        }
    }

    #[test]
    fn parties_are_keys_in_their_one_spelling() {
        let other = did(2).to_string();
        refuse_claim("aud", json!([did(1).as_str()]));
        refuse_claim("aud", json!(format!("{} ", did(1))));
        refuse_claim("aud", json!("did:web:api.example"));
        // DEL-33: `cnf` is the key of `aud`
        refuse_claim("aud", json!(other));
        refuse_claim("cnf", json!({"jkt": did(2).thumbprint().to_string()}));
        refuse_claim("cnf", json!({"jkt": ""}));
        refuse_claim("cnf", json!([did(1).thumbprint().to_string()]));
    }

    #[test]
    fn names_are_not_empty_and_bounded() {
        for (name, most) in [("sub", MAX_NAME_BYTES), ("task", MAX_NAME_BYTES), ("jti", MAX_HOP_ID_BYTES)] {
            refuse_claim(name, json!(""));
            refuse_claim(name, json!(7));
            take_claim(name, json!("x".repeat(most)));
            refuse_claim(name, json!("x".repeat(most + 1)));
        }
        refuse_claim("par_hash", json!("x"));
        refuse_claim("par_hash", json!(format!("{}=", ContentHash::of(b"p"))));
    }

    #[test]
    fn scope_and_resources_are_never_empty() {
        // DEL-23
        for scope in [json!(""), json!(" a"), json!("a  b"), json!("a a"), json!(["a"])] {
            refuse_claim("scope", scope);
        }
        let api = "https://api.example";
        for resources in [json!([]), json!([api, api]), json!(api), json!(["api"]), json!([format!("{api}#f")])] {
            refuse_claim("resource", resources);
        }
        take_claim("resource", json!([api, "https://files.example"]));
    }

    #[test]
    fn times_are_integers_and_lives_short() {
        // DEL-24
        let begin = BEGIN.as_secs();
        for (exp, is_good) in [(begin, false), (begin + 1, true), (begin + 3600, true), (begin + 3601, false)] {
            if is_good { take_claim("exp", json!(exp)) } else { refuse_claim("exp", json!(exp)) }
        }
        refuse_claim("exp", json!(begin - 1));
        for name in ["iat", "exp", "nbf"] {
            for value in [json!("1"), json!(begin as f64 + 0.5), json!(-1), json!(1_u64 << 53), json!(null)] {
                refuse_claim(name, value);
            }
        }
    }

    #[test]
    fn depths_fit_a_byte_and_an_instance_is_one() {
        for value in [json!(0), json!(-1), json!(256), json!(1.0), json!("1")] {
            refuse_claim("del_depth", value);
        }
        take_claim("del_depth", json!(255));
        take_claim("del_max_depth", json!(0));
        refuse_claim("del_max_depth", json!(256));
        take_claim("inst", json!(true));
        for value in [json!(false), json!(null), json!(1), json!("true")] {
            refuse_claim("inst", value);
        }
    }

    #[test]
    fn the_header_says_what_it_is_and_whose() {
        let header = |name: &str, value: Value| {
            let what = format!("header {name}: {value}");
            check(&what, |parts| drop(parts.0.insert(name.to_owned(), value)), Err(ChainError::Malformed));
        };
        for typ in ["at+jwt", "dpop+jwt", "JWT", "Delegation+jwt", "application/delegation+jwt"] {
            header("typ", json!(typ));
        }
        let own = did(0).as_str().to_owned();
        for kid in [own.clone(), did(1).key_id(), format!("{own}#{}", did(1).fragment()), format!("{own}#"), "k".into()]
        {
            header("kid", json!(kid));
        }
        header("jwk", serde_json::from_str(&SigningKey::from_ed25519_seed(&[0; 32]).public().to_jwk()).unwrap());
        header("alg", json!("none"));
        header("crit", json!(["x"]));
        for name in ["typ", "kid", "alg"] {
            check(name, |parts| drop(parts.0.remove(name).unwrap()), Err(ChainError::Malformed));
        }
    }

    #[test]
    fn a_hop_is_bounded_and_nothing_else_than_a_jws() {
        let details = |bytes: usize| json!([{"type": DETAILS_TYPE, "tools": {"a": {"x": {"constraint_type": "exact", "value": "x".repeat(bytes)}}}}]);
        let signed_with = |bytes: usize| {
            let mut parts = parts();
            parts.1.insert("authorization_details".to_owned(), details(bytes));
            signed(&parts)
        };
        let about = (MAX_HOP_BYTES - signed_with(0).len()) * 3 / 4;
        let longest = (0..about + 4).rev().find(|bytes| signed_with(*bytes).len() <= MAX_HOP_BYTES).unwrap();
        assert!(UnverifiedHop::parse(&signed_with(longest)).is_ok());
        assert_eq!(UnverifiedHop::parse(&signed_with(longest + 4)).map(drop), Err(ChainError::Malformed));
        for text in ["", "a.b", "a.b.c", "a.b.c.d"] {
            assert_eq!(UnverifiedHop::parse(text).map(drop), Err(ChainError::Malformed), "{text}");
        }
    }
}
