//! Goal: the rights of persons do what they say: holds keep what they hold, marks stay with records, copies hold all of a
//! person and nothing of another, and whoever is erased does not come back in another guise.
//! Method: small worlds through library and program; every state is looked at again after the index was built anew.

use super::program::{ok, run, text};
use super::support::{changes, event, init, open, push, read};
use onefold::ledger::{Content, Law, Right};
use onefold::model::Birth;
use onefold::pipeline::{
    Access, Archive, ErasureRequest, Error, InitOptions, Mark, NewRequest, Onefold, Outcome, Scope, Statement,
};
use onefold::policy::Bundle;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn person(email: &str, phone: &str) -> Value {
    json!({ "email": email, "phone": phone, "family": "Quimby", "given": "Zora", "city": "Cork" })
}

fn consent(key: &str, email: &str) -> Value {
    json!({ "source": "consents", "event": {
        "id": key, "email": email, "purpose": "marketing", "status": "given", "at": "2026-01-05T00:00:00Z" } })
}

fn two_people(data: &Path) -> Onefold {
    let mut onefold = init(data);
    push(&mut onefold, &event("crm", "a", Some(&person("zora@example.com", "+4915112345900")), 1));
    push(&mut onefold, &event("shop", "a", Some(&json!({ "email": "zora@example.com", "city": "Bonn" })), 2));
    push(&mut onefold, &event("crm", "b", Some(&person("other@example.org", "")), 3));
    push(&mut onefold, &consent("c", "zora@example.com"));
    onefold.commit().unwrap();
    onefold
}

fn root(onefold: &Onefold, id: &str) -> Birth {
    onefold.persons_of(id).unwrap()[0]
}

fn record(onefold: &Onefold, id: &str) -> Birth {
    onefold.finder().unwrap().record(id).unwrap()
}

fn said(reason: &str) -> Statement {
    Statement { by: "grace".to_owned(), reason: reason.to_owned() }
}

fn erasure() -> ErasureRequest {
    ErasureRequest { request: "R-1".into(), ground: "GDPR Art. 17(1)(a)".into(), due_days: 0 }
}

#[test]
fn what_is_held_is_not_erased() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = two_people(&data);
    // A record that its source deleted before is not held.
    push(&mut onefold, &event("shop", "gone", Some(&json!({ "email": "zora@example.com" })), 4));
    onefold.commit().unwrap();
    push(&mut onefold, &event("shop", "gone", None, 5));
    onefold.commit().unwrap();
    let zora = root(&onefold, "crm:a");
    let entries = onefold.set_mark(zora, Mark::Hold, &said("lawsuit")).unwrap();
    assert_eq!(entries.len(), 2, "one for each record");
    assert!(onefold.set_mark(zora, Mark::Hold, &said("again")).unwrap().is_empty());
    // It is erased, the others stay, and so does what they identify by.
    assert_eq!(onefold.coverage(Scope::Person(zora)).unwrap().kept, entries);
    let erased = onefold.erase(Scope::Person(zora), &erasure()).unwrap();
    assert_eq!((erased.records, &erased.kept), (1, &entries));
    match onefold.erase(Scope::Person(zora), &erasure()) {
        Err(Error::Held { entries: named }) => assert_eq!(named, entries),
        other => panic!("{other:?}"),
    }
    let profile = |onefold: &Onefold| read(onefold).profile(root(onefold, "crm:a"), None).unwrap();
    assert_eq!(profile(&onefold).members.len(), 2);
    push(&mut onefold, &event("shop", "a2", Some(&json!({ "email": "zora@example.com" })), 9));
    onefold.commit().unwrap();
    assert_eq!(profile(&onefold).members.len(), 3, "her address is not buried while a held record carries it");
    drop(onefold);
    fs::remove_dir_all(data.join("index")).unwrap();
    let mut onefold = open(&data);
    assert!(matches!(onefold.erase(Scope::Record(record(&onefold, "crm:a")), &erasure()), Err(Error::Held { .. })));
    onefold.end_mark(root(&onefold, "crm:a"), Mark::Hold, &said("settled")).unwrap();
    assert!(onefold.end_mark(root(&onefold, "crm:a"), Mark::Hold, &said("again")).is_err());
    let erased = onefold.erase(Scope::Person(root(&onefold, "crm:a")), &erasure()).unwrap();
    assert_eq!((erased.records, erased.kept.len()), (4, 0), "three records and the consent");
    assert_eq!(onefold.finder().unwrap().audit(|_| {}).unwrap().breaches.len(), 0);
}

#[test]
fn marks_stay_with_their_records() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = two_people(&data);
    let zora = root(&onefold, "crm:a");
    let marketing = onefold.schema().purpose("marketing");
    onefold.set_mark(zora, Mark::Restriction, &said("contests it")).unwrap();
    onefold.set_mark(zora, Mark::Objection(marketing), &said("letter")).unwrap();
    onefold.set_mark(zora, Mark::Objection(None), &said("all of it")).unwrap();
    onefold.end_mark(zora, Mark::Restriction, &said("settled")).unwrap();
    assert!(onefold.set_mark(Birth(77), Mark::Restriction, &said("nobody")).is_err());
    drop(onefold);
    let told = || {
        let archive = Archive::open(&data).unwrap();
        let marks = archive.marks().unwrap();
        marks.into_iter().map(|mark| (mark.mark, mark.purpose, mark.record, mark.reason)).collect::<Vec<_>>()
    };
    let marks = told();
    let names: Vec<_> =
        marks.iter().map(|(mark, purpose, record, _)| (*mark, purpose.as_deref(), record.as_str())).collect();
    let expected = [
        ("objection", Some("marketing"), "crm:a"),
        ("objection", Some("marketing"), "shop:a"),
        ("objection", None, "crm:a"),
        ("objection", None, "shop:a"),
    ];
    assert_eq!(names, expected);
    fs::remove_dir_all(data.join("index")).unwrap();
    assert_eq!(told(), marks, "as the ledger says");
    let mut onefold = open(&data);
    assert_eq!(onefold.finder().unwrap().audit(|_| {}).unwrap().breaches.len(), 0);
    onefold.erase(Scope::Person(root(&onefold, "crm:a")), &erasure()).unwrap();
    drop(onefold);
    assert!(told().is_empty(), "they end with the records");
}

#[test]
fn who_was_erased_comes_back_in_no_guise() {
    let folder = tempfile::tempdir().unwrap();
    let mut onefold = two_people(&folder.path().join("data"));
    onefold.erase(Scope::Person(root(&onefold, "crm:a")), &erasure()).unwrap();
    let moved = json!({ "source": "crm", "event": {
        "before": { "id": "a" }, "after": { "id": "a9", "email": "zora@example.com", "family": "Quimby" }, "op": "u",
        "ts_ms": 1_700_000_050_000u64,
        "source": { "connector": "postgresql", "lsn": 50, "ts_ms": 1_700_000_050_000u64, "table": "crm" } } });
    let guises = [
        ("the same id", event("crm", "a", Some(&person("new@example.com", "")), 50)),
        ("another source, the same e-mail", event("shop", "z", Some(&json!({ "email": "zora@example.com" })), 51)),
        ("the e-mail in capitals", event("shop", "y", Some(&json!({ "email": "Zora@EXAMPLE.com" })), 52)),
        ("the phone in another notation", event("crm", "x", Some(&person("", "0049 (151) 123-45900")), 53)),
        ("a consent about them", consent("c9", "zora@example.com")),
        ("a key that was changed", moved),
    ];
    let mut refused = 0;
    for (guise, line) in &guises {
        for change in changes(&onefold, line) {
            assert_eq!(onefold.push(&change).unwrap(), Outcome::Erased, "{guise}");
            refused += 1;
        }
    }
    onefold.commit().unwrap();
    assert_eq!(onefold.refused().unwrap(), refused);
    let entries = read(&onefold).entries(0, u64::MAX).unwrap();
    let known = |content: &Content| format!("{content:?}").to_lowercase().contains("zora@");
    assert!(!entries.iter().any(|entry| known(&entry.content)), "nothing of what was refused is kept");
}

#[test]
fn an_alias_of_the_address_is_the_address() {
    let folder = tempfile::tempdir().unwrap();
    let mut onefold = init(&folder.path().join("data"));
    push(&mut onefold, &event("crm", "a", Some(&json!({ "email": "z.quimby@gmail.com" })), 1));
    onefold.commit().unwrap();
    onefold.erase(Scope::Person(root(&onefold, "crm:a")), &erasure()).unwrap();
    for (key, email) in
        [("1", "zquimby@gmail.com"), ("2", "ZQuimby+news@googlemail.com"), ("3", "z.q.u.imby@gmail.com")]
    {
        for change in changes(&onefold, &event("shop", key, Some(&json!({ "email": email })), 9)) {
            assert_eq!(onefold.push(&change).unwrap(), Outcome::Erased, "{email}");
        }
    }
}

#[test]
fn an_alias_call_does_not_bring_an_account_back() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = Bundle::compile(onefold::policy::retail()).unwrap();
    let mut onefold = Onefold::init(&folder.path().join("data"), bundle, InitOptions::default()).unwrap();
    let call = |id: &str, rest: Value| {
        let mut event = json!({ "messageId": id, "timestamp": "2026-01-05T00:00:00Z" });
        event.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        json!({ "source": "web", "event": event })
    };
    let first = json!({ "type": "identify", "userId": "u1", "traits": { "email": "zora@example.com" } });
    push(&mut onefold, &call("m1", first));
    onefold.commit().unwrap();
    onefold.erase(Scope::Person(root(&onefold, "web:m1")), &erasure()).unwrap();
    let consented = json!({ "consent": { "categoryPreferences": { "Advertising": true } } });
    let guises = [
        ("her account as the previous one", json!({ "type": "alias", "previousId": "u1", "userId": "u2" }), 1),
        ("another as the previous one", json!({ "type": "alias", "previousId": "u3", "userId": "u1" }), 1),
        ("a call with consents", json!({ "type": "track", "event": "Seen", "userId": "u1", "context": consented }), 2),
    ];
    let mut refused = 0;
    for (number, (guise, rest, count)) in guises.into_iter().enumerate() {
        let changes = changes(&onefold, &call(&format!("g{number}"), rest));
        assert_eq!(changes.len(), count, "{guise}");
        for change in &changes {
            assert_eq!(onefold.push(change).unwrap(), Outcome::Erased, "{guise}");
            refused += 1;
        }
    }
    onefold.commit().unwrap();
    assert_eq!(onefold.refused().unwrap(), refused);
    push(&mut onefold, &call("m9", json!({ "type": "alias", "previousId": "u3", "userId": "u2" })));
    onefold.commit().unwrap();
    assert!(onefold.persons_of("web:m9").is_ok(), "nobody else is refused");
}

#[test]
fn what_the_family_shares_stays_with_the_living() {
    let folder = tempfile::tempdir().unwrap();
    let mut onefold = init(&folder.path().join("data"));
    let family = "+4915112345700";
    let differ = |email: &str, given: &str, account: &str| json!({ "email": email, "phone": family, "given": given, "family": "Quimby", "account": account });
    push(&mut onefold, &event("crm", "a", Some(&differ("zora@example.com", "Zora", "1")), 1));
    push(&mut onefold, &event("crm", "b", Some(&differ("abel@example.com", "Abel", "2")), 2));
    onefold.commit().unwrap();
    let (zora, abel) = (record(&onefold, "crm:a"), record(&onefold, "crm:b"));
    // Should the number join them, a steward says that they are two.
    onefold.decide(onefold::model::Ruling::different(zora, abel), &said("married")).unwrap();
    onefold.commit().unwrap();
    assert_ne!(root(&onefold, "crm:a"), root(&onefold, "crm:b"));
    let erased = onefold.erase(Scope::Person(root(&onefold, "crm:a")), &erasure()).unwrap();
    assert_eq!(erased.records, 1);
    let view = read(&onefold).profile(root(&onefold, "crm:b"), None).unwrap();
    assert!(view.values.iter().any(|value| value.value == family), "the relative keeps the number");
    push(&mut onefold, &event("crm", "b", Some(&differ("abel@example.com", "Abel", "2")), 60));
    push(&mut onefold, &event("crm", "c", Some(&json!({ "phone": family, "given": "Abel" })), 61));
    onefold.commit().unwrap();
    assert_eq!(root(&onefold, "crm:c"), root(&onefold, "crm:b"), "and can be found by it");
}

#[test]
fn an_access_report_has_all_of_the_person_and_nothing_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = two_people(&data);
    let new = |subject, right| NewRequest { subject, right, law: Law::Gdpr, received: None, reference: None };
    let zora = root(&onefold, "crm:a");
    let access = onefold.open_request(&new(zora, Right::Access), "grace").unwrap();
    let portability = onefold.open_request(&new(zora, Right::Portability), "grace").unwrap();
    let named = Access { actor: "secret-agent".into(), purpose: Some("marketing".into()), request: None };
    onefold.read_as(&named).unwrap().profile(zora, None).unwrap();
    onefold.set_mark(zora, Mark::Objection(None), &said("letter")).unwrap();
    let denied = onefold.read_as(&named).unwrap().profile(zora, None);
    assert!(matches!(denied, Err(Error::Denied { why }) if why.contains("Art. 21")), "an objection binds at once");
    push(
        &mut onefold,
        &json!({ "source": "consents", "event": {
        "id": "w", "email": "zora@example.com", "purpose": "marketing", "status": "withdrawn", "at": "2026-02-05T00:00:00Z" } }),
    );
    onefold.commit().unwrap();
    drop(onefold);
    let data = text(&data);
    let file = |name: &str| folder.path().join(name);
    let report = |id: &str, name: &str, request: &str| {
        run(&["report", "access", id, "-o", text(&file(name)), "--request", request, "--data", data])
    };
    assert_eq!(report("crm:b", "b.json", &access).code, 3, "the request is of another person");
    assert_eq!(report("crm:a", "b.json", &portability).code, 2, "the request is for another right");
    assert_eq!(report("crm:a", "b.json", "R-9").code, 3);
    assert!(!file("b.json").exists());
    let ran = report("crm:a", "a.json", &access);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let bytes = fs::read_to_string(file("a.json")).unwrap();
    let copy: Value = serde_json::from_str(&bytes).unwrap();
    assert_eq!(copy["records"].as_array().unwrap().len(), 2);
    assert_eq!(copy["consents"].as_array().unwrap().len(), 2);
    let late = copy["exposures"].as_array().unwrap();
    assert_eq!(
        (late.len(), &late[0]["consent"], &late[0]["purposes"]),
        (1, &json!("consents:w"), &json!(["marketing"]))
    );
    assert!(late[0]["says"].as_str().unwrap().starts_with("withdrawn on 5 February 2026, received on "), "{late:?}");
    let city = copy["values"].as_array().unwrap().iter().find(|value| value["attribute"] == "city").unwrap();
    assert_eq!(city["losers"].as_array().unwrap().len(), 1, "what did not win is hers, too");
    assert_eq!(copy["purposes"][0]["purpose"], "marketing");
    assert!(copy["purposes"][0]["basis"].as_str().unwrap().contains("Art. 6(1)(a)"));
    assert_eq!((copy["marks"].as_array().unwrap().len(), copy["requests"].as_array().unwrap().len()), (2, 2));
    assert_eq!((&copy["reads"][0]["purpose"], &copy["reads"][0]["by"]), (&json!("marketing"), &json!("operator")));
    assert!(copy["entries"].as_array().unwrap().len() >= 6, "{}", copy["entries"]);
    for kind in ["received", "consent", "merge", "uses", "permissions", "review", "request"] {
        let told = copy["entries"].as_array().unwrap().iter().any(|entry| entry["kind"] == kind);
        assert!(told, "{kind}: {}", copy["entries"]);
    }
    for foreign in ["other@example.org", "crm:b", "secret-agent"] {
        assert!(!bytes.contains(foreign), "{foreign}");
    }
    let shown = ok(&["request", "show", &access, "--data", data]);
    let digest = ran.out.rsplit("SHA-256 ").next().unwrap().trim().trim_end_matches('.').to_owned();
    assert!(digest.len() == 64 && shown.contains(&digest), "{shown}\n{}", ran.out);
    let reads = ok(&["ledger", "reads", "list", "--subject", "crm:a", "--data", data]);
    assert!(reads.contains("report access"), "{reads}");
    assert_eq!(report("crm:a", "a.json", &access).code, 2, "copies are not overwritten");
    // What she provided, in both forms, and the same bytes twice.
    let carried = |name: &str, format: &str| {
        ok(&["report", "portability", "crm:a", "-o", text(&file(name)), "--format", format, "--data", data]);
        fs::read_to_string(file(name)).unwrap()
    };
    let (first, second) = (carried("1.json", "json"), carried("2.json", "json"));
    assert_eq!(first, second);
    let copy: Value = serde_json::from_str(&first).unwrap();
    assert!(copy.get("values").is_none() && copy["records"].as_array().unwrap().len() == 2);
    let table = carried("3.csv", "csv");
    assert!(table.starts_with("source,record,field,attributes,value\r\n"), "{table}");
    assert!(table.contains("shop,a,city,city,Bonn\r\n"), "{table}");
}

#[test]
fn the_program_sets_and_lists_marks() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    drop(two_people(&data));
    let data = text(&data);
    let no_law = run(&["hold", "set", "crm:a", "--reason", "lawsuit", "--data", data]);
    assert!(no_law.code == 2 && no_law.err.starts_with("error: a hold must name the law that it rests on\n"));
    let set = ok(&["hold", "set", "crm:a", "--law", "GDPR Art. 17(3)(e)", "--reason", "lawsuit", "--data", data]);
    assert_eq!(set, "The hold is set for 2 records.\n");
    let refused = run(&["erase", "crm:a", "--request", "R-1", "--ground", "unlawful", "--yes", "--data", data]);
    assert_eq!(refused.code, 4, "{}", refused.err);
    assert!(refused.err.starts_with("error: nothing was erased: what was asked for must be kept, by entry #"));
    let list = ok(&["hold", "list", "--data", data]);
    assert!(list.contains("GDPR Art. 17(3)(e): lawsuit") && list.contains("crm:a"), "{list}");
    ok(&["restrict", "set", "crm:a", "--reason", "contested", "--data", data]);
    ok(&["object", "set", "crm:a", "--purpose", "marketing", "--reason", "letter", "--data", data]);
    let wrong = run(&["object", "set", "crm:a", "--purpose", "marketting", "--reason", "letter", "--data", data]);
    assert!(wrong.code == 2 && wrong.err.contains("did you mean `marketing`?"), "{}", wrong.err);
    assert_eq!(
        ok(&["restrict", "lift", "crm:a", "--reason", "settled", "--data", data]),
        "The restriction is ended for 2 records.\n"
    );
    assert_eq!(ok(&["restrict", "list", "--data", data]), "No restriction holds.\n");
    let objections: Value = serde_json::from_str(&ok(&["object", "list", "--json", "--data", data])).unwrap();
    assert_eq!((objections.as_array().unwrap().len(), &objections[0]["purpose"]), (2, &json!("marketing")));
    let decisions = ok(&["review", "list", "--decisions", "--data", data]);
    assert!(decisions.contains("objects to marketing") && decisions.contains("must not be erased"), "{decisions}");
}

#[test]
fn without_a_place_for_the_certificate_nothing_is_erased() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = two_people(&data);
    let held = root(&onefold, "crm:b");
    onefold.set_mark(held, Mark::Hold, &said("lawsuit")).unwrap();
    drop(onefold);
    let data = text(&data);
    let erase = |id: &str, path: &Path| {
        run(&["erase", id, "--request", "R-1", "--ground", "child", "--yes", "-o", text(path), "--data", data])
    };
    let nowhere = folder.path().join("no/such/c.zip");
    let ran = erase("crm:a", &nowhere);
    assert_eq!(ran.code, 2, "{}", ran.err);
    let wanted = format!("error: nothing was erased: cannot write `{}`", nowhere.display());
    assert!(ran.err.starts_with(&wanted), "{}", ran.err);
    assert!(ran.err.contains("\nhelp: name a file with -o for the certificate"), "{}", ran.err);
    assert!(ok(&["profile", "crm:a", "--data", data]).contains("zora@example.com"), "she is still there");
    let path = folder.path().join("c.zip");
    assert_eq!(erase("crm:b", &path).code, 4, "it is held");
    assert!(!path.exists(), "no empty file is left");
    assert_eq!(erase("crm:a", &path).code, 0);
    ok(&["verify", text(&path)]);
}
