//! Goal: what stewards decide always wins, is refused where it contradicts what they decided before, survives restarts,
//! rebuilds and lost commits, and ends with the records that it is about; what is refused is listed with its reason; and
//! what is shown beforehand is what then happens.
//! Method: small worlds through the whole engine, under a bundle with unique account ids, a small limit of records a
//! profile, and weak and quarantined values. Random histories with decisions are in `exact`.

use super::support::{event, export, push, read};
use onefold::ledger::{Content, Kind, verify};
use onefold::model::{Birth, Ruling, Sequence};
use onefold::pipeline::{
    Committed, Decided, ErasureRequest, Error, Held, Hypothesis, InitOptions, Onefold, OpenOptions, Preview, Scope,
    Statement, Table,
};
use onefold::policy::Bundle;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

mod ids;
mod preview;
mod program;

/// The bundle of the other tests, with things that hinder links.
fn bundle() -> Bundle {
    let mut files = super::support::bundle().files;
    let identity = "[profile]\nrecords_max = 5\n\
        [[identifier]]\nattribute = \"account_id\"\npriority = 100\nunique = true\n\
        [[identifier]]\nattribute = \"email\"\npriority = 90\nrecords_max = 20\nnames_max = 3\n\
        [[identifier]]\nattribute = \"phone\"\npriority = 40\nrecords_max = 3\nnames_max = 0\n";
    for (name, text) in &mut files {
        if name == "identity.toml" {
            *text = identity.to_owned();
        }
    }
    Bundle::compile(files).unwrap()
}

fn init(data: &Path) -> Onefold {
    Onefold::init(data, bundle(), InitOptions::default()).unwrap()
}

fn open(data: &Path) -> Onefold {
    Onefold::open(data, OpenOptions::default()).unwrap()
}

/// A record of the CRM.
fn put(onefold: &mut Onefold, key: &str, row: &Value, lsn: u64) {
    push(onefold, &event("crm", key, Some(row), lsn));
}

fn remove(onefold: &mut Onefold, key: &str, lsn: u64) {
    push(onefold, &event("crm", key, None, lsn));
}

fn birth(onefold: &Onefold, key: &str) -> Birth {
    onefold.finder().unwrap().record(&format!("crm:{key}")).unwrap()
}

fn said() -> Statement {
    Statement { by: "ada".into(), reason: "asked them".into() }
}

fn same(onefold: &Onefold, a: &str, b: &str) -> Ruling {
    Ruling::same(birth(onefold, a), birth(onefold, b))
}

fn different(onefold: &Onefold, a: &str, b: &str) -> Ruling {
    Ruling::different(birth(onefold, a), birth(onefold, b))
}

/// Decides and commits; gives the entry.
fn decide(onefold: &mut Onefold, ruling: Ruling) -> (Sequence, Committed) {
    let Decided::Taken(entry) = onefold.decide(ruling, &said()).unwrap() else { panic!("it is new") };
    (entry, onefold.commit().unwrap().unwrap())
}

/// The keys of the records of each profile.
fn profiles(onefold: &Onefold) -> BTreeSet<Vec<String>> {
    let reader = read(onefold);
    let all = reader.profiles().map(|row| {
        let (_, row) = row.unwrap();
        let mut keys: Vec<String> = row.members.iter().map(|birth| reader.name_of(*birth).unwrap().key).collect();
        keys.sort();
        keys
    });
    all.collect()
}

fn sets(expected: &[&str]) -> BTreeSet<Vec<String>> {
    expected.iter().map(|keys| keys.split(' ').map(str::to_owned).collect()).collect()
}

fn breaches(onefold: &Onefold) -> Vec<onefold::pipeline::Breach> {
    onefold.finder().unwrap().audit(|_| {}).unwrap().breaches
}

fn lose_index(data: &Path) {
    // A store that was just closed may still be putting its last file there.
    crate::support::remove_patiently(&data.join("index"));
}

/// Four people with nothing in common, but for two who share an address.
fn four(data: &Path) -> Onefold {
    let mut onefold = init(data);
    put(&mut onefold, "a", &json!({ "email": "a@example.com", "given": "Ada" }), 1);
    put(&mut onefold, "b", &json!({ "email": "b@example.com", "given": "Ada" }), 2);
    put(&mut onefold, "c", &json!({ "email": "c@example.com", "given": "Ada" }), 3);
    put(&mut onefold, "d", &json!({ "email": "c@example.com", "given": "Ada" }), 4);
    onefold.commit().unwrap();
    assert_eq!(profiles(&onefold), sets(&["a", "b", "c d"]));
    onefold
}

#[test]
fn decisions_win_and_are_withdrawn() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = four(&data);
    let ruling = same(&onefold, "a", "b");
    let (entry, done) = decide(&mut onefold, ruling);
    assert_eq!((done.merges, done.unmerges, done.new, done.retired), (1, 0, 0, 1));
    assert_eq!(onefold.decide(ruling, &said()).unwrap(), Decided::Unchanged(entry));
    assert!(onefold.commit().unwrap().is_none(), "what is decided already is nothing new");
    let ruling = different(&onefold, "d", "c");
    decide(&mut onefold, ruling);
    assert_eq!(profiles(&onefold), sets(&["a b", "c", "d"]));
    let reader = read(&onefold);
    let why = reader.why(birth(&onefold, "a"), birth(&onefold, "b")).unwrap().unwrap();
    assert_eq!((why.steps[0].kind.as_str(), why.steps[0].decision), ("steward", Some(entry)));
    let view = &reader.decisions().unwrap()[0];
    assert_eq!((view.entry, view.ruling, view.by.as_str(), view.reason.as_str()), (entry, "same", "ada", "asked them"));
    assert!(reader.evidence(birth(&onefold, "a")).unwrap().contains(&entry), "what the profile rests on");
    assert_eq!(breaches(&onefold), []);
    let ruling = same(&onefold, "a", "b");
    let ends = onefold.withdraw(ruling, &said()).unwrap();
    onefold.commit().unwrap();
    let ruling = different(&onefold, "c", "d");
    onefold.withdraw(ruling, &said()).unwrap();
    let done = onefold.commit().unwrap().unwrap();
    assert_eq!((done.merges, done.new, done.retired), (1, 0, 1));
    assert_eq!(profiles(&onefold), sets(&["a", "b", "c d"]));
    assert!(matches!(onefold.withdraw(ruling, &said()), Err(Error::NotFound { .. })));
    let entries = read(&onefold).entries(ends.0, 1).unwrap();
    assert!(matches!(&entries[0].content, Content::Review(review) if review.ends == Some(entry)));
    assert_eq!(entries[0].header.kind, Kind::Review);
    assert_eq!(breaches(&onefold), []);
    verify(&data.join("ledger"), &[], |_| {}).unwrap();
}

#[test]
fn what_is_decided_and_withdrawn_in_one_epoch_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = four(&data);
    let (one, other) = (same(&onefold, "a", "b"), different(&onefold, "c", "d"));
    let allowed = onefold.finder().unwrap().allowing("email:c@example.com").unwrap();
    for ruling in [one, other, allowed] {
        onefold.decide(ruling, &said()).unwrap();
        onefold.withdraw(ruling, &said()).unwrap();
    }
    let done = onefold.commit().unwrap().unwrap();
    assert_eq!((done.merges, done.unmerges), (0, 0));
    // And what is withdrawn and decided again goes on.
    decide(&mut onefold, one);
    onefold.withdraw(one, &said()).unwrap();
    onefold.decide(one, &said()).unwrap();
    let done = onefold.commit().unwrap().unwrap();
    assert_eq!((done.merges, done.unmerges), (0, 0));
    assert_eq!(profiles(&onefold), sets(&["a b", "c d"]));
    assert_eq!(breaches(&onefold), []);
    drop(onefold);
    assert_eq!(profiles(&open(&data)), sets(&["a b", "c d"]));
}

#[test]
fn contradictions_are_refused_with_all_that_they_contradict() {
    let folder = tempfile::tempdir().unwrap();
    let mut onefold = four(&folder.path().join("data"));
    let (ab, bc, cd) = (same(&onefold, "a", "b"), same(&onefold, "b", "c"), different(&onefold, "c", "d"));
    let ac = different(&onefold, "a", "c");
    let (first, _) = decide(&mut onefold, ab);
    let (second, _) = decide(&mut onefold, bc);
    let refused = |onefold: &mut Onefold, ruling: Ruling| match onefold.decide(ruling, &said()) {
        Err(Error::Contradiction(found)) => {
            assert_eq!(found.asked, ruling);
            found.decided.iter().map(|(entry, _)| *entry).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&mut onefold, ac), [first, second], "through b");
    let opposite = different(&onefold, "a", "b");
    assert_eq!(refused(&mut onefold, opposite), [first]);
    let (third, _) = decide(&mut onefold, cd);
    let ad = same(&onefold, "a", "d");
    assert_eq!(refused(&mut onefold, ad), [first, second, third]);
    assert!(onefold.commit().unwrap().is_none(), "what was refused left nothing");
    // A record that is gone for now still counts, for it may return.
    remove(&mut onefold, "b", 50);
    onefold.commit().unwrap();
    assert_eq!(refused(&mut onefold, ac), [first, second]);
    onefold.withdraw(bc, &said()).unwrap();
    decide(&mut onefold, ac);
}

#[test]
fn decisions_are_about_records_of_persons() {
    let folder = tempfile::tempdir().unwrap();
    let mut onefold = four(&folder.path().join("data"));
    push(
        &mut onefold,
        &json!({ "source": "consents", "event": {
            "id": "k", "email": "a@example.com", "purpose": "marketing", "status": "given", "at": "2026-01-05T00:00:00Z",
        }}),
    );
    onefold.commit().unwrap();
    let a = birth(&onefold, "a");
    let consent = onefold.finder().unwrap().record("consents:k").unwrap();
    for (ruling, wrong) in
        [(Ruling::same(a, a), true), (Ruling::same(a, consent), true), (Ruling::same(a, Birth(99)), false)]
    {
        match onefold.decide(ruling, &said()) {
            Err(Error::BadName { .. }) => assert!(wrong, "{ruling:?}"),
            Err(Error::NotFound { .. }) => assert!(!wrong, "{ruling:?}"),
            other => panic!("{other:?}"),
        }
    }
    let ruling = same(&onefold, "a", "b");
    for (by, reason) in [("", "x"), ("x", " "), ("x\ny", "x"), ("x", &"y".repeat(2_001))] {
        let statement = Statement { by: by.into(), reason: reason.into() };
        assert!(matches!(onefold.decide(ruling, &statement), Err(Error::BadName { .. })), "{by:?} {reason:?}");
    }
    assert!(onefold.commit().unwrap().is_none());
}

#[test]
fn decisions_survive_restart_rebuild_and_a_lost_commit() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = four(&data);
    let (ab, cd) = (same(&onefold, "a", "b"), different(&onefold, "c", "d"));
    decide(&mut onefold, ab);
    // Acknowledged, never committed: the next opening commits it.
    onefold.decide(cd, &said()).unwrap();
    onefold.acknowledge().unwrap();
    drop(onefold);
    let check = |onefold: &mut Onefold| {
        assert_eq!(profiles(onefold), sets(&["a b", "c", "d"]));
        assert_eq!(read(onefold).decisions().unwrap().len(), 2);
        assert_eq!(breaches(onefold), []);
        assert!(matches!(onefold.decide(cd, &said()), Ok(Decided::Unchanged(_))));
        let opposite = different(onefold, "a", "b");
        assert!(matches!(onefold.decide(opposite, &said()), Err(Error::Contradiction(_))));
    };
    check(&mut open(&data));
    check(&mut open(&data));
    lose_index(&data);
    check(&mut open(&data));
    let mut onefold = open(&data);
    // What the dataflow was told at the opening it can be told to be over.
    onefold.withdraw(ab, &said()).unwrap();
    onefold.withdraw(cd, &said()).unwrap();
    onefold.commit().unwrap();
    assert_eq!(profiles(&onefold), sets(&["a", "b", "c d"]));
    drop(onefold);
    lose_index(&data);
    assert_eq!(profiles(&open(&data)), sets(&["a", "b", "c d"]));
}

#[test]
fn decisions_about_a_deleted_record_wait_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = four(&data);
    let (ab, cd) = (same(&onefold, "a", "b"), different(&onefold, "c", "d"));
    decide(&mut onefold, ab);
    remove(&mut onefold, "b", 50);
    remove(&mut onefold, "d", 51);
    onefold.commit().unwrap();
    decide(&mut onefold, cd);
    assert_eq!(profiles(&onefold), sets(&["a", "c"]));
    drop(onefold);
    let mut onefold = open(&data);
    put(&mut onefold, "b", &json!({ "email": "elsewhere@example.com" }), 60);
    put(&mut onefold, "d", &json!({ "email": "c@example.com", "given": "Ada" }), 61);
    onefold.commit().unwrap();
    assert_eq!(profiles(&onefold), sets(&["a b", "c", "d"]));
    assert_eq!(breaches(&onefold), []);
}

#[test]
fn a_decision_ends_with_a_record_that_is_erased() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = four(&data);
    put(&mut onefold, "e", &json!({ "email": "e@example.com" }), 5);
    onefold.commit().unwrap();
    for (one, other) in [("a", "b"), ("b", "e")] {
        let ruling = same(&onefold, one, other);
        decide(&mut onefold, ruling);
    }
    let kept = different(&onefold, "c", "d");
    let (kept, _) = decide(&mut onefold, kept);
    assert_eq!(profiles(&onefold), sets(&["a b e", "c", "d"]));
    let request = ErasureRequest { request: "DSR-1".into(), ground: "GDPR Art. 17(1)(a)".into(), due_days: 30 };
    let b = birth(&onefold, "b");
    onefold.erase(Scope::Record(b), &request).unwrap();
    let check = |onefold: &Onefold| {
        assert_eq!(profiles(onefold), sets(&["a", "c", "d", "e"]));
        let decisions = read(onefold).decisions().unwrap();
        assert_eq!(decisions.iter().map(|view| view.entry).collect::<Vec<_>>(), [kept]);
        assert_eq!(breaches(onefold), []);
        let entries = read(onefold).entries(0, u64::MAX).unwrap();
        let readable = entries.iter().filter(|entry| matches!(entry.content, Content::Review(_))).count();
        let sealed = entries.iter().filter(|entry| entry.header.kind == Kind::Review).count();
        assert_eq!((readable, sealed), (1, 3), "the others cannot be read by anybody");
        verify(&data.join("ledger"), &[], |_| {}).unwrap();
    };
    check(&onefold);
    drop(onefold);
    check(&open(&data));
    lose_index(&data);
    check(&open(&data));
    Onefold::redact(&data, OpenOptions::default(), true, |_, _| {}).unwrap();
    check(&open(&data));
    let mut onefold = open(&data);
    let ruling = different(&onefold, "a", "e");
    decide(&mut onefold, ruling);
}

#[test]
fn an_allowed_identifier_joins_all_and_ends_with_its_carrier() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    for (key, lsn) in ["a", "b", "c", "d"].iter().zip(1..) {
        put(&mut onefold, key, &json!({ "phone": "+4915112345000", "given": key }), lsn);
    }
    onefold.commit().unwrap();
    assert_eq!(profiles(&onefold), sets(&["a", "b", "c", "d"]), "four records have the number, three may");
    let listed = |onefold: &Onefold| {
        let (all, count) = read(onefold).guarded(10).unwrap();
        assert_eq!(all.len() as u64, count);
        all.into_iter().map(|view| (view.kind, view.value, view.records, view.names, view.state)).collect::<Vec<_>>()
    };
    let number = Some("+4915112345000".to_owned());
    assert_eq!(listed(&onefold), [("phone".to_owned(), number.clone(), 4, 4, Held::Quarantined)]);
    let ruling = onefold.finder().unwrap().allowing("phone:+49 151 12345000").unwrap();
    let preview = read(&onefold).preview(Hypothesis::Decide(ruling)).unwrap();
    assert_eq!(groups(&preview), (sets(&["a", "b", "c", "d"]), sets(&["a b c d"])));
    decide(&mut onefold, ruling);
    let check = |onefold: &Onefold| {
        assert_eq!(profiles(onefold), sets(&["a b c d"]));
        assert_eq!(listed(onefold), [("phone".to_owned(), number.clone(), 4, 4, Held::Allowed)]);
        assert_eq!(breaches(onefold), []);
    };
    check(&onefold);
    drop(onefold);
    check(&open(&data));
    lose_index(&data);
    let mut onefold = open(&data);
    check(&onefold);
    let preview = read(&onefold).preview(Hypothesis::Withdraw(ruling)).unwrap();
    assert_eq!(groups(&preview), (sets(&["a b c d"]), sets(&["a", "b", "c", "d"])));
    // Sealed under the key of the first that carried it.
    let request = ErasureRequest { request: "DSR-2".into(), ground: "GDPR Art. 17(1)(a)".into(), due_days: 30 };
    let a = birth(&onefold, "a");
    onefold.erase(Scope::Record(a), &request).unwrap();
    assert_eq!(profiles(&onefold), sets(&["b c d"]), "three may have it");
    assert_eq!(listed(&onefold), []);
    put(&mut onefold, "e", &json!({ "phone": "+4915112345000", "given": "e" }), 9);
    onefold.commit().unwrap();
    assert_eq!(profiles(&onefold), sets(&["b", "c", "d", "e"]));
    assert_eq!(breaches(&onefold), []);
    drop(onefold);
    lose_index(&data);
    let mut onefold = open(&data);
    assert_eq!((profiles(&onefold), breaches(&onefold)), (sets(&["b", "c", "d", "e"]), vec![]));
    let ruling = onefold.finder().unwrap().allowing("phone:+4915112345000").unwrap();
    decide(&mut onefold, ruling);
    onefold.withdraw(ruling, &said()).unwrap();
    onefold.commit().unwrap();
    assert_eq!(profiles(&onefold), sets(&["b", "c", "d", "e"]));
}

/// The records of each profile before and after.
fn groups(preview: &Preview) -> (BTreeSet<Vec<String>>, BTreeSet<Vec<String>>) {
    let keys = |groups: &[onefold::pipeline::Group]| {
        let keys = groups.iter().map(|group| {
            let mut keys: Vec<String> = group.records.iter().map(|record| record.key.clone()).collect();
            keys.sort();
            keys
        });
        keys.collect()
    };
    (keys(&preview.before), keys(&preview.after))
}

#[test]
fn conflicts_are_listed_with_their_reason() {
    let folder = tempfile::tempdir().unwrap();
    let mut onefold = init(&folder.path().join("data"));
    // Two account ids on one address.
    put(&mut onefold, "a", &json!({ "email": "ab@example.com", "account": "A1", "given": "Ada" }), 1);
    put(&mut onefold, "b", &json!({ "email": "ab@example.com", "account": "B1", "given": "Ada" }), 2);
    // A family's address.
    put(&mut onefold, "f", &json!({ "email": "family.x@example.com", "given": "Fred" }), 3);
    put(&mut onefold, "g", &json!({ "email": "family.x@example.com", "given": "Greta" }), 4);
    put(&mut onefold, "h", &json!({ "email": "family.x@example.com", "given": "Fred" }), 5);
    // More than five records.
    for (place, key) in ["s1", "s2", "s3", "s4", "s5", "s6"].iter().enumerate() {
        put(&mut onefold, key, &json!({ "email": "s@example.com", "given": "Sam" }), 10 + place as u64);
    }
    onefold.commit().unwrap();
    let expected = profiles(&onefold);
    for keys in sets(&["a", "b", "f h", "g"]) {
        assert!(expected.contains(&keys), "{keys:?} in {expected:?}");
    }
    let found = read(&onefold).questions(10, false).unwrap();
    let told: Vec<(&str, &str, &str)> =
        found.open.iter().map(|view| (view.obstacle, view.ground.value.as_str(), view.ground.kind.as_str())).collect();
    assert_eq!((found.count, found.decided), (2, 0));
    assert!(told.contains(&("unique", "ab@example.com", "email")), "{told:?}");
    assert!(told.contains(&("size", "s@example.com", "email")), "{told:?}");
    let conflict = found.open.iter().find(|view| view.obstacle == "unique").unwrap();
    assert!(conflict.reason.contains("different values of account_id"), "{}", conflict.reason);
    let mut keys = [conflict.from.key.as_str(), conflict.to.key.as_str()];
    keys.sort_unstable();
    assert_eq!(keys, ["a", "b"]);
    assert_eq!(read(&onefold).questions(1, false).unwrap().open.len(), 1, "the strongest, and how many");
    // A weak value does not join different names: it is listed as an identifier.
    let (held, _) = read(&onefold).guarded(10).unwrap();
    let family = held.iter().find(|view| view.value.as_deref() == Some("family.x@example.com")).unwrap();
    assert_eq!((family.state, family.records, family.names), (Held::Weak, 3, 2));

    let ruling = different(&onefold, "a", "b");
    let (entry, _) = decide(&mut onefold, ruling);
    let found = read(&onefold).questions(10, false).unwrap();
    assert_eq!((found.count, found.decided), (1, 1), "what is decided is counted");
    let found = read(&onefold).questions(10, true).unwrap();
    let decided = found.open.iter().find(|view| view.ground.value == "ab@example.com").unwrap();
    assert_eq!((decided.obstacle, decided.decided), ("different", Some(entry)));
    assert!(decided.reason.contains("crm:a and crm:b are different persons"), "{}", decided.reason);
    onefold.withdraw(ruling, &said()).unwrap();
    let ruling = same(&onefold, "a", "b");
    decide(&mut onefold, ruling);
    let found = read(&onefold).questions(10, true).unwrap();
    assert_eq!((found.count, found.decided), (1, 0), "they are one profile now");
    // What is refused goes when its records do.
    for (place, key) in ["s1", "s2", "s3", "s4", "s5", "s6"].iter().enumerate() {
        remove(&mut onefold, key, 30 + place as u64);
    }
    onefold.commit().unwrap();
    assert_eq!(read(&onefold).questions(10, true).unwrap(), onefold::pipeline::Questions::default());
}

#[test]
fn the_list_survives_a_rebuild() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    for (place, key) in ["a", "b", "c", "d"].iter().enumerate() {
        let row = json!({ "email": "all@example.com", "account": format!("A{key}"), "given": "Ada" });
        put(&mut onefold, key, &row, 1 + place as u64);
        onefold.commit().unwrap();
    }
    let listed = read(&onefold).questions(100, true).unwrap();
    assert!(listed.count >= 3, "{listed:?}");
    drop(onefold);
    assert_eq!(read(&open(&data)).questions(100, true).unwrap(), listed);
    lose_index(&data);
    assert_eq!(read(&open(&data)).questions(100, true).unwrap(), listed);
}
