//! What no ledger of this kind can cost less than: to encrypt the payload, to hash what is stored, to write it.
//!
//! The parts use the libraries that the ledger uses, in their plainest form: no associated data, no derivation of keys,
//! no framing. INVARIANT: nothing of `ledger` is called here.

use crate::cli::bench::measure::cost;
use crate::encoding::sha256::digest;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use ring::rand::{SecureRandom, SystemRandom};
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// How much is written at once to see how fast the disk is.
const WRITE_BYTES: usize = 1 << 20;
/// How often in one go, when many entries are measured, and when few are.
const WRITES_MAX: u64 = 128;
const WRITES_MIN: u64 = 2;
/// Goes, of which the fastest counts: a disk that others use as well is slower than it is, never faster.
const GOES: u32 = 4;

/// Seconds that each part takes for one entry.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// AES-256-GCM of the payload, key set up; CPU.
    pub seal_s: f64,
    /// SHA-256 of what is stored; CPU.
    pub hash_s: f64,
    /// What is stored, at the speed of the disk; wall.
    pub disk_s: f64,
}

impl Parts {
    /// Measures the parts for so many entries.
    pub fn measure(payload_bytes: usize, stored_bytes: u64, entries: u64, bytes_per_s: f64) -> Self {
        let each = |spent: Duration| spent.as_secs_f64() / entries as f64;
        Self {
            seal_s: each(seal(payload_bytes, entries)),
            hash_s: each(hash(stored_bytes, entries)),
            disk_s: stored_bytes as f64 / bytes_per_s,
        }
    }

    /// Entries a second when these parts are all there is.
    pub fn per_s(&self) -> f64 {
        1.0 / (self.seal_s + self.hash_s + self.disk_s)
    }

    /// Entries a CPU second when writing costs nothing.
    pub fn per_cpu_s(&self) -> f64 {
        1.0 / (self.seal_s + self.hash_s)
    }
}

/// CPU time of encrypting so many payloads in place, each under a key of its own.
fn seal(payload_bytes: usize, entries: u64) -> Duration {
    let mut payload = vec![0x5a; payload_bytes];
    let mut key = [7u8; 32];
    let (tags, spent) = cost(|| {
        (0..entries).fold(0u8, |tags, entry| {
            key[..8].copy_from_slice(&entry.to_le_bytes());
            let cipher = Aes256Gcm::new(black_box(&key).into());
            let tag = cipher
                .encrypt_inout_detached(&[0; 12].into(), &[], payload.as_mut_slice().into())
                .expect("payloads are shorter than 64 GiB");
            tags ^ tag[0]
        })
    });
    black_box(tags);
    spent.cpu
}

/// CPU time of hashing so many messages.
pub fn hash(message_bytes: u64, entries: u64) -> Duration {
    let message = vec![7u8; usize::try_from(message_bytes).unwrap_or(usize::MAX)];
    let hashed = || (0..entries).fold(0u8, |sum, _| sum ^ digest(black_box(&message))[0]);
    let (sum, spent) = cost(hashed);
    black_box(sum);
    spent.cpu
}

/// How many bytes a second the disk under `folder` takes in a row and has durably, on the wall: four times 128 MiB, less
/// when few entries are measured.
pub fn disk(folder: &Path, entries: u64) -> anyhow::Result<f64> {
    let mut bytes = vec![0u8; WRITE_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    let writes = (entries / 2000).clamp(WRITES_MIN, WRITES_MAX);
    let path = folder.join("bandwidth");
    let mut fastest = Duration::MAX;
    for _ in 0..GOES {
        let mut file = std::fs::File::create(&path)?;
        let start = Instant::now();
        for _ in 0..writes {
            file.write_all(&bytes)?;
        }
        file.sync_data()?;
        fastest = fastest.min(start.elapsed());
        std::fs::remove_file(&path)?;
    }
    Ok(writes as f64 * WRITE_BYTES as f64 / fastest.as_secs_f64())
}
