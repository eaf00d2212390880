//! The signed head of a ledger that nobody writes to: signing it when the ledger has grown, and keeping what witnesses
//! say of it.
//!
//! Nothing is appended here, so that signing a ledger which stands still changes nothing but its checkpoint.
//!
//! INVARIANT: what is signed is the root over all entries there are, found to go on from the checkpoint before; a
//! checkpoint over the same entries keeps the signatures that others gave it.

use super::checkpoint::{self, file};
use super::error::Error;
use super::state::State;
use super::tree::Digest;
use super::walk::Walk;
use crate::crypto::{Keyring, LedgerId};
use crate::encoding::storage::Storage;
use crate::tlog::{Checkpoint, SignedNote, SigningKey, VerifierKey, cosigned_at};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The head of a ledger, with what signs it.
pub struct Head {
    dir: PathBuf,
    storage: Arc<dyn Storage>,
    ledger: LedgerId,
    size: u64,
    root: Digest,
    signing: Vec<SigningKey>,
    published: Option<Vec<u8>>,
}

/// A witness that has cosigned a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// The name of its key.
    pub name: String,
    /// When it says that it saw the checkpoint, seconds since 1970.
    pub time_s: u64,
}

impl Head {
    /// Finds the head of the ledger in `dir`, from the remembered commit or from the first entry. `None` when it must be
    /// opened for writing first: entries are to be computed again, or the key that signs is not recorded yet.
    ///
    /// # Errors
    /// [`Error::OtherLedger`], [`Error::Checkpoint`], [`Error::OtherRoot`] and [`Error::UnderCheckpoint`] when the ledger
    /// does not go on from its checkpoint, [`Error::Damaged`], [`Error::Keys`], [`Error::File`].
    pub fn open(
        dir: &Path,
        keys: &Keyring,
        storage: Arc<dyn Storage>,
        state: Option<&State>,
    ) -> Result<Option<Self>, Error> {
        let (expected, signing) = (keys.ledger_id(), keys.signing()?);
        let mut walk = match state {
            None => Walk::from_start(dir)?,
            Some(state) => Walk::from_state(dir, state)?,
        };
        if walk.chain.ledger != expected {
            return Err(Error::OtherLedger { expected, found: walk.chain.ledger });
        }
        let published = checkpoint::read(dir)?;
        let mut signed = 0;
        if let Some(bytes) = &published {
            let verifiers: Vec<VerifierKey> = signing.iter().map(|key| key.verifier().clone()).collect();
            let before = checkpoint::open(&file(dir), bytes, expected, &verifiers)?;
            signed = before.size();
            walk.expect(signed, *before.root())?;
        }
        walk.run(|_| Ok(()))?;
        let (size, root) = (walk.chain.tree.size(), walk.chain.tree.root());
        if signed > size {
            return Err(Error::UnderCheckpoint { size, signed, torn: None });
        }
        let is_recorded = walk.chain.signing.as_ref() == signing.first().map(|key| key.verifier().key());
        if walk.derived.is_some() || !is_recorded {
            return Ok(None);
        }
        Ok(Some(Self { dir: dir.to_owned(), storage, ledger: expected, size, root, signing, published }))
    }

    /// How many entries there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root over all of them.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.root
    }

    /// The checkpoint over all entries: the one that stands there, or a new one, durably in its place.
    ///
    /// # Errors
    /// [`Error::CheckpointMoved`] when somebody else wrote it since, [`Error::File`].
    pub fn sign(&mut self) -> Result<Vec<u8>, Error> {
        let note = checkpoint::sign(self.ledger, self.size, self.root, &self.signing)?;
        if let Some(bytes) = &self.published
            && let Ok(before) = SignedNote::parse(bytes)
            && before.text() == note.text()
            && self.signing.iter().all(|key| before.signatures().iter().any(|made| made.is_of(key.verifier())))
        {
            return Ok(bytes.clone());
        }
        self.put(note.to_text().into_bytes())
    }

    /// Adds to the checkpoint the signatures of these witnesses that stand in copies of it, each told with its file.
    ///
    /// # Errors
    /// [`Error::NotCurrent`] when a copy is over other entries than the checkpoint, [`Error::Checkpoint`] when there is
    /// no checkpoint, or none of the witnesses has signed a copy, or one did not; then nothing is kept. Else as
    /// [`sign`](Self::sign).
    pub fn cosign(
        &mut self,
        copies: &[(PathBuf, Vec<u8>)],
        witnesses: &[VerifierKey],
    ) -> Result<(Vec<u8>, Vec<Witnessed>), Error> {
        let place = file(&self.dir);
        let refused = |path: &Path, what: String| Error::Checkpoint { path: path.to_owned(), what };
        let bytes = self.published.as_deref().ok_or_else(|| refused(&place, "there is none yet".to_owned()))?;
        let mut note = SignedNote::parse(bytes)?;
        let mut witnessed = Vec::new();
        for (path, bytes) in copies {
            let wrong = |error: crate::tlog::Error| refused(path, error.to_string());
            let copy = SignedNote::parse(bytes).map_err(wrong)?;
            if copy.text() != note.text() {
                let found = Checkpoint::parse(copy.text().as_bytes()).map_err(wrong)?;
                let current = Checkpoint::parse(note.text().as_bytes())?.size();
                return Err(Error::NotCurrent { path: path.clone(), size: found.size(), current });
            }
            let before = witnessed.len();
            for witness in witnesses {
                let Some(time_s) = cosigned_at(&copy, witness).map_err(wrong)? else { continue };
                let made = copy.signatures().iter().filter(|signature| signature.is_of(witness));
                for signature in made {
                    note.add(signature.clone())?;
                }
                witnessed.push(Witnessed { name: witness.name().to_owned(), time_s });
            }
            if witnessed.len() == before {
                return Err(refused(path, "no witness whose key was given has cosigned it".to_owned()));
            }
        }
        let bytes = self.put(note.to_text().into_bytes())?;
        Ok((bytes, witnessed))
    }

    fn put(&mut self, note: Vec<u8>) -> Result<Vec<u8>, Error> {
        checkpoint::swap(&*self.storage, &self.dir, self.published.as_deref(), &note)?;
        self.published = Some(note.clone());
        Ok(note)
    }
}
