//! The contract of the port that mirrors are fed through.

mod edit;
mod fixture;
mod steps;

pub mod changes;
pub mod cursors;
pub mod stating;

pub use self::edit::Edit;
pub use self::fixture::SyncFixture;

/// Stamps a test for each documented behaviour of [`SyncSource`](throng_core::sync::SyncSource).
///
/// `sync_contract!(name, make, with = [cursors, users, groups, members])` makes a module `name` with one `#[test]` for
/// each case. `make` is a closure or function whose future gives a source that holds the
/// [`World`](crate::contract::directory::World) it is given: a `SyncSource`, or a [`SyncFixture`] when there is more to
/// tell. It is called once for each case, inside a tokio runtime that ends with the case.
///
/// The list says what there is beside full pulls; cases of what is not listed are not stamped:
///
/// - `cursors`: the source can tell what changed. The first test holds that against what it gives, in both directions,
///   and the fixture tells a cursor of another source.
/// - `users`, `groups`, `members`: these can be changed at the source, as the fixture tells. What changed is expected
///   since the cursor where there are cursors, and in a full pull.
///
/// ```
/// throng_testkit::sync_contract!(
///     scripted,
///     |world| async {
///         let id = throng_core::id::DirectoryId::from_bytes([1; 16]);
///         let directory = world.scripted(id).stating_in_batches_of(3);
///         let foreign = throng_core::sync::Cursor::new("another directory:1").expect("a cursor");
///         throng_testkit::contract::sync::SyncFixture::new(directory.clone())
///             .edited_through(directory)
///             .in_batches_of(3)
///             .cursor_of_another(foreign)
///     },
///     with = [cursors, users, groups, members],
/// );
/// ```
#[macro_export]
macro_rules! sync_contract {
    ($name:ident, $make:expr, with = [$($what:ident),* $(,)?] $(,)?) => {
        mod $name {
            #[allow(unused_imports, reason = "`make` may name everything by its full path")]
            use super::*;

            async fn fixture() -> $crate::contract::sync::SyncFixture {
                $crate::contract::sync::SyncFixture::made($make).await
            }

            #[test]
            fn what_is_listed_is_there() {
                $crate::__private::run(async {
                    let fixture = fixture().await;
                    let listed: &[&str] = &[$(stringify!($what)),*];
                    $crate::contract::sync::stating::what_is_listed_is_there(&fixture, listed).await;
                });
            }

            $crate::__sync_cases!(stating, __stamp_sync_cases);
            $($crate::__sync_cases!($what, __stamp_sync_cases);)*
        }
    };
}

/// Hands the cases of full pulls, or of what is listed, to another macro: the one place where they stand.
#[doc(hidden)]
#[macro_export]
macro_rules! __sync_cases {
    (stating, $then:ident) => {
        $crate::$then! { stating {
            a_pull_goes_on_from_the_position_named
            a_pull_begins_again_without_a_position
            a_forgotten_position_is_a_fault_and_no_end
            a_batch_keeps_its_limit
            the_first_batch_alone_carries_the_cursor_t63
            a_full_pull_states_exactly_what_is_there
            everybody_is_stated_once
            users_come_before_groups_and_groups_before_members
            the_parts_of_a_group_follow_one_another
            a_full_pull_ends_as_it_promises_t59
            a_full_pull_states_no_change
            a_full_pull_may_be_repeated
        } }
    };
    (cursors, $then:ident) => {
        $crate::$then! { cursors {
            where_nothing_has_changed_nothing_changes
            a_pull_since_a_cursor_gives_the_next_one
            an_unknown_cursor_is_expired_r39
            a_cursor_of_another_source_is_expired_r39
        } }
    };
    (users, $then:ident) => {
        $crate::$then! { changes {
            an_added_user_is_stated
            an_updated_user_is_stated
            a_switched_user_is_stated
            a_renamed_user_is_the_same_account
            a_removed_user_is_gone
            a_successor_of_a_removed_user_is_another_account_t05
            exchanged_names_are_stated
            many_changes_of_a_user_are_stated_as_they_end
            an_old_pull_may_be_repeated
            who_is_renamed_amid_a_pull_is_not_left_out_t59
            users_changed_amid_a_pull_are_not_missed_t63
        } }
    };
    (groups, $then:ident) => {
        $crate::$then! { changes {
            an_added_group_is_stated
            an_updated_group_is_stated
            a_removed_group_is_gone
            a_group_that_is_made_anew_is_empty_t05
            groups_changed_amid_a_pull_are_not_missed_t63
        } }
    };
    (members, $then:ident) => {
        $crate::$then! { changes {
            a_member_who_joined_is_stated
            a_member_who_left_is_stated
            a_group_that_moved_is_stated
            who_left_and_joined_again_is_a_member
            members_changed_amid_a_pull_are_not_missed_t63
        } }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __stamp_sync_cases {
    ($group:ident { $($case:ident)+ }) => {
        $(
            #[test]
            fn $case() {
                $crate::__private::run(async {
                    let fixture = fixture().await;
                    $crate::contract::sync::$group::$case(&fixture).await;
                });
            }
        )+
    };
}

#[cfg(test)]
mod tests {
    /// A case that is written and not listed would never run.
    #[test]
    fn every_case_that_is_written_is_listed() {
        let listed = include_str!("mod.rs");
        let sources = [include_str!("stating.rs"), include_str!("cursors.rs"), include_str!("changes.rs")];
        let mut count = 0;
        for case in sources
            .iter()
            .flat_map(|source| source.split("\npub async fn ").skip(1))
            .filter_map(|rest| rest.split('(').next())
        {
            count += 1;
            assert!(listed.contains(&format!(" {case}\n")) || case == "what_is_listed_is_there", "{case}");
        }
        assert!(count > 30, "a contract without cases proves nothing");
    }
}
