//! Goal: no bit of a ledger or of its keys can be flipped unseen.
//! Method: every bit of every byte, one after the other; a sample is also opened. The caches, whose bits may be flipped
//! without harm, are in `caches`.

use super::{full, put, unsynced, verify_fault};
use crate::ledger::Home;
use onefold::crypto::{Error as KeyError, Keyring};
use onefold::ledger::{Entry, Error, Kind, open_checkpoint, read_checkpoint, verify};
use onefold::tlog::VerifierKey;
use std::fs;
use std::path::Path;

/// The bytes with each bit flipped, and which it was.
fn flipped(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len() * 8).map(move |bit| {
        let mut bad = bytes.to_vec();
        bad[bit / 8] ^= 1 << (bit % 8);
        (bit, bad)
    })
}

#[test]
fn every_bit_of_the_segments_counts() {
    let home = full();
    let (good, originals) = (home.segments(), home.entries());
    let has = |kind| originals.iter().any(|entry| entry.header.kind == kind);
    assert!(Kind::ALL.into_iter().all(has), "every kind of entry is there");
    assert!(originals.iter().any(|entry| entry.header.redacted) && good.len() > 3);
    let mut opened = 0;
    home.restore(&good);
    for (number, (path, bytes)) in good.iter().enumerate() {
        for (bit, bad) in flipped(bytes) {
            put(path, &bad);
            let found = verify_fault(&home);
            assert!(found.offset <= bit as u64 / 8, "segment {number}, bit {bit}: {found}");
            assert_eq!(found.segment as usize, number, "bit {bit}: {found}");
            if bit % 29 == 0 {
                opened += usize::from(check_open(&home, &originals, number + 1 == good.len()));
                home.restore(&good);
            }
        }
        put(path, bytes);
    }
    assert!(opened > 10, "damage after the last commit is cut: {opened}");
}

/// Opens a damaged ledger, without the checkpoint that would refuse it: either it says so, or it cuts what stands after
/// the last commit and reports it.
fn check_open(home: &Home, originals: &[Entry], is_last: bool) -> bool {
    let Ok((ledger, recovered)) = home.open_unsynced(unsynced(1_000)) else { return false };
    assert!(is_last && recovered.cut.is_some_and(|cut| cut.torn.is_some()), "only an end is cut, and it is told");
    let committed = recovered.state.unwrap().size();
    drop(ledger);
    let kept = home.entries();
    let same = kept.iter().zip(originals).take_while(|(a, b)| a == b).count();
    assert!(same as u64 >= committed && kept[same..].iter().all(|entry| entry.header.kind.is_clear()));
    verify(&home.dir(), &[], |_| {}).unwrap();
    true
}

/// A checkpoint with two signatures, of the key in force and the one before.
#[test]
fn every_bit_and_every_end_of_the_checkpoint_counts() {
    let home = full();
    let path = home.dir().join("checkpoint");
    let keys: Vec<VerifierKey> = home.keys.signing().unwrap().iter().map(|key| key.verifier().clone()).collect();
    let ledger = home.keys.ledger_id();
    let good = read_checkpoint(&home.dir()).unwrap().unwrap();
    let signed = open_checkpoint(&path, &good, ledger, &keys).unwrap();
    let mut unknown = 0;
    for (bit, bad) in flipped(&good) {
        match open_checkpoint(&path, &bad, ledger, &keys) {
            Err(Error::Checkpoint { .. }) => {}
            // One of the two signatures is now that of a key that nobody knows; the other one holds.
            Ok(read) => {
                assert_eq!(read, signed, "bit {bit}");
                unknown += 1;
            }
            Err(other) => panic!("bit {bit}: {other}"),
        }
    }
    let names_and_ids = 2 * (keys[0].name().len() + 4);
    assert!(unknown > 0 && unknown <= names_and_ids * 8, "{unknown} bits of names and key ids");
    let segments = home.segments();
    let refused = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        matches!(home.open_unsynced(unsynced(1_000)).map(|_| ()), Err(Error::Checkpoint { .. }))
    };
    let mut whole = 0;
    for end in 0..good.len() {
        // After its first signature it is a checkpoint with one.
        match open_checkpoint(&path, &good[..end], ledger, &keys) {
            Ok(read) => whole += usize::from(read == signed),
            Err(_) => assert!(end % 7 > 0 || refused(&good[..end]), "cut at {end}"),
        }
    }
    assert_eq!(whole, 1);
    assert!(refused(b"") && refused(&vec![b'a'; (1 << 20) + 1]));
    for (bit, bad) in flipped(&good).step_by(31) {
        assert!(refused(&bad) || open_checkpoint(&path, &bad, ledger, &keys).is_ok(), "bit {bit}");
        home.restore(&segments);
    }
}

fn open_error(dir: &Path, what: &str) -> KeyError {
    match Keyring::open_with_file(dir) {
        Ok(_) => panic!("damaged keys opened: {what}"),
        Err(error) => error,
    }
}

/// Every bit flipped and every end cut off, of the wrapped key, the sealed state and the key-encryption key.
#[test]
fn every_bit_and_every_end_of_the_keys_counts() {
    let home = full();
    let dir = home.keys_dir();
    let state = format!("state-{:08}", home.keys.generation().0);
    for name in ["state.key", &state, "kek"] {
        let path = dir.join(name);
        let good = fs::read(&path).unwrap();
        let cuts = (0..good.len()).map(|end| (end, good[..end].to_vec()));
        for (at, bad) in flipped(&good).chain(cuts) {
            put(&path, &bad);
            let error = open_error(&dir, &format!("{name}, {at}"));
            let told = match name {
                // A digit in another case is no digit; another one makes another key.
                "kek" => matches!(error, KeyError::KekMalformed { .. } | KeyError::KekWrong { .. }),
                _ => matches!(error, KeyError::SealedDamaged { .. } | KeyError::SealedFormat { .. }),
            };
            assert!(told, "{name}, {at}: {error}");
        }
        put(&path, &good);
        Keyring::open_with_file(&dir).unwrap();
    }
}
