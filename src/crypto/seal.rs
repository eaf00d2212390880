//! Sealing of one payload under a key of its own: AES-256-GCM (NIST SP 800-38D) with a key commitment beside it.
//!
//! The nonce is `sequence (u64, little-endian) ‖ 0^32`; it never repeats under a key because the key itself comes
//! once. AES-GCM does not commit to its key: one ciphertext can be built that opens under two keys to two plaintexts.
//! The commitment `SHA-256("onefold/commit/v1" ‖ key)` beside the ciphertext makes a disclosed key the only one.

use super::Error;
use super::secret::Secret;
use crate::encoding::sha256::{BLOCK_BYTES, digest_in_place};
use crate::model::Sequence;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use zeroize::Zeroizing;

/// Bytes that sealing adds after the payload.
pub const TAG_BYTES: usize = 16;
/// Bytes of a key commitment.
pub const COMMITMENT_BYTES: usize = 32;

const COMMITMENT_LABEL: &[u8] = b"onefold/commit/v1";
/// Bytes that a commitment is the digest of: few enough for one block.
const COMMITTED_BYTES: usize = COMMITMENT_LABEL.len() + 32;

/// The key of one entry; wiped on drop.
pub struct EntryKey(Secret<32>);

impl EntryKey {
    pub(super) fn new(bytes: Secret<32>) -> Self {
        Self(bytes)
    }

    /// A key that was disclosed.
    pub fn disclosed(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// The key itself, to be handed to somebody who may read this one entry.
    pub fn disclose(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*self.0)
    }

    /// What makes this key the only one that the entry can be said to have.
    pub fn commitment(&self) -> [u8; COMMITMENT_BYTES] {
        let mut block = Secret::new([0; BLOCK_BYTES]);
        block[..COMMITMENT_LABEL.len()].copy_from_slice(COMMITMENT_LABEL);
        block[COMMITMENT_LABEL.len()..COMMITTED_BYTES].copy_from_slice(&*self.0);
        digest_in_place(std::slice::from_mut(&mut block), COMMITTED_BYTES)
    }

    /// Encrypts `payload` in place and gives the tag over it and `associated`.
    ///
    /// # Panics
    /// When the payload is longer than the 64 GiB that AES-GCM allows.
    pub fn seal(&self, sequence: Sequence, associated: &[u8], payload: &mut [u8]) -> [u8; TAG_BYTES] {
        Aes256Gcm::new((&*self.0).into())
            .encrypt_inout_detached(&nonce(sequence).into(), associated, payload.into())
            .expect("payloads are shorter than 64 GiB")
            .into()
    }

    /// Decrypts `payload` in place.
    ///
    /// # Errors
    /// [`Error::Unopened`] when anything differs from what was sealed; `payload` is then of no use.
    pub fn open(
        &self,
        sequence: Sequence,
        associated: &[u8],
        payload: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), Error> {
        Aes256Gcm::new((&*self.0).into())
            .decrypt_inout_detached(&nonce(sequence).into(), associated, payload.into(), tag.into())
            .map_err(|_| Error::Unopened)
    }
}

fn nonce(sequence: Sequence) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[..8].copy_from_slice(&sequence.0.to_le_bytes());
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_what_was_sealed() {
        let key = EntryKey::disclosed([1; 32]);
        let mut payload = *b"a payload";
        let tag = key.seal(Sequence(4), b"header", &mut payload);
        let open = |key: &EntryKey, sequence, associated: &[u8], mut payload: [u8; 9], tag| {
            key.open(Sequence(sequence), associated, &mut payload, &tag).ok().map(|()| payload)
        };
        assert_eq!(open(&key, 4, b"header", payload, tag), Some(*b"a payload"));
        assert_eq!(open(&key, 5, b"header", payload, tag), None);
        assert_eq!(open(&key, 4, b"headeR", payload, tag), None);
        assert_eq!(open(&EntryKey::disclosed([2; 32]), 4, b"header", payload, tag), None);
        payload[0] ^= 1;
        assert_eq!(open(&key, 4, b"header", payload, tag), None);
    }
}
