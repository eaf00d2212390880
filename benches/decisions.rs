//! Figures of decisions: CPU of one thread.
//!
//! `cargo bench --bench decisions [-- BUNDLE]`; the shipped `retail` when no folder is named.

use onefold::model::{Category, Context, PurposeId};
use onefold::policy::Bundle;
use onefold::policy::decision::{Diff, prove};
use rustix::time::{ClockId, clock_gettime};
use std::collections::HashSet;
use std::hint::black_box;
use std::path::Path;

/// How many decisions are read from the table.
const READ: u64 = 200_000_000;

/// How many are put to Cedar at the most: a purpose that names no category is not asked about.
const ASKED: u64 = 20_000;

/// Seconds of CPU of this thread.
fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = time.tv_sec as f64;
    seconds + time.tv_nsec as f64 / 1e9
}

/// What something costs, in seconds of CPU.
fn cost<T>(of: impl FnOnce() -> T) -> (T, f64) {
    let start = cpu_s();
    let made = of();
    (made, cpu_s() - start)
}

/// A step of SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn main() {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let bundle = match &folder {
        Some(folder) => Bundle::load(Path::new(folder)),
        None => Bundle::compile(onefold::policy::retail()),
    };
    let bundle = bundle.unwrap_or_else(|problems| panic!("{problems}"));
    let purposes = bundle.schema.purposes.len() as u64;
    let contexts: Vec<Context> = Context::all().collect();
    println!("bundle {} {}: {purposes} purposes, {} contexts", bundle.name, bundle.version, contexts.len());

    let decider = bundle.decider();
    let (table, seconds) = cost(|| decider.table());
    println!("table: every decision in {:.3} s", seconds);
    let rows = contexts.iter().map(|context| {
        (0..bundle.schema.purposes.len()).map(|p| table.categories(PurposeId(p as u8), *context)).collect::<Vec<_>>()
    });
    println!("table: {} different rows of decisions", rows.collect::<HashSet<_>>().len());

    // A fixed sequence of cells, long enough not to stay in the nearest cache, so that making one up isn't measured.
    let mut state = 1;
    let cells: Vec<(PurposeId, Context)> = (0..1 << 16)
        .map(|_| {
            let number = next(&mut state);
            let purpose = PurposeId((number % purposes.max(1)) as u8);
            (purpose, contexts[(number >> 32) as usize % contexts.len()])
        })
        .collect();
    let (allowed, seconds) = cost(|| {
        let mut allowed = 0_u64;
        for _ in 0..READ / (1 << 16) {
            for (purpose, context) in black_box(&cells) {
                allowed += u64::from(table.allows(*purpose, Category::Contact, *context));
            }
        }
        allowed
    });
    let read = READ / (1 << 16) * (1 << 16);
    println!("table: {:.1} M decisions/s ({allowed} of {read} allowed; target 50)", read as f64 / seconds / 1e6);

    let (asked, seconds) = cost(|| {
        let mut asked = 0_u64;
        for (purpose, context) in cells.iter().cycle().take(ASKED as usize) {
            // Of a category that the purpose names, so that Cedar is asked.
            let named = bundle.schema.purposes.get(usize::from(purpose.0));
            if let Some(category) = named.and_then(|purpose| purpose.categories.first()) {
                black_box(decider.verdict(*purpose, *category, *context));
                asked += 1;
            }
        }
        asked
    });
    if asked > 0 {
        println!("cedar: {:.1} us a decision, {asked} asked", seconds / asked as f64 * 1e6);
    }

    let (proof, seconds) = cost(|| prove(&bundle));
    println!(
        "prove: {:.3} s for {} cells by {} questions, {} (target 60 s)",
        seconds,
        proof.cells,
        proof.evaluations,
        if proof.holds() { "proved" } else { "BROKEN" }
    );
    let (diff, seconds) = cost(|| Diff::new(&bundle, &bundle));
    println!("diff: {:.3} s against itself, {} groups", seconds, diff.groups().len());
}
