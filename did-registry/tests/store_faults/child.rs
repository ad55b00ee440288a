//! The child: writes as fast as it can and says what was acknowledged.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use handfast_registry::store::{Batch, CommitError, Committed, Store, StoreError};

use crate::store_support::{OTHERS, THINGS, batch, block_on, get, open};

/// The directory the child works in; without it the child's test has nothing to do.
const DIRECTORY: &str = "HANDFAST_STORE_CHILD";

/// How many tasks write at once.
pub(crate) const WRITERS: u32 = 16;

/// A write that was acknowledged: the child's line about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) writer: u32,
    pub(crate) number: u64,
    pub(crate) leaf: u64,
    pub(crate) feed_to: u64,
}

impl Acknowledged {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("ack ")?.split(' ');
        let mut next = || words.next().and_then(|word| word.parse::<u64>().ok());
        let writer = u32::try_from(next()?).ok()?;
        Some(Self { writer, number: next()?, leaf: next()?, feed_to: next()? })
    }
}

/// The name of a writer's write: key of its record, text of its leaf, start of its feed entry.
pub(crate) fn name_of(writer: u32, number: u64) -> Vec<u8> {
    format!("{writer:02}/{number:08}").into_bytes()
}

/// The value of a writer's write: of many lengths, up to the longest there is.
pub(crate) fn value_of(writer: u32, number: u64) -> Vec<u8> {
    let length = (u64::from(writer) * 997 + number * 131) % 4097;
    (0..length).map(|at| u8::try_from((at + number) % 251).unwrap()).collect()
}

/// The child's command line: this binary, this one test.
pub(crate) fn command(directory: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child::writes_when_told_to", "--nocapture"]).env(DIRECTORY, directory);
    command
}

/// A child at work.
pub(crate) struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the child starts");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads until the child says `word`, or to its end.
    pub(crate) fn await_word(&mut self, word: &str) {
        for line in &mut self.lines {
            if line.unwrap() == word {
                return;
            }
        }
    }

    /// Reads `count` acknowledgements, kills the child with SIGKILL, and gives all that it has said.
    pub(crate) fn kill_after(mut self, count: usize) -> Vec<Acknowledged> {
        let mut said = Vec::new();
        while said.len() < count {
            let line = self.lines.next().expect("the child is still writing").unwrap();
            said.extend(Acknowledged::parse(&line));
        }
        self.child.kill().unwrap();
        said.extend(self.finish().0);
        said
    }

    /// Reads to the child's end: the acknowledged writes, and its other lines.
    pub(crate) fn finish(mut self) -> (Vec<Acknowledged>, Vec<String>) {
        let (mut said, mut other) = (Vec::new(), Vec::new());
        for line in self.lines {
            let line = line.unwrap();
            match Acknowledged::parse(&line) {
                Some(acknowledged) => said.push(acknowledged),
                None => other.push(line),
            }
        }
        self.child.wait().unwrap();
        (said, other)
    }
}

/// One line to the parent, whole or not at all.
fn say(line: &str) {
    std::io::stdout().lock().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Not a test of its own but the child's role; does nothing in the suite's own process.
#[test]
fn writes_when_told_to() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    say("\nopening");
    let store = match open(Path::new(&directory)) {
        Ok(store) => Arc::new(store),
        Err(error) => return say(&format!("refused {error}")),
    };
    say("opened");
    let failures = block_on(async {
        let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write(Arc::clone(&store), writer))).collect();
        let mut failures = Vec::new();
        for writer in writers {
            failures.push(writer.await.unwrap());
        }
        failures
    });
    let is_down = |error: &CommitError| matches!(error, CommitError::Store(StoreError::Unavailable { .. }));
    assert!(failures.iter().all(is_down), "{failures:?}");
    say(&format!("failed {}", failures[0]));
    assert!(matches!(block_on(store.get(THINGS, b"any")), Err(StoreError::Unavailable { .. })));
    assert!(block_on(store.commit(Batch::new())).is_err_and(|error| is_down(&error)));
    assert!(matches!(block_on(store.health()), Err(StoreError::Unavailable { .. })));
    drop(store);
    say("closed");
}

/// Writes until the store fails: per write a new record, the writer's counter, a leaf and a feed entry.
async fn write(store: Arc<impl Store>, writer: u32) -> CommitError {
    let mut number = store.get(OTHERS, &writer.to_be_bytes()).await.unwrap().map_or(0, |counter| counter.version);
    loop {
        match store.commit(next_write(writer, number)).await {
            Ok(Committed { leaf, feed_to }) => say(&format!("ack {writer} {number} {} {feed_to}", leaf.unwrap())),
            Err(error) => return error,
        }
        number += 1;
    }
}

fn next_write(writer: u32, number: u64) -> Batch {
    let (name, counter) = (name_of(writer, number), writer.to_be_bytes());
    batch(|b| {
        match number {
            0 => b.expect_absent(OTHERS, &counter)?,
            version => b.expect_version(OTHERS, &counter, version)?,
        };
        b.expect_absent(THINGS, &name)?.put(THINGS, &name, &value_of(writer, number))?;
        b.put(OTHERS, &counter, b"")?.leaf_with_detail(&name, &value_of(writer, number))?.feed(&name)
    })
}

#[test]
fn a_counter_counts_its_writers_writes() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    for number in 0..3 {
        block_on(store.commit(next_write(7, number))).unwrap();
    }
    assert_eq!(get(&store, OTHERS, &7_u32.to_be_bytes()).unwrap().version, 3);
    assert_eq!(get(&store, THINGS, &name_of(7, 2)).unwrap().value, value_of(7, 2));
}
