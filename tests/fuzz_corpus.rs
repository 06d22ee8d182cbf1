//! A short run of every fuzz target: its seeds, and a few thousand seeded mutations of them. The long runs are
//! `cargo fuzz run TARGET tests/corpus/TARGET` in `fuzz/`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{fs, panic, path::PathBuf};

use parlor::rtmp::fuzzing::{TARGETS, Target};

/// Not for `cargo fuzz`: FFmpeg would have to be built with it.
#[cfg(feature = "media")]
const MORE: [Target; 1] = [("seal", parlor::media::seal::fuzzing::seal)];
#[cfg(not(feature = "media"))]
const MORE: [Target; 0] = [];

const MUTATIONS: usize = 5000;

/// xorshift: the same mutations on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(target);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let seeds: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(seeds.len() >= 3, "{} holds too few seeds", folder.display());
    seeds
}

fn mutated(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(6) {
        let at = random.below(bytes.len() + 1);
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.below(256) as u8),
            2 => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len() + 1);
                bytes.splice(at.., other[from..].iter().copied());
            }
            3 if at < bytes.len() => {
                bytes.remove(at);
            }
            4 if at < bytes.len() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            _ if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            _ => {}
        }
    }
    bytes
}

#[test]
fn every_target_survives_its_corpus_and_mutations_of_it() {
    for (name, target) in TARGETS.into_iter().chain(MORE) {
        let seeds = seeds(name);
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let inputs: Vec<Vec<u8>> = (0..MUTATIONS).map(|_| mutated(&seeds, &mut random)).collect();
        for input in std::iter::once(Vec::new()).chain(seeds).chain(inputs) {
            if panic::catch_unwind(|| target(&input)).is_err() {
                let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
                panic!("target {name} fails on {hex}");
            }
        }
    }
}
