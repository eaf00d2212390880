//! Goal: the copy that a person asks for is theirs: all that is held of them, under the purposes that it is used for, and
//! nothing that another person gave; and the grounds that people are told are those by which it was decided.
//! Method: small worlds under the retail bundle, or one that differs from it in a few words; copies are read as JSON.

use super::program::{run, text};
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

/// The retail bundle with a purpose that rests on a contract, and for which little is kept.
fn with_delivery() -> Bundle {
    retail_with("purposes.toml", |text| {
        let delivery = "\n[[purpose]]\nname = \"delivery\"\ndpv = \"dpv:ServiceProvision\"\ndescription = \"Parcels\"\n\
                        basis = \"contract\"\ncategories = [\"identity\", \"contact\"]\nrecipients = [\"carrier\"]\n\
                        retention_days = 30\n";
        format!("{text}{delivery}")
    })
}

#[test]
fn the_ground_is_what_decided() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = start(&data, with_delivery());
    let mut child = customer("A0002", "kid@example.com");
    child["date_of_birth"] = json!("2020-01-01");
    push(&mut onefold, &event("crm", "1", Some(&customer("A0001", "ada@example.com")), 1));
    push(&mut onefold, &event("crm", "2", Some(&child), 2));
    push(&mut onefold, &event("crm", "3", Some(&customer("A0003", "eve@example.com")), 3));
    push(&mut onefold, &event("crm", "4", Some(&customer("A0004", "joe@example.com")), 4));
    let on = |email: &str| json!({ "email": email });
    let mut delivery = consent("d", &on("ada@example.com"), "withdrawn");
    delivery["event"]["purpose"] = json!("delivery");
    push(&mut onefold, &delivery);
    push(&mut onefold, &consent("kid", &on("kid@example.com"), "given"));
    push(&mut onefold, &consent("eve", &on("eve@example.com"), "given"));
    push(&mut onefold, &consent("ada", &on("ada@example.com"), "withdrawn"));
    onefold.commit().unwrap();
    onefold
        .set_mark(root(&onefold, "crm:3"), Mark::Restriction, &Statement { by: "grace".into(), reason: "x".into() })
        .unwrap();
    drop(onefold);
    let denied = |id: &str, purpose: &str| {
        let ran = run(&["profile", id, "--purpose", purpose, "--data", text(&data)]);
        assert_eq!(ran.code, 4, "{}", ran.err);
        ran.err
    };
    let none = "help: no consent would allow it as things stand; `onefold profile ID`";
    for (id, purpose, grounds, help) in [
        // The contract needs no consent: what is over is the time.
        ("crm:1", "delivery", "kept is over (GDPR Art. 5(1)(e)); policy `gdpr-storage-limitation`;", none),
        (
            "crm:1",
            "marketing",
            "the consent was withdrawn (GDPR Art. 7(3)); policy `gdpr-withdrawn`;",
            "help: a valid consent to `marketing`, given later than that one, on an identifier",
        ),
        ("crm:2", "marketing", "policies `gdpr-child-consent` (Art. 8(1) GDPR) and `gdpr-child-marketing` (", none),
        (
            "crm:2",
            "analytics",
            "no consent is known; without a legal basis everything is denied (GDPR Art. 6(1))\n",
            "help: a valid consent to `analytics`, given by who holds parental responsibility, on an identifier",
        ),
        ("crm:3", "marketing", "processing is restricted (GDPR Art. 18); policy `gdpr-restricted`;", none),
        (
            "crm:4",
            "marketing",
            "no consent is known; without a legal basis everything is denied (GDPR Art. 6(1))\n",
            "help: a valid consent to `marketing` on an identifier of this profile would allow it",
        ),
    ] {
        let err = denied(id, purpose);
        assert!(err.contains(grounds) && err.contains(help), "{id} {purpose}: {err}");
    }
    let late = denied("crm:1", "delivery");
    assert!(!late.contains("without consent") && !late.contains("consents:"), "{late}");
    assert!(denied("crm:1", "marketing").contains("were made without consent"), "a withdrawal that came late");
    let copy = copy_of(&data, "crm:1");
    let exposures: Vec<&Value> = copy["exposures"].as_array().unwrap().iter().map(|one| &one["consent"]).collect();
    assert_eq!(exposures, [&json!("consents:ada")]);
}

#[test]
fn what_permits_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let bundle = retail_with("purposes.toml", |text| {
        text.replacen("basis = \"consent\"", "basis = \"contract\"", 1).replacen(
            "dpv:DirectMarketing",
            "dpv:ServiceProvision",
            1,
        )
    });
    let mut onefold = start(&data, bundle);
    let mut now = event("crm", "1", Some(&customer("A0001", "ada@example.com")), 1);
    for ts in ["/event/ts_ms", "/event/source/ts_ms"] {
        *now.pointer_mut(ts).unwrap() = json!(u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap());
    }
    push(&mut onefold, &now);
    push(&mut onefold, &consent("c", &json!({ "email": "ada@example.com" }), "given"));
    let analytics = json!({ "source": "consents", "event": { "consent_id": "a", "subject": { "email": "ada@example.com" },
        "purpose": "analytics", "status": "given", "at": "2026-01-05T00:00:00Z" } });
    push(&mut onefold, &analytics);
    onefold.commit().unwrap();
    let why = |name: &str| {
        let purpose = onefold.schema().purpose(name).unwrap();
        let view = onefold.finder().unwrap().permission(root(&onefold, "crm:1"), purpose).unwrap();
        assert!(view.allowed, "{view:?}");
        view.why
    };
    assert_eq!(why("marketing"), "policy `gdpr-contract` (Art. 6(1)(b) GDPR) permits it", "whatever she consented to");
    assert_eq!(why("analytics"), "a valid consent permits it (GDPR Art. 6(1)(a)); policy `gdpr-consent`");
}

#[test]
fn who_was_shown_together_sees_the_read_after_a_split() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = retail(&data);
    for (lsn, key) in [(1, "1"), (2, "2")] {
        push(&mut onefold, &event("crm", key, Some(&customer("A0001", "ada@example.com")), lsn));
    }
    push(&mut onefold, &event("crm", "3", Some(&customer("A0003", "eve@example.com")), 3));
    onefold.commit().unwrap();
    let show = |onefold: &Onefold, id: &str, actor: &str| {
        let access = Access { request: Some(actor.to_owned()), ..Access::inspection(actor) };
        onefold.read_as(&access).unwrap().profile(root(onefold, id), None).unwrap();
    };
    show(&onefold, "crm:1", "together");
    show(&onefold, "crm:3", "another");
    let said = Statement { by: "grace".into(), reason: "x".into() };
    let combining = Mark::Objection(onefold.schema().combining);
    onefold.set_mark(root(&onefold, "crm:1"), combining, &said).unwrap();
    assert_ne!(root(&onefold, "crm:1"), root(&onefold, "crm:2"), "who objects to it is not combined");
    show(&onefold, "crm:1", "first");
    show(&onefold, "crm:2", "second");
    drop(onefold);
    let reads = |id: &str| {
        let copy = copy_of(&data, id);
        let reads = copy["reads"].as_array().unwrap().iter();
        reads.map(|read| read["request"].as_str().unwrap_or("").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(reads("crm:2"), ["together", "second"]);
    assert_eq!(reads("crm:1"), ["together", "first"]);
}
