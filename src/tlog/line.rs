//! What the lines of these formats are made of: decimals, base64, digests, and lines themselves.
//!
//! Each is read in one spelling only, the one in which it is written.

use super::merkle::Digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// An ASCII decimal without sign or leading zeros.
pub(super) fn decimal(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().filter(|number| number.to_string() == text)
}

/// RFC 4648 section 4 with padding and without stray bits at the end.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// The base64 text of a SHA-256 digest.
pub(super) fn digest(text: &str) -> Option<Digest> {
    bytes(text)?.try_into().ok()
}

/// The base64 text of bytes.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Whether it is one or more lines, each ended by `\n`, without any other ASCII control character.
pub(super) fn are_lines(text: &str) -> bool {
    text.ends_with('\n') && text.bytes().all(|byte| byte >= b' ' || byte == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_one_spelling() {
        for (text, expected) in [("0", Some(0)), ("10", Some(10)), ("18446744073709551615", Some(u64::MAX))] {
            assert_eq!(decimal(text), expected);
        }
        for wrong in ["", "00", "01", "+1", "-0", " 1", "1 ", "1\r", "0x1", "1_0", "18446744073709551616", "١"] {
            assert_eq!(decimal(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(bytes("TQ=="), Some(b"M".to_vec()));
        for wrong in ["TQ", "TQ=", "TR==", "TQ==\n", " TQ==", "TQ= =", "T-_=", "TQ==TQ=="] {
            assert_eq!(bytes(wrong), None, "{wrong:?}");
        }
    }
}
