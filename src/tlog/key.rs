//! The keys of notes (C2SP signed-note): Ed25519, for notes as such (type `0x01`) and for the time-stamped
//! cosignatures of witnesses (type `0x04`).
//!
//! ```text
//! vkey = name "+" 8 lowercase hex digits of the id "+" base64(type ‖ 32-byte public key)
//! id   = SHA-256(name ‖ 0x0A ‖ type ‖ public key)[0..4]
//! ```
//!
//! A private key is never shown; its seed is wiped once the key is made.
//!
//! INVARIANT: a key's id is that of its name, type and bytes.

use super::note::Signature;
use super::{Error, line, merkle};
use crate::encoding::hex;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use std::fmt;
use zeroize::Zeroizing;

/// Bytes of the largest text of a key that is read.
pub const KEY_TEXT_BYTES_MAX: usize = 4096;

/// The first bytes of a hash that a signature names its key by. It tells keys apart; it proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// The text of a note, type `0x01`.
    Ed25519,
    /// A checkpoint and the time it was seen at, type `0x04`.
    CosignatureV1,
}

impl KeyKind {
    /// Its signature type byte.
    pub fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
        }
    }
}

/// A public key with the name it signs under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: KeyId,
    kind: KeyKind,
    key: [u8; 32],
}

impl VerifierKey {
    /// A key from its parts.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the name is empty or has white space, control characters or `+` in it.
    pub fn new(name: &str, kind: KeyKind, key: [u8; 32]) -> Result<Self, Error> {
        check_name(name)?;
        let [a, b, c, d, ..] = merkle::hash(&[name.as_bytes(), b"\n", &[kind.byte()], &key]);
        Ok(Self { name: name.to_owned(), id: KeyId([a, b, c, d]), kind, key })
    }

    /// Reads a vkey, without a line end.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::TooLarge`] for the text, [`Error::KeyType`] when it is of another type than the
    /// two above, [`Error::KeyId`] when the id is not that of the key.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let malformed = |why| Error::Malformed { what: "verifier key", why };
        if bytes.len() > KEY_TEXT_BYTES_MAX {
            let (size, size_max) = (bytes.len(), KEY_TEXT_BYTES_MAX);
            return Err(Error::TooLarge { what: "verifier key in bytes", size, size_max });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("not UTF-8"))?;
        // Base64 may have `+` in it too.
        let parts = text.split_once('+').and_then(|(name, rest)| Some((name, rest.split_once('+')?)));
        let (name, (id, key)) = parts.ok_or_else(|| malformed("not three parts with `+` between them"))?;
        let id = KeyId(hex::decode(id.as_bytes()).ok_or_else(|| malformed("id is not 8 lowercase hex digits"))?);
        let key = line::bytes(key).ok_or_else(|| malformed("key is not canonical base64"))?;
        let (kind, key) = key.split_first().ok_or_else(|| malformed("key is empty"))?;
        let kind = match kind {
            0x01 => KeyKind::Ed25519,
            0x04 => KeyKind::CosignatureV1,
            other => return Err(Error::KeyType { found: *other }),
        };
        let key = key.try_into().map_err(|_| malformed("key is not 32 bytes"))?;
        let verifier = Self::new(name, kind, key)?;
        if verifier.id != id {
            return Err(Error::KeyId { expected: verifier.id, found: id });
        }
        Ok(verifier)
    }

    /// The name it signs under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id that its signatures bear.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What it signs.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The Ed25519 public key, as of RFC 8032.
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Whether this key made this Ed25519 signature of the message.
    pub(super) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.key).verify(message, signature).is_ok()
    }
}

/// The vkey.
impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.kind.byte()], &self.key[..]].concat();
        write!(f, "{}+{}+{}", self.name, self.id, line::base64(&key))
    }
}

/// The rules for names, of keys and of signatures. Control characters other than white space cannot stand in a note.
pub(super) fn check_name(name: &str) -> Result<(), Error> {
    let why = match name {
        "" => "it is empty",
        _ if name.contains(|c: char| c.is_whitespace() || c < ' ') => "white space or a control character is in it",
        _ if name.contains('+') => "a `+` is in it",
        _ => return Ok(()),
    };
    Err(Error::Malformed { what: "key name", why })
}

/// A private key that signs notes.
pub struct SigningKey {
    verifier: VerifierKey,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// The key of an RFC 8032 seed, of type [`KeyKind::Ed25519`]. The seed is wiped; *ring*'s own form of the key stays
    /// in memory until this is dropped and is not wiped then.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the name breaks the rules of [`VerifierKey::new`].
    pub fn from_seed(name: &str, seed: Zeroizing<[u8; 32]>) -> Result<Self, Error> {
        Self::of_kind(name, KeyKind::Ed25519, seed)
    }

    pub(super) fn of_kind(name: &str, kind: KeyKind, seed: Zeroizing<[u8; 32]>) -> Result<Self, Error> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&*seed).expect("a seed of 32 bytes is a key");
        let public = pair.public_key().as_ref().try_into().expect("an Ed25519 public key has 32 bytes");
        Ok(Self { verifier: VerifierKey::new(name, kind, public)?, pair })
    }

    /// The public key.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs the text of a note.
    ///
    /// # Errors
    /// [`Error::Malformed`] when no note can have this text.
    pub fn sign(&self, text: &str) -> Result<Signature, Error> {
        super::note::check_text(text)?;
        self.signature(self.sign_message(text.as_bytes()).to_vec())
    }

    /// The Ed25519 signature of a message.
    pub(super) fn sign_message(&self, message: &[u8]) -> [u8; 64] {
        self.pair.sign(message).as_ref().try_into().expect("an Ed25519 signature has 64 bytes")
    }

    /// A signature of this key with these bytes.
    pub(super) fn signature(&self, bytes: Vec<u8>) -> Result<Signature, Error> {
        Signature::new(&self.verifier.name, self.verifier.id, bytes)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}
