//! Who decides what may be used: the policies of the bundle in force.

use crate::dataflow::Decisions;
use crate::model::{Category, Context, Permission, Purpose, PurposeId, Schema};
use crate::policy::Bundle;
use crate::policy::decision::{Citation, Decider};
use hashbrown::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What was found, by purpose, categories and circumstances: many permissions rest on the same few.
type Found<T> = Arc<Mutex<HashMap<(PurposeId, u32, Context), T>>>;

/// Decides by the bundle in force, and says by which policies.
#[derive(Clone)]
pub(super) struct Policies {
    decider: Arc<Decider>,
    cited: Found<Vec<String>>,
    grounds: Found<String>,
}

impl Policies {
    /// Those of a bundle.
    pub fn new(bundle: &Bundle) -> Self {
        Self { decider: Arc::new(bundle.decider()), cited: Arc::default(), grounds: Arc::default() }
    }

    /// How the dataflow decides.
    pub fn decisions(&self, schema: &Schema) -> Decisions {
        let (judge, combining) = (Arc::clone(&self.decider), Arc::clone(&self.decider));
        Decisions::new(
            schema,
            Arc::new(move |purpose, context| judge.categories(purpose, context)),
            Arc::new(move |context| combining.combines(context)),
        )
    }

    /// The ids of the policies that determine a permission: those that permit what may be used, or those that forbid all.
    /// Remembered.
    pub fn cite(&self, permission: &Permission) -> Vec<String> {
        remembered(&self.cited, permission, || {
            self.determine(permission).into_iter().map(|citation| citation.id).collect()
        })
    }

    /// Why a permission is what it is, in words. Remembered.
    pub fn grounds(&self, purpose: &Purpose, permission: &Permission) -> String {
        remembered(&self.grounds, permission, || self.why(purpose, permission))
    }

    /// The categories that may be used for a purpose under circumstances.
    pub fn categories(&self, purpose: PurposeId, context: Context) -> u32 {
        self.decider.categories(purpose, context)
    }

    /// Whether some category of its purpose is denied because no policy permits it.
    pub(super) fn lacks_ground(&self, permission: &Permission) -> bool {
        let Some(purpose) = self.decider.purposes().get(usize::from(permission.purpose.0)) else { return true };
        let verdict = |category: &Category| self.decider.verdict(permission.purpose, *category, permission.context);
        purpose.categories.iter().any(|category| verdict(category).is_default_deny())
    }

    /// The policies that determine a permission, by their ids.
    pub(super) fn determine(&self, permission: &Permission) -> Vec<Citation> {
        let Some(purpose) = self.decider.purposes().get(usize::from(permission.purpose.0)) else { return Vec::new() };
        let counts =
            |category: &&Category| permission.categories == 0 || permission.categories >> (**category as u32) & 1 == 1;
        let mut cited: Vec<Citation> = Vec::new();
        for category in purpose.categories.iter().filter(counts) {
            let verdict = self.decider.verdict(permission.purpose, *category, permission.context);
            cited.extend(verdict.policies);
        }
        cited.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        cited.dedup();
        cited
    }
}

/// What was found of such a permission before, or is found now.
fn remembered<T: Clone>(found: &Found<T>, permission: &Permission, find: impl FnOnce() -> T) -> T {
    let key = (permission.purpose, permission.categories, permission.context);
    let lock = || found.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = lock().get(&key) {
        return known.clone();
    }
    let new = find();
    lock().insert(key, new.clone());
    new
}
