//! Padding of payloads to size buckets, so that a ciphertext's size says little about what is in it.
//!
//! A padded payload is `length u16 | payload | zeros`. Buckets are the multiples of 32 up to 1,024, above that those of
//! a sixteenth of the power of two below, and last the most that an entry can hold.

use super::kind::{ENTRY_BYTES_MAX, SEALED_HEADER_BYTES};
use crate::crypto::TAG_BYTES;

/// Bytes of the length.
pub(super) const LENGTH_BYTES: usize = 2;
/// The largest bucket.
pub(super) const PADDED_BYTES_MAX: usize = ENTRY_BYTES_MAX - SEALED_HEADER_BYTES - TAG_BYTES;

/// The bucket of a padded size; `None` when it is more than an entry can hold.
pub(super) fn bucket(size_bytes: usize) -> Option<usize> {
    if size_bytes > PADDED_BYTES_MAX {
        return None;
    }
    let step = (size_bytes.max(512) - 1).checked_ilog2().map_or(32, |power| (1usize << power) / 16).max(32);
    Some(size_bytes.next_multiple_of(step).min(PADDED_BYTES_MAX))
}

/// The payload inside `padded`; `None` unless it was padded as this module says.
pub(super) fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let (length, rest) = padded.split_first_chunk::<LENGTH_BYTES>()?;
    let length = usize::from(u16::from_le_bytes(*length));
    let (payload, zeros) = rest.split_at_checked(length)?;
    let whole = bucket(LENGTH_BYTES + length)? == padded.len() && zeros.iter().all(|byte| *byte == 0);
    whole.then_some(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_ascend_and_waste_little() {
        let mut last = 0;
        for size in 1..=PADDED_BYTES_MAX {
            let bucket = bucket(size).unwrap();
            assert!(bucket >= size && bucket >= last, "{size} in {bucket} after {last}");
            assert!(bucket - size < 32.max(size / 8), "{size} in {bucket}");
            assert_eq!(super::bucket(bucket), Some(bucket), "a bucket is its own bucket");
            last = bucket;
        }
        assert_eq!(bucket(PADDED_BYTES_MAX + 1), None);
        assert_eq!([1, 32, 33, 1024, 1025].map(|size| bucket(size).unwrap()), [32, 32, 64, 1024, 1088]);
    }

    #[test]
    fn only_one_padding_is_read() {
        let mut padded = vec![0; 32];
        padded[0] = 3;
        padded[2..5].copy_from_slice(b"abc");
        assert_eq!(unpad(&padded), Some(&b"abc"[..]));
        let mut dirty = padded.clone();
        dirty[31] = 1;
        assert_eq!(unpad(&dirty), None);
        padded.extend_from_slice(&[0; 32]);
        assert_eq!(unpad(&padded), None);
        assert_eq!(unpad(&[200; 32]), None);
        assert_eq!(unpad(&[]), None);
    }
}
