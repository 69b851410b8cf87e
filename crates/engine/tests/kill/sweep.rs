//! Killing a move, or the way back, at one point after the other.

use throng_engine::Throng;
use throng_engine::error::Error;
use throng_engine::moves::{Move, MoveControl, MoveId, MovePlan, MoveState};
use throng_testkit::faulty::Moment;
use throng_testkit::script::Behaviour;

use super::{Differences, House, Kind, Outcome, Size, Who};

/// Where a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// At a write of the store, counted from 1.
    Write(u64, Moment),
    /// At a call of the far directory, counted from 1, which goes away then.
    Call(u64, Moment),
}

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Moving,
    /// Taking back a move that is through.
    PuttingBack,
}

/// Whether everybody tries to log in after each kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Logins {
    Tried,
    Left,
}

/// A house before the work, the work, and how it ends when nobody disturbs it.
pub(crate) struct Sweep {
    house: House,
    plan: MovePlan,
    work: Work,
    id: Option<MoveId>,
    before: Outcome,
    after: Outcome,
    journal: Outcome,
    writes: u64,
    calls: u64,
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// Points at which a process was killed.
    pub(crate) points: u64,
    /// Of those, points at which a move had begun.
    pub(crate) midway: u64,
}

impl Sweep {
    pub(crate) async fn of(kind: Kind, size: Size, work: Work) -> Self {
        let mut house = House::new(kind, size).await;
        let throng = house.first().await;
        let before = house.outcome(&throng).await;
        let plan = throng.plan_move(house.request()).await.unwrap();
        assert_eq!(plan.obstacles, []);
        assert_eq!(house.locked_out().await, []);
        let through = house.copy();
        let throng = through.first().await;
        let (writes, calls) = (through.store.writes(), through.far.all_calls());
        let record = throng.run_move(plan.clone(), &MoveControl::new()).await.unwrap();
        let counts = (through.store.writes() - writes, through.far.all_calls() - calls);
        assert_eq!(throng.verify_move(record.id).await.unwrap(), []);
        let (after, journal) = (through.outcome(&throng).await, through.journal(record.id).await);
        assert_ne!(before, after);
        let mut sweep =
            Self { plan, work, id: None, before, after, journal, writes: counts.0, calls: counts.1, house };
        let back = through.copy();
        let throng = back.first().await;
        let (writes, calls) = (back.store.writes(), back.far.all_calls());
        throng.revert_move(record.id, &MoveControl::new()).await.unwrap();
        let counts = (back.store.writes() - writes, back.far.all_calls() - calls);
        same(&back.outcome(&throng).await, &sweep.before, "reverting is the identity", kind);
        if work == Work::PuttingBack {
            house = through;
            sweep = Self { house, id: Some(record.id), writes: counts.0, calls: counts.1, ..sweep };
        }
        sweep
    }

    /// Every write, before it and after it; with a budget, that many points spread over them.
    pub(crate) async fn writes(&self, budget: u64, logins: Logins) -> Tally {
        let points = (1..=self.writes)
            .flat_map(|nth| [Moment::Before, Moment::After].map(|moment| Point::Write(nth, moment)));
        self.at(points.collect(), budget, logins).await
    }

    /// Every call of the far directory, before it was done and after.
    pub(crate) async fn calls(&self, budget: u64, logins: Logins) -> Tally {
        assert!(self.calls > 0, "the far directory takes part");
        let points = (1..=self.calls)
            .flat_map(|nth| [Moment::Before, Moment::After].map(|moment| Point::Call(nth, moment)));
        self.at(points.collect(), budget, logins).await
    }

    async fn at(&self, points: Vec<Point>, budget: u64, logins: Logins) -> Tally {
        let all = u64::try_from(points.len()).unwrap();
        let step = usize::try_from(all.div_ceil(budget.max(1))).unwrap();
        // An even step would meet only one of the two moments.
        let step = if step > 1 { step | 1 } else { step };
        let mut tally = Tally::default();
        for point in points.into_iter().step_by(step) {
            tally.points += 1;
            tally.midway += u64::from(self.kill(point, logins).await == Killed::Midway);
        }
        tally
    }

    /// Ends the work at a point. Then another process goes on with it, and in a copy of what was left, takes it back.
    async fn kill(&self, point: Point, logins: Logins) -> Killed {
        let kind = self.house.kind;
        let house = self.house.copy();
        let throng = house.first().await;
        match point {
            Point::Write(nth, moment) => house.store.fail_from(nth, moment),
            Point::Call(nth, Moment::Before) => house.far.behave_from(nth, Behaviour::Silent),
            Point::Call(nth, Moment::After) => house.far.behave_from(nth, Behaviour::Losing),
        }
        let outcome = self.work(&throng).await;
        match point {
            // What was written last may have been the end.
            Point::Write(..) => assert!(house.store.failed() > 0, "{kind:?} {point:?}: nothing failed"),
            Point::Call(..) => assert!(outcome.is_err(), "{kind:?} {point:?}: nothing failed"),
        }
        house.store.mend();
        house.far.behave(Behaviour::Answering);
        drop(throng);
        assert_eq!(house.locked_out().await, [], "{kind:?} {point:?}: passwords that open nothing");
        if logins == Logins::Tried {
            let none: [String; 0] = [];
            // What one point leaves after it, the next has before it.
            let who = match point {
                Point::Write(_, Moment::Before) | Point::Call(_, Moment::Before) => Who::Even,
                Point::Write(_, Moment::After) | Point::Call(_, Moment::After) => Who::Odd,
            };
            assert_eq!(house.cannot_log_in(who).await, none, "{kind:?} {point:?}: somebody is turned away");
        }
        let Some(record) = house.begun().await else {
            let again = house.next().await;
            same(&house.outcome(&again).await, &self.before, "begun without a journal", (kind, point));
            return Killed::Before;
        };
        if self.work == Work::Moving {
            self.resume(&house.copy(), record.id, point).await;
        }
        self.revert(&house, record.id, point).await;
        Killed::Midway
    }

    async fn work(&self, throng: &Throng) -> Result<Move, Error> {
        match (self.work, self.id) {
            (Work::PuttingBack, Some(id)) => throng.revert_move(id, &MoveControl::new()).await,
            _ => throng.run_move(self.plan.clone(), &MoveControl::new()).await,
        }
    }

    async fn resume(&self, house: &House, id: MoveId, point: Point) {
        let (kind, again) = (house.kind, house.next().await);
        let resumed = again.resume_move(id, &MoveControl::new()).await.unwrap();
        assert_eq!(resumed.state, MoveState::Moved);
        same(&house.outcome(&again).await, &self.after, "resumed", (kind, point));
        same(&house.journal(id).await, &self.journal, "the journal, resumed", (kind, point));
        assert_eq!(again.verify_move(id).await.unwrap(), []);
    }

    async fn revert(&self, house: &House, id: MoveId, point: Point) {
        let (kind, again) = (house.kind, house.next().await);
        let reverted = again.revert_move(id, &MoveControl::new()).await.unwrap();
        assert_eq!(reverted.state, MoveState::Reverted, "{kind:?} {point:?}");
        same(&house.outcome(&again).await, &self.before, "taken back", (kind, point));
        assert_eq!(house.locked_out().await, [], "{kind:?} {point:?}: taken back");
    }

    /// How many users are moved.
    pub(crate) fn users(&self) -> u64 {
        u64::try_from(self.house.size.users).unwrap()
    }

    /// How many writes or calls there are.
    pub(crate) fn points(&self, what: &str) -> u64 {
        if what == "calls" { self.calls } else { self.writes }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Killed {
    Before,
    Midway,
}

fn same(found: &Outcome, expected: &Outcome, words: &str, at: impl std::fmt::Debug) {
    assert!(found == expected, "{at:?}: {words}:\n{:?}", Differences(found, expected));
}
