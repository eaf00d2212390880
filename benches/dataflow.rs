//! Speed and memory of the dataflow alone: `cargo bench --bench dataflow -- [RECORDS] [EPOCHS] [BATCHES]`.
//!
//! Facts are made up in the shape of eight sources of one population: four records a person, two and a half
//! identifiers and eight values a record, shared phones, role mailboxes, junk values, bridges. They are made outside
//! the clock, which counts CPU time of the process. Beside the engine stands a plain computation from scratch.

use onefold::dataflow::clusters::Strength;
use onefold::dataflow::guards::Guard;
use onefold::dataflow::{Decisions, Delta, Engine, Rules};
use onefold::model::{
    About, AttributeId, Birth, ConsentFacts, ConsentState, Criterion, Facts, Format, IdentifierHash, KindId, NameMark,
    Named, PurposeId, Reach, Role, Source, SourceId, SurvivorshipRule, ValueHash,
};
use rustix::time::{ClockId, clock_gettime};
use std::collections::HashMap;
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EMAIL: u8 = 0;
const PHONE: u8 = 1;
const ACCOUNT: u8 = 2;
const DEVICE: u8 = 3;
const HANDLE: u8 = 4;
const ATTRIBUTES: u16 = 25;

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let records = numbers.first().copied().unwrap_or(100_000);
    let epochs = numbers.get(1).copied().unwrap_or(20_000);
    println!("{records} records");
    let mut bench = Bench::new(records);
    let load_us = bench.load(records);
    bench.single(epochs);
    bench.batches(numbers.get(2).copied().unwrap_or(10), 10_000);
    let twin_us = bench.twin();
    println!("load: {:.2} times the twin", load_us / twin_us);
}

/// SplitMix64, seeded anew for each record and version, so that facts need not be kept.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    fn chance(&mut self, permille: u64) -> bool {
        self.next() % 1000 < permille
    }
}

fn hash(parts: [u64; 3]) -> u64 {
    parts.into_iter().fold(7, |state, part| Random(state ^ part).next())
}

#[derive(Clone, Copy)]
struct Record {
    person: usize,
    version: u64,
    live: bool,
}

struct Bench {
    engine: Engine,
    sources: Vec<Source>,
    rules: Rules,
    random: Random,
    people: usize,
    records: Vec<Record>,
    consents: u64,
}

impl Bench {
    fn new(records: usize) -> Self {
        use Criterion::{Completeness, Frequency, Recency, Trust};
        let rules = Rules {
            guards: [50, 20, 100, 50, 20].map(|records_max| Guard { records_max, names_max: 0 }).to_vec(),
            strength: Strength { priorities: vec![80, 60, 90, 70, 75], records_max: 500, strong_priority_min: 75 },
            unique: vec![false; 5],
            scorer: None,
            survivorship: (0..ATTRIBUTES)
                .map(|n| match n % 4 {
                    0 => vec![Trust, Recency],
                    1 => vec![Recency],
                    2 => vec![Recency, Trust, Completeness],
                    _ => vec![Frequency, Recency],
                })
                .map(|criteria| SurvivorshipRule { criteria })
                .collect(),
            categories: (0..ATTRIBUTES).map(|n| (n % 2) as u8).collect(),
            decisions: Some(Decisions {
                purposes: 5,
                judge: Arc::new(|_, context| {
                    let of = context.circumstances();
                    if of.consent.is_valid() && !of.withdrawn { 3 } else { 0 }
                }),
                combining: None,
                reach: Reach::Strong,
                retention: vec![vec![None, Some(700 * 86_400_000_000)]; 5],
                strong: vec![true, false, true, false, true],
            }),
        };
        let sources = (0..7).map(|n| source(30 + 10 * n, (n % 2 == 0).then_some(365))).collect();
        Self {
            engine: Engine::new(&rules),
            sources,
            rules,
            random: Random(1),
            people: records.div_ceil(4),
            records: Vec::new(),
            consents: 0,
        }
    }

    /// Adds a record of a person who is a little likelier to be an early one.
    fn add(&mut self, person: usize) -> usize {
        self.records.push(Record { person, version: 0, live: true });
        self.records.len() - 1
    }

    fn facts(&self, place: usize, version: u64) -> Facts {
        let person = self.records[place].person;
        let bits = hash([place as u64, version, 1]);
        let mut random = Random(bits);
        let source = Random(place as u64).below(100);
        let number = place as u64;
        let mut identifiers = Vec::new();
        let chance = |random: &mut Random, percent: u64| random.chance(percent * 10);
        let (email, phone, account, device) = match source {
            0..22 => (true, chance(&mut random, 80), chance(&mut random, 60), false),
            22..48 => (true, chance(&mut random, 30), chance(&mut random, 80), false),
            48..56 => (source < 53, source >= 53, false, false),
            56..86 => {
                let identify = source < 68;
                (identify, identify && chance(&mut random, 40), identify || chance(&mut random, 30), true)
            }
            86..95 => (true, false, false, false),
            _ => (chance(&mut random, 50), chance(&mut random, 30), false, false),
        };
        let own =
            |kind: u8, n: usize| IdentifierHash(u128::from(hash([person as u64, n as u64, 2])) << 8 | u128::from(kind));
        let other = |kind: u8, n: u64| IdentifierHash(u128::from(hash([n, 0, 3])) << 8 | u128::from(kind));
        if email {
            let value = match random.below(1000) {
                0..8 => other(EMAIL, random.next() % 3),
                8..14 => other(EMAIL, 10 + (number / 1000)),
                14..24 => other(EMAIL, random.next()),
                24..26 => IdentifierHash(own(EMAIL, 0).0 ^ (u128::from(number / 64) << 64)),
                _ => own(EMAIL, random.below(3) / 2),
            };
            identifiers.push((KindId(EMAIL), value));
        }
        if phone {
            let value = match random.below(1000) {
                0..8 => other(PHONE, random.next() % 3),
                8..40 => other(PHONE, 1000 + person as u64 / 3),
                _ => own(PHONE, random.below(5) / 4),
            };
            identifiers.push((KindId(PHONE), value));
        }
        if account {
            identifiers.push((KindId(ACCOUNT), own(ACCOUNT, 0)));
        }
        if device {
            identifiers.push((KindId(DEVICE), own(DEVICE, random.below(7) / 5)));
        }
        if source >= 95 {
            identifiers.push((KindId(HANDLE), own(HANDLE, 0)));
        }
        let first = (source % 7) as u16 * 2;
        let count = 6 + random.below(5) as u16;
        let values = (0..count).map(|n| {
            let attribute = (first + n) % ATTRIBUTES;
            let seen = if random.chance(300) { random.next() } else { 0 };
            (AttributeId(attribute), ValueHash(hash([person as u64, u64::from(attribute), seen])))
        });
        let mut values: Vec<_> = values.collect();
        values.sort_unstable();
        let at = 1_735_689_600_000_000 + (number + version * 1_000_000) as i64 * 20_000_000;
        Facts {
            source: SourceId((source % 7) as u16),
            at,
            since: at,
            about: About::default(),
            given: NameMark::NONE,
            identifiers,
            values,
        }
    }

    fn named(&self, place: usize) -> Named {
        Named { rank: hash([place as u64, 0, 5]), birth: Birth(place as u64) }
    }

    fn put(&mut self, place: usize, old: Option<&Facts>, new: Option<&Facts>) {
        let named = self.named(place);
        self.engine.record(named, &self.sources, old, new);
    }

    /// A consent of a person, with a birth far above those of records.
    fn consent(&mut self, person: usize) -> (Named, ConsentFacts) {
        let random = &mut self.random;
        self.consents += 1;
        let kind = if random.chance(800) { EMAIL } else { ACCOUNT };
        let identifier = IdentifierHash(u128::from(hash([person as u64, 0, 2])) << 8 | u128::from(kind));
        let facts = ConsentFacts {
            identifiers: vec![(KindId(kind), identifier)],
            purposes: vec![PurposeId((random.next() % 5) as u8)],
            state: if random.chance(800) { ConsentState::Given } else { ConsentState::Withdrawn },
            explicit: false,
            parental: false,
            at: self.consents as i64,
            received: self.consents as i64,
            order: self.consents,
            until: if random.chance(400) { 1 << 60 } else { i64::MAX },
        };
        (Named { rank: random.next(), birth: Birth((1 << 40) + self.consents) }, facts)
    }

    /// All records and consents in one epoch, told of in chunks so that making them up stays out of the figures.
    fn load(&mut self, records: usize) -> f64 {
        let before = resident_bytes();
        let mut cpu_us = 0.0;
        for start in (0..records).step_by(10_000) {
            let places = start..records.min(start + 10_000);
            let facts: Vec<Facts> = places
                .clone()
                .map(|_| {
                    // The lesser of two draws stands for the skew of real activity.
                    let person = self.random.below(self.people).min(self.random.below(self.people * 3));
                    let place = self.add(person);
                    self.facts(place, 0)
                })
                .collect();
            let people = places.clone().step_by(3).map(|_| self.random.below(self.people)).collect::<Vec<_>>();
            let consents: Vec<_> = people.into_iter().map(|person| self.consent(person)).collect();
            let clock = cpu_now_us();
            for (place, facts) in places.zip(&facts) {
                self.put(place, None, Some(facts));
            }
            for (named, facts) in &consents {
                self.engine.consent(*named, None, Some(facts));
            }
            cpu_us += cpu_now_us() - clock;
        }
        let told_us = cpu_us;
        let told_bytes = resident_bytes().saturating_sub(before);
        let (clock, kernel) = (cpu_now_us(), kernel_now_us());
        let delta = self.engine.commit();
        cpu_us += cpu_now_us() - clock;
        let kernel_us = kernel_now_us() - kernel;
        let peak_bytes = resident_bytes().saturating_sub(before);
        let profiles = delta.profiles.len();
        let sizes = (delta.links.len(), delta.members.len(), profiles, delta.permissions.len());
        drop(delta);
        let bytes = resident_bytes().saturating_sub(before);
        let each = |total: f64| total / records as f64;
        println!(
            "load: {:.2} µs a record (told {:.2}, kernel in commit {:.2}), {:.0} bytes a record",
            each(cpu_us),
            each(told_us),
            each(kernel_us),
            each(bytes as f64)
        );
        println!(
            "      bytes a record: {:.0} told, {:.0} with the delta, {:.0} after",
            each(told_bytes as f64),
            each(peak_bytes as f64),
            each(bytes as f64)
        );
        println!("      {} links, {} members, {} profiles, {} permissions", sizes.0, sizes.1, sizes.2, sizes.3);
        cpu_us
    }

    /// One random change; its CPU time without that of making it up.
    fn change(&mut self) -> f64 {
        let draw = self.random.below(100);
        match draw {
            0..45 => {
                let person = if self.random.chance(900) {
                    self.random.below(self.people)
                } else {
                    self.people += 1;
                    self.people - 1
                };
                let place = self.add(person);
                let facts = self.facts(place, 0);
                self.timed(|bench| bench.put(place, None, Some(&facts)))
            }
            45..80 => {
                let place = loop {
                    let place = self.random.below(self.records.len());
                    if self.records[place].live {
                        break place;
                    }
                };
                let version = self.records[place].version;
                let old = self.facts(place, version);
                let new = (draw < 75).then(|| self.facts(place, version + 1));
                self.records[place].version += 1;
                self.records[place].live = new.is_some();
                self.timed(|bench| bench.put(place, Some(&old), new.as_ref()))
            }
            _ => {
                let person = self.random.below(self.people);
                let (named, facts) = self.consent(person);
                self.timed(|bench| bench.engine.consent(named, None, Some(&facts)))
            }
        }
    }

    fn timed<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> f64 {
        let clock = cpu_now_us();
        work(self);
        cpu_now_us() - clock
    }

    /// Epochs of one change.
    fn single(&mut self, epochs: usize) {
        let mut all = Vec::with_capacity(epochs);
        for _ in 0..epochs {
            let told = self.change();
            let mut delta = Delta::default();
            let closed = self.timed(|bench| delta = bench.engine.commit());
            all.push(told + closed);
        }
        all.sort_by(f64::total_cmp);
        let at = |permille: usize| all[(all.len() - 1) * permille / 1000];
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        println!(
            "one change: p50 {:.1} p99 {:.1} p99.9 {:.1} max {:.0} mean {mean:.1} µs",
            at(500),
            at(990),
            at(999),
            at(1000)
        );
    }

    /// Epochs of many changes.
    fn batches(&mut self, count: usize, changes: usize) {
        let mut cpu_us = 0.0;
        for _ in 0..count {
            for _ in 0..changes {
                cpu_us += self.change();
            }
            cpu_us += self.timed(|bench| drop(bench.engine.commit()));
        }
        println!("batches of {changes}: {:.0} changes per CPU-second", (count * changes) as f64 / cpu_us * 1e6);
    }

    /// The same clusters from scratch, in plain Rust: hash maps, union-find, and as winners simply the latest values.
    fn twin(&self) -> f64 {
        let live: Vec<usize> = (0..self.records.len()).filter(|place| self.records[*place].live).collect();
        let facts: Vec<Facts> = live.iter().map(|place| self.facts(*place, self.records[*place].version)).collect();
        let clock = cpu_now_us();
        let mut carriers: HashMap<IdentifierHash, (u32, u32)> = HashMap::new();
        for (place, facts) in facts.iter().enumerate() {
            for (_, identifier) in &facts.identifiers {
                carriers.entry(*identifier).or_insert((0, place as u32)).0 += 1;
            }
        }
        let mut parents: Vec<u32> = (0..facts.len() as u32).collect();
        for (place, facts) in facts.iter().enumerate() {
            for (kind, identifier) in &facts.identifiers {
                let (count, hub) = carriers[identifier];
                if count <= self.rules.guards[usize::from(kind.0)].records_max {
                    let (a, b) = (find(&mut parents, place as u32), find(&mut parents, hub));
                    parents[a.max(b) as usize] = a.min(b);
                }
            }
        }
        let mut best: HashMap<(u32, AttributeId), (i64, u32, ValueHash)> = HashMap::new();
        for (place, facts) in facts.iter().enumerate() {
            let root = find(&mut parents, place as u32);
            for (attribute, value) in &facts.values {
                let row = (facts.at, place as u32, *value);
                best.entry((root, *attribute)).and_modify(|best| *best = row.max(*best)).or_insert(row);
            }
        }
        let cpu_us = cpu_now_us() - clock;
        println!("twin: {:.2} µs a record, {} winners", cpu_us / facts.len() as f64, best.len());
        cpu_us
    }
}

fn find(parents: &mut [u32], mut place: u32) -> u32 {
    while parents[place as usize] != place {
        parents[place as usize] = parents[parents[place as usize] as usize];
        place = parents[place as usize];
    }
    place
}

fn source(trust: u8, trust_half_life_days: Option<u32>) -> Source {
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

fn cpu_now_us() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 * 1e6 + now.tv_nsec as f64 / 1e3
}

/// CPU time that the kernel spent for this process, in steps of 10 ms: mostly first touches of memory.
fn kernel_now_us() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    fields.split_whitespace().nth(12).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0) * 1e4
}

/// VmRSS of this process.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<usize>().ok()).unwrap_or(0) * 1024
}
