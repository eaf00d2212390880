//! Names that people use: a profile id, `source:key`, or `identifier:value`.

use super::Error;
use super::facts::identifier_hash;
use super::lookup::Finder;
use super::rectify::standard;
use crate::model::{Birth, IdentifierHash, KindId, ProfileId, Role, SourceId};
use crate::policy::nearest;

/// A name, read against the bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// 32 hexadecimal digits.
    Profile(ProfileId),
    /// A record.
    Record(SourceId, String),
    /// An identifier in standard form, as its keyed hash.
    Identifier(KindId, IdentifierHash),
}

impl Finder<'_> {
    /// Reads a name. A kind of identifier goes before a source of the same name.
    ///
    /// # Errors
    /// [`Error::NotAName`] when it is of no known form; [`Error::BadName`] when its value cannot be such an identifier.
    pub fn parse(&self, text: &str) -> Result<Name, Error> {
        if let Ok(id) = text.parse::<ProfileId>() {
            return Ok(Name::Profile(id));
        }
        let Some((prefix, value)) = text.split_once(':') else {
            return Err(self.not_a_name("this is neither a profile id nor SOURCE:KEY nor KIND:VALUE".to_owned(), None));
        };
        if let Some(kind) = self.schema.kind(prefix) {
            return self.identifier(kind, value);
        }
        match self.schema.source(prefix) {
            Some(source) if !value.is_empty() => Ok(Name::Record(source, value.to_owned())),
            Some(_) => Err(Error::BadName { what: format!("the key is missing: write `{prefix}:KEY`") }),
            None => Err(self.not_a_name(
                "what stands before the `:` is neither a source nor a kind of identifier of the bundle".to_owned(),
                Some(prefix),
            )),
        }
    }

    /// Says which forms a name can have under this bundle, and which known word is near to a mistyped one.
    fn not_a_name(&self, what: String, prefix: Option<&str>) -> Error {
        let kinds: Vec<&str> = self.schema.kinds.iter().map(|kind| kind.name.as_str()).collect();
        let sources: Vec<&str> = self.schema.sources.iter().map(|source| source.name.as_str()).collect();
        let known: Vec<&str> = kinds.iter().chain(&sources).copied().collect();
        let near = prefix.and_then(|prefix| nearest(prefix, &known));
        let near = near.map_or_else(String::new, |near| format!("did you mean `{near}:…`? "));
        let forms = format!(
            "{near}kinds of identifier: {}; sources: {}; a profile id is 32 hexadecimal digits",
            kinds.join(", "),
            sources.join(", ")
        );
        Error::NotAName { what, forms }
    }

    /// Standardises a value as a record of the source that trusts it most would bring it.
    fn identifier(&self, kind: KindId, value: &str) -> Result<Name, Error> {
        let made = self.schema.kinds.get(usize::from(kind.0));
        let made = made.ok_or_else(|| Error::BadName { what: "the bundle does not have this kind".to_owned() })?;
        let unusable = |why: &str| Error::BadName { what: format!("no profile can have this `{}`: {why}", made.name) };
        match standard(self.schema, made.attribute, value) {
            Ok(values) => {
                let text = values.into_iter().find(|(of, _)| *of == made.attribute).map(|(_, text)| text);
                Ok(Name::Identifier(kind, identifier_hash(self.identity, made, &text.unwrap_or_default())))
            }
            Err(refused) => Err(unusable(
                refused.map_or("no source has such a field, or the value is empty", |reason| reason.words()),
            )),
        }
    }

    /// The record of a name that must be one.
    pub fn record(&self, text: &str) -> Result<Birth, Error> {
        match self.parse(text)? {
            Name::Record(source, key) => self.birth_of(source, &key),
            _ => {
                Err(self.not_a_name("this names a person, not a record: name a record as SOURCE:KEY".to_owned(), None))
            }
        }
    }

    fn birth_of(&self, source: SourceId, key: &str) -> Result<Birth, Error> {
        let source = &self.schema.sources[usize::from(source.0)].name;
        let name = self.identity.name(source, key);
        let missing = || Error::NotFound { what: format!("source `{source}` has sent no record of this key") };
        if let Some(birth) = self.index.birth(name)? {
            return Ok(birth);
        }
        // People write `|` between the parts of a key.
        let parts = self.identity.name(source, &key.replace('|', "\u{1f}"));
        self.index.birth(parts)?.ok_or_else(missing)
    }

    /// The roots of the profiles that a name leads to, in ascending order; more than one only for an identifier that
    /// links nobody.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub fn profiles_of(&self, text: &str) -> Result<Vec<Birth>, Error> {
        let name = self.parse(text)?;
        let births = match &name {
            Name::Profile(id) => {
                let missing = || Error::NotFound { what: "no profile has or had this id".to_owned() };
                vec![self.index.birth(id.0)?.ok_or_else(missing)?]
            }
            Name::Record(source, key) => vec![self.birth_of(*source, key)?],
            Name::Identifier(_, identifier) => self.index.carriers(*identifier, CARRIERS_MAX)?,
        };
        let mut roots = Vec::new();
        for birth in births {
            // The id of a profile that ended leads to the one that goes on; the name of a record means that record.
            let gone = || Ok::<_, Error>(self.index.record(birth)?.is_none_or(|row| !row.live));
            if matches!(name, Name::Record(..)) && gone()? {
                continue;
            }
            roots.extend(self.living_root(birth)?);
        }
        roots.sort_unstable();
        roots.dedup();
        if roots.is_empty() {
            return Err(Error::NotFound { what: self.without_profile(&name) });
        }
        Ok(roots)
    }

    /// Why a name that could be read leads to no profile.
    fn without_profile(&self, name: &Name) -> String {
        match name {
            Name::Profile(_) => "this profile has ended: all of its records were deleted".to_owned(),
            Name::Record(source, _) => {
                let source = &self.schema.sources[usize::from(source.0)];
                match source.role {
                    Role::People => format!("this record of source `{}` was deleted: it is in no profile", source.name),
                    _ => format!("records of source `{}` are no persons, so they are in no profile", source.name),
                }
            }
            Name::Identifier(kind, _) => {
                let kind = self.schema.kinds.get(usize::from(kind.0)).map_or("identifier", |kind| kind.name.as_str());
                format!("no record that is live carries this `{kind}`")
            }
        }
    }

    /// The profile that a record is in, or that goes on from the one it was in; `None` when there is none any more.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn profile_at(&self, birth: Birth) -> Result<Option<ProfileId>, Error> {
        self.living_root(birth)?.map(|root| self.id(root)).transpose()
    }

    /// The root of the profile that the root of an ended one leads to.
    pub(super) fn leads_to(&self, birth: Birth) -> Result<Option<Birth>, Error> {
        self.living_root(birth)
    }

    /// The root of the profile that a record is in, or that goes on from the one it was in; where none does, that of the
    /// last one.
    pub(super) fn last_root(&self, birth: Birth) -> Result<Birth, Error> {
        let mut at = birth;
        for _ in 0..SUCCESSORS_MAX {
            match self.index.root(at)? {
                Some(root) if root != at && self.index.profile(root)?.is_none() => at = root,
                Some(root) => return Ok(root),
                None => break,
            }
        }
        Ok(at)
    }

    /// The root of the profile that a record is in, or that goes on from the one it was in.
    fn living_root(&self, birth: Birth) -> Result<Option<Birth>, Error> {
        let mut at = birth;
        // Each step leads from a profile that ended to one that went on later, so that the walk ends; the bound is
        // for an index that lies.
        for _ in 0..SUCCESSORS_MAX {
            let Some(root) = self.index.root(at)? else { return Ok(None) };
            if self.index.profile(root)?.is_some() {
                return Ok(Some(root));
            }
            if root == at {
                return Ok(None);
            }
            at = root;
        }
        Ok(None)
    }
}

/// So many carriers of an identifier are looked at.
const CARRIERS_MAX: usize = 1_000;
/// So many successions of profiles are followed.
const SUCCESSORS_MAX: usize = 10_000;
