//! The compiled form of a bundle: what sources there are and how their fields map to attributes,
//! which attributes identify a person, how a winning value is chosen, what may be done for which purpose.
//!
//! INVARIANT: ids (`SourceId`, `AttributeId`, …) are indexes into these vectors, checked when the bundle is compiled.

use super::{AttributeId, FieldIndex, KindId, PurposeId, SourceId};

/// Everything that a bundle says, resolved. Made by `policy`, read by everything else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// In the order of the bundle.
    pub sources: Vec<Source>,
    /// Built-in ones first, then the bundle's own.
    pub attributes: Vec<Attribute>,
    /// In the order of the bundle.
    pub kinds: Vec<IdentifierKind>,
    /// One for each attribute, by `AttributeId`.
    pub survivorship: Vec<SurvivorshipRule>,
    /// In the order of the bundle; at most 63.
    pub purposes: Vec<Purpose>,
    /// How many records a profile may have.
    pub profile_records_max: u32,
    /// How far a given consent reaches.
    pub reach: Reach,
    /// Links of kinds of at least this priority are strong: they carry a given consent where `reach` says so.
    pub strong_priority_min: u8,
    /// The purpose that joining records into profiles has to be permitted for; `None`: nobody has asked to govern it.
    pub combining: Option<PurposeId>,
    /// Text of the file of the match model; `None`: records are not scored.
    pub match_model: Option<String>,
}

/// A system that emits changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Unique in the bundle; lowercase letters, digits, `-` and `_`.
    pub name: String,
    /// File names (not paths) that belong to this source, with `*` for any run of characters.
    pub files: Vec<String>,
    /// The form in which changes arrive.
    pub format: Format,
    /// What the records are.
    pub role: Role,
    /// Paths of the fields that together name a record, such as `id` or `traits.id`; never empty. Parts are joined by U+001F.
    pub key: Vec<String>,
    /// Whether a later record with the same key replaces the fields (`false`) or only those it has (`true`: state is
    /// accumulated, as Segment's traits are).
    pub accumulate: bool,
    /// Path of the event time for formats that have none of their own.
    pub time: Option<String>,
    /// Path of an integer or time that orders the changes of one record, when it is not the format's own.
    pub order: Option<String>,
    /// How much the source is trusted, 0 to 100.
    pub trust: u8,
    /// Days after which a value of this source weighs half of what it did; `None`: trust does not decay.
    pub trust_half_life_days: Option<u32>,
    /// ISO 3166-1 alpha-2 region for phone numbers in national form when the record has no country.
    pub region: Option<String>,
    /// Whether a person has one record here: profiles that both have one are not joined.
    pub single: bool,
    /// The fields that are read; every other field is dropped on arrival.
    pub fields: Vec<SourceField>,
    /// For Segment sources: where consents inside `context.consent` go.
    pub embedded_consents: Option<EmbeddedConsents>,
}

/// Routing of Segment's `context.consent.categoryPreferences` to a consent source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedConsents {
    /// A source of [`Role::Consents`].
    pub into: SourceId,
    /// (category as the sender names it, purpose).
    pub categories: Vec<(String, PurposeId)>,
}

/// One field of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceField {
    /// Dotted path inside the row, call or document, such as `email` or `traits.address.city`.
    pub path: String,
    /// What it means.
    pub role: FieldRole,
}

/// What a field means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldRole {
    /// A value of this attribute (and an identifier, where a kind is made from the attribute).
    Attribute(AttributeId),
    /// A part of a consent; only in sources of [`Role::Consents`].
    Consent(ConsentField),
}

/// The parts of a consent record, after ISO/IEC TS 27560. Who gave it is said by attributes that identify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentField {
    /// Name of a purpose of the bundle.
    Purpose,
    /// `given`, `withdrawn` and the other states of W3C DPV.
    Status,
    /// When it was given or withdrawn.
    At,
    /// When it ends.
    ExpiresAt,
    /// Law or place that governs it.
    Jurisdiction,
    /// The notice that was shown.
    Notice,
    /// Who or what collected it.
    CollectedBy,
    /// Whether it is explicit (Art. 9(2)(a) GDPR).
    Explicit,
    /// Who gave it: the person, or who holds parental responsibility.
    GivenBy,
}

/// The form in which changes arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Debezium JSON: bare, `{schema, payload}` or flattened.
    Debezium,
    /// Segment spec calls, one JSON object a line.
    Segment,
    /// CloudEvents 1.0 in JSON, one a line, whose `data` is the row.
    CloudEvents,
    /// Maxwell's JSON.
    Maxwell,
    /// One JSON object a line; each is an upsert.
    Ndjson,
    /// RFC 4180 with a header line; each row is an upsert.
    Csv,
    /// Apache Parquet; each row is an upsert.
    Parquet,
}

/// What the records of a source are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Records of persons: they are resolved into profiles.
    People,
    /// Consents: they attach to persons by the identifier they were given on.
    Consents,
    /// Facts about things other than persons (firms by e-mail domain), looked up when a profile is read by the
    /// attribute named here, whose value is the reference record's key.
    Reference(AttributeId),
}

/// A canonical name for what sources call differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Unique; lowercase letters, digits and `_`.
    pub name: String,
    /// How a value is standardised.
    pub semantic: Semantic,
    /// What kind of data it is.
    pub category: Category,
}

/// How values of an attribute are read and standardised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Semantic {
    /// RFC 5321 address; canonical form for matching.
    Email,
    /// E.164.
    Phone,
    /// Given name, without titles.
    GivenName,
    /// Family name.
    FamilyName,
    /// Whole name in one field; also yields `given_name` and `family_name` when it can be split.
    FullName,
    /// Calendar date, ISO 8601 `YYYY-MM-DD`.
    Date,
    /// Instant, RFC 3339 in UTC.
    Time,
    /// ISO 3166-1 alpha-2.
    Country,
    /// Street and house number.
    Street,
    /// Town.
    City,
    /// Postal code.
    Postcode,
    /// Identifier made by a system: compared as it is, after trimming and NFC.
    Opaque,
    /// Handle in a social network: without a leading `@`, lowercase.
    Handle,
    /// DNS domain in lowercase A-label form.
    Domain,
    /// Free text in NFC with white space folded.
    Text,
    /// Whole number that fits in `i64`.
    Integer,
    /// Decimal number with at most six places, kept in millionths.
    Decimal,
    /// `true` or `false`.
    Boolean,
    /// Second and further given names, or their initials.
    MiddleName,
    /// Gender or sex, in the source's words.
    Gender,
    /// Number that a state gave a person (social security, tax, passport, driving licence): compared without signs.
    GovernmentId,
    /// Name of a firm, school or other body.
    OrganisationName,
    /// State, province or county.
    Region,
    /// House number alone.
    StreetNumber,
    /// What stands in an address beside the street: unit, building, estate.
    AddressExtra,
    /// Year of birth alone.
    BirthYear,
    /// Month of birth alone, 1 to 12.
    BirthMonth,
    /// Day of birth alone, 1 to 31.
    BirthDay,
}

/// Category of personal data, by which a purpose says what it may use. A set of them is a number with the bit
/// `category as u8` of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Category {
    /// Names, date of birth.
    Identity = 0,
    /// E-mail, phone, handles.
    Contact = 1,
    /// Postal address parts and country.
    Location = 2,
    /// Ids made by systems: accounts, devices.
    Technical = 3,
    /// What was looked at or done.
    Behaviour = 4,
    /// Orders, amounts, payments.
    Transaction = 5,
    /// Tickets, satisfaction, stage, language and other traits.
    Preference = 6,
    /// Employer and firm facts.
    Professional = 7,
    /// Accounts at banks, income, debts. Sensitive under Cal. Civ. Code 1798.140(ae).
    Financial = 8,
    /// Health. Special.
    Health = 9,
    /// Biometric data that identify. Special.
    Biometric = 10,
    /// Genetic data. Special.
    Genetic = 11,
    /// Religious and philosophical beliefs. Special.
    Beliefs = 12,
    /// Political opinions. Special.
    Political = 13,
    /// Membership of a trade union. Special.
    UnionMembership = 14,
    /// Racial and ethnic origin. Special.
    Ethnicity = 15,
    /// Sex life and sexual orientation. Special.
    SexLife = 16,
    /// Criminal convictions and offences (Art. 10 GDPR).
    Criminal = 17,
}

impl Category {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 18] = [
        Self::Identity,
        Self::Contact,
        Self::Location,
        Self::Technical,
        Self::Behaviour,
        Self::Transaction,
        Self::Preference,
        Self::Professional,
        Self::Financial,
        Self::Health,
        Self::Biometric,
        Self::Genetic,
        Self::Beliefs,
        Self::Political,
        Self::UnionMembership,
        Self::Ethnicity,
        Self::SexLife,
        Self::Criminal,
    ];

    /// Whether it is one of the special categories of Art. 9(1) GDPR.
    pub fn is_special(self) -> bool {
        (Self::Health..=Self::SexLife).contains(&self)
    }

    /// Whether it is sensitive under Cal. Civ. Code 1798.140(ae): a special category, or financial.
    pub fn is_sensitive(self) -> bool {
        self.is_special() || self == Self::Financial
    }

    /// The set that holds it alone.
    pub fn bit(self) -> u32 {
        1 << self as u8
    }
}

/// A kind of identifier: an attribute whose equal values link records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifierKind {
    /// Unique in the bundle, such as `email`.
    pub name: String,
    /// The attribute it is made from.
    pub attribute: AttributeId,
    /// Strength of a link by this kind, higher is stronger, 1 to 100.
    pub priority: u8,
    /// A value that more than this many live records carry is quarantined: it links nobody.
    pub records_max: u32,
    /// A value whose carriers have more than this many different given names is quarantined, too; one whose carriers
    /// have two or more is weak. 0: names do not matter.
    pub names_max: u32,
    /// Whether a person has one value: profiles with different values are not joined.
    pub unique: bool,
    /// Values that do not link alone, whoever carries them, written as [`blocked`](Self::blocked) ones. Ask
    /// [`is_weak`](Self::is_weak).
    pub weak: Vec<String>,
    /// Standardised values that never identify, with `*` for any run of characters and `?` for one: `info@*` blocks every
    /// such mailbox.
    /// Ask [`is_blocked`](Self::is_blocked).
    pub blocked: Vec<String>,
}

/// How the winning value of an attribute is chosen: the first criterion on which candidates differ decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SurvivorshipRule {
    /// In order; what still ties is decided by the keyed hash of the record's name.
    pub criteria: Vec<Criterion>,
}

/// A criterion of survivorship.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Criterion {
    /// Later event time wins; a record without event time loses to any that has one.
    Recency,
    /// Higher trust of the source wins, decayed by age where the source says so.
    Trust,
    /// The record with more attributes wins.
    Completeness,
    /// The value that more records of the profile carry wins.
    Frequency,
}

/// A purpose for which data may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// Unique in the bundle.
    pub name: String,
    /// Term of the W3C Data Privacy Vocabulary, such as `dpv:Marketing`.
    pub dpv: String,
    /// What it means, for people.
    pub description: String,
    /// On what it rests.
    pub basis: Basis,
    /// Categories that it may use.
    pub categories: Vec<Category>,
    /// Who receives the data.
    pub recipients: Vec<String>,
    /// How long data may be kept for it.
    pub retention_days: Option<u32>,
    /// The same for single categories, where it is shorter or longer.
    pub category_retention_days: Vec<(Category, u32)>,
}

impl Purpose {
    /// How long data of a category may be kept for it, in days; `None`: there is no limit.
    pub fn retention_days_of(&self, category: Category) -> Option<u32> {
        let own = self.category_retention_days.iter().find(|(of, _)| *of == category).map(|(_, days)| *days);
        own.or(self.retention_days)
    }
}

/// A legal basis of Art. 6(1) GDPR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// Art. 6(1)(a).
    #[default]
    Consent,
    /// Art. 6(1)(b).
    Contract,
    /// Art. 6(1)(c).
    LegalObligation,
    /// Art. 6(1)(d).
    VitalInterests,
    /// Art. 6(1)(e).
    PublicInterest,
    /// Art. 6(1)(f).
    LegitimateInterest,
}

/// How far a given consent reaches from the identifier that it was given on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// The records that carry the identifier.
    Identifier,
    /// Those, and the records that are joined to one of them by strong links alone.
    #[default]
    Strong,
    /// The whole profile.
    Profile,
}

impl Schema {
    /// The source of this name.
    pub fn source(&self, name: &str) -> Option<SourceId> {
        index(self.sources.iter().position(|s| s.name == name)).map(SourceId)
    }

    /// The attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<AttributeId> {
        index(self.attributes.iter().position(|a| a.name == name)).map(AttributeId)
    }

    /// The kind of identifier of this name.
    pub fn kind(&self, name: &str) -> Option<KindId> {
        self.kinds.iter().position(|k| k.name == name).and_then(|i| u8::try_from(i).ok()).map(KindId)
    }

    /// The purpose of this name.
    pub fn purpose(&self, name: &str) -> Option<PurposeId> {
        self.purposes.iter().position(|p| p.name == name).and_then(|i| u8::try_from(i).ok()).map(PurposeId)
    }
}

impl Source {
    /// The field at this path.
    pub fn field(&self, path: &str) -> Option<FieldIndex> {
        index(self.fields.iter().position(|f| f.path == path)).map(FieldIndex)
    }
}

impl IdentifierKind {
    /// Whether this standardised value links only records whose given names agree.
    pub fn is_weak(&self, value: &str) -> bool {
        any_matches(&self.weak, value)
    }

    /// Whether this standardised value never identifies.
    pub fn is_blocked(&self, value: &str) -> bool {
        any_matches(&self.blocked, value)
    }
}

/// Whether one of many patterns matches. It is asked for each identifier of each record, so that most are put aside by
/// their first byte.
fn any_matches(patterns: &[String], value: &str) -> bool {
    let first = value.as_bytes().first().copied();
    let may_match = |pattern: &&String| {
        let head = pattern.as_bytes().first().copied();
        head == first || matches!(head, Some(b'*' | b'?'))
    };
    patterns.iter().filter(may_match).any(|pattern| super::matches(pattern, value))
}

fn index(position: Option<usize>) -> Option<u16> {
    position.and_then(|i| u16::try_from(i).ok())
}
