//! What would become of profiles if something were decided, or a record left: the records that it could touch are taken
//! out of the index into a dataflow of their own, which is told of it, and nothing else is.
//!
//! The records are those of the profiles in question, those that share an identifier with them that links, those that
//! stand in a question or a decision with them, and so on. An identifier that is quarantined on the whole data links
//! nobody here either, but where a person has one value of its kind, it still tells persons apart.
//!
//! INVARIANT: every record that could change its profile by the change is here, with all that carry what it carries; so
//! what comes out is what would happen.

use super::Error;
use super::decisions::Decisions;
use super::matching::compared;
use super::open::scorer;
use super::read::Reader;
use super::view::{Group, Preview};
use crate::dataflow::guards::{Carrier, Carriers, Guard, Standing};
use crate::dataflow::{Engine, Rules};
use crate::ledger::Operation;
use crate::matching::Scorer;
use crate::model::{Birth, Facts, IdentifierHash, KindId, NameHash, Named, Ruling, Schema};
use crate::store::RecordBody;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// So many records are looked at.
const RECORDS_MAX: usize = 10_000;

/// Something that could happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hypothesis {
    /// A steward decides this.
    Decide(Ruling),
    /// A steward withdraws this.
    Withdraw(Ruling),
    /// A record leaves.
    Without(Birth),
}

impl Hypothesis {
    /// The identifier whose standing it changes.
    fn allows(self) -> Option<IdentifierHash> {
        match self {
            Self::Decide(Ruling::Allowed { identifier, .. }) | Self::Withdraw(Ruling::Allowed { identifier, .. }) => {
                Some(identifier)
            }
            _ => None,
        }
    }
}

impl Reader<'_> {
    /// What would happen.
    ///
    /// # Errors
    /// [`Error::TooManyTouched`] when more records could be touched than are looked at; when the index cannot be read.
    pub fn preview(&self, hypothesis: Hypothesis) -> Result<Preview, Error> {
        let decisions = Decisions::load(self.index)?;
        let mut sandbox = Sandbox::new(self, &decisions, hypothesis);
        sandbox.gather()?;
        let preview = sandbox.run()?;
        let ids = preview.before.iter().map(|group| group.profile);
        self.note_several(Operation::Review, self.roots_of_ids(ids)?, &[])?;
        Ok(preview)
    }
}

/// Records taken out of the index.
struct Sandbox<'a> {
    reader: &'a Reader<'a>,
    decisions: &'a Decisions,
    hypothesis: Hypothesis,
    records: BTreeMap<Birth, (NameHash, Facts)>,
    /// Whether an identifier may link here: then all that carry it are here.
    links: HashMap<IdentifierHash, bool>,
    waiting: Vec<Birth>,
    seen: BTreeSet<Birth>,
}

impl<'a> Sandbox<'a> {
    fn new(reader: &'a Reader<'a>, decisions: &'a Decisions, hypothesis: Hypothesis) -> Self {
        let (records, links) = (BTreeMap::new(), HashMap::new());
        Self { reader, decisions, hypothesis, records, links, waiting: Vec::new(), seen: BTreeSet::new() }
    }

    /// Takes in everything that the change could touch.
    fn gather(&mut self) -> Result<(), Error> {
        match self.hypothesis {
            Hypothesis::Decide(Ruling::Allowed { kind, identifier, .. })
            | Hypothesis::Withdraw(Ruling::Allowed { kind, identifier, .. }) => {
                self.may_link(kind, identifier)?;
            }
            Hypothesis::Decide(Ruling::Same(a, b) | Ruling::Different(a, b))
            | Hypothesis::Withdraw(Ruling::Same(a, b) | Ruling::Different(a, b)) => {
                self.add(a)?;
                self.add(b)?;
            }
            // They say nothing of who is who.
            Hypothesis::Decide(_) | Hypothesis::Withdraw(_) => {}
            Hypothesis::Without(record) => self.add(record)?,
        }
        while let Some(birth) = self.waiting.pop() {
            self.take_in(birth)?;
        }
        Ok(())
    }

    /// Puts a record on the list, once.
    fn add(&mut self, birth: Birth) -> Result<(), Error> {
        if self.seen.insert(birth) {
            if self.seen.len() > RECORDS_MAX {
                return Err(Error::TooManyTouched { max: RECORDS_MAX });
            }
            self.waiting.push(birth);
        }
        Ok(())
    }

    /// Takes in a record, and puts its neighbours on the list.
    fn take_in(&mut self, birth: Birth) -> Result<(), Error> {
        let Some(row) = self.reader.index.record(birth)? else { return Ok(()) };
        let RecordBody::Person(facts) = row.body else { return Ok(()) };
        if let Some(root) = self.reader.index.root(birth)? {
            let members = self.reader.index.profile(root)?.map_or_else(Vec::new, |profile| profile.members);
            members.into_iter().try_for_each(|member| self.add(member))?;
        }
        for &(kind, identifier) in &facts.identifiers {
            self.may_link(kind, identifier)?;
        }
        for question in self.reader.index.questions_of(birth)? {
            self.add(question.link.a)?;
            self.add(question.link.b)?;
        }
        for (_, row) in self.decisions.about(birth) {
            let (one, other) = row.ruling.records();
            self.add(one)?;
            other.into_iter().try_for_each(|other| self.add(other))?;
        }
        // Blocks are not kept in the index: scored links reach this far as questions and members.
        self.records.insert(birth, (row.name, facts));
        Ok(())
    }

    /// Whether an identifier may link here, before or after the change; if so, all that carry it are put on the list.
    fn may_link(&mut self, kind: KindId, identifier: IdentifierHash) -> Result<bool, Error> {
        if let Some(known) = self.links.get(&identifier) {
            return Ok(*known);
        }
        let any = Ruling::Allowed { kind, identifier, carrier: Birth(0) };
        let is_allowed = self.decisions.find(any).is_some() || self.hypothesis.allows() == Some(identifier);
        let guard = guard_of(self.reader.schema, kind);
        let most = if is_allowed { RECORDS_MAX } else { guard.records_max as usize + 1 };
        let carriers = self.reader.index.carriers(identifier, most.saturating_add(1))?;
        let links = is_allowed || (carriers.len() <= most && self.is_free(&carriers, guard, identifier)?);
        self.links.insert(identifier, links);
        if links {
            carriers.into_iter().try_for_each(|birth| self.add(birth))?;
        }
        Ok(links)
    }

    /// Whether guards let an identifier link, before the change or after it.
    fn is_free(&self, carriers: &[Birth], guard: Guard, identifier: IdentifierHash) -> Result<bool, Error> {
        let mut set = Carriers::default();
        let mut leaving = None;
        for birth in carriers {
            let Some(carrier) = self.reader.carrier(*birth)? else { continue };
            set.insert(carrier);
            leaving = leaving.or_else(|| (self.hypothesis == Hypothesis::Without(*birth)).then_some(carrier));
        }
        let is_free = |set: &Carriers| Standing::new(set, guard, identifier.is_weak(), false) != Standing::Quarantined;
        if is_free(&set) {
            return Ok(true);
        }
        let Some(leaving) = leaving else { return Ok(false) };
        set.remove(leaving);
        Ok(is_free(&set))
    }

    /// Runs a dataflow over the records, without and with the change.
    fn run(self) -> Result<Preview, Error> {
        let schema = self.reader.schema;
        let shadows = Shadows::new(schema)?;
        let scorer = scorer(schema, self.reader.identity)?;
        let mut engine = Engine::new(&shadows.rules(schema, scorer.clone()));
        let mut facts: BTreeMap<Birth, (Named, Facts)> = BTreeMap::new();
        for (birth, (name, told)) in &self.records {
            let told = shadows.facts(told, |identifier| self.links.get(&identifier).copied().unwrap_or(false));
            facts.insert(*birth, (Named::new(*name, *birth), told));
        }
        for (named, told) in facts.values() {
            engine.record(*named, &schema.sources, None, Some(told));
            if let Some(scorer) = &scorer {
                engine.compare(*named, false, compared(scorer.comparisons(), &self.reader.open(named.birth)?.received));
            }
        }
        let tell = |engine: &mut Engine, ruling: Ruling, came: bool| {
            let named = |birth: Birth| facts.get(&birth).map(|(named, _)| *named);
            match ruling {
                Ruling::Same(a, b) => {
                    if let (Some(a), Some(b)) = (named(a), named(b)) {
                        engine.same(a, b, came);
                    }
                }
                Ruling::Different(a, b) => engine.different(a, b, came),
                Ruling::Allowed { kind, identifier, .. } => {
                    engine.allow(kind, identifier.marked(false), came);
                    engine.allow(kind, identifier.marked(true), came);
                }
                _ => {}
            }
        };
        let here = |ruling: Ruling| match ruling {
            Ruling::Allowed { identifier, .. } => {
                [false, true].iter().any(|weak| self.links.contains_key(&identifier.marked(*weak)))
            }
            Ruling::Same(a, b) | Ruling::Different(a, b) => {
                self.records.contains_key(&a) || self.records.contains_key(&b)
            }
            _ => false,
        };
        for (_, row) in self.decisions.iter().filter(|(_, row)| here(row.ruling)) {
            tell(&mut engine, row.ruling, true);
        }
        let mut before = BTreeMap::new();
        for (membership, _) in engine.commit().members {
            before.insert(membership.record, membership.root);
        }
        match self.hypothesis {
            Hypothesis::Decide(ruling) if self.decisions.find(ruling).is_none() => tell(&mut engine, ruling, true),
            Hypothesis::Withdraw(ruling) if self.decisions.find(ruling).is_some() => tell(&mut engine, ruling, false),
            Hypothesis::Decide(_) | Hypothesis::Withdraw(_) => {}
            Hypothesis::Without(record) => {
                if let Some((named, told)) = facts.get(&record) {
                    engine.record(*named, &schema.sources, Some(told), None);
                    engine.compare(*named, true, None);
                }
            }
        }
        let mut after = before.clone();
        let mut changed = BTreeSet::new();
        for (membership, came) in &engine.commit().members {
            changed.insert(membership.record);
            if *came {
                after.insert(membership.record, membership.root);
            } else if after.get(&membership.record) == Some(&membership.root) {
                after.remove(&membership.record);
            }
        }
        self.reader.compared(&before, &after, &changed)
    }
}

impl Reader<'_> {
    /// A live record of a person as guards see it.
    pub(super) fn carrier(&self, birth: Birth) -> Result<Option<Carrier>, Error> {
        let Some(row) = self.index.record(birth)? else { return Ok(None) };
        let RecordBody::Person(facts) = &row.body else { return Ok(None) };
        Ok(Some(Carrier { named: Named::new(row.name, birth), given: facts.given }))
    }

    /// The profiles that differ, by who is in which.
    fn compared(
        &self,
        before: &BTreeMap<Birth, Birth>,
        after: &BTreeMap<Birth, Birth>,
        changed: &BTreeSet<Birth>,
    ) -> Result<Preview, Error> {
        let roots: BTreeSet<Birth> =
            changed.iter().flat_map(|birth| [before.get(birth), after.get(birth)]).flatten().copied().collect();
        let in_question = |birth: &Birth| {
            let touched = |side: &BTreeMap<Birth, Birth>| side.get(birth).is_some_and(|root| roots.contains(root));
            touched(before) || touched(after)
        };
        let groups = |side: &BTreeMap<Birth, Birth>| -> Result<Vec<Group>, Error> {
            let mut groups: BTreeMap<Birth, Vec<Birth>> = BTreeMap::new();
            for (birth, root) in side.iter().filter(|(birth, _)| in_question(birth)) {
                groups.entry(*root).or_default().push(*birth);
            }
            let group = |(root, births): (Birth, Vec<Birth>)| {
                let records = births.into_iter().map(|birth| self.name_of(birth)).collect::<Result<_, _>>()?;
                Ok(Group { profile: self.id(root)?, records })
            };
            groups.into_iter().map(group).collect()
        };
        Ok(Preview { before: groups(before)?, after: groups(after)? })
    }
}

/// Kinds that stand beside those of which a person has one value: they link nobody and tell persons apart, whether the
/// value links on the whole data or not.
struct Shadows {
    /// By kind, its shadow.
    kinds: Vec<Option<KindId>>,
}

impl Shadows {
    fn new(schema: &Schema) -> Result<Self, Error> {
        let mut next = schema.kinds.len();
        let mut kinds = Vec::with_capacity(next);
        for kind in &schema.kinds {
            let shadow = u8::try_from(next).ok().map(KindId).filter(|shadow| *shadow < KindId::SCORED);
            let many = || Error::Unaccounted { what: "the bundle has too many kinds of identifier for a preview" };
            kinds.push(if kind.unique { Some(shadow.ok_or_else(many)?) } else { None });
            next += usize::from(kind.unique);
        }
        Ok(Self { kinds })
    }

    fn rules(&self, schema: &Schema, scorer: Option<Arc<Scorer>>) -> Rules {
        let mut rules = Rules::new(schema, scorer, None);
        for _ in self.kinds.iter().flatten() {
            rules.guards.push(Guard { records_max: 0, names_max: 0 });
            rules.strength.priorities.push(0);
        }
        rules.unique.iter_mut().for_each(|unique| *unique = false);
        rules.unique.resize(rules.guards.len(), true);
        rules
    }

    /// What a record is here: no values, the identifiers that link, and the shadows.
    fn facts(&self, facts: &Facts, links: impl Fn(IdentifierHash) -> bool) -> Facts {
        let own = facts.identifiers.iter().copied().filter(|(_, identifier)| links(*identifier));
        let shadow = |&(kind, identifier): &(KindId, IdentifierHash)| {
            let shadow = self.kinds.get(usize::from(kind.0)).copied().flatten()?;
            Some((shadow, IdentifierHash(!identifier.0).marked(false)))
        };
        let mut identifiers: Vec<_> = own.chain(facts.identifiers.iter().filter_map(shadow)).collect();
        identifiers.sort_unstable();
        Facts { identifiers, values: Vec::new(), rectified: Vec::new(), ..*facts }
    }
}

/// The guard of a kind of the bundle.
pub(super) fn guard_of(schema: &Schema, kind: KindId) -> Guard {
    let kind = schema.kinds.get(usize::from(kind.0));
    let (records_max, names_max) = kind.map_or((0, 0), |kind| (kind.records_max, kind.names_max));
    Guard { records_max, names_max }
}
