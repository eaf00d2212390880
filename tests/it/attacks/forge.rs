//! A forger of ledgers: goes on from any entry of a real one, or begins with none, with the hashes, checksums, runs and
//! commits that `FORMAT.md` asks for. He lacks the record keys, so what he seals is noise, and the ledger's signing key.

use onefold::ledger::{Content, Kind, Reader, Tree, verify};
use onefold::model::Sequence;
use onefold::tlog::{Digest, LeafTree, SigningKey, leaf_hash, root};
use ring::digest::{SHA256, digest};
use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of a segment's header.
pub const HEADER_BYTES: usize = 76;

pub fn sha256(bytes: &[u8]) -> Digest {
    digest(&SHA256, bytes).as_ref().try_into().unwrap()
}

/// The frame of a stored entry.
pub fn frame(stored: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(stored.len()).unwrap().to_le_bytes().to_vec();
    frame.extend_from_slice(stored);
    frame.extend_from_slice(&crc32c::crc32c(&frame).to_le_bytes());
    frame
}

/// The place and size of a segment's file in a ledger's folder.
pub fn segment(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:08}.seg"))
}

/// A ledger being forged.
pub struct Forger {
    dir: PathBuf,
    number: u32,
    /// The segment that is being written.
    bytes: Vec<u8>,
    pub ledger: [u8; 16],
    leaves: LeafTree,
    head: Digest,
    salt: [u8; 16],
    run: u32,
    key_epoch: u16,
    policy: Digest,
    first: u64,
    pub epoch: u64,
}

impl Forger {
    /// Begins with no entry, under the id of a ledger.
    pub fn anew(dir: &Path, ledger: [u8; 16]) -> Self {
        let mut header = b"OFLEDGER\x01\0\0\0\0\0\0\0".to_vec();
        header.extend_from_slice(&ledger);
        header.extend_from_slice(&[0; 40]);
        header.extend_from_slice(&crc32c::crc32c(&header).to_le_bytes());
        Self {
            dir: dir.to_owned(),
            number: 0,
            bytes: header,
            ledger,
            leaves: LeafTree::default(),
            head: [0; 32],
            salt: [0; 16],
            run: 0,
            key_epoch: 0,
            policy: [0; 32],
            first: 0,
            epoch: 0,
        }
    }

    /// Goes on after the first `count` entries of a sound ledger, whose later ones are gone with the first write.
    pub fn after(dir: &Path, count: u64) -> Self {
        let report = verify(dir, &[], |_| {}).unwrap();
        let tree = Tree::open(dir, report.entries, &report.root).unwrap();
        let mut forger = Self::anew(dir, report.ledger.0);
        let visit = |entry: onefold::ledger::Entry| {
            let sequence = entry.placed.sequence;
            if sequence.0 < count {
                forger.follow(&entry.content, sequence);
                forger.push(tree.leaf(sequence).unwrap().leaf);
            }
            Ok::<(), onefold::ledger::Error>(())
        };
        Reader::open(dir, None).unwrap().scan(None, visit).unwrap();
        let last = report.segments - 1;
        (forger.number, forger.bytes) = (last, fs::read(segment(dir, last)).unwrap());
        if count < report.entries {
            let end = tree.leaf(Sequence(count)).unwrap().position;
            forger.number = end.segment();
            forger.bytes = fs::read(segment(dir, end.segment())).unwrap();
            forger.bytes.truncate(end.offset() as usize);
        }
        forger
    }

    fn follow(&mut self, content: &Content, sequence: Sequence) {
        match content {
            Content::Open(open) => {
                (self.salt, self.run, self.key_epoch) = (open.salt.0, open.run, open.key_epoch.0);
            }
            Content::Policy(part) if part.part == part.parts => {
                (self.policy, self.run) = (part.digest, self.run + 1);
            }
            Content::Commit(commit) => (self.first, self.epoch) = (sequence.0 + 1, commit.epoch.0),
            _ => {}
        }
    }

    fn push(&mut self, leaf: Digest) {
        self.leaves.push(leaf);
        self.head = leaf;
    }

    pub fn size(&self) -> u64 {
        self.leaves.size()
    }

    pub fn root(&self) -> Digest {
        root(&self.leaves, self.size()).unwrap()
    }

    fn run_digest(&self) -> Digest {
        let parts: [&[u8]; 6] = [
            b"onefold/run/v1",
            &self.ledger,
            &self.salt,
            &self.run.to_le_bytes(),
            &self.key_epoch.to_le_bytes(),
            &self.policy,
        ];
        sha256(&parts.concat())
    }

    fn header(&self, kind: u8) -> Vec<u8> {
        let mut header = vec![1, kind];
        header.extend_from_slice(&self.key_epoch.to_le_bytes());
        header.extend_from_slice(&self.run.to_le_bytes());
        header.extend_from_slice(&4_000u32.to_le_bytes());
        header.extend_from_slice(&self.size().to_le_bytes());
        header
    }

    /// Appends an entry in the run in force: its header, and what follows it.
    fn put(&mut self, header: &[u8], body: &[u8]) {
        let logical = [&self.head, &self.run_digest()[..], header, &sha256(body)].concat();
        self.push(leaf_hash(&logical));
        self.bytes.extend_from_slice(&frame(&[header, body].concat()));
    }

    /// Appends a clear entry.
    pub fn clear(&mut self, kind: Kind, payload: &[u8]) {
        self.put(&self.header(kind as u8), payload);
    }

    /// Appends an entry of a sealed kind that nobody sealed.
    pub fn sealed(&mut self, kind: Kind, noise: u8) {
        let header = [self.header(kind as u8), vec![noise; 48]].concat();
        self.put(&header, &[noise; 96 + 16]);
    }

    /// Appends an entry of before once more, in the place and run of now.
    pub fn replay(&mut self, stored: &[u8]) {
        let header = [&self.header(stored[1])[..], &stored[20..68]].concat();
        self.put(&header, &stored[68..]);
    }

    /// Begins a run of another writer.
    pub fn open(&mut self, salt: u8) {
        self.run = if self.size() == 0 { 0 } else { self.run + 1 };
        self.salt = [salt; 16];
        let mut payload =
            [&self.ledger[..], &self.salt, &self.run.to_le_bytes(), &self.key_epoch.to_le_bytes()].concat();
        payload.extend_from_slice(&text("0.1.0"));
        self.clear(Kind::Open, &payload);
    }

    /// Puts a bundle without files in force.
    pub fn policy(&mut self, bundle: Digest) {
        (self.run, self.policy) = (self.run + 1, bundle);
        let payload = [text("retail"), text("1"), bundle.to_vec(), vec![1, 0, 1, 0, 0, 0]].concat();
        self.clear(Kind::Policy, &payload);
    }

    /// Introduces a signing key after another, or as the first.
    pub fn key(&mut self, new: &SigningKey, before: Option<(Digest, &SigningKey)>) {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let (public, previous) = (*new.verifier().key(), before.map(|(key, _)| key));
        let statement = format!(
            "onefold/key/v1\nledger {}\nprevious {}\npublic {}\n",
            hex(&self.ledger),
            previous.map_or_else(|| "none".to_owned(), |key| hex(&key)),
            hex(&public)
        );
        let sign = |key: &SigningKey| bytes(key.sign(&statement).unwrap().bytes());
        let old = before.map_or_else(|| bytes(&[]), |(_, key)| sign(key));
        self.clear(Kind::Key, &[public.to_vec(), previous.unwrap_or_default().to_vec(), sign(new), old].concat());
    }

    /// Appends a commit of the next epoch.
    pub fn commit(&mut self) {
        self.epoch += 1;
        let numbers = [self.epoch, self.size()].map(u64::to_le_bytes).concat();
        let payload = [&numbers, &self.root()[..], &self.head, &self.first.to_le_bytes()].concat();
        self.clear(Kind::Commit, &payload);
        self.first = self.size();
    }

    /// Lists entries as redacted, in the carrying out of these erasures.
    pub fn redaction(&mut self, erasures: &[u64], entries: &[(u64, u32)]) {
        let count = |count: usize| u16::try_from(count).unwrap().to_le_bytes().to_vec();
        let mut payload = count(erasures.len());
        erasures.iter().for_each(|erasure| payload.extend_from_slice(&erasure.to_le_bytes()));
        payload.extend(count(entries.len()));
        for (first, count) in entries {
            payload.extend_from_slice(&first.to_le_bytes());
            payload.extend_from_slice(&count.to_le_bytes());
        }
        self.clear(Kind::Redaction, &payload);
    }

    /// Puts it in the place of the ledger, whose caches and later segments are removed.
    pub fn write(&self) {
        let later = (self.number + 1..).map(|number| segment(&self.dir, number));
        let caches = ["runs", "blocks"].map(|name| self.dir.join(name));
        later.take_while(|path| path.exists()).chain(caches.into_iter().filter(|path| path.exists())).for_each(
            |path| {
                fs::remove_file(path).unwrap();
            },
        );
        fs::write(segment(&self.dir, self.number), &self.bytes).unwrap();
    }
}

/// A text as payloads have it.
pub fn text(text: &str) -> Vec<u8> {
    bytes(text.as_bytes())
}

fn bytes(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u64).to_le_bytes(), bytes].concat()
}

/// Deletes the ciphertext of a sealed entry in its segment's bytes, as a redaction does.
pub fn redact(segment: &mut [u8], start: usize, end: usize) {
    let stored = &mut segment[start + 4..end - 4];
    let body = sha256(&stored[68..]);
    stored[0] |= 0x80;
    stored[68..100].copy_from_slice(&body);
    stored[100..].fill(0);
    reseal(segment, start, end);
}

/// Makes the checksum of a frame that of its bytes.
pub fn reseal(segment: &mut [u8], start: usize, end: usize) {
    let crc = crc32c::crc32c(&segment[start..end - 4]);
    segment[end - 4..end].copy_from_slice(&crc.to_le_bytes());
}
