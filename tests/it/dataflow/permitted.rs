//! The part of the twin about permissions: what consents say, whom they reach, and what that permits.

use super::twin::{Carried, World};
use onefold::model::{
    AgeBand, Birth, Circumstances, ConsentFacts, ConsentState, Context, IdentifierHash, KindId, Named, Permission,
    PurposeId, Reach, Regime,
};
use std::collections::{BTreeMap, BTreeSet};

/// A consent on an identifier, with the times at which it counts.
#[derive(Clone, Copy)]
struct Event<'a> {
    named: Named,
    facts: &'a ConsentFacts,
    at: i64,
    from: i64,
}

/// What consents say of a record or a person.
#[derive(Clone, Default)]
struct Said<'a> {
    granted: Vec<Event<'a>>,
    ended: Vec<(ConsentState, Event<'a>)>,
    withdrawn: Vec<Event<'a>>,
    objected: Vec<Event<'a>>,
    /// When any of it changes by itself.
    times: BTreeSet<i64>,
}

type Decided = (BTreeSet<(Birth, Permission)>, BTreeMap<Birth, Vec<u64>>);

impl World {
    fn now(&self) -> i64 {
        self.tick.unwrap_or(i64::MIN)
    }

    fn is_strong(&self, kind: KindId) -> bool {
        self.rules.decisions.as_ref().unwrap().strong[usize::from(kind.0)]
    }

    fn events(&self, on: IdentifierHash, purpose: PurposeId) -> (Option<KindId>, Vec<Event<'_>>) {
        let mut kind = None;
        let mut events = Vec::new();
        for (named, facts) in &self.consents {
            for (of, identifier) in &facts.identifiers {
                if *identifier == on {
                    kind = Some(*of);
                    let valid = facts.state.is_valid();
                    let at = if valid { facts.at } else { facts.at.min(facts.received) };
                    let from = if valid { facts.at.max(facts.received) } else { facts.received };
                    if facts.purposes.contains(&purpose) {
                        events.push(Event { named: *named, facts, at, from });
                    }
                }
            }
        }
        (kind, events)
    }

    /// What one identifier says.
    fn say(&self, on: IdentifierHash, purpose: PurposeId) -> Said<'_> {
        let (kind, events) = self.events(on, purpose);
        let now = self.now();
        let mut said = Said::default();
        let ends: Vec<Event<'_>> = events.iter().copied().filter(|event| !event.facts.state.is_valid()).collect();
        let grants: Vec<Event<'_>> = events.iter().copied().filter(|event| event.facts.state.is_valid()).collect();
        let after_all =
            |grant: &Event<'_>| ends.iter().all(|end| grant.facts.order > end.facts.order && grant.at > end.at);
        for grant in &grants {
            let mut note = |time: i64| {
                if time > now && time != i64::MAX {
                    said.times.insert(time);
                }
            };
            note(grant.from);
            let in_force = grant.from <= now && grant.facts.until > now;
            if in_force && after_all(grant) {
                note(grant.facts.until);
                said.granted.push(*grant);
            }
            if grant.from <= now && grant.facts.until <= now && after_all(grant) {
                said.ended.push((ConsentState::Expired, *grant));
            }
        }
        let lifted = kind.is_some_and(|kind| self.is_strong(kind))
            && grants.iter().any(|grant| grant.from <= now && after_all(grant));
        for end in &ends {
            said.ended.push((end.facts.state, *end));
            match end.facts.state {
                ConsentState::Withdrawn if !lifted => said.withdrawn.push(*end),
                ConsentState::Objected if !lifted => said.objected.push(*end),
                _ => {}
            }
        }
        if !said.withdrawn.is_empty() || !said.objected.is_empty() {
            said.granted.clear();
        }
        said
    }

    /// What reaches a record by its own identifiers.
    fn reach(&self, record: Birth, purpose: PurposeId, carriers: &Carried, unsure: bool) -> Said<'_> {
        let mut all = Said::default();
        let facts = self.records.iter().find(|(named, _)| named.birth == record).map(|(_, facts)| facts);
        let own: Vec<(KindId, IdentifierHash, bool)> = facts
            .into_iter()
            .flat_map(|facts| &facts.identifiers)
            .filter_map(|identifier| Some((identifier.0, identifier.1, carriers.get(identifier)?.ordinary)))
            .collect();
        for (_, on, ordinary) in &own {
            let said = self.say(*on, purpose);
            if *ordinary || unsure {
                all.granted.extend(said.granted);
            }
            all.ended.extend(said.ended);
            all.withdrawn.extend(said.withdrawn);
            all.objected.extend(said.objected);
            all.times.extend(said.times);
        }
        for (_, on, consent) in self.bound.iter().filter(|(bound, ..)| *bound == record) {
            let there = self.say(*on, purpose);
            if there.withdrawn.is_empty() && there.objected.is_empty() {
                continue;
            }
            for end in self.events(*on, purpose).1.into_iter().filter(|end| end.named.birth == *consent) {
                let lifted = own.iter().any(|(kind, on, ordinary)| {
                    let after = |grant: &Event<'_>| {
                        let later = grant.facts.order > end.facts.order && grant.at > end.at;
                        grant.facts.state.is_valid() && grant.from <= self.now() && later
                    };
                    *ordinary && self.is_strong(*kind) && self.events(*on, purpose).1.iter().any(after)
                });
                match end.facts.state {
                    ConsentState::Withdrawn if !lifted => all.withdrawn.push(end),
                    ConsentState::Objected if !lifted => all.objected.push(end),
                    _ => continue,
                }
                all.times.extend(&there.times);
            }
        }
        all
    }

    fn has_objected(&self, record: Birth, purpose: PurposeId) -> bool {
        self.objected.contains(&(record, None)) || self.objected.contains(&(record, Some(purpose)))
    }

    /// Whether a record may not be combined with others.
    pub fn is_alone(&self, record: Birth, carriers: &Carried) -> bool {
        let Some((purpose, judge)) = self.rules.decisions.as_ref().and_then(|of| of.combining.as_ref()) else {
            return false;
        };
        let about = self.records.iter().find(|(named, _)| named.birth == record).unwrap().1.about;
        let said = self.reach(record, *purpose, carriers, false);
        let granted = best(&said);
        !judge(Context::new(Circumstances {
            consent: granted.map(|grant| grant.facts.state).or(ended(&said)).unwrap_or_default(),
            age: about.age().unwrap_or(AgeBand::Under13),
            regime: about.regime(),
            explicit: granted.is_some_and(|grant| grant.facts.explicit),
            parental: granted.is_some_and(|grant| grant.facts.parental),
            withdrawn: !said.withdrawn.is_empty(),
            objected: !said.objected.is_empty() || self.objected.contains(&(record, Some(*purpose))),
            // What stewards note of all purposes is enforced at each use, and parts nobody.
            restricted: false,
            gpc: about.gpc(),
            retained: true,
        }))
    }

    /// For each record the oldest that strong links within its profile lead to.
    fn ties(&self, carriers: &Carried, roots: &BTreeMap<Birth, Birth>) -> BTreeMap<Birth, Birth> {
        let mut pairs: Vec<(Birth, Birth)> = Vec::new();
        for ((kind, _), ties) in carriers.iter().filter(|((kind, _), ties)| self.is_strong(*kind) && ties.ordinary) {
            let _ = kind;
            pairs.extend(ties.all.iter().map(|other| (ties.all[0].birth, other.birth)));
        }
        let live = |named: &Named| self.records.contains_key(named);
        let same = self.same.iter().filter(|(one, other)| live(one) && live(other));
        pairs.extend(same.map(|(one, other)| (one.birth, other.birth)));
        let mut tied: BTreeMap<Birth, Birth> = roots.keys().map(|record| (*record, *record)).collect();
        loop {
            let before = tied.clone();
            for (a, b) in pairs.iter().filter(|(a, b)| roots[a] == roots[b]) {
                let oldest = tied[a].min(tied[b]);
                tied.extend([(*a, oldest), (*b, oldest)]);
            }
            if tied == before {
                return tied;
            }
        }
    }

    /// What may be done with each profile, and with the values of each record.
    pub fn permissions(&self, carriers: &Carried, roots: &BTreeMap<Birth, Birth>) -> Decided {
        let Some(decisions) = self.rules.decisions.as_ref() else { return Decided::default() };
        let tied = self.ties(carriers, roots);
        let (mut permissions, mut uses) = (BTreeSet::new(), BTreeMap::<Birth, Vec<u64>>::new());
        for root in roots.values().collect::<BTreeSet<_>>() {
            let members: Vec<Birth> = roots.iter().filter(|(_, of)| *of == root).map(|(record, _)| *record).collect();
            for purpose in (0..decisions.purposes).map(PurposeId) {
                if decisions.combining.as_ref().is_some_and(|(combining, _)| *combining == purpose) {
                    continue;
                }
                let (rows, told) = self.rows(&members, purpose, carriers, &tied);
                for (record, row) in members.iter().zip(&rows) {
                    let uses = uses.entry(*record).or_insert_with(|| vec![0; decisions.retention[0].len()]);
                    for (category, uses) in uses.iter_mut().enumerate() {
                        *uses |= u64::from(row.0.categories >> category & 1) << purpose.0;
                    }
                }
                let best = rows.iter().map(|(row, _)| *row).max_by_key(|row| (row.categories.count_ones(), *row));
                let until = rows.iter().flat_map(|(_, times)| times).min().copied();
                let until = |row: &Permission| if row.categories == 0 { i64::MAX } else { until.unwrap_or(i64::MAX) };
                let best = best.map(|row| Permission { until: until(&row), ..row });
                permissions.extend(best.filter(|row| row.categories != 0 || told).map(|row| (*root, row)));
            }
        }
        (permissions, uses)
    }

    /// What is permitted of each member for a purpose, with the times at which that changes; and whether anything was said
    /// of the purpose.
    fn rows(
        &self,
        members: &[Birth],
        purpose: PurposeId,
        carriers: &Carried,
        tied: &BTreeMap<Birth, Birth>,
    ) -> (Vec<(Permission, BTreeSet<i64>)>, bool) {
        let reach = self.rules.decisions.as_ref().unwrap().reach;
        let facts = |record: Birth| self.records.iter().find(|(named, _)| named.birth == record).unwrap().1;
        let said: BTreeMap<Birth, Said<'_>> = members
            .iter()
            .map(|record| (*record, self.reach(*record, purpose, carriers, reach == Reach::Profile)))
            .collect();
        let withdrawn: Vec<Event<'_>> = said.values().flat_map(|said| said.withdrawn.iter().copied()).collect();
        let objected: Vec<Event<'_>> = said.values().flat_map(|said| said.objected.iter().copied()).collect();
        let noted = members.iter().any(|record| self.has_objected(*record, purpose));
        let restricted = members.iter().any(|record| self.restricted.contains(record));
        let mut regimes: BTreeSet<Regime> = members.iter().map(|record| facts(*record).about.regime()).collect();
        regimes.remove(&Regime::Unknown);
        if regimes.is_empty() {
            regimes.insert(Regime::Unknown);
        }
        let mut rows = Vec::new();
        for record in members {
            let group = members.iter().filter(|other| match reach {
                Reach::Identifier => *other == record,
                Reach::Strong => tied[other] == tied[record],
                Reach::Profile => true,
            });
            let mut granted = Said { ended: said[record].ended.clone(), ..Said::default() };
            for other in group {
                granted.granted.extend(&said[other].granted);
                granted.times.extend(&said[other].times);
            }
            let grant = best(&granted);
            let base = Circumstances {
                consent: grant.map(|grant| grant.facts.state).or(ended(&granted)).unwrap_or_default(),
                age: members.iter().filter_map(|m| facts(*m).about.age()).min().unwrap_or(AgeBand::Under13),
                regime: Regime::Unknown,
                explicit: grant.is_some_and(|grant| grant.facts.explicit),
                parental: grant.is_some_and(|grant| grant.facts.parental),
                withdrawn: !withdrawn.is_empty(),
                objected: !objected.is_empty() || noted,
                restricted,
                gpc: members.iter().any(|record| facts(*record).about.gpc()),
                retained: true,
            };
            // What it is allowed until: the end of the consent or of retention.
            let mut times: BTreeSet<i64> =
                grant.iter().map(|grant| grant.facts.until).filter(|t| *t != i64::MAX).collect();
            let under = regimes.iter().map(|regime| {
                let base = Circumstances { regime: *regime, ..base };
                let (allowed, retained) = self.kept(purpose, base, facts(*record).since, &mut times);
                (allowed, Context::new(Circumstances { retained, ..base }))
            });
            let under: Vec<(u32, Context)> = under.collect();
            let categories = under.iter().fold(u32::MAX, |all, (allowed, _)| all & allowed);
            let context = under.iter().min_by_key(|(allowed, _)| allowed.count_ones()).unwrap().1;
            let ends = withdrawn.iter().chain(&objected).max_by_key(|end| (end.facts.order, end.named));
            let own_end = granted.ended.iter().map(|(_, end)| end).max_by_key(|end| (end.facts.order, end.named));
            let deciding = grant.filter(|_| categories != 0).or(ends.copied()).or(own_end.copied());
            let consent = deciding.map(|event| event.named.birth);
            rows.push((Permission { purpose, categories, context, until: i64::MAX, consent }, times));
        }
        let reached = |record: &Birth| {
            let own = facts(*record).identifiers.iter().filter(|identifier| carriers.contains_key(identifier));
            let bound = self.bound.iter().filter(|(bound, ..)| bound == record).map(|(_, on, _)| *on);
            own.map(|(_, on)| *on).chain(bound).any(|on| !self.events(on, purpose).1.is_empty())
        };
        (rows, members.iter().any(reached) || noted || restricted)
    }

    /// The categories that are permitted while they are retained; `false` where nothing is, because none is.
    fn kept(&self, purpose: PurposeId, base: Circumstances, since: i64, times: &mut BTreeSet<i64>) -> (u32, bool) {
        let decisions = self.rules.decisions.as_ref().unwrap();
        let kept = (decisions.judge)(purpose, Context::new(base));
        let late = (decisions.judge)(purpose, Context::new(Circumstances { retained: false, ..base }));
        let mut allowed = 0;
        for (category, keep) in decisions.retention[usize::from(purpose.0)].iter().enumerate() {
            let bit = 1 << category;
            let end = keep.map(|keep| since.saturating_add(keep));
            match end {
                _ if kept & bit == 0 => {}
                Some(end) if end <= self.now() => allowed |= late & bit,
                end => {
                    allowed |= bit;
                    times.extend(end);
                }
            }
        }
        (allowed, allowed != 0 || kept == 0)
    }
}

fn best<'a>(said: &Said<'a>) -> Option<Event<'a>> {
    said.granted
        .iter()
        .max_by_key(|e| (e.facts.explicit, e.facts.parental, e.facts.until, e.facts.order, e.named))
        .copied()
}

fn ended(said: &Said<'_>) -> Option<ConsentState> {
    said.ended.iter().max_by_key(|(_, event)| (event.facts.order, event.named)).map(|(state, _)| *state)
}
