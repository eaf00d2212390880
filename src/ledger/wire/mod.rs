//! How payloads are written: the field order of these structs is the byte order of format 1 (see `FORMAT.md`).
//!
//! Nothing outside the ledger sees these types. INVARIANT: reading accepts only what writing gives, so every payload
//! has one form.

mod decisions;
mod evidence;
mod read;
mod request;
mod review;

pub(super) use evidence::read_key;

use super::error::Error;
use super::kind::{ENTRY_BYTES_MAX, Kind, Seal};
use super::payload::{
    Answer, Commit, Content, Decision, Merge, Open, PolicyPart, RAW_BYTES_MAX, Received, Rejected, StandardCell,
    Standardized, Unmerge, Values, Written,
};
use super::tree::Digest;
use crate::crypto::{KeyEpoch, LedgerId, WriterSalt};
use crate::encoding::canonical::{self, Bytes, Counted, Each};
use crate::model::{
    AttributeId, Birth, Cell, CellKind, Epoch, FieldIndex, Fields, IdentifierHash, KindId, Link, NameHash, Order,
    ProfileId, PurposeId, Sequence, SourceId, Timestamp, ValueHash,
};
use serde::{Deserialize, Serialize};

/// Says that a standardised value is the raw field.
const SAME: u16 = u16::MAX;
/// Says that there is no source.
const NO_SOURCE: u16 = u16::MAX;
/// Says that there is no event time.
const NO_TIME: i64 = i64::MIN;
/// Says that no consent decided.
const NO_CONSENT: u64 = u64::MAX;

/// Reads the payload of a kind; `None` when the bytes are not one.
pub(super) fn read(kind: Kind, bytes: &[u8]) -> Option<Content> {
    Some(match kind {
        Kind::Open => Content::Open(read_open(bytes)?),
        Kind::Policy => Content::Policy(read_policy(bytes)?),
        Kind::Received => Content::Received(read_received(bytes, false)?),
        Kind::Consent => Content::Received(read_received(bytes, true)?),
        Kind::Rejected => Content::Rejected(read_rejected(bytes)?),
        Kind::Merge => {
            let (link, epoch): (LinkWire, u64) = canonical::decode(bytes).ok()?;
            Content::Merge(Merge { link: link.into(), epoch: Epoch(epoch) })
        }
        Kind::Unmerge => {
            let (link, epoch, ends): (LinkWire, u64, u64) = canonical::decode(bytes).ok()?;
            Content::Unmerge(Unmerge { link: link.into(), epoch: Epoch(epoch), ends: Sequence(ends) })
        }
        Kind::Values => Content::Values(read_values(bytes)?),
        Kind::Decision => Content::Decision(read_decision(bytes)?),
        Kind::Commit => Content::Commit(read_commit(bytes)?),
        Kind::Review => Content::Review(review::read_review(bytes)?),
        Kind::Erasure => Content::Erasure(evidence::read_erasure(bytes)?),
        Kind::Key => Content::Key(read_key(bytes)?),
        Kind::Redaction => Content::Redaction(evidence::read_redaction(bytes)?),
        Kind::Read => Content::Read(read::read_read(bytes)?),
        Kind::Request => Content::Request(request::read_request(bytes)?),
        Kind::Uses => Content::Uses(decisions::read_uses(bytes)?),
        Kind::Permissions => Content::Permissions(decisions::read_permissions(bytes)?),
        Kind::Tick => Content::Tick(decisions::read_tick(bytes)?),
        Kind::Binding => Content::Binding(decisions::read_binding(bytes)?),
    })
}

impl Content {
    /// Whose keys this content is sealed under; `None` for what was not opened.
    pub(super) fn seal(&self) -> Option<Seal> {
        Some(match self {
            Self::Open(payload) => payload.seal(),
            Self::Policy(payload) => payload.seal(),
            Self::Received(payload) => payload.seal(),
            Self::Rejected(payload) => payload.seal(),
            Self::Merge(payload) => payload.seal(),
            Self::Unmerge(payload) => payload.seal(),
            Self::Values(payload) => payload.seal(),
            Self::Decision(payload) => payload.seal(),
            Self::Commit(payload) => payload.seal(),
            Self::Review(payload) => payload.seal(),
            Self::Erasure(payload) => payload.seal(),
            Self::Key(payload) => payload.seal(),
            Self::Redaction(payload) => payload.seal(),
            Self::Read(payload) => payload.seal(),
            Self::Request(payload) => payload.seal(),
            Self::Uses(payload) => payload.seal(),
            Self::Permissions(payload) => payload.seal(),
            Self::Tick(payload) => payload.seal(),
            Self::Binding(payload) => payload.seal(),
            Self::Sealed { .. } | Self::Erased { .. } => return None,
        })
    }
}

fn put<T: Serialize>(kind: Kind, wire: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    let list_too_long = |_| Error::TooLarge { kind, what: "a list", size: 65_536, max: 65_535 };
    canonical::encode(wire, out).map_err(list_too_long)
}

/// A size that has two bytes in the format; the entry as a whole is measured after it is written.
fn short(kind: Kind, what: &'static str, size_bytes: usize) -> Result<u16, Error> {
    match u16::try_from(size_bytes) {
        Ok(size) if size != SAME => Ok(size),
        _ => Err(Error::TooLarge { kind, what, size: size_bytes, max: ENTRY_BYTES_MAX - 1 }),
    }
}

#[derive(Serialize, Deserialize)]
struct OpenWire {
    ledger: [u8; 16],
    salt: [u8; 16],
    run: u32,
    key_epoch: u16,
    software: String,
}

impl Written for Open {
    fn kind(&self) -> Kind {
        Kind::Open
    }

    fn seal(&self) -> Seal {
        Seal::Clear
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let wire = OpenWire {
            ledger: self.ledger.0,
            salt: self.salt.0,
            run: self.run,
            key_epoch: self.key_epoch.0,
            software: self.software.clone(),
        };
        put(Kind::Open, &wire, out)
    }
}

/// The payload of an open entry.
pub(super) fn read_open(bytes: &[u8]) -> Option<Open> {
    let wire: OpenWire = canonical::decode(bytes).ok()?;
    Some(Open {
        ledger: LedgerId(wire.ledger),
        salt: WriterSalt(wire.salt),
        run: wire.run,
        key_epoch: KeyEpoch(wire.key_epoch),
        software: wire.software,
    })
}

type PolicyWire = (String, String, Digest, u16, u16, Counted<(String, String)>);

impl Written for PolicyPart {
    fn kind(&self) -> Kind {
        Kind::Policy
    }

    fn seal(&self) -> Seal {
        Seal::Clear
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let files = Each(&self.files, std::convert::identity::<&(String, String)>);
        put(Kind::Policy, &(&self.name, &self.version, &self.digest, self.part, self.parts, files), out)
    }
}

/// The payload of a policy entry.
pub(super) fn read_policy(bytes: &[u8]) -> Option<PolicyPart> {
    let (name, version, digest, part, parts, Counted(files)): PolicyWire = canonical::decode(bytes).ok()?;
    (part >= 1 && part <= parts).then_some(PolicyPart { name, version, digest, part, parts, files })
}

/// The fixed part of a received entry.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct ReceivedHead {
    birth: u64,
    source: u16,
    operation: u8,
    order_sort: u8,
    order: u64,
    at: i64,
    key_bytes: u16,
    raw_bytes: u16,
}

type ReceivedWire = (ReceivedHead, Counted<(u16, u8, u16)>, Counted<(u16, u16, u16)>, Counted<(u16, u8)>, String);

impl Written for Received {
    fn kind(&self) -> Kind {
        if self.consent { Kind::Consent } else { Kind::Received }
    }

    fn seal(&self) -> Seal {
        Seal::Record(self.birth)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let kind = self.kind();
        let (cells, raw) = self.fields.parts();
        let (order_sort, order) = match self.order {
            Order::Arrival => (0, 0),
            Order::Log(position) => (1, position),
            Order::Time(at) => (2, at.cast_unsigned()),
        };
        let head = ReceivedHead {
            birth: self.birth.0,
            source: self.source.0,
            operation: u8::from(!self.live),
            order_sort,
            order,
            at: self.at.map_or(NO_TIME, |at| at.0),
            key_bytes: short(kind, "a key", self.key.len())?,
            raw_bytes: short(kind, "the raw fields", raw.len())?,
        };
        short(kind, "the standardised values", self.values.text.len())?;
        // INVARIANT: no part of a text is longer than the whole, so from here on sizes fit in two bytes.
        let narrow = |size: u32| u16::try_from(size).unwrap_or(SAME);
        let cells = Each(cells, |cell: &Cell| (cell.field.0, cell.kind as u8, narrow(cell.size_bytes)));
        let values = Each(&self.values.cells, |cell: &StandardCell| {
            (cell.attribute.0, cell.field.0, cell.size_bytes.map_or(SAME, narrow))
        });
        let issues = Each(&self.issues, |&(field, reason): &(FieldIndex, u8)| (field.0, reason));
        let mut text = String::with_capacity(self.key.len() + raw.len() + self.values.text.len());
        text.push_str(&self.key);
        text.push_str(raw);
        text.push_str(&self.values.text);
        put(kind, &(head, cells, values, issues, &text), out)
    }
}

fn read_received(bytes: &[u8], consent: bool) -> Option<Received> {
    let (head, Counted(cells), Counted(values), Counted(issues), mut text): ReceivedWire =
        canonical::decode(bytes).ok()?;
    let order = match (head.order_sort, head.order) {
        (0, 0) => Order::Arrival,
        (1, position) => Order::Log(position),
        (2, at) => Order::Time(at.cast_signed()),
        _ => return None,
    };
    let key_bytes = usize::from(head.key_bytes);
    let raw_end = key_bytes.checked_add(usize::from(head.raw_bytes))?;
    if !text.is_char_boundary(key_bytes) || !text.is_char_boundary(raw_end) {
        return None;
    }
    let standard = text.split_off(raw_end);
    let raw = text.split_off(key_bytes);
    let cells = cells.into_iter().map(read_cell).collect::<Option<Vec<_>>>()?;
    let fields = Fields::from_parts(cells, raw)?;
    let values = read_standardized(&values, standard, &fields)?;
    Some(Received {
        consent,
        birth: Birth(head.birth),
        source: SourceId(head.source),
        live: match head.operation {
            0 => true,
            1 => false,
            _ => return None,
        },
        order,
        at: (head.at != NO_TIME).then_some(Timestamp(head.at)),
        key: text,
        fields,
        values,
        issues: issues.into_iter().map(|(field, reason)| (FieldIndex(field), reason)).collect(),
    })
}

fn read_cell((field, kind, size_bytes): (u16, u8, u16)) -> Option<Cell> {
    let kind = match kind {
        0 => CellKind::Text,
        1 => CellKind::Number,
        2 => CellKind::Boolean,
        3 => CellKind::Json,
        4 => CellKind::Null,
        5 => CellKind::Unavailable,
        _ => return None,
    };
    Some(Cell { field: FieldIndex(field), kind, size_bytes: size_bytes.into() })
}

fn read_standardized(cells: &[(u16, u16, u16)], text: String, fields: &Fields) -> Option<Standardized> {
    let mut end = 0usize;
    let mut read = Vec::with_capacity(cells.len());
    for &(attribute, field, size) in cells {
        let (attribute, field) = (AttributeId(attribute), FieldIndex(field));
        let size_bytes = if size == SAME {
            fields.get(field)?;
            None
        } else {
            end = end.checked_add(usize::from(size))?;
            if !text.is_char_boundary(end) {
                return None;
            }
            Some(u32::from(size))
        };
        read.push(StandardCell { attribute, field, size_bytes });
    }
    (end == text.len()).then_some(Standardized { cells: read, text })
}

type RejectedWire = (u64, u16, u8, String, String, u64, u64, Digest, Bytes);

impl Written for Rejected {
    fn kind(&self) -> Kind {
        Kind::Rejected
    }

    fn seal(&self) -> Seal {
        Seal::Record(self.number)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.raw.len() > RAW_BYTES_MAX {
            let (kind, size) = (Kind::Rejected, self.raw.len());
            return Err(Error::TooLarge { kind, what: "the raw bytes", size, max: RAW_BYTES_MAX });
        }
        let source = self.source.map_or(NO_SOURCE, |source| source.0);
        let head = (self.number.0, source, self.code, &self.reason, &self.input);
        let raw = Bytes(self.raw.clone());
        put(Kind::Rejected, &(head, self.line, self.size_bytes, &self.sha256, raw), out)
    }
}

fn read_rejected(bytes: &[u8]) -> Option<Rejected> {
    let (number, source, code, reason, input, line, size_bytes, sha256, Bytes(raw)): RejectedWire =
        canonical::decode(bytes).ok()?;
    Some(Rejected {
        number: Birth(number),
        source: (source != NO_SOURCE).then_some(SourceId(source)),
        code,
        reason,
        input,
        line,
        size_bytes,
        sha256,
        raw,
    })
}

#[derive(Serialize, Deserialize)]
struct LinkWire {
    a: u64,
    b: u64,
    kind: u8,
    identifier: u128,
}

impl From<Link> for LinkWire {
    fn from(link: Link) -> Self {
        Self { a: link.a.0, b: link.b.0, kind: link.kind.0, identifier: link.identifier.0 }
    }
}

impl From<LinkWire> for Link {
    fn from(wire: LinkWire) -> Self {
        Self {
            a: Birth(wire.a),
            b: Birth(wire.b),
            kind: KindId(wire.kind),
            identifier: IdentifierHash(wire.identifier),
        }
    }
}

impl Written for Merge {
    fn kind(&self) -> Kind {
        Kind::Merge
    }

    fn seal(&self) -> Seal {
        Seal::Pair(self.link.a, self.link.b)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        put(Kind::Merge, &(LinkWire::from(self.link), self.epoch.0), out)
    }
}

impl Written for Unmerge {
    fn kind(&self) -> Kind {
        Kind::Unmerge
    }

    fn seal(&self) -> Seal {
        Seal::Pair(self.link.a, self.link.b)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        put(Kind::Unmerge, &(LinkWire::from(self.link), self.epoch.0, self.ends.0), out)
    }
}

type ValuesWire = (u128, u64, u64, Counted<(u16, u64)>, Counted<u16>, u64);

impl Written for Values {
    fn kind(&self) -> Kind {
        Kind::Values
    }

    fn seal(&self) -> Seal {
        Seal::Record(self.record)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let gained = Each(&self.gained, |&(attribute, value): &(AttributeId, ValueHash)| (attribute.0, value.0));
        let lost = Each(&self.lost, |attribute: &AttributeId| attribute.0);
        put(Kind::Values, &(self.profile.0.0, self.root.0, self.record.0, gained, lost, self.epoch.0), out)
    }
}

fn read_values(bytes: &[u8]) -> Option<Values> {
    let (profile, root, record, Counted(gained), Counted(lost), epoch): ValuesWire = canonical::decode(bytes).ok()?;
    Some(Values {
        profile: ProfileId(NameHash(profile)),
        root: Birth(root),
        record: Birth(record),
        gained: gained.into_iter().map(|(attribute, value)| (AttributeId(attribute), ValueHash(value))).collect(),
        lost: lost.into_iter().map(AttributeId).collect(),
        epoch: Epoch(epoch),
    })
}

type DecisionWire = (u128, u64, Counted<(u8, bool, u8, u64, i64)>, u64);

impl Written for Decision {
    fn kind(&self) -> Kind {
        Kind::Decision
    }

    fn seal(&self) -> Seal {
        Seal::Record(self.root)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let answers = Each(&self.answers, |answer: &Answer| {
            let consent = answer.consent.map_or(NO_CONSENT, |consent| consent.0);
            (answer.purpose.0, answer.allowed, answer.reason, consent, answer.until)
        });
        put(Kind::Decision, &(self.profile.0.0, self.root.0, answers, self.epoch.0), out)
    }
}

fn read_decision(bytes: &[u8]) -> Option<Decision> {
    let (profile, root, Counted(answers), epoch): DecisionWire = canonical::decode(bytes).ok()?;
    let answer = |(purpose, allowed, reason, consent, until)| Answer {
        purpose: PurposeId(purpose),
        allowed,
        reason,
        consent: (consent != NO_CONSENT).then_some(Birth(consent)),
        until,
    };
    Some(Decision {
        profile: ProfileId(NameHash(profile)),
        root: Birth(root),
        answers: answers.into_iter().map(answer).collect(),
        epoch: Epoch(epoch),
    })
}

impl Written for Commit {
    fn kind(&self) -> Kind {
        Kind::Commit
    }

    fn seal(&self) -> Seal {
        Seal::Clear
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        put(Kind::Commit, &(self.epoch.0, self.size, &self.root, &self.head, self.first.0), out)
    }
}

/// The payload of a commit entry.
pub(super) fn read_commit(bytes: &[u8]) -> Option<Commit> {
    let (epoch, size, root, head, first): (u64, u64, Digest, Digest, u64) = canonical::decode(bytes).ok()?;
    Some(Commit { epoch: Epoch(epoch), size, root, head, first: Sequence(first) })
}
