//! Goal: after every epoch the engine says exactly what a naive computation over the live facts says.
//! Method: random histories over few records, identifiers, values and times, so that everything collides; hub values
//! cross their limits both ways, consents tie, records come back; the accumulated deltas are compared with the twin.

mod differential;
mod over_time;
mod permitted;
mod scored;
mod shapes;
mod twin;

use onefold::dataflow::clusters::Strength;
use onefold::dataflow::guards::Guard;
use onefold::dataflow::{Decisions, Delta, Engine, Rules};
use onefold::model::{
    About, AgeBand, AttributeId, Birth, ConsentFacts, ConsentState, Context, Criterion, Facts, Format, IdentifierHash,
    KindId, NameMark, Named, Obstacle, PurposeId, Reach, Regime, Role, Source, SourceId, SurvivorshipRule, ValueHash,
    Winner,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use twin::State;
pub use twin::World;

const DAY_US: i64 = 86_400_000_000;

/// One change of one record or consent, by its number.
#[derive(Clone, Debug)]
pub enum Op {
    Put(u64, Facts),
    Delete(u64),
    Consent(u64, ConsentFacts),
    Forget(u64),
    /// What a steward says of two records, or no longer says: that they are the same.
    Same(u64, u64, bool),
    /// That they are different.
    Different(u64, u64, bool),
    /// That an identifier may link.
    Allow((KindId, IdentifierHash), bool),
    /// Processing of a record is restricted.
    Restrict(u64, bool),
    /// The person objected, to a purpose or to all; noted of a record.
    Object(u64, Option<u8>, bool),
    /// A record was of the person who ended a consent.
    Bind(u64, (KindId, IdentifierHash), u64, bool),
    /// Time goes on by so many days.
    Tick(i64),
    /// What is compared of a record: one of those that [`scored`] has, or nothing.
    Compare(u64, Option<usize>),
}

/// Ranks are in no order of births, as hashes of names are.
pub fn named(number: u64) -> Named {
    Named { rank: (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15), birth: Birth(number) }
}

/// The consents' births are apart from those of records.
fn consent_named(number: u64) -> Named {
    named(1_000_000 + number)
}

/// An identifier of a kind; the kind is part of what is hashed. Some are equal in their lower half.
pub fn identifier(kind: u8, number: u64) -> (KindId, IdentifierHash) {
    let halves = u128::from(number % 2) << 64 | u128::from(number / 2) << 16;
    (KindId(kind), IdentifierHash(halves | u128::from(kind) << 8))
}

pub fn source(trust: u8, trust_half_life_days: Option<u32>) -> Source {
    Source {
        name: format!("source-{trust}"),
        files: Vec::new(),
        format: Format::Ndjson,
        role: Role::People,
        key: vec!["id".into()],
        accumulate: false,
        time: None,
        order: None,
        trust,
        trust_half_life_days,
        region: None,
        single: false,
        fields: Vec::new(),
        embedded_consents: None,
    }
}

/// A world without records: four kinds, of which two are equally strong, and each criterion in several places.
pub fn world() -> World {
    use Criterion::{Completeness, Frequency, Recency, Trust};
    let rule = |criteria: &[Criterion]| SurvivorshipRule { criteria: criteria.to_vec() };
    World {
        rules: Rules {
            guards: [3, 4, 2, 1].map(|records_max| Guard { records_max, names_max: 0 }).to_vec(),
            strength: Strength { priorities: vec![90, 50, 50, 10], records_max: u32::MAX, strong_priority_min: 50 },
            categories: vec![0, 0, 1, 1, 2, 2],
            decisions: Some(decisions(Reach::Strong)),
            unique: vec![false; 4],
            scorer: None,
            survivorship: vec![
                rule(&[Recency]),
                rule(&[Trust, Recency]),
                rule(&[Frequency, Completeness]),
                rule(&[Completeness, Trust]),
                rule(&[Trust, Frequency]),
                rule(&[]),
            ],
        },
        // A half-life of ten days halves 100 to 50 and 50 to 25; nothing comes near a tie but true ties.
        sources: vec![source(100, Some(10)), source(50, None), source(25, Some(20)), source(0, Some(10))],
        ..World::default()
    }
}

/// Any circumstance may matter, in any way: what is permitted is drawn from purpose and context, most of it from those with
/// a valid consent. One purpose of four governs combining, which most circumstances permit.
fn decisions(reach: Reach) -> Decisions {
    let drawn = |purpose: u8, context: Context| {
        let seed = u64::from(context.number()) << 8 | u64::from(purpose);
        (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40
    };
    Decisions {
        purposes: 4,
        judge: Arc::new(move |purpose, context| {
            let valid = context.circumstances().consent.is_valid();
            let drawn = drawn(purpose.0, context);
            if valid || drawn.is_multiple_of(8) { (drawn >> 8) as u32 & 7 } else { 0 }
        }),
        combining: Some((PurposeId(3), Arc::new(move |context| !drawn(3, context).is_multiple_of(6)))),
        reach,
        retention: vec![
            vec![None, Some(10 * DAY_US), Some(20 * DAY_US)],
            vec![Some(5 * DAY_US), None, None],
            vec![None; 3],
            vec![None; 3],
        ],
        strong: vec![true, true, true, false],
    }
}

/// The same under constraints: names matter to two kinds, one value of a third is a person's own, a source has one record
/// a person, profiles are small.
pub fn strict() -> World {
    let mut world = world();
    world.rules.guards = vec![
        Guard { records_max: 5, names_max: 2 },
        Guard { records_max: 4, names_max: 3 },
        Guard { records_max: 6, names_max: 0 },
        Guard { records_max: 8, names_max: 0 },
    ];
    world.rules.strength.records_max = 5;
    world.rules.unique[2] = true;
    world.sources[3].single = true;
    world
}

/// The same with another reach of consents.
fn reaching(reach: Reach) -> World {
    let mut world = strict();
    world.rules.decisions = Some(decisions(reach));
    world
}

/// An engine, its accumulated output and the world that it was told of.
pub struct Run {
    pub engine: Engine,
    pub state: State,
    pub world: World,
}

impl Run {
    pub fn new(world: World) -> Self {
        Self { engine: Engine::new(&world.rules), state: State::default(), world }
    }

    /// Applies changes as one epoch: each record and consent is told of once, with its net change.
    pub fn epoch(&mut self, ops: &[Op]) -> Delta {
        let (mut records, mut consents, mut compared) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for op in ops {
            match op {
                Op::Same(one, other, came) => self.same(named(*one), named(*other), *came),
                Op::Different(one, other, came) => self.different(named(*one), named(*other), *came),
                Op::Allow(identifier, came) => self.allow(*identifier, *came),
                Op::Compare(number, what) => drop(compared.insert(named(*number), *what)),
                Op::Restrict(..) | Op::Object(..) | Op::Bind(..) | Op::Tick(_) => self.note(op),
                Op::Put(number, facts) => drop(records.insert(named(*number), Some(facts))),
                Op::Delete(number) => drop(records.insert(named(*number), None)),
                Op::Consent(number, facts) => drop(consents.insert(consent_named(*number), Some(facts))),
                Op::Forget(number) => drop(consents.insert(consent_named(*number), None)),
            }
        }
        // A record that is not live is not compared.
        compared.extend(records.iter().filter(|(_, new)| new.is_none()).map(|(named, _)| (*named, None)));
        for (named, new) in records {
            let old = self.world.records.remove(&named);
            self.engine.record(named, &self.world.sources, old.as_ref(), new);
            self.world.records.extend(new.map(|facts| (named, facts.clone())));
        }
        for (named, what) in compared {
            let was = self.world.compared.remove(&named).is_some();
            let what = what.filter(|_| self.world.records.contains_key(&named));
            self.engine.compare(named, was, what.map(|what| self.world.comparables[what].clone()));
            self.world.compared.extend(what.map(|what| (named, what)));
        }
        for (named, new) in consents {
            let old = self.world.consents.remove(&named);
            self.engine.consent(named, old.as_ref(), new);
            self.world.consents.extend(new.map(|facts| (named, facts.clone())));
        }
        let delta = self.engine.commit();
        self.state.apply(&delta);
        delta
    }

    fn mark<T: Ord + Clone>(set: &mut BTreeSet<T>, what: &T, came: bool) -> bool {
        if came { set.insert(what.clone()) } else { set.remove(what) }
    }

    /// What is noted of records, and time.
    fn note(&mut self, op: &Op) {
        let (world, engine) = (&mut self.world, &mut self.engine);
        match op {
            Op::Restrict(number, came) if Self::mark(&mut world.restricted, &Birth(*number), *came) => {
                engine.restrict(Birth(*number), *came);
            }
            Op::Object(number, purpose, came) => {
                let purpose = purpose.map(PurposeId);
                if Self::mark(&mut world.objected, &(Birth(*number), purpose), *came) {
                    engine.object(Birth(*number), purpose, *came);
                }
            }
            Op::Bind(number, (_, on), consent, came) => {
                let consent = consent_named(*consent).birth;
                if Self::mark(&mut world.bound, &(Birth(*number), *on, consent), *came) {
                    engine.bind(Birth(*number), *on, consent, *came);
                }
            }
            Op::Tick(days) => {
                let tick = world.tick.unwrap_or(-20 * DAY_US) + days * DAY_US;
                world.tick = Some(tick);
                engine.tick(tick);
            }
            _ => {}
        }
    }

    /// A steward's word comes or goes, unless it is as it was or something speaks against it.
    fn same(&mut self, one: Named, other: Named, came: bool) {
        let (one, other) = (one.min(other), one.max(other));
        let World { same, .. } = &mut self.world;
        if one != other && (if came { same.insert((one, other)) } else { same.remove(&(one, other)) }) {
            self.engine.same(one, other, came);
        }
    }

    fn different(&mut self, one: Named, other: Named, came: bool) {
        let pair = (one.birth.min(other.birth), one.birth.max(other.birth));
        let World { different, .. } = &mut self.world;
        if one != other && (if came { different.insert(pair) } else { different.remove(&pair) }) {
            self.engine.different(pair.0, pair.1, came);
        }
    }

    fn allow(&mut self, identifier: (KindId, IdentifierHash), came: bool) {
        let World { allowed, .. } = &mut self.world;
        if if came { allowed.insert(identifier) } else { allowed.remove(&identifier) } {
            self.engine.allow(identifier.0, identifier.1, came);
        }
    }

    /// A fresh engine that is told of all live facts in one epoch.
    pub fn restart(&self) -> (Run, Delta) {
        let World { rules, sources, comparables, .. } = self.world.clone();
        let mut fresh = Run::new(World { rules, sources, comparables, ..World::default() });
        let number = |named: &Named| named.birth.0;
        let records = self.world.records.iter().map(|(named, facts)| Op::Put(number(named), facts.clone()));
        let consents = self.world.consents.iter().map(|(n, facts)| Op::Consent(number(n) - 1_000_000, facts.clone()));
        let same = self.world.same.iter().map(|(one, other)| Op::Same(number(one), number(other), true));
        let different = self.world.different.iter().map(|(one, other)| Op::Different(one.0, other.0, true));
        let allowed = self.world.allowed.iter().map(|identifier| Op::Allow(*identifier, true));
        let compared = self.world.compared.iter().map(|(named, what)| Op::Compare(number(named), Some(*what)));
        let decisions = same.chain(different).chain(allowed);
        let restricted = self.world.restricted.iter().map(|record| Op::Restrict(record.0, true));
        let objected = self.world.objected.iter().map(|(record, of)| Op::Object(record.0, of.map(|of| of.0), true));
        let bound = self
            .world
            .bound
            .iter()
            .map(|(record, on, consent)| Op::Bind(record.0, (KindId(0), *on), consent.0 - 1_000_000, true));
        let tick = self.world.tick.iter().map(|tick| Op::Tick(tick / DAY_US + 20));
        let noted = restricted.chain(objected).chain(bound).chain(tick);
        let ops: Vec<Op> = records.chain(consents).chain(compared).chain(decisions).chain(noted).collect();
        let delta = fresh.epoch(&ops);
        assert_eq!(fresh.engine.due(), self.engine.due(), "a restart waits for the same time");
        (fresh, delta)
    }
}

/// How many of everything there are in a history.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub records: u64,
    pub identifiers: u64,
    pub epochs: usize,
    pub ops: usize,
}

fn identifiers(size: Size) -> impl Strategy<Value = Vec<(KindId, IdentifierHash)>> {
    let one = (0..4u8, 0..size.identifiers).prop_map(|(kind, number)| identifier(kind, number));
    proptest::collection::btree_set(one, 0..4).prop_map(|set| set.into_iter().collect())
}

fn facts(size: Size) -> impl Strategy<Value = Facts> {
    let at = prop_oneof![1 => Just(i64::MIN), 9 => (-2..5i64).prop_map(|n| n * 5 * DAY_US)];
    // Now and then a steward set the value, or took it away.
    let set =
        prop_oneof![9 => (1..4u64).prop_map(|value| (value, false)), 1 => (0..4u64).prop_map(|value| (value, true))];
    let value = (0..6u16).prop_map(AttributeId).prop_flat_map(move |attribute| (Just(attribute), set.clone()));
    let values = proptest::collection::vec(value, 0..6).prop_map(|v| v.into_iter().collect::<BTreeMap<_, _>>());
    let given = (1..3u64, prop_oneof![Just(None), (0..2u64).prop_map(Some)]).prop_map(|(i, s)| NameMark::new(i, s));
    let given = prop_oneof![1 => Just(NameMark::NONE), 4 => given];
    let age = prop_oneof![Just(None), (0..4usize).prop_map(|band| Some(AgeBand::ALL[band]))];
    let about = (age, 0..3usize, proptest::bool::weighted(0.1))
        .prop_map(|(age, regime, gpc)| About::new(age, Regime::ALL[regime], gpc));
    let kept = (-2..5i64).prop_map(|n| n * 5 * DAY_US);
    let rest = (0..5u16, at, kept, about, given);
    (rest, identifiers(size), values).prop_map(|((source, at, since, about, given), identifiers, values)| Facts {
        source: SourceId(source),
        at,
        since,
        about,
        given,
        identifiers,
        rectified: values.iter().filter(|(_, (_, rectified))| *rectified).map(|(attribute, _)| *attribute).collect(),
        values: values.into_iter().map(|(attribute, (value, _))| (attribute, ValueHash(value))).collect(),
    })
}

fn consent(size: Size) -> impl Strategy<Value = ConsentFacts> {
    use ConsentState::{Expired, Given, Objected, Refused, Renewed, Unknown, Withdrawn};
    let state = prop_oneof![
        5 => Just(Given),
        1 => Just(Renewed),
        3 => Just(Withdrawn),
        1 => Just(Objected),
        1 => proptest::sample::select(vec![Refused, Expired, Unknown]),
    ];
    let day = || (-3..4i64).prop_map(|n| n * 5 * DAY_US);
    let until = prop_oneof![2 => Just(i64::MAX), 3 => (-1..5i64).prop_map(|n| n * 5 * DAY_US)];
    let flags = (proptest::bool::weighted(0.2), proptest::bool::weighted(0.2));
    let purposes = proptest::collection::btree_set(0..4u8, 1..3);
    (identifiers(size), purposes, state, (day(), day(), until), 0..8u64, flags).prop_map(
        |(identifiers, purposes, state, (at, received, until), order, (explicit, parental))| ConsentFacts {
            identifiers,
            purposes: purposes.into_iter().map(PurposeId).collect(),
            state,
            explicit,
            parental,
            at,
            received,
            order,
            until,
        },
    )
}

/// What is noted of records, and time.
fn noted(size: Size) -> impl Strategy<Value = Op> {
    let record = || 0..size.records;
    let came = || prop_oneof![2 => Just(true), 1 => Just(false)];
    let purpose = prop_oneof![Just(None), (0..4u8).prop_map(Some)];
    let on = (0..4u8, 0..size.identifiers).prop_map(|(kind, number)| identifier(kind, number));
    prop_oneof![
        1 => (record(), came()).prop_map(|(number, came)| Op::Restrict(number, came)),
        1 => (record(), purpose, came()).prop_map(|(number, purpose, came)| Op::Object(number, purpose, came)),
        2 => (record(), on, 0..size.records / 2, came()).prop_map(|(r, on, consent, came)| Op::Bind(r, on, consent, came)),
        3 => (0..12i64).prop_map(Op::Tick),
    ]
}

fn op(size: Size) -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0..size.records, facts(size)).prop_map(|(number, facts)| Op::Put(number, facts)),
        4 => (0..size.records).prop_map(Op::Delete),
        3 => (0..size.records / 2, consent(size)).prop_map(|(number, facts)| Op::Consent(number, facts)),
        1 => (0..size.records / 2).prop_map(Op::Forget),
        1 => noted(size),
    ]
}

/// As [`op`], with identifiers that are weak by themselves and what stewards say.
fn strict_op(size: Size) -> impl Strategy<Value = Op> {
    let weak = |op: Op| match op {
        Op::Put(number, mut facts) => {
            let mark =
                |(kind, hash): &mut (KindId, IdentifierHash)| *hash = hash.marked(kind.0 == 3 && hash.0 >> 64 == 1);
            facts.identifiers.iter_mut().for_each(mark);
            Op::Put(number, facts)
        }
        other => other,
    };
    let pair = (0..size.records, 0..size.records, prop_oneof![2 => Just(true), 1 => Just(false)]);
    let allowed = (0..3u8, 0..size.identifiers, any::<bool>());
    prop_oneof![
        12 => op(size).prop_map(weak),
        1 => pair.clone().prop_map(|(one, other, came)| Op::Same(one, other, came)),
        1 => pair.prop_map(|(one, other, came)| Op::Different(one, other, came)),
        1 => allowed.prop_map(|(kind, number, came)| Op::Allow(identifier(kind, number), came)),
    ]
}

fn strict_history(size: Size) -> impl Strategy<Value = Vec<Vec<Op>>> {
    proptest::collection::vec(proptest::collection::vec(strict_op(size), 0..=size.ops), 1..=size.epochs)
}

/// Epochs of a few changes each, some of none.
pub fn history(size: Size) -> impl Strategy<Value = Vec<Vec<Op>>> {
    proptest::collection::vec(proptest::collection::vec(op(size), 0..=size.ops), 1..=size.epochs)
}

const SMALL: Size = Size { records: 8, identifiers: 3, epochs: 24, ops: 4 };
const MIDDLE: Size = Size { records: 40, identifiers: 12, epochs: 16, ops: 16 };
const LONE: Size = Size { records: 24, identifiers: 6, epochs: 120, ops: 1 };

/// Compares the engine with the twin after every epoch, and with a fresh engine at the end.
fn check(history: &[Vec<Op>]) {
    check_in(world(), history);
}

fn check_in(world: World, history: &[Vec<Op>]) {
    let mut run = Run::new(world);
    for ops in history {
        run.epoch(ops);
        assert_eq!(run.state, run.world.state(), "after {ops:?}");
    }
    let (fresh, delta) = run.restart();
    assert_eq!(fresh.state, run.state, "a restart with the live facts gives the same state");
    assert_eq!(delta, run.state.as_delta(), "and says it as a whole in its first epoch");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn small_worlds_equal_the_twin(history in history(SMALL)) {
        check(&history);
    }

    #[test]
    fn small_strict_worlds_equal_the_twin(history in strict_history(SMALL)) {
        check_in(strict(), &history);
    }

    #[test]
    fn equal_epochs_give_equal_deltas(history in history(SMALL)) {
        let (mut one, mut two) = (Run::new(world()), Run::new(world()));
        for ops in &history {
            prop_assert_eq!(one.epoch(ops), two.epoch(ops));
            prop_assert_eq!(one.epoch(&[]), Delta::default());
            two.epoch(&[]);
        }
    }

    #[test]
    fn cuts_into_epochs_do_not_matter(history in history(SMALL), cuts in proptest::collection::vec(1..9usize, 1..9)) {
        let (mut one, mut two) = (Run::new(world()), Run::new(world()));
        let mut ops: &[Op] = &history.concat();
        history.iter().for_each(|ops| drop(one.epoch(ops)));
        for cut in cuts.iter().cycle() {
            let (head, tail) = ops.split_at(ops.len().min(*cut));
            two.epoch(head);
            ops = tail;
            if ops.is_empty() { break; }
        }
        prop_assert_eq!(one.state, two.state);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn middling_worlds_equal_the_twin(history in history(MIDDLE)) {
        check(&history);
    }

    #[test]
    fn middling_strict_worlds_equal_the_twin(history in strict_history(MIDDLE)) {
        check_in(reaching(Reach::Profile), &history);
    }

    #[test]
    fn long_rows_of_single_changes_in_strict_worlds_equal_the_twin(history in strict_history(LONE)) {
        check_in(reaching(Reach::Identifier), &history);
    }

    #[test]
    fn long_rows_of_single_changes_equal_the_twin(history in history(LONE)) {
        check(&history);
    }

    /// Identifiers with many carriers, so that both forms of keeping them and the way between are used.
    #[test]
    fn hubs_equal_the_twin(limit in 100..160u32, steps in proptest::collection::vec((0..180u64, any::<bool>()), 1..400)) {
        let mut world = world();
        world.rules.guards[0].records_max = limit;
        let mut run = Run::new(world);
        let facts = |hub: bool| Facts {
            source: SourceId(0),
            at: 0,
            since: 0,
            about: About::default(),
            given: NameMark::NONE,
            identifiers: if hub { vec![identifier(0, 0)] } else { Vec::new() },
            values: Vec::new(),
            rectified: Vec::new(),
        };
        let all: Vec<Op> = (0..150).map(|number| Op::Put(number, facts(true))).collect();
        run.epoch(&all);
        for ops in steps.chunks(20) {
            let ops: Vec<Op> = ops.iter().map(|(number, hub)| Op::Put(*number, facts(*hub))).collect();
            run.epoch(&ops);
            assert_eq!(run.state, run.world.state());
        }
    }
}

/// The histories do reach what they are for: otherwise the comparisons above would say little.
#[test]
fn histories_reach_the_cases_that_matter() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..200 {
        let history = history(SMALL).new_tree(&mut runner).unwrap().current();
        let mut run = Run::new(world());
        for ops in &history {
            let (before, links) = (run.state.members.clone(), run.state.links.len());
            let delta = run.epoch(ops);
            let mut count = |what: &'static str, yes: bool| *seen.entry(what).or_default() += usize::from(yes);
            let came = |came: bool| delta.links.iter().any(|(_, c)| *c == came);
            count("empty epoch", ops.is_empty());
            count("merge", came(true));
            count("un-merge", came(false));
            count("a link gives way to another", came(true) && came(false) && run.state.links.len() == links);
            let ended: BTreeSet<_> = before.iter().map(|m| m.root).collect();
            count(
                "root changes",
                delta.members.iter().any(|(m, came)| *came && before.iter().any(|b| b.record == m.record)),
            );
            count("profile ends", ended.iter().any(|root| run.state.members.iter().all(|m| m.root != *root)));
            count("permission given", delta.permissions.iter().any(|(_, p, came)| *came && p.is_allowed()));
            count("permission denied", delta.permissions.iter().any(|(_, p, came)| *came && !p.is_allowed()));
            count(
                "permission withdrawn",
                delta.permissions.iter().any(|(_, p, came)| *came && p.context.circumstances().withdrawn),
            );
            let for_purpose = |w: &&Winner| w.uses & Winner::PLAIN == 0;
            count(
                "a purpose has its own winner",
                delta.profiles.iter().any(|p| p.after.iter().any(|w| for_purpose(&w))),
            );
            count("not combined", delta.refused.iter().any(|(_, o, _)| *o == Obstacle::Combining));
            let tick = run.epoch(&[Op::Tick(1)]);
            count("time alone", tick != Delta::default());
            count("winners change", delta.profiles.iter().any(|p| !p.before.is_empty() && !p.after.is_empty()));
            let sizes = run.state.members.iter().fold(BTreeMap::<_, usize>::new(), |mut sizes, m| {
                *sizes.entry(m.root).or_default() += 1;
                sizes
            });
            count("profile of four", sizes.values().any(|size| *size >= 4));
        }
    }
    for (what, count) in &seen {
        assert!(*count >= 5, "{what}: only {count} times");
    }
    assert_eq!(seen.len(), 14);
}
