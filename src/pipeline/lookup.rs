//! Looking up: which records and profiles a name leads to, their ids, and what may be done with them.
//!
//! It gives out no value of a person, so it leaves no record in the chain of reads: whoever wants values calls
//! [`read_as`](super::Onefold::read_as). INVARIANT: what is decrypted here stays inside the engine, but for the names of
//! records.

use super::Error;
use super::decisions::Decisions;
use super::exposure::Exposure;
use super::grounds::is_permitted;
use super::policies::Policies;
use super::read::Opened;
use super::resolve::Name;
use super::view::{PermissionView, RecordView};
use crate::crypto::IdentityKey;
use crate::ledger::{self, Content, Position, Received};
use crate::model::{AttributeId, Basis, Birth, ConsentState, ProfileId, Purpose, PurposeId, Ruling, Schema};
use crate::store::{Index, ProfileRow, RecordBody};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Finds records and profiles in the committed state of a data directory.
pub struct Finder<'a> {
    pub(super) schema: &'a Arc<Schema>,
    pub(super) identity: &'a IdentityKey,
    pub(super) index: &'a Index,
    pub(super) entries: &'a ledger::Reader,
    pub(super) policies: &'a Policies,
    pub(super) now_us: i64,
}

impl Finder<'_> {
    /// The rules of the bundle in force.
    pub fn schema(&self) -> &Schema {
        self.schema
    }

    /// All profiles in ascending order of their oldest record.
    pub fn profiles(&self) -> impl Iterator<Item = Result<(Birth, ProfileRow), Error>> + '_ {
        self.index.profiles().map(|row| Ok(row?))
    }

    /// The id of the profile of this root.
    pub fn id(&self, root: Birth) -> Result<ProfileId, Error> {
        let row =
            self.index.record(root)?.ok_or(Error::Unaccounted { what: "a profile's oldest record is unknown" })?;
        Ok(ProfileId(row.name))
    }

    /// Source and key of a record.
    pub fn name_of(&self, birth: Birth) -> Result<RecordView, Error> {
        Ok(self.record_view(&self.open(birth)?))
    }

    /// What may be done with the profile of this root for one purpose.
    ///
    /// # Errors
    /// When there is no such profile or purpose, or index or ledger cannot be read.
    pub fn permission(&self, root: Birth, purpose: PurposeId) -> Result<PermissionView, Error> {
        let missing = || Error::NotFound { what: "the bundle has no such purpose".to_owned() };
        let name = self.schema.purposes.get(usize::from(purpose.0)).map(|purpose| &purpose.name).ok_or_else(missing)?;
        let mut all = self.permissions(&self.row(root)?).into_iter();
        all.find(|view| view.purpose == *name).ok_or_else(missing)
    }

    /// The decision that would allow the identifier that a text names, `KIND:VALUE`, and the profiles of who carries it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when no live record carries it; [`Error::BadName`] when it names no identifier.
    pub fn allowing(&self, text: &str) -> Result<Ruling, Error> {
        let Name::Identifier(kind, identifier) = self.parse(text)? else {
            let what = "this names no identifier: write KIND:VALUE, such as email:info@example.com".to_owned();
            return Err(Error::BadName { what });
        };
        let carriers: BTreeSet<Birth> = self.index.carriers(identifier, 1)?.into_iter().collect();
        match carriers.first() {
            Some(carrier) => Ok(Ruling::Allowed { kind, identifier, carrier: *carrier }),
            // A decision may be left from when somebody did: it can be withdrawn.
            None => Decisions::load(self.index)?
                .find(Ruling::Allowed { kind, identifier, carrier: Birth(0) })
                .map(|(_, row)| row.ruling)
                .ok_or_else(|| Error::NotFound { what: "no record that is live carries this identifier".to_owned() }),
        }
    }

    /// What the decision about two records says, if there is one.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn ruling_between(&self, one: Birth, other: Birth) -> Result<Option<Ruling>, Error> {
        Ok(Decisions::load(self.index)?.between(one, other).map(|(_, row)| row.ruling))
    }

    /// Permissions of a profile, one for each purpose of the bundle.
    pub(super) fn permissions(&self, row: &ProfileRow) -> Vec<PermissionView> {
        let combining = self.schema.combining.map(|combining| usize::from(combining.0));
        let purposes = self.schema.purposes.iter().enumerate().filter(|(place, _)| Some(*place) != combining);
        let view = |(place, purpose): (usize, &Purpose)| {
            let found = row.permissions.iter().find(|(permission, _)| usize::from(permission.purpose.0) == place);
            let (allowed, why) = self.policies.decide(purpose, found.map(|(permission, _)| permission), self.now_us);
            let consent = found.and_then(|(permission, _)| self.deciding(purpose, permission.consent?));
            PermissionView {
                purpose: purpose.name.clone(),
                allowed,
                why,
                until_us: found.map(|(permission, _)| permission.until).filter(|until| *until != i64::MAX),
                consent: consent.and_then(|consent| self.open(consent).ok()).map(|record| self.record_view(&record)),
                exposure: consent.and_then(|consent| self.exposure(consent)),
                decision: found.map(|(_, entry)| *entry),
            }
        };
        purposes.map(view).collect()
    }

    /// A consent, where it decides: a withdrawal decides nothing that rests on something else than consent.
    fn deciding(&self, purpose: &Purpose, consent: Birth) -> Option<Birth> {
        let objected = || match self.index.record(consent).ok()??.body {
            RecordBody::Consent(facts) => Some(facts.state == ConsentState::Objected),
            _ => None,
        };
        (purpose.basis == Basis::Consent || objected() == Some(true)).then_some(consent)
    }

    /// The exposure of a consent.
    pub(super) fn exposure(&self, consent: Birth) -> Option<Exposure> {
        match self.index.record(consent).ok()??.body {
            RecordBody::Consent(facts) => Exposure::of(&facts),
            _ => None,
        }
    }

    /// Whether a profile may be used for a purpose at the reader's time.
    pub(super) fn permitted(&self, row: &ProfileRow, purpose: PurposeId) -> bool {
        let found = row.permissions.iter().find(|(permission, _)| permission.purpose == purpose);
        is_permitted(found.map(|(permission, _)| permission), self.now_us)
    }

    /// Whether an attribute belongs to a category that the purpose may use.
    pub(super) fn usable(&self, attribute: AttributeId, purpose: Option<PurposeId>) -> bool {
        let Some(purpose) = purpose.and_then(|purpose| self.schema.purposes.get(usize::from(purpose.0))) else {
            return purpose.is_none();
        };
        let category = self.schema.attributes.get(usize::from(attribute.0)).map(|attribute| attribute.category);
        category.is_some_and(|category| purpose.categories.contains(&category))
    }

    pub(super) fn row(&self, root: Birth) -> Result<ProfileRow, Error> {
        self.index.profile(root)?.ok_or_else(|| Error::NotFound { what: "there is no such profile".to_owned() })
    }

    /// The received entry at a place.
    pub(super) fn received(&self, position: u64) -> Result<Received, Error> {
        match self.entries.read(Position(position))?.content {
            Content::Received(received) => Ok(received),
            _ => Err(Error::Unaccounted { what: "a record's entry is not one that was received" }),
        }
    }

    pub(super) fn open(&self, birth: Birth) -> Result<Opened, Error> {
        let row = self.index.record(birth)?.ok_or(Error::Unaccounted { what: "a record is not in the index" })?;
        let received = self.received(row.position)?;
        Ok(Opened { birth, row, received })
    }

    pub(super) fn record_view(&self, record: &Opened) -> RecordView {
        let source = self.schema.sources.get(usize::from(record.row.source.0));
        RecordView {
            source: source.map_or_else(String::new, |source| source.name.clone()),
            key: record.received.key.clone(),
            at_us: record.received.at.map(|at| at.0),
            trust: source.map_or(0, |source| source.trust),
        }
    }

    pub(super) fn attribute(&self, attribute: AttributeId) -> &str {
        self.schema.attributes.get(usize::from(attribute.0)).map_or("", |attribute| attribute.name.as_str())
    }
}
