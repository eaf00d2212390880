//! Goal: what the help promises of keys, checkpoints, proofs and erasure is what the program does, and what a ledger
//! cannot show by itself is said instead of passed over.
//! Method: the program is run as a user, a regulator and an attacker would; proofs and tiles are read back by the
//! library's verifiers and by other people's crates.

mod attacks;
mod keys;
mod logs;

use super::program::{ok, run, text};
use onefold::tlog::{Checkpoint, Digest, ProofFile, SignedNote, VerifierKey, leaf_hash, verify_consistency};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const SOURCES: [&str; 9] = [
    "crm.ndjson",
    "shop.ndjson",
    "support.ndjson",
    "web.ndjson",
    "app.ndjson",
    "consents.ndjson",
    "newsletter.csv",
    "social.csv",
    "firms.csv",
];

/// A folder with a data directory, and what is handed in and out around it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// A data directory with the contacts that come as an example.
    fn contacts() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.ok(&["init", "--quiet", "--policy", "contacts"]);
        place.ok(&["ingest", "--quiet", &format!("{ROOT}/examples/contacts/contacts.csv")]);
        place
    }

    /// A data directory with the shop that comes as an example.
    fn retail() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.ok(&["init", "--quiet", "--policy", "retail"]);
        let files = SOURCES.map(|name| format!("{ROOT}/examples/retail/{name}"));
        place.ok(&[&["ingest", "--quiet"][..], &files.each_ref().map(String::as_str)].concat());
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn at(&self, name: &str) -> String {
        text(&self.path(name)).to_owned()
    }

    fn ok(&self, arguments: &[&str]) -> String {
        ok(&[arguments, &["--data", &self.at("data")]].concat())
    }

    /// Runs it and expects this code; gives what was printed as an error.
    fn fails(&self, arguments: &[&str], code: i32) -> String {
        let ran = run(&[arguments, &["--data", &self.at("data")]].concat());
        assert_eq!(ran.code, code, "{arguments:?}\n{}\n{}", ran.out, ran.err);
        assert!(ran.err.starts_with("error: "), "{arguments:?}\n{}", ran.err);
        ran.err
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let out = self.ok(&[arguments, &["--json"]].concat());
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    fn exports(&self) -> [String; 3] {
        ["members", "profiles", "consents"].map(|table| self.ok(&["export", table]))
    }

    /// Adds a contact of this number.
    fn add(&self, number: u32) {
        let head = "contact_id,email,phone,name,city,country\n";
        let row = format!("{number},person{number}@example.org,,Zora Quimby,Cork,IE\n");
        let csv = self.path(&format!("contacts-{number}.csv"));
        fs::write(&csv, format!("{head}{row}")).unwrap();
        self.ok(&["ingest", "--quiet", text(&csv)]);
    }

    /// Signs a checkpoint into a file.
    fn checkpoint(&self, name: &str) -> Checkpoint {
        self.ok(&["ledger", "checkpoint", "--quiet", "-o", &self.at(name)]);
        self.read_checkpoint(name)
    }

    fn read_checkpoint(&self, name: &str) -> Checkpoint {
        let note = SignedNote::parse(&fs::read(self.path(name)).unwrap()).unwrap();
        Checkpoint::open(&note, &self.signing_key()).unwrap()
    }

    /// The key that signs checkpoints now.
    fn signing_key(&self) -> VerifierKey {
        let keys = self.json(&["key", "status"])["signing_keys"].clone();
        VerifierKey::parse(keys[0].as_str().unwrap().as_bytes()).unwrap()
    }

    /// A copy of the data directory's ledger, as a regulator would have it.
    fn copy_ledger(&self, name: &str) -> PathBuf {
        let (from, to) = (self.path("data").join("ledger"), self.path(name).join("ledger"));
        fs::create_dir_all(&to).unwrap();
        for file in fs::read_dir(from).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
        self.path(name)
    }
}

/// The hashes of a proof of consistency as the program prints it.
fn hashes(printed: &str) -> Vec<Digest> {
    use base64::Engine;
    let decode = |line: &str| base64::engine::general_purpose::STANDARD.decode(line).unwrap().try_into().unwrap();
    printed.lines().map(decode).collect()
}

/// A table without the rows that begin with one of these texts.
fn without(table: &str, gone: &[&str]) -> String {
    table.lines().filter(|row| !gone.iter().any(|text| row.starts_with(text))).map(|row| format!("{row}\n")).collect()
}

#[test]
fn the_whole_story_of_an_erasure() {
    let place = Place::retail();
    let before = place.checkpoint("before");
    let [members, profiles, consents] = place.exports();
    let profile = place.json(&["profile", "crm:crm-615"]);
    let id = profile["id"].as_str().unwrap().to_owned();
    let names: Vec<String> = profile["members"].as_array().unwrap().iter().map(member).collect();
    let email = profile["values"].as_array().unwrap().iter().find(|value| value["attribute"] == "email").unwrap();
    let email = format!("email:{}", email["value"].as_str().unwrap());
    assert!(names.len() > 3, "{names:?}");

    let erase = ["erase", "crm:crm-615", "--request", "DSR-7", "--ground", "consent-withdrawn"];
    let refused = place.fails(&erase, 2);
    assert!(refused.contains("help: give --yes to erase without a question"), "{refused}");
    let certificate = place.at("certificate.zip");
    let erased = place.json(&[&erase[..], &["--yes", "-o", &certificate]].concat());
    assert_eq!(erased["certificate"].as_str(), Some(certificate.as_str()));
    let certified = place.ok(&["verify", &certificate]);
    assert!(certified.contains("DSR-7") && !certified.contains(&names[0]), "{certified}");
    assert_eq!(erased["ground"], "GDPR Art. 17(1)(b): consent withdrawn");
    assert_eq!(erased["coverage"]["profile"].as_str(), Some(id.as_str()));
    assert_eq!(erased["erased"]["records"].as_u64().unwrap() as usize, names.len());

    place.ok(&["ledger", "verify", "--since", &place.at("before")]);
    let audit = place.json(&["ledger", "audit"]);
    assert_eq!((&audit["accounted"], &audit["breaches"]), (&true.into(), &Value::Array(vec![])));
    assert!(audit["erased"].as_u64().unwrap() >= names.len() as u64);
    let list = |deleted: bool| {
        let list = place.json(&["erase", "--list"]);
        assert_eq!(
            (&list["erasures"][0]["request"], &list["erasures"][0]["deleted"]),
            (&"DSR-7".into(), &deleted.into())
        );
        list["refused"].as_u64().unwrap()
    };
    assert_eq!(list(false), 0);

    assert_eq!(place.json(&["ledger", "redact"])["entries"], 0, "the date has not come");
    let redacted = place.json(&["ledger", "redact", "--all"])["entries"].as_u64().unwrap();
    assert_eq!(Some(redacted), audit["erased"].as_u64(), "every entry about them, and no other");
    let report = place.json(&["ledger", "verify", "--since", &place.at("before")]);
    assert_eq!((&report["redacted"], &report["erasures"]), (&redacted.into(), &1.into()));
    place.ok(&["ledger", "audit"]);
    list(true);

    for name in names.iter().chain([&email, &id]) {
        place.fails(&["profile", name], 3);
    }
    for source in ["crm.ndjson", "shop.ndjson"] {
        let again = place.path(&format!("{}-again.{}", &source[..source.len() - 7], "ndjson"));
        fs::copy(Path::new(ROOT).join("examples/retail").join(source), &again).unwrap();
        let taken = place.json(&["ingest", text(&again)]);
        assert_eq!((&taken["taken"], taken["erased"].as_u64() >= Some(1)), (&0.into(), true), "{taken}");
    }
    assert!(list(true) >= 2, "what came again is counted");
    let gone: Vec<String> = names.iter().map(|name| name.replacen(':', ",", 1) + ",").collect();
    let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
    assert_eq!(
        place.exports(),
        [without(&members, &gone), without(&profiles, &[&id]), without(&consents, &[&id])],
        "all others are as before"
    );
    let now = place.checkpoint("after");
    let proof = hashes(&place.ok(&["ledger", "prove", "--from", &place.at("before")]));
    verify_consistency(before.size(), now.size(), &proof, before.root(), now.root()).unwrap();
}

/// A record as it is named on the command line.
fn member(member: &Value) -> String {
    format!("{}:{}", member["source"].as_str().unwrap(), member["key"].as_str().unwrap())
}

#[test]
fn deleted_records_can_be_erased_by_their_name() {
    let place = Place { folder: tempfile::tempdir().unwrap() };
    place.ok(&["init", "--quiet", "--policy", "retail"]);
    let event = |op: &str, before: &str, after: &str, lsn: u32| {
        format!(
            "{{\"source\":\"crm\",\"event\":{{\"op\":\"{op}\",\"before\":{before},\"after\":{after},\"ts_ms\":1735689600000,\
             \"source\":{{\"connector\":\"postgresql\",\"lsn\":{lsn},\"ts_ms\":1735689600000}}}}}}\n"
        )
    };
    let row = |id: u32, email: &str| format!("{{\"id\":\"{id}\",\"email\":\"{email}@example.com\"}}");
    let (one, two) = (row(1, "ada"), row(2, "bo"));
    let stream = [event("c", "null", &one, 1), event("c", "null", &two, 2), event("d", &one, "null", 3)].concat();
    fs::write(place.path("changes.ndjson"), stream).unwrap();
    place.ok(&["ingest", "--quiet", "--mixed", &place.at("changes.ndjson")]);
    place.fails(&["profile", "crm:1"], 3);
    let erase = ["erase", "--request", "DSR-8", "--ground", "CCPA 1798.105", "--yes"];
    let erased = place.json(&[&erase[..], &["crm:1", "-o", &place.at("1.zip")]].concat());
    assert_eq!((&erased["coverage"]["deleted"], &erased["erased"]["records"]), (&1.into(), &1.into()));
    assert_eq!((&erased["ground"], &erased["coverage"]["profile"]), (&"CCPA 1798.105".into(), &Value::Null));
    place.fails(&[&erase[..], &["crm:1", "-o", &place.at("1.zip")]].concat(), 2);
    place.fails(&[&erase[..], &["crm:1", "-o", &place.at("2.zip")]].concat(), 3);
    place.ok(&["profile", "crm:2"]);
    let told = place.ok(&[&erase[..], &["crm:2", "--only-record", "-o", &place.at("2.zip")]].concat());
    for part in ["Erased: 1 record (crm 1).", "verifies as before", "backups of DIR/keys", "to be deleted by 20"] {
        assert!(told.contains(part), "{part:?} is missing in\n{told}");
    }
    let named = place.fails(&["erase", "crm:2", "--request", "Ada Byron", "--ground", "child", "--yes"], 2);
    assert!(named.contains("must be a case number and no name"), "{named}");
    place.ok(&["ledger", "audit"]);
    let shown = place.ok(&["ledger", "show", "-n", "1000"]);
    for part in ["request DSR-8 (CCPA 1798.105): the keys of 1 record are destroyed", "its key is destroyed", "key "] {
        assert!(shown.contains(part), "{part:?} is missing in\n{shown}");
    }
    assert!(!shown.contains("ada@example.com"), "{shown}");
}

#[test]
fn what_is_proved_verifies_without_the_program() {
    let place = Place::contacts();
    let old = place.checkpoint("old");
    place.add(101);
    place.add(102);
    let now = place.checkpoint("now");
    assert!(now.size() > old.size());
    let keys = [place.signing_key()];
    place.ok(&["ledger", "checkpoint", "--quiet", "--publish", &place.at("log")]);
    let bundle = fs::read(place.path("log").join(format!("tile/entries/000.p/{}", now.size()))).unwrap();
    let entries = onefold::tlog::tiles::read_entries(&bundle, now.size().try_into().unwrap()).unwrap();
    for sequence in 0..now.size() {
        let number = format!("#{sequence}");
        let entry = leaf_hash(entries[sequence as usize]);
        let proof = ProofFile::parse(place.ok(&["ledger", "prove", &number]).as_bytes()).unwrap();
        assert_eq!(proof.verify(&entry, &keys).unwrap().checkpoint, &now);
        if sequence < old.size() {
            place.ok(&["ledger", "prove", &number, "--checkpoint", &place.at("old"), "-o", &place.at("proof")]);
            let proof = ProofFile::parse(&fs::read(place.path("proof")).unwrap()).unwrap();
            assert_eq!(proof.verify(&entry, &keys).unwrap().checkpoint, &old);
        }
    }
    let proof = hashes(&place.ok(&["ledger", "prove", "--from", &place.at("old"), "--checkpoint", &place.at("now")]));
    verify_consistency(old.size(), now.size(), &proof, old.root(), now.root()).unwrap();
    assert_eq!(place.ok(&["ledger", "prove", "--from", &place.at("now")]), "", "nothing came since");
    let beyond = place.fails(&["ledger", "prove", "1000"], 3);
    assert!(beyond.contains(&format!("entry #1000 is not under the checkpoint, which is over {} entries", now.size())));
    let back = place.fails(&["ledger", "prove", "--from", &place.at("now"), "--checkpoint", &place.at("old")], 2);
    assert!(back.contains("the earlier checkpoint is over"), "{back}");
    place.fails(&["ledger", "prove", "3", "--checkpoint", &place.at("proof")], 2);
    place.fails(&["ledger", "prove"], 2);
}

#[test]
fn what_stands_still_is_not_signed_again() {
    let place = Place::contacts();
    place.checkpoint("one");
    place.checkpoint("two");
    let read = |name: &str| fs::read(place.path(name)).unwrap();
    assert_eq!(read("one"), read("two"));
    assert_eq!(read("one"), read("data/ledger/checkpoint"));
    let entries = || place.json(&["ledger", "verify"])["entries"].as_u64();
    let before = entries();
    assert_eq!(place.ok(&["ledger", "checkpoint"]).as_bytes(), read("one"));
    assert_eq!(entries(), before, "signing writes no entry");
}

#[test]
fn an_index_that_lies_is_told_by_the_audit() {
    let place = Place::contacts();
    let shown = place.ok(&["ledger", "audit"]);
    for part in ["account for each other", "each with the one entry that justifies it"] {
        assert!(shown.contains(part), "{part:?} is missing in\n{shown}");
    }
    let index = onefold::store::Index::open(&place.path("data/index")).unwrap();
    let linked = |row: &onefold::store::ProfileRow| !row.links.is_empty();
    let (root, mut row) = index.profiles().map(Result::unwrap).find(|(_, row)| linked(row)).unwrap();
    let profile = place_of(&index, root);
    let taken = row.links.pop().unwrap();
    row.winners[0].1.0 += 1;
    let mut batch = index.batch();
    batch.put_profile(root, &row);
    index.apply(batch).unwrap();
    index.sync().unwrap();
    drop(index);
    let ran = run(&["ledger", "audit", "--data", &place.at("data")]);
    assert_eq!((ran.code, ran.err.as_str()), (5, ""), "{}", ran.out);
    let number = format!("#{}", taken.1);
    for part in
        ["do not account for each other: 2 breaches", &number, &profile, "a merge is recorded whose link does not"]
    {
        assert!(ran.out.contains(part), "{part:?} is missing in\n{}", ran.out);
    }
    let ran = run(&["ledger", "audit", "--json", "--data", &place.at("data")]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &report["accounted"]), (5, &false.into()));
    let breaches = report["breaches"].as_array().unwrap();
    assert_eq!(breaches.len(), 2, "{report}");
    assert!(
        breaches.iter().all(|breach| breach["profile"] == profile.as_str() && breach["entry"].is_u64()),
        "{report}"
    );
    fs::remove_dir_all(place.path("data/index")).unwrap();
    assert_eq!(place.json(&["ledger", "audit"])["accounted"], true, "built anew from the ledger, it tells the truth");
}

/// The id of the profile of this root.
fn place_of(index: &onefold::store::Index, root: onefold::model::Birth) -> String {
    onefold::model::ProfileId(index.record(root).unwrap().unwrap().name).to_string()
}

#[test]
fn every_help_of_a_part_teaches_by_example() {
    for (command, parts) in [
        ("ledger", &["verify", "show", "checkpoint", "prove", "audit", "redact"][..]),
        ("key", &["status", "rewrap", "rotate"]),
    ] {
        for part in parts {
            let help = ok(&[command, part, "--help"]);
            assert!(help.contains(&format!("  onefold {command} {part}")), "`{command} {part} --help` has no example");
            assert!(help.lines().all(|line| line.chars().count() <= 100), "`{command} {part} --help` is too wide");
            assert!(help.contains("ONEFOLD_KEK_FILE"), "{help}");
        }
    }
}
