//! Cuts a stream into messages in bounded memory: lines, and CSV rows whose quoted fields may hold newlines.
//!
//! It never holds more than [`WINDOW_BYTES`], whatever the length of a line: a message that is too long is hashed and
//! counted on its way past, and its beginning is kept.
//!
//! INVARIANT: `consumed` is the place in the stream of the first byte that no frame has covered.

use super::{MESSAGE_BYTES_MAX, RAW_BYTES_MAX};
use ring::digest::{Context, SHA256};
use std::io::{self, Read};
use std::ops::Range;

/// How many bytes are held: a whole message of the greatest length, and another on its way in.
const WINDOW_BYTES: usize = 2 * MESSAGE_BYTES_MAX + 64 * 1024;

/// A stream with a window on it.
pub(super) struct Frames {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// What of the buffer is read and not yet framed.
    live: Range<usize>,
    ended: bool,
    consumed: u64,
    /// Bytes of the last frame, when the stream ended before its newline.
    unfinished: u64,
    /// The beginning of the last message that was too long.
    prefix: Vec<u8>,
}

/// One message, or what is known of one that is too long.
pub(super) enum Frame {
    /// A message, without its newline; see [`Frames::bytes`].
    Whole(Range<usize>),
    /// A CSV row whose quoted field does not end within the bound: its first line alone.
    Unclosed(Range<usize>),
    /// A message that is too long; see [`Frames::prefix`].
    Long(Long),
}

/// What is known of a message that is too long.
pub(super) struct Long {
    pub size_bytes: u64,
    pub sha256: [u8; 32],
}

/// How far a CSV row reaches.
enum Extent {
    /// The row ends before the newline here.
    Ends(usize),
    /// There is no end in sight; whether a quoted field is open.
    Open { quoted: bool },
}

impl Frames {
    /// Frames of `reader`, which stands at byte `consumed` of the stream.
    pub fn new(reader: Box<dyn Read + Send>, consumed: u64) -> Self {
        Self {
            reader,
            buffer: vec![0; WINDOW_BYTES],
            live: 0..0,
            ended: false,
            consumed,
            unfinished: 0,
            prefix: Vec::new(),
        }
    }

    /// The bytes of a frame, until the next frame is asked for.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// The beginning of the last message that was too long.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Bytes of the stream that frames have covered, with their newlines.
    pub fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Of these, the bytes of the last frame, when no newline ended it: its writer may not be done with it.
    pub fn unfinished(&self) -> u64 {
        self.unfinished
    }

    /// The next line; `None` at the end.
    pub fn next_line(&mut self) -> io::Result<Option<Frame>> {
        let mut scanned = 0;
        loop {
            let window = self.buffer.get(self.live.clone()).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', window.get(scanned..).unwrap_or_default()) {
                return Ok(Some(self.take(scanned + at, 1)));
            }
            scanned = window.len();
            if self.ended {
                return Ok((scanned > 0).then(|| self.take(scanned, 0)));
            }
            if scanned > MESSAGE_BYTES_MAX {
                return self.skip_line().map(Some);
            }
            self.fill()?;
        }
    }

    /// The next CSV row; `None` at the end.
    pub fn next_row(&mut self) -> io::Result<Option<Frame>> {
        loop {
            let window = self.buffer.get(self.live.clone()).unwrap_or_default();
            let size = window.len();
            match row_extent(window, self.ended) {
                Extent::Ends(at) if at <= MESSAGE_BYTES_MAX => return Ok(Some(self.take(at, 1))),
                Extent::Open { .. } if size == 0 && self.ended => return Ok(None),
                Extent::Open { quoted: false } if self.ended => return Ok(Some(self.take(size, 0))),
                Extent::Open { .. } if !self.ended && size <= MESSAGE_BYTES_MAX => {
                    self.fill()?;
                }
                Extent::Ends(_) | Extent::Open { quoted: true } => {
                    // One stray quote must not swallow what follows: only its line is given up.
                    return Ok(self.next_line()?.map(|frame| match frame {
                        Frame::Whole(range) => Frame::Unclosed(range),
                        other => other,
                    }));
                }
                Extent::Open { quoted: false } => return self.skip_line().map(Some),
            }
        }
    }

    /// Frames `size` bytes of the window and passes over the newline behind them.
    fn take(&mut self, size: usize, newline: usize) -> Frame {
        let range = self.live.start..self.live.start + size;
        let frame = if size > MESSAGE_BYTES_MAX {
            let mut hash = Context::new(&SHA256);
            let bytes = self.buffer.get(range).unwrap_or_default();
            hash.update(bytes);
            self.prefix.clear();
            self.prefix.extend(bytes.iter().take(RAW_BYTES_MAX));
            Frame::Long(Long { size_bytes: size as u64, sha256: finish(hash) })
        } else {
            Frame::Whole(range)
        };
        self.consume(size + newline);
        self.unfinished = if newline == 0 { size as u64 } else { 0 };
        frame
    }

    /// Passes over a line that does not fit the window.
    fn skip_line(&mut self) -> io::Result<Frame> {
        let mut hash = Context::new(&SHA256);
        let mut size_bytes = 0u64;
        self.prefix.clear();
        loop {
            let window = self.buffer.get(self.live.clone()).unwrap_or_default();
            let newline = memchr::memchr(b'\n', window);
            let part = newline.map_or(window, |at| window.get(..at).unwrap_or_default());
            let size = part.len();
            hash.update(part);
            size_bytes += size as u64;
            let room = RAW_BYTES_MAX - self.prefix.len();
            self.prefix.extend(part.iter().take(room));
            self.consume(size + usize::from(newline.is_some()));
            if newline.is_some() || self.ended {
                self.unfinished = if newline.is_some() { 0 } else { size_bytes };
                return Ok(Frame::Long(Long { size_bytes, sha256: finish(hash) }));
            }
            self.fill()?;
        }
    }

    fn consume(&mut self, size: usize) {
        self.live.start += size;
        self.consumed += size as u64;
    }

    /// Reads on. The window has room, because no caller lets it fill.
    fn fill(&mut self) -> io::Result<()> {
        if self.live.start > 0 && (self.live.is_empty() || self.buffer.len() - self.live.end < 64 * 1024) {
            self.buffer.copy_within(self.live.clone(), 0);
            self.live = 0..self.live.len();
        }
        let room = self.buffer.get_mut(self.live.end..).unwrap_or_default();
        loop {
            match self.reader.read(room) {
                Ok(0) => self.ended = true,
                Ok(size) => self.live.end += size,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            return Ok(());
        }
    }
}

/// SHA-256 of one whole message.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    hash.update(bytes);
    finish(hash)
}

fn finish(hash: Context) -> [u8; 32] {
    hash.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// How far the row at the front of `bytes` reaches, after RFC 4180: a quote opens a field only at its beginning.
fn row_extent(bytes: &[u8], ended: bool) -> Extent {
    let mut at = 0;
    loop {
        if bytes.get(at) == Some(&b'"') {
            at += 1;
            loop {
                let rest = bytes.get(at..).unwrap_or_default();
                let Some(quote) = memchr::memchr(b'"', rest) else { return Extent::Open { quoted: true } };
                match rest.get(quote + 1) {
                    Some(b'"') => at += quote + 2,
                    // The next byte decides whether this quote closes the field.
                    None if !ended => return Extent::Open { quoted: true },
                    _ => {
                        at += quote + 1;
                        break;
                    }
                }
            }
        }
        let rest = bytes.get(at..).unwrap_or_default();
        match memchr::memchr2(b',', b'\n', rest) {
            None => return Extent::Open { quoted: false },
            Some(place) if rest.get(place) == Some(&b'\n') => return Extent::Ends(at + place),
            Some(place) => at += place + 1,
        }
    }
}
