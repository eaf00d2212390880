//! What is fed with bytes of any origin: each function reads them and must not panic, and what it accepts must be written
//! as it was read. `fuzz_targets/` hands them to libFuzzer, `tests/it/fuzz.rs` to a mutator of its own.
//!
//! Each says whether the bytes were accepted, so that a run can show that it got past the first check.

use onefold::crypto::{EntryKey, PunctureTree, reread_key_file, reread_state};
use onefold::ledger::{Kind, State, open_disclosed, reread_frame, reread_payload};
use onefold::report::disclosure;
use onefold::tlog::{Checkpoint, Cosignature, ProofFile, SignedNote, Tile, VerifierKey, tiles};

/// A target by its name.
pub type Target = fn(&[u8]) -> bool;

/// All targets.
pub const TARGETS: [(&str, Target); 11] = [
    ("frame", frame),
    ("payload", payload),
    ("note", note),
    ("checkpoint", checkpoint),
    ("proof_file", proof_file),
    ("tile", tile),
    ("disclosed", disclosed),
    ("key_file", key_file),
    ("key_state", key_state),
    ("ledger_state", ledger_state),
    ("package", package),
];

/// A ledger's frame: length, header, payload, checksum. The checksum is made right, for else nothing gets past it.
pub fn frame(data: &[u8]) -> bool {
    let as_it_is = reread_frame(data);
    let mut sealed = data.to_vec();
    if let (Some(body), true) = (data.len().checked_sub(4), data.len() >= 8) {
        let length = u32::try_from(body - 4).unwrap_or(u32::MAX);
        sealed[..4].copy_from_slice(&length.to_le_bytes());
        let crc = crc32c::crc32c(&sealed[..body]);
        sealed[body..].copy_from_slice(&crc.to_le_bytes());
    }
    for (bytes, read) in [(data, as_it_is), (&sealed, reread_frame(&sealed))] {
        if let Ok(written) = read {
            assert!(bytes.starts_with(&written), "a frame is written as it was read");
            return true;
        }
    }
    false
}

/// The payload of an entry, of the kind that the first byte chooses.
pub fn payload(data: &[u8]) -> bool {
    let Some((kind, payload)) = data.split_first() else { return false };
    let kind = Kind::ALL[usize::from(*kind) % Kind::ALL.len()];
    let Some(written) = reread_payload(kind, payload) else { return false };
    assert_eq!(written, payload, "a {kind} payload is written as it was read");
    true
}

/// A signed note, and verifying it under a key that has not signed it.
pub fn note(data: &[u8]) -> bool {
    let key = VerifierKey::new("onefold/fuzz", onefold::tlog::KeyKind::Ed25519, [7; 32]).expect("a name of a key");
    if let Ok(key) = VerifierKey::parse(data) {
        assert_eq!(key.to_string().as_bytes(), data);
    }
    let Ok(note) = SignedNote::parse(data) else { return false };
    assert_eq!(note.to_text().as_bytes(), data, "a note is written as it was read");
    for signature in note.signatures() {
        if let Ok(cosignature) = Cosignature::parse(signature.bytes()) {
            assert_eq!(cosignature.to_bytes(), signature.bytes());
        }
    }
    let _ = note.verify(&[key]);
    true
}

/// The text of a checkpoint.
pub fn checkpoint(data: &[u8]) -> bool {
    let Ok(checkpoint) = Checkpoint::parse(data) else { return false };
    assert_eq!(checkpoint.to_text().as_bytes(), data, "a checkpoint is written as it was read");
    true
}

/// A proof file, and following its proof from some leaf.
pub fn proof_file(data: &[u8]) -> bool {
    let Ok(proof) = ProofFile::parse(data) else { return false };
    assert_eq!(proof.to_text().as_bytes(), data, "a proof file is written as it was read");
    let _ = proof.verify(&[1; 32], &[]);
    let checkpoint = proof.checkpoint();
    let _ = onefold::tlog::root_from_inclusion(&[1; 32], proof.index(), checkpoint.size(), proof.proof());
    let (root, size) = (checkpoint.root(), checkpoint.size());
    let _ = onefold::tlog::verify_consistency(proof.index(), size, proof.proof(), root, root);
    true
}

/// A tile: its path in the first line, its bytes in the rest.
pub fn tile(data: &[u8]) -> bool {
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (path, bytes) = data.split_at(at);
    let bytes = bytes.get(1..).unwrap_or_default();
    let Ok(tile) = Tile::parse(path) else { return false };
    assert_eq!(tile.to_string().as_bytes(), path, "a path is written as it was read");
    match tile.kind() {
        tiles::TileKind::Hashes { .. } => {
            let Ok(hashes) = tiles::read_hashes(bytes, tile.width()) else { return false };
            assert_eq!(hashes.concat(), bytes);
        }
        tiles::TileKind::Entries => {
            let Ok(entries) = tiles::read_entries(bytes, tile.width()) else { return false };
            assert_eq!(tiles::write_entries(&entries).expect("what was read can be written"), bytes);
        }
    }
    true
}

/// A disclosed entry: size of the logical entry, the entry, a key, and the body.
pub fn disclosed(data: &[u8]) -> bool {
    let Some((size, rest)) = data.split_first() else { return false };
    let (logical, rest) = rest.split_at(rest.len().min(usize::from(*size)));
    let (key, body) = rest.split_first_chunk::<32>().map_or(([0; 32], rest), |(key, body)| (*key, body));
    let key = EntryKey::disclosed(key);
    let _ = open_disclosed(logical, Some(body), Some(&key));
    let Ok(opened) = open_disclosed(logical, None, None) else { return false };
    assert!(opened.content.is_none(), "nothing is said without a body");
    true
}

/// A `state.key`, with its checksum made right.
pub fn key_file(data: &[u8]) -> bool {
    let mut sealed = data.to_vec();
    if let Some(body) = data.len().checked_sub(4) {
        let crc = crc32c::crc32c(&data[..body]);
        sealed[body..].copy_from_slice(&crc.to_le_bytes());
    }
    for bytes in [data, &sealed] {
        if let Some(written) = reread_key_file(bytes) {
            assert_eq!(written, bytes, "a key file is written as it was read");
            return true;
        }
    }
    false
}

/// What a state of the keys holds in clear, and one of its trees.
pub fn key_state(data: &[u8]) -> bool {
    if let Some(tree) = PunctureTree::from_bytes(data) {
        assert_eq!(*tree.to_bytes(), data, "a tree is written as it was read");
    }
    let Some(trees) = reread_state(data) else { return false };
    assert!(trees.len() <= data.len());
    true
}

/// What is remembered of a commit, with its checksum made right.
pub fn ledger_state(data: &[u8]) -> bool {
    let mut sealed = data.to_vec();
    if let Some(body) = data.len().checked_sub(4) {
        let crc = crc32c::crc32c(&data[..body]);
        sealed[body..].copy_from_slice(&crc.to_le_bytes());
    }
    for bytes in [data, &sealed] {
        if let Ok(state) = State::from_bytes(bytes) {
            assert_eq!(state.to_bytes(), bytes, "a state is written as it was read");
            let _ = (state.sequence(), state.root(), state.epoch());
            return true;
        }
    }
    false
}

/// A package of disclosed entries, against the key that it brings itself.
pub fn package(data: &[u8]) -> bool {
    let Ok(verified) = disclosure::verify(data, &[]) else { return false };
    let _ = (verified.is_sound(), verified.open());
    for entry in &verified.entries {
        let _ = (verified.says(entry, str::to_owned), verified.json(entry));
    }
    true
}
