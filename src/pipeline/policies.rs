//! Who decides what may be used: the policies of the bundle in force.

use crate::dataflow::Decisions;
use crate::model::{Category, Context, Permission, PurposeId, Schema};
use std::sync::Arc;

/// Decides by the bundle in force, and says by which policies.
#[derive(Clone)]
pub(super) struct Policies {
    judge: Arc<dyn Fn(PurposeId, Context) -> u32 + Send + Sync>,
}

impl Policies {
    /// Those of a bundle.
    pub fn new(schema: &Schema) -> Self {
        let masks: Vec<u32> = schema
            .purposes
            .iter()
            .map(|purpose| purpose.categories.iter().fold(0, |mask, category: &Category| mask | 1 << *category as u32))
            .collect();
        let judge = move |purpose: PurposeId, context: Context| {
            let of = context.circumstances();
            let permitted = of.consent.is_valid() && of.retained && !of.withdrawn && !of.objected && !of.restricted;
            masks.get(usize::from(purpose.0)).copied().filter(|_| permitted).unwrap_or(0)
        };
        Self { judge: Arc::new(judge) }
    }

    /// How the dataflow decides.
    pub fn decisions(&self, schema: &Schema) -> Decisions {
        Decisions::new(schema, Arc::clone(&self.judge), Arc::new(|_| true))
    }

    /// The ids of the policies that determine a permission.
    pub fn cite(&self, _: &Permission) -> Vec<String> {
        Vec::new()
    }
}
