//! What goes into clusters beside links, and what comes out.

use super::forest::{Basis, Holds, Unique, merge};
use super::stage::Updates;
use crate::model::{Birth, KindId, Link, Named, Obstacle};
use serde::{Deserialize, Serialize};

/// A record's membership in a profile, which is named by its oldest record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Membership {
    /// The profile: birth of its oldest record.
    pub root: Birth,
    /// The record.
    pub record: Birth,
}

/// What is said of records beside links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Claim {
    /// It is live.
    Record(Named),
    /// A live record has a value, or is one, of which a person has one.
    Holds {
        /// The record.
        record: Birth,
        /// Of what.
        unique: Unique,
        /// The value.
        value: u128,
    },
    /// It may not be combined with others.
    Alone(Birth),
    /// A steward says that two records are different persons, whether they are live or not.
    Different {
        /// One.
        a: Birth,
        /// The other.
        b: Birth,
    },
}

/// What became of a link that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// It joins its records.
    Accepted(Link),
    /// Of those between two clusters it is the strongest, and this hinders it.
    Refused(Link, Obstacle),
    /// In its cluster a record is tied to an older one by strong links alone; of all that it is tied to, this is the
    /// oldest.
    Tied {
        /// The record.
        record: Birth,
        /// The oldest.
        to: Birth,
    },
}

/// A link, and whether it joins only because given names agree: then it carries no consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Evidence {
    /// The link.
    pub link: Link,
    /// Whether its identifier is weak.
    pub weak: bool,
}

impl From<Link> for Evidence {
    fn from(link: Link) -> Self {
        Self { link, weak: false }
    }
}

/// What a link rests on.
pub fn basis(link: Link) -> Basis {
    match link.kind {
        KindId::STEWARD => Basis::Steward,
        KindId::SCORED => Basis::Scored,
        _ => Basis::Identifier,
    }
}

/// A new record all of whose links are identifiers that lead to one other, where nothing else changes.
pub struct Leaf {
    /// The record.
    pub named: Named,
    /// What it holds.
    pub holds: Holds,
    /// Where its links lead.
    pub other: Birth,
}

impl Leaf {
    /// Finds it in what changes at one time.
    pub fn find(claims: &Updates<Claim>, links: &Updates<Evidence>) -> Option<Self> {
        let (mut named, mut holds) = (None, Holds::new());
        for (claim, came) in claims.iter() {
            match claim {
                Claim::Record(new) if came && named.is_none() => named = Some(*new),
                Claim::Holds { unique, value, .. } if came => merge(&mut holds, &[(*unique, *value)]),
                _ => return None,
            }
        }
        let named = named?;
        let own = |claim: &Claim| !matches!(claim, Claim::Holds { record, .. } if *record != named.birth);
        let end = |link: &Link| match named.birth {
            birth if birth == link.a => Some(link.b),
            birth if birth == link.b => Some(link.a),
            _ => None,
        };
        let fits = |link: &Link, came: bool| came && basis(*link) == Basis::Identifier;
        let mut others = links.iter().map(|(found, came)| end(&found.link).filter(|_| fits(&found.link, came)));
        let other = others.next()??;
        let one = others.all(|end| end == Some(other)) && claims.iter().all(|(claim, _)| own(claim));
        one.then_some(Self { named, holds, other })
    }
}
