//! Every cell of a bundle, decided policy by policy.
//!
//! Cedar's answer for a set of policies is made of the answers of each alone: allowed where one permits, none forbids, and
//! (here) none fails. And a policy can't answer differently for circumstances that it doesn't mention. So each policy is
//! evaluated once for each combination of what it does mention, and the cells are put together from that: exact, and a
//! thousandth of the work.
//!
//! INVARIANT: for every cell this says what [`Decider`](super::Decider) says; a test and each proof compare the two.

use crate::model::{Category, Context, Purpose, PurposeId};
use crate::policy::cedar::{Effect, Mentions, Policies, Subject, World};
use cedar_policy::{Authorizer, PolicySet};

/// The bit beside those of the categories that stands for joining records.
pub(super) const COMBINE: u32 = 1 << 31;

/// The bits of all categories.
pub(super) const CATEGORIES: u32 = (1 << Category::ALL.len()) - 1;

/// Every cell of a bundle.
pub(super) struct Space {
    rules: Vec<Rule>,
    /// By purpose: the categories that it names, and joining records where it is the purpose of that.
    declared: Vec<u32>,
    /// By purpose: the categories, and joining records, that were asked about.
    asked: Vec<u32>,
    /// How many questions were put to Cedar.
    pub evaluations: u64,
}

/// One policy.
struct Rule {
    permits: bool,
    /// For each number of a context, its place among the combinations of what the policy mentions.
    place: Vec<u16>,
    /// For each purpose, for each combination.
    answers: Vec<Vec<Answer>>,
}

/// Where a policy applies, and where it fails.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Answer {
    applies: u32,
    fails: u32,
}

/// What one policy makes of a purpose in a context: bits of categories, and [`COMBINE`]. One that fails denies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Vote {
    /// It permits.
    pub permits: u32,
    /// It forbids, or fails.
    pub denies: u32,
}

/// What all policies make of a purpose in a context: bits of categories, and [`COMBINE`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Some policy permits.
    pub permitted: u32,
    /// Some policy forbids.
    pub forbidden: u32,
    /// Some policy fails.
    pub failed: u32,
}

impl Outcome {
    /// What is allowed, whatever categories the purpose names.
    pub fn allowed(self) -> u32 {
        self.permitted & !self.forbidden & !self.failed
    }
}

impl Space {
    /// Evaluates every policy.
    pub fn new(world: &World, policies: &Policies, purposes: &[Purpose], combining: Option<PurposeId>) -> Self {
        let joins = |place: usize| combining.is_some_and(|id| usize::from(id.0) == place);
        let bits = |purpose: &Purpose| purpose.categories.iter().map(|category| category.bit()).fold(0, |a, b| a | b);
        let combine = |place: usize| if joins(place) { COMBINE } else { 0 };
        let declared = purposes.iter().enumerate().map(|(place, purpose)| bits(purpose) | combine(place)).collect();
        let asked: Vec<u32> = (0..purposes.len()).map(|place| CATEGORIES | combine(place)).collect();
        let mut evaluation = Evaluation { world, authorizer: Authorizer::new(), count: 0 };
        let mut rules = Vec::new();
        for policy in policies {
            let mut alone = PolicySet::new();
            let found = policies.set().policy(&cedar_policy::PolicyId::new(&policy.id)).cloned();
            // INVARIANT: the policy is in the set that its name was taken from, and alone its id is unique.
            if found.is_none_or(|found| alone.add(found).is_err()) {
                continue;
            }
            rules.push(evaluation.rule(&alone, policy.effect, policy.mentions, &asked));
        }
        Self { rules, declared, asked, evaluations: evaluation.count }
    }

    /// What the policies say.
    pub fn outcome(&self, purpose: PurposeId, context: Context) -> Outcome {
        let mut outcome = Outcome::default();
        for rule in &self.rules {
            let answer = rule.answer(purpose, context);
            outcome.failed |= answer.fails;
            if rule.permits {
                outcome.permitted |= answer.applies;
            } else {
                outcome.forbidden |= answer.applies;
            }
        }
        outcome
    }

    /// What is allowed and named by the purpose.
    pub fn allowed(&self, purpose: PurposeId, context: Context) -> u32 {
        self.outcome(purpose, context).allowed() & self.declared(purpose)
    }

    /// The categories that a purpose names, and [`COMBINE`] where it is the purpose of joining.
    pub fn declared(&self, purpose: PurposeId) -> u32 {
        self.declared.get(usize::from(purpose.0)).copied().unwrap_or(0)
    }

    /// The bits that there is an answer for.
    pub fn asked(&self, purpose: PurposeId) -> u32 {
        self.asked.get(usize::from(purpose.0)).copied().unwrap_or(0)
    }

    /// The purposes.
    pub fn purposes(&self) -> impl Iterator<Item = PurposeId> + use<> {
        (0..self.declared.len()).filter_map(|place| u8::try_from(place).ok()).map(PurposeId)
    }

    /// What each policy says, in their order.
    pub fn votes(&self, purpose: PurposeId, context: Context) -> impl Iterator<Item = Vote> {
        self.rules.iter().map(move |rule| rule.vote(purpose, context))
    }

    /// What the policy at this place says.
    pub fn vote(&self, place: usize, purpose: PurposeId, context: Context) -> Vote {
        self.rules.get(place).map(|rule| rule.vote(purpose, context)).unwrap_or_default()
    }

    /// How many policies there are.
    pub fn rules(&self) -> usize {
        self.rules.len()
    }
}

impl Rule {
    fn vote(&self, purpose: PurposeId, context: Context) -> Vote {
        let Answer { applies, fails } = self.answer(purpose, context);
        if self.permits {
            Vote { permits: applies, denies: fails }
        } else {
            Vote { permits: 0, denies: applies | fails }
        }
    }

    fn answer(&self, purpose: PurposeId, context: Context) -> Answer {
        let place = self.place.get(usize::from(context.number())).copied().unwrap_or(0);
        let of_purpose = self.answers.get(usize::from(purpose.0));
        of_purpose.and_then(|answers| answers.get(usize::from(place))).copied().unwrap_or_default()
    }
}

/// Evaluates policies, one at a time.
struct Evaluation<'w> {
    world: &'w World,
    authorizer: Authorizer,
    count: u64,
}

impl Evaluation<'_> {
    fn rule(&mut self, policy: &PolicySet, effect: Effect, mentions: Mentions, asked: &[u32]) -> Rule {
        let (place, contexts) = combinations(mentions.context);
        let mut answers: Vec<Vec<Answer>> = Vec::new();
        for (purpose, asked) in (0..).map(PurposeId).zip(asked) {
            let same = answers.last().filter(|_| !mentions.purpose).cloned();
            // What does not ask which purpose it is answers for all, also for the one that joins records.
            let joins = !mentions.purpose || asked & COMBINE != 0;
            answers.push(match same {
                Some(same) => same,
                None => contexts.iter().map(|at| self.answer(policy, (purpose, joins), mentions, *at)).collect(),
            });
        }
        Rule { permits: effect == Effect::Permit, place, answers }
    }

    /// For a purpose, and for joining records where that is asked.
    fn answer(
        &mut self,
        policy: &PolicySet,
        (purpose, joins): (PurposeId, bool),
        mentions: Mentions,
        context: Context,
    ) -> Answer {
        let mut answer = Answer::default();
        let mut ask = |subject: Subject, bits: u32| {
            let (applies, fails) = self.ask(policy, purpose, subject, context);
            answer.applies |= if applies { bits } else { 0 };
            answer.fails |= if fails { bits } else { 0 };
        };
        if mentions.category {
            for category in Category::ALL {
                ask(Subject::Use(category), category.bit());
            }
        } else {
            ask(Subject::Use(Category::Identity), CATEGORIES);
        }
        if joins {
            ask(Subject::Combine, COMBINE);
        }
        answer
    }

    /// Whether the policy applies, and whether it fails.
    fn ask(&mut self, policy: &PolicySet, purpose: PurposeId, subject: Subject, context: Context) -> (bool, bool) {
        self.count += 1;
        let Ok(request) = self.world.request(purpose, subject, context) else { return (false, true) };
        let response = self.authorizer.is_authorized(&request, policy, &self.world.entities);
        (response.diagnostics().reason().next().is_some(), response.diagnostics().errors().next().is_some())
    }
}

/// For each number of a context its place among the combinations of these bits, and a context for each of those.
fn combinations(bits: u16) -> (Vec<u16>, Vec<Context>) {
    let mut place = vec![0; usize::from(u16::MAX) + 1];
    let mut found: std::collections::HashMap<u16, u16> = std::collections::HashMap::new();
    let mut contexts = Vec::new();
    for context in Context::all() {
        let next = u16::try_from(contexts.len()).unwrap_or(u16::MAX);
        let at = *found.entry(context.number() & bits).or_insert_with(|| {
            contexts.push(context);
            next
        });
        if let Some(slot) = place.get_mut(usize::from(context.number())) {
            *slot = at;
        }
    }
    (place, contexts)
}
