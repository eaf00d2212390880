//! The way through a ledger from some place to its end, checking everything that can be checked without keys.
//!
//! Recovery and the verifier both go this way. INVARIANT: `chain` and `end` are those after the last good entry, also
//! when the walk stopped at damage.

use super::Position;
use super::chain::{Chain, PublicKey, Run};
use super::error::{Damage, Error, Fault, shown};
use super::kind::{Header, Kind};
use super::payload::{Content, Erasure};
use super::ranges::Ranges;
use super::segment::{self, FRAME_BYTES, Frames, HEADER_BYTES, Stop, failed};
use super::state::State;
use super::tree::Digest;
use super::wire;
use crate::model::Sequence;
use std::path::{Path, PathBuf};

/// An entry that was found good.
pub(super) struct Passed<'a> {
    pub(super) header: &'a Header,
    pub(super) body: &'a [u8],
    /// The run that it was written in.
    pub(super) run: &'a Run,
    pub(super) frame_bytes: u64,
}

/// A walk under way.
pub(super) struct Walk {
    dir: PathBuf,
    /// How many segments there are.
    segments: u32,
    pub(super) chain: Chain,
    /// Where the next frame begins; the end of the ledger when the walk is over.
    pub(super) end: Position,
    /// The last commit.
    pub(super) commit: Option<State>,
    /// The chain and place before the first derived entry after the last commit.
    pub(super) derived: Option<(Chain, Position)>,
    /// The first entry after it that is to be kept.
    pub(super) kept_after: Option<(Kind, Sequence)>,
    /// The runs that began on the way, and where.
    pub(super) runs: Vec<(Run, Position)>,
    /// Erasures on the way.
    pub(super) erasures: Vec<(Sequence, Erasure)>,
    /// Keys that sign checkpoints, each with the entry that it is in force since.
    pub(super) keys: Vec<(Sequence, PublicKey)>,
    /// Entries whose ciphertext was deleted, and those that redaction entries list.
    pub(super) redacted: Ranges,
    listed: Ranges,
    /// Roots that the ledger must have at these sizes, ascending: those of checkpoints.
    expected: Vec<(u64, Digest)>,
}

impl Walk {
    /// From the first entry.
    pub(super) fn from_start(dir: &Path) -> Result<Self, Error> {
        let segments = count_segments(dir)?;
        let path = segment::path(dir, 0);
        let start = Position::new(0, 0);
        let ledger = match Frames::open(&path).map_err(failed("read", &path))?.header() {
            Ok(header) => header.ledger,
            Err(stop) => return Err(stopped(stop, &path, start, Sequence(0))),
        };
        Ok(Self::new(dir, segments, Chain::new(ledger), start, None))
    }

    /// From a remembered commit.
    pub(super) fn from_state(dir: &Path, state: &State) -> Result<Self, Error> {
        let segments = count_segments(dir)?;
        Ok(Self::new(dir, segments, state.chain.clone(), state.end, Some(state.clone())))
    }

    fn new(dir: &Path, segments: u32, chain: Chain, end: Position, commit: Option<State>) -> Self {
        Self {
            dir: dir.to_owned(),
            segments,
            chain,
            end,
            commit,
            derived: None,
            kept_after: None,
            runs: Vec::new(),
            erasures: Vec::new(),
            keys: Vec::new(),
            redacted: Ranges::default(),
            listed: Ranges::default(),
            expected: Vec::new(),
        }
    }

    /// Has the walk compare the root over the first `size` entries, unless it begins after them.
    pub(super) fn expect(&mut self, size: u64, root: Digest) -> Result<(), Error> {
        if size >= self.chain.tree.size() {
            self.expected.push((size, root));
            self.expected.sort_unstable();
        }
        self.check_root()
    }

    fn check_root(&self) -> Result<(), Error> {
        let size = self.chain.tree.size();
        let known = self.expected.partition_point(|(at, _)| *at < size);
        let mut here = self.expected.iter().skip(known).take_while(|(at, _)| *at == size).peekable();
        if here.peek().is_none() {
            return Ok(());
        }
        let found = self.chain.tree.root();
        match here.find(|(_, expected)| *expected != found) {
            Some((_, expected)) => Err(Error::OtherRoot { size, expected: *expected, found }),
            None => Ok(()),
        }
    }

    /// Whether every entry that is redacted was listed by a redaction entry.
    pub(super) fn check_redactions(&self) -> Result<(), Error> {
        match self.redacted.first_outside(&self.listed) {
            None => Ok(()),
            Some((sequence, at)) => {
                let (segment, offset) = (at.segment(), at.offset().into());
                let damage = Damage::Unlisted;
                Err(Error::Damaged(Box::new(Fault { segment, offset, sequence, damage, later_commit: None })))
            }
        }
    }

    /// Takes in what a clear entry about erasure says.
    fn note(&mut self, kind: Kind, sequence: Sequence, content: Option<Content>) {
        match (kind, content) {
            (Kind::Erasure, Some(Content::Erasure(erasure))) => self.erasures.push((sequence, erasure)),
            (Kind::Redaction, Some(Content::Redaction(redaction))) => self.listed.extend(&redaction.entries),
            _ => {}
        }
    }

    /// The number of the last segment.
    pub(super) fn last_segment(&self) -> u32 {
        self.segments.saturating_sub(1)
    }

    /// Goes to the end. `visit` is shown every good entry.
    pub(super) fn run(&mut self, mut visit: impl FnMut(Passed<'_>) -> Result<(), Error>) -> Result<(), Error> {
        for number in self.end.segment()..self.segments {
            let path = segment::path(&self.dir, number);
            let mut frames = Frames::open(&path).map_err(failed("read", &path))?;
            if number > self.end.segment() || self.end.offset() == 0 {
                let start = Position::new(number, 0);
                let checked = frames.header().and_then(|header| Ok(self.check_header(number, &header)?));
                checked.map_err(|stop| stopped(stop, &path, start, self.chain.next()))?;
                self.end = Position::new(number, HEADER_BYTES as u32);
            } else {
                frames.seek(self.end.offset().into()).map_err(failed("read", &path))?;
            }
            while self.step(&mut frames, &path, &mut visit)? {}
        }
        Ok(())
    }

    /// Takes in the next entry; false when there is none in this segment.
    fn step(
        &mut self,
        frames: &mut Frames,
        path: &Path,
        visit: &mut impl FnMut(Passed<'_>) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        let at = self.end;
        let sequence = self.chain.next();
        let stopped_here = |stop| stopped(stop, path, at, sequence);
        let Some(stored) = frames.next().map_err(stopped_here)? else { return Ok(false) };
        let (header, body) = Header::read(stored).map_err(|damage| stopped_here(damage.into()))?;
        if self.derived.is_none() && header.kind.is_derived() {
            self.derived = Some((self.chain.clone(), at));
        }
        let before = self.chain.head;
        let run_before = self.chain.run.as_ref().map(|run| run.number);
        self.chain.absorb_read(&header, body).map_err(|damage| stopped_here(damage.into()))?;
        if header.redacted {
            self.redacted.push(sequence, at);
        }
        if header.kind == Kind::Key {
            self.keys.extend(self.chain.signing.map(|key| (sequence, key)));
        }
        if matches!(header.kind, Kind::Erasure | Kind::Redaction) {
            self.note(header.kind, sequence, wire::read(header.kind, body));
        }
        self.check_root()?;
        // Positions are bounded by the size of a segment; a file past 4 GiB was not written here.
        let frame_bytes = stored.len() + FRAME_BYTES;
        let offset = u32::try_from(frame_bytes).ok().and_then(|frame| at.offset().checked_add(frame));
        let offset = offset.ok_or_else(|| stopped_here(Damage::Length { found: u32::MAX }.into()))?;
        self.end = Position::new(at.segment(), offset);
        match header.kind {
            Kind::Commit => {
                (self.derived, self.kept_after) = (None, None);
                self.commit = Some(State { chain: self.chain.clone(), end: self.end, commit: at, before });
            }
            kind if self.derived.is_some() && !kind.is_derived() => {
                self.kept_after.get_or_insert((kind, sequence));
            }
            _ => {}
        }
        if let Some(run) = &self.chain.run {
            if Some(run.number) != run_before {
                self.runs.push((run.clone(), at));
            }
            visit(Passed { header: &header, body, run, frame_bytes: frame_bytes as u64 })?;
        }
        Ok(true)
    }

    fn check_header(&self, number: u32, found: &segment::SegmentHeader) -> Result<(), Damage> {
        let chain = &self.chain;
        if found.ledger != chain.ledger {
            return Err(Damage::segment("ledger", chain.ledger, found.ledger));
        }
        if found.number != number {
            return Err(Damage::segment("number", number, found.number));
        }
        if found.first != chain.next() {
            return Err(Damage::segment("first sequence", chain.next(), found.first));
        }
        if found.previous != chain.head {
            return Err(Damage::segment("leaf before", shown(&chain.head), shown(&found.previous)));
        }
        Ok(())
    }
}

/// How many segments there are, all of them.
pub(super) fn count_segments(dir: &Path) -> Result<u32, Error> {
    let numbers = segment::list(dir)?;
    if numbers.is_empty() {
        return Err(Error::Missing { path: dir.to_owned() });
    }
    let mut count = 0;
    for number in numbers {
        if number != count {
            let fault = Fault {
                segment: count,
                offset: 0,
                sequence: Sequence(0),
                damage: Damage::SegmentMissing,
                later_commit: None,
            };
            return Err(Error::Damaged(Box::new(fault)));
        }
        count += 1;
    }
    Ok(count)
}

/// The error for a frame that could not be read.
pub(super) fn stopped(stop: Stop, path: &Path, at: Position, sequence: Sequence) -> Error {
    let damage = match stop {
        Stop::Io(source) => return failed("read", path)(source),
        Stop::Damage(damage) => damage,
    };
    let (segment, offset) = (at.segment(), at.offset().into());
    // Not finding the next commit must not hide the damage.
    let later = segment::find_commit(path, offset).unwrap_or(None);
    let later = later.filter(|commit| {
        !(damage.is_torn_write() && segment::is_torn_group(path, offset, sequence, commit).unwrap_or(false))
    });
    let later_commit = later.map(|commit| commit.offset);
    Error::Damaged(Box::new(Fault { segment, offset, sequence, damage, later_commit }))
}
