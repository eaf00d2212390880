//! The key of each record and of each entry.
//!
//! ```text
//! record key  = leaf of the birth in the tree of the key epoch, see `puncture`
//! pair key    = HKDF-Extract(salt = first record key, ikm = second record key)
//! entry key   = HKDF-Expand(record or pair key, "onefold/dek/v1" ‖ ledger id ‖ writer salt ‖ sequence, 32 bytes)
//! slot key    = HKDF-Expand(slot master, "onefold/slot/v1" ‖ ledger id ‖ writer salt, 32 bytes)
//! slot        = (birth ‖ other birth or 2^64−1) XOR AES-256(slot key, sequence ‖ 0^64)
//! ```
//! Numbers are little-endian. HKDF is RFC 5869 with SHA-256.
//!
//! INVARIANT: the same births are erased in every key epoch, so that a record which was erased has no key in any.
//! INVARIANT: (ledger id, writer salt, sequence) never comes twice, so no entry key and no slot mask is used twice.

use super::puncture::PunctureTree;
use super::seal::EntryKey;
use super::secret::Secret;
use super::{KeyEpoch, LedgerId, hkdf};
use crate::model::{Birth, Sequence};
use aes_gcm::KeyInit;
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::BlockCipherEncrypt;
use std::sync::{Arc, PoisonError, RwLock};
use zeroize::Zeroizing;

/// Random bytes drawn whenever a ledger is opened for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriterSalt(pub [u8; 16]);

/// Gives the key of any record that was not erased. Clones share what they know: a key that is erased is erased for all
/// of them at once.
#[derive(Clone)]
pub struct RecordKeys {
    /// One tree a key epoch; never empty.
    epochs: Arc<RwLock<Trees>>,
}

/// The trees by key epoch.
pub(super) type Trees = Vec<Arc<PunctureTree>>;

/// The key of a record: who has it can open every entry about that record, of its key epoch. Wiped on drop.
pub struct RecordKey(Secret<32>);

/// Where an entry stands, so far as its key depends on it.
#[derive(Clone, Copy)]
pub struct EntryContext {
    /// Of which ledger.
    pub ledger: LedgerId,
    /// Of the writer that wrote the entry.
    pub salt: WriterSalt,
    /// The entry's position.
    pub sequence: Sequence,
}

impl RecordKeys {
    /// Over trees of which there is at least one.
    pub(super) fn new(trees: Trees) -> Self {
        Self { epochs: Arc::new(RwLock::new(trees)) }
    }

    /// The trees as they are now.
    pub(super) fn trees(&self) -> Trees {
        self.with(Trees::clone)
    }

    /// Puts other trees in the place of all: those that are not among them are wiped.
    pub(super) fn replace(&self, trees: Trees) {
        let mut epochs = self.epochs.write().unwrap_or_else(PoisonError::into_inner);
        *epochs = trees;
    }

    fn with<T>(&self, look: impl FnOnce(&Trees) -> T) -> T {
        look(&self.epochs.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The key epoch that new entries are sealed under.
    pub fn current_epoch(&self) -> KeyEpoch {
        let last = self.with(|trees| trees.len().saturating_sub(1));
        KeyEpoch(u16::try_from(last).expect("the keyring makes at most 65,536 epochs"))
    }

    /// The key of a record in a key epoch; `None` when it was erased, or there is no such epoch.
    pub fn record_key(&self, epoch: KeyEpoch, birth: Birth) -> Option<RecordKey> {
        self.with(|trees| trees.get(usize::from(epoch.0))?.record_key(birth))
    }

    /// Whether the keys of a record were erased. Computes no key.
    pub fn is_erased(&self, birth: Birth) -> bool {
        self.with(|trees| trees.last().is_none_or(|tree| tree.is_punctured(birth)))
    }

    /// How many births have no key any more: those of records, and the numbers of refused messages.
    pub fn erased(&self) -> usize {
        self.with(|trees| trees.last().map_or(0, |tree| tree.punctured().len()))
    }

    /// How many seeds all trees have.
    pub fn seeds(&self) -> usize {
        self.with(|trees| trees.iter().map(|tree| tree.seeds()).sum())
    }
}

impl RecordKey {
    pub(super) fn new(leaf: Secret<32>) -> Self {
        Self(leaf)
    }

    /// The key of an entry about this record.
    pub fn entry_key(&self, context: &EntryContext) -> EntryKey {
        expand(&self.0, context)
    }

    /// The key of an entry about this record and another: without either it cannot be had.
    pub fn pair_key(&self, other: &Self, context: &EntryContext) -> EntryKey {
        expand(&hkdf::extract(&self.0, &other.0), context)
    }
}

fn expand(key: &[u8; 32], context: &EntryContext) -> EntryKey {
    let sequence = context.sequence.0.to_le_bytes();
    // With the counter of HKDF these are 55 bytes: the most that SHA-256 takes in one block.
    EntryKey::new(hkdf::expand(key, &[b"onefold/dek/v1", &context.ledger.0, &context.salt.0, &sequence]))
}

/// Hides which record an entry is about from those who have no keys, so that they cannot group entries by person.
/// The block cipher's state is wiped on drop.
pub struct SlotKey(Aes256);

/// Gives the slot key of any writer; wiped on drop.
pub struct SlotKeys {
    master: Zeroizing<[u8; 32]>,
    ledger: LedgerId,
}

impl SlotKeys {
    pub(super) fn new(master: &[u8; 32], ledger: LedgerId) -> Self {
        Self { master: Zeroizing::new(*master), ledger }
    }

    /// The slot key of the writer with this salt.
    pub fn slot_key(&self, salt: WriterSalt) -> SlotKey {
        let bytes = hkdf::expand(&self.master, &[b"onefold/slot/v1", &self.ledger.0, &salt.0]);
        SlotKey(Aes256::new((&*bytes).into()))
    }
}

impl SlotKey {
    /// The slot of an entry about `birth`, or about it and another. No record may have the birth number 2^64−1.
    pub fn seal(&self, sequence: Sequence, birth: Birth, other: Option<Birth>) -> [u8; 16] {
        let mut clear = [0u8; 16];
        clear[..8].copy_from_slice(&birth.0.to_le_bytes());
        clear[8..].copy_from_slice(&other.map_or(u64::MAX, |other| other.0).to_le_bytes());
        (u128::from_le_bytes(clear) ^ self.mask(sequence)).to_le_bytes()
    }

    /// What [`seal`](Self::seal) was given.
    pub fn open(&self, sequence: Sequence, slot: [u8; 16]) -> (Birth, Option<Birth>) {
        let clear = u128::from_le_bytes(slot) ^ self.mask(sequence);
        // The low half is the first eight bytes.
        let (birth, other) = (clear as u64, (clear >> 64) as u64);
        (Birth(birth), (other != u64::MAX).then_some(Birth(other)))
    }

    fn mask(&self, sequence: Sequence) -> u128 {
        let mut block = aes_gcm::aes::Block::from(u128::from(sequence.0).to_le_bytes());
        self.0.encrypt_block(&mut block);
        u128::from_le_bytes(block.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(sequence: u64) -> EntryContext {
        EntryContext { ledger: LedgerId([1; 16]), salt: WriterSalt([2; 16]), sequence: Sequence(sequence) }
    }

    #[test]
    fn entry_keys_depend_on_everything() {
        let keys = PunctureTree::new(&Zeroizing::new([3; 32]));
        let key = |birth| keys.record_key(Birth(birth)).unwrap();
        let commitment = |birth, context: EntryContext| key(birth).entry_key(&context).commitment();
        let base = commitment(1, context(5));
        assert_eq!(base, commitment(1, context(5)));
        assert_ne!(base, commitment(2, context(5)));
        assert_ne!(base, commitment(1, context(6)));
        assert_ne!(base, commitment(1, EntryContext { salt: WriterSalt([9; 16]), ..context(5) }));
        assert_ne!(base, commitment(1, EntryContext { ledger: LedgerId([9; 16]), ..context(5) }));
    }

    #[test]
    fn pair_keys_need_both_records() {
        let keys = PunctureTree::new(&Zeroizing::new([3; 32]));
        let [a, b, c] = [1, 2, 3].map(|birth| keys.record_key(Birth(birth)).unwrap());
        let pair = a.pair_key(&b, &context(0)).commitment();
        assert_ne!(pair, a.pair_key(&c, &context(0)).commitment());
        assert_ne!(pair, c.pair_key(&b, &context(0)).commitment());
        assert_ne!(pair, a.entry_key(&context(0)).commitment());
        assert_ne!(pair, b.entry_key(&context(0)).commitment());
    }

    #[test]
    fn slots_open_and_do_not_repeat() {
        let slots = SlotKeys::new(&[4; 32], LedgerId([1; 16])).slot_key(WriterSalt([2; 16]));
        let first = slots.seal(Sequence(0), Birth(7), None);
        assert_ne!(first, slots.seal(Sequence(1), Birth(7), None));
        assert_eq!(slots.open(Sequence(0), first), (Birth(7), None));
        let pair = slots.seal(Sequence(3), Birth(7), Some(Birth(0)));
        assert_eq!(slots.open(Sequence(3), pair), (Birth(7), Some(Birth(0))));
    }
}
