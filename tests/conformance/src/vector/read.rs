//! Files of vectors: a folder is listed, so a new file is a new test.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::Vector;

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

/// The text of a vector file or table.
#[must_use]
pub fn written(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap();
    text.push('\n');
    text
}
