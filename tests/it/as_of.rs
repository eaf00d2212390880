//! Goal: the state as of an epoch is what was shown at that epoch, from the ledger alone, and nothing of later.
//! Method: a history of merges, changes, consents and an erasure is shown after each epoch; then all of it is asked for
//! again by epoch, before and after the erasure.

use super::program::{ok, run, text};
use super::support::{event, init, open, push, read};
use onefold::pipeline::{Access, Archive, ErasureRequest, Error, PastProfile, Scope};
use serde_json::{Value, json};
use std::path::Path;

fn person(email: &str, city: &str) -> Value {
    json!({ "email": email, "city": city, "family": "Quimby" })
}

fn consent(key: &str, status: &str, at: &str) -> Value {
    json!({ "source": "consents", "event": {
        "id": key, "email": "zora@example.com", "purpose": "marketing", "status": status, "at": at } })
}

/// What a profile says: records, values with their entries, and whether marketing is permitted.
type Told = (Vec<String>, Vec<(String, String, u64)>, bool);

fn present(data: &Path, id: &str) -> Told {
    let onefold = open(data);
    let reader = read(&onefold);
    let view = reader.profile(reader.profiles_of(id).unwrap()[0], None).unwrap();
    let mut values: Vec<_> =
        view.values.iter().map(|value| (value.attribute.clone(), value.value.clone(), value.values.0)).collect();
    values.sort();
    (view.members.iter().map(|member| member.record.name()).collect(), values, view.permissions[0].allowed)
}

fn past(view: &PastProfile) -> Told {
    let values = view.values.iter().map(|value| (value.attribute.clone(), value.value.clone(), value.values.0));
    (view.members.iter().map(|member| member.name()).collect(), values.collect(), view.permissions[0].allowed)
}

fn ask(data: &Path, id: &str, epoch: u64) -> Result<PastProfile, Error> {
    Archive::open(data).unwrap().profile_as_of(id, epoch, &Access::inspection("ada"))
}

#[test]
fn each_epoch_is_shown_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let steps = [
        vec![
            event("crm", "a", Some(&person("zora@example.com", "Cork")), 1),
            event("crm", "b", Some(&person("b@example.org", "Rome")), 2),
        ],
        vec![
            event("shop", "a", Some(&person("zora@example.com", "Bonn")), 3),
            consent("c1", "given", "2024-01-05T00:00:00Z"),
        ],
        vec![event("crm", "a", Some(&person("zora@example.com", "Kiel")), 4)],
        vec![consent("c2", "withdrawn", "2024-02-05T00:00:00Z")],
        vec![event("shop", "a", None, 5)],
    ];
    drop(init(&data));
    let mut told = Vec::new();
    for lines in &steps {
        let mut onefold = open(&data);
        lines.iter().for_each(|line| push(&mut onefold, line));
        let epoch = onefold.commit().unwrap().unwrap().epoch.0;
        drop(onefold);
        told.push((epoch, present(&data, "crm:a")));
    }
    for (epoch, then) in &told {
        assert_eq!(past(&ask(&data, "crm:a", *epoch).unwrap()), *then, "epoch {epoch}");
        assert_eq!(past(&ask(&data, "email:zora@example.com", *epoch).unwrap()), *then, "by e-mail, epoch {epoch}");
    }
    let last = told.last().unwrap().0;
    let missing = ask(&data, "crm:a", last + 100).unwrap_err();
    assert_eq!(missing.to_string(), format!("there is no epoch {} yet: the last is {last}", last + 100));
    assert!(matches!(ask(&data, "shop:a", told[0].0), Err(Error::NotFound { .. })), "it was not there yet");
    assert!(matches!(ask(&data, "shop:a", last), Err(Error::NotFound { .. })), "it was deleted");
    assert!(matches!(ask(&data, "crm:a", 0), Err(Error::NotFound { .. })), "before the first epoch");
    // The other record of the second epoch is erased since: it was there, and cannot be read.
    let mut onefold = open(&data);
    let shop = onefold.finder().unwrap().record("shop:a").unwrap();
    let request = ErasureRequest { request: "R-1".into(), ground: "GDPR Art. 17(1)(a)".into(), due_days: 0 };
    onefold.erase(Scope::Record(shop), &request).unwrap();
    drop(onefold);
    let view = ask(&data, "crm:a", told[1].0).unwrap();
    assert_eq!((view.members.len(), view.erased), (1, 1));
    assert!(!format!("{view:?}").contains("Bonn"));
    let view = ask(&data, "crm:a", told[4].0 + 1).unwrap();
    assert_eq!((view.members.len(), view.erased), (1, 0), "since the erasure it is not there");
}

#[test]
fn the_program_shows_the_past_and_records_that() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    push(&mut onefold, &event("crm", "a", Some(&person("zora@example.com", "Cork")), 1));
    let first = onefold.commit().unwrap().unwrap().epoch.to_string();
    push(&mut onefold, &event("crm", "a", Some(&person("zora@example.com", "Kiel")), 2));
    push(&mut onefold, &event("shop", "a", Some(&person("zora@example.com", "Bonn")), 1));
    let second = onefold.commit().unwrap().unwrap().epoch.to_string();
    drop(onefold);
    let data = text(&data);
    let shown = ok(&["profile", "crm:a", "--at", &first, "--data", data]);
    assert!(shown.contains("Cork") && !shown.contains("Kiel") && shown.contains("under bundle test 1"), "{shown}");
    let explained = ok(&["explain", "crm:a", "--at", &second, "--attribute", "city", "--data", data]);
    assert!(explained.contains("other") && !explained.contains("family_name"), "{explained}");
    let missing = run(&["profile", "crm:a", "--at", "99", "--data", data]);
    assert_eq!(missing.code, 3);
    assert!(missing.err.starts_with("error: there is no epoch 99 yet: the last is "), "{}", missing.err);
    let listed: Value = serde_json::from_str(&ok(&["ledger", "reads", "list", "--json", "--data", data])).unwrap();
    assert_eq!(listed["reads"].as_array().unwrap().len(), 2);
}
