//! Why a message was not taken. A refusal names what is wrong and where (a path of the bundle), never a value.
//!
//! INVARIANT: [`Refusal::code`] stands in the ledger: a code is never given to another reason.

/// Why a message was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The message is longer than a message may be.
    #[error("longer than the {max_bytes} bytes that a message may have")]
    TooLong {
        /// The bound, in bytes.
        max_bytes: u64,
    },
    /// Bytes that are not UTF-8.
    #[error("not UTF-8 at byte {offset}")]
    Utf8 {
        /// Where the first bad byte stands in the message.
        offset: usize,
    },
    /// Not a JSON document.
    #[error("not valid JSON at byte {offset}")]
    Json {
        /// Where reading stopped in the message.
        offset: usize,
    },
    /// Brackets nested too deep.
    #[error("nested deeper than {} levels", super::json::DEPTH_MAX)]
    Depth,
    /// JSON, but not an object.
    #[error("not a JSON object")]
    NotAnObject,
    /// A mapped member stands twice.
    #[error("`{path}` stands twice")]
    Duplicate {
        /// Path of the member.
        path: String,
    },
    /// Half of a surrogate pair in a mapped text.
    #[error("`{path}` holds half of a surrogate pair")]
    Surrogate {
        /// Path of the member.
        path: String,
    },
    /// Part of the key is missing or null.
    #[error("the key `{path}` is missing or null")]
    KeyMissing {
        /// Path of the part.
        path: String,
    },
    /// Part of the key is an object, an array or empty.
    #[error("the key `{path}` is not a text, number or boolean with at least one character")]
    KeyNotScalar {
        /// Path of the part.
        path: String,
    },
    /// The key is too long.
    #[error("the key with `{path}` is longer than 1,024 bytes")]
    KeyTooLong {
        /// Path of the part at which the bound was passed.
        path: String,
    },
    /// Part of the key contains U+001F, which joins the parts.
    #[error("the key `{path}` holds the separator U+001F")]
    KeySeparator {
        /// Path of the part.
        path: String,
    },
    /// A time that cannot be read.
    #[error("`{path}` is not a time")]
    Time {
        /// Path of the member.
        path: String,
    },
    /// A log position or other ordering value that cannot be read.
    #[error("`{path}` does not order changes: it is neither a whole number nor a time")]
    Order {
        /// Path of the member.
        path: String,
    },
    /// An event of the format whose row is missing.
    #[error("the event has no row")]
    RowMissing,
    /// A delete that does not say of what.
    #[error("a delete without a key")]
    DeleteWithoutKey,
    /// A tombstone that does not say of what.
    #[error("a tombstone without its key")]
    Tombstone,
    /// A whole table was emptied: that is not a change of one record.
    #[error("a truncate of the whole table, which says nothing of single records")]
    Truncate,
    /// A message that an application wrote into the log.
    #[error("a logical message, not a change of a row")]
    LogicalMessage,
    /// A change of the table's definition.
    #[error("a schema change, not a change of a row")]
    SchemaChange,
    /// Begin or end of a transaction.
    #[error("transaction metadata, not a change of a row")]
    Transaction,
    /// Key document, sent where the value should be.
    #[error("the key of a message, without its value")]
    KeyDocument,
    /// A heartbeat of the connector.
    #[error("a heartbeat, not a change of a row")]
    Heartbeat,
    /// Begin or end of a bootstrap, or another marker of the connector.
    #[error("a marker of the connector, not a change of a row")]
    Marker,
    /// What the event does is none of what the format knows.
    #[error("`{path}` names no operation that is known")]
    Operation {
        /// Path of the member.
        path: String,
    },
    /// The document is none of the format's events.
    #[error("not an event of the format: `{path}` is missing or wrong")]
    NotAnEvent {
        /// Path of the member that an event must have.
        path: &'static str,
    },
    /// The bytes in `data_base64` are not base64.
    #[error("`data_base64` is not base64")]
    Base64,
    /// A consent preference that is neither true nor false.
    #[error("the consent preference `{path}` is neither true nor false")]
    Preference {
        /// Path of the member.
        path: String,
    },
    /// A mixed stream names a source that the bundle does not have.
    #[error("the bundle has no source `{name}`")]
    UnknownSource {
        /// As the stream names it; cut at 64 characters.
        name: String,
    },
    /// A row with more or fewer fields than the header.
    #[error("{found} fields in a row of {expected}")]
    Ragged {
        /// Fields of the header.
        expected: usize,
        /// Fields of the row; counted no further than one more than expected.
        found: usize,
    },
    /// A quoted field that is not closed within the size of a message, or text behind a closing quote.
    #[error("a quoted field that is not closed, or has text behind its quote")]
    Quote,
    /// A value that has no text form.
    #[error("the column `{path}` holds a value without a text form")]
    Unprintable {
        /// Name of the column.
        path: String,
    },
}

impl Refusal {
    /// The stable number of the reason.
    pub fn code(&self) -> u8 {
        match self {
            Self::TooLong { .. } => 1,
            Self::Utf8 { .. } => 2,
            Self::Json { .. } => 3,
            Self::Depth => 4,
            Self::NotAnObject => 5,
            Self::Duplicate { .. } => 6,
            Self::Surrogate { .. } => 7,
            Self::KeyMissing { .. } => 8,
            Self::KeyNotScalar { .. } => 9,
            Self::KeyTooLong { .. } => 10,
            Self::KeySeparator { .. } => 11,
            Self::Time { .. } => 12,
            Self::Order { .. } => 13,
            Self::RowMissing => 14,
            Self::DeleteWithoutKey => 15,
            Self::Tombstone => 16,
            Self::Truncate => 17,
            Self::LogicalMessage => 18,
            Self::SchemaChange => 19,
            Self::Transaction => 20,
            Self::KeyDocument => 21,
            Self::Heartbeat => 22,
            Self::Marker => 23,
            Self::Operation { .. } => 24,
            Self::NotAnEvent { .. } => 25,
            Self::Base64 => 26,
            Self::Preference { .. } => 27,
            Self::UnknownSource { .. } => 28,
            Self::Ragged { .. } => 29,
            Self::Quote => 30,
            Self::Unprintable { .. } => 31,
        }
    }
}
