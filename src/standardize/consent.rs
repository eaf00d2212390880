//! What a consent record says: for which purposes, whether it permits, since when and until when.
//!
//! States are those of the W3C Data Privacy Vocabulary and the words that senders use for them. Only a given or renewed
//! consent permits. A state that nobody knows refuses the whole record, so that it is seen: to guess would either
//! invent a permission or lose one silently.
//!
//! A receipt after ISO/IEC TS 27560 (JSON-LD with terms of DPV) may give purpose, state and times as objects and lists.
//! It may be for several purposes, all in one state; one that nobody knows costs only itself. One in several states is
//! refused: part of it would otherwise be lost.
//!
//! A withdrawal is taken with as little as possible: what is wrong with its times must not keep a permission alive.

use super::calendar;
use super::linked::{Words, items};
use super::{Reason, Standardized};
use crate::model::{CellKind, ConsentField, ConsentState, FieldIndex, PurposeId, Schema, Timestamp};

/// What was consented to, or no longer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// What for; sorted, without duplicates, never none.
    pub purposes: Vec<PurposeId>,
    /// Its state.
    pub state: ConsentState,
    /// Whether it is explicit.
    pub explicit: bool,
    /// Whether who holds parental responsibility gave it.
    pub parental: bool,
    /// When it was given or withdrawn.
    pub at: Timestamp,
    /// When it ends; `None` when it does not, and for what does not permit.
    pub until: Option<Timestamp>,
}

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $words:literal;)*) => {
        /// Why a consent record was refused as a whole.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
        #[repr(u8)]
        pub enum ConsentProblem {
            $($(#[$doc])* #[error($words)] $name = $code,)*
        }

        impl ConsentProblem {
            /// Every problem, by ascending code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The number under which it is stored; never given to another.
            pub fn code(self) -> u8 {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            /// The problem of this code.
            pub fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

problems! {
    /// No purpose.
    PurposeMissing = 1, "a consent without a purpose";
    /// Not one of the bundle's.
    PurposeUnknown = 2, "a consent for a purpose that the bundle does not have: add it to the purposes or correct the sender";
    /// No state.
    StateMissing = 3, "a consent without a state: expected `given`, `withdrawn` or another state of DPV";
    /// Neither permits nor is known not to.
    StateUnknown = 4, "a consent in a state that nobody knows: expected `given`, `withdrawn` or another state of DPV";
    /// Neither the record nor its event says when.
    TimeMissing = 5, "a consent without a time: it cannot be put in order with others";
    /// The time cannot be read.
    TimeUnreadable = 6, "the time of the consent cannot be read: expected RFC 3339 or an epoch number";
    /// The end cannot be read.
    ExpiryUnreadable = 7, "the end of the consent cannot be read: expected RFC 3339 or an epoch number";
    /// Nobody gave it.
    SubjectMissing = 8, "a consent without a readable identifier of the person who gave it";
    /// One thing that is more than one purpose: who permits it does not permit each of these.
    PurposeSeveral = 9, "a consent for one thing that is several purposes of the bundle: have each named by itself";
    /// More than one state.
    StateSeveral = 10, "a consent in several states at once: have the present one sent, or one record for each";
}

/// The raw parts of a consent, collected in one pass over the fields.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts<'a> {
    purposes: Vec<(FieldIndex, Cell<'a>)>,
    status: Option<Cell<'a>>,
    explicit: Option<Cell<'a>>,
    given_by: Option<Cell<'a>>,
    at: Option<Cell<'a>>,
    expires_at: Option<Cell<'a>>,
}

/// A field as it was sent.
type Cell<'a> = (CellKind, &'a str);

/// What leads from a receipt to its purposes, and a process that names none.
const TO_PURPOSES: [&str; 4] =
    ["dpv:hasPurpose", "dpv:hasProcess", "https://w3id.org/dpv#hasPurpose", "https://w3id.org/dpv#hasProcess"];
const NO_PURPOSE: [&str; 2] = ["dpv:Process", "https://w3id.org/dpv#Process"];
/// What leads from an object to a time or a duration.
const TO_VALUE: [&str; 2] = ["@value", "rdf:value"];

impl<'a> Parts<'a> {
    /// Takes one field; parts that no decision rests on stay in the raw record.
    pub(super) fn take(&mut self, part: ConsentField, field: FieldIndex, kind: CellKind, raw: &'a str) {
        let cell = Some((kind, raw.trim()));
        match part {
            ConsentField::Purpose => self.purposes.push((field, (kind, raw.trim()))),
            ConsentField::Status => self.status = self.status.or(cell),
            ConsentField::At => self.at = self.at.or(cell),
            ConsentField::ExpiresAt => self.expires_at = self.expires_at.or(cell),
            ConsentField::Explicit => self.explicit = self.explicit.or(cell),
            ConsentField::GivenBy => self.given_by = self.given_by.or(cell),
            ConsentField::Jurisdiction | ConsentField::Notice | ConsentField::CollectedBy => {}
        }
    }

    /// What the purposes are said to be, each thing with its field and the words that name it.
    fn things(&self) -> Result<Vec<(FieldIndex, Words)>, ConsentProblem> {
        let mut things = Vec::new();
        for (field, (kind, raw)) in &self.purposes {
            let items = items(*kind, raw, &TO_PURPOSES, &NO_PURPOSE).ok_or(ConsentProblem::PurposeUnknown)?;
            things.extend(items.into_iter().map(|words| (*field, words)));
        }
        if things.is_empty() { Err(ConsentProblem::PurposeMissing) } else { Ok(things) }
    }

    /// The consent that the parts make. `at` is the time of the event that brought it; purposes that nobody knows are
    /// issues of their field in `out`.
    pub(super) fn consent(
        &self,
        schema: &Schema,
        at: Option<Timestamp>,
        out: &mut Standardized,
    ) -> Result<Consent, ConsentProblem> {
        let things = self.things()?;
        let (state, explicit) = status(self.status.ok_or(ConsentProblem::StateMissing)?)?;
        let given = state.is_valid();
        let purposes = purposes(schema, &things, given, out)?;
        let own = self.at.map(instant);
        let at = match (own, at) {
            (Some(Some(own)), _) => own,
            (Some(None), Some(event)) if !given => event,
            (Some(None), _) => return Err(ConsentProblem::TimeUnreadable),
            (None, Some(event)) => event,
            (None, None) => return Err(ConsentProblem::TimeMissing),
        };
        let until = match self.expires_at.filter(|_| given) {
            Some(cell) => Some(end(cell, at).ok_or(ConsentProblem::ExpiryUnreadable)?),
            None => None,
        };
        let explicit = explicit || self.explicit.is_some_and(|cell| any(cell, is_yes));
        let parental = self.given_by.is_some_and(|cell| any(cell, is_parent));
        Ok(Consent { purposes, state, explicit, parental, at, until: until.filter(|until| *until != calendar::NEVER) })
    }
}

/// The purposes that a consent is for, or that its end is.
fn purposes(
    schema: &Schema,
    things: &[(FieldIndex, Words)],
    given: bool,
    out: &mut Standardized,
) -> Result<Vec<PurposeId>, ConsentProblem> {
    let mut purposes = Vec::new();
    let mut unknown = Vec::new();
    for (field, words) in things {
        let mut found: Vec<PurposeId> = words.iter().filter_map(|word| purpose_named(schema, word)).collect();
        found.sort_unstable();
        found.dedup();
        match found.as_slice() {
            [] => unknown.push(*field),
            [_, _, ..] if given => return Err(ConsentProblem::PurposeSeveral),
            _ => purposes.extend(found),
        }
    }
    purposes.sort_unstable();
    purposes.dedup();
    if purposes.is_empty() {
        return Err(ConsentProblem::PurposeUnknown);
    }
    unknown.dedup();
    unknown.into_iter().for_each(|field| out.refuse(field, Reason::PurposeUnknown));
    Ok(purposes)
}

/// The purpose of this name, in any case, or with this term of DPV where only one purpose has it.
fn purpose_named(schema: &Schema, name: &str) -> Option<PurposeId> {
    if let Some(id) = schema.purpose(name) {
        return Some(id);
    }
    let term = PREFIXES.into_iter().find_map(|prefix| name.strip_prefix(prefix));
    let is_term = |dpv: &str| dpv == name || (term.is_some() && dpv.strip_prefix("dpv:") == term);
    let mut same = schema.purposes.iter().filter(|p| p.name.eq_ignore_ascii_case(name) || is_term(&p.dpv));
    match (same.next(), same.next()) {
        (Some(purpose), None) => schema.purpose(&purpose.name),
        _ => None,
    }
}

/// The one state of a field, and whether it says that the consent is explicit.
fn status((kind, raw): Cell<'_>) -> Result<(ConsentState, bool), ConsentProblem> {
    if kind != CellKind::Json {
        return state(raw).map(|state| (state, false)).ok_or(ConsentProblem::StateUnknown);
    }
    let items = items(kind, raw, &[], &[]).ok_or(ConsentProblem::StateUnknown)?;
    let item = match items.as_slice() {
        [] => return Err(ConsentProblem::StateMissing),
        [item] => item,
        _ => return Err(ConsentProblem::StateSeveral),
    };
    let mut found = item.iter().filter_map(|word| state(word));
    let first = found.next().ok_or(ConsentProblem::StateUnknown)?;
    let explicit = item.iter().any(|word| plain(word).as_deref() == Some("explicitlyexpressedconsent"));
    if found.all(|other| other == first) { Ok((first, explicit)) } else { Err(ConsentProblem::StateSeveral) }
}

/// Whether any word of a field says so.
fn any((kind, raw): Cell<'_>, says: fn(&str) -> bool) -> bool {
    let items = items(kind, raw, &[], &[]).unwrap_or_default();
    items.iter().flatten().any(|word| says(word))
}

/// The one text of a field that is an object or a list.
fn text(raw: &str) -> Option<String> {
    match items(CellKind::Json, raw, &TO_VALUE, &[])?.as_slice() {
        [words] if words.len() == 1 => words.first().cloned(),
        _ => None,
    }
}

/// The time of a field.
fn instant((kind, raw): Cell<'_>) -> Option<Timestamp> {
    match kind {
        CellKind::Json => calendar::instant(CellKind::Text, &text(raw)?).ok(),
        _ => calendar::instant(kind, raw).ok(),
    }
}

/// The end that a field says: a time, or a duration (ISO 8601) from when the consent was given.
fn end((kind, raw): Cell<'_>, at: Timestamp) -> Option<Timestamp> {
    let (kind, raw) = match kind {
        CellKind::Json => (CellKind::Text, text(raw)?),
        _ => (kind, raw.to_owned()),
    };
    if kind != CellKind::Text || !raw.starts_with('P') {
        return calendar::instant(kind, &raw).ok();
    }
    let span: jiff::Span = raw.parse().ok()?;
    let from = jiff::Timestamp::from_microsecond(at.0).ok()?.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    Some(Timestamp(from.checked_add(span).ok()?.timestamp().as_microsecond()))
}

/// How the vocabulary is written before its terms.
const PREFIXES: [&str; 4] = ["dpv:", "https://w3id.org/dpv#", "https://w3id.org/dpv/owl#", "http://www.w3.org/ns/dpv#"];

/// A word without case, prefix of the vocabulary and signs between its parts.
fn plain(text: &str) -> Option<String> {
    const BYTES_MAX: usize = 80;
    let term = PREFIXES.into_iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
    let plain = || term.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).map(|c| c.to_ascii_lowercase()).collect();
    (term.len() <= BYTES_MAX).then(plain)
}

/// Which state a word means; `None` when it is not known.
fn state(status: &str) -> Option<ConsentState> {
    use ConsentState::{
        Expired, Given, Invalidated, Objected, Refused, Renewed, RequestDeferred, Requested, Revoked, Unknown,
        Withdrawn,
    };
    Some(match plain(status)?.as_str() {
        "given" | "consentgiven" | "granted" | "grant" | "optin" | "optedin" | "accepted" | "agreed" | "allowed"
        | "true" | "yes" | "1" => Given,
        "renewed" | "renewedconsentgiven" => Renewed,
        "withdrawn" | "consentwithdrawn" | "withdraw" | "optout" | "optedout" | "unsubscribed" => Withdrawn,
        "objected" => Objected,
        "refused" | "consentrefused" | "denied" | "consentdenied" | "rejected" | "declined" | "disallowed"
        | "notgiven" | "none" | "false" | "no" | "0" => Refused,
        "expired" | "consentexpired" => Expired,
        "invalidated" | "consentinvalidated" | "invalid" | "consentstatusinvalidforprocessing" => Invalidated,
        "revoked" | "consentrevoked" | "revoke" => Revoked,
        "requested" | "consentrequested" | "pending" => Requested,
        "requestdeferred" | "deferred" | "consentrequestdeferred" => RequestDeferred,
        "unknown" | "consentunknown" => Unknown,
        _ => return None,
    })
}

/// Whether a word says so; anything that is not plainly yes is no.
fn is_yes(word: &str) -> bool {
    matches!(
        plain(word).as_deref(),
        Some("true" | "yes" | "1" | "explicit" | "explicitconsent" | "explicitlyexpressedconsent")
    )
}

/// Whether a consent was given by who holds parental responsibility.
fn is_parent(word: &str) -> bool {
    matches!(
        plain(word).as_deref(),
        Some(
            "parent"
                | "parents"
                | "parental"
                | "guardian"
                | "parentofdatasubject"
                | "guardianofdatasubject"
                | "parentorguardian"
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states() {
        for (word, expected) in [
            ("given", ConsentState::Given),
            ("dpv:ConsentGiven", ConsentState::Given),
            ("OPT-IN", ConsentState::Given),
            ("true", ConsentState::Given),
            ("RenewedConsentGiven", ConsentState::Renewed),
            ("https://w3id.org/dpv#ConsentWithdrawn", ConsentState::Withdrawn),
            ("opt out", ConsentState::Withdrawn),
            ("ConsentRefused", ConsentState::Refused),
            ("false", ConsentState::Refused),
            ("dpv:ConsentStatusInvalidForProcessing", ConsentState::Invalidated),
            ("ConsentRevoked", ConsentState::Revoked),
            ("pending", ConsentState::Requested),
            ("ConsentRequestDeferred", ConsentState::RequestDeferred),
            ("ConsentExpired", ConsentState::Expired),
            ("objected", ConsentState::Objected),
            ("ConsentUnknown", ConsentState::Unknown),
        ] {
            assert_eq!(state(word), Some(expected), "{word}");
        }
        for word in ["", "maybe", "given?", "xgiven", "дано", &"given".repeat(20)] {
            assert_eq!(state(word), None, "{word}");
        }
    }

    #[test]
    fn what_is_not_plainly_so_is_not() {
        assert!(is_yes("dpv:ExplicitlyExpressedConsent") && is_yes("TRUE") && is_parent("dpv:ParentOfDataSubject"));
        assert!(!is_yes("") && !is_yes("implied") && !is_parent("self") && !is_parent("grandparent?"));
    }

    #[test]
    fn codes_read_back() {
        for problem in ConsentProblem::ALL {
            assert_eq!(ConsentProblem::from_code(problem.code()), Some(*problem));
        }
    }
}
