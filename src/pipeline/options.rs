//! What the engine is given when a data directory is made or opened: what opens the keys, what time it is, where random
//! bytes come from, and what is written to. It asks for none of these by itself.

use super::clock::{Clock, SystemClock};
use crate::crypto::{KekAccess, NewKek};
use crate::encoding::storage::{Disk, Storage};
use ring::rand::{SecureRandom, SystemRandom};
use std::path::PathBuf;
use std::sync::Arc;

/// How a data directory is made.
pub struct InitOptions {
    /// Another data directory whose identity key is taken over, so that both agree on ids to the byte.
    pub identity_from: Option<PathBuf>,
    /// What opens that directory's keys.
    pub identity_access: KekAccess,
    /// Under what kind of key-encryption key the new keys are put.
    pub kek: NewKek,
    /// Where that key is.
    pub access: KekAccess,
    /// What time entries are stamped with.
    pub clock: Box<dyn Clock>,
    /// Where keys and salts come from.
    pub random: Box<dyn SecureRandom>,
    /// What ledger and keys are written to.
    pub storage: Arc<dyn Storage>,
}

impl Default for InitOptions {
    fn default() -> Self {
        Self {
            identity_from: None,
            identity_access: KekAccess::default(),
            kek: NewKek::default(),
            access: KekAccess::default(),
            clock: Box::new(SystemClock),
            random: Box::new(SystemRandom::new()),
            storage: Arc::new(Disk),
        }
    }
}

/// How a data directory is opened.
pub struct OpenOptions {
    /// What opens the keys.
    pub access: KekAccess,
    /// What time entries are stamped with.
    pub clock: Box<dyn Clock>,
    /// Where salts come from.
    pub random: Box<dyn SecureRandom>,
    /// What ledger and keys are written to.
    pub storage: Arc<dyn Storage>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            access: KekAccess::default(),
            clock: Box::new(SystemClock),
            random: Box::new(SystemRandom::new()),
            storage: Arc::new(Disk),
        }
    }
}
