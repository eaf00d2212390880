//! The rows of the index and their bytes, written by hand so that no change of an internal type changes the disk.
//!
//! Numbers named *n* are LEB128, steps are zigzag LEB128 from the number before, all others little-endian.
//! ```text
//! record    flags u8 | name 16 | source n | content 8 | position n | sequence n
//!           | order: nothing, log n, or time 8 | body
//!   flags   bits 0-1 body (person, consent, reference, gone), 2 live, 3-4 order (arrival, log, time),
//!           5 the body has a time, 6 it equals the order's, 7 the body names a source other than the row's
//!   person  [source n] | [at 8] | about u8 (bit 7: since follows) | [since 8] | given name 4 | count n, (kind u8, hash 16)* | count n, (2 × attribute + 1 if rectified n, value 8)*
//!   consent state u8 (bit 6 explicit, 7 parental) | purposes n, each u8 | [at 8] | received 8 | order n | until 8
//!           | count n, (kind u8, hash 16)*
//! profile   count n, member step* | links | winners | permissions
//!   link    m = (member reference of a) × 2 + (1 when kind and hash are those of the link before) n
//!           | member reference of b | [kind u8, hash 16] | sequence step
//!   winner  attribute n | (member reference) | value 8 | uses n (bit 0 plain, then purposes) | sequence step
//!   permission  purpose u8 | flags u8 (0 has a consent, 1 has an end) | [until 8] | [consent n] | categories n | context u16
//!           | sequence step
//!   member reference  1 + place among the members, or 0 and then (after m) the birth n
//! rejected  flags u8 (0 has a source, 1 retried) | [source n] | reason u8 | line n | position n
//! ```

use super::codec::{Malformed, Reader, put_number, put_step};
use crate::model::{
    About, AttributeId, Birth, ConsentFacts, ConsentState, Context, Facts, IdentifierHash, KindId, Link, NameHash,
    NameMark, Order, Permission, PurposeId, Sequence, SourceId, ValueHash, Winner,
};

/// What the index knows of a record; its birth is the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRow {
    /// Hash of (source, key).
    pub name: NameHash,
    /// Where the record lives.
    pub source: SourceId,
    /// Whether it exists now.
    pub live: bool,
    /// Order of the last change that was taken.
    pub order: Order,
    /// Keyed hash of the content, by which a repetition is recognised.
    pub content: u64,
    /// Where the received entry with the content stands in the ledger, in bytes.
    pub position: u64,
    /// Sequence of that entry.
    pub sequence: Sequence,
    /// What the dataflow gets.
    pub body: RecordBody,
}

/// What the dataflow gets of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordBody {
    /// A record of a person.
    Person(Facts),
    /// A consent.
    Consent(ConsentFacts),
    /// A fact about something other than a person: nothing.
    Reference,
    /// A deleted record: nothing.
    Gone,
}

/// A profile and the entries that justify it; the key is the birth of its oldest record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileRow {
    /// Its records, sorted.
    pub members: Vec<Birth>,
    /// The accepted links with their merge entries, sorted.
    pub links: Vec<(Link, Sequence)>,
    /// The winning values with their values entries, sorted by attribute.
    pub winners: Vec<(Winner, Sequence)>,
    /// What may be done with it, with the decision entries, sorted by purpose.
    pub permissions: Vec<(Permission, Sequence)>,
}

/// A record that was refused; the key is the sequence of its rejected entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RejectedRow {
    /// Of which source, where that is known.
    pub source: Option<SourceId>,
    /// Code of the reason.
    pub reason: u8,
    /// Line or row of the input, from 1.
    pub line: u64,
    /// Where the rejected entry stands in the ledger, in bytes.
    pub position: u64,
    /// Whether it was tried again since.
    pub retried: bool,
}

const LIVE: u8 = 1 << 2;
const AT_KNOWN: u8 = 1 << 5;
const AT_IS_ORDER: u8 = 1 << 6;
const OWN_SOURCE: u8 = 1 << 7;

impl RecordRow {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let (order_code, order_time) = match self.order {
            Order::Arrival => (0, None),
            Order::Log(_) => (1, None),
            Order::Time(time) => (2, Some(time)),
        };
        let (body_code, at) = match &self.body {
            RecordBody::Person(facts) => (0, (facts.at != i64::MIN).then_some(facts.at)),
            RecordBody::Consent(facts) => (1, Some(facts.at)),
            RecordBody::Reference => (2, None),
            RecordBody::Gone => (3, None),
        };
        let mut flags = body_code | order_code << 3;
        flags |= if self.live { LIVE } else { 0 };
        flags |= match at {
            None => 0,
            Some(_) if at == order_time => AT_KNOWN | AT_IS_ORDER,
            Some(_) => AT_KNOWN,
        };
        let own_source = match &self.body {
            RecordBody::Person(facts) if facts.source != self.source => Some(facts.source),
            _ => None,
        };
        flags |= if own_source.is_some() { OWN_SOURCE } else { 0 };

        out.push(flags);
        out.extend_from_slice(&self.name.0.to_le_bytes());
        put_number(out, self.source.0.into());
        out.extend_from_slice(&self.content.to_le_bytes());
        put_number(out, self.position);
        put_number(out, self.sequence.0);
        match self.order {
            Order::Arrival => {}
            Order::Log(log) => put_number(out, log),
            Order::Time(time) => out.extend_from_slice(&time.to_le_bytes()),
        }
        let at = if flags & AT_IS_ORDER == 0 { at } else { None };
        match &self.body {
            RecordBody::Person(facts) => put_person(out, facts, own_source, at),
            RecordBody::Consent(facts) => put_consent(out, facts, at),
            RecordBody::Reference | RecordBody::Gone => {}
        }
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let flags = reader.byte()?;
        let name = NameHash(reader.u128()?);
        let source = source(&mut reader)?;
        let content = reader.u64()?;
        let position = reader.number()?;
        let sequence = Sequence(reader.number()?);
        let order = match flags >> 3 & 3 {
            0 => Order::Arrival,
            1 => Order::Log(reader.number()?),
            2 => Order::Time(reader.i64()?),
            _ => return Err(Malformed),
        };
        let body = match flags & 3 {
            0 => RecordBody::Person(person(&mut reader, flags, source, order)?),
            1 => RecordBody::Consent(consent(&mut reader, flags, order)?),
            2 => RecordBody::Reference,
            _ => RecordBody::Gone,
        };
        reader.end()?;
        Ok(Self { name, source, live: flags & LIVE != 0, order, content, position, sequence, body })
    }
}

fn put_person(out: &mut Vec<u8>, facts: &Facts, own_source: Option<SourceId>, at: Option<i64>) {
    if let Some(source) = own_source {
        put_number(out, source.0.into());
    }
    if let Some(at) = at {
        out.extend_from_slice(&at.to_le_bytes());
    }
    let late = facts.since != facts.at;
    out.push(facts.about.number() | u8::from(late) << 7);
    if late {
        out.extend_from_slice(&facts.since.to_le_bytes());
    }
    out.extend_from_slice(&facts.given.0.to_le_bytes());
    put_identifiers(out, &facts.identifiers);
    put_number(out, facts.values.len() as u64);
    for (attribute, value) in &facts.values {
        let rectified = facts.rectified.binary_search(attribute).is_ok();
        put_number(out, u64::from(attribute.0) << 1 | u64::from(rectified));
        out.extend_from_slice(&value.0.to_le_bytes());
    }
}

fn person(reader: &mut Reader<'_>, flags: u8, row_source: SourceId, order: Order) -> Result<Facts, Malformed> {
    let source = if flags & OWN_SOURCE == 0 { row_source } else { source(reader)? };
    let at = at(reader, flags, order)?.unwrap_or(i64::MIN);
    let flags_of_person = reader.byte()?;
    let about = About::from_number(flags_of_person & 0x7f).ok_or(Malformed)?;
    let since = if flags_of_person & 0x80 == 0 { at } else { reader.i64()? };
    let given = NameMark(u32::from_le_bytes(reader.array()?));
    let identifiers = identifiers(reader)?;
    let count = reader.count(9)?;
    let (mut values, mut rectified) = (Vec::with_capacity(count), Vec::new());
    for _ in 0..count {
        let number = reader.number()?;
        let attribute = u16::try_from(number >> 1).map(AttributeId).map_err(|_| Malformed)?;
        values.push((attribute, ValueHash(reader.u64()?)));
        if number & 1 == 1 {
            rectified.push(attribute);
        }
    }
    Ok(Facts { source, at, since, about, given, identifiers, values, rectified })
}

fn put_consent(out: &mut Vec<u8>, facts: &ConsentFacts, at: Option<i64>) {
    out.push(facts.state as u8 | u8::from(facts.explicit) << 6 | u8::from(facts.parental) << 7);
    put_number(out, facts.purposes.len() as u64);
    out.extend(facts.purposes.iter().map(|purpose| purpose.0));
    if let Some(at) = at {
        out.extend_from_slice(&at.to_le_bytes());
    }
    out.extend_from_slice(&facts.received.to_le_bytes());
    put_number(out, facts.order);
    out.extend_from_slice(&facts.until.to_le_bytes());
    put_identifiers(out, &facts.identifiers);
}

fn consent(reader: &mut Reader<'_>, flags: u8, order: Order) -> Result<ConsentFacts, Malformed> {
    let flags_of_state = reader.byte()?;
    let state = ConsentState::from_number(flags_of_state & 0x3f).ok_or(Malformed)?;
    let (explicit, parental) = (flags_of_state & 0x40 != 0, flags_of_state & 0x80 != 0);
    let purposes = (0..reader.count(1)?).map(|_| reader.byte().map(PurposeId)).collect::<Result<_, _>>()?;
    let at = at(reader, flags, order)?.ok_or(Malformed)?;
    let received = reader.i64()?;
    let order = reader.number()?;
    let until = reader.i64()?;
    let identifiers = identifiers(reader)?;
    Ok(ConsentFacts { identifiers, purposes, state, explicit, parental, at, received, order, until })
}

/// The time of a body, where it has one.
fn at(reader: &mut Reader<'_>, flags: u8, order: Order) -> Result<Option<i64>, Malformed> {
    match (flags & AT_KNOWN != 0, flags & AT_IS_ORDER != 0, order) {
        (false, false, _) => Ok(None),
        (true, false, _) => reader.i64().map(Some),
        (true, true, Order::Time(time)) => Ok(Some(time)),
        _ => Err(Malformed),
    }
}

fn put_identifiers(out: &mut Vec<u8>, identifiers: &[(KindId, IdentifierHash)]) {
    put_number(out, identifiers.len() as u64);
    for (kind, hash) in identifiers {
        out.push(kind.0);
        out.extend_from_slice(&hash.0.to_le_bytes());
    }
}

fn identifiers(reader: &mut Reader<'_>) -> Result<Vec<(KindId, IdentifierHash)>, Malformed> {
    let count = reader.count(17)?;
    let mut identifiers = Vec::with_capacity(count);
    for _ in 0..count {
        identifiers.push((KindId(reader.byte()?), IdentifierHash(reader.u128()?)));
    }
    Ok(identifiers)
}

fn source(reader: &mut Reader<'_>) -> Result<SourceId, Malformed> {
    u16::try_from(reader.number()?).map(SourceId).map_err(|_| Malformed)
}

fn attribute(reader: &mut Reader<'_>) -> Result<AttributeId, Malformed> {
    u16::try_from(reader.number()?).map(AttributeId).map_err(|_| Malformed)
}

impl ProfileRow {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_number(out, self.members.len() as u64);
        let mut member = 0;
        for birth in &self.members {
            put_step(out, &mut member, birth.0);
        }
        let place = |birth: Birth| self.members.binary_search(&birth).map_or(0, |place| place as u64 + 1);
        let put_birth = |out: &mut Vec<u8>, place: u64, birth: Birth| {
            if place == 0 {
                put_number(out, birth.0);
            }
        };
        let mut sequence = 0;

        put_number(out, self.links.len() as u64);
        let mut before = None;
        for (link, entry) in &self.links {
            let identifier = (link.kind, link.identifier);
            let repeated = before == Some(identifier);
            put_number(out, place(link.a) << 1 | u64::from(repeated));
            put_birth(out, place(link.a), link.a);
            put_number(out, place(link.b));
            put_birth(out, place(link.b), link.b);
            if !repeated {
                out.push(link.kind.0);
                out.extend_from_slice(&link.identifier.0.to_le_bytes());
            }
            before = Some(identifier);
            put_step(out, &mut sequence, entry.0);
        }

        put_number(out, self.winners.len() as u64);
        for (winner, entry) in &self.winners {
            put_number(out, winner.attribute.0.into());
            put_number(out, place(winner.record));
            put_birth(out, place(winner.record), winner.record);
            out.extend_from_slice(&winner.value.0.to_le_bytes());
            put_number(out, winner.uses.rotate_left(1));
            put_step(out, &mut sequence, entry.0);
        }

        put_number(out, self.permissions.len() as u64);
        for (permission, entry) in &self.permissions {
            out.push(permission.purpose.0);
            let ends = permission.until != i64::MAX;
            out.push(u8::from(permission.consent.is_some()) | u8::from(ends) << 1);
            if ends {
                out.extend_from_slice(&permission.until.to_le_bytes());
            }
            permission.consent.into_iter().for_each(|consent| put_number(out, consent.0));
            put_number(out, permission.categories.into());
            out.extend_from_slice(&permission.context.number().to_le_bytes());
            put_step(out, &mut sequence, entry.0);
        }
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let count = reader.count(1)?;
        let mut members = Vec::with_capacity(count);
        let mut member = 0;
        for _ in 0..count {
            members.push(Birth(reader.step(&mut member)?));
        }
        let mut sequence = 0;
        let links = links(&mut reader, &members, &mut sequence)?;

        let count = reader.count(11)?;
        let mut winners = Vec::with_capacity(count);
        for _ in 0..count {
            let attribute = attribute(&mut reader)?;
            let place = reader.number()?;
            let record = member_at(&mut reader, &members, place)?;
            let value = ValueHash(reader.u64()?);
            let winner = Winner { attribute, record, value, uses: reader.number()?.rotate_right(1) };
            winners.push((winner, Sequence(reader.step(&mut sequence)?)));
        }

        let count = reader.count(4)?;
        let mut permissions = Vec::with_capacity(count);
        for _ in 0..count {
            let purpose = PurposeId(reader.byte()?);
            let flags = reader.byte()?;
            if flags > 3 {
                return Err(Malformed);
            }
            let until = if flags & 2 == 0 { i64::MAX } else { reader.i64()? };
            let consent = if flags & 1 == 0 { None } else { Some(Birth(reader.number()?)) };
            let categories = u32::try_from(reader.number()?).map_err(|_| Malformed)?;
            let context = Context::from_number(u16::from_le_bytes(reader.array()?)).ok_or(Malformed)?;
            let permission = Permission { purpose, categories, context, until, consent };
            permissions.push((permission, Sequence(reader.step(&mut sequence)?)));
        }
        reader.end()?;
        Ok(Self { members, links, winners, permissions })
    }
}

fn links(reader: &mut Reader<'_>, members: &[Birth], sequence: &mut u64) -> Result<Vec<(Link, Sequence)>, Malformed> {
    let count = reader.count(3)?;
    let mut links: Vec<(Link, Sequence)> = Vec::with_capacity(count);
    for _ in 0..count {
        let packed = reader.number()?;
        let a = member_at(reader, members, packed >> 1)?;
        let place = reader.number()?;
        let b = member_at(reader, members, place)?;
        let (kind, identifier) = if packed & 1 == 0 {
            (KindId(reader.byte()?), IdentifierHash(reader.u128()?))
        } else {
            links.last().map(|(link, _)| (link.kind, link.identifier)).ok_or(Malformed)?
        };
        links.push((Link { a, b, kind, identifier }, Sequence(reader.step(sequence)?)));
    }
    Ok(links)
}

/// Resolves a member reference: 0 is followed by the birth itself.
fn member_at(reader: &mut Reader<'_>, members: &[Birth], place: u64) -> Result<Birth, Malformed> {
    match place.checked_sub(1) {
        None => reader.number().map(Birth),
        Some(place) => usize::try_from(place).ok().and_then(|i| members.get(i)).copied().ok_or(Malformed),
    }
}

impl RejectedRow {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.source.is_some()) | u8::from(self.retried) << 1);
        if let Some(source) = self.source {
            put_number(out, source.0.into());
        }
        out.push(self.reason);
        put_number(out, self.line);
        put_number(out, self.position);
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let flags = reader.byte()?;
        if flags > 3 {
            return Err(Malformed);
        }
        let source = if flags & 1 == 0 { None } else { Some(source(&mut reader)?) };
        let reason = reader.byte()?;
        let line = reader.number()?;
        let position = reader.number()?;
        reader.end()?;
        Ok(Self { source, reason, line, position, retried: flags & 2 != 0 })
    }
}

#[cfg(test)]
pub(super) mod tests;
