//! What a registry writes when an agent is registered, claimed and revoked: as many records of the same lengths.

use handfast_identity::base64url;
use handfast_registry::store::{Batch, BatchError, Table};

/// An entry of a batch: table, key, value.
type Write = (Table, Vec<u8>, Vec<u8>);

/// One state change: what it writes, and what it expects to find.
pub struct Mutation {
    /// The version that each record has before; 0 where there is none.
    writes: Vec<(u64, Write)>,
    leaf: Vec<u8>,
    /// What the leaf commits to.
    statement: Vec<u8>,
    feed: Vec<Vec<u8>>,
}

const AGENTS: Table = Table::new(16, "agents");
const DIDS: Table = Table::new(17, "dids");
const HANDLES: Table = Table::new(18, "handles");
const OWNED_AGENTS: Table = Table::new(19, "owned_agents");
const CLAIMS: Table = Table::new(22, "claims");

impl Mutation {
    /// The `number`th change of a writer: its agents are registered, claimed and revoked, one after the other.
    pub fn of(writer: u64, number: u64) -> Self {
        let agent = number / 3;
        let key = |kind: u64, length| scattered(length, [kind, writer, agent]);
        let value = |length| scattered(length, [9, writer, number]);
        let put = |version, table, key, length| (version, (table, key, value(length)));
        match number % 3 {
            0 => Self {
                writes: vec![
                    put(0, AGENTS, key(0, 32), 432),
                    put(0, DIDS, key(1, 56), 151),
                    put(0, HANDLES, key(2, 19), 122),
                    put(0, CLAIMS, key(3, 32), 229),
                ],
                leaf: value(175),
                statement: value(677),
                feed: Vec::new(),
            },
            1 => Self {
                writes: vec![
                    put(1, AGENTS, key(0, 32), 544),
                    put(1, HANDLES, key(2, 19), 121),
                    put(0, OWNED_AGENTS, key(4, 65), 137),
                    put(1, CLAIMS, key(3, 32), 261),
                ],
                leaf: value(172),
                statement: value(496),
                feed: Vec::new(),
            },
            _ => Self {
                writes: vec![put(2, AGENTS, key(0, 32), 388)],
                leaf: value(172),
                statement: value(366),
                feed: (0..2).map(|part| entry([writer, number, part])).collect(),
            },
        }
    }

    /// As the store takes it.
    pub fn batch(&self) -> Result<Batch, BatchError> {
        let mut batch = Batch::new();
        for (version, (table, key, value)) in &self.writes {
            match version {
                0 => batch.expect_absent(*table, key)?,
                version => batch.expect_version(*table, key, *version)?,
            };
            batch.put(*table, key, value)?;
        }
        batch.leaf_with_detail(&self.leaf, &self.statement)?;
        for body in &self.feed {
            batch.feed(body)?;
        }
        Ok(batch)
    }

    /// As a log takes it: the same bytes, one after the other.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (_, (_, key, value)) in &self.writes {
            bytes.extend_from_slice(key);
            bytes.extend_from_slice(value);
        }
        bytes.extend_from_slice(&self.leaf);
        bytes.extend_from_slice(&self.statement);
        self.feed.iter().for_each(|body| bytes.extend_from_slice(body));
        bytes
    }
}

/// A feed entry as the registry writes it.
fn entry(name: [u64; 3]) -> Vec<u8> {
    format!(r#"{{"kind":"agent","name":"{}"}}"#, base64url::encode(&scattered(16, name))).into_bytes()
}

/// Bytes without order, the same for the same `from`.
fn scattered(length: usize, from: [u64; 3]) -> Vec<u8> {
    let mut state = from.iter().fold(0x9e37_79b9_7f4a_7c15, |state: u64, part| mix(state ^ part));
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = mix(state);
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
