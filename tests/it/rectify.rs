//! Goal: what was rectified stays right: no source overwrites it, nothing wrong is used for anything, it goes where its
//! record goes, and it ends by withdrawal and by erasure alone.
//! Method: small worlds through library and program; after each step the index is built anew and must say the same.

use super::ledger_faults::copy;
use super::program::{ok, run, text};
use super::support::{event, init, open, push, read};
use onefold::ledger::{Law, Right};
use onefold::model::{Birth, Ruling};
use onefold::pipeline::{
    Access, Archive, ErasureRequest, Error, InitOptions, NewRequest, Onefold, Rectified, Scope, Statement, ValueView,
};
use onefold::policy::Bundle;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn said(reason: &str) -> Statement {
    Statement { by: "grace".to_owned(), reason: reason.to_owned() }
}

fn root(onefold: &Onefold, id: &str) -> Birth {
    onefold.persons_of(id).unwrap()[0]
}

fn rectify(onefold: &mut Onefold, id: &str, attribute: &str, right: Rectified<'_>) -> usize {
    let attribute = onefold.schema().attribute(attribute).unwrap();
    onefold.rectify(root(onefold, id), None, attribute, right, &said("called")).unwrap().entries.len()
}

fn withdraw(onefold: &mut Onefold, id: &str, attribute: &str) -> Result<usize, Error> {
    let attribute = onefold.schema().attribute(attribute).unwrap();
    onefold.end_rectification(root(onefold, id), attribute, &said("settled")).map(|done| done.entries.len())
}

/// The value of an attribute, as such or for a purpose.
fn value(onefold: &Onefold, id: &str, attribute: &str, purpose: Option<&str>) -> Option<ValueView> {
    let purpose = purpose.map(|purpose| onefold.schema().purpose(purpose).unwrap());
    let view = read(onefold).profile(root(onefold, id), purpose).unwrap();
    view.values.into_iter().find(|value| value.attribute == attribute)
}

fn city(onefold: &Onefold, id: &str) -> Option<String> {
    value(onefold, id, "city", None).map(|value| value.value)
}

fn sound(onefold: &Onefold) {
    assert_eq!(read(onefold).audit(|_| {}).unwrap().breaches.len(), 0);
}

/// The same directory with an index that was built anew.
fn rebuilt(onefold: Onefold, data: &Path) -> Onefold {
    let members = |onefold: &Onefold| {
        let mut out = Vec::new();
        let reader = read(onefold);
        for row in reader.profiles() {
            out.push(row.unwrap().1);
        }
        out
    };
    let before = members(&onefold);
    drop(onefold);
    fs::remove_dir_all(data.join("index")).unwrap();
    let onefold = open(data);
    assert_eq!(members(&onefold), before, "as the ledger says");
    sound(&onefold);
    onefold
}

fn person(city: &str) -> Value {
    json!({ "email": "zora@example.com", "phone": "+4915112345900", "family": "Quimby", "given": "Zora", "city": city })
}

fn consent(key: &str, status: &str) -> Value {
    json!({ "source": "consents", "event": {
        "id": key, "email": "zora@example.com", "purpose": "marketing", "status": status, "at": "2026-01-05T00:00:00Z" } })
}

#[test]
fn sources_do_not_overwrite_what_was_rectified() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    push(&mut onefold, &event("crm", "a", Some(&person("Cork")), 1));
    push(&mut onefold, &event("shop", "a", Some(&json!({ "email": "zora@example.com", "city": "Cork" })), 2));
    push(&mut onefold, &event("shop", "b", Some(&json!({ "email": "zora@example.com", "family": "Quimby" })), 2));
    onefold.commit().unwrap();
    assert_eq!(rectify(&mut onefold, "crm:a", "city", Rectified::Value(" Kinsale ")), 2, "where a city is said");
    assert_eq!(rectify(&mut onefold, "shop:b", "city", Rectified::Value("Kinsale")), 0, "it is so already");
    let shown = value(&onefold, "crm:a", "city", None).unwrap();
    assert_eq!((shown.value.as_str(), shown.raw.as_str(), shown.field.as_str()), ("Kinsale", "Cork", "city"));
    let by = shown.rectified.unwrap();
    assert_eq!((by.by.as_str(), by.reason.as_str()), ("grace", "called"));
    let mut onefold = rebuilt(onefold, &data);
    // An update of the record, and another record that says what is wrong.
    push(&mut onefold, &event("crm", "a", Some(&person("Dublin")), 10));
    push(
        &mut onefold,
        &json!({ "source": "list", "event": { "id": "c", "email": "zora@example.com", "city": "Cork" } }),
    );
    onefold.commit().unwrap();
    let shown = value(&onefold, "crm:a", "city", None).unwrap();
    assert_eq!(shown.value, "Kinsale");
    let attribute = onefold.schema().attribute("city");
    let told = read(&onefold).explain(root(&onefold, "crm:a"), attribute).unwrap();
    let told = serde_json::to_value(&told).unwrap();
    let wrong: Vec<&Value> =
        told[0]["losers"].as_array().unwrap().iter().filter(|loser| loser["value"] == "Cork").collect();
    assert_eq!(wrong.len(), 1, "{told}");
    assert!(wrong.iter().all(|loser| loser["lost_by"] == "rectified"), "{told}");
    // Deleted and sent again, it is what the steward said.
    push(&mut onefold, &event("shop", "a", None, 11));
    push(&mut onefold, &event("crm", "a", None, 11));
    onefold.commit().unwrap();
    push(&mut onefold, &event("crm", "a", Some(&person("Galway")), 12));
    onefold.commit().unwrap();
    assert_eq!(city(&onefold, "crm:a").as_deref(), Some("Kinsale"));
    let mut onefold = rebuilt(onefold, &data);
    // Said once more, it is another value; withdrawn, what the source said last.
    assert_eq!(
        rectify(&mut onefold, "crm:a", "city", Rectified::Value("Cobh")),
        2,
        "shop:a is gone, the list says something now"
    );
    assert_eq!(city(&onefold, "crm:a").as_deref(), Some("Cobh"));
    assert_eq!(withdraw(&mut onefold, "crm:a", "city").unwrap(), 3, "of the deleted one as well");
    assert_eq!(city(&onefold, "crm:a").as_deref(), Some("Galway"), "what its source said meanwhile");
    assert!(matches!(withdraw(&mut onefold, "crm:a", "city"), Err(Error::NotFound { .. })));
    rebuilt(onefold, &data);
}

#[test]
fn what_is_known_to_be_wrong_is_used_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    push(&mut onefold, &event("crm", "a", Some(&person("Cork")), 1));
    push(
        &mut onefold,
        &event("shop", "a", Some(&json!({ "email": "zora@example.com", "account": "77", "city": "Bonn" })), 2),
    );
    push(&mut onefold, &consent("c", "given"));
    onefold.commit().unwrap();
    let used = |onefold: &Onefold| value(onefold, "crm:a", "family_name", Some("marketing")).map(|value| value.value);
    assert_eq!(used(&onefold).as_deref(), Some("Quimby"));
    assert_eq!(rectify(&mut onefold, "crm:a", "family_name", Rectified::Value("Abara")), 1);
    assert_eq!(
        used(&onefold).as_deref(),
        Some("Abara"),
        "the grant reaches the record, and with it what is right of it"
    );
    push(&mut onefold, &event("shop", "b", Some(&json!({ "email": "zora@example.com", "family": "Quimby" })), 3));
    onefold.commit().unwrap();
    assert_eq!(used(&onefold).as_deref(), Some("Abara"));
    // Taken away, there is none, whoever says there is.
    assert_eq!(rectify(&mut onefold, "crm:a", "family_name", Rectified::None), 2);
    assert_eq!(used(&onefold), None);
    assert_eq!(value(&onefold, "crm:a", "family_name", None), None);
    push(&mut onefold, &event("shop", "c", Some(&json!({ "email": "zora@example.com", "family": "Quimby" })), 4));
    onefold.commit().unwrap();
    assert_eq!(value(&onefold, "crm:a", "family_name", None), None);
    let mut onefold = rebuilt(onefold, &data);
    push(&mut onefold, &consent("c2", "withdrawn"));
    onefold.commit().unwrap();
    let marketing = onefold.schema().purpose("marketing").unwrap();
    let refused = read(&onefold).profile(root(&onefold, "crm:a"), Some(marketing));
    assert!(matches!(refused, Err(Error::Denied { .. })), "a withdrawal reaches it as it does all else");
    rebuilt(onefold, &data);
}

#[test]
fn a_rectified_identifier_identifies() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    push(&mut onefold, &event("crm", "a", Some(&person("Cork")), 1));
    let other = json!({ "email": "zora@example.com", "given": "Zora", "city": "Bonn" });
    push(&mut onefold, &event("crm", "b", Some(&other), 2));
    push(&mut onefold, &consent("c", "withdrawn"));
    onefold.commit().unwrap();
    assert_eq!(root(&onefold, "crm:a"), root(&onefold, "crm:b"));
    // The address of the second is a slip: it is somebody else's.
    let email = onefold.schema().attribute("email").unwrap();
    let second = read(&onefold).record("crm:b").unwrap();
    onefold.decide(Ruling::different(root(&onefold, "crm:a"), second), &said("two")).unwrap();
    onefold.commit().unwrap();
    onefold.rectify(second, None, email, Rectified::Value("Zora.B@Example.com"), &said("slip")).unwrap();
    assert_ne!(root(&onefold, "crm:a"), root(&onefold, "crm:b"));
    assert_eq!(root(&onefold, "email:zora.b@example.com"), second, "it is found by what is right");
    assert_eq!(onefold.persons_of("email:zora@example.com").unwrap().len(), 1, "and not by what was wrong");
    let marketing = onefold.schema().purpose("marketing").unwrap();
    let denied = read(&onefold).permission(second, marketing).unwrap();
    assert!(
        !denied.allowed && denied.why.contains("withdrawn"),
        "a withdrawal given while together binds it: {denied:?}"
    );
    let mut onefold = rebuilt(onefold, &data);
    onefold
        .erase(
            Scope::Person(second),
            &ErasureRequest { request: "R-1".into(), ground: "GDPR Art. 17(1)(a)".into(), due_days: 0 },
        )
        .unwrap();
    assert!(onefold.contradiction(Ruling::different(root(&onefold, "crm:a"), second)).is_none());
    let entries = read(&onefold).entries(0, u64::MAX).unwrap();
    let known = |text: String| text.to_lowercase().contains("zora.b@");
    assert!(!entries.iter().any(|entry| known(format!("{:?}", entry.content))), "it ends with the record");
    rebuilt(onefold, &data);
}

#[test]
fn what_cannot_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut onefold = init(&folder.path().join("data"));
    push(&mut onefold, &event("crm", "a", Some(&json!({ "email": "zora@example.com", "phone": "12" })), 1));
    onefold.commit().unwrap();
    let zora = root(&onefold, "crm:a");
    let of = |onefold: &Onefold, name: &str| onefold.schema().attribute(name).unwrap();
    let (email, city, phone) = (of(&onefold, "email"), of(&onefold, "city"), of(&onefold, "phone"));
    let refused = |found: Result<_, Error>, words: &str| match found {
        Err(Error::BadName { what }) => assert!(what.contains(words) && !what.contains("zora"), "{what}"),
        other => panic!("{other:?}"),
    };
    refused(onefold.rectify(zora, None, email, Rectified::Value("no address zora"), &said("x")), "`email`");
    refused(onefold.rectify(zora, None, city, Rectified::Value("  "), &said("x")), "`city`");
    refused(onefold.rectify(zora, None, city, Rectified::Value("Cork"), &said("x")), "name the record");
    refused(onefold.rectify(zora, None, email, Rectified::Value("a@example.com"), &said("")), "the reason");
    assert!(matches!(
        onefold.rectify(Birth(99), None, email, Rectified::Value("a@example.com"), &said("x")),
        Err(Error::NotFound { .. })
    ));
    // What a source wrote and nobody could use counts as said; what no record says goes to the one that is named.
    let done = onefold.rectify(zora, None, phone, Rectified::Value("+49 1511 2345900"), &said("x")).unwrap();
    assert_eq!((done.value.as_str(), done.entries.len()), ("+4915112345900", 1));
    let done = onefold.rectify(zora, Some(zora), city, Rectified::Value("Cork"), &said("x")).unwrap();
    assert_eq!(done.entries.len(), 1);
    assert_eq!(self::city(&onefold, "crm:a").as_deref(), Some("Cork"));
    assert_eq!(value(&onefold, "crm:a", "city", None).unwrap().raw, "");
    sound(&onefold);
}

#[test]
fn what_is_too_large_leaves_all_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    // An entry holds 65,535 bytes at most.
    let long = "x".repeat(64_900);
    push(&mut onefold, &event("crm", "a", Some(&person("Cork")), 1));
    let large = json!({ "email": "zora@example.com", "family": long, "city": "Cork" });
    push(&mut onefold, &event("crm", "b", Some(&large), 1));
    onefold.commit().unwrap();
    assert_eq!(rectify(&mut onefold, "crm:a", "city", Rectified::Value("Cobh")), 2);
    let entries = || onefold::ledger::verify(&data.join("ledger"), &[], |_| {}).unwrap().entries;
    let before = entries();
    let (zora, attribute) = (root(&onefold, "crm:a"), onefold.schema().attribute("city").unwrap());
    let found = onefold.rectify(zora, None, attribute, Rectified::Value(&"y".repeat(900)), &said("larger"));
    assert!(matches!(&found, Err(Error::BadName { what }) if what.contains("too large")), "{found:?}");
    onefold.commit().unwrap();
    assert_eq!(entries(), before, "nothing was written");
    assert_eq!(city(&onefold, "crm:a").as_deref(), Some("Cobh"));
    rebuilt(onefold, &data);
}

#[test]
fn a_full_name_is_withdrawn_with_its_parts() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let bundle = Bundle::compile(onefold::policy::retail()).unwrap();
    let mut onefold = Onefold::init(&data, bundle, InitOptions::default()).unwrap();
    let row = json!({ "id": 7, "email": "zora@example.com", "first_name": "Zorra", "last_name": "Quimbi" });
    push(&mut onefold, &event("crm", "7", Some(&row), 1));
    onefold.commit().unwrap();
    let zora = root(&onefold, "crm:7");
    let set = |onefold: &mut Onefold, name: &str, value: &str, reason: &str| {
        let attribute = onefold.schema().attribute(name).unwrap();
        onefold.rectify(zora, Some(zora), attribute, Rectified::Value(value), &said(reason)).unwrap().entries.len()
    };
    let shown = |onefold: &Onefold| {
        let of = |name| value(onefold, "crm:7", name, None).map(|value| value.value);
        [of("full_name"), of("given_name"), of("family_name")].map(Option::unwrap_or_default)
    };
    let own = ["".to_owned(), "Zorra".to_owned(), "Quimbi".to_owned()];
    // However it is written, and whether or not what it becomes could be taken apart again.
    for (name, parts) in [("Zora Quimby", ["Zora", "Quimby"]), ("Quimby, Zora Maria Anna", ["Zora", "Quimby"])] {
        assert_eq!(set(&mut onefold, "full_name", name, "called"), 3, "{name}");
        assert_eq!(set(&mut onefold, "full_name", name, "again"), 0, "{name} is so already");
        assert_eq!(shown(&onefold)[1..], parts);
        assert_eq!(withdraw(&mut onefold, "crm:7", "full_name").unwrap(), 3, "{name}");
        assert_eq!(shown(&onefold), own, "as its source says");
    }
    // A name that cannot be taken apart takes the parts of the one before away, were it the same in standard form.
    for before in ["Zora Quimby", "Quimby, Zora Maria Anna"] {
        set(&mut onefold, "full_name", before, "called");
        assert_eq!(set(&mut onefold, "full_name", "Zora Maria Anna Quimby", "wrote"), 1);
        assert_eq!(shown(&onefold), ["Zora Maria Anna Quimby", "Zorra", "Quimbi"]);
        sound(&onefold);
        withdraw(&mut onefold, "crm:7", "full_name").unwrap();
    }
    // A part that is the same in both names goes with the second.
    set(&mut onefold, "full_name", "Zora Quimby", "called");
    assert_eq!(set(&mut onefold, "full_name", "Zora Quimbey", "wrote"), 3);
    assert_eq!(withdraw(&mut onefold, "crm:7", "full_name").unwrap(), 3);
    assert_eq!(shown(&onefold), own);
    // A part that was set by itself stays, before or since, in the same second and for the same reason as well.
    set(&mut onefold, "given_name", "Zora", "called");
    assert_eq!(set(&mut onefold, "full_name", "Zora Quimby", "called"), 2);
    set(&mut onefold, "family_name", "Quimbey", "called");
    let mut onefold = rebuilt(onefold, &data);
    assert_eq!(withdraw(&mut onefold, "crm:7", "full_name").unwrap(), 1);
    assert_eq!(shown(&onefold), ["", "Zora", "Quimbey"]);
    rebuilt(onefold, &data);
}

#[test]
fn parts_of_a_wrong_full_name_are_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let bundle = Bundle::compile(onefold::policy::retail()).unwrap();
    let mut onefold = Onefold::init(&data, bundle, InitOptions::default()).unwrap();
    let row = json!({ "order_id": "o1", "email": "zora@example.com", "ship_name": "Zorra Quimbi" });
    push(&mut onefold, &event("shop", "o1", Some(&row), 1));
    onefold.commit().unwrap();
    let shown = |onefold: &Onefold, name| value(onefold, "shop:o1", name, None).map(|value| value.value);
    assert_eq!(shown(&onefold, "given_name").as_deref(), Some("Zorra"));
    assert_eq!(rectify(&mut onefold, "shop:o1", "full_name", Rectified::Value("Zora Maria Anna Quimby")), 3);
    assert_eq!(shown(&onefold, "full_name").as_deref(), Some("Zora Maria Anna Quimby"));
    assert_eq!((shown(&onefold, "given_name"), shown(&onefold, "family_name")), (None, None));
    let mut onefold = rebuilt(onefold, &data);
    assert_eq!(withdraw(&mut onefold, "shop:o1", "full_name").unwrap(), 3);
    assert_eq!(shown(&onefold, "given_name").as_deref(), Some("Zorra"));
    rebuilt(onefold, &data);
}

#[test]
fn what_does_not_fit_without_it_stays_rectified() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    push(&mut onefold, &event("crm", "a", Some(&person("Cork")), 1));
    onefold.commit().unwrap();
    assert_eq!(rectify(&mut onefold, "crm:a", "city", Rectified::Value("Cobh")), 1);
    // As the source writes it, a city is kept twice: as it was written and in standard form.
    let (long, town) = ("x".repeat(63_800), format!("{} ", "y".repeat(900)));
    let row = json!({ "email": "zora@example.com", "family": long, "city": town });
    push(&mut onefold, &event("crm", "a", Some(&row), 2));
    onefold.commit().unwrap();
    assert!(read(&onefold).profile(root(&onefold, "crm:a"), None).is_ok());
    let found = withdraw(&mut onefold, "crm:a", "city");
    assert!(matches!(&found, Err(Error::BadName { what }) if what.contains("too large")), "{found:?}");
    assert_eq!(city(&onefold, "crm:a").as_deref(), Some("Cobh"));
    // Another value of the same size takes the place of the one before.
    for value in ["Cobb", "Cork"] {
        assert_eq!(rectify(&mut onefold, "crm:a", "city", Rectified::Value(value)), 1);
    }
    rebuilt(onefold, &data);
}

#[test]
fn the_program_rectifies_on_a_request() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    push(&mut onefold, &event("crm", "a", Some(&person("Cork")), 1));
    push(&mut onefold, &event("crm", "z", Some(&json!({ "email": "other@example.org" })), 1));
    onefold.commit().unwrap();
    let new = |subject, right| NewRequest { subject, right, law: Law::Gdpr, received: None, reference: None };
    let zora = root(&onefold, "crm:a");
    let rectification = onefold.open_request(&new(zora, Right::Rectification), "grace").unwrap();
    let erasure = onefold.open_request(&new(zora, Right::Erasure), "grace").unwrap();
    let restriction = onefold.open_request(&new(zora, Right::Restriction), "grace").unwrap();
    drop(onefold);
    let data = text(&data);
    let set = |id: &str, request: &str| {
        run(&["rectify", "set", id, "city", "Kinsale", "--reason", "letter", "--request", request, "--data", data])
    };
    assert_eq!(set("crm:z", &rectification).code, 3, "of another person");
    assert_eq!(set("crm:a", &erasure).code, 2, "for another right");
    assert_eq!(set("crm:a", "R-9").code, 3);
    assert_eq!(ok(&["rectify", "list", "--data", data]), "Nothing is rectified.\n");
    let ran = set("crm:a", &rectification);
    assert!(ran.out.starts_with("`city` is Kinsale from now on, in 1 record.\n"), "{}{}", ran.out, ran.err);
    let shown = ok(&["request", "show", &rectification, "--data", data]);
    assert!(shown.contains("`city` was rectified"), "{shown}");
    let unknown = run(&["rectify", "set", "crm:a", "citty", "X", "--reason", "x", "--data", data]);
    assert!(unknown.code == 2 && unknown.err.contains("did you mean `city`?"), "{}", unknown.err);
    let listed = ok(&["rectify", "list", "--data", data]);
    assert!(listed.contains("crm:a") && listed.contains("Kinsale") && listed.contains("letter"), "{listed}");
    let profile = ok(&["profile", "crm:a", "--data", data]);
    assert!(profile.contains("Kinsale") && profile.contains("rectified by #"), "{profile}");
    let explained = ok(&["explain", "crm:a", "--attribute", "city", "--data", data]);
    assert!(
        explained.contains("where it is written `Cork`") && explained.contains("  right   rectified by"),
        "{explained}"
    );
    let package = folder.path().join("evidence.zip");
    ok(&["ledger", "disclose", "--profile", "crm:a", "-o", text(&package), "--data", data]);
    let verified = ok(&["verify", text(&package)]);
    assert!(verified.contains("the city of crm:a is Kinsale, whatever its source says"), "{verified}");
    let copy = folder.path().join("copy.json");
    ok(&["report", "access", "crm:a", "-o", text(&copy), "--data", data]);
    let copy: Value = serde_json::from_str(&fs::read_to_string(&copy).unwrap()).unwrap();
    let city = copy["values"].as_array().unwrap().iter().find(|value| value["attribute"] == "city").unwrap();
    assert_eq!((&city["value"], &city["raw"]), (&json!("Kinsale"), &json!("Cork")));
    assert_eq!(city["rectified"]["reason"], "letter");
    let none = ok(&["rectify", "set", "crm:a", "phone", "--none", "--reason", "not hers", "--data", data]);
    assert!(none.starts_with("`phone` is none from now on"), "{none}");
    ok(&["rectify", "withdraw", "crm:a", "city", "--reason", "corrected at the source", "--data", data]);
    assert!(!ok(&["profile", "crm:a", "--data", data]).contains("Kinsale"));
    let restrict = ["restrict", "set", "crm:a", "--reason", "contested", "--request", &restriction, "--data", data];
    assert!(ok(&restrict).contains(&format!("Request {restriction} says so.")));
    let hold = ["hold", "set", "crm:z", "--law", "x", "--reason", "y", "--request", &restriction, "--data", data];
    assert_eq!(run(&hold).code, 2, "nobody requests a hold");
    let wrong = ["erase", "crm:a", "--request", &rectification, "--ground", "unlawful", "--yes", "--data", data];
    assert_eq!(run(&wrong).code, 2, "a request for another right");
    let certificate = folder.path().join("erasure.zip");
    ok(&[
        "erase",
        "crm:a",
        "--request",
        &erasure,
        "--ground",
        "unlawful",
        "--yes",
        "-o",
        text(&certificate),
        "--data",
        data,
    ]);
    let shown = ok(&["request", "show", &erasure, "--data", data]);
    assert!(shown.contains("the erasure was carried out") && shown.contains("of somebody who is gone"), "{shown}");
}

#[test]
fn a_stop_between_decision_and_record_is_made_good() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    push(&mut onefold, &event("crm", "a", Some(&person("Cork")), 1));
    onefold.commit().unwrap();
    let (zora, city) = (root(&onefold, "crm:a"), onefold.schema().attribute("city").unwrap());
    drop(onefold);
    let whole = folder.path().join("whole");
    copy(&data, &whole);
    let mut onefold = open(&whole);
    onefold.rectify(zora, None, city, Rectified::Value("Kinsale"), &said("called")).unwrap();
    let expected = {
        let mut rows = Vec::new();
        for row in read(&onefold).profiles() {
            rows.push(row.unwrap().1.winners.iter().map(|(winner, _)| *winner).collect::<Vec<_>>());
        }
        rows
    };
    drop(onefold);
    // The ledger of the rectification, cut after each of its bytes, beside the index from before it.
    let segment = |folder: &Path| {
        let mut files: Vec<_> = fs::read_dir(folder.join("ledger")).unwrap().map(|file| file.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "seg" || extension == "log"));
        files.sort();
        files.pop().unwrap()
    };
    let before = fs::metadata(segment(&data)).unwrap().len();
    let after = fs::read(segment(&whole)).unwrap();
    let (mut without, mut with) = (0, 0);
    for end in (before..=after.len() as u64).step_by(37) {
        let tried = folder.path().join("tried");
        let _ = fs::remove_dir_all(&tried);
        copy(&data, &tried);
        fs::write(segment(&tried), &after[..end as usize]).unwrap();
        let onefold = open(&tried);
        let decided = read(&onefold).decisions().unwrap().len();
        let shown = self::city(&onefold, "crm:a").unwrap();
        assert_eq!(shown, if decided == 1 { "Kinsale" } else { "Cork" }, "cut at {end}");
        if decided == 1 {
            with += 1;
            let mut rows = Vec::new();
            for row in read(&onefold).profiles() {
                rows.push(row.unwrap().1.winners.iter().map(|(winner, _)| *winner).collect::<Vec<_>>());
            }
            assert_eq!(rows, expected);
        } else {
            without += 1;
        }
        sound(&onefold);
    }
    assert!(with > 3 && without > 3, "{with} {without}");
}

#[test]
fn nobody_who_was_erased_comes_back_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    push(&mut onefold, &event("crm", "a", Some(&person("Cork")), 1));
    push(&mut onefold, &event("crm", "b", Some(&json!({ "email": "gone@example.com", "city": "Bonn" })), 2));
    push(
        &mut onefold,
        &event("crm", "c", Some(&json!({ "email": "wrong@example.com", "phone": "+4915112345901" })), 3),
    );
    onefold.commit().unwrap();
    let email = onefold.schema().attribute("email").unwrap();
    let third = root(&onefold, "crm:c");
    onefold.rectify(third, None, email, Rectified::Value("right@example.com"), &said("slip")).unwrap();
    // Who has the address that the third was said to have comes, and goes with the second.
    push(&mut onefold, &event("shop", "w", Some(&json!({ "email": "wrong@example.com" })), 4));
    onefold.commit().unwrap();
    let erasure = ErasureRequest { request: "R-1".into(), ground: "GDPR Art. 17(1)(a)".into(), due_days: 0 };
    for gone in ["crm:b", "shop:w"] {
        onefold.erase(Scope::Person(root(&onefold, gone)), &erasure).unwrap();
    }
    let refused = |found: Result<(), Error>| match found {
        Err(Error::BadName { what }) => assert!(what.contains("erased"), "{what}"),
        other => panic!("{other:?}"),
    };
    let zora = root(&onefold, "crm:a");
    let set = onefold.rectify(zora, None, email, Rectified::Value("Gone@Example.com"), &said("x")).map(|_| ());
    refused(set);
    refused(onefold.end_rectification(third, email, &said("x")).map(|_| ()));
    assert_eq!(value(&onefold, "crm:c", "email", None).unwrap().value, "right@example.com");
    push(&mut onefold, &event("crm", "a", Some(&person("Galway")), 9));
    onefold.commit().unwrap();
    assert_eq!(city(&onefold, "crm:a").as_deref(), Some("Galway"), "the record is still taken");
    rebuilt(onefold, &data);
}

#[test]
fn withdrawn_it_does_not_return_with_a_deleted_record() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    let shop = json!({ "email": "zora@example.com", "city": "Bonn" });
    push(&mut onefold, &event("crm", "a", Some(&person("Cork")), 1));
    push(&mut onefold, &event("shop", "a", Some(&shop), 2));
    onefold.commit().unwrap();
    assert_eq!(rectify(&mut onefold, "crm:a", "city", Rectified::Value("Kinsale")), 2);
    push(&mut onefold, &event("shop", "a", None, 3));
    onefold.commit().unwrap();
    assert_eq!(withdraw(&mut onefold, "crm:a", "city").unwrap(), 2);
    push(&mut onefold, &event("shop", "a", Some(&shop), 4));
    onefold.commit().unwrap();
    assert_ne!(city(&onefold, "crm:a").as_deref(), Some("Kinsale"));
    rebuilt(onefold, &data);
}

#[test]
fn copies_say_what_is_right_and_name_no_steward() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    push(&mut onefold, &event("crm", "a", Some(&person("Cork")), 1));
    onefold.commit().unwrap();
    rectify(&mut onefold, "crm:a", "city", Rectified::Value("Kinsale"));
    rectify(&mut onefold, "crm:a", "phone", Rectified::None);
    let zora = root(&onefold, "crm:a");
    drop(onefold);
    let archive = Archive::open(&data).unwrap();
    let by = Access::inspection("hopper");
    let copy = String::from_utf8(archive.portability_report(zora, &by).unwrap().to_csv().unwrap()).unwrap();
    assert!(copy.contains("crm,a,city,,Cork\r\n") && copy.contains("crm,a,rectified,city,Kinsale\r\n"), "{copy}");
    assert!(copy.contains("crm,a,rectified,phone,\r\n"), "{copy}");
    let copy = serde_json::to_string(&archive.access_report(zora, &by).unwrap()).unwrap();
    assert!(copy.contains("Kinsale") && !copy.contains("grace") && !copy.contains("hopper"), "{copy}");
}

#[test]
fn the_ledger_tells_it_as_of_then() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    push(&mut onefold, &event("crm", "a", Some(&person("Cork")), 1));
    let before = onefold.commit().unwrap().unwrap().epoch;
    rectify(&mut onefold, "crm:a", "city", Rectified::Value("Kinsale"));
    drop(onefold);
    let archive = Archive::open(&data).unwrap();
    let city = |epoch: u64| {
        let past = archive.profile_as_of("crm:a", epoch, &Access::inspection("grace")).unwrap();
        past.values.into_iter().find(|value| value.attribute == "city").unwrap().value
    };
    assert_eq!((city(before.0).as_str(), city(before.0 + 1).as_str()), ("Cork", "Kinsale"));
}
