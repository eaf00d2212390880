//! Every decision of a bundle in memory: a decision is one read.
//!
//! INVARIANT: a cell that is not in the table is denied.

use super::space::{COMBINE, Space};
use crate::model::{Category, Context, PurposeId};

/// Every decision of a bundle: 256 KiB for each purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// By purpose and number of the context.
    allowed: Vec<u32>,
    /// The bit of joining records, by number of the context.
    combines: Vec<bool>,
}

impl Table {
    pub(super) fn new(space: &Space) -> Self {
        let purposes: Vec<PurposeId> = space.purposes().collect();
        let mut allowed = vec![0; purposes.len() * Context::COUNT];
        let is_governed = purposes.iter().any(|purpose| space.declared(*purpose) & COMBINE != 0);
        let mut combines = vec![!is_governed; Context::COUNT];
        for (purpose, row) in purposes.iter().zip(allowed.chunks_exact_mut(Context::COUNT)) {
            for context in Context::all() {
                let bits = space.allowed(*purpose, context);
                let number = usize::from(context.number());
                if let Some(cell) = row.get_mut(number) {
                    *cell = bits & !COMBINE;
                }
                if let Some(cell) = combines.get_mut(number) {
                    *cell |= bits & COMBINE != 0;
                }
            }
        }
        Self { allowed, combines }
    }

    /// The categories that may be used for a purpose: the bit `category as u8` of each.
    #[inline]
    pub fn categories(&self, purpose: PurposeId, context: Context) -> u32 {
        let place = usize::from(purpose.0) << 16 | usize::from(context.number());
        self.allowed.get(place).copied().unwrap_or(0)
    }

    /// Whether a value of a category may be used for a purpose.
    #[inline]
    pub fn allows(&self, purpose: PurposeId, category: Category, context: Context) -> bool {
        self.categories(purpose, context) & category.bit() != 0
    }

    /// Whether the records of a person may be joined.
    #[inline]
    pub fn combines(&self, context: Context) -> bool {
        self.combines.get(usize::from(context.number())).copied().unwrap_or(false)
    }
}
