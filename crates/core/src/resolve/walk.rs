use std::sync::Arc;

use crate::directory::Refusal;
use crate::id::DirectoryId;
use crate::plan::{OnRefusal, OnSilence, Plan, Purpose, Seat};
use crate::resolve::answer::{Answer, Memory};
use crate::resolve::trail::{Said, Trail};
use crate::resolve::verdict::{Resolved, Verdict};

/// Begins to ask the seats of a plan in order.
pub fn begin<T>(plan: &Arc<Plan>, purpose: Purpose) -> Step<T> {
    let walk =
        Walk { plan: Arc::clone(plan), purpose, said: Vec::new(), first_refusal: None, silence: false };
    walk.go_on()
}

/// What to do next.
#[derive(Debug)]
pub enum Step<T> {
    /// Ask this seat, and let the walk hear the answer.
    Ask(Walk),
    /// Nothing more to ask.
    Done(Verdict<T>),
}

/// A walk that waits for the answer of one seat. Hearing it consumes the walk, so that a finished one cannot be fed.
#[derive(Debug)]
pub struct Walk {
    plan: Arc<Plan>,
    purpose: Purpose,
    said: Vec<Said>,
    first_refusal: Option<(DirectoryId, Refusal)>,
    silence: bool,
}

impl Walk {
    /// The seat to ask.
    pub fn seat(&self) -> &Seat {
        &self.plan.seats()[self.said.len()]
    }

    /// Takes the seat's answer.
    pub fn hear<T>(mut self, answer: Answer<T>) -> Step<T> {
        let (directory, policy) = (self.seat().directory, self.seat().policy);
        self.said.push(Said::from(&answer));
        match answer {
            Answer::Holds(value) => {
                let trail = self.into_trail();
                Step::Done(Verdict::Resolved(Resolved::new(value, directory, trail)))
            }
            Answer::Lacks => self.go_on(),
            Answer::Refuses(why) => match policy.on_refusal {
                OnRefusal::Stop => {
                    Step::Done(Verdict::Refused { by: directory, why, trail: self.into_trail() })
                }
                OnRefusal::Pass => {
                    self.first_refusal.get_or_insert((directory, why));
                    self.go_on()
                }
            },
            Answer::Silent(memory) => {
                if !may_pass(policy.on_silence(self.purpose), memory) {
                    return Step::Done(Verdict::Undecided(self.into_trail()));
                }
                self.silence = true;
                self.go_on()
            }
        }
    }

    fn go_on<T>(self) -> Step<T> {
        if self.said.len() < self.plan.seats().len() {
            return Step::Ask(self);
        }
        Step::Done(match (self.silence, self.first_refusal) {
            (true, _) => Verdict::Undecided(self.into_trail()),
            (false, Some((by, why))) => Verdict::Refused { by, why, trail: self.into_trail() },
            (false, None) => Verdict::Unknown(self.into_trail()),
        })
    }

    fn into_trail(self) -> Trail {
        Trail::walked(self.plan, self.said)
    }
}

fn may_pass(policy: OnSilence, memory: Memory) -> bool {
    match (policy, memory) {
        (OnSilence::Pass, _) => true,
        (OnSilence::PassIfLacked { max_age }, Memory::Lacked { age }) => age <= max_age,
        (OnSilence::PassIfLacked { .. } | OnSilence::Stop, _) => false,
    }
}
