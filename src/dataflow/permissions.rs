//! Permissions (design stage 6): what may be done with each profile, and with each of its records' values.
//!
//! Rule:   prohibited(root, p) :- member(r, root), prohibits(e, i) for p, reaches(i, r); or a steward noted it of r.
//!         granted(r, p) :- grants(e, i) for p, reaches(i, r'), r' is r, or tied to r, or in its profile (as the bundle says).
//!         uses(r, c, p) :- the bundle permits p for category c under the circumstances of r: what is granted to r, what is
//!         prohibited to its profile, the youngest age, every law and signal of its members, and whether r is retained.
//! Memory: what was said (`words`), per record a pointer to what it may be used for, of which there are few different ones,
//! and per profile its members, what was sent out, and when that changes by itself.
//! Retraction: the profiles that it touches are decided anew; a tick touches those alone whose time has come.

use super::births::ByBirth;
use super::channel::{Said, last, sooner};
use super::claims::Membership;
use super::stage::{Output, Stage, Updates};
use super::words::{Known, Word};
use crate::model::{
    About, AgeBand, Birth, Circumstances, ConsentState, Context, Permission, PurposeId, Reach, Regime, Schema,
};
use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// Decides: the categories that may be used for a purpose under circumstances.
pub type Judge = Arc<dyn Fn(PurposeId, Context) -> u32 + Send + Sync>;

/// Decides whether records may be combined under circumstances.
pub type CombiningJudge = Arc<dyn Fn(Context) -> bool + Send + Sync>;

/// How decisions are made.
#[derive(Clone)]
pub struct Decisions {
    /// How many purposes there are.
    pub purposes: u8,
    /// Decides about values.
    pub judge: Judge,
    /// Decides about combining, and the purpose whose consents and objections it asks for; that one has no values.
    pub combining: Option<(PurposeId, CombiningJudge)>,
    /// How far a consent reaches.
    pub reach: Reach,
    /// By purpose and category, how long values are kept, microseconds.
    pub retention: Vec<Vec<Option<i64>>>,
    /// By kind of identifier, whether it is strong.
    pub strong: Vec<bool>,
}

const DAY_US: i64 = 86_400_000_000;

impl Decisions {
    /// Those of a schema, decided by these.
    pub fn new(schema: &Schema, judge: Judge, combining: CombiningJudge) -> Self {
        let retention = |purpose: &crate::model::Purpose| {
            let days = crate::model::Category::ALL.iter().map(|category| purpose.retention_days_of(*category));
            days.map(|days| days.map(|days| i64::from(days) * DAY_US)).collect()
        };
        Self {
            purposes: u8::try_from(schema.purposes.len()).unwrap_or(u8::MAX),
            judge,
            combining: schema.combining.map(|purpose| (purpose, combining)),
            reach: schema.reach,
            retention: schema.purposes.iter().map(retention).collect(),
            strong: schema.kinds.iter().map(|kind| kind.priority >= schema.strong_priority_min).collect(),
        }
    }
}

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Seat {
    /// In a profile.
    Member(Membership),
    /// Tied to an older record by strong links.
    Tied {
        /// The record.
        record: Birth,
        /// The oldest.
        to: Birth,
    },
}

/// By purpose, the categories of a record's values that may be used for it; never all empty.
pub type Uses = Arc<[u32]>;

#[derive(Debug, Default)]
struct Record {
    root: Option<Birth>,
    tied: Option<Birth>,
    /// What was sent out of it.
    uses: Option<Uses>,
    /// The profile that is named by this record.
    profile: Option<Box<Profile>>,
}

#[derive(Debug, Default)]
struct Profile {
    members: SmallVec<[Birth; 4]>,
    permissions: Box<[Permission]>,
    /// When anything of it changes by itself.
    due: Option<i64>,
}

/// The state of the stage.
pub struct Permissions {
    decisions: Decisions,
    known: Known,
    records: ByBirth<Record>,
    due: BTreeSet<(i64, Birth)>,
    /// When the first of these is due, for who sends ticks.
    next: Rc<Cell<i64>>,
    judged: Judged,
    /// By purpose, for how long (microseconds) which categories are kept.
    kept: Vec<SmallVec<[(i64, u32); 2]>>,
    /// The different uses that were sent out, each once, and how many of them there may be before those that nobody has
    /// any more are dropped.
    uses: HashSet<Uses>,
    uses_max: usize,
}

/// Different uses before it is looked for any that nobody has.
const USES_MAX: usize = 4_096;

/// What was decided before, by purpose and number of the context: a place for each, of which few are ever touched.
#[derive(Default)]
struct Judged(Vec<Box<[u32]>>);

/// There are fewer categories than bits; this one says that a place is taken.
const IS_JUDGED: u32 = 1 << 31;

impl Judged {
    fn get(&mut self, judge: &Judge, purpose: PurposeId, context: Context) -> u32 {
        let number = usize::from(purpose.0);
        while self.0.len() <= number {
            self.0.push(vec![0; Context::COUNT].into());
        }
        let place = &mut self.0[number][usize::from(context.number())];
        if *place == 0 {
            *place = judge(purpose, context) | IS_JUDGED;
        }
        *place & !IS_JUDGED
    }
}

/// What holds for all records of a profile.
#[derive(Default)]
struct Whole {
    age: Option<AgeBand>,
    regimes: SmallVec<[Regime; 2]>,
    gpc: bool,
    restricted: bool,
    /// Whether anything but the records themselves bears on them.
    has_more: bool,
    /// The purposes that anything was said about.
    asked: u64,
}

impl Whole {
    /// Adds what a record says of the person.
    fn add(&mut self, about: About) {
        self.age = match (self.age, about.age()) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.gpc |= about.gpc();
        self.regimes.extend(Some(about.regime()).filter(|regime| *regime != Regime::Unknown));
    }
}

/// A member under judgement.
struct Member {
    record: Birth,
    /// Those of one group share what is granted.
    group: Birth,
    since: i64,
    said: Said,
}

/// What becomes of a profile.
struct Decided {
    permissions: Vec<Permission>,
    /// By member, then by purpose, the categories that may be used.
    uses: Vec<u32>,
    /// When it changes by itself.
    next: Option<i64>,
}

impl Permissions {
    /// Nothing is known yet; `next` will say when what was decided changes by itself.
    pub fn new(decisions: Decisions, next: Rc<Cell<i64>>) -> Self {
        let known = Known::new(decisions.strong.clone());
        let (records, due, judged, uses) = (ByBirth::default(), BTreeSet::new(), Judged::default(), HashSet::new());
        let uses_max = USES_MAX;
        let kept = decisions.retention.iter().map(|retention| by_duration(retention)).collect();
        Self { decisions, known, records, due, next, judged, kept, uses, uses_max }
    }

    fn record(&mut self, birth: Birth) -> &mut Record {
        self.records.entry(birth, Record::default)
    }

    fn judge(&mut self, purpose: PurposeId, context: Context) -> u32 {
        self.judged.get(&self.decisions.judge, purpose, context)
    }

    /// Moves a record, and says which profiles that touches.
    fn seat(&mut self, seat: Seat, came: bool, touched: &mut Vec<Birth>) {
        match seat {
            Seat::Member(Membership { root, record }) => {
                self.record(record).root = came.then_some(root);
                let members = &mut self.record(root).profile.get_or_insert_default().members;
                match came {
                    true => members.push(record),
                    false => members.retain(|member| *member != record),
                }
                touched.push(root);
            }
            Seat::Tied { record, to } => {
                self.record(record).tied = came.then_some(to);
                touched.extend(self.record(record).root);
            }
        }
    }

    /// Decides a profile anew and sends on what changed.
    fn settle(&mut self, root: Birth, main: &mut Output<(Birth, Permission)>, side: &mut Output<(Birth, Uses)>) {
        let Some(mut profile) = self.records.get_mut(root).and_then(|record| record.profile.take()) else { return };
        let Decided { permissions, uses, next } = self.decide(&profile.members);
        if permissions != *profile.permissions {
            let (before, after) = (&profile.permissions, &permissions);
            before.iter().filter(|row| !after.contains(row)).for_each(|row| main.remove((root, *row)));
            after.iter().filter(|row| !before.contains(row)).for_each(|row| main.add((root, *row)));
            profile.permissions = permissions.into();
        }
        for (record, uses) in profile.members.iter().zip(uses.chunks(usize::from(self.decisions.purposes).max(1))) {
            self.use_record(*record, uses, side);
        }
        if profile.due != next {
            if let Some(due) = profile.due {
                self.due.remove(&(due, root));
            }
            self.due.extend(next.map(|due| (due, root)));
            profile.due = next;
        }
        let empty = profile.members.is_empty();
        self.record(root).profile = (!empty).then_some(profile);
        self.drop_empty(root);
    }

    fn use_record(&mut self, record: Birth, uses: &[u32], side: &mut Output<(Birth, Uses)>) {
        let some = uses.iter().any(|uses| *uses != 0);
        let was = self.records.get(record).and_then(|record| record.uses.as_deref());
        if was.unwrap_or_default() == if some { uses } else { &[] } {
            return;
        }
        if self.uses.len() > self.uses_max {
            self.uses.retain(|uses| Arc::strong_count(uses) > 1);
            self.uses_max = USES_MAX.max(2 * self.uses.len());
        }
        let uses = some.then(|| Arc::clone(self.uses.get_or_insert_with(uses, |uses| uses.into())));
        let was = std::mem::replace(&mut self.record(record).uses, uses.clone());
        was.into_iter().for_each(|was| side.remove((record, was)));
        uses.into_iter().for_each(|uses| side.add((record, uses)));
    }

    fn drop_empty(&mut self, birth: Birth) {
        let empty = |record: &Record| {
            record.root.is_none() && record.tied.is_none() && record.uses.is_none() && record.profile.is_none()
        };
        if self.records.get(birth).is_some_and(empty) {
            self.records.remove(birth);
        }
    }

    /// What may be done with a profile of these records, and with each of them.
    fn decide(&mut self, members: &[Birth]) -> Decided {
        let purposes = usize::from(self.decisions.purposes);
        let mut decided = Decided { permissions: Vec::new(), uses: vec![0; purposes * members.len()], next: None };
        let (whole, mut all) = self.whole(members);
        for purpose in (0..self.decisions.purposes).map(PurposeId) {
            if self.decisions.combining.as_ref().is_some_and(|(combining, _)| *combining == purpose) {
                continue;
            }
            let is_asked = whole.asked >> purpose.0 & 1 == 1;
            all.iter_mut().for_each(|member| member.said = Said::default());
            let person = if is_asked { self.hear(&mut all, purpose) } else { Said::default() };
            let person_objected =
                whole.has_more && all.iter().any(|member| self.known.has_objected(member.record, purpose));
            let mut best: Option<Permission> = None;
            // When it is decided anew, and when less may be allowed than now.
            let (mut next, mut ends) = (None, None);
            // Members are mostly under the same circumstances.
            let mut last_judged = None;
            for (member, uses) in all.iter().zip(decided.uses.chunks_mut(purposes)) {
                let said = &member.said;
                let base = Circumstances {
                    consent: said.granted.or(said.ended).map_or(ConsentState::Unknown, |given| given.state),
                    age: whole.age.unwrap_or_default(),
                    explicit: said.granted.is_some_and(|given| given.explicit),
                    parental: said.granted.is_some_and(|given| given.parental),
                    withdrawn: person.withdrawn.is_some(),
                    objected: person.objected.is_some() || person_objected,
                    restricted: whole.restricted,
                    gpc: whole.gpc,
                    retained: true,
                    regime: Regime::Unknown,
                };
                let (allowed, context) = match last_judged {
                    Some((judged, since, found)) if judged == base && since == member.since => found,
                    _ => self.under_all_laws(purpose, base, &whole, member.since, &mut ends),
                };
                last_judged = Some((base, member.since, (allowed, context)));
                uses[usize::from(purpose.0)] = allowed;
                next = sooner(next, said.next);
                ends = sooner(ends, said.granted.map(|given| given.until).filter(|until| *until != i64::MAX));
                let deciding = said.granted.filter(|_| allowed != 0);
                let ended = last(person.withdrawn, person.objected).or(said.ended);
                let row = Permission {
                    purpose,
                    categories: allowed,
                    context,
                    until: i64::MAX,
                    consent: deciding.or(ended).map(|given| given.consent.birth),
                };
                let merit = |row: &Permission| (row.categories.count_ones(), *row);
                if best.is_none_or(|best| merit(&best) < merit(&row)) {
                    best = Some(row);
                }
            }
            let is_told = is_asked || person_objected || whole.restricted;
            decided.next = sooner(decided.next, sooner(next, ends));
            let until = |row: &Permission| ends.filter(|_| row.is_allowed()).unwrap_or(i64::MAX);
            let row = best.map(|row| Permission { until: until(&row), ..row });
            decided.permissions.extend(row.filter(|row| row.is_allowed() || is_told));
        }
        decided
    }

    /// What all members together say of the person, and each for itself.
    fn whole(&self, members: &[Birth]) -> (Whole, SmallVec<[Member; 4]>) {
        let mut whole = Whole::default();
        for record in members {
            if let Some((about, _)) = self.known.person(*record) {
                whole.add(about);
            }
            if self.known.has_more(*record) {
                whole.has_more = true;
                whole.restricted |= self.known.is_restricted(*record);
                whole.asked |= self.known.purposes(*record);
            }
        }
        if whole.regimes.is_empty() {
            whole.regimes.push(Regime::Unknown);
        }
        whole.regimes.sort_unstable();
        whole.regimes.dedup();
        (whole, members.iter().map(|record| self.member(*record)).collect())
    }

    /// A member of which nothing was heard yet.
    fn member(&self, record: Birth) -> Member {
        let group = match self.decisions.reach {
            Reach::Identifier => record,
            Reach::Strong => self.records.get(record).and_then(|record| record.tied).unwrap_or(record),
            Reach::Profile => Birth(0),
        };
        let since = self.known.person(record).map_or(i64::MIN, |(_, since)| since);
        Member { record, group, since, said: Said::default() }
    }

    /// What is granted to each for a purpose, and what is prohibited to all. Nothing was heard of them yet.
    fn hear(&self, members: &mut [Member], purpose: PurposeId) -> Said {
        let reach = self.decisions.reach;
        let mut person = Said::default();
        let mut groups: HashMap<Birth, Said> = HashMap::new();
        for Member { record, group, said, .. } in &mut *members {
            if !self.known.has_more(*record) {
                continue;
            }
            *said = self.known.said(*record, purpose, reach == Reach::Profile);
            person.add(said);
            if said.granted.is_some() || said.next.is_some() {
                groups.entry(*group).or_default().grant(said);
            }
        }
        if !groups.is_empty() {
            for Member { group, said, .. } in members {
                groups.get(group).into_iter().for_each(|group| said.grant(group));
            }
        }
        person
    }

    /// The categories that every law permits that governs the person, and the circumstances under the strictest of them.
    fn under_all_laws(
        &mut self,
        purpose: PurposeId,
        base: Circumstances,
        whole: &Whole,
        since: i64,
        next: &mut Option<i64>,
    ) -> (u32, Context) {
        let mut strictest: Option<(u32, Context)> = None;
        let mut all = u32::MAX;
        for &regime in &whole.regimes {
            let base = Circumstances { regime, ..base };
            let (allowed, retained) = self.retained(purpose, base, since, next);
            let context = Context::new(Circumstances { retained, ..base });
            all &= allowed;
            if strictest.is_none_or(|(other, _)| allowed.count_ones() < other.count_ones()) {
                strictest = Some((allowed, context));
            }
        }
        (all, strictest.map_or(Context::default(), |(_, context)| context))
    }

    /// The categories that are permitted, by how long values are kept; `false` where nothing is, because none is kept.
    fn retained(&mut self, purpose: PurposeId, base: Circumstances, since: i64, next: &mut Option<i64>) -> (u32, bool) {
        let permitted = self.judge(purpose, Context::new(base));
        if permitted == 0 {
            return (0, true);
        }
        let tick = self.known.tick();
        let mut over = 0;
        for (keep_us, categories) in self.kept.get(usize::from(purpose.0)).into_iter().flatten() {
            match since.saturating_add(*keep_us) {
                _ if permitted & categories == 0 => {}
                end if end <= tick => over |= permitted & categories,
                end => *next = sooner(*next, Some(end)),
            }
        }
        if over == 0 {
            return (permitted, true);
        }
        let late = self.judge(purpose, Context::new(Circumstances { retained: false, ..base }));
        let allowed = permitted & !over | late & over;
        (allowed, allowed != 0)
    }
}

/// The categories that are kept for the same time, for each time there is. `keep_us`: by category.
fn by_duration(keep_us: &[Option<i64>]) -> SmallVec<[(i64, u32); 2]> {
    let mut all: SmallVec<[(i64, u32); 2]> = SmallVec::new();
    for (category, keep_us) in keep_us.iter().enumerate() {
        let Some(keep_us) = *keep_us else { continue };
        match all.iter_mut().find(|(other, _)| *other == keep_us) {
            Some((_, categories)) => *categories |= 1 << category,
            None => all.push((keep_us, 1 << category)),
        }
    }
    all
}

impl Stage for Permissions {
    type Left = Seat;
    type Right = Word;
    type Main = (Birth, Permission);
    type Side = (Birth, Uses);

    fn apply(
        &mut self,
        left: Updates<Seat>,
        right: Updates<Word>,
        main: &mut Output<(Birth, Permission)>,
        side: &mut Output<(Birth, Uses)>,
    ) {
        let (mut roots, mut records) = (Vec::new(), Vec::new());
        for seat in left.removals() {
            self.seat(*seat, false, &mut roots);
            let (Seat::Member(Membership { record, .. }) | Seat::Tied { record, .. }) = *seat;
            records.push(record);
        }
        for seat in left.into_additions() {
            self.seat(seat, true, &mut roots);
        }
        let moved = records.len();
        if self.known.note(right, &mut records) {
            let tick = self.known.tick();
            roots.extend(self.due.iter().take_while(|(due, _)| *due <= tick).map(|(_, root)| *root));
        }
        roots.extend(records.iter().filter_map(|record| self.records.get(*record)?.root));
        roots.sort_unstable();
        roots.dedup();
        for root in roots {
            self.settle(root, main, side);
        }
        for record in records.into_iter().take(moved) {
            if self.records.get(record).is_some_and(|known| known.root.is_none()) {
                self.use_record(record, &[], side);
                self.drop_empty(record);
            }
        }
        self.next.set(self.due.first().map_or(i64::MAX, |(due, _)| *due));
    }
}
