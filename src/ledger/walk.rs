//! The way through a ledger from some place to its end, checking everything that can be checked without keys.
//!
//! Recovery and the verifier both go this way. INVARIANT: `chain` and `end` are those after the last good entry, also
//! when the walk stopped at damage.

use super::Position;
use super::chain::{Chain, Run};
use super::error::{Damage, Error, Fault, shown};
use super::kind::{Header, Kind};
use super::payload::{Content, Erasure};
use super::ranges::Ranges;
use super::segment::{self, Frames, HEADER_BYTES, Stop, failed};
use super::state::State;
use super::tree::Digest;
use super::wire;
use crate::model::Sequence;
use std::path::{Path, PathBuf};

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

    /// Goes to the end. `visit` is told of every good entry and its frame's size.
    pub(super) fn run(&mut self, mut visit: impl FnMut(&Header, u64)) -> Result<(), Error> {
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
            let mut offset = frames.offset();
            while let Some(header) = self.step(&mut frames, &path)? {
                visit(&header, frames.offset() - offset);
                offset = frames.offset();
            }
        }
        Ok(())
    }

    fn step(&mut self, frames: &mut Frames, path: &Path) -> Result<Option<Header>, Error> {
        let at = self.end;
        let sequence = self.chain.next();
        let stored = match frames.next() {
            Ok(None) => return Ok(None),
            Ok(Some(stored)) => stored,
            Err(stop) => return Err(stopped(stop, path, at, sequence)),
        };
        let kind = stored.get(1).and_then(|number| Kind::from_number(*number));
        if self.derived.is_none() && kind.is_some_and(Kind::is_derived) {
            self.derived = Some((self.chain.clone(), at));
        }
        let before = self.chain.head;
        let run_before = self.chain.run.as_ref().map(|run| run.number);
        let header = self.chain.absorb(stored).map_err(|damage| stopped(damage.into(), path, at, sequence))?;
        if header.redacted {
            self.redacted.push(sequence, at);
        }
        if matches!(header.kind, Kind::Erasure | Kind::Redaction) {
            let content = stored.get(header.size_bytes()..).and_then(|body| wire::read(header.kind, body));
            self.note(header.kind, sequence, content);
        }
        self.check_root()?;
        // Positions are bounded by the size of a segment; a file past 4 GiB was not written here.
        let offset = u32::try_from(frames.offset())
            .map_err(|_| stopped(Damage::Length { found: u32::MAX }.into(), path, at, sequence))?;
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
        if let Some(run) = &self.chain.run
            && Some(run.number) != run_before
        {
            self.runs.push((run.clone(), at));
        }
        Ok(Some(header))
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
