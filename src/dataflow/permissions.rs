//! Permissions (design stage 6 in its first form): for each profile and purpose, the consent that decides.
//!
//! Rule:   permission(root, purpose, c) :- member(r, root), reaches(c, r), c is the latest of that purpose; of those at one
//!         instant a withdrawal, then the one that ends first, then the greater rank.
//! Memory: the consents that reach a record, by record and by profile; the members.
//! Retraction: the next latest consent decides, or none: then the purpose is denied, as it is from the start.

use super::links::Given;
use crate::model::{Birth, Permission, PurposeId};
use differential_dataflow::VecCollection;

/// Joins consents to profiles by record and keeps the deciding one of each purpose.
pub fn permissions<'scope>(
    members: VecCollection<'scope, u64, (Birth, Birth), isize>,
    reaches: VecCollection<'scope, u64, (Birth, Given), isize>,
) -> VecCollection<'scope, u64, (Birth, Permission), isize> {
    let by_profile = members.join_map(reaches, |_, root, given| ((*root, given.purpose), *given));
    by_profile.reduce_named("deciding consent", decide).map(|((root, _), permission)| (root, permission))
}

/// The greatest of the consents of one profile and purpose; they come in ascending order.
fn decide(key: &(Birth, PurposeId), input: &[(&Given, isize)], output: &mut Vec<(Permission, isize)>) {
    if let Some((given, _)) = input.last() {
        let until = given.until_reversed.0;
        output.push((Permission { purpose: key.1, given: !given.withdrawn, until, consent: given.consent.birth }, 1));
    }
}
