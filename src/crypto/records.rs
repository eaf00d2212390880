//! The key of each record and of each entry.
//!
//! ```text
//! record key  = HMAC-SHA-256(record master, "onefold/record/v1" ‖ birth)
//! pair key    = HKDF-Extract(salt = first record key, ikm = second record key)
//! entry key   = HKDF-Expand(record or pair key, "onefold/dek/v1" ‖ ledger id ‖ writer salt ‖ sequence, 32 bytes)
//! slot key    = HKDF-Expand(slot master, "onefold/slot/v1" ‖ ledger id ‖ writer salt, 32 bytes)
//! slot        = (birth ‖ other birth or 2^64−1) XOR AES-256(slot key, sequence ‖ 0^64)
//! ```
//! Numbers are little-endian. HKDF is RFC 5869 with SHA-256.
//!
//! INVARIANT: (ledger id, writer salt, sequence) never comes twice, so no entry key and no slot mask is used twice.

use super::keyring::{KeyEpoch, LedgerId};
use super::seal::EntryKey;
use crate::model::{Birth, Sequence};
use aes_gcm::KeyInit;
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::BlockCipherEncrypt;
use ring::{hkdf, hmac};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const RECORD_LABEL: &[u8] = b"onefold/record/v1";

/// Random bytes drawn whenever a ledger is opened for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriterSalt(pub [u8; 16]);

/// Gives the key of any record.
///
/// The state that *ring* precomputes from the master is not wiped on drop, for *ring* does not offer it; every key
/// that leaves here is.
pub struct RecordKeys {
    master: hmac::Key,
    epoch: KeyEpoch,
}

/// The key of a record: who has it can open every entry about that record, in every ledger written under its master.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RecordKey([u8; 32]);

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
    pub(super) fn new(master: &[u8; 32], epoch: KeyEpoch) -> Self {
        Self { master: hmac::Key::new(hmac::HMAC_SHA256, master), epoch }
    }

    /// The key epoch that these keys belong to.
    pub fn epoch(&self) -> KeyEpoch {
        self.epoch
    }

    /// The key of a record.
    pub fn record_key(&self, birth: Birth) -> RecordKey {
        let mut message = [0u8; RECORD_LABEL.len() + 8];
        let (label, number) = message.split_at_mut(RECORD_LABEL.len());
        label.copy_from_slice(RECORD_LABEL);
        number.copy_from_slice(&birth.0.to_le_bytes());
        let tag = hmac::sign(&self.master, &message);
        RecordKey(tag.as_ref().try_into().expect("an HMAC-SHA-256 tag has 32 bytes"))
    }
}

impl RecordKey {
    /// The key of an entry about this record.
    pub fn entry_key(&self, context: &EntryContext) -> EntryKey {
        expand(&hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &self.0), context)
    }

    /// The key of an entry about this record and another: without either it cannot be had.
    pub fn pair_key(&self, other: &Self, context: &EntryContext) -> EntryKey {
        expand(&hkdf::Salt::new(hkdf::HKDF_SHA256, &self.0).extract(&other.0), context)
    }
}

fn expand(key: &hkdf::Prk, context: &EntryContext) -> EntryKey {
    let mut bytes = Zeroizing::new([0u8; 32]);
    let sequence = context.sequence.0.to_le_bytes();
    // With the counter of HKDF these are 55 bytes: the most that SHA-256 takes in one block.
    key.expand(&[b"onefold/dek/v1", &context.ledger.0, &context.salt.0, &sequence], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut *bytes))
        .expect("32 bytes are within what HKDF-SHA-256 gives");
    EntryKey::new(bytes)
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
        let mut bytes = Zeroizing::new([0u8; 32]);
        hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &*self.master)
            .expand(&[b"onefold/slot/v1", &self.ledger.0, &salt.0], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut *bytes))
            .expect("32 bytes are within what HKDF-SHA-256 gives");
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
        let keys = RecordKeys::new(&[3; 32], KeyEpoch(0));
        let commitment = |birth, context: EntryContext| keys.record_key(Birth(birth)).entry_key(&context).commitment();
        let base = commitment(1, context(5));
        assert_eq!(base, commitment(1, context(5)));
        assert_ne!(base, commitment(2, context(5)));
        assert_ne!(base, commitment(1, context(6)));
        assert_ne!(base, commitment(1, EntryContext { salt: WriterSalt([9; 16]), ..context(5) }));
        assert_ne!(base, commitment(1, EntryContext { ledger: LedgerId([9; 16]), ..context(5) }));
    }

    #[test]
    fn pair_keys_need_both_records() {
        let keys = RecordKeys::new(&[3; 32], KeyEpoch(0));
        let [a, b, c] = [1, 2, 3].map(|birth| keys.record_key(Birth(birth)));
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
