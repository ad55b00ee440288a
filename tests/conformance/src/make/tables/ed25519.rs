//! Ed25519 at its edges: what a strict check takes and what it refuses (spec/identity.md, signatures).

use serde::{Deserialize, Serialize};

use crate::make::edge::{self, MixedOrderKey};
use crate::make::keys::{Who, to_hex};

/// One signature.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What it shows.
    pub about: String,
    /// The public key.
    pub public_key: String,
    /// The message.
    pub message: String,
    /// The signature.
    pub signature: String,
    /// The right verdict.
    pub verdict: Verdict,
}

/// A verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The signature is good, and the key may be registered.
    Good,
    /// The signature is good, but the key may not be registered: it has a small-order part.
    NotRegistrable,
    /// The signature is refused.
    SignatureRefused,
    /// The key is refused.
    KeyRefused,
}

const MESSAGE: &[u8] = b"handfast";

pub(super) fn table() -> Vec<Row> {
    [rfc8032(), small_order(), mixed_order(), scalars()].into_iter().flatten().collect()
}

fn row(about: impl Into<String>, key: &[u8], message: &[u8], signature: &[u8], verdict: Verdict) -> Row {
    Row {
        about: about.into(),
        public_key: to_hex(key),
        message: to_hex(message),
        signature: to_hex(signature),
        verdict,
    }
}

fn rfc8032() -> Vec<Row> {
    let abc = ring::digest::digest(&ring::digest::SHA512, b"abc");
    let tests: [(&str, Who, &[u8]); 4] = [
        ("RFC 8032 7.1 TEST 1", Who::Agent, b""),
        ("RFC 8032 7.1 TEST 2", Who::OtherAgent, &[0x72]),
        ("RFC 8032 7.1 TEST 3", Who::Feed, &[0xaf, 0x82]),
        ("RFC 8032 7.1 TEST SHA(abc)", Who::Issuer, abc.as_ref()),
    ];
    let of = |(about, who, message): (&str, Who, &[u8])| {
        row(about, &who.key().public().to_bytes(), message, &who.key().sign(message), Verdict::Good)
    };
    tests.into_iter().map(of).collect()
}

/// Keys of small order, each in every encoding a lenient decoder takes, with a signature made without any secret.
fn small_order() -> Vec<Row> {
    let orders = [1, 2, 4, 4, 8, 8, 8, 8];
    let canonical = edge::small_order_points().into_iter().zip(orders).map(|(point, order)| {
        let signature = edge::forged_under(&point, MESSAGE);
        let about = format!("a key of order {order}, signed for without a secret");
        row(about, point.compress().as_bytes(), MESSAGE, &signature, Verdict::KeyRefused)
    });
    let other_encodings = edge::loose_encodings().into_iter().map(|(point, encoded)| {
        let signature = edge::forged_under_encoding(&point, &encoded, MESSAGE);
        row("the same in a second encoding", &encoded, MESSAGE, &signature, Verdict::KeyRefused)
    });
    canonical.chain(other_encodings).collect()
}

fn mixed_order() -> Vec<Row> {
    let of = |place: usize| {
        let key = MixedOrderKey::new(5, place);
        let about = "a key with a small-order part, whose holder found a challenge in which it vanishes";
        row(about, key.point.compress().as_bytes(), MESSAGE, &key.sign(MESSAGE), Verdict::NotRegistrable)
    };
    let torn = {
        let key = MixedOrderKey::new(5, 4);
        let mut signature = key.sign(MESSAGE);
        signature[32] ^= 1;
        row("the same, altered", key.point.compress().as_bytes(), MESSAGE, &signature, Verdict::SignatureRefused)
    };
    [1, 2, 4].into_iter().map(of).chain([torn]).collect()
}

fn scalars() -> Vec<Row> {
    let key = Who::Agent.key();
    let public = key.public().to_bytes();
    let good = key.sign(MESSAGE);
    let refused = |about: &str, signature: &[u8]| row(about, &public, MESSAGE, signature, Verdict::SignatureRefused);
    let changed = |change: fn(&mut [u8; 64])| {
        let mut bytes = good;
        change(&mut bytes);
        bytes
    };
    vec![
        row("the signature the next rows change", &public, MESSAGE, &good, Verdict::Good),
        refused("`S` plus the group order", &edge::with_large_scalar(&good)),
        refused("`S` equals the group order, `R` the identity", &{
            let mut bytes = [0; 64];
            bytes[0] = 1;
            bytes[32..].copy_from_slice(&edge::ORDER);
            bytes
        }),
        refused("the top bit of `S` set", &changed(|bytes| bytes[63] |= 0x80)),
        refused("`R` with its sign flipped", &changed(|bytes| bytes[31] ^= 0x80)),
        refused(
            "`R` is the identity",
            &changed(|bytes| {
                bytes[..32].fill(0);
                bytes[0] = 1;
            }),
        ),
        refused(
            "`R` is a second zero",
            &changed(|bytes| {
                bytes[..32].fill(0xff);
                bytes[0] = 0xed;
                bytes[31] = 0x7f;
            }),
        ),
        refused("`R` is the identity, and the equation holds", &edge::with_identity_as_r(&Who::Agent.seed(), MESSAGE)),
        refused("all zero", &[0; 64]),
        refused("all bits set", &[0xff; 64]),
        refused("63 bytes", &good[..63]),
        refused("65 bytes", &[&good[..], &[0]].concat()),
        refused("of another message", &key.sign(b"another")),
        refused("of another key", &Who::Stranger.key().sign(MESSAGE)),
    ]
}
