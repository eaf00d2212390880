//! Goal: whoever reads a value leaves a record of who, what, whose, for what and on which request, before the value is
//! given out; the record is whole, chained by month, encrypted, ends with the person, and shows nothing in clear.
//! Method: small worlds through library and program, with clocks that stand in different months; the chain is broken,
//! pruned, and made impossible to write.

use super::erasure::holding;
use super::program::{command, ok, run_with, text};
use super::support::{event, init, open, push};
use onefold::encoding::storage::{Disk, Storage};
use onefold::model::Birth;
use onefold::pipeline::{
    Access, Archive, ErasureRequest, Error, FixedClock, Onefold, OpenOptions, ReadFilter, ReadView, ReadsAfter, Scope,
    Table, prune_reads, verify_reads,
};
use onefold::report::Format;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// 1 January 2026, and the first days of the months after it.
const MONTHS: [u32; 4] = [1_767_225_600, 1_769_904_000, 1_772_323_200, 1_775_001_600];

fn two_people(data: &Path) {
    let mut onefold = init(data);
    let person = |email: &str| json!({ "email": email, "given": "Zora", "family": "Quimby", "city": "Cork" });
    push(&mut onefold, &event("crm", "a", Some(&person("zora@example.com")), 1));
    push(&mut onefold, &event("shop", "a", Some(&person("zora@example.com")), 2));
    push(&mut onefold, &event("crm", "b", Some(&person("other@example.com")), 3));
    let consent = json!({ "id": "c", "email": "zora@example.com", "purpose": "marketing", "status": "given",
        "at": "2026-01-05T00:00:00Z" });
    push(&mut onefold, &json!({ "source": "consents", "event": consent }));
    onefold.commit().unwrap();
}

fn at(data: &Path, time_s: u32) -> Archive {
    Archive::open_at(data, || OpenOptions { clock: Box::new(FixedClock(time_s)), ..OpenOptions::default() }).unwrap()
}

fn access(purpose: Option<&str>, request: Option<&str>) -> Access {
    Access { actor: "ada".to_owned(), purpose: purpose.map(str::to_owned), request: request.map(str::to_owned) }
}

fn root(archive: &Archive, id: &str) -> Birth {
    archive.finder().unwrap().profiles_of(id).unwrap()[0]
}

fn recorded(archive: &Archive) -> Vec<ReadView> {
    archive.reads(&ReadFilter::default()).unwrap().0
}

fn main_id(data: &Path) -> onefold::crypto::LedgerId {
    onefold::ledger::verify(&data.join("ledger"), &[], |_| {}).unwrap().ledger
}

#[test]
fn each_read_is_recorded_and_decided() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    two_people(&data);
    let archive = at(&data, MONTHS[1]);
    let (zora, other) = (root(&archive, "crm:a"), root(&archive, "crm:b"));
    let reader = archive.read_as(&access(Some("marketing"), Some("T-1"))).unwrap();
    let view = reader.profile(zora, None).unwrap();
    assert!(view.values.iter().any(|value| value.value == "zora@example.com"));
    assert!(matches!(reader.profile(other, None), Err(Error::Denied { .. })), "the purpose of the access decides");
    assert!(matches!(reader.explain(other, None), Err(Error::Denied { .. })));
    let reader = archive.read_as(&access(None, None)).unwrap();
    assert_eq!(reader.explain(zora, None).unwrap().len(), 4);
    reader.why(reader.record("crm:a").unwrap(), reader.record("shop:a").unwrap()).unwrap().unwrap();
    reader.export(Table::Profiles, Format::Csv, None, Vec::new()).unwrap();
    reader.entries(0, 100).unwrap();
    let reads = recorded(&archive);
    let told: Vec<(&str, bool, Option<&str>, u64, bool)> = reads
        .iter()
        .map(|read| (read.operation, read.allowed, read.purpose.as_deref(), read.count, read.several))
        .collect();
    let expected = [
        ("profile", true, Some("marketing"), 2, false),
        ("profile", false, Some("marketing"), 0, false),
        ("explain", false, Some("marketing"), 0, false),
        ("explain", true, None, 2, false),
        ("why", true, None, 2, false),
        ("export profiles", true, None, 2, true),
        ("ledger show", true, None, 2, true),
    ];
    assert_eq!(told, expected);
    assert_eq!(reads[0].attributes, ["email", "family_name", "given_name"], "the city is not for marketing");
    assert_eq!((reads[0].actor.as_str(), reads[0].request.as_deref(), reads[0].at_s), ("ada", Some("T-1"), MONTHS[1]));
    assert_eq!(reads[4].attributes, ["email"]);
    let of = |subject| archive.reads(&ReadFilter { subject: Some(subject), since_s: 0 }).unwrap().0.len();
    assert_eq!((of(zora), of(other)), (5, 4), "reads of many are found by each of them");
    assert!(archive.reads(&ReadFilter { subject: None, since_s: MONTHS[2] }).unwrap().0.is_empty());
    // Without a purpose that there is, or an actor, nothing can be read.
    assert!(archive.read_as(&access(Some("marketting"), None)).is_err());
    assert!(archive.read_as(&Access::inspection(" ")).is_err());
    drop(archive);
    for needle in ["zora@example.com", "marketing", "ada", "T-1"] {
        assert_eq!(holding(&data.join("reads"), needle.as_bytes()), 0, "{needle} stands in clear");
    }
}

#[test]
fn what_cannot_be_recorded_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    two_people(&data);
    fs::write(data.join("reads"), "in the way").unwrap();
    let archive = at(&data, MONTHS[1]);
    let reader = archive.read_as(&access(None, None)).unwrap();
    assert!(matches!(reader.profile(root(&archive, "crm:a"), None), Err(Error::Unrecorded(_))));
    let mut out = Vec::new();
    assert!(matches!(reader.export(Table::Members, Format::Csv, None, &mut out), Err(Error::Unrecorded(_))));
    assert!(out.is_empty(), "not even a header");
    drop(reader);
    drop(archive);
    let ran = super::program::run(&["profile", "crm:a", "--data", text(&data)]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.starts_with("error: the read could not be recorded, so nothing is shown: "), "{}", ran.err);
}

#[test]
fn who_else_records_is_waited_for_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    two_people(&data);
    fs::create_dir(data.join("reads")).unwrap();
    let lock = fs::File::create(data.join("reads/lock")).unwrap();
    lock.lock().unwrap();
    let archive = at(&data, MONTHS[1]);
    let reader = archive.read_as(&access(None, None)).unwrap();
    assert!(matches!(reader.profile(root(&archive, "crm:a"), None), Err(Error::ReadsInUse { .. })));
    drop(lock);
    reader.profile(root(&archive, "crm:a"), None).unwrap();
}

#[test]
fn months_chain_and_old_ones_go_whole() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    two_people(&data);
    let read = |time_s| {
        let archive = at(&data, time_s);
        archive.read_as(&access(None, None)).unwrap().profile(root(&archive, "crm:a"), None).unwrap();
    };
    read(MONTHS[0]);
    read(MONTHS[0] + 5);
    read(MONTHS[1]);
    // A month in between has no reads, and the clock goes back once: the newest month is written to.
    read(MONTHS[3]);
    read(MONTHS[1]);
    let id = main_id(&data);
    let verified = verify_reads(&data, id).unwrap();
    let told: Vec<(&str, u64, ReadsAfter)> =
        verified.iter().map(|month| (month.month.as_str(), month.reads, month.after)).collect();
    let expected =
        [("2026-01", 2, ReadsAfter::Nothing), ("2026-02", 1, ReadsAfter::Before), ("2026-04", 2, ReadsAfter::Before)];
    assert_eq!(told, expected);
    assert_eq!(recorded(&at(&data, MONTHS[3])).len(), 5);
    // One archive whose clock passes the end of a month goes on in the next.
    let aside = folder.path().join("2026-02");
    fs::rename(data.join("reads/2026-02"), &aside).unwrap();
    assert!(matches!(verify_reads(&data, id), Err(Error::ReadsBroken { month }) if month == "2026-04"));
    fs::rename(&aside, data.join("reads/2026-02")).unwrap();
    assert!(prune_reads(&data, 0, MONTHS[3]).is_err());
    assert!(prune_reads(&data, 4, MONTHS[3]).unwrap().is_empty());
    assert_eq!(prune_reads(&data, 2, MONTHS[3]).unwrap(), ["2026-01", "2026-02"]);
    assert_eq!(verify_reads(&data, id).unwrap()[0].after, ReadsAfter::Deleted);
    assert!(prune_reads(&data, 1, MONTHS[3] + 400 * 86_400).unwrap().is_empty(), "the newest stays");
    assert_eq!(recorded(&at(&data, MONTHS[3])).len(), 2);
}

#[test]
fn a_changed_byte_of_the_chain_shows() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    two_people(&data);
    for time_s in [MONTHS[0], MONTHS[1]] {
        let archive = at(&data, time_s);
        archive.read_as(&access(None, None)).unwrap().profile(root(&archive, "crm:a"), None).unwrap();
    }
    let id = main_id(&data);
    for month in ["2026-01", "2026-02"] {
        let path = data.join("reads").join(month).join("00000000.seg");
        let sound = fs::read(&path).unwrap();
        for place in (0..sound.len()).step_by(7) {
            let mut bytes = sound.clone();
            bytes[place] ^= 0x20;
            fs::write(&path, &bytes).unwrap();
            assert!(verify_reads(&data, id).is_err(), "byte {place} of {month}");
        }
        fs::write(&path, &sound).unwrap();
    }
    verify_reads(&data, id).unwrap();
    // What a crash tore is cut by the next read, and nothing before it.
    let path = data.join("reads/2026-02/00000000.seg");
    let mut torn = fs::read(&path).unwrap();
    torn.extend_from_slice(&[9, 0, 0, 0, 1, 2]);
    fs::write(&path, torn).unwrap();
    let archive = at(&data, MONTHS[1]);
    archive.read_as(&access(None, None)).unwrap().profile(root(&archive, "crm:a"), None).unwrap();
    drop(archive);
    assert_eq!(verify_reads(&data, id).unwrap()[1].reads, 2);
}

#[test]
fn reads_end_with_the_person() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    two_people(&data);
    let archive = at(&data, MONTHS[0]);
    let reader = archive.read_as(&access(None, None)).unwrap();
    for id in ["crm:a", "crm:b"] {
        reader.profile(root(&archive, id), None).unwrap();
    }
    drop(reader);
    drop(archive);
    let mut onefold = open(&data);
    let scope = Scope::Person(onefold.persons_of("crm:a").unwrap()[0]);
    let request = ErasureRequest { request: "R-1".into(), ground: "GDPR Art. 17(1)(a)".into(), due_days: 0 };
    onefold.erase(scope, &request).unwrap();
    // The library reads the engine itself under the same rule.
    let other = onefold.persons_of("crm:b").unwrap()[0];
    onefold.read_as(&access(None, None)).unwrap().profile(other, None).unwrap();
    drop(onefold);
    let archive = at(&data, MONTHS[1]);
    let (reads, erased) = archive.reads(&ReadFilter::default()).unwrap();
    assert_eq!((reads.len(), erased), (2, 1));
    verify_reads(&data, main_id(&data)).unwrap();
}

/// Counts what waits for the disk.
#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl Storage for Counting {
    fn create(&self, path: &Path, mode: u32) -> std::io::Result<fs::File> {
        Disk.create(path, mode)
    }
    fn write_at(&self, file: &fs::File, bytes: &[u8], offset: u64) -> std::io::Result<()> {
        Disk.write_at(file, bytes, offset)
    }
    fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        Disk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> std::io::Result<()> {
        Disk.remove(path)
    }
    fn truncate(&self, file: &fs::File, size_bytes: u64) -> std::io::Result<()> {
        Disk.truncate(file, size_bytes)
    }
    fn write(&self, file: &fs::File, bytes: &[u8]) -> std::io::Result<()> {
        Disk.write(file, bytes)
    }
    fn sync(&self, file: &fs::File) -> std::io::Result<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Disk.sync(file)
    }
    fn sync_directory(&self, path: &Path) -> std::io::Result<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Disk.sync_directory(path)
    }
}

#[test]
fn a_read_waits_for_the_disk_once_and_a_batch_once_in_all() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    two_people(&data);
    let counting = Arc::new(Counting::default());
    let opened = || {
        let storage = Arc::clone(&counting) as Arc<dyn Storage>;
        let options = || OpenOptions {
            clock: Box::new(FixedClock(MONTHS[0])),
            storage: storage.clone(),
            ..OpenOptions::default()
        };
        Archive::open_at(&data, options).unwrap()
    };
    let waits = |reads: &dyn Fn(&Archive)| {
        let archive = opened();
        let before = counting.0.load(Ordering::Relaxed);
        reads(&archive);
        counting.0.load(Ordering::Relaxed) - before
    };
    let one = |archive: &Archive| {
        archive.read_as(&access(None, None)).unwrap().profile(root(archive, "crm:a"), None).unwrap();
    };
    waits(&one);
    assert_eq!(waits(&one), 1, "opening the chain and the read are durable together");
    let batch = |archive: &Archive| {
        let reader = archive.read_in_batch(&access(None, None)).unwrap();
        for _ in 0..100 {
            reader.profile(root(archive, "crm:a"), None).unwrap();
        }
        reader.settle().unwrap();
    };
    assert_eq!(waits(&batch), 1);
    assert_eq!(recorded(&opened()).len(), 102);
}

#[test]
fn the_program_says_who_reads_and_lists_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    two_people(&data);
    let data = text(&data);
    ok(&["profile", "crm:a", "--data", data, "--as", "grace", "--request", "DSR-7", "--purpose", "marketing"]);
    let denied = run_with(&["profile", "crm:b", "--data", data, "--purpose", "marketing"], &[("ONEFOLD_ACTOR", "env")]);
    assert_eq!(denied.code, 4);
    ok(&["export", "members", "--data", data]);
    ok(&["review", "show", "crm:a", "crm:b", "--request", "DSR-8", "--data", data]);
    let listed: Value = serde_json::from_str(&ok(&["ledger", "reads", "list", "--json", "--data", data])).unwrap();
    let reads = listed["reads"].as_array().unwrap();
    assert!(reads.len() > 3, "{listed}");
    assert!(reads[3..].iter().all(|read| read["operation"] == "review" && read["request"] == "DSR-8"), "{listed}");
    assert_eq!((&reads[0]["actor"], &reads[0]["request"]), (&json!("grace"), &json!("DSR-7")));
    assert_eq!((&reads[1]["actor"], &reads[1]["allowed"]), (&json!("env"), &json!(false)));
    assert!(!reads[2]["actor"].as_str().unwrap().is_empty(), "the login name");
    let of = ok(&["ledger", "reads", "list", "--subject", "crm:a", "--data", data]);
    assert!(of.contains("grace") && of.contains("DSR-7") && of.contains("inspection"), "{of}");
    assert!(!of.contains("zora") && !of.contains("denied"));
    let verified = ok(&["ledger", "verify", "--data", data]);
    assert!(verified.contains("the chain of reads from 20"), "{verified}");
    assert_eq!(ok(&["ledger", "reads", "prune", "--data", data]), "No month of reads is old enough.\n");
    let wrong = super::program::run(&["ledger", "reads", "list", "--since", "1 May", "--data", data]);
    assert_eq!((wrong.code, wrong.err.as_str()), (2, "error: a day is written as 2026-01-31\n"));
    // The chain is broken by hand: the verifier says so.
    let month =
        fs::read_dir(Path::new(data).join("reads")).unwrap().map(Result::unwrap).find(|e| e.path().is_dir()).unwrap();
    let segment = month.path().join("00000000.seg");
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let ran = command(&["ledger", "verify", "--data", data]).output().unwrap();
    assert_eq!(ran.status.code(), Some(5), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// Commands that open a reader that leaves no record, because they show no value.
const WITHOUT_VALUES: [&str; 1] = ["evaluate.rs"];

#[test]
fn no_command_shows_values_unrecorded() {
    fn look(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                look(&entry, found);
            } else if fs::read_to_string(&entry).unwrap().contains(".reader()?") {
                found.push(entry.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    let mut found = Vec::new();
    look(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/commands"), &mut found);
    found.retain(|name| !WITHOUT_VALUES.contains(&name.as_str()));
    assert!(found.is_empty(), "{found:?} read without leaving a record");
}

#[test]
fn a_session_goes_on_into_the_next_month() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    two_people(&data);
    let clock = Arc::new(AtomicU64::new(MONTHS[0].into()));
    struct Moving(Arc<AtomicU64>);
    impl onefold::pipeline::Clock for Moving {
        fn now_s(&self) -> u32 {
            u32::try_from(self.0.load(Ordering::Relaxed)).unwrap()
        }
    }
    let options = || OpenOptions { clock: Box::new(Moving(Arc::clone(&clock))), ..OpenOptions::default() };
    let archive = Archive::open_at(&data, options).unwrap();
    for month in MONTHS {
        clock.store(month.into(), Ordering::Relaxed);
        let root = root(&archive, "crm:a");
        archive.read_as(&access(None, None)).unwrap().profile(root, None).unwrap();
    }
    drop(archive);
    let verified = verify_reads(&data, main_id(&data)).unwrap();
    assert_eq!(verified.iter().map(|month| month.reads).collect::<Vec<_>>(), [1; 4]);
    drop(Onefold::open(&data, OpenOptions::default()).unwrap());
}

/// `tests/vectors/payloads.py` writes these from the description of the format, without this program.
#[test]
fn payloads_are_as_documented() {
    use onefold::ledger::{Kind, reread_payload};
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let vectors = fs::read_to_string(folder.join("payloads.txt")).unwrap();
    if let Some(mut python) = super::support::python("hashlib") {
        let ran = python.arg(folder.join("payloads.py")).output().unwrap();
        assert_eq!(String::from_utf8(ran.stdout).unwrap(), vectors);
    }
    let mut count = 0;
    for line in vectors.lines() {
        let (kind, bytes) = line.split_once(' ').unwrap();
        let kind = Kind::from_number(kind.parse().unwrap()).unwrap();
        let byte = |place: usize| u8::from_str_radix(&bytes[2 * place..2 * place + 2], 16).unwrap();
        let good: Vec<u8> = (0..bytes.len() / 2).map(byte).collect();
        assert_eq!(reread_payload(kind, &good).as_ref(), Some(&good), "{line}");
        for end in 0..good.len() {
            assert_eq!(reread_payload(kind, &good[..end]), None, "cut at {end}: {line}");
        }
        assert_eq!(reread_payload(kind, &[&good[..], &[0]].concat()), None);
        count += 1;
    }
    assert_eq!(count, 11);
}

#[test]
fn whose_values_stewards_are_shown_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    two_people(&data);
    let mut onefold = open(&data);
    // One number under four names is more than it may join.
    for (key, given) in [("w", "Ann"), ("x", "Bob"), ("y", "Cleo"), ("z", "Dan")] {
        let row = json!({ "email": format!("{given}@example.net"), "phone": "+4915112345000", "given": given });
        push(&mut onefold, &event("crm", key, Some(&row), 10));
    }
    // A value that is too large for an entry is refused with its record's key.
    let large = json!({ "email": "zora@example.com", "city": "x".repeat(70_000) });
    push(&mut onefold, &event("crm", "a", Some(&large), 11));
    onefold.commit().unwrap();
    drop(onefold);
    let archive = at(&data, MONTHS[1]);
    let reader = archive.read_as(&access(None, None)).unwrap();
    let (shown, _) = reader.guarded(10).unwrap();
    assert_eq!(shown.len(), 1);
    let refused = reader.quarantined_records(10).unwrap();
    assert_eq!(refused[0].key.as_deref(), Some("a"));
    let of = |id: &str| {
        let filter = ReadFilter { subject: Some(root(&archive, id)), since_s: 0 };
        archive.reads(&filter).unwrap().0.iter().map(|read| read.operation).collect::<Vec<_>>()
    };
    assert_eq!(of("crm:w"), ["review"]);
    assert_eq!(of("crm:z"), ["review"]);
    assert_eq!(of("crm:a"), ["quarantine"]);
    assert!(of("crm:b").is_empty());
}
