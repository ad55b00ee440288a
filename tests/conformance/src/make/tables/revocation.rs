//! Revocation names, the heads of a feed, and runs of feed messages (spec/revocation-feed.md).

mod feed_keys;

use handfast_identity::{UnixTime, base64url, json, jws};
use handfast_verifier::revocation::{
    FeedBase, FeedEvent, FeedMessage, FeedPosition, Head, RevocationKind, RevocationName,
};
use serde::{Deserialize, Serialize};

use crate::make::NOW;
use crate::make::draft::{ISSUER, OWNER, SECOND_ISSUER, TASK, TOKEN_ID};
use crate::make::keys::Who;

/// The table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocations {
    /// Issuer, kind, id and the name.
    pub names: Vec<(String, String, String, String)>,
    /// Heads of one feed.
    pub heads: Heads,
    /// The key all runs are signed with, unless they say otherwise.
    pub feed_key: String,
    /// Runs of messages through one reader.
    pub runs: Vec<Run>,
    /// The key that replaces the feed key.
    pub recovery_key: String,
    /// Runs of statements about the feed key, and of messages between them, through one reader.
    pub key_runs: Vec<KeyRun>,
}

/// The head before and after each event.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heads {
    /// The issuer.
    pub issuer: String,
    /// The epoch.
    pub epoch: String,
    /// h(0).
    pub start: String,
    /// The canonical text of each event, and the head after it.
    pub after: Vec<(String, String)>,
}

/// One reader from its first message on.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// What it shows.
    pub about: String,
    /// The reader's clock.
    pub now: u64,
    /// The messages in order, and what comes of each.
    pub messages: Vec<(String, Verdict)>,
}

/// One reader from its start on, with the feed key pinned, and the key that replaces it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRun {
    /// What it shows.
    pub about: String,
    /// The reader's clock.
    pub now: u64,
    /// What it hears in order, and what comes of each.
    pub steps: Vec<KeyStep>,
}

/// One thing that a reader hears.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum KeyStep {
    /// A statement about the feed key.
    Statement(String, KeyVerdict),
    /// A message of the feed.
    Message(String, Verdict),
}

/// What comes of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyVerdict {
    /// It counts from now on.
    Taken,
    /// It counted before.
    Known,
    /// Not a statement.
    Malformed,
    /// Of another issuer.
    Issuer,
    /// Not signed by the recovery key.
    Forged,
    /// Signed ahead of the reader's clock.
    FromTheFuture,
    /// Not above the one that is known.
    Stale,
    /// About other feed keys.
    OtherKey,
}

/// What comes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Taken in.
    Applied,
    /// Not a feed message.
    Malformed,
    /// Not signed with the feed key.
    Forged,
    /// Of another issuer.
    Issuer,
    /// Signed ahead of the reader's clock.
    FromTheFuture,
    /// Contradicts itself.
    Inconsistent,
    /// Continues from elsewhere.
    Gap,
    /// Not a snapshot, and nothing is known.
    NotSnapshot,
    /// Behind or beside what is known.
    RolledBack,
}

const EPOCH: &str = "2026-11-21";
const NEXT_EPOCH: &str = "2026-11-22";

fn event(seq: u64, kind: RevocationKind, id: &str, cut: Option<u64>, until: Option<u64>) -> FeedEvent {
    FeedEvent {
        seq,
        kind,
        name: RevocationName::of(ISSUER, kind, id),
        cut: cut.map(UnixTime::from_secs),
        until: until.map(UnixTime::from_secs),
    }
}

fn events() -> Vec<FeedEvent> {
    vec![
        event(1, RevocationKind::Agent, Who::OtherAgent.did().as_str(), None, None),
        event(2, RevocationKind::Task, TASK, Some(NOW - 100), Some(NOW + 3600)),
        event(3, RevocationKind::Key, &Who::P256Agent.jkt(), Some(NOW - 50), None),
        event(4, RevocationKind::Token, TOKEN_ID, None, Some(NOW + 270)),
    ]
}

/// h(`count`).
fn head(epoch: &str, count: usize) -> Head {
    let start = Head::start(ISSUER, epoch);
    events().iter().take(count).fold(start, |head, event| head.after(event).unwrap())
}

pub(super) fn table() -> Revocations {
    let text = |head: Head| base64url::encode(head.as_bytes());
    let canonical = |event: &FeedEvent| String::from_utf8(json::to_jcs(event).unwrap()).unwrap();
    Revocations {
        names: names(),
        heads: Heads {
            issuer: ISSUER.to_owned(),
            epoch: EPOCH.to_owned(),
            start: text(head(EPOCH, 0)),
            after: events()
                .iter()
                .zip(1..)
                .map(|(event, count)| (canonical(event), text(head(EPOCH, count))))
                .collect(),
        },
        feed_key: Who::Feed.did().to_string(),
        runs: [runs(), roll_backs(), contradictions(), strangers()].into_iter().flatten().collect(),
        recovery_key: Who::Recovery.did().to_string(),
        key_runs: feed_keys::runs(),
    }
}

fn names() -> Vec<(String, String, String, String)> {
    let name = |issuer: &str, kind: RevocationKind, id: &str| {
        let name = RevocationName::of(issuer, kind, id).to_string();
        (issuer.to_owned(), kind.as_str().to_owned(), id.to_owned(), name)
    };
    let did = Who::Agent.did().to_string();
    vec![
        name(ISSUER, RevocationKind::Token, TOKEN_ID),
        name(ISSUER, RevocationKind::Hop, "hop"),
        name(ISSUER, RevocationKind::Task, TASK),
        name(ISSUER, RevocationKind::Agent, &did),
        name(SECOND_ISSUER, RevocationKind::Agent, &did),
        name(ISSUER, RevocationKind::Owner, OWNER),
        name(ISSUER, RevocationKind::Key, &Who::Agent.jkt()),
        name(ISSUER, RevocationKind::IssuerKey, &Who::Issuer.jkt()),
    ]
}

fn message(from: u64, to: u64, linked: bool) -> FeedMessage {
    let count = |seq: u64| usize::try_from(seq).unwrap();
    FeedMessage {
        issuer: ISSUER.to_owned(),
        issued_at: UnixTime::from_secs(NOW),
        epoch: EPOCH.to_owned(),
        from,
        to,
        prev: linked.then(|| head(EPOCH, count(from))),
        head: head(EPOCH, count(to)),
        base: None,
        follows: Vec::new(),
        events: events().into_iter().filter(|event| from < event.seq && event.seq <= to).collect(),
    }
}

/// The events up to `to`.
fn snapshot(to: u64) -> FeedMessage {
    message(0, to, false)
}

/// The events behind `from` up to `to`; a heartbeat when both are equal.
fn increment(from: u64, to: u64) -> FeedMessage {
    message(from, to, true)
}

/// A snapshot of everything that left out what has an end, up to `base`.
fn sparse(base: usize) -> FeedMessage {
    changed(snapshot(4), |message| {
        let seq = u64::try_from(base).unwrap();
        message.base = Some(FeedBase { seq, head: head(EPOCH, base) });
        message.events.retain(|event| event.seq > seq || event.until.is_none());
    })
}

/// Where this epoch ended, for one that follows it.
fn former(seq: usize) -> FeedPosition {
    FeedPosition { epoch: EPOCH.to_owned(), seq: u64::try_from(seq).unwrap(), head: head(EPOCH, seq) }
}

/// The first snapshot of an epoch that begins empty.
fn restored(follows: &[FeedPosition]) -> FeedMessage {
    changed(changed(snapshot(0), renamed), |message| message.follows = follows.to_vec())
}

/// The message of an empty feed as one of the next epoch.
fn renamed(message: &mut FeedMessage) {
    NEXT_EPOCH.clone_into(&mut message.epoch);
    if message.to == 0 {
        message.head = head(NEXT_EPOCH, 0);
        message.prev = message.prev.map(|_| head(NEXT_EPOCH, 0));
    }
}

fn run(about: &str, messages: Vec<(FeedMessage, Verdict)>) -> Run {
    let signed = |(message, verdict): (FeedMessage, Verdict)| (message.sign(&Who::Feed.key()).unwrap(), verdict);
    Run { about: about.to_owned(), now: NOW, messages: messages.into_iter().map(signed).collect() }
}

fn changed(mut message: FeedMessage, change: impl FnOnce(&mut FeedMessage)) -> FeedMessage {
    change(&mut message);
    message
}

fn runs() -> Vec<Run> {
    use Verdict::{Applied, Gap, NotSnapshot, RolledBack};
    vec![
        run(
            "snapshot, increments, heartbeat, a later snapshot",
            vec![
                (snapshot(1), Applied),
                (increment(1, 2), Applied),
                (increment(2, 4), Applied),
                (increment(4, 4), Applied),
                (snapshot(4), Applied),
            ],
        ),
        run("an empty feed, and its first event", vec![(snapshot(0), Applied), (increment(0, 1), Applied)]),
        run(
            "a snapshot without events that are no longer kept",
            vec![
                (changed(snapshot(4), |message| message.events.retain(|event| event.until.is_none())), Applied),
                (increment(4, 4), Applied),
            ],
        ),
        run(
            "a snapshot that shows the chain from its base on",
            vec![(snapshot(3), Applied), (sparse(2), Applied), (sparse(3), Applied), (increment(4, 4), Applied)],
        ),
        run(
            "a new epoch that follows ours, and from then on only it",
            vec![
                (snapshot(2), Applied),
                (increment(1, 1), RolledBack),
                (restored(&[former(1)]), Applied),
                (changed(increment(0, 0), renamed), Applied),
                (snapshot(2), RolledBack),
            ],
        ),
        run(
            "an increment of a new epoch, which does not say what it follows",
            vec![(snapshot(2), Applied), (changed(increment(2, 2), renamed), Gap), (restored(&[former(2)]), Applied)],
        ),
        run("a heartbeat twice", vec![(snapshot(2), Applied), (increment(2, 2), Applied), (increment(2, 2), Applied)]),
        run(
            "an increment that skips an event, then the right one",
            vec![(snapshot(1), Applied), (increment(2, 3), Gap), (increment(1, 3), Applied)],
        ),
        run("an increment first", vec![(increment(0, 1), NotSnapshot), (snapshot(1), Applied)]),
        run("an increment from a number before ours", vec![(snapshot(2), Applied), (increment(1, 3), Gap)]),
    ]
}

fn roll_backs() -> Vec<Run> {
    use Verdict::{Applied, RolledBack};
    let fork = |message: FeedMessage| changed(message, |message| message.head = head("other", 2));
    vec![
        run("a heartbeat behind what is known", vec![(snapshot(3), Applied), (increment(2, 2), RolledBack)]),
        run("a snapshot behind what is known", vec![(snapshot(3), Applied), (snapshot(2), RolledBack)]),
        run(
            "another head at a known number, by heartbeat",
            vec![(snapshot(2), Applied), (fork(increment(2, 2)), RolledBack)],
        ),
        run(
            "another head at a known number, by snapshot",
            vec![(snapshot(2), Applied), (fork(snapshot(2)), RolledBack)],
        ),
        run(
            "an increment linked to another past",
            vec![
                (snapshot(2), Applied),
                (changed(increment(2, 3), |message| message.prev = Some(head("other", 2))), RolledBack),
            ],
        ),
        run("another epoch", vec![(snapshot(2), Applied), (changed(snapshot(2), renamed), RolledBack)]),
        run(
            "a new epoch that follows another story",
            vec![
                (snapshot(2), Applied),
                (restored(&[FeedPosition { head: head("other", 2), ..former(2) }]), RolledBack),
            ],
        ),
        run(
            "a snapshot whose chain from its base on is another",
            vec![
                (snapshot(3), Applied),
                (
                    changed(sparse(2), |message| {
                        message.base = Some(FeedBase { seq: 2, head: head("other", 2) });
                    }),
                    RolledBack,
                ),
            ],
        ),
    ]
}

fn contradictions() -> Vec<Run> {
    use Verdict::{Applied, Inconsistent, NotSnapshot};
    let after_one =
        |about: &str, message: FeedMessage| run(about, vec![(snapshot(1), Applied), (message, Inconsistent)]);
    vec![
        after_one("an increment whose head is not that of its events", {
            changed(increment(1, 3), |message| message.head = head(EPOCH, 2))
        }),
        after_one("an increment that leaves an event out", {
            changed(increment(1, 3), |message| message.events.retain(|event| event.seq != 2))
        }),
        after_one("an increment with an event too many", changed(increment(1, 3), |message| message.to = 2)),
        after_one("an increment in another order", changed(increment(1, 3), |message| message.events.reverse())),
        after_one("an increment with an altered event", {
            changed(increment(1, 2), |message| message.events.iter_mut().for_each(|event| event.cut = None))
        }),
        after_one("an increment without its link, which would pass for a snapshot", {
            changed(increment(1, 3), |message| message.prev = None)
        }),
        after_one("a message that ends before it begins", changed(increment(1, 3), |message| message.from = 4)),
        after_one("a snapshot in another order", changed(snapshot(3), |message| message.events.reverse())),
        after_one("a snapshot with one event twice", {
            changed(snapshot(3), |message| {
                let first = message.events.first().copied();
                message.events.splice(0..0, first);
            })
        }),
        after_one("a snapshot with an event beyond its end", {
            changed(snapshot(3), |message| message.events.push(event(4, RevocationKind::Hop, "x", None, None)))
        }),
        after_one("a snapshot that leaves an event out behind its base", {
            changed(sparse(2), |message| message.events.retain(|event| event.seq != 3))
        }),
        after_one("an increment that says what only a snapshot can", {
            changed(increment(1, 3), |message| message.follows = vec![former(1)])
        }),
        run(
            "a first snapshot that does not start at 0",
            vec![(changed(snapshot(2), |message| message.from = 1), NotSnapshot)],
        ),
    ]
}

fn strangers() -> Vec<Run> {
    use Verdict::{Applied, Forged, FromTheFuture, Issuer, Malformed};
    let ahead = |seconds: u64| changed(snapshot(1), |message| message.issued_at = UnixTime::from_secs(NOW + seconds));
    let single =
        |about: &str, text: String, verdict| Run { about: about.to_owned(), now: NOW, messages: vec![(text, verdict)] };
    let good = snapshot(1).sign(&Who::Feed.key()).unwrap();
    vec![
        run("signed 30 seconds ahead of the reader's clock", vec![(ahead(30), Applied)]),
        run("signed 31 seconds ahead of the reader's clock", vec![(ahead(31), FromTheFuture)]),
        run(
            "of another issuer",
            vec![(changed(snapshot(1), |message| message.issuer = SECOND_ISSUER.to_owned()), Issuer)],
        ),
        single("signed with another key", snapshot(1).sign(&Who::Stranger.key()).unwrap(), Forged),
        single("signed with the token key", snapshot(1).sign(&Who::Issuer.key()).unwrap(), Forged),
        single(
            "with another `typ`",
            jws::sign("at+jwt", Some("x"), &snapshot(1), &Who::Feed.key()).unwrap(),
            Malformed,
        ),
        single("cut short", good[..good.len() - 100].to_owned(), Malformed),
        single(
            "altered",
            {
                let (text, signature) = good.rsplit_once('.').unwrap();
                let first = if signature.starts_with('A') { "B" } else { "A" };
                format!("{text}.{first}{}", &signature[1..])
            },
            Forged,
        ),
    ]
}
