//! What a consent record says: for which purpose, whether it permits, since when and until when.
//!
//! States are those of the W3C Data Privacy Vocabulary and the words that senders use for them. Only a given or renewed
//! consent permits. A state that nobody knows refuses the whole record, so that it is seen: to guess would either
//! invent a permission or lose one silently.
//!
//! A withdrawal is taken with as little as possible: what is wrong with its times must not keep a permission alive.

use super::calendar;
use crate::model::{CellKind, ConsentField, ConsentState, PurposeId, Schema, Timestamp};

/// What was consented to, or no longer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent {
    /// What for.
    pub purpose: PurposeId,
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
}

/// The raw parts of a consent, collected in one pass over the fields.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts<'a> {
    purpose: Option<&'a str>,
    status: Option<&'a str>,
    explicit: Option<&'a str>,
    given_by: Option<&'a str>,
    at: Option<(CellKind, &'a str)>,
    expires_at: Option<(CellKind, &'a str)>,
}

impl<'a> Parts<'a> {
    /// Takes one field; parts that no decision rests on stay in the raw record.
    pub(super) fn take(&mut self, part: ConsentField, kind: CellKind, raw: &'a str) {
        let raw = raw.trim();
        match part {
            ConsentField::Purpose => self.purpose = self.purpose.or(Some(raw)),
            ConsentField::Status => self.status = self.status.or(Some(raw)),
            ConsentField::At => self.at = self.at.or(Some((kind, raw))),
            ConsentField::ExpiresAt => self.expires_at = self.expires_at.or(Some((kind, raw))),
            ConsentField::Explicit => self.explicit = self.explicit.or(Some(raw)),
            ConsentField::GivenBy => self.given_by = self.given_by.or(Some(raw)),
            ConsentField::Jurisdiction | ConsentField::Notice | ConsentField::CollectedBy => {}
        }
    }

    /// The consent that the parts make. `at` is the time of the event that brought it.
    pub(super) fn consent(&self, schema: &Schema, at: Option<Timestamp>) -> Result<Consent, ConsentProblem> {
        let purpose = purpose(schema, self.purpose.ok_or(ConsentProblem::PurposeMissing)?)?;
        let state = state(self.status.ok_or(ConsentProblem::StateMissing)?).ok_or(ConsentProblem::StateUnknown)?;
        let given = state.is_valid();
        let own = self.at.map(|(kind, raw)| calendar::instant(kind, raw));
        let at = match (own, at) {
            (Some(Ok(own)), _) => own,
            (Some(Err(_)), Some(event)) if !given => event,
            (Some(Err(_)), _) => return Err(ConsentProblem::TimeUnreadable),
            (None, Some(event)) => event,
            (None, None) => return Err(ConsentProblem::TimeMissing),
        };
        let until = match self.expires_at.filter(|_| given) {
            Some((kind, raw)) => Some(calendar::instant(kind, raw).map_err(|_| ConsentProblem::ExpiryUnreadable)?),
            None => None,
        };
        let explicit = self.explicit.is_some_and(is_yes);
        let parental = self.given_by.is_some_and(is_parent);
        Ok(Consent { purpose, state, explicit, parental, at, until: until.filter(|until| *until != calendar::NEVER) })
    }
}

/// The purpose of this name, in any case, or with this term of DPV where only one purpose has it.
fn purpose(schema: &Schema, name: &str) -> Result<PurposeId, ConsentProblem> {
    if let Some(id) = schema.purpose(name) {
        return Ok(id);
    }
    let mut same = schema.purposes.iter().filter(|p| p.name.eq_ignore_ascii_case(name) || p.dpv == name);
    match (same.next(), same.next()) {
        (Some(purpose), None) => schema.purpose(&purpose.name).ok_or(ConsentProblem::PurposeUnknown),
        _ => Err(ConsentProblem::PurposeUnknown),
    }
}

/// A word without case, prefix of the vocabulary and signs between its parts.
fn plain(text: &str) -> Option<String> {
    const BYTES_MAX: usize = 80;
    let prefixes = ["dpv:", "https://w3id.org/dpv#", "https://w3id.org/dpv/owl#", "http://www.w3.org/ns/dpv#"];
    let term = prefixes.into_iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
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
