//! Goal: whoever keeps the key-encryption key, keys open with it alone; what is missing, wrong or hostile is named; and
//! no error shows a byte of a key.
//! Method: keys put from each provider under each; small shell scripts in the place of a key service; parameters that
//! ask for too much written into the file.

use super::create;
use crate::faults::Faulty;
use onefold::crypto::{CommandFault, Error, KekAccess, Keyring, NewKek};
use onefold::encoding::storage::Disk;
use ring::rand::SystemRandom;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

fn make(dir: &Path, kek: NewKek, access: &KekAccess) -> Result<Keyring, Error> {
    Keyring::create(dir, &SystemRandom::new(), Arc::new(Disk), kek, access, None)
}

fn open(dir: &Path, access: &KekAccess) -> Result<Keyring, Error> {
    Keyring::open(dir, Arc::new(Disk), access)
}

fn error(opened: Result<Keyring, Error>) -> Error {
    match opened {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

fn file(path: &Path) -> KekAccess {
    KekAccess { file: Some(path.to_owned()), ..KekAccess::default() }
}

fn passphrase(text: &str) -> KekAccess {
    KekAccess { passphrase: Some(Zeroizing::new(text.to_owned())), ..KekAccess::default() }
}

/// A command that runs this script, which finds what to do in `$1`.
fn script(folder: &Path, name: &str, text: &str) -> KekAccess {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    KekAccess { command: Some(format!("sh {}", path.to_str().unwrap())), ..KekAccess::default() }
}

/// Wraps by writing the base64 backwards, in a way that `rev` undoes.
const GOOD: &str = "base64 -d | base64 -w 0 | rev | base64 -w 0";
const UNWRAP: &str = "base64 -d | rev";

fn good(folder: &Path) -> KekAccess {
    script(folder, "good.sh", &format!("case $1 in wrap) {GOOD};; unwrap) {UNWRAP};; *) exit 9;; esac\n"))
}

#[test]
fn keys_go_from_any_provider_to_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, elsewhere) = (folder.path().join("keys"), folder.path().join("elsewhere"));
    let mut keys = create(&dir);
    let id = keys.identity().identifier("email", "x");
    let kek = dir.join("kek");
    let offers = [
        (NewKek::Command, good(folder.path())),
        (NewKek::File, file(&elsewhere)),
        (NewKek::Passphrase, passphrase("correct horse")),
        (NewKek::File, KekAccess::default()),
        (NewKek::File, KekAccess::default()),
        (NewKek::File, file(&elsewhere)),
    ];
    let mut before = KekAccess::default();
    for (step, (new, access)) in offers.into_iter().enumerate() {
        let old_kek = fs::read(&kek).ok();
        let linked = folder.path().join(format!("linked-{step}"));
        fs::hard_link(dir.join("state.key"), &linked).unwrap();
        keys.rewrap(new, &access, &SystemRandom::new()).unwrap();
        assert!(fs::read(&linked).unwrap().iter().all(|byte| *byte == 0), "the old wrapped key is overwritten");
        let opened = open(&dir, &access).unwrap();
        assert_eq!(opened.identity().identifier("email", "x"), id);
        assert_eq!(opened.generation().0, 1, "the state stays as it is");
        assert_eq!(Keyring::status(&dir).unwrap().kek, new);
        if access.file != before.file || access.command != before.command {
            assert!(open(&dir, &before).is_err(), "step {step}");
        }
        assert!(old_kek.is_none() || fs::read(&kek).ok() != old_kek, "step {step}: an old key file is not left here");
        before = access;
    }
    assert_eq!(fs::metadata(&elsewhere).unwrap().permissions().mode() & 0o7777, 0o600);
    assert!(!kek.exists());
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 2, "nothing else is left");
    // Erasing wraps a new key under the same key-encryption key, which the operator need not offer again.
    keys.erase(&[onefold::model::Birth(4)], &SystemRandom::new()).unwrap();
    assert!(open(&dir, &before).unwrap().records().is_erased(onefold::model::Birth(4)));
}

#[test]
fn a_key_file_of_the_operator_is_used_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, "ab".repeat(32) + "\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
    assert!(matches!(error(make(&one, NewKek::File, &file(&path))), Error::KekMode { mode: 0o640, .. }));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    make(&one, NewKek::File, &file(&path)).unwrap();
    make(&other, NewKek::File, &file(&path)).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "ab".repeat(32) + "\n");
    assert!(!one.join("kek").exists());
    let missing = error(open(&one, &KekAccess::default()));
    assert!(matches!(&missing, Error::KekMissing { path } if *path == one.join("kek")), "{missing}");
    open(&one, &file(&path)).unwrap();
    // Two keyrings under one key-encryption key do not open each other.
    fs::copy(other.join("state.key"), one.join("state.key")).unwrap();
    assert!(matches!(error(open(&one, &file(&path))), Error::SealedDamaged { .. }));
}

#[test]
fn a_key_file_is_replaced_whole_or_not_at_all() {
    for n in 0.. {
        let folder = tempfile::tempdir().unwrap();
        create(folder.path());
        let kek = folder.path().join("kek");
        let before = fs::read(&kek).unwrap();
        let disk = Faulty::new();
        let mut keys = Keyring::open(folder.path(), disk.storage(), &KekAccess::default()).unwrap();
        disk.crash(n);
        let done = keys.rewrap(NewKek::File, &KekAccess::default(), &SystemRandom::new());
        drop(keys);
        Keyring::open_with_file(folder.path()).unwrap_or_else(|error| panic!("crash at {n}: {error}"));
        Keyring::open_with_file(folder.path()).unwrap();
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["kek", "state-00000001", "state.key"], "crash at {n}");
        if done.is_ok() {
            assert_ne!(fs::read(&kek).unwrap(), before);
            assert!(n > 10, "only {n} calls");
            break;
        }
    }
}

#[test]
fn a_passphrase_opens_what_it_was_given_for() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("keys");
    for nothing in [KekAccess::default(), passphrase("")] {
        assert!(matches!(error(make(&dir, NewKek::Passphrase, &nothing)), Error::PassphraseMissing { .. }));
    }
    let secret = "pässphrase with spaces";
    make(&dir, NewKek::Passphrase, &passphrase(secret)).unwrap();
    assert!(!dir.join("kek").exists());
    open(&dir, &passphrase(secret)).unwrap();
    let wrong = error(open(&dir, &passphrase("pässphrase with space")));
    assert!(matches!(wrong, Error::PassphraseWrong { .. }), "{wrong}");
    assert!(wrong.to_string().contains("onefold ledger verify") && !wrong.to_string().contains("space"));
    let missing = error(open(&dir, &KekAccess::default()));
    assert!(
        matches!(missing, Error::PassphraseMissing { .. }) && missing.to_string().contains("onefold ledger verify")
    );
}

/// Where the parameters stand in `state.key`: after magic, format, generation, size, digest and provider.
const PARAMETERS: usize = 8 + 2 + 8 + 8 + 32 + 1;

#[test]
fn hostile_argon2_parameters_are_refused_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    make(dir, NewKek::Passphrase, &passphrase("x")).unwrap();
    let path = dir.join("state.key");
    let good = fs::read(&path).unwrap();
    assert_eq!(good[PARAMETERS..PARAMETERS + 12], [[0, 0, 1, 0], [3, 0, 0, 0], [4, 0, 0, 0]].concat());
    let write = |at: usize, value: u32| {
        let mut bytes = good.clone();
        bytes[PARAMETERS + at..PARAMETERS + at + 4].copy_from_slice(&value.to_le_bytes());
        let body = bytes.len() - 4;
        let crc = crc32c::crc32c(&bytes[..body]);
        bytes[body..].copy_from_slice(&crc.to_le_bytes());
        fs::write(&path, bytes).unwrap();
        error(open(dir, &passphrase("x")))
    };
    let refused = [(0, u32::MAX), (0, (1 << 20) + 1), (0, 0), (4, 17), (4, u32::MAX), (4, 0), (8, 17), (8, 0)];
    for (at, value) in refused {
        let error = write(at, value);
        let Error::SealedDamaged { what, .. } = error else { panic!("{at}, {value}: {error}") };
        assert!(what.contains("out of bounds"), "{at}, {value}: {what}");
    }
    // Within bounds, but not what the key was made with.
    assert!(matches!(write(4, 2), Error::PassphraseWrong { .. }));
}

#[test]
fn a_command_that_fails_is_named_and_shows_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let dir = folder.join("keys");
    let clear = "printf %s AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    type Expected = fn(&CommandFault) -> bool;
    let cases: [(&str, &str, Expected); 10] = [
        ("fails", "cat >&1; exit 3", |fault| matches!(fault, CommandFault::Status(3))),
        ("is ended", "kill -TERM $$", |fault| matches!(fault, CommandFault::Signal)),
        ("says nothing", "cat >/dev/null", |fault| matches!(fault, CommandFault::Size { found: 0, .. })),
        ("gives garbage", "echo '{\"key\": 1}'", |fault| matches!(fault, CommandFault::NotBase64)),
        ("gives no padding", clear, |fault| matches!(fault, CommandFault::NotBase64)),
        ("gives two lines", "cat; cat; echo AAAA", |fault| matches!(fault, CommandFault::NotBase64)),
        ("gives the key back", "cat", |fault| matches!(fault, CommandFault::Clear)),
        ("never ends giving", "yes AAAA", |fault| matches!(fault, CommandFault::TooMuch { max_bytes: 4096 })),
        ("gives too large a key", "head -c 2100 /dev/zero | base64 -w 0", |fault| {
            matches!(fault, CommandFault::Size { found: 2100, .. })
        }),
        (
            "unwraps to another",
            "if [ $1 = wrap ]; then echo AAAA; else echo AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=; fi",
            |fault| matches!(fault, CommandFault::NotTheSame),
        ),
    ];
    for (name, text, expected) in cases {
        let error = error(make(&dir, NewKek::Command, &script(folder, "bad.sh", text)));
        let Error::Command { fault, .. } = &error else { panic!("{name}: {error}") };
        assert!(expected(fault), "{name}: {error}");
        assert!(!dir.join("state.key").exists() && !dir.join("state-00000001").exists(), "{name}: nothing is left");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("AAAA") && !shown.contains("AAEC"), "{name}: {shown}");
    }
    let unknown = KekAccess { command: Some("./no-such-program now".to_owned()), ..KekAccess::default() };
    let error = error(make(&dir, NewKek::Command, &unknown));
    assert!(matches!(error, Error::Command { operation: "wrap", fault: CommandFault::Start(_) }), "{error}");
}

#[test]
fn a_command_opens_what_it_wrapped_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("keys");
    let access = good(folder.path());
    make(&dir, NewKek::Command, &access).unwrap();
    open(&dir, &access).unwrap();
    let missing = error(open(&dir, &KekAccess::default()));
    assert!(matches!(missing, Error::CommandMissing { .. }) && missing.to_string().contains("onefold ledger verify"));
    let other = "echo AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let wrong = error(open(&dir, &script(folder.path(), "other.sh", other)));
    assert!(matches!(wrong, Error::CommandWrong { .. }) && wrong.to_string().contains("onefold ledger verify"));
    let short = error(open(&dir, &script(folder.path(), "short.sh", "echo AAEC")));
    let expected = matches!(short, Error::Command { operation: "unwrap", fault: CommandFault::Size { found: 3, .. } });
    assert!(expected, "{short}");
    // The command stands in no file of the folder.
    let files: Vec<PathBuf> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    for path in files {
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(7).any(|window| window == b"good.sh"), "{}", path.display());
    }
}
