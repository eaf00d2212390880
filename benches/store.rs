//! Figures of the index: CPU of all threads for each row or change, bytes on disk, memory.
//!
//! `cargo bench --bench store [-- RECORDS]`; 1,000,000 records when none are named. The rows have the shape of a
//! profile store of eight sources: two identifiers and eight values a record, 2.2 records a profile.

use onefold::model::{
    About, AttributeId, Birth, Context, Facts, IdentifierHash, KindId, Link, NameHash, Order, Permission, PurposeId,
    Sequence, SourceId, ValueHash, Winner,
};
use onefold::store::{Batch, Error, Index, ProfileRow, RecordBody, RecordRow};
use rustix::time::{ClockId, clock_gettime};
use std::time::Instant;

/// SplitMix64 over (seed, number): stands in for keyed hashes.
fn hash(seed: u64, number: u64) -> u64 {
    let mut z = (number ^ seed.rotate_left(32)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn wide(seed: u64, number: u64) -> u128 {
    u128::from(hash(seed, number)) << 64 | u128::from(hash(seed + 1, number))
}

/// The oldest record of the profile that a record is in: profiles of 1, 2, 3 and so on neighbours, 2.2 on average.
fn root(birth: u64) -> u64 {
    let (block, place) = (birth / 11, birth % 11);
    block * 11 + [0, 0, 2, 2, 2, 5, 6, 6, 6, 6, 6][usize::try_from(place).expect("below 11")]
}

fn identifiers(birth: u64) -> Vec<(KindId, IdentifierHash)> {
    vec![(KindId(0), IdentifierHash(wide(1, root(birth)))), (KindId(1), IdentifierHash(wide(3, birth)))]
}

fn record(birth: u64, version: u64) -> RecordRow {
    let at = 1_700_000_000_000_000 + i64::try_from(hash(5, birth) >> 20).expect("44 bits");
    let values = (0..8).map(|i| (AttributeId(i), ValueHash(hash(6 + version, birth * 8 + u64::from(i))))).collect();
    let given = onefold::model::NameMark::NONE;
    let facts = Facts {
        source: SourceId(3),
        at,
        since: at,
        about: About::default(),
        given,
        identifiers: identifiers(birth),
        values,
        rectified: Vec::new(),
    };
    RecordRow {
        name: NameHash(wide(8, birth)),
        source: SourceId(3),
        live: true,
        order: Order::Time(at),
        content: hash(10 + version, birth),
        position: birth * 400 + version,
        sequence: Sequence(birth * 2),
        body: RecordBody::Person(facts),
    }
}

fn profile(root: u64, members: &[u64], version: u64) -> ProfileRow {
    let entry = Sequence(root * 2 + 1 + version);
    let link = |b: &u64| {
        let identifier = IdentifierHash(wide(1, root));
        (Link { a: Birth(root), b: Birth(*b), kind: KindId(0), identifier }, entry)
    };
    let winner = |attribute: u16| {
        let record = members[usize::from(attribute) % members.len()];
        let value = ValueHash(hash(6, record * 8 + u64::from(attribute)));
        (Winner { attribute: AttributeId(attribute), record: Birth(record), value, uses: Winner::PLAIN }, entry)
    };
    let permission = Permission {
        purpose: PurposeId(0),
        categories: 3,
        context: Context::default(),
        until: i64::MAX,
        consent: Some(Birth(root + 1)),
    };
    ProfileRow {
        members: members.iter().copied().map(Birth).collect(),
        links: members.iter().skip(1).map(link).collect(),
        winners: (0..9).map(winner).collect(),
        permissions: vec![(permission, entry)],
    }
}

fn members(of: u64, records: u64) -> Vec<u64> {
    let root_of = root(of);
    (root_of..(root_of + 5).min(records)).filter(|birth| root(*birth) == root_of).collect()
}

fn put_new(batch: &mut Batch, birth: u64, records: u64) {
    let row = record(birth, 0);
    batch.put_record(Birth(birth), &row);
    batch.put_name(row.name, Birth(birth));
    for (kind, identifier) in identifiers(birth) {
        batch.put_identifier(identifier, Birth(birth), kind);
    }
    batch.put_root(Birth(birth), Birth(root(birth)));
    if root(birth) == birth {
        batch.put_profile(Birth(birth), &profile(birth, &members(birth, records), 0));
    }
}

/// A changed record: its row, an identifier that goes and one that comes, its profile.
fn put_change(batch: &mut Batch, birth: u64, version: u64, records: u64) {
    batch.put_record(Birth(birth), &record(birth, version));
    batch.remove_identifier(IdentifierHash(wide(3 + 20 * (version - 1), birth)), Birth(birth));
    batch.put_identifier(IdentifierHash(wide(3 + 20 * version, birth)), Birth(birth), KindId(1));
    batch.put_profile(Birth(root(birth)), &profile(root(birth), &members(birth, records), version));
}

fn put_epoch(batch: &mut Batch, epoch: u64) {
    batch.put_meta("epoch", &epoch.to_le_bytes());
    batch.put_meta("ledger", &[7; 80]);
}

/// CPU of all threads of the process, in seconds.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

struct Timer(f64, Instant);

impl Timer {
    fn start() -> Self {
        Self(cpu(), Instant::now())
    }

    fn print(&self, what: &str, count: usize, unit: &str) {
        let (cpu, wall) = (cpu() - self.0, self.1.elapsed().as_secs_f64());
        let count = count as f64;
        let each = cpu / count * 1e6;
        println!("{what:<44} {each:>8.3} µs CPU/{unit} {:>10.0} {unit}/CPU s  wall {wall:.2} s", count / cpu);
    }
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn print_percentiles(what: &str, mut samples: Vec<f64>) {
    samples.sort_by(f64::total_cmp);
    let at = |part: usize| samples[samples.len() * part / 1000] * 1e6;
    println!("{what:<44} p50 {:.1} µs  p99 {:.1} µs  p99.9 {:.1} µs CPU", at(500), at(990), at(999));
}

fn main() -> Result<(), Error> {
    let records = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(1_000_000u64);
    let folder = std::env::temp_dir().join(format!("onefold-bench-store-{}", std::process::id()));
    let result = run(records, &folder);
    std::fs::remove_dir_all(&folder)?;
    result
}

fn run(records: u64, folder: &std::path::Path) -> Result<(), Error> {
    println!("resident before {} MiB", resident_mib());
    let index = Index::open(folder)?;
    let rows = load(&index, records)?;
    println!("disk after load {:.1} bytes/record", index.disk_size_bytes()? as f64 / records as f64);
    println!("resident after load {} MiB", resident_mib());
    scan(&index)?;
    reads(&index, records)?;
    let epoch = changes(&index, records)?;
    lone_changes(&index, records, epoch)?;
    reads(&index, records)?;
    println!("resident {} MiB, disk {:.1} bytes/row", resident_mib(), index.disk_size_bytes()? as f64 / rows as f64);

    let timer = Timer::start();
    drop(index);
    timer.print("close", 1, "close");
    let timer = Timer::start();
    let index = Index::open(folder)?;
    timer.print("open", 1, "open");
    scan(&index)?;
    println!("resident {} MiB", resident_mib());
    Ok(())
}

fn load(index: &Index, records: u64) -> Result<usize, Error> {
    let timer = Timer::start();
    let mut batch = index.batch();
    (0..records).for_each(|birth| put_new(&mut batch, birth, records));
    put_epoch(&mut batch, 1);
    let rows = batch.len();
    timer.print("a: generate and collect", rows, "row");
    println!("batch {} MiB, resident {} MiB", batch.size_bytes() >> 20, resident_mib());
    let timer = Timer::start();
    index.apply(batch)?;
    timer.print("a: load", rows, "row");
    Ok(rows)
}

fn scan(index: &Index) -> Result<(), Error> {
    let timer = Timer::start();
    let mut count = 0;
    let mut sum = 0u64;
    for row in index.records() {
        let (birth, row) = row?;
        count += 1;
        sum = sum.wrapping_add(birth.0 ^ row.content);
    }
    timer.print("d: scan of records, decoded", count, "row");
    let timer = Timer::start();
    let mut count = 0;
    for row in index.profiles() {
        count += 1;
        sum = sum.wrapping_add(row?.1.members.len() as u64);
    }
    timer.print("d: scan of profiles, decoded", count, "row");
    assert_ne!(sum, 0, "the scans are not optimised away");
    Ok(())
}

fn reads(index: &Index, records: u64) -> Result<(), Error> {
    const READS: u64 = 50_000;
    let births: Vec<u64> = (0..READS).map(|i| hash(99, i) % records).collect();
    let timer = Timer::start();
    for birth in &births {
        assert!(index.record(Birth(*birth))?.is_some(), "every record is there");
    }
    timer.print("d: record by birth", births.len(), "read");
    let timer = Timer::start();
    for birth in &births {
        assert_eq!(index.birth(NameHash(wide(8, *birth)))?, Some(Birth(*birth)), "every name is there");
    }
    timer.print("d: birth by name", births.len(), "read");
    let timer = Timer::start();
    for birth in &births {
        assert_eq!(index.birth(NameHash(wide(77, *birth)))?, None, "no such name");
    }
    timer.print("d: birth by unknown name", births.len(), "read");
    let timer = Timer::start();
    for birth in &births {
        let carriers = index.carriers(IdentifierHash(wide(1, root(*birth))), 100)?;
        assert!(carriers.contains(&Birth(*birth)), "every carrier is there");
    }
    timer.print("d: carriers of an identifier", births.len(), "read");
    Ok(())
}

fn changes(index: &Index, records: u64) -> Result<u64, Error> {
    const EPOCHS: u64 = 40;
    let timer = Timer::start();
    let mut rows = 0;
    for epoch in 2..2 + EPOCHS {
        let mut batch = index.batch();
        for i in 0..10_000 {
            put_change(&mut batch, hash(epoch, i) % records, 1, records);
        }
        put_epoch(&mut batch, epoch);
        rows += batch.len();
        index.apply(batch)?;
    }
    timer.print("b: epochs of 10,000 changes", rows, "row");
    Ok(2 + EPOCHS)
}

fn lone_changes(index: &Index, records: u64, first: u64) -> Result<(), Error> {
    const EPOCHS: u64 = 20_000;
    let timer = Timer::start();
    let mut samples = Vec::new();
    for epoch in first..first + EPOCHS {
        let mut batch = index.batch();
        put_change(&mut batch, hash(epoch, 0) % records, 2, records);
        put_epoch(&mut batch, epoch);
        let start = cpu();
        index.apply(batch)?;
        samples.push(cpu() - start);
    }
    timer.print("c: epochs of one change", samples.len(), "change");
    print_percentiles("c: apply of one change", samples);
    Ok(())
}
