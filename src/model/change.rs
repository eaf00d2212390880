//! A change as a decoder hands it on: which record, what happens to it, when, and the raw fields that the bundle maps.
//!
//! A change carries no `before`: what a record was is known from stored state alone.

use super::{FieldIndex, SourceId};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// One change of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where the record lives.
    pub source: SourceId,
    /// The key parts joined by U+001F; never empty.
    pub key: String,
    /// What happens to the record.
    pub operation: Operation,
    /// Place among the changes of the same record.
    pub order: Order,
    /// Event time, where the source says one.
    pub at: Option<Timestamp>,
    /// Raw fields; empty for a delete.
    pub fields: Fields,
}

/// What happens to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The fields are the whole record.
    Upsert,
    /// The fields replace those of the same index in the stored record: `Null` removes one, those not named stay.
    Patch,
    /// The record is gone.
    Delete,
}

/// What orders the changes of one record. Two of the same sort are compared; two of different sorts, or
/// [`Order::Arrival`], are taken as they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Nothing is known: the later arrival is the later change.
    Arrival,
    /// Position in the log of the database (PostgreSQL LSN, MySQL file and position).
    Log(u64),
    /// Event time in microseconds.
    Time(i64),
}

impl Order {
    /// Whether a change at `self` is older than one at `stored`, which was taken before.
    pub fn is_older_than(self, stored: Self) -> bool {
        match (self, stored) {
            (Self::Log(a), Self::Log(b)) => a < b,
            (Self::Time(a), Self::Time(b)) => a < b,
            _ => false,
        }
    }
}

/// The raw fields of a record: (index, kind, text), in ascending order of index, texts in one buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    cells: Vec<Cell>,
    text: String,
}

/// One raw field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Which field of the source.
    pub field: FieldIndex,
    /// How it was written.
    pub kind: CellKind,
    /// Bytes of text, which stand one after another in the order of the cells.
    pub size_bytes: u32,
}

/// How a raw field was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CellKind {
    /// A string, unescaped.
    Text = 0,
    /// A number, as its digits were written.
    Number = 1,
    /// `true` or `false`.
    Boolean = 2,
    /// An object or array, as it was written.
    Json = 3,
    /// An explicit null; kept only in patches, where it removes the field.
    Null = 4,
    /// The connector did not send the value because it had not changed: what is stored stays.
    Unavailable = 5,
}

impl Fields {
    /// None yet, with room for this many fields and bytes of text.
    pub fn with_capacity(cells: usize, text_bytes: usize) -> Self {
        Self { cells: Vec::with_capacity(cells), text: String::with_capacity(text_bytes) }
    }

    /// Adds a field.
    ///
    /// # Panics
    /// When `field` is not above the last one added, or the text is longer than `u32::MAX`: decoders see to both.
    pub fn push(&mut self, field: FieldIndex, kind: CellKind, text: &str) {
        assert!(self.cells.last().is_none_or(|last| last.field < field), "fields are pushed in ascending order");
        let size_bytes = u32::try_from(text.len()).expect("a field is bounded by the size of a line");
        self.cells.push(Cell { field, kind, size_bytes });
        self.text.push_str(text);
    }

    /// The fields in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (FieldIndex, CellKind, &str)> {
        let mut start = 0usize;
        self.cells.iter().map(move |cell| {
            let end = start + cell.size_bytes as usize;
            let text = &self.text[start..end];
            start = end;
            (cell.field, cell.kind, text)
        })
    }

    /// One field.
    pub fn get(&self, field: FieldIndex) -> Option<(CellKind, &str)> {
        self.iter().find(|(index, _, _)| *index == field).map(|(_, kind, text)| (kind, text))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.cells.len()
    }

    /// Removes all fields and keeps the memory.
    pub fn clear(&mut self) {
        self.cells.clear();
        self.text.clear();
    }

    /// The cells and the buffer of their texts.
    pub fn parts(&self) -> (&[Cell], &str) {
        (&self.cells, &self.text)
    }

    /// What [`parts`](Self::parts) gave, put together again; `None` when the cells do not ascend or do not cover the
    /// text on character boundaries.
    pub fn from_parts(cells: Vec<Cell>, text: String) -> Option<Self> {
        let ascending = cells.windows(2).all(|pair| pair[0].field < pair[1].field);
        let mut end = 0usize;
        let bounded = cells.iter().all(|cell| {
            end = end.saturating_add(cell.size_bytes as usize);
            text.is_char_boundary(end)
        });
        (ascending && bounded && end == text.len()).then_some(Self { cells, text })
    }
}
