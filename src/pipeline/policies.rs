//! Who decides what may be used: the policies of the bundle in force.

use crate::dataflow::Decisions;
use crate::model::{Category, Context, Permission, PurposeId, Schema};
use crate::policy::Bundle;
use crate::policy::decision::Decider;
use hashbrown::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What was cited, by purpose, categories and circumstances: many permissions rest on the same few.
type Cited = HashMap<(PurposeId, u32, Context), Vec<String>>;

/// Decides by the bundle in force, and says by which policies.
#[derive(Clone)]
pub(super) struct Policies {
    decider: Arc<Decider>,
    cited: Arc<Mutex<Cited>>,
}

impl Policies {
    /// Those of a bundle.
    pub fn new(bundle: &Bundle) -> Self {
        Self { decider: Arc::new(bundle.decider()), cited: Arc::default() }
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
        let key = (permission.purpose, permission.categories, permission.context);
        let lock = || self.cited.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cited) = lock().get(&key) {
            return cited.clone();
        }
        let cited = self.determine(permission);
        lock().insert(key, cited.clone());
        cited
    }

    fn determine(&self, permission: &Permission) -> Vec<String> {
        let Some(purpose) = self.decider.purposes().get(usize::from(permission.purpose.0)) else { return Vec::new() };
        let counts =
            |category: &&Category| permission.categories == 0 || permission.categories >> (**category as u32) & 1 == 1;
        let mut cited: Vec<String> = Vec::new();
        for category in purpose.categories.iter().filter(counts) {
            let verdict = self.decider.verdict(permission.purpose, *category, permission.context);
            cited.extend(verdict.policies.into_iter().map(|citation| citation.id));
        }
        cited.sort_unstable();
        cited.dedup();
        cited
    }
}
