//! Checkpoints (C2SP tlog-checkpoint): what a log says its tree is, as the text of a signed note.
//!
//! ```text
//! origin: the log's name
//! tree size, decimal
//! base64 of the root
//! extension lines, if any
//! ```
//!
//! INVARIANT: every [`Checkpoint`] can be written and read back as the same bytes, and that of a tree without leaves has
//! the root of such a tree.

use super::key::VerifierKey;
use super::merkle::{Digest, empty_root};
use super::note::{NOTE_BYTES_MAX, SignedNote};
use super::{Error, line};

fn malformed(why: &'static str) -> Error {
    Error::Malformed { what: "checkpoint", why }
}

/// The head of a log's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Digest,
    extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint from its parts. Extensions are lines without their line ends; monitors cannot check what they say.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the origin or an extension is no line or empty, or the root cannot be that of an empty
    /// tree; [`Error::TooLarge`] when no note could hold it.
    pub fn new(origin: &str, size: u64, root: Digest, extensions: Vec<String>) -> Result<Self, Error> {
        let is_line = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte >= b' ');
        if !is_line(origin) {
            return Err(malformed("the origin is empty or has control characters"));
        }
        if !extensions.iter().all(|extension| is_line(extension)) {
            return Err(malformed("an extension is empty or has control characters"));
        }
        if size == 0 && root != empty_root() {
            return Err(malformed("the root of no leaves is another one"));
        }
        let checkpoint = Self { origin: origin.to_owned(), size, root, extensions };
        check_size(checkpoint.to_text().len())?;
        Ok(checkpoint)
    }

    /// Reads the text of a note that is a checkpoint.
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::TooLarge`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        check_size(bytes.len())?;
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("not UTF-8"))?;
        let text = text.strip_suffix('\n').ok_or_else(|| malformed("no line end at its end"))?;
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(malformed("fewer than three lines"));
        };
        let size = line::decimal(size).ok_or_else(|| malformed("the size is not a decimal without leading zeros"))?;
        let root = line::digest(root).ok_or_else(|| malformed("the root is not 32 bytes in canonical base64"))?;
        Self::new(origin, size, root, lines.map(str::to_owned).collect())
    }

    /// The text of its note.
    pub fn to_text(&self) -> String {
        let extensions: String = self.extensions.iter().flat_map(|extension| [extension, "\n"]).collect();
        format!("{}\n{}\n{}\n{extensions}", self.origin, self.size, line::base64(&self.root))
    }

    /// The checkpoint of a note that the log has signed.
    ///
    /// # Errors
    /// As [`SignedNote::verify`] and [`Checkpoint::parse`]; [`Error::Origin`] when it is that of a log of another name
    /// than the key has.
    pub fn open(note: &SignedNote, log: &VerifierKey) -> Result<Self, Error> {
        note.verify(std::slice::from_ref(log))?;
        let checkpoint = Self::parse(note.text().as_bytes())?;
        if !checkpoint.is_of(log) {
            return Err(Error::Origin { expected: log.name().to_owned() });
        }
        Ok(checkpoint)
    }

    /// Whether its origin is the name of the key. That the key has signed it is another question.
    pub fn is_of(&self, log: &VerifierKey) -> bool {
        self.origin == log.name()
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    pub fn root(&self) -> &Digest {
        &self.root
    }

    /// Further lines, without their line ends.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }
}

fn check_size(size: usize) -> Result<(), Error> {
    if size <= NOTE_BYTES_MAX {
        return Ok(());
    }
    Err(Error::TooLarge { what: "checkpoint in bytes", size, size_max: NOTE_BYTES_MAX })
}
