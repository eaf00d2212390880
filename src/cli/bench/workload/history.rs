//! What happens, in order: records arrive, consents are given, then rows change. Contents are not invented here.
//!
//! Kept in memory are four bytes for each record that ever lived and one entry for each record that changed after it
//! arrived; everything else is a function of the seed and a position.
//!
//! INVARIANT: two replays report the same events, so a second one may ask the [`Outcome`] of the first.

use super::person::Population;
use super::random::{Random, Topic};
use std::collections::HashMap;
use std::io;

/// One of the systems that hold people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    Crm,
    Shop,
    Support,
    Web,
    App,
    Newsletter,
    Social,
}

const SYSTEMS: [System; 7] =
    [System::Crm, System::Shop, System::Support, System::Web, System::App, System::Newsletter, System::Social];
/// The share of records that each system has, in the order of [`SYSTEMS`].
const SHARES: [f64; 7] = [0.22, 0.26, 0.08, 0.22, 0.08, 0.09, 0.05];
/// The share of people with 0, 1, 2 and 4 consents.
const CONSENT_SHARES: [f64; 4] = [0.2, 0.4, 0.3, 0.1];
/// After as many draws without a live row of a table, a new record arrives instead of a change.
const DRAWS_MAX: u32 = 10_000;

/// Time and log position of an event.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moment {
    /// Seconds since the start of 2025.
    pub(super) seconds: u64,
    /// Position in the database's log.
    pub(super) lsn: u64,
}

/// A record by what names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) system: System,
    /// Number in its system, from 1; of no meaning in `social`, where the person's handle is the key.
    pub(super) serial: u32,
    pub(super) person: u64,
}

/// A consent that is given or withdrawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Consent {
    /// From 1, over all consents.
    pub(super) number: u64,
    pub(super) person: u64,
    /// Whether it is given; drawn when it is not said.
    pub(super) given: Option<bool>,
    pub(super) moment: Moment,
}

/// What happens. A slot is the position in the run at which contents were invented: contents are a function of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// A record is seen for the first time.
    Arrival { index: usize, record: Record, slot: u64, moment: Moment },
    /// A row of a table gets new contents.
    Update { record: Record, before: u64, slot: u64, moment: Moment },
    /// A row of a table is deleted.
    Delete { record: Record, before: u64, moment: Moment },
    /// A consent is given or withdrawn.
    Consent(Consent),
}

/// Which part of the history an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// In the files of the systems.
    Load,
    /// In the stream of changes.
    Changes,
}

/// The last state of a record that changed after it arrived.
#[derive(Clone, Copy, Debug)]
pub(super) enum Latest {
    Contents { slot: u64, moment: Moment },
    Deleted,
}

/// What there is at the end.
pub(super) struct Outcome {
    /// System and serial of each record that ever lived, in the order of arrival; the system in the upper 3 bits.
    records: Vec<u32>,
    /// Person and slot of those that arrived after the load.
    added: Vec<(u64, u64)>,
    latest: HashMap<usize, Latest>,
}

/// A run from the start: what the next event depends on.
struct Run<'a> {
    history: &'a History,
    moment: Moment,
    serials: [u32; 7],
    consents: u64,
    people: u64,
    handles: Vec<u64>,
    outcome: Outcome,
}

/// All that happens.
pub(super) struct History {
    pub(super) population: Population,
    pub(super) records: u64,
    pub(super) changes: u64,
}

impl History {
    /// Reports every event in order.
    ///
    /// # Errors
    /// That of `report`, at once.
    pub(super) fn replay(&self, mut report: impl FnMut(Part, Event) -> io::Result<()>) -> io::Result<Outcome> {
        let people = self.population.people;
        let mut run = Run {
            history: self,
            moment: Moment { seconds: 0, lsn: 1000 },
            serials: [0; 7],
            consents: 0,
            people,
            handles: vec![0; (people / 64 + 1) as usize],
            outcome: Outcome {
                records: Vec::with_capacity((self.records + self.changes / 2) as usize),
                added: Vec::new(),
                latest: HashMap::new(),
            },
        };
        for slot in 0..self.records {
            let event = run.loaded(slot);
            report(Part::Load, event)?;
        }
        for person in 0..people {
            let mut r = Random::of(self.population.seed, Topic::ConsentCount, person);
            for _ in 0..[0, 1, 2, 4][r.weighted(&CONSENT_SHARES)] {
                let event = run.consent(person, None, &mut r);
                report(Part::Load, event)?;
            }
        }
        for change in 0..self.changes {
            let event = run.changed(self.records + change);
            report(Part::Changes, event)?;
        }
        Ok(run.outcome)
    }

    /// Who arrives at this slot of the load, and where; `social` may have to make way for `shop`.
    fn arrival(&self, slot: u64) -> (u64, System, Random) {
        let mut r = Random::of(self.population.seed, Topic::Arrival, slot);
        let people = self.population.people;
        let person = ((r.skewed() * people as f64) as u64).min(people - 1);
        let system = SYSTEMS[r.weighted(&SHARES)];
        (person, system, r)
    }

    /// A record by its index in the order of arrival, and the slot that its contents are of.
    ///
    /// # Panics
    /// When there is no such record.
    pub(super) fn record(&self, outcome: &Outcome, index: usize) -> (Record, u64) {
        let (system, serial) = unpack(outcome.records[index]);
        let (person, slot) = match index.checked_sub(self.records as usize) {
            None => (self.arrival(index as u64).0, index as u64),
            Some(added) => outcome.added[added],
        };
        (Record { system, serial, person }, slot)
    }
}

impl Outcome {
    /// How many records ever lived.
    pub(super) fn arrived(&self) -> usize {
        self.records.len()
    }

    /// What became of a record; `None` when it is as it arrived.
    pub(super) fn latest(&self, index: usize) -> Option<Latest> {
        self.latest.get(&index).copied()
    }
}

impl Run<'_> {
    fn loaded(&mut self, slot: u64) -> Event {
        let (person, mut system, mut r) = self.history.arrival(slot);
        if system == System::Social {
            let (word, bit) = ((person / 64) as usize, 1u64 << (person % 64));
            if self.handles[word] & bit != 0 {
                system = System::Shop;
            }
            self.handles[word] |= bit;
        }
        self.arrive(system, person, slot, &mut r)
    }

    fn arrive(&mut self, system: System, person: u64, slot: u64, r: &mut Random) -> Event {
        let index = self.outcome.records.len();
        self.serials[system as usize] += 1;
        let serial = self.serials[system as usize];
        self.outcome.records.push(pack(system, serial));
        self.tick(system, r);
        Event::Arrival { index, record: Record { system, serial, person }, slot, moment: self.moment }
    }

    /// Moves time, and the log of a database; what comes out of an export has neither.
    fn tick(&mut self, system: System, r: &mut Random) {
        if matches!(system, System::Newsletter | System::Social) {
            return;
        }
        self.moment.seconds += r.between(1, 40);
        if system.is_table() {
            self.moment.lsn += r.between(1, 90);
        }
    }

    fn consent(&mut self, person: u64, given: Option<bool>, r: &mut Random) -> Event {
        self.moment.seconds += r.between(1, 40);
        self.consents += 1;
        Event::Consent(Consent { number: self.consents, person, given, moment: self.moment })
    }

    /// A change: 45 % new records (a tenth of them of new people), 30 % updates, 5 % deletes, 20 % consents.
    fn changed(&mut self, slot: u64) -> Event {
        let people = self.history.population.people;
        let mut r = Random::of(self.history.population.seed, Topic::Change, slot);
        let x = r.unit();
        let row = if (0.45..0.75).contains(&x) || x >= 0.95 { self.draw_row(&mut r) } else { None };
        if let Some(index) = row {
            return if x >= 0.95 { self.delete(index, &mut r) } else { self.update(index, slot, &mut r) };
        }
        if (0.75..0.95).contains(&x) {
            let person = r.below(people);
            let given = !r.chance(0.4);
            return self.consent(person, Some(given), &mut r);
        }
        let mut person = r.below(people);
        if !r.chance(0.9) {
            person = self.people;
            self.people += 1;
        }
        let system = match SYSTEMS[r.weighted(&SHARES)] {
            System::Newsletter | System::Social => System::Crm,
            system => system,
        };
        self.outcome.added.push((person, slot));
        self.arrive(system, person, slot, &mut r)
    }

    /// The index of a live row of a table.
    fn draw_row(&self, r: &mut Random) -> Option<usize> {
        (0..DRAWS_MAX).map(|_| r.below(self.outcome.records.len() as u64) as usize).find(|index| {
            let live = |index| !matches!(self.outcome.latest(index), Some(Latest::Deleted));
            self.outcome.records.get(*index).is_some_and(|packed| unpack(*packed).0.is_table() && live(*index))
        })
    }

    fn update(&mut self, index: usize, slot: u64, r: &mut Random) -> Event {
        let (record, before) = self.contents(index);
        self.tick(record.system, r);
        self.outcome.latest.insert(index, Latest::Contents { slot, moment: self.moment });
        Event::Update { record, before, slot, moment: self.moment }
    }

    fn delete(&mut self, index: usize, r: &mut Random) -> Event {
        let (record, before) = self.contents(index);
        self.tick(record.system, r);
        self.outcome.latest.insert(index, Latest::Deleted);
        Event::Delete { record, before, moment: self.moment }
    }

    /// A live record and the slot that its contents are of now.
    fn contents(&self, index: usize) -> (Record, u64) {
        let (record, first) = self.history.record(&self.outcome, index);
        match self.outcome.latest(index) {
            Some(Latest::Contents { slot, .. }) => (record, slot),
            _ => (record, first),
        }
    }
}

/// Serials fit in 29 bits: [`super::RECORDS_MAX`] sees to it.
fn pack(system: System, serial: u32) -> u32 {
    (system as u32) << 29 | serial
}

fn unpack(packed: u32) -> (System, u32) {
    (SYSTEMS[(packed >> 29) as usize], packed & ((1 << 29) - 1))
}

impl System {
    /// As the bundle names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Crm => "crm",
            Self::Shop => "shop",
            Self::Support => "support",
            Self::Web => "web",
            Self::App => "app",
            Self::Newsletter => "newsletter",
            Self::Social => "social",
        }
    }

    /// The table that the rows are of; empty where there is none.
    pub(super) fn table(self) -> &'static str {
        match self {
            Self::Crm => "customers",
            Self::Shop => "orders",
            Self::Support => "tickets",
            _ => "",
        }
    }

    /// What the serial is appended to.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Crm => "crm-",
            Self::Shop => "ord-",
            Self::Support => "tkt-",
            Self::Web => "web-",
            Self::App => "app-",
            Self::Newsletter => "sub-",
            Self::Social => "",
        }
    }

    /// Whether its records are rows that are updated and deleted.
    pub(super) fn is_table(self) -> bool {
        matches!(self, Self::Crm | Self::Shop | Self::Support)
    }
}
