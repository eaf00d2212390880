//! Tombstones: what is kept of an erased record so that it is known again when a source delivers it once more.
//!
//! ```text
//! tombstone = first 16 bytes of HMAC-SHA-256(tombstone key, domain ‖ hash)
//! ```
//! The hash is the 128-bit keyed hash of the record's name or identifier, big-endian; domains have one length, so that
//! no two messages are the same. The key has no other use: who has the keyed hashes of the index, but not this key,
//! cannot tell whom a tombstone stands for.

use crate::model::{IdentifierHash, NameHash};
use ring::hmac;

const NAME_DOMAIN: &[u8; 20] = b"onefold/tomb/name/v1";
const IDENTIFIER_DOMAIN: &[u8; 20] = b"onefold/tomb/iden/v1";

/// What is kept of something erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tombstone(pub [u8; 16]);

/// Makes tombstones.
///
/// The state that *ring* precomputes is not wiped on drop, for *ring* does not offer it; the key it was made from is.
pub struct TombstoneKey(hmac::Key);

impl Tombstone {
    /// As a number, most significant byte first.
    pub fn number(self) -> u128 {
        u128::from_be_bytes(self.0)
    }
}

impl TombstoneKey {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// That of a record's name.
    pub fn name(&self, name: NameHash) -> Tombstone {
        self.of(NAME_DOMAIN, name.0)
    }

    /// That of an identifier.
    pub fn identifier(&self, identifier: IdentifierHash) -> Tombstone {
        self.of(IDENTIFIER_DOMAIN, identifier.0)
    }

    fn of(&self, domain: &[u8; 20], hash: u128) -> Tombstone {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(domain);
        context.update(&hash.to_be_bytes());
        let tag = context.sign();
        Tombstone(tag.as_ref()[..16].try_into().expect("an HMAC-SHA-256 tag has 32 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tombstones_tell_domains_keys_and_hashes_apart() {
        let (key, other) = (TombstoneKey::new(&[1; 32]), TombstoneKey::new(&[2; 32]));
        assert_eq!(key.name(NameHash(7)), TombstoneKey::new(&[1; 32]).name(NameHash(7)));
        assert_ne!(key.name(NameHash(7)), key.name(NameHash(8)));
        assert_ne!(key.name(NameHash(7)), key.identifier(IdentifierHash(7)));
        assert_ne!(key.name(NameHash(7)), other.name(NameHash(7)));
    }
}
