//! Segment files: their names, headers and frames.
//!
//! ```text
//! header   magic "OFLEDGER" 8 | format u16 | 0 u16 | segment u32 | ledger id 16 | first sequence u64
//!          | leaf before 32 | crc32c u32                                                      76 bytes
//! frame    length u32 | stored entry | crc32c u32, over length and entry
//! ```
//! A segment comes into being whole, by renaming, after everything before it is durable: only the end of the last one
//! can be torn by a crash.

use super::Position;
use super::error::{Damage, Error};
use super::kind::{CLEAR_HEADER_BYTES, ENTRY_BYTES_MAX, Header, Kind, VERSION};
use super::tree::Digest;
use super::walk::stopped;
use super::wire;
use crate::crypto::LedgerId;
use crate::model::Sequence;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"OFLEDGER";
const FORMAT: u16 = 1;
/// Bytes of a segment's header.
pub(super) const HEADER_BYTES: u64 = 76;
/// Bytes that a frame has more than its entry.
pub(super) const FRAME_BYTES: usize = 8;
/// Bytes of a stored commit entry: header, epoch, size, root, head, first.
pub(super) const COMMIT_BYTES: usize = CLEAR_HEADER_BYTES + 8 + 8 + 32 + 32 + 8;
/// Bytes of a commit's frame.
const COMMIT_FRAME_BYTES: usize = COMMIT_BYTES + FRAME_BYTES;
/// The least that a disk writes whole or not at all.
const SECTOR_BYTES: u64 = 512;
/// How much is read at once; more than the largest frame.
const READ_BYTES: usize = 1 << 20;
/// How much is read at once where few frames are wanted; more than the largest frame.
const READ_SMALL_BYTES: usize = 96 << 10;

/// What a segment's header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) ledger: LedgerId,
    pub(super) number: u32,
    pub(super) first: Sequence,
    pub(super) previous: Digest,
}

impl SegmentHeader {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES as usize);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(&self.ledger.0);
        bytes.extend_from_slice(&self.first.0.to_le_bytes());
        bytes.extend_from_slice(&self.previous);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    pub(super) fn read(bytes: &[u8; HEADER_BYTES as usize]) -> Result<Self, Damage> {
        let (body, crc) = bytes.split_last_chunk::<4>().ok_or(Damage::SegmentHeader)?;
        if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
            return Err(Damage::SegmentHeader);
        }
        let (magic, rest) = body.split_first_chunk::<8>().ok_or(Damage::SegmentHeader)?;
        let (format, rest) = rest.split_first_chunk::<2>().ok_or(Damage::SegmentHeader)?;
        let (zero, rest) = rest.split_first_chunk::<2>().ok_or(Damage::SegmentHeader)?;
        let (number, rest) = rest.split_first_chunk::<4>().ok_or(Damage::SegmentHeader)?;
        let (ledger, rest) = rest.split_first_chunk::<16>().ok_or(Damage::SegmentHeader)?;
        let (first, rest) = rest.split_first_chunk::<8>().ok_or(Damage::SegmentHeader)?;
        let (previous, _) = rest.split_first_chunk::<32>().ok_or(Damage::SegmentHeader)?;
        if magic != MAGIC || zero != &[0, 0] {
            return Err(Damage::SegmentHeader);
        }
        let format = u16::from_le_bytes(*format);
        if format != FORMAT {
            return Err(Damage::segment("format", FORMAT, format));
        }
        Ok(Self {
            ledger: LedgerId(*ledger),
            number: u32::from_le_bytes(*number),
            first: Sequence(u64::from_le_bytes(*first)),
            previous: *previous,
        })
    }
}

/// The file of a segment.
pub(super) fn path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:08}.seg"))
}

/// Gives an error its file.
pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::File { action, path: path.to_owned(), source }
}

/// The numbers of the segments in `dir`, ascending. Whether any is missing is for the caller to see.
pub(super) fn list(dir: &Path) -> Result<Vec<u32>, Error> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed("list", dir))?,
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed("list", dir))?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_suffix(".seg"));
        if let Some(number) = digits.and_then(|digits| digits.parse().ok())
            && path(dir, number).file_name() == Some(&name)
        {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The id of the ledger in `dir`, as its first segment says.
pub(super) fn ledger_id(dir: &Path) -> Result<LedgerId, Error> {
    let path = path(dir, 0);
    let opened = match Frames::open_small(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::Missing { path: dir.to_owned() }),
        opened => opened.map_err(failed("read", &path))?,
    };
    let mut frames = opened;
    let header = frames.header().map_err(|stop| stopped(stop, &path, Position(0), Sequence(0)))?;
    Ok(header.ledger)
}

/// Why a frame could not be read.
pub(super) enum Stop {
    Io(io::Error),
    Damage(Damage),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Damage> for Stop {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

/// Reads a segment from its header to its end, frame by frame, with one buffer.
pub(super) struct Frames {
    file: File,
    buffer: Vec<u8>,
    /// What of the buffer is not yet read.
    start: usize,
    end: usize,
    /// Of `buffer[start]` in the file.
    offset: u64,
}

impl Frames {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, buffer: vec![0; READ_BYTES], start: 0, end: 0, offset: 0 })
    }

    /// With a small buffer, for a few frames.
    pub(super) fn open_small(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, buffer: vec![0; READ_SMALL_BYTES], start: 0, end: 0, offset: 0 })
    }

    /// Goes to the frame at `offset`.
    pub(super) fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        (self.start, self.end, self.offset) = (0, 0, offset);
        Ok(())
    }

    /// Where the next frame begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The header, which must be what is read first.
    pub(super) fn header(&mut self) -> Result<SegmentHeader, Stop> {
        self.fill(HEADER_BYTES as usize)?;
        let bytes = self.buffer[self.start..self.end].first_chunk().ok_or(Damage::SegmentHeader)?;
        let header = SegmentHeader::read(bytes)?;
        self.consume(HEADER_BYTES as usize);
        Ok(header)
    }

    /// The next stored entry; `None` at the end of the file. After damage the place is as before.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, Stop> {
        self.fill(4)?;
        let available = self.end - self.start;
        if available == 0 {
            return Ok(None);
        }
        let Some(length) = self.buffer[self.start..self.end].first_chunk::<4>() else {
            return Err(Damage::Torn { needed: 4, found: available as u64 }.into());
        };
        let size = frame_size(*length)?;
        self.fill(size)?;
        let available = self.end - self.start;
        let frame = (self.start, self.start + size);
        let Some(bytes) = self.buffer[..self.end].get(frame.0..frame.1) else {
            return Err(Damage::Torn { needed: size as u64, found: available as u64 }.into());
        };
        check_frame(bytes)?;
        self.consume(size);
        Ok(Some(&self.buffer[frame.0 + 4..frame.1 - 4]))
    }

    fn consume(&mut self, size: usize) {
        self.start += size;
        self.offset += size as u64;
    }

    /// Reads until the buffer has `size` bytes or the file ends. INVARIANT: `size` is less than the buffer.
    fn fill(&mut self, size: usize) -> io::Result<()> {
        if self.end - self.start >= size {
            return Ok(());
        }
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        while self.end < size {
            match self.file.read(&mut self.buffer[self.end..]) {
                Ok(0) => break,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Bytes of the frame that begins with this length.
pub(super) fn frame_size(length: [u8; 4]) -> Result<usize, Damage> {
    let found = u32::from_le_bytes(length);
    match usize::try_from(found) {
        Ok(size) if (CLEAR_HEADER_BYTES..=ENTRY_BYTES_MAX).contains(&size) => Ok(size + FRAME_BYTES),
        _ => Err(Damage::Length { found }),
    }
}

/// Whether the checksum at the end of a whole frame is that of what is before.
pub(super) fn check_frame(frame: &[u8]) -> Result<(), Damage> {
    let (body, crc) = frame.split_last_chunk::<4>().ok_or(Damage::EntryShort)?;
    let (expected, found) = (crc32c::crc32c(body), u32::from_le_bytes(*crc));
    if expected == found { Ok(()) } else { Err(Damage::Checksum { expected, found }) }
}

/// Appends the frame of a stored entry.
pub(super) fn write_frame(stored: &[u8], out: &mut Vec<u8>) {
    // INVARIANT: entries are at most `ENTRY_BYTES_MAX` long.
    let length = u32::try_from(stored.len()).expect("an entry is at most 65,535 bytes").to_le_bytes();
    let start = out.len();
    out.extend_from_slice(&length);
    out.extend_from_slice(stored);
    let crc = crc32c::crc32c(&out[start..]);
    out.extend_from_slice(&crc.to_le_bytes());
}

/// A commit frame that was found after damage.
pub(super) struct LaterCommit {
    pub(super) offset: u64,
    /// The first entry of its group.
    first: Sequence,
    /// Whether the file ends with it.
    is_last: bool,
}

/// Looks for a whole commit frame at or after `offset`, without relying on anything before it. All commit frames have
/// one size, which makes this quick.
pub(super) fn find_commit(path: &Path, offset: u64) -> io::Result<Option<LaterCommit>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let (mut bytes, mut start) = (Vec::new(), offset);
    loop {
        let read = (&mut file).take(READ_BYTES as u64).read_to_end(&mut bytes)?;
        if let Some((at, first)) = whole_commit(&bytes) {
            let end = start + (at + COMMIT_FRAME_BYTES) as u64;
            let is_last = file.metadata()?.len() == end;
            return Ok(Some(LaterCommit { offset: start + at as u64, first, is_last }));
        }
        if read < READ_BYTES {
            return Ok(None);
        }
        // What begins at the end goes on in the next piece.
        let passed = bytes.len() - (COMMIT_FRAME_BYTES - 1);
        bytes.drain(..passed);
        start += passed as u64;
    }
}

/// The place of the first whole commit frame in these bytes, and the first entry of its group.
fn whole_commit(bytes: &[u8]) -> Option<(usize, Sequence)> {
    let mut pattern = [0u8; 6];
    pattern[..4].copy_from_slice(&u32::try_from(COMMIT_BYTES).unwrap_or_default().to_le_bytes());
    pattern[4..].copy_from_slice(&[VERSION, Kind::Commit as u8]);
    memchr::memmem::find_iter(bytes, &pattern).find_map(|start| {
        let frame = bytes.get(start..start + COMMIT_FRAME_BYTES)?;
        check_frame(frame).ok()?;
        let (_, payload) = Header::read(frame.get(4..frame.len() - 4)?).ok()?;
        Some((start, wire::read_commit(payload)?.first))
    })
}

/// Whether a crash can have left `commit` after damage at the frame at `offset`, where entry `sequence` should stand.
///
/// A group is written at once and then synced, so any of its sectors can be lost, also when the one with its commit is
/// not. Then the group is the last thing in the file, and a sector that the damaged frame touches was never written: it
/// is zeros to its end. A group that was synced and rotted looks otherwise, unless it lost a sector just so.
pub(super) fn is_torn_group(path: &Path, offset: u64, sequence: Sequence, commit: &LaterCommit) -> io::Result<bool> {
    if !commit.is_last || commit.first > sequence {
        return Ok(false);
    }
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take((ENTRY_BYTES_MAX + FRAME_BYTES) as u64 + SECTOR_BYTES).read_to_end(&mut bytes)?;
    let size = bytes.first_chunk().and_then(|length| frame_size(*length).ok()).unwrap_or(4) as u64;
    let first = offset / SECTOR_BYTES;
    let blank = |sector: u64| {
        let (start, end) = (offset.max(sector * SECTOR_BYTES), (sector + 1) * SECTOR_BYTES);
        let range = usize::try_from(start - offset).ok()?..usize::try_from(end - offset).ok()?;
        Some(end <= commit.offset && bytes.get(range)?.iter().all(|byte| *byte == 0))
    };
    Ok((first..=(offset + size - 1) / SECTOR_BYTES).any(|sector| blank(sector) == Some(true)))
}

/// The stored entry at a position, read by itself.
pub(super) fn read_at(file: &File, position: Position, frame: &mut Vec<u8>) -> Result<(), Stop> {
    use std::os::unix::fs::FileExt;
    // Most frames fit into the first read.
    frame.resize(512, 0);
    let offset = u64::from(position.offset());
    let mut found = 0;
    let mut needed = 4;
    loop {
        while found < needed {
            match file.read_at(&mut frame[found..], offset + found as u64) {
                Ok(0) => return Err(Damage::Torn { needed: needed as u64, found: found as u64 }.into()),
                Ok(read) => found += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        let length = frame.first_chunk::<4>().ok_or(Damage::EntryShort)?;
        let size = frame_size(*length)?;
        if found >= size {
            frame.truncate(size);
            break;
        }
        frame.resize(size.max(frame.len()), 0);
        needed = size;
    }
    check_frame(frame)?;
    frame.truncate(frame.len() - 4);
    frame.drain(..4);
    Ok(())
}
