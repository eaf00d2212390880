//! The keys of a data directory: `kek`, which the operator guards, and `keys.sealed`, which it opens.
//!
//! ```text
//! kek            64 lowercase hexadecimal digits, newline; mode exactly 0600
//!
//! keys.sealed    magic "OFKEYS\r\n" 8 | format u16 | kek check 16 | nonce 12 | ciphertext 114 | tag 16 | crc32c u32
//! ciphertext of  identity key 32 | record master 32 | slot master 32 | ledger id 16 | key epoch u16
//! ```
//! Numbers are little-endian. The cipher is AES-256-GCM (NIST SP 800-38D) under the KEK with a random nonce, and what
//! stands before the ciphertext is its associated data. The check is the first half of HMAC-SHA-256(KEK, label ‖ nonce):
//! it tells a wrong KEK from a damaged file. The CRC is over all before it.
//!
//! No key is ever printed; all are wiped on drop.

use super::Error;
use super::identity::IdentityKey;
use super::records::{RecordKeys, SlotKeys};
use crate::encoding::hex;
use crate::encoding::storage::{Disk, replace};
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use ring::hmac;
use ring::rand::SecureRandom;
use std::fmt;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const MAGIC: &[u8; 8] = b"OFKEYS\r\n";
/// The only format of `keys.sealed` so far.
pub(super) const FORMAT: u16 = 1;
const CHECK_LABEL: &[u8] = b"onefold/kek-check/v1";
/// Magic, format, check, nonce.
const HEAD_BYTES: usize = 8 + 2 + 16 + 12;
const SECRETS_BYTES: usize = 32 * 3 + 16 + 2;
const SEALED_BYTES: usize = HEAD_BYTES + SECRETS_BYTES + 16 + 4;

/// Names a ledger for good; random.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LedgerId(pub [u8; 16]);

impl fmt::Display for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LedgerId({self})")
    }
}

/// Which generation of record keys an entry is sealed under; the first is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyEpoch(pub u16);

/// The opened keys of a data directory.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Keyring {
    identity: [u8; 32],
    records: [u8; 32],
    slots: [u8; 32],
    ledger: [u8; 16],
    epoch: u16,
}

impl Keyring {
    /// Makes new keys in `dir`, which is created where it is missing. `identity_from` is the keys directory of another
    /// data directory: its identity key, and nothing else, is taken over, so that both agree on every keyed hash.
    ///
    /// # Errors
    /// [`Error::Exists`] when there are keys already, [`Error::Random`], [`Error::File`], and what
    /// [`open`](Self::open) of `identity_from` says.
    pub fn create(dir: &Path, rng: &dyn SecureRandom, identity_from: Option<&Path>) -> Result<Self, Error> {
        let (kek_path, sealed_path) = paths(dir);
        for path in [&kek_path, &sealed_path] {
            if path.symlink_metadata().is_ok() {
                return Err(Error::Exists { path: path.clone() });
            }
        }
        let other = identity_from.map(Self::open).transpose()?;
        let mut kek = Zeroizing::new([0u8; 32]);
        fill(rng, &mut *kek)?;
        let mut keys = Self { identity: [0; 32], records: [0; 32], slots: [0; 32], ledger: [0; 16], epoch: 0 };
        fill(rng, &mut keys.records)?;
        fill(rng, &mut keys.slots)?;
        fill(rng, &mut keys.ledger)?;
        match &other {
            Some(other) => keys.identity = other.identity,
            None => fill(rng, &mut keys.identity)?,
        }
        let sealed = keys.seal(&kek, rng)?;

        std::fs::create_dir_all(dir).map_err(failed("create", dir))?;
        let mut text = Zeroizing::new(hex::encode(&*kek));
        text.push('\n');
        replace(&Disk, &kek_path, text.as_bytes(), 0o600).map_err(failed("write", &kek_path))?;
        replace(&Disk, &sealed_path, &sealed, 0o600).map_err(failed("write", &sealed_path))?;
        Ok(keys)
    }

    /// Opens the keys in `dir`.
    ///
    /// # Errors
    /// One variant of [`Error`] for each thing that can be wrong: the KEK missing, looser than 0600, malformed, or
    /// another one; the sealed keys missing, damaged, or of a later format.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let (kek_path, sealed_path) = paths(dir);
        let kek = read_kek(&kek_path)?;
        let bytes = match std::fs::File::open(&sealed_path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::SealedMissing { path: sealed_path });
            }
            opened => read_at_most(opened, SEALED_BYTES + 1).map_err(failed("read", &sealed_path))?,
        };
        Self::unseal(&bytes, &kek, &kek_path, &sealed_path)
    }

    fn seal(&self, kek: &[u8; 32], rng: &dyn SecureRandom) -> Result<Vec<u8>, Error> {
        let mut nonce = [0u8; 12];
        fill(rng, &mut nonce)?;
        let mut secrets = Zeroizing::new([0u8; SECRETS_BYTES]);
        secrets[..32].copy_from_slice(&self.identity);
        secrets[32..64].copy_from_slice(&self.records);
        secrets[64..96].copy_from_slice(&self.slots);
        secrets[96..112].copy_from_slice(&self.ledger);
        secrets[112..].copy_from_slice(&self.epoch.to_le_bytes());

        let mut bytes = Vec::with_capacity(SEALED_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&kek_check(kek, &nonce));
        bytes.extend_from_slice(&nonce);
        let tag = Aes256Gcm::new(kek.into())
            .encrypt_inout_detached(&nonce.into(), &bytes, secrets.as_mut_slice().into())
            .expect("the keys are shorter than 64 GiB");
        bytes.extend_from_slice(&*secrets);
        bytes.extend_from_slice(&tag);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        Ok(bytes)
    }

    fn unseal(bytes: &[u8], kek: &[u8; 32], kek_path: &Path, path: &Path) -> Result<Self, Error> {
        let damaged = |what| Error::SealedDamaged { path: path.to_owned(), what };
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("it does not begin as such a file does"))?;
        let format = rest.first_chunk().map(|bytes| u16::from_le_bytes(*bytes));
        match format {
            Some(FORMAT) => {}
            Some(found) if found > FORMAT => return Err(Error::SealedFormat { path: path.to_owned(), found }),
            _ => return Err(damaged("its format number is none")),
        }
        let (body, crc) = bytes.split_last_chunk::<4>().ok_or_else(|| damaged("it is too short"))?;
        if bytes.len() != SEALED_BYTES {
            return Err(damaged("it has another size than it was written with"));
        }
        if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
            return Err(damaged("its checksum does not match"));
        }
        // INVARIANT: from here on the size is exact, so the splits below cannot fail.
        let (head, rest) = body.split_at(HEAD_BYTES);
        let (ciphertext, tag) = rest.split_at(SECRETS_BYTES);
        let (check, nonce) = head[10..].split_at(16);
        let nonce: [u8; 12] = nonce.try_into().expect("the nonce has 12 bytes by the layout");
        let tag: [u8; 16] = tag.try_into().expect("the tag has 16 bytes by the layout");
        if kek_check(kek, &nonce) != check {
            return Err(Error::KekWrong { kek: kek_path.to_owned(), sealed: path.to_owned() });
        }
        let mut secrets = Zeroizing::new(ciphertext.to_vec());
        Aes256Gcm::new(kek.into())
            .decrypt_inout_detached(&nonce.into(), head, secrets.as_mut_slice().into(), &tag.into())
            .map_err(|_| damaged("it does not open under its key"))?;
        let mut keys = Self { identity: [0; 32], records: [0; 32], slots: [0; 32], ledger: [0; 16], epoch: 0 };
        keys.identity.copy_from_slice(&secrets[..32]);
        keys.records.copy_from_slice(&secrets[32..64]);
        keys.slots.copy_from_slice(&secrets[64..96]);
        keys.ledger.copy_from_slice(&secrets[96..112]);
        keys.epoch = u16::from_le_bytes([secrets[112], secrets[113]]);
        Ok(keys)
    }

    /// The keyed hashes.
    pub fn identity(&self) -> IdentityKey {
        IdentityKey::new(&self.identity)
    }

    /// The keys of records.
    pub fn records(&self) -> RecordKeys {
        RecordKeys::new(&self.records, self.key_epoch())
    }

    /// The keys that hide which records entries are about.
    pub fn slots(&self) -> SlotKeys {
        SlotKeys::new(&self.slots, self.ledger_id())
    }

    /// The ledger that these keys belong to.
    pub fn ledger_id(&self) -> LedgerId {
        LedgerId(self.ledger)
    }

    /// The generation of record keys.
    pub fn key_epoch(&self) -> KeyEpoch {
        KeyEpoch(self.epoch)
    }
}

fn paths(dir: &Path) -> (PathBuf, PathBuf) {
    (dir.join("kek"), dir.join("keys.sealed"))
}

fn fill(rng: &dyn SecureRandom, bytes: &mut [u8]) -> Result<(), Error> {
    rng.fill(bytes).map_err(|_| Error::Random)
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::File { action, path: path.to_owned(), source }
}

fn kek_check(kek: &[u8; 32], nonce: &[u8; 12]) -> [u8; 16] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, kek));
    context.update(CHECK_LABEL);
    context.update(nonce);
    context.sign().as_ref()[..16].try_into().expect("an HMAC-SHA-256 tag has 32 bytes")
}

fn read_kek(path: &Path) -> Result<Zeroizing<[u8; 32]>, Error> {
    let opened = match std::fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::KekMissing { path: path.to_owned() });
        }
        opened => opened.map_err(failed("read", path))?,
    };
    // The mode is that of the opened file, not of whatever the name means a moment later.
    let mode = opened.metadata().map_err(failed("read", path))?.permissions().mode() & 0o7777;
    if mode != 0o600 {
        return Err(Error::KekMode { path: path.to_owned(), mode });
    }
    let text = Zeroizing::new(read_at_most(Ok(opened), 66).map_err(failed("read", path))?);
    let digits = text.strip_suffix(b"\n").unwrap_or_default();
    hex::decode(digits).map(Zeroizing::new).ok_or_else(|| Error::KekMalformed { path: path.to_owned() })
}

fn read_at_most(file: io::Result<std::fs::File>, size_bytes: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(size_bytes);
    file?.take(size_bytes as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
