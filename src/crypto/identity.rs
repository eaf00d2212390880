//! The identity key: keyed hashes that stand for identifiers, names of records and values where the engine compares
//! them, so that no personal data goes into the dataflow.
//!
//! Hashes of different uses come from different subkeys (HKDF-SHA-256, RFC 5869). Parts are framed by their lengths,
//! so that two different lists of parts are never the same message.
//!
//! The 128-bit hashes are HMAC-SHA-256 (RFC 2104) cut to its first 16 bytes, read as a big-endian number; the 64-bit
//! ones are SipHash-2-4 and serve to tell values of one engine apart, never to prove anything to anybody.

use crate::model::{IdentifierHash, NameHash, ValueHash};
use ring::{hkdf, hmac};
use siphasher::sip::SipHasher24;
use std::hash::Hasher;
use zeroize::Zeroizing;

/// Makes the keyed hashes. Cheap to use, a few microseconds to make, shared by reference among threads.
///
/// The precomputed states inside *ring* and the hashers are not wiped when this is dropped, for neither library offers
/// it; the key that they were made from is.
pub struct IdentityKey {
    identifiers: hmac::Key,
    names: hmac::Key,
    values: SipHasher24,
    contents: SipHasher24,
}

impl IdentityKey {
    /// Derives the subkeys.
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let root = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, key);
        let subkey = |label: &[u8]| {
            let mut bytes = Zeroizing::new([0u8; 32]);
            root.expand(&[label], hkdf::HKDF_SHA256)
                .and_then(|okm| okm.fill(&mut *bytes))
                .expect("32 bytes are within what HKDF-SHA-256 gives");
            bytes
        };
        let mac = |label| hmac::Key::new(hmac::HMAC_SHA256, &*subkey(label));
        let sip = |label| {
            let bytes = subkey(label);
            let mut half = Zeroizing::new([0u8; 16]);
            half.copy_from_slice(&bytes[..16]);
            SipHasher24::new_with_key(&half)
        };
        Self {
            identifiers: mac(b"onefold/identity/identifier/v1"),
            names: mac(b"onefold/identity/name/v1"),
            values: sip(b"onefold/identity/value/v1"),
            contents: sip(b"onefold/identity/content/v1"),
        }
    }

    /// The hash of an identifier: `length of kind (u64) ‖ kind ‖ canonical value`.
    pub fn identifier(&self, kind_name: &str, canonical: &str) -> IdentifierHash {
        IdentifierHash(mac_128(&self.identifiers, kind_name, canonical))
    }

    /// The hash of a record's name: `length of source (u64) ‖ source ‖ key`.
    pub fn name(&self, source_name: &str, key: &str) -> NameHash {
        NameHash(mac_128(&self.names, source_name, key))
    }

    /// The hash of a standardised value of an attribute: `length of attribute (u64) ‖ attribute ‖ value`.
    pub fn value(&self, attribute_name: &str, standardised: &str) -> ValueHash {
        let mut hasher = self.values;
        hasher.write(&size(attribute_name.len()));
        hasher.write(attribute_name.as_bytes());
        hasher.write(standardised.as_bytes());
        ValueHash(hasher.finish())
    }

    /// The hash of a list of parts, such as a whole record: each part after its length (u64).
    pub fn content(&self, parts: &[&[u8]]) -> u64 {
        let mut hasher = self.contents;
        for part in parts {
            hasher.write(&size(part.len()));
            hasher.write(part);
        }
        hasher.finish()
    }
}

fn size(bytes: usize) -> [u8; 8] {
    (bytes as u64).to_le_bytes()
}

fn mac_128(key: &hmac::Key, domain: &str, text: &str) -> u128 {
    let mut context = hmac::Context::with_key(key);
    context.update(&size(domain.len()));
    context.update(domain.as_bytes());
    context.update(text.as_bytes());
    let tag = context.sign();
    let first: [u8; 16] = tag.as_ref()[..16].try_into().expect("an HMAC-SHA-256 tag has 32 bytes");
    u128::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::IdentityKey;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let key = IdentityKey::new(&[7; 32]);
        assert_ne!(key.identifier("email", "x"), key.identifier("emai", "lx"));
        assert_ne!(key.name("crm", "1"), key.name("cr", "m1"));
        assert_ne!(key.value("email", "x"), key.value("emai", "lx"));
        assert_ne!(key.content(&[b"ab", b"c"]), key.content(&[b"a", b"bc"]));
        assert_ne!(key.content(&[b"ab", b""]), key.content(&[b"ab"]));
        assert_ne!(key.content(&[]), key.content(&[b""]));
    }

    #[test]
    fn uses_and_keys_are_separate() {
        let (key, other) = (IdentityKey::new(&[7; 32]), IdentityKey::new(&[8; 32]));
        assert_ne!(key.identifier("a", "b").0, key.name("a", "b").0);
        assert_ne!(key.identifier("a", "b"), other.identifier("a", "b"));
        assert_ne!(key.value("a", "b"), other.value("a", "b"));
        assert_ne!(key.content(&[b"a"]), other.content(&[b"a"]));
        assert_eq!(key.identifier("a", "b"), IdentityKey::new(&[7; 32]).identifier("a", "b"));
        assert_eq!(key.value("a", "b"), IdentityKey::new(&[7; 32]).value("a", "b"));
    }
}
