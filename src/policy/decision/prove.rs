//! Proving: every cell is looked at, and each invariant either holds in all of them or is broken in one that is named.
//!
//! INVARIANT: a proof that holds has looked at every cell of every invariant.

use super::alone::{NeverAlone, Seen, Tally, never_alone};
use super::decider::{Citation, Decider};
use super::invariants::Invariant;
use super::law;
use super::space::{COMBINE, Space, Vote};
use super::words::oddness;
use crate::model::{Category, Context, PurposeId};
use crate::policy::bundle::Bundle;
use crate::policy::cedar::{Policy, Subject};

/// Every this many cells one is put to Cedar as a whole, too: a prime, so that all circumstances come up.
const COMPARED_EVERY: usize = 4_999;

/// What was proved about a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// How many cells there are: contexts × purposes × categories, and joining.
    pub cells: u64,
    /// How many contexts there are.
    pub contexts: u64,
    /// How many questions were put to Cedar, one policy at a time.
    pub evaluations: u64,
    /// How many cells were put to Cedar with all policies at once, to compare.
    pub compared: u64,
    /// Cells in which that gave another answer, in words. Not empty: this program is wrong.
    pub disagreements: Vec<String>,
    /// Each invariant, those of the law first.
    pub checked: Vec<Checked>,
    /// Policies that determine no cell.
    pub dead: Vec<Policy>,
    /// Policies that determine cells, and none alone: the decisions of the bundle are the same without each.
    pub never_alone: Vec<NeverAlone>,
    /// Purposes for which nothing is ever permitted.
    pub unpermitted: Vec<String>,
}

/// An invariant and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The invariant.
    pub invariant: Invariant,
    /// Of how many cells it speaks.
    pub cells: u64,
    /// In how many of them it is broken.
    pub broken: u64,
    /// The plainest of these.
    pub breach: Option<Breach>,
}

/// A cell that is allowed and must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Name of the purpose.
    pub purpose: String,
    /// The category; `None` for joining records.
    pub category: Option<Category>,
    /// The circumstances.
    pub context: Context,
    /// The policies that permit it.
    pub policies: Vec<Citation>,
}

impl Proof {
    /// Whether every invariant holds.
    pub fn holds(&self) -> bool {
        self.disagreements.is_empty() && self.checked.iter().all(|checked| checked.broken == 0)
    }
}

/// Looks at every cell of a bundle.
pub fn prove(bundle: &Bundle) -> Proof {
    let decider = bundle.decider();
    let space = decider.space();
    let contexts: Vec<Context> = Context::all().collect();
    let invariants: Vec<Invariant> =
        law::invariants(decider.purposes()).into_iter().chain(bundle.invariants.iter().cloned()).collect();
    let grid = Grid::new(&space, &contexts);
    let (compared, disagreements) = compare(&decider, &grid, &contexts);
    let cells = space.purposes().map(|purpose| u64::from(space.asked(purpose).count_ones()));
    let count = contexts.len() as u64;
    Proof {
        cells: cells.sum::<u64>() * count,
        contexts: count,
        evaluations: space.evaluations,
        compared,
        disagreements,
        checked: invariants.into_iter().map(|found| check(found, &decider, &space, &grid, &contexts)).collect(),
        dead: dead(&decider, &space, &grid),
        never_alone: never_alone(decider.policies(), &space, &grid.seen, &contexts, (&grid.permitted, &grid.allowed)),
        unpermitted: unpermitted(&decider, &space, &grid),
    }
}

/// What is permitted and allowed in every cell, whatever categories purposes name.
struct Grid {
    /// By purpose, by place of the context: what some policy permits.
    permitted: Vec<Vec<u32>>,
    /// Likewise: what is allowed.
    allowed: Vec<Vec<u32>>,
    /// By policy.
    seen: Vec<Seen>,
}

impl Grid {
    fn new(space: &Space, contexts: &[Context]) -> Self {
        let mut grid = Self { permitted: Vec::new(), allowed: Vec::new(), seen: vec![Seen::default(); space.rules()] };
        let mut votes: Vec<Vote> = Vec::with_capacity(space.rules());
        for purpose in space.purposes() {
            let (asked, declared) = (space.asked(purpose), space.declared(purpose));
            let (mut permitted, mut allowed) = (Vec::with_capacity(contexts.len()), Vec::with_capacity(contexts.len()));
            for context in contexts {
                votes.clear();
                votes.extend(space.votes(purpose, *context));
                let tally = Tally::of(&votes);
                for (seen, vote) in grid.seen.iter_mut().zip(&votes) {
                    seen.look(*vote, tally, (purpose, *context), (asked, declared));
                }
                permitted.push(tally.permitted & asked);
                allowed.push(tally.allowed() & asked);
            }
            grid.permitted.push(permitted);
            grid.allowed.push(allowed);
        }
        grid
    }

    fn row(&self, purpose: PurposeId) -> &[u32] {
        self.allowed.get(usize::from(purpose.0)).map_or(&[], Vec::as_slice)
    }
}

fn check(invariant: Invariant, decider: &Decider, space: &Space, grid: &Grid, contexts: &[Context]) -> Checked {
    let spoken: Vec<(usize, Context)> =
        contexts.iter().copied().enumerate().filter(|(_, context)| invariant.speaks_of(*context)).collect();
    let (mut cells, mut broken) = (0, 0);
    let mut worst: Option<(u32, PurposeId, u32, Context)> = None;
    for purpose in space.purposes().filter(|purpose| invariant.purposes >> purpose.0 & 1 == 1) {
        // The law holds whatever categories a purpose names; a bundle may rest on what it names itself.
        let named = if invariant.of_bundle { space.declared(purpose) } else { u32::MAX };
        let subjects = invariant.subjects & space.asked(purpose);
        let row = grid.row(purpose);
        for (place, context) in &spoken {
            cells += u64::from(subjects.count_ones());
            let bits = row.get(*place).copied().unwrap_or(0) & subjects & named;
            broken += u64::from(bits.count_ones());
            let odd = oddness(*context);
            if bits != 0 && worst.is_none_or(|(least, ..)| odd < least) {
                worst = Some((odd, purpose, bits, *context));
            }
        }
    }
    let breach = worst.map(|(_, purpose, bits, context)| breach(decider, purpose, bits, context));
    Checked { invariant, cells, broken, breach }
}

fn breach(decider: &Decider, purpose: PurposeId, bits: u32, context: Context) -> Breach {
    let category = Category::ALL.into_iter().find(|category| category.bit() & bits != 0);
    let subject = category.map_or(Subject::Combine, Subject::Use);
    let policies = decider.ask(purpose, subject, context).policies;
    let name = decider.purposes().get(usize::from(purpose.0)).map(|purpose| purpose.name.clone());
    Breach { purpose: name.unwrap_or_default(), category, context, policies }
}

fn dead(decider: &Decider, space: &Space, grid: &Grid) -> Vec<Policy> {
    // Without a purpose there is no cell, and nothing to be said about a policy.
    if space.purposes().next().is_none() {
        return Vec::new();
    }
    let policies = decider.policies().iter().zip(&grid.seen);
    policies.filter(|(_, seen)| seen.determined == 0).map(|(policy, _)| policy.clone()).collect()
}

fn unpermitted(decider: &Decider, space: &Space, grid: &Grid) -> Vec<String> {
    let never = |purpose: &PurposeId| grid.row(*purpose).iter().all(|bits| bits & space.declared(*purpose) == 0);
    let name = |purpose: PurposeId| decider.purposes().get(usize::from(purpose.0)).map(|purpose| purpose.name.clone());
    space.purposes().filter(never).filter_map(name).collect()
}

/// Puts a sample of the cells to Cedar with all policies at once.
fn compare(decider: &Decider, grid: &Grid, contexts: &[Context]) -> (u64, Vec<String>) {
    let (mut compared, mut disagreements) = (0, Vec::new());
    for (number, _) in decider.purposes().iter().enumerate() {
        let Ok(purpose) = u8::try_from(number).map(PurposeId) else { continue };
        let joins = (decider.combining() == Some(purpose)).then_some((Subject::Combine, COMBINE));
        let uses = Category::ALL.into_iter().map(|category| (Subject::Use(category), category.bit()));
        let subjects: Vec<(Subject, u32)> = uses.chain(joins).collect();
        let cells = contexts.iter().zip(grid.row(purpose)).flat_map(|cell| subjects.iter().map(move |of| (cell, of)));
        for ((context, allowed), (subject, bit)) in cells.skip(number).step_by(COMPARED_EVERY) {
            compared += 1;
            let verdict = decider.ask(purpose, *subject, *context);
            if verdict.allowed != (allowed & bit != 0) {
                disagreements.push(format!("{subject:?}, {}", super::words::describe(*context)));
            }
        }
    }
    (compared, disagreements)
}
