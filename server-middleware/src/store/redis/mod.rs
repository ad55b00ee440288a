//! A memory that all servers of one resource share: Redis 7 or Valkey, one writable node, told to evict nothing.
//!
//! Each question is one script, and so one atomic step. What the servers' memory may not do, this one refuses to do as well:
//!
//! - **It forgets nothing it still needs.** A node that may evict keys is not used. What is remembered lasts longer than any server
//!   could still ask for, as long as clocks are at most [`CLOCK_DIFFERENCE`] apart; if the server's and the node's are further apart,
//!   it answers "unavailable".
//! - **It knows when it began.** A node that lost its memory, or has just been set up, refuses every proof that could have been used
//!   before: with the defaults for two and a half minutes. Counts of budgets begin anew then; give the node a log (`appendonly yes`) where
//!   they must not.
//! - **It answers within [`ANSWER_TIME`]**, or the request is refused as "unavailable".
//!
//! A replica that takes over has what it was sent: what was remembered in the last moments before may be missing there.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use handfast_dpop::{NONCE_PERIOD, ProofWindow, Receipt, ReplayEntry, ReplayError, ReplayLimits};
use handfast_identity::{Seconds, UnixTime};
use handfast_verifier::budget::{BudgetError, BudgetLimits, Charge, Charges, Counter, Spent};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, FromRedisValue, Script, ScriptInvocation, cmd};
use thiserror::Error;

use super::{SharedStore, StoreAnswer};

/// How far the clocks of servers and node may be apart (spec/limits.md).
pub const CLOCK_DIFFERENCE: Seconds = Seconds::new(30);
/// How long an answer is waited for, reconnecting included (spec/limits.md).
pub const ANSWER_TIME: Duration = Duration::from_millis(500);

/// Answers of `spend.lua` that are no places of counters.
const SHARE_FULL: i64 = -1;
const CLOCKS_APART: i64 = -2;
const JUST_BEGUN: i64 = -3;

/// What a [`RedisStore`] is told beside its address. The same on every server that shares it.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// First part of every key, so that one node may serve several things.
    pub namespace: String,
    /// The widest proof window of the servers.
    pub window: ProofWindow,
    /// The period of the servers' nonces: where they replace the clock, a proof is good as long as its nonce, for three of them.
    pub nonce_period: Seconds,
    /// Most live proofs of one key, give or take as many as it made in the time one lives. Their total is the node's to bound.
    pub proofs_per_key: usize,
    /// Most live counts of one owner's tasks and the hops below them. Their total is the node's to bound.
    pub counts_per_owner: usize,
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self {
            namespace: "handfast".to_owned(),
            window: ProofWindow::default(),
            nonce_period: NONCE_PERIOD,
            proofs_per_key: ReplayLimits::default().per_key,
            counts_per_owner: BudgetLimits::default().per_owner,
        }
    }
}

/// The address is none.
#[derive(Debug, Error)]
#[error("not an address of Redis or Valkey: {0}")]
pub struct RedisAddressError(#[source] redis::RedisError);

/// Proofs and counts in Redis or Valkey.
pub struct RedisStore {
    connection: ConnectionManager,
    settings: RedisSettings,
    remember: Script,
    spend: Script,
    /// Whether the node was seen not to evict, since it last lost its memory.
    keeps: AtomicBool,
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl RedisStore {
    /// The store at `address`: `redis://…`, or `rediss://…` with TLS. It connects with the first question, and again whenever it has to;
    /// while it cannot, requests are refused as 503. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`RedisAddressError`] for what is no address. It may hold a password and is not repeated.
    pub fn new(address: &str, settings: RedisSettings) -> Result<Self, RedisAddressError> {
        let client = Client::open(address).map_err(RedisAddressError)?;
        let timing = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(ANSWER_TIME))
            .set_response_timeout(Some(ANSWER_TIME))
            .set_max_delay(ANSWER_TIME);
        Ok(Self {
            connection: ConnectionManager::new_lazy_with_config(client, timing).map_err(RedisAddressError)?,
            settings,
            remember: Script::new(include_str!("remember.lua")),
            spend: Script::new(include_str!("spend.lua")),
            keeps: AtomicBool::new(false),
        })
    }

    /// The longest that a proof can be good for: by its own time, or by that of its nonce.
    fn life(&self) -> Seconds {
        self.settings.window.total().max(Seconds::new(3 * self.settings.nonce_period.get()))
    }

    fn key(&self, kind: &str, parts: &[&[u8]]) -> Vec<u8> {
        let mut key = format!("{}:{kind}", self.settings.namespace).into_bytes();
        for part in parts {
            key.push(b':');
            key.extend_from_slice(part);
        }
        key
    }

    fn began(&self) -> Vec<u8> {
        self.key("began", &[])
    }

    async fn ask<T: FromRedisValue>(&self, question: &ScriptInvocation<'_>) -> Result<T, Trouble> {
        let mut connection = self.connection.clone();
        let answer = async {
            if !self.keeps.load(Ordering::Relaxed) {
                let memory: String = cmd("INFO").arg("memory").query_async(&mut connection).await?;
                require_no_eviction(&memory)?;
                self.keeps.store(true, Ordering::Relaxed);
            }
            Ok(question.invoke_async(&mut connection).await?)
        };
        let answered = tokio::time::timeout(ANSWER_TIME, answer).await.unwrap_or(Err(Trouble::Slow));
        if let Err(trouble) = &answered {
            tracing::warn!(%trouble, "the shared memory of proofs and budgets did not answer");
        }
        answered
    }

    /// A node without a memory may be another one, set up otherwise.
    fn note_lost_memory(&self) {
        self.keeps.store(false, Ordering::Relaxed);
        tracing::warn!(
            "the shared memory of proofs and budgets begins anew: proofs that may have been used are refused for a while"
        );
    }

    fn note_clocks(&self) {
        tracing::error!(
            most_seconds = CLOCK_DIFFERENCE.get(),
            "the clocks of this server and of the shared memory are too far apart"
        );
    }

    async fn remembered(&self, entry: &ReplayEntry, now: UnixTime) -> Result<Receipt, ReplayError> {
        let (window, life) = (self.settings.window, self.life());
        let mut question = self.remember.prepare_invoke();
        let stretch = |number: u64| self.key("n", &[entry.key().as_bytes(), &number.to_be_bytes()]);
        let number = entry.expires().as_secs() / life.get().max(1);
        question.key(self.began()).key(self.key("p", &[entry.fingerprint()]));
        question.key(stretch(number)).key(stretch(number.saturating_sub(1)));
        // a proof may be dated ahead, and another server's clock may be, too
        let first_use =
            entry.expires().saturating_sub(life).saturating_sub(window.future()).saturating_sub(CLOCK_DIFFERENCE);
        let lasts = entry.expires().since(now).get() + 1 + 2 * CLOCK_DIFFERENCE.get();
        question.arg(now.as_secs()).arg(CLOCK_DIFFERENCE.get()).arg(first_use.as_secs()).arg(lasts);
        question.arg(self.settings.proofs_per_key).arg(2 * life.get() + 2 * CLOCK_DIFFERENCE.get());
        match self.ask::<String>(&question).await.map_err(|trouble| trouble.of_proofs())?.as_str() {
            "ok" => Ok(Receipt::assertion(entry)),
            "replayed" => Err(ReplayError::Replayed),
            "share" => Err(ReplayError::KeyShareFull),
            "new" => {
                self.note_lost_memory();
                Err(ReplayError::Unavailable)
            }
            "clock" => {
                self.note_clocks();
                Err(ReplayError::Unavailable)
            }
            _ => Err(ReplayError::Unavailable),
        }
    }

    async fn spent(&self, charges: &Charges, now: UnixTime) -> Result<Spent, BudgetError> {
        let counters: Vec<(&Charge, Counter)> =
            charges.iter().flat_map(|charge| charge.counters(now).map(move |counter| (charge, counter))).collect();
        let mut question = self.spend.prepare_invoke();
        question.key(self.began()).key(self.key("o", &[charges.share()]));
        question.arg(now.as_secs()).arg(CLOCK_DIFFERENCE.get()).arg(self.settings.counts_per_owner);
        for (_, counter) in &counters {
            question.key(self.counter_key(counter)).arg(counter.limit).arg(counter.until.as_secs());
        }
        let places: Vec<i64> = self.ask(&question).await.map_err(|trouble| trouble.of_counts())?;
        match places.as_slice() {
            [] => Ok(Spent::assertion(charges)),
            [SHARE_FULL] => Err(BudgetError::ShareFull),
            [CLOCKS_APART] => {
                self.note_clocks();
                Err(BudgetError::Unavailable)
            }
            [JUST_BEGUN] => {
                self.note_lost_memory();
                Err(BudgetError::Unavailable)
            }
            places => {
                let at = |place: &i64| usize::try_from(*place).ok().and_then(|place| counters.get(place).copied());
                let spent: Vec<_> = places.iter().filter_map(at).collect();
                Err(BudgetError::spent(&spent, now).unwrap_or(BudgetError::Unavailable))
            }
        }
    }

    fn counter_key(&self, counter: &Counter) -> Vec<u8> {
        match counter.name.window {
            None => self.key("t", &[&counter.name.payer]),
            Some(window) => {
                let (begin, length) = (window.begin.as_secs().to_be_bytes(), window.length.get().to_be_bytes());
                self.key("w", &[&counter.name.payer, &begin, &length])
            }
        }
    }
}

impl SharedStore for RedisStore {
    fn remember<'a>(&'a self, entry: &'a ReplayEntry, now: UnixTime) -> StoreAnswer<'a, Receipt, ReplayError> {
        Box::pin(self.remembered(entry, now))
    }

    fn spend<'a>(&'a self, charges: &'a Charges, now: UnixTime) -> StoreAnswer<'a, Spent, BudgetError> {
        Box::pin(self.spent(charges, now))
    }
}

/// Why there is no answer. For the server's own log.
#[derive(Debug, Error)]
enum Trouble {
    #[error("{0}")]
    Redis(#[from] redis::RedisError),
    #[error("no answer within {} ms", ANSWER_TIME.as_millis())]
    Slow,
    #[error("it may evict keys: set `maxmemory-policy noeviction`")]
    Evicts,
}

impl Trouble {
    /// A node that evicts nothing and is full says so.
    fn is_full(&self) -> bool {
        matches!(self, Self::Redis(error) if error.code() == Some("OOM"))
    }

    fn of_proofs(&self) -> ReplayError {
        if self.is_full() { ReplayError::Full } else { ReplayError::Unavailable }
    }

    fn of_counts(&self) -> BudgetError {
        if self.is_full() { BudgetError::Full } else { BudgetError::Unavailable }
    }
}

/// Whether a node with this `INFO memory` forgets only what has expired.
fn require_no_eviction(info: &str) -> Result<(), Trouble> {
    let has = |line: &str| info.lines().any(|known| known.trim_end() == line);
    if has("maxmemory_policy:noeviction") || has("maxmemory:0") { Ok(()) } else { Err(Trouble::Evicts) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_that_evict_are_told_apart() {
        for (info, keeps) in [
            ("# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n", true),
            ("maxmemory:1000\r\nmaxmemory_policy:noeviction\r\n", true),
            ("maxmemory:1000\r\nmaxmemory_policy:volatile-ttl\r\n", false),
            ("maxmemory:01\r\n", false),
            ("", false),
        ] {
            assert_eq!(require_no_eviction(info).is_ok(), keeps, "{info:?}");
        }
    }

    #[test]
    fn an_address_is_not_repeated() {
        let refused = RedisStore::new("redis//:secret@host", RedisSettings::default()).err();
        assert!(refused.is_some_and(|error| !error.to_string().contains("secret")));
    }
}
