//! Goal: the custom operators agree with differential-dataflow's own.
//! Method: the same histories through a graph of `count`, `reduce` and `iterate` alone, compared after every epoch.

use super::twin::{State, World};
use super::{MIDDLE, Op, Run, SMALL, history, world};
use differential_dataflow::VecCollection;
use differential_dataflow::input::InputSession;
use differential_dataflow::operators::Iterate;
use onefold::model::{Birth, Criterion, Facts, KindId, SourceId, SurvivorshipRule, ValueHash};
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use timely::WorkerConfig;
use timely::communication::Allocator;
use timely::communication::allocator::Thread;
use timely::dataflow::{ProbeHandle, Scope};
use timely::worker::Worker;

type Carries = (u128, (u64, u64));
/// (attribute, (whether a steward set it, event time, reversed rank, birth, value)).
type Valued = (u64, (u16, (bool, i64, u64, u64, u64)));
type Winner = (u64, u16, u64, u64);
type Counts<D> = Rc<RefCell<BTreeMap<D, isize>>>;

/// A graph of differential's own operators, with limits by kind and the latest value as the winner.
struct Oracle {
    worker: Worker,
    carries: InputSession<u64, Carries, isize>,
    records: InputSession<u64, u64, isize>,
    values: InputSession<u64, Valued, isize>,
    members: Counts<(u64, u64)>,
    winners: Counts<Winner>,
    probe: ProbeHandle<u64>,
    epoch: u64,
}

impl Oracle {
    fn new(limits: Vec<u32>) -> Self {
        let mut oracle = Self {
            worker: Worker::new(WorkerConfig::default(), Allocator::Thread(Thread::default()), None),
            carries: InputSession::new(),
            records: InputSession::new(),
            values: InputSession::new(),
            members: Counts::default(),
            winners: Counts::default(),
            probe: ProbeHandle::default(),
            epoch: 0,
        };
        let Self { worker, carries, records, values, members, winners, probe, .. } = &mut oracle;
        worker.dataflow(|scope: Scope<'_, u64>| {
            let ordinary = ordinary(carries.to_collection(scope), limits);
            let roots = components(ordinary, records.to_collection(scope));
            gather(roots.clone(), members, probe);
            let best = values
                .to_collection(scope)
                .join_map(roots, |_, (attribute, value), root| ((*root, *attribute), *value))
                .reduce(|_, input, output| output.extend(input.last().map(|(value, _)| (**value, 1))))
                .map(|((root, attribute), (_, _, _, birth, value))| (root, attribute, birth, value))
                .filter(|(.., value)| *value != ValueHash::NONE.0);
            gather(best, winners, probe);
        });
        oracle
    }

    /// Tells of the difference between two worlds, and runs until it is through.
    fn epoch(&mut self, old: &World, new: &World) {
        for (world, diff) in [(old, -1), (new, 1)] {
            for (named, facts) in &world.records {
                let birth = named.birth.0;
                self.records.update(birth, diff);
                for (kind, identifier) in &facts.identifiers {
                    assert_eq!(KindId((identifier.0 >> 8) as u8), *kind, "the kind is part of the identifier");
                    self.carries.update((identifier.0, (named.rank, birth)), diff);
                }
                let known = usize::from(facts.source.0) < world.sources.len();
                for (attribute, value) in facts.values.iter().filter(|_| known) {
                    let set = facts.rectified.contains(attribute);
                    self.values.update((birth, (attribute.0, (set, facts.at, !named.rank, birth, value.0))), diff);
                }
            }
        }
        self.epoch += 1;
        self.carries.advance_to(self.epoch);
        self.records.advance_to(self.epoch);
        self.values.advance_to(self.epoch);
        self.carries.flush();
        self.records.flush();
        self.values.flush();
        while self.probe.less_than(&self.epoch) {
            self.worker.step();
        }
    }

    fn check(&self, state: &State) {
        let rows = |counts: &Counts<_>| counts.borrow().keys().copied().collect::<Vec<_>>();
        let mut members: Vec<_> = state.members.iter().map(|m| (m.record.0, m.root.0)).collect();
        members.sort_unstable();
        assert_eq!(rows(&self.members), members);
        let winner = |root: &Birth, w: &onefold::model::Winner| (root.0, w.attribute.0, w.record.0, w.value.0);
        let plain = |w: &&onefold::model::Winner| w.is_for(None);
        let winners =
            state.winners.iter().flat_map(|(root, row)| row.iter().filter(plain).map(move |w| winner(root, w)));
        assert_eq!(self.winners.borrow().keys().copied().collect::<Vec<_>>(), winners.collect::<Vec<_>>());
    }
}

/// Those who carry an identifier that no more than its limit carry.
fn ordinary<'scope>(
    carries: VecCollection<'scope, u64, Carries, isize>,
    limits: Vec<u32>,
) -> VecCollection<'scope, u64, Carries, isize> {
    carries.reduce(move |identifier, input, output| {
        if input.len() <= limits[usize::from((*identifier >> 8) as u8)] as usize {
            output.extend(input.iter().map(|(carrier, _)| (**carrier, 1)));
        }
    })
}

/// Label propagation: each record takes the least label around it, until nothing changes.
fn components<'scope>(
    ordinary: VecCollection<'scope, u64, Carries, isize>,
    records: VecCollection<'scope, u64, u64, isize>,
) -> VecCollection<'scope, u64, (u64, u64), isize> {
    let star = |_: &u128, input: &[(&(u64, u64), isize)], output: &mut Vec<((u64, u64), isize)>| {
        output.extend(input[1..].iter().map(|(other, _)| ((input[0].0.1, other.1), 1)));
    };
    let links = ordinary.reduce(star).map(|(_, link)| link).distinct();
    let edges = links.clone().concat(links.map(|(a, b)| (b, a)));
    let labels = records.map(|birth| (birth, birth));
    labels.clone().iterate(|scope, inner| {
        let (edges, labels) = (edges.enter(scope), labels.enter(scope));
        let heard = inner.join_map(edges, |_, label, other| (*other, *label));
        heard.concat(labels).reduce(|_, input, output| output.push((*input[0].0, 1)))
    })
}

/// Accumulates what comes out.
fn gather<'scope, D: differential_dataflow::ExchangeData>(
    rows: VecCollection<'scope, u64, D, isize>,
    into: &Counts<D>,
    probe: &ProbeHandle<u64>,
) {
    let into = Rc::clone(into);
    let add = move |(row, _, diff): &(D, u64, isize)| {
        let mut counts = into.borrow_mut();
        let count = counts.entry(row.clone()).or_default();
        *count += diff;
        if *count == 0 {
            counts.remove(row);
        }
    };
    rows.inspect(add).probe_with(probe);
}

fn check(history: &[Vec<Op>]) {
    let mut world = world();
    let latest = SurvivorshipRule { criteria: vec![Criterion::Recency] };
    world.rules.survivorship.fill(latest);
    // What may be combined is no matter of theirs.
    world.rules.decisions = None;
    let mut oracle = Oracle::new(world.rules.guards.iter().map(|guard| guard.records_max).collect());
    let mut run = Run::new(world);
    for ops in history {
        let old = run.world.clone();
        run.epoch(ops);
        oracle.epoch(&old, &run.world);
        oracle.check(&run.state);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn small_worlds_equal_differentials_own_operators(history in history(SMALL)) {
        check(&history);
    }

    #[test]
    fn middling_worlds_equal_differentials_own_operators(history in history(MIDDLE)) {
        check(&history);
    }
}

/// A chain whose ids ascend is the worst case of label propagation: short here, so that it is only slow.
#[test]
fn a_chain_equals_label_propagation() {
    let facts = |number: u64| Facts {
        source: SourceId(0),
        at: 0,
        since: 0,
        about: onefold::model::About::default(),
        given: onefold::model::NameMark::NONE,
        identifiers: vec![super::identifier(0, number), super::identifier(0, number + 1)],
        values: Vec::new(),
        rectified: Vec::new(),
    };
    let chain: Vec<Op> = (0..60).map(|number| Op::Put(number, facts(number))).collect();
    check(&[chain, vec![Op::Delete(30)], vec![Op::Put(30, facts(30))], vec![Op::Delete(0)]]);
}
