//! The table of runs, `ledger/runs`: from a run's number, which every header says, to the salt that its keys need.
//!
//! ```text
//! row   run u32 | key epoch u16 | 0 u16 | salt 16 | policy digest 32 | run digest 32 | position u64 | crc32c u32    100 bytes
//! ```
//! Row `n` is that of run `n`; `position` is that of the open or policy entry which began it. The file is a cache: what
//! is missing or does not agree with the entry at its position is found again in the segments.

use super::Position;
use super::chain::Run;
use super::error::Error;
use super::kind::{Header, Kind};
use super::segment::{self, Frames, HEADER_BYTES, failed};
use super::tree::Digest;
use super::walk::{count_segments, stopped};
use super::wire;
use crate::crypto::{KeyEpoch, LedgerId, WriterSalt};
use crate::encoding::storage::{Storage, replace};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

const ROW_BYTES: usize = 100;

/// The runs of a ledger from the first, without gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Runs {
    pub(super) rows: Vec<(Run, Position)>,
}

impl Runs {
    /// What of the table agrees with the ledger: its rows up to the first that does not.
    pub(super) fn load(dir: &Path, ledger: LedgerId) -> Result<Self, Error> {
        let path = table(dir);
        let mut table = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            opened => BufReader::new(opened.map_err(failed("open", &path))?),
        };
        let mut rows: Vec<(Run, Position)> = Vec::new();
        let mut checked = Checked { dir, open: None, frame: Vec::new() };
        // Not read whole: it may be of any size and hold anything.
        let mut row = [0; ROW_BYTES];
        for number in 0u32.. {
            match table.read_exact(&mut row) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                read => read.map_err(failed("read", &path))?,
            }
            let Some((run, position)) = read_row(&row, ledger).filter(|(run, _)| run.number == number) else { break };
            if rows.last().is_some_and(|(_, before)| *before >= position)
                || !checked.agrees(rows.last().map(|(run, _)| run), &run, position, ledger)
            {
                break;
            }
            rows.push((run, position));
        }
        Ok(Self { rows })
    }

    /// Finds the runs that are missing in the segments, up to the last or to that of this number.
    pub(super) fn complete(&mut self, dir: &Path, ledger: LedgerId, last: Option<u32>) -> Result<(), Error> {
        let done =
            |rows: &[(Run, Position)]| last.is_some_and(|last| rows.last().is_some_and(|(run, _)| run.number >= last));
        let mut at = self.rows.last().map_or(Position::new(0, HEADER_BYTES as u32), |(_, position)| *position);
        let segments = count_segments(dir)?;
        for number in at.segment()..segments {
            let path = segment::path(dir, number);
            let mut frames = Frames::open(&path).map_err(failed("read", &path))?;
            if number > at.segment() {
                at = Position::new(number, HEADER_BYTES as u32);
            }
            frames.seek(at.offset().into()).map_err(failed("read", &path))?;
            while !done(&self.rows) {
                let offset = u32::try_from(frames.offset()).unwrap_or(u32::MAX);
                let position = Position::new(number, offset);
                let stored = match frames.next() {
                    Ok(Some(stored)) => stored,
                    Ok(None) => break,
                    // What is being written, or torn, has no runs that anything was read from.
                    Err(segment::Stop::Damage(damage)) if number + 1 == segments && damage.is_torn_write() => break,
                    Err(stop) => return Err(stopped(stop, &path, position, crate::model::Sequence(0))),
                };
                if let Some(run) = begun(stored, self.rows.last().map(|(run, _)| run), ledger) {
                    self.rows.push((run, position));
                }
            }
        }
        Ok(())
    }

    /// Writes the table whole.
    pub(super) fn save(&self, storage: &dyn Storage, dir: &Path) -> Result<(), Error> {
        let mut bytes = Vec::with_capacity(self.rows.len() * ROW_BYTES);
        for (run, position) in &self.rows {
            let start = bytes.len();
            bytes.extend_from_slice(&run.number.to_le_bytes());
            bytes.extend_from_slice(&run.key_epoch.0.to_le_bytes());
            bytes.extend_from_slice(&[0, 0]);
            bytes.extend_from_slice(&run.salt.0);
            bytes.extend_from_slice(&run.policy);
            bytes.extend_from_slice(&run.digest);
            bytes.extend_from_slice(&position.0.to_le_bytes());
            bytes.extend_from_slice(&crc32c::crc32c(&bytes[start..]).to_le_bytes());
        }
        let path = table(dir);
        replace(storage, &path, &bytes, 0o600).map_err(failed("write", &path))
    }
}

fn table(dir: &Path) -> PathBuf {
    dir.join("runs")
}

fn read_row(row: &[u8], ledger: LedgerId) -> Option<(Run, Position)> {
    let (body, crc) = row.split_last_chunk::<4>()?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
        return None;
    }
    let (number, rest) = body.split_first_chunk::<4>()?;
    let (key_epoch, rest) = rest.split_first_chunk::<2>()?;
    let (zero, rest) = rest.split_first_chunk::<2>()?;
    let (salt, rest) = rest.split_first_chunk::<16>()?;
    let (policy, rest) = rest.split_first_chunk::<32>()?;
    let (digest, rest): (&Digest, _) = rest.split_first_chunk::<32>()?;
    let position = rest.first_chunk::<8>()?;
    let key_epoch = KeyEpoch(u16::from_le_bytes(*key_epoch));
    let run = Run::new(ledger, u32::from_le_bytes(*number), WriterSalt(*salt), key_epoch, *policy);
    (run.digest == *digest && zero == &[0, 0]).then_some((run, Position(u64::from_le_bytes(*position))))
}

/// The run that a stored entry begins after `before`; `None` when it begins none, or none that comes next.
fn begun(stored: &[u8], before: Option<&Run>, ledger: LedgerId) -> Option<Run> {
    let (header, payload) = Header::read(stored).ok()?;
    let run = match header.kind {
        Kind::Open => Run::opened(ledger, before, &wire::read_open(payload)?),
        Kind::Policy => {
            let part = wire::read_policy(payload).filter(|part| part.part == part.parts)?;
            before?.with_policy(ledger, part.digest)?
        }
        _ => return None,
    };
    let expected = before.map_or(Some(0), |before| before.number.checked_add(1))?;
    (run.number == expected && header.run == expected).then_some(run)
}

/// Compares rows with the entries at their positions.
struct Checked<'a> {
    dir: &'a Path,
    open: Option<(u32, File)>,
    frame: Vec<u8>,
}

impl Checked<'_> {
    fn agrees(&mut self, before: Option<&Run>, run: &Run, position: Position, ledger: LedgerId) -> bool {
        if self.open.as_ref().is_none_or(|(number, _)| *number != position.segment()) {
            let opened = File::open(segment::path(self.dir, position.segment()));
            self.open = opened.ok().map(|file| (position.segment(), file));
        }
        let Some((_, file)) = &self.open else { return false };
        segment::read_at(file, position, &mut self.frame).is_ok()
            && begun(&self.frame, before, ledger).as_ref() == Some(run)
    }
}
