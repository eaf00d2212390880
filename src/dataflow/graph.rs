//! The whole graph.
//!
//! ```text
//!  records ─┬─ carried ─────▶ links ─┬─ evidence ──────────┐
//!           │                  ▲     └─ reaches ─▶ words   │
//!           ├─ compared ─▶ matches ─┬─ evidence ───────────┤
//!           │                  │    └─ uncertain ──────────┼──────────────────────────────────────▶ uncertain
//!           ├─ claims ─────────┼───────────────────┐       ▼
//!           │                  │                   ├─▶ clusters ─┬─ members ─┬────────┐
//!  steward ─┼─ different ──────┼───────────────────┤             ├─ tied ────┤        ├───────────▶ members
//!           ├─ same ───────────┼───────────────────┼───▶ (links) ├───────────┼────────┼───────────▶ verdicts
//!           ├─ words ─ given ─ reaches ▶ combining ┘             ┘           ▼        │
//!  consents ┴─ given ──────────┴──▶ words ─────────────────────────▶ permissions ─────┼───────────▶ permissions
//!                                                                    uses ▼           ▼
//!  records ─── rows ───────────────────────────────────────────────────▶ profiles ◀─ members ─────▶ winners
//! ```
//!
//! Errors have no channel here: what comes in are facts that were checked before, and every stage is total on them.

use super::channel::Given;
use super::claims::{Claim, Evidence, Membership, Verdict};
use super::clusters::{Clusters, Strength};
use super::combining::Combining;
use super::guards::Guard;
use super::links::{Carried, Holder, Links};
use super::matches::{Compared, Matches};
use super::outlet::{Collected, Outlet};
use super::permissions::{Decisions, Permissions, Seat};
use super::profiles::{Fact, Profiles, Row, Winners};
use super::stage::{Node, Update};
use super::words::Word;
use crate::matching::Scorer;
use crate::model::{Birth, Link, Permission, Schema, SurvivorshipRule};
use differential_dataflow::{AsCollection, Data, VecCollection};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use timely::dataflow::operators::Input;
use timely::dataflow::{InputHandle, Scope};

/// What the graph takes from the bundle.
#[derive(Clone, Default)]
pub struct Rules {
    /// By kind of identifier, when one may link.
    pub guards: Vec<Guard>,
    /// How strong links are, and how large a profile may be.
    pub strength: Strength,
    /// By kind of identifier, whether a person has one value.
    pub unique: Vec<bool>,
    /// By attribute.
    pub survivorship: Vec<SurvivorshipRule>,
    /// By attribute, the category of data that it is.
    pub categories: Vec<u8>,
    /// How decisions about uses are made; `None`: nothing is permitted.
    pub decisions: Option<Decisions>,
    /// How records are compared; `None`: they are not.
    pub scorer: Option<Arc<Scorer>>,
}

impl Rules {
    /// The rules of a schema.
    pub fn new(schema: &Schema, scorer: Option<Arc<Scorer>>, decisions: Option<Decisions>) -> Self {
        let guard =
            |kind: &crate::model::IdentifierKind| Guard { records_max: kind.records_max, names_max: kind.names_max };
        Self {
            guards: schema.kinds.iter().map(guard).collect(),
            strength: Strength::new(schema),
            unique: schema.kinds.iter().map(|kind| kind.unique).collect(),
            survivorship: schema.survivorship.clone(),
            categories: schema.attributes.iter().map(|attribute| attribute.category as u8).collect(),
            decisions,
            scorer,
        }
    }
}

/// The doors into the graph.
#[derive(Default)]
pub struct Inputs {
    /// Which live records carry what, and which identifiers a steward allowed.
    pub carried: Session<Carried<Holder>>,
    /// On what live consents were given.
    pub given: Session<Carried<Given>>,
    /// Live records, what they hold of things that are unique, and whom a steward calls different.
    pub claims: Session<Claim>,
    /// Whom a steward calls the same.
    pub same: Session<Link>,
    /// What is compared of live records.
    pub compared: Session<Compared>,
    /// Values of live records.
    pub rows: Session<Row>,
    /// What else decisions rest on.
    pub words: Session<Word>,
}

impl Inputs {
    /// Closes all epochs before this one.
    pub fn advance_to(&mut self, epoch: u64) {
        self.carried.0.advance_to(epoch);
        self.given.0.advance_to(epoch);
        self.claims.0.advance_to(epoch);
        self.same.0.advance_to(epoch);
        self.compared.0.advance_to(epoch);
        self.rows.0.advance_to(epoch);
        self.words.0.advance_to(epoch);
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
    /// Links of the forests, and what hinders others.
    pub verdicts: Collected<Verdict>,
    /// Pairs that were scored between the thresholds.
    pub uncertain: Collected<Link>,
    /// Who belongs to which profile.
    pub members: Collected<Membership>,
    /// (root of the profile, its winners).
    pub winners: Collected<(Birth, Winners)>,
    /// (root of the profile, permission for one purpose).
    pub permissions: Collected<(Birth, Permission)>,
    /// All epochs before this one are complete.
    pub complete: Rc<Cell<u64>>,
    /// When permissions change by themselves next, and when what may be combined does, microseconds.
    pub due: [Rc<Cell<i64>>; 2],
}

/// Builds the graph.
pub fn build(scope: Scope<'_, u64>, rules: &Rules, inputs: &mut Inputs, outputs: &Outputs) {
    let carried = inputs.carried.collection(scope);
    let given = inputs.given.collection(scope);
    let claims = inputs.claims.collection(scope);
    let same = inputs.same.collection(scope);
    let rows = inputs.rows.collection(scope);
    let words = inputs.words.collection(scope);
    let mut outlet = Outlet::new(scope);

    let combining = rules.decisions.as_ref().and_then(|decisions| Some(decisions.combining.as_ref()?.0));
    let links = Node::new(scope, "links", Links::new(rules.guards.clone(), combining));
    let (links, reaches) = links.by_key(carried, Carried::key, given.clone(), Carried::key).run();
    let mut clusters = Node::new(scope, "clusters", Clusters::new(rules.strength.clone()))
        .left(claims, Some)
        .right(links, Some)
        .right(same, |link| Some(Evidence::from(link)));
    if let Some(scorer) = &rules.scorer {
        let matches = Node::new(scope, "matches", Matches::new(Arc::clone(scorer)));
        let (scored, uncertain) = matches.left(inputs.compared.collection(scope), Some).run();
        clusters = clusters.right(scored, |link| Some(Evidence::from(link)));
        outlet.collect(uncertain, &outputs.uncertain);
    }
    if let Some((decisions, purpose)) = rules.decisions.as_ref().zip(combining) {
        let combining = Node::new(scope, "combining", Combining::new(decisions.clone(), Rc::clone(&outputs.due[1])))
            .left(words.clone(), Some)
            .left(reaches.clone(), |reaches| reaches.combining.then_some(Word::Reaches(reaches)))
            .left(given.clone(), move |given| (given.by.purpose == purpose).then(|| Word::from(given)));
        clusters = clusters.left(combining.run().0, Some);
    }
    let (members, verdicts) = clusters.run();
    let profiles = Profiles::new(rules.survivorship.clone(), rules.categories.clone());
    let mut profiles =
        Node::new(scope, "profiles", profiles).left(rows, |row| Some(Fact::Row(row))).right(members.clone(), Some);
    if let Some(decisions) = &rules.decisions {
        let permissions = Permissions::new(decisions.clone(), Rc::clone(&outputs.due[0]));
        let permissions = Node::new(scope, "permissions", permissions)
            .left(members.clone(), |member| Some(Seat::Member(member)))
            .left(verdicts.clone(), tied)
            .right(words, Some)
            .right(reaches, |reaches| Some(Word::Reaches(reaches)))
            .right(given, |given| Some(Word::from(given)));
        let (permissions, uses) = permissions.run();
        profiles = profiles.left(uses, |(record, uses)| Some(Fact::Uses(record, uses)));
        outlet.collect(permissions, &outputs.permissions);
    }
    let (winners, _) = profiles.run();

    outlet.collect(verdicts, &outputs.verdicts);
    outlet.collect(members, &outputs.members);
    outlet.collect(winners, &outputs.winners);
    outlet.build(&outputs.complete);
}

/// Where strong links tie a record.
fn tied(verdict: Verdict) -> Option<Seat> {
    if let Verdict::Tied { record, to } = verdict { Some(Seat::Tied { record, to }) } else { None }
}
