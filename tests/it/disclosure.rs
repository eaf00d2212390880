//! Packages of entries and certificates of erasures.
//!
//! Goal: what is handed out proves what it says to whoever has neither ledger nor keys, and nothing that was altered,
//! swapped, forged or left out passes. Method: packages come from real runs of the engine; they are verified by the
//! library, by the program, by `examples/verify/verify.py`, by another party's library and by the commands that `VERIFY.md`
//! tells; they are altered in every byte of every file, and forged by a ledger that breaks its own rules.

mod erasures;
pub mod files;
mod forge;
mod hostile;
mod programs;

use super::support::{event, init, push};
use files::{Files, repack, unpack};
use onefold::ledger::{Content, Kind};
use onefold::model::Sequence;
use onefold::pipeline::{Access, Archive, Onefold, Selection};
use onefold::policy::Bundle;
use onefold::report::disclosure::{GUIDE_TEXT, Package, Packed, State, Verified, verify};
use onefold::tlog::VerifierKey;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A data directory with two people in it, closed, and the checkpoint that was given out between them.
pub struct Run {
    folder: tempfile::TempDir,
    pub data: PathBuf,
    pub earlier: Vec<u8>,
}

fn consent(key: &str, email: &str) -> Value {
    json!({"source": "consents", "event": {
        "id": key, "email": email, "purpose": "marketing", "status": "given", "at": "2025-06-01T00:00:00Z",
    }})
}

/// Ada, who is known to three sources and has consented, and then Grace.
pub fn run() -> Run {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    let ada = json!({"email": "ada@example.com", "phone": "+442079460018", "given": "Ada", "city": "London"});
    push(&mut onefold, &event("crm", "17", Some(&ada), 1));
    push(&mut onefold, &event("shop", "s-9", Some(&json!({"email": "ADA@example.com", "family": "Lovelace"})), 2));
    push(&mut onefold, &json!({"source": "list", "event": {"id": "l3", "email": "ada@example.com", "city": "London"}}));
    push(&mut onefold, &consent("c1", "ada@example.com"));
    let earlier = onefold.checkpoint().unwrap();
    push(&mut onefold, &event("crm", "18", Some(&json!({"email": "grace@example.com", "given": "Grace"})), 3));
    push(&mut onefold, &consent("c2", "grace@example.com"));
    onefold.checkpoint().unwrap();
    Run { folder, data, earlier }
}

impl Run {
    /// A path for a file that does not exist yet.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A package of a profile.
    pub fn profile(&self, id: &str, earlier: Option<&[u8]>) -> Package {
        let archive = Archive::open(&self.data).unwrap();
        let root = archive.finder().unwrap().profiles_of(id).unwrap()[0];
        archive
            .disclose_as(&Access::inspection("test"), &Selection::Profile(root), earlier, |_| {})
            .unwrap()
            .expect("a checkpoint covers it")
    }

    /// A package of entries.
    pub fn entries(&self, entries: impl IntoIterator<Item = u64>) -> Package {
        let archive = Archive::open(&self.data).unwrap();
        let entries: BTreeSet<Sequence> = entries.into_iter().map(Sequence).collect();
        archive
            .disclose_as(&Access::inspection("test"), &Selection::Entries(entries), None, |_| {})
            .unwrap()
            .expect("a checkpoint covers it")
    }

    /// The first entry of a kind.
    pub fn first(&self, kind: Kind) -> u64 {
        let archive = Archive::open(&self.data).unwrap();
        let entries = archive.read_as(&Access::inspection("test")).unwrap().entries(0, 1000).unwrap();
        entries.iter().find(|entry| entry.header.kind == kind).unwrap().header.sequence.0
    }
}

/// All that a package states, in one text that can be compared.
pub fn statements(verified: &Verified) -> String {
    let entries = verified.entries.iter().map(|entry| (entry, verified.says(entry, str::to_owned)));
    let entries: Vec<_> = entries.collect();
    format!(
        "{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{entries:#?}",
        verified.kind, verified.ledger, verified.signed_by, verified.checkpoint, verified.earlier, verified.certificate
    )
}

/// The problems of a package: where, or what when nothing at all can be said.
pub fn problems(package: &[u8], keys: &[VerifierKey]) -> Vec<String> {
    match verify(package, keys) {
        Ok(verified) => {
            verified.problems.iter().map(|problem| format!("{}: {}", problem.place, problem.what)).collect()
        }
        Err(error) => vec![error.to_string()],
    }
}

/// A package with one of its files changed.
pub fn with(package: &[u8], change: impl FnOnce(&mut Files)) -> Vec<u8> {
    let mut files = unpack(package);
    change(&mut files);
    repack(&files)
}

/// A package with its list changed.
pub fn with_list(package: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    with(package, |files| {
        let mut list: Value = serde_json::from_slice(&files["package.json"]).unwrap();
        change(&mut list);
        files.insert("package.json".to_owned(), serde_json::to_vec(&list).unwrap());
    })
}

/// Where an entry stands in the list.
pub fn place(package: &Package, sequence: u64) -> usize {
    package.entries.iter().position(|entry| entry.sequence.0 == sequence).unwrap()
}

#[test]
fn a_stranger_can_check_a_profile() {
    let run = run();
    let package = run.profile("email:ada@example.com", Some(&run.earlier));
    let verified = verify(&package.bytes, &package.vkeys).unwrap();
    assert_eq!(verified.problems, []);
    assert!(verified.keys_given && verified.guide_is_known);
    assert_eq!(verified.signed_by, package.vkeys);
    assert_eq!(verified.earlier.as_ref().map(|earlier| earlier.size() < verified.checkpoint.size()), Some(true));
    let count = |kind| verified.entries.iter().filter(|entry| entry.kind == kind).count();
    assert_eq!((count(Kind::Received), count(Kind::Consent), count(Kind::Merge)), (3, 1, 2));
    assert!(
        count(Kind::Values) + count(Kind::Uses) >= 1
            && count(Kind::Permissions) == 1
            && count(Kind::Open) == 1
            && count(Kind::Policy) == 1
    );
    assert_eq!(verified.open(), verified.entries.len());
    let says: Vec<String> = verified.entries.iter().filter_map(|entry| verified.says(entry, str::to_owned)).collect();
    let says = says.join("\n");
    for part in [
        "crm:17 email=\"ada@example.com\"",
        "shop:s-9 email=\"ADA@example.com\" family=\"Lovelace\"",
        "are joined by email",
        ": marketing allowed",
        "bundle test 1",
    ] {
        assert!(says.contains(part), "{part:?} is not in\n{says}");
    }
    assert!(!says.to_lowercase().contains("grace"), "somebody else's record is in the package");
    let named = verified.entries.iter().filter(|entry| !entry.kind.is_clear()).all(|entry| entry.bundle == Some(0));
    assert!(named, "every sealed entry is bound to the bundle that the package shows");
    // The key that it brings itself proves the same and says so.
    let alone = verify(&package.bytes, &[]).unwrap();
    assert!(!alone.keys_given);
    assert_eq!(statements(&alone), statements(&verified));
}

#[test]
fn the_same_entries_give_the_same_bytes() {
    let run = run();
    let first = run.profile("crm:17", Some(&run.earlier));
    assert_eq!(first, run.profile("email:ada@example.com", Some(&run.earlier)));
    let files = unpack(&first.bytes);
    assert_eq!(repack(&files), first.bytes, "there is one spelling");
    assert_eq!(files["VERIFY.md"], GUIDE_TEXT.as_bytes());
    assert!(first.entries.is_sorted_by_key(|entry| entry.sequence));
}

#[test]
fn packages_of_the_first_format_verify() {
    let golden = |name: &str| {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/package-v1/");
        std::fs::read(format!("{path}{name}")).unwrap()
    };
    let key = VerifierKey::parse(golden("vkey").trim_ascii_end()).unwrap();
    for (name, entries, certified) in [("disclosure.zip", 8, false), ("certificate.zip", 3, true)] {
        let verified = verify(&golden(name), std::slice::from_ref(&key)).unwrap();
        assert_eq!((verified.problems.as_slice(), verified.entries.len()), (&[][..], entries), "{name}");
        assert_eq!((verified.open(), verified.certificate.is_some()), (entries, certified), "{name}");
        assert_eq!(verified.earlier.is_some(), !certified, "{name}");
    }
}

#[test]
fn a_bundle_of_many_parts_is_shown_whole() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut files = super::support::bundle().files;
    for (name, text) in &mut files {
        let mark = if name.ends_with(".cedar") { "//" } else { "#" };
        text.push_str(&format!("{mark} {}\n", "a long remark ".repeat(4_000)));
    }
    let mut onefold = Onefold::init(&data, Bundle::compile(files).unwrap(), Default::default()).unwrap();
    push(&mut onefold, &event("crm", "17", Some(&json!({"email": "ada@example.com"})), 1));
    onefold.checkpoint().unwrap();
    drop(onefold);
    let run = Run { folder, data, earlier: Vec::new() };
    let package = run.entries([run.first(Kind::Received)]);
    let verified = verify(&package.bytes, &package.vkeys).unwrap();
    assert!(verified.is_sound());
    assert!(verified.entries.iter().filter(|entry| entry.kind == Kind::Policy).count() > 2);
    let received = verified.entries.iter().find(|entry| entry.kind == Kind::Received).unwrap();
    assert!(verified.says(received, str::to_owned).unwrap().starts_with("crm:17 email="));
    // Without one of its parts, nothing is called by a name that is not proved.
    let part = verified.entries.iter().find(|entry| entry.kind == Kind::Policy).unwrap().sequence.0;
    let without = with_list(&package.bytes, |list| {
        list["entries"].as_array_mut().unwrap().retain(|entry| entry["sequence"] != part);
    });
    let without = with(&without, |files| files.retain(|name, _| !name.starts_with(&format!("entries/{part}."))));
    let verified = verify(&without, &package.vkeys).unwrap();
    assert!(verified.is_sound());
    let received = verified.entries.iter().find(|entry| entry.kind == Kind::Received).unwrap();
    assert!(verified.says(received, str::to_owned).unwrap().starts_with("source 0:17 field 0="));
}

#[test]
fn only_what_was_asked_for_is_packed() {
    let run = run();
    let received = run.first(Kind::Received);
    let package = run.entries([received]);
    let asked: Vec<u64> = package.entries.iter().filter(|e| e.asked).map(|e| e.sequence.0).collect();
    assert_eq!(asked, [received]);
    assert!(package.entries.iter().filter(|e| !e.asked).all(|e| e.how == Packed::Clear));
    let verified = verify(&package.bytes, &package.vkeys).unwrap();
    let entry = verified.entries.iter().find(|entry| entry.sequence.0 == received).unwrap();
    assert!(matches!(&entry.state, State::Open(content) if matches!(&**content, Content::Received(_))));
    let list = String::from_utf8(unpack(&package.bytes)["package.json"].clone()).unwrap();
    assert_eq!(list.matches("\"key\": \"").count(), 1, "one key is disclosed");
}

#[test]
fn entries_of_every_kind_are_shown() {
    let run = run();
    let all = run.entries(0..verify(&run.entries([0]).bytes, &[]).unwrap().checkpoint.size());
    let verified = verify(&all.bytes, &all.vkeys).unwrap();
    assert_eq!(verified.problems, []);
    for entry in &verified.entries {
        assert!(verified.says(entry, str::to_owned).is_some() && verified.json(entry).is_some(), "{}", entry.sequence);
    }
    let kinds: BTreeSet<Kind> = verified.entries.iter().map(|entry| entry.kind).collect();
    assert!(kinds.len() >= 8, "{kinds:?}");
}

#[test]
fn a_new_checkpoint_is_made_for_entries_that_none_covers() {
    let run = run();
    let mut onefold = Onefold::open(&run.data, Default::default()).unwrap();
    let before = onefold.vkeys().unwrap();
    drop(onefold.checkpoint().unwrap());
    drop(onefold);
    // Opening it once more writes entries that no checkpoint covers.
    drop(Onefold::open(&run.data, Default::default()).unwrap());
    let size = verify(&run.entries([0]).bytes, &before).unwrap().checkpoint.size();
    let archive = Archive::open(&run.data).unwrap();
    let last = Selection::Entries(BTreeSet::from([Sequence(size)]));
    assert_eq!(archive.disclose_as(&Access::inspection("test"), &last, None, |_| {}).unwrap(), None);
    drop(archive);
    Onefold::open(&run.data, Default::default()).unwrap().checkpoint().unwrap();
    assert_eq!(problems(&run.entries([size]).bytes, &before), Vec::<String>::new());
    let archive = Archive::open(&run.data).unwrap();
    let missing = Selection::Entries(BTreeSet::from([Sequence(0), Sequence(1_000_000)]));
    let error = archive.disclose_as(&Access::inspection("test"), &missing, None, |_| {}).unwrap_err().to_string();
    assert_eq!(error, "the ledger has no entry 1000000");
}
