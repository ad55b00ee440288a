//! Keys whose secret halves everybody can read: production refuses them (P-24, TH68).

use handfast_identity::{PublicKey, SigningKey, base64url};

/// Public keys of RFC 8032 7.1; the first is also the key of RFC 8037 A.
const PUBLISHED: [(&str, &str); 5] = [
    ("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "RFC 8032 7.1 test 1"),
    ("PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw", "RFC 8032 7.1 test 2"),
    ("_FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU", "RFC 8032 7.1 test 3"),
    ("J4EX_BRMcjQPZ9DyMW6Dhs7_vyskKMnFH-98WX8dQm4", "RFC 8032 7.1 test 1024"),
    ("7Bcrk61eVjv0kyxw4SRQNMNUZ-8u_U1k6_gZaDRn4r8", "RFC 8032 7.1 test SHA(abc)"),
];
const REPEATED_BYTE: &str = "a seed of one repeated byte";

/// Where the secret half of `key` was published, if it is known to have been.
///
/// The list: the test keys of RFC 8032 7.1, and Ed25519 keys whose seed repeats one byte, which examples and this project's own
/// tests use. `None` does not mean that a key is secret.
#[must_use]
pub fn publicly_known(key: &PublicKey) -> Option<&'static str> {
    let bytes = base64url::encode(&key.to_bytes());
    let published = PUBLISHED.iter().find(|(text, _)| *text == bytes).map(|(_, origin)| *origin);
    published.or_else(|| {
        let repeated = (0..=u8::MAX).any(|byte| SigningKey::from_ed25519_seed(&[byte; 32]).public() == key);
        repeated.then_some(REPEATED_BYTE)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // constants of the test

    use super::*;

    /// Seeds of RFC 8032 7.1, in order.
    const SEEDS: [&str; 5] = [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5",
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
    ];

    fn seed(hex: &str) -> [u8; 32] {
        let byte = |place: usize| u8::from_str_radix(hex.get(2 * place..2 * place + 2).unwrap(), 16).unwrap();
        core::array::from_fn(byte)
    }

    #[test]
    fn published_keys_are_known_and_others_not() {
        for (text, (_, origin)) in SEEDS.iter().zip(PUBLISHED) {
            assert_eq!(publicly_known(SigningKey::from_ed25519_seed(&seed(text)).public()), Some(origin));
        }
        assert_eq!(publicly_known(SigningKey::from_ed25519_seed(&[200; 32]).public()), Some(REPEATED_BYTE));
        // the twin: one bit away from a published seed
        let mut near = seed(SEEDS.first().unwrap());
        near[31] ^= 1;
        assert_eq!(publicly_known(SigningKey::from_ed25519_seed(&near).public()), None);
    }
}
