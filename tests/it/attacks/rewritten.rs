//! Goal: what somebody can do who controls the whole disk and knows the format, and who sees it. He has neither the
//! record keys nor the signing key, but opens, policies, keys and commits need none.
//! Method: the forger writes a ledger anew, from some entry on or from the first, so that nothing in it is wrong. The
//! verifier alone accepts that: it has nothing to hold against it, and these tests say so. Refused it is by each thing
//! that was had from elsewhere: a checkpoint over more than the forger left, the verification key, the record keys.

use super::forge::Forger;
use super::{create_whole, unsynced, verify_fault};
use crate::ledger::{Home, write_epoch};
use onefold::ledger::{Damage, Error, Expected, Kind, Reader, State, open_checkpoint, origin, read_checkpoint, verify};
use onefold::model::Epoch;
use onefold::tlog::{Checkpoint, SignedNote, SigningKey, VerifierKey};
use std::fs;

/// What a forger puts into a ledger.
type Put<'a> = Box<dyn Fn(&mut Forger) + 'a>;

/// A ledger of three epochs, what was remembered of each and the checkpoint over it.
struct Victim {
    home: Home,
    states: Vec<State>,
    notes: Vec<Vec<u8>>,
}

fn victim() -> Victim {
    let home = Home::new();
    let mut ledger = create_whole(&home);
    let (mut states, mut notes) = (Vec::new(), Vec::new());
    for epoch in 1..=3 {
        states.push(write_epoch(&mut ledger, epoch));
        notes.push(ledger.checkpoint().unwrap());
    }
    drop(ledger);
    Victim { home, states, notes }
}

impl Victim {
    /// The verification key, as somebody has it who was given it before.
    fn key(&self) -> VerifierKey {
        self.home.keys.signing().unwrap()[0].verifier().clone()
    }

    fn open_note(&self, note: &[u8]) -> Result<Checkpoint, Error> {
        open_checkpoint(&self.home.dir().join("checkpoint"), note, self.home.keys.ledger_id(), &[self.key()])
    }

    /// Verifies with the checkpoint of an epoch that was kept elsewhere.
    fn verify_with(&self, epoch: usize) -> Result<u64, Error> {
        let checkpoint = self.open_note(&self.notes[epoch - 1])?;
        let expected = Expected { size: checkpoint.size(), root: *checkpoint.root() };
        verify(&self.home.dir(), &[expected], |_| {}).map(|report| report.entries)
    }

    /// Verifies with the key: all that its signature in the directory does not cover is nobody's word.
    fn unsigned(&self) -> Result<u64, Error> {
        let note = read_checkpoint(&self.home.dir())?.expect("there is a checkpoint");
        let checkpoint = self.open_note(&note)?;
        let expected = Expected { size: checkpoint.size(), root: *checkpoint.root() };
        Ok(verify(&self.home.dir(), &[expected], |_| {})?.entries - checkpoint.size())
    }

    fn put_note(&self, note: &[u8]) {
        fs::write(self.home.dir().join("checkpoint"), note).unwrap();
    }
}

/// The forger's own key, under the name of the ledger.
fn forged_key(home: &Home) -> SigningKey {
    SigningKey::from_seed(&origin(home.keys.ledger_id()), [66; 32].into()).unwrap()
}

fn forged_note(forger: &Forger, key: &SigningKey) -> Vec<u8> {
    let text = Checkpoint::new(key.verifier().name(), forger.size(), forger.root(), Vec::new()).unwrap().to_text();
    SignedNote::new(&text, vec![key.sign(&text).unwrap()]).unwrap().to_text().into_bytes()
}

#[test]
fn written_anew_from_an_entry_on() {
    let victim = victim();
    let home = &victim.home;
    let mut forger = Forger::after(&home.dir(), victim.states[0].size());
    forger.open(0x66);
    for noise in 0..12 {
        forger.sealed(if noise % 2 == 0 { Kind::Received } else { Kind::Values }, noise);
    }
    forger.commit();
    forger.write();
    // By itself, and with a checkpoint from before, it is a ledger.
    let report = verify(&home.dir(), &[], |_| {}).unwrap();
    assert_eq!((report.entries, report.epoch), (forger.size(), Epoch(2)));
    assert_eq!(victim.verify_with(1).unwrap(), forger.size());
    // A later checkpoint refuses it.
    assert!(matches!(victim.verify_with(2), Err(Error::OtherRoot { .. })));
    assert!(matches!(victim.verify_with(3), Err(Error::OtherRoot { .. } | Error::UnderCheckpoint { .. })));
    // So does the key: the forger can leave the last checkpoint there, an earlier one, or one of his own.
    assert!(victim.unsigned().is_err());
    victim.put_note(&victim.notes[0]);
    assert_eq!(victim.unsigned().unwrap(), 14, "open, twelve entries and the commit are signed by nobody");
    victim.put_note(&forged_note(&forger, &forged_key(home)));
    assert!(matches!(victim.unsigned(), Err(Error::Checkpoint { .. })));
    // And the owner of the record keys, who opens what he has himself: the entries are not what was sealed.
    assert!(matches!(home.open_unsynced(unsynced(1 << 20)).map(|_| ()), Err(Error::Checkpoint { .. })));
    let scanned = Reader::open(&home.dir(), Some(&home.keys)).unwrap().scan(None, |_| Ok::<(), Error>(()));
    assert!(matches!(scanned, Err(Error::Unopened { sequence, .. }) if sequence.0 == victim.states[0].size() + 1));
    fs::remove_file(home.dir().join("checkpoint")).unwrap();
    for state in &victim.states[1..] {
        assert!(matches!(home.open(Some(state)).map(|_| ()), Err(Error::Resume { .. })), "the index remembers");
    }
}

#[test]
fn written_anew_from_the_first_entry_on() {
    let victim = victim();
    let home = &victim.home;
    let key = forged_key(home);
    let mut forger = Forger::anew(&home.dir(), home.keys.ledger_id().0);
    forger.open(0x66);
    forger.key(&key, None);
    forger.policy([1; 32]);
    for epoch in 0..3 {
        (0..7).for_each(|noise| forger.sealed(Kind::Received, epoch * 7 + noise));
        forger.commit();
    }
    forger.write();
    victim.put_note(&forged_note(&forger, &key));
    let report = verify(&home.dir(), &[], |_| {}).unwrap();
    assert_eq!((report.entries, report.key_at(report.entries)), (forger.size(), Some(*key.verifier().key())));
    assert_ne!(
        report.key_at(report.entries).as_ref(),
        Some(victim.key().key()),
        "what the ledger says of its key is the forger's word"
    );
    for epoch in 1..=3 {
        assert!(matches!(victim.verify_with(epoch), Err(Error::OtherRoot { .. })), "any checkpoint refuses it");
    }
    assert!(matches!(victim.unsigned(), Err(Error::Checkpoint { .. })), "so does the key");
    assert!(home.open_unsynced(unsynced(1 << 20)).is_err(), "and its owner");
    fs::remove_file(home.dir().join("checkpoint")).unwrap();
    let opened = home.open_unsynced(unsynced(1 << 20)).map(|_| ());
    assert!(matches!(opened, Err(Error::SigningKey)), "also without any checkpoint: {opened:?}");
}

/// A key can only be replaced by the one before it, so a forger who leaves the beginning cannot make the rest his.
#[test]
fn a_key_of_his_own_is_not_introduced() {
    let victim = victim();
    let home = &victim.home;
    let (key, honest) = (forged_key(home), *victim.key().key());
    let segments = home.segments();
    let put: [(&str, Put); 3] = [
        ("as the first", Box::new(|forger| forger.key(&key, None))),
        ("after the true one, signed by itself", Box::new(|forger| forger.key(&key, Some((honest, &key))))),
        ("after itself", Box::new(|forger| forger.key(&key, Some((*key.verifier().key(), &key))))),
    ];
    for (what, put) in put {
        home.restore(&segments);
        let mut forger = Forger::after(&home.dir(), victim.states[1].size());
        put(&mut forger);
        forger.commit();
        forger.write();
        let found = verify_fault(home);
        assert!(matches!(found.damage, Damage::KeyChange { .. }), "{what}: {found}");
    }
}

/// Commits that say something else than the ledger before them, each in one way.
#[test]
fn a_commit_over_something_else_is_damage() {
    let victim = victim();
    let home = &victim.home;
    let segments = home.segments();
    let size = victim.states[1].size();
    for field in 0..5 {
        home.restore(&segments);
        let mut forger = Forger::after(&home.dir(), size);
        let (root, at) = (forger.root(), size.to_le_bytes());
        let epoch = (if field == 0 { 2 } else { 3u64 }).to_le_bytes();
        let other = |n: usize, true_value: &[u8]| -> Vec<u8> {
            let mut value = true_value.to_vec();
            value[0] ^= u8::from(field == n);
            value
        };
        let payload =
            [epoch.to_vec(), other(1, &at), other(2, &root), other(3, &victim.states[1].head()), other(4, &at)];
        forger.clear(Kind::Commit, &payload.concat());
        forger.write();
        let found = verify_fault(home);
        assert!(matches!(found.damage, Damage::Commit { .. }), "field {field}: {found}");
    }
}
