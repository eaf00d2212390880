//! Asking Cedar: one cell, one verdict.
//!
//! It costs some tens of microseconds a cell, and is kept out of the hot path by remembering what was decided; [`Table`] has
//! every cell decided.
//!
//! INVARIANT: an error of any policy denies. Cedar would pass over a policy that fails, and a `forbid` that is passed over
//! allows.

use super::space::Space;
use super::table::Table;
use crate::model::{Category, Context, Purpose, PurposeId, Schema};
use crate::policy::cedar::{Effect, Policies, Subject, World};
use cedar_policy::{Authorizer, Decision};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

/// What decides under one bundle. It can be shared among threads.
pub struct Decider {
    world: World,
    policies: Policies,
    purposes: Vec<Purpose>,
    combining: Option<PurposeId>,
    authorizer: Authorizer,
    decided: Mutex<HashMap<(PurposeId, Context), u32>>,
    combined: Mutex<HashMap<Context, bool>>,
}

/// A policy that determined a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    /// Its `@id`.
    pub id: String,
    /// Its `@law`.
    pub law: String,
    /// Whether it permits or forbids.
    pub effect: Effect,
    /// The file of the bundle in which it stands.
    pub file: String,
}

/// Why a verdict is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Policies permit and none forbids.
    Permitted,
    /// Policies forbid.
    Forbidden,
    /// No policy permits.
    DefaultDeny,
    /// The purpose does not name the category.
    NotDeclared,
    /// A policy could not be evaluated.
    Errored,
}

impl Reason {
    /// Its name, for scripts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Permitted => "permitted",
            Self::Forbidden => "forbidden",
            Self::DefaultDeny => "default-deny",
            Self::NotDeclared => "not-declared",
            Self::Errored => "errored",
        }
    }

    /// The law behind it, where no policy cites one.
    pub fn law(self) -> Option<&'static str> {
        match self {
            Self::DefaultDeny => Some("Art. 6(1) GDPR"),
            Self::NotDeclared => Some("Art. 5(1)(b) and (c) GDPR"),
            Self::Permitted | Self::Forbidden | Self::Errored => None,
        }
    }
}

/// The answer for one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it may be.
    pub allowed: bool,
    /// Why.
    pub reason: Reason,
    /// The policies that determined it: those that permit when it is allowed, those that forbid when they did; by id.
    pub policies: Vec<Citation>,
    /// What failed, policy by policy. Not empty: raise the alarm.
    pub errors: Vec<String>,
}

impl Verdict {
    /// Whether it was denied because nothing permits.
    pub fn is_default_deny(&self) -> bool {
        self.reason == Reason::DefaultDeny
    }

    /// Whether a policy failed.
    pub fn errored(&self) -> bool {
        !self.errors.is_empty()
    }

    /// In one sentence for people, with the laws.
    pub fn sentence(&self) -> String {
        let cited = |citation: &Citation| format!("`{}` ({}; {})", citation.id, citation.law, citation.file);
        let cited = self.policies.iter().map(cited).collect::<Vec<_>>().join(" and ");
        match self.reason {
            Reason::Permitted => format!("permitted by {cited}"),
            Reason::Forbidden => format!("forbidden by {cited}"),
            Reason::DefaultDeny => "no policy permits it (default-deny, Art. 6(1) GDPR)".to_owned(),
            Reason::NotDeclared => {
                "the purpose does not name this category in `purposes.toml` (Art. 5(1)(b) and (c) GDPR)".to_owned()
            }
            Reason::Errored => format!("a policy failed, so it is denied: {}", self.errors.join("; ")),
        }
    }
}

impl std::fmt::Debug for Decider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decider").field("policies", &self.policies).finish_non_exhaustive()
    }
}

impl Decider {
    /// Under these policies.
    pub(in crate::policy) fn new(schema: &Schema, policies: &Policies) -> Self {
        Self {
            world: World::new(&schema.purposes),
            policies: policies.clone(),
            purposes: schema.purposes.clone(),
            combining: schema.combining,
            authorizer: Authorizer::new(),
            decided: Mutex::default(),
            combined: Mutex::default(),
        }
    }

    /// The categories that may be used for a purpose: the bit `category as u8` of each. Remembered.
    pub fn categories(&self, purpose: PurposeId, context: Context) -> u32 {
        let lock = || self.decided.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(categories) = lock().get(&(purpose, context)) {
            return *categories;
        }
        let allowed = |category: &Category| self.verdict(purpose, *category, context).allowed;
        let categories = Category::ALL.iter().filter(|category| allowed(category)).map(|category| category.bit()).sum();
        lock().insert((purpose, context), categories);
        categories
    }

    /// Whether the records of a person may be joined; `true` where the bundle does not govern it. Remembered.
    pub fn combines(&self, context: Context) -> bool {
        let lock = || self.combined.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(combines) = lock().get(&context) {
            return *combines;
        }
        let combines = self.combining_verdict(context).is_none_or(|verdict| verdict.allowed);
        lock().insert(context, combines);
        combines
    }

    /// The verdict on using a value of a category for a purpose.
    pub fn verdict(&self, purpose: PurposeId, category: Category, context: Context) -> Verdict {
        if !self.declares(purpose, category) {
            return Verdict { allowed: false, reason: Reason::NotDeclared, policies: Vec::new(), errors: Vec::new() };
        }
        self.ask(purpose, Subject::Use(category), context)
    }

    /// The verdict on joining the records of a person; `None` where the bundle does not govern it.
    pub fn combining_verdict(&self, context: Context) -> Option<Verdict> {
        self.combining.map(|purpose| self.ask(purpose, Subject::Combine, context))
    }

    /// How many pairs of purpose and context were decided until now.
    pub fn decided(&self) -> usize {
        self.decided.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Every cell, decided.
    pub fn table(&self) -> Table {
        Table::new(&self.space())
    }

    /// The purpose of this name.
    pub fn purpose(&self, name: &str) -> Option<PurposeId> {
        let place = self.purposes.iter().position(|purpose| purpose.name == name);
        place.and_then(|place| u8::try_from(place).ok()).map(PurposeId)
    }

    /// The purposes, by their ids.
    pub fn purposes(&self) -> &[Purpose] {
        &self.purposes
    }

    /// The policies.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// The purpose that joining records has to be permitted for.
    pub fn combining(&self) -> Option<PurposeId> {
        self.combining
    }

    /// Every cell, policy by policy.
    pub(super) fn space(&self) -> Space {
        Space::new(&self.world, &self.policies, &self.purposes, self.combining)
    }

    /// What Cedar and the errors of policies make of a question, whatever categories the purpose names.
    pub(super) fn ask(&self, purpose: PurposeId, subject: Subject, context: Context) -> Verdict {
        let request = match self.world.request(purpose, subject, context) {
            Ok(request) => request,
            Err(error) => {
                let errors = vec![error];
                return Verdict { allowed: false, reason: Reason::Errored, policies: Vec::new(), errors };
            }
        };
        let response = self.authorizer.is_authorized(&request, self.policies.set(), &self.world.entities);
        let mut errors: Vec<String> = response.diagnostics().errors().map(ToString::to_string).collect();
        errors.sort();
        if !errors.is_empty() {
            tracing::error!(purpose = purpose.0, ?errors, "a policy failed, so the use is denied");
        }
        let determining: HashSet<&str> = response.diagnostics().reason().map(|id| id.as_ref()).collect();
        let mut policies: Vec<Citation> =
            self.policies.iter().filter(|policy| determining.contains(policy.id.as_str())).map(cite).collect();
        policies.sort_by(|a, b| a.id.cmp(&b.id));
        let allowed = response.decision() == Decision::Allow && errors.is_empty();
        let reason = match (allowed, errors.is_empty(), policies.is_empty()) {
            (true, _, _) => Reason::Permitted,
            (false, false, _) => Reason::Errored,
            (false, true, false) => Reason::Forbidden,
            (false, true, true) => Reason::DefaultDeny,
        };
        Verdict { allowed, reason, policies, errors }
    }

    fn declares(&self, purpose: PurposeId, category: Category) -> bool {
        self.purposes.get(usize::from(purpose.0)).is_some_and(|purpose| purpose.categories.contains(&category))
    }
}

fn cite(policy: &crate::policy::cedar::Policy) -> Citation {
    let (id, law, file) = (policy.id.clone(), policy.law.clone(), policy.file.clone());
    Citation { id, law, effect: policy.effect, file }
}
