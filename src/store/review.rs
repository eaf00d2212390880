//! The rows of the index about review, and their bytes, as in `rows`.
//!
//! ```text
//! decision  the key is the sequence of its entry, u64
//!           ruling u8 (1 same, 2 different, 3 allowed, 4 restricted, 5 objected, 6 held, 7 rectified)
//!           | record n
//!           | 1, 2: other record n; 3: kind u8, identifier 16; 5: purpose u8, 255 for all; 7: attribute n
//!           | position n
//! question  the key is a record u64, the other u64, sort u8 (0 refused, 1 uncertain); each stands under both records
//!           flags u8 (0: the key's first record is the link's `a`) | kind u8 | identifier 16 | obstacle u8
//!           | 1 unique: kind u8; 2 source: source n
//!   obstacle  0 different, 1 unique, 2 source, 3 size, 4 bridge, 5 uncertain
//! ```
//! INVARIANT: what a steward wrote is not here: it stands in the ledger alone.

use super::Index;
use super::batch::Batch;
use super::codec::{Malformed, Reader, put_number};
use super::error::Error;
use super::spaces::Space;
use crate::model::{AttributeId, Birth, IdentifierHash, KindId, Link, Obstacle, PurposeId, Ruling, Sequence, SourceId};

/// What a steward decided, as far as it holds; the key is the sequence of its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionRow {
    /// What.
    pub ruling: Ruling,
    /// Where the review entry stands in the ledger, in bytes.
    pub position: u64,
}

/// A link that is put to stewards, and why it does not join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// The link.
    pub link: Link,
    /// What hinders it.
    pub obstacle: Obstacle,
}

impl DecisionRow {
    fn encode(&self, out: &mut Vec<u8>) {
        match self.ruling {
            Ruling::Same(a, b) | Ruling::Different(a, b) => {
                out.push(if matches!(self.ruling, Ruling::Same(..)) { 1 } else { 2 });
                put_number(out, a.0);
                put_number(out, b.0);
            }
            Ruling::Allowed { kind, identifier, carrier } => {
                out.push(3);
                put_number(out, carrier.0);
                out.push(kind.0);
                out.extend_from_slice(&identifier.0.to_le_bytes());
            }
            Ruling::Restricted { record } => {
                out.push(4);
                put_number(out, record.0);
            }
            Ruling::Objected { record, purpose } => {
                out.push(5);
                put_number(out, record.0);
                out.push(purpose.map_or(u8::MAX, |purpose| purpose.0));
            }
            Ruling::Held { record } => {
                out.push(6);
                put_number(out, record.0);
            }
            Ruling::Rectified { record, attribute } => {
                out.push(7);
                put_number(out, record.0);
                put_number(out, attribute.0.into());
            }
        }
        put_number(out, self.position);
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let code = reader.byte()?;
        let record = Birth(reader.number()?);
        let ruling = match code {
            1 => Ruling::Same(record, Birth(reader.number()?)),
            2 => Ruling::Different(record, Birth(reader.number()?)),
            3 => {
                let kind = KindId(reader.byte()?);
                Ruling::Allowed { kind, identifier: IdentifierHash(reader.u128()?), carrier: record }
            }
            4 => Ruling::Restricted { record },
            5 => {
                let purpose = reader.byte()?;
                Ruling::Objected { record, purpose: (purpose != u8::MAX).then_some(PurposeId(purpose)) }
            }
            6 => Ruling::Held { record },
            7 => {
                let attribute = u16::try_from(reader.number()?).map_err(|_| Malformed)?;
                Ruling::Rectified { record, attribute: AttributeId(attribute) }
            }
            _ => return Err(Malformed),
        };
        let position = reader.number()?;
        reader.end()?;
        Ok(Self { ruling, position })
    }
}

impl Question {
    /// The keys under which it stands.
    fn keys(&self) -> [([u8; 17], bool); 2] {
        let Link { a, b, .. } = self.link;
        let sort = u8::from(self.obstacle == Obstacle::Uncertain);
        let key = |one: Birth, other: Birth| {
            let mut key = [sort; 17];
            key[..8].copy_from_slice(&one.0.to_be_bytes());
            key[8..16].copy_from_slice(&other.0.to_be_bytes());
            key
        };
        [(key(a, b), true), (key(b, a), false)]
    }

    fn encode(&self, first: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(&[u8::from(first), self.link.kind.0]);
        out.extend_from_slice(&self.link.identifier.0.to_le_bytes());
        match self.obstacle {
            Obstacle::Different => out.push(0),
            Obstacle::Unique(kind) => out.extend_from_slice(&[1, kind.0]),
            Obstacle::Source(source) => {
                out.push(2);
                put_number(out, source.0.into());
            }
            Obstacle::Size => out.push(3),
            Obstacle::Bridge => out.push(4),
            Obstacle::Uncertain => out.push(5),
            Obstacle::Combining => out.push(6),
        }
    }
}

/// What stands under a key of a question, without the records of the key.
#[derive(Clone, Copy)]
struct Told {
    first: bool,
    kind: KindId,
    identifier: IdentifierHash,
    obstacle: Obstacle,
}

impl Told {
    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let first = match reader.byte()? {
            0 => false,
            1 => true,
            _ => return Err(Malformed),
        };
        let kind = KindId(reader.byte()?);
        let identifier = IdentifierHash(reader.u128()?);
        let obstacle = match reader.byte()? {
            0 => Obstacle::Different,
            1 => Obstacle::Unique(KindId(reader.byte()?)),
            2 => Obstacle::Source(SourceId(u16::try_from(reader.number()?).map_err(|_| Malformed)?)),
            3 => Obstacle::Size,
            4 => Obstacle::Bridge,
            5 => Obstacle::Uncertain,
            6 => Obstacle::Combining,
            _ => return Err(Malformed),
        };
        reader.end()?;
        Ok(Self { first, kind, identifier, obstacle })
    }

    /// The question, of the records of its key.
    fn question(self, one: Birth, other: Birth) -> Question {
        let (a, b) = if self.first { (one, other) } else { (other, one) };
        let Self { kind, identifier, obstacle, .. } = self;
        Question { link: Link { a, b, kind, identifier }, obstacle }
    }
}

impl Batch {
    /// Writes a decision that holds.
    pub fn put_decision(&mut self, entry: Sequence, row: &DecisionRow) {
        self.put_row(Space::Decisions, &entry.0.to_be_bytes(), |out| row.encode(out));
    }

    /// Writes that a decision no longer holds.
    pub fn remove_decision(&mut self, entry: Sequence) {
        self.remove_row(Space::Decisions, &entry.0.to_be_bytes());
    }

    /// Writes a question.
    pub fn put_question(&mut self, question: &Question) {
        for (key, first) in question.keys() {
            self.put_row(Space::Questions, &key, |out| question.encode(first, out));
        }
    }

    /// Writes that a question is none any more. Call it before the next question of the same records is put.
    pub fn remove_question(&mut self, question: &Question) {
        for (key, _) in question.keys() {
            self.remove_row(Space::Questions, &key);
        }
    }
}

impl Index {
    /// All decisions that hold, in the order in which they were made.
    pub fn decisions(&self) -> impl Iterator<Item = Result<(Sequence, DecisionRow), Error>> + '_ {
        self.rows(Space::Decisions, |key| key.u64_be().map(Sequence), DecisionRow::decode)
    }

    /// All questions, each once, by their records.
    pub fn questions(&self) -> impl Iterator<Item = Result<Question, Error>> + '_ {
        let rows = self.rows(Space::Questions, question_key, Told::decode);
        rows.filter_map(|row| match row {
            Ok(((one, other), told)) => told.first.then(|| Ok(told.question(one, other))),
            Err(error) => Some(Err(error)),
        })
    }

    /// The questions in which a record stands.
    ///
    /// # Errors
    /// As [`Index::record`].
    pub fn questions_of(&self, record: Birth) -> Result<Vec<Question>, Error> {
        let mut found = Vec::new();
        for row in self.rows_after(Space::Questions, &record.0.to_be_bytes()) {
            let (key, value) = row?;
            let decode = || {
                let mut reader = Reader::new(&key);
                let records = question_key(&mut reader)?;
                reader.end()?;
                Ok((records, Told::decode(&value)?))
            };
            let ((one, other), told) = decode().map_err(Error::row(Space::Questions))?;
            if one != record {
                break;
            }
            found.push(told.question(one, other));
        }
        Ok(found)
    }

    /// Every identifier with the records that carry it: (identifier, kind, record), carriers of one side by side.
    pub fn identifiers(&self) -> impl Iterator<Item = Result<(IdentifierHash, KindId, Birth), Error>> + '_ {
        let key = |key: &mut Reader<'_>| {
            let identifier = key.array().map(u128::from_be_bytes).map(IdentifierHash)?;
            Ok((identifier, Birth(key.u64_be()?)))
        };
        let kind = |value: &[u8]| {
            let mut reader = Reader::new(value);
            let kind = KindId(reader.byte()?);
            reader.end().map(|()| kind)
        };
        let rows = self.rows(Space::Identifiers, key, kind);
        rows.map(|row| row.map(|((identifier, record), kind)| (identifier, kind, record)))
    }
}

fn question_key(key: &mut Reader<'_>) -> Result<(Birth, Birth), Malformed> {
    let records = (Birth(key.u64_be()?), Birth(key.u64_be()?));
    key.byte().map(|_| records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_as_they_were_written() {
        let identifier = IdentifierHash(u128::MAX - 7);
        for ruling in [
            Ruling::Same(Birth(0), Birth(u64::MAX)),
            Ruling::Different(Birth(3), Birth(4)),
            Ruling::Allowed { kind: KindId(2), identifier, carrier: Birth(9) },
            Ruling::Restricted { record: Birth(3) },
            Ruling::Objected { record: Birth(3), purpose: None },
            Ruling::Objected { record: Birth(3), purpose: Some(PurposeId(7)) },
            Ruling::Held { record: Birth(u64::MAX) },
            Ruling::Rectified { record: Birth(5), attribute: AttributeId(300) },
        ] {
            let row = DecisionRow { ruling, position: 1 << 40 };
            let mut bytes = Vec::new();
            row.encode(&mut bytes);
            assert_eq!(DecisionRow::decode(&bytes), Ok(row));
            for end in 0..bytes.len() {
                assert!(DecisionRow::decode(&bytes[..end]).is_err());
            }
        }
        let link = Link { a: Birth(8), b: Birth(5), kind: KindId(1), identifier };
        for obstacle in [
            Obstacle::Different,
            Obstacle::Unique(KindId(3)),
            Obstacle::Source(SourceId(700)),
            Obstacle::Size,
            Obstacle::Bridge,
            Obstacle::Uncertain,
            Obstacle::Combining,
        ] {
            let question = Question { link, obstacle };
            for (first, one, other) in [(true, link.a, link.b), (false, link.b, link.a)] {
                let mut bytes = Vec::new();
                question.encode(first, &mut bytes);
                assert_eq!(Told::decode(&bytes).map(|told| told.question(one, other)), Ok(question));
                for end in 0..bytes.len() {
                    assert!(Told::decode(&bytes[..end]).is_err());
                }
            }
        }
    }
}
