//! How uses, permissions, ticks and bindings are written (see `FORMAT.md`).
//!
//! INVARIANT: a use without a purpose alone is written as a values entry, so that every payload has one form.

use super::super::error::Error;
use super::super::kind::{Kind, Seal};
use super::super::payload::{Binding, Permissions, Ruled, Tick, Uses, Written};
use super::{NO_CONSENT, put};
use crate::encoding::canonical::{self, Counted, Each};
use crate::model::{
    AttributeId, Birth, Context, Epoch, IdentifierHash, NameHash, ProfileId, PurposeId, ValueHash, Winner,
};

type UsesWire = (u128, u64, u64, Counted<(u16, u64, u64)>, Counted<u16>, u64);

impl Written for Uses {
    fn kind(&self) -> Kind {
        Kind::Uses
    }

    fn seal(&self) -> Seal {
        Seal::Record(self.record)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let gained = Each(&self.gained, |&(attribute, value, uses): &(AttributeId, ValueHash, u64)| {
            (attribute.0, value.0, uses)
        });
        let lost = Each(&self.lost, |attribute: &AttributeId| attribute.0);
        put(Kind::Uses, &(self.profile.0.0, self.root.0, self.record.0, gained, lost, self.epoch.0), out)
    }
}

pub(super) fn read_uses(bytes: &[u8]) -> Option<Uses> {
    let (profile, root, record, Counted(gained), Counted(lost), epoch): UsesWire = canonical::decode(bytes).ok()?;
    let gained = gained.into_iter().map(|(attribute, value, uses)| (AttributeId(attribute), ValueHash(value), uses));
    let uses = Uses {
        profile: ProfileId(NameHash(profile)),
        root: Birth(root),
        record: Birth(record),
        gained: gained.collect(),
        lost: lost.into_iter().map(AttributeId).collect(),
        epoch: Epoch(epoch),
    };
    let plain = uses.gained.iter().all(|(_, _, uses)| *uses == Winner::PLAIN);
    (!plain && uses.gained.iter().all(|(_, _, uses)| *uses != 0)).then_some(uses)
}

/// Purpose, whether it holds, categories, context, consent, end, the policies that determined it.
type RuledWire = (u8, bool, u32, u16, u64, i64, Counted<String>);
type PermissionsWire = (u128, u64, Counted<RuledWire>, u64);

impl Written for Permissions {
    fn kind(&self) -> Kind {
        Kind::Permissions
    }

    fn seal(&self) -> Seal {
        Seal::Record(self.root)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let ruled = |ruled: &Ruled| -> RuledWire {
            let consent = ruled.consent.map_or(NO_CONSENT, |consent| consent.0);
            let context = ruled.context.number();
            (
                ruled.purpose.0,
                ruled.holds,
                ruled.categories,
                context,
                consent,
                ruled.until,
                Counted(ruled.policies.clone()),
            )
        };
        let answers = Counted(self.answers.iter().map(ruled).collect());
        let wire: PermissionsWire = (self.profile.0.0, self.root.0, answers, self.epoch.0);
        put(Kind::Permissions, &wire, out)
    }
}

pub(super) fn read_permissions(bytes: &[u8]) -> Option<Permissions> {
    let (profile, root, Counted(answers), epoch): PermissionsWire = canonical::decode(bytes).ok()?;
    let ruled = |(purpose, holds, categories, context, consent, until, Counted(policies)): RuledWire| {
        Some(Ruled {
            purpose: PurposeId(purpose),
            holds,
            categories,
            context: Context::from_number(context)?,
            consent: (consent != NO_CONSENT).then_some(Birth(consent)),
            until,
            policies,
        })
    };
    Some(Permissions {
        profile: ProfileId(NameHash(profile)),
        root: Birth(root),
        answers: answers.into_iter().map(ruled).collect::<Option<_>>()?,
        epoch: Epoch(epoch),
    })
}

impl Written for Tick {
    fn kind(&self) -> Kind {
        Kind::Tick
    }

    fn seal(&self) -> Seal {
        Seal::Clear
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        put(Kind::Tick, &(self.at, self.by_hand), out)
    }
}

pub(super) fn read_tick(bytes: &[u8]) -> Option<Tick> {
    let (at, by_hand): (i64, bool) = canonical::decode(bytes).ok()?;
    Some(Tick { at, by_hand })
}

type BindingWire = (u64, u64, u128, Counted<u64>, u64);

impl Written for Binding {
    fn kind(&self) -> Kind {
        Kind::Binding
    }

    fn seal(&self) -> Seal {
        Seal::Record(self.consent)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let records = Each(&self.records, |birth: &Birth| birth.0);
        put(Kind::Binding, &(self.consent.0, self.root.0, self.on.0, records, self.epoch.0), out)
    }
}

pub(super) fn read_binding(bytes: &[u8]) -> Option<Binding> {
    let (consent, root, on, Counted(records), epoch): BindingWire = canonical::decode(bytes).ok()?;
    let whole = !records.is_empty() && records.is_sorted_by(|a, b| a < b);
    whole.then(|| Binding {
        consent: Birth(consent),
        root: Birth(root),
        on: IdentifierHash(on),
        records: records.into_iter().map(Birth).collect(),
        epoch: Epoch(epoch),
    })
}
