//! Answers: a profile with its values, where each came from, why records are one, what may be done with them.
//!
//! Values are decrypted on the way to the answer and kept nowhere. What is not committed is not seen.

use super::Error;
use super::access::{Recording, births_of};
use super::decisions::Decisions;
use super::facts::identifier_hash;
use super::grounds::is_permitted;
use super::lookup::Finder;
use super::matching::bits;
use super::view::{
    Candidate, Evidence, Explanation, Ground, MemberView, ProfileView, ReferenceView, SCORED, STEWARD, Step, ValueView,
};
use super::wordings::Wordings;
use crate::dataflow::profiles::{Row, lost_by};
use crate::ledger::{self, Content, Entry, Operation, Position, Received, Rejected};
use crate::model::{
    AttributeId, Birth, FieldIndex, FieldRole, IdentifierHash, KindId, Link, Named, PurposeId, Role, Ruling, Sequence,
    SourceId, Winner,
};
use crate::store::{ProfileRow, RecordBody, RecordRow};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Deref;

/// Reads the committed state of a data directory, values and all. It finds what a [`Finder`] does.
pub struct Reader<'a> {
    pub(super) finder: Finder<'a>,
    /// Where what is given out is recorded; `None` for the engine's own use.
    pub(super) recording: Option<Recording<'a>>,
}

impl<'a> Deref for Reader<'a> {
    type Target = Finder<'a>;

    fn deref(&self) -> &Finder<'a> {
        &self.finder
    }
}

/// A record with what its entry says.
pub(super) struct Opened {
    pub birth: Birth,
    pub row: RecordRow,
    pub received: Received,
}

impl Reader<'_> {
    /// The profile of this root; with `purpose`, only what may be used for it.
    ///
    /// # Errors
    /// [`Error::Denied`] when the purpose is not permitted.
    pub fn profile(&self, root: Birth, purpose: Option<PurposeId>) -> Result<ProfileView, Error> {
        let purpose = self.purpose_of(purpose);
        let view = self.profile_view(root, purpose);
        self.note_profile(root, purpose, &view)?;
        view
    }

    fn profile_view(&self, root: Birth, purpose: Option<PurposeId>) -> Result<ProfileView, Error> {
        let row = self.row(root)?;
        if let Some(purpose) = purpose {
            self.demand(&row, purpose)?;
        }
        let mut opened = HashMap::new();
        let mut values = Vec::new();
        for (winner, entry) in &row.winners {
            if !winner.is_for(purpose) {
                continue;
            }
            let record = self.cached(&mut opened, winner.record)?;
            values.push(self.value(winner, *entry, record)?);
        }
        let mut members = Vec::with_capacity(row.members.len());
        for birth in &row.members {
            let record = self.cached(&mut opened, *birth)?;
            members.push(MemberView { record: self.record_view(record), entry: record.row.sequence });
        }
        let references = self.references(&values, purpose)?;
        let permissions = self.permissions(&row);
        Ok(ProfileView { id: self.id(root)?, members, values, references, permissions })
    }

    /// For each attribute of a profile (or one): the winning value, the rule, the losers and the entries.
    pub fn explain(&self, root: Birth, only: Option<AttributeId>) -> Result<Vec<Explanation>, Error> {
        let row = self.row(root)?;
        let purpose = self.purpose_of(None);
        if let Some(purpose) = purpose
            && let Err(denied) = self.demand(&row, purpose)
        {
            self.note_one(Operation::Explain, root, 0, &[], Some(purpose), false)?;
            return Err(denied);
        }
        let mut opened = Vec::with_capacity(row.members.len());
        for birth in &row.members {
            opened.push(self.open(*birth)?);
        }
        let wanted = row
            .winners
            .iter()
            .filter(|(winner, _)| winner.is_for(purpose) && only.is_none_or(|only| only == winner.attribute));
        let explained: Vec<Explanation> =
            wanted.map(|(winner, entry)| self.explain_winner(winner, *entry, &opened)).collect::<Result<_, Error>>()?;
        let attributes: Vec<AttributeId> = explained.iter().map(|found| found.value.attribute_id).collect();
        self.note_one(Operation::Explain, root, row.members.len(), &attributes, purpose, true)?;
        Ok(explained)
    }

    fn explain_winner(&self, winner: &Winner, entry: Sequence, members: &[Opened]) -> Result<Explanation, Error> {
        let missing = || Error::Unaccounted { what: "a winning record is not in its profile" };
        let winning = members.iter().find(|record| record.birth == winner.record).ok_or_else(missing)?;
        let rows: Vec<Row> = members.iter().filter_map(|record| self.packed(record)).collect();
        let mut losers = Vec::new();
        for record in members.iter().filter(|record| record.birth != winner.record) {
            let Some((field, text)) = value_of(&record.received, winner.attribute) else { continue };
            let rule = &self.schema.survivorship[usize::from(winner.attribute.0)];
            let lost_by = lost_by(&rows, rule, winner, record.birth);
            losers.push(Candidate {
                record: self.record_view(record),
                value: text.to_owned(),
                raw: raw(&record.received, self.own_field(record, winner.attribute, field)),
                received: record.row.sequence,
                lost_by,
            });
        }
        losers.sort_by(|a, b| {
            (&b.record.at_us, &a.record.source, &a.record.key).cmp(&(&a.record.at_us, &b.record.source, &b.record.key))
        });
        let value = self.value(winner, entry, winning)?;
        let rule = self.schema.survivorship[usize::from(winner.attribute.0)].criteria.clone();
        Ok(Explanation { value, rule, losers })
    }

    /// The path of evidence between two records; none when they are not in one profile.
    pub fn why(&self, from: Birth, to: Birth) -> Result<Option<Evidence>, Error> {
        let (Some(root), Some(other)) = (self.index.root(from)?, self.index.root(to)?) else { return Ok(None) };
        let row = self.row(root)?;
        let here = |birth: &Birth| row.members.binary_search(birth).is_ok();
        if root != other || !here(&from) || !here(&to) {
            return Ok(None);
        }
        let path = path(&row, from, to).ok_or(Error::Unaccounted { what: "a profile's links do not join it" })?;
        let decisions = Decisions::load(self.index)?;
        let mut opened = HashMap::new();
        let mut steps = Vec::with_capacity(path.len());
        let kinds = path.iter().filter_map(|(link, _, _)| self.schema.kinds.get(usize::from(link.kind.0)));
        let attributes: Vec<AttributeId> = kinds.map(|kind| kind.attribute).collect();
        self.note_one(Operation::Why, root, path.len() + 1, &attributes, self.purpose_of(None), true)?;
        for (link, entry, forward) in path {
            let (near, far) = if forward { (link.a, link.b) } else { (link.b, link.a) };
            let ground = self.ground(&decisions, &link)?;
            let to = self.cached(&mut opened, far)?;
            let to = self.record_view(to);
            let from = self.record_view(self.cached(&mut opened, near)?);
            let Ground { kind, value, decision, .. } = ground;
            steps.push(Step { from, to, kind, value, decision, merge: entry });
        }
        Ok(Some(Evidence { profile: self.id(root)?, steps }))
    }

    /// What ties the records of a link.
    pub(super) fn ground(&self, decisions: &Decisions, link: &Link) -> Result<Ground, Error> {
        let (kind, identifier) = (link.kind, link.identifier);
        if kind == KindId::STEWARD {
            let decision = decisions.find(Ruling::same(link.a, link.b)).map(|(entry, _)| entry);
            let (kind, value) = (STEWARD.to_owned(), "the same person".to_owned());
            return Ok(Ground { kind, value, weight_millibits: None, decision });
        }
        if let Some(weight) = link.weight() {
            let (kind, value) = (SCORED.to_owned(), bits(weight));
            return Ok(Ground { kind, value, weight_millibits: Some(weight), decision: None });
        }
        let value = self.carried_value(link.a, kind, identifier)?;
        let allowed = Ruling::Allowed { kind, identifier, carrier: link.a };
        let decision = decisions.find(allowed).map(|(entry, _)| entry);
        let name = self.schema.kinds.get(usize::from(kind.0)).map_or_else(String::new, |kind| kind.name.clone());
        Ok(Ground { kind: name, value, weight_millibits: None, decision })
    }

    /// The value of an identifier, as a record that carries it has it.
    pub(super) fn carried_value(
        &self,
        birth: Birth,
        kind: KindId,
        identifier: IdentifierHash,
    ) -> Result<String, Error> {
        let missing = || Error::Unaccounted { what: "a link's record does not carry its identifier" };
        let kind = self.schema.kinds.get(usize::from(kind.0)).ok_or_else(missing)?;
        let record = self.open(birth)?;
        let mut values = record.received.told();
        let found = values.find(|(attribute, _, text)| {
            *attribute == kind.attribute && identifier_hash(self.identity, kind, text) == identifier
        });
        found.map(|(_, _, text)| text.to_owned()).ok_or_else(missing)
    }

    fn demand(&self, row: &ProfileRow, purpose: PurposeId) -> Result<(), Error> {
        let found = row.permissions.iter().find(|(permission, _)| permission.purpose == purpose);
        let found = found.map(|(permission, _)| permission);
        if is_permitted(found, self.now_us) {
            return Ok(());
        }
        let missing = || Error::BadName { what: "the bundle has no such purpose".to_owned() };
        let purpose = self.schema.purposes.get(usize::from(purpose.0)).ok_or_else(missing)?;
        let (_, why) = self.policies.decide(purpose, found, self.now_us);
        Err(Error::Denied { why: format!("`{}`: {why}", purpose.name) })
    }

    /// Facts about things that the profile's values name, such as the firm of an e-mail domain.
    fn references(&self, values: &[ValueView], purpose: Option<PurposeId>) -> Result<Vec<ReferenceView>, Error> {
        let mut views = Vec::new();
        for source in &self.schema.sources {
            let Role::Reference(attribute) = source.role else { continue };
            let Some(value) = values.iter().find(|value| value.attribute_id == attribute) else { continue };
            let name = self.identity.name(&source.name, &value.value);
            let Some(birth) = self.index.birth(name)? else { continue };
            let record = self.open(birth)?;
            if !record.row.live {
                continue;
            }
            let facts = record.received.told().filter(|(attribute, _, _)| self.usable(*attribute, purpose));
            let facts: BTreeMap<String, String> =
                facts.map(|(attribute, _, text)| (self.attribute(attribute).to_owned(), text.to_owned())).collect();
            let by = self.attribute(attribute).to_owned();
            views.push(ReferenceView { record: self.record_view(&record), by, facts, received: record.row.sequence });
        }
        Ok(views)
    }

    /// So many entries of the ledger from a sequence on, decrypted.
    ///
    /// # Errors
    /// When the ledger is damaged or cannot be read.
    pub fn entries(&self, from: u64, count: u64) -> Result<Vec<Entry>, Error> {
        Ok(self.entries_worded(from, count)?.0)
    }

    /// [`entries`](Self::entries), and under which bundle each was written.
    ///
    /// # Errors
    /// As there.
    pub fn entries_worded(&self, from: u64, count: u64) -> Result<(Vec<Entry>, Wordings), Error> {
        /// The walk's way to stop early.
        enum Stop {
            Enough,
            Failed(ledger::Error),
        }
        impl From<ledger::Error> for Stop {
            fn from(error: ledger::Error) -> Self {
                Self::Failed(error)
            }
        }
        let end = from.saturating_add(count);
        let (mut shown, mut wordings) = (Vec::new(), Wordings::new(self)?);
        let walked = self.entries.scan(None, |entry| match entry.header.sequence.0 {
            sequence if sequence >= end => Err(Stop::Enough),
            sequence => {
                wordings.take(&entry);
                if sequence >= from {
                    shown.push(entry);
                }
                Ok(())
            }
        });
        match walked {
            Err(Stop::Failed(error)) => Err(error.into()),
            Ok(()) | Err(Stop::Enough) => {
                let roots = self.roots_of(shown.iter().flat_map(births_of))?;
                self.note_several(Operation::Entries, roots, &[])?;
                Ok((shown, wordings))
            }
        }
    }

    /// The refused message at a place.
    pub(super) fn rejected(&self, position: u64) -> Result<Rejected, Error> {
        match self.entries.read(Position(position))?.content {
            Content::Rejected(rejected) => Ok(rejected),
            _ => Err(Error::Unaccounted { what: "an entry in quarantine is not one that was refused" }),
        }
    }

    /// The text of a winning value.
    pub(super) fn winning_text(&self, winner: &Winner) -> Result<String, Error> {
        let record = self.open(winner.record)?;
        let missing = Error::Unaccounted { what: "a winning record does not have the value" };
        value_of(&record.received, winner.attribute).map(|(_, text)| text.to_owned()).ok_or(missing)
    }

    fn cached<'m>(&self, opened: &'m mut HashMap<Birth, Opened>, birth: Birth) -> Result<&'m Opened, Error> {
        match opened.entry(birth) {
            std::collections::hash_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
            std::collections::hash_map::Entry::Vacant(entry) => Ok(entry.insert(self.open(birth)?)),
        }
    }

    fn value(&self, winner: &Winner, entry: Sequence, record: &Opened) -> Result<ValueView, Error> {
        let missing = Error::Unaccounted { what: "a winning record does not have the value" };
        let (from, text) = value_of(&record.received, winner.attribute).ok_or(missing)?;
        let field = self.own_field(record, winner.attribute, from);
        let attribute = &self.schema.attributes[usize::from(winner.attribute.0)];
        Ok(ValueView {
            attribute: attribute.name.clone(),
            attribute_id: winner.attribute,
            category: attribute.category,
            value: text.to_owned(),
            raw: raw(&record.received, field),
            field: self.field(record.row.source, field).to_owned(),
            rectified: match from {
                FieldIndex::RECTIFIED => self.rectification(winner.record, winner.attribute)?,
                _ => None,
            },
            record: self.record_view(record),
            received: record.row.sequence,
            values: entry,
        })
    }

    /// The field in which a record's source says something of an attribute, whether or not a steward rectified it.
    pub(super) fn own_field(&self, record: &Opened, attribute: AttributeId, from: FieldIndex) -> FieldIndex {
        if from != FieldIndex::RECTIFIED {
            return from;
        }
        let fields = self.schema.sources.get(usize::from(record.row.source.0)).map(|source| &source.fields);
        let of =
            |field: FieldIndex| fields.and_then(|fields| fields.get(usize::from(field.0))).map(|field| &field.role);
        let mut said = record.received.fields.iter().map(|(field, _, _)| field);
        said.find(|field| of(*field) == Some(&FieldRole::Attribute(attribute))).unwrap_or(from)
    }

    /// The values of an opened record as the dataflow compares them.
    fn packed(&self, record: &Opened) -> Option<Row> {
        let RecordBody::Person(facts) = &record.row.body else { return None };
        let source = self.schema.sources.get(usize::from(record.row.source.0))?;
        Some(Row::new(facts, Named::new(record.row.name, record.birth), source))
    }

    fn field(&self, source: SourceId, field: FieldIndex) -> &str {
        let source = self.schema.sources.get(usize::from(source.0));
        source.and_then(|s| s.fields.get(usize::from(field.0))).map_or("", |field| field.path.as_str())
    }
}

/// The value of an attribute in a record: the first of its fields that has one.
fn value_of(received: &Received, attribute: AttributeId) -> Option<(FieldIndex, &str)> {
    received.told().find(|(found, _, _)| *found == attribute).map(|(_, field, text)| (field, text))
}

/// What stands in a field of a record.
fn raw(received: &Received, field: FieldIndex) -> String {
    received.fields.get(field).map_or_else(String::new, |(_, text)| text.to_owned())
}

/// The links from one member to another through the forest, each with its entry and whether it is walked from `a` to `b`.
fn path(row: &ProfileRow, from: Birth, to: Birth) -> Option<Vec<(Link, Sequence, bool)>> {
    let mut neighbours: HashMap<Birth, Vec<usize>> = HashMap::new();
    for (place, (link, _)) in row.links.iter().enumerate() {
        neighbours.entry(link.a).or_default().push(place);
        neighbours.entry(link.b).or_default().push(place);
    }
    let mut came_by: HashMap<Birth, (usize, Birth)> = HashMap::new();
    let mut queue = VecDeque::from([from]);
    let mut seen = BTreeSet::from([from]);
    while let Some(at) = queue.pop_front() {
        for &place in neighbours.get(&at).into_iter().flatten() {
            let link = row.links[place].0;
            let next = if link.a == at { link.b } else { link.a };
            if seen.insert(next) {
                came_by.insert(next, (place, at));
                queue.push_back(next);
            }
        }
    }
    let mut steps = Vec::new();
    let mut at = to;
    while at != from {
        let (place, before) = *came_by.get(&at)?;
        let (link, entry) = row.links[place];
        steps.push((link, entry, link.a == before));
        at = before;
    }
    steps.reverse();
    Some(steps)
}
