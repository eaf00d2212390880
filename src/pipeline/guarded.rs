//! Identifiers that guards hold back, and those that stewards let through.
//!
//! One rule judges them, here as in the dataflow: [`Standing`]. Nothing of it is kept; it is computed from who carries
//! what. An identifier that one record carries joins nobody whatever it is, and is not listed.
//!
//! INVARIANT: a value is decrypted only for an identifier that is shown.

use super::Error;
use super::decisions::Decisions;
use super::read::Reader;
use super::sandbox::guard_of;
use super::view::{GuardedView, Held};
use crate::dataflow::guards::{Carrier, Carriers, Guard, Standing};
use crate::ledger::Operation;
use crate::model::{AttributeId, Birth, IdentifierHash, KindId, NameMark, Named, Ruling, Sequence};
use crate::store::RecordBody;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// So many carriers of an identifier are named in the record of a read.
const CARRIERS_MAX: usize = 10_000;

/// An identifier that is to be listed.
struct Found {
    held: Held,
    records: u64,
    names: u64,
    kind: KindId,
    identifier: IdentifierHash,
    decision: Option<Sequence>,
}

impl Reader<'_> {
    /// Identifiers that are weak, quarantined or allowed: the worst first, then those on most records. At most `limit`,
    /// and how many there are in all.
    ///
    /// # Errors
    /// When index or ledger cannot be read.
    pub fn guarded(&self, limit: usize) -> Result<(Vec<GuardedView>, u64), Error> {
        let given = self.given_names()?;
        let mut allowed: BTreeMap<IdentifierHash, (KindId, Sequence)> = BTreeMap::new();
        for (entry, row) in Decisions::load(self.index)?.iter() {
            if let Ruling::Allowed { kind, identifier, .. } = row.ruling {
                allowed.insert(identifier.marked(false), (kind, entry));
            }
        }
        let mut found: Vec<Found> = Vec::new();
        let mut group: Vec<Birth> = Vec::new();
        let mut of: Option<(IdentifierHash, KindId)> = None;
        let mut close = |of: Option<(IdentifierHash, KindId)>, group: &mut Vec<Birth>| {
            if let Some((identifier, kind)) = of {
                let decision = allowed.remove(&identifier.marked(false)).map(|(_, entry)| entry);
                found.extend(self.judge(identifier, kind, group, decision, &given));
            }
            group.clear();
        };
        for row in self.index.identifiers() {
            let (identifier, kind, birth) = row?;
            if of.is_none_or(|(before, _)| before != identifier) {
                close(of, &mut group);
                of = Some((identifier, kind));
            }
            group.push(birth);
        }
        close(of, &mut group);
        // What was allowed and is on no record any more waits for the next.
        found.extend(allowed.into_iter().map(|(identifier, (kind, entry))| Found {
            held: Held::Allowed,
            records: 0,
            names: 0,
            kind,
            identifier,
            decision: Some(entry),
        }));
        found.sort_unstable_by_key(|found| (found.held, Reverse(found.records), found.kind, found.identifier));
        let count = found.len() as u64;
        let kinds = found.iter().take(limit).filter_map(|found| self.schema.kinds.get(usize::from(found.kind.0)));
        let attributes: Vec<AttributeId> = kinds.map(|kind| kind.attribute).collect();
        let mut carriers = BTreeSet::new();
        for found in found.iter().take(limit) {
            carriers.extend(self.index.carriers(found.identifier, CARRIERS_MAX)?);
        }
        self.note_several(Operation::Review, self.roots_of(carriers.into_iter())?, &attributes)?;
        let views = found.into_iter().take(limit).map(|found| self.guarded_view(&found)).collect::<Result<_, _>>()?;
        Ok((views, count))
    }

    /// By birth, what guards know of the given name: one number a record.
    fn given_names(&self) -> Result<Vec<NameMark>, Error> {
        let mut given = Vec::new();
        for row in self.index.records() {
            let (_, row) = row?;
            given.push(match &row.body {
                RecordBody::Person(facts) => facts.given,
                _ => NameMark::NONE,
            });
        }
        Ok(given)
    }

    /// How an identifier stands with these carriers; `None` when there is nothing to tell.
    fn judge(
        &self,
        identifier: IdentifierHash,
        kind: KindId,
        carriers: &[Birth],
        decision: Option<Sequence>,
        given: &[NameMark],
    ) -> Option<Found> {
        if carriers.len() < 2 && decision.is_none() {
            return None;
        }
        let mark = |birth: Birth| usize::try_from(birth.0).ok().and_then(|place| given.get(place)).copied();
        let mut set = Carriers::default();
        for birth in carriers {
            // Which carrier is a hub does not matter here, so the rank does not either.
            let named = Named { rank: birth.0, birth: *birth };
            set.insert(Carrier { named, given: mark(*birth).unwrap_or(NameMark::NONE) });
        }
        let held = match Standing::new(&set, guard_of(self.schema, kind), identifier.is_weak(), false) {
            _ if decision.is_some() => Held::Allowed,
            Standing::Quarantined => Held::Quarantined,
            Standing::Weak(_) => Held::Weak,
            Standing::Ordinary(_) => return None,
        };
        let anyone = Guard { records_max: u32::MAX, names_max: u32::MAX };
        let names = match Standing::new(&set, anyone, true, false) {
            Standing::Weak(groups) => groups.len() as u64,
            Standing::Quarantined | Standing::Ordinary(_) => 0,
        };
        Some(Found { held, records: carriers.len() as u64, names, kind, identifier, decision })
    }

    fn guarded_view(&self, found: &Found) -> Result<GuardedView, Error> {
        let kind = self.schema.kinds.get(usize::from(found.kind.0));
        let limits = kind.map_or((0, 0), |kind| (kind.records_max, kind.names_max));
        Ok(GuardedView {
            kind: kind.map_or_else(String::new, |kind| kind.name.clone()),
            value: self.identifier_value(found.kind, found.identifier)?,
            records: found.records,
            names: found.names,
            state: found.held,
            why: why(found, limits),
            decision: found.decision,
        })
    }

    /// The value of an identifier, from a record that carries it; `None` when none does.
    pub(super) fn identifier_value(&self, kind: KindId, identifier: IdentifierHash) -> Result<Option<String>, Error> {
        let carriers = self.index.carriers(identifier, 1)?;
        carriers.first().map(|birth| self.carried_value(*birth, kind, identifier)).transpose()
    }
}

/// Why an identifier is held back, in plain words.
fn why(found: &Found, (records_max, names_max): (u32, u32)) -> String {
    match found.held {
        Held::Allowed => "a steward allowed it: it joins all who carry it".to_owned(),
        Held::Quarantined if found.records > u64::from(records_max) => {
            format!("on more than {records_max} records: it joins nobody")
        }
        Held::Quarantined => format!("under more than {names_max} given names: it joins nobody"),
        Held::Weak if found.names < 2 => {
            "the bundle calls it weak: it joins only records with one given name".to_owned()
        }
        Held::Weak => "under several given names: it joins only records whose given names agree".to_owned(),
    }
}
