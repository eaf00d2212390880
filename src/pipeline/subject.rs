//! Who is meant by an erasure, what it would cover, and what became of those before.
//!
//! Nothing is changed here, and no value of a person is shown: records are counted by source.

use super::resolve::Name;
use super::{Archive, Error, Onefold, Scope, meta};
use crate::ledger::{self, Content};
use crate::model::{Birth, ProfileId, Sequence};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What an erasure would destroy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The profile that ends or loses a record; `None` when all of its records were deleted before.
    #[serde(serialize_with = "as_text")]
    pub profile: Option<ProfileId>,
    /// Records by source, consents included, in the order of their sources' names.
    pub sources: BTreeMap<String, u64>,
    /// Of these, how many are consents.
    pub consents: u64,
    /// Of these, how many were deleted by their sources before.
    pub deleted: u64,
    /// Refused messages about them.
    pub rejected: u64,
    /// Names and identifiers by which they will be refused when they come again.
    pub tombstones: u64,
    /// Records that are kept because they must not be erased, by the decisions that say so.
    pub kept: Vec<Sequence>,
}

/// An erasure that the ledger records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErasureView {
    /// Its entries.
    pub entries: Vec<Sequence>,
    /// The reference of the request.
    pub request: String,
    /// The ground.
    pub ground: String,
    /// When it was recorded, seconds since 1970.
    pub at_s: u32,
    /// Records and refused messages whose keys were destroyed.
    pub records: u64,
    /// The generation of the key state in which the keys are no more.
    pub generation: u64,
    /// By when the ciphertexts are to be deleted, seconds since 1970.
    pub due_s: u32,
    /// Whether they are.
    pub deleted: bool,
}

fn as_text<S: serde::Serializer>(profile: &Option<ProfileId>, serializer: S) -> Result<S::Ok, S::Error> {
    profile.map(|id| id.to_string()).serialize(serializer)
}

impl Onefold {
    /// The roots of the persons that a name leads to, as [`Finder::profiles_of`](super::Finder::profiles_of) finds them;
    /// a record or profile whose records were all deleted by their sources is found, too.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none; [`Error::NotAName`] and [`Error::BadName`].
    pub fn persons_of(&self, id: &str) -> Result<Vec<Birth>, Error> {
        let reader = self.reader()?;
        let missing = match reader.profiles_of(id) {
            Err(Error::NotFound { what }) => Error::NotFound { what },
            found => return found,
        };
        let birth = match reader.parse(id)? {
            Name::Record(..) => reader.record(id)?,
            Name::Profile(profile) => match self.index.birth(profile.0)? {
                Some(birth) => birth,
                None => return Err(missing),
            },
            Name::Identifier(..) => return Err(missing),
        };
        let departed = self.records.get(birth).is_some_and(|known| !known.live) && !self.records.is_erased(birth);
        self.living_root(birth).filter(|_| departed).map(|root| vec![root]).ok_or(missing)
    }

    /// What an erasure of this scope would cover.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is nothing to erase; when ledger or index cannot be read.
    pub fn coverage(&mut self, scope: Scope) -> Result<Coverage, Error> {
        let covered = self.covered(scope)?;
        let (Scope::Person(birth) | Scope::Record(birth)) = scope;
        let (mut sources, mut deleted) = (BTreeMap::new(), 0);
        for birth in &covered.records {
            let Some(known) = self.records.get(*birth) else { continue };
            let source = self.schema.sources.get(usize::from(known.source.0));
            let name = source.map_or_else(|| "?".to_owned(), |source| source.name.clone());
            *sources.entry(name).or_default() += 1;
            deleted += u64::from(!known.live);
        }
        Ok(Coverage {
            profile: self.reader()?.profile_at(birth)?,
            sources,
            consents: covered.consents,
            deleted,
            rejected: covered.rejected.len() as u64,
            tombstones: covered.tombstones.len() as u64,
            kept: covered.held.values().copied().collect(),
        })
    }
}

impl Archive {
    /// All erasures that the ledger records, in order, and whether their ciphertexts are deleted.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn erasures(&self) -> Result<Vec<ErasureView>, Error> {
        let mut views: Vec<ErasureView> = Vec::new();
        let mut done: BTreeSet<Sequence> = BTreeSet::new();
        // What is said of erasures stands in clear: no key is needed, and nothing has to be decrypted.
        ledger::Reader::open(&self.directory.ledger(), None)?.scan(None, |entry| -> Result<(), Error> {
            let (sequence, at_s) = (entry.placed.sequence, entry.header.time_s);
            match entry.content {
                Content::Erasure(erasure) => match views.last_mut().filter(|_| erasure.part > 1) {
                    Some(view) => {
                        view.entries.push(sequence);
                        view.records += erasure.births.len() as u64;
                    }
                    None => views.push(ErasureView {
                        entries: vec![sequence],
                        request: erasure.request,
                        ground: erasure.ground,
                        at_s,
                        records: erasure.births.len() as u64,
                        generation: erasure.generation,
                        due_s: erasure.due_s,
                        deleted: false,
                    }),
                },
                Content::Redaction(redaction) => done.extend(redaction.erasures),
                _ => {}
            }
            Ok(())
        })?;
        for view in &mut views {
            view.deleted = view.entries.iter().all(|entry| done.contains(entry));
        }
        Ok(views)
    }

    /// How many changes were refused because they were about erased records; since the index was made.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn refused(&self) -> Result<u64, Error> {
        let bytes = self.index.meta(meta::REFUSED)?;
        Ok(bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes))
    }
}
