//! The text of a JWS and what its segments say, in one piece of memory.

use serde::de::IgnoredAny;

use super::header::ReadHeader;
use super::{JwsError, segment};
use crate::json::{self, JsonError, Limits};
use crate::{Text, base64url};

/// A text as it was presented, behind it its first segment decoded, and behind that the second.
#[derive(Clone)]
pub(super) struct Whole {
    all: Text,
    text_len: usize,
    header_len: usize,
    /// Why the second segment is not there, although it is base64url: it decodes to no text.
    unreadable: Option<JsonError>,
}

impl Whole {
    /// Decodes the two segments of `text`, and reads the header.
    pub(super) fn read(
        text: &str,
        header: &str,
        payload: &str,
        limits: &Limits,
    ) -> Result<(Self, ReadHeader), JwsError> {
        let Some(whole) = Self::of_texts(text, header, payload) else {
            return Self::of_bytes(text, header, payload, limits);
        };
        let header = ReadHeader::read(whole.header().as_bytes(), limits)?;
        Ok((whole, header))
    }

    /// What it is where both segments are texts; `None` is for [`Self::of_bytes`], which says what is wrong.
    fn of_texts(text: &str, header: &str, payload: &str) -> Option<Self> {
        let [header_len, payload_len] = [header, payload].map(|segment| base64url::decoded_len(segment.len()));
        let mut bytes = Vec::with_capacity(text.len() + header_len + payload_len);
        bytes.extend_from_slice(text.as_bytes());
        for segment in [header, payload] {
            base64url::decode_append(segment, &mut bytes).ok().filter(|()| !segment.is_empty())?;
        }
        let all = String::from_utf8(bytes).ok()?.into();
        Some(Self { all, text_len: text.len(), header_len, unreadable: None })
    }

    /// The same one after the other, so that what stands first is refused first.
    #[cold]
    fn of_bytes(text: &str, header: &str, payload: &str, limits: &Limits) -> Result<(Self, ReadHeader), JwsError> {
        let bytes = segment(header)?;
        let read = ReadHeader::read(&bytes, limits)?;
        // INVARIANT: JSON is text
        let header = str::from_utf8(&bytes).map_err(|_| JwsError::Json(JsonError::Syntax))?;
        let unreadable = json::read_object::<IgnoredAny>(&segment(payload)?, limits).err();
        let whole = Self {
            all: [text, header].concat().into(),
            text_len: text.len(),
            header_len: header.len(),
            unreadable: Some(unreadable.unwrap_or(JsonError::Syntax)),
        };
        Ok((whole, read))
    }

    /// As it was presented.
    pub(super) fn text(&self) -> &str {
        self.all.get(..self.text_len).unwrap_or_default()
    }

    /// The first segment, decoded.
    pub(super) fn header(&self) -> &str {
        self.all.get(self.text_len..self.text_len + self.header_len).unwrap_or_default()
    }

    /// The second segment, decoded.
    pub(super) fn payload(&self) -> Result<&str, JsonError> {
        match &self.unreadable {
            Some(error) => Err(error.clone()),
            None => Ok(self.all.get(self.text_len + self.header_len..).unwrap_or_default()),
        }
    }

    /// `text` as one of its own, which shares this memory where it is a part of it.
    pub(super) fn share(&self, text: &str) -> Text {
        self.all.part(text).unwrap_or_else(|| text.into())
    }
}
