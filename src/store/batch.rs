//! The rows of one epoch, collected before they are applied together.
//!
//! Rows stand one after another in one buffer per keyspace, so that collecting millions allocates next to nothing.
//!
//! INVARIANT: once sorted, keys ascend without repetition, and of several rows for one key the last collected stands.

use super::codec::put_number;
use super::rows::{ProfileRow, RecordRow, RejectedRow};
use super::spaces::{SPACES, Space};
use crate::model::{Birth, FieldIndex, IdentifierHash, KindId, NameHash, Sequence};

/// Rows to write and to remove, applied atomically by [`Index::apply`](super::Index::apply).
///
/// Of several operations on the same key the last one counts.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) spaces: [Rows; SPACES],
}

/// The rows of one keyspace.
#[derive(Debug, Default)]
pub(super) struct Rows {
    bytes: Vec<u8>,
    rows: Vec<Row>,
}

/// Where a row stands in the buffer.
#[derive(Clone, Copy, Debug)]
struct Row {
    /// The first eight bytes of the key, big-endian, by which most comparisons are decided.
    prefix: u64,
    start: usize,
    key_bytes: u32,
    /// [`REMOVED`] removes the row.
    value_bytes: u32,
}

const REMOVED: u32 = u32::MAX;

impl Rows {
    /// Adds a row whose value is written by `write`, or a removal.
    fn push(&mut self, key: &[u8], write: Option<impl FnOnce(&mut Vec<u8>)>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        let value_bytes = write.map_or(REMOVED, |write| {
            write(&mut self.bytes);
            size(self.bytes.len() - start - key.len())
        });
        let mut head = [0; 8];
        for (to, from) in head.iter_mut().zip(key) {
            *to = *from;
        }
        self.rows.push(Row { prefix: u64::from_be_bytes(head), start, key_bytes: size(key.len()), value_bytes });
    }

    fn key(&self, row: &Row) -> &[u8] {
        &self.bytes[row.start..row.start + row.key_bytes as usize]
    }

    /// Puts the rows in the order of their keys and keeps the last of each key.
    pub(super) fn sort(&mut self) {
        let (bytes, rows) = (&self.bytes, &mut self.rows);
        let key = |row: &Row| &bytes[row.start..row.start + row.key_bytes as usize];
        let order = |a: &Row, b: &Row| a.prefix.cmp(&b.prefix).then_with(|| key(a).cmp(key(b)));
        if rows.is_sorted_by(|a, b| order(a, b).is_lt()) {
            return;
        }
        // Later rows come first among equals, and only the first of equals is kept.
        rows.sort_unstable_by(|a, b| order(a, b).then_with(|| b.start.cmp(&a.start)));
        rows.dedup_by(|later, kept| key(later) == key(kept));
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Key and value of each row, in order once sorted; no value is a removal.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.rows.iter().map(|row| {
            let value_start = row.start + row.key_bytes as usize;
            let kept = row.value_bytes != REMOVED;
            let value = kept.then(|| &self.bytes[value_start..value_start + row.value_bytes as usize]);
            (self.key(row), value)
        })
    }
}

fn size(bytes: usize) -> u32 {
    u32::try_from(bytes)
        .ok()
        .filter(|bytes| *bytes != REMOVED)
        .expect("a row describes one record or profile, whose size the ledger and the policy bound")
}

const REMOVE: Option<fn(&mut Vec<u8>)> = None;

impl Batch {
    fn rows(&mut self, space: Space) -> &mut Rows {
        &mut self.spaces[space as usize]
    }

    /// Writes a row.
    pub(super) fn put_row(&mut self, space: Space, key: &[u8], write: impl FnOnce(&mut Vec<u8>)) {
        self.rows(space).push(key, Some(write));
    }

    /// Removes a row.
    pub(super) fn remove_row(&mut self, space: Space, key: &[u8]) {
        self.rows(space).push(key, REMOVE);
    }

    /// Operations that were collected.
    pub fn len(&self) -> usize {
        self.spaces.iter().map(Rows::len).sum()
    }

    /// Whether nothing was collected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory that the collected rows take, in bytes.
    pub fn size_bytes(&self) -> usize {
        let rows = |rows: &Rows| rows.bytes.capacity() + rows.rows.capacity() * size_of::<Row>();
        self.spaces.iter().map(rows).sum()
    }

    /// Writes what is known of a record.
    pub fn put_record(&mut self, birth: Birth, row: &RecordRow) {
        self.rows(Space::Records).push(&birth.0.to_be_bytes(), Some(|out: &mut Vec<u8>| row.encode(out)));
    }

    /// Writes which record has a name.
    pub fn put_name(&mut self, name: NameHash, birth: Birth) {
        self.rows(Space::Names).push(&name.0.to_be_bytes(), Some(|out: &mut Vec<u8>| put_number(out, birth.0)));
    }

    /// Writes that no record has a name any more.
    pub fn remove_name(&mut self, name: NameHash) {
        self.rows(Space::Names).push(&name.0.to_be_bytes(), REMOVE);
    }

    /// Writes that a record carries an identifier.
    pub fn put_identifier(&mut self, identifier: IdentifierHash, birth: Birth, kind: KindId) {
        let key = identifier_key(identifier, birth);
        self.rows(Space::Identifiers).push(&key, Some(|out: &mut Vec<u8>| out.push(kind.0)));
    }

    /// Writes that a record no longer carries an identifier.
    pub fn remove_identifier(&mut self, identifier: IdentifierHash, birth: Birth) {
        self.rows(Space::Identifiers).push(&identifier_key(identifier, birth), REMOVE);
    }

    /// Writes which record is the oldest of a record's profile.
    pub fn put_root(&mut self, record: Birth, root: Birth) {
        self.rows(Space::Members).push(&record.0.to_be_bytes(), Some(|out: &mut Vec<u8>| put_number(out, root.0)));
    }

    /// Writes that a record is in no profile and has no successor.
    pub fn remove_root(&mut self, record: Birth) {
        self.rows(Space::Members).push(&record.0.to_be_bytes(), REMOVE);
    }

    /// Writes a profile.
    pub fn put_profile(&mut self, root: Birth, row: &ProfileRow) {
        self.rows(Space::Profiles).push(&root.0.to_be_bytes(), Some(|out: &mut Vec<u8>| row.encode(out)));
    }

    /// Removes a profile that was merged into another or lost its last record.
    pub fn remove_profile(&mut self, root: Birth) {
        self.rows(Space::Profiles).push(&root.0.to_be_bytes(), REMOVE);
    }

    /// Writes a record that was refused.
    pub fn put_rejected(&mut self, entry: Sequence, row: &RejectedRow) {
        self.rows(Space::Rejected).push(&entry.0.to_be_bytes(), Some(|out: &mut Vec<u8>| row.encode(out)));
    }

    /// Removes a record that was refused.
    pub fn remove_rejected(&mut self, entry: Sequence) {
        self.rows(Space::Rejected).push(&entry.0.to_be_bytes(), REMOVE);
    }

    /// Removes how far a source file was read, or that a message was refused.
    pub fn remove_offset(&mut self, file: &[u8; 32]) {
        self.rows(Space::Offsets).push(file, REMOVE);
    }

    /// Writes that a name or identifier was erased.
    pub fn put_tombstone(&mut self, tombstone: u128) {
        self.rows(Space::Tombstones).push(&tombstone.to_be_bytes(), Some(|_: &mut Vec<u8>| {}));
    }

    /// Writes a row as it stands in another index.
    pub(super) fn put_raw(&mut self, space: Space, key: &[u8], value: &[u8]) {
        self.rows(space).push(key, Some(|out: &mut Vec<u8>| out.extend_from_slice(value)));
    }

    /// Writes why a value of a record was dropped.
    pub fn put_issue(&mut self, record: Birth, field: FieldIndex, reason: u8) {
        self.rows(Space::Issues).push(&issue_key(record, field), Some(|out: &mut Vec<u8>| out.push(reason)));
    }

    /// Writes that a value of a record is no longer dropped.
    pub fn remove_issue(&mut self, record: Birth, field: FieldIndex) {
        self.rows(Space::Issues).push(&issue_key(record, field), REMOVE);
    }

    /// Writes how far a source file was read; `file` is a hash that names it.
    pub fn put_offset(&mut self, file: &[u8; 32], progress: &[u8]) {
        self.rows(Space::Offsets).push(file, Some(|out: &mut Vec<u8>| out.extend_from_slice(progress)));
    }

    /// Writes a fact about the index as a whole, such as its epoch.
    pub fn put_meta(&mut self, key: &str, value: &[u8]) {
        self.rows(Space::Meta).push(&meta_key(key), Some(|out: &mut Vec<u8>| out.extend_from_slice(value)));
    }

    /// Writes a fact that the index keeps for itself.
    pub(super) fn put_own(&mut self, key: &[u8], value: &[u8]) {
        self.rows(Space::Meta).push(key, Some(|out: &mut Vec<u8>| out.extend_from_slice(value)));
    }

    /// Removes a fact that the index keeps for itself.
    pub(super) fn remove_own(&mut self, key: &[u8]) {
        self.rows(Space::Meta).push(key, REMOVE);
    }
}

pub(super) fn identifier_key(identifier: IdentifierHash, birth: Birth) -> [u8; 24] {
    let mut key = [0; 24];
    key[..16].copy_from_slice(&identifier.0.to_be_bytes());
    key[16..].copy_from_slice(&birth.0.to_be_bytes());
    key
}

fn issue_key(record: Birth, field: FieldIndex) -> [u8; 10] {
    let mut key = [0; 10];
    key[..8].copy_from_slice(&record.0.to_be_bytes());
    key[8..].copy_from_slice(&field.0.to_be_bytes());
    key
}

/// Facts of callers start with `m`, so that they never meet those that the index keeps for itself.
pub(super) fn meta_key(key: &str) -> Vec<u8> {
    [b"m", key.as_bytes()].concat()
}
