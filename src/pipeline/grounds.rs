//! Why something may or may not be done for a purpose, and what would allow it: from the policies that determine it under
//! the circumstances that the permission rests on. What is common is told in plain words, all else by policy and law.
//!
//! INVARIANT: no ground is told that no policy gave; that nothing permits is the ground where none did.

use super::Error;
use super::decisions::Decisions;
use super::lookup::Finder;
use super::policies::Policies;
use crate::model::{
    AgeBand, Basis, Birth, Circumstances, ConsentState, Context, Permission, Purpose, PurposeId, Regime, Ruling,
};
use crate::policy::Effect;
use crate::policy::decision::Citation;
use crate::store::RecordBody;
use std::collections::BTreeSet;

/// What would allow what is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// A valid consent.
    Consent,
    /// A valid consent of who holds parental responsibility.
    ParentalConsent,
    /// No consent.
    None,
}

/// Whether a permission permits at a time.
pub(super) fn is_permitted(permission: Option<&Permission>, now_us: i64) -> bool {
    permission.is_some_and(|permission| permission.is_allowed() && permission.until > now_us)
}

impl Policies {
    /// Whether a permission permits at a time, and why.
    pub fn decide(&self, purpose: &Purpose, permission: Option<&Permission>, now_us: i64) -> (bool, String) {
        let ended = match purpose.basis {
            Basis::Consent => "the consent has expired (GDPR Art. 6(1)(a))",
            _ => "the time for which it may be kept is over (GDPR Art. 5(1)(e))",
        };
        match permission {
            None => (false, unpermitted(purpose.basis, ConsentState::Unknown).to_owned()),
            Some(permission) if permission.is_allowed() && permission.until <= now_us => (false, ended.to_owned()),
            Some(permission) => (permission.is_allowed(), self.grounds(purpose, permission)),
        }
    }

    /// Why a permission is what it is.
    pub(super) fn why(&self, purpose: &Purpose, permission: &Permission) -> String {
        let (allowed, of) = (permission.is_allowed(), permission.context.circumstances());
        let effect = if allowed { Effect::Permit } else { Effect::Forbid };
        let citations: Vec<Citation> =
            self.determine(permission).into_iter().filter(|citation| citation.effect == effect).collect();
        // The gravest first.
        let common = [
            (!allowed && of.restricted, "Art. 18", "processing is restricted (GDPR Art. 18)"),
            (!allowed && of.objected, "Art. 21", "the person objected (GDPR Art. 21)"),
            (!allowed && of.withdrawn, "Art. 7(3)", "the consent was withdrawn (GDPR Art. 7(3))"),
            (!allowed && !of.retained, "Art. 5(1)(e)", "the time for which it may be kept is over (GDPR Art. 5(1)(e))"),
            (allowed && of.consent.is_valid(), "Art. 6(1)(a)", "a valid consent permits it (GDPR Art. 6(1)(a))"),
        ];
        for (is_so, law, words) in common {
            if let Some(citation) = citations.iter().find(|citation| is_so && citation.law.starts_with(law)) {
                return format!("{words}; policy `{}`", citation.id);
            }
        }
        // What forbids single categories is no ground where the others are not even permitted.
        if citations.is_empty() || !allowed && self.lacks_ground(permission) {
            return unpermitted(purpose.basis, of.consent).to_owned();
        }
        let cited: Vec<String> =
            citations.iter().map(|citation| format!("`{}` ({})", citation.id, citation.law)).collect();
        let (one, does) = match (cited.len(), allowed) {
            (1, true) => ("policy", "permits"),
            (1, false) => ("policy", "forbids"),
            (_, true) => ("policies", "permit"),
            (_, false) => ("policies", "forbid"),
        };
        format!("{one} {} {does} it", cited.join(" and "))
    }
}

/// Why nothing is permitted where no policy forbids it.
fn unpermitted(basis: Basis, consent: ConsentState) -> &'static str {
    if basis != Basis::Consent {
        return "no policy permits it as things stand; without a legal basis everything is denied (GDPR Art. 6(1))";
    }
    match consent {
        ConsentState::Withdrawn => "the consent was withdrawn (GDPR Art. 7(3))",
        ConsentState::Objected => "the person objected (GDPR Art. 21)",
        ConsentState::Expired => "the consent has expired (GDPR Art. 6(1)(a))",
        ConsentState::Refused => "the consent was refused (GDPR Art. 6(1)(a))",
        ConsentState::Revoked | ConsentState::Invalidated => "the consent was ended (GDPR Art. 6(1)(a))",
        ConsentState::Requested | ConsentState::RequestDeferred => {
            "the consent was asked for and not given (GDPR Art. 4(11))"
        }
        ConsentState::Given | ConsentState::Renewed => {
            "there is a consent, and no policy permits it all the same (GDPR Art. 6(1))"
        }
        ConsentState::Unknown => "no consent is known; without a legal basis everything is denied (GDPR Art. 6(1))",
    }
}

impl Finder<'_> {
    /// What would allow a purpose that is denied to the profile of this root, all else being as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such profile; when the index cannot be read.
    pub fn remedy(&self, root: Birth, purpose: PurposeId) -> Result<Remedy, Error> {
        let row = self.row(root)?;
        let (mut age, mut gpc, mut regimes) = (None::<AgeBand>, false, BTreeSet::new());
        for member in &row.members {
            let Some(RecordBody::Person(facts)) = self.index.record(*member)?.map(|row| row.body) else { continue };
            age = age.into_iter().chain(facts.about.age()).min();
            gpc |= facts.about.gpc();
            regimes.extend(Some(facts.about.regime()).filter(|regime| *regime != Regime::Unknown));
        }
        if regimes.is_empty() {
            regimes.insert(Regime::Unknown);
        }
        let found = row.permissions.iter().find(|(permission, _)| permission.purpose == purpose);
        let unasked = Circumstances { age: age.unwrap_or_default(), gpc, retained: true, ..Circumstances::default() };
        let now = found.map_or(unasked, |(permission, _)| permission.context.circumstances());
        // A consent lifts what earlier consents ended, and nothing that a steward noted.
        let noted = |ruling: Ruling| match ruling {
            Ruling::Objected { record, purpose: of } => {
                row.members.binary_search(&record).is_ok() && of.is_none_or(|of| of == purpose)
            }
            _ => false,
        };
        let objected = Decisions::load(self.index)?.iter().any(|(_, row)| noted(row.ruling));
        let would = |regime: Regime, parental: bool, explicit: bool| {
            let consent = ConsentState::Given;
            let given = Circumstances { consent, explicit, parental, withdrawn: false, objected, regime, ..now };
            self.policies.categories(purpose, Context::new(given)) != 0
        };
        for (remedy, parental) in [(Remedy::Consent, false), (Remedy::ParentalConsent, true)] {
            if regimes.iter().all(|regime| would(*regime, parental, false) || would(*regime, parental, true)) {
                return Ok(remedy);
            }
        }
        Ok(Remedy::None)
    }
}
