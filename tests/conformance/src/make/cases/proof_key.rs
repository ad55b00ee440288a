//! The proof's `jwk`: public, of a known kind, sound.

use handfast_identity::base64url;
use serde_json::{Value, json};

use crate::make::Case;
use crate::make::case::{invalid_proof, right, wrong};
use crate::make::draft::Draft;
use crate::make::edge;
use crate::make::jws::jwk;
use crate::make::keys::Who;

pub(super) fn cases() -> Vec<Case> {
    [presence(), private(), kinds(), ed25519_points(), p256_points()].into_iter().flatten().collect()
}

fn refused(name: &'static str, rules: &'static str, about: &'static str, draft: Draft) -> Case {
    wrong(name, invalid_proof("proof_key"), rules, about, draft)
}

fn with(changes: Value) -> Draft {
    Draft::good().proof_jwk(changes)
}

fn presence() -> Vec<Case> {
    vec![
        refused("proof-jwk-missing", "DPOP-25 DPOP-28", "no `jwk`", Draft::good().without_proof_header("jwk")),
        refused("proof-jwk-null", "DPOP-25 P-07", "`jwk` is null", Draft::good().proof_header(json!({"jwk": null}))),
        wrong("proof-jwk-text", invalid_proof("proof_malformed"), "DPOP-25 P-07", "`jwk` is a text", {
            Draft::good().proof_header(json!({"jwk": jwk(Who::Agent).to_string()}))
        }),
        refused("proof-jwk-only-kid", "DPOP-28 BCP-08", "a `kid` in the place of the key", {
            Draft::good().without_proof_header("jwk").proof_header(json!({"kid": Who::Agent.did().key_id()}))
        }),
        right("proof-jwk-other-members", "CNF-05 DPOP-37", "`kid`, `use` and `alg` stand in the `jwk`", {
            with(json!({"kid": "k", "use": "sig", "alg": "EdDSA", "key_ops": ["verify"]}))
        }),
        right("proof-null-members", "CNF-05 DPOP-37", "`kid` of the header and `y` of the `jwk` are null", {
            with(json!({"y": null})).proof_header(json!({"kid": null}))
        }),
    ]
}

fn private() -> Vec<Case> {
    let secret = Who::Agent.key().expose_private_jwk().to_string();
    let secret: Value = serde_json::from_str(&secret).unwrap();
    vec![
        refused("proof-jwk-private", "DPOP-29 DPOP-03", "the `jwk` is the private key", {
            Draft::good().proof_header(json!({"jwk": secret}))
        }),
        refused("proof-jwk-d-null", "DPOP-29", "`d` stands in the `jwk`, empty of value", with(json!({"d": null}))),
        refused("proof-jwk-p", "DPOP-29", "`p` stands in the `jwk`", with(json!({"p": "AA"}))),
        refused("proof-jwk-q", "DPOP-29", "`q` stands in the `jwk`", with(json!({"q": "AA"}))),
        refused("proof-jwk-dp", "DPOP-29", "`dp` stands in the `jwk`", with(json!({"dp": "AA"}))),
        refused("proof-jwk-dq", "DPOP-29", "`dq` stands in the `jwk`", with(json!({"dq": "AA"}))),
        refused("proof-jwk-qi", "DPOP-29", "`qi` stands in the `jwk`", with(json!({"qi": "AA"}))),
        refused("proof-jwk-oth", "DPOP-29", "`oth` stands in the `jwk`", with(json!({"oth": []}))),
        refused("proof-jwk-k", "DPOP-29", "`k` stands in the `jwk`", with(json!({"k": "AA"}))),
        refused("proof-jwk-symmetric", "DPOP-29 DPOP-127", "the `jwk` is a shared secret", {
            Draft::good().proof_header(json!({"jwk": {"kty": "oct", "k": "AA"}}))
        }),
    ]
}

fn kinds() -> Vec<Case> {
    vec![
        refused("proof-jwk-ec-with-okp-members", "TH49", "`kty` is `EC`, the other members those of Ed25519", {
            with(json!({"kty": "EC"}))
        }),
        refused(
            "proof-jwk-y",
            "TH49 DPOP-38",
            "an Ed25519 key with a `y`",
            with(json!({"y": base64url::encode(&[1; 32])})),
        ),
        refused("proof-jwk-x25519", "DPOP-121 DPOP-38", "a key for key agreement", with(json!({"crv": "X25519"}))),
        refused("proof-jwk-ed448", "DPOP-121", "the curve is Ed448", with(json!({"crv": "Ed448"}))),
        refused("proof-jwk-crv-missing", "DPOP-38", "no `crv`", Draft::good().without_proof_jwk("crv")),
        refused("proof-jwk-crv-lower-case", "DPOP-38", "`crv` is `ed25519`", with(json!({"crv": "ed25519"}))),
        wrong("proof-jwk-kty-missing", invalid_proof("proof_malformed"), "DPOP-38", "no `kty`", {
            Draft::good().without_proof_jwk("kty")
        }),
    ]
}

fn ed25519_points() -> Vec<Case> {
    let x = |bytes: &[u8]| with(json!({"x": base64url::encode(bytes)}));
    let own = || Who::Agent.key().public().to_bytes();
    let small = |place: usize| {
        let point = edge::small_order_points()[place];
        x(point.compress().as_bytes()).proof_signer(move |message| edge::forged_under(&point, message))
    };
    let identity_with_sign: [u8; 32] = {
        let mut bytes = [0; 32];
        bytes[0] = 1;
        bytes[31] = 0x80;
        bytes
    };
    let y_is_p: [u8; 32] = {
        let mut bytes = [0xff; 32];
        bytes[0] = 0xed;
        bytes[31] = 0x7f;
        bytes
    };
    vec![
        refused("proof-jwk-x-missing", "DPOP-38", "no `x`", Draft::good().without_proof_jwk("x")),
        refused("proof-jwk-x-padded", "CNF-07 DPOP-38", "`x` with padding", {
            with(json!({"x": format!("{}=", base64url::encode(&own()))}))
        }),
        refused("proof-jwk-x-short", "CNF-07 DPOP-38", "`x` of 31 bytes", x(&own()[..31])),
        refused("proof-jwk-x-long", "CNF-07 DPOP-38", "`x` of 33 bytes", x(&[own(), vec![0]].concat())),
        refused("proof-jwk-off-curve", "DPOP-38", "`x` is no point of the curve", x(&edge::off_curve())),
        refused("proof-jwk-y-is-p", "DPOP-125 TH47", "a non-canonical zero: y equals the field's prime", {
            let point = edge::point_with_y_zero();
            x(&y_is_p).proof_signer(move |message| edge::forged_under_encoding(&point, &y_is_p, message))
        }),
        refused("proof-jwk-all-ones", "DPOP-125", "32 bytes of 0xff", x(&[0xff; 32])),
        refused("proof-jwk-identity-with-sign", "DPOP-125", "the identity with the sign bit set: a second encoding", {
            let point = edge::small_order_points()[0];
            x(&identity_with_sign)
                .proof_signer(move |message| edge::forged_under_encoding(&point, &identity_with_sign, message))
        }),
        refused(
            "proof-jwk-order-1",
            "DPOP-124 TH48",
            "the identity as key, a signature made without any secret",
            small(0),
        ),
        refused(
            "proof-jwk-order-2",
            "DPOP-124 TH48",
            "a key of order 2, a signature made without any secret",
            small(1),
        ),
        refused(
            "proof-jwk-order-4",
            "DPOP-124 TH48",
            "a key of order 4, a signature made without any secret",
            small(2),
        ),
        refused(
            "proof-jwk-order-8",
            "DPOP-124 TH48",
            "a key of order 8, a signature made without any secret",
            small(4),
        ),
    ]
}

fn p256_points() -> Vec<Case> {
    let good = Draft::good_es256;
    let point = jwk(Who::P256Agent);
    let bytes = |member: &str| base64url::decode(point[member].as_str().unwrap()).unwrap();
    let changed = |member: &str, bytes: &[u8]| good().proof_jwk(json!({member: base64url::encode(bytes)}));
    let mut off_curve = bytes("y");
    off_curve[31] ^= 1;
    vec![
        refused("proof-jwk-p256-y-missing", "DPOP-38", "no `y`", good().without_proof_jwk("y")).twin("good-es256"),
        refused("proof-jwk-p256-off-curve", "DPOP-38 BCP-05", "no point of the curve", changed("y", &off_curve))
            .twin("good-es256"),
        refused("proof-jwk-p256-x-short", "CNF-07", "`x` of 31 bytes", changed("x", &bytes("x")[1..]))
            .twin("good-es256"),
        refused("proof-jwk-p256-x-long", "CNF-07", "a zero byte before `x`", {
            changed("x", &[vec![0], bytes("x")].concat())
        })
        .twin("good-es256"),
        refused(
            "proof-jwk-p256-boundary",
            "CNF-07",
            "the last byte of `x` stands at the start of `y`: a second spelling",
            {
                let (x, y) = (bytes("x"), bytes("y"));
                changed("x", &x[..31]).proof_jwk(json!({"y": base64url::encode(&[&x[31..], &y].concat())}))
            },
        )
        .twin("good-es256"),
        refused("proof-jwk-p256-zero", "DPOP-38 BCP-05", "both coordinates are zero", {
            changed("x", &[0; 32]).proof_jwk(json!({"y": base64url::encode(&[0; 32])}))
        })
        .twin("good-es256"),
    ]
}
