//! How far each file was read: kept in the index under a keyed hash of the file's path, with a SHA-256 of what was read,
//! so that progress counts only while the file still begins as it did.
//!
//! Row: u64 bytes after which to go on | u64 lines or rows read | u64 bytes hashed | SHA-256 of those bytes. All little-endian.

use super::Error;
use crate::crypto::IdentityKey;
use crate::model::SourceId;
use crate::sources::FeedPosition;
use crate::store::Index;
use ring::digest::{Context, SHA256};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// A key of the index and the progress that stands under it.
pub(super) type Row = ([u8; 32], Vec<u8>);

/// What stands for a file in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileKey([u8; 32]);

impl FileKey {
    pub fn new(keys: &IdentityKey, path: &Path, source: Option<SourceId>) -> Self {
        let absolute = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let source = source.map_or_else(|| "mixed".to_owned(), |source| source.to_string());
        let name = keys.name(&format!("file/{source}"), &absolute.to_string_lossy());
        let mut key = [0; 32];
        key[..16].copy_from_slice(&name.0.to_be_bytes());
        Self(key)
    }
}

/// Where to go on in a file.
#[derive(Debug, Default)]
pub(super) struct Resume {
    /// After what was read before; none: from the start.
    pub position: Option<FeedPosition>,
    /// Whether all of the file was read.
    pub complete: bool,
    pub size_bytes: u64,
    hashed: Option<(u64, Context2)>,
}

/// A hash that is being made; `ring`'s context has no `Debug`.
#[derive(Clone)]
struct Context2(Context);

impl std::fmt::Debug for Context2 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Context")
    }
}

impl Resume {
    /// What the index knows of a file, as far as the file still begins as it did.
    pub fn find(index: &Index, key: &FileKey, path: &Path) -> Result<Self, Error> {
        let Ok(meta) = std::fs::metadata(path) else { return Ok(Self::default()) };
        let size_bytes = meta.len();
        let fresh = Self { size_bytes, ..Self::default() };
        let Some(row) = index.offset(&key.0)? else { return Ok(fresh) };
        let Some((bytes, line, hashed, expected)) = parse(&row) else { return Ok(fresh) };
        if hashed > size_bytes || !meta.is_file() {
            return Ok(fresh);
        }
        let mut context = Context::new(&SHA256);
        hash_range(path, 0, hashed, &mut context)?;
        if context.clone().finish().as_ref() != expected {
            return Ok(fresh);
        }
        Ok(Self {
            position: Some(FeedPosition { bytes, line }),
            complete: hashed == size_bytes,
            size_bytes,
            hashed: Some((hashed, Context2(context))),
        })
    }
}

/// How far a file is being read.
#[derive(Debug)]
pub(super) struct Reached {
    key: FileKey,
    path: PathBuf,
    size_bytes: u64,
    position: Option<FeedPosition>,
    /// Bytes read; more than the position says when the last line has no newline.
    read: u64,
    hashed: u64,
    context: Context2,
}

impl Reached {
    pub fn new(key: FileKey, path: &Path, resume: Resume) -> Result<Self, Error> {
        let (hashed, context) = resume.hashed.unwrap_or_else(|| (0, Context2(Context::new(&SHA256))));
        let Resume { position, size_bytes, .. } = resume;
        let read = position.map_or(0, |position| position.bytes.max(hashed));
        Ok(Self { key, path: path.to_owned(), size_bytes, position, read, hashed, context })
    }

    /// Everything up to here was taken.
    pub fn advance(&mut self, read: u64, position: FeedPosition) {
        self.read = read;
        self.position = Some(position);
    }

    /// All of the file was read; a format that is not read from front to back says so only here.
    pub fn finish(&mut self) {
        let line = self.position.map_or(0, |position| position.line);
        if self.read == 0 {
            self.read = self.size_bytes;
            self.position = Some(FeedPosition { bytes: self.size_bytes, line });
        }
    }

    /// Bytes read so far, for showing progress.
    pub fn bytes(&self) -> u64 {
        self.read.min(self.size_bytes)
    }

    /// The row to be kept; none before anything was taken.
    pub fn row(&mut self) -> Result<Option<Row>, Error> {
        let Some(position) = self.position else { return Ok(None) };
        let end = self.read;
        if end > self.hashed {
            hash_range(&self.path, self.hashed, end, &mut self.context.0)?;
            self.hashed = end;
        }
        let mut row = Vec::with_capacity(56);
        row.extend(position.bytes.to_le_bytes());
        row.extend(position.line.to_le_bytes());
        row.extend(self.hashed.to_le_bytes());
        row.extend(self.context.0.clone().finish().as_ref());
        Ok(Some((self.key.0, row)))
    }
}

fn parse(row: &[u8]) -> Option<(u64, u64, u64, &[u8])> {
    let (bytes, rest) = row.split_first_chunk::<8>()?;
    let (line, rest) = rest.split_first_chunk::<8>()?;
    let (hashed, digest) = rest.split_first_chunk::<8>()?;
    let number = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    (digest.len() == 32).then(|| (number(bytes), number(line), number(hashed), digest))
}

/// Adds bytes `from..to` of a file to a hash; a file that has become shorter ends it early.
fn hash_range(path: &Path, from: u64, to: u64, context: &mut Context) -> Result<(), Error> {
    use std::io::{Seek, SeekFrom};
    let read = || -> std::io::Result<()> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(from))?;
        let mut reader = BufReader::with_capacity(1 << 18, file.take(to.saturating_sub(from)));
        let mut buffer = vec![0; 1 << 18];
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok(()),
                count => context.update(&buffer[..count]),
            }
        }
    };
    let mut read = read;
    read().map_err(|source| Error::io("read", path, source))
}
