//! Token Status Lists: values and bytes, and runs of signed lists through one reader (spec/status-lists.md).

use handfast_identity::jws;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::make::NOW;
use crate::make::draft::ISSUER;
use crate::make::keys::Who;

/// The values of [`TWELVE`].
const VALUES: [u8; 12] = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3];
/// The second example of the draft, as compressed there: what compressors make of the same values differs.
pub(crate) const TWELVE: &str = "eNo76fITAAPfAgc";

/// The table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusLists {
    /// Lists that are read.
    pub packed: Vec<Packed>,
    /// Lists that are not: what is wrong, `bits` and `lst`.
    pub refused: Vec<(String, u64, String)>,
    /// The key that signs lists, unless a run says otherwise.
    pub status_key: String,
    /// Runs of signed lists through one reader.
    pub runs: Vec<Run>,
}

/// Values, and the bytes that hold them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packed {
    /// Bits of one value.
    pub bits: u64,
    /// The values, to the end of the last byte.
    pub values: Vec<u8>,
    /// The bytes, in hex.
    pub bytes: String,
    /// One compressed form of them.
    pub lst: String,
}

/// One reader from its first list on.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// What it shows.
    pub about: String,
    /// The lists in order, and what comes of each.
    pub lists: Vec<Fetched>,
}

/// A list as it arrived.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetched {
    /// Where it was asked for.
    pub uri: String,
    /// The reader's clock then.
    pub at: u64,
    /// What came.
    pub text: String,
    /// What is done with it.
    pub verdict: ListVerdict,
}

/// What comes of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListVerdict {
    /// Held from here on.
    Applied,
    /// No signed list.
    Malformed,
    /// Not signed with the key.
    Forged,
    /// Not the list of its address.
    OtherList,
    /// Signed ahead of the reader's clock.
    FromTheFuture,
    /// Past its end.
    Expired,
    /// Older than the one held: nothing is known until one comes that is not.
    Older,
    /// Not inflated.
    NotInflated,
}

/// A signed list with any claims.
pub(crate) fn signed(who: Who, claims: &Value) -> String {
    sign("statuslist+jwt", who, claims)
}

fn sign(typ: &str, who: Who, claims: &Value) -> String {
    jws::sign(typ, Some(&who.did().key_id()), claims, &who.key()).unwrap()
}

fn uri(list: u64) -> String {
    format!("{ISSUER}/status-lists/{list}")
}

/// Claims of a good list, with these changes.
fn claims(changes: &Value) -> Value {
    let mut all = json!({
        "sub": uri(0), "iat": NOW, "exp": NOW + 300, "ttl": 60, "status_list": {"bits": 2, "lst": TWELVE}
    });
    if let (Some(all), Some(changes)) = (all.as_object_mut(), changes.as_object()) {
        all.extend(changes.clone());
        all.retain(|_, value| !value.is_null());
    }
    all
}

pub(super) fn table() -> StatusLists {
    let packed = |bits, values: &[u8], bytes: &str, lst: &str| Packed {
        bits,
        values: values.to_vec(),
        bytes: bytes.to_owned(),
        lst: lst.to_owned(),
    };
    let sixteen = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1];
    let refused = |what: &str, bits, lst: &str| (what.to_owned(), bits, lst.to_owned());
    StatusLists {
        packed: vec![
            packed(1, &sixteen, "b9a3", "eNrbuRgAAhcBXQ"),
            packed(2, &VALUES, "c944f9", TWELVE),
            packed(2, &[0, 1, 2, 0, 0, 1, 0, 0], "2404", "eNpTYQEAAE4AKQ"),
            packed(4, &[4, 2, 4, 0], "2404", "eNpTYQEAAE4AKQ"),
            packed(8, &[0x24, 0x04], "2404", "eNpTYQEAAE4AKQ"),
        ],
        refused: vec![
            refused("raw DEFLATE", 2, "U2EBAA"),
            refused("gzip", 2, "H4sIAAAAAAAACA1NhAQBAN1y3AgAAAA"),
            refused("another checksum", 2, "eNpTYQEAAE4AKA"),
            refused("cut short", 2, "eNpTYQEAAE4A"),
            refused("nothing", 2, ""),
            refused("a byte behind it", 2, "eNpTYQEAAE4AKQA"),
            refused("the alphabet of RFC 4648 4", 2, "eNo76fITAAPfAgc="),
            refused("no bits", 0, "eNpTYQEAAE4AKQ"),
            refused("three bits", 3, "eNpTYQEAAE4AKQ"),
            refused("sixteen bits", 16, "eNpTYQEAAE4AKQ"),
        ],
        status_key: Who::Feed.did().to_string(),
        runs: runs(),
    }
}

fn runs() -> Vec<Run> {
    let at = |at: u64, text: String, verdict| Fetched { uri: uri(0), at, text, verdict };
    let good = |changes: &Value| signed(Who::Feed, &claims(changes));
    let one = |about: &str, text: String, verdict| Run { about: about.to_owned(), lists: vec![at(NOW, text, verdict)] };
    let run = |about: &str, lists| Run { about: about.to_owned(), lists };
    use ListVerdict::{Applied, Expired, Forged, FromTheFuture, Malformed, NotInflated, Older, OtherList};
    vec![
        run(
            "one list after the other",
            vec![
                at(NOW, good(&json!({})), Applied),
                at(NOW + 60, good(&json!({"iat": NOW + 60, "exp": NOW + 360})), Applied),
            ],
        ),
        run(
            "an older one after a newer one, and the newer one again",
            vec![
                at(NOW, good(&json!({})), Applied),
                at(NOW + 60, good(&json!({"iat": NOW - 1})), Older),
                at(NOW + 61, good(&json!({})), Applied),
            ],
        ),
        run(
            "two of one second",
            vec![at(NOW, good(&json!({})), Applied), at(NOW, good(&json!({"exp": NOW + 1})), Applied)],
        ),
        one("without `exp` and `ttl`", good(&json!({"exp": null, "ttl": null})), Applied),
        one(
            "of `typ` `application/statuslist+jwt`",
            sign("application/StatusList+jwt", Who::Feed, &claims(&json!({}))),
            Applied,
        ),
        one("in the last second of the leeway", good(&json!({"exp": NOW - 30})), Applied),
        one("past its end", good(&json!({"exp": NOW - 31})), Expired),
        one("signed 30 s ahead", good(&json!({"iat": NOW + 30})), Applied),
        one("signed further ahead", good(&json!({"iat": NOW + 31})), FromTheFuture),
        one("another list", good(&json!({"sub": uri(1)})), OtherList),
        one("of the issuer's token key", signed(Who::Issuer, &claims(&json!({}))), Forged),
        one("of a stranger", signed(Who::Stranger, &claims(&json!({}))), Forged),
        one("an access token's `typ`", sign("at+jwt", Who::Feed, &claims(&json!({}))), Malformed),
        one("a feed message's `typ`", sign("revocation-feed+jwt", Who::Feed, &claims(&json!({}))), Malformed),
        one("without `sub`", good(&json!({"sub": null})), Malformed),
        one("without `iat`", good(&json!({"iat": null})), Malformed),
        one("without `status_list`", good(&json!({"status_list": null})), Malformed),
        one("`ttl` 0", good(&json!({"ttl": 0})), Malformed),
        one("a negative `ttl`", good(&json!({"ttl": -1})), Malformed),
        one("three bits", good(&json!({"status_list": {"bits": 3, "lst": TWELVE}})), NotInflated),
        one("raw DEFLATE", good(&json!({"status_list": {"bits": 2, "lst": "U2EBAA"}})), NotInflated),
        one("not a JWS", TWELVE.to_owned(), Malformed),
    ]
}
