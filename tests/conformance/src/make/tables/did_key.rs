//! `did:key` both ways (spec/identity.md).

use handfast_identity::{DidDocument, PublicKey, base64url};
use multibase::Base;
use serde::{Deserialize, Serialize};

use crate::make::edge::{self, MixedOrderKey};
use crate::make::keys::{Who, hex, to_hex};

/// The table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DidKeys {
    /// DIDs that are read, and everything that follows from them.
    pub accepted: Vec<Accepted>,
    /// Texts that are refused.
    pub refused: Vec<Refused>,
}

/// A DID and what follows from it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// Where the key is from.
    pub about: String,
    /// The DID.
    pub did: String,
    /// The raw key, as the DID carries it.
    pub public_key: String,
    /// The canonical JWK.
    pub jwk: String,
    /// Its thumbprint.
    pub jkt: String,
    /// The DID document.
    pub document: String,
    /// Whether a registry takes it: a key with a small-order part it does not.
    pub registrable: bool,
}

/// A text that is no DID of ours.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// What is wrong.
    pub about: String,
    /// The text.
    pub did: String,
    /// `invalid_did` or `weak_key`.
    pub reason: String,
}

pub(super) fn table() -> DidKeys {
    DidKeys { accepted: accepted(), refused: [spellings(), codecs(), keys()].into_iter().flatten().collect() }
}

fn accepted() -> Vec<Accepted> {
    let row = |about: &str, key: &PublicKey, registrable| Accepted {
        about: about.to_owned(),
        did: key.did().to_string(),
        public_key: to_hex(&key.to_bytes()),
        jwk: key.to_jwk(),
        jkt: key.thumbprint().to_string(),
        document: serde_json::to_string(&DidDocument::of_key(&key.did())).unwrap(),
        registrable,
    };
    let ed25519 = |bytes: &[u8]| PublicKey::from_ed25519_bytes(bytes).unwrap();
    let rfc9449 = PublicKey::from_p256_coordinates(
        &base64url::decode("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs").unwrap(),
        &base64url::decode("9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA").unwrap(),
    );
    let mixed = MixedOrderKey::new(5, 4).point.compress();
    vec![
        row("RFC 8032 7.1 TEST 1, the key of RFC 8037 A.1", Who::Agent.key().public(), true),
        row("RFC 8032 7.1 TEST 2", Who::OtherAgent.key().public(), true),
        row("RFC 8032 7.1 TEST 3", Who::Feed.key().public(), true),
        row("RFC 8032 7.1 TEST SHA(abc)", Who::Issuer.key().public(), true),
        row("the key of RFC 9449 4.2, with even y", &rfc9449.unwrap(), true),
        row("P-256, scalar 7, with odd y", Who::P256Agent.key().public(), true),
        row("a point of order 8 L: sound, but with a small-order part", &ed25519(mixed.as_bytes()), false),
    ]
}

fn of(codec: &[u8], key: &[u8]) -> String {
    format!("did:key:{}", multibase::encode(Base::Base58Btc, [codec, key].concat()))
}

fn agent() -> Vec<u8> {
    Who::Agent.key().public().to_bytes()
}

fn refused(about: &str, did: impl Into<String>) -> Refused {
    Refused { about: about.to_owned(), did: did.into(), reason: "invalid_did".to_owned() }
}

fn spellings() -> Vec<Refused> {
    let did = Who::Agent.did().to_string();
    let value = Who::Agent.did().fragment().to_owned();
    let base58 = value[1..].to_owned();
    let in_base = |base| format!("did:key:{}", multibase::encode(base, [vec![0xed, 1], agent()].concat()));
    let with = |from: &str, to: &str| did.replacen(from, to, 1);
    vec![
        refused("nothing", ""),
        refused("no value", "did:key:"),
        refused("no method", "did:"),
        refused("the multibase prefix alone", "did:key:z"),
        refused("no multibase prefix", format!("did:key:{base58}")),
        refused("base64url, which one text of the method allows: a second spelling", in_base(Base::Base64Url)),
        refused("base16", in_base(Base::Base16Lower)),
        refused("base32", in_base(Base::Base32Lower)),
        refused("base58 with another alphabet", in_base(Base::Base58Flickr)),
        refused("no encoding at all", "did:key:\u{0}abc"),
        refused("the scheme in capitals", with("did", "DID")),
        refused("the method in capitals", with("key", "KEY")),
        refused("another method", with("key", "web")),
        refused(
            "the same key as did:jwk: a second name (P-05)",
            handfast_identity::DidJwk::from_public_key(Who::Agent.key().public().clone()).to_string(),
        ),
        refused("another scheme", with("did", "urn")),
        refused("the prefix in capitals", with(":z", ":Z")),
        refused("a version", with("key:", "key:1.1:")),
        refused("a whole number as version", with("key:", "key:1:")),
        refused("a fragment", format!("{did}#{value}")),
        refused("a path", format!("{did}/x")),
        refused("a query", format!("{did}?x")),
        refused("a blank behind it", format!("{did} ")),
        refused("a blank before it", format!(" {did}")),
        refused("a line feed behind it", format!("{did}\n")),
        refused("a line feed inside", format!("{}\n{}", &did[..20], &did[20..])),
        refused("`0` is not in the alphabet", format!("{}0", &did[..did.len() - 1])),
        refused("`O` is not in the alphabet", format!("{}O", &did[..did.len() - 1])),
        refused("`I` is not in the alphabet", format!("{}I", &did[..did.len() - 1])),
        refused("`l` is not in the alphabet", format!("{}l", &did[..did.len() - 1])),
        refused("a letter outside ASCII", format!("{}\u{e9}", &did[..did.len() - 1])),
        refused("a percent triplet", with("z6", "%7A6")),
        refused("a zero byte before the key: base58 writes it as `1`", with(":z", ":z1")),
        refused("a colon behind it", format!("{did}:")),
        refused("2049 characters", format!("did:key:z{}", "6".repeat(2040))),
    ]
}

fn codecs() -> Vec<Refused> {
    let p256 = Who::P256Agent.key().public().to_bytes();
    vec![
        refused("X25519", of(&[0xec, 1], &agent())),
        refused("secp256k1", of(&[0xe7, 1], &[vec![3], hex(edge::K256_X)].concat())),
        refused("P-384", of(&[0x81, 0x24], &[vec![3], hex(edge::P384_X)].concat())),
        refused("P-521", of(&[0x82, 0x24], &[2; 67])),
        refused("RSA", of(&[0x85, 0x24], &[0x30; 270])),
        refused("an Ed25519 private key", of(&[0x80, 0x26], &agent())),
        refused("a P-256 private key", of(&[0x86, 0x26], &agent())),
        refused("the codec in one byte", of(&[0xed], &agent())),
        refused("the codec in three bytes: not minimal", of(&[0xed, 0x81, 0], &agent())),
        refused("the P-256 codec in four bytes: not minimal", of(&[0x80, 0xa4, 0x80, 0], &p256)),
        refused("a codec of ten bytes", of(&[0xff; 10], &agent())),
        refused("the codec and no key", of(&[0xed, 1], &[])),
        refused("half a codec", of(&[0x80], &[])),
    ]
}

fn keys() -> Vec<Refused> {
    let ed25519 = |about: &str, key: &[u8]| refused(about, of(&[0xed, 1], key));
    let p256 = |about: &str, key: &[u8]| refused(about, of(&[0x80, 0x24], key));
    let weak = |about: &str, place: usize| Refused {
        reason: "weak_key".to_owned(),
        ..ed25519(about, edge::small_order_points()[place].compress().as_bytes())
    };
    let field_prime = |low: u8, top: u8| {
        let mut bytes = [0xff; 32];
        bytes[0] = low;
        bytes[31] = top;
        bytes
    };
    let good_p256 = Who::P256Agent.key().public().to_bytes();
    let off_curve = {
        // x = 1 has no y on the curve: 1 - 3 + b is no square
        let mut bytes = [0; 33];
        bytes[0] = 2;
        bytes[32] = 1;
        bytes
    };
    let uncompressed = {
        let jwk: std::collections::BTreeMap<String, String> =
            serde_json::from_str(&Who::P256Agent.key().public().to_jwk()).unwrap();
        [vec![4], base64url::decode(&jwk["x"]).unwrap(), base64url::decode(&jwk["y"]).unwrap()].concat()
    };
    vec![
        ed25519("31 bytes", &agent()[..31]),
        ed25519("33 bytes", &[agent(), vec![0]].concat()),
        ed25519("no point of the curve", &edge::off_curve()),
        ed25519("y equals the field's prime: a second zero", &field_prime(0xed, 0x7f)),
        ed25519("y equals the field's prime, sign bit set", &field_prime(0xed, 0xff)),
        ed25519("y is the prime and one: a second identity", &field_prime(0xee, 0x7f)),
        ed25519("y is the prime and 18, the largest such", &field_prime(0xff, 0x7f)),
        ed25519("all bits set", &[0xff; 32]),
        ed25519("the identity, sign bit set", &{
            let mut bytes = [0; 32];
            bytes[0] = 1;
            bytes[31] = 0x80;
            bytes
        }),
        weak("the identity", 0),
        weak("order 2", 1),
        weak("order 4", 2),
        weak("order 4, the other one", 3),
        weak("order 8", 4),
        weak("order 8, the second", 5),
        weak("order 8, the third", 6),
        weak("order 8, the fourth", 7),
        p256("32 bytes", &good_p256[..32]),
        p256("34 bytes", &[good_p256.clone(), vec![0]].concat()),
        p256("uncompressed", &uncompressed),
        p256("no point of the curve", &off_curve),
        p256("the point at infinity", &[0]),
        p256("x is not below the field's prime", &{
            let mut bytes = [0xff; 33];
            bytes[0] = 2;
            bytes
        }),
        p256("a prefix that is none", &[vec![5], good_p256[1..].to_vec()].concat()),
    ]
}
