//! The rows of the index about requests of persons, and their bytes, as in `rows`.
//!
//! ```text
//! request  the key is its reference, text
//!          subject n + 1, or 0 | right u8 | law u8 | state u8 (0 open, 1 extended, 2 fulfilled, 3 refused)
//!          | received i32 | due i32 | ended i32, days since 1970, or −2^31
//! ```
//! INVARIANT: once the person is erased, a row says no more whose request it was.

use super::Index;
use super::batch::Batch;
use super::codec::{Malformed, Reader, put_number};
use super::error::Error;
use super::spaces::Space;
use crate::model::Birth;

/// Says that a request has not ended.
const NOT_ENDED: i32 = i32::MIN;
/// Bytes of the longest reference.
const REFERENCE_BYTES_MAX: usize = 64;

/// A request of a person; the key is its reference. Codes of right, law and state are those of the ledger's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestRow {
    /// The oldest record of the person's profile when it came; none once the person is erased.
    pub subject: Option<Birth>,
    /// Code of the right.
    pub right: u8,
    /// Code of the law.
    pub law: u8,
    /// 0 open, 1 extended, 2 fulfilled, 3 refused.
    pub state: u8,
    /// When it was received, days since 1970.
    pub received_day: i32,
    /// By when it is to be answered, days since 1970.
    pub due_day: i32,
    /// When it ended, days since 1970.
    pub ended_day: Option<i32>,
}

impl RequestRow {
    fn encode(&self, out: &mut Vec<u8>) {
        // INVARIANT: births are below 2^63, so that one more is a number.
        put_number(out, self.subject.map_or(0, |subject| subject.0.saturating_add(1)));
        out.extend_from_slice(&[self.right, self.law, self.state]);
        for day in [self.received_day, self.due_day, self.ended_day.unwrap_or(NOT_ENDED)] {
            out.extend_from_slice(&day.to_le_bytes());
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let subject = reader.number()?.checked_sub(1).map(Birth);
        let (right, law, state) = (reader.byte()?, reader.byte()?, reader.byte()?);
        let mut day = || reader.array().map(i32::from_le_bytes);
        let (received_day, due_day, ended) = (day()?, day()?, day()?);
        reader.end()?;
        let ended_day = (ended != NOT_ENDED).then_some(ended);
        if state > 3 || ended_day.is_some() != (state > 1) {
            return Err(Malformed);
        }
        Ok(Self { subject, right, law, state, received_day, due_day, ended_day })
    }
}

impl Batch {
    /// Writes a request.
    pub fn put_request(&mut self, reference: &str, row: &RequestRow) {
        self.put_row(Space::Requests, reference.as_bytes(), |out| row.encode(out));
    }
}

impl Index {
    /// The request of a reference.
    ///
    /// # Errors
    /// As [`Index::record`].
    pub fn request(&self, reference: &str) -> Result<Option<RequestRow>, Error> {
        // What is longer is no reference, and would not sort before the mark.
        if reference.is_empty() || reference.len() > REFERENCE_BYTES_MAX {
            return Ok(None);
        }
        self.row(Space::Requests, reference.as_bytes(), RequestRow::decode)
    }

    /// All requests, in the order of their references.
    pub fn requests(&self) -> impl Iterator<Item = Result<(String, RequestRow), Error>> + '_ {
        self.rows(
            Space::Requests,
            |key| String::from_utf8(key.rest().to_vec()).map_err(|_| Malformed),
            RequestRow::decode,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_as_they_were_written() {
        let row = RequestRow {
            subject: Some(Birth(0)),
            right: 1,
            law: 2,
            state: 0,
            received_day: -5,
            due_day: 20_000,
            ended_day: None,
        };
        let closed = RequestRow { subject: None, state: 3, ended_day: Some(i32::MAX), ..row };
        for row in [row, closed, RequestRow { subject: Some(Birth(u64::MAX - 1)), ..row }] {
            let mut bytes = Vec::new();
            row.encode(&mut bytes);
            assert_eq!(RequestRow::decode(&bytes), Ok(row));
            for end in 0..bytes.len() {
                assert!(RequestRow::decode(&bytes[..end]).is_err());
            }
        }
        let mut bytes = Vec::new();
        RequestRow { state: 2, ..row }.encode(&mut bytes);
        assert!(RequestRow::decode(&bytes).is_err(), "what is fulfilled has ended");
    }
}
