//! A new version of the bundle is an input like any other: what holds after it is what a fresh directory under it holds.
//!
//! Method: histories with records before, between and after activations are held against a fresh run over the same
//! records under the last bundle, with the same identity key; the ledger is audited each time. A stop is played at every
//! call that is made to the disk, and after every step that is made around the ledger.

mod watched;

use super::program::{ok, run, text};
use super::support::{bundle, event, export, init, open, push};
use onefold::pipeline::{Decided, ErasureRequest, Error, InitOptions, Onefold, OpenOptions, Scope, Statement, Table};
use onefold::policy::Bundle;
use onefold::policy::decision::Flip;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use watched::Watched;

const TABLES: [Table; 3] = [Table::Members, Table::Profiles, Table::Consents];

/// The bundle of the tests with one text of one file changed.
fn changed(version: u32, changes: &[(&str, &str, &str)]) -> Bundle {
    let mut files = bundle().files;
    let all = [("bundle.toml", "version = \"1\"", &*format!("version = \"{version}\""))];
    for (name, from, to) in all.iter().chain(changes) {
        let (_, text) = files.iter_mut().find(|(file, _)| file == name).expect("a file of the bundle");
        assert!(text.contains(from), "{name} has `{from}`");
        *text = text.replace(from, to);
    }
    Bundle::compile(files).unwrap_or_else(|problems| panic!("a broken bundle:\n{problems}"))
}

/// Versions of the bundle: as it is; without phone numbers that join, other trust, and another purpose first; nothing
/// allowed, a weak e-mail address, one value of a kind, and no marketing.
fn versions() -> [Bundle; 3] {
    let other = "\n[[purpose]]\nname = \"service\"\ndpv = \"dpv:ServiceProvision\"\ndescription = \"What was asked for.\"\n\
                 basis = \"contract\"\ncategories = [\"contact\", \"location\"]\nrecipients = [\"us\"]\n\n[[purpose]]\nname = \"marketing\"";
    let permit = "permit (principal, action, resource) when { context.valid };";
    [
        bundle(),
        changed(
            2,
            &[
                ("identity.toml", "records_max = 3\n", "records_max = 2\n"),
                ("sources.toml", "trust = 60\n", "trust = 95\n"),
                ("purposes.toml", "[[purpose]]\nname = \"marketing\"", other),
                ("survivorship.toml", "default = [\"recency\", \"trust\"]", "default = [\"trust\", \"recency\"]"),
                (
                    "decide.cedar",
                    permit,
                    "permit (principal, action, resource) when { context.valid || context.age == \"adult\" };",
                ),
            ],
        ),
        changed(
            3,
            &[
                ("identity.toml", "priority = 100\n", "priority = 100\nunique = true\n"),
                (
                    "identity.toml",
                    "priority = 90\n",
                    "priority = 90\nnames_max = 1\nweak = [\"person1@example.com\"]\n",
                ),
                ("purposes.toml", "name = \"marketing\"", "name = \"offers\""),
            ],
        ),
    ]
}

fn row(source: &str, key: &str, email: u8, account: Option<u8>, phone: Option<u8>, lsn: u64) -> Value {
    let given = ["Ada", "Grace", "Alan"][usize::from(email) % 3];
    let city = ["Berlin", "Cork"][usize::from(email) % 2];
    let row = json!({
        "email": format!("person{email}@example.com"), "account": account.map(|n| format!("A{n}")),
        "phone": phone.map(|n| format!("+4915112345{n}00")), "given": given,
        "family": "Lovelace", "city": city,
    });
    event(source, key, Some(&row), lsn)
}

fn consent(key: &str, email: u8, state: &str) -> Value {
    json!({ "source": "consents", "event": {
        "id": key, "email": format!("person{email}@example.com"), "purpose": "marketing", "status": state,
        "at": "2026-01-05T00:00:00Z",
    }})
}

/// Records that meet by every kind of identifier.
fn load(onefold: &mut Onefold) -> Vec<Value> {
    let lines = vec![
        row("crm", "a", 1, Some(1), Some(0), 10),
        row("shop", "b", 1, Some(2), None, 11),
        row("crm", "c", 2, Some(2), Some(0), 12),
        consent("x", 1, "given"),
        // A refusal binds nobody but who carries the identifier, so that a fresh directory needs no history.
        consent("y", 2, "refused"),
        row("crm", "f", 4, None, Some(0), 12),
        row("shop", "d", 3, Some(3), None, 13),
        consent("z", 3, "given"),
    ];
    lines.iter().for_each(|line| push(onefold, line));
    lines
}

fn exports(onefold: &Onefold) -> Vec<String> {
    TABLES.iter().map(|table| export(onefold, *table)).collect()
}

fn audited(onefold: &Onefold) {
    let audit = onefold.finder().unwrap().audit(|_| {}).unwrap();
    assert_eq!(audit.breaches, [], "ledger and state justify each other");
}

/// What a fresh directory with the same identity key makes of the lines.
fn fresh(data: &Path, folder: &Path, bundle: &Bundle, lines: &[Value]) -> Vec<String> {
    let options = InitOptions { identity_from: Some(data.to_owned()), ..InitOptions::default() };
    let other = tempfile::tempdir_in(folder).unwrap();
    let mut onefold = Onefold::init(&other.path().join("data"), bundle.clone(), options).unwrap();
    lines.iter().for_each(|line| push(&mut onefold, line));
    onefold.commit().unwrap();
    exports(&onefold)
}

fn lose_index(data: &Path) {
    crate::support::remove_patiently(&data.join("index"));
}

#[test]
fn an_activation_equals_a_fresh_directory_and_is_undone_by_another() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    let lines = load(&mut onefold);
    onefold.commit().unwrap();
    let before = exports(&onefold);
    for version in [1, 2, 0, 2, 1, 0] {
        let bundle = versions()[version].clone();
        onefold.activate(bundle.clone()).unwrap();
        assert_eq!(onefold.bundle().digest, bundle.digest);
        audited(&onefold);
        assert_eq!(exports(&onefold), fresh(&data, folder.path(), &bundle, &lines), "version {version}");
        drop(onefold);
        if version == 2 {
            lose_index(&data);
        }
        onefold = open(&data);
        audited(&onefold);
        assert_eq!(exports(&onefold), fresh(&data, folder.path(), &bundle, &lines), "version {version}, opened again");
    }
    assert_eq!(exports(&onefold), before, "a rollback gives back the answers");
    drop(onefold);
    onefold::ledger::verify(&data.join("ledger"), &[], |_| {}).expect("the ledger verifies");
}

#[test]
fn a_policy_flips_permissions_in_its_epoch_and_is_foreseen() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    load(&mut onefold);
    onefold.commit().unwrap();
    let stricter =
        changed(2, &[("decide.cedar", "when { context.valid };", "when { context.valid && context.explicit };")]);
    let allowed = |onefold: &Onefold| export(onefold, Table::Consents).matches(",allowed,").count() as u64;
    let before = allowed(&onefold);
    assert!(before > 0);
    let shown = exports(&onefold);
    let foresight = onefold.foresee(stricter.clone()).unwrap();
    let contact = Some(onefold::model::Category::Contact);
    let heads = foresight.heads("marketing", contact, Flip::Denies);
    assert_eq!(heads.profiles, before);
    assert!(heads.values >= before);
    assert_eq!(foresight.heads("marketing", contact, Flip::Allows).profiles, 0);
    assert_eq!((foresight.links_made, foresight.links_ended), (0, 0));
    assert_eq!(exports(&onefold), shown, "to foresee changes nothing");
    let committed = onefold.activate(stricter.clone()).unwrap();
    assert_eq!(allowed(&onefold), 0);
    assert_eq!((committed.merges, committed.unmerges, committed.profiles), (0, 0, before));
    assert!(matches!(onefold.activate(stricter), Err(Error::InForce { .. })));
    onefold.activate(bundle()).unwrap();
    assert_eq!(allowed(&onefold), before);
    audited(&onefold);
}

#[test]
fn a_bundle_that_means_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    load(&mut onefold);
    onefold.commit().unwrap();
    let before = exports(&onefold);
    let refused = [
        changed(2, &[("sources.toml", "name = \"list\"", "name = \"post\"")]),
        changed(2, &[("sources.toml", "phone = \"phone\"\n", "")]),
        changed(2, &[("sources.toml", "given = \"given_name\"\nfamily", "given = \"job_title\"\nfamily")]),
        changed(2, &[("identity.toml", "[[identifier]]\nattribute = \"phone\"\npriority = 40\nrecords_max = 3\n", "")]),
        changed(2, &[("identity.toml", "priority = 90\n", "priority = 90\nblocked = [\"info@*\"]\n")]),
    ];
    for bundle in refused {
        let error = onefold.activate(bundle).unwrap_err();
        assert!(matches!(error, Error::Unsuited { .. }), "{error}");
    }
    assert_eq!(exports(&onefold), before);
    push(&mut onefold, &row("crm", "e", 4, None, None, 20));
    onefold.commit().unwrap().expect("it goes on");
    assert!(!data.join("policy.new").exists());
}

#[test]
fn decisions_and_erasures_outlive_versions() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    load(&mut onefold);
    onefold.commit().unwrap();
    let said = Statement { by: "a steward".to_owned(), reason: "a reason".to_owned() };
    let ruling = onefold.finder().unwrap().allowing("email:person1@example.com").unwrap();
    assert!(matches!(onefold.decide(ruling, &said).unwrap(), Decided::Taken(_)));
    onefold.commit().unwrap();
    let [first, second, third] = versions();
    onefold.activate(third.clone()).unwrap();
    let ruling = onefold.finder().unwrap().allowing("email:person1@example.com").unwrap();
    assert!(matches!(onefold.decide(ruling, &said).unwrap(), Decided::Unchanged(_)), "weak or not, it is one decision");
    audited(&onefold);
    // `z` is a consent to a purpose that this version does not have: it goes with its person all the same.
    let birth = onefold.finder().unwrap().record("shop:d").unwrap();
    let request = ErasureRequest { request: "case-1".into(), ground: "GDPR Art. 17(1)(a)".into(), due_days: 0 };
    let erased = onefold.erase(Scope::Person(birth), &request).unwrap();
    assert_eq!((erased.records, erased.consents), (2, 1));
    onefold.activate(second).unwrap();
    push(&mut onefold, &row("crm", "back", 3, None, None, 30));
    onefold.commit().unwrap();
    assert!(onefold.finder().unwrap().record("crm:back").is_err(), "what was erased stays away");
    drop(onefold);
    let mut onefold = open(&data);
    audited(&onefold);
    onefold.activate(first).unwrap();
    let before = exports(&onefold);
    drop(onefold);
    lose_index(&data);
    let onefold = open(&data);
    audited(&onefold);
    assert_eq!(exports(&onefold), before);
}

/// What is there after a stop is one version or the other, whole.
fn settles(image: &Path, old: &(Bundle, Vec<String>), new: &(Bundle, Vec<String>), committed: Option<bool>) -> bool {
    let onefold =
        Onefold::open(image, OpenOptions::default()).unwrap_or_else(|error| panic!("{}: {error}", image.display()));
    let is_new = onefold.bundle().digest == new.0.digest;
    let expected = if is_new { new } else { old };
    assert_eq!(onefold.bundle().digest, expected.0.digest);
    assert_eq!(exports(&onefold), expected.1, "{}", image.display());
    audited(&onefold);
    if let Some(committed) = committed {
        assert_eq!(is_new, committed, "{}", image.display());
    }
    drop(onefold);
    let left = |name: &str| image.join(name).exists();
    assert!(!left("policy.new") && !left("policy.old"));
    let mut onefold = open(image);
    push(&mut onefold, &row("crm", "later", 2, None, None, 40));
    onefold.commit().unwrap();
    audited(&onefold);
    is_new
}

#[test]
fn a_stop_at_any_step_leaves_one_version_or_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    load(&mut onefold);
    onefold.commit().unwrap();
    let (first, second) = (bundle(), versions()[1].clone());
    let old = (first, exports(&onefold));
    drop(onefold);
    let watched = Arc::new(Watched::new(&data, folder.path()));
    let options = OpenOptions { storage: watched.clone(), ..OpenOptions::default() };
    let mut onefold = Onefold::open(&data, options).unwrap();
    watched.begin();
    onefold.activate(second.clone()).unwrap();
    let images: Vec<PathBuf> = watched.end();
    let new = (second, exports(&onefold));
    assert_ne!(old.1, new.1);
    drop(onefold);
    let found: Vec<bool> = images.iter().map(|image| settles(image, &old, &new, None)).collect();
    assert!(found.len() > 3 && found.is_sorted(), "once in force, it stays in force: {found:?}");
    assert!(!found[0] && found[found.len() - 1]);
    // Around the swap, and with an index that is lost or was restored from before.
    let policy = |onto: &Path, name: &str, bundle: &Bundle| {
        for (file, text) in &bundle.files {
            let path = onto.join(name).join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    };
    for step in 0..5 {
        let image = folder.path().join(format!("swap{step}"));
        super::ledger_faults::copy(&data, &image);
        if step < 3 {
            fs::rename(image.join("policy"), image.join("policy.new")).unwrap();
            policy(&image, if step == 0 { "policy" } else { "policy.old" }, &old.0);
        }
        match step {
            2 => lose_index(&image),
            3 => policy(&image, "policy.old", &old.0),
            4 => {
                lose_index(&image);
                super::ledger_faults::copy(&images[0].join("index"), &image.join("index"));
            }
            _ => {}
        }
        assert!(settles(&image, &old, &new, Some(true)));
    }
    // A new version that was not whole when the stop came.
    let image = folder.path().join("torn");
    super::ledger_faults::copy(&data, &image);
    fs::create_dir(image.join("policy.new")).unwrap();
    fs::write(image.join("policy.new").join("bundle.toml"), "name = ").unwrap();
    assert!(settles(&image, &old, &new, Some(true)));
}

#[test]
fn entries_are_told_in_the_words_of_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    load(&mut onefold);
    onefold.commit().unwrap();
    let [_, second, _] = versions();
    onefold.activate(second).unwrap();
    drop(onefold);
    let shown = ok(&["ledger", "show", "0", "-n", "9999", "--json", "--data", text(&data)]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let entries = shown.as_array().unwrap();
    let activated = entries.iter().rposition(|entry| entry["kind"] == "policy").unwrap();
    let told = |entries: &[Value], purpose: &str| {
        let of = |entry: &&Value| entry["kind"] == "permissions" && entry["says"].as_str().unwrap().contains(purpose);
        entries.iter().filter(of).count()
    };
    let (before, after) = entries.split_at(activated);
    // The first purpose is another one since.
    assert_eq!((told(before, "marketing") > 0, told(before, "service")), (true, 0), "{shown}");
    assert!(told(after, "service") > 0, "{shown}");
    let copy = folder.path().join("copy.json");
    ok(&["report", "access", "crm:a", "-o", text(&copy), "--data", text(&data)]);
    let copy: Value = serde_json::from_str(&fs::read_to_string(&copy).unwrap()).unwrap();
    let first = copy["entries"].as_array().unwrap().iter().find(|entry| entry["kind"] == "permissions").unwrap();
    assert!(first["says"].as_str().unwrap().contains("marketing"), "{first}");
}

#[test]
fn the_command_shows_what_it_changes_and_asks() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    load(&mut onefold);
    onefold.commit().unwrap();
    drop(onefold);
    let new = folder.path().join("new");
    fs::create_dir(&new).unwrap();
    let stricter =
        changed(2, &[("decide.cedar", "when { context.valid };", "when { context.valid && context.explicit };")]);
    stricter.files.iter().for_each(|(file, text)| fs::write(new.join(file), text).unwrap());
    let (new, data) = (text(&new), text(&data));
    let told: Value = serde_json::from_str(&ok(&["policy", "diff", "current", new, "--data", data, "--json"])).unwrap();
    let flips = told["flips"].as_array().unwrap();
    let of = |category: &str| flips.iter().find(|flip| flip["category"] == category).unwrap()["heads"].clone();
    assert_eq!(of("contact")["profiles"], 2, "{told}");
    assert!(ok(&["policy", "diff", "current", new, "--data", data]).contains("on the live data: 2 profiles, "));
    let asked = run(&["policy", "activate", new, "--data", data]);
    assert_eq!(asked.code, 2);
    assert!(asked.err.contains("give --yes"), "{}", asked.err);
    let done = ok(&["policy", "activate", new, "--data", data, "--yes"]);
    assert!(done.contains("on the live data: 2 profiles, ") && done.contains("is in force since epoch 2"), "{done}");
    let again = run(&["policy", "activate", new, "--data", data, "--yes"]);
    assert_eq!(again.code, 2);
    assert!(again.err.contains("is in force already"), "{}", again.err);
    ok(&["ledger", "audit", "--data", data]);
}

/// One step of a history.
#[derive(Clone, Debug)]
enum Step {
    Event(bool, u8, u8, Option<u8>, Option<u8>),
    Consent(u8, u8, bool),
    Commit,
    Activate(usize),
    Restart,
    Rebuild,
}

fn step() -> impl Strategy<Value = Step> {
    let some = |most: u8| proptest::option::of(0..most);
    prop_oneof![
        8 => (any::<bool>(), 0..6u8, 0..5u8, some(4), some(3)).prop_map(|(s, k, e, a, p)| Step::Event(s, k, e, a, p)),
        2 => (0..3u8, 0..5u8, any::<bool>()).prop_map(|(k, e, g)| Step::Consent(k, e, g)),
        2 => Just(Step::Commit),
        3 => (0..3usize).prop_map(Step::Activate),
        1 => Just(Step::Restart),
        1 => Just(Step::Rebuild),
    ]
}

/// Under the third version marketing is no purpose, so that a consent to it is refused there and never comes back by
/// another version; the history keeps what was taken.
fn check(steps: &[Step]) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    let mut names: Vec<String> = Vec::new();
    let mut kept: Vec<Value> = Vec::new();
    let mut keep = |name: String, line: &Value| match names.iter().position(|known| *known == name) {
        Some(place) => kept[place] = line.clone(),
        None => {
            names.push(name);
            kept.push(line.clone());
        }
    };
    for (at, step) in steps.iter().enumerate() {
        match *step {
            Step::Event(shop, key, email, account, phone) => {
                let source = if shop { "shop" } else { "crm" };
                let line = row(source, &format!("k{key}"), email, account, phone, 100 + at as u64);
                push(&mut onefold, &line);
                keep(format!("{source}:{key}"), &line);
            }
            Step::Consent(key, email, given) => {
                let line = consent(&format!("c{key}"), email, if given { "given" } else { "refused" });
                push(&mut onefold, &line);
                if onefold.schema().purpose("marketing").is_some() {
                    keep(format!("consent:{key}"), &line);
                }
            }
            Step::Commit => drop(onefold.commit().unwrap()),
            Step::Activate(version) => match onefold.activate(versions()[version].clone()) {
                Ok(_) | Err(Error::InForce { .. }) => audited(&onefold),
                Err(error) => panic!("{error}"),
            },
            Step::Restart | Step::Rebuild => {
                onefold.acknowledge().unwrap();
                drop(onefold);
                if matches!(step, Step::Rebuild) {
                    lose_index(&data);
                }
                onefold = open(&data);
            }
        }
    }
    onefold.commit().unwrap();
    audited(&onefold);
    let bundle = onefold.bundle().clone();
    assert_eq!(exports(&onefold), fresh(&data, folder.path(), &bundle, &kept));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn every_history_with_versions_equals_a_fresh_run(steps in proptest::collection::vec(step(), 1..30)) {
        check(&steps);
    }
}
