//! The routes against sentences of the rules, for every way that up to three seats can stand.

use super::*;

const ABLE: Abilities =
    Abilities { users: true, groups: true, members: true, passwords: true, nesting: true };
const UNABLE: Abilities =
    Abilities { users: false, groups: false, members: false, passwords: false, nesting: false };
const PRESENCES: [Presence; 3] = [Presence::Holds, Presence::Lacks, Presence::Silent];

fn directory(n: usize) -> DirectoryId {
    DirectoryId::from_bytes([u8::try_from(n).unwrap() + 1; 16])
}

/// Every list of `seats` choices among `options`.
fn lists<T: Clone>(options: &[T], seats: usize) -> Vec<Vec<T>> {
    (0..seats).fold(vec![vec![]], |lists, _| {
        lists
            .iter()
            .flat_map(|list| options.iter().map(|o| [list.as_slice(), std::slice::from_ref(o)].concat()))
            .collect()
    })
}

/// A seat may (mask), can (powers) and knows (presence); all three in every combination.
fn standings(seats: usize, operation: Operation) -> Vec<Vec<Standing>> {
    let mut options = Vec::new();
    for may in [Permissions::ALL, Permissions::ALL.without(operation)] {
        for can in [ABLE, UNABLE] {
            for holds in PRESENCES {
                options.push(Standing { directory: directory(0), may, can, holds });
            }
        }
    }
    let mut all = lists(&options, seats);
    for world in &mut all {
        for (n, seat) in world.iter_mut().enumerate() {
            seat.directory = directory(n);
        }
    }
    all
}

fn worlds(operation: Operation) -> impl Iterator<Item = Vec<Standing>> {
    (0..=3).flat_map(move |seats| standings(seats, operation))
}

fn willing(seat: &Standing, operation: Operation) -> bool {
    seat.can == ABLE && seat.may.allows(operation)
}

#[test]
fn a_new_user_goes_to_the_first_willing_directory_r250() {
    for world in worlds(Operation::CreateUser) {
        let expected = if let Some(holder) = world.iter().find(|seat| seat.holds == Presence::Holds) {
            Err(NoRoute::Taken(holder.directory))
        } else if let Some(silent) = world.iter().find(|seat| seat.holds == Presence::Silent) {
            Err(NoRoute::Undecided(silent.directory))
        } else {
            let first = world.iter().find(|seat| willing(seat, Operation::CreateUser));
            first.map(|seat| seat.directory).ok_or(NoRoute::Forbidden)
        };
        assert_eq!(new_user(&world), expected, "{world:?}");
    }
}

#[test]
fn a_user_is_changed_in_the_canonical_directory_only_r252_r253() {
    for operation in [Operation::UpdateUser, Operation::DeleteUser, Operation::UpdateUserAttribute] {
        for world in worlds(operation) {
            let expected = match world.iter().find(|seat| seat.holds != Presence::Lacks) {
                None => Err(NoRoute::Missing),
                Some(seat) if seat.holds == Presence::Silent => Err(NoRoute::Undecided(seat.directory)),
                Some(seat) if willing(seat, operation) => Ok(seat.directory),
                Some(_) => Err(NoRoute::Forbidden),
            };
            assert_eq!(user_change(&world, operation), expected, "{world:?}");
            if operation == Operation::UpdateUser {
                assert_eq!(password_change(&world), expected, "{world:?}");
            }
        }
    }
}

#[test]
fn a_new_group_goes_to_the_first_or_to_every_willing_directory_r260() {
    for world in worlds(Operation::CreateGroup) {
        let willing: Vec<_> = world
            .iter()
            .filter(|seat| willing(seat, Operation::CreateGroup))
            .map(|seat| seat.directory)
            .collect();
        let free = new_user(&world).err().filter(|why| *why != NoRoute::Forbidden);
        for (rule, targets) in [
            (NewGroups::EveryDirectory, willing.clone()),
            (NewGroups::FirstDirectory, willing.first().copied().into_iter().collect()),
        ] {
            let expected = match free {
                Some(NoRoute::Taken(_) | NoRoute::Undecided(_)) => Err(free.unwrap()),
                _ if targets.is_empty() => Err(NoRoute::Forbidden),
                _ => Ok(targets),
            };
            assert_eq!(new_group(&world, rule), expected, "{world:?}");
        }
    }
}

#[test]
fn a_group_is_changed_wherever_it_is_held_and_may_be_r261() {
    for world in worlds(Operation::DeleteGroup) {
        let holders: Vec<_> = world.iter().filter(|seat| seat.holds == Presence::Holds).collect();
        let targets: Vec<_> = holders
            .iter()
            .filter(|seat| willing(seat, Operation::DeleteGroup))
            .map(|seat| seat.directory)
            .collect();
        let expected = match world.iter().find(|seat| seat.holds == Presence::Silent) {
            Some(silent) => Err(NoRoute::Undecided(silent.directory)),
            None if holders.is_empty() => Err(NoRoute::Missing),
            None if targets.is_empty() => Err(NoRoute::Forbidden),
            None => Ok(targets),
        };
        assert_eq!(group_change(&world, Operation::DeleteGroup), expected, "{world:?}");
    }
}

/// Seats as a membership sees them: the member and the group present or not, the edge there or not, and what is
/// allowed.
fn member_worlds() -> impl Iterator<Item = Vec<MemberStanding>> {
    let mut options = Vec::new();
    for holds in PRESENCES {
        for group in PRESENCES {
            for direct in [false, true] {
                if direct && (holds != Presence::Holds || group != Presence::Holds) {
                    continue;
                }
                for may in [
                    Permissions::ALL,
                    Permissions::ALL.without(Operation::CreateGroup),
                    Permissions::ALL.without(Operation::UpdateGroup),
                ] {
                    let seat = Standing { directory: directory(0), may, can: ABLE, holds };
                    options.push(MemberStanding { seat, group, direct });
                }
            }
        }
    }
    (0..=3).flat_map(move |seats| {
        let mut all = lists(&options, seats);
        for world in &mut all {
            for (n, seat) in world.iter_mut().enumerate() {
                seat.seat.directory = directory(n);
            }
        }
        all
    })
}

/// The canonical scheme looks at one directory, the aggregated one at each that holds the member.
fn looked_at(world: &[MemberStanding], scheme: MembershipScheme) -> Result<Vec<MemberStanding>, NoRoute> {
    let silent = |seat: &&MemberStanding| seat.seat.holds == Presence::Silent;
    let holds = |seat: &&MemberStanding| seat.seat.holds == Presence::Holds;
    let holders: Vec<_> = match scheme {
        MembershipScheme::Canonical => {
            let known = world.iter().take_while(|seat| !silent(seat)).find(holds).copied();
            match (known, world.iter().find(silent)) {
                (None, Some(seat)) => return Err(NoRoute::Undecided(seat.seat.directory)),
                (known, _) => known.into_iter().collect(),
            }
        }
        MembershipScheme::Aggregated => {
            if let Some(seat) = world.iter().find(silent) {
                return Err(NoRoute::Undecided(seat.seat.directory));
            }
            world.iter().filter(holds).copied().collect()
        }
    };
    if holders.is_empty() { Err(NoRoute::Missing) } else { Ok(holders) }
}

#[test]
fn members_are_added_as_r280_to_r283_say() {
    let (mut worlds, mut made, mut found) = (0, 0, 0);
    for world in member_worlds() {
        for scheme in [MembershipScheme::Canonical, MembershipScheme::Aggregated] {
            worlds += 1;
            let result = addition(&world, scheme, MemberKind::User);
            let seats = match looked_at(&world, scheme) {
                Ok(seats) => seats,
                Err(why) => {
                    assert_eq!(result, Err(why), "{world:?}");
                    continue;
                }
            };
            let may = |seat: &MemberStanding, operation| seat.seat.may.allows(operation);
            let writable = |seat: &MemberStanding| may(seat, Operation::UpdateGroup);
            let first_with = seats.iter().find(|s| s.group == Presence::Holds && writable(s));
            let first_making = seats
                .iter()
                .find(|s| s.group == Presence::Lacks && writable(s) && may(s, Operation::CreateGroup));
            let expected = if seats.iter().any(|seat| seat.direct) {
                Err(NoRoute::AlreadyMember)
            } else if let Some(silent) = world.iter().find(|seat| seat.group == Presence::Silent) {
                Err(NoRoute::Undecided(silent.seat.directory))
            } else if world.iter().all(|seat| seat.group == Presence::Lacks) {
                Err(NoRoute::GroupMissing)
            } else if let Some(seat) = first_with {
                found += 1;
                Ok(Addition { directory: seat.seat.directory, group: GroupThere::Present })
            } else if let Some(seat) = first_making {
                made += 1;
                Ok(Addition { directory: seat.seat.directory, group: GroupThere::ToBeMade })
            } else {
                Err(NoRoute::Forbidden)
            };
            assert_eq!(result, expected, "{scheme:?} {world:?}");
        }
    }
    assert!(worlds > 50_000 && made > 500 && found > 500, "{worlds} {made} {found}");
}

#[test]
fn members_are_removed_as_r284_to_r286_say() {
    for world in member_worlds() {
        for scheme in [MembershipScheme::Canonical, MembershipScheme::Aggregated] {
            let result = removal(&world, scheme, MemberKind::User);
            let seats = match looked_at(&world, scheme) {
                Ok(seats) => seats,
                Err(why) => {
                    assert_eq!(result, Err(why), "{world:?}");
                    continue;
                }
            };
            let holders: Vec<_> = seats.iter().filter(|seat| seat.direct).collect();
            let expected = if let Some(silent) = seats.iter().find(|seat| seat.group == Presence::Silent) {
                Err(NoRoute::Undecided(silent.seat.directory))
            } else if seats.iter().all(|seat| seat.group == Presence::Lacks) {
                Err(NoRoute::GroupMissing)
            } else if holders.is_empty() {
                Err(NoRoute::NotMember)
            } else if holders.iter().all(|seat| seat.seat.may.allows(Operation::UpdateGroup)) {
                Ok(holders.iter().map(|seat| seat.seat.directory).collect())
            } else {
                Err(NoRoute::Forbidden)
            };
            assert_eq!(result, expected, "{scheme:?} {world:?}");
        }
    }
}

#[test]
fn groups_stand_only_where_nesting_is_known_r288_r402() {
    let seat = |n, nesting| MemberStanding {
        seat: Standing {
            directory: directory(n),
            may: Permissions::ALL,
            can: Abilities { nesting, ..ABLE },
            holds: Presence::Holds,
        },
        group: Presence::Holds,
        direct: false,
    };
    let world = [seat(0, false), seat(1, true)];
    let canonical = addition(&world, MembershipScheme::Canonical, MemberKind::Group);
    assert_eq!(canonical, Err(NoRoute::NoNesting));
    let aggregated = addition(&world, MembershipScheme::Aggregated, MemberKind::Group);
    assert_eq!(aggregated.unwrap().directory, directory(1));
    assert!(addition(&world, MembershipScheme::Canonical, MemberKind::User).is_ok());
}
