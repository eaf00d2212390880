//! Goal: whatever changes a decision is in the difference of two bundles, with an example that both verdicts explain.
//! Method: the retail bundle against one with a policy, a purpose, a category or a term of DPV changed.

use super::cedar::shop;
use super::decisions::GOOD;
use super::proofs::without;
use super::retail;
use onefold::model::{Category, Circumstances, Context};
use onefold::policy::Bundle;
use onefold::policy::decision::{Diff, Flip};

fn diff(new: Vec<(String, String)>) -> Diff {
    let compile = |files| Bundle::compile(files).unwrap_or_else(|problems| panic!("{problems}"));
    let (old, new) = (compile(retail()), compile(new));
    let diff = Diff::new(&old, &new);
    for group in diff.groups() {
        assert_eq!(diff.flips(&group.purpose, group.category, group.example), Some(group.flip));
        let allows = |side: &Option<onefold::policy::decision::Verdict>| side.as_ref().is_some_and(|v| v.allowed);
        if group.category.is_some() {
            assert_eq!(
                (allows(&group.old), allows(&group.new)),
                (group.flip == Flip::Denies, group.flip == Flip::Allows)
            );
        }
    }
    diff
}

/// The shop with a stretch of its purposes replaced.
fn purposes(from: &str, to: &str) -> Vec<(String, String)> {
    let text = retail().into_iter().find(|(name, _)| name == "purposes.toml").expect("there").1;
    assert!(text.contains(from));
    shop(&[("purposes.toml", &text.replacen(from, to, 1))])
}

#[test]
fn equal_bundles_do_not_differ() {
    let diff = diff(retail());
    assert!(diff.is_empty() && diff.terms_changed().is_empty());
}

#[test]
fn a_policy_that_is_taken_away_is_seen() {
    let diff = diff(without("gdpr-withdrawn"));
    assert_eq!(diff.policies_changed(), (vec!["gdpr-withdrawn".to_owned()], Vec::new()));
    let withdrawn = Context::new(Circumstances { withdrawn: true, ..GOOD });
    assert_eq!(diff.flips("marketing", Some(Category::Contact), withdrawn), Some(Flip::Allows));
    assert_eq!(diff.flips("marketing", Some(Category::Contact), Context::new(GOOD)), None);
    // Selling is still forbidden by the law of California.
    assert!(diff.groups().iter().all(|group| group.purpose != "sharing_with_partners" && group.flip == Flip::Allows));
    let group = diff.groups().iter().find(|group| group.purpose == "marketing").expect("it flips");
    assert_eq!(group.example, withdrawn);
    let ids = |side: &Option<onefold::policy::decision::Verdict>| {
        side.as_ref().map(|verdict| verdict.policies[0].id.clone()).unwrap_or_default()
    };
    assert_eq!((ids(&group.old).as_str(), ids(&group.new).as_str()), ("gdpr-withdrawn", "gdpr-consent"));
}

/// A purpose that moves to another term leaves the policies behind that forbid marketing to children.
#[test]
fn a_term_that_widens_a_grant_is_seen() {
    let diff = diff(purposes("dpv = \"dpv:DirectMarketing\"", "dpv = \"dpv:CustomerRelationshipManagement\""));
    let terms =
        ("marketing".to_owned(), "dpv:DirectMarketing".to_owned(), "dpv:CustomerRelationshipManagement".to_owned());
    assert_eq!(diff.terms_changed(), [terms]);
    assert!(!diff.is_empty());
    assert!(diff.groups().iter().all(|group| group.purpose == "marketing" && group.flip == Flip::Allows));
    let child = Context::new(Circumstances { age: onefold::model::AgeBand::From13To15, parental: true, ..GOOD });
    assert_eq!(diff.flips("marketing", Some(Category::Contact), child), Some(Flip::Allows));
}

#[test]
fn purposes_and_categories_that_come_and_go_are_seen() {
    let diff_of = diff(purposes("\"behaviour\", \"location\"]", "\"behaviour\", \"identity\"]"));
    let found: Vec<_> = diff_of.groups().iter().map(|group| (group.category, group.flip)).collect();
    assert_eq!(found, [(Some(Category::Identity), Flip::Allows), (Some(Category::Location), Flip::Denies)]);
    let diff_of = diff(purposes("name = \"profiling\"", "name = \"insights\""));
    let names: std::collections::BTreeSet<_> =
        diff_of.groups().iter().map(|group| (group.purpose.as_str(), group.flip)).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), [("insights", Flip::Allows), ("profiling", Flip::Denies)]);
}

#[test]
fn joining_that_is_no_longer_governed_is_seen() {
    let diff = diff(
        purposes("combining = \"unified_profile\"", "")
            .into_iter()
            .map(|(name, text)| (name, text.replace("categories = []", "categories = [\"identity\"]")))
            .collect(),
    );
    let group = diff.groups().iter().find(|group| group.category.is_none()).expect("joining flips");
    assert_eq!((group.flip, group.new.as_ref()), (Flip::Allows, None));
    let objected = Context::new(Circumstances { objected: true, ..GOOD });
    assert_eq!(diff.flips("", None, objected), Some(Flip::Allows));
}
