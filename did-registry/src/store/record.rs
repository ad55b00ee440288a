//! The envelope around every stored value: format byte, version, log leaf.

use super::engine::Bytes;
use super::{StoreError, Table};

/// The envelope format of records.
const ENVELOPE_FORMAT: u8 = 1;
/// That of a log leaf with a detail: the leaf's length (2, big-endian) stands before it, the detail behind it.
const WITH_DETAIL: u8 = 2;

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

/// What an envelope holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Opened<'a> {
    version: u64,
    leaf: Option<u64>,
    value: &'a [u8],
    detail: Option<&'a [u8]>,
}

impl Record {
    /// The bytes for the engine: format, version (8, big-endian), leaf mark, leaf (8, if marked), value. `room` is used for
    /// putting them together.
    pub(super) fn seal(room: &mut Vec<u8>, version: u64, leaf: Option<u64>, value: &[u8]) -> Bytes {
        begin(room, ENVELOPE_FORMAT, version, leaf);
        room.extend_from_slice(value);
        Bytes::from(room.as_slice())
    }

    /// The same for a log leaf, with the detail it may have.
    pub(super) fn seal_leaf(room: &mut Vec<u8>, index: u64, value: &[u8], detail: Option<&[u8]>) -> Bytes {
        // INVARIANT: leaves have MAX_VALUE_BYTES at most, so their length fits
        let (Some(detail), Ok(length)) = (detail, u16::try_from(value.len())) else {
            return Self::seal(room, 1, Some(index), value);
        };
        begin(room, WITH_DETAIL, 1, Some(index));
        room.extend_from_slice(&length.to_be_bytes());
        room.extend_from_slice(value);
        room.extend_from_slice(detail);
        Bytes::from(room.as_slice())
    }

    /// The version in an envelope; the rest is checked, and not copied.
    pub(super) fn version_of(table: Table, bytes: &[u8]) -> Result<u64, StoreError> {
        open(table, bytes).map(|opened| opened.version)
    }

    /// Reads an envelope; the error names the table and, where that is the trouble, the format. `None` where a detail is asked for
    /// that is not there.
    pub(super) fn unseal(table: Table, bytes: &[u8]) -> Result<Option<Self>, StoreError> {
        let Opened { version, leaf, value, detail } = open(table, bytes)?;
        let asked = if table == Table::DETAILS { detail } else { Some(value) };
        Ok(asked.map(|value| Self { version, leaf, value: value.to_vec() }))
    }
}

/// What stands before the value in each format.
fn begin(room: &mut Vec<u8>, format: u8, version: u64, leaf: Option<u64>) {
    room.clear();
    room.push(format);
    room.extend_from_slice(&version.to_be_bytes());
    match leaf {
        None => room.push(NO_LEAF),
        Some(index) => {
            room.push(HAS_LEAF);
            room.extend_from_slice(&index.to_be_bytes());
        }
    }
}

fn open(table: Table, bytes: &[u8]) -> Result<Opened<'_>, StoreError> {
    let may_have_details = matches!(table, Table::LOG | Table::DETAILS);
    match bytes.split_first() {
        Some((&ENVELOPE_FORMAT, rest)) => open_record(rest),
        Some((&WITH_DETAIL, rest)) if may_have_details => open_record(rest).and_then(split_detail),
        Some((&found, _)) => return Err(StoreError::UnknownEnvelope { table, found, known: ENVELOPE_FORMAT }),
        None => None,
    }
    .ok_or_else(|| StoreError::Corrupt { what: format!("a record of table `{table}` is cut short") })
}

fn open_record(bytes: &[u8]) -> Option<Opened<'_>> {
    let (version, rest) = bytes.split_first_chunk::<8>()?;
    let (leaf, value) = match rest.split_first()? {
        (&NO_LEAF, value) => (None, value),
        (&HAS_LEAF, rest) => {
            let (index, value) = rest.split_first_chunk::<8>()?;
            (Some(u64::from_be_bytes(*index)), value)
        }
        _ => return None,
    };
    Some(Opened { version: u64::from_be_bytes(*version), leaf, value, detail: None })
}

fn split_detail(opened: Opened<'_>) -> Option<Opened<'_>> {
    let (length, rest) = opened.value.split_first_chunk::<2>()?;
    let (value, detail) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some(Opened { value, detail: Some(detail), ..opened })
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
            let sealed = Record::seal(&mut Vec::new(), version, leaf, value);
            assert_eq!(Record::unseal(TABLE, &sealed), Ok(Some(Record { version, leaf, value: value.to_vec() })));
        }
    }

    #[test]
    fn a_leaf_and_its_detail_are_two_records_of_one_entry() {
        for (leaf, detail) in
            [(&b"leaf"[..], Some(&b"why"[..])), (b"leaf", Some(b"")), (b"", Some(b"why")), (b"leaf", None)]
        {
            let sealed = Record::seal_leaf(&mut vec![7], 3, leaf, detail);
            let read = |table| Record::unseal(table, &sealed);
            let record = |value: &[u8]| Record { version: 1, leaf: Some(3), value: value.to_vec() };
            assert_eq!(read(Table::LOG), Ok(Some(record(leaf))));
            assert_eq!(read(Table::DETAILS), Ok(detail.map(record)));
            let is_known = |error| matches!(error, StoreError::UnknownEnvelope { found: WITH_DETAIL, .. });
            assert_eq!(read(TABLE).is_err_and(is_known), detail.is_some(), "of leaves only");
        }
        let sealed = Record::seal_leaf(&mut Vec::new(), 3, b"leaf", Some(b""));
        for length in 0..sealed.len() {
            let cut = sealed.get(..length).unwrap_or_default();
            assert!(matches!(Record::unseal(Table::LOG, cut), Err(StoreError::Corrupt { .. })), "{length} bytes");
        }
    }

    #[test]
    fn an_unknown_format_is_named() {
        for found in [0, 2, 255] {
            let mut sealed = Record::seal(&mut Vec::new(), 1, Some(7), b"value").to_vec();
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
        let sealed = Record::seal(&mut Vec::new(), 1, Some(7), b"").to_vec();
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
