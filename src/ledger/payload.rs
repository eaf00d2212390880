//! What entries say, in the words of the model. How it is written stands in `wire`.
//!
//! INVARIANT: a payload knows under whose key it is sealed, so none can be sealed under another person's.

use super::error::Error;
use super::kind::{Kind, Seal};
use super::read_entry::Read;
use super::request::Request;
use super::tree::Digest;
use crate::crypto::{KeyEpoch, LedgerId, WriterSalt};
use crate::model::{
    AttributeId, Birth, Context, Epoch, FieldIndex, Fields, IdentifierHash, Link, Order, ProfileId, PurposeId, Ruling,
    Sequence, SourceId, Timestamp, ValueHash, Winner,
};

/// What is sealed under the keys of records, and so can be appended by anyone who holds the writer. Open, policy and
/// commit entries are the writer's own.
pub trait Payload: Written {}

impl Payload for Received {}
impl Payload for Rejected {}
impl Payload for Merge {}
impl Payload for Unmerge {}
impl Payload for Values {}
impl Payload for Decision {}
impl Payload for Review {}
impl Payload for Erasure {}
impl Payload for Read {}
impl Payload for Request {}
impl Payload for Uses {}
impl Payload for Permissions {}
impl Payload for Tick {}
impl Payload for Binding {}

/// Something that an entry can say.
pub trait Written {
    /// Of which kind the entry is.
    fn kind(&self) -> Kind;
    /// Under whose keys it is sealed.
    fn seal(&self) -> Seal;
    /// Appends the canonical bytes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when a part of it is larger than any entry. `out` may then hold a part of the bytes.
    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error>;
}

/// What an entry that was read says.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// [`Kind::Open`].
    Open(Open),
    /// [`Kind::Policy`].
    Policy(PolicyPart),
    /// [`Kind::Received`] and [`Kind::Consent`].
    Received(Received),
    /// [`Kind::Rejected`].
    Rejected(Rejected),
    /// [`Kind::Merge`].
    Merge(Merge),
    /// [`Kind::Unmerge`].
    Unmerge(Unmerge),
    /// [`Kind::Values`].
    Values(Values),
    /// [`Kind::Decision`].
    Decision(Decision),
    /// [`Kind::Commit`].
    Commit(Commit),
    /// [`Kind::Review`].
    Review(Review),
    /// [`Kind::Erasure`].
    Erasure(Erasure),
    /// [`Kind::Key`].
    Key(KeyChange),
    /// [`Kind::Redaction`].
    Redaction(Redaction),
    /// [`Kind::Read`].
    Read(Read),
    /// [`Kind::Request`].
    Request(Request),
    /// [`Kind::Uses`].
    Uses(Uses),
    /// [`Kind::Permissions`].
    Permissions(Permissions),
    /// [`Kind::Tick`].
    Tick(Tick),
    /// [`Kind::Binding`].
    Binding(Binding),
    /// An entry about erased records: it can no longer be opened by anybody.
    Erased {
        /// The record, or the first of two.
        birth: Birth,
        /// The other one of a pair.
        other: Option<Birth>,
        /// Whether its ciphertext was deleted, too.
        redacted: bool,
    },
    /// An entry of a sealed kind, read without keys.
    Sealed {
        /// Bytes of the ciphertext without its tag.
        size_bytes: usize,
    },
}

/// A writer opened the ledger: a new run, with a salt of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The ledger.
    pub ledger: LedgerId,
    /// Part of the derivation of every entry key of the writer.
    pub salt: WriterSalt,
    /// The run that begins; 0 for the first, then one more at each open and policy.
    pub run: u32,
    /// Which generation of record keys is used.
    pub key_epoch: KeyEpoch,
    /// The version of the software.
    pub software: String,
}

/// A bundle as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyBundle {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its digest, as `policy` defines it.
    pub digest: Digest,
    /// Its files by path inside the bundle, in ascending order of path, each once.
    pub files: Vec<(String, String)>,
}

/// A bundle, or as much of it as goes into one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyPart {
    /// Name of the bundle.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its digest.
    pub digest: Digest,
    /// Which part this is, from 1.
    pub part: u16,
    /// How many there are; the bundle is in force with the last.
    pub parts: u16,
    /// Files or pieces of files; the first may go on with the last file of the part before, under the same path.
    pub files: Vec<(String, String)>,
}

/// A record or consent as it came: the only place where its content stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Whether it is a consent, which is a kind of entry of its own.
    pub consent: bool,
    /// The record.
    pub birth: Birth,
    /// Where it lives.
    pub source: SourceId,
    /// Whether it is live; a deleted one has a key and no content.
    pub live: bool,
    /// Its place among the changes of the record.
    pub order: Order,
    /// Event time.
    pub at: Option<Timestamp>,
    /// The record's key in its source.
    pub key: String,
    /// The raw fields.
    pub fields: Fields,
    /// The standardised values.
    pub values: Standardized,
    /// Fields whose value was refused, and the reason's number, in the order they were found.
    pub issues: Vec<(FieldIndex, u8)>,
}

impl Received {
    /// The standardised values that hold: without those that a steward took away.
    pub fn told(&self) -> impl Iterator<Item = (AttributeId, FieldIndex, &str)> {
        self.values.iter(&self.fields).filter(|(_, _, text)| !text.is_empty())
    }
}

/// Standardised values of a record; one that equals the raw field it came from is not stored twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standardized {
    pub(super) cells: Vec<StandardCell>,
    pub(super) text: String,
}

/// One standardised value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StandardCell {
    pub(super) attribute: AttributeId,
    pub(super) field: FieldIndex,
    /// Bytes of the text; `None`: the raw field is the value.
    pub(super) size_bytes: Option<u32>,
}

impl Standardized {
    /// Adds the value of an attribute, made from a raw field.
    ///
    /// # Panics
    /// When the value is longer than `u32::MAX`: the lines that records come in are bounded far below that.
    pub fn push(&mut self, attribute: AttributeId, field: FieldIndex, value: &str, fields: &Fields) {
        let same = fields.get(field).is_some_and(|(_, raw)| raw == value);
        let size_bytes = (!same).then(|| u32::try_from(value.len()).expect("a value is bounded by the size of a line"));
        self.cells.push(StandardCell { attribute, field, size_bytes });
        if !same {
            self.text.push_str(value);
        }
    }

    /// The values in the order they were added; `fields` are those that they were made from.
    pub fn iter<'a>(&'a self, fields: &'a Fields) -> impl Iterator<Item = (AttributeId, FieldIndex, &'a str)> {
        let mut start = 0usize;
        self.cells.iter().map(move |cell| {
            let value = match cell.size_bytes {
                Some(size_bytes) => {
                    let end = start + size_bytes as usize;
                    let value = &self.text[start..end];
                    start = end;
                    value
                }
                None => fields.get(cell.field).map_or("", |(_, raw)| raw),
            };
            (cell.attribute, cell.field, value)
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.cells.len()
    }

    /// Removes all values and keeps the memory.
    pub fn clear(&mut self) {
        self.cells.clear();
        self.text.clear();
    }
}

/// Bytes that were no change, kept so that they can be looked at and tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// A birth number that no record has; its key seals the entry.
    pub number: Birth,
    /// Where they came from, when that is known.
    pub source: Option<SourceId>,
    /// The reason's number.
    pub code: u8,
    /// The reason in words, without any of the bytes.
    pub reason: String,
    /// The file or channel they came by.
    pub input: String,
    /// The line they stood on, from 1; 0 when there are no lines.
    pub line: u64,
    /// How many bytes there were.
    pub size_bytes: u64,
    /// SHA-256 of all of them.
    pub sha256: Digest,
    /// The first [`RAW_BYTES_MAX`] of them.
    pub raw: Vec<u8>,
}

/// From here on birth numbers are those of rejected messages, which no record has.
pub const REJECTED_NUMBERS: u64 = 1 << 63;
/// The most raw bytes that a [`Rejected`] keeps.
pub const RAW_BYTES_MAX: usize = 60_000;

/// Two records were found to be one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merge {
    /// Why; sealed under the keys of both its records.
    pub link: Link,
    /// When.
    pub epoch: Epoch,
}

/// A merge no longer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unmerge {
    /// The link of the merge.
    pub link: Link,
    /// Since when.
    pub epoch: Epoch,
    /// The merge entry that this one ends.
    pub ends: Sequence,
}

/// The attributes of a profile whose value comes, or no longer comes, from a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values {
    /// The profile.
    pub profile: ProfileId,
    /// Its oldest record.
    pub root: Birth,
    /// The record whose values they are; its key seals the entry.
    pub record: Birth,
    /// Attributes that have their value from it now.
    pub gained: Vec<(AttributeId, ValueHash)>,
    /// Attributes that no longer have.
    pub lost: Vec<AttributeId>,
    /// Since when.
    pub epoch: Epoch,
}

/// The same, with the purposes that each value is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uses {
    /// The profile.
    pub profile: ProfileId,
    /// Its oldest record.
    pub root: Birth,
    /// The record whose values they are; its key seals the entry.
    pub record: Birth,
    /// Attributes that have their value from it now, each with its [uses](Winner::uses), in place of what was said of
    /// them before.
    pub gained: Vec<(AttributeId, ValueHash, u64)>,
    /// Attributes that no longer have, or not for the same uses.
    pub lost: Vec<AttributeId>,
    /// Since when.
    pub epoch: Epoch,
}

impl Uses {
    /// As it is written when no value is for a purpose.
    pub fn plain(&self) -> Option<Values> {
        let plain = self.gained.iter().all(|(_, _, uses)| *uses == Winner::PLAIN);
        plain.then(|| Values {
            profile: self.profile,
            root: self.root,
            record: self.record,
            gained: self.gained.iter().map(|(attribute, value, _)| (*attribute, *value)).collect(),
            lost: self.lost.clone(),
            epoch: self.epoch,
        })
    }
}

impl From<Values> for Uses {
    fn from(values: Values) -> Self {
        let Values { profile, root, record, gained, lost, epoch } = values;
        let gained = gained.into_iter().map(|(attribute, value)| (attribute, value, Winner::PLAIN)).collect();
        Self { profile, root, record, gained, lost, epoch }
    }
}

/// What may be done with a profile, under which circumstances, by which policies of the bundle in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// The profile.
    pub profile: ProfileId,
    /// Its oldest record; its key seals the entry.
    pub root: Birth,
    /// The purposes whose answer changed.
    pub answers: Vec<Ruled>,
    /// Since when.
    pub epoch: Epoch,
}

/// The answer for one purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruled {
    /// For what.
    pub purpose: PurposeId,
    /// Whether there is anything to be said; if not, it is denied as it is to everybody.
    pub holds: bool,
    /// Bit *c*: values of category *c* of some record may be used. None: denied.
    pub categories: u32,
    /// The circumstances.
    pub context: Context,
    /// The consent, or the end of one, that these rest on.
    pub consent: Option<Birth>,
    /// End of the permission in microseconds, exclusive; `i64::MAX` when it has none.
    pub until: i64,
    /// The ids of the policies that determined it; none: no policy permits it.
    pub policies: Vec<String>,
}

/// Time went on: what ends up to then has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Microseconds since 1970.
    pub at: i64,
    /// Whether an operator set the clock on by hand.
    pub by_hand: bool,
}

/// Records were of the person who ended a consent when it was ended: it binds them wherever they belong later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The consent that was ended; its key seals the entry.
    pub consent: Birth,
    /// The oldest record of the profile.
    pub root: Birth,
    /// The identifier that it was ended on.
    pub on: IdentifierHash,
    /// Records of the profile that do not carry it, ascending.
    pub records: Vec<Birth>,
    /// When.
    pub epoch: Epoch,
}

/// What may be done with a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The profile.
    pub profile: ProfileId,
    /// Its oldest record; its key seals the entry.
    pub root: Birth,
    /// The purposes whose answer changed.
    pub answers: Vec<Answer>,
    /// Since when.
    pub epoch: Epoch,
}

/// The answer for one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// For what.
    pub purpose: PurposeId,
    /// Whether it is allowed.
    pub allowed: bool,
    /// The reason's number.
    pub reason: u8,
    /// The consent that decided, when one did.
    pub consent: Option<Birth>,
    /// End of the permission in microseconds, exclusive; `i64::MAX` when it has none.
    pub until: i64,
}

/// All entries of an epoch stand before this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The epoch; higher than that of the commit before.
    pub epoch: Epoch,
    /// How many entries there are before this one.
    pub size: u64,
    /// Root of the Merkle tree over them.
    pub root: Digest,
    /// Leaf of the last of them.
    pub head: Digest,
    /// The first entry after the commit before, or 0.
    pub first: Sequence,
}

/// A steward's decision, or the withdrawal of one: an input like what sources send. The time is that of the entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// What is decided, or no longer; sealed under the keys of its records.
    pub ruling: Ruling,
    /// The entry of the decision that is withdrawn; `None`: this is a decision.
    pub ends: Option<Sequence>,
    /// Who decided.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The standardised value that a rectification sets; empty: there is none. Empty in everything else.
    pub value: String,
}

/// Records were erased: their keys are destroyed in the state that this entry names, and with that every entry about
/// them. It ends every link and every value that they justified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// The reference of the request, as the operator gave it. It names no person.
    pub request: String,
    /// On which ground, for instance `GDPR Art. 17(1)(a)`.
    pub ground: String,
    /// The epoch in which the records leave their profiles.
    pub epoch: Epoch,
    /// The generation of the key state in which their keys are no more.
    pub generation: u64,
    /// By when their ciphertexts will be deleted, seconds since 1970.
    pub due_s: u32,
    /// Which part of the erasure this is, from 1; one with many records has several entries.
    pub part: u16,
    /// How many parts there are.
    pub parts: u16,
    /// The records, ascending, and the numbers of rejected messages about them.
    pub births: Vec<Birth>,
    /// Keyed hashes of their names and identifiers, ascending, by which they are refused when they come again.
    pub tombstones: Vec<u128>,
}

/// A key that signs checkpoints came in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// The Ed25519 public key.
    pub public: [u8; 32],
    /// The one that it replaces.
    pub previous: Option<[u8; 32]>,
    /// Signature of the change by the new key.
    pub signature: Vec<u8>,
    /// Signature of the change by the key before.
    pub previous_signature: Option<Vec<u8>>,
}

/// The ciphertexts of these entries are deleted; all else of them stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redaction {
    /// The erasure entries that are carried out by it.
    pub erasures: Vec<Sequence>,
    /// Ranges of entries, ascending: the first of each, and how many.
    pub entries: Vec<(Sequence, u32)>,
}
