//! Permissions (design stage 6): what may be done with each profile, and with each of its records' values.
//!
//! Rule:   prohibited(root, p) :- member(r, root), prohibits(e, i) for p, reaches(i, r); or a steward noted it of r.
//!         granted(r, p) :- grants(e, i) for p, reaches(i, r'), r' is r, or tied to r, or in its profile (as the bundle says).
//!         uses(r, c, p) :- the bundle permits p for category c under the circumstances of r: what is granted to r, what is
//!         prohibited to its profile, the youngest age, every law and signal of its members, and whether r is retained.
//! Memory: what was said (`words`), and per profile its members, what was sent out, and when that changes by itself.
//! Retraction: the profiles that it touches are decided anew; a tick touches those alone whose time has come.

use super::births::ByBirth;
use super::claims::Membership;
use super::stage::{Output, Stage, Updates};
use super::words::{Known, Said, Word, last, sooner};
use crate::model::{About, Birth, Circumstances, ConsentState, Context, Permission, PurposeId, Reach, Regime, Schema};
use hashbrown::HashMap;
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

/// By category, the purposes that values of a record may be used for.
pub type Uses = Box<[u64]>;

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
    judged: HashMap<(PurposeId, Context), u32>,
}

/// What holds for all records of a profile.
#[derive(Default)]
struct Whole {
    about: Vec<About>,
    restricted: bool,
}

/// A member under judgement.
struct Member {
    record: Birth,
    group: Birth,
    since: i64,
    said: Said,
}

impl Permissions {
    /// Nothing is known yet; `next` will say when what was decided changes by itself.
    pub fn new(decisions: Decisions, next: Rc<Cell<i64>>) -> Self {
        let known = Known::new(decisions.strong.clone());
        let (records, due, judged) = (ByBirth::default(), BTreeSet::new(), HashMap::new());
        Self { decisions, known, records, due, next, judged }
    }

    fn record(&mut self, birth: Birth) -> &mut Record {
        self.records.entry(birth, Record::default)
    }

    fn judge(&mut self, purpose: PurposeId, context: Context) -> u32 {
        let judge = &self.decisions.judge;
        *self.judged.entry((purpose, context)).or_insert_with(|| judge(purpose, context))
    }

    /// Moves a record, and says which profiles that touches.
    fn seat(&mut self, seat: Seat, came: bool, touched: &mut BTreeSet<Birth>) {
        match seat {
            Seat::Member(Membership { root, record }) => {
                self.record(record).root = came.then_some(root);
                let members = &mut self.record(root).profile.get_or_insert_default().members;
                match came {
                    true => members.push(record),
                    false => members.retain(|member| *member != record),
                }
                touched.insert(root);
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
        let mut next = None;
        let (permissions, uses) = self.decide(&profile.members, &mut next);
        if permissions != *profile.permissions {
            let (before, after) = (&profile.permissions, &permissions);
            before.iter().filter(|row| !after.contains(row)).for_each(|row| main.remove((root, *row)));
            after.iter().filter(|row| !before.contains(row)).for_each(|row| main.add((root, *row)));
            profile.permissions = permissions.into();
        }
        for (record, uses) in uses {
            self.use_record(record, uses, side);
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

    fn use_record(&mut self, record: Birth, uses: Option<Uses>, side: &mut Output<(Birth, Uses)>) {
        let known = self.record(record);
        if known.uses != uses {
            let was = std::mem::replace(&mut known.uses, uses.clone());
            was.into_iter().for_each(|was| side.remove((record, was)));
            uses.into_iter().for_each(|uses| side.add((record, uses)));
        }
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
    fn decide(&mut self, members: &[Birth], next: &mut Option<i64>) -> (Vec<Permission>, Vec<(Birth, Option<Uses>)>) {
        let categories = self.decisions.retention.first().map_or(0, Vec::len);
        let mut uses: Vec<(Birth, Uses)> = members.iter().map(|record| (*record, vec![0; categories].into())).collect();
        let whole = self.whole(members);
        let asked = members.iter().fold(0, |asked, record| asked | self.known.purposes(*record));
        let mut permissions = Vec::new();
        for purpose in (0..self.decisions.purposes).map(PurposeId) {
            if self.decisions.combining.as_ref().is_some_and(|(combining, _)| *combining == purpose) {
                continue;
            }
            let (members, person) = self.members(members, purpose);
            let person_objected = members.iter().any(|member| self.known.has_objected(member.record, purpose));
            let mut best: Option<Permission> = None;
            let mut ends = None;
            for (member, (_, uses)) in members.iter().zip(&mut uses) {
                let base = Circumstances {
                    consent: member
                        .said
                        .granted
                        .or(member.said.ended)
                        .map_or(ConsentState::Unknown, |given| given.state),
                    age: whole.about.iter().filter_map(|about| about.age()).min().unwrap_or_default(),
                    explicit: member.said.granted.is_some_and(|given| given.explicit),
                    parental: member.said.granted.is_some_and(|given| given.parental),
                    withdrawn: person.withdrawn.is_some(),
                    objected: person.objected.is_some() || person_objected,
                    restricted: whole.restricted,
                    gpc: whole.about.iter().any(|about| about.gpc()),
                    retained: true,
                    regime: Regime::Unknown,
                };
                let (allowed, context) = self.under_all_laws(purpose, base, &whole, member.since, &mut ends);
                for (category, uses) in uses.iter_mut().enumerate() {
                    *uses |= u64::from(allowed >> category & 1) << purpose.0;
                }
                ends = sooner(ends, member.said.next);
                let deciding = member.said.granted.filter(|_| allowed != 0);
                let ended = last(person.withdrawn, person.objected).or(member.said.ended);
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
            let is_told = asked >> purpose.0 & 1 == 1 || person_objected || whole.restricted;
            *next = sooner(*next, ends);
            let until = |row: &Permission| ends.filter(|_| row.is_allowed()).unwrap_or(i64::MAX);
            let row = best.map(|row| Permission { until: until(&row), ..row });
            permissions.extend(row.filter(|row| row.is_allowed() || is_told));
        }
        let some = |uses: Uses| uses.iter().any(|uses| *uses != 0).then_some(uses);
        (permissions, uses.into_iter().map(|(record, uses)| (record, some(uses))).collect())
    }

    /// What all members together say of the person.
    fn whole(&self, members: &[Birth]) -> Whole {
        let mut about: Vec<About> = members.iter().filter_map(|record| Some(self.known.person(*record)?.0)).collect();
        about.sort_unstable();
        about.dedup();
        Whole { about, restricted: members.iter().any(|record| self.known.is_restricted(*record)) }
    }

    /// The members with what is granted to each, and what is prohibited to all.
    fn members(&self, members: &[Birth], purpose: PurposeId) -> (Vec<Member>, Said) {
        let reach = self.decisions.reach;
        let mut person = Said::default();
        let mut groups: HashMap<Birth, Said> = HashMap::new();
        let mut own: Vec<Member> = Vec::with_capacity(members.len());
        for &record in members {
            let group = match reach {
                Reach::Identifier => record,
                Reach::Strong => self.records.get(record).and_then(|record| record.tied).unwrap_or(record),
                Reach::Profile => Birth(0),
            };
            let said = match self.known.has_more(record) {
                true => self.known.said(record, purpose, reach == Reach::Profile),
                false => Said::default(),
            };
            person.add(&said);
            groups.entry(group).or_default().grant(&said);
            let since = self.known.person(record).map_or(i64::MIN, |(_, since)| since);
            own.push(Member { record, group, since, said });
        }
        for member in &mut own {
            if let Some(group) = groups.get(&member.group) {
                member.said.grant(group);
            }
        }
        (own, person)
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
        let mut regimes: SmallVec<[Regime; 4]> = whole.about.iter().map(|about| about.regime()).collect();
        regimes.retain(|regime| *regime != Regime::Unknown);
        regimes.sort_unstable();
        regimes.dedup();
        if regimes.is_empty() {
            regimes.push(Regime::Unknown);
        }
        let mut strictest: Option<(u32, Context)> = None;
        let mut all = u32::MAX;
        for &regime in &regimes {
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
        let kept = self.judge(purpose, Context::new(base));
        if kept == 0 {
            return (0, true);
        }
        let tick = self.known.tick();
        let mut over = 0;
        let Some(retention) = self.decisions.retention.get(usize::from(purpose.0)) else { return (kept, true) };
        for (category, keep_us) in retention.iter().enumerate().filter(|(category, _)| kept >> category & 1 == 1) {
            let Some(keep_us) = keep_us else { continue };
            match since.saturating_add(*keep_us) {
                end if end <= tick => over |= 1 << category,
                end => *next = sooner(*next, Some(end)),
            }
        }
        if over == 0 {
            return (kept, true);
        }
        let late = self.judge(purpose, Context::new(Circumstances { retained: false, ..base }));
        let allowed = kept & !over | late & over;
        (allowed, allowed != 0)
    }
}

impl Stage for Permissions {
    type Left = Seat;
    type Right = Word;
    type Main = (Birth, Permission);
    type Side = (Birth, Uses);

    /// One worker, as the members come from one.
    fn route_left(_: &Seat) -> u64 {
        0
    }

    fn route_right(_: &Word) -> u64 {
        0
    }

    fn apply(
        &mut self,
        left: Updates<Seat>,
        right: Updates<Word>,
        main: &mut Output<(Birth, Permission)>,
        side: &mut Output<(Birth, Uses)>,
    ) {
        let (mut roots, mut records) = (BTreeSet::new(), Vec::new());
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
        for root in roots {
            self.settle(root, main, side);
        }
        for record in records.into_iter().take(moved) {
            if self.records.get(record).is_some_and(|known| known.root.is_none()) {
                self.use_record(record, None, side);
                self.drop_empty(record);
            }
        }
        self.next.set(self.due.first().map_or(i64::MAX, |(due, _)| *due));
    }
}
