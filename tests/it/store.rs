//! Goal: the index gives back what was written, whole epochs only, after any restart, crash or damage, or says that it
//! is damaged.
//!
//! Method: random batches against maps in memory; copies of the directory taken while it is open (a crash) and of
//! parts of it cut, flipped or deleted (damage), each opened and read to the last row.

use onefold::model::{
    About, AttributeId, Birth, Context, Facts, FieldIndex, IdentifierHash, KindId, Link, NameHash, Order, Permission,
    PurposeId, Sequence, SourceId, ValueHash, Winner,
};
use onefold::store::{Batch, Error, Index, ProfileRow, RecordBody, RecordRow, RejectedRow};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Everything that an index holds, as plain maps.
#[derive(Clone, Debug, Default, PartialEq)]
struct Content {
    /// First, so that contents of different epochs are soon told apart.
    epoch: Option<Vec<u8>>,
    records: BTreeMap<Birth, RecordRow>,
    names: BTreeMap<NameHash, Birth>,
    carriers: BTreeMap<IdentifierHash, Vec<Birth>>,
    roots: BTreeMap<Birth, Birth>,
    profiles: BTreeMap<Birth, ProfileRow>,
    rejected: BTreeMap<Sequence, RejectedRow>,
    issues: BTreeMap<(Birth, FieldIndex), u8>,
    offsets: BTreeMap<[u8; 32], Vec<u8>>,
}

const IDENTIFIERS: [IdentifierHash; 4] =
    [IdentifierHash(0), IdentifierHash(1), IdentifierHash(1 << 100), IdentifierHash(u128::MAX)];
const BIRTHS: [u64; 6] = [0, 1, 255, 256, 1 << 40, u64::MAX];

fn read(index: &Index) -> Result<Content, Error> {
    let mut carriers = BTreeMap::new();
    for identifier in IDENTIFIERS {
        let births = index.carriers(identifier, usize::MAX)?;
        if !births.is_empty() {
            carriers.insert(identifier, births);
        }
    }
    let content = Content {
        records: index.records().collect::<Result<_, _>>()?,
        names: index.names().collect::<Result<_, _>>()?,
        carriers,
        roots: index.roots().collect::<Result<_, _>>()?,
        profiles: index.profiles().collect::<Result<_, _>>()?,
        rejected: index.rejected().collect::<Result<_, _>>()?,
        issues: index.issues().collect::<Result<_, _>>()?,
        offsets: index.offsets().collect::<Result<_, _>>()?,
        epoch: index.meta("epoch")?,
    };
    let step = content.records.len() / 100 + 1;
    for (birth, row) in content.records.iter().step_by(step) {
        assert_eq!(index.record(*birth)?.as_ref(), Some(row));
    }
    for (birth, row) in content.profiles.iter().step_by(step) {
        assert_eq!(index.profile(*birth)?.as_ref(), Some(row));
    }
    for (name, birth) in content.names.iter().step_by(step) {
        assert_eq!(index.birth(*name)?, Some(*birth));
    }
    Ok(content)
}

fn record(seed: u64) -> RecordRow {
    let facts = Facts {
        source: SourceId(1),
        at: 5,
        since: 6,
        about: About::default(),
        given: onefold::model::NameMark::NONE,
        identifiers: vec![(KindId(0), IdentifierHash(seed.into()))],
        values: vec![(AttributeId(2), ValueHash(seed))],
        rectified: Vec::new(),
    };
    RecordRow {
        name: NameHash(u128::from(seed) << 64 | 3),
        source: SourceId(1),
        live: seed.is_multiple_of(2),
        order: Order::Log(seed),
        content: seed,
        position: seed,
        sequence: Sequence(seed),
        body: if seed.is_multiple_of(3) { RecordBody::Gone } else { RecordBody::Person(facts) },
    }
}

fn profile(seed: u64) -> ProfileRow {
    let (a, b) = (Birth(seed), Birth(seed.wrapping_add(1)));
    let link = Link { a, b, kind: KindId(1), identifier: IdentifierHash(seed.into()) };
    let winner = Winner { attribute: AttributeId(3), record: b, value: ValueHash(seed), uses: Winner::PLAIN };
    let permission =
        Permission { purpose: PurposeId(1), categories: 3, context: Context::default(), until: 9, consent: Some(b) };
    ProfileRow {
        members: vec![a, b],
        links: vec![(link, Sequence(seed))],
        winners: vec![(winner, Sequence(4))],
        permissions: vec![(permission, Sequence(5))],
    }
}

/// One operation on a batch and on the maps.
#[derive(Clone, Copy, Debug)]
struct Step {
    what: u8,
    birth: u64,
    seed: u64,
}

fn step() -> impl Strategy<Value = Step> {
    (0u8..12, prop::sample::select(&BIRTHS[..]), 0u64..1000).prop_map(|(what, birth, seed)| Step { what, birth, seed })
}

fn take(step: Step, batch: &mut Batch, content: &mut Content) {
    let Step { what, birth, seed } = step;
    let birth = Birth(birth);
    let identifier = IDENTIFIERS[usize::try_from(seed % 4).expect("below 4")];
    let field = FieldIndex(u16::try_from(seed).expect("below 1000"));
    let entry = Sequence(birth.0);
    match what {
        0 | 1 => {
            batch.put_record(birth, &record(seed));
            content.records.insert(birth, record(seed));
        }
        2 => {
            batch.put_name(record(seed).name, birth);
            content.names.insert(record(seed).name, birth);
        }
        3 | 4 => {
            batch.put_identifier(identifier, birth, KindId(1));
            let births = content.carriers.entry(identifier).or_default();
            births.push(birth);
            births.sort();
            births.dedup();
        }
        5 => {
            batch.remove_identifier(identifier, birth);
            if let Some(births) = content.carriers.get_mut(&identifier) {
                births.retain(|carrier| *carrier != birth);
                if births.is_empty() {
                    content.carriers.remove(&identifier);
                }
            }
        }
        6 => {
            batch.put_root(birth, Birth(seed));
            content.roots.insert(birth, Birth(seed));
        }
        7 => {
            batch.put_profile(birth, &profile(seed));
            content.profiles.insert(birth, profile(seed));
        }
        8 => {
            batch.remove_profile(birth);
            content.profiles.remove(&birth);
        }
        9 => {
            let row = RejectedRow { source: None, reason: 3, line: seed, position: seed, retried: seed > 500 };
            batch.put_rejected(entry, &row);
            content.rejected.insert(entry, row);
        }
        10 => {
            if seed < 500 {
                batch.put_issue(birth, field, 7);
                content.issues.insert((birth, field), 7);
            } else {
                let field = FieldIndex(field.0 - 500);
                batch.remove_issue(birth, field);
                content.issues.remove(&(birth, field));
            }
        }
        _ => {
            let file = [u8::try_from(seed % 256).expect("below 256"); 32];
            batch.put_offset(&file, &seed.to_le_bytes());
            content.offsets.insert(file, seed.to_le_bytes().to_vec());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn holds_what_was_written(
        epochs in prop::collection::vec((prop::collection::vec(step(), 0..40), 0u8..5), 1..8),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut index = Index::open(folder.path()).unwrap();
        let mut content = Content::default();
        for (steps, then) in epochs {
            let before = (content.clone(), index.records().collect::<Vec<_>>().len());
            let unchanged = index.records();
            let mut batch = index.batch();
            for step in steps {
                take(step, &mut batch, &mut content);
            }
            let epoch = content.epoch.as_ref().map_or(vec![1], |epoch| [epoch.as_slice(), &[2]].concat());
            batch.put_meta("epoch", &epoch);
            content.epoch = Some(epoch);
            index.apply(batch).unwrap();
            prop_assert_eq!(&read(&index).unwrap(), &content);
            // A reader that began before sees what was there before.
            let seen: BTreeMap<_, _> = unchanged.collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(&seen, &before.0.records);
            if then == 0 {
                drop(index);
                index = Index::open(folder.path()).unwrap();
                prop_assert_eq!(&read(&index).unwrap(), &content);
            } else if then == 1 {
                let crashed = copy(folder.path());
                let index = Index::open(crashed.path()).unwrap();
                prop_assert_eq!(&read(&index).unwrap(), &content);
            }
        }
    }
}

/// The files under a folder, in order, as paths relative to it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// A copy of a folder as it is at one moment, as a crash would leave it: taken again when something changed meanwhile.
/// Journals are mostly holes, which stay holes.
fn copy(from: &Path) -> tempfile::TempDir {
    let state = || {
        let of = |file: PathBuf| fs::metadata(from.join(&file)).and_then(|m| Ok((file, m.len(), m.modified()?))).ok();
        files(from).into_iter().map(of).collect::<Vec<_>>()
    };
    loop {
        let before = state();
        let to = tempfile::tempdir().unwrap();
        let copied = before.iter().all(|file| {
            let Some((file, size_bytes, _)) = file else { return false };
            let Ok(bytes) = filled(&from.join(file)) else { return false };
            let target = to.path().join(file);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::write(&target, bytes).unwrap();
            fs::OpenOptions::new().write(true).open(&target).unwrap().set_len(*size_bytes).unwrap();
            true
        });
        if copied && state() == before {
            return to;
        }
    }
}

/// A file up to the first 64 KiB of nothing but zeros.
fn filled(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = fs::File::open(path)?;
    let mut bytes = Vec::new();
    loop {
        let start = bytes.len();
        (&mut file).take(1 << 16).read_to_end(&mut bytes)?;
        if bytes[start..].iter().all(|byte| *byte == 0) {
            bytes.truncate(start);
            return Ok(bytes);
        }
    }
}

fn write(path: &Path, bytes: &[u8]) {
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    fs::write(path, &bytes[..used]).unwrap();
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(bytes.len() as u64).unwrap();
}

/// Fills an index with epochs and returns the content after each.
fn fill(index: &Index, epochs: u8) -> Vec<Content> {
    let mut contents = vec![Content::default()];
    let mut content = Content::default();
    for epoch in 1..=epochs {
        let mut batch = index.batch();
        for i in 0..60u64 {
            let seed = u64::from(epoch) * 100 + i;
            let what = u8::try_from(seed % 12).expect("below 12");
            take(Step { what, birth: seed % 50, seed: seed % 1000 }, &mut batch, &mut content);
        }
        batch.put_meta("epoch", &[epoch]);
        content.epoch = Some(vec![epoch]);
        index.apply(batch).unwrap();
        contents.push(content.clone());
    }
    contents
}

/// Opens and reads a damaged copy: damage is noticed, or what is read is the state after one of the epochs.
fn check_damaged(folder: &Path, contents: &[Content], what: &str) -> bool {
    match Index::open(folder).and_then(|index| read(&index)) {
        Ok(content) => {
            assert!(contents.contains(&content), "{what}: read what never was, epoch {:?}", content.epoch);
            false
        }
        Err(Error::Damaged { .. }) => true,
        Err(other) => panic!("{what}: {other}"),
    }
}

#[test]
fn a_cut_journal_loses_whole_epochs_only() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    let contents = fill(&index, 6);
    let journal = fs::read(folder.path().join("0.jnl")).unwrap();
    let used = journal.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let crashed = copy(folder.path());
    drop(index);
    let mut seen = std::collections::BTreeSet::new();
    for part in 0..=64 {
        let end = used * part / 64;
        let copied = copy(crashed.path());
        write(&copied.path().join("0.jnl"), &journal[..end]);
        if let Ok(index) = Index::open(copied.path()) {
            let content = read(&index).unwrap();
            assert!(contents.contains(&content), "cut at {end}: epoch {:?}", content.epoch);
            seen.insert(content.epoch);
        }
    }
    assert_eq!(seen.len(), contents.len(), "each epoch was once the last");
}

/// An index with tables, a journal and several keyspaces, cleanly closed or not.
fn damage_everything(clean: bool) {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    let mut contents = vec![Content::default()];
    let mut batch = index.batch();
    let mut content = Content::default();
    for seed in 0..2_000u64 {
        batch.put_record(Birth(seed), &record(seed));
        batch.put_name(record(seed).name, Birth(seed));
        batch.put_profile(Birth(seed), &profile(seed));
        content.records.insert(Birth(seed), record(seed));
        content.names.insert(record(seed).name, Birth(seed));
        content.profiles.insert(Birth(seed), profile(seed));
    }
    // Enough rows for a load, so that there are tables.
    for seed in 0..100_000 {
        batch.put_root(Birth(seed), Birth(seed / 2));
        content.roots.insert(Birth(seed), Birth(seed / 2));
    }
    index.apply(batch).unwrap();
    contents.push(content.clone());
    for epoch in 1..5 {
        let mut batch = index.batch();
        batch.put_meta("epoch", &[epoch]);
        for seed in 0..20 {
            batch.put_profile(Birth(seed), &profile(seed + u64::from(epoch)));
            content.profiles.insert(Birth(seed), profile(seed + u64::from(epoch)));
        }
        content.epoch = Some(vec![epoch]);
        index.apply(batch).unwrap();
        contents.push(content.clone());
    }
    let whole = if clean {
        drop(index);
        folder
    } else {
        copy(folder.path())
    };
    for file in files(whole.path()) {
        let name = file.to_str().unwrap();
        // Older versions of a keyspace's table list are there but never read: a few stand for all.
        if name.contains("/v") && !["/0/v0", "/0/v14", "/1/v2", "/3/v0", "/9/v0"].iter().any(|end| name.ends_with(end))
        {
            continue;
        }
        for (what, bytes) in variants(&filled(&whole.path().join(&file)).unwrap()) {
            let copied = copy(whole.path());
            match bytes {
                None => fs::remove_file(copied.path().join(&file)).unwrap(),
                Some(bytes) => write(&copied.path().join(&file), &bytes),
            }
            let noticed = check_damaged(copied.path(), &contents, &format!("{name} {what}"));
            // What holds rows is checked to the byte once the index was closed.
            let rows = name.ends_with(".jnl") || name.contains("/tables/");
            assert!(noticed || !clean || !rows, "{name} {what} went unnoticed");
        }
    }
}

/// A file deleted, cut at several places, and with a byte flipped at several places.
fn variants(bytes: &[u8]) -> Vec<(String, Option<Vec<u8>>)> {
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let mut variants = vec![("deleted".to_owned(), None)];
    for end in [0, used / 3, used.saturating_sub(1)] {
        variants.push((format!("cut at {end}"), Some(bytes[..end].to_vec())));
    }
    for part in [0, 1, 3, 5] {
        let at = used * part / 6;
        if let Some(byte) = bytes.get(at) {
            let mut flipped = bytes.to_vec();
            flipped[at] = byte ^ 0x41;
            variants.push((format!("flipped at {at}"), Some(flipped)));
        }
    }
    variants
}

#[test]
fn damage_after_a_clean_close_is_noticed_or_harmless() {
    damage_everything(true);
}

#[test]
fn damage_after_a_crash_is_noticed_or_harmless() {
    damage_everything(false);
}

#[test]
fn a_missing_piece_of_a_journal_is_noticed_after_a_clean_close() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    fill(&index, 6);
    drop(index);
    let journal = folder.path().join("0.jnl");
    let bytes = fs::read(&journal).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    write(&journal, &bytes[..used / 2]);
    assert!(matches!(Index::open(folder.path()), Err(Error::Damaged { .. })));
}

/// A batch that is loaded in runs; its records are `first..first + count`.
fn load_batch(index: &Index, first: u64, count: u64) -> Batch {
    let mut batch = index.batch();
    for birth in (first..first + count).rev() {
        batch.put_record(Birth(birth), &record(birth));
        batch.put_name(record(birth).name, Birth(birth));
        batch.put_root(Birth(birth), Birth(birth));
    }
    batch.put_meta("epoch", &first.to_le_bytes());
    batch
}

#[test]
fn loads_are_whole_or_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    let mut halves = Vec::new();
    index
        .apply_with(load_batch(&index, 0, 40_000), |done, all| {
            assert!(done <= all);
            if done < all {
                assert_eq!(index.records().count(), 0, "readers see nothing of a load before its end");
                halves.push(copy(folder.path()));
            }
        })
        .unwrap();
    assert!(!halves.is_empty(), "a load of this size reports progress");
    for half in halves {
        let Err(Error::Damaged { reason }) = Index::open(half.path()) else {
            panic!("half a load was taken for whole")
        };
        assert!(reason.contains("load"), "{reason}");
    }
    // A second load over the first: an overlap is replaced, and what came in between stays.
    let mut between = index.batch();
    between.put_root(Birth(1), Birth(77));
    between.put_record(Birth(39_999), &record(5));
    index.apply(between).unwrap();
    index.apply(load_batch(&index, 30_000, 40_000)).unwrap();
    for _ in 0..2 {
        let crashed = copy(folder.path());
        let index = Index::open(crashed.path()).unwrap();
        let records: Vec<_> = index.records().collect::<Result<_, _>>().unwrap();
        assert_eq!(records.len(), 70_000);
        assert!(records.iter().zip(0..).all(|((birth, row), n)| birth.0 == n && *row == record(n)));
        assert_eq!(index.root(Birth(1)).unwrap(), Some(Birth(77)));
        assert_eq!(index.meta("epoch").unwrap(), Some(30_000u64.to_le_bytes().to_vec()));
    }
    drop(index);
    assert_eq!(Index::open(folder.path()).unwrap().records().count(), 70_000);
}

#[test]
fn the_last_of_several_operations_on_a_row_counts() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    let mut batch = index.batch();
    for seed in 0..50 {
        batch.put_profile(Birth(1), &profile(seed));
        batch.remove_profile(Birth(2));
        batch.put_profile(Birth(2), &profile(seed));
        batch.put_profile(Birth(3), &profile(seed));
        batch.remove_profile(Birth(3));
    }
    index.apply(batch).unwrap();
    assert_eq!(index.profile(Birth(1)).unwrap(), Some(profile(49)));
    assert_eq!(index.profile(Birth(2)).unwrap(), Some(profile(49)));
    assert_eq!(index.profile(Birth(3)).unwrap(), None);
}

#[test]
fn a_directory_is_open_once() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    assert!(matches!(Index::open(folder.path()), Err(Error::Locked)));
    drop(index);
    assert!(Index::open(folder.path()).is_ok());
}

#[test]
fn what_is_no_index_is_said_to_be_damaged() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    assert!(matches!(Index::open(folder.path()), Err(Error::Damaged { .. })));
    assert_eq!(files(folder.path()), [Path::new("notes.txt")], "nothing is put into a foreign folder");
    // A file is no directory.
    assert!(matches!(Index::open(&folder.path().join("notes.txt")), Err(Error::Io(_))));
}

#[test]
fn carriers_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    let mut batch = index.batch();
    for birth in 0..100 {
        batch.put_identifier(IdentifierHash(u128::MAX), Birth(birth), KindId(0));
    }
    index.apply(batch).unwrap();
    let carriers = index.carriers(IdentifierHash(u128::MAX), 3).unwrap();
    assert_eq!(carriers, [Birth(0), Birth(1), Birth(2)]);
    assert_eq!(index.carriers(IdentifierHash(u128::MAX), 1000).unwrap().len(), 100);
    assert!(index.carriers(IdentifierHash(u128::MAX - 1), 10).unwrap().is_empty());
}
