//! A file or a stream of changes, message by message, in bounded memory.
//!
//! A feed never stops for a bad message: it comes out as a [`Rejection`] and the next one follows. It stops with an
//! [`Error`] when the file as a whole can't be read, naming the file and what is wrong with it.

use super::csv::Table;
use super::decoder::source_of;
use super::frames::{Frame, Frames, Long, sha256};
use super::parquet::Rows;
use super::{Decoder, MESSAGE_BYTES_MAX, MixedDecoder, RAW_BYTES_MAX, Refusal};
use crate::model::{Change, Format, Schema, SourceId};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// Why a feed can't be opened or read on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such file.
    #[error("there is no file `{label}`")]
    Missing {
        /// The path as it was given.
        label: String,
    },
    /// A directory stands where a file should.
    #[error("`{label}` is a directory, not a file")]
    Directory {
        /// The path as it was given.
        label: String,
    },
    /// The file may not be read.
    #[error("no permission to read `{label}`")]
    Unreadable {
        /// The path as it was given.
        label: String,
    },
    /// The file is empty.
    #[error("`{label}` is empty")]
    Empty {
        /// The path or name as it was given.
        label: String,
    },
    /// Reading failed on the way.
    #[error("cannot read `{label}`: {cause}")]
    Io {
        /// The path or name as it was given.
        label: String,
        /// What the system says.
        cause: io::Error,
    },
    /// The header can't be read as CSV in UTF-8.
    #[error("the first line of `{label}` is not a CSV header in UTF-8")]
    Header {
        /// The path or name as it was given.
        label: String,
    },
    /// Mapped columns are not in the file.
    #[error("`{label}` lacks the columns {}; it has {}", quoted(.missing), quoted(.found))]
    MissingColumns {
        /// The path or name as it was given.
        label: String,
        /// Columns that the bundle maps; the first fifty.
        missing: Vec<String>,
        /// Columns of the file; the first fifty.
        found: Vec<String>,
    },
    /// A mapped column stands twice in the header.
    #[error("`{label}` has the column `{column}` twice")]
    DuplicateColumn {
        /// The path or name as it was given.
        label: String,
        /// Its name.
        column: String,
    },
    /// Not a Parquet file, or a damaged one.
    #[error("cannot read `{label}` as Parquet: {reason}")]
    Parquet {
        /// The path or name as it was given.
        label: String,
        /// What is wrong.
        reason: String,
    },
    /// Parquet can't be read from a stream: its directory stands at the end.
    #[error("Parquet can't be read from the stream `{label}`, only from a file")]
    NotSeekable {
        /// The name as it was given.
        label: String,
    },
    /// The file ends before the place at which it was to be resumed.
    #[error("`{label}` has {size_bytes} bytes, but {resume_bytes} of them were read before")]
    Shrunk {
        /// The path as it was given.
        label: String,
        /// Its size now.
        size_bytes: u64,
        /// Where it was left.
        resume_bytes: u64,
    },
}

/// A place in a feed between two messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedPosition {
    /// Bytes that were read, newlines included; 0 for Parquet.
    pub bytes: u64,
    /// Lines that were read (rows for CSV and Parquet).
    pub line: u64,
}

/// One message of a feed.
#[derive(Debug)]
pub struct Step<'a> {
    /// Which line, from 1; for CSV and Parquet which row, not counting the header.
    pub line: u64,
    /// Where it comes from; `None` when a mixed line does not say.
    pub source: Option<SourceId>,
    /// Why it was not taken.
    pub refused: Option<Rejection<'a>>,
}

/// A message that was not taken.
#[derive(Debug)]
pub struct Rejection<'a> {
    /// Why.
    pub reason: Refusal,
    /// The message as it came, or its first [`RAW_BYTES_MAX`] bytes; for Parquet the mapped values of the row.
    pub raw: &'a [u8],
    /// Size of the whole message in bytes, without its newline.
    pub size_bytes: u64,
    /// Whether `raw` is the whole of it.
    pub whole: bool,
    /// SHA-256 of the whole message.
    pub sha256: [u8; 32],
}

/// Reads a file or stream of one known source, or a mixed one.
pub struct Feed {
    label: String,
    size_bytes: Option<u64>,
    line: u64,
    /// What `line` was before the last message.
    line_before: u64,
    input: Input,
}

enum Input {
    Lines { frames: Frames, decoder: LineDecoder },
    Csv { source: SourceId, frames: Frames, table: Box<Table> },
    Parquet { source: SourceId, rows: Box<Rows> },
}

enum LineDecoder {
    One(Box<Decoder>),
    Mixed(MixedDecoder),
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").field("label", &self.label).field("position", &self.position()).finish_non_exhaustive()
    }
}

impl Feed {
    /// Opens a file of `source`, or a mixed one, and goes on at `resume`.
    ///
    /// # Errors
    /// What is wrong with the file as a whole.
    pub fn open(
        schema: &Arc<Schema>,
        source: Option<SourceId>,
        path: &Path,
        resume: Option<FeedPosition>,
    ) -> Result<Self, Error> {
        let label = path.display().to_string();
        let failed = |cause: io::Error| match cause.kind() {
            io::ErrorKind::NotFound => Error::Missing { label: label.clone() },
            io::ErrorKind::PermissionDenied => Error::Unreadable { label: label.clone() },
            _ => Error::Io { label: label.clone(), cause },
        };
        let mut file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(Error::Directory { label });
        }
        let size_bytes = metadata.is_file().then_some(metadata.len());
        if size_bytes == Some(0) {
            return Err(Error::Empty { label });
        }
        let resume = resume.unwrap_or_default();
        if let Some(size_bytes) = size_bytes.filter(|&size| size < resume.bytes) {
            return Err(Error::Shrunk { label, size_bytes, resume_bytes: resume.bytes });
        }
        let input = match source.map(|id| (id, source_of(schema, id).format)) {
            Some((id, Format::Parquet)) => {
                Input::Parquet { source: id, rows: Box::new(Rows::open(schema, id, file, &label, resume.line)?) }
            }
            Some((id, Format::Csv)) => {
                let mut frames = Frames::new(Box::new(file.try_clone().map_err(failed)?), 0);
                let table = Box::new(read_header(schema, id, &mut frames, &label)?);
                if resume.bytes > frames.consumed() {
                    file.seek(SeekFrom::Start(resume.bytes)).map_err(failed)?;
                    frames = Frames::new(Box::new(file), resume.bytes);
                }
                Input::Csv { source: id, frames, table }
            }
            _ => {
                if resume.bytes > 0 {
                    file.seek(SeekFrom::Start(resume.bytes)).map_err(failed)?;
                }
                let frames = Frames::new(Box::new(file), resume.bytes);
                Input::Lines { frames, decoder: LineDecoder::new(schema, source) }
            }
        };
        Ok(Self { label, size_bytes, line: resume.line, line_before: resume.line, input })
    }

    /// Reads a stream of `source`, or a mixed one, from its beginning; `label` names it in errors.
    ///
    /// # Errors
    /// What is wrong with the stream as a whole.
    pub fn reader(
        schema: &Arc<Schema>,
        source: Option<SourceId>,
        label: &str,
        reader: Box<dyn Read + Send>,
    ) -> Result<Self, Error> {
        let mut frames = Frames::new(reader, 0);
        let label = label.to_owned();
        let input = match source.map(|id| (id, source_of(schema, id).format)) {
            Some((_, Format::Parquet)) => return Err(Error::NotSeekable { label }),
            Some((id, Format::Csv)) => {
                let table = Box::new(read_header(schema, id, &mut frames, &label)?);
                Input::Csv { source: id, frames, table }
            }
            _ => Input::Lines { frames, decoder: LineDecoder::new(schema, source) },
        };
        Ok(Self { label, size_bytes: None, line: 0, line_before: 0, input })
    }

    /// Takes the next message and appends its changes to `out`; `None` at the end. Blank lines are passed over.
    ///
    /// # Errors
    /// What keeps the feed from being read on.
    pub fn next(&mut self, out: &mut Vec<Change>) -> Result<Option<Step<'_>>, Error> {
        let failed = |cause| Error::Io { label: self.label.clone(), cause };
        match &mut self.input {
            Input::Parquet { source, rows } => {
                let Some(taken) = rows.next(out)? else { return Ok(None) };
                self.line += 1;
                let refused =
                    taken.err().map(|reason| Rejection { whole: false, ..reject(reason, rows.text().as_bytes()) });
                Ok(Some(Step { line: self.line, source: Some(*source), refused }))
            }
            Input::Lines { frames, decoder } => loop {
                let Some(frame) = frames.next_line().map_err(failed)? else { return Ok(None) };
                self.line_before = self.line;
                self.line += 1;
                let Some(refused) = take(frames, frame, |message| decoder.decode(message, out)) else { continue };
                return Ok(Some(Step { line: self.line, source: decoder.source(), refused: refused.with(frames) }));
            },
            Input::Csv { source, frames, table } => loop {
                let Some(frame) = frames.next_row().map_err(failed)? else { return Ok(None) };
                self.line_before = self.line;
                let Some(refused) = take(frames, frame, |row| table.decode(row, out)) else { continue };
                self.line += 1;
                return Ok(Some(Step { line: self.line, source: Some(*source), refused: refused.with(frames) }));
            },
        }
    }

    /// Where the feed stands: exactly behind the last message.
    pub fn position(&self) -> FeedPosition {
        let bytes = match &self.input {
            Input::Lines { frames, .. } | Input::Csv { frames, .. } => frames.consumed(),
            Input::Parquet { .. } => 0,
        };
        FeedPosition { bytes, line: self.line }
    }

    /// Where to go on when more has been written: behind the last message, or before it when no newline ended it, since
    /// its writer may not have been done with it.
    pub fn resume(&self) -> FeedPosition {
        let FeedPosition { bytes, line } = self.position();
        let unfinished = match &self.input {
            Input::Lines { frames, .. } | Input::Csv { frames, .. } => frames.unfinished(),
            Input::Parquet { .. } => 0,
        };
        let line = if unfinished > 0 { self.line_before } else { line };
        FeedPosition { bytes: bytes - unfinished, line }
    }

    /// Size of the whole file, where it is one.
    pub fn size_bytes(&self) -> Option<u64> {
        self.size_bytes
    }
}

impl LineDecoder {
    fn new(schema: &Arc<Schema>, source: Option<SourceId>) -> Self {
        match source {
            Some(source) => Self::One(Box::new(Decoder::new(schema, source))),
            None => Self::Mixed(MixedDecoder::new(schema)),
        }
    }

    fn decode(&mut self, message: &[u8], out: &mut Vec<Change>) -> Result<(), Refusal> {
        match self {
            Self::One(decoder) => decoder.decode(message, out),
            Self::Mixed(decoder) => decoder.decode(message, out),
        }
    }

    fn source(&self) -> Option<SourceId> {
        match self {
            Self::One(decoder) => Some(decoder.source()),
            Self::Mixed(decoder) => decoder.source(),
        }
    }
}

/// What became of a frame; its bytes are found again in the window.
enum Outcome {
    Taken,
    Refused(Refusal, std::ops::Range<usize>),
    Long(Long),
}

impl Outcome {
    fn with(self, frames: &Frames) -> Option<Rejection<'_>> {
        match self {
            Self::Taken => None,
            Self::Refused(reason, range) => Some(reject(reason, frames.bytes(range))),
            Self::Long(Long { size_bytes, sha256 }) => Some(Rejection {
                reason: Refusal::TooLong { max_bytes: MESSAGE_BYTES_MAX as u64 },
                raw: frames.prefix(),
                size_bytes,
                whole: false,
                sha256,
            }),
        }
    }
}

/// Decodes a frame; `None` when it is blank.
fn take(frames: &Frames, frame: Frame, decode: impl FnOnce(&[u8]) -> Result<(), Refusal>) -> Option<Outcome> {
    let range = match frame {
        Frame::Long(long) => return Some(Outcome::Long(long)),
        Frame::Unclosed(range) => return Some(Outcome::Refused(Refusal::Quote, range)),
        Frame::Whole(range) => range,
    };
    let message = frames.bytes(range.clone());
    // Of all blank characters only these end a line, so most lines are told by one byte.
    let starts_blank = message.first().is_none_or(|byte| byte.is_ascii_whitespace() || *byte == 0xef);
    if starts_blank && message.strip_prefix(b"\xef\xbb\xbf").unwrap_or(message).trim_ascii().is_empty() {
        return None;
    }
    Some(match decode(message) {
        Ok(()) => Outcome::Taken,
        Err(reason) => Outcome::Refused(reason, range),
    })
}

fn reject(reason: Refusal, message: &[u8]) -> Rejection<'_> {
    let raw = message.get(..RAW_BYTES_MAX).unwrap_or(message);
    let whole = raw.len() == message.len();
    Rejection { reason, raw, size_bytes: message.len() as u64, whole, sha256: sha256(message) }
}

fn read_header(schema: &Schema, source: SourceId, frames: &mut Frames, label: &str) -> Result<Table, Error> {
    match frames.next_row().map_err(|cause| Error::Io { label: label.to_owned(), cause })? {
        None => Err(Error::Empty { label: label.to_owned() }),
        Some(Frame::Whole(range)) => Table::new(schema, source, frames.bytes(range), label),
        Some(Frame::Unclosed(_) | Frame::Long(_)) => Err(Error::Header { label: label.to_owned() }),
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
