//! Which version of the bundle is in force: the one under which the ledger last committed.
//!
//! A new version is put in force in this order, each step durable before the next: its files in `policy.new`; its entries in
//! the ledger; what follows from it, and the commit; the index; the files in the place of the old ones. The commit decides:
//! a stop before it leaves the old version in force, a stop after it the new one, and the next opening brings all else
//! there.
//!
//! INVARIANT: `policy/` is the bundle in force whenever something is read.

use super::Error;
use super::directory::Directory;
use crate::ledger::{self, Content, State};
use crate::model::Epoch;
use crate::policy::Bundle;
use std::path::Path;

/// The versions that a ledger names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Versions {
    /// Digest of the first one.
    first: Option<[u8; 32]>,
    /// Digest of the last one, which may not have come into force.
    named: Option<[u8; 32]>,
    /// Digest of the one that the last commit was made under.
    committed: Option<[u8; 32]>,
    /// The epoch with which the last change of version came into force.
    pub changed: Option<Epoch>,
}

impl Versions {
    /// Those in the ledger after a commit, or in all of it. Needs no keys.
    pub fn read(ledger: &Path, after: Option<&State>) -> Result<Self, Error> {
        let policy = after.map(State::policy);
        let mut versions = Self { first: policy, named: policy, committed: policy, changed: None };
        ledger::Reader::open(ledger, None)?.scan(after, |entry| -> Result<(), Error> {
            match &entry.content {
                Content::Policy(part) if part.part == part.parts => {
                    versions.named = Some(part.digest);
                    versions.first = versions.first.or(versions.named);
                }
                Content::Commit(commit) => {
                    if versions.named != versions.committed.or(versions.first) {
                        versions.changed = Some(commit.epoch);
                    }
                    versions.committed = versions.named;
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(versions)
    }

    /// The one in force: before the first commit, the one that the directory was made with.
    pub fn in_force(&self) -> Option<[u8; 32]> {
        self.committed.or(self.first)
    }
}

/// The bundle in force, after putting in its place or out of the way what a stop left of a change of version.
pub(super) fn bundle(directory: &Directory) -> Result<Bundle, Error> {
    if directory.policy_new().exists() {
        let committed = Versions::read(&directory.ledger(), None)?.committed;
        // A new version whose files are not whole was not named by the ledger.
        let new = Bundle::load(&directory.policy_new()).ok();
        if new.is_some_and(|new| committed == Some(new.digest)) {
            tracing::warn!("finishing a change of the policy bundle that was interrupted");
            directory.swap_policy()?;
        } else {
            tracing::warn!("a change of the policy bundle was interrupted before it came into force, and is undone");
        }
    }
    directory.clear_policies()?;
    Ok(Bundle::load(&directory.policy())?)
}
