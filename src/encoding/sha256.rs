//! SHA-256 (FIPS 180-4) of short messages, without what a streaming interface costs on each call.
//!
//! Nearly everything that is hashed here has one to five blocks. Such a message is put together in blocks on the stack,
//! where its padding is written after it, and goes through the compression function in one call; of a longer one the
//! whole blocks are taken from where they stand.
//!
//! ```text
//! blocks   message | 0x80 | zeros | bits of the whole message u64, big-endian
//! ```
//! INVARIANT: nothing is kept between calls, and nothing here branches on what a message says.

use sha2::block_api::compress256;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A SHA-256 digest.
pub type Digest = [u8; 32];
/// What the compression function takes in at once.
pub type Block = [u8; BLOCK_BYTES];

/// Bytes of a block.
pub const BLOCK_BYTES: usize = 64;
/// Bytes that the padding has at least.
const PADDING_BYTES_MIN: usize = 9;

/// What is known of a message after some of its whole blocks; wiped on drop, for it may be as good as a key.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct State {
    words: [u32; 8],
    taken_bytes: u64,
}

impl State {
    /// Before the first block.
    pub const fn new() -> Self {
        Self { words: INITIAL, taken_bytes: 0 }
    }

    /// Takes in whole blocks.
    #[inline]
    pub fn take(&mut self, blocks: &[Block]) {
        compress256(&mut self.words, blocks);
        self.taken_bytes += size_of_val(blocks) as u64;
    }

    /// The digest, when the last `size_bytes` of the message are what `blocks` begins with. The rest of `blocks` is
    /// overwritten by the padding.
    ///
    /// # Panics
    /// When `blocks` has no room for the padding.
    #[inline]
    pub fn finish(mut self, blocks: &mut [Block], size_bytes: usize) -> Digest {
        finish(&mut self.words, self.taken_bytes, blocks, size_bytes)
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

/// The first 32 bits of the fractional parts of the square roots of the first eight primes.
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The digest of a message.
pub fn digest(message: &[u8]) -> Digest {
    let mut words = INITIAL;
    let (blocks, rest) = message.as_chunks::<BLOCK_BYTES>();
    compress256(&mut words, blocks);
    let mut last = [[0; BLOCK_BYTES]; 2];
    last.as_flattened_mut()[..rest.len()].copy_from_slice(rest);
    finish(&mut words, size_of_val(blocks) as u64, &mut last, rest.len())
}

/// The digest of the message that `blocks` begins with. The rest of `blocks` is overwritten by the padding.
///
/// # Panics
/// When `blocks` has no room for the padding.
#[inline]
pub fn digest_in_place(blocks: &mut [Block], size_bytes: usize) -> Digest {
    finish(&mut INITIAL.clone(), 0, blocks, size_bytes)
}

#[inline]
fn finish(words: &mut [u32; 8], taken_bytes: u64, blocks: &mut [Block], size_bytes: usize) -> Digest {
    let count = (size_bytes + PADDING_BYTES_MIN).div_ceil(BLOCK_BYTES);
    let blocks = &mut blocks[..count];
    let bytes = blocks.as_flattened_mut();
    let size_at = bytes.len() - 8;
    bytes[size_bytes] = 0x80;
    bytes[size_bytes + 1..size_at].fill(0);
    bytes[size_at..].copy_from_slice(&((taken_bytes + size_bytes as u64) * 8).to_be_bytes());
    compress256(words, blocks);
    let mut digest = [0; 32];
    for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *bytes = word.to_be_bytes();
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::hex;
    use proptest::prelude::*;
    use ring::digest::SHA256;

    fn expected(message: &[u8]) -> Digest {
        ring::digest::digest(&SHA256, message).as_ref().try_into().unwrap()
    }

    #[test]
    fn is_that_of_the_standard() {
        let digest = |message: &[u8]| hex::encode(&digest(message));
        assert_eq!(digest(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(digest(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn every_length_is_padded_right() {
        let message: Vec<u8> = (0..=300u16).map(|byte| (byte % 251) as u8 ^ 0xa5).collect();
        for size in 0..=300 {
            let (message, expected) = (&message[..size], expected(&message[..size]));
            assert_eq!(digest(message), expected, "{size} bytes");
            // What stands after the message does not matter.
            let mut blocks = [[0xff; BLOCK_BYTES]; 5];
            blocks.as_flattened_mut()[..size].copy_from_slice(message);
            assert_eq!(digest_in_place(&mut blocks, size), expected, "{size} bytes in place");
            assert_eq!(digest_in_place(&mut blocks, size), expected, "{size} bytes in place, twice");
            let (whole, rest) = message.as_chunks::<BLOCK_BYTES>();
            let mut state = State::new();
            whole.iter().for_each(|block| state.take(std::slice::from_ref(block)));
            blocks.as_flattened_mut()[..rest.len()].copy_from_slice(rest);
            assert_eq!(state.finish(&mut blocks, rest.len()), expected, "{size} bytes block by block");
        }
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn no_room_for_the_padding() {
        digest_in_place(&mut [[0; BLOCK_BYTES]], BLOCK_BYTES - 8);
    }

    proptest! {
        #[test]
        fn agrees_with_another_library(message in prop::collection::vec(any::<u8>(), 0..=300)) {
            prop_assert_eq!(digest(&message), expected(&message));
        }
    }
}
