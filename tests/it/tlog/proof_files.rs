//! Proof files.
//!
//! Goal: a file proves what it says offline, and no altered file does. Method: files of small trees with a log and two
//! witnesses, every byte altered, a table of files that are nearly right, and random ones.

use super::{altered, cosigning_key, entry, leaf, root_at, signing_key, tree};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use onefold::tlog::note::NOTE_BYTES_MAX;
use onefold::tlog::proof_file::{EXTRA_BYTES_MAX, HASHES_MAX, PROOF_FILE_BYTES_MAX};
use onefold::tlog::{
    Checkpoint, Error, ProofError, ProofFile, SignedNote, VerifierKey, inclusion_proof, leaf_hash, node_hash,
};
use proptest::prelude::*;

const LOG: &str = "example.com/log";

/// The log's key and those of two witnesses.
fn keys() -> [VerifierKey; 3] {
    let (log, one, two) = (signing_key(LOG, 1), cosigning_key("one", 2), cosigning_key("two", 3));
    [log.verifier(), one.verifier(), two.verifier()].map(Clone::clone)
}

fn signed(size: u64) -> SignedNote {
    let checkpoint = Checkpoint::new(LOG, size, root_at(&tree(size), size), Vec::new()).unwrap();
    let log = signing_key(LOG, 1).sign(&checkpoint.to_text()).unwrap();
    let witness = cosigning_key("one", 2).cosign(&checkpoint, 1_700_000_000).unwrap();
    SignedNote::new(&checkpoint.to_text(), vec![log, witness]).unwrap()
}

fn file(extra: Option<&[u8]>, index: u64, size: u64) -> ProofFile {
    let proof = inclusion_proof(&tree(size), index, size).unwrap();
    ProofFile::new(extra.map(<[u8]>::to_vec), index, proof, signed(size)).unwrap()
}

#[test]
fn a_file_proves_its_entry() {
    let keys = keys();
    for size in 1..=9 {
        for index in 0..size {
            let text = file(None, index, size).to_text();
            let read = ProofFile::parse(text.as_bytes()).unwrap();
            assert_eq!(read, file(None, index, size));
            let verified = read.verify(&leaf_hash(&entry(index)), &keys).unwrap();
            assert_eq!(verified.checkpoint.size(), size);
            assert_eq!(verified.keys, [&keys[0], &keys[1]], "the second witness has not signed");
            let other = read.verify(&leaf(index + 1), &keys);
            assert_eq!(other, Err(Error::Proof(ProofError::Root)));
        }
    }
}

#[test]
fn the_text_is_that_of_the_specification() {
    let read = file(Some(b"extra data"), 2, 3);
    // The sibling of the third of three leaves is the node over the first two.
    let hash = STANDARD.encode(node_hash(&leaf(0), &leaf(1)));
    let note = signed(3).to_text();
    let lines: Vec<String> = read.to_text().lines().map(str::to_owned).collect();
    assert_eq!(lines[..3], ["c2sp.org/tlog-proof@v1", "extra ZXh0cmEgZGF0YQ==", "index 2"]);
    assert_eq!(lines[3], hash);
    assert_eq!((lines[4].as_str(), lines[5].as_str(), lines[6].as_str()), ("", LOG, "3"));
    assert!(read.to_text().ends_with(&format!("=\n\n{note}")));
    assert_eq!(read.extra(), Some(&b"extra data"[..]));
    // A tree of one leaf needs no hash.
    assert_eq!(file(None, 0, 1).to_text(), format!("c2sp.org/tlog-proof@v1\nindex 0\n\n{}", signed(1).to_text()));
}

#[test]
fn the_log_itself_must_have_signed() {
    let keys = keys();
    let read = file(None, 1, 5);
    let origin = Err(Error::Origin { expected: LOG.to_owned() });
    assert_eq!(read.verify(&leaf(1), &keys[1..]), origin, "a witness alone is not enough");
    assert_eq!(read.verify(&leaf(1), &keys[2..]), Err(Error::Unsigned));
    assert_eq!(read.verify(&leaf(1), &keys[..1]).unwrap().keys, [&keys[0]]);
    let other = [signing_key(LOG, 9).verifier().clone()];
    assert_eq!(read.verify(&leaf(1), &other), Err(Error::Unsigned));
}

#[test]
fn every_altered_byte_is_noticed() {
    let keys = &keys()[..2];
    let text = file(Some(b"unsigned"), 3, 5).to_text();
    let (extra_begin, extra_end) = (text.find("extra ").unwrap() + 6, text.find("\nindex").unwrap());
    let (mut refused, mut unseen) = (0, 0);
    for (at, bytes) in altered(text.as_bytes()).enumerate() {
        let at = at / 3;
        match ProofFile::parse(&bytes).and_then(|file| file.verify(&leaf(3), keys).map(|v| v.keys.len())) {
            Err(_) => refused += 1,
            // Nobody signs the extra data, and a witness that is no longer named is one fewer.
            Ok(2) => assert!((extra_begin..extra_end).contains(&at), "byte {at} does not count"),
            Ok(signers) => {
                assert_eq!(signers, 1, "byte {at}");
                unseen += 1;
            }
        }
    }
    eprintln!("proof file: {refused} alterations refused, {unseen} lost a witness");
    assert!(refused > 0 && unseen > 0);
    for end in 0..text.len() {
        let cut = ProofFile::parse(&text.as_bytes()[..end]);
        let whole_lines = cut.and_then(|file| file.verify(&leaf(3), keys).map(|v| v.keys.len()));
        assert!(whole_lines.is_err() || whole_lines == Ok(1), "cut at {end}");
    }
}

#[test]
fn index_size_and_proof_cannot_be_altered() {
    let keys = keys();
    for size in 1..=20 {
        for index in 0..size {
            let proof = inclusion_proof(&tree(size), index, size).unwrap();
            for other in (0..24).filter(|other| *other != index) {
                let file = ProofFile::new(None, other, proof.clone(), signed(size)).unwrap();
                assert!(matches!(file.verify(&leaf(index), &keys), Err(Error::Proof(_))));
            }
            for other in (1..24).filter(|other| *other != size) {
                // The size is signed with the root, so that a proof cannot be moved to another one.
                let file = ProofFile::new(None, index, proof.clone(), signed(other)).unwrap();
                assert!(matches!(file.verify(&leaf(index), &keys), Err(Error::Proof(_))));
            }
        }
    }
}

#[test]
fn files_are_read_strictly() {
    let good = file(Some(b"more"), 1, 3).to_text();
    ProofFile::parse(good.as_bytes()).unwrap();
    let hash = good.lines().nth(3).unwrap().to_owned();
    let swap = |from: &str, to: &str| {
        assert!(good.contains(from), "`{from}`");
        good.replacen(from, to, 1)
    };
    let wrong = [
        String::new(),
        "c2sp.org/tlog-proof@v1\n".to_owned(),
        swap("@v1", "@v2"),
        swap("c2sp", " c2sp"),
        swap("c2sp", "\nc2sp"),
        swap("@v1\n", "@v1 \n"),
        swap("\n", "\r\n"),
        good.replace('\n', "\r\n"),
        swap("extra bW9yZQ==\n", "extra \n"),
        swap("extra bW9yZQ==\n", "extra\n"),
        swap("extra bW9yZQ==", "extra  bW9yZQ=="),
        swap("extra bW9yZQ==", "extra bW9yZQ== "),
        swap("extra bW9yZQ==", "extra bW9yZQ"),
        swap("extra bW9yZQ==", "extra bW9yZR=="),
        swap("extra bW9yZQ==", "Extra bW9yZQ=="),
        swap("extra bW9yZQ==\n", "extra bW9yZQ==\nextra bW9yZQ==\n"),
        swap("extra bW9yZQ==\nindex 1\n", "index 1\nextra bW9yZQ==\n"),
        swap("index 1\n", ""),
        swap("index 1\n", "index 1\nindex 1\n"),
        swap("index 1\n", "index 01\n"),
        swap("index 1\n", "index +1\n"),
        swap("index 1\n", "index  1\n"),
        swap("index 1\n", "index 1 \n"),
        swap("index 1\n", "index -1\n"),
        swap("index 1\n", "index 18446744073709551616\n"),
        swap("index 1\n", "index\n"),
        swap("index 1\n", "index 1\n\n"),
        swap(&hash, hash.trim_end_matches('=')),
        swap(&hash, &format!("{hash} ")),
        swap(&hash, "AAAA"),
        swap("\n\n", "\n"),
        swap("\n\n", "\n\n\n"),
        swap("\n3\n", "\n03\n"),
        swap("\n3\n", "\n3\n\n"),
        format!("{good}\n"),
        good.trim_end().to_owned(),
    ];
    for text in wrong {
        ProofFile::parse(text.as_bytes()).expect_err(&text);
    }
    ProofFile::parse(&[good.as_bytes(), b"\xff"].concat()).unwrap_err();
}

#[test]
fn files_are_bounded() {
    let most = ProofFile::new(Some(vec![1; EXTRA_BYTES_MAX]), 0, vec![[1; 32]; HASHES_MAX], signed(1)).unwrap();
    assert_eq!(ProofFile::parse(most.to_text().as_bytes()).unwrap(), most);
    let head = most.to_text().len() - signed(1).to_text().len();
    assert!(head + NOTE_BYTES_MAX <= PROOF_FILE_BYTES_MAX, "what can be made can be read");
    ProofFile::new(Some(vec![1; EXTRA_BYTES_MAX + 1]), 0, Vec::new(), signed(1)).unwrap_err();
    ProofFile::new(Some(Vec::new()), 0, Vec::new(), signed(1)).unwrap_err();
    ProofFile::new(None, 0, vec![[1; 32]; HASHES_MAX + 1], signed(1)).unwrap_err();
    let text = most.to_text().replacen("index 0\n", &format!("index 0\n{}=\n", "A".repeat(43)), 1);
    let size = Error::TooLarge { what: "hashes of a proof", size: 64, size_max: 63 };
    assert_eq!(ProofFile::parse(text.as_bytes()), Err(size));
    ProofFile::parse(&vec![b'\n'; PROOF_FILE_BYTES_MAX + 1]).unwrap_err();
    let plain = SignedNote::new("a\n", vec![signing_key(LOG, 1).sign("a\n").unwrap()]).unwrap();
    assert!(matches!(ProofFile::new(None, 0, Vec::new(), plain), Err(Error::Malformed { what: "checkpoint", .. })));
}

/// Lines of a good file, some of them left out, doubled or in another order, with other lines among them.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let good = file(Some(b"more"), 1, 3).to_text();
    let lines: Vec<String> = good.lines().map(|line| format!("{line}\n")).collect();
    let start = lines.clone();
    let line = prop_oneof![
        4 => proptest::sample::select(lines),
        1 => "index [0-9]{1,21}\n",
        1 => "extra [A-Za-z0-9+/]{0,12}={0,2}\n",
        1 => "[A-Za-z0-9+/]{43}=\n",
        1 => any::<String>(),
    ];
    let changes = proptest::collection::vec((any::<proptest::sample::Index>(), proptest::option::of(line)), 0..4);
    let near = changes.prop_map(move |changes| {
        let mut lines = start.clone();
        for (at, line) in changes {
            match line {
                Some(line) => lines.insert(at.index(lines.len() + 1), line),
                None if lines.is_empty() => {}
                None => drop(lines.remove(at.index(lines.len()))),
            }
        }
        lines.concat().into_bytes()
    });
    prop_oneof![3 => near, 1 => proptest::collection::vec(any::<u8>(), 0..300)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_files_are_refused_or_kept(bytes in hostile()) {
        if let Ok(file) = ProofFile::parse(&bytes) {
            prop_assert_eq!(file.to_text().into_bytes(), bytes.clone());
            if let Ok(verified) = file.verify(&leaf(1), &keys()[..1]) {
                prop_assert_eq!((verified.checkpoint.size(), file.index()), (3, 1));
            }
        }
    }

    #[test]
    fn files_are_read_as_they_were_written(
        extra in proptest::option::of(proptest::collection::vec(any::<u8>(), 1..99)),
        index in any::<u64>(),
        proof in proptest::collection::vec(any::<[u8; 32]>(), 0..=HASHES_MAX),
    ) {
        let file = ProofFile::new(extra, index, proof, signed(2)).unwrap();
        prop_assert_eq!(ProofFile::parse(file.to_text().as_bytes()), Ok(file));
    }
}
