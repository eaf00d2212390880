//! Lowercase hexadecimal text of bytes. Reading accepts exactly what writing gives.

use std::fmt::Write;

/// Two lowercase digits a byte.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    text
}

/// The `N` bytes whose text is exactly `text`; `None` for another length, capitals or any other character.
pub fn decode<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != N * 2 {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_only_what_it_writes() {
        assert_eq!(super::encode(&[0, 0x9a, 0xff]), "009aff");
        assert_eq!(super::decode(b"009aff"), Some([0, 0x9a, 0xff]));
        for wrong in [&b"009aFF"[..], b"009af", b"009aff0", b"00 aff", b"", b"+09aff"] {
            assert_eq!(super::decode::<3>(wrong), None);
        }
    }
}
