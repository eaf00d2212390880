//! Term frequencies: agreeing on `Smith` tells less than agreeing on `Lovelace`.
//!
//! A *vocabulary* is what terms are counted in. Only terms that at least [`RECORDS_MIN`] records carry have a
//! number of their own, so that a model holds no rare personal value; all others share one.
//!
//! INVARIANT: rarity is −log2 of a frequency in millibits, at least 0. The look-up is by a fixed 64-bit hash.

use hashbrown::HashMap;

/// Records that carry a term that has a number of its own.
pub(super) const RECORDS_MIN: u32 = 10;

/// What terms are counted in. The number goes into their hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(super) enum Vocabulary {
    GivenName = 1,
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

/// All, with the names that stand in the model.
pub(super) const VOCABULARIES: [(Vocabulary, &str); 15] = [
    (Vocabulary::GivenName, "given_name"),
    (Vocabulary::MiddleName, "middle_name"),
    (Vocabulary::FamilyName, "family_name"),
    (Vocabulary::BirthDate, "date_of_birth"),
    (Vocabulary::EmailLocal, "email_local"),
    (Vocabulary::EmailDomain, "email_domain"),
    (Vocabulary::Address, "address"),
    (Vocabulary::StreetName, "street"),
    (Vocabulary::AddressExtra, "address_extra"),
    (Vocabulary::Postcode, "postcode"),
    (Vocabulary::City, "city"),
    (Vocabulary::Region, "region"),
    (Vocabulary::Organisation, "organisation"),
    (Vocabulary::OrganisationWord, "organisation_word"),
    (Vocabulary::Gender, "gender"),
];

/// How rare terms are, compiled for look-up.
#[derive(Clone, Debug, Default)]
pub(super) struct Rarities {
    common: HashMap<u64, i32>,
    /// By vocabulary: what a term has that is not among the common ones.
    rare: [i32; VOCABULARIES.len() + 1],
}

impl Rarities {
    /// Says how rare a common term is.
    pub(super) fn insert(&mut self, vocabulary: Vocabulary, term: &[u8], millibits: i32) {
        self.common.insert(hash(vocabulary, term), millibits);
    }

    /// Says how rare every other term of a vocabulary is.
    pub(super) fn set_rare(&mut self, vocabulary: Vocabulary, millibits: i32) {
        self.rare[vocabulary as usize] = millibits;
    }

    /// How rare a term is, in millibits.
    pub(super) fn of(&self, vocabulary: Vocabulary, term: &[u8]) -> i32 {
        self.common.get(&hash(vocabulary, term)).copied().unwrap_or(self.rare[vocabulary as usize])
    }
}

/// FNV-1a (64 bits) of vocabulary and term, finished with a multiply and shift, so that short terms spread.
pub(super) fn hash(vocabulary: Vocabulary, term: &[u8]) -> u64 {
    let step = |state: u64, byte: &u8| (state ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let state = term.iter().fold(step(0xcbf2_9ce4_8422_2325, &(vocabulary as u8)), step);
    let mixed = (state ^ (state >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vocabularies_stand_at_their_number() {
        for (i, (vocabulary, _)) in VOCABULARIES.iter().enumerate() {
            assert_eq!(*vocabulary as usize, i + 1);
        }
    }

    #[test]
    fn common_terms_have_their_own_rarity() {
        let mut rarities = Rarities::default();
        rarities.set_rare(Vocabulary::City, 9_000);
        rarities.insert(Vocabulary::City, b"london", 2_000);
        assert_eq!(rarities.of(Vocabulary::City, b"london"), 2_000);
        assert_eq!(rarities.of(Vocabulary::City, b"ely"), 9_000);
        assert_eq!(rarities.of(Vocabulary::Region, b"london"), 0);
    }
}
