//! Files of vectors: a folder is listed, so a new file is a new test.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use super::Vector;
use crate::vectors_folder;

/// Every vector of a folder by its name, the file name without `.json`.
///
/// # Panics
///
/// On a file that is not a vector: a misspelt member must not pass unnoticed.
#[must_use]
pub fn read_folder(folder: &Path) -> BTreeMap<String, Vector> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".json"));
            let name = name.unwrap_or_else(|| panic!("{} is no vector", path.display()));
            let text = std::fs::read_to_string(&path).unwrap();
            let vector = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name.to_owned(), vector)
        })
        .collect()
}

/// A table of `spec/vectors`, by its file name.
///
/// # Panics
///
/// On a table of another shape.
#[must_use]
pub fn read_table<T: DeserializeOwned>(name: &str) -> T {
    let text = std::fs::read_to_string(vectors_folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The text of a vector file or table.
#[must_use]
pub fn written(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap();
    text.push('\n');
    text
}

/// The text of a table of lists, each row on a line of its own.
#[must_use]
pub fn written_in_rows(value: &impl Serialize) -> String {
    let mut text = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut text, Rows::default())).unwrap();
    text.push(b'\n');
    String::from_utf8(text).unwrap()
}

/// Begins lines for the lists of a table and for their rows; a row itself has no blanks.
#[derive(Default)]
struct Rows {
    depth: usize,
}

/// The table and its lists.
const DEPTH_OF_ROWS: usize = 2;

impl Rows {
    fn open<W: io::Write + ?Sized>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        writer.write_all(bracket)
    }

    fn next<W: io::Write + ?Sized>(&self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        self.line(writer)
    }

    fn close<W: io::Write + ?Sized>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        let ends_rows = self.depth <= DEPTH_OF_ROWS;
        self.depth -= 1;
        if ends_rows {
            self.line(writer)?;
        }
        writer.write_all(bracket)
    }

    fn line<W: io::Write + ?Sized>(&self, writer: &mut W) -> io::Result<()> {
        if self.depth > DEPTH_OF_ROWS {
            return Ok(());
        }
        write!(writer, "\n{}", "  ".repeat(self.depth))
    }
}

impl Formatter for Rows {
    fn begin_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"[")
    }

    fn begin_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.next(writer, first)
    }

    fn end_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"]")
    }

    fn begin_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"{")
    }

    fn begin_object_key<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.next(writer, first)
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(if self.depth > DEPTH_OF_ROWS { b":" } else { b": " })
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"}")
    }
}
