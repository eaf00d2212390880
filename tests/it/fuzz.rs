//! Goal: bytes of any origin, fed to everything that reads what somebody else may have written, cause no panic, and what
//! is accepted is written back as it was.
//! Method: the targets of `tests/fuzz`, which libFuzzer drives as long as one likes, driven here for a bounded time by a
//! mutator that always does the same: valid samples made on the spot, cut, spliced, with bits flipped, lengths edited and
//! digits changed; what is accepted is mutated further. A run that accepts none of its mutants has tested nothing.

#[path = "../fuzz/targets.rs"]
mod targets;

use super::attacks::full;
use super::disclosure;
use super::disclosure::files::{repack, unpack};
use super::ledger::{Home, frames};
use onefold::crypto::{EntryKey, PunctureTree};
use onefold::ledger::{Disclosed, Kind, Reader, Tree, read_checkpoint, verify};
use onefold::model::{Birth, Sequence};
use onefold::tlog::{ProofFile, SignedNote, inclusion_proof, tiles};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use targets::{TARGETS, Target};

const ITERATIONS: u32 = 100_000;
/// A sample may grow to so many bytes.
const BYTES_MAX: usize = 4_096;
/// Accepted mutants that are kept to be mutated further.
const KEPT_MAX: usize = 200;

/// Numbers that look random and are the same in every run (xorshift64*, Vigna 2016).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// One below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

/// Numbers that lengths and counts are replaced by.
const LENGTHS: [u64; 14] =
    [0, 1, 2, 19, 31, 32, 127, 255, 256, 65_535, 65_536, u32::MAX as u64, i64::MAX as u64, u64::MAX];

/// Changes the bytes in one way.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], numbers: &mut Numbers) {
    if bytes.is_empty() {
        bytes.extend_from_slice(other);
        return;
    }
    let at = numbers.below(bytes.len());
    match numbers.below(10) {
        0 | 1 => bytes[at] ^= 1 << numbers.below(8),
        2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff, b'\n', b' ', b'0'][numbers.below(8)],
        3 => bytes[at] = b"0123456789abcdefABCDEF+/=-. \n"[numbers.below(29)],
        4 => bytes.truncate(at),
        5 => {
            let end = (at + 1 + numbers.below(40)).min(bytes.len());
            bytes.drain(at..end);
        }
        6 => {
            let end = (at + 1 + numbers.below(40)).min(bytes.len());
            bytes.splice(at..at, bytes[at..end].to_vec());
        }
        7 => {
            let from = numbers.below(other.len().max(1)).min(other.len());
            let tail = &other[from..];
            bytes.splice(at.., tail.iter().copied());
        }
        8 => {
            let from = numbers.below(other.len().max(1)).min(other.len());
            let piece = &other[from..(from + 1 + numbers.below(64)).min(other.len())];
            bytes.splice(at..at, piece.iter().copied());
        }
        _ => {
            let number = LENGTHS[numbers.below(LENGTHS.len())].to_le_bytes();
            let size = [1, 2, 4, 8][numbers.below(4)];
            let end = (at + size).min(bytes.len());
            bytes[at..end].copy_from_slice(&number[..end - at]);
        }
    }
    bytes.truncate(BYTES_MAX.max(other.len()));
}

fn target(name: &str) -> Target {
    TARGETS.iter().find(|(known, _)| *known == name).unwrap().1
}

/// With `ONEFOLD_FUZZ_CORPUS` the samples are kept in a folder for each target, for libFuzzer to begin with.
fn keep(name: &str, samples: &[Vec<u8>]) {
    let Some(corpus) = std::env::var_os("ONEFOLD_FUZZ_CORPUS") else { return };
    let folder = PathBuf::from(corpus).join(name);
    fs::create_dir_all(&folder).unwrap();
    for (number, sample) in samples.iter().enumerate() {
        fs::write(folder.join(format!("sample-{number}")), sample).unwrap();
    }
}

/// Drives a target; gives how many mutants it accepted.
fn drive(name: &str, samples: &[Vec<u8>], iterations: u32) -> u32 {
    let target = target(name);
    keep(name, samples);
    let accepted = samples.iter().filter(|sample| target(sample)).count();
    assert!(accepted > 0, "{name}: no sample is accepted");
    let mut numbers = Numbers(name.bytes().fold(1, |seed, byte| seed * 31 + u64::from(byte)));
    let mut corpus: Vec<Vec<u8>> = samples.to_vec();
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..iterations {
        let (one, other) = (numbers.below(corpus.len()), numbers.below(corpus.len()));
        let mut bytes = corpus[one].clone();
        for _ in 0..=numbers.below(4) {
            mutate(&mut bytes, &corpus[other], &mut numbers);
        }
        match target(&bytes) {
            true => {
                accepted += 1;
                let place = samples.len() + numbers.below(KEPT_MAX);
                match corpus.get_mut(place) {
                    Some(kept) => *kept = bytes,
                    None => corpus.push(bytes),
                }
            }
            false => refused += 1,
        }
    }
    eprintln!("{name}: {iterations} mutants of {} samples, {accepted} accepted", samples.len());
    assert!(accepted > 0 && refused > 0, "{name}: {accepted} accepted, {refused} refused");
    accepted
}

/// Everything of a ledger's entries that can be handed out.
fn disclosed(home: &Home) -> Vec<Disclosed> {
    let report = verify(&home.dir(), &[], |_| {}).unwrap();
    let tree = Tree::open(&home.dir(), report.entries, &report.root).unwrap();
    let reader = Reader::open(&home.dir(), Some(&home.keys)).unwrap();
    (0..report.entries).map(|sequence| reader.disclose(&tree, Sequence(sequence)).unwrap()).collect()
}

/// The payload of an entry in clear, after the place of its kind.
fn payload(entry: &Disclosed) -> Option<Vec<u8>> {
    let kind = u8::try_from(Kind::ALL.iter().position(|kind| *kind == entry.kind)?).ok()?;
    let body = entry.body.clone()?;
    let Some(key) = &entry.key else { return entry.kind.is_clear().then(|| [vec![kind], body].concat()) };
    let (ciphertext, tag) = body.split_last_chunk::<16>()?;
    let mut padded = ciphertext.to_vec();
    // Run digest and header, as they stand in the logical entry.
    key.open(entry.sequence, &entry.logical[32..132], &mut padded, tag).ok()?;
    let size = usize::from(u16::from_le_bytes([padded[0], padded[1]]));
    Some([&[kind], &padded[2..2 + size]].concat())
}

#[test]
fn frames_payloads_and_states_of_a_ledger() {
    let home = full();
    let of_segment = |bytes: &Vec<u8>| -> Vec<Vec<u8>> {
        frames(bytes).into_iter().map(|(start, end)| bytes[start..end].to_vec()).collect()
    };
    let all: Vec<Vec<u8>> = home.segments().iter().flat_map(|(_, bytes)| of_segment(bytes)).collect();
    drive("frame", &all, ITERATIONS);
    let entries = disclosed(&home);
    let payloads: Vec<Vec<u8>> = entries.iter().filter_map(payload).collect();
    let kinds: BTreeSet<u8> = payloads.iter().map(|payload| payload[0]).collect();
    assert_eq!(kinds.len(), Kind::ALL.len(), "a payload of every kind");
    drive("payload", &payloads, 2 * ITERATIONS);
    let whole = |entry: &Disclosed| {
        let key = entry.key.as_ref().map_or([0; 32], |key: &EntryKey| *key.disclose());
        let body = entry.body.clone().unwrap_or_default();
        [&[u8::try_from(entry.logical.len()).unwrap()], &entry.logical[..], &key, &body].concat()
    };
    drive("disclosed", &entries.iter().map(whole).collect::<Vec<_>>(), ITERATIONS);
    let state = verify(&home.dir(), &[], |_| {}).unwrap().commit.unwrap();
    drive("ledger_state", &[state.to_bytes()], ITERATIONS);
}

#[test]
fn texts_and_tiles_of_a_log() {
    let home = full();
    let note = read_checkpoint(&home.dir()).unwrap().unwrap();
    let read = SignedNote::parse(&note).unwrap();
    let key = home.keys.signing().unwrap()[0].verifier().to_string().into_bytes();
    drive("note", &[note, key], ITERATIONS);
    let extended = format!("{}an extension\nand another\n", read.text());
    drive("checkpoint", &[read.text().as_bytes().to_vec(), extended.into_bytes()], ITERATIONS);
    let report = verify(&home.dir(), &[], |_| {}).unwrap();
    let tree = Tree::open(&home.dir(), report.entries, &report.root).unwrap();
    let proofs = [0, 5, report.entries - 1].map(|index| {
        let proof = inclusion_proof(&tree, index, report.entries).unwrap();
        let extra = (index > 0).then(|| b"extra".to_vec());
        ProofFile::new(extra, index, proof, read.clone()).unwrap().to_text().into_bytes()
    });
    drive("proof_file", &proofs, ITERATIONS);
    let entries = tiles::write_entries(&[&b"one"[..], b"", b"three"]).unwrap();
    let tiles = [
        [&b"tile/0/x001/234.p/3\n"[..], &[7; 96]].concat(),
        [&b"tile/1/000.p/1\n"[..], &[8; 32]].concat(),
        [&b"tile/entries/x018/x446/744.p/3\n"[..], &entries].concat(),
        [&b"tile/0/000\n"[..], &[9; 256 * 32]].concat(),
    ];
    drive("tile", &tiles, ITERATIONS);
}

/// What a state of the keys is in clear: see the head of `src/crypto/state_file.rs`.
fn key_state(trees: &[PunctureTree], with_previous: bool) -> Vec<u8> {
    let mut state = 9u64.to_le_bytes().to_vec();
    state.extend_from_slice(&[3; 32 * 3 + 16 + 32]);
    state.push(u8::from(with_previous));
    state.extend_from_slice(if with_previous { &[4; 32] } else { &[] });
    state.extend_from_slice(&u16::try_from(trees.len() - 1).unwrap().to_le_bytes());
    for tree in trees {
        state.extend_from_slice(&(tree.size_bytes() as u64).to_le_bytes());
        state.extend_from_slice(&tree.to_bytes());
    }
    state
}

#[test]
fn files_of_keys() {
    let home = full();
    let file = fs::read(home.keys_dir().join("state.key")).unwrap();
    drive("key_file", &[file], ITERATIONS);
    let tree = |births: &[u64]| {
        let births: Vec<Birth> = births.iter().copied().map(Birth).collect();
        PunctureTree::new(&[5; 32].into()).without(&births)
    };
    let erased = [0, 1, 7, u64::MAX];
    let states = [
        key_state(&[tree(&[])], false),
        key_state(&[tree(&[3]), tree(&[3])], true),
        key_state(&[tree(&erased)], true),
        tree(&erased).to_bytes().to_vec(),
    ];
    drive("key_state", &states, ITERATIONS);
}

/// A package is a compressed folder with checksums, so it is its files that are mutated, and now and then the whole.
#[test]
fn packages_of_entries() {
    let run = disclosure::run();
    let packages = [run.entries(0..4).bytes, run.profile("email:grace@example.com", Some(&run.earlier)).bytes];
    keep("package", &packages);
    let package = target("package");
    let mut numbers = Numbers(77);
    let (mut accepted, mut refused) = (0, 0);
    for turn in 0..2_000 {
        let sample = &packages[turn % packages.len()];
        let mut files = unpack(sample);
        let names: Vec<String> = files.keys().cloned().collect();
        let (one, other) = (numbers.below(names.len()), numbers.below(names.len()));
        let donor = files[&names[other]].clone();
        let bytes = files.get_mut(&names[one]).unwrap();
        for _ in 0..=numbers.below(3) {
            mutate(bytes, &donor, &mut numbers);
        }
        let mut whole = repack(&files);
        if turn % 5 == 0 {
            mutate(&mut whole, sample, &mut numbers);
        }
        match package(&whole) {
            true => accepted += 1,
            false => refused += 1,
        }
    }
    eprintln!("package: {accepted} of 2000 mutants read, {refused} refused");
    assert!(accepted > 0 && refused > 0);
}
