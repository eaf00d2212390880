//! What policies are asked about: the purposes, categories and circumstances of a bundle as Cedar's entities and requests.
//!
//! INVARIANT: entities and every request are checked against the schema, so that no policy meets what it was not checked for.

use super::SCHEMA;
use super::literals::GROUPS;
use crate::model::{Category, Context, Purpose, PurposeId};
use crate::policy::dpv;
use crate::policy::vocabulary::{AGES, CONSENTS, FLAGS, REGIMES, basis_name, category_name, name_of};
use cedar_policy::{Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression, Schema};
use std::collections::{HashMap, HashSet};
use std::str::FromStr;

/// The schema that every bundle has, read.
pub(in crate::policy) fn schema() -> Schema {
    // INVARIANT: the text is built in, and a test reads it.
    Schema::from_cedarschema_str(SCHEMA).expect("the schema that is built in can be read").0
}

/// What a decision is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::policy) enum Subject {
    /// Using a value of this category.
    Use(Category),
    /// Joining records.
    Combine,
}

/// The purposes of a bundle, and what else there is.
pub(in crate::policy) struct World {
    schema: Schema,
    /// Purposes, terms, categories and groups.
    pub entities: Entities,
    purposes: Vec<EntityUid>,
    categories: Vec<EntityUid>,
    profile: EntityUid,
    action_use: EntityUid,
    action_combine: EntityUid,
}

impl World {
    /// The world of a bundle with these purposes.
    pub fn new(purposes: &[Purpose]) -> Self {
        let schema = schema();
        let mut entities = terms();
        entities.extend(categories());
        let mut uids = Vec::new();
        for purpose in purposes {
            let term = purpose.dpv.strip_prefix("dpv:").unwrap_or(&purpose.dpv);
            let attributes = HashMap::from([
                ("basis".to_owned(), RestrictedExpression::new_string(basis_name(purpose.basis).to_owned())),
                ("dpv".to_owned(), RestrictedExpression::new_string(purpose.dpv.clone())),
            ]);
            let own = uid("Purpose", &purpose.name);
            // INVARIANT: attributes that are texts can be evaluated.
            let entity = Entity::new(own.clone(), attributes, HashSet::from([uid("DpvPurpose", term)]));
            entities.push(entity.expect("texts are values"));
            uids.push(own);
        }
        // INVARIANT: the names of purposes are unique, and entities are made here as the schema has them.
        let entities = Entities::from_entities(entities, Some(&schema)).expect("the entities are those of the schema");
        Self {
            schema,
            entities,
            purposes: uids,
            categories: Category::ALL.iter().map(|category| uid("Category", category_name(*category))).collect(),
            profile: uid("Profile", "profile"),
            action_use: uid("Action", "use"),
            action_combine: uid("Action", "combine"),
        }
    }

    /// The question whether this may be; the error says why it can't be asked.
    pub fn request(&self, purpose: PurposeId, subject: Subject, context: Context) -> Result<Request, String> {
        let principal = self.purposes.get(usize::from(purpose.0)).ok_or("there is no such purpose")?;
        let (action, resource) = match subject {
            Subject::Use(category) => {
                let resource = self.categories.get(usize::from(category as u8)).ok_or("there is no such category")?;
                (&self.action_use, resource)
            }
            Subject::Combine => (&self.action_combine, &self.profile),
        };
        let context = cedar_policy::Context::from_pairs(pairs(context)).map_err(|error| error.to_string())?;
        Request::new(principal.clone(), action.clone(), resource.clone(), context, Some(&self.schema))
            .map_err(|error| error.to_string())
    }
}

/// The circumstances as the schema names them.
fn pairs(context: Context) -> Vec<(String, RestrictedExpression)> {
    let of = context.circumstances();
    let text = |name: &str, value: &str| (name.to_owned(), RestrictedExpression::new_string(value.to_owned()));
    let term = CONSENTS.iter().find(|(_, _, state)| *state == of.consent).map_or("", |(_, term, _)| *term);
    let mut pairs = vec![
        text("consent", term),
        text("age", name_of(AGES, &of.age)),
        text("regime", name_of(REGIMES, &of.regime)),
        ("valid".to_owned(), RestrictedExpression::new_bool(of.consent.is_valid())),
    ];
    let values = [of.explicit, of.parental, of.withdrawn, of.objected, of.restricted, of.gpc, of.retained];
    let flags = FLAGS.into_iter().zip(values);
    pairs.extend(flags.map(|(name, value)| (name.to_owned(), RestrictedExpression::new_bool(value))));
    pairs
}

/// The terms of DPV, each below its broader ones.
fn terms() -> Vec<Entity> {
    let entity = |term| {
        let parents = dpv::parents(term).map(|parent| uid("DpvPurpose", parent)).collect();
        Entity::new_no_attrs(uid("DpvPurpose", term), parents)
    };
    dpv::purposes().map(entity).collect()
}

/// The categories in their groups.
fn categories() -> Vec<Entity> {
    let mut entities: Vec<Entity> =
        GROUPS.iter().map(|group| Entity::new_no_attrs(uid("CategoryGroup", group), HashSet::new())).collect();
    for category in Category::ALL {
        let groups = [("special", category.is_special()), ("sensitive", category.is_sensitive())];
        let parents = groups.into_iter().filter(|(_, is_in)| *is_in).map(|(group, _)| uid("CategoryGroup", group));
        entities.push(Entity::new_no_attrs(uid("Category", category_name(category)), parents.collect()));
    }
    entities
}

fn uid(kind: &str, name: &str) -> EntityUid {
    // INVARIANT: the types are written in this file.
    let kind = EntityTypeName::from_str(kind).expect("a plain name");
    EntityUid::from_type_name_and_id(kind, EntityId::new(name))
}
