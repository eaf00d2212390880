//! Quarantine: what could not be used is kept, encrypted, with its reason; it can be listed and tried again.
//!
//! INVARIANT: refusing one message or change touches nothing else, and the same one refused again changes nothing.

use super::ingest::Refused;
use super::read::Reader;
use super::wire::{change_from_bytes, change_to_bytes, key_from_bytes};
use super::{Error, Onefold, Outcome};
use crate::encoding::hex;
use crate::ledger::{Operation, Rejected};
use crate::model::{Birth, Change, Sequence, SourceId};
use crate::sources::{Decoder, MixedDecoder};
use crate::standardize::Reason;
use crate::store::RejectedRow;
use serde::Serialize;

pub(super) use crate::ledger::REJECTED_NUMBERS;

/// Of what is refused, so many bytes are kept.
const RAW_BYTES_MAX: usize = 32 * 1024;
/// What stands as the input of a refused change, which is kept in the form of `wire`; a message is kept as it came.
pub(super) const DECODED: &str = "decoded change";

/// A record that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuarantinedRecord {
    /// Its entry in the ledger.
    pub entry: Sequence,
    /// The source, where it is known.
    pub source: Option<String>,
    /// Key of the record, where the message could be decoded.
    pub key: Option<String>,
    /// Line or row in the input, from 1; 0 when it is not known, as for a message that could be decoded.
    pub line: u64,
    /// Why.
    pub reason: String,
    /// How long the message was, bytes.
    pub size_bytes: u64,
    /// Whether it was tried again and taken.
    pub resolved: bool,
}

/// A value that could not be standardised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuarantinedValue {
    /// The source.
    pub source: String,
    /// Key of the record.
    pub key: String,
    /// Path of the field.
    pub field: String,
    /// What stands there.
    pub raw: String,
    /// Why it cannot be used.
    pub reason: String,
}

/// What a retry did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Retried {
    /// Records that were tried.
    pub records: u64,
    /// Of these, how many were taken.
    pub records_resolved: u64,
    /// Records with values that could not be used and that were tried.
    pub values: u64,
    /// Of these, how many have changed by it.
    pub values_resolved: u64,
}

impl Onefold {
    /// Puts a message that could not be decoded into quarantine.
    pub(super) fn refuse_message(&mut self, refused: &Refused) -> Result<Outcome, Error> {
        self.quarantine(Rejected {
            number: Birth(0),
            source: refused.source,
            code: refused.reason.code(),
            reason: refused.reason.to_string(),
            input: String::new(),
            line: refused.line,
            size_bytes: refused.size_bytes,
            sha256: refused.sha256,
            raw: prefix(&refused.raw),
        })
    }

    /// Puts a change that was decoded but cannot be used into quarantine.
    pub(super) fn refuse_change(&mut self, change: &Change, code: u8, reason: &str) -> Result<Outcome, Error> {
        let bytes = change_to_bytes(change)?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, &bytes).as_ref());
        self.quarantine(Rejected {
            number: Birth(0),
            source: Some(change.source),
            code,
            reason: reason.to_owned(),
            input: DECODED.to_owned(),
            line: 0,
            size_bytes: bytes.len() as u64,
            sha256,
            raw: prefix(&bytes),
        })
    }

    fn quarantine(&mut self, mut rejected: Rejected) -> Result<Outcome, Error> {
        let key = self.refusal_key(rejected.source, &rejected.sha256);
        if self.index.offset(&key)?.is_some() || self.open.refusals.contains(&key) {
            return Ok(Outcome::Quarantined);
        }
        rejected.number = Birth(REJECTED_NUMBERS | self.ledger.next().0);
        let placed = self.ledger.append(&rejected)?;
        self.note_refusal(&rejected, placed.sequence, placed.position.0);
        Ok(Outcome::Quarantined)
    }

    /// Puts a refusal that stands in the ledger into the open epoch.
    pub(super) fn note_refusal(&mut self, rejected: &Rejected, sequence: Sequence, position: u64) {
        let Rejected { source, code: reason, line, .. } = *rejected;
        let key = self.refusal_key(source, &rejected.sha256);
        self.open.refusals.insert(key);
        self.open.rejected.push((sequence, RejectedRow { source, reason, line, position, retried: false }));
    }

    /// What stands in the index for a refused message of a source.
    fn refusal_key(&self, source: Option<SourceId>, sha256: &[u8; 32]) -> [u8; 32] {
        let mut key = [0; 32];
        let source = source.map_or_else(String::new, |source| source.to_string());
        let name = self.identity.name(&format!("rejected/{source}"), &hex::encode(sha256));
        key[16..].copy_from_slice(&name.0.to_be_bytes());
        key
    }

    /// Tries everything in quarantine again under the present program, and commits.
    ///
    /// # Errors
    /// When ledger or index cannot be used.
    pub fn retry_quarantine(&mut self) -> Result<Retried, Error> {
        self.commit()?;
        let mut retried = Retried::default();
        let rows: Vec<(Sequence, RejectedRow)> = self.index.rejected().collect::<Result<_, _>>()?;
        for (sequence, row) in rows.into_iter().filter(|(_, row)| !row.retried) {
            retried.records += 1;
            if self.retry_record(&row)? {
                self.open.rejected.push((sequence, RejectedRow { retried: true, ..row }));
                retried.records_resolved += 1;
            }
        }
        let mut births: Vec<Birth> =
            self.index.issues().map(|row| row.map(|((birth, _), _)| birth)).collect::<Result<_, _>>()?;
        births.dedup();
        for birth in births {
            retried.values += 1;
            retried.values_resolved += u64::from(self.receive_again(birth)? == Outcome::Taken);
        }
        self.commit()?;
        Ok(retried)
    }

    /// Whether a refused record could be taken now.
    fn retry_record(&mut self, row: &RejectedRow) -> Result<bool, Error> {
        let rejected = self.reader()?.rejected(row.position)?;
        if rejected.size_bytes != rejected.raw.len() as u64 {
            return Ok(false);
        }
        let mut changes = Vec::new();
        let decoded = match (rejected.input.as_str(), rejected.source) {
            (DECODED, _) => change_from_bytes(&rejected.raw).map(|change| changes.push(change)).is_some(),
            // A line of a mixed stream names its source too; a refusal leaves nothing behind.
            (_, Some(source)) => {
                Decoder::new(&self.schema, source).decode(&rejected.raw, &mut changes).is_ok()
                    || MixedDecoder::new(&self.schema).decode(&rejected.raw, &mut changes).is_ok()
            }
            (_, None) => MixedDecoder::new(&self.schema).decode(&rejected.raw, &mut changes).is_ok(),
        };
        let mut taken = decoded;
        for change in &changes {
            taken &= !matches!(self.push(change)?, Outcome::Quarantined | Outcome::Erased);
        }
        Ok(taken)
    }
}

fn prefix(bytes: &[u8]) -> Vec<u8> {
    bytes.get(..RAW_BYTES_MAX).unwrap_or(bytes).to_vec()
}

impl Reader<'_> {
    /// Records in quarantine, oldest first.
    ///
    /// # Errors
    /// When index or ledger cannot be read.
    pub fn quarantined_records(&self, limit: usize) -> Result<Vec<QuarantinedRecord>, Error> {
        let (mut records, mut births) = (Vec::new(), Vec::new());
        for row in self.index.rejected().take(limit) {
            let (entry, row) = row?;
            let rejected = self.rejected(row.position)?;
            let source = row.source.and_then(|source| self.schema.sources.get(usize::from(source.0)));
            let key = (rejected.input == DECODED).then(|| key_from_bytes(&rejected.raw)).flatten();
            if let Some((source, key)) = source.zip(key.as_deref()) {
                births.extend(self.index.birth(self.identity.name(&source.name, key))?);
            }
            records.push(QuarantinedRecord {
                entry,
                source: source.map(|source| source.name.clone()),
                key,
                line: row.line,
                reason: rejected.reason,
                size_bytes: rejected.size_bytes,
                resolved: row.retried,
            });
        }
        self.note_several(Operation::Quarantine, self.roots_of(births.into_iter())?, &[])?;
        Ok(records)
    }

    /// Values in quarantine, by record.
    ///
    /// # Errors
    /// When index or ledger cannot be read.
    pub fn quarantined_values(&self, limit: usize) -> Result<Vec<QuarantinedValue>, Error> {
        let mut values = Vec::new();
        let mut births = Vec::new();
        for row in self.index.issues().take(limit) {
            let ((birth, field), reason) = row?;
            let Some(row) = self.index.record(birth)? else { continue };
            let received = self.received(row.position)?;
            births.push(birth);
            let source = self.schema.sources.get(usize::from(row.source.0));
            let path = source.and_then(|source| source.fields.get(usize::from(field.0)));
            values.push(QuarantinedValue {
                source: source.map_or_else(String::new, |source| source.name.clone()),
                key: received.key.clone(),
                field: path.map_or_else(String::new, |field| field.path.clone()),
                raw: received.fields.get(field).map_or_else(String::new, |(_, text)| text.to_owned()),
                reason: Reason::from_code(reason).map_or_else(String::new, |reason| reason.to_string()),
            });
        }
        self.note_several(Operation::Quarantine, self.roots_of(births.into_iter())?, &[])?;
        Ok(values)
    }
}
