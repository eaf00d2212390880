//! Goal: a request of a person is recorded, has its deadline, ends once, and outlives the person only as a number.
//! Method: requests through library and program with clocks that stand still; the index is built anew from the ledger
//! before and after an erasure, and must say the same.

use super::erasure::holding;
use super::program::{ok, run, text};
use super::support::{event, init, push};
use onefold::ledger::{Law, Outcome, Right};
use onefold::model::Birth;
use onefold::pipeline::{
    Archive, Day, ErasureRequest, Error, FixedClock, NewRequest, Onefold, OpenOptions, RequestView, Scope, Statement,
};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn at(day: Day) -> OpenOptions {
    OpenOptions { clock: Box::new(FixedClock(day.start_s() + 43_200)), ..OpenOptions::default() }
}

fn open_on(data: &Path, today: &str) -> Onefold {
    Onefold::open(data, at(day(today))).unwrap()
}

fn requests(data: &Path, today: &str) -> Vec<RequestView> {
    Archive::open_at(data, || at(day(today))).unwrap().requests().unwrap()
}

fn two_people(data: &Path) {
    let mut onefold = init(data);
    push(&mut onefold, &event("crm", "a", Some(&json!({ "email": "zora@example.com", "family": "Quimby" })), 1));
    push(&mut onefold, &event("crm", "b", Some(&json!({ "email": "other@example.com", "family": "Other" })), 2));
    onefold.commit().unwrap();
}

fn person(onefold: &Onefold, id: &str) -> Birth {
    onefold.persons_of(id).unwrap()[0]
}

fn new(onefold: &Onefold, right: Right, law: Law, received: &str) -> NewRequest {
    NewRequest { subject: person(onefold, "crm:a"), right, law, received: Some(day(received)), reference: None }
}

fn said(reason: &str) -> Statement {
    Statement { by: "ada".to_owned(), reason: reason.to_owned() }
}

#[test]
fn a_request_runs_its_course() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    two_people(&data);
    let mut onefold = open_on(&data, "2026-02-10");
    let first = new(&onefold, Right::Access, Law::Gdpr, "2026-01-31");
    assert_eq!(onefold.open_request(&first, "ada").unwrap(), "R-2026-0001");
    let second = new(&onefold, Right::Objection, Law::Ccpa, "2026-02-09");
    assert_eq!(onefold.open_request(&second, "ada").unwrap(), "R-2026-0002");
    let named =
        NewRequest { reference: Some("DSR/7".into()), ..new(&onefold, Right::Erasure, Law::Gdpr, "2025-12-01") };
    assert_eq!(onefold.open_request(&named, "ada").unwrap(), "DSR/7");
    let refused = [
        named.clone(),
        NewRequest { reference: Some("zora@example.com".into()), ..named.clone() },
        NewRequest { received: Some(day("2026-02-11")), reference: None, ..named.clone() },
    ];
    for request in refused {
        assert!(matches!(onefold.open_request(&request, "ada"), Err(Error::BadName { .. })), "{request:?}");
    }
    let nobody = NewRequest { subject: Birth(99), reference: None, ..named };
    assert!(matches!(onefold.open_request(&nobody, "ada"), Err(Error::NotFound { .. })));
    assert_eq!(onefold.extend_request("R-2026-0001", &said("many systems")).unwrap(), day("2026-04-30"));
    assert!(onefold.extend_request("R-2026-0001", &said("again")).is_err(), "once");
    assert!(onefold.extend_request("DSR/7", &said("late")).is_err(), "after its deadline");
    assert!(onefold.extend_request("R-2026-0009", &said("none")).is_err());
    onefold.advance_request("R-2026-0001", [7; 32], &said("report")).unwrap();
    onefold.close_request("R-2026-0002", Outcome::Refused, &said("unfounded")).unwrap();
    assert!(onefold.close_request("R-2026-0002", Outcome::Fulfilled, &said("after all")).is_err(), "it has ended");
    drop(onefold);
    let check = || {
        let views = requests(&data, "2026-02-10");
        let told: Vec<_> = views
            .iter()
            .map(|view| (view.reference.as_str(), view.state, view.due.as_str(), view.overdue, view.ended.as_deref()))
            .collect();
        let expected = [
            ("DSR/7", "open", "2026-01-01", true, None),
            ("R-2026-0001", "extended", "2026-04-30", false, None),
            ("R-2026-0002", "refused", "2026-03-02", false, Some("2026-02-10")),
        ];
        assert_eq!(told, expected);
        assert!(views.iter().all(|view| view.profile.is_some()));
    };
    check();
    fs::remove_dir_all(data.join("index")).unwrap();
    check();
    let (_, steps) = Archive::open_at(&data, || at(day("2026-02-10"))).unwrap().request("R-2026-0001").unwrap();
    let told: Vec<_> = steps.iter().map(|step| (step.step, step.by.as_str(), step.reason.as_str())).collect();
    let expected = [("opened", "ada", ""), ("extended", "ada", "many systems"), ("advanced", "ada", "report")];
    assert_eq!(told, expected);
    assert_eq!(steps[2].sha256.as_deref(), Some("07".repeat(32).as_str()));
    assert_eq!(holding(&data.join("ledger"), b"R-2026-0001"), 0, "even the reference is sealed");
}

#[test]
fn of_an_erased_person_the_request_keeps_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    two_people(&data);
    let mut onefold = open_on(&data, "2026-02-10");
    for right in [Right::Erasure, Right::Access, Right::Portability] {
        let request = new(&onefold, right, Law::Gdpr, "2026-02-01");
        onefold.open_request(&request, "ada").unwrap();
    }
    let other =
        NewRequest { subject: person(&onefold, "crm:b"), ..new(&onefold, Right::Access, Law::Gdpr, "2026-02-01") };
    onefold.open_request(&other, "ada").unwrap();
    onefold.close_request("R-2026-0002", Outcome::Fulfilled, &said("sent")).unwrap();
    onefold.extend_request("R-2026-0003", &said("takes longer")).unwrap();
    let scope = Scope::Person(person(&onefold, "crm:a"));
    let erasure = ErasureRequest { request: "R-2026-0001".into(), ground: "GDPR Art. 17(1)(a)".into(), due_days: 0 };
    onefold.erase(scope, &erasure).unwrap();
    onefold.close_request("R-2026-0001", Outcome::Fulfilled, &said("erased")).unwrap();
    drop(onefold);
    let views = requests(&data, "2026-02-10");
    let told: Vec<_> = views
        .iter()
        .map(|view| (view.reference.as_str(), view.right, view.state, view.due.as_str(), view.profile.is_some()))
        .collect();
    let expected = [
        ("R-2026-0004", "access", "open", "2026-03-01", true),
        ("R-2026-0003", "portability", "extended", "2026-05-01", false),
        ("R-2026-0001", "erasure", "fulfilled", "2026-03-01", false),
        ("R-2026-0002", "access", "fulfilled", "2026-03-01", false),
    ];
    assert_eq!(told, expected);
    fs::remove_dir_all(data.join("index")).unwrap();
    assert_eq!(requests(&data, "2026-02-10"), views, "as the ledger alone says");
    Onefold::redact(&data, at(day("2026-02-10")), true, |_, _| {}).unwrap();
    fs::remove_dir_all(data.join("index")).unwrap();
    assert_eq!(requests(&data, "2026-02-10"), views, "after the ciphertexts were deleted");
    let (_, steps) = Archive::open_at(&data, || at(day("2026-02-10"))).unwrap().request("R-2026-0001").unwrap();
    assert_eq!(steps.iter().map(|step| step.step).collect::<Vec<_>>(), ["kept", "fulfilled"]);
}

/// Under the CCPA who opts out or limits waits 15 business days and no longer; all else has 45 days, and 45 more.
#[test]
fn opt_outs_under_the_ccpa_have_business_days_and_no_extension() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    two_people(&data);
    let mut onefold = open_on(&data, "2027-01-03");
    for (right, due, extended) in [
        (Right::Access, "2027-02-01", Some("2027-03-18")),
        (Right::Portability, "2027-02-01", Some("2027-03-18")),
        (Right::Rectification, "2027-02-01", Some("2027-03-18")),
        (Right::Erasure, "2027-02-01", Some("2027-03-18")),
        (Right::Restriction, "2027-01-08", None),
        (Right::Objection, "2027-01-08", None),
    ] {
        let reference = onefold.open_request(&new(&onefold, right, Law::Ccpa, "2026-12-18"), "ada").unwrap();
        match (onefold.extend_request(&reference, &said("many systems")), extended) {
            (Ok(until), Some(expected)) => assert_eq!(until, day(expected), "{}", right.name()),
            (Err(Error::BadName { what }), None) => assert!(what.contains("15 business days"), "{what}"),
            (found, _) => panic!("{}: {found:?}", right.name()),
        }
        drop(onefold);
        let views = requests(&data, "2027-01-08");
        let view = views.iter().find(|view| view.reference == reference).unwrap();
        let (state, due) = if let Some(until) = extended { ("extended", until) } else { ("open", due) };
        assert_eq!((view.state, view.due.as_str(), view.overdue), (state, due, false), "{}", right.name());
        onefold = open_on(&data, "2027-01-03");
    }
    drop(onefold);
    let overdue = requests(&data, "2027-01-09").into_iter().filter(|view| view.overdue).map(|view| view.right);
    assert_eq!(overdue.collect::<Vec<_>>(), ["restriction", "objection"]);
}

#[test]
fn the_program_takes_requests_and_documents() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    two_people(&data);
    let data = text(&data);
    let said = ok(&[
        "request",
        "open",
        "access",
        "email:zora@example.com",
        "--law",
        "ccpa",
        "--received",
        "2020-01-31",
        "--data",
        data,
    ]);
    assert_eq!(said, "Request R-2020-0001 (access) is due on 2020-03-16.\n");
    let opt_out = ["request", "open", "objection", "email:zora@example.com", "--law", "ccpa", "--data", data];
    let said = ok(&[&opt_out[..], &["--received", "2020-02-01", "--ref", "OUT-1"]].concat());
    assert_eq!(said, "Request OUT-1 (objection) is due on 2020-02-21.\n");
    let ran = run(&["request", "extend", "OUT-1", "--reason", "x", "--data", data]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (
            2,
            "error: a request to opt out or to limit has no extension under the CCPA: 15 business days are all there is \
             (11 CCR 7026(f), 7027(g))\n"
        )
    );
    let path = folder.path().join("request.json");
    // The example of the specification of OpenDSR 2.0, with a person who is known.
    let document = json!({
        "subject_request_id": "a7551968-d5d6-44b2-9831-815ac9017798", "subject_request_type": "erasure",
        "submitted_time": "2018-10-02T15:00:00Z", "api_version": "2.0",
        "subject_identities": [{ "identity_type": "email", "identity_value": "Other@Example.com", "identity_format": "raw" }],
        "status_callback_urls": ["https://examplecontroller.com/opendsr/callbacks"],
    });
    fs::write(&path, document.to_string()).unwrap();
    let from = |more: &[&str]| run(&[&["request", "open", "--data", data, "--from", text(&path)], more].concat());
    assert_eq!(
        from(&[]).err,
        "error: the document does not say under which law\nhelp: give --law gdpr or --law ccpa\n"
    );
    let taken = from(&["--law", "gdpr"]);
    assert_eq!(
        taken.out, "Request a7551968-d5d6-44b2-9831-815ac9017798 (erasure) is due on 2018-11-02.\n",
        "{}",
        taken.err
    );
    // What else the specification shows is no request, and says so.
    for other in [
        json!({ "api_version": "2.0", "supported_subject_request_types": ["erasure"] }),
        json!({ "controller_id": "x", "subject_request_id": "a7551968", "request_status": "pending" }),
        json!({ "error": { "code": 400, "message": "subject_request_id field is required" } }),
        json!([1, 2]),
    ] {
        fs::write(&path, other.to_string()).unwrap();
        let ran = from(&["--law", "gdpr"]);
        assert_eq!(ran.code, 2, "{other}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains("is no OpenDSR request: "), "{}", ran.err);
    }
    let hashed = json!({ "subject_request_id": "h-1", "subject_request_type": "access", "subject_identities": [
        { "identity_type": "email", "identity_value": "00ff", "identity_format": "sha256" }] });
    fs::write(&path, hashed.to_string()).unwrap();
    let ran = from(&["--law", "gdpr"]);
    assert!(
        ran.code == 3 && ran.err.contains("hashes cannot be looked up") && !ran.err.contains("00ff"),
        "{}",
        ran.err
    );
    let list = ok(&["request", "list", "--data", data]);
    let lines: Vec<&str> = list.lines().collect();
    assert!(lines.iter().any(|line| line.contains("a7551968") && line.contains("OVERDUE")), "{list}");
    ok(&[
        "request",
        "close",
        "R-2020-0001",
        "--outcome",
        "fulfilled",
        "--reason",
        "sent",
        "--as",
        "grace",
        "--data",
        data,
    ]);
    let shown = ok(&["request", "show", "R-2020-0001", "--data", data]);
    assert!(shown.contains("fulfilled by grace: sent") && shown.contains("CCPA"), "{shown}");
    let listed: Value = serde_json::from_str(&ok(&["request", "list", "--json", "--data", data])).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 3);
    assert_eq!(run(&["request", "show", "R-1", "--data", data]).code, 3);
    assert_eq!(
        run(&["request", "extend", "R-2020-0001", "--reason", "x", "--data", data]).err,
        "error: the request has ended\n"
    );
}

#[test]
fn a_request_follows_the_person() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    let row = |key: &str| json!({ "email": format!("zora{key}@example.com"), "account": "7", "family": "Quimby" });
    for (lsn, key) in ["a", "b", "c", "d"].iter().enumerate() {
        push(&mut onefold, &event("crm", key, Some(&row(key)), lsn as u64 + 1));
    }
    onefold.commit().unwrap();
    drop(onefold);
    let mut onefold = open_on(&data, "2026-02-10");
    for right in [Right::Access, Right::Portability] {
        let request = new(&onefold, right, Law::Gdpr, "2026-02-01");
        onefold.open_request(&request, "ada").unwrap();
    }
    onefold.extend_request("R-2026-0002", &said("takes longer")).unwrap();
    // Her sources delete the oldest records one after the other.
    for (lsn, key) in [(10, "a"), (11, "b")] {
        push(&mut onefold, &event("crm", key, None, lsn));
        onefold.commit().unwrap();
    }
    let check = |onefold: &Onefold, key: &str| {
        onefold.finder().unwrap().check_request("R-2026-0001", Right::Access, person(onefold, key))
    };
    check(&onefold, "crm:c").unwrap();
    // The record that it was opened for is erased, and she goes on.
    let alone = |onefold: &mut Onefold, key: &str| {
        let record = onefold.finder().unwrap().record(key).unwrap();
        let erasure = ErasureRequest { request: "E-1".into(), ground: "GDPR Art. 17(1)(d)".into(), due_days: 0 };
        onefold.erase(Scope::Record(record), &erasure).unwrap();
    };
    alone(&mut onefold, "crm:a");
    check(&onefold, "crm:d").unwrap();
    alone(&mut onefold, "crm:c");
    check(&onefold, "crm:d").unwrap();
    drop(onefold);
    let views = requests(&data, "2026-02-10");
    let told: Vec<_> = views.iter().map(|view| (view.reference.as_str(), view.state, view.profile.is_some())).collect();
    assert_eq!(told, [("R-2026-0001", "open", true), ("R-2026-0002", "extended", true)]);
    fs::remove_dir_all(data.join("index")).unwrap();
    assert_eq!(requests(&data, "2026-02-10"), views, "as the ledger alone says");
    let mut onefold = open_on(&data, "2026-02-10");
    alone(&mut onefold, "crm:d");
    drop(onefold);
    assert!(requests(&data, "2026-02-10").iter().all(|view| view.profile.is_none()), "nobody is left");
}

#[test]
fn a_long_number_is_not_counted_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    two_people(&data);
    let mut onefold = open_on(&data, "2026-02-10");
    let plain = new(&onefold, Right::Access, Law::Gdpr, "2026-02-01");
    for reference in ["R-2026-18446744073709551615", "R-2026-9999999999", "R-2026-0041"] {
        onefold.open_request(&NewRequest { reference: Some(reference.into()), ..plain.clone() }, "ada").unwrap();
    }
    assert_eq!(onefold.open_request(&plain, "ada").unwrap(), "R-2026-0042");
    assert_eq!(onefold.open_request(&plain, "ada").unwrap(), "R-2026-0043");
}
