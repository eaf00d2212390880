//! Reading the index: single rows, and whole keyspaces in the order of their keys.
//!
//! INVARIANT: every read sees one whole epoch; an iterator keeps seeing the one at which it was made.

use super::Index;
use super::batch::meta_key;
use super::codec::{Malformed, Reader};
use super::error::Error;
use super::rows::{ProfileRow, RecordRow, RejectedRow};
use super::spaces::{MARK, Space};
use crate::model::{Birth, FieldIndex, IdentifierHash, NameHash, Sequence};
use fjall::{Readable, Slice, Snapshot};
use std::ops::Bound;
use std::sync::PoisonError;

/// Rows that are copied at once.
const COPIED_ROWS: usize = 500_000;

impl Index {
    /// What is known of a record.
    ///
    /// # Errors
    /// As for all reads: [`Error::Damaged`] when the bytes are not what was written, [`Error::Io`] when they cannot
    /// be read.
    pub fn record(&self, birth: Birth) -> Result<Option<RecordRow>, Error> {
        self.row(Space::Records, &birth.0.to_be_bytes(), RecordRow::decode)
    }

    /// The record of a name.
    ///
    /// # Errors
    /// As [`Index::record`].
    pub fn birth(&self, name: NameHash) -> Result<Option<Birth>, Error> {
        self.row(Space::Names, &name.0.to_be_bytes(), decode_birth)
    }

    /// The records that carry an identifier, oldest first, at most `max` of them.
    ///
    /// # Errors
    /// As [`Index::record`].
    pub fn carriers(&self, identifier: IdentifierHash, max: usize) -> Result<Vec<Birth>, Error> {
        let prefix = identifier.0.to_be_bytes();
        let keyspace = &self.keyspaces[Space::Identifiers as usize];
        let rows = self.seen.read().unwrap_or_else(PoisonError::into_inner).snapshot.prefix(keyspace, prefix);
        let mut carriers = Vec::new();
        for row in rows {
            let key = row.key()?;
            if *key == MARK {
                break;
            }
            if carriers.len() >= max {
                break;
            }
            let birth = key.last_chunk::<8>().filter(|_| key.len() == 24);
            let birth = birth.ok_or(Malformed).map_err(Error::row(Space::Identifiers))?;
            carriers.push(Birth(u64::from_be_bytes(*birth)));
        }
        Ok(carriers)
    }

    /// The oldest record of a record's profile; of a deleted record, the one it last had.
    ///
    /// # Errors
    /// As [`Index::record`].
    pub fn root(&self, record: Birth) -> Result<Option<Birth>, Error> {
        self.row(Space::Members, &record.0.to_be_bytes(), decode_birth)
    }

    /// The profile whose oldest record is `root`.
    ///
    /// # Errors
    /// As [`Index::record`].
    pub fn profile(&self, root: Birth) -> Result<Option<ProfileRow>, Error> {
        if let Some(row) = self.seen.read().unwrap_or_else(PoisonError::into_inner).profiles.get(&root.0) {
            return ProfileRow::decode(row).map(Some).map_err(Error::row(Space::Profiles));
        }
        self.row(Space::Profiles, &root.0.to_be_bytes(), ProfileRow::decode)
    }

    /// A record that was refused.
    ///
    /// # Errors
    /// As [`Index::record`].
    pub fn rejection(&self, entry: Sequence) -> Result<Option<RejectedRow>, Error> {
        self.row(Space::Rejected, &entry.0.to_be_bytes(), RejectedRow::decode)
    }

    /// How far a source file was read.
    ///
    /// # Errors
    /// As [`Index::record`].
    pub fn offset(&self, file: &[u8; 32]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.get(Space::Offsets, file)?.map(|value| value.to_vec()))
    }

    /// A fact about the index as a whole.
    ///
    /// # Errors
    /// As [`Index::record`].
    pub fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.get(Space::Meta, &meta_key(key))?.map(|value| value.to_vec()))
    }

    /// All records, by birth.
    pub fn records(&self) -> impl Iterator<Item = Result<(Birth, RecordRow), Error>> + '_ {
        self.rows(Space::Records, |key| key.u64_be().map(Birth), RecordRow::decode)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = Result<(NameHash, Birth), Error>> + '_ {
        let name = |key: &mut Reader<'_>| key.array().map(u128::from_be_bytes).map(NameHash);
        self.rows(Space::Names, name, decode_birth)
    }

    /// Every record's oldest fellow record, by birth.
    pub fn roots(&self) -> impl Iterator<Item = Result<(Birth, Birth), Error>> + '_ {
        self.rows(Space::Members, |key| key.u64_be().map(Birth), decode_birth)
    }

    /// All profiles, by the birth of their oldest record.
    pub fn profiles(&self) -> impl Iterator<Item = Result<(Birth, ProfileRow), Error>> + '_ {
        self.rows(Space::Profiles, |key| key.u64_be().map(Birth), ProfileRow::decode)
    }

    /// All refused records, in the order in which they came.
    pub fn rejected(&self) -> impl Iterator<Item = Result<(Sequence, RejectedRow), Error>> + '_ {
        self.rows(Space::Rejected, |key| key.u64_be().map(Sequence), RejectedRow::decode)
    }

    /// All dropped values with the code of the reason, by record and field.
    pub fn issues(&self) -> impl Iterator<Item = Result<((Birth, FieldIndex), u8), Error>> + '_ {
        let key = |key: &mut Reader<'_>| {
            let birth = Birth(key.u64_be()?);
            Ok((birth, FieldIndex(key.array().map(u16::from_be_bytes)?)))
        };
        let reason = |value: &[u8]| {
            let mut reader = Reader::new(value);
            let reason = reader.byte()?;
            reader.end().map(|()| reason)
        };
        self.rows(Space::Issues, key, reason)
    }

    /// The fields of one record whose values could not be used.
    ///
    /// # Errors
    /// As [`Index::record`].
    pub fn issues_of(&self, record: Birth) -> Result<Vec<FieldIndex>, Error> {
        let keyspace = &self.keyspaces[Space::Issues as usize];
        let rows =
            self.seen.read().unwrap_or_else(PoisonError::into_inner).snapshot.prefix(keyspace, record.0.to_be_bytes());
        let mut fields = Vec::new();
        for row in rows {
            let key = row.key()?;
            if *key == MARK {
                break;
            }
            let field = key.last_chunk::<2>().filter(|_| key.len() == 10);
            let field = field.ok_or(Malformed).map_err(Error::row(Space::Issues))?;
            fields.push(FieldIndex(u16::from_be_bytes(*field)));
        }
        Ok(fields)
    }

    /// Keyed hashes of all names and identifiers that were erased.
    pub fn tombstones(&self) -> impl Iterator<Item = Result<u128, Error>> + '_ {
        let rows = self.rows(Space::Tombstones, |key| key.array().map(u128::from_be_bytes), |_| Ok(()));
        rows.map(|row| row.map(|(tombstone, ())| tombstone))
    }

    /// Writes all rows into a new index in `dir`, in which nothing is left of what was ever removed from this one.
    ///
    /// # Errors
    /// As [`Index::open`] and [`Index::apply`].
    pub fn copy_to(&self, dir: &std::path::Path) -> Result<(), Error> {
        let copy = Self::open(dir)?;
        for space in Space::ALL {
            let mut batch = copy.batch();
            for row in self.rows(space, |key| Ok(key.rest().to_vec()), |value| Ok(value.to_vec())) {
                let (key, value) = row?;
                if space == Space::Meta && !key.starts_with(&meta_key("")) {
                    continue;
                }
                batch.put_raw(space, &key, &value);
                if batch.len() >= COPIED_ROWS {
                    copy.apply(std::mem::take(&mut batch))?;
                }
            }
            copy.apply(batch)?;
        }
        copy.sync()
    }

    /// The progress of all source files.
    pub fn offsets(&self) -> impl Iterator<Item = Result<([u8; 32], Vec<u8>), Error>> + '_ {
        self.rows(Space::Offsets, |key| key.array(), |value| Ok(value.to_vec()))
    }

    pub(super) fn row<T>(
        &self,
        space: Space,
        key: &[u8],
        decode: fn(&[u8]) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Error> {
        let row = self.get(space, key)?;
        row.map(|bytes| decode(&bytes)).transpose().map_err(Error::row(space))
    }

    /// Keys and values from a key on.
    pub(super) fn rows_after(&self, space: Space, first: &[u8]) -> impl Iterator<Item = Result<(Slice, Slice), Error>> {
        let snapshot: Snapshot = self.seen.read().unwrap_or_else(PoisonError::into_inner).snapshot.clone();
        let range = (Bound::Included(first.to_vec()), Bound::Excluded(MARK.to_vec()));
        snapshot.range(&self.keyspaces[space as usize], range).map(|row| Ok(row.into_inner()?))
    }

    pub(super) fn rows<'a, K: 'a, V: 'a>(
        &'a self,
        space: Space,
        key: fn(&mut Reader<'_>) -> Result<K, Malformed>,
        value: fn(&[u8]) -> Result<V, Malformed>,
    ) -> impl Iterator<Item = Result<(K, V), Error>> + 'a {
        let snapshot: Snapshot = self.seen.read().unwrap_or_else(PoisonError::into_inner).snapshot.clone();
        let decode = move |(key_bytes, value_bytes): (Slice, Slice)| {
            let mut reader = Reader::new(&key_bytes);
            let key = key(&mut reader)?;
            reader.end()?;
            Ok((key, value(&value_bytes)?))
        };
        // The mark is the last of all keys.
        snapshot
            .range(&self.keyspaces[space as usize], ..MARK)
            .map(move |row| decode(row.into_inner()?).map_err(Error::row(space)))
    }
}

fn decode_birth(bytes: &[u8]) -> Result<Birth, Malformed> {
    let mut reader = Reader::new(bytes);
    let birth = Birth(reader.number()?);
    reader.end()?;
    Ok(birth)
}
