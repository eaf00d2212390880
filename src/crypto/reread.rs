//! Bytes of any origin read as key files and as what a state holds, and what was read written again: for tests that feed
//! the readers with anything at all and hold what is accepted against what would be written.
//!
//! INVARIANT: it reads with what the keyring reads with, and nothing but tests calls it.

use super::ids::Generation;
use super::key_file::{KeyFile, take};
use super::state_file;
use std::path::Path;

/// The `state.key` that these bytes are, as it would be written; `None` when they are none.
pub fn reread_key_file(bytes: &[u8]) -> Option<Vec<u8>> {
    KeyFile::from_bytes(bytes, Path::new("state.key")).ok().map(|file| file.to_bytes())
}

/// The trees of the state that these bytes are in clear, as they would be written, with nothing between them; `None` when
/// they are none. The generation is the one that they say.
pub fn reread_state(bytes: &[u8]) -> Option<Vec<u8>> {
    let generation = Generation(u64::from_le_bytes(take(&mut &*bytes)?));
    let (_, trees) = state_file::read(bytes, generation)?;
    Some(trees.iter().flat_map(|tree| tree.to_bytes().to_vec()).collect())
}
