//! Goal: an erased person is gone for good, and nothing else is: keys, index, profiles and exports know nothing of them,
//! the chain verifies, and other people's evidence stays whole.
//! Method: small worlds through the whole engine; the directory is opened again, rebuilt, redacted and searched. That
//! erasures fit into any history is for `exact` to show.

use super::faults::Faulty;
use super::ledger_faults::{copy, is_gone};
use super::support::{changes, event, export, init, open, patiently, push, read};
use onefold::ledger::{Content, Kind, verify};
use onefold::model::Birth;
use onefold::pipeline::{Erased, ErasureRequest, Error, Onefold, OpenOptions, Outcome, Scope, Table};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn request() -> ErasureRequest {
    ErasureRequest { request: "DSR-2026-17".into(), ground: "GDPR Art. 17(1)(a)".into(), due_days: 30 }
}

fn person(email: &str, phone: &str) -> Value {
    json!({ "email": email, "phone": phone, "family": "Quimby", "given": "Zora", "city": "Cork" })
}

fn consent(key: &str, email: &str, status: &str) -> Value {
    json!({ "source": "consents", "event": {
        "id": key, "email": email, "purpose": "marketing", "status": status, "at": "2026-01-05T00:00:00Z",
    }})
}

/// Two people who shared a phone number once and were one profile then.
fn two_people(data: &Path) -> Onefold {
    let mut onefold = init(data);
    push(&mut onefold, &event("crm", "a", Some(&person("zora@example.com", "+4915112345000")), 1));
    push(&mut onefold, &event("shop", "a", Some(&person("zora@example.com", "")), 2));
    push(&mut onefold, &event("crm", "b", Some(&person("other@example.com", "+4915112345000")), 3));
    push(&mut onefold, &event("shop", "b", Some(&person("other@example.com", "")), 4));
    push(&mut onefold, &consent("c-a", "zora@example.com", "given"));
    push(&mut onefold, &consent("c-b", "other@example.com", "given"));
    onefold.commit().unwrap();
    assert_eq!(root(&onefold, "crm:a"), root(&onefold, "crm:b"), "one profile while they share the number");
    push(&mut onefold, &event("crm", "a", Some(&person("zora@example.com", "+4915112345900")), 5));
    onefold.commit().unwrap();
    assert_ne!(root(&onefold, "crm:a"), root(&onefold, "crm:b"));
    onefold
}

fn root(onefold: &Onefold, name: &str) -> Birth {
    onefold.finder().unwrap().profiles_of(name).unwrap()[0]
}

fn erase(onefold: &mut Onefold, name: &str) -> Erased {
    let root = root(onefold, name);
    onefold.erase(Scope::Person(root), &request()).unwrap()
}

fn breaches(onefold: &Onefold) -> usize {
    onefold.finder().unwrap().audit(|_| {}).unwrap().breaches.len()
}

/// Everything that the entries say to who has the keys now.
fn said(onefold: &Onefold) -> Vec<(Kind, Content)> {
    let entries = read(onefold).entries(0, u64::MAX).unwrap();
    entries.into_iter().map(|entry| (entry.header.kind, entry.content)).collect()
}

fn exports(onefold: &Onefold) -> [String; 3] {
    [Table::Members, Table::Profiles, Table::Consents].map(|table| export(onefold, table))
}

#[test]
fn a_person_goes_and_the_other_stays_whole() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = two_people(&data);
    let kept = |content: &Content| matches!(content, Content::Received(r) if r.key == "b" || r.key == "c-b");
    let before = said(&onefold).into_iter().filter(|(_, content)| kept(content)).count();
    let opened = |onefold: &Onefold| said(onefold).iter().filter(|(_, c)| matches!(c, Content::Erased { .. })).count();
    assert_eq!(opened(&onefold), 0);
    let erased = erase(&mut onefold, "email:zora@example.com");
    assert_eq!((erased.records, erased.consents, erased.entries.len()), (3, 1, 1), "two records and a consent");
    let check = |onefold: &Onefold| {
        assert!(matches!(onefold.finder().unwrap().profiles_of("crm:a"), Err(Error::NotFound { .. })));
        assert!(matches!(onefold.finder().unwrap().profiles_of("email:zora@example.com"), Err(Error::NotFound { .. })));
        let profile = read(onefold).profile(root(onefold, "crm:b"), None).unwrap();
        assert_eq!(profile.members.len(), 2);
        assert!(profile.values.iter().any(|value| value.value == "other@example.com"));
        assert_eq!(breaches(onefold), 0);
        assert_eq!(said(onefold).into_iter().filter(|(_, content)| kept(content)).count(), before);
        let text = format!("{:?}", said(onefold));
        assert!(!text.contains("zora@example.com") && !text.contains("4915112345900"), "no entry opens to her values");
        verify(&data.join("ledger"), &[], |_| {}).unwrap();
    };
    check(&onefold);
    let all = exports(&onefold);
    drop(onefold);
    let onefold = open(&data);
    check(&onefold);
    assert_eq!(exports(&onefold), all, "after opening again");
    drop(onefold);
    fs::remove_dir_all(data.join("index")).unwrap();
    let onefold = open(&data);
    check(&onefold);
    assert_eq!(exports(&onefold), all, "after the index was built anew");
    let gone = opened(&onefold);
    assert!(gone >= 6, "received twice, shop, consent, merges, values: {gone}");
    drop(onefold);
    let redacted = Onefold::redact(&data, OpenOptions::default(), true, |_, _| {}).unwrap();
    assert_eq!(redacted.entries, gone as u64, "the ciphertext of each entry that no longer opens");
    let report = verify(&data.join("ledger"), &[], |_| {}).unwrap();
    assert_eq!((report.redacted, report.erasures), (gone as u64, 1));
    let onefold = open(&data);
    check(&onefold);
    assert_eq!(exports(&onefold), all, "after the ciphertexts were deleted");
    assert!(onefold.erasures().unwrap().iter().all(|erasure| erasure.redacted));
    assert!(Onefold::redact(&folder.path().join("data2"), OpenOptions::default(), true, |_, _| {}).is_err());
}

#[test]
fn who_was_erased_is_refused_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = two_people(&data);
    erase(&mut onefold, "crm:a");
    let again = [
        event("crm", "a", Some(&person("zora@example.com", "+4915112345900")), 50),
        event("crm", "a", None, 51),
        event("crm", "z", Some(&person("Zora@Example.com", "")), 52),
        event("crm", "y", Some(&person("", "+49 151 12345900")), 53),
        consent("c-z", "zora@example.com", "given"),
    ];
    for _ in 0..2 {
        for line in &again {
            for change in changes(&onefold, line) {
                assert_eq!(onefold.push(&change).unwrap(), Outcome::Erased, "{line}");
            }
        }
        onefold.commit().unwrap();
        drop(onefold);
        onefold = open(&data);
    }
    assert_eq!(onefold.refused().unwrap(), 2 * again.len() as u64);
    assert!(!format!("{:?}", said(&onefold)).contains("zora"), "nothing of what was refused is kept");
    // The number that both had belongs to who still has it.
    push(&mut onefold, &event("shop", "b2", Some(&person("other@example.com", "+4915112345000")), 60));
    onefold.commit().unwrap();
    assert_eq!(root(&onefold, "shop:b2"), root(&onefold, "crm:b"));
}

#[test]
fn deleted_records_and_refused_messages_go_with_the_person() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = two_people(&data);
    push(&mut onefold, &event("shop", "a", None, 10));
    push(&mut onefold, &consent("c-bad", "zora@example.com", "perhaps"));
    onefold.commit().unwrap();
    assert_eq!(read(&onefold).quarantined_records(9).unwrap().len(), 1);
    drop(onefold);
    let mut onefold = open(&data);
    let erased = erase(&mut onefold, "crm:a");
    assert_eq!((erased.records, erased.consents, erased.rejected), (3, 1, 1), "the deleted one is of the person");
    assert!(read(&onefold).quarantined_records(9).unwrap().is_empty());
    assert!(!format!("{:?}", said(&onefold)).contains("zora"));
    drop(onefold);
    fs::remove_dir_all(data.join("index")).unwrap();
    assert_eq!(breaches(&open(&data)), 0);
}

#[test]
fn a_request_names_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut onefold = two_people(&folder.path().join("data"));
    let root = root(&onefold, "crm:a");
    for (reference, ground) in [("", "g"), ("zora@example.com", "g"), ("a b", "g"), ("ok", ""), ("ok", "a@b")] {
        let request = ErasureRequest { request: reference.into(), ground: ground.into(), due_days: 1 };
        assert!(matches!(onefold.erase(Scope::Person(root), &request), Err(Error::BadName { .. })), "{reference:?}");
    }
    assert!(matches!(onefold.erase(Scope::Record(Birth(999)), &request()), Err(Error::NotFound { .. })));
    assert!(onefold.commit().unwrap().is_none(), "nothing was begun");
}

/// The files below a folder that hold these bytes.
pub(super) fn holding(folder: &Path, needle: &[u8]) -> usize {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| match path.is_dir() {
            true => holding(&path, needle),
            false => usize::from(fs::read(&path).unwrap().windows(needle.len()).any(|window| window == needle)),
        })
        .sum()
}

#[test]
fn redaction_leaves_no_keyed_hash_in_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = two_people(&data);
    let id = read(&onefold).profile(root(&onefold, "crm:a"), None).unwrap().id;
    let name = id.0.0.to_be_bytes();
    assert!(holding(&data.join("index"), &name) > 0, "what is looked for can be found");
    erase(&mut onefold, "crm:a");
    drop(onefold);
    Onefold::redact(&data, OpenOptions::default(), true, |_, _| {}).unwrap();
    assert_eq!(holding(&data, &name), 0);
    assert_eq!(holding(&data, id.0.0.to_le_bytes().as_slice()), 0);
    assert_eq!(breaches(&open(&data)), 0);
}

/// Whether the profile of a record may be used for marketing.
fn allowed(onefold: &Onefold, name: &str) -> bool {
    let purpose = onefold.schema().purpose("marketing").unwrap();
    onefold.finder().unwrap().permission(root(onefold, name), purpose).unwrap().allowed
}

fn record(onefold: &Onefold, name: &str) -> Birth {
    onefold.finder().unwrap().record(name).unwrap()
}

/// Looks at a directory as it is, opened again, and with its index built anew.
fn in_every_way(data: &Path, onefold: Onefold, check: impl Fn(&Onefold)) -> Onefold {
    check(&onefold);
    drop(onefold);
    let onefold = open(data);
    check(&onefold);
    drop(onefold);
    fs::remove_dir_all(data.join("index")).unwrap();
    let onefold = open(data);
    check(&onefold);
    assert_eq!(breaches(&onefold), 0);
    verify(&data.join("ledger"), &[], |_| {}).unwrap();
    onefold
}

#[test]
fn who_was_held_together_by_an_erased_record_comes_apart_and_stays_bound() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    // A and B share an account, B and C a number.
    push(&mut onefold, &event("crm", "a", Some(&json!({ "email": "a@example.com", "account": "1" })), 1));
    push(&mut onefold, &event("crm", "b", Some(&json!({ "account": "1", "phone": "+4915112345000" })), 2));
    push(&mut onefold, &event("crm", "c", Some(&json!({ "email": "c@example.com", "phone": "+4915112345000" })), 3));
    push(&mut onefold, &consent("given-c", "c@example.com", "given"));
    push(&mut onefold, &consent("given-a", "a@example.com", "given"));
    onefold.commit().unwrap();
    assert_eq!(root(&onefold, "crm:a"), root(&onefold, "crm:c"));
    assert!(allowed(&onefold, "crm:c"));
    push(&mut onefold, &consent("ended", "a@example.com", "withdrawn"));
    onefold.commit().unwrap();
    assert!(!allowed(&onefold, "crm:c"), "while they are together it is one person who withdrew");
    let joined = record(&onefold, "crm:b");
    let erased = onefold.erase(Scope::Record(joined), &request()).unwrap();
    assert_eq!((erased.records, erased.consents), (1, 0));
    let mut onefold = in_every_way(&data, onefold, |onefold| {
        assert_ne!(root(onefold, "crm:a"), root(onefold, "crm:c"), "nothing holds them together");
        assert!(
            !allowed(onefold, "crm:a") && !allowed(onefold, "crm:c"),
            "each keeps what was withdrawn while together"
        );
        let merges = said(onefold).into_iter().filter(|(_, content)| matches!(content, Content::Merge(_))).count();
        assert_eq!(merges, 0, "what joined the erased record opens to nobody");
    });
    // What the two others have with the erased one is theirs and not buried; only the erased record is refused.
    for (key, row) in [("a", json!({ "account": "1" })), ("c", json!({ "email": "c@example.com" }))] {
        push(&mut onefold, &event("shop", key, Some(&row), 9));
    }
    let again = changes(&onefold, &event("crm", "b", Some(&json!({ "account": "1" })), 10));
    assert_eq!(onefold.push(&again[0]).unwrap(), Outcome::Erased);
    // A later consent of C lifts it for C alone.
    let later = json!({ "source": "consents", "event": {
        "id": "later", "email": "c@example.com", "purpose": "marketing", "status": "given", "at": "2026-02-05T00:00:00Z" } });
    push(&mut onefold, &later);
    onefold.commit().unwrap();
    in_every_way(&data, onefold, |onefold| {
        assert_eq!(root(onefold, "shop:a"), root(onefold, "crm:a"));
        assert_eq!(root(onefold, "shop:c"), root(onefold, "crm:c"));
        assert!(allowed(onefold, "crm:c") && !allowed(onefold, "crm:a"));
    });
}

#[test]
fn who_was_merged_by_mistake_loses_nothing_by_the_others_erasure() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    let family = "+4915112345700";
    let relative = |phone: &str| json!({ "email": "abel@example.com", "phone": phone, "city": "Bonn" });
    push(&mut onefold, &event("crm", "zora", Some(&person("zora@example.com", family)), 1));
    push(&mut onefold, &event("crm", "abel", Some(&relative(family)), 2));
    push(&mut onefold, &event("shop", "abel", Some(&json!({ "email": "abel@example.com", "city": "Bonn" })), 3));
    push(&mut onefold, &consent("c-zora", "zora@example.com", "given"));
    push(&mut onefold, &consent("c-abel", "abel@example.com", "given"));
    onefold.commit().unwrap();
    assert_eq!(root(&onefold, "crm:zora"), root(&onefold, "crm:abel"), "one profile by the family's number");
    let (zora, abel) = (record(&onefold, "crm:zora"), record(&onefold, "crm:abel"));
    // Whoever asks is told apart first, or the erasure would take both.
    let word = onefold::pipeline::Statement { by: "grace".into(), reason: "two people".into() };
    onefold.decide(onefold::model::Ruling::different(zora, abel), &word).unwrap();
    onefold.commit().unwrap();
    let received = |onefold: &Onefold| {
        let mine = |content: &Content| matches!(content, Content::Received(r) if r.key == "abel" || r.key == "c-abel");
        said(onefold).into_iter().filter(|(_, content)| mine(content)).count()
    };
    let before = (received(&onefold), read(&onefold).profile(root(&onefold, "crm:abel"), None).unwrap());
    let erased = erase(&mut onefold, "crm:zora");
    assert_eq!((erased.records, erased.consents), (2, 1), "her record and her consent");
    let mut onefold = in_every_way(&data, onefold, |onefold| {
        let mine = read(onefold).profile(root(onefold, "crm:abel"), None).unwrap();
        assert_eq!((mine.members, mine.permissions), (before.1.members.clone(), before.1.permissions.clone()));
        let values = |view: &[onefold::pipeline::ValueView]| -> Vec<_> {
            view.iter().map(|value| (value.attribute.clone(), value.value.clone(), value.received)).collect()
        };
        assert_eq!(values(&mine.values), values(&before.1.values));
        assert_eq!(received(onefold), before.0, "his entries open as before");
        let why = read(onefold).why(record(onefold, "crm:abel"), record(onefold, "shop:abel")).unwrap();
        assert_eq!(why.unwrap().steps.len(), 1, "the evidence between his records stands");
        assert!(allowed(onefold, "crm:abel"));
    });
    // The number that both had refuses none of his records; hers are refused.
    push(&mut onefold, &event("crm", "abel", Some(&relative(family)), 8));
    push(&mut onefold, &event("crm", "abel2", Some(&json!({ "phone": family })), 9));
    for (key, email) in [("zora", "new@example.com"), ("zora2", "zora@example.com")] {
        let again = changes(&onefold, &event("crm", key, Some(&person(email, family)), 10));
        assert_eq!(onefold.push(&again[0]).unwrap(), Outcome::Erased, "{key}");
    }
    onefold.commit().unwrap();
    assert_eq!(root(&onefold, "crm:abel2"), root(&onefold, "crm:abel"));
    assert_eq!(onefold.refused().unwrap(), 2);
}

#[test]
fn an_erasure_that_is_cut_off_is_completed_by_the_next_opening() {
    let folder = tempfile::tempdir().unwrap();
    let (pristine, data) = (folder.path().join("pristine"), folder.path().join("data"));
    let mut onefold = init(&pristine);
    for (key, email) in [("a", "zora@example.com"), ("b", "other@example.com")] {
        push(&mut onefold, &event("crm", key, Some(&person(email, "")), 1));
        push(&mut onefold, &consent(&format!("c-{key}"), email, "given"));
    }
    onefold.commit().unwrap();
    assert!(allowed(&onefold, "crm:a") && allowed(&onefold, "crm:b"));
    drop(onefold);
    let erase = |disk: &Faulty| -> Result<(), Error> {
        let options = || OpenOptions { storage: disk.storage(), ..OpenOptions::default() };
        let mut onefold = patiently(|| Onefold::open(&data, options()))?;
        let root = onefold.finder()?.profiles_of("crm:a")?[0];
        onefold.erase(Scope::Person(root), &request()).map(|_| ())
    };
    copy(&pristine, &data);
    let disk = Faulty::new();
    erase(&disk).unwrap();
    let mut between = 0;
    for n in 0..disk.calls().len() {
        fs::remove_dir_all(&data).unwrap();
        copy(&pristine, &data);
        let disk = Faulty::new();
        disk.crash(n);
        let done = erase(&disk).is_ok();
        let destroyed = is_gone(&data);
        let mut onefold = open(&data);
        if onefold.finder().unwrap().profiles_of("crm:a").is_ok() {
            assert!(!done && !destroyed && allowed(&onefold, "crm:a"), "call {n}: nothing was begun");
            continue;
        }
        between += usize::from(!destroyed);
        assert!(is_gone(&data), "call {n}: the keys are destroyed");
        let text = format!("{:?}", said(&onefold));
        assert!(!text.contains("zora@example.com") && text.contains("other@example.com"), "call {n}");
        let consents = export(&onefold, Table::Consents);
        assert_eq!(consents.lines().count(), 2, "call {n}: of one person: {consents}");
        assert!(allowed(&onefold, "crm:b"), "call {n}");
        for line in
            [event("shop", "z", Some(&person("zora@example.com", "")), 9), consent("c-a", "zora@example.com", "given")]
        {
            for change in changes(&onefold, &line) {
                assert_eq!(onefold.push(&change).unwrap(), Outcome::Erased, "call {n}");
            }
        }
        onefold.commit().unwrap();
        assert_eq!((onefold.refused().unwrap(), breaches(&onefold)), (2, 0), "call {n}");
        verify(&data.join("ledger"), &[], |_| {}).unwrap_or_else(|error| panic!("call {n}: {error}"));
    }
    assert!(between > 0, "no crash fell between the commit and the end of the keys");
}

#[test]
fn what_the_person_was_known_by_before_goes_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    push(&mut onefold, &event("crm", "a", Some(&person("zora.old@example.com", "+4915112345000")), 1));
    push(&mut onefold, &event("crm", "b", Some(&person("other@example.com", "+4915112345777")), 2));
    push(&mut onefold, &consent("c-old", "zora.old@example.com", "given"));
    onefold.commit().unwrap();
    push(&mut onefold, &event("crm", "a", Some(&person("zora@example.com", "+4915112345111")), 5));
    // The number that she gave up is somebody else's by now.
    push(&mut onefold, &event("crm", "c", Some(&person("third@example.com", "+4915112345000")), 6));
    push(&mut onefold, &consent("c-third", "third@example.com", "given"));
    onefold.commit().unwrap();
    drop(onefold);
    let mut onefold = open(&data);
    let erased = erase(&mut onefold, "crm:a");
    assert_eq!((erased.records, erased.consents), (2, 1));
    let left = format!("{:?}", said(&onefold));
    assert!(!left.contains("zora") && left.contains("third@example.com"));
    for line in [
        event("crm", "d", Some(&person("Zora.Old@example.com", "")), 50),
        consent("c-new", "zora.old@example.com", "given"),
    ] {
        for change in changes(&onefold, &line) {
            assert_eq!(onefold.push(&change).unwrap(), Outcome::Erased, "{line}");
        }
    }
    push(&mut onefold, &event("crm", "e", Some(&person("fifth@example.com", "+4915112345000")), 51));
    onefold.commit().unwrap();
    assert_eq!(root(&onefold, "crm:e"), root(&onefold, "crm:c"));
    assert_eq!(breaches(&onefold), 0);
}

#[test]
fn a_record_that_was_deleted_leads_to_its_person_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = two_people(&data);
    // The one that named the profile, so that the other goes on.
    push(&mut onefold, &event("crm", "a", None, 10));
    onefold.commit().unwrap();
    drop(onefold);
    let mut onefold = open(&data);
    let erased = erase(&mut onefold, "shop:a");
    assert_eq!((erased.records, erased.consents), (3, 1));
    assert!(!format!("{:?}", said(&onefold)).contains("zora"));
    let again = event("crm", "a", Some(&person("new@example.com", "")), 50);
    for change in changes(&onefold, &again) {
        assert_eq!(onefold.push(&change).unwrap(), Outcome::Erased);
    }
}

#[test]
fn a_deleted_record_is_of_the_profile_that_its_own_became_a_part_of() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = two_people(&data);
    // Hers ends with the record that named it, goes on under the shop's, and is joined to the other one.
    push(&mut onefold, &event("crm", "b", Some(&person("third@example.com", "")), 9));
    push(&mut onefold, &event("shop", "b", Some(&person("fourth@example.com", "")), 10));
    push(&mut onefold, &event("crm", "0", Some(&person("zora.two@example.com", "+4915112345900")), 11));
    onefold.commit().unwrap();
    push(&mut onefold, &event("shop", "a", None, 12));
    onefold.commit().unwrap();
    push(&mut onefold, &event("crm", "b", Some(&person("zora@example.com", "+4915112345900")), 13));
    onefold.commit().unwrap();
    push(&mut onefold, &event("crm", "a", None, 14));
    onefold.commit().unwrap();
    for _ in 0..2 {
        drop(onefold);
        onefold = open(&data);
    }
    erase(&mut onefold, "crm:0");
    for key in ["a", "0"] {
        let line = event("crm", key, Some(&person("any@example.com", "")), 50);
        for change in changes(&onefold, &line) {
            assert_eq!(onefold.push(&change).unwrap(), Outcome::Erased, "{key}");
        }
    }
    for change in changes(&onefold, &event("shop", "a", Some(&person("any@example.com", "")), 51)) {
        assert_eq!(onefold.push(&change).unwrap(), Outcome::Erased, "deleted while it was hers");
    }
}
