//! Every target on what it begins with, on every input that was ever found, and on small changes of both. No fuzzer is needed.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use handfast_conformance::both::Dice;
use handfast_fuzz::{TARGETS, Target, find, words};

/// Changed inputs of a target; a build without optimisation runs them in a second or two.
const CHANGED: usize = 2_000;
/// The same where one input is a whole episode.
const CHANGED_EPISODES: usize = 64;

/// `regressions/TARGET`, a file for each input that once broke a promise.
fn regressions(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions").join(target.name);
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).expect("an input")).collect()
}

fn run(target: &Target, input: &[u8]) {
    let outcome = catch_unwind(|| (target.run)(input));
    assert!(outcome.is_ok(), "`{}` does not hold for {:?}", target.name, String::from_utf8_lossy(input));
}

/// One to four small changes, as fuzzers make them.
fn changed(dice: &mut Dice, inputs: &[Vec<u8>], words: &[String]) -> Vec<u8> {
    let mut input = dice.pick(inputs).clone();
    for _ in 0..=dice.below(4) {
        let place = dice.below(input.len() + 1);
        let end = input.len().min(place + dice.below(16));
        match dice.below(7) {
            0 if place < input.len() => input[place] ^= 1 << dice.below(8),
            1 if place < input.len() => input[place] = *dice.pick(b"\0 \"\\{}[],:.%/09aZ-_~\x7f\xff"),
            2 => drop(input.drain(place..end)),
            3 => {
                let word = dice.pick(words).as_bytes().to_vec();
                drop(input.splice(place..place, word));
            }
            4 => {
                let again = input[place..end].to_vec();
                drop(input.splice(place..place, again));
            }
            5 => {
                let other = dice.pick(inputs);
                let from = dice.below(other.len() + 1);
                input.truncate(place);
                input.extend_from_slice(&other[from..]);
            }
            _ => input.insert(place, *dice.pick(b"0a\",:}.%")),
        }
    }
    input
}

fn check(name: &str) {
    let target = find(name).expect("a target");
    let seeds = (target.seeds)();
    assert!(seeds.len() >= 50, "{} seeds", seeds.len());
    let inputs = [seeds, regressions(&target)].concat();
    inputs.iter().for_each(|input| run(&target, input));
    let (mut dice, words) = (Dice::of(7), words());
    for _ in 0..if name == "both" { CHANGED_EPISODES } else { CHANGED } {
        let input = changed(&mut dice, &inputs, &words);
        run(&target, &input[..input.len().min(target.max_bytes)]);
    }
}

macro_rules! checked {
    ($($name:ident),*) => {
        $(#[test] fn $name() { check(stringify!($name)) })*

        #[test]
        fn every_target_is_checked_here() {
            assert_eq!([$(stringify!($name)),*], TARGETS.map(|target| target.name));
        }
    };
}

checked!(both, json, proof, token, chain, did, target);

#[test]
fn every_kept_input_is_of_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    for entry in fs::read_dir(folder).expect("the folder of inputs") {
        let name = entry.expect("an entry").file_name().into_string().expect("a name");
        assert!(name == "README.md" || find(&name).is_some(), "{name}");
    }
}
