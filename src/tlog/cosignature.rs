//! Cosignatures of witnesses (C2SP tlog-cosignature, `cosignature/v1`): somebody else has seen this checkpoint, found
//! it consistent with all that the log has shown before, and says when.
//!
//! ```text
//! signature in the note: 8-byte big-endian POSIX time ‖ 64-byte Ed25519 signature of
//!   "cosignature/v1\n" ‖ "time " ‖ decimal time ‖ "\n" ‖ text of the checkpoint
//! ```
//!
//! The clock is the caller's, as is the check of consistency that a witness owes before it signs.

use super::Error;
use super::checkpoint::Checkpoint;
use super::key::{KeyKind, SigningKey, VerifierKey};
use super::note::{Signature, SignedNote};
use std::fmt;
use zeroize::Zeroizing;

/// The latest time that a cosignature may bear, in seconds.
pub const TIME_SECONDS_MAX: u64 = i64::MAX.unsigned_abs();

fn malformed(why: &'static str) -> Error {
    Error::Malformed { what: "cosignature", why }
}

/// The bytes of a cosignature, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cosignature {
    time_seconds: u64,
    signature: [u8; 64],
}

impl Cosignature {
    /// Takes apart the bytes of a signature.
    ///
    /// # Errors
    /// [`Error::Malformed`] when there are not 72 of them, or the time is above [`TIME_SECONDS_MAX`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let parts = bytes.split_first_chunk().and_then(|(time, rest)| Some((time, rest.try_into().ok()?)));
        let (time, signature) = parts.ok_or_else(|| malformed("not 72 bytes"))?;
        let time_seconds = u64::from_be_bytes(*time);
        check_time(time_seconds)?;
        Ok(Self { time_seconds, signature })
    }

    /// Its bytes in a note.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.time_seconds.to_be_bytes()[..], &self.signature].concat()
    }

    /// When the witness signed, in seconds of POSIX time. Nobody vouches for it but the witness.
    pub fn time_seconds(&self) -> u64 {
        self.time_seconds
    }

    /// Checks it with a witness's key.
    ///
    /// # Errors
    /// [`Error::KeyType`] when the key is not one for cosignatures, [`Error::Malformed`] when the note is no checkpoint,
    /// [`Error::Signature`] when it does not verify.
    pub fn verify(&self, key: &VerifierKey, note: &SignedNote) -> Result<(), Error> {
        check_kind(key)?;
        Checkpoint::parse(note.text().as_bytes())?;
        if key.accepts(&message(self.time_seconds, note.text()), &self.signature) {
            return Ok(());
        }
        Err(Error::Signature { name: key.name().to_owned(), id: key.id() })
    }
}

/// When a witness last cosigned the note; `None` when it has not.
///
/// # Errors
/// As [`Cosignature::verify`], and [`Error::Malformed`], for any signature that names the key.
pub fn cosigned_at(note: &SignedNote, key: &VerifierKey) -> Result<Option<u64>, Error> {
    check_kind(key)?;
    let mut latest = None;
    for signature in note.signatures().iter().filter(|signature| signature.is_of(key)) {
        let cosignature = Cosignature::parse(signature.bytes())?;
        cosignature.verify(key, note)?;
        latest = latest.max(Some(cosignature.time_seconds));
    }
    Ok(latest)
}

fn message(time_seconds: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time_seconds}\n{text}").into_bytes()
}

fn check_time(time_seconds: u64) -> Result<(), Error> {
    if time_seconds <= TIME_SECONDS_MAX { Ok(()) } else { Err(malformed("the time is above 2^63 - 1")) }
}

fn check_kind(key: &VerifierKey) -> Result<(), Error> {
    match key.kind() {
        KeyKind::CosignatureV1 => Ok(()),
        other => Err(Error::KeyType { found: other.byte() }),
    }
}

/// A witness's private key. It must not sign anything else, and no other witness may have it: what is signed does not
/// name the witness.
pub struct CosigningKey(SigningKey);

impl CosigningKey {
    /// The key of an RFC 8032 seed, which is wiped as in [`SigningKey::from_seed`].
    ///
    /// # Errors
    /// [`Error::Malformed`] when no key can have this name.
    pub fn from_seed(name: &str, seed: Zeroizing<[u8; 32]>) -> Result<Self, Error> {
        Ok(Self(SigningKey::of_kind(name, KeyKind::CosignatureV1, seed)?))
    }

    /// The public key, of type [`KeyKind::CosignatureV1`].
    pub fn verifier(&self) -> &VerifierKey {
        self.0.verifier()
    }

    /// Says that the checkpoint was seen at this time and is consistent with all earlier ones of its log.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the time is above [`TIME_SECONDS_MAX`].
    pub fn cosign(&self, checkpoint: &Checkpoint, time_seconds: u64) -> Result<Signature, Error> {
        check_time(time_seconds)?;
        let signature = self.0.sign_message(&message(time_seconds, &checkpoint.to_text()));
        self.0.signature(Cosignature { time_seconds, signature }.to_bytes())
    }
}

impl fmt::Debug for CosigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CosigningKey")
    }
}
