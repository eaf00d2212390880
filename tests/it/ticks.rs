//! Goal: time does its work at the second it should, forwards only, and `onefold tick` says what it did.
//! Method: the program's own clock is set on by hand around the end of a consent and of a retention; the times lie far
//! ahead of the machine's clock, so that it has no part in them.

use super::program::{ok, run, run_with_input, text};
use serde_json::Value;
use std::path::Path;

/// A consent that ends as 2101 begins.
const CONSENT: &str = r#"{"source":"consents","event":{"consent_id":"c1","subject":{"email":"ada@example.com"},"purpose":"marketing","status":"given","at":"2100-01-01T00:00:00Z","expires_at":"2101-01-01T00:00:00Z"}}"#;
/// The same without an end.
const ENDLESS: &str = r#"{"source":"consents","event":{"consent_id":"c1","subject":{"email":"ada@example.com"},"purpose":"marketing","status":"given","at":"2100-01-01T00:00:00Z"}}"#;
/// A customer as of 2100: marketing may keep what it was given for 730 days.
const CUSTOMER: &str = r#"{"source":"crm","event":{"op":"c","before":null,"after":{"id":"1","email":"ada@example.com","first_name":"Ada","date_of_birth":"1990-01-01","country":"FR"},"ts_ms":4102444800000,"source":{"connector":"postgresql","lsn":1,"ts_ms":4102444800000}}}"#;

/// A data directory of the retail bundle with these events.
fn directory(folder: &Path, events: &[&str]) -> String {
    let data = text(&folder.join("data")).to_owned();
    ok(&["init", "--quiet", "--policy", "retail", "--data", &data]);
    let ran = run_with_input(&["ingest", "--mixed", "--data", &data, "-"], events.join("\n").as_bytes());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    data
}

fn tick(data: &str, until: &str) -> Value {
    serde_json::from_str(&ok(&["tick", "--json", "--yes", "--until", until, "--data", data])).unwrap()
}

/// Whether marketing is allowed, and why or why not.
fn marketing(data: &str) -> (bool, String) {
    let view: Value = serde_json::from_str(&ok(&["profile", "--json", "--data", data, "crm:1"])).unwrap();
    let all = view["permissions"].as_array().unwrap();
    let found = all.iter().find(|one| one["purpose"] == "marketing").unwrap();
    (found["allowed"] == true, found["why"].as_str().unwrap().to_owned())
}

#[test]
fn a_consent_ends_at_its_second() {
    let folder = tempfile::tempdir().unwrap();
    let data = directory(folder.path(), &[CUSTOMER, CONSENT]);
    assert!(!marketing(&data).0, "it was given for later");
    tick(&data, "2100-01-01");
    assert!(marketing(&data).0);
    let before = tick(&data, "2100-12-31T23:59:59Z");
    assert!(marketing(&data).0, "{before}");
    assert_eq!((&before["was_due_us"], &before["profiles"]), (&Value::Null, &0.into()));
    assert_eq!(before["due_us"], 4_133_980_800_000_000u64, "the next is the end of the consent");
    let at = tick(&data, "2101-01-01T00:00:00Z");
    assert_eq!(marketing(&data), (false, "the consent has expired (GDPR Art. 6(1)(a))".to_owned()), "{at}");
    assert_eq!((&at["was_due_us"], &at["profiles"]), (&before["due_us"], &1.into()));
    assert_eq!(at["epoch"].as_u64(), before["epoch"].as_u64().map(|epoch| epoch + 1));
    let audit = ok(&["ledger", "audit", "--data", &data]);
    assert!(!audit.is_empty());
}

#[test]
fn retention_ends_at_its_second() {
    let folder = tempfile::tempdir().unwrap();
    let data = directory(folder.path(), &[CUSTOMER, ENDLESS]);
    tick(&data, "2100-01-01");
    assert!(marketing(&data).0);
    tick(&data, "2101-12-31T23:59:59Z");
    assert!(marketing(&data).0, "730 days are not over");
    tick(&data, "2102-01-01");
    assert!(!marketing(&data).0, "730 days are over");
    let values = run(&["profile", "--purpose", "marketing", "--data", &data, "crm:1"]);
    assert_eq!((values.code, values.out.as_str()), (4, ""), "a value is still shown");
}

#[test]
fn time_never_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = directory(folder.path(), &[CUSTOMER, CONSENT]);
    ok(&["tick", "--yes", "--until", "2101-01-01", "--data", &data]);
    for earlier in ["2100-12-31T23:59:59Z", "2100-06-01"] {
        let ran = run(&["tick", "--yes", "--until", earlier, "--data", &data]);
        let says = "error: the clock of this directory stands at 2101-01-01T00:00:00Z and never goes back: give a later time\n";
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (2, "", says));
        assert!(!marketing(&data).0, "the consent has come back to life");
    }
    ok(&["tick", "--yes", "--until", "2101-01-01", "--data", &data]);
    let ran = run(&["tick", "--yes", "--until", "soon", "--data", &data]);
    let says = "error: `soon` is neither a time nor a day\nhelp: write it as 2027-03-01T09:30:00Z or as 2027-03-01, which \
                begins at midnight UTC\n";
    assert_eq!((ran.code, ran.err.as_str()), (2, says));
}

#[test]
fn what_is_due_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let data = directory(folder.path(), &[CUSTOMER, CONSENT]);
    // Opening alone is an entry, too.
    let epochs = || {
        let report: Value = serde_json::from_str(&ok(&["ledger", "verify", "--json", "--data", &data])).unwrap();
        (report["epoch"].clone(), report["kinds"]["tick"].clone(), report["kinds"]["commit"].clone())
    };
    let before = epochs();
    let out = ok(&["tick", "--data", &data]);
    assert!(out.starts_with("Nothing was due by 20"), "{out}");
    assert!(out.contains("Due next: 2100-01-01 00:00:00 UTC."), "{out}");
    assert_eq!(epochs(), before, "a tick with nothing due was written");
    let json: Value = serde_json::from_str(&ok(&["tick", "--json", "--data", &data])).unwrap();
    assert_eq!((&json["epoch"], &json["profiles"], &json["was_due_us"]), (&Value::Null, &0.into(), &Value::Null));
    let out = ok(&["tick", "--yes", "--until", "2100-01-01", "--data", &data]);
    let says = "Due since 2100-01-01 00:00:00 UTC: done up to 2100-01-01 00:00:00 UTC.\n";
    assert!(out.starts_with(says) && out.contains(": 1 profile changed.\n"), "{out}");
    let out = ok(&["tick", "--yes", "--until", "2200-01-01", "--data", &data]);
    assert!(out.ends_with("Nothing will end by time alone.\n"), "{out}");
    assert_eq!(ok(&["tick", "--quiet", "--data", &data]), "");
}

#[test]
fn far_ahead_it_goes_only_when_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let data = directory(folder.path(), &[CUSTOMER, CONSENT]);
    for more in [&[][..], &["--json"]] {
        let ran = run(&[&["tick", "--until", "2101-01-01", "--data", &data], more].concat());
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
        assert!(ran.err.starts_with("error: 2101-01-01 00:00:00 UTC is "), "{}", ran.err);
        assert!(ran.err.contains("days ahead, and nobody is there to be asked\nhelp: give --yes"), "{}", ran.err);
    }
    let out = ok(&["tick", "--data", &data]);
    assert!(out.contains("Due next: 2100-01-01 00:00:00 UTC."), "the clock was set all the same: {out}");
    // Up to a day ahead is what clocks and time zones may differ by.
    let hour = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    ok(&["tick", "--until", &hour.to_string(), "--data", &data]);
    assert_eq!(run(&["tick", "--yes", "--data", &data]).code, 2, "it is for --until alone");
}
