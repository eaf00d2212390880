//! Goal: once a record is erased, no entry about it opens or is made, those about others do, the ledger verifies as
//! before, and entries of an older key epoch open under that epoch.
//! Method: a small ledger, read by readers that were there before the erasure and by ones that come after.

use crate::ledger::{Home, link, received};
use onefold::ledger::{Content, Error, Merge, Position, Reader, verify};
use onefold::model::{Birth, Epoch};
use ring::rand::SystemRandom;

/// Whether the entry at this place is about an erased record.
fn erased(reader: &Reader, position: Position) -> bool {
    matches!(reader.read(position).unwrap().content, Content::Erased { redacted: false, .. })
}

#[test]
fn entries_about_an_erased_record_neither_open_nor_are_made() {
    let rng = SystemRandom::new();
    let mut home = Home::new();
    let mut ledger = home.create();
    let one = ledger.append(&received(1, "a@example.com")).unwrap().position;
    let other = ledger.append(&received(2, "b@example.com")).unwrap().position;
    let merge = ledger.append(&Merge { link: link(1, 2), epoch: Epoch(1) }).unwrap().position;
    ledger.commit(Epoch(1)).unwrap();
    let before = Reader::open(&home.dir(), Some(&home.keys)).unwrap();
    assert_eq!([one, other, merge].map(|place| erased(&before, place)), [false; 3]);
    home.keys.erase(&[Birth(1)], &rng).unwrap();
    let after = Reader::open(&home.dir(), Some(&home.keys)).unwrap();
    for reader in [&before, &after, ledger.reader()] {
        let found = [one, other, merge].map(|place| erased(reader, place));
        assert_eq!(found, [true, false, true], "a merge is about both records");
    }
    assert!(matches!(ledger.append(&received(1, "a@example.com")), Err(Error::ErasedRecord { .. })));
    ledger.append(&received(2, "c@example.com")).unwrap();
    drop(ledger);

    // A later run seals under a new key epoch; what is older opens under its own.
    home.keys.rotate_records(&rng).unwrap();
    let (mut ledger, _) = home.open(None).unwrap();
    let newer = ledger.append(&received(2, "d@example.com")).unwrap().position;
    ledger.sync().unwrap();
    let found = [one, other, merge, newer].map(|place| erased(ledger.reader(), place));
    assert_eq!(found, [true, false, true, false]);
    assert!(matches!(ledger.append(&received(1, "a@example.com")), Err(Error::ErasedRecord { .. })));
    verify(&home.dir(), &[], |_| {}).unwrap();
}
