//! What changes mean, through the whole engine: keys, patches, order, consents, references and hostile texts.
//!
//! Method: small bundles, a few events, and what profile, ledger and permissions say after a commit and after a restart.

use super::support::{bundle, changes, event, init, open, push, read};
use onefold::ledger::Content;
use onefold::pipeline::{FixedClock, InitOptions, Onefold, Outcome, ProfileView};
use onefold::policy::Bundle;
use serde_json::{Value, json};
use std::path::PathBuf;

/// A directory of the test bundle.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Opened under another bundle.
    fn under(&self, bundle: Bundle) -> Onefold {
        Onefold::init(&self.data(), bundle, InitOptions::default()).unwrap()
    }

    /// Commits and opens the directory anew.
    fn again(&self, mut onefold: Onefold) -> Onefold {
        onefold.commit().unwrap();
        drop(onefold);
        open(&self.data())
    }
}

fn outcome(onefold: &mut Onefold, line: &Value) -> Vec<Outcome> {
    changes(onefold, line).iter().map(|change| onefold.push(change).unwrap()).collect()
}

/// The profile of a name.
fn profile(onefold: &Onefold, name: &str) -> ProfileView {
    let reader = read(onefold);
    let roots = reader.profiles_of(name).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(roots.len(), 1, "{name}");
    reader.profile(roots[0], None).unwrap()
}

fn value(onefold: &Onefold, name: &str, attribute: &str) -> Option<String> {
    let profile = profile(onefold, name);
    profile.values.iter().find(|value| value.attribute == attribute).map(|value| value.value.clone())
}

/// `source:key` of every member, sorted.
fn members(onefold: &Onefold, name: &str) -> Vec<String> {
    let members = profile(onefold, name).members;
    let mut names: Vec<_> = members.iter().map(|m| format!("{}:{}", m.record.source, m.record.key)).collect();
    names.sort();
    names
}

fn known(onefold: &Onefold, name: &str) -> bool {
    onefold.finder().unwrap().profiles_of(name).is_ok()
}

fn retail() -> Bundle {
    Bundle::compile(onefold::policy::retail()).unwrap()
}

#[test]
fn a_change_of_key_is_a_delete_and_a_create() {
    let place = Place::new();
    let mut onefold = init(&place.data());
    push(&mut onefold, &event("crm", "old", Some(&json!({"email": "a@example.com"})), 1));
    push(&mut onefold, &event("shop", "s", Some(&json!({"email": "a@example.com"})), 2));
    onefold.commit().unwrap();
    assert_eq!(members(&onefold, "crm:old"), ["crm:old", "shop:s"]);
    let mut rename = event("crm", "new", Some(&json!({"email": "a@example.com"})), 3);
    rename["event"]["before"] = json!({"id": "old"});
    assert_eq!(outcome(&mut onefold, &rename), [Outcome::Taken, Outcome::Taken]);
    let mut onefold = place.again(onefold);
    assert_eq!(members(&onefold, "email:a@example.com"), ["crm:new", "shop:s"]);
    assert_eq!(outcome(&mut onefold, &rename), [Outcome::Unchanged, Outcome::Unchanged]);
}

#[test]
fn what_is_older_comes_too_late() {
    let place = Place::new();
    let mut onefold = init(&place.data());
    let row = |email: &str| json!({"email": email, "city": "Cork"});
    push(&mut onefold, &event("crm", "1", Some(&row("new@example.com")), 10));
    let mut onefold = place.again(onefold);
    assert_eq!(outcome(&mut onefold, &event("crm", "1", Some(&row("old@example.com")), 5)), [Outcome::Late]);
    assert_eq!(outcome(&mut onefold, &event("crm", "1", None, 9)), [Outcome::Late]);
    assert_eq!(onefold.commit().unwrap(), None);
    assert_eq!(value(&onefold, "crm:1", "email").as_deref(), Some("new@example.com"));
    assert_eq!(outcome(&mut onefold, &event("crm", "1", None, 20)), [Outcome::Taken]);
    let mut onefold = place.again(onefold);
    assert_eq!(outcome(&mut onefold, &event("crm", "1", Some(&row("old@example.com")), 15)), [Outcome::Late]);
    assert!(!known(&onefold, "crm:1"));
    assert_eq!(outcome(&mut onefold, &event("crm", "1", Some(&row("back@example.com")), 30)), [Outcome::Taken]);
    assert!(known(&place.again(onefold), "email:back@example.com"));
}

#[test]
fn a_value_that_was_not_sent_is_kept() {
    let place = Place::new();
    let mut onefold = init(&place.data());
    push(&mut onefold, &event("crm", "1", Some(&json!({"email": "Keep@Example.com", "city": "Cork"})), 1));
    let mut onefold = place.again(onefold);
    let unsent = json!({"email": "__debezium_unavailable_value", "city": "Paris"});
    push(&mut onefold, &event("crm", "1", Some(&unsent), 2));
    // The same within one epoch, where the stored record has not reached the disk.
    push(&mut onefold, &event("shop", "2", Some(&json!({"email": "shop@example.com", "city": "Cork"})), 3));
    push(&mut onefold, &event("shop", "2", Some(&unsent), 4));
    push(&mut onefold, &event("shop", "3", Some(&unsent), 5));
    let onefold = place.again(onefold);
    assert_eq!(value(&onefold, "crm:1", "email").as_deref(), Some("keep@example.com"));
    assert_eq!(
        profile(&onefold, "crm:1").values.iter().find(|v| v.attribute == "email").unwrap().raw,
        "Keep@Example.com"
    );
    assert_eq!(value(&onefold, "crm:1", "city").as_deref(), Some("Paris"));
    assert_eq!(value(&onefold, "shop:2", "email").as_deref(), Some("shop@example.com"));
    assert_eq!(value(&onefold, "shop:3", "email"), None, "nothing is stored that could be kept");
}

/// A bundle with one accumulating source of Segment calls.
fn traits() -> Bundle {
    let mut files = bundle().files;
    for (name, text) in &mut files {
        if name == "sources.toml" {
            text.push_str(
                r#"
[[source]]
name = "traits"
files = ["traits.ndjson"]
format = "segment"
key = ["userId", "anonymousId"]
accumulate = true
[source.fields]
userId = "account_id"
"traits.email" = "email"
"traits.phone" = "phone"
"traits.city" = "city"
"#,
            );
        }
    }
    Bundle::compile(files).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn traits_accumulate_and_a_null_one_is_deleted() {
    let place = Place::new();
    let mut onefold = place.under(traits());
    let call = |second: u32, traits: Value| {
        json!({"source": "traits", "event": {
            "type": "identify", "messageId": format!("m{second}"), "userId": "U1",
            "timestamp": format!("2026-01-01T00:00:{second:02}Z"), "traits": traits,
        }})
    };
    push(&mut onefold, &call(1, json!({"email": "a@example.com", "city": "Cork"})));
    let mut onefold = place.again(onefold);
    push(&mut onefold, &call(2, json!({"phone": "+353209123456"})));
    let mut onefold = place.again(onefold);
    assert_eq!(value(&onefold, "traits:U1", "email").as_deref(), Some("a@example.com"));
    assert_eq!(value(&onefold, "traits:U1", "city").as_deref(), Some("Cork"));
    push(&mut onefold, &call(3, json!({"email": null, "city": "Paris"})));
    let mut onefold = place.again(onefold);
    assert_eq!(value(&onefold, "traits:U1", "email"), None);
    assert!(!known(&onefold, "email:a@example.com"), "the identifier went with the value");
    assert_eq!(value(&onefold, "traits:U1", "city").as_deref(), Some("Paris"));
    assert_eq!(outcome(&mut onefold, &call(2, json!({"email": "late@example.com"}))), [Outcome::Late]);
    assert_eq!(members(&onefold, "account_id:U1"), ["traits:U1"]);
}

#[test]
fn an_alias_ties_an_earlier_id_to_the_account() {
    let place = Place::new();
    let mut onefold = place.under(retail());
    let call = |kind: &str, message: &str, ids: Value| {
        let mut event = json!({"type": kind, "messageId": message, "timestamp": "2026-01-01T00:00:00Z"});
        event.as_object_mut().unwrap().extend(ids.as_object().unwrap().clone());
        json!({"source": "web", "event": event})
    };
    push(&mut onefold, &call("identify", "m1", json!({"userId": "acc-old"})));
    push(&mut onefold, &call("identify", "m2", json!({"userId": "acc-new"})));
    onefold.commit().unwrap();
    assert_eq!(members(&onefold, "web:m1"), ["web:m1"]);
    push(&mut onefold, &call("alias", "m3", json!({"previousId": "acc-old", "userId": "acc-new"})));
    onefold.commit().unwrap();
    assert_eq!(members(&onefold, "web:m1"), ["web:m1", "web:m2", "web:m3"]);
    assert_eq!(members(&onefold, "account_id:acc-old"), members(&onefold, "account_id:acc-new"));
}

#[test]
fn facts_about_a_firm_are_shown_with_who_works_there() {
    let place = Place::new();
    let mut onefold = place.under(retail());
    let firm = |name: &str| {
        json!({"source": "firms", "event": {
            "domain": "acme.example", "name": name, "industry": "tools", "employees": "7", "country": "IE",
        }})
    };
    push(&mut onefold, &event("crm", "1", Some(&json!({"email": "a@acme.example", "company": "ACME.example"})), 1));
    push(&mut onefold, &event("crm", "2", Some(&json!({"email": "b@other.example", "company": "other.example"})), 2));
    let mut onefold = place.again(onefold);
    assert!(profile(&onefold, "crm:1").references.is_empty());
    let csv = |onefold: &mut Onefold, line: &Value| {
        let mut text = String::new();
        let row = line["event"].as_object().unwrap();
        text.push_str(&row.keys().cloned().collect::<Vec<_>>().join(","));
        text.push('\n');
        text.push_str(&row.values().map(|v| v.as_str().unwrap().to_owned()).collect::<Vec<_>>().join(","));
        let path = place.folder.path().join("firms.csv");
        std::fs::write(&path, text).unwrap();
        let source = onefold.schema().source("firms");
        let input = onefold::pipeline::Input::File(path, source);
        onefold.ingest(vec![input], &false.into(), &mut |_| {}).unwrap();
    };
    csv(&mut onefold, &firm("Acme"));
    let references = profile(&onefold, "crm:1").references;
    assert_eq!(references.len(), 1);
    assert_eq!(references[0].by, "company_domain");
    assert_eq!(references[0].facts["company_name"], "Acme");
    assert!(profile(&onefold, "crm:2").references.is_empty());
    csv(&mut onefold, &firm("Acme Tools"));
    let onefold = place.again(onefold);
    assert_eq!(profile(&onefold, "crm:1").references[0].facts["company_name"], "Acme Tools");
}

/// A consent of the test bundle.
fn consent(key: &str, email: &str, status: &str, at: &str, until: Option<&str>) -> Value {
    json!({"source": "consents", "event": {
        "id": key, "email": email, "purpose": "marketing", "status": status, "at": at, "until": until,
    }})
}

/// Whether marketing is allowed, and why.
fn allowed(onefold: &Onefold, name: &str) -> (bool, String) {
    let permissions = profile(onefold, name).permissions;
    assert_eq!(permissions.len(), 1);
    // With a purpose that is denied nothing is shown at all.
    let reader = read(onefold);
    let purpose = onefold.schema().purpose("marketing");
    let shown = reader.profile(reader.profiles_of(name).unwrap()[0], purpose);
    assert_eq!(shown.is_ok(), permissions[0].allowed);
    (permissions[0].allowed, permissions[0].why.clone())
}

#[test]
fn consent_ends_when_it_was_said_to() {
    // 2026-01-01T00:00:00Z.
    let now = 1_767_225_600;
    for (clock, expected) in [(now - 1, true), (now, false), (now + 86_400, false)] {
        let place = Place::new();
        let options = InitOptions { clock: Box::new(FixedClock(clock)), ..InitOptions::default() };
        let mut onefold = Onefold::init(&place.data(), bundle(), options).unwrap();
        push(&mut onefold, &event("crm", "1", Some(&json!({"email": "a@example.com"})), 1));
        push(
            &mut onefold,
            &consent("c1", "a@example.com", "given", "2025-06-01T00:00:00Z", Some("2026-01-01T00:00:00Z")),
        );
        onefold.commit().unwrap();
        let (is, why) = allowed(&onefold, "crm:1");
        assert_eq!(is, expected, "at {clock}: {why}");
        assert_eq!(why.contains("expired"), !expected, "{why}");
    }
}

#[test]
fn a_withdrawal_on_another_identifier_of_the_person_counts() {
    let place = Place::new();
    let mut onefold = init(&place.data());
    push(&mut onefold, &event("crm", "1", Some(&json!({"email": "home@example.com", "account": "A1"})), 1));
    push(&mut onefold, &event("shop", "2", Some(&json!({"email": "work@example.com", "account": "A1"})), 2));
    push(&mut onefold, &event("shop", "3", Some(&json!({"email": "else@example.com"})), 3));
    push(&mut onefold, &consent("c1", "home@example.com", "given", "2025-01-01T00:00:00Z", None));
    push(&mut onefold, &consent("c2", "else@example.com", "given", "2025-01-01T00:00:00Z", None));
    let mut onefold = place.again(onefold);
    assert!(allowed(&onefold, "crm:1").0);
    push(&mut onefold, &consent("c3", "work@example.com", "withdrawn", "2025-02-01T00:00:00Z", None));
    let mut onefold = place.again(onefold);
    assert!(!allowed(&onefold, "crm:1").0);
    assert!(allowed(&onefold, "shop:3").0, "nobody else is touched");
    // An older grant that arrives now changes nothing; at the same instant the withdrawal wins.
    push(&mut onefold, &consent("c4", "home@example.com", "given", "2025-01-15T00:00:00Z", None));
    push(&mut onefold, &consent("c5", "home@example.com", "given", "2025-02-01T00:00:00Z", None));
    onefold.commit().unwrap();
    assert!(!allowed(&onefold, "crm:1").0);
    // A later grant lifts a withdrawal on its own identifier alone: of two identifiers the more restrictive counts.
    push(&mut onefold, &consent("c6", "home@example.com", "given", "2025-03-01T00:00:00Z", None));
    onefold.commit().unwrap();
    assert!(!allowed(&onefold, "crm:1").0);
    push(&mut onefold, &consent("c7", "work@example.com", "given", "2025-03-02T00:00:00Z", None));
    onefold.commit().unwrap();
    assert!(allowed(&onefold, "crm:1").0);
}

const ODD_KEYS: [&str; 12] = [
    "a:b",
    ":",
    "with space",
    " ",
    "crm:1",
    "email:a@example.com",
    "Ünïcödé",
    "李小龍",
    "-x",
    "a/b?c#d",
    "\"quoted\"",
    "0123456789abcdef0123456789abcdef",
];

#[test]
fn records_are_found_by_any_key() {
    let place = Place::new();
    let mut onefold = init(&place.data());
    for (at, key) in ODD_KEYS.iter().enumerate() {
        push(
            &mut onefold,
            &event("crm", key, Some(&json!({"city": "Cork", "email": format!("p{at}@example.com")})), 1),
        );
    }
    let onefold = place.again(onefold);
    for (at, key) in ODD_KEYS.iter().enumerate() {
        assert_eq!(members(&onefold, &format!("crm:{key}")), [format!("crm:{key}")]);
        assert_eq!(members(&onefold, &format!("email:p{at}@example.com")), [format!("crm:{key}")]);
    }
    let reader = read(&onefold);
    for none in ["crm:", "crm", ":x", "", "nobody:x", "crm:A:B", "crm:with  space", "email:", "email:none"] {
        assert!(reader.profiles_of(none).is_err(), "{none:?}");
    }
}

/// An empty key names nothing, and U+001F joins the parts of a key.
fn is_key(text: &str) -> bool {
    !text.is_empty() && !text.contains('\u{1f}')
}

#[test]
fn naughty_strings_come_out_as_they_went_in() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/conformance/naughty_strings/blns.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("SKIPPED: {path} is not there");
        return;
    };
    let strings: Vec<String> = serde_json::from_str(&text).unwrap();
    assert_eq!(strings.len(), 515);
    let place = Place::new();
    let mut onefold = init(&place.data());
    let fields = ["email", "phone", "account", "given", "family", "city"];
    for (at, naughty) in strings.iter().enumerate() {
        let row: serde_json::Map<String, Value> = fields.iter().map(|f| ((*f).to_owned(), json!(naughty))).collect();
        assert_eq!(outcome(&mut onefold, &event("crm", &format!("n{at}"), Some(&row.into()), 1)), [Outcome::Taken]);
        if is_key(naughty) {
            // As a key as well; equal strings name one record.
            let row = json!({"email": format!("key{at}@example.com")});
            let taken = outcome(&mut onefold, &event("shop", naughty, Some(&row), 2 + at as u64));
            assert_eq!(taken, [Outcome::Taken], "{naughty:?} as a key");
        }
    }
    let onefold = place.again(onefold);
    let reader = read(&onefold);
    let mut found = vec![0; strings.len()];
    for entry in reader.entries(0, u64::MAX).unwrap() {
        let Content::Received(received) = entry.content else { continue };
        let Some(at) = received.key.strip_prefix('n').and_then(|n| n.parse::<usize>().ok()) else { continue };
        if received.source != onefold.schema().source("crm").unwrap() {
            continue;
        }
        found[at] = received.fields.iter().filter(|(_, _, raw)| *raw == strings[at]).count();
    }
    let short: Vec<_> = found.iter().zip(&strings).filter(|(count, _)| **count != fields.len()).collect();
    assert!(short.is_empty(), "{short:?}");
    // A value that could not be standardised stands in quarantine as it came.
    for value in reader.quarantined_values(usize::MAX).unwrap() {
        let Some(at) = value.key.strip_prefix('n').and_then(|n| n.parse::<usize>().ok()) else { continue };
        if value.source == "crm" {
            assert_eq!(value.raw, strings[at], "{} of {}", value.field, value.key);
        }
    }
    for (at, naughty) in strings.iter().enumerate().filter(|(_, naughty)| is_key(naughty)) {
        let raw =
            profile(&onefold, &format!("crm:n{at}")).values.into_iter().filter(|v| v.record.key == format!("n{at}"));
        raw.for_each(|value| assert_eq!(value.raw, *naughty, "{}", value.attribute));
        reader.record(&format!("shop:{naughty}")).unwrap_or_else(|error| panic!("{naughty:?}: {error}"));
    }
}
