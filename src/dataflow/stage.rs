//! A stateful operator inside the differential graph: hands a stage the changes of one closed time after another, in
//! the order of times, and sends on what the stage makes of them.
//!
//! It never shows a stage a time that may still grow.
//! INVARIANT: what a stage emits at a time is a net difference, so that its accumulated output is a function of its
//! accumulated input alone, however the input was cut into times.

use differential_dataflow::{AsCollection, ExchangeData, VecCollection};
use std::collections::BTreeMap;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::operator::Operator;

/// Updates of a collection at one time: (row, change of its multiplicity).
pub type Updates<D> = Vec<(D, isize)>;

/// A computation over one closed time at a time.
pub trait Stage: 'static {
    /// Rows that come in.
    type In: ExchangeData;
    /// Rows that go out.
    type Out: ExchangeData;

    /// Which worker holds the state that a row concerns: equal keys meet on one worker.
    fn route(row: &Self::In) -> u64;

    /// Takes all updates of one time, in no particular order, and appends the net change of the output.
    fn apply(&mut self, updates: &mut Updates<Self::In>, output: &mut Updates<Self::Out>);
}

/// What waits for one time to close.
type Pending<D> = BTreeMap<u64, (Capability<u64>, Updates<D>)>;

/// Puts a stage into the graph.
pub fn run<'scope, S: Stage>(
    input: VecCollection<'scope, u64, S::In, isize>,
    name: &str,
    mut state: S,
) -> VecCollection<'scope, u64, S::Out, isize> {
    let route = Exchange::new(|(row, _, _): &(S::In, u64, isize)| S::route(row));
    input
        .inner
        .unary_frontier::<CapacityContainerBuilder<Vec<(S::Out, u64, isize)>>, _, _, _>(route, name, move |_, _| {
            let mut pending: Pending<S::In> = BTreeMap::new();
            let mut output_updates = Updates::new();
            move |(input, frontier), output| {
                input.for_each(|capability, rows| {
                    for (row, time, diff) in rows.drain(..) {
                        let (_, updates) =
                            pending.entry(time).or_insert_with(|| (capability.delayed(&time, 0), Updates::new()));
                        updates.push((row, diff));
                    }
                });
                while let Some(first) = pending.first_entry() {
                    let time = *first.key();
                    if frontier.less_equal(&time) {
                        break;
                    }
                    let (capability, mut updates) = first.remove();
                    state.apply(&mut updates, &mut output_updates);
                    let mut session = output.session(&capability);
                    for (row, diff) in output_updates.drain(..) {
                        session.give((row, time, diff));
                    }
                }
            }
        })
        .as_collection()
}
