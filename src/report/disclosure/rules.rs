//! Under which rules disclosed entries were written: the open entries and bundles that a package shows, and the run
//! digests by which each entry is bound to one of them.
//!
//! INVARIANT: names of sources, fields and attributes come from a bundle whose texts stand in verified entries and whose
//! digest the entry itself is bound to.

use crate::crypto::LedgerId;
use crate::ledger::{Content, Header, Open, Opened, PolicyBundle, PolicyPart, run_digest};
use crate::model::{Schema, Sequence};
use crate::policy::Bundle;
use crate::tlog::Digest;
use std::collections::BTreeMap;

/// A bundle that a package shows whole.
#[derive(Clone, Debug)]
pub struct DisclosedBundle {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its digest, as its entries say.
    pub digest: Digest,
    /// What it says; `None` when this program has other built-in attributes than the one that recorded it, so that its
    /// numbers mean something else here.
    pub schema: Option<Schema>,
}

/// All that a package shows of them.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// By the number of the run that they begin.
    opens: BTreeMap<u32, Open>,
    pub(super) bundles: Vec<DisclosedBundle>,
    /// By the number of the run that they begin: a place in `bundles`.
    in_force: BTreeMap<u32, usize>,
}

impl Rules {
    /// What verified entries show, which come in ascending order.
    pub(super) fn of<'e>(entries: impl Iterator<Item = (Sequence, &'e Opened)>) -> Self {
        let mut rules = Self::default();
        let mut series: Vec<(Sequence, PolicyPart)> = Vec::new();
        for (sequence, entry) in entries {
            match &entry.content {
                Some(Content::Open(open)) => drop(rules.opens.insert(open.run, open.clone())),
                Some(Content::Policy(part)) => {
                    let goes_on = series.last().is_some_and(|(before, _)| before.0.checked_add(1) == Some(sequence.0));
                    if part.part == 1 || !goes_on {
                        series.clear();
                    }
                    series.push((sequence, part.clone()));
                    if part.part == part.parts {
                        let parts: Vec<PolicyPart> = std::mem::take(&mut series).into_iter().map(|(_, p)| p).collect();
                        rules.add(entry.header.run, PolicyBundle::from_parts(&parts));
                    }
                }
                _ => {}
            }
        }
        rules
    }

    fn add(&mut self, run: u32, bundle: Option<PolicyBundle>) {
        let Some(bundle) = bundle else { return };
        let known = self.bundles.iter().position(|known| known.digest == bundle.digest);
        let place = known.unwrap_or_else(|| {
            let PolicyBundle { name, version, digest, files } = bundle;
            let schema =
                Bundle::compile(files).ok().filter(|bundle| bundle.digest == digest).map(|bundle| bundle.schema);
            self.bundles.push(DisclosedBundle { name, version, digest, schema });
            self.bundles.len() - 1
        });
        self.in_force.insert(run, place);
    }

    /// The bundle that an entry was written under, as a place in `bundles`; `None` when that is not shown.
    pub(super) fn bundle_of(&self, ledger: LedgerId, header: &Header, run: &Digest) -> Option<usize> {
        let (_, open) = self.opens.range(..=header.run).next_back()?;
        let (_, place) = self.in_force.range(..=header.run).next_back()?;
        let policy = self.bundles.get(*place)?.digest;
        (run_digest(ledger, open.salt, header.run, header.key_epoch, policy) == *run).then_some(*place)
    }
}
