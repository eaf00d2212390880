//! Reading whole files and streams into epochs: one thread decodes, this one takes.
//!
//! A file is one epoch (or several, when it is very large); a stream is committed whenever nothing more is waiting. Progress
//! in a file is kept with the epoch, together with a hash of what was read, so that the next run goes on where this
//! one stopped, reads only what was appended since, and does nothing when nothing was.
//! INVARIANT: forgetting progress costs time, never correctness: a change that is taken twice changes nothing.

use super::progress::{FileKey, Reached, Resume};
use super::{Error, Onefold, Outcome};
use crate::model::{Change, SourceId};
use crate::sources::{self, Feed, FeedPosition, Refusal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

/// Changes that are handed over at once.
const BATCH_CHANGES_MAX: usize = 512;
/// Batches that wait for this thread.
const BATCHES_WAITING_MAX: usize = 16;
/// Changes after which what was taken is made durable.
const ACKNOWLEDGE_CHANGES: u64 = 16_384;
/// Records of one epoch of a file.
const EPOCH_RECORDS_MAX: u64 = 1_000_000;
/// How long a stream without input leaves a request to stop unheard.
const STOP_LATENCY: Duration = Duration::from_millis(100);
/// Records of one epoch of a stream.
const EPOCH_STREAM_MAX: u64 = 10_000;

/// Something to read.
pub enum Input {
    /// A file; `None`: a mixed stream, each line of which names its source.
    File(PathBuf, Option<SourceId>),
    /// A stream such as standard input, with a label for messages.
    Stream(String, Option<SourceId>, Box<dyn std::io::Read + Send>),
}

/// How far an ingest has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of all files.
    pub bytes_total: u64,
    /// Bytes read so far.
    pub bytes_done: u64,
    /// Changes looked at so far.
    pub changes: u64,
    /// Whether the epoch is being resolved and committed.
    pub committing: bool,
}

/// What an ingest did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ingested {
    /// Changes that were taken.
    pub taken: u64,
    /// Changes that said what was known.
    pub unchanged: u64,
    /// Changes older than what was known.
    pub late: u64,
    /// Messages and changes in quarantine.
    pub quarantined: u64,
    /// Changes about erased records and persons, of which nothing is kept.
    pub erased: u64,
    /// Epochs committed.
    pub epochs: u64,
    /// Links accepted.
    pub merges: u64,
    /// Links that came apart.
    pub unmerges: u64,
    /// Ids of profiles that were given out.
    pub profiles_new: u64,
    /// Ids of profiles that ended; they lead to the profiles that go on.
    pub profiles_retired: u64,
    /// Files of which nothing was new.
    pub files_known: u64,
    /// Whether it was stopped before the end; the next run goes on from here.
    pub stopped: bool,
}

/// A message that could not be decoded.
pub(super) struct Refused {
    pub source: Option<SourceId>,
    pub line: u64,
    pub reason: Refusal,
    pub raw: Vec<u8>,
    pub size_bytes: u64,
    pub sha256: [u8; 32],
}

/// What the decoding thread hands over.
#[derive(Default)]
struct Batch {
    changes: Vec<Change>,
    refused: Vec<Refused>,
    /// How many bytes were read, and where to go on when there are more.
    position: Option<(u64, FeedPosition)>,
}

type Handed = Result<Batch, sources::Error>;

impl Onefold {
    /// Reads files and streams one after another, and commits. `stop` ends it early without losing anything.
    ///
    /// # Errors
    /// When a file cannot be read, after all others were; or when something fails on the way. What was taken before is
    /// committed. Of several files that cannot be read the first is the error, and the log names the others.
    pub fn ingest(
        &mut self,
        inputs: Vec<Input>,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Ingested, Error> {
        let mut run = Run { done: Ingested::default(), progress: Progress::default(), stop, report: progress };
        for input in &inputs {
            if let Input::File(path, _) = input {
                run.progress.bytes_total += std::fs::metadata(path).map_or(0, |meta| meta.len());
            }
        }
        let mut unreadable = None;
        for input in inputs {
            let result = match input {
                Input::File(path, source) => self.ingest_file(&path, source, &mut run),
                Input::Stream(label, source, reader) => {
                    let feed = Feed::reader(&self.schema, source, &label, reader)?;
                    self.drain(feed, None, &mut run)
                }
            };
            match result {
                Ok(()) => {}
                Err(error @ Error::Source(_)) if !self.stopped => {
                    if unreadable.is_some() {
                        tracing::warn!(%error, "another input could not be read");
                    }
                    unreadable = unreadable.or(Some(error));
                }
                Err(error) => {
                    if !self.stopped {
                        self.commit_run(&mut run)?;
                    }
                    return Err(error);
                }
            }
            if stop.load(Ordering::Relaxed) {
                run.done.stopped = true;
                break;
            }
        }
        self.commit_run(&mut run)?;
        unreadable.map_or(Ok(run.done), Err)
    }

    fn ingest_file(&mut self, path: &Path, source: Option<SourceId>, run: &mut Run<'_>) -> Result<(), Error> {
        // A named pipe can be read once only: no progress is kept of it.
        if std::fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir()) {
            let opened = std::fs::File::open(path).map_err(|source| Error::io("open", path, source))?;
            let feed = Feed::reader(&self.schema, source, &path.display().to_string(), Box::new(opened))?;
            return self.drain(feed, None, run);
        }
        let key = FileKey::new(&self.identity, path, source);
        let resume = Resume::find(&self.index, &key, path)?;
        if resume.complete {
            run.done.files_known += 1;
            run.progress.bytes_done += resume.size_bytes;
            return Ok(());
        }
        let feed = Feed::open(&self.schema, source, path, resume.position)?;
        let before = run.progress.bytes_done;
        self.drain(feed, Some(Reached::new(key, path, resume)?), run)?;
        run.progress.bytes_done = before + std::fs::metadata(path).map_or(0, |meta| meta.len());
        Ok(())
    }

    /// Takes everything that a feed has.
    fn drain(&mut self, feed: Feed, reached: Option<Reached>, run: &mut Run<'_>) -> Result<(), Error> {
        let stream = reached.is_none();
        let (sender, receiver) = sync_channel(BATCHES_WAITING_MAX);
        let ended = Arc::new(AtomicBool::new(false));
        let batch_max = if stream { 1 } else { BATCH_CHANGES_MAX };
        let decoding = {
            let ended = Arc::clone(&ended);
            // A stream's thread may wait for input for ever: it is not joined but left to the end of the process.
            std::thread::spawn(move || decode(feed, batch_max, &sender, &ended))
        };
        let taken = self.take_batches(&receiver, reached, run);
        ended.store(true, Ordering::Relaxed);
        drop(receiver);
        if !stream && decoding.join().is_err() {
            return Err(Error::Unaccounted { what: "the decoding thread failed" });
        }
        taken
    }

    fn take_batches(
        &mut self,
        receiver: &Receiver<Handed>,
        mut reached: Option<Reached>,
        run: &mut Run<'_>,
    ) -> Result<(), Error> {
        let stream = reached.is_none();
        let start = run.progress.bytes_done;
        let mut unacknowledged = 0;
        loop {
            let handed = match receiver.try_recv() {
                Err(TryRecvError::Empty) if stream => {
                    self.commit_run(run)?;
                    wait(receiver, run.stop)
                }
                Err(TryRecvError::Empty) => receiver.recv().ok(),
                Err(TryRecvError::Disconnected) => None,
                Ok(handed) => Some(handed),
            };
            let Some(handed) = handed else {
                if let Some(reached) = &mut reached {
                    reached.finish();
                }
                break;
            };
            let batch = handed?;
            unacknowledged += batch.changes.len() as u64;
            self.take_batch(batch, &mut reached, run)?;
            if let Some(reached) = &reached {
                run.progress.bytes_done = start + reached.bytes();
            }
            (run.report)(&run.progress);
            let epoch_max = if stream { EPOCH_STREAM_MAX } else { EPOCH_RECORDS_MAX };
            if self.open.touched.count() >= epoch_max {
                self.keep(&mut reached)?;
                self.commit_run(run)?;
                unacknowledged = 0;
            } else if unacknowledged >= ACKNOWLEDGE_CHANGES {
                self.acknowledge()?;
                unacknowledged = 0;
            }
            if run.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        self.keep(&mut reached)
    }

    fn take_batch(&mut self, batch: Batch, reached: &mut Option<Reached>, run: &mut Run<'_>) -> Result<(), Error> {
        for change in &batch.changes {
            match self.push(change)? {
                Outcome::Taken => run.done.taken += 1,
                Outcome::Unchanged => run.done.unchanged += 1,
                Outcome::Late => run.done.late += 1,
                Outcome::Quarantined => run.done.quarantined += 1,
                Outcome::Erased => run.done.erased += 1,
            }
        }
        run.progress.changes += (batch.changes.len() + batch.refused.len()) as u64;
        for refused in batch.refused {
            let refusal = self.refuse_message(&refused);
            self.stop_on_error(refusal)?;
            run.done.quarantined += 1;
        }
        if let (Some(reached), Some(position)) = (reached, batch.position) {
            reached.advance(position.0, position.1);
        }
        Ok(())
    }

    /// Notes how far the file was read, to be kept with the open epoch.
    fn keep(&mut self, reached: &mut Option<Reached>) -> Result<(), Error> {
        if let Some(reached) = reached {
            self.open.offsets.extend(reached.row()?);
        }
        Ok(())
    }

    fn commit_run(&mut self, run: &mut Run<'_>) -> Result<(), Error> {
        run.progress.committing = true;
        (run.report)(&run.progress);
        if let Some(committed) = self.commit()? {
            run.done.epochs += u64::from(committed.touched > 0);
            run.done.merges += committed.merges;
            run.done.unmerges += committed.unmerges;
            run.done.profiles_new += committed.new;
            run.done.profiles_retired += committed.retired;
        }
        run.progress.committing = false;
        Ok(())
    }
}

/// An ingest on its way.
struct Run<'a> {
    done: Ingested,
    progress: Progress,
    stop: &'a AtomicBool,
    report: &'a mut dyn FnMut(&Progress),
}

/// Waits for the next batch of a stream, until it ends or somebody asks to stop.
fn wait(receiver: &Receiver<Handed>, stop: &AtomicBool) -> Option<Handed> {
    while !stop.load(Ordering::Relaxed) {
        match receiver.recv_timeout(STOP_LATENCY) {
            Ok(handed) => return Some(handed),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
    None
}

/// Reads and decodes until the end, an error, or until nobody listens.
fn decode(mut feed: Feed, batch_max: usize, sender: &SyncSender<Handed>, ended: &AtomicBool) {
    let mut batch = Batch::default();
    loop {
        let step = feed.next(&mut batch.changes);
        let more = match step {
            Ok(Some(step)) => {
                if let Some(rejection) = step.refused {
                    batch.refused.push(Refused {
                        source: step.source,
                        line: step.line,
                        reason: rejection.reason,
                        raw: rejection.raw.to_vec(),
                        size_bytes: rejection.size_bytes,
                        sha256: rejection.sha256,
                    });
                }
                true
            }
            Ok(None) => false,
            Err(error) => {
                batch.position = Some((feed.position().bytes, feed.resume()));
                let _ = sender.send(Ok(std::mem::take(&mut batch)));
                let _ = sender.send(Err(error));
                return;
            }
        };
        let full = batch.changes.len() >= batch_max || batch.refused.len() >= 16;
        if full || !more {
            batch.position = Some((feed.position().bytes, feed.resume()));
            // A receiver that is gone wants no more.
            if sender.send(Ok(std::mem::take(&mut batch))).is_err() {
                return;
            }
        }
        if !more || ended.load(Ordering::Relaxed) {
            return;
        }
    }
}
