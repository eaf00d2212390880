//! The chain of leaves: what every entry must agree with, and what it changes for those after it.
//!
//! Writer, recovery and verifier all take entries in by [`Chain::absorb`], so nothing is written that would not verify,
//! and nothing verifies that the writer would not have written. It needs no keys.
//!
//! INVARIANT: after `n` entries `head` is the leaf of the last of them, `tree` has `n` leaves, and `run` is what the
//! last open or policy entry said.

use super::error::{Damage, shown};
use super::kind::{Header, Kind};
use super::leaf::{Logical, body_digest};
use super::padding;
use super::payload::{Commit, KeyChange, Open, PolicyPart};
use super::tree::{Digest, Peaks, to_array};
use super::wire;
use crate::crypto::{KeyEpoch, LedgerId, TAG_BYTES, WriterSalt};
use crate::model::{Epoch, Sequence};
use ring::digest::{Context, SHA256};
use ring::signature::{ED25519, UnparsedPublicKey};

/// An Ed25519 public key (RFC 8032).
pub(super) type PublicKey = [u8; 32];

/// What is the same for all entries from one open or policy entry to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) number: u32,
    pub(super) salt: WriterSalt,
    pub(super) key_epoch: KeyEpoch,
    /// Of the bundle in force; zeros before the first.
    pub(super) policy: Digest,
    /// Bound by every leaf and every payload of the run.
    pub(super) digest: Digest,
}

impl Run {
    pub(super) fn new(ledger: LedgerId, number: u32, salt: WriterSalt, key_epoch: KeyEpoch, policy: Digest) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(b"onefold/run/v1");
        context.update(&ledger.0);
        context.update(&salt.0);
        context.update(&number.to_le_bytes());
        context.update(&key_epoch.0.to_le_bytes());
        context.update(&policy);
        Self { number, salt, key_epoch, policy, digest: to_array(context.finish()) }
    }

    /// The run that an open entry begins; the bundle in force stays.
    pub(super) fn opened(ledger: LedgerId, before: Option<&Self>, open: &Open) -> Self {
        Self::new(ledger, open.run, open.salt, open.key_epoch, before.map_or([0; 32], |run| run.policy))
    }

    /// The run that the last part of a bundle begins; `None` after 2^32 runs.
    pub(super) fn with_policy(&self, ledger: LedgerId, policy: Digest) -> Option<Self> {
        Some(Self::new(ledger, self.number.checked_add(1)?, self.salt, self.key_epoch, policy))
    }
}

/// The parts of a bundle that are still to come.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Series {
    digest: Digest,
    next: u16,
    parts: u16,
}

/// The state of the chain after some entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) ledger: LedgerId,
    pub(super) head: Digest,
    pub(super) tree: Peaks,
    pub(super) run: Option<Run>,
    pub(super) epoch: Epoch,
    /// The first entry after the last commit.
    pub(super) first: Sequence,
    /// The key that signs checkpoints, as the last key entry says.
    pub(super) signing: Option<PublicKey>,
    series: Option<Series>,
}

impl Chain {
    /// The chain before the first entry.
    pub(super) fn new(ledger: LedgerId) -> Self {
        Self::after_commit(ledger, [0; 32], Peaks::default(), None, Epoch(0), None)
    }

    /// The chain right after a commit.
    pub(super) fn after_commit(
        ledger: LedgerId,
        head: Digest,
        tree: Peaks,
        run: Option<Run>,
        epoch: Epoch,
        signing: Option<PublicKey>,
    ) -> Self {
        let first = Sequence(tree.size());
        Self { ledger, head, tree, run, epoch, first, signing, series: None }
    }

    /// The sequence of the next entry.
    pub(super) fn next(&self) -> Sequence {
        Sequence(self.tree.size())
    }

    /// What the commit of `epoch` says when it is the next entry.
    pub(super) fn commit(&self, epoch: Epoch) -> Commit {
        Commit { epoch, size: self.tree.size(), root: self.tree.root(), head: self.head, first: self.first }
    }

    /// Takes in the next entry. After an error the chain is as before.
    pub(super) fn absorb(&mut self, stored: &[u8]) -> Result<Header, Damage> {
        let (header, body) = Header::read(stored)?;
        self.absorb_read(&header, body)?;
        Ok(header)
    }

    /// Takes in the next entry, which was read into its header and its body. After an error the chain is as before.
    pub(super) fn absorb_read(&mut self, header: &Header, body: &[u8]) -> Result<(), Damage> {
        if header.sequence != self.next() {
            return Err(Damage::Sequence { expected: self.next(), found: header.sequence });
        }
        match header.kind {
            Kind::Open => self.absorb_open(header, body),
            Kind::Policy => self.absorb_policy(header, body),
            _ => self.absorb_other(header, body),
        }
    }

    fn absorb_other(&mut self, header: &Header, body: &[u8]) -> Result<(), Damage> {
        let run = self.check_run(header)?.digest;
        if self.series.is_some() {
            return Err(Damage::PolicyPart);
        }
        let unreadable = Damage::Payload { kind: header.kind };
        match header.kind {
            Kind::Commit => {
                let epoch = self.check_commit(body)?;
                self.link(&run, header, body)?;
                self.epoch = epoch;
                self.first = self.next();
            }
            Kind::Key => {
                let change = wire::read_key(body).ok_or(unreadable)?;
                check_key(self.ledger, self.signing.as_ref(), &change)?;
                self.link(&run, header, body)?;
                self.signing = Some(change.public);
            }
            Kind::Tick | Kind::Erasure | Kind::Redaction => {
                wire::read(header.kind, body).ok_or(unreadable)?;
                self.link(&run, header, body)?;
            }
            _ => {
                // INVARIANT: the header of a sealed entry was only read because a tag follows it.
                let size_bytes = body.len() - TAG_BYTES;
                if padding::bucket(size_bytes) != Some(size_bytes) {
                    return Err(Damage::Padding);
                }
                self.link(&run, header, body)?;
            }
        }
        Ok(())
    }

    fn link(&mut self, run: &Digest, header: &Header, body: &[u8]) -> Result<(), Damage> {
        let body = body_digest(header, body)?;
        self.head = Logical::new(&self.head, run, header, &body).leaf();
        self.tree.push(self.head);
        Ok(())
    }

    fn check_run(&self, header: &Header) -> Result<&Run, Damage> {
        let run = self.run.as_ref().ok_or(Damage::NotOpened)?;
        if header.run != run.number {
            return Err(Damage::Run { expected: run.number, found: header.run });
        }
        if header.key_epoch != run.key_epoch {
            return Err(Damage::KeyEpoch { expected: run.key_epoch.0, found: header.key_epoch.0 });
        }
        Ok(run)
    }

    fn absorb_open(&mut self, header: &Header, body: &[u8]) -> Result<(), Damage> {
        let open = wire::read_open(body).ok_or(Damage::Payload { kind: Kind::Open })?;
        if open.ledger != self.ledger {
            return Err(Damage::OtherLedger);
        }
        let expected = match &self.run {
            None => 0,
            Some(run) => run.number.checked_add(1).ok_or(Damage::Payload { kind: Kind::Open })?,
        };
        for found in [header.run, open.run] {
            if found != expected {
                return Err(Damage::Run { expected, found });
            }
        }
        if header.key_epoch != open.key_epoch {
            return Err(Damage::KeyEpoch { expected: open.key_epoch.0, found: header.key_epoch.0 });
        }
        let run = Run::opened(self.ledger, self.run.as_ref(), &open);
        self.link(&run.digest, header, body)?;
        self.run = Some(run);
        // A writer that stopped between the parts of a bundle leaves them without effect.
        self.series = None;
        Ok(())
    }

    fn absorb_policy(&mut self, header: &Header, body: &[u8]) -> Result<(), Damage> {
        let part = wire::read_policy(body).ok_or(Damage::Payload { kind: Kind::Policy })?;
        self.check_part(&part)?;
        let before = self.run.as_ref().ok_or(Damage::NotOpened)?;
        if part.part < part.parts {
            let digest = self.check_run(header)?.digest;
            self.link(&digest, header, body)?;
            self.series = Some(Series { digest: part.digest, next: part.part + 1, parts: part.parts });
            return Ok(());
        }
        let run = before
            .with_policy(self.ledger, part.digest)
            .ok_or(Damage::Run { expected: before.number, found: header.run })?;
        if header.run != run.number {
            return Err(Damage::Run { expected: run.number, found: header.run });
        }
        if header.key_epoch != run.key_epoch {
            return Err(Damage::KeyEpoch { expected: run.key_epoch.0, found: header.key_epoch.0 });
        }
        self.link(&run.digest, header, body)?;
        self.run = Some(run);
        self.series = None;
        Ok(())
    }

    fn check_part(&self, part: &PolicyPart) -> Result<(), Damage> {
        let follows = match &self.series {
            None => part.part == 1,
            Some(series) => part.part == series.next && part.parts == series.parts && part.digest == series.digest,
        };
        if follows { Ok(()) } else { Err(Damage::PolicyPart) }
    }

    fn check_commit(&self, payload: &[u8]) -> Result<Epoch, Damage> {
        let found = wire::read_commit(payload).ok_or(Damage::Payload { kind: Kind::Commit })?;
        let expected = self.commit(found.epoch);
        if found.epoch <= self.epoch {
            return Err(Damage::commit("epoch", format_args!("above {}", self.epoch), found.epoch));
        }
        if found.size != expected.size {
            return Err(Damage::commit("size", expected.size, found.size));
        }
        if found.first != expected.first {
            return Err(Damage::commit("first", expected.first, found.first));
        }
        if found.head != expected.head {
            return Err(Damage::commit("head", shown(&expected.head), shown(&found.head)));
        }
        if found.root != expected.root {
            return Err(Damage::commit("root", shown(&expected.root), shown(&found.root)));
        }
        Ok(found.epoch)
    }
}

/// The text that a key entry has two signatures of: by the key before and by the new one.
pub(super) fn key_text(ledger: LedgerId, previous: Option<&PublicKey>, public: &PublicKey) -> String {
    let previous = previous.map_or_else(|| "none".to_owned(), shown);
    format!("onefold/key/v1\nledger {ledger}\nprevious {previous}\npublic {}\n", shown(public))
}

/// Whether a key entry follows from the key in force: the old key and the new one have both signed it.
fn check_key(ledger: LedgerId, in_force: Option<&PublicKey>, change: &KeyChange) -> Result<(), Damage> {
    if change.previous.as_ref() != in_force {
        return Err(Damage::KeyChange { what: "it replaces another key than the one in force" });
    }
    let text = key_text(ledger, in_force, &change.public);
    let verify = |key: &PublicKey, signature: &[u8]| {
        UnparsedPublicKey::new(&ED25519, key).verify(text.as_bytes(), signature).is_ok()
    };
    if !verify(&change.public, &change.signature) {
        return Err(Damage::KeyChange { what: "it is not signed by the new key" });
    }
    match (in_force, &change.previous_signature) {
        (None, None) => Ok(()),
        (Some(key), Some(signature)) if verify(key, signature) => Ok(()),
        _ => Err(Damage::KeyChange { what: "it is not signed by the key before" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::hex;

    /// Computed by another program from the description in `FORMAT.md`.
    #[test]
    fn run_digest_is_as_documented() {
        let run = Run::new(LedgerId([1; 16]), 0, WriterSalt([2; 16]), KeyEpoch(0), [0; 32]);
        assert_eq!(hex::encode(&run.digest), "5b17b544e043ee69d192f3fb1cd2e8fb55eb086cfb81c47ca1a821f972a79510");
    }
}
