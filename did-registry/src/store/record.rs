//! The envelope around every stored value: format byte, version, log leaf.

use super::{StoreError, Table};

/// The envelope format written, and the only one known.
const ENVELOPE_FORMAT: u8 = 1;

const NO_LEAF: u8 = 0;
const HAS_LEAF: u8 = 1;

/// A stored value with what the store knows about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// 1 for a new record, one more with each put. A deleted key that is put again starts at 1 again.
    pub version: u64,
    /// The log leaf of the batch that wrote this version, `None` if that batch had none.
    pub leaf: Option<u64>,
    /// The caller's bytes.
    pub value: Vec<u8>,
}

impl Record {
    /// The bytes for the engine: format, version (8, big-endian), leaf mark, leaf (8, if marked), value.
    pub(super) fn seal(version: u64, leaf: Option<u64>, value: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(18 + value.len());
        bytes.push(ENVELOPE_FORMAT);
        bytes.extend_from_slice(&version.to_be_bytes());
        match leaf {
            None => bytes.push(NO_LEAF),
            Some(index) => {
                bytes.push(HAS_LEAF);
                bytes.extend_from_slice(&index.to_be_bytes());
            }
        }
        bytes.extend_from_slice(value);
        bytes
    }

    /// The version in an envelope; the rest is checked, and not copied.
    pub(super) fn version_of(table: Table, bytes: &[u8]) -> Result<u64, StoreError> {
        Self::open(table, bytes).map(|(version, _, _)| version)
    }

    /// Reads an envelope; the error names the table and, where that is the trouble, the format.
    pub(super) fn unseal(table: Table, bytes: &[u8]) -> Result<Self, StoreError> {
        Self::open(table, bytes).map(|(version, leaf, value)| Self { version, leaf, value: value.to_vec() })
    }

    /// Version, leaf and value of an envelope.
    fn open(table: Table, bytes: &[u8]) -> Result<(u64, Option<u64>, &[u8]), StoreError> {
        match bytes.split_first() {
            Some((&ENVELOPE_FORMAT, rest)) => open_first_format(rest),
            Some((&found, _)) => return Err(StoreError::UnknownEnvelope { table, found, known: ENVELOPE_FORMAT }),
            None => None,
        }
        .ok_or_else(|| StoreError::Corrupt { what: format!("a record of table `{table}` is cut short") })
    }
}

fn open_first_format(bytes: &[u8]) -> Option<(u64, Option<u64>, &[u8])> {
    let (version, rest) = bytes.split_first_chunk::<8>()?;
    let (leaf, value) = match rest.split_first()? {
        (&NO_LEAF, value) => (None, value),
        (&HAS_LEAF, rest) => {
            let (index, value) = rest.split_first_chunk::<8>()?;
            (Some(u64::from_be_bytes(*index)), value)
        }
        _ => return None,
    };
    Some((u64::from_be_bytes(*version), leaf, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Table = Table::new(16, "things");

    #[test]
    fn what_is_sealed_is_unsealed() {
        for (version, leaf, value) in
            [(1, None, &b""[..]), (1, Some(0), b"x"), (u64::MAX, Some(u64::MAX), &[0; 4096]), (2, None, &[1; 9])]
        {
            let sealed = Record::seal(version, leaf, value);
            assert_eq!(Record::unseal(TABLE, &sealed), Ok(Record { version, leaf, value: value.to_vec() }));
        }
    }

    #[test]
    fn an_unknown_format_is_named() {
        for found in [0, 2, 255] {
            let mut sealed = Record::seal(1, Some(7), b"value");
            if let Some(format) = sealed.first_mut() {
                *format = found;
            }
            assert_eq!(
                Record::unseal(TABLE, &sealed),
                Err(StoreError::UnknownEnvelope { table: TABLE, found, known: ENVELOPE_FORMAT })
            );
        }
        let text = StoreError::UnknownEnvelope { table: TABLE, found: 9, known: 1 }.to_string();
        assert_eq!(text, "a record of table `things` has envelope format `9`, and this version knows `1` only");
    }

    #[test]
    fn a_short_or_odd_envelope_is_damage() {
        let sealed = Record::seal(1, Some(7), b"");
        for length in 0..sealed.len() {
            let cut = sealed.get(..length).unwrap_or_default();
            assert!(matches!(Record::unseal(TABLE, cut), Err(StoreError::Corrupt { .. })), "{length} bytes");
        }
        let mut odd = sealed;
        if let Some(mark) = odd.get_mut(9) {
            *mark = 2;
        }
        assert!(matches!(Record::unseal(TABLE, &odd), Err(StoreError::Corrupt { .. })));
    }
}
