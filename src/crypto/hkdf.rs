//! HKDF with SHA-256 (RFC 5869) where every message fits into one block: the keys of entries, of which there are as many
//! as entries.
//!
//! ```text
//! extract(salt, ikm)   HMAC(salt, ikm)                           salt and ikm of 32 bytes
//! expand(key, info)    HMAC(key, info ‖ 0x01), 32 bytes          info of at most 54 bytes
//! HMAC(key, message)   SHA-256(key ⊕ 0x5c… ‖ SHA-256(key ⊕ 0x36… ‖ message))      RFC 2104
//! ```
//! INVARIANT: what was computed from a key is wiped before a call returns; only its result is not.

use super::secret::Secret;
use crate::encoding::sha256::{BLOCK_BYTES, State};

/// The longest message that leaves room for the padding of SHA-256 in its block.
const MESSAGE_BYTES_MAX: usize = BLOCK_BYTES - 9;

/// HKDF-Extract of a salt and a key, each of 32 bytes.
pub(super) fn extract(salt: &[u8; 32], key: &[u8; 32]) -> Secret<32> {
    hmac(salt, key)
}

/// The first 32 bytes of HKDF-Expand.
///
/// # Panics
/// When the parts of `info` have more than 54 bytes.
#[inline]
pub(super) fn expand(key: &[u8; 32], info: &[&[u8]]) -> Secret<32> {
    let mut message = [0; MESSAGE_BYTES_MAX];
    let mut size_bytes = 0;
    for part in info {
        message[size_bytes..size_bytes + part.len()].copy_from_slice(part);
        size_bytes += part.len();
    }
    message[size_bytes] = 1;
    hmac(key, &message[..=size_bytes])
}

/// HMAC of a message of at most 55 bytes.
#[inline]
fn hmac(key: &[u8; 32], message: &[u8]) -> Secret<32> {
    let mut block = Secret::new([0; BLOCK_BYTES]);
    let inner = Secret::new(half(&mut block, key, 0x36, message));
    Secret::new(half(&mut block, key, 0x5c, &*inner))
}

/// `SHA-256(key ⊕ pad ‖ message)`. What is in `block` does not matter.
#[inline]
fn half(block: &mut [u8; BLOCK_BYTES], key: &[u8; 32], pad: u8, message: &[u8]) -> [u8; 32] {
    block.fill(pad);
    block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
    let mut state = State::new();
    state.take(std::slice::from_ref(block));
    block[..message.len()].copy_from_slice(message);
    state.finish(std::slice::from_mut(block), message.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ring::hkdf::{HKDF_SHA256, Prk, Salt};
    use ring::hmac;

    fn theirs(prk: &Prk, info: &[&[u8]]) -> [u8; 32] {
        let mut bytes = [0; 32];
        prk.expand(info, HKDF_SHA256).unwrap().fill(&mut bytes).unwrap();
        bytes
    }

    proptest! {
        #[test]
        fn agrees_with_another_library(
            salt: [u8; 32],
            key: [u8; 32],
            info in prop::collection::vec(any::<u8>(), 0..=54),
            cut in 0..=54usize,
        ) {
            let parts = info.split_at(cut.min(info.len()));
            let parts = [parts.0, parts.1];
            prop_assert_eq!(*expand(&key, &parts), theirs(&Prk::new_less_safe(HKDF_SHA256, &key), &parts));
            let extracted = extract(&salt, &key);
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &salt), &key);
            prop_assert_eq!(extracted.as_slice(), tag.as_ref());
            let prk = Salt::new(HKDF_SHA256, &salt).extract(&key);
            prop_assert_eq!(*expand(&extracted, &parts), theirs(&prk, &parts));
        }
    }
}
