//! A stateful operator inside the differential graph: hands a stage the changes of one closed time after another, in
//! the order of times, and sends on what the stage makes of them. It has inputs of two kinds and two outputs.
//!
//! Any number of streams lead into each kind of input, each row as what the stage makes of it: a stream that had to be
//! mapped and joined with others before would cost an operator each time, and so time at each change. It never shows a
//! stage a time that may still grow, and moves rows without cloning them.
//! INVARIANT: what a stage emits at a time is a net difference, so that its accumulated output is a function of its
//! accumulated input alone, however the input was cut into times.

use differential_dataflow::{AsCollection, Data, ExchangeData, VecCollection};
use std::collections::BTreeMap;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::Scope;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::InputCapability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::progress::frontier::MutableAntichain;
use timely::progress::operate::FrontierInterest;

/// A row, when, and the change of its multiplicity.
pub type Update<D> = (D, u64, isize);

/// A computation over one closed time at a time.
pub trait Stage: 'static {
    /// Rows of the first input.
    type Left: ExchangeData;
    /// Rows of the second input.
    type Right: ExchangeData;
    /// Rows of the first output.
    type Main: Data;
    /// Rows of the second output.
    type Side: Data;

    /// Takes all updates of one time, in no particular order, and gives out the net change.
    fn apply(
        &mut self,
        left: Updates<Self::Left>,
        right: Updates<Self::Right>,
        main: &mut Output<Self::Main>,
        side: &mut Output<Self::Side>,
    );
}

/// All updates of one time, in the pieces in which they came.
#[derive(Debug)]
pub struct Updates<D>(Vec<Vec<Update<D>>>);

impl<D> Default for Updates<D> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<D> Updates<D> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All rows, `true` for those that come.
    pub fn iter(&self) -> impl Iterator<Item = (&D, bool)> {
        self.0.iter().flatten().map(|(row, _, diff)| (row, *diff > 0))
    }

    /// The rows that go.
    pub fn removals(&self) -> impl Iterator<Item = &D> {
        self.0.iter().flatten().filter(|(_, _, diff)| *diff < 0).map(|(row, ..)| row)
    }

    /// The rows that come; each piece is given back once it was read.
    pub fn into_additions(self) -> impl Iterator<Item = D> {
        self.0.into_iter().flatten().filter(|(_, _, diff)| *diff > 0).map(|(row, ..)| row)
    }

    /// All rows in the order of a key and then their own, one that goes before the same that comes; `true` for those
    /// that come.
    pub fn sorted_by(&self, key: impl Fn(&D) -> u64) -> impl Iterator<Item = (&D, bool)>
    where
        D: Ord,
    {
        // What is sorted is small; the rows stay where they are.
        let mut places: Vec<(u64, u32, u32)> = Vec::with_capacity(self.len());
        for (piece, rows) in (0..).zip(&self.0) {
            places.extend((0..).zip(rows).map(|(place, (row, ..))| (key(row), piece, place)));
        }
        let row = |piece: u32, place: u32| {
            let (row, _, diff) = &self.0[piece as usize][place as usize];
            (row, *diff > 0)
        };
        places.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| row(a.1, a.2).cmp(&row(b.1, b.2))));
        places.into_iter().map(move |(_, piece, place)| row(piece, place))
    }
}

impl<D> FromIterator<(D, bool)> for Updates<D> {
    fn from_iter<I: IntoIterator<Item = (D, bool)>>(rows: I) -> Self {
        Self(vec![rows.into_iter().map(|(row, came)| (row, 0, if came { 1 } else { -1 })).collect()])
    }
}

/// What a stage gives out at one time, in pieces so that it never has to be copied to grow.
#[derive(Debug)]
pub struct Output<D> {
    time: u64,
    pieces: Vec<Vec<Update<D>>>,
}

/// Rows in one piece of output.
const PIECE: usize = 512;

impl<D> Default for Output<D> {
    fn default() -> Self {
        Self { time: 0, pieces: Vec::new() }
    }
}

impl<D> Output<D> {
    /// Takes all rows out, `true` for those that come.
    pub fn drain(&mut self) -> impl Iterator<Item = (D, bool)> {
        self.pieces.drain(..).flatten().map(|(row, _, diff)| (row, diff > 0))
    }

    /// A row comes.
    pub fn add(&mut self, row: D) {
        self.push(row, 1);
    }

    /// A row goes.
    pub fn remove(&mut self, row: D) {
        self.push(row, -1);
    }

    fn push(&mut self, row: D, diff: isize) {
        let update = (row, self.time, diff);
        match self.pieces.last_mut() {
            Some(piece) if piece.len() < PIECE => piece.push(update),
            // The first piece grows from nothing, as most epochs are small.
            Some(_) => {
                let mut piece = Vec::with_capacity(PIECE);
                piece.push(update);
                self.pieces.push(piece);
            }
            None => self.pieces.push(vec![update]),
        }
    }
}

/// What waits for one time to close.
struct Waiting<L, R> {
    main: Capability<u64>,
    side: Capability<u64>,
    left: Updates<L>,
    right: Updates<R>,
}

impl<L, R> Waiting<L, R> {
    fn new(time: u64, capability: &InputCapability<u64>) -> Self {
        let (main, side) = (capability.delayed(&time, 0), capability.delayed(&time, 1));
        Self { main, side, left: Updates::default(), right: Updates::default() }
    }
}

type Collections<'scope, S> =
    (VecCollection<'scope, u64, <S as Stage>::Main, isize>, VecCollection<'scope, u64, <S as Stage>::Side, isize>);

/// What waits, by its time.
type Queue<L, R> = BTreeMap<u64, Waiting<L, R>>;

/// Moves what has come in on one stream to where it waits for its time to close.
type Intake<L, R> = Box<dyn FnMut(&mut Queue<L, R>)>;

/// A stage on its way into the graph.
pub struct Node<'scope, S: Stage> {
    builder: OperatorBuilder<'scope, u64>,
    state: S,
    intakes: Vec<Intake<S::Left, S::Right>>,
}

impl<'scope, S: Stage> Node<'scope, S> {
    /// A stage that nothing leads into.
    pub fn new(scope: Scope<'scope, u64>, name: &str, state: S) -> Self {
        Self { builder: OperatorBuilder::new(name.to_owned(), scope), state, intakes: Vec::new() }
    }

    /// Leads a stream into the first input, and all of it to one worker; `read` says as what each row comes in, if as
    /// anything.
    pub fn left<D: ExchangeData>(
        self,
        rows: VecCollection<'scope, u64, D, isize>,
        read: impl Fn(D) -> Option<S::Left> + 'static,
    ) -> Self {
        self.lead(rows, |_| 0, read, |waiting| &mut waiting.left)
    }

    /// The same for the second input.
    pub fn right<D: ExchangeData>(
        self,
        rows: VecCollection<'scope, u64, D, isize>,
        read: impl Fn(D) -> Option<S::Right> + 'static,
    ) -> Self {
        self.lead(rows, |_| 0, read, |waiting| &mut waiting.right)
    }

    /// Leads a stream into each input; rows of equal keys meet on one worker.
    pub fn by_key(
        self,
        left: VecCollection<'scope, u64, S::Left, isize>,
        left_key: impl Fn(&S::Left) -> u64 + 'static,
        right: VecCollection<'scope, u64, S::Right, isize>,
        right_key: impl Fn(&S::Right) -> u64 + 'static,
    ) -> Self {
        let node = self.lead(left, left_key, Some, |waiting| &mut waiting.left);
        node.lead(right, right_key, Some, |waiting| &mut waiting.right)
    }

    fn lead<D: ExchangeData, T: 'static>(
        mut self,
        rows: VecCollection<'scope, u64, D, isize>,
        key: impl Fn(&D) -> u64 + 'static,
        read: impl Fn(D) -> Option<T> + 'static,
        side: impl Fn(&mut Waiting<S::Left, S::Right>) -> &mut Updates<T> + 'static,
    ) -> Self {
        let mut input = self.builder.new_input(rows.inner, Exchange::new(move |(row, _, _): &Update<D>| key(row)));
        // A stage for which nothing waits need not hear of time.
        self.builder.set_notify_for(self.intakes.len(), FrontierInterest::IfCapability);
        self.intakes.push(Box::new(move |queue| {
            input.for_each(|capability, rows: &mut Vec<Update<D>>| {
                take(&capability, std::mem::take(rows), queue, &read, &side);
            });
        }));
        self
    }

    /// Puts the stage into the graph.
    pub fn run(self) -> Collections<'scope, S> {
        let Self { mut builder, mut state, mut intakes } = self;
        let (main, main_stream) = builder.new_output();
        let (side, side_stream) = builder.new_output();
        let mut main = OutputBuilder::<_, CapacityContainerBuilder<Vec<Update<S::Main>>>>::from(main);
        let mut side = OutputBuilder::<_, CapacityContainerBuilder<Vec<Update<S::Side>>>>::from(side);
        builder.build(move |_| {
            let mut queue = Queue::new();
            let (mut main_rows, mut side_rows) = (Output::default(), Output::default());
            move |frontiers: &[MutableAntichain<u64>]| {
                intakes.iter_mut().for_each(|intake| intake(&mut queue));
                while let Some(first) = queue.first_entry() {
                    let time = *first.key();
                    if frontiers.iter().any(|frontier| frontier.less_equal(&time)) {
                        break;
                    }
                    let closed = first.remove();
                    (main_rows.time, side_rows.time) = (time, time);
                    state.apply(closed.left, closed.right, &mut main_rows, &mut side_rows);
                    for mut piece in main_rows.pieces.drain(..) {
                        main.activate().session(&closed.main).give_container(&mut piece);
                    }
                    for mut piece in side_rows.pieces.drain(..) {
                        side.activate().session(&closed.side).give_container(&mut piece);
                    }
                }
            }
        });
        (main_stream.as_collection(), side_stream.as_collection())
    }
}

/// Moves what has come in to where it waits for its time to close.
fn take<L, R, D, T>(
    capability: &InputCapability<u64>,
    mut rows: Vec<Update<D>>,
    queue: &mut Queue<L, R>,
    read: impl Fn(D) -> Option<T>,
    side: impl Fn(&mut Waiting<L, R>) -> &mut Updates<T>,
) {
    while let Some((_, time, _)) = rows.first() {
        let time = *time;
        // A piece is nearly always of one time, and moves as a whole.
        let end = rows.iter().position(|(_, other, _)| *other != time).unwrap_or(rows.len());
        let rest = rows.split_off(end);
        let waiting = queue.entry(time).or_insert_with(|| Waiting::new(time, capability));
        let rows_read = rows.into_iter().filter_map(|(row, time, diff)| Some((read(row)?, time, diff)));
        side(waiting).0.push(rows_read.collect());
        rows = rest;
    }
}
