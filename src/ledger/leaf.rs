//! The leaf of an entry: what binds it, whole, to its place in the chain and in the tree.
//!
//! ```text
//! body          payload of a clear entry; ciphertext ‖ tag of a sealed one
//! logical entry leaf before 32 | run digest 32 | header 20 or 68 | SHA-256(body) 32          116 or 164 bytes
//! leaf          SHA-256(0x00 ‖ logical entry)
//! redacted body SHA-256(body) 32 | zeros, as many as keep the size
//! ```
//! INVARIANT: a logical entry holds nothing that was encrypted, so it can be published, and the leaf of an entry can be
//! computed after its ciphertext was deleted.

use super::error::Damage;
use super::kind::{Header, REDACTED, SEALED_HEADER_BYTES};
use super::tree::Digest;
use crate::encoding::sha256::{BLOCK_BYTES, Block, digest, digest_in_place};

/// Where the header stands in the hashed message, after 0x00, the leaf before and the run.
const HEADER_AT: usize = 1 + 32 + 32;
/// Blocks that the longest message takes which a leaf is the hash of, with its padding.
const BLOCKS: usize = (HEADER_AT + SEALED_HEADER_BYTES + 32 + 9).div_ceil(BLOCK_BYTES);

/// A logical entry with the byte 0x00 before it.
pub(super) struct Logical {
    message: [Block; BLOCKS],
    size_bytes: usize,
}

impl Logical {
    pub(super) fn new(previous: &Digest, run: &Digest, header: &Header, body: &Digest) -> Self {
        let mut blocks = [[0; BLOCK_BYTES]; BLOCKS];
        let message = blocks.as_flattened_mut();
        message[1..33].copy_from_slice(previous);
        message[33..HEADER_AT].copy_from_slice(run);
        message[HEADER_AT..HEADER_AT + SEALED_HEADER_BYTES].copy_from_slice(&header.sealed_bytes());
        let body_at = HEADER_AT + header.size_bytes();
        message[body_at..body_at + 32].copy_from_slice(body);
        Self { message: blocks, size_bytes: body_at + 32 }
    }

    /// The bytes of the logical entry.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.message.as_flattened()[1..self.size_bytes]
    }

    pub(super) fn leaf(&self) -> Digest {
        digest_in_place(&mut self.message.clone(), self.size_bytes)
    }
}

/// The digest of an entry's body, which a redacted one has instead of it.
pub(super) fn body_digest(header: &Header, body: &[u8]) -> Result<Digest, Damage> {
    if !header.redacted {
        return Ok(digest(body));
    }
    let (digest, zeros) = body.split_first_chunk::<32>().ok_or(Damage::EntryShort)?;
    if zeros.iter().any(|byte| *byte != 0) {
        return Err(Damage::Redaction);
    }
    Ok(*digest)
}

/// Deletes the ciphertext of a stored entry of a sealed kind; its size and its leaf stay as they are.
pub(super) fn redact(stored: &mut [u8]) -> Result<(), Damage> {
    let (header, body) = Header::read(stored)?;
    let digest = body_digest(&header, body)?;
    let body_at = header.size_bytes();
    let body = stored.get_mut(body_at..).ok_or(Damage::EntryShort)?;
    let (kept, rest) = body.split_at_mut_checked(32).ok_or(Damage::EntryShort)?;
    kept.copy_from_slice(&digest);
    rest.fill(0);
    if let Some(version) = stored.first_mut() {
        *version |= REDACTED;
    }
    Ok(())
}
