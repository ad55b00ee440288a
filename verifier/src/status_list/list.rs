//! The values of a list, packed, and their compressed form (TSL-01 to TSL-04).

use core::fmt;

#[cfg(feature = "zlib")]
use miniz_oxide::{
    deflate::compress_to_vec_zlib,
    inflate::TINFLStatus,
    inflate::core::inflate_flags::{TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF},
    inflate::core::{DecompressorOxide, decompress},
};

/// Most bytes of a list, not compressed: 2^22 values of 2 bits (spec/limits.md). The inflater stops here (TSL-29).
pub const MAX_LIST_BYTES: usize = 1024 * 1024;
#[cfg(feature = "zlib")]
/// How hard to compress: level 9 takes ten times as long for a few bytes less.
const LEVEL: u8 = 6;

/// How many bits a value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryBits {
    /// Valid or not.
    One,
    /// Suspended as well: what we write.
    Two,
    /// 16 values.
    Four,
    /// 256 values.
    Eight,
}

impl EntryBits {
    /// The size with this number of bits; none has another (TSL-01).
    #[must_use]
    pub const fn parse(bits: u64) -> Option<Self> {
        match bits {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            4 => Some(Self::Four),
            8 => Some(Self::Eight),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        1 << self.log()
    }

    /// Its logarithm.
    const fn log(self) -> u8 {
        match self {
            Self::One => 0,
            Self::Two => 1,
            Self::Four => 2,
            Self::Eight => 3,
        }
    }

    /// The largest value.
    const fn mask(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 3,
            Self::Four => 15,
            Self::Eight => 255,
        }
    }

    /// The byte that holds the value at `index`, and how far from its lowest bit (TSL-02).
    const fn place(self, index: u64) -> (u64, u8) {
        let in_byte = 3 - self.log();
        // at most 7, so nothing is lost
        #[allow(clippy::cast_possible_truncation)]
        let place = (index & ((1 << in_byte) - 1)) as u8;
        (index >> in_byte, place << self.log())
    }
}

/// What a value means (TSL-06).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryStatus {
    /// 0: nothing is said against it.
    Valid,
    /// 1: over, for good.
    Invalid,
    /// 2: not good for now.
    Suspended,
    /// Any other: what nobody here understands, and so nothing that passes.
    Other(u8),
}

impl EntryStatus {
    /// The meaning of a value.
    #[must_use]
    pub const fn of(value: u8) -> Self {
        match value {
            0 => Self::Valid,
            1 => Self::Invalid,
            2 => Self::Suspended,
            other => Self::Other(other),
        }
    }

    /// The value.
    #[must_use]
    pub const fn value(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Invalid => 1,
            Self::Suspended => 2,
            Self::Other(value) => value,
        }
    }
}

/// Why bytes are no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusListError {
    /// `bits` is none of 1, 2, 4, 8.
    Bits,
    /// More than [`MAX_LIST_BYTES`], when inflated.
    TooLong,
    /// Not one whole ZLIB stream (RFC 1950) with its checksum, and nothing behind it.
    Zlib,
}

impl fmt::Display for StatusListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bits => "`bits` is none of `1`, `2`, `4`, `8`",
            Self::TooLong => "the list is longer than allowed, inflated",
            Self::Zlib => "the list is no whole zlib stream",
        })
    }
}

impl core::error::Error for StatusListError {}

/// Values of a few bits each, packed from the lowest bit of each byte up (TSL-02).
///
/// ```
/// use handfast_verifier::status_list::{EntryBits, EntryStatus, StatusList};
/// let mut list = StatusList::new(EntryBits::Two, 12);
/// list.set(1, EntryStatus::Suspended);
/// assert_eq!((list.status(1), list.status(0)), (Some(EntryStatus::Suspended), Some(EntryStatus::Valid)));
/// assert_eq!(list.status(12), None); // outside is no answer, and least of all a good one
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct StatusList {
    bits: EntryBits,
    bytes: Vec<u8>,
}

impl StatusList {
    /// A list in which everything is valid, of `entries` values in whole bytes, at most [`MAX_LIST_BYTES`] of them.
    #[must_use]
    pub fn new(bits: EntryBits, entries: u64) -> Self {
        let bytes = entries.div_ceil(8 >> bits.log());
        let bytes = usize::try_from(bytes).unwrap_or(MAX_LIST_BYTES).min(MAX_LIST_BYTES);
        Self { bits, bytes: vec![0; bytes] }
    }

    /// How many values it has.
    #[must_use]
    pub fn len(&self) -> u64 {
        // a mebibyte at most
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX) << (3 - self.bits.log())
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many bits a value has.
    #[must_use]
    pub const fn bits(&self) -> EntryBits {
        self.bits
    }

    /// The packed values.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What stands at `index`; `None` outside (TSL-22).
    #[must_use]
    pub fn status(&self, index: u64) -> Option<EntryStatus> {
        let (byte, shift) = self.bits.place(index);
        let byte = *self.bytes.get(usize::try_from(byte).ok()?)?;
        Some(EntryStatus::of((byte >> shift) & self.bits.mask()))
    }

    /// Writes `status` at `index`, and says whether there is such a place and the value fits it.
    pub fn set(&mut self, index: u64, status: EntryStatus) -> bool {
        let (byte, shift) = self.bits.place(index);
        let mask = self.bits.mask();
        let Some(byte) = usize::try_from(byte).ok().and_then(|byte| self.bytes.get_mut(byte)) else { return false };
        if status.value() > mask {
            return false;
        }
        *byte = (*byte & !(mask << shift)) | (status.value() << shift);
        true
    }

    #[cfg(feature = "zlib")]
    /// The compressed form: ZLIB (RFC 1950), as `lst` carries it (TSL-03).
    #[must_use]
    pub fn compress(&self) -> Vec<u8> {
        compress_to_vec_zlib(&self.bytes, LEVEL)
    }

    #[cfg(feature = "zlib")]
    /// Reads the compressed form. It never takes more room than [`MAX_LIST_BYTES`], whatever is claimed (TSL-29).
    ///
    /// # Errors
    ///
    /// [`StatusListError::TooLong`] and [`StatusListError::Zlib`]; raw DEFLATE and gzip are no ZLIB.
    pub fn inflate(bits: EntryBits, compressed: &[u8]) -> Result<Self, StatusListError> {
        let mut bytes = vec![0; MAX_LIST_BYTES];
        // the checksum is compared wherever a ZLIB header is read
        let flags = TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let mut inflater = Box::<DecompressorOxide>::default();
        let (status, read, written) = decompress(&mut inflater, compressed, &mut bytes, 0, flags);
        match status {
            TINFLStatus::Done if read == compressed.len() => {
                bytes.truncate(written);
                bytes.shrink_to_fit();
                Ok(Self { bits, bytes })
            }
            TINFLStatus::HasMoreOutput => Err(StatusListError::TooLong),
            _ => Err(StatusListError::Zlib),
        }
    }
}

impl fmt::Debug for StatusList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusList").field("bits", &self.bits).field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "zlib"))]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed set-up should stop the test")]
mod tests {
    use handfast_identity::base64url;

    use super::*;

    const SIXTEEN: [u8; 16] = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1];
    const TWELVE: [u8; 12] = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3];

    fn packed(bits: EntryBits, values: &[u8]) -> StatusList {
        let mut list = StatusList::new(bits, u64::try_from(values.len()).unwrap());
        for (value, index) in values.iter().zip(0..) {
            assert!(list.set(index, EntryStatus::of(*value)));
        }
        list
    }

    fn values(list: &StatusList) -> Vec<u8> {
        (0..list.len()).map(|index| list.status(index).unwrap().value()).collect()
    }

    /// The examples of the draft (TSL-02, TSL-03).
    #[test]
    fn the_examples_of_the_draft_are_read_and_written() {
        for (bits, expected, bytes, lst) in [
            (EntryBits::One, &SIXTEEN[..], &[0xb9, 0xa3][..], "eNrbuRgAAhcBXQ"),
            (EntryBits::Two, &TWELVE, &[0xc9, 0x44, 0xf9], "eNo76fITAAPfAgc"),
        ] {
            let list = StatusList::inflate(bits, &base64url::decode(lst).unwrap()).unwrap();
            assert_eq!((list.bytes(), values(&list)), (bytes, expected.to_vec()));
            let ours = packed(bits, expected);
            assert_eq!(ours, list);
            // compressed bytes are the compressor's own: they are compared by what they say
            assert_eq!(StatusList::inflate(bits, &ours.compress()), Ok(list));
        }
    }

    #[test]
    fn every_size_keeps_every_value_and_its_neighbours() {
        for (bits, largest) in [(1, 1), (2, 3), (4, 15), (8, 255)] {
            let size = EntryBits::parse(bits).unwrap();
            assert_eq!(u64::from(size.get()), bits);
            let all: Vec<u8> = (0..=largest).cycle().take(300).collect();
            let mut list = packed(size, &all);
            assert_eq!(values(&list)[..300], all);
            assert!(!list.set(0, EntryStatus::Other(largest.wrapping_add(1))) || largest == 255);
            for index in (0..300).step_by(7) {
                assert!(list.set(index, EntryStatus::Valid));
            }
            let expected = all.iter().zip(0..).map(|(value, index): (_, u64)| if index % 7 == 0 { 0 } else { *value });
            assert!(values(&list).into_iter().take(300).eq(expected));
        }
        for bits in [0, 3, 5, 6, 7, 9, 16, u64::MAX] {
            assert_eq!(EntryBits::parse(bits), None, "{bits}");
        }
    }

    #[test]
    fn outside_is_no_answer() {
        let mut list = StatusList::new(EntryBits::Two, 5);
        // whole bytes
        assert_eq!(list.len(), 8);
        assert_eq!(list.status(7), Some(EntryStatus::Valid));
        for index in [8, 9, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(list.status(index), None);
            assert!(!list.set(index, EntryStatus::Invalid));
        }
        assert_eq!(StatusList::new(EntryBits::Eight, 0).status(0), None);
        assert_eq!(StatusList::new(EntryBits::Eight, u64::MAX).len(), 1 << 20);
    }

    /// TSL-03, TSL-29: `decode_negative` of the vectors, and what is longer than its bound.
    #[test]
    fn what_is_no_zlib_stream_is_no_list() {
        let zlib = StatusListError::Zlib;
        for (what, lst, error) in [
            ("raw deflate", "U2EBAA", zlib),
            ("gzip", "H4sIAAAAAAACA1NhAQBAN1y3AgAAAA", zlib),
            ("another checksum", "eNpTYQEAAE4AKA", zlib),
            ("nothing", "", zlib),
        ] {
            assert_eq!(StatusList::inflate(EntryBits::Two, &base64url::decode(lst).unwrap()), Err(error), "{what}");
        }
        let good = base64url::decode("eNpTYQEAAE4AKQ").unwrap();
        assert_eq!(StatusList::inflate(EntryBits::Two, &good).map(|list| list.bytes), Ok(vec![0x24, 0x04]));
        for cut in 0..good.len() {
            assert_eq!(StatusList::inflate(EntryBits::Two, &good[..cut]), Err(zlib), "{cut}");
        }
        let behind = [&good[..], b"x"].concat();
        assert_eq!(StatusList::inflate(EntryBits::Two, &behind), Err(zlib), "something behind it");
    }

    #[test]
    fn the_inflater_stops_at_the_bound() {
        let whole = compress_to_vec_zlib(&vec![0; MAX_LIST_BYTES], LEVEL);
        assert_eq!(StatusList::inflate(EntryBits::Two, &whole).map(|list| list.len()), Ok(1 << 22));
        for length in [MAX_LIST_BYTES + 1, 64 * MAX_LIST_BYTES] {
            let bomb = compress_to_vec_zlib(&vec![0; length], LEVEL);
            assert_eq!(StatusList::inflate(EntryBits::Two, &bomb), Err(StatusListError::TooLong), "{length}");
        }
    }
}
