//! A move that is killed at every write of the store and at every call of a far directory, before it and after it, is
//! resumed and ends as one that was not, or is taken back and leaves nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod kill;

use kill::sweep::{Logins, Sweep, Work};
use kill::{Hashes, Kind, Size};

/// The size that is swept whole by `cargo xtask sweep`, and in part every day.
const FULL: Size = Size { users: 200, groups: 50, seed: 1, hashes: Hashes::Strong };

/// The size that is swept whole every day.
const SMALL: Size = Size { users: 12, groups: 5, seed: 1, hashes: Hashes::Strong };

/// Small enough for everybody to log in after each kill: a login costs a real hash.
const TINY: Size = Size { users: 6, groups: 3, seed: 2, hashes: Hashes::Mixed };

/// More points than there are.
const ALL: u64 = u64::MAX;

/// So many points of the full size every day.
const SHARE: u64 = 30;

async fn small(kind: Kind) {
    for work in [Work::Moving, Work::PuttingBack] {
        let sweep = Sweep::of(kind, SMALL, work).await;
        let tally = sweep.writes(ALL, Logins::Left).await;
        assert!(tally.midway >= 2 * sweep.users(), "{kind:?} {work:?}: {tally:?}");
    }
}

async fn small_calls(kind: Kind, works: &[Work]) {
    for &work in works {
        let sweep = Sweep::of(kind, SMALL, work).await;
        let tally = sweep.calls(ALL, Logins::Left).await;
        assert!(tally.midway >= 2 * sweep.users(), "{kind:?} {work:?}: {tally:?}");
    }
}

#[tokio::test]
async fn internal_to_internal() {
    small(Kind::InternalToInternal).await;
}

#[tokio::test]
async fn internal_to_delegated() {
    small(Kind::InternalToDelegated).await;
}

#[tokio::test]
async fn remote_to_internal() {
    small(Kind::RemoteToInternal).await;
}

#[tokio::test]
async fn internal_to_remote() {
    small(Kind::InternalToRemote).await;
}

#[tokio::test]
async fn remote_to_internal_while_the_far_directory_goes_away() {
    // On the way back nobody asks it.
    small_calls(Kind::RemoteToInternal, &[Work::Moving]).await;
}

#[tokio::test]
async fn internal_to_remote_while_the_far_directory_goes_away() {
    small_calls(Kind::InternalToRemote, &[Work::Moving, Work::PuttingBack]).await;
}

/// What a target said of a hash is written down before anything follows from it.
#[tokio::test]
async fn internal_to_remote_that_takes_only_some_of_the_hashes() {
    let size = Size { hashes: Hashes::SomeRefused, ..SMALL };
    let sweep = Sweep::of(Kind::InternalToRemote, size, Work::Moving).await;
    let tally = sweep.writes(ALL, Logins::Left).await;
    assert!(tally.midway >= 2 * sweep.users(), "{tally:?}");
    let tally = sweep.calls(ALL, Logins::Left).await;
    assert!(tally.midway >= 2 * sweep.users(), "{tally:?}");
}

/// Everybody who is active logs in through the application, after each kill and before anything is resumed.
async fn logins(kind: Kind) {
    for work in [Work::Moving, Work::PuttingBack] {
        let sweep = Sweep::of(kind, TINY, work).await;
        let tally = sweep.writes(ALL, Logins::Tried).await;
        assert!(tally.midway >= 2 * sweep.users(), "{kind:?} {work:?}: {tally:?}");
    }
}

#[tokio::test]
async fn everybody_logs_in_whenever_internal_to_internal_is_killed() {
    logins(Kind::InternalToInternal).await;
}

#[tokio::test]
async fn everybody_logs_in_whenever_internal_to_delegated_is_killed() {
    logins(Kind::InternalToDelegated).await;
}

#[tokio::test]
async fn everybody_logs_in_whenever_remote_to_internal_is_killed() {
    logins(Kind::RemoteToInternal).await;
}

#[tokio::test]
async fn everybody_logs_in_whenever_internal_to_remote_is_killed() {
    logins(Kind::InternalToRemote).await;
}

/// A share of the full size, every day.
async fn share(kind: Kind) {
    let sweep = Sweep::of(kind, FULL, Work::Moving).await;
    let tally = sweep.writes(SHARE, Logins::Left).await;
    assert!(tally.points * 10 >= SHARE * 9, "{kind:?}: {tally:?}");
}

#[tokio::test]
async fn a_share_of_200_users_and_50_groups_internal_to_internal() {
    share(Kind::InternalToInternal).await;
}

#[tokio::test]
async fn a_share_of_200_users_and_50_groups_internal_to_delegated() {
    share(Kind::InternalToDelegated).await;
}

#[tokio::test]
async fn a_share_of_200_users_and_50_groups_remote_to_internal() {
    share(Kind::RemoteToInternal).await;
}

#[tokio::test]
async fn a_share_of_200_users_and_50_groups_internal_to_remote() {
    share(Kind::InternalToRemote).await;
}

/// What `cargo xtask sweep` asks for: a seed that decides who is moved, and how many points at most.
#[expect(clippy::disallowed_methods, reason = "a test harness hands nothing on but the environment")]
fn asked(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

/// The full size: every write, or every call of the far directory, before it and after it; resumed and taken back.
#[expect(clippy::print_stdout, reason = "whoever runs a sweep reads how far it went")]
async fn whole(kind: Kind, work: Work, what: &str) {
    let (seed, budget) = (asked("THRONG_SWEEP_SEED", FULL.seed), asked("THRONG_SWEEP_CASES", ALL));
    let sweep = Sweep::of(kind, Size { seed, ..FULL }, work).await;
    let tally = match what {
        "calls" => sweep.calls(budget, Logins::Left).await,
        _ => sweep.writes(budget, Logins::Left).await,
    };
    let all = 2 * sweep.points(what);
    assert!(tally.points >= all.min(budget / 3), "{kind:?}: {tally:?} of {all}");
    assert!(budget < all || tally.midway >= 2 * sweep.users(), "{kind:?}: {tally:?} of {all}");
    println!(
        "{kind:?}, {work:?} {} users and {} groups, seed {seed}: killed at {} points of {} {what}, midway {}",
        FULL.users,
        FULL.groups,
        tally.points,
        sweep.points(what),
        tally.midway
    );
}

macro_rules! whole_sweeps {
    ($($name:ident: $kind:ident $work:ident $what:literal;)*) => {
        mod whole {
            use super::{Kind, Work};

            $(#[tokio::test]
            #[ignore = "thousands of killed moves: run by `cargo xtask sweep`"]
            async fn $name() {
                super::whole(Kind::$kind, Work::$work, $what).await;
            })*
        }
    };
}

whole_sweeps! {
    internal_to_internal: InternalToInternal Moving "writes";
    internal_to_internal_and_back: InternalToInternal PuttingBack "writes";
    internal_to_delegated: InternalToDelegated Moving "writes";
    internal_to_delegated_and_back: InternalToDelegated PuttingBack "writes";
    remote_to_internal: RemoteToInternal Moving "writes";
    remote_to_internal_by_calls: RemoteToInternal Moving "calls";
    remote_to_internal_and_back: RemoteToInternal PuttingBack "writes";
    internal_to_remote: InternalToRemote Moving "writes";
    internal_to_remote_by_calls: InternalToRemote Moving "calls";
    internal_to_remote_and_back: InternalToRemote PuttingBack "writes";
    internal_to_remote_and_back_by_calls: InternalToRemote PuttingBack "calls";
}
