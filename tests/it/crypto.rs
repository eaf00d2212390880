//! Goal: keys are made, kept and refused as documented, and the primitives are the standard ones.
//! Method: key directories damaged in each way, and the Wycheproof vectors where they are at hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use onefold::crypto::{Error, Keyring};
use ring::hkdf;
use ring::rand::SystemRandom;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/conformance/wycheproof");

fn create(dir: &Path) -> Keyring {
    Keyring::create(dir, &SystemRandom::new(), None).unwrap()
}

fn open_error(dir: &Path) -> Error {
    match Keyring::open(dir) {
        Ok(_) => panic!("damaged keys opened"),
        Err(error) => error,
    }
}

#[test]
fn keys_are_the_same_after_opening() {
    let dir = tempfile::tempdir().unwrap();
    let keys = create(&dir.path().join("keys"));
    let dir = dir.path().join("keys");
    let opened = Keyring::open(&dir).unwrap();
    assert_eq!(opened.ledger_id(), keys.ledger_id());
    assert_eq!(opened.key_epoch(), keys.key_epoch());
    assert_eq!(opened.identity().identifier("email", "x"), keys.identity().identifier("email", "x"));
    for name in ["kek", "keys.sealed"] {
        assert_eq!(fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o7777, 0o600);
    }
    let kek = fs::read(dir.join("kek")).unwrap();
    assert_eq!((kek.len(), kek[64]), (65, b'\n'));
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 2, "no temporary file stays");
}

#[test]
fn identity_and_nothing_else_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let first = create(&dir.path().join("a"));
    let second = Keyring::create(&dir.path().join("b"), &SystemRandom::new(), Some(&dir.path().join("a"))).unwrap();
    assert_eq!(first.identity().name("crm", "1"), second.identity().name("crm", "1"));
    assert_eq!(first.identity().value("email", "x"), second.identity().value("email", "x"));
    assert_ne!(first.ledger_id(), second.ledger_id());
    let other = create(&dir.path().join("c"));
    assert_ne!(first.identity().name("crm", "1"), other.identity().name("crm", "1"));
}

#[test]
fn keys_are_never_made_over_others() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    let before = fs::read(dir.path().join("keys.sealed")).unwrap();
    assert!(matches!(Keyring::create(dir.path(), &SystemRandom::new(), None), Err(Error::Exists { .. })));
    assert_eq!(fs::read(dir.path().join("keys.sealed")).unwrap(), before);
}

#[test]
fn each_fault_has_its_own_error() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    create(dir);
    let (kek, sealed) = (dir.join("kek"), dir.join("keys.sealed"));
    let good = fs::read(&kek).unwrap();

    for mode in [0o640, 0o604, 0o660, 0o700, 0o400] {
        fs::set_permissions(&kek, fs::Permissions::from_mode(mode)).unwrap();
        match open_error(dir) {
            Error::KekMode { mode: found, .. } => assert_eq!(found, mode),
            other => panic!("mode {mode:o}: {other}"),
        }
    }
    fs::set_permissions(&kek, fs::Permissions::from_mode(0o600)).unwrap();

    let long = [&good[..], b"\n"].concat();
    for malformed in [&b""[..], b"abc\n", &good[..64], &long, &[b'g'; 65]] {
        fs::write(&kek, malformed).unwrap();
        assert!(matches!(open_error(dir), Error::KekMalformed { .. }));
    }
    let mut other = good.clone();
    other[0] = if other[0] == b'0' { b'1' } else { b'0' };
    fs::write(&kek, &other).unwrap();
    assert!(matches!(open_error(dir), Error::KekWrong { .. }));

    fs::remove_file(&kek).unwrap();
    assert!(matches!(open_error(dir), Error::KekMissing { .. }));
    fs::write(&kek, &good).unwrap();
    fs::set_permissions(&kek, fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(&sealed).unwrap();
    assert!(matches!(open_error(dir), Error::SealedMissing { .. }));
}

#[test]
fn every_changed_or_missing_byte_of_the_sealed_keys_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    create(dir);
    let sealed = dir.join("keys.sealed");
    let good = fs::read(&sealed).unwrap();
    for index in 0..good.len() {
        let mut bad = good.clone();
        bad[index] ^= 0x10;
        fs::write(&sealed, &bad).unwrap();
        let error = open_error(dir);
        let expected = matches!(error, Error::SealedDamaged { .. } | Error::SealedFormat { .. });
        assert!(expected, "byte {index}: {error}");
        fs::write(&sealed, &good[..index]).unwrap();
        assert!(matches!(open_error(dir), Error::SealedDamaged { .. }), "cut at {index}");
    }
    fs::write(&sealed, [&good[..], &[0]].concat()).unwrap();
    assert!(matches!(open_error(dir), Error::SealedDamaged { .. }));
    fs::write(&sealed, &good).unwrap();
    assert!(Keyring::open(dir).is_ok());
}

fn vectors(name: &str) -> Option<serde_json::Value> {
    let path = Path::new(VECTORS).join(name);
    if !path.exists() {
        eprintln!("SKIPPED: `{}` is not there", path.display());
        return None;
    }
    Some(serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
}

fn hex(value: &serde_json::Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// The vectors of the one form that is used here: 256-bit key, 96-bit nonce, 128-bit tag.
#[test]
fn aes_gcm_is_that_of_wycheproof() {
    let Some(file) = vectors("aes_gcm_test.json") else { return };
    let mut tried = 0;
    for group in file["testGroups"].as_array().unwrap() {
        if (group["keySize"].as_u64(), group["ivSize"].as_u64(), group["tagSize"].as_u64())
            != (Some(256), Some(96), Some(128))
        {
            continue;
        }
        for test in group["tests"].as_array().unwrap() {
            let cipher = Aes256Gcm::new_from_slice(&hex(&test["key"])).unwrap();
            let nonce: [u8; 12] = hex(&test["iv"]).try_into().unwrap();
            let tag: [u8; 16] = hex(&test["tag"]).try_into().unwrap();
            let (aad, clear, sealed) = (hex(&test["aad"]), hex(&test["msg"]), hex(&test["ct"]));
            let mut text = sealed.clone();
            let opened = cipher.decrypt_inout_detached(&nonce.into(), &aad, text.as_mut_slice().into(), &tag.into());
            if test["result"] == "valid" {
                assert!(opened.is_ok(), "case {}", test["tcId"]);
                assert_eq!(text, clear);
                let made = cipher.encrypt_inout_detached(&nonce.into(), &aad, text.as_mut_slice().into()).unwrap();
                assert_eq!((text, &made[..]), (sealed, &tag[..]));
            } else {
                assert!(opened.is_err(), "case {}", test["tcId"]);
            }
            tried += 1;
        }
    }
    assert!(tried > 10, "only {tried} cases");
}

#[test]
fn hkdf_is_that_of_wycheproof() {
    struct Size(usize);
    impl hkdf::KeyType for Size {
        fn len(&self) -> usize {
            self.0
        }
    }
    let Some(file) = vectors("hkdf_sha256_test.json") else { return };
    let mut tried = 0;
    for test in file["testGroups"].as_array().unwrap().iter().flat_map(|group| group["tests"].as_array().unwrap()) {
        let size = usize::try_from(test["size"].as_u64().unwrap()).unwrap();
        let key = hkdf::Salt::new(hkdf::HKDF_SHA256, &hex(&test["salt"])).extract(&hex(&test["ikm"]));
        let info = hex(&test["info"]);
        let mut out = vec![0; size];
        let filled = key.expand(&[&info], Size(size)).and_then(|okm| okm.fill(&mut out));
        assert_eq!(filled.is_ok(), test["result"] == "valid", "case {}", test["tcId"]);
        if filled.is_ok() {
            assert_eq!(out, hex(&test["okm"]));
        }
        tried += 1;
    }
    assert!(tried > 10, "only {tried} cases");
}
