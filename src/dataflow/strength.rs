//! Which of two links is the stronger, and which are strong enough to carry consents.
//!
//! INVARIANT: the order depends on what a link rests on alone, never on when it came.

use super::claims::basis;
use super::forest::Basis;
use crate::model::{Link, Schema};

/// How strong links are, and how large a profile may be.
#[derive(Clone, Debug, Default)]
pub struct Strength {
    /// By kind of identifier, higher is stronger.
    pub priorities: Vec<u8>,
    /// The most records of a profile.
    pub records_max: u32,
    /// Links of identifiers of at least this priority carry consents.
    pub strong_priority_min: u8,
}

impl Strength {
    /// The strength that a schema gives to links.
    pub fn new(schema: &Schema) -> Self {
        Self {
            priorities: schema.kinds.iter().map(|kind| kind.priority).collect(),
            records_max: schema.profile_records_max,
            strong_priority_min: schema.strong_priority_min,
        }
    }

    /// Whether a link carries consents: a steward's word, or an identifier of a strong kind that is not weak.
    pub(super) fn is_strong(&self, link: Link, weak: bool) -> bool {
        match basis(link) {
            Basis::Steward => true,
            Basis::Scored => false,
            Basis::Identifier => {
                let priority = self.priorities.get(usize::from(link.kind.0)).copied().unwrap_or(0);
                !weak && priority >= self.strong_priority_min
            }
        }
    }

    /// Class and weight of a link: a steward's word goes before identifiers by their priority, and these before scores by
    /// their weight; the stronger is the smaller.
    pub fn class(&self, link: Link) -> (u16, u32) {
        match (basis(link), link.weight()) {
            (Basis::Steward, _) => (0, 0),
            (Basis::Scored, weight) => (u16::MAX, weight.unwrap_or(i32::MIN).abs_diff(i32::MAX)),
            (Basis::Identifier, _) => {
                let priority = self.priorities.get(usize::from(link.kind.0)).copied().unwrap_or(0);
                (u16::from(u8::MAX - priority) + 1, 0)
            }
        }
    }
}
