//! The bytes of `state.key`: which state file is in force, and its key, wrapped by the key-encryption key (KEK).
//!
//! ```text
//! state.key      magic "OFKEYS\r\n" 8 | format u16 = 2 | generation u64
//!                | size of the state file u64 | SHA-256 of the state file 32
//!                | provider u8 | parameters 28 | check 16 | nonce 12 | size of what is wrapped u16
//!                | wrapped state key | crc32c u32
//! provider       1 file, 2 passphrase, 3 command
//! parameters     2: memory in KiB u32 | passes u32 | lanes u32 | salt 16; 1 and 3: zeros
//! wrapped        1, 2: state key 32 | tag 16, AES-256-GCM (NIST SP 800-38D) under the KEK, with all bytes before it as
//!                associated data; 3: what the command gave, 1 to 2,048 bytes
//! check          first half of HMAC-SHA-256(key, "onefold/kek-check/v2" ‖ nonce); the key is the KEK of 1 and 2, and the
//!                state key itself of 3, whose KEK nobody sees
//! ```
//! Numbers are little-endian. The check tells a wrong KEK from a damaged file and commits to the KEK, which AES-GCM does
//! not. The CRC is over all before it.

use super::error::Error;
use super::ids::Generation;
use ring::hmac;
use std::path::Path;

const MAGIC: &[u8; 8] = b"OFKEYS\r\n";
/// The format of `state.key` and of state files that is written and read.
pub(super) const FORMAT: u16 = 2;
const CHECK_LABEL: &[u8] = b"onefold/kek-check/v2";
/// Most that a command may give for a wrapped key.
pub(super) const WRAPPED_BYTES_MAX: usize = 2048;
/// What stands before the wrapped key.
const HEAD_BYTES: usize = 8 + 2 + 8 + 8 + 32 + 1 + PARAMETER_BYTES + 16 + 12 + 2;
const PARAMETER_BYTES: usize = 28;
/// The largest such file.
pub(super) const FILE_BYTES_MAX: usize = HEAD_BYTES + WRAPPED_BYTES_MAX + 4;

/// Of what Argon2id (RFC 9106) makes a KEK from a passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Argon2Parameters {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
    pub salt: [u8; 16],
}

impl Argon2Parameters {
    /// The second recommended choice of RFC 9106, section 4.
    pub fn recommended(salt: [u8; 16]) -> Self {
        Self { memory_kib: 64 << 10, passes: 3, lanes: 4, salt }
    }

    /// Whether they ask for no more memory or time than a sound file does: 1 GiB, 16 passes, 16 lanes.
    pub fn are_bounded(&self) -> bool {
        (8 << 10..=1 << 20).contains(&self.memory_kib)
            && (1..=16).contains(&self.passes)
            && (1..=16).contains(&self.lanes)
    }
}

/// Who keeps the KEK, with what else is needed to get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provider {
    File,
    Passphrase(Argon2Parameters),
    Command,
}

/// What `state.key` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyFile {
    pub generation: Generation,
    pub state_bytes: u64,
    pub state_digest: [u8; 32],
    pub provider: Provider,
    pub check: [u8; 16],
    pub nonce: [u8; 12],
    pub wrapped: Vec<u8>,
}

impl KeyFile {
    /// What stands before the wrapped key of `size` bytes: its associated data.
    pub fn head(&self, size: u16) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FILE_BYTES_MAX);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&self.generation.0.to_le_bytes());
        bytes.extend_from_slice(&self.state_bytes.to_le_bytes());
        bytes.extend_from_slice(&self.state_digest);
        let (number, parameters) = self.provider.to_bytes();
        bytes.push(number);
        bytes.extend_from_slice(&parameters);
        bytes.extend_from_slice(&self.check);
        bytes.extend_from_slice(&self.nonce);
        bytes.extend_from_slice(&size.to_le_bytes());
        bytes
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let size = u16::try_from(self.wrapped.len()).expect("what is wrapped was checked to have at most 2,048 bytes");
        let mut bytes = self.head(size);
        bytes.extend_from_slice(&self.wrapped);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    /// What the bytes of `path` say.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, Error> {
        let damaged = |what| Error::SealedDamaged { path: path.to_owned(), what };
        let rest = check_format(bytes, MAGIC, path)?;
        let (body, crc) = bytes.split_last_chunk::<4>().ok_or_else(|| damaged("it is too short"))?;
        if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
            return Err(damaged("its checksum does not match"));
        }
        let rest = rest.get(..rest.len().saturating_sub(4)).unwrap_or_default();
        let file = Self::read(rest).ok_or_else(|| damaged("its content has another size than it says"))?;
        if let Provider::Passphrase(parameters) = &file.provider
            && !parameters.are_bounded()
        {
            return Err(damaged("its Argon2id parameters are out of bounds"));
        }
        // What this version would not write the same is nothing that it wrote.
        if file.to_bytes() == bytes { Ok(file) } else { Err(damaged("it says what is never written")) }
    }

    /// What comes between format and checksum.
    fn read(mut rest: &[u8]) -> Option<Self> {
        let generation = Generation(u64::from_le_bytes(take(&mut rest)?));
        let state_bytes = u64::from_le_bytes(take(&mut rest)?);
        let state_digest = take(&mut rest)?;
        let [number] = take(&mut rest)?;
        let provider = Provider::from_bytes(number, take(&mut rest)?)?;
        let check = take(&mut rest)?;
        let nonce = take(&mut rest)?;
        let size = usize::from(u16::from_le_bytes(take(&mut rest)?));
        let sound = size == rest.len() && (1..=WRAPPED_BYTES_MAX).contains(&size);
        sound.then(|| Self { generation, state_bytes, state_digest, provider, check, nonce, wrapped: rest.to_vec() })
    }
}

impl Provider {
    fn to_bytes(self) -> (u8, [u8; PARAMETER_BYTES]) {
        let mut bytes = [0; PARAMETER_BYTES];
        let number = match self {
            Self::File => 1,
            Self::Command => 3,
            Self::Passphrase(Argon2Parameters { memory_kib, passes, lanes, salt }) => {
                bytes[..4].copy_from_slice(&memory_kib.to_le_bytes());
                bytes[4..8].copy_from_slice(&passes.to_le_bytes());
                bytes[8..12].copy_from_slice(&lanes.to_le_bytes());
                bytes[12..].copy_from_slice(&salt);
                2
            }
        };
        (number, bytes)
    }

    fn from_bytes(number: u8, bytes: [u8; PARAMETER_BYTES]) -> Option<Self> {
        let mut rest = &bytes[..];
        match number {
            1 => Some(Self::File),
            2 => Some(Self::Passphrase(Argon2Parameters {
                memory_kib: u32::from_le_bytes(take(&mut rest)?),
                passes: u32::from_le_bytes(take(&mut rest)?),
                lanes: u32::from_le_bytes(take(&mut rest)?),
                salt: take(&mut rest)?,
            })),
            3 => Some(Self::Command),
            _ => None,
        }
    }
}

/// Checks magic and format number, and gives what comes after them.
pub(super) fn check_format<'b>(bytes: &'b [u8], magic: &[u8; 8], path: &Path) -> Result<&'b [u8], Error> {
    let damaged = |what| Error::SealedDamaged { path: path.to_owned(), what };
    let rest = bytes.strip_prefix(magic).ok_or_else(|| damaged("it does not begin as such a file does"))?;
    match rest.split_first_chunk().map(|(format, rest)| (u16::from_le_bytes(*format), rest)) {
        Some((FORMAT, rest)) => Ok(rest),
        Some((found, _)) if found > FORMAT => Err(Error::SealedFormat { path: path.to_owned(), found }),
        _ => Err(damaged("its format number is none")),
    }
}

/// Takes the first `N` bytes off.
pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*first)
}

/// What shows that a key is the right one and shows nothing else about it.
pub(super) fn check_of(key: &[u8; 32], nonce: &[u8; 12]) -> [u8; 16] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    context.update(CHECK_LABEL);
    context.update(nonce);
    context.sign().as_ref()[..16].try_into().expect("an HMAC-SHA-256 tag has 32 bytes")
}
