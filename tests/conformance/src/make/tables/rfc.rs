//! Examples that RFCs print, byte for byte.

use serde::{Deserialize, Serialize};

/// The table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RfcExamples {
    /// Proofs of RFC 9449.
    pub proofs: Vec<Proof>,
    /// Keys and their thumbprints.
    pub thumbprints: Vec<Thumbprint>,
    /// Signatures of RFC 8032 7.1.
    pub signatures: Vec<Signature>,
    /// Compact JWSs.
    pub jws: Vec<Jws>,
}

/// One proof.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Where it is printed.
    pub origin: String,
    /// The request's method.
    pub method: String,
    /// The request's URI.
    pub uri: String,
    /// The access token, if one goes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// When it was made.
    pub iat: u64,
    /// The proof.
    pub proof: String,
    /// The thumbprint of its key.
    pub jkt: String,
    /// Its id.
    pub jti: String,
}

/// One key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thumbprint {
    /// Where it is printed.
    pub origin: String,
    /// The JWK.
    pub jwk: String,
    /// The text the thumbprint is taken over.
    pub input: String,
    /// The thumbprint.
    pub thumbprint: String,
    /// Whether keys of this kind are taken here.
    pub accepted: bool,
}

/// One signature.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Where it is printed.
    pub origin: String,
    /// The seed.
    pub seed: String,
    /// The public key.
    pub public_key: String,
    /// The message.
    pub message: String,
    /// The signature.
    pub signature: String,
}

/// One compact JWS.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jws {
    /// Where it is printed.
    pub origin: String,
    /// The private key.
    pub private_jwk: String,
    /// The payload.
    pub payload: String,
    /// The JWS.
    pub jws: String,
}

pub(super) fn table() -> RfcExamples {
    RfcExamples { proofs: proofs(), thumbprints: thumbprints(), signatures: signatures(), jws: jws() }
}

/// The header all three proofs share.
const HEADER: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUk\
RZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19";
const RFC9449_JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

fn proofs() -> Vec<Proof> {
    let proof = |origin: &str, method: &str, uri: &str, iat, claims: &str, signature: &str, jti: &str| Proof {
        origin: origin.to_owned(),
        method: method.to_owned(),
        uri: uri.to_owned(),
        access_token: None,
        iat,
        proof: format!("{HEADER}.{claims}.{signature}"),
        jkt: RFC9449_JKT.to_owned(),
        jti: jti.to_owned(),
    };
    let token_endpoint = "https://server.example.com/token";
    vec![
        proof(
            "RFC 9449 figure 2",
            "POST",
            token_endpoint,
            1_562_262_616,
            "eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2Vu\
IiwiaWF0IjoxNTYyMjYyNjE2fQ",
            "2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg",
            "-BwC3ESc6acc2lTc",
        ),
        proof(
            "RFC 9449 figure 7",
            "POST",
            token_endpoint,
            1_562_265_296,
            "eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2Vu\
IiwiaWF0IjoxNTYyMjY1Mjk2fQ",
            "pAqut2IRDm_De6PR93SYmGBPXpwrAk90e8cP2hjiaG5QsGSuKDYW7_X620BxqhvYC8ynrrvZLTk41mSRroapUA",
            "-BwC3ESc6acc2lTc",
        ),
        Proof {
            access_token: Some("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU".to_owned()),
            ..proof(
                "RFC 9449 figure 13",
                "GET",
                "https://resource.example.org/protectedresource",
                1_562_262_618,
                "eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9w\
cm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9",
                "2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA",
                "e1j3V_bKic8-LAEB",
            )
        },
    ]
}

/// The modulus of RFC 7638's example.
const RSA_MODULUS: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB\
ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ\
vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

fn thumbprints() -> Vec<Thumbprint> {
    let x = "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs";
    let y = "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA";
    vec![
        Thumbprint {
            origin: "RFC 8037 A.2 and A.3".to_owned(),
            jwk: r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#.to_owned(),
            input: r#"{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#.to_owned(),
            thumbprint: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".to_owned(),
            accepted: true,
        },
        Thumbprint {
            origin: "RFC 9449 4.1 and 6.1".to_owned(),
            jwk: format!(r#"{{"kty":"EC","x":"{x}","y":"{y}","crv":"P-256"}}"#),
            input: format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
            thumbprint: RFC9449_JKT.to_owned(),
            accepted: true,
        },
        Thumbprint {
            origin: "RFC 7638 3.1, a kind of key that is not taken here".to_owned(),
            jwk: format!(r#"{{"kty":"RSA","n":"{RSA_MODULUS}","e":"AQAB","alg":"RS256","kid":"2011-04-29"}}"#),
            input: format!(r#"{{"e":"AQAB","kty":"RSA","n":"{RSA_MODULUS}"}}"#),
            thumbprint: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs".to_owned(),
            accepted: false,
        },
    ]
}

fn signatures() -> Vec<Signature> {
    let row = |name: &str, seed: &str, public_key: &str, message: &str, signature: &str| Signature {
        origin: format!("RFC 8032 7.1 {name}"),
        seed: seed.to_owned(),
        public_key: public_key.to_owned(),
        message: message.to_owned(),
        signature: signature.to_owned(),
    };
    vec![
        row(
            "TEST 1",
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595b\
be24655141438e7a100b",
        ),
        row(
            "TEST 2",
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb430\
2aeeb00d291612bb0c00",
        ),
        row(
            "TEST 3",
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716e\
d28dc027beceea1ec40a",
        ),
        row(
            "TEST SHA(abc)",
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643c\
e80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138a\
c17ad9bef1177331a704",
        ),
    ]
}

fn jws() -> Vec<Jws> {
    vec![Jws {
        origin: "RFC 8037 A.4 and A.5".to_owned(),
        private_jwk: concat!(
            r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","#,
            r#""x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#
        )
        .to_owned(),
        payload: "Example of Ed25519 signing".to_owned(),
        jws:
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhi\
jcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
                .to_owned(),
    }]
}
