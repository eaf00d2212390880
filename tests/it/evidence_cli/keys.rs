//! Keys under each kind of key-encryption key, from every place where one can be given, and their replacement.

use super::super::program::{Ran, ok, run, run_with, text};
use super::{Place, ROOT};
use onefold::crypto::Keyring;
use ring::rand::SystemRandom;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Wraps by writing the base64 backwards.
const SCRIPT: &str = "case $1 in
wrap) base64 -d | base64 -w 0 | rev | base64 -w 0;;
unwrap) base64 -d | rev;;
*) exit 9;;
esac
";

impl Place {
    fn secret(&self, name: &str, content: &str) -> String {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        self.at(name)
    }

    fn with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
        run_with(&[arguments, &["--data", &self.at("data")]].concat(), environment)
    }

    /// What is exported under these variables.
    fn members(&self, environment: &[(&str, &str)]) -> String {
        let ran = self.with(&["export", "members"], environment);
        assert_eq!(ran.code, 0, "{environment:?}\n{}", ran.err);
        ran.out
    }
}

#[test]
fn keys_go_from_one_provider_to_the_next_and_back() {
    let place = Place::contacts();
    let members = place.members(&[]);
    place.checkpoint("before");
    let signing = place.signing_key().to_string();
    let kek = place.path("data/keys/kek");

    let old = place.secret("old-passphrase", "correct horse\n");
    let moved = place.ok(&["key", "rewrap", "--to", "passphrase", "--new-passphrase-file", &old]);
    assert!(moved.contains("made of the new passphrase"), "{moved}");
    assert!(!kek.exists(), "the key file is gone");
    assert_eq!(place.members(&[("ONEFOLD_PASSPHRASE", "correct horse")]), members);
    assert_eq!(place.members(&[("ONEFOLD_PASSPHRASE_FILE", &old)]), members);
    place.ok(&["profile", "contacts:1", "--passphrase-file", &old]);

    let new = [("ONEFOLD_PASSPHRASE", "correct horse"), ("ONEFOLD_NEW_PASSPHRASE", "battery staple")];
    assert_eq!(place.with(&["key", "rewrap", "--to", "passphrase"], &new).code, 0);
    assert_eq!(place.with(&["export", "members"], &new[..1]).code, 1, "the old one is no longer right");
    let now = [("ONEFOLD_PASSPHRASE", "battery staple")];
    let missing = place.with(&["key", "rewrap", "--to", "passphrase"], &now);
    assert_eq!((missing.code, missing.err.contains("the new passphrase is missing")), (2, true), "{}", missing.err);

    let script = place.secret("wrap.sh", SCRIPT);
    let command = format!("sh {script}");
    assert_eq!(place.with(&["key", "rewrap", "--to", "command", "--new-kek-command", &command], &now).code, 0);
    assert_eq!(place.members(&[("ONEFOLD_KEK_COMMAND", &command)]), members);
    place.ok(&["profile", "contacts:1", "--kek-command", &command]);

    let elsewhere = place.at("kek-elsewhere");
    let to_file = ["key", "rewrap", "--to", "file", "--new-kek-file", &elsewhere, "--kek-command", &command];
    let told = place.ok(&to_file);
    assert!(told.contains("name it from now on with --kek-file or ONEFOLD_KEK_FILE"), "{told}");
    assert_eq!(fs::metadata(&elsewhere).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(place.members(&[("ONEFOLD_KEK_FILE", &elsewhere)]), members);
    let same = fs::read(&elsewhere).unwrap();
    place.ok(&["key", "rewrap", "--to", "file", "--kek-file", &elsewhere]);
    assert_ne!(fs::read(&elsewhere).unwrap(), same, "the key in the file is a new one");

    let home = text(&kek).to_owned();
    let back = place.ok(&["key", "rewrap", "--to", "file", "--new-kek-file", &home, "--kek-file", &elsewhere]);
    assert!(back.contains(&format!("The old key file {elsewhere} is yours to remove.")), "{back}");
    assert_eq!(place.members(&[]), members);
    assert_eq!(place.signing_key().to_string(), signing, "nothing that the keys open has changed");
    place.ok(&["ledger", "verify", "--since", &place.at("before"), "--key", &signing]);
}

#[test]
fn a_directory_is_made_under_any_provider() {
    let place = Place { folder: tempfile::tempdir().unwrap() };
    let script = place.secret("wrap.sh", SCRIPT);
    let command = format!("sh {script}");
    let elsewhere = place.at("kek");
    let cases: [(&str, &[(&str, &str)]); 3] = [
        ("passphrase", &[("ONEFOLD_PASSPHRASE", "open sesame")]),
        ("command", &[("ONEFOLD_KEK_COMMAND", &command)]),
        ("file", &[("ONEFOLD_KEK_FILE", &elsewhere)]),
    ];
    for (kek, environment) in cases {
        let data = place.at(kek);
        let run = |arguments: &[&str]| run_with(&[arguments, &["--data", &data]].concat(), environment);
        let made = run(&["init", "--policy", "contacts", "--kek", kek]);
        assert_eq!(made.code, 0, "{kek}: {}", made.err);
        assert!(made.out.contains("Its checkpoints are signed by onefold/"), "{}", made.out);
        assert!(!place.path(kek).join("keys/kek").exists(), "{kek}");
        assert_eq!(run(&["ingest", "--quiet", &format!("{ROOT}/examples/contacts/contacts.csv")]).code, 0);
        for arguments in
            [&["profile", "contacts:1"][..], &["quarantine", "retry"], &["ledger", "audit"], &["ledger", "show"]]
        {
            let ran = run(arguments);
            assert_eq!(ran.code, 0, "{kek} {arguments:?}: {}", ran.err);
            let ran = super::run(&[arguments, &["--data", &data]].concat());
            assert_eq!(ran.code, 1, "{kek} {arguments:?} opens without what opens it");
            assert!(ran.err.contains("help: ") && ran.err.contains("nothing can be read"), "{}", ran.err);
        }
        ok(&["ledger", "verify", "--quiet", "--data", &data]);
        let closed = ok(&["key", "status", "--data", &data]);
        for part in ["generation 1", "whole", "need\nno keys", "`onefold ledger verify`", "Nothing can be read"] {
            assert!(closed.contains(part), "{kek}: {part:?} is missing in\n{closed}");
        }
        assert!(run(&["key", "status"]).out.contains("signing key"), "{kek}");
    }
    // A staging copy agrees on ids, whatever its own keys are under.
    let like = ["--policy", "contacts", "--identity-from", &place.at("passphrase"), "--data", &place.at("copy")];
    assert_eq!(run_with(&[&["init", "--quiet"][..], &like].concat(), cases[0].1).code, 0);
    ok(&["ingest", "--quiet", "--data", &place.at("copy"), &format!("{ROOT}/examples/contacts/contacts.csv")]);
    let members =
        |data: &str, environment| run_with(&["export", "members", "--data", &place.at(data)], environment).out;
    assert_eq!(members("copy", &[]), members("passphrase", cases[0].1));
}

#[test]
fn what_opens_keys_is_refused_where_it_is_not_safe_or_not_clear() {
    let place = Place::contacts();
    let right = place.secret("right", "open sesame\n");
    place.ok(&["key", "rewrap", "--quiet", "--to", "passphrase", "--new-passphrase-file", &right]);
    let wrong = place.with(&["profile", "contacts:1"], &[("ONEFOLD_PASSPHRASE", "open barley")]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.starts_with("error: the passphrase is not the one that `"), "{}", wrong.err);
    for part in ["can still be verified without keys (`onefold ledger verify`)", "help: give the right one by"] {
        assert!(wrong.err.contains(part), "{part:?} is missing in\n{}", wrong.err);
    }
    assert!(!wrong.err.contains("barley"), "{}", wrong.err);
    let loose = place.secret("loose", "open sesame\n");
    fs::set_permissions(place.path("loose"), fs::Permissions::from_mode(0o644)).unwrap();
    let refused = place.fails(&["profile", "contacts:1", "--passphrase-file", &loose], 2);
    assert!(refused.contains("has mode 0644 where 0600 is required\nhelp: `chmod 600` it"), "{refused}");
    let empty = place.secret("empty", "\n");
    assert!(place.fails(&["profile", "contacts:1", "--passphrase-file", &empty], 2).contains("is empty"));
    place.fails(&["profile", "contacts:1", "--passphrase-file", &place.at("nowhere")], 1);
    let twice = place.with(&["profile", "contacts:1", "--passphrase-file", &right], &[("ONEFOLD_PASSPHRASE", "x")]);
    assert_eq!((twice.code, twice.err.contains("given twice")), (2, true), "{}", twice.err);
    let status = place.json(&["key", "status"]);
    assert_eq!((&status["opens"], &status["state_is_whole"]), (&false.into(), &true.into()));
    // Only one line end belongs to the file and not to the passphrase.
    let two_lines = place.secret("two-lines", "open sesame\n\n");
    place.fails(&["profile", "contacts:1", "--passphrase-file", &two_lines], 1);
    let state = fs::read_dir(place.path("data/keys")).unwrap().flatten().map(|file| file.path());
    let state = state.into_iter().find(|path| text(path).contains("state-")).unwrap();
    fs::write(&state, b"short").unwrap();
    let ran = run(&["key", "status", "--data", &place.at("data")]);
    assert_eq!((ran.code, ran.out.contains("not whole")), (1, true), "{}", ran.out);
}

#[test]
fn a_stop_after_the_signing_key_was_made_loses_no_key() {
    let place = Place::contacts();
    place.checkpoint("first");
    let first = place.signing_key().to_string();
    let stop = |change: fn(&mut Keyring)| {
        // The keys are changed and the program ends before the ledger knows.
        change(&mut Keyring::open_with_file(&place.path("data/keys")).unwrap());
    };
    stop(|keys| assert!(keys.rotate_signing(&SystemRandom::new()).is_ok()));
    place.ok(&["ledger", "checkpoint", "--quiet", "--publish", &place.at("log")]);
    stop(|keys| assert!(keys.rotate_signing(&SystemRandom::new()).is_ok()));
    place.ok(&["key", "rotate", "--signing"]);
    stop(|keys| assert!(keys.rotate_signing(&SystemRandom::new()).is_ok()));
    place.ok(&["key", "rotate", "--retire"]);
    stop(|keys| assert!(keys.rotate_records(&SystemRandom::new()).is_ok()));
    place.add(101);
    let report = place.json(&["ledger", "verify", "--key", &first, "--since", &place.at("first")]);
    assert_eq!(report["kinds"]["key"], 5);
    place.ok(&["ledger", "checkpoint", "--quiet", "--publish", &place.at("log")]);
}

#[test]
fn keys_of_records_and_of_checkpoints_are_replaced() {
    let place = Place::contacts();
    let first = place.checkpoint("first");
    let old_key = place.signing_key();
    let old = old_key.to_string();
    place.ok(&["key", "rotate", "--records"]);
    assert_eq!(place.json(&["key", "status"])["key_epochs"], 2);
    place.add(101);
    place.ok(&["profile", "contacts:1"]);
    place.ok(&["profile", "contacts:101"]);

    let told = place.ok(&["key", "rotate", "--signing"]);
    assert!(told.contains("bear the old signature, too"), "{told}");
    let new_key = place.signing_key();
    assert_ne!(new_key.to_string(), old);
    place.add(102);
    place.checkpoint("both");
    let note = |name: &str| onefold::tlog::SignedNote::parse(&fs::read(place.path(name)).unwrap()).unwrap();
    let both = [new_key.clone(), old_key.clone()];
    assert_eq!(note("both").verify(&both).unwrap().len(), 2, "who knows either key can check it");
    let verify = |since: &str, key: &str| {
        place.ok(&["ledger", "verify", "--since", &place.at(since), "--key", key]);
    };
    for key in [&old, &new_key.to_string()] {
        verify("first", key);
        verify("both", key);
    }
    place.ok(&["key", "rotate", "--retire"]);
    place.checkpoint("alone");
    assert_eq!(note("alone").signatures().len(), 1);
    verify("first", &old);
    verify("alone", &new_key.to_string());
    verify("alone", &old);

    place.ok(&["key", "rotate", "--signing", "--records", "--retire"]);
    place.ok(&["key", "rotate", "--signing"]);
    place.ok(&["key", "rotate", "--signing"]);
    place.ok(&["key", "rotate", "--retire"]);
    place.ok(&["key", "rotate", "--retire"]);
    place.add(103);
    let report = place.json(&["ledger", "verify", "--key", &old, "--since", &place.at("first")]);
    assert_eq!((&report["kinds"]["key"], &report["intact"]), (&5.into(), &true.into()));
    assert_eq!(report["signing_key"].as_str(), Some(place.signing_key().to_string().as_str()));
    assert_eq!(place.json(&["key", "status"])["key_epochs"], 3);
    assert!(place.checkpoint("last").size() > first.size());
    place.ok(&["ledger", "audit"]);
    place.fails(&["key", "rotate"], 2);
}
