//! The whole graph.
//!
//! ```text
//!  records ─┬─ carried ──┐
//!           │            ├─▶ links ─┬─ links ────▶ clusters ─┬─ accepted ─────────────────────────▶ merges
//!  consents ┼─ carried ──┘          │        ▲               ├─ members ───────────────────────────▶ members
//!           │                       │        │               ├─ members ─▶ profiles ──────────────▶ winners
//!           ├─ names ───────────────┼────────┘               │                ▲
//!           └─ rows ────────────────┼────────────────────────┼────────────────┘
//!                                   └─ reaches ──────────────┴─ members ─▶ permissions ───────────▶ permissions
//! ```
//!
//! Errors have no channel here: what comes in are facts that were checked before, and every stage is total on them.

use super::clusters::{Clustered, Clusters, Joined};
use super::links::{Carried, Linked, Links};
use super::permissions::permissions;
use super::profiles::{Part, Profiles, Row, Winners};
use super::stage::run;
use crate::model::{Birth, Link, Named, Permission, Schema, SurvivorshipRule};
use differential_dataflow::input::InputSession;
use differential_dataflow::{Data, VecCollection};
use std::cell::RefCell;
use std::rc::Rc;
use timely::dataflow::{ProbeHandle, Scope};

/// What the graph takes from the bundle.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// By kind of identifier, strength of its links.
    pub priorities: Vec<u8>,
    /// By kind of identifier, how many records may carry one before it is quarantined.
    pub limits: Vec<u32>,
    /// By attribute.
    pub survivorship: Vec<SurvivorshipRule>,
}

impl Rules {
    /// The rules of a schema.
    pub fn new(schema: &Schema) -> Self {
        Self {
            priorities: schema.kinds.iter().map(|kind| kind.priority).collect(),
            limits: schema.kinds.iter().map(|kind| kind.records_max).collect(),
            survivorship: schema.survivorship.clone(),
        }
    }
}

/// The doors into the graph.
#[derive(Default)]
pub struct Inputs {
    /// Who carries what.
    pub carried: Session<Carried>,
    /// Live records.
    pub names: Session<Named>,
    /// Values of live records.
    pub rows: Session<(Birth, Row)>,
}

/// One door: rows at the present epoch.
pub struct Session<D: Data>(pub InputSession<u64, D, isize>);

impl<D: Data> Default for Session<D> {
    fn default() -> Self {
        Self(InputSession::new())
    }
}

/// What came out since it was last drained: (row, change of its multiplicity).
pub type Collected<D> = Rc<RefCell<Vec<(D, isize)>>>;

/// The doors out of the graph.
#[derive(Clone, Default)]
pub struct Outputs {
    /// Links of the forests.
    pub accepted: Collected<Link>,
    /// (record, root of its profile).
    pub members: Collected<(Birth, Birth)>,
    /// (root of the profile, its winners).
    pub winners: Collected<(Birth, Winners)>,
    /// (root of the profile, permission for one purpose).
    pub permissions: Collected<(Birth, Permission)>,
    /// Passed by an epoch once all of the above is complete for it.
    pub probe: ProbeHandle<u64>,
}

/// Builds the graph.
pub fn build(scope: Scope<'_, u64>, rules: &Rules, inputs: &mut Inputs, outputs: &Outputs) {
    let carried = inputs.carried.0.to_collection(scope);
    let names = inputs.names.0.to_collection(scope);
    let rows = inputs.rows.0.to_collection(scope);

    let linked = run(carried, "links", Links::new(rules.limits.clone()));
    let links = linked.clone().flat_map(|row| match row {
        Linked::Link(link, a, b) => Some(Joined::Link(link, a, b)),
        Linked::Reaches(..) => None,
    });
    let reaches = linked.flat_map(|row| match row {
        Linked::Reaches(record, given) => Some((record, given)),
        Linked::Link(..) => None,
    });

    let clustered = run(names.map(Joined::Record).concat(links), "clusters", Clusters::new(rules.priorities.clone()));
    let accepted = clustered.clone().flat_map(|row| match row {
        Clustered::Accepted(link) => Some(link),
        Clustered::Member(..) => None,
    });
    let members = clustered.flat_map(|row| match row {
        Clustered::Member(record, root) => Some((record, root)),
        Clustered::Accepted(_) => None,
    });

    let parts = rows
        .map(|(birth, row)| Part::Row(birth, row))
        .concat(members.clone().map(|(record, root)| Part::Member(record, root)));
    let winners = run(parts, "profiles", Profiles::new(rules.survivorship.clone()));
    let permissions = permissions(members.clone(), reaches);

    collect(accepted, &outputs.accepted, &outputs.probe);
    collect(members, &outputs.members, &outputs.probe);
    collect(winners, &outputs.winners, &outputs.probe);
    collect(permissions, &outputs.permissions, &outputs.probe);
}

/// Copies a collection's updates to where the engine drains them.
fn collect<'scope, D: Data>(
    collection: VecCollection<'scope, u64, D, isize>,
    into: &Collected<D>,
    probe: &ProbeHandle<u64>,
) {
    let into = Rc::clone(into);
    collection.inspect(move |(row, _, diff)| into.borrow_mut().push((row.clone(), *diff))).probe_with(probe);
}
