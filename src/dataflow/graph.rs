//! The whole graph.
//!
//! ```text
//!  records ─┬─ carried ──────▶ links ─┬─ links ────▶ clusters ─┬─ accepted ────────────────────▶ merges
//!           │                    ▲    │                 ▲      ├─ members ─────────────────────▶ members
//!           ├─ names ────────────┼────┼─────────────────┘      ├─ members ──▶ profiles ────────▶ winners
//!           └─ rows ─────────────┼────┼────────────────────────┼─────────────────┘
//!  consents ── given ────────────┘    └─ reaches ─────────▶ permissions ──────────────────────▶ permissions
//! ```
//!
//! Errors have no channel here: what comes in are facts that were checked before, and every stage is total on them.

use super::clusters::{Clusters, Membership};
use super::links::{Carried, Given, Links};
use super::outlet::{Collected, Outlet};
use super::permissions::Permissions;
use super::profiles::{Profiles, Row, Winners};
use super::stage::{Update, run};
use crate::model::{Birth, Link, Named, Permission, Schema, SurvivorshipRule};
use differential_dataflow::{AsCollection, Data, VecCollection};
use std::cell::Cell;
use std::rc::Rc;
use timely::dataflow::operators::Input;
use timely::dataflow::{InputHandle, Scope};

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
    /// Which live records carry what.
    pub carried: Session<Carried<Named>>,
    /// On what live consents were given.
    pub given: Session<Carried<Given>>,
    /// Live records.
    pub names: Session<Named>,
    /// Values of live records.
    pub rows: Session<Row>,
}

impl Inputs {
    /// Closes all epochs before this one.
    pub fn advance_to(&mut self, epoch: u64) {
        self.carried.0.advance_to(epoch);
        self.given.0.advance_to(epoch);
        self.names.0.advance_to(epoch);
        self.rows.0.advance_to(epoch);
    }
}

/// One door.
pub struct Session<D: Data>(InputHandle<u64, timely::container::CapacityContainerBuilder<Vec<Update<D>>>>);

impl<D: Data> Default for Session<D> {
    fn default() -> Self {
        Self(InputHandle::new())
    }
}

impl<D: Data> Session<D> {
    /// A row comes at the present epoch, or goes.
    pub fn update(&mut self, row: D, came: bool) {
        let epoch = *self.0.time();
        self.0.send((row, epoch, if came { 1 } else { -1 }));
    }

    fn collection<'scope>(&mut self, scope: Scope<'scope, u64>) -> VecCollection<'scope, u64, D, isize> {
        scope.input_from(&mut self.0).as_collection()
    }
}

/// The doors out of the graph.
#[derive(Clone, Default)]
pub struct Outputs {
    /// Links of the forests.
    pub accepted: Collected<Link>,
    /// Who belongs to which profile.
    pub members: Collected<Membership>,
    /// (root of the profile, its winners).
    pub winners: Collected<(Birth, Winners)>,
    /// (root of the profile, permission for one purpose).
    pub permissions: Collected<(Birth, Permission)>,
    /// All epochs before this one are complete.
    pub complete: Rc<Cell<u64>>,
}

/// Builds the graph.
pub fn build(scope: Scope<'_, u64>, rules: &Rules, inputs: &mut Inputs, outputs: &Outputs) {
    let carried = inputs.carried.collection(scope);
    let given = inputs.given.collection(scope);
    let names = inputs.names.collection(scope);
    let rows = inputs.rows.collection(scope);

    let (links, reaches) = run(carried, given, "links", Links::new(rules.limits.clone()));
    let (members, accepted) = run(names, links, "clusters", Clusters::new(rules.priorities.clone()));
    let (winners, _) = run(rows, members.clone(), "profiles", Profiles::new(rules.survivorship.clone()));
    let (permissions, _) = run(members.clone(), reaches, "permissions", Permissions::default());

    let mut outlet = Outlet::new(scope);
    outlet.collect(accepted, &outputs.accepted);
    outlet.collect(members, &outputs.members);
    outlet.collect(winners, &outputs.winners);
    outlet.collect(permissions, &outputs.permissions);
    outlet.build(&outputs.complete);
}
