//! Goal: shapes that are bad for such engines give right results here.
//! Method: chains, hubs and stars built by hand, compared with what is plain from their shape; that the work on them is
//! bounded is asserted beside the stages.

use super::{Op, Run, identifier, named, world};
use onefold::dataflow::Membership;
use onefold::model::{About, Birth, Facts, IdentifierHash, KindId, NameMark, SourceId};

/// A record with these identifiers and nothing else.
pub fn carrying(identifiers: &[(KindId, IdentifierHash)]) -> Facts {
    let mut identifiers = identifiers.to_vec();
    identifiers.sort_unstable();
    Facts {
        source: SourceId(0),
        at: 0,
        since: 0,
        about: About::default(),
        given: NameMark::NONE,
        identifiers,
        values: Vec::new(),
        rectified: Vec::new(),
    }
}

/// A record that shares an identifier with the one before it and one with the one after it.
fn in_chain(number: u64) -> Op {
    Op::Put(number, carrying(&[identifier(0, number), identifier(0, number + 1)]))
}

/// Asserts that the chain of these records hangs together in parts that begin at these numbers.
fn check_chain(run: &Run, numbers: impl Iterator<Item = u64>, parts: &[u64]) {
    let numbers: Vec<u64> = numbers.collect();
    let root = |number: u64| *parts.iter().rfind(|part| **part <= number).expect("parts begin at the first");
    let member = |number: &u64| Membership { root: Birth(root(*number)), record: Birth(*number) };
    assert!(run.state.members.iter().copied().eq({
        let mut members: Vec<_> = numbers.iter().map(member).collect();
        members.sort_unstable();
        members
    }));
    assert_eq!(run.state.links.len(), numbers.len() - parts.len());
}

const CHAIN: u64 = 2_000;

#[test]
fn a_chain_in_one_epoch_comes_apart_and_together() {
    let mut run = Run::new(world());
    let chain: Vec<Op> = (0..CHAIN).map(in_chain).collect();
    run.epoch(&chain);
    check_chain(&run, 0..CHAIN, &[0]);
    run.epoch(&[Op::Delete(CHAIN / 2)]);
    check_chain(&run, (0..CHAIN).filter(|n| *n != CHAIN / 2), &[0, CHAIN / 2 + 1]);
    run.epoch(&[in_chain(CHAIN / 2)]);
    check_chain(&run, 0..CHAIN, &[0]);
    let delta = run.epoch(&[Op::Delete(0)]);
    assert_eq!(delta.members.len() as u64, 2 * CHAIN - 1, "all move to the next oldest");
    check_chain(&run, 1..CHAIN, &[1]);
    run.epoch(&(1..CHAIN).filter(|n| n % 2 == 1).map(Op::Delete).collect::<Vec<_>>());
    let rest: Vec<u64> = (1..CHAIN).filter(|n| n % 2 == 0).collect();
    check_chain(&run, rest.iter().copied(), &rest);
}

#[test]
fn a_chain_that_grows_by_one_record_an_epoch() {
    let mut run = Run::new(world());
    for number in 0..CHAIN {
        let delta = run.epoch(&[in_chain(number)]);
        assert_eq!((delta.members.len(), delta.links.len()), (1, usize::from(number > 0)));
    }
    check_chain(&run, 0..CHAIN, &[0]);
    let (_, delta) = run.restart();
    assert_eq!(delta, run.state.as_delta());
}

#[test]
fn a_chain_that_grows_towards_its_oldest() {
    let mut run = Run::new(world());
    for number in (0..200).rev() {
        let delta = run.epoch(&[in_chain(number)]);
        assert_eq!(delta.members.len() as u64, 2 * (199 - number) + 1, "each moves to the new oldest");
    }
    check_chain(&run, 0..200, &[0]);
}

#[test]
fn a_great_hub_crosses_its_limit_both_ways() {
    const LIMIT: u64 = 3_000;
    let mut world = world();
    world.rules.guards[0].records_max = LIMIT as u32;
    let mut run = Run::new(world);
    let hub = |number: u64| Op::Put(number, carrying(&[identifier(0, 0)]));
    run.epoch(&(0..LIMIT).map(hub).collect::<Vec<_>>());
    assert_eq!(run.state.links.len() as u64, LIMIT - 1);
    let centre = (0..LIMIT).map(named).min().unwrap();
    assert!(run.state.links.iter().all(|link| link.a == centre.birth));
    let delta = run.epoch(&[hub(LIMIT)]);
    assert_eq!(delta.links.len() as u64, LIMIT - 1, "one too many, and nobody is tied");
    assert!(run.state.links.is_empty());
    assert_eq!(run.epoch(&[hub(LIMIT + 1), Op::Delete(5)]).links.len(), 0, "beyond the limit it does not matter who");
    run.epoch(&[Op::Delete(LIMIT)]);
    assert_eq!(run.state.links.len() as u64, LIMIT - 1);
    let delta = run.epoch(&[Op::Delete(centre.birth.0)]);
    assert_eq!(delta.links.len() as u64, 2 * LIMIT - 3, "all are tied to the next");
    let (_, delta) = run.restart();
    assert_eq!(delta, run.state.as_delta());
}

#[test]
fn what_is_said_and_taken_back_in_one_epoch_was_never_said() {
    let mut run = Run::new(world());
    run.epoch(&[Op::Put(3, carrying(&[]))]);
    let said = |came| [Op::Same(1, 3, came), Op::Different(1, 5, came), Op::Allow(identifier(0, 1), came)];
    run.epoch(&[said(true), said(false)].concat());
    run.epoch(&[Op::Put(1, carrying(&[])), Op::Put(5, carrying(&[]))]);
    assert_eq!(run.state, run.world.state());
    assert_eq!(run.state.members.len(), 3);
    assert!(run.state.links.is_empty() && run.state.refused.is_empty());
    run.epoch(&[said(true), said(false), said(true)].concat());
    assert_eq!(run.state.links.len(), 1, "said last");
}
