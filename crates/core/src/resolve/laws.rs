//! The rules of resolution against a naive specification, for every combination of answers and policies.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::directory::Refusal;
use crate::id::DirectoryId;
use crate::plan::{OnRefusal, OnSilence, Plan, Purpose, Seat, SeatPolicy};

const MAX_AGE: Duration = Duration::from_secs(10);

/// The seven kinds of answer: the value is the rank, so that it is seen whose it is.
fn answers(rank: usize) -> [Answer<usize>; 7] {
    [
        Answer::Holds(rank),
        Answer::Lacks,
        Answer::Refuses(Refusal::WrongPassword),
        Answer::Silent(Memory::Nothing),
        Answer::Silent(Memory::Held),
        Answer::Silent(Memory::Lacked { age: MAX_AGE }),
        Answer::Silent(Memory::Lacked { age: MAX_AGE + Duration::from_secs(1) }),
    ]
}

/// The six policies of a seat.
fn policies() -> [SeatPolicy; 6] {
    let silences = [OnSilence::Stop, OnSilence::PassIfLacked { max_age: MAX_AGE }, OnSilence::Pass];
    let refusals = [OnRefusal::Stop, OnRefusal::Pass];
    let mut all = [SeatPolicy::DEFAULT; 6];
    for (n, policy) in all.iter_mut().enumerate() {
        let silence = silences[n % 3];
        *policy = SeatPolicy {
            login: silence,
            authorise: OnSilence::Stop,
            lookup: OnSilence::Stop,
            on_refusal: refusals[n / 3],
        };
    }
    all
}

fn directory(rank: usize) -> DirectoryId {
    DirectoryId::from_bytes([u8::try_from(rank).unwrap() + 1; 16])
}

/// The verdict, without its trail, and how many seats were asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Resolved(usize),
    Refused(usize),
    Unknown,
    Undecided,
}

/// The specification: sentences of the design, read off the whole list at once.
fn specified(world: &[(Answer<usize>, SeatPolicy)]) -> (Outcome, usize) {
    let passes = |(answer, policy): &(Answer<usize>, SeatPolicy)| match answer {
        Answer::Holds(_) => false,
        Answer::Lacks => true,
        Answer::Refuses(_) => policy.on_refusal == OnRefusal::Pass,
        Answer::Silent(memory) => match policy.login {
            OnSilence::Stop => false,
            OnSilence::Pass => true,
            OnSilence::PassIfLacked { max_age } => {
                matches!(memory, Memory::Lacked { age } if *age <= max_age)
            }
        },
    };
    let silent = |(answer, _): &(Answer<usize>, SeatPolicy)| matches!(answer, Answer::Silent(_));
    match world.iter().position(|seat| !passes(seat)) {
        Some(decider) => {
            let outcome = match world[decider].0 {
                Answer::Holds(rank) => Outcome::Resolved(rank),
                Answer::Refuses(_) => Outcome::Refused(decider),
                Answer::Silent(_) => Outcome::Undecided,
                Answer::Lacks => unreachable!("a seat that lacks the name always passes"),
            };
            (outcome, decider + 1)
        }
        None if world.iter().any(silent) => (Outcome::Undecided, world.len()),
        None => {
            let refuser = world.iter().position(|(answer, _)| matches!(answer, Answer::Refuses(_)));
            (refuser.map_or(Outcome::Unknown, Outcome::Refused), world.len())
        }
    }
}

fn outcome(verdict: &Verdict<usize>) -> Outcome {
    match verdict {
        Verdict::Resolved(resolved) => {
            assert_eq!(resolved.directory(), directory(*resolved.value()));
            Outcome::Resolved(*resolved.value())
        }
        Verdict::Refused { by, .. } => {
            Outcome::Refused(verdict.trail().lines().iter().position(|line| line.directory == *by).unwrap())
        }
        Verdict::Unknown(_) => Outcome::Unknown,
        Verdict::Undecided(_) => Outcome::Undecided,
    }
}

fn walk(plan: &Arc<Plan>, answers: &[Answer<usize>]) -> (Verdict<usize>, usize) {
    let mut asked = 0;
    let mut step = begin(plan, Purpose::Login);
    loop {
        step = match step {
            Step::Ask(walk) => {
                assert_eq!(walk.seat().directory, directory(asked), "seats are asked in order");
                asked += 1;
                walk.hear(answers[asked - 1].clone())
            }
            Step::Done(verdict) => return (verdict, asked),
        };
    }
}

fn check(world: &[(Answer<usize>, SeatPolicy)]) {
    let plan = world.iter().enumerate().try_fold(Plan::new(), |plan, (rank, (_, policy))| {
        plan.push(Seat { policy: *policy, ..Seat::new(directory(rank)) })
    });
    let plan = Arc::new(plan.unwrap());
    let heard: Vec<_> = world.iter().map(|(answer, _)| answer.clone()).collect();
    let (expected, expected_asked) = specified(world);

    let (verdict, asked) = walk(&plan, &heard);
    assert_eq!((outcome(&verdict), asked), (expected, expected_asked), "{world:?}");

    let lines = verdict.trail().lines();
    for (line, answer) in lines.iter().zip(&heard).take(asked) {
        assert_eq!(line.said, Said::from(answer), "the trail says what was said: {world:?}");
    }
    assert!(lines[asked..].iter().all(|line| line.said == Said::NotAsked), "{world:?}");
    if matches!(verdict, Verdict::Unknown(_)) {
        assert!(
            heard.iter().all(|answer| *answer == Answer::Lacks),
            "unknown means that everyone answered: {world:?}"
        );
    }

    let survey = Survey::of(&plan, Purpose::Login, heard.clone());
    assert_eq!(survey.verdict(), &verdict, "survey and walk agree: {world:?}");
    let below: Vec<_> = (asked..heard.len()).filter(|&rank| heard[rank] == Answer::Holds(rank)).collect();
    let shadowed: Vec<_> = survey.shadowed().iter().map(|occurrence| occurrence.value).collect();
    assert_eq!(shadowed, below, "the shadowed are the holders below the decision: {world:?}");

    // Nothing below the decider matters.
    for rank in asked..heard.len() {
        for other in answers(rank) {
            let mut altered = heard.clone();
            altered[rank] = other;
            assert_eq!(walk(&plan, &altered), (verdict.clone(), asked), "{world:?}");
        }
    }

    if heard.iter().all(|answer| matches!(answer, Answer::Holds(_) | Answer::Lacks)) {
        let holders = (0..heard.len()).rev().filter(|&rank| heard[rank] == Answer::Holds(rank));
        let ranked = super::rank(&plan, holders.map(|rank| (directory(rank), rank)));
        assert_eq!(ranked, verdict, "ranking the holders and walking agree, trail included: {world:?}");
    }
}

fn every_world(seats: usize) -> usize {
    fn descend(world: &mut Vec<(Answer<usize>, SeatPolicy)>, left: usize) -> usize {
        if left == 0 {
            check(world);
            return 1;
        }
        let mut count = 0;
        for answer in answers(world.len()) {
            for policy in policies() {
                world.push((answer.clone(), policy));
                count += descend(world, left - 1);
                world.pop();
            }
        }
        count
    }
    descend(&mut Vec::new(), seats)
}

#[test]
fn every_world_of_up_to_three_directories_is_as_specified() {
    let counts: Vec<usize> = (0..=3).map(every_world).collect();
    assert_eq!(counts, [1, 42, 42 * 42, 42 * 42 * 42]);
}

#[test]
#[ignore = "three million worlds: run by `cargo xtask sweep`"]
fn every_world_of_four_directories_is_as_specified() {
    let worlds = every_world(4);
    println!("{worlds} worlds of four directories are as specified");
    assert_eq!(worlds, 42 * 42 * 42 * 42);
}

#[test]
fn a_directory_that_lacks_the_name_changes_the_trail_only() {
    for answer in answers(0) {
        for policy in policies() {
            let seat = |rank| Seat { policy, ..Seat::new(directory(rank)) };
            let alone = Arc::new(Plan::new().push(seat(0)).unwrap());
            let beside = Arc::new(Plan::new().push(seat(1)).unwrap().push(seat(0)).unwrap());
            let (one, _) = walk(&alone, std::slice::from_ref(&answer));
            let Step::Ask(first) = begin::<usize>(&beside, Purpose::Login) else {
                panic!("there are seats to ask")
            };
            let Step::Ask(second) = first.hear(Answer::<usize>::Lacks) else {
                panic!("lacking decides nothing")
            };
            let Step::Done(two) = second.hear(answer.clone()) else { panic!("nobody is left") };
            assert_eq!(std::mem::discriminant(&one), std::mem::discriminant(&two), "{answer:?} {policy:?}");
        }
    }
}

#[test]
fn a_write_stops_on_every_silence() {
    for policy in policies() {
        for answer in answers(0).into_iter().filter(|answer| matches!(answer, Answer::Silent(_))) {
            let plan = Plan::new().push(Seat { policy, ..Seat::new(directory(0)) }).unwrap();
            let Step::Ask(walk) = begin::<usize>(&Arc::new(plan.seat(directory(1)).unwrap()), Purpose::Write)
            else {
                panic!("there are seats to ask")
            };
            assert!(matches!(walk.hear(answer), Step::Done(Verdict::Undecided(_))));
        }
    }
}
