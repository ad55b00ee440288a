//! Stateless nonces: a time step and a keyed tag over it (DPOP-59, DPOP-62).

use core::fmt;

use handfast_identity::{RandomSource, Seconds, UnixTime, base64url, random_bytes};
use ring::hmac;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Nonce, NonceError, NonceSource, NonceTime};

/// Length of one step by default; the pattern of node-oidc-provider (spec/dpop-profile.md, nonces).
pub const NONCE_PERIOD: Seconds = Seconds::new(60);
const MIN_PERIOD: Seconds = Seconds::new(4);
const MAX_PERIOD: Seconds = Seconds::new(600); // a nonce older than the widest proof window has no use

/// Steps before and after the current one whose nonces are accepted, so that parallel requests survive a rotation.
const STEPS_AROUND: u64 = 1;
/// In the last quarter of a step the next one's nonce is handed out (DPOP-66).
const EARLY_QUARTER: u64 = 4;
const STEP_BYTES: usize = 8;
/// 128 bits of the tag: guessing one takes 2^127 requests, within the two steps it is good for.
const TAG_BYTES: usize = 16;

/// Which server hands the nonce out. One of the other role is unknown, although the secret may be the same (DPOP-10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceRole {
    /// The token endpoint and the registry's own calls.
    AuthorizationServer,
    /// A protected resource.
    ResourceServer,
}

impl NonceRole {
    /// Both labels have the same length, so that label and step cannot be shifted against each other.
    const fn label(self) -> &'static [u8] {
        match self {
            Self::AuthorizationServer => b"handfast dpop nonce: as",
            Self::ResourceServer => b"handfast dpop nonce: rs",
        }
    }
}

/// The secret behind a server's nonces; wiped when dropped.
///
/// Fresh for each process: a nonce then also proves that its proof is younger than this process, which is what closes the
/// hole a restart leaves in a replay store in memory ([`RestartRule`](super::RestartRule)). Processes may share one only if
/// they share a replay store that outlives each of them.
pub struct NonceSecret(Box<Zeroizing<[u8; 32]>>);

impl NonceSecret {
    /// A fresh secret.
    pub fn generate(random: &mut dyn RandomSource) -> Self {
        Self(Box::new(Zeroizing::new(random_bytes(random))))
    }

    /// A secret shared with the other processes of a cluster.
    #[must_use]
    pub fn from_shared(bytes: &[u8; 32]) -> Self {
        Self(Box::new(Zeroizing::new(*bytes)))
    }
}

impl fmt::Debug for NonceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NonceSecret(redacted)")
    }
}

/// Makes and recognises the nonces of one role without remembering any.
///
/// A nonce is base64url of a 64-bit step number and 128 bits of HMAC-SHA256 over role and step. Those of the current step,
/// the one before and the one after are accepted; after two rotations a nonce is worth nothing. Nonces are not bound to a
/// client, so several requests may use one, each with its own `jti` (DPOP-63).
///
/// ```
/// use handfast_dpop::{NONCE_PERIOD, NonceError, NonceKeys, NonceRole, NonceSecret, NonceSource};
/// use handfast_identity::{Seconds, UnixTime};
/// let secret = NonceSecret::from_shared(&[7; 32]);
/// let keys = NonceKeys::new(&secret, NonceRole::ResourceServer, NONCE_PERIOD)?;
/// let now = UnixTime::from_secs(1_795_262_400);
/// let nonce = keys.issue(now);
/// assert!(keys.check(nonce.as_str(), now).is_ok());
/// assert_eq!(keys.check(nonce.as_str(), now.saturating_add(Seconds::new(121))), Err(NonceError::OutOfWindow));
/// # Ok::<(), handfast_dpop::PeriodError>(())
/// ```
pub struct NonceKeys {
    /// The two hash states that ring derives from the secret; the secret itself is not kept.
    key: hmac::Key,
    role: NonceRole,
    period: u64,
}

impl NonceKeys {
    /// Nonces of `role` under `secret` that rotate every `period`.
    ///
    /// # Errors
    ///
    /// [`PeriodError`] for a period outside 4 to 600 seconds, both included.
    pub fn new(secret: &NonceSecret, role: NonceRole, period: Seconds) -> Result<Self, PeriodError> {
        if !(MIN_PERIOD..=MAX_PERIOD).contains(&period) {
            return Err(PeriodError);
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.0.as_ref().as_ref());
        Ok(Self { key, role, period: period.get() })
    }

    fn tag(&self, step: u64) -> [u8; TAG_BYTES] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(self.role.label());
        context.update(&step.to_be_bytes());
        let full = context.sign();
        let mut tag = [0; TAG_BYTES];
        tag.iter_mut().zip(full.as_ref()).for_each(|(out, byte)| *out = *byte);
        tag
    }

    fn time_of(&self, step: u64) -> NonceTime {
        let start_of = |step: u64| UnixTime::from_secs(step.saturating_mul(self.period));
        NonceTime {
            step_start: start_of(step),
            good_until: start_of(step.saturating_add(1 + STEPS_AROUND)).saturating_sub(Seconds::new(1)),
        }
    }
}

impl NonceSource for NonceKeys {
    fn issue(&self, now: UnixTime) -> Nonce {
        let step = now.saturating_add(Seconds::new(self.period / EARLY_QUARTER)).as_secs() / self.period;
        let mut bytes = [0; STEP_BYTES + TAG_BYTES];
        let content = step.to_be_bytes().into_iter().chain(self.tag(step));
        bytes.iter_mut().zip(content).for_each(|(out, byte)| *out = byte);
        Nonce(base64url::encode(&bytes))
    }

    fn check(&self, nonce: &str, now: UnixTime) -> Result<NonceTime, NonceError> {
        let bytes: [u8; STEP_BYTES + TAG_BYTES] = base64url::decode_array(nonce).map_err(|_| NonceError::Unknown)?;
        let (step, tag) = bytes.split_first_chunk::<STEP_BYTES>().ok_or(NonceError::Unknown)?;
        let step = u64::from_be_bytes(*step);
        if !bool::from(self.tag(step).ct_eq(tag)) {
            return Err(NonceError::Unknown); // P-20
        }
        if step.abs_diff(now.as_secs() / self.period) > STEPS_AROUND {
            return Err(NonceError::OutOfWindow);
        }
        Ok(self.time_of(step))
    }
}

impl fmt::Debug for NonceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NonceKeys({:?}, every {} s)", self.role, self.period)
    }
}

/// The period is outside its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeriodError;

impl fmt::Display for PeriodError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a nonce period is {} to {} seconds", MIN_PERIOD.get(), MAX_PERIOD.get())
    }
}

impl core::error::Error for PeriodError {}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed set-up should stop the test")]
mod tests {
    use super::*;

    const START: u64 = 1_795_262_400; // the first second of a 60 s step

    fn keys(secret: u8, role: NonceRole) -> NonceKeys {
        let secret = NonceSecret::from_shared(&[secret; 32]);
        NonceKeys {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret.0.as_ref().as_ref()),
            role,
            period: NONCE_PERIOD.get(),
        }
    }

    fn ours() -> NonceKeys {
        keys(1, NonceRole::ResourceServer)
    }

    fn at(offset: i64) -> UnixTime {
        UnixTime::from_secs(START.saturating_add_signed(offset))
    }

    fn issued_at(offset: i64) -> String {
        ours().issue(at(offset)).as_str().to_owned()
    }

    #[test]
    fn a_nonce_lives_through_one_rotation_and_not_two() {
        let nonce = issued_at(0);
        let time = NonceTime { step_start: at(0), good_until: at(119) };
        let cases = [
            (-61, Err(NonceError::OutOfWindow)), // the clock was set back: a new one is handed out, nothing breaks
            (-60, Ok(time)),
            (0, Ok(time)),
            (59, Ok(time)),
            (60, Ok(time)),
            (119, Ok(time)),
            (120, Err(NonceError::OutOfWindow)), // TH24
            (86_400, Err(NonceError::OutOfWindow)),
        ];
        for (offset, expected) in cases {
            assert_eq!(ours().check(&nonce, at(offset)), expected, "{offset}");
        }
    }

    #[test]
    fn the_next_nonce_is_handed_out_before_the_old_one_ends() {
        assert_eq!(issued_at(0), issued_at(44));
        assert_ne!(issued_at(44), issued_at(45));
        assert_eq!(issued_at(45), issued_at(60));
        // whenever it is handed out, it is good for a whole step after that
        for offset in 0..120 {
            assert!(ours().check(&issued_at(offset), at(offset + 60)).is_ok(), "{offset}");
        }
    }

    #[test]
    fn only_the_same_role_and_secret_know_a_nonce() {
        let nonce = issued_at(0);
        let others = [keys(1, NonceRole::AuthorizationServer), keys(2, NonceRole::ResourceServer)];
        for other in others {
            assert_eq!(other.check(&nonce, at(0)), Err(NonceError::Unknown)); // TH25, and a process started anew
        }
        assert!(ours().check(&nonce, at(0)).is_ok());
    }

    #[test]
    fn anything_but_the_exact_text_is_unknown() {
        let nonce = issued_at(0);
        for position in 0..nonce.len() {
            let mut altered = nonce.clone().into_bytes();
            altered[position] = if altered[position] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(ours().check(&altered, at(0)), Err(NonceError::Unknown), "{position}");
        }
        for altered in
            [String::new(), format!("{nonce}="), format!("{nonce}A"), format!(" {nonce}"), nonce[1..].to_owned()]
        {
            assert_eq!(ours().check(&altered, at(0)), Err(NonceError::Unknown), "{altered}");
        }
    }

    #[test]
    fn nonces_are_header_values_and_differ_by_step() {
        let texts: Vec<String> = (0..5).map(|step| issued_at(60 * step)).collect();
        for (place, text) in texts.iter().enumerate() {
            assert!(Nonce::parse(text).is_ok(), "{text}");
            assert!(texts.iter().skip(place + 1).all(|other| other.get(11..) != text.get(11..)));
        }
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        for now in [UnixTime::EPOCH, UnixTime::from_secs(u64::MAX)] {
            let nonce = ours().issue(now);
            assert!(ours().check(nonce.as_str(), now).is_ok(), "{now}");
        }
    }

    #[test]
    fn periods_have_bounds() {
        let secret = NonceSecret::from_shared(&[1; 32]);
        for (period, expected) in [(3, Err(PeriodError)), (4, Ok(())), (600, Ok(())), (601, Err(PeriodError))] {
            let keys = NonceKeys::new(&secret, NonceRole::ResourceServer, Seconds::new(period));
            assert_eq!(keys.map(drop), expected, "{period}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", NonceSecret::from_shared(&[1; 32])), "NonceSecret(redacted)");
        assert_eq!(format!("{:?}", ours()), "NonceKeys(ResourceServer, every 60 s)");
        assert_eq!(format!("{:?}", ours().issue(at(0))), "Nonce(redacted)");
    }
}
