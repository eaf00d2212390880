//! Making stored entries from payloads and payloads from stored entries.
//!
//! INVARIANT: an entry opens only as what it was sealed as: under the run, the header and the births it names.

use super::chain::Run;
use super::error::Error;
use super::kind::{CLEAR_HEADER_BYTES, ENTRY_BYTES_MAX, Header, SEALED_HEADER_BYTES, Seal, Sealing};
use super::padding::{self, LENGTH_BYTES, PADDED_BYTES_MAX};
use super::payload::{Content, Payload, Written};
use super::tree::Digest;
use super::wire;
use crate::crypto::{
    EntryContext, EntryKey, KeyEpoch, Keyring, LedgerId, RecordKeys, SlotKey, SlotKeys, TAG_BYTES, WriterSalt,
};
use crate::model::{Birth, Sequence};

/// Bytes of the associated data: the run's digest and the stored header.
const ASSOCIATED_BYTES: usize = 32 + SEALED_HEADER_BYTES;

/// Why an entry does not open whose payload is not one of its kind.
const UNREADABLE: &str = "its payload does not read";

/// What seals and opens entries of any run.
pub(super) struct Sealer {
    ledger: LedgerId,
    records: RecordKeys,
    slots: SlotKeys,
}

impl Sealer {
    pub(super) fn new(keys: &Keyring) -> Self {
        Self { ledger: keys.ledger_id(), records: keys.records(), slots: keys.slots() }
    }

    /// The same for a chain beside the ledger, under an id of its own.
    pub(super) fn of_chain(keys: &Keyring, chain: LedgerId) -> Self {
        Self { ledger: chain, records: keys.records(), slots: keys.slots_of(chain) }
    }

    /// What hides the births of a run.
    pub(super) fn slot_key(&self, salt: WriterSalt) -> SlotKey {
        self.slots.slot_key(salt)
    }

    /// Replaces `stored` by the entry that says `payload` at `sequence`.
    pub(super) fn seal<P: Written>(
        &self,
        run: &Run,
        slots: &SlotKey,
        sequence: Sequence,
        time_s: u32,
        payload: &P,
        stored: &mut Vec<u8>,
    ) -> Result<(), Error> {
        stored.clear();
        let header = Header {
            kind: payload.kind(),
            key_epoch: run.key_epoch,
            run: run.number,
            time_s,
            sequence,
            redacted: false,
            sealing: None,
        };
        let (birth, other) = match payload.seal() {
            Seal::Clear => return write_clear(&header, payload, stored),
            Seal::Record(birth) => (birth, None),
            Seal::Pair(birth, other) => (birth, Some(other)),
        };
        if birth.0 == u64::MAX || other.is_some_and(|other| other.0 == u64::MAX || other == birth) {
            return Err(Error::Births { kind: header.kind });
        }
        write_padded(&header, payload, stored)?;

        let key = self.entry_key(run.salt, header.key_epoch, sequence, birth, other);
        let key = key.ok_or(Error::ErasedRecord { kind: header.kind })?;
        let slot = slots.seal(sequence, birth, other);
        let header = Header { sealing: Some(Sealing { slot, commitment: key.commitment() }), ..header };
        let (head, padded) = stored.split_at_mut(SEALED_HEADER_BYTES);
        head.copy_from_slice(&header.sealed_bytes());
        let tag = key.seal(sequence, &associated(&run.digest, &header), padded);
        stored.extend_from_slice(&tag);
        Ok(())
    }

    /// What a stored entry says. `scratch` is overwritten.
    pub(super) fn open(
        &self,
        run: &Run,
        slots: &SlotKey,
        stored: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<Content, Error> {
        let (header, body) =
            Header::read(stored).map_err(|_| Error::Unopened { sequence: Sequence(0), what: "it has no header" })?;
        let (birth, other, payload) = match self.unseal(run, slots, &header, body, scratch)? {
            Unsealed::Clear => return read_payload(&header, body),
            Unsealed::Erased { birth, other } => {
                return Ok(Content::Erased { birth, other, redacted: header.redacted });
            }
            Unsealed::Payload { birth, other, payload } => (birth, other, payload),
        };
        let content = read_payload(&header, payload)?;
        let expected = other.map_or(Seal::Record(birth), |other| Seal::Pair(birth, other));
        if content.seal() != Some(expected) {
            return Err(unopened(&header, "it is about another record than the one it is sealed for"));
        }
        Ok(content)
    }

    /// The payload of an entry, after commitment, tag and padding were found right; it is not decoded. `scratch` is
    /// overwritten.
    pub(super) fn unseal<'a>(
        &self,
        run: &Run,
        slots: &SlotKey,
        header: &Header,
        body: &[u8],
        scratch: &'a mut Vec<u8>,
    ) -> Result<Unsealed<'a>, Error> {
        let Some(sealing) = &header.sealing else { return Ok(Unsealed::Clear) };
        let (birth, other) = slots.open(header.sequence, sealing.slot);
        if header.redacted {
            return Ok(Unsealed::Erased { birth, other });
        }
        let Some(key) = self.entry_key(run.salt, header.key_epoch, header.sequence, birth, other) else {
            let erased = self.records.is_erased(birth) || other.is_some_and(|other| self.records.is_erased(other));
            return match erased {
                true => Ok(Unsealed::Erased { birth, other }),
                false => Err(unopened(header, "it names a key epoch that the keys do not have")),
            };
        };
        if key.commitment() != sealing.commitment {
            return Err(unopened(header, "it was sealed under another key"));
        }
        let payload = decrypt(header, &run.digest, &key, body, scratch)?;
        Ok(Unsealed::Payload { birth, other, payload })
    }

    /// The key of an entry; `None` when a record of it was erased, or there is no such key epoch.
    pub(super) fn entry_key(
        &self,
        salt: WriterSalt,
        epoch: KeyEpoch,
        sequence: Sequence,
        birth: Birth,
        other: Option<Birth>,
    ) -> Option<EntryKey> {
        let context = EntryContext { ledger: self.ledger, salt, sequence };
        let key = self.records.record_key(epoch, birth)?;
        Some(match other {
            None => key.entry_key(&context),
            Some(other) => key.pair_key(&self.records.record_key(epoch, other)?, &context),
        })
    }
}

/// What is under the seal of an entry.
pub(super) enum Unsealed<'a> {
    /// It has none.
    Clear,
    /// Nothing that could be read: a key or the ciphertext is gone.
    Erased { birth: Birth, other: Option<Birth> },
    /// This, under the keys of these records.
    Payload { birth: Birth, other: Option<Birth>, payload: &'a [u8] },
}

/// What the body of a sealed entry says under its key.
pub(super) fn open_body(
    header: &Header,
    run: &Digest,
    key: &EntryKey,
    body: &[u8],
    scratch: &mut Vec<u8>,
) -> Result<Content, Error> {
    read_payload(header, decrypt(header, run, key, body, scratch)?)
}

/// The payload in the body of a sealed entry. `scratch` is overwritten.
fn decrypt<'a>(
    header: &Header,
    run: &Digest,
    key: &EntryKey,
    body: &[u8],
    scratch: &'a mut Vec<u8>,
) -> Result<&'a [u8], Error> {
    let split = body.split_last_chunk::<TAG_BYTES>();
    let (ciphertext, tag) = split.ok_or_else(|| unopened(header, "it has no ciphertext"))?;
    scratch.clear();
    scratch.extend_from_slice(ciphertext);
    key.open(header.sequence, &associated(run, header), scratch, tag)
        .map_err(|_| unopened(header, "it is not what was sealed"))?;
    padding::unpad(scratch).ok_or_else(|| unopened(header, UNREADABLE))
}

/// What a payload says, which is that of a clear entry or was under the seal of another.
pub(super) fn read_payload(header: &Header, payload: &[u8]) -> Result<Content, Error> {
    wire::read(header.kind, payload).ok_or_else(|| unopened(header, UNREADABLE))
}

fn unopened(header: &Header, what: &'static str) -> Error {
    Error::Unopened { sequence: header.sequence, what }
}

/// Appends a clear entry to `stored`, which is empty.
fn write_clear<P: Written>(header: &Header, payload: &P, stored: &mut Vec<u8>) -> Result<(), Error> {
    header.write(stored);
    payload.write(stored)?;
    check_size(header, "the payload", stored.len() - CLEAR_HEADER_BYTES, ENTRY_BYTES_MAX - CLEAR_HEADER_BYTES)
}

/// Writes room for a header, and the padded payload.
fn write_padded<P: Written>(header: &Header, payload: &P, stored: &mut Vec<u8>) -> Result<(), Error> {
    const START: usize = SEALED_HEADER_BYTES + LENGTH_BYTES;
    stored.resize(START, 0);
    payload.write(stored)?;
    let size_bytes = stored.len() - START;
    check_size(header, "the payload", size_bytes, PADDED_BYTES_MAX - LENGTH_BYTES)?;
    let length = u16::try_from(size_bytes).expect("the size was checked to be less than an entry");
    stored[SEALED_HEADER_BYTES..START].copy_from_slice(&length.to_le_bytes());
    let padded = padding::bucket(LENGTH_BYTES + size_bytes).expect("the size was checked to be less than an entry");
    stored.resize(SEALED_HEADER_BYTES + padded, 0);
    Ok(())
}

/// Whether a sealed entry can hold a payload.
pub fn fits<P: Payload>(payload: &P) -> bool {
    let mut written = Vec::new();
    payload.write(&mut written).is_ok() && written.len() <= PADDED_BYTES_MAX - LENGTH_BYTES
}

fn check_size(header: &Header, what: &'static str, size: usize, max: usize) -> Result<(), Error> {
    if size <= max { Ok(()) } else { Err(Error::TooLarge { kind: header.kind, what, size, max }) }
}

fn associated(run: &Digest, header: &Header) -> [u8; ASSOCIATED_BYTES] {
    let mut bytes = [0u8; ASSOCIATED_BYTES];
    bytes[..32].copy_from_slice(run);
    bytes[32..].copy_from_slice(&header.sealed_bytes());
    bytes
}
