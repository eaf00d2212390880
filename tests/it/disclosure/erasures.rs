//! Certificates of erasures, and packages of entries about the erased.

use super::files::unpack;
use super::{Run, problems, run, statements, with};
use crate::support::open;
use onefold::crypto::{KekAccess, Keyring};
use onefold::encoding::storage::Disk;
use onefold::ledger::Kind;
use onefold::pipeline::{Erased, ErasureRequest, FixedClock, Onefold, OpenOptions, Scope};
use onefold::report::disclosure::{PackageKind, Packed, State, verify};
use onefold::tlog::{SignedNote, SigningKey, VerifierKey};
use std::path::PathBuf;
use std::sync::Arc;

/// A run in which Ada was erased: the certificate's file, what was erased, and the key to check it with.
struct Erasure {
    run: Run,
    erased: Erased,
    certificate: PathBuf,
    keys: Vec<VerifierKey>,
}

/// Long after anything in these tests, in seconds since 1970.
const ISSUED_S: u32 = 4_000_000_000;

fn erase() -> Erasure {
    let run = run();
    let mut onefold = open(&run.data);
    let root = onefold.finder().unwrap().profiles_of("email:ada@example.com").unwrap()[0];
    let request = ErasureRequest { request: "DSR-2026-17".into(), ground: "GDPR Art. 17(1)(b)".into(), due_days: 30 };
    let erased = onefold.erase(Scope::Person(root), &request).unwrap();
    let certificate = run.path("certificate.zip");
    onefold.certificate(&erased, ISSUED_S, &certificate).unwrap();
    let keys = onefold.vkeys().unwrap();
    Erasure { run, erased, certificate, keys }
}

#[test]
fn an_erasure_is_certified() {
    let Erasure { run, erased, certificate, keys } = erase();
    let bytes = std::fs::read(&certificate).unwrap();
    let verified = verify(&bytes, &keys).unwrap();
    assert_eq!((verified.problems.as_slice(), verified.kind), (&[][..], PackageKind::Certificate));
    let (says, text) = verified.certificate.as_ref().unwrap();
    assert_eq!((says.records, says.consents, says.rejected), (erased.records, erased.consents, erased.rejected));
    assert_eq!((says.tombstones, says.generation, says.due_s), (erased.tombstones, erased.generation, erased.due_s));
    assert_eq!((says.entries.as_slice(), says.epoch), (erased.entries.as_slice(), erased.epoch.0));
    for part in [
        "request: DSR-2026-17\n",
        "ground: GDPR Art. 17(1)(b)\n",
        "records: 4\nof these consents: 1\n",
        "issued: 2096-10-02T07:06:40Z\n",
        "key state generation: 2\n",
        "generation before 2, such as backups",
        "refused if they are delivered again",
        "This certificate names no person.\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let shown = verified.entries.iter().any(|entry| entry.kind == Kind::Erasure);
    assert!(shown && verified.entries.iter().all(|entry| entry.kind.is_clear()));
    // It is not written over, and a second one may be issued.
    let onefold = open(&run.data);
    assert!(onefold.certificate(&erased, ISSUED_S, &certificate).is_err());
    assert_eq!(std::fs::read(&certificate).unwrap(), bytes);
    let again = run.path("again.zip");
    onefold.certificate(&erased, ISSUED_S, &again).unwrap();
    assert_eq!(problems(&std::fs::read(again).unwrap(), &keys), Vec::<String>::new());
}

#[test]
fn a_certificate_holds_nothing_personal() {
    let Erasure { run: _run, certificate, .. } = erase();
    let files = unpack(&std::fs::read(certificate).unwrap());
    for (name, content) in &files {
        let text = String::from_utf8_lossy(content).to_lowercase();
        for personal in ["lovelace", "example.com", "+44207946", "london", "crm:17"] {
            // The guide and the bundle's texts are the same for everybody.
            let general = name == "VERIFY.md" || text.contains("[[source]]");
            assert!(general || !text.contains(personal), "{personal:?} is in {name}");
        }
    }
    let text = String::from_utf8(files["certificate.txt"].clone()).unwrap();
    assert!(!text.contains("birth"), "{text}");
}

#[test]
fn a_certificate_says_what_the_entries_say() {
    let Erasure { run, certificate, keys, .. } = erase();
    let bytes = std::fs::read(&certificate).unwrap();
    let truth = statements(&verify(&bytes, &keys).unwrap());
    let files = unpack(&bytes);
    let text = &files["certificate.txt"];
    for at in 0..text.len() {
        let altered = with(&bytes, |files| files.get_mut("certificate.txt").unwrap()[at] ^= [1, 0x20, 0x80][at % 3]);
        assert!(!problems(&altered, &keys).is_empty(), "byte {at}");
    }
    // Signed by the ledger, and still not what its entries say; or signed by somebody else.
    let note = SignedNote::parse(text).unwrap();
    let signing =
        Keyring::open(&run.data.join("keys"), Arc::new(Disk), &KekAccess::default()).unwrap().signing().unwrap();
    let forger = SigningKey::from_seed(keys[0].name(), [3; 32].into()).unwrap();
    let signed = |text: &str, key: &SigningKey| {
        let note = SignedNote::new(text, vec![key.sign(text).unwrap()]).unwrap().to_text().into_bytes();
        with(&bytes, |files| drop(files.insert("certificate.txt".into(), note)))
    };
    assert_eq!(statements(&verify(&signed(note.text(), &signing[0]), &keys).unwrap()), truth);
    for (of, other) in
        [("records: 4", "records: 5"), ("generation: 2", "generation: 3"), ("DSR-2026-17", "DSR-2026-18")]
    {
        let found = problems(&signed(&note.text().replacen(of, other, 1), &signing[0]), &keys);
        assert_eq!(found, ["certificate.txt: it says something else than the erasure entries of the package"]);
    }
    assert_eq!(problems(&signed(note.text(), &forger), &keys), ["certificate.txt: no known key has signed the note"]);
}

#[test]
fn entries_about_the_erased_are_proved_and_closed() {
    let Erasure { run, keys, .. } = erase();
    let received = run.first(Kind::Received);
    let package = run.entries([received]);
    assert_eq!(package.entries.iter().find(|entry| entry.asked).unwrap().how, Packed::WithoutKey);
    let state = |bytes: &[u8]| {
        let verified = verify(bytes, &keys).unwrap();
        assert_eq!(verified.problems, []);
        verified.entries.iter().find(|entry| entry.sequence.0 == received).unwrap().state.clone()
    };
    assert_eq!(state(&package.bytes), State::Locked);
    // Once the date has come the ciphertext is deleted, and the package shows the entry that records it.
    let options = OpenOptions { clock: Box::new(FixedClock(ISSUED_S)), ..OpenOptions::default() };
    drop(Onefold::open(&run.data, options).unwrap());
    let package = run.entries([received]);
    let asked = package.entries.iter().find(|entry| entry.sequence.0 == received).unwrap();
    assert_eq!(asked.how, Packed::Redacted);
    let redaction = package.entries.iter().find(|entry| entry.kind == Kind::Redaction).unwrap().sequence;
    assert_eq!(state(&package.bytes), State::Redacted { by: Some(redaction) });
}
