//! Signed notes (C2SP signed-note): a text, a blank line, and a line for each signature.
//!
//! ```text
//! text, one or more lines; blank lines may be among them
//!
//! — key name base64(4-byte key id ‖ signature)
//! ```
//!
//! The signatures are of the text with its last line end and without the blank line. The text is not to be believed
//! before [`SignedNote::verify`] has found a key that the reader knows.
//!
//! INVARIANT: every [`SignedNote`] can be written and read back as the same bytes.

use super::key::{KeyId, KeyKind, VerifierKey, check_name};
use super::{Cosignature, Error, line};

/// Bytes of the largest note that is read or written.
pub const NOTE_BYTES_MAX: usize = 1 << 20;
/// Signatures that a note has at most.
pub const SIGNATURES_MAX: usize = 100;
/// What a signature line starts with: an em dash and a space.
const SIGNATURE_START: &str = "— ";

fn malformed(why: &'static str) -> Error {
    Error::Malformed { what: "note", why }
}

/// One signature of a note, verified or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    name: String,
    id: KeyId,
    bytes: Vec<u8>,
}

impl Signature {
    /// A signature from its parts.
    ///
    /// # Errors
    /// [`Error::Malformed`] when no key can have this name, or there are no bytes.
    pub fn new(name: &str, id: KeyId, bytes: Vec<u8>) -> Result<Self, Error> {
        check_name(name)?;
        if bytes.is_empty() {
            return Err(malformed("a signature is empty"));
        }
        Ok(Self { name: name.to_owned(), id, bytes })
    }

    /// The name of the key that it says made it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id of that key.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What the key gave, in the format of its type.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether name and id are those of the key.
    pub fn is_of(&self, key: &VerifierKey) -> bool {
        self.name == key.name() && self.id == key.id()
    }

    fn parse(line: &str) -> Result<Self, Error> {
        let rest = line.strip_prefix(SIGNATURE_START).ok_or_else(|| malformed("a signature line has no em dash"))?;
        let (name, bytes) = rest.split_once(' ').ok_or_else(|| malformed("a signature line has no signature"))?;
        let bytes = line::bytes(bytes).ok_or_else(|| malformed("a signature is not canonical base64"))?;
        let (id, bytes) = bytes.split_first_chunk().ok_or_else(|| malformed("a signature has no key id"))?;
        Self::new(name, KeyId(*id), bytes.to_vec())
    }

    fn to_line(&self) -> String {
        let bytes = [&self.id.0, self.bytes.as_slice()].concat();
        format!("{SIGNATURE_START}{} {}\n", self.name, line::base64(&bytes))
    }
}

/// A text with its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<Signature>,
}

/// What every text of a note is: lines that end in `\n` and have no control characters.
pub(super) fn check_text(text: &str) -> Result<(), Error> {
    if line::are_lines(text) { Ok(()) } else { Err(malformed("the text is not lines without control characters")) }
}

fn check_size(what: &'static str, size: usize, size_max: usize) -> Result<(), Error> {
    if size <= size_max { Ok(()) } else { Err(Error::TooLarge { what, size, size_max }) }
}

impl SignedNote {
    /// A note from its text, with the line end of its last line, and at least one signature.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the text is not lines, or no signature is there; [`Error::TooLarge`] when it would be
    /// above [`NOTE_BYTES_MAX`] or [`SIGNATURES_MAX`].
    pub fn new(text: &str, signatures: Vec<Signature>) -> Result<Self, Error> {
        check_text(text)?;
        if signatures.is_empty() {
            return Err(malformed("it has no signature"));
        }
        check_size("signatures of a note", signatures.len(), SIGNATURES_MAX)?;
        let note = Self { text: text.to_owned(), signatures };
        check_size("note in bytes", note.to_text().len(), NOTE_BYTES_MAX)?;
        Ok(note)
    }

    /// Reads a note. Nothing is verified.
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::TooLarge`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        check_size("note in bytes", bytes.len(), NOTE_BYTES_MAX)?;
        let whole = std::str::from_utf8(bytes).map_err(|_| malformed("not UTF-8"))?;
        check_text(whole)?;
        // The last blank line parts text and signatures; the text keeps the line end in front of it.
        let at = whole.rfind("\n\n").ok_or_else(|| malformed("no blank line"))?;
        let (text, signatures) = whole.split_at(at + 1);
        let signatures = signatures.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
        let lines = signatures.ok_or_else(|| malformed("it has no signature"))?.split('\n');
        check_size("signatures of a note", lines.clone().count(), SIGNATURES_MAX)?;
        Self::new(text, lines.map(Signature::parse).collect::<Result<_, _>>()?)
    }

    /// The whole note.
    pub fn to_text(&self) -> String {
        let signatures: String = self.signatures.iter().map(Signature::to_line).collect();
        format!("{}\n{signatures}", self.text)
    }

    /// The text that is signed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All signatures, in their order, verified or not.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature at the end, in place of those that the same key is said to have made.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when the note would be above its limits; it then stays as it is.
    pub fn add(&mut self, signature: Signature) -> Result<(), Error> {
        let is_other = |s: &&Signature| (&s.name, s.id) != (&signature.name, signature.id);
        let mut signatures: Vec<_> = self.signatures.iter().filter(is_other).cloned().collect();
        signatures.push(signature);
        *self = Self::new(&self.text, signatures)?;
        Ok(())
    }

    /// The known keys that have signed, each once, in the order of their first signatures. Signatures of keys that are
    /// not known are passed over; of those that are, every one must verify.
    ///
    /// # Errors
    /// [`Error::Signature`] when a known key's signature does not verify, [`Error::Unsigned`] when no known key has
    /// signed, [`Error::KeyAmbiguous`] when two different known keys could have.
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, Error> {
        let mut verified = Vec::new();
        for signature in &self.signatures {
            let mut known = keys.iter().filter(|key| signature.is_of(key));
            let Some(key) = known.next() else { continue };
            if known.any(|other| other != key) {
                return Err(Error::KeyAmbiguous { name: signature.name.clone(), id: signature.id });
            }
            self.check(signature, key)?;
            if !verified.contains(&key) {
                verified.push(key);
            }
        }
        if verified.is_empty() { Err(Error::Unsigned) } else { Ok(verified) }
    }

    /// Checks one signature with the key that it names.
    fn check(&self, signature: &Signature, key: &VerifierKey) -> Result<(), Error> {
        let holds = match key.kind() {
            KeyKind::Ed25519 => key.accepts(self.text.as_bytes(), &signature.bytes),
            KeyKind::CosignatureV1 => {
                Cosignature::parse(&signature.bytes).is_ok_and(|cosignature| cosignature.verify(key, self).is_ok())
            }
        };
        if holds { Ok(()) } else { Err(Error::Signature { name: signature.name.clone(), id: signature.id }) }
    }
}
