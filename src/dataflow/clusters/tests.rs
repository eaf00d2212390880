//! That the work on clusters is bounded by what changes; that they are right is tested against the twin in `tests/it`.

use super::*;
use crate::model::{IdentifierHash, KindId, Named};

fn clusters(priorities: &[u8]) -> Clusters {
    Clusters::new(Strength { priorities: priorities.to_vec(), records_max: u32::MAX, strong_priority_min: 90 })
}

fn named(n: u64) -> Named {
    Named { rank: n.wrapping_mul(0x9e37_79b9_7f4a_7c15), birth: Birth(n) }
}

fn link(a: u64, b: u64, kind: u8) -> Link {
    Link { a: Birth(a), b: Birth(b), kind: KindId(kind), identifier: IdentifierHash(u128::from(a * 1000 + b)) }
}

type Came<D> = Vec<(D, bool)>;

/// Applies one time; what comes out, and how many records were walked over.
fn apply(
    clusters: &mut Clusters,
    names: &[(u64, bool)],
    links: &[(Link, bool)],
) -> (Came<Membership>, Came<Verdict>, usize) {
    let (mut main, mut side) = (Output::default(), Output::default());
    let names = names.iter().map(|(n, came)| (Claim::Record(named(*n)), *came)).collect();
    clusters.component = Component::default();
    clusters.apply(names, links.iter().map(|(link, came)| ((*link).into(), *came)).collect(), &mut main, &mut side);
    (main.drain().collect(), side.drain().collect(), clusters.component.members.capacity())
}

#[test]
fn a_leaf_walks_over_nothing() {
    let mut clusters = clusters(&[10, 90]);
    let names: Vec<_> = (0..1000).map(|n| (n, true)).collect();
    let chain: Vec<_> = (1..1000).map(|n| (link(n - 1, n, 0), true)).collect();
    assert!(apply(&mut clusters, &names, &chain).2 >= 1000);
    let tied = [(link(500, 1000, 0), true), (link(500, 1000, 1), true)];
    let member = (Membership { root: Birth(0), record: Birth(1000) }, true);
    let tied_row = (Verdict::Tied { record: Birth(1000), to: Birth(500) }, true);
    assert_eq!(
        apply(&mut clusters, &[(1000, true)], &tied),
        (vec![member], vec![tied_row, (Verdict::Accepted(tied[1].0), true)], 0)
    );
    // The weaker link takes over when the stronger goes, as if nothing had been left out.
    let (members, links, walked) = apply(&mut clusters, &[], &[(tied[1].0, false)]);
    let verdicts = vec![(Verdict::Accepted(tied[1].0), false), (Verdict::Accepted(tied[0].0), true)];
    let untied = (Verdict::Tied { record: Birth(1000), to: Birth(500) }, false);
    assert_eq!((members, links), (vec![], [verdicts, vec![untied]].concat()));
    assert!(walked >= 1001);
}

#[test]
fn an_older_leaf_renames_the_profile() {
    let mut clusters = clusters(&[10]);
    apply(&mut clusters, &[(5, true), (6, true)], &[(link(5, 6, 0), true)]);
    let (members, links, _) = apply(&mut clusters, &[(1, true)], &[(link(5, 1, 0), true)]);
    assert_eq!((members.len(), links), (5, vec![(Verdict::Accepted(link(5, 1, 0)), true)]));
    assert!(members.iter().all(|(row, came)| (row.root == Birth(1)) == *came));
}

#[test]
fn a_chain_beyond_the_limit_grows_without_being_walked() {
    let mut clusters = Clusters::new(Strength { priorities: vec![10], records_max: 50, strong_priority_min: 90 });
    let names: Vec<_> = (0..2000).map(|n| (n, true)).collect();
    let chain: Vec<_> = (1..2000).map(|n| (link(n - 1, n, 0), true)).collect();
    apply(&mut clusters, &names, &chain);
    let walks = (2000..2200).filter(|n| apply(&mut clusters, &[(*n, true)], &[(link(n - 1, *n, 0), true)]).2 > 1);
    assert!(walks.count() < 20, "a record that finds room is added without a look at the rest");
}

#[test]
fn passes_may_wrap_around() {
    let mut clusters = clusters(&[10]);
    apply(&mut clusters, &[(1, true), (2, true)], &[(link(1, 2, 0), true)]);
    clusters.pass = u32::MAX;
    let (members, ..) = apply(&mut clusters, &[(0, true)], &[(link(1, 0, 0), true)]);
    assert_eq!(members.len(), 5);
    assert_eq!(clusters.pass, 1);
}
