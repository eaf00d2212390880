//! Which records the end of a consent binds although they do not carry the identifier that it was ended on.
//!
//! ```text
//! record u64 big-endian | consent u64 big-endian → identifier hash 16
//! ```

use super::codec::{Malformed, Reader};
use super::spaces::Space;
use super::{Batch, Error, Index};
use crate::model::{Birth, IdentifierHash};

fn key(record: Birth, consent: Birth) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&record.0.to_be_bytes());
    key[8..].copy_from_slice(&consent.0.to_be_bytes());
    key
}

fn decode(bytes: &[u8]) -> Result<IdentifierHash, Malformed> {
    let mut reader = Reader::new(bytes);
    let on = IdentifierHash(reader.u128()?);
    reader.end().map(|()| on)
}

impl Batch {
    /// Writes that the end of a consent binds a record, and the identifier that it was ended on.
    pub fn put_binding(&mut self, record: Birth, consent: Birth, on: IdentifierHash) {
        self.put_row(Space::Bindings, &key(record, consent), |out| out.extend_from_slice(&on.0.to_le_bytes()));
    }

    /// Writes that it no longer does.
    pub fn remove_binding(&mut self, record: Birth, consent: Birth) {
        self.remove_row(Space::Bindings, &key(record, consent));
    }
}

impl Index {
    /// The identifier by whose consent a record is bound.
    ///
    /// # Errors
    /// As [`Index::record`].
    pub fn binding(&self, record: Birth, consent: Birth) -> Result<Option<IdentifierHash>, Error> {
        self.row(Space::Bindings, &key(record, consent), decode)
    }

    /// All of them, by record and consent, with the identifier.
    pub fn bindings(&self) -> impl Iterator<Item = Result<((Birth, Birth), IdentifierHash), Error>> + '_ {
        let key = |key: &mut Reader<'_>| Ok((Birth(key.u64_be()?), Birth(key.u64_be()?)));
        self.rows(Space::Bindings, key, decode)
    }
}
