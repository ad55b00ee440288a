//! Runs of statements about the feed key (spec/revocation-feed.md, another feed key).

use handfast_identity::{DidKey, SigningKey, UnixTime, jws};
use handfast_verifier::revocation::{FEED_KEY_TYPE, FeedKeyStatement, FeedMessage, FeedPosition, Head};
use serde_json::{Value, json};

use super::{
    KeyRun, KeyStep, KeyVerdict, NEXT_EPOCH, Verdict, changed, former, increment, renamed, restored, snapshot,
};
use crate::make::NOW;
use crate::make::draft::{ISSUER, SECOND_ISSUER};
use crate::make::keys::Who;

const LAST_EPOCH: &str = "2026-11-23";

/// The feed key is replaced, and the feed goes on in the next epoch.
fn first() -> FeedKeyStatement {
    FeedKeyStatement {
        issuer: ISSUER.to_owned(),
        issued_at: UnixTime::from_secs(NOW),
        seq: 1,
        replaces: vec![Who::Feed.did()],
        key: Who::NewFeed.did(),
        epoch: NEXT_EPOCH.to_owned(),
    }
}

/// The one after that, with a third key.
fn second() -> FeedKeyStatement {
    FeedKeyStatement {
        seq: 2,
        replaces: vec![Who::Feed.did(), Who::NewFeed.did()],
        key: Who::SecondFeed.did(),
        epoch: LAST_EPOCH.to_owned(),
        ..first()
    }
}

fn signed(statement: &FeedKeyStatement) -> String {
    statement.sign(&Who::Recovery.key()).unwrap()
}

fn statement(statement: &FeedKeyStatement, verdict: KeyVerdict) -> KeyStep {
    KeyStep::Statement(signed(statement), verdict)
}

fn message(message: &FeedMessage, by: Who, verdict: Verdict) -> KeyStep {
    KeyStep::Message(message.sign(&by.key()).unwrap(), verdict)
}

/// The claims of the first statement.
fn claims() -> Value {
    json!({
        "iss": ISSUER, "iat": NOW, "seq": 1, "replaces": [Who::Feed.did()], "key": Who::NewFeed.did(), "epoch": NEXT_EPOCH,
    })
}

/// The first statement with one claim changed.
fn altered(member: &str, value: Value) -> String {
    let mut claims = claims();
    claims.as_object_mut().unwrap().insert(member.to_owned(), value);
    jws::sign(FEED_KEY_TYPE, Some("x"), &claims, &Who::Recovery.key()).unwrap()
}

/// The first statement under another `typ`.
fn of_type(typ: &str) -> String {
    jws::sign(typ, Some("x"), &claims(), &Who::Recovery.key()).unwrap()
}

fn run(about: &str, steps: Vec<KeyStep>) -> KeyRun {
    KeyRun { about: about.to_owned(), now: NOW, steps }
}

/// The first snapshot of an epoch that follows those of the older ones.
fn last_epoch() -> FeedMessage {
    changed(restored(&[]), |message| {
        LAST_EPOCH.clone_into(&mut message.epoch);
        message.head = Head::start(ISSUER, LAST_EPOCH);
    })
}

pub(super) fn runs() -> Vec<KeyRun> {
    [good(), refused(), malformed()].into_iter().flatten().collect()
}

fn good() -> Vec<KeyRun> {
    use KeyVerdict::{Known, Taken};
    use Verdict::{Applied, Forged, Gap, RolledBack};
    let fork = changed(increment(2, 3), |message| message.events.iter_mut().for_each(|event| event.cut = None));
    let fork = changed(fork, |message| {
        message.head = message.events.iter().fold(message.prev.unwrap(), |head, event| head.after(event).unwrap());
    });
    vec![
        run(
            "the new key's epoch, after which the former key signs nothing that counts, old messages included",
            vec![
                message(&snapshot(2), Who::Feed, Applied),
                message(&increment(2, 2), Who::NewFeed, Forged),
                statement(&first(), Taken),
                message(&increment(2, 2), Who::Feed, Forged),
                message(&snapshot(4), Who::Feed, Forged),
                message(&restored(&[former(2)]), Who::NewFeed, Applied),
                message(&changed(increment(0, 0), renamed), Who::NewFeed, Applied),
                message(&changed(increment(0, 0), renamed), Who::Feed, Forged),
                statement(&first(), Known),
            ],
        ),
        run(
            "a thief led the reader on, and the recovery key's epoch counts all the same",
            vec![
                message(&snapshot(2), Who::Feed, Applied),
                message(&fork, Who::Feed, Applied),
                message(&increment(2, 2), Who::Feed, RolledBack),
                statement(&first(), Taken),
                message(&restored(&[former(2)]), Who::NewFeed, Applied),
            ],
        ),
        run(
            "the new key and an epoch that the recovery key did not name",
            vec![
                message(&snapshot(2), Who::Feed, Applied),
                statement(&first(), Taken),
                message(&increment(2, 2), Who::NewFeed, RolledBack),
                message(&last_epoch(), Who::NewFeed, RolledBack),
                message(&changed(increment(0, 0), renamed), Who::NewFeed, RolledBack),
                message(&restored(&[]), Who::NewFeed, Applied),
            ],
        ),
        run(
            "an epoch that follows the named one, which the reader slept through",
            vec![
                message(&snapshot(2), Who::Feed, Applied),
                statement(&first(), Taken),
                message(
                    &changed(last_epoch(), |message| {
                        message.follows = vec![empty(NEXT_EPOCH), former(2)];
                    }),
                    Who::NewFeed,
                    Applied,
                ),
                message(&restored(&[former(2)]), Who::NewFeed, RolledBack),
            ],
        ),
        run(
            "the second of two, by a reader that slept through the first",
            vec![
                message(&snapshot(2), Who::Feed, Applied),
                statement(&second(), Taken),
                message(&restored(&[former(2)]), Who::NewFeed, Forged),
                message(&changed(increment(0, 0), renamed), Who::SecondFeed, Gap),
                message(&last_epoch(), Who::SecondFeed, Applied),
                statement(&first(), KeyVerdict::Stale),
                message(&restored(&[former(2)]), Who::NewFeed, Forged),
            ],
        ),
        run(
            "before the first message",
            vec![statement(&first(), Taken), message(&restored(&[former(2)]), Who::NewFeed, Applied)],
        ),
    ]
}

fn refused() -> Vec<KeyRun> {
    use KeyVerdict::{Forged, FromTheFuture, Issuer, OtherKey, Stale, Taken};
    let ahead = |seconds| FeedKeyStatement { issued_at: UnixTime::from_secs(NOW + seconds), ..first() };
    let by = |who: Who| KeyStep::Statement(first().sign(&who.key()).unwrap(), Forged);
    let refused =
        |about: &str, step: KeyStep| run(about, vec![step, message(&snapshot(1), Who::Feed, Verdict::Applied)]);
    vec![
        refused(
            "of another issuer",
            statement(&FeedKeyStatement { issuer: SECOND_ISSUER.to_owned(), ..first() }, Issuer),
        ),
        refused("signed by the feed key itself", by(Who::Feed)),
        refused("signed by the new key", by(Who::NewFeed)),
        refused("signed by the token key", by(Who::Issuer)),
        refused("signed 31 seconds ahead of the reader's clock", statement(&ahead(31), FromTheFuture)),
        run("the 25th key", vec![statement(&FeedKeyStatement { seq: 24, replaces: many(24), ..first() }, Taken)]),
        run("signed 30 seconds ahead of the reader's clock", vec![statement(&ahead(30), Taken)]),
        run(
            "signed ten years ago",
            vec![statement(&FeedKeyStatement { issued_at: UnixTime::from_secs(NOW - 315_360_000), ..first() }, Taken)],
        ),
        refused(
            "about another feed key",
            statement(&FeedKeyStatement { replaces: vec![Who::SecondFeed.did()], ..first() }, OtherKey),
        ),
        run("a lower number after a higher one", vec![statement(&second(), Taken), statement(&first(), Stale)]),
        run(
            "another one of the same number",
            vec![
                statement(&first(), Taken),
                statement(
                    &FeedKeyStatement {
                        replaces: vec![Who::Feed.did(), Who::NewFeed.did()],
                        key: Who::SecondFeed.did(),
                        ..first()
                    },
                    Stale,
                ),
            ],
        ),
        run(
            "a higher number that is about the key before",
            vec![
                statement(&first(), Taken),
                statement(&FeedKeyStatement { seq: 2, key: Who::SecondFeed.did(), ..first() }, OtherKey),
            ],
        ),
    ]
}

fn malformed() -> Vec<KeyRun> {
    let refused = |about: &str, text: String| run(about, vec![KeyStep::Statement(text, KeyVerdict::Malformed)]);
    let good = signed(&first());
    let feed = json!(Who::Feed.did());
    vec![
        refused("number 0", altered("seq", json!(0))),
        refused("replaces nothing", altered("replaces", json!([]))),
        refused("replaces one key twice", altered("replaces", json!([feed, feed]))),
        refused("replaces itself", altered("key", feed.clone())),
        refused("replaces 25 keys", altered("replaces", json!(many(25)))),
        refused("no DID", altered("key", json!("did:web:registry.example"))),
        refused("an empty epoch", altered("epoch", json!(""))),
        refused("an epoch of 65 characters", altered("epoch", json!("e".repeat(65)))),
        refused("an epoch with a blank", altered("epoch", json!("e 1"))),
        refused("an unknown member", altered("until", json!(NOW))),
        refused("with another `typ`", of_type("revocation-feed+jwt")),
        refused("cut short", good[..good.len() - 100].to_owned()),
        refused("longer than a statement", altered("iss", json!("x".repeat(4096)))),
    ]
}

/// So many feed keys, the pinned one among them.
fn many(count: u8) -> Vec<DidKey> {
    let others = (1..count).map(|number| SigningKey::from_ed25519_seed(&[100 + number; 32]).public().did());
    others.chain([Who::Feed.did()]).collect()
}

/// Where an epoch without events stands.
fn empty(epoch: &str) -> FeedPosition {
    FeedPosition { epoch: epoch.to_owned(), seq: 0, head: Head::start(ISSUER, epoch) }
}
