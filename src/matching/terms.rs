//! Term frequencies: agreeing on `Smith` tells less than agreeing on `Lovelace`.
//!
//! A *family* is a vocabulary in which terms are counted. Only terms that at least [`RECORDS_MIN`] records carry have a
//! number of their own, so that a model holds no rare personal value; all others share one.
//!
//! INVARIANT: rarity is −log2 of a frequency in millibits, at least 0. The look-up is by a fixed 64-bit hash.

use hashbrown::HashMap;

/// Records that carry a term that has a number of its own.
pub(super) const RECORDS_MIN: u32 = 10;

/// A vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(super) enum Family {
    None = 0,
    GivenName,
    MiddleName,
    FamilyName,
    BirthDate,
    EmailLocal,
    EmailDomain,
    Address,
    StreetName,
    AddressExtra,
    Postcode,
    City,
    Region,
    Organisation,
    OrganisationWord,
    Gender,
}

/// Families, with the names that stand in the model.
pub(super) const FAMILIES: [(Family, &str); 15] = [
    (Family::GivenName, "given_name"),
    (Family::MiddleName, "middle_name"),
    (Family::FamilyName, "family_name"),
    (Family::BirthDate, "date_of_birth"),
    (Family::EmailLocal, "email_local"),
    (Family::EmailDomain, "email_domain"),
    (Family::Address, "address"),
    (Family::StreetName, "street"),
    (Family::AddressExtra, "address_extra"),
    (Family::Postcode, "postcode"),
    (Family::City, "city"),
    (Family::Region, "region"),
    (Family::Organisation, "organisation"),
    (Family::OrganisationWord, "organisation_word"),
    (Family::Gender, "gender"),
];

/// How rare terms are, compiled for look-up.
#[derive(Clone, Debug, Default)]
pub(super) struct Rarities {
    common: HashMap<u64, i32>,
    /// By family: what a term has that is not among the common ones.
    rare: [i32; FAMILIES.len() + 1],
}

impl Rarities {
    /// Says how rare a common term is.
    pub(super) fn insert(&mut self, family: Family, term: &[u8], millibits: i32) {
        self.common.insert(hash(family, term), millibits);
    }

    /// Says how rare every other term of a family is.
    pub(super) fn set_rare(&mut self, family: Family, millibits: i32) {
        self.rare[family as usize] = millibits;
    }

    /// How rare a term is, in millibits.
    pub(super) fn of(&self, family: Family, term: &[u8]) -> i32 {
        self.common.get(&hash(family, term)).copied().unwrap_or(self.rare[family as usize])
    }
}

/// FNV-1a (64 bits) of family and term, finished with a multiply and shift, so that short terms spread.
pub(super) fn hash(family: Family, term: &[u8]) -> u64 {
    let step = |state: u64, byte: &u8| (state ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let state = term.iter().fold(step(0xcbf2_9ce4_8422_2325, &(family as u8)), step);
    let mixed = (state ^ (state >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_stand_at_their_number() {
        for (i, (family, _)) in FAMILIES.iter().enumerate() {
            assert_eq!(*family as usize, i + 1);
        }
    }

    #[test]
    fn common_terms_have_their_own_rarity() {
        let mut rarities = Rarities::default();
        rarities.set_rare(Family::City, 9_000);
        rarities.insert(Family::City, b"london", 2_000);
        assert_eq!(rarities.of(Family::City, b"london"), 2_000);
        assert_eq!(rarities.of(Family::City, b"ely"), 9_000);
        assert_eq!(rarities.of(Family::Region, b"london"), 0);
    }
}
