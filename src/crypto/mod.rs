//! Keys: the keyring on disk, the keyed hashes of identifiers and values, the key of each record and entry, and the
//! sealing of payloads.
//!
//! ```text
//! KEK (file, passphrase, command) ─▶ state key ─▶ state: identity key ─▶ keyed hashes
//!  kek, command       key_file        state_file         slot master ─▶ slots of entries
//!                                                        tombstone key, signing seeds
//!                                                        a tree a key epoch ─▶ record keys ─▶ entry keys
//!                                                         puncture              records        seal
//! ```
//! Nothing here writes personal data, prints a key, or draws randomness on its own: the source of it is passed in.
//!
//! INVARIANT: every key has one use. Those of different uses are derived under different labels, and an entry's key
//! seals one payload, ever.

mod command;
mod error;
mod folder;
mod hkdf;
mod identity;
mod ids;
mod kek;
mod key_file;
mod keyring;
mod puncture;
mod records;
mod reread;
mod seal;
mod secret;
mod state_file;
mod tombstone;

pub use error::{CommandFault, Error};
pub use identity::IdentityKey;
pub use ids::{Generation, KeyEpoch, LedgerId};
pub use kek::{KekAccess, NewKek};
pub use keyring::{Keyring, SigningSeeds, Status};
pub use puncture::PunctureTree;
pub use records::{EntryContext, RecordKey, RecordKeys, SlotKey, SlotKeys, WriterSalt};
#[doc(hidden)]
pub use reread::{reread_key_file, reread_state};
pub use seal::{COMMITMENT_BYTES, EntryKey, TAG_BYTES};
pub use tombstone::{Tombstone, TombstoneKey};
