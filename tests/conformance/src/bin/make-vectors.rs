//! Writes every file below `spec/vectors`, and removes those nobody makes any more.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool that stops at the first thing it cannot do")]

use std::collections::BTreeSet;
use std::fs;

use handfast_conformance::{make, vectors_folder};

fn main() {
    let folder = vectors_folder();
    let files = make::files();
    fs::create_dir_all(folder.join("request")).unwrap();
    for sub in ["", "request"] {
        let known: BTreeSet<_> = files.keys().map(|path| folder.join(path)).collect();
        for entry in fs::read_dir(folder.join(sub)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") && !known.contains(&path) {
                fs::remove_file(path).unwrap();
            }
        }
    }
    for (path, text) in &files {
        fs::write(folder.join(path), text).unwrap();
    }
    println!("{} files", files.len());
}
