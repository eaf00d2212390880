//! What is compared, the levels that a comparison can come to, and what is expected of each before any data is seen.
//!
//! INVARIANT: the names of kinds and levels stand in model files. A level that is added goes with a new version of the
//! model. `expected` and `chance` of a kind each sum to a thousand, or near it.

use crate::model::{Attribute, Semantic};

/// How many comparisons a model can hold: every [`Kind`], with [`IDENTIFIERS_MAX`] places for the last.
pub(super) const SLOTS: usize = Kind::Identifier as usize + IDENTIFIERS_MAX;
/// Attributes of system-made identifiers that are compared, each by itself.
pub(super) const IDENTIFIERS_MAX: usize = 6;
/// No outcome: a side has no value.
pub(super) const MISSING: u8 = u8::MAX;
/// Levels that a kind has at most.
pub(super) const LEVELS_MAX: usize = 10;

/// A comparison, by what it looks at. The number is its place in a record's comparable form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// First given name.
    GivenName = 0,
    /// Middle names or their initials.
    MiddleName,
    /// Family name.
    FamilyName,
    /// `Jr`, `Sr`, `III`.
    NameSuffix,
    /// Date of birth, whole or in parts.
    BirthDate,
    /// Gender.
    Gender,
    /// E-mail address.
    Email,
    /// Phone number.
    Phone,
    /// House number and street.
    Street,
    /// Unit, building, estate.
    AddressExtra,
    /// Town, postcode and region together, because one implies the other.
    Place,
    /// Number given by a state.
    GovernmentId,
    /// Name of a firm or other body.
    Organisation,
    /// Identifier made by a system: one comparison for each attribute.
    Identifier,
}

/// A level of a comparison.
pub(super) struct Level {
    /// As it stands in the model and in explanations.
    pub(super) name: &'static str,
    /// Out of a thousand pairs of one person, how many are expected here.
    pub(super) expected: u32,
    /// Out of a million pairs of strangers, how many are expected here.
    pub(super) chance: u32,
}

const fn level(name: &'static str, expected: u32, chance: u32) -> Level {
    Level { name, expected, chance }
}

impl Kind {
    /// All, in order.
    pub(super) const ALL: [Self; 14] = [
        Self::GivenName,
        Self::MiddleName,
        Self::FamilyName,
        Self::NameSuffix,
        Self::BirthDate,
        Self::Gender,
        Self::Email,
        Self::Phone,
        Self::Street,
        Self::AddressExtra,
        Self::Place,
        Self::GovernmentId,
        Self::Organisation,
        Self::Identifier,
    ];

    /// The name in a model file.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::GivenName => "given_name",
            Self::MiddleName => "middle_name",
            Self::FamilyName => "family_name",
            Self::NameSuffix => "name_suffix",
            Self::BirthDate => "date_of_birth",
            Self::Gender => "gender",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Street => "street",
            Self::AddressExtra => "address_extra",
            Self::Place => "place",
            Self::GovernmentId => "government_id",
            Self::Organisation => "organisation",
            Self::Identifier => "identifier",
        }
    }

    /// The kind that has this place in a comparable form.
    pub(super) fn of_slot(slot: usize) -> Self {
        *Self::ALL.get(slot).unwrap_or(&Self::Identifier)
    }

    /// The levels, best first; the last is *different*.
    pub(super) const fn levels(self) -> &'static [Level] {
        match self {
            Self::GivenName => GIVEN_NAME,
            Self::MiddleName => MIDDLE_NAME,
            Self::FamilyName => FAMILY_NAME,
            Self::NameSuffix => NAME_SUFFIX,
            Self::BirthDate => BIRTH_DATE,
            Self::Gender => GENDER,
            Self::Email => EMAIL,
            Self::Phone => PHONE,
            Self::Street => STREET,
            Self::AddressExtra => ADDRESS_EXTRA,
            Self::Place => PLACE,
            Self::GovernmentId => GOVERNMENT_ID,
            Self::Organisation => ORGANISATION,
            Self::Identifier => IDENTIFIER,
        }
    }

    /// Whether *different* says nothing: one person has a different identifier in each system.
    pub(super) const fn differs_freely(self) -> bool {
        matches!(self, Self::Identifier)
    }
}

/// Levels of given names, by place in the list.
pub(super) mod given {
    pub const EXACT: u8 = 0;
    pub const VARIANT: u8 = 1;
    pub const NEAR: u8 = 2;
    pub const INITIAL: u8 = 3;
    pub const SIMILAR: u8 = 4;
    pub const SWAPPED: u8 = 5;
    pub const DIFFERENT: u8 = 6;
}

const GIVEN_NAME: &[Level] = &[
    level("exact", 760, 8_000),
    level("nickname or variant", 40, 3_000),
    level("near", 90, 3_000),
    level("initial", 20, 8_000),
    level("similar", 30, 14_000),
    level("swapped with family name", 20, 600),
    level("different", 40, 963_000),
];

/// Levels of middle names.
pub(super) mod middle {
    pub const EXACT: u8 = 0;
    pub const NEAR: u8 = 1;
    pub const INITIAL: u8 = 2;
    pub const DIFFERENT: u8 = 3;
}

const MIDDLE_NAME: &[Level] = &[
    level("exact", 550, 20_000),
    level("near", 100, 4_000),
    level("initial", 270, 70_000),
    level("different", 80, 906_000),
];

/// Levels of family names.
pub(super) mod family {
    pub const EXACT: u8 = 0;
    pub const NEAR: u8 = 1;
    pub const PART: u8 = 2;
    pub const SIMILAR: u8 = 3;
    pub const SWAPPED: u8 = 4;
    pub const DIFFERENT: u8 = 5;
}

const FAMILY_NAME: &[Level] = &[
    level("exact", 800, 4_000),
    level("near", 100, 2_000),
    level("part or initial", 20, 3_000),
    level("similar", 20, 12_000),
    level("swapped with given name", 20, 600),
    level("different", 40, 978_000),
];

const NAME_SUFFIX: &[Level] = &[level("exact", 970, 350_000), level("different", 30, 650_000)];

/// Levels of dates of birth.
pub(super) mod birth {
    pub const EXACT: u8 = 0;
    pub const SWAPPED: u8 = 1;
    pub const NEAR: u8 = 2;
    pub const TWO_PARTS: u8 = 3;
    pub const CLOSE: u8 = 4;
    pub const YEAR: u8 = 5;
    pub const DIFFERENT: u8 = 6;
}

const BIRTH_DATE: &[Level] = &[
    level("exact", 800, 60),
    level("day and month swapped", 10, 20),
    level("one digit or two neighbours", 90, 700),
    level("two of three parts", 40, 3_000),
    level("close", 20, 2_000),
    level("same year", 10, 14_000),
    level("different", 30, 980_000),
];

const GENDER: &[Level] = &[level("exact", 960, 500_000), level("different", 40, 500_000)];

/// Levels of e-mail addresses.
pub(super) mod email {
    pub const EXACT: u8 = 0;
    pub const NEAR: u8 = 1;
    pub const LOCAL: u8 = 2;
    pub const SIMILAR: u8 = 3;
    pub const DOMAIN: u8 = 4;
    pub const DIFFERENT: u8 = 5;
}

const EMAIL: &[Level] = &[
    level("exact", 680, 5),
    level("near", 130, 10),
    level("same local part", 40, 100),
    level("similar", 20, 200),
    level("same domain", 30, 5_000),
    level("different", 100, 994_685),
];

/// Levels of phone numbers.
pub(super) mod phone {
    pub const EXACT: u8 = 0;
    pub const LOCAL: u8 = 1;
    pub const NEAR: u8 = 2;
    pub const DIFFERENT: u8 = 3;
}

const PHONE: &[Level] = &[
    level("exact", 700, 20),
    level("same but for the area code", 50, 20),
    level("one digit or two neighbours", 80, 40),
    level("different", 170, 999_920),
];

/// Levels of streets.
pub(super) mod street {
    pub const EXACT: u8 = 0;
    pub const NEAR: u8 = 1;
    pub const NAME_ONLY: u8 = 2;
    pub const NAME: u8 = 3;
    pub const SIMILAR: u8 = 4;
    pub const DIFFERENT: u8 = 5;
}

const STREET: &[Level] = &[
    level("number and street", 600, 60),
    level("number and street, one near", 150, 100),
    level("street, number missing", 40, 800),
    level("street, another number", 40, 1_500),
    level("similar street or same number", 40, 30_000),
    level("different", 130, 967_540),
];

/// Levels of what stands beside the street.
pub(super) mod extra {
    pub const EXACT: u8 = 0;
    pub const DIFFERENT: u8 = 2;
}

const ADDRESS_EXTRA: &[Level] =
    &[level("exact", 650, 3_000), level("near", 150, 3_000), level("different", 200, 994_000)];

/// Levels of places.
pub(super) mod place {
    pub const EXACT: u8 = 0;
    pub const POSTCODE: u8 = 1;
    pub const CITY_NEAR_POSTCODE: u8 = 2;
    pub const CITY: u8 = 3;
    pub const NEAR: u8 = 4;
    pub const REGION: u8 = 5;
    pub const DIFFERENT: u8 = 6;
}

const PLACE: &[Level] = &[
    level("postcode, city not other", 600, 1_000),
    level("postcode, another city", 80, 1_000),
    level("city and near postcode", 80, 1_000),
    level("city", 100, 10_000),
    level("near", 60, 10_000),
    level("region", 40, 200_000),
    level("different", 40, 777_000),
];

/// Levels of government ids.
pub(super) mod government {
    pub const EXACT: u8 = 0;
    pub const NEAR: u8 = 1;
    pub const DIFFERENT: u8 = 2;
}

const GOVERNMENT_ID: &[Level] = &[level("exact", 850, 5), level("near", 100, 15), level("different", 50, 999_980)];

/// Levels of organisations.
pub(super) mod organisation {
    pub const EXACT: u8 = 0;
    pub const MOST: u8 = 1;
    pub const HALF: u8 = 2;
    pub const SOME: u8 = 3;
    pub const DIFFERENT: u8 = 4;
}

const ORGANISATION: &[Level] = &[
    level("exact", 450, 500),
    level("most words", 200, 500),
    level("half of the words", 150, 2_000),
    level("some words", 100, 20_000),
    level("different", 100, 977_000),
];

/// Levels of identifiers made by systems.
pub(super) mod identifier {
    pub const EXACT: u8 = 0;
    pub const DIFFERENT: u8 = 1;
}

const IDENTIFIER: &[Level] = &[level("exact", 800, 5), level("different", 200, 999_995)];

/// What part of a comparison the values of an attribute are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Whole(Kind),
    BirthYear,
    BirthMonth,
    BirthDay,
    StreetName,
    StreetNumber,
    City,
    Postcode,
    Region,
    FullName,
}

/// What part of which comparison an attribute is. The built-in attributes `gender`, `state` and `company_name` are text
/// for the standardiser; here they count as what they are.
pub(super) fn part_of(attribute: &Attribute) -> Option<Part> {
    let part = match (attribute.semantic, attribute.name.as_str()) {
        (Semantic::GivenName, _) => Part::Whole(Kind::GivenName),
        (Semantic::MiddleName, _) => Part::Whole(Kind::MiddleName),
        (Semantic::FamilyName, _) => Part::Whole(Kind::FamilyName),
        (Semantic::FullName, _) => Part::FullName,
        (_, "name_suffix") => Part::Whole(Kind::NameSuffix),
        (Semantic::Date, "date_of_birth" | "birth_date") => Part::Whole(Kind::BirthDate),
        (Semantic::BirthYear, _) => Part::BirthYear,
        (Semantic::BirthMonth, _) => Part::BirthMonth,
        (Semantic::BirthDay, _) => Part::BirthDay,
        (Semantic::Gender, _) | (Semantic::Text, "gender") => Part::Whole(Kind::Gender),
        (Semantic::Email, _) => Part::Whole(Kind::Email),
        (Semantic::Phone, _) => Part::Whole(Kind::Phone),
        (Semantic::Street, _) => Part::StreetName,
        (Semantic::StreetNumber, _) => Part::StreetNumber,
        (Semantic::AddressExtra, _) => Part::Whole(Kind::AddressExtra),
        (Semantic::City, _) => Part::City,
        (Semantic::Postcode, _) => Part::Postcode,
        (Semantic::Region, _) | (Semantic::Text, "state") => Part::Region,
        (Semantic::GovernmentId, _) => Part::Whole(Kind::GovernmentId),
        (Semantic::OrganisationName, _) | (Semantic::Text, "company_name") => Part::Whole(Kind::Organisation),
        (Semantic::Opaque | Semantic::Handle, name) if name != "ip_address" => Part::Whole(Kind::Identifier),
        _ => return None,
    };
    Some(part)
}
