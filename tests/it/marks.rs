//! Goal: a restriction, an objection or a hold holds for all records of a person, whenever they come.
//! Method: small stories, in which records join, leave and return while a mark holds. A stop is played at every call
//! that is made to the disk while a record joins, and the state is looked at again after the index was built anew.

use super::consent::{GOVERNED, UNIFIED};
use super::faults::Faulty;
use super::ledger_faults::copy;
use super::support::{bundle, event, export, init, open, patiently, push, read};
use onefold::ledger::{Kind, Reader};
use onefold::model::{Birth, Ruling};
use onefold::pipeline::{
    Archive, ErasureRequest, Error, InitOptions, Mark, MarkView, Onefold, OpenOptions, Scope, Statement, Table,
};
use onefold::policy::Bundle;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const ZORA: &str = "zora@example.com";

/// A bundle under which combining is a purpose of its own.
fn governed(data: &Path) -> Onefold {
    let mut files = bundle().files;
    for (name, text) in &mut files {
        match name.as_str() {
            "purposes.toml" => *text = GOVERNED.replace("retention_days = 30\n", ""),
            "decide.cedar" => text.push_str(UNIFIED),
            _ => {}
        }
    }
    let bundle = Bundle::compile(files).unwrap_or_else(|problems| panic!("{problems}"));
    Onefold::init(data, bundle, InitOptions::default()).unwrap()
}

/// A record of Zora under an account, or of somebody else under another.
fn row(email: &str, account: &str) -> Value {
    json!({ "email": email, "account": account, "family": "Quimby" })
}

fn put(onefold: &mut Onefold, name: &str, row: Option<&Value>, log: u64) {
    let (source, key) = name.split_once(':').unwrap();
    push(onefold, &event(source, key, row, log));
}

/// Zora, of two records, who consented to marketing.
fn zora(onefold: &mut Onefold) {
    put(onefold, "crm:a", Some(&row(ZORA, "1")), 1);
    put(onefold, "shop:a", Some(&row(ZORA, "1")), 2);
    push(
        onefold,
        &json!({ "source": "consents", "event": {
            "id": "c", "email": ZORA, "purpose": "marketing", "status": "given", "at": "2026-01-05T00:00:00Z" } }),
    );
    onefold.commit().unwrap();
}

/// A third record of hers.
fn joins(onefold: &mut Onefold) {
    put(onefold, "crm:c", Some(&row(ZORA, "1")), 10);
    onefold.commit().unwrap();
}

fn root(onefold: &Onefold, name: &str) -> Birth {
    onefold.finder().unwrap().profiles_of(name).unwrap()[0]
}

fn members(onefold: &Onefold, name: &str) -> usize {
    read(onefold).profile(root(onefold, name), None).unwrap().members.len()
}

fn is_allowed(onefold: &Onefold, name: &str) -> bool {
    let marketing = onefold.schema().purpose("marketing");
    match read(onefold).profile(root(onefold, name), marketing) {
        Ok(_) => true,
        Err(Error::Denied { .. }) => false,
        Err(other) => panic!("{other}"),
    }
}

fn set(onefold: &mut Onefold, name: &str, mark: Mark) -> usize {
    let root = root(onefold, name);
    onefold.set_mark(root, mark, &said("letter")).unwrap().len()
}

fn end(onefold: &mut Onefold, name: &str, mark: Mark) -> usize {
    let root = root(onefold, name);
    onefold.end_mark(root, mark, &said("settled")).unwrap().len()
}

fn said(reason: &str) -> Statement {
    Statement { by: "grace".to_owned(), reason: reason.to_owned() }
}

fn erasure() -> ErasureRequest {
    ErasureRequest { request: "R-1".into(), ground: "GDPR Art. 17(1)(a)".into(), due_days: 30 }
}

/// The marks that hold, as the index has them.
fn marks(data: &Path) -> Vec<MarkView> {
    patiently(|| Archive::open(data)).unwrap().marks().unwrap()
}

/// The records that have marks.
fn marked(data: &Path) -> Vec<String> {
    let mut marked: Vec<String> = marks(data).into_iter().map(|mark| mark.record).collect();
    marked.sort();
    marked
}

/// How many epochs and how many reviews the ledger has.
fn counts(data: &Path) -> (usize, usize) {
    let (mut commits, mut reviews) = (0, 0);
    let reader = Reader::open(&data.join("ledger"), None).unwrap();
    let count = |entry: onefold::ledger::Entry| -> Result<(), onefold::ledger::Error> {
        commits += usize::from(entry.header.kind == Kind::Commit);
        reviews += usize::from(entry.header.kind == Kind::Review);
        Ok(())
    };
    reader.scan(None, count).unwrap();
    (commits, reviews)
}

/// Closes a directory, and opens it with its index and without: the marks are those, and nothing is written any more.
fn reopened(onefold: Onefold, data: &Path) -> Onefold {
    drop(onefold);
    let (told, counted) = (marks(data), counts(data));
    for lost in [false, true] {
        if lost {
            fs::remove_dir_all(data.join("index")).unwrap();
        }
        let onefold = open(data);
        assert_eq!(onefold.finder().unwrap().audit(|_| {}).unwrap().breaches, []);
        drop(onefold);
        assert_eq!((marks(data), counts(data)), (told.clone(), counted), "index lost: {lost}");
    }
    open(data)
}

#[test]
fn what_binds_all_uses_holds_a_person_together() {
    for mark in [Mark::Restriction, Mark::Objection(None)] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let mut onefold = governed(&data);
        zora(&mut onefold);
        assert!(is_allowed(&onefold, "crm:a"));
        set(&mut onefold, "crm:a", mark);
        joins(&mut onefold);
        let mut onefold = reopened(onefold, &data);
        assert_eq!(members(&onefold, "crm:c"), 3, "{mark:?}");
        assert_eq!(root(&onefold, "crm:c"), root(&onefold, "shop:a"));
        assert!(!is_allowed(&onefold, "crm:c"), "{mark:?}");
        let covered = onefold.coverage(Scope::Person(root(&onefold, "crm:c"))).unwrap();
        assert_eq!(covered.sources.values().sum::<u64>(), 4, "three records and the consent");
        assert_eq!(end(&mut onefold, "crm:c", mark), 3, "it ends for all");
        assert!(is_allowed(&onefold, "crm:a") && members(&onefold, "crm:a") == 3);
        let combining = onefold.schema().purpose("unified").unwrap();
        set(&mut onefold, "crm:a", Mark::Objection(Some(combining)));
        assert_eq!(members(&onefold, "crm:a"), 1, "who objects to combining by name stands apart");
    }
}

#[test]
fn an_objection_outlives_the_records_that_it_was_made_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    zora(&mut onefold);
    let marketing = onefold.schema().purpose("marketing");
    assert_eq!(set(&mut onefold, "crm:a", Mark::Objection(marketing)), 2);
    joins(&mut onefold);
    assert!(!is_allowed(&onefold, "crm:c"));
    put(&mut onefold, "crm:a", None, 20);
    put(&mut onefold, "shop:a", None, 21);
    onefold.commit().unwrap();
    let onefold = reopened(onefold, &data);
    assert_eq!(members(&onefold, "crm:c"), 1);
    assert!(!is_allowed(&onefold, "crm:c"));
    drop(onefold);
    let told = marks(&data);
    let spread = told.iter().find(|mark| mark.record == "crm:c").unwrap();
    let reason = format!("joined a profile for which entry #{} sets it", told[0].entry);
    assert_eq!((&*spread.by, spread.purpose.as_deref(), &spread.reason), ("onefold", Some("marketing"), &reason));
}

#[test]
fn a_hold_covers_what_comes_later() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    zora(&mut onefold);
    set(&mut onefold, "crm:a", Mark::Hold);
    joins(&mut onefold);
    let mut onefold = reopened(onefold, &data);
    let whole = Scope::Person(root(&onefold, "crm:a"));
    match onefold.erase(whole, &erasure()) {
        Err(Error::Held { entries }) => assert_eq!(entries.len(), 3),
        other => panic!("{other:?}"),
    }
    assert_eq!(end(&mut onefold, "crm:c", Mark::Hold), 3);
    assert_eq!(onefold.erase(whole, &erasure()).unwrap().records, 4, "three records and the consent");
}

#[test]
fn each_mark_reaches_all_records_of_profiles_that_merge() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    zora(&mut onefold);
    put(&mut onefold, "crm:x", Some(&row("other@example.com", "2")), 3);
    put(&mut onefold, "shop:x", Some(&row("other@example.com", "2")), 4);
    onefold.commit().unwrap();
    let marketing = onefold.schema().purpose("marketing");
    set(&mut onefold, "crm:a", Mark::Objection(marketing));
    set(&mut onefold, "crm:x", Mark::Hold);
    put(&mut onefold, "shop:b", Some(&row("other@example.com", "1")), 5);
    onefold.commit().unwrap();
    assert_eq!(members(&onefold, "shop:b"), 5);
    let onefold = reopened(onefold, &data);
    drop(onefold);
    let all = ["crm:a", "crm:a", "crm:x", "crm:x", "shop:a", "shop:a", "shop:b", "shop:b", "shop:x", "shop:x"];
    assert_eq!(marked(&data), all);
    // What is decided about one record of a profile is a mark of all, and it cannot be taken off one alone.
    let mut onefold = open(&data);
    let one = Ruling::Restricted { record: onefold.finder().unwrap().record("shop:b").unwrap() };
    onefold.decide(one, &said("by itself")).unwrap();
    onefold.commit().unwrap();
    drop(onefold);
    assert_eq!(marked(&data).len(), 15);
    let mut onefold = open(&data);
    onefold.withdraw(one, &said("of one")).unwrap();
    onefold.commit().unwrap();
    assert_eq!(end(&mut onefold, "crm:a", Mark::Restriction), 5);
    drop(reopened(onefold, &data));
    assert_eq!(marked(&data), all);
}

#[test]
fn what_was_ended_does_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    // Somebody older, to whose profile hers comes later.
    put(&mut onefold, "shop:z", Some(&row("old@example.com", "9")), 1);
    onefold.commit().unwrap();
    zora(&mut onefold);
    set(&mut onefold, "crm:a", Mark::Restriction);
    put(&mut onefold, "crm:a", None, 20);
    onefold.commit().unwrap();
    put(&mut onefold, "shop:z", Some(&row("old@example.com", "1")), 21);
    onefold.commit().unwrap();
    assert_eq!(root(&onefold, "shop:a"), root(&onefold, "shop:z"));
    assert!(!is_allowed(&onefold, "shop:z"));
    assert_eq!(end(&mut onefold, "shop:z", Mark::Restriction), 3, "that of the deleted record as well");
    joins(&mut onefold);
    put(&mut onefold, "crm:a", Some(&row(ZORA, "1")), 30);
    onefold.commit().unwrap();
    assert_eq!(members(&onefold, "crm:a"), 4);
    assert!(is_allowed(&onefold, "crm:a"));
    drop(reopened(onefold, &data));
    assert_eq!(marks(&data), []);
}

/// What a third record does to a directory.
fn join(data: &Path, options: OpenOptions) -> Result<(), Error> {
    let mut onefold = Onefold::open(data, options)?;
    for change in super::support::changes(&onefold, &event("crm", "c", Some(&row(ZORA, "1")), 10)) {
        onefold.push(&change)?;
    }
    onefold.commit().map(|_| ())
}

#[test]
fn a_stop_before_the_marks_are_set_is_made_good() {
    let folder = tempfile::tempdir().unwrap();
    let (pristine, data) = (folder.path().join("pristine"), folder.path().join("data"));
    let mut onefold = init(&pristine);
    zora(&mut onefold);
    set(&mut onefold, "crm:a", Mark::Restriction);
    set(&mut onefold, "crm:a", Mark::Hold);
    drop(onefold);
    let restore = || {
        let _ = fs::remove_dir_all(&data);
        copy(&pristine, &data);
    };
    restore();
    let disk = Faulty::new();
    let options = |disk: &Faulty| OpenOptions { storage: disk.storage(), ..OpenOptions::default() };
    let before = counts(&data);
    patiently(|| join(&data, options(&disk))).unwrap();
    let calls = disk.calls().len();
    assert_eq!(counts(&data), (before.0 + 2, before.1 + 2), "an epoch that joins, and one that marks");
    let shown = |data: &Path| {
        let onefold = open(data);
        [Table::Members, Table::Profiles].map(|table| export(&onefold, table))
    };
    let expected = shown(&data);
    let mut between = 0;
    for (what, fault) in [("crash", Faulty::crash as fn(&Faulty, usize)), ("torn write", Faulty::tear)] {
        for n in 0..calls {
            restore();
            let disk = Faulty::new();
            fault(&disk, n);
            let done = patiently(|| join(&data, options(&disk))).is_ok();
            between += usize::from(counts(&data) == (before.0 + 1, before.1));
            drop(open(&data));
            let place = format!("{what} at call {n} of {calls}");
            let joined = patiently(|| Archive::open(&data)).unwrap().finder().unwrap().record("crm:c").is_ok();
            assert!(joined || !done, "{place}");
            assert_eq!(marks(&data).len(), if joined { 6 } else { 4 }, "{place}");
            let counted = counts(&data);
            assert_eq!(counted.1, before.1 + if joined { 2 } else { 0 }, "{place}");
            patiently(|| join(&data, OpenOptions::default())).unwrap();
            assert_eq!(counts(&data).1, before.1 + 2, "{place}");
            assert_eq!(shown(&data), expected, "{place}");
        }
    }
    assert!(between > 0, "between the two epochs there is a call that can fail");
}
