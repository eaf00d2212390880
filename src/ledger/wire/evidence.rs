//! How the clear entries about keys and erasure are written (see `FORMAT.md`).
//!
//! INVARIANT: they hold birth numbers, keyed hashes and public keys, and nothing else that stands for a person.

use super::super::error::Error;
use super::super::kind::{Kind, Seal};
use super::super::payload::{Erasure, KeyChange, Redaction, Written};
use super::put;
use crate::encoding::canonical::{self, Bytes, Counted};
use crate::model::{Birth, Epoch, Sequence};
use serde::{Deserialize, Serialize};

/// Bytes of an Ed25519 signature.
const SIGNATURE_BYTES: usize = 64;

#[derive(Serialize, Deserialize)]
struct ErasureWire {
    request: String,
    ground: String,
    epoch: u64,
    generation: u64,
    due_s: u32,
    part: u16,
    parts: u16,
    births: Counted<u64>,
    tombstones: Counted<u128>,
}

impl Written for Erasure {
    fn kind(&self) -> Kind {
        Kind::Erasure
    }

    fn seal(&self) -> Seal {
        Seal::Clear
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let wire = ErasureWire {
            request: self.request.clone(),
            ground: self.ground.clone(),
            epoch: self.epoch.0,
            generation: self.generation,
            due_s: self.due_s,
            part: self.part,
            parts: self.parts,
            births: Counted(self.births.iter().map(|birth| birth.0).collect()),
            tombstones: Counted(self.tombstones.clone()),
        };
        put(Kind::Erasure, &wire, out)
    }
}

pub(super) fn read_erasure(bytes: &[u8]) -> Option<Erasure> {
    let wire: ErasureWire = canonical::decode(bytes).ok()?;
    let ascending = wire.births.0.is_sorted_by(|a, b| a < b) && wire.tombstones.0.is_sorted_by(|a, b| a < b);
    let whole = ascending && wire.part >= 1 && wire.part <= wire.parts;
    whole.then_some(Erasure {
        request: wire.request,
        ground: wire.ground,
        epoch: Epoch(wire.epoch),
        generation: wire.generation,
        due_s: wire.due_s,
        part: wire.part,
        parts: wire.parts,
        births: wire.births.0.into_iter().map(Birth).collect(),
        tombstones: wire.tombstones.0,
    })
}

impl Written for KeyChange {
    fn kind(&self) -> Kind {
        Kind::Key
    }

    fn seal(&self) -> Seal {
        Seal::Clear
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let previous = self.previous.unwrap_or_default();
        let previous_signature = Bytes(self.previous_signature.clone().unwrap_or_default());
        put(Kind::Key, &(&self.public, previous, Bytes(self.signature.clone()), previous_signature), out)
    }
}

/// The payload of a key entry.
pub(in super::super) fn read_key(bytes: &[u8]) -> Option<KeyChange> {
    let (public, previous, Bytes(signature), Bytes(previous_signature)): ([u8; 32], [u8; 32], Bytes, Bytes) =
        canonical::decode(bytes).ok()?;
    let previous = (previous != [0; 32]).then_some(previous);
    let previous_bytes = previous.map_or(0, |_| SIGNATURE_BYTES);
    let whole = signature.len() == SIGNATURE_BYTES && previous_signature.len() == previous_bytes;
    let previous_signature = previous.map(|_| previous_signature);
    whole.then_some(KeyChange { public, previous, signature, previous_signature })
}

type RedactionWire = (Counted<u64>, Counted<(u64, u32)>);

impl Written for Redaction {
    fn kind(&self) -> Kind {
        Kind::Redaction
    }

    fn seal(&self) -> Seal {
        Seal::Clear
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let wire: RedactionWire = (
            Counted(self.erasures.iter().map(|sequence| sequence.0).collect()),
            Counted(self.entries.iter().map(|(first, count)| (first.0, *count)).collect()),
        );
        put(Kind::Redaction, &wire, out)
    }
}

pub(super) fn read_redaction(bytes: &[u8]) -> Option<Redaction> {
    let (Counted(erasures), Counted(entries)): RedactionWire = canonical::decode(bytes).ok()?;
    let mut end = 0;
    for (first, count) in &entries {
        if *first < end || *count == 0 {
            return None;
        }
        end = first.checked_add(u64::from(*count))?;
    }
    Some(Redaction {
        erasures: erasures.into_iter().map(Sequence).collect(),
        entries: entries.into_iter().map(|(first, count)| (Sequence(first), count)).collect(),
    })
}
