//! Chains as texts: the field taken apart, names of hops, and what covers what (spec/delegation.md, chains).

use handfast_dpop::ContentHash;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::make::draft::{Draft, TOKEN_ID};
use crate::make::jws::{Jws, signing_input};
use crate::make::keys::Who;

/// The table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainTexts {
    /// Texts of the `Delegation` field, or of a bundle.
    pub fields: Vec<Field>,
    /// Hops below one root, and their names.
    pub names: Vec<Named>,
    /// Chains whose every hop is signed.
    pub chains: Vec<Chain>,
}

/// A text and what it is taken apart to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// What it shows.
    pub about: String,
    /// The text.
    pub field: String,
    /// Most bytes that are read.
    pub max_bytes: usize,
    /// Its members, or why it is refused.
    pub verdict: FieldVerdict,
}

/// What becomes of a field.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum FieldVerdict {
    /// It is taken apart; its members may still be no hops.
    Read {
        /// The members in order.
        members: Vec<String>,
        /// `dch` and `chain_hash`: the hash of the members joined by one `,`.
        hash: String,
    },
    /// An empty member.
    ChainMalformed,
    /// Too many bytes or members.
    ChainTooLong,
}

/// A hop and what its children call it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// What it shows.
    pub about: String,
    /// The hop.
    pub hop: String,
    /// Its name.
    pub name: String,
}

/// A root token, the hops below it, and the token they were exchanged for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// What it shows.
    pub about: String,
    /// The key that signed root and token.
    pub issuer_key: String,
    /// The root token.
    pub root: String,
    /// The hops.
    pub hops: Vec<String>,
    /// The hash of each parent: of the root for the first hop, else the name of the hop before.
    pub par_hash: Vec<String>,
    /// The names of the hops, which the exchanged token lists.
    pub names: Vec<String>,
    /// `dch` of the offline form: over the hops.
    pub offline_dch: String,
    /// `dch` of the exchanged form and `chain_hash`: over the bundle, which is root and hops.
    pub exchanged_dch: String,
    /// The exchanged token.
    pub token: String,
    /// The root's id, which the exchanged token names.
    pub root_jti: String,
}

pub(super) fn table() -> ChainTexts {
    ChainTexts { fields: fields(), names: names(), chains: [1, 2, 3, 8].map(chain).into() }
}

fn hash(text: &str) -> String {
    ContentHash::of(text.as_bytes()).to_string()
}

fn fields() -> Vec<Field> {
    [good_fields(), empty_members(), long_fields()].into_iter().flatten().collect()
}

fn read(about: &str, field: &str, max_bytes: usize, members: &[&str]) -> Field {
    let members: Vec<_> = members.iter().map(|member| (*member).to_owned()).collect();
    let hash = hash(&members.join(","));
    let verdict = FieldVerdict::Read { members, hash };
    Field { about: about.to_owned(), field: field.to_owned(), max_bytes, verdict }
}

const USUAL: usize = 8192;

fn good_fields() -> Vec<Field> {
    let two = ["a.b.c", "d.e.f"];
    vec![
        read("one member", "a.b.c", USUAL, &["a.b.c"]),
        read("two members", "a.b.c,d.e.f", USUAL, &two),
        read("a blank behind the comma", "a.b.c, d.e.f", USUAL, &two),
        read("blanks and tabs around everything", " a.b.c \t,\t d.e.f ", USUAL, &two),
        read("a blank in a member stays: such a member is no hop", "a.b.c d.e.f", USUAL, &["a.b.c d.e.f"]),
        read("a member twice is for a later check", "a.b.c,a.b.c", USUAL, &["a.b.c", "a.b.c"]),
        read("quotes are no quotes here", "\"a,b\"", USUAL, &["\"a", "b\""]),
        read("nine members", "a,b,c,d,e,f,g,h,i", USUAL, &["a", "b", "c", "d", "e", "f", "g", "h", "i"]),
        read("as many bytes as are read", "a.b.c,d.e.f", 11, &two),
    ]
}

fn empty_members() -> Vec<Field> {
    let refused = |(about, field): (&str, &str)| Field {
        about: about.to_owned(),
        field: field.to_owned(),
        max_bytes: USUAL,
        verdict: FieldVerdict::ChainMalformed,
    };
    let rows = [
        ("nothing", ""),
        ("a blank", " "),
        ("a comma", ","),
        ("a comma before the first member", ",a.b.c"),
        ("a comma behind the last member", "a.b.c,"),
        ("two commas", "a.b.c,,d.e.f"),
        ("two commas with a blank between them", "a.b.c, ,d.e.f"),
        ("nine members, one of them empty", "a,b,c,d,,f,g,h,i"),
    ];
    rows.map(refused).into()
}

fn long_fields() -> Vec<Field> {
    let refused = |(about, field, max_bytes): (&str, &str, usize)| Field {
        about: about.to_owned(),
        field: field.to_owned(),
        max_bytes,
        verdict: FieldVerdict::ChainTooLong,
    };
    let rows = [
        ("a byte more than is read", "a.b.c,d.e.f", 10),
        ("blanks count as bytes", "a.b.c, d.e.f", 11),
        ("ten members", "a,b,c,d,e,f,g,h,i,j", USUAL),
        ("ten members, and empty ones: the number counts first", "a,,,,,,,,,", USUAL),
        ("too many bytes, and an empty member: the bytes count first", "a.b.c,,d.e.f", 11),
    ];
    rows.map(refused).into()
}

/// The name is over the signing input as received: neither the signature nor the meaning of the JSON is in it.
fn names() -> Vec<Named> {
    let named = |about: &str, change: &dyn Fn(Jws) -> Jws| {
        let hop = Draft::offline(1).hop(1, change).finished_hops().remove(0);
        Named { about: about.to_owned(), name: hash(signing_input(&hop)), hop }
    };
    vec![
        named("a hop", &|hop| hop),
        named("the same under another signature, with the same name", &|hop| hop.signed_by(Who::Stranger)),
        named("the same with a blank in its claims, with another name", &|hop| {
            hop.claims_text(|claims| claims.replacen(',', ", ", 1))
        }),
        named("the same with a blank in its header, with another name", &|hop| {
            hop.header_text(|header| header.replacen(',', ", ", 1))
        }),
        named("an escape in its claims, with another name", &|hop| {
            hop.claims_text(|claims| claims.replacen("files:read", "files\\u003aread", 1))
        }),
        named("another `jti`", &|hop| hop.claims(json!({"jti": "hop_x"}))),
        named("by a key of P-256", &|hop| {
            let kid = Who::P256Agent.did().key_id();
            hop.header(json!({"alg": "ES256", "kid": kid}))
                .claims(json!({"iss": Who::P256Agent.did().as_str()}))
                .signed_by(Who::P256Agent)
        }),
    ]
}

fn chain(count: u8) -> Chain {
    let draft = Draft::exchanged(count).root_claims(json!({"del_offline": true}));
    let members = draft.finished_members();
    let (root, hops) = members.split_first().unwrap();
    let name = |text: &String| hash(signing_input(text));
    Chain {
        about: format!("{count} hops"),
        issuer_key: Who::Issuer.did().to_string(),
        root: root.clone(),
        par_hash: members[..hops.len()].iter().map(name).collect(),
        names: hops.iter().map(name).collect(),
        offline_dch: hash(&hops.join(",")),
        exchanged_dch: hash(&members.join(",")),
        hops: hops.to_vec(),
        token: draft.finished_token(),
        root_jti: TOKEN_ID.to_owned(),
    }
}
