//! Attacks by somebody who holds all of the ledger: what is found, what is not without a thing kept elsewhere, and that
//! the program says so.

use super::super::program::{Ran, run, text};
use super::Place;
use onefold::crypto::Keyring;
use onefold::ledger::{Ledger, Options, PolicyBundle};
use onefold::model::Epoch;
use ring::rand::SystemRandom;
use serde_json::Value;
use std::fs;
use std::path::Path;

fn verify(copy: &Path, arguments: &[&str]) -> Ran {
    run(&[&["ledger", "verify", "--data", text(copy)], arguments].concat())
}

fn check_found(copy: &Path, arguments: &[&str], says: &str) {
    let ran = verify(copy, arguments);
    assert_eq!((ran.code, ran.out.as_str()), (5, ""), "{arguments:?}\n{}", ran.err);
    assert!(ran.err.contains(says), "{says:?} is missing in\n{}", ran.err);
    assert!(ran.err.contains("help: "), "{}", ran.err);
    let ran = verify(copy, &[arguments, &["--json"]].concat());
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &report["intact"]), (5, &false.into()));
    assert!(report["problem"].as_str().unwrap().contains(says), "{report}");
}

/// Is not found, and what could have found it is named.
fn check_not_found(copy: &Path, arguments: &[&str], not_proved: &str) {
    let ran = verify(copy, arguments);
    assert_eq!(ran.code, 0, "{arguments:?}\n{}", ran.err);
    let (_, open) = ran.out.split_once("Not proved:").unwrap_or_else(|| panic!("all is proved:\n{}", ran.out));
    assert!(open.contains(not_proved), "{not_proved:?} is missing in\n{}", ran.out);
}

const CUT_BACK: &str = "that it was not cut back to an earlier state";
const ANEW: &str = "that nobody wrote it anew and signed it with a key of his own";

#[test]
fn a_ledger_that_is_put_back_is_found_by_a_later_checkpoint() {
    let place = Place::contacts();
    place.checkpoint("first");
    let copy = place.copy_ledger("copy");
    place.add(101);
    place.checkpoint("second");
    let (first, second, key) = (place.at("first"), place.at("second"), place.signing_key().to_string());
    check_not_found(&copy, &[], CUT_BACK);
    check_not_found(&copy, &["--key", &key], CUT_BACK);
    check_found(&copy, &["--checkpoint", &second], "the ledger was cut back: `");
    check_found(&copy, &["--since", &second, "--checkpoint", &first], "the ledger was cut back: `");
    check_not_found(&place.path("data"), &["--since", &first], "that nothing was cut off behind the first ");
    // Its own checkpoint shows it, too, where that was not put back with it.
    fs::copy(place.path("data/ledger/checkpoint"), copy.join("ledger/checkpoint")).unwrap();
    check_found(&copy, &[], "the ledger was cut back: its own checkpoint was signed over");
    // The holder of the keys does not sign what does not go on from the checkpoint before.
    fs::remove_dir_all(place.path("data/ledger")).unwrap();
    fs::rename(copy.join("ledger"), place.path("data/ledger")).unwrap();
    let refused = place.fails(&["ledger", "checkpoint"], 5);
    assert!(!refused.contains("panicked"), "{refused}");
}

#[test]
fn a_ledger_that_is_written_anew_is_found_by_the_key_or_an_earlier_checkpoint() {
    let place = Place::contacts();
    place.checkpoint("checkpoint");
    let (checkpoint, key) = (place.at("checkpoint"), place.signing_key().to_string());
    // The same ledger id, all hashes recomputed, signed by a key of the attacker's: as good as a forgery can be.
    let forged = place.path("forged");
    let keys = place.path("forged-keys");
    fs::create_dir(&keys).unwrap();
    for file in fs::read_dir(place.path("data/keys")).unwrap().flatten() {
        fs::copy(file.path(), keys.join(file.file_name())).unwrap();
    }
    let random = SystemRandom::new();
    let mut keys = Keyring::open_with_file(&keys).unwrap();
    keys.rotate_signing(&random).unwrap();
    keys.retire_signing(&random).unwrap();
    let bundle = PolicyBundle { name: "x".into(), version: "1".into(), digest: [1; 32], files: Vec::new() };
    let mut ledger = Ledger::create(&forged.join("ledger"), &keys, &random, &bundle, 1, Options::default()).unwrap();
    for epoch in 1..50 {
        ledger.commit(Epoch(epoch)).unwrap();
    }
    ledger.checkpoint().unwrap();
    drop(ledger);
    check_not_found(&forged, &[], ANEW);
    check_found(&forged, &["--key", &key], "the given key is none that this ledger was ever signed by");
    check_found(&forged, &["--checkpoint", &checkpoint], "the ledger was rewritten: its first ");
    check_found(&forged, &["--since", &checkpoint], "the ledger was rewritten: its first ");
    // The true key is named by the true ledger, and proves nothing of one that nobody signed.
    fs::remove_file(place.copy_ledger("unsigned").join("ledger/checkpoint")).unwrap();
    check_found(&place.path("unsigned"), &["--key", &key], "nothing in it is signed by the given key");
    check_not_found(&place.path("unsigned"), &[], "anything by signature: it has no checkpoint");
}

#[test]
fn a_checkpoint_is_only_taken_from_the_key_in_force() {
    let (place, other) = (Place::contacts(), Place::contacts());
    place.checkpoint("own");
    let own = place.read_checkpoint("own");
    let key = place.signing_key().to_string();
    let data = place.path("data");
    let foreign = other.at("foreign");
    other.checkpoint("foreign");
    check_found(&data, &["--since", &foreign], "");
    // The right root under somebody else's signature.
    let seed = zeroize::Zeroizing::new([9; 32]);
    let forger = onefold::tlog::SigningKey::from_seed(own.origin(), seed).unwrap();
    let note = onefold::tlog::SignedNote::new(&own.to_text(), vec![forger.sign(&own.to_text()).unwrap()]).unwrap();
    fs::write(place.path("forged"), note.to_text()).unwrap();
    check_found(&data, &["--checkpoint", &place.at("forged")], "it is not signed by the key in force");
    check_found(&data, &["--key", &forger.verifier().to_string()], "the given key is none that this ledger was ever");
    check_found(&data, &["--key", &other.signing_key().to_string()], "the given key is none that this ledger was ever");
    let copy = place.copy_ledger("copy");
    fs::write(copy.join("ledger/checkpoint"), note.to_text()).unwrap();
    check_found(&copy, &[], "it is not signed by the key in force");
    fs::write(copy.join("ledger/checkpoint"), "nothing\n").unwrap();
    check_found(&copy, &[], "the ledger's own checkpoint does not read");
    // What is no checkpoint or key is a mistake, and not a finding.
    fs::write(place.path("text"), "text\n").unwrap();
    for arguments in [&["--since", &place.at("text")][..], &["--since", &place.at("none")], &["--key", "text"]] {
        assert_eq!(verify(&data, arguments).code, 2, "{arguments:?}");
    }
    assert_eq!(verify(&data, &["--since", &place.at("own"), "--key", &key]).code, 0);
    // A proof is not made under a checkpoint that the ledger does not lead to.
    let huge = onefold::tlog::Checkpoint::new(own.origin(), u64::MAX, [1; 32], vec![]).unwrap().to_text();
    let other_root = onefold::tlog::Checkpoint::new(own.origin(), 5, [1; 32], vec![]).unwrap().to_text();
    for text in [huge, other_root] {
        fs::write(place.path("wrong"), format!("{text}\n— x AAAAAAA=\n")).unwrap();
        place.fails(&["ledger", "prove", "1", "--checkpoint", &place.at("wrong")], 5);
    }
}

#[test]
fn a_byte_that_was_changed_is_found_by_proofs_and_publishing() {
    let place = Place::contacts();
    place.checkpoint("checkpoint");
    let segment = place.path("data/ledger/00000000.seg");
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, bytes).unwrap();
    place.fails(&["ledger", "verify"], 5);
    place.fails(&["ledger", "prove", "1"], 5);
    place.fails(&["ledger", "prove", "--from", &place.at("checkpoint")], 5);
}
