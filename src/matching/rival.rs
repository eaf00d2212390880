//! Rivals: other reasons than *one person* why two records agree.
//!
//! Members of one household share family name, address and phone, but not what is personal. Against this reason only the
//! personal comparisons tell, at odds of their own: a pair is scored against strangers and against each rival, and the
//! least of these counts. People of one name have addresses like each other's, which is no evidence beyond the name. Records of firms have two rivals: another branch, and another firm in the same house.
//!
//! INVARIANT: which rivals stand against a pair follows from which comparisons have an outcome, and from nothing else.

use super::compare::Outcomes;
use super::kind::{Kind, MISSING};

/// How many there are.
pub(super) const RIVALS: usize = 4;

/// Another reason why two records agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rival {
    /// Two people of one household or family.
    Household = 0,
    /// Two people of one name, whose e-mail addresses are made from it.
    Namesake,
    /// Another site of the same organisation.
    Branch,
    /// Another organisation at the same address.
    Neighbour,
}

impl Rival {
    /// All, in order.
    pub(super) const ALL: [Self; RIVALS] = [Self::Household, Self::Namesake, Self::Branch, Self::Neighbour];

    /// The name in models and explanations.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Household => "one household",
            Self::Namesake => "same name",
            Self::Branch => "another branch",
            Self::Neighbour => "same house",
        }
    }

    /// Whether a comparison tells one person from this rival.
    pub(super) const fn is_told_by(self, kind: Kind) -> bool {
        match self {
            Self::Household => matches!(
                kind,
                Kind::GivenName
                    | Kind::MiddleName
                    | Kind::NameSuffix
                    | Kind::BirthDate
                    | Kind::Gender
                    | Kind::Email
                    | Kind::GovernmentId
                    | Kind::Identifier
            ),
            Self::Namesake => !matches!(kind, Kind::GivenName | Kind::FamilyName | Kind::Organisation),
            Self::Branch => matches!(kind, Kind::Street | Kind::AddressExtra | Kind::Place | Kind::Identifier),
            Self::Neighbour => matches!(kind, Kind::Organisation | Kind::Phone | Kind::Email | Kind::Identifier),
        }
    }

    /// Whether its pairs agree in a comparison more often than strangers do, so that the share is learnt.
    pub(super) const fn learns(self, kind: Kind) -> bool {
        match self {
            Self::Namesake => matches!(kind, Kind::Email),
            Self::Household | Self::Branch | Self::Neighbour => true,
        }
    }

    /// Whether it stands against pairs of this sort.
    pub(super) const fn stands(self, is_organisation: bool) -> bool {
        match self {
            Self::Household | Self::Namesake => !is_organisation,
            Self::Branch | Self::Neighbour => is_organisation,
        }
    }
}

/// Whether a pair is compared as organisations: by their name, and by nothing that only persons have.
pub(super) fn is_organisation(levels: impl Fn(Kind) -> u8) -> bool {
    let personal = [Kind::GivenName, Kind::FamilyName, Kind::BirthDate];
    levels(Kind::Organisation) != MISSING && personal.iter().all(|kind| levels(*kind) == MISSING)
}

/// The same of outcomes.
pub(super) fn are_organisations(found: &Outcomes) -> bool {
    is_organisation(|kind| found[kind as usize].level)
}
