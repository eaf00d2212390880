//! Proof files (C2SP tlog-proof, `.tlog-proof`): all that is needed to check offline that an entry is in a log and that
//! witnesses have seen the log so.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra base64            (only when there is extra data)
//! index decimal
//! base64 hash             (as many as the proof has, the leaf's sibling first)
//!
//! checkpoint, a signed note
//! ```
//!
//! INVARIANT: every [`ProofFile`] can be written and read back as the same bytes, and its note is a checkpoint.

use super::checkpoint::Checkpoint;
use super::key::VerifierKey;
use super::merkle::{Digest, verify_inclusion};
use super::note::{NOTE_BYTES_MAX, SignedNote};
use super::{Error, line};

/// Hashes that a proof has at most: enough for trees of up to 2^63 leaves.
pub const HASHES_MAX: usize = 63;
/// Bytes of extra data that a file has at most.
pub const EXTRA_BYTES_MAX: usize = 64 << 10;
/// Bytes of the largest file that is read: the largest note, and room for what stands in front of it.
pub const PROOF_FILE_BYTES_MAX: usize = NOTE_BYTES_MAX + (128 << 10);

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

fn malformed(why: &'static str) -> Error {
    Error::Malformed { what: "proof file", why }
}

fn check_size(what: &'static str, size: usize, size_max: usize) -> Result<(), Error> {
    if size <= size_max { Ok(()) } else { Err(Error::TooLarge { what, size, size_max }) }
}

/// An inclusion proof with the checkpoint that it leads to. Nothing in it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofFile {
    extra: Option<Vec<u8>>,
    index: u64,
    proof: Vec<Digest>,
    note: SignedNote,
    checkpoint: Checkpoint,
}

/// What a proof file has proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<'p, 'k> {
    /// The tree that the leaf is in.
    pub checkpoint: &'p Checkpoint,
    /// The keys that have signed the checkpoint, the log's among them. How many witnesses are enough is for the caller.
    pub keys: Vec<&'k VerifierKey>,
}

impl ProofFile {
    /// A file from its parts. The extra data is not covered by any signature.
    ///
    /// # Errors
    /// [`Error::Malformed`] when extra data is there and empty or the note is no checkpoint, [`Error::TooLarge`] when
    /// the extra data is above [`EXTRA_BYTES_MAX`] or the proof above [`HASHES_MAX`].
    pub fn new(extra: Option<Vec<u8>>, index: u64, proof: Vec<Digest>, note: SignedNote) -> Result<Self, Error> {
        if let Some(extra) = &extra {
            check_size("extra data in bytes", extra.len(), EXTRA_BYTES_MAX)?;
            if extra.is_empty() {
                return Err(malformed("extra data is empty"));
            }
        }
        check_size("hashes of a proof", proof.len(), HASHES_MAX)?;
        let checkpoint = Checkpoint::parse(note.text().as_bytes())?;
        Ok(Self { extra, index, proof, note, checkpoint })
    }

    /// Reads a file. Nothing is verified.
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::TooLarge`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        check_size("proof file in bytes", bytes.len(), PROOF_FILE_BYTES_MAX)?;
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("not UTF-8"))?;
        let (head, note) = text.split_once("\n\n").ok_or_else(|| malformed("no blank line"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(malformed("the first line is another one"));
        }
        let extra = lines.peek().and_then(|line| line.strip_prefix("extra "));
        let extra = extra.map(|text| line::bytes(text).ok_or_else(|| malformed("extra data is not canonical base64")));
        let extra = extra.transpose()?;
        if extra.is_some() {
            lines.next();
        }
        let index = lines.next().and_then(|line| line::decimal(line.strip_prefix("index ")?));
        let index = index.ok_or_else(|| malformed("no line `index` with a decimal without leading zeros"))?;
        check_size("hashes of a proof", lines.clone().count(), HASHES_MAX)?;
        let hash = |text| line::digest(text).ok_or_else(|| malformed("a hash is not 32 bytes in canonical base64"));
        let proof = lines.map(hash).collect::<Result<_, _>>()?;
        Self::new(extra, index, proof, SignedNote::parse(note.as_bytes())?)
    }

    /// The whole file.
    pub fn to_text(&self) -> String {
        let extra = self.extra.as_ref().map(|extra| format!("extra {}\n", line::base64(extra))).unwrap_or_default();
        let hashes: String = self.proof.iter().map(|hash| line::base64(hash) + "\n").collect();
        format!("{FIRST_LINE}\n{extra}index {}\n{hashes}\n{}", self.index, self.note.to_text())
    }

    /// Checks that the leaf is in the log: its own key and perhaps witnesses' have signed the checkpoint, and the proof
    /// leads from the leaf to the checkpoint's root. Keys that have not signed do no harm.
    ///
    /// # Errors
    /// As [`SignedNote::verify`]; [`Error::Origin`] when no key of the log's name has signed; [`Error::Proof`].
    pub fn verify<'k>(&self, leaf_hash: &Digest, keys: &'k [VerifierKey]) -> Result<Verified<'_, 'k>, Error> {
        let signed = self.note.verify(keys)?;
        if !signed.iter().any(|key| self.checkpoint.is_of(key)) {
            return Err(Error::Origin { expected: self.checkpoint.origin().to_owned() });
        }
        verify_inclusion(leaf_hash, self.index, self.checkpoint.size(), &self.proof, self.checkpoint.root())?;
        Ok(Verified { checkpoint: &self.checkpoint, keys: signed })
    }

    /// Data of the application, which nobody has signed.
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// Where in the log the leaf stands.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The inclusion proof, the leaf's sibling first.
    pub fn proof(&self) -> &[Digest] {
        &self.proof
    }

    /// The checkpoint as a signed note.
    pub fn note(&self) -> &SignedNote {
        &self.note
    }

    /// The checkpoint, which is only to be believed as part of [`Verified`].
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}
