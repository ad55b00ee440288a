//! The answers a server holds of one issuer: few, and for a short time (INT-06).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use handfast_identity::{ContentHash, Seconds, UnixTime};

use super::IntrospectionAnswer;
use crate::Rejection;

/// How long an answer counts, both ends included (INT-06, spec/limits.md): what is revoked meanwhile is not noticed.
pub const INTROSPECTION_TTL: Seconds = Seconds::new(5);
/// Most answers held of one issuer (spec/limits.md): 800 tokens a second that are asked about once each.
pub const MAX_INTROSPECTIONS: usize = 4096;

/// What is held of one issuer, by the hash of the token. Shared by whoever asks and whoever checks.
#[derive(Debug, Default)]
pub struct Introspections {
    held: Mutex<HashMap<ContentHash, Held>>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    is_active: bool,
    asked_at: UnixTime,
    /// The last second at which it counts.
    counts_until: UnixTime,
}

impl Introspections {
    /// Takes in what was answered about `token` to a question of `asked_at`: what was revoked while it was under way may be missing.
    pub fn take_in(&self, token: ContentHash, answer: IntrospectionAnswer, asked_at: UnixTime) {
        let oldest = asked_at.saturating_add(INTROSPECTION_TTL);
        // an issuer may be lenient about the end: its word then counts for the moment in which it was asked
        let counts_until = answer.expires_at().map_or(oldest, |end| end.max(asked_at).min(oldest));
        let mut held = self.held();
        if held.len() >= MAX_INTROSPECTIONS && !held.contains_key(&token) {
            held.retain(|_, answer| asked_at <= answer.counts_until);
            if held.len() >= MAX_INTROSPECTIONS {
                let oldest = held.iter().min_by_key(|(_, answer)| answer.asked_at).map(|(token, _)| *token);
                oldest.and_then(|token| held.remove(&token));
            }
        }
        held.insert(token, Held { is_active: answer.is_active(), asked_at, counts_until });
    }

    /// Whether an answer about `token` is held that counts at `now`.
    #[must_use]
    pub fn knows(&self, token: ContentHash, now: UnixTime) -> bool {
        self.answer(token, now).is_some()
    }

    /// How many answers are held, those that do not count any more included.
    #[must_use]
    pub fn held_count(&self) -> usize {
        self.held().len()
    }

    /// Refuses a token that its issuer says is not active.
    ///
    /// # Errors
    ///
    /// [`Rejection::IntrospectionMissing`] where nothing is held that counts; [`Rejection::TokenRevoked`].
    pub(crate) fn require_active(&self, token: ContentHash, now: UnixTime) -> Result<(), Rejection> {
        match self.answer(token, now) {
            None => Err(Rejection::IntrospectionMissing),
            Some(Held { is_active: true, .. }) => Ok(()),
            Some(Held { is_active: false, .. }) => Err(Rejection::TokenRevoked),
        }
    }

    fn answer(&self, token: ContentHash, now: UnixTime) -> Option<Held> {
        // a clock that was set back has no say in how old an answer is
        self.held().get(&token).copied().filter(|held| held.asked_at <= now && now <= held.counts_until)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<ContentHash, Held>> {
        // an answer is put in as a whole, so a panic elsewhere leaves none half done
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed set-up should stop the test")]
mod tests {
    use handfast_delegation::{AccessToken, UnverifiedAccessToken};
    use handfast_identity::SigningKey;
    use serde_json::{Value, json};

    use super::super::{AnswerError, MAX_INTROSPECTION_BYTES};
    use super::*;

    const NOW: u64 = 1_795_262_400;
    const JKT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

    fn at(offset: u64) -> UnixTime {
        UnixTime::from_secs(NOW + offset)
    }

    /// A token of half a minute.
    fn token() -> AccessToken {
        let claims = json!({
            "iss": "https://login.example", "sub": "user:1", "client_id": "client-1", "aud": "https://api.example",
            "scope": "files:read", "iat": NOW, "exp": NOW + 30, "jti": "tok_1", "cnf": {"jkt": JKT}
        });
        let text = handfast_identity::jws::sign("at+jwt", Some("k"), &claims, &SigningKey::from_ed25519_seed(&[9; 32]));
        UnverifiedAccessToken::parse(&text.unwrap()).unwrap().unverified_claims().clone()
    }

    fn answer(told: &Value) -> Result<IntrospectionAnswer, AnswerError> {
        IntrospectionAnswer::parse(told.to_string().as_bytes(), &token())
    }

    fn name(number: usize) -> ContentHash {
        ContentHash::of(&number.to_be_bytes())
    }

    #[test]
    fn an_answer_is_about_the_token_or_about_nothing() {
        let whole = json!({
            "active": true, "iss": "https://login.example", "sub": "user:1", "client_id": "client-1", "jti": "tok_1",
            "cnf": {"jkt": JKT}, "exp": NOW + 30, "token_type": "DPoP", "scope": "files:read", "x": [1, {"y": 2}]
        });
        for told in [
            whole.clone(),
            json!({"active": true}),
            json!({"active": true, "cnf": {"x5t#S256": "x"}}),
            json!({"active": true, "iss": null, "sub": null, "cnf": null, "exp": null}),
        ] {
            assert!(answer(&told).unwrap().is_active(), "{told}");
        }
        for member in ["iss", "sub", "client_id", "jti"] {
            let mut other = whole.clone();
            other[member] = json!("other");
            assert_eq!(answer(&other), Err(AnswerError::OtherToken(member)));
            // who is not active says nothing more, and need not be right about it
            other["active"] = json!(false);
            assert!(!answer(&other).unwrap().is_active());
        }
        let mut other = whole;
        other["cnf"] = json!({"jkt": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"});
        assert_eq!(answer(&other), Err(AnswerError::OtherToken("cnf")));
    }

    #[test]
    fn what_is_no_answer_says_nothing() {
        for text in [
            "",
            "[]",
            "null",
            "{}",
            "true",
            r#"{"active":"true"}"#,
            r#"{"active":1}"#,
            r#"{"active":null}"#,
            r#"{"active":false,"active":true}"#,
            r#"{"active":true,"exp":"soon"}"#,
            r#"{"active":true,"iss":1}"#,
            r#"{"active":true} {}"#,
        ] {
            assert!(
                matches!(IntrospectionAnswer::parse(text.as_bytes(), &token()), Err(AnswerError::Form(_))),
                "{text}"
            );
        }
        let long = format!(r#"{{"active":true,"x":"{}"}}"#, "x".repeat(MAX_INTROSPECTION_BYTES));
        assert!(IntrospectionAnswer::parse(long.as_bytes(), &token()).is_err());
    }

    /// INT-06: last seconds at which an answer counts.
    #[test]
    fn int_06_an_answer_counts_for_a_short_time_and_never_beyond_the_end() {
        for (told, asked, last) in [
            (json!({"active": true}), 0, 5),
            (json!({"active": true, "exp": NOW + 3}), 0, 3),
            (json!({"active": true, "exp": NOW + 900}), 27, 30),
            (json!({"active": true}), 30, 30),
            // the issuer is lenient
            (json!({"active": true}), 40, 40),
        ] {
            let held = Introspections::default();
            held.take_in(name(0), answer(&told).unwrap(), at(asked));
            assert_eq!(held.require_active(name(0), at(last)), Ok(()), "{told} {asked}");
            assert_eq!(
                held.require_active(name(0), at(last + 1)),
                Err(Rejection::IntrospectionMissing),
                "{told} {asked}"
            );
            assert!(held.knows(name(0), at(last)) && !held.knows(name(0), at(last + 1)));
            // of a clock that went back
            assert_eq!(held.require_active(name(0), at(asked.saturating_sub(1))).is_ok(), asked == 0);
        }
        let held = Introspections::default();
        held.take_in(name(0), answer(&json!({"active": false})).unwrap(), at(0));
        assert_eq!(held.require_active(name(0), at(5)), Err(Rejection::TokenRevoked));
        assert_eq!(held.require_active(name(0), at(6)), Err(Rejection::IntrospectionMissing));
        assert_eq!(held.require_active(name(1), at(0)), Err(Rejection::IntrospectionMissing));
    }

    #[test]
    fn no_more_answers_are_held_than_there_is_room_for() {
        let held = Introspections::default();
        let good = || answer(&json!({"active": true})).unwrap();
        for number in 0..MAX_INTROSPECTIONS {
            held.take_in(name(number), good(), at(if number == 7 { 0 } else { 1 }));
        }
        // a newer one of the same token needs no room
        held.take_in(name(3), good(), at(2));
        assert!(held.knows(name(7), at(2)));
        held.take_in(name(MAX_INTROSPECTIONS), good(), at(2));
        assert!(!held.knows(name(7), at(2)) && held.knows(name(MAX_INTROSPECTIONS), at(2)));
        assert_eq!(held.held_count(), MAX_INTROSPECTIONS);
        // what does not count any more goes first
        held.take_in(name(MAX_INTROSPECTIONS + 1), good(), at(7));
        assert_eq!(held.held_count(), 3);
    }
}
