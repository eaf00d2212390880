//! The bytes of a state file: every secret of the keyring, sealed under the state key of its generation.
//!
//! ```text
//! state-NNNNNNNN magic "OFSTATE\n" 8 | format u16 = 2 | generation u64 | nonce 12 | ciphertext | tag 16 | crc32c u32
//! ciphertext of  generation u64 | identity key 32 | slot master 32 | tombstone key 32 | ledger id 16
//!                | current signing seed 32 | how many previous ones u8, 0 or 1 | previous signing seed 32, if any
//!                | how many key epochs less one u16 | for each: size of its tree u64, tree as in `puncture`
//! ```
//! Numbers are little-endian. The cipher is AES-256-GCM (NIST SP 800-38D) under the state key, which seals this one file,
//! with a random nonce; what stands before the ciphertext is its associated data. The CRC is over all before it.

use super::error::Error;
use super::ids::Generation;
use super::kek::random;
use super::key_file::{FORMAT, check_format, take};
use super::puncture::PunctureTree;
use super::records::Trees;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use ring::rand::SecureRandom;
use std::path::Path;
use std::sync::Arc;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const MAGIC: &[u8; 8] = b"OFSTATE\n";
/// Magic, format, generation, nonce.
const HEAD_BYTES: usize = 8 + 2 + 8 + 12;
const TAIL_BYTES: usize = 16 + 4;
/// The largest content but for the trees.
const SECRETS_BYTES_MAX: usize = 8 + 32 * 3 + 16 + 32 + 1 + 32 + 2;

/// What the keyring holds beside the keys of records; wiped on drop.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct Secrets {
    pub identity: [u8; 32],
    pub slots: [u8; 32],
    pub tombstones: [u8; 32],
    pub ledger: [u8; 16],
    pub signing: [u8; 32],
    pub signing_before: Option<[u8; 32]>,
}

/// The state file of a generation.
pub(super) fn seal(
    secrets: &Secrets,
    trees: &Trees,
    generation: Generation,
    key: &[u8; 32],
    rng: &dyn SecureRandom,
) -> Result<Vec<u8>, Error> {
    let sizes: Vec<usize> = trees.iter().map(|tree| tree.size_bytes()).collect();
    let capacity = HEAD_BYTES + SECRETS_BYTES_MAX + sizes.iter().map(|size| 8 + size).sum::<usize>() + TAIL_BYTES;
    // Until it is encrypted in place, the content stands here in clear, so it must not be left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    let nonce: [u8; 12] = random(rng)?;
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&generation.0.to_le_bytes());
    bytes.extend_from_slice(&nonce);

    bytes.extend_from_slice(&generation.0.to_le_bytes());
    for secret in [&secrets.identity, &secrets.slots, &secrets.tombstones] {
        bytes.extend_from_slice(secret);
    }
    bytes.extend_from_slice(&secrets.ledger);
    bytes.extend_from_slice(&secrets.signing);
    bytes.push(u8::from(secrets.signing_before.is_some()));
    bytes.extend_from_slice(secrets.signing_before.as_ref().map_or(&[][..], |seed| seed));
    let last = u16::try_from(trees.len() - 1).expect("the keyring makes at most 65,536 epochs");
    bytes.extend_from_slice(&last.to_le_bytes());
    for (tree, size) in trees.iter().zip(sizes) {
        bytes.extend_from_slice(&(size as u64).to_le_bytes());
        tree.write(&mut bytes);
    }
    debug_assert!(bytes.len() + TAIL_BYTES <= capacity, "the content must not be copied by growing");

    let (head, content) = bytes.split_at_mut(HEAD_BYTES);
    let tag = Aes256Gcm::new(key.into())
        .encrypt_inout_detached(&nonce.into(), head, content.into())
        .expect("a state is shorter than 64 GiB");
    let mut bytes = std::mem::take(&mut *bytes);
    bytes.extend_from_slice(&tag);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    Ok(bytes)
}

/// What the state file `path` holds, whose bytes are overwritten.
pub(super) fn open(
    mut bytes: Vec<u8>,
    generation: Generation,
    key: &[u8; 32],
    path: &Path,
) -> Result<(Secrets, Trees), Error> {
    let damaged = |what| Error::SealedDamaged { path: path.to_owned(), what };
    check_format(&bytes, MAGIC, path)?;
    let size = bytes.len().checked_sub(4).filter(|size| *size >= HEAD_BYTES + 16);
    let (body, crc) = bytes.split_at_mut(size.ok_or_else(|| damaged("it is too short"))?);
    if crc32c::crc32c(body).to_le_bytes() != *crc {
        return Err(damaged("its checksum does not match"));
    }
    let (head, rest) = body.split_at_mut(HEAD_BYTES);
    let (content, tag) = rest.split_last_chunk_mut::<16>().ok_or_else(|| damaged("it is too short"))?;
    let nonce: [u8; 12] = *head.last_chunk().ok_or_else(|| damaged("it is too short"))?;
    let opened =
        Aes256Gcm::new(key.into()).decrypt_inout_detached(&nonce.into(), head, (&mut *content).into(), (&*tag).into());
    let read = opened.ok().and_then(|()| read(content, generation));
    bytes.zeroize();
    match (opened, read) {
        (Err(_), _) => Err(damaged("it does not open under its key")),
        (_, None) => Err(damaged("it holds what is never written")),
        (_, Some(read)) => Ok(read),
    }
}

/// What a state of this generation holds, in clear.
pub(super) fn read(mut rest: &[u8], generation: Generation) -> Option<(Secrets, Trees)> {
    let rest = &mut rest;
    let same = u64::from_le_bytes(take(rest)?) == generation.0;
    let secrets = Secrets {
        identity: take(rest)?,
        slots: take(rest)?,
        tombstones: take(rest)?,
        ledger: take(rest)?,
        signing: take(rest)?,
        signing_before: match take(rest)? {
            [0u8] => None,
            [1] => Some(take(rest)?),
            _ => return None,
        },
    };
    let mut trees = Trees::new();
    for _ in 0..=u16::from_le_bytes(take(rest)?) {
        let size = usize::try_from(u64::from_le_bytes(take(rest)?)).ok()?;
        let (tree, after) = rest.split_at_checked(size)?;
        *rest = after;
        let tree = PunctureTree::from_bytes(tree)?;
        // What is erased in one key epoch is erased in all.
        if trees.first().is_some_and(|first| !tree.has_shape_of(first)) {
            return None;
        }
        trees.push(Arc::new(tree));
    }
    (same && rest.is_empty()).then_some((secrets, trees))
}
