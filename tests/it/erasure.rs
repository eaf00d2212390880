//! Goal: an erased person is gone for good, and nothing else is: keys, index, profiles and exports know nothing of them,
//! the chain verifies, and other people's evidence stays whole.
//! Method: small worlds through the whole engine; the directory is opened again, rebuilt, redacted and searched. That
//! erasures fit into any history is for `exact` to show.

use super::support::{changes, event, export, init, open, push};
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
    onefold.reader().unwrap().profiles_of(name).unwrap()[0]
}

fn erase(onefold: &mut Onefold, name: &str) -> Erased {
    let root = root(onefold, name);
    onefold.erase(Scope::Person(root), &request()).unwrap()
}

fn breaches(onefold: &Onefold) -> usize {
    onefold.reader().unwrap().audit(|_| {}).unwrap().breaches.len()
}

/// Everything that the entries say to who has the keys now.
fn said(onefold: &Onefold) -> Vec<(Kind, Content)> {
    let entries = onefold.reader().unwrap().entries(0, u64::MAX).unwrap();
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
        assert!(matches!(onefold.reader().unwrap().profiles_of("crm:a"), Err(Error::NotFound { .. })));
        assert!(matches!(onefold.reader().unwrap().profiles_of("email:zora@example.com"), Err(Error::NotFound { .. })));
        let profile = onefold.reader().unwrap().profile(root(onefold, "crm:b"), None).unwrap();
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
    assert_eq!(onefold.reader().unwrap().quarantined_records(9).unwrap().len(), 1);
    let erased = erase(&mut onefold, "crm:a");
    assert_eq!((erased.records, erased.consents, erased.rejected), (3, 1, 1), "the deleted one is of the person");
    assert!(onefold.reader().unwrap().quarantined_records(9).unwrap().is_empty());
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
    let id = onefold.reader().unwrap().profile(root(&onefold, "crm:a"), None).unwrap().id;
    let name = id.0.0.to_be_bytes();
    assert!(holding(&data.join("index"), &name) > 0, "what is looked for can be found");
    erase(&mut onefold, "crm:a");
    drop(onefold);
    Onefold::redact(&data, OpenOptions::default(), true, |_, _| {}).unwrap();
    assert_eq!(holding(&data, &name), 0);
    assert_eq!(holding(&data, id.0.0.to_le_bytes().as_slice()), 0);
    assert_eq!(breaches(&open(&data)), 0);
}
