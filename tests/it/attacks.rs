//! Goal: what somebody does to the files of a ledger who can write to its disk is detected, or the page says that it
//! cannot be and the test shows it.
//! Method: a small ledger with every kind of entry, and a forger, which makes frames, runs, commits and keys from
//! `FORMAT.md` alone and has everything but the record keys and the signing key of the ledger.

mod bits;
mod caches;
mod forge;
mod hostile;
mod moved;
mod nonces;
mod redactions;
mod rewritten;
mod rollback;
mod sectors;

use super::faults::Unsynced;
use super::ledger::{Home, bundle, received, rejected, review, small, write_epoch};
use onefold::ledger::{
    Binding, Erasure, Error, Fault, Law, Ledger, Operation, Options, Permissions, Read, Request, Right, Ruled, Step,
    Tick, Uses, verify,
};
use onefold::model::{
    AttributeId, Birth, Context, Epoch, IdentifierHash, NameHash, ProfileId, PurposeId, Ruling, Sequence, ValueHash,
    Winner,
};
use ring::rand::SystemRandom;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Births whose records are erased in [`full`].
const ERASED: [Birth; 2] = [Birth(60), Birth(61)];

/// A ledger of several segments with every kind of entry: one erasure, of which one of two ciphertexts is deleted, a
/// second signing key, and received entries after the last commit.
pub fn full() -> Home {
    let mut home = Home::new();
    let rng = SystemRandom::new();
    let mut ledger = home.create();
    ledger.append(&rejected(8, b"{".to_vec())).unwrap();
    ledger.append(&review(Ruling::same(Birth(3), Birth(4)))).unwrap();
    ledger.append(&Tick { at: 7, by_hand: true }).unwrap();
    ledger.append(&request()).unwrap();
    ledger.append(&read()).unwrap();
    write_epoch(&mut ledger, 1);
    for birth in ERASED {
        ledger.append(&received(birth.0, "erased")).unwrap();
    }
    decide(&mut ledger, 2);
    ledger.commit(Epoch(2)).unwrap();
    let placed = ledger.append(&erasure(&ERASED, 3)).unwrap();
    ledger.commit(Epoch(3)).unwrap();
    home.keys.erase(&ERASED, &rng).unwrap();
    redact(&mut ledger, &[placed.sequence], &ERASED[1..]);
    ledger.commit(Epoch(4)).unwrap();
    drop(ledger);
    home.keys.rotate_signing(&rng).unwrap();
    let (mut ledger, _) = home.open_unsynced(small()).unwrap();
    ledger.append(&received(70, "later")).unwrap();
    ledger.commit(Epoch(5)).unwrap();
    ledger.append(&received(71, "tail")).unwrap();
    ledger.sync().unwrap();
    home
}

fn request() -> Request {
    Request {
        subject: Birth(3),
        reference: "R-2026-0001".into(),
        right: Right::Access,
        law: Law::Gdpr,
        received_day: 20_000,
        due_day: 20_031,
        step: Step::Opened,
        by: "Zoë".into(),
        reason: String::new(),
    }
}

fn read() -> Read {
    Read {
        root: Birth(3),
        actor: "Zoë".into(),
        purpose: Some("marketing".into()),
        request: None,
        allowed: true,
        operation: Operation::Profile,
        count: 2,
        attributes: vec!["email".into()],
        epoch: Epoch(1),
        part: 1,
        parts: 1,
        digest: [0; 32],
        roots: Vec::new(),
    }
}

/// What an epoch derives of uses and permissions.
fn decide(ledger: &mut Ledger, epoch: u64) {
    let (profile, root, epoch) = (ProfileId(NameHash(5)), Birth(3), Epoch(epoch));
    let gained = vec![(AttributeId(1), ValueHash(6), Winner::PLAIN | 5)];
    ledger.append(&Uses { profile, root, record: Birth(4), gained, lost: vec![AttributeId(2)], epoch }).unwrap();
    let ruled = |purpose, policies| Ruled {
        purpose: PurposeId(purpose),
        holds: true,
        categories: 3,
        context: Context::default(),
        consent: Some(Birth(9)),
        until: 7,
        policies,
    };
    let answers = vec![ruled(0, vec!["gdpr-consent".to_owned()]), ruled(1, Vec::new())];
    ledger.append(&Permissions { profile, root, answers, epoch }).unwrap();
    let binding = Binding { consent: Birth(9), root, on: IdentifierHash(8), records: vec![Birth(3), Birth(4)], epoch };
    ledger.append(&binding).unwrap();
}

fn erasure(births: &[Birth], epoch: u64) -> Erasure {
    Erasure {
        request: "case-7".into(),
        ground: "Art. 17".into(),
        epoch: Epoch(epoch),
        generation: 2,
        due_s: 5_000,
        part: 1,
        parts: 1,
        births: births.to_vec(),
        tombstones: vec![3, u128::MAX],
    }
}

fn redact(ledger: &mut Ledger, erasures: &[Sequence], births: &[Birth]) {
    ledger.redact(erasures, &|birth| births.contains(&birth), |_, _| {}).unwrap();
}

/// Options of a ledger that nobody waits for.
fn unsynced(segment_bytes_max: u32) -> Options {
    Options { segment_bytes_max, storage: Arc::new(Unsynced), chain: None }
}

/// A ledger in one segment.
fn create_whole(home: &Home) -> Ledger {
    let rng = SystemRandom::new();
    Ledger::create(&home.dir(), &home.keys, &rng, &bundle(1), 1_000, unsynced(1 << 20)).unwrap()
}

/// Puts these bytes in a file that is there, without cutting it first, which some file systems wait for.
fn put(path: &Path, bytes: &[u8]) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
}

fn fault(error: Error) -> Fault {
    match error {
        Error::Damaged(fault) => *fault,
        other => panic!("not damage: {other}"),
    }
}

/// The damage that verifying finds.
fn verify_fault(home: &Home) -> Fault {
    fault(verify(&home.dir(), &[], |_| {}).unwrap_err())
}
