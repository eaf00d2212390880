//! What the keys of records cost: deriving them, and what erasing many of them does to the state.
//! `cargo bench --bench keys [RECORDS [ERASURES]]`, by default 100,000,000 and 1,000,000.

use onefold::crypto::{Error, KeyEpoch, Keyring, PunctureTree};
use onefold::model::Birth;
use ring::rand::SystemRandom;
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The directory that is measured in; removed at the end.
struct Scratch(std::path::PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Says how long each of `count` things takes, in CPU time.
fn each(what: &str, count: u64, mut work: impl FnMut(u64)) {
    let start = cpu();
    (0..count).for_each(&mut work);
    println!("{what:<52}{:>10.0} ns each", (cpu() - start).as_secs_f64() * 1e9 / count as f64);
}

/// Says how long something takes, in CPU time and on the clock.
fn once<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let (start, clock) = (cpu(), Instant::now());
    let done = work();
    println!("{what:<52}{:>10.2} s CPU, {:.2} s", (cpu() - start).as_secs_f64(), clock.elapsed().as_secs_f64());
    done
}

/// Splitmix64.
fn spread(n: u64) -> u64 {
    let mut x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

fn derivations(tree: &PunctureTree, records: u64) {
    each("  key, in the order of births", 2_000_000, |birth| drop(black_box(tree.record_key(Birth(birth)))));
    each("  key, at random", 300_000, |n| drop(black_box(tree.record_key(Birth(spread(n) % records)))));
    each("  whether it is erased, at random", 1_000_000, |n| {
        black_box(tree.is_punctured(Birth(spread(n ^ 1 << 40) % records)));
    });
}

fn main() -> Result<(), Error> {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let (records, erasures) = (numbers.next().unwrap_or(100_000_000), numbers.next().unwrap_or(1_000_000));
    let tree = PunctureTree::new(&Zeroizing::new([7; 32]));
    println!("nothing erased");
    derivations(&tree, records);
    each("  key, anywhere in 2^64", 100_000, |n| drop(black_box(tree.record_key(Birth(spread(n))))));

    let births: Vec<Birth> = (0..erasures).map(|n| Birth(spread(n ^ 1 << 50) % records)).collect();
    println!("{erasures} random erasures of {records}");
    let mut tree = once("  erase all at once", || tree.without(&births));
    let erased = tree.punctured().len();
    let bytes = once("  to bytes", || tree.to_bytes());
    println!(
        "  {} seeds, {:.3} an erasure; {:.1} MB, {:.1} bytes an erasure",
        tree.seeds(),
        tree.seeds() as f64 / erased as f64,
        bytes.len() as f64 / 1e6,
        bytes.len() as f64 / erased as f64
    );
    once("  from bytes", || PunctureTree::from_bytes(&bytes).map(|tree| tree.seeds()));
    drop(bytes);
    derivations(&tree, records);
    once("  erase one more", || tree.puncture(&[Birth(records + 1)]));
    drop(tree);

    let scratch = Scratch(std::env::temp_dir().join(format!("onefold-bench-keys-{}", std::process::id())));
    let rng = SystemRandom::new();
    println!("keyring on disk, every change durable");
    let mut keys = once("  create", || Keyring::create_with_file(&scratch.0, &rng))?;
    once("  erase one", || keys.erase(&[Birth(1)], &rng))?;
    once("  erase all of the above", || keys.erase(&births, &rng))?;
    once("  erase one more", || keys.erase(&[Birth(records + 1)], &rng))?;
    println!("  state file of {:.1} MB", Keyring::status(&scratch.0)?.state_bytes as f64 / 1e6);
    let keys = once("  open", || Keyring::open_with_file(&scratch.0))?;
    let held = keys.records();
    each("  key through the shared handle, in order", 2_000_000, |n| {
        drop(black_box(held.record_key(KeyEpoch(0), Birth(n))));
    });
    Ok(())
}
