//! The words that a bundle may use: formats, roles, criteria, semantics, categories and the built-in attributes.
//!
//! INVARIANT: the built-in attributes come first in every schema, in this order, and their definition is part of the
//! digest of every bundle.

use crate::model::{
    AgeBand, Attribute, Basis, Category, ConsentField, ConsentState, Criterion, Format, Reach, Regime, Semantic,
};

/// What a name means: a table small enough to be searched from the top.
pub(super) type Words<T> = &'static [(&'static str, T)];

/// The meaning of a name.
pub(super) fn meaning<T: Copy>(words: Words<T>, name: &str) -> Option<T> {
    words.iter().find(|(word, _)| *word == name).map(|(_, meaning)| *meaning)
}

/// The names of a table.
pub(super) fn names<T>(words: Words<T>) -> impl Iterator<Item = &'static str> {
    words.iter().map(|(word, _)| *word)
}

/// The name of a meaning.
pub(super) fn name_of<T: PartialEq>(words: Words<T>, meant: &T) -> &'static str {
    words.iter().find(|(_, meaning)| meaning == meant).map_or("", |(word, _)| word)
}

/// `format` of a source.
pub(super) const FORMATS: Words<Format> = &[
    ("debezium", Format::Debezium),
    ("segment", Format::Segment),
    ("cloudevents", Format::CloudEvents),
    ("maxwell", Format::Maxwell),
    ("ndjson", Format::Ndjson),
    ("csv", Format::Csv),
    ("parquet", Format::Parquet),
];

/// `role` of a source, before its attribute is known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RoleWord {
    People,
    Consents,
    Reference,
}

/// `role` of a source.
pub(super) const ROLES: Words<RoleWord> =
    &[("people", RoleWord::People), ("consents", RoleWord::Consents), ("reference", RoleWord::Reference)];

/// What the fields of a consents source may mean besides attributes.
pub(super) const CONSENT_FIELDS: Words<ConsentField> = &[
    ("consent.purpose", ConsentField::Purpose),
    ("consent.status", ConsentField::Status),
    ("consent.at", ConsentField::At),
    ("consent.expires_at", ConsentField::ExpiresAt),
    ("consent.jurisdiction", ConsentField::Jurisdiction),
    ("consent.notice", ConsentField::Notice),
    ("consent.collected_by", ConsentField::CollectedBy),
    ("consent.explicit", ConsentField::Explicit),
    ("consent.given_by", ConsentField::GivenBy),
];

/// `default` and `prefer` in `survivorship.toml`.
pub(super) const CRITERIA: Words<Criterion> = &[
    ("recency", Criterion::Recency),
    ("trust", Criterion::Trust),
    ("completeness", Criterion::Completeness),
    ("frequency", Criterion::Frequency),
];

/// `semantic` of an attribute.
pub(super) const SEMANTICS: Words<Semantic> = &[
    ("email", Semantic::Email),
    ("phone", Semantic::Phone),
    ("given_name", Semantic::GivenName),
    ("family_name", Semantic::FamilyName),
    ("full_name", Semantic::FullName),
    ("date", Semantic::Date),
    ("time", Semantic::Time),
    ("country", Semantic::Country),
    ("street", Semantic::Street),
    ("city", Semantic::City),
    ("postcode", Semantic::Postcode),
    ("opaque", Semantic::Opaque),
    ("handle", Semantic::Handle),
    ("domain", Semantic::Domain),
    ("text", Semantic::Text),
    ("integer", Semantic::Integer),
    ("decimal", Semantic::Decimal),
    ("boolean", Semantic::Boolean),
    ("middle_name", Semantic::MiddleName),
    ("gender", Semantic::Gender),
    ("government_id", Semantic::GovernmentId),
    ("organisation_name", Semantic::OrganisationName),
    ("region", Semantic::Region),
    ("street_number", Semantic::StreetNumber),
    ("address_extra", Semantic::AddressExtra),
    ("birth_year", Semantic::BirthYear),
    ("birth_month", Semantic::BirthMonth),
    ("birth_day", Semantic::BirthDay),
];

/// `category` of an attribute and `categories` of a purpose.
pub(super) const CATEGORIES: Words<Category> = &[
    ("identity", Category::Identity),
    ("contact", Category::Contact),
    ("location", Category::Location),
    ("technical", Category::Technical),
    ("behaviour", Category::Behaviour),
    ("transaction", Category::Transaction),
    ("preference", Category::Preference),
    ("professional", Category::Professional),
    ("financial", Category::Financial),
    ("health", Category::Health),
    ("biometric", Category::Biometric),
    ("genetic", Category::Genetic),
    ("beliefs", Category::Beliefs),
    ("political", Category::Political),
    ("union_membership", Category::UnionMembership),
    ("ethnicity", Category::Ethnicity),
    ("sex_life", Category::SexLife),
    ("criminal", Category::Criminal),
];

/// What a bundle calls a category.
pub fn category_name(category: Category) -> &'static str {
    name_of(CATEGORIES, &category)
}

/// The category of this name.
pub fn category_named(name: &str) -> Option<Category> {
    meaning(CATEGORIES, name)
}

/// `basis` of a purpose: the legal bases of Art. 6(1) GDPR.
pub(super) const BASES: Words<Basis> = &[
    ("consent", Basis::Consent),
    ("contract", Basis::Contract),
    ("legal_obligation", Basis::LegalObligation),
    ("vital_interests", Basis::VitalInterests),
    ("public_interest", Basis::PublicInterest),
    ("legitimate_interest", Basis::LegitimateInterest),
];

/// What a bundle calls a legal basis.
pub fn basis_name(basis: Basis) -> &'static str {
    name_of(BASES, &basis)
}

/// `reach` of consents.
pub(super) const REACHES: Words<Reach> =
    &[("identifier", Reach::Identifier), ("strong", Reach::Strong), ("profile", Reach::Profile)];

/// States of a consent, as cases and commands say them, and the terms of the W3C Data Privacy Vocabulary that policies
/// compare. That vocabulary has no state for an objection: it is a right that was exercised.
pub(super) const CONSENTS: &[(&str, &str, ConsentState)] = &[
    ("unknown", "ConsentUnknown", ConsentState::Unknown),
    ("requested", "ConsentRequested", ConsentState::Requested),
    ("deferred", "ConsentRequestDeferred", ConsentState::RequestDeferred),
    ("refused", "ConsentRefused", ConsentState::Refused),
    ("given", "ConsentGiven", ConsentState::Given),
    ("renewed", "RenewedConsentGiven", ConsentState::Renewed),
    ("withdrawn", "ConsentWithdrawn", ConsentState::Withdrawn),
    ("revoked", "ConsentRevoked", ConsentState::Revoked),
    ("invalidated", "ConsentInvalidated", ConsentState::Invalidated),
    ("expired", "ConsentExpired", ConsentState::Expired),
    ("objected", "Objected", ConsentState::Objected),
];

/// How old a person is.
pub(super) const AGES: Words<AgeBand> = &[
    ("under_13", AgeBand::Under13),
    ("13_to_15", AgeBand::From13To15),
    ("16_to_17", AgeBand::From16To17),
    ("adult", AgeBand::Adult),
];

/// Which law governs.
pub(super) const REGIMES: Words<Regime> = &[
    ("unknown", Regime::Unknown),
    ("eu", Regime::Eu),
    ("uk", Regime::Uk),
    ("us_ca", Regime::UsCalifornia),
    ("other", Regime::Other),
];

/// Circumstances that hold or do not, as policies, cases and commands name them.
pub(super) const FLAGS: [&str; 7] = ["explicit", "parental", "withdrawn", "objected", "restricted", "gpc", "retained"];

/// Attributes that every bundle has.
const BUILT_IN: &[(&str, Semantic, Category)] = &[
    ("email", Semantic::Email, Category::Contact),
    ("phone", Semantic::Phone, Category::Contact),
    ("given_name", Semantic::GivenName, Category::Identity),
    ("family_name", Semantic::FamilyName, Category::Identity),
    ("full_name", Semantic::FullName, Category::Identity),
    ("date_of_birth", Semantic::Date, Category::Identity),
    ("gender", Semantic::Text, Category::Identity),
    ("street", Semantic::Street, Category::Location),
    ("city", Semantic::City, Category::Location),
    ("postcode", Semantic::Postcode, Category::Location),
    ("state", Semantic::Text, Category::Location),
    ("country", Semantic::Country, Category::Location),
    ("jurisdiction", Semantic::Text, Category::Location),
    ("account_id", Semantic::Opaque, Category::Technical),
    ("customer_id", Semantic::Opaque, Category::Technical),
    ("device_id", Semantic::Opaque, Category::Technical),
    ("ip_address", Semantic::Opaque, Category::Technical),
    ("social_handle", Semantic::Handle, Category::Contact),
    ("social_network", Semantic::Text, Category::Contact),
    ("company_domain", Semantic::Domain, Category::Professional),
    ("company_name", Semantic::Text, Category::Professional),
    ("company_country", Semantic::Country, Category::Professional),
    ("industry", Semantic::Text, Category::Professional),
    ("job_title", Semantic::Text, Category::Professional),
    ("language", Semantic::Text, Category::Preference),
    ("event_name", Semantic::Text, Category::Behaviour),
    ("age_band", Semantic::Text, Category::Identity),
    ("gpc", Semantic::Boolean, Category::Technical),
];

/// The built-in attributes.
pub(super) fn built_in() -> Vec<Attribute> {
    let attribute = |(name, semantic, category): &(&str, Semantic, Category)| Attribute {
        name: (*name).to_owned(),
        semantic: *semantic,
        category: *category,
    };
    BUILT_IN.iter().map(attribute).collect()
}

/// The built-in attributes as text, for the digest.
pub(super) fn built_in_text() -> String {
    let line = |(name, semantic, category): &(&str, Semantic, Category)| {
        format!("{name} {} {}\n", name_of(SEMANTICS, semantic), name_of(CATEGORIES, category))
    };
    BUILT_IN.iter().map(line).collect()
}

/// Whether values of this semantic can tell persons apart.
pub(super) fn may_identify(semantic: Semantic) -> bool {
    use Semantic::{Email, GovernmentId, Handle, Integer, Opaque, Phone, Text};
    matches!(semantic, Email | Phone | Opaque | Handle | Text | Integer | GovernmentId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_attribute_has_a_name_of_its_own_and_known_words() {
        let text = built_in_text();
        let mut seen = std::collections::HashSet::new();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(words.len(), 3, "{line}");
            assert!(seen.insert(words[0].to_owned()), "{line}");
            assert!(meaning(SEMANTICS, words[1]).is_some() && meaning(CATEGORIES, words[2]).is_some(), "{line}");
        }
        assert_eq!(seen.len(), built_in().len());
    }

    /// The reference for authors names every word that there is.
    #[test]
    fn the_readme_has_every_word() {
        let readme = include_str!("../../policies/README.md");
        let built_in = BUILT_IN.iter().map(|(name, _, _)| *name);
        let roles = names(ROLES).chain(names(CONSENT_FIELDS)).chain(names(CRITERIA)).chain(names(BASES));
        let words = names(FORMATS).chain(names(SEMANTICS)).chain(names(CATEGORIES));
        let words = words.chain(names(REACHES)).chain(names(AGES)).chain(names(REGIMES)).chain(FLAGS);
        let states = CONSENTS.iter().flat_map(|(word, term, _)| [*word, *term]);
        for word in built_in.chain(roles).chain(words).chain(states) {
            assert!(readme.contains(&format!("`{word}`")), "{word}");
        }
    }
}
