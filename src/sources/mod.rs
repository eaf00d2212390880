//! Sources: bytes of the world in, [changes](crate::model::Change) out.
//!
//! A [`Decoder`] knows one source and takes single messages; a [`MixedDecoder`] takes lines that name their source; a
//! [`Feed`] reads a file or a stream of either, message by message, in bounded memory, and can be resumed where it was.
//! What can't be taken comes out as a [`Refusal`] with its reason, beside the raw bytes, and stops nothing else.
//!
//! Nothing here keeps state of records, trusts what an event says of the past, or puts a value into an error.

mod cloud_events;
mod csv;
mod debezium;
mod decoder;
mod feed;
mod frames;
mod json;
mod key;
mod maxwell;
mod mixed;
mod open_dsr;
mod parquet;
mod refusal;
mod row;
mod segment;
mod time;
mod trie;

pub use decoder::Decoder;
pub use feed::{Error, Feed, FeedPosition, Rejection, Step};
pub(crate) use json::utf16;
pub use mixed::MixedDecoder;
pub use open_dsr::{DsrDocument, read_dsr};
pub use refusal::Refusal;

/// Longest message, in bytes: a line without its newline, a CSV row, a Kafka value.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// How much of a refused message is kept, in bytes.
pub const RAW_BYTES_MAX: usize = 32 * 1024;
