//! Writes what a target begins with.
//!
//! ```text
//! seeds                   the targets and what they promise
//! seeds TARGET FOLDER     inputs into FOLDER/seeds, words into FOLDER/words; says how long an input may be
//! ```

use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs, io};

use handfast_fuzz::{TARGETS, find, words};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, folder] = arguments.as_slice() else {
        TARGETS.iter().for_each(|target| println!("{:8} {}", target.name, target.about));
        return Ok(());
    };
    let target = find(name).ok_or_else(|| io::Error::other(format!("no target `{name}`")))?;
    let folder = PathBuf::from(folder);
    fs::create_dir_all(folder.join("seeds"))?;
    for (place, seed) in (target.seeds)().iter().enumerate() {
        fs::write(folder.join("seeds").join(format!("{place:05}")), seed)?;
    }
    let mut list = String::new();
    for word in words() {
        let _ = writeln!(list, "\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""));
    }
    fs::write(folder.join("words"), list)?;
    println!("{}", target.max_bytes);
    Ok(())
}
