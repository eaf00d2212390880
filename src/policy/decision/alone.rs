//! Which policies decide alone: without one that does not, every decision of the bundle is the same.
//!
//! Each policy is looked at by itself. Of two that say the same neither decides alone, and one of them has to stay.
//!
//! INVARIANT: a policy decides alone exactly where taking it away flips a cell that [`Diff`](super::Diff) would show.

use super::space::{Space, Vote};
use super::words::oddness;
use crate::model::{Context, PurposeId};
use crate::policy::cedar::{Effect, Policies, Policy};

/// So many others are tried for one that decides the same in every cell.
const OTHERS_MAX: usize = 4;

/// A policy that decides somewhere, and nowhere alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeverAlone {
    /// The policy.
    pub policy: Policy,
    /// Why nothing changes without it.
    pub why: Why,
}

/// Why nothing changes without a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Others decide the same.
    Same {
        /// The id of one of them.
        id: String,
        /// Whether that one does in every cell.
        always: bool,
    },
    /// What it permits, others forbid.
    Overruled,
    /// What it forbids, none permits.
    DefaultDeny,
    /// It is about categories that no purpose names.
    NotDeclared,
}

impl Why {
    /// Its name, for scripts.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Same { .. } => "same",
            Self::Overruled => "overruled",
            Self::DefaultDeny => "default-deny",
            Self::NotDeclared => "not-declared",
        }
    }

    /// For people.
    pub fn sentence(&self) -> String {
        match self {
            Self::Same { id, always: true } => format!("`{id}` decides the same in every case"),
            Self::Same { id, always: false } => format!("others, such as `{id}`, decide the same"),
            Self::Overruled => "what it permits, others forbid".to_owned(),
            Self::DefaultDeny => "what it forbids, no policy permits".to_owned(),
            Self::NotDeclared => "no purpose names what it is about".to_owned(),
        }
    }
}

/// What the votes on one purpose in one context come to, bit by bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// At least one permits.
    pub permitted: u32,
    permitted_twice: u32,
    denied: u32,
    denied_twice: u32,
}

impl Tally {
    /// Counts.
    pub fn of(votes: &[Vote]) -> Self {
        votes.iter().fold(Self::default(), |so_far, vote| Self {
            permitted: so_far.permitted | vote.permits,
            permitted_twice: so_far.permitted_twice | so_far.permitted & vote.permits,
            denied: so_far.denied | vote.denies,
            denied_twice: so_far.denied_twice | so_far.denied & vote.denies,
        })
    }

    /// What is allowed.
    pub fn allowed(self) -> u32 {
        self.permitted & !self.denied
    }

    /// Where a vote is what the decision is: it permits what is allowed, or denies what another permits.
    fn agreed(self, vote: Vote) -> u32 {
        vote.permits & !self.denied | vote.denies & self.permitted
    }

    /// Where no other vote says the same.
    fn alone(self, vote: Vote) -> u32 {
        self.agreed(vote) & !(vote.permits & self.permitted_twice | vote.denies & self.denied_twice)
    }
}

/// What was seen of one policy.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Where it determines what comes out, whether or not a purpose names the category: a permit where it is allowed, a
    /// forbid wherever it applies.
    pub determined: u32,
    /// It says something about what a purpose names.
    declared: bool,
    /// Taking it away changes a decision.
    alone: bool,
    /// The plainest cell in which it would, if no other said the same: how odd it is, purpose, context, and its bit.
    plainest: Option<(u32, PurposeId, Context, u32)>,
}

impl Seen {
    /// Looks at its vote in a cell; `asked` and `declared` are the bits of the purpose.
    pub fn look(&mut self, vote: Vote, tally: Tally, (purpose, context): (PurposeId, Context), bits: (u32, u32)) {
        let (asked, declared) = bits;
        self.determined |= (vote.denies | vote.permits & tally.allowed()) & asked;
        // What decides alone somewhere needs no other to be named.
        if self.alone || (vote.permits | vote.denies) & declared == 0 {
            return;
        }
        self.declared = true;
        self.alone = tally.alone(vote) & declared != 0;
        let agreed = tally.agreed(vote) & declared;
        if agreed != 0 {
            let odd = oddness(context);
            if self.plainest.is_none_or(|(least, ..)| odd < least) {
                self.plainest = Some((odd, purpose, context, agreed & agreed.wrapping_neg()));
            }
        }
    }
}

/// The policies that decide somewhere and nowhere alone; `permitted` and `allowed` by purpose and place of the context.
pub(super) fn never_alone(
    policies: &Policies,
    space: &Space,
    seen: &[Seen],
    contexts: &[Context],
    (permitted, allowed): (&[Vec<u32>], &[Vec<u32>]),
) -> Vec<NeverAlone> {
    let ids: Vec<&str> = policies.iter().map(|policy| policy.id.as_str()).collect();
    let mut found = Vec::new();
    for (place, (policy, of)) in policies.iter().zip(seen).enumerate() {
        if of.determined == 0 || of.alone {
            continue;
        }
        let why = match (of.plainest, of.declared, policy.effect) {
            (_, false, _) => Why::NotDeclared,
            (None, true, Effect::Permit) => Why::Overruled,
            (None, true, Effect::Forbid) => Why::DefaultDeny,
            (Some((_, purpose, context, bit)), true, _) => {
                let mut others = others(space, place, purpose, context, bit);
                let first = others.first().copied();
                for purpose in space.purposes() {
                    let rows = (row(permitted, purpose), row(allowed, purpose));
                    retain(&mut others, space, place, purpose, contexts, rows);
                }
                let named = others.first().copied().or(first).and_then(|other| ids.get(other)).copied();
                Why::Same { id: named.unwrap_or_default().to_owned(), always: !others.is_empty() }
            }
        };
        found.push(NeverAlone { policy: policy.clone(), why });
    }
    found
}

/// The row of a purpose.
fn row(rows: &[Vec<u32>], purpose: PurposeId) -> &[u32] {
    rows.get(usize::from(purpose.0)).map_or(&[], Vec::as_slice)
}

/// The first policies, by their places, that say the same in a cell.
fn others(space: &Space, place: usize, purpose: PurposeId, context: Context, bit: u32) -> Vec<usize> {
    let votes: Vec<Vote> = space.votes(purpose, context).collect();
    let own = votes.get(place).copied().unwrap_or_default();
    let says_the_same = |vote: &Vote| own.permits & vote.permits & bit != 0 || own.denies & vote.denies & bit != 0;
    let same = votes.iter().enumerate().filter(|(other, vote)| *other != place && says_the_same(vote));
    same.map(|(other, _)| other).take(OTHERS_MAX).collect()
}

/// Keeps those of the others that say the same wherever it matters.
fn retain(
    others: &mut Vec<usize>,
    space: &Space,
    place: usize,
    purpose: PurposeId,
    contexts: &[Context],
    (permitted, allowed): (&[u32], &[u32]),
) {
    let declared = space.declared(purpose);
    for (context, (permitted, allowed)) in contexts.iter().zip(permitted.iter().zip(allowed)) {
        if others.is_empty() {
            return;
        }
        let own = space.vote(place, purpose, *context);
        let (permits, denies) = (own.permits & allowed & declared, own.denies & permitted & declared);
        if permits | denies != 0 {
            others.retain(|other| {
                let vote = space.vote(*other, purpose, *context);
                permits & !vote.permits == 0 && denies & !vote.denies == 0
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn votes_are_counted_bit_by_bit() {
        let vote = |permits, denies| Vote { permits, denies };
        let tally = Tally::of(&[vote(0b1111, 0), vote(0b0001, 0), vote(0, 0b0110), vote(0, 0b1_0010)]);
        assert_eq!(tally.allowed(), 0b1001);
        assert_eq!(tally.alone(vote(0b1111, 0)), 0b1000);
        assert_eq!(tally.alone(vote(0b0001, 0)), 0);
        assert_eq!(tally.alone(vote(0, 0b0110)), 0b0100);
        assert_eq!(
            (tally.agreed(vote(0, 0b1_0010)), tally.alone(vote(0, 0b1_0010))),
            (0b0010, 0),
            "nobody permits bit 4"
        );
    }
}
