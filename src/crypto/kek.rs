//! Key-encryption keys: what the operator keeps outside of the keyring, and without which it does not open.
//!
//! ```text
//! file          64 lowercase hexadecimal digits, newline; mode exactly 0600. `keys/kek`, or where the operator says.
//! passphrase    Argon2id (RFC 9106) with 64 MiB, 3 passes, 4 lanes and a random salt. It is taken as its bytes are.
//! command       see `command`
//! ```
//! Which of them it is stands in `state.key`; what the operator offers comes in a [`KekAccess`] and stands nowhere.
//!
//! A key file that is replaced by a new one is replaced in two steps: the new key lies in `NAME.next` before `state.key`
//! names it, and takes the place of the old one after. A file that is not right is therefore looked for there too.

use super::command::KeyCommand;
use super::error::Error;
use super::folder::failed;
use super::key_file::{Argon2Parameters, KeyFile, Provider, check_of};
use crate::encoding::hex;
use crate::encoding::storage::{Storage, replace};
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use argon2::{Algorithm, Argon2, Params, Version};
use ring::rand::SecureRandom;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Bytes of a key file.
pub(super) const KEK_FILE_BYTES: usize = 65;

/// What the operator offers to open keys with; the default is the file `kek` beside them.
///
/// Nothing here reads the environment. The names for who does are `ONEFOLD_KEK_FILE`, `ONEFOLD_PASSPHRASE` or
/// `ONEFOLD_PASSPHRASE_FILE`, and `ONEFOLD_KEK_COMMAND`.
#[derive(Clone, Default)]
pub struct KekAccess {
    /// Where the key file is, unless it is `kek` in the folder of the keys.
    pub file: Option<PathBuf>,
    /// The passphrase.
    pub passphrase: Option<Zeroizing<String>>,
    /// A program and its first arguments, split at spaces, that is called with `wrap` or `unwrap` as the last.
    pub command: Option<String>,
}

/// Under what kind of key-encryption key keys are put.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NewKek {
    /// The key in a file: the one that is there, or a new one where none is. When the keys are under that very key
    /// already, it is replaced by a new one.
    #[default]
    File,
    /// One that is made of the passphrase.
    Passphrase,
    /// One that a command uses for us.
    Command,
}

impl fmt::Display for NewKek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Passphrase => "passphrase",
            Self::Command => "command",
        })
    }
}

/// A key-encryption key at hand; wiped on drop.
pub(super) enum Kek {
    File {
        /// Where it is.
        path: PathBuf,
        key: Zeroizing<[u8; 32]>,
        /// Whether it still lies in `NAME.next`.
        is_next: bool,
    },
    Passphrase {
        parameters: Argon2Parameters,
        key: Zeroizing<[u8; 32]>,
    },
    Command(KeyCommand),
}

impl Kek {
    /// The one that keys are to be put under. `current` is the one that they are under already.
    pub fn make(
        new: NewKek,
        dir: &Path,
        access: &KekAccess,
        current: Option<&Self>,
        storage: &dyn Storage,
        rng: &dyn SecureRandom,
    ) -> Result<Self, Error> {
        let sealed = || dir.join(super::folder::KEY_NAME);
        match new {
            NewKek::File => Self::make_file(file_path(dir, access), current, storage, rng),
            NewKek::Passphrase => {
                let passphrase = passphrase(access).ok_or_else(|| Error::PassphraseMissing { sealed: sealed() })?;
                let parameters = Argon2Parameters::recommended(random(rng)?);
                Ok(Self::Passphrase { key: derive(passphrase, &parameters, &sealed())?, parameters })
            }
            NewKek::Command => command(access, &sealed()).map(Self::Command),
        }
    }

    fn make_file(
        path: PathBuf,
        current: Option<&Self>,
        storage: &dyn Storage,
        rng: &dyn SecureRandom,
    ) -> Result<Self, Error> {
        let is_next = match read_file(&path) {
            Ok(key) => match current {
                Some(Self::File { key: current, .. }) if **current == *key => true,
                _ => return Ok(Self::File { path, key, is_next: false }),
            },
            Err(Error::KekMissing { .. }) => false,
            Err(error) => return Err(error),
        };
        let key = Zeroizing::new(random(rng)?);
        let mut text = Zeroizing::new(String::with_capacity(KEK_FILE_BYTES));
        text.push_str(&Zeroizing::new(hex::encode(&*key)));
        text.push('\n');
        let place = if is_next { next_path(&path) } else { path.clone() };
        replace(storage, &place, text.as_bytes(), 0o600).map_err(failed("write", &place))?;
        Ok(Self::File { path, key, is_next })
    }

    /// The one that `file`, read from `sealed`, says.
    pub fn open(file: &KeyFile, dir: &Path, access: &KekAccess, sealed: &Path) -> Result<Self, Error> {
        match file.provider {
            Provider::File => Self::open_file(file, file_path(dir, access), sealed),
            Provider::Passphrase(parameters) => {
                let missing = || Error::PassphraseMissing { sealed: sealed.to_owned() };
                let key = derive(passphrase(access).ok_or_else(missing)?, &parameters, sealed)?;
                if check_of(&key, &file.nonce) == file.check {
                    Ok(Self::Passphrase { parameters, key })
                } else {
                    Err(Error::PassphraseWrong { sealed: sealed.to_owned() })
                }
            }
            Provider::Command => command(access, sealed).map(Self::Command),
        }
    }

    fn open_file(file: &KeyFile, path: PathBuf, sealed: &Path) -> Result<Self, Error> {
        let is_right = |key: &Zeroizing<[u8; 32]>| check_of(key, &file.nonce) == file.check;
        let found = read_file(&path);
        if let Ok(key) = found.as_ref()
            && is_right(key)
        {
            return Ok(Self::File { path, key: key.clone(), is_next: false });
        }
        match read_file(&next_path(&path)) {
            Ok(key) if is_right(&key) => Ok(Self::File { path, key, is_next: true }),
            _ => Err(found.err().unwrap_or(Error::KekWrong { kek: path, sealed: sealed.to_owned() })),
        }
    }

    /// Whether it is the key file of this name.
    pub fn is_at(&self, place: &Path) -> bool {
        matches!(self, Self::File { path, .. } if path == place)
    }

    /// What `state.key` says about it.
    pub fn provider(&self) -> Provider {
        match self {
            Self::File { .. } => Provider::File,
            Self::Passphrase { parameters, .. } => Provider::Passphrase(*parameters),
            Self::Command(_) => Provider::Command,
        }
    }

    /// Fills in check, nonce and wrapped key.
    pub fn wrap(&self, state_key: &[u8; 32], file: &mut KeyFile, rng: &dyn SecureRandom) -> Result<(), Error> {
        file.provider = self.provider();
        file.nonce = random(rng)?;
        match self {
            Self::File { key, .. } | Self::Passphrase { key, .. } => {
                file.check = check_of(key, &file.nonce);
                let mut text = Zeroizing::new(*state_key);
                let tag = Aes256Gcm::new((&**key).into())
                    .encrypt_inout_detached(&file.nonce.into(), &file.head(WRAPPED_BYTES), text.as_mut_slice().into())
                    .expect("a key is shorter than 64 GiB");
                file.wrapped = [text.as_slice(), &tag].concat();
            }
            Self::Command(command) => {
                file.check = check_of(state_key, &file.nonce);
                file.wrapped = command.wrap(state_key)?;
            }
        }
        Ok(())
    }

    /// The state key that `file`, read from `sealed`, holds.
    pub fn unwrap(&self, file: &KeyFile, sealed: &Path) -> Result<Zeroizing<[u8; 32]>, Error> {
        let damaged = || Error::SealedDamaged { path: sealed.to_owned(), what: "its key does not unwrap" };
        match self {
            Self::File { key, .. } | Self::Passphrase { key, .. } => {
                let (text, tag) = file.wrapped.split_last_chunk::<16>().ok_or_else(damaged)?;
                let mut text = Zeroizing::new(<[u8; 32]>::try_from(text).map_err(|_| damaged())?);
                Aes256Gcm::new((&**key).into())
                    .decrypt_inout_detached(
                        &file.nonce.into(),
                        &file.head(WRAPPED_BYTES),
                        text.as_mut_slice().into(),
                        tag.into(),
                    )
                    .map_err(|_| damaged())?;
                Ok(text)
            }
            Self::Command(command) => {
                let key = command.unwrap(&file.wrapped)?;
                let is_right = check_of(&key, &file.nonce) == file.check;
                if is_right { Ok(key) } else { Err(Error::CommandWrong { sealed: sealed.to_owned() }) }
            }
        }
    }
}

/// Bytes of a state key that AES-256-GCM wrapped.
const WRAPPED_BYTES: u16 = 32 + 16;

/// Random bytes.
pub(super) fn random<const N: usize>(rng: &dyn SecureRandom) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    rng.fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}

/// `NAME.next` beside `NAME`.
pub(super) fn next_path(path: &Path) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(".next");
    PathBuf::from(name)
}

/// Where the key file is when the operator does not say.
pub(super) fn default_path(dir: &Path) -> PathBuf {
    dir.join("kek")
}

fn file_path(dir: &Path, access: &KekAccess) -> PathBuf {
    access.file.clone().unwrap_or_else(|| default_path(dir))
}

fn passphrase(access: &KekAccess) -> Option<&str> {
    access.passphrase.as_ref().map(|text| text.as_str()).filter(|text| !text.is_empty())
}

fn command(access: &KekAccess, sealed: &Path) -> Result<KeyCommand, Error> {
    let missing = || Error::CommandMissing { sealed: sealed.to_owned() };
    access.command.as_deref().and_then(KeyCommand::new).ok_or_else(missing)
}

/// The KEK that a passphrase makes.
fn derive(passphrase: &str, parameters: &Argon2Parameters, sealed: &Path) -> Result<Zeroizing<[u8; 32]>, Error> {
    let damaged = || Error::SealedDamaged {
        path: sealed.to_owned(),
        what: "its Argon2id parameters give no key, or more memory than there is",
    };
    let mut key = Zeroizing::new([0; 32]);
    let Argon2Parameters { memory_kib, passes, lanes, salt } = parameters;
    let bounds = Params::new(*memory_kib, *passes, *lanes, Some(key.len())).map_err(|_| damaged())?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, bounds)
        .hash_password_into(passphrase.as_bytes(), salt, &mut *key)
        .map_err(|_| damaged())?;
    Ok(key)
}

fn read_file(path: &Path) -> Result<Zeroizing<[u8; 32]>, Error> {
    let opened = match File::open(path) {
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
    let mut text = Zeroizing::new(Vec::with_capacity(KEK_FILE_BYTES + 1));
    opened.take(KEK_FILE_BYTES as u64 + 1).read_to_end(&mut text).map_err(failed("read", path))?;
    let digits = text.strip_suffix(b"\n").unwrap_or_default();
    hex::decode(digits).map(Zeroizing::new).ok_or_else(|| Error::KekMalformed { path: path.to_owned() })
}
