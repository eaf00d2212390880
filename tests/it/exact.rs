//! Contract C1: after every epoch of a random history the exported members, profiles and consents equal those of a fresh
//! run over the surviving records, byte for byte.
//!
//! Method: random upserts, deletes, returns, late arrivals, duplicates, reordered deliveries, erasures, redactions,
//! restarts, rebuilds of the index and time that goes by, against a model that keeps for each record the event of the highest
//! log position (for the list without order: the last that came), what was erased and what stewards decided. The fresh run
//! has the same identity key and clock, and is given the survivors in the order of their birth, and the decisions about them.
//! When a consent was received last is part of it, so that all are sent there once more in that order; how long a value was
//! kept is not, for the bundle keeps all. Contradictions are found a second time, by joining groups. After every commit the
//! ledger is audited (contract C4) too.

use super::support::{DAY, Hands, NOW, bundle, event, export, patiently, push, read};
use onefold::model::{Birth, Ruling};
use onefold::pipeline::{Decided, ErasureRequest, Error, InitOptions, Onefold, OpenOptions, Scope, Statement, Table};
use onefold::policy::Bundle;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// One step of a history.
#[derive(Clone, Debug)]
enum Step {
    /// An event of a record: source, key, row or none for a delete.
    Event(usize, u8, Option<Row>),
    /// An event that is older than those before it.
    Late(usize, u8, Option<Row>),
    /// The event of so many steps ago once more.
    Again(usize),
    /// A consent or its refusal: key, e-mail address, days until it is given (or since), days until it ends.
    Consent(u8, u8, bool, i8, Option<u8>),
    /// So many days go by.
    Wait(u8),
    Commit,
    Restart,
    /// The record is erased.
    Erase(usize, u8),
    /// The ciphertexts of what was erased are deleted.
    Redact,
    /// The index is lost.
    Rebuild,
    /// A steward decides that two records are one person, or not.
    Decide(bool, Name, Name),
    /// The decision about two records is withdrawn.
    Withdraw(Name, Name),
    /// A steward allows a phone number, or no longer.
    Allow(u8, bool),
}

/// Source and key of a record.
type Name = (usize, u8);

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
        2 => (0..4u8, 0..6u8, any::<bool>(), -60..20i8, proptest::option::of(0..40u8))
            .prop_map(|(k, e, g, at, until)| Step::Consent(k, e, g, at, until)),
        1 => (1..15u8).prop_map(Step::Wait),
        3 => Just(Step::Commit),
        1 => Just(Step::Restart),
        1 => (0..3usize, 0..7u8).prop_map(|(s, k)| Step::Erase(s, k)),
        1 => Just(Step::Rebuild),
        1 => Just(Step::Redact),
        4 => (any::<bool>(), name(), name()).prop_map(|(same, a, b)| Step::Decide(same, a, b)),
        1 => (name(), name()).prop_map(|(a, b)| Step::Withdraw(a, b)),
        1 => (0..4u8, any::<bool>()).prop_map(|(phone, allow)| Step::Allow(phone, allow)),
    ]
}

fn name() -> impl Strategy<Value = Name> {
    (0..3usize, 0..4u8)
}

const SOURCES: [&str; 3] = ["crm", "shop", "list"];

fn number(phone: u8) -> String {
    format!("+4915112345{phone}00")
}

fn as_json(row: &Row) -> Value {
    let family = ["Lovelace", "Hopper", "Turing", "Noether"][usize::from(row.family)];
    let given = ["Ada", "A.", "Ada", "Grace"][usize::from(row.family)];
    let city = ["Berlin", "Paris", "Cork"][usize::from(row.city)];
    json!({
        "email": row.email.map(|n| format!("person{n}@example.com")),
        "account": row.account.map(|n| format!("A{n}")),
        "phone": row.phone.map(number),
        "family": family, "given": given, "city": city,
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

/// A consent or its refusal, which is never for later. What is withdrawn also binds whoever was the same person then, which
/// survivors alone do not tell: that is compared with the twin in `dataflow`, and told in `consent`.
fn consent(key: u8, email: &str, given: bool, at: i8, until: Option<u8>) -> Value {
    let status = if given { "given" } else { "refused" };
    let day =
        |days: i64| jiff::Timestamp::from_second(i64::from(NOW) + days * i64::from(DAY)).expect("a day").to_string();
    let at = if given { at } else { at.min(-1) };
    json!({ "source": "consents", "event": {
        "id": format!("c{key}"), "email": email, "purpose": "marketing", "status": status,
        "at": day(at.into()), "until": until.map(|days| day(days.into())),
    }})
}

/// What should be left: by record, its birth order, the position of its last event and the line.
#[derive(Default)]
struct Model {
    records: HashMap<(usize, u8), (usize, u64, Value, bool)>,
    /// By id: birth order, at which step it last changed, and the line.
    consents: HashMap<u8, (usize, usize, Value)>,
    births: usize,
    /// The identifiers that records carry or carried.
    carried: HashMap<Name, BTreeSet<String>>,
    /// Names and identifiers that were erased.
    buried: BTreeSet<String>,
    /// By pair, whether they were decided to be the same.
    decisions: BTreeMap<(Name, Name), bool>,
    /// Allowed phone numbers, each with the record that carried it.
    allowed: BTreeMap<u8, Name>,
}

fn pair(a: Name, b: Name) -> (Name, Name) {
    (a.min(b), a.max(b))
}

/// The identifiers that a line of a source carries.
fn identifiers(source: usize, line: &Value) -> Vec<String> {
    let row = if source == 2 { &line["event"] } else { &line["event"]["after"] };
    let fields: &[&str] = [&["email", "account", "phone"][..], &["email", "account"], &["email"]][source];
    fields.iter().filter_map(|field| Some(format!("{field}:{}", row[field].as_str()?))).collect()
}

impl Model {
    fn erase(&mut self, source: usize, key: u8) -> bool {
        if self.records.remove(&(source, key)).is_none() {
            return false;
        }
        let erased = (source, key);
        self.decisions.retain(|(a, b), _| *a != erased && *b != erased);
        self.allowed.retain(|_, carrier| *carrier != erased);
        self.buried.insert(format!("{source}/{key}"));
        let others: BTreeSet<String> = self
            .records
            .iter()
            .filter(|(_, (_, _, _, live))| *live)
            .flat_map(|((source, _), (_, _, line, _))| identifiers(*source, line))
            .collect();
        let carried = self.carried.remove(&erased).unwrap_or_default();
        self.buried.extend(carried.into_iter().filter(|own| !others.contains(own)));
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
            self.carried.entry((source, key)).or_default().extend(carried);
        }
    }

    fn consent(&mut self, key: u8, at: usize, line: &Value) {
        if self.buried.contains(&format!("email:{}", line["event"]["email"].as_str().unwrap_or_default())) {
            return;
        }
        let births = self.births;
        let known = self.consents.entry(key).or_insert((births, at, line.clone()));
        if known.0 == births {
            self.births += 1;
        } else if known.2 != *line {
            *known = (known.0, at, line.clone());
        }
    }

    /// Whether decisions would say of two records both that they are one person and that they are not.
    fn contradicts(&self, names: (Name, Name), same: bool) -> bool {
        let mut group: HashMap<Name, Name> = HashMap::new();
        let mut decisions = self.decisions.clone();
        decisions.insert(names, same);
        for ((a, b), _) in decisions.iter().filter(|(_, same)| **same) {
            let (of_a, of_b) = (*group.entry(*a).or_insert(*a), *group.entry(*b).or_insert(*b));
            group.values_mut().filter(|of| **of == of_b).for_each(|of| *of = of_a);
        }
        let of = |name: &Name| group.get(name).copied().unwrap_or(*name);
        decisions.iter().any(|((a, b), same)| !same && of(a) == of(b))
    }

    /// The first record that carries a phone number.
    fn carrier(&self, phone: u8) -> Option<Name> {
        let phone = format!("phone:{}", number(phone));
        let carries = |name: &Name, line: &Value, live: bool| live && identifiers(name.0, line).contains(&phone);
        let carriers = self.records.iter().filter(|(name, (_, _, line, live))| carries(name, line, *live));
        carriers.min_by_key(|(_, (birth, ..))| *birth).map(|(name, _)| *name)
    }

    /// The lines of what is left, in the order of birth; after them the consents in the order in which they last changed,
    /// of which another version stands in the place of their birth.
    fn survivors(&self) -> Vec<Value> {
        let records = self.records.values().filter(|(_, _, _, live)| *live);
        let records = records.map(|(birth, _, line, _)| ((0, *birth), line.clone()));
        let consents = self.consents.iter().flat_map(|(key, (birth, changed, line))| {
            let other = consent(*key, "nobody@example.com", false, -90, None);
            [((0, *birth), other), ((1, *changed), line.clone())]
        });
        let mut all: Vec<((u8, usize), Value)> = records.chain(consents).collect();
        all.sort_by_key(|(place, _)| *place);
        all.into_iter().map(|(_, line)| line).collect()
    }
}

/// Events that were sent: source, key, position, line, whether it leaves a live record.
type Sent = (usize, u8, u64, Value, bool);

/// The bundle of the other tests; with `strict`, one under which much is refused.
fn rules(strict: bool) -> Bundle {
    let mut files = bundle().files;
    for (name, text) in files.iter_mut().filter(|_| strict) {
        match name.as_str() {
            "identity.toml" => {
                let unique = text.replace("priority = 100\n", "priority = 100\nunique = true\n");
                *text = format!(
                    "[profile]\nrecords_max = 4\n{}",
                    unique.replace("priority = 90\n", "priority = 90\nnames_max = 2\n")
                );
            }
            "sources.toml" => *text = text.replace("trust = 30\n", "trust = 30\none_record_a_person = true\n"),
            _ => {}
        }
    }
    Bundle::compile(files).expect("a bundle")
}

fn check(steps: &[Step]) {
    check_under(false, steps);
    check_under(true, steps);
}

fn check_under(strict: bool, steps: &[Step]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let (mut now, clock) = (NOW, Hands::new(NOW));
    let options = || OpenOptions { clock: Box::new(clock.clone()), ..OpenOptions::default() };
    let open = || patiently(|| Onefold::open(&data, options())).expect("a data directory");
    let first = InitOptions { clock: Box::new(clock.clone()), ..InitOptions::default() };
    let mut onefold = Onefold::init(&data, rules(strict), first).expect("a new data directory");
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
            Step::Wait(days) => {
                now += u32::from(*days) * DAY;
                clock.set(now);
            }
            Step::Consent(key, email, given, given_at, until) => {
                let line = consent(*key, &format!("person{email}@example.com"), *given, *given_at, *until);
                push(&mut onefold, &line);
                model.consent(*key, at, &line);
            }
            Step::Commit => {
                onefold.commit().expect("a commit");
                fresh += 1;
                let other = folder.path().join(format!("fresh{fresh}"));
                compare(&onefold, &data, &other, &model, (strict, &clock));
            }
            Step::Restart => {
                onefold.acknowledge().expect("an acknowledgement");
                drop(onefold);
                onefold = open();
            }
            Step::Erase(source, key) => {
                onefold.commit().expect("a commit");
                let name = format!("{}:k{key}", SOURCES[*source]);
                let birth = onefold.finder().expect("a reader").record(&name);
                assert_eq!(birth.is_ok(), model.erase(*source, *key), "{name} is known to both or to none");
                if let Ok(birth) = birth {
                    let ground = "GDPR Art. 17(1)(a)".to_owned();
                    let request = ErasureRequest { request: format!("case-{at}"), ground, due_days: 30 };
                    onefold.erase(Scope::Record(birth), &request).expect("an erasure");
                }
            }
            Step::Decide(same, a, b) => decide(&mut onefold, &mut model, *same, *a, *b),
            Step::Withdraw(a, b) => {
                onefold.commit().expect("a commit");
                let Some(same) = model.decisions.remove(&pair(*a, *b)) else { continue };
                let ruling = ruling(&onefold, same, *a, *b).expect("both records are known");
                onefold.withdraw(ruling, &said()).expect("a withdrawal");
            }
            Step::Allow(phone, allow) => {
                onefold.commit().expect("a commit");
                let carrier = model.carrier(*phone);
                let ruling = onefold.finder().expect("a reader").allowing(&format!("phone:{}", number(*phone)));
                assert_eq!(ruling.is_ok(), carrier.is_some() || model.allowed.contains_key(phone));
                let Ok(ruling) = ruling else { continue };
                if !*allow {
                    let withdrawn = onefold.withdraw(ruling, &said());
                    assert_eq!(withdrawn.is_ok(), model.allowed.remove(phone).is_some());
                } else if let Decided::Taken(_) = onefold.decide(ruling, &said()).expect("a decision") {
                    assert_eq!(model.allowed.insert(*phone, carrier.expect("a carrier")), None);
                }
            }
            Step::Rebuild => {
                onefold.acknowledge().expect("an acknowledgement");
                drop(onefold);
                // A store that was just closed may still be putting its last file there.
                crate::support::remove_patiently(&data.join("index"));
                onefold = open();
            }
            Step::Redact => {
                onefold.commit().expect("a commit");
                drop(onefold);
                Onefold::redact(&data, options(), true, |_, _| {}).expect("a redaction");
                onefold::ledger::verify(&data.join("ledger"), &[], |_| {}).expect("the ledger verifies");
                onefold = open();
            }
        }
    }
}

fn said() -> Statement {
    Statement { by: "a steward".to_owned(), reason: "a reason".to_owned() }
}

/// The ruling about two records; `None` when one of them is not known.
fn ruling(onefold: &Onefold, same: bool, a: Name, b: Name) -> Option<Ruling> {
    let reader = read(onefold);
    let birth = |(source, key): Name| -> Option<Birth> { reader.record(&format!("{}:k{key}", SOURCES[source])).ok() };
    let (a, b) = (birth(a)?, birth(b)?);
    Some(if same { Ruling::same(a, b) } else { Ruling::different(a, b) })
}

/// Decides, and holds what becomes of it against the model.
fn decide(onefold: &mut Onefold, model: &mut Model, same: bool, a: Name, b: Name) {
    onefold.commit().expect("a commit");
    let known = model.records.contains_key(&a) && model.records.contains_key(&b);
    let ruling = ruling(onefold, same, a, b);
    assert_eq!(ruling.is_some(), known);
    let Some(ruling) = ruling else { return };
    let names = pair(a, b);
    match onefold.decide(ruling, &said()) {
        Ok(Decided::Taken(_)) => {
            assert!(!model.contradicts(names, same) && model.decisions.insert(names, same).is_none());
        }
        Ok(Decided::Unchanged(_)) => assert_eq!(model.decisions.get(&names), Some(&same)),
        Err(Error::Contradiction(_)) => {
            let opposite = model.decisions.get(&names) == Some(&!same);
            assert!(opposite || model.contradicts(names, same));
        }
        Err(Error::BadName { .. }) => assert_eq!(a, b),
        Err(error) => panic!("{error}"),
    }
}

/// The exports of the engine and of a fresh run over the survivors.
fn compare(onefold: &Onefold, data: &Path, other: &Path, model: &Model, (strict, clock): (bool, &Hands)) {
    let identity_from = Some(data.to_owned());
    let options = InitOptions { identity_from, clock: Box::new(clock.clone()), ..InitOptions::default() };
    let mut fresh = Onefold::init(other, rules(strict), options).expect("a new data directory");
    for line in model.survivors() {
        push(&mut fresh, &line);
    }
    fresh.commit().expect("a commit");
    for ((a, b), same) in &model.decisions {
        // One about a record that is away has no effect.
        if let Some(ruling) = ruling(&fresh, *same, *a, *b) {
            fresh.decide(ruling, &said()).expect("a decision");
        }
    }
    for phone in model.allowed.keys() {
        if let Ok(ruling) = fresh.finder().expect("a reader").allowing(&format!("phone:{}", number(*phone))) {
            fresh.decide(ruling, &said()).expect("a decision");
        }
    }
    fresh.commit().expect("a commit");
    let listed = |onefold: &Onefold| read(onefold).questions(1_000, true).expect("a list");
    let asked = |onefold: &Onefold| -> Vec<_> {
        let open = listed(onefold).open.into_iter();
        open.map(|view| (view.from.key, view.to.key, view.from_profile, view.ground.value, view.obstacle)).collect()
    };
    assert_eq!(asked(onefold), asked(&fresh), "the questions to stewards differ from a fresh run");
    let held = |onefold: &Onefold| -> Vec<_> {
        let (held, _) = read(onefold).guarded(1_000).expect("a list");
        // What is allowed and on no record is not known to the fresh run.
        let live = held.into_iter().filter(|view| view.records > 0);
        live.map(|view| (view.kind, view.value, view.records, view.names, view.state)).collect()
    };
    assert_eq!(held(onefold), held(&fresh), "the identifiers that are held back differ from a fresh run");
    let audit = onefold.finder().expect("a reader").audit(|_| {}).expect("an audit");
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
    fn every_history_equals_a_fresh_run(strict in any::<bool>(), steps in proptest::collection::vec(step(), 1..60)) {
        check_under(strict, &steps);
    }
}

#[test]
fn decisions_hold_over_everything() {
    let row = |email, account| Some(Row { email, account, phone: Some(0), family: 0, city: 0 });
    let (a, b, c) = ((0, 0), (0, 1), (0, 2));
    check(&[
        Step::Event(0, 0, row(Some(1), None)),
        Step::Event(0, 1, row(Some(2), None)),
        Step::Event(0, 2, row(Some(2), None)),
        Step::Event(0, 3, row(None, None)),
        Step::Decide(true, a, b),
        Step::Commit,
        Step::Decide(false, b, c),
        Step::Decide(true, c, a),
        Step::Commit,
        Step::Allow(0, true),
        Step::Commit,
        Step::Restart,
        Step::Event(0, 1, None),
        Step::Commit,
        Step::Rebuild,
        Step::Event(0, 1, row(Some(2), None)),
        Step::Commit,
        Step::Erase(0, 1),
        Step::Commit,
        Step::Erase(0, 0),
        Step::Rebuild,
        Step::Redact,
        Step::Commit,
    ]);
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

#[test]
fn a_consent_acknowledged_before_its_record_holds() {
    let row = |email, account| Some(Row { email, account, phone: None, family: 0, city: 0 });
    for reopened in [Step::Restart, Step::Rebuild] {
        check(&[
            Step::Consent(0, 0, true, 3, None),
            Step::Wait(5),
            reopened.clone(),
            Step::Event(0, 0, row(Some(0), None)),
            Step::Commit,
            Step::Consent(1, 1, true, -3, None),
            reopened,
            Step::Event(0, 1, row(Some(1), Some(1))),
            Step::Commit,
        ]);
    }
}
