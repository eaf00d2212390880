//! Ledgers that break their own rules: an operator who holds all keys and signs what it likes.

use super::files::{Files, repack};
use super::problems;
use aes_gcm::KeyInit;
use aes_gcm::aes::cipher::BlockCipherEncrypt;
use aes_gcm::aes::{Aes256, Block};
use onefold::crypto::EntryKey;
use onefold::ledger::{Content, Rejected, open_disclosed};
use onefold::model::{Birth, Sequence};
use onefold::report::disclosure::{GUIDE_TEXT, verify};
use onefold::tlog::{
    Checkpoint, LeafTree, ProofFile, SignedNote, SigningKey, VerifierKey, inclusion_proof, leaf_hash, root,
};
use ring::digest::{SHA256, digest};
use serde_json::json;

const LEDGER: &str = "01010101010101010101010101010101";
const SEQUENCE: u64 = 1;
const KIND_REJECTED: u8 = 4;

/// Multiplication in the field of GCM (NIST SP 800-38D, section 6.3).
fn multiply(x: u128, y: u128) -> u128 {
    let (mut product, mut v) = (0, y);
    for bit in (0..128).rev() {
        if x >> bit & 1 == 1 {
            product ^= v;
        }
        v = if v & 1 == 1 { v >> 1 ^ 0xe1 << 120 } else { v >> 1 };
    }
    product
}

fn power(x: u128, exponent: u128) -> u128 {
    let one = 1 << 127;
    (0..128).rev().fold(one, |product, bit| {
        let square = multiply(product, product);
        if exponent >> bit & 1 == 1 { multiply(square, x) } else { square }
    })
}

fn blocks(bytes: &[u8]) -> impl Iterator<Item = u128> {
    bytes.chunks(16).map(|chunk| {
        let mut block = [0; 16];
        block[..chunk.len()].copy_from_slice(chunk);
        u128::from_be_bytes(block)
    })
}

/// One key as GCM uses it for a nonce.
struct Gcm {
    hash_key: u128,
    mask: u128,
    cipher: Aes256,
    nonce: [u8; 12],
}

impl Gcm {
    fn new(key: &[u8; 32], nonce: [u8; 12]) -> Self {
        let mut gcm = Self { hash_key: 0, mask: 0, cipher: Aes256::new(key.into()), nonce };
        gcm.hash_key = gcm.encrypt([0; 16]);
        gcm.mask = gcm.stream(1);
        gcm
    }

    fn encrypt(&self, block: [u8; 16]) -> u128 {
        let mut block = Block::from(block);
        self.cipher.encrypt_block(&mut block);
        u128::from_be_bytes(block.into())
    }

    fn stream(&self, counter: u32) -> u128 {
        let mut block = [0; 16];
        block[..12].copy_from_slice(&self.nonce);
        block[12..].copy_from_slice(&counter.to_be_bytes());
        self.encrypt(block)
    }

    fn tag(&self, associated: &[u8], ciphertext: &[u8]) -> u128 {
        let lengths = (associated.len() as u128 * 8) << 64 | (ciphertext.len() as u128 * 8);
        let all = blocks(associated).chain(blocks(ciphertext)).chain([lengths]);
        all.fold(0, |hash, block| multiply(hash ^ block, self.hash_key)) ^ self.mask
    }
}

/// A ciphertext with tag that opens under two keys, and says under the first what is given, but for its last block.
fn for_two_keys(keys: [&[u8; 32]; 2], nonce: [u8; 12], associated: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let [one, two] = keys.map(|key| Gcm::new(key, nonce));
    let mut ciphertext = Vec::new();
    for (counter, block) in (2..).zip(blocks(plaintext)) {
        ciphertext.extend((block ^ one.stream(counter)).to_be_bytes());
    }
    // The last block x stands before the lengths, so it counts as x · h² in each tag: both tags are made equal by it.
    let last = ciphertext.len() - 16;
    ciphertext[last..].fill(0);
    let difference = one.tag(associated, &ciphertext) ^ two.tag(associated, &ciphertext);
    let factor = power(one.hash_key, 2) ^ power(two.hash_key, 2);
    let x = multiply(difference, power(factor, u128::MAX - 1));
    ciphertext[last..].copy_from_slice(&x.to_be_bytes());
    let tag = one.tag(associated, &ciphertext);
    assert_eq!(tag, two.tag(associated, &ciphertext));
    ciphertext.extend(tag.to_be_bytes());
    ciphertext
}

/// The payload of a refused message whose raw bytes end with the payload, so that any bytes may stand there.
fn payload(size: usize) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    let head = [&7u64.to_le_bytes()[..], &0xFFFFu16.to_le_bytes(), &[0], &text("why"), &text("where")].concat();
    let head = [&head[..], &1u64.to_le_bytes(), &9u64.to_le_bytes(), &[3; 32]].concat();
    let raw = size - head.len() - 8;
    [head, (raw as u64).to_le_bytes().to_vec(), vec![b'r'; raw]].concat()
}

/// A logical entry of a ledger that nobody checks.
fn logical(commitment: &[u8; 32], body: impl Fn(&[u8], &[u8; 12]) -> Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let (before, run) = ([4; 32], [5; 32]);
    let header =
        [&[1, KIND_REJECTED, 0, 0][..], &[0; 4], &[0; 4], &SEQUENCE.to_le_bytes(), &[6; 16], commitment].concat();
    let mut nonce = [0; 12];
    nonce[..8].copy_from_slice(&SEQUENCE.to_le_bytes());
    let body = body(&[&run[..], &header].concat(), &nonce);
    let logical = [&before[..], &run, &header, digest(&SHA256, &body).as_ref()].concat();
    (logical, body)
}

/// A package of one entry, signed, with this key for it.
fn package(logical: &[u8], body: &[u8], key: &[u8; 32]) -> (Vec<u8>, VerifierKey) {
    let signer = SigningKey::from_seed(&format!("onefold/{LEDGER}"), [8; 32].into()).unwrap();
    let tree: LeafTree = [leaf_hash(b"before"), leaf_hash(logical), leaf_hash(b"after")].into_iter().collect();
    let head = Checkpoint::new(&format!("onefold/{LEDGER}"), 3, root(&tree, 3).unwrap(), Vec::new()).unwrap().to_text();
    let note = SignedNote::new(&head, vec![signer.sign(&head).unwrap()]).unwrap();
    let proof = ProofFile::new(None, SEQUENCE, inclusion_proof(&tree, SEQUENCE, 3).unwrap(), note.clone()).unwrap();
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = json!({
        "format": "onefold-disclosure/v1", "kind": "disclosure", "ledger": LEDGER,
        "vkeys": [signer.verifier().to_string()],
        "entries": [{
            "sequence": SEQUENCE, "kind": "rejected", "time": "1970-01-01T00:00:00Z",
            "logical": "entries/1.logical", "proof": "entries/1.tlog-proof", "body": "entries/1.body",
            "key": hex, "redacted": false,
        }],
    });
    let mut files = Files::new();
    files.insert("VERIFY.md".into(), GUIDE_TEXT.into());
    files.insert("package.json".into(), list.to_string().into());
    files.insert("checkpoint".into(), note.to_text().into());
    files.insert("entries/1.logical".into(), logical.to_vec());
    files.insert("entries/1.tlog-proof".into(), proof.to_text().into());
    files.insert("entries/1.body".into(), body.to_vec());
    (repack(&files), signer.verifier().clone())
}

/// The raw bytes that an entry says were refused.
fn raw(content: Option<Content>) -> Vec<u8> {
    let Some(Content::Rejected(Rejected { number: Birth(7), raw, .. })) = content else { panic!("another entry") };
    raw
}

#[test]
fn a_ciphertext_for_two_keys_opens_under_one() {
    let (shown, hidden) = ([0x11; 32], [0x22; 32]);
    let plaintext = [&254u16.to_le_bytes()[..], &payload(254)].concat();
    let commitment = EntryKey::disclosed(shown).commitment();
    let (logical, body) =
        logical(&commitment, |associated, nonce| for_two_keys([&shown, &hidden], *nonce, associated, &plaintext));
    // AES-GCM takes both keys and gives two plaintexts…
    let plain = |key: [u8; 32]| {
        let (ciphertext, tag) = body.split_last_chunk().unwrap();
        let mut plain = ciphertext.to_vec();
        EntryKey::disclosed(key).open(Sequence(SEQUENCE), &logical[32..132], &mut plain, tag).unwrap();
        plain
    };
    assert_ne!(plain(shown), plain(hidden), "the attack works against AES-GCM alone");
    assert_eq!(plain(shown)[..240], plaintext[..240]);
    // …and the commitment leaves one.
    let opened = open_disclosed(&logical, Some(&body), Some(&EntryKey::disclosed(shown))).unwrap();
    assert!(raw(opened.content).starts_with(b"rrrr"));
    let error = open_disclosed(&logical, Some(&body), Some(&EntryKey::disclosed(hidden))).unwrap_err();
    assert!(error.to_string().contains("the key is not the one that the entry is committed to"), "{error}");
    let (sound, key) = package(&logical, &body, &shown);
    assert_eq!(problems(&sound, std::slice::from_ref(&key)), Vec::<String>::new());
    let (forged, _) = package(&logical, &body, &hidden);
    assert_eq!(verify(&forged, &[key]).unwrap().problems.len(), 1);
}

#[test]
fn an_entry_under_rules_that_are_not_shown_is_told_in_numbers() {
    let plaintext = [&254u16.to_le_bytes()[..], &payload(254)].concat();
    let key = [0x33; 32];
    let seal = |associated: &[u8], _: &[u8; 12]| {
        let mut body = plaintext.clone();
        let tag = EntryKey::disclosed(key).seal(Sequence(SEQUENCE), associated, &mut body);
        body.extend(tag);
        body
    };
    let (logical, body) = logical(&EntryKey::disclosed(key).commitment(), seal);
    let (bytes, vkey) = package(&logical, &body, &key);
    let verified = verify(&bytes, &[vkey]).unwrap();
    assert!(verified.is_sound());
    let entry = &verified.entries[0];
    assert_eq!((entry.bundle, verified.says(entry, str::to_owned).is_some()), (None, true));
}
