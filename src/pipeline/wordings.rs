//! Under which version of the bundle each entry of the ledger was written: the numbers in an entry are names by that one,
//! and may be other names by the one in force.

use super::lookup::Finder;
use super::{Error, meta};
use crate::ledger::{Content, Entry, PolicyBundle, PolicyPart};
use crate::model::Schema;
use crate::policy::Bundle;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The versions that a walk through the ledger has come by.
pub struct Wordings {
    /// The version in force.
    digest: Option<Vec<u8>>,
    present: Arc<Schema>,
    parts: Vec<PolicyPart>,
    /// By the run of the ledger's writer with which it begins, what is known of each.
    by_run: BTreeMap<u32, Arc<Schema>>,
}

impl Wordings {
    pub(super) fn new(finder: &Finder<'_>) -> Result<Self, Error> {
        let (digest, present) = (finder.index.meta(meta::BUNDLE)?, Arc::clone(finder.schema));
        Ok(Self { digest, present, parts: Vec::new(), by_run: BTreeMap::new() })
    }

    /// Takes note of an entry; they come in their order, from the first.
    pub(super) fn take(&mut self, entry: &Entry) {
        let Content::Policy(part) = &entry.content else { return };
        if part.part == 1 {
            self.parts.clear();
        }
        self.parts.push(part.clone());
        let Some(bundle) = PolicyBundle::from_parts(&self.parts) else { return };
        self.parts.clear();
        let schema = match self.digest.as_deref() == Some(&bundle.digest[..]) {
            true => Arc::clone(&self.present),
            // One that this program cannot read any more leaves numbers without their names.
            false => Bundle::compile(bundle.files).map_or_else(|_| Arc::default(), |bundle| Arc::new(bundle.schema)),
        };
        self.by_run.insert(entry.header.run, schema);
    }

    /// The rules that an entry was written under.
    pub fn of(&self, entry: &Entry) -> &Schema {
        self.by_run.range(..=entry.header.run).next_back().map_or(&*self.present, |(_, schema)| schema)
    }
}
