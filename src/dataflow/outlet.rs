//! Where the graph ends: one operator takes all that comes out of it to where the engine drains it, without cloning,
//! and says how far the graph is complete.
//!
//! INVARIANT: once the cell given to [`Outlet::build`] holds an epoch, every row of the epochs before it has been handed over.

use super::stage::Update;
use differential_dataflow::{Data, VecCollection};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use timely::dataflow::Scope;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::progress::frontier::MutableAntichain;

/// What came out since it was last drained, in the pieces in which it came.
pub type Collected<D> = Rc<RefCell<Vec<Vec<Update<D>>>>>;

/// The operator while it is built.
pub struct Outlet<'scope> {
    builder: OperatorBuilder<'scope, u64>,
    inputs: Vec<Box<dyn FnMut()>>,
}

impl<'scope> Outlet<'scope> {
    /// An outlet that nothing flows to.
    pub fn new(scope: Scope<'scope, u64>) -> Self {
        Self { builder: OperatorBuilder::new("outlet".to_owned(), scope), inputs: Vec::new() }
    }

    /// Leads a collection there.
    pub fn collect<D: Data>(&mut self, collection: VecCollection<'scope, u64, D, isize>, into: &Collected<D>) {
        let mut input = self.builder.new_input(collection.inner, Pipeline);
        let into = Rc::clone(into);
        self.inputs.push(Box::new(move || {
            input.for_each(|_, rows: &mut Vec<Update<D>>| {
                into.borrow_mut().push(std::mem::take(rows));
            });
        }));
    }

    /// Completes the operator; `complete` is the epoch before which everything has been handed over.
    pub fn build(self, complete: &Rc<Cell<u64>>) {
        let Self { builder, mut inputs } = self;
        let complete = Rc::clone(complete);
        builder.build(move |_| {
            move |frontiers: &[MutableAntichain<u64>]| {
                inputs.iter_mut().for_each(|take| take());
                let reached =
                    |frontier: &MutableAntichain<u64>| frontier.frontier().first().copied().unwrap_or(u64::MAX);
                complete.set(frontiers.iter().map(reached).min().unwrap_or(u64::MAX));
            }
        });
    }
}
