//! Goal: the copy that a person asks for is theirs: all that is held of them, under the purposes that it is used for, and
//! nothing that another person gave.
//! Method: small worlds under the retail bundle, or one that differs from it in a few words; copies are read as JSON.

use super::support::{event, push};
use onefold::model::Birth;
use onefold::pipeline::{Access, Archive, InitOptions, Mark, Onefold, Statement};
use onefold::policy::Bundle;
use serde_json::{Value, json};
use std::path::Path;

/// The retail bundle, with one file of it changed.
pub fn retail_with(name: &str, change: impl Fn(&str) -> String) -> Bundle {
    let mut files = onefold::policy::retail();
    let (_, text) = files.iter_mut().find(|(file, _)| file == name).unwrap();
    *text = change(text);
    files.retain(|(file, _)| !file.starts_with("cases/"));
    Bundle::compile(files).unwrap_or_else(|problems| panic!("{problems}"))
}

fn start(data: &Path, bundle: Bundle) -> Onefold {
    Onefold::init(data, bundle, InitOptions::default()).unwrap()
}

fn retail(data: &Path) -> Onefold {
    start(data, Bundle::compile(onefold::policy::retail()).unwrap())
}

/// A customer of the CRM, of full age.
pub fn customer(account: &str, email: &str) -> Value {
    json!({ "email": email, "account_id": account, "first_name": "Ada", "last_name": "Love", "country": "GB",
            "date_of_birth": "1980-01-01" })
}

/// A consent to marketing.
pub fn consent(key: &str, subject: &Value, status: &str) -> Value {
    json!({ "source": "consents", "event": { "consent_id": key, "subject": subject, "purpose": "marketing",
            "status": status, "at": "2026-01-05T00:00:00Z" } })
}

fn root(onefold: &Onefold, id: &str) -> Birth {
    onefold.persons_of(id).unwrap()[0]
}

fn copy_of(data: &Path, id: &str) -> Value {
    let archive = Archive::open(data).unwrap();
    let root = archive.finder().unwrap().profiles_of(id).unwrap()[0];
    serde_json::to_value(archive.access_report(root, &Access::inspection("grace")).unwrap()).unwrap()
}

fn keys(records: &Value) -> Vec<&str> {
    records.as_array().unwrap().iter().map(|record| record["key"].as_str().unwrap()).collect()
}

#[test]
fn each_decision_stands_at_its_purpose() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let bundle = retail_with("purposes.toml", |text| {
        let (first, last) = (text.find("[[purpose]]").unwrap(), text.find("# Joining reads no values").unwrap());
        format!("{}{}\n{}", &text[..first], &text[last..], &text[first..last])
    });
    let mut onefold = start(&data, bundle);
    push(&mut onefold, &event("crm", "1", Some(&customer("A1", "ada@example.com")), 1));
    push(&mut onefold, &event("crm", "2", Some(&customer("A1", "ada@example.com")), 2));
    onefold.commit().unwrap();
    drop(onefold);
    let copy = copy_of(&data, "crm:1");
    let terms: Vec<(&str, &str)> = copy["purposes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|purpose| (purpose["purpose"].as_str().unwrap(), purpose["dpv"].as_str().unwrap()))
        .collect();
    let expected = [
        ("marketing", "dpv:DirectMarketing"),
        ("personalisation", "dpv:ServicePersonalisation"),
        ("analytics", "dpv:ServiceUsageAnalytics"),
        ("profiling", "dpv:ProvidePersonalisedRecommendations"),
        ("sharing_with_partners", "dpv:SellDataToThirdParties"),
    ];
    assert_eq!(terms, expected);
    let combining = &copy["combining"];
    assert_eq!(combining["purpose"], "unified_profile");
    assert_eq!(combining["decided"], "2 records are held together as one profile");
    assert!(combining["basis"].as_str().unwrap().contains("Art. 6(1)(f)"), "{combining}");
    assert_eq!(combining["recipients"], json!(["our customer service"]));
    assert!(combining.get("allowed").is_none(), "there is no decision to name: {combining}");
}

#[test]
fn retention_is_told_by_category() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = retail(&data);
    push(&mut onefold, &event("crm", "1", Some(&customer("A1", "ada@example.com")), 1));
    onefold.commit().unwrap();
    drop(onefold);
    let copy = copy_of(&data, "crm:1");
    let told = |place: usize| (&copy["purposes"][place]["purpose"], &copy["purposes"][place]["retention_days"]);
    assert_eq!(told(3), (&json!("profiling"), &json!(365)));
    assert_eq!(copy["purposes"][3]["retention_days_by_category"], json!({ "behaviour": 180 }));
    assert!(copy["purposes"][0].get("retention_days_by_category").is_none());
    assert_eq!(copy["combining"]["decided"], "the record stands by itself: no other is held together with it");
}

#[test]
fn what_another_consented_to_is_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = retail(&data);
    let family = "family@example.com";
    push(&mut onefold, &event("crm", "1", Some(&customer("A0001", family)), 1));
    push(&mut onefold, &event("crm", "2", Some(&customer("A0002", family)), 2));
    for (key, subject) in [
        ("theirs", json!({ "email": family })),
        ("ones", json!({ "email": family, "account_id": "A0001" })),
        ("others", json!({ "email": family, "account_id": "A0002" })),
    ] {
        push(&mut onefold, &consent(key, &subject, "given"));
    }
    onefold.commit().unwrap();
    assert_ne!(root(&onefold, "crm:1"), root(&onefold, "crm:2"), "two accounts are two persons");
    drop(onefold);
    let copy = copy_of(&data, "crm:1");
    assert_eq!(keys(&copy["consents"]), ["theirs", "ones"]);
    assert!(!copy.to_string().contains("A0002"));
    assert_eq!(keys(&copy_of(&data, "crm:2")["consents"]), ["theirs", "others"]);
}

#[test]
fn what_was_said_on_a_former_address_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = retail(&data);
    let on = |email: &str| json!({ "email": email });
    push(&mut onefold, &event("crm", "1", Some(&customer("A0001", "old@example.com")), 1));
    push(&mut onefold, &event("crm", "2", Some(&customer("A0002", "wrong@example.com")), 2));
    push(&mut onefold, &consent("old", &on("old@example.com"), "given"));
    push(&mut onefold, &consent("wrong", &on("wrong@example.com"), "given"));
    push(&mut onefold, &consent("gone", &on("old@example.com"), "withdrawn"));
    onefold.commit().unwrap();
    push(&mut onefold, &event("crm", "1", Some(&customer("A0001", "new@example.com")), 3));
    // The second had an address that is somebody else's.
    push(&mut onefold, &event("crm", "2", Some(&customer("A0002", "right@example.com")), 4));
    push(&mut onefold, &event("crm", "3", Some(&customer("A0003", "wrong@example.com")), 5));
    onefold.commit().unwrap();
    drop(onefold);
    let copy = copy_of(&data, "crm:1");
    assert_eq!(keys(&copy["consents"]), ["old", "gone"]);
    for key in ["consents:old", "consents:gone"] {
        let told = |entry: &Value| entry["kind"] == "consent" && entry["says"].as_str().unwrap().contains(key);
        assert!(copy["entries"].as_array().unwrap().iter().any(told), "{key}: {}", copy["entries"]);
    }
    assert!(keys(&copy_of(&data, "crm:2")["consents"]).is_empty(), "it is the third's now");
    assert_eq!(keys(&copy_of(&data, "crm:3")["consents"]), ["wrong"]);
}

#[test]
fn what_a_source_deleted_is_still_held_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = retail(&data);
    let mut second = customer("A0001", "second@example.com");
    second["city"] = json!("York");
    push(&mut onefold, &event("crm", "1", Some(&customer("A0001", "first@example.com")), 1));
    push(&mut onefold, &event("crm", "2", Some(&second), 2));
    push(&mut onefold, &event("crm", "3", Some(&customer("A0003", "third@example.com")), 3));
    push(&mut onefold, &consent("c", &json!({ "email": "second@example.com" }), "given"));
    onefold.commit().unwrap();
    assert_eq!(root(&onefold, "crm:1"), root(&onefold, "crm:2"));
    onefold
        .set_mark(root(&onefold, "crm:1"), Mark::Hold, &Statement { by: "grace".into(), reason: "lawsuit".into() })
        .unwrap();
    push(&mut onefold, &event("crm", "2", None, 4));
    push(&mut onefold, &event("crm", "3", None, 5));
    onefold.commit().unwrap();
    drop(onefold);
    let copy = copy_of(&data, "crm:1");
    assert_eq!(keys(&copy["records"]), ["1", "2"]);
    assert!(copy["records"][0].get("deleted_at_source").is_none());
    let deleted = &copy["records"][1];
    let city = json!({ "field": "city", "value": "York", "attributes": ["city"] });
    assert!(deleted["fields"].as_array().unwrap().contains(&city), "{deleted}");
    assert!(deleted["deleted_at_source"].as_u64() > deleted["entry"].as_u64(), "{deleted}");
    assert_eq!(keys(&copy["consents"]), ["c"], "given on what it carried");
    assert_eq!(copy["combining"]["decided"], "the record stands by itself: no other is held together with it");
    assert_eq!(copy["marks"].as_array().unwrap().len(), 2, "{}", copy["marks"]);
}
