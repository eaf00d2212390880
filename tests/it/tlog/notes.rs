//! Keys, notes, checkpoints and cosignatures.
//!
//! Goal: the texts are those of the C2SP specifications, and only what a known key has signed is believed. Method:
//! published vectors, the crate `signed_note` as the other side, every byte of a note altered, tables of texts that
//! are nearly right, and random ones.

use super::{altered, cosigning_key, signing_key};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use onefold::tlog::checkpoint::Checkpoint;
use onefold::tlog::cosignature::{TIME_SECONDS_MAX, cosigned_at};
use onefold::tlog::note::{NOTE_BYTES_MAX, SIGNATURES_MAX};
use onefold::tlog::{Cosignature, Error, KeyId, KeyKind, Signature, SignedNote, SigningKey, VerifierKey, empty_root};
use proptest::prelude::*;
use signed_note::{
    Note, NoteError, Signer, StandardSigner, StandardVerifier, Verifier, VerifierList, is_key_name_valid,
};
use std::collections::BTreeMap;

const TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETER_SEED: &str = "gQoUAtUUbI2E8kQzMPVAgOv5juF9nHT2JS/F1ccoMXM=";
const PETER_LINE: &str =
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const ENOCH_LINE: &str =
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

fn vkey(text: &str) -> VerifierKey {
    VerifierKey::parse(text.as_bytes()).unwrap()
}

fn note(text: &str) -> SignedNote {
    SignedNote::parse(text.as_bytes()).unwrap()
}

fn body() -> Checkpoint {
    Checkpoint::new("example.com/log", 42, [5; 32], Vec::new()).unwrap()
}

/// The other implementation's key of the same seed.
fn their_signer(key: &VerifierKey, seed: u8) -> StandardSigner {
    let private = STANDARD.encode([&[1], &[seed; 32][..]].concat());
    StandardSigner::new(&format!("PRIVATE+KEY+{}+{}+{private}", key.name(), key.id())).unwrap()
}

fn their_verifiers(keys: &[&VerifierKey]) -> VerifierList {
    let keys = keys.iter().map(|key| Box::new(StandardVerifier::new(&key.to_string()).unwrap()) as Box<dyn Verifier>);
    VerifierList::new(keys.collect())
}

#[test]
fn published_notes_verify() {
    let (peter, enoch) = (vkey(PETER), vkey(ENOCH));
    let both = note(&format!("{TEXT}\n{PETER_LINE}{ENOCH_LINE}"));
    let keys = [enoch.clone(), peter.clone()];
    assert_eq!(both.verify(&keys), Ok(vec![&peter, &enoch]));
    assert_eq!(both.verify(&keys[..1]), Ok(vec![&enoch]));
    assert_eq!(both.verify(&[]), Err(Error::Unsigned));
    let seed: [u8; 32] = STANDARD.decode(PETER_SEED).unwrap().try_into().unwrap();
    let signing = SigningKey::from_seed("PeterNeumann", seed.into()).unwrap();
    assert_eq!(signing.verifier(), &peter);
    let signed = SignedNote::new(TEXT, vec![signing.sign(TEXT).unwrap()]).unwrap();
    assert_eq!(signed.to_text(), format!("{TEXT}\n{PETER_LINE}"));
    assert_eq!(format!("{signing:?} {:?}", cosigning_key("w", 1)), "SigningKey CosigningKey");
}

#[test]
fn keys_are_read_strictly() {
    for text in [PETER, ENOCH] {
        assert_eq!(vkey(text).to_string(), text);
    }
    let peter = vkey(PETER);
    assert_eq!(
        (peter.name(), peter.kind(), peter.id()),
        ("PeterNeumann", KeyKind::Ed25519, KeyId([0xc7, 0x4f, 0x20, 0xa3]))
    );
    let witness = cosigning_key("witness.example/1", 3);
    assert_eq!(&vkey(&witness.verifier().to_string()), witness.verifier());
    assert_ne!(witness.verifier().id(), signing_key("witness.example/1", 3).verifier().id());
    let key = &PETER["PeterNeumann+c74f20a3+".len()..];
    let wrong = [
        String::new(),
        "PeterNeumann".to_owned(),
        "PeterNeumann+c74f20a3".to_owned(),
        "PeterNeumann+c74f20a3+".to_owned(),
        format!("+c74f20a3+{key}"),
        format!("Peter Neumann+c74f20a3+{key}"),
        format!("Peter\u{2003}Neumann+c74f20a3+{key}"),
        format!("Peter\0Neumann+c74f20a3+{key}"),
        format!("PeterNeumann+C74F20A3+{key}"),
        format!("PeterNeumann+c74f20a+{key}"),
        format!("PeterNeumann+c74f20a4+{key}"),
        format!("PeterNeuman+c74f20a3+{key}"),
        format!("{PETER}\n"),
        format!(" {PETER}"),
        PETER.replace("ARpc", "AhpC"),
        PETER.replace("ARpc", "Ahpc"),
        PETER.trim_end_matches("TW").to_owned() + "TX",
        PETER[..PETER.len() - 4].to_owned(),
        PETER.to_owned() + "AAAA",
        "x".repeat(5000),
    ];
    for text in wrong {
        VerifierKey::parse(text.as_bytes()).expect_err(&text);
    }
    assert_eq!(VerifierKey::parse(PETER.replace("ARpc", "Ahpc").as_bytes()), Err(Error::KeyType { found: 2 }));
    VerifierKey::parse(b"\xff").unwrap_err();
}

#[test]
fn notes_are_read_strictly() {
    let good = format!("{TEXT}\n{PETER_LINE}");
    assert_eq!(note(&good).to_text(), good);
    let odd = format!("\n\n{TEXT}\n\n\n{PETER_LINE}");
    assert_eq!(note(&odd).text(), format!("\n\n{TEXT}\n\n"));
    assert_eq!(note(&odd).to_text(), odd);
    let line = PETER_LINE;
    let wrong = [
        String::new(),
        "\n".to_owned(),
        "\n\n".to_owned(),
        TEXT.to_owned(),
        format!("{TEXT}\n"),
        format!("{TEXT}{line}"),
        format!("\n{line}"),
        good.trim_end().to_owned(),
        format!("{good}\n"),
        format!("{good}{}", line.trim_end()),
        good.replace('\n', "\r\n"),
        format!("{TEXT}\t\n\n{line}"),
        format!("{TEXT}\n{}", line.replacen("— ", "- ", 1)),
        format!("{TEXT}\n{}", line.replacen("— ", "—", 1)),
        format!("{TEXT}\n{}", line.replacen("— ", "—  ", 1)),
        format!("{TEXT}\n {line}"),
        format!("{TEXT}\n{}", line.replace("Peter", "Peter+")),
        format!("{TEXT}\n{}", line.replace("Peter", "Peter ")),
        format!("{TEXT}\n{}", line.replace("Peter", "Peter\u{a0}")),
        format!("{TEXT}\n{}", line.replace("=\n", " =\n")),
        format!("{TEXT}\n{}", line.replace("=\n", "\n")),
        format!("{TEXT}\n{}", line.replace("M=\n", "N=\n")),
        format!("{TEXT}\n{line}{TEXT}"),
        format!("{TEXT}\n— PeterNeumann x08gow==\n"),
        format!("{TEXT}\n— PeterNeumann x08g\n"),
        format!("{TEXT}\n— PeterNeumann \n"),
        format!("{TEXT}\n— PeterNeumann\n"),
    ];
    for text in wrong {
        SignedNote::parse(text.as_bytes()).expect_err(&text);
    }
    SignedNote::parse(&[good.as_bytes(), b"\xff"].concat()).unwrap_err();
    let key = signing_key("a", 1);
    for text in ["", "a", "a\tb\n", "a\r\n", "\0\n"] {
        key.sign(text).unwrap_err();
        SignedNote::new(text, vec![key.sign("a\n").unwrap()]).unwrap_err();
    }
    SignedNote::new("a\n", Vec::new()).unwrap_err();
    Signature::new("a b", KeyId([0; 4]), vec![1]).unwrap_err();
    Signature::new("a", KeyId([0; 4]), Vec::new()).unwrap_err();
}

#[test]
fn notes_are_bounded() {
    let lines = |count| format!("{TEXT}\n{}", PETER_LINE.repeat(count));
    assert_eq!(note(&lines(SIGNATURES_MAX)).verify(&[vkey(PETER)]).unwrap().len(), 1);
    let too_many = Error::TooLarge { what: "signatures of a note", size: 101, size_max: 100 };
    assert_eq!(SignedNote::parse(lines(SIGNATURES_MAX + 1).as_bytes()), Err(too_many));
    let around = format!("\n\n{PETER_LINE}").len();
    let with_size = |size| format!("{}\n\n{PETER_LINE}", "a".repeat(size - around));
    assert_eq!(note(&with_size(NOTE_BYTES_MAX)).to_text().len(), NOTE_BYTES_MAX);
    SignedNote::parse(with_size(NOTE_BYTES_MAX + 1).as_bytes()).unwrap_err();
    let mut full = note(&with_size(NOTE_BYTES_MAX));
    let before = full.clone();
    full.add(signing_key("a", 1).sign(TEXT).unwrap()).unwrap_err();
    assert_eq!(full, before, "a note that cannot grow stays as it is");
}

#[test]
fn every_signature_of_a_known_key_counts() {
    let peter = [vkey(PETER)];
    let bad = PETER_LINE.replace("x08go/ZJ", "x08go/ZK");
    let invalid = Err(Error::Signature { name: "PeterNeumann".to_owned(), id: KeyId([0xc7, 0x4f, 0x20, 0xa3]) });
    // The same signature twice is one key's; a bad one beside a good one is not passed over.
    assert_eq!(note(&format!("{TEXT}\n{PETER_LINE}{PETER_LINE}")).verify(&peter), Ok(vec![&peter[0]]));
    assert_eq!(note(&format!("{TEXT}\n{bad}")).verify(&peter), invalid);
    assert_eq!(note(&format!("{TEXT}\n{PETER_LINE}{bad}")).verify(&peter), invalid);
    assert_eq!(note(&format!("{TEXT}\n{bad}{PETER_LINE}")).verify(&peter), invalid);
    // The name or the id of a known key alone does not make it one.
    let foreign_id = PETER_LINE.replace("x08g", "x18g");
    let foreign_name = PETER_LINE.replace("Peter", "Petra");
    for line in [&foreign_id, &foreign_name] {
        assert_eq!(note(&format!("{TEXT}\n{line}")).verify(&peter), Err(Error::Unsigned));
        assert_eq!(note(&format!("{TEXT}\n{line}{PETER_LINE}")).verify(&peter), Ok(vec![&peter[0]]));
    }
    assert_eq!(note(&format!("A{TEXT}\n{PETER_LINE}")).verify(&peter), invalid);
    assert_eq!(note(&format!("{TEXT}\n{PETER_LINE}")).verify(&[vkey(PETER), vkey(PETER)]), Ok(vec![&peter[0]]));
}

#[test]
fn keys_that_share_name_and_id_are_ambiguous() {
    // The id has 32 bits, so that two keys with the same one are found in no time.
    let mut seen = BTreeMap::new();
    let pair = (0u64..).find_map(|number| {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        let key = VerifierKey::new("a", KeyKind::Ed25519, bytes).unwrap();
        seen.insert(key.id(), key.clone()).map(|other| [key, other])
    });
    let pair = pair.unwrap();
    let signature = Signature::new("a", pair[0].id(), vec![0; 64]).unwrap();
    let signed = SignedNote::new("a\n", vec![signature]).unwrap();
    assert_eq!(signed.verify(&pair), Err(Error::KeyAmbiguous { name: "a".to_owned(), id: pair[0].id() }));
}

#[test]
fn a_signature_takes_the_place_of_the_same_keys() {
    let (one, two) = (signing_key("one", 1), signing_key("two", 2));
    let mut signed = SignedNote::new("a\n", vec![one.sign("b\n").unwrap(), two.sign("a\n").unwrap()]).unwrap();
    let keys = [one.verifier().clone(), two.verifier().clone()];
    signed.verify(&keys).unwrap_err();
    signed.add(one.sign("a\n").unwrap()).unwrap();
    assert_eq!(signed.verify(&keys), Ok(vec![&keys[1], &keys[0]]));
    assert_eq!(signed.signatures().len(), 2);
}

#[test]
fn an_altered_note_is_refused_as_the_oracle_does() {
    let (one, two) = (signing_key("example.com/log", 1), signing_key("two", 2));
    let text = body().to_text();
    let signed = SignedNote::new(&text, vec![one.sign(&text).unwrap(), two.sign(&text).unwrap()]).unwrap();
    let keys = [one.verifier().clone()];
    let theirs = their_verifiers(&[&keys[0]]);
    let (mut refused, mut unsigned, mut held) = (0, 0, 0);
    for bytes in altered(signed.to_text().as_bytes()) {
        let ours = SignedNote::parse(&bytes);
        let other = Note::from_bytes(&bytes);
        assert_eq!(ours.is_ok(), other.is_ok(), "{}", String::from_utf8_lossy(&bytes));
        let (Ok(ours), Ok(other)) = (ours, other) else {
            refused += 1;
            continue;
        };
        let other = other.verify(&theirs);
        match ours.verify(&keys) {
            // Only the line of the key that is not known, or the known one's that is then not known, may differ.
            Ok(_) => {
                assert_eq!(ours.text(), text);
                assert!(other.is_ok());
                held += 1;
            }
            Err(Error::Signature { .. }) => {
                assert!(matches!(other, Err(NoteError::InvalidSignature { .. })));
                refused += 1;
            }
            Err(Error::Unsigned) => {
                assert!(matches!(other, Err(NoteError::UnverifiedNote)));
                unsigned += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    eprintln!("note: {refused} alterations refused, {unsigned} unsigned, {held} of the line that is not known");
    assert!(refused > 0 && unsigned > 0 && held > 0);
}

#[test]
fn checkpoints_are_read_strictly() {
    let root = STANDARD.encode([5; 32]);
    for extensions in ["", "one\n", "one\ntwo 2\n"] {
        let text = format!("example.com/log\n42\n{root}\n{extensions}");
        let checkpoint = Checkpoint::parse(text.as_bytes()).unwrap();
        assert_eq!((checkpoint.origin(), checkpoint.size(), checkpoint.root()), ("example.com/log", 42, &[5; 32]));
        assert_eq!(checkpoint.extensions().len(), extensions.lines().count());
        assert_eq!(checkpoint.to_text(), text);
        assert_eq!(tlog_tiles::Checkpoint::from_bytes(text.as_bytes()).unwrap().to_bytes(), text.as_bytes());
    }
    let wrong = [
        String::new(),
        "\n\n\n".to_owned(),
        "a\n42\n".to_owned(),
        format!("\n42\n{root}\n"),
        format!("a\n42\n{root}"),
        format!("a\n42\n{root}\n\n"),
        format!("a\n42\n{root}\n\nb\n"),
        format!("a\n42\n{root}\nb"),
        format!("a\n042\n{root}\n"),
        format!("a\n+42\n{root}\n"),
        format!("a\n-1\n{root}\n"),
        format!("a\n42 \n{root}\n"),
        format!("a\n\n{root}\n"),
        format!("a\n18446744073709551616\n{root}\n"),
        format!("a\n42\n{root} \n"),
        format!("a\n42\n{}\n", root.trim_end_matches('=')),
        format!("a\n42\n{}\n", STANDARD.encode([5; 31])),
        format!("a\n42\n{}\n", STANDARD.encode([5; 33])),
        format!("a\n42\n{}\n", root.replace("U=", "V=")),
        format!("a\r\n42\r\n{root}\r\n"),
        format!("a\tb\n42\n{root}\n"),
        format!("a\n0\n{root}\n"),
    ];
    for text in wrong {
        Checkpoint::parse(text.as_bytes()).expect_err(&text);
    }
    Checkpoint::new("a", 0, empty_root(), Vec::new()).unwrap();
    Checkpoint::new("a\nb", 1, [5; 32], Vec::new()).unwrap_err();
    Checkpoint::new("a", 1, [5; 32], vec!["b\nc".to_owned()]).unwrap_err();
    Checkpoint::new(&"a".repeat(NOTE_BYTES_MAX), 1, [5; 32], Vec::new()).unwrap_err();
}

#[test]
fn a_checkpoint_is_opened_with_the_key_of_its_log() {
    let (log, other) = (signing_key("example.com/log", 1), signing_key("example.com/other", 2));
    let text = body().to_text();
    let signed = SignedNote::new(&text, vec![other.sign(&text).unwrap(), log.sign(&text).unwrap()]).unwrap();
    assert_eq!(Checkpoint::open(&signed, log.verifier()), Ok(body()));
    let origin = Error::Origin { expected: "example.com/other".to_owned() };
    assert_eq!(Checkpoint::open(&signed, other.verifier()), Err(origin));
    assert_eq!(Checkpoint::open(&signed, signing_key("example.com/log", 3).verifier()), Err(Error::Unsigned));
    let plain = SignedNote::new("a\n", vec![log.sign("a\n").unwrap()]).unwrap();
    assert!(matches!(Checkpoint::open(&plain, log.verifier()), Err(Error::Malformed { what: "checkpoint", .. })));
}

#[test]
fn cosignatures_say_who_and_when() {
    let (log, witness) = (signing_key("example.com/log", 1), cosigning_key("witness.example/1", 2));
    let text = body().to_text();
    let mut signed = SignedNote::new(&text, vec![log.sign(&text).unwrap()]).unwrap();
    assert_eq!(cosigned_at(&signed, witness.verifier()), Ok(None));
    signed.add(witness.cosign(&body(), 1_679_315_147).unwrap()).unwrap();
    let signed = note(&signed.to_text());
    let keys = [witness.verifier().clone(), log.verifier().clone()];
    assert_eq!(signed.verify(&keys), Ok(vec![&keys[1], &keys[0]]));
    assert_eq!(signed.verify(&keys[..1]), Ok(vec![&keys[0]]));
    assert_eq!(cosigned_at(&signed, &keys[0]), Ok(Some(1_679_315_147)));
    assert_eq!(cosigned_at(&signed, &keys[1]), Err(Error::KeyType { found: 1 }));
    // The other implementation, which knows no cosignatures, signs and verifies the same message.
    let same = signing_key("witness.example/1", 2);
    let message = format!("cosignature/v1\ntime 1679315147\n{text}");
    let theirs = their_signer(same.verifier(), 2).sign(message.as_bytes()).unwrap();
    let ours = signed.signatures()[1].bytes();
    assert_eq!(ours, [&1_679_315_147u64.to_be_bytes()[..], &theirs].concat());
    assert_eq!(Cosignature::parse(ours).unwrap().to_bytes(), ours);
    // Every byte of it counts, the time too, and so does the text.
    for bytes in altered(ours) {
        let line = Signature::new(keys[0].name(), keys[0].id(), bytes).unwrap();
        let other = SignedNote::new(&text, vec![line]).unwrap();
        assert!(matches!(other.verify(&keys), Err(Error::Signature { .. })));
        cosigned_at(&other, &keys[0]).unwrap_err();
    }
    let larger = Checkpoint::new("example.com/log", 43, [5; 32], Vec::new()).unwrap().to_text();
    let moved = SignedNote::new(&larger, vec![signed.signatures()[1].clone()]).unwrap();
    moved.verify(&keys).unwrap_err();
    for length in [0, 8, 71, 73] {
        Cosignature::parse(&vec![0; length]).unwrap_err();
    }
    assert_eq!(TIME_SECONDS_MAX, (1 << 63) - 1);
    witness.cosign(&body(), TIME_SECONDS_MAX).unwrap();
    witness.cosign(&body(), TIME_SECONDS_MAX + 1).unwrap_err();
    // A plain signature is no cosignature, nor the other way round, even with the same bytes of the key.
    let plain = Signature::new(keys[0].name(), keys[0].id(), same.sign(&text).unwrap().bytes().to_vec()).unwrap();
    SignedNote::new(&text, vec![plain]).unwrap().verify(&keys).unwrap_err();
    // Of several, the latest counts.
    let twice = [7, 9, 8].map(|time| witness.cosign(&body(), time).unwrap());
    assert_eq!(cosigned_at(&SignedNote::new(&text, twice.to_vec()).unwrap(), &keys[0]), Ok(Some(9)));
}

fn names() -> impl Strategy<Value = String> {
    "[a-zäß日/.:_-]{1,20}"
}

fn texts() -> impl Strategy<Value = String> {
    proptest::collection::vec("[ -~äß—]{0,30}", 1..6).prop_map(|lines| lines.join("\n") + "\n")
}

/// Texts that look like notes and keys, more or less.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => Just("\n".to_owned()),
        2 => Just("— ".to_owned()),
        1 => Just(PETER_LINE.to_owned()),
        1 => Just(PETER.to_owned()),
        1 => Just("example.com/log\n42\nBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=\n".to_owned()),
        1 => names(),
        1 => "[0-9]{1,21}",
        1 => "[A-Za-z0-9+/]{0,44}={0,2}",
        1 => any::<String>(),
    ];
    prop_oneof![
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat().into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..200),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_one_signs_the_other_verifies(name in names(), text in texts(), seed in any::<u8>()) {
        let key = signing_key(&name, seed);
        let signed = SignedNote::new(&text, vec![key.sign(&text).unwrap()]).unwrap();
        let theirs = Note::from_bytes(signed.to_text().as_bytes()).unwrap();
        prop_assert_eq!(theirs.text(), text.as_bytes());
        prop_assert_eq!(theirs.verify(&their_verifiers(&[key.verifier()])).unwrap().0.len(), 1);
        let mut theirs = Note::new(text.as_bytes(), &[]).unwrap();
        theirs.add_sigs(&[&their_signer(key.verifier(), seed)]).unwrap();
        let ours = SignedNote::parse(&theirs.to_bytes()).unwrap();
        prop_assert_eq!(&ours, &signed);
        let keys = [vkey(&key.verifier().to_string())];
        prop_assert_eq!(ours.verify(&keys), Ok(vec![key.verifier()]));
    }

    #[test]
    fn names_are_those_that_the_oracle_takes(name in any::<String>()) {
        let taken = VerifierKey::new(&name, KeyKind::Ed25519, [0; 32]).is_ok();
        prop_assert_eq!(taken, is_key_name_valid(&name) && !name.contains(|c: char| c < ' '));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_texts_are_refused_or_kept(bytes in hostile()) {
        if let Ok(note) = SignedNote::parse(&bytes) {
            prop_assert_eq!(note.to_text().into_bytes(), bytes.clone());
            prop_assert!(note.verify(&[]).is_err());
        }
        prop_assert_eq!(SignedNote::parse(&bytes).is_ok(), Note::from_bytes(&bytes).is_ok());
        if let Ok(key) = VerifierKey::parse(&bytes) {
            prop_assert_eq!(key.to_string().into_bytes(), bytes.clone());
        }
        if let Ok(checkpoint) = Checkpoint::parse(&bytes) {
            prop_assert_eq!(checkpoint.to_text().into_bytes(), bytes.clone());
            prop_assert!(tlog_tiles::Checkpoint::from_bytes(&bytes).is_ok());
        }
        if let Ok(cosignature) = Cosignature::parse(&bytes) {
            prop_assert_eq!(cosignature.to_bytes(), bytes);
        }
    }
}
