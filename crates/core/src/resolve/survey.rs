use std::sync::Arc;

use crate::id::DirectoryId;
use crate::plan::{Plan, Purpose};
use crate::resolve::answer::Answer;
use crate::resolve::trail::{Line, Said, Trail};
use crate::resolve::verdict::Verdict;
use crate::resolve::walk::{Step, begin};

/// What everybody said, with the verdict that a walk would have reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey<T> {
    verdict: Verdict<T>,
    shadowed: Vec<Occurrence<T>>,
    said: Trail,
}

/// One directory's own occurrence of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence<T> {
    /// The directory.
    pub directory: DirectoryId,
    /// What it holds.
    pub value: T,
}

impl<T> Survey<T> {
    /// Reads the answers of all seats, in the order of the plan. Seats whose answers are left out count as silent.
    pub fn of(plan: &Arc<Plan>, purpose: Purpose, answers: impl IntoIterator<Item = Answer<T>>) -> Self {
        let mut answers = answers.into_iter();
        let mut said = Vec::with_capacity(plan.seats().len());
        let mut next = || answers.next().unwrap_or(Answer::Silent(super::Memory::Nothing));
        let mut step = begin(plan, purpose);
        let verdict = loop {
            step = match step {
                Step::Ask(walk) => {
                    let answer = next();
                    said.push(Said::from(&answer));
                    walk.hear(answer)
                }
                Step::Done(verdict) => break verdict,
            };
        };
        let mut shadowed = Vec::new();
        for seat in plan.seats().iter().skip(said.len()) {
            let answer = next();
            said.push(Said::from(&answer));
            if let Answer::Holds(value) = answer {
                shadowed.push(Occurrence { directory: seat.directory, value });
            }
        }
        Self { verdict, shadowed, said: Trail::walked(Arc::clone(plan), said) }
    }

    /// The verdict of a walk over the same answers.
    pub fn verdict(&self) -> &Verdict<T> {
        &self.verdict
    }

    /// Gives the verdict up.
    pub fn into_verdict(self) -> Verdict<T> {
        self.verdict
    }

    /// Who holds the name below the decision, in order.
    pub fn shadowed(&self) -> &[Occurrence<T>] {
        &self.shadowed
    }

    /// What every seat said, below the decision too.
    pub fn lines(&self) -> Vec<Line<'_>> {
        self.said.lines()
    }
}
