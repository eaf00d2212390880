//! Contract C1: after every epoch of a random history the exported members, profiles and consents equal those of a fresh
//! run over the surviving records, byte for byte.
//!
//! Method: random upserts, deletes, returns, late arrivals, duplicates, reordered deliveries, erasures, redactions,
//! restarts and rebuilds of the index, against a model that keeps for each record the event of the highest log position
//! (for the list without order: the last that came) and what was erased. The fresh run has the same identity key and is
//! given the survivors in the order of their birth. After every commit the ledger is audited (contract C4) too.

use super::support::{event, export, init, init_like, open, push};
use onefold::pipeline::{ErasureRequest, Onefold, OpenOptions, Scope, Table};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

/// One step of a history.
#[derive(Clone, Debug)]
enum Step {
    /// An event of a record: source, key, row or none for a delete.
    Event(usize, u8, Option<Row>),
    /// An event that is older than those before it.
    Late(usize, u8, Option<Row>),
    /// The event of so many steps ago once more.
    Again(usize),
    Consent(u8, u8, bool),
    Commit,
    Restart,
    /// The record is erased.
    Erase(usize, u8),
    /// The ciphertexts of what was erased are deleted.
    Redact,
    /// The index is lost.
    Rebuild,
}

/// Small value spaces, so that records meet, part and cross limits.
#[derive(Clone, Debug)]
struct Row {
    email: Option<u8>,
    account: Option<u8>,
    phone: Option<u8>,
    family: u8,
    city: u8,
}

fn row() -> impl Strategy<Value = Row> {
    (proptest::option::of(0..6u8), proptest::option::of(0..5u8), proptest::option::of(0..4u8), 0..4u8, 0..3u8)
        .prop_map(|(email, account, phone, family, city)| Row { email, account, phone, family, city })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..3usize, 0..7u8, proptest::option::weighted(0.8, row())).prop_map(|(s, k, r)| Step::Event(s, k, r)),
        2 => (0..2usize, 0..7u8, proptest::option::weighted(0.7, row())).prop_map(|(s, k, r)| Step::Late(s, k, r)),
        2 => (1..6usize).prop_map(Step::Again),
        2 => (0..4u8, 0..6u8, any::<bool>()).prop_map(|(k, e, g)| Step::Consent(k, e, g)),
        3 => Just(Step::Commit),
        1 => Just(Step::Restart),
        1 => (0..3usize, 0..7u8).prop_map(|(s, k)| Step::Erase(s, k)),
        1 => Just(Step::Rebuild),
        1 => Just(Step::Redact),
    ]
}

const SOURCES: [&str; 3] = ["crm", "shop", "list"];

fn as_json(row: &Row) -> Value {
    let family = ["Lovelace", "Hopper", "Turing", "Noether"][usize::from(row.family)];
    let city = ["Berlin", "Paris", "Cork"][usize::from(row.city)];
    json!({
        "email": row.email.map(|n| format!("person{n}@example.com")),
        "account": row.account.map(|n| format!("A{n}")),
        "phone": row.phone.map(|n| format!("+4915112345{n}00")),
        "family": family, "given": "Ada", "city": city,
    })
}

/// The line of an event; the list has no deletes and no order, so that a delete there is an empty row.
fn line(source: usize, key: u8, row: Option<&Row>, lsn: u64) -> Value {
    let row = row.map(as_json);
    if source == 2 {
        let mut row = row.unwrap_or_else(|| json!({}));
        row["id"] = json!(format!("k{key}"));
        return json!({ "source": "list", "event": row });
    }
    event(SOURCES[source], &format!("k{key}"), row.as_ref(), lsn)
}

/// What should be left: by record, its birth order, the position of its last event and the line.
#[derive(Default)]
struct Model {
    records: HashMap<(usize, u8), (usize, u64, Value, bool)>,
    consents: HashMap<u8, (usize, Value)>,
    births: usize,
    /// Names and identifiers that were erased.
    buried: BTreeSet<String>,
}

/// The identifiers that a line of a source carries.
fn identifiers(source: usize, line: &Value) -> Vec<String> {
    let row = if source == 2 { &line["event"] } else { &line["event"]["after"] };
    let fields: &[&str] = [&["email", "account", "phone"][..], &["email", "account"], &["email"]][source];
    fields.iter().filter_map(|field| Some(format!("{field}:{}", row[field].as_str()?))).collect()
}

impl Model {
    fn erase(&mut self, source: usize, key: u8) -> bool {
        let Some((_, _, line, live)) = self.records.remove(&(source, key)) else { return false };
        self.buried.insert(format!("{source}/{key}"));
        if live {
            let others: BTreeSet<String> = self
                .records
                .iter()
                .filter(|(_, (_, _, _, live))| *live)
                .flat_map(|((source, _), (_, _, line, _))| identifiers(*source, line))
                .collect();
            self.buried.extend(identifiers(source, &line).into_iter().filter(|own| !others.contains(own)));
        }
        true
    }

    fn take(&mut self, source: usize, key: u8, lsn: u64, line: &Value, live: bool) {
        let carried = if live { identifiers(source, line) } else { Vec::new() };
        if self.buried.contains(&format!("{source}/{key}")) || carried.iter().any(|own| self.buried.contains(own)) {
            return;
        }
        // A delete of what was never there is nothing in a source without order; in one with order it is remembered.
        let births = self.births;
        let known = self.records.entry((source, key)).or_insert((births, 0, Value::Null, false));
        if known.0 == births {
            self.births += 1;
        }
        if source == 2 || lsn >= known.1 {
            *known = (known.0, lsn, line.clone(), live);
        }
    }

    fn consent(&mut self, key: u8, line: &Value) {
        if self.buried.contains(&format!("email:{}", line["event"]["email"].as_str().unwrap_or_default())) {
            return;
        }
        let births = self.births;
        let known = self.consents.entry(key).or_insert((births, Value::Null));
        if known.0 == births {
            self.births += 1;
        }
        known.1 = line.clone();
    }

    /// The lines of what is left, in the order of birth.
    fn survivors(&self) -> Vec<Value> {
        let records = self.records.values().filter(|(_, _, _, live)| *live).map(|(birth, _, line, _)| (*birth, line));
        let consents = self.consents.values().map(|(birth, line)| (*birth, line));
        let mut all: Vec<(usize, &Value)> = records.chain(consents).collect();
        all.sort_by_key(|(birth, _)| *birth);
        all.into_iter().map(|(_, line)| line.clone()).collect()
    }
}

/// Events that were sent: source, key, position, line, whether it leaves a live record.
type Sent = (usize, u8, u64, Value, bool);

fn check(steps: &[Step]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    let mut model = Model::default();
    let mut sent: Vec<Sent> = Vec::new();
    let mut fresh = 0;
    for (at, step) in steps.iter().chain([&Step::Commit]).enumerate() {
        let lsn = 1_000 + at as u64 * 10;
        match step {
            Step::Event(source, key, row) | Step::Late(source, key, row) => {
                let lsn = if matches!(step, Step::Late(..)) { lsn / 2 } else { lsn };
                let line = line(*source, *key, row.as_ref(), lsn);
                push(&mut onefold, &line);
                let live = row.is_some() || *source == 2;
                model.take(*source, *key, lsn, &line, live);
                sent.push((*source, *key, lsn, line, live));
            }
            Step::Again(back) => {
                let Some((source, key, lsn, line, live)) = sent.len().checked_sub(*back).map(|at| sent[at].clone())
                else {
                    continue;
                };
                push(&mut onefold, &line);
                model.take(source, key, lsn, &line, live);
            }
            Step::Consent(key, email, given) => {
                let line = json!({ "source": "consents", "event": {
                    "id": format!("c{key}"), "email": format!("person{email}@example.com"), "purpose": "marketing",
                    "status": if *given { "given" } else { "withdrawn" },
                    "at": format!("2026-01-{:02}T00:00:00Z", 1 + at % 27),
                }});
                push(&mut onefold, &line);
                model.consent(*key, &line);
            }
            Step::Commit => {
                onefold.commit().expect("a commit");
                fresh += 1;
                let other = folder.path().join(format!("fresh{fresh}"));
                compare(&onefold, &data, &other, &model.survivors());
            }
            Step::Restart => {
                onefold.acknowledge().expect("an acknowledgement");
                drop(onefold);
                onefold = open(&data);
            }
            Step::Erase(source, key) => {
                onefold.commit().expect("a commit");
                let name = format!("{}:k{key}", SOURCES[*source]);
                let birth = onefold.reader().expect("a reader").record(&name);
                assert_eq!(birth.is_ok(), model.erase(*source, *key), "{name} is known to both or to none");
                if let Ok(birth) = birth {
                    let ground = "GDPR Art. 17(1)(a)".to_owned();
                    let request = ErasureRequest { request: format!("case-{at}"), ground, due_days: 30 };
                    onefold.erase(Scope::Record(birth), &request).expect("an erasure");
                }
            }
            Step::Rebuild => {
                onefold.acknowledge().expect("an acknowledgement");
                drop(onefold);
                // A store that was just closed may still be putting its last file there.
                while std::fs::remove_dir_all(data.join("index")).is_err() && data.join("index").exists() {
                    std::thread::yield_now();
                }
                onefold = open(&data);
            }
            Step::Redact => {
                onefold.commit().expect("a commit");
                drop(onefold);
                Onefold::redact(&data, OpenOptions::default(), true, |_, _| {}).expect("a redaction");
                onefold::ledger::verify(&data.join("ledger"), &[], |_| {}).expect("the ledger verifies");
                onefold = open(&data);
            }
        }
    }
}

/// The exports of the engine and of a fresh run over the survivors.
fn compare(onefold: &onefold::pipeline::Onefold, data: &std::path::Path, other: &std::path::Path, survivors: &[Value]) {
    let mut fresh = init_like(other, data);
    for line in survivors {
        push(&mut fresh, line);
    }
    fresh.commit().expect("a commit");
    let audit = onefold.reader().expect("a reader").audit(|_| {}).expect("an audit");
    assert_eq!(audit.breaches, [], "ledger and state justify each other");
    for table in [Table::Members, Table::Profiles, Table::Consents] {
        assert_eq!(export(onefold, table), export(&fresh, table), "{table:?} differ from a fresh run");
    }
    drop(fresh);
    std::fs::remove_dir_all(other).expect("the fresh run's directory can be removed");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_history_equals_a_fresh_run(steps in proptest::collection::vec(step(), 1..60)) {
        check(&steps);
    }
}

#[test]
fn a_bridge_joins_and_parts() {
    let row = |email, account| Some(Row { email, account, phone: None, family: 0, city: 0 });
    check(&[
        Step::Event(0, 1, row(Some(1), None)),
        Step::Event(1, 2, row(None, Some(1))),
        Step::Commit,
        Step::Event(0, 3, row(Some(1), Some(1))),
        Step::Commit,
        Step::Event(0, 3, None),
        Step::Commit,
        Step::Restart,
        Step::Late(0, 3, row(Some(1), Some(1))),
        Step::Commit,
        Step::Event(0, 3, row(Some(1), Some(1))),
        Step::Restart,
        Step::Event(0, 1, None),
    ]);
}
